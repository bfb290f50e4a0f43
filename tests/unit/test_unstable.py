"""Estimates from too few, or with too wide an interval: marked in tables, sentences, tiles and under the tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from outcomes.release.model import Column, Section, TableView, Tile
from outcomes.release.section_parts import explain_marks
from outcomes.release.sentences import UNSTABLE, bind, cell
from outcomes.release.tiles import note_tiles
from outcomes.release.unstable import FOOTNOTE, KINDS, MARK, NOT_JUDGED, are_unstable, mark_unstable
from outcomes.release.views import shown_interval

NAN = float("nan")
EDGES = [
    # kind, estimate, low, high, n, events, unstable
    ("share", 0.5, 0.37, 0.66, 30, 15, False),
    ("share", 0.5, 0.37, 0.66, 29, 15, True),
    ("share", 0.5, 0.37, 0.66, NAN, NAN, False),
    ("share", 0.5, 0.34, 0.66, 500, 15, True),
    ("share", 0.55, 0.4, 0.7, 500, 15, True),
    ("share", 0.5, 0.35, 0.65, 500, 15, True),
    ("share", 0.5, 0.351, 0.65, 500, 15, False),
    ("share", 0.03, 0.01, 0.061, 200, 6, True),
    ("share", 0.04, 0.02, 0.071, 200, 8, False),
    ("share", 0.01, 0.00, 0.049, 200, 2, False),
    ("share", 0.05, 0.0, 0.065, 200, 6, False),
    ("share", 0.02, 0.0, 0.05, 200, 6, False),
    ("share", 0.0, 0.0, 0.06, 60, 0, True),
    ("share", NAN, NAN, NAN, 10, 3, False),
    ("share", 0.5, NAN, NAN, 10, 5, True),
    ("difference", 0.0, -0.14, 0.15, 30, NAN, False),
    ("difference", 0.0, -0.15, 0.16, 300, NAN, True),
    ("difference", 0.1, -0.05, 0.25, 300, NAN, True),
    ("difference", 0.0, -0.01, 0.01, 29, NAN, True),
    ("rate", 0.2, 0.10, 0.40, 40, 10, False),
    ("rate", 0.2, 0.10, 0.43, 40, 10, True),
    ("rate", 0.2, 0.10, 0.40, 40, 9, True),
    ("rate", 0.2, 0.10, 0.40, 29, 10, True),
    ("rate", 2.0, 1.0, 4.0, 40, 80, False),
]


@pytest.mark.parametrize(("kind", "estimate", "low", "high", "n", "events", "expected"), EDGES)
def test_each_limit_at_its_edge(kind, estimate, low, high, n, events, expected):
    values = (np.array([value], dtype=float) for value in (estimate, low, high, n, events))
    assert are_unstable(kind, *values).tolist() == [expected]


def shares(**columns):
    table = {"horizon_days": [28], "estimate": [0.5], "conf_low": [0.3], "conf_high": [0.7], "n": [24], "events": [12]}
    return pd.DataFrame(table | {name: [value] for name, value in columns.items()})


def test_a_published_table_says_which_of_its_estimates_are_unstable():
    assert mark_unstable("relief", shares())["unstable"].tolist() == [True]
    assert mark_unstable("relief", shares(n=400, conf_low=0.45, conf_high=0.55))["unstable"].tolist() == [False]


def test_what_is_hidden_is_not_judged():
    """The mark is made of what the table shows: of a hidden number behind an estimate it tells nothing."""
    narrow = {"conf_low": 0.45, "conf_high": 0.55}
    assert mark_unstable("relief", shares(n="hidden", **narrow))["unstable"].tolist() == [False]
    assert mark_unstable("relief", shares(estimate="hidden", conf_low="hidden"))["unstable"].tolist() == [False]


def test_the_smaller_arm_counts_for_a_difference():
    arms = {"scale": "difference", "estimate": -0.02, "conf_low": -0.1, "conf_high": 0.06, "n": 500, "n_with": 480}
    assert mark_unstable("rehabilitation", shares(**arms, n_without=30))["unstable"].tolist() == [False]
    assert mark_unstable("rehabilitation", shares(**arms, n_without=29))["unstable"].tolist() == [True]
    assert mark_unstable("rehabilitation", shares(**arms, n_without=60, effective_without=29.9))["unstable"].all()


def test_a_ratio_has_no_width_in_points():
    ratio = {"scale": "hazard_ratio", "estimate": 0.9, "conf_low": 0.6, "conf_high": 1.4}
    assert mark_unstable("rehabilitation", shares(**ratio, n=500))["unstable"].tolist() == [False]
    assert mark_unstable("rehabilitation", shares(**ratio, n=20))["unstable"].tolist() == [True]


def test_mean_returns_in_a_table_of_shares_are_judged_as_rates():
    wide = {"estimate": 0.9, "conf_low": 0.6, "conf_high": 1.3, "n": 60, "events": 54}
    assert mark_unstable("recurrence_maintenance", shares(outcome="first_return", **wide))["unstable"].all()
    assert not mark_unstable("recurrence_maintenance", shares(outcome="mean_returns", **wide))["unstable"].any()


def test_a_table_that_is_not_judged_stays_as_it_is():
    table = shares()
    assert mark_unstable("relief_curve", table) is table


def test_a_sentence_with_an_unstable_estimate_says_so():
    tables = {"relief": mark_unstable("relief", shares())}
    value = cell("relief", "estimate", "percent", horizon_days=28)
    assert bind(tables, "Relieved: {value}.", {"value": value}).text == f"Relieved: 50\u00a0%.{UNSTABLE}"
    count = cell("relief", "n", "count", horizon_days=28)
    assert bind(tables, "Of {n}.", {"n": count}).text == "Of 24."
    stable = {"relief": mark_unstable("relief", shares(n=400, conf_low=0.45, conf_high=0.55))}
    assert bind(stable, "Relieved: {value}.", {"value": value}).text == "Relieved: 50\u00a0%."


def test_an_interval_has_the_mark_and_the_table_its_meaning():
    row = mark_unstable("relief", shares()).to_dict("records")[0]
    text = shown_interval(row)
    assert text == f"30 to 70\u00a0%\u00a0{MARK}"
    columns = (Column("Day", row_header=True), Column("Interval", numeric=True))
    marked = TableView("relief", "Relief", columns, (("28", text),), note="Each once.")
    plain = TableView("relief", "Relief", columns, (("28", "30 to 40\u00a0%"),))
    found = explain_marks(Section("relief", "Relief", (), (marked, plain))).blocks
    assert [block.note for block in found] == [f"Each once. {FOOTNOTE}", ""]


def test_the_interval_of_another_estimate_of_the_row_has_no_mark():
    row = mark_unstable("missing_covariates", shares(category_low=-0.1, category_high=0.1)).to_dict("records")[0]
    assert row["unstable"]
    assert MARK not in shown_interval(row, limits=("category_low", "category_high"))


def test_tiles_explain_the_mark_where_one_has_it():
    tile = Tile("Relieved", "50 %", f"30 to 70 % {MARK}", "of 24", "shown")
    early = Tile("Relieved", "", "", "", "immature", f"Q1: 50 % (30 to 70 % {MARK})")
    calm = Tile("Relieved", "50 %", "45 to 55 %", "of 400", "shown")
    assert FOOTNOTE in note_tiles([calm, tile])
    assert FOOTNOTE in note_tiles([early])
    assert FOOTNOTE not in note_tiles([calm])


def test_no_table_is_both_judged_and_not():
    assert not NOT_JUDGED & set(KINDS)
