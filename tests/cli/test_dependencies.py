"""Scripts get their packages and processes by the real tools: uv, venv with pip, torchrun."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from runctl_core.testing.cli import Cli

WHERE = "import sys; print('prefix', sys.prefix)\n"


def find_uv() -> str | None:
    """Where uv is: it tells programs that it runs, and the set-up command puts it into the project."""
    bootstrap = Path(__file__).parents[2] / ".uv" / "bin" / "uv"
    return (
        os.environ.get("UV")
        or shutil.which("uv")
        or (str(bootstrap) if bootstrap.exists() else None)
    )


@pytest.fixture
def uv() -> str:
    """The path of uv."""
    found = find_uv()
    if not found:
        pytest.skip("uv is not here; the set-up command of the README brings it")
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that is a project of its own."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


def person(home: Path, project: Path, **env: str) -> Cli:
    """Somebody in a project, with no environment active."""
    return Cli(home=home, cwd=project, env={"UV_OFFLINE": "1", **env}, timeout_s=180)


def test_a_script_with_a_header_runs_under_uv(uv: str, project: Path, isolated_home: Path) -> None:
    """PEP 723: the script says what it needs, and gets an environment of its own."""
    header = '# /// script\n# requires-python = ">=3.11"\n# dependencies = []\n# ///\n'
    (project / "train.py").write_text(header + WHERE)
    answer = person(isolated_home, project, UV=uv).run("local", "train", "train.py")
    assert answer.exit_code == 0, answer.err + answer.out
    assert str(Path(sys.prefix)) not in answer.out.splitlines()[-1]
    assert "prefix" in answer.out


def test_a_script_with_a_header_needs_uv(project: Path, isolated_home: Path) -> None:
    """Without uv the refusal says how to get it, and what does without."""
    (project / "train.py").write_text("# /// script\n# dependencies = []\n# ///\n" + WHERE)
    cli = person(isolated_home, project, PATH="/usr/bin:/bin")
    if shutil.which("uv", path="/usr/bin:/bin"):
        pytest.skip("not declared: this machine has uv everywhere")
    answer = cli.run("local", "train", "train.py")
    assert answer.exit_code == 2
    assert "pip install uv" in answer.err
    assert "--deps none" in answer.err


def test_a_project_is_synced_by_uv(uv: str, project: Path, isolated_home: Path) -> None:
    """A pyproject.toml: the environment of the project is made, then used."""
    table = '[project]\nname = "mine"\nversion = "1"\nrequires-python = ">=3.11"\n'
    (project / "pyproject.toml").write_text(table)
    (project / "train.py").write_text(WHERE)
    answer = person(isolated_home, project, UV=uv).run("local", "train", "train.py")
    assert answer.exit_code == 0, answer.err + answer.out
    assert answer.out.splitlines()[-1] == f"prefix {project / '.venv'}"


def test_requirements_get_an_environment_that_is_used_again(
    project: Path, isolated_home: Path
) -> None:
    """A requirements.txt: pip installs once for the same list; the output shows it."""
    wheel = project / "tiny_thing-1.0-py3-none-any.whl"
    info = "tiny_thing-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_thing.py", "SIZE = 'tiny'\n")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n"
        )
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
    (project / "requirements.txt").write_text(f"{wheel}\n")
    (project / "train.py").write_text("import tiny_thing; print(tiny_thing.SIZE)\n" + WHERE)
    cli = person(isolated_home, project, PIP_NO_INDEX="1")
    first = cli.run("local", "train", "train.py")
    assert first.exit_code == 0, first.err + first.out
    assert first.out.splitlines()[-2] == "tiny"
    assert f"{isolated_home}/.runctl/venvs/" in first.out.splitlines()[-1]
    second = cli.run("local", "train", "train.py")
    assert second.out.splitlines()[1:] == first.out.splitlines()[-2:], "pip had nothing to do"


def test_requirements_that_cannot_be_met_fail_before_the_script(
    project: Path, isolated_home: Path
) -> None:
    """What pip says is in the log, and the run says which step failed."""
    (project / "requirements.txt").write_text("no-such-package-anywhere==1\n")
    (project / "train.py").write_text("print('never')\n")
    cli = person(isolated_home, project, PIP_NO_INDEX="1")
    answer = cli.run("local", "train", "train.py")
    assert answer.exit_code == 8
    assert "no-such-package-anywhere" in answer.out
    assert "never" not in answer.out
    [run] = cli.json("runs", "list")["runs"]
    assert run["state"] == "failed"
    assert run["detail"]


def find_torch() -> Path | None:
    """The bin folder of an interpreter that has PyTorch."""
    if importlib.util.find_spec("torch"):
        return Path(sys.executable).parent
    named = os.environ.get("RUNCTL_TEST_TORCH_PYTHON")
    return Path(named).parent if named else None


def test_nproc_trains_under_torchrun(project: Path, isolated_home: Path) -> None:
    """Two ranks train together, only one saves, and stopping lets both finish the save."""
    torch = find_torch()
    if torch is None:
        pytest.skip("no PyTorch here; RUNCTL_TEST_TORCH_PYTHON may name a Python that has it")
    examples = Path(__file__).parents[2] / "examples"
    shutil.copy(examples / "train_digits.py", project)
    cli = person(isolated_home, project, VIRTUAL_ENV=str(torch.parent))
    done = cli.run("local", "train", "train_digits.py", "--nproc", "2", "--", "--epochs", "1")
    assert done.exit_code == 0, done.err + done.out
    [run] = cli.json("runs", "list")["runs"]
    saved = list(Path(run["checkpoint_dir"]).iterdir())
    assert saved
    assert not [path for path in saved if "tmp" in path.name]
    assert done.out.count("finished ") == 1
