"""Pain before and after treatment on the same day: described, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from courses import SMALL, episodes_of
from outcomes.cases import build_episodes, build_visits
from outcomes.errors import InputRefused, NotEstimable
from outcomes.questions import describe_same_visit
from tables import records

TEXT = """
patient_id | visit_day | pain_pre | pain_post | modalities
a          | 0         | 6        | 4         | ultrasound; exercise
a          | 3         | 5        | 5         | ultrasound
b          | 0         | 8        | 5         | massage
b          | 4         | 6        |           | massage
c          | 0         |          | 3         | massage
c          | 2         | 4        | 3         |
"""


def describe(text=TEXT, protocol=SMALL):
    return describe_same_visit(build_episodes(build_visits(records(text), protocol)))


def test_means_by_hand():
    found = describe()
    table = found.table.set_index("family")
    # Both ratings: a on day 0 and 3, b on day 0. c's second visit has no treatment.
    row = table.loc["all"]
    assert row[["n", "events", "patients"]].tolist() == [5, 3, 2]
    assert row["share"] == pytest.approx(3 / 5)
    assert (row["before"], row["after"]) == (pytest.approx(19 / 3), pytest.approx(14 / 3))
    assert row["estimate"] == pytest.approx(-5 / 3)
    assert row["conf_low"] < -5 / 3 < row["conf_high"]
    assert table.loc["ultrasound", ["n", "events", "patients"]].tolist() == [2, 2, 1]
    assert table.loc["ultrasound", "estimate"] == pytest.approx(-1.0)
    assert np.isnan(table.loc["ultrasound", "conf_low"])  # one patient has no spread
    # A family with fewer visits than the floor has counts and no means.
    assert table.loc["manual_soft_tissue", ["n", "events"]].tolist() == [3, 1]
    assert np.isnan(table.loc["manual_soft_tissue", "estimate"])
    assert found.settings["tag"] == "descriptive"


def test_every_visit_is_accounted_for():
    step = describe().ledger.steps[-1]
    assert (step.rows_in, step.kept) == (6, 3)
    assert dict(step.set_aside) == {
        "no treatment recorded, or dated before the first quarter with enough visits": 1,
        "no rating before treatment": 1,
        "no rating after treatment": 1,
    }


def test_order_of_rows_and_names_of_patients_change_nothing():
    head, *rows = TEXT.strip().splitlines()
    turned = "\n".join([head, *reversed(rows)]).replace("a   ", "z   ")
    one, two = describe().table, describe(turned).table
    assert one.equals(two)


@pytest.mark.parametrize(("column", "words"), [("modalities", "treatments"), ("pain_post", "pain after treatment")])
def test_a_missing_column_is_named(column, words):
    text = TEXT.replace(column, "notes_of_the_day")
    with pytest.raises(NotEstimable, match=words):
        describe(text)


def test_too_few_are_refused():
    with pytest.raises(NotEstimable, match="fewer than 2 treatment visits have both ratings"):
        describe("\n".join(TEXT.strip().splitlines()[:2]))
    with pytest.raises(InputRefused):
        describe_same_visit("episodes")
    with pytest.raises(NotEstimable):
        describe_same_visit(episodes_of(["0:6 7:3"]))
