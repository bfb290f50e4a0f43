"""One comparison of two arms from the first treatment visit on, and the rows of the table it gives.

Every comparison of treatments passes through here: the episodes that can be compared, what they are made alike in, the
gate, the weighted curves of time to relief, and the same without weights beside it. A comparison the gate refuses has
rows without numbers, and the reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.overlap_relief import OverlapRelief, overlap_relief
from outcomes.estimators.shrinkage import benjamini_hochberg
from outcomes.questions.adjustment import Adjustment
from outcomes.questions.arm_balance import BalanceRow, note_balance, tabulate_balance
from outcomes.questions.contrast_gate import Check, check_after, check_before, check_followed
from outcomes.questions.results import FloatArray, say_refusal
from outcomes.questions.treating_units import Units
from outcomes.questions.treatment_arms import Arms, choose_columns_of, keep_comparable

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

NAN = float("nan")
DESCRIPTIVE, ADJUSTED, SIGNAL, NOT_ESTIMABLE = (
    "descriptive",
    "adjusted association",
    "signal / no signal",
    "not estimable",
)
"""The tags every line ends with."""
DIFFERENCE, RATIO, DAYS, EPISODES, POINTS = "difference", "ratio", "days", "episodes", "points"
"""Scales of an estimate: share with minus share without, their ratio, days, episodes for one more, NRS points."""
MAIN = "adjusted"
"""The analysis that alone is a test."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table of comparisons.

    Attributes
    ----------
    contrast, label : str
        Id and words of what is compared.
    analysis, analysis_label : str
        How.
    scale : str
        What `estimate` is; see `DIFFERENCE`.
    horizon_days : int
    estimate, conf_low, conf_high, p_value : float
    with_value, without_value : float
        Share relieved (or mean) of each arm.
    n_with, n_without, events_with, events_without : float
        Episodes of each arm, and those seen relieved by the horizon.
    tag : str
        `DESCRIPTIVE`, `ADJUSTED`, `SIGNAL` or `NOT_ESTIMABLE`.
    reason : str
        Why there is no estimate.
    """

    contrast: str
    label: str
    analysis: str
    analysis_label: str
    scale: str
    horizon_days: int
    estimate: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN
    p_value: float = NAN
    with_value: float = NAN
    without_value: float = NAN
    n_with: float = NAN
    n_without: float = NAN
    events_with: float = NAN
    events_without: float = NAN
    tag: str = ADJUSTED
    reason: str = ""

    def refuse(self, reason: str) -> Line:
        """Return the row without a number."""
        return replace(self, tag=NOT_ESTIMABLE, reason=reason)


LINE_COLUMNS = tuple(item.name for item in fields(Line))


@dataclass(frozen=True, slots=True)
class Contrast:
    """A comparison, fitted or refused.

    Attributes
    ----------
    arms : Arms
        Of the episodes compared.
    units : Units
    checks : list of Check
    reason : str
        Of the first check that failed; empty where none did.
    chosen : Adjustment or None
    found : OverlapRelief or None
        None where it could not be fitted, or the gate refused before.
    balance : list of BalanceRow
    notes : tuple of str
    """

    arms: Arms
    units: Units
    checks: list[Check]
    reason: str = ""
    chosen: Adjustment | None = None
    found: OverlapRelief | None = None
    balance: list[BalanceRow] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> FloatArray:
        """Columns the arms are made alike in, shape (n, p)."""
        if self.chosen is None:
            raise NotEstimable(self.reason)
        return self.chosen.table

    @property
    def shown(self) -> OverlapRelief | None:
        """What may be shown: the fit of a comparison that passed the gate."""
        return None if self.reason else self.found


def fit_contrast(episodes: Episodes, arms: Arms, horizon: int, draws: int, workers: int = 1) -> Contrast:
    """Make two arms alike and compare them, or say why not.

    Parameters
    ----------
    episodes : Episodes
    arms : Arms
        Of all eligible episodes.
    horizon : int
        Day at which the shares relieved are compared.
    draws : int
        Bootstrap draws of patients, each of which fits the propensity anew: 2 or more, or 0 for the estimate alone.
    workers : int
        Threads; the numbers do not depend on it.
    """
    compared, units = keep_comparable(episodes, arms)
    checks = check_before(arms, compared, units, horizon, episodes.protocol)
    if reason := first_reason(checks):
        return Contrast(compared, units, checks, reason)
    chosen = choose_columns_of(episodes, compared, units)
    try:
        found = fit_relief(episodes, compared, chosen, horizon, draws, workers)
    except NotEstimable as refusal:
        reason = name_columns(say_refusal(refusal), chosen)
        return Contrast(compared, units, [*checks, Check("fit", NAN, NAN, NAN, False, reason)], reason, chosen)
    rows = tabulate_balance(chosen, compared.treated, found.weights)
    effective = found.ess_treated, found.ess_control
    checks += [Check("fit", NAN, NAN, NAN, True), *check_after(compared, found.propensity, effective, rows, episodes)]
    return Contrast(compared, units, checks, first_reason(checks), chosen, found, rows, note_balance(chosen, rows))


def name_columns(reason: str, chosen: Adjustment) -> str:
    """Put the words for a fact where the estimator could only give the place of its column."""
    labels = [block.label for block in chosen.used for _ in block.names]
    said = re.sub(r"X\[:, (\d+)\]", lambda found: labels[int(found[1])], reason)
    return said[0].lower() + said[1:]


def fit_unadjusted(episodes: Episodes, arms: Arms, horizon: int, draws: int, workers: int = 1) -> OverlapRelief:
    """Compare the same episodes as they are."""
    return fit_relief(episodes, arms, None, horizon, draws, workers)


def fit_relief(
    episodes: Episodes, arms: Arms, chosen: Adjustment | None, horizon: int, draws: int, workers: int
) -> OverlapRelief:
    """Compare relief in two arms weighted by the columns chosen, or by none."""
    protocol, rows = episodes.protocol, arms.rows
    return overlap_relief(
        # Held by nobody else, the table is gone before draws are made.
        np.zeros((rows.n, 0)) if chosen is None else chosen.table,
        arms.treated,
        rows.left_days,
        rows.right_days,
        horizon,
        find_mean_end(arms, horizon, protocol),
        cluster=rows.patient,
        draws=draws,
        seed=protocol.inference.seed,
        level=protocol.inference.level,
        workers=workers,
    )


def find_mean_end(arms: Arms, horizon: int, protocol: Protocol) -> int:
    """Return the day of the restricted mean: the protocol's, or the horizon where an arm is not followed so long."""
    until = protocol.horizons_days.rmst
    return until if check_followed(arms, until, protocol).is_met else horizon


