"""How alike two arms are in what is recorded, before and after weighting: one row a column, weighted by or not."""

from __future__ import annotations

import numpy as np

from outcomes.estimators.weighting import compare_means
from outcomes.questions.adjustment import Adjustment
from outcomes.questions.covariates import Stack
from outcomes.questions.results import Flags, FloatArray

LARGEST_IMBALANCE, NOTED_IMBALANCE = 0.2, 0.1
"""Standardised differences after weighting from which arms are not compared, and from which it is said."""
BALANCE_COLUMNS = ("column", "label", "smd_before", "smd_after", "is_adjusted")
"""Columns of the table of balance: standardised mean differences, those treated minus those not."""

BalanceRow = tuple[str, str, float, float, bool]
"""One row of `BALANCE_COLUMNS`."""


def tabulate_balance(chosen: Adjustment, arm: Flags, weights: FloatArray) -> list[BalanceRow]:
    """Return the standardised differences of all columns, also of those there was no room for.

    Infinite where a column tells the arms apart.

    Parameters
    ----------
    chosen : Adjustment
    arm : ndarray of bool, shape (n,)
    weights : ndarray, shape (n,)
    """
    judged = [(block, used) for blocks, used in ((chosen.used, True), (chosen.left, False)) for block in blocks]
    if not judged:
        return []
    found = compare_means(Stack(tuple(block for block, _ in judged), chosen.n), arm.astype(np.float64), weights)
    named = [(name, block.label, used) for block, used in judged for name in block.names]
    smd = zip(found.before.tolist(), found.after.tolist(), strict=True)
    return [(name, label, *pair, used) for (name, label, used), pair in zip(named, smd, strict=True)]


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
