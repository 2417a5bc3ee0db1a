"""Consent, refusal and what is left when an action fails half-way."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.api import (
    Action,
    ActionKind,
    BlockedError,
    Finding,
    InputError,
    Level,
    Override,
    PartialError,
    Ref,
    Resource,
    ResourceKind,
    ResourceState,
    RunctlError,
    UnavailableError,
)
from runctl_core.operations.mutation import Consent, Plan, authorise, carry_out
from runctl_core.policies.verdict import Verdict
from runctl_core.testing import strategies

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MACHINES = tuple(
    Resource(
        ref=Ref(provider="acme", id=f"m-{number}"),
        kind=ResourceKind.INSTANCE,
        name=f"machine-{number}",
        state=ResourceState.RUNNING,
    )
    for number in range(3)
)
INFO = Finding(code="NOTE", level=Level.INFO, reason="by the way")
WARN = Finding(code="DEAR", level=Level.WARN, reason="it costs")
SOFT = Finding(code="YOUNG", level=Level.BLOCK, reason="it is young")
HARD = Finding(code="PROTECTED", level=Level.BLOCK, override=Override.NONE, reason="it is kept")


def plan(*findings: Finding, kind: ActionKind = ActionKind.TERMINATE) -> Plan:
    """A plan for three machines with these findings."""
    action = Action(id="a", kind=kind, provider="acme", targets=MACHINES, requested_at=NOW)
    return Plan(action=action, verdict=Verdict(findings=findings))


def never_ask(question: str) -> bool:
    """Nobody may be asked."""
    raise AssertionError(question)


ASKED_FIRST = [
    plan(kind=ActionKind.TERMINATE),
    plan(kind=ActionKind.CREATE),
    plan(WARN, kind=ActionKind.STOP),
    plan(WARN, kind=ActionKind.START),
]


@pytest.mark.parametrize("asked", ASKED_FIRST, ids=lambda asked: str(asked.action.kind))
def test_without_a_terminal_consent_is_refused(asked: Plan) -> None:
    """Where nobody can be asked nothing is done, and the error names the flag that consents."""
    with pytest.raises(InputError) as caught:
        authorise(asked, Consent(), "Do it?")
    assert caught.value.exit_code == 2
    assert "--yes" in caught.value.hint
    assert f"to {asked.action.kind} needs consent" in caught.value.message


@pytest.mark.parametrize("asked", ASKED_FIRST, ids=lambda asked: str(asked.action.kind))
def test_the_answer_decides(asked: Plan) -> None:
    """The question is put once; yes lets the plan pass, no does nothing."""
    questions: list[str] = []
    agree = Consent(ask=lambda question: not questions.append(question))
    assert authorise(asked, agree, "Do it?") == asked
    assert questions == ["Do it?"]
    with pytest.raises(RunctlError, match="nothing was done"):
        authorise(asked, Consent(ask=lambda _: False), "Do it?")


def test_consent_given_beforehand_asks_nothing() -> None:
    """``--yes`` answers the question."""
    consent = Consent(is_given=True, ask=never_ask)
    assert authorise(plan(INFO, WARN), consent, "Do it?") == plan(INFO, WARN)


def test_harmless_actions_ask_nothing() -> None:
    """Stopping and starting without a warning need no consent."""
    for kind in (ActionKind.STOP, ActionKind.START):
        asked = plan(INFO, kind=kind)
        assert authorise(asked, Consent(ask=never_ask), "Do it?") == asked


def test_consent_lifts_no_block() -> None:
    """``--yes`` answers questions only; a block stays a block and is not even asked about."""
    with pytest.raises(BlockedError) as caught:
        authorise(plan(SOFT, INFO), Consent(is_given=True, ask=never_ask), "Do it?")
    error = caught.value
    assert (error.exit_code, error.findings) == (4, (SOFT, INFO))
    assert "YOUNG" in error.message
    assert error.hint == "--force lifts this"


def test_force_warns_and_still_asks() -> None:
    """``--force`` turns what may be lifted into a warning, which still needs consent."""
    forced = Consent(is_forced=True)
    with pytest.raises(InputError, match="consent"):
        authorise(plan(SOFT), forced, "Do it?")
    passed = authorise(plan(SOFT), attrs.evolve(forced, is_given=True), "Do it?")
    assert passed.verdict.findings == (attrs.evolve(SOFT, level=Level.WARN),)


def test_force_does_not_lift_everything() -> None:
    """What needs a step of its own stays, whoever insists."""
    with pytest.raises(BlockedError) as caught:
        authorise(plan(SOFT, HARD), Consent(is_forced=True, is_given=True), "Do it?")
    assert caught.value.message.endswith(": PROTECTED")
    assert caught.value.hint == "--force does not lift this"


@given(
    found=st.lists(strategies.findings, max_size=4),
    kind=st.sampled_from(ActionKind),
    is_forced=st.booleans(),
    is_given=st.booleans(),
    answer=st.none() | st.booleans(),
)
def test_nothing_passes_unauthorised(
    found: list[Finding], kind: ActionKind, is_forced: bool, is_given: bool, answer: bool | None
) -> None:
    """A plan that passes has no block left; what ends or costs passes only with consent."""
    ask = None if answer is None else (lambda _: bool(answer))
    consent = Consent(is_forced=is_forced, is_given=is_given, ask=ask)
    try:
        passed = authorise(plan(*found, kind=kind), consent, "Do it?")
    except RunctlError:
        return
    assert not passed.verdict.blocks
    assert is_forced or not any(finding.level is Level.BLOCK for finding in found)
    if kind in (ActionKind.CREATE, ActionKind.TERMINATE):
        assert is_given or answer


def test_every_target_is_acted_on_once() -> None:
    """Targets are done one after the other, in order."""
    acted: list[Resource] = []
    assert carry_out(plan(), acted.append) == tuple(machine.ref for machine in MACHINES)
    assert tuple(acted) == MACHINES


@pytest.mark.parametrize("position", [0, 1, 2])
def test_failure_half_way(position: int) -> None:
    """The first failure stops; when something was done before, the error says what and exits with 5."""
    acted: list[str] = []

    def act(target: Resource) -> None:
        if len(acted) == position:
            raise UnavailableError("acme does not answer", hint="try later")
        acted.append(target.ref.id)

    with pytest.raises(RunctlError) as caught:
        carry_out(plan(), act)
    assert acted == [f"m-{number}" for number in range(position)]
    if position == 0:
        assert isinstance(caught.value, UnavailableError)
        return
    assert isinstance(caught.value, PartialError)
    assert f"terminate of m-{position} failed after {', '.join(acted)}" in caught.value.message
    assert caught.value.hint == "try later"
