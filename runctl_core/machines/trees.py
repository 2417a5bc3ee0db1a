"""A tree of the interface as what travels: records, and frames of the files that are wanted."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import attrs

from runctl_core.api.errors import InputError, RunctlError
from runctl_core.machines.far.frames import CHUNK_BYTES, DIGEST
from runctl_core.machines.far.root import check_path, is_inside
from runctl_core.machines.far.send import file_frames

if TYPE_CHECKING:
    from runctl_core.api.tree import Entry, Tree
    from runctl_core.machines.far.frames import Frame


@attrs.frozen(kw_only=True)
class Source:
    """A checked tree and the record of each of its entries."""

    tree: Tree
    records: list[dict[str, Any]]

    @classmethod
    def of(cls, tree: Tree) -> Source:
        """Check a tree and fill in sizes and digests that it lacks.

        Raises:
            InputError: a path or link would leave the destination, or a path comes twice.
        """
        records = [_record(entry) for entry in tree.entries]
        paths = {record["path"] for record in records}
        if len(paths) < len(records):
            raise InputError("a tree names the same path twice")
        return cls(tree=tree, records=records)

    def frames(self, wanted: Collection[str]) -> Iterator[Frame]:
        """The wanted files as frames.

        Raises:
            RunctlError: a file has changed since the tree was made.
        """
        for entry, record in zip(self.tree.entries, self.records, strict=True):
            if entry.path in wanted:
                with _open(entry) as file:
                    yield from _unchanged(record, file)

    def size_bytes(self, wanted: Collection[str]) -> int:
        """The sum of the wanted files."""
        return sum(r["size_bytes"] for r in self.records if r["path"] in wanted)


def _record(entry: Entry) -> dict[str, Any]:
    try:
        check_path(entry.path)
    except ValueError as error:
        raise InputError(str(error)) from None
    record: dict[str, Any] = {"path": entry.path, "kind": str(entry.kind)}
    if entry.kind == "symlink":
        if not is_inside(entry.path, entry.target or ""):
            raise InputError(f"{entry.path}: the link to {entry.target!r} leaves its folder")
        return {**record, "target": entry.target}
    if entry.kind == "directory":
        return record
    size_bytes, sha256 = _content_of(entry)
    return {
        **record,
        "executable": entry.executable,
        "size_bytes": size_bytes,
        "sha256": sha256,
    }


def _content_of(entry: Entry) -> tuple[int, str]:
    if entry.sha256:
        return entry.size_bytes, entry.sha256
    digest, size_bytes = hashlib.sha256(), 0
    with _open(entry) as file:
        while data := file.read(CHUNK_BYTES):
            digest.update(data)
            size_bytes += len(data)
    return size_bytes, digest.hexdigest()


def _open(entry: Entry) -> BinaryIO:
    if entry.data is not None:
        return io.BytesIO(entry.data)
    if entry.source is None:
        raise InputError(f"{entry.path}: a file of a tree needs data or a source")
    try:
        return entry.source.open("rb")
    except OSError as error:
        raise InputError(f"{entry.source}: {error.strerror}") from None


def _unchanged(record: dict[str, Any], file: BinaryIO) -> Iterator[Frame]:
    for kind, data in file_frames(record, file):
        if kind == DIGEST and data.decode() != record["sha256"]:
            raise RunctlError(
                f"{record['path']}: changed while it was being copied", hint="try again"
            )
        yield kind, data
