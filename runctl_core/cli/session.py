"""What a running command works with: configuration, runs and providers, each made when first asked for."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runctl_core import registry
from runctl_core.api.errors import InputError
from runctl_core.api.model import Ref
from runctl_core.api.provider import ProviderContext
from runctl_core.cli.output import warn
from runctl_core.cli.plugin_sections import import_settings
from runctl_core.cli.state import State
from runctl_core.discovery import PROVIDERS
from runctl_core.facade import ProviderHandle
from runctl_core.log import get_logger

if TYPE_CHECKING:
    from runctl_core.configuration import Configuration
    from runctl_core.operations.running import Runs
    from runctl_core.runs.store import RunStore

_log = get_logger(__name__)


class Session:
    """One command's surroundings."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._providers: dict[str, ProviderHandle] = {}

    @functools.cached_property
    def configuration(self) -> Configuration:
        """The settings of this call, from every layer.

        Raises:
            ConfigError: a file or variable is wrong.
        """
        from runctl_core.configuration import load_configuration
        from runctl_core.log import configure

        loaded = load_configuration(
            cwd=_current_folder(), env=os.environ, config_path=self.state.config_path
        )
        settings = loaded.settings
        self.state.given["configured_output"] = settings.output.format
        self.state.given["configured_color"] = settings.output.color
        levels = {-1: "error", 0: settings.log.level, 1: "info"}
        configure(
            level=levels.get(self.state.verbosity, "debug"),
            json=self.state.is_json,
            color=self.state.has_color(sys.stderr),
        )
        _log.debug("settings read", files=[str(path) for path in loaded.files])
        for warning in loaded.warnings:
            warn(warning)
        return loaded

    @property
    def home(self) -> Path:
        """The folder of runs and locks."""
        return Path(self.configuration.settings.runs.home).expanduser()

    @functools.cached_property
    def runs(self) -> RunStore:
        """The runs that this machine knows of."""
        from runctl_core.runs.store import RunStore

        return RunStore(self.home)

    def provider(self, name: str) -> ProviderHandle:
        """A provider that is ready to be asked.

        Raises:
            PluginError: it is not installed, broken or disabled.
            ConfigError: its configuration section is wrong.
        """
        if name not in self._providers:
            self._providers[name] = self._make_provider(name)
        return self._providers[name]

    def resolve(self, provider: str, text: str) -> Ref:
        """The full name of a resource that was given by its id, its name or what else the provider takes.

        Raises:
            NotFoundError: there is none.
        """
        return self.provider(provider).status(Ref(provider=provider, id=text)).ref

    @property
    def running(self) -> Runs:
        """The known runs and the way to the machines they train on."""
        from runctl_core.operations.running import Runs

        return Runs(store=self.runs, provider=self.provider, sleep=time.sleep)

    def close(self) -> None:
        """Let go of every provider's connections."""
        while self._providers:
            self._providers.popitem()[1].close()

    def _make_provider(self, name: str) -> ProviderHandle:
        disabled = self.configuration.settings.plugins.disabled
        plugin = registry.load(registry.pick(PROVIDERS, name, disabled=disabled))
        info = registry.describe_provider(plugin)
        _hide_credentials(info.credential_env)
        section: object = self.configuration.section(name, import_settings(plugin, info))
        settings = section if info.settings else None
        context = ProviderContext(home=self.home, state_dir=self.home / "providers" / name)
        manager = registry.build_provider(plugin, info, settings=settings, context=context)
        return ProviderHandle(plugin=plugin, info=info, manager=manager)


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise InputError(
            "the current folder is not there any more", hint="'cd' to one that is"
        ) from None


def _hide_credentials(variables: Iterable[str]) -> None:
    """Keep what a provider's secret variables hold out of everything that is printed."""
    from runctl_core.redaction import is_secret_name, register_secret

    for name in filter(is_secret_name, variables):
        if os.environ.get(name):
            register_secret(os.environ[name])


def current() -> Session:
    """The session of the running command; its connections are let go when the command ends."""
    ctx = click.get_current_context()
    session = Session(ctx.ensure_object(State))
    ctx.call_on_close(session.close)
    return session
