"""Runs as they are written down, and back.

A *report* is the flat JSON object that the supervisor's ``describe`` gives; the store keeps runs in the same form.
Conversion is by hand: listing ten thousand runs must not wait for a converter to be built.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runctl_core.api.model import Ref, Run, RunState

Report = Mapping[str, Any]
EPOCH = datetime.fromtimestamp(0, UTC)


def run_from_report(report: Report) -> Run:
    """Make a run of a report.

    Raises:
        ValueError: something is missing or of the wrong kind.
    """
    try:
        return Run(
            id=_text(report["run_id"]),
            name=_text(report["name"]),
            resource=Ref.parse(report["resource"]),
            script=_text(report["script"]),
            args=tuple(report["args"]),
            state=RunState(report["state"]),
            created_at=_time(report["created_at"]),
            started_at=_optional_time(report.get("started_at")),
            ended_at=_optional_time(report.get("ended_at")),
            exit_code=report.get("exit_code"),
            signal=report.get("signal"),
            detail=report.get("detail") or "",
            orphan_pid=(report.get("leader") or {}).get("pid"),
            project_dir=report.get("project_dir") or "",
            run_dir=report.get("run_dir") or "",
            log_path=report.get("log") or "",
            checkpoint_dir=report.get("checkpoint_dir") or "",
            resumed_from=report.get("resume_from"),
            attempt=report.get("attempt") or 1,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the record of the run is incomplete: {error}") from error


def report_from_run(run: Run) -> dict[str, Any]:
    """Write a run down."""
    return {
        "run_id": run.id,
        "name": run.name,
        "resource": str(run.resource),
        "script": run.script,
        "args": list(run.args),
        "state": run.state.value,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at and run.started_at.isoformat(),
        "ended_at": run.ended_at and run.ended_at.isoformat(),
        "exit_code": run.exit_code,
        "signal": run.signal,
        "detail": run.detail,
        "leader": run.orphan_pid and {"pid": run.orphan_pid},
        "project_dir": run.project_dir,
        "run_dir": run.run_dir,
        "log": run.log_path,
        "checkpoint_dir": run.checkpoint_dir,
        "resume_from": run.resumed_from,
        "attempt": run.attempt,
    }


def unreadable_run(run_id: str, run_dir: str, detail: str) -> Run:
    """Stand in for a run whose traces are damaged: it is listed as unknown, never left out."""
    return Run(
        id=run_id,
        name=run_id,
        resource=Ref(provider="unknown", id=run_id),
        script="",
        args=(),
        state=RunState.UNKNOWN,
        created_at=EPOCH,
        detail=detail,
        run_dir=run_dir,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _time(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} names no time zone")
    return moment


def _optional_time(value: str | None) -> datetime | None:
    return None if value is None else _time(value)
