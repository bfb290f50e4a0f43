"""Two groups made alike by overlap weights, where the event is only known to lie in ``(left, right]``.

The counterpart of `outcomes.estimators.weighted_risk` for interval-censored outcomes, such as relief, which is only
seen when somebody looks. In each arm the nonparametric maximum-likelihood curve (`outcomes.estimators.npmle`) is fitted
with overlap weights (Li, Morgan and Zaslavsky 2018, doi:10.1080/01621459.2016.1260466) and read by its lower count:
mass counts from the end of its interval on. Every bootstrap draw of patients fits the propensity and both curves anew.

The restricted mean time to the event up to day u is ``sum of 1 - F(d)`` over the whole days d = 0 .. u - 1, F by the
lower count: the mean number of days begun without the event among the first u. Where times are whole days that is the
area under 1 - F from 0 to u.

Without columns nobody is weighted, and the same function gives the unadjusted contrast.

What the caller must guarantee: whether and when somebody is looked at depends neither on the event, given the recorded
past, nor, given the columns, on the arm. Weights make arms alike in their columns, not in their visits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.bootstrap import npmle_draws
from outcomes.estimators.checks import FloatArray, check_days, check_level, check_numbers, check_whole
from outcomes.estimators.npmle import build_patterns, cdf_at, fit_patterns
from outcomes.estimators.overlap_arms import Cells, DrawnArms, check_draws, draw_weighed, weigh_arms
from outcomes.estimators.risk_draws import difference_test, ratio_limits, refuse_unseen, risk_limits

IntArray = NDArray[np.intp]

# Weights below this share of the sum are lost in sums of doubles beside the others.
_SMALLEST_SHARE = 1e-12


@dataclass(frozen=True, slots=True)
class OverlapRelief:
    """Shares with the event by k times, and mean times to it, in two arms weighted to be alike.

    Attributes
    ----------
    at : ndarray, shape (k,)
    share_treated, share_control, difference : ndarray, shape (k,)
        Share with the event by each time, lower count, and treated minus control.
    treated_low, treated_high, control_low, control_high, difference_low, difference_high : ndarray, shape (k,)
        Bootstrap limits as in `weighted_risk.OverlapRisk`; NaN where a share is the same in every draw.
    ratio, ratio_low, ratio_high : ndarray, shape (k,)
        Treated over control, with limits on the log scale; see `risk_draws.ratio_limits` for where they are NaN.
    std_err, p_value : ndarray, shape (k,)
        Of the difference: standard deviation of the draws, and Wald's two-sided test on the scale of Fisher's z, below
        ``1 - level`` exactly when the interval leaves out 0; see `risk_draws.difference_test`.
    mean_until : int
    mean_treated, mean_control, mean_difference : float
        Restricted mean time to the event up to `mean_until`, in days, and treated minus control.
    mean_treated_low, mean_treated_high, mean_control_low, mean_control_high : float
    mean_difference_low, mean_difference_high : float
        Limits, made of ``mean / mean_until`` as those of the shares are.
    level : float
    weights, propensity : ndarray, shape (n,)
    ess_treated, ess_control : float
        Effective sample size of each arm.
    n_treated, n_control : int
    events_treated, events_control : int
        Rows with an event known to have happened by the last of the times, unweighted.
    draws, n_failed : int
        Bootstrap draws, and those of them in which the propensity has no finite fit; these are left out.
    drawn_difference : ndarray, shape (draws - n_failed, k)
        The difference in each draw kept.
    """

    at: FloatArray
    share_treated: FloatArray
    share_control: FloatArray
    difference: FloatArray
    treated_low: FloatArray
    treated_high: FloatArray
    control_low: FloatArray
    control_high: FloatArray
    difference_low: FloatArray
    difference_high: FloatArray
    ratio: FloatArray
    ratio_low: FloatArray
    ratio_high: FloatArray
    std_err: FloatArray
    p_value: FloatArray
    mean_until: int
    mean_treated: float
    mean_control: float
    mean_difference: float
    mean_treated_low: float
    mean_treated_high: float
    mean_control_low: float
    mean_control_high: float
    mean_difference_low: float
    mean_difference_high: float
    level: float
    weights: FloatArray
    propensity: FloatArray
    ess_treated: float
    ess_control: float
    n_treated: int
    n_control: int
    events_treated: int
    events_control: int
    draws: int
    n_failed: int
    drawn_difference: FloatArray


def overlap_relief(
    X: ArrayLike,
    treated: ArrayLike,
    left: ArrayLike,
    right: ArrayLike,
    at: ArrayLike,
    until: int,
    cluster: ArrayLike | None = None,
    draws: int = 500,
    seed: int | list[int] = 0,
    level: float = 0.95,
    workers: int = 1,
) -> OverlapRelief:
    """Compare shares with an interval-censored event in two arms weighted to have equal recorded means.

    Parameters
    ----------
    X : array_like, shape (n, p)
        What was known before the treatment, without a constant column; with p = 0 the contrast is unadjusted.
    treated : array_like of 0/1, shape (n,)
    left, right : array_like, shape (n,)
        Interval ends in days, as in `npmle.npmle`; ``right = inf`` where the event was not seen.
    at : array_like, shape (k,) or a number
        Days by which the shares are read.
    until : int
        Whole days up to which the restricted mean is taken, 1 or more.
    cluster : array_like, shape (n,), optional
        Patient of each row; a drawn patient brings all of his or her rows. Every row is one when not given.
    draws : int
        Bootstrap draws, 2 or more, or 0: estimates alone, all limits and p-values NaN.
    seed : int or list of int
        The draws, and so the limits, depend on it and on nothing but the rows.
    level : float
        Confidence level.
    workers : int
        Threads to fit with. Neither their number nor the order of rows nor the names of patients changes a bit.

    Raises
    ------
    InputRefused
        What `weighting.overlap_weights` and `npmle.npmle` refuse; E745 a time, or a day of the
        restricted mean, after the last end of an interval of an arm, where nobody was watched; E746 one draw, or
        fewer than none; E751 `until` is no whole number, 1 or more; E644 fewer than one worker.
    NotEstimable
        What `weighting.overlap_weights` and `npmle.npmle` cannot fit, but an arm in which nobody has the event has a
        share of 0; an event in neither arm; more than 5 % of the draws without a finite fit.

    Notes
    -----
    A weight of less than 1e-12 of its arm's is taken for 0.
    """
    # Before anything is drawn, for that takes time.
    at, level, until = check_days("at", at), check_level(level), check_whole("until", until, "E751", 1)
    outcome = interval_outcome(left, right, check_numbers("treated", treated).size)
    draws, workers = check_draws(draws), check_whole("workers", workers, "E644", 1)
    arms = weigh_arms(X, treated, [outcome])
    # As in `draw_arms`: the table is not kept while draws are fitted.
    del X
    drawn = draw_weighed(arms, cluster, draws, seed, workers)
    return compare_relief(drawn, at, until, level, workers)


def interval_outcome(left: ArrayLike, right: ArrayLike, length: int | None = None) -> list[FloatArray]:
    """Return the columns of an outcome for `overlap_arms.draw_arms`, shape (n,) each, or refuse as `npmle.npmle`."""
    rows = build_patterns(check_numbers("left", left, length), right)
    return [rows.left[rows.row], rows.right[rows.row]]


def compare_relief(
    drawn: DrawnArms, at: ArrayLike, until: int, level: float = 0.95, workers: int = 1, which: int = 0
) -> OverlapRelief:
    """Compare drawn arms in an outcome that came from `interval_outcome`: the one numbered `which`.

    Parameters and errors as in `overlap_relief`.
    """
    when, level, until = check_days("at", at), check_level(level), check_whole("until", until, "E751", 1)
    sides = [_Arm.of(drawn.cells[which], side) for side in (1, 0)]
    _refuse_unwatched(sides, when, until)
    days, k = np.concatenate([when, np.arange(until)]), when.size
    (one, drawn_one), (none, drawn_none) = (side.shares(drawn.sums[which], days, workers) for side in sides)
    shares = one[:k], none[:k], drawn_one[:, :k], drawn_none[:, :k]
    limits = risk_limits(*shares, level)
    ratio, ratio_low, ratio_high = ratio_limits(*shares, level)
    std_err, p_value = difference_test(*shares)
    means, mean_limits = _means((one[k:], none[k:], drawn_one[:, k:], drawn_none[:, k:]), level)
    events = [int(side.count[side.right <= when.max()].sum()) for side in sides]
    return OverlapRelief(
        at=when,
        share_treated=one[:k],
        share_control=none[:k],
        difference=one[:k] - none[:k],
        treated_low=limits[0][0],
        treated_high=limits[0][1],
        control_low=limits[1][0],
        control_high=limits[1][1],
        difference_low=limits[2][0],
        difference_high=limits[2][1],
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        std_err=std_err,
        p_value=p_value,
        mean_until=until,
        mean_treated=means[0],
        mean_control=means[1],
        mean_difference=means[0] - means[1],
        mean_treated_low=mean_limits[0][0],
        mean_treated_high=mean_limits[0][1],
        mean_control_low=mean_limits[1][0],
        mean_control_high=mean_limits[1][1],
        mean_difference_low=mean_limits[2][0],
        mean_difference_high=mean_limits[2][1],
        level=level,
        events_treated=events[0],
        events_control=events[1],
        draws=drawn.draws,
        n_failed=drawn.n_failed,
        drawn_difference=drawn_one[:, :k] - drawn_none[:, :k],
        **drawn.described,
    )


@dataclass(frozen=True, slots=True)
class _Arm:
    """Distinct intervals of one arm, all (c,): their cells, ends, numbers of rows and sums of weights."""

    cells: IntArray
    left: FloatArray
    right: FloatArray
    count: FloatArray
    weight: FloatArray

    @classmethod
    def of(cls, cells: Cells, side: int) -> _Arm:
        own = cells.of(side)
        left, right = cells.columns
        return cls(own, left[own], right[own], cells.count[own], cells.weight[own])

    def last(self) -> float:
        """Return the last time at which anything is known of anybody."""
        return float(np.where(np.isinf(self.right), self.left, self.right).max())

    def shares(self, drawn: FloatArray, days: FloatArray, workers: int) -> tuple[FloatArray, FloatArray]:
        """Return the share by each day, shape (j,), of the full data and of each draw, shape (draws, j)."""
        weight = _without_dust(self.weight)
        if not weight[np.isfinite(self.right)].any():
            return np.zeros(days.size), np.zeros((drawn.shape[0], days.size))
        patterns = build_patterns(self.left, self.right, weight)
        used = patterns.row >= 0
        counts = np.empty((drawn.shape[0], patterns.left.size))
        counts[:, patterns.row[used]] = drawn[:, self.cells[used]]
        fit = fit_patterns(patterns)
        if not counts.size:
            return cdf_at(fit, days)[0], np.empty((0, days.size))
        return cdf_at(fit, days)[0], npmle_draws(patterns, fit, _without_dust(counts), days, workers)


def _refuse_unwatched(sides: list[_Arm], when: FloatArray, until: int) -> None:
    """Refuse times after the last one at which anything is known of an arm, and data without an event."""
    if all(np.isinf(side.right).all() for side in sides):
        raise NotEstimable("The arms cannot be compared: the event was never seen in either.")
    last = [side.last() for side in sides]
    refuse_unseen("at", when, last)
    refuse_unseen("until", np.array([until - 1.0]), last)


def _without_dust(weights: FloatArray) -> FloatArray:
    """Return weights, shape (..., c), with those set to 0 that would be lost beside the others."""
    return np.where(weights < _SMALLEST_SHARE * weights.sum(axis=-1, keepdims=True), 0.0, weights)


def _means(
    parts: tuple[FloatArray, FloatArray, FloatArray, FloatArray], level: float
) -> tuple[list[float], list[tuple[float, float]]]:
    """Return the restricted means of two arms, and limits of both and of their difference.

    `parts` are the shares of both arms on each day, shape (u,), and those of their draws, shape (draws, u).
    """
    until = parts[0].size
    shares = [np.atleast_1d((1.0 - part).mean(axis=-1).T).T for part in parts]
    one, other, drawn_one, drawn_other = shares[0], shares[1], shares[2][:, None], shares[3][:, None]
    limits = [
        (until * float(low[0]), until * float(high[0]))
        for low, high in risk_limits(one, other, drawn_one, drawn_other, level)
    ]
    return [until * float(one[0]), until * float(other[0])], limits
