"""The first rows of an export of which nothing is known: encoding, delimiter, header row, sheets."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from outcomes.errors import InputRefused
from outcomes.files.floors import check_floor
from outcomes.files.temporary import private_folder
from outcomes.records.columns import normalise_header
from outcomes.records.csv_head import check_delimiter
from outcomes.records.encodings import guess_encoding
from outcomes.records.file_names import name_file
from outcomes.records.hidden_sheets import mask_hidden
from outcomes.records.identifiers import header_words
from outcomes.records.identifiers_unread import SAMPLE_ROWS
from outcomes.records.inspect_columns import NAMES
from outcomes.records.kinds import find_kind
from outcomes.records.mapping import FileOptions, Mapping
from outcomes.records.plain_words import mask_person
from outcomes.records.rules import refuse
from outcomes.records.sheets import find_sheet, refer_to_sheet, show_sheet, write_sheet
from outcomes.records.text_stream import MARKS

_BYTES = 1 << 19
_FOOT_BYTES = 1 << 12
_LOOK_AHEAD = 30
_LINES_GUESSED_BY = 200
ASK_WHAT_SHEETS_ARE = (
    '[file] sheet_as: if each sheet is a clinic, take the mark from the line sheet_as = "clinic_id", and the name of a '
    "row's sheet is its clinic; if the sheets are months or parts of one list, leave it"
)
_DELIMITERS = (",", ";", "\t", "|")
_REQUIRED = tuple(
    frozenset(name for field in fields for name in (field.replace("_", " "), *NAMES[field]))
    for fields in (("patient_id",), ("visit_date", "visit_day"))
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook: what it is called, whether it is read, or hidden, and its rows where these are known."""

    name: str
    is_hidden: bool
    n_rows: int | None = None
    is_read: bool = False


@dataclass(frozen=True, slots=True)
class Top:
    """What stands at the top of a file.

    Attributes
    ----------
    kind : str
        ``"csv"``, ``"xlsx"`` or ``"parquet"``.
    options : FileOptions
        How the file is to be read, as proposed.
    evidence : dict of str to str
        Option -> why.
    header : tuple of str
    cells : tuple of list of str
        Some cells of each column.
    sheets : tuple of Sheet
    foot : str
        The last lines of a CSV file.
    open_questions : tuple of str
        What only the clinic can say.
    """

    kind: str
    options: FileOptions
    evidence: dict[str, str]
    header: tuple[str, ...]
    cells: tuple[list[str], ...]
    sheets: tuple[Sheet, ...] = ()
    foot: str = field(default="", repr=False)
    open_questions: tuple[str, ...] = ()


def read_top(path: Path, mapping: Mapping) -> Top:
    """Read the first rows of an export.

    Parameters
    ----------
    path : Path
    mapping : Mapping
        What is known of it already; its ``[file]`` goes before what is found.

    Raises
    ------
    InputRefused
        The file is none of the kinds that are read, or nothing in it looks like a table.
    """
    kind = find_kind(path)
    if kind == "csv":
        return _top_of_csv(path, mapping)
    return _top_of_workbook(path, mapping) if kind == "xlsx" else _top_of_parquet(path, mapping)


def score_header(cells: Sequence[str], declared: Mapping | None = None) -> int:
    """Return how many of a row's cells are words that a column of visits could have, or headers a mapping names."""
    known = {name.replace("_", " ") for name in NAMES} | {name for names in NAMES.values() for name in names}
    known |= {header_words(header).strip() for header in declared.columns.values()} if declared else set()
    return sum(header_words(cell).strip() in known for cell in cells if cell.strip())


def _top_of_csv(path: Path, mapping: Mapping) -> Top:
    options, evidence = mapping.file, {}
    with path.open("rb") as file:
        data = file.read(_BYTES)
        file.seek(max(0, path.stat().st_size - _FOOT_BYTES))
        foot = file.read(_FOOT_BYTES)
    text, options, evidence["encoding"] = _decode(data, options)
    lines = text.splitlines()[: options.header_row + 2 * _LOOK_AHEAD]
    if not any(line.strip() for line in lines):
        raise refuse("E113", "there is no row with a cell.", name_file(path), "Export it again.")
    if options.delimiter and len(lines) >= options.header_row:
        check_delimiter(lines[options.header_row - 1], options.delimiter, mapping, name_file(path))
    options, evidence["delimiter"] = _find_delimiter(lines, options)
    rows = list(_split(text, options.delimiter or ","))
    options, evidence["header_row"] = _find_header_row(rows, options, name_file(path), mapping)
    header, below = tuple(rows[options.header_row - 1]), rows[options.header_row :]
    cells = tuple([row[i] for row in below if i < len(row)] for i in range(len(header)))
    return Top("csv", options, evidence, header, cells, foot=foot.decode("ascii", "replace"))


