"""Distinct rows with weights, where counting them pays; small whole numbers kept as bytes.

Counting sorts one whole-number key a row. Whether it pays is asked first of one row in sixteen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray
from outcomes.estimators.counting import sum_by
from outcomes.estimators.cox.coded import Codes, build_codes
from outcomes.estimators.row_codes import count_rows

# One row in so many is looked at; so large a share of different ones among them says that counting does not pay.
_SAMPLE = 16
_PAYS = 0.9
# Fewer rows are counted without asking.
_FEW = 20_000
_BLOCK = 1 << 13


@dataclass(frozen=True, slots=True)
class Counted:
    """Patterns; the fields are those of `outcomes.estimators.cox.rows.Rows`."""

    X: NDArray[Any] | Codes
    weight: FloatArray
    lo: NDArray[np.int32]
    hi: NDArray[np.int32]
    event: NDArray[np.bool_]


def count_patterns(
    X: NDArray[Any],
    lo: NDArray[np.int32],
    hi: NDArray[np.int32],
    event: NDArray[np.bool_],
    weight: FloatArray,
    slots: int,
) -> tuple[Counted, NDArray[np.intp] | None]:
    """Return the patterns, and the pattern of each row; None where every row stayed its own."""
    codes = build_codes(X, slots) if X.dtype.kind == "i" else None
    covariates = [*X.T] if codes is None else [codes.first, codes.second]
    columns = [*covariates, lo, hi, event.view(np.uint8)]
    row: NDArray[np.intp] | None = None
    kept: NDArray[Any] | Codes = X if codes is None else codes
    if _counting_pays(columns):
        row = count_rows(columns)
        size = int(row.max()) + 1
        example = np.empty(size, dtype=np.intp)
        example[row] = np.arange(row.size)
        lo, hi, event, weight = lo[example], hi[example], event[example], sum_by(row, weight, size)
        kept = kept.take(example, axis=0)
    if codes is not None:
        return Counted(kept, weight, lo, hi, event), row
    order = np.argsort(hi.astype(np.uint16) if slots < 1 << 16 else hi, kind="stable")
    rank = np.empty(order.size, dtype=np.intp)
    rank[order] = np.arange(order.size)
    row = rank if row is None else rank[row]
    kept = kept.take(order, axis=0)
    return Counted(kept, weight.take(order), lo.take(order), hi.take(order), event.take(order)), row


def narrow(X: object) -> NDArray[Any] | None:
    """Return a table of small whole numbers row by row in memory, as one or two bytes a number; None for another."""
    if not isinstance(X, np.ndarray) or X.ndim != 2 or not X.size or X.dtype.kind not in "biuf":
        return None
    kind: type[np.signedinteger[Any]]
    for kind in (np.int8, np.int16):
        small = np.empty(X.shape, dtype=kind)
        if all(_fits(X[start : start + _BLOCK], small[start : start + _BLOCK]) for start in range(0, len(X), _BLOCK)):
            return small
    return None


def _fits(block: NDArray[Any], small: NDArray[Any]) -> bool:
    """Copy a block into bytes, and say whether it is still the same."""
    # What does not fit, NaN included, becomes some other number.
    with np.errstate(invalid="ignore", over="ignore"):
        np.copyto(small, block, casting="unsafe")
    return bool((small == block).all())


def _counting_pays(columns: list[NDArray[Any]]) -> bool:
    n = len(columns[0])
    if n <= _FEW:
        return True
    sample = [column[::_SAMPLE] for column in columns]
    return int(count_rows(sample).max()) + 1 <= _PAYS * len(sample[0])
