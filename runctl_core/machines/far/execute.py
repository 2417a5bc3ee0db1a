"""Run an argument vector to its end, feeding its input and passing its output on as it comes."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from runctl_core.machines.far.frames import CHUNK_BYTES, ERR, OUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from runctl_core.machines.far.frames import Emit, Frame

    Sink = Callable[[bytes], None]

LINGER_S = 1.0
"""How long to read on after the command's end while something it left behind keeps its output open."""

_TICK_S = 0.1


def execute(
    payload: Iterable[Frame],
    emit: Emit,
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str | None,
) -> int:
    """Run ``argv`` for the other side; the payload's data is its standard input."""
    return attend(
        start(argv, env={**os.environ, **env}, cwd=cwd),
        chunks=(data for _kind, data in payload),
        on_stdout=lambda data: emit(OUT, data),
        on_stderr=lambda data: emit(ERR, data),
    )


def start(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: str | None = None
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own; ``attend`` must follow.

    Raises:
        FileNotFoundError: no such program or working folder.
    """
    try:
        return subprocess.Popen(
            argv,
            env=env,
            cwd=None if cwd is None else os.path.expanduser(cwd),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        what = "no such program" if error.filename == argv[0] else "no such working folder"
        raise FileNotFoundError(error.errno, what, error.filename) from None


def attend(
    child: subprocess.Popen[bytes],
    *,
    chunks: Iterable[bytes] = (),
    on_stdout: Sink,
    on_stderr: Sink,
    timeout_s: float | None = None,
) -> int:
    """Feed a command, pass its output on and return its exit code, or minus the signal that ended it.

    Whatever is raised on the way, by the chunks, a sink or an interrupt, the command's group is killed first.

    Raises:
        TimeoutError: ``timeout_s`` passed.
    """
    feeder = _Feeder(child, chunks)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        feeder.start()
        _drain(child, on_stdout, on_stderr, deadline)
        exit_code = _wait(child, deadline)
    except BaseException:
        _kill_group(child)
        raise
    finally:
        _close_outputs(child)
    feeder.finish()
    return exit_code


class _Feeder:
    """Writes the input in a thread, so that a command that does not read cannot stop its output."""

    def __init__(self, child: subprocess.Popen[bytes], chunks: Iterable[bytes]) -> None:
        self._child = child
        self._chunks = chunks
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Raise what went wrong with the input, if anything did."""
        self._thread.join(LINGER_S)
        if self._error is not None:
            raise self._error

    def _feed(self) -> None:
        assert self._child.stdin is not None
        try:
            for chunk in self._chunks:
                _write_all(self._child.stdin.fileno(), chunk)
        except BrokenPipeError:
            pass  # the command has ended or does not want more
        except BaseException as error:  # noqa: BLE001 - raised again where the command is waited for
            self._error = error
            _kill_group(self._child)
        finally:
            self._child.stdin.close()


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _drain(
    child: subprocess.Popen[bytes], on_stdout: Sink, on_stderr: Sink, deadline: float | None
) -> None:
    """Pass output on until both streams end, or the command has ended and something else holds them."""
    assert child.stdout is not None
    assert child.stderr is not None
    linger_until = None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ, on_stdout)
        selector.register(child.stderr, selectors.EVENT_READ, on_stderr)
        while selector.get_map():
            for key, _events in selector.select(_TICK_S):
                data = os.read(key.fd, CHUNK_BYTES)
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)
            now = time.monotonic()
            _check_deadline(deadline, now)
            if linger_until is None and child.poll() is not None:
                linger_until = now + LINGER_S
            if linger_until is not None and now > linger_until:
                return


def _check_deadline(deadline: float | None, now: float) -> None:
    if deadline is not None and now > deadline:
        raise TimeoutError


def _wait(child: subprocess.Popen[bytes], deadline: float | None) -> int:
    remaining_s = None if deadline is None else max(0.0, deadline - time.monotonic())
    try:
        return child.wait(remaining_s)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kill the command and what it started, unless it was waited for and its number may be another's."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _close_outputs(child: subprocess.Popen[bytes]) -> None:
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()
