"""What a reader knows of one release from another: how a number that was printed anew, or not, must have moved."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from outcomes.release.public.attack_board import LARGE, TOTAL, Board, Kept, Laid, Name, Reader, plain, read_totals
from outcomes.release.public.model import HIDDEN_CELL, Attacked, PublicRules, ShownTable

Prints = dict[Name, int]
"""The printed numbers of a release."""
Span = tuple[str, str]
"""First and last quarter of a row."""
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


def find_kept(tables: Sequence[ShownTable], before: Sequence[Sequence[ShownTable]]) -> Kept:
    """Return the numbers of a release that may be no counts of its own: an older one printed them or their parts.

    With each, of how many rounded numbers it may be the sum: a total of printed cells is theirs, and may be kept where
    one of them is hidden now.
    """
    own = list_prints(tables)
    found = dict.fromkeys(find_sums(tables, before), 1)
    for older in before:
        same = list_prints(older)
        found |= {name: found.get(name, 1) for name, shown in own.items() if same.get(name) == shown}
        for table in older:
            for row, total, cells in zip(table.rows, table.row_totals, table.shown, strict=True):
                name = table.name, plain(f"{row} / {TOTAL}")
                if (cells != HIDDEN_CELL).all() and own.get(name) == total:
                    found[name] = len(cells)
    return found


def find_sums(tables: Sequence[ShownTable], before: Sequence[Sequence[ShownTable]]) -> frozenset[Name]:
    """Return the printed numbers that may stand as the sum of what an older release printed of their parts.

    "2024Q4 and earlier" may stand as what was printed of "2024Q3 and earlier" and of 2024Q4, rounded once more: it is
    then no count of now, and may lie as far from it as any number that was kept.
    """
    return frozenset(
        (now.name, plain(name))
        for now in tables
        for older in before
        for then in older
        if _is_same(now, then)
        for row, parts in _find_parts(now, then)
        for name, shown, reach in _add_up(now, then, row, parts)
        if shown != HIDDEN_CELL and abs(shown - reach[0]) <= reach[1]
    )


def _find_parts(now: ShownTable, then: ShownTable) -> Iterator[tuple[int, list[int]]]:
    """Each row of a table, and the rows of an older one that make it up, where there are several."""
    spans = [_read_span(row) for row in then.rows]
    for r, row in enumerate(now.rows):
        inside = _list_inside(_read_span(row), spans)
        if len(inside) > 1:
            yield r, inside


def _add_up(
    now: ShownTable, then: ShownTable, row: int, parts: list[int]
) -> Iterator[tuple[str, int, tuple[int, int]]]:
    """Numbers of a row, each with the sum of those of its parts and how far that may be from their counts."""
    for c, column in enumerate(now.columns):
        old = then.shown[parts, c]
        if (old != HIDDEN_CELL).all():
            far = int((old > 0).sum()) * (then.base // 2) + now.base // 2
            yield f"{now.rows[row]} / {column}", int(now.shown[row, c]), (int(old.sum()), far)
    totals = [then.row_totals[i] for i in parts]
    if HIDDEN_CELL not in totals:
        # A total that is the sum of printed cells has the rounding of each.
        far = len(parts) * len(now.columns) * (then.base // 2) + now.base // 2
        yield f"{now.rows[row]} / {TOTAL}", now.row_totals[row], (sum(totals), far)


def was_told(
    item: Attacked, own: Sequence[ShownTable], older: Sequence[Sequence[ShownTable]], rules: PublicRules
) -> bool:
    """Whether what is known of a hidden number is what an older release told by printing it, and nothing else.

    The proof asks nothing of such a number either, while its count is the same: it cannot be taken back. More values
    than the printing left are no less knowledge, for they are those of another count. After a printed 0, "0 to 3" says
    that there are three patients at most, and that there is somebody, for a 0 would have stood.

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
            shared = item.cell.startswith(f"{TOTAL} / ")
            base = max(table.base for table in tables if shared or table.name == item.table)
            return (item.low, item.high) == Reader(rules, guess=False).read(*name, shown, base)
    return False


def join_releases(
    board: Board,
    laid: Sequence[Sequence[Laid]],
    prints: Sequence[Prints],
    kept: Sequence[Kept],
    reader: Reader,
) -> None:
    """Bind the numbers of releases, newest first, to one another.

    Parameters
    ----------
    board : Board
    laid : sequence of sequences of Laid
    prints : sequence of Prints
        Of these and of all releases before them.
    kept : sequence of Kept
        Of each, the numbers that may be no counts of its own.
    reader : Reader
    """
    for n, own in enumerate(laid):
        for m in range(n + 1, len(laid)):
            for now, place in own:
                for then, before in laid[m]:
                    if _is_same(now, then):
                        _join_kept(board, (now, place), (then, before), kept[m], reader.rules.k - 1)
                        if reader.is_closed:
                            _join_quarters(board, (now, place), (then, before))
                        for less, more in _find_moved((now, place), (then, before), prints, kept, (n, m), reader.guess):
                            board.bind(more, reader.rules.k, LARGE, less)


