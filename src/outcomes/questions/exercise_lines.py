"""One row of the exercise question: two arms, made alike and compared, or the reason why they are not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from outcomes.errors import NotEstimable
from outcomes.estimators.weighted_risk import OverlapRisk, overlap_risk
from outcomes.questions import results
from outcomes.questions.adjustment import Adjustment
from outcomes.questions.arm_balance import LARGEST_IMBALANCE, BalanceRow, find_worst, note_balance, tabulate_balance
from outcomes.questions.exercise_cohort import ExerciseCohort, choose_columns_of
from outcomes.questions.results import Flags

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

GRACE_DAYS = 30
WITH, WITHOUT = "with", "without"
DIFFERENCE, HAZARD_RATIO = "difference", "hazard_ratio"
DRAWS_BESIDE, FEWEST_DRAWS, ROWS_DRAWN = 200, 100, 2_000_000
"""Draws of patients for the lines beside the main one; with many episodes fewer, so that about as many rows are drawn
in all. An interval needs only the mean and the spread of the draws, and a hundred give the spread to 7 %."""
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table; see `Rehabilitation`."""

    analysis: str
    label: str
    landmark_days: int
    exercise: str
    maintenance: str
    horizon_days: int
    scale: str
    estimate: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN
    risk_with: float = NAN
    risk_without: float = NAN
    n: int = 0
    events: int = 0
    n_with: float = NAN
    n_without: float = NAN
    events_with: float = NAN
    events_without: float = NAN
    effective_with: float = NAN
    effective_without: float = NAN
    reason: str = ""


def head_line(episodes: Episodes, analysis: str, landmark: int, exercise: str = "any", maintenance: str = WITH) -> Line:
    """The head of a row."""
    what = {
        "any": "any active exercise",
        "supervised": "supervised exercise, alone or with home exercise,",
        "home": "home exercise only",
    }[exercise]
    ways = {
        "landmark": f"{what} before day {landmark} after relief",
        "state": f"{what}, as a state that begins when it begins",
        "state_new_episodes": f"{what}, as a state that begins when it begins; new episodes only",
        "strategies": f"starting within {GRACE_DAYS} days of relief, against never",
    }
    apart = "; without maintenance care" if maintenance == WITHOUT else ""
    day = episodes.protocol.horizons_days.primary_recurrence
    scale = HAZARD_RATIO if analysis.startswith("state") else DIFFERENCE
    return Line(analysis, ways[analysis] + apart, landmark, exercise, maintenance, day, scale)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row, and what only the main one tells besides."""

    line: Line
    balance: list[BalanceRow] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    adjusted: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def count_arms(head: Line, cohort: ExerciseCohort, arm: Flags) -> Line:
    """The head with the numbers of both arms; returns by the horizon, for ratios all that were seen."""
    seen = cohort.rows.event & ((cohort.rows.stop_days <= head.horizon_days) | (head.scale == HAZARD_RATIO))
    with_arm, without = int((seen & arm).sum()), int((seen & ~arm).sum())
    return replace(
        head,
        n=arm.size,
        events=with_arm + without,
        n_with=int(arm.sum()),
        n_without=int((~arm).sum()),
        events_with=with_arm,
        events_without=without,
    )


def say_too_small(line: Line, protocol: Protocol) -> str:
    """Why an arm is too small to compare, or nothing."""
    floor = protocol.reporting_floor
    if min(line.n_with, line.n_without) < floor.compare_min_episodes:
        return f"an arm has fewer than {floor.compare_min_episodes} episodes"
    if min(line.events_with, line.events_without) < floor.compare_min_events:
        return f"an arm has fewer than {floor.compare_min_events} returns"
    return ""


def withhold(line: Line) -> Line:
    """Return a line beside a main one that is refused: its counts, and no number that would be read in its stead."""
    if line.reason:
        return line
    return replace(
        line,
        estimate=NAN,
        conf_low=NAN,
        conf_high=NAN,
        risk_with=NAN,
        risk_without=NAN,
        effective_with=NAN,
        effective_without=NAN,
        reason="the main line cannot be compared",
    )


def count_draws(most: int, n: int) -> int:
    """Draws for n episodes: `most`, or fewer where there are many."""
    return min(most, max(FEWEST_DRAWS, ROWS_DRAWN // max(n, 1)))


def compare_arms(episodes: Episodes, cohort: ExerciseCohort, head: Line, draws: int = DRAWS_BESIDE) -> Comparison:
    """The overlap-weighted difference of one cohort, or why there is none."""
    protocol = episodes.protocol
    arm = cohort.exercised
    line = count_arms(head, cohort, arm)
    summary: dict[str, Any] = {"n": line.n, "n_events": line.events, "n_with": line.n_with, "n_without": line.n_without}
    if reason := say_too_small(line, protocol):
        return Comparison(replace(line, reason=reason), summary=summary)
    chosen = choose_columns_of(episodes, cohort, arm)
    try:
        found = _fit_overlap(cohort, chosen, arm, line, draws, protocol)
    except NotEstimable as refusal:
        return Comparison(replace(line, reason=results.say_refusal(refusal)), summary=summary)
    table = tabulate_balance(chosen, arm, found.weights)
    worst = find_worst(table)
    notes = note_balance(chosen, table)
    names = tuple(block.label for block in chosen.used)
    summary |= {"largest_smd": worst, "n_columns": len(chosen.names), "n_draws": found.draws}
    reason = _too_different(found, worst, protocol)
    if reason:
        return Comparison(replace(line, reason=reason), table, summary, names, notes)
    line = replace(
        line,
        estimate=float(found.difference[0]),
        conf_low=float(found.difference_low[0]),
        conf_high=float(found.difference_high[0]),
        risk_with=float(found.risk_treated[0]),
        risk_without=float(found.risk_control[0]),
        effective_with=found.ess_treated,
        effective_without=found.ess_control,
    )
    return Comparison(line, table, summary, names, notes)


def _fit_overlap(
    cohort: ExerciseCohort, chosen: Adjustment, arm: Flags, line: Line, draws: int, protocol: Protocol
) -> OverlapRisk:
    rows, inference = cohort.rows, protocol.inference
    for side in (arm, ~arm):
        part = rows.take(side)
        at_risk, _ = results.count_days(part.stop_days, part.event, line.horizon_days + 1, part.start_days)
        if results.find_last_day(at_risk, part.episode.size, protocol) < line.horizon_days:
            raise NotEstimable(f"too few of an arm are followed for {line.horizon_days} days")
    return overlap_risk(
        chosen.table,
        arm,
        rows.stop_days,
        rows.event,
        line.horizon_days,
        cluster=rows.patient,
        entry=rows.start_days,
        draws=count_draws(draws, arm.size),
        seed=inference.seed,
        level=inference.level,
    )


def _too_different(found: OverlapRisk, worst: float, protocol: Protocol) -> str:
    """Why the weighted arms cannot be compared, or nothing."""
    least = protocol.reporting_floor.compare_min_effective_n
    if min(found.ess_treated, found.ess_control) < least:
        return f"an arm has an effective size of fewer than {least} episodes"
    if worst >= LARGEST_IMBALANCE:
        return "the arms still differ in what is recorded after weighting"
    return ""
