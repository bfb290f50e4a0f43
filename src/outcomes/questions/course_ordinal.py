"""Two groups by the order of their ratings about a day: a second look at a difference of means.

The difference of two courses is one of points, as if each were worth as much; ratings heap at 0 and at round numbers,
and 0 is as low as it goes. Here the ratings nearest the primary day, from day 21 to 42, are ordered steps, and what is
stated is the odds of a higher one (`estimators.ordinal`), adjusted for the first rating. It speaks of those who were
rated in that window, as the difference of means does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.ordinal import ordered_odds
from outcomes.questions.response_lines import WINDOW_DAYS, find_nearest

if TYPE_CHECKING:
    from outcomes.definitions import Protocol
    from outcomes.questions.course_lines import GroupRatings
    from outcomes.questions.results import FloatArray, IntArray

COLUMNS = ("group", "reference", "horizon_days", "odds_ratio", "ratio_low", "ratio_high", "n", "n_reference")


def compare_steps(reference: GroupRatings, other: GroupRatings, protocol: Protocol) -> tuple[object, ...]:
    """Return a row of `COLUMNS`: the odds of a higher rating in `other`, as a multiple of those in `reference`.

    Raises
    ------
    NotEstimable
        Too few of a group were rated in the window, or the model does not exist.
    """
    day, least = protocol.horizons_days.primary, protocol.reporting_floor.compare_min_episodes
    (y, first, patient), (y_other, first_other, patient_other) = (_near(own, day) for own in (reference, other))
    if min(y.size, y_other.size) < least:
        raise NotEstimable(
            f"fewer than {least} episodes of a group were rated from day {WINDOW_DAYS[0]} to day {WINDOW_DAYS[1]}."
        )
    second = np.repeat([0.0, 1.0], [y.size, y_other.size])
    begun = np.concatenate([first, first_other])
    columns = [second] if np.ptp(begun) == 0 else [second, begun]
    fit = ordered_odds(
        np.concatenate([y, y_other]),
        np.column_stack(columns),
        np.concatenate([patient, patient_other]),
        protocol.inference.level,
    )
    ratios = (float(np.exp(values[0])) for values in (fit.coef, fit.lower, fit.upper))
    counts: tuple[float, float] = (y_other.size, y.size)
    rest = (own.last_rated_days.size - n for own, n in zip((other, reference), counts, strict=True))
    if any(0 < few < protocol.reporting_floor.suppress_cell_below for few in rest):
        counts = float("nan"), float("nan")  # beside the number of episodes they would tell of these few
    return (other.group, reference.group, day, *ratios, *counts)


def _near(ratings: GroupRatings, day: int) -> tuple[FloatArray, FloatArray, IntArray]:
    """Rating nearest a day, in whole points, first rating and patient of the episodes rated in the window."""
    row = find_nearest(ratings.day.astype(np.intp), ratings.place, ratings.last_rated_days.size, day)
    rated = row >= 0
    first = ratings.pain[np.diff(ratings.place, prepend=-1) != 0]
    steps: FloatArray = np.floor(ratings.pain[row[rated]] + 0.5)  # halves are few, and a step needs some
    return steps, first[rated], ratings.patient[row[rated]]
