"""Treatment visits by group and family, laid out for `guarded_sums`: groups and families add up to known totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.release.guarded_sums import Board, Floats, Sums, hide, is_small, is_told

if TYPE_CHECKING:
    import pandas as pd

Places = NDArray[np.intp]
Row = tuple[Floats, float, Floats]
FAMILY_TAG = 2.0
"""A family's other groups are nearer to a cell than the group's other families: totals are given by family."""


@dataclass(frozen=True, slots=True)
class Totals:
    """All treatment visits, and those with each family: a published table of its own.

    Attributes
    ----------
    n : float
    events : dict of str to float
    shown : dict of str to bool
        Whether a family's total stands there as a number.
    told : bool
        Whether the mark of a hidden total may say that it is small.
    """

    n: float
    events: dict[str, float]
    shown: dict[str, bool]
    told: bool

    @classmethod
    def of(cls, table: pd.DataFrame, floor: int) -> Totals:
        """Read a table of families, and decide which of their totals are shown.

        Where most visits have one family, a small family is all visits less the others.
        """
        n = float(table["n"].max()) if len(table) else 0.0
        names = [str(name) for name in table["family"]]
        events = table["events"].to_numpy(dtype=float)
        layout, own = _Layout(1, len(names)), np.array([0])
        rows, keep = layout.add_groups([own], np.array([n]), events[None, :], floor)
        made = [
            Sums.of(part, layout.n_counts, layout.n_tags)
            for part in (rows[1:], rows[:1], layout.add_guards(own, n, events))
        ]
        board = Board(made[0], np.array(keep[1:], dtype=np.bool_), made[1], made[2], layout.never_negative())
        shown = hide(board, floor)
        told = is_told(board.published.values, shown, floor)
        return cls(
            n, dict(zip(names, events.tolist(), strict=True)), dict(zip(names, shown.tolist(), strict=True)), told
        )

    def of_family(self, name: str) -> float:
        """Visits with a family; none where it is not listed."""
        return self.events.get(name, 0.0)


@dataclass(frozen=True, slots=True)
class Grouped:
    """A table of one row a group and family.

    Attributes
    ----------
    names : list of tuple
    families : list of str
    group, family : ndarray of int, shape (rows,)
        Place of each row.
    n : ndarray, shape (groups,)
    x : ndarray, shape (groups, families)
        Visits of each group, and those with each family.
    """

    names: list[tuple[str, ...]]
    families: list[str]
    group: Places
    family: Places
    n: Floats
    x: Floats

    @classmethod
    def of(cls, table: pd.DataFrame, keys: list[str], families: list[str] | None = None) -> Grouped:
        """Read a table with the columns `keys`, ``family, n, events``; `families` says in which order."""
        keyed = list(zip(*(table[key].astype(str) for key in keys), strict=True))
        names = list(dict.fromkeys(keyed))
        families = families or [str(f) for f in dict.fromkeys(table["family"])]
        group = np.array([names.index(key) for key in keyed], dtype=np.intp)
        family = np.array([families.index(str(f)) for f in table["family"]], dtype=np.intp)
        n, x = np.zeros(len(names)), np.zeros((len(names), len(families)))
        n[group] = table["n"].to_numpy(dtype=float)
        x[group, family] = table["events"].to_numpy(dtype=float)
        return cls(names, families, group, family, n, x)

    @property
    def n_published(self) -> int:
        """Sizes and cells."""
        return self.n.size + self.x.size


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the counts of groups stand: group by group the visits, then those with each family.

    Attributes
    ----------
    groups, families : int
    """

    groups: int
    families: int

    @property
    def n_counts(self) -> int:
        return self.groups * (self.families + 1)

    @property
    def n_tags(self) -> int:
        return self.groups + self.families + 1

    def weigh(self, members: Places, column: int) -> Floats:
        """Weights of the visits of some groups (column 0), or of those with the family of a column."""
        weights = np.zeros((self.groups, self.families + 1))
        weights[members, column] = 1.0
        return weights.ravel()

    def tag(self, members: Places, column: int) -> Floats:
        """Tags of such a sum. Of a total of many groups the family alone counts: what it is made of is nearer."""
        tags = np.zeros(self.n_tags)
        tags[members] = 1.0 if len(members) == 1 else 0.0
        tags[self.groups + column] = FAMILY_TAG
        return tags

    def add(self, members: Places, column: int, value: float) -> Row:
        """One sum with its value."""
        return self.weigh(members, column), float(value), self.tag(members, column)

    def add_rest(self, members: Places, column: int, value: float) -> Row:
        """Those without the family of a column."""
        return self.weigh(members, 0) - self.weigh(members, column), float(value), self.tag(members, column)

    def add_groups(self, members: list[Places], n: Floats, x: Floats, floor: int) -> tuple[list[Row], list[bool]]:
        """Sizes of groups and then their cells; and which may be shown as far as they alone are concerned."""
        rows = [self.add(own, 0, count) for own, count in zip(members, n, strict=True)]
        rows += [self.add(own, f + 1, v) for own, xs in zip(members, x, strict=True) for f, v in enumerate(xs)]
        rest = n[:, None] - x
        # Of few visits nothing is shown, and no count whose rest is small.
        keep = ~(is_small(n, floor)[:, None] | is_small(rest, floor))
        return rows, [True] * len(members) + keep.ravel().tolist()

    def add_guards(self, members: Places, n: float, x: Floats) -> list[Row]:
        """What is to be guarded of a group: its size, and of each family those with and without it."""
        parts = [self.add(members, 0, n)]
        for f, value in enumerate(x):
            parts += [self.add(members, f + 1, value), self.add_rest(members, f + 1, n - value)]
        return parts

    def never_negative(self) -> Floats:
        """A visit has at least one family, and no family more often than there are visits."""
        each = [np.array([i]) for i in range(self.groups)]
        columns = range(1, self.families + 1)
        at_least_one = [sum(self.weigh(own, f) for f in columns) - self.weigh(own, 0) for own in each]
        no_more = [self.weigh(own, 0) - self.weigh(own, f) for own in each for f in columns]
        return np.stack([*at_least_one, *no_more])


