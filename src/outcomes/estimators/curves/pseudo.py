"""Pseudo-observations: one number a row whose mean is the curve, to be used where a censored outcome cannot be.

A regression on them estimates how survival, or incidence, at chosen days depends on covariates (Andersen, Klein and
Rosthøj 2003, doi:10.1093/biomet/90.1.15). The value of a row is the estimate plus n times the row's influence on it,
the infinitesimal jackknife of `outcomes.estimators.curves.steps`, as in R's ``survival::pseudo``; so the mean over rows
is the curve itself. The older form, ``n * estimate - (n - 1) * estimate without the row``, differs by terms of order
1/n. Nothing is fitted again: rows with one time and one cause have one value.

What the caller must guarantee: censoring is unrelated to the event and to the covariates of the regression.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_counts, check_days, check_number, refuse_where
from outcomes.estimators.counting import distinct, sum_by
from outcomes.estimators.curves.competing import check_causes
from outcomes.estimators.curves.kaplan_meier import check_events, check_times
from outcomes.estimators.curves.steps import Steps, compute_steps


def pseudo_observations(time: ArrayLike, event: ArrayLike, at: ArrayLike) -> FloatArray:
    """Return pseudo-observations of survival.

    They equal R's ``pseudo(survfit(Surv(time, event) ~ 1), times = at)``; from the delete-one form they differ by order
    1/n (see the module).

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the event or of the last observation, 0 or later.
    event : array_like, shape (n,)
        1 when the event happened at `time`, 0 when observation ended there.
    at : array_like, shape (j,) or a number
        Days to answer for, 0 or later.

    Returns
    -------
    ndarray, shape (n, j)
        Values may lie below 0 or above 1.

    Raises
    ------
    InputRefused
        Negative or non-finite times or days, codes other than 0 and 1, unequal lengths.
    NotEstimable
        No rows, or a day after the last observation while some were without the event.
    """
    end = check_times(time)
    steps, cell = _count_rows(end, check_events(event, end.size), 1)
    index = _index_of_days(steps, at)
    survival = np.concatenate([[1.0], steps.after])[index]
    pulled = np.concatenate([[0.0], steps.censored_pull])[index]
    # Rows of the table: censored, event; then days of leaving; then days asked for.
    m = np.stack([steps.censored_pull, steps.event_pull])[:, :, None]
    gone = _has_left(steps, index)
    values = survival + end.size * survival * np.where(gone, -m, -pulled)
    return np.take(values.reshape(2 * steps.time.size, index.size), cell, axis=0)


def pseudo_restricted_means(time: ArrayLike, event: ArrayLike, horizon: float) -> FloatArray:
    """Return pseudo-observations of the mean time without the event up to `horizon`.

    From the delete-one form they differ by order 1/n (see the module).

    Parameters
    ----------
    time, event : array_like, shape (n,)
        As in `pseudo_observations`.
    horizon : float
        Above 0, in the unit of `time`.

    Returns
    -------
    ndarray, shape (n,)
        In the unit of `time`; the mean is `restricted_mean` of the curve.

    Raises
    ------
    InputRefused
        As in `pseudo_observations`, or `horizon` is not above 0.
    NotEstimable
        As in `pseudo_observations`, the horizon being the day.
    """
    end = check_times(time)
    steps, cell = _count_rows(end, check_events(event, end.size), 1)
    horizon = check_number("horizon", horizon)
    refuse_where(np.array([horizon <= 0]), "E616", "horizon", "must be above 0.")
    _index_of_days(steps, horizon)
    edges = np.minimum(np.concatenate([[0.0], steps.time, [max(horizon, steps.time[-1])]]), horizon)
    width = np.diff(edges)
    # Column i of these is the stretch that ends at day i, cut at the horizon; the last one is what follows.
    area = width * np.concatenate([[1.0], steps.after])
    lost = width * np.concatenate([[0.0], steps.after * -steps.censored_pull])
    until, after = np.cumsum(lost)[:-1], np.cumsum(area[::-1])[::-1][1:]
    m = np.stack([steps.censored_pull, steps.event_pull])
    values = area.sum() + end.size * (until - m * after)
    return np.take(values.ravel(), cell)


def pseudo_incidence(time: ArrayLike, cause: ArrayLike, at: ArrayLike, causes: int | None = None) -> FloatArray:
    """Return pseudo-observations of the cumulative incidence of each cause.

    From the delete-one form they differ by order 1/n (see the module).

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the first event of any cause, or of the last observation; 0 or later.
    cause : array_like, shape (n,)
        0 when observation ended at `time`, otherwise the cause, 1..k.
    at : array_like, shape (j,) or a number
        Days to answer for, 0 or later.
    causes : int, optional
        k, where a cause may be missing from these rows; otherwise the highest that occurs.

    Returns
    -------
    ndarray, shape (n, k, j)
        Summed over causes and subtracted from 1 they are the pseudo-observations of survival.

    Raises
    ------
    InputRefused
        Negative or non-finite times or days, a cause that is not a whole number from 0 to k, unequal lengths.
    NotEstimable
        No rows, or a day after the last observation while some were without any event.
    """
    end = check_times(time)
    code = check_counts("cause", cause, end.size)
    k = check_causes(code, causes) if code.size else 0
    steps, cell = _count_rows(end, code, k)
    index = _index_of_days(steps, at)
    zero = np.zeros((k, 1))
    incidence = np.concatenate([zero, steps.incidence], axis=1)[:, index]
    early = np.concatenate([zero, steps.before_row], axis=1)[:, index]
    since = incidence[:, None, :] - steps.incidence[:, :, None]
    gone = _has_left(steps, index)
    m = np.stack([steps.censored_pull] + [steps.event_pull] * k)
    values = np.empty((k + 1, steps.time.size, k, index.size))
    for c in range(k + 1):
        for j in range(k):
            start = steps.before_row[j] + (steps.before / steps.at_risk if c == j + 1 else 0.0)
            moved = np.where(gone, start[:, None] - m[c][:, None] * since[j], early[j])
            values[c, :, j, :] = incidence[j] + end.size * moved
    return np.take(values.reshape((k + 1) * steps.time.size, k, index.size), cell, axis=0)


def _count_rows(end: NDArray[Any], code: NDArray[Any], k: int) -> tuple[Steps, NDArray[np.intp]]:
    """Return the sums over M days and each row's cell in their table, shape (k + 1, M)."""
    if not end.size:
        raise NotEstimable("Nothing to estimate from: no rows were given.")
    times, place = distinct(end)
    cell = place + code.astype(np.intp) * times.size
    table = sum_by(cell, np.ones(end.size), (k + 1) * times.size).reshape(k + 1, times.size)
    return compute_steps(times.astype(np.float64), table), cell


def _index_of_days(steps: Steps, at: ArrayLike) -> NDArray[np.intp]:
    """Return for each day how many days of leaving have passed by it, or refuse."""
    days = check_days("at", at)
    late = np.flatnonzero(days > steps.time[-1])
    if late.size and steps.after[-1] > 0:
        raise NotEstimable(
            f"Pseudo-observations at {days[late[0]]:g} cannot be computed: nobody was observed that long. "
            "Choose an earlier day."
        )
    return np.searchsorted(steps.time, days, side="right")


def _has_left(steps: Steps, index: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether who leaves at each day, shape (M, 1), has left by each day asked for, shape (1, j)."""
    return np.arange(steps.time.size)[:, None] < index[None, :]
