"""All families at once: bundles and refusals by hand, a model worked on paper, and what must not change a number."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from courses import SMALL, episodes_of, small
from outcomes.cases import build_episodes, build_visits
from outcomes.cases.first_treatment import build_treatment_rows
from outcomes.definitions import Codebook, Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.questions import joint_model
from outcomes.questions.arm_balance import BALANCE_COLUMNS
from outcomes.questions.contrast_gate import GATE_COLUMNS
from outcomes.questions.contrast_lines import ADJUSTED, DESCRIPTIVE, LINE_COLUMNS, NOT_ESTIMABLE
from outcomes.questions.covariates import OTHER, Factor
from outcomes.questions.joint_bundles import (
    PAIR_COLUMNS,
    Given,
    count_pairs,
    find_inflation,
    join_bundles,
    varies,
)
from outcomes.questions.joint_columns import find_treating, pool_small
from outcomes.questions.joint_families import compare_jointly
from outcomes.questions.joint_model import fit_jointly
from outcomes.questions.modality_families import compare_families
from outcomes.questions.modality_result import OVERLAP_COLUMNS
from outcomes.simulate import simulate
from tables import records_of

RELIEVED, NOT_RELIEVED = "0:6 7:2 14:2 28:2 42:2", "0:6 7:6 14:6 28:6 42:6"
ULTRASOUND, ELECTRICAL, HEAT, JOINT = (
    "ultrasound_therapy",
    "electrical_stimulation",
    "heat_therapy",
    "spinal_manipulation",
)
FEW_DRAWS = Protocol.from_mapping({"inference": {"bootstrap_draws": 10}})


def treated(cells, protocol=SMALL, extra=None):
    """Episodes of ``(treatments, patients, of them relieved)``; all begin at 6 and are seen on the same days."""
    courses, done = [], []
    for what, n, relieved in cells:
        courses += [RELIEVED] * relieved + [NOT_RELIEVED] * (n - relieved)
        done += [";".join(what)] * n
    return episodes_of(courses, protocol, {"modalities": done, **(extra or {})})


def lines_of(found, analysis="joint"):
    return found.table[found.table["analysis"] == analysis].set_index("contrast")


def clinic_cells(patients=1200, seed=5):
    world = simulate(patients, seed=seed, clean=True)
    return {head: [str(cell) for cell in column] for head, column in world.records.items()}


def ask(cells, question=compare_jointly, codebook=None):
    return question(build_episodes(build_visits(records_of(cells), FEW_DRAWS, codebook)))


@pytest.fixture(scope="module")
def cells():
    return clinic_cells()


@pytest.fixture(scope="module")
def found(cells):
    return ask(cells)


# -- pairs and bundles ------------------------------------------------------------


def two_families(both, a_only, b_only, neither):
    sizes = [both, a_only, b_only, neither]
    a = np.repeat([True, True, False, False], sizes)
    b = np.repeat([True, False, True, False], sizes)
    return [Given("a", "A", ("a",), a), Given("b", "Beta", ("b",), b)]


@pytest.mark.parametrize(
    ("counts", "stand"),
    [
        ((200, 40, 60, 300), "apart"),
        ((200, 0, 60, 300), "apart"),
        ((200, 10, 15, 300), "bundle"),
        ((4000, 50, 50, 900), "bundle"),
        ((10, 300, 290, 5), "either"),
        ((200, 15, 15, 300), "apart"),
        ((60, 300, 290, 60), "apart"),
        ((15, 300, 290, 15), "either"),
    ],
)
def test_pairs_stand_as_the_table_says(counts, stand):
    (pair,) = count_pairs(two_families(*counts), 30)
    assert (pair.n_both, pair.n_a_only, pair.n_b_only, pair.n_neither) == counts
    assert (pair.is_bundle, pair.is_either) == (stand == "bundle", stand == "either")


def test_a_family_that_hardly_varies_takes_part_in_no_pair():
    given = two_families(20, 5, 280, 295)
    assert not varies(given[0].flags, 30)
    assert count_pairs(given, 30) == []


def test_variance_inflation_of_a_pair():
    (pair,) = count_pairs(two_families(4000, 50, 50, 900), 30)
    # By hand: covariance .8 - .81^2 = .1439, variance .81 * .19 = .1539 of each.
    assert pair.inflation == pytest.approx(1 / (1 - (0.1439 / 0.1539) ** 2))
    assert pair.inflation == pytest.approx(7.9, abs=0.1)
    (same,) = count_pairs(two_families(100, 0, 0, 100), 30)
    assert same.inflation == math.inf


def test_bundles_close_over_a_chain_and_keep_the_order():
    rng = np.random.default_rng(1)
    base = rng.random(400) < 0.5
    near, far = base.copy(), base.copy()
    near[:20] = ~near[:20]
    far[:40] = ~far[:40]
    free = rng.random(400) < 0.5
    flags = {"a": free, "b": far, "c": rng.random(400) < 0.4, "d": base, "e": near}
    given = [Given(name, f"Family {name}", (name,), values) for name, values in flags.items()]
    pairs = count_pairs(given, 30)
    # b and d differ in 40 episodes and are only joined through e.
    assert {(given[p.a].name, given[p.b].name) for p in pairs if p.is_bundle} == {("b", "e"), ("d", "e")}
    joined = join_bundles(given, pairs)
    assert [item.name for item in joined] == ["a", "b+d+e", "c"]
    assert joined[1].label == "Family b, family d and family e (seldom one without the other)"
    np.testing.assert_array_equal(joined[1].flags, base | near | far)


def test_inflation_is_one_over_what_the_others_leave():
    rng = np.random.default_rng(2)
    X = rng.random((300, 4)) < [0.5, 0.3, 0.6, 0.4]
    X = X.astype(float)
    X[:60, 1] = X[:60, 0]
    found = find_inflation(X[:, :2], X[:, 2:])
    for j in (0, 1):
        others = np.column_stack([np.ones(300), np.delete(X, j, axis=1)])
        rest = X[:, j] - others @ np.linalg.lstsq(others, X[:, j], rcond=None)[0]
        assert found[j] == pytest.approx(((X[:, j] - X[:, j].mean()) ** 2).sum() / (rest @ rest), rel=1e-10)
    assert find_inflation(X[:, [0, 1, 0]], X[:, 2:])[[0, 2]].tolist() == [math.inf, math.inf]
    assert find_inflation((1 - X[:, 2])[:, None], X[:, 2:]).tolist() == [math.inf]


def test_small_levels_are_pooled_and_a_small_pool_joins_the_commonest():
    levels = ("a", "b", "c", "d")
    codes = np.repeat([0, 1, 2, 3], [30, 50, 8, 9])
    pooled = pool_small(Factor("f", "F", levels, levels, codes, 0), 15)
    assert pooled.levels == ("a", "b", OTHER)
    assert np.bincount(pooled.codes).tolist() == [30, 50, 17]
    assert pooled.levels[pooled.reference] == "b"
    joined = pool_small(Factor("f", "F", levels, levels, codes, 0), 20)
    assert joined.levels == ("a", "b")
    assert np.bincount(joined.codes).tolist() == [30, 67]
    assert pool_small(Factor("f", "F", levels, levels, codes, 0), 48) is None
    assert pool_small(Factor("f", "F", levels, levels, codes, 0), 90) is None


# -- the model by hand ------------------------------------------------------------


def test_two_families_by_hand():
    cells = [((JOINT,), 16, 4), ((JOINT, ULTRASOUND), 16, 8), ((JOINT, ELECTRICAL), 16, 8)]
    cells.append(((JOINT, ULTRASOUND, ELECTRICAL), 16, 12))
    found = compare_jointly(treated(cells))
    joint = lines_of(found)
    shown = joint[joint["estimate"].notna()]
    assert list(shown.index) == ["ultrasound", "electrical"]
    # Everybody is seen on day 28: pseudo-observations are 0 and 1, and the shares 1/4, 2/4, 2/4, 3/4 add up exactly.
    np.testing.assert_allclose(shown["estimate"].to_numpy(float), 0.25, atol=1e-9)
    np.testing.assert_allclose(shown["with_value"].to_numpy(float), 0.625, atol=1e-9)
    np.testing.assert_allclose(shown["without_value"].to_numpy(float), 0.375, atol=1e-9)
    assert shown[["n_with", "n_without", "events_with", "events_without"]].to_numpy().tolist() == [[32, 32, 20, 12]] * 2
    # Residual variance 3/16 in two cells and 1/4 in two; the bread of a balanced design is 4/64 for a slope.
    spread = math.sqrt(64 / 63 * 63 / 61 * (32 * 3 / 16 + 32 / 4) / 16 / 64)
    np.testing.assert_allclose(shown["conf_high"].to_numpy(float) - 0.25, 1.99962 * spread, rtol=1e-4)
    assert (shown["tag"] == ADJUSTED).all()
    plain = lines_of(found, "unadjusted").loc["ultrasound"]
    assert plain["estimate"] == pytest.approx(20 / 32 - 12 / 32)
    assert plain["tag"] == DESCRIPTIVE
    refused = joint.loc["joint_techniques"]
    assert refused["tag"] == NOT_ESTIMABLE
    assert "joint techniques" in refused["reason"]
    assert refused["n_without"] == 0


def test_equal_differences_have_no_spread_to_be_told_from_chance():
    cells = [((JOINT,), 16, 4), ((JOINT, ULTRASOUND), 16, 8), ((JOINT, ELECTRICAL), 16, 8)]
    cells.append(((JOINT, ULTRASOUND, ELECTRICAL), 16, 12))
    found = compare_jointly(treated(cells))
    assert found.more["shrinkage"].iloc[0].to_dict() == pytest.approx(
        {"tau2": 0, "Q": 0, "df": 1, "p_value": 1, "n_contrasts": 2}, abs=1e-9
    )
    shrunk = lines_of(found, "joint_shrunk").loc[["ultrasound", "electrical"]]
    assert (shrunk["estimate"] == 0).all()
    assert shrunk[["conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    assert any("which is not to say that there are none" in note for note in found.notes)


@pytest.mark.parametrize(("small", "is_said"), [(7, True), (6, False)])
def test_it_is_said_that_clinicians_of_few_episodes_stand_together(small, is_said):
    """Of 64 episodes a tenth are of clinicians with fewer than 20, or not."""
    cells = [((JOINT,), 16, 4), ((JOINT, ULTRASOUND), 16, 8), ((JOINT, ELECTRICAL), 16, 8)]
    cells.append(((JOINT, ULTRASOUND, ELECTRICAL), 16, 12))
    names = [f"S{i}" if i < small else f"P{i % 2}" for i in range(64)]
    notes = compare_jointly(treated(cells, extra={"clinician_id": names})).notes
    assert any("stand together by clinic" in note for note in notes) == is_said
    assert not any("stand together by clinic" in note for note in compare_jointly(treated(cells)).notes)


def test_shrunken_lines_by_hand():
    # Ultrasound +1/2, electrical -1/4, which add up: shares 7/16, 15/16, 3/16, 11/16.
    cells = [((JOINT,), 16, 7), ((JOINT, ULTRASOUND), 16, 15), ((JOINT, ELECTRICAL), 16, 3)]
    cells.append(((JOINT, ULTRASOUND, ELECTRICAL), 16, 11))
    found = compare_jointly(treated(cells))
    joint, shrunk = (lines_of(found, name).loc[["ultrasound", "electrical"]] for name in ("joint", "joint_shrunk"))
    np.testing.assert_allclose(joint["estimate"].to_numpy(float), [0.5, -0.25], atol=1e-9)
    one = (joint["conf_high"] - joint["estimate"]).to_numpy(float) / 1.99962
    np.testing.assert_allclose(one[0], one[1], rtol=1e-9)
    # With one standard error s: Q = .75^2 / (2 s^2), and tau2 = .75^2 / 2 - s^2.
    tau2 = 0.75**2 / 2 - one[0] ** 2
    assert found.more["shrinkage"]["tau2"].iloc[0] == pytest.approx(tau2, rel=1e-4)
    kept = tau2 / (tau2 + one[0] ** 2)
    np.testing.assert_allclose(shrunk["estimate"].to_numpy(float), [0.5 * kept, -0.25 * kept], rtol=1e-4)
    assert shrunk[["conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    low = joint["p_value"].min()
    assert joint["q_value"].min() == pytest.approx(min(2 * low, joint["p_value"].max()))
    assert lines_of(found, "joint_shrunk")["q_value"].isna().all()


def test_a_pair_always_given_together_is_one_bundle():
    found = compare_jointly(
        treated([((JOINT,), 40, 16), ((JOINT, ULTRASOUND, ELECTRICAL), 40, 20), ((JOINT, ULTRASOUND), 5, 1)])
    )
    joint = lines_of(found)
    shown = joint[joint["estimate"].notna()]
    assert list(shown.index) == ["ultrasound+electrical"]
    assert shown["label"].iloc[0] == "Ultrasound and electrical stimulation (seldom one without the other)"
    assert shown["estimate"].iloc[0] == pytest.approx(21 / 45 - 16 / 40)
    pairs = found.more["pairs"]
    assert tuple(pairs.columns) == PAIR_COLUMNS
    assert pairs[["family_a", "family_b", "n_both", "n_a_only", "n_b_only", "n_neither"]].to_numpy().tolist() == [
        ["ultrasound", "electrical", 40, 5, 0, 40]
    ]
    assert pairs["is_bundled"].tolist() == [True]
    assert found.summary["n_bundles"] == 1
    shrunk = lines_of(found, "joint_shrunk").loc["ultrasound+electrical"]
    assert (shrunk["tag"], shrunk["reason"]) == (NOT_ESTIMABLE, "one family alone gives no spread to shrink by")


def test_one_or_the_other_is_refused_both_ways():
    found = compare_jointly(treated([((ULTRASOUND,), 45, 20), ((ELECTRICAL,), 40, 20), ((JOINT,), 3, 1)]))
    joint = lines_of(found).loc[["ultrasound", "electrical"]]
    assert joint["estimate"].isna().all()
    assert joint["reason"].tolist() == [
        "nearly every episode began with either this or electrical stimulation: neither can be compared with doing "
        "without",
        "nearly every episode began with either this or ultrasound: neither can be compared with doing without",
    ]


def test_exactly_one_of_three_is_refused():
    found = compare_jointly(treated([((name,), 40, 18) for name in (ULTRASOUND, ELECTRICAL, HEAT)]))
    joint = lines_of(found).loc[["ultrasound", "electrical", "thermal"]]
    assert joint["estimate"].isna().all()
    assert joint["reason"].str.contains("what else was done nearly tell who had it").all()


def test_too_few_events_for_so_many_families_refuse_all():
    cells = [((JOINT,), 40, 12), ((JOINT, ULTRASOUND, HEAT), 40, 13), ((JOINT, ELECTRICAL, HEAT), 40, 0)]
    found = compare_jointly(
        treated([*cells, ((JOINT, ULTRASOUND), 40, 0)], small(reporting_floor={"compare_min_events": 1}))
    )
    joint = lines_of(found)
    assert joint["estimate"].isna().all()
    assert set(joint.index) == set(found.diagnostics["contrast"])
    assert joint.loc["ultrasound", "reason"] == (
        "too few episodes were seen relieved to look at so many families at once"
    )
    gate = found.gate[(found.gate["contrast"] == "ultrasound") & (found.gate["check"] == "events for all families")]
    assert gate[["with_value", "needed", "is_met"]].to_numpy().tolist() == [[25.0, 30.0, False]]


def test_without_treatments_or_episodes_there_is_nothing_to_compare():
    with pytest.raises(NotEstimable, match="no treatment column"):
        compare_jointly(episodes_of([RELIEVED] * 3))
    with pytest.raises(NotEstimable, match="no episode has a rating"):
        compare_jointly(episodes_of(["0:1 7:1"] * 3, extra={"modalities": [JOINT] * 3}))
    with pytest.raises(InputRefused, match="the question is put to episodes"):
        compare_jointly([])


# -- a made-up clinic -------------------------------------------------------------


def test_the_result_has_every_table(found):
    assert found.question == "all_families"
    assert tuple(found.table.columns) == (*LINE_COLUMNS, "q_value")
    assert (len(found.balance), len(found.overlap)) == (0, 0)
    assert tuple(found.balance.columns) == ("contrast", *BALANCE_COLUMNS)
    assert tuple(found.overlap.columns) == OVERLAP_COLUMNS
    assert tuple(found.gate.columns) == GATE_COLUMNS
    assert set(found.more) == {"pairs", "shrinkage", "columns"}
    assert len(found.diagnostics) == len(lines_of(found)) == found.summary["n_contrasts"]
    shown = found.diagnostics[found.diagnostics["reason"] == ""]
    assert (shown["n_columns"] == found.summary["n_columns"]).all()
    # (1.96 + .8416) standard errors, of which an interval reaches 1.96 to each side.
    joint = lines_of(found).loc[shown["contrast"]]
    np.testing.assert_allclose(
        shown["detectable_high"] / (joint["conf_high"] - joint["estimate"]).to_numpy(float), 2.8016 / 1.96, rtol=5e-3
    )
    assert set(found.table["tag"]) <= {ADJUSTED, DESCRIPTIVE, NOT_ESTIMABLE}
    assert "clinician" in found.more["columns"]["block"].tolist()
    assert found.protocol["part"].is_unique
    assigned = found.protocol.set_index("part").loc["Assignment", "emulated"]
    assert "all families at once" in assigned
    assert "made alike in what" not in assigned
    plain = found.table["analysis"] != "joint"
    assert found.table.loc[plain, "p_value"].isna().all()
    assert found.settings["interactions"] == "none: not declared beforehand"
    step = found.ledger.steps[-1]
    assert step.kept == found.summary["n"]


def test_crude_and_joint_lines_stand_side_by_side_over_the_same_episodes(found):
    counts = ["n_with", "n_without", "events_with", "events_without"]
    joint, plain = lines_of(found), lines_of(found, "unadjusted")
    assert len(plain) == found.summary["n_shown"] > 5
    pd.testing.assert_frame_equal(joint.loc[plain.index, counts], plain[counts])
    assert (joint["n_with"] + joint["n_without"] == found.summary["n"]).all()


def test_no_line_is_placed_by_its_size(found, cells):
    order = list(dict.fromkeys(found.table["contrast"]))
    known = [name for name in Codebook.load().families if name in order]
    assert order == known
    assert not [name for name in (*found.table.columns, *found.diagnostics.columns) if "rank" in name]
    # Pain turned upside down turns the differences, and not the order of the lines.
    turned = dict(cells)
    turned["pain_pre"] = [str(10 - int(cell)) if cell.isdigit() else cell for cell in cells["pain_pre"]]
    other = ask(turned)
    assert list(dict.fromkeys(other.table["contrast"])) == order
    ranks = [lines_of(one)["estimate"].astype(float).rank().tolist() for one in (found, other)]
    assert ranks[0] != ranks[1]


def test_the_order_of_rows_changes_nothing(found, cells):
    place = np.random.default_rng(3).permutation(len(cells["patient_id"]))
    shuffled = ask({head: [column[i] for i in place] for head, column in cells.items()})
    assert_same_numbers(found.table, shuffled.table)
    pd.testing.assert_frame_equal(found.more["pairs"], shuffled.more["pairs"])


def test_another_order_of_families_changes_the_order_of_lines_and_nothing_else(found, cells):
    book = Codebook.load()
    turned = dataclasses.replace(book, families=tuple(reversed(book.families)))
    other = ask(cells, codebook=turned)
    names = [list(dict.fromkeys(one.table["contrast"])) for one in (found, other)]
    assert names[1] == names[0][::-1]
    assert_same_numbers(found.table, other.table)


def test_families_by_other_names_give_the_same_numbers(found, cells):
    book = Codebook.load()
    new = {name: f"family_{i}" for i, name in enumerate(book.families)}
    renamed = dataclasses.replace(
        book,
        families=tuple(new.values()),
        family_masks={new[name]: mask for name, mask in book.family_masks.items()},
        modality_family={key: new.get(name, name) for key, name in book.modality_family.items()},
        _words={**book._words, "family": {new[k]: v for k, v in book._words["family"].items() if k in new}},
    )
    other = ask(cells, codebook=renamed).table
    back = {name: old for old, name in new.items()}
    other["contrast"] = [back[name] for name in other["contrast"]]
    assert_same_numbers(found.table, other)


def test_a_clinic_that_never_varies_changes_no_main_line(cells):
    plain = ask(cells, compare_families_alone)
    more = {head: list(column) for head, column in cells.items()}
    # All that a patient there gets is the same joint technique; it is seen open for long before.
    days = np.arange(np.datetime64("2023-01-02"), np.datetime64("2025-06-01"), 10).astype(str)
    visits = [("open", day, "") for day in days]
    for i in range(120):
        visits += [
            (f"new{i:03}", day, pain) for day, pain in (("2025-03-03", "7"), ("2025-03-10", "2" if i % 2 else "6"))
        ]
        visits.append((f"new{i:03}", "2025-04-14", "3"))
    for i, (who, day, pain) in enumerate(visits):
        row = {"patient_id": who, "visit_date": day, "pain_pre": pain, "modalities": JOINT, "clinic_id": "C99"}
        row |= {"clinician_id": f"P99{i % 2}", "region": "lumbar", "visit_purpose": "treatment"}
        for head, column in more.items():
            column.append(row.get(head, ""))
    wider = ask(more, compare_families_alone)
    assert wider.summary["n"] > plain.summary["n"] + 60
    keys = ["contrast", "analysis", "scale"]
    a, b = (one.table.set_index(keys)[["estimate", "conf_low", "conf_high", "n_with"]] for one in (plain, wider))
    assert a["estimate"].notna().sum() >= 4
    pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=0, atol=1e-9)
    aside = wider.diagnostics.set_index("contrast")
    assert aside.loc["joint_techniques", "set_aside_always"] >= 60
    assert aside.loc["ultrasound", "set_aside_never"] >= 60


def compare_families_alone(episodes):
    return compare_families(episodes, families=["joint_techniques", "ultrasound", "electrical"], beside=False)


def assert_same_numbers(one, other):
    keys = ["contrast", "analysis"]
    numbers = [name for name in LINE_COLUMNS if name in ("estimate", "conf_low", "conf_high", "p_value", "n_with")]
    a, b = (table.set_index(keys).sort_index()[numbers].astype(float) for table in (one, other))
    pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=1e-8, atol=1e-9)


def test_a_model_that_cannot_be_fitted_refuses_what_the_gate_let_through(cells, monkeypatch):
    def refuse(*_, **__):
        raise NotEstimable("The model does not exist.")

    episodes = build_episodes(build_visits(records_of(cells), FEW_DRAWS))
    plain = fit_jointly(episodes, build_treatment_rows(episodes))
    assert plain.fit is not None and any(not contrast.reason for contrast in plain.contrasts)
    monkeypatch.setattr(joint_model, "interval_pseudo", refuse)
    failed = fit_jointly(episodes, build_treatment_rows(episodes))
    assert failed.fit is None and failed.shown == []
    for contrast, before in zip(failed.contrasts, plain.contrasts, strict=True):
        assert contrast.reason == (before.reason or "the model does not exist")
        assert (contrast.checks[-1].check == "fit") != bool(before.reason)


def test_of_clinics_alone_a_level_is_a_clinic(cells):
    named = {head: own for head, own in cells.items() if head != "clinician_id"}
    episodes = build_episodes(build_visits(records_of(named), FEW_DRAWS))
    row = build_treatment_rows(episodes).row
    found = find_treating(episodes, row)
    assert (found.name, found.label) == ("clinic", "Clinic")
    clinic = np.array(named["clinic_id"])[episodes.visits.columns["source_row"][row] - 2]
    assert [found.levels[code] for code in found.codes] == clinic.tolist()


@pytest.mark.parametrize(("lost", "reason"), [(1, ""), (20, "too few episodes are followed for 28 days")])
def test_where_most_are_relieved_early_and_few_left_the_day_is_reached(lost, reason):
    """Few are at risk then because nearly all were relieved: the curve states its share, and so does the model."""
    right = np.concatenate([np.full(30, 9.0), np.full(lost + 10, np.inf)])
    left = np.concatenate([np.zeros(30), np.full(lost, 12.0), np.full(10, 40.0)])
    rows = SimpleNamespace(n=right.size, seen=right < np.inf, right_days=right, left_days=left)
    episodes = SimpleNamespace(protocol=Protocol())
    assert joint_model._check_overall(episodes, rows, 1, 5)[0].reason == reason
