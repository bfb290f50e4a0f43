"""Ratings as ordered steps: the odds of a higher one, alike at every step (proportional odds).

A mean of pain takes a fall from 8 to 6 for as much as one from 4 to 2. The cumulative logit model (McCullagh 1980,
doi:10.1111/j.2517-6161.1980.tb01109.x) asks no more of the ratings than their order. It is fitted by `statsmodels`
(`OrderedModel`); the variance is its sandwich, summed by patient.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.aft import normal_quantile
from outcomes.estimators.aft_rows import IntArray, check_clusters, check_table
from outcomes.estimators.checks import FloatArray, check_level, check_numbers

_GRADIENT = 1e-7
_MOST_STEPS = 1000
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
        One value only, fewer than two clusters, or no maximum: the columns tell the values apart, or determine each
        other.
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
    fit, thresholds = _maximise(codes, (table - middle) / spread, member)
    p = table.shape[1]
    coef, std_err = fit.params[:p] / spread, np.asarray(fit.bse[:p]) / spread
    reach = normal_quantile(share) * std_err
    at_zero: FloatArray = thresholds + float(middle @ coef)
    return OrderedOdds(
        coef=coef,
        std_err=std_err,
        lower=coef - reach,
        upper=coef + reach,
        thresholds=at_zero,
        levels=levels,
        loglik=float(fit.llf),
        level=share,
        n=values.size,
        clusters=int(np.unique(member).size),
    )


def _maximise(codes: IntArray, X: FloatArray, member: IntArray) -> tuple[Any, FloatArray]:
    """The fit at its maximum, and its thresholds; first by steps that are safe from afar, then by Newton's."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    model = OrderedModel(codes, X, distr="logit")
    by_patient = {"cov_type": "cluster", "cov_kwds": {"groups": member}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is asked of the result below
        try:
            near = model.fit(method="bfgs", disp=0, maxiter=_MOST_STEPS)
            fit = model.fit(method="newton", start_params=near.params, disp=0, maxiter=_MOST_STEPS, **by_patient)
        except np.linalg.LinAlgError as flat:
            raise NotEstimable(_NO_MAXIMUM) from flat
    errors = np.asarray(fit.bse)
    slope = float(np.abs(model.score(fit.params)).max()) / codes.size
    if not (slope < _GRADIENT and np.isfinite(errors).all() and (errors > 0).all()):
        raise NotEstimable(_NO_MAXIMUM)
    thresholds: FloatArray = np.asarray(model.transform_threshold_params(fit.params))[1:-1]
    return fit, thresholds
