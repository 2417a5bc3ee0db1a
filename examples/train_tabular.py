#!/usr/bin/env python3
"""Train a small neural network on a table, in plain Python, so that an interruption costs one step.

The script needs nothing but Python.  What makes it safe to interrupt, and worth copying:

* A checkpoint holds everything the next step depends on (weights, optimiser, random generator,
  place in the epoch), so a resumed run goes on with exactly the losses of an uninterrupted one.
* A checkpoint appears whole or not at all: written beside its place, synced, renamed.
* SIGTERM and SIGINT only set a flag; the loop saves when the step is complete, then exits with
  128 + signal number (143 or 130), because the training did not finish.
* It never starts from zero next to checkpoints that it was not told to ignore.

Under `runctl` the two variables RUNCTL_CHECKPOINT_DIR and RUNCTL_RESUME_FROM give the defaults of
--checkpoint-dir and --resume.  Exit codes: 0 finished, 1 could not save, 2 bad input.
"""

import argparse
import csv
import hashlib
import json
import math
import os
import random
import signal
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from operator import mul
from pathlib import Path
from types import FrameType
from typing import Any

MOMENTUM = 0.9
LR_DECAY = 0.97  # per epoch
VALIDATION_SHARE = 0.2

Matrix = list[list[float]]


class InputError(Exception):
    """Something that the user has to change; shown as one line."""


# --- data -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """Inputs, each with a constant 1 at the end for the bias, and their targets."""

    inputs: Matrix
    targets: list[float]


def read_table(path: Path) -> tuple[Rows, Rows]:
    """Read a CSV file whose last column is the target; return (training, validation) rows.

    Inputs from [0, 1] are moved to [-1, 1].  Targets are scaled to mean 0 and variance 1, so that a
    loss of 1 is as good as always guessing the mean.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            _, *records = csv.reader(file)
        numbers = [[float(cell) for cell in record] for record in records]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: not a table of numbers: {error}") from error
    if len(numbers) < 10 or len({len(row) for row in numbers}) != 1:
        raise InputError(f"{path}: needs at least 10 rows of the same length")
    training_count = round(len(numbers) * (1 - VALIDATION_SHARE))
    training_targets = [row[-1] for row in numbers[:training_count]]
    mean = statistics.fmean(training_targets)
    deviation = statistics.pstdev(training_targets) or 1.0
    inputs = [[2 * value - 1 for value in row[:-1]] + [1.0] for row in numbers]
    targets = [(row[-1] - mean) / deviation for row in numbers]
    return (
        Rows(inputs[:training_count], targets[:training_count]),
        Rows(inputs[training_count:], targets[training_count:]),
    )


# --- model: inputs -> tanh units -> one number ------------------------------------------------
# The weights are one row for each hidden unit and, last, the row of the output unit.


def dot(left: list[float], right: list[float]) -> float:
    """The sum of the products."""
    return sum(map(mul, left, right), 0.0)


def make_weights(input_count: int, hidden_count: int, rng: random.Random) -> Matrix:
    """Small random weights; the output starts at 0."""
    scale = 1 / math.sqrt(input_count)
    hidden = [[rng.uniform(-scale, scale) for _ in range(input_count)] for _ in range(hidden_count)]
    return [*hidden, [0.0] * (hidden_count + 1)]


def make_zeros(shape_of: Matrix) -> Matrix:
    """Zeros in the shape of the weights."""
    return [[0.0] * len(row) for row in shape_of]


def predict(weights: Matrix, inputs: list[float]) -> tuple[float, list[float]]:
    """Return the prediction and the activations it was made from."""
    *hidden, output = weights
    activations = [math.tanh(dot(row, inputs)) for row in hidden] + [1.0]
    return dot(output, activations), activations


def add_gradient(gradient: Matrix, weights: Matrix, inputs: list[float], target: float) -> float:
    """Add one row's gradient of the squared error in place; return the squared error."""
    prediction, activations = predict(weights, inputs)
    error = prediction - target
    output = weights[-1]
    for unit, activation in enumerate(activations):
        gradient[-1][unit] += 2 * error * activation
    for unit, activation in enumerate(activations[:-1]):
        slope = 2 * error * output[unit] * (1 - activation * activation)
        gradient[unit] = [g + slope * x for g, x in zip(gradient[unit], inputs, strict=True)]
    return error * error


def mean_loss(weights: Matrix, rows: Rows) -> float:
    """The mean squared error over all rows."""
    pairs = zip(rows.inputs, rows.targets, strict=True)
    return statistics.fmean((predict(weights, x)[0] - target) ** 2 for x, target in pairs)


# --- state: everything that the next step depends on ------------------------------------------


@dataclass
class State:
    """A training between two steps.  Its fields are the fields of a checkpoint.

    `order` is the order of rows in the current epoch and `position` how many of them are used.
    """

    weights: Matrix
    velocity: Matrix
    rng_state: list[Any]
    order: list[int]
    epoch: int = 0
    step: int = 0
    position: int = 0
    epoch_loss_sum: float = 0.0
    val_loss: float | None = None
    best_val_loss: float | None = None
    epochs_since_best: int = 0


