"""What stands first under "What to look into": faults of the whole export, sums beyond limits, units far out."""

from __future__ import annotations

import dataclasses
import datetime as dt
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes

from outcomes.cases import build_visits
from outcomes.definitions import Protocol
from outcomes.errors import Finding
from outcomes.questions.unknown_treatments import UNKNOWN_TREATMENTS
from outcomes.records.mapping import DateOptions, Mapping
from outcomes.release import first_page, quarter_section
from outcomes.release.look_into import find_to_look_into
from outcomes.release.look_signals import MEANINGLESS, SOMEWHERE, UNREAD, say_export, say_sums, say_units_far_out
from outcomes.release.sentences import NBSP
from outcomes.release.tables import collect_tables
from tables import records_of

pytestmark = pytest.mark.usefixtures("undrawn")


def warned(*warnings, notes=()):
    visits = fakes.visits()
    visits.warnings, visits.notes = warnings, notes
    return dataclasses.replace(fakes.inputs(), visits=visits)


def test_a_constant_column_of_scores_stands_on_the_first_page():
    same = Finding("E271", "all 5,603 recorded values of pain_pre are the same: a default, or a stale export?")
    inputs = warned(same, dataclasses.replace(same, message=same.message.replace("pre", "post")))
    said = find_to_look_into(inputs, collect_tables(inputs))
    assert said[0].text == MEANINGLESS["E271"] and said[0].tag == "not estimable"
    assert [s.text for s in say_export(inputs)] == [MEANINGLESS["E271"]]
    assert not say_export(warned(Finding("E271", "all 868 recorded values of pain_post are the same")))
    clinic = Finding("E273", "nearly all pain scores before treatment are one number: clinic C02 (2025Q2). A default?")
    assert [(s.text, s.tag) for s in say_export(warned(clinic))] == [
        (
            "Nearly all pain scores before treatment are one number: clinic C02 (Q2\xa02025). A default? Until that is "
            "checked, what is said of relief there does not say how patients fared.",
            "not estimable",
        )
    ]
    inputs = fakes.inputs()
    unread = SimpleNamespace(notes=(f"{UNKNOWN_TREATMENTS} at many visits.",))
    said = say_export(dataclasses.replace(inputs, quarter_review=unread))
    assert [(s.text, s.tag) for s in said] == [(f"{UNKNOWN_TREATMENTS} at many visits.", "not estimable")]
    hole = Finding(
        "E284", "hardly a visit in some months in the midst of the records: 2025-03. Closed, or not exported?"
    )
    assert say_export(warned(hole))[0].text.endswith("exported? " + SOMEWHERE["E284"])
    assert not say_export(warned(Finding("E222", "half of its records are not of the third quarter")))


@pytest.mark.parametrize(("n_unknown", "said"), [(11, True), (9, False)])
@pytest.mark.parametrize("field", ["visit_purpose", "region"])
def test_words_that_decide_what_a_visit_is_and_are_unknown_are_said(field, n_unknown, said):
    """A Polish "nieobecność" is a no-show, and without a word in the codebook it is a visit."""
    cells = {
        "patient_id": [f"p{i % 20}" for i in range(100)],
        "visit_date": [f"2025-{1 + i // 20:02}-{1 + i % 20:02}" for i in range(100)],
        field: ["zabieg"] * n_unknown + ["treatment" if field == "visit_purpose" else "lumbar"] * (100 - n_unknown),
    }
    visits = build_visits(records_of(cells), Protocol())
    inputs = dataclasses.replace(fakes.inputs(), visits=visits)
    assert [s.text for s in say_export(inputs)] == [UNREAD[field]] * said


def test_records_that_end_long_before_the_data_cut_are_said_on_the_first_page():
    days = [str(day)[:10] for day in pd.date_range("2024-01-01", periods=120)]
    cells = {"patient_id": [f"p{i % 9}" for i in range(120)], "visit_date": days, "pain_pre": ["5"] * 120}
    declared = Mapping(dates=DateOptions(data_cut=dt.date(2026, 9, 30)))
    notes = build_visits(records_of(cells, declared), Protocol()).notes
    said = say_export(warned(notes=notes))
    assert len(said) == 1 and said[0].text.startswith("Records end on 2024-04-29, long before the declared data cut")


@pytest.mark.parametrize(
    ("n", "said"),
    [
        ([5, 3], "most often (5) because the date is missing. Fill it in."),
        ([4, 4], "8 rows were set aside for several reasons; “Data quality” has each of them. Correct them in the"),
        ([8], "8 rows were set aside because the date is missing. Fill it in."),
    ],
)
def test_a_rule_is_the_most_frequent_only_where_no_other_is_as_frequent(n, said):
    inputs = fakes.inputs()
    tables = collect_tables(inputs)
    rows = [("E211", "the date is missing", n[0], "Fill it in."), ("E231", "pain is no rating", n[-1], "Mend it.")]
    run = tables["run"].copy()
    run.loc[run["fact"] == "set_aside", "value"] = 8
    few = pd.DataFrame(rows[: len(n)], columns=["code", "rule", "n", "remedy"])
    texts = [s.text for s in find_to_look_into(inputs, {**tables, "set_aside": few, "run": run})]
    assert any(said in text and text.startswith("8 rows were set aside") for text in texts)


