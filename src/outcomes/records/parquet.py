"""Parquet: the footer is checked first, then only the wanted columns are read, each as text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from outcomes import arrow
from outcomes.records.columns import Wanted, choose_columns, column_letter
from outcomes.records.mapping import Mapping
from outcomes.records.model import Part
from outcomes.records.rules import refuse
from outcomes.records.text_columns import join_chunks
from outcomes.records.workbook_child import text_of

MAX_ROWS = 50_000_000
_BATCH_ROWS = 1 << 17


def read_parquet(path: Path, mapping: Mapping) -> Part:
    """Read the wanted columns of a Parquet file as text; row 1 is the first row.

    Raises
    ------
    InputRefused
        A broken file, more rows than can be true, or a wanted column that is no plain column.
    """
    try:
        return _read(path, mapping)
    except (pa.ArrowException, NotImplementedError) as error:
        raise refuse(
            "E105",
            "the Parquet file is broken, incomplete or packed in an unknown way.",
            path.name,
            "Write it again, for example with snappy or zstd compression.",
        ) from error


def _read(path: Path, mapping: Mapping) -> Part:
    with pq.ParquetFile(path) as file:
        n_rows, schema = file.metadata.num_rows, file.schema_arrow
        if n_rows > MAX_ROWS:
            raise refuse(
                "E108",
                f"the file declares {n_rows:,} rows; the limit is {MAX_ROWS:,}.",
                path.name,
                "Split it by year or clinic.",
            )
        wanted = choose_columns(schema.names, mapping, path.name)
        _check_types(schema, wanted, path.name)
        part = _empty_part(path, wanted, n_rows)
        chunks: dict[int, list[pa.DictionaryArray]] = {position: [] for position in wanted.positions}
        names = [schema.names[position] for position in wanted.positions]
        start = 1
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=names):
            for position in wanted.positions:
                column = batch.column(batch.schema.get_field_index(schema.names[position]))
                chunk, inexact = text_chunk(column)
                chunks[position].append(chunk)
                place = f'column "{schema.names[position]}" ({column_letter(position)})'
                part.faults += [(start + i, "E149", place) for i in inexact]
            start += batch.num_rows
    by_position = {position: join_chunks(chunks[position]) for position in wanted.positions}
    part.columns = {key: by_position[i] for key, i in wanted.index.items()}
    part.drop_faulty_rows()
    return part


def _empty_part(path: Path, wanted: Wanted, n_rows: int) -> Part:
    file = wanted.describe(path, "parquet")
    return Part(file=file, columns={}, rows=np.arange(1, n_rows + 1, dtype=np.int32), n_physical=n_rows)


def _check_types(schema: pa.Schema, wanted: Wanted, name: str) -> None:
    for position in wanted.positions:
        field = schema.field(position)
        if not _is_plain(field.type):
            place = f'{name} › column "{field.name}" ({column_letter(position)})'
            raise refuse(
                "E125",
                f"a column of type {field.type} cannot be read as text.",
                place,
                "Write it as text, number, date, time stamp or boolean; lists as text with separators.",
            )


def _is_plain(kind: pa.DataType) -> bool:
    """Whether every value of a type has one exact text; extension types never do."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return False
    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return _is_text(kind) or any(
        test(kind)
        for test in (
            types.is_integer,
            types.is_floating,
            types.is_decimal,
            types.is_boolean,
            types.is_date,
            types.is_timestamp,
            types.is_null,
        )
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def text_chunk(column: pa.Array) -> tuple[pa.DictionaryArray, list[int]]:
    """Return a column as dictionary-encoded text, and the positions of numbers that are not exact.

    A null is an empty text. Only the distinct values are turned into text.
    """
    kind = column.type
    if pa.types.is_null(kind):
        return pa.DictionaryArray.from_arrays(
            arrow.from_numpy(np.zeros(len(column), np.int32)), arrow.from_texts([""])
        ), []
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        # Python has microseconds; nanoseconds would bring pandas in.
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_string_view(kind) or pa.types.is_float16(kind):
        column = column.cast(pa.string() if pa.types.is_string_view(kind) else pa.float32())
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    texts = [_text(value, column.type) for value in encoded.dictionary.to_pylist()]
    by_text: dict[str, int] = {}
    renumber = np.array([by_text.setdefault(text or "", len(by_text)) for text in texts] + [0], np.int32)
    renumber[-1] = by_text.setdefault("", len(by_text))
    indices = encoded.indices.cast(pa.int32())
    codes = arrow.to_numpy(indices, np.int32).copy()
    missing = np.zeros(len(codes), bool)
    if indices.null_count:
        valid = np.unpackbits(np.frombuffer(indices.buffers()[0], np.uint8), bitorder="little")
        missing = valid[indices.offset : indices.offset + len(codes)] == 0
        codes[missing] = len(texts)
    inexact_codes = [code for code, text in enumerate(texts) if text is None and encoded.dictionary[code].is_valid]
    inexact = np.flatnonzero(np.isin(codes, inexact_codes)).tolist() if inexact_codes else []
    return pa.DictionaryArray.from_arrays(arrow.from_numpy(renumber[codes]), arrow.from_texts(list(by_text))), inexact


def _text(value: object, kind: pa.DataType) -> str | None:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if pa.types.is_float32(kind):
        return text_of(float(np.format_float_positional(np.float32(value), unique=True)))  # type: ignore[arg-type]
    return text_of(value)
