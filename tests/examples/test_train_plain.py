"""train_plain.py does nothing to survive, which is what it is for."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest


def test_training_ends_well(runner) -> None:
    """It prints sentences, not key=value pairs, and finds the parabola again."""
    outcome = runner.run("train_plain.py")
    assert outcome.code == 0
    assert outcome.lines[1].startswith("Epoch 1 of 20: mean squared error ")
    found = [float(number) for number in re.findall(r"-?\d\.\d+", outcome.lines[-1])]
    assert found == pytest.approx([3, -2, 1], abs=0.1)


def test_term_ends_it_with_nothing_saved(
    runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies of the signal and leaves no file."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    args = ("--epochs", 1000, "--pace-s", 0.05)
    running = runner.start("train_plain.py", *args, PYTHONUNBUFFERED="1")
    running.see_lines(3)
    running.process.send_signal(signal.SIGTERM)
    assert running.end().code == -signal.SIGTERM
    assert not list(folder.iterdir())
