"""`outcomes audit`: a reader who wants to know, set on finished releases; it has their files and knows all the rules.

What is looked for, release by release:

==============  ====================================================================================================
``recovered``   a hidden count of which only one small value is left
``narrowed``    a hidden count known to be small of which some of the values 1 to k-1 are left, not all
``printed``     a small count that stands in a file as a number
``identifier``  text in any byte of a file that can only be an e-mail address, a phone or record number, or the like
``unsettled``   a hidden count for which the search took too long; counted as found, because nothing was shown for it
==============  ====================================================================================================

An internal release (`audit_book`, `audit_system`) hides counts of 1 to k-1 with k from its own protocol. A public one
is put to `public.attack`, together with the earlier public releases that are named beside it. Curves worked back into
single events, differences of two shown numbers of nested groups, two internal releases held against each other, and
what a reader knows from elsewhere are not tried.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outcomes.errors import Finding, InputRefused
from outcomes.records.identifiers import scan_text
from outcomes.release import audit_names as names
from outcomes.release.audit_book import Book, Cell, read_csv
from outcomes.release.audit_relations import relate
from outcomes.release.audit_system import Answer
from outcomes.release.audit_text import find_few_in_words, read_texts
from outcomes.release.public.attack import attack
from outcomes.release.public.attack_files import read_curves, read_tables
from outcomes.release.public.attack_releases import was_told
from outcomes.release.public.counts import name_definition
from outcomes.release.public.model import HIDDEN_CELL, RULES, Attacked, ShownCurve, ShownTable
from outcomes.release.public.rounding import round_counts
from outcomes.release.signature import is_in_drafts
from outcomes.release.staging import MANIFEST
from outcomes.release.verify import read_manifest

RECOVERED, NARROWED, PRINTED = "recovered", "narrowed", "printed"
IDENTIFIER, UNSETTLED = "identifier", "unsettled"
KINDS = {
    RECOVERED: "hidden counts worked out exactly",
    NARROWED: "hidden counts narrowed to few values",
    PRINTED: "small counts printed",
    IDENTIFIER: "texts that look like identifiers",
    UNSETTLED: "hidden counts not settled in time",
}
COLUMNS = ("release", "audience", "kind", "file", "line", "row", "column", "shown", "possible", "way")
PUBLIC_COLUMNS = {"table", "cohort", "row", "column", "patients"}
_HOSTS = ("w3.org", "doi.org", "purl.org", "adobe.com", "aiim.org", "openxmlformats.org", "sil.org", "jupyter.org")
"""Name spaces of page, picture and PDF, and sources of methods."""
_MOST_LINES = 12
_NO_RELEASE = "E971"
_UNREADABLE = "E972"


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    file, row, column : str
    line : int
        Line of the file; 0 where it has none.
    shown : str
        What stands there: a mark, a number, a masked text.
    possible : str
        Values that are left.
    way : str
        How, in a few words.
    """

    kind: str
    file: str
    line: int
    row: str
    column: str
    shown: str
    possible: str
    way: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What the attacker found in one release.

    Attributes
    ----------
    folder : Path
    audience : str
        ``"clinic"`` or ``"public"``.
    n_files, n_counts, n_hidden : int
        Files read, counts in the tables, those of them that are hidden.
    found : tuple of Found
    """

    folder: Path
    audience: str
    n_files: int
    n_counts: int
    n_hidden: int
    found: tuple[Found, ...]

    def count(self, kind: str) -> int:
        """Return how many things of one kind were found."""
        return sum(item.kind == kind for item in self.found)

    def table(self) -> str:
        """Return what was found as lines for a terminal."""
        head = f"{self.folder}  ({self.audience} release)"
        lines = [
            head,
            f"  {self.n_counts:>7,}  counts in its tables, {self.n_hidden:,} of them hidden; {self.n_files} files",
        ]
        lines += [
            f"  {self.count(kind):>7,}  {words}"
            for kind, words in KINDS.items()
            if kind != UNSETTLED or self.count(kind)
        ]
        for item in self.found[:_MOST_LINES]:
            place = (
                f"{item.file}"
                + (f" line {item.line}" if item.line else "")
                + (f", {item.column}" if item.column else "")
            )
            left = f": {item.possible}" if item.possible else ""
            lines.append(f"           {item.kind}: {place} ({item.shown}){left}{' · ' + item.way if item.way else ''}")
        if len(self.found) > _MOST_LINES:
            lines.append(f"           and {len(self.found) - _MOST_LINES:,} more; --csv FILE lists them all")
        return "\n".join(lines)


def audit_releases(folders: Sequence[Path], beside: Sequence[Path] = ()) -> tuple[Audit, ...]:
    """Attack releases, each public one together with the earlier public ones among them.

    Of one quarter the draft is later than what is published.

    Parameters
    ----------
    folders : sequence of Path
    beside : sequence of Path
        Releases the reader knows too, which are not asked about themselves.

    Raises
    ------
    InputRefused
        A folder is no release (E971), or a table of it cannot be read (E972).
    """
    opened = [(folder, _open(folder)) for folder in (*folders, *beside)]
    when = {
        i: (str(manifest.get("quarter", "")), is_in_drafts(folder))
        for i, (folder, manifest) in enumerate(opened)
        if _is_public(manifest)
    }
    in_order = sorted(when, key=lambda i: when[i])
    return tuple(
        _audit_public(folder, manifest, [opened[j] for j in in_order if when[j] < when[i]])
        if i in when
        else _audit_clinic(folder, manifest)
        for i, (folder, manifest) in enumerate(opened[: len(folders)])
    )


def write_csv(audits: Sequence[Audit], path: Path) -> None:
    """Write everything that was found, one line each (`COLUMNS`)."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for audit in audits:
            for item in audit.found:
                place = (item.file, item.line or "", item.row, item.column)
                writer.writerow((audit.folder, audit.audience, item.kind, *place, item.shown, item.possible, item.way))


