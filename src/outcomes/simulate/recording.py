"""What of each visit is written down: numbers and positions in word lists, -1 where the field stays empty."""

from __future__ import annotations

import numpy as np

from outcomes.simulate import words
from outcomes.simulate.cases import first_treated_group
from outcomes.simulate.history import History
from outcomes.simulate.values import GROUPS, PAYERS, REGIONS
from outcomes.simulate.visits import CANCELLED, CARE, MAINTENANCE, NO_SHOW
from outcomes.simulate.world import STYLES, Array, Table, World, expit, pick, pick_by_row, spread_logit

MODALITY_IDS = tuple(words.MODALITIES)
MUSCLE_IDS = tuple(words.MUSCLES)
TRIGGER_IDS = tuple(words.TRIGGERS)
RADIATION_IDS = tuple(words.RADIATIONS)
DISCHARGE_IDS = tuple(words.DISCHARGES)
PURPOSE_IDS = tuple(words.PURPOSES)
_HAMSTRINGS, _PSOAS = MUSCLE_IDS.index("hamstrings"), MUSCLE_IDS.index("iliopsoas")
_BACK, _NECK = MUSCLE_IDS.index("back_unspecified"), MUSCLE_IDS.index("neck_unspecified")
_MEAN_BETTER_LATER = 0.5  # share of later visits at least 50 % better, to keep the overall share missing


def record(rng: np.random.Generator, world: World, history: History) -> Table:
    """Decide what is written of each visit; one entry a visit, in the order of ``history.visits``."""
    eps, visits = history.episodes, history.visits
    ep = {name: values[visits["episode"]] for name, values in eps.items()}
    ep["age"] = ep["age"] + (ep["start"] - history.patients["start"][ep["patient"]]) // 365
    seen = visits["kind"] <= MAINTENANCE
    opening = (visits["kind"] == CARE) & (visits["visit"] == 1)
    out = _record_pain(rng, world, ep, visits, seen)
    out |= _record_purpose(rng, world, ep, visits, opening)
    out |= _record_function(rng, world, ep, visits, seen, opening)
    out |= _record_complaint(rng, world, ep, opening)
    out["modalities"] = _choose_modalities(rng, world, visits, seen)
    out |= _record_muscles(rng, world, eps, ep, visits, seen, opening)
    out |= {name: ep[name] for name in ("patient", "region", "age", "female", "radiation")}
    out |= {"medicare": ep["payer"] == PAYERS.index("medicare"), "payer": np.where(opening, ep["payer"], -1)}
    out |= {"day": visits["day"], "clinic": ep["clinic"], "clinician": visits["clinician"], "opening": opening}
    habit = world.style[visits["clinician"]]
    strays = rng.random(len(habit)) < 0.1
    out["style"] = np.where(strays, rng.integers(0, STYLES, len(habit)), habit)
    out["diagnosis"] = np.where(
        rng.random(len(habit)) < world.profile.recording.diagnoses, -1, eps["patient"][visits["episode"]] % 8
    )
    out["coded"] = seen & (rng.random(len(habit)) >= world.profile.recording.codes)
    out["chance"] = rng.random(len(habit))
    return out


def _missing(rng: np.random.Generator, world: World, share: Array | float, habit: Array) -> Array:
    sd = world.profile.recording.sd_clinician
    return rng.random(len(habit)) < expit(spread_logit(share, sd) + habit)


