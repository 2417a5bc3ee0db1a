"""``runctl plugins``."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import click

from runctl_core import registry
from runctl_core.api.errors import PluginError
from runctl_core.cli.frame import RunctlGroup, group
from runctl_core.cli.output import emit, say, table
from runctl_core.cli.plugin_sections import import_settings
from runctl_core.discovery import COMMANDS, GROUPS, POLICIES, PROVIDERS, PluginRef, find_plugins
from runctl_core.policies.engine import load_policy


@attrs.frozen(kw_only=True)
class Report:
    """How one plugin stands.

    Attributes:
        detail: its operations, codes or summary; or what is wrong with it.
    """

    group: str
    name: str
    distribution: str
    version: str
    is_ok: bool
    api_version: tuple[int, int] | None = None
    detail: str = ""


@group("plugins")
def _plugins() -> None:
    """Show installed plugins."""


plugins: RunctlGroup = _plugins


@plugins.command("list")
def list_plugins() -> None:
    """List every plugin, working or broken, with what it brings."""
    reports = tuple(map(inspect, (ref for group in GROUPS for ref in find_plugins(group))))
    emit("plugin.list", {"plugins": reports}, lambda: _print(reports))


def inspect(ref: PluginRef) -> Report:
    """Load a plugin and say how it stands; never raises for what is wrong with it."""
    report = Report(
        group=ref.group,
        name=ref.name,
        distribution=ref.distribution,
        version=ref.version,
        is_ok=False,
    )
    try:
        registry.pick(ref.group, ref.name)
        detail, api_version = _describe(ref)
    except PluginError as error:
        return attrs.evolve(report, detail=error.message)
    return attrs.evolve(report, is_ok=True, detail=detail, api_version=api_version)


def _describe(ref: PluginRef) -> tuple[str, tuple[int, int] | None]:
    if ref.group == POLICIES:
        policy = load_policy(ref).info
        return ", ".join(policy.codes), policy.api_version
    plugin = registry.load(ref)
    if ref.group == PROVIDERS:
        info = registry.describe_provider(plugin)
        import_settings(plugin, info)
        if info.factory:
            registry.import_factory(plugin, info)
        return ", ".join(info.capabilities.operations) or "no operations yet", info.api_version
    assert ref.group == COMMANDS
    registry.ask(plugin, "runctl_command", click.Command, name=ref.name)
    return "a command", None


def _print(reports: tuple[Report, ...]) -> None:
    if not reports:
        say("no plugins are installed; 'pip install runctl-local' brings the first")
        return
    table(("KIND", "NAME", "STATE", "PACKAGE", "BRINGS"), list(_rows(reports)))


def _rows(reports: tuple[Report, ...]) -> Iterator[tuple[str, ...]]:
    for report in reports:
        kind = report.group.rpartition(".")[2].replace("ies", "y").rstrip("s")
        state = "ok" if report.is_ok else "broken"
        package = f"{report.distribution} {report.version}"
        yield kind, report.name, state, package, report.detail
