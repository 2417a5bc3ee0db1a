"""Turn a found plugin into a checked one; whatever is wrong with it becomes a ``PluginError``.

Each plugin gets a plugin manager of its own.  In a shared one, a plugin that forgets to look at the provider's name
would answer for all the others, and a wrapper could turn another policy's refusal into consent.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import pluggy

from runctl_core import hookspecs
from runctl_core.api.errors import PluginError
from runctl_core.api.info import OPERATIONS, ProviderInfo
from runctl_core.api.markers import PROJECT
from runctl_core.api.provider import Provider
from runctl_core.api.version import API_VERSION
from runctl_core.discovery import PluginRef, find_plugins

if TYPE_CHECKING:
    from pluggy import HookimplOpts

T = TypeVar("T")

REASON_LENGTH = 300


@attrs.frozen(kw_only=True)
class Plugin:
    """A plugin that was imported and whose hooks fit."""

    ref: PluginRef
    manager: pluggy.PluginManager

    def has(self, hook: str) -> bool:
        """Whether the plugin implements a hook."""
        return bool(getattr(self.manager.hook, hook).get_hookimpls())


def pick(group: str, name: str, *, disabled: Iterable[str] = ()) -> PluginRef:
    """The one plugin of that name.

    Raises:
        PluginError: none is installed, or two distributions claim the name.
    """
    refs = [ref for ref in find_plugins(group, disabled=disabled) if ref.name == name]
    if not refs:
        raise PluginError(
            f"no plugin named {name!r} is installed in {group}",
            hint=f"'pip install runctl-{name}' may bring it; 'runctl plugins list' shows what is there",
        )
    if len(refs) > 1:
        claimants = " and ".join(ref.origin for ref in refs)
        raise PluginError(
            f"the plugin name {name!r} is claimed by {claimants}",
            hint="uninstall one, or set RUNCTL_DISABLE_PLUGINS to the distribution to ignore",
        )
    return refs[0]


def load(ref: PluginRef) -> Plugin:
    """Import a plugin and check its hooks against ours.

    Raises:
        PluginError: importing failed in whatever way, or a hook does not fit.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(import_string(ref.target), ref.name)
        manager.check_pending()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _broken(ref, error) from error
    return Plugin(ref=ref, manager=manager)


def describe_provider(plugin: Plugin) -> ProviderInfo:
    """Ask a provider plugin what it is.

    Raises:
        PluginError: no answer, a wrong one, or one for another version of the interface.
    """
    info = ask(plugin, "runctl_provider", ProviderInfo)
    if info.name != plugin.ref.name:
        raise misfit(plugin.ref, f"calls itself {info.name!r}, not {plugin.ref.name!r}")
    check_api_version(plugin.ref, info.api_version)
    if info.factory is None and info.capabilities.operations:
        raise misfit(plugin.ref, "declares operations and names no factory for them")
    return info


def ask(plugin: Plugin, hook: str, kind: type[T], **arguments: object) -> T:
    """Call a hook that must give exactly one answer of a type.

    Raises:
        PluginError: it raised, or answered with something else.
    """
    try:
        answer = getattr(plugin.manager.hook, hook)(**arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _broken(plugin.ref, error, hook) from error
    if not isinstance(answer, kind):
        given = "nothing" if answer is None else type(answer).__name__
        raise misfit(plugin.ref, f"must answer {hook} with {kind.__name__}, not {given}")
    return answer


def check_api_version(ref: PluginRef, wanted: tuple[int, int]) -> None:
    """Refuse a plugin made for another major or a newer minor version of the interface.

    Raises:
        PluginError: naming both versions.
    """
    if wanted[0] != API_VERSION[0] or wanted[1] > API_VERSION[1]:
        asked, ours = (".".join(map(str, version)) for version in (wanted, API_VERSION))
        raise misfit(ref, f"wants plugin interface {asked}, this runctl has {ours}")


def import_factory(plugin: Plugin, info: ProviderInfo) -> type[Provider]:
    """Import a provider's class, which may bring its SDK, and check its operations without making one.

    Raises:
        PluginError: it cannot be imported, is no provider, or lacks or bends an operation.
    """
    try:
        factory = import_string(info.factory or "")
        if isinstance(factory, type) and issubclass(factory, Provider):
            _manage_operations(object.__new__(factory), plugin.ref.name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _broken(plugin.ref, error, info.factory or "") from error
    if not (isinstance(factory, type) and issubclass(factory, Provider)):
        raise misfit(plugin.ref, f"names {info.factory}, which is no Provider")
    missing = [name for name in info.capabilities.operations if not overrides(factory, name)]
    if missing:  # such a hook would answer nothing, which reads like success
        raise misfit(plugin.ref, f"declares {', '.join(missing)}, which {info.factory} lacks")
    return factory


def build_provider(plugin: Plugin, info: ProviderInfo, **arguments: object) -> pluggy.PluginManager:
    """Make the provider object and register its operations in a manager of its own.

    Raises:
        PluginError: the class cannot be imported, made, or has an operation of the wrong shape.
    """
    factory = import_factory(plugin, info)
    try:
        return _manage_operations(factory(**arguments), plugin.ref.name)  # type: ignore[arg-type]
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _broken(plugin.ref, error, info.factory or "") from error


def import_string(target: str) -> Any:
    """The object that ``module:attribute`` names."""
    module, _, attribute = target.partition(":")
    found = importlib.import_module(module)
    for part in filter(None, attribute.split(".")):
        found = getattr(found, part)
    return found


def overrides(provider: type[Provider], operation: str) -> bool:
    """Whether a provider class has an operation of its own."""
    return getattr(provider, operation) is not getattr(Provider, operation)


def summarise(error: BaseException) -> str:
    """A foreign error in one short line; even one whose own text cannot be made."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - it is somebody else's code
        text = ""
    shown = text if len(text) <= REASON_LENGTH else text[: REASON_LENGTH - 3] + "..."
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


class _OperationManager(pluggy.PluginManager):
    """Takes the overridden operations of a provider as hook implementations, without markers."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> HookimplOpts | None:
        if name in OPERATIONS and isinstance(plugin, Provider) and overrides(type(plugin), name):
            return {
                "wrapper": False,
                "hookwrapper": False,
                "optionalhook": False,
                "tryfirst": False,
                "trylast": False,
                "specname": None,
            }
        return None


def _manage_operations(provider: Provider, name: str) -> pluggy.PluginManager:
    manager = _OperationManager(PROJECT)
    manager.add_hookspecs(Provider)
    manager.register(provider, name)
    return manager


def _broken(ref: PluginRef, error: BaseException, where: str = "") -> PluginError:
    place = f" in {where}" if where else ""
    return PluginError(f"{_name(ref)} is broken{place}: {summarise(error)}", hint=_ways_out(ref))


def misfit(ref: PluginRef, reason: str) -> PluginError:
    """The error for a plugin that was loaded and does not fit.

    Args:
        reason: what it does wrong, to be read after its name.
    """
    return PluginError(f"{_name(ref)} {reason}", hint=_ways_out(ref))


def _name(ref: PluginRef) -> str:
    return f"plugin {ref.name!r} ({ref.target}, from {ref.origin})"


def _ways_out(ref: PluginRef) -> str:
    more = "" if os.environ.get("RUNCTL_DEBUG") else "RUNCTL_DEBUG=1 shows the traceback; "
    return f"{more}'pip install -U {ref.distribution}' may mend it, 'RUNCTL_DISABLE_PLUGINS={ref.name}' hides it"
