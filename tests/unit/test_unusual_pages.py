"""Words of pages where little could be told, or very much: no empty question, no number without what it is of."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import modality_fakes
import release_fakes as fakes

from outcomes.errors import NotEstimable
from outcomes.release import modality_section, return_views, unit_section
from outcomes.release import return_section as return_section_parts
from outcomes.release import treatment_section as treatment_section_parts
from outcomes.release.marks import HIDDEN
from outcomes.release.modality_figures import _arms
from outcomes.release.modality_words import NO_TESTS, say_signal, say_subgroups
from outcomes.release.model import FigureView, TableView, Text
from outcomes.release.public.sections import say_median
from outcomes.release.quarter_section import quarter_section
from outcomes.release.return_section import return_section
from outcomes.release.return_words import (
    say_exercise,
    say_factors,
    say_how_often,
    say_main_trigger,
    say_maintenance,
    say_range_of_factor,
    say_return,
    say_triggers,
)
from outcomes.release.sentences import NBSP
from outcomes.release.tables import by_quarter, by_trigger, collect_tables
from outcomes.release.treatment_section import treatment_section
from outcomes.release.use_views import same_visit_table, say_pairs
from outcomes.release.views import DASH, pivot_table
from outcomes.release.words import glossary

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def inputs():
    return fakes.inputs()


@pytest.fixture(scope="module")
def tables(inputs):
    return collect_tables(inputs)


# -- the quarters ------------------------------------------------------------------------------------------------------


def unlimited():
    """A review of which no indicator has limits and no difference has a value; with a note on the CUSUM."""
    review = fakes.quarter_review()
    more = dict(review.more)
    more["verdicts"] = more["verdicts"].assign(signal="", status="none")
    more["changes"] = more["changes"].assign(estimate=np.nan, conf_low=np.nan, conf_high=np.nan, detectable_up=np.nan)
    more["expected"] = more["expected"].iloc[:0]
    notes = ("Returns count.", "A CUSUM needs 1,000 episodes before the last 4 mature quarters.")
    return dataclasses.replace(review, more=more, notes=notes)


def test_without_limits_no_false_alarms_no_table_of_dashes_and_no_cusum_are_spoken_of(inputs):
    found = dataclasses.replace(inputs, quarter_review=unlimited())
    section = quarter_section(found, collect_tables(found))
    assert "one report in twenty" not in section.lead[0].text and "none can signal" in section.lead[0].text
    assert not [b for b in section.blocks if isinstance(b, TableView) and b.id == "quarter_review_changes"]
    notes = [s.text for b in section.blocks if isinstance(b, Text) for s in b.sentences]
    assert "Returns count." in notes and not any("CUSUM" in note for note in notes)


def test_with_limits_they_are(inputs, tables):
    section = quarter_section(inputs, tables)
    assert "one report in twenty" in section.lead[0].text
    assert [b for b in section.blocks if isinstance(b, TableView) and b.id == "quarter_review_changes"]


# -- treatments --------------------------------------------------------------------------------------------------------


def test_no_signal_is_not_said_to_rest_on_few_episodes(inputs, tables):
    summary = tables["one_family_summary"].copy()
    summary.loc[summary["item"] == "least_q_value", "value"] = 0.6
    (said,) = say_signal(inputs.episodes.protocol, {"one_family_summary": summary}, "one_family", "families")
    assert "few episodes" not in said.text and "does not show that there is none" in said.text
    assert said.mark == "no signal"


def test_a_signal_says_how_often_chance_alone_makes_one(inputs, tables):
    # With no difference anywhere, a tenth of such tables pass a limit of 0.1.
    summary = tables["one_family_summary"].copy()
    summary.loc[summary["item"] == "least_q_value", "value"] = 0.094
    (said,) = say_signal(inputs.episodes.protocol, {"one_family_summary": summary}, "one_family", "families")
    assert said.text.startswith("Worth a look, not a finding: ")
    assert "chance alone brings one past it in up to 10 of 100 such tables" in said.text
    assert "more than chance" not in said.text
    assert (said.tag, said.mark) == ("signal / no signal", "signal")


def test_a_question_that_no_test_could_answer_is_not_asked(inputs, tables):
    summary = tables["subgroups_summary"].copy()
    summary.loc[summary["item"] == "n_tests", "value"] = 0
    none = {**tables, "subgroups_summary": summary}
    said = say_subgroups(inputs.episodes.protocol, none)
    assert [s.text for s in said] == [NO_TESTS] and said[0].tag == "not estimable"
    blocks = modality_section.modality_section(inputs, none).blocks
    assert not [b for b in blocks if isinstance(b, TableView) and b.id == "subgroups"]
    # A notebook says the same sentence and has no such file; on the page it stands in place of the table.
    part = next(b for b in blocks if getattr(b, "title", "") == "By muscle group and duration")
    assert "tables/" not in said[0].text and part.sentences[-1].text.endswith("tables/subgroups.csv.")
    assert len(say_subgroups(inputs.episodes.protocol, tables)) == 2


def test_a_count_of_a_hidden_number_is_said_so_and_counts_lie_below_the_shares(inputs, tables):
    row = {"events_with": 90, "n_with": "hidden", "events_without": 20, "n_without": 80}
    assert _arms(row) == "90 of a hidden number / 20 of 80"
    figure = modality_section._forest(modality_fakes.one_family(), tables, "")[0]
    assert "they lie below the estimated shares" in figure.caption


# -- return ------------------------------------------------------------------------------------------------------------


def test_a_rate_alone_says_what_it_counts(inputs, tables):
    short = dict(tables)
    short["recurrence_mean_returns"] = short["recurrence_mean_returns"].assign(estimate=np.nan)
    assert say_how_often(inputs.episodes.protocol, short)[0].text.startswith("Counting every return of patients")
    assert say_how_often(inputs.episodes.protocol, tables)[1].text.startswith("As a rate of patients who differ, it is")


def test_who_comes_back_has_a_finding_without_earlier_episodes(inputs, tables):
    table = tables["return_factors"]
    table = table[table["factor"] != "previous_episodes"]
    said = say_factors(inputs.episodes.protocol, {**tables, "return_factors": table})
    assert len(said) == 2 and "lie between" in said[0].text and said[0].tag == "adjusted association"
    shares = pd.to_numeric(table["estimate"]).dropna()
    assert f"between {100 * shares.min():.0f}{NBSP}%" in said[0].text and len(said[0].cells) == 2


# -- texts in place of pictures ----------------------------------------------------------------------------------------


def test_each_picture_is_described_by_what_it_shows(inputs, tables):
    pictures = {b.id: b for b in treatment_section(inputs, tables).blocks if isinstance(b, FigureView)}
    assert pictures["figure-pairs"].alt != pictures["figure-bundles"].alt
    assert pictures["figure-pairs"].alt.startswith("Of the pairs that can be shown, ")
    factors = [
        b
        for b in return_section(inputs, tables).blocks
        if isinstance(b, FigureView) and b.id.startswith("figure-return-factors")
    ]
    for picture in factors:
        for label in picture.title.split(", by ")[1].split(", "):
            assert f"{label}: " in picture.alt.lower()


def test_a_funnel_says_how_many_can_be_compared(inputs, tables):
    figure = unit_section._draw("clinics", "clinic", inputs.clinics, tables)
    n = {item: int(inputs.clinics.summary[item]) for item in ("n_compared", "n_units")}
    assert f"{n['n_compared']} of {n['n_units']} clinics can be compared; " in figure.alt


# -- public pages and definitions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "low", "said"), [(50, 46, "about half"), (58, 52, "at least half"), (60, 45, None)]
)
def test_half_is_about_half_where_its_interval_reaches_below(percent, low, said):
    from outcomes.release.public.counts import EVERYBODY
    from outcomes.release.public.frames import CURVE, TIMES

    times = pd.DataFrame({"group": [EVERYBODY], "measure": "median", "day": 28})
    curve = pd.DataFrame({"group": [EVERYBODY], "day": 28, "percent": percent, "low_percent": low})
    found = say_median({TIMES: times, CURVE: curve})
    assert (found is None) == (said is None)
    assert found is None or f"By day 28 {said} of the patients" in found.text


def test_counts_of_rows_are_said_to_be_shown_in_full():
    words = dict(glossary(fakes.protocol()))["Small numbers"]
    assert "Rows set aside" in words and "counted in full" in words


# -- return, where little or nothing can be shown ----------------------------------------------------------------------


@pytest.mark.parametrize("say_it", [say_how_often, say_maintenance, say_factors, say_triggers, say_exercise])
def test_a_notebook_of_a_refused_question_on_return_has_nothing_to_say(inputs, say_it):
    assert say_it(inputs.episodes.protocol, {}) == ()


@pytest.mark.parametrize(
    "make", ["composite_table", "means_table", "maintenance_table", "same_table", "rehabilitation_table"]
)
def test_a_table_on_return_without_a_number_is_not_shown(tables, make):
    shown = getattr(return_views, make)
    assert len(shown(tables)) == 1 and shown({}) == ()
    gone = {name: table.iloc[:0] if name == "rehabilitation" else table.assign(estimate=np.nan)
            for name, table in tables.items() if "estimate" in table}  # fmt: skip
    assert shown({**tables, **gone}) == ()


def test_comparisons_refused_for_one_reason_say_it_once_and_a_line_without_arms_has_its_numbers(tables):
    table = tables["rehabilitation"].copy()
    one = table["analysis"] == "time_varying"
    table.loc[one, ["n_with", "n_without", "events_with", "events_without"]] = np.nan
    (view,) = return_views.rehabilitation_table({**tables, "rehabilitation": table})
    by_label = {row[0]: row for row in view.rows}
    assert by_label["Exercise as it starts (hazard ratio)"][-2:] == ("1,500", "400")
    assert by_label["Supervised exercise only"][-2:] == ("600 / 900", "130 / 270")
    assert "Not estimable (fewer than 10 returns with exercise): Home exercise only." in view.note
    refused = table.assign(reason="too few returns")
    (view,) = return_views.rehabilitation_table({**tables, "rehabilitation": refused})
    assert view.note.endswith("None is estimable: too few returns.") and "Home exercise only" not in view.note
    assert {row[3] for row in view.rows} == {"not estimable"}


def test_definitions_are_drawn_and_gaps_spoken_of_only_where_there_are_two(inputs, tables):
    name = "recurrence_definitions"
    table = tables[name]
    assert return_section_parts._definitions(inputs.recurrence, tables, 365)
    alone = {**tables, name: table[(table["kind"] != "gap") | (table["gap_days"] == 90)]}
    said = [s.text for s in say_return(inputs.episodes.protocol, tables)]
    assert any("with a gap of 30 days" in text for text in said)
    assert not any("with a gap of" in s.text for s in say_return(inputs.episodes.protocol, alone))
    hidden = {**tables, name: table.assign(estimate=table["estimate"].where(table["kind"] == "reported"))}
    assert return_section_parts._definitions(inputs.recurrence, hidden, 365) == ()


def test_how_often_is_left_out_where_nothing_is_there_and_said_to_be_hidden_where_marks_are(inputs, tables):
    protocol, names = (
        inputs.episodes.protocol,
        ("recurrence_mean_returns", "recurrence_rates", "recurrence_maintenance"),
    )
    nothing = {name: table for name, table in tables.items() if name not in names}
    none = dataclasses.replace(inputs.recurrence, mean_curve=inputs.recurrence.mean_curve.iloc[:0])
    assert return_section_parts._how_often(none, nothing, protocol) == ()
    table = tables["recurrence_maintenance"].astype(object)
    table[["estimate", "conf_low", "conf_high", "n", "events"]] = HIDDEN
    part, view = return_section_parts._how_often(none, {**nothing, "recurrence_maintenance": table}, protocol)
    assert [s.text for s in part.sentences] == ["How often patients return cannot be shown: too few were followed."]
    assert part.sentences[0].tag == "not estimable" and view.rows[0][1] == HIDDEN


def test_a_mean_by_one_day_is_said_without_a_later_one(inputs, tables):
    first = tables["recurrence_mean_returns"].iloc[:1]
    both, one = (
        say_how_often(inputs.episodes.protocol, {**tables, "recurrence_mean_returns": table})[0].text
        for table in (tables["recurrence_mean_returns"], first)
    )
    assert ", and " in both and " within 730." in both
    assert "on average within 365 days" in one and "730" not in one


def test_who_comes_back_has_no_range_of_one_level_and_says_where_nothing_is_adjusted(inputs, tables):
    table, protocol = tables["return_factors"], inputs.episodes.protocol
    hidden = {**tables, "return_factors": table.assign(estimate=np.nan)}
    said = [s.text for s in say_factors(protocol, hidden)]
    assert said[0] == "Adjusted shares cannot be given: there are too few returns." and len(said) == 2
    assert say_range_of_factor(hidden, "radiation") is None
    one = table.assign(estimate=table["estimate"].where(table["level"] == "yes"))
    alone = {**tables, "return_factors": one}
    assert say_range_of_factor(alone, "radiation").text == f"Pain radiates: 33{NBSP}% (Yes)."
    # The lowest and the highest of one are no range.
    assert [s.text for s in say_factors(protocol, alone)] == [said[1]]


def test_no_trigger_is_the_commonest_where_no_share_of_one_is_shown(tables):
    table = tables["triggers_same"]
    assert say_main_trigger(tables).text.endswith(" the same again.")
    only_all = table.assign(estimate=table["estimate"].where(table["trigger"] == "all"))
    assert say_main_trigger({**tables, "triggers_same": only_all}) is None


# -- use of treatments, where little or nothing can be shown -----------------------------------------------------------


def test_treatments_recorded_only_later_are_refused_up_to_the_quarter(inputs, tables):
    table = tables["modality_use"]
    later = {**tables, "modality_use": table[table["quarter"] > inputs.quarter]}
    section = treatment_section(inputs, later)
    assert [s.text for s in section.lead] == [f"No treatment was recorded up to Q2{NBSP}2026."] and not section.blocks


def test_a_quarter_without_a_share_of_any_family_says_so_and_has_no_panels(inputs, tables):
    gone = {"estimate": HIDDEN, "conf_low": HIDDEN, "conf_high": HIDDEN}
    hidden = {**tables, "modality_use": tables["modality_use"].assign(**gone)}
    section = treatment_section(inputs, hidden)
    assert section.lead[0].text == "The shares of this quarter rest on too few visits to be shown."
    assert section.lead[0].tag == "not estimable"
    assert not any(getattr(block, "id", "") == "figure-treatments" for block in section.blocks)


def test_treatments_of_one_quarter_are_bars_and_an_open_table(inputs, tables):
    table = tables["modality_use"]
    one = {**tables, "modality_use": table[table["quarter"] == table["quarter"].min()]}
    for found, title, folded in ((tables, ", by quarter", True), (one, "", False)):
        blocks = treatment_section(inputs, found).blocks
        figure = next(block for block in blocks if getattr(block, "id", "") == "figure-treatments")
        assert figure.title == f"Share of treatment visits with each family{title}"
        assert ("newest quarter" in figure.caption) == folded
        assert next(block for block in blocks if getattr(block, "id", "") == "modality_use").folded == folded


def test_marks_in_the_map_of_pairs_are_explained_and_pairs_without_a_number_are_not_ranked(inputs, tables):
    pairs = inputs.modality_use.co_use.astype({"n_both": object})
    pairs.loc[pairs.index[:3], "n_both"] = ["<5", HIDDEN, 7]
    said = treatment_section_parts._explain_marks(pairs)
    assert said == " <5: fewer than 5. Hidden: a small number could be worked out from it."
    assert treatment_section_parts._explain_marks(pairs.iloc[2:]) == ""
    assert len(say_pairs({"modality_use_co_use": pairs})) == 1
    assert say_pairs({"modality_use_co_use": pairs.assign(n_both=HIDDEN)}) == ()
    assert say_pairs({"modality_use_co_use": pairs.assign(n_both=0)}) == ()


def test_pain_on_the_same_day_without_a_mean_is_no_table(tables):
    (view,) = same_visit_table(tables)
    assert view.rows[0][1:4] == ("4.1", "3.0", "\u22121.1")
    assert same_visit_table({**tables, "same_visit": tables["same_visit"].assign(estimate=np.nan)}) == ()


# -- definitions and tables --------------------------------------------------------------------------------------------


def test_definitions_name_only_the_rules_that_begin_an_episode():
    protocol = fakes.protocol()
    said = dict(glossary(protocol))["Episode of care"]
    assert "30 days or more when pain was relieved" in said and "14 days or more with a new onset date" in said
    protocol.episode.relief_rule = protocol.episode.new_onset_rule = False
    said = dict(glossary(protocol))["Episode of care"]
    assert said == "Visits of one patient in one stream. A new one starts after 90 days or more without a visit."


def test_a_quarter_that_a_row_does_not_have_is_a_dash():
    table = pd.DataFrame(
        [("A", "2025Q1", 0.5, True), ("A", "2025Q2", 0.25, False), ("B", "2025Q1", HIDDEN, True)],
        columns=["label", "quarter", "estimate", "mature"],
    )
    view = pivot_table(table, "x", "X", "label", ["2025Q1", "2025Q2"])
    assert view.rows == (("A", f"50{NBSP}%", "too early"), ("B", HIDDEN, DASH))


def test_a_notebook_lays_quarters_and_triggers_out_or_shows_why_there_are_none(inputs):
    quarters = by_quarter(inputs.quarter_review.table)
    assert quarters.index.tolist() == fakes.QUARTERS and quarters.columns.tolist() == list(fakes.INDICATORS)
    assert quarters["returned_by_182"].tolist()[-3:] == ["too early"] * 3
    assert len(by_quarter(None)) == 0
    pairs = by_trigger(inputs.triggers)
    assert pairs.loc["Lifting or carrying", "Lifting or carrying"] == 96
    assert pairs.loc["Lifting or carrying", "Bending or twisting"] == 28
    assert pairs.index.tolist() == pairs.columns.tolist() == list(fakes.TRIGGERS.values())
    refused = by_trigger(NotEstimable("Triggers are not recorded."))
    assert refused.to_numpy().tolist() == [["Triggers are not recorded."]]
