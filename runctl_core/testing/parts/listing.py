"""A list shows everything, or says that it does not."""

from __future__ import annotations

from runctl_core.api.model import ListQuery, Resource, ResourceState
from runctl_core.facade import ProviderHandle
from runctl_core.testing.parts.base import Base, Rent
from runctl_core.testing.parts.gate import needs
from runctl_core.testing.parts.lifecycle import refs_of
from runctl_core.testing.world import World


class ListingPart(Base):
    """Pages, failures and states."""

    @needs("list_resources")
    def test_list_names_each_resource_once(self, provider: ProviderHandle, rent: Rent) -> None:
        """Every resource is listed exactly once, under this provider's name."""
        made = [rent().ref for _ in range(2)]
        listed = refs_of(provider)
        assert len(listed) == len(set(listed))
        assert set(made) <= set(listed)
        assert {ref.provider for ref in listed} == {self.name}

    @needs("list_resources")
    def test_list_can_be_limited_to_states(
        self, provider: ProviderHandle, rented: Resource
    ) -> None:
        """A query for states gets resources in those states only."""
        state = provider.status(rented.ref).state
        others = frozenset(ResourceState) - {state}
        within = provider.list_resources(ListQuery(states=frozenset({state}))).resources
        without = provider.list_resources(ListQuery(states=others)).resources
        assert rented.ref in [resource.ref for resource in within]
        assert rented.ref not in [resource.ref for resource in without]

    @needs("create", "list_resources", "world")
    def test_list_reads_every_page(
        self, provider: ProviderHandle, world: World, rent: Rent
    ) -> None:
        """With one resource on a page, all are listed."""
        made = {rent().ref for _ in range(3)}
        world.shrink_pages()
        assert made <= set(refs_of(provider))

    @needs("create", "list_resources", "world")
    def test_missing_page_is_told(self, provider: ProviderHandle, world: World, rent: Rent) -> None:
        """When a page fails, what is there is listed and the list says that it is incomplete and why."""
        made = {rent().ref for _ in range(3)}
        world.shrink_pages()
        world.break_second_page()
        listing = provider.list_resources(ListQuery())
        assert not listing.complete
        assert listing.problems
        assert all(problem.message for problem in listing.problems)
        assert {resource.ref for resource in listing.resources} <= made

    @needs("create", "list_resources", "world")
    def test_invented_state_is_unknown(
        self, provider: ProviderHandle, world: World, rented: Resource
    ) -> None:
        """A state that the cloud invented yesterday is unknown, and never taken for stopped."""
        world.invent_state(rented.ref)
        listing = provider.list_resources(ListQuery())
        states = [found.state for found in listing.resources if found.ref == rented.ref]
        assert states == [ResourceState.UNKNOWN]
