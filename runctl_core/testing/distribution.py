"""Installed packages made of text, for plugins that a test invents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class Distribution:
    """A package as an installer would leave it: its metadata folder and its modules.

    Attributes:
        name: of the distribution.
        entry_points: by group, then by name; the values are ``module`` or ``module:attribute``.
        modules: source text by module name, without dots.
        files: raw content by file name of the metadata folder, which overrides what would be written.
    """

    name: str
    version: str = "1.0"
    summary: str = ""
    entry_points: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    modules: Mapping[str, str] = attrs.field(factory=dict)
    files: Mapping[str, bytes] = attrs.field(factory=dict)

    def install(self, site: Path) -> None:
        """Write it into a folder that is, or will be, on the module search path."""
        metadata = site / f"{self.name.replace('-', '_')}-{self.version}.dist-info"
        metadata.mkdir(parents=True)
        content = {
            "METADATA": self._metadata().encode(),
            "entry_points.txt": self._entry_points().encode(),
            **self.files,
        }
        for name, data in content.items():
            (metadata / name).write_bytes(data)
        for name, source in self.modules.items():
            (site / f"{name}.py").write_text(source, encoding="utf-8")

    def _metadata(self) -> str:
        fields = (("Metadata-Version", "2.1"), ("Name", self.name), ("Version", self.version))
        summary = (("Summary", self.summary),) if self.summary else ()
        return "".join(f"{key}: {value}\n" for key, value in (*fields, *summary))

    def _entry_points(self) -> str:
        return "\n".join(
            "\n".join((f"[{group}]", *(f"{name} = {target}" for name, target in points.items())))
            for group, points in self.entry_points.items()
        )
