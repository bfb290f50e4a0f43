"""The curves of a release: which are refreshed, which stand as they were, and what they give away of the tables."""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from outcomes.release.public.cohorts import RELIEF, STATES, UNKNOWN
from outcomes.release.public.curve_points import (
    ALL,
    LEAST_POINTS,
    Arm,
    choose_groups,
    choose_points,
    list_parts,
    make_arm,
    show_curve,
)
from outcomes.release.public.earlier import EarlierCurve, EarlierRelease, Withheld
from outcomes.release.public.model import RULES, CountCurve, PublicRules, ShownCurve
from outcomes.release.public.numbers import Numbers
from outcomes.release.public.rounding import round_counts

OPEN = 10**6
"""Nothing is known from above."""


@dataclass(frozen=True, slots=True)
class ProtectedCurves:
    """Curves that may be published, with what the ledger keeps of them, and of arms not published."""

    earlier: tuple[EarlierCurve, ...]
    withheld: tuple[Withheld, ...]

    @property
    def shown(self) -> tuple[ShownCurve, ...]:
        """What is published."""
        return tuple(curve.shown for curve in self.earlier)


@dataclass(frozen=True, slots=True)
class _Past:
    """What earlier releases did with one family of curves: what each that printed it printed, and what was withheld."""

    printed: tuple[tuple[EarlierRelease, tuple[EarlierCurve, ...]], ...]
    withheld: tuple[Withheld, ...]

    @classmethod
    def of(cls, earlier: Sequence[EarlierRelease], cohort: str, name: str) -> _Past:
        own = [
            (release, tuple(c for c in release.curves if (c.shown.cohort.name, c.shown.name) == (cohort, name)))
            for release in earlier
        ]
        withheld = (arm for release in earlier for arm in release.withheld if arm[:2] == (cohort, name))
        return cls(tuple((release, curves) for release, curves in own if curves), tuple(dict.fromkeys(withheld)))

    @property
    def curves(self) -> tuple[EarlierCurve, ...]:
        """All that was ever printed, oldest first."""
        return tuple(curve for _, curves in self.printed for curve in curves)


def protect_family_curves(
    curves: Sequence[CountCurve], rules: PublicRules, earlier: Sequence[EarlierRelease], base: int = 5
) -> ProtectedCurves:
    """Return the curves of a release; a family that has not enough new events in every arm stands as it was.

    Whether a curve appears may tell of a few patients as well. So an arm that was not printed is held to the same rule:
    it appears only with `rules.k` more or fewer events than it had when it was left out. What it had is carried on
    from release to release until it has moved so far, or slow growth would never count. In new curves the patients at
    risk are rounded to `base`.
    """
    families: dict[tuple[str, str], list[CountCurve]] = defaultdict(list)
    for curve in curves:
        families[curve.cohort.name, curve.name].append(curve)
    found: list[EarlierCurve] = []
    withheld: list[Withheld] = []
    for (cohort, name), family in families.items():
        past = _Past.of(earlier, cohort, name)
        printings = _protect_family(family, rules, past, base)
        found += printings
        withheld += _list_withheld(family, printings, rules, past)
    return ProtectedCurves(tuple(found), _in_order(withheld))


def leave_out(curves: ProtectedCurves) -> ProtectedCurves:
    """Return no curves, with what the ledger keeps of all that might have been."""
    arms = (Withheld(c.shown.cohort.name, c.shown.name, c.shown.group, c.total_events) for c in curves.earlier)
    return ProtectedCurves((), _in_order((*curves.withheld, *arms)))


def _in_order(withheld: Iterable[Withheld]) -> tuple[Withheld, ...]:
    """One order, whatever led here: a release that is made again has the same entry."""
    return tuple(sorted(withheld))


def _protect_family(family: Sequence[CountCurve], rules: PublicRules, past: _Past, base: int) -> Sequence[EarlierCurve]:
    before = past.curves
    last: Sequence[EarlierCurve] = ()
    if past.printed:
        release, curves = past.printed[-1]
        if release.definitions.get(family[0].cohort.name) == family[0].cohort.definition:
            last = curves
    totals = {curve.group: int(curve.new_events.sum()) for curve in family}
    if not _has_enough_new(totals, ((curve.shown.group, curve.total_events) for curve in before), rules.k):
        return last
    fresh = _refresh(family, rules, past, base)
    arms = {curve.shown.group for curve in fresh}
    left_out = ((arm.group, arm.total_events) for arm in past.withheld if arm.group in arms)
    return fresh if _has_enough_new(totals, left_out, rules.k) else last


def _has_enough_new(totals: Mapping[str, int], before: Iterable[tuple[str, int]], k: int) -> bool:
    """Whether every arm of before is still there and has `k` more or fewer events than each time."""
    return all(group in totals and abs(totals[group] - events) >= k for group, events in before)


