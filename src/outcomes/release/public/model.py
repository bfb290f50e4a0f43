"""The tables a public release is made of, before and after protection.

Every table splits one cohort: each distinct patient of the cohort stands in exactly one cell. So all of them, and the
cohorts that are sums of other tables' cells, form one linear system, which `attack` works through as a reader would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
HIDDEN_CELL = -1
"""Stands for a cell of 1 to k-1 patients, and for one hidden to protect it; shown as ``<11``."""


@dataclass(frozen=True, slots=True)
class PublicRules:
    """How a public release treats small numbers.

    Attributes
    ----------
    k : int
        Least number of distinct patients that is shown; 0 is shown too.
    base : int
        What every number is rounded to, half upwards; 5 or 10.
    least_values : int
        How many values must stay possible for a number that is hidden.
    """

    k: int = 11
    base: int = 5
    least_values: int = 5

    @property
    def class_floor(self) -> int:
        """Fewest patients of a row in which a state that nobody has is said (nobody, and therefore all others)."""
        return 3 * self.k

    @property
    def median_floor(self) -> int:
        """Fewest patients a median is read for: `k` on either side."""
        return 2 * self.k

    @property
    def quartile_floor(self) -> int:
        """Fewest patients quartiles are read for."""
        return 4 * self.k


RULES = PublicRules()
"""The rules of a public release; lower ones are for tests."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """A set of distinct patients.

    Attributes
    ----------
    name : str
        For example ``"patients"`` or ``"relieved"``.
    words : str
        As a reader would say it.
    definition : str
        All that decides who belongs to it (protocol hash, dates); a cohort of another definition is another cohort.
    parent : str
        Name of the table whose column `column` sums to this cohort; empty for a cohort of its own.
    column : str
    """

    name: str
    words: str
    definition: str
    parent: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class CountTable:
    """Exact counts of distinct patients; never leaves the process.

    Attributes
    ----------
    name : str
    cohort : Cohort
    rows, columns : tuple of str
        Levels and states; a patient has one of each.
    counts : ndarray of int64, shape (len(rows), len(columns))
    is_ordered : bool
        Whether neighbouring rows may be put together (bands, quarters).
    apart : tuple of str
        Rows that are put together with none, for example those not recorded.
    """

    name: str
    cohort: Cohort
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: Counts
    is_ordered: bool = False
    apart: tuple[str, ...] = ("not recorded",)


@dataclass(frozen=True, slots=True)
class CountCurve:
    """Exact counts along a grid of days, with the estimate at each; never leaves the process.

    Attributes
    ----------
    name : str
    cohort : Cohort
    group : str
        ``"all"`` or a level of a grouping.
    days : ndarray of int64, shape (m,)
        The grid, multiples of 7.
    new_events : ndarray of int64, shape (m,)
        Distinct patients whose event was seen since the grid point before.
    at_risk : ndarray of int64, shape (m,)
        Distinct patients still observed without the event after the point.
    estimate, conf_low, conf_high : ndarray of float, shape (m,)
        Shares, 0 to 1.
    patients : int
        Distinct patients of the group at the start; -1 where it is the sum of `new_events` and the last `at_risk`.
    """

    name: str
    cohort: Cohort
    group: str
    days: Counts
    new_events: Counts
    at_risk: Counts
    estimate: NDArray[np.float64]
    conf_low: NDArray[np.float64]
    conf_high: NDArray[np.float64]
    patients: int = -1


@dataclass(frozen=True, slots=True)
class ShownTable:
    """What is published of a `CountTable`; a reader sees nothing else.

    Attributes
    ----------
    name : str
    cohort : Cohort
    rows, columns : tuple of str
        After putting rows together.
    shown : ndarray of int64, shape (len(rows), len(columns))
        Rounded counts, or `HIDDEN_CELL`.
    row_totals, column_totals : tuple of int
        Rounded, or `HIDDEN_CELL`. A row total is the sum of its row where all of it is shown and none of it kept from
        an earlier release. Column totals and `total` are the same in every table of the cohort, so rows need not add up
        to them.
    base : int
        What was rounded to: 5 or 10.
    reasons : tuple of str
        One line for each thing that was put together, hidden or carried forward.
    total : int
        Patients of the cohort, rounded, or `HIDDEN_CELL`; the same in every table of the cohort.
    """

    name: str
    cohort: Cohort
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    shown: Counts
    row_totals: tuple[int, ...]
    column_totals: tuple[int, ...]
    base: int
    reasons: tuple[str, ...] = ()
    total: int = HIDDEN_CELL

    def list_numbers(self) -> list[tuple[str, int]]:
        """Return every number that is published, totals too, by its row and column; those of one row are its totals."""
        lines = [*zip(self.rows, self.shown.tolist(), self.row_totals, strict=True)]
        if len(self.rows) > 1:
            lines.append(("total", list(self.column_totals), self.total))
        columns = (*self.columns, "total")
        return [
            (f"{row}, {column}", number)
            for row, numbers, total in lines
            for column, number in zip(columns, (*numbers, total), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class ShownCurve:
    """What is published of a `CountCurve`: only points with enough new events before and enough patients after.

    Attributes
    ----------
    name, group : str
    cohort : Cohort
    days : ndarray of int64, shape (k,)
    at_risk, new_events : ndarray of int64, shape (k,)
        Rounded.
    percent, low_percent, high_percent : ndarray of int64, shape (k,)
        Whole percents.
    base : int
        What `at_risk` is rounded to.
    """

    name: str
    group: str
    cohort: Cohort
    days: Counts
    new_events: Counts
    at_risk: Counts
    percent: Counts
    low_percent: Counts
    high_percent: Counts
    base: int = 5


@dataclass(frozen=True, slots=True)
class Attacked:
    """What a reader can work out about one cell that is not shown.

    Attributes
    ----------
    table, cell : str
        Where it stands, in the words of the release.
    low, high : int
        Smallest and largest count that fits everything published.
    enough : bool
        Whether so many values remain as the rule asks for.
    way : str
        How, in a few words: ``"total less the others"``.
    release : int
        0 of the newest release, 1 of the one before it, and so on.
    """

    table: str
    cell: str
    low: int
    high: int
    enough: bool
    way: str
    release: int = 0
