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

from outcomes.release import modality_section, unit_section
from outcomes.release.modality_figures import _arms
from outcomes.release.modality_words import NO_TESTS, say_signal, say_subgroups
from outcomes.release.model import FigureView, TableView, Text
from outcomes.release.public.sections import say_median
from outcomes.release.quarter_section import quarter_section
from outcomes.release.return_section import return_section
from outcomes.release.return_words import say_factors, say_how_often
from outcomes.release.sentences import NBSP
from outcomes.release.tables import collect_tables
from outcomes.release.treatment_section import treatment_section
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
