"""What the weighted comparisons of two risks share: weighted curves of many draws, and limits from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, refuse_where
from outcomes.estimators.limits import drawn_bounds, interval_limits

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

_ROUNDING = 1e-12
MOST_FAILED = 0.05
"""With a larger share of draws without an answer those left no longer show what drawing patients does."""


@dataclass(frozen=True, slots=True)
class TimeOrder:
    """Rows of one arm in the order of their times, so that a curve of any weights is a few running sums.

    ``order`` (m,) sorts the rows by time and ``happened`` (m,) says which of them, sorted, end with the event.
    ``step`` (t,) are the distinct event times and ``first`` (t,) the first sorted row that ends at or after each.
    ``entry_order`` and ``entry_first`` are the same for the times at which rows came under observation, None when all
    were there from the start.
    """

    order: IntArray
    happened: FloatArray
    step: FloatArray
    first: IntArray
    entry_order: IntArray | None
    entry_first: IntArray | None


def order_times(time: FloatArray, event: FloatArray, entry: FloatArray | None) -> TimeOrder:
    """Sort the rows of an arm, shape (m,)."""
    order = np.argsort(time, kind="stable")
    step = np.unique(time[event > 0])
    first = np.searchsorted(time[order], step, side="left")
    if entry is None:
        return TimeOrder(order, event[order], step, first, None, None)
    by_entry = np.argsort(entry, kind="stable")
    return TimeOrder(order, event[order], step, first, by_entry, np.searchsorted(entry[by_entry], step, side="left"))


def weighted_risks(rows: TimeOrder, weights: FloatArray, at: FloatArray) -> FloatArray:
    """Return one minus the weighted Kaplan-Meier curve of each column of weights.

    Parameters
    ----------
    rows : TimeOrder
    weights : ndarray, shape (m, draws)
    at : ndarray, shape (k,)

    Returns
    -------
    ndarray, shape (draws, k)
        A curve stays where it is after its last row.
    """
    out = np.zeros((weights.shape[1], at.size))
    if not rows.step.size:
        return out
    sorted_weights = weights[rows.order]
    at_risk = _from_the_end(sorted_weights)[rows.first]
    if rows.entry_order is not None:
        # At risk at t are those with entry < t <= time: who enters at t is taken off again.
        at_risk -= _from_the_end(weights[rows.entry_order])[rows.entry_first]
    events = np.add.reduceat(sorted_weights * rows.happened[:, None], rows.first, axis=0)
    survival = np.cumprod(shares_left(events, at_risk), axis=0)
    column = np.searchsorted(rows.step, at, side="right")
    out[:, column > 0] = 1.0 - survival[column[column > 0] - 1].T
    return out


def shares_left(events: FloatArray, at_risk: FloatArray) -> FloatArray:
    """Return ``1 - events / at_risk``, 1 without events and 0 where all at risk have it but for rounding."""
    some = events > 0
    share = np.divide(at_risk - events, at_risk, out=np.ones_like(events), where=some & (at_risk > 0))
    return np.where(some & (share <= _ROUNDING), 0.0, share)


def _from_the_end(values: FloatArray) -> FloatArray:
    """Return sums over the rows from each one to the last, and a row of zeros after them."""
    out = np.zeros((values.shape[0] + 1, values.shape[1]))
    np.cumsum(values[::-1], axis=0, out=out[-2::-1])
    return out


def keep_fitted(drawn: NDArray[Any], reached: Flags, of_what: str) -> tuple[NDArray[Any], int]:
    """Return the draws with an answer and how many have none; too many are refused in words."""
    failed = int((~reached).sum())
    if failed > MOST_FAILED * reached.size:
        raise NotEstimable(
            f"No interval: in {failed} of {reached.size} bootstrap draws {of_what} has no finite fit, more than "
            f"{MOST_FAILED:.0%}. A column of the model is too rare in one of the groups; pool it with another."
        )
    return drawn[reached], failed


def refuse_unseen(name: str, when: FloatArray, last: list[float]) -> None:
    """Refuse times, shape (k,), after the last one at which an arm was watched, and having no times at all."""
    if not when.size:
        raise NotEstimable("Nothing to estimate: no times were given.")
    what = "lies after the last row of one of the arms: nobody was watched there."
    refuse_where(when > min(last), "E745", name, what)


def risk_limits(
    one: FloatArray, other: FloatArray, drawn_one: FloatArray, drawn_other: FloatArray, level: float
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Return low and high of two risks, shape (k,), and of their difference, from draws, shape (draws, k).

    All three by `limits.interval_limits`. For the difference d it is applied to ``(1 + d) / 2``, a share: the logit of
    it is twice Fisher's z of d, so the interval stays within -1 and 1. NaN where a risk is the same in every draw, as
    where nothing has happened yet: the draws have no width to give; and without draws.
    """
    if not drawn_one.shape[0]:
        none = np.full(one.shape, np.nan)
        return (none, none), (none, none), (none, none)
    low, high = interval_limits((1.0 + one - other) / 2.0, (1.0 + drawn_one - drawn_other) / 2.0, level)
    flat = _flat(drawn_one), _flat(drawn_other)
    limits = [
        interval_limits(one, drawn_one, level),
        interval_limits(other, drawn_other, level),
        (2.0 * low - 1.0, 2.0 * high - 1.0),
    ]
    for none, (begin, end) in zip((*flat, flat[0] | flat[1]), limits, strict=True):
        begin[none], end[none] = np.nan, np.nan
    return limits[0], limits[1], limits[2]


