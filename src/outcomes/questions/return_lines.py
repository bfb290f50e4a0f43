"""The share that returned by each day, of some at-risk rows: Kaplan-Meier from the landmark, patients as clusters.

A patient's episodes resemble each other, so the interval takes them together (the cluster-robust variance of
`outcomes.estimators.curves.kaplan_meier`). Rows may enter late: patients already in care when the records begin, and
patients who change from one group to another while they are followed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators import curves
from outcomes.estimators.cox import cox
from outcomes.questions import results
from outcomes.questions.results import DayCurve, Flags, FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.cases.returns import ReturnRows
    from outcomes.definitions import Protocol

ESTIMATOR = "Kaplan-Meier from the landmark, log-log interval, patients as clusters"


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Rows at risk of a first return, ``(start_days, stop_days]`` from the landmark; arrays of shape (n,).

    Attributes
    ----------
    episode, patient : ndarray of int
    start_days, stop_days : ndarray of float
    event : ndarray of bool
    weight : ndarray of float
    """

    episode: IntArray
    patient: IntArray
    start_days: FloatArray
    stop_days: FloatArray
    event: Flags
    weight: FloatArray

    @classmethod
    def of(cls, returns: ReturnRows) -> AtRisk:
        """Take the rows of the cases, each with weight 1."""
        return cls(
            returns.episode.astype(np.intp),
            returns.patient.astype(np.intp),
            returns.start_days.astype(np.float64),
            returns.stop_days.astype(np.float64),
            returns.event.astype(np.bool_),
            np.ones(returns.episode.size),
        )

    def take(self, part: IntArray | Flags) -> AtRisk:
        """Return some of the rows."""
        names = ("episode", "patient", "start_days", "stop_days", "event", "weight")
        return AtRisk(*(getattr(self, name)[part] for name in names))

    def per_patient(self) -> AtRisk:
        """Return the rows with weights that let every patient count once, however many episodes he or she brings."""
        _, who, n_rows = np.unique(self.patient, return_inverse=True, return_counts=True)
        return replace(self, weight=1.0 / n_rows[who])


def count_days(protocol: Protocol) -> int:
    """Days of a return curve, day 0 included; 182 days is the quarter review's horizon, read from the same curve."""
    return max(*protocol.horizons_days.recurrence, protocol.horizons_days.primary_recurrence, 182) + 1


def fit_line(group: str, rows: AtRisk, protocol: Protocol) -> DayCurve:
    """Fit one curve; NaN where there are fewer rows than the floor."""
    n_days = count_days(protocol)
    at_risk, events = results.count_days(rows.stop_days, rows.event, n_days, rows.start_days)
    n = int(rows.episode.size)
    blank = np.full(n_days, np.nan)
    # Episodes of one patient have no spread between patients, whatever the floor.
    if n < protocol.reporting_floor.estimate_min_episodes or np.unique(rows.patient).size < 2:
        return DayCurve(group, n, blank, blank, blank, at_risk, events, -1)
    curve = curves.kaplan_meier(
        rows.stop_days,
        rows.event,
        weights=rows.weight,
        entry=rows.start_days,
        level=protocol.inference.level,
        cluster=rows.patient,
    )
    survival, low, high, _ = curves.survival_at(curve, np.arange(n_days))
    last_day = results.find_last_day(at_risk, n, protocol)
    return DayCurve(group, n, 1.0 - survival, 1.0 - high, 1.0 - low, at_risk, events, last_day)


@dataclass(frozen=True, slots=True)
class GroupTest:
    """A chi-squared test between groups."""

    statistic: float
    df: int
    p_value: float


def compare_hazards(rows: AtRisk, part: IntArray, group: IntArray) -> GroupTest:
    """Test whether groups 0, 1, ... of the rows `part` share one hazard of return, patients as clusters.

    Wald's test of a proportional-hazards model on the groups with the cluster-robust variance (Lin and Wei 1989,
    doi:10.1080/01621459.1989.10478874): the log-rank test for rows that are not independent.
    """
    from scipy.special import chdtrc

    used = rows.take(part)
    design = (group[:, None] == np.arange(1, group.max() + 1)).astype(np.int8)
    fit = cox(design, used.stop_days, used.event, entry=used.start_days, cluster=used.patient)
    covariance = np.asarray(fit.robust_covariance)
    statistic = float(fit.coef @ np.linalg.solve(covariance, fit.coef))
    return GroupTest(statistic, design.shape[1], float(chdtrc(design.shape[1], max(statistic, 0.0))))
