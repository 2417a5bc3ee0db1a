#!/usr/bin/env python3
"""Train a small convolutional network on drawn digits with PyTorch, on one process or many.

    python examples/train_digits.py                                        one process
    torchrun --standalone --nproc-per-node=2 examples/train_digits.py      two, CPU or GPU

The images are seven-segment digits that the script draws, shifts and blurs with noise.  What makes
it safe to interrupt, and worth copying:

* A checkpoint holds model, optimiser, scheduler, every rank's random generator and the place in
  the epoch; rank 0 writes it, whole or not at all, while the others wait.
* SIGTERM and SIGINT only set a flag.  All ranks learn of it in the reduction that they make after
  each step anyway, so they stop after the same step even if only one of them was told.
* It is read back without running code from it (weights_only), after its checksums were compared,
  which torch.load does not do.
* torchrun kills its workers 30 s after a SIGTERM; TORCH_ELASTIC_SHUTDOWN_TIMEOUT is longer if
  saving takes longer (`runctl` sets it).

Under `runctl` the two variables RUNCTL_CHECKPOINT_DIR and RUNCTL_RESUME_FROM give the defaults of
--checkpoint-dir and --resume.  With many machines, both must be on storage that all of them see.
Exit codes: 0 finished, 1 could not save, 2 bad input, 128 + signal number stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import math
import os
import pickle
import signal
import sys
import time
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

try:
    import torch
except ImportError:
    print("error: this example needs PyTorch: python -m pip install torch", file=sys.stderr)
    sys.exit(2)
from torch import distributed, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

TRAINING_COUNT = 2048
VALIDATION_COUNT = 512
SIDE = 16
LR_DECAY = 0.9  # per epoch
# How a damaged file shows itself when it is read.
DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    RuntimeError,
    EOFError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)


class InputError(Exception):
    """Something that the user has to change; shown as one line."""


# --- data -------------------------------------------------------------------------------------

# The segments of each digit: a top, b and c right, d bottom, e and f left, g middle.
DIGITS = ["abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg"]
SEGMENTS = {
    "a": (slice(0, 1), slice(0, 6)),
    "b": (slice(0, 6), slice(5, 6)),
    "c": (slice(5, 11), slice(5, 6)),
    "d": (slice(10, 11), slice(0, 6)),
    "e": (slice(5, 11), slice(0, 1)),
    "f": (slice(0, 6), slice(0, 1)),
    "g": (slice(5, 6), slice(0, 6)),
}


@dataclass(frozen=True)
class Images:
    """Pictures, (count, 1, SIDE, SIDE), and the digits on them."""

    pixels: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)


def draw_images(count: int, seed: int, device: torch.device) -> Images:
    """Draw random digits at random places, under noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (count,), generator=generator)
    tops = torch.randint(SIDE - 11 + 1, (count,), generator=generator).tolist()
    lefts = torch.randint(SIDE - 6 + 1, (count,), generator=generator).tolist()
    pixels = torch.randn((count, 1, SIDE, SIDE), generator=generator) * 0.3
    for image, label, top, left in zip(pixels, labels.tolist(), tops, lefts, strict=True):
        place = image[0, top : top + 11, left : left + 6]
        for name in DIGITS[label]:
            place[SEGMENTS[name]] += 1
    return Images(pixels.to(device), labels.to(device))


# --- ranks ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """This process among all that train together."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process prints and writes for all."""
        return self.rank == 0

    def say(self, text: str) -> None:
        """Print one line, once."""
        if self.is_first:
            print(text, flush=True)

    def complain(self, text: str) -> None:
        """Print one line to stderr, once."""
        if self.is_first:
            print(text, file=sys.stderr, flush=True)

    def add_up(self, *values: float) -> list[float]:
        """The sum of each value over all ranks."""
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        if self.size > 1:
            distributed.all_reduce(total)
        return [float(value) for value in total.tolist()]

    def gather(self, value: Any) -> list[Any]:
        """The value of each rank, in the order of ranks."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value)
        return values


def join_world() -> World:
    """Find the other processes that `torchrun` started; without it there are none."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if size > 1:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return World(rank, size, device)


# --- state: everything that the next step depends on ------------------------------------------


