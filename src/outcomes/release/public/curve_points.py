"""A curve that may be published: few points, each of many patients, and straight lines between them.

The grid of days is fixed in advance. A point is published when `k` or more events were seen since the point before and
`k` or more patients are still observed after it; the curve ends where fewer are. Where the curve of everybody stands
beside curves of groups, a group is also what the others leave of everybody: groups are published at common days only,
at which every one of them, and the rest that is not published, meets the rule; between these days the curve of
everybody may have points of its own. Cumulative events at a published point are held to be known exactly, for the
percentages of a small group give them back; a point whose numbers would tell too closely how few were lost between two
points, these or earlier ones, is passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from outcomes.errors import ConservationError
from outcomes.release.public.losses import Line, are_told
from outcomes.release.public.model import CountCurve, Counts, PublicRules, ShownCurve
from outcomes.release.public.rounding import round_counts

ALL = "all"
LEAST_POINTS = 2
STEPS = (1, 2, 5, 10, 20)
"""What limits are rounded to, outward, in percent: the first that leaves the number of patients open."""
MOST_PATIENTS = 4_000
_Z = float(ndtri(0.975))
Printing = tuple[tuple[int, int], ...]
"""Place on the grid and cumulative events of the points that one earlier release published of an arm."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Cumulative events and patients left at each day of the grid, and the cumulative events known from before.

    Attributes
    ----------
    patients : int
    events, left : ndarray of int64, shape (m,)
    before : tuple of Printing
        One for each earlier release with curves of the family, oldest first; empty where it had none of this arm.
    is_printed : bool
        False for a rest, which shows by what the others leave.
    seen : tuple of (int, int, int)
        Place on the grid, patients at risk as an earlier release printed them, and what it rounded to.
    """

    patients: int
    events: Counts
    left: Counts
    before: tuple[Printing, ...] = ()
    is_printed: bool = True
    seen: tuple[tuple[int, int, int], ...] = ()


def make_arm(
    curve: CountCurve, before: Iterable[Iterable[tuple[int, int]]] = (), seen: Iterable[tuple[int, int, int]] = ()
) -> Arm:
    """Return the arm of a curve; `before` are days and cumulative events, release by release, `seen` as in `Arm`."""
    events = np.cumsum(curve.new_events)
    patients = curve.patients if curve.patients >= 0 else int(events[-1] + curve.at_risk[-1])
    places = {int(day): i for i, day in enumerate(curve.days.tolist())}
    known = tuple(tuple((places[day], count) for day, count in one if day in places) for one in before)
    found = tuple((places[day], shown, base) for day, shown, base in seen if day in places)
    return Arm(patients, events, curve.at_risk, known, seen=found)


def take_rest(everybody: Arm, groups: Sequence[Arm]) -> Arm:
    """Return what groups leave of everybody."""
    events = everybody.events - np.sum([arm.events for arm in groups], axis=0, dtype=np.int64)
    left = everybody.left - np.sum([arm.left for arm in groups], axis=0, dtype=np.int64)
    patients = everybody.patients - sum(arm.patients for arm in groups)
    printings = zip(everybody.before, *(arm.before for arm in groups), strict=True)
    before = tuple(_take_known(dict(whole), [dict(own) for own in known]) for whole, *known in printings)
    if min(patients, int(events.min()), int(left.min())) < 0:
        raise ConservationError("E924 The groups of a public curve hold more patients than all. Please report it.")
    return Arm(patients, events, left, before, is_printed=False)


def _take_known(whole: Mapping[int, int], known: Sequence[Mapping[int, int]]) -> Printing:
    return tuple((i, whole[i] - sum(one[i] for one in known)) for i in sorted(set(whole).intersection(*known)))


def list_parts(everybody: Arm, groups: Sequence[Arm]) -> list[Arm]:
    """Return groups, and the rest of everybody where there is one."""
    rest = take_rest(everybody, groups)
    return [*groups, rest] if rest.patients else list(groups)


def choose_points(
    arms: Sequence[Arm], rules: PublicRules, must: Sequence[int] = (), base: int = 5, parts: Sequence[Arm] = ()
) -> list[int]:
    """Return the places on the grid at which every arm may have a point, in order.

    Parameters
    ----------
    arms : sequence of Arm
        Of several the others add up to the first.
    rules : PublicRules
    must : sequence of int
        Places that are points already; others are added only where they leave enough events to the next of these.
    base : int
        What the patients at risk are rounded to.
    parts : sequence of Arm
        They add up to the only arm, and have points at `must`.
    """
    chosen = sorted(must)
    for i in range(arms[0].events.size):
        if i in must or not all(_may_join(arm, chosen, i, rules, base) for arm in arms):
            continue
        more = sorted((*chosen, i))
        lines = [*(_draw(arm, more, rules, base) for arm in arms), *(_draw(arm, must, rules, base) for arm in parts)]
        if not are_told(lines, rules):
            chosen = more
    return chosen


def _draw(arm: Arm, points: Sequence[int], rules: PublicRules, base: int) -> Line:
    at = list(points)
    events, left = np.append(0, arm.events[at]), np.append(arm.patients, arm.left[at])
    return Line.of(at, events, left, base if arm.is_printed else 0, rules.k)


def _may_join(arm: Arm, chosen: Sequence[int], i: int, rules: PublicRules, base: int) -> bool:
    """Whether a point may join others: enough events on either side, also of those since earlier releases, and left."""
    last, until = max((p for p in chosen if p < i), default=-1), min((p for p in chosen if p > i), default=-1)
    gaps = [(last, i), (i, until)] if until >= 0 else [(last, i)]
    if arm.left[i] < rules.k or not _is_left_as_it_was(arm, i, rules, base):
        return False
    return all(
        _count_between(arm, start, end) >= rules.k and _is_new_enough(arm, start, end, rules) for start, end in gaps
    )


def _count_between(arm: Arm, last: int, i: int) -> int:
    """Events since a point; -1 stands for the start."""
    return int(arm.events[i] - (arm.events[last] if last >= 0 else 0))


def _is_new_enough(arm: Arm, last: int, i: int, rules: PublicRules) -> bool:
    """Whether, beside each point published earlier on this day, events since the last such day differ by none or many.

    Otherwise the two curves would tell in which weeks a few new patients had their event.
    """
    for before in map(dict, arm.before):
        if i in before:
            start = max((place for place in before if place <= last), default=-1)
            change = _count_between(arm, start, i) - (before[i] - before.get(start, 0))
            if 0 < abs(change) < rules.k:
                return False
    return True


def _is_left_as_it_was(arm: Arm, i: int, rules: PublicRules, base: int) -> bool:
    """Whether patients at risk are printed as earlier on this day, or so that `k` more or fewer are possible."""
    now = int(round_counts(arm.left[i], base))
    for place, before, step in arm.seen:
        fewest, most = now - base // 2 - before - (step - 1) // 2, now + (base - 1) // 2 - before + step // 2
        if place == i and before != now and max(-fewest, most) < rules.k:
            return False
    return True


def choose_groups(
    everybody: Arm, groups: dict[str, Arm], rules: PublicRules, base: int = 5
) -> tuple[list[str], list[int]]:
    """Return the groups that are published beside everybody, and the places of their common points.

    Of the groups with most events so many as give most points together; the others are a rest that meets the rule, and
    so does everybody: a few lost, or new, of each group may be few of all.
    """
    order = sorted(groups, key=lambda name: (-int(groups[name].events[-1]), name))
    best: tuple[int, int, list[int]] = (0, 0, [])
    for n in range(1, len(order) + 1):
        parts = list_parts(everybody, [groups[name] for name in order[:n]])
        points = choose_points([everybody, *parts], rules, base=base)
        if len(points) >= LEAST_POINTS and (n * len(points), n) > best[:2]:
            best = (n * len(points), n, points)
    return sorted(order[: best[1]], key=list(groups).index), best[2]


def show_curve(curve: CountCurve, points: Sequence[int], rules: PublicRules, base: int = 5) -> ShownCurve:
    """Return a curve at its points: rounded counts, whole percents, limits rounded outward as far as needed.

    `base` is what the patients at risk are rounded to.
    """
    arm, at = make_arm(curve), list(points)
    events = np.diff(arm.events[at], prepend=0)
    percent = np.floor(100 * curve.estimate[at] + 0.5).astype(np.int64)
    limits = [
        round_limits(float(curve.estimate[i]), float(curve.conf_low[i]), float(curve.conf_high[i]), arm.patients, rules)
        for i in at
    ]
    low, high = (np.array([pair[j] for pair in limits], dtype=np.int64) for j in (0, 1))
    return ShownCurve(
        name=curve.name,
        group=curve.group,
        cohort=curve.cohort,
        days=curve.days[at],
        new_events=round_counts(events, rules.base),
        at_risk=round_counts(curve.at_risk[at], base),
        percent=percent,
        low_percent=np.minimum(low, percent),
        high_percent=np.maximum(high, percent),
        base=base,
    )


def round_limits(share: float, low: float, high: float, patients: int, rules: PublicRules) -> tuple[int, int]:
    """Return limits in percent, rounded outward so far that they leave `base` or more numbers of patients possible.

    A reader who solves Wilson's interval for its number of patients must find no fewer than the rounded number leaves.
    """
    step = next((s for s in STEPS if _count_sizes(share, patients, s) >= rules.base), STEPS[-1])
    return max(0, step * math.floor(100 * low / step)), min(100, step * math.ceil(100 * high / step))


def _count_sizes(share: float, patients: int, step: int) -> int:
    """How many numbers of patients give the same limits when these are rounded outward to `step` percent."""
    if patients > MOST_PATIENTS:
        return patients
    sizes = np.arange(1, 3 * patients + 20)
    middle = (share + _Z**2 / (2 * sizes)) / (1 + _Z**2 / sizes)
    half = _Z / (1 + _Z**2 / sizes) * np.sqrt(share * (1 - share) / sizes + _Z**2 / (4 * sizes**2))
    told = np.column_stack([np.floor(100 * (middle - half) / step), np.ceil(100 * (middle + half) / step)])
    return int((told == told[patients - 1]).all(axis=1).sum())


def read_quantile(curve: ShownCurve, patients: int, rules: PublicRules, share: float = 0.5) -> int | None:
    """Return the first published day by which a share of patients has had the event, or None where it may not be said.

    Parameters
    ----------
    curve : ShownCurve
    patients : int
        Of the group, as published.
    rules : PublicRules
    share : float
        0.5 for a median, which needs `rules.median_floor` patients; other shares need `rules.quartile_floor`.
    """
    floor = rules.median_floor if share == 0.5 else rules.quartile_floor
    reached = np.flatnonzero(curve.percent >= 100 * share)
    return int(curve.days[reached[0]]) if patients >= floor and reached.size else None
