"""Which rows of one release make up a row of another."""

from __future__ import annotations

import pytest

from outcomes.release.public.labels import find_parts

Q1, Q2, Q3 = ("2025Q1",), ("2025Q2",), ("2025Q3",)


@pytest.mark.parametrize(
    ("whole", "others", "parts"),
    [
        (("2025Q1", "2025Q2"), [Q1, Q2, Q3], [Q1, Q2]),
        (Q2, [Q1, Q2], [Q2]),
        (Q2, [Q1, Q3], []),
        # the other release ends before the row does: what it has of it is not all
        (("2025Q1", "2025Q2"), [Q1], []),
        # one of its rows reaches over the edge
        (("2025Q1", "2025Q2"), [Q1, ("2025Q2", "2025Q3")], []),
        (("2025Q1 and earlier",), [("2024Q4 and earlier",), Q1, Q2], [("2024Q4 and earlier",), Q1]),
        # what is no quarter has no end in time
        (("50-69", "70 and over"), [("50-69",), ("under 50",)], [("50-69",)]),
        (Q1, [], []),
    ],
)
def test_rows_within_a_row_are_all_of_it(whole, others, parts) -> None:
    assert find_parts(whole, others) == parts
