"""The marks that stand in a published table where a number must not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

HIDDEN = "hidden"
_COUNTED = re.compile(
    r"(?<![\w.,%-])(?<!\bto )(?<!than )(?<!under )(?<!below )(?<!least )(?<!needs )(?<!need )([1-9]\d*)"
    r"(?=\s+(?:patients?|people|persons?|episodes?|ratings?|rows?)\b)"
)
"""A count in a sentence; what a rule says ("at least 3 ratings") is none."""


def mask_few(text: str, floor: int) -> str:
    """Return a sentence in which "fewer than 5" stands for each small count of people, episodes, ratings or rows."""
    return _COUNTED.sub(lambda found: f"fewer than {floor}" if int(found[1]) < floor else found[0], text)


def small_mark(floor: int) -> str:
    """Return the mark that stands for a small count, ``"<5"``."""
    return f"<{floor}"


def write_mark(table: pd.DataFrame, name: str, mask: np.ndarray[Any, Any], mark: str) -> None:
    """Put a mark into a column where the mask says so; the column then has ``object`` dtype. Works in place."""
    if name in table and mask.any():
        table[name] = table[name].astype(object)
        table.loc[mask, name] = mark


def are_marks(column: pd.Series[Any]) -> NDArray[np.bool_]:
    """Return where a mark stands in place of a number."""
    return np.array([isinstance(value, str) for value in column.tolist()], dtype=np.bool_)


def read_numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Return the numbers of a column, NaN where a mark stands."""
    import pandas as pd

    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)


def level_marks(table: pd.DataFrame, names: tuple[str, ...], rows: np.ndarray[Any, Any] | None = None) -> None:
    """Put the mark that says nothing wherever a count is hidden: which of them are small shall not be told.

    Works in place, on all rows or on those flagged.
    """
    for name in names:
        if name in table:
            marked = are_marks(table[name])
            write_mark(table, name, marked if rows is None else marked & rows, HIDDEN)


def mark_counts(table: pd.DataFrame, name: str, gone: np.ndarray[Any, Any], floor: int) -> None:
    """Hide counts, small ones under the mark of small ones. Works in place."""
    values = read_numbers(table[name])
    small = (values > 0) & (values < floor)
    write_mark(table, name, gone & ~small, HIDDEN)
    write_mark(table, name, gone & small, small_mark(floor))
