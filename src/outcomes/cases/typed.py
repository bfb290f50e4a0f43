"""What typing the records gives, and the small steps that every field shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from outcomes.cases.rules import RULES, Fault
from outcomes.cases.schema import Columns
from outcomes.definitions.lookups import find_unknown_parts
from outcomes.errors import Finding
from outcomes.records.inspect_terms import LISTS

if TYPE_CHECKING:
    from outcomes.cases.cells import Terms
    from outcomes.definitions import Codebook, Protocol
    from outcomes.records import Records, TextColumn

ENOUGH_CELLS = 20

UnknownTerm = tuple[str, str, int, int]
"""A field, a term the codebook does not know, and the records and patients it stands at."""


@dataclass(slots=True)
class Typed:
    """Typed records: columns of shape (n,), and everything that was noticed on the way.

    ``faults`` are (field, rule code, rows); ``not_data`` are (reason, rows); ``labels`` are the words behind the codes
    of pseudonyms and free categories.
    """

    n: int
    columns: Columns = field(default_factory=dict)
    labels: dict[str, pa.StringArray] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    not_data: list[tuple[str, NDArray[np.intp]]] = field(default_factory=list)
    unknown_terms: list[UnknownTerm] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Typing:
    """One pass over the fields of an export; holds what the small steps share."""

    def __init__(self, records: Records, protocol: Protocol, codebook: Codebook) -> None:
        self.records, self.protocol, self.codebook = records, protocol, codebook
        self.mapping = records.mapping
        self.out = Typed(records.n)
        self.looked_up: list[tuple[str, TextColumn, Terms, NDArray[np.bool_]]] = []
        self.unknown_flags: list[tuple[str, NDArray[np.bool_]]] = []
        self.odd_flags: list[tuple[str, str, NDArray[np.bool_]]] = []
        self.misfits: list[Finding] = []

    def column(self, name: str) -> TextColumn | None:
        """Return the cells of a field, None where the export lacks it."""
        return self.records.fields.get(name)

    def texts(self, column: TextColumn) -> list[str]:
        """Return the distinct cells without outer blanks."""
        return pc.utf8_trim_whitespace(column.values).to_pylist()

    def fault(self, name: str, column: TextColumn, faults: NDArray[np.str_]) -> None:
        """Spread the fault of a distinct text to the records it stands in."""
        for code in np.unique(faults[faults != ""]).tolist():
            rows = np.flatnonzero((faults == code)[column.codes])
            if rows.size:
                self.out.faults.append((name, code, rows))
                self._judge_column(name, column, code, rows.size)

    def _judge_column(self, name: str, column: TextColumn, code: str, n_faulty: int) -> None:
        """When much of a column breaks one rule, the mapping is wrong, not the data: that is asked, not set aside."""
        rule = RULES[code]
        if rule.column_share is None:
            return
        blank = np.array(
            [not text.strip() or text in self.mapping.values.missing for text in column.values.to_pylist()]
        )
        n_filled = int((~blank)[column.codes].sum())
        if n_filled >= ENOUGH_CELLS and n_faulty >= rule.column_share * n_filled:
            words = f"{n_faulty / n_filled:.0%} of {n_filled} filled cells: {rule.words}."
            self.misfits.append(Finding(code, words, f"column '{self.header(name)}' ({name})", rule.remedy))

    def spread(self, name: str, column: TextColumn, found: NDArray[Any], dtype: type[np.generic]) -> None:
        """Give each record the value of its distinct text."""
        self.out.columns[name] = found.astype(dtype)[column.codes]

    def look_up(self, name: str, column: TextColumn, terms: Terms, known: NDArray[np.bool_]) -> None:
        """Remember what was looked up in vain; it is counted once the patients are known."""
        self.looked_up.append((name, column, terms, known))

    def count_unknown(self, used: NDArray[np.bool_]) -> None:
        """List the unknown terms of every field with their records and patients, of the records that are used."""
        patient, out = self.out.columns["patient"], self.out.unknown_terms
        for name, column, terms, known in self.looked_up:
            split = self._split(name) if name in LISTS else None
            out += [(name, *found) for found in terms.count_unknown(known, column.codes, patient, used, split)]
        for name, word, rows in (*(("modalities", *flag) for flag in self.unknown_flags), *self.odd_flags):
            if n := int((rows & used).sum()):
                out.append((name, word, n, len(np.unique(patient[rows & used]))))

    def _split(self, name: str) -> Callable[[Sequence[str]], list[list[str]]]:
        find = self.codebook.find_modalities if name == "modalities" else self.codebook.find_muscles
        return lambda words: find_unknown_parts(words, lambda parts: find(parts).known)

    def header(self, name: str) -> str:
        """Return the header of a field, as it stands in the file."""
        return next((f.field_columns[name][0] for f in self.records.files if name in f.field_columns), name)
