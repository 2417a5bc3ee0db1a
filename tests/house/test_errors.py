"""The tree of errors and what the documents say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runctl_core.api import errors
from runctl_core.api.errors import RunctlError


def tree(kind: type[RunctlError]) -> Iterator[type[RunctlError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from tree(child)


ALL = list(tree(RunctlError))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_error_is_documented(root: Path, kind: type[RunctlError]) -> None:
    """The reference has one row for each error: its exit code, its code and its class."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| `(\w+)` \|", reference(root), re.MULTILINE)
    assert [row for row in rows if row[2] == kind.__name__] == [
        (str(kind.exit_code), kind.code, kind.__name__)
    ]


def test_codes_are_distinct() -> None:
    """A program that reads the JSON can tell every error from every other."""
    assert len({kind.code for kind in ALL}) == len(ALL)


def test_tree_is_drawn_at_the_top() -> None:
    """The module's docstring names every class in it."""
    assert all(re.search(rf"\b{kind.__name__}\b", errors.__doc__ or "") for kind in ALL)


def reference(root: Path) -> str:
    return (root / "docs/reference.md").read_text()
