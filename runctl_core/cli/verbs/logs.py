"""``runctl PROVIDER logs``."""

from __future__ import annotations

import click

from runctl_core.api.info import ProviderInfo
from runctl_core.cli.frame import command
from runctl_core.cli.output import stream
from runctl_core.cli.session import current


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("logs", help="Print the log of the newest training there.")
    @click.argument("id")
    @click.option("-f", "--follow", is_flag=True, help="Go on until the training ends.")
    @click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
    def logs(id: str, follow: bool, tail: int | None) -> None:  # noqa: A002 - what the user sees
        session = current()
        ref = session.resolve(info.name, id)
        chunks = session.provider(info.name).logs(ref, follow=follow, tail_lines=tail)
        stream("log", chunks)

    return logs
