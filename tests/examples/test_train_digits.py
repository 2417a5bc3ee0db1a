"""train_digits.py learns and survives, as one process and as two."""

from __future__ import annotations

import os
import signal
import socket
import zipfile
from pathlib import Path

SCRIPT = "train_digits.py"
CPU = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
NEVER_ENDING = ("--epochs", 100_000, "--log-every", 1)


def list_steps(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.pt"))


def assert_whole(path: Path) -> None:
    """Check a checkpoint without PyTorch."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def flip_a_bit(path: Path) -> None:
    """Change the weights without changing the structure of the file."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda info: info.file_size)
    data = bytearray(path.read_bytes())
    data[largest.header_offset + largest.file_size // 2] ^= 1
    path.write_bytes(data)


def test_missing_pytorch_is_one_line(runner, tmp_path: Path) -> None:
    """Without PyTorch the script says what to install and ends with 2."""
    (tmp_path / "torch.py").write_text("raise ImportError")
    outcome = runner.run(SCRIPT, PYTHONPATH=str(tmp_path))
    assert outcome.code == 2
    assert outcome.errors == ["error: this example needs PyTorch: python -m pip install torch"]


def test_training_reduces_the_loss_and_spares_old_checkpoints(
    runner, tmp_path: Path, torch_python: str
) -> None:
    """Five epochs recognise most digits; a second new training in the same folder is refused."""
    args = ("--checkpoint-dir", tmp_path)
    outcome = runner.run(SCRIPT, *args, python=(torch_python,), **CPU)
    assert outcome.code == 0, outcome.errors
    losses = outcome.values("val_loss")
    assert len(losses) == len(list_steps(tmp_path)) == 5
    assert losses[-1] < 0.5 < losses[0]
    again = runner.run(SCRIPT, *args, python=(torch_python,), **CPU)
    assert (again.code, again.lines) == (2, [])


def test_stopped_and_damaged_training_continues_exactly(
    runner, tmp_path: Path, torch_python: str
) -> None:
    """TERM saves the step, a flipped bit in it is seen, and the next older one gives the same losses."""
    folder, python = tmp_path / "c", (torch_python,)
    running = runner.start(SCRIPT, *NEVER_ENDING, "--checkpoint-dir", folder, python=python, **CPU)
    running.see_lines(40)
    running.process.send_signal(signal.SIGTERM)
    stopped = running.end()
    assert stopped.code == 128 + signal.SIGTERM
    newest = list_steps(folder)[-1]
    assert f"saved={newest}" in stopped.lines[-1]
    for path in list_steps(folder):
        assert_whole(path)
    args = ("--epochs", int(stopped.values("epoch")[-1]) + 2, "--resume", newest)
    exact = runner.run(SCRIPT, *args, "--checkpoint-dir", tmp_path / "exact", python=python, **CPU)
    assert exact.values("step")[0] == stopped.values("step")[-1]
    flip_a_bit(newest)
    older = runner.run(SCRIPT, *args, "--checkpoint-dir", tmp_path / "older", python=python, **CPU)
    (warning,) = older.errors
    assert warning.startswith(f"warning: {newest}: skipped: ")
    assert older.values("step")[0] < exact.values("step")[0]
    assert exact.epochs == older.epochs[-2:]


def test_early_stopping_with_accumulated_mixed_precision(
    runner, tmp_path: Path, torch_python: str
) -> None:
    """--patience ends a training that does not improve; --accumulate halves the steps."""
    args = ("--lr", 0, "--patience", 1, "--amp", "--accumulate", 2, "--checkpoint-dir", tmp_path)
    outcome = runner.run(SCRIPT, *args, python=(torch_python,), **CPU)
    assert outcome.code == 0, outcome.errors
    assert [line.split()[:2] for line in outcome.epochs] == [
        ["epoch=1/5", "step=16/80"],
        ["epoch=2/5", "step=32/80"],
    ]


def find_free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_only_the_first_rank_writes_and_one_signal_stops_both(
    runner, tmp_path: Path, torch_python: str
) -> None:
    """With a folder for each rank, that of the second stays empty; TERM to the second alone stops both."""
    common = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": find_free_port(),
        "WORLD_SIZE": "2",
        "PYTHONUNBUFFERED": "1",
    }
    first, second = (
        runner.start(
            *(SCRIPT, *NEVER_ENDING, "--checkpoint-dir", tmp_path / f"rank{rank}"),
            python=(torch_python,),
            **(CPU | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)}),
        )
        for rank in range(2)
    )
    first.see_lines(20)
    second.process.send_signal(signal.SIGTERM)
    outcomes = first.end(), second.end()
    assert [outcome.code for outcome in outcomes] == [143, 143]
    assert outcomes[1].lines == []
    assert f"saved={list_steps(tmp_path / 'rank0')[-1]}" in outcomes[0].lines[-1]
    assert not list((tmp_path / "rank1").iterdir())


def test_torchrun_lets_both_ranks_save_and_resumes(
    runner, tmp_path: Path, torch_python: str
) -> None:
    """TERM to torchrun alone saves one checkpoint of the last step, from which two ranks go on."""
    folder = tmp_path / "c"
    torchrun = (torch_python, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    env = {**CPU, "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "60"}
    args = ("--amp", "--checkpoint-dir", folder)
    running = runner.start(SCRIPT, *NEVER_ENDING, *args, python=torchrun, **env)
    running.see_lines(20)
    os.kill(running.process.pid, signal.SIGTERM)
    stopped = running.end()
    assert stopped.code != 0
    assert stopped.lines[-1].startswith("stopped signal=15 ")
    newest = list_steps(folder)[-1]
    assert_whole(newest)
    step = int(stopped.values("step")[-1])
    assert newest.name == f"step-{step:08}.pt"
    assert not list(folder.glob("*.tmp"))
    epochs = int(stopped.values("epoch")[-1]) + 1
    args = (*args, "--epochs", epochs, "--log-every", 1, "--resume", folder)
    resumed = runner.run(SCRIPT, *args, python=torchrun, **env)
    assert resumed.code == 0, resumed.errors
    assert resumed.lines[0].startswith(f"resumed_from={newest} ")
    assert resumed.values("step")[1] == step + 1
    assert resumed.lines[-1].startswith("finished ")
