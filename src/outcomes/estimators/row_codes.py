"""Number the distinct rows of several columns, so that equal rows are fitted once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.counting import distinct, distinct_pairs

IntArray = NDArray[np.intp]


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
    place = distinct(columns[0])[1]
    for column in columns[1:]:
        place = distinct_pairs(place, column)[3]
    return place


def code_few_rows(columns: Sequence[NDArray[Any]], share: float) -> tuple[IntArray, IntArray] | None:
    """Do as `code_rows`, but give up (None) as soon as there are more kinds than this share of the rows."""
    place = np.zeros(columns[0].size, dtype=np.intp)
    for column in columns:
        place = distinct_pairs(place, column)[3]
        if place.max() + 1 > share * place.size:
            return None
    return _first_rows(place), place


def _first_rows(place: IntArray) -> IntArray:
    first = np.zeros(int(place.max()) + 1, dtype=np.intp)
    # Written backwards, so that the first row of a kind is written last and stays.
    first[place[::-1]] = np.arange(place.size)[::-1]
    return first
