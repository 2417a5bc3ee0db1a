"""A provider as the core sees it: typed calls, checked answers, and no error but our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeVar

import attrs

from runctl_core import api
from runctl_core.api.errors import NotSupportedError, RunctlError
from runctl_core.api.model import Checkpoint, Listing, Price, Ref, Resource, Run
from runctl_core.log import get_logger
from runctl_core.registry import summarise

if TYPE_CHECKING:
    import pluggy

    from runctl_core.api.info import ProviderInfo
    from runctl_core.api.machine import Completed, Machine
    from runctl_core.api.model import ListQuery
    from runctl_core.api.provider import Progress
    from runctl_core.api.requests import (
        CreateRequest,
        ExecRequest,
        TrainRequest,
        TransferReport,
        TransferRequest,
    )
    from runctl_core.api.volumes import VolumeStore
    from runctl_core.registry import Plugin

T = TypeVar("T")

_log = get_logger(__name__)

VERBS = {
    "list_resources": "list",
    "execute": "exec",
    "price": "prices",
    "connect": "processes",
}
"""What the command line calls an operation, where the names differ."""


@attrs.frozen(kw_only=True)
class ProviderHandle:
    """One provider, ready to be asked.

    Every method raises ``NotSupportedError`` for an operation that the provider does not declare, and turns any error
    that is not one of ours into a ``RunctlError`` that names the plugin.
    """

    plugin: Plugin
    info: ProviderInfo
    manager: pluggy.PluginManager

    @property
    def name(self) -> str:
        """The provider's name on the command line."""
        return self.info.name

    def create(self, request: CreateRequest) -> Resource:
        """See ``Provider.create``."""
        return self._call("create", Resource, request=request)

    def train(self, request: TrainRequest) -> Run:
        """See ``Provider.train``."""
        return self._call("train", Run, request=request)

    def terminate(self, ref: Ref) -> None:
        """See ``Provider.terminate``."""
        self._call("terminate", type(None), ref=ref)

    def list_resources(self, query: ListQuery) -> Listing:
        """See ``Provider.list_resources``."""
        return self._call("list_resources", Listing, query=query)

    def volumes(self) -> VolumeStore:
        """See ``Provider.volumes``."""
        return self._call("volumes", api.VolumeStore)

    def transfer(self, request: TransferRequest, progress: Progress) -> TransferReport:
        """See ``Provider.transfer``."""
        return self._call("transfer", api.TransferReport, request=request, progress=progress)

    def stop(self, ref: Ref) -> None:
        """See ``Provider.stop``."""
        self._call("stop", type(None), ref=ref)

    def start(self, ref: Ref) -> Resource:
        """See ``Provider.start``."""
        return self._call("start", Resource, ref=ref)

    def status(self, ref: Ref) -> Resource:
        """See ``Provider.status``."""
        return self._call("status", Resource, ref=ref)

    def logs(self, ref: Ref, *, follow: bool, tail_lines: int | None) -> Iterator[bytes]:
        """See ``Provider.logs``."""
        chunks = self._call("logs", Iterator, ref=ref, follow=follow, tail_lines=tail_lines)
        try:
            yield from chunks
        except (Exception, SystemExit) as error:  # noqa: BLE001 - everything a plugin raises is mapped
            self._reraise("logs", error)

    def execute(self, ref: Ref, request: ExecRequest) -> Completed:
        """See ``Provider.execute``."""
        return self._call("execute", api.Completed, ref=ref, request=request)

    def price(self, shape_name: str, region: str | None, *, spot: bool) -> Price:
        """See ``Provider.price``."""
        return self._call("price", Price, shape_name=shape_name, region=region, spot=spot)

    def checkpoints(self, run: Run) -> Sequence[Checkpoint]:
        """See ``Provider.checkpoints``."""
        return self._call("checkpoints", Sequence, run=run)

    def find(self, idempotency_key: str) -> Resource | None:
        """See ``Provider.find``."""
        found = self._ask("find", idempotency_key=idempotency_key)
        if found is not None and not isinstance(found, Resource):
            self._reraise("find", TypeError(f"it answered with {type(found).__name__}"))
        return found

    def connect(self, ref: Ref) -> Machine:
        """See ``Provider.connect``."""
        return self._call("connect", api.Machine, ref=ref)

    def close(self) -> None:
        """See ``Provider.close``."""
        for provider in self.manager.get_plugins():
            try:
                provider.close()
            except (Exception, SystemExit) as error:  # noqa: BLE001 - everything a plugin raises is mapped
                self._reraise("close", error)

    def _call(self, operation: str, kind: type[T], **arguments: object) -> T:
        answer = self._ask(operation, **arguments)
        if not isinstance(answer, kind):
            self._reraise(operation, TypeError(f"it answered with {type(answer).__name__}"))
        return answer

    def _ask(self, operation: str, **arguments: object) -> object:
        if not getattr(self.info.capabilities, operation):
            raise unsupported(self.info, VERBS.get(operation, operation))
        _log.debug("asking", provider=self.name, operation=operation)
        answer: object = None
        try:
            answer = getattr(self.manager.hook, operation)(**arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - everything a plugin raises is mapped
            self._reraise(operation, error)
        return answer

    def _reraise(self, operation: str, error: BaseException) -> NoReturn:
        if isinstance(error, RunctlError):
            raise error
        raise RunctlError(
            f"{self.name} failed in {operation}: {summarise(error)}",
            hint=f"this is a defect of {self.plugin.ref.origin}; RUNCTL_DEBUG=1 shows the traceback",
        ) from error


def unsupported(info: ProviderInfo, verb: str) -> NotSupportedError:
    """The error for a verb that a provider lacks: what it cannot, and what it can."""
    able = ", ".join(VERBS.get(name, name) for name in info.capabilities.operations)
    return NotSupportedError(
        f"{info.name} cannot {verb}",
        hint=f"it can {able}" if able else "this version of its plugin has no operations yet",
    )
