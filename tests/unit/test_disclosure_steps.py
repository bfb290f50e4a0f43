"""Each step that hides small numbers, on tables small enough to try every count that fits what is shown."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from outcomes.errors import DisclosureError, InputRefused
from outcomes.release import guarded_sums, modality_boards, trigger_cells
from outcomes.release.disclosure import HIDDEN, _protect_parts_of_total, hide_around
from outcomes.release.guarded_sums import Board, Sums, is_small
from outcomes.release.marks import level_marks
from outcomes.release.public import mend, protect
from outcomes.release.public.attack_files import read_curves, read_tables
from outcomes.release.public.identifiers import describe_search
from outcomes.release.public.model import HIDDEN_CELL, RULES, Cohort, CountTable
from outcomes.release.public.numbers import Key, build_numbers
from outcomes.release.public.protect import protect_release
from outcomes.release.public.published import UNTOLD
from outcomes.release.public.rounding import find_bounds
from outcomes.release.return_disclosure import _find_near, hide_arms
from outcomes.release.split_counts import hide_split
from outcomes.release.table_disclosure import find_cover, protect_parts, protect_scalar, protect_table
from outcomes.release.trigger_cells import Shown
from outcomes.release.trigger_disclosure import protect_triggers

FLOOR = 5
COHORT = Cohort("patients", "patients", "d")


# -- sums that are guarded ---------------------------------------------------------------------------------------------

CELLS = np.eye(4)
LINES = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 1, 0, 1]], dtype=float)


def board_of(counts):
    """Cells, rows and columns of a table of 2 x 2; everybody knows how many there are in all."""
    weights = np.concatenate([CELLS, LINES])
    published = Sums(weights, weights @ counts, weights)
    known = Sums(np.ones((1, 4)), np.array([counts.sum()], dtype=float), np.ones((1, 4)))
    return Board(published, np.ones(8, dtype=bool), known, published, np.zeros((0, 4)))


def every_table(total):
    """All tables of 2 x 2 with a total, shape (m, 4)."""
    ends = np.array(list(itertools.combinations(range(total + 3), 3)))
    bars = np.column_stack([np.full(len(ends), -1), ends, np.full(len(ends), total + 3)])
    return np.diff(bars, axis=1) - 1


def ranges(board, shown, tables):
    """Least and greatest value of each published sum among all tables that fit what is shown."""
    sums, values = tables @ board.published.weights.T, board.published.values
    fits = (sums[:, shown] == values[shown]).all(axis=1)
    # The mark says "small" only where all that is hidden is; that is asked here by itself, not of what is tested.
    if ((values[~shown] > 0) & (values[~shown] < FLOOR)).all():
        fits &= is_small(sums[:, ~shown], FLOOR).all(axis=1)
    assert fits.any()
    return sums[fits].min(axis=0), sums[fits].max(axis=0)


def test_no_table_of_two_by_two_gives_a_small_sum_away():
    rng = np.random.default_rng(5)
    hid_more = kept = 0
    for _ in range(25):
        counts = rng.choice([0, 1, 2, 4, 5, 6, 9], 4).astype(float)
        board, tables = board_of(counts), every_table(int(counts.sum()))
        values = board.published.values
        small = is_small(values, FLOOR)
        shown = guarded_sums.hide(board, FLOOR)
        assert not (shown & small).any()
        low, high = ranges(board, shown, tables)
        is_open = (low <= 1) & (high >= FLOOR - 1)
        if shown.any():
            assert is_open[small].all()
        else:
            # All is hidden only where even that leaves a small sum narrow, or where the last thing shown told it.
            assert counts.sum() < 3 * FLOOR
        if not small.any():
            assert shown.all()
        extra = np.flatnonzero(~shown & ~small)
        hid_more, kept = hid_more + bool(extra.size), kept + int(shown.sum())
    assert hid_more > 5
    assert kept > 50


def test_what_is_hidden_on_the_way_and_not_needed_is_shown_again():
    rng = np.random.default_rng(8)
    looked_at = 0
    for counts in [np.array([2.0, 6.0, 9.0, 30.0]), *rng.choice([0.0, 1, 3, 6, 8, 12], (25, 4))]:
        board = board_of(counts)
        values, tables = board.published.values, every_table(int(counts.sum()))
        small = is_small(values, FLOOR)
        shown = guarded_sums.hide(board, FLOOR)
        if not shown.any():
            continue
        for i in np.flatnonzero(~shown & ~small):
            less = shown.copy()
            less[i] = True
            low, high = ranges(board, less, tables)
            assert ((low > 1) | (high < FLOOR - 1))[small].any()
            looked_at += 1
    assert looked_at > 20


def test_the_first_narrow_sum_is_narrow_and_none_is_left_out():
    rng = np.random.default_rng(3)
    found = missed = 0
    for counts in rng.choice([0.0, 1, 3, 4, 6, 8], (25, 4)):
        board = board_of(counts)
        small = is_small(board.published.values, FLOOR)
        board.shown = ~small & (rng.random(8) < 0.4)
        low, high = ranges(board, board.shown, every_table(int(counts.sum())))
        is_narrow = (low > 1) | (high < FLOOR - 1)
        said = guarded_sums.find_narrow(board, np.flatnonzero(small), FLOOR)
        assert set(np.flatnonzero(small & is_narrow)) <= set(said)
        assert said.size == 0 or is_narrow[said[0]]
        found, missed = found + bool(said.size), missed + bool(small.any() and not said.size)
    assert found > 3
    assert missed > 3


def test_a_small_sum_is_hidden_though_nobody_guards_it():
    board = board_of(np.array([2.0, 6.0, 9.0, 30.0]))
    board.guarded = Sums.of([], 4, 8)
    assert guarded_sums.hide(board, FLOOR).tolist() == [False, *[True] * 7]


@pytest.mark.parametrize(("values", "small"), [((0, 1, 4, 5), (False, True, True, False))])
def test_small_is_from_one_to_below_the_floor(values, small):
    assert is_small(np.array(values, dtype=float), FLOOR).tolist() == list(small)


def test_a_board_of_which_nobody_knows_anything_has_sums_of_the_right_shape():
    nothing = Sums.of([], 4, 8)
    assert (nothing.weights.shape, nothing.values.shape, nothing.tags.shape) == ((0, 4), (0,), (0, 8))
    board = board_of(np.array([2.0, 6.0, 9.0, 30.0]))
    board.known = nothing
    shown = guarded_sums.hide(board, FLOOR)
    assert not shown[0]
    low, high = ranges(board, shown, every_table(47))
    assert low[0] <= 1 and high[0] >= FLOOR - 1


# -- counts beside one another -----------------------------------------------------------------------------------------


def test_a_small_rest_hides_its_part_and_nobody_is_a_number_like_others():
    counts = pd.DataFrame({"n": [40, 40, 40, 40], "events": [0, 40, 38, 35], "estimate": [0.0, 1.0, 0.95, 0.875]})
    found = protect_table(counts, FLOOR)
    assert found["n"].tolist() == [40] * 4
    assert found["events"].tolist() == [0, 40, HIDDEN, 35]
    assert found["estimate"].tolist() == [0.0, 1.0, HIDDEN, 0.875]
    # Where a patient may return more than once, the returns are no part of the patients.
    assert protect_table(counts, FLOOR, parts=False).equals(counts)


def test_with_a_small_base_what_was_recorded_of_it_goes_too():
    counts = pd.DataFrame({"n": [3, 40], "events": [0, 20], "recorded": [3, 38], "estimate": [0.0, 0.5]})
    found = protect_table(counts, FLOOR)
    assert found.iloc[0].tolist() == ["<5", "<5", "<5", HIDDEN]
    assert found.iloc[1].tolist() == [40, 20, 38, 0.5]


@pytest.mark.parametrize(("n_with", "is_hidden"), [("<5", True), (12, False)])
def test_a_summary_hides_the_arms_its_first_comparison_hides(n_with, is_hidden):
    rows = pd.DataFrame({"n_with": [n_with, 60], "n_without": [HIDDEN if is_hidden else 30, 70]})
    summary = {"n_with": 12, "n_without": 30, "n": 42}
    expected = {"n_with": n_with, "n_without": HIDDEN, "n": 42} if is_hidden else summary
    assert hide_arms(summary, rows) == expected
    assert hide_arms(summary, rows[:0]) == summary
    assert hide_arms({"n": 42}, rows) == {"n": 42}


# -- rows that split a total -------------------------------------------------------------------------------------------


def values_left(true, shown):
    """All parts that fit a total, for one who knows that beside a small one "hidden" is none, 0 and what is not."""
    one_mark = f"<{FLOOR}" not in shown
    ranges = {f"<{FLOOR}": range(1, FLOOR), HIDDEN: [n for n in range(sum(true) + 1) if one_mark or n >= FLOOR]}
    every = itertools.product(*(ranges[value] if isinstance(value, str) else [value] for value in shown))
    return [parts for parts in every if sum(parts) == sum(true)]


@pytest.mark.parametrize("of_events", [False, True])
def test_each_small_part_could_be_any_small_number_or_nothing_of_its_group_is_shown(of_events):
    groups = list(itertools.product([0, 1, 3, 4, 5, 6, 8], repeat=3))
    table = pd.DataFrame({"group": np.repeat(np.arange(len(groups)), 3), "events": np.ravel(groups)})
    table = table.assign(n=40 if of_events else table["events"], estimate=1.0, size=1.0)
    found = hide_split(table, ("group",), FLOOR, ("estimate",), ("size",))
    levelled = covered = 0
    for true, (_, rows) in zip(groups, found.groupby("group"), strict=True):
        shown, small = rows["events"].tolist(), [i for i, n in enumerate(true) if 0 < n < FLOOR]
        assert rows["n"].tolist() == ([40] * 3 if of_events else shown)
        is_mark = [isinstance(value, str) for value in shown]
        assert [value == HIDDEN for value in rows["estimate"]] == is_mark
        assert [value == HIDDEN for value in rows["size"]] == [isinstance(value, str) for value in rows["n"]]
        if not small:
            assert shown == list(true)
        elif all(is_mark) and f"<{FLOOR}" not in shown:
            levelled += 1
            # And only where marks of their own would tell what is small.
            marked = [f"<{FLOOR}" if 0 < n < FLOOR else n for n in true]
            for i in find_cover(list(true), FLOOR)[1]:
                marked[i] = HIDDEN
            assert any({parts[i] for parts in values_left(true, marked)} != set(range(1, FLOOR)) for i in small)
        else:
            covered += 1
            left = values_left(true, shown)
            assert all({parts[i] for parts in left} == set(range(1, FLOOR)) for i in small)
            # And no more than that: the last number that was hidden with them was needed.
            extra = [n for n, value in zip(true, shown, strict=True) if value == HIDDEN]
            if len(extra) > 1:
                last = max(extra)
                fewer = [n if n == last else value for n, value in zip(true, shown, strict=True)]
                left = values_left(true, fewer)
                assert any({parts[i] for parts in left} != set(range(1, FLOOR)) for i in small)
    assert levelled > 50
    assert covered > 100


def test_groups_of_a_split_are_looked_at_by_themselves_and_a_row_without_a_count_stays():
    table = pd.DataFrame({"n": [3.0, 40, 50, np.nan, 60, 70], "events": [3.0, 20, 25, np.nan, 30, 67], "share": 0.5})
    table["of"] = ["a", "a", "a", "a", "b", "b"]
    found = hide_split(table, ("of",), FLOOR, ("share",))
    assert found["n"].tolist()[:3] == ["<5", HIDDEN, 50]
    assert np.isnan(found["n"][3]) and np.isnan(found["events"][3])
    assert found["n"].tolist()[4:] == [60, 70]
    # 3 of 70 are left: both of their group are hidden, and nothing of the other group is for that.
    assert found["events"].tolist()[4:] == [HIDDEN, HIDDEN]
    assert found["share"].tolist() == [HIDDEN, HIDDEN, 0.5, 0.5, HIDDEN, HIDDEN]


@pytest.mark.parametrize(
    ("parts", "extra"),
    [
        ([4, 5, 30], [1]),  # 9 in all: the 4 may be anything below 5, beside 5 and more
        ([3, 5, 30], [1, 2]),  # 8 in all would say that it is 3 at most
        ([2, 3, 5, 30], [2]),
        ([2, 2, 5, 30], [2, 3]),
        ([0, 5, 30], []),
        ([1, 0, 0], []),  # nothing is there to cover it
    ],
)
def test_small_parts_are_covered_by_the_smallest_others_until_each_may_be_any_small_number(parts, extra):
    small = [i for i, part in enumerate(parts) if 0 < part < FLOOR]
    assert find_cover(parts, FLOOR) == (small, extra)


def test_columns_a_table_does_not_have_are_not_made_by_hiding_them():
    table = pd.DataFrame({"n": [3.0, 40, 50], "events": [3.0, 20, 25]})
    found = hide_split(table, (), FLOOR, ("estimate",), ("size",))
    assert found.columns.tolist() == ["n", "events"]
    assert found["n"].tolist() == ["<5", HIDDEN, 50]
    level_marks(found, ("n", "share"))
    assert found["n"].tolist() == [HIDDEN, HIDDEN, 50] and "share" not in found


def test_of_parts_of_one_total_those_that_cover_a_small_one_are_hidden_and_no_others():
    """3, 5, 30 and 40: with the 5 alone the sum of both would be 8, and the small one 3 at most."""
    table = pd.DataFrame({"n": [78] * 4, "events": [3, 5, 30, 40], "estimate": [0.04, 0.06, 0.38, 0.51]})
    found = protect_parts(table, FLOOR)
    assert found["events"].tolist() == ["<5", HIDDEN, HIDDEN, 40]
    assert found["estimate"].tolist() == [HIDDEN, HIDDEN, HIDDEN, 0.51]
    assert found["n"].tolist() == [78] * 4 and table["events"].tolist() == [3, 5, 30, 40]


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("n", 4, "<5"), ("n_relieved", 1, "<5"), ("all_events", 3, "<5"), ("late_episodes", 2, "<5"),
        ("few_patients", 4, "<5"), ("n", 5, 5), ("n", 0, 0), ("n_ok", True, True), ("n_days", 3.5, 3.5),
        ("days", 3, 3), ("nights", 2, 2),
    ],
)  # fmt: skip
def test_a_number_of_a_summary_is_a_count_by_its_name(key, value, shown):
    assert protect_scalar(key, value, FLOOR) == shown


def test_a_unit_whose_episodes_are_hidden_is_not_said_to_be_compared_nor_why_not_nor_flagged_where_its_place_is():
    @dataclass(frozen=True)
    class Answer:
        table: pd.DataFrame
        summary: dict[str, int]

    units = pd.DataFrame({"unit": ["K1", "K2", "K3"], "n": [HIDDEN, 60, 60], "reliability": [0.2, 0.9, 0.6]})
    units = units.assign(reason=["only 7 episodes", "", "low"], is_compared=[True, True, False], is_flagged=True)
    places = ["", HIDDEN, "beyond the 99.8 % limits"]
    out = hide_around(Answer(units.assign(position=places), {"n_units": 3, "n_compared": 2, "n_flagged": 3}))
    found = out.table
    assert "7" not in found["reason"][0] and found["reason"].tolist()[1:] == ["", "low"]
    assert found["is_compared"].tolist() == [False, True, False]
    assert found["is_flagged"].tolist() == [False, False, True]
    assert out.summary == {"n_units": 3, "n_compared": 1, "n_flagged": 1}


def test_of_a_small_row_of_triggers_no_cell_is_shown_before_anything_is_solved():
    """With the zeros shown, 1 and 3 in a row of "few" pairs would be known to be all there are."""
    counts = np.full((4, 4), 25)
    counts[1] = [0, 1, 3, 0]
    every = np.ones(4, dtype=bool)
    shown = Shown(np.append(counts.ravel(), 0), np.ones(17, dtype=bool), every.copy(), every.copy(), True, -1)
    guarded = trigger_cells._hide_small(shown, FLOOR)
    cells = shown.cells[:-1].reshape(4, 4)
    assert not cells[1].any() and shown.rows.tolist() == [True, False, True, True]
    assert cells[[0, 2, 3]].all() and shown.columns.all() and shown.diagonal
    # The 1, the 3, the row of both, and the row without its own trigger (0 and 3).
    assert sorted(int(shown.counts[what].sum()) for what in guarded) == [1, 3, 3, 4]


@pytest.mark.parametrize(("pooled", "same"), [(-1, [0, 3]), (0, [3, 4]), (1, [0, 4])])
def test_pooled_triggers_have_a_count_of_their_own_for_the_same_trigger_again(pooled, same):
    shown = Shown(np.arange(5), np.ones(5, bool), np.ones(2, bool), np.ones(2, bool), True, pooled)
    assert np.flatnonzero(shown.same()).tolist() == same


def test_where_no_pair_of_triggers_was_seen_there_is_nothing_to_hide():
    empty = SimpleNamespace(table=pd.DataFrame(columns=["trigger", "return_trigger", "n", "events"]))
    assert protect_triggers(empty, FLOOR) is empty


@pytest.mark.parametrize(("less", "is_near"), [(0, False), (1, True), (FLOOR - 1, True), (FLOOR, False)])
@pytest.mark.parametrize("name", ["n_with", "n_without", "events_with", "events_without"])
def test_a_row_that_counts_a_few_less_than_an_earlier_one_is_near_it(name, less, is_near):
    row = {"analysis": "main", "landmark_days": 30, "exercise": "any", "maintenance": "any", "n_with": 60}
    rows = pd.DataFrame([row | {"n_without": 50, "events_with": 30, "events_without": 20}] * 2)
    rows.loc[1, name] -= less
    assert _find_near(rows, FLOOR).tolist() == [False, is_near]


def test_every_sum_of_two_arms_holds_for_the_counts_it_is_a_sum_of():
    """Two units of 3 and 4, 5 and 6; set aside: 2 always, 7 never, and too few of the arms, 1 and 4."""
    truth = np.array([3, 4, 5, 6, 2, 7, 1, 4], dtype=float)
    values = dict(zip(("n_with", "n_without", *modality_boards.ASIDE), (8, 10, 2, 7, 5), strict=True))
    board = modality_boards.size_board(values, truth[:4].reshape(2, 2), (11, 21), FLOOR)
    for sums in (board.published, board.known, board.guarded):
        assert (sums.weights @ truth).tolist() == sums.values.tolist()
    assert board.known.values.tolist() == [32, 11, 21]
    assert {3.0, 11.0} <= set(board.guarded.values.tolist())  # what is set aside of each arm


# -- the account of returns --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("relapsed", "too_young", "hides_all"), [(1, 2, True), (2, 2, False), (1, 3, False), (3, 40, False)]
)
def test_parts_of_the_relieved_are_hidden_together_and_few_with_their_sum(relapsed, too_young, hides_all):
    summary = {"n_relapsed": relapsed, "n_too_young": too_young, "n_relieved": 60}
    marked = {name: f"<{FLOOR}" if value < FLOOR else value for name, value in summary.items()}
    found = _protect_parts_of_total(summary, marked, FLOOR)
    assert (found["n_relapsed"], found["n_too_young"]) == (HIDDEN, HIDDEN)
    assert (found["n_relieved"] == HIDDEN) == hides_all


def test_parts_that_are_not_small_stay():
    summary = {"n_new_episode": 30, "n_pain_back": 12, "n": 42}
    assert _protect_parts_of_total(summary, dict(summary), FLOOR) == summary


# -- the public release ------------------------------------------------------------------------------------------------


def table(counts, name="t", ordered=False):
    array = np.array(counts, dtype=np.int64)
    rows = tuple(f"{10 * i} to {10 * i + 9} days" for i in range(array.shape[0]))
    return CountTable(name, COHORT, rows, tuple("abcdef"[: array.shape[1]]), array, ordered)


class Doubt:
    """A proof that never ends well: every hidden number, or the first one of all, stays weak."""

    def __init__(self, hidden_only=True):
        self.hidden_only, self.calls = hidden_only, 0

    def __call__(self, system, targets, least, known):
        self.calls += 1
        return [SimpleNamespace(place=int(place)) for place in (targets if self.hidden_only else [0])]


ROWS = [[90, 95], [14, 6], [50, 60], [80, 90]]


@pytest.mark.parametrize(("ordered", "hidden_only"), [(True, False), (False, True), (False, False)])
def test_where_no_step_helps_nothing_is_published(monkeypatch, ordered, hidden_only):
    doubt = Doubt(hidden_only)
    monkeypatch.setattr(protect, "find_weak", doubt)
    with pytest.raises(DisclosureError) as refused:
        protect_release([table(ROWS, ordered=ordered), table([[234, 251]], "u")])
    assert [finding.code for finding in refused.value.findings] == ["E925"]
    assert 5 < doubt.calls < protect.MOST_ROUNDS
    assert not any(number in str(refused.value) for number in ("90", "234", "485"))


def doubted(monkeypatch, tables, times):
    """The first table where the proof finds its first hidden number weak so many times."""
    real, told = protect.find_weak, []

    def find_weak(system, targets, least, known):
        told.append(len(targets))
        return [SimpleNamespace(place=int(targets[0]))] if len(told) <= times else real(system, targets, least, known)

    with monkeypatch.context() as patch:
        patch.setattr(protect, "find_weak", find_weak)
        return protect_release(tables).tables[0]


def test_steps_are_taken_one_after_the_other_until_the_proof_is_there(monkeypatch):
    # Coarser rows where they have an order; else numbers rounded to 10, and then one more number hidden.
    found = [doubted(monkeypatch, [table(ROWS, ordered=True)], times) for times in (0, 1)]
    assert [(len(one.rows), one.base) for one in found] == [(4, RULES.base), (3, RULES.base)]
    found = [doubted(monkeypatch, [table(ROWS)], times) for times in (0, 1, 2)]
    assert [one.base for one in found] == [RULES.base, mend.COARSE, mend.COARSE]
    assert [len(one.rows) for one in found] == [4, 4, 4]
    hidden = [int((one.shown == HIDDEN_CELL).sum()) + one.row_totals.count(HIDDEN_CELL) for one in found]
    assert hidden[0] == hidden[1] == hidden[2] - 1 > 0
    assert any("Rounded to 10" in reason for reason in found[1].reasons)


LARGE = [[90, 95, 41], [14, 6, 33], [50, 60, 27], [80, 90, 66], [31, 58, 44]]


def test_where_one_by_one_takes_too_long_all_of_a_table_is_hidden(monkeypatch):
    # Rounded to 10 first, then six numbers one after the other, then the rest at once.
    hidden = []
    monkeypatch.setattr(mend, "MOST_CAUSES", 0)
    for times in (1, 1 + mend.MOST_SINGLE, 2 + mend.MOST_SINGLE):
        found = doubted(monkeypatch, [table(LARGE)], times)
        hidden.append(int((found.shown == HIDDEN_CELL).sum()) + found.row_totals.count(HIDDEN_CELL))
    assert hidden[0] < hidden[1] < hidden[2] == 5 * 3 + 5


def numbers_of(*keys):
    """Published numbers by their names, of which the first is the smallest."""
    exact = np.arange(20, 20 + len(keys))
    owner = np.array([-1 if not key.table else 0 for key in keys])
    told = np.full(len(keys), UNTOLD)
    return SimpleNamespace(numbers=SimpleNamespace(keys=keys, exact=exact, owner=owner), shown=exact, told=told)


def no_cause(key, places):
    """Nothing makes a number narrow."""


def test_of_a_group_the_smallest_is_hidden_and_after_six_all():
    keys = [Key("patients", "t", (f"r{i}",), "a") for i in range(9)]
    published, group = numbers_of(*keys), np.arange(9)
    plan = mend.Plan([], [])
    for n in range(1, mend.MOST_SINGLE + 1):
        assert mend._hide_among(plan, replace_shown(published, plan), group, 1)
        assert plan.extra == set(keys[:n])
    assert mend._hide_among(plan, replace_shown(published, plan), group, 1)
    assert plan.extra == set(keys)
    assert not mend._hide_among(plan, replace_shown(published, plan), group, 1)


def test_no_patients_at_all_are_hidden_for_nothing():
    keys = [Key("patients", "t", (f"r{i}",), "a") for i in range(3)]
    published, plan = numbers_of(*keys), mend.Plan([], [])
    published.numbers.exact[:], published.shown = [0, 30, 20], np.array([0, 30, 20])
    assert mend._hide_smallest(plan, published, np.arange(3), 1) and plan.extra == {keys[2]}
    assert not mend._hide_smallest(plan, published, np.arange(1), 1) and plan.extra == {keys[2]}


def replace_shown(published, plan):
    """What is hidden is printed no more."""
    shown = [
        HIDDEN_CELL if key in plan.extra else n for key, n in zip(published.numbers.keys, published.shown, strict=True)
    ]
    return SimpleNamespace(numbers=published.numbers, shown=np.array(shown), told=published.told)


def test_beside_a_number_of_an_earlier_release_one_of_its_own_table_is_hidden_first():
    keys = (Key("patients", "", (), "a"), Key("patients", "u", ("r",), "a"), Key("patients", "t", ("r",), "a"))
    plan = mend.Plan([], [mend.COARSE])
    assert mend._mend_shared(plan, numbers_of(*keys), Key("patients", "t", ("q",), "a"), no_cause)
    assert plan.extra == {keys[2]}
    # A number that all tables share is looked for among those they share.
    plan = mend.Plan([], [mend.COARSE])
    assert mend._mend_shared(plan, numbers_of(*keys), Key("patients", "none", ("q",), "a"), no_cause)
    assert plan.extra == {keys[0]}


def test_a_release_is_read_alone_only_where_an_earlier_one_may_have_kept_numbers(monkeypatch):
    told = [("t", "10 to 19 days / b", False), ("t", "total / a", False), ("t", "0 to 9 days / a", True)]
    found = tuple(SimpleNamespace(table=name, cell=cell, enough=enough) for name, cell, enough in told)
    monkeypatch.setattr(protect, "attack", lambda *_: found)
    counts = table(ROWS)
    published = SimpleNamespace(numbers=build_numbers([counts], [tuple((i,) for i in range(4))]))
    finished = SimpleNamespace(tables=())
    assert protect._read_alone(finished, published, RULES, has_earlier=False) == []
    (key,) = protect._read_alone(finished, published, RULES, has_earlier=True)
    assert (key.table, key.column) == ("t", "b")


def test_the_audit_names_the_tables_that_are_rounded_more_coarsely(monkeypatch):
    assert protect.protect_release([table(ROWS)]).audit.coarse == ()
    doubt = iter([True])
    real = protect.find_weak

    def find_weak(system, targets, least, known):
        return [SimpleNamespace(place=int(targets[0]))] if next(doubt, False) else real(system, targets, least, known)

    monkeypatch.setattr(protect, "find_weak", find_weak)
    assert protect.protect_release([table(ROWS)]).audit.coarse == ("t",)


def test_columns_that_mean_something_else_have_totals_of_their_own():
    one, other = table([[103, 201], [152, 77]], "one"), table([[40, 111], [98, 127], [69, 88]], "other")
    found = protect_release([one, other]).tables
    assert found[0].total == found[1].total == 535
    assert found[0].column_totals == (255, 280)
    assert found[1].column_totals == (205, 325)


def test_a_table_of_one_column_is_its_row_totals():
    found = protect_release([table([[103], [152], [7]])]).tables[0]
    assert found.row_totals == (105, 150, HIDDEN_CELL)
    assert found.shown[:, 0].tolist() == list(found.row_totals)
    assert found.total == 260


def test_a_hidden_number_has_no_bounds():
    with pytest.raises(ValueError, match="hidden"):
        find_bounds(np.array([20, HIDDEN_CELL]), np.array([5, 5]), np.array([20, 3]), RULES.k)


@pytest.mark.parametrize(
    ("shown", "base", "exact", "bounds"),
    # A sum of printed numbers that its own rounding does not allow: within 12 of it, and the truth never left out.
    [
        (30, 5, 25, (18, 42)),
        (30, 5, 35, (18, 42)),
        (10, 5, 0, (0, 22)),
        (10, 5, 20, (0, 22)),
        (100, 5, 80, (80, 112)),
        (0, 5, 3, (0, 12)),
    ],
)
def test_a_sum_of_printed_numbers_lies_within_reach(shown, base, exact, bounds):
    low, high = find_bounds(np.array([shown]), np.array([base]), np.array([exact]), RULES.k)
    assert (low[0], high[0]) == bounds


@pytest.mark.parametrize(
    "row", [{"table": "t"}, {"table": "t", "cohort": "c", "row": "r", "column": "c", "patients": "?"}]
)
def test_a_row_that_is_none_of_a_public_table_is_named_and_not_shown(row):
    good = {"table": "t", "cohort": "c", "row": "r", "column": "total", "patients": "20"}
    with pytest.raises(InputRefused, match="Row 3") as refused:
        read_tables([good, row], RULES)
    assert "E930" in str(refused.value)
    assert "?" not in str(refused.value)


@pytest.mark.parametrize("row", [{"cohort": "c"}, {"cohort": "c", "group": "g", "day": "x"}])
def test_a_row_that_is_none_of_a_public_curve_is_named_and_not_shown(row):
    with pytest.raises(InputRefused, match="E930 Row 2 is not a row of a public curve"):
        read_curves([row], RULES)


@pytest.mark.parametrize(
    ("accepted", "said"),
    [((), "No column was accepted"), (("a",), "one column that looks"), (("a", "b"), "2 columns that look")],
)
def test_a_public_page_says_how_many_columns_were_accepted_as_no_identifiers(accepted, said):
    records = SimpleNamespace(mapping=SimpleNamespace(privacy=SimpleNamespace(accept=accepted)))
    assert said in " ".join(describe_search(records))


def test_everybody_of_a_large_group_is_shown_and_nothing_is_said_of_what_was_not_done():
    found = protect_release([table([[400, 0], [300, 310]])]).tables[0]
    assert found.shown[0].tolist() == [400, 0]
    assert found.reasons == ()


def test_of_three_rows_of_an_order_two_stay():
    found = protect_release([table([[90, 95], [4, 3], [80, 60]], ordered=True)]).tables[0]
    assert found.rows == ("0 to 9 days", "10 to 29 days")
    assert found.shown.tolist() == [[90, 95], [85, 65]]
    assert found.reasons == ("Rows put together: 10 to 29 days.",)
    # And with the one before it where that is the smaller.
    found = protect_release([table([[30, 30], [4, 3], [80, 60], [90, 95]], ordered=True)]).tables[0]
    assert found.rows == ("0 to 19 days", "20 to 29 days", "30 to 39 days")
    # Of two none is put away: there would be one row, which says what the total says.
    assert protect_release([table([[90, 95], [4, 3]], ordered=True)]).tables[0].rows == ("0 to 9 days", "10 to 19 days")
