"""The repository as the house tests see it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shipped_modules(root: Path) -> list[Path]:
    """Every Python file that a distribution carries."""
    return sorted([*root.glob("runctl_core/**/*.py"), *root.glob("plugins/*/src/**/*.py")])


@pytest.fixture(scope="session")
def project_files(root: Path) -> list[Path]:
    """Every text file that belongs to the repository, committed or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    files = [root / name for name in listing.stdout.decode().split("\0") if name]
    return [file for file in files if file.is_file()]
