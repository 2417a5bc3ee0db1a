"""What ``stop``, ``start``, ``terminate`` and ``create`` share: plan, show, ask, do, tell."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import click

from runctl_core.api.info import ProviderInfo
from runctl_core.api.model import Ref, Resource, Run
from runctl_core.api.policy import ActionKind, Finding, Level
from runctl_core.api.provider import utc_now
from runctl_core.api.requests import TrainRequest
from runctl_core.cli import words
from runctl_core.cli.output import emit, note, say, state
from runctl_core.cli.session import Session, current
from runctl_core.facade import ProviderHandle
from runctl_core.operations.mutation import Consent, Guard, Plan, authorise, carry_out
from runctl_core.operations.observers import load_observers
from runctl_core.operations.verification import await_end
from runctl_core.policies.engine import load_policies


@attrs.frozen(kw_only=True)
class Options:
    """The options of every command that changes something."""

    yes: bool = False
    dry_run: bool = False
    force: bool = False
    reason: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """Take click's values."""
        return cls(**given)

    def consent(self) -> Consent:
        """What they allow, and a way to ask for the rest where there is a terminal."""
        can_ask = sys.stdin.isatty() and not state().is_json
        return Consent(is_forced=self.force, is_given=self.yes, ask=_ask if can_ask else None)


OPTION_NAMES = tuple(field.name for field in attrs.fields(Options))


def mutation_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for add in (
        click.option("-y", "--yes", is_flag=True, help="Answer the question with yes."),
        click.option("--dry-run", is_flag=True, help="Only show what would be done."),
        click.option("--force", is_flag=True, help="Lift the blocks that may be lifted."),
        click.option("--reason", default="", metavar="TEXT", help="Why; policies see it."),
    ):
        function = add(function)
    return function


def guard_of(session: Session) -> Guard:
    """The guard with every installed policy."""
    configuration = session.configuration
    required = configuration.settings.policies.required
    policies = load_policies(required=required, disabled=_disabled(session))
    return Guard(policies=policies, now=utc_now, settings_of=configuration.policy)


@contextlib.contextmanager
def permitted(
    session: Session, provider: ProviderHandle, plan: Plan, options: Options, question: str
) -> Iterator[Plan]:
    """Do something only if policies and person let it pass, with observers told of it.

    Raises:
        BlockedError: a policy refuses.
        InputError, RunctlError: the person does not consent, or cannot be asked.
    """
    allowed = authorise(plan, options.consent(), question)
    show_findings(allowed.verdict.findings)
    with load_observers(provider.plugin, disabled=_disabled(session)).watch(allowed.action):
        yield allowed


def _disabled(session: Session) -> tuple[str, ...]:
    settings = session.configuration.settings
    return (*settings.policies.disabled, *settings.plugins.disabled)


def mutate(
    info: ProviderInfo,
    kind: ActionKind,
    ids: Sequence[str],
    options: Options,
    operation: Callable[[ProviderHandle], Callable[[Ref], object]],
) -> None:
    """Do one operation to each of the named resources, through the guard."""
    session = current()
    provider = session.provider(info.name)
    refs = [Ref(provider=info.name, id=name) for name in dict.fromkeys(ids)]
    plan = guard_of(session).plan(
        provider, kind, refs, reason=options.reason, is_dry_run=options.dry_run
    )
    if options.dry_run:
        tell_plan(plan, options)
        return
    with permitted(session, provider, plan, options, _question(plan)) as allowed:
        carry_out(allowed, lambda target: operation(provider)(target.ref))
    after = tuple(_look_again(provider, kind, target) for target in allowed.action.targets)
    emit("action", {"action": kind, "resources": after}, findings=allowed.verdict.findings)
    for resource in after:
        say(f"{resource.name}: {words.state(resource)}")


def start_training(
    session: Session, provider_name: str, request: TrainRequest, options: Options
) -> Run:
    """Start a training through the guard.  It is asked for by name, so there is no question; policies can refuse."""
    provider = session.provider(provider_name)
    refs = [request.target] if request.target else []
    plan = guard_of(session).plan(provider, ActionKind.TRAIN, refs, request=request)
    with permitted(session, provider, plan, attrs.evolve(options, yes=True), "Train?"):
        return provider.train(request)


def _look_again(provider: ProviderHandle, kind: ActionKind, target: Resource) -> Resource:
    """The target as it stands after the action; ending something is done when it is seen to be gone."""
    if kind is ActionKind.TERMINATE:
        return await_end(provider, target, sleep=time.sleep)
    return provider.status(target.ref)


def tell_plan(plan: Plan, options: Options) -> None:
    """Answer a dry run: what would be done, and what the policies say of it."""
    shown = plan.under_force() if options.force else plan
    for target in shown.action.targets:
        say(f"would {shown.action.kind} {_describe(target)}")
    show_findings(shown.verdict.findings)
    emit("plan", {"action": shown.action, "done": ()}, findings=shown.verdict.findings)


def show_findings(findings: Sequence[Finding]) -> None:
    """Tell what policies say; mere information only when there is room for talk."""
    for finding in findings:
        tell = say if finding.level is Level.INFO else note
        hint = f" ({finding.hint})" if finding.hint else ""
        tell(f"  {finding.level.name.lower()} {finding.code}: {finding.reason}{hint}")


def _question(plan: Plan) -> str:
    targets = "; ".join(map(_describe, plan.action.targets))
    return f"{str(plan.action.kind).capitalize()} {targets}?"


def _describe(target: Resource) -> str:
    facts = [words.state(target)]
    if target.price:
        facts.append(f"{words.price(target.price)} per hour")
    if target.created_at:
        facts.append(f"{words.age(target.created_at, utc_now())} old")
    return f"{target.name} ({', '.join(facts)})"


def _ask(question: str) -> bool:
    return click.confirm(question, default=False, err=True)
