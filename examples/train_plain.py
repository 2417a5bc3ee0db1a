#!/usr/bin/env python3
"""Fit a parabola the way many scripts do it: a loop and some prints.

It saves nothing and knows nothing of signals, so whatever interrupts it costs the whole training.
Compare train_tabular.py.
"""

import argparse
import random
import time


def main() -> None:
    """Find the coefficients of y = 3x^2 - 2x + 1 again, by gradient descent."""
    parser = argparse.ArgumentParser(description="Fit a parabola; an interruption loses all of it.")
    parser.add_argument("--epochs", type=int, default=20, help="times to go through the data")
    parser.add_argument("--pace-s", type=float, default=0.0, help="seconds to wait after an epoch")
    options = parser.parse_args()

    rng = random.Random(0)
    xs = [rng.uniform(-1, 1) for _ in range(200)]
    points = [(x, 3 * x * x - 2 * x + 1 + rng.gauss(0, 0.2)) for x in xs]
    a = b = c = 0.0
    print(f"Fitting a parabola to {len(points)} points")
    for epoch in range(options.epochs):
        total = 0.0
        for x, y in points:
            error = a * x * x + b * x + c - y
            a -= 0.02 * error * x * x
            b -= 0.02 * error * x
            c -= 0.02 * error
            total += error * error
        print(
            f"Epoch {epoch + 1} of {options.epochs}: mean squared error {total / len(points):.4f}"
        )
        time.sleep(options.pace_s)
    print(f"Done: y = {a:.3f}x^2 + {b:.3f}x + {c:.3f}")


if __name__ == "__main__":
    main()
