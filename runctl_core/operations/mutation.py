"""Plan a mutation, judge it, ask for consent and carry it out."""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

import attrs

from runctl_core.api.errors import BlockedError, InputError, PartialError, RunctlError
from runctl_core.api.model import Ref, Resource
from runctl_core.api.policy import Action, ActionKind, Level, PolicyContext
from runctl_core.facade import ProviderHandle
from runctl_core.operations.facts import gather, read_targets
from runctl_core.policies.engine import Policies, SettingsOf, judge
from runctl_core.policies.verdict import Verdict

_ALWAYS_ASKED = frozenset({ActionKind.CREATE, ActionKind.TERMINATE})


@attrs.frozen(kw_only=True)
class Plan:
    """One action, what the policies say of it, and what has been seen of its targets."""

    action: Action
    verdict: Verdict

    def under_force(self) -> Plan:
        """The same plan with the blocks that ``--force`` lifts turned into warnings."""
        return attrs.evolve(self, verdict=self.verdict.force())


@attrs.frozen(kw_only=True)
class Consent:
    """What the person allows.

    Attributes:
        ask: puts a question and gives the answer; ``None`` where nobody can be asked.
    """

    is_forced: bool = False
    is_given: bool = False
    ask: Callable[[str], bool] | None = None

    def insist(self, deed: str, question: str) -> None:
        """Return only if the person agrees; the question states the facts and defaults to no.

        Raises:
            InputError: nobody can be asked.
            RunctlError: the answer is no.
        """
        if self.is_given:
            return
        if self.ask is None:
            raise InputError(
                f"to {deed} needs consent, and there is no terminal to ask at",
                hint="add --yes, or look first with --dry-run",
            )
        if not self.ask(question):
            raise RunctlError("not confirmed; nothing was done")


@attrs.frozen(kw_only=True)
class Guard:
    """Where mutations are judged: the policies, their settings and the time."""

    policies: Policies
    now: Callable[[], datetime]
    settings_of: SettingsOf = lambda _name: {}

    def plan(
        self,
        provider: ProviderHandle,
        kind: ActionKind,
        refs: Sequence[Ref],
        *,
        request: object | None = None,
        reason: str = "",
        is_dry_run: bool = False,
    ) -> Plan:
        """Read the targets, gather the facts and ask the policies.

        Raises:
            NotFoundError: a target is not there.
        """
        targets = read_targets(provider, refs)
        return self.plan_for(
            provider, kind, targets, request=request, reason=reason, is_dry_run=is_dry_run
        )

    def plan_for(
        self,
        provider: ProviderHandle,
        kind: ActionKind,
        targets: tuple[Resource, ...],
        *,
        request: object | None = None,
        reason: str = "",
        is_dry_run: bool = False,
    ) -> Plan:
        """The same for targets that were read a moment ago."""
        now = self.now()
        action = Action(
            id=uuid.uuid4().hex,
            kind=kind,
            provider=provider.name,
            targets=targets,
            request=request,
            actor=_actor(),
            reason=reason,
            requested_at=now,
        )
        facts = gather(provider, targets, now) if action.is_destructive else {}
        context = PolicyContext(now=now, facts=facts, dry_run=is_dry_run)
        verdict = judge(self.policies, action, context, settings_of=self.settings_of)
        return Plan(action=action, verdict=verdict)


def authorise(plan: Plan, consent: Consent, question: str) -> Plan:
    """Let a plan pass, or not.

    Args:
        question: states the facts and ends in a question mark; the answer defaults to no.

    Returns:
        the plan with what ``--force`` lifted turned into warnings.

    Raises:
        BlockedError: a policy refuses, and force does not lift it or was not given.
        InputError: consent is needed and nobody can be asked.
    """
    allowed = plan.under_force() if consent.is_forced else plan
    verdict = allowed.verdict
    if verdict.level is Level.BLOCK:
        raise _refusal(plan, verdict, was_forced=consent.is_forced)
    if _needs_consent(plan, verdict):
        consent.insist(str(plan.action.kind), question)
    return allowed


def carry_out(plan: Plan, act: Callable[[Resource], object]) -> tuple[Ref, ...]:
    """Do it to one target after the other.

    Raises:
        PartialError: some were done before one failed; the message names both.
    """
    done: list[Ref] = []
    for target in plan.action.targets:
        try:
            act(target)
        except RunctlError as error:
            if not done:
                raise
            finished = ", ".join(ref.id for ref in done)
            raise PartialError(
                f"{plan.action.kind} of {target.ref.id} failed after {finished}: {error.message}",
                hint=error.hint,
            ) from error
        done.append(target.ref)
    return tuple(done)


def _needs_consent(plan: Plan, verdict: Verdict) -> bool:
    return plan.action.kind in _ALWAYS_ASKED or verdict.level is Level.WARN


def _refusal(plan: Plan, verdict: Verdict, *, was_forced: bool) -> BlockedError:
    names = ", ".join(target.name for target in plan.action.targets) or plan.action.provider
    codes = ", ".join(finding.code for finding in verdict.blocks)
    if was_forced:
        hint = "--force does not lift this"
    elif len(verdict.lifted) == len(verdict.blocks):
        hint = "--force lifts this"
    else:
        hint = "see the hints above"
    return BlockedError(
        f"will not {plan.action.kind} {names}: {codes}", hint=hint, findings=verdict.findings
    )


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
