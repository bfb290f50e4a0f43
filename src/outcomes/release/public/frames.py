"""Protected tables and curves as published tables: what the CSV files hold, and what sentences and pictures read.

Percentages come from the rounded numbers. A hidden number is the same text everywhere, ``<11``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from outcomes.release.marks import small_mark
from outcomes.release.public.curve_points import read_quantile
from outcomes.release.public.model import HIDDEN_CELL, RULES, PublicRules, ShownCurve, ShownTable

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "public_"
CURVE, TIMES = f"{PREFIX}relief_curve", f"{PREFIX}relief_times"
TOTAL = "total"
CELL_COLUMNS = ("table", "cohort", "row", "column", "patients", "percent")
CURVE_COLUMNS = ("cohort", "group", "day", "percent", "low_percent", "high_percent", "new_events", "at_risk")
TIME_COLUMNS = ("cohort", "group", "measure", "day")


def to_frames(
    tables: Sequence[ShownTable], curves: Sequence[ShownCurve], rules: PublicRules = RULES
) -> dict[str, pd.DataFrame]:
    """Return the published tables by the names of their files.

    Parameters
    ----------
    tables, curves : sequence of ShownTable, ShownCurve
    rules : PublicRules

    Returns
    -------
    dict of str to DataFrame
        ``public_<table>`` (`CELL_COLUMNS`; totals stand in rows and columns called ``total``); where there is a curve,
        ``public_relief_curve`` (`CURVE_COLUMNS`) and ``public_relief_times`` (`TIME_COLUMNS`).
    """
    import pandas as pd

    frames = {f"{PREFIX}{table.name}": _cells(table, small_mark(rules.k)) for table in tables}
    points = [row for curve in curves for row in _points(curve)]
    if points:
        frames[CURVE] = pd.DataFrame(points, columns=list(CURVE_COLUMNS))
    if times := [row for curve in curves for row in _times(curve, tables, rules)]:
        frames[TIMES] = pd.DataFrame(times, columns=list(TIME_COLUMNS))
    return frames


def whole_percent(part: int, whole: int) -> int | float:
    """Return a share of rounded numbers in whole percents, half upwards; NaN where a number is hidden."""
    if part == HIDDEN_CELL or whole == HIDDEN_CELL or whole <= 0 or part > whole:
        return math.nan
    return math.floor(100 * part / whole + 0.5)


def read_percent(value: object) -> float:
    """Return the percent of a cell of a table; NaN where it is hidden, or where there is nothing to be a percent of."""
    text = str(value)
    return math.nan if text.startswith("<") else float(text)


def _cells(table: ShownTable, mark: str) -> pd.DataFrame:
    import pandas as pd

    lines: list[tuple[str, Sequence[int], int]] = [
        (name, shown.tolist(), total)
        for name, shown, total in zip(table.rows, table.shown, table.row_totals, strict=True)
    ]
    if len(table.rows) > 1:
        lines.append((TOTAL, table.column_totals, table.total))
    rows = [
        (table.name, table.cohort.name, name, column, mark if n == HIDDEN_CELL else n, percent)
        for name, counts, total in lines
        for column, n, percent in _line(
            table.columns, counts, total, table.total if name != TOTAL and len(table.rows) > 1 else 0, mark
        )
    ]
    return pd.DataFrame(rows, columns=list(CELL_COLUMNS), dtype=object)


def _line(
    columns: Sequence[str], counts: Sequence[int], total: int, all_rows: int, mark: str
) -> list[tuple[str, int, int | float | str]]:
    """Column, number and percent of one row, its total last; beside what is hidden the percent is, and so is a 100.

    The percent of a total is that of all rows of the table. Where all parts are printed each is a percent of their sum:
    parts that are kept as an earlier release printed them would otherwise all seem to fall when the total is new.
    """
    whole = any(n == HIDDEN_CELL for n in counts)
    found = []
    for column, n in zip(columns, counts, strict=True):
        percent = _percent(n, total if whole else sum(counts), mark)
        found.append((column, n, mark if whole and percent == 100 else percent))
    return [*found, (TOTAL, total, _percent(total, all_rows, mark))]


def _percent(part: int, whole: int, mark: str) -> int | float | str:
    """The percent; the mark where it is kept back; NaN where there is nobody to be a percent of."""
    percent = whole_percent(part, whole)
    return mark if math.isnan(percent) and whole != 0 else percent


def _points(curve: ShownCurve) -> list[tuple[str, str, int, int, int, int, int, int]]:
    numbers = (curve.days, curve.percent, curve.low_percent, curve.high_percent, curve.new_events, curve.at_risk)
    return [(curve.cohort.name, curve.group, *row) for row in np.column_stack(numbers).tolist()]


def _times(curve: ShownCurve, tables: Sequence[ShownTable], rules: PublicRules) -> list[tuple[str, str, str, int]]:
    """The first published day by which half have relief; nothing where no published point reaches that."""
    day = read_quantile(curve, _count_group(curve, tables), rules)
    return [] if day is None else [(curve.cohort.name, curve.group, "median", day)]


def _count_group(curve: ShownCurve, tables: Sequence[ShownTable]) -> int:
    """Patients of a curve's group, as a table has them; -1 where none has that row."""
    rows = (
        dict(zip(table.rows, table.row_totals, strict=True))
        for table in tables
        if table.cohort.name == curve.cohort.name
    )
    return next((totals[curve.group] for totals in rows if curve.group in totals), HIDDEN_CELL)
