"""A folder that nothing written through it can leave.

Every step of a path is opened by itself and never through a symbolic link, so neither a hostile path nor a link that is
swapped in meanwhile leads elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from typing import TYPE_CHECKING

from runctl_core.machines.far.frames import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

PART_PREFIX = ".runctl-part-"


def check_path(path: str) -> None:
    """Refuse what is not a plain relative path.

    Raises:
        ValueError: absolute, empty, with ``.`` or ``..`` or a NUL character.
    """
    steps = path.split("/")
    if "\0" in path or any(step in {"", ".", ".."} for step in steps):
        raise ValueError(f"{path!r} is not a path inside a folder")


def is_inside(path: str, target: str) -> bool:
    """Whether a symbolic link at ``path`` with this target stays in the root, however it is followed.

    ``..`` is allowed only in front and only up to the root: after a name it may climb from wherever that name links to.
    """
    if not target or "\0" in target or target.startswith("/"):
        return False
    steps = [step for step in target.split("/") if step not in {"", "."}]
    climbs = 0
    while climbs < len(steps) and steps[climbs] == "..":
        climbs += 1
    return ".." not in steps[climbs:] and climbs <= path.count("/")


class Part:
    """A file being written next to its name; it takes the name only by ``commit``."""

    def __init__(self, folder: int, name: str, is_executable: bool) -> None:
        self._folder = folder
        self._name = name
        self._part = PART_PREFIX + secrets.token_hex(8)
        mode = 0o777 if is_executable else 0o666
        self._file = os.fdopen(os.open(self._part, _CREATE, mode, dir_fd=folder), "wb")
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Append."""
        self._file.write(data)
        self._digest.update(data)

    def commit(self, sha256: str, mtime_ns: int | None = None) -> None:
        """Put the file in place if its content is what was promised.

        Raises:
            ValueError: it is not; nothing has changed at the name.
        """
        if self._digest.hexdigest() != sha256:
            raise ValueError(f"{self._name}: the content was damaged on its way")
        self._file.flush()
        os.fsync(self._file.fileno())
        if mtime_ns is not None:
            os.utime(self._file.fileno(), ns=(mtime_ns, mtime_ns))
        os.replace(self._part, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        self._part = ""

    def close(self) -> None:
        """Remove what was not committed."""
        self._file.close()
        if self._part:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._part, dir_fd=self._folder)
        os.close(self._folder)


class Root:
    """A folder, held open; paths are relative to it."""

    def __init__(self, path: str, *, create: bool = False) -> None:
        if create:
            os.makedirs(path, exist_ok=True)
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Root:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)

    def begin(self, path: str, *, is_executable: bool = False) -> Part:
        """Start writing the file ``path``, making its folders."""
        folder, name = self._open_parent(path, create=True)
        try:
            return Part(folder, name, is_executable)
        except BaseException:
            os.close(folder)
            raise

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        os.close(self._open_folder(path.split("/"), create=True))

    def make_link(self, path: str, target: str) -> None:
        """Make or replace a symbolic link.

        Raises:
            ValueError: the target is outside the root.
        """
        if not is_inside(path, target):
            raise ValueError(f"{path}: the link to {target!r} leaves its folder")
        with self._parent(path, create=True) as (folder, name):
            part = PART_PREFIX + secrets.token_hex(8)
            os.symlink(target, part, dir_fd=folder)
            try:
                os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                os.unlink(part, dir_fd=folder)
                raise

    def status(self, path: str) -> os.stat_result | None:
        """What stands at ``path`` itself, or ``None``."""
        try:
            with self._parent(path) as (folder, name):
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def link_target(self, path: str) -> str:
        """Where the symbolic link ``path`` points to."""
        with self._parent(path) as (folder, name):
            return os.readlink(name, dir_fd=folder)

    def open_file(self, path: str) -> int:
        """A descriptor of the regular file ``path``.

        Raises:
            ValueError: something else stands there.
        """
        with self._parent(path) as (folder, name):
            descriptor = os.open(name, _READ, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ValueError(f"{path}: not a regular file")
        return descriptor

    def sha256(self, path: str) -> str | None:
        """The digest of the regular file ``path``; ``None`` if there is none that can be read."""
        try:
            descriptor = self.open_file(path)
        except (OSError, ValueError):
            return None
        digest = hashlib.sha256()
        with os.fdopen(descriptor, "rb") as file:
            while True:
                data = file.read(CHUNK_BYTES)
                if not data:
                    return digest.hexdigest()
                digest.update(data)

    def remove(self, path: str) -> bool:
        """Remove a file, link or empty folder; whether it is gone.  A folder that holds something stays."""
        try:
            with self._parent(path) as (folder, name):
                _remove(folder, name)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
                return False
            raise
        return True

    @contextlib.contextmanager
    def _parent(self, path: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        folder, name = self._open_parent(path, create=create)
        try:
            yield folder, name
        finally:
            os.close(folder)

    def _open_parent(self, path: str, *, create: bool) -> tuple[int, str]:
        check_path(path)
        *folders, name = path.split("/")
        return self._open_folder(folders, create=create), name

    def _open_folder(self, steps: list[str], *, create: bool) -> int:
        descriptor = os.dup(self._descriptor)
        for step in steps:
            parent = descriptor
            try:
                descriptor = _enter(parent, step, create=create)
            finally:
                os.close(parent)
        return descriptor


def _enter(parent: int, step: str, *, create: bool) -> int:
    check_path(step)
    if create:
        with contextlib.suppress(FileExistsError):
            os.mkdir(step, dir_fd=parent)
    try:
        return os.open(step, _FOLDER, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise NotADirectoryError(
                errno.ENOTDIR, "a link or file stands in the way", step
            ) from None
        raise


def _remove(folder: int, name: str) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        os.rmdir(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)
