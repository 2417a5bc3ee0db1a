"""The real command as a subprocess, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "COVERAGE_PROCESS_START")


@attrs.frozen(kw_only=True)
class Answer:
    """How one command line ended."""

    argv: tuple[str, ...]
    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON envelope on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def data(self) -> Any:
        """The ``data`` of the JSON envelope."""
        return self.document["data"]


@attrs.frozen(kw_only=True)
class Cli:
    """A person at a shell who has nothing but a home folder.

    Attributes:
        home: the home folder; settings, runs and state stay in it.
        cwd: the folder the commands are typed in; the home folder unless given.
        sites: folders with plugins, put on the module search path.
        env: variables on top of the few that are passed on from here.
        command: how ``runctl`` is called.
        timeout_s: after which a command counts as hanging.
    """

    home: Path
    cwd: Path | None = None
    sites: tuple[Path, ...] = ()
    env: Mapping[str, str] = attrs.field(factory=dict)
    command: tuple[str, ...] = (str(Path(sys.executable).with_name("runctl")),)
    timeout_s: float = 60.0

    def run(self, *argv: str, stdin: str = "") -> Answer:
        """Run one command line to its end."""
        done = subprocess.run(
            [*self.command, *argv],
            cwd=self.cwd or self.home,
            env=self.variables(),
            input=stdin,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=self.timeout_s,
            check=False,
        )
        return Answer(argv=argv, exit_code=done.returncode, out=done.stdout, err=done.stderr)

    def json(self, *argv: str) -> Any:
        """Run one command line that must succeed, and give the ``data`` it prints."""
        answer = self.run("--output", "json", *argv)
        if answer.exit_code:
            raise AssertionError(f"{argv} ended with {answer.exit_code}: {answer.err}{answer.out}")
        return answer.data

    def variables(self) -> dict[str, str]:
        """The environment of every command."""
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        folders = [*map(str, self.sites), passed_on.pop("PYTHONPATH", "")]
        path = os.pathsep.join(filter(None, folders))
        own = {"HOME": str(self.home), "NO_COLOR": "1", **self.env}
        return passed_on | ({"PYTHONPATH": path} if path else {}) | own
