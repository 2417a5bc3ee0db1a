"""``runctl runs``: one place for the runs of every provider."""

from __future__ import annotations

from typing import Any

import click

from runctl_core.api.errors import NotSupportedError, RunctlError
from runctl_core.api.model import Run, RunState
from runctl_core.api.policy import ActionKind
from runctl_core.api.provider import utc_now
from runctl_core.cli.attach import attach
from runctl_core.cli.frame import RunctlGroup, group
from runctl_core.cli.mutate import (
    Options,
    guard_of,
    mutation_options,
    permitted,
    start_training,
    tell_plan,
)
from runctl_core.cli.output import emit, say, stream, warn
from runctl_core.cli.runs_view import conclude, print_details, print_table
from runctl_core.cli.session import Session, current
from runctl_core.cli.types import Duration


@group("runs")
def _runs() -> None:
    """List, follow, stop and resume runs, wherever they train."""


runs: RunctlGroup = _runs


@runs.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("-a", "--all", "everything", is_flag=True, help="Without a limit.")
@click.option(
    "--state", "states", multiple=True, type=click.Choice([state.value for state in RunState])
)
def list_runs(limit: int, everything: bool, states: tuple[str, ...]) -> None:
    """List runs, the newest first."""
    store = current().runs
    if states or everything:
        wanted = [run for run in store.list() if not states or run.state in states]
        shown, total = wanted if everything else wanted[:limit], len(wanted)
    else:
        shown, total = list(store.list(limit=limit)), store.count()
    emit("run.list", {"runs": shown, "total": total}, lambda: _print(shown, total))


def _print(shown: list[Run], total: int) -> None:
    if not shown:
        say("no runs; 'runctl local train SCRIPT' starts one")
        return
    print_table(shown)
    if len(shown) < total:
        say(f"... and {total - len(shown)} more; --all shows them")


@runs.command("show")
@click.argument("run")
def show(run: str) -> None:
    """Show a run in detail, as it stands now."""
    session = current()
    known = session.runs.get(run)
    try:
        known = session.running.look(known)
    except RunctlError as error:
        warn(f"this is what was last heard of it: {error.message}")
    emit("run", known, lambda: print_details(known))


@runs.command("logs")
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
def logs(run: str, follow: bool, tail: int | None) -> None:
    """Print the log of a run.  Ctrl-C ends the printing, never the run."""
    session = current()
    stream("log", session.running.log(session.runs.get(run), follow=follow, tail_lines=tail))


@runs.command("wait")
@click.argument("run")
@click.option("--timeout", "timeout_s", type=Duration(), help="Wait no longer than this.")
def wait(run: str, timeout_s: float | None) -> None:
    """Wait until a run ends; the exit code is 8 if it failed."""
    session = current()
    conclude(session.running.wait(session.runs.get(run), timeout_s=timeout_s))


@runs.command("stop")
@click.argument("run")
@click.option("--grace", "grace_s", type=Duration(), help="Time to save before it is killed.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Return when it has ended.")
@mutation_options
def stop(run: str, grace_s: float | None, wait: bool, **given: Any) -> None:
    """Ask a run to save and end.

    The script gets SIGTERM; what is left of it after the grace is killed.  Asking again with less grace hurries it.
    """
    session, options = current(), Options.of(given)
    known = session.runs.get(run)
    provider = session.provider(known.resource.provider)
    plan = guard_of(session).plan_for(
        provider,
        ActionKind.STOP,
        (session.running.as_target(known),),
        reason=options.reason,
        is_dry_run=options.dry_run,
    )
    if options.dry_run:
        tell_plan(plan, options)
        return
    with permitted(session, provider, plan, options, f"Stop run {known.id}?"):
        asked = session.running.stop(known, grace_s=grace_s)
    after = session.running.wait(asked) if wait else asked
    emit("run", after)
    say(f"run {after.id} is {after.state}")


@runs.command("resume")
@click.argument("run")
@click.option("--wait/--detach", default=True, show_default=True, help="Follow it to its end.")
@click.option("--force", is_flag=True, help="Lift the blocks that may be lifted.")
def resume(run: str, wait: bool, force: bool) -> int:
    """Train again what a run trained, from its newest checkpoint that is whole."""
    session = current()
    started = _resume(session, session.runs.get(run), force=force)
    if wait:
        return attach(session.running, started)
    emit("run", started, lambda: click.echo(started.id))
    return 0


def _resume(session: Session, old: Run, *, force: bool) -> Run:
    from pathlib import Path

    from runctl_core.runs.resume import resume_request

    if session.runs.is_remote(old.id):
        raise NotSupportedError(
            f"run {old.id} trained on {old.resource}, and only local runs can be resumed by name",
            hint=f"'runctl {old.resource.provider} train {old.resource.id} {old.script} --resume PATH' "
            "names the checkpoint",
        )
    spec = session.runs.spec(old.id)
    resumption = resume_request(
        spec, run_id=session.runs.new_id(utc_now()), checkpoints=Path(old.checkpoint_dir)
    )
    for warning in resumption.warnings:
        warn(warning)
    return start_training(session, old.resource.provider, resumption.request, Options(force=force))
