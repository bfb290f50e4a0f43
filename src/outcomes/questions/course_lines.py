"""The three lines of a group's pain course, and the difference of two groups: ratings in, numbers by day out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.checks import normal_quantile
from outcomes.estimators.course_basis import course_basis, slope_columns
from outcomes.estimators.means import clustered_mean
from outcomes.estimators.mixed_course import fit_mixed
from outcomes.estimators.visit_weights import fit_weighted_mean, visit_weights
from outcomes.questions import results
from outcomes.questions.results import FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.definitions import Protocol

MIXED, IIW, VISITS = "mixed model", "weighted visits", "average of visits"
LAST_DAY = 90
"""Ratings after this day are not used: few have any, and the mean is never stated there."""
NEAR_DAYS = 3
_WORST, _OFF_SCALE = 10.0, 0.5
"""The highest pain there is, and how far off the scale a stated mean may lie: a bend near its end, no other course."""
Line = tuple[FloatArray, FloatArray, FloatArray]
_NOT_KNOWN = (
    "the day up to which every patient would have been seen is not known; declare [dates] observed_until_day in the "
    "mapping if it is."
)


@dataclass(frozen=True, slots=True)
class GroupRatings:
    """The ratings of one group: n ratings of m episodes numbered 0..m-1, sorted by episode and day.

    Attributes
    ----------
    group : str
    place : ndarray of int, shape (n,)
        Number of the episode.
    day, pain : ndarray of float, shape (n,)
        Days since the first visit; points 0-10.
    patient : ndarray of int, shape (n,)
    last_rated_days, open_days, clinic : ndarray of int, shape (m,)
        As in `outcomes.cases.pain_course.CourseRatings`; code of the clinic.
    """

    group: str
    place: IntArray
    day: FloatArray
    pain: FloatArray
    patient: IntArray
    last_rated_days: IntArray
    open_days: IntArray
    clinic: IntArray


@dataclass(frozen=True, slots=True)
class GroupCourse:
    """The lines of one group.

    Attributes
    ----------
    ratings : GroupRatings
    observed : ndarray of int, shape (LAST_DAY + 1,)
        Episodes whose last rating is on each day or later.
    last_day : int
        Last day on which the mean may be stated; -1 for none.
    lines : dict
        Line -> estimate, lower and upper limit by day, each of shape (LAST_DAY + 1,); what was refused is absent.
    spread : dict
        Spread of levels, slopes and ratings, and what became of the weights.
    is_at_edge : bool
    refusal : NotEstimable or None
        Why there is no main line, where the group is large enough for one.
    check_refusal : str
        Why there is no line of weighted visits.
    """

    ratings: GroupRatings
    observed: NDArray[np.int64]
    last_day: int
    lines: dict[str, Line] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    is_at_edge: bool = False
    refusal: NotEstimable | None = None
    check_refusal: str = ""

    @property
    def group(self) -> str:
        """Name of the group."""
        return self.ratings.group

    @property
    def n(self) -> int:
        """Number of episodes."""
        return int(self.ratings.last_rated_days.size)

    def read(self, line: str, day: int) -> tuple[float, float, float]:
        """Mean and limits of a line on one day; NaN past the last day and where the line is absent."""
        if line not in self.lines or day > self.last_day:
            return float("nan"), float("nan"), float("nan")
        estimate, low, high = self.lines[line]
        return float(estimate[day]), float(low[day]), float(high[day])


def fit_course(ratings: GroupRatings, protocol: Protocol) -> GroupCourse:
    """Fit the lines of one group; without numbers where it is under the floor or the model refuses."""
    n = ratings.last_rated_days.size
    nobody = np.zeros(n, dtype=np.bool_)
    observed, _ = results.count_days(ratings.last_rated_days.astype(np.float64), nobody, LAST_DAY + 1)
    if n < protocol.reporting_floor.estimate_min_episodes:
        return GroupCourse(ratings, observed, -1)
    last_day = results.find_last_day(observed, n, protocol)
    try:
        mixed, spread, is_at_edge = _mixed_line(ratings, last_day, protocol)
    except NotEstimable as refusal:
        return GroupCourse(ratings, observed, -1, refusal=refusal)
    lines, said = {MIXED: mixed, VISITS: _visit_line(ratings, protocol)}, ""
    try:
        lines[IIW], cut = _weighted_line(ratings, last_day, protocol)
        spread |= cut
    except NotEstimable as refusal:
        text = str(refusal)
        said = text[0].lower() + text[1:]
    return GroupCourse(ratings, observed, last_day, lines, spread, is_at_edge, check_refusal=said)


def _mixed_line(ratings: GroupRatings, last_day: int, protocol: Protocol) -> tuple[Line, dict[str, float], bool]:
    if last_day < 1:
        raise NotEstimable("A pain course needs ratings after the first day; too few episodes have one.")
    used = ratings.day <= last_day
    day = ratings.day[used]
    fit = fit_mixed(
        ratings.pain[used],
        course_basis(day, last_day),
        slope_columns(day),
        ratings.place[used],
        ratings.patient[used],
    )
    spread = {
        "sd_level": float(np.sqrt(fit.cov_random[0, 0])),
        "sd_slope": float(np.sqrt(fit.cov_random[1, 1])),
        "sd_rating": fit.sd_rating,
    }
    return _by_day(fit.coef, fit.cov_cluster, last_day, protocol), spread, fit.is_at_edge


def _weighted_line(ratings: GroupRatings, last_day: int, protocol: Protocol) -> tuple[Line, dict[str, float]]:
    if (ratings.open_days < 0).any():
        raise NotEstimable(_NOT_KNOWN)
    used = ratings.day <= last_day
    day, pain, place = ratings.day[used], ratings.pain[used], ratings.place[used]
    found = visit_weights(day, pain, place, np.minimum(ratings.open_days, last_day), ratings.clinic)
    coef, cov = fit_weighted_mean(pain, course_basis(day, last_day), ratings.patient[used], found.weights)
    cut = {
        "iiw_largest_weight": found.largest,
        "iiw_cut_share": found.n_cut / found.n_visits,
        "iiw_effective_share": found.effective_share,
    }
    return _by_day(coef, cov, last_day, protocol), cut


def _by_day(coef: FloatArray, cov: FloatArray, last_day: int, protocol: Protocol) -> Line:
    """Mean and limits by day; pain has a scale, and so have they."""
    at = course_basis(np.arange(LAST_DAY + 1), last_day)
    mean = at @ coef
    stated = mean[: last_day + 1]
    if stated.min() < -_OFF_SCALE or stated.max() > _WORST + _OFF_SCALE:
        raise NotEstimable(
            "The mean would leave the scale of 0 to 10: the ratings lie on too few different days to say how pain went "
            "between them."
        )
    variance = np.einsum("da,ab,db->d", at, cov, at)
    half = _z(protocol) * np.sqrt(np.maximum(variance, 0.0))  # where all say the same it is 0, but for rounding
    mean, low, high = (np.clip(line, 0.0, _WORST) for line in (mean, mean - half, mean + half))
    return mean, low, high


def _z(protocol: Protocol) -> float:
    return normal_quantile(protocol.inference.level)


def _visit_line(ratings: GroupRatings, protocol: Protocol) -> Line:
    """Plain mean of the ratings within `NEAR_DAYS` days; on day 0 of the first ratings."""
    out = np.full((3, LAST_DAY + 1), np.nan)
    is_first = np.diff(ratings.place, prepend=-1) != 0
    for day in range(LAST_DAY + 1):
        near = np.abs(ratings.day - day) <= NEAR_DAYS if day else is_first
        if near.any():
            out[:, day] = clustered_mean(ratings.pain[near], ratings.patient[near], protocol.inference.level)
    return out[0], out[1], out[2]


def adjusted_difference(
    reference: GroupRatings, other: GroupRatings, day: int, last_day: int, protocol: Protocol
) -> tuple[float, float, float]:
    """Mean pain of `other` minus that of `reference` on a day, adjusted for the first rating.

    The ratings after the first are the response; the first one is a covariate of their level and slope. Both groups
    share the spread of levels and slopes, and each has a spline of its own.

    Raises
    ------
    NotEstimable
        The model cannot be fitted or did not converge.
    """
    parts = [_after_first(reference, last_day), _after_first(other, last_day)]
    second = np.repeat([0.0, 1.0], [part[0].size for part in parts])
    t, pain, patient, first = (np.concatenate([part[i] for part in parts]) for i in range(4))
    unit = np.concatenate([parts[0][4], parts[1][4] + reference.last_rated_days.size])
    curve, slope = course_basis(t, last_day), slope_columns(t)
    centred = (first - first.mean())[:, None]
    fixed = np.column_stack([curve, centred * slope, curve * second[:, None]])
    fit = fit_mixed(pain, fixed, slope, unit, patient)
    contrast = np.zeros(fixed.shape[1])
    contrast[-curve.shape[1] :] = course_basis([day], last_day)[0]
    mean = float(contrast @ fit.coef)
    half = _z(protocol) * float(np.sqrt(contrast @ fit.cov_cluster @ contrast))
    return mean, mean - half, mean + half


def _after_first(ratings: GroupRatings, last_day: int) -> tuple[FloatArray, FloatArray, IntArray, FloatArray, IntArray]:
    """Day, pain, patient, first rating and episode of the ratings after the first, up to the last day."""
    is_first = np.diff(ratings.place, prepend=-1) != 0
    rows = np.flatnonzero(~is_first & (ratings.day <= last_day))
    first = ratings.pain[is_first][ratings.place[rows]]
    return ratings.day[rows], ratings.pain[rows], ratings.patient[rows], first, ratings.place[rows]
