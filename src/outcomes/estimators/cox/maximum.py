"""The maximum of the partial likelihood, or the reason why there is none.

The log-likelihood is concave, so Newton's method with step halving finds its maximum from 0. It has none when some sum
of columns orders the events before all that were at risk with them (monotone likelihood: Heinze and Schemper 2001,
doi:10.1111/j.0006-341x.2001.00114.x). Then score and information shrink
together and Newton's step keeps its length, which no likelihood with a maximum shows once the step's gain has vanished.
So convergence is decided on both: the gain that is left, and the length of the step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import Finding, NotEstimable
from outcomes.estimators.checks import FloatArray
from outcomes.estimators.cox.likelihood import Derivatives, Model, State, differentiate, evaluate

_MAX_ITERATIONS = 80
_MAX_HALVINGS = 40
# The square of the distance to the maximum in standard errors; and what rounding alone can leave of it.
_DECREMENT = 1e-20
_ROUNDING = 1e-12
# A step still this long, in standard deviations of the columns, once nothing is left to gain, runs away.
_RUNNING = 1e-3
_VANISHED = 1e-2
_CONSTANT = 1e-12
_COLLINEAR = 1e-11
# Entries of a direction that are rounding.
_NAMED = 1e-4


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood is largest, what it was at 0, and the inverse of the information there.

    `coef` is one step on from `state`, a step too short to change anything else.
    """

    coef: FloatArray
    state: State
    inverse: FloatArray
    null_loglik: float
    iterations: int


def maximise(model: Model) -> Maximum:
    """Find the maximum.

    Raises
    ------
    NotEstimable
        E703 constant columns; E704 collinear columns; E705 coefficients that run to infinity; E706 no convergence.
    """
    _refuse_constant(model)
    state = evaluate(model, np.zeros(model.covariates.center.size))
    found = differentiate(model, state)
    _refuse_collinear(model, found)
    null, gain, at_zero = state.loglik, np.inf, found.information
    scale = model.covariates.spread
    step, length = np.zeros_like(scale), 0.0
    # One event of mean weight brings one unit of information, whatever the unit of the weights.
    unit = model.design.slots.weight.sum() / model.design.slots.deaths.sum()
    for iteration in range(_MAX_ITERATIONS):
        if not np.isfinite(found.information).all():
            break
        step, before = _newton_step(model, found), gain
        gain = float(found.score @ step) / unit
        length = float(np.abs(step * scale).max())
        settled = gain < _DECREMENT or (gain < _ROUNDING and gain > before / 100)
        if settled and length < _RUNNING:
            return Maximum(state.coef + step, state, _inverse(model, found), null, iteration)
        if not gain >= 0 or (settled and length >= _RUNNING):
            break
        state, improved = _line_search(model, state, step)
        if not improved:
            break
        found = differentiate(model, state)
    # Of a direction along which the information is still there, it is not known that the likelihood rises for ever.
    kept = float(step @ found.information @ step) if np.isfinite(found.information).all() else 0.0
    if kept <= _VANISHED * float(step @ at_zero @ step):
        _refuse_running(model, step, state, length)
    raise _not_converged(iteration + 1, gain)


def _refuse_constant(model: Model) -> None:
    size = np.abs(model.covariates.center) + model.covariates.spread
    constant = model.covariates.spread <= _CONSTANT * size
    if constant.any():
        raise _constant(constant)


def _refuse_collinear(model: Model, found: Derivatives) -> None:
    """Refuse what no risk set can tell apart: at 0, and then anywhere, the information is singular."""
    total = model.design.slots.weight.sum()
    matrix = found.information / np.outer(model.covariates.spread, model.covariates.spread) / total
    values, vectors = np.linalg.eigh(matrix)
    null = values < _COLLINEAR * max(1.0, float(values[-1]))
    if not null.any():
        return
    involved = np.abs(vectors[:, null]).max(axis=1) > _NAMED
    if involved.sum() == 1:
        raise _constant(involved)
    what = f"{_listed(involved)}: collinear in the rows at risk, so their coefficients cannot be told apart."
    raise _unable("E704", what, "Leave one of them out.")


def _newton_step(model: Model, found: Derivatives) -> FloatArray:
    """Solve for the step, in columns of spread 1; a direction without curvature gets a long, not an endless step."""
    scale = model.covariates.spread
    values, vectors = np.linalg.eigh(found.information / np.outer(scale, scale))
    step: FloatArray = vectors @ ((vectors.T @ (found.score / scale)) / np.maximum(values, 1e-15 * values[-1]))
    return step / scale


def _inverse(model: Model, found: Derivatives) -> FloatArray:
    scale = np.outer(model.covariates.spread, model.covariates.spread)
    inverse = np.linalg.inv(found.information / scale)
    return (inverse + inverse.T) / 2.0 / scale


def _line_search(model: Model, state: State, step: FloatArray) -> tuple[State, bool]:
    """Go along the step as far as the likelihood does not fall; False where it falls however short the step."""
    # Rounding alone moves a sum of many logarithms by this much.
    slack = 1e-13 * (abs(state.loglik) + model.design.slots.weight.sum())
    for halving in range(_MAX_HALVINGS):
        trial = evaluate(model, state.coef + step / 2.0**halving)
        if np.isfinite(trial.loglik) and trial.loglik >= state.loglik - slack:
            return trial, True
    return state, False


def _refuse_running(model: Model, step: FloatArray, state: State, length: float) -> None:
    """Refuse separation: the step has kept its length and goes on where the coefficients already went."""
    moved, reached = step * model.covariates.spread, state.coef * model.covariates.spread
    onwards = float(moved @ reached) > 0
    if not (length >= _RUNNING and onwards):
        return
    running = np.abs(moved) > max(_NAMED, 0.05) * length
    what = f"{_listed(running)}: the coefficient runs to infinity, or beyond what numbers can hold (separation): among"
    what += " the rows at risk together, those with the event stand at one end of it."
    raise _unable("E705", what, "Leave it out, or join it with another column.")


def _constant(columns: NDArray[np.bool_]) -> NotEstimable:
    what = (
        f"{_listed(columns)}: the same, to 12 digits, in all rows at risk at an event time, so without a coefficient."
    )
    return _unable("E703", what, "Leave it out.")


def _not_converged(iterations: int, gain: float) -> NotEstimable:
    return _unable("E706", f"The regression did not converge in {iterations} steps; still to gain: {gain:.1e}.", "")


def _unable(code: str, what: str, remedy: str) -> NotEstimable:
    return NotEstimable("The regression cannot be estimated.", [Finding(code, what, "X", remedy)])


def _listed(chosen: NDArray[np.bool_]) -> str:
    found = [f"X[:, {j}]" for j in np.flatnonzero(chosen)]
    return ", ".join(found[:-1]) + (" and " if len(found) > 1 else "") + found[-1]
