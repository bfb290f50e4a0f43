"""Words of messages: a number with its noun (1 row, 2 rows), a list (a, b and c)."""

from __future__ import annotations

from collections.abc import Sequence


def counted(n: int, noun: str) -> str:
    """Return a number and its noun, which takes an s unless it is one; thousands are marked."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def agreeing(n: int, noun: str, one: str, many: str) -> str:
    """Return a number, its noun, and the verb that fits: 1 row has, 2 rows have."""
    return f"{counted(n, noun)} {one if n == 1 else many}"


def joined(words: Sequence[str]) -> str:
    """Return words as a list in a sentence, with "and" before the last."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
