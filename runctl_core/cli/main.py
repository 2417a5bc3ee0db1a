"""The ``runctl`` command: find the subcommand, run it, and turn whatever goes wrong into one line and an exit code."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from runctl_core import __version__
from runctl_core.cli.failure import report
from runctl_core.cli.frame import LazyCommand, RunctlGroup
from runctl_core.cli.state import State
from runctl_core.discovery import COMMANDS, PROVIDERS, find_plugins, read_summary

_HERE = "runctl_core.cli.commands"
CORE_COMMANDS = {
    "completion": LazyCommand(f"{_HERE}.completion:completion", "Print shell completion."),
    "config": LazyCommand(f"{_HERE}.config:config", "Show, set and check settings."),
    "doctor": LazyCommand(f"{_HERE}.doctor:doctor", "Check this machine and the plugins."),
    "init": LazyCommand(f"{_HERE}.init:init", "Write a commented project configuration."),
    "plugins": LazyCommand(f"{_HERE}.plugins:plugins", "Show installed plugins."),
    "runs": LazyCommand(f"{_HERE}.runs:runs", "List, follow, stop and resume runs."),
}


class Root(RunctlGroup):
    """The top level: our own commands, then what plugins bring."""

    def members(self) -> Mapping[str, LazyCommand]:
        from_plugins = {
            ref.name: LazyCommand(ref.target, read_summary(ref))
            for group in (COMMANDS, PROVIDERS)
            for ref in find_plugins(group)
        }
        return from_plugins | CORE_COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in CORE_COMMANDS:
            return CORE_COMMANDS[cmd_name].load()
        for group in (PROVIDERS, COMMANDS):
            if any(ref.name == cmd_name for ref in find_plugins(group)):
                from runctl_core.cli.plugged import build_command

                return build_command(group, cmd_name)
        return None


@click.command(
    "runctl",
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(__version__, "-V", "--version", message="runctl %(version)s")
def root() -> None:
    """Run machine-learning training on rented and owned machines without losing work or money."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    _mend_streams()
    now = State()
    try:
        result = root.main(
            args=None if argv is None else list(argv),
            prog_name="runctl",
            standalone_mode=False,
            obj=now,
        )
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads any more
        return 141
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("RUNCTL_DEBUG") and not isinstance(error, click.ClickException):
            raise
        return report(error, now)
    return result if isinstance(result, int) else 0


def _mend_streams() -> None:
    """Let nothing that is printed break the printing: neither odd names nor a stream that was closed."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - to the end
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


def entry() -> NoReturn:
    """The console script.

    Most of a short command's time goes into starting and ending Python: collecting garbage less often and leaving
    without taking the interpreter apart save a fifth of it.  See docs/decisions/0003.
    """
    gc.set_threshold(50_000, 20, 20)
    exit_code = main()
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no public name for what leaving this way skips
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(exit_code)
