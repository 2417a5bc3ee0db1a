"""The commands in examples/README.md print what it shows, up to the numbers."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
BLOCKS = re.findall(r"```console\n(.*?)```", (EXAMPLES / "README.md").read_text(), re.DOTALL)
TORCH_BLOCKS = [block for block in BLOCKS if "train_digits" in block]
PLAIN_BLOCKS = [block for block in BLOCKS if block not in TORCH_BLOCKS]


def mask_numbers(text: str) -> str:
    """Hide what may differ between machines and moments."""
    return re.sub(r"\d+(\.\d+)?", "#", text)


def replay(blocks: list[str], folder: Path, python: str) -> None:
    """Run the commands in order, in one folder, and compare what they print."""
    (folder / "examples").symlink_to(EXAMPLES)
    words = {"python3": [python], "torchrun": [python, "-m", "torch.distributed.run"]}
    env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    for session in "".join(blocks).split("$ ")[1:]:
        command, _, shown = session.partition("\n")
        argv = [part for word in shlex.split(command) for part in words.get(word, [word])]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(
            argv, cwd=folder, env=env, text=True, check=False, timeout=120, **both
        )
        assert mask_numbers(done.stdout) == mask_numbers(shown), command


@pytest.mark.skipif(
    not all(map(shutil.which, ["timeout", "truncate", "cmp"])), reason="needs GNU timeout, truncate"
)
def test_readme_shows_what_python_prints(tmp_path: Path) -> None:
    """Everything that needs no PyTorch."""
    assert len(PLAIN_BLOCKS) == 4
    replay(PLAIN_BLOCKS, tmp_path, sys.executable)


def test_readme_shows_what_pytorch_prints(tmp_path: Path, torch_python: str) -> None:
    """One process, then two that go on."""
    assert len(TORCH_BLOCKS) == 1
    replay(TORCH_BLOCKS, tmp_path, torch_python)
