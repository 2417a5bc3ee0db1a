"""A run from request to record, over a real machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runctl_core.api.errors import BusyError, InputError, NotFoundError
from runctl_core.api.model import Ref, RunState
from runctl_core.api.requests import IfBusy, TrainRequest
from runctl_core.machines.local import LocalMachine
from runctl_core.runs import supervisor
from runctl_core.runs.control import active_runs, read_run, stop_run, wait_run
from runctl_core.runs.dependencies import Site, observe, plan_commands
from runctl_core.runs.launch import launch, resolve_home
from runctl_core.runs.logs import read_log
from runctl_core.runs.resume import resume_request
from runctl_core.runs.spec import compose_spec
from runctl_core.runs.store import RunStore


class Bench:
    """Starts scripts on this machine."""

    def __init__(self, home: Path) -> None:
        self.home, self.store = home, RunStore(home)
        self.store.prepare()
        self.machine = LocalMachine(home=str(home))

    def train(self, code: str, *args: str, **fields):
        """Start a script with this content, in a file that no later one overwrites before it is read."""
        run_id = self.store.new_id(datetime.now(UTC))
        script = self.home / "scripts" / run_id / "train.py"
        script.parent.mkdir(parents=True)
        script.write_text(code)
        return self.start(
            TrainRequest(run_id=run_id, script=script, project_dir=self.home, args=args, **fields)
        )

    def start(self, request):
        """Start what is asked for."""
        site = Site(
            script=str(request.script),
            project_dir=str(request.project_dir),
            home=str(self.home),
            run_dir=str(self.store.path(request.run_id)),
            python=sys.executable,
        )
        spec = compose_spec(
            request,
            plan_commands(request, observe(request, {}, is_local=True), site),
            resource=Ref(provider="local", id=request.run_id),
            cwd=str(self.home),
            project_dir=str(request.project_dir),
            lock=str(self.home / "locks" / "here.lock"),
            now=datetime.now(UTC),
        )
        return launch(self.machine, spec, home=str(self.home))

    def wait(self, run):
        """Wait for the end of a run."""
        return wait_run(lambda: self.store.get(run.id), timeout_s=30)


@pytest.fixture
def bench(lab):
    """A place to train in."""
    return Bench(lab.home)


def test_a_run_from_start_to_end(bench):
    """The store, the machine and the log agree on what happened."""
    run = bench.train("import sys; print(*sys.argv[1:]); sys.exit(3)", "--lr", "0.1")
    assert run.args == ("--lr", "0.1")
    ended = bench.wait(run)
    assert (ended.state, ended.exit_code) == (RunState.FAILED, 3)
    assert ended.started_at <= ended.ended_at
    assert read_run(bench.machine, run.run_dir) == ended == bench.store.list()[0]
    log = read_log(bench.machine, run.log_path, lambda: bench.store.get(run.id), follow=True)
    assert b"".join(log) == b"--lr 0.1\n"
    assert active_runs(bench.machine) == ()


def test_busy_says_who_and_what_to_do(bench):
    """One line names run, pid, time, script and log; the hint names three ways out."""
    first = bench.train("import time; time.sleep(100)")
    with pytest.raises(BusyError) as caught:
        bench.train("pass")
    for part in (first.id, "train.py", first.log_path, "since 2"):
        assert part in caught.value.message
    for part in ("--queue", "--concurrent", f"runctl runs stop {first.id}"):
        assert part in caught.value.hint
    assert "\n" not in str(caught.value)
    assert [run.id for run in bench.store.list()] == [first.id]
    assert active_runs(bench.machine) == (first.id,)
    stop_run(bench.machine, first.run_dir, grace_s=0)
    assert bench.wait(first).state is RunState.STOPPED


def test_queued_runs_follow(bench):
    """A run that waits is queued, and then trains."""
    first = bench.train("import time; time.sleep(100)")
    second = bench.train("print('mine')", if_busy=IfBusy.QUEUE)
    assert second.state is RunState.QUEUED
    stop_run(bench.machine, first.run_dir)
    assert bench.wait(second).state is RunState.SUCCEEDED


def test_a_program_that_is_missing_is_wrong_input(bench, monkeypatch):
    """The message names the script and the program, the hint asks whether it is installed."""
    with pytest.raises(InputError) as caught:
        bench.train("# /// script\n# dependencies = []\n# ///\n", env={"PATH": "/nowhere"})
    assert "uv: No such file" in caught.value.message
    assert "installed" in caught.value.hint


def test_a_run_that_is_not_there(bench):
    """Asking a machine for it is an error of its own."""
    with pytest.raises(NotFoundError):
        read_run(bench.machine, str(bench.home / "runs" / "none"))


def test_the_machine_resolves_its_own_home(bench, monkeypatch):
    """A tilde is the machine's user's."""
    monkeypatch.setenv("HOME", "/somewhere")
    assert resolve_home(LocalMachine(home="~/.runctl")) == "/somewhere/.runctl"
    assert resolve_home(bench.machine) == str(bench.home)


def test_a_machine_that_never_trained_has_no_runs(tmp_path):
    """There is not even a supervisor on it."""
    assert active_runs(LocalMachine(home=str(tmp_path / "fresh"))) == ()


def test_resuming_goes_on_from_the_checkpoint(bench):
    """Kill -9 of the script, resume, and it ends what it began."""
    code = (
        "import json, os, sys, time\nfrom pathlib import Path\n"
        "folder, start = Path(os.environ['RUNCTL_CHECKPOINT_DIR']), 0\n"
        "if 'RUNCTL_RESUME_FROM' in os.environ:\n"
        "    start = json.loads(Path(os.environ['RUNCTL_RESUME_FROM']).read_text())['step'] + 1\n"
        "for step in range(start, 5):\n"
        "    (folder / f'step-{step}.json').write_text(json.dumps({'step': step}))\n"
        "    print('step', step, 'attempt', os.environ['RUNCTL_ATTEMPT'], flush=True)\n"
        "    if step == 2 and start == 0: os.kill(os.getpid(), 9)\n"
    )
    first = bench.train(code)
    ended = bench.wait(first)
    assert (ended.state, ended.signal) == (RunState.FAILED, 9)
    found = resume_request(
        bench.store.spec(first.id), run_id="again", checkpoints=Path(first.checkpoint_dir)
    )
    second = bench.start(found.request)
    assert bench.wait(second).state is RunState.SUCCEEDED
    assert Path(second.log_path).read_text() == "step 3 attempt 2\nstep 4 attempt 2\n"
    assert second.resumed_from == str(Path(first.checkpoint_dir) / "step-2.json")


def test_a_client_killed_while_following_loses_nothing(bench, until):
    """Kill -9 of a process that starts and follows a run: the run ends as if nothing had been."""
    gate = bench.home / "gate"
    os.mkfifo(gate)
    run = bench.train(f"print('begun'); open({str(gate)!r}).read(); print('done')")
    follower = subprocess.Popen(["tail", "-f", run.log_path], stdout=subprocess.PIPE)
    assert follower.stdout.readline() == b"begun\n"
    follower.send_signal(signal.SIGKILL)
    follower.wait()
    follower.stdout.close()
    gate.write_bytes(b"")
    assert bench.wait(run).state is RunState.SUCCEEDED
    assert Path(run.log_path).read_text() == "begun\ndone\n"


def test_requirements_make_an_environment_first(bench):
    """The environment of ``requirements.txt`` is made in state preparing, and used."""
    (bench.home / "requirements.txt").write_text("")
    run = bench.train("import sys; print(sys.prefix)")
    assert run.state is RunState.PREPARING
    assert bench.wait(run).state is RunState.SUCCEEDED
    assert str(bench.home / "venvs") in Path(run.log_path).read_text().splitlines()[-1]


def test_a_lost_run_is_lost_in_the_store(bench, until):
    """Kill -9 of supervisor and script: never a success, and waiting ends."""
    run = bench.train("import time; time.sleep(100)")
    record = supervisor.read_json(f"{run.run_dir}/supervisor.json")
    os.kill(record["pid"], signal.SIGKILL)
    os.kill(record["leader"]["pid"], signal.SIGKILL)
    ended = bench.wait(run)
    assert ended.state is RunState.LOST
    assert "vanished" in ended.detail
