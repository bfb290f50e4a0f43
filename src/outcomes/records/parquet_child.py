"""Takes a Parquet file apart in a process of its own: the footer first, then the wanted columns, each as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from outcomes import arrow
from outcomes.records.child import say, wait_for_line
from outcomes.records.columns import column_letter
from outcomes.records.model import TextColumn
from outcomes.records.text_columns import join_chunks
from outcomes.records.workbook_child import text_of

MAX_ROWS = 50_000_000
MAX_CELLS = 500_000_000
MAX_COLUMNS = 5_000
TOP_ROWS, TOP_COLUMNS, TOP_LETTERS = 200, 200, 200
_BATCH_ROWS = 1 << 17
_FOOTER_BYTES = 16 << 20
_OBJECT_TYPES = ("object", "mixed", "mixed-integer", "pickle")
_BROKEN = (
    "E105",
    "the Parquet file is broken, incomplete or packed in an unknown way.",
    "Write it again, for example with snappy or zstd compression.",
)
_FAULTS = (
    pa.ArrowException,
    NotImplementedError,
    OSError,
    ValueError,
    OverflowError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    RecursionError,
)


class Refused(Exception):
    """A file that is not read: code, message, remedy, and the column if there is one."""


def main(request: dict[str, Any], listen: IO[str], speak: IO[str]) -> None:
    """Answer one request: what the footer says, then, for the columns asked for, a table in the request's folder."""

    def answer(file: pq.ParquetFile, about: dict[str, Any]) -> None:
        say(speak, about)
        wanted = wait_for_line(listen)
        if wanted is not None:
            say(speak, _write(file, wanted["columns"], Path(request["folder"]), wanted.get("ids", [])))

    with_file(request["path"], speak, answer)


def with_file(path: str, speak: IO[str], work: Callable[[pq.ParquetFile, dict[str, Any]], None]) -> None:
    """Open a file, check its footer, and work with it; what is refused or broken is said to the parent.

    Parameters
    ----------
    path : str
    speak : text stream
    work : callable
        Given the file, and what its footer says: ``names`` and ``n_rows``.
    """
    try:
        with pq.ParquetFile(
            path,
            thrift_string_size_limit=_FOOTER_BYTES,
            thrift_container_size_limit=1_000_000,
            page_checksum_verification=True,  # where the writer left them; Arrow does not look by itself
        ) as file:
            work(file, _describe(file))
    except Refused as refusal:
        say(speak, {"refused": list(refusal.args)})
    except _FAULTS:
        say(speak, {"refused": list(_BROKEN)})


def _describe(file: pq.ParquetFile) -> dict[str, Any]:
    """Check the footer and return headers and number of rows."""
    footer, schema = file.metadata, file.schema_arrow
    groups = [footer.row_group(i).num_rows for i in range(footer.num_row_groups)]
    if footer.num_rows < 0 or any(n < 0 for n in groups) or sum(groups) != footer.num_rows:
        raise Refused(*_BROKEN)
    if footer.num_rows > MAX_ROWS or footer.num_columns > MAX_COLUMNS:
        raise Refused(
            "E108",
            f"the file declares {footer.num_rows:,} rows and {footer.num_columns:,} columns; "
            f"the limits are {MAX_ROWS:,} and {MAX_COLUMNS:,}.",
            "Split it by year or clinic.",
        )
    _check_objects(schema)
    return {"names": schema.names, "n_rows": footer.num_rows}