def attack_book(book: Book, thorough: bool = False) -> tuple[tuple[Cell, str, Answer], ...]:
    """Answer for each hidden count, and for each rest of a part: its cell, which of both it is, what is left."""
    asked = _list_asked(book)
    answers = book.system.look_into(asked, thorough)
    return tuple((*asked[at], answer) for at, answer in answers.items())


def find_told(book: Book, only: Collection[int] | None = None) -> dict[int, Found]:
    """Find what a reader of all tables would know of small counts, by the place of each in the system.

    Parameters
    ----------
    book : Book
        With what its tables are to each other (`audit_relations.relate`).
    only : collection of int, optional
        Places to ask about; all hidden counts and all rests when not given.
    """
    printed = {cell.at: _of_cell(PRINTED, cell, "", "printed") for cell in book.cells if _is_few(book, cell)}
    return printed | _find_left(book, only)


def _find_left(book: Book, only: Collection[int] | None = None) -> dict[int, Found]:
    """What is told of hidden counts, and of what parts leave of their wholes."""
    asked = {at: item for at, item in _list_asked(book).items() if only is None or at in only}
    found = {}
    for at, answer in book.system.look_into(asked).items():
        cell, which = asked[at]
        if (which == "count" or not _is_told(book, cell)) and (judged := _judge(book, cell, which, answer)):
            found[at] = judged[0]
    return found


def _list_asked(book: Book) -> dict[int, tuple[Cell, str]]:
    asked: dict[int, tuple[Cell, str]] = {}
    for cell in book.cells:
        if book.is_mark(cell.text):
            asked.setdefault(cell.at, (cell, "count"))
    for cell, at in book.rests():
        asked.setdefault(at, (cell, "rest"))
    return asked


def find_printed(book: Book) -> list[Found]:
    """Find small counts that stand in a table as numbers."""
    return [_of_cell(PRINTED, cell, "", "printed") for cell in book.cells if _is_few(book, cell)]


