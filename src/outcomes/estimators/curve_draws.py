"""Kaplan-Meier and competing ends for every bootstrap draw at once: a draw is another table of the same times."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from outcomes.estimators.bootstrap import draw_counts
from outcomes.estimators.checks import FloatArray, check_days, check_numbers
from outcomes.estimators.counting import distinct
from outcomes.estimators.curves.competing import check_causes
from outcomes.estimators.curves.kaplan_meier import check_times
from outcomes.estimators.day_tables import incidence_by_day

# Tables of this many numbers are worked on together, so that memory does not grow with the number of draws.
_NUMBERS_AT_ONCE = 1 << 18


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
    times, place = distinct(end)
    counts = draw_counts(place * ways + code.astype(np.intp), patient, draws, seed, weights)
    size = times.size * ways
    out = np.zeros((counts.shape[0], ways - 1, at.size))
    # The first column stands for the time before anything happens.
    column = np.searchsorted(times, at, side="right")
    together = max(1, _NUMBERS_AT_ONCE // max(size, 1))
    for begin in range(0, counts.shape[0], together):
        part = counts[begin : begin + together].astype(np.float64, copy=False)
        table = np.zeros((part.shape[0], size))
        table[:, : part.shape[1]] = part
        incidence = incidence_by_day(table.reshape(part.shape[0], times.size, ways))
        start = np.zeros((*incidence.shape[:2], 1))
        out[begin : begin + together] = np.concatenate([start, incidence], axis=2)[..., column]
    return out