@pytest.mark.parametrize("code", ["E208", "E301"])
def test_rows_that_nothing_is_wrong_with_are_nothing_to_look_into(code):
    inputs = fakes.inputs()
    tables = collect_tables(inputs)
    later = (code, "record of a day that a later file tells differently", 11, "Nothing to mend.")
    missing = ("E211", "the date is missing", 4, "Fill it in.")
    run = tables["run"].copy()
    for rows, said in (([later], ""), ([later, missing], "4 rows were set aside because the date is missing. Fill it")):
        run.loc[run["fact"] == "set_aside", "value"] = sum(row[2] for row in rows)
        few = pd.DataFrame(rows, columns=["code", "rule", "n", "remedy"])
        texts = [s.text for s in find_to_look_into(inputs, {**tables, "set_aside": few, "run": run})]
        assert not any("later file" in text for text in texts)
        assert any(text.startswith(said) for text in texts if "set aside" in text) is bool(said)


def test_a_remedy_that_names_a_setting_is_not_given_for_a_slip_here_and_there():
    inputs = fakes.inputs()
    tables = collect_tables(inputs)
    scale = 'Correct it; if every rating is on 0 to 100, declare [pain] scale = "0-100".'
    few = pd.DataFrame([("E232", "pain is outside the scale", 2, scale)], columns=["code", "rule", "n", "remedy"])
    run = tables["run"].copy()
    run.loc[run["fact"] == "set_aside", "value"] = 2
    for rows_in, given in ((1000, "Correct it in the clinic system."), (10, scale)):
        run.loc[run["fact"] == "rows_in", "value"] = rows_in
        texts = [s.text for s in find_to_look_into(inputs, {**tables, "set_aside": few, "run": run})]
        assert f"2 rows were set aside because pain is outside the scale. {given}" in texts


def test_sums_that_leave_their_limits_are_said_on_the_first_page_and_at_the_chart():
    inputs = fakes.inputs()
    tables = collect_tables(inputs)
    out = tables["quarter_review_expected"].groupby("label")["beyond"].any()
    said = say_sums(tables)
    assert len(said) == out.sum() == 1 and said[0].mark == "signal"
    assert said[0].text.startswith(f"{out.index[out][0]}: what was observed less what was expected")
    assert f"within which 95{NBSP}% of series without a change stay" in said[0].text and "level" in said[0].cells
    assert said[0] in find_to_look_into(inputs, tables)
    figure = quarter_section._sums(inputs.quarter_review, tables)[0]
    assert f"{out.index[out][0]}: the sum leaves the limits." in figure.caption


def test_a_cusum_that_signals_is_said_and_one_that_does_not_is_not():
    columns = {"label": ["Relieved", "Stopped", "Stopped"], "word": ["", "concern", "improvement"]}
    (said,) = say_sums({"quarter_review_cusum": pd.DataFrame(columns)})
    assert said.text == "Stopped: the CUSUM of the newest quarters signals concern and improvement."
    assert said.mark == "signal"


def test_units_beyond_the_outer_limits_are_named_on_the_first_page():
    rows = [{"unit": f"C0{i}", "estimate": 0.3 + i / 100, "is_compared": i != 1, "is_flagged": i < 6} for i in range(8)]
    tables = {"clinics": pd.DataFrame(rows), "clinicians": pd.DataFrame(rows).assign(is_flagged=False)}
    inputs = fakes.inputs()
    (said,) = say_units_far_out(inputs, tables)
    # Of one that is not compared the share is not told.
    assert f"clinics C00 30{NBSP}%, C01 (share not compared), C02 32{NBSP}%, C03 33{NBSP}% and others." in said.text
    assert f"by the share of episodes {inputs.clinics.label}, " in said.text
    assert said.mark == "signal" and len(said.cells) == 3
    tables["clinics"]["is_flagged"] = [True] + [False] * 7
    assert f"clinic C00 30{NBSP}%. Worth a look" in say_units_far_out(inputs, tables)[0].text


@pytest.mark.parametrize(("events", "said"), [(0, False), (7, True)])
def test_nobody_is_said_to_have_healed_fast_where_nobody_was_relieved(events, said):
    found = fakes.inputs()
    relief = dataclasses.replace(found.relief, table=found.relief.table.assign(events=events))
    inputs = dataclasses.replace(found, relief=relief, quarter_review=fakes.quarter_review())
    table = collect_tables(inputs)
    table["quarter_review"] = table["quarter_review"].assign(mature=False)
    sentence = first_page._too_early(inputs, table)
    assert ("healed fast" in sentence.text) == said


def test_each_share_of_visits_with_a_score_says_of_which_time():
    inputs = fakes.inputs()
    tables = collect_tables(inputs)
    assert "of the visits of the second quarter of" in first_page._pain_recorded(inputs, tables).text
    low = tables["completeness"].copy()
    low.loc[low["field"] == "pain_pre", "estimate"] = 0.4
    said = find_to_look_into(inputs, {**tables, "completeness": low})
    assert any(s.text.startswith("Over the whole export, pain before treatment") for s in said)
