"""Baseline hazard and predicted risk of a fitted Cox regression.

The cumulative baseline hazard steps by ``events / at_risk`` (Breslow 1974, doi:10.2307/2529620), with Efron's
denominators where the fit took ties so, and risk is ``1 - exp(-hazard(t) exp(x b))``. The variance of the hazard has
two parts: that of the steps, which takes events as independent, and that of the coefficients, by cluster where the fit
was (Tsiatis 1981, doi:10.1214/aos/1176345335). Limits are log-log ones. All this is R's ``survfit(coxph, newdata)``.

Rows that entered late say nothing of the time before anybody was at risk; there the risk is 0, by convention.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import (
    FloatArray,
    check_days,
    check_level,
    check_numbers,
    normal_quantile,
    open_mask,
    refuse_where,
    refused,
)
from outcomes.estimators.cox.design import cumulative
from outcomes.estimators.cox.fit import Cox
from outcomes.estimators.cox.likelihood import evaluate, slope_steps
from outcomes.estimators.cox.moments import sum_by_slot
from outcomes.estimators.cox.rows import check_covariates
from outcomes.estimators.curves.kaplan_meier import log_log_limits

_BLOCK = 1 << 13
_FAR = 300.0


@dataclass(frozen=True, slots=True)
class BaselineHazard:
    """A cumulative hazard as a step function, one entry an event time of a stratum, stratum after stratum.

    Attributes
    ----------
    time, cumulative : ndarray, shape (K,)
        Event times, ascending within a stratum, and the hazard accumulated up to and at each.
    stratum : ndarray of int, shape (K,)
        Place of the stratum among `strata`.
    strata : tuple
        Labels as in the fit.
    reference : ndarray, shape (p,)
        The covariates the hazard is for.
    """

    time: FloatArray
    cumulative: FloatArray
    stratum: NDArray[np.intp]
    strata: tuple[Any, ...]
    reference: FloatArray


@dataclass(frozen=True, slots=True)
class PredictedRisk:
    """Risk of the event by each time for each row of covariates.

    Attributes
    ----------
    at : ndarray, shape (k,)
    risk, std_err, conf_low, conf_high : ndarray, shape (n, k)
        Standard errors and point-wise log-log limits are for these covariates, taken as fixed. Before the first event
        all are 0; after the last observation of the stratum all are NaN.
    level : float
    """

    at: FloatArray
    risk: FloatArray
    std_err: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    level: float


@dataclass(frozen=True, slots=True)
class CenteredHazard:
    """Cumulative hazard at the centre of the columns for s strata at k times, and what its variance needs.

    hazard, variance : ndarray, shape (s, k)
        The second is that of the steps alone.
    slope : ndarray, shape (s, k, p)
        Minus the derivative of the hazard in the coefficients.
    """

    hazard: FloatArray
    variance: FloatArray
    slope: FloatArray


def baseline_hazard(fit: Cox, x: ArrayLike | None = None) -> BaselineHazard:
    """Return the cumulative baseline hazard of each stratum.

    Parameters
    ----------
    fit : Cox
    x : array_like, shape (p,), optional
        Covariates to give it for; all 0 without, as R's ``basehaz(fit, centered = FALSE)``.

    Raises
    ------
    InputRefused
        `x` has not one number a column of the fit (E603), or is not made of finite numbers.
    NotEstimable
        The hazard there leaves the range of numbers, as at 0 for a column that lies far from it.
    """
    p = fit.coef.size
    reference = np.zeros(p) if x is None else check_numbers("x", x, p, allow_scalar=True)
    slots = fit.model.design.slots
    upto = cumulative(evaluate(fit.model, fit.coef).sums.A)
    sizes = np.diff(slots.first, append=slots.time.size)
    steps = upto[1:] - np.repeat(upto[slots.first], sizes)
    far = float((reference - fit.model.covariates.center) @ fit.coef)
    if abs(far) > _FAR:
        raise NotEstimable("The hazard cannot be given so far from the columns of the fit: give a nearer x.")
    ratio = np.exp(far)
    return BaselineHazard(slots.time, steps * ratio, slots.stratum, fit.strata, reference)


def predict_risk(
    fit: Cox, X: ArrayLike, at: ArrayLike, stratum: object = None, level: float | None = None
) -> PredictedRisk:
    """Return the risk of the event by given times.

    Parameters
    ----------
    fit : Cox
    X : array_like, shape (n, p)
        The same columns, in the same order, as the fit had.
    at : array_like, shape (k,) or a number
        Times, 0 or more, in the unit of the fit.
    stratum : label or array_like of labels, shape (n,), optional
        Whose baseline hazard to use: one label for all rows, or one a row. Needed where the fit has strata.
    level : float, optional
        Confidence level; that of the fit without.

    Returns
    -------
    PredictedRisk
        For rows of repeated events (fitted by cluster) this is ``1 - exp(-expected number of events)``, which is a risk
        only if a subject's events are independent of each other; the standard error of the steps assumes it, too.

    Raises
    ------
    InputRefused
        X not a table of the fit's columns; negative or unusable times; E709 `stratum` missing, unknown, or not needed.
    """
    share = fit.level if level is None else check_level(level)
    days = check_days("at", at)
    table = check_covariates(X, columns=fit.coef.size)
    place = check_stratum(fit, stratum, len(table))
    base, where = read_hazard(fit, days, place)
    ratio, spread = np.empty(len(table)), np.empty((len(table), days.size))
    covariance = fit_covariance(fit)
    for start in range(0, len(table), _BLOCK):
        part = slice(start, start + _BLOCK)
        x, s = table[part] - fit.model.covariates.center, where[part]
        ratio[part] = hazard_ratio(fit, table[part])
        for k in range(days.size):
            slope = x * base.hazard[s, k, None] - base.slope[s, k]
            variance = base.variance[s, k] + np.einsum("ip,pq,iq->i", slope, covariance, slope)
            spread[part, k] = np.sqrt(variance) * ratio[part]
    return _with_limits(days, base.hazard[where] * ratio[:, None], spread, share)


def _with_limits(days: FloatArray, hazard: FloatArray, spread: FloatArray, level: float) -> PredictedRisk:
    survival = np.exp(-hazard)
    low, high = log_log_limits(survival, spread, normal_quantile(level))
    none_yet = hazard == 0
    conf_low, conf_high = (np.where(none_yet, 0.0, 1.0 - limit) for limit in (high, low))
    return PredictedRisk(days, -np.expm1(-hazard), survival * spread, conf_low, conf_high, level)


def hazard_ratio(fit: Cox, X: NDArray[Any]) -> FloatArray:
    """Return ``exp(x b)`` of rows X, shape (..., p), against the centre."""
    # So far out every risk is 0 or 1, and the squares stay within the range of doubles.
    return np.exp(np.clip((X - fit.model.covariates.center) @ fit.coef, -_FAR, _FAR))


def fit_covariance(fit: Cox) -> FloatArray:
    """Return the covariance of the coefficients: by cluster where the fit was."""
    return fit.covariance if fit.robust_covariance is None else fit.robust_covariance


def check_stratum(fit: Cox, stratum: object, length: int) -> NDArray[np.intp]:
    """Return the place among the fit's strata of each row, shape (length,), or refuse (E709)."""
    if stratum is None:
        if len(fit.strata) > 1:
            raise refused("E709", "stratum", "is missing: the fit has strata, each with a hazard of its own.")
        return np.zeros(length, dtype=np.intp)
    if fit.strata == (None,):
        raise refused("E709", "stratum", "is given, but the fit has no strata.")
    number = {label: i for i, label in enumerate(fit.strata)}
    given = np.asarray(open_mask(stratum), dtype=object)
    one = given.ndim == 0
    labels: list[Hashable] = list(given.ravel())
    if not one and len(labels) != length:
        raise refused("E603", "stratum", f"has {len(labels)} labels; one, or one for each of {length} rows is needed.")
    place = np.array([number.get(label, -1) for label in labels], dtype=np.intp)
    refuse_where(place < 0, "E709", "stratum", "is none of the fit's strata.")
    return np.broadcast_to(place, (length,)) if one else place


