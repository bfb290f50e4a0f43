"""Which column of a file is which field: by header, never by position; what is not asked for is not read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from outcomes.errors import Finding, InputRefused
from outcomes.records.folding import fold_text
from outcomes.records.identifier_kinds import may_be_birth
from outcomes.records.mapping import FIELDS, Mapping
from outcomes.records.model import SourceFile

ROW, BLANK = "row:", "blank:"
"""What a key begins with that is no field: a column that only tells non-data, a column without a header."""

NO_HEADERS = (
    "Export it with a line of headers, or write one above the first row; if the headers stand in another row, say so "
    "in the mapping: [file] header_row."
)
"""What to do about a file whose first row is a visit already."""

_SPLIT_REMEDY = "Split it into columns (in a spreadsheet: Data, Text to Columns), or give the text file itself."
_MASK_LENGTH = 20
_MOST_HEADERS = 40
_FEWEST_WORDS = 2
_FEWEST_DATE_HEADERS = 3
_BREAK = re.compile(r"\s*[\r\n]+\s*")
_NUMBER = re.compile(r"\d+")
_NUMBERED = re.compile(r"(.*[^\d\s_.-])[\s_.-]*(?!0|1$)(\d{1,3})")
_FIRST = re.compile(r"(?<=[^\d\s_.-])[\s_.-]*0?1$")
_SCALE = re.compile(r"(?<!\d)[01] ?(?:-|–|to|bis|\.\.) ?100?(?!\d)", re.IGNORECASE)
_DATE_HEADER = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?: 00:00:00|t00:00:00)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_VALUE = re.compile(
    rf"[+-]?\d+(?:[.,]\d+)?|(?:{_DATE_HEADER.pattern})(?:[ t]\d\d?:\d\d\S*)?|[a-z]{{0,4}}[_-]?\d{{3,}}", re.IGNORECASE
)
_VALUES_SHARE = 0.25
_VISIT_WORDS = ("visit", "date", "day", "pain", "session", "week", "vas", "nrs", "score", "follow", "treatment")
_TOLD = ("pain", "vas", "nrs", "score", "session", "treatment")
_LIKELY: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "patient_id": (("patient_id", ("patient", "subject", "client", "mrn", "pid", "case")),),
    "visit_date": (("visit_date", ("date", "datum", "start")), ("visit_day", ("day",))),
}


def mask(value: str) -> str:
    """Return the shape of a value without its content: letters become x, digits 9, cut at 20 characters."""
    shape = "".join("x" if c.isalpha() else "9" if c.isdigit() else c if c.isprintable() else "?" for c in value[:20])
    return shape + ("…" if len(value) > _MASK_LENGTH else "")


def show_header(header: str) -> str:
    """Return a header for a message; one that looks like a value (a file without a header row) is masked.

    The ends of a scale that stand in it are no value: "Pain (0-10)", "VAS 0 to 100". A line break in it is a blank.
    Nor may it name a person ("Dr. Keller"), unless it has a word that headers are made of: "Max Pain". Of a word that
    is not known to be ordinary, the shape is shown (`show_plain`): the letter of the column stands beside it.
    """
    from outcomes.records.person_shapes import names_person, starts_with_given
    from outcomes.records.plain_words import has_header_word, show_plain

    header = _BREAK.sub(" ", header)
    digits = sum(character.isdigit() for character in _SCALE.sub("", header))
    is_value = digits > 2 or "@" in header or len(header) > 60
    is_person = names_person(header) or starts_with_given(header)
    return mask(header) if is_value or (is_person and not has_header_word(header)) else show_plain(header)


def looks_like_values(header: Sequence[str]) -> bool:
    """Whether a row in the place of headers is one of a patient: a quarter of its cells are numbers, dates or ids.

    Names and words beside them are values too then, and none of the row may be told.
    """
    filled = [cell.strip() for cell in header if cell.strip()]
    return sum(bool(_VALUE.fullmatch(cell)) for cell in filled) > _VALUES_SHARE * len(filled)


def normalise_header(header: str) -> str:
    """Return the form in which headers are compared: no case, no invisible characters, single blanks."""
    return " ".join(fold_text(header).split()).casefold()


def column_letter(index: int) -> str:
    """Return the spreadsheet letter of a column counted from 0."""
    letters = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns to read from one file.

    Attributes
    ----------
    header : tuple[str, ...]
        Every header of the file.
    index : dict[str, int]
        Key -> column counted from 0. A key is a field, ``"flag:"`` and a key of `Mapping.ticked`, or ``"row:"`` and a
        header that `mapping.non_data` names.
    notes : tuple[str, ...]
    """

    header: tuple[str, ...]
    index: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def positions(self) -> list[int]:
        """Columns to read, each once, in file order."""
        return sorted(set(self.index.values()))

    def places(self, prefix: str = "") -> dict[str, tuple[str, str]]:
        """Return key without prefix -> (header, letter); an empty prefix gives the fields."""
        chosen = {k: i for k, i in self.index.items() if (k.startswith(prefix) if prefix else ":" not in k)}
        return {k.removeprefix(prefix): (self.header[i].strip(), column_letter(i)) for k, i in chosen.items()}

    def describe(self, path: Path, name: str, kind: str, sheet: str = "", encoding: str = "") -> SourceFile:
        """Describe the file these columns are read from; its records are counted later."""
        return SourceFile(
            name=name,
            sheet=sheet,
            kind=kind,
            size_bytes=path.stat().st_size,
            n_rows=0,
            header=self.header,
            field_columns=self.places(),
            modality_columns=self.places("flag:"),
            unread_columns=self.unread,
            encoding=encoding,
            path=path,
        )

    @property
    def unread(self) -> tuple[str, ...]:
        """Headers of the columns that are not read."""
        read = {i for key, i in self.index.items() if not key.startswith(BLANK)}
        return tuple(
            show_header(h.strip()) or f"(column {column_letter(i)}, no header)"
            for i, h in enumerate(self.header)
            if i not in read
        )


