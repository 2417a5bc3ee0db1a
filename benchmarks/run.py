"""Measure runctl against its goals and against the least that the same thing could cost.

``python benchmarks/run.py`` prints a table; ``--check`` also ends with 1 when a goal is missed.  Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
from stopwatch import measure_cpu_percent, read_rss_mb, time_commands

PYTHON = sys.executable
RUNCTL = str(Path(sys.executable).with_name("runctl"))
MANY_RUNS = 10_000


@attrs.frozen(kw_only=True)
class Row:
    """One measured value and its goal."""

    what: str
    value: float
    goal: float
    unit: str
    digits: int = 0

    @property
    def is_met(self) -> bool:
        """Whether the value is within the goal."""
        return self.value <= self.goal


@attrs.frozen(kw_only=True)
class Bench:
    """A home and a project folder of its own, and how long to measure."""

    folder: Path
    rounds: int
    rest_s: float

    @property
    def env(self) -> dict[str, str]:
        """The environment of every command: nobody's settings but the defaults, and the same interpreter for all."""
        kept = {name: value for name, value in os.environ.items() if "RUNCTL_" not in name}
        xdg = {f"XDG_{name}_HOME": str(self.folder / name) for name in ("CONFIG", "STATE")}
        path = os.pathsep.join((str(Path(PYTHON).parent), os.environ.get("PATH", os.defpath)))
        return kept | xdg | {"HOME": str(self.folder), "PATH": path}

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.folder / ".runctl/runs"

    def write(self, name: str, program: str) -> str:
        """Put a script into the project."""
        (self.folder / name).write_text(program)
        return name

    def run(self, *argv: str) -> str:
        """Run a command to its end and return what it prints."""
        done = subprocess.run(
            argv, env=self.env, cwd=self.folder, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout.strip()

    def time(self, **commands: list[str]) -> dict[str, float]:
        """The median of each command in milliseconds."""
        return time_commands(commands, env=self.env, cwd=self.folder, rounds=self.rounds)


def measure_start_up(bench: Bench) -> Iterator[Row]:
    """What every command costs before it does anything."""
    took = bench.time(
        floor=[PYTHON, "-c", "import click"],
        help=[RUNCTL, "--help"],
        version=[RUNCTL, "--version"],
        listing=[RUNCTL, "local", "list"],
    )
    floor = took["floor"]
    yield Row(what="import click (the floor)", value=floor, goal=float("inf"), unit="ms")
    for name, words, ratio in (("help", "--help", 1.3), ("version", "--version", 1.3)):
        yield Row(what=f"runctl {words}", value=took[name], goal=100, unit="ms")
        yield Row(
            what=f"runctl {words} / floor", value=took[name] / floor, goal=ratio, unit="×", digits=2
        )
    yield Row(what="runctl local list", value=took["listing"], goal=float("inf"), unit="ms")
    yield Row(
        what="runctl local list / floor",
        value=took["listing"] / floor,
        goal=2,
        unit="×",
        digits=2,
    )


def measure_training(bench: Bench) -> Iterator[Row]:
    """What supervision adds to a script that does nothing."""
    script = bench.write("nothing.py", "")
    took = bench.time(bare=[PYTHON, script], trained=[RUNCTL, "local", "train", script])
    yield Row(what="python nothing.py", value=took["bare"], goal=float("inf"), unit="ms")
    added = took["trained"] - took["bare"]
    yield Row(what="runctl local train nothing.py, over it", value=added, goal=300, unit="ms")


def measure_supervisor(bench: Bench) -> Iterator[Row]:
    """What a training that runs costs besides itself."""
    script = bench.write("sleeper.py", "import time\ntime.sleep(3600)\n")
    run_id = bench.run(RUNCTL, "local", "train", script, "--detach")
    try:
        pid = json.loads((bench.runs / run_id / "supervisor.json").read_text())["pid"]
        cpu = measure_cpu_percent(pid, bench.rest_s)
        rss = read_rss_mb(pid)
    finally:
        bench.run(RUNCTL, "runs", "stop", run_id, "--grace", "0s")
    yield Row(what="supervisor, memory (RSS)", value=rss, goal=20, unit="MB", digits=1)
    yield Row(what="supervisor, processor at rest", value=cpu, goal=0.1, unit="%", digits=3)


def measure_many_runs(bench: Bench) -> Iterator[Row]:
    """What a list of very many runs costs."""
    made = fill(bench)
    listing = [RUNCTL, "runs", "list"]
    took = bench.time(
        text=listing,
        json=[*listing, "--output", "json"],
        all_text=[*listing, "--all"],
        all_json=[*listing, "--all", "--output", "json"],
    )
    for name, value in took.items():
        goal = (
            float("inf") if name.startswith("all") else 300
        )  # writing every line is another matter
        what = f"runctl runs list of {made:,}, {name.replace('_', ', ')}"
        yield Row(what=what, value=value, goal=goal, unit="ms")


def fill(bench: Bench) -> int:
    """Copy the record of one real run until there are very many."""
    script = bench.write("nothing.py", "")
    run_id = bench.run(RUNCTL, "local", "train", script, "--detach")
    bench.run(RUNCTL, "runs", "wait", run_id)
    model = bench.runs / run_id
    for number in range(MANY_RUNS - len(list(bench.runs.glob("[!.]*")))):
        copy = bench.runs / f"200101-000000-{number:05d}"
        copy.mkdir(mode=0o700)
        for name in ("spec.json", "state.json", "supervisor.json", "exit.json"):
            text = (model / name).read_text()
            (copy / name).write_text(text.replace(run_id, copy.name))
    return len(list(bench.runs.glob("[!.]*")))


def print_table(rows: list[Row]) -> None:
    """Print what was measured."""
    print(f"{'':44}{'measured':>12}  {'goal':>9}")
    for row in rows:
        value = f"{row.value:.{row.digits}f} {row.unit}"
        goal = "" if row.goal == float("inf") else f"≤ {row.goal:g} {row.unit}"
        print(f"{row.what:44}{value:>12}  {goal:>9}  {'' if row.is_met else 'MISSED'}".rstrip())


def main() -> int:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="times that each command is run")
    parser.add_argument("--rest-s", type=float, default=20, help="seconds to watch the supervisor")
    parser.add_argument("--check", action="store_true", help="end with 1 when a goal is missed")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="runctl-bench-"))
    bench = Bench(folder=folder, rounds=chosen.rounds, rest_s=chosen.rest_s)
    try:
        rows = [
            row
            for measure in (
                measure_start_up,
                measure_training,
                measure_supervisor,
                measure_many_runs,
            )
            for row in measure(bench)
        ]
    finally:
        shutil.rmtree(folder)
    print_table(rows)
    return int(chosen.check and not all(row.is_met for row in rows))


if __name__ == "__main__":
    sys.exit(main())
