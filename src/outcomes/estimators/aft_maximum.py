"""The maximum of an accelerated failure time likelihood, or the reason why there is none.

The parameters are ``gamma = coef / scale`` and ``tau = 1 / scale``, for columns of mean 0 and variance 1 and times
whose logarithm has mean 0 and variance 1. In these the log-likelihood is concave (see `aft_families`), so Newton's
method with step halving finds the maximum from any start.

There is no maximum if and only if the likelihood can rise for ever along one direction: every interval widens in z or
stays, every exact time stays (Silvapulle and Burridge 1986, J. R. Statist. Soc. B 48:100-106; for binary outcomes
Silvapulle 1981, ibid. 43:310-313). Whether there is such a direction is a linear programme; the sparsest one names the
columns at fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.aft_families import Ends, Family, Terms, compute_terms
from outcomes.estimators.checks import FloatArray

GRADIENT = 1e-9
_STEP = 1e-8
_MAX_ITERATIONS = 100
_MAX_HALVINGS = 60
# A flat likelihood with a step still this long is going somewhere far away.
_RUNNING = 1e-3
_SUSPECT_AT = 25
_LEAST_TAU = 1e-7
_CONSTANT = 1e-12
_COLLINEAR = 1e-11
_SINGULAR = 1e-13
# Entries of a direction or a null vector that are rounding.
_NAMED = 1e-6


@dataclass(frozen=True, slots=True)
class Design:
    """Distinct rows with their weights, standardised.

    Attributes
    ----------
    W : ndarray, shape (m, p + 1)
        A column of ones, then the columns with mean 0 and variance 1.
    ends : Ends
        Ends of each row as centred, scaled logarithms of time.
    weight : ndarray, shape (m,)
    center, spread : ndarray, shape (p,)
        What was taken from each column, and what it was divided by.
    y_center, y_spread : float
        The same of the logarithm of time.
    """

    W: FloatArray
    ends: Ends
    weight: FloatArray
    center: FloatArray
    spread: FloatArray
    y_center: float
    y_spread: float


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the log-likelihood is largest.

    Attributes
    ----------
    theta : ndarray, shape (p + 2,)
        ``gamma`` and ``tau`` of the standardised design.
    terms : Terms
        What each row says there.
    information : ndarray, shape (p + 2, p + 2)
        Minus the Hessian of the weighted log-likelihood.
    iterations : int
    gradient : float
        Largest absolute derivative in the standardised coefficients and the log scale, over the total weight.
    """

    theta: FloatArray
    terms: Terms
    information: FloatArray
    iterations: int
    gradient: float


def build_design(
    X: FloatArray, left: FloatArray, right: FloatArray, weight: FloatArray, names: Sequence[str]
) -> Design:
    """Standardise distinct rows, or refuse columns that cannot be told apart.

    Parameters
    ----------
    X : ndarray, shape (m, p)
    left, right : ndarray, shape (m,)
        Interval ends, not both open.
    weight : ndarray, shape (m,)
        Above 0.
    names : sequence of str, length p
        How a message calls each column.

    Raises
    ------
    NotEstimable
        A column is constant, or columns are collinear.
    """
    total = weight.sum()
    center = weight @ X / total
    Z = X - center
    spread = np.sqrt(weight @ Z**2 / total)
    constant = np.ptp(X, axis=0) <= _CONSTANT * np.abs(X).max(axis=0)
    if constant.any():
        raise NotEstimable(
            f"Constant in every row that says something, so without a coefficient: {_listed(constant, names)}."
        )
    Z /= spread
    values, vectors = np.linalg.eigh((Z * weight[:, None]).T @ Z / total)
    if values.size and values[0] < _COLLINEAR:
        involved = np.abs(vectors[:, values < _COLLINEAR]).max(axis=1) > _NAMED
        raise NotEstimable(
            f"Collinear, so their coefficients cannot be told apart: {_listed(involved, names)}. Leave one of them out."
        )
    ends, y_center, y_spread = _scale_times(left, right, weight)
    return Design(np.column_stack([np.ones(weight.size), Z]), ends, weight, center, spread, y_center, y_spread)


