"""Training on this machine, from the command line, with the real command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from runctl_core.testing.cli import Cli

TRAIN = """
import json, os, pathlib, signal, sys, time
wanted = []
signal.signal(signal.SIGTERM, lambda *_: wanted.append(True))
folder = pathlib.Path(os.environ["RUNCTL_CHECKPOINT_DIR"])
folder.mkdir(parents=True, exist_ok=True)
start = 0
if os.environ.get("RUNCTL_RESUME_FROM"):
    start = json.loads(pathlib.Path(os.environ["RUNCTL_RESUME_FROM"]).read_text())["step"]
    print("resumed at", start, flush=True)
steps = int(sys.argv[1])
for step in range(start + 1, steps + 1):
    print(f"step={step}/{steps} loss={1 / step}", flush=True)
    part = folder / f"step-{step:04}.json.tmp"
    part.write_text(json.dumps({"step": step}))
    part.rename(folder / f"step-{step:04}.json")
    if wanted:
        print("saved and leaving", flush=True)
        sys.exit(143)
    time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 0)
"""


@pytest.fixture
def cli(tmp_path: Path, isolated_home: Path) -> Iterator[Cli]:
    """A person in a project folder; whatever still trains at the end is ended."""
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "train.py").write_text(TRAIN)
    person = Cli(home=isolated_home, cwd=project, env={"RUNCTL_RUNS_GRACE_S": "20"})
    yield person
    for run in person.json("runs", "list")["runs"]:
        if run["state"] in ("queued", "preparing", "running", "stopping"):
            person.run("local", "terminate", run["id"], "--force", "--yes")


def start(cli: Cli, *argv: str) -> str:
    """Start a training that goes on by itself, and give its id."""
    answer = cli.run("local", "train", "--detach", *argv)
    assert answer.exit_code == 0, answer.err
    return answer.out.strip()


def wait_for(condition: Callable[[], object], what: str, timeout_s: float = 20) -> None:
    """Return as soon as something is so."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def has_logged(cli: Cli, run_id: str, text: str) -> Callable[[], bool]:
    """Whether a run's log has a text in it."""
    log = cli.home / ".runctl" / "runs" / run_id / "train.log"
    return lambda: log.exists() and text in log.read_text()


def test_train_follows_to_the_end(cli: Cli) -> None:
    """The script's output is on standard output, ours on standard error, and the loss is summed up."""
    answer = cli.run("local", "train", "train.py", "--", "3")
    assert answer.exit_code == 0, answer.err
    assert answer.out.splitlines() == [
        "step=1/3 loss=1.0",
        "step=2/3 loss=0.5",
        "step=3/3 loss=0.3333333333333333",
    ]
    assert "loss 1 → 0.3333" in answer.err
    assert "succeeded" in answer.err


def test_arguments_reach_the_script_untouched(cli: Cli, tmp_path: Path) -> None:
    """Spaces, quotes, dashes, newlines, dollar signs and later double dashes are the script's own."""
    assert cli.cwd
    (cli.cwd / "echo.py").write_text("import json, sys; print(json.dumps(sys.argv[1:]))")
    given = ["a b", "--epochs", "-x", "$HOME", "'\"", "line\nbreak", "--", "", "é", "*"]
    answer = cli.run("local", "train", "echo.py", "--", *given)
    assert json.loads(answer.out) == given


def test_a_failing_script_is_exit_8_with_its_own_code_in_json(cli: Cli) -> None:
    """The training's failure is told apart from ours."""
    assert cli.cwd
    (cli.cwd / "fail.py").write_text("import sys; print('about to fail'); sys.exit(7)")
    answer = cli.run("--output", "json", "local", "train", "fail.py")
    assert answer.exit_code == 8
    assert answer.document["error"]["code"] == "TRAINING_FAILED"
    assert "exited with code 7" in answer.err
    assert "about to fail" in answer.err
    [run] = cli.json("runs", "list")["runs"]
    assert (run["state"], run["exit_code"]) == ("failed", 7)


