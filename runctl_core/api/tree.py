"""A set of files to place somewhere."""

from __future__ import annotations

import enum
from pathlib import Path

import attrs


class EntryKind(enum.StrEnum):
    """What stands at a path.  Devices, sockets and the like are never part of a tree."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"


@attrs.frozen(kw_only=True)
class Entry:
    """One path of a tree.

    Attributes:
        path: relative, with forward slashes, without ``..``.
        source: where a file's bytes are on this machine, unless ``data`` holds them.
        target: what a symbolic link points to, relative and inside the tree.
        size_bytes, sha256: of a file's content.
    """

    path: str
    kind: EntryKind = EntryKind.FILE
    executable: bool = False
    source: Path | None = None
    data: bytes | None = None
    target: str | None = None
    size_bytes: int = 0
    sha256: str = ""


@attrs.frozen(kw_only=True)
class Tree:
    """Files to place, ordered by path."""

    entries: tuple[Entry, ...] = attrs.field(factory=tuple)

    @property
    def size_bytes(self) -> int:
        """The sum of all files."""
        return sum(entry.size_bytes for entry in self.entries)
