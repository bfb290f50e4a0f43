"""Count before fitting: a million rows of whole days are a few thousand distinct values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Arrays of a block are small enough to be handed out again from the heap; larger ones are fresh pages each time.
_BLOCK = 1 << 15
_FEW = 16
_LOOK = 64


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
    return _values(present, whole, values.dtype), place


def distinct_pairs(
    first: NDArray[Any], second: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.intp], NDArray[np.intp]]:
    """Return the distinct pairs of two numbers, ascending, how many rows have each, and where each row's stands.

    Parameters
    ----------
    first, second : ndarray, shape (n,)
        Numbers without NaN; ``inf`` is a value.

    Returns
    -------
    one, other : ndarray, shape (m,)
    count : ndarray of int, shape (m,)
    place : ndarray of int, shape (n,)
        ``one[place]`` equals `first` and ``other[place]`` equals `second`.
    """
    if not first.size:
        return first, second, np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    try:
        pair, ranges = _pairs_of_whole(first, second)
    except _NotWhole:
        (one, code), (other, place) = distinct(first), distinct(second)
        pair, place = distinct(code * other.size + place)
        return one[pair // other.size], other[pair % other.size], np.bincount(place, minlength=pair.size), place
    count = np.bincount(pair, minlength=ranges[0].size * ranges[1].size)
    present = np.flatnonzero(count)
    if present.size < count.size:
        rank = np.empty(count.size, dtype=np.intp)
        rank[present] = np.arange(present.size)
        for rows in blocks(pair.size, _BLOCK):
            pair[rows] = rank[pair[rows]]
    slots = np.divmod(present, ranges[1].size)
    one, other = (_values(*of) for of in zip(slots, ranges, (first.dtype, second.dtype), strict=True))
    return one, other, count[present], pair


def _pairs_of_whole(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[np.intp], tuple[_Range, _Range]]:
    """Return the number of each row's pair, and both ranges; raise where there would be too many pairs."""
    most = 4 * first.size + 100_000
    one, other = _whole_range(first, most), _whole_range(second, most)
    if one.size * other.size > most:
        raise _NotWhole
    pair = np.empty(first.size, dtype=np.intp)
    for rows in blocks(first.size, _BLOCK):
        slots = _slots(first[rows], one)
        slots *= other.size
        slots += _slots(second[rows], other)
        pair[rows] = slots
    return pair, (one, other)


