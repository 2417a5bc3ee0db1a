"""Every way to start a training passes the policies, and tells the observers."""

from __future__ import annotations

from pathlib import Path

import pytest

from runctl_core.testing.cli import Cli

POLICY = """
import os
from runctl_core.api import ActionKind, Finding, Level, PolicyInfo, hookimpl

@hookimpl
def runctl_policy():
    return PolicyInfo(name="holiday", summary="Nothing starts.", codes={"HOLIDAY": "Wait."})

@hookimpl
def runctl_check(action, context):
    if action.kind in (ActionKind.TRAIN, ActionKind.STOP) and os.path.exists("holiday"):
        return Finding(code="HOLIDAY", level=Level.BLOCK, reason="nobody touches anything today")

@hookimpl
def runctl_action_finished(action, outcome):
    with open("heard", "a") as file:
        file.write(f"{action.kind} {outcome}\\n")
"""


@pytest.fixture
def cli(tmp_path: Path, isolated_home: Path) -> Cli:
    """A project in which one run has ended, and a policy that knows holidays."""
    metadata = tmp_path / "site" / "holiday-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "entry_points.txt").write_text("[runctl.policies]\nholiday = holiday_policy\n")
    (tmp_path / "site" / "holiday_policy.py").write_text(POLICY)
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "train.py").write_text("print('trained')")
    person = Cli(home=isolated_home, cwd=project, sites=(tmp_path / "site",))
    assert person.run("local", "train", "train.py").exit_code == 0
    (project / "holiday").touch()
    (project / "heard").unlink()
    return person


def heard(cli: Cli) -> str:
    """What the observer noted."""
    assert cli.cwd
    note = cli.cwd / "heard"
    return note.read_text() if note.exists() else ""


@pytest.mark.parametrize("line", ["local train train.py", "runs resume train"])
def test_a_policy_refuses_every_start(cli: Cli, line: str) -> None:
    """Training anew and training on are judged alike; --force lifts what may be lifted."""
    refused = cli.run(*line.split())
    assert refused.exit_code == 4
    assert "HOLIDAY" in refused.err
    assert heard(cli) == ""
    assert len(cli.json("runs", "list")["runs"]) == 1
    forced = cli.run(*line.split(), "--force")
    assert forced.exit_code == 0, forced.err
    assert "HOLIDAY" in forced.err
    assert heard(cli) == "train done\n"


@pytest.mark.parametrize("line", ["local stop slow", "runs stop slow"])
def test_a_policy_refuses_every_stop(cli: Cli, line: str) -> None:
    """Stopping a run by either name is judged alike, and a dry run does nothing."""
    assert cli.cwd
    (cli.cwd / "sleep.py").write_text("import time; time.sleep(600)")
    cli.run("local", "train", "sleep.py", "--name", "slow", "--detach", "--force")
    refused = cli.run(*line.split())
    assert refused.exit_code == 4
    assert "HOLIDAY" in refused.err
    assert cli.run(*line.split(), "--dry-run", "--force").exit_code == 0
    assert cli.json("runs", "show", "slow")["state"] == "running"
    forced = cli.run(*line.split(), "--force", "--yes")
    assert forced.exit_code == 0, forced.err
    assert cli.json("runs", "show", "slow")["state"] == "stopped"
    assert heard(cli) == "train done\nstop done\n"


@pytest.mark.parametrize("section", ["policies", "plugins"])
def test_what_is_disabled_neither_refuses_nor_hears(cli: Cli, section: str) -> None:
    """The settings do without a policy, at the user's own word."""
    cli.run("config", "set", f"{section}.disabled", "holiday")
    answer = cli.run("local", "train", "train.py")
    assert answer.exit_code == 0, answer.err
    assert heard(cli) == ""
