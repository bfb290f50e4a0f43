"""Shares of treatment visits with each family or modality: of all, and by quarter, visit number, clinic and clinician.

A share's interval is Wilson's on the effective number of visits, because visits of one patient resemble each other; one
cluster is a patient within a group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.estimators import proportions
from outcomes.questions.results import NOT_RECORDED, Flags, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

SHARE_COLUMNS = ("estimate", "conf_low", "conf_high", "n", "events")
LAST_VISIT = 8
"""Visits from this number on are counted together."""
FEW = "few visits each"


@dataclass(frozen=True)
class TreatmentVisits:
    """The visits at which something was treated.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Rows of the visit table.
    patient : ndarray of int, shape (n,)
        Patients as 0, 1, 2, ...
    has : dict of str to ndarray of bool, shape (n,)
        Whether each family was given.
    labels : mapping
        Family to its words.
    least : int
        Fewest visits a share is given of.
    level : float
        Of the intervals.
    """

    rows: IntArray
    patient: IntArray
    has: dict[str, Flags]
    labels: Mapping[str, str]
    least: int
    level: float

    @property
    def n(self) -> int:
        """Number of visits."""
        return int(self.rows.size)


def count_shares(
    group: IntArray, groups: Sequence[int], patient: IntArray, has: Mapping[str, Flags], least: int, level: float
) -> list[tuple[int, str, float, float, float, int, int]]:
    """Count, in each group, the visits with each of several things.

    Parameters
    ----------
    group, patient : ndarray of int, shape (n,)
        Of each visit; groups 0, 1, 2, ...
    groups : sequence of int
        The groups that get rows, in that order.
    has : mapping of str to ndarray of bool, shape (n,)

    Returns
    -------
    list of (group, thing, estimate, conf_low, conf_high, n, events)
        NaN for the share and its limits where a group has fewer than `least` visits.
    """
    n_patients = int(patient.max(initial=0)) + 1
    # Count each patient's visits in each group, and those with the thing, in one pass each.
    key, cluster = np.unique(group.astype(np.int64) * n_patients + patient, return_inverse=True)
    n = np.bincount(cluster, minlength=key.size)
    with_it = {name: np.bincount(cluster, weights=flags, minlength=key.size) for name, flags in has.items()}
    rows = []
    for i in groups:
        part = slice(*np.searchsorted(key // n_patients, [i, i + 1]))
        total = int(n[part].sum())
        for name in has:
            shares = (np.nan, np.nan, np.nan)
            if total >= max(least, 1):
                shares = proportions.wilson_clustered(with_it[name][part], n[part], level)
            rows.append((i, name, *shares, total, int(with_it[name][part].sum())))
    return rows


def family_table(
    visits: TreatmentVisits, group: IntArray, names: Sequence[tuple[Any, ...]], columns: Sequence[str], first: int = 0
) -> pd.DataFrame:
    """One row a group and family.

    Parameters
    ----------
    group : ndarray of int, shape (n,)
        Place in `names`; -1 for a visit that is in none.
    names : sequence of tuple
        What stands in `columns` for each group.
    first : int
        First group that gets rows.
    """
    import pandas as pd

    used = group >= 0
    has = {name: flags[used] for name, flags in visits.has.items()}
    places = range(first, len(names))
    counted = count_shares(group[used], places, visits.patient[used], has, visits.least, visits.level)
    rows = [(*names[i], family, visits.labels.get(family, family), *values) for i, family, *values in counted]
    return pd.DataFrame(rows, columns=[*columns, "family", "label", *SHARE_COLUMNS])


def whole_table(visits: TreatmentVisits) -> pd.DataFrame:
    """One row a family, of all treatment visits together."""
    return family_table(visits, np.zeros(visits.n, dtype=np.intp), [()], ())


def modality_table(episodes: Episodes, visits: TreatmentVisits) -> pd.DataFrame:
    """One row a modality that was recorded, the commonest first: modality, label, family, stage, share."""
    import pandas as pd

    codebook = episodes.visits.codebook
    masks = episodes.visits.columns["modalities"][visits.rows]
    treatments = codebook.modality_names(codebook.treatment_mask)
    has = {name: (masks & np.uint64(codebook.mask_of(name))) != 0 for name in treatments}
    has = {name: flags for name, flags in has.items() if flags.any()}
    counted = count_shares(np.zeros(visits.n, dtype=np.intp), [0], visits.patient, has, visits.least, visits.level)
    family, stage = codebook.modality_family, codebook.modality_stage
    rows = [
        (name, codebook.label("modality", name), family[name], stage[name], *values) for _, name, *values in counted
    ]
    table = pd.DataFrame(rows, columns=["modality", "label", "family", "stage", *SHARE_COLUMNS])
    return table.sort_values("events", ascending=False, kind="stable", ignore_index=True)


def visit_numbers(episodes: Episodes) -> NDArray[np.int64]:
    """Number each visit within its episode, maintenance left out: 1, 2, ...; 0 for maintenance and outside episodes.

    Returns
    -------
    ndarray of int, shape (visits,)
    """
    care = episodes.course.care & (episodes.visits.columns["episode"] >= 0)
    so_far = np.cumsum(care)
    episode = episodes.visits.columns["episode"]
    before = np.zeros(care.size, dtype=np.int64)
    if episodes.n:
        begins = episodes.starts[np.maximum(episode, 0)]
        before = so_far[begins] - care[begins]
    return np.where(care, so_far - before, 0)


def visit_table(episodes: Episodes, visits: TreatmentVisits) -> pd.DataFrame:
    """One row a family and number of the visit in its episode, 1 to 7 and 8 or later; maintenance is left out."""
    number = np.minimum(visit_numbers(episodes)[visits.rows], LAST_VISIT)
    words = [*(str(i) for i in range(1, LAST_VISIT)), f"{LAST_VISIT}+"]
    return family_table(visits, (number - 1).astype(np.intp), [(word,) for word in words], ["visit"])


def clinic_table(episodes: Episodes, visits: TreatmentVisits) -> pd.DataFrame | None:
    """One row a family and clinic, named as in the export; None where the export has one clinic or names none."""
    codes, names = _named(episodes, visits, "clinic")
    return None if len(names) < 2 else family_table(visits, codes, [(name,) for name in names], ["clinic_id"])


def clinician_table(episodes: Episodes, visits: TreatmentVisits) -> pd.DataFrame | None:
    """One row a family and clinician within a clinic; those of few visits together. None where none is named.

    A clinician who works at two clinics has rows at both, so that the rows of a clinic add up to the clinic.
    """
    if "clinician" not in episodes.visits.columns:
        return None
    who, names = _named(episodes, visits, "clinician")
    where, places = _named(episodes, visits, "clinic")
    key = where.astype(np.int64) * len(names) + who
    pairs, code, size = np.unique(key, return_inverse=True, return_counts=True)
    is_few = size < visits.least
    shown = [(places[int(p) // len(names)], names[int(p) % len(names)]) for p in pairs[~is_few]]
    clinics_with_few = np.unique(pairs[is_few] // len(names))
    place = np.empty(pairs.size, dtype=np.intp)
    place[~is_few] = np.arange(len(shown))
    place[is_few] = len(shown) + np.searchsorted(clinics_with_few, pairs[is_few] // len(names))
    rest = [(places[int(clinic)], FEW) for clinic in clinics_with_few]
    return family_table(visits, place[code], [*shown, *rest], ["clinic_id", "clinician_id"])


def _named(episodes: Episodes, visits: TreatmentVisits, field: str) -> tuple[IntArray, list[str]]:
    """Code of the clinic or clinician of each visit, and their names sorted; those not recorded are the last."""
    columns = episodes.visits.columns
    if field not in columns:
        return np.zeros(visits.n, dtype=np.intp), [NOT_RECORDED]
    words = episodes.visits.labels[field].to_pylist()
    seen = np.unique(columns[field][visits.rows])
    order = [*sorted((int(i) for i in seen if i >= 0), key=lambda i: words[i]), *(int(i) for i in seen if i < 0)]
    place = np.zeros(len(words) + 1, dtype=np.intp)
    place[order] = np.arange(len(order))
    return place[columns[field][visits.rows]], [words[i] if i >= 0 else NOT_RECORDED for i in order]
