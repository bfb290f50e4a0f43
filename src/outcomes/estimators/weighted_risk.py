"""Risks of two groups made alike by overlap weights, and their difference, with an interval that knows the weights.

One minus the weighted Kaplan-Meier curve of each arm (Xie and Liu 2005, doi:10.1002/sim.2174), with the overlap weights
of `outcomes.estimators.weighting`. The weights are estimated, and estimating them makes the contrast more precise than
if they were known; so every bootstrap draw of patients fits the propensity anew.

The contrast speaks of the overlap population: those who, going by what is recorded, might have been in either arm. It
is a difference between arms of equal recorded means; what is not recorded can still differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from outcomes.estimators.checks import (
    FloatArray,
    check_days,
    check_level,
    check_numbers,
    refuse_where,
)
from outcomes.estimators.curves.kaplan_meier import check_events, check_times
from outcomes.estimators.overlap_arms import Cells, DrawnArms, draw_arms
from outcomes.estimators.risk_draws import TimeOrder, order_times, refuse_unseen, risk_limits, weighted_risks


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
    ess_treated: float
    ess_control: float
    n_treated: int
    n_control: int
    events_treated: int
    events_control: int
    draws: int
    n_failed: int


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
        Bootstrap draws, 2 or more, or 0: estimates alone, all limits NaN.
    seed : int or list of int
        The draws, and so the limits, depend on it and on nothing but the rows.
    level : float
        Confidence level.

    Raises
    ------
    InputRefused
        What `weighting.overlap_weights` and `curves.kaplan_meier` refuse; E745 a time after the
        last row of an arm, where nobody was watched; E746 one draw, or fewer than none.
    NotEstimable
        What `weighting.overlap_weights` cannot fit; more than 5 % of the draws without a finite fit.
    """
    # Before anything is drawn, for that takes time.
    at, level = check_days("at", at), check_level(level)
    outcome = event_outcome(time, event, entry, check_numbers("treated", treated).size)
    drawn = draw_arms(X, treated, [outcome], cluster, draws, seed)
    return compare_risk(drawn, at, level)


def event_outcome(
    time: ArrayLike, event: ArrayLike, entry: ArrayLike | None = None, length: int | None = None
) -> list[FloatArray]:
    """Return the columns of an event in time for `overlap_arms.draw_arms`, or refuse as `curves.kaplan_meier`."""
    end = check_numbers("time", check_times(time), length)
    outcome = [end, check_numbers("event", check_events(event, end.size))]
    if entry is not None:
        outcome.append(check_numbers("entry", entry, end.size))
        refuse_where(outcome[2] >= end, "E613", "entry", "is not before time: that row was never at risk.")
    return outcome


def compare_risk(drawn: DrawnArms, at: ArrayLike, level: float = 0.95, which: int = 0) -> OverlapRisk:
    """Compare drawn arms in an outcome that came from `event_outcome`: the one numbered `which`.

    Parameters and errors as in `overlap_risk`.
    """
    when, level, cells = check_days("at", at), check_level(level), drawn.cells[which]
    sides = [_Arm(cells, side) for side in (1, 0)]
    refuse_unseen("at", when, [float(cells.columns[0][side.cells].max()) for side in sides])
    one, none = (side.risks(cells.weight[None], when)[0] for side in sides)
    drawn_one, drawn_none = (side.risks(drawn.sums[which], when) for side in sides)
    limits = risk_limits(one, none, drawn_one, drawn_none, level)
    (treated_low, treated_high), (control_low, control_high), (low, high) = limits
    end, happened = cells.columns[:2]
    seen = cells.count * happened * (end <= when.max())
    return OverlapRisk(
        at=when,
        risk_treated=one,
        risk_control=none,
        difference=one - none,
        treated_low=treated_low,
        treated_high=treated_high,
        control_low=control_low,
        control_high=control_high,
        difference_low=low,
        difference_high=high,
        level=level,
        events_treated=int(seen[sides[0].cells].sum()),
        events_control=int(seen[sides[1].cells].sum()),
        draws=drawn.draws,
        n_failed=drawn.n_failed,
        **drawn.described,
    )


class _Arm:
    """The cells of one arm, in the order of their times."""

    __slots__ = ("cells", "order")

    def __init__(self, cells: Cells, side: int) -> None:
        self.cells = cells.of(side)
        end, happened, *begin = (column[self.cells] for column in cells.columns)
        self.order: TimeOrder = order_times(end, happened, begin[0] if begin else None)

    def risks(self, weights: FloatArray, at: FloatArray) -> FloatArray:
        """Risks, shape (draws, k), from weights of all cells, shape (draws, c)."""
        return weighted_risks(self.order, weights[:, self.cells].T, at)
