"""Text columns made of dictionary chunks: join them, put files under each other, keep some rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from outcomes import arrow
from outcomes.records.model import TextColumn


def join_chunks(chunks: list[pa.DictionaryArray]) -> TextColumn:
    """Make one column of dictionary chunks, in order; distinct values stand in order of first appearance.

    The list is emptied: chunks and column together would hold the export twice.
    """
    if not chunks:
        return TextColumn(arrow.from_texts([]), np.zeros(0, np.int32))
    joined = pa.chunked_array(chunks)
    chunks.clear()
    if joined.num_chunks > 1:
        joined = joined.unify_dictionaries()
    codes = [arrow.to_numpy(chunk.indices, np.int32) for chunk in joined.chunks]
    return TextColumn(joined.chunk(0).dictionary, np.concatenate(codes) if len(codes) > 1 else codes[0])


def join_columns(columns: list[TextColumn]) -> TextColumn:
    """Put columns of several files under each other."""
    if len(columns) == 1:
        return columns[0]
    chunks = [pa.DictionaryArray.from_arrays(arrow.from_numpy(column.codes), column.values) for column in columns]
    return join_chunks(chunks)


def keep_rows(column: TextColumn, keep: npt.NDArray[np.bool_]) -> TextColumn:
    """Keep some rows, and only the distinct values that are still used."""
    codes = column.codes[keep]
    used = np.zeros(len(column.values), bool)
    used[codes] = True
    renumbered = np.cumsum(used, dtype=np.int32) - np.int32(1)
    values = column.values.take(arrow.from_numpy(np.flatnonzero(used).astype(np.int32)))
    return TextColumn(values, renumbered[codes])


def renumber_values(column: TextColumn, texts: list[str]) -> TextColumn:
    """Give the distinct cells other texts, one each; texts that are then equal become one."""
    by_text: dict[str, int] = {}
    renumbered = np.array([by_text.setdefault(text, len(by_text)) for text in texts], np.int32)
    return TextColumn(arrow.from_texts(list(by_text)), renumbered[column.codes])
