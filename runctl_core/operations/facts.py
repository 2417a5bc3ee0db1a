"""Find out what policies need to know.  A question that cannot be answered is unknown, never no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from runctl_core.api.errors import RunctlError
from runctl_core.api.model import Ref, Resource, ResourceKind, ResourceState
from runctl_core.api.policy import Fact, Truth
from runctl_core.facade import ProviderHandle
from runctl_core.policies.training_running import QUESTION as TRAINING

_TRAINS_NOTHING = frozenset({ResourceState.STOPPED, ResourceState.TERMINATED, ResourceState.FAILED})


def read_targets(provider: ProviderHandle, refs: Sequence[Ref]) -> tuple[Resource, ...]:
    """Look at each resource now.

    Raises:
        NotFoundError: one of them is not there.
    """
    return tuple(provider.status(ref) for ref in refs)


def gather(
    provider: ProviderHandle, targets: Sequence[Resource], now: datetime
) -> Mapping[str, Mapping[str, Fact]]:
    """Answer the policies' questions about each target."""
    return {str(target.ref): {TRAINING: is_training(provider, target, now)} for target in targets}


def is_training(provider: ProviderHandle, target: Resource, now: datetime) -> Fact:
    """Whether a training runs on a resource, as its state and then the machine itself say."""
    if target.state in _TRAINS_NOTHING:
        return Fact(truth=Truth.NO, source="provider", observed_at=now, detail=str(target.state))
    if target.kind is ResourceKind.PROCESS:
        known = target.state is not ResourceState.UNKNOWN
        return Fact(
            truth=Truth.YES if known else Truth.UNKNOWN,
            source="supervisor",
            observed_at=now,
            detail=target.native.get("detail", ""),
        )
    return _ask_machine(provider, target, now)


def _ask_machine(provider: ProviderHandle, target: Resource, now: datetime) -> Fact:
    from runctl_core.runs.control import active_runs

    try:
        runs = active_runs(provider.connect(target.ref))
    except RunctlError as error:
        return Fact(truth=Truth.UNKNOWN, source="machine", observed_at=now, detail=error.message)
    names = ", ".join(runs)
    return Fact(
        truth=Truth.YES if runs else Truth.NO, source="supervisor", observed_at=now, detail=names
    )
