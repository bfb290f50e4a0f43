"""Each step of the attack on a public release, on what is small enough to be worked out by hand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from shown_tables import EXACT, THEN, curve, table

from outcomes.release.public.attack import attack
from outcomes.release.public.attack_board import LARGE, Board, Reader, _join_tables, lay_release
from outcomes.release.public.attack_bounds import bound_all
from outcomes.release.public.attack_curves import attack_curves
from outcomes.release.public.attack_releases import _join_kept, find_kept, join_releases, list_prints
from outcomes.release.public.model import HIDDEN_CELL, RULES, Cohort, PublicRules

# -- the bounds --------------------------------------------------------------------------------------------------------


def board_of(pairs, high=10):
    """Three cells of which each pair adds up to a number; the first is sought."""
    board = Board([0] * 3, [high] * 3, [], [(0, "t", "a", (0,))])
    for cells, total in zip(((0, 1), (1, 2), (0, 2)), pairs, strict=True):
        board.bind(cells, total, total)
    return board


def test_what_fits_fractions_only_contradicts_itself():
    # Halves would do for 3, 3 and 3; of patients there are none.
    assert bound_all(board_of((3, 3, 3))) is None
    assert bound_all(board_of((3, 4, 3))) == [(1, 1, "all numbers together")]


def test_what_fits_not_even_fractions_contradicts_itself():
    assert bound_all(board_of((3, 3, 30))) is None


def test_nothing_sought_is_nothing_found():
    assert bound_all(Board([0], [9], [], [])) == []


def test_a_range_too_wide_to_matter_is_not_worked_out_to_its_ends():
    board = Board([0, 0], [400, 400], [], [(0, "t", "a", (0,))])
    board.bind((0, 1), 300, 300)
    [(low, high, _)] = bound_all(board)
    assert 0 <= low < high <= 300 and high - low >= 8


@pytest.mark.parametrize(("total", "found"), [(11, (4, 6)), (20, (13, 15))])
def test_a_total_less_the_other_parts_is_named_as_the_way(total, found):
    board = Board([0, 5], [30, 7], [], [(0, "t", "a", (0,))])
    board.bind((0, 1), total, total)
    assert bound_all(board) == [(*found, "total less the others")]


def test_a_total_that_is_the_number_itself_is_no_total_less_others():
    board = Board([0, 5], [30, 7], [], [(0, "t", "a", (0,))])
    board.bind((0,), 5, 7)
    assert bound_all(board) == [(5, 7, "all numbers together")]


def test_tables_that_contradict_each_other_have_no_answer_rather_than_a_wrong_one():
    bare = table([[40, HIDDEN_CELL], [55, 70]], base=1)
    fits = replace(bare, row_totals=(47, 125), column_totals=(95, 77), total=172)
    assert [(one.low, one.high) for one in attack([fits], rules=EXACT)] == [(7, 7)]
    assert attack([replace(fits, column_totals=(96, 77))], rules=EXACT) == ()


# -- the curves --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_groups", "rests"),
    [
        ([[20, 30], [17, 20]], [(3, 7)]),  # 40 less 37 on the first day; nobody is left of the second
        ([[20, 30], [20, 20]], []),
        ([[20, 25], [20, 20]], [(5, 14)]),
        ([[15, 20], [15, 20]], [(10, 7), (10, 14)]),
        ([[15, 20], [14, 19]], []),  # eleven and more may be told
    ],
)
def test_what_the_groups_leave_of_everybody_is_told_day_by_day(of_groups, rests):
    groups = [curve(name, events, 1) for name, events in zip(("men", "women"), of_groups, strict=True)]
    found = [one for one in attack_curves([curve("all", [40, 50], 1), *groups], EXACT) if one.cell[:4] == "rest"]
    assert [(one.low, int(one.cell.rpartition(" ")[2])) for one in found] == rests
    assert all(one.low == one.high and not one.enough and one.way == "all less the groups" for one in found)


def test_rounding_leaves_a_rest_its_values():
    """Three rounded numbers may each be off by two: a rest of 3 is anything from none to nine."""
    family = [curve("all", [40]), curve("men", [20]), curve("women", [17])]
    assert [(o.low, o.high, o.enough) for o in attack_curves(family, RULES) if o.cell[:4] == "rest"] == [(0, 9, True)]


@pytest.mark.parametrize("left_out", ["all", "men"])
def test_without_everybody_or_without_groups_there_is_no_rest(left_out):
    family = [one for one in (curve("all", [40], 1), curve("men", [37], 1)) if one.group != left_out]
    assert not [one for one in attack_curves(family, EXACT) if one.cell[:4] == "rest"]


@pytest.mark.parametrize(("rules", "is_told"), [(RULES, False), (PublicRules(least_values=6), True)])
def test_a_gap_of_few_is_told_where_it_leaves_fewer_values_than_are_asked_for(rules, is_told):
    """A rounded 5 stands for 3 to 7: five values."""
    found = [one for one in attack_curves([curve("all", [5])], rules) if one.way == "fall of the curve"]
    assert [(one.low, one.high, one.enough) for one in found] == [(3, 7, False)] * is_told


@pytest.mark.parametrize(("at_risk", "is_told"), [(10, False), (9, False), (8, True), (5, True)])
def test_few_left_behind_a_point_are_told(at_risk, is_told):
    """10 of those rounded to 5 may be 12, 9 may be 11; 8 and its neighbours are all fewer than eleven."""
    found = [one for one in attack_curves([curve("all", [20], at_risk=[at_risk])], RULES) if one.way == "few at risk"]
    assert [(one.low, one.high, one.enough) for one in found] == [(at_risk - 2, at_risk + 2, False)] * is_told


def test_limits_that_only_few_patients_can_have_give_their_number_back():
    """Wilson's limits of 3 in 10 are 11 and 60 percent; no number of patients has limits of 29 and 31 and is small."""
    found = attack_curves([curve("all", [20], percent=[30], limits=([11], [60]))], RULES)
    assert [(one.low <= 10 <= one.high, one.way, one.enough) for one in found] == [(True, "limits", False)]
    assert attack_curves([curve("all", [20], percent=[30], limits=([21], [40]))], RULES) == ()


