"""Small numbers in the tables about return: hidden, and not to be worked out from what is shown."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes

from outcomes.release import trigger_cells
from outcomes.release.disclosure import HIDDEN, hide_around, protect_result
from outcomes.release.return_disclosure import protect_arms, protect_levels
from outcomes.release.table_disclosure import protect_table
from outcomes.release.trigger_cells import hide_cells

FLOOR = 5


def is_mark(value):
    return isinstance(value, str)


# -- the two-way table of triggers -------------------------------------------------------------------------------------


class Reader:
    """One who has the published tables, knows that counts are whole, and solves for the cells that are hidden.

    It reads nothing but the marks and numbers of the published tables. Its unknowns are the cells and, last, the pairs
    of pooled triggers that have the same trigger twice; `facts` are the sums it can read off.
    """

    def __init__(self, found):
        table, same = found.table, found.same
        self.names = list(dict.fromkeys([*table["trigger"], *table["return_trigger"]]))
        k = len(self.names)
        self.at = {name: i for i, name in enumerate(self.names)}
        self.known = np.zeros(k * k + 1)
        self.facts, self.sums = [], []
        total = float(found.summary["n"]) if not is_mark(found.summary["n"]) else np.nan
        self.upper = np.full(k * k + 1, 0.0)  # a pair that is not listed did not occur
        for row in table.to_dict("records"):
            i, j = self.at[row["trigger"]], self.at[row["return_trigger"]]
            self.upper[i * k + j] = total
            if not is_mark(row["events"]):
                self.say(self.cells([(i, j)]), row["events"])
            if not is_mark(row["n"]):
                self.say(self.cells([(i, c) for c in range(k)]), row["n"])
            elif not is_mark(row["events"]) and not is_mark(row["estimate"]) and row["estimate"] > 0:
                self.say(self.cells([(i, c) for c in range(k)]), row["events"] / row["estimate"])
            if not is_mark(row["expected"]):
                self.say(self.cells([(r, j) for r in range(k)]), row["expected"] * total)
        pooled = [name for name in self.names if name not in set(same["trigger"])]
        self.part = None
        if pooled:
            own = self.at[pooled[0]] * (k + 1)
            self.upper[-1], self.part = total, own
        self.say(self.cells([(i, j) for i in range(k) for j in range(k)]), total)
        for row in same.to_dict("records"):
            if row["trigger"] == "all":
                self.say_all(row, pooled, total)
                continue
            i = self.at[row["trigger"]]
            if not is_mark(row["events"]):
                self.say(self.cells([(i, i)]), row["events"])
            if not is_mark(row["expected"]):
                self.say(self.cells([(r, i) for r in range(k)]), row["expected"] * total)

    def say_all(self, row, pooled, total):
        k = len(self.names)
        if not is_mark(row["events"]):
            weights = self.cells([(i, i) for i, name in enumerate(self.names) if name not in pooled])
            weights[-1] = 1.0
            self.say(weights, row["events"])
        if not is_mark(row["expected"]) and not pooled:
            # The sum over triggers of row total times column total: linear once the row totals are known.
            rows = [self.fact_of(self.cells([(i, j) for j in range(k)])) for i in range(k)]
            assert None not in rows
            weights = np.zeros(k * k + 1)
            for j in range(k):
                weights += rows[j] * self.cells([(r, j) for r in range(k)])
            self.say(weights, row["expected"] * total**2)

    def cells(self, places):
        k = len(self.names)
        weights = np.zeros(k * k + 1)
        for i, j in places:
            weights[i * k + j] = 1.0
        return weights

    def say(self, weights, value):
        self.facts.append(weights)
        self.sums.append(round(float(value)))

    def fact_of(self, weights):
        return next((s for w, s in zip(self.facts, self.sums, strict=True) if np.array_equal(w, weights)), None)

    def find(self, weights):
        """Cells that fit everything shown and make a sum of them least."""
        limit = None
        if self.part is not None:
            limit = np.zeros((1, weights.size))
            limit[0, -1], limit[0, self.part] = 1.0, -1.0
        out = linprog(
            weights,
            A_ub=limit,
            b_ub=None if limit is None else [0.0],
            A_eq=np.array(self.facts),
            b_eq=self.sums,
            bounds=[(0, u) for u in self.upper],
            integrality=1,
        )
        assert out.success, out.message
        return np.rint(out.x)

    def range_of(self, weights):
        """Least and greatest value of a sum of cells that fits everything shown."""
        return float(weights @ self.find(weights)), float(weights @ self.find(-weights))

    def check(self, small):
        """None of these small sums can be narrowed down: for each 1 or less fits, and 4 or more.

        Cells found for one sum often show it of another too: only where none does is it solved for.
        """
        fitting = []
        for weights in small:
            for sign, most in ((1, 1), (-1, 1 - FLOOR)):
                if not any(sign * (weights @ cells) <= most for cells in fitting):
                    fitting.append(self.find(sign * weights))
                    assert sign * (weights @ fitting[-1]) <= most, (weights, sign, fitting[-1])


def small_sums(pairs, again, pooled):
    """Every small count of the truth, with the weights that add it up: cells, margins, rests, the diagonal."""
    k = len(pairs)
    flat = np.append(pairs.ravel(), again)
    wanted = []
    for i in range(k):
        for j in range(k):
            wanted.append([(i, j)])
        wanted += [[(i, j) for j in range(k)], [(j, i) for j in range(k)], [(i, j) for j in range(k) if j != i]]
    out = []
    for places in wanted:
        weights = np.zeros(k * k + 1)
        for i, j in places:
            weights[i * k + j] = 1.0
        out.append(weights)
    same = np.append(np.eye(k).ravel(), 0.0)
    if pooled:
        same[k * k - 1], same[-1] = 0.0, 1.0
        alone = np.zeros(k * k + 1)
        alone[-1] = 1.0
        out.append(alone)
    everything = np.append(np.ones(k * k), 0.0)
    out += [same, everything - same]
    return [weights for weights in out if 0 < weights @ flat < FLOOR]


def random_pairs(seed):
    """Small tables of many shapes: sparse and full, with and without a strong diagonal."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 6))
    mean = float(rng.choice([1.5, 4.0, 9.0]))
    return rng.poisson(rng.gamma(0.8, mean / 0.8, (k, k))) + np.diag(rng.poisson(float(rng.choice([0, 12])), k))


