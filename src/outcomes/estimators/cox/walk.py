"""Sums over covariates of many different values: one walk over the rows, from the last event time to the first.

Covariates are kept as bytes where they are small whole numbers, and widened to floats block by block; the sums over the
rows at risk at each slot are made for one stretch of slots after the other. So floats stay in the cache, and neither a
second table of rows by columns nor one of slots by columns is ever made. Columns are taken from their mean on the way,
which keeps second moments accurate for a column far from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.counting import sum_by
from outcomes.estimators.cox.design import Design, from_the_end

BLOCK = 1 << 13

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Walked:
    """Covariates of patterns in the order of their last slot, and where each stretch of slots begins.

    Attributes
    ----------
    X : ndarray, shape (m, p)
    center : ndarray, shape (p,)
    entering : ndarray of int
        Patterns that come in after the first slot of their stratum, in the order in which they do.
    dying : ndarray of int
        Patterns with an event at a slot with ties.
    slot, row, enter, die, tied : ndarray of int, shape (stretches + 1,)
        Where each stretch begins among the slots, the patterns, `entering`, `dying`, and the slots with ties.
    """

    X: NDArray[Any]
    center: FloatArray
    entering: IntArray
    dying: IntArray
    slot: IntArray
    row: IntArray
    enter: IntArray
    die: IntArray
    tied: IntArray


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sums over rows at risk, one row a slot, and over tied events, one row a slot with ties, in a stretch of slots."""

    slots: slice
    tied: slice
    at_risk: FloatArray
    dying: FloatArray


@dataclass(frozen=True, slots=True)
class Squares:
    """``X'curve``, shape (p,), and ``X' diag(curve) X``, shape (p, p), made block by block in the arrays given."""

    curve: FloatArray
    first: FloatArray
    second: FloatArray

    def add(self, block: FloatArray, part: slice) -> None:
        """Add a block of rows."""
        scaled = block * self.curve[part, None]
        self.first[:] += self.curve[part] @ block
        self.second[:] += scaled.T @ block


def build_walk(design: Design, X: NDArray[Any], center: FloatArray) -> Walked:
    """Cut the slots into stretches of some thousand patterns."""
    rows, size = design.rows, design.slots.time.size
    leave = rows.hi.astype(np.intp) - 1
    bounds = np.concatenate([[0], np.cumsum(sum_by(leave, np.ones(leave.size), size))]).astype(np.intp)
    slot = np.append(np.flatnonzero(np.diff(bounds[:-1] // BLOCK, prepend=-1)), size)
    entering = np.zeros(0, dtype=np.intp)
    if rows.begins is not None:
        late = np.flatnonzero(rows.begins)
        entering = late[np.argsort(rows.lo[late], kind="stable")]
    is_tied = np.zeros(size, dtype=bool)
    is_tied[design.tied] = True
    dying = np.flatnonzero(rows.event & is_tied[leave])
    return Walked(
        X,
        center,
        entering,
        dying,
        slot,
        bounds[slot],
        np.searchsorted(rows.lo[entering] - 1, slot),
        np.searchsorted(leave[dying], slot),
        np.searchsorted(design.tied, slot),
    )


def widened(X: NDArray[Any], center: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Give the rows block by block as floats taken from the centre; each block overwrites the one before."""
    room = np.empty((min(BLOCK, len(X)), X.shape[1]))
    for part in _blocks(0, len(X)):
        block = room[: part.stop - part.start]
        np.subtract(X[part], center, out=block)
        yield part, block


def walk(design: Design, walked: Walked, risk: FloatArray, squares: Squares | None = None) -> Iterator[Stretch]:
    """Give the sums of each stretch, the last first; make `squares` on the way.

    Parameters
    ----------
    design : Design
    walked : Walked
    risk : ndarray, shape (m,)
        Weight times relative hazard of each pattern.
    squares : Squares, optional
    """
    rows, first, leave = design.rows, design.slots.first, design.rows.hi - 1
    carry = np.zeros(walked.center.size)
    for i in reversed(range(walked.slot.size - 1)):
        low, high = int(walked.slot[i]), int(walked.slot[i + 1])
        change = np.zeros((high - low, carry.size))
        for part in _blocks(walked.row[i], walked.row[i + 1]):
            block = walked.X[part] - walked.center
            _add_at(change, leave[part] - low, risk[part], block)
            if squares is not None:
                squares.add(block, part)
        for part in _blocks(walked.enter[i], walked.enter[i + 1]):
            some = walked.entering[part]
            _add_at(change, rows.lo[some] - 1 - low, -risk[some], walked.X.take(some, axis=0) - walked.center)
        inside = first[np.searchsorted(first, low, "right") : np.searchsorted(first, high)] - low
        begins = np.concatenate([[0], inside])
        from_the_end(change, begins)
        # Who is still there after the stretch is of its last stratum.
        change[begins[-1] :] += carry
        carry = np.zeros_like(carry) if _is_first(first, low) else change[0].copy()
        tied = slice(int(walked.tied[i]), int(walked.tied[i + 1]))
        yield Stretch(slice(low, high), tied, change, _sum_dying(design, walked, risk, i))


def _is_first(first: IntArray, slot: int) -> bool:
    return bool(first[np.searchsorted(first, slot, "right") - 1] == slot)


def _sum_dying(design: Design, walked: Walked, risk: FloatArray, i: int) -> FloatArray:
    begin, end = walked.tied[i], walked.tied[i + 1]
    table = np.zeros((int(end - begin), walked.center.size))
    for part in _blocks(walked.die[i], walked.die[i + 1]):
        some = walked.dying[part]
        place = np.searchsorted(design.tied[begin:end], design.rows.hi[some] - 1)
        _add_at(table, place, risk[some], walked.X.take(some, axis=0) - walked.center)
    return table


def _blocks(start: int | np.intp, stop: int | np.intp) -> Iterator[slice]:
    return (slice(s, min(s + BLOCK, int(stop))) for s in range(int(start), int(stop), BLOCK))


def _add_at(table: FloatArray, place: NDArray[Any], weight: FloatArray, block: FloatArray) -> None:
    """Add weighted rows to the rows of the table at `place`."""
    from scipy.sparse import csc_array

    indicator = csc_array((weight, place, np.arange(place.size + 1, dtype=np.int32)), shape=(len(table), place.size))
    table += indicator @ block
