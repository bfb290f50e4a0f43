"""Answers that notebooks show: a question that cannot be answered shows its reason and stops nothing."""

from __future__ import annotations

from courses import episodes_of
from outcomes.definitions import Protocol
from outcomes.errors import NotEstimable
from outcomes.questions import estimate_relief
from outcomes.release import answer, figures, say_relief, tables


def test_an_answer_is_protected():
    found = answer(estimate_relief, episodes_of(["0:6 7:3", "0:6 7:5 14:2", "0:6 21:5"]))
    assert found.summary["n"] == "<5"
    assert tables.part(found, "table") is found.table
    assert set(tables.part(found, "settings")["settings"]) >= {"definition", "estimator", "seed"}


def test_a_refusal_is_shown_as_its_reason_everywhere():
    refusal = answer(estimate_relief, episodes_of(["0: 7:", "0:1 7:0"]))
    assert isinstance(refusal, NotEstimable)
    reason = tables.part(refusal, "table")["not estimable"].item()
    assert "none of fewer than 5 episodes is eligible" in reason
    assert tables.list_notes(refusal, refusal) == reason
    assert tables.name_tables("relief", refusal) == {}
    said = say_relief(Protocol(), tables.name_tables("relief", refusal))
    assert said[0].text.endswith("too few episodes have a first score that leaves room for relief.")
    assert figures.relief_curve(refusal).texts[0].get_text() == reason
