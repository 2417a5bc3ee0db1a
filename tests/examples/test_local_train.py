"""The examples under `runctl local train`: stopped, resumed, and the same as if nothing happened."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
DEADLINE_S = 60

Runctl = Callable[..., dict[str, Any]]


@pytest.fixture
def runctl(tmp_path: Path) -> Iterator[Runctl]:
    """Runs a command in a copy of the examples and returns its data; ends what it left running."""
    project = tmp_path / "project"
    shutil.copytree(EXAMPLES, project)
    command = [str(Path(sys.executable).with_name("runctl")), "--output", "json"]
    env = {**os.environ, "VIRTUAL_ENV": sys.prefix}

    def run(*args: str) -> dict[str, Any]:
        done = subprocess.run(
            [*command, *args], cwd=project, env=env, capture_output=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["data"]

    yield run
    for resource in run("local", "list")["resources"]:
        if resource["state"] == "running":
            run("runs", "stop", resource["ref"]["id"], "--grace", "0")


def wait_for_text(path: Path, text: str) -> None:
    """Wait until a log contains the text."""
    deadline = time.monotonic() + DEADLINE_S
    while text not in path.read_text():
        assert time.monotonic() < deadline, path.read_text()
        time.sleep(0.01)


def start_and_stop(runctl: Runctl, script: str, *args: str, after: str) -> dict[str, Any]:
    """Train detached and stop as soon as the log contains `after`."""
    run = runctl("local", "train", "--detach", script, "--", *args)
    wait_for_text(Path(run["log_path"]), after)
    runctl("runs", "stop", run["id"])
    stopped = runctl("runs", "show", run["id"])
    assert stopped["state"] == "stopped"
    return stopped


def list_steps(run: dict[str, Any]) -> list[Path]:
    return sorted(Path(run["checkpoint_dir"]).glob("step-*.json"))


def test_stopped_and_resumed_run_equals_a_whole_one(runctl: Runctl) -> None:
    """`runs resume` goes on from the step at which `runs stop` let the script save."""
    args = ("--epochs", "6", "--pace-s", "0.02")
    stopped = start_and_stop(runctl, "train_tabular.py", *args, after="step=40/")
    assert stopped["exit_code"] == 143
    saved = list_steps(stopped)[-1]
    resumed = runctl("runs", "resume", stopped["id"])
    assert resumed["state"] == "succeeded"
    assert Path(resumed["log_path"]).read_text().startswith(f"resumed_from={saved} ")
    whole = runctl("local", "train", "train_tabular.py", "--", "--epochs", "6")
    assert list_steps(resumed)[-1].read_bytes() == list_steps(whole)[-1].read_bytes()


def test_plain_script_loses_all(runctl: Runctl) -> None:
    """A script without checkpoints is stopped as quickly, and there is nothing to go on from."""
    args = ("--epochs", "1000", "--pace-s", "0.05")
    stopped = start_and_stop(runctl, "train_plain.py", *args, after="Epoch 2 of")
    assert stopped["signal"] == 15
    assert list_steps(stopped) == []
