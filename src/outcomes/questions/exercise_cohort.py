"""E11, the patients: relieved episodes at a landmark, whether exercise was recorded by then, and what else was known.

Exercise is any active exercise recorded from the start of the episode to the day before the landmark, in the episode's
stream; who starts later counts as without. What the arms are made alike in was known at the relief visit or before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import HUNDREDTHS, MISSING
from outcomes.questions.adjustment import (
    LEAST_IN_ARM,
    Adjustment,
    Blocks,
    build_factor_blocks,
    build_family_blocks,
    choose_adjustment,
    make_flag,
    make_numbers,
    pool_factors,
    sort_flags,
)
from outcomes.questions.covariates import Block, Factor, build_factors
from outcomes.questions.habits import find_habits, habit_blocks, name_hands
from outcomes.questions.results import NOT_RECORDED, Flags, FloatArray, IntArray
from outcomes.questions.return_lines import AtRisk

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.cases.returns import ReturnRows

_BEFORE = ("chronicity", "previous_episodes", "age", "sex")
_PLACE = ("clinician_id", "clinic_id")
_AFTER = ("region", "radiation", "trigger", "cause", "paresthesia", "index_quarter")


@dataclass(frozen=True, slots=True)
class ExerciseCohort:
    """Episodes at a landmark; arrays of shape (n,).

    Attributes
    ----------
    rows : AtRisk
        Days from the landmark to the return or the data cut.
    exercise_days, maintenance_days : ndarray of float
        Days from the landmark to the first exercise and to the first known maintenance visit; below 0 before it, inf
        for never.
    relief_row : ndarray of int
        The relief visit.
    """

    rows: AtRisk
    exercise_days: FloatArray
    maintenance_days: FloatArray
    relief_row: IntArray

    @property
    def exercised(self) -> Flags:
        """Whether exercise was recorded before the landmark; on the day itself a return is possible already."""
        flags: Flags = self.exercise_days < 0
        return flags

    def take(self, part: Flags) -> ExerciseCohort:
        """Return some of the episodes."""
        return ExerciseCohort(
            self.rows.take(part), self.exercise_days[part], self.maintenance_days[part], self.relief_row[part]
        )

    def without_maintenance(self) -> ExerciseCohort:
        """Leave out who was in maintenance care by the landmark, and end follow-up where it begins later."""
        kept = self.take(self.maintenance_days >= 0)
        rows, since = kept.rows, kept.maintenance_days
        stop = np.minimum(rows.stop_days, since)
        cut = AtRisk(
            rows.episode, rows.patient, rows.start_days, stop, rows.event & (rows.stop_days <= since), rows.weight
        )
        return ExerciseCohort(cut, kept.exercise_days, kept.maintenance_days, kept.relief_row)


def build_cohort(episodes: Episodes, returns: ReturnRows, kind: str = "any") -> ExerciseCohort:
    """Date exercise and maintenance care on the clock of some return rows.

    Parameters
    ----------
    episodes : Episodes
        Of an export that records treatments.
    returns : ReturnRows
    kind : str
        One of `after_relief.EXERCISE_KINDS`. ``home`` is exercise at home and nothing else. For it and ``supervised``
        those with other exercise, before the landmark, are left out: neither arm is theirs.
    """
    from outcomes.cases.after_relief import first_exercise_day, first_maintenance_day

    landmark = returns.landmark_day
    exercise = on_clock(first_exercise_day(episodes, returns.episode, kind), landmark)
    maintenance = on_clock(first_maintenance_day(episodes, returns.relief_row), landmark)
    cohort = ExerciseCohort(AtRisk.of(returns), exercise, maintenance, returns.relief_row)
    if kind == "any":
        return cohort
    any_kind = on_clock(first_exercise_day(episodes, returns.episode), landmark)
    other = np.zeros(exercise.size, dtype=np.bool_)
    if kind == "home":
        other = on_clock(first_exercise_day(episodes, returns.episode, "supervised"), landmark) < 0
    return cohort.take(((exercise < 0) & ~other) | (any_kind >= 0))


def build_cohort_at(episodes: Episodes, landmark: int, kind: str = "any") -> ExerciseCohort:
    """`build_cohort` at a landmark so many days after relief."""
    from outcomes.cases.returns import build_return_rows

    return build_cohort(episodes, build_return_rows(episodes, landmark_days=landmark), kind)


def on_clock(day: NDArray[np.int64], origin_day: NDArray[np.int32]) -> FloatArray:
    """Days from an origin; inf for never."""
    from outcomes.cases.after_relief import NEVER

    never = day == NEVER
    return np.where(never, np.inf, np.where(never, 0, day) - origin_day.astype(np.float64))


def choose_columns_of(episodes: Episodes, cohort: ExerciseCohort, arm: Flags) -> Adjustment:
    """Choose what the arms are made alike in.

    Parameters
    ----------
    episodes : Episodes
    cohort : ExerciseCohort
    arm : ndarray of bool, shape (n,)
    """
    episode = cohort.rows.episode
    before, rare_before = build_factor_blocks(episodes, episode, arm, _BEFORE)
    place, rare_place = _place_blocks(episodes, episode, arm)
    after, rare_after = build_factor_blocks(episodes, episode, arm, _AFTER)
    plan = make_flag("maintenance", "In maintenance care", cohort.maintenance_days < 0)
    maintenance, rare_maintenance = sort_flags([plan], arm)
    given = episodes.columns["modalities_first"][episode]
    care, rare_care = build_family_blocks(episodes, given, arm, ("active",))
    blocks = [*_course_blocks(episodes, cohort), *before, *maintenance, *care, *place, *after]
    return choose_adjustment(blocks, [*rare_before, *rare_maintenance, *rare_care, *rare_place, *rare_after], arm)


def _place_blocks(episodes: Episodes, episode: IntArray, arm: Flags) -> Blocks:
    """Who treated, as one factor: a clinician with enough episodes of both arms, for all others the clinic.

    Beside a column for each clinician one for the clinic would leave few patients in some of the combinations. But
    clinicians of few episodes are of different clinics: taken together as one, they would hide which. Beside that
    factor stand the habits of those who have no level of their own (`habits`).
    """
    found = {factor.name: factor for factor in build_factors(episodes, episode, _PLACE, 1)}
    treating = found.get("clinician_id", found.get("clinic_id"))
    if treating is None:
        return [], []
    clinic = found.get("clinic_id")
    rarer = np.minimum(*(np.bincount(treating.codes[side], minlength=len(treating.levels)) for side in (arm, ~arm)))
    is_own = ((rarer >= LEAST_IN_ARM) & (np.array(treating.levels) != NOT_RECORDED))[treating.codes]
    pool, place = np.zeros(arm.size, dtype=np.intp), treating
    if clinic is not None and clinic is not treating:
        levels = (*treating.levels, *(f"others at {level}" for level in clinic.levels))
        codes = np.where(is_own, treating.codes, len(treating.levels) + clinic.codes)
        pool, place = clinic.codes, Factor(treating.name, treating.label, levels, levels, codes, 0)
    named = np.where(np.array(treating.levels)[treating.codes] == NOT_RECORDED, MISSING, treating.codes)
    habit, is_told = find_habits(name_hands(named, pool, len(treating.levels)), np.where(is_own, MISSING, pool), arm)
    blocks, rare = pool_factors([place], arm)
    adjusted, judged = habit_blocks(habit, is_told, arm)
    return [*blocks, *adjusted], [*rare, *judged]


def _course_blocks(episodes: Episodes, cohort: ExerciseCohort) -> list[Block]:
    """How the episode went up to relief: ratings, how long it took, how often the patient came."""
    columns, course, row = episodes.columns, episodes.course, cohort.relief_row
    episode = cohort.rows.episode
    baseline = columns["baseline"][episode] / HUNDREDTHS
    days = (course.day[row] - columns["index_day"][episode]).astype(np.float64)
    # All visits: whether one is maintenance can depend on when the next was.
    visits = (row + 1 - episodes.starts[episode]).astype(np.float64)
    rate = np.log(7.0 * visits / (days + 7.0))
    return [
        make_numbers("baseline", "First pain rating", baseline=baseline, baseline_squared=baseline**2),
        make_numbers("days_to_relief", "Days to relief", log_days_to_relief=np.log1p(days)),
        make_numbers("relief_nrs", "Rating at relief", relief_nrs=course.pain[row] / HUNDREDTHS),
        make_numbers("visit_rate", "Visits a week before relief", log_visits_a_week=rate),
    ]
