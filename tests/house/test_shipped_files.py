"""The files that run on other people's machines: old Python, nothing installed."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
OLDEST = (3, 8)
SENT_ALONG = "runctl_core.machines.far."
SHIPPED = sorted(
    [
        HERE / "runctl_core/runs/supervisor.py",
        HERE / "runctl_core/runs/venv_builder.py",
        *HERE.glob("runctl_core/machines/far/*.py"),
    ]
)


def imported(file: Path) -> set[str]:
    """The modules that a file imports anywhere, save those that are sent along with it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name for name in names if not name.startswith(SENT_ALONG)}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_file_is_old_python(file: Path) -> None:
    """The syntax is that of the oldest Python found on training machines."""
    ast.parse(file.read_text(), feature_version=OLDEST)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_file_needs_the_standard_library_alone(file: Path) -> None:
    """Nothing is imported that the far side may lack."""
    tops = {name.partition(".")[0] for name in imported(file)}
    assert tops <= set(sys.stdlib_module_names)
