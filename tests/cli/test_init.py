"""``runctl init`` and ``runctl completion``."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Runctl


@pytest.mark.usefixtures("acme")
def test_init_writes_a_file_that_changes_nothing(runctl: Runctl, project: Path) -> None:
    """Every key is there as a comment with its default."""
    before = runctl("config", "show").out
    answer = runctl("init")
    assert answer.exit_code == 0
    assert runctl("config", "validate").exit_code == 0
    assert runctl("config", "show").out == before
    text = (project / ".runctl.toml").read_text()
    assert "# grace_s = 90.0" in text
    assert '# region = "eu"' in text


def test_init_replaces_a_file_only_when_told(runctl: Runctl, project: Path) -> None:
    """Also when it is a link to nowhere."""
    file = project / ".runctl.toml"
    file.write_text("# mine\n")
    answer = runctl("init")
    assert (answer.exit_code, file.read_text()) == (2, "# mine\n")
    assert "--force replaces it" in answer.err
    assert runctl("init", "--force").exit_code == 0
    assert "# mine" not in file.read_text()
    file.unlink()
    file.symlink_to("nowhere")
    assert runctl("init").exit_code == 2


@pytest.mark.usefixtures("acme")
def test_init_takes_over_the_prototypes_file(runctl: Runctl, project: Path) -> None:
    """What it means the same, secrets stay out of the shared file, the rest is listed."""
    (project / ".trainctl.toml").write_text(
        "[acme]\nregion = 'us'\napi_key = 'canary'\nuse_spot = true\n"
    )
    answer = runctl("init")
    text = (project / ".runctl.toml").read_text()
    assert '\n[acme]\n# Where machines are rented. (text)\nregion = "us"\n' in text
    assert "canary" not in text + answer.err
    assert "acme.api_key is a secret" in answer.err
    assert "mean nothing here: acme.use_spot" in answer.err


def test_init_writes_nothing_when_an_old_value_does_not_fit(runctl: Runctl, project: Path) -> None:
    """A file that every later command refuses would be worse than none."""
    (project / ".trainctl.toml").write_text("[runs]\ngrace_s = 'long'\n")
    answer = runctl("init")
    assert answer.exit_code == 2
    assert "runs.grace_s expects a number of seconds, got 'long'" in answer.err
    assert not (project / ".runctl.toml").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_runctl_program(runctl: Runctl, shell: str) -> None:
    """The script on standard output, how to install it on standard error."""
    answer = runctl("completion", shell)
    assert answer.exit_code == 0
    assert f"_RUNCTL_COMPLETE={shell}_complete" in answer.out
    assert "to install it" in answer.err
    assert runctl("completion", shell, "--output", "json").data["shell"] == shell


def test_bash_completes_commands_with_the_script(runctl: Runctl, tmp_path: Path) -> None:
    """Run by a real bash."""
    script = runctl("completion", "bash").out
    asking = "COMP_WORDS=(runctl con); COMP_CWORD=1; _runctl_completion runctl con runctl; echo ${COMPREPLY[@]}"
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\n{asking}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{_bin()}:{os.environ['PATH']}"},
        cwd=tmp_path,
    )
    assert "config" in done.stdout.split(), done.stderr


def _bin() -> str:
    import sys

    return str(Path(sys.executable).parent)