def first_reason(checks: list[Check]) -> str:
    """Return the reason of the first check that failed; empty where none did."""
    return next((check.reason for check in checks if not check.is_met), "")


def count_arms(line: Line, arms: Arms) -> Line:
    """Return the row with the numbers of both arms."""
    arm, seen = arms.treated, arms.rows.right_days <= line.horizon_days
    return replace(
        line,
        n_with=int(arm.sum()),
        n_without=int((~arm).sum()),
        events_with=int((seen & arm).sum()),
        events_without=int((seen & ~arm).sum()),
    )


def difference_line(line: Line, found: OverlapRelief) -> Line:
    """Return the row with the difference of the shares relieved."""
    return replace(
        line,
        estimate=float(found.difference[0]),
        conf_low=float(found.difference_low[0]),
        conf_high=float(found.difference_high[0]),
        p_value=float(found.p_value[0]),
        with_value=float(found.share_treated[0]),
        without_value=float(found.share_control[0]),
    )


def other_scales(head: Line, found: OverlapRelief) -> list[Line]:
    """Return the rows of the same fit on other scales: ratio, restricted mean, episodes for one more.

    The restricted mean is taken to the protocol's day, or to the primary day where an arm is not followed for so long.
    """
    ratio = replace(
        head,
        scale=RATIO,
        estimate=float(found.ratio[0]),
        conf_low=float(found.ratio_low[0]),
        conf_high=float(found.ratio_high[0]),
        with_value=float(found.share_treated[0]),
        without_value=float(found.share_control[0]),
    )
    mean = replace(
        head,
        scale=DAYS,
        horizon_days=int(found.mean_until),
        estimate=float(found.mean_difference),
        conf_low=float(found.mean_difference_low),
        conf_high=float(found.mean_difference_high),
        with_value=float(found.mean_treated),
        without_value=float(found.mean_control),
    )
    return [ratio, mean, _number_line(replace(head, scale=EPISODES), found)]


def _number_line(line: Line, found: OverlapRelief) -> Line:
    """Episodes for one more (below 0: one fewer) relieved; none where the interval of the difference holds 0.

    There one more and one fewer are both possible, and the interval of the number runs through infinity (Altman 1998,
    doi:10.1136/bmj.317.7168.1309).
    """
    low, high = float(found.difference_low[0]), float(found.difference_high[0])
    if math.isnan(low) or low <= 0 <= high:
        return line.refuse("the difference may be none: the number of episodes for one more relieved has no bound")
    return replace(line, estimate=1.0 / float(found.difference[0]), conf_low=1.0 / high, conf_high=1.0 / low)


def tabulate_lines(lines: Sequence[object], names: Sequence[str] = LINE_COLUMNS) -> pd.DataFrame:
    """One row a line, one column an attribute; numbers of arms are whole where there are any."""
    import pandas as pd

    table = pd.DataFrame([[getattr(line, name) for name in names] for line in lines], columns=list(names))
    for name in ("n_with", "n_without", "events_with", "events_without"):
        table[name] = pd.Series([value if math.isnan(value) else int(value) for value in table[name]], dtype=object)
    return table


def add_q_values(table: pd.DataFrame, analysis: str) -> pd.DataFrame:
    """Add ``q_value``: Benjamini-Hochberg over the differences of one analysis; NaN elsewhere.

    Whatever some episodes began with and others without was asked, and counts, also where the gate then refuses the
    number: the gate looks at relief, so that those it leaves are no family fixed beforehand.

    Parameters
    ----------
    table : DataFrame
        `LINE_COLUMNS`.
    analysis : str
        The analysis that makes the claims; none of the table's where it is a check of another one.
    """
    main = (table["analysis"] == analysis) & (table["scale"] == DIFFERENCE)
    n_asked = int((main & (table["n_with"] > 0) & (table["n_without"] > 0)).sum())
    table = table.copy()
    table["q_value"] = np.nan
    table.loc[main, "q_value"] = benjamini_hochberg(table.loc[main, "p_value"].to_numpy(dtype=np.float64), n_asked)
    return table
