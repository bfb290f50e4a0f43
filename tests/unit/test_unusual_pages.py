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


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    from undrawn import leave_undrawn

    leave_undrawn(monkeypatch)


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
