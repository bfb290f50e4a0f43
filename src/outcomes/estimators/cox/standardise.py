"""The risk by a day, averaged over a group of rows (g-computation), from a fitted Cox regression.

Each row's covariates are put into the fit, its risk by the day is computed, and the mean is taken. The variance is by
the delta method from the covariance of the coefficients (by cluster where the fit was) and from the steps of the
baseline hazard. It is conditional on the rows of X: it says how sure the fit is for these very rows, not for
others like them; X is no sample here. Limits are computed on the logit of a risk, and on the inverse hyperbolic tangent
of a difference, so they stay inside (0, 1) and (-1, 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.estimators.checks import FloatArray, check_days, check_level, check_weights
from outcomes.estimators.counting import sum_by
from outcomes.estimators.cox.fit import Cox
from outcomes.estimators.cox.hazard import CenteredHazard, check_stratum, fit_covariance, hazard_ratio, read_hazard
from outcomes.estimators.cox.rows import check_covariates
from outcomes.estimators.limits import difference_limits, logit_limits

_BLOCK = 1 << 13


@dataclass(frozen=True, slots=True)
class StandardisedRisk:
    """Mean risk by each time over the rows given.

    Attributes
    ----------
    at, risk, std_err, conf_low, conf_high : ndarray, shape (k,)
        Conditional on the rows. NaN after the last observation of a stratum that a row is of.
    level : float
    """

    at: FloatArray
    risk: FloatArray
    std_err: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    level: float


@dataclass(frozen=True, slots=True)
class RiskDifference:
    """Mean risk by each time under one setting of the columns, minus that under the other, for the same rows.

    Attributes
    ----------
    at, risk_one, risk_other, difference, std_err, conf_low, conf_high : ndarray, shape (k,)
        Conditional on the rows. NaN after the last observation of a stratum that a row is of.
    level : float
    """

    at: FloatArray
    risk_one: FloatArray
    risk_other: FloatArray
    difference: FloatArray
    std_err: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    level: float


@dataclass(frozen=True, slots=True)
class _Mean:
    """Mean risk, (k,), and its slopes in the coefficients, (k, p), and in the hazard of each stratum, (s, k)."""

    risk: FloatArray
    in_coef: FloatArray
    in_hazard: FloatArray


def standardised_risk(
    fit: Cox,
    X: ArrayLike,
    at: ArrayLike,
    weights: ArrayLike | None = None,
    stratum: object = None,
    level: float | None = None,
) -> StandardisedRisk:
    """Return the mean of the predicted risk over the rows of X.

    Parameters
    ----------
    fit : Cox
    X : array_like, shape (n, p)
        The same columns, in the same order, as the fit had.
    at : array_like, shape (k,) or a number
        Times, 0 or more, in the unit of the fit.
    weights : array_like, shape (n,), optional
        What each row counts in the mean.
    stratum, level
        As in `predict_risk`.

    Raises
    ------
    InputRefused
        As `predict_risk`; negative weights, unequal lengths.
    NotEstimable
        No rows, or no weight.
    """
    share = fit.level if level is None else check_level(level)
    days = check_days("at", at)
    table = check_covariates(X, columns=fit.coef.size)
    weight = check_weights(weights, len(table))
    base, where = read_hazard(fit, days, check_stratum(fit, stratum, len(table)))
    mean = _average(fit, base, where, table, weight / weight.sum())
    std_err = _std_err(fit, base, mean.in_coef, mean.in_hazard)
    low, high = logit_limits(mean.risk, std_err, share)
    return StandardisedRisk(days, mean.risk, std_err, low, high, share)


def standardised_risk_difference(
    fit: Cox,
    X_one: ArrayLike,
    X_other: ArrayLike,
    at: ArrayLike,
    weights: ArrayLike | None = None,
    stratum: object = None,
    level: float | None = None,
) -> RiskDifference:
    """Return the mean risk under one setting of the columns minus that under the other.

    Parameters
    ----------
    fit : Cox
    X_one, X_other : array_like, shape (n, p)
        The same rows in the same order, with the columns to be compared set one way and the other.
    at, weights, stratum, level
        As in `standardised_risk`.

    Returns
    -------
    RiskDifference
        A difference of what the regression predicts; an effect only if nothing else differs between the two.

    Raises
    ------
    InputRefused, NotEstimable
        As `standardised_risk`.
    """
    share = fit.level if level is None else check_level(level)
    days = check_days("at", at)
    one = check_covariates(X_one, columns=fit.coef.size)
    other = check_covariates(X_other, len(one), fit.coef.size)
    weight = check_weights(weights, len(one))
    base, where = read_hazard(fit, days, check_stratum(fit, stratum, len(one)))
    first, second = (_average(fit, base, where, table, weight / weight.sum()) for table in (one, other))
    difference = first.risk - second.risk
    std_err = _std_err(fit, base, first.in_coef - second.in_coef, first.in_hazard - second.in_hazard)
    low, high = difference_limits(difference, std_err, share)
    return RiskDifference(days, first.risk, second.risk, difference, std_err, low, high, share)


def _average(fit: Cox, base: CenteredHazard, where: NDArray[np.intp], table: NDArray[Any], weight: FloatArray) -> _Mean:
    strata, times = base.hazard.shape
    mean = _Mean(np.zeros(times), np.zeros((times, fit.coef.size)), np.zeros((strata, times)))
    for start in range(0, len(table), _BLOCK):
        part = slice(start, start + _BLOCK)
        x, s = table[part] - fit.model.covariates.center, where[part]
        ratio = hazard_ratio(fit, table[part])
        hazard = base.hazard[s] * ratio[:, None]
        steep = np.exp(-hazard) * (weight[part] * ratio)[:, None]
        mean.risk[:] += weight[part] @ -np.expm1(-hazard)
        mean.in_coef[:] += (steep * base.hazard[s]).T @ x
        for k in range(times):
            mean.in_hazard[:, k] += sum_by(s, steep[:, k], strata)
    mean.in_coef[:] -= np.einsum("sk,skp->kp", mean.in_hazard, base.slope)
    return mean


def _std_err(fit: Cox, base: CenteredHazard, in_coef: FloatArray, in_hazard: FloatArray) -> FloatArray:
    from_coef = np.einsum("kp,pq,kq->k", in_coef, fit_covariance(fit), in_coef)
    return np.sqrt(from_coef + (in_hazard**2 * base.variance).sum(axis=0))
