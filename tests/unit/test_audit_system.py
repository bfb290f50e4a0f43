"""The counts of a release as a system: what it says is left of each is what trying every value says."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import numpy as np

from outcomes.release.audit_system import System

FLOOR, MOST = 5, 21
EVERY = np.array(list(itertools.product(range(MOST + 1), repeat=3)))


def draw(rng):
    """Three counts that fit some rows, with the marks they bear; and all values that fit as well."""
    true = rng.choice([0, 1, 3, 4, 5, 7], 3)
    system, fits = System(FLOOR), np.ones(len(EVERY), dtype=bool)
    places = [system.count(name) for name in "abc"]
    for number, weights in enumerate([np.ones(3, dtype=int), *rng.integers(-1, 2, (2, 3))]):
        value = int(true @ weights)
        high = value + int(rng.integers(0, 3)) if number else value
        system.add(zip(places, map(float, weights), strict=True), value, high, "row")
        fits &= (EVERY @ weights >= value) & (EVERY @ weights <= high)
    for i, at in enumerate(places):
        if 0 < true[i] < FLOOR and rng.random() < 0.5:
            system.narrow(at, 1, FLOOR - 1, "mark")
            fits &= (EVERY[:, i] > 0) & (EVERY[:, i] < FLOOR)
        elif not 0 < true[i] < FLOOR and rng.random() < 0.5:
            system.not_small.add(at)
            fits &= (EVERY[:, i] == 0) | (EVERY[:, i] >= FLOOR)
    return system, places, EVERY[fits]


def test_what_is_left_of_each_count_is_what_trying_every_value_leaves():
    rng = np.random.default_rng(12)
    told = opened = 0
    for _ in range(30):
        system, places, left = draw(rng)
        answers = system.look_into(places, thorough=True)
        assert system.contradictions == []
        for i, at in enumerate(places):
            values = set(left[:, i].tolist())
            small = {value for value in values if 0 < value < FLOOR}
            assert set(answers[at].small) == small
            assert answers[at].other == bool(values - small)
            assert answers[at].settled
            assert answers[at].low <= min(values)
            assert answers[at].high in (-1, *range(max(values), MOST + 1))
            told, opened = told + (len(values) == 1), opened + (len(values) > 3)
    assert told > 10
    assert opened > 10


def test_what_one_row_tells_is_carried_back_to_the_rows_before_it():
    system = System(FLOOR)
    a, b, c = (system.count(name) for name in "abc")
    system.add_sum([b, c], system.count("second"), "b and c")
    system.add_sum([a, b], system.count("first"), "a and b")
    for name, value in (("second", 10), ("first", 12), ("a", 5)):
        system.know(system.count(name), value)
    answer = system.look_into([c])[c]
    assert (answer.low, answer.high, answer.small, answer.way) == (3, 3, (3,), "b and c")


def test_a_mark_of_what_is_not_small_moves_a_bound_past_the_small_ones():
    system = System(FLOOR)
    a, b = system.count("a"), system.count("b")
    system.add_sum([a, b], system.count("all"), "a and b")
    system.know(system.count("all"), 10)
    system.narrow(b, 0, 8)
    system.not_small.add(a)
    # 2 and more is 5 and more: 5 at most are left.
    assert (system.look_into([b])[b].low, system.look_into([b])[b].high) == (0, 5)
    system.narrow(a, 0, 9)
    few = System(FLOOR)
    few.not_small.add(few.count("few"))
    few.add(((few.count("few"), 1.0),), 0.0, 4.0, "four at most")
    assert few.look_into([few.count("few")])[few.count("few")].high == 0


def test_bounds_that_exclude_each_other_are_noted_and_not_used():
    system = System(FLOOR)
    at = system.count("a")
    assert system.narrow(at, 2, 6, "first")
    assert not system.narrow(at, 7, 9, "second")
    assert not system.narrow(at, 1, 9, "wider")
    assert (system.low[at], system.high[at]) == (2, 6)
    assert system.contradictions == ["a: second"]


def build_pairs(*sums):
    """Parts of two counts each, of which their sum is known, and that neither is above it."""
    system, asked = System(FLOOR), []
    for i, (total, least) in enumerate(sums):
        pair = [system.count((i, name)) for name in "ab"]
        system.add([(at, 1.0) for at in pair], total, total, "sum")
        system.add([(pair[0], 2.0), (pair[1], 1.0)], total + least, math.inf, "weighted")
        asked += pair
    return system, asked


def count_programs(monkeypatch, system, asked):
    import scipy.optimize

    solve, solved = scipy.optimize.milp, []
    monkeypatch.setattr(scipy.optimize, "milp", lambda *args, **options: solved.append(1) or solve(*args, **options))
    answers = system.look_into(asked, thorough=True)
    monkeypatch.setattr(scipy.optimize, "milp", solve)
    return answers, len(solved)


def test_parts_that_are_alike_are_solved_once(monkeypatch):
    system, asked = build_pairs((7, 2))
    alone, needed = count_programs(monkeypatch, system, asked)
    assert needed > 2
    system, asked = build_pairs((7, 2), (7, 2), (7, 2))
    together, solved = count_programs(monkeypatch, system, asked)
    assert solved == needed
    assert [together[at] for at in asked] == [*alone.values()] * 3


def test_parts_that_differ_in_one_number_have_their_own_answers():
    several = ((7, 2), (7, 4), (6, 2))
    system, asked = build_pairs(*several)
    together = [system.look_into(asked, thorough=True)[at] for at in asked]
    alone = []
    for sums in several:
        system, asked = build_pairs(sums)
        alone += system.look_into(asked, thorough=True).values()
    assert together == alone
    assert len({(one.small, one.other) for one in together}) > 3


def test_a_count_beside_itself_is_no_row():
    system = System(FLOOR)
    at = system.count("a")
    system.add([(at, 1.0), (at, -1.0)], 0.0, 0.0, "the same count by two names")
    assert system.rows == []


def test_a_program_that_gives_up_leaves_its_counts_unsettled(monkeypatch):
    import scipy.optimize

    system, asked = build_pairs((7, 2))
    assert {answer.settled for answer in system.look_into(asked, thorough=True).values()} == {True}
    gave_up = SimpleNamespace(x=None, status=1)
    monkeypatch.setattr(scipy.optimize, "milp", lambda *_, **__: gave_up)
    system, asked = build_pairs((7, 2))
    answers = system.look_into(asked, thorough=True)
    assert {answer.settled for answer in answers.values()} == {False}
    assert {answer.small for answer in answers.values()} == {()}
