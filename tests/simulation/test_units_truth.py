"""Made-up clinics: equal ones raise no more alarms than promised, a planted one is found, naive answers go wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from outcomes.definitions import Protocol
from outcomes.estimators.funnel import funnel_limits
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.questions.attendance import describe_attendance
from outcomes.questions.units import compare_units
from outcomes.questions.units_expected import Expected
from outcomes.questions.units_lines import _standardise, find_within
from outcomes.questions.units_outcomes import build_unit_rows
from support.modality_world import World, make_clinic, make_profile

WORLDS = 24


def world(shift: float = 0.0, patients: int = 2500, sd_clinician: float = 0.0) -> World:
    """Clinics of equal skill but unequal habits of recording; one may heal faster from the first quarter on."""
    profile = make_profile({"sd_clinician": sd_clinician})
    plants = replace(profile.plants, shift_log_tau=shift, shift_quarter=1, mandatory_quarter=99)
    return World(replace(profile, plants=plants), indicated=(), patients=patients)


def outside(table: pd.DataFrame, name: str) -> pd.Series:
    return (table["estimate"] < table[f"low_{name}"]) | (table["estimate"] > table[f"high_{name}"])


@pytest.fixture(scope="module")
def equal():
    """The clinicians of equal clinics, by relief and by silent stops."""
    lines = []
    for seed in range(WORLDS):
        episodes = make_clinic(world(), seed)
        for outcome in ("relieved", "silent_stop"):
            found = compare_units(episodes, by="clinician", outcome=outcome)
            lines.append(found.table.assign(outcome=outcome, target=found.summary["target"]))
    return pd.concat(lines, ignore_index=True)


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["relieved", "silent_stop"])
def test_equal_clinicians_raise_no_more_alarms_than_promised(equal, outcome):
    table = equal[equal["outcome"] == outcome]
    n = len(table)
    assert n >= 20 * WORLDS
    for name, wanted in (("95", 0.05), ("998", 0.002)):
        # Habits of recording differ, which relief takes in its stride; three standard errors of so many units, and one
        # point for what the model of case mix leaves.
        assert outside(table, name).mean() <= wanted + 0.01 + 3 * np.sqrt(wanted * (1 - wanted) / n)
    assert 0.85 < table["z"].std() < 1.15
    # Of 0.2 % of them by chance: not more than such a number leaves room for.
    assert table["is_flagged"].sum() <= poisson.ppf(0.999, 0.002 * n)
    assert not table.loc[table["n"] < 30, "is_flagged"].any()


def lines_of(values, expected, code, patient):
    """The numbers of units of made-up outcomes, with the limits of chance alone."""
    n = np.bincount(code)
    chance = np.clip(expected, 0.0, 1.0)
    sums = [np.bincount(code, weights=numbers) for numbers in (values, expected, chance * (1.0 - chance))]
    model = Expected(expected, (), (), "mean")
    within = find_within(values - expected, code, patient)
    found = _standardise(n, *sums, within, float(values.mean()), np.ones(n.size, dtype=bool), model, Protocol())
    limits = funnel_limits(found.size, found.target, design_effect=found.design_effect)
    return found, (found.estimate[:, None] < limits.low) | (found.estimate[:, None] > limits.high)


@pytest.mark.slow
@pytest.mark.parametrize(("low", "high", "n"), [(0.5, 0.5, 150), (0.3, 0.6, 150), (0.2, 0.6, 150), (0.25, 0.55, 60)])
def test_units_with_hard_case_mix_raise_no_more_alarms_than_others(low, high, n):
    """Twelve units without any difference of their own; in the first six less is to be expected."""
    rng, runs = np.random.default_rng(3), 700
    code, base = np.repeat(np.arange(12), n), np.repeat(np.repeat([low, high], 6), n)
    beyond, covered, naive = np.zeros((12, 2)), np.zeros(12), np.zeros(12)
    for _ in range(runs):
        chance = np.clip(base + rng.uniform(-0.08, 0.08, base.size), 0.02, 0.98)
        yes = (rng.random(base.size) < chance).astype(float)
        expected = chance * yes.sum() / chance.sum()
        found, outside = lines_of(yes, expected, code, np.arange(code.size))
        beyond += outside
        covered += (found.low <= found.target) & (found.target <= found.high)
        plain = funnel_limits(found.expected / found.target, found.target)
        naive += (found.estimate < plain.low[:, 0]) | (found.estimate > plain.high[:, 0])
    for half in (slice(0, 6), slice(6, 12)):
        for level, wanted in enumerate((0.05, 0.002)):
            # A unit is a twelfth of the mean, which takes the share beyond the first limits from 5.0 to 4.1 %.
            error = 3 * np.sqrt(wanted * (1 - wanted) / (6 * runs))
            assert 0.75 * wanted - error < (beyond[half, level] / runs).mean() < wanted + error
        assert 0.94 < (covered[half] / runs).mean() < 0.975
    if high - low > 0.2:
        # By the number of episodes that expect as much, where little is expected alarms are too many.
        assert naive[:6].mean() / runs > 0.065 > 0.03 > naive[6:].mean() / runs


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["relieved", "resolved"])
def test_units_drawn_at_random_lie_beyond_the_limits_as_often_as_these_say(outcome):
    """24 units of patients put together by lot: smoothed pseudo-observations, and those of the day alone."""
    rows = build_unit_rows(make_clinic(world(patients=3000), 11), outcome)
    patient = np.unique(rows.patient, return_inverse=True)[1]
    smooth = rows.values()
    alone = interval_pseudo(rows.left_days, rows.right_days, [float(rows.day)])[:, 0]
    rng, runs, units = np.random.default_rng(5), 500, 24
    shares = {}
    for name, values in (("smooth", smooth), ("alone", alone)):
        outside = np.zeros(2)
        for _ in range(runs):
            code = rng.integers(0, units, patient.max() + 1)[patient]
            outside += lines_of(values, np.full(rows.n, values.mean()), code, patient)[1].sum(axis=0)
        shares[name] = outside / (units * runs)
    # Units of one draw share its patients; they are taken as independent, which 24 of them nearly are.
    for level, wanted in enumerate((0.05, 0.002)):
        assert shares["smooth"][level] == pytest.approx(wanted, abs=4 * np.sqrt(wanted * (1 - wanted) / (units * runs)))
    assert shares["alone"][1] > 0.004 or outcome == "resolved"


@pytest.mark.slow
def test_without_the_design_effect_relief_would_raise_many(equal):
    table = equal[equal["outcome"] == "relieved"]
    naive = (table["estimate"] - table["target"]) / np.sqrt(table["target"] * (1 - table["target"]) / table["size"])
    # An episode says as much as 1 in 1.75: 14 % lie beyond 1.96 of their own standard errors instead of 5 %.
    assert (naive.abs() > 1.96).mean() > 0.1


@pytest.mark.slow
def test_the_planted_clinic_is_found_and_no_other():
    flagged = []
    for seed in range(6):
        found = compare_units(make_clinic(world(shift=-0.9, patients=6000), seed)).table.set_index("unit")
        flagged.append(found["is_flagged"])
        planted = found.loc["C02"]
        assert planted["estimate"] > planted["shrunken"] > 0.5
        assert planted["difference"] > 0
        assert planted["z"] == found["z"].max()
    flagged = pd.DataFrame(flagged)
    assert flagged["C02"].mean() >= 5 / 6
    assert flagged.drop(columns="C02").to_numpy().mean() < 0.1


@pytest.mark.slow
def test_reliability_is_what_two_halves_of_the_episodes_correlate_by():
    """Clinicians of unequal skill: shares of one half of the patients against those of the other."""
    said, seen = [], []
    for seed in range(6):
        episodes = make_clinic(world(patients=5000, sd_clinician=0.8), seed)
        found = compare_units(episodes, by="clinician", outcome="silent_stop")
        rho = found.table["reliability"].to_numpy()
        # Spearman and Brown: what halves of the same length would have.
        said.append(np.nanmean(rho / (2.0 - rho)))
        codes = episodes.columns["clinician"]
        stops = (episodes.columns["end_reason"] == 2) & episodes.columns["is_eligible"]
        half = episodes.columns["patient"] % 2
        share = np.array(
            [
                [stops[k & (half == h)].sum() / max((k & (half == h)).sum(), 1) for h in (0, 1)]
                for k in (episodes.columns["is_eligible"] & (codes == c) for c in np.unique(codes))
            ]
        )
        seen.append(np.corrcoef(share.T)[0, 1])
    error = np.sqrt((np.var(said) + np.var(seen)) / 6)
    assert np.mean(said) == pytest.approx(np.mean(seen), abs=3 * error + 0.05)


def test_the_newest_quarter_only_looks_as_if_patients_left():
    episodes = make_clinic(world(patients=4000), 3)
    found = describe_attendance(episodes)
    quarters = found.more["by_quarter"]
    newest = quarters["quarter"].max()
    table = episodes.table
    counted = table[table["is_inception"]]
    naive = (counted["n_visits"] >= 6).groupby(counted["index_quarter"].astype(str), observed=True).mean()
    before = [quarter for quarter in naive.index if quarter < newest][-8:-1]
    # Counted as they stand, episodes of the newest quarter have fewer visits: many have just begun.
    assert naive[newest] < 0.8 * naive[before].mean()
    assert not quarters.loc[quarters["quarter"] == newest, "mature"].any()
    assert quarters.loc[quarters["quarter"] == newest, "estimate"].isna().all()
    # Of the newest only the first step is told, as far as they were seen, and it does not stand out.
    steps = {}
    for quarter in (newest, before[-4]):
        own = describe_attendance(episodes, quarter=quarter).table
        steps[quarter] = own[(own["group"] == quarter) & (own["within_days"] == 30)].set_index("visit")["estimate"]
    both = pd.DataFrame(steps).dropna()
    assert both.index.tolist() == [1]
    assert abs(both[newest] - both[before[-4]]).item() < 0.08
