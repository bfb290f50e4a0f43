"""`outcomes inspect`: what an export is, which column is which, and the mapping that would read it.

The top of the file decides how it is read; then the reader itself reads it with that proposal, and the cells of the
columns it found are weighed. Nothing that comes out holds a patient's value.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from outcomes.definitions import Codebook
from outcomes.errors import InputRefused
from outcomes.records import inspect_values as weigh
from outcomes.records.columns import column_letter, normalise_header
from outcomes.records.file_names import name_file
from outcomes.records.full_dates import explain_dates
from outcomes.records.inspect_columns import (
    MAYBE,
    Match,
    Misfit,
    ask_about_column,
    find_misfits,
    match_columns,
    score_name,
)
from outcomes.records.inspect_flags import TickedColumn, find_ticked_columns
from outcomes.records.inspect_head import Top, read_top, score_header
from outcomes.records.inspect_ids import ask_about_ids
from outcomes.records.inspect_people import Suspect, judge_read, judge_unread, visit_year
from outcomes.records.inspect_terms import UnknownTerms, list_unknown_terms
from outcomes.records.mapping import DateOptions, Mapping, PainOptions, ValueOptions
from outcomes.records.model import Records, TextColumn
from outcomes.records.privacy import Privacy
from outcomes.records.reading import read_records

_NUMBERS = ("pain_pre", "pain_post", "function_score", "onset_days", "previous_episodes", "age")
_TERMS = ("modalities", "muscles_identified", "muscles_treated", "diagnoses", "procedure_codes", "visit_purpose")
_DATES = ("visit_date", "onset_date")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in one export.

    Attributes
    ----------
    name : str
        File name.
    top : Top
    matches : tuple of Match
        Columns with the field proposed for them.
    others : tuple of (header, letter, field, score)
        Columns that are not proposed, with the field they are nearest to (empty when none is near).
    proposal : Mapping
        The mapping that is proposed.
    evidence : dict of str to str
        Option -> the sentence that speaks for it.
    open_questions : tuple of str
        What only the clinic can say.
    undecided : frozenset of str
        Fields whose column is one of these questions: their lines are written as comments.
    ticked : tuple of TickedColumn
        Columns of yes and no that are no field; those the codebook has a treatment for are proposed as such.
    suspects : tuple of Suspect
    unknown : tuple of UnknownTerms
    n_rows, n_set_aside : int
        Rows read with the proposal, and rows set aside.
    notes : tuple of str
        What the reader noticed.
    """

    name: str
    top: Top
    matches: tuple[Match, ...]
    others: tuple[tuple[str, str, str, float], ...]
    proposal: Mapping
    evidence: dict[str, str]
    open_questions: tuple[str, ...]
    suspects: tuple[Suspect, ...]
    unknown: tuple[UnknownTerms, ...]
    n_rows: int
    n_set_aside: int
    notes: tuple[str, ...]
    undecided: frozenset[str]
    ticked: tuple[TickedColumn, ...]


def inspect_export(path: Path, mapping: Mapping, codebook: Codebook) -> Inspection:
    """Look at one export and propose how to read it.

    Parameters
    ----------
    path : Path
    mapping : Mapping
        What is known already; it goes before what is found.
    codebook : Codebook

    Raises
    ------
    InputRefused
        The file cannot be opened as a table, or no column can be a patient or a day (E915).
    """
    top = read_top(path, mapping)
    matches = _match(top, mapping, codebook)
    proposed = {m.field: m.header.strip() for m in matches if m.is_sure}
    year = visit_year(top, matches)
    suspects = judge_unread(top, matches, year)
    ticked = find_ticked_columns(top.header, top.cells, _taken(top, matches, mapping), codebook)
    first = replace(
        mapping,
        file=top.options,
        columns=mapping.columns | proposed | _not_meant(top, proposed),
        modality_columns=mapping.modality_columns | {one.header: one.header for one in ticked if one.is_known},
        privacy=Privacy(accept=tuple(h for h in top.header if h.strip())),
        # To look is not to accept: what these warn of is said again by the command that reads for good.
        acknowledge=replace(mapping.acknowledge, warnings=("E117", "E120")),
    )
    misfits = find_misfits(top.header, top.cells, matches, mapping.columns)
    _check_required(path, top, first, matches, misfits)
    records = read_records(path, first)
    proposal, evidence, questions = _weigh(
        records, replace(first, privacy=mapping.privacy, acknowledge=mapping.acknowledge), top, mapping, ticked
    )
    unsure = {m.field: f"[columns] {m.field}: {asked}" for m in matches if (asked := ask_about_column(m))}
    questions += ask_about_ids(records, proposal)
    questions += [f'[columns] {m.field}: {m.words}: not read. Export it so, or write {m.field} = ""' for m in misfits]
    return Inspection(
        name=name_file(path),
        top=top,
        matches=tuple(m for m in matches if m.is_sure),
        others=tuple(_others(top, matches, ticked)),
        proposal=proposal,
        evidence=top.evidence | evidence | explain_dates(records),
        open_questions=(*top.open_questions, *unsure.values(), *questions),
        suspects=(
            *suspects,
            *judge_read(records, proposal, {one.letter for one in suspects}, visit_year(top, matches)),
        ),
        unknown=tuple(list_unknown_terms(records, proposal, codebook)),
        n_rows=records.n,
        n_set_aside=len(records.set_aside),
        notes=tuple(n for n in records.notes if "accepted in the mapping" not in n),
        undecided=frozenset(unsure),
        ticked=ticked,
    )