@dataclass
class Progress:
    """Where the training is.  `position` counts the images of this epoch used by all ranks."""

    seed: int
    epoch: int = 0
    step: int = 0
    position: int = 0
    epoch_loss_sum: float = 0.0
    best_val_loss: float = math.inf
    epochs_since_best: int = 0

    @property
    def is_best(self) -> bool:
        """Whether an epoch has just ended with the lowest validation loss so far."""
        return self.epoch > 0 and self.position == 0 and self.epochs_since_best == 0


class Training:
    """Model, optimiser, scheduler and progress, on one of the ranks."""

    def __init__(self, world: World, seed: int, lr: float) -> None:
        torch.manual_seed(seed)  # the same first weights on each rank …
        self.world = world
        self.progress = Progress(seed)
        self.model = make_model().to(world.device)
        self.parallel_model = DistributedDataParallel(self.model) if world.size > 1 else None
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, LR_DECAY)
        torch.manual_seed(seed + world.rank)  # … but not the same dropout

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint holds.  Every rank has to call it."""
        return {
            **asdict(self.progress),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "rng_states": self.world.gather(get_rng_states(self.world.device)),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.progress = Progress(**{name: state[name] for name in asdict(self.progress)})
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        rng_states = state["rng_states"]
        if len(rng_states) == self.world.size:  # with more or fewer ranks there is no "same"
            set_rng_states(self.world.device, rng_states[self.world.rank])


def make_model() -> nn.Module:
    """Two convolutions and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(16 * (SIDE // 4) ** 2, 10),
    )


def get_rng_states(device: torch.device) -> list[torch.Tensor]:
    """The random generators that training uses: of the CPU and, if used, of the GPU."""
    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states


def set_rng_states(device: torch.device, states: list[torch.Tensor]) -> None:
    """Put back what `get_rng_states` gave, on the same kind of device or another."""
    torch.set_rng_state(states[0])
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1], device)


# --- checkpoints ------------------------------------------------------------------------------


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state so that `path` is, at every moment, absent or complete."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name must survive a power cut, too
    finally:
        os.close(folder)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; one of DAMAGE says why it cannot be used."""
    with zipfile.ZipFile(path) as archive:
        if (name := archive.testzip()) is not None:
            raise ValueError(f"{name}: checksum does not match")
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in the folder, newest first."""
    return sorted(folder.glob("step-*.pt"), reverse=True)


def write_and_rotate(state: dict[str, Any], path: Path, keep_last: int) -> None:
    """Write a checkpoint, then remove those older than the last `keep_last`."""
    write_checkpoint(path, state)
    older = [other for other in list_checkpoints(path.parent) if other.name < path.name]
    for other in older[keep_last - 1 :]:
        other.unlink()


def save(training: Training, options: argparse.Namespace) -> Path:
    """Let the first rank write a checkpoint while the others wait; an OSError reaches all."""
    state, world = training.state_dict(), training.world
    path: Path = options.checkpoint_dir / f"step-{training.progress.step:08}.pt"
    problem = None
    if world.is_first:
        try:
            if training.progress.is_best:
                write_checkpoint(path.with_name("best.pt"), state)
            write_and_rotate(state, path, options.keep_last)
        except OSError as error:
            problem = str(error)
    if any(problems := world.gather(problem)):
        raise OSError(problems[0])
    return path


def list_candidates(source: Path) -> list[Path]:
    """What to try to resume from: `source` and its older neighbours, or all in the folder."""
    if source.is_dir():
        return list_checkpoints(source)
    return [source, *(path for path in list_checkpoints(source.parent) if path.name < source.name)]


def resume(source: Path, training: Training) -> None:
    """Go on from the newest valid candidate.  All ranks read the same files, so they agree."""
    if not source.exists():
        raise InputError(f"{source}: no such checkpoint")
    for path in list_candidates(source):
        try:
            training.load_state_dict(read_checkpoint(path))
        except DAMAGE as error:
            reason = str(error).partition("\n")[0]
            training.world.complain(f"warning: {path}: skipped: {reason}")
            continue
        progress = training.progress
        training.world.say(f"resumed_from={path} epoch={progress.epoch} step={progress.step}")
        return
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


