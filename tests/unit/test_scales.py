"""Ratings on another scale than the declared one: what is asked about, to the cell, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.cases.scales import Groups, find_scale_misfits
from outcomes.cases.typed import ENOUGH_CELLS as ENOUGH


def asked(points, scale="0-100", outside=0, groups=()):
    """Code and words of each question about ratings in points of the declared scale; `outside` cells lie beyond it."""
    unit = 10 if scale == "0-100" else 100
    ratings = np.array([*(round(unit * point) for point in points), *[-1] * outside], dtype=np.int32)
    beyond = np.arange(ratings.size) >= len(points)
    found = find_scale_misfits(ratings, beyond, scale, [Groups(*group) for group in groups], "column 'VAS'")
    assert all(finding.place == "column 'VAS'" and finding.remedy for finding in found)
    return [(finding.code, finding.message) for finding in found]


def test_nineteen_of_twenty_at_ten_or_less_are_too_many_for_a_scale_of_a_hundred():
    # Exactly 95 % of just enough ratings, 10 itself among the low ones; one less is no question of this kind.
    high = ENOUGH // 20
    low = ENOUGH - high
    assert ENOUGH % 20 == 0
    (question,) = asked([10] * low + [50] * high)
    assert question == (
        "E234",
        f"95% of {ENOUGH} ratings of this column are 10 or less, but the declared scale is 0 to 100.",
    )
    assert asked([10] * (low - 1) + [50] * (high + 1)) == []
    assert asked([10] * (low - 1) + [11] + [50] * high) == []
    # A rating of 0 is a low one, and a cell without a rating none at all.
    assert len(asked([0] * low + [50] * high)) == 1
    assert asked([0] * (low - 1) + [50] * high, outside=20) == []


def test_too_few_ratings_are_no_evidence():
    assert asked([5] * (ENOUGH - 1)) == []
    assert asked([5] * (ENOUGH - 1), outside=5) == []
    assert len(asked([5] * ENOUGH)) == 1


def test_one_clinic_on_ten_among_others_on_a_hundred_is_named():
    points = [5] * ENOUGH + [50] * ENOUGH * 2
    clinic = np.repeat([1, 0], [ENOUGH, 2 * ENOUGH])
    (question,) = asked(points, groups=[(["A", "B"], clinic)])
    assert question[1].startswith(f"100% of {ENOUGH} ratings of B are 10 or less")
    # Records of no clinic belong to none; then the two heaps are what is left to see.
    (question,) = asked(points, groups=[(["A", "B"], np.where(clinic == 1, -1, 0))])
    assert "two scales are mixed" in question[1]


@pytest.mark.parametrize(("beyond", "is_asked"), [(ENOUGH // 5, True), (ENOUGH // 5 - 1, False)])
def test_a_fifth_outside_a_scale_of_ten_is_asked_about(beyond, is_asked):
    inside = ENOUGH - beyond
    group = (["A"], np.zeros(ENOUGH, dtype=np.int8))
    found = asked([0] * inside, "0-10", beyond, [group])
    assert [code for code, _ in found] == ["E232"] * is_asked
    assert asked([0] * inside, "0-10", beyond) == []


@pytest.mark.parametrize(
    ("small", "between", "large", "is_asked"),
    [
        # Of 100 ratings a fifth from 1 to 9, and at most a quarter as many from 11 to 19.
        (20, 5, 75, True),
        (19, 0, 81, False),
        (20, 6, 74, False),
        (20, 0, 80, True),
    ],
)
def test_two_heaps_in_one_column_are_two_scales(small, between, large, is_asked):
    found = asked([9] * small + [11] * between + [60] * large)
    assert [("two scales are mixed" in words) for _, words in found] == [True] * is_asked
    # 10 and 20 stand for either scale, 0 for both: none of them is in a heap.
    assert asked([10] * small + [60] * (100 - small)) == []
    assert asked([0] * small + [60] * (100 - small)) == []
    if is_asked and not between:
        assert asked([9] * small + [20] * 30 + [10] * 10 + [60] * (large - 40)) == found


def test_two_heaps_need_as_many_ratings_as_any_question():
    assert asked([9] * 8 + [60] * (ENOUGH - 9)) == []
    assert len(asked([9] * 8 + [60] * (ENOUGH - 8))) == 1
