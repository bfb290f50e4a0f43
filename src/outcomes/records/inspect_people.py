"""Which columns of an export of which nothing is known may identify people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from outcomes.records.columns import column_letter
from outcomes.records.identifier_kinds import DERIVED
from outcomes.records.identifier_links import judge_link
from outcomes.records.identifiers import (
    BOTH,
    CELLS,
    KIND_BY_NAME,
    PEOPLE,
    SOME,
    Likely,
    find_visit_year,
    judge_column,
    judge_people,
)
from outcomes.records.identifiers_export import find_cells
from outcomes.records.identifiers_unread import judge_unasked
from outcomes.records.inspect_columns import Match
from outcomes.records.inspect_head import Top
from outcomes.records.mapping import Mapping
from outcomes.records.model import Records

_IDS = (*PEOPLE, "clinic_id")
_CODED = ("procedure_codes",)
"""Fields of codes that are proposed by the cells alone."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A column that may identify people: its header, letter and field (empty when it is not read)."""

    header: str
    letter: str
    field: str
    likely: Likely

    @property
    def stops(self) -> bool:
        """Whether the other commands refuse the export with it: its header and its cells say so, or those of an id."""
        evidence = (BOTH, CELLS) if self.field else (BOTH,)
        return self.likely.evidence in evidence and self.likely.kind != DERIVED

    @property
    def remedy(self) -> str:
        """What to do about it: a slip in some cells takes their rows, and no column has to go for it."""
        if self.likely.evidence == SOME:
            return "mend these cells; their rows are set aside until then (E903)"
        if self.field in _IDS:
            return "let keyed pseudonyms take its place ([privacy] pseudonymise)"
        return "take it out of the export" + (", which is refused with it (E901)" if self.stops else "")


def judge_unread(top: Top, matches: list[Match], year: int) -> list[Suspect]:
    """Return the columns that are not read, or are ids, and look like identifiers."""
    fields = {m.position: m.field for m in matches if m.is_sure}
    patients = next((top.cells[position] for position, field in fields.items() if field == "patient_id"), [])
    found = []
    for position, header in enumerate(top.header):
        if not header.strip() and not any(map(str.strip, top.cells[position])):
            continue
        if likely := _judge(header, fields.get(position, ""), patients, top.cells[position], year):
            found.append(Suspect(header.strip(), column_letter(position), fields.get(position, ""), likely))
    return found


def _judge(header: str, field: str, patients: Sequence[str], cells: Sequence[str], year: int) -> Likely | None:
    if not field:
        return judge_unasked(header, patients, cells, year)
    if field not in _IDS:  # a postcode looks like the code of a procedure
        return judge_link(header, patients, cells) if field in _CODED else None
    different = list(dict.fromkeys(cells))
    people = judge_people(different) if field in PEOPLE else None
    return people[0] if people else judge_column(header, different, year)


def visit_year(top: Top, matches: list[Match]) -> int:
    """Return the year of the visits, by which dates of birth are told from others; 0 where no day was found."""
    days = [m.position for m in matches if m.field == "visit_date" and m.is_sure]
    return find_visit_year(top.cells[days[0]]) if days else 0


def judge_read(records: Records, proposal: Mapping, known: Collection[str], year: int) -> list[Suspect]:
    """Return the columns that are read and hold identifiers in some cells, but for those `known` by their letter."""
    found = []
    for name, (header, letter) in records.files[0].field_columns.items():
        column = records.fields[name]
        kinds = find_cells(name, column, proposal, year)
        if kinds and letter not in known:
            kind = Counter(kinds.values()).most_common(1)[0][0]
            likely = Likely(kind, KIND_BY_NAME[kind].paragraph, SOME, len(kinds), len(column.values))
            found.append(Suspect(header, letter, name, likely))
    return found


__all__ = ["Suspect", "judge_read", "judge_unread", "visit_year"]