@pytest.mark.parametrize("seed", range(24))
def test_no_small_number_can_be_worked_out_from_what_is_shown(seed):
    pairs = random_pairs(seed)
    assert pairs.sum() >= FLOOR  # with fewer everything is hidden: tested below
    again = int(np.random.default_rng(seed).integers(0, pairs[-1, -1] + 1))
    result = fakes.triggers(pairs, again)
    reader = Reader(protect_result(result, FLOOR))
    # The order of names can differ from that of the truth where a trigger has no pairs at all.
    names = [*list(fakes.TRIGGERS)[: len(pairs) - 1], "other"]
    order = [names.index(name) for name in reader.names]
    truth = pairs[np.ix_(order, order)]
    pooled = reader.part is not None
    last = reader.names.index("other") if pooled else len(order) - 1
    small = small_sums(*move_last(truth, last), again if pooled else 0, pooled=pooled)
    reader.check([move_back(weights, last, len(order)) for weights in small])
    assert small or not ((pairs > 0) & (pairs < FLOOR)).any()


def move_last(truth, last):
    order = [i for i in range(len(truth)) if i != last] + [last]
    return (truth[np.ix_(order, order)],)


def move_back(weights, last, k):
    order = [i for i in range(k) if i != last] + [last]
    square = np.zeros((k, k))
    square[np.ix_(order, order)] = weights[:-1].reshape(k, k)
    return np.append(square.ravel(), weights[-1])


def test_hiding_the_small_cells_alone_would_not_do():
    # One small cell in its row and column: the total of the row less the rest gives it away.
    pairs = np.full((4, 4), 20)
    pairs[0, 1] = 3
    found = fakes.triggers(pairs, 20)
    table = found.table.copy()
    small = (table["events"] > 0) & (table["events"] < FLOOR)
    table["events"] = table["events"].astype(object).mask(small, HIDDEN)
    naive = Reader(dataclasses.replace(found, table=table))
    assert naive.range_of(naive.cells([(0, 1)])) == (3.0, 3.0)
    with pytest.raises(AssertionError):
        naive.check([naive.cells([(0, 1)])])
    table = protect_result(found, FLOOR).table
    hidden = {(row["trigger"], row["return_trigger"]) for row in table.to_dict("records") if is_mark(row["events"])}
    assert ("lifting", "bending_twisting") in hidden and 4 <= len(hidden) <= 6
    assert not [a for a, b in hidden if a == b]  # the diagonal is kept: a rectangle beside it was cheaper


