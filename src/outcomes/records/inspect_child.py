"""The first rows of a Parquet file's columns as text, taken in a process of its own."""

from __future__ import annotations

from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from outcomes.records.child import say
from outcomes.records.parquet_child import is_plain, with_file


def main(request: dict[str, Any], listen: IO[str], speak: IO[str]) -> None:
    """Say the headers, the number of rows, and the first cells of every plain column."""

    def answer(file: pq.ParquetFile, about: dict[str, Any]) -> None:
        names, schema = about["names"], file.schema_arrow
        plain = [position for position in range(len(names)) if is_plain(schema.field(position).type)]
        cells = _first_cells(file, [names[p] for p in plain], request["n_rows"]) if plain and about["n_rows"] else {}
        say(speak, about | {"cells": {str(position): cells.get(names[position], []) for position in plain}})

    with_file(request["path"], speak, answer)


def _first_cells(file: pq.ParquetFile, names: list[str], n_rows: int) -> dict[str, list[str]]:
    batch = next(file.iter_batches(batch_size=n_rows, columns=names))
    found = {}
    for name in names:
        column = batch.column(batch.schema.get_field_index(name))
        # A blank keeps its place: whose a cell is, is told by the patient of its row.
        found[name] = [
            "" if cell is None else str(cell) for cell in ([] if pa.types.is_null(column.type) else column.to_pylist())
        ]
    return found
