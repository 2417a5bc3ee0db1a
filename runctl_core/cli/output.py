"""Print data to standard output and everything else to standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from runctl_core.cli.state import State

if TYPE_CHECKING:
    from runctl_core.api.errors import RunctlError
    from runctl_core.api.policy import Finding

SCHEMA = "runctl/1"
_RICH_MAX_ROWS = 500  # rich lays out about ten thousand cells a second


def state() -> State:
    """The common options of the running command."""
    ctx = click.get_current_context(silent=True)
    return ctx.ensure_object(State) if ctx else State()


def emit(
    kind: str, data: Any, text: Callable[[], None] | None = None, findings: Iterable[Finding] = ()
) -> None:
    """Print a command's result.

    Args:
        kind: what ``data`` is, such as ``run.list``.
        data: attrs values, mappings and sequences of them.
        text: prints the same for people.
    """
    now = state()
    if now.is_json:
        write_json(envelope(kind, data, findings=findings, warnings=now.warnings))
    elif text:
        text()


def envelope(
    kind: str,
    data: Any,
    *,
    findings: Iterable[Finding] = (),
    warnings: Iterable[str] = (),
    error: RunctlError | None = None,
) -> dict[str, Any]:
    """The versioned JSON form of every answer."""
    return {
        "schema": SCHEMA,
        "kind": kind,
        "data": data,
        "findings": tuple(findings),
        "warnings": tuple(warnings),
        "error": None
        if error is None
        else {"code": error.code, "message": error.message, "hint": error.hint},
    }


def write_json(document: Any) -> None:
    """Print one JSON document on one line."""
    import json

    from runctl_core.serialization import unstructure

    sys.stdout.write(json.dumps(unstructure(document), ensure_ascii=True) + "\n")
    sys.stdout.flush()


def stream(kind: str, chunks: Iterable[bytes]) -> None:
    """Print bytes as they come; with JSON, one object a piece."""
    is_json = state().is_json
    for chunk in chunks:
        if is_json:
            write_json(envelope(kind, chunk.decode("utf-8", "replace")))
        else:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()


def say(message: str) -> None:
    """Tell the person something that is not the answer; silent with ``--quiet``."""
    if not state().is_quiet:
        note(message)


def note(message: str) -> None:
    """Tell the person something even with ``--quiet``."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def warn(message: str) -> None:
    """Tell the person that something is not as it should be; JSON answers carry it too."""
    state().warnings.append(message)
    note(f"runctl: warning: {message}")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows: boxed and coloured on a terminal, plain columns for pipes and for very long tables."""
    if state().has_color() and len(rows) <= _RICH_MAX_ROWS:
        _rich_table(headers, rows)
    else:
        _plain_table(headers, rows)


def _plain_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headers, *rows)
    )
    sys.stdout.write("\n".join(lines) + "\n")


def _rich_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    Console(highlight=False).print(drawn)


STYLES = {
    "running": "green",
    "succeeded": "green",
    "ok": "green",
    "failed": "red",
    "lost": "red",
    "broken": "red",
    "unknown": "yellow",
    "warn": "yellow",
    "stopped": "yellow",
    "queued": "cyan",
    "preparing": "cyan",
    "stopping": "cyan",
}


def fields(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values, one pair a line."""
    shown = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        sys.stdout.write(f"{name.ljust(width)}  {value}\n")
