"""How many episodes single out one patient by what others may know: age band, sex, clinic and start quarter.

These quasi-identifiers are the ones an export can hold (no part of a ZIP code is read). An episode is unique when no
other patient has one of the same class; several episodes of one patient in a class make it no larger. A missing value
is a value of its own. The tables themselves hold more than this, full dates among it, so that what is counted here is
the least that must be coarsened before such a table could be handed on (k-anonymity: Sweeney 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from outcomes import arrow
from outcomes.cases.rules import OLDEST
from outcomes.cases.schema import Column

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

MOST_UNIQUE_PERCENT = 20.0
FEWEST_PATIENTS = 11
"""Above this share of unique episodes, or with a class of fewer patients, the tables stay inside."""
SMALL = 5
AS_THEY_ARE = "none"
_BAND_YEARS = (10, 20)
_CHANGES = (
    (AS_THEY_ARE, ("age_band_10", "sex", "clinic", "quarter")),
    ("sex dropped", ("age_band_10", "clinic", "quarter")),
    ("age in bands of 20 years", ("age_band_20", "sex", "clinic", "quarter")),
    ("year instead of quarter", ("age_band_10", "sex", "clinic", "year")),
    ("clinic dropped", ("age_band_10", "sex", "quarter")),
)
UNIQUENESS_COLUMNS = (
    Column(
        "change", "change", "code", "what is made coarser than age band of ten years, sex, clinic and start quarter"
    ),
    Column("columns", "columns", "mask", "the quasi-identifiers counted on, those the export has"),
    Column("n_episodes", "n_episodes", "number", "episodes", "episodes"),
    Column(
        "n_unique", "n_unique", "code", "episodes of which no other patient has one alike; 1 to 4: under 5", "episodes"
    ),
    Column("unique_percent", "unique_percent", "float", "their share; missing where they are under 5", "percent"),
    Column("smallest_group", "smallest_group", "code", "patients of the smallest class; 1 to 4: under 5", "patients"),
    Column("is_enough", "is_enough", "bool", "at most 20 % are unique and no class has fewer than 11 patients"),
)


@dataclass(frozen=True, slots=True)
class Uniqueness:
    """What was counted on one choice of columns.

    Attributes
    ----------
    change : str
        What is coarser than in `AS_THEY_ARE`.
    columns : tuple of str
        Of ``age_band_10``, ``age_band_20``, ``sex``, ``clinic``, ``quarter``, ``year``.
    n_episodes, n_unique : int
        Episodes, and those of which no other patient has one of the same class.
    smallest_group : int
        Patients of the smallest class; 0 without episodes.
    """

    change: str
    columns: tuple[str, ...]
    n_episodes: int
    n_unique: int
    smallest_group: int

    @property
    def unique_percent(self) -> float:
        """Share of the episodes that are unique."""
        return 100 * self.n_unique / self.n_episodes if self.n_episodes else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether neither bound is crossed."""
        return self.unique_percent <= MOST_UNIQUE_PERCENT and self.smallest_group >= FEWEST_PATIENTS


def count_uniqueness(episodes: Episodes) -> list[Uniqueness]:
    """Count on the columns as they are first, then with each single change that concerns a column there is."""
    known = _classes(episodes)
    found: list[Uniqueness] = []
    for change, wanted in _CHANGES:
        columns = tuple(name for name in wanted if name in known)
        if change == AS_THEY_ARE or columns not in [one.columns for one in found]:
            n_unique, smallest = compute_uniqueness(episodes.columns["patient"], [known[name] for name in columns])
            found.append(Uniqueness(change, columns, episodes.n, n_unique, smallest))
    return found


def compute_uniqueness(patient: NDArray[np.int32], classes: Sequence[NDArray[np.int64]]) -> tuple[int, int]:
    """Count unique rows and the smallest class.

    Parameters
    ----------
    patient : ndarray of int, shape (n,)
        Whose row it is, from 0.
    classes : sequence of ndarray of int, each of shape (n,)
        Codes from 0 of each quasi-identifier; none: all rows are of one class.

    Returns
    -------
    n_unique : int
        Rows whose class holds one patient.
    smallest : int
        Patients of the smallest class; 0 without rows.
    """
    if not len(patient):
        return 0, 0
    key = np.zeros(len(patient), np.int64)
    for codes in classes:
        key = arrow.encode(key * (int(codes.max()) + 1) + codes)[1].astype(np.int64)
    n_patients = int(patient.max()) + 1
    pairs = arrow.encode(key * n_patients + patient)[0]
    size = np.bincount(pairs // n_patients)
    return int((size[key] == 1).sum()), int(size.min())


def _classes(episodes: Episodes) -> dict[str, NDArray[np.int64]]:
    """Return name -> codes from 0 of the quasi-identifiers this export has; 0 is "not recorded"."""
    columns, found = episodes.columns, {}
    if "age" in columns:
        age = columns["age"].astype(np.int64)
        for years in _BAND_YEARS:
            found[f"age_band_{years}"] = np.where(age < 0, 0, np.minimum(age, OLDEST) // years + 1)
    for name in ("sex", "clinic"):
        if name in columns:
            found[name] = columns[name].astype(np.int64) + 1
    if episodes.has_calendar:
        months = columns["index_day"].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        for name, n_months in (("quarter", 3), ("year", 12)):
            found[name] = months // n_months - (months // n_months).min(initial=0)
    return found


def show_small(n: int) -> str:
    """Return a count as it may be printed: 1 to 4 are not told apart."""
    return f"under {SMALL}" if 0 < n < SMALL else str(n)


def build_uniqueness_table(episodes: Episodes) -> pa.Table:
    """Show the counts, one row a change, as `UNIQUENESS_COLUMNS` describes."""
    found = count_uniqueness(episodes)
    told = np.array([not 0 < one.n_unique < SMALL for one in found])
    columns = {
        "change": arrow.from_texts([one.change for one in found]),
        "columns": arrow.from_texts([";".join(one.columns) for one in found]),
        "n_episodes": arrow.from_numpy(np.array([one.n_episodes for one in found], dtype=np.int64)),
        "n_unique": arrow.from_texts([show_small(one.n_unique) for one in found]),
        "unique_percent": arrow.from_numpy(np.array([round(one.unique_percent, 1) for one in found]) * told, told),
        "smallest_group": arrow.from_texts([show_small(one.smallest_group) for one in found]),
        "is_enough": arrow.from_numpy(np.array([one.is_enough for one in found])),
    }
    return pa.table({column.name: columns[column.source] for column in UNIQUENESS_COLUMNS})
