"""Who is killed, what is left, and how it is reported."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runctl_core.runs import supervisor

COUNT = "import itertools, time\nfor n in itertools.count(): print('line', n); time.sleep(0.01)"
"""A script that prints for ever."""


def record(run_dir):
    """Who supervises a run, and who runs its script."""
    return supervisor.read_json(str(run_dir / "supervisor.json"))


def is_alive(pid):
    """Whether a process lives."""
    found = supervisor.read_process(pid)
    return found is not None and found.state != "Z"


def grows(until, path):
    """Wait until a file grows."""
    before = path.stat().st_size
    return until(lambda: path.stat().st_size > before, f"growth of {path.name}")


def test_the_client_may_die_right_after_start(lab, until):
    """Kill -9 of whoever started the run, and of its whole group: the run neither notices nor loses anything."""
    run_dir = lab.python(COUNT)
    argv = [sys.executable, supervisor.__file__, "start", str(run_dir)]
    client = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess, time; subprocess.run({argv!r}); time.sleep(99)",
        ],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    client.stdout.readline()
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()
    client.stdout.close()
    grows(until, run_dir / "train.log")
    assert lab.status(run_dir)["state"] == "running"


def test_the_client_may_die_while_starting(lab, until):
    """Kill -9 of ``start`` at any moment leaves a run that runs, or one that never began; never a script without a record."""
    for delay_ms in range(0, 100, 10):
        run_dir = lab.make("sleep", "100", lock=None)
        client = subprocess.Popen(
            [sys.executable, "-I", "-S", supervisor.__file__, "start", str(run_dir)],
            stdout=subprocess.DEVNULL,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            client.wait(delay_ms / 1000)
        client.kill()
        client.wait()
        until(lambda d=run_dir: is_settled(lab, d))


def is_settled(lab, run_dir):
    """Whether a run is under way on record, or nothing of it is there."""
    state = lab.status(run_dir)
    if state["state"] == "running":
        return is_alive(record(run_dir)["leader"]["pid"])
    traces = [
        pid
        for pid in lab.leftovers()
        if os.fsencode(run_dir) in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return not traces and state["state"] in ("unknown", "lost")


def test_a_killed_supervisor_is_reported_and_the_script_goes_on(lab, until):
    """Kill -9 of the supervisor: the script and its log go on, the state is lost with the pid that still trains."""
    run_dir = lab.python(COUNT)
    leader = lab.start(run_dir)["leader_pid"]
    lab.logged(run_dir, "line 1\n")
    os.kill(record(run_dir)["pid"], signal.SIGKILL)
    until(lambda: lab.status(run_dir)["state"] == "lost")
    assert f"the training goes on as pid {leader}" in lab.status(run_dir)["detail"]
    grows(until, run_dir / "train.log")
    assert is_alive(leader)
    assert [run["run_id"] for run in lab.ask("list", lab.home)["runs"]] == [run_dir.name]


def test_a_training_without_supervisor_still_holds_the_lock(lab, until):
    """No second training starts beside one that lost its supervisor, until that one has ended."""
    run_dir = lab.python(COUNT)
    leader = lab.start(run_dir)["leader_pid"]
    os.kill(record(run_dir)["pid"], signal.SIGKILL)
    until(lambda: lab.status(run_dir)["state"] == "lost")
    second = lab.make("true")
    answer = lab.ask("start", second)
    assert answer["error"] == "busy"
    assert answer["holder"]["run_id"] == run_dir.name
    assert answer["holder"]["leader"]["pid"] == leader
    os.kill(leader, signal.SIGKILL)
    until(lambda: not is_alive(leader))
    third = lab.make("true")
    lab.start(third)
    assert lab.ended(third)["state"] == "succeeded"


def test_a_training_without_supervisor_can_be_stopped(lab, until):
    """Stop still tells the script, which can save; the run stays lost and says that it was stopped."""
    code = (
        "import signal, sys, time\n"
        "def save(*_): print('saved'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, save)\nprint('ready')\ntime.sleep(100)"
    )
    run_dir = lab.python(code)
    leader = lab.start(run_dir)["leader_pid"]
    lab.logged(run_dir, "ready")
    os.kill(record(run_dir)["pid"], signal.SIGKILL)
    until(lambda: lab.status(run_dir)["state"] == "lost")
    answer = lab.ask("stop", run_dir)
    assert answer["run"]["state"] == "lost"
    assert "stopped on request" in answer["run"]["detail"]
    assert not is_alive(leader)
    lab.logged(run_dir, "saved")


def test_a_training_without_supervisor_that_ignores_term_is_killed(lab, until):
    """And its whole group with it."""
    code = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\nos.write(1, b'%d\\n' % os.getpid())\ntime.sleep(100)"
    )
    run_dir = lab.python(code)
    lab.start(run_dir)
    until(lambda: len((run_dir / "train.log").read_text().split()) == 2)
    pids = [int(word) for word in (run_dir / "train.log").read_text().split()]
    os.kill(record(run_dir)["pid"], signal.SIGKILL)
    until(lambda: lab.status(run_dir)["state"] == "lost")
    lab.ask("stop", run_dir, "--grace", "0.1")
    until(lambda: not any(map(is_alive, pids)))


def test_a_killed_supervisor_loses_no_output_at_the_end(lab, until):
    """The logger writes the last line of a script that outlived its supervisor, and ends with it."""
    code = "import os\nos.read(os.open(os.environ['GATE'], os.O_RDONLY), 1)\nprint('the end')"
    gate = lab.home / "gate"
    os.mkfifo(gate)
    run_dir = lab.python(code, env={"GATE": str(gate)})
    lab.start(run_dir)
    logger = lab.logger_pid(run_dir)
    os.kill(record(run_dir)["pid"], signal.SIGKILL)
    gate.write_bytes(b"x")
    lab.logged(run_dir, "the end\n")
    until(lambda: not is_alive(logger))
    assert "without an exit record" in lab.status(run_dir)["detail"]


def test_the_log_goes_on_when_the_supervisors_whole_group_is_killed(lab, until):
    """Kill -9 of the supervisor's process group, as an agent does that gives up: script and log go on."""
    run_dir = lab.python(COUNT)
    leader = lab.start(run_dir)["leader_pid"]
    os.killpg(os.getpgid(record(run_dir)["pid"]), signal.SIGKILL)
    until(lambda: lab.status(run_dir)["state"] == "lost")
    grows(until, run_dir / "train.log")
    assert is_alive(leader)