def make_state(rows: Rows, hidden_count: int, seed: int) -> State:
    """The state before the first step."""
    rng = random.Random(seed)
    weights = make_weights(len(rows.inputs[0]), hidden_count, rng)
    order = list(range(len(rows.inputs)))
    return State(weights, make_zeros(weights), list(rng.getstate()), order)


def shuffle_rows(state: State) -> None:
    """Begin an epoch: put the rows in a new order."""
    rng = random.Random()
    version, numbers, gauss_next = state.rng_state
    rng.setstate((version, tuple(numbers), gauss_next))
    rng.shuffle(state.order)
    state.rng_state = list(rng.getstate())


def take_step(state: State, rows: Rows, batch_size: int, accumulate: int, lr: float) -> None:
    """Change the weights once, by the mean gradient of `accumulate` batches."""
    gradient = make_zeros(state.weights)
    start = state.position
    for _ in range(accumulate):
        batch = state.order[state.position : state.position + batch_size]
        for row in batch:
            state.epoch_loss_sum += add_gradient(
                gradient, state.weights, rows.inputs[row], rows.targets[row]
            )
        state.position += len(batch)
    scale = lr / (state.position - start)
    for weights, velocity, slopes in zip(state.weights, state.velocity, gradient, strict=True):
        for i, slope in enumerate(slopes):
            velocity[i] = MOMENTUM * velocity[i] - scale * slope
            weights[i] += velocity[i]
    state.step += 1


def end_epoch(state: State, validation: Rows) -> float:
    """Return the validation loss of the epoch that is complete and go to the next."""
    val_loss = mean_loss(state.weights, validation)
    state.epochs_since_best += 1
    if state.best_val_loss is None or val_loss < state.best_val_loss:
        state.best_val_loss, state.epochs_since_best = val_loss, 0
    state.epoch += 1
    state.position, state.epoch_loss_sum = 0, 0.0
    state.val_loss = val_loss
    return val_loss


# --- checkpoints ------------------------------------------------------------------------------


