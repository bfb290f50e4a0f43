"""Two arms formed at the first treatment visit, the episodes that can be compared, and what they are made alike in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows
from outcomes.cases.schema import HUNDREDTHS
from outcomes.questions.adjustment import (
    LEAST_IN_ARM,
    Adjustment,
    build_factor_blocks,
    build_family_blocks,
    choose_adjustment,
    make_flag,
    make_numbers,
    sort_flags,
)
from outcomes.questions.covariates import Block, Factor, pool_rare
from outcomes.questions.results import Flags
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

    def take(self, part: Flags) -> Arms:
        """Return some of the episodes."""
        return Arms(
            self.name,
            self.label,
            self.rows.take(part),
            self.treated[part],
            self.leave_out,
            self.facts,
            self.with_words,
            self.without_words,
        )


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
    blocks: list[Block] = [baseline_block(rows)]
    rare: list[Block] = []
    for names in (arms.facts, FIRST_FACTS):
        found, scarce = build_factor_blocks(episodes, rows.episode, arm, names)
        blocks, rare = [*blocks, *found], [*rare, *scarce]
    if len(units.names) > 1:
        blocks.append(Block.of(units.factor()))
    care, scarce = build_family_blocks(episodes, rows.given, arm, arms.leave_out)
    rating = pool_rare(rating_factor(rows), arm, LEAST_IN_ARM)
    blocks, rare = [*blocks, *care, *([Block.of(rating)] if rating else [])], [*rare, *scarce]
    found, scarce = build_factor_blocks(episodes, rows.episode, arm, LATER_FACTS)
    late, scarce_late = sort_flags([late_block(episodes, rows)], arm)
    blocks, rare = [*blocks, *found, *late], [*rare, *scarce, *scarce_late]
    return choose_adjustment(blocks, rare, arm)


def baseline_block(rows: TreatmentRows) -> Block:
    """Rating before the first treatment, in points, and its square."""
    nrs = rows.baseline / HUNDREDTHS
    return make_numbers("baseline", "First pain rating", baseline=nrs, baseline_squared=nrs**2)


def rating_factor(rows: TreatmentRows) -> Factor:
    """Rating before the first treatment, by whole points.

    Half of 4 is 2, and of whole points half of 5 is 2 as well: the chance of relief goes up and down with the rating in
    steps, and so can the choice of a treatment. A line and its square follow neither.
    """
    points = np.rint(rows.baseline / HUNDREDTHS).astype(np.intp)
    levels, codes = np.unique(points, return_inverse=True)
    names = tuple(str(level) for level in levels)
    commonest = int(np.argmax(np.bincount(codes))) if codes.size else 0
    return Factor("baseline_points", "First pain rating", names, names, codes, commonest)


def late_block(episodes: Episodes, rows: TreatmentRows) -> Block:
    """Whether the first treatment came after the first visit."""
    waited = episodes.course.day[rows.row] > episodes.columns["index_day"][rows.episode]
    return make_flag("treated_later", "First treated after the first visit", waited)
