"""Text that stays text: cells that no spreadsheet runs."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from outcomes import arrow

_NUMBER = re.compile(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*|[-+]?(inf|nan)", re.ASCII)
_LIVE = re.compile(r"(^|[,;|\t])([\s\"'“”]*)(?=[=+\-@\t\r\n＝＋－＠])")


def guard(text: str) -> str:
    """Return a text cell that no spreadsheet takes for a formula.

    A cell that one would run (it starts with ``= + - @``, also in full width, a tab or a line end, also after blanks,
    quotes or a delimiter) gets a ``'`` before that character, unless the whole cell is a number.
    """
    return text if _NUMBER.fullmatch(text) else _LIVE.sub(r"\1\2'", text)


def guard_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with dictionaries decoded and every text guarded, each distinct one once."""
    kind = column.type
    texts = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(texts) or pa.types.is_large_string(texts)):
        return column.cast(texts) if pa.types.is_dictionary(kind) else column
    if not len(column):
        return pa.chunked_array([], texts)
    coded = column if pa.types.is_dictionary(kind) else pc.dictionary_encode(column)
    coded = pa.concat_arrays(coded.unify_dictionaries().chunks)
    words = coded.dictionary.to_pylist()
    safe = [guard(word or "") for word in words]
    if safe == words:
        return column.cast(texts)
    return pa.chunked_array([arrow.from_texts(safe).cast(texts).take(coded.indices)])