def test_the_same_cell_is_hidden_in_both_tables_and_its_share_with_it():
    found = protect_result(fakes.triggers(), FLOOR)
    diagonal = found.table[found.table["trigger"] == found.table["return_trigger"]].set_index("trigger")
    same = found.same.set_index("trigger")
    for name in same.index.drop("all"):
        assert is_mark(same.loc[name, "events"]) == is_mark(diagonal.loc[name, "events"])
    for table in (found.table, found.same):
        marks = table[["n", "events", "estimate"]].map(is_mark)
        assert ((marks["events"] | marks["n"]) == marks["estimate"]).all()
    assert not [v for v in found.table["events"] if not is_mark(v) and 0 < v < FLOOR]


def test_pooled_pairs_with_the_same_trigger_twice_cannot_be_worked_out():
    # Nothing of the table is small, but of the pooled pairs only two have the same trigger twice.
    result = fakes.triggers(np.full((4, 4), 25), again=2)
    reader = Reader(protect_result(result, FLOOR))
    alone = np.zeros(reader.known.size)
    alone[-1] = 1.0
    low, high = reader.range_of(alone)
    assert low <= 1 and high >= FLOOR - 1
    counts = np.full((4, 4), 25)
    counts[0, 0] = 80
    rough = protect_result(fakes.triggers(counts, again=20), FLOOR).same
    share = rough.set_index("trigger").loc["all", "expected"]
    assert share == 0.26  # (155^2 + 3 * 100^2) / 455^2 is 0.26096


def test_fewer_pairs_than_the_floor_are_hidden_altogether():
    found = protect_result(fakes.triggers(np.array([[1, 1], [0, 2]]), again=1), FLOOR)
    for table in (found.table, found.same):
        assert table[["n", "events", "estimate", "expected"]].map(is_mark).to_numpy().all()
    assert found.summary["n"] == "<5" and found.summary["n_same"] == HIDDEN


@pytest.mark.parametrize("listed", [None, np.array([[True]])])
def test_few_pairs_of_one_trigger_hide_every_total(listed):
    # There is no second row to be hidden beside the first; looking for one must not go on for ever.
    found = hide_cells(np.array([[3]]), FLOOR, listed)
    assert not (found.cells[0] or found.rows.any() or found.columns.any() or found.diagonal)
    whole = hide_cells(np.array([[20]]), FLOOR, listed)
    assert whole.cells[0] and whole.rows.all() and whole.columns.all() and whole.diagonal


def test_of_a_trigger_with_few_pairs_no_cell_is_shown_not_even_that_there_is_none():
    counts = np.full((4, 4), 25)
    counts[1] = [0, 1, 3, 0]
    found = hide_cells(counts, FLOOR)
    assert not found.rows[1]
    assert not found.cells[4:8].any()


@pytest.mark.parametrize("axis", [0, 1])
def test_a_lone_small_total_takes_the_next_smallest_with_it_and_nothing_else_of_the_margins(axis):
    counts = np.full((4, 4), 25)
    counts[1:] = [[0, 1, 3, 0], [40] * 4, [10] * 4]
    found = hide_cells(counts if axis == 0 else counts.T, FLOOR)
    totals = found.rows, found.columns
    assert totals[axis].tolist() == [True, False, True, False]
    assert totals[1 - axis].all() and found.diagonal


def test_where_nothing_is_hidden_the_counts_are_the_counts():
    counts = np.full((3, 3), 20)
    found = hide_cells(counts, FLOOR)
    assert trigger_cells.solve(found, np.ones(10)).tolist() == [*counts.ravel(), 0]


