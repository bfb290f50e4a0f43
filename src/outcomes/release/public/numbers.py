"""All numbers of a release as one vector, with the sums that bind them together.

A number stands in it once, however often it is printed: the size of a cohort, and the column totals of the tables that
split it by the same columns. The cohort of a sub-table is a column total of its parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from outcomes.errors import ConservationError
from outcomes.release.public.labels import merge_labels, name_source
from outcomes.release.public.model import Cohort, Counts, CountTable

Parts = tuple[tuple[int, ...], ...]
"""Source rows put together in each row."""


class Key(NamedTuple):
    """What a number counts, by name.

    Attributes
    ----------
    cohort : str
    table : str
        Empty for a number all tables of the cohort share.
    rows : tuple of str
        Source rows put together (`labels.name_source`); empty for all.
    column : str
        Empty for all.
    """

    cohort: str
    table: str
    rows: tuple[str, ...]
    column: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the numbers of one table stand in the vector.

    Attributes
    ----------
    table : CountTable
        Rows put together.
    sources : tuple of tuple of str
        Names of the source rows in each row.
    cells : ndarray of int64, shape (r, c)
    rows : ndarray of int64, shape (r,)
    columns : ndarray of int64, shape (c,)
    total : int
    """

    table: CountTable
    sources: tuple[tuple[str, ...], ...]
    cells: Counts
    rows: Counts
    columns: Counts
    total: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a release.

    Attributes
    ----------
    keys : tuple of Key, length n
    exact : ndarray of int64, shape (n,)
    whole : ndarray of int64, shape (n,)
        Place of the number this is a share of; -1 for none.
    owner : ndarray of int64, shape (n,)
        Place in `places` of the table a number belongs to alone; -1 for a shared one.
    sums : tuple of (int, tuple of int)
        A number and its parts, which add up to it.
    places : tuple of Place
    """

    keys: tuple[Key, ...]
    exact: Counts
    whole: Counts
    owner: Counts
    sums: tuple[tuple[int, tuple[int, ...]], ...]
    places: tuple[Place, ...]


class _Builder:
    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.exact: list[int] = []
        self.whole: list[int] = []
        self.owner: list[int] = []
        self.sums: dict[tuple[int, tuple[int, ...]], None] = {}
        self.index: dict[Key, int] = {}

    def add(self, key: Key, exact: int, whole: int, owner: int = -1) -> int:
        """Place of a number; one that is there already must be the same."""
        if key in self.index:
            place = self.index[key]
            if self.exact[place] != exact:
                raise ConservationError(
                    f"E922 The public tables of the cohort '{key.cohort}' do not hold the same patients: table "
                    f"'{key.table or 'total'}'. This is a fault of the program; please report it."
                )
            return place
        self.index[key] = len(self.keys)
        self.keys.append(key)
        self.exact.append(exact)
        self.whole.append(whole)
        self.owner.append(owner)
        return self.index[key]


def merge_rows(table: CountTable, parts: Parts) -> CountTable:
    """Return a table with the source rows of each part put together."""
    if all(len(part) == 1 for part in parts):
        return table
    counts = np.vstack([table.counts[list(part)].sum(axis=0) for part in parts])
    names = (_name(table.rows, part) for part in parts)
    return replace(table, rows=tuple(names), counts=counts.astype(np.int64))


def _name(rows: Sequence[str], part: tuple[int, ...]) -> str:
    return rows[part[0]] if len(part) == 1 else merge_labels(rows[part[0]], rows[part[-1]])


def build_numbers(tables: Sequence[CountTable], parts: Sequence[Parts]) -> Numbers:
    """Return the vector of all numbers of some tables.

    Parameters
    ----------
    tables : sequence of CountTable
        A parent before the tables of its sub-cohorts.
    parts : sequence of Parts
        Which rows of each are put together.

    Raises
    ------
    ConservationError
        Tables of one cohort do not add up to the same patients.
    """
    builder = _Builder()
    totals: dict[str, int] = {}
    places: list[Place] = []
    for i, (table, part) in enumerate(zip(tables, parts, strict=True)):
        total = _place_total(builder, table.cohort, int(table.counts.sum()), totals, places)
        places.append(_place_table(builder, i, table, part, total))
    vectors = (np.array(values, dtype=np.int64) for values in (builder.exact, builder.whole, builder.owner))
    exact, whole, owner = vectors
    return Numbers(tuple(builder.keys), exact, whole, owner, tuple(builder.sums), tuple(places))


def _place_total(builder: _Builder, cohort: Cohort, exact: int, totals: dict[str, int], places: Sequence[Place]) -> int:
    """Place of the size of a cohort: that of its parent's column where it has a parent that is published."""
    if cohort.name not in totals:
        parent = next((place for place in places if cohort.parent and place.table.name == cohort.parent), None)
        if parent is None:
            totals[cohort.name] = builder.add(Key(cohort.name, "", (), ""), exact, -1)
        else:
            totals[cohort.name] = int(parent.columns[parent.table.columns.index(cohort.column)])
    if builder.exact[totals[cohort.name]] != exact:
        raise ConservationError(
            f"E922 The public tables of the cohort '{cohort.name}' do not hold the same patients. This is a fault of "
            "the program; please report it."
        )
    return totals[cohort.name]


def _place_table(builder: _Builder, i: int, table: CountTable, parts: Parts, total: int) -> Place:
    cohort, merged = table.cohort.name, merge_rows(table, parts)
    sources = tuple(tuple(table.rows[j] for j in part) for part in parts)
    n_rows, n_columns = merged.counts.shape
    sums = merged.counts.sum(axis=0)
    columns = [total] * n_columns
    if n_columns > 1:
        name = _columns_name(builder, cohort, table, sums)
        columns = [
            builder.add(Key(cohort, name, (), column), int(sums[c]), total) for c, column in enumerate(table.columns)
        ]
        builder.sums[(total, tuple(columns))] = None
    if n_rows == 1:
        return Place(merged, sources, np.array([columns]), np.array([total]), np.array(columns), total)
    rows, cells = np.zeros(n_rows, dtype=np.int64), np.zeros((n_rows, n_columns), dtype=np.int64)
    for r, own in enumerate(map(name_source, sources)):
        rows[r] = builder.add(Key(cohort, table.name, own, ""), int(merged.counts[r].sum()), total, i)
        cells[r] = rows[r]
        if n_columns > 1:
            keys = [Key(cohort, table.name, own, column) for column in table.columns]
            cells[r] = [builder.add(key, int(merged.counts[r, c]), int(rows[r]), i) for c, key in enumerate(keys)]
            builder.sums[(int(rows[r]), tuple(cells[r].tolist()))] = None
    for c in range(n_columns):
        builder.sums[(columns[c], tuple(cells[:, c].tolist()))] = None
    return Place(merged, sources, cells, rows, np.array(columns), total)


def _columns_name(builder: _Builder, cohort: str, table: CountTable, sums: Counts) -> str:
    """Name of the column totals: shared by all tables with these columns, unless they do not mean the same."""
    shared = "|".join(table.columns)
    known = [builder.index.get(Key(cohort, shared, (), column)) for column in table.columns]
    if any(place is not None and builder.exact[place] != int(n) for place, n in zip(known, sums, strict=True)):
        return f"{shared}|{table.name}"
    return shared
