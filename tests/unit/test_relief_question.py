"""Time to relief on small courses a reader can check: the line, and all that stands beside it."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pandas as pd
import pytest

from courses import SMALL, at, dated_episodes, days_after, episodes_of, small
from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.questions import compare_relief_definitions, estimate_relief
from outcomes.questions.relief_draws import daily_limits
from outcomes.questions.relief_fates import fit_line_of
from outcomes.questions.results import HORIZON_COLUMNS, DayCurve, curve_notes
from tables import records, records_of

# -- the line and its floors ------------------------------------------------------------------------------------------


def test_km_at_visit_by_hand():
    # relieved at 7, at 14, censored at 21 (last measured visit), one visit (censored at 0, stays in n)
    found = estimate_relief(episodes_of(["0:6 7:3", "0:6 7:5 14:2", "0:6 21:5", "0:6"]))
    day_7, day_14 = at(found.km_at_visit, 7), at(found.km_at_visit, 14)
    assert day_7["estimate"] == pytest.approx(1 / 3)
    assert day_14["estimate"] == pytest.approx(1 - 2 / 3 * 1 / 2)
    assert (day_7["n"], day_7["events"], day_14["events"]) == (4, 1, 2)
    assert found.summary["n"] == 4
    assert found.summary["n_one_visit"] == 1
    assert found.summary["resolution_median_days"] == 7  # from 0 to 7, and from 7 to 14
    assert found.summary["resolution_over_14_share"] == 0


def test_interval_censored_line_by_hand():
    # (0,7], (7,14], (14,inf]: three thirds, counted on the day by which each must have happened.
    found = estimate_relief(episodes_of(["0:6 7:3", "0:6 7:5 14:2", "0:6 14:5"]))
    assert [at(found.table, day)["estimate"] for day in (7, 14)] == pytest.approx([1 / 3, 2 / 3], abs=1e-8)
    assert found.summary["median_days"] == 14
    assert found.summary["median_after_day"] == 7


def test_nothing_is_invented_after_the_last_visit():
    found = estimate_relief(episodes_of(["0:6 7:3", "0:6 10:5", "0:6 10:5"]))
    assert math.isnan(at(found.table, 14)["estimate"])
    assert math.isnan(at(found.km_at_visit, 14)["estimate"])
    assert found.curve["day"].max() == 10
    assert any("No share is stated for days 14" in note for note in found.notes)


def test_days_on_which_the_ratings_leave_the_share_open_are_named():
    found = estimate_relief(episodes_of(["0:6 20:3 40:3", "0:6 22:2 40:3", "0:6 40:5"]))
    assert at(found.table, 14)["estimate"] == 0
    assert any(note.startswith("By day 7, 14 the ratings leave the share open") for note in found.notes)
    dense = ["0:6 " + " ".join(f"{d}:{2 if d >= half else 5}" for d in range(1, 43)) for half in (5, 12, 20, 30)]
    assert not any("leave the share open" in note for note in estimate_relief(episodes_of(dense)).notes)


def test_shape_settings_and_ledger():
    episodes = episodes_of(["0:6 7:3", "0:6 7:5 14:2", "0:6 21:5", "0:1"])
    found = estimate_relief(episodes)
    assert tuple(found.table.columns) == HORIZON_COLUMNS == tuple(found.km_at_visit.columns)
    first = ["group", "day", "estimate", "conf_low", "conf_high", "at_risk"]
    assert found.curve.columns[: len(first)].tolist() == first
    assert {
        "definition",
        "estimator",
        "second_line",
        "level",
        "seed",
        "protocol_hash",
        "codebook_hash",
        "version",
    } <= set(found.settings)
    assert "KM at visit" in found.settings["second_line"]
    assert found.ledger.steps[-1].n_set_aside == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.table = None


def test_groups_add_up_and_missing_is_a_group():
    extra = {"sex": ["F", "F", "M", "", "M", "F"]}
    courses = ["0:6 7:3", "0:6 7:5 14:2", "0:6 21:5", "0:6 7:2", "0:8 7:7 9:4", "0:6"]
    found = estimate_relief(episodes_of(courses, extra=extra), by="sex")
    by_group = found.table.groupby("group")["n"].first()
    assert by_group.to_dict() == {"female": 3, "male": 2, "not recorded": 1}
    assert found.table.loc[found.table["group"] == "not recorded", "estimate"].isna().all()
    assert any("'not recorded': fewer than 2 episodes" in note for note in found.notes)


def test_a_group_does_not_depend_on_the_others():
    courses = ["0:6 7:3", "0:6 7:5 14:2", "0:6 21:5", "0:6 7:2", "0:8 7:7 9:4", "0:6 7:5 30:1"]
    both = estimate_relief(episodes_of(courses, extra={"sex": list("FFFMMM")}), by="sex")
    alone = estimate_relief(episodes_of(courses[:3], extra={"sex": list("FFF")}), by="sex")
    pd.testing.assert_frame_equal(
        both.table[both.table["group"] == "female"].reset_index(drop=True), alone.table, check_exact=True
    )


def test_patient_order_does_not_matter():
    courses = ["0:6 7:3", "0:6 7:5 14:2", "0:6 21:5", "0:6 7:2", "0:8 7:7 9:4", "0:6 7:5 30:1"]
    one, other = estimate_relief(episodes_of(courses)), estimate_relief(episodes_of(courses[::-1]))
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)


def test_no_relief_at_all_is_zero_without_an_interval():
    found = at(estimate_relief(episodes_of(["0:6 9:5", "0:6 9:6", "0:6 8:5"])).table, 7)
    assert found["estimate"] == 0
    assert math.isnan(found["conf_low"])
    assert math.isnan(found["conf_high"])


def test_relief_refuses_by_name():
    episodes = episodes_of(["0:6 7:3", "0:6 7:5"])
    with pytest.raises(InputRefused, match="Choose one of: any, confirmed"):
        estimate_relief(episodes, rule="cured")
    with pytest.raises(InputRefused, match="Did you mean 'stream'"):
        estimate_relief(episodes, by="streem")
    with pytest.raises(NotEstimable, match="records no 'cause'"):
        estimate_relief(episodes, by="cause")
    with pytest.raises(NotEstimable, match="pain score before treatment"):
        estimate_relief(episodes_of(["0: 7:", "0:1 7:0"]))


def test_rules_in_words_say_what_confirms_them():
    protocol = small(relief={"alternatives": ["any", "strict", "resolved", "pct30_and_2", "zero"]})
    found = estimate_relief(episodes_of(["0:6 7:3", "0:6 7:5"], protocol)).definitions.set_index("rule")["definition"]
    for rule in ("confirmed", "resolved", "pct30_and_2", "zero"):
        assert "the next rating within 30 days, if there is one, does not contradict" in found[rule]
    assert found["strict"].endswith("and again at the next rating within 30 days")


def test_relief_under_every_rule():
    # Half, contradicted; half, not contradicted; from 6 to 4 and 0.
    protocol = small(relief={"alternatives": ["any", "strict", "resolved", "pct30_and_2", "zero"]})
    courses = ["0:6 7:3 14:5 40:5", "0:6 7:3 14:3 40:5", "0:6 7:4 14:0", "0:6 40:5"]
    found = estimate_relief(episodes_of(courses, protocol))
    table = found.definitions.set_index("rule")
    assert table.index.tolist() == ["confirmed", "any", "strict", "resolved", "pct30_and_2", "zero"]
    assert (table["n"] == 4).all()
    assert table["events"].tolist() == [2, 3, 1, 1, 2, 1]
    assert table["estimate"].tolist() == pytest.approx([0.5, 0.75, 0.25, 0.25, 0.5, 0.25], abs=1e-6)
    assert table.loc["confirmed", "estimate"] == at(found.table, 28)["estimate"]
    floor = small(reporting_floor={"estimate_min_episodes": 5})
    assert estimate_relief(episodes_of(["0:6 40:5"] * 4, floor)).definitions["estimate"].isna().all()


def test_a_curve_that_reaches_one_says_by_when():
    found = estimate_relief(episodes_of(["0:6 7:3", "0:6 7:2"]))
    assert "The curve reaches 1 by day 7; such a 1 has no interval." in found.notes
    assert not any("recorded" in note and "share" in note for note in found.notes)


@pytest.mark.parametrize("course", ["0:6", "0:6 5:5", "0:6 7:6"])
def test_a_curve_that_stands_at_one_stays_there_on_later_days(course):
    # Sixty relieved on day 7, twenty who left before or then: nobody is observed on day 8.
    found = estimate_relief(episodes_of(["0:6 7:2"] * 60 + [course] * 20, Protocol()))
    whole = course != "0:6 7:6"
    for table in (found.table, found.per_patient, found.km_at_visit):
        shares = table.set_index("horizon_days")["estimate"]
        assert (shares[7] == 1.0) == whole
        assert shares[[14, 28, 42, 90]].isna().all() != whole and (not whole or (shares == 1.0).all())
    assert (found.definitions.set_index("rule")["estimate"]["confirmed"] == 1.0) == whole
    assert found.summary["last_day"] == (90 if whole else 7)
    assert any("no share is stated for day" in note.lower() for note in found.notes) != whole


def test_one_visit_means_one_rating():
    # Rated once: on the first day; on the first day of two; on the third day, within the baseline window.
    found = estimate_relief(episodes_of(["0:6", "0:6 5:", "0: 2:6", "0:6 7:5", "0:6 7:2"]))
    assert found.summary["n_one_visit"] == 3


# -- those who stopped, and the other ends ----------------------------------------------------------------------------

# One relieved on day 7, one on day 14; s stops silently after day 7, d is referred then; o is too young to tell.
ENDINGS = """
patient_id | visit_date | pain_pre | discharge_reason
r          | 2025-01-02 | 6        |
r          | 2025-01-09 | 2        |
q          | 2025-01-02 | 6        |
q          | 2025-01-09 | 5        |
q          | 2025-01-16 | 2        |
s          | 2025-01-02 | 6        |
s          | 2025-01-09 | 5        |
d          | 2025-01-02 | 6        |
d          | 2025-01-09 | 5        | referred
o          | 2025-11-01 | 6        |
o          | 2025-11-15 | 5        |
"""


def endings(more=""):
    clinic = [f"open | {day} | |" for day in pd.date_range("2024-12-20", "2025-12-31", freq="10D").strftime("%Y-%m-%d")]
    return build_episodes(build_visits(records(ENDINGS.strip() + more + "\n" + "\n".join(clinic)), SMALL))


def if_stopped(found, day):
    table = found.if_stopped
    return table[table["horizon_days"] == day].set_index("ratio")


def test_bounds_of_those_who_stopped_by_hand():
    # Kaplan-Meier: h(7) = 1/5, h(14) = 1/2. The stopper is last rated on day 7.
    found = estimate_relief(endings())
    assert at(found.table, 7)["estimate"] == pytest.approx(1 / 5, abs=1e-6)
    assert at(found.table, 14)["estimate"] == pytest.approx(1 - 4 / 5 / 2, abs=1e-6)
    by_ratio = if_stopped(found, 14)
    assert by_ratio.index.tolist() == [0, 0.5, 1, 2, np.inf]
    # Of the four old enough to tell, one stopped: half of it counts as relieved by day 14. None: that half of a quarter
    # goes; all (and twice the hazard of one half): the other half comes too; half the hazard: a quarter is relieved.
    assert by_ratio["estimate"].tolist() == pytest.approx([0.475, 0.5375, 0.6, 0.725, 0.725], abs=1e-6)
    assert (by_ratio["stopped"] == 1).all()
    assert (by_ratio["told"] == 4).all()
    assert (by_ratio["n"] == 5).all()
    day_14 = found.curve[found.curve["day"] == 14].iloc[0]
    assert (day_14["if_none_of_stopped"], day_14["if_all_of_stopped"]) == pytest.approx((0.475, 0.725), abs=1e-6)


def test_the_main_line_lies_between_the_bounds_where_the_last_visit_has_no_score():
    found = estimate_relief(endings("\ns | 2025-01-16 | |"))
    shares = if_stopped(found, 14)["estimate"]
    assert shares.tolist() == pytest.approx([0.475, 0.5375, 0.6, 0.725, 0.725], abs=1e-6)
    curve = found.curve.dropna(subset="if_all_of_stopped")
    assert len(curve) > 7
    assert (curve["if_none_of_stopped"] <= curve["estimate"] + 1e-9).all()
    assert (curve["estimate"] <= curve["if_all_of_stopped"] + 1e-9).all()


def test_ends_by_hand():
    # Four old enough to tell. Day 7: one relieved, one stops, one is sent on. Day 14: the last one is relieved.
    found = estimate_relief(endings())
    ends = found.ends[found.ends["horizon_days"] == 14].set_index("end")
    by_hand = {"relief": 1 / 4 + 1 / 4, "stopped": 1 / 4, "sent_on": 1 / 4}
    assert ends["estimate"].to_dict() == pytest.approx(by_hand)
    assert (ends["n"] == 4).all()
    assert ends["events"].to_dict() == {"relief": 2, "stopped": 1, "sent_on": 1}
    curve = found.ends_curve.groupby("end")["estimate"].last()
    assert curve.to_dict() == pytest.approx(ends["estimate"].to_dict())
    assert found.summary["n_stopped"] == 1


def test_a_stop_counts_only_once_it_was_silent_long_enough():
    rows = days_after(date_of("2025-01-02"), "a 0 6", "a 7 5", "b 0 6", "b 7 2")
    early, late = (dated_episodes(rows, end=end) for end in ("2025-04-01", "2025-05-01"))
    for episodes, n_stopped in ((early, 0), (late, 1)):
        found = estimate_relief(episodes)
        assert found.summary["n_stopped"] == n_stopped
        ends = found.ends[(found.ends["end"] == "stopped") & (found.ends["horizon_days"] == 7)]
        assert ends["events"].item() == n_stopped


@pytest.mark.parametrize(("days", "slack"), [(365, 0.045), (1095, 0.03)])
def test_episodes_too_young_to_be_seen_to_stop_do_not_tilt_the_ends(days, slack):
    # Weekly visits; after each a tenth is relieved at the next, and 15 % of those not relieved stop. Without the rule
    # for young episodes a year of records gave relief .253, stop .369 and "all" .563.
    rng = np.random.default_rng(8)
    cells = {name: [] for name in ("patient_id", "visit_date", "pain_pre")}
    cut = np.datetime64("2026-09-30")
    for i, start in enumerate(rng.integers(0, days, 2_500)):
        pain = 6
        for visit in range(40):
            day = cut - days + int(start) + 7 * visit
            if day > cut:
                break
            pain = 2 if visit and rng.random() < 0.1 else 6
            for name, value in zip(cells, (f"p{i}", str(day), str(pain)), strict=True):
                cells[name].append(value)
            if pain == 2 or rng.random() < 0.15:
                break
    protocol = small(
        inference={"bootstrap_draws": 20}, reporting_floor={"curve_min_observed": 20, "curve_min_share": 0.1}
    )
    found = estimate_relief(build_episodes(build_visits(records_of(cells), protocol)))
    ends = found.ends[found.ends["horizon_days"] == 28].set_index("end")["estimate"]
    assert ends["relief"] == pytest.approx(0.238, abs=slack)
    assert ends["stopped"] == pytest.approx(0.471, abs=slack)
    bounds = if_stopped(found, 28)["estimate"]
    assert bounds[0] == pytest.approx(0.238, abs=slack)
    assert bounds[np.inf] == pytest.approx(0.658, abs=slack)


def test_where_the_data_cut_is_unknown_no_end_and_no_bound_is_given():
    found = estimate_relief(episodes_of(["0:6 7:3", "0:6 7:5 14:2", "0:6 14:5"]))
    assert found.ends["estimate"].isna().all()
    assert found.if_stopped["estimate"].isna().all()
    assert found.curve[["if_none_of_stopped", "if_all_of_stopped"]].isna().all().all()
    assert any("or the data cut is unknown" in note for note in found.notes)
    assert not any(note.startswith("The bounds count") for note in found.notes)
    seen = estimate_relief(endings())
    assert any(note.startswith("The bounds count") for note in seen.notes)


def test_where_the_curve_ends_before_the_first_day_read_no_bound_is_explained():
    clinic = [f"open | {day} | |" for day in pd.date_range("2024-12-20", "2025-12-31", freq="10D").strftime("%Y-%m-%d")]
    once = [f"p{i} | 2025-05-{5 + i % 20:02} | 6 |" for i in range(40)]
    head = ENDINGS.strip().splitlines()[0]
    found = estimate_relief(build_episodes(build_visits(records("\n".join([head, *once, *clinic])), SMALL)))
    assert found.if_stopped["told"].max() > 2 and found.if_stopped["estimate"].isna().all()
    assert not any(note.startswith("The bounds count") for note in found.notes)


def test_a_new_complaint_that_took_over_is_no_stop():
    # a: half of the first rating on day 7, unconfirmed by a second; pain is back in a new episode 35 days later.
    rows = days_after(date_of("2024-03-01"), "a 0 6", "a 7 2", "a 42 6", "b 0 6", "b 7 2", "c 0 6", "c 7 5")
    found = estimate_relief(dated_episodes(rows, end="2025-03-01"), rule="strict")
    assert found.summary["n"] == 4
    assert found.summary["n_stopped"] == 3


def date_of(text):
    return pd.Timestamp(text).date()


# -- weights, patients, times -----------------------------------------------------------------------------------------


def test_weights_count_an_episode_as_often_as_they_say():
    courses = ["0:6 7:3", "0:6 7:5 14:2", "0:6 21:5", "0:6 7:2", "0:1 7:0"]
    episodes = episodes_of(courses)
    twice = estimate_relief(episodes_of([*courses[:4], courses[1]]))
    weighted = estimate_relief(episodes, weights=[1, 2, 1, 1, 9])
    assert weighted.table["estimate"].tolist() == pytest.approx(twice.table["estimate"].tolist(), abs=1e-6, nan_ok=True)
    assert at(weighted.table, 14)["n"] == 4
    assert weighted.settings["weighted"]
    without = estimate_relief(episodes, weights=[1, 0, 1, 1, 0])
    assert (without.summary["n"], without.summary["n_events"]) == (3, 2)
    alone = estimate_relief(episodes_of([courses[0], *courses[2:4]]))
    assert without.table["estimate"].tolist() == pytest.approx(alone.table["estimate"].tolist(), abs=1e-6, nan_ok=True)
    assert at(without.table, 14)["n"] == 3


def test_the_scale_of_weights_moves_no_interval():
    courses = ["0:6 7:3", "0:6 7:5 14:2", "0:6 21:5", "0:6 7:2", "0:8 7:7 9:4", "0:6 7:5 30:1"] * 5
    episodes = episodes_of(courses)
    one, tenth = (estimate_relief(episodes, weights=np.full(30, w)) for w in (1.0, 0.1))
    for name in ("table", "km_at_visit", "per_patient", "if_stopped"):
        columns = ["estimate", "conf_low", "conf_high"]
        np.testing.assert_allclose(getattr(one, name)[columns], getattr(tenth, name)[columns], atol=1e-6)


def test_nobody_seen_relieved_is_zero_and_all_who_stopped_could_have_been():
    rows = days_after(date_of("2024-01-02"), *(f"{p} {d} 6" for p in "abcd" for d in (0, 7, 50)), "s 0 6", "s 7 6")
    found = estimate_relief(dated_episodes(rows, end="2025-01-02"))
    fates = if_stopped(found, 14)["estimate"]
    assert fates.tolist() == pytest.approx([0, 0, 0, 0, 1 / 5])
    assert found.times.set_index("measure").loc["restricted_mean_42", "estimate"] == 42
    assert any(note.startswith("Nothing had happened by any of the days") for note in found.notes)
    assert found.curve.loc[found.curve["day"] == 14, "if_all_of_stopped"].item() == pytest.approx(1 / 5)


@pytest.mark.parametrize("question", [estimate_relief, compare_relief_definitions])
def test_anything_but_episodes_is_refused(question):
    for wrong in (None, "visits.csv", episodes_of(["0:6 7:3", "0:6 7:5"]).visits):
        with pytest.raises(InputRefused, match=r"E657.*build_episodes"):
            question(wrong)
    with pytest.raises(InputRefused, match="E656"):
        estimate_relief(episodes_of(["0:6 7:3", "0:6 7:5"]), by=["sex"])


def test_weights_that_are_none_are_refused():
    episodes = episodes_of(["0:6 7:3", "0:6 7:5"])
    for weights, code in (([1], "E603"), ([1, -1], "E606"), ([1, math.nan], "E604")):
        with pytest.raises(InputRefused, match=code):
            estimate_relief(episodes, weights=weights)
    with pytest.raises(NotEstimable, match="every weight is zero"):
        estimate_relief(episodes, weights=[0, 0])


def test_a_patient_with_two_episodes_counts_once():
    # a: relieved on day 7, twice; b: not relieved by day 7. Per episode 2/3, per patient 1/2.
    rows = days_after(date_of("2024-01-02"), "a 0 6", "a 7 2", "a 200 6", "a 207 2", "b 0 6", "b 7 5")
    found = estimate_relief(dated_episodes(rows, end="2025-01-02"))
    assert at(found.table, 7)["estimate"] == pytest.approx(2 / 3, abs=1e-6)
    assert at(found.per_patient, 7)["estimate"] == pytest.approx(1 / 2, abs=1e-6)
    assert tuple(found.per_patient.columns) == HORIZON_COLUMNS


def test_times_by_hand():
    # Relief in (0,7], (7,14], (14,21] and (21,28]; one of four each.
    courses = ["0:6 7:3", "0:6 7:5 14:2", "0:6 7:6 14:5 21:2", "0:6 7:6 14:6 21:5 28:1", "0:6 43:5"]
    found = estimate_relief(episodes_of(courses[:4]))
    times = found.times.set_index("measure")
    assert times["estimate"].tolist()[:3] == [7, 14, 21]
    assert times["after_days"].tolist()[:3] == [0, 7, 14]
    # Nobody is observed after day 28, and nobody left before relief.
    assert times.loc["restricted_mean_42", "estimate"] == pytest.approx((7 + 14 + 21 + 28) / 4, abs=1e-4)
    # One left without relief on day 14, before the last was relieved: the curve stands at 1 from day 21 on.
    left = estimate_relief(episodes_of([*courses[:3], "0:6 7:6 14:6"])).times.set_index("measure")
    assert left.loc["restricted_mean_42", "estimate"] == pytest.approx((7 + 14 + 2 * 21) / 4, abs=1e-4)
    short = estimate_relief(episodes_of([*courses[:3], "0:6 7:6 14:6 22:5"])).times.set_index("measure")
    assert math.isnan(short.loc["restricted_mean_42", "estimate"])
    longer = estimate_relief(episodes_of(courses)).times.set_index("measure")
    # Masses .2 at 7, 14, 21, 28 of five, the fifth without relief to day 42.
    assert longer.loc["restricted_mean_42", "estimate"] == pytest.approx((7 + 14 + 21 + 28 + 42) / 5, abs=1e-4)


# -- groups -----------------------------------------------------------------------------------------------------------


def two_groups(n=40, slow=True):
    quick = ["0:6 7:3", "0:6 7:5 14:2", "0:6 7:6 14:5 21:2", "0:6 7:5 14:5"]
    late = ["0:6 7:6 14:5 21:5 28:2", "0:6 7:6 14:6 21:6 28:5"] if slow else quick
    courses = [quick[i % 4] for i in range(n)] + [late[i % len(late)] for i in range(n)]
    return episodes_of(courses, extra={"sex": ["F"] * n + ["M"] * n})


def test_groups_that_differ_are_told_apart_and_equal_ones_are_not():
    test = estimate_relief(two_groups(), by="sex").tests
    assert test["comparison"].tolist() == ["all groups"]
    assert test["p_value"].item() < 0.001
    assert test["df"].item() == 1
    assert test["n"].item() == 80
    assert estimate_relief(two_groups(slow=False), by="sex").tests["p_value"].item() > 0.99


def test_holm_over_pairs():
    n = 40
    extra = {"cause": ["posture"] * n + ["trauma"] * n + ["overuse"] * n}
    quick, late = "0:6 7:5 14:2", "0:6 14:6 28:5 35:2"
    courses = [quick if i % 3 else late for i in range(n)] * 2 + [late if i % 3 else quick for i in range(n)]
    tests = estimate_relief(episodes_of(courses, extra=extra), by="cause").tests
    assert tests["comparison"].tolist() == ["all groups", "pair", "pair", "pair"]
    pairs = tests[tests["comparison"] == "pair"].sort_values("p_value")
    expected = np.maximum.accumulate(np.minimum(pairs["p_value"].to_numpy() * [3, 2, 1], 1))
    assert pairs["p_holm"].to_numpy() == pytest.approx(expected)
    assert pairs.iloc[-1][["group", "other"]].tolist() == ["posture", "trauma"]


def test_who_was_not_asked_is_no_side_of_a_comparison():
    n = 40
    courses = ["0:6 7:5 14:2"] * n + ["0:6 14:6 28:5 35:2"] * n + ["0:6 60:5 80:2"] * n
    found = estimate_relief(episodes_of(courses, extra={"sex": ["F"] * n + ["M"] * n + [""] * n}), by="sex").tests
    assert found["comparison"].tolist() == ["all groups"]
    assert found["n"].item() == 80


def test_small_groups_are_not_compared_and_it_is_said():
    found = estimate_relief(two_groups(8), by="sex")
    assert found.tests.empty
    assert any("Not compared" in note and "female, male" in note for note in found.notes)
    weighted = estimate_relief(two_groups(), by="sex", weights=np.ones(80))
    assert weighted.tests.empty
    assert any("Tests between groups are not given for weighted" in note for note in weighted.notes)


# -- definitions ------------------------------------------------------------------------------------------------------


def test_every_definition_stands_in_the_grid():
    courses = ["0:6 7:3 14:5 40:5", "0:6 7:3 14:3 40:5", "0:6 7:4 14:0", "0:6 40:5"]
    found = compare_relief_definitions(episodes_of(courses))
    table = found.table
    assert len(table) == 4 * 3 * 5 == found.summary["n_definitions"]
    assert table["is_reported"].sum() == 1
    reported = table[table["is_reported"]].iloc[0]
    assert (reported["threshold"], reported["confirmation"], reported["gap_days"]) == ("reduction", "if_observable", 90)
    assert reported["estimate"] == at(estimate_relief(episodes_of(courses)).table, 28)["estimate"]
    first = table[table["episode_rule"] == "as reported"].set_index(["threshold", "confirmation"])["events"]
    assert first["reduction"].to_dict() == {"any": 3, "if_observable": 2, "strict": 1}
    assert first["zero"].to_dict() == {"any": 1, "if_observable": 1, "strict": 0}
    reported_gaps = table[table["gap_days"] != 30]["estimate"]
    assert (reported_gaps.min(), reported_gaps.max()) == pytest.approx((0, 0.75), abs=1e-6)
    # Cut after 30 days, who was not relieved by day 14 is seen once: the curve stands at 1 from there on.
    assert table["estimate"].max() == 1.0


def test_a_gap_cuts_what_another_joins():
    rows = days_after(date_of("2024-01-02"), "a 0 6", "a 45 2", "b 0 6", "b 7 2", "c 0 6", "c 7 6")
    table = compare_relief_definitions(dated_episodes(rows, end="2025-01-02")).table
    part = table[(table["threshold"] == "reduction") & (table["confirmation"] == "any")]
    # With a gap of 30 days the visit on day 45 opens an episode of its own, too low for relief to be definable.
    assert part.set_index("gap_days")["events"].to_dict() == {90: 1, 30: 1, 60: 1, 180: 1}
    assert part["n"].tolist() == [3, 3, 3, 3, 3]
    relieved = estimate_relief(dated_episodes(rows, end="2025-01-02"))
    assert relieved.summary["n_events"] == 2


def test_the_grid_needs_an_eligible_episode():
    with pytest.raises(NotEstimable, match="no episode is eligible"):
        compare_relief_definitions(episodes_of(["0:1 7:0"]))


# -- the band ---------------------------------------------------------------------------------------------------------


def test_the_band_holds_the_interval_and_the_curve():
    rng = np.random.default_rng(1)
    courses = [
        "0:6 " + " ".join(f"{7 * k}:{max(0.0, 6 - k * s):.1f}" for k in range(1, 7)) for s in rng.random(60) * 1.5
    ]
    curve = estimate_relief(episodes_of(courses, small(inference={"bootstrap_draws": 200}))).curve
    assert {"upper", "band_low", "band_high", "if_none_of_stopped", "if_all_of_stopped"} <= set(curve.columns)
    inside = curve["estimate"].between(0.05, 0.95)
    assert inside.any()
    assert (curve["band_low"] <= curve["conf_low"] + 1e-9)[inside].all()
    assert (curve["band_high"] >= curve["conf_high"] - 1e-9)[inside].all()
    assert (curve["upper"] >= curve["estimate"]).all()
    assert (curve["upper"] > curve["estimate"]).any()


def test_every_draw_counts_for_the_limits_whatever_its_place():
    first = np.array([[0.4, 0.5]])
    drawn = np.column_stack([np.linspace(0.1, 0.7, 40), np.linspace(0.2, 0.8, 40)])
    lines = [fit_line_of(np.concatenate([first, some]), 1, 0.95) for some in (drawn, drawn[::-1])]
    assert lines[0].conf_low == pytest.approx(lines[1].conf_low, abs=1e-12)
    assert lines[0].conf_high == pytest.approx(lines[1].conf_high, abs=1e-12)


@pytest.mark.parametrize(
    ("events", "said"), [((0, 0), ["any"]), ((0, 3), ["the first"]), ((2, 3), []), ((0, 0, 4), ["any"])]
)
def test_it_is_said_where_nothing_had_happened_yet(events, said):
    size = len(events)
    shares = np.array(events) / 40
    curve = DayCurve("all", 400, shares, shares, shares, np.full(size, 40), np.array(events), last_day=1)
    found = [note for note in curve_notes([curve], (0, 1), small()) if "othing had happened" in note]
    assert len(found) == len(said) and all(
        f"by {words} of the days" in note for words, note in zip(said, found, strict=True)
    )


def test_limits_never_fall_over_time_and_are_silent_before_anything_happens():
    rng = np.random.default_rng(4)
    courses = [
        "0:6 " + " ".join(f"{day}:{5 if day < half else 2}" for day in range(6, 43, 3))
        for half in rng.integers(12, 60, 40)
    ]
    curve = estimate_relief(episodes_of(courses, small(inference={"bootstrap_draws": 200}))).curve
    for name in ("conf_low", "conf_high"):
        known = curve[name].dropna()
        assert (np.diff(known) >= 0).all()
    before = curve["estimate"] == 0
    assert before.any()
    assert curve.loc[curve["day"] < 6, ["conf_low", "conf_high"]].isna().all().all()
    after = curve["estimate"].between(0.01, 0.99)
    assert (curve["conf_low"] <= curve["estimate"])[after].all()
    assert (curve["conf_high"] >= curve["estimate"])[after].all()


def test_a_refusal_tells_no_small_number_and_none_that_would_give_it():
    for n, said in ((2, "none of fewer than 5 episodes"), (6, "none of 6 episodes")):
        with pytest.raises(NotEstimable, match=said) as refusal:
            estimate_relief(episodes_of(["0: 7:"] * n))
        assert bool(re.search(r"\d\)", str(refusal.value))) == (n == 6)
    with pytest.raises(NotEstimable, match=r"none of 11 episodes is eligible \([^0-9]*\)"):
        estimate_relief(episodes_of(["0: 7:"] * 8 + ["0:1 7:0"] * 3))


def test_a_refusal_writes_its_thousands_as_the_page_does():
    with pytest.raises(NotEstimable, match=r"none of 1,200 episodes is eligible \([^)]*: 1,200\)"):
        estimate_relief(episodes_of(["0: 7:"] * 1200))


def test_limits_widen_up_to_the_last_day_and_not_beyond():
    """A limit never falls over time; what is drawn after the last day that may be stated widens none before it."""
    share, spread = np.full(4, 0.4), np.array([0.02, 0.05, 0.1, 0.2])
    drawn = share + spread * np.linspace(-1, 1, 101)[:, None]
    own = [daily_limits(share[[d]], drawn[:, [d]], 0.95, 0) for d in range(4)]  # each day by itself
    low, high = daily_limits(share, drawn, 0.95, 2)
    assert own[3][0] < own[2][0] < own[1][0] < own[0][0]
    assert low == pytest.approx([float(own[2][0][0])] * 3 + [float(own[3][0][0])])
    assert high == pytest.approx([float(pair[1][0]) for pair in own])
    low, high = daily_limits(share[[1, 2]], drawn[:, [2, 1]], 0.95, 1)
    assert high == pytest.approx([float(own[2][1][0])] * 2)
