"""Risks of two groups made alike by overlap weights, and their difference, with an interval that knows the weights.

One minus the weighted Kaplan-Meier curve of each arm (Xie and Liu 2005, doi:10.1002/sim.2174), with the overlap weights
of `outcomes.estimators.weighting`. The weights are estimated, and estimating them makes the contrast more precise than
if they were known; so every bootstrap draw of patients fits the propensity anew.

The contrast speaks of the overlap population: those who, going by what is recorded, might have been in either arm. It
is a difference between arms of equal recorded means; what is not recorded can still differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.bootstrap import draw_counts
from outcomes.estimators.checks import (
    FloatArray,
    check_days,
    check_level,
    check_numbers,
    check_whole,
    refuse_where,
)
from outcomes.estimators.curves.kaplan_meier import check_events, check_times
from outcomes.estimators.logistic import Design, chances, draws_together, fit_draws
from outcomes.estimators.risk_draws import TimeOrder, keep_fitted, order_times, risk_limits, weighted_risks
from outcomes.estimators.row_codes import code_rows
from outcomes.estimators.weighting import Balance, balance, check_arms, effective_sample_size, fit_propensity

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class OverlapRisk:
    """Risks by k times in two arms weighted to be alike.

    Attributes
    ----------
    at : ndarray, shape (k,)
    risk_treated, risk_control, difference : ndarray, shape (k,)
        Share with the event by each time, and treated minus control.
    treated_low, treated_high, control_low, control_high, difference_low, difference_high : ndarray, shape (k,)
        Bootstrap limits, `limits.interval_limits`; of the difference on the scale of Fisher's z.
    level : float
    weights, propensity : ndarray, shape (n,)
    balance : Balance
        Standardised mean differences before and after.
    ess_treated, ess_control : float
        Effective sample size of each arm.
    n_treated, n_control : int
    events_treated, events_control : int
        Rows with an event by the last of the times, unweighted.
    draws, n_failed : int
        Bootstrap draws, and those of them in which the propensity has no finite fit; these are left out.
    """

    at: FloatArray
    risk_treated: FloatArray
    risk_control: FloatArray
    difference: FloatArray
    treated_low: FloatArray
    treated_high: FloatArray
    control_low: FloatArray
    control_high: FloatArray
    difference_low: FloatArray
    difference_high: FloatArray
    level: float
    weights: FloatArray
    propensity: FloatArray
    balance: Balance
    ess_treated: float
    ess_control: float
    n_treated: int
    n_control: int
    events_treated: int
    events_control: int
    draws: int
    n_failed: int


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Distinct rows: ``table`` (m, p), ``arm``, ``time``, ``event`` (m,), ``entry`` (m,) or None, ``count`` (m,).

    ``place`` (n,) is the pattern of each row given. Patterns are numbered by content, so that neither the order of rows
    nor how often one is repeated side by side decides what is drawn.
    """

    table: FloatArray
    arm: FloatArray
    time: FloatArray
    event: FloatArray
    entry: FloatArray | None
    count: FloatArray
    place: IntArray


