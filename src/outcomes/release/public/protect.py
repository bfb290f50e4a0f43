"""From exact counts to numbers that may be published, and the proof that none can be worked back.

The order is fixed: small rows of an order go together with a neighbour; what the threshold hides is hidden, from the
true counts; everything is rounded; what an earlier release printed is kept (`earlier`); then `prove` looks for the
hidden numbers that are not open enough. Where it finds one, its rows are put together with neighbours, then its table
is rounded to 10, then one more number beside it is hidden, then the curves are left out, and all is proved again. When
nothing is left to hide the release is refused. There is no chance in it: the same counts give the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from outcomes.errors import DisclosureError, Finding
from outcomes.release.public.attack import attack
from outcomes.release.public.curves import ProtectedCurves, find_known, leave_out, protect_family_curves
from outcomes.release.public.earlier import EarlierRelease, is_reprint, settle, start_from, write_entry
from outcomes.release.public.knowledge import gather
from outcomes.release.public.model import (
    HIDDEN_CELL,
    RULES,
    CountCurve,
    Counts,
    CountTable,
    PublicRules,
    ShownCurve,
    ShownTable,
)
from outcomes.release.public.numbers import Key, Numbers, Parts, build_numbers
from outcomes.release.public.prove import Solutions, find_weak
from outcomes.release.public.published import Published, add_up_rows, find_small, hide_with_total, publish

COARSE = 10
MOST_ROUNDS = 100
MOST_SINGLE = 6
"""Numbers of a table, or of those that tables share, hidden one by one; where more are needed all are hidden."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was proved of a release; may be published.

    Attributes
    ----------
    hidden : int
        Numbers that are hidden.
    least_values : int
        How many values each of them was proved to keep; one that an earlier release printed keeps what that left.
    together : int
        Rows that were put together with a neighbour.
    coarse : tuple of str
        Tables that are rounded to 10.
    has_curves : bool
    """

    hidden: int
    least_values: int
    together: int
    coarse: tuple[str, ...]
    has_curves: bool


@dataclass(frozen=True, slots=True)
class Protected:
    """A release that may be published, and what the ledger is to keep of it.

    Attributes
    ----------
    tables : tuple of ShownTable
    curves : tuple of ShownCurve
    audit : Audit
    entry : dict
        For `ReleaseLedger.intend`; holds exact counts, never published.
    """

    tables: tuple[ShownTable, ...]
    curves: tuple[ShownCurve, ...]
    audit: Audit
    entry: dict[str, Any]


@dataclass(slots=True)
class _Plan:
    """What has been decided so far; every step only adds."""

    parts: list[Parts]
    bases: list[int]
    extra: set[Key] = field(default_factory=set)
    has_curves: bool = True


def protect_release(
    tables: Sequence[CountTable],
    curves: Sequence[CountCurve] = (),
    rules: PublicRules = RULES,
    earlier: Sequence[EarlierRelease] = (),
) -> Protected:
    """Return the numbers of a release that may be published (this module's docstring).

    Parameters
    ----------
    tables : sequence of CountTable
    curves : sequence of CountCurve
        Of the same cohorts; a group of a curve is a row of a table by its name.
    rules : PublicRules
    earlier : sequence of EarlierRelease
        All earlier releases, oldest first (`ReleaseLedger.earlier`).

    Raises
    ------
    DisclosureError
        E921: a cohort of fewer than `rules.k` patients stands alone; E925: no way of publishing could be proved.
    ConservationError
        Tables of one cohort do not hold the same patients.
    """
    order = sorted(range(len(tables)), key=lambda i: bool(tables[i].cohort.parent))
    sorted_tables = [tables[i] for i in order]
    _check_sizes(sorted_tables, rules)
    definitions = {table.cohort.name: table.cohort.definition for table in sorted_tables}
    rounded = {base: protect_family_curves(curves, rules, earlier, base) for base in (rules.base, COARSE)}
    plan = _start(sorted_tables, earlier, rules)
    known = Solutions()
    for _ in range(MOST_ROUNDS):
        published = _publish(sorted_tables, plan, earlier, definitions, rules)
        safe = rounded[max(plan.bases)]
        if plan.has_curves:
            published = replace(published, known=find_known(published.numbers, safe))
        kept = safe if plan.has_curves else leave_out(safe)
        finished = _finish(tables, order, published, plan, kept, rules, find_redefined(tables, earlier))
        if any(is_reprint(finished.entry, release) for release in earlier):
            return finished
        system, targets, keys = gather(published, [release.published for release in earlier], rules)
        weak = find_weak(system, targets, rules.least_values, known)
        narrow = [keys[one.place] for one in weak] or _read_alone(finished, published, rules, bool(earlier))
        if not narrow:
            return finished
        if _mend(plan, published, narrow):
            continue
        if not weak:
            return finished
        if not plan.has_curves:
            break
        # What was hidden for the sake of the curves need not be without them.
        plan = replace(_start(sorted_tables, earlier, rules), has_curves=False)
    raise DisclosureError(
        "Nothing is published: some number of few patients could still be worked back.",
        [
            Finding(
                "E925",
                "However coarse the tables, a hidden number keeps too few possible values.",
                "public release",
                "Leave out a table, or wait until more patients are on record.",
            )
        ],
    )


def _read_alone(finished: Protected, published: Published, rules: PublicRules, has_earlier: bool) -> list[Key]:
    """Numbers that look worked out to a reader who has this release alone and does not know that some were kept.

    That reading is false as a rule, but may be right by chance; as far as can be, it is not offered.
    """
    if not has_earlier:
        return []
    cells = {
        (place.table.name, f"{row} / {column}"): published.numbers.keys[place.cells[r, c]]
        for place in published.numbers.places
        for r, row in enumerate(place.table.rows)
        for c, column in enumerate(place.table.columns)
    }
    found = [cells.get((one.table, one.cell)) for one in attack(finished.tables, (), (), rules) if not one.enough]
    return [key for key in found if key is not None]


def _check_sizes(tables: Sequence[CountTable], rules: PublicRules) -> None:
    for table in tables:
        if not table.cohort.parent and table.counts.sum() < rules.k:
            raise DisclosureError(
                f"Nothing is published: fewer than {rules.k} patients.",
                [
                    Finding(
                        "E921",
                        f"A public release needs {rules.k} or more distinct {table.cohort.words}.",
                        "public release",
                        "Wait until more patients are on record.",
                    )
                ],
            )


def _start(tables: Sequence[CountTable], earlier: Sequence[EarlierRelease], rules: PublicRules) -> _Plan:
    plan = _Plan([], [])
    for table in tables:
        parts, base = start_from(table, earlier, rules.base)
        is_known = any(
            table.name in release.sources and release.definitions.get(table.cohort.name) == table.cohort.definition
            for release in earlier
        )
        while not is_known and (small := _find_small_row(table, parts, rules.k)) is not None:
            merged = _join_neighbour(table, parts, small)
            if merged is None:
                break
            parts = merged
        plan.parts.append(parts)
        plan.bases.append(base)
    return plan


def _row_sums(table: CountTable, parts: Parts) -> list[int]:
    return [int(table.counts[list(part)].sum()) for part in parts]


def _may_join(table: CountTable, parts: Parts) -> list[int]:
    """Places of the rows that may be put together: those of an order, not those that stand apart."""
    if not table.is_ordered:
        return []
    return [r for r, part in enumerate(parts) if not any(table.rows[i] in table.apart for i in part)]


def _find_small_row(table: CountTable, parts: Parts, k: int) -> int | None:
    """Return a row of fewer than k patients, or of none: the first patient in a row is not to show by it."""
    sums = _row_sums(table, parts)
    return next((r for r in _may_join(table, parts) if sums[r] < k), None)


def _join_neighbour(table: CountTable, parts: Parts, row: int) -> Parts | None:
    """Put a row together with the smaller of its neighbours; None where fewer than two rows of the order would stay."""
    rows, sums = _may_join(table, parts), _row_sums(table, parts)
    if row not in rows or len(rows) < 3:
        return None
    at = rows.index(row)
    other = min((rows[i] for i in (at - 1, at + 1) if 0 <= i < len(rows)), key=lambda r: sums[r])
    first, last = min(row, other), max(row, other)
    return (
        *parts[:first],
        (*parts[first], *parts[last]),
        *(part for i, part in enumerate(parts) if i > first and i != last),
    )


def _publish(
    tables: Sequence[CountTable],
    plan: _Plan,
    earlier: Sequence[EarlierRelease],
    definitions: Mapping[str, str],
    rules: PublicRules,
) -> Published:
    numbers = build_numbers(tables, plan.parts)
    always = np.array([key in plan.extra for key in numbers.keys], dtype=np.bool_)
    hidden = hide_with_total(numbers, find_small(numbers, rules) | always)
    fresh = publish(numbers, hidden, _bases(numbers, plan))
    return add_up_rows(settle(fresh, earlier, definitions, rules, always))


def _bases(numbers: Numbers, plan: _Plan) -> Counts:
    """What each number is rounded to: its table's base; what tables share, the coarsest of all."""
    own = np.array([*plan.bases, max(plan.bases)], dtype=np.int64)
    found: Counts = own[numbers.owner]
    return found


def _mend(plan: _Plan, published: Published, weak: Sequence[Key]) -> bool:
    """Take one step for every table with a weak number; False when there is none left to take."""
    numbers = published.numbers
    owned = {key: (int(numbers.owner[i]), i) for i, key in enumerate(numbers.keys) if numbers.owner[i] >= 0}
    done: set[int | None] = set()
    moved = False
    for key in weak:
        found = owned.get(key)  # none of those that tables share, or that only an earlier release had
        table = found[0] if found else None
        if table in done:
            continue
        done.add(table)
        moved |= bool(found and _mend_table(plan, published, *found)) or _mend_shared(plan, published, key)
    return moved


def _mend_table(plan: _Plan, published: Published, t: int, i: int) -> bool:
    """Coarser bands, then base 10, then one more number hidden in the row, in the column, then the totals."""
    place = published.numbers.places[t]
    r = next(r for r in range(len(place.rows)) if i == place.rows[r] or i in place.cells[r])
    joined = _join_neighbour(place.table, tuple((x,) for x in range(len(place.rows))), r)
    if joined is not None:
        plan.parts[t] = tuple(tuple(x for row in group for x in plan.parts[t][row]) for group in joined)
        return True
    if plan.bases[t] < COARSE:
        plan.bases[t] = COARSE
        return True
    own = [published.numbers.keys[j] for j in (*place.cells.ravel().tolist(), *place.rows.tolist())]
    if len(plan.extra.intersection(own)) >= MOST_SINGLE and not plan.extra.issuperset(own):
        plan.extra.update(own)
        return True
    beside = place.cells[r] if i != place.rows[r] else np.array([], dtype=np.int64)
    column = place.cells[:, int(np.flatnonzero(place.cells[r] == i)[0])] if i in place.cells[r] else place.rows
    for candidates in (beside, place.rows[[r]], column, place.columns):
        if _hide_smallest(plan, published, candidates):
            return True
    return False


def _mend_shared(plan: _Plan, published: Published, key: Key) -> bool:
    """For a number several tables share, or one an earlier release hid: round all to 10, then hide beside it."""
    if any(base < COARSE for base in plan.bases):
        plan.bases = [COARSE] * len(plan.bases)
        return True
    numbers = published.numbers
    beside = [i for i, other in enumerate(numbers.keys) if other.cohort == key.cohort]
    shared = [i for i in beside if numbers.owner[i] < 0]
    rows = [i for i in beside if numbers.keys[i].table == key.table]
    return any(_hide_among(plan, published, np.array(group, dtype=np.int64)) for group in (rows, shared, beside))


def _hide_among(plan: _Plan, published: Published, group: Counts) -> bool:
    """Hide the smallest of a group, or all of it where one by one took too long; False where nothing is printed."""
    keys = {published.numbers.keys[i] for i in group.tolist()}
    if len(plan.extra & keys) < MOST_SINGLE or plan.extra >= keys:
        return _hide_smallest(plan, published, group)
    plan.extra |= keys
    return True


def _hide_smallest(plan: _Plan, published: Published, candidates: Counts) -> bool:
    """Hide the smallest printed number of 1 and more among some; False where there is none."""
    exact = published.numbers.exact
    printed = [i for i in candidates.tolist() if published.shown[i] > 0]
    if not printed:
        return False
    plan.extra.add(published.numbers.keys[min(printed, key=lambda i: (int(exact[i]), i))])
    return True


def _finish(
    tables: Sequence[CountTable],
    order: Sequence[int],
    published: Published,
    plan: _Plan,
    curves: ProtectedCurves,
    rules: PublicRules,
    is_redefined: bool,
) -> Protected:
    shown = {i: _show(published, j, plan, rules, is_redefined) for j, i in enumerate(order)}
    together = sum(len(part) - 1 for parts in plan.parts for part in parts)
    coarse = tuple(shown[i].name for i in range(len(tables)) if shown[i].base > rules.base)
    audit = Audit(int(published.hidden.sum()), rules.least_values, together, coarse, bool(curves.shown))
    printed = tuple(shown[i] for i in range(len(tables)))
    return Protected(printed, curves.shown, audit, write_entry(published, printed, curves.earlier, curves.withheld))


def find_redefined(tables: Sequence[CountTable], earlier: Sequence[EarlierRelease]) -> bool:
    """Whether an earlier release counted by other definitions, which both pages print."""
    return any(
        release.definitions.get(table.cohort.name, table.cohort.definition) != table.cohort.definition
        for release in earlier
        for table in tables
    )


def _show(published: Published, j: int, plan: _Plan, rules: PublicRules, is_redefined: bool) -> ShownTable:
    place, shown = published.numbers.places[j], published.shown
    base = int(published.base[place.cells].max())
    reasons = [f"Rows put together: {place.table.rows[r]}." for r, part in enumerate(plan.parts[j]) if len(part) > 1]
    if n := int((shown[place.cells] == HIDDEN_CELL).sum()):
        close = ", as close to a number of an earlier page under other definitions," if is_redefined else ""
        reasons.append(f"Cells hidden: {n}, of fewer than {rules.k} patients{close} or beside such a cell.")
    if base > rules.base:
        reasons.append(f"Rounded to {base}, for {rules.base} would have told too much.")
    return ShownTable(
        place.table.name,
        place.table.cohort,
        place.table.rows,
        place.table.columns,
        shown[place.cells],
        tuple(shown[place.rows].tolist()),
        tuple(shown[place.columns].tolist()),
        base,
        tuple(reasons),
        int(shown[place.total]),
    )
