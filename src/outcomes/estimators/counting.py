"""Count before fitting: a million rows of whole days are a few thousand distinct values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 16


def distinct(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the distinct values, ascending, and where each value stands among them.

    Whole numbers within a moderate range are counted in one pass; everything else is sorted.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Numbers without NaN; ``inf`` is a value.

    Returns
    -------
    found : ndarray, shape (m,)
    place : ndarray of int, shape (n,)
        ``found[place]`` equals `values`.
    """
    if not values.size:
        return values, np.zeros(0, dtype=np.intp)
    try:
        return _distinct_whole(values)
    except _NotWhole:
        found, place = np.unique(values, return_inverse=True)
        return found, place


def _distinct_whole(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    whole = _whole_range(values, 4 * values.size + 100_000)
    place = np.empty(values.size, dtype=np.intp)
    for rows in blocks(values.size, _BLOCK):
        place[rows] = _slots(values[rows], whole)
    present = np.flatnonzero(np.bincount(place, minlength=whole.size))
    if present.size < whole.size:
        rank = np.zeros(whole.size, dtype=np.intp)
        rank[present] = np.arange(present.size)
        for rows in blocks(values.size, _BLOCK):
            place[rows] = rank[place[rows]]
    found = (present + whole.low).astype(values.dtype)
    if whole.has_infinite:
        found[-1] = np.inf
    return found, place


def count_by(
    values: NDArray[Any],
    codes: Sequence[NDArray[Any]],
    shape: Sequence[int],
    weights: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the rows at each combination of value and codes; whole numbers in one pass over the rows.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite numbers, one at least.
    codes : sequence of ndarray, shape (n,) each
        Whole numbers of any number type, the j-th from 0 to ``shape[j] - 1``.
    shape : sequence of int
        How many codes there are of each kind.
    weights : ndarray, shape (n,), optional
        Above 0; ones when not given.

    Returns
    -------
    found : ndarray, shape (m,)
        The distinct values, ascending.
    table : ndarray, shape (*shape, m)
        Sum of weights of each combination of codes at each value.
    """
    cells = math.prod(shape)
    try:
        whole = _whole_range(values, (4 * values.size + 100_000) // cells)
        table = _count_cells(values, whole, codes, shape, weights)
        present = table.any(axis=0)
        found, table = np.flatnonzero(present) + whole.low, table[:, present]
    except _NotWhole:
        keys = _find_keys(values, cells) if weights is None else None
        if keys is not None:
            found, table = _count_sorted(values, keys, _combine(codes, shape, np.min_scalar_type(cells)), cells)
        else:
            found, place = distinct(values)
            table = _count_cells(place, _Range(0, found.size, False), codes, shape, weights)
    return found.astype(np.float64, copy=False), table.astype(np.float64, copy=False).reshape(*shape, -1)


@dataclass(frozen=True, slots=True)
class _Range:
    """Whole numbers from `low` on, `size` of them, with one slot more for infinity where there is one."""

    low: int
    size: int
    has_infinite: bool


class _NotWhole(Exception):
    """The values are no whole numbers within a moderate range; they have to be sorted."""


def _whole_range(values: NDArray[Any], widest: int) -> _Range:
    """Return the range of the values; raise where an end has a fraction or there are more than `widest` slots."""
    low, high = values.min(), values.max()
    has_infinite = bool(values.dtype.kind == "f" and np.isposinf(high))
    if has_infinite and np.isfinite(low):
        high = values[np.isfinite(values)].max()
    # Written so that the infinities that are left are refused here too.
    if not float(high) - float(low) <= widest or not abs(float(low)) < 2.0**52 or low != int(low):
        raise _NotWhole
    return _Range(int(low), int(high) - int(low) + 1 + has_infinite, has_infinite)


def _slots(values: NDArray[Any], whole: _Range) -> NDArray[np.intp]:
    """Return how far each value, shape (n,), lies above the lowest; raise where one is not whole."""
    if whole.has_infinite:
        values = np.where(np.isposinf(values), whole.low + whole.size - 1, values)
    slot = values.astype(np.intp)
    if values.dtype.kind == "f" and not (slot == values).all():
        raise _NotWhole
    if whole.low:
        slot -= whole.low
    return slot


def _count_cells(
    values: NDArray[Any],
    whole: _Range,
    codes: Sequence[NDArray[Any]],
    shape: Sequence[int],
    weights: NDArray[np.float64] | None,
) -> NDArray[Any]:
    """Return the table of sums, shape (cells, slots), code after code; raise where a value is not whole."""
    size = whole.size * math.prod(shape)
    table: NDArray[Any] = np.zeros(size, dtype=np.int64 if weights is None else np.float64)
    # A block costs one pass over the table as well, so blocks grow with it.
    for rows in blocks(values.size, max(_BLOCK, 4 * size)):
        slot = _slots(values[rows], whole)
        cell = _combine([code[rows] for code in codes], shape, np.dtype(np.intp))
        cell *= whole.size
        cell += slot
        table += np.bincount(cell, weights=None if weights is None else weights[rows], minlength=size)
    return table.reshape(-1, whole.size)


def _find_keys(values: NDArray[Any], cells: int) -> tuple[NDArray[np.int64], int] | None:
    """Return whole numbers from 0 on in the order of the values, less than 2**63 / `cells`, and what was taken off.

    The bits of doubles from 0 on, read as whole numbers, have the order of the doubles, and nothing is lost. From the
    lowest to the highest time there is room for the cells, once 0, far below all others, is moved up to them. None
    where there is no room, or a double is negative.
    """
    low, high = values.min(), values.max()
    bits = values
    if values.dtype.kind == "f":
        if values.dtype != np.float64 or not low >= 0:
            return None
        bits = np.ascontiguousarray(values).view(np.int64)
        if low == 0:
            low = values[values > 0].min(initial=high)
        low, high = low.view(np.int64) - 1, high.view(np.int64)
    base, top = int(low), int(high)
    if top >= 1 << 63 or (top - base + 1) * cells >= 1 << 63:
        return None
    key = np.maximum(bits, base).astype(np.int64, copy=False)
    key -= base
    return key, base


def _count_sorted(
    values: NDArray[Any], keys: tuple[NDArray[np.int64], int], cell: NDArray[Any], cells: int
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the distinct values and the table of counts, shape (cells, m), by sorting key and cell as one number.

    Sorting numbers is several times quicker than sorting the way back to their rows, which nobody needs here.
    """
    joint, base = keys
    joint *= cells
    joint += cell
    joint.sort()
    key = joint // cells
    first = np.concatenate([[True], key[1:] != key[:-1]])
    found = key[first]
    # From here on the place in the table; in place, for fresh memory costs more than the sums.
    joint -= np.multiply(key, cells, out=key)
    joint *= found.size
    joint += np.cumsum(first, out=key)
    joint -= 1
    table = np.bincount(joint, minlength=cells * found.size).reshape(cells, -1)
    found += base
    if values.dtype.kind == "f":
        found[0] = found[0] if values.min() > 0 else 0
        found = found.view(np.float64)
    return found, table


def _combine(codes: Sequence[NDArray[Any]], shape: Sequence[int], kind: np.dtype[Any]) -> NDArray[Any]:
    """Return the number of each row's cell, code after code."""
    cell = codes[0].astype(kind)
    for code, count in zip(codes[1:], shape[1:], strict=True):
        cell *= count
        cell += code.astype(kind, copy=False)
    return cell


def blocks(n: int, length: int) -> Iterator[slice]:
    """Cut n rows into blocks: their temporary arrays stay in the cache, which halves the time at a million rows."""
    return (slice(start, start + length) for start in range(0, n, length))


def sum_by(place: NDArray[np.intp], weights: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Sum the weights, shape (n,), of the rows at each place 0..size-1."""
    return np.bincount(place, weights=weights, minlength=size).astype(np.float64, copy=False)
