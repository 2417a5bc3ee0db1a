"""Look at this machine for what could keep runctl from working, without changing anything."""

from __future__ import annotations

import enum
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs

from runctl_core.api.errors import RunctlError
from runctl_core.api.model import Run, RunState
from runctl_core.paths import find_folder_problem

OLDEST_PYTHON = (3, 11)
LITTLE_DISK_BYTES = 1 << 30
NO_DISK_BYTES = 64 << 20
DAY_S = 86_400


class Health(enum.StrEnum):
    """How one thing stands: ``WARN`` limits what can be done, ``FAIL`` must be mended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@attrs.frozen(kw_only=True)
class Check:
    """What was looked at, how it stands and what to do about it."""

    name: str
    state: Health
    message: str
    hint: str = ""


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Check:
    """Whether this Python is new enough."""
    text = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        return _fail("python", f"Python {text} is too old", f"install Python {needed} or newer")
    return _ok("python", f"Python {text}")


def check_home(home: Path) -> Check:
    """Whether the folder of runs is ours, or can be made."""
    hint = "mend it, or choose another with RUNCTL_RUNS_HOME"
    try:
        problem = find_folder_problem(home, home.stat())
    except FileNotFoundError:
        parent = _nearest_folder(home)
        if os.access(parent, os.W_OK | os.X_OK):
            return _ok("home", f"{home} will be made by the first run")
        return _fail("home", f"{home} cannot be made in {parent}", hint)
    except OSError as error:
        return _fail("home", f"{home}: {error.strerror}", hint)
    return _fail("home", f"{home}: {problem}", hint) if problem else _ok("home", str(home))


def check_disk(home: Path) -> Check:
    """Whether there is room for logs and checkpoints."""
    free_bytes = shutil.disk_usage(_nearest_folder(home)).free
    message = f"{free_bytes / 2**30:.1f} GiB free for {home}"
    if free_bytes < NO_DISK_BYTES:
        return _fail("disk", message, "free some space, or move the home with RUNCTL_RUNS_HOME")
    if free_bytes < LITTLE_DISK_BYTES:
        return _warn("disk", message, "checkpoints may not fit")
    return _ok("disk", message)


def check_runs(home: Path) -> Check:
    """Whether every run's record can be read."""
    from runctl_core.runs.store import RunStore

    try:
        runs: tuple[Run, ...] = RunStore(home).list() if home.is_dir() else ()
    except RunctlError as error:
        return _fail("runs", error.message, error.hint)
    unclear = [run for run in runs if run.state is RunState.UNKNOWN]
    if unclear:
        message = f"{len(unclear)} of {len(runs)} runs are in an unknown state: {unclear[0].id}: {unclear[0].detail}"
        return _warn("runs", message, f"'runctl runs show {unclear[0].id}' says more")
    return _ok("runs", f"{len(runs)} runs, all readable")


def check_tools() -> Iterator[Check]:
    """Which programs are there that some commands need."""
    needs = {
        "ssh": "needed for machines other than this one",
        "uv": "needed for scripts that list their packages",
        "git": "needed to record which code a run used",
    }
    for name, need in needs.items():
        path = shutil.which(name)
        yield _ok(name, path) if path else _warn(name, "not found", f"install it: {need}")
    path = shutil.which("nvidia-smi")
    yield _ok("nvidia-smi", path or "not found: no NVIDIA GPU is used on this machine")


def check_clock(now_s: float | None = None) -> Check:
    """Whether the clock can be right: it cannot be earlier than runctl's own files."""
    installed_s = Path(__file__).stat().st_mtime
    now_s = time.time() if now_s is None else now_s
    text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s))
    if now_s < installed_s - DAY_S:
        return _fail("clock", f"{text} is before runctl was installed", "set the clock")
    return _ok("clock", text)


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _ok(name: str, message: str) -> Check:
    return Check(name=name, state=Health.OK, message=message)


def _warn(name: str, message: str, hint: str) -> Check:
    return Check(name=name, state=Health.WARN, message=message, hint=hint)


def _fail(name: str, message: str, hint: str) -> Check:
    return Check(name=name, state=Health.FAIL, message=message, hint=hint)