def _is_few(book: Book, cell: Cell) -> bool:
    return not book.is_mark(cell.text) and 0 < float(cell.text) < book.floor


def _open(folder: Path) -> dict[str, Any]:
    manifest, unreadable = read_manifest(folder) if folder.is_dir() else ({}, "")
    if not manifest:
        what = f"has a {MANIFEST} that {unreadable}" if (folder / MANIFEST).is_file() else f"holds no {MANIFEST}."
        what = what if folder.is_dir() else "is not a folder."
        remedy = "Name the folder of one release, for example reports/2026Q2."
        raise InputRefused("There is no release to audit.", [Finding(_NO_RELEASE, what, str(folder), remedy)])
    return manifest


def _is_public(manifest: dict[str, Any]) -> bool:
    return manifest.get("audience") == "public"


def _read(folder: Path) -> dict[str, list[dict[str, str]]]:
    try:
        paths = sorted((folder / "tables").glob("*.csv"))
        return {path.stem: read_csv(path.read_text(encoding="utf-8")) for path in paths}
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        remedy = "Make the release again, or take it from its archive."
        finding = Finding(_UNREADABLE, type(fault).__name__, str(folder / "tables"), remedy)
        raise InputRefused("The tables of this release cannot be read.", [finding]) from fault


def _audit_clinic(folder: Path, manifest: dict[str, Any]) -> Audit:
    floor = int(manifest.get("protocol", {}).get("reporting_floor", {}).get("suppress_cell_below", 5))
    book = Book(_read(folder), floor)
    relate(book)
    found = [*find_printed(book), *_find_left(book).values()]
    n_files, in_text = _scan(folder, floor)
    order = {kind: i for i, kind in enumerate(KINDS)}
    found = sorted([*found, *in_text], key=lambda item: (order[item.kind], item.file, item.line, item.column))
    return Audit(
        folder, "clinic", n_files, len(book.cells), sum(book.is_mark(c.text) for c in book.cells), tuple(found)
    )


def _is_told(book: Book, cell: Cell) -> bool:
    """Whether a small count is known all the same to be what is left of a part that may be shown beside its whole."""
    return (cell.table, cell.column) in names.RESTS_SHOWN or cell.column in names.RESTS_OF_COLUMNS


def _judge(book: Book, cell: Cell, which: str, answer: Answer) -> list[Found]:
    if answer.other or not answer.small or len(answer.small) == book.floor - 1:
        return []
    kind = UNSETTLED if not answer.settled else RECOVERED if len(answer.small) == 1 else NARROWED
    if which == "rest" and kind == RECOVERED and not book.is_mark(cell.text):
        kind = PRINTED
    possible = ", ".join(map(str, answer.small)) + (" without it" if which == "rest" else "")
    return [_of_cell(kind, cell, possible, answer.way)]


def _of_cell(kind: str, cell: Cell, possible: str, way: str) -> Found:
    return Found(kind, f"tables/{cell.table}.csv", cell.line, cell.row, cell.column, cell.text, possible, way)


def _scan(folder: Path, floor: int) -> tuple[int, list[Found]]:
    """Read every byte of a release for identifiers, and its prose for small counts of people."""
    found, paths = [], sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    for path in paths:
        name = path.relative_to(folder).as_posix()
        seen: set[tuple[str, str]] = set()
        for text in (name, *read_texts(path)):
            for hit in scan_text(text, _HOSTS):
                if hit not in seen:
                    seen.add(hit)
                    found.append(Found(IDENTIFIER, name, 0, "", "", hit[1], "", hit[0]))
            if path.suffix in (".html", ".svg", ".pdf", ".ipynb"):
                found += [
                    Found(PRINTED, name, 0, "", "", few, "", "in words") for few in find_few_in_words(text, floor)
                ]
    return len(paths), found


