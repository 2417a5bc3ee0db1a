"""The files that are sent to other machines stand alone there."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from runctl_core.runs import supervisor, venv_builder

SHIPPED = [supervisor.__file__, venv_builder.__file__]
TOO_YOUNG = {
    "removeprefix",
    "removesuffix",
    "pidfd_open",
    "waitstatus_to_exitcode",
    "is_relative_to",
    "readlink",
}
"""Names that Python 3.8 lacks; those that are guarded are looked up by ``getattr``."""


@pytest.mark.parametrize("path", SHIPPED)
def test_python_3_8_can_read_it(path):
    """The syntax is old enough, and no method is too young."""
    tree = ast.parse(Path(path).read_text(), feature_version=(3, 8))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not used & TOO_YOUNG


@pytest.mark.parametrize("path", SHIPPED)
def test_it_needs_the_standard_library_only(path):
    """Nothing is imported that a bare interpreter does not bring."""
    tree = ast.parse(Path(path).read_text())
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names | {"__future__"}
