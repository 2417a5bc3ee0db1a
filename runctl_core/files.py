"""Replace a file so that readers see the old content or the new, never half."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from runctl_core.api.errors import InputError


def replace_file(path: Path, text: str, *, mode: int) -> None:
    """Write ``text`` to ``path`` by way of a temporary file beside it.

    A symbolic link stays one: what it points to is replaced.

    Args:
        mode: permissions of a new file; an existing one keeps its own.

    Raises:
        InputError: the folder cannot be written to or the disk is full.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text.encode("utf-8"), _existing_mode(target, mode))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _existing_mode(target: Path, mode: int) -> int:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return mode


def _replace(target: Path, content: bytes, mode: int) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - it is a descriptor
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
