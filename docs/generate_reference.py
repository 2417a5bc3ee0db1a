"""Write the parts of reference.md that the code itself knows: errors, kinds of answers and settings.

``python docs/generate_reference.py`` rewrites the file; with ``--check`` it only says whether it is current.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

import runctl_core
from runctl_core.api.errors import RunctlError
from runctl_core.configuration.template import render_value
from runctl_core.configuration.values import describe
from runctl_core.settings import SECTIONS

REFERENCE = Path(__file__).with_name("reference.md")


def render(document: str) -> str:
    """The document with every generated table renewed."""
    generated = {"errors": error_rows(), "kinds": kind_rows(), "settings": setting_rows()}
    for name, rows in generated.items():
        body = "\n".join(rows)
        document, found = re.subn(
            rf"(<!-- {name}: generated -->\n).*?(<!-- end -->)",
            lambda match, body=body: f"{match[1]}{body}\n{match[2]}",
            document,
            flags=re.DOTALL,
        )
        assert found == 1, f"{REFERENCE.name} has {found} places for {name}"
    return document


def error_rows() -> Iterator[str]:
    """One row for each class of error, in the order of the exit codes."""
    yield "| exit code | code | class | meaning |"
    yield "|---|---|---|---|"
    for kind in sorted(_tree(RunctlError), key=lambda kind: kind.exit_code):
        yield f"| {kind.exit_code} | `{kind.code}` | `{kind.__name__}` | {_first_line(kind)} |"


def kind_rows() -> Iterator[str]:
    """What stands in ``kind`` of any JSON answer, read out of the code that prints it."""
    package = Path(runctl_core.__file__).parent
    calls = re.compile(r'\b(?:emit|envelope|stream)\(\s*"([\w.]+)"')
    found = {kind for file in package.rglob("*.py") for kind in calls.findall(file.read_text())}
    yield " · ".join(f"`{kind}`" for kind in sorted(found))


def setting_rows() -> Iterator[str]:
    """One row for each setting of the core."""
    yield "| key | default | kind | what it does |"
    yield "|---|---|---|---|"
    for section, cls in SECTIONS.items():
        defaults = attrs.resolve_types(cls)()
        for field in attrs.fields(cls):
            default = render_value(getattr(defaults, field.name))
            doc = field.metadata["doc"]
            yield f"| `{section}.{field.name}` | `{default}` | {describe(field)} | {doc} |"


def _tree(kind: type[RunctlError]) -> Iterator[type[RunctlError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith("runctl_core.api"):
            yield from _tree(child)


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def main() -> int:
    """Write or check the file."""
    now = REFERENCE.read_text(encoding="utf-8")
    wanted = render(now)
    if "--check" in sys.argv[1:]:
        return int(now != wanted)
    REFERENCE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