def _is_same(now: ShownTable, then: ShownTable) -> bool:
    names = ((t.name, t.cohort.name, t.cohort.definition) for t in (now, then))
    return next(names) == next(names)


def _join_kept(board: Board, own: Laid, other: Laid, kept: Kept, most: int) -> None:
    """A number that is printed as it was has changed by fewer than k patients since it was printed anew.

    Two that were both `kept` lie on either side of that count, and up to twice as far apart.
    """
    (now, place), (then, before) = own, other
    where = {cell: i for i, cell in enumerate((plain(r), c) for r in then.rows for c in then.columns)}
    old, numbers = before.ravel(), then.shown.ravel()
    for r, row in enumerate(now.rows):
        for c, column in enumerate(now.columns):
            i = where.get((plain(row), column))
            if i is not None and now.shown[r, c] == numbers[i] != HIDDEN_CELL:
                far = most * (1 + ((now.name, plain(f"{row} / {column}")) in kept))
                board.bind([int(place[r, c])], -far, far, [int(old[i])])


def _join_quarters(board: Board, own: Laid, other: Laid) -> None:
    """In a quarter that is over nothing changes: a row of quarters is the rows of another release that make it up."""
    (now, place), (then, before) = own, other
    spans = [_read_span(row) for row in then.rows]
    for r, row in enumerate(now.rows):
        if inside := _list_inside(_read_span(row), spans):
            for c in range(len(now.columns)):
                board.bind([int(place[r, c])], 0, 0, before[inside, c].tolist())


def _list_inside(span: Span | None, spans: Sequence[Span | None]) -> list[int]:
    """Rows of quarters that together hold just what one holds; none where they do not."""
    if span is None or any(one is None for one in spans):
        return []
    whole = [one for one in spans if one]
    inside = [i for i, one in enumerate(whole) if span[0] <= one[0] and one[1] <= span[1]]
    is_cut = any(i not in inside and one[0] <= span[1] and span[0] <= one[1] for i, one in enumerate(whole))
    return [] if is_cut or max((whole[i][1] for i in inside), default="") != span[1] else inside


def _read_span(row: str) -> Span | None:
    """First and last quarter of a row; the first is empty where it holds all before."""
    found = _QUARTERS.fullmatch(row)
    if not found:
        return None
    return ("" if found["rest"] else found["first"] or found["last"]), found["last"]


def _find_moved(
    own: Laid,
    other: Laid,
    prints: Sequence[Prints],
    kept: Sequence[Kept],
    at: tuple[int, int],
    guess: bool,
) -> Iterator[tuple[list[int], list[int]]]:
    """Numbers printed anew, as the cells of the smaller and of the greater count.

    Each is k patients or more from every count it was printed, or hidden, from before.

    That holds of numbers that were new when they were printed, not of rows put together since.
    """
    (now, place), (then, before) = own, other
    n, m = at
    new, old = _list_cells(now, place), _list_cells(then, before)
    for name in sorted(new.keys() & old.keys()):
        key = (now.name, name)
        shown, past = prints[n][key], prints[m][key]
        if shown in (HIDDEN_CELL, past) or key in kept[n]:
            continue
        row = name.split(" / ")[0]
        if not all(key in one for one in prints[n:] if any(table == now.name for table, _ in one)) and not (
            _read_span(row) and len(row) == 6
        ):
            continue
        older = [one[key] for one in prints[m + 1 :] if key in one]
        if past == HIDDEN_CELL:
            if guess and TOTAL not in name and not older:
                yield old[name], new[name]
        elif key not in kept[m]:
            (_, less), (_, more) = sorted([(shown, new[name]), (past, old[name])])
            yield less, more


def _list_cells(table: ShownTable, place: NDArray[np.int64]) -> dict[str, list[int]]:
    """The cells that make up each number of a table, by name."""
    found = {
        plain(f"{row} / {column}"): [int(place[r, c])]
        for r, row in enumerate(table.rows)
        for c, column in enumerate(table.columns)
    }
    return found | {plain(name): list(cells) for name, (cells, _) in read_totals(table, place).items()}
