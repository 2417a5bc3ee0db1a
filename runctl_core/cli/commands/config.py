"""``runctl config``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runctl_core import registry
from runctl_core.api.errors import InputError
from runctl_core.cli.frame import RunctlGroup, group
from runctl_core.cli.output import emit, note, say, state, table, warn
from runctl_core.cli.plugin_sections import load_plugin_sections, load_section
from runctl_core.cli.session import current
from runctl_core.discovery import PROVIDERS
from runctl_core.paths import PROJECT_FILE, find_project_file, user_config_file, user_home
from runctl_core.settings import SECTIONS

if TYPE_CHECKING:
    from runctl_core.configuration import Configuration
    from runctl_core.configuration.layers import Layer
    from runctl_core.configuration.overview import SettingRow

PROJECT_MODE = 0o644
USER_MODE = 0o600


@group("config")
def _config() -> None:
    """Show, set and check settings."""


config: RunctlGroup = _config


@config.command("show")
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
def show(origin: bool) -> None:
    """Show every setting; secrets are masked."""
    from runctl_core.configuration.overview import list_settings

    configuration = current().configuration
    rows = list_settings(
        configuration, load_plugin_sections(configuration.settings.plugins.disabled)
    )
    files = [str(path) for path in configuration.files]
    emit(
        "config.show",
        {"files": files, "settings": rows},
        lambda: _print_settings(rows, has_origin=origin),
    )


def _print_settings(rows: tuple[SettingRow, ...], *, has_origin: bool) -> None:
    from runctl_core.serialization import to_json

    headers = ("SETTING", "VALUE", "ORIGIN")
    lines = [(row.key, to_json(row.value), row.origin) for row in rows]
    columns = 3 if has_origin else 2
    table(headers[:columns], [line[:columns] for line in lines])


@config.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--user", is_flag=True, help="Change the user's file instead of the project's.")
def set_(key: str, value: str, user: bool) -> None:
    """Set KEY to VALUE in the project's file; a VALUE of - is read from standard input.

    Comments and order of the file stay.  A list is written with commas.
    """
    from runctl_core.configuration.editing import parse_value, set_key, split_key
    from runctl_core.configuration.layers import layer_of_argument, layer_of_file
    from runctl_core.configuration.toml_file import parse_toml
    from runctl_core.files import replace_file

    keys = split_key(key)
    path = _find_target(is_user=user)
    cls = _describe_section(keys)
    sections = {keys[0]: cls} if cls else {}
    given = _read_value(key, value)
    _check(layer_of_argument(keys, given, Path.cwd()), sections)
    text = set_key(path, keys, parse_value(given, keys[-1], cls))
    _check(layer_of_file(parse_toml(text, path)), sections)
    replace_file(path, text, mode=USER_MODE if user else PROJECT_MODE)
    emit(
        "config.set",
        {"key": key, "path": str(path)},
        lambda: say(f"{key} is set in {path}"),
    )


def _read_value(key: str, value: str) -> str:
    from runctl_core.redaction import is_secret_name

    if value == "-":
        return sys.stdin.read().strip()
    if is_secret_name(key):
        raise InputError(
            f"{key} is a secret, and what is typed can be seen by others",
            hint=f"use 'runctl config set --user {key} -' and give it on standard input",
        )
    return value


def _find_target(*, is_user: bool) -> Path:
    given = state().config_path
    if given is not None:
        return Path.cwd() / given
    if is_user:
        return user_config_file(os.environ)
    return find_project_file(Path.cwd()) or Path.cwd() / PROJECT_FILE


def _describe_section(keys: tuple[str, ...]) -> type | None:
    if len(keys) == 3:  # a policy describes its section itself, at the time it is asked
        return None
    if keys[0] in SECTIONS:
        return SECTIONS[keys[0]]
    return load_section(registry.pick(PROVIDERS, keys[0]))


def _check(layer: Layer, plugin_sections: Mapping[str, type]) -> Configuration:
    from runctl_core.configuration.loading import compose

    configuration = compose([layer], home=user_home(os.environ))
    for name, cls in plugin_sections.items():
        configuration.section(name, cls)
    return configuration


@config.command("validate")
@click.argument("path", required=False)
def validate(path: str | None) -> None:
    """Check one file, or everything that applies here, plugins' sections included."""
    if path is None:
        configuration = current().configuration
        files = configuration.files
    else:
        from runctl_core.configuration.loading import read_layer

        files = (Path(path),)
        configuration = _check(read_layer(files[0]), {})
        for warning in configuration.warnings:
            warn(warning)
    for name, cls in load_plugin_sections(configuration.settings.plugins.disabled).items():
        configuration.section(name, cls)
    data: dict[str, Any] = {"valid": True, "files": [str(file) for file in files]}
    emit("config.validate", data, lambda: _print_valid(files))


def _print_valid(files: tuple[Path, ...]) -> None:
    for file in files:
        click.echo(f"{file} is valid")
    if not files:
        note("no configuration file is in use: all settings have their defaults")
