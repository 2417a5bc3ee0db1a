"""A progress bar for bytes, where there is a terminal to draw it on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from runctl_core.api.provider import Progress
from runctl_core.cli.output import state


@contextlib.contextmanager
def byte_progress() -> Iterator[Progress]:
    """Give a function that takes a label, the bytes done and the bytes in all."""
    if state().is_quiet or state().is_json or not sys.stderr.isatty():
        yield lambda _label, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, no_color=not state().has_color(sys.stderr))
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None)

        def show(label: str, done: int, total: int) -> None:
            bars.update(task, description=label, completed=done, total=total)

        yield show
