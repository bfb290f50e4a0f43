"""A second interval of the headline shares, with clinics as drawn: what these records say of clinics like these.

Patients of one clinic resemble each other, in how they are seen and rated if in nothing else. The main intervals draw
patients: they are about these clinics. Where there are `LEAST_CLINICS` clinics or more, a second line leaves out one
clinic at a time (`estimators.left_out`) and says how far further clinics may lie; episodes count for the clinic of
their first visit, those of nobody's for one more. With fewer clinics the spread between them is hardly known: a
sentence says that it is in no interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import MISSING
from outcomes.estimators import bootstrap
from outcomes.estimators.day_tables import incidence_by_day
from outcomes.estimators.left_out import left_out_limits
from outcomes.questions import results
from outcomes.questions.relief_fit import fit_curve
from outcomes.questions.relief_rows import ReliefRows
from outcomes.questions.results import DayCurve, FloatArray, IntArray
from outcomes.questions.return_lines import AtRisk

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

LEAST_CLINICS = 10
"""Clinics from which there is a second line."""
ESTIMATOR = f"from {LEAST_CLINICS} clinics on: one clinic left out at a time (jackknife), logit, Student's t on clinics"


@dataclass(frozen=True, slots=True)
class Clinics:
    """Who is left out together: ``code`` (m,) from 0, without gaps, and how many of them are clinics with a name."""

    code: IntArray
    n_named: int

    @property
    def are_enough(self) -> bool:
        """Whether there is a second line."""
        return self.n_named >= LEAST_CLINICS


def find_clinics(episodes: Episodes, episode: IntArray) -> Clinics:
    """Return the clinic of some episodes; those for which none is recorded are left out together."""
    code = episodes.columns.get("clinic", np.full(episodes.n, MISSING))[episode]
    found, place = np.unique(code, return_inverse=True)
    return Clinics(place.reshape(-1).astype(np.intp), int((found != MISSING).sum()))


def relief_between(curve: DayCurve, rows: ReliefRows, clinics: Clinics, protocol: Protocol) -> DayCurve | None:
    """Return the curve of relief with limits from clinics left out; None where there are too few, or no curve.

    Parameters
    ----------
    curve : DayCurve
        Of these rows.
    rows : ReliefRows
        All with weight.
    clinics : Clinics
        Of these rows.
    protocol : Protocol
    """
    if not clinics.are_enough:
        return None
    _, patterns, fit = fit_curve(curve.group, rows, protocol)
    if patterns is None or fit is None:
        return None
    counts, times = bootstrap.jackknife_counts(patterns.row, clinics.code, rows.weight)
    days = np.arange(curve.last_day + 1)
    return _with_limits(curve, np.repeat(bootstrap.npmle_draws(patterns, fit, counts, days), times, axis=0), protocol)


def return_between(curve: DayCurve, rows: AtRisk, clinics: Clinics, protocol: Protocol) -> DayCurve | None:
    """Return the curve of first returns with limits from clinics left out; None where there are too few, or no curve.

    Parameters
    ----------
    curve : DayCurve
        Of these rows.
    rows : AtRisk
        At risk from day 0, each with weight 1.
    clinics : Clinics
        Of these rows.
    protocol : Protocol
    """
    if not clinics.are_enough or np.isnan(curve.estimate).all():
        return None
    n_days = curve.estimate.size
    day = np.minimum(rows.stop_days, n_days).astype(np.intp)
    own = np.zeros((int(clinics.code.max()) + 1, n_days + 1, 2))
    np.add.at(own, (clinics.code, day, (rows.event & (rows.stop_days < n_days)).astype(np.intp)), 1.0)
    drawn = incidence_by_day(own.sum(axis=0) - own)[:, 0, : curve.last_day + 1]
    return _with_limits(curve, drawn, protocol)


def tabulate_between(curve: DayCurve | None, horizons: Sequence[int]) -> pd.DataFrame:
    """One row a horizon (`results.HORIZON_COLUMNS`); none without a second line."""
    return results.horizon_table([] if curve is None else [curve], horizons)


def clinic_notes(n_clinics: int, has_second: bool) -> tuple[str, ...]:
    """Say what of the spread between clinics is in an interval; nothing where there is one clinic, or no estimate.

    Parameters
    ----------
    n_clinics : int
        Those with a name.
    has_second : bool
        Whether there is an interval that takes clinics as drawn.
    """
    if n_clinics < 2 or (n_clinics >= LEAST_CLINICS and not has_second):
        return ()
    return (say_drawn(str(n_clinics)) if has_second else say_as_they_are(n_clinics),)


def say_drawn(n: str) -> str:
    """Say which interval takes these clinics, so many of them, as drawn."""
    return (
        f"The interval by clinic takes the {n} clinics as drawn from more like them, and asks that none holds most "
        "of the episodes; all other intervals take patients as drawn and the clinics as they are."
    )


def say_as_they_are(n: int) -> str:
    """Say that no interval takes these clinics as drawn."""
    return (
        f"Intervals take patients as drawn and these {n} clinics as they are: how far other clinics may lie from them "
        "is in no interval."
    )


def _with_limits(curve: DayCurve, without: FloatArray, protocol: Protocol) -> DayCurve:
    """Put the limits of the days that may be stated into a curve."""
    low, high = np.full(curve.estimate.size, np.nan), np.full(curve.estimate.size, np.nan)
    stated = slice(0, curve.last_day + 1)
    share = np.clip(curve.estimate[stated], 0.0, 1.0)
    low[stated], high[stated] = left_out_limits(share, np.clip(without, 0.0, 1.0), protocol.inference.level)
    return replace(curve, conf_low=low, conf_high=high)
