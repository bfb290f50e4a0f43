"""A simulated clinic and one of its comparisons, made once for all tests that look at the lines beside it."""

from __future__ import annotations

from functools import cache

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.first_treatment import build_treatment_rows
from outcomes.definitions import Protocol
from outcomes.questions.contrast_lines import count_arms, fit_contrast
from outcomes.questions.modality_families import head_line
from outcomes.questions.treatment_arms import family_arms
from outcomes.simulate import simulate
from tables import records_of

FEW = Protocol.from_mapping({"inference": {"bootstrap_draws": 10}})
DAY = 28


def write_episodes(protocol=FEW, patients=2000):
    cells = simulate(patients, seed=5, clean=True).records
    return build_episodes(build_visits(records_of({k: [str(c) for c in v] for k, v in cells.items()}), protocol))


@cache
def compare_electrical():
    """Return the episodes, the contrast of electrical stimulation, which passes the gate, and the head of its line."""
    episodes = write_episodes()
    contrast = fit_contrast(episodes, family_arms(episodes, build_treatment_rows(episodes), "electrical"), DAY, 10)
    assert contrast.shown is not None
    return episodes, contrast, count_arms(head_line(episodes, contrast.arms), contrast.arms)