def read_hazard(fit: Cox, days: FloatArray, place: NDArray[np.intp]) -> tuple[CenteredHazard, NDArray[np.intp]]:
    """Return the hazard of the strata that are asked for, and which of these each row's is."""
    model, design, slots = fit.model, fit.model.design, fit.model.design.slots
    state = evaluate(model, fit.coef)
    at_risk, dying = sum_by_slot(design, model.covariates, design.rows.weight * state.hazard)
    slope = cumulative(slope_steps(design, at_risk, dying, state.sums))
    steps = cumulative(np.column_stack([state.sums.A, state.sums.P / state.sums.S**2]))
    used, where = np.unique(place, return_inverse=True)
    hazard, variance = np.zeros((used.size, days.size)), np.zeros((used.size, days.size))
    slopes = np.zeros((used.size, days.size, fit.coef.size))
    begins = np.searchsorted(slots.stratum, used)
    ends = np.searchsorted(slots.stratum, used, "right")
    for i, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        reached = begin + np.searchsorted(slots.time[begin:end], days, "right")
        hazard[i], variance[i] = (steps[reached] - steps[begin]).T
        slopes[i] = slope[reached] - slope[begin]
        hazard[i, days > fit.watched[used[i]]] = np.nan
    return CenteredHazard(hazard, variance, slopes), where.reshape(-1)