def test_two_small_cells_at_opposite_corners_hide_the_other_two_and_no_more():
    counts = np.full((4, 4), 20)
    counts[0, 1], counts[2, 3] = 3, 2
    found = hide_cells(counts, FLOOR)
    hidden = np.argwhere(~found.cells[:-1].reshape(4, 4)).tolist()
    assert hidden == [[0, 1], [0, 3], [2, 1], [2, 3]]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_first_narrow_count_is_narrow_and_none_is_left_out(seed):
    k = 3
    counts = np.random.default_rng(seed).poisson(4, (k, k))
    everything = np.ones(k * k + 1, np.bool_)
    lines = np.ones(k, np.bool_), np.ones(k, np.bool_)
    shown = trigger_cells.Shown(np.append(counts.ravel(), 0), everything, *lines, True, -1)
    small = trigger_cells._hide_small(shown, FLOOR)
    for hide in (0, 2, 2):
        for i in np.flatnonzero(shown.cells[:-1])[:hide]:
            shown.cells[i] = False
        said = trigger_cells._find_narrow(shown, small, FLOOR)
        low = [int(trigger_cells.solve(shown, one.astype(float))[one].sum()) for one in small]
        high = [int(trigger_cells.solve(shown, -one.astype(float))[one].sum()) for one in small]
        is_narrow = [one > 1 or other < FLOOR - 1 for one, other in zip(low, high, strict=True)]
        places = [next(i for i, one in enumerate(small) if one is narrow) for narrow in said]
        assert {i for i, narrow in enumerate(is_narrow) if narrow} <= set(places)
        assert not places or is_narrow[places[0]]


def test_a_table_without_small_numbers_is_left_as_it_is():
    result = fakes.triggers(np.full((4, 4), 25), again=20)
    found = protect_result(result, FLOOR)
    pd.testing.assert_frame_equal(found.table, result.table)
    assert found.same.drop(columns="expected").equals(result.same.drop(columns="expected"))


# -- arms, levels and parts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "hidden", "shown"),
    [
        (
            "n_with",
            3,
            ("n_without", "events_without", "estimate", "risk_with", "risk_without", "effective_with"),
            ("n",),
        ),
        ("events_with", 2, ("events_without", "estimate", "conf_low", "risk_with"), ("n_with", "n_without", "events")),
        ("n_with", 133, ("events_with", "events_without", "risk_with"), ("n_with", "n_without", "n")),  # 3 not back
    ],
)
def test_a_small_arm_hides_the_other_too(column, value, hidden, shown):
    table = fakes.rehabilitation().table.copy()
    table.loc[0, column] = value
    found = protect_arms(table, FLOOR).loc[0]
    assert all(is_mark(found[name]) for name in hidden)
    assert not any(is_mark(found[name]) for name in shown)
    # Both arms add up to the row: which of them is small is not told.
    assert (found[column] == HIDDEN) == (value < FLOOR)
    assert not is_mark(protect_arms(table, FLOOR).loc[1, "estimate"])


def test_a_row_that_leaves_a_few_out_does_not_tell_how_many():
    table = fakes.rehabilitation().table.copy()
    table["analysis"] = "landmark"
    table.loc[5, "n_with"] = 597  # without maintenance patients: three of 600
    out = protect_arms(table, FLOOR)
    assert {out.loc[5, name] for name in ("n", "events", "n_with", "n_without", "events_with")} == {HIDDEN}
    assert not is_mark(out.loc[5, "estimate"]) and not is_mark(out.loc[0, "n_with"])
    table.loc[5, "n_with"] = 500
    assert not is_mark(protect_arms(table, FLOOR).loc[5, "n_with"])


def test_levels_are_parts_of_one_factor_wherever_they_stand():
    result = fakes.return_factors()
    table = result.table.copy()
    table["n"] = table["n"].where(table.index != 0, 3)
    table["events"] = table["events"].where(table.index != 0, 1)
    found = protect_result(dataclasses.replace(result, table=table), FLOOR).table
    pd.testing.assert_frame_equal(found, protect_levels(table, FLOOR))
    assert not found.equals(protect_table(table, FLOOR))


def test_a_curve_is_hidden_along_the_days_of_its_own_group():
    days = range(0, 41, 10)
    curve = pd.DataFrame(
        [(group, day, day / 100) for group in "ab" for day in days], columns=["group", "day", "estimate"]
    )
    rows = [("a", 10, 0.1), ("a", 20, HIDDEN), ("a", 30, 0.3), ("b", 10, 0.1), ("b", 20, 0.2), ("b", 30, 0.3)]
    table = pd.DataFrame(rows, columns=["group", "horizon_days", "estimate"])
    found = hide_around(Curves(table, curve)).curve
    assert found["estimate"].tolist() == [0.0, 0.1, HIDDEN, 0.3, 0.4, 0.0, 0.1, 0.2, 0.3, 0.4]
    table.loc[[0, 2], "estimate"] = HIDDEN
    assert hide_around(Curves(table, curve)).curve["estimate"].tolist()[:5] == [HIDDEN] * 5