def _record_pain(rng: np.random.Generator, world: World, ep: Table, visits: Table, seen: Array) -> Table:
    values, plants, course = world.profile.recording, world.profile.plants, world.profile.course
    n = len(seen)
    first = visits["visit"] == 1
    level = values.pain_later / (1.0 + (values.pain_better - 1.0) * _MEAN_BETTER_LATER)
    share = np.where(first, values.pain_first, np.where(visits["better"], level * values.pain_better, level))
    empty = _missing(rng, world, share, world.pain_habit[visits["clinician"]])
    mandatory = (ep["clinic"] == plants.mandatory_clinic) & (
        world.quarter_of(visits["day"]) >= plants.mandatory_quarter
    )
    empty = np.where(mandatory, rng.random(n) < values.mandatory, empty)
    pre = np.where(seen & ~empty, visits["rating"], -1)
    post = np.rint(np.clip(pre - rng.normal(course.post_mean, course.post_sd, n), 0.0, 10.0)).astype(np.int64)
    return {"pain_pre": pre, "pain_post": np.where((pre >= 0) & (rng.random(n) >= values.pain_post), post, -1)}


def _record_purpose(rng: np.random.Generator, world: World, ep: Table, visits: Table, opening: Array) -> Table:
    """Bits after `PURPOSE_IDS`; several may be ticked. A return is not always examined as a new complaint."""
    n = len(opening)
    bit = {name: 1 << i for i, name in enumerate(PURPOSE_IDS)}
    examined = opening & ((ep["number"] == 1) | (rng.random(n) < 0.6))
    reviewed = (visits["visit"] > 1) & (visits["visit"] % world.profile.visits.re_exam_every == 0)
    named = rng.random(n) < world.profile.visits.maintenance_named
    discharged = visits["is_last"] & (rng.random(n) < world.profile.visits.discharge_code)
    purpose = np.where(examined, bit["first_exam"], bit["treatment"])
    purpose |= np.where(reviewed, bit["re_exam"], 0) | np.where(discharged, bit["discharge"], 0)
    purpose = np.where((visits["kind"] == MAINTENANCE) & named, bit["maintenance"], purpose)
    purpose = np.where(visits["kind"] == NO_SHOW, bit["no_show"], purpose)
    purpose = np.where(visits["kind"] == CANCELLED, bit["cancelled"], purpose)
    reason = np.where(visits["rating"] <= 1, 0, np.where(visits["better"], 1, 2 + pick(rng, (0.25, 0.45, 0.30), n)))
    return {"purpose": purpose, "discharge": np.where(discharged, reason, -1)}


def _record_function(
    rng: np.random.Generator, world: World, ep: Table, visits: Table, seen: Array, opening: Array
) -> Table:
    values, n = world.profile.recording, len(seen)
    share = np.where(opening, values.function_first, values.function_later)
    given = seen & (rng.random(n) >= share) & (visits["kind"] != MAINTENANCE)
    score = np.clip(np.rint((7.0 * visits["pain"] + rng.normal(0.0, 8.0, n)) / 2.0), 0, 50).astype(np.int64) * 2
    instrument = (ep["region"] == REGIONS.index("cervical")).astype(np.int64)
    return {"function_score": np.where(given, score, -1), "instrument": np.where(given, instrument, -1)}


def _record_complaint(rng: np.random.Generator, world: World, ep: Table, opening: Array) -> Table:
    """Fields asked once, at the visit that opens the episode."""
    values, n = world.profile.recording, len(opening)
    other = np.array([TRIGGER_IDS.index(name) for name in words.OTHER_TRIGGERS])[
        rng.integers(0, len(words.OTHER_TRIGGERS), n)
    ]
    trigger = np.where(ep["trigger"] == 6, other, ep["trigger"])
    target = np.array([[RADIATION_IDS.index(name) for name in row] for row in words.RADIATES_TO])
    onset = np.where(ep["cause"] == 2, 2, np.where(ep["trigger"] <= 1, 0, np.where(rng.random(n) < 0.2, 3, 1)))
    fields = {
        "cause": (ep["cause"], 0.10),
        "trigger": (trigger, values.trigger),
        "radiates_to": (target[ep["region"], ep["radiation"]], 0.05),
        "paresthesia": (ep["paresthesia"].astype(np.int64), 0.10),
        "onset_day": (ep["start"] - ep["onset_days"], values.onset),
        "onset": (onset, values.onset),
        "previous": (ep["previous"], 0.15),
    }
    return {name: np.where(opening & (rng.random(n) >= gap), value, -1) for name, (value, gap) in fields.items()}


