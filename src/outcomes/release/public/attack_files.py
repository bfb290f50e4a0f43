"""The attack on a finished release: its tables as they stand in the CSV files, read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from outcomes.errors import InputRefused
from outcomes.release.public.model import HIDDEN_CELL, RULES, Cohort, PublicRules, ShownCurve, ShownTable

TOTAL = "total"


def read_tables(
    rows: Iterable[Mapping[str, str]],
    bases: Mapping[str, int] | None = None,
    parents: Mapping[str, tuple[str, str]] | None = None,
    rules: PublicRules = RULES,
    definition: str = "",
) -> tuple[ShownTable, ...]:
    """Return the published tables of CSV rows.

    Parameters
    ----------
    rows : iterable of mapping
        Columns table, cohort, row, column, patients (a number, or the mark of a hidden one); totals in rows and columns
        called ``total``.
    bases : mapping of str to int, optional
        What each table is rounded to; when not given, 10 where every number of it is a multiple of 10, else 5.
    parents : mapping of str to (str, str), optional
        Table and column each sub-cohort is; for example ``{"relieved": ("state", "relief")}``.
    rules : PublicRules
    definition : str
        What decides who belongs to the cohorts (`model.Cohort`). Numbers of releases are the same only under the same.

    Raises
    ------
    InputRefused
        A row is not one of a public table.
    """
    cells: dict[tuple[str, str], dict[tuple[str, str], int]] = {}
    for number, row in enumerate(rows, start=2):
        try:
            key = (row["table"], row["cohort"])
            cells.setdefault(key, {})[row["row"], row["column"]] = _read_number(row["patients"], rules.k)
        except (KeyError, ValueError) as fault:
            raise InputRefused(
                f"E930 Row {number} is not a row of a public table: it needs table, cohort, row, column and patients "
                f"(a number or <{rules.k}). Take the file from the release as it was published."
            ) from fault
    return tuple(
        _make_table(name, _make_cohort(cohort, definition, parents or {}), values, (bases or {}).get(name))
        for (name, cohort), values in cells.items()
    )


def read_curves(rows: Iterable[Mapping[str, str]], name: str = "relief") -> tuple[ShownCurve, ...]:
    """Return the published curves of CSV rows.

    Raises
    ------
    InputRefused
        A row is not one of a public curve.
    """
    points: dict[tuple[str, str], list[list[int]]] = {}
    names = ("day", "new_events", "at_risk", "percent", "low_percent", "high_percent")
    for number, row in enumerate(rows, start=2):
        try:
            points.setdefault((row["cohort"], row["group"]), []).append([int(float(row[item])) for item in names])
        except (KeyError, ValueError) as fault:
            raise InputRefused(
                f"E930 Row {number} is not a row of a public curve: it needs cohort, group, {', '.join(names)}. "
                "Take the file from the release as it was published."
            ) from fault
    found = []
    for (cohort, group), values in points.items():
        days, new_events, at_risk, percent, low, high = np.array(values, dtype=np.int64).T
        base = 5 if (at_risk % 10).any() else 10
        made = Cohort(cohort, cohort, "")
        found.append(ShownCurve(name, group, made, days, new_events, at_risk, percent, low, high, base))
    return tuple(found)


def _read_number(text: str, k: int) -> int:
    return HIDDEN_CELL if text.strip() == f"<{k}" else int(text)


def _make_cohort(name: str, definition: str, parents: Mapping[str, tuple[str, str]]) -> Cohort:
    parent, column = parents.get(name, ("", ""))
    return Cohort(name, name, definition, parent, column)


def _make_table(name: str, cohort: Cohort, values: Mapping[tuple[str, str], int], base: int | None) -> ShownTable:
    rows = tuple(dict.fromkeys(row for row, _ in values if row != TOTAL))
    columns = tuple(dict.fromkeys(column for _, column in values if column != TOTAL))
    shown = np.array([[values.get((row, column), HIDDEN_CELL) for column in columns] for row in rows], dtype=np.int64)
    row_totals = tuple(values.get((row, TOTAL), HIDDEN_CELL) for row in rows)
    if len(rows) == 1:
        column_totals, total = tuple(shown[0].tolist()), row_totals[0]
    else:
        column_totals = tuple(values.get((TOTAL, column), HIDDEN_CELL) for column in columns)
        total = values.get((TOTAL, TOTAL), HIDDEN_CELL)
    step = base or (10 if all(number % 10 == 0 for number in values.values() if number > 0) else 5)
    return ShownTable(name, cohort, rows, columns, shown, row_totals, column_totals, step, (), total)
