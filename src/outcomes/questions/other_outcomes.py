"""The arms of a comparison, as they are, judged by other outcomes: other definitions of relief, and a control.

The control is an outcome on which no difference is expected: coming back for another region of the body. Where it
differs between the arms, so do the arms.

Episodes, columns and weights are those of the main line, so that all these lines share one set of draws of patients,
and each draw's weights are fitted once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows, build_treatment_rows
from outcomes.cases.schema import MISSING
from outcomes.errors import NotEstimable
from outcomes.estimators.overlap_arms import DrawnArms, draw_arms
from outcomes.estimators.overlap_relief import compare_relief, interval_outcome
from outcomes.estimators.weighted_risk import compare_risk, event_outcome
from outcomes.questions.contrast_checks import beside_line, count_draws, say_why
from outcomes.questions.contrast_gate import check_followed
from outcomes.questions.contrast_lines import Contrast, Line, count_arms, find_mean_end
from outcomes.questions.results import Flags, FloatArray, count_days, find_last_day
from outcomes.questions.treatment_arms import Arms

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

OTHER_REGION_DAYS = 182
OTHER_REGION, CONTROL_EXPOSURE = "other_region", "control_exposure"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A line that nothing refuses yet: the columns of its outcome, and how the drawn arms are read for it."""

    line: Line
    outcome: list[FloatArray]
    read: Callable[[DrawnArms, int], Line]


def build_rule_rows(episodes: Episodes) -> dict[str, TreatmentRows]:
    """Rows of all eligible episodes under each alternative definition of relief of the protocol."""
    return {rule: build_treatment_rows(episodes, rule) for rule in episodes.protocol.relief.alternatives}


def _name_rule(rule: str, protocol: Protocol) -> str:
    """Name a definition of relief in a few words, with the numbers of the protocol."""
    percent, most = protocol.relief.pct_reduction, protocol.resolution.max_nrs
    down = "at half" if percent == 50 else f"{percent} % below"
    return {
        "any": f"relief: first rating {down}, even if contradicted",
        "confirmed": f"relief: {down}, not contradicted",
        "strict": f"relief: {down} at two visits in a row",
        "resolved": "resolved: 0 or 1" if most == 1 else f"resolved: {most:g} or less",
        "pct30_and_2": "relief: 30 % and 2 points",
        "zero": "no pain at all",
    }[rule]


def judge_otherwise(
    episodes: Episodes, contrast: Contrast, head: Line, rules: dict[str, TreatmentRows], workers: int = 1
) -> list[Line]:
    """The adjusted difference under other definitions of relief, and in the control, which is the last.

    Parameters
    ----------
    episodes : Episodes
    contrast : Contrast
        One that passed the gate.
    head : Line
    rules : dict
        Rule to the rows of all eligible episodes, in the order of those the contrast was made of.
    workers : int
        Threads; the numbers do not depend on it.
    """
    arms = contrast.arms
    found: list[Line | _Asked] = []
    for rule, rows in rules.items():
        line = replace(head, analysis=f"relief_{rule}", analysis_label=_name_rule(rule, episodes.protocol))
        found.append(_ask_relief(episodes, replace(arms, rows=rows.take(contrast.units.kept)), line, workers))
    found.append(_ask_other_region(episodes, arms, head))
    asked = [one for one in found if isinstance(one, _Asked)]
    drawn = _draw(episodes, contrast, asked, workers) if asked else ""
    number = itertools.count()
    return [one if isinstance(one, Line) else _read(one, drawn, next(number), contrast) for one in found]


def _draw(episodes: Episodes, contrast: Contrast, asked: Sequence[_Asked], workers: int) -> DrawnArms | str:
    """Draw the arms of the main line with all outcomes asked for; or why they cannot be."""
    arms, inference = contrast.arms, episodes.protocol.inference
    outcomes = [one.outcome for one in asked]
    who, draws, seed = arms.rows.patient, count_draws(episodes), inference.seed
    try:
        return draw_arms(contrast.table, arms.treated, outcomes, who, draws, seed, workers)
    except NotEstimable as refusal:
        return say_why(refusal, contrast.chosen)


def _read(asked: _Asked, drawn: DrawnArms | str, which: int, contrast: Contrast) -> Line:
    if isinstance(drawn, str):
        return asked.line.refuse(drawn)
    try:
        return asked.read(drawn, which)
    except NotEstimable as refusal:
        return asked.line.refuse(say_why(refusal, contrast.chosen))


def _ask_relief(episodes: Episodes, arms: Arms, line: Line, workers: int) -> Line | _Asked:
    """Judge the arms by another definition of relief, unless too few were seen relieved so, or followed."""
    line, level = count_arms(line, arms), episodes.protocol.inference.level
    if min(line.events_with, line.events_without) < episodes.protocol.reporting_floor.compare_min_events:
        return line.refuse("too few of an arm were seen relieved so")
    followed = check_followed(arms, line.horizon_days, episodes.protocol)
    if not followed.is_met:
        return line.refuse(followed.reason)
    until = find_mean_end(arms, line.horizon_days, episodes.protocol)

    def read(drawn: DrawnArms, which: int) -> Line:
        return beside_line(line, compare_relief(drawn, line.horizon_days, until, level, workers, which))

    return _Asked(line, interval_outcome(arms.rows.left_days, arms.rows.right_days), read)


def _ask_other_region(episodes: Episodes, arms: Arms, head: Line) -> Line | _Asked:
    """Negative control: a new episode in another region stream, on which no difference is expected.

    Unlike in lines of relief, above 0 is the worse: more with it means that more came back.
    """
    rows, arm, protocol = arms.rows, arms.treated, episodes.protocol
    line = replace(
        count_arms(head, arms),
        analysis=OTHER_REGION,
        analysis_label="control: new episode in another region, on which no difference is expected "
        "(above 0: more of those with it came back)",
        horizon_days=OTHER_REGION_DAYS,
        events_with=np.nan,
        events_without=np.nan,
    )
    time, event = find_other_region(episodes, rows)
    if (time < 0).any():
        return line.refuse("the end of observation is not known")
    seen = event & (time <= OTHER_REGION_DAYS)
    counts = int((seen & arm).sum()), int((seen & ~arm).sum())
    line = replace(line, events_with=counts[0], events_without=counts[1])
    if min(counts) < protocol.reporting_floor.compare_min_events:
        return line.refuse("too few came for another region")
    for side in (arm, ~arm):
        at_risk, _ = count_days(time[side], event[side], OTHER_REGION_DAYS + 1)
        if find_last_day(at_risk, int(side.sum()), protocol) < OTHER_REGION_DAYS:
            return line.refuse(f"too few of an arm are followed for {OTHER_REGION_DAYS} days")

    def read(drawn: DrawnArms, which: int) -> Line:
        found = compare_risk(drawn, OTHER_REGION_DAYS, protocol.inference.level, which)
        return replace(
            line,
            estimate=float(found.difference[0]),
            conf_low=float(found.difference_low[0]),
            conf_high=float(found.difference_high[0]),
            with_value=float(found.risk_treated[0]),
            without_value=float(found.risk_control[0]),
        )

    return _Asked(line, event_outcome(time, event), read)


def find_other_region(episodes: Episodes, rows: TreatmentRows) -> tuple[FloatArray, Flags]:
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
