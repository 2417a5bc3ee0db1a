"""The commands that plugins bring: ``runctl PROVIDER ...`` and whole commands of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from runctl_core.cli.frame import LazyCommand, RunctlGroup
from runctl_core.discovery import PROVIDERS

if TYPE_CHECKING:
    from runctl_core.api.info import ProviderInfo

_HERE = "runctl_core.cli.verbs"
VERBS: Mapping[str, tuple[str, str]] = {
    "create": ("create", "Rent a machine."),
    "train": ("train", "Start a training."),
    "list": ("list_resources", "List what is there."),
    "status": ("status", "Show one in detail."),
    "logs": ("logs", "Print or follow the training's log."),
    "wait": ("status", "Wait until the training ends."),
    "exec": ("execute", "Run one command there."),
    "processes": ("connect", "Show what runs there: processor, memory, GPUs, trainings."),
    "stop": ("stop", "Stop, keeping what is needed to go on later."),
    "start": ("start", "Start a stopped machine."),
    "terminate": ("terminate", "End for good."),
    "transfer": ("transfer", "Copy files and folders."),
    "prices": ("price", "Show what an hour costs."),
}
"""Each verb with the operation that it needs and its one-line help."""


class ProviderGroup(RunctlGroup):
    """``runctl PROVIDER``: the verbs that the provider has, and no others."""

    def __init__(self, info: ProviderInfo) -> None:
        super().__init__(info.name, help=info.summary, no_args_is_help=True)
        self.info = info
        self.lazy = verbs_of(info)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.info.commands:
            return super().get_command(ctx, cmd_name)
        if cmd_name not in self.lazy:
            return None
        from runctl_core.registry import import_string

        command = import_string(self.lazy[cmd_name].target)(self.info)
        assert isinstance(command, click.Command)
        return command

    def unknown(self, ctx: click.Context, name: str) -> Exception:
        if name in VERBS:
            from runctl_core.facade import unsupported

            return unsupported(self.info, name)
        return super().unknown(ctx, name)


def verbs_of(info: ProviderInfo) -> dict[str, LazyCommand]:
    """What a provider has: our verbs for its operations, then its own commands."""
    verbs = {
        verb: LazyCommand(f"{_HERE}.{verb}:build", summary)
        for verb, (operation, summary) in VERBS.items()
        if getattr(info.capabilities, operation)
    }
    own = {name: LazyCommand(ref.target, ref.summary) for name, ref in info.commands.items()}
    return own | verbs


def build_command(group: str, name: str) -> click.Command:
    """The command that an installed plugin stands for.

    Raises:
        PluginError: it is broken; all other commands go on working.
    """
    from runctl_core import registry

    plugin = registry.load(registry.pick(group, name))
    if group == PROVIDERS:
        return ProviderGroup(registry.describe_provider(plugin))
    return registry.ask(plugin, "runctl_command", click.Command, name=name)
