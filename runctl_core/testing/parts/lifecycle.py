"""From nothing to a resource and back, touching nothing else."""

from __future__ import annotations

import attrs
import pytest

from runctl_core.api.errors import NotFoundError, RunctlError
from runctl_core.api.model import ListQuery, Ref, Resource, ResourceState
from runctl_core.api.requests import CreateRequest
from runctl_core.facade import ProviderHandle
from runctl_core.testing.parts.base import Base, Rent, numbered, wait_until
from runctl_core.testing.parts.gate import needs
from runctl_core.testing.world import Fault, World

_ENDED = frozenset(
    {
        ResourceState.STOPPED,
        ResourceState.FAILED,
        ResourceState.TERMINATING,
        ResourceState.TERMINATED,
    }
)


class Lifecycle(Base):
    """Creating, looking, stopping, starting and ending."""

    @needs("status", "list_resources", "terminate")
    def test_from_birth_to_end(self, provider: ProviderHandle, rent: Rent) -> None:
        """What was made is listed, can be looked at, and is over once it was ended."""
        made = rent()
        assert made.ref.provider == self.name
        assert made.ref in refs_of(provider)
        assert provider.status(made.ref).ref == made.ref
        provider.terminate(made.ref)
        wait_until(lambda: is_over(provider, made.ref), f"{made.ref} is over")

    @needs("status", "terminate")
    def test_end_touches_only_its_target(self, provider: ProviderHandle, rent: Rent) -> None:
        """Of three, ending one leaves the other two as they are."""
        first, doomed, last = (rent() for _ in range(3))
        provider.terminate(doomed.ref)
        wait_until(lambda: is_over(provider, doomed.ref), f"{doomed.ref} is over")
        for kept in (first, last):
            assert not is_over(provider, kept.ref)

    @needs("status", "terminate")
    def test_ending_twice_is_quiet(self, provider: ProviderHandle, rented: Resource) -> None:
        """Ending again what was ended is no error."""
        provider.terminate(rented.ref)
        provider.terminate(rented.ref)
        wait_until(lambda: is_over(provider, rented.ref), f"{rented.ref} is over")
        provider.terminate(rented.ref)

    @needs("terminate")
    def test_ending_the_unknown_is_quiet(self, provider: ProviderHandle) -> None:
        """Ending what never was is no error: what was wanted is so."""
        provider.terminate(Ref(provider=self.name, id="never-was"))

    @needs("status")
    def test_looking_at_the_unknown(self, provider: ProviderHandle) -> None:
        """A resource that never was is not found, rather than in some state."""
        with pytest.raises(NotFoundError):
            provider.status(Ref(provider=self.name, id="never-was"))

    @needs("create")
    def test_same_key_is_one_resource(
        self, provider: ProviderHandle, rent: Rent, cheap_request: CreateRequest
    ) -> None:
        """Asking twice with one key rents once."""
        made = rent()
        again = provider.create(numbered(cheap_request, 0))
        assert again.ref == made.ref
        assert [ref for ref in refs_of(provider) if ref == made.ref] == [made.ref]

    @needs("create")
    def test_tags_are_set_by_the_creating_call(
        self, provider: ProviderHandle, cheap_request: CreateRequest
    ) -> None:
        """Name and tags are there from the first moment, or known not to be supported."""
        tagged = attrs.evolve(numbered(cheap_request, 7), tags={"runctl:op": "contract"})
        made = provider.create(tagged)
        try:
            assert made.name == tagged.name
            assert made.tags is None or made.tags.get("runctl:op") == "contract"
        finally:
            provider.terminate(made.ref)

    @needs("find")
    def test_find_knows_only_what_is_there(self, provider: ProviderHandle) -> None:
        """A key that was never used finds nothing."""
        assert provider.find("never-used") is None

    @needs("create", "find", "world")
    def test_lost_answer_is_recovered(
        self, provider: ProviderHandle, cheap_request: CreateRequest, world: World
    ) -> None:
        """When the cloud made a machine and its answer got lost, the key finds it and makes no second."""
        request = numbered(cheap_request, 8)
        world.lose_answer()
        with pytest.raises(RunctlError):
            provider.create(request)
        found = provider.find(request.idempotency_key)
        assert found is not None
        try:
            assert provider.create(request).ref == found.ref
        finally:
            provider.terminate(found.ref)

    @needs("create", "list_resources", "faults", "world")
    def test_failing_create_leaves_nothing(
        self, provider: ProviderHandle, cheap_request: CreateRequest, world: World, fault: Fault
    ) -> None:
        """A refused create leaves nothing behind, or its error names what it left."""
        before = set(refs_of(provider))
        world.fail(fault)
        with pytest.raises(RunctlError) as caught:
            provider.create(numbered(cheap_request, 9))
        left = set(refs_of(provider)) - before
        assert [ref for ref in left if ref.id not in str(caught.value)] == []

    @needs("create", "stop", "start", "status")
    def test_stop_and_start(self, provider: ProviderHandle, rented: Resource) -> None:
        """A stopped machine is still there and can be started again; asking twice is quiet."""
        for _ in range(2):
            provider.stop(rented.ref)
        wait_until(
            lambda: provider.status(rented.ref).state is ResourceState.STOPPED, "it is stopped"
        )
        assert provider.start(rented.ref).ref == rented.ref
        wait_until(lambda: provider.status(rented.ref).state is ResourceState.RUNNING, "it runs")


def refs_of(provider: ProviderHandle) -> list[Ref]:
    """What the provider lists, which must be complete."""
    listing = provider.list_resources(ListQuery())
    assert listing.complete, listing.problems
    return [resource.ref for resource in listing.resources]


def is_over(provider: ProviderHandle, ref: Ref) -> bool:
    """Whether a resource ended; a rented one must be gone, for a stopped one may cost money."""
    try:
        state = provider.status(ref).state
    except NotFoundError:
        return True
    return state.is_gone if provider.info.capabilities.create else state in _ENDED
