"""``runctl PROVIDER processes``."""

from __future__ import annotations

import click

from runctl_core.api.info import ProviderInfo
from runctl_core.cli.frame import command
from runctl_core.cli.output import emit
from runctl_core.cli.session import current
from runctl_core.machines.processes import read_processes


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("processes", help="Show processor, memory, GPUs and trainings there.")
    @click.argument("id")
    def processes(id: str) -> None:  # noqa: A002 - what the user sees
        session = current()
        with session.provider(info.name).connect(session.resolve(info.name, id)) as machine:
            report = read_processes(machine)
        emit("processes", report, lambda: _print(report))

    return processes
