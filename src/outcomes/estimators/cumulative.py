r"""Observed minus expected, summed over time, with limits for a series in which nothing changed.

The curve of the variable life-adjusted display (Lovegrove and others 1997, Lancet 350, 1128-1130) over cases in order
of time::

    S_t = sum over cases up to t of (y_i - e_i),   e_i the mean of y over all cases of the same stratum

Expectations come from these same cases, so S ends at 0, and a change in the middle shows as a hill or a valley. If the
outcome of a case does not depend on when it came, given its stratum, then each order of the outcomes of a stratum is
as likely as any other. That fixes the covariance of the sums. With M_st cases of stratum s up to t, N_s in all, and v_s
the variance of their outcomes (divisor N_s - 1)::

    cov(S_t, S_u) = sum_s v_s (M_st - M_st M_su / N_s),   t <= u

(sampling without replacement, Cochran 1977, Sampling Techniques, 3rd ed., section 2.6; ISBN 978-0471162407). Limits are
``-+ c sd_t``, with c such that a normal series with this covariance leaves them anywhere in ``1 - level`` of simulated
series: a share of whole series, not of single times.

What the caller must guarantee: each time has more than a handful of cases, for the sums are taken to be normal. The
outcome may be any number, 0 or 1, or a pseudo-observation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.estimators.checks import FloatArray, check_level, check_numbers, check_whole, refuse_where
from outcomes.estimators.counting import distinct
from outcomes.estimators.post_strata import expect


@dataclass(frozen=True, slots=True)
class CumulativeDifference:
    """Sums at the end of each of m times.

    Attributes
    ----------
    time : ndarray, shape (m,)
        The distinct times, in order.
    n : ndarray of int, shape (m,)
        Cases at each time.
    difference : ndarray, shape (m,)
        Observed minus expected up to it, in events.
    low, high : ndarray, shape (m,)
        Limits of a series in which nothing changed.
    beyond : ndarray of bool, shape (m,)
        Whether the sum lies outside them.
    p_value : float
        Share of simulated series that go as far anywhere; NaN where no sum can vary.
    """

    time: FloatArray
    n: NDArray[np.int64]
    difference: FloatArray
    low: FloatArray
    high: FloatArray
    beyond: NDArray[np.bool_]
    p_value: float


def cumulative_difference(
    outcome: ArrayLike, stratum: ArrayLike, time: ArrayLike, level: float = 0.95, series: int = 1999, seed: int = 0
) -> CumulativeDifference:
    """Sum observed minus expected over time (formulas: this module's docstring).

    Parameters
    ----------
    outcome, stratum, time : array_like, shape (n,)
        What was seen, the stratum that says what to expect, and the month or so; cases of one time stand together.
    level : float
        Share of unchanged series that stay inside the limits throughout.
    series, seed : int
        Simulated series, 99 or more, and their seed.

    Raises
    ------
    InputRefused
        NaN, unequal lengths; E835 fewer than two cases; E836 too few series, or a seed that is none.
    """
    y = check_numbers("outcome", outcome)
    of = distinct(check_numbers("stratum", stratum, y.size))[1]
    times, place = distinct(check_numbers("time", time, y.size))
    refuse_where(np.array([y.size < 2]), "E835", "outcome", "has fewer than two cases.")
    level = check_level(level)
    series, seed = check_whole("series", series, "E836", 99), check_whole("seed", seed, "E836", 0)
    order = np.lexsort((y, of, place))
    rest = (y - expect(y, of))[order]
    steps = np.bincount(place[order], weights=rest, minlength=times.size)
    sums = np.cumsum(steps, dtype=np.float64)
    counts = np.zeros((int(of.max()) + 1, times.size))
    np.add.at(counts, (of, place), 1.0)
    spread = _spread(y, of)
    sd = np.sqrt(np.maximum(_variance(counts, spread), 0.0))
    moves = sd > 1e-9 * max(1.0, float(sd.max()))
    # All cases have been summed: what is left is rounding.
    sums[~moves] = 0.0
    if not moves.any():
        nothing = np.zeros(times.size)
        empty = np.zeros(times.size, dtype=bool)
        return CumulativeDifference(times, counts.sum(axis=0).astype(np.int64), sums, nothing, nothing, empty, np.nan)
    largest = np.sort(_largest(counts, spread, sd, moves, series, seed))
    # The observed series is one of series + 1: an exact rank.
    rank = min(series, int(np.ceil(level * (series + 1) - 1e-9)))
    reach = float(largest[rank - 1]) * sd
    own = float(np.max(np.abs(sums[moves]) / sd[moves]))
    p_value = (1.0 + float((largest >= own).sum())) / (series + 1.0)
    n = counts.sum(axis=0).astype(np.int64)
    return CumulativeDifference(times, n, sums, -reach, reach, np.abs(sums) > reach, p_value)


def _spread(y: FloatArray, of: NDArray[np.intp]) -> FloatArray:
    """Variance of the outcomes of each stratum, divisor N - 1; 0 for a single case."""
    order = np.lexsort((y, of))
    size = np.bincount(of)
    squares = np.bincount(of[order], weights=((y - expect(y, of)) ** 2)[order])
    return np.asarray(squares / np.maximum(size - 1, 1), dtype=np.float64)


def _variance(counts: FloatArray, spread: FloatArray) -> FloatArray:
    up_to = np.cumsum(counts, axis=1)
    total: FloatArray = spread @ (up_to - up_to**2 / up_to[:, -1:])
    return total


def _largest(
    counts: FloatArray, spread: FloatArray, sd: FloatArray, moves: NDArray[np.bool_], series: int, seed: int
) -> FloatArray:
    """Largest distance from 0, in standard deviations, of each simulated series, shape (series,).

    Independent steps of variance ``v m`` less their share ``m / N`` of their sum have the covariance of draws without
    replacement.
    """
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    steps = np.zeros((series, counts.shape[1]))
    for m, v in zip(counts, spread, strict=True):
        drawn = generator.standard_normal((series, m.size)) * np.sqrt(v * m)
        steps += drawn - drawn.sum(axis=1, keepdims=True) * (m / m.sum())
    walk = np.cumsum(steps, axis=1)[:, moves]
    return np.asarray(np.max(np.abs(walk) / sd[moves], axis=1), dtype=np.float64)
