"""Rows cannot come or go between steps: losing or inventing one stops the run, and nothing switches that off."""

from __future__ import annotations

import datetime
import subprocess
import sys

import pytest

from outcomes.cases import build_episodes, build_visits, select_clinic, visits
from outcomes.cases.as_of import cut_visits
from outcomes.cases.merging import Groups
from outcomes.errors import ConservationError
from outcomes.ledger import Ledger, Step, check_reading, check_unbroken
from tables import records

TABLE = """
patient_id | visit_date | clinic_id | pain_pre | visit_purpose
a          | 2025-01-01 | N         | 6        |
a          | 2025-01-01 | N         | 6        |
a          | 2025-01-09 | S         | 4        |
a          | 2025-01-19 | S         | 11       |
b          | 2025-02-01 | N         | 6        | no show
b          | 2025-02-03 | N         | 6        |
b          | 2025-02-13 | N         | 3        |
"""


def step(name: str, n_in: int, kept: int, unit: str = "records", source: str = "", **parts: dict[str, int]) -> Step:
    return Step(name, unit, n_in, kept, source=source, **parts)


READ = (
    step("read", 11, 10, "rows", "one.csv", not_data={"header": 1}),
    step("read", 6, 5, "rows", "two.csv", not_data={"header": 1}),
)
VALIDATE = (step("validate", 10, 8, source="one.csv", set_aside={"E232": 2}), step("validate", 5, 5, source="two.csv"))


def test_steps_that_fit() -> None:
    ledger = Ledger((*READ, *VALIDATE, step("merge", 13, 12, merged={"exact duplicate": 1})))
    check_unbroken(ledger, 12, "visits")
    check_reading(ledger, 15)


@pytest.mark.parametrize(
    ("steps", "n"),
    [
        ((*READ, *VALIDATE), 14),  # the table has a row more than was kept
        ((*READ, *VALIDATE), 12),
        ((*READ, *VALIDATE, step("merge", 12, 12)), 12),  # a row got lost between two steps
        ((*READ, *VALIDATE, step("merge", 14, 14)), 14),
    ],
)
def test_a_row_lost_or_invented_between_steps(steps: tuple[Step, ...], n: int) -> None:
    with pytest.raises(ConservationError, match="fault of the package"):
        check_unbroken(Ledger(steps), n, "visits")


@pytest.mark.parametrize("n", [10, 14, 16])
def test_a_record_lost_in_reading(n: int) -> None:
    with pytest.raises(ConservationError, match="records read"):
        check_reading(Ledger((*READ, *VALIDATE)), n)


def test_every_step_of_a_run_is_held_against_the_next_and_the_table() -> None:
    seen = build_visits(records(TABLE))
    check_unbroken(seen.ledger, seen.n, "visits")
    cut = cut_visits(seen, datetime.date(2025, 2, 5))
    check_unbroken(cut.ledger, cut.n, "visits")
    north = select_clinic(cut, "N")
    check_unbroken(north.ledger, north.n, "visits")
    episodes = build_episodes(north)
    check_unbroken(episodes.ledger, int(episodes.sizes.sum()), "visits of episodes")
    names = list(dict.fromkeys(step.name for step in episodes.ledger.steps))
    assert names == ["read", "validate", "merge", "as of 2025-02-05", "clinic N", "episodes"]


def test_a_merge_that_loses_a_record_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = visits.group_records

    def lossy(columns: object, kept: object) -> Groups:
        groups = whole(columns, kept)
        return Groups.of(groups.rows[:-1], groups.is_new[:-1])

    monkeypatch.setattr(visits, "group_records", lossy)
    with pytest.raises(ConservationError):
        build_visits(records(TABLE))


def test_no_optimisation_of_python_switches_it_off() -> None:
    code = (
        "from outcomes.ledger import Step\n"
        "from outcomes.errors import ConservationError\n"
        "try:\n    Step('read', 'rows', 3, 2)\nexcept ConservationError:\n    print('stopped')\n"
    )
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "stopped"
