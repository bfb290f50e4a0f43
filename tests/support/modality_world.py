"""Made-up clinics in which it is known what each family of treatments does, and what the comparisons say of them.

A world is the packaged generator with other values: which families work, how often each is given, and which of them are
given the more the worse the pain is. Clinics of one world differ in their seed alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.first_treatment import build_treatment_rows
from outcomes.definitions import Protocol
from outcomes.estimators.npmle import cdf_at, npmle
from outcomes.estimators.shrinkage import benjamini_hochberg
from outcomes.questions.joint_model import fit_jointly
from outcomes.questions.modality_families import compare_families
from outcomes.simulate import simulate, values
from outcomes.simulate.visits import _INDICATION_MEAN
from outcomes.simulate.world import expit, spread_logit
from tables import records_of

PATIENTS = 2500
COLUMNS = ["seed", "question", "contrast", "analysis", "estimate", "conf_low", "conf_high", "p_value", "q_value"]
COLUMNS += ["tag", "reason"]
Cells = dict[str, list[str]]
FAMILY_OF = {"manual_soft_tissue": "manual", "joint_techniques": "joint"}
"""Families of the codebook to those of the generator, where the two names differ."""


@dataclass(frozen=True)
class World:
    """A kind of clinic, and what is asked of it.

    Attributes
    ----------
    profile : Profile
        In place of the generator's first.
    indicated : tuple of str
        Families given the more the worse the pain is (`values.FAMILIES`).
    families : tuple of str or None
        Compared one by one; all when None.
    patients, draws : int
    change : callable or None
        What is done to the written cells before they are read.
    """

    profile: values.Profile
    indicated: tuple[str, ...] = ("electrical", "thermal")
    families: tuple[str, ...] | None = None
    patients: int = PATIENTS
    draws: int = 2
    change: Callable[[Cells], None] | None = None


def make_profile(course=None, **treatments) -> values.Profile:
    """The packaged chiropractic practice in which no family does anything, with some values changed."""
    chiro = values.CHIRO
    idle = {"shift_manual": 0.0, "shift_joint": 0.0, "shift_active": 0.0, **(course or {})}
    return replace(chiro, course=replace(chiro.course, **idle), treatments=replace(chiro.treatments, **treatments))


def set_shares(**shares: float) -> tuple[float, ...]:
    """Shares of visits with each family, some of them changed."""
    usual = dict(zip(values.FAMILIES, values.CHIRO.treatments.shares, strict=True))
    return tuple({**usual, **shares}.values())


@contextmanager
def living_in(world: World):
    """Let the generator draw clinics of this world."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(values.PROFILES, "chiro", world.profile)
        places = tuple(values.FAMILIES.index(name) for name in world.indicated)
        patch.setattr("outcomes.simulate.visits._INDICATED", places)
        yield patch


def make_clinic(world: World, seed: int):
    """Episodes of one clinic."""
    with living_in(world):
        cells = {
            head: [str(cell) for cell in column]
            for head, column in simulate(world.patients, seed=seed, clean=True).records.items()
        }
    if world.change is not None:
        world.change(cells)
    # Shares of "fewer than so many draws" are not looked at here, but intervals, and means of estimates.
    protocol = Protocol.from_mapping({"inference": {"bootstrap_draws": world.draws}})
    return build_episodes(build_visits(records_of(cells), protocol))


def ask_clinic(task: tuple[World, int]) -> pd.DataFrame:
    """The lines that one clinic gives to both questions: each family against not, and all at once."""
    world, seed = task
    episodes = make_clinic(world, seed)
    with pytest.MonkeyPatch.context() as patch:
        # Nobody looks at the interval of the unadjusted lines here, and the clinics are shared among processes.
        patch.setattr("outcomes.questions.modality_families.DRAWS_BESIDE", 2)
        patch.setattr("outcomes.questions.modality_families.count_workers", lambda: 1)
        found = compare_families(episodes, families=world.families, beside=False).table
    found = found[found["scale"] == "difference"].assign(question="one_family")
    lines = pd.concat([found, ask_jointly(episodes)], ignore_index=True).assign(seed=seed, n=episodes.n)
    return lines[COLUMNS]


def ask_jointly(episodes) -> pd.DataFrame:
    """The joint lines alone; the unadjusted ones beside them are those of the other question, and cost most."""
    model = fit_jointly(episodes, build_treatment_rows(episodes))
    rows, shown = [], model.shown
    for i, item in enumerate(model.given):
        row = {"contrast": item.name, "analysis": "joint", "reason": model.contrasts[i].reason}
        if i in shown and model.fit is not None:
            at = shown.index(i) + 1
            numbers = ("estimate", "coef"), ("conf_low", "low"), ("conf_high", "high"), ("p_value", "p_values")
            row |= {name: getattr(model.fit, field)[at] for name, field in numbers}
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS).assign(question="all_families")
    n_asked = sum(bool(item.flags.any() and not item.flags.all()) for item in model.given)
    table["q_value"] = benjamini_hochberg(table["p_value"].to_numpy(dtype=np.float64), n_asked)
    return table


