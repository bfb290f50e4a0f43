"""The proof of a public release: how many values are left of a hidden number is what trying every value leaves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse

from outcomes.errors import DisclosureError
from outcomes.release.public.moves import walk
from outcomes.release.public.prove import Solutions, find_weak
from outcomes.release.public.system import System

MOST = 9
EVERY = np.array(list(itertools.product(range(MOST + 1), repeat=4)))


def system_of(exact, bounds, rows):
    """A system by the truth, the bounds of each number, and rows of (weights, least, most)."""
    low, high = (np.array(side, dtype=np.int64) for side in zip(*bounds, strict=True))
    weights = sparse.csr_array(np.array([row for row, _, _ in rows], dtype=float).reshape(-1, len(exact)))
    ends = (np.array([row[j] for row in rows], dtype=np.int64) for j in (1, 2))
    return System(np.array(exact, dtype=np.int64), low, high, weights, *ends)


def draw(rng):
    """Four numbers, of which two to four are open, in two or three sums that hold."""
    exact = rng.integers(0, 8, 4)
    bounds = []
    for value in exact.tolist():
        wide = int(rng.integers(0, 5))
        bounds.append(
            (max(0, value - wide), min(MOST, value + int(rng.integers(0, 5)))) if rng.random() < 0.8 else (value, value)
        )
    rows = []
    for _ in range(int(rng.integers(2, 4))):
        weights = rng.integers(-1, 2, 4)
        total = int(weights @ exact)
        rows.append((weights.tolist(), total - int(rng.integers(0, 3)) * int(rng.random() < 0.4), total))
    return system_of(exact, bounds, rows)


@pytest.mark.parametrize("least", [2, 3, 5])
def test_the_numbers_too_little_is_open_of_are_those_of_too_few_values(least):
    rng, n_weak, n_open = np.random.default_rng(least), 0, 0
    for _ in range(25):
        system = draw(rng)
        fits = EVERY[system.holds(EVERY)]
        targets = np.flatnonzero(system.low < system.high)
        values = {i: sorted(set(fits[:, i].tolist())) for i in targets.tolist()}
        expected = [(i, own[0], own[-1]) for i, own in values.items() if len(own) < least]
        found = [(weak.place, weak.low, weak.high) for weak in find_weak(system, targets, least)]
        assert found == expected
        n_weak, n_open = n_weak + len(expected), n_open + len(values) - len(expected)
    assert n_weak > 5 and n_open > 5


def test_every_point_found_by_moves_fits_and_each_way_is_tried():
    rng = np.random.default_rng(3)
    for _ in range(40):
        system = draw(rng)
        targets = np.flatnonzero(system.low < system.high).tolist()
        points = walk(system, targets, 4)
        assert system.holds(points).all()
        assert points.shape[1] == 4


PAIR = [((1, 1, 0, 0), 7, 7)]
FREE = [(0, 9)] * 4


@pytest.mark.parametrize(
    ("exact", "bounds", "rows", "targets", "least", "points"),
    [
        # up first, then down, each from the truth
        ((3, 4, 0, 0), FREE, PAIR, [0], 3, [[4, 3, 0, 0], [5, 2, 0, 0]]),
        ((3, 4, 0, 0), [(0, 4), (0, 9), (0, 9), (0, 9)], PAIR, [0], 3, [[4, 3, 0, 0], [2, 5, 0, 0]]),
        ((3, 4, 0, 0), [(3, 3), (0, 9), (0, 9), (0, 9)], PAIR, [0], 3, []),
        ((3, 4, 0, 0), [(0, 9), (3, 4), (0, 9), (0, 9)], PAIR, [0], 3, [[4, 3, 0, 0]]),
        # what the first target's moves show of the second need not be looked for
        ((3, 4, 0, 0), FREE, PAIR, [0, 1], 3, [[4, 3, 0, 0], [5, 2, 0, 0]]),
        # a sum with room holds without a move of another
        ((3, 4, 0, 0), FREE, [((1, 1, 0, 0), 5, 8)], [0], 3, [[4, 4, 0, 0], [5, 3, 0, 0]]),
        ((3, 4, 0, 0), FREE, [((1, 1, 0, 0), 6, 7)], [0], 3, [[4, 3, 0, 0], [5, 2, 0, 0]]),
        # through two sums
        ((3, 4, 2, 0), FREE, [((1, 1, 0, 0), 7, 7), ((0, 1, 1, 0), 6, 6)], [0], 2, [[4, 3, 3, 0]]),
        ((3, 4, 2, 0), [(0, 9), (0, 9), (2, 2), (0, 9)], [((1, 1, 0, 0), 7, 7), ((0, 1, 1, 0), 6, 6)], [0], 2, []),
        # a whole of two parts, and a difference
        ((3, 4, 7, 0), FREE, [((1, 1, -1, 0), 0, 0)], [0], 2, [[4, 3, 7, 0]]),
        ((3, 4, 7, 0), [(0, 9), (4, 4), (0, 9), (0, 9)], [((1, 1, -1, 0), 0, 0)], [0], 2, [[4, 4, 8, 0]]),
        ((3, 0, 0, 0), FREE, [], [0], 3, [[4, 0, 0, 0], [5, 0, 0, 0]]),
        ((3, 0, 0, 0), FREE, [], [0], 1, []),
    ],
)  # fmt: skip
def test_one_patient_is_moved_and_what_no_longer_holds_is_mended(exact, bounds, rows, targets, least, points):
    assert walk(system_of(exact, bounds, rows), targets, least).tolist() == points


def test_what_was_found_before_is_used_and_what_is_found_is_kept():
    system = system_of((3, 4, 0, 0), FREE, PAIR)
    known = Solutions()
    assert find_weak(system, np.array([0]), 5, known) == ()
    kept = known.points.copy()
    assert len({3, *(row[0] for row in kept.tolist())}) >= 5 and system.holds(kept).all()
    # Of a system with a number more nothing of it is any use.
    other = system_of((3, 4, 0, 0, 1), [*FREE, (1, 1)], [((1, 1, 0, 0, 0), 7, 7)])
    assert find_weak(other, np.array([0]), 5, known) == () and known.points.shape[1] == 5


def test_a_truth_that_does_not_fit_proves_nothing_and_nothing_hidden_needs_no_proof():
    with pytest.raises(DisclosureError, match="E923"):
        find_weak(system_of((3, 5, 0, 0), FREE, PAIR), np.array([0]), 5)
    assert find_weak(system_of((3, 4, 0, 0), FREE, PAIR), np.array([], dtype=np.int64), 5) == ()


def test_values_far_from_the_truth_are_not_needed():
    """Two numbers of any size whose sum is known: five values are found beside a truth of a thousand."""
    free = [(0, 10**9)] * 4
    system = system_of((1000, 4, 0, 0), free, [((1, 1, 0, 0), 1004, 1004)])
    assert find_weak(system, np.array([0, 1]), 5) == ()
    tight = system_of((1000, 4, 0, 0), [(0, 10**9), (1, 4), (0, 9), (0, 9)], [((1, 1, 0, 0), 1004, 1004)])
    assert [(w.place, w.low, w.high) for w in find_weak(tight, np.array([0, 1]), 5)] == [(0, 1000, 1003), (1, 1, 4)]


@pytest.mark.parametrize(("dead", "is_found"), [(3, True), (80, False)])
def test_a_move_that_no_other_mends_within_some_tries_is_none(dead, is_found):
    """One number and many others have one sum; all but the last of the others are tied to numbers that are known."""
    n = 2 + 2 * dead
    rows = [([1] * (2 + dead) + [0] * dead, 2 + dead, 2 + dead)]
    for i in range(dead):
        row = [0] * n
        row[1 + i], row[2 + dead + i] = 1, -1
        rows.append((row, 0, 0))
    # The one that is free hangs in further sums, so that it is tried last.
    rows += [([0] * (1 + dead) + [1] + [0] * dead, 0, 9)] * 3
    system = system_of([1] * n, [(0, 9)] * (2 + dead) + [(1, 1)] * dead, rows)
    points = walk(system, [0], 2)
    assert bool(len(points)) == is_found and system.holds(points).all()
