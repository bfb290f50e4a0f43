"""Two arms formed at the first treatment visit, the episodes that can be compared, and what they are made alike in."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows, find_window_end
from outcomes.cases.schema import HUNDREDTHS
from outcomes.questions.adjustment import (
    Adjustment,
    build_factor_blocks,
    build_family_blocks,
    choose_adjustment,
    make_flag,
    make_numbers,
    pool_factors,
    sort_flags,
)
from outcomes.questions.bands import find_bands
from outcomes.questions.covariates import Block, Factor
from outcomes.questions.results import NOT_RECORDED, Flags
from outcomes.questions.treating_units import Units, find_units

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

FIRST_FACTS = ("chronicity", "previous_episodes", "radiation")
LATER_FACTS = ("region", "age", "cause", "sex", "index_quarter", "paresthesia", "payer")


@dataclass(frozen=True, slots=True)
class Arms:
    """Episodes in two arms, from their first treatment on.

    Attributes
    ----------
    name, label : str
        Of the contrast; the label in the owner's words ("ultrasound").
    rows : TreatmentRows
    treated : ndarray of bool, shape (n,)
    leave_out : tuple of str
        Families of treatment that the arms are formed by, which are not adjusted for.
    facts : tuple of str
        Further columns of the episode table to adjust for, before all others.
    extra : tuple of Factor
        Further facts to adjust for, of the episodes in `rows`, before all others.
    with_words, without_words : str
        Of the two arms, to stand after "episodes": ``that began with ultrasound``.
    """

    name: str
    label: str
    rows: TreatmentRows
    treated: Flags
    leave_out: tuple[str, ...]
    facts: tuple[str, ...]
    with_words: str
    without_words: str
    extra: tuple[Factor, ...] = ()

    def take(self, part: Flags) -> Arms:
        """Return some of the episodes."""
        extra = tuple(replace(factor, codes=factor.codes[part]) for factor in self.extra)
        return replace(self, rows=self.rows.take(part), treated=self.treated[part], extra=extra)


def family_arms(episodes: Episodes, rows: TreatmentRows, family: str) -> Arms:
    """Episodes that began with a family of treatments, alone or with others, against those that began without it."""
    codebook = episodes.visits.codebook
    label = codebook.label("family", family)
    words = label[0].lower() + label[1:]
    given = (rows.given & np.uint64(codebook.family_masks[family])) != 0
    return Arms(family, label, rows, given, (family,), (), f"that began with {words}", f"that began without {words}")


def keep_comparable(episodes: Episodes, arms: Arms) -> tuple[Arms, Units]:
    """Leave out the episodes of those who always, or never, treat so."""
    units = find_units(episodes, arms.rows.row, arms.treated)
    kept = units.kept
    return arms.take(kept), units


def choose_columns_of(episodes: Episodes, arms: Arms, units: Units) -> Adjustment:
    """Choose what the arms are made alike in.

    Parameters
    ----------
    episodes : Episodes
    arms : Arms
        Of the episodes that `units` keeps.
    units : Units
    """
    rows, arm = arms.rows, arms.treated
    found = [
        pool_factors(arms.extra, arm),
        build_factor_blocks(episodes, rows.episode, arm, (*arms.facts, *FIRST_FACTS)),
        build_family_blocks(episodes, rows.given, arm, arms.leave_out),
        pool_factors([rating_factor(rows)], arm),
        build_factor_blocks(episodes, rows.episode, arm, LATER_FACTS),
        sort_flags([late_block(episodes, rows)], arm),
    ]
    # Who treated comes before all other facts: each unit has 8 of each arm, so that there is always room.
    first = [baseline_block(rows), *([Block.of(units.factor())] if len(units.names) > 1 else [])]
    habit, judged = units.habit_blocks(arm)
    first += [*habit, *window_blocks(episodes, rows)]
    blocks, rare = zip(*found, strict=True)
    return choose_adjustment([*first, *itertools.chain(*blocks)], [*itertools.chain(*rare), *judged], arm)


def baseline_block(rows: TreatmentRows) -> Block:
    """Rating before the first treatment, in points, and its square."""
    nrs = rows.baseline / HUNDREDTHS
    return make_numbers("baseline", "First pain rating", baseline=nrs, baseline_squared=nrs**2)


def rating_factor(rows: TreatmentRows) -> Factor:
    """Rating before the first treatment, in bands.

    Half of 4 is 2, and of whole points half of 5 is 2 as well: the chance of relief goes up and down with the rating in
    steps, and a treatment may be chosen from a rating on. A line and its square follow neither.
    """
    names, codes = find_bands("baseline_nrs", rows.baseline / HUNDREDTHS, NOT_RECORDED)
    return Factor("baseline_band", "First pain rating", tuple(names), tuple(names), codes, 0)


def window_blocks(episodes: Episodes, rows: TreatmentRows) -> list[Block]:
    """Visits and last rating within the window in which treatments count; nothing where it is the first visit alone."""
    if not rows.window_days:
        return []
    course = episodes.course
    last = find_window_end(episodes, rows)
    rated = np.where(course.pain[last] >= 0, last, np.maximum(course.last_measured[last], rows.row))
    nrs = np.where(course.pain[rated] >= 0, course.pain[rated], rows.baseline) / HUNDREDTHS
    visits = np.log1p((last - rows.row).astype(np.float64))
    blocks = [
        make_numbers("window_visits", "Visits within the window", log_window_visits=visits),
        make_numbers("window_nrs", "Last rating within the window", window_nrs=nrs),
    ]
    return [block for block in blocks if np.ptp(block.values)]


def late_block(episodes: Episodes, rows: TreatmentRows) -> Block:
    """Whether the first treatment came after the first visit."""
    waited = episodes.course.day[rows.row] > episodes.columns["index_day"][rows.episode]
    return make_flag("treated_later", "First treated after the first visit", waited)
