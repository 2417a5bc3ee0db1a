"""Look at files without changing them: list a folder, read part of a file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from runctl_core.machines.far.frames import CHUNK_BYTES, DATA
from runctl_core.machines.far.root import PART_PREFIX, Root, is_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runctl_core.machines.far.frames import Emit, Frame

MANIFEST_NAME = ".runctl-manifest.json"


def scan(
    payload: Iterable[Frame],
    emit: Emit,
    path: str,
    with_sha256: bool = False,
    only: list[str] | None = None,
) -> dict[str, Any]:
    """List a file or folder, or ``only`` the given paths in a folder.

    Returns:
        ``kind``: of ``path`` itself, ``None`` if there is nothing; ``records``: everything below, ordered by path, or
        the file itself under the path ``""``; ``left_out``: what cannot be copied; ``is_complete``: whether every
        folder could be read; ``real_path``; ``free_bytes``: space left at or above the path.
    """
    del payload, emit
    top = os.path.realpath(os.path.expanduser(path))
    found: dict[str, Any] = {"kind": None, "records": [], "left_out": [], "is_complete": True}
    if os.path.isdir(top):
        found["kind"] = "directory"
        paths = _walk(top, "") if only is None else ((path, True) for path in only)
        _scan_folder(top, paths, found, with_sha256)
    elif os.path.exists(top):
        found["kind"] = "file"
        folder, name = os.path.split(top)
        with Root(folder) as root:
            record = _record(root, name, with_sha256)
        found["records"] = [{**record, "path": ""}] if record else []
    return {**found, "real_path": top, "free_bytes": free_bytes(top)}


def read_slice(
    payload: Iterable[Frame], emit: Emit, path: str, offset: int, limit: int | None
) -> dict[str, int]:
    """Send part of a file; a negative offset counts from its end."""
    del payload
    with open(os.path.expanduser(path), "rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        start = max(0, size_bytes + offset) if offset < 0 else offset
        remaining = max(0, size_bytes - start)
        remaining = remaining if limit is None else min(limit, remaining)
        file.seek(start)
        while remaining:
            data = file.read(min(CHUNK_BYTES, remaining))
            if not data:
                break
            remaining -= len(data)
            emit(DATA, data)
    return {"offset": start, "size_bytes": size_bytes}


def free_bytes(path: str) -> int:
    """Space that this user may still fill at ``path``, or at the nearest folder above it that exists."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def _scan_folder(
    top: str, paths: Iterable[tuple[str, bool]], found: dict[str, Any], with_sha256: bool
) -> None:
    with Root(top) as root:
        for path, is_readable in paths:
            if not is_readable:
                found["left_out"].append(path)
                found["is_complete"] = False
                continue
            record = _record(root, path, with_sha256)
            if record is None:
                found["left_out"].append(path)
            else:
                found["records"].append(record)


def _walk(top: str, prefix: str) -> Iterator[tuple[str, bool]]:
    """Every path below, folders before what they hold, with whether it could be looked into."""
    try:
        with os.scandir(os.path.join(top, prefix)) as entries:
            children = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        yield prefix.rstrip("/") or ".", False
        return
    for child in children:
        if child.name == MANIFEST_NAME or child.name.startswith(PART_PREFIX):
            continue
        yield prefix + child.name, True
        if child.is_dir(follow_symlinks=False):
            yield from _walk(top, f"{prefix}{child.name}/")


def _record(root: Root, path: str, with_sha256: bool) -> dict[str, Any] | None:
    """One path as data, or ``None`` for what cannot be copied."""
    status = root.status(path)
    if status is None:
        return None
    record: dict[str, Any] = {"path": path, "mtime_ns": status.st_mtime_ns}
    if stat.S_ISDIR(status.st_mode):
        return {**record, "kind": "directory"}
    if stat.S_ISLNK(status.st_mode):
        target = root.link_target(path)
        return {**record, "kind": "symlink", "target": target} if is_inside(path, target) else None
    if not stat.S_ISREG(status.st_mode):
        return None
    record.update(
        kind="file",
        executable=bool(status.st_mode & stat.S_IXUSR),
        size_bytes=status.st_size,
    )
    return {**record, "sha256": root.sha256(path)} if with_sha256 else record
