"""Settings side by side: every key with its value, where it comes from and what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from runctl_core.configuration.loading import Configuration
from runctl_core.redaction import redact
from runctl_core.serialization import to_json
from runctl_core.settings import SECTIONS


@attrs.frozen(kw_only=True)
class SettingRow:
    """One setting as it stands; a secret value is masked."""

    key: str
    value: Any
    origin: str
    doc: str = ""


def list_settings(
    configuration: Configuration, plugin_sections: Mapping[str, type]
) -> tuple[SettingRow, ...]:
    """Every setting, section by section; sections that nobody describes come last.

    Raises:
        ConfigError: a plugin's section does not fit its description.
    """
    described = dict(_describe(configuration, plugin_sections))
    return tuple(row for name in described for row in described[name]) + tuple(
        _make_row(f"{name}.{key}", raw.value, raw.origin)
        for name, values in configuration.raw.items()
        if name not in described
        for key, raw in values.items()
    )


def _describe(
    configuration: Configuration, plugin_sections: Mapping[str, type]
) -> Iterator[tuple[str, list[SettingRow]]]:
    for name in SECTIONS:
        yield name, _rows(configuration, name, getattr(configuration.settings, name))
    for name, cls in plugin_sections.items():
        yield name, _rows(configuration, name, configuration.section(name, cls))


def _rows(configuration: Configuration, section: str, settings: Any) -> list[SettingRow]:
    return [
        _make_row(
            f"{section}.{field.name}",
            getattr(settings, field.name),
            configuration.origin(f"{section}.{field.name}"),
            field.metadata.get("doc", ""),
        )
        for field in attrs.fields(type(settings))
    ]


def _make_row(key: str, value: Any, origin: str, doc: str = "") -> SettingRow:
    return SettingRow(key=key, value=_plain(redact({key: value})[key]), origin=origin, doc=doc)


def _plain(value: Any) -> Any:
    """TOML has dates and infinities, which nobody described and JSON has not."""
    try:
        to_json(value)
    except (ValueError, TypeError):
        return str(value)
    return value
