"""Take over what the prototype's ``.trainctl.toml`` says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from runctl_core.configuration.toml_file import read_toml
from runctl_core.redaction import is_secret_name
from runctl_core.settings import SECTIONS

OLD_PROJECT_FILE = ".trainctl.toml"


@attrs.frozen(kw_only=True)
class Migration:
    """What became of the old keys.

    Attributes:
        carried: values by dotted key that mean the same here.
        secrets: keys that have a place here, but not in a file that projects share.
        dropped: keys that mean nothing here.
    """

    carried: Mapping[str, Any] = attrs.field(factory=dict)
    secrets: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def migrate(path: Path, plugin_sections: Mapping[str, type]) -> Migration:
    """Sort the keys of an old configuration file.

    Raises:
        ConfigError: it cannot be read or is not TOML.
    """
    known = {
        f"{section}.{field.name}"
        for section, cls in {**SECTIONS, **plugin_sections}.items()
        for field in attrs.fields(cls)
    }
    old = _flatten(read_toml(path).data)
    return Migration(
        carried={key: old[key] for key in old if key in known and not is_secret_name(key)},
        secrets=tuple(key for key in old if key in known and is_secret_name(key)),
        dropped=tuple(key for key in old if key not in known),
    )


def _flatten(data: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for section, table in data.items():
        if isinstance(table, dict):
            flat.update({f"{section}.{key}": value for key, value in table.items()})
        else:
            flat[section] = table
    return flat
