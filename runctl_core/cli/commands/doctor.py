"""``runctl doctor``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from runctl_core.api.errors import ConfigError, PluginError
from runctl_core.cli.commands.plugins import inspect
from runctl_core.cli.frame import command
from runctl_core.cli.output import emit, table
from runctl_core.cli.plugin_sections import load_section
from runctl_core.cli.session import Session, current
from runctl_core.diagnosis import (
    Check,
    Health,
    check_clock,
    check_disk,
    check_home,
    check_python,
    check_runs,
    check_tools,
)
from runctl_core.discovery import GROUPS, PROVIDERS, PluginRef, find_plugins
from runctl_core.paths import expand
from runctl_core.settings import RunSettings


@command("doctor")
def doctor() -> None:
    """Check this machine, the configuration and every plugin; exit with 1 when something must be mended."""
    checks = tuple(_examine(current()))
    emit("doctor", {"checks": checks}, lambda: _print(checks))
    if any(check.state is Health.FAIL for check in checks):
        click.get_current_context().exit(1)


def _examine(session: Session) -> Iterator[Check]:
    yield check_python()
    yield check_clock()
    yield (configuration := _check_configuration(session))
    is_configured = configuration.state is Health.OK
    home = session.home if is_configured else _default_home()
    yield check_home(home)
    yield check_disk(home)
    yield check_runs(home)
    yield from check_tools()
    for group in GROUPS:
        for ref in find_plugins(group):
            yield _check_plugin(ref, session if is_configured else None)


def _check_configuration(session: Session) -> Check:
    try:
        files = session.configuration.files
    except ConfigError as error:
        return Check(
            name="configuration", state=Health.FAIL, message=error.message, hint=error.hint
        )
    shown = ", ".join(map(str, files)) or "no file; all settings have their defaults"
    return Check(name="configuration", state=Health.OK, message=shown)


def _default_home() -> Path:
    return expand(RunSettings().home, home=Path.home(), folder=Path.home())


def _check_plugin(ref: PluginRef, session: Session | None) -> Check:
    name = f"plugin {ref.name}"
    report = inspect(ref)
    if not report.is_ok:
        hint = f"'pip install -U {ref.distribution}' may mend it"
        return Check(name=name, state=Health.FAIL, message=report.detail, hint=hint)
    if ref.group == PROVIDERS and session is not None:
        try:
            session.configuration.section(ref.name, load_section(ref))
        except (ConfigError, PluginError) as error:
            return Check(name=name, state=Health.FAIL, message=error.message, hint=error.hint)
    return Check(name=name, state=Health.OK, message=f"{ref.origin}: {report.detail}")


def _print(checks: tuple[Check, ...]) -> None:
    rows = [
        (check.name, check.state.value, "; ".join(filter(None, (check.message, check.hint))))
        for check in checks
    ]
    table(("CHECK", "STATE", "FOUND"), rows)
