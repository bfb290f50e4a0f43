"""The exercise question in other ways: clinics as drawn; a state that begins when it begins; strategies from relief."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.clone_weights import clone_censor_weight
from outcomes.estimators.cox import cox
from outcomes.estimators.left_out import left_out_difference_limits
from outcomes.questions import results
from outcomes.questions.between_clinics import find_clinics
from outcomes.questions.exercise_cohort import ExerciseCohort, build_cohort, build_cohort_at, choose_columns_of
from outcomes.questions.exercise_lines import (
    DRAWS_BESIDE,
    GRACE_DAYS,
    NAN,
    WITH,
    WITHOUT,
    Line,
    compare_arms,
    count_arms,
    count_draws,
    head_line,
    say_too_small,
)

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes


def with_and_without(cohort: ExerciseCohort) -> Iterator[tuple[str, ExerciseCohort]]:
    """Give the cohort as it is, and without maintenance care."""
    yield WITH, cohort
    yield WITHOUT, cohort.without_maintenance()


def draw_clinics(episodes: Episodes, cohort: ExerciseCohort, head: Line, main: Line) -> Iterator[Line]:
    """The main difference with the interval that takes clinics as drawn; no line where there are too few of them.

    Without each clinic in turn columns and weights are found anew. Episodes for which none is recorded are left out
    together.

    Parameters
    ----------
    episodes : Episodes
    cohort : ExerciseCohort
    head, main : Line
        Of the main comparison, before and after it was made.
    """
    clinics = find_clinics(episodes, cohort.rows.episode)
    if main.reason or not clinics.are_enough:
        return
    label = f"{main.label}; clinics as drawn"
    line = replace(main, analysis="landmark_clinics", label=label, conf_low=NAN, conf_high=NAN)
    parts = [cohort.take(clinics.code != code) for code in range(int(clinics.code.max()) + 1)]
    without = [compare_arms(episodes, part, head, draws=0).line for part in parts]
    if refused := sum(bool(other.reason) for other in without):
        reason = f"without one of the clinics there is no estimate (so of {refused} of {len(without)})"
        yield replace(line, estimate=NAN, risk_with=NAN, risk_without=NAN, reason=reason)
        return
    differences = [[other.estimate] for other in without]
    low, high = left_out_difference_limits([main.estimate], differences, episodes.protocol.inference.level)
    yield replace(line, conf_low=float(low[0]), conf_high=float(high[0]))


def as_a_state(episodes: Episodes) -> Iterator[Line]:
    """Exercise as a state that begins when it begins: Cox model on rows split on that day, patients as clusters.

    Maintenance care is a state too: exercise is often begun, and pain often found, at its visits. Where only new
    episodes count as returns, pain that is found because the patient was there anyway plays no part.
    """
    from outcomes.cases.returns import build_return_rows

    landmark = episodes.protocol.recurrence.landmark_days
    for maintenance, cohort in with_and_without(build_cohort_at(episodes, landmark)):
        head = head_line(episodes, "state", landmark, maintenance=maintenance)
        yield _refuse_or(_fit_state, episodes, cohort, head)
    opened = build_cohort(episodes, build_return_rows(episodes, "new_episode"))
    yield _refuse_or(_fit_state, episodes, opened, head_line(episodes, "state_new_episodes", landmark))


def _refuse_or(
    fit: Callable[..., Line], episodes: Episodes, cohort: ExerciseCohort, head: Line, by_day: float = np.inf
) -> Line:
    """Fit, or keep the head with the reason why not.

    With exercise are those who began by a day while followed. That is enough to tell whether there are enough of them;
    their returns beside those of the others would be the comparison that is offered nowhere, so the line drops them.
    """
    began = (cohort.exercise_days < cohort.rows.stop_days) & (cohort.exercise_days <= by_day)
    counted = count_arms(head, cohort, began)
    line = replace(head, n=counted.n, events=counted.events)
    if reason := say_too_small(counted, episodes.protocol):
        return replace(line, reason=reason)
    try:
        return fit(episodes, cohort, line)
    except NotEstimable as refusal:
        return replace(line, reason=results.say_refusal(refusal))


def _fit_state(episodes: Episodes, cohort: ExerciseCohort, line: Line) -> Line:
    rows, exercise, maintenance = cohort.rows, cohort.exercise_days, cohort.maintenance_days
    chosen = choose_columns_of(episodes, cohort, exercise < rows.stop_days)
    names = [name for name in chosen.names if name != "maintenance"]
    fixed = chosen.table[:, [name in names for name in chosen.names]]
    # At most three pieces a row: up to the first of the two days, between them, and after the second.
    first, second = np.minimum(exercise, maintenance), np.maximum(exercise, maintenance)
    pieces = []
    for begin, end in ((rows.start_days, first), (first, second), (second, np.full(first.size, np.inf))):
        start, stop = np.maximum(begin, rows.start_days), np.minimum(end, rows.stop_days)
        who = np.flatnonzero(start < stop)
        pieces.append((who, start[who], stop[who]))
    who, start, stop = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    states = np.column_stack([exercise[who] <= start, maintenance[who] <= start]).astype(np.float64)
    states = states[:, [True, bool(np.ptp(states[:, 1]))]]
    event = rows.event[who] & (stop == rows.stop_days[who])
    level = episodes.protocol.inference.level
    design = np.column_stack([states, fixed[who]])
    fit = cox(design, stop, event, entry=start, cluster=rows.patient[who], level=level)
    estimate, low, high = (float(np.exp(values[0])) for values in (fit.coef, fit.conf_low, fit.conf_high))
    return replace(line, estimate=estimate, conf_low=low, conf_high=high)


def as_strategies(episodes: Episodes) -> Iterator[Line]:
    """From relief on, among those who had not started by then: start within the grace time, or never."""
    landmark = 0
    cohort = build_cohort_at(episodes, landmark)
    cohort = cohort.take((cohort.exercise_days > 0) & (cohort.rows.stop_days > 0))
    for maintenance, part in with_and_without(cohort):
        head = head_line(episodes, "strategies", landmark, maintenance=maintenance)
        yield _refuse_or(_fit_strategies, episodes, part.take(part.rows.stop_days > 0), head, GRACE_DAYS)


def _fit_strategies(episodes: Episodes, cohort: ExerciseCohort, line: Line) -> Line:
    rows, inference = cohort.rows, episodes.protocol.inference
    started = cohort.exercise_days < np.minimum(rows.stop_days, line.horizon_days)
    chosen = choose_columns_of(episodes, cohort, started)
    found = clone_censor_weight(
        rows.stop_days,
        rows.event,
        cohort.exercise_days,
        chosen.table,
        GRACE_DAYS,
        line.horizon_days,
        cluster=rows.patient,
        draws=count_draws(DRAWS_BESIDE, rows.patient.size),
        seed=inference.seed,
        level=inference.level,
    )
    least = episodes.protocol.reporting_floor.curve_min_observed
    if min(found.start.n_end, found.never.n_end) < least:
        raise NotEstimable(f"fewer than {least} keep to a strategy for {line.horizon_days} days")
    return replace(
        line,
        estimate=found.difference,
        conf_low=found.difference_low,
        conf_high=found.difference_high,
        risk_with=found.start.risk,
        risk_without=found.never.risk,
    )
