"""Covariates of few different values, as two codes a row: no table of rows by columns is ever walked over.

The columns are split into two groups that each show few patterns. A row is then two numbers, its pattern in either
group, and every sum over rows is a count: of exits by slot and pattern, and of pairs of patterns. The cost of a Newton
step no longer depends on the number of columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.counting import distinct

IntArray = NDArray[np.intp]

# One row in so many is looked at to split the columns, when there are more than a few rows.
_SAMPLE = 16
_FEW = 20_000
# Most patterns a group may show.
_FIRST, _SECOND = 512, 4096
_BLOCK = 1 << 13
_SIDE_BY_SIDE = 64
# Cells of a table that cost nothing to speak of.
_LEAST_ROOM = 1_000_000
# Whole numbers up to here are exact as floats.
_LARGEST_KEY = 1 << 53


@dataclass(frozen=True, slots=True)
class Codes:
    """Row i has the covariates ``one[first[i]] + other[second[i]]``.

    Attributes
    ----------
    first, second : ndarray of int, shape (n,)
    one, other : ndarray, shape (g, p) and (h, p)
        Patterns of either group of columns, 0 in the columns of the other.
    columns : ndarray of bool, shape (p,)
        Whether a column is of the first group.
    """

    first: IntArray
    second: IntArray
    one: FloatArray
    other: FloatArray
    columns: NDArray[np.bool_]

    def take(self, chosen: IntArray, axis: int = 0) -> Codes:
        """Return the codes of the chosen rows, as an array's `take` does."""
        return Codes(self.first.take(chosen, axis), self.second.take(chosen, axis), self.one, self.other, self.columns)


def build_codes(X: NDArray[Any], slots: int) -> Codes | None:
    """Return the codes of a table of whole numbers; None where tables of them would be larger than the rows."""
    room = _LEAST_ROOM + 4 * len(X)
    # Where the axis is long, even few patterns are too many.
    if 8 * slots > room:
        return None
    split = _split_columns(X if len(X) <= _FEW else X[::_SAMPLE])
    if split is None:
        return None
    low, width = _ranges(X)
    radix = np.zeros((X.shape[1], 2))
    for group, columns in enumerate(split):
        radix[columns, group] = np.cumprod(np.concatenate([[1.0], width[columns]]))[:-1]
        if width[columns].prod() >= _LARGEST_KEY:
            return None
    codes, tables = [], []
    for key, columns in zip(_keys(X, radix, low @ radix), split, strict=True):
        found, place = distinct(key)
        if found.size > _SECOND or 2 * slots * found.size > room:
            return None
        example = np.empty(found.size, dtype=np.intp)
        example[place] = np.arange(place.size)
        table = np.zeros((found.size, X.shape[1]))
        table[:, columns] = X[example][:, columns]
        codes.append(place)
        tables.append(table)
    in_first = np.zeros(X.shape[1], dtype=bool)
    in_first[split[0]] = True
    return Codes(codes[0], codes[1], tables[0], tables[1], in_first)


def _split_columns(X: NDArray[Any]) -> tuple[Sequence[int], Sequence[int]] | None:
    """Return the columns of the two groups, as many in the first as its patterns allow."""
    groups: tuple[list[int], list[int]] = ([], [])
    places = [np.zeros(len(X), dtype=np.intp), np.zeros(len(X), dtype=np.intp)]
    for j in range(X.shape[1]):
        found, column = distinct(X[:, j])
        for group, most in ((0, _FIRST), (1, _SECOND)):
            joint, place = distinct(places[group] * found.size + column)
            if joint.size <= most:
                groups[group].append(j)
                places[group] = place
                break
        else:
            return None
    return groups


def _ranges(X: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    """Return the lowest number of each column, and how many whole numbers lie from it to the highest."""
    p, long = X.shape[1], len(X) // _SIDE_BY_SIDE * _SIDE_BY_SIDE
    # Many short rows side by side are compared in one go.
    folded = X[:long].reshape(-1, _SIDE_BY_SIDE * p)
    parts = [X[long:]] if not long else [X[long:], folded.min(axis=0).reshape(-1, p), folded.max(axis=0).reshape(-1, p)]
    ends = np.concatenate(parts).astype(np.float64)
    low = ends.min(axis=0)
    return low, ends.max(axis=0) - low + 1.0


def _keys(X: NDArray[Any], radix: FloatArray, shift: FloatArray) -> tuple[IntArray, IntArray]:
    """Return one whole number a row for either group."""
    keys = np.empty((2, len(X)), dtype=np.intp)
    for start in range(0, len(X), _BLOCK):
        part = slice(start, min(start + _BLOCK, len(X)))
        keys[:, part] = (X[part].astype(np.float64) @ radix - shift).T
    return keys[0], keys[1]
