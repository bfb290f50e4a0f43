"""The attack on a public release at the edges of its rules: what few patients are, and what is left open."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from shown_tables import COHORT, EXACT, THEN, curve, table

from outcomes.release.public.attack import _tighter, attack
from outcomes.release.public.attack_board import Board, Reader, _join_tables, lay_curves, lay_release, read_totals
from outcomes.release.public.attack_curves import attack_curves
from outcomes.release.public.attack_files import read_curves, read_tables
from outcomes.release.public.attack_releases import find_kept, find_sums, join_releases, list_prints, was_told
from outcomes.release.public.model import HIDDEN_CELL, RULES, Attacked, Cohort, PublicRules, ShownTable

CLOSE = PublicRules(least_values=50)
"""A reader who is told of every gap of few events."""


# -- curves ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "percents", "at_risk", "found"),
    [
        (5, (30, 37), 60, (4, 7)),  # a tenth of 58 to 62, one percent more or less: 4.97 to 7.1
        (5, (30, 32), 60, (3, 3)),  # 0.8 to 2.7, of which only 3 agrees with the printed 3 to 7
        (5, (30, 40), 60, (7, 7)),
        (5, (30, 42), 60, (3, 7)),  # more than was printed: one of the two is no count of now
        (5, (30, 30), 60, (3, 7)),
        (5, (70, 75), 40, (5, 7)),  # a sixth of 38 to 42, a thirtieth less or more
        (5, (99, 100), 60, (3, 7)),
        (5, (100, 100), 60, (3, 7)),  # nobody is left, and still there are events
        (5, (30, 37), HIDDEN_CELL, (3, 7)),
        (5, (0, 8), 40, (3, 4)),
        (10, (0, 8), 40, (3, 5)),  # 35 to 45 at risk
    ],
)
def test_the_fall_of_a_curve_and_those_at_risk_narrow_the_events_of_a_gap(base, percents, at_risk, found):
    one = curve("all", [20, 5], base, at_risk=[at_risk, 60], percent=list(percents))
    told = [(o.low, o.high) for o in attack_curves([one], CLOSE) if o.way == "fall of the curve"]
    assert told == [found]


@pytest.mark.parametrize(("events", "found"), [(0, [(0, 2)]), (1, [(0, 3)]), (8, [(6, 10)]), (9, []), (10, [])])
def test_a_printed_number_of_events_that_may_be_eleven_is_no_gap_of_few(events, found):
    one = curve("all", [events])
    assert [(o.low, o.high) for o in attack_curves([one], CLOSE) if o.way == "fall of the curve"] == found


def test_the_first_gap_has_no_fall_before_it():
    one = curve("all", [5, 20], percent=[1, 37])
    assert next((o.low, o.high, o.cell) for o in attack_curves([one], CLOSE)) == (3, 7, "all / day 7")


@pytest.mark.parametrize(
    ("base", "at_risk", "found"), [(5, 1, [(0, 4)]), (5, HIDDEN_CELL, []), (10, 6, [(4, 8)]), (10, 7, [])]
)
def test_few_at_risk_are_those_that_no_rounding_makes_eleven(base, at_risk, found):
    one = curve("all", [20], base, at_risk=[at_risk])
    assert [(o.low, o.high) for o in attack_curves([one], RULES) if o.way == "few at risk"] == found


@pytest.mark.parametrize(("left", "found"), [(-1, []), (0, []), (1, [(0, 7)]), (4, [(0, 10)]), (5, [])])
def test_a_rest_of_few_is_told_as_far_as_rounding_allows(left, found):
    family = [curve("all", [40 + left]), curve("men", [20]), curve("women", [20])]
    told = [o for o in attack_curves(family, RULES) if o.way == "all less the groups"]
    assert [(o.low, o.high) for o in told] == found and all(o.enough for o in told)
    narrow = [o.enough for o in attack_curves(family, PublicRules(least_values=11)) if o.way == "all less the groups"]
    assert narrow == [high - low >= 10 for low, high in found]


def test_events_of_the_first_day_belong_to_the_first_gap():
    family = [replace(curve(name, [n], 1), days=np.array([1])) for name, n in (("all", 40), ("men", 37))]
    assert [(o.low, o.high) for o in attack_curves(family, EXACT) if o.way == "all less the groups"] == [(3, 3)]


def test_curves_of_other_kinds_and_cohorts_are_no_family():
    """Between two kinds nothing is left over: events of one are no part of the other's."""
    family = [curve("all", [40], 1), replace(curve("men", [37], 1), name="return")]
    other = [curve("all", [40], 1), replace(curve("men", [37], 1), cohort=Cohort("relieved", "r", "d"))]
    assert not [
        o for o in (*attack_curves(family, EXACT), *attack_curves(other, EXACT)) if o.way.startswith("all less")
    ]


