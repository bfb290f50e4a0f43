"""What is hidden of who came again: steps, their products, quarters one inside another, fates; beside each edge."""

from __future__ import annotations

import pandas as pd
import pytest

from outcomes.release.marks import HIDDEN
from outcomes.release.unit_disclosure import _hide_fates, _hide_nested, _hide_steps, hide_products

FLOOR, FEW = 5, "<5"


def steps(*rows, within=14):
    """Steps of one group: visit, n, events, told; each with its share and the product so far."""
    table = pd.DataFrame(rows, columns=["visit", "n", "events", "told"])
    return table.assign(group="all", within_days=within, estimate=0.5, conf_low=0.4, conf_high=0.6, reach=0.3)


@pytest.mark.parametrize(
    ("n", "told", "shown"),
    [(40, 40, 40), (40, 36, HIDDEN), (40, 35, 35), (40, 39, HIDDEN), (7, 4, FEW), (9, 4, FEW)],
)
def test_those_for_whom_it_is_too_early_are_not_few(n, told, shown):
    found = _hide_steps(steps((2, n, 20 if n > 9 else 0, told)), FLOOR)
    assert found["told"].tolist() == [shown]


@pytest.mark.parametrize(
    ("events", "hidden"),
    [
        ((30, 20, 10), ()),
        ((30, 3, 10), (1, 2)),  # and the step after it, whose number is that of those who came
        ((38, 20, 10), (0, 1, 2)),  # two did not come: the first step and the one after
    ],
)
def test_a_step_of_few_hides_the_next_and_all_products_from_there_on(events, hidden):
    sizes = (40, 30, 20)
    found = _hide_steps(steps(*((i + 1, n, e, n) for i, (n, e) in enumerate(zip(sizes, events, strict=True)))), FLOOR)
    marks = [isinstance(value, str) for value in found["reach"]]
    assert [i for i, is_mark in enumerate(marks) if is_mark] == list(hidden)
    if hidden:
        first = hidden[0]
        assert isinstance(found["events"].iloc[first], str) and found["n"].iloc[first + 1] == HIDDEN
        assert found["n"].iloc[first] == sizes[first]


@pytest.mark.parametrize(("more", "shown"), [(0, 20), (1, HIDDEN), (4, HIDDEN), (5, 20)])
def test_those_who_came_between_two_days_are_not_few(more, shown):
    early, late = steps((2, 40, 20, 40), within=14), steps((2, 40, 20 + more, 40), within=28)
    found = _hide_steps(pd.concat([early, late]), FLOOR)
    assert found["events"].tolist() == [shown, 20 + more]
    assert (found["estimate"].iloc[0] == HIDDEN) == (shown == HIDDEN) and found["estimate"].iloc[1] == 0.5
    apart = pd.concat([early, late.assign(group="other")])
    assert _hide_steps(apart, FLOOR)["events"].tolist() == [20, 20 + more]


@pytest.mark.parametrize(
    ("reach", "estimate", "hidden"),
    [
        ([0.9, 0.8, 0.7], [0.9, 0.9, 0.9], []),
        ([0.9, HIDDEN, 0.7], [0.9, 0.9, 0.9], [1, 2]),
        ([0.9, 0.8, 0.7], [0.9, HIDDEN, 0.9], [1, 2]),
        ([0.9, None, 0.7], [0.9, HIDDEN, 0.9], []),  # a step without a product is none
        ([HIDDEN, None, 0.7], [0.9, 0.9, 0.9], [0, 2]),
    ],
)
def test_a_product_is_hidden_from_the_first_hidden_step_on(reach, estimate, hidden):
    table = pd.DataFrame({"group": "a", "reach": reach, "estimate": estimate}, dtype=object)
    other = pd.DataFrame({"group": "b", "reach": [0.9], "estimate": [0.9]}, dtype=object)
    found = hide_products(pd.concat([table, other]))["reach"].tolist()
    assert [i for i, value in enumerate(found) if value == HIDDEN] == hidden


@pytest.mark.parametrize(
    ("later", "fewer_days", "hidden"),
    [
        (20, 25, set()),
        (26, 25, {"later"}),  # four came the second time and not the third
        (29, 25, {"later"}),
        (25, 25, set()),
        (20, 27, {"fewer"}),
        (30, 30, set()),
    ],
)
def test_of_quarters_counts_that_lie_in_one_another_do_not_differ_by_a_few(later, fewer_days, hidden):
    rows = [("2025Q1", 2, 28, 30), ("2025Q1", 3, 28, later), ("2025Q1", 2, 14, fewer_days), ("2025Q2", 2, 28, 28)]
    table = pd.DataFrame(rows, columns=["quarter", "visit", "within_days", "events"]).assign(
        n=60, told=60, estimate=0.5, conf_low=0.4, conf_high=0.6
    )
    found = _hide_nested(table, FLOOR)
    names = ("outer", "later", "fewer", "other")
    assert {name for name, value in zip(names, found["events"], strict=True) if value == HIDDEN} == hidden
    assert {name for name, value in zip(names, found["estimate"], strict=True) if value == HIDDEN} == hidden


@pytest.mark.parametrize(("unrated", "shown"), [(30, 30), (26, HIDDEN), (25, 25), (29, HIDDEN), (4, FEW), (0, 0)])
def test_those_never_rated_are_hidden_where_they_are_nearly_all_who_were_not_relieved(unrated, shown):
    rows = [("came", 40), ("relieved", 20), ("not_relieved", 30), ("unrated", unrated)]
    table = pd.DataFrame(rows, columns=["reason", "events"]).assign(visit=1, n=90, estimate=0.3)
    found = _hide_fates(table, FLOOR)
    assert found["events"].tolist() == [40, 20, 30, shown]
    assert (found["estimate"].iloc[3] == HIDDEN) == isinstance(shown, str)
