"""Quarters and months as numbers: counted since 1970, so that neighbours differ by one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.dates import quarter_word as quarter_word
from outcomes.errors import Finding, InputRefused


def quarter_number(days: NDArray[Any]) -> NDArray[np.int64]:
    """Count quarters since 1970 from days since 1970-01-01."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // 3, dtype=np.int64)


def quarter_end(number: int) -> int:
    """Last day of a quarter, in days since 1970-01-01."""
    return int(np.datetime64(3 * (number + 1), "M").astype("datetime64[D]").astype(np.int64)) - 1


def read_quarter(text: str) -> int:
    """Read ``2026Q3``, also ``2026-q3`` and ``Q3 2026`` as pages write it, as a quarter number.

    Raises
    ------
    InputRefused
        E658 it is written in another way.
    """
    found = re.fullmatch(r"\s*(?:(\d{4})[-\s]?[Qq]([1-4])|[Qq]([1-4])[-\s]?(\d{4}))\s*", str(text))
    if not found:
        finding = Finding("E658", f"'{text}' is no quarter.", "quarter", "Write it like 2026Q3.")
        raise InputRefused("The quarter cannot be used.", [finding])
    year, quarter = found[1] or found[4], found[2] or found[3]
    return (int(year) - 1970) * 4 + int(quarter) - 1


def month_number(days: NDArray[Any]) -> NDArray[np.int64]:
    """Count months since 1970 from days since 1970-01-01."""
    return np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64), dtype=np.int64)


def month_word(number: int) -> str:
    """Write a month number as ``2026-07``."""
    return f"{1970 + number // 12}-{number % 12 + 1:02}"


def month_end(number: int) -> int:
    """Last day of a month, in days since 1970-01-01."""
    return int(np.datetime64(number + 1, "M").astype("datetime64[D]").astype(np.int64)) - 1


@dataclass(frozen=True, slots=True)
class Calendar:
    """A way to cut the calendar into periods.

    Attributes
    ----------
    unit : str
        ``"quarter"`` or ``"month"``.
    number : callable
        Days since 1970-01-01 to numbers of periods.
    word, end : callable
        A number to its word, and to its last day.
    """

    unit: str
    number: Callable[[NDArray[Any]], NDArray[np.int64]]
    word: Callable[[int], str]
    end: Callable[[int], int]


QUARTERS = Calendar("quarter", quarter_number, quarter_word, quarter_end)
MONTHS = Calendar("month", month_number, month_word, month_end)
