"""Patients who cannot be one person: two sexes, or ages that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.rules import OLDEST, Fault
from outcomes.cases.schema import Columns

if TYPE_CHECKING:
    from outcomes.definitions import Codebook

_YEAR_DAYS = 365.25
_LEEWAY_YEARS = 2.0
"""One year is for the birthday between two visits, one for an age written down late."""


def find_conflicts(columns: Columns, n_patients: int, faults: list[Fault], codebook: Codebook) -> list[Fault]:
    """Find every record of a patient whose records contradict each other about sex or age.

    Parameters
    ----------
    columns : dict of ndarray, shape (n,)
        Typed records: ``patient``, ``day`` and, where the export has them, ``sex`` and ``age``.
    n_patients : int
    faults : list of (field, rule code, rows)
        What is wrong already: a mistyped date must not make its patient two people.
    codebook : Codebook

    Returns
    -------
    list of (field, rule code, rows)
        All records of the patients in conflict.
    """
    patient = columns["patient"]
    sound = patient >= 0
    for _, _, rows in faults:
        sound[rows] = False
    found: list[tuple[str, str, NDArray[np.bool_]]] = []
    if "sex" in columns:
        names = codebook.ids("sex")
        seen = np.zeros((2, n_patients), dtype=np.bool_)
        for place, word in enumerate(("female", "male")):
            seen[place, patient[sound & (columns["sex"] == names.index(word))]] = True
        found.append(("sex", "E203", seen[0] & seen[1]))
    if "age" in columns:
        rows = np.flatnonzero(sound & (columns["age"] >= 0) & (columns["age"] < OLDEST))
        found.append(
            ("age", "E204", _find_two_ages(columns["age"][rows], columns["day"][rows], patient[rows], n_patients))
        )
    of_patient = [
        (name, code, np.flatnonzero((patient >= 0) & torn[patient])) for name, code, torn in found if torn.any()
    ]
    return [fault for fault in of_patient if fault[2].size]


def _find_two_ages(
    age: NDArray[Any], day: NDArray[Any], patient: NDArray[np.int32], n_patients: int
) -> NDArray[np.bool_]:
    """Whose ages cannot be one person's, shape (n_patients,).

    An age may be that at the visit, that at the export, or one noted when an episode began and kept until the next. So
    it never falls, and rises by no more than the time since the patient's first record.
    """
    ages, years = age.astype(np.float64), day / _YEAR_DAYS
    as_told = np.minimum(_spread(ages - years, patient, n_patients), _spread(ages, patient, n_patients))
    two: NDArray[np.bool_] = as_told > _LEEWAY_YEARS
    # Few are left, whose ages fit neither the calendar nor each other as they are.
    rows = np.flatnonzero(two[patient])
    rows = rows[np.lexsort((ages[rows], day[rows], patient[rows]))]
    starts = np.flatnonzero(np.diff(patient[rows], prepend=-1))
    for own in np.split(rows, starts[1:]) if rows.size else ():
        falls = np.maximum.accumulate(ages[own]) - ages[own]
        rises = ages[own] - np.minimum.accumulate(ages[own]) - (years[own] - years[own[0]])
        two[patient[own[0]]] = max(falls.max(), rises.max()) > _LEEWAY_YEARS
    return two


def _spread(values: NDArray[np.float64], patient: NDArray[np.int32], n_patients: int) -> NDArray[np.float64]:
    """Largest difference between the values of each patient; shape (n_patients,)."""
    low, high = np.full(n_patients, np.inf), np.full(n_patients, -np.inf)
    np.minimum.at(low, patient, values)
    np.maximum.at(high, patient, values)
    return high - low
