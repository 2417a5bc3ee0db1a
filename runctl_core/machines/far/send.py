"""Turn files into frames: for each path a header, then for a file its data and digest.

A record is a path as data: ``path``, ``kind``, ``executable``, ``target``, ``size_bytes``, ``sha256``, ``mtime_ns``.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING

from runctl_core.machines.far.frames import CHUNK_BYTES, DATA, DIGEST, HEADER
from runctl_core.machines.far.root import Root
from runctl_core.machines.far.scan import scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, BinaryIO

    from runctl_core.machines.far.frames import Emit, Frame

    Record = dict[str, Any]


def send(
    payload: Iterable[Frame], emit: Emit, source: str, records: list[Record] | None = None
) -> dict[str, Any]:
    """Send the file ``source``, or of the folder ``source`` the given records, or all of it.

    Returns:
        ``left_out``: paths that cannot be copied: links that leave the folder, devices, folders that may not be listed.

    Raises:
        PermissionError: a file may not be read.
    """
    del payload
    path = os.path.expanduser(source)
    left_out: list[str] = []
    if os.path.isdir(path) and records is None:
        found = scan((), emit, path)
        records, left_out = found["records"], found["left_out"]
    for kind, data in frames_of(path, records):
        emit(kind, data)
    return {"left_out": left_out}


def frames_of(path: str, records: list[Record] | None) -> Iterator[Frame]:
    """The frames of records below a folder, or without records of one file, whose path is then empty."""
    if records is None:
        with open(path, "rb") as file:
            yield from file_frames(_own_record(file), file)
        return
    with Root(path) as root:
        for record in records:
            if record["kind"] != "file":
                yield header(record)
                continue
            try:
                descriptor = root.open_file(record["path"])
            except FileNotFoundError:
                continue  # a live folder: checkpoints rotate while they are fetched
            with os.fdopen(descriptor, "rb") as file:
                yield from file_frames(record, file)


def file_frames(record: Record, file: BinaryIO) -> Iterator[Frame]:
    """The frames of one file: what it held up to its length when it was opened, so that a growing log ends."""
    yield header(record)
    digest = hashlib.sha256()
    remaining = file.seek(0, os.SEEK_END)
    file.seek(0)
    while remaining:
        data = file.read(min(CHUNK_BYTES, remaining))
        if not data:
            break
        remaining -= len(data)
        digest.update(data)
        yield DATA, data
    yield DIGEST, digest.hexdigest().encode()


def header(record: Record) -> Frame:
    """The frame that announces a path."""
    return HEADER, json.dumps(record).encode()


def _own_record(file: BinaryIO) -> Record:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{file.name}: not a regular file")
    return {
        "path": "",
        "kind": "file",
        "executable": bool(status.st_mode & stat.S_IXUSR),
        "mtime_ns": status.st_mtime_ns,
    }