def _match(top: Top, mapping: Mapping, codebook: Codebook) -> list[Match]:
    """Match columns to fields; a line of the mapping that is there stands."""
    places = {normalise_header(header): i for i, header in enumerate(top.header)}
    declared = {
        name: places[key] for name, h in mapping.columns.items() if h and (key := normalise_header(h)) in places
    }
    taken = set(declared.values())
    header = ["" if i in taken else name for i, name in enumerate(top.header)]
    cells = [[] if i in taken else own for i, own in enumerate(top.cells)]
    kept = [m for m in match_columns(header, cells, codebook) if m.field not in mapping.columns]
    return kept + [Match(i, top.header[i], name, 1.0, 1.0, 1.0, is_declared=True) for name, i in declared.items()]


def _not_meant(top: Top, proposed: dict[str, str]) -> dict[str, str]:
    """Return lines that keep a column from being read under its own name when it was not proposed for it."""
    from outcomes.records.mapping import FIELDS

    headers = {normalise_header(header) for header in top.header}
    return {name: "" for name in FIELDS if name in headers and name not in proposed}


def _taken(top: Top, matches: list[Match], mapping: Mapping) -> set[int]:
    """Return the positions of the columns that are a field, a treatment or a mark of rows that are no visits."""
    named = {normalise_header(header) for header in (*mapping.modality_columns, *mapping.non_data)}
    said = {i for i, header in enumerate(top.header) if normalise_header(header) in named}
    return said | {m.position for m in matches if m.is_sure}


def _check_required(path: Path, top: Top, mapping: Mapping, matches: list[Match], misfits: tuple[Misfit, ...]) -> None:
    lacking = [] if mapping.columns.get("patient_id") else ["patient_id"]
    if not (mapping.columns.get("visit_date") or mapping.columns.get("visit_day")):
        lacking.append("visit_date (or visit_day)")
    if not lacking:
        return
    from outcomes.records.columns import NO_HEADERS, list_headers, looks_like_values
    from outcomes.records.plain_words import write_header
    from outcomes.records.rules import refuse

    are_values = looks_like_values(top.header) and not score_header(top.header)
    headers, row = list_headers(top.header, are_values), top.options.header_row
    if are_values:
        raise refuse("E915", f"row {row} holds values, no headers: {headers}.", name_file(path), NO_HEADERS)
    wanted = [name for field in lacking for name in (("visit_date", "visit_day") if "visit" in field else (field,))]
    odd = [one for one in misfits if one.field in wanted]
    called = {one.header for one in odd}
    guesses = [
        f"{m.field} = {write_header(m.header, column_letter(m.position))}"
        for m in matches
        if m.field in wanted and m.header.strip() not in called
    ]
    near = "".join(f"{one.words[0].upper()}{one.words[1:]}. " for one in odd)
    near += f"Perhaps {' or '.join(guesses)}. " if guesses else ""
    if odd:
        near += "Dates as 2026-03-05, 05.03.2026 or 03/05/2026 are read. "
    raise refuse(
        "E915",
        f"no column looks like {' or '.join(lacking)}; headers in row {row}: {headers}.",
        name_file(path),
        f"{near}Name the column in a mapping, below [columns], and run inspect again with --mapping.",
    )


def _counts(column: TextColumn) -> dict[str, int]:
    rows = np.bincount(column.codes, minlength=len(column.values)).tolist()
    return dict(zip(column.values.to_pylist(), rows, strict=True))


def _weigh(
    records: Records, proposal: Mapping, top: Top, given: Mapping, ticked: tuple[TickedColumn, ...]
) -> tuple[Mapping, dict[str, str], list[str]]:
    """Weigh the cells that were read, and put what they speak for into the proposal."""
    cells = {name: _counts(column) for name, column in records.fields.items()}
    numbers = [cells[name] for name in _NUMBERS if name in cells]
    evidence: dict[str, str] = {}
    questions: list[str] = []
    dates, words, asked = _weigh_dates(cells, given.dates, top)
    evidence |= words
    questions += asked
    mark, evidence["decimal_mark"] = weigh.weigh_decimal_mark(numbers)
    scale, evidence["scale"] = weigh.weigh_pain_scale(
        cells[name] for name in ("pain_pre", "pain_post") if name in cells
    )
    if given.pain != PainOptions():
        # Few strong ratings in this export are no reason to read it on another scale than the last one.
        scale, evidence["scale"] = given.pain.scale, "declared"
    if not scale:
        questions.append(f"[pain] scale: {evidence['scale']}")
    marks = weigh.find_missing_marks([*numbers, *(cells[name] for name in _DATES if name in cells)])
    flags = [cells[name] for name in ("paresthesia",) if name in cells] + _flags(records)
    true, false = weigh.find_flags([*flags, *(one.words for one in ticked)])
    separators = weigh.find_separators(cells[name] for name in _TERMS if name in cells)
    default = ValueOptions()
    values = replace(
        given.values,
        decimal_mark=mark if given.values.decimal_mark == default.decimal_mark else given.values.decimal_mark,
        separators=given.values.separators
        if given.values.separators != default.separators
        else tuple(separators) or default.separators,
        true=_add_words(given.values.true, true, given.values.false),
        false=_add_words(given.values.false, false, given.values.true),
        missing=tuple(dict.fromkeys((*given.values.missing, *marks))),
    )
    totals = weigh.find_totals([*top.cells[_position(top, proposal)], *_first_cells(top.foot, top.options.delimiter)])
    said = given.non_data.get("patient_id", ())
    non_data = given.non_data | ({"patient_id": _add_words(said, totals)} if totals else {})
    pain = PainOptions(scale) if scale else given.pain
    return replace(proposal, dates=dates, values=values, pain=pain, non_data=non_data), evidence, questions


