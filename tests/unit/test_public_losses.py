"""Few patients lost, or few new ones with the event: what the points of public curves must not tell of either."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import linprog

from outcomes.release.public.curve_points import Arm, choose_groups, choose_points
from outcomes.release.public.curves import protect_family_curves
from outcomes.release.public.losses import LARGE, Line, are_told
from outcomes.release.public.model import RULES, Cohort, CountCurve
from outcomes.release.public.rounding import round_counts

COHORT = Cohort("patients", "patients", "d")


def arm(events, left, patients, *before):
    """An arm by its cumulative events; `before` are the points of earlier releases."""
    return Arm(patients, np.array(events), np.array(left), before)


def curve(events, left, patients, group="all"):
    """A curve by the new events of each week."""
    share = np.cumsum(events) / patients
    days = 7 * np.arange(1, len(events) + 1)
    return CountCurve("relief", COHORT, group, days, np.array(events), np.array(left), share, share, share, patients)


# -- what a reader makes of all printed points together ----------------------------------------------------------------


def draw_family(rng, groups, weeks=6):
    """Curves of some groups, few of whom are lost, and of everybody."""
    own = []
    for g in range(groups):
        n = left = int(rng.integers(80, 500))
        events, at_risk = [], []
        for _ in range(weeks):
            seen = rng.binomial(left, rng.uniform(0.04, 0.2))
            left -= seen + rng.binomial(left - seen, rng.choice([0.001, 0.005]))
            events.append(seen)
            at_risk.append(left)
        own.append(curve(events, at_risk, n, f"g{g}"))
    sums = (np.sum([getattr(one, name) for one in own], axis=0) for name in ("new_events", "at_risk"))
    return [curve(*sums, sum(one.patients for one in own)), *own]


def read_losses(family, printed, base):
    """Of each gap of each printed curve: the patients lost in it, and the least and greatest number that fits.

    Unknown are the patients left in every group and in the rest, at the start and at each point of the groups, and
    those of everybody at each of its own. Sums and bounds are solved for; events are taken to be known.
    """
    true = {one.group: one for one in family}
    names = [one.shown.group for one in printed if one.shown.group != "all"]
    days = {one.shown.group: [0, *one.shown.days.tolist()] for one in printed}
    events = {one.shown.group: dict(zip(days[one.shown.group], (0, *one.events), strict=True)) for one in printed}
    common = days[names[0]] if names else []
    parts = list(names)
    if len(names) < len(family) - 1 and names:
        parts.append("rest")
        days["rest"] = common
        events["rest"] = {day: events["all"][day] - sum(events[name][day] for name in names) for day in common}
    place = {(name, day): None for name in ("all", *parts) for day in days[name]}
    place = {key: i for i, key in enumerate(place)}
    low, high = np.zeros(len(place)), np.full(len(place), LARGE)
    for one in printed:
        counts = [int(round_counts(true[one.shown.group].patients, base)), *one.shown.at_risk.tolist()]
        for day, shown in zip(days[one.shown.group], counts, strict=True):
            i = place[one.shown.group, day]
            low[i], high[i] = max(shown - base // 2, RULES.k), shown - base // 2 + base - 1
    gaps = [(name, one, other) for name in ("all", *parts) for one, other in pairwise(days[name])]
    rows = np.zeros((len(gaps), len(place)))
    for row, (name, one, other) in zip(rows, gaps, strict=True):
        row[[place[name, one], place[name, other]]] = -1, 1
    seen = np.array([events[name][other] - events[name][one] for name, one, other in gaps], dtype=float)
    sums = np.zeros((len(common), len(place)))
    for row, day in zip(sums, common, strict=True):
        row[place["all", day]] = 1
        row[[place[name, day] for name in parts]] = -1
    for row, count, (name, one, other) in zip(rows, seen, gaps, strict=True):
        if name == "rest":
            continue
        left = {0: true[name].patients, **dict(zip(true[name].days.tolist(), true[name].at_risk.tolist(), strict=True))}
        lost = left[one] - left[other] - int(count)
        if 0 < lost < RULES.k:
            known = {"A_eq": sums, "b_eq": np.zeros(len(common))} if len(common) else {}
            ends = [
                way * linprog(-way * row, A_ub=rows, b_ub=-seen, bounds=np.column_stack([low, high]), **known).fun
                for way in (-1, 1)
            ]
            least, most = (round(end - count) for end in sorted(ends))
            yield lost, least, most


@pytest.mark.parametrize("base", [5, 10])
def test_all_printed_points_together_leave_open_how_few_were_lost(base):
    rng = np.random.default_rng(3)
    seen = 0
    for groups in (1, 2, 3, 2, 3, 2):
        family = draw_family(rng, groups) if groups > 1 else draw_family(rng, groups)[:1]
        for lost, least, most in read_losses(family, protect_family_curves(family, RULES, (), base).earlier, base):
            assert least <= lost <= most
            assert most - least + 1 >= RULES.least_values
            seen += 1
    assert seen > 20


# -- each rule by itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "one", "points"),
    [
        # Printed are 105 and 75 of 104 and 75: up to six were lost. To 10 they are 100 and 80: one at most was.
        (5, arm([28], [75], 104), [0]),
        (10, arm([28], [75], 104), []),
        (10, arm([23], [76], 103), [0]),  # 100 and 80 less 23: none lost to six
        (10, arm([29], [75], 104), [0]),  # nobody was
        # 10 at risk are 11 or 12, not 8 to 12.
        (5, arm([34], [11], 46), []),
        (5, arm([34], [13], 48), [0]),
        # Those with the event by the second point were there at the first: 76 at least of 73 to 77.
        (5, arm([29], [76], 107), [0]),
        (5, arm([29, 57], [76, 48], 107), [0]),
        (5, arm([29, 57], [76, 46], 107), [0, 1]),
    ],
)
def test_a_point_tells_not_how_few_were_lost_whatever_is_rounded_to(base, one, points):
    assert choose_points([one], RULES, base=base) == points


def line(kept, low, high, places=None):
    return Line(*(np.array(own) for own in (range(-1, len(kept) - 1) if places is None else places, kept, low, high)))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([line([100, 95], [99, 93], [101, 97])], False),  # two to eight
        ([line([100, 95], [100, 95], [101, 97])], True),  # three to six
        ([line([100, 95], [100, 94], [101, 97])], False),  # three to seven
        ([line([100, 100], [99, 99], [100, 100])], False),  # nobody was
        ([line([100, 99], [99, 98], [100, 100])], True),
        ([line([100, 90], [100, 89], [101, 91])], True),  # ten: nine to twelve
        ([line([100, 89], [100, 88], [101, 90])], False),  # eleven: ten to thirteen
        ([line([100, 97, 96], [95, 90, 95], [105, 105, 96])], False),
        ([line([100, 97, 96], [95, 90, 95], [100, 105, 96])], False),  # none to five
        ([line([100, 98, 97], [95, 90, 97], [100, 105, 97])], True),  # none to three
        # Of a sum: the others leave what is not printed, at the places of the parts.
        ([line([200, 195], [190, 185], [210, 205]), line([100, 98], [95, 93], [105, 103]),
          line([100, 97], [0, 0], [LARGE, LARGE])], False),
        ([line([200, 195], [200, 195], [200, 195]), line([100, 98], [95, 93], [105, 103]),
          line([100, 97], [0, 0], [LARGE, LARGE])], True),  # five of everybody
        ([line([200, 199, 195], [190, 190, 185], [210, 210, 205]), line([100, 98], [100, 98], [100, 98], [-1, 1]),
          line([100, 97], [0, 0], [LARGE, LARGE], [-1, 1])], True),  # two of the one
        ([line([200, 199, 186], [197, 190, 183], [203, 210, 189]), line([100, 100], [97, 95], [103, 105], [-1, 1]),
          line([100, 86], [97, 83], [103, 89], [-1, 1])], False),
    ],
)  # fmt: skip
def test_losses_are_told_where_fewer_than_five_numbers_of_few_are_possible(lines, told):
    assert are_told(lines, RULES) == told


@pytest.mark.parametrize(
    ("events", "before", "must", "points"),
    [
        # Beside each earlier release, not beside the newest on a day: 5 more than in the first from day to day.
        ([80, 135], [((0, 50), (1, 100)), ((1, 118),)], (), [0]),
        ([80, 135], [((0, 50), (1, 100))], (), [0]),
        ([80, 135], [((1, 118),)], (), [0, 1]),
        ([80, 141], [((0, 50), (1, 100)), ((1, 118),)], (), [0, 1]),
        ([80, 140], [((0, 50), (1, 100)), ((1, 118),)], (), [0]),
        ([80, 119], [((0, 50), (1, 100)), ((1, 118),)], (), [0]),
        ([98, 140], [((0, 100),), ((0, 111),)], (), [1]),  # two fewer than in the first
        # A point that must be, too, is compared with the point that comes before it now.
        ([40, 80], [((0, 25), (1, 58))], [1], [1]),
        ([40, 80], [((0, 25), (1, 54))], [1], [0, 1]),
        ([40, 80], [((0, 25),)], [1], [0, 1]),
        ([40, 80], [((1, 58),)], [1], [0, 1]),
    ],
)
def test_beside_every_earlier_release_events_differ_by_none_or_by_many(events, before, must, points):
    one = arm(events, [400 - n for n in events], 400, *before)
    assert choose_points([one], RULES, must) == points


def test_at_the_common_days_of_groups_everybody_keeps_the_rule_too():
    """Everybody had curves before the groups had any: on day 2 five more had the event than was printed then."""
    x, rest = (arm(events, [200 - n for n in events], 200, ()) for events in ([15, 40, 70], [25, 40, 70]))
    for known, points in ((75, [0, 2]), (69, [0, 1, 2])):
        everybody = arm([40, 80, 140], [360, 320, 260], 400, ((1, known),))
        assert choose_groups(everybody, {"x": x, "y": rest}, RULES) == (["x", "y"], points)


def release(curves, *before):
    found = protect_family_curves([curves], RULES, before)
    days = found.earlier[0].shown.days.tolist()
    return days, SimpleNamespace(definitions={"patients": "d"}, curves=found.earlier, withheld=found.withheld)


def test_a_third_release_is_compared_with_the_first_and_the_second():
    """Day 7 was left out of the second: five new patients had the event in it; now as many have in week 2."""
    by_day = ([50, 100, 150], [55, 118, 180], [80, 135, 225])
    one, two, three = (curve(np.diff(n, prepend=0), [400 - x for x in n], 400) for n in by_day)
    days, first = release(one)
    assert days == [7, 14, 21]
    days, second = release(two, first)
    assert days == [14, 21]
    assert release(three, first, second)[0] == [7, 21]


@pytest.mark.parametrize(
    ("left", "base", "before", "step", "is_point"),
    [
        (53, 5, 55, 5, True),  # printed as it was
        (58, 5, 55, 5, False),  # 60 beside 55: one to nine more are observed
        (48, 5, 55, 5, False),
        (63, 5, 55, 5, True),  # six to fourteen
        (48, 5, 60, 5, True),
        (58, 10, 50, 10, True),  # one to nineteen
        (58, 10, 55, 5, True),  # 60 stands for 55 to 64, 55 for 53 to 57: two fewer to eleven more
        (58, 5, 50, 10, True),
    ],
)
def test_patients_at_risk_stand_as_they_were_or_may_have_moved_by_many(left, base, before, step, is_point):
    one = Arm(left + 30, np.array([30]), np.array([left]), seen=((0, before, step),))
    assert choose_points([one], RULES, base=base) == ([0] if is_point else [])
    other = Arm(left + 30, np.array([30]), np.array([left]), seen=((1, before, step),))
    assert choose_points([other], RULES, base=base) == [0]


def test_few_more_patients_at_risk_on_a_day_do_not_show_beside_an_earlier_release():
    """On day 7 nobody more had the event, and three more are observed: of 372 and 375 stand 370 and 375."""
    days, first = release(curve([30, 20, 20], [372, 352, 332], 402))
    assert days == [7, 14, 21]
    assert release(curve([30, 35, 20], [375, 340, 320], 405), first)[0] == [14, 21]
