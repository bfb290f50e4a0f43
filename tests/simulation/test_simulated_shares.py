"""The generator gives the shares it was built to give.

Each share is an average over clinics, which differ by their clinicians' habits; its tolerance is four standard errors
between clinics, plus half a unit of the last digit of the target (or the slack stated beside it).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from outcomes.simulate import Simulated, simulate
from outcomes.simulate.values import CLASSES, FAMILIES, GROUPS, PROFILES, REGIONS
from outcomes.simulate.words import MODALITIES

Array = NDArray[Any]
CLINICS, PATIENTS, SEED = 80, 16_000, 41
STANDARD_ERRORS = 4.0


@lru_cache(maxsize=2)
def export(profile: str) -> Simulated:
    return simulate(PATIENTS, SEED, profile, clinics=CLINICS, clean=True)


@lru_cache(maxsize=2)
def table(profile: str) -> dict[str, Array]:
    """One entry a record: typed columns, and the truth of its episode."""
    simulated = export(profile)
    records, truth, row = simulated.records, simulated.truth, simulated.episode_of_record
    day = records["visit_date"].astype("datetime64[D]").astype(int)
    out = {name: values[row] for name, values in truth.items() if name != "patient_id"}
    pain = np.array([float(text) if text else np.nan for text in records["pain_pre"]])
    out |= {"row_episode": row, "day": day, "offset": day - truth["start"][row], "pain": pain}
    out["purpose"] = records["visit_purpose"]
    missed = np.isin(out["purpose"], ["no_show", "cancelled"])
    # A Sunday is moved to Monday, so the last visit of care may stand a day after its number.
    out["care"] = ~missed & (out["offset"] <= out["last_offset"] + 1)
    out["opening"] = out["care"] & (out["offset"] <= 1) & first_of(row, out["care"])
    out["missed"] = missed
    return out


def first_of(episode: Array, kept: Array) -> Array:
    out = np.zeros(len(episode), dtype=bool)
    rows = np.flatnonzero(kept)
    out[rows[np.unique(episode[rows], return_index=True)[1]]] = True
    return out


def whole_episodes(profile: str) -> Array:
    """Episodes that start inside the export and could end in it."""
    truth = export(profile).truth
    day = table(profile)["day"]
    return (truth["start"] >= day.min()) & (truth["start"] < day.max() - 400)


def check_mean(values: Array, clinic: Array, target: float, slack: float = 0.005) -> None:
    sums, counts = np.bincount(clinic, values.astype(float)), np.bincount(clinic)
    mean = float(values.mean())
    residual = (sums - mean * counts)[counts > 0]
    error = float(np.sqrt((residual**2).sum())) / values.size
    assert mean == pytest.approx(target, abs=STANDARD_ERRORS * error + slack), f"standard error {error:.4f}"


# Target and slack; the published figures are rounded, and the one generator had to meet several of them at once.
VISITS = {"chiro": (4.6, 0.1, 4, 0.125, 0.43), "physio": (11.0, 0.2, 9, 0.03, None)}


@pytest.mark.parametrize("profile", PROFILES)
def test_visits_per_episode(profile: str) -> None:
    truth, kept = export(profile).truth, whole_episodes(profile)
    visits, clinic = truth["visits"][kept], truth["clinic"][kept]
    mean, slack, median, one, few = VISITS[profile]
    check_mean(visits, clinic, mean, slack)
    check_mean(visits == 1, clinic, one)
    # The text has 10 for physio; a stopping rule of constant chance and mean 11 cannot give more than 9.
    assert np.median(visits) == median
    if few is not None:
        check_mean(visits <= 3, clinic, few, 0.015)


REMAINING = {
    "acute": ((42, 0.36), (182, 0.18), (364, 0.17)),
    "subacute": ((42, 0.47), (182, 0.29), (364, 0.27)),
    "chronic": ((42, 0.64), (182, 0.46), (364, 0.42)),
}


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("profile", PROFILES)
def test_remaining_latent_pain(profile: str, kind: str) -> None:
    truth = export(profile).truth
    kept = (truth["class"] == CLASSES.index(kind)) & (truth["clinic"] != PROFILES[profile].plants.shift_clinic)
    floor, tau = truth["floor"][kept], truth["tau"][kept]
    for day, target in REMAINING[kind]:
        remaining = floor + (1.0 - floor) * np.exp(-day / tau)
        # Clinicians and case mix widen tau a little, which lifts the mean by about a point.
        check_mean(remaining, truth["clinic"][kept], target, slack=0.02)


@pytest.mark.parametrize("profile", PROFILES)
def test_first_episodes_have_the_case_mix(profile: str) -> None:
    truth, values = export(profile).truth, PROFILES[profile]
    first = truth["number"] == 1
    clinic = truth["clinic"][first]
    for k, share in enumerate(values.classes):
        check_mean(truth["class"][first] == k, clinic, share)
    for k, share in enumerate(values.regions):
        check_mean(truth["region"][first] == k, clinic, share)
    for k, share in enumerate(values.radiation):
        check_mean(truth["radiation"][first] == k, clinic, share)
    check_mean(truth["age"][first], clinic, values.age[0], slack=0.5)
    check_mean(truth["identified_group"] == truth["true_group"], truth["clinic"], values.identified_right)


def test_muscle_groups_of_the_chiropractic_profile() -> None:
    truth = export("chiro").truth
    shares = (0.30, 0.16, 0.07, 0.17, 0.07, 0.08, 0.06, 0.06, 0.03)
    for k, share in enumerate(shares):
        check_mean(truth["true_group"] == k, truth["clinic"], share)
    assert len(shares) == len(GROUPS)
    assert truth["region"].max() == len(REGIONS) - 1


@pytest.mark.parametrize("profile", PROFILES)
def test_families_at_visits(profile: str) -> None:
    rows, values = table(profile), PROFILES[profile].treatments
    cells = export(profile).records["modalities"]
    groups = {
        "joint": ("spinal_manipulation", "joint_mobilization", "flexion_distraction"),
        "manual": (
            "stretching",
            "massage",
            "myofascial_release",
            "trigger_point_pressure",
            "iastm",
            "muscle_energy",
            "manual_therapy_unspecified",
        ),
        "electrical": ("electrical_stimulation",),
        "thermal": ("heat_therapy", "cold_therapy", "thermal_unspecified"),
        "ultrasound": ("ultrasound_therapy",),
        "traction": ("traction",),
        "needling": ("dry_needling", "acupuncture"),
        "education": ("education_advice",),
    }
    kept = rows["care"] & (cells != "")
    terms = [set(text.split(";")) for text in cells[kept]]
    for family, ids in groups.items():
        used = np.array([not found.isdisjoint(ids) for found in terms])
        check_mean(used, rows["clinic"][kept], values.shares[FAMILIES.index(family)], slack=0.015)
    assert all(found <= set(MODALITIES) for found in terms)


@pytest.mark.parametrize("profile", PROFILES)
def test_exercise_is_staged_after_pain_falls(profile: str) -> None:
    rows, values = table(profile), PROFILES[profile].treatments
    active = ("rehab_exercise", "neuromuscular_reeducation", "functional_training", "home_exercise")
    used = np.array([not {*text.split(";")}.isdisjoint(active) for text in export(profile).records["modalities"]])
    check_mean(used[rows["opening"]], rows["clinic"][rows["opening"]], values.active_first, slack=0.03)
    later = rows["care"] & (rows["offset"] > 30) & ~np.isnan(rows["pain"])
    check_mean(used[later], rows["clinic"][later], values.active_plateau, slack=0.05)
    low = rows["pain"] <= values.active_low_pain_nrs
    odds = [used[later & side].mean() / (1.0 - used[later & side].mean()) for side in (low, ~low)]
    # Pooled over clinicians the conditional odds ratio of 3 comes out smaller; without staging it would be 1.
    assert 2.0 < odds[0] / odds[1] < values.odds_active_low_pain + 0.3


@pytest.mark.parametrize("profile", PROFILES)
def test_one_year_return(profile: str) -> None:
    truth = export(profile).truth
    check_mean(truth["return_wait"] <= 365, truth["clinic"], 0.26, slack=0.015)
    first = truth["number"] == 1
    frailty = truth["frailty"][first]
    check_mean(frailty, truth["clinic"][first], 1.0)
    assert frailty.var() == pytest.approx(1.0 / PROFILES[profile].returns.frailty_shape, abs=0.08)
    day = table(profile)["day"].max()
    seen = (truth["return_day"] <= day).sum()
    assert truth["elsewhere_count"].sum() / seen == pytest.approx(1.25, abs=STANDARD_ERRORS * 1.5 / np.sqrt(seen))


@pytest.mark.parametrize("profile", PROFILES)
def test_share_whose_last_rating_is_not_relief(profile: str) -> None:
    # The text's 51 % (41 %) leaves open whether missed ratings count; as rated the share is below, as recorded above.
    target = {"chiro": 0.51, "physio": 0.41}[profile]
    rows, kept = table(profile), whole_episodes(profile)
    as_rated = 1.0 - export(profile).truth["last_better"][kept].mean()
    measured = np.flatnonzero(rows["care"] & ~np.isnan(rows["pain"]) & kept[rows["row_episode"]])
    order = measured[np.lexsort((rows["day"][measured], rows["row_episode"][measured]))]
    episode = rows["row_episode"][order]
    starts = np.flatnonzero(np.r_[True, episode[1:] != episode[:-1]])
    ends = np.r_[starts[1:], len(order)] - 1
    as_recorded = (rows["pain"][order][ends] > 0.5 * rows["pain"][order][starts]).mean()
    assert as_rated < target < as_recorded + 0.01
    assert as_recorded - as_rated < 0.12


@pytest.mark.parametrize("profile", PROFILES)
def test_missing_fields(profile: str) -> None:
    rows, records = table(profile), export(profile).records
    values = PROFILES[profile].recording
    usual = rows["clinic"] != PROFILES[profile].plants.mandatory_clinic
    first, later = rows["opening"] & usual, rows["care"] & ~rows["opening"] & (rows["offset"] > 1) & usual
    shares = (
        (np.isnan(rows["pain"]), first, values.pain_first, 0.005),
        (np.isnan(rows["pain"]), later, values.pain_later, 0.03),
        (records["muscles_identified"] == "", first, values.muscles, 0.01),
        (records["trigger"] == "", first, values.trigger, 0.01),
        (records["onset_date"] == "", first, values.onset, 0.01),
        (records["function_score"] == "", first, values.function_first, 0.01),
        (records["function_score"] == "", later, values.function_later, 0.01),
        (records["pain_post"] == "", rows["care"] & ~np.isnan(rows["pain"]), values.pain_post, 0.005),
    )
    for missing, kept, share, slack in shares:
        check_mean(missing[kept], rows["clinic"][kept], share, slack)
    written = records["muscles_identified"] != ""
    without = np.array([":" not in text for text in records["muscles_identified"]])
    check_mean(without[written], rows["clinic"][written], values.side)


@pytest.mark.parametrize("profile", PROFILES)
def test_missed_appointments_and_maintenance(profile: str) -> None:
    rows, values = table(profile), PROFILES[profile].visits
    scheduled = rows["care"] | rows["missed"]
    check_mean(rows["missed"][scheduled], rows["clinic"][scheduled], values.no_show)
    truth = export(profile).truth
    relieved = truth["last_better"] | (truth["half_day"] <= truth["last_offset"])
    check_mean(truth["maintained"][relieved], truth["clinic"][relieved], values.maintenance, slack=0.01)


def test_episodes_do_not_drift_through_the_quarters() -> None:
    truth, first = export("chiro").truth, table("chiro")["day"].min()
    year = (truth["start"] - first) // 365
    counts = np.bincount(year[(year >= 0) & (year < 4)], minlength=4)
    assert counts.max() / counts.min() < 1.08


def test_planted_shift_is_worth_ten_points_of_relief() -> None:
    truth = simulate(30_000, SEED, "chiro", clinics=2, clean=True).truth
    plants = PROFILES["chiro"].plants
    starts = simulate(10, SEED, "chiro", clinics=2).planted["shift"]["from"]
    after = truth["start"] >= np.datetime64(starts).astype(int)
    here = truth["clinic"] == plants.shift_clinic
    relieved = truth["half_day"] <= 28
    shift = relieved[here & after].mean() - relieved[here & ~after].mean()
    drift = relieved[~here & after].mean() - relieved[~here & ~after].mean()
    error = np.sqrt(sum(0.25 / (a & b).sum() for a in (here, ~here) for b in (after, ~after)))
    assert 100 * (shift - drift) == pytest.approx(plants.shift_relief_by_28_points, abs=100 * STANDARD_ERRORS * error)
    assert shift - drift > 0.04


def test_planted_artefact_fills_the_pain_field_and_nothing_else() -> None:
    simulated = simulate(6_000, SEED, "chiro", clinics=3, clean=True)
    records = simulated.records
    here = records["clinic_id"] == simulated.planted["pain_made_mandatory"]["clinic_id"]
    after = records["visit_date"] >= simulated.planted["pain_made_mandatory"]["from"]
    visited = ~np.isin(records["visit_purpose"], ["no_show", "cancelled"])
    filled = records["pain_pre"] != ""
    n = (here & after & visited).sum()
    tolerance = STANDARD_ERRORS * np.sqrt(0.02 * 0.98 / n)
    assert filled[here & after & visited].mean() == pytest.approx(0.98, abs=tolerance)
    assert filled[here & ~after & visited].mean() < 0.95
    assert filled[~here & after & visited].mean() < 0.95
