"""What the first page says of a signal: since when, which way, whether it is news; and why a difference is none."""

from __future__ import annotations

import pandas as pd
import pytest

from outcomes.release.marks import HIDDEN
from outcomes.release.sentences import marked, say
from outcomes.release.signal_words import is_news, say_direction, say_since, say_why_no_change

QUARTERS = [f"{2024 + i // 4}Q{i % 4 + 1}" for i in range(9)]


def charted(*signals, directions=None):
    """A chart whose last quarters signal so; all upwards unless said otherwise."""
    rules = [""] * (len(QUARTERS) - len(signals)) + list(signals)
    ways = directions or [1 if rule else 0 for rule in rules]
    columns = {"quarter": QUARTERS, "indicator": "a", "basis": "recorded", "signal": rules, "direction": ways}
    return {"quarter_review_chart": pd.DataFrame(columns)}


def verdict(**changes):
    return {"indicator": "a", "quarter": QUARTERS[-1], "word": "improvement", "recording_changed": False} | changes


@pytest.mark.parametrize(
    ("signals", "since", "news"),
    [
        (("outside",), "", True),
        (("outside", "outside"), ", signalling since the fourth quarter of\u00a02025", False),
        # A rule of seven marks its first quarter in hindsight; it was seen at the seventh only.
        (("shift",) * 7, ", signalling since the third quarter of\u00a02024", True),
        (("shift",) * 8, ", signalling since the second quarter of\u00a02024", False),
        (("shift",) * 6 + ("outside",), ", signalling since the third quarter of\u00a02024", True),
        (("two_of_three", "two_of_three"), ", signalling since the fourth quarter of\u00a02025", True),
        (("outside", "", "outside"), "", True),
    ],
)
def test_a_signal_is_told_with_its_beginning_and_whether_it_is_news(signals, since, news):
    tables = charted(*signals)
    assert say_since(tables, verdict()) == since
    assert is_news(tables, verdict()) == news


def test_the_other_direction_is_another_signal():
    tables = charted("outside", "outside", directions=[0] * 7 + [-1, 1])
    assert say_since(tables, verdict()) == "" and is_news(tables, verdict())
    quiet = charted("outside", "")  # the quarter judged does not signal
    assert say_since(quiet, verdict()) == "" and is_news(quiet, verdict())


def test_better_worse_or_neither_and_recording_is_said():
    assert say_direction(verdict()) == "for the better"
    assert say_direction(verdict(word="concern")) == "for the worse"
    assert say_direction(verdict(word="change", recording_changed=True)).startswith("not called better or worse")
    assert say_direction(verdict(indicator="pain_recorded")).endswith("about recording, not about patients")


def compared(low, high, signal="", status="fixed"):
    where = {"indicator": ["a"], "against": "quarter before", "basis": "recorded"}
    changes = pd.DataFrame(where | {"conf_low": low, "conf_high": high})
    verdicts = pd.DataFrame({"indicator": ["a"], "signal": signal, "status": status})
    return {"quarter_review_changes": changes, "quarter_review_verdicts": verdicts}


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ((-0.29, -0.04), "its chart gives no signal."),
        ((0.04, 0.2, "", "none"), "its chart has no limits yet."),
        ((-0.29, 0.04), ""),
        ((-0.07, -0.001), ""),  # shown as 0
        ((-0.29, -0.04, "outside"), ""),
        ((HIDDEN, HIDDEN), ""),
    ],
)
def test_a_difference_without_a_signal_is_said_to_be_no_change(given, end):
    said = say_why_no_change(compared(*given), "a")
    assert said.endswith(end) and bool(said) == bool(end)


def test_a_refusal_keeps_its_own_tag():
    assert marked(say("None.", "not estimable"), "signal").mark == ""
    assert marked(say("Yes.", "signal / no signal"), "signal").mark == "signal" and marked(None, "signal") is None
