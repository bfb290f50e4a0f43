"""Made-up practices of a few patients."""

from __future__ import annotations

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.episodes import Episodes
from outcomes.definitions import Protocol
from outcomes.simulate import simulate
from tables import records_of


def make_practice(patients: int, seed: int, clinics: int = 3) -> Episodes:
    """Episodes of the packaged generator, cleanly written."""
    cells = simulate(patients, seed=seed, clean=True, clinics=clinics).records
    written = {name: [str(cell) for cell in column] for name, column in cells.items()}
    return build_episodes(build_visits(records_of(written), Protocol()), Protocol())
