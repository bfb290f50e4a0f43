r"""Direct standardisation by post-stratification: a group's rows weighted to the mix of a larger pool.

With strata s, N_s of N rows in the pool and n_s of n in the group, a row of the group in stratum s weighs::

    w = (N_s / N) / (n_s / n)

so that weighted shares of strata are those of the pool, and ``sum w y / sum w`` is ``sum_s (N_s / N) p_s``, the
directly standardised share (Fleiss, Levin and Paik 2003, doi:10.1002/0471445428, chapter 19).

Strata come as levels, coarse to fine, for example severity, duration, region. A stratum with fewer rows of the group
than `least` loses its finest level and is joined with the others of the same coarser levels that lost it; what is still
too thin loses the next level, and so on. What is left at the end is joined with the largest stratum (of several as
large, the first by its codes). So every stratum holds `least` rows of the group, no weight is made by a handful of
rows, and each row keeps all levels it can keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import (
    FloatArray,
    check_counts,
    check_level,
    check_numbers,
    check_weights,
    check_whole,
    normal_quantile,
    refuse_where,
    refused,
)
from outcomes.estimators.counting import distinct
from outcomes.estimators.proportions import wilson_of_clusters

IntArray = NDArray[np.intp]
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class WeightedShare:
    """A weighted share and its score interval.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
        Limits NaN for a single cluster, whose spread cannot be known.
    effective_n : float
        Independent rows that would know as much; NaN for a single cluster.
    """

    estimate: float
    conf_low: float
    conf_high: float
    effective_n: float


def build_strata(levels: Sequence[ArrayLike], in_group: ArrayLike, least: int) -> IntArray:
    """Sort the rows of a pool into strata that hold enough rows of a group.

    Parameters
    ----------
    levels : sequence of array_like of int, each shape (n,)
        Codes, 0 or more, from the level that is kept longest to the one that is dropped first.
    in_group : array_like of bool, shape (n,)
        Which rows of the pool are the group; all of them to make strata of the pool alone.
    least : int
        Rows of the group that a stratum needs.

    Returns
    -------
    ndarray of int, shape (n,)
        Number of the stratum of each row. Every stratum has `least` rows of the group, unless the group has fewer
        altogether: then there is one stratum.

    Raises
    ------
    InputRefused
        E831 no levels; codes that are negative (E832); unequal lengths.
    NotEstimable
        Nobody is in the group.
    """
    if not len(levels):
        raise refused("E831", "levels", "is empty.", "Give one code a row for each level.")
    member = check_counts("in_group", in_group).astype(bool)
    codes = [check_counts(f"levels[{i}]", level, member.size).astype(np.intp) for i, level in enumerate(levels)]
    for i, code in enumerate(codes):
        refuse_where(code < 0, "E832", f"levels[{i}]", "is negative.")
    least = check_whole("least", least, "E833", 1)
    if not member.any():
        raise NotEstimable("Strata cannot be formed: the group has no rows.")
    stratum, made = np.full(member.size, -1, dtype=np.intp), 0
    for depth in range(len(codes), 0, -1):
        open_rows = np.flatnonzero(stratum < 0)
        if not open_rows.size:
            break
        place, size = _combine([code[open_rows] for code in codes[:depth]])
        enough = np.bincount(place[member[open_rows]], minlength=size) >= least
        number = np.where(enough, made + np.cumsum(enough) - 1, -1)
        stratum[open_rows] = number[place]
        made += int(enough.sum())
    return _close(stratum, member, least)


def _combine(codes: Sequence[IntArray]) -> tuple[IntArray, int]:
    """Number the combinations of some codes, in the order of the codes."""
    place = np.zeros(codes[0].size, dtype=np.intp)
    size = 1
    for code in codes:
        values, place = distinct(place * (int(code.max()) + 1) + code)
        size = values.size
    return place, size


def _close(stratum: IntArray, member: NDArray[np.bool_], least: int) -> IntArray:
    """Give the rows left over a stratum of their own, or that of the largest where they are too few."""
    left = stratum < 0
    if not left.any():
        return stratum
    sizes = np.bincount(stratum[member & ~left])
    if not sizes.size:
        return np.zeros_like(stratum)
    own = (member & left).sum() >= least
    return np.where(left, sizes.size if own else int(np.argmax(sizes)), stratum)


def post_weights(stratum: ArrayLike, in_group: ArrayLike) -> FloatArray:
    """Return the weights that give a group the strata of the pool.

    Parameters
    ----------
    stratum : array_like of int, shape (n,)
        As `build_strata` returns them: every stratum of the pool has rows of the group.
    in_group : array_like of bool, shape (n,)

    Returns
    -------
    ndarray, shape (rows of the group,)
        Weights with mean 1.

    Raises
    ------
    NotEstimable
        A stratum of the pool has no row of the group.
    """
    of = distinct(check_numbers("stratum", stratum))[1]
    member = check_counts("in_group", in_group, of.size).astype(bool)
    pool, group = np.bincount(of), np.bincount(of[member], minlength=int(of.max(initial=-1)) + 1)
    if not group.size or not group.all():
        raise NotEstimable("The group cannot be weighted to the pool: a stratum of the pool has no row of the group.")
    weight: FloatArray = (pool / pool.sum() / (group / group.sum()))[of[member]]
    return weight


def expect(outcome: ArrayLike, stratum: ArrayLike) -> FloatArray:
    """Return what is expected of each row: the mean outcome of its stratum, shape (n,) (indirect standardisation).

    Observed and expected sums are the same over all rows together.
    """
    y = check_numbers("outcome", outcome)
    of = distinct(check_numbers("stratum", stratum, y.size))[1]
    # In one order whatever that of the rows: a sum in another order differs in its last bits.
    order = np.lexsort((y, of))
    mean = np.bincount(of[order], weights=y[order]) / np.bincount(of)
    expected: FloatArray = mean[of]
    return expected


def weighted_wilson(event: ArrayLike, weights: ArrayLike, cluster: ArrayLike, level: float = 0.95) -> WeightedShare:
    """Return a weighted share and Wilson's interval on the effective number of independent rows.

    The variance of ``p = sum w y / sum w`` is the linearised one over clusters (Cochran 1977, Sampling Techniques, 3rd
    ed., section 6.3; ISBN 978-0471162407), ``k / (k - 1) sum_c (sum_c w (y - p))^2 / (sum w)^2``; the effective number
    is ``p (1 - p)`` over it, and never above Kish's ``(sum w)^2 / sum w^2``. With weights of 1 it is
    `proportions.wilson_clustered`. Weights are taken as given: where they make strata those of a pool, the true spread
    is a little smaller.

    Parameters
    ----------
    event : array_like of 0/1, shape (n,)
    weights : array_like, shape (n,)
    cluster : array_like of int, shape (n,)
        For example the patient.
    level : float
        Confidence level.

    Raises
    ------
    InputRefused
        Codes other than 0 and 1 (E610), bad weights, unequal lengths.
    NotEstimable
        No rows, or every weight is zero.
    """
    y = check_numbers("event", event)
    refuse_where((y != 0) & (y != 1), "E610", "event", "is neither 0 nor 1.")
    w = check_weights(weights, y.size)
    of = distinct(check_numbers("cluster", cluster, y.size))[1]
    level = check_level(level)
    size, hits = _sum_sorted(of, w), _sum_sorted(of, w * y)
    kish = float(np.sort(size).sum()) ** 2 / float(np.sort(w**2).sum())
    return WeightedShare(*wilson_of_clusters(hits, size, kish, level))


def _sum_sorted(of: IntArray, values: FloatArray) -> FloatArray:
    order = np.lexsort((values, of))
    return np.asarray(np.bincount(of[order], weights=values[order]), dtype=np.float64)


def kish_effect(weights: ArrayLike) -> float:
    """Return how many times weights enlarge a variance: ``n sum w^2 / (sum w)^2`` (Kish 1965, Survey Sampling)."""
    w = check_weights(weights, np.size(weights))
    w = np.sort(w[w > 0])
    return float(w.size * (w @ w) / w.sum() ** 2)


def move_limits(estimate: float, low: float, high: float, moved: float, effect: float) -> tuple[float, float]:
    """Return the limits of a share that was weighted anew, from those it had before.

    On the logit scale the distances to the limits are those of the share before, times ``sqrt(effect)``. What weights
    cost is taken from Kish's formula, so that curves need no draws of their own.

    Parameters
    ----------
    estimate, low, high : float
        The share before, and its limits; NaN for limits that are not known.
    moved : float
        The share after.
    effect : float
        `kish_effect` of the weights.

    Returns
    -------
    low, high : float
        NaN where a limit is not known, or a share is 0 or 1.
    """
    from scipy.special import expit, logit

    if not (0.0 < estimate < 1.0 and 0.0 < moved < 1.0):
        return float("nan"), float("nan")
    root = np.sqrt(effect)
    down, up = logit(estimate) - logit(low), logit(high) - logit(estimate)
    return float(expit(logit(moved) - root * down)), float(expit(logit(moved) + root * up))


def effective_number(estimate: float, low: float, high: float, level: float = 0.95) -> float:
    """Return how many independent rows would give a share limits as far apart, on the logit scale.

    ``1 / (p (1 - p) s^2)`` with s the distance of the limits' logits over twice the normal quantile; NaN where a limit
    is not known, or the share or a limit is 0 or 1.
    """
    from scipy.special import logit

    z = normal_quantile(check_level(level))
    if not (0.0 < estimate < 1.0 and 0.0 < low < high < 1.0):
        return float("nan")
    spread = float(logit(high) - logit(low)) / (2.0 * z)
    return 1.0 / (estimate * (1.0 - estimate) * spread**2)


def hybrid_difference(
    estimate: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    before: ArrayLike,
    low_before: ArrayLike,
    high_before: ArrayLike,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the difference of two independent estimates and its interval, from the limits of each.

    The method of variance estimates recovery (Zou and Donner 2008, doi:10.1002/sim.3095)::

        low = d - sqrt((e - l)^2 + (u0 - e0)^2),   high = d + sqrt((u - e)^2 + (e0 - l0)^2)

    With Wilson's limits of two shares it is Newcombe's interval (`proportions.newcombe`).

    Parameters
    ----------
    estimate, low, high : array_like, shape (k,) or a number
    before, low_before, high_before : array_like, shape (k,) or a number
        What is subtracted.

    Returns
    -------
    difference, low, high : ndarray, shape (k,)

    Raises
    ------
    InputRefused
        E834 limits that do not lie around their estimate, by more than rounding; NaN, unequal lengths.
    """
    e = check_numbers("estimate", estimate, allow_scalar=True)
    names = ("low", "high", "before", "low_before", "high_before")
    given = (low, high, before, low_before, high_before)
    a, b, e0, a0, b0 = (check_numbers(n, v, e.size, allow_scalar=True) for n, v in zip(names, given, strict=True))
    # Limits and estimate are sums of the same parts in another order, and differ by rounding where they are the same.
    below, above, below0, above0 = e - a, b - e, e0 - a0, b0 - e0
    refuse_where(np.minimum(below, above) < -_ROUNDING, "E834", "low and high", "do not lie around the estimate.")
    what = "do not lie around what is subtracted."
    refuse_where(np.minimum(below0, above0) < -_ROUNDING, "E834", "low_before and high_before", what)
    d = e - e0
    return d, d - np.hypot(below, above0), d + np.hypot(above, below0)
