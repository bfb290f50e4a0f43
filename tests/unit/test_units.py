"""Clinics and clinicians beside what was expected: by hand, the gate, case mix, invariants, refusals."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.proportions import wilson
from outcomes.questions import units, units_patients
from outcomes.questions.relief import estimate_relief
from outcomes.questions.units import BEYOND_998, INSIDE, compare_units
from outcomes.questions.units_expected import _fit_logistic
from outcomes.questions.units_lines import NOTHING_BESIDE, find_judged, find_within
from outcomes.questions.units_outcomes import OUTCOMES, UnitRows, build_unit_rows
from tables import records_of

SMALL = Protocol.from_mapping({"episode": {"washout_days": 0}})
START = np.datetime64("2024-01-01")


def export(clinics: dict[str, tuple[int, int]], extra=None, unscored=(), order=None, late=0):
    """Cells of clinics of so many patients, so many of whom stop silently; the others are relieved on day 7.

    One more patient comes every three days without a score: the clinic is seen to be open, and no episode is added.
    The first `late` of those relieved are so on day 35, having been seen unrelieved on day 7. `extra` gives further
    columns by clinic and whether the patient stops; clinics of `unscored` leave later scores out.
    """
    rows = []
    for clinic, (n, stops) in clinics.items():
        for i in range(n):
            silent = i < stops
            more = extra(clinic, i, silent) if extra else {}
            first = START + (i % 50)
            is_late = stops <= i < stops + late
            days = [(0, "6"), (7, "6" if silent or is_late else "2"), *([(35, "2")] if is_late else [])]
            days += [(8 + k, "") for k in range(unscored.count(clinic))]
            for day, pain in days:
                rows.append({"patient_id": f"{clinic}{i:04}", "visit_date": str(first + day), "pain_pre": pain} | more)
                rows[-1]["clinic_id"] = clinic
        last = extra(clinic, 0, False) if extra else {}
        rows += [open_row(clinic, day) | last for day in range(0, 500, 3)]
    table = pd.DataFrame(rows)
    return table if order is None else table.sample(frac=1.0, random_state=order)


def open_row(clinic, day):
    """A visit of somebody who is never rated."""
    return {
        "patient_id": f"open{clinic}",
        "visit_date": str(START + day),
        "pain_pre": "",
        "clinic_id": clinic,
    }


def episodes_of(table, protocol=SMALL):
    return build_episodes(build_visits(records_of({name: table[name].tolist() for name in table}), protocol))


def line(found, unit):
    return found.table.set_index("unit").loc[unit]


@pytest.fixture(scope="module")
def three():
    return compare_units(episodes_of(export({"A": (100, 20), "B": (150, 90), "C": (50, 15)})), outcome="silent_stop")


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_observed_expected_and_standardised_by_hand(three):
    # Nothing but the first rating is recorded, and it is 6 for all: what is expected is the mean, 125 of 300.
    assert three.summary["target"] == pytest.approx(125 / 300, abs=1e-12)
    assert three.table["observed"].tolist() == [20, 90, 15]
    assert three.table["expected"].tolist() == pytest.approx([100 * 125 / 300, 150 * 125 / 300, 50 * 125 / 300])
    assert three.table["difference"].tolist() == pytest.approx([20 - 500 / 12, 90 - 750 / 12, 15 - 250 / 12])
    assert three.table["estimate"].tolist() == pytest.approx([0.2, 0.6, 0.3], abs=1e-12)
    assert three.table["size"].tolist() == pytest.approx([100, 150, 50], abs=1e-9)
    assert three.table[["n", "events"]].to_numpy().tolist() == [[100, 20], [150, 90], [50, 15]]


def test_intervals_and_limits_are_those_of_plain_counts(three):
    low, high = wilson([20, 90, 15], [100, 150, 50])
    assert three.summary["design_effect"] == 1.0
    assert three.table["conf_low"].tolist() == pytest.approx(low.tolist(), abs=1e-9)
    assert three.table["conf_high"].tolist() == pytest.approx(high.tolist(), abs=1e-9)
    p = 125 / 300
    r = binom.ppf(0.001, 150, p)
    wanted = (r - (binom.cdf(r, 150, p) - 0.001) / binom.pmf(r, 150, p)) / 150
    assert line(three, "B")["low_998"] == pytest.approx(wanted, abs=1e-9)
    assert three.table["z"].tolist() == pytest.approx(
        ((np.array([0.2, 0.6, 0.3]) - p) / np.sqrt(p * (1 - p) / np.array([100, 150, 50]))).tolist(), abs=1e-9
    )


def test_a_unit_far_out_is_worth_a_look_and_no_unit_has_a_rank(three):
    assert three.table["is_compared"].all()
    assert three.table["position"].tolist() == [BEYOND_998, BEYOND_998, INSIDE]
    assert three.table["is_flagged"].tolist() == [True, True, False]
    assert not any("rank" in name for name in three.table)
    said = " ".join([*three.notes, *map(str, three.settings.values())]).lower()
    for word in ("worse", "worst", "best", "rank", "underperform", "effective"):
        assert word not in said
    assert "worth a look" in said
    without = export({"A": (100, 20), "B": (150, 90), "C": (50, 15), "": (9, 3)})
    more = compare_units(episodes_of(without), outcome="silent_stop").notes
    assert "Episodes without a recorded clinic belong to none." in set(more) - set(three.notes)


def test_pseudonyms_give_the_order_whatever_the_values():
    table = export({"B": (60, 10), "A": (60, 40), "C": (60, 20)})
    assert compare_units(episodes_of(table), outcome="silent_stop").table["unit"].tolist() == ["A", "B", "C"]


def test_relief_is_taken_with_interval_pseudo_observations():
    episodes = episodes_of(export({"A": (60, 20), "B": (60, 45)}, late=10))
    rows = build_unit_rows(episodes, "relieved")
    # 35 of 120 are relieved by day 7. All who were looked at again are relieved by day 35, one of the fifteen days from
    # 21 to 35: the curve is 1 there.
    days = np.arange(21.0, 36.0)
    values = interval_pseudo(rows.left_days, rows.right_days, days).mean(axis=1)
    assert values.mean() == pytest.approx((35 / 120 * 14 + 1) / 15, abs=1e-9)
    values = values + 35 / 120 - values.mean()
    found = compare_units(episodes, outcome="relieved")
    of_a = episodes.table["clinic_id"].to_numpy()[rows.episode] == "A"
    assert line(found, "A")["observed"] == pytest.approx(values[of_a].sum(), abs=1e-9)
    assert line(found, "A")["events"] == 30
    assert found.summary["target"] == pytest.approx(35 / 120, abs=1e-9)
    assert "mean of the pseudo-observations of days 21 to 35" in found.settings["estimator"]


# -- patients within units --------------------------------------------------------------------------------------------


def test_within_variance_takes_a_patients_episodes_together():
    code, residual = np.array([0, 0, 0, 0, 1, 1]), np.array([1.0, 1, -1, -1, 2, -2])
    # Alone: squares 4 and 8 over 6 - 2; two patients of two like episodes each: (2^2 + 2^2 + 8) / 4.
    assert find_within(residual, code, np.arange(6)) == pytest.approx(12 / 4)
    assert find_within(residual, code, np.array([0, 0, 1, 1, 2, 3])) == pytest.approx(16 / 4)
    # A patient of two units counts in each by himself.
    assert find_within(residual, code, np.array([0, 1, 2, 3, 0, 1])) == pytest.approx(12 / 4)


# -- the gate ---------------------------------------------------------------------------------------------------------


def test_small_units_are_shown_and_not_compared():
    found = compare_units(
        episodes_of(export({"A": (100, 20), "B": (120, 80), "C": (29, 28), "D": (9, 9), "E": (30, 29)})),
        outcome="silent_stop",
    )
    assert line(found, "C")["reason"].startswith("fewer than 30 episodes")
    assert not line(found, "C")["is_flagged"]
    assert line(found, "C")["estimate"] > line(found, "C")["high_998"]
    assert line(found, "C")["position"] == ""
    assert line(found, "E")["is_flagged"]
    assert "not shown" in line(found, "D")["reason"]
    assert np.isnan(line(found, "D")[["estimate", "shrunken", "low_95", "observed"]].astype(float)).all()
    # Drawn towards the mean, and it lies between the two.
    c = line(found, "C")
    assert found.summary["target"] < c["shrunken"] < c["estimate"]


def test_units_that_differ_by_chance_alone_are_not_compared():
    found = compare_units(episodes_of(export({"A": (100, 40), "B": (100, 42), "C": (100, 41)})), outcome="silent_stop")
    assert found.table["reason"].str.startswith("these records do not show that units differ").all()
    assert found.table["shrunken"].tolist() == pytest.approx([0.41] * 3)
    assert found.summary["n_compared"] == 0
    assert found.summary["needed_n"] == np.inf


def test_a_unit_with_nothing_beside_it_says_so():
    found = compare_units(
        episodes_of(export({"A": (100, 40), "B": (60, 20), "C": (5, 1)}, unscored=["B", "B"])), outcome="silent_stop"
    )
    assert line(found, "A")["reason"] == NOTHING_BESIDE
    assert line(found, "B")["reason"].startswith("not comparable")
    assert np.isnan(found.summary["icc"])


def test_low_reliability_is_said_with_its_reason():
    found = compare_units(episodes_of(export({"A": (60, 20), "B": (60, 31), "C": (60, 25)})), outcome="silent_stop")
    assert 0 < found.table["reliability"].iloc[0] < 0.7
    assert found.table["reason"].str.contains("reliability below 0.7").all()
    assert not found.table["is_flagged"].any()


ONE_FAR_OUT = {name: (60, 12 if name == "E" else 30) for name in "ABCDEFGHI"}
"""Eight clinics alike and one at 4 standard errors: reliability is 1 - 9 / z^2 where the others lie on one share."""


def test_a_unit_far_out_among_many_alike_is_worth_a_look_although_reliability_forbids_a_comparison():
    found = compare_units(episodes_of(export(ONE_FAR_OUT)), outcome="silent_stop")
    far = line(found, "E")
    assert far["z"] == pytest.approx(-(7 / 15 - 0.2) / np.sqrt(7 / 15 * 8 / 15 / 60), abs=1e-9) and far["z"] < -4
    assert 0.4 < far["reliability"] < 0.7
    assert found.table["position"].tolist() == [INSIDE] * 4 + [BEYOND_998] + [INSIDE] * 4
    assert found.table["is_flagged"].tolist() == [name == "E" for name in ONE_FAR_OUT]
    assert (found.summary["n_flagged"], found.summary["n_compared"]) == (1, 0)
    # Why it is not compared is a matter of units of its size, and does not call what is seen of it chance.
    assert set(found.table["reason"]) == {
        "reliability below 0.7, that is, more than 30 % of the variance between units of this size would be chance: by "
        "rule no comparison; the share drawn towards the mean stands instead"
    }
    assert "from 30 episodes on whatever the reliability" in found.settings["gate"]


def test_no_unit_is_flagged_that_has_too_few_episodes_or_scores_or_nothing_beside_it():
    clinics = dict.fromkeys("ABCDEFGH", (60, 30))
    few = compare_units(episodes_of(export(clinics | {"I": (29, 0)})), outcome="silent_stop")
    assert line(few, "I")["estimate"] < line(few, "I")["low_998"]
    assert line(few, "I")["position"] == "" and not few.table["is_flagged"].any()
    unscored = compare_units(episodes_of(export(ONE_FAR_OUT, unscored=["E", "E"], order=1)), outcome="silent_stop")
    assert line(unscored, "E")["position"] == "" and not unscored.table["is_flagged"].any()
    alone = compare_units(episodes_of(export({"A": (100, 40), "B": (9, 0)})), outcome="silent_stop")
    assert alone.table["position"].tolist() == ["", ""] and not alone.table["is_flagged"].any()
    # Of so many episodes of which nothing is expected there is no share, and no place.
    lines = SimpleNamespace(n=np.array([60, 60, 60, 29]), shown=np.array([True, True, False, True]))
    assert find_judged(lines, SMALL).tolist() == [True, True, False, False]


def test_a_unit_without_its_pain_scores_is_not_comparable_and_not_in_the_mean():
    clinics = {"A": (100, 20), "B": (150, 90), "C": (50, 15), "D": (60, 60)}
    found = compare_units(episodes_of(export(clinics, unscored=["D", "D"])), outcome="silent_stop")
    d = line(found, "D")
    assert d["completeness"] == pytest.approx(0.5)
    assert d["reason"].startswith("not comparable")
    assert np.isnan(d["estimate"])
    assert found.summary["target"] == pytest.approx(125 / 300, abs=1e-12)
    assert d["n"] == 60
    # One more visit without a score leaves 2/3: it takes part.
    found = compare_units(episodes_of(export(clinics, unscored=["D"])), outcome="silent_stop")
    assert found.summary["target"] == pytest.approx(185 / 360, abs=1e-12)


# -- case mix ---------------------------------------------------------------------------------------------------------


def mixed(clinic, i, silent):
    """Old patients stop twice as often as young ones; clinic B has mostly old ones."""
    return {"age": "70" if (clinic == "B" and i % 8) or (clinic == "A" and i % 8 == 0) else "35"}


def test_case_mix_explains_what_the_crude_share_would_blame():
    # Among 200 patients of A 25 are old, of B 175; of the old 80 % stop, of the young 20 %, at both clinics.
    rows = []
    rng = np.random.default_rng(1)
    stops = {}
    for clinic in "AB":
        for age, n in (("70", 25 if clinic == "A" else 175), ("35", 175 if clinic == "A" else 25)):
            stops[clinic, age] = n * (8 if age == "70" else 2) // 10
            rows.append(export({clinic + age: (n, stops[clinic, age])}, lambda *_, a=age: {"age": a}))
            # Two halves of one clinic: they were written down under names of their own.
            rows[-1]["clinic_id"] = clinic
    table = pd.concat(rows).sample(frac=1.0, random_state=int(rng.integers(100)))
    found = compare_units(episodes_of(table), outcome="silent_stop")
    crude = [(20 + 35) / 200, (140 + 5) / 200]
    assert found.table["observed"].tolist() == [55, 145]
    assert crude[1] - crude[0] > 0.4
    assert found.table["estimate"].tolist() == pytest.approx([0.5, 0.5], abs=0.005)
    assert not found.table["is_flagged"].any()
    assert found.more["columns"].set_index("block").loc["age", "is_adjusted"]
    # 55 and 145 are expected, each with a variance of 200 * 0.8 * 0.2: the first says less about its ratio.
    assert found.table["size"].tolist() == pytest.approx([55**2 / 32, 145**2 / 32], rel=0.01)
    naive = found.table["expected"] / found.summary["target"]
    assert found.table["size"][0] < 0.9 * naive[0]
    assert found.table["size"][1] > 2 * naive[1]


# -- clinicians, quarters, patients -----------------------------------------------------------------------------------


def test_clinicians_carry_their_clinic():
    table = export({"A": (80, 20), "B": (80, 40)}, lambda c, i, _: {"clinician_id": f"{c}{i % 2 + 1}"})
    found = compare_units(episodes_of(table), by="clinician", outcome="silent_stop")
    assert found.table[["unit", "clinic"]].to_numpy().tolist() == [["A1", "A"], ["A2", "A"], ["B1", "B"], ["B2", "B"]]
    assert found.table["n"].tolist() == [40] * 4


def test_an_episode_is_old_enough_by_the_last_day_of_its_own_clinic():
    """Two who began on one day: 42 days before the records of A end, which is 41 days before those of B do."""
    table = export({"A": (60, 20), "B": (60, 45)}, late=10)
    last = {"A": START + 500, "B": START + 499}
    began = [{"patient_id": f"new{c}", "visit_date": str(START + 458), "pain_pre": "6", "clinic_id": c} for c in "AB"]
    table = pd.concat([table, pd.DataFrame([*began, *(open_row(c, 0) | {"visit_date": str(last[c])} for c in "AB")])])
    found = compare_units(episodes_of(table))
    assert found.table["n"].tolist() == [61, 60]


def test_only_episodes_since_a_quarter():
    episodes = episodes_of(export({"A": (80, 20), "B": (80, 40)}))
    assert compare_units(episodes, outcome="silent_stop", since="2024Q1").summary["n"] == 160
    with pytest.raises(NotEstimable, match="since 2024Q2"):
        compare_units(episodes, outcome="silent_stop", since="2024Q2")


def test_patients_are_counted_by_points_from_expected():
    rows = []
    rows += [open_row(clinic, day) for clinic in "AB" for day in range(0, 500, 10)]
    for i in range(60):
        pain = {0: "1", 1: "9"}.get(i, "5")
        for day, score in ((0, "8"), (28, pain)):
            rows.append(
                {
                    "patient_id": f"p{i:02}",
                    "visit_date": str(START + day),
                    "pain_pre": score,
                    "clinic_id": "AB"[i % 2],
                }
            )
    found = compare_units(episodes_of(pd.DataFrame(rows)), outcome="silent_stop")
    table = found.more["patients"].set_index("band")
    # All are expected at the mean of all ratings, 5: 4 below, 4 above, 58 at it.
    assert table["events"].to_dict() == {
        "much_lower": 1,
        "lower": 0,
        "as_expected": 58,
        "higher": 0,
        "much_higher": 1,
        "not_rated": 0,
    }
    assert table["events"].sum() == 60


def test_the_curve_reaches_over_all_sizes(three):
    curve = three.more["curve"]
    assert curve["size"].min() <= three.table["size"].min()
    assert curve["size"].max() >= three.table["size"].max()
    assert (curve["low_998"] <= curve["low_95"]).all()
    b = line(three, "B")
    at = np.interp(b["size"], curve["size"], curve["high_95"])
    assert at == pytest.approx(b["high_95"], abs=0.004)


# -- invariants -------------------------------------------------------------------------------------------------------


def test_the_order_of_rows_changes_no_bit():
    clinics = {"A": (100, 20), "B": (150, 90), "C": (50, 15)}
    one, other = (
        compare_units(episodes_of(export(clinics, mixed, order=order, late=10)), outcome="relieved") for order in (1, 2)
    )
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    assert one.summary == other.summary


def test_other_pseudonyms_change_nothing_but_the_names():
    one = compare_units(episodes_of(export({"A": (100, 20), "B": (150, 90)})), outcome="silent_stop").table
    other = compare_units(episodes_of(export({"Y": (100, 20), "X": (150, 90)})), outcome="silent_stop").table
    pd.testing.assert_frame_equal(
        one.drop(columns=["unit", "clinic"]),
        other.iloc[::-1].reset_index(drop=True).drop(columns=["unit", "clinic"]),
        rtol=1e-12,
    )


def test_twice_the_episodes_leave_shares_and_halve_the_variance():
    one = compare_units(episodes_of(export({"A": (100, 20), "B": (150, 90)})), outcome="silent_stop").table
    two = compare_units(episodes_of(export({"A": (200, 40), "B": (300, 180)})), outcome="silent_stop").table
    assert two["estimate"].tolist() == pytest.approx(one["estimate"].tolist(), abs=1e-12)
    assert two["z"].tolist() == pytest.approx((np.sqrt(2) * one["z"]).tolist(), rel=1e-9)


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_without_an_end_of_the_data_nobody_is_seen_to_stop():
    table = export({"A": (60, 20), "B": (60, 30)})
    days = (table["visit_date"].to_numpy(dtype="datetime64[D]") - START).astype(int)
    episodes = episodes_of(table.drop(columns="visit_date").assign(visit_day=[str(day) for day in days]))
    assert not episodes.has_calendar
    with pytest.raises(NotEstimable, match="later data cut"):
        compare_units(episodes, outcome="silent_stop")
    with pytest.raises(NotEstimable, match="no calendar"):
        compare_units(episodes, outcome="resolved", since="2024Q1")


def test_what_was_seen_of_nobody_or_of_nobody_long_enough_is_said_in_words_of_the_clinic():
    for stops, outcome, words in (
        (60, "relieved", "none of these episodes was seen relieved by day 28"),
        (0, "relieved", "every one of these episodes was seen relieved by day 28"),
        (60, "resolved", "none of these episodes was seen at the resolved level by day 42"),
        (0, "returned", "none of these episodes was seen to come back within 182 days of relief"),
        (0, "silent_stop", "none of these episodes was seen to stop, not relieved, by day 90"),
    ):
        episodes = episodes_of(export({"A": (60, stops), "B": (60, stops)}))
        with pytest.raises(NotEstimable, match=words) as refusal:
            compare_units(episodes, outcome=outcome)
        assert "event" not in str(refusal.value) and "curve" not in str(refusal.value)
    left, right = np.array([0.0, 5.0, 5.0]), np.array([5.0, np.inf, np.inf])
    rows = UnitRows("relieved", "relieved", 28, False, *(np.arange(3) for _ in range(2)), left, right, right <= 28)
    with pytest.raises(NotEstimable, match="followed long enough to tell how many were relieved by day 28"):
        rows.values()
    with pytest.raises(NotEstimable, match="followed long enough to tell how many came back within 28 days of relief"):
        replace(rows, outcome="returned").values()
    said = "Clinics and clinicians cannot be compared: every one of these episodes was seen relieved by day 28."
    assert rows.take(rows.event).say_all() == said
    assert rows.say_all() == said.replace("episodes was", "episodes that was looked at so long was")


def test_nothing_is_compared_on_a_day_that_the_curve_of_these_episodes_does_not_state():
    clinics = {"A": (60, 20), "B": (60, 45)}
    # Of 120 episodes 20 are still observed on day 28 where ten of each clinic are relieved on day 35, and 18 with nine.
    for late, is_stated in ((10, True), (9, False)):
        episodes = episodes_of(export(clinics, late=late))
        curve = estimate_relief(episodes).table.set_index("horizon_days")["estimate"]
        assert np.isnan(curve[28]) != is_stated
        assert not np.isnan(curve[7])
        if is_stated:
            assert compare_units(episodes).summary["target"] == pytest.approx(curve[28], abs=1e-9)
        else:
            words = "too few of these episodes are still observed on day 28 to tell how many were relieved by day 28"
            with pytest.raises(NotEstimable, match=words):
                compare_units(episodes)
        # Whether somebody stopped was seen of all.
        assert compare_units(episodes, outcome="silent_stop").summary["n"] == 120
    left = np.where(np.arange(100) < 19, 200.0, 100.0)
    right = np.where(np.arange(100) < 99, np.inf, 101.0)
    rows = UnitRows("returned", "returned", 182, False, *(np.arange(100) for _ in range(2)), left, right, left < 0)
    with pytest.raises(NotEstimable, match="observed on day 182 to tell how many came back within 182 days"):
        rows.check_stated(SMALL)


def test_it_is_not_said_that_all_were_relieved_where_many_never_came_again():
    table = export({"A": (60, 20), "B": (60, 45)})
    table = table[~((table["pain_pre"] == "6") & (table.groupby("patient_id").cumcount() > 0))]
    # Whoever came again was relieved on day 7, and so is the whole curve.
    with pytest.raises(NotEstimable, match="too few of these episodes are still observed on day 28"):
        compare_units(episodes_of(table))


def test_where_all_are_followed_a_value_is_whether_the_patient_came_back():
    right = np.array([10.0, np.inf, 365.0, np.inf, 366.0])
    left = np.where(np.isfinite(right), right - 1, 400.0)
    rows = UnitRows("returned", "returned", 365, False, np.arange(5), np.arange(5), left, right, right <= 365)
    assert rows.values() == pytest.approx([1, 0, 1, 0, 0], abs=1e-12)


def test_an_export_without_the_unit_says_so_before_anything_else():
    table = export({"A": (60, 20), "B": (60, 30)}).drop(columns=["clinic_id"])
    nobody = episodes_of(table.assign(pain_pre=""))
    for options in ({}, {"since": "2024Q1"}, {"outcome": "returned"}):
        with pytest.raises(NotEstimable, match="records no clinic; clinics cannot be compared"):
            compare_units(nobody, **options)
    with pytest.raises(InputRefused, match="E658"):
        compare_units(nobody, since="foo")


def test_refusals():
    episodes = episodes_of(export({"A": (60, 20), "B": (60, 30)}))
    for options, code in ({"by": "payer"}, "E861"), ({"outcome": "happiness"}, "E860"):
        with pytest.raises(InputRefused) as refusal:
            compare_units(episodes, **options)
        assert refusal.value.findings[0].code == code
    with pytest.raises(NotEstimable, match="records no clinician"):
        compare_units(episodes, by="clinician")
    with pytest.raises(NotEstimable, match="one clinic has all of these episodes, and there is nothing to compare"):
        compare_units(episodes_of(export({"A": (60, 20)})))
    with pytest.raises(NotEstimable, match="complete enough"):
        compare_units(
            episodes_of(export({"A": (60, 20), "B": (60, 30)}, unscored=["A", "A", "B", "B"])), outcome="silent_stop"
        )
    assert set(OUTCOMES) == {"relieved", "resolved", "silent_stop", "returned"}
    assert units.BY == ("clinic", "clinician")


def test_units_too_small_to_be_shown_have_no_limits():
    found = compare_units(episodes_of(export({"A": (9, 3), "B": (9, 6)})), outcome="silent_stop")
    assert found.more["curve"].empty and found.table["reason"].str.endswith("not shown").all()


def test_where_those_shown_had_no_event_it_cannot_be_told_how_far_they_differ():
    """All stops are of a clinic too small to be shown: the two others have a share of 0 each."""
    found = compare_units(episodes_of(export({"A": (60, 0), "B": (60, 0), "C": (9, 9)})), outcome="silent_stop")
    said = "how far units differ cannot be told from these episodes: no comparison"
    assert found.table.set_index("unit")["reason"].to_dict() == {
        "A": said,
        "B": said,
        "C": f"fewer than {SMALL.reporting_floor.funnel_show_n} episodes: not shown",
    }
    assert np.isnan(found.summary["icc"])


def test_a_fact_that_tells_the_outcome_is_refused():
    X = np.repeat([[0.0], [1.0]], 60, axis=0)
    with pytest.raises(NotEstimable, match=r"cannot be estimated: a fact tells exactly who had the outcome\."):
        _fit_logistic(X, X[:, 0])
    mixed = np.tile([0.0, 1.0, 1.0], 40)
    assert _fit_logistic(X, mixed) == pytest.approx(np.repeat([mixed[:60].mean(), mixed[60:].mean()], 60), abs=1e-8)


def test_where_ratings_cannot_be_expected_no_patients_are_counted(monkeypatch):
    def refuse(*_, **__):
        raise NotEstimable("What is to be expected of each episode cannot be estimated: it did not converge.")

    monkeypatch.setattr(units_patients, "expect", refuse)
    episodes = episodes_of(export({"A": (60, 20), "B": (60, 30)}, late=40))
    table = units_patients.tabulate_patients(episodes)
    assert table.empty and list(table.columns) == list(units_patients.PATIENT_COLUMNS)


def test_what_is_averaged_is_said_of_each_outcome():
    def said(outcome, day, is_yes_no=False):
        return units._say_values(SimpleNamespace(outcome=outcome, day=day, is_yes_no=is_yes_no))

    assert said("silent_stop", 90, is_yes_no=True) == "the outcome as seen"
    assert said("returned", 182) == "pseudo-observations of the outcome"
    assert said("relieved", 28).startswith("mean of the pseudo-observations of days 21 to 35, ")
    assert said("resolved", 5).startswith("mean of the pseudo-observations of days 0 to 10, ")