def _decode(data: bytes, options: FileOptions) -> tuple[str, FileOptions, str]:
    cut = data[: data.rfind(b"\n") + 1] or data
    for mark, name in MARKS:
        if data.startswith(mark):
            text = (cut if name == "utf-8" else data).decode(name, "replace").lstrip("\ufeff")
            words = f"the mark of {name.removesuffix('-le').removesuffix('-be').upper()} at its start"
            return text, replace(options, encoding="utf-8"), words
    try:
        return cut.decode(options.encoding), options, "all bytes looked at are valid"
    except UnicodeDecodeError:
        guess = guess_encoding([line for line in cut.split(b"\n") if not line.isascii()][:_LINES_GUESSED_BY])
        words = "not UTF-8: a guess, check a name with an accent"
        return cut.decode(guess, "replace"), replace(options, encoding=guess), words


def _split(text: str, delimiter: str) -> list[list[str]]:
    rows = []
    try:
        for row, _ in zip(
            csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter),
            range(SAMPLE_ROWS + 60),
            strict=False,
        ):
            rows.append(row)
    except csv.Error:  # a field of more than 128 kB: what came before it has to do
        return rows
    return rows


def _find_delimiter(lines: Sequence[str], options: FileOptions) -> tuple[FileOptions, str]:
    if options.delimiter:
        return options, "declared"
    ranks: dict[str, tuple[int, int, int]] = {}
    evidence: dict[str, str] = {}
    for delimiter in _DELIMITERS:
        rows = [row for row in _split("\n".join(lines), delimiter) if row]
        if rows:  # none where the first line is longer than a reader takes
            width, n = Counter(map(len, rows)).most_common()[0]
            ranks[delimiter] = max(map(score_header, rows)), n if width > 1 else 0, width
            evidence[delimiter] = f"{n} of the first {len(rows)} lines have {width} cells with it"
    best = max(ranks, key=lambda delimiter: ranks[delimiter], default=",")
    return replace(options, delimiter=best), evidence.get(best, "")


def _find_header_row(
    rows: Sequence[Sequence[str]], options: FileOptions, place: str, declared: Mapping
) -> tuple[FileOptions, str]:
    if options.header_row > len(rows):
        what = f"there is no row {options.header_row} to take headers from."
        raise refuse("E113", what, place, "Correct [file] header_row in the mapping, or export again.")
    if options.header_row > 1:
        return options, "declared"
    first = rows[:_LOOK_AHEAD]
    width = Counter(len(row) for row in rows if len(row) > 1).most_common()
    fits = [i for i, row in enumerate(first) if width and len(row) == width[0][0]]
    if not fits:
        return options, "the first row"
    best = max(fits, key=lambda i: (score_header(first[i], declared), -i))
    n = score_header(first[best], declared)
    return replace(options, header_row=best + 1), f"{n} of its {len(first[best])} cells are known headers"


