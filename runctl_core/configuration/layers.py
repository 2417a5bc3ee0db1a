"""The places that say something about settings, each read into a layer of raw values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from runctl_core.api.errors import ConfigError
from runctl_core.configuration.values import RawValue, unknown_key
from runctl_core.settings import SECTIONS

if TYPE_CHECKING:
    from runctl_core.configuration.toml_file import TomlFile

POLICY = "policy"
NOT_SETTINGS = frozenset(
    f"RUNCTL_{name}"
    for name in (
        "DEBUG",
        "DISCOVERY",
        "DISABLE_PLUGINS",
        "RUN_ID",
        "CHECKPOINT_DIR",
        "RESUME_FROM",
        "ATTEMPT",
        "DATA_DIR",
        "AUTO_RESUME",
        "E2E",
    )
)
"""Variables of runctl that are not settings: switches of one call, and what a training script is told."""

Sections = dict[str, dict[str, RawValue]]


@attrs.frozen(kw_only=True)
class Layer:
    """What one place says.  A policy's section is named ``policy.NAME``."""

    sections: Sections = attrs.field(factory=dict)
    warnings: tuple[str, ...] = ()


def layer_of_file(file: TomlFile) -> Layer:
    """What a configuration file says.

    Raises:
        ConfigError: there is a key outside any section.
    """
    sections: Sections = {}
    for name, table in file.data.items():
        if name == POLICY and isinstance(table, dict):
            for policy, inner in table.items():
                sections[f"{POLICY}.{policy}"] = _read_table(file, (POLICY, policy), inner)
        else:
            sections[name] = _read_table(file, (name,), table)
    return Layer(sections=sections)


def _read_table(file: TomlFile, path: tuple[str, ...], table: Any) -> dict[str, RawValue]:
    if not isinstance(table, dict):
        origin, key = file.locate(*path), ".".join(path)
        if len(path) == 1 and key not in SECTIONS:
            raise _homeless_key(origin, key)
        raise ConfigError(
            f"{origin}: {key} is a section", hint=f"write [{key}] on a line of its own"
        )
    return {
        key: RawValue(value=value, origin=file.locate(*path, key), folder=file.path.parent)
        for key, value in table.items()
    }


def _homeless_key(origin: str, key: str) -> ConfigError:
    from runctl_core.suggestions import nearest

    full_names = {name.rpartition(".")[2]: name for name in _core_keys()}
    meant = nearest(key, [*SECTIONS, *full_names])
    hint = (
        f"did you mean {full_names.get(meant, meant)}?" if meant else "settings stand in sections"
    )
    return ConfigError(f"{origin}: {key} is not a setting", hint=hint)


def layer_of_environment(env: Mapping[str, str], cwd: Path, providers: Collection[str]) -> Layer:
    """What the variables say; an empty one says nothing.

    The prototype's ``TRAINCTL_...`` is read where no ``RUNCTL_...`` is set, with a warning.

    Raises:
        ConfigError: a variable names a section of ours and a key that it does not have.
    """
    sections: Sections = {}
    warnings: list[str] = []
    for prefix in ("TRAINCTL_", "RUNCTL_"):
        for name in sorted(env):
            if not name.startswith(prefix) or not env[name] or name in NOT_SETTINGS:
                continue
            modern = f"RUNCTL_{name.removeprefix(prefix)}"
            key = _key_of_variable(modern, providers, is_strict=name == modern)
            if key is None or modern in NOT_SETTINGS:
                continue
            if name != modern:
                warnings.append(f"{name} is deprecated: use {modern}")
            value = RawValue(value=env[name], origin=name, folder=cwd, is_text=True)
            sections.setdefault(key[0], {})[key[1]] = value
    return Layer(sections=sections, warnings=tuple(warnings))


def layer_of_argument(keys: tuple[str, ...], text: str, cwd: Path) -> Layer:
    """What one key and value on the command line say."""
    raw = RawValue(value=text, origin="command line", folder=cwd, is_text=True)
    return Layer(sections={".".join(keys[:-1]): {keys[-1]: raw}})


def _key_of_variable(
    variable: str, providers: Collection[str], *, is_strict: bool
) -> tuple[str, str] | None:
    words = variable.removeprefix("RUNCTL_").lower()
    if is_strict and words.startswith(f"{POLICY}_"):
        raise ConfigError(
            f"environment: {variable}: policies have no variables",
            hint=f"write [{POLICY}.NAME] in a configuration file",
        )
    for section in sorted({*SECTIONS, *providers}, key=len, reverse=True):
        prefix = section.replace("-", "_").lower() + "_"
        key = words.removeprefix(prefix)
        if key == words:
            continue
        if section not in SECTIONS or f"{section}.{key}" in _core_keys():
            return section, key
        if is_strict:  # the prototype had variables of other kinds
            known = [f"RUNCTL_{name.replace('.', '_').upper()}" for name in _core_keys()]
            raise unknown_key("environment", variable, known)
    return None


def _core_keys() -> list[str]:
    return [
        f"{section}.{field.name}"
        for section, cls in SECTIONS.items()
        for field in attrs.fields(cls)
    ]
