r"""Starting something within some days, or never: risks under both strategies, by cloning, censoring and weighting.

Whoever starts late has, until then, stayed without the event; comparing "ever started" with "never" gives that time to
the wrong group. Here every subject is taken twice, once for each strategy, from the same time zero, and each clone is
censored when its subject departs from the clone's strategy (Maringe et al. 2020, doi:10.1093/ije/dyaa057; Hernan et al.
2016, doi:10.1016/j.jclinepi.2016.04.014):

- *start within grace*: the clone departs at `grace` if nothing was started by then. Until then it cannot depart, so an
  event before `grace` counts, started or not;
- *never*: the clone departs on the day of starting.

Departing depends on what subjects are like, so those who remain are weighted by one over their chance of having
remained. Time is cut into intervals (weeks). In the arm *never* the chance of departing in an interval is a pooled
logistic model of the columns and of bands of time; a subject's weight is ``1 / prod(1 - p)`` over the intervals it has
completed. Nobody departs after the last interval with a departure, and weights stay as they are from there. In the arm
*start* there is one occasion to depart, at `grace`, and one logistic model among those still watched then. So up to
`grace` its risk is that of the records, and from there on those who had started stand for all who are left.

Weights are not stabilised: a factor that depends on time alone multiplies events and those at risk alike and leaves
this curve as it is. Both risks are one minus the weighted Kaplan-Meier curve. The interval draws clusters again and
fits all models anew in every draw.

The model of departing has no interaction of columns and time. Where a column moves starting early on but not later (or
a share of those with it never starts, whatever it is), the weights of *never* are off by as much.

What the caller must guarantee: the columns hold everything that decides both about starting and about the event, and
the end of observation has nothing to do with the event.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.bootstrap import draw_counts
from outcomes.estimators.checks import (
    FloatArray,
    check_columns,
    check_level,
    check_numbers,
    check_whole,
    read_number,
    refuse_where,
    refused,
)
from outcomes.estimators.clone_arms import Arm, ArmRisk, Subjects, arm_draws, arm_risk, never_arm, start_arm
from outcomes.estimators.curves.kaplan_meier import check_events, check_times
from outcomes.estimators.risk_draws import keep_fitted, risk_limits
from outcomes.estimators.row_codes import code_rows


@dataclass(frozen=True, slots=True)
class StrategyArm:
    """One strategy's clones.

    Attributes
    ----------
    risk, conf_low, conf_high : float
        Share with the event by the horizon, with its limits.
    time, survival : ndarray, shape (m,)
        The weighted curve: distinct event times up to the horizon, and the share without the event after each.
    n_departed : int
        Clones censored because their subject departed from the strategy before the horizon.
    n_events : int
        Events by the horizon that count in this arm, unweighted.
    n_end : int
        Clones still followed at the horizon, events not counted.
    largest_weight : float
        Largest weight of a clone at risk, before any cut.
    share_cut : float
        Share of the clones' intervals at risk whose weight was cut.
    """

    risk: float
    conf_low: float
    conf_high: float
    time: FloatArray
    survival: FloatArray
    n_departed: int
    n_events: int
    n_end: int
    largest_weight: float
    share_cut: float


@dataclass(frozen=True, slots=True)
class CloneCensorWeight:
    """Risks by the horizon under two strategies.

    Attributes
    ----------
    start, never : StrategyArm
    difference, difference_low, difference_high : float
        *Start within grace* minus *never*; limits by `limits.interval_limits` on the scale of Fisher's z.
    grace, horizon, interval, cut_quantile, level : float
        As given.
    n : int
        Subjects; each is in both arms.
    draws, n_failed : int
        Bootstrap draws, and those of them in which a model has no finite fit; these are left out.
    """

    start: StrategyArm
    never: StrategyArm
    difference: float
    difference_low: float
    difference_high: float
    grace: float
    horizon: float
    interval: float
    cut_quantile: float
    level: float
    n: int
    draws: int
    n_failed: int


def clone_censor_weight(
    time: ArrayLike,
    event: ArrayLike,
    start: ArrayLike,
    X: ArrayLike,
    grace: float,
    horizon: float,
    cluster: ArrayLike | None = None,
    draws: int = 500,
    seed: int | list[int] = 0,
    level: float = 0.95,
    interval: float = 7.0,
    cut_quantile: float = 1.0,
) -> CloneCensorWeight:
    """Estimate the risk by `horizon` had all started within `grace`, and had none started.

    Parameters
    ----------
    time, event : array_like, shape (n,)
        As in `curves.kaplan_meier`, from time zero on; days where `interval` is to be weeks.
    start : array_like, shape (n,)
        When each subject started, above 0; ``inf`` where it never did. A start after `time` was never seen and counts
        as none. On one and the same day the event comes before the start, as it does before any censoring.
    X : array_like, shape (n, p)
        What was known at time zero, without a constant column; may have no columns.
    grace, horizon : float
        ``0 < grace < horizon``.
    cluster : array_like, shape (n,), optional
        Patient of each row, drawn together. Every row is one when not given.
    draws, seed, level
        As in `weighted_risk.overlap_risk`.
    interval : float
        Length of the intervals of the pooled model; 7 for weeks of days. Who departs within a week is made up for from
        the next one on, which leaves a little of the confounding in *never*: where one binary column doubled both
        hazards its risk, .639, came out .005 too low by weeks and .0015 by days (1,500 simulated sets). With 1 the
        weights change from day to day, at about twice the cost.
    cut_quantile : float
        Weights above this quantile of all weights at risk in their arm are cut to it, and in the draws to the full
        data's value; 1 for no cut. Cutting trades bias for spread.

    Raises
    ------
    InputRefused
        What `curves.kaplan_meier` refuses; E747 a start at or before time zero: leave those rows out; E748 `grace`,
        `horizon` or `interval` out of place; E749 `cut_quantile` outside [0.5, 1]; E741, E742 columns that do not vary
        or that others determine; E746 fewer than two draws.
    NotEstimable
        Nobody keeps to a strategy, or is watched in it to the horizon; a model that separates or does not converge;
        more than 5 % of the draws without a finite fit.
    """
    grace, horizon, interval, cut_quantile = _check_settings(grace, horizon, interval, cut_quantile)
    rows, place = _read_rows(time, event, start, X, horizon)
    level, draws = check_level(level), check_whole("draws", draws, "E746", 2)
    who = np.arange(place.size) if cluster is None else check_numbers("cluster", cluster, place.size)
    arms = [start_arm(rows, grace, horizon), never_arm(rows, horizon, interval)]
    found = [arm_risk(arm, cut_quantile) for arm in arms]
    counts = draw_counts(place, who, draws, seed)
    fitted = [arm_draws(arm, one.fit, counts, one.cut) for arm, one in zip(arms, found, strict=True)]
    reached = fitted[0][1] & fitted[1][1]
    drawn, failed = keep_fitted(np.stack([risks for risks, _ in fitted], axis=1), reached, "the model of departing")
    risks = [np.array([one.risk]) for one in found]
    limits = risk_limits(risks[0], risks[1], drawn[:, :1], drawn[:, 1:], level)
    told = [_tell(*parts) for parts in zip(arms, found, limits[:2], strict=True)]
    return CloneCensorWeight(
        start=told[0],
        never=told[1],
        difference=told[0].risk - told[1].risk,
        difference_low=float(limits[2][0][0]),
        difference_high=float(limits[2][1][0]),
        grace=grace,
        horizon=horizon,
        interval=interval,
        cut_quantile=cut_quantile,
        level=level,
        n=place.size,
        draws=draws,
        n_failed=failed,
    )


def _read_rows(
    time: ArrayLike, event: ArrayLike, start: ArrayLike, X: ArrayLike, horizon: float
) -> tuple[Subjects, NDArray[np.intp]]:
    """Check the rows and count the distinct ones; also returns the kind of each row."""
    end = check_numbers("time", check_times(time))
    happened = check_events(event, end.size).astype(np.float64)
    begun = check_numbers("start", start, end.size, allow_infinite=True)
    refuse_where(begun <= 0, "E747", "start", "is at or before time zero; leave out who had started by then.")
    table = check_columns("X", X, end.size).astype(np.float64, copy=False)
    if not end.size:
        raise NotEstimable("Nothing to estimate from: no rows were given.")
    happened = np.where(end <= horizon, happened, 0.0)
    end = np.minimum(end, horizon)
    begun = np.where(begun > end, np.inf, begun)
    first, place = code_rows([end, happened, begun, table])
    count = np.bincount(place).astype(np.float64)
    return Subjects(end[first], happened[first], begun[first], table[first], count), place


def _check_settings(grace: object, horizon: object, interval: object, cut: object) -> tuple[float, float, float, float]:
    numbers = [read_number(value) for value in (grace, horizon, interval, cut)]
    for name, number in zip(("grace", "horizon", "interval"), numbers[:3], strict=True):
        if not 0.0 < number < np.inf:
            raise refused("E748", name, "must be one number above 0.")
    if numbers[0] >= numbers[1]:
        raise refused("E748", "grace", "must be below 'horizon'.")
    if not 0.5 <= numbers[3] <= 1.0:
        raise refused("E749", "cut_quantile", "must be one number from 0.5 to 1.")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _tell(arm: Arm, found: ArmRisk, limits: tuple[FloatArray, FloatArray]) -> StrategyArm:
    at_end = (arm.exit >= arm.horizon) & (arm.event == 0) & ~arm.departed
    departed, events, end = (round(float(arm.count[which].sum())) for which in (arm.departed, arm.event > 0, at_end))
    return StrategyArm(
        risk=found.risk,
        conf_low=float(limits[0][0]),
        conf_high=float(limits[1][0]),
        time=found.time,
        survival=found.survival,
        n_departed=departed,
        n_events=events,
        n_end=end,
        largest_weight=found.largest,
        share_cut=found.share_cut,
    )
