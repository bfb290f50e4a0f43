"""Logistic fits of many draws by chords: the same answers as Newton's steps, and who is handed back to them."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.estimators import logistic, logistic_chords
from outcomes.estimators.logistic import fit_draws, fit_logistic
from outcomes.estimators.logistic_chords import chance_of_yes, rows_together, walk_chords
from outcomes.estimators.orthogonal import build_design

FAR_LESS_THAN_A_DRAW = 1e-5
"""Of a log-odds; drawing rows moves those of these problems by .04 to .6 (standard deviation)."""


def problem(n, p, seed, draws=60):
    """A constant and p columns, some of them 0/1, whole draws of n rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    X[:, ::3] = X[:, ::3] > 1
    yes = (rng.random(n) < 1 / (1 + np.exp(0.4 - X[:, :4] @ [0.5, -0.6, 0.4, 0.3]))).astype(float)
    design = build_design(np.column_stack([np.ones(n), X]), np.ones(n), constants=1)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=draws)
    return design, yes, np.ones(n), counts, fit_logistic(design, yes, np.ones(n)).turned


def alone(design, yes, trials, counts, start):
    """Each draw's own fit, and whether it has one."""
    fits = [fit_logistic(design, count * yes, count * trials, start) for count in counts]
    return np.array([fit.turned for fit in fits]), np.array([fit.status == "reached" for fit in fits])


@pytest.mark.parametrize(("n", "p"), [(400, 9), (1_500, 20), (4_000, 9), (3_000, 45)])
def test_draws_are_their_own_fits(n, p):
    design, yes, trials, counts, start = problem(n, p, n + p)
    one, reached = fit_draws(design, yes, trials, counts, start)
    other, there = alone(design, yes, trials, counts, start)
    assert there.all()
    assert reached.all()
    far = np.abs(design.basis @ (one - other).T).max()
    assert far < FAR_LESS_THAN_A_DRAW
    assert walk_chords(design.basis, yes, trials, counts, start, logistic._CHORD_ACCURACY, 1)[1].mean() > 0.9


def test_weighted_counts_and_several_trials():
    design, _, _, counts, _ = problem(600, 12, 1)
    rng = np.random.default_rng(2)
    trials = rng.integers(1, 6, 600).astype(float)
    yes = rng.binomial(trials.astype(int), 0.2).astype(float)
    start = fit_logistic(design, yes, trials).turned
    weights = counts * rng.uniform(0.2, 2, 600)
    one, reached = fit_draws(design, yes, trials, weights, start)
    other, _ = alone(design, yes, trials, weights, start)
    assert reached.all()
    np.testing.assert_allclose(design.basis @ one.T, design.basis @ other.T, atol=FAR_LESS_THAN_A_DRAW)


def test_draws_that_differ_too_much_are_handed_to_newton():
    """A level of eight rows: draws have none to twenty of it, some only in one arm."""
    rng, n = np.random.default_rng(3), 2_000
    X = rng.normal(size=(n, 9))
    X[:, 0] = np.arange(n) < 8
    yes = (rng.random(n) < 0.4).astype(float)
    yes[:8] = np.arange(8) % 2
    design = build_design(np.column_stack([np.ones(n), X]), np.ones(n), constants=1)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=200)
    counts[0, :8], counts[1, [0, 2, 4, 6]], counts[2, yes == 1] = 0, 0, 0
    start = fit_logistic(design, yes, np.ones(n)).turned
    by_chords = walk_chords(design.basis, yes, np.ones(n), counts, start, logistic._CHORD_ACCURACY, 1)[1]
    assert 2 < (~by_chords).sum() < 100
    one, reached = fit_draws(design, yes, np.ones(n), counts, start)
    other, there = alone(design, yes, np.ones(n), counts, start)
    assert reached.tolist() == there.tolist()
    assert reached[:3].tolist() == [True, False, False]
    rows = np.flatnonzero(reached)
    seen = counts[rows] > 0
    far = np.abs(design.basis @ (one - other)[rows].T).T
    assert far[seen].max() < FAR_LESS_THAN_A_DRAW


@pytest.mark.filterwarnings("error")
def test_a_draw_that_is_the_data_again_is_there_at_once():
    design, yes, trials, counts, start = problem(1_200, 15, 6)
    centred = design.basis.T @ (yes - trials / (1 + np.exp(-design.basis @ start)))
    assert np.abs(centred).max() < 1e-9
    half = np.full(1_200, 0.5)  # rows of one kind, half of them yes: the score is exactly 0
    again, reached = walk_chords(
        design.basis, half, trials, np.ones_like(counts), 0 * start, logistic._CHORD_ACCURACY, 1
    )
    assert reached.all()
    assert not again.any()
    one, reached = walk_chords(design.basis, yes, trials, np.ones_like(counts), start, logistic._CHORD_ACCURACY, 1)
    assert reached.all()
    np.testing.assert_allclose(one, np.tile(start, (60, 1)), atol=FAR_LESS_THAN_A_DRAW)


