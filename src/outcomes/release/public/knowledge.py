"""What a reader of a release and of the earlier ones knows, as one system (`prove`).

A number of the same meaning and the same true count is one unknown, in whichever release it was printed. Where the true
counts differ by 1 to 10 patients, a reader may know that they do; where they differ by more and one of them was
printed, that it was printed anew tells that they differ by 11 or more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy import sparse

from outcomes.release.public.model import HIDDEN_CELL, Counts, PublicRules
from outcomes.release.public.numbers import Key
from outcomes.release.public.published import Published
from outcomes.release.public.rounding import find_bounds
from outcomes.release.public.system import System

UNBOUNDED = 10**9
Sum = tuple[tuple[int, ...], tuple[int, ...], int, int]
"""Places, their factors, and the bounds of the sum."""


def gather(now: Published, earlier: Sequence[Published], rules: PublicRules) -> tuple[System, Counts, tuple[Key, ...]]:
    """Return all that is known, and which of its numbers must stay open.

    Parameters
    ----------
    now : Published
    earlier : sequence of Published
    rules : PublicRules

    Returns
    -------
    (System, ndarray of int64, tuple of Key)
        The first numbers of the system are those of `now`, in their order. The second holds the places of the numbers
        that are hidden and were never printed, the third what each number counts.
    """
    places: dict[tuple[Key, int], int] = {}
    low: list[int] = []
    high: list[int] = []
    printed: set[int] = set()
    hidden: set[int] = set()
    sums: dict[Sum, None] = {}
    by_key: dict[Key, list[int]] = defaultdict(list)
    for published in (now, *earlier):
        bounds = _bounds(published, rules)
        for i, (least, most) in published.known.items():
            bounds[0][i], bounds[1][i] = max(bounds[0][i], least), min(bounds[1][i], most)
        own = []
        for i, key in enumerate(published.numbers.keys):
            identity = (key, int(published.numbers.exact[i]))
            if identity not in places:
                places[identity] = len(low)
                by_key[key].append(len(low))
                low.append(0)
                high.append(UNBOUNDED)
            place = places[identity]
            own.append(place)
            low[place], high[place] = max(low[place], int(bounds[0][i])), min(high[place], int(bounds[1][i]))
            (hidden if published.shown[i] == HIDDEN_CELL else printed).add(place)
        for total, parts in published.numbers.sums:
            sums[((own[total], *(own[i] for i in parts)), (-1,) + (1,) * len(parts), 0, 0)] = None
    exact = np.array([count for _, count in places], dtype=np.int64)
    if earlier:
        sums |= dict.fromkeys(_links(by_key, exact, rules.k - 1, printed))
    system = _build(exact, np.array(low, dtype=np.int64), np.array(high, dtype=np.int64), sums)
    return system, np.array(sorted(hidden - printed), dtype=np.int64), tuple(key for key, _ in places)


def _bounds(published: Published, rules: PublicRules) -> tuple[Counts, Counts]:
    """What is known of each number alone."""
    exact, hidden = published.numbers.exact, published.hidden
    low = np.where(hidden & (exact > 0), 1, 0).astype(np.int64)
    high = np.where(hidden & (exact > 0) & (exact < rules.k), rules.k - 1, UNBOUNDED).astype(np.int64)
    told = ~hidden & ~published.derived
    basis = published.basis
    low[told], high[told] = find_bounds(published.shown[told], published.base[told], basis[told], rules.k)
    # A number kept from an earlier release is known to be no further from the one it was made from than the rule says.
    kept = told & (basis != exact)
    low[kept] = np.maximum(low[kept] - (rules.k - 1), 0)
    high[kept] += rules.k - 1
    return low, high


def _links(by_key: Mapping[Key, Sequence[int]], exact: Counts, near: int, printed: set[int]) -> Iterable[Sum]:
    """Numbers of the same meaning in two releases, near or told to be far, and rows put together in one only."""
    for places in by_key.values():
        for i, one in enumerate(places):
            for other in places[i + 1 :]:
                distance = int(exact[one] - exact[other])
                if abs(distance) <= near:
                    yield (one, other), (1, -1), -near, near
                elif one in printed or other in printed:
                    sign = 1 if distance > 0 else -1
                    yield (one, other), (sign, -sign), near + 1, UNBOUNDED
    tables: dict[tuple[str, str, str], list[Key]] = defaultdict(list)
    for key in by_key:
        if key.rows:
            tables[key.cohort, key.table, key.column].append(key)
    for keys in tables.values():
        for whole in (key for key in keys if len(key.rows) > 1):
            yield from _link_parts(whole, keys, by_key, exact, near)


def _link_parts(
    whole: Key, keys: Sequence[Key], by_key: Mapping[Key, Sequence[int]], exact: Counts, near: int
) -> Iterable[Sum]:
    """A row put together in one release, and its parts as they stood in another."""
    parts = [key for key in keys if key != whole and set(key.rows) < set(whole.rows)]
    finest = [key for key in parts if not any(set(other.rows) < set(key.rows) for other in parts)]
    if sorted(row for key in finest for row in key.rows) != sorted(whole.rows):
        return
    for place in by_key[whole]:
        pieces = tuple(by_key[key][0] for key in finest)
        distance = int(exact[list(pieces)].sum() - exact[place])
        if abs(distance) <= near:
            bound = 0 if distance == 0 else near
            yield (*pieces, place), (1,) * len(pieces) + (-1,), -bound, bound


def _build(exact: Counts, low: Counts, high: Counts, sums: Iterable[Sum]) -> System:
    listed = list(sums)
    rows = np.repeat(np.arange(len(listed)), [len(item[0]) for item in listed])
    columns = np.array([i for item in listed for i in item[0]], dtype=np.int64)
    factors = np.array([f for item in listed for f in item[1]], dtype=np.float64)
    matrix = sparse.csr_array((factors, (rows, columns)), shape=(len(listed), exact.size))
    bounds = (np.array([item[j] for item in listed], dtype=np.int64) for j in (2, 3))
    return System(exact, low, high, matrix, *bounds)
