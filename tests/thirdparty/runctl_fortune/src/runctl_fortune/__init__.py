"""Print a maxim about training."""

import click

from runctl_core.api import hookimpl


@hookimpl
def runctl_command(name: str) -> click.Command:
    """Give the command."""
    from runctl_fortune.command import fortune

    assert fortune.name == name
    return fortune
