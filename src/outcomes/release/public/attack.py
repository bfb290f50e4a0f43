"""A reader who wants to know: works hidden numbers back from what is published, and from nothing else.

Written apart from `protect` and `prove`, and on purpose in another way (cells are the only unknowns, every printed
total is a range for a sum of them), so that a mistake in one is seen by the other. The reader knows all the rules: what
rounding does, that a printed number of 1 and more stands for 11 patients or more and leaves 0 or 11 and more of its
whole, that a hidden cell is mostly of 1 to 10 patients, that a number stays as it was printed when it changed by 10 or
fewer and is printed anew only when it changed by 11 or more, that "2024Q3 and earlier" is "2024Q2 and earlier" and
2024Q3.

Ways: the least and greatest value of every hidden number under all printed ones together (whole numbers, HiGHS); totals
less the other parts; the same with earlier releases, and the difference of two printings of one number; patients behind
the points of a curve, events between them, and its limits (`attack_curves`).
"""

from __future__ import annotations

from collections.abc import Sequence

from outcomes.release.public.attack_board import Board, Kept, Reader, lay_curves, lay_release
from outcomes.release.public.attack_bounds import bound_all
from outcomes.release.public.attack_curves import attack_curves
from outcomes.release.public.attack_releases import Prints, find_kept, join_releases, list_prints
from outcomes.release.public.model import HIDDEN_CELL, RULES, Attacked, PublicRules, ShownCurve, ShownTable


def attack(
    tables: Sequence[ShownTable],
    curves: Sequence[ShownCurve] = (),
    earlier: Sequence[Sequence[ShownTable]] = (),
    rules: PublicRules = RULES,
    guess: bool = False,
    most: int | None = None,
) -> tuple[Attacked, ...]:
    """Return what can be worked out about every number that is hidden.

    Parameters
    ----------
    tables : sequence of ShownTable
        Of the release that is attacked.
    curves : sequence of ShownCurve
    earlier : sequence of sequences of ShownTable
        Tables of the releases before, oldest first.
    rules : PublicRules
    guess : bool
        Whether the reader takes every hidden cell to be of fewer than k patients, rightly or not; where that
        contradicts what is printed, there is no answer.
    most : int, optional
        Of how many earlier releases, the newest, every number is worked on together with the new ones; all by default.

    Returns
    -------
    tuple of Attacked
        One for each hidden cell and total, also of earlier releases (there only those that are worked out), one for
        each gap of a curve that is too narrow, and one for each number that differs between two releases by what few
        patients did.
    """
    newest_first = (tuple(tables), *(tuple(one) for one in reversed(earlier)))
    prints = [list_prints(one) for one in newest_first]
    kept = [find_kept(one, newest_first[n + 1 :]) for n, one in enumerate(newest_first)]
    found = _solve_tables(newest_first[:1], curves, rules, guess, prints, kept)
    if earlier and most != 0:
        together = newest_first[: 1 + len(earlier) if most is None else 1 + most]
        found = _tighter(found, _solve_tables(together, curves, rules, guess, prints, kept))
    return (*found, *_difference(tables, earlier, rules), *attack_curves(curves, rules))


def _solve_tables(
    releases: Sequence[Sequence[ShownTable]],
    curves: Sequence[ShownCurve],
    rules: PublicRules,
    guess: bool,
    prints: Sequence[Prints],
    kept: Sequence[Kept],
) -> tuple[Attacked, ...]:
    """Bounds of the hidden numbers of some releases.

    A number printed as it was before may have been kept. Where the others contradict themselves, something changed in
    quarters that are over, or any number may have been kept.
    """
    for any_kept, is_closed in ((False, True), (False, False), (True, False)):
        if is_closed and len(releases) == 1:
            continue
        board, laid = Board([], [], [], []), []
        for n, tables in enumerate(releases):
            reader = Reader(rules, guess, any_kept, is_closed, kept[n])
            laid.append(lay_release(board, tables, reader, n))
        lay_curves(board, laid[0], curves, rules)
        join_releases(board, laid, prints, kept, Reader(rules, guess, any_kept, is_closed))
        if (bounds := bound_all(board)) is not None:
            return tuple(
                Attacked(table, cell, low, high, high - low + 1 >= rules.least_values, way, release)
                for (release, table, cell, _), (low, high, way) in zip(board.targets, bounds, strict=True)
                if release == 0 or high - low + 1 < rules.least_values
            )
    return ()


def _tighter(one: Sequence[Attacked], other: Sequence[Attacked]) -> tuple[Attacked, ...]:
    """The narrower of two answers about each number; what only one tells of, too."""
    found = {(item.release, item.table, item.cell): item for item in one}
    for item in other:
        rival = found.setdefault((item.release, item.table, item.cell), item)
        if item.high - item.low < rival.high - rival.low:
            found[item.release, item.table, item.cell] = item
    return tuple(found.values())


def _difference(
    tables: Sequence[ShownTable], earlier: Sequence[Sequence[ShownTable]], rules: PublicRules
) -> tuple[Attacked, ...]:
    """Numbers whose two printings differ by so little that only a few patients can have moved."""
    found = []
    alone = Reader(rules, guess=False)
    old = [(table, list_prints([table])) for release in earlier for table in release]
    for table in tables:
        for then, numbers in old:
            if (then.name, then.cohort.name) != (table.name, table.cohort.name):
                continue
            for name, shown in list_prints([table]).items():
                before = numbers.get(name, HIDDEN_CELL)
                if HIDDEN_CELL in (shown, before) or shown == before:
                    continue
                now, past = alone.read(*name, shown, table.base), alone.read(*name, before, then.base)
                low, high = now[0] - past[1], now[1] - past[0]
                if max(abs(low), abs(high)) < rules.k:
                    found.append(Attacked(*name, low, high, False, "difference of two releases"))
    return tuple(found)
