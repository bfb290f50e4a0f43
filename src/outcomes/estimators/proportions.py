"""Shares and their intervals by the score method; Wald intervals are not available.

Wilson 1927, doi:10.1080/01621459.1927.10502953, for one share. Newcombe 1998, method 10 ("hybrid score"),
doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, for the difference of two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_level, check_numbers, normal_quantile, refuse_where


def wilson(events: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Return the score interval of a share.

    Parameters
    ----------
    events, n : array_like, shape (k,) or a number
        How many had it, out of how many; real numbers are allowed (effective sizes).
    level : float
        Confidence level.

    Returns
    -------
    low, high : ndarray, shape (k,)

    Raises
    ------
    InputRefused
        Negative counts, more events than `n`, NaN, unequal lengths.
    NotEstimable
        `n` is 0 somewhere.
    """
    x, size = _check_counts(events, n)
    z = normal_quantile(check_level(level))
    share = x / size
    centre = (share + z * z / (2.0 * size)) / (1.0 + z * z / size)
    half = z / (1.0 + z * z / size) * np.sqrt(share * (1.0 - share) / size + z * z / (4.0 * size * size))
    # At 0 and at n of n the formula gives exactly the edge, up to rounding; say the edge.
    low = np.where(x == 0, 0.0, np.clip(centre - half, 0.0, 1.0))
    high = np.where(x == size, 1.0, np.clip(centre + half, 0.0, 1.0))
    return low, high


def wilson_clustered(events: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """Return a share and its score interval when the observations come in clusters, for example visits of a patient.

    The interval is Wilson's with the number of observations divided by the design effect: the variance of the share
    as a ratio of cluster totals, over the variance it would have were all observations independent. A design effect
    below 1 is taken as 1. Compared with other intervals by Dean and Pagano 2015, doi:10.1093/jssam/smv024.

    Parameters
    ----------
    events, n : array_like, shape (clusters,)
        How many had it, out of how many, in each cluster; clusters with n = 0 are ignored.
    level : float
        Confidence level.

    Returns
    -------
    share, low, high : float
        Both limits NaN for a single cluster, whose spread cannot be known.
    """
    x, size = check_numbers("events", events), check_numbers("n", n)
    used = size > 0
    if not used.any():
        raise NotEstimable("A share of nothing cannot be estimated: n is 0.")
    x, size = _check_counts(x[used], size[used])
    share, low, high, _ = wilson_of_clusters(x, size, float(size.sum()), level)
    return share, low, high


def wilson_of_clusters(
    events: FloatArray, size: FloatArray, most: float, level: float
) -> tuple[float, float, float, float]:
    """Return a share, Wilson's limits on the effective number of independent observations, and that number.

    It is ``p (1 - p)`` over the linearised variance of a ratio of cluster totals; where all or none have it there is no
    spread to measure, and each cluster counts once.

    Parameters
    ----------
    events, size : ndarray, shape (clusters,)
        Sums over each cluster, weighted or not; sizes above 0.
    most : float
        What the effective number cannot pass.
    level : float

    Returns
    -------
    share, low, high, effective : float
        All but the share NaN for a single cluster.
    """
    # In one order whatever the clusters are called: a sum in another order differs in its last bits.
    order = np.lexsort((events, size))
    x, n = events[order], size[order]
    total, k = float(n.sum()), n.size
    share = min(1.0, float(x.sum() / total))  # a sum of parts passes 1 by rounding
    if k == 1:
        return share, float("nan"), float("nan"), float("nan")
    alone = share * (1.0 - share)
    together = k / (k - 1.0) * float(np.sum((x - share * n) ** 2)) / total**2
    independent = float(k) if alone == 0 else alone / together if together > 0 else most
    effective = min(most, independent)
    low, high = wilson(share * effective, effective, level)
    return share, float(low[0]), float(high[0]), effective


def newcombe(
    events: ArrayLike, n: ArrayLike, events_before: ArrayLike, n_before: ArrayLike, level: float = 0.95
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the difference of two independent shares and its hybrid score interval.

    Parameters
    ----------
    events, n : array_like, shape (k,) or a number
        The first share.
    events_before, n_before : array_like, shape (k,) or a number
        The share subtracted from it.
    level : float
        Confidence level.

    Returns
    -------
    difference, low, high : ndarray, shape (k,)
        ``events / n - events_before / n_before``.

    Raises
    ------
    InputRefused, NotEstimable
        As `wilson`.
    """
    x, size = _check_counts(events, n)
    x0, size0 = _check_counts(events_before, n_before)
    refuse_where(np.array([x.size != x0.size]), "E623", "events_before", "must be aligned with events.")
    low, high = wilson(x, size, level)
    low0, high0 = wilson(x0, size0, level)
    p, p0 = x / size, x0 / size0
    difference = p - p0
    return (
        difference,
        difference - np.sqrt((p - low) ** 2 + (high0 - p0) ** 2),
        difference + np.sqrt((high - p) ** 2 + (p0 - low0) ** 2),
    )


def _check_counts(events: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x = check_numbers("events", events, allow_scalar=True)
    size = check_numbers("n", n, x.size, allow_scalar=True)
    refuse_where(x < 0, "E621", "events", "is negative.")
    refuse_where(x > size, "E622", "events", "is more than n.")
    if not size.size or not size.all():
        raise NotEstimable("A share of nothing cannot be estimated: n is 0.")
    return x, size
