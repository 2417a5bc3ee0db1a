"""Reading progress from logs."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.monitor.metrics import Progress, parse_line


@pytest.mark.parametrize(
    ("line", "values", "totals"),
    [
        ("epoch=1/3 step=20 loss=0.5", {"epoch": 1, "step": 20, "loss": 0.5}, {"epoch": 3}),
        ("loss=1e-3, lr=.05", {"loss": 0.001, "lr": 0.05}, {}),
        ('{"step": 7, "loss": 0.25, "name": "x", "ok": true}', {"step": 7, "loss": 0.25}, {}),
        ("val/loss=-2", {"val/loss": -2}, {}),
    ],
)
def test_reports_are_read(line: str, values: dict[str, float], totals: dict[str, float]) -> None:
    """Pairs and JSON objects give numbers; a slash gives the total."""
    sample = parse_line(line)
    assert sample is not None
    assert sample.values == values
    assert sample.totals == totals


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "path=/data/x",
        "version=1.2.3",
        "{not json",
        "[1, 2]",
        "a=b",
        "x" * 20_000 + "loss=1",
    ],
)
def test_other_lines_are_not(line: str) -> None:
    """Text without a number after an equals sign reports nothing."""
    assert parse_line(line) is None


def test_nan_is_reported() -> None:
    """A loss that is not a number is news, not noise."""
    sample = parse_line("loss=nan")
    assert sample is not None
    assert math.isnan(sample.values["loss"])


@given(st.text())
def test_no_line_breaks_the_parser(line: str) -> None:
    """Whatever a script prints is survived."""
    parse_line(line)


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_no_json_breaks_the_parser(document: object) -> None:
    """Whatever JSON a script prints is survived."""
    parse_line(json.dumps(document))


@given(st.lists(st.integers(min_value=1, max_value=9)))
def test_pieces_do_not_matter(cuts: list[int]) -> None:
    """The log reads the same however it is cut."""
    log = b"epoch=1/4 loss=0.9\nnoise\nepoch=2/4 loss=0.5\rstep=3/8 loss=0.25\n"
    whole, cut = Progress(), Progress()
    whole.feed(log)
    rest = log
    for size in cuts:
        cut.feed(rest[:size])
        rest = rest[size:]
    cut.feed(rest)
    assert (cut.first, cut.last, cut.totals) == (whole.first, whole.last, whole.totals)
    assert cut.fraction == 3 / 8
    assert cut.summary() == "loss 0.9 → 0.25"
    assert cut.describe("epoch") == "2/4"
