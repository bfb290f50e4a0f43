"""Logistic fits of counted rows: a table gone through in parts, and a fit that begins near its answer."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.estimators import orthogonal
from outcomes.estimators.logistic import approach, fit_logistic
from outcomes.estimators.orthogonal import build_design


def problem(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns, some of them 0/1 and one with a large offset; how often rows are counted, and how often with yes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    X[:, ::2] = X[:, ::2] > 1.5
    X[:, 1] += 1e6
    count = rng.integers(1, 4, n).astype(float)
    odds = 1.5 * X[:, 0] - X[:, 2] + 0.8 * X[:, 3] - 1
    return X, count, rng.binomial(count.astype(int), 1 / (1 + np.exp(-odds))).astype(float)


@pytest.mark.parametrize("rows", [5, 64, 65, 1_000])
def test_a_design_is_orthogonal_and_turns_back_however_many_parts_it_has(monkeypatch, rows):
    X, count, _ = problem(1_000, 4, 3)
    X, count = X[:rows], count[:rows]
    monkeypatch.setattr(orthogonal, "_DESIGN_AT_ONCE", 1)
    assert len(list(orthogonal.parts_of(rows, 5))) == -(-rows // 64)
    found = build_design(X, count, constants=1, add_constant=True)
    table = np.column_stack([np.ones(rows), X])
    np.testing.assert_allclose(found.basis @ found.turn, table, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose((found.basis * count[:, None]).T @ found.basis / count.sum(), np.eye(5), atol=1e-12)
    given = build_design(table, count, constants=1)
    assert np.array_equal(given.basis, found.basis)
    assert np.array_equal(given.turn, found.turn)
    monkeypatch.undo()
    whole = build_design(X, count, constants=1, add_constant=True)
    np.testing.assert_allclose(found.basis, whole.basis, atol=1e-12)


def test_a_fit_that_begins_with_every_eighth_row_is_the_same():
    X, count, yes = problem(6_000, 6, 4)
    design = build_design(X, count, constants=1, add_constant=True)
    begin = np.zeros(7)
    near = approach(design, yes, count, begin)
    one, other = fit_logistic(design, yes, count, near), fit_logistic(design, yes, count)
    assert one.status == other.status == "reached"
    assert one.steps < other.steps
    np.testing.assert_allclose(one.log_odds, other.log_odds, rtol=0, atol=1e-12)
    # The score is 0 at the answer, up to the rounding of a sum of 12,000 terms.
    chance = 1 / (1 + np.exp(-one.log_odds))
    assert np.abs(design.basis.T @ (yes - count * chance)).max() < 1e-9
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-9, atol=1e-18)


@pytest.mark.parametrize("seed", range(8))
def test_a_fit_that_keeps_its_information_for_some_steps_loses_no_digit(seed):
    X, count, yes = problem(600, 6, seed)
    design = build_design(X, count, constants=1, add_constant=True)
    fit = fit_logistic(design, yes, count)
    # One more step, with the information at the answer, worked out here.
    z, chance = design.basis, 1 / (1 + np.exp(-fit.log_odds))
    step = np.linalg.solve((z * (count * chance * (1 - chance))[:, None]).T @ z, z.T @ (yes - count * chance))
    assert fit.status == "reached"
    assert np.abs(z @ step).max() < 3e-12


def test_a_fit_begins_where_it_was_told_where_rows_are_few_or_every_eighth_has_no_answer():
    X, count, yes = problem(6_000, 6, 5)
    begin = np.full(7, 0.25)
    few = build_design(X[:2_000], count[:2_000], constants=1, add_constant=True)
    assert approach(few, yes[:2_000], count[:2_000], begin) is begin
    X[::8, 0] = yes[::8] > 0
    design = build_design(X, count, constants=1, add_constant=True)
    assert approach(design, yes, count, begin) is begin
    assert fit_logistic(design, yes, count, begin).status == "reached"


def test_information_is_that_of_all_rows(monkeypatch):
    X, count, _ = problem(900, 5, 6)
    design = build_design(X, count, constants=1, add_constant=True)
    expected = (design.basis * count[:, None]).T @ design.basis
    monkeypatch.setattr(orthogonal, "_DESIGN_AT_ONCE", 1)
    np.testing.assert_allclose(orthogonal.weighted_products(design.basis, count), expected, atol=1e-10)
