"""From exact counts to numbers that may be published, and the proof that none can be worked back.

The order is fixed: small rows of an order go together with a neighbour; what the threshold hides is hidden, from the
true counts; everything is rounded; what an earlier release printed is kept (`earlier`); then `prove` looks for the
hidden numbers that are not open enough. Where it finds one, its rows are put together with neighbours, then its table
is rounded to 10, then one more number beside it is hidden, then the curves are left out, and all is proved again. So it
goes with what a second look names (`second_look`). When nothing is left to hide the release is refused. There is no
chance in it: the same counts give the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from outcomes.errors import DisclosureError, Finding
from outcomes.release.public.attack import attack
from outcomes.release.public.causes import find_cause
from outcomes.release.public.curves import ProtectedCurves, find_known, leave_out, protect_family_curves
from outcomes.release.public.earlier import EarlierRelease, is_reprint, settle, start_from, write_entry
from outcomes.release.public.knowledge import gather
from outcomes.release.public.mend import COARSE, FindCause, Plan, find_small_row, join_neighbour, mend
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
from outcomes.release.public.numbers import Key, Numbers, build_numbers
from outcomes.release.public.prove import Solutions, Weak, find_weak
from outcomes.release.public.published import Published, add_up_rows, find_small, hide_with_total, publish
from outcomes.release.public.second_look import find_broken, name_broken
from outcomes.release.public.system import System

MOST_ROUNDS = 100


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


def protect_release(
    tables: Sequence[CountTable],
    curves: Sequence[CountCurve] = (),
    rules: PublicRules = RULES,
    earlier: Sequence[EarlierRelease] = (),
    printed: Sequence[Sequence[ShownTable]] = (),
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
    printed : sequence of sequences of ShownTable
        Their tables (`ReleaseLedger.printed`): what an attack on all together finds is hidden too. None, no attack.

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
        if not narrow and printed:
            broken = find_broken(finished.tables, finished.curves, printed, rules)
            narrow = name_broken(broken, published, earlier, printed)
        if not narrow:
            return finished
        if mend(plan, published, narrow, _make_finder(system, keys, weak, rules)):
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


def _make_finder(system: System, keys: Sequence[Key], weak: Sequence[Weak], rules: PublicRules) -> FindCause:
    """What `mend` asks for what makes a number narrow; of one that only the attack names, what opens it most."""
    places = {key: i for i, key in reversed([*enumerate(keys)])} | {keys[one.place]: one.place for one in weak}
    least = rules.least_values if weak else np.inf

    def find(key: Key, candidates: Sequence[int]) -> int | None:
        return find_cause(system, places[key], candidates, least)

    return find


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


def _start(tables: Sequence[CountTable], earlier: Sequence[EarlierRelease], rules: PublicRules) -> Plan:
    plan = Plan([], [])
    for table in tables:
        parts, base = start_from(table, earlier, rules.base)
        is_known = any(
            table.name in release.sources and release.definitions.get(table.cohort.name) == table.cohort.definition
            for release in earlier
        )
        while not is_known and (small := find_small_row(table, parts, rules.k)) is not None:
            merged = join_neighbour(table, parts, small)
            if merged is None:
                break
            parts = merged
        plan.parts.append(parts)
        plan.bases.append(base)
    return plan


def _publish(
    tables: Sequence[CountTable],
    plan: Plan,
    earlier: Sequence[EarlierRelease],
    definitions: Mapping[str, str],
    rules: PublicRules,
) -> Published:
    numbers = build_numbers(tables, plan.parts)
    always = np.array([key in plan.extra for key in numbers.keys], dtype=np.bool_)
    hidden = hide_with_total(numbers, find_small(numbers, rules) | always)
    fresh = publish(numbers, hidden, _bases(numbers, plan))
    return add_up_rows(settle(fresh, earlier, definitions, rules, always))


def _bases(numbers: Numbers, plan: Plan) -> Counts:
    """What each number is rounded to: its table's base; what tables share, the coarsest of all."""
    own = np.array([*plan.bases, max(plan.bases)], dtype=np.int64)
    found: Counts = own[numbers.owner]
    return found


def _finish(
    tables: Sequence[CountTable],
    order: Sequence[int],
    published: Published,
    plan: Plan,
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


def _show(published: Published, j: int, plan: Plan, rules: PublicRules, is_redefined: bool) -> ShownTable:
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
