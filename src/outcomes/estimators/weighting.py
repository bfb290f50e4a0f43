"""Weights that make two groups alike in what is recorded, and how alike they then are.

Those who were treated differ from those who were not. The propensity e(x) is the chance of being treated, from a
logistic model of what was known before; overlap weights give the treated ``1 - e`` and the others ``e`` (Li, Morgan and
Zaslavsky 2018, doi:10.1080/01621459.2016.1260466). They never exceed 1, they speak of the patients who might well have
been treated either way, and with a logistic propensity the weighted means of all its columns are equal, exactly.

What they cannot do is balance what is not recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import (
    LARGEST_SUM,
    FloatArray,
    check_columns,
    check_numbers,
    refuse_where,
    refused,
)
from outcomes.estimators.counting import sum_by
from outcomes.estimators.logistic import IntArray, Logistic, approach, chances, fit_logistic, run_off_column
from outcomes.estimators.orthogonal import Design, build_design, parts_of
from outcomes.estimators.row_codes import code_few_rows

# Rows are counted when at most this share of them is distinct; otherwise counting costs more than it saves.
_WORTH_COUNTING = 0.5


@dataclass(frozen=True, slots=True)
class OverlapWeights:
    """Overlap weights of n rows, and the propensity they come from.

    Attributes
    ----------
    coef, std_err : ndarray, shape (1 + p,)
        Of the logistic propensity, the constant first.
    propensity : ndarray, shape (n,)
        Chance of being treated.
    weights : ndarray, shape (n,)
        ``1 - propensity`` of the treated, ``propensity`` of the others.
    ess_treated, ess_control : float
        Effective sample size of each arm; see `effective_sample_size`.
    """

    coef: FloatArray
    std_err: FloatArray
    propensity: FloatArray
    weights: FloatArray
    ess_treated: float
    ess_control: float


@dataclass(frozen=True, slots=True)
class Balance:
    """Standardised mean differences, treated minus control, of p columns.

    Attributes
    ----------
    before, after : ndarray, shape (p,)
        Without and with the weights.
    """

    before: FloatArray
    after: FloatArray


def overlap_weights(X: ArrayLike, treated: ArrayLike) -> OverlapWeights:
    """Weight two groups so that their recorded columns have equal means.

    Parameters
    ----------
    X : array_like, shape (n, p)
        What was known before the treatment, without a constant column.
    treated : array_like of 0/1, shape (n,)

    Raises
    ------
    InputRefused
        NaN, infinite values, unequal lengths; E741 a column that does not vary; E742 a column that others determine;
        E750 values beyond 1e100;
        E743 codes other than 0 and 1.
    NotEstimable
        No rows, one arm only, a column that tells who was treated (separation), or a fit that did not converge.
    """
    table, arm = check_arms(X, treated)
    _, fit, place = fit_propensity(table, arm)
    chance, other = chances(fit.log_odds[place])
    weights = np.where(arm > 0, other, chance)
    return OverlapWeights(
        fit.coef,
        np.sqrt(np.diagonal(fit.covariance)),
        chance,
        weights,
        effective_sample_size(weights[arm > 0]),
        effective_sample_size(weights[arm == 0]),
    )


def balance(X: ArrayLike, treated: ArrayLike, weights: ArrayLike) -> Balance:
    """Compare the means of the two arms, column by column, before and after weighting.

    Each difference is divided by ``sqrt((var1 + var0) / 2)`` of the unweighted sample variances of the two arms, before
    and after alike, so that a change is one of the means (Austin 2009, doi:10.1002/sim.3697). Below 0.1 is commonly
    taken for small.

    Parameters
    ----------
    X : array_like, shape (n, p)
    treated : array_like of 0/1, shape (n,)
    weights : array_like, shape (n,)
        0 or more.

    Raises
    ------
    InputRefused
        As `overlap_weights`; a negative weight; E744 a column that varies in neither arm.
    NotEstimable
        An arm has fewer than two rows, or no weight.
    """
    table, arm = check_arms(X, treated)
    weight = _check_weights(weights, arm.size)
    groups = [arm > 0, arm == 0]
    if min(int(group.sum()) for group in groups) < 2:
        raise NotEstimable("Balance cannot be judged: an arm has one row only, and so no spread.")
    if min(float(weight[group].sum()) for group in groups) <= 0:
        raise NotEstimable("Balance cannot be judged: an arm has no weight.")
    sides = [_describe_side(table, group, weight) for group in groups]
    (one, one_weighted, one_variance), (none, none_weighted, none_variance) = sides
    spread = np.sqrt((one_variance + none_variance) / 2.0)
    for j in np.flatnonzero(spread <= 1e-12 * _largest(table)):
        raise refused("E744", f"X[:, {j}]", "varies in neither arm: a difference has nothing to be compared with.")
    return Balance((one - none) / spread, (one_weighted - none_weighted) / spread)


def _describe_side(
    table: FloatArray, group: NDArray[np.bool_], weight: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean, weighted mean and variance of the columns of one arm, the means less the table's first row.

    Around one of the rows means lose no digits to a large offset. The table is gone through in parts.
    """
    n, one = int(group.sum()), table[0].copy()
    mean, weighted, squares = np.zeros(one.size), np.zeros(one.size), np.zeros(one.size)
    for part in parts_of(*table.shape):
        own = table[part][group[part]] - one
        mean += own.sum(axis=0) / n
        weighted += weight[part][group[part]] @ own
    for part in parts_of(*table.shape):
        own = table[part][group[part]] - one - mean
        squares += np.einsum("ij,ij->j", own, own)
    return mean, weighted / weight[group].sum(), squares / (n - 1)