def count_rows_per_step(options: argparse.Namespace, world: World) -> int:
    """How many images one step uses, on all ranks together."""
    return int(options.batch_size * options.accumulate * world.size)


def shuffle(count: int, progress: Progress) -> torch.Tensor:
    """The order of the images in the current epoch, the same on all ranks and after a resume."""
    generator = torch.Generator().manual_seed(progress.seed * 1_000_003 + progress.epoch)
    return torch.randperm(count, generator=generator)


def compute_loss(
    model: nn.Module, images: Images, rows: torch.Tensor, *, is_mixed: bool
) -> torch.Tensor:
    """The mean loss of some rows; in mixed precision the model computes in bfloat16."""
    with torch.autocast(images.pixels.device.type, torch.bfloat16, enabled=is_mixed):
        return cross_entropy(model(images.pixels[rows]), images.labels[rows])


def take_step(training: Training, images: Images, options: argparse.Namespace) -> float:
    """Change the weights once, by the mean gradient of all batches; return this rank's loss sum."""
    world, progress, parallel = training.world, training.progress, training.parallel_model
    end = progress.position + count_rows_per_step(options, world)
    rows = shuffle(len(images), progress)[progress.position : end][world.rank :: world.size]
    batches = rows.to(world.device).split(options.batch_size)
    loss_sum = 0.0
    for number, batch in enumerate(batches, start=1):
        is_last = number == len(batches)
        # Gradients need to travel between ranks only once a step.
        with contextlib.nullcontext() if is_last or parallel is None else parallel.no_sync():
            loss = compute_loss(parallel or training.model, images, batch, is_mixed=options.amp)
            (loss / len(batches)).backward()
        loss_sum += loss.item() * len(batch)
    training.optimizer.step()
    training.optimizer.zero_grad()
    progress.step += 1
    progress.position = end
    return loss_sum


def validate(training: Training, images: Images, options: argparse.Namespace) -> float:
    """The mean loss over all images, each rank computing a share."""
    world = training.world
    rows = torch.arange(world.rank, len(images), world.size, device=world.device)
    training.model.eval()
    with torch.no_grad():
        loss = compute_loss(training.model, images, rows, is_mixed=options.amp)
    training.model.train()
    (loss_sum,) = world.add_up(loss.item() * len(rows))
    return loss_sum / len(images)


def end_epoch(training: Training, val_loss: float) -> None:
    """Go to the next epoch."""
    progress = training.progress
    progress.epochs_since_best += 1
    if val_loss < progress.best_val_loss:
        progress.best_val_loss, progress.epochs_since_best = val_loss, 0
    progress.epoch += 1
    progress.position, progress.epoch_loss_sum = 0, 0.0
    training.scheduler.step()


def is_finished(progress: Progress, options: argparse.Namespace) -> bool:
    """Whether all epochs are done, or the validation loss has stopped falling."""
    if options.patience is not None and progress.epochs_since_best >= options.patience:
        return True
    return bool(progress.epoch >= options.epochs)


