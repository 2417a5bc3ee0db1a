"""What providers and runs look like: plain immutable values.

``None`` always means *unknown*, never *no* and never zero.  Money is ``Decimal`` in US dollars, time is aware UTC,
and every number carries its unit in its name.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Self

import attrs


@attrs.frozen(kw_only=True)
class Ref:
    """Names one thing at one provider; as text ``aws:us-east-1:i-0ab`` or, without a region, ``local:run-id``."""

    provider: str
    id: str
    region: str | None = None

    def __str__(self) -> str:
        return ":".join(filter(None, (self.provider, self.region, self.id)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form back.

        Raises:
            ValueError: the text does not have two or three parts between colons.
        """
        match text.split(":"):
            case [provider, id] if provider and id:
                return cls(provider=provider, id=id)
            case [provider, region, id] if provider and region and id:
                return cls(provider=provider, id=id, region=region)
        raise ValueError(f"{text!r} is not PROVIDER:ID or PROVIDER:REGION:ID")


@attrs.frozen(kw_only=True)
class Shape:
    """A machine type as the provider names it."""

    name: str
    gpu_model: str | None = None
    gpu_count: int | None = None
    gpu_memory_gib: float | None = None
    cpu_count: int | None = None
    memory_gib: float | None = None


class PriceKind(enum.StrEnum):
    """How a machine is paid for."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    RESERVED = "reserved"
    FREE = "free"


@attrs.frozen(kw_only=True)
class Price:
    """What an hour costs, who said so and when."""

    usd_per_hour: Decimal
    kind: PriceKind
    observed_at: datetime
    source: str


class ResourceKind(enum.StrEnum):
    """What a provider rents out."""

    INSTANCE = "instance"
    POD = "pod"
    JOB = "job"
    PROCESS = "process"


class ResourceState(enum.StrEnum):
    """Where a resource is in its life; a state the provider invented yesterday is ``UNKNOWN``."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    TERMINATING = "terminating"
    TERMINATED = "terminated"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def is_gone(self) -> bool:
        """Whether nothing of the resource is left to act on."""
        return self is ResourceState.TERMINATED


@attrs.frozen(kw_only=True)
class Resource:
    """One rented or owned thing that can run a training.

    ``native`` holds the provider's own fields for display; it must not hold secrets.
    """

    ref: Ref
    kind: ResourceKind
    name: str
    state: ResourceState
    shape: Shape | None = None
    price: Price | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    tags: Mapping[str, str] | None = None
    volumes: tuple[Ref, ...] | None = None
    protected: bool | None = None
    persistent: bool | None = None
    address: str | None = None
    run_id: str | None = None
    native: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Volume:
    """A disk that outlives machines."""

    ref: Ref
    name: str
    size_gib: int
    state: str
    attached_to: tuple[Ref, ...] | None = None
    mount_path: str | None = None
    usd_per_month: Decimal | None = None
    created_at: datetime | None = None
    persistent: bool | None = None
    protected: bool | None = None
    tags: Mapping[str, str] | None = None


@attrs.frozen(kw_only=True)
class Problem:
    """Something that could not be looked at, kept as a value so that a listing can carry it."""

    source: str
    message: str
    hint: str = ""


@attrs.frozen(kw_only=True)
class ListQuery:
    """Which resources to list; an empty ``states`` means all that are not gone."""

    states: frozenset[ResourceState] = frozenset()
    tags: Mapping[str, str] = attrs.field(factory=dict)
    include_terminated: bool = False


@attrs.frozen(kw_only=True)
class Listing:
    """What a provider has.

    ``complete`` is false as soon as one page, region or account is missing: a short list is then no proof of absence.
    """

    resources: tuple[Resource, ...] = ()
    complete: bool = True
    problems: tuple[Problem, ...] = ()


class RunState(enum.StrEnum):
    """Where a run is in its life.

    ``LOST`` is a run whose supervisor vanished without leaving an exit record; it is never taken for a success.
    """

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    LOST = "lost"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether the state can no longer change."""
        return self in _FINAL_STATES

    @property
    def is_active(self) -> bool:
        """Whether the training is known to be under way or about to be."""
        return self in _ACTIVE_STATES


_FINAL_STATES = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.STOPPED})
_ACTIVE_STATES = frozenset(
    {RunState.QUEUED, RunState.PREPARING, RunState.RUNNING, RunState.STOPPING}
)


@attrs.frozen(kw_only=True)
class Run:
    """One training: what was started, where, and how it stands.

    ``exit_code`` is the script's own; ``signal`` is set instead when a signal ended it.  ``home`` and ``run_dir`` are
    paths on the machine that trains.  ``detail`` explains a state in one line, such as why a run counts as lost;
    ``orphan_pid`` is set where a lost run's training goes on without its supervisor.
    """

    id: str
    name: str
    resource: Ref
    script: str
    args: tuple[str, ...]
    state: RunState
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    detail: str = ""
    orphan_pid: int | None = None
    project_dir: str = ""
    run_dir: str = ""
    log_path: str = ""
    checkpoint_dir: str = ""
    resumed_from: str | None = None
    attempt: int = 1


@attrs.frozen(kw_only=True)
class Checkpoint:
    """A saved training state.  ``committed`` is whether it was proven complete."""

    uri: str
    step: int | None = None
    size_bytes: int | None = None
    written_at: datetime | None = None
    sha256: str | None = None
    committed: bool | None = None
