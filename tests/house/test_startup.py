"""What a command may load before it does anything: modules are counted, because times differ between machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPORT = """
import json, sys
before = set(sys.modules)
from runctl_core.cli.main import main
try:
    main(sys.argv[2:])
except SystemExit:
    pass
loaded = sorted(set(sys.modules) - before)
with open(sys.argv[1], "w") as file:
    json.dump(loaded, file)
"""
AT_THE_DOOR = {"click", "runctl_core"}
FOR_A_LIST = {"click", "pluggy", "attr", "attrs", "runctl_core", "runctl_local"}


def load(tmp_path: Path, *argv: str, **variables: str) -> set[str]:
    """The modules that one command line loads on top of a bare interpreter."""
    report = tmp_path / "modules.json"
    result = subprocess.run(
        [sys.executable, "-c", REPORT, report, *argv],
        env={**os.environ, **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), result.stderr
    return set(json.loads(report.read_text()))


def third_party(modules: set[str]) -> set[str]:
    """The top-level packages among modules that are not the standard library's."""
    tops = {name.partition(".")[0] for name in modules}
    return {name for name in tops - set(sys.stdlib_module_names) if not name.startswith("_")}


@pytest.mark.parametrize("argv", [["--version"], ["--help"], []])
def test_root_loads_click_alone(tmp_path: Path, argv: list[str]) -> None:
    """Showing help or the version imports no plugin and nothing but click."""
    modules = load(tmp_path, *argv)
    assert third_party(modules) == AT_THE_DOOR
    assert len(modules) <= 100


def test_completion_loads_click_alone(tmp_path: Path) -> None:
    """Pressing the tabulator key costs no more than help."""
    words = {"COMP_WORDS": "runctl l", "COMP_CWORD": "1", "_RUNCTL_COMPLETE": "bash_complete"}
    modules = load(tmp_path, **words)
    assert third_party(modules) == AT_THE_DOOR
    assert len(modules) <= 110


@pytest.fixture
def trained(tmp_path: Path) -> None:
    """One run that has ended, so that a list has something to show."""
    (tmp_path / "nothing.py").write_text("")
    runctl = Path(sys.executable).with_name("runctl")
    subprocess.run([runctl, "local", "train", "nothing.py"], cwd=tmp_path, check=True)


@pytest.mark.usefixtures("trained")
def test_local_list_loads_what_it_needs(tmp_path: Path) -> None:
    """Listing runs takes no converter, no table drawer, no logger and no SDK."""
    modules = load(tmp_path, "local", "list")
    assert third_party(modules) <= FOR_A_LIST
    assert not modules & {"asyncio", "dataclasses", "importlib.metadata", "logging"}
    assert len(modules) <= 175


@pytest.mark.usefixtures("trained")
def test_local_list_in_json_adds_the_converter(tmp_path: Path) -> None:
    """JSON answers pay for the converter and for nothing else."""
    modules = load(tmp_path, "local", "list", "--output", "json")
    assert third_party(modules) <= FOR_A_LIST | {"cattr", "cattrs", "typing_extensions"}


@pytest.mark.parametrize("cloud", ["aws", "lyceum", "runpod"])
def test_provider_help_loads_no_sdk(tmp_path: Path, cloud: str) -> None:
    """A provider's help needs its description, never its SDK."""
    modules = load(tmp_path, cloud, "--help")
    assert third_party(modules) <= FOR_A_LIST - {"runctl_local"} | {f"runctl_{cloud}"}
    assert len(modules) <= 160