@dataclasses.dataclass(frozen=True)
class Curves:
    table: pd.DataFrame
    curve: pd.DataFrame


def test_the_balance_of_hidden_arms_is_hidden():
    full = fakes.rehabilitation()
    table = full.table.copy()
    table.loc[0, "n_with"] = 3
    summary = {"n": 1500, "n_with": 3, "n_without": 1497}
    found = protect_result(dataclasses.replace(full, table=table, summary=summary), FLOOR)
    assert (found.summary["n_with"], found.summary["n_without"]) == (HIDDEN, HIDDEN)
    assert (found.balance[["smd_before", "smd_after"]] == HIDDEN).all().all()
    assert not found.balance["label"].map(lambda v: v == HIDDEN).any()


def test_a_difference_of_what_an_arm_hardly_has_tells_no_count():
    full = fakes.rehabilitation()
    # One of 310 with it, none of 290 without: the full number gives the one away.
    rows = [("rare", "Rare", 0.080348, 0.080348, False), ("habit", "Habit", 0.412345, 1e-17, True)]
    rows += [("usual", "Usual", 0.212345, 1e-17, True)]
    table = pd.DataFrame(rows, columns=["column", "label", "smd_before", "smd_after", "is_adjusted"])
    found = protect_result(dataclasses.replace(full, balance=table), FLOOR).balance
    assert found["smd_before"].tolist() == [0.08, 0.41, 0.212345]


def test_a_small_level_takes_another_one_with_it():
    table = fakes.return_factors().table.copy()
    table.loc[1, ["n", "events"]] = [60, 3]  # of earlier episodes, "one"
    out = protect_levels(table, FLOOR)
    mine = out[out["factor"] == "previous_episodes"]
    assert mine["events"].map(is_mark).sum() == 2 and not mine["n"].map(is_mark).any()
    assert (mine["estimate"].map(is_mark) == mine["events"].map(is_mark)).all()
    assert (mine["unadjusted"].map(is_mark) == mine["events"].map(is_mark)).all()
    assert not out.loc[out["factor"] == "radiation", "estimate"].map(is_mark).any()
    table.loc[1, ["n", "events"]] = [4, 0]
    assert protect_levels(table, FLOOR).loc[:2, "n"].map(is_mark).sum() == 2


def test_levels_that_all_have_few_returns_or_none_are_hidden_under_one_mark():
    """2, 3 and none of 40 each: with marks of their own, none would say that the small ones are all there are."""
    table = fakes.return_factors().table.copy()
    mine = table["factor"] == "previous_episodes"
    table.loc[mine, "n"] = 40
    table.loc[mine, "events"] = [2, 3, 0][: mine.sum()]
    out = protect_levels(table, FLOOR)[mine]
    assert out["events"].tolist() == [HIDDEN] * 3 and out["n"].tolist() == [40] * 3
    assert (out[["estimate", "unadjusted"]] == HIDDEN).to_numpy().all()
    # One of many covers two small ones, and goes with them.
    table.loc[mine, "events"] = [2, 3, 20]
    assert protect_levels(table, FLOOR)[mine]["events"].tolist() == [HIDDEN] * 3
    table.loc[mine, "events"] = [0, 7, 20]
    assert protect_levels(table, FLOOR)[mine]["events"].tolist() == [0, 7, 20]


def test_a_hidden_part_of_maintenance_hides_the_other():
    full = fakes.recurrence()
    table = full.maintenance.copy()
    row = (table["part"] == "inside") & (table["horizon_days"] == 90)
    table.loc[row, "events"] = 2
    found = protect_result(dataclasses.replace(full, maintenance=table), FLOOR).maintenance
    at_90 = found[found["horizon_days"] == 90]
    assert at_90["events"].map(is_mark).all() and at_90["estimate"].map(is_mark).all()
    assert not found.loc[found["horizon_days"] == 182, "events"].map(is_mark).any()


