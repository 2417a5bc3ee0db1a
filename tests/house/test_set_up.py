"""The way into the project: two commands, the same wherever they stand."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

COMMANDS = {
    "set-up": re.compile(r"^[$ ]*(python3 -m pip install .*)$", re.MULTILINE),
    "tests": re.compile(r"^[$ ]*(\.uv/bin/uv run .*pytest.*)$", re.MULTILINE),
}


def test_ci_runs_the_commands_of_the_readme(root: Path) -> None:
    """What CI proves is what a newcomer types, letter by letter."""
    readme, lines = (root / "README.md").read_text(), (root / ".ci/run").read_text().splitlines()
    for pattern in COMMANDS.values():
        found = pattern.search(readme)
        assert found
        assert found[1] in lines


def test_ci_script_is_sound(root: Path) -> None:
    """It can be run, bash understands it, and it stops at the first failure."""
    script = root / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert "set -euo pipefail" in script.read_text().splitlines()


def test_versions_are_bounded(root: Path) -> None:
    """Every dependency has an upper bound: without a lock file, that is what keeps machines alike."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["testing"],
        *project["dependency-groups"]["dev"],
    ]
    names = {re.split(r"[\[<>=]", requirement)[0] for requirement in wanted}
    bounds = project["tool"]["uv"]["constraint-dependencies"]
    bounded = {re.split(r"[<>=]", bound)[0] for bound in bounds if "<" in bound}
    assert {name for name in names if not name.startswith("runctl-")} <= bounded
