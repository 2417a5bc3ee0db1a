"""Turn frames into files, and keep a folder equal to a tree."""

from __future__ import annotations

import errno
import json
import os
import stat
from typing import TYPE_CHECKING, Any

from runctl_core.machines.far.frames import DATA, DIGEST, HEADER
from runctl_core.machines.far.root import Part, Root
from runctl_core.machines.far.scan import MANIFEST_NAME, free_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runctl_core.machines.far.frames import Emit, Frame


class Receiver:
    """Writes what arrives in frames below one folder, or as one file when the header's path is empty.

    Args:
        destination: the folder, or the file.
    """

    def __init__(self, destination: str) -> None:
        self._destination = os.path.abspath(os.path.expanduser(destination))
        self._root: Root | None = None
        self._part: Part | None = None
        self._mtime_ns: int | None = None

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._part is not None:
            self._part.close()
        if self._root is not None:
            self._root.__exit__()

    def feed(self, kind: bytes, data: bytes) -> None:
        """Take one frame."""
        if kind == HEADER:
            self._begin(json.loads(data))
        elif kind == DATA:
            self._open_part().write(data)
        elif kind == DIGEST:
            self._finish(data.decode())

    def _begin(self, record: dict[str, Any]) -> None:
        if self._part is not None:
            raise ValueError("a file began before the last one was whole")
        root, path = self._place_of(record["path"])
        if record["kind"] == "directory":
            root.make_folder(path)
        elif record["kind"] == "symlink":
            root.make_link(path, record["target"])
        else:
            self._mtime_ns = record.get("mtime_ns")
            self._part = root.begin(path, is_executable=bool(record.get("executable")))

    def _place_of(self, path: str) -> tuple[Root, str]:
        if path:
            folder, name = self._destination, path
        else:
            folder, name = os.path.split(self._destination)
        if self._root is None:
            self._root = Root(folder, create=True)
        return self._root, name

    def _open_part(self) -> Part:
        if self._part is None:
            raise ValueError("data arrived that belongs to no file")
        return self._part

    def _finish(self, sha256: str) -> None:
        part = self._open_part()
        part.commit(sha256, self._mtime_ns)
        part.close()
        self._part = None


def receive(
    payload: Iterable[Frame], emit: Emit, destination: str, expected_bytes: int = 0
) -> None:
    """Write what the payload holds.

    Raises:
        OSError: with ``ENOSPC`` before anything is written, when ``expected_bytes`` will not fit.
    """
    del emit
    _check_space(destination, expected_bytes)
    with Receiver(destination) as receiver:
        for kind, data in payload:
            receiver.feed(kind, data)


def compare(
    payload: Iterable[Frame], emit: Emit, destination: str, records: list[dict[str, Any]]
) -> dict[str, Any]:
    """Say which files of a tree must be sent, and whether nothing at all is to be done."""
    del payload, emit
    path = os.path.expanduser(destination)
    if not os.path.isdir(path):
        return {"missing": [r["path"] for r in records if r["kind"] == "file"], "is_same": False}
    with Root(path) as root:
        differing = [record for record in records if not _is_there(root, record)]
        missing = [record["path"] for record in differing if record["kind"] == "file"]
        is_same = not differing and _read_manifest(root) == _manifest_of(records)
    return {"missing": missing, "is_same": is_same}


def replace(
    payload: Iterable[Frame],
    emit: Emit,
    destination: str,
    records: list[dict[str, Any]],
    expected_bytes: int,
) -> None:
    """Make a folder hold a tree: remove what an earlier tree placed and this one lacks, then write the payload.

    The manifest names old and new files from before the first change until the end, so that after an interruption the
    next call still knows what is ours.
    """
    _check_space(destination, expected_bytes)
    with Root(os.path.expanduser(destination), create=True) as root:
        old, new = _read_manifest(root), _manifest_of(records)
        _write_manifest(root, {**new, **old})
        _prune(root, old, new)
        for record in records:
            if record["kind"] == "directory":
                root.make_folder(record["path"])
        receive(payload, emit, destination)
        for record in records:
            if record["kind"] == "symlink":
                root.make_link(record["path"], record["target"])
        _write_manifest(root, new)


def remove(payload: Iterable[Frame], emit: Emit, destination: str, paths: list[str]) -> list[str]:
    """Remove files, links and empty folders; return those that are gone."""
    del payload, emit
    with Root(os.path.expanduser(destination)) as root:
        return [path for path in sorted(paths, reverse=True) if root.remove(path)]


def _check_space(destination: str, expected_bytes: int) -> None:
    path = os.path.abspath(os.path.expanduser(destination))
    if expected_bytes and expected_bytes > free_bytes(path):
        raise OSError(
            errno.ENOSPC, f"{expected_bytes} bytes do not fit into {free_bytes(path)}", path
        )


def _is_there(root: Root, record: dict[str, Any]) -> bool:
    status = root.status(record["path"])
    if status is None:
        return False
    if record["kind"] == "directory":
        return stat.S_ISDIR(status.st_mode)
    if record["kind"] == "symlink":
        return stat.S_ISLNK(status.st_mode) and root.link_target(record["path"]) == record["target"]
    return (
        stat.S_ISREG(status.st_mode)
        and status.st_size == record["size_bytes"]
        and bool(status.st_mode & stat.S_IXUSR) == bool(record["executable"])
        and root.sha256(record["path"]) == record["sha256"]
    )


def _manifest_of(records: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What a tree places, with the folders that its paths imply."""
    placed = {record["path"]: [record["kind"], record.get("sha256") or ""] for record in records}
    for path in list(placed):
        steps = path.split("/")
        for count in range(1, len(steps)):
            placed.setdefault("/".join(steps[:count]), ["directory", ""])
    return placed


def _read_manifest(root: Root) -> dict[str, list[str]]:
    """What an earlier tree placed; nothing if the manifest is missing or not ours to understand."""
    try:
        with os.fdopen(root.open_file(MANIFEST_NAME), "rb") as file:
            known = json.loads(file.read())["placed"]
        return {str(path): [str(kind), str(sha256)] for path, (kind, sha256) in known.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write_manifest(root: Root, manifest: dict[str, list[str]]) -> None:
    import hashlib

    data = json.dumps({"placed": manifest}, sort_keys=True).encode()
    part = root.begin(MANIFEST_NAME)
    try:
        part.write(data)
        part.commit(hashlib.sha256(data).hexdigest())
    finally:
        part.close()


def _prune(root: Root, old: dict[str, list[str]], new: dict[str, list[str]]) -> None:
    """Remove what was placed and is not wanted as it is; a file that has changed there since stays."""
    for path in sorted(old, reverse=True):
        kind, sha256 = old[path]
        is_wanted = path in new and new[path][0] == kind
        if not is_wanted and (kind != "file" or root.sha256(path) == sha256):
            root.remove(path)
