"""What every command package promises."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import click
import pytest

from runctl_core import registry
from runctl_core.cli.main import CORE_COMMANDS
from runctl_core.discovery import COMMANDS
from runctl_core.testing.cli import Cli


class CommandContract:
    """Inherit it and set ``name``::

        from runctl_core.testing import CommandContract

        class TestFortune(CommandContract):
            name = "fortune"

    Attributes:
        name: of the command's entry point.
    """

    name: ClassVar[str] = ""

    @pytest.fixture
    def cli(self, tmp_path: Path) -> Cli:
        """The real ``runctl`` in a home of the test's own."""
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return Cli(home=home)

    def test_command_loads(self) -> None:
        """The entry point gives a command, and its name is free."""
        plugin = registry.load(registry.pick(COMMANDS, self.name))
        assert registry.ask(plugin, "runctl_command", click.Command, name=self.name)
        assert self.name not in CORE_COMMANDS

    def test_command_is_listed(self, cli: Cli) -> None:
        """``runctl --help`` shows the command with the package's summary."""
        lines = cli.run("--help").out.splitlines()
        (line,) = [line for line in lines if line.split()[:1] == [self.name]]
        assert line.split()[1:], f"the distribution of {self.name} has no description"

    def test_command_has_help(self, cli: Cli) -> None:
        """``--help`` works, on standard output, without a word on standard error."""
        answer = cli.run(self.name, "--help")
        assert (answer.exit_code, answer.err) == (0, "")
        assert f"Usage: runctl {self.name}" in answer.out

    def test_command_refuses_what_it_does_not_know(self, cli: Cli) -> None:
        """An unknown option is one line and exit code 2."""
        answer = cli.run(self.name, "--no-such-option")
        assert answer.exit_code == 2
        assert len(answer.err.splitlines()) == 1
