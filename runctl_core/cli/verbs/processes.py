"""``runctl PROVIDER processes``."""

from __future__ import annotations

import shlex
from datetime import timedelta

import click

from runctl_core.api.info import ProviderInfo
from runctl_core.cli import words
from runctl_core.cli.frame import command
from runctl_core.cli.output import emit, fields, table
from runctl_core.cli.session import current
from runctl_core.machines.processes import Gpu, ProcessReport, TrainingProcess, read_processes

_COMMAND_CHARS = 80


def build(info: ProviderInfo) -> click.Command:
    """Make the verb for one provider."""

    @command("processes", help="Show processor, memory, GPUs and trainings there.")
    @click.argument("id")
    def processes(id: str) -> None:  # noqa: A002 - what the user sees
        session = current()
        ref = session.resolve(info.name, id)
        with session.provider(info.name).connect(ref) as machine:
            report = read_processes(machine)
        emit("processes", report, lambda: _print(report))

    return processes


def _print(report: ProcessReport) -> None:
    fields(
        [
            ("processors", _text(report.cpu_count)),
            ("busy", _percent(report.cpu_percent)),
            ("load", _text(report.load_1min)),
            ("memory", _memory(report.memory_used_bytes, report.memory_total_bytes)),
            ("GPUs", "unknown" if report.gpus is None else str(len(report.gpus))),
        ]
    )
    if report.gpus:
        table(("GPU", "MODEL", "BUSY", "MEMORY", "TEMP"), [_gpu_row(gpu) for gpu in report.gpus])
    if report.processes:
        rows = [_process_row(process) for process in report.processes]
        table(("PID", "USER", "CPU", "MEMORY", "SINCE", "RUN", "COMMAND"), rows)


def _gpu_row(gpu: Gpu) -> tuple[str, ...]:
    return (
        _text(gpu.index),
        _text(gpu.name),
        _percent(gpu.utilization_percent),
        _memory(gpu.memory_used_bytes, gpu.memory_total_bytes),
        "?" if gpu.temperature_c is None else f"{gpu.temperature_c:.0f} °C",
    )


def _process_row(process: TrainingProcess) -> tuple[str, ...]:
    return (
        str(process.pid),
        _text(process.user),
        _percent(process.cpu_percent),
        words.size(process.rss_bytes),
        words.span(timedelta(seconds=process.elapsed_s)),
        process.run_id or "",
        shlex.join(process.argv)[:_COMMAND_CHARS],
    )


def _memory(used: int | None, total: int | None) -> str:
    shown = ["?" if amount is None else words.size(amount) for amount in (used, total)]
    return " of ".join(shown)


def _percent(amount: float | None) -> str:
    return "?" if amount is None else f"{amount:.0f} %"


def _text(value: object) -> str:
    return "?" if value is None else str(value)