def digest(fields: dict[str, object]) -> str:
    """A checksum that finds changed bytes which are still valid JSON."""
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def write_checkpoint(path: Path, state: State) -> Path:
    """Write the state so that `path` is, at every moment, absent or complete."""
    fields = asdict(state)
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump({**fields, "sha256": digest(fields)}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name must survive a power cut, too
    finally:
        os.close(folder)
    return path


def read_checkpoint(path: Path) -> State:
    """Read a checkpoint; ValueError or OSError says why it cannot be used."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(fields, dict) or fields.pop("sha256", None) != digest(fields):
        raise ValueError("checksum does not match")
    return State(**fields)


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in the folder, newest first."""
    return sorted(folder.glob("step-*.json"), reverse=True)


def save(state: State, folder: Path, keep_last: int) -> Path:
    """Write a checkpoint, then remove those older than the last `keep_last`."""
    saved = write_checkpoint(folder / f"step-{state.step:08}.json", state)
    older = [path for path in list_checkpoints(folder) if path.name < saved.name]
    for path in older[keep_last - 1 :]:
        path.unlink()
    return saved


def list_candidates(source: Path) -> list[Path]:
    """What to try to resume from: `source` and its older neighbours, or all in the folder."""
    if source.is_dir():
        return list_checkpoints(source)
    return [source, *(path for path in list_checkpoints(source.parent) if path.name < source.name)]


def list_sizes(state: State) -> list[int]:
    """The number of rows and the sizes of the layers."""
    return [len(state.order), *map(len, state.weights)]


def resume(source: Path, fresh: State) -> State:
    """Read the newest valid candidate, which must have the sizes of the `fresh` state."""
    if not source.exists():
        raise InputError(f"{source}: no such checkpoint")
    for path in list_candidates(source):
        try:
            state = read_checkpoint(path)
        except (OSError, ValueError, TypeError) as error:
            print(f"warning: {path}: skipped: {error}", file=sys.stderr, flush=True)
            continue
        if list_sizes(state) != list_sizes(fresh):
            raise InputError(f"{path}: made with other data or another --hidden")
        print(f"resumed_from={path} epoch={state.epoch} step={state.step}", flush=True)
        return state
    raise InputError(f"{source}: no valid checkpoint to resume from; not starting from zero")


# --- training ---------------------------------------------------------------------------------


class StopRequest:
    """Remembers SIGTERM or SIGINT.  Saving inside a handler could store a half-made step."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        signal.signal(signal.SIGTERM, self._remember)
        signal.signal(signal.SIGINT, self._remember)

    def _remember(self, signal_number: int, _frame: FrameType | None) -> None:
        self.signal_number = signal_number


def is_finished(state: State, options: argparse.Namespace) -> bool:
    """Whether all epochs are done, or the validation loss has stopped falling."""
    if options.patience is not None and state.epochs_since_best >= options.patience:
        return True
    return bool(state.epoch >= options.epochs)


def print_progress(state: State, options: argparse.Namespace, **measured: float) -> None:
    """Print one line of key=value pairs; the epoch shown is the one the last step belongs to."""
    rows_per_step = options.batch_size * options.accumulate
    epochs_left = options.epochs - state.epoch
    steps_left = epochs_left * math.ceil(len(state.order) / rows_per_step)
    step_count = state.step + steps_left - math.ceil(state.position / rows_per_step)
    epoch = state.epoch + (1 if state.position else 0)
    values = " ".join(f"{name}={value:.6f}" for name, value in measured.items())
    print(f"epoch={epoch}/{options.epochs} step={state.step}/{step_count} {values}", flush=True)


def complete_epoch(
    state: State, validation: Rows, options: argparse.Namespace, loss: float, lr: float
) -> None:
    """Validate, print, save."""
    val_loss = end_epoch(state, validation)
    print_progress(state, options, loss=loss, val_loss=val_loss, lr=lr)
    if state.epochs_since_best == 0:
        write_checkpoint(options.checkpoint_dir / "best.json", state)
    if state.epoch % options.checkpoint_every == 0:
        save(state, options.checkpoint_dir, options.keep_last)


def train(
    state: State, training: Rows, validation: Rows, options: argparse.Namespace, stop: StopRequest
) -> None:
    """Take steps until the training is finished or asked to stop."""
    while not is_finished(state, options) and stop.signal_number is None:
        if state.position == 0:
            shuffle_rows(state)
        lr = options.lr * LR_DECAY**state.epoch
        take_step(state, training, options.batch_size, options.accumulate, lr)
        loss = state.epoch_loss_sum / state.position
        if state.position == len(state.order):
            complete_epoch(state, validation, options, loss, lr)
        elif state.step % options.log_every == 0:
            print_progress(state, options, loss=loss, lr=lr)
        time.sleep(options.pace_s)


# --- command line -----------------------------------------------------------------------------


def positive_int(text: str) -> int:
    """Read a number from 1."""
    if (value := int(text)) < 1:
        raise ValueError
    return value


def non_negative_float(text: str) -> float:
    """Read a finite number from 0."""
    if not 0 <= (value := float(text)) < math.inf:
        raise ValueError
    return value


def parse_options() -> argparse.Namespace:
    """Read the command line; the environment that `runctl` sets gives defaults."""
    parser = argparse.ArgumentParser(
        description="Train a small network on a table; interrupt it whenever you like.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    data = Path(__file__).parent / "data" / "friedman1.csv"
    checkpoint_dir = os.environ.get("RUNCTL_CHECKPOINT_DIR") or "checkpoints"
    resume_from = os.environ.get("RUNCTL_RESUME_FROM") or None
    add = parser.add_argument
    add("--data", type=Path, default=data, help="CSV file, target in the last column")
    add("--epochs", type=positive_int, default=20, help="times to go through the data")
    add("--hidden", type=positive_int, default=16, help="hidden units")
    add("--lr", type=non_negative_float, default=0.05, help="learning rate of the first epoch")
    add("--batch-size", type=positive_int, default=16, help="rows in a batch")
    add("--accumulate", type=positive_int, default=1, help="batches in one step")
    add("--patience", type=positive_int, help="stop after this many epochs without a better one")
    add("--seed", type=int, default=0, help="random seed of a new training")
    add("--checkpoint-dir", type=Path, default=checkpoint_dir, help="folder for checkpoints")
    add("--checkpoint-every", type=positive_int, default=1, help="epochs between checkpoints")
    add("--keep-last", type=positive_int, default=10, help="checkpoints to keep besides the best")
    add("--resume", type=Path, default=resume_from, help="checkpoint, or folder: its newest one")
    add("--log-every", type=positive_int, default=10, help="steps between two lines")
    add("--pace-s", type=non_negative_float, default=0.0, help="seconds to wait after each step")
    return parser.parse_args()


def make_or_resume(options: argparse.Namespace, training: Rows) -> State:
    """The state to begin with."""
    fresh = make_state(training, options.hidden, options.seed)
    if options.resume is not None:
        return resume(options.resume, fresh)
    if list_checkpoints(options.checkpoint_dir):
        folder = options.checkpoint_dir
        raise InputError(f"{folder}: has checkpoints; --resume {folder}, or another folder")
    return fresh


def main() -> int:
    """Train; return the exit code."""
    options = parse_options()
    stop = StopRequest()
    try:
        training, validation = read_table(options.data)
        state = make_or_resume(options, training)
        options.checkpoint_dir.mkdir(parents=True, exist_ok=True)
        train(state, training, validation, options, stop)
        saved = save(state, options.checkpoint_dir, options.keep_last)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: could not save: {error}", file=sys.stderr)
        return 1
    if is_finished(state, options):
        best = state.best_val_loss
        print(
            f"finished epochs={state.epoch} steps={state.step} best_val_loss={best:.6f} {saved=!s}"
        )
        return 0
    print(f"stopped signal={stop.signal_number} epoch={state.epoch} step={state.step} {saved=!s}")
    return 128 + (stop.signal_number or 0)


if __name__ == "__main__":
    sys.exit(main())
