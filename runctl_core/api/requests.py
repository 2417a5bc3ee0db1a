"""What the core asks of a provider: one value per operation, so that fields can be added without breaking plugins."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import attrs

from runctl_core.api.model import Ref


@attrs.frozen(kw_only=True)
class CreateRequest:
    """Ask for one machine.

    ``idempotency_key`` names the intent: the same key twice is one machine.  ``tags`` must be set by the creating call
    itself, never afterwards.
    """

    name: str
    idempotency_key: str
    shape_name: str | None = None
    image: str | None = None
    region: str | None = None
    disk_gib: int | None = None
    volumes: Mapping[str, str] = attrs.field(factory=dict)
    spot: bool = False
    max_usd_per_hour: Decimal | None = None
    ttl_s: int | None = None
    idle_s: int | None = None
    tags: Mapping[str, str] = attrs.field(factory=dict)


class IfBusy(enum.StrEnum):
    """What to do when another run holds the machine or project folder."""

    REFUSE = "refuse"
    QUEUE = "queue"
    CONCURRENT = "concurrent"


class Dependencies(enum.StrEnum):
    """Where a script's packages come from.

    ``AUTO`` picks the first that applies: a PEP 723 header, an active environment (local only), ``uv.lock`` or a
    ``pyproject.toml``, ``requirements.txt``, the plain interpreter.
    """

    AUTO = "auto"
    NONE = "none"
    SCRIPT = "script"
    PROJECT = "project"
    REQUIREMENTS = "requirements"
    CONDA = "conda"


@attrs.frozen(kw_only=True)
class TrainRequest:
    """Ask for one training.

    ``run_id`` is chosen by the client, so that a lost answer can be looked up.  ``script`` is a path on this machine;
    ``project_dir`` is the folder around it that is synced.  ``args`` reach the script untouched.  ``nproc`` is the
    number of processes under ``torchrun``, 0 for one per GPU, ``None`` for a plain process.
    """

    run_id: str
    script: Path
    project_dir: Path
    args: tuple[str, ...] = ()
    target: Ref | None = None
    name: str | None = None
    env: Mapping[str, str] = attrs.field(factory=dict)
    checkpoint_dir: str | None = None
    resume_from: str | None = None
    parent_run_id: str | None = None
    attempt: int = 1
    nproc: int | None = None
    dependencies: Dependencies = Dependencies.AUTO
    conda_env: str | None = None
    if_busy: IfBusy = IfBusy.REFUSE
    grace_s: float = 90.0
    heartbeat_s: float = 10.0
    sync_code: bool = True


@attrs.frozen(kw_only=True)
class ExecRequest:
    """Ask for one command on a resource.  Without the two sinks the output comes back whole."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    timeout_s: float | None = None
    on_stdout: Callable[[bytes], None] | None = None
    on_stderr: Callable[[bytes], None] | None = None


@attrs.frozen(kw_only=True)
class Location:
    """One end of a transfer: a path here (``ref`` is ``None``) or on a resource."""

    path: str
    ref: Ref | None = None


class Verify(enum.StrEnum):
    """How a copied file is proved equal to its source."""

    SIZE = "size"
    SHA256 = "sha256"


@attrs.frozen(kw_only=True)
class TransferRequest:
    """Ask for a copy of a file or folder.  Nothing is deleted at the destination unless ``delete_extraneous``."""

    source: Location
    destination: Location
    delete_extraneous: bool = False
    verify: Verify = Verify.SIZE
    dry_run: bool = False


@attrs.frozen(kw_only=True)
class TransferReport:
    """What a transfer did, or with ``dry_run`` would do.

    ``left_out`` are paths that cannot be copied: links that leave the source, devices, what may not be read.
    """

    copied: tuple[str, ...] = ()
    skipped_count: int = 0
    deleted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    copied_bytes: int = 0
    verified: bool = False
    dry_run: bool = False
