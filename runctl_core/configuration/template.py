"""The commented configuration file that ``runctl init`` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from runctl_core.configuration.values import describe
from runctl_core.settings import SECTIONS

_HEAD = """\
# Settings of runctl for this project.  Every key is optional: what is commented out shows its default.
# 'runctl config show --origin' tells where each value comes from.
"""


def render_template(plugin_sections: Mapping[str, type], chosen: Mapping[str, Any]) -> str:
    """A file with every key and what it does.

    Args:
        plugin_sections: the attrs class of each installed plugin's section.
        chosen: values by dotted key that are set; all other keys are commented out.
    """
    sections = {**SECTIONS, **plugin_sections}
    return _HEAD + "".join(
        f"\n{_render_header(name, chosen)}\n" + "".join(_render_section(name, cls, chosen))
        for name, cls in sections.items()
        if attrs.fields(cls)
    )


def _render_header(name: str, chosen: Mapping[str, Any]) -> str:
    """Where a plugin is missing its section is warned of, so one that sets nothing stays a comment."""
    is_used = name in SECTIONS or any(key.startswith(f"{name}.") for key in chosen)
    return f"[{name}]" if is_used else f"# [{name}]"


def _render_section(name: str, cls: type, chosen: Mapping[str, Any]) -> Iterator[str]:
    defaults = attrs.resolve_types(cls)()
    for field in attrs.fields(cls):
        key = f"{name}.{field.name}"
        yield f"# {field.metadata.get('doc', '')} ({describe(field)})\n"
        if key in chosen:
            yield f"{field.name} = {render_value(chosen[key])}\n"
        else:
            default = getattr(defaults, field.name)
            yield f"# {field.name} = {'' if default is None else render_value(default)}\n"


def render_value(value: Any) -> str:
    """A setting's value as it is written in TOML."""
    import tomlkit

    from runctl_core.serialization import unstructure

    plain = list(value) if isinstance(value, tuple) else value
    return tomlkit.item(str(plain) if isinstance(plain, Path) else unstructure(plain)).as_string()