@pytest.mark.parametrize(
    ("percent", "limits", "found"),
    [
        (50, (15, 85), [(4, 4)]),
        (60, (23, 88), [(5, 5)]),
        (0, (0, 43), [(5, 5)]),
        (100, (57, 100), [(5, 5)]),
        (67, (21, 94), [(3, 3)]),
        (45, (21, 72), [(10, 11)]),
        (25, (7, 59), [(8, 8)]),
        (10, (1, 38), []),  # those of eleven, who are enough
        (25, (7, 70), []),  # no number of patients has such limits
        (25, (20, 59), []),
        (40, (29, 52), []),  # those of 60 patients
    ],
)
def test_wilsons_limits_of_few_patients_give_their_number(percent, limits, found):
    """Numbers by statsmodels' proportion_confint(method="wilson"), limits within a percent."""
    one = curve("all", [20], percent=[percent], limits=([limits[0]], [limits[1]]))
    assert [(o.low, o.high) for o in attack_curves([one], RULES) if o.way == "limits"] == found


def test_limits_that_many_numbers_of_patients_share_give_none_back():
    rules = PublicRules(base=2)
    one = curve("all", [20], percent=[45], limits=([21], [72]))
    assert [o.way for o in attack_curves([one], rules)] == []


# -- the difference of two releases, and the narrower of two answers ---------------------------------------------------


@pytest.mark.parametrize(
    ("base", "now", "found"),
    [(1, 50, [(10, 10)]), (1, 51, []), (1, 30, [(-10, -10)]), (1, 29, []), (1, 40, []), (5, 45, [(1, 9)]), (5, 50, [])],
)
def test_two_printings_of_one_number_that_few_patients_lie_between(base, now, found):
    rules, shown = PublicRules(base=base), [[40, 60], [55, 70]]
    new = [[now, 60], [55, 70]]
    told = attack([table(new, base=base)], earlier=[[table(shown, base=base)]], rules=rules)
    assert [(o.low, o.high) for o in told if o.way.startswith("difference") and o.cell == "row 0 / a"] == found


def test_numbers_of_other_tables_and_cohorts_have_no_difference():
    then = table([[40, 60], [55, 70]], base=1)
    for other in (replace(then, name="u"), replace(then, cohort=Cohort("relieved", "r", "d"))):
        told = attack([table([[43, 60], [55, 70]], base=1)], earlier=[[other]], rules=EXACT)
        assert not [o for o in told if o.way.startswith("difference")]
    hidden = replace(then, shown=np.array([[HIDDEN_CELL, 60], [55, 70]]))
    told = attack([table([[43, 60], [55, 70]], base=1)], earlier=[[hidden]], rules=EXACT)
    assert not [o for o in told if o.way.startswith("difference") and o.cell == "row 0 / a"]


def test_of_two_answers_the_narrower_stands_and_of_equals_the_first():
    def told(cell, low, high, way):
        return Attacked("t", cell, low, high, True, way)

    alone = [told("a", 0, 9, "one"), told("b", 2, 4, "one"), told("c", 0, 5, "one")]
    together = [told("a", 3, 7, "all"), told("b", 0, 9, "all"), told("c", 1, 6, "all"), told("d", 1, 2, "all")]
    assert [(o.cell, o.way) for o in _tighter(alone, together)] == [
        ("a", "all"),
        ("b", "one"),
        ("c", "one"),
        ("d", "all"),
    ]


def test_of_earlier_releases_only_what_is_worked_out_is_told():
    """47 less 40 are 7: in the release that is attacked it is told whether or not it leaves enough, in others not."""
    hidden = replace(
        table([[40, HIDDEN_CELL], [55, 70]], base=1), row_totals=(47, 125), column_totals=(95, 77), total=172
    )
    found = attack([hidden], earlier=[[hidden]], rules=replace(EXACT, least_values=1))
    assert [o.release for o in found] == [0]
    found = attack([hidden], earlier=[[hidden]], rules=replace(EXACT, least_values=2))
    assert [o.release for o in found] == [0, 1] and not any(o.enough for o in found)


# -- the board ---------------------------------------------------------------------------------------------------------


def test_a_sub_cohort_is_tied_to_a_column_that_its_parent_has():
    parent = table([[20, 30]])
    for cohort in (Cohort("s", "s", "d", "t", "z"), Cohort("s", "s", "d", "no such", "b"), Cohort("s", "s", "d")):
        part = replace(table([[11], [19]]), name="v", cohort=cohort, columns=("x",))
        _join_tables(
            board := Board([0] * 4, [99] * 4, [], []), [(parent, np.array([[0, 1]])), (part, np.array([[2], [3]]))]
        )
        assert board.ranges == []


