"""train_tabular.py learns, and an interruption at any moment costs nothing that was saved."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = "train_tabular.py"
# One step an epoch, so that nearly all the time goes into saving.
SAVING = ("--batch-size", 480, "--hidden", 4, "--keep-last", 3)
NEVER_ENDING = ("--epochs", 100_000)


def list_steps(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.json"))


def read(path: Path) -> dict[str, object]:
    """Read a checkpoint, checking it without the script's help."""
    fields = json.loads(path.read_bytes())
    assert fields.pop("sha256") == hashlib.sha256(json.dumps(fields).encode()).hexdigest()
    return fields


@pytest.fixture
def continues_exactly(runner, tmp_path: Path) -> Callable[..., None]:
    """Checks that resuming a folder gives, byte for byte, the checkpoint of a run in one go."""

    def check(folder: Path, *args: object) -> None:
        epochs = int(str(read(list_steps(folder)[-1])["epoch"])) + 2
        whole = tmp_path / "whole"
        resume = ("--resume", folder, "--checkpoint-dir", folder)
        resumed = runner.run(SCRIPT, *args, "--epochs", epochs, *resume)
        reference = runner.run(SCRIPT, *args, "--epochs", epochs, "--checkpoint-dir", whole)
        assert (resumed.code, reference.code) == (0, 0)
        assert resumed.lines[-2] == reference.lines[-2]
        assert list_steps(folder)[-1].read_bytes() == list_steps(whole)[-1].read_bytes()

    return check


def test_training_reduces_the_loss(runner, tmp_path: Path) -> None:
    """In 20 epochs the validation loss falls below a third of guessing the mean."""
    outcome = runner.run(SCRIPT, "--checkpoint-dir", tmp_path / "c")
    assert outcome.code == 0
    losses = outcome.values("val_loss")
    assert len(losses) == 20
    assert losses[-1] < 1 / 3 < losses[0]
    assert outcome.values("best_val_loss") == [min(losses)]


def test_every_epoch_is_saved_by_default(runner, tmp_path: Path) -> None:
    """The default interval is one epoch."""
    runner.run(SCRIPT, "--epochs", 4, "--checkpoint-dir", tmp_path)
    assert [read(path)["epoch"] for path in list_steps(tmp_path)] == [1, 2, 3, 4]


def test_rotation_keeps_the_last_and_the_best(runner, tmp_path: Path) -> None:
    """--keep-last counts the newest; the best is kept besides."""
    args = ("--epochs", 7, "--keep-last", 2, "--lr", 0.2, "--checkpoint-dir", tmp_path)
    outcome = runner.run(SCRIPT, *args)
    assert [read(path)["epoch"] for path in list_steps(tmp_path)] == [6, 7]
    best = read(tmp_path / "best.json")
    assert f"{best['val_loss']:.6f}" == f"{min(outcome.values('val_loss')):.6f}"


@pytest.mark.parametrize("lines", random.Random(1).sample(range(1, 70), 10))
def test_term_at_any_moment_saves_the_step(
    runner, tmp_path: Path, continues_exactly, lines: int
) -> None:
    """SIGTERM leaves only whole checkpoints, the last of them of the last step; exit code 143."""
    folder = tmp_path / "c"
    args = ("--log-every", 1, "--checkpoint-dir", folder)
    running = runner.start(SCRIPT, *NEVER_ENDING, *args)
    running.see_lines(lines)
    running.process.send_signal(signal.SIGTERM)
    outcome = running.end()
    assert outcome.code == 128 + signal.SIGTERM
    states = [read(path) for path in list_steps(folder)]
    assert states[-1]["step"] == outcome.values("step")[-1] >= lines
    assert not list(folder.glob("*.tmp"))
    assert outcome.errors == []
    continues_exactly(folder)


@pytest.mark.parametrize("lines", random.Random(2).sample(range(2, 30), 10))
def test_kill_at_any_moment_leaves_whole_checkpoints(
    runner, tmp_path: Path, continues_exactly, lines: int
) -> None:
    """SIGKILL in the middle of saving leaves what was saved before."""
    folder = tmp_path / "c"
    running = runner.start(SCRIPT, *NEVER_ENDING, *SAVING, "--checkpoint-dir", folder)
    running.see_lines(lines)
    running.process.kill()
    outcome = running.end()
    assert outcome.code == -signal.SIGKILL
    states = [read(path) for path in [*list_steps(folder), folder / "best.json"]]
    assert states[-2]["step"] >= lines - 1
    continues_exactly(folder, *SAVING)


def test_interrupt_from_the_keyboard_saves_too(runner, tmp_path: Path) -> None:
    """SIGINT is the same request, with its own exit code."""
    running = runner.start(SCRIPT, *NEVER_ENDING, "--log-every", 1, "--checkpoint-dir", tmp_path)
    running.see_lines(5)
    running.process.send_signal(signal.SIGINT)
    assert running.end().code == 128 + signal.SIGINT
    assert len(list_steps(tmp_path)) >= 1


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def change_a_digit(path: Path) -> None:
    text = path.read_text()
    at = text.index('"velocity": [[') + 20
    path.write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :])


def change_the_fields(path: Path) -> None:
    path.write_text("[1, 2]")


@pytest.mark.parametrize("damage", [truncate, empty, change_a_digit, change_the_fields])
@pytest.mark.parametrize("is_named", [True, False])
def test_damaged_checkpoint_is_named_and_the_older_one_used(
    runner, tmp_path: Path, damage: Callable[[Path], None], is_named: bool
) -> None:
    """One line says which file was skipped; the training goes on from the one before."""
    whole = runner.run(SCRIPT, "--epochs", 3, "--checkpoint-dir", tmp_path)
    newest = list_steps(tmp_path)[-1]
    expected = newest.read_bytes()
    damage(newest)
    resume = ("--resume", newest if is_named else tmp_path)
    outcome = runner.run(SCRIPT, "--epochs", 3, "--checkpoint-dir", tmp_path, *resume)
    assert outcome.code == 0
    (warning,) = outcome.errors
    assert warning.startswith(f"warning: {newest}: skipped")
    assert outcome.epochs == whole.epochs[2:]
    assert newest.read_bytes() == expected


