"""Curves of time to an event, and what is read from them.

Every module counts its rows into a table of days first; after that nothing depends on the number of rows.
"""

from outcomes.estimators.curves.band import simultaneous_band
from outcomes.estimators.curves.competing import AalenJohansen, aalen_johansen, incidence_at
from outcomes.estimators.curves.kaplan_meier import KaplanMeier, kaplan_meier, quantile, survival_at
from outcomes.estimators.curves.logrank import LogRank, logrank
from outcomes.estimators.curves.pseudo import pseudo_incidence, pseudo_observations, pseudo_restricted_means
from outcomes.estimators.curves.restricted_mean import (
    RestrictedMean,
    RestrictedMeanDifference,
    restricted_mean,
    restricted_mean_difference,
)

__all__ = [
    "AalenJohansen",
    "KaplanMeier",
    "LogRank",
    "RestrictedMean",
    "RestrictedMeanDifference",
    "aalen_johansen",
    "incidence_at",
    "kaplan_meier",
    "logrank",
    "pseudo_incidence",
    "pseudo_observations",
    "pseudo_restricted_means",
    "quantile",
    "restricted_mean",
    "restricted_mean_difference",
    "simultaneous_band",
    "survival_at",
]
