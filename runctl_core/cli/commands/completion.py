"""``runctl completion``."""

from __future__ import annotations

import click

from runctl_core.cli.frame import command
from runctl_core.cli.output import emit, say

INSTALL = {
    "bash": "runctl completion bash > ~/.local/share/bash-completion/completions/runctl",
    "zsh": "runctl completion zsh > ~/.zfunc/_runctl  (a folder of $fpath)",
    "fish": "runctl completion fish > ~/.config/fish/completions/runctl.fish",
}


@command("completion")
@click.argument("shell", type=click.Choice(list(INSTALL)))
def completion(shell: str) -> None:
    """Print the script that completes runctl's commands and options in SHELL."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    script = kind(root, {}, "runctl", "_RUNCTL_COMPLETE").source()
    emit("completion", {"shell": shell, "script": script}, lambda: click.echo(script))
    say(f"to install it: {INSTALL[shell]}")
