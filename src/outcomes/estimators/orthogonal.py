"""Columns of a model turned orthogonal, so that neither units nor near-copies cost digits.

The triangle comes from the products of the columns (Cholesky's), or, where they are too alike for that, from
Householder reflections of the columns themselves. A table of very many rows is gone through in parts that stay in the
cache: nothing of its size is made but the basis.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray

# A column that differs from the best copy the columns before it can make by less than this share of its length.
_SAME = 1e-10
# Beyond this the short way to the triangle keeps all digits that matter.
_FAR_FROM_SAME = 1e-3
# Values of a column that differ by less than this share of them are one value.
_ROUNDING = 1e-12
# Numbers in a part of the design, which is gone through several times before the next one is.
_DESIGN_AT_ONCE = 1 << 17
# Numbers in a part held against all others: both stay in the innermost cache.
_HELD_AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True)
class Design:
    """Columns of a model, turned orthogonal: ``columns = basis @ turn``.

    ``basis`` (m, p) has unit mean square over the rows as counted; ``turn`` (p, p) is upper triangular. ``same`` is the
    first column that earlier ones determine, or None.
    """

    basis: FloatArray
    turn: FloatArray
    same: int | None

    def to_coef(self, turned: FloatArray) -> FloatArray:
        """Coefficients of the columns, shape (..., p), from those of the basis."""
        return np.asarray(np.linalg.solve(self.turn, turned.T).T)


def build_design(columns: FloatArray, count: FloatArray, constants: int = 0, add_constant: bool = False) -> Design:
    """Turn columns orthogonal.

    Parameters
    ----------
    columns : ndarray, shape (m, p)
    count : ndarray, shape (m,)
        How often each row is counted, above 0.
    constants : int
        So many leading columns sum to 1 in every row: a constant, or one column for each of some groups. The others are
        then centred first, and a large offset costs no digits.
    add_constant : bool
        Put a constant before the columns given; `constants` then counts it.
    """
    rows = _Columns.centred(columns, count, constants, add_constant)
    scale, width = np.sqrt(float(count.sum())), columns.shape[1] + add_constant
    shift = np.eye(width)
    shift[:constants, constants:] = rows.one + rows.rest
    root, products = np.sqrt(count), np.zeros((width, width))
    for part, block in rows.parts():
        block *= root[part, None]
        # With its own transpose a product costs half.
        products += block.T @ block
    length = np.sqrt(np.diagonal(products))
    length[length == 0] = 1.0
    r = _quick_turn(products / length / length[:, None])
    if r is not None:
        turn, basis = np.linalg.inv(r) / length[:, None] * scale, np.empty((columns.shape[0], width))
        for part, block in rows.parts():
            np.matmul(block, turn, out=basis[part])
        return Design(basis, r * length / scale @ shift, None)
    weighted = np.concatenate([block * root[part, None] for part, block in rows.parts()])
    q, r = np.linalg.qr(weighted / length)
    gone = np.flatnonzero(np.abs(np.diagonal(r)) < _SAME)
    same = int(gone[0]) if gone.size else (None if columns.shape[0] >= width else columns.shape[0])
    return Design(q * (scale / root)[:, None], r * length / scale @ shift, same)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns as they are turned, part by part: after the constants, less `one` of the rows and less a `rest`."""

    columns: FloatArray
    constants: int
    add_constant: bool
    one: FloatArray
    rest: FloatArray

    @classmethod
    def centred(cls, columns: FloatArray, count: FloatArray, constants: int, add_constant: bool) -> _Columns:
        """Take off the mean, if there are constants: around one of the rows first, whose differences lose no digits."""
        others = columns.shape[1] + add_constant - constants
        if not constants:
            return cls(columns, 0, add_constant, np.zeros(others), np.zeros(others))
        one = columns[0, columns.shape[1] - others :].astype(np.float64)
        raw = cls(columns, constants, add_constant, one, np.zeros(others))
        total = np.zeros(others)
        for part, block in raw.parts():
            total += count[part] @ block[:, constants:]
        return cls(columns, constants, add_constant, one, total / float(count.sum()))

    def parts(self) -> Iterator[tuple[slice, FloatArray]]:
        """Yield some of the rows at a time, and their columns in memory of their own."""
        width, first = self.columns.shape[1] + self.add_constant, self.constants - self.add_constant
        for part in parts_of(self.columns.shape[0], width):
            own = self.columns[part]
            block = np.ones((own.shape[0], width))
            block[:, self.add_constant : self.constants] = own[:, :first]
            np.subtract(own[:, first:], self.one, out=block[:, self.constants :])
            if self.rest.any():
                block[:, self.constants :] -= self.rest
            yield part, block


def weighted_products(columns: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the products of columns, shape (m, p), summed over the rows with their weights, (m,), shape (p, p)."""
    root, products = np.sqrt(weight), np.zeros((columns.shape[1], columns.shape[1]))
    for part in parts_of(*columns.shape):
        # With its own transpose a product costs half.
        weighted = columns[part] * root[part, None]
        products += weighted.T @ weighted
    return products


def parts_of(rows: int, columns: int) -> Iterator[slice]:
    """Cut the rows of a design into parts; nothing but the two numbers decides how."""
    length = max(64, _DESIGN_AT_ONCE // max(columns, 1))
    for begin in range(0, rows, length):
        yield slice(begin, min(begin + length, rows))


def find_ends(columns: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest value of each column, shape (p,) both; inf and -inf without rows."""
    rows, width = columns.shape
    length = max(1, _HELD_AT_ONCE // max(width, 1))
    low, high = columns[:length].copy(), columns[:length].copy()
    # Part against part whole rows are compared side by side, a quarter of the time that looking down columns takes.
    for begin in range(length, rows, length):
        part = columns[begin : begin + length]
        for ends, held in ((np.minimum, low), (np.maximum, high)):
            ends(held[: len(part)], part, out=held[: len(part)])
    return low.min(axis=0, initial=np.inf), high.max(axis=0, initial=-np.inf)


def find_fixed(low: FloatArray, high: FloatArray) -> NDArray[np.bool_]:
    """Return which columns with these ends have one value only: after 12 digits 0.1 + 0.2 differs from 0.3 as well."""
    return (low <= high) & (high - low <= _ROUNDING * np.maximum(-low, high))


def _quick_turn(products: FloatArray) -> FloatArray | None:
    """Return the triangle of columns of length 1 from their products, or None where they are too alike for that."""
    try:
        r = np.linalg.cholesky(products).T
    except np.linalg.LinAlgError:
        return None
    return r.astype(np.float64, copy=False) if np.diagonal(r).min(initial=1.0) > _FAR_FROM_SAME else None