def _audit_public(folder: Path, manifest: dict[str, Any], before: Sequence[tuple[Path, dict[str, Any]]]) -> Audit:
    tables, curves = _public_tables(folder, manifest)
    earlier = [_public_tables(other, of_other)[0] for other, of_other in before]
    same = [_define_patients(of_other) == _define_patients(manifest) for _, of_other in before]
    shown = [item for item in attack(tables, curves, earlier) if not item.enough]
    found = [_of_public(item) for item in shown if not _was_told(item, (*earlier, tables), (*same, True))]
    k = int(manifest.get("rules", {}).get("least_patients_shown", RULES.k))
    found += [item for table in tables for item in _find_low(table, k)]
    found += [item for curve in curves for item in _find_low_points(curve, k)]
    n_files, in_text = _scan(folder, min((_least(k, table.base) for table in (*tables, *curves)), default=k))
    counts = [value for table in tables for _, value in table.list_numbers()]
    n_counts = len(counts) + sum(len(curve.at_risk) + len(curve.new_events) for curve in curves)
    return Audit(folder, "public", n_files, n_counts, counts.count(HIDDEN_CELL), (*found, *in_text))


def _was_told(item: Attacked, releases: Sequence[Sequence[ShownTable]], same: Sequence[bool]) -> bool:
    """Whether an older release, oldest first here, told as much by printing what is hidden in another."""
    at = len(releases) - 1 - item.release
    older = [tables for tables, is_same in zip(releases[:at], same, strict=False) if is_same]
    return same[at] and was_told(item, releases[at], older, RULES)


def _least(k: int, base: int) -> int:
    """The least number a public release prints: whether one may be shown is decided first, then it is rounded."""
    return int(round_counts(k, base))


def _find_low(table: ShownTable, k: int) -> list[Found]:
    return [
        Found(PRINTED, f"tables/public_{table.name}.csv", 0, name, "patients", str(value), "", "")
        for name, value in table.list_numbers()
        if value != HIDDEN_CELL and 0 < value < _least(k, table.base)
    ]


def _find_low_points(curve: ShownCurve, k: int) -> list[Found]:
    """Points of few patients; what is printed of each is rounded like the tables."""
    columns = {"new_events": curve.new_events, "at_risk": curve.at_risk}
    return [
        Found(
            PRINTED, f"tables/public_{curve.name}_curve.csv", 0, f"{curve.group}, day {day}", name, str(value), "", ""
        )
        for name, values in columns.items()
        for day, value in zip(curve.days.tolist(), values.tolist(), strict=True)
        if 0 < value < _least(k, curve.base)
    ]


def _public_tables(folder: Path, manifest: dict[str, Any]) -> tuple[tuple[ShownTable, ...], tuple[Any, ...]]:
    rows: list[dict[str, str]] = []
    curves: tuple[Any, ...] = ()
    for name, lines in _read(folder).items():
        if lines and set(lines[0]) >= PUBLIC_COLUMNS:
            rows += lines
        elif name.endswith("_curve"):
            curves = (*curves, *read_curves(lines))
    made = {name: how for name, how in manifest.get("tables", {}).items() if isinstance(how, dict)}
    bases = {name: int(how["base"]) for name, how in made.items() if "base" in how}
    parents = {str(how["cohort"]): (how["parent"], how["column"]) for how in made.values() if how.get("parent")}
    return read_tables(rows, bases, parents, definition=_define_patients(manifest)), curves


def _define_patients(manifest: Mapping[str, Any]) -> str:
    """What decided who was counted; manifests that do not say it had the whole protocol decide."""
    said = manifest.get("definitions", {})
    whole = name_definition(str(said.get("protocol", "")), str(said.get("codebook", "")))
    return str(said.get("patients", whole))


def _of_public(item: Attacked) -> Found:
    kind = RECOVERED if item.low == item.high else NARROWED
    possible = str(item.low) if item.low == item.high else f"{item.low} to {item.high}"
    return Found(kind, f"tables/public_{item.table}.csv", 0, item.cell, "patients", "hidden", possible, item.way)
