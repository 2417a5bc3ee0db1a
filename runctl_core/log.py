"""What runctl says about its own work, on standard error.

A message below the threshold costs one comparison and imports nothing; structlog arrives with the first message that
is really written.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from structlog.typing import Processor

LEVELS: Mapping[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}


@attrs.frozen(kw_only=True)
class _Shape:
    threshold: int = LEVELS["warning"]
    is_json: bool = False
    has_color: bool = False


_shape = _Shape()


def configure(*, level: str = "warning", json: bool = False, color: bool = False) -> None:
    """Choose what is written and how.

    Args:
        level: the least serious message that is written, one of ``LEVELS``.
        json: write one JSON object a line instead of text.
        color: colour the text.
    """
    global _shape  # noqa: PLW0603 - standard error is one per process, too
    _shape = _Shape(threshold=LEVELS[level], is_json=json, has_color=color)


@attrs.frozen
class Logger:
    """Writes messages that carry named values: ``log.info("run started", run_id=run.id)``."""

    name: str

    def debug(self, event: str, **fields: object) -> None:
        """Say something that only helps to find a defect."""
        _write(self.name, "debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Say what is being done."""
        _write(self.name, "info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Say that something may not be as the user wants it."""
        _write(self.name, "warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Say that something failed."""
        _write(self.name, "error", event, fields)


def get_logger(name: str) -> Logger:
    """The logger of one module."""
    return Logger(name)


def _write(name: str, level: str, event: str, fields: Mapping[str, object]) -> None:
    if LEVELS[level] < _shape.threshold:
        return
    import structlog

    logger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=_get_processors(_shape),
        wrapper_class=structlog.BoundLogger,
    )
    with contextlib.suppress(OSError, ValueError):  # a closed terminal must not end a training
        getattr(logger, level)(event, logger=name, **fields)


@functools.cache
def _get_processors(shape: _Shape) -> tuple[Processor, ...]:
    import structlog

    return (
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact_fields,
        *(_json_renderers() if shape.is_json else _text_renderers(has_color=shape.has_color)),
        _redact_line,
    )


def _json_renderers() -> tuple[Processor, ...]:
    from structlog.processors import JSONRenderer, format_exc_info

    return format_exc_info, JSONRenderer(default=str)


def _text_renderers(*, has_color: bool) -> tuple[Processor, ...]:
    from structlog.dev import ConsoleRenderer, plain_traceback

    # The default way to format exceptions prints local variables, and those may be secrets.
    return (ConsoleRenderer(colors=has_color, pad_event_to=0, exception_formatter=plain_traceback),)


def _redact_fields(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    from runctl_core.redaction import redact

    redacted: MutableMapping[str, Any] = redact(event)
    return redacted


def _redact_line(_logger: object, _method: str, line: Any) -> str:
    """Catch what only became text while it was rendered, such as the repr of an object."""
    from runctl_core.redaction import redact_text

    return redact_text(line)
