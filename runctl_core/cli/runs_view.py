"""How runs are shown, and how their end becomes an exit code."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from runctl_core.api.errors import PartialError, TrainingFailedError
from runctl_core.api.model import Run, RunState
from runctl_core.api.provider import utc_now
from runctl_core.cli import words
from runctl_core.cli.output import emit, fields, say, table


def print_table(runs: Sequence[Run]) -> None:
    """Print runs, a line each."""
    now = utc_now()
    table(
        ("RUN", "NAME", "WHERE", "STATE", "EXIT", "AGE", "TOOK", "DETAIL"),
        [
            (
                run.id,
                run.name,
                _where(run),
                str(run.state),
                words.ending(run),
                words.age(run.created_at, now),
                words.duration(run, now),
                run.detail,
            )
            for run in runs
        ],
    )


def print_details(run: Run) -> None:
    """Print everything that is known of a run."""
    fields(
        [
            ("run", run.id),
            ("name", run.name),
            ("where", _where(run)),
            ("state", str(run.state)),
            ("detail", run.detail),
            ("exit", words.ending(run)),
            ("command", shlex.join((run.script, *run.args))),
            ("started", _moment(run.started_at)),
            ("ended", _moment(run.ended_at)),
            ("took", words.duration(run, utc_now())),
            ("attempt", str(run.attempt) if run.attempt > 1 else ""),
            ("resumed from", run.resumed_from or ""),
            ("project", run.project_dir),
            ("log", run.log_path),
            ("checkpoints", run.checkpoint_dir),
        ]
    )


def conclude(run: Run, summary: str = "") -> None:
    """Tell how a run ended, and fail if it did.

    Raises:
        TrainingFailedError: it failed or was lost.
        PartialError: it still trains.
    """
    took = words.duration(run, utc_now())
    facts = [f"run {run.id} {run.state}", f"after {took}" if took else "", summary, run.detail]
    line = ", ".join(filter(None, facts))
    if run.state.is_active or run.state is RunState.UNKNOWN:
        raise PartialError(line, hint=f"'runctl runs wait {run.id}' goes on waiting")
    if run.state in (RunState.FAILED, RunState.LOST):
        raise TrainingFailedError(
            line,
            hint=f"'runctl runs logs {run.id} --tail 50' shows its last words, "
            f"'runctl runs resume {run.id}' trains on from its newest checkpoint, if it has one",
            training_exit_code=run.exit_code,
        )
    emit("run", run)
    say(line)


def _where(run: Run) -> str:
    return "local" if run.resource.provider == "local" else str(run.resource)


def _moment(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""