def test_detach_prints_the_id_alone(cli: Cli) -> None:
    """Programs can take the id from standard output as it is."""
    run_id = start(cli, "train.py", "--", "2")
    assert cli.run("local", "wait", run_id).exit_code == 0
    assert cli.json("runs", "show", run_id)["state"] == "succeeded"


def test_the_verbs_of_a_run(cli: Cli) -> None:
    """List, status, logs, exec and processes all know a running training."""
    run_id = start(cli, "train.py", "--name", "mine", "--", "1000", "0.05")
    [listed] = cli.json("local", "list")["resources"]
    assert (listed["ref"]["id"], listed["state"]) == (run_id, "running")
    assert run_id in cli.run("local", "list").out
    assert cli.json("local", "status", "mine")["ref"]["id"] == run_id
    wait_for(has_logged(cli, run_id, "step=3/"), "three steps")
    assert cli.run("local", "logs", run_id).out.startswith("step=1/1000")
    assert len(cli.run("runs", "logs", run_id, "--tail", "2").out.splitlines()) == 2
    echo = "import os; print(os.environ['RUNCTL_RUN_ID'], os.getcwd())"
    said = cli.run("local", "exec", run_id, "--", "python3", "-c", echo).out.split()
    assert said == [run_id, str(cli.cwd)]
    assert cli.run("local", "exec", run_id, "--", "python3", "-c", "exit(5)").exit_code == 5
    report = cli.json("local", "processes", run_id)
    assert run_id in json.dumps(report)


def test_stop_lets_the_script_save_and_resume_goes_on(cli: Cli) -> None:
    """Stop sends SIGTERM and waits; resume starts from the newest whole checkpoint with the old arguments."""
    run_id = start(cli, "train.py", "--", "30", "0.05")
    wait_for(has_logged(cli, run_id, "step=2/"), "two steps")
    stopped = cli.json("local", "stop", run_id)["resources"][0]
    assert stopped["native"]["run_state"] == "stopped"
    assert "saved and leaving" in cli.run("local", "logs", run_id).out
    answer = cli.run("runs", "resume", run_id)
    assert answer.exit_code == 0, answer.err
    assert answer.out.startswith("resumed at ")
    assert "step=30/30" in answer.out
    assert "step=1/30" not in answer.out
    newest = cli.json("runs", "list")["runs"][0]
    assert newest["attempt"] == 2


def test_resume_from_only_damaged_checkpoints_is_refused(cli: Cli) -> None:
    """Starting from zero would hide that something is lost."""
    run_id = start(cli, "train.py", "--", "2")
    cli.run("local", "wait", run_id)
    for path in (cli.home / ".runctl/runs" / run_id / "checkpoints").iterdir():
        path.write_text("{torn")
    answer = cli.run("runs", "resume", run_id)
    assert answer.exit_code == 4
    assert "none of 2 checkpoints" in answer.err


def test_terminate_is_refused_while_training_and_forced_ends_it(cli: Cli) -> None:
    """A running training blocks; --force lifts that, --yes alone does not."""
    run_id = start(cli, "train.py", "--", "1000", "0.05")
    refused = cli.run("local", "terminate", run_id, "--yes")
    assert refused.exit_code == 4
    assert "TRAINING_RUNNING" in refused.err
    assert "--force lifts this" in refused.err
    unasked = cli.run("local", "terminate", run_id, "--force")
    assert unasked.exit_code == 2
    assert "--yes" in unasked.err
    assert cli.json("runs", "show", run_id)["state"] == "running"
    plan = cli.run("local", "terminate", run_id, "--dry-run")
    assert plan.exit_code == 0
    assert cli.json("runs", "show", run_id)["state"] == "running"
    done = cli.run("local", "terminate", run_id, "--force", "--yes")
    assert done.exit_code == 0, done.err
    assert cli.json("runs", "show", run_id)["state"] == "stopped"
    assert cli.run("local", "terminate", run_id, "--yes").exit_code == 0


