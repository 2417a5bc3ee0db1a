"""ACME's machines as runctl sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from runctl_acme.client import Client
from runctl_acme.cloud import Cloud, Record
from runctl_acme.settings import AcmeSettings
from runctl_core.api import (
    CreateRequest,
    Listing,
    ListQuery,
    NotFoundError,
    Price,
    PriceKind,
    Problem,
    Ref,
    Resource,
    ResourceKind,
    ResourceState,
    RunctlError,
    Shape,
)
from runctl_core.machines.provider import MachineProvider

if TYPE_CHECKING:
    from runctl_core.api import Machine, VolumeStore

STATES = {"up": ResourceState.RUNNING, "off": ResourceState.STOPPED}


class AcmeProvider(MachineProvider):
    """One account at ACME."""

    @property
    def client(self) -> Client:
        """The way to ACME."""
        assert isinstance(self.settings, AcmeSettings)
        return Client(Cloud(self.settings.folder.expanduser(), self.settings.token))

    def create(self, request: CreateRequest) -> Resource:
        """Rent one machine."""
        record = self.client.ask(
            "create",
            kind="machines",
            key=request.idempotency_key,
            name=request.name,
            shape=request.shape_name or "small",
            tags=dict(request.tags),
            state="up",
        )
        return describe(record)

    def terminate(self, ref: Ref) -> None:
        """Free the machine's disks, pull its plug and give it back."""
        try:
            machine = self.connect(ref)
        except NotFoundError:
            return
        for volume in self.volumes().list():
            if ref in (volume.attached_to or ()):
                self.volumes().detach(volume.ref)
        pull_plug(machine)
        self.client.ask("delete", kind="machines", id=ref.id)

    def stop(self, ref: Ref) -> None:
        """Pull the plug and keep the machine."""
        pull_plug(self.connect(ref))
        self.client.ask("update", kind="machines", id=ref.id, state="off")

    def start(self, ref: Ref) -> Resource:
        """Switch the machine on again."""
        return describe(self.client.ask("update", kind="machines", id=ref.id, state="up"))

    def list_resources(self, query: ListQuery) -> Listing:
        """All machines; those that were given back are not remembered."""
        found: list[Resource] = []
        problems: tuple[Problem, ...] = ()
        try:
            for page in self.client.pages("machines"):
                found.extend(map(describe, page))
        except RunctlError as error:
            if not found:
                raise
            problems = (Problem(source="acme", message=error.message, hint=error.hint),)
        wanted = query.states
        return Listing(
            resources=tuple(one for one in found if not wanted or one.state in wanted),
            complete=not problems,
            problems=problems,
        )

    def find(self, idempotency_key: str) -> Resource | None:
        """The machine that was rented with this key."""
        records = (record for page in self.client.pages("machines") for record in page)
        return next((describe(one) for one in records if one["key"] == idempotency_key), None)

    def price(self, shape_name: str, region: str | None, spot: bool) -> Price:
        """ACME has one region and no spot market."""
        return price_of(self.client.ask("price", shape=shape_name))

    def volumes(self) -> VolumeStore:
        """The disks of the account."""
        from runctl_acme.volumes import AcmeVolumes

        return AcmeVolumes(self.client)

    def connect(self, ref: Ref) -> Machine:
        """A machine at ACME is a folder here; elsewhere this would be an ``OpenSshMachine``."""
        from runctl_core.machines.local import LocalMachine

        folder = self.client.cloud.folder / "machines" / ref.id
        if not folder.is_dir():
            raise NotFoundError(f"acme has no machine {ref.id!r}")
        return LocalMachine(name=ref.id, home=str(folder / ".runctl"), cwd=str(folder))


def describe(record: Record) -> Resource:
    """A machine as runctl sees it; a state that is new to us is unknown."""
    return Resource(
        ref=Ref(provider="acme", id=record["id"]),
        kind=ResourceKind.INSTANCE,
        name=record["name"],
        state=STATES.get(record["state"], ResourceState.UNKNOWN),
        shape=Shape(name=record["shape"]),
        price=price_of(record["usd_per_hour"]),
        created_at=datetime.fromisoformat(record["created"]),
        tags=record["tags"],
    )


def price_of(usd_per_hour: str) -> Price:
    """What ACME says now."""
    return Price(
        usd_per_hour=Decimal(usd_per_hour),
        kind=PriceKind.ON_DEMAND,
        observed_at=datetime.now(UTC),
        source="ACME price list",
    )


def pull_plug(machine: Machine) -> None:
    """End everything that runs on a machine."""
    from runctl_core.runs.control import active_runs, read_run, stop_run, wait_run

    for run_id in active_runs(machine):
        run_dir = f"{machine.home}/runs/{run_id}"
        stop_run(machine, run_dir, grace_s=0)
        wait_run(lambda run_dir=run_dir: read_run(machine, run_dir))  # type: ignore[misc]
