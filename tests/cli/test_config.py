"""``runctl config``."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Runctl


@pytest.mark.usefixtures("acme")
def test_show_lists_every_setting_with_its_origin(
    runctl: Runctl, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of plugins, too; secrets are masked wherever they come from."""
    file = project / ".runctl.toml"
    file.write_text("[acme]\nregion = 'us'\n[policy.night]\nfrom = 8\ntoken = 'canary'\n")
    monkeypatch.setenv("RUNCTL_ACME_API_KEY", "canary")
    answer = runctl("config", "show", "--output", "json")
    settings = {row["key"]: (row["value"], row["origin"]) for row in answer.data["settings"]}
    assert settings["acme.region"] == ("us", f"{file}:2")
    assert settings["acme.api_key"] == ("***", "RUNCTL_ACME_API_KEY")
    assert settings["policy.night.from"] == (8, f"{file}:4")
    assert settings["runs.grace_s"] == (90.0, "default")
    assert answer.data["files"] == [str(file)]
    text = runctl("config", "show", "--origin")
    assert f"{file}:2" in text.out
    assert "ORIGIN" not in runctl("config", "show").out
    assert "canary" not in answer.out + answer.err + text.out + text.err


def test_show_survives_values_that_json_has_not(runctl: Runctl, project: Path) -> None:
    """TOML has dates and infinity, and a policy may be given any of them."""
    (project / ".runctl.toml").write_text("[policy.x]\na = inf\nb = 2026-01-01\nc = 07:00:00\n")
    answer = runctl("config", "show", "--output", "json")
    shown = {row["key"]: row["value"] for row in answer.data["settings"]}
    assert [shown[f"policy.x.{key}"] for key in "abc"] == ["inf", "2026-01-01", "07:00:00"]


def test_set_makes_and_changes_the_projects_file(runctl: Runctl, project: Path) -> None:
    """Found from a folder below as well; comments stay."""
    assert runctl("config", "set", "runs.grace_s", "30").exit_code == 0
    file = project / ".runctl.toml"
    file.write_text("# mine\n" + file.read_text())
    assert runctl("config", "set", "policies.required", "a,b").exit_code == 0
    assert file.read_text() == (
        '# mine\n[runs]\ngrace_s = 30.0\n\n[policies]\nrequired = ["a", "b"]\n'
    )


def test_set_user_writes_the_users_file_for_the_user_alone(
    runctl: Runctl, project: Path, isolated_home: Path
) -> None:
    """It may come to hold secrets."""
    assert runctl("config", "set", "--user", "log.level", "info").exit_code == 0
    file = isolated_home / "config" / "runctl" / "config.toml"
    assert file.read_text() == '[log]\nlevel = "info"\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not (project / ".runctl.toml").exists()


def test_set_writes_the_file_given_with_c(runctl: Runctl, project: Path) -> None:
    """``-c PATH`` stands for the project's file here as everywhere."""
    assert runctl("-c", "other.toml", "config", "set", "log.level", "info").exit_code == 0
    assert (project / "other.toml").read_text() == '[log]\nlevel = "info"\n'


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("runs.gracy", "3", "runs.gracy is not a setting; did you mean runs.grace_s?"),
        ("runs.grace_s", "soon", "runs.grace_s expects a number of seconds, got 'soon'"),
        ("runs.grace_s", "nan", "runs.grace_s expects a number of seconds, got 'nan'"),
        ("runs.heartbeat_s", "0", "runs.heartbeat_s must be from 0.1 to 3600, got '0'"),
        ("grace_s", "3", "'grace_s' does not name a setting"),
        ("acme.regoin", "x", "acme.regoin is not a setting; did you mean acme.region?"),
        ("acme.api_key", "canary", "acme.api_key is a secret"),
        ("missing.key", "x", "no plugin named 'missing' is installed"),
    ],
)
def test_set_refuses_what_would_not_be_valid(
    runctl: Runctl, project: Path, key: str, value: str, message: str
) -> None:
    """One line, exit code 2, and no file is written."""
    answer = runctl("config", "set", key, value)
    assert answer.exit_code == 2
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert "canary" not in answer.err
    assert not (project / ".runctl.toml").exists()


@pytest.mark.usefixtures("acme")
def test_set_reads_a_secret_from_standard_input(
    runctl: Runctl, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it never stands in a list of processes; it is not shown, either."""
    monkeypatch.setattr("sys.stdin", io.StringIO("canary\n"))
    answer = runctl("config", "set", "acme.api_key", "-")
    assert answer.exit_code == 0
    assert (project / ".runctl.toml").read_text() == '[acme]\napi_key = "canary"\n'
    assert "canary" not in answer.out + answer.err


def test_set_leaves_a_file_that_is_wrong_elsewhere(runctl: Runctl, project: Path) -> None:
    """What is wrong is named; nothing is changed."""
    file = project / ".runctl.toml"
    file.write_text("[runs]\nhome = 3\n")
    answer = runctl("config", "set", "log.level", "info")
    assert (answer.exit_code, file.read_text()) == (2, "[runs]\nhome = 3\n")
    assert f"{file}:2: runs.home expects a path, got 3" in answer.err


@pytest.mark.usefixtures("acme")
def test_validate_checks_plugins_sections_as_well(runctl: Runctl, project: Path) -> None:
    """What a command would only notice when the provider is addressed."""
    file = project / ".runctl.toml"
    file.write_text("[acme]\nregion = 'us'\n")
    answer = runctl("config", "validate")
    assert (answer.exit_code, answer.out) == (0, f"{file} is valid\n")
    file.write_text("[acme]\nregion = 3\n")
    for arguments in ((), (".runctl.toml",)):
        answer = runctl("config", "validate", *arguments)
        assert answer.exit_code == 2
        assert ":2: acme.region expects text, got 3" in answer.err


def test_validate_of_a_file_looks_at_nothing_else(runctl: Runctl, project: Path) -> None:
    """A project's mistake is not reported for another file."""
    (project / ".runctl.toml").write_text("[runs\n")
    (project / "good.toml").write_text("[runs]\ngrace_s = 1\n[elsewhere]\nx = 1\n")
    answer = runctl("config", "validate", "good.toml")
    assert (answer.exit_code, answer.out) == (0, "good.toml is valid\n")
    assert "[elsewhere] is not used" in answer.err
    assert runctl("config", "validate", "missing.toml").exit_code == 2


def test_a_config_that_is_missing_is_never_valid(runctl: Runctl) -> None:
    """``-c`` with a name mistyped must not mean the defaults."""
    answer = runctl("-c", "missing.toml", "config", "show")
    assert answer.exit_code == 2
    assert answer.out == ""
    assert "missing.toml: No such file or directory" in answer.err
