"""Take the rows that are no records out of each file, and put the files under each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from outcomes import arrow
from outcomes.ledger import Ledger, Step, check_reading
from outcomes.records.columns import ROW, normalise_header, show_header
from outcomes.records.folding import fold_columns
from outcomes.records.mapping import FIELDS, Mapping
from outcomes.records.model import Part, Records, SetAside, TextColumn
from outcomes.records.part_checks import (
    Mask,
    blank_values,
    check_blank_headers,
    find_footers,
    find_renamed,
    note_footers,
    rows_with,
    set_error_values_aside,
)
from outcomes.records.rules import REMEDIES, RULES, refuse
from outcomes.records.text_columns import join_columns

FLAG = "flag:"
_ROW_LIMITS = {65_536, 1_048_576}


def tidy_part(part: Part, mapping: Mapping) -> None:
    """Drop blank rows, repeated header lines, totals and declared non-data from a part, counting each.

    Raises
    ------
    InputRefused
        The header comes again in another order, the row limit of a spreadsheet was hit, a column without a header
        has cells, a footer states another number of rows, or no row could be read.
    """
    _check_row_limit(part, mapping)
    set_error_values_aside(part, mapping)
    keep = np.ones(len(part.rows), bool)
    for reason, mask in (
        ("blank line", _blank_rows(part)),
        ("repeated header", _repeated_headers(part)),
        ("declared non-data", _declared_rows(part, mapping)),
        ("totals and footers", find_footers(part)),
    ):
        mask &= keep
        n = int(np.count_nonzero(mask))
        if n:
            part.not_data[reason] = part.not_data.get(reason, 0) + n
            keep &= ~mask
    if not keep.all():
        part.keep(keep)
        _check_row_limit(part, mapping)  # blank lines below a sheet that was cut off do not hide it
    check_blank_headers(part)
    note_footers(part, mapping)
    if not len(part.rows) and part.faults:
        _refuse_all_set_aside(part)


def combine_parts(parts: Sequence[Part], mapping: Mapping, notes: Sequence[str]) -> Records:
    """Put the files under each other, in the order given; a field a file lacks is empty there."""
    keys = list(
        dict.fromkeys(
            key
            for name in (*FIELDS, None)
            for part in parts
            for key in part.columns
            if key == name or (name is None and key.startswith(FLAG))
        )
    )
    columns = {key: join_columns([part.columns.get(key) or _empty(len(part.rows)) for part in parts]) for key in keys}
    sizes = [len(part.rows) for part in parts]
    columns, folded = fold_columns(columns, mapping, lambda key, record: _locate(parts, sizes, key, record))
    ledger = Ledger(tuple(_read_step(part) for part in parts))
    check_reading(ledger, sum(sizes))
    return Records(
        fields={key: column for key, column in columns.items() if not key.startswith(FLAG)},
        modality_flags={k.removeprefix(FLAG): column for k, column in columns.items() if k.startswith(FLAG)},
        source=np.repeat(np.arange(len(parts), dtype=np.int16), sizes),
        source_row=np.concatenate([part.rows for part in parts]),
        files=tuple(part.file for part in parts),
        set_aside=_join_set_aside(parts),
        ledger=ledger,
        mapping=mapping,
        notes=(*notes, *(note for part in parts for note in part.notes), *find_renamed(parts, mapping), *folded),
    )


def _empty(n: int) -> TextColumn:
    return TextColumn(arrow.from_texts([""]), np.zeros(n, np.int32))


def _read_step(part: Part) -> Step:
    """Account for the rows of a file; reasons stand in their own order, not in that of the rows."""
    found = Counter(f"{code} {RULES[code]}" for _, code, _ in part.faults)
    set_aside, not_data = dict(sorted(found.items())), dict(sorted(part.not_data.items()))
    return Step("read", "rows", part.n_physical, len(part.rows), part.merged, set_aside, not_data, part.file.place)


def _join_set_aside(parts: Sequence[Part]) -> SetAside:
    faults = [(source, *fault) for source, part in enumerate(parts) for fault in sorted(part.faults)]
    columns = [parts[source].fault_columns.get((row, code), ("", "")) for source, row, code, _ in faults]
    return SetAside(
        source=np.array([fault[0] for fault in faults], np.int16),
        row=np.array([fault[1] for fault in faults], np.int32),
        code=tuple(fault[2] for fault in faults),
        rule=tuple(RULES[fault[2]] for fault in faults),
        detail=tuple(f"{fault[3]}. {REMEDIES[fault[2]]}".lstrip(". ") for fault in faults),
        column=tuple(columns),
    )


def _blank_rows(part: Part) -> Mask:
    """Return the rows with no value in any column that is read."""
    mask = np.ones(len(part.rows), bool)
    # The patient column goes first: it is rarely blank, and then nothing else needs a look.
    for column in sorted(part.columns.values(), key=lambda c: c is not part.columns["patient_id"]):
        mask &= rows_with(column, blank_values(column))
        if not mask.any():
            break
    return mask


def _repeated_headers(part: Part) -> Mask:
    """Return the rows that repeat the header line; refuse one with the same headers in another order."""
    mask = np.zeros(len(part.rows), bool)
    patient, own = part.columns["patient_id"], _headers_of(part)
    rows = np.flatnonzero(rows_with(patient, _header_words(part)))
    words = {key: part.columns[key].values for key in own}
    headers = {normalise_header(header) for header in part.file.header} - {""}
    for row in rows.tolist():
        cells = {key: normalise_header(words[key][int(part.columns[key].codes[row])].as_py()) for key in own}
        day = next(key for key in ("visit_date", "visit_day") if key in own)
        if cells == own:
            mask[row] = True
        elif set(cells.values()) <= headers or cells[day] == own[day]:
            raise refuse(
                "E124",
                f"row {part.rows[row]} is a header line with other columns, or in another order.",
                part.file.place,
                "Split the file there and give both files.",
            )
    return mask


def _locate(parts: Sequence[Part], sizes: Sequence[int], key: str, record: int) -> tuple[str, str]:
    """Return where a cell stands, for messages: row and file, and the column."""
    ends = np.cumsum(sizes)
    number = int(np.searchsorted(ends, record, side="right"))
    file = parts[number].file
    header, letter = file.field_columns[key]
    column = f'column "{show_header(header)}" ({letter})' if letter else header
    row = int(parts[number].rows[record - (ends[number] - sizes[number])])
    return f"row {row} of {file.place}", f"{file.place} › {column}"


def _header_words(part: Part) -> list[int]:
    """Return the distinct cells of the patient column that read like one of the file's headers."""
    import pyarrow.compute as pc

    headers = {normalise_header(header) for header in part.file.header} - {""}
    # A mark of byte order stands where two exports were joined.
    patient = pc.replace_substring(part.columns["patient_id"].values, "\ufeff", "")
    lowered = pc.utf8_lower(pc.utf8_trim_whitespace(patient))
    found = pc.is_in(lowered, value_set=arrow.from_texts(sorted(headers)))
    return [i for i, is_header in enumerate(found.to_pylist()) if is_header]


