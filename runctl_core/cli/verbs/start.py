"""``runctl PROVIDER start``."""

from __future__ import annotations

import click

from runctl_core.api.info import ProviderInfo
from runctl_core.api.policy import ActionKind
from runctl_core.cli.frame import command
from runctl_core.cli.mutate import Options, mutate, mutation_options


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("start", help="Start a stopped machine.")
    @click.argument("ids", nargs=-1, required=True, metavar="ID...")
    @mutation_options
    def start(ids: tuple[str, ...], **given: object) -> None:
        mutate(info, ActionKind.START, ids, Options.of(given), lambda provider: provider.start)

    return start