def overlap_risk(
    X: ArrayLike,
    treated: ArrayLike,
    time: ArrayLike,
    event: ArrayLike,
    at: ArrayLike,
    cluster: ArrayLike | None = None,
    entry: ArrayLike | None = None,
    draws: int = 500,
    seed: int | list[int] = 0,
    level: float = 0.95,
) -> OverlapRisk:
    """Compare the risks of two arms weighted to have equal recorded means.

    Parameters
    ----------
    X : array_like, shape (n, p)
        What was known before the treatment, without a constant column.
    treated : array_like of 0/1, shape (n,)
    time, event, entry
        As in `curves.kaplan_meier`: a row is at risk at t when ``entry < t <= time``.
    at : array_like, shape (k,) or a number
        Times at which the risks are read.
    cluster : array_like, shape (n,), optional
        Patient of each row; a drawn patient brings all of his or her rows. Every row is one when not given.
    draws : int
        Bootstrap draws, 2 or more.
    seed : int or list of int
        The draws, and so the limits, depend on it and on nothing but the rows.
    level : float
        Confidence level.

    Raises
    ------
    InputRefused
        What `weighting.overlap_weights`, `weighting.balance` and `curves.kaplan_meier` refuse; E745 a time after the
        last row of an arm, where nobody was watched; E746 fewer than two draws.
    NotEstimable
        What `weighting.overlap_weights` cannot fit; more than 5 % of the draws without a finite fit.
    """
    rows = _read_rows(X, treated, time, event, entry)
    n = rows.place.size
    when, level, draws = check_days("at", at), check_level(level), check_whole("draws", draws, "E746", 2)
    who = np.arange(n) if cluster is None else check_numbers("cluster", cluster, n)
    design, fit, _ = fit_propensity(rows.table, rows.arm, rows.count)
    chance, other = chances(fit.log_odds)
    weight = np.where(rows.arm > 0, other, chance)
    arms = [_Arm(np.flatnonzero(rows.arm == side), rows) for side in (1, 0)]
    _refuse_unseen(when, arms)
    risks = [part.risks((rows.count * weight)[:, None], when)[0] for part in arms]
    counts = draw_counts(rows.place, who, draws, seed)
    drawn, reached = _draw_risks(design, rows, arms, counts, fit.turned, when)
    drawn, failed = keep_fitted(drawn, reached, "the model of who was treated")
    limits = risk_limits(risks[0], risks[1], drawn[:, 0], drawn[:, 1], level)
    (treated_low, treated_high), (control_low, control_high), (low, high) = limits
    own, arm, seen = weight[rows.place], rows.arm[rows.place] > 0, rows.event * (rows.time <= when.max()) * rows.count
    return OverlapRisk(
        at=when,
        risk_treated=risks[0],
        risk_control=risks[1],
        difference=risks[0] - risks[1],
        treated_low=treated_low,
        treated_high=treated_high,
        control_low=control_low,
        control_high=control_high,
        difference_low=low,
        difference_high=high,
        level=level,
        weights=own,
        propensity=chance[rows.place],
        balance=balance(rows.table[rows.place], arm, own),
        ess_treated=effective_sample_size(own[arm]),
        ess_control=effective_sample_size(own[~arm]),
        n_treated=int(arm.sum()),
        n_control=int((~arm).sum()),
        events_treated=int(seen[rows.arm > 0].sum()),
        events_control=int(seen[rows.arm == 0].sum()),
        draws=draws,
        n_failed=failed,
    )


class _Arm:
    """The patterns of one arm, in the order of their times."""

    __slots__ = ("last", "order", "patterns")

    def __init__(self, patterns: IntArray, rows: _Patterns) -> None:
        entry = None if rows.entry is None else rows.entry[patterns]
        self.patterns = patterns
        self.order: TimeOrder = order_times(rows.time[patterns], rows.event[patterns], entry)
        self.last = float(rows.time[patterns].max())

    def risks(self, weights: FloatArray, at: FloatArray) -> FloatArray:
        """Risks, shape (draws, k), from weights of all patterns, shape (m, draws)."""
        return weighted_risks(self.order, weights[self.patterns], at)


def _read_rows(
    X: ArrayLike, treated: ArrayLike, time: ArrayLike, event: ArrayLike, entry: ArrayLike | None
) -> _Patterns:
    """Check the rows and count the distinct ones."""
    table, arm = check_arms(X, treated)
    end = check_numbers("time", check_times(time), arm.size)
    happened = check_events(event, arm.size).astype(np.float64)
    begin = None if entry is None else check_numbers("entry", entry, arm.size)
    if begin is not None:
        refuse_where(begin >= end, "E613", "entry", "is not before time: that row was never at risk.")
    first, place = code_rows([arm, end, happened, *([] if begin is None else [begin]), *table.T])
    return _Patterns(
        table=table[first],
        arm=arm[first],
        time=end[first],
        event=happened[first],
        entry=None if begin is None else begin[first],
        count=np.bincount(place).astype(np.float64),
        place=place,
    )


def _refuse_unseen(when: FloatArray, arms: list[_Arm]) -> None:
    if not when.size:
        raise NotEstimable("Nothing to estimate: no times were given.")
    what = "lies after the last row of one of the arms: nobody was watched there."
    refuse_where(when > min(part.last for part in arms), "E745", "at", what)


def _draw_risks(
    design: Design,
    rows: _Patterns,
    arms: list[_Arm],
    counts: NDArray[Any],
    start: FloatArray,
    when: FloatArray,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Risks of both arms in every draw, shape (draws, 2, k), and which draws have a propensity."""
    out = np.zeros((counts.shape[0], 2, when.size))
    reached = np.zeros(counts.shape[0], dtype=bool)
    ones, length = np.ones(rows.arm.size), draws_together(rows.arm.size)
    for begin in range(0, counts.shape[0], length):
        part = slice(begin, begin + length)
        turned, reached[part] = fit_draws(design, rows.arm, ones, counts[part], start)
        chance, other = chances(design.basis @ turned.T)
        weights = np.where(rows.arm[:, None] > 0, other, chance) * counts[part].T
        for side, arm in enumerate(arms):
            out[part, side] = arm.risks(weights, when)
    return out, reached
