"""What reading a file gives: text columns, where each row stood, and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from outcomes.ledger import Ledger
from outcomes.records.mapping import Mapping

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TextColumn:
    """One column as text, each distinct cell stored once.

    Attributes
    ----------
    values : pyarrow.StringArray, shape (m,)
        The distinct cells, as they stand in the file; an empty cell is ``""``. No nulls.
    codes : numpy.ndarray of int32, shape (n,)
        Index into `values` of each row.
    """

    values: pa.StringArray
    codes: Codes

    def __repr__(self) -> str:
        return f"TextColumn({len(self.codes)} cells, {len(self.values)} distinct)"

    def texts(self) -> list[str]:
        """Return the n cells as Python texts (for small tables and tests)."""
        words = self.values.to_pylist()
        return [words[code] for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that was read, or one sheet of a workbook of several.

    Attributes
    ----------
    name, sheet, kind : str
        File name, with the folders that tell two files of one name apart (`name_files`); the sheet (empty unless a
        workbook); ``"csv"``, ``"xlsx"`` or ``"parquet"``.
    size_bytes, n_rows : int
        Size of the file; number of records read from it.
    header : tuple[str, ...]
        Every header as it stands in the file.
    field_columns : dict[str, tuple[str, str]]
        Field -> (header, column letter) of the columns that were read; no letter where it is no column of the file
        (`sheets.SHEET_NAME`).
    modality_columns : dict[str, tuple[str, str]]
        Key of `Mapping.ticked` -> (header, column letter).
    unread_columns : tuple[str, ...]
        Headers of the columns that were not read.
    encoding : str
        How the text was decoded; empty for workbooks and Parquet.
    path : Path
        Where it was; not for output.
    footer_rows : tuple[int, ...]
        Rows that were totals or footers; not for the release, where no line of it may hang on the order of rows.
    sha256 : str or None
        Filled in by whoever needs it, with `hash_file`.
    """

    name: str
    sheet: str
    kind: str
    size_bytes: int
    n_rows: int
    header: tuple[str, ...]
    field_columns: dict[str, tuple[str, str]]
    modality_columns: dict[str, tuple[str, str]]
    unread_columns: tuple[str, ...]
    encoding: str = ""
    path: Path = field(default=Path(), repr=False)
    footer_rows: tuple[int, ...] = ()
    sha256: str | None = None

    @property
    def place(self) -> str:
        """The file, and the sheet of a workbook, as messages and accounts name them."""
        return f'{self.name} › sheet "{self.sheet}"' if self.sheet else self.name