def test_only_damaged_checkpoints_are_refused(runner, tmp_path: Path) -> None:
    """A resume never starts from zero."""
    runner.run(SCRIPT, "--epochs", 1, "--checkpoint-dir", tmp_path)
    for path in list_steps(tmp_path):
        truncate(path)
    outcome = runner.run(SCRIPT, "--checkpoint-dir", tmp_path / "new", "--resume", tmp_path)
    assert outcome.code == 2
    assert "not starting from zero" in outcome.errors[-1]
    assert outcome.lines == []


def test_new_training_spares_old_checkpoints(runner, tmp_path: Path) -> None:
    """Without --resume a folder with checkpoints is refused and left as it is."""
    runner.run(SCRIPT, "--epochs", 1, "--checkpoint-dir", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    outcome = runner.run(SCRIPT, "--epochs", 2, "--seed", 5, "--checkpoint-dir", tmp_path)
    assert outcome.code == 2
    assert outcome.errors == [
        f"error: {tmp_path}: has checkpoints; --resume {tmp_path}, or another folder"
    ]
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_finished_training_resumes_to_its_end(runner, tmp_path: Path) -> None:
    """Resuming what is complete changes nothing and saves the result where it is asked to."""
    runner.run(SCRIPT, "--epochs", 2, "--checkpoint-dir", tmp_path / "a")
    args = ("--checkpoint-dir", tmp_path / "b", "--resume", tmp_path / "a")
    outcome = runner.run(SCRIPT, "--epochs", 2, *args)
    assert outcome.code == 0
    assert outcome.epochs == []
    assert read(list_steps(tmp_path / "b")[-1]) == read(list_steps(tmp_path / "a")[-1])


def test_training_stops_early_when_it_no_longer_improves(runner, tmp_path: Path) -> None:
    """--patience 2 ends after two epochs that were no better than the first."""
    args = ("--lr", 0, "--patience", 2, "--checkpoint-dir", tmp_path)
    outcome = runner.run(SCRIPT, *args)
    assert outcome.code == 0
    assert len(outcome.epochs) == 3
    resumed = runner.run(SCRIPT, *args, "--resume", tmp_path)
    assert (resumed.code, resumed.epochs) == (0, [])


def test_accumulated_batches_equal_one_larger_batch(runner, tmp_path: Path) -> None:
    """4 batches of 8 are one batch of 32, to the last bit."""
    for name, size, accumulate in [("small", 8, 4), ("large", 32, 1), ("other", 8, 1)]:
        args = ("--batch-size", size, "--accumulate", accumulate, "--epochs", 2)
        assert runner.run(SCRIPT, *args, "--checkpoint-dir", tmp_path / name).code == 0
    small, large, other = (
        read(list_steps(tmp_path / name)[-1]) for name in ("small", "large", "other")
    )
    assert small == large
    assert small["weights"] != other["weights"]


def test_environment_gives_the_defaults(runner, tmp_path: Path) -> None:
    """RUNCTL_CHECKPOINT_DIR and RUNCTL_RESUME_FROM are used where no option is given."""
    first, second = tmp_path / "first", tmp_path / "second"
    runner.run(SCRIPT, "--epochs", 1, RUNCTL_CHECKPOINT_DIR=str(first))
    (saved,) = list_steps(first)
    env = {"RUNCTL_CHECKPOINT_DIR": str(second), "RUNCTL_RESUME_FROM": str(saved)}
    outcome = runner.run(SCRIPT, "--epochs", 2, **env)
    assert outcome.lines[0] == f"resumed_from={saved} epoch=1 step=30"
    assert [read(path)["epoch"] for path in list_steps(second)] == [2]


@pytest.mark.parametrize(
    "args",
    [
        ("--epochs", "0"),
        ("--epochs", "many"),
        ("--lr", "nan"),
        ("--pace-s", "-1"),
        ("--data", "missing.csv"),
        ("--data", __file__),
        ("--resume", "missing.json"),
    ],
)
def test_bad_input_ends_with_two(runner, tmp_path: Path, args: tuple[str, ...]) -> None:
    """The last line says what is wrong, and nothing was trained."""
    outcome = runner.run(SCRIPT, *args, "--checkpoint-dir", tmp_path)
    assert outcome.code == 2
    assert "error: " in outcome.errors[-1]
    assert "Traceback" not in "\n".join(outcome.errors)
    assert outcome.lines == []


def test_checkpoint_of_another_model_is_refused(runner, tmp_path: Path) -> None:
    """A checkpoint with other layer sizes is not continued."""
    runner.run(SCRIPT, "--epochs", 1, "--checkpoint-dir", tmp_path)
    outcome = runner.run(SCRIPT, "--hidden", 5, "--resume", tmp_path, "--checkpoint-dir", tmp_path)
    assert outcome.code == 2
    assert "another --hidden" in outcome.errors[0]


def test_failed_save_is_reported_and_leaves_no_checkpoint(runner, tmp_path: Path) -> None:
    """A file that cannot be written whole does not get its name."""
    limit = (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    python = (sys.executable, "-c", limit)
    outcome = runner.run(SCRIPT, "--checkpoint-dir", tmp_path, python=python)
    assert outcome.code == 1
    assert len(outcome.errors) == 1
    assert outcome.errors[0].startswith("error: could not save: ")
    assert not list(tmp_path.glob("*.json"))