def test_a_killed_logger_is_replaced(lab, until):
    """Kill -9 of the logger: the script does not notice, and no complete line is missing."""
    code = "import time\nfor n in range(300): print(n); time.sleep(0.002)"
    run_dir = lab.python(code)
    lab.start(run_dir)
    lab.logged(run_dir, "10\n")
    os.kill(lab.logger_pid(run_dir), signal.SIGKILL)
    ended = lab.ended(run_dir)
    assert ended["state"] == "succeeded"
    assert "logger_restarted" in lab.events(run_dir)
    lines = (run_dir / "train.log").read_text().splitlines()
    if ended["log_bytes_dropped"] == 0:
        assert lines == [str(n) for n in range(300)]


def test_a_killed_script_failed_by_that_signal(lab):
    """Kill -9 of the script, as the kernel does when memory runs out."""
    run_dir = lab.python(COUNT)
    os.kill(lab.start(run_dir)["leader_pid"], signal.SIGKILL)
    ended = lab.ended(run_dir)
    assert (ended["state"], ended["exit_code"], ended["signal"]) == ("failed", None, 9)
    assert ended["detail"] == "the script was ended by signal 9"


def test_a_killed_group_leaves_a_record(lab, until):
    """Kill -9 of the script and everything it started."""
    run_dir = lab.make("sh", "-c", "sleep 100 & sleep 100 & wait")
    leader = lab.start(run_dir)["leader_pid"]
    until(lambda: len(supervisor.group_members(leader)) == 3)
    os.killpg(leader, signal.SIGKILL)
    ended = lab.ended(run_dir)
    assert (ended["state"], ended["signal"], ended["stragglers"]) == ("failed", 9, [])


def test_everything_may_be_killed_at_once(lab, until):
    """Kill -9 of supervisor, logger and script: lost, and the lock is free."""
    run_dir = lab.python(COUNT)
    leader = lab.start(run_dir)["leader_pid"]
    for pid in (record(run_dir)["pid"], lab.logger_pid(run_dir), leader):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(leader))
    status = lab.status(run_dir)
    assert (status["state"], status.get("exit_code")) == ("lost", None)
    assert "vanished without an exit record" in status["detail"]
    assert lab.ask("list", lab.home)["runs"] == []
    again = lab.make("true")
    lab.start(again)
    assert lab.ended(again)["state"] == "succeeded"


def test_a_supervisor_killed_before_its_script_began_leaves_none(lab, until):
    """The leader executes nothing before it is on record: without a supervisor it ends."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import supervisor\n"
        "leader = supervisor.Leader(['touch', sys.argv[2]], '/', dict(os.environb), 1)\n"
        "print(leader.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    canary = lab.home / "canary"
    folder = Path(supervisor.__file__).parent
    argv = [sys.executable, "-c", code, str(folder), str(canary)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False)
    until(lambda: not is_alive(int(done.stdout)))
    assert not canary.exists()


def test_a_restart_of_the_machine_is_recognised(lab):
    """A record from before the last boot is no living process, whatever runs under its pid now."""
    run_dir = lab.make("true")
    alive = supervisor.identify(os.getpid())
    before = dict(alive, boot_id="another boot", hostname=os.uname().nodename, leader=alive)
    before["leader"] = dict(alive, boot_id="another boot")
    (run_dir / "supervisor.json").write_bytes(supervisor.padded(before))
    status = lab.status(run_dir)
    assert (status["state"], status["detail"]) == ("lost", "the machine was restarted while it ran")


def test_another_hosts_run_is_unknown(lab):
    """With a shared home, what another host runs cannot be judged, nor stopped, from here."""
    run_dir = lab.make("true")
    there = dict(supervisor.identify(os.getpid()), hostname="elsewhere", leader=None)
    (run_dir / "supervisor.json").write_bytes(supervisor.padded(there))
    status = lab.status(run_dir)
    assert status["state"] == "unknown"
    assert "host elsewhere" in status["detail"]
    assert lab.ask("stop", run_dir)["error"] == "unknown"


def test_a_run_that_never_started(lab):
    """A spec alone is a run that is being started, and after a minute one that never was."""
    run_dir = lab.make("true")
    assert lab.status(run_dir)["detail"] == "it is being started"
    os.utime(run_dir / "spec.json", (0, 0))
    assert lab.status(run_dir)["detail"] == "it was never started"


@pytest.mark.parametrize("name", ["spec.json", "supervisor.json", "state.json", "exit.json"])
@pytest.mark.parametrize("garbage", [b"", b'{"state": "succ', b"\xff\xff", b"[1]", b"{}"])
def test_torn_files_are_never_taken_for_a_success(lab, name, garbage):
    """Whatever file of a living run is damaged, the answer is a state and says why."""
    run_dir = lab.make("sleep", "100")
    lab.start(run_dir)
    (run_dir / name).write_bytes(garbage)
    status = lab.status(run_dir)
    assert status["state"] == "unknown"
    assert status["detail"]
