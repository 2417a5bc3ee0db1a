"""What a mistyped name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, similarity: float = 0.6) -> str | None:
    """The known name that looks most like ``word``, or ``None`` when none comes close.

    Args:
        similarity: how alike two names must be, from 0 (not at all) to 1 (equal).
    """
    matches = _find_near(word, known, count=1, similarity=similarity)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Iterable[str], *, count: int = 1) -> str:
    """A hint with the nearest known names, or an empty string when none comes close."""
    found = _find_near(word, known, count=count)
    return f"did you mean {', '.join(found)}?" if found else ""


def _find_near(
    word: str, known: Iterable[str], *, count: int, similarity: float = 0.6
) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(word, sorted(known), n=count, cutoff=similarity)
