"""The partial log-likelihood of a Cox regression, its score and information.

With `S` the sum of ``w exp(x b)`` over the rows at risk at a slot, `D` that over its d tied events, and `m` the mean
weight of these events, the slot brings ``- m sum_j log(S - (j / d) D)``, j = 0 .. d - 1 (Efron 1977,
doi:10.2307/2286217; weights as R's ``coxph`` has them), or ``- d m log S`` (Breslow 1974, doi:10.2307/2529620). The sum
over j is collapsed to six numbers a slot, after which score and information are sums over rows and over slots:

    information = X' diag(c) X - sum over slots of (P s s' - Q (s t' + t s') + R t t')

where s and t are the weighted sums of covariates over the rows at risk and over the tied events, and c is what each row
has accumulated while at risk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.cox.design import Design, Sums, build_design, gone_through, sum_at_risk
from outcomes.estimators.cox.moments import Covariates, build_covariates, predictor, sum_squares, weigh
from outcomes.estimators.cox.rows import Rows, Slots

_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True)
class Model:
    """Patterns on the axis of event times, their covariates, and the weighted sum of these over the events, (p,)."""

    design: Design
    covariates: Covariates
    seen: FloatArray


@dataclass(frozen=True, slots=True)
class State:
    """The likelihood at `coef`: its value, the risk of each pattern (weight left out), and the sums of each slot."""

    coef: FloatArray
    loglik: float
    hazard: FloatArray
    sums: Sums


@dataclass(frozen=True, slots=True)
class Derivatives:
    """Score, shape (p,), and information, shape (p, p)."""

    score: FloatArray
    information: FloatArray


def build_model(rows: Rows, slots: Slots, efron: bool) -> Model:
    """Put patterns and axis together, ties taken as Efron or as Breslow does."""
    design = build_design(rows, slots, efron)
    covariates = build_covariates(design)
    return Model(design, covariates, weigh(covariates, rows.weight * rows.event))


def evaluate(model: Model, coef: FloatArray) -> State:
    """Return the partial log-likelihood at `coef` and what its derivatives need; not finite where it overflows."""
    rows, slots = model.design.rows, model.design.slots
    eta = predictor(model.covariates, coef)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        hazard = np.exp(eta, out=eta)
        logs, sums = _collapse_ties(model.design, *sum_at_risk(model.design, rows.weight * hazard))
        loglik = float(model.seen @ coef - logs @ (slots.weight / slots.deaths))
    return State(coef, loglik, hazard, sums)


def _collapse_ties(design: Design, at_risk: FloatArray, dying: FloatArray) -> tuple[FloatArray, Sums]:
    """Return the sum over j of log u_j, and the six sums."""
    slots = design.slots
    d, mean = slots.deaths, slots.weight / slots.deaths
    logs = d * np.log(at_risk)
    a, p = d.copy(), d.copy()
    b, q, r = np.zeros_like(a), np.zeros_like(a), np.zeros_like(a)
    share = dying / at_risk
    for part in _blocks_of_ties(design):
        count = d[part].astype(np.intp)
        start = np.cumsum(count) - count
        f = (np.arange(int(count.sum())) - np.repeat(start, count)) / np.repeat(d[part], count)
        # All relative to S.
        u = 1.0 - f * np.repeat(share[part], count)
        logs[part] += np.add.reduceat(np.log(u), start)
        np.divide(1.0, u, out=u)
        f *= u
        a[part], b[part] = np.add.reduceat(u, start), np.add.reduceat(f, start)
        q[part] = np.add.reduceat(f * u, start)
        np.square(u, out=u)
        np.square(f, out=f)
        p[part], r[part] = np.add.reduceat(u, start), np.add.reduceat(f, start)
    return logs, Sums(at_risk, mean * a / at_risk, mean * b / at_risk, mean * p, mean * q, mean * r)


def _blocks_of_ties(design: Design) -> Iterator[NDArray[np.intp]]:
    """Cut the slots with ties into blocks of some thousand events, which stay in the cache."""
    tied = design.tied
    block = np.cumsum(design.slots.deaths[tied]) // _BLOCK
    return iter(np.split(tied, np.flatnonzero(np.diff(block)) + 1)) if tied.size else iter(())


def accumulate(model: Model, state: State, sums: Sums) -> FloatArray:
    """Return the cumulative hazard each pattern has gone through, shape (m,): its expected number of events."""
    gone = gone_through(model.design, sums.A, sums.B)
    gone *= state.hazard
    return gone


def differentiate(model: Model, state: State, factor: FloatArray | None = None) -> Derivatives:
    """Return score and information at a state; with `factor`, shape (K,), every slot's part is weighted by it."""
    rows = model.design.rows
    sums = state.sums if factor is None else state.sums.times(factor)
    expected = accumulate(model, state, sums)
    expected *= rows.weight
    seen = model.seen
    if factor is not None:
        seen = weigh(model.covariates, rows.weight * rows.event * factor[rows.hi - 1])
    first, information = sum_squares(model.design, model.covariates, rows.weight * state.hazard, expected, sums)
    return Derivatives(seen - first, information)


def slope_steps(design: Design, at_risk: FloatArray, dying: FloatArray, sums: Sums) -> FloatArray:
    """Return the step at each slot of minus the slope of the baseline hazard in the coefficients, shape (K, p)."""
    out = at_risk / sums.S[:, None] * sums.P[:, None]
    tied = design.tied
    out[tied] -= dying / sums.S[tied, None] * sums.Q[tied, None]
    out /= sums.S[:, None]
    return out
