"""Kaplan-Meier and competing ends for every bootstrap draw at once: a draw weights the same times and ends anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.estimators.bootstrap import drawn_counts
from outcomes.estimators.checks import FloatArray, check_days, check_numbers, check_weights
from outcomes.estimators.counting import blocks, distinct
from outcomes.estimators.curves.competing import check_causes
from outcomes.estimators.curves.kaplan_meier import check_times

IntArray = NDArray[np.intp]

# Tables of this many numbers are worked on together: they stay in the cache.
_NUMBERS_AT_ONCE = 1 << 16


def incidence_draws(
    time: ArrayLike,
    cause: ArrayLike,
    patient: ArrayLike,
    days: ArrayLike,
    draws: int,
    seed: int | list[int],
    weights: ArrayLike | None = None,
    causes: int | None = None,
) -> FloatArray:
    """Draw patients with replacement and estimate the cumulative incidence of each cause in every draw.

    With one cause this is one minus Kaplan-Meier.

    Parameters
    ----------
    time, cause : array_like, shape (n,)
        As in `outcomes.estimators.curves.aalen_johansen`; everybody is at risk from the start.
    patient : array_like of int, shape (n,)
        Patient of each row; a drawn patient brings all of his or her rows.
    days : array_like, shape (j,)
        Where the curves are read.
    draws : int
    seed : int or list of int
    weights : array_like, shape (n,), optional
        Case weights, 0 or more.
    causes : int, optional
        Number of causes, where one may be missing from these rows.

    Returns
    -------
    ndarray, shape (draws, causes, j)
        The curve stays where it is after a draw's last row.

    Raises
    ------
    InputRefused, NotEstimable
        As `aalen_johansen` and `draw_counts`.
    """
    end = check_times(time)
    code = check_numbers("cause", cause, end.size)
    at = check_days("days", days)
    ways = 1 + (check_causes(code, causes) if end.size else 1)
    used = np.ones(end.size, dtype=bool) if weights is None else check_weights(weights, end.size) > 0
    pattern = np.full(end.size, -1, dtype=np.intp)
    cells, pattern[used] = _sort_cells(end[used], code[used].astype(np.intp), at, ways)
    out = []
    for drawn in drawn_counts(pattern, patient, draws, seed, weights):
        together = max(1, _NUMBERS_AT_ONCE // drawn.shape[1])
        for rows in blocks(drawn.shape[0], together):
            out.append(cells.incidence(drawn[rows].astype(np.float64, copy=False), ways - 1))
    return np.concatenate(out)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Distinct pairs of time and end in their order, m of them, and which of them are events.

    Of the e events up to the last day asked for ``event`` (e,) are the cells and ``cause`` (e,) the cause, from 0 on;
    counted from the last cell on, ``risk`` (e,) is the first of the same time: so far everybody is at risk.
    ``first`` (t,) is the first event of each distinct event time and ``moment`` (e,) the number of its time;
    ``column`` (j,) the number of events up to each day.
    """

    event: IntArray
    risk: IntArray
    cause: IntArray
    first: IntArray
    moment: IntArray
    column: IntArray

    def incidence(self, weight: FloatArray, causes: int) -> FloatArray:
        """Return the incidence of each cause in each draw, shape (draws, causes, j), of weights, shape (draws, m)."""
        n = weight.shape[0]
        # Summed from the latest time on: the last at risk are exactly their own weight, and no hazard is above 1.
        hazard = np.cumsum(weight[:, ::-1], axis=1).take(self.risk, axis=1)
        np.maximum(hazard, np.finfo(np.float64).tiny, out=hazard)
        np.divide(weight.take(self.event, axis=1), hazard, out=hazard)
        tied = self.first.size < self.event.size
        leaves = np.add.reduceat(hazard, self.first, axis=1) if tied else hazard
        before = np.ones((n, self.first.size + 1))
        np.cumprod(np.clip(1.0 - leaves, 0.0, 1.0), axis=1, out=before[:, 1:])
        if causes == 1:
            return 1.0 - before.take(self.column, axis=1)[:, None]
        hazard *= before.take(self.moment, axis=1) if tied else before[:, :-1]
        out = np.empty((n, causes, self.column.size))
        total = np.zeros((n, self.event.size + 1))
        for j in range(causes):
            np.cumsum(np.where(self.cause == j, hazard, 0.0), axis=1, out=total[:, 1:])
            out[:, j] = total.take(self.column, axis=1)
        return out


def _sort_cells(time: NDArray[Any], code: IntArray, at: FloatArray, ways: int) -> tuple[_Cells, IntArray]:
    """Return the cells of rows, shape (n,), and the cell of each row; `code` is 0 where no event was seen."""
    times, place = distinct(time)
    key, cell = distinct(place * ways + code)
    moment = key // ways
    asked = np.searchsorted(times, at.max(initial=-1.0), side="right")
    event = np.flatnonzero((key % ways > 0) & (moment < asked))
    of_event = moment[event]
    found, first = np.unique(of_event, return_index=True)
    risk = key.size - 1 - np.searchsorted(moment, of_event, side="left")
    column = np.searchsorted(times[of_event], at, side="right")
    return _Cells(event, risk, key[event] % ways - 1, first, np.searchsorted(found, of_event), column), cell
