"""What a mistyped name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], *, similarity: float = 0.6) -> str | None:
    """The known name that looks most like ``word``, or ``None`` when none comes close.

    Args:
        similarity: how alike two names must be, from 0 (not at all) to 1 (equal).
    """
    from difflib import get_close_matches

    matches = get_close_matches(word, sorted(known), n=1, cutoff=similarity)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the nearest known name, or an empty string when none comes close."""
    found = nearest(word, known)
    return f"did you mean {found}?" if found else ""
