"""The first rows of a Parquet file's columns as text, taken in a process of its own."""

from __future__ import annotations

from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from outcomes.records.child import say
from outcomes.records.parquet_child import is_plain


def main(request: dict[str, Any], listen: IO[str], speak: IO[str]) -> None:
    """Say the headers, the number of rows, and the first cells of every plain column."""
    with pq.ParquetFile(request["path"]) as file:
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
        plain = [position for position in range(len(schema.names)) if is_plain(schema.field(position).type)]
        cells = _first_cells(file, [schema.names[p] for p in plain], request["n_rows"]) if plain and n_rows else {}
        top = {str(position): cells.get(schema.names[position], []) for position in plain}
    say(speak, {"names": schema.names, "n_rows": n_rows, "cells": top})


def _first_cells(file: pq.ParquetFile, names: list[str], n_rows: int) -> dict[str, list[str]]:
    batch = next(file.iter_batches(batch_size=n_rows, columns=names))
    found = {}
    for name in names:
        column = batch.column(batch.schema.get_field_index(name))
        found[name] = (
            [] if pa.types.is_null(column.type) else [str(cell) for cell in column.to_pylist() if cell is not None]
        )
    return found
