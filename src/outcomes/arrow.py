"""numpy to Arrow and back through buffers.

`pyarrow.array` and `Array.to_numpy` import pandas, which costs the command line more than the work on a small export;
these few functions do the same without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_ARROW_TYPES = {
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint16": pa.uint16(),
    "uint64": pa.uint64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
}


def _bitmap(present: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(present, bitorder="little"))


def from_numpy(
    values: NDArray[Any], present: NDArray[np.bool_] | None = None, kind: pa.DataType | None = None
) -> pa.Array:
    """Wrap a numpy array as an Arrow array.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Numbers or booleans.
    present : ndarray of bool, shape (n,), optional
        False where the value is missing.
    kind : pyarrow.DataType, optional
        A type of the same width, for example ``date32`` for day numbers.
    """
    validity = None if present is None or present.all() else _bitmap(present)
    if values.dtype == np.bool_:
        return pa.Array.from_buffers(pa.bool_(), len(values), [validity, _bitmap(values)])
    values = np.ascontiguousarray(values)
    kind = kind or _ARROW_TYPES[values.dtype.name]
    return pa.Array.from_buffers(kind, len(values), [validity, pa.py_buffer(values)])


def to_numpy(array: pa.Array, dtype: type[np.generic]) -> NDArray[Any]:
    """View an Arrow array of fixed-width numbers, without nulls, as numpy."""
    data = np.frombuffer(array.buffers()[1], dtype=dtype)
    return data[array.offset : array.offset + len(array)]


def from_texts(texts: Sequence[str]) -> pa.StringArray:
    """Make a string array of Python strings (no nulls)."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int32)
    np.cumsum([len(item) for item in encoded], out=offsets[1:])
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def dictionary(codes: NDArray[np.int32], labels: pa.Array | Sequence[str]) -> pa.DictionaryArray:
    """Make a dictionary array from codes, where a negative code is missing.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Index into `labels`.
    labels : pyarrow.StringArray or sequence of str
        The words.
    """
    words = labels if isinstance(labels, pa.Array) else from_texts(labels)
    codes = np.asarray(codes, dtype=np.int32)
    present = codes >= 0
    indices = from_numpy(np.where(present, codes, 0).astype(np.int32, copy=False), present)
    return pa.DictionaryArray.from_arrays(indices, words, safe=False)


def encode(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Find distinct numbers by hashing, in order of first appearance; several times faster than sorting them.

    Returns
    -------
    distinct : ndarray, shape (k,)
    codes : ndarray of int32, shape (n,)
        ``distinct[codes]`` gives the values back.
    """
    encoded = from_numpy(values).dictionary_encode()
    return to_numpy(encoded.dictionary, values.dtype.type), to_numpy(encoded.indices, np.int32)
