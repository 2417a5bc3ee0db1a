"""How a script is started: which interpreter, and what is installed before.

``observe`` looks, ``plan_commands`` decides; the latter is a pure function of what was seen.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from runctl_core.api.errors import InputError
from runctl_core.api.requests import Dependencies
from runctl_core.runs.supervisor import GPU_PLACEHOLDER

if TYPE_CHECKING:
    from runctl_core.api.requests import TrainRequest

_HEADER = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""The block that PEP 723 defines."""


@attrs.frozen(kw_only=True)
class Surroundings:
    """What a script stands in, as far as its packages depend on it.

    Attributes:
        header: the TOML text of the script's PEP 723 block.
        environment: the folder of the active virtual or conda environment.
        has_project: whether the project has a ``uv.lock``, or a ``pyproject.toml`` with a ``[project]`` table.
        requirements_sha256: the hash of the project's ``requirements.txt``.
    """

    is_python: bool = True
    is_executable: bool = False
    header: str | None = None
    environment: str | None = None
    has_project: bool = False
    requirements_sha256: str | None = None


@attrs.frozen(kw_only=True)
class Site:
    """Where the script will run: paths and programs of that machine."""

    script: str
    project_dir: str
    home: str
    run_dir: str
    python: str = "python3"
    uv: str = "uv"


@attrs.frozen(kw_only=True)
class Commands:
    """What the supervisor executes; ``source`` says where the packages come from."""

    argv: tuple[str, ...]
    prepare: tuple[tuple[str, ...], ...] = ()
    source: Dependencies = Dependencies.NONE


def observe(request: TrainRequest, env: Mapping[str, str], *, is_local: bool) -> Surroundings:
    """Look at the script and its project on this machine.

    Args:
        env: the caller's environment; only a local run can use what is active in it.

    Raises:
        InputError: the script is missing, is no file or cannot be read.
    """
    text = _read_script(request.script)
    is_python = request.script.suffix == ".py"
    header = _HEADER.search(text) if is_python else None
    environment = env.get("VIRTUAL_ENV") or env.get("CONDA_PREFIX")
    return Surroundings(
        is_python=is_python,
        is_executable=os.access(request.script, os.X_OK),
        header=_uncomment(header["content"]) if header else None,
        environment=environment if is_local else None,
        has_project=_has_project(request.project_dir),
        requirements_sha256=_hash_requirements(request.project_dir),
    )


def find_uv(env: Mapping[str, str]) -> str:
    """Where ``uv`` is on this machine; it tells programs that it runs."""
    return env.get("UV") or shutil.which("uv", path=env.get("PATH")) or "uv"


def plan_commands(request: TrainRequest, seen: Surroundings, site: Site) -> Commands:
    """Decide how to start the script.

    Raises:
        InputError: what was asked for is not there, or the script is nothing that can be started.
    """
    source = _choose_source(request, seen)
    if not seen.is_python:
        return _plan_program(request, seen, site)
    if source is Dependencies.SCRIPT and request.nproc is None:
        argv = (site.uv, "run", "--script", site.script, *request.args)
        return Commands(argv=argv, source=source)
    interpreter, prepare = _plan_interpreter(source, request, seen, site)
    argv = (*interpreter, *_torchrun(request.nproc), site.script, *request.args)
    return Commands(argv=argv, prepare=prepare, source=source)


def _read_script(script: Path) -> str:
    try:
        return script.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
    except FileNotFoundError:
        raise InputError(f"{script}: there is no such script") from None
    except IsADirectoryError:
        hint = "name the script itself, such as train.py"
        raise InputError(f"{script} is a folder, not a script", hint=hint) from None
    except OSError as error:
        raise InputError(f"{script} cannot be read: {error.strerror}") from None


def _uncomment(block: str) -> str:
    return "".join(
        line[2:] if line.startswith("# ") else line[1:] for line in block.splitlines(True)
    )


