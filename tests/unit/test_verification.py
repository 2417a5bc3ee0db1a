"""A terminated resource is gone when it is seen to be gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import attrs
import pytest

from runctl_core.api import NotFoundError, PartialError, Ref, Resource, ResourceKind, ResourceState
from runctl_core.facade import ProviderHandle
from runctl_core.operations.verification import await_end

S = ResourceState
MACHINE = Resource(
    ref=Ref(provider="acme", id="m-1"), kind=ResourceKind.INSTANCE, name="one", state=S.RUNNING
)
RUN = attrs.evolve(MACHINE, kind=ResourceKind.PROCESS)


class Cloud:
    """Shows one state after the other, the last one for ever; ``None`` is a cloud that forgot."""

    def __init__(self, states: Sequence[ResourceState | None]) -> None:
        self.states = list(states)
        self.slept_s = 0.0

    def status(self, ref: Ref) -> Resource:
        """Look once."""
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state is None:
            raise NotFoundError(f"no {ref}")
        return attrs.evolve(MACHINE, ref=ref, state=state, kind=self.kind)

    def sleep(self, pause_s: float) -> None:
        """Pass the time without waiting."""
        self.slept_s += pause_s

    kind = ResourceKind.INSTANCE


def wait(cloud: Cloud, target: Resource = MACHINE) -> Resource:
    """Wait as the command line does, on the cloud's clock."""
    cloud.kind = target.kind
    provider = cast("ProviderHandle", cloud)
    return await_end(provider, target, sleep=cloud.sleep, patience_s=60)


@pytest.mark.parametrize(
    "states",
    [[S.TERMINATED], [S.TERMINATING, S.TERMINATED], [S.RUNNING, S.TERMINATING, None], [None]],
)
def test_it_waits_until_gone(states: list[ResourceState | None]) -> None:
    """Looking goes on through every state on the way; a cloud that forgets it has ended it."""
    assert wait(Cloud(states)).state is S.TERMINATED


@pytest.mark.parametrize("stuck", [S.RUNNING, S.STOPPED, S.TERMINATING, S.FAILED, S.UNKNOWN])
def test_what_stays_is_told(stuck: ResourceState) -> None:
    """A machine that is still there may cost money: exit 5, its name, its state and what to type."""
    cloud = Cloud([stuck])
    with pytest.raises(PartialError) as caught:
        wait(cloud)
    assert caught.value.exit_code == 5
    assert f"still {stuck}" in caught.value.message
    assert "runctl acme status m-1" in caught.value.hint
    assert 60 <= cloud.slept_s <= 80


def test_a_local_run_has_ended_when_it_is_over() -> None:
    """Its log and checkpoints stay, so it is stopped and not gone."""
    assert wait(Cloud([S.RUNNING, S.STOPPED]), RUN).state is S.STOPPED
