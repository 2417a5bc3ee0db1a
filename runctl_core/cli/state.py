"""What the common options said."""

from __future__ import annotations

import os
import sys
from typing import Any


class State:
    """The common options of one call; the one mutable thing that click hands from group to command."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.warnings: list[str] = []

    def remember(self, name: str, value: Any) -> None:
        """Keep an option; the one nearest to the command's end wins, and ``-v`` adds up."""
        self.given[name] = self.given.get(name, 0) + value if name == "verbose" else value

    @property
    def config_path(self) -> str | None:
        """``--config``."""
        path: str | None = self.given.get("config")
        return path

    @property
    def is_json(self) -> bool:
        """Whether data is printed as JSON."""
        return self.output_format == "json"

    @property
    def output_format(self) -> str:
        """``--output``, or the setting ``output.format`` once the configuration was read."""
        return str(self.given.get("output") or self.given.get("configured_output") or "text")

    @property
    def is_quiet(self) -> bool:
        """``--quiet``."""
        return bool(self.given.get("quiet"))

    @property
    def verbosity(self) -> int:
        """How often ``-v`` was given; ``-q`` is minus one."""
        return -1 if self.is_quiet else int(self.given.get("verbose", 0))

    def has_color(self, stream: Any = None) -> bool:
        """Whether a stream, standard output unless given, should get colour."""
        if self.given.get("no_color") or os.environ.get("NO_COLOR"):
            return False
        choice = self.given.get("configured_color", "auto")
        return bool(choice == "always" or (choice == "auto" and (stream or sys.stdout).isatty()))
