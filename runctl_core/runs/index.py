"""A shortcut to runs that are over.

One JSON line for each, appended when it is first seen.  The file holds nothing that the run folders do not: it may be
deleted at any time, and lines that are damaged are passed over.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

_BEGINNING = b'{"run_id":"'


@attrs.frozen
class RunIndex:
    """The reports of final runs by run id."""

    path: Path

    def read(self, only: Container[str] | None = None) -> dict[str, Mapping[str, Any]]:
        """Read what is there; nothing, where that is unreadable.

        Args:
            only: the ids that matter; the lines of others are not even parsed.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")
        except OSError:
            return {}
        if only is not None:
            lines = [line for line in lines if _leading_id(line) in only]
        return {name: entry for entry in _parse(lines) if (name := _run_id(entry))}

    def append(self, reports: Iterable[Mapping[str, Any]]) -> None:
        """Add final runs; a read-only or full disk only makes the next listing slower."""
        lines = [_dump(report) for report in reports]
        if not lines:
            return
        # A line break in front keeps a line that was torn from spoiling the next.
        data = b"\n" + b"\n".join(lines) + b"\n"
        with contextlib.suppress(OSError):
            self._write(data)

    def _write(self, data: bytes) -> None:
        import fcntl

        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, data)
        finally:
            os.close(descriptor)


def _dump(report: Mapping[str, Any]) -> bytes:
    """Leave out what is not known: half the bytes take half the time to read."""
    known = {"run_id": report.get("run_id")}  # comes first, see _leading_id
    known |= {key: value for key, value in report.items() if value not in (None, "")}
    return json.dumps(known, separators=(",", ":")).encode("ascii")


def _leading_id(line: bytes) -> str:
    """The id that a line of ours begins with, without parsing the line."""
    start = len(_BEGINNING)
    return line[start : line.find(b'"', start)].decode("ascii", "replace")


def _parse(lines: list[bytes]) -> Iterable[Any]:
    """Parse all lines at once, which is several times faster; one by one where some are damaged."""
    whole = [line for line in lines if line]
    try:
        together = json.loads(b"[" + b",".join(whole) + b"]")
    except (ValueError, RecursionError):
        return [entry for line in whole if (entry := _parse_one(line)) is not None]
    return together if isinstance(together, list) else []


def _parse_one(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _run_id(entry: Any) -> str | None:
    name = entry.get("run_id") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else None