def _largest(table: FloatArray) -> FloatArray:
    """Return the largest size of a value in each column of a table, shape (n, p); 0 without rows."""
    return np.maximum(-table.min(axis=0, initial=0.0), table.max(axis=0, initial=0.0))


def effective_sample_size(weights: ArrayLike) -> float:
    """Return ``(sum w)^2 / sum w^2``: how many rows of equal weight would say as much (Kish 1965, ISBN 0471109495).

    Raises
    ------
    InputRefused
        A weight is negative, NaN or infinite.
    NotEstimable
        No rows, or every weight is zero.
    """
    weight = _check_weights(weights)
    if not weight.any():
        raise NotEstimable("Nothing to count: there are no weights above zero.")
    # Divided by the largest, tiny weights survive their squares.
    share = weight / weight.max()
    return float(share.sum() ** 2 / (share @ share))


def _check_weights(weights: ArrayLike, length: int | None = None) -> FloatArray:
    """Return weights of any size, 0 or more: an overlap weight may be as small as a chance can be."""
    array = check_numbers("weights", weights, length)
    refuse_where(array < 0, "E606", "weights", "is negative.")
    return array


def check_arms(X: ArrayLike, treated: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the columns, shape (n, p), and the arms, shape (n,), or refuse them; see `overlap_weights`."""
    arm = check_numbers("treated", treated)
    refuse_where((arm != 0) & (arm != 1), "E743", "treated", "is neither 0 nor 1.")
    table = check_columns("X", X, arm.size).astype(np.float64, copy=False)
    if not arm.size:
        raise NotEstimable("Nothing to estimate from: no rows were given.")
    for j in np.flatnonzero(_largest(table) > LARGEST_SUM):
        raise refused("E750", f"X[:, {j}]", f"is beyond {LARGEST_SUM:g}; its squares would leave the range of numbers.")
    if arm.min() == arm.max():
        raise NotEstimable("The arms cannot be compared: all were treated, or none was.")
    return table, arm


def fit_propensity(
    table: FloatArray, arm: FloatArray, count: FloatArray | None = None
) -> tuple[Design, Logistic, IntArray]:
    """Fit the propensity, or refuse; returns the design, the fit, and the row of the design of each row given.

    `table` (n, p) without a constant, `arm` (n,) of 0 and 1; with `count` (n,) the rows are already counted.
    """
    _refuse_columns(table)
    coded = None
    if count is None and table.shape[1]:
        coded = code_few_rows([table], _WORTH_COUNTING)
    weight = np.ones(arm.size) if count is None else count
    place = np.arange(arm.size)
    if coded is not None:
        table, place = table[coded[0]], coded[1]
        weight = sum_by(place, np.ones(arm.size), coded[0].size)
        yes = sum_by(place, arm, coded[0].size)
    else:
        yes = arm * weight
    design = build_design(table, weight, constants=1, add_constant=True)
    if design.same is not None:
        what = "is determined by the columns before it, or there are more columns than distinct rows."
        raise refused("E742", f"X[:, {design.same - 1}]", what, "Leave it out.")
    # From the chance without columns: the constant, in terms of the basis, saves the first steps.
    start = design.turn[:, 0] * np.log(yes.sum() / (weight.sum() - yes.sum()))
    fit = fit_logistic(design, yes, weight, approach(design, yes, weight, start))
    _refuse_fit(fit, table)
    return design, fit, place


def _refuse_columns(table: FloatArray) -> None:
    for j in np.flatnonzero(np.ptp(table, axis=0) == 0):
        raise refused("E741", f"X[:, {j}]", "has one value only; a constant is in the model already.", "Leave it out.")


def _refuse_fit(fit: Logistic, table: FloatArray) -> None:
    if fit.status == "separated":
        column = run_off_column(fit, np.column_stack([np.ones(table.shape[0]), table])) - 1
        raise NotEstimable(
            f"The arms cannot be compared: X[:, {column}], alone or with other columns, tells for some rows exactly "
            "who was treated (separation): nobody like them is in the other arm. Leave those rows out, or pool the "
            "level."
        )
    if fit.status != "reached":
        raise NotEstimable("The arms cannot be compared: the model of who was treated did not converge.")
