"""The data file in the repository is what its generator makes."""

from __future__ import annotations

import csv
import math
from pathlib import Path


def test_generator_reproduces_the_file_byte_for_byte(runner, tmp_path: Path) -> None:
    """Nobody has to trust a data file whose origin can be run."""
    made = tmp_path / "made.csv"
    assert runner.run("data/make_friedman1.py", made).code == 0
    stored = Path(__file__).parents[2] / "examples" / "data" / "friedman1.csv"
    assert made.read_bytes() == stored.read_bytes()


def test_rows_follow_the_formula_up_to_unit_noise(runner, tmp_path: Path) -> None:
    """What is left without the formula has mean 0 and variance 1."""
    made = tmp_path / "made.csv"
    assert runner.run("data/make_friedman1.py", made, "--rows", 4000).code == 0
    with made.open(newline="") as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    noise = [
        y - 10 * math.sin(math.pi * a * b) - 20 * (c - 0.5) ** 2 - 10 * d - 5 * e
        for a, b, c, d, e, *_, y in rows
    ]
    mean = sum(noise) / len(noise)
    assert abs(mean) < 0.1
    assert abs(sum((n - mean) ** 2 for n in noise) / len(noise) - 1) < 0.1
