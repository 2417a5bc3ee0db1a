"""The click classes that every command is made of: options that work anywhere, lazy bodies, hints for typing errors."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click

from runctl_core.cli.state import State
from runctl_core.suggestions import did_you_mean


class LazyCommand(NamedTuple):
    """A command that is listed without being imported: ``module:attribute`` and its one-line help."""

    target: str
    summary: str

    def load(self) -> click.Command:
        """Import the command."""
        module, _, attribute = self.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


class _Common(click.Command):
    """Adds the options that every command takes, listed apart from its own."""

    common_names = frozenset({"config", "verbose", "quiet", "output", "no_color"})

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params = [*self.params, *common_options()]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        common: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                (common if param.name in {*self.common_names, "help"} else own).append(record)
        for title, records in (("Options", own), ("Common options", common)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class RunctlCommand(_Common):
    """A command."""


class RunctlGroup(_Common, click.Group):
    """A group whose members load when they are run.

    Args:
        lazy: members by name.
    """

    command_class = RunctlCommand

    def __init__(
        self, *args: Any, lazy: Mapping[str, LazyCommand] | None = None, **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.lazy = dict(lazy or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.members()})

    def members(self) -> Mapping[str, LazyCommand]:
        """The lazy members; a subclass may find them only when asked."""
        return self.lazy

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        member = self.members().get(cmd_name)
        return member.load() if member else super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(ctx, args[0])
        if command is None and not ctx.resilient_parsing:
            raise self.unknown(ctx, args[0])
        return (command.name if command else None), command, args[1:]

    def unknown(self, ctx: click.Context, name: str) -> Exception:
        """The error for a member that is not there."""
        if name.startswith("-"):
            return click.NoSuchOption(name, ctx=ctx)
        hint = did_you_mean(name, self.list_commands(ctx))
        return click.UsageError("; ".join(filter(None, (f"no such command {name!r}", hint))), ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = [(name, self._summary(ctx, name)) for name in self.list_commands(ctx)]
        if records:
            with formatter.section("Commands"):
                formatter.write_dl(records)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=self._summary(ctx, name))
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]

    def _summary(self, ctx: click.Context, name: str) -> str:
        member = self.members().get(name)
        if member:
            return member.summary
        command = super().get_command(ctx, name)
        return command.get_short_help_str(limit=80) if command else ""


def common_options() -> list[click.Parameter]:
    """The options that every command takes, wherever they stand on the line."""
    return [
        _common("-c", "--config", type=str, metavar="PATH", help="Use this configuration file."),
        _common("-v", "--verbose", count=True, help="Log more; twice for everything."),
        _common("-q", "--quiet", is_flag=True, help="Say only what was asked for."),
        _common("--output", type=click.Choice(["text", "json"]), help="How to print data."),
        _common("--no-color", is_flag=True, help="Print without colour."),
    ]


def _common(*names: str, **settings: Any) -> click.Option:
    return click.Option(names, expose_value=False, callback=_remember, **settings)


def _remember(ctx: click.Context, param: click.Parameter, given: Any) -> None:
    if given and param.name and not ctx.resilient_parsing:
        ctx.ensure_object(State).remember(param.name, given)


def command(name: str, **settings: Any) -> Callable[[Callable[..., Any]], RunctlCommand]:
    """Like ``click.command``, for our commands."""

    def wrap(function: Callable[..., Any]) -> RunctlCommand:
        made = click.command(name, cls=RunctlCommand, **settings)(function)
        assert isinstance(made, RunctlCommand)
        return made

    return wrap


def group(name: str, **settings: Any) -> Callable[[Callable[..., Any]], RunctlGroup]:
    """Like ``click.group``, for our groups."""

    def wrap(function: Callable[..., Any]) -> RunctlGroup:
        made = click.group(name, cls=RunctlGroup, **settings)(function)
        assert isinstance(made, RunctlGroup)
        return made

    return wrap
