"""How closely the points of curves tell how many patients were lost between two of them.

A reader is taken to know the events up to each point. With those and the rounded numbers at risk there are bounds for
the patients who were not lost by then: still observed, or had the event before. Nobody comes back, so that these never
grow from one point to the next; and those of the groups add up to those of everybody. Each number narrows the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from outcomes.release.public.model import Counts, PublicRules
from outcomes.release.public.rounding import find_bounds, round_counts

LARGE = 10**6
Bounds = tuple[Counts, Counts]


@dataclass(slots=True)
class Line:
    """Patients of one curve who were not lost, at the start and at each of its points.

    Attributes
    ----------
    places : ndarray of int64, shape (m,)
        On the grid; -1 is the start.
    kept, low, high : ndarray of int64, shape (m,)
        What is true, and what a reader can take it to lie between.
    """

    places: Counts
    kept: Counts
    low: Counts
    high: Counts

    @classmethod
    def of(cls, places: Sequence[int], events: Counts, left: Counts, base: int, k: int) -> Line:
        """Take places, and of the start and each of them the events so far and those left; base 0: nothing is printed.

        Those of a curve that is not printed show by what the printed ones leave.
        """
        low, high = np.zeros_like(left), np.full_like(left, LARGE)
        if base:
            low, high = find_bounds(round_counts(left, base), np.full_like(left, base), left, k)
        return cls(np.array([-1, *places]), events + left, low + events, high + events)

    def bound(self, at: Counts) -> tuple[Counts, Counts, Counts]:
        """Return the patients lost between one of some places and the next, and the bounds of their number."""
        kept, low, high = self.kept[at], self.low[at], self.high[at]
        return kept[:-1] - kept[1:], np.maximum(low[:-1] - high[1:], 0), high[:-1] - low[1:]


def are_told(lines: Sequence[Line], rules: PublicRules) -> bool:
    """Whether the curves tell too closely how few patients were lost between two points of one of them.

    Fewer than `least_values` numbers are possible then.

    Parameters
    ----------
    lines : sequence of Line
        Of several the others add up to the first, at their points, which are alike and all among its own.
    rules : PublicRules
    """
    whole, *parts = lines
    places = parts[0].places if parts else whole.places
    at = np.searchsorted(whole.places, places)
    while _narrow(whole, parts, at):
        pass
    own = [whole.bound(np.arange(whole.places.size))]
    shared = [whole.bound(at), *(part.bound(np.arange(places.size)) for part in parts)]
    while parts and _narrow_sums(shared[0][1:], [one[1:] for one in shared[1:]]):
        pass
    return any(
        bool(((lost > 0) & (lost < rules.k) & (most - least + 1 < rules.least_values)).any())
        for lost, least, most in (*own, *shared)
    )


def _narrow(whole: Line, parts: Sequence[Line], at: Counts) -> bool:
    """Narrow the bounds of those kept by one another, in place; whether that moved any."""
    before = [bound.copy() for line in (whole, *parts) for bound in (line.low, line.high)]
    for line in (whole, *parts):
        line.high[:] = np.minimum.accumulate(line.high)
        line.low[:] = np.maximum.accumulate(line.low[::-1])[::-1]
    if parts:
        low, high = whole.low[at], whole.high[at]
        _narrow_sums((low, high), [(part.low, part.high) for part in parts])
        whole.low[at], whole.high[at] = low, high
    after = [bound for line in (whole, *parts) for bound in (line.low, line.high)]
    return any((one != other).any() for one, other in zip(before, after, strict=True))


def _narrow_sums(whole: Bounds, parts: Sequence[Bounds]) -> bool:
    """Narrow least and greatest values of a sum and its parts by one another, in place; whether that moved any."""
    before = [bound.copy() for own in (whole, *parts) for bound in own]
    np.maximum(whole[0], np.sum([low for low, _ in parts], axis=0), out=whole[0])
    np.minimum(whole[1], np.sum([high for _, high in parts], axis=0), out=whole[1])
    for low, high in parts:
        # What the others are at most, or at least, leaves this of the sum.
        least, most = np.sum([own[0] for own in parts], axis=0) - low, np.sum([own[1] for own in parts], axis=0) - high
        np.maximum(low, whole[0] - most, out=low)
        np.minimum(high, whole[1] - least, out=high)
    after = [bound for own in (whole, *parts) for bound in own]
    return any((one != other).any() for one, other in zip(before, after, strict=True))
