"""The rows of subjects under observation, ``(start, stop]`` each: checked, sorted, and counted by day.

A subject has one row or several, with or without gaps between them, and at any time is at risk once at most. What
happened in a row happened at its `stop`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_counts, check_weights, refuse_where
from outcomes.estimators.counting import distinct, sum_by
from outcomes.estimators.curves.influence import refuse_tiny
from outcomes.estimators.curves.logrank import number_labels

IntArray = NDArray[np.intp]
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Spells:
    """Rows with weight, sorted by subject and start, shape (n,) each.

    Attributes
    ----------
    subject : ndarray of int
        0 to ``subjects - 1``.
    subjects : int
    start, stop : ndarray
    events : ndarray
        How many at `stop`.
    ended : ndarray or None
        1 where a terminal event came at `stop`.
    weight : ndarray
    row : ndarray of int
        Where each row stood in the arguments.
    """

    subject: IntArray
    subjects: int
    start: NDArray[Any]
    stop: NDArray[Any]
    events: FloatArray
    ended: FloatArray | None
    weight: FloatArray
    row: IntArray


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Sums of weights at each of M times at which a row starts or stops, ascending.

    `at_risk` is the weight with ``start < t <= stop``; `begin` and `end`, shape (n,), say where each row's start and
    stop stand among the times.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    ended: FloatArray
    begin: IntArray
    end: IntArray


def read_spells(
    id: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    event: ArrayLike,
    weights: ArrayLike | None,
    terminal: ArrayLike | None = None,
) -> Spells:
    """Return the checked rows, or refuse (E721 to E727, E735, and what every argument is checked for).

    Raises
    ------
    InputRefused
        E721 `start` not before `stop`; E722 `stop` negative; E723 two rows of one subject overlap; E724 `event` not a
        whole number, 0 or more; E725 weights differ within a subject; E726 `terminal` neither 0 nor 1; E727 a row that
        follows a terminal event; E735 a weight above 0 but below 1e-6 of the largest.
    NotEstimable
        No rows, no weight, or one subject only.
    """
    begin = check_counts("start", start)
    end = check_counts("stop", stop, begin.size)
    refuse_where(begin >= end, "E721", "start", "is not before stop: that row was never at risk.")
    refuse_where(end < 0, "E722", "stop", "is negative.")
    happened = check_counts("event", event, begin.size)
    refuse_where((happened < 0) | (happened % 1 != 0), "E724", "event", "must be a whole number, 0 or more.")
    weight = check_weights(weights, begin.size)
    refuse_tiny(weight)
    subject = number_labels("id", id, begin.size)[0]
    ended = None if terminal is None else _check_terminal(terminal, begin.size)
    order = _sort_rows(subject, begin, end)
    _refuse_overlap(subject[order], begin[order], end[order], order)
    _refuse_rows_that_disagree(subject[order], weight[order], "E725", "weights", order)
    if ended is not None:
        _refuse_rows_after_the_end(subject[order], ended[order], order)
    kept = order if weight.min() > 0 else order[weight[order] > 0]
    first = np.diff(subject[kept], prepend=-1) != 0
    number = np.cumsum(first) - 1
    if number[-1] == 0:
        raise NotEstimable("There is one subject only: the variance between subjects is not defined.")
    return Spells(
        number,
        int(number[-1]) + 1,
        begin[kept],
        end[kept],
        happened[kept].astype(np.float64),
        None if ended is None else ended[kept].astype(np.float64),
        weight[kept],
        kept,
    )


def check_constant(values: NDArray[Any], spells: Spells, code: str, name: str) -> None:
    """Refuse `values`, one a row as given, that differ between rows of one subject."""
    _refuse_rows_that_disagree(spells.subject, values[spells.row], code, name, spells.row)


def count_days(spells: Spells) -> DayCounts:
    """Count the rows into sums by time."""
    n = spells.stop.size
    found, place = distinct(np.concatenate([spells.start, spells.stop]))
    begin, end, m = place[:n], place[n:], found.size
    change = sum_by(end, spells.weight, m) - sum_by(begin, spells.weight, m)
    # Summed from the far end: the last at risk are exactly their own weight. Who starts at t is not yet at risk at t.
    at_risk = np.cumsum(change[::-1])[::-1]
    at_risk[np.abs(at_risk) < _ROUNDING * spells.weight.sum()] = 0.0
    events = sum_by(end, spells.weight * spells.events, m)
    ended = np.zeros(m) if spells.ended is None else sum_by(end, spells.weight * spells.ended, m)
    return DayCounts(found.astype(np.float64), at_risk, events, ended, begin, end)


def _check_terminal(terminal: ArrayLike, length: int) -> NDArray[Any]:
    ended = check_counts("terminal", terminal, length)
    refuse_where((ended != 0) & (ended != 1), "E726", "terminal", "is neither 0 nor 1.")
    return ended


def _sort_rows(subject: IntArray, begin: NDArray[Any], end: NDArray[Any]) -> IntArray:
    """Return the order by subject and start; rows that stand in order already are not sorted again."""
    same = subject[1:] == subject[:-1]
    if ((subject[1:] > subject[:-1]) | (same & (begin[1:] >= end[:-1]))).all():
        return np.arange(subject.size)
    found, place = distinct(begin)
    return np.argsort(subject * found.size + place, kind="stable")


def _refuse_overlap(subject: IntArray, begin: NDArray[Any], end: NDArray[Any], row: IntArray) -> None:
    # Beginning before the row before it has stopped is the one way to overlap, for rows sorted by start.
    faulty = (subject[1:] == subject[:-1]) & (begin[1:] < end[:-1])
    what = "begins before the subject's earlier row has stopped: rows of one subject must not overlap."
    _refuse_rows(faulty, "E723", "start", what, row)


def _refuse_rows_that_disagree(subject: IntArray, values: NDArray[Any], code: str, name: str, row: IntArray) -> None:
    faulty = (subject[1:] == subject[:-1]) & (values[1:] != values[:-1])
    _refuse_rows(faulty, code, name, "differs between rows of one subject; it must be the same in all.", row)


def _refuse_rows_after_the_end(subject: IntArray, ended: NDArray[Any], row: IntArray) -> None:
    faulty = (subject[1:] == subject[:-1]) & (ended[:-1] == 1)
    what = "belongs to a row that follows the subject's terminal event: that event must stand in the last row."
    _refuse_rows(faulty, "E727", "terminal", what, row)


def _refuse_rows(faulty: NDArray[np.bool_], code: str, name: str, what: str, row: IntArray) -> None:
    """Refuse the later rows of sorted pairs at fault, by where they stood as given."""
    if faulty.any():
        given = np.zeros(row.max() + 1, dtype=bool)
        given[row[1:][faulty]] = True
        refuse_where(given, code, name, what)
