"""One configured value: where it was written, what it should be, and what is said when it is not that."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any

import attrs

from runctl_core.api.errors import ConfigError
from runctl_core.paths import expand

_UNITS = {
    "_s": " of seconds",
    "_bytes": " of bytes",
    "_gib": " of GiB",
    "_usd": " of US dollars",
    "_usd_per_hour": " of US dollars an hour",
    "_percent": " of percent",
}
_SHOWN_CHARACTERS = 60
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


@attrs.frozen(kw_only=True)
class RawValue:
    """A value as it was written.

    Attributes:
        origin: where, such as ``config.toml:7`` or ``RUNCTL_RUNS_HOME``.
        folder: what a relative path in it starts from.
        is_text: whether it came as text and its type is to be read out of it.
    """

    value: Any
    origin: str
    folder: Path
    is_text: bool = False


def build(section: str, cls: type, raw: dict[str, RawValue], *, home: Path) -> Any:
    """Make the settings of one section from what was written and the defaults.

    Args:
        cls: the attrs class of the section.
        home: what a leading ``~`` in a path stands for.

    Raises:
        ConfigError: a key is unknown, or a value is of the wrong type or out of range.
    """
    fields = attrs.fields_dict(cls)
    for key, given in raw.items():
        if key not in fields:
            raise unknown_key(
                given.origin, f"{section}.{key}", [f"{section}.{name}" for name in fields]
            )
    if raw:
        attrs.resolve_types(cls)
    chosen = {
        name: _convert(f"{section}.{name}", field, raw[name], home)
        for name, field in fields.items()
        if name in raw
    }
    return _expand_defaults(cls(**chosen), set(chosen), home)


def read_setting(text: str, key: str, cls: type) -> Any:
    """What typed text means for one key of a section; what does not fit is left for ``build`` to refuse."""
    fields = attrs.fields_dict(attrs.resolve_types(cls))
    return _read_text(text, _without_none(fields[key].type)) if key in fields else text


def unknown_key(origin: str, key: str, known: list[str]) -> ConfigError:
    """The error for a key that means nothing."""
    from runctl_core.suggestions import did_you_mean

    hint = did_you_mean(key, known)
    return ConfigError(
        f"{origin}: {key} is not a setting", hint=hint or "'runctl config show' lists all of them"
    )


def _convert(key: str, field: attrs.Attribute[Any], given: RawValue, home: Path) -> Any:
    from runctl_core.serialization import structure

    kind = _without_none(field.type)
    try:
        value = structure(_read_text(given.value, kind) if given.is_text else given.value, kind)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(
            f"{given.origin}: {key} expects {describe(field)}, got {_show(key, given.value)}"
        ) from error
    if isinstance(value, Path):
        value = expand(value, home=home, folder=given.folder)
    try:
        if field.validator:
            field.validator(None, field, value)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{given.origin}: {key} {error.args[0]}, got {_show(key, given.value)}"
        ) from error
    return value


def _expand_defaults(settings: Any, chosen: set[str], home: Path) -> Any:
    paths = {
        field.name: expand(value, home=home, folder=home)
        for field in attrs.fields(type(settings))
        if field.name not in chosen and isinstance(value := getattr(settings, field.name), Path)
    }
    return attrs.evolve(settings, **paths) if paths else settings


def describe(field: attrs.Attribute[Any]) -> str:
    """What a setting expects, in words: ``a number of seconds``."""
    kind = _without_none(field.type)
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    if typing.get_origin(kind) in (tuple, list):
        return "a list"
    if hasattr(kind, "__members__"):
        return "one of " + ", ".join(str(member.value) for member in kind)
    unit = next((words for suffix, words in _UNITS.items() if field.name.endswith(suffix)), "")
    names = {int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
    return names.get(kind, "an amount" if kind.__name__ == "Decimal" else "text") + unit


def _read_text(text: str, kind: Any) -> Any:
    """What a variable or argument means for a type; what does not fit stays text and is refused later."""
    if typing.get_origin(kind) in (tuple, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind is bool:
        word = text.strip().lower()
        return word in _TRUE if word in (*_TRUE, *_FALSE) else text
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return text
    return text


def _without_none(kind: Any) -> Any:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(kind) if member is not type(None)]
        return members[0] if len(members) == 1 else kind
    return kind


def _show(key: str, value: Any) -> str:
    from runctl_core.redaction import MASK, is_secret_name, redact_text

    shown = MASK if is_secret_name(key) else redact_text(repr(value))
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}..."