@pytest.mark.parametrize(("part", "horizon"), [("inside", 90), ("inside", 182), ("outside", 90)])
def test_few_patients_in_one_part_of_maintenance_hide_how_many_are_in_the_other_at_every_horizon(part, horizon):
    """Both parts are all whose first return is looked at, a number that stands in another table."""
    full = fakes.recurrence()
    table = full.maintenance.copy()
    of_first = table["outcome"] == "first_return"
    table.loc[of_first & (table["part"] == part) & (table["horizon_days"] == horizon), ["n", "events"]] = [3, 0]
    found = protect_result(dataclasses.replace(full, maintenance=table), FLOOR).maintenance
    assert found["n"].map(is_mark).tolist() == of_first.tolist()
    at_horizon = found[of_first & (found["horizon_days"] == horizon)]
    assert at_horizon[["events", "estimate", "conf_low"]].map(is_mark).all(axis=None)
    assert not found.loc[~of_first | (found["horizon_days"] != horizon), "events"].map(is_mark).any()


@pytest.mark.parametrize(
    ("measure", "also"), [("kept", "relieved_and_not_back"), ("relieved_and_not_back", "not_back")]
)
def test_three_of_four_composite_shares_would_give_the_last(measure, also):
    full = fakes.recurrence()
    table = full.composite.copy()
    table.loc[table["measure"] == measure, "events"] = 2
    found = protect_result(dataclasses.replace(full, composite=table), FLOOR).composite.set_index("measure")
    assert found["estimate"].map(is_mark).sum() == 2
    assert is_mark(found.loc[measure, "estimate"]) and is_mark(found.loc[also, "estimate"])


def test_returns_of_patients_who_return_often_are_no_part_of_the_patients():
    full = fakes.recurrence()
    means = full.mean_returns.copy()
    means.loc[0, "events"] = means.loc[0, "n"] - 2  # as many returns as patients but two: nobody is pointed at
    found = protect_result(dataclasses.replace(full, mean_returns=means), FLOOR)
    assert not found.mean_returns["estimate"].map(is_mark).any()
    means.loc[0, "events"] = 3
    found = protect_result(dataclasses.replace(full, mean_returns=means), FLOOR)
    assert found.mean_returns["estimate"].map(is_mark).tolist() == [True, False]
    hidden = found.mean_curve.loc[found.mean_curve["estimate"].map(is_mark), "day"]
    assert hidden.min() == 0 and hidden.max() == 729


def test_a_ratio_to_a_hidden_rate_is_hidden():
    groups = pd.DataFrame(
        [
            ("a", 0.4, 0.3, 0.5, 200, 90, 220.0, 1.0, np.nan, np.nan, True),
            ("b", 0.6, 0.4, 0.8, 100, 60, 100.0, 1.5, 1.1, 2.0, False),
            ("c", 0.1, 0.0, 0.3, 40, 3, 30.0, 0.25, 0.1, 0.7, False),
        ],
        columns=list(fakes.RATE_COLUMNS),
    )
    full = fakes.recurrence()
    found = protect_result(dataclasses.replace(full, rates=groups), FLOOR).rates.set_index("group")
    assert found["ratio"].map(is_mark).tolist() == [False, False, True] and is_mark(found.loc["c", "estimate"])
    groups.loc[0, "events"] = 3
    found = protect_result(dataclasses.replace(full, rates=groups), FLOOR).rates
    assert found["ratio"].map(is_mark).all() and found["years"].tolist() == [220.0, 100.0, 30.0]


def test_a_trigger_that_heads_no_row_of_the_table_shows_nothing():
    """Its pairs are guarded nowhere; those of all others are large, and shown."""
    found = fakes.triggers(fakes.PAIRS + 100)
    other = found.same.iloc[[1]].assign(trigger="never_first", label="Never first", n=60, events=30)
    same = protect_result(dataclasses.replace(found, same=pd.concat([found.same, other], ignore_index=True)), 5).same
    own = same[same["trigger"] == "never_first"].iloc[0]
    assert [own[name] for name in ("n", "events", "estimate", "expected")] == [HIDDEN] * 4
    assert not same.iloc[1:-1]["events"].map(lambda value: isinstance(value, str)).any()
