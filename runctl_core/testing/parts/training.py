"""A training starts, is watched, and ends as its script does."""

from __future__ import annotations

from pathlib import Path

import pytest

from runctl_core.api.errors import BusyError
from runctl_core.api.model import Ref, Resource, Run, RunState
from runctl_core.api.requests import ExecRequest
from runctl_core.facade import ProviderHandle
from runctl_core.testing.parts.base import (
    DEADLINE_S,
    ENDLESS,
    Base,
    compose_training,
    runs_of,
    wait_until,
)
from runctl_core.testing.parts.gate import needs

ECHO = "import sys\nprint(*sys.argv[1:], sep='|', flush=True)\nsys.exit(3)\n"
ARGS = ("--lr", "1e-3", "", "two words", "$HOME", "a'b\"c", "--", "-x", "ü\n")


class Training(Base):
    """Runs."""

    @needs("train", "logs")
    def test_training_ends_as_its_script_does(
        self, provider: ProviderHandle, target: Ref | None, tmp_path: Path
    ) -> None:
        """Arguments reach the script untouched, its output is the log, its exit code is the run's."""
        request = compose_training(provider, tmp_path / "project", ECHO, *ARGS, target=target)
        run = runs_of(provider).wait(provider.train(request), timeout_s=DEADLINE_S)
        assert (run.state, run.exit_code) == (RunState.FAILED, 3)
        assert "|".join(ARGS) in log_of(provider, run)

    @needs("train", "logs")
    def test_second_training_is_refused(
        self, provider: ProviderHandle, target: Ref | None, tmp_path: Path
    ) -> None:
        """While one trains a second is refused, and the first goes on and saves when it is stopped."""
        request = compose_training(provider, tmp_path / "project", ENDLESS, target=target)
        run = provider.train(request)
        wait_until(lambda: "ready" in log_of(provider, run), "the training is ready")
        other = compose_training(provider, tmp_path / "project", ENDLESS, target=target)
        with pytest.raises(BusyError, match=run.id):
            provider.train(other)
        runs_of(provider).stop(run)
        ended = runs_of(provider).wait(run, timeout_s=DEADLINE_S)
        assert ended.state is RunState.STOPPED
        assert "saved" in log_of(provider, run)

    @needs("logs", "train")
    def test_tail_of_the_log(
        self, provider: ProviderHandle, target: Ref | None, tmp_path: Path
    ) -> None:
        """The last lines of a log are the last lines; following it ends with the training."""
        script = "for number in range(100): print(number, flush=True)\n"
        request = compose_training(provider, tmp_path / "project", script, target=target)
        run = provider.train(request)
        followed = b"".join(provider.logs(run.resource, follow=True, tail_lines=None))
        assert followed.decode().split() == [str(number) for number in range(100)]
        tail = b"".join(provider.logs(run.resource, follow=False, tail_lines=2))
        assert tail.decode().split() == ["98", "99"]

    @needs("execute")
    def test_command_is_executed(self, provider: ProviderHandle, rented: Resource) -> None:
        """A command gets its arguments and its input untouched, and gives its output and exit code."""
        code = "import sys; print(sys.argv[1:], sys.stdin.read()); sys.exit(4)"
        request = ExecRequest(argv=("python3", "-c", code, *ARGS), stdin=b"input")
        done = provider.execute(rented.ref, request)
        assert done.exit_code == 4
        assert done.stdout.decode() == f"{list(ARGS)} input\n"


def log_of(provider: ProviderHandle, run: Run) -> str:
    """The log of the newest training there, as far as it goes."""
    return b"".join(provider.logs(run.resource, follow=False, tail_lines=None)).decode()
