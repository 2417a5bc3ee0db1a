"""The disks of an account."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from runctl_core.api.model import Ref, Volume


@attrs.frozen(kw_only=True)
class CreateVolumeRequest:
    """Ask for one disk; the same ``idempotency_key`` twice is one disk."""

    name: str
    idempotency_key: str
    size_gib: int
    region: str | None = None
    persistent: bool = False


class VolumeStore(abc.ABC):
    """Disks that outlive machines."""

    @abc.abstractmethod
    def list(self) -> tuple[Volume, ...]:
        """All disks, from every page."""

    @abc.abstractmethod
    def create(self, request: CreateVolumeRequest) -> Volume:
        """Make one empty disk."""

    @abc.abstractmethod
    def attach(self, volume: Ref, resource: Ref) -> Volume:
        """Attach a disk to a resource."""

    @abc.abstractmethod
    def detach(self, volume: Ref) -> Volume:
        """Detach a disk from whatever holds it; a free one stays as it is."""

    @abc.abstractmethod
    def delete(self, volume: Ref) -> None:
        """Delete a free disk; deleting it twice is no error.

        Raises:
            BlockedError: it is attached.
        """
