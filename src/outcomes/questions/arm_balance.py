"""How alike two arms are in what is recorded, before and after weighting: one row a column, weighted by or not."""

from __future__ import annotations

import numpy as np

from outcomes.estimators.orthogonal import parts_of
from outcomes.estimators.weighting import balance
from outcomes.questions.adjustment import Adjustment
from outcomes.questions.covariates import stack_blocks
from outcomes.questions.results import Flags, FloatArray

LARGEST_IMBALANCE, NOTED_IMBALANCE = 0.2, 0.1
"""Standardised differences after weighting from which arms are not compared, and from which it is said."""
BALANCE_COLUMNS = ("column", "label", "smd_before", "smd_after", "is_adjusted")
"""Columns of the table of balance: standardised mean differences, those treated minus those not."""

BalanceRow = tuple[str, str, float, float, bool]
"""One row of `BALANCE_COLUMNS`."""


def tabulate_balance(
    chosen: Adjustment, arm: Flags, weights: FloatArray, table: FloatArray | None = None
) -> list[BalanceRow]:
    """Return the standardised differences of all columns, also of those there was no room for.

    Parameters
    ----------
    chosen : Adjustment
    arm : ndarray of bool, shape (n,)
    weights : ndarray, shape (n,)
    table : ndarray, shape (n, p), optional
        `chosen.table`, where it is at hand: of a large chain it takes time to put together.
    """
    judged = [(block, used) for blocks, used in ((chosen.used, True), (chosen.left, False)) for block in blocks]
    if not judged:
        return []
    tables = [chosen.table if table is None else table, stack_blocks(chosen.left, chosen.n)]
    smd = np.concatenate([_compare_means(columns, arm, weights) for columns in tables if columns.shape[1]]).tolist()
    named = [(name, block.label, used) for block, used in judged for name in block.names]
    return [(name, label, *pair, used) for (name, label, used), pair in zip(named, smd, strict=True)]


def _compare_means(table: FloatArray, arm: Flags, weights: FloatArray) -> FloatArray:
    """Standardised differences of columns before and after weighting, (p, 2); inf where one tells the arms apart."""
    sides = [_find_ends(table, side) for side in (arm, ~arm)]
    same = np.all([low == high for low, high in sides], axis=0)
    out = np.where(same & (sides[0][0] != sides[1][0]), np.inf, 0.0)[:, None].repeat(2, axis=1)
    if not same.all():
        smd = balance(table if not same.any() else table[:, ~same], arm, weights)
        out[~same] = np.column_stack([smd.before, smd.after])
    return out


def _find_ends(table: FloatArray, side: Flags) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest value of each column among some rows."""
    low, high = np.full(table.shape[1], np.inf), np.full(table.shape[1], -np.inf)
    for part in parts_of(*table.shape):
        own = table[part][side[part]]
        np.minimum(low, own.min(axis=0, initial=np.inf), out=low)
        np.maximum(high, own.max(axis=0, initial=-np.inf), out=high)
    return low, high


def find_worst(rows: list[BalanceRow]) -> float:
    """Return the largest standardised difference after weighting; 0 without columns."""
    return max((abs(row[3]) for row in rows), default=0.0)


def note_balance(chosen: Adjustment, rows: list[BalanceRow]) -> tuple[str, ...]:
    """Say what is not adjusted for, and in what the arms still differ."""
    uneven = dict.fromkeys(row[1] for row in rows if abs(row[3]) >= NOTED_IMBALANCE)
    notes = []
    missing = dict.fromkeys(block.label.lower() for block in chosen.left)
    if missing:
        notes.append(f"Not adjusted for, the smaller arm having too few episodes: {', '.join(missing)}.")
    if uneven:
        notes.append(
            f"After weighting the arms still differ by a standardised difference of {NOTED_IMBALANCE} or more in: "
            f"{', '.join(label.lower() for label in uneven)}."
        )
    return tuple(notes)
