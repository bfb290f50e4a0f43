"""The four rules: worked series for each signal and each tie, a plain-loop copy of the rules, invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.estimators.signals import find_signals

X, T, D, S, _ = "outside", "trend", "two_of_three", "shift", ""


def signals_of(values, centre=0.0, sigma=1.0):
    """Centre 0, near lines at 2, limits at 3, unless told otherwise."""
    value = np.asarray(values, dtype=float)
    line = np.full(value.size, float(centre))
    reach = 3.0 * sigma
    return find_signals(value, line, line - reach, line + reach, line - 2 * reach / 3, line + 2 * reach / 3)


# name, values, words. The near lines stand at -2 and 2, the limits at -3 and 3.
WORKED = [
    ("beyond a limit is outside", [3.1, -0.5, -3.1], [X, _, X]),
    ("on the limit is not outside", [3, -0.5, -3], [_, _, _]),
    ("seven above are a shift, all of them", [-1, 1, 0.5, 1, 0.5, 1, 0.5, 1, -1], [_, S, S, S, S, S, S, S, _]),
    ("six above are none", [-1, 1, 0.5, 1, 0.5, 1, 0.5, -1], [_] * 8),
    ("a point on the centre breaks the run", [1, 0.5, 1, 0, 1, 0.5, 1, 0.5], [_] * 8),
    ("seven below", [-1, -0.5, -1, -0.5, -1, -0.5, -1, 0], [S] * 7 + [_]),
    ("an eighth joins them", [1, 0.5, 1, 0.5, 1, 0.5, 1, 0.5], [S] * 8),
    ("six steps up are a trend, the first point too", [0, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 1], [_] + [T] * 7 + [_]),
    ("five steps are none", [0, -1.5, -1, -0.5, 0, 0.5, 1, 0], [_] * 8),
    ("a tie breaks a trend", [-1.5, -1, -0.5, 0, 0, 0.5, 1, 1.5], [_] * 8),
    ("six steps down", [1.5, 1, 0.5, 0, -0.5, -1, -1.5], [T] * 7),
    ("two of three near one limit; the one between is not flagged", [-1, 2.5, 0.5, 2.5, -1], [_, D, _, D, _]),
    ("two side by side with a third on their side", [-1, 2.5, 2.5, 0.5, -1], [_, D, D, _, _]),
    ("all three", [-1, -2.5, -2.5, -2.5, 1], [_, D, D, D, _]),
    ("two at the end without a third on their side", [-1, 2.5, 2.5], [_, _, _]),
    ("the third on the other side", [2.5, -0.5, 2.5, -1], [_, _, _, _]),
    ("the third on the centre", [2.5, 0, 2.5, -1], [_, _, _, _]),
    ("on the near line is not in the outer third", [2, 0.5, 2, -1], [_, _, _, _]),
    ("on the limit is in it", [3, 0.5, 2.5, -1], [D, _, D, _]),
    ("outside is not in it", [3.5, 0.5, 2.5, -1], [X, _, _, _]),
    ("but outside may be the third of the three", [2.5, 3.5, 2.5, -1], [D, X, D, _]),
    ("one near each limit", [2.5, -2.5, 2.5, -2.5], [_] * 4),
    ("outside goes before trend", [-3.5, -2.5, -1, 0, 1, 2.5, 3.5], [X, T, T, T, T, T, X]),
    ("trend before two of three", [-2.5, -2.2, -1, 0, 1, 2.2, 2.5], [T] * 7),
    ("two of three before shift", [1, 2.5, 0.5, 2.5, 1, 0.5, 1], [S, D, S, D, S, S, S]),
    ("a rise and a fall meet in one point", [-1.5, -1, -0.5, 0, 0.5, 1, 1.5, 1, 0.5, 0, -0.5, -1, -1.5], [T] * 13),
    ("nothing from nothing", [], []),
    ("one point", [0.5], [_]),
    ("one point outside", [-4], [X]),
]


@pytest.mark.parametrize(("values", "words"), [row[1:] for row in WORKED], ids=[row[0] for row in WORKED])
def test_worked_series(values, words):
    assert signals_of(values).signal.tolist() == words


def test_side_and_direction():
    found = signals_of([3.1, -1, 0, -3.1])
    assert found.side.tolist() == [1, -1, 0, -1]
    assert found.direction.tolist() == [1, 0, 0, -1]
    # A rise that starts below the centre points up from its first point; the peak belongs to the fall that follows.
    found = signals_of([-1.5, -1, -0.5, 0, 0.5, 1, 1.5, 1, 0.5, 0, -0.5, -1, -1.5])
    assert found.side[:3].tolist() == [-1, -1, -1]
    assert found.direction.tolist() == [1] * 6 + [-1] * 7
    # A rise that follows another rise at once, one step down between them: both rise.
    found = signals_of(np.array([*range(-7, 0), *range(-2, 5)]) / 4)
    assert found.direction.tolist() == [1] * 14


def test_no_signal_hangs_on_the_last_bit():
    """0.1 + 0.2 is not 0.3 to the last bit; twelve equal shares do not lie above their mean."""
    centre = np.mean([0.1] * 12)
    assert centre != 0.1
    assert (signals_of([0.1] * 12, centre=centre).signal == "").all()
    assert (signals_of([0.1] * 12, centre=centre).side == 0).all()
    # 0.3 and 0.1 + 0.2 are a tie, which breaks the trend.
    assert 0.1 + 0.2 > 0.3
    assert (signals_of([0, 0.1, 0.2, 0.3, 0.1 + 0.2, 0.5, 0.6, 0.7], centre=0.35).signal == "").all()


def plain(values, centre, near, limit):
    """The rules again, point by point and window by window, without any of the shortcuts of the module."""
    k = len(values)
    side = [(v > centre) - (v < centre) for v in values]
    outside = [abs(v - centre) > limit for v in values]
    outer = [near < abs(v - centre) <= limit for v in values]
    names = []
    for i in range(k):
        sevens = [range(a, a + 7) for a in range(i - 6, i + 1) if a >= 0 and a + 7 <= k]
        threes = [range(a, a + 3) for a in range(i - 2, i + 1) if a >= 0 and a + 3 <= k]
        steps = [[values[j + 1] - values[j] for j in list(seven)[:-1]] for seven in sevens]
        if outside[i]:
            names.append(X)
        elif any(all(s > 0 for s in run) or all(s < 0 for s in run) for run in steps):
            names.append(T)
        elif outer[i] and any(
            sum(outer[j] for j in three) >= 2 and len({side[j] for j in three}) == 1 for three in threes
        ):
            names.append(D)
        elif side[i] != 0 and any(len({side[j] for j in seven}) == 1 for seven in sevens):
            names.append(S)
        else:
            names.append(_)
    return names


# Whole numbers from -4 to 4 meet every line exactly, and half the time go on in one way.
WHOLE = st.lists(st.integers(-4, 4), max_size=30)
WALKS = st.lists(st.integers(-1, 3), max_size=30).map(lambda steps: np.cumsum(steps).tolist())


@given(st.one_of(WHOLE, WALKS), st.integers(-1, 8))
def test_as_the_rules_point_by_point(values, centre):
    assert signals_of(values, centre=centre).signal.tolist() == plain(values, centre, 2, 3)


@given(WHOLE)
def test_mirrored(values):
    up, down = signals_of(values), signals_of([-v for v in values])
    assert (up.signal == down.signal).all()
    assert (up.side == -down.side).all()
    assert (up.direction == -down.direction).all()


@given(WHOLE)
def test_read_backwards_the_same_points_are_signals(values):
    there, back = signals_of(values), signals_of(values[::-1])
    assert (there.signal == back.signal[::-1]).all()


@given(WHOLE, st.sampled_from([0.001, 0.1, 7.0, 1e6]))
def test_in_another_unit(values, unit):
    assert (signals_of(values).signal == signals_of(np.multiply(values, unit), sigma=unit).signal).all()
