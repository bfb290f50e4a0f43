"""Exercise and return in made-up clinics in which exercise does nothing: the lines must find nothing.

Patients there get exercise once their pain is low, from clinicians of different habits, and come for maintenance: all
that makes a difference out of nothing where it is not allowed for.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.questions import compare_rehabilitation
from outcomes.simulate import simulate, values
from tables import records_of

CLINICS = 20
PATIENTS = 2500
KEYS = ["analysis", "landmark_days", "exercise", "maintenance"]


def clinic_lines(seed):
    world = simulate(PATIENTS, seed=seed, clean=True)
    records = records_of({head: [str(cell) for cell in cells] for head, cells in world.records.items()})
    # The mean of the estimates is looked at, not their intervals: few draws will do.
    protocol = Protocol.from_mapping({"inference": {"bootstrap_draws": 20}})
    return compare_rehabilitation(build_episodes(build_visits(records, protocol))).table


@pytest.fixture(scope="module")
def null():
    """Mean and standard error of every line over clinics in which exercise does nothing."""
    patch = pytest.MonkeyPatch()
    chiro = values.PROFILES["chiro"]
    idle = dataclasses.replace(
        chiro,
        returns=dataclasses.replace(chiro.returns, active=1.0),
        course=dataclasses.replace(chiro.course, shift_active=0.0),
    )
    patch.setitem(values.PROFILES, "chiro", idle)
    patch.setattr("outcomes.questions.exercise_lines.FEWEST_DRAWS", 10)
    patch.setattr("outcomes.questions.exercise_lines.ROWS_DRAWN", 1)
    try:
        table = pd.concat([clinic_lines(seed) for seed in range(1, CLINICS + 1)], ignore_index=True)
    finally:
        patch.undo()
    is_ratio = table["scale"] == "hazard_ratio"
    table["value"] = np.where(is_ratio, np.log(table["estimate"].where(is_ratio, 1.0)), table["estimate"])
    return table.groupby(KEYS)["value"].agg(["mean", "sem", "count"])


@pytest.mark.slow
def test_landmarks_find_nothing_where_there_is_nothing(null):
    lines = null.loc["landmark"]
    # Home exercise and nothing else is too rare here to be compared in most clinics.
    lines = lines[lines.index.get_level_values("exercise") != "home"]
    assert (lines["count"] >= CLINICS // 2).all()
    # Two points, or three standard errors of the mean of the clinics.
    assert (lines["mean"].abs() < np.maximum(0.02, 3 * lines["sem"])).all(), lines


@pytest.mark.slow
def test_strategies_find_nothing_where_there_is_nothing(null):
    lines = null.loc["strategies"]
    assert (lines["mean"].abs() < np.maximum(0.02, 3 * lines["sem"])).all(), lines


@pytest.mark.slow
def test_states_find_next_to_nothing_where_there_is_nothing(null):
    # Whoever exercises is here more often, and pain is found here sooner: that much is left in the plain line.
    assert null.loc["state"]["mean"].abs().max() < 0.12
    opened = null.loc["state_new_episodes"].iloc[0]
    assert abs(opened["mean"]) < max(0.05, 3 * opened["sem"])
