"""Answer one request: read modules, a call and its payload from standard input; write frames to standard output.

This is the first program the other side runs.  It loads the modules it is sent under their own names, so that they
import each other exactly as they do at home.
"""

from __future__ import annotations

import json
import os
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import BinaryIO


def describe(error: Exception) -> dict[str, str]:
    """An error as data: what kind of fault, and one line about it."""
    kind = next((kind for kind, classes in _KINDS.items() if isinstance(error, classes)), "failed")
    return {"kind": kind, "message": _sentence(error)}


_KINDS: dict[str, tuple[type[Exception], ...]] = {
    "not_found": (FileNotFoundError,),
    "bad_input": (ValueError, IsADirectoryError, NotADirectoryError),
}


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def main() -> None:
    """Serve standard input and output, then leave without waiting for threads that wait for input."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, answers)
    os._exit(0)


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    request = json.loads(_block(requests))
    for name in request["modules"]:
        _load(name, _block(requests))
    answers.write(request["greeting"].encode() + b"\n")
    answers.flush()

    from runctl_core.machines.far.frames import ANSWER, encode, read_frames

    def emit(kind: bytes, data: bytes) -> None:
        answers.write(encode(kind, data))
        answers.flush()

    try:
        function = getattr(sys.modules[request["module"]], request["function"])
        answer: dict[str, Any] = {
            "value": function(read_frames(requests), emit, **request["arguments"])
        }
    except Exception as error:  # noqa: BLE001 - the other side decides what it means
        answer = {"error": describe(error)}
    emit(ANSWER, json.dumps(answer).encode())


def _load(name: str, source: bytes) -> None:
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - this is how modules arrive


def _block(stream: BinaryIO) -> bytes:
    return stream.read(int(stream.readline()))


if __name__ == "__main__":
    main()
