"""Were the dates of this export shifted patient by patient? Then no visit lies in its quarter, and none is reviewed.

A practice that is closed on Sundays, or quieter on weekends, has fewer visits there. Where every patient's dates were
moved by a number of days of their own, visits fall on all days of the week alike: two in seven on a weekend. Quarters
are refused where the weekend share of visits is told apart from that of an ordinary practice and not from two in seven:
its interval (Wilson, patients as clusters, for all visits of a patient are moved together) holds 2/7 and lies above
`ORDINARY` altogether. Fewer than `LEAST_PATIENTS` patients cannot tell. Dates that were moved by whole weeks keep their
weekdays; that is not seen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.post_strata import weighted_wilson

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

ORDINARY = 0.2
EVENLY = 2 / 7
LEAST_PATIENTS = 100
_FIRST_DAY = 3
"""1970-01-01, day 0, was a Thursday; Mondays count as 0."""


def check_dates(episodes: Episodes) -> None:
    """Refuse quarters where weekdays say that dates were shifted.

    Raises
    ------
    NotEstimable
        The weekend holds two in seven visits.
    """
    if not episodes.protocol.spc.check_weekdays:
        return
    columns = episodes.visits.columns
    patient, day = columns["patient"], columns["day"].astype(np.int64)
    if np.unique(patient).size < LEAST_PATIENTS:
        return
    weekend = (day + _FIRST_DAY) % 7 >= 5
    found = weighted_wilson(weekend, np.ones(day.size), patient, episodes.protocol.inference.level)
    if found.conf_low > ORDINARY and found.conf_low <= EVENLY <= found.conf_high:
        raise NotEstimable(
            "Quarters cannot be reviewed: visits fall on weekends as often as on other days, as they do when dates "
            "were shifted patient by patient to make the export anonymous. Then no visit lies in its own quarter. Ask "
            "for an export with true dates, or with true quarters. A practice that works every day alike sets "
            "check_weekdays = false under [spc] in the protocol."
        )