def test_totals_are_no_sums_of_printed_parts():
    """Of a row whose cells are all printed the total is their sum, as is that of a table's only row."""
    place = np.array([[0, 1], [2, 3]])
    one = table([[40, HIDDEN_CELL], [55, 70]])
    assert read_totals(one, place) == {
        "row 0 / total": ((0, 1), 40),
        "total / a": ((0, 2), 95),
        "total / b": ((1, 3), 70),
        "total / total": ((0, 1, 2, 3), 165),
    }
    assert set(read_totals(table([[40, HIDDEN_CELL]]), place[:1])) == {"total / a", "total / b", "total / total"}


@pytest.mark.parametrize(
    ("events", "at_risk", "base", "least"),
    [
        ([20], [60], 5, 18 + 58),
        ([20], [60], 10, 18 + 55),
        ([12], [12], 5, 11 + 11),
        ([20, 30], [60, 20], 5, 18 + 58),
        ([20, 45], [40, 30], 5, 18 + 43 + 28),
    ],
)
def test_those_with_the_event_and_those_at_risk_are_a_part_of_the_group(events, at_risk, base, least):
    board = Board([], [], [], [])
    laid = [(table([[90, 60], [55, 70]]), np.array([[0, 1], [2, 3]]))]
    lay_curves(board, laid, [curve("row 1", events, base, at_risk=at_risk), curve("no such", events)], RULES)
    assert [(line.cells, line.low) for line in board.ranges] == [((2, 3), least)]
    lay_curves(board := Board([], [], [], []), [*laid, *laid], [curve("row 1", events)], RULES)
    assert board.ranges == []  # of which of two tables it is a row is not known


@pytest.mark.parametrize("guess", [True, False])
def test_hidden_totals_are_sought_and_never_taken_for_few(guess):
    board = Board([], [], [], [])
    one = replace(table([[HIDDEN_CELL, HIDDEN_CELL], [55, 70]]), row_totals=(HIDDEN_CELL, 125))
    lay_release(board, [one], Reader(RULES, guess), 3)
    assert [(release, cell) for release, _, cell, _ in board.targets] == [
        (3, "row 0 / a"), (3, "row 0 / b"), (3, "row 0 / total"),
    ]  # fmt: skip
    assert board.high[:2] == [RULES.k - 1 if guess else 1_000_000] * 2
    assert [line.high for line in board.ranges if line.cells == (0, 1) and line.low == 0] == [1_000_000]


# -- releases ----------------------------------------------------------------------------------------------------------

ROWS = ("2024Q1 and earlier", "2024Q2")


@pytest.mark.parametrize(
    ("old", "new", "is_sum"),
    [
        *((([40, 60], [55, 70]), [n, 130], is_in) for n, is_in in ((95, True), (90, True), (100, True), (105, False))),
        *((([0, 60], [55, 70]), [n, 130], is_in) for n, is_in in ((55, True), (60, False), (50, False))),
        (([HIDDEN_CELL, 60], [55, 70]), [55, 130], False),
    ],
)
def test_a_number_may_be_the_sum_of_its_parts_as_far_as_their_rounding_goes(old, new, is_sum):
    """Two parts may each be 2 off, and the sum is rounded once more: 6; a part of nobody is not off."""
    found = find_sums([table([new], ("2024Q2 and earlier",))], [[table(list(old), ROWS)]])
    assert (("t", "earlier / a") in found) == is_sum


def test_a_number_printed_as_it_was_may_be_kept_and_a_total_as_the_sum_of_its_cells():
    now = replace(table([[40, HIDDEN_CELL], [56, 70]]), row_totals=(100, 126))
    found = find_kept([now], [[THEN]])
    assert found == {("t", "row 0 / a"): 1, ("t", "row 1 / b"): 1, ("t", "row 0 / total"): 2}
    gone = replace(THEN, shown=np.array([[HIDDEN_CELL, 60], [55, 70]]))
    assert find_kept([now], [[gone]])["t", "row 0 / total"] == 1
    assert find_kept([now], []) == {}


def test_a_shared_total_was_told_by_the_coarsest_of_its_tables():
    own = replace(table([[40, 60], [55, 70]]), column_totals=(95, HIDDEN_CELL))
    older = [table([[40, 60], [55, 70]]), replace(table([[130]]), name="u", base=10)]
    for low, high, is_told in ((125, 134, True), (128, 132, False)):
        assert was_told(Attacked("t", "total / b", low, high, True, ""), [own], [older], RULES) == is_told
    cell = replace(own, shown=np.array([[40, HIDDEN_CELL], [55, 70]]))
    assert was_told(Attacked("t", "row 0 / b", 58, 62, True, ""), [cell], [older], RULES)


