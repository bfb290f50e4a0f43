"""Parquet: parsed in a child process with limits, the footer first, then only the wanted columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from outcomes.files.floors import check_floor
from outcomes.files.temporary import private_folder
from outcomes.records import parquet_child
from outcomes.records.child import start_child
from outcomes.records.columns import Wanted, choose_columns, column_letter
from outcomes.records.mapping import Mapping
from outcomes.records.model import Part, SourceFile
from outcomes.records.privacy import ID_FIELDS
from outcomes.records.text_columns import join_chunks

SECONDS = 180
"""The child is ended after this time."""


def read_parquet(path: Path, mapping: Mapping, name: str) -> Part:
    """Read the wanted columns of a Parquet file, shown by a name (`name_files`), as text; row 1 is the first row.

    Raises
    ------
    InputRefused
        A broken file, more rows than can be true, columns of program objects, or a wanted column that is no plain
        column.
    OutcomesError
        E961 pyarrow is too old to be given a file of somebody else.
    """
    check_floor("pyarrow", "read a Parquet file")
    with private_folder() as folder:
        request = {"path": str(path), "folder": str(folder)}
        with start_child(parquet_child.__name__, request, "Parquet file", name, SECONDS) as child:
            footer = child.ask()
            wanted = choose_columns(footer["names"], mapping, name)
            ids = [wanted.index[key] for key in ID_FIELDS if key in wanted.index]
            answer = child.ask({"columns": wanted.positions, "ids": ids})
        with pa.OSFile(str(folder / "table.arrow"), "rb") as source:
            columns = pa.ipc.open_file(source).read_all()
    return _build_part(wanted.describe(path, name, "parquet"), wanted, columns, answer)


def _build_part(file: SourceFile, wanted: Wanted, columns: pa.Table, answer: dict[str, Any]) -> Part:
    n_rows = int(answer["n_rows"])
    by_position = {position: join_chunks(columns.column(str(position)).chunks) for position in wanted.positions}
    part = Part(
        file=file,
        columns={key: by_position[i] for key, i in wanted.index.items()},
        rows=np.arange(1, n_rows + 1, dtype=np.int32),
        n_physical=n_rows,
        notes=list(wanted.notes),
        top=answer["top"],
    )
    for row, position, code in answer["faults"]:
        part.add_fault(row, code, (wanted.header[position], column_letter(position)))
    part.drop_faulty_rows()
    return part
