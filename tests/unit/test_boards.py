"""What is laid out for hiding: every sum of a board holds of its counts, and what is small is not shown."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from outcomes.questions import care_pathway
from outcomes.questions.modality_bundles import OTHER as OTHER_BUNDLES
from outcomes.release.group_boards import FAMILY_TAG, Grouped, Totals, group_board
from outcomes.release.modality_boards import IN_CONCORDANT, class_board, size_board
from outcomes.release.use_boards import (
    Pairs,
    bundle_board,
    family_sets,
    judge_ranks,
    list_ranks,
    pair_board,
    path_board,
)

FLOOR = 5


def check(board, counts, published, known, guarded):
    """Every sum holds of the counts the board is made of, and there are so many of each kind."""
    x = np.array(counts, dtype=float)
    for sums, values in ((board.published, published), (board.known, known), (board.guarded, guarded)):
        np.testing.assert_array_equal(sums.weights @ x, sums.values)
        assert sums.values.tolist() == values
        assert ((sums.weights == 0) | (sums.weights == 1)).all() and len(sums.tags) == len(values)
    assert (board.never_negative @ x >= 0).all()


# -- families ----------------------------------------------------------------------------------------------------------

# How often each set was given: a, b, ab, c, ac, bc, abc.
COUNTS = np.array([20, 12, 9, 6, 3, 7, 2])
HAS = np.array([[name in own for own in ("a", "b", "ab", "c", "ac", "bc", "abc")] for name in "abc"])


def test_sets_of_families_are_all_but_the_empty_one():
    assert family_sets(3).T.tolist() == HAS.tolist()
    assert family_sets(1).tolist() == [[True]]


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        (COUNTS, [True] * 6),
        ([20, 12, 9, 6, 0, 5, 0], [True] * 3 + [True, True, True]),  # none of a and c: nobody is told
        ([20, 12, 9, 6, 4, 7, 0], [True] * 3 + [True, False, True]),  # four of a and c
        ([20, 12, 9, 6, 5, 7, 0], [True] * 6),
        ([20, 0, 9, 3, 3, 7, 2], [True] * 3 + [False, True, True]),  # three of neither a nor b
        ([40, 2, 9, 2, 3, 0, 2], [False, True, True, False, False, False]),  # four without a
        ([40, 3, 9, 2, 3, 0, 2], [True, True, True, False, False, False]),  # five without a, of whom three have b
    ],
)
def test_pairs_are_the_visits_with_both_and_a_pair_with_a_small_part_is_not_shown(counts, shown):
    x = np.array(counts)
    n, own = int(x.sum()), (HAS @ x).tolist()
    rows = []
    for i, j in itertools.combinations(range(3), 2):
        both = int((HAS[i] & HAS[j]) @ x)
        rows.append(("abc"[i], "abc"[j], both, own[i] - both, own[j] - both, n))
    table = pd.DataFrame(rows, columns=["family", "other_family", "n_both", "n_one", "n_other", "n"])
    board = pair_board(Pairs.of(table), FLOOR)
    parts = [part for _, _, both, one, other, _ in rows for part in (both, one, other, n - both - one - other)]
    check(board, x, [*own, *(row[2] for row in rows)], [n], [*own, *(n - v for v in own), *parts])
    small = [0 < n - v < FLOOR for v in own]
    small += [any(0 < v < FLOOR for v in parts[4 * i : 4 * i + 4]) for i in range(3)]
    assert board.shown.tolist() == [not one for one in small] == shown
    # A pair is as near to each of its families as these to themselves, and to the third not at all.
    near = board.published.tags @ board.published.tags.T
    assert near[3:, :3].tolist() == [[1, 1, 0], [1, 0, 1], [0, 1, 1]] and near[0, :3].tolist() == [1, 0, 0]


@pytest.mark.parametrize("is_listed", [True, False])
def test_sets_and_all_others_add_up_to_the_families(is_listed):
    x = COUNTS if is_listed else np.array([20, 12, 9, 0, 0, 0, 0])
    n, own = float(x.sum()), (HAS @ x).astype(float).tolist()
    events = {name: v for name, v in zip("abc", own, strict=True) if v}
    totals = Totals(n, events, {"a": True, "b": False, "c": True}, True)
    rest = n - 41.0
    rows = [("a", 20), ("b", 12), ("a+b", 9), *([(OTHER_BUNDLES, rest)] if is_listed else [])]
    board = bundle_board(pd.DataFrame(rows, columns=["bundle", "events"]), totals, FLOOR)
    listed = [20.0, 12.0, 9.0, *([rest] if is_listed else [])]
    left = [(own[i] - [29, 21, 0][i], rest - own[i] + [29, 21, 0][i]) for i in range(3 if is_listed else 2)]
    known = [n, own[0], own[2]] if is_listed else [n, 0.0, own[0]]
    guarded = [*listed, *(value for pair in left for value in pair)]
    check(board, x if is_listed else x[:3], [*listed, own[1]], known, guarded)
    # The total that is hidden already is no number of this board, the sets are.
    assert board.shown.tolist() == [True] * len(listed) + [False]
    near = board.published.tags @ board.published.tags.T
    assert near[0, 2] == near[1, 2] == 1 and near[0, 1] == 0 and near[2, 2] == 3


# -- orders ------------------------------------------------------------------------------------------------------------

RANKS = list_ranks(4)


def plain_judge(rank, earlier, later):
    """Whether a rule is judged in an order, and kept."""
    if earlier == care_pathway.WHOLE:
        had = [step for step in rank if step >= 0]
        return len(had) > 1, had == sorted(had)
    i, j = (list(care_pathway.STAGES).index(name) for name in (earlier, later))
    return rank[i] >= 0 and rank[j] >= 0, rank[i] <= rank[j]


RULES = [("identify", "relax"), ("relax", "rehab"), ("circulate", "rehab"), (care_pathway.WHOLE, care_pathway.WHOLE)]


@pytest.mark.parametrize(("earlier", "later"), RULES)
def test_a_rule_is_judged_where_both_stages_came_and_all_where_two_did(earlier, later):
    of, kept = judge_ranks(np.array(RANKS), earlier, later)
    plain = [plain_judge(rank, earlier, later) for rank in RANKS]
    assert of.tolist() == [judged for judged, _ in plain]
    assert (of & kept).tolist() == [judged and is_kept for judged, is_kept in plain]


@pytest.mark.parametrize(("n_listed", "few"), [(4, 9), (4, 4), (4, 0), (9, 9)])
def test_orders_and_how_often_a_rule_was_kept_are_sums_of_orders(n_listed, few):
    names = ["identify > relax", "relax+circulate", "none", "rehab > relax", "circulate", "rehab > identify",
             "identify > relax > rehab", "circulate > rehab", "relax > identify"]  # fmt: skip
    x = np.zeros(len(RANKS))
    place = {care_pathway.spell_path(rank): i for i, rank in enumerate(RANKS)}
    for name, size in zip(names, (30, 20, 15, few, 8, 7, 4, 3, 2), strict=True):
        x[place[name]] = size
    n = x.sum()
    paths = [(name, x[place[name]]) for name in names[:n_listed]]
    paths += [(care_pathway.OTHER, n - sum(size for _, size in paths))] if n_listed < 9 else []
    order, judged = [], []
    for rule in RULES:
        both = np.array([plain_judge(rank, *rule) for rank in RANKS])
        judged.append((both[:, 0], both[:, 0] & both[:, 1]))
        order.append((*rule, judged[-1][0] @ x, judged[-1][1] @ x))
    board = path_board(
        pd.DataFrame(paths, columns=["path", "events"]).assign(n=n),
        pd.DataFrame(order, columns=["earlier", "later", "n", "events"]),
        FLOOR,
    )
    listed = np.isin(np.arange(len(x)), [place[name] for name in names[:n_listed]])
    parts = [
        part for of, kept in judged for flags in (of, kept, of & ~kept) for part in (flags @ x, (flags & ~listed) @ x)
    ]
    sizes, events = [row[2] for row in order], [row[3] for row in order]
    known = [n] if n_listed < 9 else [n, 0.0]
    check(board, x, [*(size for _, size in paths), *sizes, *events], known, [*(size for _, size in paths), *parts])
    is_few = [0 < size < FLOOR for size in sizes]
    is_small = [one or 0 < size - own < FLOOR for one, size, own in zip(is_few, sizes, events, strict=True)]
    hidden = [False] * len(paths) + is_few + is_small
    assert board.shown.tolist() == [not one for one in hidden]
    assert any(is_small) == any(0 < size - own < FLOOR for size, own in zip(sizes, events, strict=True)) | any(is_few)


# -- arms --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [[[40, 30], [20, 7]], [[3, 30], [1, 60]], []])
@pytest.mark.parametrize("is_whole_known", [True, False])
def test_arms_are_their_units_and_what_was_set_aside(units, is_whole_known):
    cells = np.array(units or [[60, 37]], dtype=float)
    always, never, few, few_of_others = 6.0, 8.0, 2.0, 1.0
    n_with, n_without = cells.sum(axis=0).tolist()
    values = {"n_with": n_with, "n_without": n_without, "set_aside_always": always, "set_aside_never": never,
              "set_aside_few": few + few_of_others}  # fmt: skip
    whole = (n_with + always + few, n_without + never + few_of_others) if is_whole_known else None
    board = size_board(values, np.array(units, dtype=float).reshape(-1, 2), whole, FLOOR)
    told = (n_with >= FLOOR, n_without >= FLOOR)  # of the units of a small arm nothing but that is said
    rows = [*values.values(), *(size * told[j] for unit in units for j, size in enumerate(unit))]
    known = [sum(values.values()), *(whole or ())]
    rests = [always + few, never + few_of_others] if whole else []
    check(board, [*cells.ravel(), always, never, few, few_of_others], rows, known, [*rows, *rests])
    assert board.shown.all()
    near = board.published.tags @ board.published.tags.T
    assert near[0, :5].tolist() == [1, 0, 1, 0, 1] and near[1, :5].tolist() == [0, 1, 0, 1, 1]
    if units:  # a unit's two arms are as near to each other as to the same arm of another
        assert near[5, 5:].tolist() == [2, 1, 1, 0]


def test_classes_of_concordance_are_guarded_by_those_relieved_and_not():
    names = ["exact", "group", "umbrella", "adjacent", "same_region", "none", "unspecific", "known_mismatch",
             "clinic_example"]  # fmt: skip
    rng, counts, n, events = np.random.default_rng(4), [], dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for name in names[:7]:
        for relieved in (False, True):
            for part in range(1 if name in IN_CONCORDANT else 3):
                size = int(rng.integers(0, 20)) if name != "umbrella" else 2
                counts.append(size)
                for own in (name, *["known_mismatch"] * (part >= 1), *["clinic_example"] * (part == 2)):
                    n[own] += size
                    events[own] += size * relieved
    sums = {"n_known": sum(n[name] for name in names[:6]), "n_concordant": sum(n[name] for name in names[:3]),
            "n_discordant": sum(n[name] for name in names[3:6])}  # fmt: skip
    summary = {**sums, "n": sum(n[name] for name in names[:7]), "n_events": sum(events[name] for name in names[:7])}
    table = pd.DataFrame({"class": names, "n": n.values(), "events": events.values()})
    board = class_board(table, summary, FLOOR)
    told = [name for name in names if not 0 < n[name] < FLOOR]
    assert "umbrella" not in told and len(told) == 8
    rows = [*n.values(), *(events[name] * (name in told) for name in names), *sums.values()]
    check(board, counts, rows, [summary["n"], summary["n_events"]], [*rows, *(n[name] - events[name] for name in told)])
    near = board.published.tags @ board.published.tags.T
    assert near[18, :9].tolist() == [1] * 6 + [0] * 3 and near[19, :9].tolist() == [1] * 3 + [0] * 6


# -- groups ------------------------------------------------------------------------------------------------------------


def grouped(sizes, keys, families="ab"):
    rows = [(*key, f, n, own[f]) for key, (n, own) in sizes.items() for f in families]
    return Grouped.of(pd.DataFrame(rows, columns=[*keys, "family", "n", "events"]), list(keys), list(families))


FINE = {
    ("C1", "x"): (40, {"a": 30, "b": 20}),
    ("C1", "y"): (30, {"a": 20, "b": 27}),
    ("C2", "z"): (4, {"a": 4, "b": 0}),
    ("C2", "v"): (50, {"a": 25, "b": 40}),
    ("C2", "w"): (21, {"a": 9, "b": 18}),
}
TOTALS = Totals(159.0, {"a": 95.0, "b": 112.0}, {"a": True, "b": False}, True)


def test_groups_clinics_and_families_add_up_and_a_small_group_takes_another_with_it():
    """Fourteen visits are in no group; nothing is said of a group of four, nor of the smallest other of its clinic."""
    clinics = {("C1",): (70, {"a": 50, "b": 47}), ("C2",): (75, {"a": 38, "b": 58})}
    board = group_board(grouped(FINE, ["clinic", "who"]), grouped(clinics, ["clinic"]), TOTALS, FLOOR)
    x = [v for n, own in (*FINE.values(), (14, {"a": 7, "b": 7})) for v in (n, own["a"], own["b"])]
    sizes = [float(n) for n, _ in FINE.values()]
    cells = [float(v) for _, own in FINE.values() for v in own.values()]
    of_clinics = [70.0, 75.0, 50.0, 47.0, 38.0, 58.0]
    guards = [part for n, own in (*FINE.values(), (14, {"a": 7, "b": 7}), *clinics.values(), (159, TOTALS.events))
              for part in (n, own["a"], n - own["a"], own["b"], n - own["b"])]  # fmt: skip
    check_weights = board.guarded.weights.copy()
    assert set(np.unique(check_weights)) <= {-1.0, 0.0, 1.0}
    np.testing.assert_array_equal(check_weights @ np.array(x), guards)
    for sums, values in ((board.published, [*sizes, *cells, *of_clinics, 112.0]), (board.known, [159.0, 95.0])):
        np.testing.assert_array_equal(sums.weights @ np.array(x), values)
        assert sums.values.tolist() == values
    assert (board.never_negative @ np.array(x) >= 0).all() and len(board.never_negative) == 6 * 3
    # z is of four, and w, the smaller of the two others, goes with it; of y three have no b.
    hidden = {("C1", "y"): "b", ("C2", "z"): "nab", ("C2", "w"): "nab"}
    shown = [key not in hidden or "n" not in hidden[key] or key == ("C2", "z") for key in FINE]
    shown += [f not in hidden.get(key, "") for key in FINE for f in "ab"]
    assert board.shown.tolist() == [*shown, True, True, True, True, True, True, False]
    tags = board.published.tags
    own = tags[5]  # the cell of x with a: nearest itself, then the same family elsewhere, then its own group
    assert [float(own @ tags[i]) for i in (5, 7, 6, 0, 1)] == [1 + FAMILY_TAG**2, FAMILY_TAG**2, 1.0, 1.0, 0.0]


@pytest.mark.parametrize(("n", "shown"), [(112, True), (115, False), (116, False), (117, True)])
def test_a_familys_total_is_shown_unless_few_are_without_it(n, shown):
    table = pd.DataFrame({"family": ["a", "b"], "n": [n, n], "events": [95, 112]})
    found = Totals.of(table, FLOOR)
    assert (found.n, found.events) == (n, {"a": 95.0, "b": 112.0}) and found.shown == {"a": True, "b": shown}
    assert found.of_family("b") == 112.0 and found.of_family("z") == 0.0
    assert Totals.of(table.iloc[:0], FLOOR).n == 0.0
