"""What a model of all families at once is adjusted for: the facts of `treatment_arms`, and who treated.

There are no two arms here, so that a level is kept when enough episodes have it, whatever they were given. A clinician
has a column of his or her own from 20 episodes on; the others of a clinic share one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.first_treatment import TreatmentRows
from outcomes.cases.schema import MISSING
from outcomes.questions.adjustment import LEAST_IN_ARM, make_flag
from outcomes.questions.covariates import (
    OTHER,
    Block,
    Factor,
    build_factors,
    choose_columns,
    coarsen,
    stack_blocks,
)
from outcomes.questions.joint_bundles import Given, varies
from outcomes.questions.results import NOT_RECORDED, Flags, FloatArray, IntArray
from outcomes.questions.treating_units import OWN_UNIT_EPISODES
from outcomes.questions.treatment_arms import FIRST_FACTS, LATER_FACTS, baseline_block, late_block, rating_factor

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes


def build_covariates(episodes: Episodes, rows: TreatmentRows) -> list[Block]:
    """Return the facts to adjust for, the most important first.

    Parameters
    ----------
    episodes : Episodes
    rows : TreatmentRows
        All eligible episodes.
    """
    late = late_block(episodes, rows)
    facts = [baseline_block(rows), *_fact_blocks(episodes, rows, FIRST_FACTS)]
    treating = find_treating(episodes, rows.row)
    if treating is not None:
        facts.append(Block.of(treating))
    rating = pool_small(rating_factor(rows), LEAST_IN_ARM)
    facts += [Block.of(rating)] if rating else []
    facts += _fact_blocks(episodes, rows, LATER_FACTS)
    if varies(late.values[:, 0] > 0, LEAST_IN_ARM):
        facts.append(late)
    return facts


def _fact_blocks(episodes: Episodes, rows: TreatmentRows, names: tuple[str, ...]) -> list[Block]:
    factors = [coarsen(factor) for factor in build_factors(episodes, rows.episode, names, 1)]
    pooled = (pool_small(factor, LEAST_IN_ARM) for factor in factors)
    return [Block.of(factor) for factor in pooled if factor is not None]


def find_treating(episodes: Episodes, row: IntArray) -> Factor | None:
    """Return who treated at each of the visits `row` (n,), as levels; None where all are one or nothing is recorded."""
    columns, words = episodes.visits.columns, episodes.visits.words.codes
    if "clinic" not in columns and "clinician" not in columns:
        return None
    clinics = [str(word) for word in words.get("clinic", ())]
    clinic = columns["clinic"][row].astype(np.intp) if "clinic" in columns else np.full(row.size, MISSING, np.intp)
    at = np.where(clinic < 0, len(clinics), clinic)
    if "clinician" not in columns:
        return pool_small(_make_factor("clinic", "Clinic", [*clinics, NOT_RECORDED], at), OWN_UNIT_EPISODES)
    names, who, is_own = _find_own(episodes, row)
    levels = [*names, *(f"others at {name}" for name in clinics), NOT_RECORDED]
    code = np.where(is_own, who, len(names) + at)
    return pool_small(_make_factor("clinician", "Clinician", levels, code), OWN_UNIT_EPISODES)


def share_pooled(episodes: Episodes, row: IntArray) -> float:
    """Return the share of the visits `row` (n,) whose clinician has no level alone; 0 where none is recorded."""
    if "clinician" not in episodes.visits.columns or not row.size:
        return 0.0
    return float(1.0 - _find_own(episodes, row)[2].mean())


def _find_own(episodes: Episodes, row: IntArray) -> tuple[tuple[str, ...], IntArray, Flags]:
    """Names of clinicians, the one of each visit, and whether he or she has enough of the visits for a level."""
    names, who = episodes.visits.clinicians.names, episodes.visits.clinicians.code[row]
    has_level = np.append(np.bincount(who[who >= 0], minlength=len(names)) >= OWN_UNIT_EPISODES, False)
    return names, who, has_level[who]


def _make_factor(name: str, label: str, levels: list[str], codes: IntArray) -> Factor:
    return Factor(name, label, tuple(levels), tuple(levels), codes, 0)


def pool_small(factor: Factor, least: int) -> Factor | None:
    """Pool levels of fewer episodes; where all of them are still too few they join the commonest. None for one level.

    Parameters
    ----------
    factor : Factor
    least : int
        Episodes a level must have.
    """
    sizes = np.bincount(factor.codes, minlength=len(factor.levels))
    kept = [i for i, level in enumerate(factor.levels) if sizes[i] >= least and level != OTHER]
    if not kept:
        return None
    commonest = int(np.argmax(sizes[kept]))
    rest = int(sizes.sum() - sizes[kept].sum())
    place = np.full(len(factor.levels), len(kept) if rest >= least else commonest, dtype=np.intp)
    place[kept] = np.arange(len(kept))
    added = (OTHER,) if rest >= least else ()
    levels = (*(factor.levels[i] for i in kept), *added)
    labels = (*(factor.labels[i] for i in kept), *added)
    if len(levels) < 2:
        return None
    return replace(factor, levels=levels, labels=labels, codes=place[factor.codes], reference=commonest)


def choose_design(
    shown: list[Given], beside: list[Given], covariates: list[Block]
) -> tuple[FloatArray, tuple[Block, ...]]:
    """Return the columns of the model, those of `shown` first, and the blocks that follow them.

    Parameters
    ----------
    shown, beside : list of Given
        Families with a line of their own, and those that are adjusted for only; the latter are left out where the
        other columns determine them.
    covariates : list of Block
        There is room for.
    """
    first = [given_block(item) for item in shown]
    blocks = [*first, *covariates, *(given_block(item) for item in beside)]
    taken, _ = choose_columns(blocks, sum(len(block.names) for block in blocks))
    return stack_blocks(taken, blocks[0].values.shape[0]), tuple(taken[len(first) :])


def given_block(item: Given) -> Block:
    """One column of whether a family, or one of a bundle, was given."""
    return make_flag(item.name, item.label, item.flags)
