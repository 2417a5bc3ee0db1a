"""What a run is to do: the value behind ``spec.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from runctl_core.api.model import Ref
from runctl_core.api.requests import Dependencies, IfBusy, TrainRequest

if TYPE_CHECKING:
    from runctl_core.runs.dependencies import Commands

SCHEMA = 1


@attrs.frozen(kw_only=True)
class RunSpec:
    """Everything that the supervisor needs to know.  Paths are those of the machine that trains.

    Attributes:
        script, args: what the user named, for display and for running it again; the script's path is that on the
            machine that started the run.
        prepare, argv: what is executed: first the steps one by one, then the training.
        lock: the file whose holder may train; ``None`` to train beside others.
        checkpoint_dir: ``None`` for the folder ``checkpoints`` in the run directory.
        nproc: 0 asks the supervisor to count the machine's GPUs; see ``supervisor.GPU_PLACEHOLDER``.
    """

    run_id: str
    name: str
    resource: Ref
    script: str
    argv: tuple[str, ...]
    cwd: str
    created_at: datetime
    args: tuple[str, ...] = ()
    prepare: tuple[tuple[str, ...], ...] = ()
    env: Mapping[str, str] = attrs.field(factory=dict)
    project_dir: str = ""
    lock: str | None = None
    if_busy: IfBusy = IfBusy.REFUSE
    grace_s: float = 90.0
    heartbeat_s: float = 10.0
    checkpoint_dir: str | None = None
    resume_from: str | None = None
    parent_run_id: str | None = None
    attempt: int = 1
    nproc: int | None = None
    dependencies: Dependencies = Dependencies.AUTO
    conda_env: str | None = None


def compose_spec(
    request: TrainRequest,
    commands: Commands,
    *,
    resource: Ref,
    cwd: str,
    project_dir: str,
    lock: str,
    now: datetime,
) -> RunSpec:
    """Turn a request into a spec for one machine.

    Args:
        commands: how the script is started there.
        cwd, project_dir: where the script runs and where the project is, on that machine.
        lock: the machine's or project's lock; not used by a concurrent run.
    """
    return RunSpec(
        run_id=request.run_id,
        name=request.name or request.script.stem,
        resource=resource,
        script=os.path.abspath(request.script),  # noqa: PTH100 - links are not followed
        args=request.args,
        argv=commands.argv,
        prepare=commands.prepare,
        cwd=cwd,
        created_at=now,
        env=request.env,
        project_dir=project_dir,
        lock=None if request.if_busy is IfBusy.CONCURRENT else lock,
        if_busy=request.if_busy,
        grace_s=request.grace_s,
        heartbeat_s=request.heartbeat_s,
        checkpoint_dir=request.checkpoint_dir,
        resume_from=request.resume_from,
        parent_run_id=request.parent_run_id,
        attempt=request.attempt,
        nproc=request.nproc,
        dependencies=request.dependencies,
        conda_env=request.conda_env,
    )


def dump_spec(spec: RunSpec) -> bytes:
    """Write ``spec.json``.  Text that was not UTF-8 survives as escaped lone surrogates."""
    fields = {field.name: getattr(spec, field.name) for field in attrs.fields(RunSpec)}
    fields |= {
        "schema": SCHEMA,
        "resource": str(spec.resource),
        "env": dict(spec.env),
        "created_at": spec.created_at.isoformat(),
    }
    return json.dumps(fields).encode("ascii")


def load_spec(data: bytes) -> RunSpec:
    """Read ``spec.json`` back.

    Raises:
        ValueError: it is damaged, or of another version.
    """
    fields: dict[str, Any] = json.loads(data)
    if not isinstance(fields, dict) or fields.pop("schema", None) != SCHEMA:
        raise ValueError(f"spec.json is not of version {SCHEMA}")
    try:
        return RunSpec(**fields | _typed(fields))
    except (KeyError, TypeError) as error:
        raise ValueError(f"spec.json is incomplete: {error}") from error


def _typed(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resource": Ref.parse(fields["resource"]),
        "args": tuple(fields["args"]),
        "argv": tuple(fields["argv"]),
        "prepare": tuple(tuple(step) for step in fields["prepare"]),
        "created_at": datetime.fromisoformat(fields["created_at"]),
        "if_busy": IfBusy(fields["if_busy"]),
        "dependencies": Dependencies(fields["dependencies"]),
    }
