"""Printed, an answer names what it holds: every question's class, no number of a case."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from outcomes import questions
from outcomes.questions.answer import Answer

CLASSES = [getattr(questions, name) for name in questions.__all__ if name[0].isupper()]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_answer_is_printed_by_one_rule(kind):
    assert issubclass(kind, Answer) and kind.__repr__ is Answer.__repr__


@dataclasses.dataclass(frozen=True, repr=False)
class Made(Answer):
    table: pd.DataFrame
    by_clinic: pd.DataFrame | None
    more: dict[str, pd.DataFrame]
    summary: dict[str, int]
    settings: dict[str, str]


def test_tables_are_named_and_no_number_of_theirs_is_printed():
    table = pd.DataFrame({"n": [7919, 7907], "estimate": [0.5, 0.25]})
    made = Made(table, None, {"volume": table}, {"n": 7901}, {"question": "time to relief"})
    said = repr(made)
    assert said.splitlines()[0] == "Made: time to relief"
    assert 'table (2 x 2), more["volume"] (2 x 2)' in said and "beside them: summary, settings" in said
    assert "79" not in said and "0.5" not in said and "by_clinic" not in said
    assert str(made) == said


def test_long_lists_are_wrapped():
    table = pd.DataFrame({"n": [1]})
    said = repr(Made(table, None, {f"a_table_of_much_{i}": table for i in range(12)}, {}, {}))
    assert said.startswith("Made\n") and max(map(len, said.splitlines())) <= 100 and said.count("a_table") == 12
