"""What a public release shows of small numbers, and the proof behind it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from outcomes.errors import ConservationError, DisclosureError
from outcomes.release.public import protect, prove
from outcomes.release.public.attack import attack
from outcomes.release.public.attack_files import read_curves, read_tables
from outcomes.release.public.curve_points import choose_groups, choose_points, make_arm, read_quantile, round_limits
from outcomes.release.public.curves import protect_family_curves
from outcomes.release.public.labels import merge_labels
from outcomes.release.public.model import HIDDEN_CELL, RULES, Cohort, CountCurve, CountTable, PublicRules
from outcomes.release.public.protect import protect_release
from outcomes.release.public.prove import find_weak
from outcomes.release.public.rounding import find_bounds, round_counts
from outcomes.release.public.system import System

COHORT = Cohort("patients", "patients", "d")
LARGE = 400


def table(counts: list[list[int]], name: str = "t", ordered: bool = False, cohort: Cohort = COHORT) -> CountTable:
    array = np.array(counts, dtype=np.int64)
    rows = tuple(f"{10 * i} to {10 * i + 9} days" for i in range(array.shape[0]))
    return CountTable(name, cohort, rows, tuple("abcdef"[: array.shape[1]]), array, ordered)


def curve(new_events: list[int], lost: int = 0, group: str = "all", patients: int | None = None) -> CountCurve:
    events = np.array(new_events, dtype=np.int64)
    n = patients if patients is not None else int(events.sum()) + 40
    at_risk = n - np.cumsum(events) - lost * np.arange(1, events.size + 1)
    share = np.cumsum(events) / n
    days = 7 * np.arange(1, events.size + 1)
    return CountCurve("relief", COHORT, group, days, events, at_risk, share, share * 0.8, share * 1.1, n)


# -- boundaries (T-D6) --


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, 0), (1, -1), (7, -1), (8, -1), (10, -1), (11, 10), (12, 10), (13, 15), (17, 15), (18, 20), (22, 20)],
)
def test_a_count_beside_large_ones_is_hidden_below_eleven_and_rounded_from_there(count: int, shown: int) -> None:
    found = protect_release([table([[LARGE, LARGE, count], [LARGE, LARGE, LARGE]])]).tables[0]
    assert found.shown[0, 2] == shown


def test_the_threshold_comes_before_the_rounding() -> None:
    # 10 would round to 10, and 8 to 10: rounded first, neither would be below 10.
    found = protect_release([table([[LARGE, 10], [LARGE, 8]])]).tables[0]
    assert (found.shown[:, 1] == HIDDEN_CELL).all()


@pytest.mark.parametrize(("base", "count", "shown", "low", "high"), [
    (5, 12, 10, 11, 12), (5, 13, 15, 13, 17), (5, 100, 100, 98, 102), (10, 14, 10, 11, 14), (10, 15, 20, 15, 24),
    (1, 37, 37, 37, 37), (5, 0, 0, 0, 0),
])  # fmt: skip
def test_bounds_are_all_counts_that_round_to_the_number(base: int, count: int, shown: int, low: int, high: int) -> None:
    assert round_counts(count, base) == shown
    found = find_bounds(np.array([shown]), np.array([base]), np.array([count]), RULES.k)
    assert (found[0][0], found[1][0]) == (low, high)
    if shown:
        every = [n for n in range(RULES.k, 200) if round_counts(n, base) == shown]
        assert (every[0], every[-1]) == (low, high)


def test_a_complement_of_few_hides_the_share_too() -> None:
    found = protect_release([table([[200, 4], [300, 310]])]).tables[0]
    assert found.shown[0].tolist() == [HIDDEN_CELL, HIDDEN_CELL]
    assert found.row_totals[0] == 205


def test_nobody_is_not_said_of_a_small_group_but_of_a_large_one() -> None:
    found = protect_release([table([[20, 12, 0], [40, 45, 0], [200, 200, 90]])]).tables[0]
    assert found.shown[0, 2] == HIDDEN_CELL
    assert found.shown[1, 2] == 0


def test_everybody_is_not_said_of_a_small_group() -> None:
    found = protect_release([table([[25, 0], [300, 310]])]).tables[0]
    assert found.shown[0].tolist() == [HIDDEN_CELL, HIDDEN_CELL]


def test_a_state_nobody_has_is_zero_in_every_row() -> None:
    found = protect_release([table([[20, 15, 0], [200, 190, 0]])]).tables[0]
    assert found.shown[:, 2].tolist() == [0, 0]
    assert found.column_totals[2] == 0


def test_totals_are_one_number_in_every_table_of_the_cohort() -> None:
    one, other = table([[103, 201], [152, 77]], "one"), table([[88, 111], [98, 127], [69, 40]], "other")
    found = protect_release([one, other]).tables
    assert found[0].total == found[1].total == 535
    assert found[0].column_totals == found[1].column_totals == (255, 280)
    assert found[0].row_totals == (105 + 200, 150 + 75)


def test_rows_of_an_order_go_together_with_the_smaller_neighbour() -> None:
    counts = table([[90, 95], [4, 3], [50, 60], [80, 90]], ordered=True)
    found = protect_release([counts]).tables[0]
    assert found.rows == ("0 to 9 days", "10 to 29 days", "30 to 39 days")
    assert found.shown[1].tolist() == [55, 65]
    assert any("10 to 29 days" in reason for reason in found.reasons)


@pytest.mark.parametrize(("counts", "together", "hidden"), [
    ([[90, 95], [84, 73], [80, 90]], 0, 0), ([[90, 95], [4, 3], [80, 90]], 1, 0),
    ([[90, 95], [4, 3], [2, 1], [80, 90]], 2, 0), ([[90, 95], [40, 3], [80, 90]], 0, 2),
])  # fmt: skip
def test_an_audit_counts_the_rows_that_went_to_a_neighbour(counts: list[list[int]], together: int, hidden: int) -> None:
    audit = protect_release([table(counts, ordered=True)]).audit
    assert (audit.together, audit.hidden, audit.least_values) == (together, hidden, 5)
    assert (audit.coarse, audit.has_curves) == ((), False)


def test_a_row_that_stands_apart_is_put_together_with_none() -> None:
    counts = replace(table([[90, 95], [50, 60], [80, 90], [3, 4]], ordered=True),
                     rows=("0 to 9 days", "10 to 19 days", "20 days or more", "not recorded"))  # fmt: skip
    found = protect_release([counts]).tables[0]
    assert found.rows[-1] == "not recorded"
    assert found.shown[-1].tolist() == [HIDDEN_CELL, HIDDEN_CELL]


@pytest.mark.parametrize(("first", "last", "merged"), [
    ("0 to 14 days", "15 to 42 days", "0 to 42 days"), ("43 to 84 days", "85 days or more", "43 days or more"),
    ("50-69", "70 and over", "50 and over"), ("under 30", "30-49", "under 50"), ("30-49", "50-69", "30-69"),
    ("2025Q1", "2025Q2", "2025Q1 to 2025Q2"), ("2025Q1 to 2025Q2", "2025Q3", "2025Q1 to 2025Q3"),
    ("earlier", "2025Q1", "2025Q1 and earlier"), ("2025Q1 and earlier", "2025Q2", "2025Q2 and earlier"),
    ("earlier", "2025Q1 to 2025Q2", "2025Q2 and earlier"),
])  # fmt: skip
def test_rows_put_together_are_named_by_their_ends(first: str, last: str, merged: str) -> None:
    assert merge_labels(first, last) == merged


def test_a_sub_cohort_hangs_together_with_the_column_it_is() -> None:
    sub = Cohort("relieved", "relieved", "d", "t", "a")
    found = protect_release([table([[20, 8, 4]], "after", cohort=sub), table([[12, 100], [20, 90]])]).tables
    assert found[0].total == found[1].column_totals[0]
    assert [one.name for one in found] == ["after", "t"]


# -- refusals --


def test_fewer_than_eleven_patients_are_refused() -> None:
    with pytest.raises(DisclosureError, match="E921"):
        protect_release([table([[4, 6]])])


def test_tables_that_do_not_hold_the_same_patients_are_refused() -> None:
    with pytest.raises(ConservationError, match="E922"):
        protect_release([table([[100, 200]], "one"), table([[100, 201]], "other")])
    sub = Cohort("relieved", "relieved", "d", "one", "a")
    with pytest.raises(ConservationError, match="E922"):
        protect_release([table([[100, 200]], "one"), table([[60, 39]], "after", cohort=sub)])


def test_the_same_counts_give_the_same_numbers() -> None:
    tables = [table([[14, 30, 5], [22, 3, 9], [61, 40, 12]], ordered=True), table([[97, 73, 26]], "state")]
    one, other = (protect_release(tables) for _ in range(2))
    assert repr(one) == repr(other)


def test_a_message_names_no_count() -> None:
    with pytest.raises(DisclosureError) as refused:
        protect_release([table([[4, 5]])])
    assert "9" not in str(refused.value).replace("E921", "")


# -- the proof --


def small_system(rng: np.random.Generator) -> tuple[System, np.ndarray]:
    """A table of 2 x 3 cells, its totals printed with some slack, and a second table with the same column totals."""
    cells = rng.integers(1, 16, 6)
    rows, columns = cells.reshape(2, 3).sum(axis=1), cells.reshape(2, 3).sum(axis=0)
    exact = np.concatenate([cells, rows, columns])
    matrix = np.zeros((5, 11))
    for r in range(2):
        matrix[r, [3 * r, 3 * r + 1, 3 * r + 2]], matrix[r, 6 + r] = 1, -1
    for c in range(3):
        matrix[2 + c, [c, 3 + c]], matrix[2 + c, 8 + c] = 1, -1
    slack = rng.integers(0, 3)
    low, high = np.maximum(exact - rng.integers(0, slack + 1, 11), 0), exact + rng.integers(0, slack + 1, 11)
    hidden = np.flatnonzero(cells <= 10)
    low[hidden], high[hidden] = 1, 10
    zero = np.zeros(5, dtype=np.int64)
    return System(exact, low, high, sparse.csr_array(matrix), zero, zero), hidden


def count_values(system: System, target: int) -> int:
    """By trying everything: cells run over their bounds, totals follow."""
    spans = [np.arange(low, high + 1) for low, high in zip(system.low[:6], system.high[:6], strict=True)]
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*spans, indexing="ij")], axis=1).reshape(-1, 2, 3)
    totals = np.concatenate([grid.sum(axis=2), grid.sum(axis=1)], axis=1)
    fits = ((totals >= system.low[6:]) & (totals <= system.high[6:])).all(axis=1)
    return int(np.unique(grid.reshape(-1, 6)[fits, target]).size)


def test_the_proof_agrees_with_trying_everything() -> None:
    rng = np.random.default_rng(2)
    checked = weak_ones = 0
    while checked < 12:
        system, hidden = small_system(rng)
        if not hidden.size or np.prod((system.high - system.low + 1)[:6].astype(float)) > 20_000:
            continue
        weak = {one.place for one in find_weak(system, hidden, 5)}
        for target in hidden.tolist():
            assert (count_values(system, target) < 5) == (target in weak)
        checked += 1
        weak_ones += len(weak)
    assert weak_ones > 5


def test_the_solver_alone_finds_what_moves_find(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    cases = [small_system(rng) for _ in range(30)]
    with_moves = [find_weak(*case, 5) for case in cases]
    monkeypatch.setattr(prove, "walk", lambda system, *_: np.empty((0, system.exact.size), dtype=np.int64))
    alone = [find_weak(*case, 5) for case in cases]
    assert [{one.place for one in found} for found in with_moves] == [{one.place for one in found} for found in alone]


def test_a_truth_that_does_not_fit_is_no_proof() -> None:
    one = np.array([5])
    nothing = np.zeros(0, dtype=np.int64)
    system = System(one, one + 1, one + 2, sparse.csr_array((0, 1)), nothing, nothing)
    with pytest.raises(DisclosureError, match="E923"):
        find_weak(system, np.array([0]), 5)


def test_every_hidden_number_of_a_release_keeps_five_values() -> None:
    found = protect_release([table([[14, 6], [120, 11], [160, 5]]), table([[150, 12], [144, 10]], "u")]).tables
    attacked = attack(found)
    assert attacked
    assert all(one.enough for one in attacked)


# -- curves (D-14) --


def test_a_point_needs_eleven_events_before_and_eleven_patients_after() -> None:
    shown = protect_family_curves([curve([11, 5, 6, 10, 1, 12, 3], patients=58)], RULES, ()).shown[0]
    assert shown.days.tolist() == [7, 21, 35, 42]
    assert shown.new_events.tolist() == [10, 10, 10, 10]
    assert shown.at_risk.tolist() == [45, 35, 25, 15]
    fewer = protect_family_curves([curve([11, 5, 6, 10, 1, 12, 3], patients=55)], RULES, ()).shown[0]
    assert fewer.days.tolist() == [7, 21, 35]  # after day 42 ten are left


def test_a_curve_of_one_point_is_no_curve() -> None:
    assert protect_family_curves([curve([11, 3, 3, 3])], RULES, ()).shown == ()


def test_percents_are_whole_and_stand_inside_their_limits() -> None:
    shown = protect_family_curves([curve([30, 30, 30])], RULES, ()).shown[0]
    assert shown.percent.dtype == np.int64
    assert (shown.low_percent <= shown.percent).all()
    assert (shown.high_percent >= shown.percent).all()


def test_groups_have_points_at_common_days_only() -> None:
    groups = [curve([15, 4, 14, 14], group="x", patients=90), curve([3, 12, 15, 15], group="y", patients=90)]
    everybody = curve([18, 16, 29, 29], patients=180)
    shown = {one.group: one for one in protect_family_curves([everybody, *groups], RULES, ()).shown}
    assert shown["x"].days.tolist() == shown["y"].days.tolist()
    assert set(shown["x"].days.tolist()) <= set(shown["all"].days.tolist())


def test_a_group_is_not_told_by_what_the_others_leave() -> None:
    big, small = curve([30, 30, 30], group="x", patients=200), curve([2, 3, 1], group="y", patients=20)
    everybody = curve([32, 33, 31], patients=220)
    shown = {one.group for one in protect_family_curves([everybody, big, small], RULES, ()).shown}
    assert shown == {"all"}  # x beside all would give away y
    assert {one.group for one in protect_family_curves([big, small], RULES, ()).shown} == {"x"}


def test_patients_in_no_group_count_as_a_rest() -> None:
    everybody = make_arm(curve([32, 33, 31], patients=220))
    big = make_arm(curve([30, 30, 30], group="x", patients=200))
    assert choose_groups(everybody, {"x": big}, RULES) == ([], [])
    rest = make_arm(curve([12, 13, 14], patients=80))
    whole = make_arm(curve([42, 43, 44], patients=280))
    assert choose_groups(whole, {"x": big}, RULES)[0] == ["x"]
    assert choose_points([rest], RULES) == [0, 1, 2]


@pytest.mark.parametrize("count", [0, 1, 7, 8, 10, 11, 12, 13])
def test_a_point_of_a_curve_needs_11_events_and_11_at_risk_after_it(count) -> None:
    is_many = count >= 11
    # Events since the last point; who had none joins the next one.
    assert choose_points([make_arm(curve([20, count, 20], patients=200))], RULES) == ([0, 1, 2] if is_many else [0, 2])
    # Patients left behind the last point.
    assert choose_points([make_arm(curve([20, 20, 20], patients=60 + count))], RULES) == (
        [0, 1, 2] if is_many else [0, 1]
    )


def test_groups_of_more_patients_than_all_are_refused() -> None:
    with pytest.raises(ConservationError, match="E924"):
        protect_family_curves([curve([12, 12]), curve([20, 20], group="x")], RULES, ())


def test_limits_leave_the_number_of_patients_open() -> None:
    low, high = round_limits(0.5, 0.26, 0.74, 15, RULES)
    assert (low, high) != (26, 74)
    assert low <= 26 <= 74 <= high
    assert round_limits(0.5, 0.477, 0.523, 1800, RULES) == (47, 53)


def test_medians_need_22_patients_and_quartiles_44() -> None:
    shown = protect_family_curves([curve([30, 30, 30])], RULES, ()).shown[0]
    assert read_quantile(shown, 20, RULES) is None
    assert read_quantile(shown, 25, RULES) == 21
    assert read_quantile(shown, 25, RULES, 0.25) is None
    assert read_quantile(shown, 45, RULES, 0.2) == 7
    assert read_quantile(shown, 145, RULES, 0.95) is None
    half = replace(shown, percent=np.array([30, 50, 75]))
    assert read_quantile(half, 25, RULES) == half.days[1]


def test_what_a_curve_gives_away_counts_in_the_proof() -> None:
    # By day 7 as many events as column "a" has patients: that total is then known exactly, not within 2.
    tables = [table([[103, 97], [5, 95]]), table([[108, 192]], "state")]
    whole = curve([108, 50, 30], patients=300)
    with_curve = protect_release(tables, [whole])
    assert with_curve.entry["known"]
    assert all(one.enough for one in attack(with_curve.tables, with_curve.curves))


STATES = ("relief", "no_relief", "unknown")


def states(name: str, rows: tuple[str, ...], counts: list[list[int]], ordered: bool = False) -> CountTable:
    return CountTable(name, COHORT, rows, STATES, np.array(counts, dtype=np.int64), ordered)


def without_losses() -> tuple[CountTable, CountCurve]:
    """62 patients, 10 of them unknown; nobody lost until day 14, so 24 with relief and 38 left are all there are."""
    table = states("state", ("all",), [[35, 17, 10]])
    days, share = 7 * np.arange(1, 5), np.array([0.0, 24 / 62, 24 / 62, 24 / 62 + 38 / 62 * 11 / 37])
    counts = (days, np.array([0, 24, 0, 11]), np.array([62, 38, 36, 17]))
    return table, CountCurve("relief", COHORT, "all", *counts, share, share * 0.7, share * 1.2, 62)


def test_a_curve_without_losses_does_not_tell_what_a_table_hides() -> None:
    """Events and those left are a part of all: 62 or more, 60 printed of all, so 62; less 35 and 17, the hidden 10."""
    found = protect_release([without_losses()[0]], [without_losses()[1]])
    shown, drawn = found.tables[0], found.curves[0]
    assert shown.shown[0, 2] == HIDDEN_CELL
    least = 24 + int(drawn.at_risk[0]) - shown.base // 2  # whom a reader can take all to be at least
    most = int(shown.shown[0, 1]) + shown.base - 1 - shown.base // 2  # with no_relief
    assert least - 35 - most <= 10 - RULES.least_values + 1
    assert all(one.enough for one in attack(found.tables, found.curves))


def test_the_attack_takes_those_with_the_event_and_those_left_for_a_part_of_all() -> None:
    table, curve = without_losses()
    bare, drawn = protect_release([table]).tables, protect_family_curves([curve], RULES, ()).shown
    assert not [one for one in attack(bare, drawn, guess=True) if one.enough]
    assert all(one.enough for one in attack(bare, guess=True))


# -- the attack --


def test_the_attack_takes_a_total_less_the_others() -> None:
    exact = protect_release([table([[40, 60], [55, 70]])]).tables[0]
    bare = replace(
        exact, shown=np.array([[40, -1], [55, 70]]), base=1, row_totals=(47, 125), column_totals=(95, 77), total=172
    )
    found = {one.cell: one for one in attack([bare])}
    one = found["0 to 9 days / b"]
    assert (one.low, one.high, one.enough, one.way) == (7, 7, False, "total less the others")


def test_the_attack_takes_two_releases_apart() -> None:
    then = protect_release([table([[40, 60], [55, 70]])]).tables[0]
    now = replace(then, shown=np.where(then.shown == 60, 65, then.shown))
    found = [one for one in attack([now], earlier=[[then]]) if not one.enough]
    assert [(one.cell, one.way) for one in found] == [("0 to 9 days / b", "difference of two releases")]


def test_the_attack_sees_single_events_of_a_bare_curve() -> None:
    shown = protect_family_curves([curve([30, 30, 30])], RULES, ()).shown[0]
    bare = replace(shown, new_events=np.array([1, 2, 30]), percent=np.array([1, 3, 20]))
    assert [one.cell for one in attack([], [bare], rules=PublicRules(base=1)) if not one.enough][:2] == [
        "all / day 7",
        "all / day 14",
    ]


def test_tables_read_back_from_files_are_those_that_were_published() -> None:
    sub = Cohort("relieved", "relieved", "", "t", "a")
    cohort = replace(COHORT, words="patients", definition="")
    tables = [table([[40, 8], [55, 70], [61, 44]], cohort=cohort), table([[120, 36]], "after", cohort=sub)]
    found = protect_release(tables).tables
    rows = []
    for one in found:
        lines = [(r, one.shown[i], one.row_totals[i]) for i, r in enumerate(one.rows)]
        lines += [("total", np.array(one.column_totals), one.total)] if len(one.rows) > 1 else []
        for row, values, total in lines:
            for column, value in zip((*one.columns, "total"), (*values.tolist(), total), strict=True):
                text = "<11" if value == HIDDEN_CELL else str(value)
                rows.append(
                    {"table": one.name, "cohort": one.cohort.name, "row": row, "column": column, "patients": text}
                )
    read = read_tables(rows, {"t": 5, "after": 5}, {"relieved": ("t", "a")})
    for one, other in zip(found, read, strict=True):
        assert repr(replace(one, reasons=(), cohort=other.cohort)) == repr(other)
    assert repr(attack(read)) == repr(attack(found))


def test_curves_read_back_from_files_are_those_that_were_published() -> None:
    shown = protect_family_curves([curve([30, 30, 30], patients=145)], RULES, ()).shown[0]
    names = ("new_events", "at_risk", "percent", "low_percent", "high_percent")
    rows = [
        {"cohort": "patients", "group": "all", "day": str(day), **{n: str(getattr(shown, n)[i]) for n in names}}
        for i, day in enumerate(shown.days.tolist())
    ]
    assert repr(replace(read_curves(rows)[0], cohort=COHORT)) == repr(shown)


@pytest.mark.parametrize(
    ("name", "definition", "parts"),
    [("t", "d", ((0,), (1,), (2,))), ("t", "of before", ((0, 1), (2,))), ("u", "d", ((0, 1), (2,)))],
)
def test_rows_are_put_together_anew_unless_they_stand_so_since_an_earlier_release(monkeypatch, name, definition, parts):
    """A small row that was printed so stays apart: two cuts of the same patients would tell what lies between them."""
    monkeypatch.setattr(protect, "start_from", lambda *_: (((0,), (1,), (2,)), 5))
    earlier = SimpleNamespace(sources={name: ()}, definitions={"patients": definition})
    plan = protect._start([table([[3], [LARGE], [LARGE]], ordered=True)], [earlier], RULES)
    assert plan.parts == [parts]
