"""Small numbers in the tables of use of treatments: hidden, and not to be worked out from what is shown."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import use_fakes as fakes

from outcomes.questions import care_pathway, modality_bundles, modality_shares
from outcomes.questions.care_pathway import NEVER
from outcomes.questions.modality_shares import TreatmentVisits
from outcomes.release import use_disclosure
from outcomes.release.disclosure import HIDDEN, protect_result
from outcomes.release.group_boards import Totals
from outcomes.release.use_boards import Pairs, bundle_board, judge_ranks, list_ranks, pair_board, read_path

FLOOR = 5
FAMILIES = ["manual_soft_tissue", "joint_techniques", "ultrasound", "active"]


def is_mark(value):
    return isinstance(value, str)


class Reader:
    """One who has the published tables, knows that counts are whole, and solves for those that are hidden.

    `facts` are sums with the least and the greatest value a reader can read off: a number, or the range of its mark.
    """

    def __init__(self, size):
        self.size, self.rows, self.low, self.high = size, [], [], []

    def say(self, weights, value, most=np.inf):
        if not is_mark(value):
            value = round(float(value))
            self.bound(weights, value, value)
        elif value.startswith("<"):
            self.bound(weights, 0, FLOOR - 1)
        else:
            self.bound(weights, 0, most)

    def bound(self, weights, low, high):
        self.rows.append(np.asarray(weights, float))
        self.low.append(low)
        self.high.append(high)

    def find(self, weights):
        """Counts that fit everything shown and make a sum least."""
        rows, low, high = np.array(self.rows), np.array(self.low, float), np.array(self.high, float)
        same, finite = low == high, np.isfinite(high)
        above = np.vstack([rows[~same & finite], -rows[~same]])
        limits = np.concatenate([high[~same & finite], -low[~same]])
        out = linprog(
            np.asarray(weights, float),
            A_ub=above if len(above) else None,
            b_ub=limits if len(above) else None,
            A_eq=rows[same],
            b_eq=low[same],
            bounds=(0, None),
            integrality=1,
        )
        assert out.success, out.message
        return np.rint(out.x)

    def check(self, guarded, truth):
        """No small sum of the truth can be narrowed down: for each of them 1 or less fits, and 4 or more.

        Counts found for one sum often show it of another too: only where none does is it solved for.
        """
        checked, fitting = 0, []
        for weights in guarded:
            if 0 < weights @ truth < FLOOR:
                for sign, most in ((1, 1), (-1, 1 - FLOOR)):
                    if not any(sign * (weights @ counts) <= most for counts in fitting):
                        fitting.append(self.find(sign * weights))
                        assert sign * (weights @ fitting[-1]) <= most, (np.flatnonzero(weights), sign, fitting[-1])
                checked += 1
        return checked


# -- invented clinics --------------------------------------------------------------------------------------------------


def draw_visits(seed, n=None):
    """Treatment visits of a small clinic: some families rare, some nearly always given, sometimes one a visit."""
    rng = np.random.default_rng(seed)
    n = n or int(rng.integers(25, 160))
    levels = rng.choice([0.03, 0.1, 0.3, 0.6, 0.97], len(FAMILIES))
    given = rng.random((n, len(FAMILIES))) < levels
    if seed % 3 == 0:
        given[:] = np.eye(len(FAMILIES), dtype=bool)[rng.choice(len(FAMILIES), n, p=[0.5, 0.3, 0.15, 0.05])]
    given[~given.any(axis=1), 0] = True
    has = {name: given[:, i] for i, name in enumerate(FAMILIES)}
    return TreatmentVisits(np.arange(n), np.arange(n), has, dict(zip(FAMILIES, FAMILIES, strict=True)), 10, 0.95), rng


def use_of(seed):
    visits, rng = draw_visits(seed)
    n = visits.n
    where = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    who = np.minimum(rng.geometric(0.45, n) - 1, 3)
    number = rng.choice(9, n, p=[0.3, 0.2, 0.1, 0.1, 0.08, 0.06, 0.04, 0.02, 0.1]) - 1
    pairs, code = np.unique(where * 4 + who, return_inverse=True)
    names = [(f"C{p // 4}", f"P{p % 4}") for p in pairs]
    quarter = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    first = 1 + rng.geometric(0.5, (n, 4)) * (rng.random((n, 4)) < 0.2)
    first = np.where(rng.random((n, 4)) < rng.choice([0.02, 0.3]), NEVER, first)
    paths = care_pathway.Paths(np.arange(n), np.arange(n), 1 + rng.poisson(3, n), first)
    table = modality_shares.family_table
    modalities = modality_shares.whole_table(visits).rename(columns={"family": "modality"})
    use = fakes.FakeUse(
        table(visits, quarter, [(f"2025Q{q + 1}",) for q in range(4)], ["quarter"]),
        summary={"n": n, "n_patients": n},
        families=modality_shares.whole_table(visits),
        modalities=modalities.assign(family=modalities["modality"], stage="relax"),
        by_visit=table(visits, number, [(str(i),) for i in range(1, 9)], ["visit"]),
        by_clinic=table(visits, where, [(f"C{i}",) for i in range(3)], ["clinic_id"]),
        by_clinician=table(visits, code, names, ["clinic_id", "clinician_id"]),
        first_treatment=modality_shares.whole_table(visits),
        co_use=modality_bundles.co_use_table(visits),
        bundles=modality_bundles.bundle_table(visits),
        pathway=care_pathway.path_table(paths, 10, 0.95),
        stages=care_pathway.stage_table(paths, 10, 0.95),
        stage_order=care_pathway.order_table(paths, 10, 0.95),
    )
    return use, visits, paths


WORLDS = [pytest.param(seed, marks=[] if seed in (0, 1, 2, 5) else pytest.mark.slow) for seed in range(8)]
"""In the normal run one clinic that gives one family a visit, and three that give several."""


@pytest.fixture(scope="module", params=WORLDS)
def world(request):
    use, visits, paths = use_of(request.param)
    return use, protect_result(use, FLOOR), visits, paths


# -- groups ------------------------------------------------------------------------------------------------------------


def read_groups(found, keys, total, families):
    """Everything a table of groups says, and the counts behind it: sizes and cells, with one group of what is left."""
    names = list(dict.fromkeys(zip(*(found[k] for k in keys), strict=True)))
    width, size = len(FAMILIES) + 1, (len(names) + 1) * (len(FAMILIES) + 1)
    reader = Reader(size)

    def one(group, column):
        weights = np.zeros(size)
        weights[group * width + column] = 1
        return weights

    def every(column):
        return sum(one(g, column) for g in range(len(names) + 1))

    reader.say(every(0), total)
    for row in families.to_dict("records"):
        reader.say(every(1 + FAMILIES.index(row["family"])), row["events"])
    for row in found.to_dict("records"):
        g, f = names.index(tuple(row[k] for k in keys)), 1 + FAMILIES.index(row["family"])
        reader.say(one(g, 0), row["n"])
        reader.say(one(g, f), row["events"])
        if not is_mark(row["estimate"]) and row["estimate"] == row["estimate"]:
            assert not is_mark(row["events"]) and not is_mark(row["n"])
    for g in range(len(names) + 1):
        reader.bound(sum(one(g, f) for f in range(1, width)) - one(g, 0), 0, np.inf)
        for f in range(1, width):
            reader.bound(one(g, 0) - one(g, f), 0, np.inf)
    return reader, names, one


def truth_of(full, keys, names, total, families):
    width = len(FAMILIES) + 1
    truth = np.zeros((len(names) + 1, width))
    for row in full.to_dict("records"):
        g = names.index(tuple(row[k] for k in keys))
        truth[g, 0], truth[g, 1 + FAMILIES.index(row["family"])] = row["n"], row["events"]
    truth[-1] = [total, *(families.set_index("family")["events"][f] for f in FAMILIES)] - truth.sum(axis=0)
    return truth.ravel()


def guards_of(names, one):
    width = len(FAMILIES) + 1
    for g in range(len(names) + 1):
        yield one(g, 0)
        for f in range(1, width):
            yield one(g, f)
            yield one(g, 0) - one(g, f)


@pytest.mark.parametrize(("name", "keys"), [("table", ["quarter"]), ("by_visit", ["visit"])])
def test_groups_cannot_be_worked_out_from_their_totals(world, name, keys):
    use, found, visits, _ = world
    table = getattr(found, name)
    reader, names, one = read_groups(table, keys, visits.n, found.families)
    truth = truth_of(getattr(use, name), keys, names, visits.n, use.families)
    assert (truth >= 0).all()
    checked = reader.check(guards_of(names, one), truth)
    events = getattr(use, name)["events"]
    assert checked or not ((events > 0) & (events < FLOOR)).any()


def test_clinicians_cannot_be_worked_out_from_their_clinic(world):
    use, found, visits, _ = world
    keys = ["clinic_id", "clinician_id"]
    reader, names, one = read_groups(found.by_clinician, keys, visits.n, found.families)
    guarded = list(guards_of(names, one))
    for row in found.by_clinic.to_dict("records"):
        own = [g for g, name in enumerate(names) if name[0] == row["clinic_id"]]
        n, x = (sum(one(g, c) for g in own) for c in (0, 1 + FAMILIES.index(row["family"])))
        reader.say(n, row["n"])
        reader.say(x, row["events"])
        guarded += [n, x, n - x]
    assert reader.check(guarded, truth_of(use.by_clinician, keys, names, visits.n, use.families))


def test_of_too_many_clinicians_to_look_at_together_none_is_numbered(world, monkeypatch):
    use, found, visits, _ = world
    monkeypatch.setattr(use_disclosure, "MOST_CLINICIANS", 2)
    many = use_disclosure.protect_use(use, FLOOR)
    for name in ("n", "events"):
        assert (many.by_clinician[name] == HIDDEN).all()
    for name in ("estimate", "conf_low", "conf_high"):
        assert not pd.to_numeric(many.by_clinician[name], errors="coerce").notna().any()
    reader, names, one = read_groups(many.by_clinic, ["clinic_id"], visits.n, many.families)
    assert reader.check(guards_of(names, one), truth_of(use.by_clinic, ["clinic_id"], names, visits.n, use.families))
    assert many.table.equals(found.table)


def test_hiding_the_small_cells_alone_would_not_do():
    use = use_of(3)[0]
    table = use.by_clinic.copy()
    small = (table["events"] > 0) & (table["events"] < FLOOR)
    assert small.any()
    for name, mark in (("events", "<5"), ("estimate", HIDDEN)):
        table[name] = table[name].astype(object).mask(small, mark)
    n = int(use.families["n"].iloc[0])
    reader, names, one = read_groups(table, ["clinic_id"], n, use.families)
    truth = truth_of(use.by_clinic, ["clinic_id"], names, n, use.families)
    with pytest.raises(AssertionError):
        reader.check(guards_of(names, one), truth)


# -- pairs and sets of families ----------------------------------------------------------------------------------------


def sets_of(visits):
    """All sets of families and how often each was given."""
    k = len(FAMILIES)
    sets = (np.arange(1, 1 << k)[:, None] >> np.arange(k) & 1).astype(bool)
    bits = sum(visits.has[f].astype(int) << i for i, f in enumerate(FAMILIES))
    return sets, np.bincount(bits, minlength=1 << k)[1:]


def test_pairs_cannot_be_worked_out_from_their_margins(world):
    _, found, visits, _ = world
    sets, truth = sets_of(visits)
    has = {f: sets[:, i].astype(float) for i, f in enumerate(FAMILIES)}
    reader = Reader(len(sets))
    reader.say(np.ones(len(sets)), visits.n)
    guarded = [*has.values(), *(1 - h for h in has.values())]
    for row in found.first_treatment.to_dict("records"):
        reader.say(has[row["family"]], row["events"])
    for row in found.co_use.to_dict("records"):
        a, b = has[row["family"]], has[row["other_family"]]
        cells = {"n_both": a * b, "n_one": a * (1 - b), "n_other": (1 - a) * b, "n_neither": (1 - a) * (1 - b)}
        for name, weights in cells.items():
            reader.say(weights, row[name])
        reader.say(cells["n_one"] + cells["n_other"], row["n_discordant"])
        if any(is_mark(row[name]) for name in cells):
            assert is_mark(row["phi"]) or row["phi"] != row["phi"]
        guarded += cells.values()
    small = reader.check(guarded, truth)
    assert small or not ((truth > 0) & (truth < FLOOR)).any()


def test_sets_cannot_be_worked_out_from_the_families(world):
    use, found, visits, _ = world
    sets, truth = sets_of(visits)
    has = {f: sets[:, i].astype(float) for i, f in enumerate(FAMILIES)}
    reader, others, guarded = Reader(len(sets)), np.ones(len(sets)), []
    reader.say(np.ones(len(sets)), visits.n)
    for row in found.families.to_dict("records"):
        reader.say(has[row["family"]], row["events"])
    for row in found.bundles.to_dict("records"):
        ids = row["bundle"].split("+")
        if row["bundle"] == modality_bundles.OTHER:
            weights = others
        else:
            weights = (sets == [f in ids for f in FAMILIES]).all(axis=1).astype(float)
            others = others - weights
        reader.say(weights, row["events"])
        guarded.append(weights)
    if found.bundles["bundle"].iloc[-1] != modality_bundles.OTHER:
        reader.bound(others, 0, 0)  # what is not listed did not occur
    checked = reader.check(guarded, truth)
    assert checked or not ((use.bundles["events"] > 0) & (use.bundles["events"] < FLOOR)).any()


# -- paths -------------------------------------------------------------------------------------------------------------


def test_paths_cannot_be_worked_out_from_how_often_the_order_was_kept(world):
    use, found, _, paths = world
    ranks = np.array(list_ranks(4))
    reader, others, guarded = Reader(len(ranks)), np.ones(len(ranks)), []
    reader.say(np.ones(len(ranks)), len(paths.rows))
    place = {care_pathway.spell_path(rank): i for i, rank in enumerate(ranks.tolist())}
    for row in found.pathway.to_dict("records"):
        weights = others
        if row["path"] != care_pathway.OTHER:
            weights = np.zeros(len(ranks))
            weights[place[row["path"]]] = 1
            others = others - weights
        reader.say(weights, row["events"])
        guarded.append(weights)
    for row in found.stage_order.to_dict("records"):
        of, kept = judge_ranks(ranks, row["earlier"], row["later"])
        reader.say(of, row["n"])
        reader.say(of & kept, row["events"])
        guarded += [of.astype(float), (of & kept).astype(float), (of & ~kept).astype(float)]
    truth = np.bincount([place[care_pathway.spell_path(r)] for r in care_pathway._rank(paths.first).tolist()],
                        minlength=len(ranks))  # fmt: skip
    assert truth @ np.ones(len(ranks)) == use.pathway["n"].iloc[0]
    reader.check(guarded, truth)


def test_orders_are_listed_and_read_back():
    ranks = list_ranks(4)
    assert len(ranks) == 150  # 1, 4 of one stage, 6 * 3 of two, 4 * 13 of three, 75 of all four
    for rank in ranks:
        assert read_path(care_pathway.spell_path(rank)) == list(rank)


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_large_numbers_are_left_alone():
    use = fakes.modality_use()
    found = protect_result(use, FLOOR)
    for name in ("families", "by_clinic", "first_treatment", "co_use", "bundles", "pathway"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(use, name))


def test_a_modality_is_not_its_family_less_the_others():
    use = fakes.modality_use()
    rows = [("massage", 97), ("stretching", 40), ("cupping", 3)]
    modalities = pd.DataFrame(
        [(m, m, "manual_soft_tissue", "relax", 200, x) for m, x in rows],
        columns=["modality", "label", "family", "stage", "n", "events"],
    )
    families = use.families.assign(n=200, events=[140, 90, 80, 70, 60, 50, 40, 30, 20])
    found = protect_result(dataclasses.replace(use, modalities=fakes.add_limits(modalities), families=families), FLOOR)
    assert found.modalities["events"].tolist() == [97, HIDDEN, HIDDEN]  # 140 - 97 - 40 would be 3


def test_same_visit_of_a_family_is_not_all_less_the_few_without_it():
    same = fakes.same_visit()
    table = same.table.copy()
    table.loc[1, ["n", "events"]] = [table.loc[0, "n"] - 50, table.loc[0, "events"] - 3]
    table.loc[2, "events"] = 4
    table.loc[3, "patients"] = 3
    found = protect_result(dataclasses.replace(same, table=table), FLOOR).table
    for i in (1, 2, 3):
        assert all(is_mark(found.loc[i, name]) for name in ("share", "before", "after", "estimate", "conf_low"))
    assert found.loc[2, "events"] == "<5" and found.loc[1, "events"] == HIDDEN
    assert not is_mark(found.loc[4, "estimate"])
    pd.testing.assert_series_equal(found.loc[0].astype(object), table.loc[0].astype(object))


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([300, 200, 150], []),
        ([396, 200, 150], [0]),  # four visits without it
        ([396, 397, 150], [0, 1]),
        ([395, 200, 150], []),
        ([2, 300, 150], [0]),
        ([3, 300, 98], [0, 2]),  # every visit has one: of 400 less 300 and 98 the first has two or more
    ],
)
def test_visits_with_a_family_are_hidden_where_few_are_with_it_or_without_it(counts, hidden):
    same = fakes.same_visit()
    table = same.table.iloc[:4].copy()
    table["n"] = [400, *counts]
    found = protect_result(dataclasses.replace(same, table=table), FLOOR).table
    assert [i for i in range(3) if is_mark(found["n"].iloc[i + 1])] == hidden
    for name in ("share", "estimate", "patients"):
        assert [i for i in range(3) if is_mark(found[name].iloc[i + 1])] == hidden


def test_an_export_with_less_than_the_floor_shows_nothing():
    visits, _ = draw_visits(1, n=4)
    use = fakes.modality_use()
    whole = modality_shares.whole_table(visits)
    few = dataclasses.replace(use, families=whole, first_treatment=whole, co_use=modality_bundles.co_use_table(visits))
    few = dataclasses.replace(few, **{n: getattr(few, n).iloc[:0] for n in ("table", "by_visit", "bundles", "pathway")},
                              modalities=use.modalities.iloc[:0], by_clinic=None, summary={"n": 4})  # fmt: skip
    found = protect_result(few, FLOOR)
    assert found.summary["n"] == "<5"
    assert all(is_mark(value) for value in found.families["n"])
    assert all(is_mark(value) for name in ("n", "n_both", "n_neither") for value in found.co_use[name])


def test_of_more_families_than_can_be_listed_those_of_the_sets_alone_are_looked_at():
    """Rare families counted together have no total of their own, and nothing is known of how many they are."""
    events = {f"f{i}": 100.0 - i for i in range(modality_bundles.MOST_FAMILIES + 1)}
    totals = Totals(400.0, events, dict.fromkeys(events, True), True)
    rows = [("f0", 60), ("f0+rare", 7), (modality_bundles.OTHER, 333)]
    board = bundle_board(pd.DataFrame(rows, columns=["bundle", "events"]), totals, FLOOR)
    # Sets of f0 and the rare ones: one, the other, both.
    assert board.published.weights.shape[1] == 3
    assert board.published.values.tolist() == [60.0, 7.0, 333.0]
    # All visits, and those with f0, are known; of the rare ones no total is.
    assert board.known.values.tolist() == [400.0, 100.0]
    few = Totals(400.0, {"f0": 100.0}, {"f0": True}, True)
    assert bundle_board(pd.DataFrame(rows, columns=["bundle", "events"]), few, FLOOR).known.values.tolist() == [
        400,
        100,
    ]


def test_of_each_pair_of_families_four_parts_are_guarded_and_make_the_whole():
    """Both, one alone, the other alone, neither: each set of families is in one of them, in neither what is left."""
    one, other = np.array([0, 0, 1]), np.array([1, 2, 2])
    pairs = Pairs(["a", "b", "c"], one, other, np.array([20.0, 10, 12]), np.array([40.0, 30, 25]), 60.0)
    guarded = pair_board(pairs, FLOOR).guarded
    parts = guarded.weights[6:].reshape(3, 4, 7)  # after each family with and without
    assert (parts.sum(axis=1) == 1).all()
    assert guarded.values[6:].reshape(3, 4).tolist() == [[20, 20, 10, 10], [10, 30, 15, 5], [12, 18, 13, 17]]
    sets = [{name for name, bit in zip("abc", (1, 2, 4), strict=True) if number & bit} for number in range(1, 8)]
    for number, (i, j) in enumerate(zip("aab", "bcc", strict=True)):
        assert parts[number, 0].tolist() == [float({i, j} <= own) for own in sets]
        assert parts[number, 3].tolist() == [float(not {i, j} & own) for own in sets]
