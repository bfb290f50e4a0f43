"""What is printed of the numbers of a release: the small ones hidden, the others rounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from outcomes.release.public.model import HIDDEN_CELL, Counts, PublicRules
from outcomes.release.public.numbers import Numbers
from outcomes.release.public.rounding import round_counts

Mask = NDArray[np.bool_]
UNTOLD = 10**9


@dataclass(frozen=True, slots=True)
class Published:
    """What is printed of a vector of numbers.

    Attributes
    ----------
    numbers : Numbers
    shown : ndarray of int64, shape (n,)
        Rounded, or `HIDDEN_CELL`.
    basis : ndarray of int64, shape (n,)
        The exact count each printed number was made from: of an earlier release where it was kept.
    base : ndarray of int64, shape (n,)
    derived : ndarray of bool, shape (n,)
        Whether a row total is no more than the sum of the printed numbers of its row.
    known : mapping of int to (int, int)
        Bounds of numbers that a curve of the same release gives away.
    told : ndarray of int64, shape (n,)
        How far each true count is from the nearest that an earlier release printed the same number from; `UNTOLD` where
        none did. Nobody can take back what was printed: such a number is not hidden for the sake of others.
    """

    numbers: Numbers
    shown: Counts
    basis: Counts
    base: Counts
    derived: Mask
    known: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    told: Counts = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def hidden(self) -> Mask:
        """Whether each number is hidden, shape (n,)."""
        found: Mask = self.shown == HIDDEN_CELL
        return found


def find_small(numbers: Numbers, rules: PublicRules) -> Mask:
    """Return which numbers the threshold hides, shape (n,), from the true counts.

    Those of 1 to k-1 patients; those whose complement in the row, or in the cohort, is of 1 to k-1 patients; and in a
    group of fewer than 3k patients a state that nobody or everybody has, unless nobody of a larger cohort has it.
    """
    exact, k = numbers.exact, rules.k
    has_whole = numbers.whole >= 0
    whole = np.where(has_whole, exact[numbers.whole], 0)
    small = (exact > 0) & (exact < k)
    few_others = has_whole & (whole - exact > 0) & (whole - exact < k)
    is_state = np.zeros(exact.size, dtype=np.bool_)
    for place in numbers.places:
        if len(place.table.columns) > 1:
            is_state[place.cells] = is_state[place.columns] = True
    of_few = is_state & has_whole & (whole > 0) & (whole < rules.class_floor)
    hidden: Mask = small | few_others | (of_few & ((exact == 0) | (exact == whole)))
    for place in numbers.places:
        # Of a state nobody in a larger cohort has, every row says no more than the total does.
        nobody = (exact[place.columns] == 0) & ~hidden[place.columns]
        hidden[place.cells[:, nobody]] = False
    return hide_with_total(numbers, hidden)


def hide_with_total(numbers: Numbers, hidden: Mask) -> Mask:
    """A row whose total is hidden must not show all of its cells: the smallest is hidden with it."""
    out = hidden.copy()
    for place in numbers.places:
        for total, cells in zip(place.rows.tolist(), place.cells, strict=True):
            if out[total] and not out[cells].any():
                counted = cells[numbers.exact[cells] > 0]
                if counted.size:
                    out[counted[np.argmin(numbers.exact[counted])]] = True
    return out


def publish(numbers: Numbers, hidden: Mask, base: Counts) -> Published:
    """Return the numbers as one release alone would print them, each rounded by itself.

    Totals are added up (`add_up_rows`) only when it is settled which cells are shown.

    Parameters
    ----------
    numbers : Numbers
    hidden : ndarray of bool, shape (n,)
    base : ndarray of int, shape (n,)
    """
    hidden = hide_with_total(numbers, hidden)
    shown = np.where(hidden, HIDDEN_CELL, round_counts(numbers.exact, base))
    nowhere, untold = np.zeros(hidden.size, dtype=np.bool_), np.full(hidden.size, UNTOLD, dtype=np.int64)
    return Published(numbers, shown, numbers.exact.copy(), base, nowhere, told=untold)


def add_up_rows(published: Published) -> Published:
    """Return the same with the total of every row that is shown whole, by counts of now, as the sum of what is shown.

    Where a part stands as an earlier release printed it the total is a number of its own: the parts can each be off by
    up to 10 patients, and their sum by three times as many, which the rule allows to be printed anew.
    """
    shown, derived = published.shown.copy(), np.zeros(published.shown.size, dtype=np.bool_)
    for place in published.numbers.places:
        if len(place.rows) < 2 or len(place.table.columns) < 2:
            continue
        cells = shown[place.cells]
        is_own = published.basis[place.cells] == published.numbers.exact[place.cells]
        whole = ((cells != HIDDEN_CELL) & is_own).all(axis=1) & (shown[place.rows] != HIDDEN_CELL)
        shown[place.rows[whole]] = cells[whole].sum(axis=1)
        derived[place.rows[whole]] = True
    return replace(published, shown=shown, derived=derived)
