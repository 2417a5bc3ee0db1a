"""A machine whose every operation is a call of a far function, however it gets there."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from runctl_core.api.errors import InputError, NotFoundError, PartialError, RunctlError
from runctl_core.api.machine import Completed, FileSlice, Machine, Sink
from runctl_core.machines.channel import Call, ignore_frame
from runctl_core.machines.far.frames import CHUNK_BYTES, DATA, OUT

if TYPE_CHECKING:
    from pathlib import Path

    from runctl_core.api.tree import Tree
    from runctl_core.machines.far.frames import Emit, Frame

_ERRORS = {"not_found": NotFoundError, "bad_input": InputError, "failed": RunctlError}


@attrs.define(kw_only=True, eq=False)
class AgentMachine(Machine):
    """A machine that can be asked to call the functions of ``runctl_core.machines.far``."""

    @abc.abstractmethod
    def ask(
        self,
        call: Call,
        *,
        payload: Iterable[Frame] = (),
        on_frame: Emit = ignore_frame,
        timeout_s: float | None = None,
    ) -> Any:
        """Have the far side call a function and return its value.

        Args:
            payload: frames for the function to read.
            on_frame: receives the frames it emits.

        Raises:
            NotFoundError, InputError, RunctlError: what the function says.
            UnreachableError: the connection ended before the function did, or ``timeout_s`` passed.
        """

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
        """Run an argument vector to its end; see ``Machine.run``."""
        stdout, stderr = bytearray(), bytearray()
        take_out, take_err = on_stdout or stdout.extend, on_stderr or stderr.extend
        exit_code = self.ask(
            Call(
                module="execute",
                function="execute",
                arguments={"argv": list(argv), "env": dict(env or {}), "cwd": cwd},
            ),
            payload=data_frames(stdin),
            on_frame=lambda kind, data: (take_out if kind == OUT else take_err)(data),
            timeout_s=timeout_s,
        )
        return Completed(
            argv=tuple(argv), exit_code=exit_code, stdout=bytes(stdout), stderr=bytes(stderr)
        )

    def put(self, tree: Tree, destination: str) -> None:
        """Make ``destination`` hold the files of ``tree``, sending only what differs; see ``Machine.put``.

        A file that was placed, has changed there since and is in ``tree`` no more stays.
        """
        from runctl_core.machines.trees import Source

        source = Source.of(tree)
        arguments = {"destination": destination, "records": source.records}
        state = self.ask(Call(module="receive", function="compare", arguments=arguments))
        if state["is_same"]:
            return
        missing = frozenset(state["missing"])
        self.ask(
            Call(
                module="receive",
                function="replace",
                arguments={**arguments, "expected_bytes": source.size_bytes(missing)},
            ),
            payload=source.frames(missing),
        )

    def get(self, source: str, destination: Path) -> None:
        """Copy the file or folder ``source`` to ``destination`` on this machine; see ``Machine.get``.

        Raises:
            PartialError: all was copied but some paths, such as links that leave the folder.
        """
        from runctl_core.machines.far.receive import Receiver

        call = Call(module="send", function="send", arguments={"source": source})
        with faults_as_errors("this machine"), Receiver(str(destination)) as receiver:
            left_out = self.ask(call, on_frame=receiver.feed)["left_out"]
        if left_out:
            raise PartialError(
                f"{source}: {len(left_out)} paths were not copied, first {left_out[0]!r}",
                hint="links that leave the folder, devices and unreadable files stay where they are",
            )

    def read(self, path: str, offset: int = 0, limit: int | None = None) -> FileSlice:
        """Read part of a file; see ``Machine.read``."""
        data = bytearray()
        arguments = {"path": path, "offset": offset, "limit": limit}
        found = self.ask(
            Call(module="scan", function="read_slice", arguments=arguments),
            on_frame=lambda _kind, piece: data.extend(piece),
        )
        return FileSlice(data=bytes(data), **found)


def far_error(name: str, error: Mapping[str, str]) -> RunctlError:
    """The error that a far function's fault means here."""
    return _ERRORS[error["kind"]](f"{name}: {error['message']}")


@contextlib.contextmanager
def faults_as_errors(name: str) -> Iterator[None]:
    """Raise what far functions raise, when they are called here, as the errors of the interface."""
    from runctl_core.machines.far.serve import describe

    try:
        yield
    except (OSError, ValueError) as error:
        raise far_error(name, describe(error)) from error


def data_frames(data: bytes) -> Iterator[Frame]:
    """Bytes as data frames of a bounded size."""
    for start in range(0, len(data), CHUNK_BYTES):
        yield DATA, data[start : start + CHUNK_BYTES]
