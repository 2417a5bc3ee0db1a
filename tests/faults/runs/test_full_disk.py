"""A full disk: the training goes on, its end is recorded, and what is missing from the log is counted."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

SIZE_BYTES = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, stderr=subprocess.PIPE, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount program")
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_lab(lab, small_disk):
    """A lab whose home is on the small disk."""
    lab.home = small_disk
    return lab


def fill(folder: Path) -> None:
    """Leave not one byte free."""
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return


def test_a_disk_that_fills_up_while_logging(small_lab):
    """Three megabytes printed onto one: the script ends well, the exit record is there and the rest is counted."""
    code = "for n in range(30000): print(f'{n:099d}')\nopen('/dev/null')"
    run_dir = small_lab.python(code, cwd="/")
    small_lab.start(run_dir)
    ended = small_lab.ended(run_dir)
    assert (ended["state"], ended["exit_code"]) == ("succeeded", 0)
    log = (run_dir / "train.log").read_bytes()
    assert ended["log_bytes_dropped"] > 0
    assert len(log) + ended["log_bytes_dropped"] == 30000 * 100
    assert log.startswith(b"0" * 99 + b"\n")


def test_a_disk_that_is_full_while_training(small_lab, until):
    """Every state that follows is still recorded: stopping, the end, and how it came."""
    code = "import signal, time\nprint('ready')\ntime.sleep(100)"
    run_dir = small_lab.python(code, cwd="/")
    small_lab.start(run_dir)
    small_lab.logged(run_dir, "ready")
    fill(small_lab.home)
    assert small_lab.status(run_dir)["state"] == "running"
    assert small_lab.ask("stop", run_dir)["ok"]
    ended = small_lab.ended(run_dir)
    assert (ended["state"], ended["signal"]) == ("stopped", 15)
    assert json.loads((run_dir / "exit.json").read_bytes()) == ended


def test_a_full_disk_that_is_freed(small_lab, until):
    """The log goes on as soon as there is room again."""
    code = (
        "import os\nos.write(1, b'x' * 2_000_000)\ngate = os.open(os.environ['GATE'], os.O_RDONLY)\n"
        "os.read(gate, 1)\nprint('after')"
    )
    gate = small_lab.home / "gate"
    os.mkfifo(gate)
    run_dir = small_lab.python(code, cwd="/", env={"GATE": str(gate)})
    small_lab.start(run_dir)
    with gate.open("wb", buffering=0) as file:  # the script opens it when it has printed everything
        log = run_dir / "train.log"
        until(lambda: os.statvfs(small_lab.home).f_bfree == 0)
        until(lambda: quiet(small_lab, run_dir))
        os.truncate(log, 0)
        file.write(b"x")
    ended = small_lab.ended(run_dir)
    assert ended["state"] == "succeeded"
    assert ended["log_bytes_dropped"] > 0
    assert log.read_bytes().endswith(b"after\n")


def quiet(lab, run_dir):
    """Whether the logger waits for more."""
    pid = lab.logger_pid(run_dir)
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"S"


def test_a_disk_that_is_full_before(small_lab):
    """A run that could not be recorded does not start, and says why."""
    run_dir = small_lab.make("true", cwd="/")
    fill(small_lab.home)
    answer = small_lab.ask("start", run_dir)
    assert not answer["ok"]
    assert "No space left on device" in answer["message"]
