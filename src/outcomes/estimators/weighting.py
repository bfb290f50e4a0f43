"""Weights that make two groups alike in what is recorded, and how alike they then are.

Those who were treated differ from those who were not. The propensity e(x) is the chance of being treated, from a
logistic model of what was known before; overlap weights give the treated ``1 - e`` and the others ``e`` (Li, Morgan and
Zaslavsky 2018, doi:10.1080/01621459.2016.1260466). They never exceed 1, they speak of the patients who might well have
been treated either way, and with a logistic propensity the weighted means of all its columns are equal, exactly.

What they cannot do is balance what is not recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.checks import (
    LARGEST_SUM,
    FloatArray,
    check_columns,
    check_numbers,
    refuse_where,
    refused,
)
from outcomes.estimators.counting import sum_by
from outcomes.estimators.logistic import Flags, IntArray, Logistic, approach, chances, fit_logistic, run_off_column
from outcomes.estimators.orthogonal import Design, build_design, find_ends, find_fixed, parts_of
from outcomes.estimators.row_codes import code_few_rows

# Rows are counted when at most this share of them is distinct; otherwise counting costs more than it saves.
_WORTH_COUNTING = 0.5


class Rows(Protocol):
    """A table of numbers, shape (n, p), of which some rows at a time are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    def __getitem__(self, rows: slice, /) -> FloatArray:
        """Some of the rows, all their columns."""


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
    fixed : ndarray of bool, shape (p,)
        Columns with one value in each arm: 0 where it is the same one, infinite where it tells the arms apart.
    """

    before: FloatArray
    after: FloatArray
    fixed: Flags


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
    found = compare_means(table, arm, _check_weights(weights, arm.size))
    for j in np.flatnonzero(found.fixed):
        raise _no_spread(int(j))
    return found


def compare_means(table: Rows, arm: FloatArray, weight: FloatArray) -> Balance:
    """Do as `balance` with what needs no checking, and without refusing columns that have one value in each arm.

    Parameters
    ----------
    table : Rows, shape (n, p)
        Gone through twice, in parts: rows put together when they are asked for never fill a table.
    arm : ndarray of 0 and 1, shape (n,)
    weight : ndarray, shape (n,)
    """
    groups = [np.flatnonzero(arm > 0), np.flatnonzero(arm == 0)]
    if min(group.size for group in groups) < 2:
        raise NotEstimable("Balance cannot be judged: an arm has one row only, and so no spread.")
    if min(float(weight[group].sum()) for group in groups) <= 0:
        raise NotEstimable("Balance cannot be judged: an arm has no weight.")
    one, none = _describe_sides(table, groups, weight)
    spread = np.sqrt((one.variance + none.variance) / 2.0)
    fixed = (one.low == one.high) & (none.low == none.high)
    largest = np.maximum(_size_of(one.low, one.high), _size_of(none.low, none.high))
    for j in np.flatnonzero(~fixed & (spread <= 1e-12 * largest)):
        raise _no_spread(int(j))
    # Columns that have the same value in all rows do not differ; those with one in each arm tell the arms apart.
    apart = np.where(fixed & (one.low != none.low), np.inf, 0.0)
    spread[fixed] = 1.0
    before, after = (one.mean - none.mean) / spread, (one.weighted - none.weighted) / spread
    return Balance(np.where(fixed, apart, before), np.where(fixed, apart, after), fixed)


def _no_spread(j: int) -> InputRefused:
    return refused("E744", f"X[:, {j}]", "varies in neither arm: a difference has nothing to be compared with.")


@dataclass(slots=True)
class _Side:
    """Columns of one arm, each of shape (p,); the means are less the table's first row."""

    mean: FloatArray
    weighted: FloatArray
    variance: FloatArray
    low: FloatArray
    high: FloatArray


def _describe_sides(table: Rows, groups: list[IntArray], weight: FloatArray) -> list[_Side]:
    """Describe the columns of some groups of rows, each given by the numbers of its rows, in their order.

    Around one of the rows means lose no digits to a large offset.
    """
    n, p = table.shape
    first = table[:1][0].copy()
    sides = [_Side(np.zeros(p), np.zeros(p), np.zeros(p), np.full(p, np.inf), np.full(p, -np.inf)) for _ in groups]
    parts = [(part, [_between(group, part) for group in groups]) for part in parts_of(n, p)]
    for part, members in parts:
        rows = table[part]
        for side, group, own in zip(sides, groups, members, strict=True):
            chosen = rows.take(own - part.start, axis=0)
            np.minimum(side.low, chosen.min(axis=0, initial=np.inf), out=side.low)
            np.maximum(side.high, chosen.max(axis=0, initial=-np.inf), out=side.high)
            chosen -= first
            side.mean += chosen.sum(axis=0) / group.size
            side.weighted += weight[own] @ chosen
    for part, members in parts:
        rows = table[part]
        for side, own in zip(sides, members, strict=True):
            chosen = rows.take(own - part.start, axis=0)
            chosen -= first
            chosen -= side.mean
            side.variance += np.einsum("ij,ij->j", chosen, chosen)
    for side, group in zip(sides, groups, strict=True):
        side.weighted /= weight[group].sum()
        side.variance /= group.size - 1
    return sides


def _between(group: IntArray, part: slice) -> IntArray:
    """Return those of some numbers, in their order, that lie in a part."""
    begin, end = np.searchsorted(group, [part.start, part.stop])
    return group[begin:end]


def _size_of(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the largest size of a value between ends, shape (p,); 0 where there are no rows."""
    return np.maximum(-np.minimum(low, 0.0), np.maximum(high, 0.0))


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
    for j in np.flatnonzero(_size_of(*find_ends(table)) > LARGEST_SUM):
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
    for j in np.flatnonzero(find_fixed(*find_ends(table))):
        raise refused(
            "E741",
            f"X[:, {j}]",
            "has one value only, to 12 digits; a constant is in the model already.",
            "Leave it out.",
        )


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
