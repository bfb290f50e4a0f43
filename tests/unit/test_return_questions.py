"""Triggers, who comes back, and exercise before the landmark: small tables by hand, refusals, and a planted truth."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import t as student_t

from courses import SMALL, dated_episodes, days_after, small
from outcomes.cases import build_episodes, build_return_rows, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import NotEstimable
from outcomes.questions import (
    between_clinics,
    compare_rehabilitation,
    compare_return_factors,
    compare_triggers,
    exercise_cohort,
    exercise_lines,
    exercise_ways,
    return_factors,
    show_immortal_time,
)
from outcomes.questions.covariates import OTHER, Block, Factor, build_factors, choose_columns, pool_rare
from outcomes.questions.exercise_cohort import build_cohort, build_cohort_at, choose_columns_of
from outcomes.questions.exercise_lines import _too_different, compare_arms, head_line, say_too_small
from outcomes.questions.exercise_ways import _refuse_or, draw_clinics
from outcomes.questions.rehabilitation import _compare_main
from outcomes.questions.results import NOT_RECORDED
from outcomes.simulate import simulate
from tables import open_clinic, records, records_of

START = date(2024, 1, 1)
OPEN = ("2024-01-01", "2025-12-31")


def with_triggers(pairs: list[tuple[str, str]], protocol=SMALL):
    """Patients relieved on day 7 and back on day 107, with the trigger of each of the two episodes."""
    rows = ["patient_id | visit_date | pain_pre | trigger", *open_clinic("2024-01-01", "2025-06-30", "| ")]
    for i, (first, second) in enumerate(pairs):
        for day, pain, trigger in ((0, 6, first), (7, 2, ""), (107, 6, second)):
            rows.append(f"p{i} | {START + timedelta(day)} | {pain} | {trigger}")
    return build_episodes(build_visits(records("\n".join(rows)), protocol))


@pytest.fixture(scope="module")
def simulated():
    return simulated_clinic(2500, 3)


def simulated_clinic(patients, seed):
    world = simulate(patients, seed=seed, clean=True)
    found = records_of({head: [str(cell) for cell in cells] for head, cells in world.records.items()})
    return build_episodes(build_visits(found))


# -- triggers ---------------------------------------------------------------------


def test_triggers_by_hand():
    pairs = [
        *[("lifting", "lifting")] * 3,
        ("lifting", "running"),
        *[("running", "running")] * 2,
        ("none known", "lifting"),
        ("", "lifting"),
    ]
    found = compare_triggers(with_triggers(pairs))
    assert (found.summary["n"], found.summary["n_same"], found.summary["n_returns"]) == (6, 5, 8)
    every = found.same[found.same["trigger"] == "all"].iloc[0]
    assert every["estimate"] == pytest.approx(5 / 6)
    assert every["expected"] == pytest.approx((4 * 3 + 2 * 3) / 36)
    cell = found.table.set_index(["trigger", "return_trigger"]).loc[("lifting", "running")]
    assert (cell["n"], cell["events"], cell["estimate"], cell["expected"]) == (4, 1, 0.25, 0.5)
    step = found.ledger.steps[-1]
    assert (step.rows_in, step.kept) == (8, 6)
    assert dict(step.set_aside) == {"trigger not recorded at both": 1, "none known": 1}


def test_a_trigger_named_only_after_the_first_days_is_none_and_the_definition_says_so():
    rows = ["patient_id | visit_date | pain_pre | trigger", *open_clinic("2024-01-01", "2025-06-30", "| ")]
    for patient, late in (("a", 3), ("b", 3), ("c", 4)):
        for day, pain, trigger in ((0, 6, ""), (late, 5, "lifting"), (7, 2, ""), (107, 6, "lifting")):
            rows.append(f"{patient} | {START + timedelta(day)} | {pain} | {trigger}")
    found = compare_triggers(build_episodes(build_visits(records("\n".join(rows)), SMALL)))
    assert SMALL.baseline.window_days == 3
    assert (found.summary["n"], found.summary["n_returns"]) == (2, 3)
    assert "a trigger named within 3 days of the first visit, both times" in found.settings["definition"]


def test_rare_triggers_stand_together():
    protocol = small(reporting_floor={"proportion_min_n": 3})
    pairs = [*[("lifting", "lifting")] * 4, ("running", "running"), ("sitting", "lifting")]
    found = compare_triggers(with_triggers(pairs, protocol))
    assert set(found.table["trigger"]) == {"lifting", "other"}
    assert found.table.groupby("trigger")["events"].sum().to_dict() == {"lifting": 4, "other": 2}
    # Pooled for showing only: running after sitting would not be the same again.
    assert found.summary["n_same"] == 5
    assert set(found.same["trigger"]) == {"all", "lifting"}


def test_triggers_that_are_not_recorded_or_few():
    with pytest.raises(NotEstimable, match="records no 'trigger'"):
        compare_triggers(dated_episodes(days_after(START, "a 0 6", "a 7 2", "a 107 6", "z 500 6")))
    with pytest.raises(NotEstimable, match="fewer than 2 patients"):
        compare_triggers(with_triggers([("lifting", "lifting")]))


def test_the_planted_share_of_the_same_trigger_is_found(simulated):
    every = compare_triggers(simulated).same.iloc[0]
    # Planted: 60 % keep their trigger, the others draw anew; of the latter some draw the same.
    assert every["conf_low"] < 0.6 + 0.4 * every["expected"] < every["conf_high"]
    assert every["p_value"] < 0.001


def test_the_first_return_is_the_one_on_the_first_day():
    # Two regions: relieved on days 7 and 10, back in the neck on day 300 and in the low back on day 120.
    rows = ["patient_id | visit_date | pain_pre | region | trigger"]
    rows += open_clinic("2024-01-01", "2025-06-30", "| | ")
    courses = {"cervical": ((0, 6, "lifting"), (7, 2, ""), (300, 6, "sitting")),
               "lumbar": ((1, 6, "running"), (10, 2, ""), (120, 6, "running"))}  # fmt: skip
    for patient in "ab":
        for region, visits in courses.items():
            rows += [f"{patient} | {START + timedelta(d)} | {pain} | {region} | {what}" for d, pain, what in visits]
    found = compare_triggers(build_episodes(build_visits(records("\n".join(rows)), SMALL)))
    assert (found.summary["n"], found.summary["n_same"]) == (2, 2)


# -- facts as columns ---------------------------------------------------------------------


def factor(levels, codes, reference=0):
    return Factor("f", "F", tuple(levels), tuple(levels), np.array(codes), reference)


def test_few_and_missing_levels(simulated):
    rows = np.arange(simulated.n)
    (cause,) = build_factors(simulated, rows, ["cause"], least=30)
    assert cause.levels[-1] == NOT_RECORDED
    sizes = np.bincount(cause.codes, minlength=len(cause.levels))
    assert (sizes[[level != "other" for level in cause.levels]] >= 30).all()
    assert cause.columns().sum(axis=1).max() == 1
    assert cause.columns().shape == (simulated.n, len(cause.levels) - 1)
    assert sizes[cause.reference] == max(s for s, v in zip(sizes, cause.levels, strict=True) if v != NOT_RECORDED)


def test_an_export_without_the_column_has_no_factor():
    episodes = dated_episodes(days_after(START, "a 0 6", "a 7 2", "z 500 6"))
    assert build_factors(episodes, np.arange(episodes.n), ["cause", "trigger"], least=1) == ()


def test_levels_that_an_arm_hardly_has_are_pooled():
    arm = np.array([1, 1, 0, 0, 1, 1, 0, 0], dtype=bool)
    found = pool_rare(factor("abc", [0, 0, 0, 0, 1, 1, 2, 2]), arm, 2)
    assert found is not None
    assert found.levels == ("a", "other")
    assert found.codes.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    # What is left over is in one arm only: it joins the commonest level, and nothing is left to compare.
    assert pool_rare(factor("ab", [0, 0, 0, 0, 1, 1, 0, 0]), arm, 2) is None


def test_columns_are_taken_in_order_while_there_is_room():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 4))
    blocks = [
        Block("one", "One", ("a",), x[:, :1]),
        Block("same", "Same", ("b",), 3 - 2 * x[:, :1]),
        Block("wide", "Wide", ("c", "d"), x[:, 1:3]),
        Block("last", "Last", ("e",), x[:, 3:]),
        Block("flat", "Flat", ("f",), np.full((50, 1), 2.0)),
    ]
    taken, left = choose_columns(blocks, 2)
    assert [block.name for block in taken] == ["one", "last"]
    assert [block.name for block in left] == ["wide"]
    taken, left = choose_columns(blocks, 4)
    assert [block.name for block in taken] == ["one", "wide", "last"] and not left


# -- who comes back ---------------------------------------------------------------------


def test_factors_on_simulated_records(simulated):
    found = compare_return_factors(simulated)
    table = found.table
    many = table[(table["factor"] == "previous_episodes") & (table["level"] == "3 or more")].iloc[0]
    others = table[(table["factor"] == "previous_episodes") & (table["level"] == "0")].iloc[0]
    # Planted: a hazard 1.8 times as high for three and more earlier episodes.
    ratio = many["hazard_ratio"] if not many["reference"] else 1 / others["hazard_ratio"]
    assert 1.2 < ratio < 2.7
    assert many["estimate"] > others["estimate"]
    told = table.dropna(subset=["estimate"])
    assert ((told["conf_low"] < told["estimate"]) & (told["estimate"] < told["conf_high"])).all()
    assert (table["estimate"].isna() == table["unadjusted"].isna()).all()
    one = table[table["factor"] == "region"]
    assert one["n"].sum() == found.summary["n"]
    assert found.proportional["p_value"].between(0, 1).all()
    # The levels' adjusted shares, weighted by their sizes, lie near the share of all.
    for _, part in told.groupby("factor"):
        assert np.average(part["estimate"], weights=part["n"]) == pytest.approx(
            np.average(part["unadjusted"], weights=part["n"]), abs=0.04
        )


def test_factors_need_returns_and_facts():
    plain = dated_episodes(days_after(START, "a 0 6", "a 7 2", "z 500 6"))
    with pytest.raises(NotEstimable, match="fewer than"):
        compare_return_factors(plain)


def test_facts_that_are_not_recorded_are_named_to_the_last(simulated, monkeypatch):
    monkeypatch.setattr("outcomes.questions.return_factors.build_factors", lambda *_: ())
    with pytest.raises(NotEstimable, match=r"earlier episodes, trigger, .*duration when it began and region none is"):
        compare_return_factors(simulated)


def test_too_few_returns_for_the_model_leave_the_unadjusted_share(simulated):
    protocol = Protocol.from_mapping({"reporting_floor": {"compare_min_episodes": 10}})
    few = simulate(260, seed=3, profile="physio", clean=True)
    found = records_of({head: [str(cell) for cell in cells] for head, cells in few.records.items()})
    table = compare_return_factors(build_episodes(build_visits(found, protocol), protocol))
    assert table.table["estimate"].isna().all()
    assert table.table["unadjusted"].notna().any()
    assert any("no adjusted share" in note for note in table.notes)


# -- exercise ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def rehabilitation(simulated):
    return compare_rehabilitation(simulated)


def exercise_at(*days: tuple[str, str]):
    """One patient relieved on day 7 with something done on some days, among thirty more; landmark day 37."""
    rows = ["patient_id | visit_date | pain_pre | modalities", *open_clinic("2024-01-01", "2025-12-31", "| ")]
    for day, what in (("0", ""), ("7", ""), *days):
        pain = {"0": 6, "7": 2}.get(day, 2)
        rows.append(f"p | {START + timedelta(int(day))} | {pain} | {what}")
    return build_cohort_at(build_episodes(build_visits(records("\n".join(rows)), SMALL)), 30)


@pytest.mark.parametrize(("day", "expected"), [("20", True), ("36", True), ("37", False), ("38", False)])
def test_exercise_counts_before_the_landmark_only(day, expected):
    assert exercise_at((day, "rehab exercise")).exercised.tolist() == [expected]
    usual = SimpleNamespace(protocol=Protocol())
    assert head_line(usual, "landmark", 30).label == "any active exercise before day 30 after relief"


def test_too_short_a_follow_up_of_one_arm_is_refused(simulated):
    cohort = build_cohort_at(simulated, 30)
    late = cohort.rows.stop_days < 365
    few = np.flatnonzero(~cohort.exercised & ~late)[:12]
    part = late.copy()
    part[few] = True
    part |= cohort.exercised
    line = compare_arms(simulated, cohort.take(part), head_line(simulated, "landmark", 30)).line
    assert math.isnan(line.estimate)
    assert line.reason == "too few of an arm are followed for 365 days"


def test_what_is_too_rare_to_adjust_for_is_judged_all_the_same(rehabilitation):
    rare = rehabilitation.balance[rehabilitation.balance["label"] == "Joint techniques"]
    assert len(rare) == 1 and not rare["is_adjusted"].item()


def test_clinicians_of_few_episodes_stand_for_their_clinics():
    # Of all clinicians only p1 has 15 episodes of each arm. The others exercise more at one clinic than at the other.
    head = "patient_id | visit_date | pain_pre | modalities | clinic_id | clinician_id"
    staff = [("p1", "A", 16, 16), *((f"a{i}", "A", 8, 4) for i in range(4)), *((f"b{i}", "B", 4, 8) for i in range(4))]
    rows = [row.replace("open", f"open {name}") for name in "AB" for row in open_clinic(*OPEN, f"| | {name} | z{name}")]
    for who, clinic, *arms in staff:
        done = ["rehab exercise"] * arms[0] + ["massage"] * arms[1]
        for i, what in enumerate(done):
            rows.append(f"{who} {i} | {START} | 6 | {what} | {clinic} | {who}")
            rows.append(f"{who} {i} | {START + timedelta(7)} | 2 | | {clinic} | {who}")
    episodes = build_episodes(build_visits(records("\n".join([head, *rows])), SMALL))
    cohort = build_cohort_at(episodes, 30)
    chosen = choose_columns_of(episodes, cohort, cohort.exercised)
    place = next(block for block in chosen.used if block.name == "clinician_id")
    # The commonest level is what the two others are compared with.
    assert place.names == ("clinician_id=p1", "clinician_id=others at B")
    assert place.values.sum(axis=0).tolist() == [32, 48]


def test_clinicians_of_few_episodes_are_compared_each_with_him_or_herself():
    """Half of the clinicians of two clinics let most exercise, and have fewer returns, with exercise or without."""
    head = "patient_id | visit_date | pain_pre | modalities | clinic_id | clinician_id"
    rows = [row.replace("open", f"open {name}") for name in "AB" for row in open_clinic(*OPEN, f"| | {name} | z{name}")]
    for i in range(8):
        # Exercised and came back, exercised and did not, neither, and so on.
        for what, back, n in zip(
            ("massage;rehab exercise", "massage;rehab exercise", "massage", "massage"),
            (True, False, True, False),
            (4, 8, 2, 4) if i % 2 else (4, 2, 8, 4),
            strict=True,
        ):
            for j in range(n):
                who = f"{i} {what} {back} {j}"
                visits = [(0, 6, what), (7, 2, ""), *([(150, 7, "massage")] if back else [])]
                rows += [
                    f"{who} | {START + timedelta(day)} | {pain} | {done} | {'AB'[i // 4]} | p{i}"
                    for day, pain, done in visits
                ]
    episodes = build_episodes(build_visits(records("\n".join([head, *rows])), SMALL))
    cohort = build_cohort_at(episodes, 30)
    assert cohort.exercised.sum() == (~cohort.exercised).sum() == 72
    found = compare_arms(episodes, cohort, head_line(episodes, "landmark", 30))
    assert found.line.reason == ""
    assert found.line.estimate == pytest.approx(0.0, abs=1e-9)
    assert [row[0] for row in found.balance if row[0] in ("habit", "clinician_id")] == ["habit"]


def test_every_line_has_a_number_or_a_reason():
    table = compare_rehabilitation(simulated_clinic(2000, 5)).table
    ways = [*["landmark"] * 8, *["state"] * 2, "state_new_episodes", *["strategies"] * 2]
    assert table["analysis"].tolist() == ways
    assert (table["estimate"].isna() == (table["reason"] != "")).all()
    at_landmark = table[table["analysis"] == "landmark"]
    assert (at_landmark["n"] == at_landmark["n_with"] + at_landmark["n_without"]).all()
    assert (at_landmark["events"] == at_landmark["events_with"] + at_landmark["events_without"]).all()
    # Elsewhere the arms would be those who ever began, which is offered nowhere.
    assert (
        table.loc[table["analysis"] != "landmark", ["n_with", "events_with", "n_without", "events_without"]]
        .isna()
        .all(axis=None)
    )
    told = table[table["scale"] == "difference"].dropna(subset=["estimate"])
    assert len(told) > 5 and table["reason"].iloc[0] == ""
    assert (told["estimate"] - (told["risk_with"] - told["risk_without"])).abs().max() < 1e-12
    assert ((told["conf_low"] < told["estimate"]) & (told["estimate"] < told["conf_high"])).all()


def test_beside_a_main_line_that_is_refused_no_number_stands_in_its_stead(rehabilitation):
    table = rehabilitation.table
    assert table["reason"].iloc[0] == "the arms still differ in what is recorded after weighting"
    numbers = ["estimate", "conf_low", "conf_high", "risk_with", "risk_without", "effective_with", "effective_without"]
    assert table[numbers].isna().all(axis=None) and (table["reason"] != "").all()
    assert (table["reason"] == "the main line cannot be compared").sum() > 5 and (table["n"] > 0).all()


def test_the_main_line_is_balanced_and_says_what_is_not(rehabilitation):
    balance = rehabilitation.balance
    assert balance.loc[balance["is_adjusted"], "smd_after"].abs().max() < 1e-8
    assert rehabilitation.summary["n_columns"] == balance["is_adjusted"].sum()
    left = balance.loc[~balance["is_adjusted"], "label"].str.lower().unique()
    said = " ".join(note for note in rehabilitation.notes if note.startswith("Not adjusted for"))
    assert all(label in said for label in left)
    assert "joint techniques" in said  # hardly anybody went without


def test_without_maintenance_nobody_is_followed_into_it(simulated):
    cohort = build_cohort_at(simulated, 30)
    apart = cohort.without_maintenance()
    assert (apart.maintenance_days >= 0).all()
    assert (apart.rows.stop_days <= apart.maintenance_days).all()
    assert apart.rows.event.sum() < cohort.rows.event.sum()
    assert (apart.rows.stop_days > apart.rows.start_days).all()


def test_kinds_of_exercise_leave_the_other_kind_out(simulated):
    every, home, supervised = (build_cohort_at(simulated, 30, kind) for kind in ("any", "home", "supervised"))
    for part in (home, supervised):
        assert (~part.exercised).sum() == (~every.exercised).sum()
    # Home exercise and nothing else, or supervised exercise alone or with it: together all who exercised.
    assert home.exercised.sum() + supervised.exercised.sum() == every.exercised.sum()


def test_exercise_needs_a_treatment_column_and_arms():
    with pytest.raises(NotEstimable, match="no treatment column"):
        compare_rehabilitation(dated_episodes(days_after(START, "a 0 6", "a 7 2", "z 500 6")))


@pytest.mark.parametrize(
    ("n_unread", "why"), [(10, "no episode was still relieved"), (11, "a tenth of the visits a treatment")]
)
def test_exercise_is_not_looked_at_where_treatments_are_in_unknown_words(n_unread, why):
    words = ["Turnen" if i < n_unread else "massage" for i in range(100)]
    rows = "\n".join(f"p{i} | {date.fromordinal(738000 + i)} | 6 | {word}" for i, word in enumerate(words))
    text = f"patient_id | visit_date | pain_pre | modalities\n{rows}"
    with pytest.raises(NotEstimable, match=why):
        compare_rehabilitation(build_episodes(build_visits(records(text))))


def test_small_arms_have_a_reason_and_no_number():
    few = simulate(200, seed=3, profile="physio", clean=True)
    found = records_of({head: [str(cell) for cell in cells] for head, cells in few.records.items()})
    table = compare_rehabilitation(build_episodes(build_visits(found))).table
    assert table["estimate"].isna().all()
    assert table["reason"].str.contains("fewer than|not followed").all()


def test_the_main_line_does_not_depend_on_the_lines_beside_it(simulated, rehabilitation):
    alone = _compare_main(simulated)[0].line
    assert alone.estimate == rehabilitation.table.iloc[0]["estimate"] or math.isnan(alone.estimate)


def test_time_that_could_not_end_makes_a_difference_out_of_nothing():
    table = show_immortal_time().table.set_index(["truth", "comparison"])["hazard_ratio"]
    assert table[(1.0, "ever")] == pytest.approx(0.73, abs=0.03)
    assert table[(1.0, "landmark")] == pytest.approx(1.0, abs=0.05)
    assert table[(1.0, "state")] == pytest.approx(1.0, abs=0.05)
    assert table[(0.6, "state")] == pytest.approx(0.6, abs=0.05)
    assert 0.6 < table[(0.6, "landmark")] < 1.0


def test_a_level_not_recorded_of_few_is_pooled_with_other_small_ones():
    """Of six episodes one has no sex: alone it would be a level of one, and it joins the other small level."""
    rows = [f"p{i} | {i} | 6 | {sex}" for i, sex in enumerate(["F", "F", "F", "F", "M", ""])]
    episodes = build_episodes(
        build_visits(records("\n".join(["patient_id | visit_day | pain_pre | sex", *rows])), SMALL)
    )
    (found,) = build_factors(episodes, np.arange(6), ("sex",), 2)
    assert found.levels == ("female", OTHER) and found.codes.tolist() == [0, 0, 0, 0, 1, 1]


def test_a_factor_no_level_of_which_both_arms_have_is_none():
    arm = np.array([True, True, False, False])
    assert pool_rare(factor(("a", "b"), [0, 0, 1, 1]), arm, 1) is None
    assert pool_rare(factor(("a", "b"), [0, 1, 0, 1]), arm, 1) is not None


@pytest.mark.parametrize(("events", "said"), [((9, 30), "an arm has fewer than 10 returns"), ((10, 10), "")])
def test_an_arm_of_few_returns_is_too_small(events, said):
    line = SimpleNamespace(n_with=40, n_without=40, events_with=events[0], events_without=events[1])
    assert say_too_small(line, Protocol()) == said


@pytest.mark.parametrize(
    ("sizes", "worst", "said"),
    [
        ((29.9, 80.0), 0.0, "an arm has an effective size of fewer than 30 episodes"),
        ((30.0, 30.0), 0.2, "the arms still differ in what is recorded after weighting"),
        ((30.0, 30.0), 0.19, ""),
    ],
)
def test_weighted_arms_that_are_small_or_unlike_are_not_compared(sizes, worst, said):
    found = SimpleNamespace(ess_treated=sizes[0], ess_control=sizes[1])
    assert _too_different(found, worst, Protocol()) == said


def test_a_way_that_cannot_be_fitted_keeps_its_line_with_the_reason(simulated):
    def refuse(*_):
        raise NotEstimable("The arms cannot be compared: they hardly overlap.")

    cohort = build_cohort(simulated, build_return_rows(simulated))
    line = _refuse_or(refuse, simulated, cohort, head_line(simulated, "state", 30))
    assert (line.n, line.reason) == (cohort.rows.episode.size, "The arms cannot be compared: they hardly overlap")
    assert math.isnan(line.estimate) and math.isnan(line.risk_with)


def test_strategies_that_few_keep_to_are_not_compared(simulated, monkeypatch):
    def few(*_, **__):
        return SimpleNamespace(start=SimpleNamespace(n_end=19), never=SimpleNamespace(n_end=500))

    monkeypatch.setattr(exercise_ways, "clone_censor_weight", few)
    cohort = build_cohort(simulated, build_return_rows(simulated))
    line = exercise_ways._refuse_or(
        exercise_ways._fit_strategies, simulated, cohort, head_line(simulated, "strategies", 0)
    )
    assert line.reason.startswith("fewer than 20 keep to a strategy for ")


@pytest.mark.parametrize("columns", [(), ("clinic_id",)])
def test_who_treated_is_the_clinic_where_no_clinician_is_named_and_nothing_where_neither_is(columns):
    names = ["clinic_id", "clinician_id"]
    cells = {head: [str(cell) for cell in own] for head, own in simulate(900, seed=3, clean=True).records.items()}
    cells = {head: own for head, own in cells.items() if head not in names or head in columns}
    episodes = build_episodes(build_visits(records_of(cells)))
    rows = np.arange(episodes.n)
    blocks, rare = exercise_cohort._place_blocks(episodes, rows, rows % 2 == 0)
    assert {block.name for block in [*blocks, *rare]} <= set(columns) and bool(blocks) == bool(columns)


def test_a_model_of_a_fact_that_does_not_exist_leaves_its_unadjusted_share(simulated, monkeypatch):
    def refuse(*_, **__):
        raise NotEstimable("a column tells who came back.")

    monkeypatch.setattr(return_factors, "cox", refuse)
    found = compare_return_factors(simulated)
    assert found.table["unadjusted"].notna().any() and found.table["estimate"].isna().all()
    assert any("a column tells who came back" in note for note in found.notes)


# -- clinics as drawn --------------------------------------------------------------------------------------------------


@pytest.fixture
def however_unlike(monkeypatch):
    """The arms of these practices of 2,500 patients differ by more than is let pass, which is no matter here."""
    monkeypatch.setattr(exercise_lines, "LARGEST_IMBALANCE", np.inf)


def without_each_clinic(patients, seed):
    """Episodes of a practice, and of each practice that is left when a clinic's records are taken out of its export."""
    export = simulate(patients, seed=seed, clean=True).records
    cells = {head: [str(cell) for cell in own] for head, own in export.items()}
    protocol = Protocol.from_mapping({"inference": {"bootstrap_draws": 200}})

    def build(keep):
        part = {head: [cell for cell, kept in zip(own, keep, strict=True) if kept] for head, own in cells.items()}
        return build_episodes(build_visits(records_of(part), protocol))

    names = sorted(set(cells["clinic_id"]))
    return build([True] * len(cells["clinic_id"])), [build([c != name for c in cells["clinic_id"]]) for name in names]


