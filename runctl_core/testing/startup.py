"""What a command line may import before it does anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

_REPORT = """
import json, sys
before = set(sys.modules)
from runctl_core.cli.main import main
main(sys.argv[2:])
loaded = sorted(set(sys.modules) - before)
with open(sys.argv[1], "w") as file:
    json.dump(loaded, file)
"""


class StartupContract:
    """Inherit it and set the three::

        from runctl_core.testing import StartupContract

        class TestHelp(StartupContract):
            argv = ("acme", "--help")
            allowed_packages = frozenset({"click", "pluggy", "attr", "attrs", "runctl_core", "runctl_acme"})
            max_modules = 200

    Modules are counted instead of seconds, because seconds differ between machines.

    Attributes:
        argv: the command line after ``runctl``.
        allowed_packages: top-level packages, besides the standard library, that it may import.
        max_modules: how many modules it may import.
    """

    argv: ClassVar[tuple[str, ...]] = ()
    allowed_packages: ClassVar[frozenset[str]] = frozenset()
    max_modules: ClassVar[int] = 0

    @pytest.fixture
    def loaded(self, tmp_path: Path) -> frozenset[str]:
        """The modules that the command line imports."""
        report = tmp_path / "modules.json"
        done = subprocess.run(
            [sys.executable, "-c", _REPORT, str(report), *self.argv],
            env={**os.environ, "HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert report.exists(), done.stderr
        return frozenset(json.loads(report.read_text()))

    def test_imports_only_what_is_allowed(self, loaded: frozenset[str]) -> None:
        """No SDK and no heavy library is on the way."""
        packages = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
        assert packages - self.allowed_packages == set()

    def test_imports_few_modules(self, loaded: frozenset[str]) -> None:
        """The number of modules stays within its budget."""
        assert len(loaded) <= self.max_modules
