"""Whether a recorded process is alive: boot id, pid and start time together, never a bare pid."""

from __future__ import annotations

import os
import subprocess

import pytest

from runctl_core.runs import supervisor
from runctl_core.runs.supervisor import ALIVE, DEAD, UNKNOWN

BOOT = "11111111-aaaa"


def stat_line(pid, *, name="python3", state="S", ticks=500):
    """A line as the kernel writes it."""
    fields = [state, "1", str(pid), str(pid), *["0"] * 15, str(ticks), *["0"] * 30]
    return f"{pid} ({name}) {' '.join(fields)}\n".encode()


@pytest.fixture
def proc(tmp_path):
    """A /proc with one process, pid 77, started at tick 500."""
    root = tmp_path / "proc"
    (root / "sys/kernel/random").mkdir(parents=True)
    (root / "sys/kernel/random/boot_id").write_text(BOOT + "\n")
    (root / "77").mkdir()
    (root / "77/stat").write_bytes(stat_line(77))
    return root


def identity(**changes):
    """The record of that process."""
    return {"pid": 77, "start_ticks": 500, "boot_id": BOOT} | changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ALIVE),
        ({"start_ticks": 499}, DEAD),  # the number was given to another process
        ({"boot_id": "22222222-bbbb"}, DEAD),  # the machine was restarted
        ({"pid": 78}, DEAD),
        ({"pid": None}, UNKNOWN),
        ({"pid": 0}, UNKNOWN),
        ({"pid": -1}, UNKNOWN),
        ({"pid": "77"}, UNKNOWN),
        ({"start_ticks": None}, UNKNOWN),
        ({"boot_id": None}, UNKNOWN),
    ],
)
def test_identity_decides(proc, changes, expected):
    """All three parts must match, and a part that is missing leaves it open."""
    assert supervisor.liveness(identity(**changes), str(proc)) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (stat_line(77, state="R"), ALIVE),
        (stat_line(77, state="D"), ALIVE),
        (stat_line(77, state="T"), ALIVE),
        (stat_line(77, state="Z"), DEAD),
        (stat_line(77, state="X"), DEAD),
        (stat_line(77, name="a) Z 1 (b"), ALIVE),
        (stat_line(77, name="new\nline"), ALIVE),
        (b"", UNKNOWN),
        (b"77 (python3) S 1", UNKNOWN),
        (b"garbage", UNKNOWN),
        (b"\xff" * 60, UNKNOWN),
    ],
)
def test_stat_line_decides(proc, line, expected):
    """A zombie is dead, a stopped process lives, and what cannot be read is unknown."""
    (proc / "77/stat").write_bytes(line)
    assert supervisor.liveness(identity(), str(proc)) == expected


def test_unreadable_is_unknown(proc):
    """A process that may not be looked at is not taken for dead."""
    (proc / "77/stat").unlink()
    (proc / "77/stat").mkdir()
    assert supervisor.liveness(identity(), str(proc)) == UNKNOWN


def test_missing_boot_id_is_unknown(proc):
    """Without a boot id nothing can be said."""
    (proc / "sys/kernel/random/boot_id").unlink()
    assert supervisor.liveness(identity(), str(proc)) == UNKNOWN


def test_real_processes():
    """This process is alive; a child is, then as a zombie and when reaped it is not."""
    assert supervisor.liveness(supervisor.identify(os.getpid())) == ALIVE
    child = subprocess.Popen(["sleep", "100"])
    found = supervisor.identify(child.pid)
    assert supervisor.liveness(found) == ALIVE
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert supervisor.liveness(found) == DEAD
    child.wait()
    assert supervisor.liveness(found) == DEAD


def test_a_signal_reaches_only_who_was_meant():
    """A process that merely has the number is not signalled."""
    child = subprocess.Popen(["sleep", "100"])
    try:
        found = supervisor.identify(child.pid)
        stranger = found | {"start_ticks": found["start_ticks"] - 1}
        assert not supervisor.send_signal(stranger, 9)
        assert supervisor.send_signal(found, 9)
    finally:
        child.wait()
    assert child.returncode == -9


def test_ps_is_a_substitute_for_proc():
    """Where there is no /proc, ``ps`` tells the same."""
    found = supervisor._ps_processes()[os.getpid()]
    known = supervisor.read_process(os.getpid())
    assert (found.ppid, found.pgrp) == (known.ppid, known.pgrp)
    assert found.start_ticks == supervisor._ps_processes()[os.getpid()].start_ticks
