"""Patients who cannot be one person: two sexes, or ages that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.rules import OLDEST, Fault
from outcomes.cases.schema import Columns

if TYPE_CHECKING:
    from outcomes.definitions import Codebook

_YEAR_DAYS = 365.25


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
        age, day = columns["age"][rows].astype(np.float64), columns["day"][rows]
        # Age at the visit or age at the export, both are common: only what fits neither is a conflict. One year is for
        # the birthday between two visits, one for an age written down late.
        aged = _spread(age - day / _YEAR_DAYS, patient[rows], n_patients)
        fixed = _spread(age, patient[rows], n_patients)
        found.append(("age", "E204", np.minimum(aged, fixed) > 2))
    of_patient = [
        (name, code, np.flatnonzero((patient >= 0) & torn[patient])) for name, code, torn in found if torn.any()
    ]
    return [fault for fault in of_patient if fault[2].size]


def _spread(values: NDArray[np.float64], patient: NDArray[np.int32], n_patients: int) -> NDArray[np.float64]:
    """Largest difference between the values of each patient; shape (n_patients,)."""
    low, high = np.full(n_patients, np.inf), np.full(n_patients, -np.inf)
    np.minimum.at(low, patient, values)
    np.maximum.at(high, patient, values)
    return high - low
