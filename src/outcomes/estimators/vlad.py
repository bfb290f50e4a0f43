r"""Observed minus expected events, added up case by case: the variable life-adjusted display (VLAD).

Lovegrove, Valencia, Treasure, Sherlaw-Johnson and Gallivan 1997 (Lancet 350, 1128-1130), with the sign of observed
minus expected::

    V_t = sum over s = 1..t of (y_s - p_s)

The line shows how many more events than expected there have been so far, which everybody can read, but it wanders: a
stable series does not come back to 0, and its height alone says little. Two pairs of limits are simulated, from series
in which each case has the event with its expected probability:

- **pointwise**: at each place 95 % of simulated series lie between them. They are for one place chosen beforehand: of
  stable series of 600 cases 35 % leave them somewhere (``tests/simulation/test_chart_alarms.py``).
- **whole series**: 95 % of simulated series lie between them everywhere. They are ``-+ c s_t`` with c from the largest
  ``|V_t| / s_t`` of each simulated series, ``s_t^2`` the variance ``sum p (1 - p)`` up to t, but at least a tenth of
  that of the whole series: without that floor the first few cases would set c.

Whether something changed is better asked of the sums in `outcomes.estimators.cusum`: they forget a calm past.

What the caller must guarantee: cases in order of time; expectations from other cases than these. If they were fitted
to these, V ends at 0 by construction, and the limits are too wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from outcomes.estimators.checks import FloatArray, check_level
from outcomes.estimators.signals import SignArray
from outcomes.estimators.simulated_sums import (
    DIGITS,
    Cases,
    check_simulation,
    rank_of_share,
    read_cases,
    simulate_counts,
)

_LEAST_VARIANCE = 0.1


@dataclass(frozen=True, slots=True)
class Vlad:
    """Observed minus expected over m groups of cases, and simulated limits.

    Attributes
    ----------
    difference : ndarray, shape (m,)
        Observed minus expected events up to the end of each group.
    low, high : ndarray, shape (m,)
        Pointwise limits.
    series_low, series_high : ndarray, shape (m,)
        Limits of the whole series.
    outside : ndarray of int8, shape (m,)
        1 above, -1 below the limits of the whole series, 0 within.
    observed, expected : float
        Events over all cases, and how many were expected.
    level : float
    series, seed, n : int
        Simulated series, their seed, and cases.
    """

    difference: FloatArray
    low: FloatArray
    high: FloatArray
    series_low: FloatArray
    series_high: FloatArray
    outside: SignArray
    observed: float
    expected: float
    level: float
    series: int
    seed: int
    n: int


def vlad(
    outcome: ArrayLike,
    expected: ArrayLike,
    level: float = 0.95,
    series: int = 999,
    seed: int = 0,
    group: ArrayLike | None = None,
) -> Vlad:
    """Return observed minus expected events up to each case or group, with limits pointwise and of the whole series.

    Parameters
    ----------
    outcome, expected : array_like, shape (n,)
        0 or 1; its probability, inside (0, 1), from other cases than these.
    level : float
        Of both pairs of limits.
    series, seed : int
        Simulated series, and their seed.
    group : array_like of int, shape (n,), optional
        What is looked at together, for example the day; the order inside a group changes nothing. By default each case
        is looked at as it comes.

    Raises
    ------
    InputRefused
        E607 `level`; E820-E822 of `read_cases`; E823, E824 of `check_simulation`.
    NotEstimable
        No cases.
    """
    cases = read_cases(outcome, expected, group)
    level = check_level(level)
    series, seed = check_simulation(level, series, seed)
    total = cases.sum_to_ends(cases.expected)
    low, high, reach = _limits(cases, total, level, series, seed)
    difference = cases.observed - total
    outside = np.where(np.round(np.abs(difference), DIGITS) > np.round(reach, DIGITS), np.sign(difference), 0)
    return Vlad(
        difference=difference,
        low=low,
        high=high,
        series_low=-reach,
        series_high=reach,
        outside=outside.astype(np.int8),
        observed=float(cases.observed[-1]),
        expected=float(total[-1]),
        level=level,
        series=series,
        seed=seed,
        n=cases.outcome.size,
    )


def _limits(
    cases: Cases, total: FloatArray, level: float, series: int, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the pointwise limits and the half width of those of the whole series, each of shape (m,)."""
    variance = cases.sum_to_ends(cases.expected * (1.0 - cases.expected))
    spread = np.sqrt(np.maximum(variance, _LEAST_VARIANCE * variance[-1]))
    low, high, largest = np.empty(total.size), np.empty(total.size), np.zeros(series)
    top = rank_of_share(0.5 + level / 2.0, series)
    for groups, counts in simulate_counts(cases, series, seed):
        off = np.abs(counts - total[groups, None]) / spread[groups, None]
        np.maximum(largest, off.max(axis=0), out=largest)
        counts.sort(axis=1)
        low[groups] = counts[:, series - top] - total[groups]
        high[groups] = counts[:, top - 1] - total[groups]
    c = float(np.sort(largest)[rank_of_share(level, series) - 1])
    return low, high, c * spread
