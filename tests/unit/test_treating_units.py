"""Who treated: units, and episodes set aside because a clinician always or never treats so."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.cases.clinicians import find_clinicians
from outcomes.questions.contrast_gate import _clinicians
from outcomes.questions.treating_units import LEAST_IN_UNIT, OWN_UNIT_EPISODES, find_units


def episodes_of(clinician, clinic, names=("a", "b", "c", "d", "e", "f", "g", "h"), clinics=("X", "Y")):
    columns = {}
    if clinician is not None:
        columns["clinician"] = np.asarray(clinician, dtype=np.int32)
    if clinic is not None:
        columns["clinic"] = np.asarray(clinic, dtype=np.int32)
    codes = {"clinician": names, "clinic": clinics if clinic is not None else ()}
    visits = SimpleNamespace(columns=columns, words=SimpleNamespace(codes=codes))
    if clinician is not None:
        visits.clinicians = find_clinicians(visits)
    return SimpleNamespace(visits=visits)


def lay_out(table):
    """Rows of (clinician, clinic, n with, n without) written out one episode a row."""
    clinician, clinic, arm = [], [], []
    for who, where, with_it, without in table:
        clinician += [who] * (with_it + without)
        clinic += [where] * (with_it + without)
        arm += [True] * with_it + [False] * without
    return clinician, clinic, np.array(arm)


def test_the_rules_by_hand():
    table = [
        (0, 0, 10, 15),  # a unit
        (1, 0, 30, 0),  # always
        (2, 0, 0, 25),  # never
        (3, 0, 7, 30),  # nearly never
        (4, 0, 8, 2),  # fewer than 20 episodes: with the others of the clinic
        (6, 0, 2, 16),  # a ninth of 18: with the others of the clinic
        (7, 0, 1, 17),  # less than a tenth: nearly never
        (-1, 0, 0, 3),  # nobody named: with the others of the clinic
        (5, 1, 8, 12),  # a unit
        (-1, 1, 5, 4),  # nobody named, and too few for a unit of the clinic
    ]
    clinician, clinic, arm = lay_out(table)
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert units.names == ("a", "f", "others at X")
    assert (units.always, units.never, units.too_few) == (30 + 7 + 1, 25 + 30 + 17, 9)
    assert np.bincount(units.code[units.kept]).tolist() == [25, 20, 10 + 18 + 3]
    assert (units.what, units.n_treating, units.n_varying) == ("clinician", 8, 4)
    factor = units.factor()
    assert factor.levels == units.names
    assert factor.levels[factor.reference] == "others at X"


def test_the_habit_of_those_pooled_by_hand():
    table = [(0, 0, 10, 15), (1, 0, 9, 3), (2, 0, 3, 9), (3, 1, 5, 5), (-1, 0, 0, 3), (-1, 1, 4, 5)]
    clinician, clinic, arm = lay_out(table)
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert units.names == ("a", "others at X", "others at Y")
    # A unit of one has none; half an episode is added to either arm; those without a name stand for one more.
    at_x = np.repeat(np.log([9.5 / 3.5, 3.5 / 9.5, 0.5 / 3.5]), [12, 12, 3])
    at_y = np.repeat([0.0, np.log(4.5 / 5.5)], [10, 9])
    np.testing.assert_allclose(units.habit[:25], 0.0)
    np.testing.assert_allclose(units.habit[units.code == 1], at_x - at_x.mean(), atol=1e-12)
    np.testing.assert_allclose(units.habit[units.code == 2], at_y - at_y.mean(), atol=1e-12)
    # Against the habit of their clinicians 3 + 3 + 0 less 3 at X and 5 + 4 less 5 at Y.
    assert not units.is_habit_told
    table[1] = (1, 0, 9, 4)
    clinician, clinic, arm = lay_out(table)
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert not units.is_habit_told
    table[2] = (2, 0, 5, 9)
    clinician, clinic, arm = lay_out(table)
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert units.is_habit_told
    ((block,), judged) = units.habit_blocks(arm[units.kept])
    np.testing.assert_array_equal(block.values[:, 0], units.habit[units.kept])
    assert not judged
    forgotten = units.forget()
    assert (forgotten.names, forgotten.is_habit_told, np.ptp(forgotten.habit)) == (("all",), False, 0.0)
    np.testing.assert_array_equal(forgotten.kept, units.kept)


def test_a_habit_that_one_pool_alone_tells_is_not_adjusted_for():
    # Three of one habit say nothing of it, and the two others are nearly the arms.
    table = [(0, 0, 5, 5), (1, 0, 5, 5), (2, 0, 6, 6), (3, 1, 9, 8), (4, 1, 1, 9)]
    clinician, clinic, arm = lay_out(table)
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert units.names == ("others at X", "others at Y")
    assert not units.is_habit_told
    # Those of one habit differ in nothing: 19 of 51 in a pool in which it could.
    assert np.count_nonzero(units.habit) == 27
    adjusted, (judged,) = units.habit_blocks(arm)
    assert (adjusted, judged.name) == ([], "habit")
    # Less than a tenth of either arm is not judged.
    more = replace(units, code=np.zeros(600, dtype=np.intp), habit=np.append(units.habit, np.zeros(600 - arm.size)))
    assert more.habit_blocks(np.append(arm, np.arange(600 - arm.size) % 2 == 0)) == ([], [])


def test_a_code_at_two_clinics_counts_once_among_those_who_treated_both_ways():
    # One code at both clinics treats both ways, one clinician always does; two people, or one.
    clinician, clinic, arm = lay_out([(0, 0, 20, 20), (0, 1, 20, 20), (1, 0, 30, 0)])
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert units.names == ("a at X", "a at Y")
    assert (units.n_treating, units.n_varying) == (2, 1)
    check = _clinicians(units)
    assert not check.is_met
    assert check.reason == "only clinicians of one code treated some patients so and others not: they may be one person"
    # Beside another who does, it passes.
    clinician, clinic, arm = lay_out([(0, 0, 20, 20), (0, 1, 20, 20), (1, 0, 20, 20)])
    assert _clinicians(find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)).is_met
    # A practice of that code alone is compared, as one of one clinician is.
    clinician, clinic, arm = lay_out([(0, 0, 20, 20), (0, 1, 20, 20)])
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert (units.n_treating, units.n_varying, _clinicians(units).is_met) == (1, 1, True)


def test_a_person_split_over_two_clinics_may_be_set_aside_but_what_differs_between_clinics_is_not_taken_in():
    # Treats so at X always, at Y never: taken for one person, the clinics would be what is compared.
    clinician, clinic, arm = lay_out([(0, 0, 20, 0), (0, 1, 0, 20)])
    assert not find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm).kept.any()
    # Six of each at either clinic are too few for a pool there, and enough for one of both.
    clinician, clinic, arm = lay_out([(0, 0, 6, 6), (0, 1, 6, 6)])
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert (units.names, units.kept.all()) == (("other",), True)


def test_a_clinician_who_is_the_treatment_leaves_nobody():
    clinician, clinic, arm = lay_out([(0, 0, 40, 0), (1, 0, 0, 40), (2, 1, 0, 40)])
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert not units.kept.any()
    assert (units.always, units.never) == (40, 80)
    assert units.names == ()


def test_one_mistyped_record_makes_no_comparison():
    # Two clinics, in each one clinician who always and one who never treats so, but for one record each.
    table = [(0, 0, 149, 1), (1, 0, 1, 149), (2, 1, 149, 1), (3, 1, 1, 149)]
    clinician, clinic, arm = lay_out(table)
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert not units.kept.any()
    assert units.n_varying == 0


def test_small_clinicians_of_one_habit_each_make_no_comparison():
    table = [(i, i % 2, 18 * (i % 2), 18 * (1 - i % 2)) for i in range(8)]
    clinician, clinic, arm = lay_out(table)
    assert not find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm).kept.any()


def test_clinics_stand_in_where_no_clinician_is_recorded():
    _, clinic, arm = lay_out([(0, 0, 20, 20), (0, 1, 30, 0)])
    units = find_units(episodes_of(None, clinic), np.arange(arm.size), arm)
    assert (units.what, units.names, units.always) == ("clinic", ("X",), 30)


def test_without_either_all_are_one_unit():
    arm = np.array([True, False, True])
    units = find_units(episodes_of(None, None), np.arange(3), arm)
    assert units.kept.all()
    assert (units.what, units.n_treating) == ("", 1)


def test_remaining_clinics_are_one_more_unit():
    clinician, clinic, arm = lay_out([(0, 0, 5, 5), (1, 1, 5, 5)])
    units = find_units(episodes_of(clinician, clinic), np.arange(10 * 2), arm)
    assert units.names == ("other",)
    assert units.kept.all()


@given(st.data())
def test_every_episode_is_in_a_unit_or_set_aside_and_every_unit_has_both_arms(data):
    table = data.draw(
        st.lists(
            st.tuples(st.integers(-1, 5), st.integers(-1, 1), st.integers(0, 30), st.integers(0, 30)),
            min_size=1,
            max_size=8,
        )
    )
    clinician, clinic, arm = lay_out(table)
    if not arm.size:
        return
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    aside = units.always + units.never + units.too_few
    assert int(units.kept.sum()) + aside == arm.size
    for code in range(len(units.names)):
        part = units.code == code
        assert min(arm[part].sum(), (~arm[part]).sum()) >= LEAST_IN_UNIT
    # The order of rows plays no part.
    order = np.random.default_rng(0).permutation(arm.size)
    again = find_units(
        episodes_of(np.array(clinician)[order], np.array(clinic)[order]), np.arange(arm.size), arm[order]
    )
    assert (again.names, again.is_habit_told) == (units.names, units.is_habit_told)
    np.testing.assert_array_equal(again.habit, units.habit[order])
    np.testing.assert_array_equal(again.code, units.code[order])


@pytest.mark.parametrize("n", [OWN_UNIT_EPISODES - 1, OWN_UNIT_EPISODES])
def test_a_clinician_who_always_treats_so_is_set_aside_however_few_the_episodes(n):
    clinician, clinic, arm = lay_out([(0, 0, n, 0), (1, 0, 20, 20)])
    units = find_units(episodes_of(clinician, clinic), np.arange(arm.size), arm)
    assert (units.always, units.never, units.too_few) == (n, 0, 0)
    assert units.names == ("b",)
