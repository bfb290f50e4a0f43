"""What a reader knows of one release from another: how a number that was printed anew, or not, must have moved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from outcomes.release.public.attack_board import LARGE, TOTAL, Board, Laid, Name, Reader, plain, read_totals
from outcomes.release.public.model import HIDDEN_CELL, Attacked, PublicRules, ShownTable

Prints = dict[Name, int]
"""The printed numbers of a release."""
_QUARTERS = re.compile(r"(?:(?P<first>\d{4}Q\d) to )?(?P<last>\d{4}Q\d)(?P<rest> and earlier)?")


def list_prints(tables: Sequence[ShownTable]) -> Prints:
    """Return all numbers of a release that are no sums of others."""
    found: Prints = {}
    for table in tables:
        nowhere = np.zeros(table.shown.shape, dtype=np.int64)
        cells = np.column_stack([np.repeat(np.arange(len(table.rows)), len(table.columns)), table.shown.ravel()])
        for i, (r, shown) in enumerate(cells.tolist()):
            found[table.name, plain(f"{table.rows[r]} / {table.columns[i % len(table.columns)]}")] = shown
        found |= {(table.name, plain(name)): shown for name, (_, shown) in read_totals(table, nowhere).items()}
    return found


def find_kept(prints: Prints, before: Sequence[Prints]) -> frozenset[Name]:
    """Return the numbers that are printed as they were printed before."""
    return frozenset(name for name, shown in prints.items() if any(old.get(name) == shown for old in before))


def was_told(
    item: Attacked, own: Sequence[ShownTable], older: Sequence[Sequence[ShownTable]], rules: PublicRules
) -> bool:
    """Whether what is known of a hidden number is no more than an older release told by printing it.

    The proof asks nothing of such a number either: it cannot be taken back.

    Parameters
    ----------
    item : Attacked
    own : sequence of ShownTable
        The release in which it is hidden.
    older : sequence of sequences of ShownTable
        Releases before that one, under the same definitions, oldest first.
    rules : PublicRules
    """
    name = (item.table, item.cell)
    if list_prints(own).get(name) != HIDDEN_CELL:
        return False
    for tables in older:
        shown = list_prints(tables).get(name, HIDDEN_CELL)
        if shown != HIDDEN_CELL:  # the first printing: a later one may have been kept, and tells less
            base = next(table.base for table in tables if table.name == item.table)
            low, high = Reader(rules, guess=False).read(*name, shown, base)
            return item.low <= low and high <= item.high
    return False


def join_releases(board: Board, laid: Sequence[Sequence[Laid]], prints: Sequence[Prints], reader: Reader) -> None:
    """Bind the numbers of releases, newest first, to one another.

    Parameters
    ----------
    board : Board
    laid : sequence of sequences of Laid
    prints : sequence of Prints
        Of these and of all releases before them.
    reader : Reader
    """
    for n, own in enumerate(laid):
        for m in range(n + 1, len(laid)):
            for now, place in own:
                for then, before in laid[m]:
                    if _is_same(now, then):
                        _join_kept(board, (now, place), (then, before), reader.rules.k - 1)
                        if reader.is_closed:
                            _join_quarters(board, (now, place), (then, before))
                        for one, other, sign in _find_moved((now, place), (then, before), prints, (n, m), reader.guess):
                            board.bind(one if sign > 0 else other, reader.rules.k, LARGE, other if sign > 0 else one)


def _is_same(now: ShownTable, then: ShownTable) -> bool:
    names = ((t.name, t.cohort.name, t.cohort.definition) for t in (now, then))
    return next(names) == next(names)


def _join_kept(board: Board, own: Laid, other: Laid, most: int) -> None:
    """A number that is printed as it was has changed by fewer than k patients."""
    (now, place), (then, before) = own, other
    where = {cell: i for i, cell in enumerate((plain(r), c) for r in then.rows for c in then.columns)}
    old, numbers = before.ravel(), then.shown.ravel()
    for r, row in enumerate(now.rows):
        for c, column in enumerate(now.columns):
            i = where.get((plain(row), column))
            if i is not None and now.shown[r, c] == numbers[i] != HIDDEN_CELL:
                board.bind([int(place[r, c])], -most, most, [int(old[i])])


def _join_quarters(board: Board, own: Laid, other: Laid) -> None:
    """In a quarter that is over nothing changes: a row of quarters is the rows of another release that make it up."""
    (now, place), (then, before) = own, other
    spans = [_read_span(row) for row in then.rows]
    for r, row in enumerate(now.rows):
        span = _read_span(row)
        if span is None or any(one is None for one in spans):
            continue
        inside = [i for i, one in enumerate(spans) if one and span[0] <= one[0] and one[1] <= span[1]]
        is_cut = any(one and i not in inside and one[0] <= span[1] and span[0] <= one[1] for i, one in enumerate(spans))
        if inside and not is_cut and max(spans[i][1] for i in inside) == span[1]:  # type: ignore[index]
            for c in range(len(now.columns)):
                board.bind([int(place[r, c])], 0, 0, before[inside, c].tolist())


def _read_span(row: str) -> tuple[str, str] | None:
    """First and last quarter of a row; the first is empty where it holds all before."""
    found = _QUARTERS.fullmatch(row)
    if not found:
        return None
    return ("" if found["rest"] else found["first"] or found["last"]), found["last"]


Moved = tuple[list[int], list[int], int]


def _find_moved(own: Laid, other: Laid, prints: Sequence[Prints], at: tuple[int, int], guess: bool) -> Iterator[Moved]:
    """Numbers printed anew: each is k patients or more from every count it was printed, or hidden, from before.

    That holds of numbers that were new when they were printed, not of rows put together since.
    """
    (now, place), (then, before) = own, other
    n, m = at
    new, old = _list_cells(now, place), _list_cells(then, before)
    for name in sorted(new.keys() & old.keys()):
        key = (now.name, name)
        shown, past = prints[n][key], prints[m][key]
        if shown in (HIDDEN_CELL, past) or any(one.get(key) == shown for one in prints[n + 1 :]):
            continue
        row = name.split(" / ")[0]
        if not all(key in one for one in prints[n:] if any(table == now.name for table, _ in one)) and not (
            _read_span(row) and len(row) == 6
        ):
            continue
        older = [one[key] for one in prints[m + 1 :] if key in one]
        if past == HIDDEN_CELL:
            if guess and TOTAL not in name and not older:
                yield new[name], old[name], 1
        elif past not in older:
            yield new[name], old[name], 1 if shown > past else -1


def _list_cells(table: ShownTable, place: NDArray[np.int64]) -> dict[str, list[int]]:
    """The cells that make up each number of a table, by name."""
    found = {
        plain(f"{row} / {column}"): [int(place[r, c])]
        for r, row in enumerate(table.rows)
        for c, column in enumerate(table.columns)
    }
    return found | {plain(name): list(cells) for name, (cells, _) in read_totals(table, place).items()}