def test_a_second_training_is_refused_with_the_ways_out(cli: Cli) -> None:
    """One run per project; the refusal names run, pid, since when, script, log and what to do."""
    run_id = start(cli, "train.py", "--", "1000", "0.05")
    refused = cli.run("local", "train", "train.py", "--", "1")
    assert refused.exit_code == 4
    for part in (run_id, "pid ", "since 20", "train.py", "train.log", "--queue", "--concurrent"):
        assert part in refused.err
    assert f"runctl runs stop {run_id}" in refused.err
    assert len(cli.json("runs", "list", "--state", "running")["runs"]) == 1
    beside = cli.run("local", "train", "train.py", "--concurrent", "--", "1")
    assert beside.exit_code == 0
    queued = start(cli, "train.py", "--queue", "--", "1")
    assert cli.json("runs", "show", queued)["state"] == "queued"
    cli.run("runs", "stop", run_id)
    assert cli.run("runs", "wait", queued).exit_code == 0


def test_transfer_takes_checkpoints_out_of_a_run(cli: Cli, tmp_path: Path) -> None:
    """RUN:PATH names a path in the run's folder; --delete asks first."""
    run_id = start(cli, "train.py", "--", "2")
    cli.run("local", "wait", run_id)
    out = tmp_path / "out"
    report = cli.json("local", "transfer", f"{run_id}:checkpoints", str(out), "--verify", "sha256")
    assert len(report["copied"]) == 2
    assert report["verified"]
    assert sorted(path.name for path in out.iterdir()) == ["step-0001.json", "step-0002.json"]
    (out / "extra").write_text("x")
    refused = cli.run("local", "transfer", f"{run_id}:checkpoints", str(out), "--delete")
    assert refused.exit_code == 2
    assert (out / "extra").exists()
    cli.json("local", "transfer", f"{run_id}:checkpoints", str(out), "--delete", "--yes")
    assert not (out / "extra").exists()


def test_a_training_without_its_supervisor_is_still_guarded(cli: Cli) -> None:
    """Lost is not ended: it is said that it trains on, and ending it takes --force as before."""
    run_id = start(cli, "train.py", "--", "1000", "0.05")
    record = json.loads((cli.home / ".runctl/runs" / run_id / "supervisor.json").read_text())
    os.kill(record["pid"], signal.SIGKILL)
    wait_for(lambda: cli.json("runs", "show", run_id)["state"] == "lost", "it is noticed")
    assert cli.json("runs", "show", run_id)["orphan_pid"] == record["leader"]["pid"]
    refused = cli.run("local", "terminate", run_id, "--yes")
    assert refused.exit_code == 4
    assert "the training goes on as pid" in refused.err
    assert cli.run("local", "terminate", run_id, "--yes", "--force").exit_code == 0
    assert cli.json("runs", "show", run_id)["orphan_pid"] is None
    assert cli.run("local", "terminate", run_id, "--yes").exit_code == 0