def _choose_modalities(rng: np.random.Generator, world: World, visits: Table, seen: Array) -> Array:
    """Bits after `MODALITY_IDS`: what each family was, by the clinician's favourites."""
    out = np.zeros(len(seen), dtype=np.int64)
    for k, favourites in enumerate(world.favourites):
        position = np.array([MODALITY_IDS.index(name) for name, _ in words.CHOICES[k]])
        rows = np.flatnonzero(visits["families"] >> k & 1)
        out[rows] |= 1 << position[pick_by_row(rng, favourites, visits["clinician"][rows])]
        if k in words.SECOND_CHOICE:
            rows = rows[rng.random(rows.size) < words.SECOND_CHOICE[k]]
            out[rows] |= 1 << position[pick_by_row(rng, favourites, visits["clinician"][rows])]
    unwritten = rng.random(len(seen)) < world.profile.recording.modalities
    return np.where(seen & ~unwritten & (out > 0), out, -1)


def _muscles_of(rng: np.random.Generator, group: Array, thoracic: Array) -> Array:
    """A muscle of each group, as position in `MUSCLE_IDS`."""
    table = np.zeros((len(words.GROUP_MUSCLES), len(MUSCLE_IDS)))
    for i, muscles in enumerate(words.GROUP_MUSCLES):
        for name, weight in muscles:
            table[i, MUSCLE_IDS.index(name)] = weight
    return pick_by_row(rng, table, np.where((group == 0) & thoracic, len(GROUPS), group))


def _record_muscles(
    rng: np.random.Generator, world: World, eps: Table, ep: Table, visits: Table, seen: Array, opening: Array
) -> Table:
    """Muscle 1, muscle 2 (-1 = none) and side (0 = not written, then L, R, B) of the found and the treated."""
    values, n = world.profile.recording, len(seen)
    thoracic = eps["region"] == REGIONS.index("thoracic")
    found = _muscles_of(rng, eps["identified_group"], thoracic)
    beside = _muscles_of(
        rng, np.where(rng.random(len(found)) < 0.6, eps["identified_group"], eps["treated_neighbour"]), thoracic
    )
    beside = np.where((rng.random(len(found)) < 0.25) & (beside != found), beside, -1)
    treated = _first_treated(rng, eps, found, thoracic)
    row, habit = visits["episode"], world.muscle_habit[visits["clinician"]]
    side = np.where(rng.random(n) < values.side, 0, ep["side"])
    other_side = np.where(rng.random(n) < 0.05, np.array([0, 2, 1, 3])[side], side)
    again = opening | (rng.random(n) >= values.identified_later)
    has_found = seen & again & ~_missing(rng, world, values.muscles, habit)
    has_treated = seen & ~_missing(rng, world, values.muscles, habit) & (visits["families"] & 0b0010011111 > 0)
    usual = opening | (rng.random(n) < 0.8)
    now = np.where(usual, treated[row], found[row])
    return {
        "found": np.where(has_found, found[row], -1),
        "found_beside": np.where(has_found, beside[row], -1),
        "found_side": side,
        "treated": np.where(has_treated, now, -1),
        "treated_beside": np.where(has_treated & usual & (now == found[row]), beside[row], -1),
        "treated_side": other_side,
    }


def _first_treated(rng: np.random.Generator, eps: Table, found: Array, thoracic: Array) -> Array:
    group = first_treated_group(eps)
    exact = _muscles_of(rng, np.maximum(group, 0), thoracic)
    exact = np.where((group == eps["identified_group"]) & (rng.random(len(group)) < 0.75), found, exact)
    mismatch = np.where(rng.random(len(group)) < 0.7, _HAMSTRINGS, _PSOAS)
    vague = np.where(eps["region"] == REGIONS.index("cervical"), _NECK, _BACK)
    return np.where(group == -1, mismatch, np.where(group == -2, vague, exact))