@pytest.mark.parametrize(("base", "any_kept", "is_told"), [(5, False, True), (5, True, False), (1, False, False)])
def test_beside_a_rounded_number_that_is_not_kept_there_are_eleven_or_more(base, any_kept, is_told):
    board = Board([], [], [], [])
    lay_release(board, [table([[40, HIDDEN_CELL, HIDDEN_CELL]], base=base)], Reader(RULES, False, any_kept), 0)
    assert (((1, 2), RULES.k) in {(line.cells, line.low) for line in board.ranges}) == is_told


@pytest.mark.parametrize(
    ("shown", "base", "parts", "bounds"),
    [
        *((20, 5, 0, (18, 22)), (10, 5, 0, (11, 12)), (20, 1, 0, (20, 20)), (0, 5, 2, (0, 0))),
        *((20, 5, 1, (8, 32)), (10, 5, 1, (0, 22)), (100, 5, 2, (66, 134))),  # each may be 2 off, and 10 away
        (HIDDEN_CELL, 5, 0, (0, LARGE)),
    ],
)
def test_a_printed_number_is_read_with_its_rounding_and_with_how_far_it_may_have_moved(shown, base, parts, bounds):
    reader = Reader(RULES, False, kept={("t", "a cell"): parts} if parts else {})
    assert reader.read("t", "a cell", shown, base) == bounds


def test_a_hidden_number_taken_for_few_is_anything_below_eleven():
    assert Reader(RULES, True).read("t", "a cell", HIDDEN_CELL, 5) == (0, RULES.k - 1)
    assert Reader(RULES, False, any_kept=True).read("t", "a cell", 20, 5) == (8, 32)


ENOUGH = RULES.class_floor + RULES.base
A_CELL = {("t", "row 0 / b"): 1}


@pytest.mark.parametrize(("total", "kept", "least"), [(ENOUGH, {}, 1), (ENOUGH - 1, {}, 0), (ENOUGH, A_CELL, 0)])
def test_what_is_hidden_of_so_many_is_somebody_unless_it_may_be_kept(total, kept, least):
    board = Board([], [], [], [])
    lay_release(board, [table([[total, HIDDEN_CELL]])], Reader(RULES, False, kept=kept), 0)
    assert board.low[1] == least


