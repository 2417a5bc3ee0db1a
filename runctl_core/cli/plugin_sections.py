"""The configuration sections that installed plugins bring."""

from __future__ import annotations

from collections.abc import Collection

import attrs

from runctl_core import registry
from runctl_core.api.errors import PluginError
from runctl_core.api.info import ProviderInfo
from runctl_core.cli.output import warn
from runctl_core.discovery import PROVIDERS, PluginRef, find_plugins
from runctl_core.settings import NoSettings


def load_plugin_sections(disabled: Collection[str] = ()) -> dict[str, type]:
    """The attrs class of each provider's section; a broken plugin is warned of and left out."""
    sections = {}
    for ref in find_plugins(PROVIDERS, disabled=disabled):
        try:
            sections[ref.name] = load_section(ref)
        except PluginError as error:
            warn(f"[{ref.name}] is not checked: {error.message}")
    return sections


def load_section(ref: PluginRef) -> type:
    """The attrs class of one provider's section.

    Raises:
        PluginError: the plugin is broken.
    """
    plugin = registry.load(ref)
    return import_settings(plugin, registry.describe_provider(plugin))


def import_settings(plugin: registry.Plugin, info: ProviderInfo) -> type:
    """The attrs class that a provider declares, or one without keys when it declares none.

    Raises:
        PluginError: it cannot be imported, or is no attrs class.
    """
    if not info.settings:
        return NoSettings
    try:
        cls = registry.import_string(info.settings)
        attrs.fields(cls)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"plugin {info.name!r} (from {plugin.ref.origin}) names settings {info.settings}, "
            f"which cannot be used: {type(error).__name__}: {error}"
        ) from error
    assert isinstance(cls, type)
    return cls
