"""Number the distinct rows of several columns, so that equal rows are fitted once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.counting import distinct, distinct_pairs

IntArray = NDArray[np.intp]

# Flags written into one number: as many as its binary digits hold, and as many as a double adds up exactly at a time.
_MOST_DIGITS = 62
_DIGITS_AT_ONCE = 52
# Numbers of a table looked at together: they stay in the cache.
_NUMBERS_AT_ONCE = 1 << 15


def code_rows(columns: Sequence[NDArray[Any]]) -> tuple[IntArray, IntArray]:
    """Number the distinct rows of some columns, in the order of their content.

    Parameters
    ----------
    columns : sequence of ndarray, shape (n,) or (n, k) each
        One at least. A table stands for its columns, and is gone through along its rows: column by column it would be
        read from memory once for each of them.

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
    """Number the distinct rows of some columns as `code_rows`: the kind of each row alone."""
    first, *others = _join_flags(columns)
    place = distinct(first)[1]
    for column in others:
        place = distinct_pairs(place, column)[3]
    return place


def code_few_rows(columns: Sequence[NDArray[Any]], share: float) -> tuple[IntArray, IntArray] | None:
    """Do as `code_rows`, but give up (None) as soon as there are more kinds than this share of the rows."""
    place = np.zeros(columns[0].shape[0], dtype=np.intp)
    for column in _join_flags(columns):
        place = distinct_pairs(place, column)[3]
        if place.max() + 1 > share * place.size:
            return None
    return _first_rows(place), place


def _join_flags(columns: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield the columns, each run of columns of 0 and 1 as the digits of one number: it sorts the rows as they do."""
    joined: NDArray[np.int64] | None = None
    digits = 0
    for part, is_flag in _cut_runs(columns):
        width = part.shape[1]
        if joined is not None and (not is_flag or digits + width > _MOST_DIGITS):
            yield joined
            joined = None
        if not is_flag:
            yield from part.T
            continue
        number = _write_digits(part)
        joined, digits = (number, width) if joined is None else ((joined << width) + number, digits + width)
    if joined is not None:
        yield joined


def _cut_runs(columns: Sequence[NDArray[Any]]) -> Iterator[tuple[NDArray[Any], bool]]:
    """Yield runs of neighbouring columns, shape (n, k), that are all flags and short enough, or that all are none."""
    for column in columns:
        table = column if column.ndim == 2 else column[:, None]
        is_flag = _find_flags(table)
        begin = 0
        for end in range(1, is_flag.size + 1):
            full = end - begin == _DIGITS_AT_ONCE
            if full or end == is_flag.size or is_flag[end] != is_flag[begin]:
                yield table[:, begin:end], bool(is_flag[begin])
                begin = end


def _find_flags(table: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which columns of a table, shape (n, k), hold 0 and 1 alone."""
    found = np.ones(table.shape[1], dtype=np.bool_)
    length = max(1, _NUMBERS_AT_ONCE // max(table.shape[1], 1))
    for begin in range(0, table.shape[0], length):
        rows = table[begin : begin + length]
        found &= ((rows == 0) | (rows == 1)).all(axis=0)
    return found


def _write_digits(flags: NDArray[Any]) -> NDArray[np.int64]:
    """Return each row of flags, shape (n, k), as one number, the first column its first digit."""
    if flags.shape[1] == 1:
        return flags[:, 0].astype(np.int64)
    # Sums of different powers of 2, so that no digit is rounded whatever the order.
    number: NDArray[np.float64] = flags @ 2.0 ** np.arange(flags.shape[1] - 1, -1, -1)
    return number.astype(np.int64)


def _first_rows(place: IntArray) -> IntArray:
    first = np.zeros(int(place.max()) + 1, dtype=np.intp)
    # Written backwards, so that the first row of a kind is written last and stays.
    first[place[::-1]] = np.arange(place.size)[::-1]
    return first
