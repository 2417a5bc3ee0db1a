"""What a supervisor does when nothing goes wrong."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest


def test_success_is_recorded(lab):
    """A script that ends with code 0 succeeded, and everything it printed is in the log."""
    run_dir = lab.make("sh", "-c", "echo out; echo err >&2")
    answer = lab.start(run_dir)
    assert answer["state"] == "running"
    assert answer["run"]["run_id"] == run_dir.name
    ended = lab.ended(run_dir)
    assert (ended["state"], ended["exit_code"], ended["signal"]) == ("succeeded", 0, None)
    assert (run_dir / "train.log").read_text() == "out\nerr\n"
    assert ended["log_bytes_dropped"] == 0
    assert ended["stragglers"] == []
    assert lab.events(run_dir) == ["running", "succeeded"]


@pytest.mark.parametrize("code", [1, 3, 255])
def test_exit_code_is_the_scripts_own(lab, code):
    """A failure keeps the code of the script."""
    run_dir = lab.make("sh", "-c", f"exit {code}")
    lab.start(run_dir)
    ended = lab.ended(run_dir)
    assert (ended["state"], ended["exit_code"]) == ("failed", code)
    assert ended["detail"] == f"the script exited with code {code}"


def test_missing_program_is_reported_by_start(lab):
    """A program that cannot be executed is an error of ``start`` and of the run."""
    run_dir = lab.make("/nowhere/python")
    answer = lab.ask("start", run_dir)
    assert answer["error"] == "exec"
    assert answer["message"] == "/nowhere/python: No such file or directory"
    assert lab.ended(run_dir)["state"] == "failed"


def test_missing_folder_is_reported_by_start(lab):
    """So is a working folder that is not there."""
    run_dir = lab.make("true", cwd="/nowhere")
    assert lab.ask("start", run_dir)["message"] == "/nowhere: No such file or directory"


def test_files_are_private(lab):
    """Nobody else can read what a run leaves."""
    run_dir = lab.make("true")
    lab.start(run_dir)
    lab.ended(run_dir)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in run_dir.iterdir() if p.is_file()}
    modes.pop("spec.json")
    assert set(modes.values()) == {0o600}


def test_script_keeps_the_callers_umask(lab):
    """Privacy of our files is not forced on the script's."""
    run_dir = lab.make("sh", "-c", "touch made")
    before = os.umask(0o022)
    try:
        lab.start(run_dir)
    finally:
        os.umask(before)
    lab.ended(run_dir)
    assert stat.S_IMODE((lab.home / "made").stat().st_mode) == 0o644