def _list_withheld(
    family: Sequence[CountCurve], printings: Sequence[EarlierCurve], rules: PublicRules, past: _Past
) -> list[Withheld]:
    """The arms that are not printed: with their events now, or with earlier ones that lie within `rules.k` of these."""
    shown = {curve.shown.group for curve in printings}
    found = []
    for curve in family:
        if curve.group in shown:
            continue
        events = int(curve.new_events.sum())
        near = [
            (abs(arm.total_events - events), -i, arm) for i, arm in enumerate(past.withheld) if arm.group == curve.group
        ]
        distance, _, arm = min(near, default=(rules.k, 0, None))
        if arm is None or distance >= rules.k:
            arm = Withheld(curve.cohort.name, curve.name, curve.group, events)
        found.append(arm)
    return found


def _refresh(family: Sequence[CountCurve], rules: PublicRules, past: _Past, base: int) -> list[EarlierCurve]:
    arms = {curve.group: _arm(curve, past) for curve in family}
    groups = {group: arm for group, arm in arms.items() if group != ALL}
    points: dict[str, list[int]] = {}
    if ALL not in arms:
        points = {group: choose_points([arm], rules, base=base) for group, arm in groups.items()}
    else:
        chosen, common = choose_groups(arms[ALL], groups, rules, base) if groups else ([], [])
        parts = list_parts(arms[ALL], [groups[group] for group in chosen]) if chosen else []
        points = dict.fromkeys(chosen, common) | {ALL: choose_points([arms[ALL]], rules, common, base, parts)}
    found = []
    for curve in family:
        at = points.get(curve.group, [])
        if len(at) >= LEAST_POINTS:
            arm, shown = arms[curve.group], show_curve(curve, at, rules, base)
            found.append(EarlierCurve(shown, tuple(arm.events[at].tolist()), int(arm.events[-1]), arm.patients))
    return found


def _arm(curve: CountCurve, past: _Past) -> Arm:
    """The arm of a curve, with the points of each earlier printing."""
    own = ([one for one in curves if one.shown.group == curve.group] for _, curves in past.printed)
    shown = (one.shown for one in past.curves if one.shown.group == curve.group)
    seen = ((day, n, one.base) for one in shown for day, n in zip(one.days.tolist(), one.at_risk.tolist(), strict=True))
    return make_arm(curve, ([pair for one in found for pair in _list_points(one)] for found in own), seen)


def _list_points(printed: EarlierCurve) -> Iterable[tuple[int, int]]:
    """Days and cumulative events."""
    return zip(printed.shown.days.tolist(), printed.events, strict=True)


def find_known(numbers: Numbers, curves: ProtectedCurves) -> dict[int, tuple[int, int]]:
    """Return which numbers of the tables the points of curves give away, with the bounds that follow.

    A number that counts as many patients as had the event by a point (of rows put together: as had it in all their
    curves) is held to be known. Patients at risk bound, by their rounding, a number of just as many. Those who had the
    event and those still at risk are a part of all, and the share at a point is no less than that of those seen to have
    had it: both bound from below the patients a curve is made of. Patients with relief by the primary day lie
    between those with the event by the points before and after it.
    """
    known: dict[int, tuple[int, int]] = {}
    of_group = {(one.shown.cohort.name, one.shown.group): one for one in curves.earlier}
    points = {name: dict(_list_points(one)) for name, one in of_group.items()}
    for i, key in enumerate(numbers.keys):
        exact = int(numbers.exact[i])
        groups = [(key.cohort, group) for group in key.rows or (ALL,)]
        if any(group not in points for group in groups):
            continue
        own = [of_group[group] for group in groups]
        shared = set.intersection(*(set(points[group]) for group in groups))
        events = [sum(points[group][day] for group in groups) for day in shared]
        base = own[0].shown.base
        rounded = int(round_counts(exact, base))
        if exact in events and key.column not in STATES[RELIEF + 1 :]:
            known[i] = (exact, exact)
        elif key.column == STATES[RELIEF]:
            ends = [0, *sorted(events), OPEN]
            at = bisect(ends, exact)
            known[i] = (ends[at - 1], ends[at])
        elif not key.column and sum(one.patients for one in own) == exact:
            known[i] = (min(exact, sum(map(find_least, own))), exact + OPEN)
        elif (
            len(groups) == 1 and key.column != STATES[UNKNOWN] and exact >= RULES.k and rounded in own[0].shown.at_risk
        ):
            known[i] = (rounded - base // 2, rounded + base - 1 - base // 2)
    return known


def find_least(curve: EarlierCurve) -> int:
    """Return the fewest patients a reader can take a curve to be made of, who knows its events."""
    events = np.array(curve.events)
    at_risk = np.maximum(curve.shown.at_risk - curve.shown.base // 2, RULES.k)
    by_share = np.ceil(events / np.minimum((curve.shown.percent + 0.5) / 100, 1.0))
    return int(np.maximum(events + at_risk, by_share).max())
