"""What a transfer would do, decided from two listings alone."""

from __future__ import annotations

import attrs

from runctl_core.api.errors import BlockedError, InputError
from runctl_core.api.policy import Finding, Level, Override
from runctl_core.transfer.listing import FileState, TreeListing


@attrs.frozen(kw_only=True)
class TransferPlan:
    """The paths to copy and to delete, relative to both ends; ``""`` is the file itself."""

    copied: tuple[FileState, ...] = ()
    deleted: tuple[str, ...] = ()
    skipped_count: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def copied_bytes(self) -> int:
        """The sum of all files to copy."""
        return sum(state.size_bytes for state in self.copied)


def plan_transfer(source: TreeListing, destination: TreeListing, *, delete: bool) -> TransferPlan:
    """Compare two ends.

    Files are equal when size and executable bit are and, if the listings have digests, those; else the time of change.

    Raises:
        InputError: a folder stands where a file must go, or the other way round.
        BlockedError: ``delete`` is asked for but the source could not be listed completely.
    """
    if delete:
        _check_deletable(source)
    copied = []
    for path, state in source.files.items():
        there = destination.files.get(path)
        _check_kinds(state, there, source.kind, destination.kind)
        if there is None or not is_equal(state, there):
            copied.append(state)
    deleted = [path for path in destination.files if path not in source.files] if delete else []
    return TransferPlan(
        copied=tuple(copied),
        deleted=tuple(path for path in deleted if not _is_kept(path, source.left_out)),
        skipped_count=len(source.files) - len(copied),
        left_out=source.left_out,
    )


def is_equal(one: FileState, other: FileState) -> bool:
    """Whether copying one over the other would change nothing."""
    if one.kind != other.kind or one.kind == "directory":
        return one.kind == other.kind
    if one.kind == "symlink":
        return one.target == other.target
    if (one.size_bytes, one.executable) != (other.size_bytes, other.executable):
        return False
    if one.sha256 and other.sha256:
        return one.sha256 == other.sha256
    return one.mtime_ns == other.mtime_ns


def _check_deletable(source: TreeListing) -> None:
    if source.kind != "directory":
        raise InputError(f"{source.real_path} is one file, so there is nothing to delete beside it")
    if source.is_complete:
        return
    reason = f"{source.real_path}: {source.left_out[0]} cannot be read, so what is gone is unknown"
    hint = "make it readable, or copy without deleting"
    finding = Finding(
        code="LISTING_INCOMPLETE",
        level=Level.BLOCK,
        override=Override.NONE,
        target=source.real_path,
        reason=reason,
        hint=hint,
    )
    raise BlockedError(reason, hint=hint, findings=(finding,))


def _check_kinds(
    state: FileState, there: FileState | None, source_kind: str | None, destination_kind: str | None
) -> None:
    if source_kind == "directory" and destination_kind == "file":
        raise InputError("a folder cannot replace a file", hint="name another destination")
    if there is not None and (state.kind == "directory") != (there.kind == "directory"):
        raise InputError(
            f"{state.path}: a {state.kind} here, a {there.kind} there", hint="remove one of them"
        )


def _is_kept(path: str, left_out: tuple[str, ...]) -> bool:
    """Whether the source has something at ``path`` that merely could not be copied."""
    return any(path == kept or path.startswith(f"{kept}/") for kept in left_out)