def _values(slot: NDArray[np.intp], whole: _Range, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return the values, shape (m,), that stand in some slots."""
    values = (slot + whole.low).astype(kind)
    if whole.has_infinite:
        values[slot == whole.size - 1] = np.inf
    return values


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
        if _has_fractions(values):
            raise _NotWhole
        whole = _whole_range(values, (4 * values.size + 100_000) // cells)
        table = _count_cells(values, whole, codes, shape, weights)
        present = table.any(axis=0)
        found, table = np.flatnonzero(present) + whole.low, table[:, present]
    except _NotWhole:
        room = _find_room(values, cells) if weights is None else None
        if room is not None:
            found, table = _count_sorted(values, room, _combine(codes, shape, np.min_scalar_type(cells)), cells)
        else:
            found, place = distinct(values)
            table = _count_cells(place, _Range(0, found.size, False), codes, shape, weights)
    return found.astype(np.float64, copy=False), table.astype(np.float64, copy=False).reshape(*shape, -1)


def count_events(
    values: NDArray[Any], code: NDArray[Any], k: int, weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Count the rows of each code above 0 at the values at which there are any, and all rows from each value on.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite numbers, one at least.
    code : ndarray, shape (n,)
        Whole numbers from 0 to `k`, of any number type.
    k : int
    weights : ndarray, shape (n,), optional
        Above 0; ones when not given.

    Returns
    -------
    found, onwards : ndarray, shape (m,)
        The distinct values, ascending, and the sum of weights of the rows at each or above it, summed from the far end:
        the last sums are exactly their own weight.
    seen : ndarray of int, shape (e,)
        Where among the values some row has a code above 0.
    table : ndarray, shape (k, e)
        Sum of weights of each code above 0 at these values.
    """
    if weights is None and _has_fractions(values) and (room := _find_room(values, k + 1)) is not None:
        return _count_sorted_events(values, room, code, k)
    found, table = count_by(values, [code], [k + 1], weights)
    onwards = np.cumsum(table.sum(axis=0)[::-1])[::-1]
    seen = np.flatnonzero(table[1:].sum(axis=0) > 0)
    return found, onwards, seen, np.take(table[1:], seen, axis=1)


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
        high = max(_highest_finite(values[rows], low) for rows in blocks(values.size, _BLOCK))
    # Written so that the infinities that are left are refused here too.
    if not float(high) - float(low) <= widest or not abs(float(low)) < 2.0**52 or low != int(low):
        raise _NotWhole
    return _Range(int(low), int(high) - int(low) + 1 + has_infinite, has_infinite)


def _highest_finite(values: NDArray[Any], low: Any) -> Any:
    return np.where(values < np.inf, values, low).max()


def _slots(values: NDArray[Any], whole: _Range) -> NDArray[np.intp]:
    """Return how far each value, shape (n,), lies above the lowest; raise where one is not whole."""
    if whole.has_infinite:
        values = np.minimum(values, whole.low + whole.size - 1)
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


class _Room(NamedTuple):
    """What is taken off the values' bits, by how many bits they then move up, and whether there is a double 0."""

    base: int
    bits: int
    has_zero: bool


def _has_fractions(values: NDArray[Any]) -> bool:
    """Whether one of the first values has a fraction; that tells most real-valued times without a pass over them."""
    few = values[:_LOOK]
    return values.dtype.kind == "f" and bool((few != np.floor(few)).any())


def _find_room(values: NDArray[Any], cells: int) -> _Room | None:
    """Return how the values, as whole numbers, make room for cells below them.

    The bits of doubles from 0 on, read as whole numbers, have the order of the doubles, and nothing is lost. From the
    lowest to the highest time there is room for the cells, once 0, far below all others, is moved up to them. None
    where there is no room, or a double is negative.
    """
    low, high = values.min(), values.max()
    has_zero = values.dtype.kind == "f" and bool(low == 0)
    if values.dtype.kind == "f":
        if values.dtype != np.float64 or not low >= 0:
            return None
        if has_zero:
            low = values[values > 0].min(initial=high)
        low, high = low.view(np.int64) - 1, high.view(np.int64)
    base, top, bits = int(low), int(high), (cells - 1).bit_length()
    return _Room(base, bits, has_zero) if top < 1 << 63 and (top - base + 1) << bits < 1 << 63 else None


def _sort_jointly(
    values: NDArray[Any], room: _Room, cell: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[Any], NDArray[np.intp] | None]:
    """Return the values and cells in the order of both, and where each distinct value starts; None: nothing is tied.

    Value and cell are sorted as one number: that is several times quicker than sorting the way back to the rows, which
    nobody needs here.
    """
    base, bits, has_zero = room
    is_float = values.dtype.kind == "f"
    joint = (np.ascontiguousarray(values).view(np.int64) if is_float else values).astype(np.int64)
    # In place from here on, for fresh memory costs more than the sums.
    if has_zero:
        np.maximum(joint, base, out=joint)
    joint -= base
    joint <<= bits
    joint |= cell
    joint.sort()
    cell = (joint & ((1 << bits) - 1)).astype(cell.dtype)
    joint >>= bits
    starts = np.empty(joint.size, dtype=bool)
    starts[0] = True
    np.not_equal(joint[1:], joint[:-1], out=starts[1:])
    joint += base
    first = None if starts.all() else np.flatnonzero(starts)
    if not is_float:
        return joint.astype(np.float64), cell, first
    found = joint.view(np.float64)
    if has_zero:
        found[: 1 if first is None else np.append(first, joint.size)[1]] = 0.0
    return found, cell, first


def _find_tied(first: NDArray[np.intp], rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the sorted rows that are not the first of their value, and which of the distinct values each has."""
    is_tied = np.ones(rows, dtype=bool)
    is_tied[first] = False
    tied = np.flatnonzero(is_tied)
    # Up to the i-th of them, i are no first ones.
    return tied, tied - np.arange(1, tied.size + 1)


def _count_sorted(
    values: NDArray[Any], room: _Room, cell: NDArray[Any], cells: int
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return the distinct values and the table of counts, shape (cells, m)."""
    found, cell, first = _sort_jointly(values, room, cell)
    if first is None:
        return found, _mark(cell, 0, cells)
    table = _mark(cell[first], 0, cells)
    tied, column = _find_tied(first, cell.size)
    np.add.at(table, (cell[tied], column), 1.0)
    return found[first], table


def _count_sorted_events(
    values: NDArray[Any], room: _Room, code: NDArray[Any], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Return what `count_events` does; nothing as long as the rows is made but what has to be."""
    found, code, first = _sort_jointly(values, room, code.astype(np.min_scalar_type(k), copy=False))
    if first is None:
        seen = np.flatnonzero(code > 0)
        return found, np.arange(code.size, 0.0, -1.0), seen, _mark(code[seen], 1, k + 1)
    head = code[first]
    tied, column = _find_tied(first, code.size)
    events = code[tied] > 0
    tied, column = tied[events], column[events]
    happened = head > 0
    happened[column] = True
    seen = np.flatnonzero(happened)
    table = _mark(head[seen], 1, k + 1)
    np.add.at(table, (code[tied].astype(np.intp) - 1, np.searchsorted(seen, column)), 1.0)
    return found[first], np.subtract(code.size, first, dtype=np.float64), seen, table


def _mark(cell: NDArray[Any], least: int, end: int) -> NDArray[np.float64]:
    """Return a table, one row a cell from `least` to below `end`, with 1 at the cell of each column, shape (m,)."""
    if end - least > _FEW:
        table = np.zeros((end, cell.size))
        table[cell, np.arange(cell.size)] = 1.0
        return table[least:]
    table = np.empty((end - least, cell.size))
    for number, row in enumerate(table, least):
        np.equal(cell, number, out=row)
    return table


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


def from_zero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the running sums of values, shape (n,), with the 0 before the first; shape (n + 1,)."""
    return np.concatenate([[0.0], np.cumsum(values)])


def sum_by(place: NDArray[np.intp], weights: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Sum the weights, shape (n,), of the rows at each place 0..size-1."""
    return np.bincount(place, weights=weights, minlength=size).astype(np.float64, copy=False)
