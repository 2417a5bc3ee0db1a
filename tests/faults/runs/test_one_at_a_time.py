"""One run at a time: refuse, wait, or go beside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from runctl_core.runs import supervisor

HOLD = ["sleep", "100"]


def test_a_second_start_is_refused_with_the_facts(lab):
    """The refusal names run, pid, start, script and log, and leaves nothing behind."""
    first, second = lab.make(*HOLD), lab.make("true")
    leader = lab.start(first)["leader_pid"]
    answer = lab.ask("start", second)
    assert answer["error"] == "busy"
    holder = answer["holder"]
    assert holder["run_id"] == first.name
    assert holder["leader"]["pid"] == leader
    assert holder["script"] == "script.py"
    assert holder["log"] == str(first / "train.log")
    assert holder["since"].endswith("Z")
    assert not second.exists()


def test_exactly_one_of_many_wins(lab):
    """However many start at once, one trains."""
    run_dirs = [lab.make(*HOLD) for _ in range(6)]
    answers = []
    threads = [
        threading.Thread(target=lambda d=run_dir: answers.append(lab.ask("start", d)))
        for run_dir in run_dirs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["ok"] for answer in answers) == [False] * 5 + [True]
    assert [run_dir.exists() for run_dir in run_dirs].count(True) == 1


def test_concurrent_runs_take_no_lock(lab):
    """Without a lock they train side by side."""
    for run_dir in (lab.make(*HOLD, lock=None), lab.make(*HOLD, lock=None)):
        assert lab.start(run_dir)["state"] == "running"


def test_the_lock_is_free_after_a_run(lab):
    """A run that ended holds nothing, also when the script left something behind."""
    first = lab.make("sh", "-c", "sleep 100 & true")
    lab.start(first)
    lab.ended(first)
    second = lab.make("true")

    def starts():
        return lab.ask("start", second)["ok"]

    assert starts()
    lab.ended(second)


def test_the_queue_keeps_its_order(lab, until):
    """Runs that wait start one after another, first come first."""
    first = lab.make(*HOLD)
    lab.start(first)
    order = lab.home / "order"
    waiting = []
    for number in range(4):
        run_dir = lab.make("sh", "-c", f"echo {number} >> {order}", if_busy="queue")
        answer = lab.start(run_dir)
        assert (answer["state"], answer["run"]["state"]) == ("queued", "queued")
        waiting.append(run_dir)
    lab.ask("stop", first)
    for run_dir in waiting:
        assert lab.ended(run_dir)["state"] == "succeeded"
    assert order.read_text().split() == ["0", "1", "2", "3"]


def test_the_queue_keeps_its_order_when_a_waiter_is_interrupted(lab, until):
    """The kernel puts a waiter that was stopped for a moment at the end of its list; our order stays."""
    first = lab.make(*HOLD)
    lab.start(first)
    order = lab.home / "order"
    waiting = [lab.make("sh", "-c", f"echo {n} >> {order}", if_busy="queue") for n in range(2)]
    supervisors = [lab.start(run_dir)["pid"] for run_dir in waiting]
    waiter = until(lambda: supervisor.descendants(supervisors[0]))[0].pid
    for signum, state in ((signal.SIGSTOP, "T"), (signal.SIGCONT, "S")):
        os.kill(waiter, signum)
        until(lambda s=state: supervisor.read_process(waiter).state == s)
    lab.ask("stop", first)
    for run_dir in waiting:
        lab.ended(run_dir)
    assert order.read_text().split() == ["0", "1"]


def test_nobody_overtakes_the_queue(lab):
    """While somebody waits, a start that would not wait is refused."""
    first, second = lab.make(*HOLD), lab.make(*HOLD, if_busy="queue")
    lab.start(first)
    lab.start(second)
    lab.ask("stop", first)
    lab.ended(first)
    assert lab.ask("start", lab.make("true"))["error"] == "busy"


def test_waiting_can_be_stopped(lab):
    """A run that waits ends without having begun, and whoever is behind it moves up."""
    first, second, third = lab.make(*HOLD), *(lab.make("true", if_busy="queue") for _ in range(2))
    for run_dir in (first, second, third):
        lab.start(run_dir)
    lab.ask("stop", second)
    ended = lab.ended(second)
    assert (ended["state"], ended["started_at"]) == ("stopped", None)
    assert lab.status(third)["state"] == "queued"
    lab.ask("stop", first)
    assert lab.ended(third)["state"] == "succeeded"


def test_a_killed_waiter_blocks_nobody(lab, until):
    """Kill -9 of a supervisor in the queue: it is lost, and the next one moves up."""
    first, second, third = lab.make(*HOLD), *(lab.make("true", if_busy="queue") for _ in range(2))
    for run_dir in (first, second, third):
        lab.start(run_dir)
    os.kill(supervisor.read_json(str(second / "supervisor.json"))["pid"], signal.SIGKILL)
    until(lambda: lab.status(second)["state"] == "lost")
    lab.ask("stop", first)
    assert lab.ended(third)["state"] == "succeeded"


def test_the_queue_waits_for_a_training_without_supervisor(lab, until):
    """A script that lost its supervisor is waited for like any other."""
    first, second = lab.make(*HOLD), lab.make("true", if_busy="queue", heartbeat_s=0.1)
    leader = lab.start(first)["leader_pid"]
    lab.start(second)
    os.kill(supervisor.read_json(str(first / "supervisor.json"))["pid"], signal.SIGKILL)
    until(lambda: lab.status(first)["state"] == "lost")
    assert lab.status(second)["state"] == "queued"
    os.kill(leader, signal.SIGKILL)
    assert lab.ended(second)["state"] == "succeeded"


def test_waiting_costs_nothing(lab, until):
    """While it waits a supervisor uses no processor time that could be measured."""
    first, second = lab.make(*HOLD), lab.make("true", if_busy="queue")
    lab.start(first)
    pid = lab.start(second)["pid"]

    def woken():
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt"))

    until(lambda: supervisor.read_process(pid).state == "S")
    before = woken()
    subprocess.run([sys.executable, "-c", "import time; time.sleep(0.5)"], check=True)
    assert woken() - before <= 2
