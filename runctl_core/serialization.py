"""The one converter between values and JSON-ready data.

=================  ==========================================================
value              data
=================  ==========================================================
attrs value        object with every field; ``None`` stays null
``Decimal``        text, so that no digit of money is lost
``datetime``       ISO 8601 in UTC with ``Z``; naive ones are refused
``Path``           text
text enumeration   its value
ordered one        its name in lower case; the number is only an order
set                sorted list
``bytes``, NaN     refused
=================  ==========================================================

Reading is strict: a number is not text, true is not one, and 1.0 is not a whole number.
"""

from __future__ import annotations

import enum
import functools
import json
import math
import typing
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")


def unstructure(value: object) -> Any:
    """Turn a value into data that ``json`` can write.

    Raises:
        ValueError: it holds a naive time or a number that JSON cannot write.
        TypeError: it holds bytes.
    """
    return get_converter().unstructure(value)


def structure(data: Any, kind: type[T]) -> T:
    """Turn data back into a value.  Fields that ``kind`` does not have are ignored.

    Raises:
        ValueError: a value is out of range or of the wrong form.
        TypeError: a value has the wrong type.
        KeyError: a required field is missing.
    """
    read = _find_reader(kind)
    return read(data, kind) if read else get_converter().structure(data, kind)


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write a value as JSON text; see ``unstructure`` for what is refused."""
    return json.dumps(unstructure(value), indent=indent, allow_nan=False)


def from_json(text: str | bytes, kind: type[T]) -> T:
    """Read a value from JSON text; see ``structure`` for what is refused."""
    return structure(json.loads(text), kind)


@functools.cache
def get_converter() -> Converter:
    """The converter itself, for hooks of further types."""
    from cattrs import Converter

    converter = Converter(detailed_validation=False, prefer_attrib_converters=False)
    _register_writers(converter)
    _register_readers(converter)
    return converter


def _register_writers(converter: Converter) -> None:
    writers: Mapping[Any, Callable[[Any], Any]] = {
        Decimal: _write_decimal,
        datetime: _write_time,
        float: _write_float,
        bytes: _refuse_bytes,
        bytearray: _refuse_bytes,
        PurePath: str,
        enum.Enum: lambda member: member.value,
        enum.StrEnum: lambda member: member.value,  # closer to such a class than the one for text
        enum.IntEnum: lambda member: member.name.lower(),
    }
    for kind, write in writers.items():
        converter.register_unstructure_hook(kind, write)
    converter.register_unstructure_hook_func(
        _is_set, lambda members: sorted(map(converter.unstructure, members))
    )


def _register_readers(converter: Converter) -> None:
    for kind, read in _READERS.items():
        converter.register_structure_hook(kind, read)
    converter.register_structure_hook(
        enum.StrEnum, lambda data, kind: kind(_read_exactly(data, str))
    )
    converter.register_structure_hook(enum.IntEnum, _read_member)
    converter.register_structure_hook_func(lambda kind: kind is object, lambda data, _: data)
    converter.register_structure_hook_func(_is_choice, _read_choice)
    converter.register_structure_hook_func(_is_tuple_of_any_length, _read_tuple)


def _is_set(kind: Any) -> bool:
    origin = getattr(kind, "__origin__", kind)
    return isinstance(origin, type) and issubclass(origin, AbstractSet)


def _is_choice(kind: Any) -> bool:
    return typing.get_origin(kind) is typing.Literal


def _is_tuple_of_any_length(kind: Any) -> bool:
    return typing.get_origin(kind) is tuple and typing.get_args(kind)[1:] == (...,)


def _write_decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} is not an amount")
    return str(value)


def _write_time(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"the time {value.isoformat()} has no time zone")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _write_float(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"JSON has no {value}")
    return value


def _refuse_bytes(value: bytes) -> None:
    raise TypeError(f"JSON has no bytes ({len(value)} of them)")


def _read_exactly(data: Any, kind: type[T]) -> T:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise TypeError(f"{data!r} is not {kind.__name__}")
    return data


def _read_float(data: Any) -> float:
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise TypeError(f"{data!r} is not a number")
    return _write_float(float(data))


def _read_decimal(data: Any) -> Decimal:
    if isinstance(data, bool) or not isinstance(data, str | int | float):
        raise TypeError(f"{data!r} is not an amount")
    try:
        value = Decimal(str(data))
    except InvalidOperation as error:
        raise ValueError(f"{data!r} is not an amount") from error
    _write_decimal(value)
    return value


def _read_time(data: Any) -> datetime:
    value = data if isinstance(data, datetime) else datetime.fromisoformat(_read_exactly(data, str))
    if value.tzinfo is None:
        raise ValueError(f"the time {data} has no time zone")
    return value.astimezone(UTC)


def _read_choice(data: Any, kind: Any) -> Any:
    for choice in typing.get_args(kind):
        if type(data) is type(choice) and data == choice:
            return choice
    raise ValueError(f"{data!r} is not one of {typing.get_args(kind)}")


def _read_tuple(data: Any, kind: Any) -> tuple[Any, ...]:
    if not isinstance(data, list | tuple):  # text is iterable as well, and never meant so
        raise TypeError(f"{data!r} is not a list")
    return tuple(structure(item, typing.get_args(kind)[0]) for item in data)


def _read_member(data: Any, kind: type[T]) -> T:
    try:
        return cast("T", kind[_read_exactly(data, str).upper()])  # type: ignore[index]
    except KeyError as error:
        raise ValueError(f"{data!r} is not one of {[str(name) for name in kind]}") from error  # type: ignore[attr-defined]


def _find_reader(kind: Any) -> Callable[[Any, Any], Any] | None:
    """The way to read a type that needs no converter: settings are made of these, and cattrs takes long to import."""
    if _is_choice(kind):
        return _read_choice
    return _read_tuple if _is_tuple_of_any_length(kind) else _READERS.get(kind)


_READERS: Mapping[Any, Callable[[Any, Any], Any]] = {
    bool: _read_exactly,
    int: _read_exactly,
    str: _read_exactly,
    float: lambda data, _: _read_float(data),
    Decimal: lambda data, _: _read_decimal(data),
    datetime: lambda data, _: _read_time(data),
    Path: lambda data, _: Path(_read_exactly(data, str)),
}
