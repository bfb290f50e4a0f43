"""Ratings as ordered steps: the odds of a higher one, alike at every step (proportional odds).

A mean of pain takes a fall from 8 to 6 for as much as one from 4 to 2. The cumulative logit model (McCullagh 1980,
doi:10.1111/j.2517-6161.1980.tb01109.x) asks no more of the ratings than their order. Its likelihood is concave in
coefficients and thresholds, so Newton's steps, halved where they fall, find its maximum or there is none: whether there
is one, a linear program says beforehand (Albert and Anderson 1984, doi:10.1093/biomet/71.1.1). Rows alike in value and
columns are counted. The variance is the sandwich, summed by cluster, with the usual factor for few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from outcomes.errors import NotEstimable
from outcomes.estimators.aft_rows import IntArray, check_clusters, check_table
from outcomes.estimators.checks import FloatArray, check_level, check_numbers, normal_quantile

_RISE = 1e-13
_MOST_STEPS = 100
_INFEASIBLE = 2  # as `linprog` says it
_NO_MAXIMUM = "The odds of a higher value have no maximum: the columns tell the values apart."


@dataclass(frozen=True, slots=True)
class OrderedOdds:
    """Coefficients of the columns on the log odds of a higher value.

    Attributes
    ----------
    coef, std_err, lower, upper : ndarray, shape (p,)
    thresholds : ndarray, shape (levels - 1,)
        Log odds of a value up to each level but the highest, where all columns are 0.
    levels : ndarray, shape (levels,)
        Values that occur, in order.
    loglik, level : float
    n, clusters : int
    """

    coef: FloatArray
    std_err: FloatArray
    lower: FloatArray
    upper: FloatArray
    thresholds: FloatArray
    levels: FloatArray
    loglik: float
    level: float
    n: int
    clusters: int


def ordered_odds(y: ArrayLike, X: ArrayLike, cluster: ArrayLike, level: float = 0.95) -> OrderedOdds:
    """Fit ``log odds(y > step) = X b - threshold of the step``.

    Parameters
    ----------
    y : array_like, shape (n,)
        Values of which the order alone counts.
    X : array_like, shape (n, p)
        Columns without a constant.
    cluster : array_like, shape (n,)
        Who each row belongs to.
    level : float

    Returns
    -------
    OrderedOdds

    Raises
    ------
    InputRefused
        Unequal lengths, NaN, E675 X not a table, E679 unusable cluster labels.
    NotEstimable
        One value only, fewer than two clusters, or no maximum: the columns tell the values apart (separation), or
        determine each other.
    """
    share, values = check_level(level), check_numbers("y", y)
    table = check_table(X, values.size)
    member = check_clusters(cluster, values.size)
    levels, codes = np.unique(values, return_inverse=True)
    if levels.size < 2:
        raise NotEstimable("All values are the same: they have no order to compare.")
    if np.unique(member).size < 2:
        raise NotEstimable("All rows belong to one cluster: a variance by cluster needs at least two, and many.")
    middle, spread = table.mean(axis=0), table.std(axis=0)
    if not spread.all() or np.linalg.matrix_rank((table - middle) / spread) < table.shape[1]:
        raise NotEstimable("A column is constant or determined by the others.")
    scaled, p = (table - middle) / spread, table.shape[1]
    shapes, shape, count = np.unique(np.column_stack([codes, scaled]), axis=0, return_inverse=True, return_counts=True)
    rows = _lay_out(shapes[:, 0].astype(np.intp), shapes[:, 1:], levels.size)
    _refuse_separation(rows)
    weight = count.astype(np.float64)
    at = _maximise(rows, weight, codes, p)
    scores, bend = _differentiate(rows, at, weight)
    coef = at[:p] / spread
    std_err = np.sqrt(np.diag(_sandwich(scores[shape.reshape(-1)], bend, member))[:p]) / spread
    reach = normal_quantile(share) * std_err
    at_zero: FloatArray = at[p:] + float(middle @ coef)
    return OrderedOdds(
        coef=coef,
        std_err=std_err,
        lower=coef - reach,
        upper=coef + reach,
        thresholds=at_zero,
        levels=levels,
        loglik=float(weight @ _log_chances(rows, at)),
        level=share,
        n=values.size,
        clusters=int(np.unique(member).size),
    )


class _Rows(NamedTuple):
    """What is linear in coefficients and thresholds: a row's distance to the steps above and below it.

    ``above @ d`` is the threshold of its level less ``X b``, infinite where `has_above` is False (the highest level);
    ``below @ d`` is the threshold of the level before less ``X b``. Both have shape (n, p + levels - 1).
    """

    above: FloatArray
    has_above: NDArray[np.bool_]
    below: FloatArray
    has_below: NDArray[np.bool_]


def _lay_out(codes: IntArray, X: FloatArray, n_levels: int) -> _Rows:
    steps = np.concatenate([np.eye(n_levels - 1), np.zeros((1, n_levels - 1))])
    has_above, has_below = codes < n_levels - 1, codes > 0
    above = np.column_stack([-X, steps[codes]]) * has_above[:, None]
    below = np.column_stack([-X, steps[codes - 1]]) * has_below[:, None]
    return _Rows(above, has_above, below, has_below)


def _refuse_separation(rows: _Rows) -> None:
    """Raise `NotEstimable` where the likelihood rises, or stays, for ever in some direction."""
    from scipy.optimize import linprog

    farther = np.concatenate([rows.above[rows.has_above], -rows.below[rows.has_below]])
    # Nearer to the steps of its own value goes no row, and together they go away from them.
    total, still = farther.sum(axis=0, keepdims=True), np.zeros(farther.shape[1])
    found = linprog(still, -farther, np.zeros(len(farther)), total, [1.0], (None, None), method="highs")
    if found.status != _INFEASIBLE:
        raise NotEstimable(_NO_MAXIMUM)


def _log_chances(rows: _Rows, at: FloatArray) -> FloatArray:
    """Log probability of each row's value, shape (n,); minus infinity where thresholds have changed places."""
    up, down = _distances(rows, at)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(up > down, np.log(-np.expm1(np.minimum(down - up, 0.0))), -np.inf)
    chances: FloatArray = between - np.logaddexp(0.0, -up) - np.logaddexp(0.0, down)
    return chances


