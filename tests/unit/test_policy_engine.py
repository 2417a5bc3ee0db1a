"""Asking policies, each alone, and trusting none of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pluggy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core import hookspecs
from runctl_core.api import (
    Action,
    ActionKind,
    Fact,
    Finding,
    Level,
    Override,
    PluginError,
    PolicyContext,
    PolicyInfo,
    Ref,
    Resource,
    ResourceKind,
    ResourceState,
    Truth,
    hookimpl,
)
from runctl_core.policies.engine import MAX_FINDINGS, Policies, Policy, judge, load_policies
from runctl_core.policies.verdict import Verdict
from runctl_core.testing import strategies

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = Resource(
    ref=Ref(provider="acme", id="m-1"),
    kind=ResourceKind.INSTANCE,
    name="m",
    state=ResourceState.RUNNING,
    tags={"team": "a"},
)
TERMINATE = Action(
    id="a", kind=ActionKind.TERMINATE, provider="acme", targets=(MACHINE,), requested_at=NOW
)
CREATE = Action(id="a", kind=ActionKind.CREATE, provider="acme", requested_at=NOW)
FACTS = {str(MACHINE.ref): {"training": Fact(truth=Truth.NO, source="test", observed_at=NOW)}}
CONTEXT = PolicyContext(now=NOW, facts=FACTS)
BLOCK = Finding(code="NO", level=Level.BLOCK, reason="because")

Check = Callable[[Action, PolicyContext], Any]


def policy(check: Check, name: str = "test", **codes: str) -> Policy:
    """A policy that answers with a function."""

    class Module:
        @hookimpl
        def runctl_check(self, action: Action, context: PolicyContext) -> Any:
            return check(action, context)

    manager = pluggy.PluginManager("runctl")
    manager.add_hookspecs(hookspecs)
    manager.register(Module())
    info = PolicyInfo(name=name, summary="", codes=codes or {"NO": "No."})
    return Policy(info=info, manager=manager, origin="runctl-test 1.0")


def ask(check: Check, *, action: Action = TERMINATE, deadline_s: float = 5.0) -> Verdict:
    """What one policy's answer amounts to."""
    policies = Policies(ready=(policy(check),))
    return judge(policies, action, CONTEXT, deadline_s=deadline_s)


def throw(error: BaseException) -> Check:
    """A policy that raises."""

    def check(action: Action, context: PolicyContext) -> None:
        raise error

    return check


def endless(action: Action, context: PolicyContext) -> Iterator[Finding]:
    """Findings without end."""
    while True:
        yield BLOCK


class Turncoat(Finding):
    """A finding that is no block when one looks again."""

    looks = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "level":
            type(self).looks += 1
            return Level.BLOCK if type(self).looks % 2 else Level.INFO
        return super().__getattribute__(name)


def write_facts(action: Action, context: PolicyContext) -> None:
    """Declare that nothing trains."""
    context.facts[str(MACHINE.ref)]["training"] = FACTS[str(MACHINE.ref)]["training"]  # type: ignore[index]


def write_tags(action: Action, context: PolicyContext) -> None:
    """Take a tag away."""
    del action.targets[0].tags["team"]  # type: ignore[index, union-attr]


MISBEHAVIOUR: dict[str, Check] = {
    "raises": throw(ValueError("bad")),
    "exits": throw(SystemExit(0)),
    "interrupts": throw(KeyboardInterrupt()),
    "answers yes": lambda *_: True,
    "answers no": lambda *_: False,
    "answers text": lambda *_: "fine",
    "answers a number": lambda *_: 0,
    "answers a mapping": lambda *_: {"level": "info"},
    "answers a class": lambda *_: Finding,
    "answers a list of junk": lambda *_: [BLOCK, None],
    "gives an unexplained code": lambda *_: attrs.evolve(BLOCK, code="WHAT"),
    "gives a level of 0": lambda *_: Finding(code="NO", level=0, reason=""),  # type: ignore[arg-type]
    "gives a level of 99": lambda *_: Finding(code="NO", level=99, reason=""),  # type: ignore[arg-type]
    "gives a level as text": lambda *_: Finding(code="NO", level="block", reason=""),  # type: ignore[arg-type]
    "gives a finding that changes": lambda *_: Turncoat(code="NO", level=Level.BLOCK, reason=""),
    "gives findings without end": endless,
    "writes to the facts": write_facts,
    "writes to the tags": write_tags,
    "writes to the settings": lambda _, context: context.settings.update(hours=()),
    "takes no arguments": lambda: None,
}


