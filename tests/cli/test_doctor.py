"""``runctl doctor``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runctl_core import diagnosis
from runctl_core.diagnosis import Health

if TYPE_CHECKING:
    from tests.cli.conftest import Runctl


@pytest.fixture(autouse=True)
def no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else is installed is not these tests' business."""
    monkeypatch.setenv("RUNCTL_DISABLE_PLUGINS", "local,aws,runpod,lyceum")


def _states(answer: object) -> dict[str, str]:
    return {check["name"]: check["state"] for check in answer.data["checks"]}  # type: ignore[attr-defined]


@pytest.mark.usefixtures("acme")
def test_a_sound_machine_passes_and_nothing_is_made(runctl: Runctl, isolated_home: Path) -> None:
    """Looking leaves no trace."""
    before = sorted(isolated_home.rglob("*"))
    answer = runctl("doctor", "--output", "json")
    states = _states(answer)
    assert answer.exit_code == 0
    assert "fail" not in states.values()
    assert {"python", "clock", "configuration", "home", "disk", "runs", "ssh", "uv", "git",
            "nvidia-smi", "plugin acme"} <= set(states)  # fmt: skip
    assert sorted(isolated_home.rglob("*")) == before


def test_a_home_that_everybody_may_write_to_fails(runctl: Runctl, isolated_home: Path) -> None:
    """With exit code 1 and a way out."""
    home = isolated_home / ".runctl"
    home.mkdir()
    home.chmod(0o777)
    answer = runctl("doctor")
    assert answer.exit_code == 1
    assert f"{home}: everybody may write to it; mend it" in answer.out
    home.rmdir()
    home.write_text("")
    assert "it is not a folder" in runctl("doctor").out


def test_a_wrong_configuration_fails_and_the_rest_is_still_checked(
    runctl: Runctl, project: Path
) -> None:
    """The doctor must not be the first to fall ill."""
    (project / ".runctl.toml").write_text("[runs]\ngrace = 1\n")
    answer = runctl("doctor", "--output", "json")
    states = _states(answer)
    assert answer.exit_code == 1
    assert (states["configuration"], states["home"]) == ("fail", "ok")


@pytest.mark.usefixtures("acme")
def test_a_broken_plugin_and_a_wrong_section_fail(
    runctl: Runctl, project: Path, tmp_path: Path
) -> None:
    """Each names itself."""
    (project / ".runctl.toml").write_text("[acme]\nregion = 1\n")
    answer = runctl("doctor")
    assert answer.exit_code == 1
    assert ":2: acme.region expects text, got 1" in answer.out
    (tmp_path / "site" / "acme_plugin.py").write_text("raise SystemExit(3)")
    sys.modules.pop("acme_plugin")
    answer = runctl("doctor")
    assert answer.exit_code == 1
    assert "plugin 'acme' (acme_plugin, from acme-plugin 1.0) is broken" in answer.out


def test_missing_programs_are_warned_of(runctl: Runctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """They limit what can be done and are no failure; no GPU is not even a warning."""
    monkeypatch.setenv("PATH", "")
    answer = runctl("doctor", "--output", "json")
    states = _states(answer)
    assert [states[name] for name in ("ssh", "uv", "git")] == ["warn"] * 3
    assert states["nvidia-smi"] == "ok"
    assert answer.exit_code == 0


def test_an_old_python_and_a_wrong_clock_fail() -> None:
    """Both break things in ways that are hard to read."""
    assert diagnosis.check_python((3, 10, 9)).state is Health.FAIL
    assert diagnosis.check_python((3, 12, 0)).state is Health.OK
    assert diagnosis.check_clock(0.0).state is Health.FAIL
    assert diagnosis.check_clock().state is Health.OK


def test_a_run_that_cannot_be_read_is_warned_of(runctl: Runctl, isolated_home: Path) -> None:
    """By its id, with the command that says more."""
    damaged = isolated_home / ".runctl" / "runs" / "20260101-000000-abcd"
    damaged.mkdir(parents=True)
    (damaged / "spec.json").write_bytes(b"\x00garbage")
    for folder in (damaged, damaged.parent, damaged.parent.parent):
        folder.chmod(0o700)
    answer = runctl("doctor")
    assert "runctl runs show 20260101-000000-abcd" in answer.out
    assert answer.exit_code == 0
