"""One request to a machine's far side, as bytes there and frames back.

The command line that starts the far side is a constant (``command_argv``), so no shell can misread data: programs,
arguments and files all travel through its standard input.  The answer begins with a greeting made of a fresh random
word, so that what a login shell prints is never taken for it, and ends with an answer frame, so that a cut connection
is never taken for a result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from runctl_core.api.errors import InputError
from runctl_core.machines.far.frames import ANSWER, END, FrameParser, encode

if TYPE_CHECKING:
    from runctl_core.machines.far.frames import Emit, Frame

READER = "import sys; i = sys.stdin.buffer; exec(i.read(int(i.readline())))"
"""The program that is typed on the command line; it holds no character that a shell's single quotes give a meaning."""

_FAR = "runctl_core.machines.far"
_KEPT_NOISE_BYTES = 2048


@attrs.frozen(kw_only=True)
class Call:
    """A function of a far module and its arguments, which must be JSON."""

    module: str
    function: str
    arguments: Mapping[str, Any]

    @property
    def full_module(self) -> str:
        """The importable name of the module."""
        return f"{_FAR}.{self.module}"


MODULES = {
    "execute": ("frames", "execute"),
    "scan": ("frames", "root", "scan"),
    "send": ("frames", "root", "scan", "send"),
    "receive": ("frames", "root", "scan", "receive"),
    "copy": ("frames", "root", "scan", "send", "receive", "copy"),
    "processes": ("frames", "processes"),
}
"""What each far module needs, in the order it is loaded."""


def command_argv(python: str) -> tuple[str, ...]:
    """The constant command that starts the far side, isolated from packages and files lying around there.

    Raises:
        InputError: ``python`` is not a plain program name or path.
    """
    if not re.fullmatch(r"[A-Za-z0-9_/.][A-Za-z0-9_/.+-]*", python):
        raise InputError(
            f"{python!r} is not the name or path of a Python interpreter",
            hint="use letters, digits and . _ / + - only",
        )
    return (python, "-I", "-S", "-X", "utf8", "-c", READER)


def command_line(python: str) -> str:
    """``command_argv`` for a login shell: sh, bash, dash, zsh, fish and csh read it alike."""
    *words, program = command_argv(python)
    return f"{' '.join(words)} '{program}'"


def request_bytes(call: Call, greeting: str, payload: Iterable[Frame]) -> Iterator[bytes]:
    """The whole request, piece by piece."""
    names = [f"{_FAR}.{name}" for name in MODULES[call.module]]
    request = {
        "modules": names,
        "module": call.full_module,
        "function": call.function,
        "arguments": dict(call.arguments),
        "greeting": greeting,
    }
    blocks = [_source(f"{_FAR}.serve"), json.dumps(request).encode(), *map(_source, names)]
    yield b"".join(b"%d\n%b" % (len(block), block) for block in blocks)
    for kind, data in payload:
        yield encode(kind, data)
    yield encode(END)


class AnswerReader:
    """Takes the far side's output as it comes and passes its frames on.

    Attributes:
        has_greeted: the far side has begun.
        answer: ``{"value": …}`` or ``{"error": …}`` once it has ended.
        noise: the end of what came before the greeting.
    """

    def __init__(self, greeting: str, on_frame: Emit) -> None:
        self._greeting = greeting.encode() + b"\n"
        self._on_frame = on_frame
        self._parser = FrameParser()
        self.has_greeted = False
        self.answer: dict[str, Any] | None = None
        self.noise = b""

    def feed(self, data: bytes) -> None:
        """Take one piece."""
        if not self.has_greeted:
            before, found, data = (self.noise + data).partition(self._greeting)
            self.noise = before[-_KEPT_NOISE_BYTES:]
            if not found:
                return
            self.has_greeted = True
        if self.answer is None:
            self._take(data)

    def _take(self, data: bytes) -> None:
        for kind, content in self._parser.feed(data):
            if kind == ANSWER:
                self.answer = json.loads(content)
                return  # a shell may print more as it leaves
            self._on_frame(kind, content)


def ignore_frame(kind: bytes, data: bytes) -> None:
    """For requests whose answer is all that matters."""


def _source(name: str) -> bytes:
    import importlib.resources

    package, _, module = name.rpartition(".")
    return importlib.resources.files(package).joinpath(f"{module}.py").read_bytes()