def test_workers_and_draws_beside_each_other():
    design, yes, trials, counts, start = problem(1_200, 15, 4)
    one, _ = fit_draws(design, yes, trials, counts, start)
    for workers in (2, 7):
        assert np.array_equal(fit_draws(design, yes, trials, counts, start, workers)[0], one)
    # Other draws beside it change a draw's average information, and so its way, but not where it ends.
    np.testing.assert_allclose(fit_draws(design, yes, trials, counts[:7], start)[0], one[:7], atol=FAR_LESS_THAN_A_DRAW)


def test_sizes_of_parts_change_nothing_that_matters(monkeypatch):
    design, yes, trials, counts, start = problem(1_200, 15, 5)
    one, _ = fit_draws(design, yes, trials, counts, start)
    monkeypatch.setattr(logistic_chords, "_NUMBERS_AT_ONCE", 1)
    np.testing.assert_allclose(fit_draws(design, yes, trials, counts, start)[0], one, atol=FAR_LESS_THAN_A_DRAW)


def test_chances_have_all_their_digits():
    far = np.array([-800.0, -700, -40, -1, 0, 1, 40, 800])
    with np.errstate(over="ignore"):
        wanted = [0, np.exp(-700.0), np.exp(-40.0), 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1, 1]
    np.testing.assert_allclose(chance_of_yes(far.copy()), wanted, rtol=1e-13)
    assert chance_of_yes(np.array([-200.0, 200], dtype=np.float32)).tolist() == [0, 1]


def test_parts_cover_all_rows_once():
    for rows, draws in ((1, 1), (63, 500), (64, 500), (10_001, 500), (5, 0)):
        found = np.concatenate([np.arange(rows)[part] for part in rows_together(rows, draws)])
        assert found.tolist() == list(range(rows))


def rare_levels(seed):
    """Flags of a million rows and more, and levels of two to some hundred, of which draws have much or little."""
    rng = np.random.default_rng(seed)
    rows, rare = 120, int(rng.integers(1, 4))
    flags, levels, mean = (rng.random((rows, 4)) < 0.5).astype(float), np.zeros((rows, rare)), np.full(rows, 1e6)
    for j in range(rare):
        own = slice(4 * j, 4 * j + 4)
        levels[own, j], mean[own] = 1, [1, 1, rng.integers(5, 300), rng.integers(5, 300)]
    yes = (np.arange(rows) % 2).astype(float)
    design = build_design(np.column_stack([np.ones(rows), flags, levels]), mean, constants=1)
    start = fit_logistic(design, yes * mean, mean).turned
    few = mean * rng.poisson(1.0, (200, rows))
    return design, yes, np.where(mean < 1e4, few, rng.poisson(mean, (200, rows))).astype(np.int32), start


def test_one_step_that_shrinks_by_luck_is_no_rate():
    """What is left after it may be a level of which the draw has little: steps of .6 and .0006 once left .0005."""
    worst = 0.0
    for seed in range(10_000, 10_012):
        design, yes, counts, start = rare_levels(seed)
        ones = np.ones(yes.size)
        one, reached = walk_chords(design.basis, yes, ones, counts, start, logistic._CHORD_ACCURACY, 1)
        fits = [fit_logistic(design, count * yes, count * ones) for count in counts]
        there = np.array([fit.status == "reached" for fit in fits])
        assert not (reached & ~there).any()
        far = np.abs((one - np.array([fit.turned for fit in fits])) @ design.basis.T)
        worst = max(worst, float(far[reached & there][counts[reached & there] > 0].max()))
    assert worst < 1e-4


def test_a_step_that_passes_far_away_is_no_separation():
    """From the full data's answer Newton's second step overshoots; the draw has yes and no in each of its levels."""
    design, yes, counts, start = rare_levels(10_025)
    count = counts[52].astype(float)
    fits = [fit_logistic(design, count * yes, count, begin) for begin in (None, start)]
    assert [fit.status for fit in fits] == ["reached", "reached"]
    assert np.abs(fits[0].log_odds[count > 0]).max() < 7
    np.testing.assert_allclose(fits[1].log_odds[count > 0], fits[0].log_odds[count > 0], atol=1e-6)
    assert logistic._fit_jointly(design, yes, np.ones(yes.size), counts[[52]], start)[1].all()
