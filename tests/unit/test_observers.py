"""Plugins that hear what is done."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pluggy
import pytest

from runctl_core import hookspecs
from runctl_core.api import Action, ActionKind, RunctlError, hookimpl
from runctl_core.discovery import PluginRef
from runctl_core.operations.observers import Observers
from runctl_core.registry import Plugin

ACTION = Action(
    id="1", kind=ActionKind.STOP, provider="acme", requested_at=datetime(2026, 1, 1, tzinfo=UTC)
)


def observer(heard: list[tuple[str, str]], error: BaseException | None = None) -> Plugin:
    """A plugin that notes what it hears, and then fails if it is told to."""

    @hookimpl
    def runctl_action_started(action: Action) -> None:
        heard.append(("started", action.id))
        if error:
            raise error

    @hookimpl
    def runctl_action_finished(action: Action, outcome: str) -> None:
        heard.append((outcome, action.id))
        if error:
            raise error

    manager = pluggy.PluginManager("runctl")
    manager.add_hookspecs(hookspecs)
    manager.register(
        SimpleNamespace(
            runctl_action_started=runctl_action_started,
            runctl_action_finished=runctl_action_finished,
        )
    )
    ref = PluginRef("runctl.policies", "audit", "audit", "runctl-audit", "1")
    return Plugin(ref=ref, manager=manager)


def test_beginning_and_end_are_told() -> None:
    """Each observer hears of each action twice."""
    heard: list[tuple[str, str]] = []
    with Observers(plugins=(observer(heard),)).watch(ACTION):
        assert heard == [("started", "1")]
    assert heard == [("started", "1"), ("done", "1")]


def test_failures_are_told_and_go_on() -> None:
    """An observer hears why an action failed, and the failure is not lost."""
    heard: list[tuple[str, str]] = []
    with (
        pytest.raises(RunctlError, match="no luck"),
        Observers(plugins=(observer(heard),)).watch(ACTION),
    ):
        raise RunctlError("no luck")
    assert "no luck" in heard[-1][0]


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(0)])
def test_a_failing_observer_stops_nothing(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its error is logged, the action goes on, and the next observer hears of it."""
    heard: list[tuple[str, str]] = []
    both = Observers(plugins=(observer([], error), observer(heard)))
    with both.watch(ACTION):
        pass
    assert [what for what, _ in heard] == ["started", "done"]
    assert "an observer failed" in capsys.readouterr().err