@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize(
    ("new", "old", "bound"),
    [
        (("2024Q2 and earlier", "2024Q3"), ("2024Q1 and earlier", "2024Q2"), {(0, 4, 6), (1, 5, 7)}),
        (("2024Q1 to 2024Q2", "2024Q3"), ("2024Q1", "2024Q2"), {(0, 4, 6), (1, 5, 7)}),
        (("2024Q2", "2024Q3"), ("2024Q1 to 2024Q2", "2024Q3"), {(2, 6), (3, 7)}),  # a row that is cut is none
        (("2024Q2 to 2024Q3", "2024Q4"), ("2024Q1 to 2024Q2", "2024Q3"), set()),  # cut at its beginning
        (("2024Q1 to 2024Q3", "2024Q4"), ("2024Q1", "2024Q2"), set()),  # and one whose end is not there
        (("women", "men"), ("2024Q1", "2024Q2"), set()),
    ],
)
def test_in_quarters_that_are_over_a_row_is_the_rows_that_make_it_up(new, old, bound, is_closed):
    now, then = table([[40, 60], [55, 70]], new), table([[31, 33], [91, 97]], old)
    reader, board = Reader(RULES, False, is_closed=is_closed), Board([], [], [], [])
    laid = [lay_release(board, [one], reader, n) for n, one in enumerate((now, then))]
    before = len(board.ranges)
    join_releases(board, laid, [list_prints([one]) for one in (now, then)], [{}, {}], reader)
    added = {line.cells for line in board.ranges[before:] if (line.low, line.high) == (0, 0)}
    assert added == (bound if is_closed else set())


# -- files -------------------------------------------------------------------------------------------------------------


def cells(*numbers, rows=("r0", "r1"), total=None):
    names = [(row, column) for row in (*rows, *(["total"] if len(rows) > 1 else [])) for column in ("a", "b", "total")]
    return [
        {"table": "t", "cohort": "patients", "row": row, "column": column, "patients": str(n)}
        for (row, column), n in zip(names, numbers, strict=True)
    ]


def test_a_table_is_read_back_with_its_totals_and_its_rounding():
    [one] = read_tables(cells(40, "<11", 50, 60, 70, 130, 100, 80, 180), definition="d")
    assert one.shown.tolist() == [[40, HIDDEN_CELL], [60, 70]] and one.base == 10
    assert (one.row_totals, one.column_totals, one.total) == ((50, 130), (100, 80), 180)
    assert one.cohort == replace(COHORT, definition="d")
    assert read_tables(cells(40, "<11", 50, 60, 75, 130, 100, 80, 180))[0].base == 5
    assert read_tables(cells(40, 0, 50, 60, 70, 130, 100, 80, 180), {"t": 5})[0].base == 5
    [single] = read_tables(cells(40, "<11", 50, rows=("r0",)), parents={"patients": ("state", "relief")})
    assert (single.row_totals, single.column_totals, single.total) == ((50,), (40, HIDDEN_CELL), 50)
    assert (single.cohort.parent, single.cohort.column) == ("state", "relief")


@pytest.mark.parametrize(("at_risk", "base"), [((60, 40), 10), ((60, 45), 5)])
def test_a_curve_is_read_back_with_its_rounding(at_risk, base):
    rows = [
        {"cohort": "patients", "group": "all", "day": str(7 * i + 7), "new_events": "20.0", "at_risk": str(n),
         "percent": "30", "low_percent": "21", "high_percent": "41"}
        for i, n in enumerate(at_risk)
    ]  # fmt: skip
    [one] = read_curves(rows)
    assert (one.days.tolist(), one.new_events.tolist(), one.at_risk.tolist()) == ([7, 14], [20, 20], list(at_risk))
    assert (one.percent[0], one.low_percent[0], one.high_percent[0], one.base) == (30, 21, 41, base)


@pytest.mark.parametrize(
    ("totals", "found"),
    [
        (
            (40, HIDDEN_CELL),
            {"total / b": (11, 14)},
        ),  # 48 to 52 less 38 to 42; beside a printed part are eleven or more
        ((HIDDEN_CELL, 40), {"total / a": (11, 14)}),
        ((30, HIDDEN_CELL), {"total / b": (16, 24)}),
        ((HIDDEN_CELL, HIDDEN_CELL), {"total / a": (0, 52), "total / b": (0, 52)}),
        ((40, 15), {}),
    ],
)
def test_what_all_have_beside_the_only_printed_total_is_eleven_or_more(totals, found):
    cells, columns = np.full((2, len(totals)), HIDDEN_CELL), ("a", "b", "c")[: len(totals)]
    one = ShownTable("t", COHORT, ("x", "y"), columns, cells, (25, 25), totals, 5, (), 50)
    told = {item.cell: (item.low, item.high) for item in attack([one]) if item.cell.startswith("total")}
    assert told == found
