"""Show a training while it runs: its own output, a line of progress under it, and a summary at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from datetime import timedelta

from runctl_core.cli.output import state
from runctl_core.cli.words import span
from runctl_core.monitor.metrics import Progress

_REDRAW_S = 0.1
_BAR_CELLS = 20


class Follower:
    """Prints a log to standard output and keeps a progress line on standard error, if that is a terminal."""

    def __init__(self) -> None:
        self.progress = Progress()
        self._has_line = sys.stderr.isatty() and not state().is_quiet and not state().is_json
        self._is_drawn = False
        self._drawn_at = 0.0
        self._started_at = time.monotonic()

    def show(self, chunks: Iterable[bytes]) -> None:
        """Print a log until it ends."""
        out = sys.stderr.buffer if state().is_json else sys.stdout.buffer
        try:
            for chunk in chunks:
                self._clear()
                out.write(chunk)
                out.flush()
                self.progress.feed(chunk)
                self._draw(after=chunk)
        finally:
            self._clear()

    def _draw(self, after: bytes) -> None:
        now = time.monotonic()
        if not self._has_line or not after.endswith(b"\n") or now - self._drawn_at < _REDRAW_S:
            return
        line = self.line(now - self._started_at)[: _terminal_columns() - 1]
        if line:
            sys.stderr.write(line)
            sys.stderr.flush()
            self._is_drawn, self._drawn_at = True, now

    def _clear(self) -> None:
        if self._is_drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._is_drawn = False

    def line(self, elapsed_s: float) -> str:
        """The progress line after so many seconds; empty while the log has said nothing."""
        done = self.progress.fraction
        parts = [
            f"{name} {self.progress.describe(name)}"
            for name in ("epoch", "step", "loss", "val_loss")
            if name in self.progress.last
        ]
        if done is not None:
            filled = round(done * _BAR_CELLS)
            parts.insert(0, f"{'━' * filled}{'╌' * (_BAR_CELLS - filled)} {done:4.0%}")
            if 0 < done < 1:
                parts.append(f"ETA {span(timedelta(seconds=elapsed_s * (1 - done) / done))}")
        return "  ".join(parts)


def _terminal_columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80
