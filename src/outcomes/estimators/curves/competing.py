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
from functools import cached_property
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
    normal_quantile,
    refuse_where,
)
from outcomes.estimators.counting import blocks, count_by, count_events
from outcomes.estimators.curves.kaplan_meier import check_times, log_log_limits
from outcomes.estimators.curves.steps import ROUNDING, Course, Steps, compute_course, compute_steps

MOST_CAUSES = 100
_BLOCK = 1 << 13


@dataclass(frozen=True)
class AalenJohansen:
    """Cumulative incidence of k causes as step functions over the m distinct times with an event of any cause.

    The limits are made when they are first read.

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
    event_free: FloatArray
    level: float
    watched_time: FloatArray
    watched: FloatArray

    @property
    def conf_low(self) -> FloatArray:
        """Lower limits, shape (k, m)."""
        return self._limits[0]

    @property
    def conf_high(self) -> FloatArray:
        """Upper limits, shape (k, m)."""
        return self._limits[1]

    @cached_property
    def _limits(self) -> tuple[FloatArray, FloatArray]:
        low, high, z = np.empty_like(self.incidence), np.empty_like(self.incidence), normal_quantile(self.level)
        for days in blocks(self.time.size, _BLOCK):
            for j, share in enumerate(self.incidence[:, days]):
                without = 1.0 - share
                without[without <= ROUNDING] = 0.0
                with np.errstate(divide="ignore", invalid="ignore"):  # without limits where nobody is left without it
                    relative = self.std_err[j, days] / without
                below, above = log_log_limits(without, relative, z)
                np.subtract(1.0, above, out=low[j, days])
                np.subtract(1.0, below, out=high[j, days])
        nothing_yet = self.incidence == 0
        low[nothing_yet], high[nothing_yet] = 0.0, 0.0
        return low, high


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
    if weight is None:
        times, watched, seen, events = count_events(end, code, k)
        course = compute_course(times[seen], events, watched[seen])
        return _from_course(course, events, _std_err_of_rows(course), level, times, watched)
    times, table = count_by(end, [code], [k + 1], weight)
    squares = count_by(end, [code], [k + 1], weight**2)[1]
    watched = np.cumsum(table.sum(axis=0)[::-1])[::-1]
    seen = np.flatnonzero(table[1:].any(axis=0))
    table = _keep_event_days(table, seen)
    steps = compute_steps(times[seen], table, watched[seen])
    std_err = _std_err(steps, _keep_event_days(squares, seen))
    return _from_course(steps, table[1:], std_err, level, times, watched)


def _keep_event_days(table: FloatArray, seen: NDArray[np.intp]) -> FloatArray:
    """Return the columns of the days with an event; who is censored later, before the next, counts as censored there.

    The same events have gone by, so they move the estimate alike; who is censored before the first event moves nothing.
    """
    kept = np.take(table, seen, axis=1)
    if seen.size:
        kept[0] = np.add.reduceat(table[0], seen)
    return kept


def check_causes(code: NDArray[Any], causes: int | None = None) -> int:
    """Return the number of causes, or refuse codes that are not 0..k."""
    highest = MOST_CAUSES if causes is None else check_whole("causes", causes, "E684", 1, MOST_CAUSES)
    if code.min() < 0 or code.max() > highest or (code.dtype.kind == "f" and (code != np.floor(code)).any()):
        wrong = (code < 0) | (code > highest) | (code != np.floor(code))
        refuse_where(wrong, "E685", "cause", f"is not a whole number from 0 to {highest}.")
    return int(code.max()) if causes is None else highest


def _std_err_of_rows(course: Course) -> FloatArray:
    """Return the root of the summed squares of influence, shape (k, M), where every row has the weight 1.

    Then what a day adds to a row's influence is uncorrelated with what every other day adds, for whoever is at risk at
    the later one has had no event at the earlier. The sum over rows becomes one over days s <= t: with h = d/n and h_k
    the hazards at s, u survival just before it, and D = F(t) - F(s), the sum of

        h_k (1 - h_k) u**2 / n - 2 h_k u D / n + h D**2 / (n - d).

    Written with D as the difference of what is still to come at s and at t: at late days, where the last factor is
    large, both are small.
    """
    out = np.empty_like(course.rise)
    whole, sums = course.incidence[:, -1:], np.zeros((2, len(out)))
    total = np.zeros(1)
    for days in blocks(course.time.size, _BLOCK):
        n, u = course.at_risk[days], course.before[days]
        pull = course.events[days] / n
        pull *= course.one_left[days]
        total = _add_up(pull.copy(), total[-1])
        for j, variance in enumerate(out[:, days]):
            rise, to_come = course.rise[j, days], whole[j] - course.incidence[j, days]
            own, linear = rise / n, pull * to_come
            np.subtract(u, rise, out=variance)
            variance -= 2.0 * to_come
            variance *= own
            variance += linear * to_come
            np.subtract(own, linear, out=linear)
            sums[:, j] = _add_up(variance, sums[0, j])[-1], _add_up(linear, sums[1, j])[-1]
            linear *= 2.0
            linear += np.multiply(total, to_come, out=own)
            variance += np.multiply(linear, to_come, out=linear)
            np.maximum(variance, 0.0, out=variance)
            np.sqrt(variance, out=variance)
    # Before a cause's first event, and once nothing but it can have happened, no row moves it; rounding must not say
    # otherwise.
    out[(course.incidence <= 0) | (course.incidence >= 1.0 - ROUNDING)] = 0.0
    return out


def _add_up(terms: FloatArray, before: float) -> FloatArray:
    """Write the running sums over their terms, shape (m,), going on from what was summed before."""
    terms[0] += before
    return np.cumsum(terms, out=terms)


def _std_err(steps: Steps, squares: FloatArray) -> FloatArray:
    """Return the root of the summed squares of weight times influence, shape (k, M).

    `squares`, shape (k + 1, M): sums of squared weights of the rows of each cause at each day.

    A row that ended at T contributes ``(b + m D(t))**2`` at t >= T, where D(t) = F(end) - F(t) and b = its influence at
    the end. Written with D and not F because m is large where few are left, and D is small there: nothing cancels.
    """
    censored, happened = squares[0], squares[1:].sum(axis=0)
    later = np.zeros_like(censored)
    np.cumsum((censored + happened)[:0:-1], out=later[-2::-1])
    to_come, out = np.zeros_like(steps.rise), np.empty_like(steps.rise)
    np.cumsum(steps.rise[:, :0:-1], axis=1, out=to_come[:, -2::-1])
    sums = np.zeros(2 * len(out) + 1)
    # In blocks the many terms stay in the cache, which takes a third off at half a million days; the sums go on.
    for days in blocks(later.size, _BLOCK):
        a, left, left_happened = steps.before_row[:, days], censored[days], happened[days]
        m0, m1, to_end = steps.censored_pull[days], steps.event_pull[days], to_come[:, days]
        jump = steps.before[days] / steps.at_risk[days]
        b0, b1 = a - m0 * to_end, a - m1 * to_end
        # A row with the cause itself has b1 + jump for b1.
        from0, from_own = left * b0, squares[1:, days] * jump
        from1 = left_happened * b1 + from_own
        squared, mixed = from0 * b0 + from1 * b1 + from_own * (b1 + jump), from0 * m0 + from1 * m1
        terms = np.concatenate([squared, mixed, (left * m0**2 + left_happened * m1**2)[None]])
        terms[:, 0] += sums
        np.cumsum(terms, axis=1, out=terms)
        sums = terms[:, -1]
        b_squared, twice, m_squared = terms[: len(out)], 2.0 * terms[len(out) : -1], terms[-1]
        variance = a * a * later[days] + b_squared + (twice + m_squared * to_end) * to_end
        np.sqrt(np.maximum(variance, 0.0), out=out[:, days])
    # Before a cause's first event no row moves it; rounding must not say otherwise.
    out[steps.incidence <= 0] = 0.0
    return out


def _from_course(
    course: Course, events: FloatArray, std_err: FloatArray, level: float, watched_time: FloatArray, watched: FloatArray
) -> AalenJohansen:
    return AalenJohansen(
        time=course.time,
        causes=np.arange(1, len(course.incidence) + 1),
        at_risk=course.at_risk,
        events=events,
        incidence=course.incidence,
        std_err=std_err,
        event_free=course.after,
        level=level,
        watched_time=watched_time,
        watched=watched,
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
