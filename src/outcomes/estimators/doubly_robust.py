r"""The difference of two arms by two models at once, of which one has to be right.

``e(x)`` is the chance of being treated, by logistic regression; ``m1(x)`` and ``m0(x)`` are linear means of the
outcome in each arm. Each row is predicted under both treatments, and the residual of the treatment it had, divided by
the chance of it, mends what the predictions miss (Robins, Rotnitzky and Zhao 1994,
doi:10.1080/01621459.1994.10476818; Bang and Robins 2005, doi:10.1111/j.1541-0420.2005.00377.x)::

    mean treated = mean of  m1 + A (y - m1) / e
    mean control = mean of  m0 + (1 - A) (y - m0) / (1 - e)

The difference is of the whole population: had all been treated, against had none been. It is right when either model
is. A large weight is not cut; see ``largest_weight``.

The standard error is that of all the estimating equations together, the three models' and the two means', by the
sandwich (Lunceford and Davidian 2004, doi:10.1002/sim.1903; Stefanski and Boos 2002, doi:10.1198/000313002753631330),
summed by cluster, times G / (G - 1). It therefore holds when one of the models is wrong; the shorter formula, which
takes the models as known, holds only when both are right. Limits are Student's with G - 1 degrees of freedom.

What the caller must guarantee: what decides about the treatment and bears on the outcome is among the columns; clusters
are independent of each other and many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import NotEstimable
from outcomes.estimators.aft_rows import check_clusters
from outcomes.estimators.checks import FloatArray, check_level
from outcomes.estimators.linear import check_outcome, solve_least_squares, sum_products, t_quantile, two_sided
from outcomes.estimators.logistic import chances
from outcomes.estimators.orthogonal import Design, build_design
from outcomes.estimators.weighting import check_arms, effective_sample_size, fit_propensity

# Standard errors below this share of the outcome are rounding.
_EXACT = 1e-13


@dataclass(frozen=True, slots=True)
class AugmentedDifference:
    """Means of an outcome had all been treated, had none been, and their difference.

    Attributes
    ----------
    difference, std_err, low, high : float
        Treated minus control, in the unit of the outcome.
    p_value : float
        Two-sided, of no difference.
    mean_treated, mean_control, std_err_treated, std_err_control : float
    level : float
    clusters : int or None
        None where each row was its own.
    n_treated, n_control : int
    smallest_propensity, largest_propensity : float
        Near 0 or 1 the difference rests on few rows.
    largest_weight : float
        The largest share that one row has in the sum of the weights ``1 / e`` or ``1 / (1 - e)`` of its arm.
    ess_treated, ess_control : float
        Effective sample size of these weights.
    """

    difference: float
    std_err: float
    low: float
    high: float
    p_value: float
    mean_treated: float
    mean_control: float
    std_err_treated: float
    std_err_control: float
    level: float
    clusters: int | None
    n_treated: int
    n_control: int
    smallest_propensity: float
    largest_propensity: float
    largest_weight: float
    ess_treated: float
    ess_control: float


def augmented_difference(
    X: ArrayLike, treated: ArrayLike, outcome: ArrayLike, cluster: ArrayLike | None = None, level: float = 0.95
) -> AugmentedDifference:
    """Estimate the mean outcome under both treatments, and the difference, by augmented inverse-probability weights.

    Parameters
    ----------
    X : array_like, shape (n, p)
        What was known before the treatment, without a constant column; both models have all of it.
    treated : array_like of 0/1, shape (n,)
    outcome : array_like, shape (n,)
        Measured for every row.
    cluster : array_like, shape (n,), optional
        Who each row belongs to, as numbers or text.
    level : float
        Confidence level.

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal lengths; E741 a column that does not vary; E742 a column that others determine;
        E743 codes other than 0 and 1; E750 columns and E763 outcomes beyond 1e100; E679 unusable cluster labels.
    NotEstimable
        No rows, one arm only, a column that tells who was treated (separation), a fit that did not converge, an arm in
        which the columns are too alike or too many for its rows, an outcome without spread, or one cluster only.
    """
    table, arm = check_arms(X, treated)
    y = check_outcome("outcome", outcome, arm.size)
    member = np.arange(arm.size) if cluster is None else check_clusters(cluster, arm.size)
    level, G = check_level(level), int(member.max()) + 1
    if G < 2:
        raise NotEstimable("All rows belong to one cluster: a variance by cluster needs at least two, and many.")
    if y.min() == y.max():
        raise NotEstimable("The arms cannot be compared: the outcome has one value only.")
    design, fit, place = fit_propensity(table, arm)
    chance, other = chances(fit.log_odds[place])
    z = design.basis[place]
    one = _mean_under(z, arm, chance, other, y, "treated")
    none = _mean_under(z, 1.0 - arm, other, chance, y, "others")
    influence = np.column_stack([one.influence, none.influence, one.influence - none.influence])
    variance = G / (G - 1.0) * np.diagonal(sum_products(influence, member))
    std_err, difference = np.sqrt(variance), one.mean - none.mean
    if std_err[2] <= _EXACT * np.abs(y).max():
        raise NotEstimable("The columns give every outcome exactly: there is no error to be estimated.")
    reach = t_quantile(level, G - 1) * float(std_err[2])
    return AugmentedDifference(
        difference=difference,
        std_err=float(std_err[2]),
        low=difference - reach,
        high=difference + reach,
        p_value=float(two_sided(np.array([difference]), std_err[2:], G - 1)[0]),
        mean_treated=one.mean,
        mean_control=none.mean,
        std_err_treated=float(std_err[0]),
        std_err_control=float(std_err[1]),
        level=level,
        clusters=None if cluster is None else G,
        n_treated=int(arm.sum()),
        n_control=int(arm.size - arm.sum()),
        smallest_propensity=float(chance.min()),
        largest_propensity=float(chance.max()),
        largest_weight=max(one.largest_weight, none.largest_weight),
        ess_treated=one.ess,
        ess_control=none.ess,
    )


@dataclass(frozen=True, slots=True)
class _Mean:
    """The mean outcome under one treatment, and the influence of each row on it, shape (n,)."""

    mean: float
    influence: FloatArray
    largest_weight: float
    ess: float


def _mean_under(
    z: FloatArray, inside: FloatArray, chance: FloatArray, other: FloatArray, y: FloatArray, whom: str
) -> _Mean:
    """Estimate the mean had all had one treatment.

    `z` (n, q) spans the columns and the constant; `inside` tells who had the treatment, `chance` and `other` are the
    chances of having it and of not having it.
    """
    rows = inside > 0
    middle = float(y[rows].mean())
    fit = solve_least_squares(_turn_arm(z[rows], whom), y[rows] - middle)
    predicted = middle + z @ fit.coef
    weight, residual = inside / chance, np.zeros(y.size)
    residual[rows] = fit.residual
    value = predicted + weight * residual
    # How the mean moves with the coefficients of its two models; the scores then say how each row moves those.
    by_outcome = (1.0 - weight) @ z
    by_chance = -(weight * other * residual) @ z
    information = z.T @ (z * (chance * other)[:, None])
    influence = value - value.mean() + (inside - chance) * (z @ np.linalg.solve(information, by_chance))
    influence[rows] += fit.residual * (fit.pull @ by_outcome)
    share = float(weight.max() / weight.sum())
    return _Mean(float(value.mean()), influence / y.size, share, effective_sample_size(weight[rows]))


def _turn_arm(z: FloatArray, whom: str) -> Design:
    """Return the columns of the rows of one arm, made orthogonal, or refuse columns that cannot be told apart there."""
    k, q = z.shape
    if k <= q:
        raise NotEstimable(
            f"The outcome of the {whom} cannot be modelled: {k} rows are too few for {q} coefficients. "
            "Leave columns out."
        )
    design = build_design(z, np.ones(k))
    if design.same is not None:
        raise NotEstimable(
            f"The outcome of the {whom} cannot be modelled: among them X[:, {design.same - 1}] does not vary, or the "
            "columns before it determine it. Leave it out."
        )
    return design