def wanted_headers(mapping: Mapping) -> dict[str, str]:
    """Return key -> normalised header of every column the mapping asks for; keys as in `Wanted.index`."""
    keys = {name: normalise_header(header) for name, header in mapping.columns.items() if header}
    keys |= {f"flag:{key}": normalise_header(header) for key, (header, _) in mapping.ticked.items()}
    taken = set(keys.values())
    keys |= {name: name for name in FIELDS if name not in mapping.columns and name not in taken}
    keys |= {f"row:{header}": normalise_header(header) for header in mapping.non_data if header not in FIELDS}
    return keys


def count_known(header: Sequence[str], mapping: Mapping) -> int:
    """Return how many of the wanted columns this header line has."""
    found = {normalise_header(cell) for cell in header}
    return len(found & set(wanted_headers(mapping).values()))


def has_required(header: Sequence[str], mapping: Mapping) -> bool:
    """Whether this header line has a patient and a day."""
    found = {normalise_header(cell) for cell in header}
    keys = wanted_headers(mapping)
    have = {key for key, name in keys.items() if name in found}
    return "patient_id" in have and bool(have & {"visit_date", "visit_day"})


def choose_columns(header: Sequence[str], mapping: Mapping, place: str, hint: str = "") -> Wanted:
    """Find the wanted columns in a header line.

    Parameters
    ----------
    header : sequence of str
        The header line's cells.
    mapping : Mapping
    place : str
        ``file`` or ``file › sheet``, for messages.
    hint : str
        A remedy that goes first when required columns are missing, for example another header row.

    Returns
    -------
    Wanted

    Raises
    ------
    InputRefused
        A required or declared column is missing, or a wanted header stands there twice.
    """
    names = [normalise_header(cell) for cell in header]
    keys = wanted_headers(mapping)
    findings = [*_missing(header, names, keys, mapping, place, hint), *_twice(header, names, keys, place)]
    if findings:
        raise InputRefused(f"{place} cannot be read.", findings)
    index = {key: names.index(name) for key, name in keys.items() if name in names}
    index |= {f"{BLANK}{i}": i for i, name in enumerate(names) if not name}
    notes = (*_folded_notes(header, names, index, place), *_twice_unread(header, names, set(index.values()), place))
    return Wanted(tuple(header), index, notes)


