"""The line of progress under a training's output."""

from __future__ import annotations

import pytest

from runctl_core.cli.follow import Follower


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        (b"hello\n", ""),
        (b"loss=0.25\n", "loss 0.25"),
        (b"epoch=1/4 loss=0.5\n", "━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  25%  epoch 1/4  loss 0.5  ETA 30s"),
        (b"epoch=1/4 step=30/40\n", "━━━━━━━━━━━━━━━╌╌╌╌╌  75%  epoch 1/4  step 30/40  ETA 3.3s"),
        (b"step=40/40\n", "━━━━━━━━━━━━━━━━━━━━ 100%  step 40/40"),
    ],
)
def test_the_line_shows_what_is_known(log: bytes, shown: str) -> None:
    """A bar and the time left where a counter has a total; nothing where the log says nothing."""
    follower = Follower()
    follower.progress.feed(log)
    assert follower.line(elapsed_s=10.0) == shown


def test_nothing_is_drawn_where_there_is_no_terminal(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """Into a pipe goes the script's output and nothing else."""
    Follower().show([b"step=1/2\n", b"step=2/2\n"])
    out, err = capfdbinary.readouterr()
    assert out == b"step=1/2\nstep=2/2\n"
    assert err == b""
