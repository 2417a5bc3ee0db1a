"""What every policy promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from runctl_core import registry
from runctl_core.api.policy import Action, PolicyContext
from runctl_core.discovery import POLICIES
from runctl_core.policies.engine import Policies, Policy, judge, load_policy
from runctl_core.policies.verdict import Verdict
from runctl_core.testing.strategies import questions

Question = tuple[Action, PolicyContext]

_SAME_FIXTURES_FOR_ALL = hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
_WAYS_OUT = ("builtins.open", "os.open", "socket.socket", "subprocess.Popen", "time.sleep")


class PolicyContract:
    """Inherit it, set ``name``, and give a question for each code::

        from runctl_core.testing import PolicyContract

        class TestCurfew(PolicyContract):
            name = "curfew"
            triggers = {"CURFEW": (action, context)}

    Attributes:
        name: of the policy's entry point.
        triggers: for each code an action and a context that make the policy give it; settings in the context are
            put on top of the fixture's.
    """

    name: ClassVar[str] = ""
    triggers: ClassVar[Mapping[str, Question]] = {}

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        """The policy's section of the configuration."""
        return {}

    @pytest.fixture
    def policy(self) -> Policy:
        """The policy as the core uses it."""
        return load_policy(registry.pick(POLICIES, self.name))

    @pytest.fixture
    def ask(self, policy: Policy, settings: Mapping[str, Any]) -> Callable[[Question], Verdict]:
        """Put a question to the policy alone."""

        def put(question: Question) -> Verdict:
            action, context = question
            own = {**settings, **context.settings}
            return judge(Policies(ready=(policy,)), action, context, settings_of=lambda _name: own)

        return put

    def test_description_is_for_people(self, policy: Policy) -> None:
        """The policy says in one line what it is for, and explains each of its codes."""
        assert policy.info.name == self.name
        assert len(policy.info.summary.strip().splitlines()) == 1
        assert policy.info.codes
        assert [code for code, text in policy.info.codes.items() if not text.strip()] == []
        assert [code for code in policy.info.codes if code != code.upper()] == []

    @_SAME_FIXTURES_FOR_ALL
    @given(question=questions())
    def test_every_question_is_answered(
        self, ask: Callable[[Question], Verdict], question: Question
    ) -> None:
        """Whatever is asked, the policy answers with codes of its own, and twice the same."""
        verdict = ask(question)
        failures = [found.reason for found in verdict.findings if found.code == "POLICY_ERROR"]
        assert failures == []
        assert ask(question) == verdict

    @_SAME_FIXTURES_FOR_ALL
    @given(question=questions(), data=st.data())
    def test_knowing_less_is_no_milder(
        self, ask: Callable[[Question], Verdict], question: Question, data: st.DataObject
    ) -> None:
        """Hiding a fact never makes the verdict milder: unknown is not no."""
        action, context = question
        known = [(target, asked) for target, facts in context.facts.items() for asked in facts]
        hidden = set(data.draw(st.lists(st.sampled_from(known))) if known else [])
        left = {
            target: {asked: fact for asked, fact in facts.items() if (target, asked) not in hidden}
            for target, facts in context.facts.items()
        }
        knowing_less = ask((action, attrs.evolve(context, facts=left)))
        assert knowing_less.level >= ask(question).level

    def test_policy_is_pure(
        self, ask: Callable[[Question], Verdict], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No file, no network, no process, no waiting: everything the policy knows is in the context."""
        answers = {code: ask(question) for code, question in self.triggers.items()}
        for way_out in _WAYS_OUT:
            monkeypatch.setattr(way_out, _refuse)
        again = {code: ask(question) for code, question in self.triggers.items()}
        monkeypatch.undo()
        assert again == answers

    def test_every_code_has_a_trigger(
        self, policy: Policy, ask: Callable[[Question], Verdict]
    ) -> None:
        """Each code that the policy explains can be had, and says why."""
        assert set(self.triggers) == set(policy.info.codes)
        for code, question in self.triggers.items():
            found = [finding for finding in ask(question).findings if finding.code == code]
            assert found, f"the question for {code} does not give it"
            assert all(finding.reason.strip() for finding in found)


def _refuse(*_: object, **__: object) -> None:
    raise AssertionError("a policy does nothing but think")