def group_board(fine: Grouped, coarse: Grouped | None, totals: Totals, floor: int) -> Board:
    """Lay out groups that add up to all treatment visits.

    Where groups are missing from the table (maintenance visits) they are one group more, of which nothing is published.

    Parameters
    ----------
    fine : Grouped
    coarse : Grouped or None
        Groups made of fine ones: those whose first name they share, with the families in the same order. Published
        after the fine ones.
    """
    every = np.array([totals.of_family(name) for name in fine.families])
    n, x = fine.n, fine.x
    if totals.n > n.sum():
        n, x = np.append(n, totals.n - n.sum()), np.vstack([x, every - x.sum(axis=0)])
    layout = _Layout(n.size, len(fine.families))
    single = [np.array([i]) for i in range(n.size)]
    rows, keep = layout.add_groups(single[: fine.n.size], fine.n, fine.x, floor)
    for i in _find_partners(fine, coarse, n, floor):
        keep[i] = False
        begin = fine.n.size + i * len(every)
        keep[begin : begin + len(every)] = [False] * len(every)
    guarded = [part for own, size, xs in zip(single, n, x, strict=True) for part in layout.add_guards(own, size, xs)]
    if coarse is not None:
        members = [np.flatnonzero([name[0] == own[0] for name in fine.names]) for own in coarse.names]
        more, kept = layout.add_groups(members, coarse.n, coarse.x, floor)
        rows, keep = [*rows, *more], [*keep, *kept]
        for own, size, xs in zip(members, coarse.n, coarse.x, strict=True):
            guarded += layout.add_guards(own, size, xs)
    everyone = np.arange(n.size)
    guarded += layout.add_guards(everyone, totals.n, every)
    known = [layout.add(everyone, 0, totals.n)]
    for f, name in enumerate(fine.families):
        if totals.shown.get(name, False):
            known.append(layout.add(everyone, f + 1, every[f]))
        else:
            rows, keep = [*rows, layout.add(everyone, f + 1, every[f])], [*keep, False]
    made = [Sums.of(part, layout.n_counts, layout.n_tags) for part in (rows, known, guarded)]
    return Board(made[0], np.array(keep, dtype=np.bool_), made[1], made[2], layout.never_negative())


def _find_partners(fine: Grouped, coarse: Grouped | None, n: Floats, floor: int) -> list[int]:
    """For each group of few visits, the smallest other one of its clinic: nothing of both is shown."""
    within = [name[0] if coarse is not None else "" for name in fine.names] + [""] * (n.size - len(fine.names))
    found = []
    for i in np.flatnonzero(is_small(n, floor)):
        others = [j for j in range(len(fine.names)) if n[j] >= floor and within[j] == within[i]]
        found += sorted(others, key=lambda j: n[j])[:1]
    return found
