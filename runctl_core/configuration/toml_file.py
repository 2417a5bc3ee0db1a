"""Read a TOML file and know on which line each key stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from runctl_core.api.errors import ConfigError

KeyPath = tuple[str, ...]


@attrs.frozen(kw_only=True)
class TomlFile:
    """A file that was read.  ``lines`` holds the first line of each key and table, counted from 1."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int]

    def locate(self, *keys: str) -> str:
        """Where a key stands, as ``file:line``; inside an inline value, where that begins."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.lines:
                return f"{self.path}:{self.lines[keys[:length]]}"
        return str(self.path)


def read_toml(path: Path) -> TomlFile:
    """Read a file.

    Raises:
        ConfigError: it is missing, unreadable, a folder, not UTF-8 or not TOML.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint="check the path given") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text") from error
    return parse_toml(text, path)


def parse_toml(text: str, path: Path) -> TomlFile:
    """Parse text as the content of ``path``.

    Raises:
        ConfigError: it is not TOML.
    """
    import tomllib

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _malformed(path, text, str(error)) from error
    return TomlFile(path=path, data=data, lines=dict(_find_lines(text)))


def _malformed(path: Path, text: str, reason: str) -> ConfigError:
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", reason)
    if not found:
        return ConfigError(f"{path}: {reason}")
    lines = text.split("\n")
    line, column = found.groups() if found[1] else (len(lines), len(lines[-1]) + 1)
    message = reason[: found.start()]
    return ConfigError(f"{path}:{line}:{column}: {message[:1].lower()}{message[1:]}")


def _find_lines(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Each key with its line: the text is cut into the shortest pieces that are TOML on their own."""
    import tomllib

    table: KeyPath = ()
    piece, start = "", 1
    for number, line in enumerate(text.split("\n"), start=1):
        piece += line + "\n"
        try:
            statement = tomllib.loads(piece)
        except tomllib.TOMLDecodeError:
            continue
        if piece.lstrip().startswith("["):
            table = _deepest(statement)
            yield table, start
        else:
            yield from ((table + path, start) for path in _paths(statement))
        piece, start = "", number + 1


def _deepest(header: Mapping[str, Any]) -> KeyPath:
    path: KeyPath = ()
    inner: Any = header
    while inner:
        inner = inner[0] if isinstance(inner, list) else inner
        for key, value in inner.items():
            path += (key,)
            inner = value
    return path


def _paths(data: Mapping[str, Any]) -> Iterator[KeyPath]:
    for key, value in data.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, *rest) for rest in _paths(value))
