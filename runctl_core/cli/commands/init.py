"""``runctl init``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runctl_core.api.errors import InputError
from runctl_core.cli.frame import command
from runctl_core.cli.output import emit, say, state, warn
from runctl_core.paths import PROJECT_FILE

if TYPE_CHECKING:
    from runctl_core.configuration.migration import Migration

PROJECT_MODE = 0o644


@command("init")
@click.option("--force", is_flag=True, help="Replace a file that is already there.")
def init(force: bool) -> None:
    """Write a commented .runctl.toml here, with what an old .trainctl.toml says."""
    from runctl_core.cli.plugin_sections import load_plugin_sections
    from runctl_core.configuration.migration import OLD_PROJECT_FILE, Migration, migrate
    from runctl_core.configuration.template import render_template
    from runctl_core.files import replace_file

    path = Path.cwd() / (state().config_path or PROJECT_FILE)
    if os.path.lexists(path) and not force:
        raise InputError(f"{path} is already there", hint="--force replaces it")
    sections = load_plugin_sections()
    old = Path.cwd() / OLD_PROJECT_FILE
    migration = migrate(old, sections) if old.exists() else Migration()
    text = render_template(sections, migration.carried)
    _check(text, path)
    replace_file(path, text, mode=PROJECT_MODE)
    emit("init", {"path": str(path), "migration": migration}, lambda: say(f"wrote {path}"))
    _report(migration)


def _check(text: str, path: Path) -> None:
    """An old value may not fit its new place; better said before the file is written."""
    from runctl_core.configuration.layers import layer_of_file
    from runctl_core.configuration.loading import compose
    from runctl_core.configuration.toml_file import parse_toml
    from runctl_core.paths import user_home

    compose([layer_of_file(parse_toml(text, path))], home=user_home(os.environ))


def _report(migration: Migration) -> None:
    for key in migration.carried:
        say(f"{key} was taken over")
    for key in migration.secrets:
        say(f"{key} is a secret: 'runctl config set --user {key} -' reads it from standard input")
    if migration.dropped:
        warn("these old keys mean nothing here: " + ", ".join(migration.dropped))
