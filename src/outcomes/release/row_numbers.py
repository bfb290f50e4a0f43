"""Which numbers of a row go with a count that is hidden: those that follow from it, or would give it back."""

from __future__ import annotations

from collections.abc import Iterable

from outcomes.release.audit_comparisons import QUESTIONS as COMPARISONS
from outcomes.release.quarter_disclosure import BESIDE, EXPECTED, LINES
from outcomes.release.return_disclosure import OF_ARMS, OF_LEVELS, RATIOS
from outcomes.release.table_disclosure import ESTIMATE_COLUMNS
from outcomes.release.unit_disclosure import UNIT_EVENTS
from outcomes.release.use_disclosure import SAME_VISIT

_REVIEW = ("detectable_up", "detectable_down", "visits_per_episode")
_UNITS = ("expected", "size", "reliability", "low_95", "high_95", "low_998", "high_998")
OF_ROW = frozenset(
    (*ESTIMATE_COLUMNS, *OF_ARMS, *OF_LEVELS, *RATIOS, *BESIDE, *EXPECTED, *LINES, *SAME_VISIT, *UNIT_EVENTS)
) | {*_REVIEW, *_UNITS, "reach", "phi"}
MEANS = frozenset(("ratings_with", "ratings_without", "gap_with_days", "gap_without_days"))
"""Of arms: a mean times its base is a whole number, so that it tells the base."""

LABELS = (("relief_if_stopped", "ratio"),)
"""Columns that are called like such a number and say what the row is about."""


def list_row_numbers(table: str, column: str, names: Iterable[str]) -> list[str]:
    """Return the column of a count that is hidden in a row, and the others that go with it.

    A weighted comparison of treatments does not give its arms away and stays.
    """
    beside = MEANS if table.startswith(COMPARISONS) else OF_ROW
    return [name for name in names if name == column or (name in beside and (table, name) not in LABELS)]
