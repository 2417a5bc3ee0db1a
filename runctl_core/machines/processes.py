"""What a machine is busy with: processor, memory, every GPU, every training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from runctl_core.machines.channel import Call

if TYPE_CHECKING:
    from runctl_core.api.machine import Machine


@attrs.frozen(kw_only=True)
class Gpu:
    """One GPU; ``None`` is what its driver does not tell."""

    index: int | None
    name: str | None
    utilization_percent: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    temperature_c: float | None = None
    power_w: float | None = None


@attrs.frozen(kw_only=True)
class TrainingProcess:
    """One process of a run, on a GPU, or that looks like training.

    Attributes:
        argv: the full command.
        cpu_percent: of one processor, so that four busy threads show 400.
        rss_bytes: memory in use.
        elapsed_s: since it started.
        run_id: the run it belongs to, if it says so and may be asked.
    """

    pid: int
    ppid: int
    user: str | None
    argv: tuple[str, ...]
    cpu_percent: float | None
    rss_bytes: int
    elapsed_s: float
    run_id: str | None = None
    gpu_memory_bytes: int | None = None


@attrs.frozen(kw_only=True)
class ProcessReport:
    """One look at a machine; whatever is ``None`` could not be found out.

    Attributes:
        cpu_percent: of all processors together.
        gpus: empty where there is no NVIDIA driver.
    """

    cpu_count: int | None
    cpu_percent: float | None
    load_1min: float | None
    memory_total_bytes: int | None
    memory_used_bytes: int | None
    gpus: tuple[Gpu, ...] | None
    processes: tuple[TrainingProcess, ...] | None


def read_processes(machine: Machine) -> ProcessReport:
    """Look at a machine, in one round trip."""
    from runctl_core.machines.remote import as_agent

    call = Call(module="processes", function="processes", arguments={})
    found = as_agent(machine).ask(call)
    gpus, processes = found.pop("gpus"), found.pop("processes")
    return ProcessReport(
        **found,
        gpus=None if gpus is None else tuple(Gpu(**gpu) for gpu in gpus),
        processes=None
        if processes is None
        else tuple(
            TrainingProcess(**{**process, "argv": tuple(process["argv"])}) for process in processes
        ),
    )
