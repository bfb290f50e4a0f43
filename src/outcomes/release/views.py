"""Published tables as they are shown: the columns a reader needs, finished strings, aligned by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outcomes.release import unstable
from outcomes.release.marks import HIDDEN
from outcomes.release.model import Column, TableView, number_columns
from outcomes.release.sentences import (
    NBSP,
    Tables,
    format_count,
    format_percent,
    format_points,
    interval_words,
)
from outcomes.release.words import short_quarter

if TYPE_CHECKING:
    import pandas as pd

DASH = "–"
LIMITS = ("conf_low", "conf_high")
"""The limits of ``estimate``, of which ``unstable`` speaks."""
FIELD_WORDS = {
    "modalities": "Treatments",
    "procedure_codes": "Procedure codes",
    "diagnoses": "Diagnosis codes",
    "muscles_identified": "Muscles identified",
    "muscles_treated": "Muscles treated",
    "cause": "Cause",
    "trigger": "Trigger",
    "radiation": "Radiation",
    "region": "Region",
    "visit_purpose": "Purpose of visit",
    "discharge_reason": "Discharge reason",
    "onset": "Onset",
    "sex": "Sex",
    "function_instrument": "Instrument",
}


def shown(value: Any, write: Callable[[float], str]) -> str:
    """Write one value; a mark stays as it is, a missing value is a dash."""
    if isinstance(value, str):
        return value
    return DASH if value is None or value != value else write(float(value))


def shown_interval(
    row: Mapping[Any, Any],
    write: Callable[[float], str] = format_points,
    unit: str = f"{NBSP}%",
    limits: tuple[str, str] = LIMITS,
) -> str:
    """Write an interval of a row: ``58 to 64 %``; hidden or missing as a whole, marked where it is unstable."""
    low, high = (row[name] for name in limits)
    if isinstance(low, str) or isinstance(high, str):
        return HIDDEN
    if low != low or high != high:
        return DASH
    return f"{write(float(low))} to {write(float(high))}{unit}{unstable_mark(row) if limits == LIMITS else ''}"


def unstable_mark(row: Mapping[Any, Any]) -> str:
    """The mark that follows an unstable estimate; nothing of one that is not judged."""
    return f"{NBSP}{unstable.MARK}" if row.get(unstable.COLUMN) else ""


def horizon_table(tables: Tables, id: str, caption: str, day: str, share: str, events: str, n: str) -> TableView:
    """Shares by fixed days of the table `id`, one row a day (and group)."""
    table = tables[id]
    grouped = table["group"].nunique() > 1
    columns = (
        *((Column("Group", row_header=True),) if grouped else ()),
        Column(day, row_header=not grouped),
        Column(share, numeric=True),
        Column(interval_words(tables), numeric=True),
        Column(events, numeric=True),
        Column(n, numeric=True),
    )
    rows = tuple(
        (
            *((str(row["group"]),) if grouped else ()),
            shown(row["horizon_days"], format_count),
            shown(row["estimate"], format_percent),
            shown_interval(row),
            shown(row["events"], format_count),
            shown(row["n"], format_count),
        )
        for row in table.to_dict("records")
    )
    return TableView(id, caption, columns, rows, csv=id)


def add_columns(view: TableView, tables: Tables, beside: Mapping[str, str], note: str, at: int = 3) -> TableView:
    """Put shares of further tables with the same rows into a shown table, each under its heading.

    Parameters
    ----------
    beside : mapping
        Heading to table; a table that is not there has no column.
    note : str
        Stands under the table where there is such a column.
    at : int
        Columns before.
    """
    there = {heading: tables[name]["estimate"].tolist() for heading, name in beside.items() if name in tables}
    columns = (*view.columns[:at], *(Column(heading, numeric=True) for heading in there), *view.columns[at:])
    rows = tuple(
        (*row[:at], *(shown(shares[i], format_percent) for shares in there.values()), *row[at:])
        for i, row in enumerate(view.rows)
    )
    csv = " ".join([view.csv, *(name for name in beside.values() if name in tables)])
    return replace(view, columns=columns, rows=rows, csv=csv, note=note if there else view.note)


def add_interval(view: TableView, tables: Tables, name: str, heading: str, note: str, at: int = 3) -> TableView:
    """Put the intervals of a further table with the same rows into a shown table; as it is where there is none.

    Parameters
    ----------
    name : str
        The further table.
    heading, note : str
        Of the column; what stands under the table besides.
    at : int
        Columns before.
    """
    if name not in tables:
        return view
    limits = [shown_interval(row) for row in tables[name].to_dict("records")]
    columns = (*view.columns[:at], Column(heading, numeric=True), *view.columns[at:])
    rows = tuple((*row[:at], limits[i], *row[at:]) for i, row in enumerate(view.rows))
    said = f"{view.note} {note}" if view.note else note
    return replace(view, columns=columns, rows=rows, csv=f"{view.csv} {name}", note=said)


def by_clinic_words(tables: Tables) -> str:
    """Head of the column of intervals that take clinics as drawn."""
    return f"{interval_words(tables)}, by clinic"


BY_CLINIC_NOTE = "By clinic: clinics in place of patients taken as drawn, for whoever thinks of further clinics."


def definitions_table(tables: Tables, id: str, caption: str, share: str) -> TableView:
    """The same question under other definitions, one row each."""
    table = tables[id]
    limits = "conf_low" in table
    columns = number_columns("Definition", (share, *((interval_words(tables),) if limits else ()), "Episodes"))
    rows = tuple(
        (
            sentence_case(row["definition"]),
            shown(row["estimate"], format_percent),
            *((shown_interval(row),) if limits else ()),
            shown(row["n"], format_count),
        )
        for row in table.to_dict("records")
    )
    return TableView(id, caption, columns, rows, csv=id)


def pivot_table(table: pd.DataFrame, id: str, caption: str, rows: str, quarters: Sequence[str]) -> TableView:
    """One row a label, one column a quarter, with shares."""
    labels = list(dict.fromkeys(table[rows]))
    body = []
    for label in labels:
        part = table[table[rows] == label].set_index("quarter")
        cells = []
        for quarter in quarters:
            if quarter not in part.index:
                cells.append(DASH)
                continue
            row = part.loc[quarter]
            early = "mature" in part and not bool(row["mature"])
            cells.append("too early" if early else shown(row["estimate"], format_percent))
        body.append((str(label), *cells))
    columns = number_columns("", map(short_quarter, quarters))
    return TableView(id, caption, columns, tuple(body), csv=id)


def counts_table(table: pd.DataFrame, id: str, caption: str, label: str, heading: str, counted: str) -> TableView:
    """One row a category: its number and its share of all."""
    columns = number_columns(heading, (counted, "Share"))
    rows = tuple(
        (str(row[label]), shown(row["events"], format_count), shown(row["estimate"], format_percent))
        for row in table.to_dict("records")
    )
    return TableView(id, caption, columns, rows, csv=id)


def set_aside_table(table: pd.DataFrame) -> TableView:
    """Rules, the rows they set aside, and the remedy."""
    columns = (Column("What is wrong", row_header=True), Column("Rows", numeric=True), Column("What to do"))
    rows = tuple(
        (sentence_case(row["rule"]), format_count(row["n"]), row["remedy"]) for row in table.to_dict("records")
    )
    return TableView("set_aside", "Rows set aside, by rule", columns, rows, csv="set_aside")


def unknown_table(table: pd.DataFrame) -> TableView:
    """Terms the vocabulary does not know."""
    columns = (Column("Term", row_header=True), Column("Field"), Column("Times", numeric=True))
    rows = tuple(
        (
            _say_terms(str(row["term"]), int(row["terms"])),
            FIELD_WORDS.get(row["field"], str(row["field"])),
            format_count(row["n"]),
        )
        for row in table.to_dict("records")
    )
    return TableView("unknown_terms", "Terms the vocabulary does not know", columns, rows, csv="unknown_terms")


def _say_terms(term: str, n: int) -> str:
    """Write a term, or how many are not spelt out and why; those of few patients are rare."""
    if n == 1 and not term.startswith("("):
        return term
    return f"{n}{' rare' if term.startswith('(of ') else ''} {'terms' if n > 1 else 'term'} {term}"


def ledger_table(ledger: Any) -> TableView:
    """One row a step and file: what came in and where it went."""
    headings = ("In", "Used", "Merged", "Set aside", "Not counted")
    columns = (Column("Step", row_header=True), Column("Of"), *(Column(name, numeric=True) for name in headings))
    rows = []
    for step in ledger.steps:
        numbers = (step.rows_in, step.kept, step.n_merged, step.n_set_aside, step.n_not_data)
        name = f"{sentence_case(step.name)}, {step.unit}"
        rows.append((name, step.source or "all files", *(format_count(n) for n in numbers)))
    return TableView("ledger", "Where every row went", columns, tuple(rows), csv="ledger")


def sentence_case(text: str) -> str:
    """A text to begin a line with."""
    return text[:1].upper() + text[1:]
