r"""A share where only some were looked at: inverse-probability weighting, with an interval summed by patient.

Each episode that was looked at counts ``1 / p``, with p its chance of being looked at from a logistic model of what was
known before (Seaman and White 2013, doi:10.1177/0962280210395740)::

    share = sum_i m_i y_i / p_i  /  sum_i m_i / p_i

The chances are estimated too. With psi_i = m_i (y_i - share) / p_i, the scores s_i = x_i (m_i - p_i) and the
information I of the logistic model, the influence of episode i is (Lunceford and Davidian 2004, doi:10.1002/sim.1903)::

    u_i = psi_i + D' I^-1 s_i,   D = - sum_i m_i (1 - p_i) / p_i (y_i - share) x_i

The variance is the sum of squares of the patients' totals of u, times k / (k - 1), over (sum m / p)^2; the interval is
symmetric on the logit scale, so that it stays between 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import (
    FloatArray,
    check_columns,
    check_level,
    check_numbers,
    normal_quantile,
    refuse_where,
)
from outcomes.estimators.counting import distinct
from outcomes.estimators.logistic import chances, fit_logistic
from outcomes.estimators.orthogonal import build_design

EVENTS_PER_TERM = 10
"""Fewer of the rarer of measured and missing for each column of the model, and it is not fitted."""
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class WeightedShare:
    """A weighted share.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
        Limits NaN where the share is 0 or 1, or with a single cluster.
    effective_n : float
        ``(sum w)^2 / sum w^2`` of those looked at.
    largest_weight : float
        ``1 / p`` at its largest.
    n, n_measured : int
    """

    estimate: float
    conf_low: float
    conf_high: float
    effective_n: float
    largest_weight: float
    n: int
    n_measured: int


def weighted_share(
    response: ArrayLike, measured: ArrayLike, columns: ArrayLike, cluster: ArrayLike, level: float = 0.95
) -> WeightedShare:
    """Estimate a share over all from those looked at.

    Parameters
    ----------
    response : array_like of 0/1, shape (n,)
        What was seen; ignored where not measured.
    measured : array_like of 0/1, shape (n,)
    columns : array_like, shape (n, p)
        Columns of the logistic model of `measured`, its constant included; known for all.
    cluster : array_like of int, shape (n,)
    level : float
        Confidence level.

    Raises
    ------
    InputRefused
        NaN, infinite values, codes other than 0 and 1, unequal lengths.
    NotEstimable
        Nobody or everybody measured, too few for the columns, columns that say the same, separation, or a fit that did
        not converge.
    """
    y = check_numbers("response", response)
    m = check_numbers("measured", measured, y.size)
    refuse_where((y != 0) & (y != 1), "E610", "response", "is neither 0 nor 1.")
    refuse_where((m != 0) & (m != 1), "E610", "measured", "is neither 0 nor 1.")
    x = check_columns("columns", columns, y.size).astype(np.float64, copy=False)
    of = distinct(check_numbers("cluster", cluster, y.size))[1]
    level = check_level(level)
    p = fit_chance(m, x)
    weight = m / p
    share = float(weight @ y / weight.sum())
    psi = weight * (y - share)
    slope = -x.T @ (psi * (1.0 - p))
    information = x.T @ (x * (p * (1.0 - p))[:, None])
    influence = psi + (x * (m - p)[:, None]) @ np.linalg.solve(information, slope)
    totals = np.bincount(of, weights=influence)
    k = totals.size
    spread = float(np.sqrt(k / (k - 1.0) * (totals @ totals))) / weight.sum() if k > 1 else float("nan")
    low, high = _logit_limits(share, spread, level)
    effective = float(weight.sum() ** 2 / (weight @ weight))
    return WeightedShare(share, low, high, effective, float(weight.max()), y.size, int(m.sum()))


def fit_chance(measured: FloatArray, columns: FloatArray) -> FloatArray:
    """Chance of being measured, shape (n,), by logistic regression; refuses what has no finite answer."""
    rarer, p = int(min(measured.sum(), (1 - measured).sum())), columns.shape[1]
    if p == 0:
        raise NotEstimable("Weights cannot be estimated: the model has no column, not even its constant.")
    if rarer == 0:
        raise NotEstimable("Weights cannot be estimated: all were measured, or none was.")
    if rarer < EVENTS_PER_TERM * p:
        raise NotEstimable(
            f"Weights cannot be estimated: fewer than {EVENTS_PER_TERM} measured, or not measured, for each of the "
            f"{p} columns of the model."
        )
    design = build_design(columns, np.ones(measured.size))
    if design.same is not None:
        raise NotEstimable("Weights cannot be estimated: two columns of the model say the same.")
    fit = fit_logistic(design, measured, np.ones(measured.size))
    if fit.status == "separated":
        raise NotEstimable("Weights cannot be estimated: a column tells exactly who was measured (separation).")
    if fit.status != "reached":
        raise NotEstimable("Weights cannot be estimated: the model of who was measured did not converge.")
    chance = chances(fit.log_odds)[0]
    if chance.min() < _EDGE or chance.max() > 1.0 - _EDGE:
        raise NotEstimable("Weights cannot be estimated: some were certain to be measured, or not to be (separation).")
    return chance


def _logit_limits(share: float, spread: float, level: float) -> tuple[float, float]:
    if not 0.0 < share < 1.0 or not spread > 0.0:
        return float("nan"), float("nan")
    centre = np.log(share / (1.0 - share))
    half = normal_quantile(level) * spread / (share * (1.0 - share))
    return float(1.0 / (1.0 + np.exp(half - centre))), float(1.0 / (1.0 + np.exp(-half - centre)))
