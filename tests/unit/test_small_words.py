"""Sentences and parts of a release that few runs have: maintenance beside none, the cell of a run's parameters."""

from __future__ import annotations

import nbformat
import pandas as pd
import pytest

from outcomes.definitions import Protocol
from outcomes.release.marks import HIDDEN
from outcomes.release.notebooks import INJECTED, PARAMETERS, _inject
from outcomes.release.return_words import say_maintenance


def maintenance(*rows):
    columns = ["outcome", "part", "horizon_days", "estimate"]
    return {"recurrence_maintenance": pd.DataFrame(rows, columns=columns).astype({"estimate": object})}


OUTSIDE, INSIDE = ("first_return", "outside", 182, 0.21), ("first_return", "inside", 182, 0.34)
LATER = [("first_return", part, 365, share) for part, share in (("outside", 0.3), ("inside", 0.5))]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([OUTSIDE, INSIDE], ("182", "21", "34")),
        ([OUTSIDE, INSIDE, *LATER], ("365", "30", "50")),
        ([OUTSIDE, INSIDE, (*LATER[0][:3], HIDDEN), LATER[1]], ("182", "21", "34")),
        ([(*OUTSIDE[:3], HIDDEN), INSIDE], None),
        ([("mean_returns", *OUTSIDE[1:]), ("mean_returns", *INSIDE[1:])], None),
        ([OUTSIDE, INSIDE, *(("mean_returns", *row[1:]) for row in LATER)], ("182", "21", "34")),
    ],
)
def test_maintenance_is_said_of_the_latest_day_on_which_both_parts_have_a_share(rows, said):
    found = [one.text.replace("\N{NO-BREAK SPACE}", " ") for one in say_maintenance(Protocol(), maintenance(*rows))]
    if said is None:
        assert found == []
    else:
        day, outside, inside = said
        assert (
            found[0].startswith(f"Within {day} days {outside} % had returned") and f"and {inside} % in it" in found[0]
        )
    assert say_maintenance(Protocol(), {}) == ()


def test_the_cell_of_a_runs_parameters_is_the_same_every_time_and_stands_after_theirs():
    first, last = (nbformat.v4.new_markdown_cell(words) for words in ("before", "after"))
    own = nbformat.v4.new_code_cell("data = 'x'")
    own.metadata["tags"] = [PARAMETERS]
    for cells, at in (([first, own, last], 2), ([first, last], 0)):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.from_dict(cell) for cell in cells])
        _inject(notebook, {"data": "visits.csv", "protocol": None})
        found = notebook.cells[at]
        assert (found["id"], found.metadata["tags"]) == (INJECTED, [INJECTED])
        assert found.source == "# Parameters of this run\ndata = 'visits.csv'\nprotocol = None"
        assert len(notebook.cells) == len(cells) + 1
    bare = nbformat.v4.new_notebook(cells=[first])
    _inject(bare, {})
    assert len(bare.cells) == 1
