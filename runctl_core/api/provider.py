"""The operations of a provider, each of them a hook.

A plugin subclasses ``Provider`` and overrides what its cloud can do.  The core registers one instance in a plugin manager
of that provider's own, which takes the overridden public methods as hook implementations; see ``runctl_core.registry``.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from runctl_core.api.errors import NotSupportedError
from runctl_core.api.markers import hookspec

if TYPE_CHECKING:
    from runctl_core.api.machine import Completed, Machine
    from runctl_core.api.model import Checkpoint, Listing, ListQuery, Price, Ref, Resource, Run
    from runctl_core.api.requests import (
        CreateRequest,
        ExecRequest,
        TrainRequest,
        TransferReport,
        TransferRequest,
    )
    from runctl_core.api.volumes import VolumeStore

Progress = Callable[[str, int, int], None]
"""Called as ``progress(label, done, total)``; units are the label's business, usually bytes."""


def utc_now() -> datetime:
    """The present moment as aware UTC."""
    return datetime.now(UTC)


@attrs.frozen(kw_only=True)
class ProviderContext:
    """What a provider gets from its surroundings instead of taking it itself, so that tests own time and place.

    Attributes:
        home: the folder of runs and locks on this machine.
        state_dir: this provider's own folder for what must survive the process, such as known host keys.
        now, sleep: the clock; ``sleep`` takes seconds.
    """

    home: Path
    state_dir: Path
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep


@attrs.define(kw_only=True, eq=False)
class Provider(abc.ABC):
    """One configured account of one cloud.

    Four operations are the least a provider must have; the others raise ``NotSupportedError`` unless overridden.  Every
    operation may raise the errors of ``runctl_core.api.errors`` and no others.

    Attributes:
        settings: the provider's configuration section, or ``None`` when it declares none.
    """

    settings: object
    context: ProviderContext

    @abc.abstractmethod
    @hookspec(firstresult=True)
    def train(self, request: TrainRequest) -> Run:
        """Start a training and return at once; it must go on without this process.

        Raises:
            BusyError: another run holds the machine.
        """

    @abc.abstractmethod
    @hookspec(firstresult=True)
    def terminate(self, ref: Ref) -> None:
        """End one resource for good and touch nothing else.

        Ending it twice, or a resource that never was, is no error.
        """

    @abc.abstractmethod
    @hookspec(firstresult=True)
    def list_resources(self, query: ListQuery) -> Listing:
        """List what the account has, from every page and region, or say that the list is incomplete."""

    @abc.abstractmethod
    @hookspec(firstresult=True)
    def transfer(self, request: TransferRequest, progress: Progress) -> TransferReport:
        """Copy files between this machine and a resource, or within one of them."""

    @hookspec(firstresult=True)
    def create(self, request: CreateRequest) -> Resource:
        """Rent one machine, tagged and named in the creating call itself.

        The same ``idempotency_key`` twice is one machine.

        Raises:
            CapacityError: there is none to be had now.
        """
        raise NotSupportedError("cannot create")

    @hookspec(firstresult=True)
    def volumes(self) -> VolumeStore:
        """The disks of the account."""
        raise NotSupportedError("has no volumes")

    @hookspec(firstresult=True)
    def stop(self, ref: Ref) -> None:
        """Stop one resource so that it can be started again; its disks stay."""
        raise NotSupportedError("cannot stop")

    @hookspec(firstresult=True)
    def start(self, ref: Ref) -> Resource:
        """Start a stopped resource again."""
        raise NotSupportedError("cannot start")

    @hookspec(firstresult=True)
    def status(self, ref: Ref) -> Resource:
        """Look at one resource now.

        Raises:
            NotFoundError: there is none of that id.
        """
        raise NotSupportedError("cannot look up one resource")

    @hookspec(firstresult=True)
    def logs(self, ref: Ref, follow: bool, tail_lines: int | None) -> Iterator[bytes]:
        """The log of the newest training on a resource, in pieces of any length.

        Args:
            follow: go on until the training ends.
            tail_lines: only the last so many lines; ``None`` for all.
        """
        raise NotSupportedError("has no logs")

    @hookspec(firstresult=True)
    def execute(self, ref: Ref, request: ExecRequest) -> Completed:
        """Run an argument vector on a resource, to its end."""
        raise NotSupportedError("cannot execute commands")

    @hookspec(firstresult=True)
    def price(self, shape_name: str, region: str | None, spot: bool) -> Price:
        """What an hour of a shape costs now.

        Raises:
            NotFoundError: no such shape.
        """
        raise NotSupportedError("has no prices")

    @hookspec(firstresult=True)
    def checkpoints(self, run: Run) -> Sequence[Checkpoint]:
        """The checkpoints of a run that the provider knows of."""
        raise NotSupportedError("does not know checkpoints")

    @hookspec(firstresult=True)
    def find(self, idempotency_key: str) -> Resource | None:
        """The resource that a create with this key made, if there is one: recovery after a lost answer."""
        raise NotSupportedError("cannot look up by idempotency key")

    @hookspec(firstresult=True)
    def connect(self, ref: Ref) -> Machine:
        """A way onto the machine.

        Raises:
            NotFoundError: there is none of that id.
            UnreachableError: it does not answer.
        """
        raise NotSupportedError("cannot be connected to")

    def close(self) -> None:  # noqa: B027 - having nothing to close is fine
        """Let go of connections."""
