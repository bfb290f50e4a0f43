"""Sums over the covariates of rows: what score and information are made of.

Covariates of few different values are summed by counting pairs of codes (`coded`), others by a walk over the rows
(`walk`). Either way columns are taken from their mean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.counting import sum_by
from outcomes.estimators.cox.coded import Codes
from outcomes.estimators.cox.design import Design, Sums, from_the_end
from outcomes.estimators.cox.walk import Squares, Stretch, Walked, build_walk, walk, widened


@dataclass(frozen=True, slots=True)
class Covariates:
    """The covariates of the patterns.

    Attributes
    ----------
    X : Codes or Walked
        Codes are taken from the mean already.
    center, spread : ndarray, shape (p,)
        Mean and standard deviation of each column over the patterns by weight.
    """

    X: Codes | Walked
    center: FloatArray
    spread: FloatArray


def build_covariates(design: Design) -> Covariates:
    """Measure mean and spread of the columns."""
    X, weight = design.rows.X, design.rows.weight
    total = weight.sum()
    if isinstance(X, Codes):
        of_one, of_other = sum_by(X.first, weight, len(X.one)), sum_by(X.second, weight, len(X.other))
        center = (of_one @ X.one + of_other @ X.other) / total
        one, other = np.where(X.columns, X.one - center, 0.0), np.where(X.columns, 0.0, X.other - center)
        variance = of_one @ one**2 + of_other @ other**2
        return Covariates(replace(X, one=one, other=other), center, np.sqrt(variance / total))
    near, variance = X[0].astype(np.float64), np.zeros(X.shape[1])
    center = near + sum(weight[part] @ block for part, block in widened(X, near)) / total
    for part, block in widened(X, center):
        np.square(block, out=block)
        variance += weight[part] @ block
    return Covariates(build_walk(design, X, center), center, np.sqrt(variance / total))


def predictor(covariates: Covariates, coef: FloatArray) -> FloatArray:
    """Return ``(x - center) coef`` of every pattern, shape (m,)."""
    X = covariates.X
    if isinstance(X, Codes):
        out: FloatArray = (X.one @ coef).take(X.first)
        out += (X.other @ coef).take(X.second)
        return out
    out = np.empty(len(X.X))
    for part, block in widened(X.X, X.center):
        np.dot(block, coef, out=out[part])
    return out


def centered(covariates: Covariates, chosen: NDArray[np.intp]) -> FloatArray:
    """Return the chosen patterns, one row each, taken from the mean."""
    X = covariates.X
    if isinstance(X, Codes):
        out: FloatArray = X.one.take(X.first.take(chosen), axis=0)
        out += X.other.take(X.second.take(chosen), axis=0)
        return out
    return X.X.take(chosen, axis=0) - X.center


def weigh(covariates: Covariates, weight: FloatArray) -> FloatArray:
    """Return ``X'weight``, shape (p,), of weights of shape (m,)."""
    X = covariates.X
    if isinstance(X, Codes):
        of_one, of_other = sum_by(X.first, weight, len(X.one)), sum_by(X.second, weight, len(X.other))
        return of_one @ X.one + of_other @ X.other
    total = np.zeros(covariates.center.size)
    for part, block in widened(X.X, X.center):
        total += weight[part] @ block
    return total


def sum_squares(
    design: Design, covariates: Covariates, risk: FloatArray, curve: FloatArray, sums: Sums
) -> tuple[FloatArray, FloatArray]:
    """Return ``X'curve``, and ``X' diag(curve) X`` less what the means of each slot's risk set take off.

    Parameters
    ----------
    design : Design
    covariates : Covariates
    risk : ndarray, shape (m,)
        Weight times relative hazard: what a pattern brings to a sum over rows at risk.
    curve : ndarray, shape (m,)
        What a pattern has gone through, times its weight.
    sums : Sums

    Returns
    -------
    first : ndarray, shape (p,)
    second : ndarray, shape (p, p)
    """
    X = covariates.X
    if isinstance(X, Codes):
        whole = slice(0, design.slots.time.size)
        first, second = _squares_of_codes(X, curve)
        return first, second - _between(design, Stretch(whole, whole, *_sum_codes(design, X, risk)), sums)
    p = X.center.size
    squares, taken = Squares(curve, np.zeros(p), np.zeros((p, p))), np.zeros((p, p))
    for stretch in walk(design, X, risk, squares):
        taken += _between(design, stretch, sums)
    return squares.first, squares.second - taken


def sum_by_slot(design: Design, covariates: Covariates, risk: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the sums over the rows at risk at each slot (K, p), and over the tied events (t, p)."""
    X = covariates.X
    if isinstance(X, Codes):
        return _sum_codes(design, X, risk)
    at_risk = np.empty((design.slots.time.size, X.center.size))
    dying = np.empty((design.tied.size, X.center.size))
    for stretch in walk(design, X, risk):
        at_risk[stretch.slots], dying[stretch.tied] = stretch.at_risk, stretch.dying
    return at_risk, dying


def _between(design: Design, stretch: Stretch, sums: Sums) -> FloatArray:
    part = stretch.slots
    s = stretch.at_risk / sums.S[part, None]
    total: FloatArray = (s * sums.P[part, None]).T @ s
    tied = design.tied[stretch.tied]
    if tied.size:
        s, t = s[tied - part.start], stretch.dying / sums.S[tied, None]
        mixed = (s * sums.Q[tied, None]).T @ t
        total += (t * sums.R[tied, None]).T @ t - mixed - mixed.T
    return total


def _squares_of_codes(X: Codes, curve: FloatArray) -> tuple[FloatArray, FloatArray]:
    pairs = _count_pairs(X.first, X.second, curve, len(X.one), len(X.other))
    mixed = X.one.T @ (pairs @ X.other)
    of_one, of_other = pairs.sum(axis=1), pairs.sum(axis=0)
    second = (X.one * of_one[:, None]).T @ X.one + (X.other * of_other[:, None]).T @ X.other + mixed + mixed.T
    return of_one @ X.one + of_other @ X.other, second


def _sum_codes(design: Design, X: Codes, risk: FloatArray) -> tuple[FloatArray, FloatArray]:
    size, p = design.slots.time.size, X.one.shape[1]
    change, dying = np.zeros((size, p)), np.zeros((design.tied.size, p))
    begins = design.rows.begins
    for code, table in ((X.first, X.one), (X.second, X.other)):
        if not table.any():
            continue
        left = (_count_pairs(design.leave, code, risk, 2 * size, len(table)) @ table).reshape(size, 2, p)
        dying += left[design.tied, 1]
        change += left.sum(axis=1)
        if begins is not None:
            came = _count_pairs(design.rows.lo[begins] - 1, code[begins], risk[begins], size, len(table))
            change -= came @ table
    return from_the_end(change, design.slots.first), dying


def _count_pairs(one: NDArray[Any], other: NDArray[Any], weight: FloatArray, rows: int, columns: int) -> FloatArray:
    """Sum the weights by pairs of codes, shape (rows, columns)."""
    pair = one.astype(np.intp)
    pair *= columns
    pair += other
    return sum_by(pair, weight, rows * columns).reshape(rows, columns)