def _has_project(project_dir: Path) -> bool:
    if (project_dir / "uv.lock").is_file():
        return True
    try:
        text = (project_dir / "pyproject.toml").read_bytes()
    except OSError:
        return False
    return re.search(rb"(?m)^\s*\[\s*project\s*\]", text) is not None


def _hash_requirements(project_dir: Path) -> str | None:
    import hashlib

    try:
        return hashlib.sha256((project_dir / "requirements.txt").read_bytes()).hexdigest()
    except OSError:
        return None


def _choose_source(request: TrainRequest, seen: Surroundings) -> Dependencies:
    asked = request.dependencies
    if asked is Dependencies.AUTO:
        return _first_that_applies(request, seen)
    missing = {
        Dependencies.SCRIPT: seen.header is None and "the script has no PEP 723 header",
        Dependencies.PROJECT: not seen.has_project and "there is no uv.lock or pyproject.toml",
        Dependencies.REQUIREMENTS: not seen.requirements_sha256 and "there is no requirements.txt",
        Dependencies.CONDA: not request.conda_env and "no conda environment is named",
    }.get(asked)
    if missing:
        raise InputError(
            f"{request.script}: dependencies from {asked.value} are not possible: {missing}"
        )
    return asked


def _first_that_applies(request: TrainRequest, seen: Surroundings) -> Dependencies:
    if request.conda_env:
        return Dependencies.CONDA
    if seen.header is not None:
        return Dependencies.SCRIPT
    if seen.environment:
        return Dependencies.NONE
    if seen.has_project:
        return Dependencies.PROJECT
    if seen.requirements_sha256:
        return Dependencies.REQUIREMENTS
    return Dependencies.NONE


def _plan_program(request: TrainRequest, seen: Surroundings, site: Site) -> Commands:
    if not seen.is_executable:
        hint = f"chmod +x {request.script.name}"
        raise InputError(f"{request.script} is neither a .py file nor executable", hint=hint)
    if request.nproc is not None:
        raise InputError(f"{request.script}: --nproc needs a Python script (.py)")
    return Commands(argv=(site.script, *request.args))


def _plan_interpreter(
    source: Dependencies, request: TrainRequest, seen: Surroundings, site: Site
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """The beginning of the command line that runs Python, and the steps that it needs before."""
    match source:
        case Dependencies.SCRIPT:
            return _script_interpreter(seen.header or "", request, site), ()
        case Dependencies.PROJECT:
            sync = (site.uv, "sync", "--project", site.project_dir)
            run = (site.uv, "run", "--no-sync", "--project", site.project_dir, "--", "python")
            return run, (sync,)
        case Dependencies.REQUIREMENTS:
            return _requirements_interpreter(seen.requirements_sha256 or "", site)
        case Dependencies.CONDA:
            named = ("conda", "run", "--no-capture-output", "-n", request.conda_env or "")
            return (*named, "python"), ()
    return (f"{seen.environment}/bin/python" if seen.environment else site.python,), ()


def _script_interpreter(header: str, request: TrainRequest, site: Site) -> tuple[str, ...]:
    """``uv run --script`` starts one process; for several, its packages are named one by one."""
    import tomllib

    try:
        block: dict[str, Any] = tomllib.loads(header)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{request.script}: its PEP 723 header is no TOML: {error}") from None
    python = ("--python", block["requires-python"]) if "requires-python" in block else ()
    packages = (word for package in block.get("dependencies", ()) for word in ("--with", package))
    return (site.uv, "run", "--no-project", *python, *packages, "--", "python")


def _requirements_interpreter(
    sha256: str, site: Site
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    folder = f"{site.home}/venvs/{sha256[:16]}"
    builder = f"{site.run_dir}/venv_builder.py"
    build = (site.python, builder, folder, f"{site.project_dir}/requirements.txt")
    return (f"{folder}/bin/python",), (build,)


def _torchrun(nproc: int | None) -> tuple[str, ...]:
    if nproc is None:
        return ()
    count = f"--nproc-per-node={nproc}" if nproc else GPU_PLACEHOLDER
    return ("-m", "torch.distributed.run", "--standalone", count)