@pytest.mark.parametrize("check", MISBEHAVIOUR.values(), ids=MISBEHAVIOUR)
@pytest.mark.parametrize("action", [TERMINATE, CREATE], ids=["terminate", "create"])
def test_misbehaviour_blocks(check: Check, action: Action) -> None:
    """A policy that is out of order refuses, by name, and force may lift that."""
    if action is CREATE and check is write_tags:
        action = attrs.evolve(CREATE, targets=(MACHINE,))
    (finding,) = ask(check, action=action).findings
    assert (finding.code, finding.level, finding.override) == (
        "POLICY_ERROR",
        Level.BLOCK,
        Override.FORCE,
    )
    assert "'test' (from runctl-test 1.0)" in finding.reason
    assert "RUNCTL_DISABLE_PLUGINS=test" in finding.hint


def test_hanging_policy_blocks() -> None:
    """A policy that gives no answer in time refuses; its late answer counts for nothing."""
    release = threading.Event()
    verdict = ask(lambda *_: release.wait() and None, deadline_s=0.02)
    release.set()
    (finding,) = verdict.findings
    assert finding.code == "POLICY_ERROR"
    assert "gave no answer within 0.02 s" in finding.reason


@pytest.mark.parametrize(
    ("answer", "count"),
    [(None, 0), ([], 0), (BLOCK, 1), ([BLOCK], 1), ((BLOCK, BLOCK), 2), (iter([BLOCK] * 3), 3)],
    ids=["nothing", "empty", "one", "list", "tuple", "iterator"],
)
def test_shapes_of_answers(answer: object, count: int) -> None:
    """Nothing, one finding and any number of findings are proper answers."""
    assert list(ask(lambda *_: answer).findings) == [BLOCK] * count


def test_as_many_findings_as_allowed() -> None:
    """The limit on findings is a limit, not one less."""
    assert len(ask(lambda *_: [BLOCK] * MAX_FINDINGS).findings) == MAX_FINDINGS


@given(
    question=strategies.questions(),
    answers=st.lists(st.lists(strategies.findings, max_size=3), max_size=3),
    more=st.sampled_from(sorted(MISBEHAVIOUR)) | st.lists(strategies.findings, max_size=3),
)
def test_more_policies_never_weaken(
    question: tuple[Action, PolicyContext],
    answers: list[list[Finding]],
    more: str | list[Finding],
) -> None:
    """Whatever a further policy says or does, no finding disappears, and the verdict gets no milder."""
    action, context = question

    def giving(found: list[Finding]) -> Policy:
        return policy(lambda *_: found, **{finding.code: "." for finding in found})

    before = Policies(ready=tuple(map(giving, answers)))
    added = policy(MISBEHAVIOUR[more]) if isinstance(more, str) else giving(more)
    for ready in ((*before.ready, added), (added, *before.ready)):
        old = judge(before, action, context)
        new = judge(Policies(ready=ready), action, context)
        assert new.level >= old.level
        assert new.force().level >= old.force().level
        assert all(new.findings.count(found) >= old.findings.count(found) for found in old.findings)


