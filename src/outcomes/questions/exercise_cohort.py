"""E11, the patients: relieved episodes at a landmark, whether exercise was recorded by then, and what else was known.

Exercise is any active exercise recorded from the start of the episode up to the landmark, in the episode's stream; who
starts later counts as without. What the arms are made alike in was known at the relief visit or before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import HUNDREDTHS
from outcomes.questions.covariates import Block, build_factors, choose_columns, coarsen, pool_rare
from outcomes.questions.results import Flags, FloatArray, IntArray
from outcomes.questions.return_lines import AtRisk

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes
    from outcomes.cases.returns import ReturnRows

ROWS_PER_COLUMN = 5
"""Rows of the smaller arm for each column of the model of who exercises."""
LEAST_IN_ARM = 15
"""Rows of each arm that a level, or a flag, must have: with fewer, some draws of patients have none of them."""
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


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The columns the arms are made alike in, and the facts there was no room for.

    Attributes
    ----------
    used, left : tuple of Block
        Those left are judged for balance all the same: there was no room, or an arm hardly has their levels.
    X : ndarray, shape (n, p)
    """

    used: tuple[Block, ...]
    left: tuple[Block, ...]
    X: FloatArray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of X."""
        return tuple(name for block in self.used for name in block.names)


def choose_adjustment(episodes: Episodes, cohort: ExerciseCohort, arm: Flags) -> Adjustment:
    """Choose the columns, the most important first, as many as the smaller arm can carry.

    Parameters
    ----------
    episodes : Episodes
    cohort : ExerciseCohort
    arm : ndarray of bool, shape (n,)
    """
    before, rare_before = _factor_blocks(episodes, cohort, arm, _BEFORE)
    # Clinicians stand for their clinics: with both, few patients are left in some of the combinations.
    place, rare_place = _factor_blocks(episodes, cohort, arm, _PLACE)
    after, rare_after = _factor_blocks(episodes, cohort, arm, _AFTER)
    care, rare_care = _care_blocks(episodes, cohort, arm)
    blocks = [*_course_blocks(episodes, cohort), *before, *care, *place[:1], *after]
    smaller = int(min(arm.sum(), (~arm).sum()))
    used, left = choose_columns(blocks, smaller // ROWS_PER_COLUMN)
    X = np.column_stack([block.values for block in used]) if used else np.zeros((arm.size, 0))
    return Adjustment(tuple(used), (*left, *rare_before, *rare_care, *rare_place, *rare_after), X)


def _factor_blocks(
    episodes: Episodes, cohort: ExerciseCohort, arm: Flags, names: tuple[str, ...]
) -> tuple[list[Block], list[Block]]:
    """Blocks of the facts that both arms have enough of, and of those they have not."""
    factors = [coarsen(factor) for factor in build_factors(episodes, cohort.rows.episode, names, 1)]
    pooled = [(factor, pool_rare(factor, arm, LEAST_IN_ARM)) for factor in factors]
    return [Block.of(f) for _, f in pooled if f is not None], [Block.of(f) for f, kept in pooled if kept is None]


def _course_blocks(episodes: Episodes, cohort: ExerciseCohort) -> list[Block]:
    """How the episode went up to relief: ratings, how long it took, how often the patient came."""
    columns, course, row = episodes.columns, episodes.course, cohort.relief_row
    episode = cohort.rows.episode
    baseline = columns["baseline"][episode] / HUNDREDTHS
    days = (course.day[row] - columns["index_day"][episode]).astype(np.float64)
    # All visits: whether one is maintenance can depend on when the next was.
    visits = (row + 1 - episodes.starts[episode]).astype(np.float64)
    return [
        _numbers("baseline", "First pain rating", baseline=baseline, baseline_squared=baseline**2),
        _numbers("days_to_relief", "Days to relief", log_days_to_relief=np.log1p(days)),
        _numbers("relief_nrs", "Rating at relief", relief_nrs=course.pain[row] / HUNDREDTHS),
        _numbers("visit_rate", "Visits a week before relief", log_visits_a_week=np.log(7.0 * visits / (days + 7.0))),
    ]


def _care_blocks(episodes: Episodes, cohort: ExerciseCohort, arm: Flags) -> tuple[list[Block], list[Block]]:
    """Maintenance care by the landmark, and what else was done at the first treatment; and what is too rare of it."""
    blocks = [_flag("maintenance", "In maintenance care", cohort.maintenance_days < 0)]
    codebook, first = episodes.visits.codebook, episodes.columns["modalities_first"][cohort.rows.episode]
    for family in codebook.families:
        if family != "active":
            given = (first & np.uint64(codebook.family_masks[family])) != 0
            blocks.append(_flag(family, codebook.label("family", family), given))
    found = [(block, _in_both(block.values[:, 0] > 0, arm)) for block in blocks if block.values.any()]
    return [block for block, enough in found if enough], [block for block, enough in found if not enough]


def _in_both(flag: Flags, arm: Flags) -> bool:
    """Whether enough of both arms have it and have it not: otherwise it tells who is in which."""
    return min(int((state & side).sum()) for state in (flag, ~flag) for side in (arm, ~arm)) >= LEAST_IN_ARM


def _flag(name: str, label: str, flags: Flags) -> Block:
    return Block(name, label, (name,), flags.astype(np.float64)[:, None])


def _numbers(name: str, label: str, **columns: FloatArray) -> Block:
    return Block(name, label, tuple(columns), np.column_stack(list(columns.values())).astype(np.float64))
