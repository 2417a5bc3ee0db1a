"""Which files of a project belong on a machine."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from runctl_core.api.errors import InputError
from runctl_core.api.tree import Entry, EntryKind, Tree
from runctl_core.machines.far.root import is_inside
from runctl_core.machines.far.scan import MANIFEST_NAME
from runctl_core.transfer.secrets import is_secret

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

ALWAYS_IGNORED = frozenset(
    {
        ".DS_Store",
        ".git",
        ".hg",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".runctl",
        ".svn",
        ".venv",
        MANIFEST_NAME,
        "__pycache__",
    }
)


@attrs.frozen(kw_only=True)
class ProjectWalk:
    """The files of a project, and what was not taken.

    Attributes:
        refused: files that look like secrets and were not included by name.
        left_out: links that leave the project, devices, and what could not be read.
    """

    tree: Tree
    refused: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def walk_project(root: Path, *, include: Collection[str] = ()) -> ProjectWalk:
    """Collect what git would, by every ``.gitignore`` below ``root``, without secrets.

    Args:
        include: relative paths of files to take although they are ignored or look like secrets.

    Raises:
        InputError: ``root`` is no folder, or an included file is not there.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a folder")
    walk = _Walk(root)
    walk.enter("", ())
    for path in include:
        walk.take_by_name(path)
    return walk.result()


@attrs.frozen(kw_only=True)
class _Rules:
    """One ``.gitignore`` and the folder it speaks for, as a prefix that ends in a slash or is empty."""

    prefix: str
    spec: GitIgnoreSpec

    def verdict(self, path: str) -> bool | None:
        """Whether the file ignores ``path``, takes it back, or does not care."""
        return self.spec.check_file(path.removeprefix(self.prefix)).include


class _Walk:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._entries: dict[str, Entry] = {}
        self._refused: dict[str, None] = {}
        self._left_out: list[str] = []

    def result(self) -> ProjectWalk:
        ordered = sorted(self._entries.values(), key=lambda entry: entry.path.split("/"))
        return ProjectWalk(
            tree=Tree(entries=tuple(ordered)),
            refused=tuple(self._refused),
            left_out=tuple(self._left_out),
        )

    def enter(self, prefix: str, rules: Sequence[_Rules]) -> None:
        rules = (*rules, *_read_rules(self._root, prefix))
        for child in self._children(prefix):
            path = prefix + child.name
            is_folder = child.is_dir(follow_symlinks=False)
            if child.name in ALWAYS_IGNORED or _is_ignored(path, is_folder, rules):
                continue
            if is_secret(path):
                self._refused[path] = None
            elif is_folder:
                self._entries[path] = Entry(path=path, kind=EntryKind.DIRECTORY)
                self.enter(f"{path}/", rules)
            else:
                self._take(path)

    def take_by_name(self, path: str) -> None:
        if path in self._entries:
            return
        if not _is_file_inside(self._root, path):
            raise InputError(f"{path}: there is no such file in {self._root} to include")
        self._refused.pop(path, None)
        self._take(path)

    def _children(self, prefix: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / prefix) as children:
                yield from sorted(children, key=lambda child: child.name)
        except OSError:
            self._left_out.append(prefix.rstrip("/") or ".")

    def _take(self, path: str) -> None:
        try:
            entry = _entry(self._root, path)
        except OSError:
            entry = None
        if entry is None:
            self._left_out.append(path)
        else:
            self._entries[path] = entry


def _is_file_inside(root: Path, path: str) -> bool:
    return (root / path).is_file() and ".." not in path.split("/") and not path.startswith("/")


def _read_rules(root: Path, prefix: str) -> tuple[_Rules, ...]:
    try:
        lines = (root / prefix / ".gitignore").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ()
    from pathspec import GitIgnoreSpec

    return (_Rules(prefix=prefix, spec=GitIgnoreSpec.from_lines(lines)),)


def _is_ignored(path: str, is_folder: bool, rules: Sequence[_Rules]) -> bool:
    """What the nearest file with an opinion says."""
    asked = f"{path}/" if is_folder else path
    verdicts = (rule.verdict(asked) for rule in reversed(rules))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def _entry(root: Path, path: str) -> Entry | None:
    """The entry of a file or link, or ``None`` for what cannot travel."""
    source = root / path
    status = source.lstat()
    if stat.S_ISLNK(status.st_mode):
        target = str(source.readlink())
        if not is_inside(path, target):
            return None
        return Entry(path=path, kind=EntryKind.SYMLINK, target=target)
    if not stat.S_ISREG(status.st_mode):
        return None
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size_bytes = os.fstat(file.fileno()).st_size
    return Entry(
        path=path,
        executable=bool(status.st_mode & stat.S_IXUSR),
        source=source,
        size_bytes=size_bytes,
        sha256=digest,
    )
