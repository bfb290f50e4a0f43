"""The parts of the joint fits: the Hessian by the curve, and masses of 0 or more on it, against plain dense answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from outcomes.estimators.refits import Runs, _laplacians, _solve_nonnegative


def make(seed: int, k: int = 9, draws: int = 6) -> tuple[Runs, np.ndarray, np.ndarray]:
    """Runs of k intervals, each interval one by itself among them, and the curvature of each in every draw."""
    generator = np.random.default_rng(seed)
    low, high = np.triu_indices(k)
    chosen = (low == high) | (generator.uniform(size=low.size) < 0.4)
    runs = Runs.of(low[chosen], high[chosen], k)
    curvature = generator.uniform(0.1, 3.0, size=(draws, runs.low.size))
    return runs, curvature, generator.uniform(size=(draws, k)) < 0.7


def by_masses(runs: Runs, curvature: np.ndarray, work: np.ndarray) -> np.ndarray:
    """Hessian by the masses of the working intervals, as it is defined."""
    covers = (runs.low[:, None] <= np.arange(runs.k)) & (np.arange(runs.k) <= runs.high[:, None])
    inside = covers[:, work].astype(float)
    return inside.T @ (curvature[:, None] * inside)


def prepare(runs: Runs, curvature: np.ndarray, work: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    rank = np.concatenate([np.zeros((len(work), 1), dtype=np.intp), np.cumsum(work, axis=1)], axis=1)
    size = int(rank[:, -1].max())
    return _laplacians(rank, curvature, runs, size), np.arange(size) < rank[:, -1:], size


@pytest.mark.parametrize("seed", range(5))
def test_the_hessian_by_the_curve_is_the_one_by_masses(seed: int) -> None:
    runs, curvature, work = make(seed)
    matrix, used, _ = prepare(runs, curvature, work)
    for i, own in enumerate(work):
        s = int(used[i].sum())
        # The curve behind an interval is the sum of the masses up to it.
        summed = np.tril(np.ones((s, s)))
        np.testing.assert_allclose(
            summed.T @ matrix[i, :s, :s] @ summed, by_masses(runs, curvature[i], own), rtol=1e-7, atol=1e-7
        )


def test_by_hand() -> None:
    """Two intervals; one row in each (curvature 2 and 3) and one over both (5)."""
    runs = Runs.of(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    matrix, _, _ = prepare(runs, np.array([[2.0, 5.0, 3.0]]), np.array([[True, True]]))
    np.testing.assert_allclose(matrix[0], [[5.0, -3.0], [-3.0, 8.0]], rtol=1e-8)


@pytest.mark.parametrize("seed", range(20))
def test_masses_of_0_or_more_are_those_of_nnls(seed: int) -> None:
    runs, curvature, work = make(seed)
    matrix, used, size = prepare(runs, curvature, work)
    generator = np.random.default_rng([seed, 1])
    inside = np.where(used, generator.uniform(size=used.shape), 0.0)
    slope = np.zeros((len(work), size + 1))
    slope[:, :-1][used] = generator.normal(scale=4.0, size=int(used.sum()))
    found = _solve_nonnegative(matrix, slope, inside, used)
    n_zero = 0
    for i, own in enumerate(work):
        s = int(used[i].sum())
        hessian = by_masses(runs, curvature[i], own)
        root = np.linalg.cholesky(hessian).T
        wanted = slope[i, :s] + hessian @ inside[i, :s]
        expected, _ = nnls(root, np.linalg.solve(root.T, wanted))
        np.testing.assert_allclose(found[i, :s], expected, atol=1e-6)
        np.testing.assert_array_equal(found[i, s:], 0.0)
        n_zero += int((expected == 0).sum())
    # Runs of intervals without mass, at the beginning too, are what the method is for.
    assert n_zero > 0
