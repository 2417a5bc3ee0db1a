"""What stands at one end of a transfer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from runctl_core.machines.base import AgentMachine


@attrs.frozen(kw_only=True)
class FileState:
    """One path: ``kind`` is ``file``, ``directory`` or ``symlink``; ``sha256`` is ``None`` where it was not asked for."""

    path: str
    kind: str
    executable: bool = False
    size_bytes: int = 0
    mtime_ns: int = 0
    sha256: str | None = None
    target: str | None = None


@attrs.frozen(kw_only=True)
class TreeListing:
    """A file or folder and all below it.

    Attributes:
        kind: of the path itself; ``None`` if there is nothing.
        real_path: with every link resolved, on its machine.
        files: by path; a single file has the path ``""``.
        left_out: what cannot be copied.
        is_complete: every folder could be read.
        free_bytes: space left there.
    """

    kind: str | None
    real_path: str
    files: dict[str, FileState]
    left_out: tuple[str, ...] = ()
    is_complete: bool = True
    free_bytes: int = 0


def take_listing(
    machine: AgentMachine, path: str, *, with_sha256: bool, only: Sequence[str] | None = None
) -> TreeListing:
    """Look at a path on a machine; with ``only``, at these paths below it."""
    from runctl_core.machines.channel import Call

    arguments: dict[str, Any] = {"path": path, "with_sha256": with_sha256}
    if only is not None:
        arguments["only"] = list(only)
    found = machine.ask(Call(module="scan", function="scan", arguments=arguments))
    return TreeListing(
        kind=found["kind"],
        real_path=found["real_path"],
        files={record["path"]: FileState(**record) for record in found["records"]},
        left_out=tuple(found["left_out"]),
        is_complete=found["is_complete"],
        free_bytes=found["free_bytes"],
    )
