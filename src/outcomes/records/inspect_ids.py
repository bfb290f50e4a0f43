"""What an export leaves open about who came when: ids that look alike, and a column of ids or days without a cell."""

from __future__ import annotations

import pyarrow.compute as pc

from outcomes import arrow
from outcomes.records.columns import show_header
from outcomes.records.counted import counted
from outcomes.records.mapping import Mapping
from outcomes.records.model import Records
from outcomes.records.patient_ids import count_similar

_NEEDED = ("patient_id", "visit_date", "visit_day")


def ask_about_ids(records: Records, proposal: Mapping) -> list[str]:
    """Return what has to be decided before these ids and days can be read; no id is told.

    Parameters
    ----------
    records : Records
        As read with the proposal.
    proposal : Mapping
        Where `similar_ids` is declared, ids that look alike are no question.
    """
    blanks = arrow.from_texts(["", *proposal.values.missing])
    questions = []
    for name in (name for name in _NEEDED if name in records.fields):
        texts = pc.unique(pc.utf8_trim_whitespace(records.fields[name].values))
        filled = texts.filter(pc.invert(pc.is_in(texts, value_set=blanks)))
        header = show_header(records.files[0].field_columns[name][0].strip())
        if not len(filled):
            questions.append(f'[columns] {name}: column "{header}" has no cell; no visit can be used without one')
        elif name == "patient_id" and (found := count_similar(filled, proposal.values.similar_ids)):
            questions.append(_ask_about_similar(header, *found))
    return questions


def _ask_about_similar(header: str, n_groups: int, n_ids: int) -> str:
    return (
        f'[values] similar_ids: {n_ids:,} ids of column "{header}", in {counted(n_groups, "group")}, differ only in '
        'capitals, blanks, O and 0, or letters and dashes that look alike: write them alike, or declare "same" or '
        '"apart"; the other commands refuse them (E206)'
    )
