"""The rows of an accelerated failure time regression: checked, and counted into distinct ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from outcomes.estimators.checks import FloatArray, check_columns, check_numbers, open_mask, refuse_where, refused
from outcomes.estimators.counting import distinct, sum_by
from outcomes.estimators.row_codes import count_rows

IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class CountedRows:
    """Distinct informative rows: X of shape (m, p), the rest (m,); `row`, shape (n,), is -1 for rows left out."""

    X: FloatArray
    left: FloatArray
    right: FloatArray
    weight: FloatArray
    row: IntArray


def check_ends(left: ArrayLike, right: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the interval ends, shape (n,) each, or refuse them (E671 to E673 and the codes of `check_numbers`)."""
    a = check_numbers("left", left)
    b = check_numbers("right", right, a.size, allow_infinite=True)
    refuse_where(a < 0, "E671", "left", "is negative.")
    refuse_where(a > b, "E672", "left", "is above right.")
    refuse_where(b == 0, "E673", "left and right", "are both 0; an exact time of 0 has no logarithm.")
    return a, b


def check_table(X: ArrayLike, length: int | None = None) -> FloatArray:
    """Return X as a float table of shape (n, p), or refuse it (E675 and the codes of `check_numbers`)."""
    remedy = "Write X.reshape(-1, 1) for one column, and give shape (n, 0) for none."
    return check_columns("X", X, length, code="E675", remedy=remedy).astype(np.float64, copy=False)


def check_clusters(cluster: ArrayLike, length: int) -> IntArray:
    """Return the clusters as 0..g-1, shape (n,), or refuse labels that are missing or cannot be compared."""
    try:
        labels = np.asarray(open_mask(cluster))
    except ValueError:
        raise refused("E679", "cluster", "holds lists; one label a row is needed.") from None
    if labels.ndim != 1 or labels.size != length:
        what = f"has shape {labels.shape}; one label for each of {length} rows is needed."
        raise refused("E679", "cluster", what)
    if labels.dtype.kind == "c":
        raise refused("E679", "cluster", "holds complex numbers; give numbers or text.")
    if labels.dtype.kind in "US" and not isinstance(cluster, np.ndarray):
        # NumPy writes a missing label or a number among words as a word; as objects they stay what they are.
        labels = np.asarray(cluster, dtype=object)
    if labels.dtype.kind in "biuf":
        return distinct(check_numbers("cluster", labels))[1]
    try:
        missing = np.array([x is None or x != x for x in labels.tolist()], dtype=bool)
        refuse_where(missing, "E679", "cluster", "is missing.")
        return np.unique(labels, return_inverse=True)[1].reshape(-1)
    except TypeError:
        what = "mixes labels that cannot be compared, such as text and numbers."
        raise refused("E679", "cluster", what) from None


def count_intervals(table: FloatArray, a: FloatArray, b: FloatArray, w: FloatArray) -> CountedRows:
    """Count checked rows into distinct ones, without those that have no weight or say nothing."""
    row = count_rows([table, a, b])
    weight = sum_by(row, w, int(row.max()) + 1)
    # Rows of one pattern are alike, so any of them may stand for it.
    example = np.empty(weight.size, dtype=np.intp)
    example[row] = np.arange(row.size)
    kept = (weight > 0) & ((a[example] > 0) | np.isfinite(b[example]))
    new = np.where(kept, np.cumsum(kept) - 1, -1)[row]
    example = example[kept]
    return CountedRows(table[example], a[example], b[example], weight[kept], new)