def _headers_of(part: Part) -> dict[str, str]:
    """Return the header of every field and flag column, as headers are compared."""
    own = {key: header for key, (header, _) in part.file.field_columns.items()}
    own |= {FLAG + term: header for term, (header, _) in part.file.modality_columns.items()}
    return {key: normalise_header(header) for key, header in own.items()}


def _declared_rows(part: Part, mapping: Mapping) -> Mask:
    """Return the rows that the mapping declares to be no data."""
    mask = np.zeros(len(part.rows), bool)
    for name, words in mapping.non_data.items():
        column = part.columns.get(name if name in FIELDS else ROW + name)
        if column is None:
            continue
        wanted = {word.strip().casefold() for word in words}
        any_text = "*" in wanted
        cells = [text.strip().casefold() for text in column.values.to_pylist()]
        mask |= rows_with(column, [i for i, cell in enumerate(cells) if cell in wanted or (any_text and cell)])
    return mask


def _check_row_limit(part: Part, mapping: Mapping) -> None:
    """Refuse a file as long as a spreadsheet can be: with or without the header counted, one row off or not."""
    n_read = len(part.rows) + len(part.faults)
    hit = [n for n in (part.n_physical, n_read + 1, n_read) if {n, n + 1} & _ROW_LIMITS]
    if hit and not mapping.file.accept_row_limit:
        raise refuse(
            "E107",
            f"the file has {hit[0]:,} rows, which is the limit of a spreadsheet: rows are probably lost.",
            part.file.place,
            "Export again as CSV from the clinic system; if nothing is missing, write [file] accept_row_limit = true.",
        )


def _refuse_all_set_aside(part: Part) -> None:
    row, code, detail = min(part.faults)
    what = f"{RULES[code]}{f' ({detail})' if detail else ''}"
    remedy = "Export again; the header line and the rows must have the same columns, and the delimiter must be right."
    message = f"not one of its {len(part.faults)} rows can be read; the first is row {row}: {what}."
    raise refuse("E115", message, part.file.place, remedy)
