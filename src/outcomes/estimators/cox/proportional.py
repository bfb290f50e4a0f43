"""The test of proportional hazards: whether a coefficient changes with time.

Each column gets a second coefficient that multiplies it with a function g of time; the test is the score test of these
at 0 (Grambsch and Therneau 1994, doi:10.1093/biomet/81.3.515, in the exact form of R's survival 3 and later,
``cox.zph``). It takes two more passes over the rows and no fit.

As in R, the information is that of independent rows even when the fit has clusters; with strong dependence inside
clusters the p-values are then too small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import Finding, NotEstimable
from outcomes.estimators.checks import FloatArray, refuse_where, refused
from outcomes.estimators.cox.fit import Cox
from outcomes.estimators.cox.likelihood import differentiate, evaluate

_SINGULAR = 1e-10


@dataclass(frozen=True, slots=True)
class ProportionalHazardsTest:
    """Tests of k terms, by themselves each column, and of all columns together.

    Attributes
    ----------
    statistic, p_value : ndarray, shape (k,)
        Chi-square statistic of each term.
    df : ndarray of int, shape (k,)
        Columns of each term.
    global_statistic, global_p_value : float
        Of all columns together.
    global_df : int
        p, the number of columns.
    transform : str
    """

    statistic: FloatArray
    p_value: FloatArray
    df: NDArray[np.intp]
    global_statistic: float
    global_p_value: float
    global_df: int
    transform: str


def proportional_hazards_test(
    fit: Cox, transform: str = "km", terms: Sequence[Sequence[int]] | None = None
) -> ProportionalHazardsTest:
    """Test whether the coefficients change with time.

    Parameters
    ----------
    fit : Cox
    transform : str
        How time is scaled: ``"km"`` one minus Kaplan-Meier survival just before it, ``"rank"`` its rank among all
        times, ``"identity"``, or ``"log"``. The first two count each row with weight once and look over all strata
        together.

    terms : sequence of sequences of int, optional
        Columns that belong together, such as the levels of one factor, and are tested together; every column by itself
        when not given.

    Raises
    ------
    InputRefused
        E707 another word for `transform`; E708 ``"log"`` with an event at time 0; E712 terms that are empty or name no
        column.
    NotEstimable
        E710: events at too few different times to see the coefficient of a column change.
    """
    from scipy.special import chdtrc

    model, slots = fit.model, fit.model.design.slots
    g = _scale_time(fit, transform)
    g -= slots.deaths @ g / slots.deaths.sum()
    size = np.abs(g).max()
    if size == 0:
        raise _too_few(np.ones(fit.coef.size, dtype=bool))
    g /= size
    state = evaluate(model, fit.coef)
    once, twice = differentiate(model, state, g), differentiate(model, state, g * g)
    left = twice.information - once.information @ fit.covariance @ once.information
    scale = model.covariates.spread
    variance = np.diag(left)
    flat = variance <= _SINGULAR * slots.weight.sum() * scale**2
    if flat.any():
        raise _too_few(flat)
    tested = [np.array([j]) for j in range(fit.coef.size)] if terms is None else _check_terms(terms, fit.coef.size)
    score, spread = once.score / scale, left / np.outer(scale, scale)
    statistic = np.array([_together(score, spread, term) for term in tested])
    df = np.array([term.size for term in tested])
    everything = np.arange(fit.coef.size)
    together, p = _together(score, spread, everything), fit.coef.size
    return ProportionalHazardsTest(
        statistic, chdtrc(df, statistic), df, together, float(chdtrc(p, together)), p, transform
    )


def _together(score: FloatArray, spread: FloatArray, term: NDArray[np.intp]) -> float:
    return float(score[term] @ np.linalg.solve(spread[np.ix_(term, term)], score[term]))


def _check_terms(terms: Sequence[Sequence[int]], columns: int) -> list[NDArray[np.intp]]:
    found = [np.array(list(term), dtype=np.float64) for term in terms]
    for term in found:
        if not term.size or (term != np.floor(term)).any() or term.min() < 0 or term.max() >= columns:
            raise refused("E712", "terms", f"must name columns from 0 to {columns - 1}, one at least in each term.")
    return [np.unique(term.astype(np.intp)) for term in found]


def _scale_time(fit: Cox, transform: str) -> FloatArray:
    slots = fit.model.design.slots
    if transform == "km":
        return 1.0 - slots.survival_before
    if transform == "rank":
        return slots.rank.copy()
    if transform == "identity":
        return slots.time.copy()
    if transform == "log":
        refuse_where(np.array([(slots.time <= 0).any()]), "E708", "transform", 'is "log", but an event is at time 0.')
        return np.log(slots.time)
    raise refused("E707", "transform", 'must be "km", "rank", "identity" or "log".')


def _too_few(columns: NDArray[np.bool_]) -> NotEstimable:
    names = ", ".join(f"X[:, {j}]" for j in np.flatnonzero(columns))
    what = f"{names}: events at too few different times to see whether the coefficient changes."
    return NotEstimable("Proportional hazards cannot be tested.", [Finding("E710", what, "X")])
