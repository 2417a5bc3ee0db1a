"""Values to JSON and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runctl_core.api import model, policy
from runctl_core.serialization import from_json, structure, to_json, unstructure

VALUES = [
    value
    for module in (model, policy)
    for value in vars(module).values()
    if isinstance(value, type)
    and attrs.has(value)
    and value.__module__ == module.__name__
    and value is not policy.Action  # carries any request
    and value is not policy.PolicyContext  # carries any settings
]
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False)
TIMES = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)


def build(kind: type) -> st.SearchStrategy[Any]:
    """Any value of an attrs class."""
    attrs.resolve_types(kind)
    return st.builds(kind, **{field.name: _of(field.type) for field in attrs.fields(kind)})


def _of(kind: Any) -> st.SearchStrategy[Any]:
    arguments = get_args(kind)
    if type(None) in arguments:
        return st.none() | _of(next(one for one in arguments if one is not type(None)))
    if get_origin(kind) is tuple:
        return _tuple_of(arguments)
    if get_origin(kind) is frozenset:
        return st.frozensets(_of(arguments[0]), max_size=2)
    if arguments:  # a mapping of text
        return st.dictionaries(st.text(), _of(arguments[1]), max_size=2)
    if attrs.has(kind):
        return build(kind)
    known = {
        Decimal: AMOUNTS,
        datetime: TIMES,
        float: st.floats(allow_nan=False, allow_infinity=False),
    }
    return known[kind] if kind in known else st.from_type(kind)


def _tuple_of(arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if ... in arguments:
        return st.lists(_of(arguments[0]), max_size=2).map(tuple)
    return st.tuples(*map(_of, arguments))


@pytest.mark.parametrize("kind", VALUES)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_value_survives_json(kind: type, data: st.DataObject) -> None:
    """Nothing is lost, and None stays None."""
    value = data.draw(build(kind))
    assert from_json(to_json(value), kind) == value


def test_what_json_looks_like() -> None:
    """Money and times are text; an order of levels is shown by name."""
    price = model.Price(
        usd_per_hour=Decimal("1.50"),
        kind=model.PriceKind.SPOT,
        observed_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1))),
        source="x",
    )
    assert unstructure(price) == {
        "usd_per_hour": "1.50",
        "kind": "spot",
        "observed_at": "2026-01-02T02:04:05Z",
        "source": "x",
    }
    finding = policy.Finding(code="X", level=policy.Level.BLOCK, reason="r")
    assert unstructure(finding)["level"] == "block"
    assert unstructure({"p": Path("/a"), "s": frozenset("ba"), "t": (1, None)}) == {
        "p": "/a",
        "s": ["a", "b"],
        "t": [1, None],
    }


def test_plain_types_are_left() -> None:
    """Only plain types come out, so that any writer can print them."""
    data = unstructure(policy.Finding(code="X", level=policy.Level.INFO, reason="r"))
    assert {type(value) for value in data.values()} == {str, dict}


@pytest.mark.parametrize(
    "value",
    [
        b"x",
        {"a": [b"x"]},
        datetime(2026, 1, 1),  # noqa: DTZ001 - the point
        float("nan"),
        [float("inf")],
        Decimal("NaN"),
    ],
)
def test_what_json_cannot_say_is_refused(value: object) -> None:
    """Bytes, times without a zone, and numbers that are none."""
    with pytest.raises((ValueError, TypeError)):
        unstructure(value)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (True, int),
        (1.0, int),
        ("1", int),
        (1, bool),
        (1, str),
        ("1.0", float),
        (True, float),
        ("x", Decimal),
        ("NaN", Decimal),
        ("2026-01-01T00:00:00", datetime),
        ("abc", tuple[str, ...]),
        ([1], tuple[str, ...]),
        ("x", Literal["a", "b"]),
        (True, Literal[1]),
        ("sold", model.ResourceState),
        ("loud", policy.Level),
        (1, policy.Level),
        ({}, model.Ref),
    ],
)
def test_reading_is_strict(data: object, kind: Any) -> None:
    """Nothing is taken for something else."""
    with pytest.raises((ValueError, TypeError, KeyError)):
        structure(data, kind)


def test_fields_of_newer_versions_are_ignored() -> None:
    """A record written by a newer runctl can still be read."""
    text = json.dumps({"provider": "a", "id": "b", "zone": "c"})
    assert from_json(text, model.Ref) == model.Ref(provider="a", id="b")
