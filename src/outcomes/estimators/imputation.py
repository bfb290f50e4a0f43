r"""One answer from several imputed data sets, by Rubin's rules.

With estimates Q_j and variances U_j of m imputed sets::

    Q = mean Q_j,   U = mean U_j,   B = sum (Q_j - Q)^2 / (m - 1),   T = U + (1 + 1/m) B

(Rubin 1987, Multiple Imputation for Nonresponse in Surveys, section 3.1). The share of T that is due to what is missing
is ``lambda = (1 + 1/m) B / T``; limits are Student's with the degrees of freedom of Barnard and Rubin 1999
(doi:10.1093/biomet/86.4.948), which never exceed those of complete data::

    old = (m - 1) / lambda^2,   seen = (nu + 1) / (nu + 3) * nu (1 - lambda),   df = 1 / (1/old + 1/seen)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, check_columns, check_level, check_whole, refuse_where

_LARGEST_DF = 1e12


@dataclass(frozen=True, slots=True)
class Combined:
    """k estimates combined from m imputed sets; arrays of shape (k,).

    Attributes
    ----------
    estimate, std_err, low, high : ndarray
    df : ndarray
        Degrees of freedom of the limits.
    within, between : ndarray
        U and B.
    missing_share : ndarray
        lambda, the share of the variance that is due to what is missing.
    m : int
    """

    estimate: FloatArray
    std_err: FloatArray
    low: FloatArray
    high: FloatArray
    df: FloatArray
    within: FloatArray
    between: FloatArray
    missing_share: FloatArray
    m: int


def combine_imputations(estimate: ArrayLike, variance: ArrayLike, df_complete: int, level: float = 0.95) -> Combined:
    """Combine the answers of m imputed sets.

    Parameters
    ----------
    estimate, variance : array_like, shape (m, k)
        Of each set; variances above 0.
    df_complete : int
        Degrees of freedom of the analysis of one set.
    level : float

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal shapes; E871 a variance that is not above 0; E872 degrees of freedom below 1.
    NotEstimable
        Fewer than two sets.
    """
    from scipy.special import stdtrit

    Q = check_columns("estimate", estimate).astype(np.float64, copy=False)
    U = check_columns("variance", variance, Q.shape[0], Q.shape[1]).astype(np.float64, copy=False)
    refuse_where((U <= 0).any(axis=1), "E871", "variance", "has an entry that is not above 0.")
    nu, level, m = check_whole("df_complete", df_complete, "E872", 1), check_level(level), Q.shape[0]
    if m < 2:
        raise NotEstimable("One imputed set does not tell what the missing values leave open: two or more are needed.")
    mean, within, between = Q.mean(axis=0), U.mean(axis=0), Q.var(axis=0, ddof=1)
    total = within + (1.0 + 1.0 / m) * between
    share = (1.0 + 1.0 / m) * between / total
    old = np.minimum((m - 1.0) / np.maximum(share, np.finfo(float).tiny ** 0.25) ** 2, _LARGEST_DF)
    seen = (nu + 1.0) / (nu + 3.0) * nu * (1.0 - share)
    df = 1.0 / (1.0 / old + 1.0 / seen)
    std_err = np.sqrt(total)
    reach = stdtrit(df, 0.5 + level / 2.0) * std_err
    return Combined(mean, std_err, mean - reach, mean + reach, df, within, between, share, m)
