"""What is done where a hidden number is not open enough: a step for every table, and each only hides more.

Rows of an order go together with a neighbour, then a table is rounded to 10, then one more number is hidden, and where
that happened often all that are left. A number that an earlier release printed, of the same count, is not hidden: it
cannot be taken back, so that nothing would be gained; one of nearly that count is hidden only where no other is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from outcomes.release.public.model import RULES, Counts, CountTable
from outcomes.release.public.numbers import Key, Parts, Place
from outcomes.release.public.published import UNTOLD, Published

COARSE = 10
MOST_SINGLE = 6
"""Numbers of a table, or of those that tables share, hidden one by one; where more are needed all are hidden."""
MOST_CAUSES = 30
"""Numbers hidden as the cause of others; where more are needed the smallest beside them are, which ends sooner."""
FindCause = Callable[[Key, Sequence[int]], int | None]
"""Of a hidden number and of places that may be hidden, that which is to be; None where none helps (`causes`)."""
LEAST_TOLD = (RULES.k, 1)
"""How far from what an earlier release told a number must be to be hidden for others: at first, and then at least."""


@dataclass(slots=True)
class Plan:
    """What has been decided so far; every step only adds."""

    parts: list[Parts]
    bases: list[int]
    extra: set[Key] = field(default_factory=set)
    has_curves: bool = True


def _row_sums(table: CountTable, parts: Parts) -> list[int]:
    return [int(table.counts[list(part)].sum()) for part in parts]


def _may_join(table: CountTable, parts: Parts) -> list[int]:
    """Places of the rows that may be put together: those of an order, not those that stand apart."""
    if not table.is_ordered:
        return []
    return [r for r, part in enumerate(parts) if not any(table.rows[i] in table.apart for i in part)]


def find_small_row(table: CountTable, parts: Parts, k: int) -> int | None:
    """Return a row of fewer than k patients, or of none: the first patient in a row is not to show by it."""
    sums = _row_sums(table, parts)
    return next((r for r in _may_join(table, parts) if sums[r] < k), None)


def join_neighbour(table: CountTable, parts: Parts, row: int) -> Parts | None:
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


def mend(plan: Plan, published: Published, weak: Sequence[Key], find_cause: FindCause) -> bool:
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
        moved |= bool(found and _mend_table(plan, published, *found, find_cause)) or _mend_shared(
            plan, published, key, find_cause
        )
    return moved


def _mend_table(plan: Plan, published: Published, t: int, i: int, find_cause: FindCause) -> bool:
    """Coarser bands, then base 10, then what makes it narrow, or one more hidden in the row, the column, the totals."""
    place = published.numbers.places[t]
    r = next(r for r in range(len(place.rows)) if i == place.rows[r] or i in place.cells[r])
    joined = join_neighbour(place.table, tuple((x,) for x in range(len(place.rows))), r)
    if joined is not None and not _are_told(published, place, joined):
        plan.parts[t] = tuple(tuple(x for row in group for x in plan.parts[t][row]) for group in joined)
        return True
    if plan.bases[t] < COARSE:
        plan.bases[t] = COARSE
        return True
    if _hide_cause(plan, published, published.numbers.keys[i], find_cause):
        return True
    own = np.concatenate([place.cells.ravel(), place.rows])
    if _is_long(plan, published, own) and _hide_all(plan, published, own):
        return True
    beside = place.cells[r] if i != place.rows[r] else np.array([], dtype=np.int64)
    column = place.cells[:, int(np.flatnonzero(place.cells[r] == i)[0])] if i in place.cells[r] else place.rows
    groups = (beside, place.rows[[r]], column, place.columns)
    return any(_hide_smallest(plan, published, group, least) for least in LEAST_TOLD for group in groups)


def _are_told(published: Published, place: Place, joined: Parts) -> bool:
    """Whether an earlier release told the patients of both rows that would be put together: their sum hides nothing."""
    rows = place.rows[list(next(pair for pair in joined if len(pair) > 1))]
    return bool((published.told[rows] < UNTOLD).all())


def _mend_shared(plan: Plan, published: Published, key: Key, find_cause: FindCause) -> bool:
    """For a number several tables share, or one an earlier release hid: all to 10, then the cause or one beside it."""
    if any(base < COARSE for base in plan.bases):
        plan.bases = [COARSE] * len(plan.bases)
        return True
    if _hide_cause(plan, published, key, find_cause):
        return True
    numbers = published.numbers
    beside = [i for i, other in enumerate(numbers.keys) if other.cohort == key.cohort]
    shared = [i for i in beside if numbers.owner[i] < 0]
    rows = [i for i in beside if numbers.keys[i].table == key.table]
    groups = [np.array(group, dtype=np.int64) for group in (rows, shared, beside)]
    return any(_hide_among(plan, published, group, least) for least in LEAST_TOLD for group in groups)


def _hide_cause(plan: Plan, published: Published, key: Key, find_cause: FindCause) -> bool:
    """Hide what makes a number narrow: a cell rather than a total of a row, that rather than one that tables share."""
    if len(plan.extra) >= MOST_CAUSES:
        return False
    numbers = published.numbers
    order = [
        (published.told[i] < RULES.k, numbers.owner[i] < 0, not one.column, int(numbers.exact[i]))
        for i, one in enumerate(numbers.keys)
    ]
    printed = _list_printed(published, np.arange(len(order)), 1)
    cause = find_cause(key, sorted(printed, key=order.__getitem__))
    if cause is not None:
        plan.extra.add(numbers.keys[cause])
    return cause is not None


def _hide_among(plan: Plan, published: Published, group: Counts, least: int) -> bool:
    """Hide the smallest of a group, or all of it where one by one took too long; False where nothing is printed."""
    if _is_long(plan, published, group):
        return _hide_all(plan, published, group, least)
    return _hide_smallest(plan, published, group, least)


def _is_long(plan: Plan, published: Published, group: Counts) -> bool:
    """Whether so many of a group were hidden one by one that it takes too long."""
    return len(plan.extra.intersection(published.numbers.keys[i] for i in group.tolist())) >= MOST_SINGLE


def _hide_smallest(plan: Plan, published: Published, group: Counts, least: int) -> bool:
    """Hide the smallest printed number of 1 and more of a group; False where there is none."""
    printed = _list_printed(published, group, least)
    smallest = min(printed, key=lambda i: (int(published.numbers.exact[i]), i), default=None)
    if smallest is not None:
        plan.extra.add(published.numbers.keys[smallest])
    return smallest is not None


def _hide_all(plan: Plan, published: Published, group: Counts, least: int = 1) -> bool:
    """Hide all of a group, those too that are hidden beside others now; False where none is printed."""
    untold = (i for i in group.tolist() if published.told[i] >= least)
    plan.extra.update(published.numbers.keys[i] for i in untold)
    return bool(_list_printed(published, group, least))


def _list_printed(published: Published, group: Counts, least: int) -> list[int]:
    """Those of a group that are printed, of 1 and more, and that no earlier release told from a nearer count."""
    return [i for i in group.tolist() if published.shown[i] > 0 and published.told[i] >= least]
