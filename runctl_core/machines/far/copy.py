"""Copy within one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runctl_core.machines.far.frames import DATA, PROGRESS
from runctl_core.machines.far.receive import Receiver
from runctl_core.machines.far.send import frames_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runctl_core.machines.far.frames import Emit, Frame
    from runctl_core.machines.far.send import Record


def copy(
    payload: Iterable[Frame],
    emit: Emit,
    source: str,
    destination: str,
    records: list[Record] | None,
) -> None:
    """Copy the file ``source``, or records below the folder ``source``, telling how many bytes have been copied."""
    del payload
    with Receiver(destination) as receiver:
        for kind, data in frames_of(source, records):
            receiver.feed(kind, data)
            if kind == DATA:
                emit(PROGRESS, b"%d" % len(data))
