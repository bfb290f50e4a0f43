"""Score residuals, and the variance by cluster made of them.

The score is a sum over rows of what each row adds to it by having the event and by having been at risk. Rows of one
cluster are summed, and the squares of these sums stand in the middle of the sandwich (Lin and Wei 1989,
doi:10.1080/01621459.1989.10478874; for rows of repeated events Lin, Wei, Yang and Ying 2000,
doi:10.1111/1467-9868.00259). No small-sample factor, as in R's ``coxph``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.counting import sum_by
from outcomes.estimators.cox.design import cumulative
from outcomes.estimators.cox.likelihood import Model, State, accumulate, slope_steps
from outcomes.estimators.cox.moments import centered, sum_by_slot
from outcomes.estimators.cox.rows import Clusters

_BLOCK = 1 << 13


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the residual of a pattern is made of: by slot, and by pattern the expected number of events."""

    expected: FloatArray
    event_mean: FloatArray
    slope: FloatArray
    slope_of_tied: FloatArray
    tied_place: NDArray[np.intp]


def cluster_covariance(model: Model, state: State, inverse: FloatArray, clusters: Clusters) -> FloatArray:
    """Return the sandwich, shape (p, p)."""
    parts = _build_parts(model, state)
    middle = np.zeros_like(inverse)
    if clusters.count == clusters.member.size:
        weight = np.sqrt(sum_by(clusters.pattern, clusters.weight**2, model.design.rows.weight.size))
        for start in range(0, weight.size, _BLOCK):
            chosen = np.arange(start, min(start + _BLOCK, weight.size))
            alone = _residuals(model, state, parts, chosen) * weight[chosen, None]
            middle += alone.T @ alone
    else:
        for sums in _cluster_sums(model, state, parts, clusters):
            middle += sums.T @ sums
    robust = inverse @ middle @ inverse
    return (robust + robust.T) / 2.0


def _build_parts(model: Model, state: State) -> _Parts:
    design, sums = model.design, state.sums
    at_risk, dying = sum_by_slot(design, model.covariates, design.rows.weight * state.hazard)
    slots, tied = design.slots, design.tied
    mean = at_risk * (sums.A / slots.weight)[:, None]
    mean[tied] -= dying * (sums.B / slots.weight)[tied, None]
    of_tied = at_risk[tied] / sums.S[tied, None] * sums.Q[tied, None] - dying / sums.S[tied, None] * sums.R[tied, None]
    of_tied /= sums.S[tied, None]
    slope = cumulative(slope_steps(design, at_risk, dying, sums))
    place = np.full(slots.time.size, -1)
    place[tied] = np.arange(tied.size)
    return _Parts(accumulate(model, state, sums), mean, slope, of_tied, place)


def _residuals(model: Model, state: State, parts: _Parts, chosen: NDArray[np.intp]) -> FloatArray:
    """Return the score residuals of the chosen patterns, one row each, without their weights."""
    rows = model.design.rows
    hi = rows.hi[chosen]
    gone = parts.slope.take(hi, axis=0)
    gone -= parts.slope.take(rows.lo[chosen], axis=0)
    event = rows.event[chosen]
    slot = hi[event] - 1
    if model.design.tied.size:
        place = parts.tied_place[slot]
        at_tie = np.flatnonzero(event)[place >= 0]
        gone[at_tie] -= parts.slope_of_tied[place[place >= 0]]
    gone *= state.hazard[chosen, None]
    gone += centered(model.covariates, chosen) * (event - parts.expected[chosen])[:, None]
    gone[event] -= parts.event_mean.take(slot, axis=0)
    return gone


def _cluster_sums(model: Model, state: State, parts: _Parts, clusters: Clusters) -> Iterator[FloatArray]:
    """Give the weighted sums of residuals by cluster, some clusters at a time."""
    order = np.argsort(clusters.member, kind="stable")
    member = clusters.member[order]
    begins = np.flatnonzero(np.diff(member, prepend=-1))
    # Blocks are cut where a cluster begins.
    cuts = np.unique(begins[np.searchsorted(begins, np.arange(0, member.size, _BLOCK), "right") - 1])
    for start, stop in zip(cuts, [*cuts[1:], member.size], strict=True):
        some = order[start:stop]
        alone = _residuals(model, state, parts, clusters.pattern[some])
        alone *= clusters.weight[some, None]
        yield np.add.reduceat(alone, begins[np.searchsorted(begins, start) : np.searchsorted(begins, stop)] - start)
