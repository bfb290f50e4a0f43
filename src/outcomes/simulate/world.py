"""The clinics: calendar, clinicians and their habits, drawn once and shared by all patients."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from outcomes.simulate.values import FAMILIES, Profile
from outcomes.simulate.words import CHOICES

Array = NDArray[Any]
Table = dict[str, Array]

# A normal preference on the logit pulls shares towards one half; stretching the intercept undoes it on average
# (the usual probit approximation of the logistic-normal mean).
_PULL = 0.346
_SD_FAVOURITE = 0.7
STYLES = 6


@dataclass(frozen=True, slots=True)
class World:
    """What all patients share. Days count from 1970-01-01; clinician c works at clinic ``c // profile.clinicians``.

    Attributes
    ----------
    quarter_starts : ndarray
        First day of every quarter, shape (quarters,).
    cut_day : int
        Last day of the export.
    volume : ndarray
        Share of the episodes at each clinic, shape (clinics,).
    effect, pain_habit, muscle_habit : ndarray
        Per clinician: effect on log tau, and habits of not recording on the logit.
    preference : ndarray
        Per clinician and family, on the logit.
    favourites : tuple of ndarray
        For each family, per clinician: weights of what it can be (`words.CHOICES`).
    style : ndarray
        Per clinician: the spelling habit.
    """

    profile: Profile
    clinics: int
    quarter_starts: Array
    cut_day: int
    volume: Array
    effect: Array
    preference: Array
    favourites: tuple[Array, ...]
    pain_habit: Array
    muscle_habit: Array
    style: Array

    @property
    def first_day(self) -> int:
        """First day of the export."""
        return int(self.quarter_starts[0])

    def quarter_of(self, day: Array) -> Array:
        """Quarter of each day, numbered from 1; 0 before the export starts."""
        return np.searchsorted(self.quarter_starts, day, side="right")


def draw_world(rng: np.random.Generator, profile: Profile, clinics: int, quarters: int, cut: date) -> World:
    """Draw the clinics, their volumes and their clinicians' habits."""
    n = clinics * profile.clinicians
    volume = rng.uniform(40.0, 120.0, clinics)
    return World(
        profile=profile,
        clinics=clinics,
        quarter_starts=_quarter_starts(cut, quarters),
        cut_day=_epoch_day(cut),
        volume=volume / volume.sum(),
        effect=rng.normal(0.0, profile.course.sd_clinician, n),
        preference=rng.normal(0.0, profile.treatments.sd_preference, (n, len(FAMILIES))),
        favourites=tuple(_favourites(rng, profile, k, n) for k in range(len(FAMILIES))),
        pain_habit=rng.normal(0.0, profile.recording.sd_clinician, n),
        muscle_habit=rng.normal(0.0, profile.recording.sd_clinician, n),
        style=rng.integers(0, STYLES, n),
    )


def _favourites(rng: np.random.Generator, profile: Profile, family: int, n: int) -> Array:
    weights = np.array([weight for _, weight in CHOICES[family]])
    if family == FAMILIES.index("joint"):
        share = profile.treatments.joint_manipulation
        weights[1:] *= (1.0 - share) / weights[1:].sum()
        weights[0] = share
    return weights * np.exp(rng.normal(0.0, _SD_FAVOURITE, (n, len(weights))))


def _epoch_day(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _quarter_starts(cut: date, quarters: int) -> Array:
    last = cut.year * 4 + (cut.month - 1) // 3
    numbers = range(last - quarters + 1, last + 1)
    return np.array([_epoch_day(date(q // 4, q % 4 * 3 + 1, 1)) for q in numbers], dtype=np.int64)


def pick(rng: np.random.Generator, shares: Array | tuple[float, ...], size: int) -> Array:
    """Draw positions with the given shares (scaled to one), shape (size,)."""
    total = np.cumsum(np.asarray(shares, dtype=float))
    return np.searchsorted(total, rng.random(size) * total[-1], side="right").clip(max=len(total) - 1)


def pick_by_row(rng: np.random.Generator, table: Array, rows: Array) -> Array:
    """Draw a position for each entry of `rows`, with the shares in that row of `table`."""
    total = np.cumsum(table, axis=1)
    total /= total[:, -1:]
    found = (rng.random(len(rows))[:, None] >= total[rows]).sum(axis=1)
    return np.minimum(found, table.shape[1] - 1)


def logit(p: Array | float) -> Array:
    """Log odds."""
    q = np.asarray(p, dtype=float)
    return np.log(q / (1.0 - q))


def spread_logit(p: Array | float, sd: float) -> Array:
    """Intercept whose share is `p` on average when a normal habit of this SD is added on the logit."""
    return logit(p) * np.sqrt(1.0 + _PULL * sd**2)


def expit(x: Array) -> Array:
    """Probability from log odds."""
    return 1.0 / (1.0 + np.exp(-x))
