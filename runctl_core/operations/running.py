"""Look at a run, wait for it and end it, wherever it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from runctl_core.api.errors import InputError
from runctl_core.api.machine import Machine
from runctl_core.api.model import Resource, ResourceKind, ResourceState, Run
from runctl_core.facade import ProviderHandle
from runctl_core.runs.store import RunStore

_FAR_POLL_S = 5.0
_NEAR_POLL_S = 0.2


@attrs.frozen(kw_only=True)
class Runs:
    """The known runs and the way to the machines they train on.

    Attributes:
        provider: gives a provider by name.
    """

    store: RunStore
    provider: Callable[[str], ProviderHandle]
    sleep: Callable[[float], None]

    def look(self, run: Run) -> Run:
        """How a run stands now.

        Raises:
            UnreachableError: its machine does not answer.
        """
        if not self.store.is_remote(run.id):
            return self.store.get(run.id)
        if run.state.is_final:
            return run
        from runctl_core.runs.control import read_run

        with self.machine(run) as machine:
            seen = attrs.evolve(read_run(machine, run.run_dir), resource=run.resource)
        self.store.record_remote(seen)
        return seen

    def wait(self, run: Run, *, timeout_s: float | None = None) -> Run:
        """Wait until a run is over, or time is up, and return how it stands then."""
        from runctl_core.runs.control import wait_run

        poll_s = _FAR_POLL_S if self.store.is_remote(run.id) else _NEAR_POLL_S
        return wait_run(
            lambda: self.look(run), timeout_s=timeout_s, sleep=self.sleep, poll_s=poll_s
        )

    def log(self, run: Run, *, follow: bool, tail_lines: int | None) -> Iterator[bytes]:
        """A run's log, to its end when following."""
        from runctl_core.runs.logs import read_log

        with self.machine(run) as machine:
            yield from read_log(
                machine,
                run.log_path,
                lambda: self.look(run),
                follow=follow,
                tail_lines=tail_lines,
                sleep=self.sleep,
            )

    def stop(self, run: Run, *, grace_s: float | None = None) -> Run:
        """Ask a run to save and end; returns at once."""
        from runctl_core.runs.control import stop_run

        if run.state.is_final:
            raise InputError(
                f"run {run.id} is over already: it {run.state}",
                hint=f"'runctl runs resume {run.id}' trains on from its newest checkpoint",
            )
        with self.machine(run) as machine:
            return stop_run(machine, run.run_dir, grace_s=grace_s)

    def as_target(self, run: Run) -> Resource:
        """A run as what an action is about: the training itself, not the machine that it is on."""
        return Resource(
            ref=run.resource,
            kind=ResourceKind.PROCESS,
            name=run.name,
            state=ResourceState.STOPPED if run.state.is_final else ResourceState.RUNNING,
            created_at=run.created_at,
            run_id=run.id,
            native={"run_state": str(run.state), "detail": run.detail},
        )

    def machine(self, run: Run) -> Machine:
        """A way onto the machine that a run trains on."""
        return self.provider(run.resource.provider).connect(run.resource)
