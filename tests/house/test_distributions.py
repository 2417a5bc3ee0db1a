"""Five distributions, one version, and only the dependencies that they use."""

from __future__ import annotations

import email
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder

from runctl_core import __version__

PLUGINS = ("aws", "local", "lyceum", "runpod")


def project(root: Path, plugin: str) -> dict[str, Any]:
    return tomllib.loads((root / f"plugins/runctl_{plugin}/pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_versions_are_equal(root: Path, plugin: str) -> None:
    """All distributions are released together under one version and accept each other within its minor."""
    described = project(root, plugin)
    major, minor = map(int, __version__.split(".")[:2])
    assert described["version"] == __version__
    assert described["dependencies"] == [f"runctl-core>={major}.{minor},<{major}.{minor + 1}"]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_builds_as_a_wheel(root: Path, tmp_path: Path, plugin: str) -> None:
    """Each plugin is a wheel of its own with its type marker, its description and its entry point."""
    (built,) = WheelBuilder(str(root / f"plugins/runctl_{plugin}")).build(
        directory=str(tmp_path), versions=["standard"]
    )
    with zipfile.ZipFile(built) as wheel:
        names = set(wheel.namelist())
        folder = f"runctl_{plugin}-{__version__}.dist-info"
        metadata = email.message_from_bytes(wheel.read(f"{folder}/METADATA"))
        points = wheel.read(f"{folder}/entry_points.txt").decode()
    assert {f"runctl_{plugin}/__init__.py", f"runctl_{plugin}/py.typed"} <= names
    assert not [name for name in names if "tests" in name]
    assert metadata["Summary"] == project(root, plugin)["description"]
    assert f"{plugin} = runctl_{plugin}\n" in points


def test_every_plugin_is_in_the_workspace(root: Path) -> None:
    """The list above is the list of folders, so a new plugin cannot be forgotten here."""
    assert {folder.name for folder in root.glob("plugins/runctl_*")} == {
        f"runctl_{plugin}" for plugin in PLUGINS
    }