def difference_test(
    one: FloatArray, other: FloatArray, drawn_one: FloatArray, drawn_other: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the standard error of the difference of two risks, shape (k,), and two-sided p-value; see `risk_limits`.

    Wald's test on the scale and around the centre of the interval, Fisher's z of the mean of the draws, by Student's t
    with one degree of freedom less than draws. The p-value follows the interval in its two corrections, so that it is
    below ``1 - level`` exactly when the interval leaves out 0: it is 1 where the estimate is 0 or on the other side of
    0 from the mean of the draws, which the interval is widened to contain; and where the interval may not pass draws
    that are all on one side of 0 (`limits.drawn_bounds`), so that it leaves out 0 at any level, it is 2 / (draws + 1)
    at most. The last needs more than ``2 / (1 - level)`` draws, 40 at 95 %. Both NaN where a risk is the same in every
    draw, and without draws.
    """
    from scipy.special import logit, stdtr

    if not drawn_one.shape[0]:
        return np.full(one.shape, np.nan), np.full(one.shape, np.nan)
    share = (1.0 + drawn_one - drawn_other) / 2.0
    middle, spread = share.mean(axis=0), share.std(axis=0, ddof=1)
    inside = (middle > 0) & (middle < 1) & (spread > 0)
    score = np.full(middle.shape, np.inf)
    at, width = middle[inside], spread[inside]
    score[inside] = np.abs(logit(at)) * at * (1.0 - at) / width
    p = 2.0 * stdtr(share.shape[0] - 1, -score)
    side = np.sign(one - other)
    agree = side * (middle - 0.5) > 0
    floor, ceiling = drawn_bounds(share)
    apart = agree & (np.where(side > 0, floor - 0.5, 0.5 - ceiling) > 0)
    p = np.where(apart, np.minimum(p, 2.0 / (share.shape[0] + 1.0)), p)
    flat = _flat(drawn_one) | _flat(drawn_other)
    return np.where(flat, np.nan, 2.0 * spread), np.where(flat, np.nan, np.where(agree, p, 1.0))


def ratio_limits(
    one: FloatArray, other: FloatArray, drawn_one: FloatArray, drawn_other: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the ratio of two risks, shape (k,), and its limits from draws, shape (draws, k).

    An interval on the log scale around the mean of the draws' logarithms, with their standard deviation and Student's t
    as in `limits.interval_limits`, widened where needed to contain the estimate. The ratio is NaN where the other risk
    is 0. The limits are NaN where either risk is 0, in the data or in any draw, for then the draws have no spread on
    this scale; where a risk is the same in every draw; and without draws.
    """
    from scipy.special import stdtrit

    ratio = np.divide(one, other, out=np.full(one.shape, np.nan), where=other > 0)
    low, high = np.full(one.shape, np.nan), np.full(one.shape, np.nan)
    if not drawn_one.shape[0]:
        return ratio, low, high
    lowest = np.minimum(drawn_one, drawn_other).min(axis=0)
    use = (np.minimum(one, other) > 0) & (lowest > 0) & ~_flat(drawn_one) & ~_flat(drawn_other)
    logs = np.log(drawn_one[:, use] / drawn_other[:, use])
    middle, reach = logs.mean(axis=0), stdtrit(drawn_one.shape[0] - 1, 0.5 + level / 2.0) * logs.std(axis=0, ddof=1)
    low[use] = np.minimum(np.exp(middle - reach), ratio[use])
    high[use] = np.maximum(np.exp(middle + reach), ratio[use])
    return ratio, low, high


def _flat(drawn: FloatArray) -> Flags:
    """Return where every draw, shape (draws, k), is the same."""
    return np.ptp(drawn, axis=0) == 0
