"""The curfew keeps the policy contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

import attrs
import pytest
from runctl_curfew import is_between, runctl_check

from runctl_core.api import Action, ActionKind, PolicyContext
from runctl_core.testing import PolicyContract

NIGHT = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
STOP = Action(id="a", kind=ActionKind.STOP, provider="acme", requested_at=NIGHT)


class TestCurfew(PolicyContract):
    """With the default hours, and with hours that are none."""

    name = "curfew"
    triggers: ClassVar = {
        "CURFEW": (STOP, PolicyContext(now=NIGHT)),
        "CURFEW_SETTINGS": (STOP, PolicyContext(now=NIGHT, settings={"from": "late"})),
    }


@pytest.mark.parametrize(
    ("hour", "start", "end", "expected"),
    [(23, 22, 6, True), (5, 22, 6, True), (6, 22, 6, False), (12, 9, 17, True), (9, 9, 9, False)],
)
def test_hours(hour: int, start: int, end: int, expected: bool) -> None:
    """The range includes its first hour, excludes its last and may go over midnight."""
    assert is_between(hour, start, end) is expected


def test_creating_is_free_at_night() -> None:
    """Only what ends or interrupts is refused."""
    create = attrs.evolve(STOP, kind=ActionKind.CREATE)
    assert runctl_check(create, PolicyContext(now=NIGHT)) is None
