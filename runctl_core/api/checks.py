"""Checks of the values that plugins make, so that a wrong one fails where it is made and not where it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, Any, Any], None]


def is_a(*kinds: type) -> Check:
    """Accept values of these types only.  A whole number is no level, though a level is a whole number."""

    def check(instance: Any, field: Any, value: Any) -> None:
        if not isinstance(value, kinds):
            raise _misfit(instance, field, " or ".join(kind.__name__ for kind in kinds), value)

    return check


def maps_text_to(kind: type) -> Check:
    """Accept mappings from text to this type."""

    def check(instance: Any, field: Any, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise _misfit(instance, field, "a mapping", value)
        for key, member in value.items():
            if not (isinstance(key, str) and isinstance(member, kind)):
                raise _misfit(instance, field, f"a mapping from str to {kind.__name__}", member)

    return check


def is_version(instance: Any, field: Any, value: Any) -> None:
    """Accept pairs of whole numbers."""
    if not (isinstance(value, tuple) and [type(part) for part in value] == [int, int]):
        raise _misfit(instance, field, "a pair of whole numbers", value)


def _misfit(instance: Any, field: Any, wanted: str, value: object) -> TypeError:
    owner = type(instance).__name__
    return TypeError(f"{owner}.{field.name} must be {wanted}, not {type(value).__name__}")
