"""The rows set aside: file, sheet, row, column, rule, a masked value, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.cases.rules import OUTSIDE_CASE_DEFINITION, RULES, Fault
from outcomes.records import mask

if TYPE_CHECKING:
    from outcomes.records import Records


_NONE_LEFT = (
    "No row of the export is left: look whether this column holds ICD-10 codes. If not, name the right one below "
    '[columns] in the mapping, or write diagnoses = "": then every visit counts.'
)
"""What to do when the case definition leaves nothing, which speaks against the mapping and not for the definition."""


def build_quarantine(records: Records, faults: list[Fault], is_any_left: bool = True) -> pa.Table:
    """List every fault of every record set aside, in file and row order, after the rows the reader set aside.

    Parameters
    ----------
    records : Records
        The records as read.
    faults : list of (field, rule code, rows)
        As `contract.type_records` found them.
    is_any_left : bool
        Whether some records are used.

    Returns
    -------
    pyarrow.Table
        One row a fault: source_file, source_sheet, source_row, column, letter, code, rule, value_masked, remedy.
    """
    blocks = [_reading_block(records)] + [
        _fault_block(records, *fault, _NONE_LEFT if fault[1] == OUTSIDE_CASE_DEFINITION and not is_any_left else "")
        for fault in faults
    ]
    table = pa.concat_tables(blocks).unify_dictionaries().combine_chunks()
    order = [("source", "ascending"), ("source_row", "ascending"), ("code", "ascending"), ("column", "ascending")]
    table = table.append_column("source_file", _names(records, table["source"], "name"))
    table = table.append_column("source_sheet", _names(records, table["source"], "sheet"))
    shown = ["source_file", "source_sheet", "source_row", "column", "letter", "code", "rule", "value_masked", "remedy"]
    return table.sort_by(order).select(shown)


def _names(records: Records, source: pa.ChunkedArray, attribute: str) -> pa.Array:
    words = [getattr(file, attribute) or "" for file in records.files]
    return arrow.dictionary(
        arrow.to_numpy(source.combine_chunks(), np.int16).astype(np.int32), words
    ).dictionary_decode()


def _block(source: NDArray[np.int16], row: NDArray[np.int32], words: dict[str, pa.Array]) -> pa.Table:
    return pa.table({"source": arrow.from_numpy(source), "source_row": arrow.from_numpy(row), **words})


def _constant(text: str, n: int) -> pa.Array:
    return arrow.dictionary(np.zeros(n, dtype=np.int32), [text]).dictionary_decode()


def _reading_block(records: Records) -> pa.Table:
    aside = records.set_aside
    n = len(aside.row)
    words = {
        "column": arrow.from_texts([header for header, _ in aside.column]),
        "letter": arrow.from_texts([letter for _, letter in aside.column]),
        "code": arrow.from_texts(aside.code),
        "rule": arrow.from_texts(aside.rule),
        "value_masked": _constant("", n),
        "remedy": arrow.from_texts(aside.detail),
    }
    return _block(np.asarray(aside.source, dtype=np.int16), np.asarray(aside.row, dtype=np.int32), words)


def _fault_block(records: Records, field: str, code: str, rows: NDArray[np.intp], remedy: str) -> pa.Table:
    n, column = len(rows), records.fields[field]
    distinct, codes = np.unique(column.codes[rows], return_inverse=True)
    texts = column.values.take(arrow.from_numpy(distinct.astype(np.int64))).to_pylist()
    # Files may name the field differently, and have it in another place.
    places = [file.field_columns.get(field, (field, "")) for file in records.files]
    source = records.source[rows].astype(np.int32)
    words = {
        "column": arrow.dictionary(source, [header for header, _ in places]).dictionary_decode(),
        "letter": arrow.dictionary(source, [letter for _, letter in places]).dictionary_decode(),
        "code": _constant(code, n),
        "rule": _constant(RULES[code].words, n),
        "value_masked": arrow.dictionary(codes.astype(np.int32), [mask(text) for text in texts]).dictionary_decode(),
        "remedy": _constant(remedy or RULES[code].remedy, n),
    }
    return _block(records.source[rows], records.source_row[rows], words)