def _scale_times(left: FloatArray, right: FloatArray, weight: FloatArray) -> tuple[Ends, float, float]:
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.log(left), np.log(right)
        # The ratio keeps the digits that the difference of two logarithms of neighbours loses.
        width = np.where((left > 0) & np.isfinite(right), np.log1p((right - left) / left), np.inf)
    middle = np.where(np.isfinite(width), (low + high) / 2, np.where(left > 0, low, high))
    center = float(np.average(middle, weights=weight))
    spread = float(np.sqrt(np.average((middle - center) ** 2, weights=weight)))
    if spread <= _CONSTANT * max(1.0, abs(center)):
        spread = 1.0
    return Ends((low - center) / spread, (high - center) / spread, width / spread), center, spread


def derivatives(family: Family, design: Design, theta: FloatArray) -> tuple[float, FloatArray, FloatArray, Terms]:
    """Return the weighted log-likelihood, its gradient and Hessian at ``theta``, and the terms of each row."""
    W, w = design.W, design.weight
    terms = compute_terms(family, design.ends, float(theta[-1]), -(W @ theta[:-1]))
    gradient = np.append(-(W.T @ (w * terms.d_a)), w @ terms.d_tau)
    hessian = np.empty((theta.size, theta.size))
    hessian[:-1, :-1] = (W * (w * terms.d_aa)[:, None]).T @ W
    hessian[-1, :-1] = hessian[:-1, -1] = -(W.T @ (w * terms.d_atau))
    hessian[-1, -1] = w @ terms.d_tautau
    return float(w @ terms.value), gradient, hessian, terms


def maximise(family: Family, design: Design, names: Sequence[str]) -> Maximum:
    """Find the maximum.

    Raises
    ------
    NotEstimable
        A coefficient or the scale runs to infinity, the scale runs to zero, or Newton's method did not converge.
    """
    try:
        return _newton(family, design, names)
    except NotEstimable:
        # A maximum that does not exist is the better reason for not having found it.
        refuse_separation(design, names)
        raise


def _newton(family: Family, design: Design, names: Sequence[str]) -> Maximum:
    theta = np.append(np.zeros(design.W.shape[1]), 1.0)
    value, gradient, hessian, terms = derivatives(family, design, theta)
    asked = False
    for iteration in range(1, _MAX_ITERATIONS + 1):
        step = _newton_step(gradient, hessian)
        length, flat = _step_length(step, theta, design), _gradient_size(gradient, theta, design)
        last = flat < GRADIENT and length < _STEP
        if not asked and (iteration == _SUSPECT_AT or (flat < GRADIENT and length > _RUNNING)):
            asked = True
            refuse_separation(design, names)
        theta, value, gradient, hessian, terms = _line_search(family, design, theta, step, value)
        if last:
            return _certified(theta, gradient, hessian, terms, iteration, design)
        if theta[-1] < _LEAST_TAU:
            raise NotEstimable(
                "The scale runs to infinity: the share with the event does not rise with time in these rows."
            )
    raise NotEstimable(f"The regression did not converge in {_MAX_ITERATIONS} steps.")


def _certified(
    theta: FloatArray, gradient: FloatArray, hessian: FloatArray, terms: Terms, iterations: int, design: Design
) -> Maximum:
    size = _gradient_size(gradient, theta, design)
    curvature = np.linalg.eigvalsh(-hessian)
    if not (size < GRADIENT and curvature[0] > _SINGULAR * curvature[-1]):
        raise NotEstimable(
            f"The regression did not converge: gradient {size:.1e} of the weight, smallest curvature "
            f"{curvature[0] / curvature[-1]:.1e} of the largest."
        )
    return Maximum(theta, terms, -hessian, iterations, size)


def _newton_step(gradient: FloatArray, hessian: FloatArray) -> FloatArray:
    """Solve for the step; a direction without curvature is walked along its gradient, not to infinity."""
    values, vectors = np.linalg.eigh(-hessian)
    if not values[-1] > 0:
        raise NotEstimable("The regression did not converge: its likelihood is flat.")
    return vectors @ ((vectors.T @ gradient) / np.maximum(values, 1e-15 * values[-1]))


def _step_length(step: FloatArray, theta: FloatArray, design: Design) -> float:
    """Return how far a step moves the row it moves most: a rare group is rare in a column, not in its own z."""
    moved = np.abs(design.W @ step[:-1]).max() / (1.0 + np.abs(design.W @ theta[:-1]).max())
    return float(max(moved, abs(step[-1]) / theta[-1]))


