"""Other people's packages, installed from wheels, work without an edit to the core."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

from runctl_core.testing import Cli

ALWAYS_CURFEW = "[policy.curfew]\nfrom = 0\nto = 24\n"
SCRIPT = "import sys\nprint('trained with', *sys.argv[1:])\n"


@pytest.fixture
def cli(environment, tmp_path: Path) -> Cli:
    """A person with a project and an account at ACME."""
    home = tmp_path / "person"
    made = environment.cli(home)
    (home / "train.py").write_text(SCRIPT)
    (home / ".git").mkdir()
    return made


@pytest.fixture
def machine(cli: Cli) -> str:
    """A machine at ACME, by its id."""
    return cli.json("acme", "create", "small", "--name", "m", "--yes")["ref"]["id"]


def impose_curfew(cli: Cli) -> None:
    """Let the curfew last all day."""
    (cli.home / ".runctl.toml").write_text(ALWAYS_CURFEW)


def test_environment_is_apart(environment) -> None:
    """Our code comes from the wheels, not from this working tree."""
    code = "import runctl_core, runctl_acme; print(runctl_core.__file__, runctl_acme.__file__)"
    argv = [environment.path("python"), "-c", code]
    found = subprocess.run(argv, capture_output=True, text=True, check=True, cwd="/").stdout.split()
    assert all(path.startswith(str(environment.folder)) for path in found)


def test_plugins_are_listed(cli: Cli) -> None:
    """A provider, a policy and a command of other people stand in the list, and in the help."""
    found = {
        (report["name"], report["distribution"], report["version"], report["is_ok"])
        for report in cli.json("plugins", "list")["plugins"]
        if report["name"] != "local"
    }
    names = ("acme", "curfew", "fortune")
    assert found == {(name, f"runctl-{name}", "1.0", True) for name in names}
    help_text = cli.run("--help").out
    assert "Machines of the ACME cloud." in help_text
    assert "Print a maxim about training." in help_text


def test_command_of_its_own(cli: Cli) -> None:
    """A third-party command runs like one of ours."""
    answer = cli.run("fortune", "--number", "2")
    assert (answer.exit_code, answer.out) == (0, "Unknown is not no.\n")


def test_from_create_to_terminate(cli: Cli) -> None:
    """A whole life on a third-party cloud: rent, train, watch, run something, end."""
    machine = cli.json("acme", "create", "small", "--name", "first", "--yes")["ref"]["id"]
    listed = cli.json("acme", "list")["resources"]
    assert [(one["ref"]["id"], one["name"], one["state"]) for one in listed] == [
        (machine, "first", "running")
    ]
    run = cli.json("acme", "train", machine, "train.py", "--", "--lr", "1e-3")
    assert cli.run("acme", "wait", machine).exit_code == 0
    assert cli.run("acme", "logs", machine).out == "trained with --lr 1e-3\n"
    assert [one["id"] for one in cli.json("runs", "list")["runs"]] == [run["id"]]
    answer = cli.run("acme", "exec", machine, "--", "sh", "-c", "echo $0; exit 7", "a b")
    assert (answer.exit_code, answer.out) == (7, "a b\n")
    assert cli.run("acme", "terminate", machine, "--yes").exit_code == 0
    assert cli.json("acme", "list")["resources"] == []


def test_price_is_shown(cli: Cli) -> None:
    """The provider's price reaches the table and the JSON without losing a digit."""
    assert cli.json("acme", "prices", "large")["price"]["usd_per_hour"] == "2.40"
    unknown = cli.run("acme", "prices", "huge")
    assert unknown.exit_code == 6
    assert len(unknown.err.splitlines()) == 1


def test_policy_blocks_and_force_lifts(cli: Cli, machine: str) -> None:
    """A third-party policy stops a third-party provider; only force lifts its block, and only with consent."""
    impose_curfew(cli)
    blocked = cli.run("--output", "json", "acme", "terminate", machine, "--yes")
    assert blocked.exit_code == 4
    assert blocked.document["error"]["code"] == "BLOCKED"
    assert [found["code"] for found in blocked.document["findings"]] == ["CURFEW"]
    unasked = cli.run("acme", "terminate", machine, "--force")
    assert unasked.exit_code == 2
    assert "--yes" in unasked.err
    assert [one["ref"]["id"] for one in cli.json("acme", "list")["resources"]] == [machine]
    forced = cli.run("acme", "terminate", machine, "--force", "--yes")
    assert forced.exit_code == 0
    assert "CURFEW" in forced.err
    assert cli.json("acme", "list")["resources"] == []


def test_wrong_policy_settings_are_not_forced(cli: Cli, machine: str) -> None:
    """A block that the policy declares final stays under force."""
    (cli.home / ".runctl.toml").write_text("[policy.curfew]\nfrom = 'late'\n")
    answer = cli.run("acme", "terminate", machine, "--force", "--yes")
    assert answer.exit_code == 4
    assert "CURFEW_SETTINGS" in answer.err
    assert len(cli.json("acme", "list")["resources"]) == 1


def test_running_training_is_not_ended(cli: Cli, machine: str) -> None:
    """Our own policies guard a third-party machine: what trains there is not ended by accident."""
    (cli.home / "endless.py").write_text("import signal\nwhile True: signal.pause()\n")
    cli.json("acme", "train", machine, "endless.py")
    # Whatever the hour is where this runs, only the training counts.
    (cli.home / ".runctl.toml").write_text("[policy.curfew]\nfrom = 0\nto = 0\n")
    blocked = cli.run("acme", "terminate", machine, "--yes")
    assert blocked.exit_code == 4
    assert "TRAINING_RUNNING" in blocked.err
    assert cli.run("acme", "terminate", machine, "--force", "--yes").exit_code == 0


def test_dry_run_changes_nothing(cli: Cli, machine: str) -> None:
    """A rehearsed end says what would be done and what is against it."""
    impose_curfew(cli)
    answer = cli.run("acme", "terminate", machine, "--dry-run")
    assert answer.exit_code == 0
    assert "would terminate m" in answer.err
    assert "CURFEW" in answer.err
    assert len(cli.json("acme", "list")["resources"]) == 1


@pytest.mark.parametrize(("typed", "is_gone"), [(b"\n", False), (b"n\n", False), (b"y\n", True)])
def test_question_defaults_to_no(cli: Cli, machine: str, typed: bytes, is_gone: bool) -> None:
    """At a terminal the machine ends only when the answer is yes; merely pressing enter is no."""
    (cli.home / ".runctl.toml").write_text("[policy.curfew]\nfrom = 0\nto = 0\n")
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    done = subprocess.run(
        [*cli.command, "acme", "terminate", machine],
        stdin=theirs,
        capture_output=True,
        env=cli.variables(),
        cwd=cli.home,
        timeout=60,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert b"Terminate m (running" in done.stderr
    assert (done.returncode == 0) is is_gone
    assert (cli.json("acme", "list")["resources"] == []) is is_gone


@pytest.mark.parametrize("package", ["runctl_acme", "runctl_curfew", "runctl_fortune"])
def test_packages_keep_their_contracts(environment, tmp_path: Path, package: str) -> None:
    """Each package passes the kit that it inherits, where it is installed."""
    source = Path(__file__).parents[1] / "thirdparty" / package / "tests"
    tests = Path(shutil.copytree(source, tmp_path / package))
    argv = ["-q", "-p", "no:cacheprovider", "-W", "error", "--rootdir", str(tests), str(tests)]
    done = subprocess.run(
        [environment.path("python"), "-m", "pytest", *argv],
        cwd=tmp_path,
        env=environment.cli(tmp_path / "person").variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
