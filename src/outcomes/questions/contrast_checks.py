"""Lines beside the main one of a comparison: the same arms, judged in other ways.

Other definitions of relief; pain itself near the primary day, among those rated then (a doubly robust mean and analysis
of covariance); the first episode of each patient; a clinic left out at a time; and an outcome on which no difference
is expected: coming back for another region of the body. Where that last one differs between the arms, so do the arms.

The main line alone is a test. No line here has a p-value: among a dozen of them one small enough turns up by luck.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows, build_treatment_rows
from outcomes.cases.schema import HUNDREDTHS, MISSING
from outcomes.cases.timeline import find_measured_rows
from outcomes.errors import NotEstimable
from outcomes.estimators.doubly_robust import augmented_difference
from outcomes.estimators.linear import linear_regression
from outcomes.estimators.overlap_relief import OverlapRelief
from outcomes.estimators.weighted_risk import overlap_risk
from outcomes.estimators.weighting import overlap_weights
from outcomes.questions.adjustment import Adjustment
from outcomes.questions.arm_balance import tabulate_balance
from outcomes.questions.contrast_gate import check_after, check_before, check_followed
from outcomes.questions.contrast_lines import (
    POINTS,
    Contrast,
    Line,
    count_arms,
    difference_line,
    first_reason,
    fit_contrast,
    fit_relief,
    name_columns,
)
from outcomes.questions.response_lines import WINDOW_DAYS, find_nearest
from outcomes.questions.results import Flags, FloatArray, count_days, find_last_day, say_refusal
from outcomes.questions.treating_units import Units
from outcomes.questions.treatment_arms import Arms, choose_columns_of, keep_comparable

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

DRAWS_BESIDE, DRAWS_OF_CLINICS = 100, 50
"""Draws of patients: a hundred give the spread to 7 %; without a clinic it is the estimate that is looked at."""
OTHER_REGION_DAYS = 182
FIRST_EPISODE, OTHER_REGION, CONTROL_EXPOSURE = "first_episode", "other_region", "control_exposure"
_RULE_LABELS = {
    "any": "relief: first rating at half, even if contradicted",
    "confirmed": "relief: at half, not contradicted",
    "strict": "relief: at half at two visits in a row",
    "resolved": "resolved: 0 or 1",
    "pct30_and_2": "relief: 30 % and 2 points",
    "zero": "no pain at all",
}


def beside_line(line: Line, found: OverlapRelief) -> Line:
    """Return the row of a line beside the main one: the difference and its interval, and no test."""
    return replace(difference_line(line, found), p_value=np.nan)


def other_definitions(
    episodes: Episodes, contrast: Contrast, head: Line, rules: dict[str, TreatmentRows], workers: int = 1
) -> list[Line]:
    """The adjusted difference under other definitions of relief, for the same episodes and columns.

    Parameters
    ----------
    episodes : Episodes
    contrast : Contrast
        One that passed the gate.
    head : Line
    rules : dict
        Rule to the rows of all eligible episodes, in the order of those the contrast was made of.
    """
    floor = episodes.protocol.reporting_floor
    kept, lines = contrast.units.kept, []
    for rule, rows in rules.items():
        arms = replace(contrast.arms, rows=rows.take(kept))
        line = count_arms(replace(head, analysis=f"relief_{rule}", analysis_label=_RULE_LABELS[rule]), arms)
        if min(line.events_with, line.events_without) < floor.compare_min_events:
            lines.append(line.refuse("too few of an arm were seen relieved so"))
            continue
        followed = check_followed(arms, head.horizon_days, episodes.protocol)
        if not followed.is_met:
            lines.append(line.refuse(followed.reason))
            continue
        try:
            found = fit_relief(episodes, arms, contrast.table, head.horizon_days, _draws(episodes), workers)
        except NotEstimable as refusal:
            lines.append(line.refuse(_say(refusal, contrast.chosen)))
            continue
        lines.append(beside_line(line, found))
    return lines


def _draws(episodes: Episodes) -> int:
    return min(DRAWS_BESIDE, episodes.protocol.inference.bootstrap_draws)


def _say(refusal: NotEstimable, chosen: Adjustment | None) -> str:
    said = say_refusal(refusal)
    return name_columns(said, chosen) if chosen is not None else said[0].lower() + said[1:]


def first_episodes(episodes: Episodes, contrast: Contrast, head: Line, workers: int = 1) -> Line:
    """The adjusted difference among the first episode of each patient: who comes often counts no more than others.

    The first is that of those compared. Units, columns and weights are found anew.

    Parameters
    ----------
    episodes : Episodes
    contrast : Contrast
        One that passed the gate.
    head : Line
    """
    rows = contrast.arms.rows
    line = replace(head, analysis=FIRST_EPISODE, analysis_label="the first episode of each patient alone")
    order = np.lexsort((rows.row, episodes.course.day[rows.row], rows.patient))
    first = np.zeros(rows.n, dtype=np.bool_)
    first[order[np.unique(rows.patient[order], return_index=True)[1]]] = True
    found = fit_contrast(episodes, contrast.arms.take(first), head.horizon_days, _draws(episodes), workers)
    line = count_arms(line, found.arms)
    return beside_line(line, found.shown) if found.shown else line.refuse(found.reason)


def without_clinics(episodes: Episodes, contrast: Contrast, head: Line) -> Iterator[Line]:
    """The adjusted difference without each clinic in turn."""
    columns, rows = episodes.visits.columns, contrast.arms.rows
    if "clinic" not in columns:
        return
    clinic = columns["clinic"][rows.row]
    names = episodes.visits.words.codes["clinic"]
    codes = np.unique(clinic[clinic >= 0])
    for code in codes if codes.size > 1 else ():
        name = str(names[code])
        line = replace(head, analysis="without_clinic", analysis_label=f"without clinic {name}")
        found = fit_contrast(episodes, contrast.arms.take(clinic != code), head.horizon_days, DRAWS_OF_CLINICS)
        line = count_arms(line, found.arms)
        yield beside_line(line, found.shown) if found.shown else line.refuse(found.reason)


def pain_lines(episodes: Episodes, contrast: Contrast, head: Line) -> list[Line]:
    """Difference in pain near the primary day, among those rated then.

    Refused as the main line is, but for relief: too few episodes or clinicians, hardly any overlap, unlike arms.
    """
    pain, rated = read_pain(episodes, contrast.arms.rows, head.horizon_days)
    everybody = contrast.arms.take(rated)
    arms, units = keep_comparable(episodes, everybody)
    pain = pain[rated][units.kept]
    first, last = WINDOW_DAYS
    when = f"rating nearest day {head.horizon_days} (day {first} to {last}), those rated then"
    lines = [
        replace(head, analysis="pain_doubly_robust", analysis_label=f"doubly robust mean: {when}", scale=POINTS),
        replace(head, analysis="pain_ancova", analysis_label=f"analysis of covariance: {when}", scale=POINTS),
    ]
    lines = [replace(count_arms(line, arms), events_with=np.nan, events_without=np.nan) for line in lines]
    if reason := _refuse_rated(episodes, everybody, arms, units, head.horizon_days):
        return [line.refuse(reason) for line in lines]
    chosen = choose_columns_of(episodes, arms, units)
    if reason := _refuse_unlike(episodes, arms, chosen):
        return [line.refuse(reason) for line in lines]
    out = []
    for line, fit in zip(lines, (_doubly_robust, _ancova), strict=True):
        try:
            out.append(fit(line, chosen.X, arms, pain, episodes))
        except NotEstimable as refusal:
            out.append(line.refuse(_say(refusal, chosen)))
    return out


def _refuse_rated(episodes: Episodes, everybody: Arms, arms: Arms, units: Units, day: int) -> str:
    """Say why those rated are too few to compare, or of one clinician; empty where they are not."""
    checks = check_before(everybody, arms, units, day, episodes.protocol)
    if any(check.check == "episodes" and not check.is_met for check in checks):
        return "too few of an arm were rated near that day"
    return first_reason([check for check in checks if check.check == "clinicians"])


def _refuse_unlike(episodes: Episodes, arms: Arms, chosen: Adjustment) -> str:
    """Say why arms cannot be made alike by the columns chosen; empty where they can."""
    try:
        found = overlap_weights(chosen.X, arms.treated)
    except NotEstimable as refusal:
        return _say(refusal, chosen)
    effective = found.ess_treated, found.ess_control
    rows = tabulate_balance(chosen, arms.treated, found.weights)
    return first_reason(check_after(arms, found.propensity, effective, rows, episodes))


def _doubly_robust(line: Line, X: FloatArray, arms: Arms, pain: FloatArray, episodes: Episodes) -> Line:
    """Refused where its own weights, which nothing bounds, leave an arm of few."""
    level = episodes.protocol.inference.level
    found = augmented_difference(X, arms.treated, pain, cluster=arms.rows.patient, level=level)
    least = episodes.protocol.reporting_floor.compare_min_effective_n
    if min(found.ess_treated, found.ess_control) < least:
        few = arms.with_words if found.ess_treated < found.ess_control else arms.without_words
        return line.refuse(
            f"weighted to stand for all episodes, those {few} and rated near that day count for fewer than {least}"
        )
    return replace(
        line,
        estimate=found.difference,
        conf_low=found.low,
        conf_high=found.high,
        with_value=found.mean_treated,
        without_value=found.mean_control,
    )


def _ancova(line: Line, X: FloatArray, arms: Arms, pain: FloatArray, episodes: Episodes) -> Line:
    level = episodes.protocol.inference.level
    found = linear_regression(np.column_stack([arms.treated, X]), pain, cluster=arms.rows.patient, level=level)
    return replace(line, estimate=float(found.coef[1]), conf_low=float(found.low[1]), conf_high=float(found.high[1]))


def read_pain(episodes: Episodes, rows: TreatmentRows, day: int) -> tuple[FloatArray, Flags]:
    """Return the rating nearest a day of the clock within the response window, in points, and who has one."""
    course = episodes.course
    measured, place, _ = find_measured_rows(episodes, course, rows.episode, rows.row)
    days = (course.day[measured] - course.day[rows.row[place]] - rows.window_days).astype(np.intp)
    nearest = find_nearest(days, place, rows.n, day)
    rated: Flags = nearest >= 0
    if not measured.size:
        return np.full(rows.n, np.nan), rated
    return np.where(rated, course.pain[measured[nearest]] / HUNDREDTHS, np.nan), rated


def other_region_line(episodes: Episodes, contrast: Contrast, head: Line) -> Line:
    """Negative control: a new episode in another region stream, on which no difference is expected.

    Unlike in lines of relief, above 0 is the worse: more with it means that more came back.
    """
    line = replace(
        count_arms(head, contrast.arms),
        analysis=OTHER_REGION,
        analysis_label="control: new episode in another region, on which no difference is expected "
        "(above 0: more of those with it came back)",
        horizon_days=OTHER_REGION_DAYS,
        events_with=np.nan,
        events_without=np.nan,
    )
    rows, arm = contrast.arms.rows, contrast.arms.treated
    time, event = _other_region(episodes, rows)
    if (time < 0).any():
        return line.refuse("the end of observation is not known")
    seen = event & (time <= OTHER_REGION_DAYS)
    counts = int((seen & arm).sum()), int((seen & ~arm).sum())
    line = replace(line, events_with=counts[0], events_without=counts[1])
    if min(counts) < episodes.protocol.reporting_floor.compare_min_events:
        return line.refuse("too few came for another region")
    for side in (arm, ~arm):
        at_risk, _ = count_days(time[side], event[side], OTHER_REGION_DAYS + 1)
        if find_last_day(at_risk, int(side.sum()), episodes.protocol) < OTHER_REGION_DAYS:
            return line.refuse(f"too few of an arm are followed for {OTHER_REGION_DAYS} days")
    inference = episodes.protocol.inference
    try:
        found = overlap_risk(
            contrast.table,
            arm,
            time,
            event,
            OTHER_REGION_DAYS,
            cluster=rows.patient,
            draws=_draws(episodes),
            seed=inference.seed,
            level=inference.level,
        )
    except NotEstimable as refusal:
        return line.refuse(say_refusal(refusal))
    return replace(
        line,
        estimate=float(found.difference[0]),
        conf_low=float(found.difference_low[0]),
        conf_high=float(found.difference_high[0]),
        with_value=float(found.risk_treated[0]),
        without_value=float(found.risk_control[0]),
    )


def _other_region(episodes: Episodes, rows: TreatmentRows) -> tuple[FloatArray, Flags]:
    """Days from the treatment to the patient's next episode in another stream, or to the end of observation.

    Below 0 where the end of observation is unknown.
    """
    columns = episodes.columns
    zero = episodes.course.day[rows.row].astype(np.int64)
    span = int(columns["index_day"].max()) + int(zero.max()) + 2
    wanted = rows.patient.astype(np.int64) * span + zero
    soonest = np.full(rows.n, np.inf)
    for stream in np.unique(columns["stream"]):
        part = columns["stream"] == stream
        opened = np.sort(columns["patient"][part].astype(np.int64) * span + columns["index_day"][part])
        at = np.searchsorted(opened, wanted, side="right")
        found = (at < opened.size) & (opened[np.minimum(at, opened.size - 1)] // span == rows.patient)
        days = np.where(found, opened[np.minimum(at, opened.size - 1)] - wanted, np.inf)
        other = columns["stream"][rows.episode] != stream
        soonest = np.where(other, np.minimum(soonest, days), soonest)
    until = columns["observable_until_day"][rows.episode].astype(np.int64)
    end = np.where(until == MISSING, -1.0, np.maximum(until - zero, 0.0))
    event: Flags = soonest <= end
    return np.where(event, soonest, end), event


def note_controls(lines: Sequence[Line]) -> tuple[str, ...]:
    """Say of which comparisons a negative control shows a difference where none is expected.

    Parameters
    ----------
    lines : sequence of Line
        Of all contrasts. A control shows one where its interval leaves out 0.
    """
    notes = []
    for line in lines:
        if not (line.conf_low > 0 or line.conf_high < 0):
            continue
        if line.analysis == OTHER_REGION:
            notes.append(
                f"{line.label}: the arms also differ where no difference is expected (new episodes in another region), "
                "so that some of what is seen may be who they are."
            )
        elif line.analysis == CONTROL_EXPOSURE:
            notes.append(
                f"{line.label}: episodes with and without it differ in relief where no difference is expected, so that "
                "some of what is seen of any treatment may be who gets it."
            )
    return tuple(notes)


def build_rule_rows(episodes: Episodes) -> dict[str, TreatmentRows]:
    """Rows of all eligible episodes under each alternative definition of relief of the protocol."""
    return {rule: build_treatment_rows(episodes, rule) for rule in episodes.protocol.relief.alternatives}
