"""What a reader of a release and of the earlier ones knows, as one system (`prove`).

A number of the same meaning and the same true count is one unknown, in whichever release it was printed. That two
printed numbers differ by 1 to 10 patients is known, for the rule keeps the older one; where they differ by more and one
of them was printed, that it was printed anew tells that they differ by 11 or more. A row that is made up of rows of
another release, as "2024Q3 and earlier" is, is their sum. And what the whole of a printed part has beside it is 0, or
11 patients and more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy import sparse

from outcomes.release.public.labels import EARLIER, Rows, find_parts, is_rest
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
    of_release: list[dict[Key, int]] = []
    for published in (now, *reversed(earlier)):
        bounds = _bounds(published, rules)
        for i, (least, most) in published.known.items():
            bounds[0][i], bounds[1][i] = max(bounds[0][i], least), min(bounds[1][i], most)
        own = []
        for i, key in enumerate(published.numbers.keys):
            identity = (key, int(published.numbers.exact[i]))
            if identity not in places:
                places[identity] = len(low)
                by_key[key._replace(rows=(EARLIER,)) if is_rest(key.rows) else key].append(len(low))
                low.append(0)
                high.append(UNBOUNDED)
            place = places[identity]
            own.append(place)
            low[place], high[place] = max(low[place], int(bounds[0][i])), min(high[place], int(bounds[1][i]))
            (hidden if published.shown[i] == HIDDEN_CELL else printed).add(place)
        for total, parts in published.numbers.sums:
            sums[((own[total], *(own[i] for i in parts)), (-1,) + (1,) * len(parts), 0, 0)] = None
        sums |= dict.fromkeys(_rests(published, own, rules.k))
        of_release.append(dict(zip(published.numbers.keys, own, strict=True)))
    exact = np.array([count for _, count in places], dtype=np.int64)
    if earlier:
        sums |= dict.fromkeys(_links(by_key, exact, rules.k - 1, printed))
        sums |= dict.fromkeys(_link_parts(of_release, exact, rules.k - 1))
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
    """Numbers of the same meaning in two releases, near or told to be far."""
    for places in by_key.values():
        for i, one in enumerate(places):
            for other in places[i + 1 :]:
                distance = int(exact[one] - exact[other])
                if abs(distance) <= near:
                    if one in printed and other in printed:
                        yield (one, other), (1, -1), -near, near
                elif one in printed or other in printed:
                    sign = 1 if distance > 0 else -1
                    yield (one, other), (sign, -sign), near + 1, UNBOUNDED


def _link_parts(releases: Sequence[Mapping[Key, int]], exact: Counts, near: int) -> Iterable[Sum]:
    """A row of one release, and the rows of another that make it up."""
    tables = [_list_rows(release) for release in releases]
    for n, own in enumerate(tables):
        for where, wholes in own.items():
            for m, other in enumerate(tables):
                if m == n or where not in other:
                    continue
                for rows in wholes.keys() - other[where].keys():
                    place, pieces = wholes[rows], [other[where][part] for part in find_parts(rows, other[where])]
                    distance = int(exact[pieces].sum() - exact[place])
                    if pieces and abs(distance) <= near:
                        bound = 0 if distance == 0 else near
                        yield (*pieces, place), (1,) * len(pieces) + (-1,), -bound, bound


def _list_rows(release: Mapping[Key, int]) -> dict[tuple[str, str, str], dict[Rows, int]]:
    """Of each column of each table, its rows and their places."""
    found: dict[tuple[str, str, str], dict[Rows, int]] = defaultdict(dict)
    for key, place in release.items():
        if key.rows:
            found[key.cohort, key.table, key.column][key.rows] = place
    return found


def _rests(published: Published, own: Sequence[int], k: int) -> Iterable[Sum]:
    """What the whole of a printed part has beside it: `k` patients or more, where it has any.

    Where another part is printed too, that says as much.
    """
    exact, whole = published.numbers.exact, published.numbers.whole
    told = ~published.hidden & (published.basis == exact) & (exact >= k)
    parts_of: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for total, parts in published.numbers.sums:
        parts_of[total].append(parts)
    rest = np.where(whole >= 0, exact[whole] - exact, 0)
    for i in np.flatnonzero((rest >= k) & told).tolist():
        beside = [j for parts in parts_of[int(whole[i])] if i in parts for j in parts if j != i]
        if not told[beside].any():
            yield (own[whole[i]], own[i]), (1, -1), k, UNBOUNDED


def _build(exact: Counts, low: Counts, high: Counts, sums: Iterable[Sum]) -> System:
    listed = list(sums)
    rows = np.repeat(np.arange(len(listed)), [len(item[0]) for item in listed])
    columns = np.array([i for item in listed for i in item[0]], dtype=np.int64)
    factors = np.array([f for item in listed for f in item[1]], dtype=np.float64)
    matrix = sparse.csr_array((factors, (rows, columns)), shape=(len(listed), exact.size))
    bounds = (np.array([item[j] for item in listed], dtype=np.int64) for j in (2, 3))
    return System(exact, low, high, matrix, *bounds)
