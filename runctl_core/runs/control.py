"""Asking after runs and ending them, on any machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runctl_core.api.errors import InputError, NotFoundError, UnavailableError
from runctl_core.api.model import RunState
from runctl_core.runs import supervisor
from runctl_core.runs.records import run_from_report, unreadable_run

if TYPE_CHECKING:
    from runctl_core.api.machine import Machine
    from runctl_core.api.model import Run

Answer = dict[str, Any]
START_WINDOW_S = supervisor.START_WINDOW_S
_FLAGS = ("-I", "-S", "-X", "utf8")
_SLACK_S = 60.0


def ask_supervisor(
    machine: Machine, run_dir: str, *words: str, timeout_s: float | None = None
) -> Answer:
    """Call the supervisor file that was shipped with a run, and return its answer.

    Raises:
        NotFoundError: the machine has no such run.
        UnavailableError: it gave no answer.
    """
    program = f"{run_dir}/supervisor.py"
    argv = [machine.python, *_FLAGS, program, *words]
    done = machine.run(argv, timeout_s=timeout_s)
    return _parse(machine, done.stdout, done.stderr)


def active_runs(machine: Machine) -> tuple[str, ...]:
    """The ids of the runs on a machine that are not over, or cannot be proved to be.

    The program comes through standard input: a machine that never trained has no supervisor yet.
    """
    program = Path(supervisor.__file__).read_bytes()
    argv = [machine.python, *_FLAGS, "-", "list", machine.home]
    done = machine.run(argv, stdin=program, timeout_s=_SLACK_S)
    answer = _parse(machine, done.stdout, done.stderr)
    if not answer["ok"]:
        raise UnavailableError(f"{machine.name}: its runs cannot be listed: {answer['message']}")
    return tuple(Path(run["run_dir"]).name for run in answer["runs"])


def read_run(machine: Machine, run_dir: str) -> Run:
    """Look at a run now.

    Raises:
        NotFoundError: the machine has no such run.
    """
    return run_of(ask_supervisor(machine, run_dir, "status", run_dir), run_dir)


def run_of(answer: Answer, run_dir: str) -> Run:
    """The run that an answer reports."""
    report = answer.get("run") or {}
    try:
        return run_from_report(report)
    except ValueError as error:
        detail = report.get("detail") or str(error)
        return unreadable_run(Path(run_dir).name, run_dir, detail)


def stop_run(machine: Machine, run_dir: str, *, grace_s: float | None = None) -> Run:
    """Ask a run to end, and return at once; asking again with less grace hurries it.

    A training whose supervisor is gone is ended right here, which takes up to its grace.

    Raises:
        UnavailableError: whether it can be ended is not known, such as when it runs on another host.
    """
    words = ["stop", run_dir, *(["--grace", str(grace_s)] if grace_s is not None else [])]
    answer = ask_supervisor(machine, run_dir, *words)
    if not answer["ok"]:
        raise UnavailableError(f"run {Path(run_dir).name}: {answer['message']}")
    return run_of(answer, run_dir)


def wait_run(
    read: Callable[[], Run],
    *,
    timeout_s: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    poll_s: float = 1.0,
) -> Run:
    """Wait until a run is over or lost, or until time is up, and return how it stands then.

    Args:
        read: looks at the run.
        poll_s: seconds between two looks, once it has gone on for a while.
    """
    started_s = clock()
    pause_s = min(0.02, poll_s)
    while True:
        run = read()
        waited_s = clock() - started_s
        if is_over(run) and not (run.state is RunState.UNKNOWN and waited_s < START_WINDOW_S):
            return run
        if timeout_s is not None and waited_s >= timeout_s:
            return run
        sleep(pause_s if timeout_s is None else min(pause_s, timeout_s - waited_s))
        pause_s = min(pause_s * 1.5, poll_s)


def is_over(run: Run) -> bool:
    """Whether waiting for a run is of no more use: it ended, or nobody will record its end."""
    return not run.state.is_active


def _parse(machine: Machine, stdout: bytes, stderr: bytes) -> Answer:
    try:
        answer = json.loads(stdout)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and "ok" in answer:
        if answer.get("error") == "input":
            raise InputError(f"{machine.name}: {answer.get('message')}")
        return answer
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    if lines and "can't open file" in lines[-1]:
        raise NotFoundError(f"{machine.name} has no such run")
    reason = lines[-1] if lines else "no answer"
    raise UnavailableError(f"{machine.name}: the supervisor did not answer: {reason}")
