"""``runctl PROVIDER train``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from runctl_core.api.errors import InputError
from runctl_core.api.info import ProviderInfo
from runctl_core.api.model import Ref
from runctl_core.api.provider import utc_now
from runctl_core.api.requests import Dependencies, IfBusy, TrainRequest
from runctl_core.cli.attach import attach
from runctl_core.cli.frame import command
from runctl_core.cli.mutate import Options, start_training
from runctl_core.cli.output import emit, say, warn
from runctl_core.cli.session import Session, current
from runctl_core.cli.types import Duration, Processes, Variable
from runctl_core.paths import find_project_root

_HELP = """Train SCRIPT {where}. Everything after -- goes to the script untouched.

The training runs on by itself: it survives this command, this terminal and this connection.
"""


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""
    needs_target = info.capabilities.train_needs_target

    def train(script: str, arguments: tuple[str, ...], **given: Any) -> int:
        session = current()
        target = session.resolve(info.name, given.pop("target")) if needs_target else None
        wait, force = given.pop("wait"), given.pop("force")
        request = _request(session, script, arguments, target, given)
        run = start_training(session, info.name, request, Options(force=force))
        if wait:
            return attach(session.running, run)
        emit("run", run, lambda: click.echo(run.id))
        say(f"'runctl runs logs -f {run.id}' follows it, 'runctl runs stop {run.id}' ends it")
        return 0

    where = "on TARGET" if needs_target else "on this machine"
    return command("train", help=_HELP.format(where=where))(_with_options(info, train))


_OPTIONS = (
    click.option("--name", help="A name to find the run by; the script's otherwise."),
    click.option("--env", "env", type=Variable(), multiple=True, help="For the script."),
    click.option("--checkpoint-dir", metavar="DIR", help="Where the script saves."),
    click.option(
        "--resume",
        default="none",
        metavar="auto|PATH|none",
        show_default=True,
        help="From the newest checkpoint that is whole, or from this one.",
    ),
    click.option(
        "--nproc",
        type=Processes(),
        metavar="auto|N",
        help="Processes under torchrun; auto: one for each GPU.",
    ),
    click.option(
        "--deps",
        type=click.Choice([choice.value for choice in Dependencies]),
        default=Dependencies.AUTO.value,
        show_default=True,
        help="Where packages come from.",
    ),
    click.option("--conda-env", metavar="NAME", help="Run in this conda environment."),
    click.option("--grace", "grace_s", type=Duration(), help="Time to save when stopped."),
    click.option("--queue", is_flag=True, help="Wait for the run that is there."),
    click.option("--concurrent", is_flag=True, help="Train beside the run that is there."),
    click.option("--force", is_flag=True, help="Lift the blocks that may be lifted."),
)


def _with_options(info: ProviderInfo, function: Callable[..., Any]) -> Callable[..., Any]:
    needs_target = info.capabilities.train_needs_target
    wait = click.option(
        "--wait/--detach",
        "wait",
        default=not needs_target,
        help="Follow it to its end, or print the run's id and return.  "
        f"[default: {'detach' if needs_target else 'wait'}]",
    )
    sync = click.option(
        "--sync-code/--no-sync-code",
        default=True,
        show_default=True,
        help="Copy the project there.",
    )
    arguments = [
        *([click.argument("target")] if needs_target else []),
        click.argument("script", type=click.Path()),
        click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGS...]"),
    ]
    for add in reversed([*arguments, wait, *_OPTIONS, *([sync] if needs_target else [])]):
        function = add(function)
    return function


def _request(
    session: Session,
    script: str,
    arguments: tuple[str, ...],
    target: Ref | None,
    given: dict[str, Any],
) -> TrainRequest:
    settings = session.configuration.settings.runs
    path = Path(script)
    checkpoint_dir = given["checkpoint_dir"]
    if checkpoint_dir and target is None:
        checkpoint_dir = str(Path(checkpoint_dir).absolute())
    return TrainRequest(
        run_id=session.runs.new_id(utc_now()),
        script=path,
        project_dir=find_project_root(path),
        args=arguments,
        target=target,
        name=given["name"],
        env=dict(given["env"]),
        checkpoint_dir=checkpoint_dir,
        resume_from=_resume_from(session, given["resume"], checkpoint_dir, path, target),
        nproc=given["nproc"],
        dependencies=Dependencies(given["deps"]),
        conda_env=given["conda_env"],
        if_busy=_if_busy(queue=given["queue"], concurrent=given["concurrent"]),
        grace_s=settings.grace_s if given["grace_s"] is None else given["grace_s"],
        heartbeat_s=settings.heartbeat_s,
        sync_code=given.get("sync_code", True),
    )


def _if_busy(*, queue: bool, concurrent: bool) -> IfBusy:
    if queue and concurrent:
        raise InputError("--queue and --concurrent exclude each other")
    if queue:
        return IfBusy.QUEUE
    return IfBusy.CONCURRENT if concurrent else IfBusy.REFUSE


def _resume_from(
    session: Session, wish: str, checkpoint_dir: str | None, script: Path, target: Ref | None
) -> str | None:
    """What ``--resume`` means: a path on the training machine, or nothing."""
    if wish == "none":
        return None
    if target is not None:
        if wish == "auto":
            raise InputError(
                "--resume auto looks at checkpoints on this machine only",
                hint=f"name the checkpoint's path on {target.id}",
            )
        return wish
    if wish != "auto":
        if not Path(wish).exists():
            raise InputError(f"{wish}: there is no such checkpoint")
        return str(Path(wish).absolute())
    from runctl_core.runs.resume import choose_checkpoint

    folder = checkpoint_dir or _newest_folder(session, script)
    choice = choose_checkpoint(Path(folder)) if folder else None
    if choice is None or choice.path is None:
        warn(f"nothing to resume {script} from: it starts from zero")
        return None
    for skipped in choice.skipped:
        warn(f"{skipped} is damaged and was passed over")
    say(f"resuming from {choice.path}")
    return str(choice.path)


def _newest_folder(session: Session, script: Path) -> str | None:
    """The checkpoint folder of the newest earlier run of the same script that has one."""
    for run in session.runs.list():
        is_same = (
            run.resource.provider == "local" and Path(run.script).resolve() == script.resolve()
        )
        if is_same and Path(run.checkpoint_dir).is_dir():
            return run.checkpoint_dir
    return None
