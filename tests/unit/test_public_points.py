"""Points of public curves, numbers kept from earlier, names of rows put together: each rule at and beside its edge."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from outcomes.errors import ConservationError
from outcomes.release.public.curve_points import (
    Arm,
    choose_groups,
    choose_points,
    make_arm,
    read_quantile,
    round_limits,
    show_curve,
    take_rest,
)
from outcomes.release.public.curves import OPEN, ProtectedCurves, find_known
from outcomes.release.public.earlier import EarlierCurve, _decide, _Print
from outcomes.release.public.knowledge import UNBOUNDED, _bounds, _link_parts, _rests
from outcomes.release.public.labels import find_parts, is_rest, merge_labels, name_source, spread
from outcomes.release.public.model import HIDDEN_CELL, RULES, Cohort, CountCurve, CountTable, ShownCurve
from outcomes.release.public.numbers import Key, build_numbers

COHORT = Cohort("patients", "patients", "d")


def arm(events, left, patients=None, before=()):
    """An arm by its cumulative events and the patients left; `before` are the points of one earlier release."""
    n = events[0] + left[0] if patients is None else patients
    return Arm(n, np.array(events), np.array(left), (tuple(before),))


def add(*arms):
    """Everybody of some arms."""
    return Arm(sum(one.patients for one in arms), sum(one.events for one in arms), sum(one.left for one in arms), ((),))


# -- points ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "points"),
    [
        (arm([11], [11]), [0]),
        (arm([10], [20]), []),  # too few events
        (arm([11], [10]), []),  # too few left
        (arm([11, 22], [60, 49]), [0, 1]),
        (arm([11, 21], [60, 50]), [0]),
        (arm([11, 21, 22], [60, 50, 49]), [0, 2]),  # counted from the last point, not from the last day
        # 76 and 53 are printed as 75 and 55: less the 22 events, two fewer than nobody were lost. So few were lost.
        (arm([22], [53], 76), []),
        (arm([22], [53], 75), [0]),  # nobody was
        (arm([20], [53], 76), [0]),  # the printed numbers say none
        (arm([22], [53], 85), [0]),  # and here some
        (arm([11, 33], [76, 53]), [0]),  # the same between two points
        (arm([11, 33], [75, 53]), [0, 1]),
    ],
)
def test_a_point_has_enough_events_and_patients_and_tells_not_how_few_were_lost(one, points):
    assert choose_points([one], RULES) == points


@pytest.mark.parametrize(
    ("events", "before", "points"),
    [
        ([30, 60], [(0, 30), (1, 60)], [0, 1]),
        ([30, 60], [(0, 20)], [1]),  # ten had it since: who they are would show
        ([30, 60], [(0, 19)], [0, 1]),
        ([30, 60], [(0, 40)], [1]),
        ([30, 60], [(0, 41)], [0, 1]),
        ([30, 60], [(1, 50)], [0]),
        # Counted from the day both had a point on: eleven more there, and eleven more here.
        ([30, 60], [(0, 19), (1, 49)], [0, 1]),
        ([30, 60], [(0, 19), (1, 48)], [0]),
        ([30, 60], [(0, 19), (1, 38)], [0, 1]),
    ],
)
def test_beside_an_earlier_point_the_events_differ_by_none_or_by_many(events, before, points):
    assert choose_points([arm(events, [170, 140], before=before)], RULES) == points


@pytest.mark.parametrize(
    ("events", "must", "points"),
    [
        ([20, 40, 60], [], [0, 1, 2]),
        ([20, 40, 51], [2], [0, 1, 2]),
        ([20, 40, 50], [2], [0, 2]),  # ten would be left to the point that must be
        ([5, 40, 60], [0], [0, 1, 2]),
        ([5, 15, 60], [0], [0, 2]),
        ([20, 40, 60], [0, 1], [0, 1, 2]),
        ([20, 25, 60], [1], [1, 2]),
    ],
)
def test_points_are_added_where_they_leave_enough_to_those_that_must_be(events, must, points):
    one = arm(events, [200 - n for n in events])
    assert choose_points([one], RULES, must) == points
    assert choose_points([add(one, one), one, one], RULES, must) == points


def test_every_arm_must_allow_a_point():
    one, other = arm([20, 40, 60], [180, 160, 140]), arm([20, 29, 40], [180, 171, 160])
    assert choose_points([add(one, other), one, other], RULES) == [0, 2]


def test_a_rest_is_what_groups_leave_of_everybody_and_knows_points_that_all_had():
    everybody = arm([50, 90], [150, 110], before=[(0, 48), (1, 88)])
    groups = [arm([20, 30], [60, 50], before=[(0, 19), (1, 29)]), arm([10, 20], [40, 30], before=[(1, 18)])]
    rest = take_rest(everybody, groups)
    assert (rest.patients, rest.events.tolist(), rest.left.tolist()) == (70, [20, 40], [50, 30])
    assert rest.before == (((1, 41),),) and not rest.is_printed
    assert take_rest(everybody, groups[:1]).before == (((0, 29), (1, 59)),)


@pytest.mark.parametrize(
    ("group", "is_refused"),
    [
        (arm([50, 90], [150, 110], 200), False),
        (arm([50, 90], [150, 110], 201), True),
        (arm([50, 91], [150, 110], 200), True),
        (arm([50, 90], [151, 110], 200), True),
    ],
)
def test_a_group_of_more_than_everybody_is_refused(group, is_refused):
    everybody = arm([50, 90], [150, 110])
    if is_refused:
        with pytest.raises(ConservationError, match="E924"):
            take_rest(everybody, [group])
    else:
        assert take_rest(everybody, [group]).patients == 0


def test_of_groups_as_many_are_chosen_as_give_most_points_and_they_keep_their_order():
    big, middle, small = (arm([n, 2 * n, 3 * n], [9 * n, 8 * n, 7 * n]) for n in (40, 20, 11))
    whole = arm([71, 142, 213], [639, 568, 497])
    groups = {"small": small, "big": big, "middle": middle}
    assert choose_groups(whole, groups, RULES) == (["small", "big", "middle"], [0, 1, 2])
    # Of the smallest group ten had it by each day: a rest of ten, beside two groups, cannot be told.
    few = arm([10, 20, 30], [90, 80, 70])
    others = choose_groups(arm([70, 140, 210], [630, 560, 490]), {"few": few, "big": big, "middle": middle}, RULES)
    assert others == (["big"], [0, 1, 2])
    # One group at three days is fewer points than two at two.
    late = arm([9, 31, 53], [190, 168, 146])
    assert choose_groups(arm([49, 111, 173], [550, 488, 426]), {"big": big, "late": late}, RULES)[1] == [1, 2]


def test_a_curve_without_a_number_of_patients_has_those_it_ends_with():
    days, events, left = np.array([7, 14]), np.array([20, 15]), np.array([70, 50])
    share = events / 100
    for patients, n in ((-1, 85), (90, 90)):
        curve = CountCurve("relief", COHORT, "all", days, events, left, share, share, share, patients)
        made = make_arm(curve, [[(14, 33), (21, 40)], []])
        assert (made.patients, made.events.tolist(), made.before) == (n, [20, 35], (((1, 33),), ()))


def test_a_curve_is_shown_at_its_points_in_whole_percents_half_upwards():
    n, events = 400, np.array([50, 30, 71])
    share = np.array([0.125, 0.2, 0.3775])
    curve = CountCurve("relief", COHORT, "all", np.array([7, 14, 21]), events, n - events.cumsum(), share,
                       np.array([0.13, 0.17, 0.34]), np.array([0.12, 0.24, 0.41]), n)  # fmt: skip
    shown = show_curve(curve, [0, 2], RULES, 10)
    assert shown.days.tolist() == [7, 21] and shown.percent.tolist() == [13, 38]
    assert shown.new_events.tolist() == [50, 100] and shown.at_risk.tolist() == [350, 250]
    # Limits on the wrong side of a share, by rounding, end at it.
    assert shown.low_percent.tolist() == [13, 34] and shown.high_percent.tolist() == [13, 41] and shown.base == 10


@pytest.mark.parametrize(
    ("share", "limits", "patients", "shown"),
    [
        (20 / 50, (0.2761, 0.5382), 50, (27, 54)),  # five numbers of patients have these limits
        (110 / 300, (0.3141, 0.4226), 300, (31, 43)),
        (6 / 12, (0.2538, 0.7462), 12, (25, 75)),  # two of 1, nine of 5
        (1 / 11, (0.0162, 0.3774), 11, (0, 40)),  # nine of 10
        (4 / 12, (0.1381, 0.6094), 12, (10, 70)),
        (3 / 11, (0.0975, 0.5656), 11, (0, 60)),  # 20 steps
        (11 / 11, (0.7412, 1.0), 11, (70, 100)),
        (0 / 20, (0.0, 0.1611), 20, (0, 20)),
        (400 / 4000, (0.0911, 0.1097), 4000, (9, 11)),
    ],
)
def test_limits_are_rounded_outward_by_the_least_step_that_leaves_the_number_open(share, limits, patients, shown):
    assert round_limits(share, *limits, patients, RULES) == shown


@pytest.mark.parametrize(
    ("patients", "share", "day"),
    [(21, 0.5, None), (22, 0.5, 14), (43, 0.3, None), (44, 0.3, 7), (44, 0.51, 21), (44, 0.76, None)],
)
def test_a_day_by_which_a_share_had_it_needs_enough_patients_on_either_side(patients, share, day):
    ends = np.array([0, 0, 0]), np.array([100, 100, 100])
    counts = np.array([30, 20, 25]), np.array([70, 50, 25])
    shown = ShownCurve("relief", "all", COHORT, np.array([7, 14, 21]), *counts, np.array([30, 50, 75]), *ends, 5)
    assert read_quantile(shown, patients, RULES, share) == day


# -- what curves give away of tables -----------------------------------------------------------------------------------


def known_of(*numbers, groups=(("all", (20, 45, 70), (60, 40, 20)),), base=5):
    """What curves, by group: cumulative events and printed patients at risk, give away of numbers."""
    curves = [
        EarlierCurve(
            ShownCurve("relief", group, COHORT, np.array([7, 14, 21]), np.diff(events, prepend=0), np.array(left),
                       np.array([25, 50, 75]), np.zeros(3, int), np.full(3, 100), base), events, 80, 95,
        )
        for group, events, left in groups
    ]  # fmt: skip
    keys = [Key("patients", "t", rows, column) for rows, column, _ in numbers]
    counted = SimpleNamespace(keys=keys, exact=np.array([n for _, _, n in numbers]))
    return find_known(counted, ProtectedCurves(tuple(curves), ()))


TWO = (("a", (20, 45, 70), (60, 40, 20)), ("b", (15, 30, 41), (60, 40, 20)))


@pytest.mark.parametrize(
    ("number", "more", "known"),
    [
        (((), "relief", 45), {}, (45, 45)),
        (((), "no_relief", 45), {}, None),  # who had no event is no part of the curve
        (((), "relief", 44), {}, (20, 45)),
        (((), "relief", 46), {}, (45, 70)),
        (((), "relief", 12), {}, (0, 20)),
        (((), "relief", 71), {}, (70, OPEN)),
        (((), "", 95), {}, (93, 95 + OPEN)),  # 70 are 75.5 % of them at most; 18 more at risk are no more than that
        (((), "", 96), {}, None),
        (((), "no_relief", 58), {}, (58, 62)),  # as many are printed at risk
        (((), "no_relief", 63), {}, None),
        (((), "unknown", 58), {}, None),
        (((), "no_relief", 10), {"groups": (("all", (20, 45, 70), (60, 40, 10)),)}, None),
        (((), "no_relief", 11), {"groups": (("all", (20, 45, 70), (60, 40, 10)),)}, (8, 12)),
        (((), "no_relief", 58), {"base": 10}, (55, 64)),
        ((("a",), "relief", 45), {}, None),  # that group has no curve
        ((("a",), "relief", 45), {"groups": TWO}, (45, 45)),
        ((("a", "b"), "relief", 75), {"groups": TWO}, (75, 75)),
        ((("a", "b"), "relief", 74), {"groups": TWO}, (35, 75)),
        ((("a", "b"), "no_relief", 58), {"groups": TWO}, None),
        ((("a", "c"), "relief", 75), {"groups": TWO}, None),
    ],
)
def test_what_the_points_of_curves_give_away_of_a_number(number, more, known):
    assert known_of(number, **more).get(0) == known


# -- what is kept from earlier -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exact", "fresh", "prints", "decided"),
    [
        (40, 40, [], (40, 40)),
        (40, 40, [(29, 30, True)], (40, 40)),  # eleven more: anew
        (40, 40, [(30, 30, True)], (30, 30)),  # ten more: as it was
        (40, 40, [(50, 50, True)], (50, 50)),
        (40, 40, [(51, 50, True)], (40, 40)),
        (40, 40, [(38, 40, True), (43, 45, True)], (40, 38)),  # the nearest
        (40, 40, [(38, 35, True), (42, 45, True)], (45, 42)),  # of two as near the newest
        # Of another definition: close by it would tell the difference, equal it tells nothing.
        (40, 40, [(30, 30, False)], (HIDDEN_CELL, 40)),
        (40, 40, [(41, 40, False)], (HIDDEN_CELL, 40)),
        (40, 40, [(40, 40, False)], (40, 40)),
        (40, 40, [(29, 30, False)], (40, 40)),
        (40, 40, [(30, HIDDEN_CELL, False)], (40, 40)),
        # Nobody is never printed of somebody, nor somebody of nobody; what was hidden stays so.
        (3, 5, [(0, 0, True)], (HIDDEN_CELL, 0)),
        (0, 0, [(9, 10, True)], (HIDDEN_CELL, 9)),
        (0, 0, [(0, 0, True)], (0, 0)),
        (12, 10, [(4, HIDDEN_CELL, True)], (HIDDEN_CELL, 4)),
        (0, 0, [(4, HIDDEN_CELL, True)], (HIDDEN_CELL, 4)),
        # It was hidden: printed anew it is eleven more than that, and each of 1 to 10 must stay possible.
        (19, 19, [(2, HIDDEN_CELL, True)], (HIDDEN_CELL, 19)),
        (20, 20, [(2, HIDDEN_CELL, True)], (20, 20)),
        (19, 19, [(2, HIDDEN_CELL, False)], (19, 19)),
        (14, 0, [(2, HIDDEN_CELL, True)], (0, 14)),
        (19, HIDDEN_CELL, [(2, HIDDEN_CELL, True)], (HIDDEN_CELL, 19)),
    ],
)
def test_what_is_printed_of_a_number_that_was_printed_before(exact, fresh, prints, decided):
    assert _decide(exact, fresh, [_Print(*one) for one in prints], RULES.k) == decided


@pytest.mark.parametrize(
    ("exact", "shown", "basis", "bounds"),
    [
        (4, HIDDEN_CELL, 4, (1, 10)),
        (10, HIDDEN_CELL, 10, (1, 10)),
        (11, HIDDEN_CELL, 11, (1, UNBOUNDED)),  # hidden for the sake of another
        (0, HIDDEN_CELL, 0, (0, UNBOUNDED)),
        (20, 20, 20, (18, 22)),
        (12, 10, 12, (11, 12)),
        (0, 0, 0, (0, 0)),
        (21, 20, 18, (8, 32)),  # kept from a count of which this one is ten away at most
        (14, 15, 13, (3, 27)),
        (14, 10, 12, (1, 22)),
    ],
)
@pytest.mark.parametrize("derived", [False, True])
def test_what_is_known_of_a_number_alone(exact, shown, basis, bounds, derived):
    hidden = shown == HIDDEN_CELL
    columns = {"shown": [shown], "base": [5], "basis": [basis], "derived": [derived], "hidden": [hidden]}
    published = SimpleNamespace(
        numbers=SimpleNamespace(exact=np.array([exact])), **{name: np.array(own) for name, own in columns.items()}
    )
    low, high = _bounds(published, RULES)
    # A sum of printed numbers says no more than these.
    assert (low[0], high[0]) == (bounds if hidden or not derived else (0, UNBOUNDED))


def rests(exact, hidden=(), basis=None):
    """What is known of the rests of parts 1, 2 and 3 of the number 0."""
    counts = np.array(exact)
    flags = np.isin(np.arange(len(exact)), hidden)
    numbers = SimpleNamespace(exact=counts, whole=np.array([-1] + [0] * (len(exact) - 1)),
                              sums=((0, tuple(range(1, len(exact)))),))  # fmt: skip
    published = SimpleNamespace(numbers=numbers, hidden=flags, basis=counts if basis is None else np.array(basis))
    return list(_rests(published, [5, 6, 7, 8][: len(exact)], RULES.k))


@pytest.mark.parametrize(
    ("exact", "hidden", "basis", "places"),
    [
        ([60, 40, 9, 11], (2, 3), None, [6]),  # beside the 40 that are printed there are eleven or more
        ([50, 40, 3, 7], (2, 3), None, []),  # ten, which nobody knows
        ([51, 40, 3, 8], (2, 3), None, [6]),
        ([60, 40, 20, 0], (), None, []),  # another printed part says as much
        ([60, 11, 40, 9], (2, 3), None, [6]),
        ([59, 10, 40, 9], (2, 3), None, []),
        ([60, 40, 9, 11], (2, 3), [60, 41, 9, 11], []),  # kept from earlier, it is no count of now
        ([60, 40, 9, 11], (1, 2, 3), None, []),
    ],
)
def test_what_a_whole_has_beside_its_only_printed_part_is_eleven_or_more(exact, hidden, basis, places):
    assert rests(exact, hidden, basis) == [((5, place), (1, -1), RULES.k, UNBOUNDED) for place in places]


@pytest.mark.parametrize(("whole", "bound"), [(70, 0), (72, 10), (80, 10), (81, None), (60, 10), (59, None)])
def test_a_row_and_the_rows_of_another_release_that_make_it_up_are_near(whole, bound):
    key = Key("patients", "t", ("2025Q1",), "a")
    pieces = {key: 0, key._replace(rows=("2025Q2",)): 1}
    total = {key._replace(rows=("2025Q1", "2025Q2")): 2, key._replace(rows=()): 3}
    found = list(_link_parts([total, pieces], np.array([40, 30, whole, 99]), RULES.k - 1))
    assert found == ([] if bound is None else [((0, 1, 2), (1, 1, -1), -bound, bound)])


def test_a_table_of_one_column_has_a_number_a_row_and_one_of_all():
    counts = np.array([[40, 7], [60, 9]])
    for columns, size, sums in (("a", 3, 1), ("ab", 9, 5)):
        table = CountTable("t", COHORT, ("r0", "r1"), tuple(columns), counts[:, : len(columns)])
        numbers = build_numbers([table], [((0,), (1,))])
        assert (numbers.exact.size, len(numbers.sums)) == (size, sums)
        assert numbers.exact[list(numbers.places[0].rows)].tolist() == table.counts.sum(axis=1).tolist()


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "merged"),
    [
        ("0 to 14 days", "15 to 42 days", "0 to 42 days"),
        ("50-69", "70 and over", "50 and over"),
        ("50–69", "70–89", "50–89"),
        ("under 30", "30-49", "under 50"),
        ("up to 14 days", "15 to 42 days", "up to 42 days"),
        ("under 30", "thirty", "under thirty"),
        ("0 to 14 days", "15 days or more", "0 days or more"),
        ("0", "15 and more", "0 and more"),
        ("0 to 14 days", "later", "0 to later"),
        ("none", "15 to 42 days", "none to 42 days"),
        ("2025Q1", "2025Q2", "2025Q1 to 2025Q2"),
        ("earlier", "2025Q1", "2025Q1 and earlier"),
        ("2024Q4 and earlier", "2025Q1", "2025Q1 and earlier"),
        ("earlier", "15 to 42 days", "42 days and earlier"),
    ],
)
def test_a_row_put_together_is_named_by_its_ends(first, last, merged):
    assert merge_labels(first, last) == merged


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        (("2024Q2 and earlier", "2024Q3"), ("2024Q3 and earlier",)),
        (("2024Q2 and earlier", "2024Q3", "2024Q4"), ("2024Q4 and earlier",)),
        (("2024Q2", "2024Q3"), ("2024Q2", "2024Q3")),
        (("2024Q2 and earlier",), ("2024Q2 and earlier",)),
        (("2024Q2 and earlier", "late"), ("2024Q2 and earlier", "late")),
        (("2024Q2", "2024Q3 and earlier"), ("2024Q2", "2024Q3 and earlier")),
    ],
)
def test_rows_from_the_beginning_on_have_one_name(rows, name):
    assert name_source(rows) == name
    assert is_rest(rows) == (rows == ("2024Q2 and earlier",))


def test_a_row_from_the_beginning_on_holds_every_quarter_up_to_its_last():
    held = spread(("1990Q3 and earlier", "old"))
    assert held == {"1990Q1", "1990Q2", "1990Q3", "old"}
    assert spread(("late and earlier",)) == {"late and earlier"}


def test_only_quarters_end_in_time():
    """Bands go by their names: that "70 and over" stands after all others says nothing of where they end."""
    assert find_parts(("50-69", "70 and over"), [("50-69",)]) == [("50-69",)]