@given(strategies.questions())
def test_unavailable_policy_blocks_what_destroys(question: tuple[Action, PolicyContext]) -> None:
    """A policy that cannot be loaded refuses every destructive action, and force does not lift that."""
    action, context = question
    broken = Policies(ready=(), broken=(PluginError("gone", hint="bring it back"),))
    verdict = judge(broken, action, context)
    assert (verdict.level is Level.BLOCK) is action.is_destructive
    assert (verdict.force().level is Level.BLOCK) is action.is_destructive
    if action.is_destructive:
        assert [finding.code for finding in verdict.findings] == ["POLICY_UNAVAILABLE"]
        assert verdict.findings[0].hint == "bring it back"


def test_required_policy_that_is_missing_blocks() -> None:
    """A policy that must be there and is not is as bad as a broken one; one that is there is not."""
    missing = load_policies(required=["curfew"])
    verdict = judge(missing, TERMINATE, CONTEXT)
    assert [finding.code for finding in verdict.blocks] == ["POLICY_UNAVAILABLE"]
    assert "'curfew'" in verdict.blocks[0].reason
    present = load_policies(required=["training-running"])
    assert not judge(present, TERMINATE, CONTEXT).blocks


@given(st.lists(strategies.findings, max_size=6))
def test_force_lifts_only_what_may_be_lifted(found: list[Finding]) -> None:
    """Force turns exactly the blocks that allow it into warnings and leaves the rest as it is."""
    verdict = Verdict(findings=tuple(found))
    forced = verdict.force()
    assert len(forced.findings) == len(found)
    for old, new in zip(found, forced.findings, strict=True):
        is_lifted = old.level is Level.BLOCK and old.override is Override.FORCE
        assert new == (attrs.evolve(old, level=Level.WARN) if is_lifted else old)
    hard = [f for f in found if f.level is Level.BLOCK and f.override is Override.NONE]
    assert list(forced.blocks) == hard
    assert len(verdict.lifted) + len(hard) == len(verdict.blocks)


def test_each_policy_sees_its_own_settings() -> None:
    """A policy gets its section of the configuration and nobody else's."""
    seen = {}

    def look(name: str) -> Policy:
        return policy(lambda _, context: seen.update({name: dict(context.settings)}), name)

    policies = Policies(ready=(look("a"), look("b")))
    judge(policies, TERMINATE, CONTEXT, settings_of=lambda name: {"name": name})
    assert seen == {"a": {"name": "a"}, "b": {"name": "b"}}


@pytest.mark.parametrize(
    ("truth", "code"),
    [(Truth.YES, "TRAINING_RUNNING"), (Truth.UNKNOWN, "TRAINING_UNKNOWN"), (Truth.NO, None)],
)
@pytest.mark.parametrize("kind", [ActionKind.STOP, ActionKind.TERMINATE])
def test_training_blocks(truth: Truth, code: str | None, kind: ActionKind) -> None:
    """What trains, or may train, is not ended; each code is explained."""
    facts = {str(MACHINE.ref): {"training": Fact(truth=truth, source="t", observed_at=NOW)}}
    action = attrs.evolve(TERMINATE, kind=kind)
    verdict = judge(load_policies(), action, PolicyContext(now=NOW, facts=facts))
    assert [finding.code for finding in verdict.blocks] == ([code] if code else [])


def test_missing_fact_is_unknown() -> None:
    """A question that nobody asked is not answered with no."""
    verdict = judge(load_policies(), TERMINATE, PolicyContext(now=NOW))
    assert [finding.code for finding in verdict.blocks] == ["TRAINING_UNKNOWN"]


def test_process_may_be_stopped_while_it_trains() -> None:
    """Stopping a training lets it save, so only ending it is refused."""
    process = attrs.evolve(MACHINE, kind=ResourceKind.PROCESS)
    for kind, is_blocked in ((ActionKind.STOP, False), (ActionKind.TERMINATE, True)):
        action = attrs.evolve(TERMINATE, kind=kind, targets=(process,))
        verdict = judge(load_policies(), action, PolicyContext(now=NOW))
        assert bool(verdict.blocks) is is_blocked
