"""``runctl PROVIDER stop``."""

from __future__ import annotations

import click

from runctl_core.api.info import ProviderInfo
from runctl_core.api.policy import ActionKind
from runctl_core.cli.frame import command
from runctl_core.cli.mutate import Options, mutate, mutation_options


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("stop", help="Stop; what is needed to go on later stays.")
    @click.argument("ids", nargs=-1, required=True, metavar="ID...")
    @mutation_options
    def stop(ids: tuple[str, ...], **given: object) -> None:
        mutate(info, ActionKind.STOP, ids, Options.of(given), lambda provider: provider.stop)

    return stop
