"""One family of treatments against none of it: arms, gate, lines and refusals, beside plain readings of records."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.first_treatment import build_treatment_rows
from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.npmle import cdf_at, npmle
from outcomes.questions import modality_families
from outcomes.questions.comparisons import _read_exposure, compare_modalities
from outcomes.questions.contrast_checks import read_pain
from outcomes.questions.contrast_lines import (
    ADJUSTED,
    DESCRIPTIVE,
    LINE_COLUMNS,
    NOT_ESTIMABLE,
    SIGNAL,
    Line,
    add_q_values,
    tabulate_lines,
)
from outcomes.questions.modality_families import _note_looking, compare_families
from outcomes.questions.other_outcomes import find_other_region
from outcomes.questions.treatment_arms import family_arms, keep_comparable
from outcomes.questions.unknown_treatments import read_treated
from outcomes.simulate import simulate
from tables import records, records_of

FEW = Protocol.from_mapping({"inference": {"bootstrap_draws": 10}})
DAY = 28


def world(n=1200, seed=5):
    return {head: [str(cell) for cell in cells] for head, cells in simulate(n, seed=seed, clean=True).records.items()}


def episodes_of(cells, protocol=FEW):
    return build_episodes(build_visits(records_of(cells), protocol))


@pytest.fixture(scope="module")
def cells():
    return world()


@pytest.fixture(scope="module")
def episodes(cells):
    return episodes_of(cells)


@pytest.fixture(scope="module")
def compared(episodes):
    return compare_families(episodes, families=["electrical", "needling"])


def test_the_control_exposure_is_of_those_it_was_given_to(episodes, monkeypatch):
    asked = []

    def fit(episodes, arms, *_):
        asked.append(arms.treated)
        return SimpleNamespace(arms=arms, shown=None, reason="not fitted")

    monkeypatch.setattr(modality_families, "fit_contrast", fit)
    rows = build_treatment_rows(episodes)
    [line] = modality_families._control_exposure(episodes, rows)
    mask = np.uint64(episodes.visits.codebook.mask_of(modality_families.CONTROL))
    taped = np.array([bool(given & mask) for given in rows.given])
    assert np.array_equal(asked[0], taped) and 0 < taped.sum() == line.n_with


def row(table, contrast, analysis, scale="difference"):
    found = table[(table["contrast"] == contrast) & (table["analysis"] == analysis) & (table["scale"] == scale)]
    assert len(found) == 1
    return found.iloc[0]


def test_what_the_gate_refuses_counts_among_the_contrasts_asked():
    def line(p, n_with, n_without, analysis="adjusted"):
        return Line("x", "X", analysis, "", "difference", DAY, p_value=p, n_with=n_with, n_without=n_without)

    nan = float("nan")
    # Tested, refused, never given, always given, tested; and a line beside.
    rows = [line(0.02, 9, 9), line(nan, 3, 9), line(nan, 0, 9), line(nan, 9, 0), line(0.03, 9, 9)]
    found = add_q_values(tabulate_lines([*rows, line(0.01, 9, 9, "unadjusted")]), "adjusted")
    # Three could have been tested: 3 * 0.02 and 3/2 * 0.03.
    np.testing.assert_allclose(found["q_value"], [0.045, nan, nan, nan, 0.045, nan], rtol=1e-12)
    assert add_q_values(found, "").q_value.isna().all()


# -- the numbers ------------------------------------------------------------------------------------------------------


def test_the_arms_are_what_was_given_at_the_first_treatment(episodes, compared):
    rows = build_treatment_rows(episodes)
    codebook = episodes.visits.codebook
    has = np.array(["electrical_stimulation" in codebook.modality_names(mask) for mask in rows.given.tolist()])
    arms, units = keep_comparable(episodes, family_arms(episodes, rows, "electrical"))
    line = row(compared.table, "electrical", "adjusted")
    assert (line["n_with"], line["n_without"]) == (has[units.kept].sum(), (~has[units.kept]).sum())
    seen = rows.right_days[units.kept] <= DAY
    assert line["events_with"] == (seen & has[units.kept]).sum()
    assert line["events_without"] == (seen & ~has[units.kept]).sum()
    np.testing.assert_array_equal(arms.treated, has[units.kept])


def test_unadjusted_is_the_difference_of_two_plain_curves(episodes, compared):
    rows = build_treatment_rows(episodes)
    arms, _ = keep_comparable(episodes, family_arms(episodes, rows, "electrical"))
    shares = [
        cdf_at(npmle(arms.rows.left_days[side], arms.rows.right_days[side]), DAY)[0][0]
        for side in (arms.treated, ~arms.treated)
    ]
    line = row(compared.table, "electrical", "unadjusted")
    assert (line["with_value"], line["without_value"]) == pytest.approx(shares, abs=1e-9)
    assert line["estimate"] == pytest.approx(shares[0] - shares[1], abs=1e-9)
    assert line["tag"] == DESCRIPTIVE


def test_scales_of_one_fit_agree(compared):
    line = row(compared.table, "electrical", "adjusted")
    ratio = row(compared.table, "electrical", "adjusted", "ratio")
    assert line["estimate"] == pytest.approx(line["with_value"] - line["without_value"], abs=1e-12)
    assert ratio["estimate"] == pytest.approx(line["with_value"] / line["without_value"], abs=1e-12)
    number = row(compared.table, "electrical", "adjusted", "episodes")
    if line["conf_low"] <= 0 <= line["conf_high"]:
        assert np.isnan(number["estimate"])
        assert "no bound" in number["reason"]
    else:
        assert number["estimate"] == pytest.approx(1 / line["estimate"])


def test_the_columns_weighted_by_are_balanced_exactly(compared):
    balance = compared.balance[compared.balance["contrast"] == "electrical"]
    used = balance[balance["is_adjusted"]]
    assert used["smd_after"].abs().max() < 1e-9
    assert used["smd_before"].abs().max() > 0.1
    told = compared.diagnostics.set_index("contrast").loc["electrical"]
    assert told["largest_smd"] == pytest.approx(balance["smd_after"].abs().max())
    assert told["n_columns"] == len(used)
    assert told["effective_with"] < told["n_with"]


def test_the_order_and_the_names_of_patients_play_no_part(cells, compared):
    order = np.random.default_rng(1).permutation(len(cells["patient_id"]))
    shuffled = {head: [values[i] for i in order] for head, values in cells.items()}
    shuffled["patient_id"] = ["q" + name[::-1] for name in shuffled["patient_id"]]
    again = compare_families(episodes_of(shuffled), families=["electrical", "needling"])
    pd.testing.assert_frame_equal(again.table, compared.table, rtol=1e-7, atol=1e-9)


def test_every_line_ends_with_a_tag_and_a_number_or_a_reason(compared):
    table = compared.table
    assert list(table.columns) == [*LINE_COLUMNS, "q_value"]
    assert set(table["tag"]) <= {ADJUSTED, DESCRIPTIVE, SIGNAL, NOT_ESTIMABLE}
    assert (table["estimate"].isna() == (table["tag"] == NOT_ESTIMABLE)).all()
    assert ((table["reason"] == "") == table["estimate"].notna()).all()
    analyses = set(table.loc[table["contrast"] == "electrical", "analysis"])
    wanted = {"adjusted", "unadjusted", "pain_doubly_robust", "pain_ancova", "relief_any", "relief_strict"}
    assert wanted | {"relief_resolved", "relief_pct30_and_2", "window", "other_region", "without_clinic"} <= analyses


def test_the_ledger_accounts_for_every_episode(episodes, compared):
    step = compared.ledger.steps[-1]
    assert step.rows_in == episodes.n
    assert step.rows_in == step.kept + step.n_set_aside
    told = compared.diagnostics
    aside = told["set_aside_always"] + told["set_aside_never"] + told["set_aside_few"]
    assert (told["n_with"] + told["n_without"] + aside == step.kept).all()


def test_protocol_and_checklist_are_written(compared):
    assert list(compared.protocol["part"])[:4] == ["Eligibility", "Strategies", "Assignment", "Time zero"]
    assert {"TARGET", "STROBE", "RECORD"} <= set(compared.checklist["list"])


# -- lines beside -----------------------------------------------------------------------------------------------------


def test_pain_near_the_day_is_the_nearest_rating_on_the_clock_of_the_treatment():
    table = """
    patient_id | visit_day | pain_pre | modalities
    a | 0  | 6 |
    a | 3  | 6 | massage
    a | 24 | 5 |
    a | 32 | 4 |
    b | 0  | 7 | massage
    b | 20 | 3 |
    b | 43 | 2 |
    """
    episodes = episodes_of_text(table)
    rows = build_treatment_rows(episodes)
    pain, rated = read_pain(episodes, rows, DAY)
    # a: days 21 and 29 after the treatment; b: day 20 is too early and day 43 too late.
    assert rated.tolist() == [True, False]
    assert pain[0] == 4
    assert np.isnan(pain[1])


def episodes_of_text(text, protocol=None):
    return build_episodes(build_visits(records(text), protocol or FEW))


def test_another_region_is_the_next_episode_of_the_other_stream():
    clinic = "\n".join(f"open | 2024-{month:02}-{day:02} | | | lumbar" for month in range(1, 13) for day in (1, 15, 28))
    table = f"""
    patient_id | visit_date | pain_pre | modalities | region
    {clinic}
    a | 2024-05-01 | 6 | massage | lumbar
    a | 2024-06-20 | 5 | massage | cervical
    b | 2024-05-01 | 6 | massage | lumbar
    b | 2024-04-30 | 5 | massage | cervical
    """
    episodes = episodes_of_text(table)
    rows = build_treatment_rows(episodes)
    time, event = find_other_region(episodes, rows)
    who = episodes.table["patient_id"].iloc[rows.episode].tolist()
    stream = episodes.table["stream"].iloc[rows.episode].tolist()
    found = {key: (t, bool(e)) for key, t, e in zip(zip(who, stream, strict=True), time, event, strict=True)}
    cut = (np.datetime64("2024-12-28") - np.datetime64("2024-05-01")).astype(int)
    assert found[("a", "lower")] == (50, True)
    assert found[("b", "lower")] == (cut, False)  # the neck came before
    assert found[("b", "upper")] == (1, True)  # the back came a day after the neck


# -- the gate ---------------------------------------------------------------------------------------------------------


def give(cells, change):
    """The same visits with the treatments of each written anew."""
    changed = dict(cells)
    changed["modalities"] = [change(i, text) for i, text in enumerate(cells["modalities"])]
    changed["procedure_codes"] = [""] * len(cells["modalities"])
    return changed


def strip(text, *names):
    return ";".join(part for part in text.split(";") if part and part not in names)


def test_what_nobody_or_everybody_got_is_a_sentence(cells):
    everybody = give(cells, lambda i, text: strip(text, "ultrasound_therapy") + ";heat_therapy")
    found = compare_families(episodes_of(everybody), families=["ultrasound", "thermal"], beside=False)
    line = found.table.set_index("contrast")
    assert (line["tag"] == NOT_ESTIMABLE).all()
    assert line.loc["ultrasound", "reason"] == "there is no episode that began with ultrasound"
    assert line.loc["thermal", "reason"] == "there is no episode that began without heat and cold"
    assert found.table["estimate"].isna().all()


def test_a_clinician_who_is_the_treatment_is_a_sentence(cells):
    commonest = max(set(cells["clinician_id"]), key=cells["clinician_id"].count)
    only = give(
        cells,
        lambda i, text: (
            strip(text, "ultrasound_therapy") + (";ultrasound_therapy" if cells["clinician_id"][i] == commonest else "")
        ),
    )
    found = compare_families(episodes_of(only), families=["ultrasound"])
    assert found.table["tag"].tolist() == [NOT_ESTIMABLE]
    told = found.diagnostics.iloc[0]
    assert told["set_aside_always"] > 0
    assert told["set_aside_never"] > 0
    assert "clinician" in found.table["reason"].iloc[0]


def test_treatments_that_never_come_apart_are_a_sentence(cells):
    bound = give(
        cells,
        lambda i, text: (
            strip(text, "ultrasound_therapy") + (";ultrasound_therapy" if "electrical_stimulation" in text else "")
        ),
    )
    found = compare_families(episodes_of(bound), families=["ultrasound", "electrical"])
    assert (found.table["tag"] == NOT_ESTIMABLE).all()
    reasons = found.table.set_index("contrast")["reason"]
    assert "electrical stimulation" in reasons["ultrasound"]
    assert "ultrasound" in reasons["electrical"]
    failed = found.gate[~found.gate["is_met"]]
    assert set(failed["check"]) == {"balance"}


def test_an_export_too_small_for_any_comparison(cells):
    some = set(sorted(set(cells["patient_id"]))[:60])
    rows = [i for i, name in enumerate(cells["patient_id"]) if name in some]
    small = {head: [values[i] for i in rows] for head, values in cells.items()}
    found = compare_families(episodes_of(small))
    assert (found.table["tag"] == NOT_ESTIMABLE).all()
    assert found.summary["n_shown"] == 0
    assert found.overlap.empty


# -- the door ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exposure", "why"),
    [("ever", "more time"), ("ever_during_episode", "more time"), ("number_of_sessions", "slow to recover")],
)
def test_groups_known_only_later_are_refused_with_the_reason(episodes, exposure, why):
    with pytest.raises(InputRefused, match=why) as refusal:
        compare_modalities(episodes, exposure=exposure)
    assert refusal.value.findings[0].code == "E801"
    assert "first_treatment_visit" in str(refusal.value)


def test_unknown_words_are_refused_with_what_there_is(episodes):
    with pytest.raises(InputRefused, match="Did you mean 'one_family'"):
        compare_modalities(episodes, "one_familly")
    with pytest.raises(InputRefused, match="describe_same_visit"):
        compare_modalities(episodes, "same_visit")
    with pytest.raises(InputRefused, match="is no exposure"):
        compare_modalities(episodes, exposure="later")
    with pytest.raises(InputRefused, match="offered for the question 'one_family'"):
        compare_modalities(episodes, "all_families", exposure="days_0_7")
    with pytest.raises(InputRefused, match="E804"):
        compare_modalities(episodes, "subgroups", beside=False)
    with pytest.raises(InputRefused, match="E803"):
        compare_families(episodes, families=["magnets"])


def test_the_contrasts_alone_are_those_of_the_whole_table(episodes, compared):
    alone = compare_families(episodes, families=["electrical", "needling"], beside=False).table
    main = compared.table[compared.table["analysis"].isin(["adjusted", "unadjusted"])]
    assert len(alone) == len(main) < len(compared.table)
    assert alone.equals(main.reset_index(drop=True))
    assert set(compare_modalities(episodes, beside=False).table["analysis"]) == {"adjusted", "unadjusted"}


def test_the_first_days_as_exposure(episodes):
    found = compare_families(episodes, 7, families=["electrical"], beside=False)
    rows = build_treatment_rows(episodes, window_days=7)
    assert found.summary["n"] == rows.n
    assert "days 0 to 7" in found.settings["exposure"]
    assert [step.name for step in found.ledger.steps][-1] == "at risk 7 days after the first treatment"


def test_no_treatment_column_is_refused(cells):
    without = {head: values for head, values in cells.items() if head not in ("modalities", "procedure_codes")}
    with pytest.raises(NotEstimable, match="no treatment column"):
        compare_modalities(episodes_of(without))


@pytest.mark.parametrize("question", ["one_family", "all_families", "identified_muscle", "subgroups"])
def test_treatments_in_unknown_words_are_not_compared(cells, question):
    given = np.array(cells["modalities"], dtype=object)
    treated = np.flatnonzero(given != "")
    spoilt = treated[: treated.size // 8]
    given[spoilt] = [f"{words};Hydrojet" for words in given[spoilt]]
    with pytest.raises(NotEstimable, match=r"more than a tenth of the visits .* went without a treatment.*codebook"):
        compare_modalities(episodes_of({**cells, "modalities": given.tolist()}), question)


@pytest.mark.parametrize("n_unknown", [6, 7])
def test_a_tenth_of_the_visits_may_have_an_unknown_word(n_unknown):
    # 30 patients with two treated visits each: 6 of 60 is a tenth, and not more.
    lines = ["patient_id | visit_date | pain_pre | region | modalities"]
    lines += [f"open | 2024-{month:02}-02 | | lumbar |" for month in range(1, 13)]  # the washout
    for i in range(30):
        for j, pain in enumerate((8, 3)):
            word = "Hydrojet" if 2 * i + j < n_unknown else "massage" if i % 2 else "ultrasound"
            lines.append(f"P{i} | 2025-06-{1 + 7 * j:02} | {pain} | lumbar | {word}")
    lines.append("close | 2025-12-01 | | lumbar |")
    episodes = build_episodes(build_visits(records("\n".join(lines)), FEW))
    if n_unknown > 6:
        with pytest.raises(NotEstimable, match="more than a tenth"):
            read_treated(episodes)
    else:  # three of the thirty had nothing but the unknown word, at both visits
        assert read_treated(episodes).n == 27


def test_days_of_exposure_are_those_of_the_protocol_and_of_one_question_alone(episodes):
    days = episodes.protocol.exposure.sensitivity_window_days
    assert _read_exposure("first_treatment_visit", "all_families", episodes) == 0 < days
    assert _read_exposure("days_0_7", "one_family", episodes) == days
    with pytest.raises(InputRefused, match=r"E801 .*not for 'all_families'"):
        _read_exposure("days_0_7", "all_families", episodes)


def test_of_the_first_days_there_is_no_line_of_the_first_days_beside(episodes):
    lines = compare_families(episodes, 7, families=["electrical"]).table["analysis"]
    assert "pain_doubly_robust" in set(lines) and not lines.str.startswith("window").any()


@pytest.mark.parametrize(("more", "named"), [(5, []), (20, ["needling"])])
def test_an_arm_that_was_rated_clearly_more_often_is_named(more, named):
    """Three ratings a patient without it, and 3.25 or 4 on average with it: 8 % and a third more."""
    treated = np.arange(40) < 20
    rows = SimpleNamespace(n_ratings=3 + (np.arange(40) < more))
    found = _note_looking([SimpleNamespace(arms=SimpleNamespace(rows=rows, treated=treated, label="Needling"))])
    assert [note.split(": ")[1] for note in found] == [f"{name}." for name in named]
    assert all(note.startswith("One arm was rated clearly more often than the other") for note in found)
