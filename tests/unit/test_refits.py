"""The fit of each draw: its maximum, the parts of its steps against plain dense answers, and what it compiles to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import nnls

from outcomes.estimators import compiling, npmle_start, npmle_steps, npmle_without
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.npmle import build_patterns, fit_patterns, npmle
from outcomes.estimators.refits import Layout, prepare, refit


def draw_rows(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Intervals between visits, some never seen with the event."""
    generator = np.random.default_rng(seed)
    left = generator.integers(0, 30, n)
    right = left + generator.integers(1, 12, n)
    return left.astype(float), np.where(generator.uniform(size=n) < 0.3, np.inf, right)


@pytest.mark.parametrize("seed", range(8))
def test_each_draw_has_the_likelihood_of_a_fit_of_its_own(seed: int) -> None:
    patterns = build_patterns(*draw_rows(seed))
    counts = np.random.default_rng([seed, 1]).poisson(0.8, size=(12, patterns.left.size))
    mass, end, reached = refit(Layout.of(patterns, fit_patterns(patterns)), counts, 1e-9)
    assert reached.all()
    np.testing.assert_allclose(mass.sum(axis=1), 1.0, rtol=1e-12)
    for count, own, place in zip(counts, mass, end, strict=True):
        alone = npmle(patterns.left, patterns.right, count)
        at = patterns.values[place]
        inside = (patterns.left[:, None] < at) & (at <= patterns.right[:, None])
        loglik = count @ np.log(np.where(count > 0, inside @ own, 1.0))
        assert loglik == pytest.approx(alone.loglik, abs=1e-6)


def make(seed: int, k: int = 9) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Runs of k intervals, each interval one by itself among them, the curvature of each, and who of them works."""
    generator = np.random.default_rng(seed)
    low, high = np.triu_indices(k)
    chosen = (low == high) | (generator.uniform(size=low.size) < 0.4)
    work = generator.uniform(size=k) < 0.7
    work[0] |= not work.any()
    return low[chosen], high[chosen], generator.uniform(0.1, 3.0, size=int(chosen.sum())), work


def by_masses(low: np.ndarray, high: np.ndarray, curvature: np.ndarray, work: np.ndarray) -> np.ndarray:
    """Hessian by the masses of the working intervals, as it is defined."""
    covers = (low[:, None] <= np.arange(work.size)) & (np.arange(work.size) <= high[:, None])
    inside = covers[:, work].astype(float)
    return inside.T @ (curvature[:, None] * inside)


def laplacian(low: np.ndarray, high: np.ndarray, curvature: np.ndarray, work: np.ndarray) -> np.ndarray:
    """Hessian by the values before the first and behind each working interval: an edge for each run."""
    rank = np.concatenate([[0], np.cumsum(work)])
    edges = np.zeros((int(work.sum()) + 1, int(work.sum()) + 1))
    np.add.at(edges, (rank[low], rank[high + 1]), curvature)
    np.fill_diagonal(edges, 0.0)
    edges = edges + edges.T
    return np.diag(edges.sum(axis=1)) - edges


@pytest.mark.parametrize("seed", range(5))
def test_the_hessian_by_the_curve_is_the_one_by_masses(seed: int) -> None:
    low, high, curvature, work = make(seed)
    summed = np.tril(np.ones((int(work.sum()),) * 2))
    matrix = laplacian(low, high, curvature, work)[1:, 1:]
    np.testing.assert_allclose(summed.T @ matrix @ summed, by_masses(low, high, curvature, work), atol=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_masses_of_0_or_more_are_those_of_nnls(seed: int) -> None:
    low, high, curvature, work = make(seed)
    size = int(work.sum())
    generator = np.random.default_rng([seed, 1])
    room, places, free = np.zeros((9, 10)), np.zeros((5, 10), dtype=np.intp), np.zeros(9, dtype=bool)
    inside, slope = generator.uniform(size=size), generator.normal(scale=4.0, size=size)
    room[3, :size], room[4, :size] = inside, slope
    matrix = laplacian(low, high, curvature, work)
    assert npmle_steps._solve_nonnegative(size, places, free, room, matrix, np.empty((10, 10)))
    hessian = by_masses(low, high, curvature, work)
    root = np.linalg.cholesky(hessian).T
    expected, _ = nnls(root, np.linalg.solve(root.T, slope + hessian @ inside))
    np.testing.assert_allclose(room[3, :size], expected, atol=1e-8)


@pytest.mark.parametrize("seed", range(40))
def test_no_bit_depends_on_which_masses_begin_at_0(seed: int) -> None:
    low, high, curvature, work = make(seed)
    size = int(work.sum())
    generator = np.random.default_rng([seed, 1])
    inside, slope = generator.uniform(size=size), generator.normal(scale=4.0, size=size)
    matrix, found = laplacian(low, high, curvature, work), []
    for begin in (np.ones(9, dtype=bool), np.zeros(9, dtype=bool), generator.uniform(size=9) < 0.5):
        room, free = np.zeros((9, 10)), begin.copy()
        room[3, :size], room[4, :size] = inside, slope
        places = np.zeros((5, 10), dtype=np.intp)
        assert npmle_steps._solve_nonnegative(size, places, free, room, matrix, np.empty((10, 10)))
        found.append((room[3, :size].tobytes(), free[:size].tobytes()))
    assert len(set(found)) == 1


@pytest.mark.parametrize("begin", [True, False])
def test_a_mass_of_exactly_0_is_not_left_as_it_began(begin: bool) -> None:
    """It may be held or not, and the numbers around it differ by a bit: the step before decides nothing."""
    room, places, free = np.zeros((9, 2)), np.zeros((5, 2), dtype=np.intp), np.array([begin])
    room[3, 0], room[4, 0] = 0.5, -0.5
    matrix = laplacian(np.arange(1), np.arange(1), np.ones(1), np.ones(1, dtype=bool))
    assert npmle_steps._solve_nonnegative(1, places, free, room, matrix, np.empty((2, 2)))
    assert room[3, 0] == 0.0 and free[0]


def test_masses_that_want_below_0_end_at_0() -> None:
    """Two intervals want to shrink below 0, the first among them: both end at 0, and the third takes the rest."""
    room, places, free = np.zeros((9, 4)), np.zeros((5, 4), dtype=np.intp), np.zeros(3, dtype=bool)
    room[3, :3], room[4, :3] = [0.2, 0.2, 0.6], [-5.0, -5.0, 1.0]
    # One row in each interval, curvature 1: the best masses are 0.2 - 5, 0.2 - 5 and 0.6 + 1.
    matrix = laplacian(np.arange(3), np.arange(3), np.ones(3), np.ones(3, dtype=bool))
    assert npmle_steps._solve_nonnegative(3, places, free, room, matrix, np.empty((4, 4)))
    np.testing.assert_allclose(room[3, :3], [0.0, 0.0, 1.6], atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_systems_are_solved_as_by_elimination_of_all_numbers(size: int) -> None:
    generator = np.random.default_rng(size)
    # A band, and a last line that everybody is tied to.
    full = np.triu(generator.uniform(size=(size, size)) * (generator.uniform(size=(size, size)) < 0.4), 1)
    full[:, -1] = generator.uniform(size=size)
    full = -(full + full.T)
    np.fill_diagonal(full, 1.0 - full.sum(axis=1))
    system, wanted = np.zeros((size + 1, size + 1)), np.zeros(size + 1)
    system[1:, 1:], wanted[1:] = full, generator.normal(size=size)
    expected = np.linalg.solve(full, wanted[1:])
    assert npmle_steps._solve_definite(size, system, wanted, np.zeros(size + 1, dtype=np.intp))
    np.testing.assert_allclose(wanted[1:], expected, rtol=1e-10)


def test_a_matrix_without_an_answer_is_said_to_have_none() -> None:
    system = np.zeros((3, 3))
    system[1:, 1:] = [[1.0, 2.0], [2.0, 1.0]]
    assert not npmle_steps._solve_definite(2, system, np.ones(3), np.zeros(3, dtype=np.intp))


def test_where_nothing_can_be_kept_each_process_compiles_for_itself(tmp_path: Path) -> None:
    code = (
        "import numba.core.caching as c; c.CacheImpl._locator_classes = []\n"
        "from outcomes.estimators.npmle_steps import _find_working as f; import numpy as np\n"
        "print(f(np.array([1.0, 0.0]), np.zeros(3), np.ones(2, bool), 1.0, np.zeros(3, np.intp)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.strip() == "1", done.stderr


STEPPED = """
import numpy as np
from outcomes.estimators.interval_pseudo import interval_pseudo
from outcomes.estimators.npmle import build_patterns, fit_patterns
from outcomes.estimators.refits import Layout, refit
for seed in range(12):
    generator = np.random.default_rng(seed)
    left = generator.integers(0, 8, 12).astype(float)
    right = np.where(generator.random(12) < 0.3, np.inf, left + generator.integers(0, 4, 12))
    right[0] = left[0] + 1
    patterns = build_patterns(left, right)
    counts = generator.poisson(1.0, (4, patterns.left.size))
    counts[:, 0] += 1
    refit(Layout.of(patterns, fit_patterns(patterns)), counts, 1e-9)
    interval_pseudo(np.tile(left, 3), np.tile(right, 3), [0.0, left.min() + 1])