def _gradient_size(gradient: FloatArray, theta: FloatArray, design: Design) -> float:
    by_coef, by_log_scale = theta[-1] * gradient[:-1], gradient @ theta
    return float(max(np.abs(by_coef).max(), abs(by_log_scale)) / design.weight.sum())


def _line_search(
    family: Family, design: Design, theta: FloatArray, step: FloatArray, before: float
) -> tuple[FloatArray, float, FloatArray, FloatArray, Terms]:
    """Go along `step` as far as the log-likelihood does not fall and the scale stays finite."""
    share = min(1.0, 0.8 * theta[-1] / -step[-1]) if step[-1] < 0 else 1.0
    # Rounding alone moves a sum of many logarithms by this much.
    slack = 1e-13 * (abs(before) + design.weight.sum())
    for _ in range(_MAX_HALVINGS):
        trial = theta + share * step
        value, gradient, hessian, terms = derivatives(family, design, trial)
        if value >= before - slack and np.isfinite(hessian).all():
            return trial, value, gradient, hessian, terms
        share /= 2.0
    raise NotEstimable("The regression did not converge: its likelihood could not be improved.")


def refuse_separation(design: Design, names: Sequence[str]) -> None:
    """Raise `NotEstimable` when the likelihood rises for ever in some direction, naming what runs away."""
    direction = find_direction(design)
    if direction is None:
        return
    size = np.abs(direction) / np.abs(direction).max()
    columns = size[1:-1] > _NAMED
    if size[-1] > _NAMED:
        told = f" once the rows are told apart by {_listed(columns, names)}" if columns.any() else ""
        raise NotEstimable(
            f"The scale cannot be estimated: a spread running to zero meets the rows as well as any other{told}. There "
            "are too few rows, or too few different times, for this regression."
        )
    # The intercept runs alone only where all rows are of one side, and those were refused before.
    raise NotEstimable(
        f"Coefficients run to infinity (separation): in rows marked by {_listed(columns, names)} the event was never "
        "seen, or had always happened by the first look. Leave the column out, or join it with another."
    )


def find_direction(design: Design) -> FloatArray | None:
    """Return the sparsest direction, shape (p + 2,), in which the likelihood rises for ever; None if there is none.

    With ``d = (d_gamma, d_tau)``, ``d_tau >= 0``: right ends need ``y d_tau - W d_gamma >= 0``, left ends the opposite,
    an exact time both, and their sum, with ``d_tau``, must not be zero. For one covariate row only its earliest right
    and its latest left end count.
    """
    from scipy.optimize import linprog

    q = design.W.shape[1]
    bounds = _tightest(design)
    pull = bounds.sum(axis=0)
    pull[-1] += 1.0
    # Positive and negative parts of d_gamma, then d_tau; the intercept costs little, so that columns are spared.
    cost = np.concatenate([[1e-3], np.ones(q - 1), [1e-3], np.ones(q - 1), [1e-3]])
    split = np.concatenate([bounds[:, :q], -bounds[:, :q], bounds[:, q:]], axis=1)
    total = np.concatenate([pull[:q], -pull[:q], pull[q:]])
    size = np.abs(total).max()
    found = linprog(cost, -split, np.zeros(len(split)), total[None, :] / size, [1.0], (0, None), method="highs")
    if found.status != 0:
        return None
    return np.append(found.x[:q] - found.x[q:-1], found.x[-1])


def _tightest(design: Design) -> FloatArray:
    rows, place = np.unique(design.W, axis=0, return_inverse=True)
    place = place.reshape(-1)
    first, last = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    np.minimum.at(first, place, design.ends.right)
    np.maximum.at(last, place, design.ends.left)
    early, late = np.isfinite(first), np.isfinite(last)
    return np.concatenate([np.column_stack([-rows[early], first[early]]), np.column_stack([rows[late], -last[late]])])


def _listed(chosen: NDArray[np.bool_], names: Sequence[str]) -> str:
    found = [name for name, named in zip(names, chosen.tolist(), strict=True) if named]
    return ", ".join(found[:-1]) + (" and " if len(found) > 1 else "") + found[-1]
