"""The mean of a number when observations come in clusters, with Student's t interval on the clusters.

The mean is a ratio of cluster totals; its variance is the linearised one (Cochran 1977, Sampling Techniques, 3rd ed.,
section 6.3; ISBN 978-0471162407).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import check_level, check_numbers
from outcomes.estimators.counting import distinct


def clustered_mean(values: ArrayLike, cluster: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean and its interval.

    Parameters
    ----------
    values : array_like, shape (n,)
    cluster : array_like of int, shape (n,)
        Cluster of each value, for example the patient.
    level : float
        Confidence level.

    Returns
    -------
    mean, low, high : float
        Both limits NaN for a single cluster.

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal lengths.
    NotEstimable
        No values.
    """
    from scipy.special import stdtrit

    x = check_numbers("values", values)
    of = check_numbers("cluster", cluster, x.size)
    level = check_level(level)
    if not x.size:
        raise NotEstimable("The mean of nothing cannot be computed: no values were given.")
    place = distinct(of)[1]
    # In one order whatever the clusters are called: a sum in another order differs in its last bits.
    rows = np.lexsort((x, place))
    size, total = np.bincount(place), np.bincount(place[rows], weights=x[rows])
    order = np.lexsort((total, size))
    size, total = size[order], total[order]
    mean = float(total.sum() / x.size)
    k = size.size
    if k == 1:
        return mean, float("nan"), float("nan")
    variance = k / (k - 1.0) * np.sum((total - mean * size) ** 2) / x.size**2
    half = float(stdtrit(k - 1, 0.5 + level / 2.0) * np.sqrt(variance))
    return mean, mean - half, mean + half