def follow(cli: Cli, *argv: str) -> subprocess.Popen[bytes]:
    """Start a following train in a process group of its own, as a shell does."""
    return subprocess.Popen(
        [*cli.command, "local", "train", *argv],
        cwd=cli.cwd,
        env=cli.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def read_until(stream: IO[bytes] | None, text: bytes) -> None:
    """Read lines until one has a text in it."""
    assert stream
    while text not in (line := stream.readline()):
        assert line, f"the output ended without {text!r}"


def the_run(cli: Cli) -> str:
    """The id of the one run there is."""
    [run] = cli.json("runs", "list")["runs"]
    return str(run["id"])


def test_kill_9_of_the_client_loses_nothing(cli: Cli) -> None:
    """The training, its log and its record go on; another client follows it to the end."""
    client = follow(cli, "train.py", "--", "40", "0.05")
    read_until(client.stdout, b"step=2/")
    os.killpg(client.pid, signal.SIGKILL)
    client.communicate()
    run_id = the_run(cli)
    answer = cli.run("runs", "logs", "-f", run_id)
    assert answer.exit_code == 0
    steps = [line.split()[0] for line in answer.out.splitlines()]
    assert steps == [f"step={n}/40" for n in range(1, 41)]
    assert cli.json("runs", "show", run_id)["state"] == "succeeded"


def test_ctrl_c_asks_the_run_to_save(cli: Cli) -> None:
    """The first Ctrl-C is a wish to end well, and following goes on until it has."""
    client = follow(cli, "train.py", "--", "1000", "0.05")
    read_until(client.stdout, b"step=2/")
    os.killpg(client.pid, signal.SIGINT)
    out, err = client.communicate(timeout=30)
    assert b"saved and leaving" in out
    assert b"Ctrl-C again" in err
    assert client.returncode == 130
    assert cli.json("runs", "show", the_run(cli))["state"] == "stopped"


def test_ctrl_c_twice_leaves_the_run_to_itself(cli: Cli) -> None:
    """The second Ctrl-C only ends the following."""
    assert cli.cwd
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    stubborn += "print('begun', flush=True)\nwhile True: time.sleep(0.05)\n"
    (cli.cwd / "stubborn.py").write_text(stubborn)
    client = follow(cli, "stubborn.py")
    read_until(client.stdout, b"begun")
    os.killpg(client.pid, signal.SIGINT)
    read_until(client.stderr, b"Ctrl-C again")
    wait_for(
        lambda: cli.json("runs", "show", the_run(cli))["state"] == "stopping", "the wish arrives"
    )
    os.killpg(client.pid, signal.SIGINT)
    _, err = client.communicate(timeout=30)
    assert client.returncode == 130
    assert b"left to end by itself" in err
    assert cli.json("runs", "show", the_run(cli))["state"] == "stopping"
    hurried = cli.json("runs", "stop", the_run(cli), "--grace", "0")
    assert hurried["state"] == "stopped"


def test_ctrl_c_while_reading_a_log_harms_nothing(cli: Cli) -> None:
    """Following a log is looking; it never touches the run."""
    run_id = start(cli, "train.py", "--", "1000", "0.05")
    reader = subprocess.Popen(
        [*cli.command, "runs", "logs", "-f", run_id],
        cwd=cli.cwd,
        env=cli.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    read_until(reader.stdout, b"step=")
    os.killpg(reader.pid, signal.SIGINT)
    reader.communicate(timeout=30)
    assert reader.returncode == 130
    assert cli.json("runs", "show", run_id)["state"] == "running"


def test_a_reader_that_goes_away_is_no_error(cli: Cli) -> None:
    """``runctl runs logs | head`` ends quietly."""
    run_id = start(cli, "train.py", "--", "2000")
    cli.run("local", "wait", run_id)
    reader = subprocess.Popen(
        [*cli.command, "runs", "logs", run_id],
        env=cli.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert reader.stdout
    assert reader.stderr
    reader.stdout.readline()
    reader.stdout.close()
    assert reader.stderr.read() == b""
    reader.stderr.close()
    reader.wait(timeout=30)


def test_verbose_tells_what_is_done_and_quiet_nothing(cli: Cli) -> None:
    """Messages go to standard error, more of them with each -v, none but the answer with -q."""
    plain = cli.run("local", "train", "train.py", "--", "1")
    told = cli.run("-v", "local", "train", "train.py", "--", "1")
    more = cli.run("local", "train", "train.py", "-vv", "--", "1")
    quiet = cli.run("-q", "local", "train", "train.py", "--", "1")
    assert "starting a run" not in plain.err
    assert "starting a run" in told.err
    assert "asking" not in told.err
    assert "asking" in more.err
    assert quiet.err == ""
    assert plain.out == told.out == more.out == quiet.out == "step=1/1 loss=1.0\n"
