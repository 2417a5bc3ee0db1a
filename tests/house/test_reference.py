"""The reference says what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from runctl_core.discovery import GROUPS


def test_generated_tables_are_current(root: Path) -> None:
    """``python docs/generate_reference.py`` would change nothing."""
    script = root / "docs/generate_reference.py"
    assert subprocess.run([sys.executable, script, "--check"], check=False).returncode == 0


def test_groups_are_listed(root: Path) -> None:
    """Plugin authors find every entry-point group."""
    page = (root / "docs/reference.md").read_text()
    assert all(f"`{group}`" in page for group in GROUPS)
