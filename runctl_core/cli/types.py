"""Values that are typed on a command line."""

from __future__ import annotations

import os
import re
from typing import Any

import click

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


class Duration(click.ParamType[float]):
    """A time span such as ``90``, ``15m`` or ``2h``; the value is in seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read the text."""
        if isinstance(value, int | float):
            return float(value)
        found = _DURATION.fullmatch(str(value).strip().lower())
        if not found:
            self.fail(f"{value!r} is not a duration such as 90, 15m or 2h", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


class Processes(click.ParamType[int]):
    """A number of processes, or ``auto`` for one per GPU; the value of ``auto`` is 0."""

    name = "auto|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text."""
        if value == "auto":
            return 0
        if not str(value).isdecimal() or int(value) < 1:
            self.fail(f"{value!r} is neither 'auto' nor a number from 1 up", param, ctx)
        return int(value)


class Variable(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``, or ``NAME`` to pass on the variable of this shell; the value is a pair."""

    name = "NAME[=VALUE]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Read the text; the value itself never appears in an error."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            self.fail(f"{name!r} is not a name of an environment variable", param, ctx)
        if not equals and name not in os.environ:
            self.fail(f"{name} is not set here", param, ctx)
        return name, text if equals else os.environ[name]
