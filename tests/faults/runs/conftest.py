"""A place to supervise real processes in, which leaves none behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runctl_core.runs import supervisor

DEADLINE_S = 30.0
PYTHON = os.environ.get("RUNCTL_TEST_SUPERVISOR_PYTHON", sys.executable)
"""Runs the supervisor; an older one can be named to test with."""
Json = dict[str, Any]


def until(is_true: Callable[[], Any], what: str = "the condition") -> Any:
    """Wait for something that real processes bring about, and return it."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if found := is_true():
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true within {DEADLINE_S:.0f} s")


class Lab:
    """Run directories, and what one does with them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._count = 0

    def make(self, *argv: str, **fields: object) -> Path:
        """Write the spec of a run of ``argv``."""
        self._count += 1
        run_id = f"r{self._count}"
        run_dir = self.home / "runs" / run_id
        run_dir.mkdir(parents=True, mode=0o700)
        spec = {
            "schema": 1,
            "run_id": run_id,
            "name": run_id,
            "provider": "local",
            "resource": f"local:{run_id}",
            "script": "script.py",
            "args": [],
            "argv": argv,
            "cwd": str(self.home),
            "lock": str(self.home / "locks" / "here.lock"),
            "if_busy": "refuse",
            "grace_s": 20.0,
            "heartbeat_s": 10.0,
            "created_at": "2026-01-01T00:00:00Z",
        }
        (run_dir / "spec.json").write_text(json.dumps(spec | fields))
        return run_dir

    def python(self, code: str, *args: str, **fields: object) -> Path:
        """Write the spec of a run of Python code."""
        return self.make(sys.executable, "-c", code, *args, **fields)

    def ask(self, *words: object) -> Json:
        """Call the supervisor file as a client would."""
        done = subprocess.run(
            [PYTHON, "-I", "-S", "-X", "utf8", supervisor.__file__, *map(str, words)],
            stdout=subprocess.PIPE,
            check=False,
            timeout=DEADLINE_S * 2,
        )
        answer: Json = json.loads(done.stdout)
        assert done.returncode == (0 if answer["ok"] else 1)
        return answer

    def start(self, run_dir: Path) -> Json:
        """Start a run that must start."""
        answer = self.ask("start", run_dir)
        assert answer["ok"], answer
        return answer

    def status(self, run_dir: Path) -> Json:
        """How a run stands."""
        report: Json = self.ask("status", run_dir)["run"]
        return report

    def ended(self, run_dir: Path) -> Json:
        """Wait for the exit record of a run."""
        until((run_dir / "exit.json").exists, f"the end of {run_dir.name}")
        return supervisor.read_json(str(run_dir / "exit.json"))

    def logged(self, run_dir: Path, text: str) -> str:
        """Wait for ``text`` in the log of a run."""
        log = run_dir / "train.log"
        until(lambda: log.exists() and text in log.read_text(), f"{text!r} in the log")
        return log.read_text()

    def events(self, run_dir: Path) -> list[str]:
        """What happened to a run."""
        lines = (run_dir / "events.jsonl").read_text().splitlines()
        return [json.loads(line)["event"] for line in lines]

    def logger_pid(self, run_dir: Path) -> int:
        """The process that writes the log of a run."""
        pid = supervisor.read_json(str(run_dir / "supervisor.json"))["pid"]
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        for child in supervisor.descendants(pid):
            if Path(f"/proc/{child.pid}/cmdline").read_bytes() == command:
                return int(child.pid)
        raise AssertionError("there is no logger")

    def leftovers(self) -> list[int]:
        """Processes that belong to this place, whatever became of their parents."""
        return [pid for pid in _pids() if os.fsencode(self.home) in _traces(pid)]

    def clean(self) -> None:
        """End everything."""
        for pid in self.leftovers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _pids() -> list[int]:
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in found if pid != os.getpid()]


def _traces(pid: int) -> bytes:
    found = b""
    for name in ("cmdline", "environ"):
        with contextlib.suppress(OSError):
            found += Path(f"/proc/{pid}/{name}").read_bytes()
    return found


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A place for runs."""
    place = Lab(tmp_path / "lab")
    place.home.mkdir()
    yield place
    place.clean()


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Any]:
    """Wait for a condition."""
    return until
