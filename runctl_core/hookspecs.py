"""Every hook of runctl.

A plugin is a module named by an entry point.  It implements hooks by functions of these names, marked with ``hookimpl``.

==========================  ============================================================
entry-point group           hooks looked for
==========================  ============================================================
``runctl.providers``        ``runctl_provider``; then the operations of ``Provider``
``runctl.policies``         ``runctl_policy``, ``runctl_check``
``runctl.commands``         ``runctl_command``
any of the three            ``runctl_action_started``, ``runctl_action_finished``
==========================  ============================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from runctl_core.api.markers import hookimpl, hookspec
from runctl_core.api.provider import Provider

if TYPE_CHECKING:
    import click

    from runctl_core.api.info import ProviderInfo
    from runctl_core.api.policy import Action, Finding, PolicyContext, PolicyInfo

__all__ = [
    "Provider",
    "hookimpl",
    "hookspec",
    "runctl_action_finished",
    "runctl_action_started",
    "runctl_check",
    "runctl_command",
    "runctl_policy",
    "runctl_provider",
]


@hookspec(firstresult=True)
def runctl_provider() -> ProviderInfo:  # type: ignore[empty-body]
    """Describe a provider, with data only.

    Called when the provider is addressed, never for ``runctl --help``.  The module must import no SDK::

        from runctl_core.api import Capabilities, ProviderInfo, hookimpl

        @hookimpl
        def runctl_provider():
            return ProviderInfo(
                name="acme",
                summary="ACME machines.",
                factory="runctl_acme.provider:AcmeProvider",
                capabilities=Capabilities(train=True, terminate=True, list_resources=True, transfer=True),
            )
    """


@hookspec(firstresult=True)
def runctl_policy() -> PolicyInfo:  # type: ignore[empty-body]
    """Describe a policy and explain each code it can give::

    from runctl_core.api import PolicyInfo, hookimpl

    @hookimpl
    def runctl_policy():
        return PolicyInfo(
            name="office-hours",
            summary="No machine ends at night.",
            codes={"NIGHT": "Machines end between 8 and 18 o'clock UTC only. Wait, or use --force."},
        )
    """


@hookspec
def runctl_check(action: Action, context: PolicyContext) -> Finding | Iterable[Finding] | None:
    """Judge an action, just before it and again while it is applied.

    Each policy is asked alone; the worst finding of all is the verdict.  Raising, taking over five seconds or returning
    anything else blocks the action::

        @hookimpl
        def runctl_check(action, context):
            if action.is_destructive and not 8 <= context.now.hour < 18:
                return Finding(code="NIGHT", level=Level.BLOCK, reason="nobody is awake to notice")
    """


@hookspec(firstresult=True)
def runctl_command(name: str) -> click.Command:  # type: ignore[empty-body]
    """Return the top-level command that the entry point ``name`` promises; called when it is run::

    @hookimpl
    def runctl_command(name):
        from .cli import fortune
        return fortune
    """


@hookspec
def runctl_action_started(action: Action) -> None:
    """Hear that an action begins.  For notifiers and audit: errors here are logged and otherwise ignored::

    @hookimpl
    def runctl_action_started(action):
        notify(f"{action.actor} starts to {action.kind} {len(action.targets)} resources")
    """


@hookspec
def runctl_action_finished(action: Action, outcome: str) -> None:
    """Hear how an action ended: ``"done"``, or the error in one line::

    @hookimpl
    def runctl_action_finished(action, outcome):
        notify(f"{action.kind}: {outcome}")
    """
