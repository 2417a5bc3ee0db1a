"""The one engine behind every copy of files: list both ends, plan, copy, verify, delete."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from runctl_core.api.errors import InputError, NotFoundError, PartialError, RunctlError
from runctl_core.api.requests import TransferReport, Verify
from runctl_core.machines.base import AgentMachine, faults_as_errors
from runctl_core.machines.channel import Call
from runctl_core.machines.far.frames import DATA, PROGRESS
from runctl_core.machines.local import LocalMachine
from runctl_core.machines.remote import as_agent
from runctl_core.transfer.listing import FileState, TreeListing, take_listing
from runctl_core.transfer.plan import TransferPlan, plan_transfer

if TYPE_CHECKING:
    from runctl_core.api.machine import Machine
    from runctl_core.api.provider import Progress
    from runctl_core.api.requests import Location, TransferRequest
    from runctl_core.machines.far.frames import Frame

Count = Callable[[int], None]


@attrs.frozen(kw_only=True)
class End:
    """One end of a copy; ``is_here`` is for this machine."""

    machine: AgentMachine
    path: str
    is_here: bool


def transfer(
    request: TransferRequest, progress: Progress, *, machine: Machine | None = None
) -> TransferReport:
    """Copy a file, or the contents of a folder, to a path here or on ``machine``.

    A file goes into a destination that is a folder or ends in a slash; a folder's contents go into the destination
    folder.  Files take their name only when they are whole.

    Args:
        machine: the one that the request's ``ref`` means.

    Raises:
        NotFoundError: there is no source.
        InputError: one end lies inside the other, or a folder stands where a file must go.
        BlockedError: asked to delete, but the source could not be listed completely.
        PartialError: what arrived is not what was sent.
    """
    digests = request.verify == Verify.SHA256
    source_end, end = _end(request.source, machine), _end(request.destination, machine)
    source = take_listing(source_end.machine, source_end.path, with_sha256=digests)
    if source.kind is None:
        raise NotFoundError(f"{source_end.machine.name}: there is no {source_end.path}")
    end, destination = _look_at_destination(source, end, with_sha256=digests)
    if source_end.is_here == end.is_here:
        _check_apart(source, destination)
    plan = plan_transfer(source, destination, delete=request.delete_extraneous)
    if request.dry_run:
        return _report(plan, source, deleted=plan.deleted, dry_run=True)
    _check_space(plan, destination)
    _copy(plan, source, attrs.evolve(source_end, path=source.real_path), end, progress)
    _verify(plan, end, with_sha256=digests)
    return _report(plan, source, deleted=_delete(plan, end), verified=True)


def _end(location: Location, machine: Machine | None) -> End:
    if location.ref is None:
        return End(machine=LocalMachine(), path=location.path, is_here=True)
    if machine is None:
        raise InputError(f"{location.ref}: no machine to copy from or to")
    return End(machine=as_agent(machine), path=location.path, is_here=False)


def _look_at_destination(
    source: TreeListing, end: End, *, with_sha256: bool
) -> tuple[End, TreeListing]:
    """The destination and what is there; for a file copied into a folder, the file in it."""
    found = take_listing(end.machine, end.path, with_sha256=with_sha256)
    if source.kind == "file" and (found.kind == "directory" or end.path.endswith("/")):
        path = os.path.join(found.real_path, os.path.basename(source.real_path))  # noqa: PTH118, PTH119 - as below
        found = take_listing(end.machine, path, with_sha256=with_sha256)
        if found.kind == "directory":
            raise InputError(f"{path} is a folder", hint="remove it, or name another destination")
    return attrs.evolve(end, path=found.real_path), found


def _check_apart(source: TreeListing, destination: TreeListing) -> None:
    one, other = f"{source.real_path}/", f"{destination.real_path}/"
    if one == other:
        raise InputError(f"{source.real_path}: source and destination are the same")
    if one.startswith(other) or other.startswith(one):
        raise InputError(
            f"{source.real_path} and {destination.real_path}: one is inside the other",
            hint="name folders that lie apart",
        )


def _check_space(plan: TransferPlan, destination: TreeListing) -> None:
    if plan.copied_bytes > destination.free_bytes:
        raise RunctlError(
            f"{destination.real_path}: {plan.copied_bytes} bytes to copy, {destination.free_bytes} free",
            hint="free some space; nothing was copied",
        )


def _copy(
    plan: TransferPlan, source: TreeListing, source_end: End, end: End, progress: Progress
) -> None:
    if not plan.copied:
        return
    records = None
    if source.kind == "directory":
        records = [attrs.asdict(state, filter=_is_known) for state in plan.copied]
    count = _counter(progress, plan.copied_bytes)
    with faults_as_errors("this machine"):
        if source_end.is_here == end.is_here:
            _copy_within(source_end, end, records, count)
        elif source_end.is_here:
            _upload(source_end, end, records, count)
        else:
            _download(source_end, end, records, count)


Records = list[dict[str, object]] | None


def _copy_within(source_end: End, end: End, records: Records, count: Count) -> None:
    arguments = {"source": source_end.path, "destination": end.path, "records": records}

    def on_frame(kind: bytes, data: bytes) -> None:
        if kind == PROGRESS:
            count(int(data))

    source_end.machine.ask(
        Call(module="copy", function="copy", arguments=arguments), on_frame=on_frame
    )


def _upload(source_end: End, end: End, records: Records, count: Count) -> None:
    from runctl_core.machines.far.send import frames_of

    end.machine.ask(
        Call(module="receive", function="receive", arguments={"destination": end.path}),
        payload=_counted(frames_of(source_end.path, records), count),
    )


def _download(source_end: End, end: End, records: Records, count: Count) -> None:
    from runctl_core.machines.far.receive import Receiver

    with Receiver(end.path) as receiver:

        def on_frame(kind: bytes, data: bytes) -> None:
            receiver.feed(kind, data)
            if kind == DATA:
                count(len(data))

        arguments = {"source": source_end.path, "records": records}
        source_end.machine.ask(
            Call(module="send", function="send", arguments=arguments), on_frame=on_frame
        )


def _counted(frames: Iterable[Frame], count: Count) -> Iterator[Frame]:
    for kind, data in frames:
        yield kind, data
        if kind == DATA:
            count(len(data))


def _counter(progress: Progress, total_bytes: int) -> Count:
    done_bytes = 0

    def count(size_bytes: int) -> None:
        nonlocal done_bytes
        done_bytes += size_bytes
        progress("copy", done_bytes, total_bytes)

    return count


def _is_known(attribute: attrs.Attribute[object], value: object) -> bool:
    return value is not None and attribute.name != "sha256"


def _verify(plan: TransferPlan, end: End, *, with_sha256: bool) -> None:
    """Look at what arrived.

    Raises:
        PartialError: something is missing or differs from what the plan saw at the source.
    """
    if not plan.copied:
        return
    only = [state.path for state in plan.copied if state.path]
    found = take_listing(end.machine, end.path, with_sha256=with_sha256, only=only or None)
    wrong = [state.path for state in plan.copied if not _has_arrived(state, found)]
    if wrong:
        raise PartialError(
            f"{end.path}: {len(wrong)} of {len(plan.copied)} paths are not as planned, first {wrong[0]!r}",
            hint="the source may have changed meanwhile; repeat the command",
        )


def _has_arrived(state: FileState, found: TreeListing) -> bool:
    there = found.files.get(state.path)
    if there is None or there.kind != state.kind or there.target != state.target:
        return False
    return there.size_bytes == state.size_bytes and there.sha256 == state.sha256


def _delete(plan: TransferPlan, end: End) -> tuple[str, ...]:
    if not plan.deleted:
        return ()
    arguments = {"destination": end.path, "paths": list(plan.deleted)}
    gone = end.machine.ask(Call(module="receive", function="remove", arguments=arguments))
    return tuple(sorted(gone))


def _report(
    plan: TransferPlan,
    source: TreeListing,
    *,
    deleted: tuple[str, ...],
    verified: bool = False,
    dry_run: bool = False,
) -> TransferReport:
    own_name = os.path.basename(source.real_path)  # noqa: PTH119 - it may be another machine's
    return TransferReport(
        copied=tuple(s.path or own_name for s in plan.copied if s.kind != "directory"),
        skipped_count=plan.skipped_count,
        deleted=deleted,
        left_out=plan.left_out,
        copied_bytes=plan.copied_bytes,
        verified=verified,
        dry_run=dry_run,
    )
