"""Reading a log that grows, on a machine that is sometimes away."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.api.errors import NotFoundError, UnreachableError
from runctl_core.api.machine import FileSlice
from runctl_core.api.model import Ref, Run, RunState
from runctl_core.runs import logs
from runctl_core.runs.control import wait_run
from runctl_core.runs.logs import read_log

RUN = Run(
    id="r", name="r", resource=Ref(provider="p", id="r"), script="s", args=(), state=RunState.RUNNING,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip


class Scripted:
    """A machine with one file; each sleep plays the next step of a script."""

    def __init__(self, content=b"", steps=()):
        self.content, self.state, self.slept_s = content, RunState.RUNNING, 0.0
        self.is_away = False
        self.steps = iter(steps)

    def read(self, path, offset=0, limit=None):
        """``Machine.read``."""
        if self.is_away:
            raise UnreachableError("away")
        if self.content is None:
            raise NotFoundError("no log")
        data = self.content[offset:][:limit]
        return FileSlice(data=data, offset=offset, size_bytes=len(self.content))

    def sleep(self, seconds):
        """Let time pass."""
        self.slept_s += seconds
        step = next(self.steps, None)
        if step:
            step(self)

    def run(self):
        """How the run stands."""
        return attrs.evolve(RUN, state=self.state)

    def log(self, **options):
        """The whole of what is read."""
        return b"".join(read_log(self, "/log", self.run, sleep=self.sleep, **options))


def append(data):
    """A step that makes the log longer."""

    def step(machine):
        machine.content = (machine.content or b"") + data

    return step


def change(**fields):
    """A step that changes the machine."""

    def step(machine):
        vars(machine).update(fields)

    return step


def test_following_ends_with_the_run():
    """Also what is written just before the end is read."""

    def end(machine):
        append(b"last\n")(machine)
        machine.state = RunState.SUCCEEDED

    assert Scripted(b"first\n", [append(b"more\n"), end]).log(follow=True) == b"first\nmore\nlast\n"


def test_following_waits_for_a_log():
    """A run that waits in the queue has none yet."""
    machine = Scripted(None, [None, append(b"x"), change(state=RunState.FAILED)])
    assert machine.log(follow=True) == b"x"


def test_following_survives_a_lost_connection():
    """The log goes on where it was."""
    steps = [change(is_away=True), None, None, change(is_away=False), append(b"b")]
    machine = Scripted(b"a", [*steps, change(state=RunState.SUCCEEDED)])
    assert machine.log(follow=True) == b"ab"


def test_patience_has_an_end():
    """After ten minutes the machine is reported unreachable."""
    machine = Scripted(b"a", [change(is_away=True)])
    with pytest.raises(UnreachableError):
        machine.log(follow=True)
    assert 600 <= machine.slept_s < 700


def test_a_shorter_log_is_read_anew():
    """A log that somebody emptied is followed from its beginning."""
    machine = Scripted(b"long line\n", [change(content=b"new\n"), change(state=RunState.STOPPED)])
    assert machine.log(follow=True) == b"long line\nnew\n"


def test_without_following_nothing_waits():
    """What is there is given, and that is all."""
    machine = Scripted(b"a\nb\n")
    assert machine.log() == b"a\nb\n"
    assert machine.slept_s == 0


@given(
    lines=st.lists(st.binary(max_size=8).map(lambda data: data.replace(b"\n", b"."))),
    count=st.integers(0, 8),
    ends=st.booleans(),
    step=st.integers(1, 7),
    chunk=st.integers(1, 9),
)
def test_the_tail_is_the_last_lines(lines, count, ends, step, chunk):
    """However the file is cut into pieces."""
    content = b"\n".join(lines) + (b"\n" if ends and lines else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logs, "TAIL_STEP_BYTES", step)
        patch.setattr(logs, "CHUNK_BYTES", max(chunk, step))
        found = Scripted(content).log(tail_lines=count)
    whole = content.split(b"\n")
    if whole[-1] == b"":
        whole.pop()
    kept = whole[len(whole) - count :] if count < len(whole) else whole
    assert found.rstrip(b"\n").split(b"\n") == (b"\n".join(kept)).rstrip(b"\n").split(b"\n")
    assert content.endswith(found)


def waiting(*states):
    """A run that goes through states, one each time it is looked at."""
    remaining = list(states)
    return lambda: attrs.evolve(RUN, state=remaining.pop(0) if len(remaining) > 1 else remaining[0])


@pytest.mark.parametrize("end", ["succeeded", "failed", "stopped", "lost"])
def test_waiting_ends_when_nothing_more_will_happen(end):
    """Over, or lost."""
    clock = Clock()
    read = waiting("queued", "preparing", "running", "stopping", end)
    read_state = lambda: attrs.evolve(read(), state=RunState(read().state))  # noqa: E731
    found = wait_run(read_state, sleep=clock.sleep, clock=clock.now)
    assert found.state == RunState(end)


def test_waiting_has_a_time_limit():
    """When time is up the run is given as it stands."""
    clock = Clock()
    found = wait_run(waiting(RunState.RUNNING), timeout_s=5, sleep=clock.sleep, clock=clock.now)
    assert found.state is RunState.RUNNING
    assert clock.now() == pytest.approx(5)


def test_an_unknown_run_gets_the_time_that_starting_takes():
    """It may be about to begin; after a minute it is given as it stands."""
    clock = Clock()
    found = wait_run(waiting(RunState.UNKNOWN), sleep=clock.sleep, clock=clock.now)
    assert found.state is RunState.UNKNOWN
    assert 60 <= clock.now() < 62


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        """Seconds."""
        return self.seconds

    def sleep(self, seconds):
        """Pass time."""
        self.seconds += seconds
