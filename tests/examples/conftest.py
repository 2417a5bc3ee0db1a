"""Runs the example scripts as the processes that they are."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
DEADLINE_S = 120


@attrs.frozen
class Outcome:
    """A script that ended."""

    code: int
    lines: list[str]
    errors: list[str]

    @property
    def epochs(self) -> list[str]:
        """The lines that end an epoch."""
        return [line for line in self.lines if " val_loss=" in line and line.startswith("epoch=")]

    def values(self, name: str) -> list[float]:
        """Every number printed under this name."""
        return [
            float(text) for text in re.findall(rf"(?<![^ ]){name}=([\d.]+)", "\n".join(self.lines))
        ]


class Running:
    """A script that was started; what it prints goes to files, so that it never waits for us."""

    def __init__(self, argv: list[str], env: Mapping[str, str], folder: Path) -> None:
        self._stdout, self._stderr = folder / "stdout", folder / "stderr"
        with self._stdout.open("w") as out, self._stderr.open("w") as err:
            self.process = subprocess.Popen(
                argv, env={**os.environ, **env}, stdout=out, stderr=err, start_new_session=True
            )

    def see_lines(self, count: int) -> None:
        """Wait until the script has printed this many lines."""
        deadline = time.monotonic() + DEADLINE_S
        while (seen := self._stdout.read_text()).count("\n") < count:
            assert self.process.poll() is None, f"ended after {seen}{self._stderr.read_text()}"
            assert time.monotonic() < deadline, f"hangs after {seen}"
            time.sleep(0.005)

    def end(self) -> Outcome:
        """Wait for the end."""
        code = self.process.wait(timeout=DEADLINE_S)
        out, err = self._stdout.read_text(), self._stderr.read_text()
        return Outcome(code, out.splitlines(), err.splitlines())

    def kill(self) -> None:
        """Leave no process behind."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Runner:
    """Starts example scripts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Running] = []

    def start(
        self, script: str, *args: object, python: tuple[str, ...] = (sys.executable,), **env: str
    ) -> Running:
        """Start a script; `python` is the command in front of it."""
        argv = [*python, str(EXAMPLES / script), *map(str, args)]
        folder = self.folder / str(len(self.started))
        folder.mkdir()
        self.started.append(Running(argv, env, folder))
        return self.started[-1]

    def run(
        self, script: str, *args: object, python: tuple[str, ...] = (sys.executable,), **env: str
    ) -> Outcome:
        """Start a script and wait for its end."""
        return self.start(script, *args, python=python, **env).end()


@pytest.fixture
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Starts scripts and kills those that a failed test leaves."""
    runner = Runner(tmp_path_factory.mktemp("runner"))
    yield runner
    for running in runner.started:
        running.kill()


@pytest.fixture(scope="session")
def torch_python() -> str:
    """An interpreter that has PyTorch."""
    if importlib.util.find_spec("torch") is not None:
        return sys.executable
    other = os.environ.get("RUNCTL_TEST_TORCH_PYTHON")
    if other is None:
        pytest.skip("no PyTorch here; RUNCTL_TEST_TORCH_PYTHON may name a Python that has it")
    find = "import importlib.util; assert importlib.util.find_spec('torch')"
    subprocess.run([other, "-c", find], check=True)
    return other