def _check_objects(schema: pa.Schema) -> None:
    """Refuse columns, read or not, that hold the objects of a program: to read them is to run it.

    Only bytes can hold one. pandas 3 says "object" of its own text too, so the Arrow type decides before that word.
    """
    described: Any = {}
    for key, value in (schema.metadata or {}).items():
        if key == b"pandas":
            described = json.loads(value)
    columns = described.get("columns", []) if isinstance(described, dict) else []
    bad = {c.get("name") or c.get("field_name"): c for c in columns if str(c.get("pandas_type")) in _OBJECT_TYPES}
    for position, field in enumerate(schema):
        extension = (field.metadata or {}).get(b"ARROW:extension:name", b"").decode("utf-8", "replace")
        if isinstance(field.type, pa.BaseExtensionType):
            extension = field.type.extension_name
        is_object = field.name in bad and _holds_bytes(field.type)
        if is_object or "py_extension" in extension or "pickle" in extension:
            raise Refused(
                "E128",
                "the column holds objects of a program (pickle), not values.",
                "Write it as text or numbers, or leave it out.",
                _place(field.name, position),
            )


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether a type is of bytes, or a list, record or dictionary with bytes in it."""
    if isinstance(kind, pa.BaseExtensionType):
        return _holds_bytes(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _holds_bytes(kind.value_type)
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
    return any(test(kind) for test in tests) or any(_holds_bytes(kind.field(i).type) for i in range(kind.num_fields))


def _place(name: str, position: int) -> str:
    from outcomes.records.columns import show_header

    return f'column "{show_header(name)}" ({column_letter(position)})'


def _write(file: pq.ParquetFile, positions: list[int], folder: Path, ids: list[int]) -> dict[str, Any]:
    """Write the wanted columns as Arrow and return the number of rows and the cells that are not exact."""
    n_rows = file.metadata.num_rows
    if n_rows * len(positions) > MAX_CELLS:
        raise Refused(
            "E108",
            f"the file declares {n_rows:,} rows in {len(positions)} columns that are read; "
            f"the limit is {MAX_CELLS:,} cells.",
            "Split it by year or clinic.",
        )
    for position in positions:
        _check_column(file, position)
    try:
        columns, faults = _read_columns(file, positions, ids)
    except _FAULTS as error:
        raise _refuse_column(file, positions, error) from error
    arrays = [pa.DictionaryArray.from_arrays(arrow.from_numpy(c.codes), c.values) for c in columns.values()]
    table = pa.Table.from_arrays(arrays, names=list(columns))
    with pa.OSFile(str(folder / "table.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return {"n_rows": n_rows, "faults": faults, "top": _read_top(file, positions)}


def _read_top(file: pq.ParquetFile, read: list[int]) -> list[list[str]]:
    """Return the first cells of the plain columns, a row each: those not read are looked at for identifiers, let go."""
    schema = file.schema_arrow
    columns: list[list[str]] = [[] for _ in schema.names]
    plain = [i for i in range(len(schema)) if is_plain(schema.field(i).type)]
    others = [i for i in plain if i not in read]
    for position in (*others[:TOP_COLUMNS], *(i for i in plain if i in read)):
        try:
            batch = next(file.iter_batches(batch_size=TOP_ROWS, columns=[schema.names[position]]), None)
            cells = batch.column(0).to_pylist() if batch is not None else []
        except _FAULTS:
            continue  # nobody asked for it
        columns[position] = [("" if cell is None else str(cell))[:TOP_LETTERS] for cell in cells]
    return [[cells[i] if i < len(cells) else "" for cells in columns] for i in range(max(map(len, columns), default=0))]


def _read_columns(
    file: pq.ParquetFile, positions: list[int], ids: list[int]
) -> tuple[dict[str, TextColumn], list[tuple[int, int, str]]]:
    schema = file.schema_arrow
    chunks: dict[int, list[pa.DictionaryArray]] = {position: [] for position in positions}
    faults: list[tuple[int, int, str]] = []
    start = 1
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[schema.names[position] for position in positions]):
        for position in positions:
            column = batch.column(batch.schema.get_field_index(schema.names[position]))
            if position in ids and pa.types.is_floating(column.type):  # what a program writes where it had no id
                column = pc.if_else(pc.is_nan(column), None, column)
            chunk, inexact = text_chunk(column)
            chunks[position].append(chunk)
            faults += [(start + i, position, "E149") for i in inexact]
        start += batch.num_rows
    if start - 1 != file.metadata.num_rows:
        raise Refused(*_BROKEN)
    return {str(position): join_chunks(chunks[position]) for position in positions}, faults


def _check_column(file: pq.ParquetFile, position: int) -> None:
    """Refuse a wanted column whose values have no one text."""
    field = file.schema_arrow.field(position)
    place = _place(field.name, position)
    if not is_plain(field.type):
        raise Refused(
            "E125",
            f"a column of type {field.type} cannot be read as text.",
            "Write it as text, number, date, time stamp or boolean; lists as text with separators.",
            place,
        )


def _refuse_column(file: pq.ParquetFile, positions: list[int], error: Exception) -> Refused:
    """Return the refusal of the first wanted column that cannot be read, by reading them one by one.

    The footer is not asked which columns are encrypted: pyarrow ends the process over that question.
    """
    for position in positions:
        name = file.schema_arrow.names[position]
        try:
            for _ in file.iter_batches(batch_size=_BATCH_ROWS, columns=[name]):
                pass
        except _FAULTS as fault:
            text, place = str(fault).lower(), _place(name, position)
            if "decrypt" in text or "encrypt" in text:
                return Refused("E125", "the column is encrypted.", "Write it again without encryption.", place)
            if "codec" in text or isinstance(fault, NotImplementedError):
                return Refused("E125", "the column is packed with an unknown codec.", _BROKEN[2], place)
            return Refused(*_BROKEN, place)
    raise error


def is_plain(kind: pa.DataType) -> bool:
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
