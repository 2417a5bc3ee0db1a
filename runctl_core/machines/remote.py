"""A machine on which all it takes is to start one constant command."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from runctl_core.api.errors import NotFoundError, RunctlError, UnreachableError
from runctl_core.api.machine import Machine, Sink
from runctl_core.machines.base import AgentMachine, far_error
from runctl_core.machines.channel import (
    AnswerReader,
    Call,
    command_argv,
    ignore_frame,
    request_bytes,
)

if TYPE_CHECKING:
    from runctl_core.machines.far.frames import Emit, Frame


@attrs.frozen(kw_only=True)
class Ended:
    """How the far side's process ended: its exit code and the end of its error output."""

    exit_code: int
    stderr: bytes = b""


@attrs.define(kw_only=True, eq=False)
class RemoteMachine(AgentMachine):
    """A machine whose every operation is a request to a helper that is sent along.

    A subclass implements ``converse``; ``runctl_core.machines.far.execute.run_child`` does most of it.
    """

    @abc.abstractmethod
    def converse(self, chunks: Iterable[bytes], on_stdout: Sink, timeout_s: float | None) -> Ended:
        """Run ``channel.command_argv(self.python)`` there, feed it the chunks and pass its output on.

        Raises:
            UnreachableError: it could not be started there, or ``timeout_s`` passed.
        """

    def ask(
        self,
        call: Call,
        *,
        payload: Iterable[Frame] = (),
        on_frame: Emit = ignore_frame,
        timeout_s: float | None = None,
    ) -> Any:
        """Have the far side call a function and return its value.

        Raises:
            NotFoundError, InputError, RunctlError: what the function says.
            UnreachableError: the connection ended before the function did.
        """
        import secrets

        greeting = secrets.token_hex(16)
        reader = AnswerReader(greeting, on_frame)
        ended = self.converse(request_bytes(call, greeting, payload), reader.feed, timeout_s)
        if reader.answer is None:
            raise self.failure(reader, ended)
        if "error" in reader.answer:
            raise far_error(self.name, reader.answer["error"])
        return reader.answer["value"]

    def failure(self, reader: AnswerReader, ended: Ended) -> RunctlError:
        """The error for a far side that ended without an answer."""
        if reader.has_greeted:
            return UnreachableError(
                f"{self.name}: the connection ended before the command did",
                hint="it may still run there; look before you repeat it",
            )
        if ended.exit_code in {126, 127}:
            return NotFoundError(
                f"{self.name}: cannot start {self.python} there",
                hint="install Python 3.8 or newer on it, or name its interpreter",
            )
        said = last_line(ended.stderr) or last_line(reader.noise) or "it said nothing"
        return UnreachableError(
            f"{self.name}: the helper did not start (exit {ended.exit_code}): {said}"
        )


@attrs.define(kw_only=True, eq=False)
class OverRun(RemoteMachine):
    """Any machine as an ``AgentMachine``: the far side is started by its ``run``.

    Payloads pass through memory whole.
    """

    inner: Machine

    def converse(self, chunks: Iterable[bytes], on_stdout: Sink, timeout_s: float | None) -> Ended:
        """Have the inner machine run the command."""
        done = self.inner.run(
            command_argv(self.python),
            stdin=b"".join(chunks),
            timeout_s=timeout_s,
            on_stdout=on_stdout,
        )
        return Ended(exit_code=done.exit_code, stderr=done.stderr)


def as_agent(machine: Machine) -> AgentMachine:
    """The machine itself if it can be asked, or a view of it that can."""
    if isinstance(machine, AgentMachine):
        return machine
    return OverRun(name=machine.name, home=machine.home, python=machine.python, inner=machine)


def last_line(output: bytes) -> str:
    """The last line that says something, without control characters."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines()]
    said = [line for line in lines if line]
    return "".join(c for c in said[-1] if c.isprintable())[:300] if said else ""
