"""Every setting of the core: its default, type, unit and what it does.

A key stands here only when something obeys it.  Plugins describe their own sections in the same way.
"""

from pathlib import Path
from typing import Literal

import attrs

from runctl_core.api.settings import between, setting


@attrs.frozen(kw_only=True)
class OutputSettings:
    """How results are shown."""

    format: Literal["text", "json"] = setting("text", "Print tables for people or JSON.")
    color: Literal["auto", "always", "never"] = setting(
        "auto", "Colour the output: only on a terminal, always or never."
    )


@attrs.frozen(kw_only=True)
class RunSettings:
    """How trainings are kept and ended."""

    home: Path = setting(  # noqa: RUF009 - it makes an attrs field
        Path("~/.runctl"), "The folder of runs, locks and environments."
    )
    grace_s: float = setting(
        90.0,
        "Seconds that a stopped training gets to save before it is killed.",
        check=between(0, 86_400),
    )
    heartbeat_s: float = setting(
        10.0, "Seconds between two signs of life of a run.", check=between(0.1, 3_600)
    )


@attrs.frozen(kw_only=True)
class PolicySettings:
    """Which safety policies are asked."""

    required: tuple[str, ...] = setting(
        (), "Names of policies without which nothing may be stopped or terminated."
    )
    disabled: tuple[str, ...] = setting((), "Names of policies that are not asked.")


@attrs.frozen(kw_only=True)
class PluginSettings:
    """Which plugins are used."""

    disabled: tuple[str, ...] = setting(
        (), "Names of providers, policies or packages that are ignored."
    )


@attrs.frozen(kw_only=True)
class LogSettings:
    """What is written to standard error about the work itself."""

    level: Literal["debug", "info", "warning", "error"] = setting(
        "warning", "The least serious message that is shown."
    )


@attrs.frozen(kw_only=True)
class NoSettings:
    """The section of a plugin that has nothing to set: every key in it is unknown."""


@attrs.frozen(kw_only=True)
class Settings:
    """All sections of the core."""

    output: OutputSettings = OutputSettings()
    runs: RunSettings = RunSettings()
    policies: PolicySettings = PolicySettings()
    plugins: PluginSettings = PluginSettings()
    log: LogSettings = LogSettings()


SECTIONS: dict[str, type] = {field.name: field.type or object for field in attrs.fields(Settings)}
"""The attrs class of each section."""
