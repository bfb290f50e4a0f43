"""Earlier releases as the ledger keeps them, and what they leave to be said of a number that has changed since.

A number of the same meaning is printed anew only where its true count is 11 or more patients away from every count it
was printed from before, and as it was where the count is the same. In between it stays as it was printed, so that two
releases never differ by what a few patients did; where that would be untrue (nobody printed of somebody) it is hidden.
The row of all quarters before is held to be the same number a quarter later, for what was added may be few patients.
A cohort of another definition is another cohort: its numbers are not kept, but hidden where they lie close to a printed
one of the same row or of a row the other does not have. What holds of a number holds of a curve: neither that it
appears nor that it changes may hang on a few patients, so the arms that were not printed are kept in mind too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from outcomes.release.public.labels import find_parts, is_rest, spread
from outcomes.release.public.model import HIDDEN_CELL, Cohort, CountTable, PublicRules, ShownCurve, ShownTable
from outcomes.release.public.numbers import Key, Numbers, Parts
from outcomes.release.public.published import UNTOLD, Mask, Published, hide_with_total
from outcomes.release.public.rounding import round_counts


@dataclass(frozen=True, slots=True)
class EarlierCurve:
    """A curve as it was printed, the exact cumulative events at its points, and the patients it was made of."""

    shown: ShownCurve
    events: tuple[int, ...]
    total_events: int
    patients: int


class Withheld(NamedTuple):
    """An arm of a family of curves that was not printed, and the events it had when that was decided."""

    cohort: str
    name: str
    group: str
    total_events: int


@dataclass(frozen=True, slots=True)
class EarlierRelease:
    """What one release printed, and from what.

    Attributes
    ----------
    definitions : mapping of str to str
        Of each cohort.
    published : Published
        Without places of tables.
    sources, bases : mapping
        Of each table: the source rows of each printed row, and what it was rounded to.
    curves : tuple of EarlierCurve
    withheld : tuple of Withheld
        Arms of curves that were not printed.
    """

    definitions: Mapping[str, str]
    published: Published
    sources: Mapping[str, tuple[tuple[str, ...], ...]]
    bases: Mapping[str, int]
    curves: tuple[EarlierCurve, ...]
    withheld: tuple[Withheld, ...]


def is_reprint(entry: Mapping[str, Any], release: EarlierRelease) -> bool:
    """Whether a release prints nothing but what an earlier one printed."""
    before = release.published
    old = {key: int(n) for key, n in zip(before.numbers.keys, before.shown, strict=True)}
    new = {Key(row[0], row[1], tuple(row[2]), row[3]): row[5] for row in entry["numbers"]}
    return new == old and entry["curves"] == [_write_curve(curve) for curve in release.curves]


@dataclass(frozen=True, slots=True)
class _Print:
    """One earlier printing of a number: the count it was made from, what was printed, whether the definition holds."""

    basis: int
    shown: int
    same: bool


def write_entry(
    published: Published, tables: Sequence[ShownTable], curves: Sequence[EarlierCurve], withheld: Sequence[Withheld]
) -> dict[str, Any]:
    """Return what the ledger keeps of a release, as JSON values.

    ``printed`` and ``printed_curves`` hold what is published; all else is private.
    """
    numbers = published.numbers
    is_derived = published.derived.astype(np.int64)
    columns = (numbers.exact, published.shown, published.basis, published.base, is_derived, numbers.whole)
    return {
        "printed": [_write_table(table) for table in tables],
        "printed_curves": [_write_points(curve.shown) for curve in curves],
        "definitions": {table.cohort.name: table.cohort.definition for table in tables},
        "tables": [
            [place.table.name, [list(own) for own in place.sources], int(published.base[place.cells].min())]
            for place in numbers.places
        ],
        "numbers": [
            [key.cohort, key.table, list(key.rows), key.column, *row]
            for key, row in zip(numbers.keys, np.column_stack(columns).tolist(), strict=True)
        ],
        "sums": [[total, list(parts)] for total, parts in numbers.sums],
        "known": [[i, *bounds] for i, bounds in sorted(published.known.items())],
        "curves": [_write_curve(curve) for curve in curves],
        "withheld": [list(arm) for arm in withheld],
    }


_POINTS = ("days", "at_risk", "new_events", "percent", "low_percent", "high_percent")


_COHORT = ("name", "words", "definition", "parent", "column")
_LISTS = ("rows", "columns", "row_totals", "column_totals")


def _write_table(table: ShownTable) -> dict[str, Any]:
    cohort = {name: getattr(table.cohort, name) for name in _COHORT}
    lists = {name: list(getattr(table, name)) for name in _LISTS}
    numbers = {"shown": table.shown.tolist(), "base": table.base, "total": table.total}
    return {"name": table.name, "cohort": cohort, **lists, **numbers}


def read_printed(entry: Mapping[str, Any]) -> tuple[ShownTable, ...]:
    """Return the tables of a release as they were printed.

    Raises
    ------
    KeyError, TypeError, ValueError
        It is no entry of `write_entry`.
    """
    return tuple(
        ShownTable(
            name=str(table["name"]),
            cohort=Cohort(**{name: str(table["cohort"][name]) for name in _COHORT}),
            shown=np.array(table["shown"], dtype=np.int64).reshape(len(table["rows"]), len(table["columns"])),
            base=int(table["base"]),
            total=int(table["total"]),
            **{name: tuple(table[name]) for name in _LISTS},
        )
        for table in entry["printed"]
    )


def _write_points(shown: ShownCurve) -> dict[str, Any]:
    names = {"name": shown.name, "group": shown.group, "cohort": shown.cohort.name, "words": shown.cohort.words}
    return names | {"base": shown.base} | {name: getattr(shown, name).tolist() for name in _POINTS}


def _write_curve(curve: EarlierCurve) -> dict[str, Any]:
    private = {"events": list(curve.events), "total_events": curve.total_events, "patients": curve.patients}
    return _write_points(curve.shown) | private


def read_entry(entry: Mapping[str, Any]) -> EarlierRelease:
    """Return what `write_entry` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        It is not such an entry.
    """
    rows = entry["numbers"]
    keys = tuple(Key(str(row[0]), str(row[1]), tuple(row[2]), str(row[3])) for row in rows)
    exact, shown, basis, base, derived, whole = np.array([row[4:10] for row in rows], dtype=np.int64).reshape(-1, 6).T
    nowhere = np.full(exact.size, -1, dtype=np.int64)
    sums = tuple((int(total), tuple(int(i) for i in parts)) for total, parts in entry["sums"])
    numbers = Numbers(keys, exact, whole, nowhere, sums, ())
    known = {int(i): (int(low), int(high)) for i, low, high in entry["known"]}
    definitions = {str(name): str(text) for name, text in entry["definitions"].items()}
    return EarlierRelease(
        definitions,
        Published(numbers, shown, basis, base, derived.astype(np.bool_), known),
        {name: tuple(tuple(own) for own in sources) for name, sources, _ in entry["tables"]},
        {name: int(step) for name, _, step in entry["tables"]},
        tuple(_read_curve(curve, definitions) for curve in entry["curves"]),
        tuple(Withheld(str(cohort), str(name), str(group), int(n)) for cohort, name, group, n in entry["withheld"]),
    )


def _read_curve(curve: Mapping[str, Any], definitions: Mapping[str, str]) -> EarlierCurve:
    cohort = Cohort(curve["cohort"], curve["words"], definitions[curve["cohort"]])
    points = {name: np.array(curve[name], dtype=np.int64) for name in _POINTS}
    shown = ShownCurve(name=curve["name"], group=curve["group"], cohort=cohort, base=int(curve["base"]), **points)
    events = tuple(int(n) for n in curve["events"])
    return EarlierCurve(shown, events, int(curve["total_events"]), int(curve["patients"]))


def start_from(table: CountTable, earlier: Sequence[EarlierRelease], base: int) -> tuple[Parts, int]:
    """Return the rows put together and the rounding of a table's last release, as far as it has these rows still.

    Bands that were put together stay so: two cuts of the same patients would tell what lies between them.
    """
    for release in reversed(earlier):
        if table.name not in release.sources:
            continue
        if release.definitions.get(table.cohort.name) != table.cohort.definition:
            break
        parts: list[tuple[int, ...]] = [(i,) for i in range(len(table.rows))]
        for own in release.sources[table.name]:
            parts = _join_within(table.rows, parts, spread(own))
        return tuple(parts), max(base, release.bases[table.name])
    return tuple((i,) for i in range(len(table.rows))), base


def _join_within(rows: Sequence[str], parts: list[tuple[int, ...]], band: frozenset[str]) -> list[tuple[int, ...]]:
    """Put together all neighbours that hold some of a band; a band whose rows are no neighbours any more is none."""
    hit = [n for n, part in enumerate(parts) if spread(tuple(rows[i] for i in part)) & band]
    if len(hit) < 2 or hit[-1] - hit[0] != len(hit) - 1:
        return parts
    joined = tuple(i for n in hit for i in parts[n])
    return [*parts[: hit[0]], joined, *parts[hit[-1] + 1 :]]


def settle(
    now: Published,
    earlier: Sequence[EarlierRelease],
    definitions: Mapping[str, str],
    rules: PublicRules,
    always: Mask,
) -> Published:
    """Return what may be printed in the light of all that was printed before (this module's docstring).

    Parameters
    ----------
    now : Published
        As the rules of one release alone would have it.
    earlier : sequence of EarlierRelease
        Oldest first.
    definitions : mapping of str to str
        Of each cohort.
    rules : PublicRules
    always : ndarray of bool, shape (n,)
        Numbers that stay hidden, whatever was printed before.
    """
    if not earlier:
        return now
    shown, basis, told = now.shown.copy(), now.basis.copy(), now.told.copy()
    finders = [_Finder(release, now.numbers.keys, definitions) for release in earlier]
    for i, key in enumerate(now.numbers.keys):
        prints = [found for finder in finders for found in finder.find(key)]
        exact = int(now.numbers.exact[i])
        shown[i], basis[i] = _decide(exact, int(now.shown[i]), prints, rules.k)
        told[i] = min((abs(exact - count) for finder in finders for count in finder.list_told(key)), default=UNTOLD)
    hidden = hide_with_total(now.numbers, (shown == HIDDEN_CELL) | always)
    return replace(now, shown=np.where(hidden, HIDDEN_CELL, shown), basis=basis, told=told)


def _decide(exact: int, fresh: int, prints: Sequence[_Print], k: int) -> tuple[int, int]:
    """What is printed of a number, and the count it is printed from."""
    if any(not found.same and found.shown != HIDDEN_CELL and 0 < abs(exact - found.basis) < k for found in prints):
        return HIDDEN_CELL, exact
    near = [
        (abs(exact - found.basis), -i, found)
        for i, found in enumerate(prints)
        if abs(exact - found.basis) < (k if found.same else 1)
    ]
    if not near:
        # Printed anew it is known to be k or more above what was hidden: that must leave each of 1 to k-1.
        was_hidden = any(found.same and found.shown == HIDDEN_CELL for found in prints)
        return (HIDDEN_CELL if was_hidden and 0 < fresh < 2 * k - 2 else fresh), exact
    _, _, kept = min(near)
    untrue = (kept.shown == 0) != (exact == 0) and kept.shown != HIDDEN_CELL
    return (HIDDEN_CELL if untrue else kept.shown), kept.basis


class _Finder:
    """Earlier printings of a number in one release: as it is, as the sum of rows, or close by under other names."""

    def __init__(self, release: EarlierRelease, keys: Sequence[Key], definitions: Mapping[str, str]) -> None:
        self.release = release
        self.place = {key: i for i, key in enumerate(release.published.numbers.keys)}
        self.same = {name: release.definitions.get(name) == text for name, text in definitions.items()}
        self.parts: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
        own = set(keys)
        self.odd: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
        for key in self.place:
            if key.rows:
                self.parts[key.cohort, key.table, key.column].append(key)
                if key not in own:
                    self.odd[key.cohort, key.table, key.column].append(key)

    def list_told(self, key: Key) -> Iterator[int]:
        """The count a number was printed from, where it was, under the same definition."""
        i, published = self.place.get(key, -1), self.release.published
        if i >= 0 and self.same.get(key.cohort, False) and published.shown[i] != HIDDEN_CELL:
            yield int(published.basis[i])

    def find(self, key: Key) -> Iterator[_Print]:
        published, same = self.release.published, self.same.get(key.cohort, False)
        if key in self.place:
            i = self.place[key]
            yield _Print(int(published.basis[i]), int(published.shown[i]), same)
            return
        if not key.rows:
            return
        where = (key.cohort, key.table, key.column)
        if not same:
            for other in self.odd[where]:
                i = self.place[other]
                yield _Print(int(published.basis[i]), int(published.shown[i]), False)
            return
        if is_rest(key.rows):
            # A quarter more is in it: printed anew for few more patients, it would tell how many those are.
            for other in self.parts[where]:
                if is_rest(other.rows):
                    i = self.place[other]
                    yield _Print(int(published.basis[i]), int(published.shown[i]), True)
        parts = set(find_parts(key.rows, [other.rows for other in self.parts[where]]))
        inside = [self.place[other] for other in self.parts[where] if other.rows in parts]
        if inside and (published.shown[inside] != HIDDEN_CELL).all():
            basis = int(published.basis[inside].sum())
            yield _Print(basis, int(round_counts(basis, int(published.base[inside].max()))), True)
