"""Cut a byte stream into frames: one byte of kind, four bytes of length, then the data."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    Emit = Callable[[bytes, bytes], None]
    Frame = tuple[bytes, bytes]

OUT = b"o"
ERR = b"e"
HEADER = b"h"
DATA = b"d"
DIGEST = b"s"
PROGRESS = b"p"
ANSWER = b"a"
END = b"."

CHUNK_BYTES = 1 << 18

_PREFIX = struct.Struct(">cI")


def encode(kind: bytes, data: bytes = b"") -> bytes:
    """One frame as bytes."""
    return _PREFIX.pack(kind, len(data)) + data


def read_frames(stream: BinaryIO) -> Iterator[Frame]:
    """Yield frames up to the ``END`` frame.

    Raises:
        EOFError: the stream ended first, so the other side went away.
    """
    while True:
        kind, size_bytes = _PREFIX.unpack(_read_exactly(stream, _PREFIX.size))
        data = _read_exactly(stream, size_bytes)
        if kind == END:
            return
        yield kind, data


def _read_exactly(stream: BinaryIO, size_bytes: int) -> bytes:
    data = stream.read(size_bytes)
    if len(data) < size_bytes:
        raise EOFError("the connection ended in the middle of a request")
    return data


class FrameParser:
    """Cuts frames out of pieces of any length."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take one piece and yield the frames that are complete by now."""
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= _PREFIX.size:
            kind, size_bytes = _PREFIX.unpack_from(self._buffer, start)
            end = start + _PREFIX.size + size_bytes
            if len(self._buffer) < end:
                break
            yield kind, bytes(self._buffer[start + _PREFIX.size : end])
            start = end
        del self._buffer[:start]
