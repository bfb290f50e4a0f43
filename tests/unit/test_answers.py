"""Answers that notebooks show: a question that cannot be answered shows its reason and stops nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from courses import episodes_of
from outcomes.definitions import Protocol
from outcomes.errors import NotEstimable
from outcomes.questions import estimate_relief
from outcomes.release import answer, figures, say_relief, say_return, tables


def test_an_answer_is_protected():
    found = answer(estimate_relief, episodes_of(["0:6 7:3", "0:6 7:5 14:2", "0:6 21:5"]))
    assert found.summary["n"] == "<5"
    assert tables.part(found, "table") is found.table
    assert set(tables.part(found, "settings")["settings"]) >= {"definition", "estimator", "seed"}


def test_the_median_alone_says_what_a_half_had():
    times = pd.DataFrame({"measure": ["quartile_50"], "estimate": [21.0], "conf_low": [14.0], "conf_high": [28.0]})
    said = [one.text for one in say_relief(Protocol(), {"relief_times": times})]
    assert "cannot be shown" in said[0] and "such a recorded score" not in said[1]
    assert said[1].startswith("An estimated half had a pain score at or below half of the first one by day 21")


@pytest.mark.parametrize(
    ("n_relieved", "n", "why"),
    [
        ("<5", "<5", "fewer than 30 episodes were relieved"),
        (12, 9, "fewer than 30 episodes were relieved"),
        (200, "<5", "fewer than 30 relieved episodes could be followed from the day on which the clock starts"),
        (200, 180, "too few episodes were observed that long"),
        (None, None, "too few episodes were observed that long"),
    ],
)
def test_why_no_share_of_returns_is_shown(n_relieved, n, why):
    summary = pd.DataFrame({"item": ["n_relieved", "n"], "value": [n_relieved, n]}, dtype=object)
    shown = {} if n is None else {"recurrence_summary": summary}
    assert say_return(Protocol(), shown)[0].text.endswith(f"within 365 days cannot be shown: {why}.")


def test_a_refusal_is_shown_as_its_reason_everywhere():
    refusal = answer(estimate_relief, episodes_of(["0: 7:", "0:1 7:0"]))
    assert isinstance(refusal, NotEstimable)
    reason = tables.part(refusal, "table")["not estimable"].item()
    assert "none of fewer than 5 episodes is eligible" in reason
    assert str(tables.list_notes(refusal, refusal)) == reason
    assert tables.name_tables("relief", refusal) == {}
    said = say_relief(Protocol(), tables.name_tables("relief", refusal))
    assert said[0].text.endswith("too few episodes have a first score that leaves room for relief.")
    assert figures.relief_curve(refusal).texts[0].get_text() == reason
