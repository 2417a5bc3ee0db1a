"""Change one key of a configuration file and leave the rest, comments included, as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runctl_core.api.errors import ConfigError, InputError
from runctl_core.configuration.layers import POLICY
from runctl_core.configuration.toml_file import parse_toml, read_toml
from runctl_core.configuration.values import read_setting

KeyPath = tuple[str, ...]


def split_key(key: str) -> KeyPath:
    """The parts of ``section.key`` or ``policy.NAME.key``.

    Raises:
        InputError: it has another form.
    """
    parts = tuple(key.split("."))
    if not all(parts) or len(parts) != (3 if parts[0] == POLICY else 2):
        raise InputError(
            f"{key!r} does not name a setting",
            hint="write SECTION.KEY, such as runs.grace_s; 'runctl config show' lists all",
        )
    return parts


def parse_value(text: str, key: str, cls: type | None) -> Any:
    """What typed text means for a setting.

    Args:
        cls: the attrs class of the section; without one, whatever is a TOML value is taken as such.
    """
    if cls is not None:
        return read_setting(text, key, cls)
    try:
        data = parse_toml(f"value = {text}", Path("argument")).data
    except ConfigError:
        return text
    return data["value"] if len(data) == 1 else text


def set_key(path: Path, keys: KeyPath, value: Any) -> str:
    """The text of a configuration file, which need not exist yet, with one key set.

    Raises:
        ConfigError: the file cannot be read or is not TOML.
    """
    import tomlkit

    document = tomlkit.document()
    if path.exists():
        read_toml(path)  # its errors name the place
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table: Any = document
    for number, name in enumerate(keys[:-1], start=1):
        if name not in table:
            table[name] = tomlkit.table(is_super_table=number < len(keys) - 1)
        table = table[name]
        if not hasattr(table, "items"):
            raise ConfigError(f"{path}: {'.'.join(keys[:number])} is a section")
    table[keys[-1]] = value
    return tomlkit.dumps(document)