def _top_of_workbook(path: Path, mapping: Mapping) -> Top:
    from outcomes.records import workbook_child
    from outcomes.records.child import start_child

    options = mapping.file
    with private_folder() as folder:
        request = {
            "path": str(path),
            "folder": str(folder),
            "sheets": options.named_sheets,
            "header_row": options.header_row,
        }
        with start_child(workbook_child.__name__, request, "workbook", name_file(path)) as child:
            book = child.ask()
    visible = book["visible"]
    full = {name: rows for name, rows in book["top"].items() if any(any(row) for row in rows)}
    if not full:
        raise refuse("E113", "no visible sheet has any cell.", name_file(path), "Export it again.")
    name = max(full, key=lambda sheet: max(score_header(row, mapping) for row in full[sheet]))
    one = options.sheet if options.sheet is not None or len(full) == 1 else refer_to_sheet(name, visible, mapping)
    options, why = _find_header_row(full[name], replace(options, sheet=one), name_file(path), mapping)
    header, below = full[name][options.header_row - 1], full[name][options.header_row :]
    cells = tuple([row[i] for row in below] for i in range(len(header)))  # rows of a sheet are equally long
    evidence = {"header_row": why, "sheet": f"of {len(full)} visible sheets with cells the one most like visits"}
    asked: tuple[str, ...] = ()
    if mapping.file.sheet is None:
        alike = [sheet for sheet in full if _has_header(full[sheet], options.header_row, header)]
        rivals = [sheet for sheet in full if sheet == name or _holds_visits(full[sheet], header)]
        if len(rivals) > len(alike):
            told = ([refer_to_sheet(sheet, visible, mapping) for sheet in own] for own in (rivals, alike))
            asked = (_ask_which_sheet(*told),)
        elif len(alike) > 1:
            options = replace(options, sheet=tuple(refer_to_sheet(sheet, visible, mapping) for sheet in alike))
            evidence["sheet"] = "all have one header line and are read like files of their own"
            asked = () if options.sheet_as or _names_clinic(header) else (ASK_WHAT_SHEETS_ARE,)
    sheets = tuple(_describe_sheets(book, options, mapping))
    return Top("xlsx", options, evidence, tuple(header), cells, sheets, open_questions=asked)


def _describe_sheets(book: dict[str, Any], options: FileOptions, mapping: Mapping) -> Iterator[Sheet]:
    """Yield the visible sheets and then the hidden ones; one that is not called by its name has its shape beside it."""
    visible, hidden = book["visible"], book["hidden"]
    read = visible if options.named_sheets is None else [find_sheet(told, visible) for told in options.named_sheets]
    for sheet in visible:
        shown = show_sheet(sheet, visible, mapping)
        name = shown if shown == sheet else f"{shown}: {mask_person(sheet)}"
        yield Sheet(name, is_hidden=False, is_read=sheet in read)
    for sheet in hidden:
        yield Sheet(mask_hidden(sheet), True, hidden[sheet] if isinstance(hidden, dict) else None)


def _has_header(rows: Sequence[Sequence[str]], header_row: int, header: Sequence[str]) -> bool:
    """Whether a sheet has these headers in this row, in any order."""
    own = rows[header_row - 1] if header_row <= len(rows) else []
    return {normalise_header(cell) for cell in own} == {normalise_header(cell) for cell in header}


def _names_clinic(header: Sequence[str]) -> bool:
    known = {"clinic id", *NAMES["clinic_id"]}
    return any(header_words(cell).strip() in known for cell in header)


def _holds_visits(rows: Sequence[Sequence[str]], header: Sequence[str]) -> bool:
    """Whether a row of a sheet names a patient and a day, or has most of the headers of another sheet."""
    wanted = {header_words(cell).strip() for cell in header if cell.strip()}
    for row in rows[:_LOOK_AHEAD]:
        words = {header_words(cell).strip() for cell in row if cell.strip()}
        if _REQUIRED[0] & words and _REQUIRED[1] & words:
            return True
        if len(words) > 1 and len(words & wanted) >= 0.8 * len(wanted):
            return True
    return False


def _ask_which_sheet(names: Sequence[str | int], alike: Sequence[str | int]) -> str:
    several = ", ".join(map(write_sheet, alike))
    more = f"; those with one header line can be read together, sheet = [{several}]" if len(alike) > 1 else ""
    listed = ", ".join(map(write_sheet, names))
    return f"[file] sheet: {listed} each look like visits, and one is read: name it{more}"


def _top_of_parquet(path: Path, mapping: Mapping) -> Top:
    from outcomes.records import inspect_child
    from outcomes.records.child import start_child

    check_floor("pyarrow", "read a Parquet file")
    request = {"path": str(path), "n_rows": SAMPLE_ROWS}
    with start_child(inspect_child.__name__, request, "Parquet file", name_file(path)) as child:
        answer = child.ask()
    header = tuple(answer["names"])
    cells = tuple(answer["cells"].get(str(position), []) for position in range(len(header)))
    return Top("parquet", mapping.file, {}, header, cells)


__all__ = ["InputRefused", "Sheet", "Top", "read_top", "score_header"]
