"""What all curves over counted days share: who was at risk, what happened, and what one row more would change.

How one row moves an estimate (its influence: the derivative of the estimate by the row's weight) depends on the row's
time and cause only, and has a closed form in cumulative sums. With h = d/n the hazard at a day, h_k that of cause k, S
survival, and ``G(t) = sum over s <= t of h(s) / (n(s) - d(s))``, a row that ends at T with cause c (0 censored) moves
F_k(t) by

    A_k(t)                                      for t < T, A_k(t) = sum over s <= t of S(s-) h_k(s) (G(s-) - 1/n(s)),
    A_k(T) + [c = k] S(T-)/n(T) - m (F_k(t) - F_k(T))    for t >= T, with m = [c > 0] / (n(T) - d(T)) - G(T),

and S(t) by ``S(t) G(t)`` before T, by ``-S(t) m`` from T on. This is the infinitesimal jackknife (Efron 1982,
doi:10.1137/1.9781611970319, chapter 6) that R's survival package uses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outcomes.estimators.checks import FloatArray

# Two sums of weights that differ by less than this share of the total differ by rounding only.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Course:
    """What happened over M days at which somebody leaves, k causes.

    Attributes
    ----------
    time, at_risk, events : ndarray, shape (M,)
        Day, weight at risk just before it, weight of events of any cause at it.
    one_left : ndarray, shape (M,)
        One over the weight at risk just after the events of the day; 0 where that is nobody, for then nothing follows,
        and what it is multiplied with does not matter.
    before, after : ndarray, shape (M,)
        Survival just before and after the day.
    rise, incidence : ndarray, shape (k, M)
        Step of each cause's incidence at the day, and incidence after it.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    one_left: FloatArray
    before: FloatArray
    after: FloatArray
    rise: FloatArray
    incidence: FloatArray


@dataclass(frozen=True, slots=True)
class Steps(Course):
    """A course, and what one row more would change.

    Attributes
    ----------
    before_row : ndarray, shape (k, M)
        ``A_k``: influence on the incidence of a row that ends later.
    censored_pull, event_pull : ndarray, shape (M,)
        ``m`` of a row that ends at the day censored, or with an event; the former is ``-G``.
    """

    before_row: FloatArray
    censored_pull: FloatArray
    event_pull: FloatArray


def compute_course(time: FloatArray, events: FloatArray, at_risk: FloatArray) -> Course:
    """Return the course of events, shape (k, M), column j at the day ``time[j]``, among those at risk, shape (M,)."""
    d = events.sum(axis=0)
    left_over = at_risk - d
    nobody = left_over <= ROUNDING * at_risk
    left_over[nobody] = 0.0
    after = np.cumprod(left_over / at_risk)
    left_over[nobody] = np.inf
    one_left = np.divide(1.0, left_over, out=left_over)
    before = np.concatenate([[1.0], after[:-1]])
    rise = events * (before / at_risk)
    return Course(time, at_risk, d, one_left, before, after, rise, np.cumsum(rise, axis=1))


def compute_steps(time: FloatArray, table: FloatArray, at_risk: FloatArray | None = None) -> Steps:
    """Return the sums of a table of counts, shape (k + 1, M), row 0 the censored, column j the day ``time[j]``.

    `at_risk`, shape (M,), is summed from the table unless it is given.
    """
    n = np.cumsum(table.sum(axis=0)[::-1])[::-1] if at_risk is None else at_risk
    course = compute_course(time, table[1:], n)
    total = np.cumsum(course.events / n * course.one_left)
    earlier = np.concatenate([[0.0], total[:-1]])
    before_row = np.cumsum(course.rise * (earlier - 1.0 / n), axis=1)
    return Steps(
        time=time,
        at_risk=n,
        events=course.events,
        one_left=course.one_left,
        before=course.before,
        after=course.after,
        rise=course.rise,
        incidence=course.incidence,
        before_row=before_row,
        censored_pull=-total,
        event_pull=course.one_left - total,
    )
