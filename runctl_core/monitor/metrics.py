"""Read numbers from the lines that trainings print: ``key=value`` pairs and JSON objects."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

import attrs

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)"
_PAIR = re.compile(rf"(?<![\w.])([A-Za-z_][\w./-]*)=({_NUMBER})(?:/(\d+))?(?![\w.])", re.IGNORECASE)
_MAX_LINE_CHARS = 10_000  # a longer line is data, not a report


@attrs.frozen(kw_only=True)
class Sample:
    """What one line reported.  ``totals`` holds the second number of pairs such as ``epoch=2/3``."""

    values: Mapping[str, float] = attrs.field(factory=dict)
    totals: Mapping[str, float] = attrs.field(factory=dict)


def parse_line(line: str) -> Sample | None:
    """The numbers of one line, or ``None`` when it reports none."""
    text = line.strip()
    if not text or len(text) > _MAX_LINE_CHARS:
        return None
    sample = _from_json(text) if text.startswith("{") else _from_pairs(text)
    return sample if sample.values else None


def _from_pairs(text: str) -> Sample:
    found = _PAIR.findall(text)
    return Sample(
        values={name: float(number) for name, number, _ in found},
        totals={name: float(total) for name, _, total in found if total},
    )


def _from_json(text: str) -> Sample:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return Sample()
    if not isinstance(document, dict):
        return Sample()
    return Sample(
        values={
            name: float(value)
            for name, value in document.items()
            if isinstance(value, int | float) and not isinstance(value, bool) and _fits(value)
        }
    )


def _fits(value: float) -> bool:
    return isinstance(value, float) or abs(value) < 2**63


@attrs.define(kw_only=True)
class Progress:
    """What the log has said so far; fed in pieces of any length.

    Attributes:
        first, last: the first and the newest value of each name.
        totals: how far a name counts, where the log says so.
    """

    first: dict[str, float] = attrs.field(factory=dict)
    last: dict[str, float] = attrs.field(factory=dict)
    totals: dict[str, float] = attrs.field(factory=dict)
    _partial: bytes = b""

    def feed(self, chunk: bytes) -> bool:
        """Take in a piece of the log; returns whether it said something new."""
        *lines, self._partial = (self._partial + chunk).replace(b"\r", b"\n").split(b"\n")
        self._partial = self._partial[-_MAX_LINE_CHARS:]
        samples = [parse_line(line.decode("utf-8", "replace")) for line in lines]
        for sample in filter(None, samples):
            self.last.update(sample.values)
            self.totals.update(sample.totals)
            for name, value in sample.values.items():
                self.first.setdefault(name, value)
        return any(samples)

    @property
    def fraction(self) -> float | None:
        """How much is done, from 0 to 1, by the finest counter with a total; ``None`` when there is none."""
        for name in ("step", "batch", "iteration", "epoch"):
            total = self.totals.get(name)
            if total and math.isfinite(self.last[name]):
                return min(max(self.last[name] / total, 0.0), 1.0)
        return None

    def describe(self, name: str) -> str:
        """A counter or value in short, such as ``2/3`` or ``0.3399``; empty when unknown."""
        if name not in self.last:
            return ""
        shown = f"{self.last[name]:.4g}" if self.last[name] % 1 else f"{self.last[name]:.0f}"
        return f"{shown}/{self.totals[name]:.0f}" if name in self.totals else shown

    def summary(self) -> str:
        """First and newest loss in one line, such as ``loss 0.83 → 0.32``; empty when none was seen."""
        parts = [
            f"{name} {self.first[name]:.4g} → {self.last[name]:.4g}"
            for name in ("loss", "train_loss", "val_loss")
            if name in self.last
        ]
        return ", ".join(parts)
