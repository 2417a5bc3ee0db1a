#!/usr/bin/env python3
"""Write friedman1.csv: the regression problem Friedman #1, made from its public formula.

    y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + noise

Ten inputs are uniform on [0, 1); the last five have no influence.  The noise has mean 0 and
standard deviation 1, so no model can reach a mean squared error below 1.
Source: J. H. Friedman, "Multivariate Adaptive Regression Splines", Annals of Statistics 19 (1991).
"""

import argparse
import math
import random
from collections.abc import Iterator
from pathlib import Path

INPUT_COUNT = 10


def friedman1(x: list[float]) -> float:
    """The noiseless formula."""
    return 10 * math.sin(math.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]


def draw_noise(rng: random.Random) -> float:
    """About normal: twelve uniform numbers have a variance of 12/12.

    Only `Random.random` is promised to repeat its sequence in every Python version, which
    `Random.gauss` is not.
    """
    return sum(rng.random() for _ in range(12)) - 6


def generate_lines(row_count: int, seed: int) -> Iterator[str]:
    """The header, then one line for each row; the target is the last column."""
    rng = random.Random(seed)
    yield ",".join([f"x{i + 1}" for i in range(INPUT_COUNT)] + ["y"])
    for _ in range(row_count):
        x = [round(rng.random(), 4) for _ in range(INPUT_COUNT)]
        y = friedman1(x) + draw_noise(rng)
        yield ",".join(f"{value:.4f}" for value in [*x, y])


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description="Make the Friedman #1 regression data.")
    default = Path(__file__).with_name("friedman1.csv")
    parser.add_argument("output", nargs="?", type=Path, default=default, help="file to write")
    parser.add_argument("--rows", type=int, default=600, help="number of rows (default: 600)")
    parser.add_argument("--seed", type=int, default=1991, help="random seed (default: 1991)")
    options = parser.parse_args()
    text = "\n".join(generate_lines(options.rows, options.seed)) + "\n"
    options.output.write_bytes(text.encode("ascii"))


if __name__ == "__main__":
    main()