def _add_words(declared: tuple[str, ...], found: Iterable[str], others: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Add words that were found to those declared; one that is declared already, here or among `others`, stays."""
    known = {word.strip().casefold() for word in (*declared, *others)}
    return (*declared, *(word for word in found if word.strip().casefold() not in known))


def _flags(records: Records) -> list[dict[str, int]]:
    return [_counts(column) for column in records.modality_flags.values()]


def _position(top: Top, proposal: Mapping) -> int:
    names = [normalise_header(header) for header in top.header]
    return names.index(normalise_header(proposal.columns["patient_id"]))


def _first_cells(foot: str, delimiter: str | None) -> list[str]:
    return [line.partition(delimiter or ",")[0] for line in foot.splitlines()[1:]]


def _weigh_dates(
    cells: dict[str, dict[str, int]], given: DateOptions, top: Top
) -> tuple[DateOptions, dict[str, str], list[str]]:
    found = {name: weigh.weigh_dates(cells[name]) for name in _DATES if name in cells}
    asked_again = weigh.MONTHS_ARE_WORDS if given.order and given.month_names else None
    evidence = {name: weigh.MONTHS_DECLARED if one.words == asked_again else one.words for name, one in found.items()}
    questions = []
    orders = {one.order for one in found.values() if one.order not in ("", "iso")}
    order = given.order or (orders.pop() if len(orders) == 1 else None)
    for name, one in found.items():
        if not given.order and not one.order and not order and one.words != weigh.NO_DATES:
            questions.append(f"[dates] order ({name}): {one.words}")
    if orders and not given.order and not order:
        questions.append("[dates] order: the date columns are written in different orders")
    latest = max((one.latest for one in found.values()), default=0)
    pivot = given.two_digit_year_pivot
    has_short = pivot is None and any(one.short_years for one in found.values())
    if has_short and not latest:
        questions.append(
            "[dates] two_digit_year_pivot: all years have two digits, and their century must be known; with the line "
            "in the mapping 50 is read as 2050 and 51 as 1951"
        )
    elif has_short:
        pivot = latest % 100
        evidence["two_digit_year_pivot"] = f"some years have two digits; the latest of four digits is {latest}"
    if given.timezone is None and any(one.zones for one in found.values()):
        questions.append('[dates] timezone: times carry a zone; write the clinic\'s, for example "Europe/Zurich"')
    cut, why = given.data_cut, ""
    if cut is None and "visit_date" in cells:
        days = Counter[datetime.date]()
        for text, n in cells["visit_date"].items():
            if day := weigh.parse_day(text, order or "iso"):
                days[day] += n
        cut, why = weigh.find_data_cut(days, top.foot)
    if why:
        evidence["data_cut"] = why
    return replace(given, order=order, two_digit_year_pivot=pivot, data_cut=cut), evidence, questions


def _others(top: Top, matches: list[Match], ticked: tuple[TickedColumn, ...]) -> list[tuple[str, str, str, float]]:
    from outcomes.records.mapping import FIELDS

    treatments = {column.letter: column.is_known for column in ticked}
    sure = {m.position for m in matches if m.is_sure}
    maybe = {m.position: m for m in matches if m.score >= MAYBE}
    free = [name for name in FIELDS if name not in {m.field for m in matches if m.is_sure}]
    rows = []
    for position, header in enumerate(top.header):
        letter = column_letter(position)
        if position in sure or not header.strip() or treatments.get(letter):
            continue
        if letter in treatments:
            rows.append((header.strip(), letter, "", 0.0))
            continue
        if position in maybe:
            rows.append((header.strip(), letter, maybe[position].field, maybe[position].score))
            continue
        near = max(free, key=lambda name: score_name(header, name), default="")
        score = round(0.6 * score_name(header, near), 2) if near else 0.0
        rows.append((header.strip(), letter, near if score else "", score))
    return rows


__all__ = ["InputRefused", "Inspection", "Suspect", "inspect_export"]
