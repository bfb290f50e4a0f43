"""A clinic where being seen relieved ends care and all others stop at a constant rate: relief's naive answers go wrong.

Each patient has one episode. Pain falls smoothly from the first rating and crosses half of it at a day drawn from a
log-normal with a share that never gets there; its three numbers solve F(14) = .31, F(28) = .55, F(42) = .64. Ratings
have no noise. Visits come at log-normal gaps. Whoever has not been seen relieved stops at a constant rate in silence,
however he or she is doing, or is discharged at the first visit after a planned number of days. Whoever has been seen
relieved is discharged at that visit or a later one, with one chance at each. The stop rate is set so that 41 % are seen
relieved by day 42, the plan so that 90 % of the discharged are relieved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EVER, LOG_MEDIAN, LOG_SD = 0.7103, 2.7606, 0.7591  # share that ever halves its pain, and how long that takes
GAP_UNTIL, GAP_MEDIANS, GAP_LOG_SD = (14, 42), (4.5, 8.0, 15.0), 0.5  # the gap grows after these days of care
GAP_MAX = 60  # a gap of 90 days would open another episode
STOP_RATE = 0.0215  # a day; no stop at 0
DISCHARGED_A_VISIT = 0.61  # of those seen relieved; so many have their relief at their last visit
PLAN_DAYS = 77
FIRST_DAY, ARRIVAL_DAYS = np.datetime64("2020-01-01"), 900


@dataclass(frozen=True, slots=True)
class FirstWorld:
    """What happened to each patient, shape (n,), and what the clinic wrote down.

    ``half_day`` is the day pain had halved (inf never), ``left`` and ``right`` the visits around it (inf not seen),
    ``discharged`` whether the end of care was recorded; ``cells`` are the columns of the export, one row a visit.
    """

    half_day: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    discharged: NDArray[np.bool_]
    last_day: NDArray[np.intp]
    cells: dict[str, list[str]]


def make_first_world(
    n: int, seed: int, stop_rate: float = STOP_RATE, discharged_a_visit: float = DISCHARGED_A_VISIT
) -> FirstWorld:
    """Draw `n` patients and follow them visit by visit, all at once, until everybody's care has ended."""
    rng = np.random.default_rng(seed)
    half_day = np.where(rng.random(n) < EVER, rng.lognormal(LOG_MEDIAN, LOG_SD, n), np.inf)
    stop_day = rng.exponential(1 / stop_rate, n) if stop_rate else np.full(n, np.inf)
    last_day, left, right = np.zeros(n, dtype=np.intp), np.zeros(n), np.full(n, np.inf)
    discharged, who = np.zeros(n, dtype=bool), np.arange(n)
    patients, days, ends = [who], [last_day[who]], [discharged[who]]
    while who.size:
        median = np.array(GAP_MEDIANS)[np.searchsorted(GAP_UNTIL, last_day[who])]
        gap = np.clip(np.rint(rng.lognormal(np.log(median), GAP_LOG_SD)), 1, GAP_MAX).astype(np.intp)
        day = last_day[who] + gap
        comes = np.isfinite(right[who]) | (day < stop_day[who])
        who, day = who[comes], day[comes]
        last_day[who] = day
        relieved = half_day[who] <= day
        right[who] = np.where(relieved, np.minimum(right[who], day), np.inf)
        left[who] = np.where(relieved, left[who], day)
        ended = np.where(relieved, rng.random(who.size) < discharged_a_visit, day >= PLAN_DAYS)
        discharged[who] = ended
        patients, days, ends = [*patients, who], [*days, day], [*ends, ended]
        who = who[~ended]
    rows = np.concatenate(patients), np.concatenate(days), np.concatenate(ends)
    return FirstWorld(half_day, left, right, discharged, last_day, _write_down(rng, half_day, *rows))


def _write_down(rng, half_day, patient, day, ended) -> dict[str, list[str]]:
    """Return the export's columns; pain is written to a hundredth, upwards, so that none looks halved too soon."""
    n = half_day.size
    first_pain, start = rng.integers(4, 10, n), rng.integers(0, ARRIVAL_DAYS, n)
    never = ~np.isfinite(half_day)
    course = np.maximum(0.5 ** (day / half_day[patient]), 0.2)
    course[never[patient]] = 0.6 + 0.4 * np.exp(-day[never[patient]] / 20)
    relieved = half_day[patient] <= day
    pain = np.ceil(100 * first_pain[patient] * course) / 100
    return {
        "patient_id": [f"p{i:06d}" for i in patient.tolist()],
        "visit_date": np.datetime_as_string(FIRST_DAY + start[patient] + day).tolist(),
        "pain_pre": [f"{value:.2f}" for value in pain.tolist()],
        "discharge_reason": np.where(ended, np.where(relieved, "resolved", "no change"), "").tolist(),
    }
