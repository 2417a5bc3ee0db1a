"""Running something again from where it stopped."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from runctl_core.api.errors import BlockedError
from runctl_core.api.requests import TrainRequest

if TYPE_CHECKING:
    from runctl_core.runs.spec import RunSpec

_TEMPORARY = re.compile(r"^\.|~$|(^|[._-])(tmp|temp|partial|incomplete)([._-]|$)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_HEADER_LIMIT_BYTES = 100_000_000


class NoValidCheckpointError(BlockedError):
    """There are checkpoints, and not one can be used: starting from zero would hide that."""

    code = "RESUME_NO_VALID_CHECKPOINT"


@attrs.frozen(kw_only=True)
class Choice:
    """The checkpoint to go on from, if there is one, and those newer ones that cannot be used."""

    path: Path | None
    skipped: tuple[Path, ...] = ()


@attrs.frozen(kw_only=True)
class Resumption:
    """A request that continues a run, and what its user should know."""

    request: TrainRequest
    warnings: tuple[str, ...] = ()


def resume_request(old: RunSpec, *, run_id: str, checkpoints: Path) -> Resumption:
    """Ask for the same training again, from its newest usable checkpoint.

    Args:
        run_id: of the new run.
        checkpoints: the old run's checkpoint folder, on this machine.

    Raises:
        NoValidCheckpointError: there are checkpoints and none is usable.
    """
    choice = choose_checkpoint(checkpoints)
    request = TrainRequest(
        run_id=run_id,
        script=Path(old.script),
        project_dir=Path(old.project_dir),
        args=old.args,
        name=old.name,
        env=old.env,
        checkpoint_dir=old.checkpoint_dir,
        resume_from=str(choice.path) if choice.path else None,
        parent_run_id=old.run_id,
        attempt=old.attempt + 1,
        nproc=old.nproc,
        dependencies=old.dependencies,
        conda_env=old.conda_env,
        if_busy=old.if_busy,
        grace_s=old.grace_s,
        heartbeat_s=old.heartbeat_s,
    )
    return Resumption(request=request, warnings=_warnings(old, choice, checkpoints))


def choose_checkpoint(folder: Path) -> Choice:
    """Find the newest usable checkpoint in a folder.

    Newest is the highest number in the name where every name has one, otherwise the latest change.

    Raises:
        NoValidCheckpointError: there are checkpoints and none is usable.
    """
    candidates = _sort_newest_first(_list_candidates(folder))
    for position, candidate in enumerate(candidates):
        if is_usable(candidate):
            return Choice(path=candidate, skipped=tuple(candidates[:position]))
    if candidates:
        raise NoValidCheckpointError(
            f"{folder}: none of {len(candidates)} checkpoints can be used",
            hint="start again from zero with a new train, or restore one of them",
        )
    return Choice(path=None)


def is_usable(path: Path) -> bool:
    """Whether a checkpoint is whole, as far as its structure shows without loading it."""
    try:
        if path.is_dir():
            return _is_usable_folder(path)
        return path.stat().st_size > 0 and _is_intact(path)
    except OSError:
        return False


def _warnings(old: RunSpec, choice: Choice, folder: Path) -> tuple[str, ...]:
    warnings = [f"{path.name} is damaged and was passed over" for path in choice.skipped]
    if choice.path is None:
        warnings.append(f"run {old.run_id} has no checkpoint in {folder}: it starts from zero")
    return tuple(warnings)


def _list_candidates(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not _TEMPORARY.search(path.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sort_newest_first(paths: list[Path]) -> list[Path]:
    numbered = all(_NUMBER.search(path.name) for path in paths)
    return sorted(paths, key=_number if numbered else _changed_at, reverse=True)


def _number(path: Path) -> tuple[int, int, str]:
    """The last number of a name is its step: ``epoch=3-step=1200.ckpt``."""
    return (int(_NUMBER.findall(path.name)[-1]), *_changed_at(path))


def _changed_at(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name


def _is_usable_folder(folder: Path) -> bool:
    files = [path for path in folder.rglob("*") if path.is_file()]
    if any(_TEMPORARY.search(path.name) for path in files if path.name != ".metadata"):
        return False
    return any(path.stat().st_size for path in files) and all(
        _is_intact(path) for path in files if path.stat().st_size
    )


def _is_intact(path: Path) -> bool:
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] == b"PK":
        return _is_intact_zip(path)
    if path.suffix == ".json":
        return _is_intact_json(path)
    if path.suffix == ".safetensors":
        return _is_intact_safetensors(path)
    if magic[:1] == b"\x80":
        return _ends_like_pickle(path)
    return path.suffix not in (".pt", ".pth", ".ckpt")


def _is_intact_zip(path: Path) -> bool:
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            return bool(archive.infolist())
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError):
        return False


def _is_intact_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


def _is_intact_safetensors(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= min(size - 8, _HEADER_LIMIT_BYTES):
            return False
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for key, entry in header.items() if key[0] != "_"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            return False
    return size == 8 + length + max(ends, default=0)


def _ends_like_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"."