def ask_clinics(world: World, seeds: Iterable[int]) -> pd.DataFrame:
    """The lines of many clinics, one after the other in the order of the seeds, worked out in several processes."""
    tasks = [(world, seed) for seed in seeds]
    with ProcessPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        return pd.concat(pool.map(ask_clinic, tasks, chunksize=1), ignore_index=True)


def pick(lines: pd.DataFrame, question: str, contrast: str, analysis: str) -> pd.DataFrame:
    """The lines of one kind that have a number."""
    chosen = (lines["question"] == question) & (lines["contrast"] == contrast) & (lines["analysis"] == analysis)
    return lines[chosen & lines["estimate"].notna()]


def mean_and_error(numbers: pd.Series) -> tuple[float, float]:
    """Mean over the clinics, and its Monte-Carlo standard error."""
    return float(numbers.mean()), float(numbers.std(ddof=1) / np.sqrt(len(numbers)))


def overlap_of(world: World, pain: np.ndarray, radiates: np.ndarray, share: float) -> np.ndarray:
    """How much episodes of each pain and radiation count among those who might be in either arm: mean of ``e (1 - e)``.

    Over clinicians, whose habits are normal on the logit. That is the population overlap weights speak of.
    """
    habits = world.profile.treatments
    need = np.log(habits.odds_per_point) * np.maximum(pain - 6, 0) + np.log(habits.odds_radiation) * radiates
    nodes, mass = np.polynomial.hermite_e.hermegauss(41)
    score = spread_logit(share, habits.sd_preference) + need[:, None] - _INDICATION_MEAN
    chance = expit(score + habits.sd_preference * nodes)
    return (chance * (1.0 - chance)) @ (mass / mass.sum())


def find_truth(world: World, family: str, blocks: Iterable[int], patients: int = 25_000) -> tuple[float, float]:
    """What the comparison should find: the same share relieved by day 28 in clinics where treatment is given by lot.

    Latent pain would be the wrong yardstick: relief is known from ratings with an error, at visits, against a first
    rating with an error. So the truth is the same curve where nothing but chance decides who is treated, weighted to
    the patients the comparison speaks of. Returns it with its standard error, from blocks of clinics.
    """
    by_lot = replace(
        world,
        profile=replace(
            world.profile,
            treatments=replace(world.profile.treatments, sd_preference=0.0, odds_per_point=1.0, odds_radiation=1.0),
        ),
        patients=patients,
    )
    tasks = [(world, by_lot, family, seed) for seed in blocks]
    with ProcessPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        found = np.array(list(pool.map(_truth_of_block, tasks)))
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(found.size))


def _truth_of_block(task: tuple[World, World, str, int]) -> float:
    world, by_lot, family, seed = task
    episodes = make_clinic(by_lot, seed)
    rows = build_treatment_rows(episodes)
    codebook = episodes.visits.codebook
    given = (rows.given & np.uint64(codebook.family_masks[family])) != 0
    radiates = ~episodes.table["radiation"].iloc[rows.episode].isin(["none", ""]).fillna(True).to_numpy(dtype=bool)
    share = world.profile.treatments.shares[values.FAMILIES.index(FAMILY_OF.get(family, family))]
    weight = overlap_of(world, rows.baseline / 100.0, radiates, share)
    shares = [
        cdf_at(npmle(rows.left_days[arm], rows.right_days[arm], weights=weight[arm]), [28.0])[0][0]
        for arm in (given, ~given)
    ]
    return float(shares[0] - shares[1])


def give_by_one_clinician(cells: Cells) -> None:
    """Ultrasound is what one clinician does, always, and nobody else."""
    _rewrite(cells, "ultrasound_therapy", lambda done, who: who == "P003")


def give_together(cells: Cells) -> None:
    """Heat wherever electrical stimulation is given, and nowhere else."""
    _rewrite(cells, "heat_therapy", lambda done, who: "electrical_stimulation" in done)


_SAME_FAMILY = {
    "ultrasound_therapy": ("ultrasound_therapy",),
    "heat_therapy": ("heat_therapy", "cold_therapy", "thermal_unspecified"),
}


def _rewrite(cells: Cells, modality: str, is_given: Callable[[list[str], str], bool]) -> None:
    rows = zip(cells["modalities"], cells["clinician_id"], strict=True)
    out = []
    for text, who in rows:
        done = [word for word in text.split(";") if word and word not in _SAME_FAMILY[modality]]
        out.append(";".join([*done, modality] if done and is_given(done, who) else done))
    # Codes tell of treatments too.
    cells |= {"modalities": out, "procedure_codes": [""] * len(out)}
