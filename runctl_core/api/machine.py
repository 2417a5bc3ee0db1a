"""A machine: somewhere to put files, run something and read files.

Everything a run needs is built on these five methods, so a provider that can connect to its machines gets training,
logs, status, processes and transfers from the core.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import attrs

if TYPE_CHECKING:
    from runctl_core.api.tree import Tree

Sink = Callable[[bytes], None]


@attrs.frozen(kw_only=True)
class Completed:
    """How a command on a machine ended; ``exit_code`` is minus the signal number when a signal ended it."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""


@attrs.frozen(kw_only=True)
class FileSlice:
    """Part of a file: ``data`` starts at ``offset``; ``size_bytes`` is the whole file's length at that moment."""

    data: bytes
    offset: int
    size_bytes: int


@attrs.define(kw_only=True, eq=False)
class Machine(abc.ABC):
    """Somewhere to run things.  Paths are the machine's own; a leading ``~`` is its user's home.

    Every method raises ``UnreachableError`` when the machine does not answer: what happened there is then unknown.

    Attributes:
        name: for messages.
        home: the folder that holds ``runs/``, ``locks/`` and ``projects/``.
        python: the interpreter that runs the supervisor and the file helper (Python 3.8 or newer).
    """

    name: str
    home: str = "~/.runctl"
    python: str = "python3"

    @abc.abstractmethod
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
        """Run an argument vector to its end.  No shell ever sees it.

        Args:
            env: variables to add to the machine's own.
            on_stdout, on_stderr: receive output as it comes, instead of ``Completed``.

        Raises:
            NotFoundError: the machine has no such program.
            UnreachableError: the machine went away or ``timeout_s`` passed; the command may still run there.
        """

    @abc.abstractmethod
    def put(self, tree: Tree, destination: str) -> None:
        """Make ``destination`` hold the files of ``tree``, sending only what differs.

        Files that an earlier ``put`` placed and ``tree`` no longer has are removed; nothing else is.
        """

    @abc.abstractmethod
    def get(self, source: str, destination: Path) -> None:
        """Copy the file or folder ``source`` to ``destination`` on this machine.

        Raises:
            NotFoundError: there is no ``source``.
        """

    @abc.abstractmethod
    def read(self, path: str, offset: int = 0, limit: int | None = None) -> FileSlice:
        """Read part of a file; a negative ``offset`` counts from the end.

        Raises:
            NotFoundError: there is no such file.
        """

    def close(self) -> None:  # noqa: B027 - having nothing to close is fine
        """Let go of connections.  The machine itself goes on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
