"""Time commands against each other, and look at what a process uses."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median


def time_commands(
    commands: Mapping[str, Sequence[str]], *, env: Mapping[str, str], cwd: Path, rounds: int
) -> dict[str, float]:
    """The median of each command's wall time in milliseconds.

    The commands take turns, so that whatever else the machine does slows all of them alike; a first round, in which
    Python compiles and the disk wakes up, does not count.
    """
    times_ms: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, argv in commands.items():
            took_ms = _time(argv, env, cwd)
            if number:
                times_ms[name].append(took_ms)
    return {name: median(values) for name, values in times_ms.items()}


def read_rss_mb(pid: int) -> float:
    """The memory that a process holds, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"process {pid} is gone")


def measure_cpu_percent(pid: int, seconds: float) -> float:
    """How much of one processor a process takes over real seconds."""
    began_ns, began_s = _cpu_ns(pid), time.monotonic()
    time.sleep(seconds)
    return (_cpu_ns(pid) - began_ns) / (time.monotonic() - began_s) / 1e7


def _time(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> float:
    began_ns = time.perf_counter_ns()
    done = subprocess.run(argv, env=env, cwd=cwd, check=False, capture_output=True)
    took_ms = (time.perf_counter_ns() - began_ns) / 1e6
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.decode()}")
    return took_ms


def _cpu_ns(pid: int) -> int:
    """Nanoseconds on a processor; the clock ticks of ``stat`` are too coarse for a process at rest."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
