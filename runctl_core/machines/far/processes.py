"""Look at the processor, the memory, the GPUs and the trainings of a machine.

What cannot be read is ``None``, never zero.
"""

from __future__ import annotations

import csv
import os
import pwd
import re
import subprocess
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runctl_core.machines.far.frames import Emit, Frame

SAMPLE_S = 0.25
_NVIDIA_TIMEOUT_S = 10

_GPU_FIELDS = (
    "index",
    "name",
    "utilization.gpu",
    "memory.used",
    "memory.total",
    "temperature.gpu",
    "power.draw",
)
_INTERPRETER = re.compile(r"(python|pypy)[0-9.]*$")
_LAUNCHER = re.compile(r"(torchrun|accelerate|deepspeed|horovodrun|mpirun)$")
_TRAINING_WORD = re.compile(r"train|finetune|fine_tune|pretrain|\bfit\b|\bddp\b|torch\.distributed")


def processes(payload: Iterable[Frame], emit: Emit) -> dict[str, Any]:
    """Take two looks ``SAMPLE_S`` apart and report what went on between them."""
    del payload, emit
    before, busy_before, began = _cpu_ticks_by_pid(), _busy_ticks(), time.monotonic()
    gpus, gpu_bytes = _gpus(), _gpu_bytes_by_pid()
    time.sleep(max(0.0, SAMPLE_S - (time.monotonic() - began)))
    busy_after, elapsed_s = _busy_ticks(), time.monotonic() - began
    return {
        "cpu_count": os.cpu_count(),
        "cpu_percent": _busy_percent(busy_before, busy_after),
        "load_1min": _or_none(lambda: os.getloadavg()[0]),
        **_memory(),
        "gpus": gpus,
        "processes": _trainings(before, elapsed_s, gpu_bytes),
    }


def _trainings(
    before: dict[int, int], elapsed_s: float, gpu_bytes: dict[int, int | None]
) -> list[dict[str, Any]] | None:
    if not os.path.isdir("/proc/self"):
        return None
    found = []
    for pid in _pids():
        try:
            process = _process(pid)
        except (OSError, ValueError, IndexError):
            continue  # it has ended meanwhile
        ticks = process.pop("cpu_ticks")
        process["gpu_memory_bytes"] = gpu_bytes.get(pid)
        process["cpu_percent"] = None
        if pid in before:
            seconds = (ticks - before[pid]) / os.sysconf("SC_CLK_TCK")
            process["cpu_percent"] = round(100 * seconds / elapsed_s, 1)
        if process["run_id"] or pid in gpu_bytes or _looks_like_training(process["argv"]):
            found.append(process)
    return found


def _looks_like_training(argv: list[str]) -> bool:
    """Whether a launcher, or an interpreter on a script or module with a telling name, is at work."""
    if not argv:
        return False
    words = argv[1:]
    if _INTERPRETER.search(argv[0]):
        while words and words[0].startswith("-") and words[0] not in {"-m", "-c"}:
            words = words[1:]
        if words[:1] == ["-c"]:
            return False
        told = " ".join(os.path.basename(word) for word in words[: 2 if words[:1] == ["-m"] else 1])
        return bool(_LAUNCHER.search(told) or _TRAINING_WORD.search(told.lower()))
    return bool(_LAUNCHER.search(argv[0]))


def _process(pid: int) -> dict[str, Any]:
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        argv = [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return {
        "pid": pid,
        "ppid": int(fields[1]),
        "user": _or_none(lambda: pwd.getpwuid(os.stat(f"/proc/{pid}").st_uid).pw_name),
        "argv": argv,
        "cpu_ticks": int(fields[11]) + int(fields[12]),
        "rss_bytes": int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        "elapsed_s": round(max(0.0, _uptime_s() - started_s), 1),
        "run_id": _or_none(lambda: _run_id(pid)),
    }


def _run_id(pid: int) -> str | None:
    with open(f"/proc/{pid}/environ", "rb") as file:
        for variable in file.read().split(b"\0"):
            name, _, value = variable.partition(b"=")
            if name == b"RUNCTL_RUN_ID":
                return os.fsdecode(value)
    return None


def _pids() -> list[int]:
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def _uptime_s() -> float:
    with open("/proc/uptime", "rb") as file:
        return float(file.read().split()[0])


def _cpu_ticks_by_pid() -> dict[int, int]:
    if not os.path.isdir("/proc/self"):
        return {}
    ticks = {}
    for pid in _pids():
        try:
            ticks[pid] = _process(pid)["cpu_ticks"]
        except (OSError, ValueError, IndexError):
            continue
    return ticks


def _busy_ticks() -> tuple[int, int] | None:
    """Ticks in which the processors worked, and all ticks."""
    try:
        with open("/proc/stat", "rb") as file:
            ticks = [int(field) for field in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def _busy_percent(before: tuple[int, int] | None, after: tuple[int, int] | None) -> float | None:
    if before is None or after is None or after[1] <= before[1]:
        return None
    return round(100 * (after[0] - before[0]) / (after[1] - before[1]), 1)


def _memory() -> dict[str, int | None]:
    sizes: dict[str, int] = {}
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                name, _, rest = line.partition(":")
                sizes[name] = int(rest.split()[0]) * 1024
    except (OSError, ValueError):
        return {"memory_total_bytes": None, "memory_used_bytes": None}
    total, available = sizes.get("MemTotal"), sizes.get("MemAvailable")
    is_known = total is not None and available is not None
    return {
        "memory_total_bytes": total,
        "memory_used_bytes": (total or 0) - (available or 0) if is_known else None,
    }


def _gpus() -> list[dict[str, Any]] | None:
    """Every GPU; none if there is no NVIDIA driver; ``None`` if the driver does not answer."""
    rows = _nvidia("--query-gpu", ",".join(_GPU_FIELDS))
    return None if rows is None else [_gpu(row) for row in rows if len(row) == len(_GPU_FIELDS)]


def _gpu(row: list[str]) -> dict[str, Any]:
    index, name, utilization, used, total, temperature, power = row
    return {
        "index": int(index) if index.isdigit() else None,
        "name": name,
        "utilization_percent": _number(utilization),
        "memory_used_bytes": _mebibytes(used),
        "memory_total_bytes": _mebibytes(total),
        "temperature_c": _number(temperature),
        "power_w": _number(power),
    }


def _gpu_bytes_by_pid() -> dict[int, int | None]:
    """Memory of each process on all GPUs together."""
    used: dict[int, int | None] = {}
    for row in _nvidia("--query-compute-apps", "pid,used_memory") or []:
        if len(row) == 2 and row[0].isdigit():
            pid, size_bytes, earlier = int(row[0]), _mebibytes(row[1]), used.get(int(row[0]), 0)
            is_known = earlier is not None and size_bytes is not None
            used[pid] = (earlier or 0) + (size_bytes or 0) if is_known else None
    return used


def _nvidia(query: str, fields: str) -> list[list[str]] | None:
    try:
        done = subprocess.run(
            ["nvidia-smi", f"{query}={fields}", "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=_NVIDIA_TIMEOUT_S,
        )
    except FileNotFoundError:
        return []
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.decode(errors="replace").splitlines()
    return [row for row in csv.reader(lines, skipinitialspace=True) if row]


def _number(text: str) -> float | None:
    """A number, or ``None`` for what the driver writes when it has none."""
    try:
        return float(text)
    except ValueError:
        return None


def _mebibytes(text: str) -> int | None:
    value = _number(text)
    return None if value is None else int(value * 1024 * 1024)


def _or_none(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (OSError, ValueError, KeyError, IndexError):
        return None