"""


def test_without_a_folder_for_it_a_function_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def njit(cache: bool = False, **options: object) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: (function, options)

    monkeypatch.setattr(compiling, "njit", njit)
    assert compiling.compiled(abs) == (abs, {"nogil": True, "error_model": "numpy"})
    monkeypatch.undo()
    assert compiling.compiled(lambda x: x + 1)(2) == 3


def test_preparing_leaves_nothing_to_be_compiled():
    prepare()
    steps = {**vars(npmle_start), **vars(npmle_steps), **vars(npmle_without)}
    compiled = [step for step in steps.values() if hasattr(step, "signatures")]
    assert compiled and npmle_steps.climb.signatures and npmle_without.drop_each.signatures
    before = {step: len(step.signatures) for step in compiled}
    patterns = build_patterns([0.0, 2.0, 1.0], [1.0, 4.0, 3.0])
    refit(Layout.of(patterns, fit_patterns(patterns)), np.array([[1, 1, 1], [2, 0, 1]]), 1e-6)
    interval_pseudo([0.0, 2.0, 1.0, 0.0, 2.0], [1.0, 4.0, 3.0, 1.0, 4.0], [3.0])
    assert {step: len(step.signatures) for step in compiled} == before


def test_the_loops_stay_inside_their_arrays() -> None:
    """Not compiled, an index beyond an array is an error; compiled, it would read or write what lies behind."""
    done = subprocess.run(
        [sys.executable, "-c", STEPPED],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_is_compiled_calls_nothing_of_another_file() -> None:
    """Numba keeps what it compiled by the date of one file: what was called from another would be an old one's."""
    found = 0
    for path in Path(npmle_steps.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "@compiled" in text:
            found += 1
            imported = {line.split()[1] for line in text.splitlines() if line.startswith("from outcomes.")}
            assert imported <= {"outcomes.estimators.checks", "outcomes.estimators.compiling"}, path.name
    assert found >= 3
