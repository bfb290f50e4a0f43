"""The share with the event by a day, averaged over a group of rows (g-computation).

Each row's covariates are put into the fitted regression, F(day | x) is computed for all of them, and the mean is taken.
The variance is by the delta method from the covariance of the fit (by cluster where the fit was): it says how sure the
regression is for these very rows. With ``sampled=True`` the rows are taken as a sample of those the answer is meant
for, and the variance of their mean is added, by cluster where given; the covariance of the two parts is taken as zero,
which is so when the regression fits. Limits are computed on the logit of a share, and on the inverse hyperbolic tangent
of a difference, so they stay inside (0, 1) and (-1, 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.aft import AftFit
from outcomes.estimators.aft_families import find_family
from outcomes.estimators.aft_rows import IntArray, check_clusters, check_table
from outcomes.estimators.checks import FloatArray, check_level, check_numbers, check_weights, refuse_where
from outcomes.estimators.counting import sum_by
from outcomes.estimators.limits import difference_limits, logit_limits
from outcomes.estimators.row_codes import count_rows


@dataclass(frozen=True, slots=True)
class StandardisedCdf:
    """Mean share with the event by each day.

    Attributes
    ----------
    days, cdf, std_err, lower, upper : ndarray, shape (k,)
    level : float
    sampled : bool
        Whether `std_err` holds the sampling of the rows beside that of the fit.
    """

    days: FloatArray
    cdf: FloatArray
    std_err: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float
    sampled: bool


@dataclass(frozen=True, slots=True)
class StandardisedDifference:
    """Mean share by each day under one setting of the columns, minus that under the other, for the same rows.

    Attributes
    ----------
    days, one, other, difference, std_err, lower, upper : ndarray, shape (k,)
    level : float
    sampled : bool
        Whether `std_err` holds the sampling of the rows beside that of the fit.
    """

    days: FloatArray
    one: FloatArray
    other: FloatArray
    difference: FloatArray
    std_err: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float
    sampled: bool


@dataclass(frozen=True, slots=True)
class _Rows:
    """Distinct rows, shape (m, columns), their weights summing to 1, and which sampled unit brings how much of each."""

    table: FloatArray
    share: FloatArray
    row: IntArray
    weight: FloatArray
    unit: IntArray | None


def standardised_cdf(
    fit: AftFit,
    X: ArrayLike,
    days: ArrayLike,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
    *,
    sampled: bool = False,
) -> StandardisedCdf:
    """Return the mean of F(day | x) over the rows of X.

    Parameters
    ----------
    fit : AftFit
    X : array_like, shape (n, p)
        The same columns, in the same order, as the fit had.
    days : array_like, shape (k,) or a number
        Times, 0 or more, in the unit of the fit.
    weights : array_like, shape (n,), optional
    level : float
    cluster : array_like, shape (n,), optional
        Who each row of X belongs to; implies `sampled`.
    sampled : bool
        Add the sampling of the rows of X to the variance; without, X is taken as fixed.

    Returns
    -------
    StandardisedCdf

    Raises
    ------
    InputRefused
        E675, E678 X is not a table of the fit's columns; E677 a negative day; unaligned, NaN, negative weights.
    NotEstimable
        No rows, no weight, or fewer than two rows (clusters) to sample from.
    """
    share, at = check_level(level), _check_days(days)
    rows = _count(fit, (X,), weights, cluster, sampled)
    each, slopes = _cdf_and_slopes(fit, rows.table, rows.share, at)
    mean = rows.share @ each
    std_err = _std_err(fit, rows, each, slopes, mean)
    lower, upper = logit_limits(mean, std_err, share)
    return StandardisedCdf(at, mean, std_err, lower, upper, share, rows.unit is not None)


def standardised_difference(
    fit: AftFit,
    X_one: ArrayLike,
    X_other: ArrayLike,
    days: ArrayLike,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    cluster: ArrayLike | None = None,
    *,
    sampled: bool = False,
) -> StandardisedDifference:
    """Return the mean of F(day | x) under one setting of the columns minus that under the other.

    Parameters
    ----------
    fit : AftFit
    X_one, X_other : array_like, shape (n, p)
        The same rows in the same order, with the columns to be compared set one way and the other.
    days, weights, level, cluster, sampled
        As in `standardised_cdf`; a sampled row brings both of its settings.

    Returns
    -------
    StandardisedDifference
        A difference of what the regression predicts; an effect only if nothing else differs between the two.

    Raises
    ------
    InputRefused, NotEstimable
        As `standardised_cdf`.
    """
    share, at = check_level(level), _check_days(days)
    rows = _count(fit, (X_one, X_other), weights, cluster, sampled)
    p = fit.coef.size - 1
    each_one, slopes_one = _cdf_and_slopes(fit, rows.table[:, :p], rows.share, at)
    each_other, slopes_other = _cdf_and_slopes(fit, rows.table[:, p:], rows.share, at)
    one, other = rows.share @ each_one, rows.share @ each_other
    std_err = _std_err(fit, rows, each_one - each_other, slopes_one - slopes_other, one - other)
    lower, upper = difference_limits(one - other, std_err, share)
    return StandardisedDifference(at, one, other, one - other, std_err, lower, upper, share, rows.unit is not None)


def _check_days(days: ArrayLike) -> FloatArray:
    at = check_numbers("days", days, allow_scalar=True)
    refuse_where(at < 0, "E677", "days", "is negative.")
    return at


def _count(
    fit: AftFit, tables: tuple[ArrayLike, ...], weights: ArrayLike | None, cluster: ArrayLike | None, sampled: bool
) -> _Rows:
    checked = [check_table(tables[0])]
    n, p = len(checked[0]), fit.coef.size - 1
    checked += [check_table(table, n) for table in tables[1:]]
    for table in checked:
        refuse_where(np.array([table.shape[1] != p]), "E678", "X", f"must have the {p} columns of the fit.")
    w = check_weights(weights, n)
    table = np.concatenate(checked, axis=1)
    row = count_rows([table]) if p else np.zeros(n, dtype=np.intp)
    size = int(row.max()) + 1
    example = np.empty(size, dtype=np.intp)
    example[row] = np.arange(n)
    unit = None
    if cluster is not None:
        unit = check_clusters(cluster, n)
    elif sampled:
        unit = np.arange(n)
    if unit is not None and np.count_nonzero(np.bincount(unit[w > 0])) < 2:
        raise NotEstimable("The sampling of the rows cannot be estimated from fewer than two rows or clusters.")
    weight = w / w.sum()
    return _Rows(table[example], sum_by(row, weight, size), row, weight, unit)


def _cdf_and_slopes(
    fit: AftFit, table: FloatArray, share: FloatArray, days: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return F of each distinct row and day, (m, k), and the slope of its mean in the parameters, (k, q)."""
    family, scale = find_family(fit.family), np.exp(fit.log_scale)
    predictor = fit.coef[0] + table @ fit.coef[1:]
    each, slopes = np.empty((share.size, days.size)), np.zeros((days.size, fit.coef.size + 1))
    for k, day in enumerate(days):
        if day == 0:
            each[:, k] = 0.0
            continue
        z = (np.log(day) - predictor) / scale
        with np.errstate(over="ignore", divide="ignore"):
            each[:, k] = np.exp(family.log_cdf(z))
            density = share * np.exp(family.log_density(z))
        slopes[k, 0] = -density.sum() / scale
        slopes[k, 1:-1] = -(density @ table) / scale
        # Far out, z is huge and the density exactly 0.
        slopes[k, -1] = -(density @ z)
    return each, slopes


def _std_err(fit: AftFit, rows: _Rows, each: FloatArray, slopes: FloatArray, mean: FloatArray) -> FloatArray:
    variance = np.einsum("kq,qr,kr->k", slopes, fit.covariance, slopes)
    if rows.unit is not None:
        size = int(rows.unit.max()) + 1
        for k in range(mean.size):
            off = rows.weight * (each[:, k] - mean[k])[rows.row]
            variance[k] += (sum_by(rows.unit, off, size) ** 2).sum()
    return np.sqrt(variance)
