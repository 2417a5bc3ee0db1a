"""How a script is started: what is seen, and what is decided."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runctl_core.api.errors import InputError
from runctl_core.api.requests import Dependencies, TrainRequest
from runctl_core.runs import venv_builder
from runctl_core.runs.dependencies import Site, Surroundings, find_uv, observe, plan_commands

SITE = Site(script="/p/train.py", project_dir="/p", home="/h", run_dir="/h/runs/r", uv="/bin/uv")
HEADER = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["numpy", "a>1"]\n# ///\n'


def ask(script="/p/train.py", **fields):
    """A request for one training."""
    return TrainRequest(run_id="r", script=Path(script), project_dir=Path("/p"), **fields)


def plan(seen, **fields):
    """What is executed for a script called with ``-x``."""
    return plan_commands(ask(args=("-x",), **fields), seen, SITE)


@pytest.mark.parametrize(
    ("seen", "argv", "prepare"),
    [
        (Surroundings(), ("python3", "/p/train.py", "-x"), ()),
        (Surroundings(environment="/e"), ("/e/bin/python", "/p/train.py", "-x"), ()),
        (Surroundings(header="", environment="/e", has_project=True),
         ("/bin/uv", "run", "--script", "/p/train.py", "-x"), ()),
        (Surroundings(environment="/e", has_project=True), ("/e/bin/python", "/p/train.py", "-x"), ()),
        (Surroundings(has_project=True, requirements_sha256="f" * 64),
         ("/bin/uv", "run", "--no-sync", "--project", "/p", "--", "python", "/p/train.py", "-x"),
         (("/bin/uv", "sync", "--project", "/p"),)),
        (Surroundings(requirements_sha256="f" * 64),
         ("/h/venvs/ffffffffffffffff/bin/python", "/p/train.py", "-x"),
         (("python3", "/h/runs/r/venv_builder.py", "/h/venvs/ffffffffffffffff", "/p/requirements.txt"),)),
        (Surroundings(is_python=False, is_executable=True), ("/p/train.py", "-x"), ()),
    ],
)  # fmt: skip
def test_the_first_that_applies_is_taken(seen, argv, prepare):
    """Header, active environment, project, requirements, plain interpreter: in this order."""
    found = plan(seen)
    assert (found.argv, found.prepare) == (argv, prepare)


def test_no_dependencies_ignores_project_files():
    """``none`` takes the interpreter as it is."""
    seen = Surroundings(has_project=True, requirements_sha256="f" * 64, header="")
    assert plan(seen, dependencies=Dependencies.NONE).argv == ("python3", "/p/train.py", "-x")


def test_conda_is_used_when_it_is_named():
    """A named conda environment comes before everything else."""
    argv = plan(Surroundings(header="", has_project=True), conda_env="ml").argv
    assert argv[:6] == ("conda", "run", "--no-capture-output", "-n", "ml", "python")


@pytest.mark.parametrize("nproc", [1, 2, 8])
def test_processes_run_under_torchrun(nproc):
    """A number of processes puts torchrun between interpreter and script."""
    argv = plan(Surroundings(environment="/e"), nproc=nproc).argv
    count = f"--nproc-per-node={nproc}"
    expected = ("-m", "torch.distributed.run", "--standalone", count, "/p/train.py", "-x")
    assert argv == ("/e/bin/python", *expected)


def test_several_processes_get_the_headers_packages():
    """Under torchrun the packages of a PEP 723 header are named one by one."""
    header = 'requires-python = ">=3.11"\ndependencies = ["numpy", "a>1"]\n'
    argv = plan(Surroundings(header=header), nproc=2).argv
    assert argv[:10] == (
        "/bin/uv", "run", "--no-project", "--python", ">=3.11", "--with", "numpy", "--with", "a>1", "--",
    )  # fmt: skip


@pytest.mark.parametrize("source", ["script", "project", "requirements", "conda"])
def test_what_is_not_there_cannot_be_asked_for(source):
    """Naming a source that is missing is an error that says what is missing."""
    with pytest.raises(InputError, match=f"dependencies from {source}"):
        plan(Surroundings(), dependencies=Dependencies(source))


def test_a_file_that_is_no_program_is_refused():
    """Neither Python nor executable: the way out is named."""
    with pytest.raises(InputError) as caught:
        plan_commands(ask("/p/train.sh"), Surroundings(is_python=False), SITE)
    assert caught.value.hint == "chmod +x train.sh"


def test_a_program_has_no_processes_to_launch():
    """``--nproc`` is for Python scripts."""
    with pytest.raises(InputError, match="--nproc"):
        plan(Surroundings(is_python=False, is_executable=True), nproc=2)


def test_a_broken_header_is_one_line():
    """A header that is no TOML is an error of the script."""
    with pytest.raises(InputError, match="PEP 723"):
        plan(Surroundings(header="dependencies = ["), nproc=2)


def test_observe_reads_header_and_project(tmp_path):
    """What decides is found in the files around the script."""
    script = tmp_path / "train.py"
    script.write_text("#!/usr/bin/env python\r\n".replace("\r\n", "\n") + HEADER + "print(1)\n")
    (tmp_path / "requirements.txt").write_text("numpy\n")
    request = TrainRequest(run_id="r", script=script, project_dir=tmp_path)
    seen = observe(request, {"CONDA_PREFIX": "/c"}, is_local=True)
    assert seen.header == 'requires-python = ">=3.11"\ndependencies = ["numpy", "a>1"]\n'
    assert seen.environment == "/c"
    assert seen.requirements_sha256
    assert observe(request, {"CONDA_PREFIX": "/c"}, is_local=False).environment is None


@pytest.mark.parametrize(
    ("content", "has_project"),
    [("[project]\nname='x'\n", True), ("[tool.ruff]\n", False), ("# [project]\n", False)],
)
def test_only_a_project_table_makes_a_project(tmp_path, content, has_project):
    """A ``pyproject.toml`` that only configures tools installs nothing."""
    (tmp_path / "train.py").write_text("")
    (tmp_path / "pyproject.toml").write_text(content)
    request = TrainRequest(run_id="r", script=tmp_path / "train.py", project_dir=tmp_path)
    assert observe(request, {}, is_local=True).has_project is has_project


def test_missing_script_and_folder_are_refused(tmp_path):
    """A script that is not there, or is a folder, is wrong input."""
    for script in (tmp_path / "none.py", tmp_path):
        request = TrainRequest(run_id="r", script=script, project_dir=tmp_path)
        with pytest.raises(InputError, match=str(script)):
            observe(request, {}, is_local=True)


def test_uv_tells_where_it_is():
    """The variable that uv sets for its children comes first."""
    assert find_uv({"UV": "/x/uv", "PATH": "/usr/bin"}) == "/x/uv"
    assert find_uv({"PATH": "/nowhere"}) == "uv"


def test_an_environment_is_made_once(tmp_path):
    """The marker makes it count; without one it is made anew."""
    venv, requirements = tmp_path / "venvs" / "x", tmp_path / "requirements.txt"
    requirements.write_text("")
    argv = [sys.executable, venv_builder.__file__, str(venv), str(requirements)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    (venv / "canary").touch()
    subprocess.run(argv, check=True)
    assert (venv / "canary").exists()
    (venv / venv_builder.MARKER).unlink()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    assert not (venv / "canary").exists()
    assert (venv / venv_builder.MARKER).exists()


def test_a_failed_installation_leaves_no_marker(tmp_path):
    """What could not be installed is tried again next time."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("-r missing.txt\n")
    argv = [sys.executable, venv_builder.__file__, str(tmp_path / "v"), str(requirements)]
    done = subprocess.run(argv, check=False, capture_output=True)
    assert done.returncode != 0
    assert not (tmp_path / "v" / venv_builder.MARKER).exists()
