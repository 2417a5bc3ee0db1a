"""The short way to a provider: say how to reach its machines, and get the rest from the core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from runctl_core.api.errors import (
    InputError,
    NotFoundError,
    NotSupportedError,
    RunctlError,
    UnreachableError,
)
from runctl_core.api.model import ListQuery, Ref, Resource, Run, RunState
from runctl_core.api.provider import Provider

if TYPE_CHECKING:
    from runctl_core.api.machine import Completed, Machine
    from runctl_core.api.provider import Progress
    from runctl_core.api.requests import (
        ExecRequest,
        TrainRequest,
        TransferReport,
        TransferRequest,
    )
    from runctl_core.runs.spec import RunSpec
    from runctl_core.runs.store import RunStore


@attrs.define(kw_only=True, eq=False)
class MachineProvider(Provider):
    """A provider of machines that can be connected to.

    Implement ``terminate``, ``list_resources`` and ``connect``, and ``create`` and ``volumes`` where the cloud has them.
    This class adds ``train``, ``status``, ``logs``, ``execute`` and ``transfer``: each is to put files there, run
    something there, or read files there.
    """

    @property
    def runs(self) -> RunStore:
        """What is known here of the runs that were started."""
        from runctl_core.runs.store import RunStore

        return RunStore(self.context.home)

    def train(self, request: TrainRequest) -> Run:
        """Sync the code, ship the supervisor and start; see ``Provider.train``.

        The run is noted here before anything happens there, so that a lost answer can be looked up.
        """
        from runctl_core.runs.launch import launch

        if request.target is None:
            raise InputError("train needs the machine to train on")
        with self.connect(request.target) as machine:
            spec, home = self._plan(machine, request, request.target)
            self.runs.record_remote(_announced(spec, home))
            try:
                run = launch(machine, spec, home=home)
            except UnreachableError:
                raise  # it may have started, so it stays noted
            except RunctlError:
                self.runs.forget(spec.run_id)
                raise
        run = attrs.evolve(run, resource=request.target)
        self.runs.record_remote(run)
        return run

    def status(self, ref: Ref) -> Resource:
        """Find the resource in the listing; see ``Provider.status``."""
        listing = self.list_resources(ListQuery(include_terminated=True))
        for resource in listing.resources:
            if ref.id in (resource.ref.id, resource.name):
                return resource
        if not listing.complete:
            raise UnreachableError(
                f"{ref.id} is not among what {ref.provider} showed, and that was incomplete",
                hint="try again",
            )
        from runctl_core.suggestions import did_you_mean

        names = [name for found in listing.resources for name in (found.ref.id, found.name)]
        raise NotFoundError(
            f"{ref.provider} has no {ref.id!r}",
            hint=did_you_mean(ref.id, names) or f"'runctl {ref.provider} list' shows what it has",
        )

    def logs(self, ref: Ref, follow: bool, tail_lines: int | None) -> Iterator[bytes]:
        """The log of the run that was started last; see ``Provider.logs``."""
        from runctl_core.runs.control import read_run
        from runctl_core.runs.logs import read_log

        run = self.runs.newest_on(ref)
        with self.connect(ref) as machine:
            yield from read_log(
                machine,
                run.log_path,
                lambda: read_run(machine, run.run_dir),
                follow=follow,
                tail_lines=tail_lines,
                sleep=self.context.sleep,
            )

    def execute(self, ref: Ref, request: ExecRequest) -> Completed:
        """Run an argument vector in the machine's home; see ``Provider.execute``."""
        with self.connect(ref) as machine:
            return machine.run(
                request.argv,
                stdin=request.stdin,
                timeout_s=request.timeout_s,
                on_stdout=request.on_stdout,
                on_stderr=request.on_stderr,
            )

    def transfer(self, request: TransferRequest, progress: Progress) -> TransferReport:
        """Copy with the core's engine; see ``Provider.transfer``."""
        from runctl_core.transfer.copy import transfer

        refs = {end.ref for end in (request.source, request.destination) if end.ref}
        if len(refs) > 1:
            raise NotSupportedError(
                "cannot copy from one machine to another", hint="copy here first, then there"
            )
        if not refs:
            return transfer(request, progress)
        with self.connect(refs.pop()) as machine:
            return transfer(request, progress, machine=machine)

    def _plan(self, machine: Machine, request: TrainRequest, target: Ref) -> tuple[RunSpec, str]:
        """Sync the code and decide how the script starts there; also gives the machine's home."""
        from runctl_core.runs.dependencies import Site, observe, plan_commands
        from runctl_core.runs.launch import resolve_home
        from runctl_core.runs.spec import compose_spec
        from runctl_core.transfer.walk import walk_project

        home = resolve_home(machine)
        project = f"{home}/projects/{request.project_dir.name}"
        if request.sync_code:
            machine.put(walk_project(request.project_dir).tree, project)
        script = f"{project}/{_inside(request)}"
        site = Site(
            script=script,
            project_dir=project,
            home=home,
            run_dir=f"{home}/runs/{request.run_id}",
            python=machine.python,
        )
        commands = plan_commands(request, observe(request, {}, is_local=False), site)
        spec = compose_spec(
            request,
            commands,
            resource=target,
            cwd=project,
            project_dir=project,
            lock=f"{home}/locks/machine.lock",
            now=self.context.now(),
        )
        return spec, home


def _inside(request: TrainRequest) -> str:
    try:
        return request.script.resolve().relative_to(request.project_dir.resolve()).as_posix()
    except ValueError:
        raise InputError(
            f"{request.script} is outside of its project {request.project_dir}"
        ) from None


def _announced(spec: RunSpec, home: str) -> Run:
    run_dir = f"{home}/runs/{spec.run_id}"
    return Run(
        id=spec.run_id,
        name=spec.name,
        resource=spec.resource,
        script=spec.script,
        args=spec.args,
        state=RunState.UNKNOWN,
        created_at=spec.created_at,
        detail="the machine has not confirmed the start",
        project_dir=spec.project_dir,
        run_dir=run_dir,
        log_path=f"{run_dir}/train.log",
        checkpoint_dir=spec.checkpoint_dir or f"{run_dir}/checkpoints",
        attempt=spec.attempt,
    )
