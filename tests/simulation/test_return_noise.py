"""Returns by day 182 of simulated clinics, with and without error in the ratings.

A rating that is low by chance makes relief of an episode still going on, and the next one then makes a return of it.
The reference is what the package finds in the same clinics when every rating is the latent pain of its day.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latent import FIELDS, latent_scores
from outcomes.cases import build_episodes, build_return_rows, build_visits
from outcomes.definitions import Protocol
from outcomes.questions.return_lines import AtRisk, fit_line
from outcomes.simulate import simulate, values
from tables import records_of

CLINICS, PATIENTS, DAY = 60, 1_000, 182
PROTOCOL = Protocol()


def share_back(seed, noise):
    """Share back by the day with its interval, of one clinic."""
    simulated = simulate(PATIENTS, seed, "chiro", clinics=1, quarters=12, clean=True, noise=noise)
    cells = {name: simulated.records[name].tolist() for name in FIELDS}
    if not noise:
        cells["pain_pre"] = latent_scores(simulated)
    rows = build_return_rows(build_episodes(build_visits(records_of(cells), PROTOCOL)))
    line = fit_line("all", AtRisk.of(rows), PROTOCOL)
    return line.estimate[DAY], line.conf_low[DAY], line.conf_high[DAY]


def all_clinics(noise):
    return np.array([share_back(1000 + i, noise) for i in range(CLINICS)])


@pytest.fixture(scope="module")
def reference():
    return all_clinics(noise=False)


def covers(found, reference):
    true = reference[:, 0].mean()
    return ((found[:, 1] <= true) & (true <= found[:, 2])).mean()


@pytest.mark.slow
def test_without_noise_the_interval_holds(reference):
    # Two standard errors of a share of .95 in 60 clinics are 6 points.
    assert covers(reference, reference) > 0.88


@pytest.mark.slow
@pytest.mark.parametrize(("sd", "least", "most", "coverage"), [(0.5, 0.0, 4.0, 0.95), (1.0, 3.0, 8.0, 0.5)])
def test_noise_makes_returns(sd, least, most, coverage, reference, monkeypatch):
    chiro = values.PROFILES["chiro"]
    monkeypatch.setitem(values.PROFILES, "chiro", replace(chiro, course=replace(chiro.course, rating_sd=sd)))
    noisy = all_clinics(noise=True)
    more = 100 * (noisy - reference)[:, 0]
    error = more.std(ddof=1) / np.sqrt(CLINICS)
    print(f"sd {sd}: {more.mean():+.1f} points (SE {error:.1f}), coverage {covers(noisy, reference):.2f}")
    assert least + 2 * error < more.mean() < most
    assert covers(noisy, reference) < coverage
