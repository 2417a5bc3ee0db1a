"""ACME's disks."""

from __future__ import annotations

import contextlib
from datetime import datetime

import attrs

from runctl_acme.client import Client
from runctl_acme.cloud import Record
from runctl_core.api import CreateVolumeRequest, NotFoundError, Ref, Volume, VolumeStore


@attrs.frozen
class AcmeVolumes(VolumeStore):
    """The disks of one account."""

    client: Client

    def list(self) -> tuple[Volume, ...]:
        """All disks."""
        return tuple(describe(one) for page in self.client.pages("volumes") for one in page)

    def create(self, request: CreateVolumeRequest) -> Volume:
        """Make one disk."""
        record = self.client.ask(
            "create",
            kind="volumes",
            key=request.idempotency_key,
            name=request.name,
            size_gib=request.size_gib,
            attached_to=None,
        )
        return describe(record)

    def attach(self, volume: Ref, resource: Ref) -> Volume:
        """Attach a disk to a machine."""
        return self._update(volume, attached_to=resource.id)

    def detach(self, volume: Ref) -> Volume:
        """Free a disk."""
        return self._update(volume, attached_to=None)

    def delete(self, volume: Ref) -> None:
        """Delete a free disk."""
        with contextlib.suppress(NotFoundError):
            self.client.ask("delete", kind="volumes", id=volume.id)

    def _update(self, volume: Ref, *, attached_to: str | None) -> Volume:
        return describe(
            self.client.ask("update", kind="volumes", id=volume.id, attached_to=attached_to)
        )


def describe(record: Record) -> Volume:
    """A disk as runctl sees it."""
    holder = record["attached_to"]
    return Volume(
        ref=Ref(provider="acme", id=record["id"]),
        name=record["name"],
        size_gib=record["size_gib"],
        state="attached" if holder else "free",
        attached_to=(Ref(provider="acme", id=holder),) if holder else (),
        created_at=datetime.fromisoformat(record["created"]),
    )
