"""What a machine is busy with, from what the system and the GPU driver's tool say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runctl_core.machines.far.processes import _looks_like_training
from runctl_core.machines.local import LocalMachine
from runctl_core.machines.processes import Gpu, read_processes
from runctl_core.machines.remote import OverRun

GPUS = """\
0, NVIDIA H200, 87, 1024, 143771, 61, 412.53
1, NVIDIA H200, [N/A], [Not Supported], 143771, 35, [Unknown Error]
"""


@pytest.fixture
def machine() -> OverRun:
    return OverRun(name="inner", inner=LocalMachine(), python=sys.executable)


def install_nvidia_smi(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = folder / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")


def test_every_gpu_is_shown(
    machine: OverRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with all that the driver tells; what it does not tell is unknown, not zero."""
    script = f'case "$1" in --query-gpu=*) cat <<EOF\n{GPUS}EOF\n;; esac\n'
    install_nvidia_smi(tmp_path, script, monkeypatch)
    assert read_processes(machine).gpus == (
        Gpu(
            index=0,
            name="NVIDIA H200",
            utilization_percent=87.0,
            memory_used_bytes=1 << 30,
            memory_total_bytes=143771 << 20,
            temperature_c=61.0,
            power_w=412.53,
        ),
        Gpu(
            index=1,
            name="NVIDIA H200",
            memory_total_bytes=143771 << 20,
            temperature_c=35.0,
        ),
    )


def test_a_process_on_a_gpu_is_shown_whatever_its_name(
    machine: OverRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver knows who uses a GPU; memory on several of them adds up."""
    script = 'case "$1" in *compute-apps*) echo "$PPID, 100"; echo "$PPID, 28";; esac\n'
    install_nvidia_smi(tmp_path, script, monkeypatch)
    used = [process.gpu_memory_bytes for process in read_processes(machine).processes or ()]
    assert 128 << 20 in used


def test_a_driver_that_fails_means_unknown(
    machine: OverRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the same as a machine without GPUs."""
    install_nvidia_smi(tmp_path, "exit 9\n", monkeypatch)
    assert read_processes(machine).gpus is None


def test_a_machine_without_a_driver_has_no_gpus(
    machine: OverRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty list, which is knowledge."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_processes(machine).gpus == ()


@pytest.mark.parametrize(
    "command",
    [
        "python train.py",
        "/usr/bin/python3.11 -u /srv/finetune_llama.py --lr 1",
        "python3 -m torch.distributed.run --nproc 8 x.py",
        "python -m mypkg.training",
        "/venv/bin/python /venv/bin/torchrun --nproc_per_node 8 main.py",
        "torchrun main.py",
        "/usr/local/bin/accelerate launch main.py",
        "pypy3 pretrain.py",
    ],
)
def test_trainings_are_recognised(command: str) -> None:
    """Launchers, and interpreters on a script or module with a telling name."""
    assert _looks_like_training(command.split())


@pytest.mark.parametrize(
    "command",
    [
        "",
        "vim train.py",
        "python -c 'import train'",
        "python /usr/bin/networkd-dispatcher",
        "python app.py train",
        "tail -f train.log",
        "constrained",
        "python",
        "python -",
    ],
)
def test_other_processes_are_not(command: str) -> None:
    """An editor on a training script is no training."""
    assert not _looks_like_training(command.split())