def _missing(
    header: Sequence[str], names: list[str], keys: dict[str, str], mapping: Mapping, place: str, hint: str
) -> list[Finding]:
    absent = [key for key, name in keys.items() if name not in names]
    # Where one header is known, the row is one of headers, whatever the others look like: 97110, 97140.
    none_known = len(absent) == len(keys)
    are_values = none_known and looks_like_values(header)
    # One cell alone above the headers says what a report is of, and of whom.
    is_title = none_known and bool(hint) and sum(map(bool, map(str.strip, header))) == 1
    list_found, row = partial(list_headers, header, are_values or is_title), mapping.file.header_row
    if absent and not any(names) and not hint:
        remedy = "If the headers stand in another row, say so in the mapping, [file] header_row; else export it again."
        return [Finding("E121", f"row {row} is blank, and headers should stand there.", place, remedy)]
    declared = set(mapping.columns) | {key for key in keys if ":" in key}
    findings = []
    for key in absent:
        if key in declared:
            near = get_close_matches(keys[key], names)
            remedy = ""
            if near:
                remedy = f"The nearest header is '{show_header(near[0])}' ({column_letter(names.index(near[0]))}). "
            remedy += "Correct that line of the mapping, or take it out."
            named = mapping.columns.get(key, keys[key])  # as the mapping spells it, to be found there
            findings.append(
                Finding("E123", f"the mapping names column '{show_header(named)}', which is not there.", place, remedy)
            )
    if findings:
        remedy = "If these are not the headers, say in the mapping where they stand: [file] header_row, or sheet."
        findings.append(Finding("E123", f"headers found in row {row}: {list_found()}.", place, remedy))
    has_no_day = not ({"visit_date", "visit_day"} - set(absent))
    if wide := _find_wide(names, place) if has_no_day else _find_more_days(names, keys, place):
        return [wide, *findings]
    if are_values and not hint:
        return [Finding("E121", f"row {row} holds values, no headers: {list_found()}.", place, NO_HEADERS)]
    if findings and hint:  # the mapping is right, and so are its headers, in another row
        message = f"the columns the mapping names are not in row {row}; headers found there: {list_found()}."
        return [Finding("E123", message, place, hint)]
    required = ["patient_id"] if "patient_id" in absent else []
    if has_no_day:
        required.append("visit_date")
    required = [key for key in required if key not in declared]
    if required:
        lines = "; ".join(_guess(key, header) for key in required)
        if joined := _show_joined(header, keys):
            return [Finding("E121", joined, place, _SPLIT_REMEDY), *findings]
        words = " and ".join(key if key != "visit_date" else "visit_date (or visit_day)" for key in required)
        remedy = (
            f"{hint} Or write in the mapping, below [columns]: {lines}"
            if hint
            else (f"Write in the mapping, below [columns]: {lines}")
        )
        findings.insert(
            0, Finding("E121", f"required column {words} is missing; headers found: {list_found()}.", place, remedy)
        )
    return findings


def _show_joined(header: Sequence[str], keys: dict[str, str]) -> str:
    """Say that one cell holds the headers of several columns, as a text file pasted into a sheet has it; else empty."""
    filled = [cell for cell in header if cell.strip()]
    if len(filled) != 1:
        return ""
    wanted = set(keys.values())
    for mark, name in ((",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")):
        parts = [part.strip().strip('"') for part in filled[0].split(mark)]
        if len({normalise_header(part) for part in parts} & wanted) > 1:
            return f"all columns stand in one: its header holds {len(parts)} names with a {name} between them."
    return ""


def _find_wide(names: Sequence[str], place: str) -> Finding | None:
    """Find one column a visit (``date1, pain1, date2, pain2``, or dates as headers) instead of one row a visit."""
    stems: dict[str, set[str]] = {}
    for name in names:
        if number := _NUMBER.search(name):
            stems.setdefault(name[: number.start()] + "#" + name[number.end() :], set()).add(number.group())
    repeated = sorted((stem for stem, numbers in stems.items() if len(numbers) > 1), key=lambda stem: -len(stems[stem]))
    n_dates = sum(bool(_DATE_HEADER.fullmatch(name)) for name in names)
    if n_dates < _FEWEST_DATE_HEADERS and not any(word in stem for stem in repeated for word in _VISIT_WORDS):
        return None
    what = f"{n_dates} headers are dates" if n_dates else ", ".join(f"'{stem}'" for stem in repeated[:5])
    return _refuse_wide(f"{what}; # is the number of the visit", place)


def _find_more_days(names: Sequence[str], keys: dict[str, str], place: str) -> Finding | None:
    """Find further visits beside the columns of the first: ``visit_date, pain_pre, visit_date_2, pain_pre_2``.

    Only where the day and another column come again under the same number, one that is read or is of a visit by its
    words, and the first of them has no number or a 1: a second date alone may be of something else.
    """
    own = {name: key for key, name in keys.items() if name in names}
    firsts = {_FIRST.sub("", name) for name in names}
    again: dict[str, list[str]] = {}
    for name in names:
        if (found := _NUMBERED.fullmatch(name)) and found[1] in firsts:
            again.setdefault(found[2], []).append(found[1])
    days = {_FIRST.sub("", keys.get(day, "")) for day in ("visit_date", "visit_day")} - {""}
    read = {_FIRST.sub("", name) for name in own}
    wide = [
        number
        for number, stems in again.items()
        if days & set(stems) and any(stem in read or any(word in stem for word in _TOLD) for stem in set(stems) - days)
    ]
    if not wide:
        return None
    columns = ", ".join(f"'{stem}'" for stem in again[wide[0]][:5])
    return _refuse_wide(f"{columns} come again with the number {', '.join(wide[:5])}", place)


