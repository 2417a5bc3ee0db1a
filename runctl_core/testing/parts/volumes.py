"""Disks outlive machines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runctl_core.api.errors import BlockedError
from runctl_core.api.model import Resource, Volume
from runctl_core.api.volumes import CreateVolumeRequest, VolumeStore
from runctl_core.facade import ProviderHandle
from runctl_core.testing.parts.base import Base, wait_until
from runctl_core.testing.parts.gate import needs
from runctl_core.testing.parts.lifecycle import is_over


class Volumes(Base):
    """Creating, attaching and deleting disks."""

    @pytest.fixture
    def cheap_volume(self) -> CreateVolumeRequest:
        """The smallest disk that can be had."""
        return CreateVolumeRequest(name="contract", idempotency_key="contract", size_gib=1)

    @pytest.fixture
    def store(self, provider: ProviderHandle) -> VolumeStore:
        """The disks of the account."""
        return provider.volumes()

    @pytest.fixture
    def disk(self, store: VolumeStore, cheap_volume: CreateVolumeRequest) -> Iterator[Volume]:
        """One disk."""
        made = store.create(cheap_volume)
        yield made
        if find(store, made):
            store.detach(made.ref)
            store.delete(made.ref)

    @needs("volumes")
    def test_volume_from_birth_to_end(
        self, store: VolumeStore, disk: Volume, cheap_volume: CreateVolumeRequest
    ) -> None:
        """A disk is listed once, asking again with its key makes no second, and deleting twice is quiet."""
        assert find(store, disk)
        assert store.create(cheap_volume).ref == disk.ref
        assert [found.ref for found in store.list()].count(disk.ref) == 1
        store.delete(disk.ref)
        store.delete(disk.ref)
        assert find(store, disk) is None

    @needs("volumes", "create")
    def test_attached_volume_is_not_deleted(
        self, store: VolumeStore, disk: Volume, rented: Resource
    ) -> None:
        """A disk in use is refused and stays; detached, also twice, it can go."""
        attached = store.attach(disk.ref, rented.ref)
        assert attached.attached_to == (rented.ref,)
        with pytest.raises(BlockedError):
            store.delete(disk.ref)
        assert find(store, disk)
        for _ in range(2):
            assert store.detach(disk.ref).attached_to == ()
        store.delete(disk.ref)
        assert find(store, disk) is None

    @needs("volumes", "create", "status")
    def test_volume_outlives_its_machine(
        self, provider: ProviderHandle, store: VolumeStore, disk: Volume, rented: Resource
    ) -> None:
        """Ending a machine keeps the disk that was attached to it."""
        store.attach(disk.ref, rented.ref)
        provider.terminate(rented.ref)
        wait_until(lambda: is_over(provider, rented.ref), f"{rented.ref} is over")
        kept = find(store, disk)
        assert kept
        assert kept.attached_to == ()


def find(store: VolumeStore, volume: Volume) -> Volume | None:
    """The disk as the account has it now."""
    return next((found for found in store.list() if found.ref == volume.ref), None)
