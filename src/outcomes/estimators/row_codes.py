"""Number the distinct rows of several columns, so that equal rows are fitted once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.counting import distinct, distinct_pairs

IntArray = NDArray[np.intp]

# Flags written into one number: as many as its binary digits hold.
_MOST_DIGITS = 62


def code_rows(columns: Sequence[NDArray[Any]]) -> tuple[IntArray, IntArray]:
    """Number the distinct rows of some columns, in the order of their content.

    Parameters
    ----------
    columns : sequence of ndarray, shape (n,) each
        One at least.

    Returns
    -------
    first : ndarray of int, shape (m,)
        The first row of each kind.
    place : ndarray of int, shape (n,)
        The kind of each row.
    """
    place = count_rows(columns)
    return _first_rows(place), place


def count_rows(columns: Sequence[NDArray[Any]]) -> IntArray:
    """Number the distinct rows of some columns, shape (n,) each, as `code_rows`: the kind of each row alone."""
    first, *others = _join_flags(columns)
    place = distinct(first)[1]
    for column in others:
        place = distinct_pairs(place, column)[3]
    return place


def code_few_rows(columns: Sequence[NDArray[Any]], share: float) -> tuple[IntArray, IntArray] | None:
    """Do as `code_rows`, but give up (None) as soon as there are more kinds than this share of the rows."""
    place = np.zeros(columns[0].size, dtype=np.intp)
    for column in _join_flags(columns):
        place = distinct_pairs(place, column)[3]
        if place.max() + 1 > share * place.size:
            return None
    return _first_rows(place), place


def _join_flags(columns: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield the columns, each run of columns of 0 and 1 as the digits of one number: it sorts the rows as they do."""
    joined: NDArray[np.int64] | None = None
    digits = 0
    for column in columns:
        is_flag = bool(((column == 0) | (column == 1)).all())
        if joined is not None and (not is_flag or digits == _MOST_DIGITS):
            yield joined
            joined = None
        if not is_flag:
            yield column
        elif joined is None:
            joined, digits = column.astype(np.int64), 1
        else:
            joined, digits = 2 * joined + column.astype(np.int64), digits + 1
    if joined is not None:
        yield joined


def _first_rows(place: IntArray) -> IntArray:
    first = np.zeros(int(place.max()) + 1, dtype=np.intp)
    # Written backwards, so that the first row of a kind is written last and stays.
    first[place[::-1]] = np.arange(place.size)[::-1]
    return first
