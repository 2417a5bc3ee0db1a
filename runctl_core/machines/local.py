"""This machine: commands are subprocesses, and the far functions are called right here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from runctl_core.api.errors import UnreachableError
from runctl_core.api.machine import Completed, Sink
from runctl_core.machines.base import AgentMachine, faults_as_errors
from runctl_core.machines.channel import Call, ignore_frame

if TYPE_CHECKING:
    from runctl_core.machines.far.frames import Emit, Frame


@attrs.define(kw_only=True, eq=False)
class LocalMachine(AgentMachine):
    """The machine this process runs on.

    Attributes:
        base_env: the variables of every command; ``None`` for this process's own.
        cwd: where commands run unless told otherwise; ``None`` for this process's own folder.
    """

    name: str = "this machine"
    python: str = sys.executable
    base_env: Mapping[str, str] | None = None
    cwd: str | None = None

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout_s: float | None = None,
        on_stdout: Sink | None = None,
        on_stderr: Sink | None = None,
    ) -> Completed:
        """Run an argument vector to its end.

        When ``timeout_s`` passes, or this call is interrupted, the command and its process group are killed.
        """
        from runctl_core.machines.far.execute import attend, start

        stdout, stderr = bytearray(), bytearray()
        variables = {**(os.environ if self.base_env is None else self.base_env), **(env or {})}
        with faults_as_errors(self.name):
            child = start(argv, env=variables, cwd=self.cwd if cwd is None else cwd)
        try:
            exit_code = attend(
                child,
                chunks=(stdin,),
                on_stdout=on_stdout or stdout.extend,
                on_stderr=on_stderr or stderr.extend,
                timeout_s=timeout_s,
            )
        except TimeoutError:
            raise UnreachableError(
                f"{self.name}: {argv[0]} did not end within {timeout_s} s and was killed"
            ) from None
        return Completed(
            argv=tuple(argv), exit_code=exit_code, stdout=bytes(stdout), stderr=bytes(stderr)
        )

    def ask(
        self,
        call: Call,
        *,
        payload: Iterable[Frame] = (),
        on_frame: Emit = ignore_frame,
        timeout_s: float | None = None,  # noqa: ARG002 - nothing here waits for anybody
    ) -> Any:
        """Call the function here; ``timeout_s`` does not apply."""
        import importlib

        function = getattr(importlib.import_module(call.full_module), call.function)
        with faults_as_errors(self.name):
            return function(payload, on_frame, **call.arguments)