# -- earlier releases --------------------------------------------------------------------------------------------------


def moved(*releases, guess=False):
    """Which cells of the two newest releases are bound to have moved by k or more, and which way."""
    newest = [(one,) for one in releases]
    prints = [list_prints(one) for one in newest]
    kept = [find_kept(one, newest[n + 1 :]) for n, one in enumerate(newest)]
    board = Board([], [], [], [])
    reader = Reader(RULES, guess)
    laid = [lay_release(board, one, reader, n) for n, one in enumerate(newest[:2])]
    before = len(board.ranges)
    join_releases(board, laid, prints, kept, reader)
    return {line.cells for line in board.ranges[before:] if (line.low, line.high) == (RULES.k, LARGE)}


@pytest.mark.parametrize(("shown", "ends"), [(75, (1, 5)), (45, (5, 1))])
def test_a_number_printed_anew_has_moved_by_eleven_or_more(shown, ends):
    """Cells 0 to 3 are the new release's; what is greater stands first."""
    now = table([[40, shown], [55, 70]])
    assert ends in moved(now, THEN)
    assert not any(0 in cells for cells in moved(now, THEN) if len(cells) == 2)


def test_of_rows_put_together_since_nothing_is_known():
    """The oldest release had the table without that row: the number may be a sum of what it printed."""
    now, older = table([[40, 75], [55, 70]]), table([[95, 130]], ("rows 0 and 1",))
    assert (1, 5) in moved(now, THEN, table([[40, 30], [55, 70]]))
    assert (1, 5) not in moved(now, THEN, older)


def test_a_single_quarter_is_never_put_together_of_others():
    rows = ("2024Q1 and earlier", "2024Q2")
    now, then = table([[55, 70], [40, 75]], rows), table([[55, 70], [40, 60]], rows)
    older = table([[55, 70]], rows[:1])
    assert (3, 7) in moved(now, then, older)


@pytest.mark.parametrize("guess", [True, False])
def test_what_was_hidden_and_is_printed_has_risen_for_who_takes_it_for_few(guess):
    then = replace(THEN, shown=np.array([[40, HIDDEN_CELL], [55, 70]]))
    assert ((1, 5) in moved(table([[40, 75], [55, 70]]), then, guess=guess)) == guess
    # Where a release before that one had printed it, it may have been hidden for the sake of that print.
    assert (1, 5) not in moved(table([[40, 75], [55, 70]]), then, THEN, guess=guess)


@pytest.mark.parametrize(("kept", "far"), [({}, 10), ({("t", "r0 / a"): 1}, 20)])
def test_a_number_printed_as_it_was_binds_its_counts_and_further_where_both_may_be_kept(kept, far):
    now, then = (
        SimpleNamespace(name="t", rows=("r0", f"r{n}"), columns=("a",), shown=np.array([[20], [30]])) for n in (1, 2)
    )
    bound = []
    board = SimpleNamespace(bind=lambda *given: bound.append(given))
    _join_kept(board, (now, np.array([[4], [5]])), (then, np.array([[7], [8]])), kept, 10)
    assert bound == [([4], -far, far, [7])]  # the second row is another one


def test_tables_of_one_cohort_hold_the_same_patients_and_a_sub_cohort_those_of_its_column():
    one, two = table([[20, 30]]), replace(table([[50]]), name="u", columns=("all",))
    part = replace(table([[11], [19]]), name="v", cohort=Cohort("those", "those", "d", "t", "b"), columns=("x",))
    laid = [(one, np.array([[0, 1]])), (two, np.array([[2]])), (part, np.array([[3], [4]]))]
    _join_tables(board := Board([0] * 5, [99] * 5, [], []), laid)
    # All of the second table are all of the first; those of the third are column b of the first.
    assert [(line.cells, line.signs, line.low, line.high) for line in board.ranges] == [
        ((0, 1, 2), (1, 1, -1), 0, 0),
        ((1, 3, 4), (1, -1, -1), 0, 0),
    ]
