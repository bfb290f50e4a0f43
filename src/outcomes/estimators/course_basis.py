"""The curve of time that a mean pain course follows: a cubic spline that goes straight on after its last knot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from outcomes.estimators.checks import FloatArray, check_numbers

KNOT_DAYS = (7.0, 21.0, 49.0)
SLOPE_SCALE_DAYS = 7.0


def course_basis(day: ArrayLike, last_day: float, knots: Sequence[float] = KNOT_DAYS) -> FloatArray:
    """Return the columns ``1, t / K`` and ``max(1 - t / k, 0)^3`` for each knot k; K is the last of them.

    Cubic between the knots with two continuous derivatives, and linear beyond the last, where ratings are few. Unlike
    the natural spline it is free to bend at day 0, where a course bends most. All columns are between 0 and 1 up to the
    last knot, so that no power of a day is large.

    Parameters
    ----------
    day : array_like, shape (n,)
        Days since the first visit, 0 or more.
    last_day : float
        Last day with ratings to fit. Knots not before it are left out; without one the course is a straight line.
    knots : sequence of float
        In days, ascending.

    Returns
    -------
    ndarray, shape (n, 2 + number of knots used)
    """
    t = check_numbers("day", day)
    used = [knot for knot in knots if knot < last_day]
    scale = used[-1] if used else max(float(last_day), 1.0)
    bends = [np.maximum(1.0 - t / knot, 0.0) ** 3 for knot in used]
    return np.column_stack([np.ones(t.size), t / scale, *bends])


def slope_columns(day: ArrayLike) -> FloatArray:
    """Return ``1, log(1 + t / 7)``: what differs from episode to episode; shape (n, 2)."""
    t = check_numbers("day", day)
    return np.column_stack([np.ones(t.size), np.log1p(t / SLOPE_SCALE_DAYS)])
