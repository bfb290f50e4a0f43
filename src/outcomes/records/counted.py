"""A number with its noun, for messages: 1 row, 2 rows."""

from __future__ import annotations


def counted(n: int, noun: str) -> str:
    """Return a number and its noun, which takes an s unless it is one; thousands are marked."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def agreeing(n: int, noun: str, one: str, many: str) -> str:
    """Return a number, its noun, and the verb that fits: 1 row has, 2 rows have."""
    return f"{counted(n, noun)} {one if n == 1 else many}"
