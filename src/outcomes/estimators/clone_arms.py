"""One strategy's clones: who departs when, the weights of those who remain, and the weighted curve.

Both arms are the same thing: an end of follow-up for every subject, a logistic model of departing in terms of counted
rows, and weights that are constant within intervals. See `outcomes.estimators.clone_weights` for what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import FloatArray, refused
from outcomes.estimators.logistic import Logistic, draws_together, fit_draws, fit_logistic
from outcomes.estimators.orthogonal import Design, build_design, find_ends, find_fixed
from outcomes.estimators.risk_draws import shares_left

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

MOST_BANDS = 6
"""Bands of time in the model of departing, and the fewest departures for each of them."""
DEPARTURES_A_BAND = 10


@dataclass(frozen=True, slots=True)
class Subjects:
    """Distinct subjects, m of them.

    ``time`` (m,) is cut at the horizon; ``event`` (m,); ``start`` (m,) is inf where none was seen; ``table`` (m, p);
    ``count`` (m,) is how many there are of each.
    """

    time: FloatArray
    event: FloatArray
    start: FloatArray
    table: FloatArray
    count: FloatArray


@dataclass(frozen=True, slots=True)
class Arm:
    """The clones of one strategy.

    Attributes
    ----------
    name : str
    exit, event : ndarray, shape (m,)
        End of follow-up in this arm, and whether it is the event. Sorted by exit.
    departed : ndarray of bool, shape (m,)
    count : ndarray, shape (m,)
    order : ndarray of int, shape (m,)
        The subject of each clone.
    slot : ndarray of int, shape (m,)
        The interval of each clone's exit; it is at risk in this one and all before.
    passed : ndarray, shape (bands, k)
        Intervals of each band of the model that are completed before each interval.
    row_of, band_of : ndarray of int, shape (r,)
        Clone and band of each row of the model.
    yes, trials : ndarray, shape (r,)
        Departures in, and intervals at risk, of each row.
    columns : ndarray, shape (m, p)
    horizon : float
    """

    name: str
    exit: FloatArray
    event: FloatArray
    departed: Flags
    count: FloatArray
    order: IntArray
    slot: IntArray
    passed: FloatArray
    row_of: IntArray
    band_of: IntArray
    yes: FloatArray
    trials: FloatArray
    columns: FloatArray
    horizon: float

    def model_columns(self) -> FloatArray:
        """Columns of the model, shape (r, bands + p): one for each band, then those of the subjects."""
        bands = (self.band_of[:, None] == np.arange(self.passed.shape[0])).astype(np.float64)
        return np.column_stack([bands, self.columns[self.row_of]])


@dataclass(frozen=True, slots=True)
class ArmFit:
    """The model of departing of the full data; None for all where nobody departed."""

    design: Design | None
    model: Logistic | None


@dataclass(frozen=True, slots=True)
class ArmRisk:
    """Risk by the horizon, its curve, the largest weight, the value weights are cut to, and the share of them cut."""

    risk: float
    time: FloatArray
    survival: FloatArray
    largest: float
    cut: float
    share_cut: float
    fit: ArmFit


def start_arm(rows: Subjects, grace: float, horizon: float) -> Arm:
    """Clones that depart at `grace` if nothing was started by then."""
    reached = rows.time > grace
    departed = reached & ~(rows.start <= grace)
    leave = np.where(departed, grace, rows.time)
    kept = float(rows.count[reached & ~departed].sum())
    if not kept:
        raise NotEstimable("The strategy of starting is not estimable: nobody who started in time is watched after it.")
    order = np.argsort(leave, kind="stable")
    row_of = np.flatnonzero(reached[order])
    return Arm(
        "start",
        leave[order],
        np.where(departed, 0.0, rows.event)[order],
        departed[order],
        rows.count[order],
        order,
        (leave[order] > grace).astype(np.intp),
        np.array([[0.0, 1.0]]),
        row_of,
        np.zeros(row_of.size, dtype=np.intp),
        departed[order][row_of].astype(np.float64),
        np.ones(row_of.size),
        rows.table[order],
        horizon,
    )


def never_arm(rows: Subjects, horizon: float, interval: float) -> Arm:
    """Clones that depart on the day of starting."""
    departed = (rows.start < rows.time) | ((rows.start == rows.time) & (rows.event == 0) & (rows.time < horizon))
    leave = np.where(departed, rows.start, rows.time)
    order = np.argsort(leave, kind="stable")
    leave, departed, count = leave[order], departed[order], rows.count[order]
    # Interval j is (j * interval, (j + 1) * interval]; time 0 belongs to the first.
    slot = np.maximum(np.ceil(leave / interval - 1e-9).astype(np.intp) - 1, 0)
    last = int(slot[departed].max()) if departed.any() else -1
    bands = _bands(slot[departed], count[departed], last)
    begin = np.concatenate([[0], bands[:-1] + 1]).astype(np.intp)
    # Intervals of each band that a clone entered, shape (m, bands); the one it leaves in included.
    entered = np.clip(np.minimum(slot[:, None], bands) - begin + 1, 0, None)
    row_of, band_of = np.nonzero(entered)
    in_band = (slot[:, None] >= begin) & (slot[:, None] <= bands) & departed[:, None]
    return Arm(
        "never",
        leave,
        np.where(departed, 0.0, rows.event[order]),
        departed,
        count,
        order,
        np.minimum(slot, last + 1),
        np.clip(np.minimum(np.arange(last + 2) - 1, bands[:, None]) - begin[:, None] + 1, 0, None).astype(np.float64),
        row_of,
        band_of,
        in_band[row_of, band_of].astype(np.float64),
        entered[row_of, band_of].astype(np.float64),
        rows.table[order],
        horizon,
    )


def _bands(slot: IntArray, count: FloatArray, last: int) -> IntArray:
    """Return the last interval of each band: equal shares of the departures, enough of them in each."""
    if last < 0:
        return np.zeros(0, dtype=np.intp)
    seen = np.cumsum(np.bincount(slot, weights=count, minlength=last + 1))
    n = int(np.clip(seen[-1] // DEPARTURES_A_BAND, 1, MOST_BANDS))
    ends = np.searchsorted(seen, seen[-1] * np.arange(1, n + 1) / n - 1e-9)
    return np.unique(ends)


def arm_risk(arm: Arm, cut_quantile: float) -> ArmRisk:
    """Fit the model of departing and estimate the risk, or refuse."""
    fit = _fit(arm)
    weights, at_risk = _weights(arm, None if fit.model is None else fit.model.coef), _at_risk(arm)
    largest, cut, share = float(weights[at_risk].max()), float("inf"), 0.0
    if cut_quantile < 1.0:
        many = np.broadcast_to(arm.count[:, None], weights.shape)[at_risk]
        cut = _weighted_quantile(weights[at_risk], many, cut_quantile)
        share = float(many[weights[at_risk] > cut].sum() / many.sum())
    times, survival = _curve(arm, np.minimum(weights, cut), arm.count)
    if arm.exit[~arm.departed].max(initial=0.0) < arm.horizon and not (survival.size and survival[-1] == 0):
        raise NotEstimable(f"The strategy '{arm.name}' is not estimable: nobody who keeps to it is watched to the end.")
    return ArmRisk(1.0 - float(survival[-1]) if survival.size else 0.0, times, survival, largest, cut, share, fit)


def arm_draws(arm: Arm, fit: ArmFit, counts: NDArray[Any], cut: float) -> tuple[FloatArray, Flags]:
    """Fit and estimate every draw: risks by the horizon, shape (draws,), and whether the model has a fit.

    `counts`, shape (draws, m), are those of the subjects.
    """
    n = counts.shape[0]
    risk, reached = np.zeros(n), np.ones(n, dtype=bool)
    length = draws_together(arm.row_of.size)
    for begin in range(0, n, length):
        part = slice(begin, begin + length)
        count = counts[part][:, arm.order].astype(np.float64)
        coef = None
        if fit.design is not None and fit.model is not None:
            turned, reached[part] = fit_draws(fit.design, arm.yes, arm.trials, count[:, arm.row_of], fit.model.turned)
            coef = fit.design.to_coef(turned)
        for i in np.flatnonzero(reached[part]):
            survival = _curve(arm, np.minimum(_weights(arm, None if coef is None else coef[i]), cut), count[i])[1]
            risk[begin + i] = 1.0 - survival[-1] if survival.size else 0.0
    return risk, reached


def _fit(arm: Arm) -> ArmFit:
    if not arm.departed.any():
        return ArmFit(None, None)
    bands = arm.passed.shape[0]
    for j in np.flatnonzero(find_fixed(*find_ends(arm.columns))):
        raise refused(
            "E741",
            f"X[:, {j}]",
            "has one value only, to 12 digits; a constant is in the model already.",
            "Leave it out.",
        )
    count = arm.count[arm.row_of]
    design = build_design(arm.model_columns(), count * arm.trials, constants=bands)
    if design.same is not None:
        what = f"says nothing of its own about who departs from '{arm.name}': the columns before it determine it there."
        raise refused("E742", f"X[:, {max(design.same - bands, 0)}]", what, "Leave it out.")
    model = fit_logistic(design, count * arm.yes, count * arm.trials)
    if model.status == "separated":
        raise NotEstimable(
            f"The strategy '{arm.name}' is not estimable: some were certain to depart from it, or not to, going by "
            "their columns or the time (separation). Weights would have no finite value."
        )
    if model.status != "reached":
        raise NotEstimable(f"The strategy '{arm.name}' is not estimable: the model of departing did not converge.")
    return ArmFit(design, model)


def _weights(arm: Arm, coef: FloatArray | None) -> FloatArray:
    """Weight of each clone in each interval, shape (m, k); 1 where nobody departs and there is no model."""
    bands, k = arm.passed.shape
    if coef is None:
        return np.ones((arm.exit.size, k))
    log_odds = (arm.columns @ coef[bands:])[:, None] + coef[:bands]
    # -log(1 - p) of an interval in each band.
    return np.exp(np.logaddexp(0.0, log_odds) @ arm.passed)


def _at_risk(arm: Arm) -> Flags:
    return arm.slot[:, None] >= np.arange(arm.passed.shape[1])


def _curve(arm: Arm, weights: FloatArray, count: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the event times and the weighted curve, shape (t,) each; weights change between intervals only."""
    k = weights.shape[1]
    own = count * weights[np.arange(arm.slot.size), arm.slot]
    # Clones are sorted by exit, so those at risk in an interval are the last ones.
    begin = np.searchsorted(arm.slot, np.arange(k), side="left")
    at_start = count @ (weights * _at_risk(arm))
    before = np.concatenate([[0.0], np.cumsum(own)])
    times = np.unique(arm.exit[arm.event > 0])
    first = np.searchsorted(arm.exit, times, side="left")
    where = arm.slot[first]
    at_risk = at_start[where] - (before[first] - before[begin[where]])
    events = np.add.reduceat(own * arm.event, first) if times.size else np.zeros(0)
    return times, np.cumprod(shares_left(events, at_risk)).astype(np.float64, copy=False)


def _weighted_quantile(values: FloatArray, count: FloatArray, share: float) -> float:
    """Return the smallest value up to which at least this share of the counted values lies."""
    order = np.argsort(values)
    seen = np.cumsum(count[order])
    return float(values[order][np.searchsorted(seen, share * seen[-1] - 1e-9 * seen[-1])])
