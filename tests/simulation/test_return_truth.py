"""Returns in made-up clinics: how far the gap moves the figure, and why a falling rate is no falling risk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from outcomes.cases import build_episodes, build_return_rows, build_visits
from outcomes.definitions import Protocol
from outcomes.estimators.counts import mean_at, mean_cumulative
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.questions.return_lines import AtRisk, fit_line
from outcomes.simulate import simulate, values
from tables import records_of

GAPS = (21, 30, 45, 60, 90, 120, 180)
SEEDS = (5, 6, 7)
# Share back within 12 months on one set of simulated records, given beforehand.
PUBLISHED = (0.41, 0.38, 0.34, 0.31, 0.26, 0.23, 0.18)


# Two numbers of the world those figures are from are not known: how often patients return, and how many long waits
# there are inside an episode. With these the levels are theirs; how far the gap moves them is what is compared.
RATE, LONG_GAP = 1.35, 0.14


def share_by_gap(seed):
    """Share back within a year, and episodes a patient, where episodes end by a gap only; all regions in one stream."""
    world = simulate(4000, seed=seed, clean=True)
    protocol = Protocol.from_mapping({"episode": {"one_stream": True}})
    records = records_of({head: [str(cell) for cell in cells] for head, cells in world.records.items()})
    visits = build_visits(records, protocol)
    shares, numbers = [], []
    for gap in GAPS:
        rule = replace(protocol.episode, gap_days=gap, relief_rule=False, new_onset_rule=False)
        episodes = build_episodes(visits, replace(protocol, episode=rule))
        line = fit_line("all", AtRisk.of(build_return_rows(episodes, "new_episode")), protocol)
        shares.append(line.estimate[365])
        numbers.append(episodes.n / np.unique(episodes.columns["patient"]).size)
    return shares, numbers


def test_the_gap_moves_the_share_back_by_more_than_half(monkeypatch):
    chiro = values.PROFILES["chiro"]
    more = replace(chiro.returns, rate_per_year=RATE * chiro.returns.rate_per_year)
    waits = replace(chiro.visits, long_gap=LONG_GAP)
    monkeypatch.setitem(values.PROFILES, "chiro", replace(chiro, returns=more, visits=waits))
    found = [share_by_gap(seed) for seed in SEEDS]
    shares, numbers = (np.mean([one[i] for one in found], axis=0) for i in range(2))
    assert (np.diff(shares) < 0).all() and (np.diff(numbers) < 0).all()
    # Two standard errors of the difference between two sets of 4,000 patients.
    assert shares == pytest.approx(PUBLISHED, abs=0.035)
    assert shares[-1] < 0.5 * shares[0]
    assert numbers[0] == pytest.approx(2.05, abs=0.15) and numbers[-1] == pytest.approx(1.38, abs=0.15)


def returning_patients(n, seed):
    """Patients with a constant rate each, gamma over patients, followed for two years: rows between their returns."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.96, 0.459 / 0.96, n) / 365.25
    waits = rng.exponential(1.0, (n, 40)) / rate[:, None]
    return np.floor(np.cumsum(waits, axis=1)) + 1


def test_a_falling_first_return_rate_with_constant_risks():
    n, end = 20_000, 730
    days = returning_patients(n, 11)
    first, back = np.minimum(days[:, 0], end), days[:, 0] <= end
    survival = survival_at(kaplan_meier(first, back), [0, 182, 365, 547, 730])[0]
    hazard = -np.diff(np.log(survival)) / 0.5
    # Four half-years of the same patients, each with a constant rate: 0.41, 0.36, 0.27, 0.25 were given beforehand.
    assert hazard == pytest.approx([0.41, 0.36, 0.27, 0.25], abs=0.04)
    inside = days <= end
    who, which = np.nonzero(inside)
    patient = np.concatenate([who, np.arange(n)])
    stop = np.concatenate([days[who, which], np.full(n, end)])
    event = np.repeat([1, 0], [who.size, n])
    order = np.lexsort((event, stop, patient))
    patient, stop, event = patient[order], stop[order], event[order]
    start = np.where(np.diff(patient, prepend=-1) != 0, 0, np.roll(stop, 1))
    rows = stop > start
    mean = mean_at(mean_cumulative(patient[rows], start[rows], stop[rows], event[rows]), [182, 365, 547, 730])[0]
    # The mean number of returns grows by the same amount in each half-year: no risk fell.
    assert np.diff(mean, prepend=0.0) == pytest.approx(np.full(4, 0.459 / 2), abs=0.015)


def test_a_higher_rate_after_each_return_with_constant_risks():
    end = 730
    days = returning_patients(20_000, 12)
    days = np.concatenate([np.zeros((days.shape[0], 1)), days], axis=1)
    rates = []
    for number in range(4):
        begin, until = days[:, number], days[:, number + 1]
        reached = begin < end
        watched = np.minimum(until, end) - begin
        rates.append(float((until <= end)[reached].sum() / watched[reached].sum() * 365.25))
    # Whoever has returned often is one of those who return often; nobody's rate rose (0.34, 0.60, 0.85, 0.96 in S7).
    assert (np.diff(rates) > 0.1).all()
    assert rates == pytest.approx([0.34, 0.60, 0.85, 0.96], abs=0.15)
