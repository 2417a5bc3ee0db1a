"""Imports point one way; the contracts themselves stand in pyproject.toml."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def test_import_contracts_hold(root: Path, tmp_path: Path) -> None:
    """Layers, ground floor, testing kit, SDKs and plugins: import-linter keeps every contract."""
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [linter, "--cache-dir", tmp_path / "cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr


def test_contracts_can_break(root: Path, tmp_path: Path) -> None:
    """An import that goes upwards is found: the contracts look at the code they claim to look at."""
    for package in ("runctl_core", "plugins", "pyproject.toml"):
        source = root / package
        if source.is_dir():
            shutil.copytree(source, tmp_path / package)
        else:
            shutil.copy(source, tmp_path / package)
    floor = tmp_path / "runctl_core/discovery.py"
    floor.write_text(floor.read_text() + "\nfrom runctl_core import registry\n")
    sources = [tmp_path, *tmp_path.glob("plugins/*/src")]
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(map(str, sources))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "runctl_core.discovery -> runctl_core.registry" in result.stdout
