"""Files and functions stay small enough to be held in the head."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

FILE_LINES = 400
USUAL_FILE_LINES = 300
FUNCTION_LINES = 40
USUAL_FUNCTION_LINES = 25

LONG_FILES = {
    "runctl_core/runs/supervisor.py": 1500,  # shipped as one file, so that it needs nothing beside it
}
"""The only exceptions, each with a limit of its own."""


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Each function's name and its number of lines, without docstring."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = node.body[-1].end_lineno - body[0].lineno + 1 if body else 0
            yield f"{file.name}:{node.lineno} {node.name}", lines


def test_files_are_short(root: Path, shipped_modules: list[Path]) -> None:
    """No file is over its limit, and nine in ten are well below."""
    lengths = {
        str(file.relative_to(root)): len(file.read_text().splitlines()) for file in shipped_modules
    }
    too_long = {
        name: length
        for name, length in lengths.items()
        if length > LONG_FILES.get(name, FILE_LINES)
    }
    assert not too_long
    assert sum(length <= USUAL_FILE_LINES for length in lengths.values()) >= 0.9 * len(lengths)


def test_exceptions_are_needed(root: Path) -> None:
    """A file that became short leaves the list of exceptions."""
    for name in LONG_FILES:
        assert len((root / name).read_text().splitlines()) > FILE_LINES


def test_functions_are_short(shipped_modules: list[Path]) -> None:
    """No function is over its limit, most are far below."""
    sizes = [size for file in shipped_modules for size in functions(file)]
    assert not [size for size in sizes if size[1] > FUNCTION_LINES]
    assert median(length for _, length in sizes) <= 8
    assert sum(length <= USUAL_FUNCTION_LINES for _, length in sizes) >= 0.95 * len(sizes)
