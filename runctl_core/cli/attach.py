"""Stay with a training: show its log and progress, and pass Ctrl-C on as a wish to save and end."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from runctl_core.api.errors import RunctlError
from runctl_core.api.model import Run
from runctl_core.cli.failure import INTERRUPTED
from runctl_core.cli.follow import Follower
from runctl_core.cli.output import note, say
from runctl_core.cli.runs_view import conclude
from runctl_core.operations.running import Runs


def attach(runs: Runs, run: Run) -> int:
    """Follow a run to its end and tell how it ended.

    Ctrl-C asks it to save and end, and goes on following; the second one leaves it to itself.

    Returns:
        0, or 130 when the run ended because of Ctrl-C.

    Raises:
        TrainingFailedError: the training failed.
        KeyboardInterrupt: it was left to itself.
    """
    say(f"run {run.id} is {run.state}; its log is {run.log_path}")
    follower = Follower()
    interrupt = _Interrupt(runs, run)
    with interrupt:
        follower.show(runs.log(run, follow=True, tail_lines=None))
        ended = runs.wait(run)
    conclude(ended, follower.progress.summary())
    return INTERRUPTED if interrupt.was_used else 0


class _Interrupt:
    """Handles Ctrl-C while a run is followed."""

    def __init__(self, runs: Runs, run: Run) -> None:
        self._runs, self._run = runs, run
        self.was_used = False

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGINT, self._handle)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _handle(self, _signum: int, _frame: FrameType | None) -> None:
        if self.was_used:
            note(f"\nrunctl: run {self._run.id} is left to end by itself")
            raise KeyboardInterrupt
        self.was_used = True
        note(
            f"\nrunctl: asking run {self._run.id} to save and end; Ctrl-C again leaves it to itself"
        )
        threading.Thread(target=self._stop, daemon=True).start()

    def _stop(self) -> None:
        try:
            self._runs.stop(self._run)
        except RunctlError as error:
            note(f"runctl: {error}")