def print_progress(training: Training, options: argparse.Namespace, **measured: float) -> None:
    """Print one line of key=value pairs; the epoch shown is the one the last step belongs to."""
    progress, world = training.progress, training.world
    rows_per_step = count_rows_per_step(options, world)
    steps_left = (options.epochs - progress.epoch) * (TRAINING_COUNT // rows_per_step)
    step_count = progress.step + steps_left - progress.position // rows_per_step
    epoch = progress.epoch + (1 if progress.position else 0)
    values = " ".join(f"{name}={value:.6f}" for name, value in measured.items())
    world.say(f"epoch={epoch}/{options.epochs} step={progress.step}/{step_count} {values}")


def complete_epoch(
    training: Training, validation: Images, options: argparse.Namespace, loss: float
) -> None:
    """Validate, print, save."""
    val_loss, lr = validate(training, validation, options), training.lr
    end_epoch(training, val_loss)
    print_progress(training, options, loss=loss, val_loss=val_loss, lr=lr)
    if training.progress.is_best or training.progress.epoch % options.checkpoint_every == 0:
        save(training, options)


def train(
    training: Training,
    images: Images,
    validation: Images,
    options: argparse.Namespace,
    stop: StopRequest,
) -> None:
    """Take steps until the training is finished or one of the ranks was asked to stop."""
    progress, world = training.progress, training.world
    rows_per_step = count_rows_per_step(options, world)
    is_stopping = False
    while not is_finished(progress, options) and not is_stopping:
        loss_sum = take_step(training, images, options)
        loss_sum, stopping_ranks = world.add_up(loss_sum, stop.signal_number is not None)
        is_stopping = stopping_ranks > 0
        progress.epoch_loss_sum += loss_sum
        loss = progress.epoch_loss_sum / progress.position
        if progress.position + rows_per_step > len(images):
            complete_epoch(training, validation, options, loss)
        elif progress.step % options.log_every == 0:
            print_progress(training, options, loss=loss, lr=training.lr)
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
        description="Train a small network on drawn digits; interrupt it whenever you like.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    checkpoint_dir = os.environ.get("RUNCTL_CHECKPOINT_DIR") or "checkpoints"
    resume_from = os.environ.get("RUNCTL_RESUME_FROM") or None
    add = parser.add_argument
    add("--epochs", type=positive_int, default=5, help="times to go through the images")
    add("--lr", type=non_negative_float, default=0.01, help="first rate of a new training")
    add("--batch-size", type=positive_int, default=64, help="images in a batch on one rank")
    add("--accumulate", type=positive_int, default=1, help="batches in one step")
    add("--amp", action=argparse.BooleanOptionalAction, default=False, help="mixed precision")
    add("--patience", type=positive_int, help="stop after this many epochs without a better one")
    add("--seed", type=int, default=0, help="random seed of a new training")
    add("--checkpoint-dir", type=Path, default=checkpoint_dir, help="folder for checkpoints")
    add("--checkpoint-every", type=positive_int, default=1, help="epochs between checkpoints")
    add("--keep-last", type=positive_int, default=10, help="checkpoints to keep besides the best")
    add("--resume", type=Path, default=resume_from, help="checkpoint, or folder: its newest one")
    add("--log-every", type=positive_int, default=10, help="steps between two lines")
    add("--pace-s", type=non_negative_float, default=0.0, help="seconds to wait after each step")
    return parser.parse_args()


def prepare(options: argparse.Namespace, world: World) -> Training:
    """A new or resumed training."""
    if count_rows_per_step(options, world) > TRAINING_COUNT:
        raise InputError(f"one step would need more than the {TRAINING_COUNT} images there are")
    training = Training(world, options.seed, options.lr)
    if options.resume is not None:
        resume(options.resume, training)
    elif list_checkpoints(options.checkpoint_dir):
        folder = options.checkpoint_dir
        raise InputError(f"{folder}: has checkpoints; --resume {folder}, or another folder")
    return training


def run(options: argparse.Namespace, world: World, stop: StopRequest) -> int:
    """Train; return the exit code."""
    images = draw_images(TRAINING_COUNT, 1, world.device)
    validation = draw_images(VALIDATION_COUNT, 2, world.device)
    training = prepare(options, world)
    world.gather(None)  # no rank may write before all have looked for checkpoints
    options.checkpoint_dir.mkdir(parents=True, exist_ok=True)
    train(training, images, validation, options, stop)
    saved, progress = save(training, options), training.progress
    if is_finished(progress, options):
        world.say(
            f"finished epochs={progress.epoch} steps={progress.step} "
            f"best_val_loss={progress.best_val_loss:.6f} {saved=!s}"
        )
        return 0
    number = stop.signal_number or signal.SIGTERM  # another rank may be the one that was told
    world.say(f"stopped signal={number:d} epoch={progress.epoch} step={progress.step} {saved=!s}")
    return 128 + number


def main() -> int:
    """Train with the other ranks; return the exit code."""
    options = parse_options()
    stop = StopRequest()
    world = join_world()
    try:
        return run(options, world, stop)
    except InputError as error:
        world.complain(f"error: {error}")
        return 2
    except OSError as error:
        world.complain(f"error: could not save: {error}")
        return 1
    finally:
        if world.size > 1:
            gc.collect()  # the wrapped model lives in a cycle; left for the exit it aborts one end in ten
            distributed.destroy_process_group()


if __name__ == "__main__":
    sys.exit(main())
