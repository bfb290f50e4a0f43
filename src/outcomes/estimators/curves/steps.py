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
class Steps:
    """Sums over M days at which somebody leaves, k causes.

    Attributes
    ----------
    time, at_risk, events : ndarray, shape (M,)
        Day, weight at risk just before it, weight of events of any cause at it.
    before, after : ndarray, shape (M,)
        Survival just before and after the day.
    rise, incidence : ndarray, shape (k, M)
        Step of each cause's incidence at the day, and incidence after it.
    before_row : ndarray, shape (k, M)
        ``A_k``: influence on the incidence of a row that ends later.
    censored_pull, event_pull : ndarray, shape (M,)
        ``m`` of a row that ends at the day censored, or with an event; the former is ``-G``.
    """

    time: FloatArray
    at_risk: FloatArray
    events: FloatArray
    before: FloatArray
    after: FloatArray
    rise: FloatArray
    incidence: FloatArray
    before_row: FloatArray
    censored_pull: FloatArray
    event_pull: FloatArray


def compute_steps(time: FloatArray, table: FloatArray, at_risk: FloatArray | None = None) -> Steps:
    """Return the sums of a table of counts, shape (k + 1, M), row 0 the censored, column j the day ``time[j]``.

    `at_risk`, shape (M,), is summed from the table unless it is given.
    """
    n = np.cumsum(table.sum(axis=0)[::-1])[::-1] if at_risk is None else at_risk
    d = table[1:].sum(axis=0)
    left_over = n - d
    nobody = left_over <= ROUNDING * n
    left_over[nobody] = 0.0
    after = np.cumprod(left_over / n)
    # Where nobody is left over, nothing follows, and what it is divided by does not matter.
    left_over[nobody] = np.inf
    one_left = 1.0 / left_over
    before = np.concatenate([[1.0], after[:-1]])
    rise = table[1:] * (before / n)
    total = np.cumsum(d / n * one_left)
    earlier = np.concatenate([[0.0], total[:-1]])
    before_row = np.cumsum(rise * (earlier - 1.0 / n), axis=1)
    return Steps(time, n, d, before, after, rise, np.cumsum(rise, axis=1), before_row, -total, one_left - total)
