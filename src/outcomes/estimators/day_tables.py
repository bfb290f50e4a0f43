"""Curves on tables of days: many draws of one data set at once.

A data set in whole days is a table with one row a day and one column a way of leaving; a bootstrap draw is another such
table. The functions here take a stack of them, shape (..., days), and work along the last axes only, so that a draw's
answer does not depend on the others.
"""

from __future__ import annotations

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, all_finite, check_array, read_number, refuse_where


def incidence_by_day(leaving: FloatArray) -> FloatArray:
    """Return the cumulative incidence of each cause by the end of each day.

    The estimator is Aalen and Johansen's (1978, https://www.jstor.org/stable/4615704), as in
    `outcomes.estimators.curves.aalen_johansen`; here for stacked tables and without a variance.

    Parameters
    ----------
    leaving : ndarray, shape (..., days, 1 + causes)
        Weight of the rows that leave on each day: without an end seen (column 0), or by each cause. Everybody is at
        risk from day 0; who leaves on a day is at risk on it. The last day may stand for all later ones.

    Returns
    -------
    ndarray, shape (..., causes, days)

    Raises
    ------
    InputRefused
        A weight is negative, infinite or not a number.
    NotEstimable
        A table without weight.
    """
    leaving = check_array("leaving", leaving)
    if not all_finite(leaving) or not (leaving >= 0).all():
        wrong = ~((leaving >= 0) & np.isfinite(leaving))
        refuse_where(wrong.reshape(-1), "E645", "leaving", "is negative, infinite or not a number.")
    gone = leaving.sum(axis=-1)
    at_risk = np.cumsum(gone[..., ::-1], axis=-1)[..., ::-1]
    if not (at_risk[..., 0] > 0).all():
        raise NotEstimable("Nothing to estimate from: a table has no weight.")
    safe = np.where(at_risk > 0, at_risk, 1.0)
    hazard = leaving[..., 1:] / safe[..., None]
    stays = np.clip(1.0 - hazard.sum(axis=-1), 0.0, 1.0)
    before = np.ones_like(stays)
    np.cumprod(stays[..., :-1], axis=-1, out=before[..., 1:])
    incidence = np.cumsum(before[..., None] * hazard, axis=-2)
    return np.moveaxis(incidence, -1, -2)


def share_if_stopped(share: FloatArray, stops: FloatArray, total: FloatArray, ratio: float) -> FloatArray:
    """Return the share with the event, had those who stopped another hazard than those still seen.

    The curve takes whoever stops on day s to have, on each day after, the hazard h of those still seen. Here that
    hazard is multiplied by `ratio` for the stoppers and left as it is for all others (a pattern-mixture model with one
    parameter; Little 1993, doi:10.1080/01621459.1993.10594302). By self-consistency the curve is the mean over rows of
    the probability to have had the event, so only the stoppers' part changes:
    ``share + (A(1) - A(ratio)) / total``, with ``A(r)[t] = A(r)[t-1] (1 - min(1, r h[t])) + stops[t]`` the stoppers
    still without the event by day t. The ratio 0 is "none of them ever", ``inf`` "all on the day after they
    were last seen without it": whatever became of them lies between the two.

    Parameters
    ----------
    share : ndarray, shape (..., days)
        Share with the event by the end of day 0, 1, ...
    stops : ndarray, shape (..., days)
        Weight of rows last seen without the event on each day and stopped.
    total : ndarray, shape (...)
        Weight of all rows among which `stops` are counted: those of whom it is known whether they stopped.
    ratio : float
        0 or more; 1 gives `share` back.

    Returns
    -------
    ndarray, shape (..., days)

    Raises
    ------
    InputRefused
        `ratio` is negative or not one number, or a table does not hold numbers.
    """
    ratio = read_number(ratio)
    refuse_where(np.array([not ratio >= 0]), "E646", "ratio", "must be one number, 0 or more; inf is allowed.")
    share, stops, total = check_array("share", share), check_array("stops", stops), check_array("total", total)
    free = 1.0 - np.clip(share, 0.0, 1.0)
    before = np.concatenate([np.ones_like(free[..., :1]), free[..., :-1]], axis=-1)
    kept = np.divide(free, before, out=np.ones_like(free), where=before > 0)
    left_otherwise = stops
    if np.isfinite(ratio):
        left_otherwise = _still_without(np.clip(1.0 - ratio * (1.0 - kept), 0.0, 1.0), stops)
    return share + (_still_without(kept, stops) - left_otherwise) / total[..., None]


def _still_without(kept: FloatArray, stops: FloatArray) -> FloatArray:
    """Stoppers still without the event by each day; `kept` is the share that gets through each day."""
    out = np.empty_like(kept)
    now = np.zeros(kept.shape[:-1])
    for day in range(kept.shape[-1]):
        now = now * kept[..., day] + stops[..., day]
        out[..., day] = now
    return out
