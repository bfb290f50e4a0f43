"""Ids numbered anew from a day on: found where fewer patients go on across it than around it, and only there.

The practice of these tests is steady: every day one patient begins, and comes each tenth day, seven times. So 60 of
them are in care across any day.
"""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.cases.acceptance import TO_ACKNOWLEDGE
from outcomes.cases.continuity import find_new_numbers
from outcomes.cases.jumps import find_jumps
from outcomes.errors import Finding

BEGIN = int(np.datetime64("2025-01-01", "D").astype(int))
DAYS, CUT = 400, 200
Columns = dict[str, np.ndarray]


def practice(every: int = 1, renumbered: int = 0, clinics: int = 1, closed: range = range(0)) -> Columns:
    """Visits of patients of whom one begins each `every` days, and every `renumbered`-th has another id from CUT on."""
    rows = []
    for number, start in enumerate(range(-60, DAYS, every)):
        for day in range(start, start + 61, 10):
            if 0 <= day < DAYS and day not in closed:
                has_new = renumbered and number % renumbered == 0 and day >= CUT
                rows.append((number + 10_000 * bool(has_new), day + BEGIN, number % clinics))
    patient, day, clinic = np.array(sorted(rows), dtype=np.int32).T
    return {"patient": np.unique(patient, return_inverse=True)[1].astype(np.int32), "day": day, "clinic": clinic}


def said(columns: Columns, clinics: tuple[str, ...] = ()) -> str:
    return " ".join(found.message for found in find_new_numbers(columns, clinics))


@pytest.mark.parametrize(
    ("every", "renumbered", "expected"),
    [
        (1, 0, ""),
        (1, 1, "about 2025-07-20. Were"),
        (1, 2, "about 2025-07-20. Were"),
        (1, 5, "about 2025-07-20. Were"),  # 12 of 60 are gone: 1.55 standard errors
        (1, 6, ""),  # 10 of 60: 1.29
        (1, 7, ""),  # a seventh is less than 15 in 100
        (6, 1, "about 2025-07-"),  # 10 in care
        (7, 1, ""),  # 8 or 9: too few to tell
    ],
)
def test_a_day_across_which_fewer_go_on(every: int, renumbered: int, expected: str) -> None:
    found = said(practice(every, renumbered))
    assert expected in found if expected else found == ""


@pytest.mark.parametrize(
    ("closed", "expected"),
    [
        (range(CUT - 14, CUT), "2025-07"),  # a new programme, begun after two weeks of holidays
        (range(CUT - 70, CUT), ""),  # ten weeks: nobody need be the same
    ],
)
def test_ids_given_after_a_closure(closed: range, expected: str) -> None:
    found = said(practice(renumbered=1, closed=closed))
    assert expected in found if expected else found == ""


def test_a_holiday_without_new_ids_is_none() -> None:
    assert said(practice(closed=range(CUT - 21, CUT))) == ""


def test_one_clinic_of_four_is_named() -> None:
    columns = practice(clinics=8, every=1)
    rows = (columns["clinic"] == 3) & (columns["day"] >= BEGIN + CUT)
    new = columns["patient"].astype(np.int64) + 100_000 * rows
    order = np.lexsort((columns["day"], new))
    columns = {name: values[order] for name, values in columns.items()} | {"patient": new[order].astype(np.int32)}
    columns["clinic"] //= 2
    # An eighth of all is not enough to show in the whole, and 7.5 of 15 at a clinic is.
    columns["clinic"][columns["clinic"] == 3] = -1
    assert said(columns) == ""
    found = said(columns, ("C01", "C02", "C03"))
    assert "about 2025-07-21 at clinic C02. Were" in found


def test_more_clinics_than_can_be_read_are_counted() -> None:
    parts = [practice(renumbered=1, clinics=5), *(practice() for _ in range(9))]  # the nine hide it in the whole
    for number, part in enumerate(parts):
        part["patient"] += 1_000 * number
        part["clinic"] += 5 * (number > 0)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found = said(columns, tuple(f"C{code}" for code in range(6)))
    assert [name for name in ("C0", "C1", "C2", "C3", "C4", "C5") if f"at clinic {name}" in found] == [
        "C0",
        "C1",
        "C2",
        "C3",
    ]
    assert " and 1 more. Were" in found


@pytest.mark.parametrize("n_days", [0, 167, 168])
def test_records_too_short_to_tell(n_days: int) -> None:
    columns = {name: values[practice(renumbered=1)["day"] < BEGIN + n_days] for name, values in practice(1, 1).items()}
    assert said(columns) == ""


def test_it_stops_a_report_and_is_not_said_beside_files_that_do_not_meet() -> None:
    columns = practice(renumbered=1)
    assert "E274" in {one.code for one in find_jumps(columns, BEGIN, BEGIN + DAYS - 1)}
    known = [Finding("E209", "none of them.", "q2.csv", "")]
    assert "E274" not in {one.code for one in find_jumps(columns, BEGIN, BEGIN + DAYS - 1, (), known)}
    assert "E274" in TO_ACKNOWLEDGE
