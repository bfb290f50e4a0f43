"""Aalen-Johansen: the share that has had each of several events that exclude each other.

Incidence of cause k is the sum over days of survival just before times the day's hazard of k (Aalen and Johansen 1978,
https://www.jstor.org/stable/4615704). The incidences of all causes and the share still without any add to 1. One minus
Kaplan-Meier for one cause, the others taken as censored, overstates it: it answers for a world in which the others do
not happen.

The standard error is the infinitesimal jackknife, as in R's ``survfit(Surv(time, factor(cause)) ~ 1)``; its closed form
stands in `outcomes.estimators.curves.steps`, so that no row has to be looked at twice.

What the caller must guarantee: whoever stops being watched does so for a reason unrelated to all of the causes, and the
times are known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.estimators.checks import (
    FloatArray,
    check_counts,
    check_days,
    check_level,
    check_weights,
    check_whole,
    refuse_where,
)
from outcomes.estimators.counting import count_by
from outcomes.estimators.curves.kaplan_meier import check_times, log_log_limits, normal_quantile
from outcomes.estimators.curves.steps import ROUNDING, Steps, compute_steps

MOST_CAUSES = 100


@dataclass(frozen=True, slots=True)
class AalenJohansen:
    """Cumulative incidence of k causes as step functions over the m distinct times with an event of any cause.

    Attributes
    ----------
    time : ndarray, shape (m,)
        Distinct event times, ascending, in the unit given.
    causes : ndarray of int, shape (k,)
        1..k; row j of the tables is cause ``causes[j]``.
    at_risk : ndarray, shape (m,)
        Sum of weights at risk just before each time.
    events, incidence, std_err : ndarray, shape (k, m)
        Sum of weights having the event at each time; share that has had it by then, and its standard error.
    conf_low, conf_high : ndarray, shape (k, m)
        Point-wise limits, symmetric on the scale log(-log(1 - incidence)). Both 0 while incidence is 0 (nothing has
        happened, the method has no width to give), NaN where it is 1.
    event_free : ndarray, shape (m,)
        Share without any event.
    level : float
        Confidence level of the limits.
    watched_time, watched : ndarray, shape (M,)
        Every time at which somebody leaves, and the sum of weights at risk at it.
    """

    time: FloatArray
    causes: NDArray[np.intp]
    at_risk: FloatArray
    events: FloatArray
    incidence: FloatArray
    std_err: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    event_free: FloatArray
    level: float
    watched_time: FloatArray
    watched: FloatArray


def aalen_johansen(
    time: ArrayLike,
    cause: ArrayLike,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    causes: int | None = None,
) -> AalenJohansen:
    """Estimate the cumulative incidence of each cause.

    Parameters
    ----------
    time : array_like, shape (n,)
        Time of the first event of any cause, or of the last observation; 0 or later.
    cause : array_like, shape (n,)
        0 when observation ended at `time`, otherwise the cause, 1..k.
    weights : array_like, shape (n,), optional
        Case weights, 0 or more, fractions allowed. The standard error takes each row as one independent row of that
        weight (it sums squares of weight times influence), so two rows of weight 1/2 are not one row of weight 1.
    level : float
        Confidence level. The limits are those of 1 - incidence on the log(-log) scale, turned round.
    causes : int, optional
        k, where a cause may be missing from these rows; otherwise the highest that occurs.

    Raises
    ------
    InputRefused
        Negative or non-finite times, a cause that is not a whole number from 0 to k, negative weights, unequal
        lengths.
    NotEstimable
        No rows, or no weight.
    """
    end = check_times(time)
    code = check_counts("cause", cause, end.size)
    weight = None if weights is None and end.size else check_weights(weights, end.size)
    level = check_level(level)
    k = check_causes(code, causes)
    if weight is not None and weight.min() == 0:
        end, code, weight = end[weight > 0], code[weight > 0], weight[weight > 0]
    times, table = count_by(end, [code], [k + 1], weight)
    squares = table if weight is None else count_by(end, [code], [k + 1], weight**2)[1]
    steps = compute_steps(times, table)
    return _from_steps(steps, table[1:], _std_err(steps, squares), level)


def check_causes(code: NDArray[Any], causes: int | None = None) -> int:
    """Return the number of causes, or refuse codes that are not 0..k."""
    highest = MOST_CAUSES if causes is None else check_whole("causes", causes, "E684", 1, MOST_CAUSES)
    if code.min() < 0 or code.max() > highest or (code.dtype.kind == "f" and (code != np.floor(code)).any()):
        wrong = (code < 0) | (code > highest) | (code != np.floor(code))
        refuse_where(wrong, "E685", "cause", f"is not a whole number from 0 to {highest}.")
    return int(code.max()) if causes is None else highest


def _std_err(steps: Steps, squares: FloatArray) -> FloatArray:
    """Return the root of the summed squares of weight times influence, shape (k, M).

    `squares`, shape (k + 1, M): sums of squared weights of the rows of each cause at each day.

    A row that ended at T contributes ``(b + m D(t))**2`` at t >= T, where D(t) = F(end) - F(t) and b = its influence at
    the end. Written with D and not F because m is large where few are left, and D is small there: nothing cancels.
    """
    censored, happened = squares[0], squares[1:].sum(axis=0)
    later = np.zeros_like(censored)
    later[:-1] = np.cumsum((censored + happened)[:0:-1])[::-1]
    m0, m1 = steps.censored_pull, steps.event_pull
    m_squared = np.cumsum(censored * m0**2 + happened * m1**2)
    to_come = np.zeros_like(steps.rise)
    to_come[:, :-1] = np.cumsum(steps.rise[:, :0:-1], axis=1)[:, ::-1]
    a, own = steps.before_row, squares[1:]
    b0, b1, jump = a - m0 * to_come, a - m1 * to_come, steps.before / steps.at_risk
    # A row with the cause itself has b1 + jump for b1.
    from0, from1, from_own = censored * b0, happened * b1, own * jump
    b_squared = np.cumsum(from0 * b0 + from1 * b1 + from_own * (2.0 * b1 + jump), axis=1)
    mixed = np.cumsum(from0 * m0 + (from1 + from_own) * m1, axis=1)
    variance = a * a * later + b_squared + (2.0 * mixed + m_squared * to_come) * to_come
    # Before a cause's first event no row moves it; rounding must not say otherwise.
    out = np.sqrt(np.maximum(variance, 0.0))
    out[steps.incidence <= 0] = 0.0
    return out


def _from_steps(steps: Steps, events: FloatArray, std_err: FloatArray, level: float) -> AalenJohansen:
    seen = np.flatnonzero(steps.events)
    incidence, se = steps.incidence[:, seen], std_err[:, seen]
    without = 1.0 - incidence
    without[without <= ROUNDING] = 0.0
    relative = np.divide(se, without, out=np.zeros_like(se), where=without > 0)
    low, high = log_log_limits(without, relative, normal_quantile(level))
    nothing_yet = incidence == 0
    low, high = 1.0 - high, 1.0 - low
    low[nothing_yet], high[nothing_yet] = 0.0, 0.0
    return AalenJohansen(
        time=steps.time[seen],
        causes=np.arange(1, len(incidence) + 1),
        at_risk=steps.at_risk[seen],
        events=events[:, seen],
        incidence=incidence,
        std_err=se,
        conf_low=low,
        conf_high=high,
        event_free=steps.after[seen],
        level=level,
        watched_time=steps.time,
        watched=steps.at_risk,
    )


def incidence_at(fit: AalenJohansen, days: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Read the incidence at given times.

    Parameters
    ----------
    fit : AalenJohansen
    days : array_like, shape (j,) or a number
        Times in the fit's unit.

    Returns
    -------
    incidence, conf_low, conf_high : ndarray, shape (k, j)
        0 before the first event, limits too. NaN after the last observation, unless everybody had had an event by
        then: nobody was watched there.
    at_risk : ndarray, shape (j,)
        Sum of weights with ``time >= day``.

    Raises
    ------
    InputRefused
        Days that are negative or not finite.
    """
    at = check_days("days", days)
    index = np.searchsorted(fit.time, at, side="right")
    unseen = (at > fit.watched_time[-1]) & (np.concatenate([[1.0], fit.event_free])[index] > 0)
    start = np.zeros((fit.causes.size, 1))
    incidence, low, high = (
        np.where(unseen, np.nan, np.concatenate([start, values], axis=1)[:, index])
        for values in (fit.incidence, fit.conf_low, fit.conf_high)
    )
    place = np.searchsorted(fit.watched_time, at, side="left")
    return incidence, low, high, np.concatenate([fit.watched, [0.0]])[place]
