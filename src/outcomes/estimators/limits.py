"""Intervals and bands from bootstrap draws of a curve.

Four ways to turn draws into limits. All take the draws as a table, one row a draw and one column a time, and return two
arrays, one number a time. `interval_limits` is the default of this package; the simulation that chose it stands in
``tests/simulation/test_relief_interval_coverage.py``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import (
    FloatArray,
    all_finite,
    check_array,
    check_columns,
    check_level,
    check_numbers,
    check_weights,
    normal_quantile,
    refuse_where,
)

_ROUNDING = 1e-9
_LARGEST_LOGIT_ERROR = 1.5
"""Standard error of a logit above which the draws have no width on that scale: it is that of half an event."""


def percentile_limits(drawn: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return the percentile interval of each column of draws, shape (draws, k).

    Raises
    ------
    InputRefused
        Draws that are not finite numbers, a level outside (0, 1).
    NotEstimable
        No draws, or not a table.
    """
    drawn = _check_drawn(drawn)
    tail = (1.0 - check_level(level)) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return low, high


def interval_limits(estimate: ArrayLike, drawn: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return this package's default interval for an interval-censored curve, time by time.

    An interval on the logit scale around the mean of the draws, with the standard deviation of the draws as its
    standard error and, since that is itself known from so many draws only, Student's t with one degree of freedom less
    than draws. The logit keeps it in [0, 1] and lets it reach further towards one half, as the interval of a share
    does. The mean of the draws is taken instead of the estimate because the estimate is a step function: a single
    patient moves a step by a day, and the mean over draws evens that out (bagging, Buhlmann and Yu 2002,
    doi:10.1214/aos/1031689014). Where a tenth of the draws or more stand at their lowest or highest value, or all lie
    too close to 0 or 1 for the logit, the limit does not pass the draws (`drawn_bounds`); limits are widened where
    needed to contain the estimate.

    Parameters
    ----------
    estimate : array_like, shape (k,)
        The curve of the full data, shares.
    drawn : array_like, shape (draws, k)
        The same of each draw; 200 draws are enough, since only their mean and spread are used.
    level : float

    Returns
    -------
    low, high : ndarray, shape (k,)
        Both the estimate where no draw differs from it: a curve at 0 in every draw has no spread to show.

    Raises
    ------
    InputRefused
        Lengths that do not fit, NaN, infinite values, E639 anything outside [0, 1] by more than rounding, a level
        outside (0, 1).
    NotEstimable
        Fewer than two draws.
    """
    from scipy.special import expit, logit, stdtrit

    at, drawn = _check_estimate(estimate, drawn)
    if drawn.shape[0] < 2:
        raise NotEstimable("No interval: a spread needs two draws or more.")
    what = "is no share: it must lie between 0 and 1."
    refuse_where(np.abs(at - 0.5) > 0.5 + _ROUNDING, "E639", "estimate", what)
    refuse_where((np.abs(drawn - 0.5) > 0.5 + _ROUNDING).any(axis=1), "E639", "drawn", what)
    score = stdtrit(drawn.shape[0] - 1, 0.5 + check_level(level) / 2.0)
    # Sums of masses pass 0 and 1 by rounding, and differ by it where they are the same.
    share = np.clip(drawn, 0.0, 1.0)
    middle, spread = share.mean(axis=0), share.std(axis=0, ddof=1)
    moves = np.ptp(share, axis=0) > _ROUNDING
    reach = np.divide(score * spread, middle * (1.0 - middle), out=np.zeros_like(spread), where=moves)
    centre = logit(np.where(moves, middle, 0.5))
    floor, ceiling = drawn_bounds(share)
    low = np.where(moves, np.clip(expit(centre - reach), floor, ceiling), share.min(axis=0))
    high = np.where(moves, np.clip(expit(centre + reach), floor, ceiling), share.max(axis=0))
    return np.minimum(low, at), np.maximum(high, at)


def drawn_bounds(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and highest of the draws, shape (draws, k), where a limit may not pass them; else infinite.

    That is where a tenth of the draws or more stand, as where an event is so rare that many draws have none; and where
    the logit gives out (`_is_at_an_end`). A limit that never passed the last of few draws would be too narrow: with 40
    normal ones it errs in 64 of 1,000, not in 50.
    """
    least = drawn.shape[0] / 10.0
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    at_end = _is_at_an_end(drawn.mean(axis=0), drawn.std(axis=0))
    at_low = at_end | (np.count_nonzero(drawn - low <= _ROUNDING, axis=0) >= least)
    at_high = at_end | (np.count_nonzero(high - drawn <= _ROUNDING, axis=0) >= least)
    return np.where(at_low, low, -np.inf), np.where(at_high, high, np.inf)


def _is_at_an_end(middle: FloatArray, spread: FloatArray) -> NDArray[np.bool_]:
    """Return where shares lie so close to 0 or 1, for their spread, that a straight line does not follow the logit.

    The standard error of a logit is that of the share over ``m (1 - m)``. Nearly all draws at 1 and a few at .97 have a
    mean of .9995 and a spread of .003: six logits, and an interval from .01 to 1 that no draw comes near.
    """
    return spread > _LARGEST_LOGIT_ERROR * middle * (1.0 - middle)


def bca_limits(
    estimate: ArrayLike,
    drawn: ArrayLike,
    jackknife: ArrayLike,
    multiplicity: ArrayLike,
    level: float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """Return the bias-corrected and accelerated interval (Efron 1987, doi:10.1080/01621459.1987.10478410).

    The level of the percentiles is moved by two numbers: the share of draws below the estimate says how far the draws
    sit to one side of it, and the skewness of the leave-one-out estimates says how fast the spread changes with the
    value. A draw equal to the estimate counts half below.

    Parameters
    ----------
    estimate : array_like, shape (k,)
        The curve of the full data.
    drawn : array_like, shape (draws, k)
    jackknife : array_like, shape (c, k)
        Estimates that leave out one patient of each class; see `bootstrap.jackknife_counts`.
    multiplicity : array_like, shape (c,)
        Patients in each class.
    level : float

    Returns
    -------
    low, high : ndarray, shape (k,)
        Where no draw differs from the estimate both limits are the estimate.

    Raises
    ------
    InputRefused
        Lengths that do not fit, NaN, infinite values, a level outside (0, 1).
    NotEstimable
        No draws.
    """
    from scipy.special import ndtr, ndtri

    at, drawn = _check_estimate(estimate, drawn)
    jackknife = np.asarray(check_columns("jackknife", jackknife, columns=at.size), dtype=np.float64)
    many = check_weights(multiplicity, jackknife.shape[0], "multiplicity")[:, None]
    tail = (1.0 - check_level(level)) / 2.0
    # Half a draw on each side keeps the normal score finite when all draws lie on one side.
    below = ((drawn < at).sum(axis=0) + 0.5 * (drawn == at).sum(axis=0) + 0.5) / (drawn.shape[0] + 1.0)
    bias = ndtri(below)
    pull = (many * jackknife).sum(axis=0) / many.sum() - jackknife
    spread = (many * pull**2).sum(axis=0)
    skew = (many * pull**3).sum(axis=0)
    acceleration = np.divide(skew, 6.0 * spread**1.5, out=np.zeros_like(skew), where=spread > 1e-18)
    limits = []
    for score in (ndtri(tail), ndtri(1.0 - tail)):
        shifted = bias + score
        share = ndtr(bias + shifted / (1.0 - acceleration * shifted))
        limits.append(_column_quantiles(drawn, share))
    return limits[0], limits[1]


def sup_t_band(estimate: ArrayLike, drawn: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return a simultaneous band over all columns (Montiel Olea and Plagborg-Moller 2019, doi:10.1002/jae.2656).

    The wider, at each time, of two forms of the sup-t band. The quantile form cuts off the same share of draws on
    either side at every time, the largest for which at least `level` of the draws lie inside the band at all times
    together; it follows the draws' skewness and needs no standard error. The standardised form is `interval_limits`
    with the quantile of the largest deviation over all times in place of Student's. Either alone held the true
    curve in 85 to 93 % of simulated data sets, the wider of the two in 90 to 97 %
    (``tests/simulation/test_relief_band_coverage.py``). Widened where needed to contain the estimate.

    Parameters
    ----------
    estimate : array_like, shape (k,)
        The curve of the full data, shares.
    drawn : array_like, shape (draws, k)
    level : float

    Returns
    -------
    low, high : ndarray, shape (k,)
        In [0, 1]. Where every draw is 0, [0, 0]: leave out times before anything was seen.

    Raises
    ------
    InputRefused
        Lengths that do not fit, NaN, infinite values, a level outside (0, 1).
    NotEstimable
        No draws.
    """
    at, drawn = _check_estimate(estimate, drawn)
    level = check_level(level)
    forms = (_quantile_band(drawn, level), _standardised_band(np.clip(drawn, 0.0, 1.0), level))
    low = np.minimum.reduce([low for low, _ in forms])
    high = np.maximum.reduce([high for _, high in forms])
    return np.minimum(low, at), np.maximum(high, at)


def _quantile_band(drawn: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    n = drawn.shape[0]
    ordered = np.sort(drawn, axis=0)
    # How many draws lie at or below, and at or above, each draw: ties count for both, so a flat stretch excludes none.
    depth = np.full(n, n)
    for column, values in zip(ordered.T, drawn.T, strict=True):
        at_or_below = np.searchsorted(column, values, side="right")
        at_or_above = n - np.searchsorted(column, values, side="left")
        np.minimum(depth, np.minimum(at_or_below, at_or_above), out=depth)
    # The deepest cut that still keeps `level` of the draws whole.
    keep = int(np.ceil(level * n - 1e-9))
    cut = min(int(np.sort(depth)[n - keep]), (n + 1) // 2)
    return ordered[cut - 1], ordered[n - cut]


def _standardised_band(share: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Around the mean of the draws on the logit scale; where that gives out (`_is_at_an_end`), as far as draws go."""
    from scipy.special import expit, logit

    middle, spread = share.mean(axis=0), share.std(axis=0, ddof=1)
    low, high = share.min(axis=0), share.max(axis=0)
    moves = (high - low > _ROUNDING) & ~_is_at_an_end(middle, spread)
    if not moves.any():
        return low, high
    largest = np.max(np.abs(share - middle)[:, moves] / spread[moves], axis=1)
    reach = np.quantile(largest, level) * spread[moves] / (middle * (1.0 - middle))[moves]
    low[moves], high[moves] = (expit(logit(middle[moves]) + side * reach) for side in (-1.0, 1.0))
    return low, high


def _check_estimate(estimate: ArrayLike, drawn: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the estimate and the draws as arrays, or refuse draws that do not belong to it."""
    table = _check_drawn(drawn)
    return check_numbers("estimate", estimate, table.shape[1], allow_scalar=True), table


def _check_drawn(drawn: ArrayLike) -> FloatArray:
    """Return the draws, shape (draws, k), or refuse them; positions are those of draws."""
    table = np.asarray(check_array("drawn", drawn), dtype=np.float64)
    if table.ndim != 2 or not table.shape[0]:
        raise NotEstimable("No interval: there are no draws, or they are not a table of draws by times.")
    if not all_finite(table):
        refuse_where(~np.isfinite(table).all(axis=1), "E643", "drawn", "is not a finite number.")
    return table


def _column_quantiles(drawn: FloatArray, share: FloatArray) -> FloatArray:
    """Quantile of each column at its own share, linear between the order statistics."""
    ordered = np.sort(drawn, axis=0)
    place = share * (ordered.shape[0] - 1)
    lower = np.floor(place).astype(np.intp)
    upper = np.minimum(lower + 1, ordered.shape[0] - 1)
    column = np.arange(ordered.shape[1])
    found: FloatArray = ordered[lower, column] + (place - lower) * (ordered[upper, column] - ordered[lower, column])
    return found


def logit_limits(mean: FloatArray, std_err: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Normal limits of shares on the logit scale; a share of 0 or 1 is its own limits. All arrays of one shape."""
    inside = (mean > 0) & (mean < 1)
    low, high = mean.copy(), mean.copy()
    m = mean[inside]
    logit = np.log(m) - np.log1p(-m)
    reach = normal_quantile(level) * std_err[inside] / (m * (1.0 - m))
    low[inside], high[inside] = 1.0 / (1.0 + np.exp(reach - logit)), 1.0 / (1.0 + np.exp(-reach - logit))
    return low, high


def difference_limits(difference: FloatArray, std_err: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    """Normal limits of differences of shares on the scale of the inverse hyperbolic tangent, inside -1 and 1."""
    inside = np.abs(difference) < 1
    low, high = difference.copy(), difference.copy()
    d = difference[inside]
    reach = normal_quantile(level) * std_err[inside] / (1.0 - d**2)
    low[inside], high[inside] = np.tanh(np.arctanh(d) - reach), np.tanh(np.arctanh(d) + reach)
    return low, high
