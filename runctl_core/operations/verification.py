"""Look whether an action came true: what a provider answers is a promise, not a fact."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from runctl_core.api.errors import NotFoundError, PartialError
from runctl_core.api.model import Resource, ResourceKind, ResourceState
from runctl_core.facade import ProviderHandle

PATIENCE_S = 300.0
_LONGEST_PAUSE_S = 10.0
_OVER = frozenset({ResourceState.STOPPED, ResourceState.FAILED})


def await_end(
    provider: ProviderHandle,
    target: Resource,
    *,
    sleep: Callable[[float], None],
    patience_s: float = PATIENCE_S,
) -> Resource:
    """Look at a terminated resource until it is gone, and return how it was seen last.

    Raises:
        PartialError: it is still there; it may go on costing money.
    """
    waited_s, pause_s = 0.0, 0.25
    while True:
        seen = look_after_end(provider, target)
        if has_ended(seen):
            return seen
        if waited_s >= patience_s:
            raise PartialError(
                f"{seen.name} ({seen.ref}) was told to end and is still {seen.state} after {waited_s:.0f} s",
                hint=f"it may still cost money: 'runctl {seen.ref.provider} status {seen.ref.id}' looks again",
            )
        sleep(pause_s)
        waited_s += pause_s
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def look_after_end(provider: ProviderHandle, target: Resource) -> Resource:
    """A resource as it stands; clouds that forget what has ended have ended it."""
    try:
        return provider.status(target.ref)
    except NotFoundError:
        return attrs.evolve(target, state=ResourceState.TERMINATED)


def has_ended(resource: Resource) -> bool:
    """Whether nothing of a resource runs or costs; a local run that is over stays to be looked at."""
    is_over_here = resource.kind is ResourceKind.PROCESS and resource.state in _OVER
    return resource.state.is_gone or is_over_here
