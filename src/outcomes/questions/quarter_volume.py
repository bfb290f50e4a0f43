"""How much there was to do, by quarter: counts and visits per episode. Volume, not an indicator of outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators import means
from outcomes.questions.quarter_indicators import LAG_DAYS
from outcomes.questions.quarter_values import NAN, Scope
from outcomes.questions.quarters import QUARTERS
from outcomes.questions.results import Flags, first_shown

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

COLUMNS = (
    "quarter",
    "episodes_started",
    "patients",
    "visits",
    "visits_per_episode",
    "conf_low",
    "conf_high",
    "n",
    "mature",
)

SILENT_DAYS = 31
"""A clinic without a visit for longer than this before the data cut is closed, or its newest visits are missing."""

NO_VISITS_LATELY = "Without visits lately:"
"""What begins the note of clinics that stopped in the quarter of the data cut or before it; the first page has it."""


def count_volume(episodes: Episodes, scope: Scope) -> pd.DataFrame:
    """Count each quarter of a scope.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a quarter: all episodes of care that started and their patients, visits by their own date,
        and visits per inception episode in its first days (mean, t interval, patients as clusters; `n` episodes). The
        counts of a quarter that is not over are NaN (`mature`); visits per episode are NaN until all episodes are old
        enough.
    """
    import pandas as pd

    protocol, columns, visits = episodes.protocol, episodes.columns, episodes.visits.columns
    within = max(protocol.horizons_days.relief)
    of_episode, course = visits["episode"], episodes.course
    counted = (of_episode >= 0) & course.care & (visits["day"] - columns["index_day"][of_episode] <= within)
    n_visits = np.bincount(of_episode[counted], minlength=episodes.n).astype(np.float64)
    quarter, by_visit = QUARTERS.number(columns["index_day"]), QUARTERS.number(visits["day"])
    own = _of_clinic(episodes.n, columns.get("clinic"), scope)
    own_visit = _of_clinic(visits["day"].size, visits.get("clinic"), scope)
    old = columns["observable_until_day"] - columns["index_day"] >= within + LAG_DAYS
    rows = []
    for number in scope.shown:
        end, started = QUARTERS.end(number), own & (quarter == number)
        mature = end <= scope.cut - LAG_DAYS
        counts = (
            int(started.sum()),
            np.unique(columns["patient"][started]).size,
            int((own_visit & (by_visit == number)).sum()),
        )
        used = np.flatnonzero(started & columns["is_inception"] & old)
        mean = (NAN, NAN, NAN)
        if end <= scope.cut - within - LAG_DAYS and used.size >= protocol.reporting_floor.estimate_min_episodes:
            mean = means.clustered_mean(n_visits[used], columns["patient"][used], protocol.inference.level)
        shown = tuple(float(count) if mature else NAN for count in counts)
        rows.append((QUARTERS.word(number), *shown, *mean, int(used.size), mature))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def find_late_clinics(episodes: Episodes, scope: Scope) -> dict[str, int]:
    """Find the clinics whose visits begin after the first quarter listed.

    Returns
    -------
    dict
        Pseudonym of each such clinic to the number of its first quarter with enough visits; empty where one clinic is
        reviewed, or none is recorded.
    """
    visits = episodes.visits
    clinic = visits.columns.get("clinic")
    if scope.clinic >= 0 or clinic is None:
        return {}
    quarter, found = QUARTERS.number(visits.columns["day"]), {}
    for code in np.unique(clinic[clinic >= 0]).tolist():
        # As for all clinics: misdated visits begin no series.
        own = quarter[clinic == code] - scope.shown.start
        first = (
            first_shown(own[own >= 0], episodes.protocol.reporting_floor.proportion_min_n) if (own >= 0).any() else 0
        )
        if first > 0:
            found[str(visits.words.codes["clinic"][code])] = scope.shown.start + first
    return found


def find_ended_clinics(episodes: Episodes, scope: Scope) -> tuple[dict[str, int], list[str]]:
    """Find the clinics without a visit for `SILENT_DAYS` days before the data cut.

    Returns
    -------
    dict
        Pseudonym of each such clinic to the number of the quarter of its last visit; empty where one clinic is
        reviewed, or none is recorded.
    list of str
        The other clinics.
    """
    visits = episodes.visits
    clinic = visits.columns.get("clinic")
    if scope.clinic >= 0 or clinic is None:
        return {}, []
    day, found, still = visits.columns["day"], dict[str, int](), list[str]()
    for code in np.unique(clinic[clinic >= 0]).tolist():
        last, name = day[clinic == code].max(keepdims=True), str(visits.words.codes["clinic"][code])
        if last < scope.cut - SILENT_DAYS:
            found[name] = int(QUARTERS.number(last)[0])
        else:
            still.append(name)
    return found, still


def _of_clinic(size: int, clinic: NDArray[Any] | None, scope: Scope) -> Flags:
    if scope.clinic < 0 or clinic is None:
        return np.ones(size, dtype=np.bool_)
    return np.asarray(clinic == scope.clinic)
