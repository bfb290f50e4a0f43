"""Clinics, clinicians, attendance and gaps of a small simulated clinic: real answers, made once a process."""

from __future__ import annotations

from functools import cache
from typing import Any

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.questions import check_missing_covariates, compare_units, describe_attendance, describe_missing
from outcomes.simulate import simulate
from tables import records_of


@cache
def answers() -> dict[str, Any]:
    """Return the five answers by the names they have in `ReportInputs`."""
    cells = simulate(700, seed=11, clean=True, clinics=3).records
    written = {name: [str(cell) for cell in column] for name, column in cells.items()}
    episodes = build_episodes(build_visits(records_of(written), Protocol()))
    return {
        "clinics": compare_units(episodes),
        "clinicians": compare_units(episodes, "clinician"),
        "attendance": describe_attendance(episodes),
        "missing": describe_missing(episodes),
        "missing_covariates": check_missing_covariates(episodes, 3),
    }