def _distances(rows: _Rows, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.where(rows.has_above, rows.above @ at, np.inf), np.where(rows.has_below, rows.below @ at, -np.inf)


def _differentiate(rows: _Rows, at: FloatArray, count: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Score of each row, shape (n, q), and the information of all, shape (q, q).

    With ``h = up - down``, the log probability is ``log F(up) + log(1 - F(down)) + log(1 - exp(-h))``.
    """
    up, down = _distances(rows, at)
    past_up, until_down = expit(-up), expit(down)
    apart = 1.0 / np.expm1(up - down)
    scores = (past_up + apart)[:, None] * rows.above - (until_down + apart)[:, None] * rows.below
    sides = np.concatenate([rows.above, rows.below, rows.above - rows.below])
    curved = np.concatenate([past_up * (1 - past_up), until_down * (1 - until_down), apart * (1 + apart)])
    return scores, sides.T @ ((np.tile(count, 3) * curved)[:, None] * sides)


def _maximise(rows: _Rows, count: FloatArray, codes: IntArray, p: int) -> FloatArray:
    """Coefficients and thresholds at the maximum, shape (p + levels - 1,); from no effect and the shares of all."""
    reached = np.cumsum(np.bincount(codes))[:-1] / codes.size
    at = np.concatenate([np.zeros(p), np.log(reached) - np.log1p(-reached)])
    now = count @ _log_chances(rows, at)
    for _ in range(_MOST_STEPS):
        scores, bend = _differentiate(rows, at, count)
        slope = count @ scores
        step = np.linalg.solve(bend, slope)
        if slope @ step < _RISE * codes.size:
            return at + step
        while not (then := count @ _log_chances(rows, at + step)) >= now:
            step = step / 2
        at, now = at + step, then
    raise NotEstimable("The odds of a higher value were not found: the likelihood still rose after many steps.")


def _sandwich(scores: FloatArray, bend: FloatArray, member: IntArray) -> FloatArray:
    n, q = scores.shape
    sums = np.column_stack([np.bincount(member, weights=column) for column in scores.T])
    bread = np.linalg.inv(bend)
    few = len(sums) / (len(sums) - 1) * (n - 1) / (n - q)
    covariance: FloatArray = few * bread @ (sums.T @ sums) @ bread
    return covariance
