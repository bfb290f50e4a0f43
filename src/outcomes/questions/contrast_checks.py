"""Lines beside the main one of a comparison: other episodes of the same arms, and pain itself.

The first episode of each patient; a clinic left out at a time, and from ten clinics on what that says of further ones;
and pain near the primary day, among those rated then (a doubly robust mean and analysis of covariance). The same
episodes under other outcomes: `other_outcomes`.

The main line alone is a test. No line here has a p-value: among a dozen of them one small enough turns up by luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows
from outcomes.cases.schema import HUNDREDTHS
from outcomes.cases.timeline import find_measured_rows
from outcomes.errors import NotEstimable
from outcomes.estimators.doubly_robust import augmented_difference
from outcomes.estimators.left_out import left_out_difference_limits
from outcomes.estimators.linear import linear_regression
from outcomes.estimators.overlap_relief import OverlapRelief
from outcomes.estimators.weighting import overlap_weights
from outcomes.questions.adjustment import Adjustment
from outcomes.questions.arm_balance import tabulate_balance
from outcomes.questions.between_clinics import LEAST_CLINICS, say_as_they_are, say_drawn
from outcomes.questions.contrast_gate import check_after, check_before, name_units
from outcomes.questions.contrast_lines import (
    MAIN,
    NAN,
    NOT_ESTIMABLE,
    POINTS,
    Contrast,
    Line,
    count_arms,
    difference_line,
    first_reason,
    fit_contrast,
    name_columns,
)
from outcomes.questions.response_lines import WINDOW_DAYS, find_nearest
from outcomes.questions.results import Flags, FloatArray, say_refusal
from outcomes.questions.treating_units import Units
from outcomes.questions.treatment_arms import Arms, choose_columns_of, keep_comparable

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

DRAWS_BESIDE = 100
"""Draws of patients: a hundred give the spread to 7 %."""
FIRST_EPISODE, WITHOUT_CLINIC, CLINICS_DRAWN = "first_episode", "without_clinic", "clinics_drawn"


def beside_line(line: Line, found: OverlapRelief) -> Line:
    """Return the row of a line beside the main one: the difference and its interval, and no test."""
    return replace(difference_line(line, found), p_value=np.nan)


def count_draws(episodes: Episodes) -> int:
    """Draws of patients of a line beside the main one."""
    return min(DRAWS_BESIDE, episodes.protocol.inference.bootstrap_draws)


def say_why(refusal: NotEstimable, chosen: Adjustment | None) -> str:
    """A refusal for the table, columns by their names."""
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
    found = fit_contrast(episodes, contrast.arms.take(first), head.horizon_days, count_draws(episodes), workers)
    line = count_arms(line, found.arms)
    return beside_line(line, found.shown) if found.shown else line.refuse(found.reason)


def find_clinics(episodes: Episodes, contrast: Contrast) -> list[int]:
    """Return the codes of the clinics of a comparison; none where there is only one."""
    if "clinic" not in episodes.visits.columns:
        return []
    clinic = episodes.visits.columns["clinic"][contrast.arms.rows.row]
    codes = np.unique(clinic[clinic >= 0]).tolist()
    return codes if len(codes) > 1 else []


def without_clinic(episodes: Episodes, contrast: Contrast, head: Line, code: int) -> Line:
    """The adjusted difference without a clinic, by its code. Units, columns and weights are found anew.

    It has no interval: what is asked is how far the estimate of the same question moves when one clinic is taken away,
    and that is a matter of the records at hand, not of others that might have been drawn.
    """
    clinic = episodes.visits.columns["clinic"][contrast.arms.rows.row]
    name = str(episodes.visits.words.codes["clinic"][code])
    line = replace(head, analysis=WITHOUT_CLINIC, analysis_label=f"without clinic {name}")
    found = fit_contrast(episodes, contrast.arms.take(clinic != code), head.horizon_days, draws=0)
    line = count_arms(line, found.arms)
    return beside_line(line, found.shown) if found.shown else line.refuse(found.reason)


def draw_clinics(episodes: Episodes, contrast: Contrast, main: Line, beside: Sequence[Line]) -> list[Line]:
    """The main difference with the interval that takes clinics as drawn; no line where there are too few of them.

    Parameters
    ----------
    episodes : Episodes
    contrast : Contrast
    main : Line
        With an estimate.
    beside : sequence of Line
        Those of `without_clinic`, one for each clinic, among others.
    """
    without = [line for line in beside if line.analysis == WITHOUT_CLINIC]
    if len(without) < LEAST_CLINICS:
        return []
    words = "interval with clinics as drawn: one left out at a time"
    line = replace(main, analysis=CLINICS_DRAWN, analysis_label=words, conf_low=NAN, conf_high=NAN, p_value=NAN)
    none = replace(line, estimate=NAN, with_value=NAN, without_value=NAN)
    if (episodes.visits.columns["clinic"][contrast.arms.rows.row] < 0).any():
        return [none.refuse("the clinic of some episodes is not recorded")]
    if refused := sum(other.tag == NOT_ESTIMABLE for other in without):
        return [none.refuse(f"without one of the clinics there is no estimate (so of {refused} of {len(without)})")]
    differences = [[other.estimate] for other in without]
    low, high = left_out_difference_limits([main.estimate], differences, episodes.protocol.inference.level)
    return [replace(line, conf_low=float(low[0]), conf_high=float(high[0]))]


def note_clinics(
    episodes: Episodes, rows: TreatmentRows, contrasts: Sequence[Contrast], lines: Sequence[Line]
) -> tuple[str, ...]:
    """Say what of the spread between clinics is in an interval, where any is shown.

    A clinic that treated all patients alike is no part of a comparison, so that each has its own number of clinics.
    """
    stated = {(line.contrast, line.analysis) for line in lines if not np.isnan(line.conf_low)}
    shown = [contrast for contrast in contrasts if (contrast.arms.name, MAIN) in stated]
    if not shown or "clinic" not in episodes.visits.columns:
        return ()
    clinics = np.unique(episodes.visits.columns["clinic"][rows.row])
    n_named = int((clinics >= 0).sum())
    drawn = [contrast for contrast in shown if (contrast.arms.name, CLINICS_DRAWN) in stated]
    if not drawn:
        return (say_as_they_are(n_named),) if n_named > 1 else ()
    n = [len(find_clinics(episodes, contrast)) for contrast in drawn]
    others = [contrast.arms.label.lower() for contrast in shown if contrast not in drawn]
    return (
        say_drawn(str(min(n)) if min(n) == max(n) else f"{min(n)} to {max(n)}"),
        *(
            (f"There is none, for too few clinics can be compared or left out, of: {', '.join(others)}.",)
            * bool(others)
        ),
    )


def pain_lines(episodes: Episodes, contrast: Contrast, head: Line) -> list[Line]:
    """Difference in pain near the primary day, among those rated then.

    Refused as the main line is, but for relief: too few episodes or clinicians, hardly any overlap, unlike arms; and
    where the day lies outside the window in which ratings are taken for it.
    """
    first, last = WINDOW_DAYS
    if not first <= head.horizon_days <= last:
        reason = f"pain is read from day {first} to {last}, and day {head.horizon_days} is not among them"
        return [line.refuse(reason) for line in _name_pain_lines(head)]
    pain, rated = read_pain(episodes, contrast.arms.rows, head.horizon_days)
    everybody = contrast.arms.take(rated)
    arms, units = keep_comparable(episodes, everybody)
    pain = pain[rated][units.kept]
    lines = [
        replace(count_arms(line, arms), events_with=np.nan, events_without=np.nan) for line in _name_pain_lines(head)
    ]
    if reason := _refuse_rated(episodes, everybody, arms, units, head.horizon_days):
        return [line.refuse(reason) for line in lines]
    chosen = choose_columns_of(episodes, arms, units)
    table = chosen.table
    if reason := _refuse_unlike(episodes, arms, chosen, table):
        return [line.refuse(reason) for line in lines]
    out = []
    for line, fit in zip(lines, (_doubly_robust, _ancova), strict=True):
        try:
            out.append(fit(line, table, arms, pain, episodes))
        except NotEstimable as refusal:
            out.append(line.refuse(say_why(refusal, chosen)))
    return out


def _name_pain_lines(head: Line) -> list[Line]:
    """The two lines of pain, without numbers."""
    first, last = WINDOW_DAYS
    when = f"rating nearest day {head.horizon_days} (day {first} to {last}), those rated then"
    return [
        replace(head, analysis="pain_doubly_robust", analysis_label=f"doubly robust mean: {when}", scale=POINTS),
        replace(head, analysis="pain_ancova", analysis_label=f"analysis of covariance: {when}", scale=POINTS),
    ]


def _refuse_rated(episodes: Episodes, everybody: Arms, arms: Arms, units: Units, day: int) -> str:
    """Say why those rated are too few to compare, or of one clinician; empty where they are not."""
    checks = check_before(everybody, arms, units, day, episodes.protocol)
    if any(check.check == "episodes" and not check.is_met for check in checks):
        return "too few of an arm were rated near that day"
    return first_reason([check for check in checks if check.check == name_units(units)])


def _refuse_unlike(episodes: Episodes, arms: Arms, chosen: Adjustment, table: FloatArray) -> str:
    """Say why arms cannot be made alike by the columns chosen; empty where they can."""
    try:
        found = overlap_weights(table, arms.treated)
    except NotEstimable as refusal:
        return say_why(refusal, chosen)
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
