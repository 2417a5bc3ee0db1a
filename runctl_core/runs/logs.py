"""The output of a run, from its beginning or its last lines, to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from runctl_core.api.errors import NotFoundError, UnreachableError
from runctl_core.runs.control import is_over

if TYPE_CHECKING:
    from runctl_core.api.machine import FileSlice, Machine
    from runctl_core.api.model import Run

CHUNK_BYTES = 1 << 20
TAIL_STEP_BYTES = 1 << 16
QUICK_S, SLOW_S = 0.005, 1.0
PATIENCE_S = 600.0


def read_log(
    machine: Machine,
    path: str,
    read: Callable[[], Run],
    *,
    follow: bool = False,
    tail_lines: int | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[bytes]:
    """Give the log in pieces of any length.

    Args:
        path: of the log on the machine.
        read: looks at the run; only asked when following.
        follow: go on until the run is over and its log is drained, through lost connections.
        tail_lines: start so many lines before the end; ``None`` for the beginning.

    Raises:
        UnreachableError: the machine did not answer for ten minutes.
    """
    log = _Log(machine, path, sleep)
    offset = 0 if tail_lines is None else _find_tail(log, tail_lines)
    pause_s = QUICK_S
    while True:
        was_over = not follow or is_over(read())  # before reading: what comes later is then nothing
        is_fresh = False
        for piece in log.read_from(offset):
            offset, is_fresh = piece.offset + len(piece.data), True
            yield piece.data
        if was_over:
            return
        pause_s = QUICK_S if is_fresh else min(pause_s * 1.5, SLOW_S)
        sleep(pause_s)


class _Log:
    """A file on a machine that may be away for a while."""

    def __init__(self, machine: Machine, path: str, sleep: Callable[[float], None]) -> None:
        self.machine, self.path, self._sleep = machine, path, sleep

    def read_from(self, offset: int) -> Iterator[FileSlice]:
        """Everything after ``offset``; after a truncation, everything."""
        while True:
            piece = self.slice(offset)
            if piece is None or piece.size_bytes == offset:
                return
            if piece.size_bytes < offset:
                offset = 0
                continue
            if not piece.data:
                return
            yield piece
            offset = piece.offset + len(piece.data)

    def slice(self, offset: int) -> FileSlice | None:
        """Part of the file; ``None`` while there is no file yet."""
        waited_s, pause_s = 0.0, 1.0
        while True:
            try:
                return self.machine.read(self.path, offset, CHUNK_BYTES)
            except NotFoundError:
                return None
            except UnreachableError:
                if waited_s >= PATIENCE_S:
                    raise
            self._sleep(pause_s)
            waited_s += pause_s
            pause_s = min(pause_s * 2, 30.0)


def _find_tail(log: _Log, lines: int) -> int:
    """Where the last ``lines`` lines begin."""
    found = log.slice(0)
    size = found.size_bytes if found else 0
    if lines <= 0:
        return size
    start, tail = size, b""
    while start > 0:
        step = min(start, TAIL_STEP_BYTES)
        piece = log.slice(start - step)
        start -= step
        tail = (piece.data[:step] if piece else b"") + tail
        if tail[:-1].count(b"\n") >= lines:
            break
    return start + _offset_of_lines(tail, lines)


def _offset_of_lines(data: bytes, lines: int) -> int:
    """Where the last ``lines`` lines of ``data`` begin; a line break at the very end begins none."""
    position = len(data) - 1 if data.endswith(b"\n") else len(data)
    for _ in range(lines):
        position = data.rfind(b"\n", 0, position)
        if position < 0:
            return 0
    return position + 1
