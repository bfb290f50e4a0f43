"""How far patients' pain lay from what was to be expected: observed minus expected, patient by patient, in points.

Observed is the rating nearest the primary day within the window of `response_lines`, expected that of a linear model of
it on the case mix (`units_expected`). A patient with several episodes counts once, with their mean. One rating has an
error of about one point (Childs 2005, Spine 30:1331), so that a band reaches from 1 below to 1 above; patients without
a rating in the window are a band of their own, for they are many and not like the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.questions.response_lines import WINDOW_DAYS, build_outcomes, find_nearest
from outcomes.questions.units_expected import expect

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

PATIENT_COLUMNS = ("band", "label", "n", "events", "estimate")
_EDGES = (-3.0, -1.0, 1.0, 3.0)
_BANDS = (
    ("much_lower", "pain 3 points or more below expected"),
    ("lower", "1 to 3 points below"),
    ("as_expected", "within 1 point of expected"),
    ("higher", "1 to 3 points above"),
    ("much_higher", "3 points or more above"),
)
NOT_RATED = "not_rated"


def tabulate_patients(episodes: Episodes) -> pd.DataFrame:
    """Count patients by how far their pain lay from what was expected: `PATIENT_COLUMNS`, `events` of all `n`.

    Empty where the primary day lies outside the window, or too few were rated for a model.
    """
    import pandas as pd

    from outcomes.cases.pain_course import build_pain_course

    day = episodes.protocol.horizons_days.primary
    blank = pd.DataFrame([], columns=list(PATIENT_COLUMNS))
    ratings = build_pain_course(episodes)
    outcomes = build_outcomes(episodes, ratings, day)
    floor = episodes.protocol.reporting_floor.estimate_min_episodes
    if not WINDOW_DAYS[0] <= day <= WINDOW_DAYS[1] or outcomes.measured.sum() < floor:
        return blank
    nearest = find_nearest(ratings.day, ratings.place, ratings.eligible.size, day)
    place = np.searchsorted(ratings.eligible, outcomes.episode[outcomes.measured])
    pain = ratings.pain_nrs[nearest[place]]
    try:
        expected = expect(episodes, outcomes.episode[outcomes.measured], pain, is_yes_no=False)
    except NotEstimable:
        return blank
    everyone = np.unique(outcomes.patient)
    rated, who = np.unique(outcomes.patient[outcomes.measured], return_inverse=True)
    difference = np.bincount(who, weights=pain - expected.values) / np.bincount(who)
    # A difference of exactly 1, or 3, belongs to the band further out on either side.
    band = np.searchsorted(_EDGES[:2], difference, side="left") + np.searchsorted(_EDGES[2:], difference, side="right")
    counts = [*np.bincount(band, minlength=len(_BANDS)).tolist(), everyone.size - rated.size]
    names = (*_BANDS, (NOT_RATED, f"not rated from day {WINDOW_DAYS[0]} to {WINDOW_DAYS[1]}"))
    rows = [(*name, everyone.size, count, count / everyone.size) for name, count in zip(names, counts, strict=True)]
    return pd.DataFrame(rows, columns=list(PATIENT_COLUMNS))
