"""No machine ends during the curfew."""

from __future__ import annotations

from runctl_core.api import (
    Action,
    Finding,
    Level,
    Override,
    PolicyContext,
    PolicyInfo,
    hookimpl,
)


@hookimpl
def runctl_policy() -> PolicyInfo:
    """Describe the policy."""
    return PolicyInfo(
        name="curfew",
        summary="No machine ends during the curfew.",
        codes={
            "CURFEW": "Nobody is awake to notice a mistake: between the hours 'from' and 'to' "
            "(UTC, default 22 and 6) of [policy.curfew] nothing is stopped or ended. "
            "Wait until it is over, or use --force.",
            "CURFEW_SETTINGS": "[policy.curfew] is wrong: 'from' and 'to' are whole hours, 0 to 24.",
        },
    )


@hookimpl
def runctl_check(action: Action, context: PolicyContext) -> Finding | None:
    """Refuse what ends or interrupts a training at night."""
    if not action.is_destructive:
        return None
    start, end = context.settings.get("from", 22), context.settings.get("to", 6)
    if not (is_hour(start) and is_hour(end)):
        return Finding(
            code="CURFEW_SETTINGS",
            level=Level.BLOCK,
            override=Override.NONE,
            reason=f"'from' and 'to' of [policy.curfew] are {start!r} and {end!r}, not whole hours",
            hint="runctl config set policy.curfew.from 22",
        )
    if not is_between(context.now.hour, start, end):
        return None
    return Finding(
        code="CURFEW",
        level=Level.BLOCK,
        reason=f"it is {context.now:%H:%M} UTC, and there is a curfew from {start} to {end} o'clock",
        evidence={"now": context.now.isoformat()},
        hint="wait until it is over",
    )


def is_hour(value: object) -> bool:
    """Whether a setting is a whole hour."""
    return type(value) is int and 0 <= value <= 24


def is_between(hour: int, start: int, end: int) -> bool:
    """Whether an hour is in a range that may go over midnight."""
    return start <= hour < end if start <= end else hour >= start or hour < end
