"""The look at the columns that nobody reads: every header, and a sample of the cells, which is let go afterwards.

A column whose header and cells are identifiers stops the run (E901); one of which only one says so is named (E904).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from outcomes.errors import Finding
from outcomes.records.columns import column_letter, normalise_header, show_header
from outcomes.records.identifier_links import judge_link
from outcomes.records.identifiers import BOTH, Likely, find_header_kinds, is_free_text, judge_column
from outcomes.records.mapping import Mapping
from outcomes.records.model import Part

SAMPLE_ROWS = 2_000
_SAMPLE_BYTES = 1 << 18


def place_of(part: Part, header: str, letter: str) -> str:
    """Return the file and the column, as messages name it; a sheet has no letter."""
    if not letter:
        return f"{part.file.place} › {header}"
    return f'{part.file.place} › column "{show_header(header.strip())}" ({letter})'


def is_accepted(header: str, mapping: Mapping) -> bool:
    """Whether the mapping says of a column that it is no identifier."""
    return normalise_header(header) in {normalise_header(word) for word in mapping.privacy.accept}


def describe(likely: Likely) -> str:
    """Say what a column looks like by its cells, with counts and shapes."""
    what = f"looks like {with_article(likely.kind)} by {likely.evidence}"
    seen = f"{likely.n:,} of {likely.n_looked_at:,} different cells looked at"
    return f"{what} ({seen}, shaped {' and '.join(likely.examples)})."


def with_article(kind: str) -> str:
    """Return a kind of identifier with "a" or "an" before it."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def accept_line(header: str) -> str:
    """Return the line of the mapping that says a column is no identifier."""
    shown = show_header(header.strip())
    return f'[privacy] accept = ["{shown if shown == header.strip() else "its header"}"]'


def guard_unread(part: Part, mapping: Mapping, year: int) -> list[Finding]:
    """Return the columns that are not read and stop the run; note those that are only likely."""
    findings = []
    sample = sample_unread(part, mapping)
    patients = sample.get(_patient(part), [])
    for position, header in _unread(part):
        likely = judge_unasked(header, patients, sample.get(position, []), year)
        if likely is None:
            continue
        place = place_of(part, header, column_letter(position))
        if is_accepted(header, mapping):
            part.notes.append(
                f"{place}: looks like {with_article(likely.kind)}; accepted in the mapping, and not read."
            )
        elif likely.evidence == BOTH:
            remedy = f"Take the column out of the export; if it is none, write in the mapping {accept_line(header)}."
            findings.append(Finding("E901", describe(likely), place, remedy))
        else:
            what = f"looks like {with_article(likely.kind)} by {likely.evidence}; it was not read."
            part.notes.append(f"E904 {place}: {what} Take the column out of the export.")
    return findings


def judge_unasked(header: str, patients: Sequence[str], cells: Sequence[str], year: int) -> Likely | None:
    """Say whether a column that nobody reads looks like an identifier; running text is not looked at."""
    if is_free_text(header) and not find_header_kinds(header)[0]:
        return None
    return judge_column(header, list(dict.fromkeys(cells)), year) or judge_link(header, patients, cells)


def _unread(part: Part) -> Iterator[tuple[int, str]]:
    read = {letter for _, letter in (*part.file.field_columns.values(), *part.file.modality_columns.values())}
    for position, header in enumerate(part.file.header):
        if header.strip() and column_letter(position) not in read:
            yield position, header


def _patient(part: Part) -> int:
    """Return the place of the column of patients, counted from 0."""
    letter = part.file.field_columns["patient_id"][1]
    return next(i for i in range(len(part.file.header)) if column_letter(i) == letter)


def sample_unread(part: Part, mapping: Mapping) -> dict[int, list[str]]:
    """Return column counted from 0 -> some cells of each that is not read, and of the patients; let go afterwards."""
    wanted = [position for position, _ in _unread(part)]
    if not wanted:
        return {}
    wanted.append(_patient(part))
    if part.file.kind == "csv":
        return _sample_csv(part, mapping, wanted)
    return {position: [row[position] for row in part.top if position < len(row)] for position in wanted}


def _sample_csv(part: Part, mapping: Mapping, wanted: list[int]) -> dict[int, list[str]]:
    from outcomes.records.csv import BLOCK_BYTES
    from outcomes.records.csv_head import read_head
    from outcomes.records.text_stream import iterate_text

    _, first = next(iterate_text(part.file.path, mapping.file.encoding, BLOCK_BYTES, part.file.name))
    head = read_head(first, mapping, part.file.name)
    text = first[head.size : head.size + _SAMPLE_BYTES].decode("utf-8", "replace").replace("\0", "")
    cells: dict[int, list[str]] = {position: [] for position in wanted}
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=head.delimiter)
    try:
        for row, _ in zip(rows, range(SAMPLE_ROWS), strict=False):
            for position in wanted:
                if position < len(row):
                    cells[position].append(row[position])
    except csv.Error:  # a field of more than 128 kB: what came before it is the sample
        return cells
    return cells


__all__ = [
    "SAMPLE_ROWS",
    "accept_line",
    "describe",
    "guard_unread",
    "is_accepted",
    "judge_unasked",
    "place_of",
    "with_article",
]
