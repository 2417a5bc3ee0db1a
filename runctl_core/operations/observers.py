"""Tell plugins what is being done.  Whatever they do about it, it is done all the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import attrs

from runctl_core import registry
from runctl_core.api.errors import PluginError
from runctl_core.api.policy import Action
from runctl_core.discovery import COMMANDS, POLICIES, find_plugins
from runctl_core.log import get_logger
from runctl_core.registry import Plugin, summarise

_HOOKS = ("runctl_action_started", "runctl_action_finished")
_log = get_logger(__name__)


@attrs.frozen(kw_only=True)
class Observers:
    """The plugins that want to hear of actions."""

    plugins: tuple[Plugin, ...] = ()

    @contextlib.contextmanager
    def watch(self, action: Action) -> Iterator[None]:
        """Tell that an action begins, and how it ended."""
        self._tell("runctl_action_started", action=action)
        outcome = "interrupted"
        try:
            yield
            outcome = "done"
        except Exception as error:
            outcome = summarise(error)
            raise
        finally:
            self._tell("runctl_action_finished", action=action, outcome=outcome)

    def _tell(self, hook: str, **news: object) -> None:
        for plugin in self.plugins:
            try:
                getattr(plugin.manager.hook, hook)(**news)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - see the module
                _log.warning(
                    "an observer failed", plugin=plugin.ref.name, hook=hook, error=summarise(error)
                )


def load_observers(provider: Plugin, *, disabled: Sequence[str] = ()) -> Observers:
    """Find who wants to hear: the provider's own plugin, and every policy and command plugin that works.

    Args:
        disabled: plugins or distributions to leave out by name.
    """
    plugins = [provider]
    for group in (POLICIES, COMMANDS):
        for ref in find_plugins(group, disabled=disabled):
            with contextlib.suppress(PluginError):  # 'runctl plugins list' tells what is wrong
                plugins.append(registry.load(ref))
    return Observers(plugins=tuple(plugin for plugin in plugins if any(map(plugin.has, _HOOKS))))
