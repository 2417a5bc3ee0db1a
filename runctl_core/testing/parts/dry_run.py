"""Looking and planning change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runctl_core.api.model import ListQuery, Resource
from runctl_core.api.policy import ActionKind
from runctl_core.api.provider import utc_now
from runctl_core.api.requests import CreateRequest
from runctl_core.facade import ProviderHandle
from runctl_core.operations.mutation import Guard
from runctl_core.policies.engine import load_policies
from runctl_core.testing.parts.base import Base
from runctl_core.testing.parts.gate import needs
from runctl_core.testing.world import World


class DryRun(Base):
    """Requests that change something are counted."""

    @needs("world", "create", "status")
    def test_looking_changes_nothing(
        self,
        provider: ProviderHandle,
        world: World,
        rented: Resource,
        cheap_request: CreateRequest,
    ) -> None:
        """No reading operation asks the cloud to change anything."""
        looks: Mapping[str, Callable[[], Any]] = {
            "list_resources": lambda: provider.list_resources(ListQuery()),
            "status": lambda: provider.status(rented.ref),
            "find": lambda: provider.find(cheap_request.idempotency_key),
            "volumes": lambda: provider.volumes().list(),
            "price": lambda: provider.price(
                cheap_request.shape_name or "", cheap_request.region, spot=False
            ),
        }
        before = world.mutation_count
        for operation, look in looks.items():
            declared = getattr(provider.info.capabilities, operation)
            if declared and (operation != "price" or cheap_request.shape_name):
                look()
        assert world.mutation_count == before

    @needs("world", "create", "status", "terminate")
    def test_planning_changes_nothing(
        self, provider: ProviderHandle, world: World, rented: Resource
    ) -> None:
        """A plan reads the target, gathers facts and asks policies without one changing request."""
        before = world.mutation_count
        guard = Guard(policies=load_policies(), now=utc_now)
        plan = guard.plan(provider, ActionKind.TERMINATE, [rented.ref], is_dry_run=True)
        assert [target.ref for target in plan.action.targets] == [rented.ref]
        assert world.mutation_count == before

    @needs("world", "create")
    def test_changes_are_counted(
        self, provider: ProviderHandle, world: World, rented: Resource
    ) -> None:
        """The count that the other tests rely on does count."""
        before = world.mutation_count
        provider.terminate(rented.ref)
        assert world.mutation_count > before
