r"""Which points of a control chart are signals: the four rules of NHS England's "Making Data Count", and no others.

A point is named by the first rule that takes it in, in this order:

1. ``outside``: beyond a limit. On the limit is not outside.
2. ``trend``: one of 7 consecutive points of which each lies above, or each below, the one before it: 6 steps. Two equal
   neighbours break it.
3. ``two_of_three``: in the outer third of one side, among 3 consecutive points that all lie on that side and of which 2
   or 3 are in its outer third. The outer third reaches from two thirds of the way to the limit, itself not included, to
   the limit, included; a point outside is not in it, but may be the third of the three.
4. ``shift``: one of 7 consecutive points on one side of the centre. A point on the centre breaks it.

All points of a trend and of a shift are flagged, the first of them too, although it was known only with the seventh. Of
the three points of ``two_of_three`` those in the outer third are flagged. That is the logic of NHSRplotthedots 0.2.2
(NHS-R Community; ``ptd_spc_standard.R``, ``ptd_calculate_point_type.R``). The two differ where that one goes by the
last bit of a floating-point number (see below), and in the direction of the last point of a trend that another trend
follows at once: it reads the step between the two, this one the trend.

"Equal", "on the centre" and "on the limit" mean: within 1e-12 of the largest number in the segment. The mean of twelve
times 0.1 is not 0.1 to the last bit, and no signal may hang on that.

What the caller must guarantee: the points are in order of time and belong to one segment between two documented breaks;
missing points have been left out. A gap breaks no run: the points beside it are neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators.checks import FloatArray

WordArray = NDArray[np.str_]
SignArray = NDArray[np.int8]
BoolArray = NDArray[np.bool_]

NONE, OUTSIDE, TREND, TWO_OF_THREE, SHIFT = "", "outside", "trend", "two_of_three", "shift"
# The longest of the words, so that no array cuts one off.
WORD = f"<U{len(TWO_OF_THREE)}"
RUN = 7
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Signals:
    """What the four rules say of k points.

    Attributes
    ----------
    signal : ndarray of str, shape (k,)
        "", "outside", "trend", "two_of_three" or "shift".
    side : ndarray of int8, shape (k,)
        Of the centre: -1 below, 0 on it, 1 above.
    direction : ndarray of int8, shape (k,)
        Where the signal points, for a word such as improvement or concern: the way a trend goes (-1 falling, 1 rising;
        of two trends that meet in a point, the later), the side for the other rules; 0 where there is no signal.
    """

    signal: WordArray
    side: SignArray
    direction: SignArray


def find_signals(
    value: FloatArray,
    centre: FloatArray,
    low: FloatArray,
    high: FloatArray,
    near_low: FloatArray,
    near_high: FloatArray,
) -> Signals:
    """Return which of k consecutive points of one segment are signals.

    Parameters
    ----------
    value, centre, low, high : ndarray, shape (k,)
        Finite; ``low <= centre <= high``.
    near_low, near_high : ndarray, shape (k,)
        Two thirds of the way from the centre to the limit.
    """
    tie = _TIE * max((float(np.abs(column).max(initial=0.0)) for column in (value, low, high)), default=0.0)
    side = _compare(value, centre, tie)
    outside = (_compare(value, high, tie) > 0) | (_compare(value, low, tie) < 0)
    outer = ~outside & ((_compare(value, near_high, tie) > 0) | (_compare(value, near_low, tie) < 0))
    rising, falling = _trends(_compare(value[1:], value[:-1], tie), value.size)
    signal = np.select(
        [outside, (rising > 0) | (falling > 0), _two_of_three(outer, side), _shift(side)],
        [OUTSIDE, TREND, TWO_OF_THREE, SHIFT],
        NONE,
    ).astype(WORD)
    way = np.sign(rising - falling)
    direction = np.where(signal == TREND, way, np.where(signal == NONE, 0, side)).astype(np.int8)
    return Signals(signal, side, direction)


def _compare(a: FloatArray, b: FloatArray, tie: float) -> SignArray:
    """Return 1, 0 or -1, shape (k,), where `a` is above, the same as, or below `b`."""
    gap = a - b
    return np.where(np.abs(gap) <= tie, 0, np.sign(gap)).astype(np.int8)


def _runs(hit: BoolArray, length: int, size: int) -> NDArray[np.int64]:
    """Return the last window each of `size` points lies in, counted from 1; 0 in none.

    Parameters
    ----------
    hit : ndarray, shape (size - length + 1,)
        Whether the window of `length` points that starts here fulfils a rule.
    length, size : int
    """
    last = np.zeros(size, dtype=np.int64)
    window = np.where(hit, np.arange(1, hit.size + 1), 0)
    for k in range(length):
        np.maximum(last[k : k + hit.size], window, out=last[k : k + hit.size])
    return last


def _windows(values: SignArray | BoolArray, length: int) -> NDArray[np.int64]:
    """Return the sum over each window of `length` values; none where there are fewer values."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return total[length:] - total[:-length]


def _trends(steps: SignArray, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the last rising and the last falling window of 7 that each of `size` points lies in, 0 in none."""
    total = _windows(steps, RUN - 1)
    if total.size == 0:
        return np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    return _runs(total == RUN - 1, RUN, size), _runs(total == 1 - RUN, RUN, size)


def _shift(side: SignArray) -> BoolArray:
    """Whether a point is one of 7 in a row on one side."""
    return _runs(np.abs(_windows(side, RUN)) == RUN, RUN, side.size) > 0


def _two_of_three(outer: BoolArray, side: SignArray) -> BoolArray:
    """Whether a point is in the outer third, and another of three in a row on one side is as well."""
    hit = (_windows(outer, 2 + 1) >= 2) & (np.abs(_windows(side, 2 + 1)) == 2 + 1)
    return outer & (_runs(hit, 2 + 1, side.size) > 0)
