"""The truth beside the records: one row an episode, and what was planted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np

from outcomes.simulate.history import History
from outcomes.simulate.values import CLASSES, FAMILIES, GROUPS, REGIONS
from outcomes.simulate.world import Array, Table, World

TRUTH_COLUMNS: dict[str, str] = {
    "patient_id": "id as exported; two patients may share it",
    "person": "number of the true person",
    "episode": "1, 2, ... within the person",
    "clinic_id": "clinic",
    "clinician_id": "usual clinician",
    "start_date": "first visit, also where it lies before the first day of the export",
    "region": "region",
    "onset_class": "acute, subacute or chronic",
    "start_pain": "latent pain at the start, 0-10",
    "floor": "share of it that stays (phi)",
    "tau_days": "time constant of the course (tau)",
    "half_day": "day latent pain is first at most half of its start; empty = never",
    "true_group": "muscle group in spasm",
    "identified_group": "group the clinician named",
    "treated_true_group": "1 where the first treatment was of the true group",
    "first_families": "families of the first treatment",
    "exercise_day": "day of the first active exercise; empty = never",
    "visits": "visits of care, also those outside the export",
    "last_day": "day of the last of them",
    "maintained": "1 where planned visits followed",
    "frailty": "gamma factor on the hazard of return",
    "landmark_day": "day the clock of return starts",
    "return_date": "next episode here, also after the data cut",
    "return_same_region": "1 where it is in the same region; empty where it lies after the data cut",
    "elsewhere_date": "first pain after the landmark not treated here",
    "elsewhere_count": "number of those until the return or the data cut",
}


def tell_truth(world: World, history: History, ids: Array, first_person: int) -> tuple[Table, Array]:
    """Truth of the episodes with a row in the export, and the position of each episode in it (-1 = not seen)."""
    eps = history.episodes
    seen = np.unique(history.visits["episode"])
    position = np.full(len(eps["patient"]), -1, dtype=np.int64)
    position[seen] = np.arange(seen.size)
    same = _same_region_next(eps)
    names: tuple[str, ...] = (
        "start",
        "class",
        "region",
        "start_pain",
        "floor",
        "tau",
        "half_day",
        "true_group",
        "identified_group",
    )
    names += ("concordant_true", "families_first", "exercise_day", "visits", "last_offset", "maintained", "frailty")
    names += (
        "landmark",
        "return_wait",
        "return_day",
        "elsewhere_day",
        "elsewhere_count",
        "previous",
        "trigger",
        "number",
    )
    names += (
        "clinic",
        "clinician",
        "baseline_rating",
        "concordant_identified",
        "last_better",
        "radiation",
        "cause",
        "age",
    )
    truth = {name: eps[name][seen] for name in names}
    person = eps["patient"][seen]
    return truth | {"patient_id": ids[person], "person": person + first_person, "same_region": same[seen]}, position


def _same_region_next(eps: Table) -> Array:
    """1/0 whether the next episode is in the same region; -1 where none was drawn."""
    order = np.lexsort((eps["number"], eps["patient"]))
    follows = eps["patient"][order][1:] == eps["patient"][order][:-1]
    out = np.full(len(order), -1, dtype=np.int64)
    same = eps["region"][order][1:] == eps["region"][order][:-1]
    out[order[:-1]] = np.where(follows, same, -1)
    return out


def format_truth(truth: Table) -> Iterator[str]:
    """Yield the lines of the truth file, without the header."""
    day = {k: _dates(truth[k]) for k in ("start", "return_day", "elsewhere_day")}
    masks = [";".join(f for i, f in enumerate(FAMILIES) if mask >> i & 1) for mask in range(1 << len(FAMILIES))]
    cells: list[list[str]] = [
        truth["patient_id"].tolist(),
        _whole(truth["person"]),
        _whole(truth["number"]),
        [f"C{c + 1:02d}" for c in truth["clinic"].tolist()],
        [f"P{c + 1:03d}" for c in truth["clinician"].tolist()],
        day["start"],
        [REGIONS[k] for k in truth["region"].tolist()],
        [CLASSES[k] for k in truth["class"].tolist()],
        _decimal(truth["start_pain"], 2),
        _decimal(truth["floor"], 3),
        _decimal(truth["tau"], 1),
        _decimal(truth["half_day"], 1),
        [GROUPS[k] for k in truth["true_group"].tolist()],
        [GROUPS[k] for k in truth["identified_group"].tolist()],
        _whole(truth["concordant_true"]),
        [masks[k] for k in truth["families_first"].tolist()],
        _decimal(truth["exercise_day"], 0),
        _whole(truth["visits"]),
        _whole(truth["last_offset"]),
        _whole(truth["maintained"]),
        _decimal(truth["frailty"], 3),
        _whole(truth["landmark"]),
        day["return_day"],
        ["" if k < 0 else str(k) for k in truth["same_region"].tolist()],
        day["elsewhere_day"],
        _whole(truth["elsewhere_count"]),
    ]
    for row in zip(*cells, strict=True):
        yield ",".join(row) + "\n"


def _whole(values: Array) -> list[str]:
    return [str(int(value)) for value in values.tolist()]


def _decimal(values: Array, places: int) -> list[str]:
    return [f"{value:.{places}f}" if np.isfinite(value) else "" for value in values.tolist()]


def _dates(days: Array) -> list[str]:
    distinct, codes = np.unique(days, return_inverse=True)
    # A hundred years on is "never" for every question asked here, and Python's dates end in 9999.
    texts = [(date(1970, 1, 1) + timedelta(days=min(day, 60_000))).isoformat() for day in distinct.tolist()]
    return [texts[code] for code in codes.tolist()]


def describe_plants(world: World) -> dict[str, Any]:
    """What was planted, for ``truth.json``: effects, the artefact, and the values of the profile."""
    profile, plants = world.profile, world.profile.plants
    quarters = [str(_day(start)) for start in world.quarter_starts.tolist()]
    fits = plants.shift_clinic < world.clinics and plants.shift_quarter <= len(quarters)
    fits_artefact = plants.mandatory_clinic < world.clinics and plants.mandatory_quarter <= len(quarters)
    course, returns = profile.course, profile.returns
    return {
        "profile": profile.name,
        "first_day": quarters[0],
        "data_cut": str(_day(world.cut_day)),
        "shift": {
            "clinic_id": f"C{plants.shift_clinic + 1:02d}",
            "from": quarters[plants.shift_quarter - 1],
            "log_tau": plants.shift_log_tau,
            "relief_by_28_days_points": plants.shift_relief_by_28_points,
        }
        if fits
        else None,
        "pain_made_mandatory": {
            "clinic_id": f"C{plants.mandatory_clinic + 1:02d}",
            "from": quarters[plants.mandatory_quarter - 1],
        }
        if fits_artefact
        else None,
        "immature_quarter_from": quarters[-1],
        "log_tau": {
            "concordant_first_treatment": course.shift_concordant,
            "active_exercise_before_relief": course.shift_active,
            "manual_first_treatment": course.shift_manual,
            "joint_first_treatment": course.shift_joint,
            "ultrasound": 0.0,
            "electrical": 0.0,
            "number_of_modalities": 0.0,
            "age_per_decade": course.shift_age_decade,
            "radiation_far": course.shift_far_radiation,
            "three_or_more_earlier_episodes": course.shift_many_episodes,
            "old_injury": course.shift_old_injury,
            "sd_between_clinicians": course.sd_clinician,
        },
        "hazard_of_return": asdict(returns),
        "dirt": asdict(profile.dirt),
        "truth_columns": TRUTH_COLUMNS,
    }


def _day(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
