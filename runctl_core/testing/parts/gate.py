"""Which tests apply to a plugin: what it does not declare is not tested, and said so."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., None])


def needs(*things: str) -> Callable[[Test], Test]:
    """Mark a test that applies only where all these things are declared: operations, or parts of the kit."""

    def mark(test: Test) -> Test:
        test.__dict__["needs"] = frozenset(things)
        return test

    return mark


def remove_unmet(contract: type, there: Collection[str]) -> dict[str, list[str]]:
    """Hide the tests of a class that need what is not there.

    Returns:
        the names of hidden tests by the first thing that each of them lacks.
    """
    hidden: dict[str, list[str]] = {}
    for name in dir(contract):
        lacking: frozenset[str] = getattr(getattr(contract, name), "needs", frozenset())
        lacking -= frozenset(there)
        if lacking:
            setattr(contract, name, None)
            hidden.setdefault(min(lacking), []).append(name)
    return hidden