@pytest.mark.usefixtures("however_unlike")
def test_the_exercise_line_with_clinics_as_drawn_is_the_jackknife_of_practices_without_one(monkeypatch):
    whole, others = without_each_clinic(2500, 3)
    monkeypatch.setattr(between_clinics, "LEAST_CLINICS", len(others))
    main, (line,) = _compare_main(whole)
    own = {"analysis": "landmark_clinics", "label": line.label, "conf_low": line.conf_low, "conf_high": line.conf_high}
    assert line == replace(main.line, **own) and line.label.startswith(main.line.label)
    turned = [math.atanh(_compare_main(one)[0].line.estimate) for one in others]
    mean, n = sum(turned) / len(turned), len(turned)
    half = student_t.ppf(0.975, n - 1) * math.sqrt((n - 1) / n * sum((z - mean) ** 2 for z in turned))
    limits = [math.tanh(math.atanh(main.line.estimate) + sign * half) for sign in (-1, 1)]
    assert [line.conf_low, line.conf_high] == pytest.approx(limits, abs=1e-10)
    assert any(f"takes the {n} clinics as drawn" in note for note in main.notes)


@pytest.mark.usefixtures("however_unlike")
def test_with_too_few_clinics_there_is_a_note_and_no_line(simulated):
    main, drawn = _compare_main(simulated)
    assert drawn == [] and any("these 6 clinics as they are" in note for note in main.notes)


@pytest.mark.usefixtures("however_unlike")
def test_a_clinic_without_which_there_is_no_estimate_leaves_no_limits(simulated, monkeypatch):
    cohort, head = build_cohort_at(simulated, 30), head_line(simulated, "landmark", 30)
    clinic = simulated.columns["clinic"][cohort.rows.episode]
    biggest = clinic == np.bincount(clinic).argmax()
    part = cohort.take(biggest | (np.cumsum(~biggest) <= 40))
    monkeypatch.setattr(between_clinics, "LEAST_CLINICS", 2)
    main = compare_arms(simulated, part, head, 2).line
    (line,) = draw_clinics(simulated, part, head, main)
    assert not main.reason
    assert line.reason.startswith("without one of the clinics there is no estimate (so of 1 of ")
    assert np.isnan([line.estimate, line.conf_low, line.conf_high, line.risk_with, line.risk_without]).all()
    refused = compare_arms(simulated, cohort.take(np.arange(clinic.size) < 10), head, 2).line
    assert refused.reason and list(draw_clinics(simulated, cohort, head, refused)) == []
