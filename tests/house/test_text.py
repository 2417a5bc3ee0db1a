"""What no file of the project may say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FORBIDDEN = {
    "work that is left undone": r"\b(TO[D]O|FIX[M]E|XX[X])\b|raise NotImplemented[E]rror",
    "the address of a package registry": (
        r"pypi[.]org|pythonhosted[.]org|--(extra-)?index-[u]rl|artifact[o]ry|/simple[/]"
    ),
    "a conflict that was not resolved": r"(?m)^(<{7}|>{7}) ",
    "a folder of somebody's own machine": r"/home/(?!me\b|user\b|you\b)\w+[/]|/Users/\w+[/]|/work[/]",
}
"""Written so that none matches itself."""


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_says(root: Path, project_files: list[Path], what: str) -> None:
    """Nothing unfinished, no download address, no conflict, no private path."""
    guilty = {
        f"{file.relative_to(root)}: {found.group()}"
        for file in project_files
        if (found := re.search(FORBIDDEN[what], file.read_text(encoding="utf-8", errors="replace")))
    }
    assert not guilty


def test_no_lock_file_is_committed(root: Path, project_files: list[Path]) -> None:
    """A lock file records download addresses; bounds in pyproject.toml do its work."""
    assert not [file for file in project_files if file.name.endswith((".lock", "-lock.json"))]
    assert "uv.lock" in (root / ".gitignore").read_text().splitlines()