def _refuse_wide(what: str, place: str) -> Finding:
    return Finding(
        "E126",
        f"the file has one row a patient and a column a visit ({what}), "
        "but one row a visit is read: which value belongs to which day cannot be told from headers.",
        place,
        "Export the list of visits, one row each with its date, or turn the table round (long format).",
    )


def list_headers(header: Sequence[str], are_values: bool = False) -> str:
    """Return the headers of a file for a message, values masked, not all of very many; of a row of values, shapes."""
    show = mask if are_values else show_header
    shown = [f"'{show(cell.strip())}'" for cell in header if cell.strip()]
    more = f" and {len(shown) - _MOST_HEADERS} more" if len(shown) > _MOST_HEADERS else ""
    return ", ".join(shown[:_MOST_HEADERS]) + more or "none"


def show_two_rows(first: Sequence[str], second: Sequence[str], row: int) -> str:
    """Return what to do about a header of two rows; empty when it does not look like one.

    A title above several columns leaves the cells beside it blank, and the row below it holds words, not values.
    """
    words = [cell.strip() for cell in second if cell.strip()]
    has_gaps = any(not cell.strip() for cell in first[: len(second)]) and any(cell.strip() for cell in first)
    if not has_gaps or len(words) < _FEWEST_WORDS or any(c.isdigit() for word in words for c in word):
        return ""
    return (
        f"Rows {row} and {row + 1} look like one header of two rows ({list_headers(first)} above "
        f"{list_headers(words)}): make them one row in the export, or write [file] header_row = {row + 1} and the "
        "headers of that row below [columns]."
    )


def _folded_notes(header: Sequence[str], names: list[str], index: dict[str, int], place: str) -> tuple[str, ...]:
    """Say which headers that are read had invisible or special characters."""
    odd = [i for i in sorted(set(index.values())) if names[i] and fold_text(header[i]) != header[i]]
    if not odd:
        return ()
    letters = ", ".join(column_letter(i) for i in odd)
    return (f"{place}: invisible or special characters in the header of column {letters} were left out.",)


def _twice_unread(header: Sequence[str], names: list[str], read: set[int], place: str) -> Iterator[str]:
    """Say which headers that are not read stand over several columns: one of them may be what was meant.

    Columns without a header are among those that are read.
    """
    unread = [name for i, name in enumerate(names) if i not in read]
    for name in dict.fromkeys(name for name in unread if unread.count(name) > 1):
        at = [i for i, other in enumerate(names) if other == name]
        letters = ", ".join(column_letter(i) for i in at)
        shown = show_header(header[at[0]].strip())
        yield f"{place}: header '{shown}' stands in {len(at)} columns ({letters}); none is read."


def _guess(key: str, header: Sequence[str]) -> str:
    """Return the line of the mapping that is probably meant, or one to fill in."""
    from outcomes.records.plain_words import write_header

    by_name = {normalise_header(cell).replace(" ", "_").replace("-", "_"): cell.strip() for cell in header}
    by_name = {name: cell for name, cell in by_name.items() if not may_be_birth(f" {name.replace('_', ' ')} ")}
    for field, words in _LIKELY[key]:
        near = get_close_matches(field, list(by_name), cutoff=0.75)
        found = near or [name for word in words for name in by_name if word in name]
        if found:
            own = by_name[found[0]]
            return f"{field} = {write_header(own, column_letter([cell.strip() for cell in header].index(own)))}"
    return f'{key} = "the header in your file"'


def _twice(header: Sequence[str], names: list[str], keys: dict[str, str], place: str) -> list[Finding]:
    findings = []
    for name in sorted(set(keys.values())):
        at = [i for i, other in enumerate(names) if other == name]
        if len(at) > 1:
            letters = ", ".join(map(column_letter, at))
            message = f"header '{show_header(header[at[0]].strip())}' stands in {len(at)} columns ({letters})."
            findings.append(Finding("E122", message, place, "Rename or delete one of them in the export."))
    return findings