@dataclass(frozen=True, slots=True, eq=False)
class SetAside:
    """Rows that never became records, ordered by file and row.

    Attributes
    ----------
    source : numpy.ndarray of int16, shape (k,)
        Index into `Records.files`.
    row : numpy.ndarray of int32, shape (k,)
        Row as the editor or Excel shows it, from 1.
    code, rule, detail : tuple[str, ...], length k
        Stable code, the rule in words, and what was found, without a patient's value.
    column : tuple of (header, letter), length k
        The column the fault is in; two empty texts where it is the line as a whole.
    """

    source: npt.NDArray[np.int16]
    row: Codes
    code: tuple[str, ...]
    rule: tuple[str, ...]
    detail: tuple[str, ...]
    column: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.code)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Records:
    """The records of one or more exports, every cell still text.

    Attributes
    ----------
    fields : dict[str, TextColumn]
        Field -> column of n rows, files one after the other in the order given. A field no file has is absent.
    modality_flags : dict[str, TextColumn]
        Modality term -> its yes/no column, for exports with one column a modality; a key of `Mapping.ticked`.
    source, source_row : numpy.ndarray of int16 and int32, shape (n,)
        Index into `files`, and the row in that file as the editor or Excel shows it, from 1.
    files : tuple[SourceFile, ...]
        What was read.
    set_aside : SetAside
        Rows that could not be read as they stand.
    ledger : Ledger
        One step ``"read"`` a file: rows in = records + set aside + no data.
    mapping : Mapping
        How it was read.
    notes : tuple[str, ...]
        What a reader of the results should know, without a patient's value.
    """

    fields: dict[str, TextColumn]
    modality_flags: dict[str, TextColumn]
    source: npt.NDArray[np.int16]
    source_row: Codes
    files: tuple[SourceFile, ...]
    set_aside: SetAside
    ledger: Ledger
    mapping: Mapping
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Records({self.n} records of {len(self.files)} files, fields: {', '.join(self.fields)})"

    @property
    def n(self) -> int:
        """Number of records."""
        return len(self.source)

    @property
    def table(self) -> pd.DataFrame:
        """All records as a pandas table of text, with source_file, source_sheet and source_row (for people)."""
        import pandas as pd

        def spread(words: Sequence[str], codes: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
            spreadable = np.empty(len(words), dtype=object)
            spreadable[:] = words
            return spreadable[codes]

        columns = {name: spread(column.values.to_pylist(), column.codes) for name, column in self.fields.items()}
        columns |= {
            f"modality: {term}": spread(column.values.to_pylist(), column.codes)
            for term, column in self.modality_flags.items()
        }
        columns["source_file"] = spread([file.name for file in self.files], self.source)
        columns["source_sheet"] = spread([file.sheet for file in self.files], self.source)
        return pd.DataFrame(columns).assign(source_row=self.source_row)


@dataclass(slots=True)
class Part:
    """One file, or one sheet of a workbook, as its reader hands it over, before rows that are no data are taken out.

    Attributes
    ----------
    file : SourceFile
    columns : dict[str, TextColumn]
        Keys are those of `outcomes.records.columns.Wanted`.
    rows : numpy.ndarray of int32, shape (n,)
        Row in the file of each record.
    n_physical : int
        Physical rows of the file, everything counted.
    faults : list of (row, code, detail)
        Rows set aside.
    fault_columns : dict of (row, code) to (header, letter)
        The columns of those that are in one.
    not_data, merged : dict[str, int]
        Reason -> physical rows.
    notes : list[str]
    footers : list of (row, text)
        Totals and footers the reader met; they are counted in `not_data` already.
    top : list of list of str
        First rows of a workbook or Parquet file, every column: looked at for identifiers and let go.
    """

    file: SourceFile
    columns: dict[str, TextColumn]
    rows: Codes
    n_physical: int
    faults: list[tuple[int, str, str]] = field(default_factory=list)
    fault_columns: dict[tuple[int, str], tuple[str, str]] = field(default_factory=dict)
    not_data: dict[str, int] = field(default_factory=dict)
    merged: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    footers: list[tuple[int, str]] = field(default_factory=list)
    top: list[list[str]] = field(default_factory=list)

    def add_fault(self, row: int, code: str, column: tuple[str, str], words: str = "") -> None:
        """Set a row aside for one of its cells; `column` is header and letter, `words` say more of the cell."""
        header, letter = column
        place = (f'column "{header}" ({letter})' if letter else header) + (f" {words}" if words else "")
        self.faults.append((row, code, place))
        self.fault_columns.setdefault((row, code), column)

    def drop_faulty_rows(self) -> None:
        """Take the rows named in `faults` out of the columns; a row with several faults keeps its first."""
        first = {row: (row, code, detail) for row, code, detail in reversed(self.faults)}
        self.faults = [first[row] for row in sorted(first)]
        keep = ~np.isin(self.rows, np.array(list(first), np.int32))
        if not keep.all():
            self.keep(keep)

    def keep(self, keep: npt.NDArray[np.bool_]) -> None:
        """Keep some rows of every column; a column that stands under two keys is cut once."""
        from outcomes.records.text_columns import keep_rows

        same: dict[int, TextColumn] = {}
        for key, column in self.columns.items():
            if id(column) not in same:
                same[id(column)] = keep_rows(column, keep)
            self.columns[key] = same[id(column)]
        self.rows = self.rows[keep]
