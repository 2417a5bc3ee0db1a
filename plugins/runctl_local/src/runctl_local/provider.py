"""The provider of this machine: a resource is a run, and a run goes on without us."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from runctl_core.api import (
    InputError,
    Listing,
    NotFoundError,
    Ref,
    Resource,
    ResourceKind,
    ResourceState,
    Run,
    RunState,
)
from runctl_core.machines.provider import MachineProvider

if TYPE_CHECKING:
    from runctl_core.api import (
        Completed,
        ExecRequest,
        ListQuery,
        Location,
        Machine,
        Progress,
        TrainRequest,
        TransferReport,
        TransferRequest,
    )
    from runctl_core.machines.local import LocalMachine
    from runctl_core.runs.dependencies import Commands
    from runctl_core.runs.spec import RunSpec

STATES = {
    RunState.QUEUED: ResourceState.PENDING,
    RunState.PREPARING: ResourceState.RUNNING,
    RunState.RUNNING: ResourceState.RUNNING,
    RunState.STOPPING: ResourceState.STOPPING,
    RunState.SUCCEEDED: ResourceState.STOPPED,
    RunState.STOPPED: ResourceState.STOPPED,
    RunState.FAILED: ResourceState.FAILED,
    RunState.LOST: ResourceState.FAILED,
}
"""A run that is over is stopped, not gone: its log and checkpoints are here, and it can be resumed."""


@attrs.define(kw_only=True, eq=False)
class LocalProvider(MachineProvider):
    """Trainings on this machine."""

    def train(self, request: TrainRequest) -> Run:
        """Start a script where it stands, in the current folder; see ``Provider.train``."""
        from runctl_core.runs.launch import launch

        spec = self._spec(request)
        self.runs.prepare()
        return launch(self._machine(), spec, home=str(self.context.home))

    def list_resources(self, query: ListQuery) -> Listing:
        """All runs on this machine, the newest first."""
        resources = (describe(run) for run in self.runs.list() if run.resource.provider == "local")
        wanted = query.states
        return Listing(
            resources=tuple(found for found in resources if not wanted or found.state in wanted)
        )

    def status(self, ref: Ref) -> Resource:
        """Look at one run."""
        return describe(self._run(ref))

    def terminate(self, ref: Ref) -> None:
        """End a run now: it is asked to end and then killed; what it saved stays."""
        with contextlib.suppress(NotFoundError):  # what never was has ended
            self._stop(ref, grace_s=0.0)

    def stop(self, ref: Ref) -> None:
        """Ask a run to save and end, and wait until it has."""
        self._stop(ref, grace_s=None)

    def execute(self, ref: Ref, request: ExecRequest) -> Completed:
        """Run an argument vector in a run's project folder, with the run's variables."""
        run = self._run(ref)
        variables = {
            "RUNCTL_RUN_ID": run.id,
            "RUNCTL_CHECKPOINT_DIR": run.checkpoint_dir,
            "RUNCTL_ATTEMPT": str(run.attempt),
        }
        return self._machine().run(
            request.argv,
            stdin=request.stdin,
            env=variables,
            cwd=run.project_dir or None,
            timeout_s=request.timeout_s,
            on_stdout=request.on_stdout,
            on_stderr=request.on_stderr,
        )

    def transfer(self, request: TransferRequest, progress: Progress) -> TransferReport:
        """Copy here; ``RUN:PATH`` is a path in the run's own folder."""
        from runctl_core.transfer.copy import transfer

        here = attrs.evolve(
            request,
            source=self._locate(request.source),
            destination=self._locate(request.destination),
        )
        return transfer(here, progress)

    def find(self, idempotency_key: str) -> Resource | None:
        """The run of that id."""
        try:
            return self.status(Ref(provider="local", id=idempotency_key))
        except NotFoundError:
            return None

    def connect(self, ref: Ref) -> Machine:
        """This machine, whichever run is meant."""
        self._run(ref)
        return self._machine()

    def _machine(self) -> LocalMachine:
        from runctl_core.machines.local import LocalMachine

        return LocalMachine(home=str(self.context.home))

    def _run(self, ref: Ref) -> Run:
        run = self.runs.get(ref.id)
        if run.resource.provider not in ("local", "unknown"):
            raise NotFoundError(
                f"run {run.id} trains on {run.resource}, not here",
                hint=f"'runctl runs show {run.id}' looks at it",
            )
        return run

    def _spec(self, request: TrainRequest) -> RunSpec:
        import hashlib

        from runctl_core.runs.spec import compose_spec

        project = str(request.project_dir)
        folder = hashlib.sha256(os.fsencode(os.path.realpath(project))).hexdigest()[:16]
        return compose_spec(
            request,
            self._commands(request),
            resource=Ref(provider="local", id=request.run_id),
            cwd=str(Path.cwd()),
            project_dir=project,
            lock=str(self.context.home / "locks" / f"{folder}.lock"),
            now=self.context.now(),
        )

    def _commands(self, request: TrainRequest) -> Commands:
        """How the script is started; without uv, a project's script runs under the plain interpreter."""
        import shutil

        from runctl_core.api import Dependencies
        from runctl_core.runs.dependencies import Site, find_uv, observe, plan_commands

        env = dict(os.environ)
        if Path(sys.prefix).is_relative_to(request.project_dir):
            env.setdefault("VIRTUAL_ENV", sys.prefix)  # runctl runs from the project's environment
        site = Site(
            script=os.path.abspath(request.script),  # noqa: PTH100 - links are not followed
            project_dir=str(request.project_dir),
            home=str(self.context.home),
            run_dir=str(self.runs.path(request.run_id)),
            uv=find_uv(env),
        )
        seen = observe(request, env, is_local=True)
        commands = plan_commands(request, seen, site)
        needs_uv = commands.source in (Dependencies.SCRIPT, Dependencies.PROJECT)
        if not needs_uv or shutil.which(site.uv):
            return commands
        if request.dependencies is Dependencies.AUTO and commands.source is Dependencies.PROJECT:
            plain = attrs.evolve(request, dependencies=Dependencies.NONE)
            return plan_commands(plain, seen, site)
        raise InputError(
            f"{request.script} needs uv to install its dependencies, and uv is not installed",
            hint="'pip install uv' brings it; --deps none does without",
        )

    def _stop(self, ref: Ref, *, grace_s: float | None) -> None:
        from runctl_core.runs.control import stop_run, wait_run

        run = self._run(ref)
        if run.state.is_final:
            return
        stop_run(self._machine(), run.run_dir, grace_s=grace_s)
        wait_run(lambda: self.runs.get(run.id), sleep=self.context.sleep, poll_s=0.1)

    def _locate(self, end: Location) -> Location:
        if end.ref is None:
            return end
        root = Path(self._run(end.ref).run_dir)
        path = Path(os.path.normpath(root / end.path))
        if not path.is_relative_to(root):
            raise InputError(f"{end.ref.id}:{end.path} is outside of the run's folder")
        return attrs.evolve(end, path=str(path), ref=None)


def _state(run: Run) -> ResourceState:
    if run.orphan_pid is not None:
        return ResourceState.RUNNING
    return STATES.get(run.state, ResourceState.UNKNOWN)


def describe(run: Run) -> Resource:
    """A run as a resource."""
    ending = f"signal {run.signal}" if run.signal else run.exit_code
    native = {
        "run_state": str(run.state),
        "script": run.script,
        "exit": "" if ending is None else str(ending),
        "detail": run.detail,
        "project": run.project_dir,
        "log": run.log_path,
        "checkpoints": run.checkpoint_dir,
    }
    return Resource(
        ref=Ref(provider="local", id=run.id),
        kind=ResourceKind.PROCESS,
        name=run.name,
        state=_state(run),
        created_at=run.created_at,
        run_id=run.id,
        native=native,
    )
