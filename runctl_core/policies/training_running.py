"""No machine ends while it trains, or while nobody can say whether it does."""

from __future__ import annotations

from collections.abc import Iterator

from runctl_core.api.markers import hookimpl
from runctl_core.api.model import Resource, ResourceKind
from runctl_core.api.policy import (
    Action,
    ActionKind,
    Fact,
    Finding,
    Level,
    PolicyContext,
    PolicyInfo,
    Truth,
)

QUESTION = "training"


@hookimpl
def runctl_policy() -> PolicyInfo:
    """Describe the policy."""
    return PolicyInfo(
        name="training-running",
        summary="No machine ends while it trains.",
        codes={
            "TRAINING_RUNNING": "A training runs there and would be lost from its last checkpoint on. "
            "Wait for it ('runctl runs wait'), stop it so that it saves ('runctl runs stop'), or use --force.",
            "TRAINING_UNKNOWN": "Nobody can say whether a training runs there, and unknown is not no. "
            "Mend the connection and ask again, or use --force.",
        },
    )


@hookimpl
def runctl_check(action: Action, context: PolicyContext) -> list[Finding]:
    """Refuse to end or interrupt what trains."""
    return list(_findings(action, context)) if action.is_destructive else []


def _findings(action: Action, context: PolicyContext) -> Iterator[Finding]:
    for target in action.targets:
        if action.kind is ActionKind.STOP and target.kind is ResourceKind.PROCESS:
            continue  # stopping a training itself lets it save first; that is no loss
        fact = context.fact(target, QUESTION)
        if fact is None or fact.truth is Truth.UNKNOWN:
            yield _block(
                "TRAINING_UNKNOWN", target, fact, f"it is unknown whether {target.name} trains"
            )
        elif fact.truth is Truth.YES:
            yield _block("TRAINING_RUNNING", target, fact, f"a training runs on {target.name}")


def _block(code: str, target: Resource, fact: Fact | None, reason: str) -> Finding:
    detail = f": {fact.detail}" if fact and fact.detail else ""
    evidence = {"source": fact.source, "observed_at": fact.observed_at.isoformat()} if fact else {}
    return Finding(
        code=code,
        level=Level.BLOCK,
        target=str(target.ref),
        evidence=evidence,
        reason=reason + detail,
        hint="'runctl runs stop' lets it save first; --force ends it now",
    )
