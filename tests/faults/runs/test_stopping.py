"""Stop: tell the leader, wait, kill the group, report who escaped."""

from __future__ import annotations

import os
import signal
import time

from runctl_core.runs import supervisor

SAVES = (
    "import signal, sys, time\n"
    "def save(*_): print('saved'); sys.exit(7)\n"
    "signal.signal(signal.SIGTERM, save)\nprint('ready')\nwhile True: time.sleep(1)"
)
IGNORES = (
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready')\n"
    "while True: time.sleep(1)"
)


def is_alive(pid):
    """Whether a process lives."""
    found = supervisor.read_process(pid)
    return found is not None and found.state != "Z"


def started(lab, code, **fields):
    """A run whose script has said that it is ready."""
    run_dir = lab.python(code, **fields)
    lab.start(run_dir)
    lab.logged(run_dir, "ready")
    return run_dir


def test_a_script_that_saves_is_stopped(lab):
    """Whatever code the script chooses, a requested end is ``stopped``."""
    run_dir = started(lab, SAVES)
    assert lab.ask("stop", run_dir)["ok"]
    ended = lab.ended(run_dir)
    assert (ended["state"], ended["exit_code"], ended["is_killed"]) == ("stopped", 7, False)
    assert ended["detail"] == "stopped on request"
    assert "saved" in (run_dir / "train.log").read_text()


def test_a_script_without_handler_is_stopped(lab):
    """TERM alone ends most scripts."""
    run_dir = started(lab, "import time\nprint('ready')\ntime.sleep(100)")
    lab.ask("stop", run_dir)
    ended = lab.ended(run_dir)
    assert (ended["state"], ended["signal"]) == ("stopped", 15)


def test_a_script_that_ignores_term_is_killed(lab):
    """After its grace; and that is said, because then nothing was saved."""
    run_dir = started(lab, IGNORES, grace_s=0.3)
    before = time.monotonic()
    lab.ask("stop", run_dir)
    ended = lab.ended(run_dir)
    assert time.monotonic() - before >= 0.3
    assert (ended["state"], ended["signal"], ended["is_killed"]) == ("stopped", 9, True)
    assert "did not end within its grace" in ended["detail"]


def test_only_the_leader_is_told(lab):
    """Workers get TERM from their leader, not twice."""
    code = (
        "import os, signal, sys, time\n"
        "def on_term(*_): print('term', os.getpid() == LEADER, flush=True); os._exit(0)\n"
        "LEADER = os.getpid()\nsignal.signal(signal.SIGTERM, on_term)\n"
        "child = os.fork()\n"
        "if child: print('ready', flush=True)\n"
        "while True: time.sleep(1)"
    )
    run_dir = started(lab, code, grace_s=0.5)
    lab.ask("stop", run_dir)
    lab.ended(run_dir)
    assert (run_dir / "train.log").read_text() == "ready\nterm True\n"


def test_the_rest_of_the_group_is_killed(lab, until):
    """A worker that stays behind when its leader ended is killed when the grace is over."""
    code = (
        "import os, signal, time\n"
        "child = os.fork()\n"
        "if not child: signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', os.getpid(), flush=True)\n"
        "while True: time.sleep(1)"
    )
    run_dir = started(lab, code, grace_s=0.3)
    worker = int((run_dir / "train.log").read_text().split()[1])
    lab.ask("stop", run_dir)
    ended = lab.ended(run_dir)
    assert not is_alive(worker)
    assert (ended["state"], ended["is_killed"], ended["stragglers"]) == ("stopped", True, [])


def test_who_escaped_is_reported(lab):
    """A process that left session and parent behind is named, and not touched."""
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        "    print('ready', os.getpid(), flush=True)\n"
        "    time.sleep(100)\n"
        "time.sleep(100)"
    )
    run_dir = started(lab, code, grace_s=5)
    escaped = int((run_dir / "train.log").read_text().split()[1])
    lab.ask("stop", run_dir)
    stragglers = lab.ended(run_dir)["stragglers"]
    assert [found["pid"] for found in stragglers] == [escaped]
    assert stragglers[0]["command"].startswith("python")
    assert is_alive(escaped)


def test_background_work_outlives_a_script_that_ends_by_itself(lab):
    """An upload that the script left running is reported, never killed, and may go on printing."""
    run_dir = lab.make("sh", "-c", "sleep 100 & echo $!")
    lab.start(run_dir)
    ended = lab.ended(run_dir)
    child = int((run_dir / "train.log").read_text())
    assert ended["state"] == "succeeded"
    assert [found["pid"] for found in ended["stragglers"]] == [child]
    assert is_alive(child)


def test_a_second_stop_shortens_the_grace(lab):
    """``--grace 0`` ends what a patient stop is waiting for, and a longer one changes nothing."""
    run_dir = started(lab, IGNORES, grace_s=600)
    lab.ask("stop", run_dir)
    lab.ask("stop", run_dir, "--grace", "900")
    assert lab.status(run_dir)["state"] == "stopping"
    lab.ask("stop", run_dir, "--grace", "0")
    assert lab.ended(run_dir)["is_killed"]


def test_stopping_twice_is_no_error(lab):
    """A run that is over stays as it is."""
    run_dir = lab.make("false")
    lab.start(run_dir)
    lab.ended(run_dir)
    answer = lab.ask("stop", run_dir)
    assert (answer["ok"], answer["run"]["state"]) == (True, "failed")


def test_preparing_can_be_stopped(lab):
    """An installation is stopped like a script, and the script never starts."""
    run_dir = lab.make("touch", "trained", prepare=[["sleep", "100"]])
    lab.start(run_dir)
    lab.ask("stop", run_dir)
    assert lab.ended(run_dir)["state"] == "stopped"
    assert not (lab.home / "trained").exists()


def test_a_signal_from_elsewhere_is_a_stop(lab):
    """A machine that shuts down sends TERM to the supervisor: the script gets its grace."""
    run_dir = started(lab, SAVES)
    os.kill(supervisor.read_json(str(run_dir / "supervisor.json"))["pid"], signal.SIGTERM)
    assert lab.ended(run_dir)["state"] == "stopped"
    assert "saved" in (run_dir / "train.log").read_text()


def test_hangup_and_interrupt_do_not_reach_the_run(lab):
    """What a closed terminal sends is not meant for us."""
    run_dir = started(lab, SAVES)
    pid = supervisor.read_json(str(run_dir / "supervisor.json"))["pid"]
    for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        os.kill(pid, signum)
    lab.ask("stop", run_dir)
    assert lab.ended(run_dir)["state"] == "stopped"
