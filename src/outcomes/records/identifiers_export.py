"""The look for identifiers in an export: every header, every cell of the columns that are read, a sample of the others.

A column that is an identifier stops the run (E901 when nobody asked for it, E902 and E906 when it was to be read); an
identifier in a single cell sets that row aside (E903); what is only likely is said (E904, E905). Nothing is shown but
shapes.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from outcomes import arrow
from outcomes.errors import Finding, InputRefused
from outcomes.records.columns import normalise_header, show_header
from outcomes.records.identifier_checks import are_checked_numbers, leave_out_chance
from outcomes.records.identifier_kinds import BIRTH, CODE, DERIVED, NAME, OLD, RECORD
from outcomes.records.identifier_names import TITLES, fold, has_name, list_names, load_names
from outcomes.records.identifier_patterns import ID_TRIGGER, PLAIN_DATE, PLAIN_ID, TRIGGER
from outcomes.records.identifiers import (
    BOTH,
    CELLS,
    PEOPLE,
    find_header_kinds,
    find_inside,
    find_visit_year,
    find_whole,
    judge_people,
    judge_whole,
)
from outcomes.records.identifiers_unread import accept_line, describe, guard_unread, is_accepted, place_of, with_article
from outcomes.records.mapping import Mapping
from outcomes.records.model import Codes, Part, TextColumn
from outcomes.records.odd_ids import find_odd_ids
from outcomes.records.odd_terms import find_odd_terms, keep_few
from outcomes.records.person_shapes import Person, describe_people, read_as_person

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_JUDGED = 2_000
_WORDS = ("modalities", "muscles_identified", "muscles_treated", "cause", "trigger", "region", "radiation", "payer")
_ODD = 0.5
"""Fields of words: a number of eight digits and more is none of them where more terms are words."""
_BLOCK = 1 << 17
_SEVERAL_WORDS = r"[\s\v\x1c-\x1f\x{85}\pZ,]"
_ID_FIELDS = ("patient_id", "clinician_id", "clinic_id")
_CLINIC = "clinic_id"
# From these shares of the rows on, identifiers are what the column holds, and no slip of the pen.
_SLIPS, _SLIPS_OF_IDS = 0.5, 0.1
_PSEUDONYMS = "Write [privacy] pseudonymise = true in the mapping"
_DATES = ("visit_date", "onset_date")
# What a field may look like: an age over 89 is read as 90; a rating shown as a date is set aside by its own rule.
_MEANT = {"age": OLD, "age_band": OLD, "pain_pre": BIRTH, "pain_post": BIRTH}
_ID_KINDS = frozenset(
    ("e-mail address", "phone number", "fax number", "social security number", "web address", "internet address", NAME)
)


def guard_parts(parts: Sequence[Part], mapping: Mapping) -> None:
    """Look for identifiers in every file: refuse, set rows aside, or note what is likely.

    Parameters
    ----------
    parts : sequence of Part
        As read, rows that are no data already out; rows with an identifier in a cell are taken out here.
    mapping : Mapping

    Raises
    ------
    InputRefused
        With every column of every file that is an identifier.
    """
    findings: list[Finding] = []
    for part in parts:
        year = _visit_year(part)
        findings += guard_unread(part, mapping, year)
        findings += _guard_read(part, mapping, year)
    parts[0].notes.extend(_unused_accepts(parts, mapping))
    if findings:
        raise InputRefused("The export holds columns that identify people; nothing was kept of it.", findings)


def _unused_accepts(parts: Sequence[Part], mapping: Mapping) -> list[str]:
    known = {normalise_header(header) for part in parts for header in part.file.header}
    known |= {header for part in parts for header, letter in part.file.field_columns.values() if not letter}
    unused = [word for word in mapping.privacy.accept if normalise_header(word) not in known]
    return [f'E907 [privacy] accept names "{show_header(word)}", which is no column of these files.' for word in unused]


def _visit_year(part: Part) -> int:
    """Return the year most visits are of; 0 when the dates do not say."""
    if "visit_date" not in part.columns:
        return 0
    return find_visit_year(part.columns["visit_date"].values[:_MOST_JUDGED].to_pylist())


# -- columns that are read ------------------------------------------------------------


def _guard_read(part: Part, mapping: Mapping, year: int) -> list[Finding]:
    findings = []
    places = part.file.field_columns | {f"flag:{term}": place for term, place in part.file.modality_columns.items()}
    for key, (header, letter) in places.items():
        column = part.columns.get(key)
        if column is None or key in mapping.privacy.replaced:
            continue
        place = place_of(part, header, letter)
        if is_accepted(header, mapping):
            part.notes.append(f"{place}: not looked at for identifiers; accepted in the mapping.")
            continue
        finding = _judge_read(part, key, header, column, place, year)
        finding = finding or _judge_cells(part, key, header, column, place, mapping, year)
        if finding:
            findings.append(finding)
    part.drop_faulty_rows()
    part.file = dataclasses.replace(part.file, n_rows=len(part.rows))
    return findings


def _judge_read(part: Part, key: str, header: str, column: TextColumn, place: str, year: int) -> Finding | None:
    """Refuse a column that is an identifier as a whole; note one that holds derived codes."""
    cells = column.values[:_MOST_JUDGED].to_pylist()
    if not _may_be_one(key, header, cells):
        return None
    if key in _ID_FIELDS and (asked := _judge_people(part, key, header, cells, place)):
        return asked
    likely = judge_whole(header, cells, 0 if key in _DATES else year, of_places=key == _CLINIC)
    if likely is None or likely.evidence not in (BOTH, CELLS) or _MEANT.get(key) == likely.kind:
        return None
    if key in _ID_FIELDS and likely.kind == DERIVED:
        words = "a code derived from a person's data (a hash) can be undone by trying all values"
        part.notes.append(f"E905 {place}: holds codes shaped like hashes; {words}. {_PSEUDONYMS}.")
        return None
    return _refuse_column(key, header, place, describe(likely), likely.kind)


def _judge_people(part: Part, key: str, header: str, cells: Sequence[str], place: str) -> Finding | None:
    """Refuse ids of people that are most like names; say of clinics that some may be people."""
    if key in PEOPLE:
        found = judge_people(cells)
        return _refuse_column(key, header, place, found[1]) if found else None
    _, surest, words = describe_people(cells, are_clinics=True)
    if surest is Person.PERHAPS:
        part.notes.append(f"E918 {place}: {words} {_PSEUDONYMS} if they are; if none is, {accept_line(header)}.")
    return None


def _refuse_column(key: str, header: str, place: str, words: str, kind: str = "") -> Finding:
    if key not in _ID_FIELDS:
        remedy = f"Map another column to {key} or leave it out; if it is none, write {accept_line(header)}."
        return Finding("E902", words, place, remedy)
    if kind == RECORD:
        remedy = f"{_PSEUDONYMS}, and keyed pseudonyms take its place; if they are none, write {accept_line(header)}."
        return Finding("E906", "holds record numbers by its header, and they would stand in the tables.", place, remedy)
    remedy = f"{_PSEUDONYMS}, or export a pseudonym; if they are none, write {accept_line(header)}."
    return Finding("E902", words, place, remedy)


def _may_be_one(key: str, header: str, cells: Sequence[str]) -> bool:
    """Whether a column needs the close look by its header, or by ids that are no codes and cells that are no terms."""
    if find_header_kinds(header)[0]:
        return True
    if key in _ID_FIELDS and are_checked_numbers([cell.strip() for cell in cells if cell.strip()]):
        return True
    if key in _ID_FIELDS:
        return not (
            all(cell.isdigit() and len(cell) < 9 for cell in cells)
            or all(PLAIN_ID.fullmatch(cell.strip()) for cell in cells if cell.strip())
        )
    few = [cell for cell in cells if cell.strip()][:100]
    hits = sum(bool(find_whole(cell)) or has_name(cell, more=True) for cell in few)
    return hits >= 0.2 * len(few) > 0 and key not in _DATES


def _judge_cells(
    part: Part, key: str, header: str, column: TextColumn, place: str, mapping: Mapping, year: int
) -> Finding | None:
    """Set the rows aside whose cell holds an identifier; refuse the column where that is more than a slip."""
    kinds = find_cells(key, column, mapping, year)
    if not kinds:
        return None
    table = np.full(len(column.values), -1, np.int16)
    names = sorted(set(kinds.values()))
    for code, name in kinds.items():
        table[code] = names.index(name)
    of_row = table[column.codes]
    hit = np.flatnonzero(of_row >= 0)
    listed = ", ".join(names)
    if len(hit) >= (_SLIPS_OF_IDS if key in _ID_FIELDS else _SLIPS) * len(of_row):
        return _refuse_column(key, header, place, f"{len(hit):,} of {len(of_row):,} cells hold identifiers ({listed}).")
    places = part.file.field_columns | {f"flag:{term}": found for term, found in part.file.modality_columns.items()}
    where = show_header(header.strip()), places[key][1]
    for i in hit.tolist():
        part.add_fault(int(part.rows[i]), "E903", where, f"holds {with_article(names[of_row[i]])}")
    part.notes.append(f"{place}: cells with identifiers ({listed}) were found; their rows were set aside (E903).")
    return None


def find_cells(key: str, column: TextColumn, mapping: Mapping, year: int) -> dict[int, str]:
    """Return code of a distinct cell -> kind of the identifier in it; a name before anything else."""
    import pyarrow.compute as pc

    glue = mapping.values.separators[0]
    values, codes = _leave_out_plain(key, column.values)
    # Many cells are made of few terms: each is looked at once, and the cells again only where a term was one.
    terms = _distinct_terms(values, glue)
    named = _find_names(terms, key)
    numbers = terms.filter(pc.match_substring_regex(terms, r"^\s*\d{8,18}\s*$")).to_pylist()
    kinds = leave_out_chance(_find_kinds(_suspects(values, terms, key, glue), key, year), numbers)
    if key in _WORDS and len(numbers) <= _ODD * len(terms):  # where all are numbers, they are those of a terminology
        kinds = dict.fromkeys(numbers, CODE) | kinds
    kinds |= dict.fromkeys(named, NAME)
    kinds |= _find_odd_terms(key, column, terms, glue, kinds)
    found = find_odd_ids(key, column, year)
    if not kinds:
        return found
    for place, text in _cells_with(values, glue, kinds):
        said = [(term in named, kinds[term]) for term in text.split(glue) if term in kinds]
        found[int(codes[place])] = next((kind for is_name, kind in said if is_name), said[0][1])
    return found


def _find_odd_terms(
    key: str, column: TextColumn, terms: pa.StringArray, glue: str, known: Collection[str]
) -> dict[str, str]:
    """Return the terms that are none and stand in few rows; they are counted only once there are any."""
    odd = find_odd_terms(key, terms, known)
    n_rows: Counter[str] = Counter()
    if odd:
        of_cell = np.bincount(column.codes, minlength=len(column.values))
        for place, text in _cells_with(column.values, glue, odd):
            for term in set(text.split(glue)) & odd.keys():
                n_rows[term] += int(of_cell[place])
    return keep_few(odd, n_rows, len(column.codes))


def _leave_out_plain(key: str, values: pa.StringArray) -> tuple[pa.StringArray, Codes]:
    """Return the cells that have to be looked at, with their codes: no ids of letters and digits, no plain dates.

    Without a blank or a mark in it, an id holds none of `_ID_KINDS`; a date alone is what a date field is for.
    """
    import pyarrow.compute as pc

    if key in _ID_FIELDS:
        kept = pc.invert(pc.ascii_is_alnum(values))
    elif key in _DATES:
        kept = pc.invert(pc.match_substring_regex(values, PLAIN_DATE))
    else:
        return values, np.arange(len(values), dtype=np.int32)
    places = pc.indices_nonzero(kept)
    return values.take(places), arrow.to_numpy(places, np.uint64).astype(np.int32)


def _blocks(values: pa.StringArray) -> Iterator[tuple[int, pa.StringArray]]:
    for start in range(0, len(values) or 1, _BLOCK):
        yield start, values.slice(start, _BLOCK)


def _distinct_terms(values: pa.StringArray, glue: str) -> pa.StringArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [pc.list_flatten(pc.split_pattern(block, glue)).unique() for _, block in _blocks(values)]
    return pa.concat_arrays(parts).unique() if len(parts) > 1 else parts[0]


def _cells_with(values: pa.StringArray, glue: str, terms: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yield place and text of each cell with one of some terms."""
    import pyarrow.compute as pc

    wanted = arrow.from_texts(list(terms))
    for start, block in _blocks(values):
        lists = pc.split_pattern(block, glue)
        hits = pc.list_parent_indices(lists).filter(pc.is_in(pc.list_flatten(lists), wanted)).unique()
        for place, text in zip(hits.to_pylist(), block.take(hits).to_pylist(), strict=True):
            yield start + place, text


