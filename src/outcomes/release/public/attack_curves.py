"""What a reader works back from a published curve: events between its points, patients behind its limits.

As Guyot and others do (BMC Med Res Methodol 2012, 12:9): events of a gap from the fall of the curve and the patients at
risk; and what the printed groups leave of everybody. The number of patients is solved for from the width of the limits.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from outcomes.release.public.model import HIDDEN_CELL, Attacked, PublicRules, ShownCurve

ALL = "all"
WIDEST = 1.959963984540054
PERCENT = 0.01
_SIZES = np.arange(1, 400)


def attack_curves(curves: Sequence[ShownCurve], rules: PublicRules) -> tuple[Attacked, ...]:
    """Return the gaps of curves in which few events are told too closely, and limits that give a number back.

    Parameters
    ----------
    curves : sequence of ShownCurve
    rules : PublicRules
    """
    found = [gap for curve in curves for gap in _attack_gaps(curve, rules)]
    found += [size for curve in curves for size in _attack_limits(curve, rules)]
    families: dict[tuple[str, str], list[ShownCurve]] = defaultdict(list)
    for curve in curves:
        families[curve.cohort.name, curve.name].append(curve)
    return (*found, *(rest for family in families.values() for rest in _attack_rest(family, rules)))


def _events(curve: ShownCurve, i: int, rules: PublicRules) -> tuple[int, int]:
    """Least and greatest number of events of the gap that ends at a point; a point that keeps the rule has `k`."""
    shown, half = int(curve.new_events[i]), rules.base // 2
    low, high = shown - half, shown - half + rules.base - 1
    return (max(low, rules.k), high) if high >= rules.k else (max(low, 0), high)


def _attack_gaps(curve: ShownCurve, rules: PublicRules) -> list[Attacked]:
    found = []
    for i in range(len(curve.days)):
        low, high = _events(curve, i, rules)
        if i:
            low, high = _narrow(curve, i, low, high)
        if high < rules.k and high - low + 1 < rules.least_values:
            found.append(Attacked(curve.name, _where(curve, i), low, high, False, "fall of the curve"))
        if curve.at_risk[i] != HIDDEN_CELL and int(curve.at_risk[i]) + (curve.base - 1) // 2 < rules.k:
            low = max(0, int(curve.at_risk[i]) - 2)
            found.append(Attacked(curve.name, _where(curve, i), low, low + 4, False, "few at risk"))
    return found


def _narrow(curve: ShownCurve, i: int, low: int, high: int) -> tuple[int, int]:
    """Bounds of the events of a gap, by the fall of the curve too; as they were where the two do not fit each other."""
    left, at_risk, off = 100 - int(curve.percent[i - 1]), int(curve.at_risk[i - 1]), curve.base // 2
    if not left or at_risk == HIDDEN_CELL:
        return low, high
    fall, slack = (int(curve.percent[i]) - int(curve.percent[i - 1])) / left, 1 / left
    rough = math.floor((fall - slack) * (at_risk - off)), math.ceil((fall + slack) * (at_risk + off))
    both = max(low, rough[0]), min(high, rough[1])
    return both if both[0] <= both[1] else (low, high)


def _attack_rest(family: Sequence[ShownCurve], rules: PublicRules) -> list[Attacked]:
    """Events of the patients in no printed group, between days on which everybody and all groups have points."""
    whole = next((curve for curve in family if curve.group == ALL), None)
    groups = [curve for curve in family if curve.group != ALL]
    if whole is None or not groups:
        return []
    shared = sorted(set.intersection(*(set(curve.days.tolist()) for curve in family)))
    found = []
    last = 0
    for day in shared:
        left = _between(whole, last, day)
        for curve in groups:
            left -= _between(curve, last, day)
        # The sums are of rounded numbers; a reader with exact ones would know the rest, so half a base is allowed only.
        slack = rules.base // 2 * (len(groups) + 1)
        if 0 < left < rules.k - slack:
            low, high = max(0, left - slack), left + slack
            enough = high - low + 1 >= rules.least_values
            found.append(Attacked(whole.name, f"rest / day {day}", low, high, enough, "all less the groups"))
        last = day
    return found


def _between(curve: ShownCurve, after: int, until: int) -> int:
    return int(curve.new_events[(curve.days > after) & (curve.days <= until)].sum())


def _attack_limits(curve: ShownCurve, rules: PublicRules) -> list[Attacked]:
    """Numbers of patients that fit a point and its limits, read as a Wilson interval rounded to whole percents."""
    found = []
    for i in range(len(curve.days)):
        share, low, high = (int(v[i]) / 100 for v in (curve.percent, curve.low_percent, curve.high_percent))
        scale = 1 + WIDEST**2 / _SIZES
        middle = (share + WIDEST**2 / (2 * _SIZES)) / scale
        half = WIDEST / scale * np.sqrt(share * (1 - share) / _SIZES + WIDEST**2 / (4 * _SIZES**2))
        fits = (np.abs(middle - half - low) <= PERCENT) & (np.abs(middle + half - high) <= PERCENT)
        sizes = _SIZES[fits]
        if 0 < sizes.size < rules.base and sizes.min() < rules.k:
            found.append(Attacked(curve.name, _where(curve, i), int(sizes.min()), int(sizes.max()), False, "limits"))
    return found


def _where(curve: ShownCurve, i: int) -> str:
    return f"{curve.group} / day {int(curve.days[i])}"