def test_script_learns_about_its_run(lab):
    """The environment tells the run id, the checkpoint folder, the attempt and where to resume from."""
    code = "import os, json; print(json.dumps({k: v for k, v in os.environ.items()}))"
    run_dir = lab.python(code, attempt=2, resume_from="/ckpt/7", env={"EMPTY": "", "NAME": "a b"})
    lab.start(run_dir)
    lab.ended(run_dir)
    env = json.loads((run_dir / "train.log").read_text())
    assert env["RUNCTL_RUN_ID"] == "r1"
    assert env["RUNCTL_ATTEMPT"] == "2"
    assert env["RUNCTL_RESUME_FROM"] == "/ckpt/7"
    assert env["RUNCTL_CHECKPOINT_DIR"] == str(run_dir / "checkpoints")
    assert Path(env["RUNCTL_CHECKPOINT_DIR"]).is_dir()
    assert env["PYTHONUNBUFFERED"] == "1"
    assert env["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] == "15"
    assert (env["EMPTY"], env["NAME"]) == ("", "a b")
    assert "RUNCTL_DATA_DIR" not in env


def test_no_descriptor_is_inherited(lab):
    """The script has three descriptors: nothing to read, and twice the log."""
    run_dir = lab.make("ls", "-l", "/proc/self/fd")
    leak, _ = os.pipe()
    os.set_inheritable(leak, True)
    os.dup2(leak, 63, inheritable=True)
    try:
        lab.start(run_dir)
        lab.ended(run_dir)
    finally:
        os.close(leak)
        os.close(63)
    links = [
        line.split("->")[-1].strip() for line in (run_dir / "train.log").read_text().splitlines()
    ]
    links = links[1:]
    assert links[0] == "/dev/null"
    assert len(links) == 4  # the fourth is ls looking
    assert links[1] == links[2]
    assert links[1].startswith("pipe:")


def test_script_is_alone_in_its_session(lab):
    """The script leads a session and group of its own, and its signals are as usual."""
    code = (
        "import os, signal; print(os.getsid(0) == os.getpid() == os.getpgrp(), "
        "signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, signal.getsignal(signal.SIGHUP) == signal.SIG_DFL, "
        "signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    )
    run_dir = lab.python(code)
    lab.start(run_dir)
    lab.ended(run_dir)
    assert (run_dir / "train.log").read_text() == "True True True set()\n"


def test_preparing_comes_first_and_is_logged(lab):
    """Steps run one after another before the script, with their output in the same log."""
    run_dir = lab.make("sh", "-c", "echo train", prepare=[["echo", "one"], ["echo", "two"]])
    assert lab.start(run_dir)["state"] == "preparing"
    lab.ended(run_dir)
    assert (run_dir / "train.log").read_text().splitlines() == [
        "runctl: preparing: echo one",
        "one",
        "runctl: preparing: echo two",
        "two",
        "train",
    ]
    assert lab.events(run_dir)[-2:] == ["running", "succeeded"]


def test_failing_step_ends_the_run(lab):
    """A step that fails is told apart from a script that fails."""
    run_dir = lab.make("touch", "trained", prepare=[["sh", "-c", "echo no such package; exit 2"]])
    lab.start(run_dir)
    ended = lab.ended(run_dir)
    assert (ended["state"], ended["exit_code"]) == ("failed", None)
    assert ended["detail"] == "preparing failed: sh exited with code 2"
    assert "no such package" in (run_dir / "train.log").read_text()
    assert not (lab.home / "trained").exists()


def test_log_is_only_appended_to(lab):
    """A log that is already there is never overwritten."""
    log = lab.home / "mine.log"
    log.write_text("before\n")
    run_dir = lab.make("echo", "after", log=str(log))
    lab.start(run_dir)
    lab.ended(run_dir)
    assert log.read_text() == "before\nafter\n"


def test_big_output_is_complete(lab):
    """Megabytes printed right before the end are all in the log."""
    run_dir = lab.python("for i in range(50000): print(f'{i:099d}')")
    lab.start(run_dir)
    lab.ended(run_dir)
    lines = (run_dir / "train.log").read_text().splitlines()
    assert lines == [f"{i:099d}" for i in range(50000)]


def test_heartbeat_goes_on(lab, until):
    """The heartbeat is touched while the run lasts."""
    run_dir = lab.make("sleep", "100", heartbeat_s=0.05)
    lab.start(run_dir)
    first = (run_dir / "heartbeat").stat().st_mtime_ns
    until(lambda: (run_dir / "heartbeat").stat().st_mtime_ns > first)


def test_list_names_active_runs_only(lab):
    """The machine's list has the runs that are under way."""
    done, going = lab.make("true", lock=None), lab.make("sleep", "100", lock=None)
    lab.start(done)
    lab.start(going)
    lab.ended(done)
    assert [run["run_id"] for run in lab.ask("list", lab.home)["runs"]] == [going.name]
    assert lab.ask("list", lab.home / "nothing")["runs"] == []


@pytest.mark.parametrize(
    "words", [[], ["start"], ["dance", "x"], ["stop", "x", "--grace"], ["start", "/nowhere"]]
)
def test_wrong_commands_are_answered(lab, words):
    """Even a wrong command gets one JSON answer."""
    assert lab.ask(*words)["error"] == "input"
