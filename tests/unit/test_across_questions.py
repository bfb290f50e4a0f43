"""What one question hides of a number that another prints: quarters, stages of visits, all relieved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest

from outcomes.release.across_questions import _hide_quarters
from outcomes.release.marks import HIDDEN


@dataclass(frozen=True)
class Told:
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    more: dict[str, Any] = field(default_factory=dict)


QUARTERS = ["2025Q1", "2025Q2", "2025Q3"]


def answers(started=(40, 50, 60), counted=(40, 50, 60)):
    """How many episodes began in each quarter, in three tables."""
    volume = pd.DataFrame({"quarter": QUARTERS, "episodes_started": pd.Series(started, dtype=object)})
    missing = pd.DataFrame(
        {
            "by": ["quarter"] * 3 + ["clinic"],
            "group": [*QUARTERS, "2025Q2"],
            "n": pd.Series([*counted, 7], dtype=object),
        }
    )
    by_quarter = pd.DataFrame({"quarter": QUARTERS, "n": pd.Series([40, 50, 60], dtype=object)})
    shares = {"estimate": 0.5, "conf_low": 0.4, "conf_high": None}
    return {
        "quarter_review": Told(more={"volume": volume.assign(patients=30, n=35), "chart": "kept"}),
        "missing": Told(missing.assign(**shares)),
        "attendance": Told(more={"by_quarter": by_quarter.assign(**shares), "left": "kept"}),
    }


def rows_with_marks(table, name):
    return [i for i, value in enumerate(table[name]) if isinstance(value, str)]


@pytest.mark.parametrize(
    ("given", "hidden"),
    [
        ({}, []),
        ({"started": (40, "<5", 60)}, [1]),
        ({"counted": (40, 50, HIDDEN)}, [2]),
        ({"started": ("<5", 50, 60), "counted": (40, 50, HIDDEN)}, [0, 2]),
    ],
)
def test_a_quarter_that_one_table_hides_is_hidden_in_all(given, hidden):
    _hide_quarters(out := answers(**given))
    volume, missing = out["quarter_review"].more["volume"], out["missing"].table
    by_quarter = out["attendance"].more["by_quarter"]
    for name in ("episodes_started", "patients", "n"):
        assert rows_with_marks(volume, name) == hidden
    for table in (missing, by_quarter):
        assert rows_with_marks(table, "n") == rows_with_marks(table, "estimate") == hidden
        assert not rows_with_marks(table, "conf_high")  # what was not there is not hidden
    assert (out["quarter_review"].more["chart"], out["attendance"].more["left"]) == ("kept", "kept")
    # A mark that tells more stays.
    started = given.get("started", (40, 50, 60))
    expected = [HIDDEN if i in hidden and value != "<5" else value for i, value in enumerate(started)]
    assert volume["episodes_started"].tolist() == expected
    assert missing["n"].iloc[3] == 7


@pytest.mark.parametrize("gone", ["quarter_review", "missing", "attendance"])
def test_where_a_question_was_not_answered_the_others_go_by_themselves(gone):
    out: dict[str, Any] = answers(started=(40, "<5", 60))
    out[gone] = None
    before = dict(out)
    _hide_quarters(out)
    assert out[gone] is None
    if gone == "quarter_review":
        assert out == before
    else:
        assert rows_with_marks(out["quarter_review"].more["volume"], "n") == [1]
    if gone == "missing":
        assert rows_with_marks(out["attendance"].more["by_quarter"], "n") == [1]
