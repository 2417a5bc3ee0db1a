"""Ask every policy about an action, each alone, and trust none of them.

A policy can add findings and never take another's away.  One that raises, hangs, answers with junk or cannot be loaded
blocks: a guard that is out of order is no reason to go on.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs
import pluggy

from runctl_core import hookspecs, registry
from runctl_core.api.errors import PluginError
from runctl_core.api.markers import PROJECT
from runctl_core.api.model import Resource
from runctl_core.api.policy import Action, Finding, Level, Override, PolicyContext, PolicyInfo
from runctl_core.discovery import POLICIES, PluginRef, find_plugins
from runctl_core.policies import training_running
from runctl_core.policies.verdict import Verdict

DEADLINE_S = 5.0
MAX_FINDINGS = 1_000
BUILT_IN = (training_running,)
BUILT_IN_NAMES = frozenset(module.runctl_policy().name for module in BUILT_IN)

SettingsOf = Callable[[str], Mapping[str, Any]]


@attrs.frozen(kw_only=True)
class Policy:
    """A policy that is ready to be asked."""

    info: PolicyInfo
    manager: pluggy.PluginManager
    origin: str = "runctl-core"


@attrs.frozen(kw_only=True)
class Policies:
    """All policies there are, and those that should be there and are not."""

    ready: tuple[Policy, ...]
    broken: tuple[PluginError, ...] = ()


def load_policies(*, required: Sequence[str] = (), disabled: Sequence[str] = ()) -> Policies:
    """Load the built-in policies and every installed one.

    Args:
        required: names that must be there; a missing one blocks every destructive action.
        disabled: installed ones to leave out by name, at the user's own word.
    """
    ready = [_built_in(module) for module in BUILT_IN]
    broken: list[PluginError] = []
    for name in dict.fromkeys(ref.name for ref in find_plugins(POLICIES, disabled=disabled)):
        try:
            ready.append(load_policy(registry.pick(POLICIES, name, disabled=disabled)))
        except PluginError as error:
            broken.append(error)
    there = {policy.info.name for policy in ready}
    broken.extend(
        PluginError(
            f"the required policy {name!r} is not installed",
            hint="install it, or take it out of policies.required",
        )
        for name in required
        if name not in there
    )
    return Policies(ready=tuple(ready), broken=tuple(broken))


def load_policy(ref: PluginRef) -> Policy:
    """Import one installed policy and check it.

    Raises:
        PluginError: it is broken, made for another interface, or wraps its check instead of giving one.
    """
    plugin = registry.load(ref)
    info = registry.ask(plugin, "runctl_policy", PolicyInfo)
    if info.name != ref.name:
        raise registry.misfit(ref, f"calls itself {info.name!r}, not {ref.name!r}")
    if info.name in BUILT_IN_NAMES:
        raise registry.misfit(ref, "has the name of a built-in policy")
    registry.check_api_version(ref, info.api_version)
    implementations = plugin.manager.hook.runctl_check.get_hookimpls()
    if not implementations or any(impl.wrapper or impl.hookwrapper for impl in implementations):
        raise registry.misfit(ref, "must implement runctl_check, not wrap it")
    return Policy(info=info, manager=plugin.manager, origin=ref.origin)


def judge(
    policies: Policies,
    action: Action,
    context: PolicyContext,
    *,
    settings_of: SettingsOf = lambda _name: {},
    deadline_s: float = DEADLINE_S,
) -> Verdict:
    """Ask all policies and collect what they say.

    Args:
        context: what they may know; each sees its own section as ``settings``.
        settings_of: gives a policy's configuration section.
    """
    findings = [_unavailable(error) for error in policies.broken if action.is_destructive]
    shown = attrs.evolve(action, targets=tuple(map(_seal, action.targets)))
    facts = MappingProxyType({key: MappingProxyType(dict(of)) for key, of in context.facts.items()})
    for policy in policies.ready:
        settings = MappingProxyType(dict(settings_of(policy.info.name)))
        own = attrs.evolve(context, facts=facts, settings=settings)
        findings.extend(_ask(policy, shown, own, deadline_s))
    return Verdict(findings=tuple(findings))


def _built_in(module: object) -> Policy:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    return Policy(info=manager.hook.runctl_policy(), manager=manager)


def _seal(target: Resource) -> Resource:
    """The same resource with mappings that nobody can write to: no policy edits what the next one sees."""
    tags = None if target.tags is None else MappingProxyType(dict(target.tags))
    return attrs.evolve(target, tags=tags, native=MappingProxyType(dict(target.native)))


def _ask(
    policy: Policy, action: Action, context: PolicyContext, deadline_s: float
) -> tuple[Finding, ...]:
    answers: list[tuple[Finding, ...] | BaseException] = []

    def call() -> None:
        try:
            answers.append(_check(policy, action, context))
        except BaseException as error:  # noqa: BLE001 - whatever it raises, it did not consent
            answers.append(error)

    thread = threading.Thread(target=call, daemon=True, name=f"policy-{policy.info.name}")
    thread.start()
    thread.join(deadline_s)
    if not answers:
        return (_error(policy, f"gave no answer within {deadline_s:g} s"),)
    answer = answers[0]
    if isinstance(answer, BaseException):
        return (_error(policy, f"failed: {registry.summarise(answer)}"),)
    return answer


def _check(policy: Policy, action: Action, context: PolicyContext) -> tuple[Finding, ...]:
    said = policy.manager.hook.runctl_check(action=action, context=context)
    pieces = itertools.chain.from_iterable(map(_flatten, said))
    findings = tuple(_accept(policy, piece) for piece in itertools.islice(pieces, MAX_FINDINGS + 1))
    if len(findings) > MAX_FINDINGS:
        raise ValueError(f"it gave more than {MAX_FINDINGS} findings")
    return findings


def _accept(policy: Policy, piece: object) -> Finding:
    if type(piece) is not Finding:  # a subclass could change its mind between two looks
        raise TypeError(f"it answered with {type(piece).__name__}, not Finding")
    if piece.code not in policy.info.codes:
        raise ValueError(f"it gave the code {piece.code!r}, which it does not explain")
    return piece


def _flatten(answer: Any) -> Iterable[Any]:
    if isinstance(answer, Iterable) and not isinstance(answer, str | bytes):
        return answer
    return (answer,)


def _error(policy: Policy, what: str) -> Finding:
    return Finding(
        code="POLICY_ERROR",
        level=Level.BLOCK,
        override=Override.FORCE,
        reason=f"the policy {policy.info.name!r} (from {policy.origin}) {what}",
        hint=f"mend it, or RUNCTL_DISABLE_PLUGINS={policy.info.name}",
    )


def _unavailable(error: PluginError) -> Finding:
    return Finding(
        code="POLICY_UNAVAILABLE",
        level=Level.BLOCK,
        override=Override.NONE,
        reason=error.message,
        hint=error.hint,
    )