def _find_kinds(suspects: Iterable[str], key: str, year: int) -> dict[str, str]:
    kinds = ((term, _find_in_term(key, term, year)) for term in suspects)
    return {term: kind for term, kind in kinds if kind}


def _suspects(values: pa.StringArray, terms: pa.StringArray, key: str, glue: str) -> Iterable[str]:
    """Return the terms that a pattern may find something in; in a suspicious id, all that are in it."""
    import pyarrow.compute as pc

    if key not in _ID_FIELDS:
        return terms.filter(pc.match_substring_regex(terms, TRIGGER)).to_pylist()
    cells = values.filter(pc.match_substring_regex(values, ID_TRIGGER)).to_pylist()
    return dict.fromkeys(term for cell in cells for term in cell.split(glue))


def _find_in_term(key: str, term: str, year: int) -> str:
    kind = find_inside(term, 0 if key in (*_ID_FIELDS, *_DATES) else year)
    if kind is None or _MEANT.get(key) == kind.name or (key in _ID_FIELDS and not _counts_in_id(kind.name, term)):
        return ""
    return kind.name


def _counts_in_id(kind: str, text: str) -> bool:
    # An id may be shaped like a short phone number; only a full one is one.
    return kind in _ID_KINDS and (
        kind != "phone number" or find_whole(text) is not None or not text.strip()[:1].isdigit()
    )


