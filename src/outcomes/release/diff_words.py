"""A diff of two releases as a table on the screen, as a sentence, and as a CSV file."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from outcomes.release.diff_tables import APPEARED, GONE, MOVED, PARTS, SAME, UNATTRIBUTED, UNSEEN, Movement, say_part
from outcomes.release.marks import HIDDEN

if TYPE_CHECKING:
    from outcomes.release.diff import ReleaseDiff

SHOWN = 20
_LONGEST = 84
_HEADLINES = (("relief", "the share relieved by day"), ("recurrence", "the share back by day"))


def show_diff(diff: ReleaseDiff, most: int = SHOWN) -> str:
    """Return what to print: what changed, the summary, what could not be attributed, and the largest movements."""
    lines = [f"{diff.old.name} to {diff.new.name}", f"changed: {', '.join(diff.changes) or 'nothing'}"]
    if diff.rows is not None:
        r = diff.rows
        days = f"{r.n_corrected_days:,} patient-days with other content, {r.n_gone_days:,} gone"
        repeated = f"; {r.n_repeated_days:,} with the same rows more or fewer times" if r.n_repeated_days else ""
        lines.append(f"rows: {r.n_added:,} added; {days}{repeated}")
    lines += ["", *summarise(diff)]
    if moved := diff.moved[:most]:
        lines += ["", "The largest movements, in half widths of their old interval:", *_tabulate(moved)]
        if len(diff.moved) > most:
            lines.append(f"... and {len(diff.moved) - most:,} more; --csv FILE writes all of them")
    return "\n".join(lines)


def _tabulate(moved: list[Movement]) -> list[str]:
    used = [name for name in (*PARTS, UNATTRIBUTED) if any(movement.parts.get(name) for movement in moved)]
    heads = ["estimate", "old", "new", "moved by", "half widths", *(say_part(name) for name in used)]
    rows = [heads]
    for movement in moved:
        parts = [_short(movement.parts.get(name)) for name in used]
        name = f"{movement.table} {movement.row}"
        # Cut in the middle: what tells rows apart, the statistic among it, stands at the end.
        name = name if len(name) <= _LONGEST else f"{name[: _LONGEST // 2]}…{name[1 - _LONGEST // 2 :]}"
        numbers = [_short(Decimal(text), sign=False) for text in (movement.old, movement.new)]
        widths_moved = f"{movement.in_half_widths:.1f}" if movement.in_half_widths else ""
        rows.append([name, *numbers, _short(movement.difference), widths_moved, *parts])
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    return [
        "  ".join(cell.ljust(widths[0]) if i == 0 else cell.rjust(widths[i]) for i, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def _short(value: Decimal | None, sign: bool = True) -> str:
    """Four decimals, as a share needs; a part that could not be told is a question mark."""
    return "?" if value is None else f"{float(value):{'+' if sign else ''}.4f}"


def summarise(diff: ReleaseDiff) -> list[str]:
    """Say how many estimates moved, how the headlines did, and what was not attributed and why."""
    n = Counter(movement.status for movement in diff.movements)
    both = n[MOVED] + n[SAME]
    said = [f"Of {both:,} estimates that both releases give, {n[MOVED]:,} moved."]
    beside = (
        (APPEARED, "only the second gives"),
        (GONE, "only the first gives"),
        (UNSEEN, "one of the two hides or refuses"),
    )
    said += [f"{n[status]:,} more {words}." for status, words in beside if n[status]]
    said += [sentence for table, words in _HEADLINES if (sentence := _say_headline(diff, table, words))]
    return said + [f"Not attributed: {reason}." for reason in diff.not_attributed]


def _say_headline(diff: ReleaseDiff, table: str, words: str) -> str:
    """The primary estimate of a table in words: where it was, where it is, and through what."""
    key = "primary" if table == "relief" else "primary_recurrence"
    before, day = (one.manifest["protocol"]["horizons_days"][key] for one in (diff.old, diff.new))
    by_day = {m.row.removeprefix("group=all horizon_days="): m for m in diff.movements if m.table == table}
    named = f"{words[0].upper()}{words[1:]} {day}"
    found, first = by_day.get(str(day)), by_day.get(str(before))
    if day != before and first is not None and found is not None and not (found.old or first.new):
        old, new = _as_share(first.old), _as_share(found.new)
        what = f"{words[0].upper()}{words[1:]}".removesuffix(" by day")
        return (
            f"{what} is read by day {before} in the first ({old}) and by day {day} in the second ({new}): no movement."
        )
    if found is not None and found.status == UNSEEN:
        return _say_unseen(named, found)
    if found is None or found.status != MOVED:
        return ""
    old, new = _as_share(found.old), _as_share(found.new)
    parts = [
        f"{say_part(name)} {100 * float(value):+.2f}"
        for name in (*PARTS, UNATTRIBUTED)
        if (value := found.parts.get(name))
    ]
    # A digit more than the shares: rounded by themselves, these do not give the difference to a tenth.
    moved = f"{100 * float(found.difference or 0):+.2f} points"
    return f"{named} went from {old} to {new} ({moved}: {', '.join(parts)})."


def _as_share(text: str) -> str:
    return HIDDEN if text == HIDDEN else f"{100 * float(text):.1f} %" if text else "none given"


def _say_unseen(named: str, found: Movement) -> str:
    """The primary estimate where one of the two has none: nothing moved, and still it is what is asked first."""
    texts = {"first": found.old, "second": found.new}
    shown = next(which for which, text in texts.items() if text not in ("", HIDDEN))
    without = "second" if shown == "first" else "first"
    why = "hides it" if texts[without] == HIDDEN else "gives none for that day"
    return f"{named} is {100 * float(texts[shown]):.1f} % in the {shown}; the {without} {why}."


CSV_COLUMNS = ("table", "row", "status", "old", "new", "difference", *PARTS, UNATTRIBUTED, "reason")


def list_movements(diff: ReleaseDiff) -> list[tuple[str, ...]]:
    """Return one row an estimate (`CSV_COLUMNS`), decimals in full: parts add up to the difference exactly."""
    return [
        (
            *(movement.table, movement.row, movement.status, movement.old, movement.new),
            _full(movement.difference),
            *(_full(movement.parts.get(name)) for name in (*PARTS, UNATTRIBUTED)),
            movement.reason,
        )
        for movement in diff.movements
    ]


def write_csv(diff: ReleaseDiff) -> str:
    """Return all movements as CSV text that no spreadsheet runs."""
    import csv
    import io

    from outcomes.files.cells import guard

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows([guard(cell) for cell in row] for row in list_movements(diff))
    return out.getvalue()


def _full(value: Decimal | None) -> str:
    return "" if value is None else format(value, "f")