def _find_names(terms: pa.StringArray, key: str) -> set[str]:
    """Return the terms with a listed given name beside a listed family name, or a title before a name.

    In an id, a listed name beside any word that is no place and no business is enough: ids are no prose. That of a
    clinic may be a town or a business called like a person.
    """
    import pyarrow.compute as pc

    several = terms.filter(pc.match_substring_regex(terms, _SEVERAL_WORDS))
    if not len(several):  # single words and codes; the lists are long to read
        return set()
    lists = pc.utf8_split_whitespace(pc.replace_substring(several, ",", " "))
    words = pc.list_flatten(lists).dictionary_encode()
    # Each different word is looked up once, and a term is read only for a word of it that is in the lists.
    known = frozenset().union(*load_names()) if key in _ID_FIELDS else list_names()
    folded = map(fold, words.dictionary.to_pylist())
    listed = np.array([word in known or word in TITLES for word in folded], np.bool_)
    of_term = pc.list_parent_indices(lists).filter(arrow.from_numpy(listed[arrow.to_numpy(words.indices, np.int32)]))
    read = several.take(of_term.unique()).to_pylist()
    if key not in _ID_FIELDS:
        return {term for term in read if has_name(term, more=True)}
    return {term for term in read if read_as_person(term, is_clinic=key == _CLINIC) is Person.SURE}
