"""Pairs and sets of families, and orders of stages, laid out for `guarded_sums`: what is a sum of what."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.questions.care_pathway import OTHER as OTHER_PATHS
from outcomes.questions.care_pathway import STAGES, WHOLE, read_path
from outcomes.questions.modality_bundles import JOIN, MOST_FAMILIES
from outcomes.questions.modality_bundles import OTHER as OTHER_BUNDLES
from outcomes.release.group_boards import Places, Row, Totals
from outcomes.release.guarded_sums import Board, Flags, Floats, Sums

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of families: how many visits had both, and the families' own numbers.

    Attributes
    ----------
    names : list of str
    one, other : ndarray of int, shape (pairs,)
    both : ndarray, shape (pairs,)
    own : ndarray, shape (families,)
    n : float
    """

    names: list[str]
    one: Places
    other: Places
    both: Floats
    own: Floats
    n: float

    @classmethod
    def of(cls, table: pd.DataFrame) -> Pairs:
        """Read the table of pairs."""
        names = [str(name) for name in dict.fromkeys([*table["family"], *table["other_family"]])]
        at = {name: i for i, name in enumerate(names)}
        one, other = (
            np.array([at[str(name)] for name in table[column]], dtype=np.intp) for column in ("family", "other_family")
        )
        both = table["n_both"].to_numpy(dtype=float)
        own = np.zeros(len(names))
        own[one] = both + table["n_one"].to_numpy(dtype=float)
        own[other] = both + table["n_other"].to_numpy(dtype=float)
        return cls(names, one, other, both, own, float(table["n"].iloc[0]))


def family_sets(k: int) -> NDArray[np.bool_]:
    """All sets of `k` families but the empty one, shape (2 ** k - 1, k)."""
    return (np.arange(1, 1 << k)[:, None] >> np.arange(k) & 1).astype(np.bool_)


def pair_board(pairs: Pairs, floor: int) -> Board:
    """Lay out pairs of families: first the families' own numbers, then the pairs. Counts are those of each set."""
    sets = family_sets(len(pairs.names))
    eye = np.eye(len(pairs.names))
    whole = np.ones(len(sets))
    own = [(sets[:, i].astype(float), pairs.own[i], eye[i]) for i in range(len(pairs.names))]
    keep = [not 0 < pairs.n - value < floor for value in pairs.own]
    guarded = [*own, *((whole - weights, pairs.n - value, tags) for weights, value, tags in own)]
    cells = []
    for i, j, both in zip(pairs.one, pairs.other, pairs.both, strict=True):
        a, b, tags = sets[:, i], sets[:, j], eye[i] + eye[j]
        parts = [(a & b, both), (a & ~b, pairs.own[i] - both), (~a & b, pairs.own[j] - both)]
        parts.append((~a & ~b, pairs.n - pairs.own[i] - pairs.own[j] + both))
        cells.append((parts[0][0].astype(float), both, tags))
        keep.append(not any(0 < value < floor for _, value in parts))
        guarded += [(flags.astype(float), float(value), tags) for flags, value in parts]
    size, tags_size = len(sets), len(eye)
    return Board(
        published=Sums.of([*own, *cells], size, tags_size),
        shown=np.array(keep, dtype=np.bool_),
        known=Sums.of([(whole, pairs.n, np.zeros(tags_size))], size, tags_size),
        guarded=Sums.of(guarded, size, tags_size),
        never_negative=np.zeros((0, size)),
    )


def bundle_board(table: pd.DataFrame, totals: Totals, floor: int) -> Board:
    """Lay out the commonest sets of families and all others; the families' totals stand in another table."""
    named, events = [str(name) for name in table["bundle"]], table["events"].to_numpy(dtype=float)
    in_rows = [name.split(JOIN) for name in named if name != OTHER_BUNDLES]
    # Where rare families are counted together they have no total, and the others alone are looked at.
    families = list(dict.fromkeys([*(f for f, x in totals.events.items() if x > 0), *itertools.chain(*in_rows)]))
    if len(families) > MOST_FAMILIES:
        families = [f for f in families if any(f in names for names in in_rows)]
    sets = family_sets(len(families))
    size, width = len(sets), len(families) + len(named)
    rows, others = [], np.ones(size)
    for i, names in enumerate(in_rows):
        weights = (sets == [family in names for family in families]).all(axis=1).astype(float)
        others -= weights
        near = [len(named) + families.index(name) for name in names]
        rows.append((weights, float(events[i]), _tags(width, [i, *near])))
    if OTHER_BUNDLES in named:
        rows.append((others, float(events[-1]), _tags(width, [len(named) - 1])))
    keep, guarded = [True] * len(rows), list(rows)
    known = [(np.ones(size), totals.n, np.zeros(width))]
    if OTHER_BUNDLES not in named:
        known.append((others, 0.0, np.zeros(width)))  # what is not listed did not occur
    n_others = totals.n - float(events[: len(in_rows)].sum())
    for j, family in enumerate(families):
        if family not in totals.events:
            continue
        has, total, tags = sets[:, j].astype(float), totals.events[family], _tags(width, [len(named) + j])
        if totals.shown[family]:
            known.append((has, total, tags))
        else:
            rows, keep = [*rows, (has, total, tags)], [*keep, False]
        # A family's total less the sets with it that are shown is what the others have of it.
        left = total - sum(float(events[i]) for i, names in enumerate(in_rows) if family in names)
        guarded += [(has * others, left, tags), ((1 - has) * others, n_others - left, np.ones(width) - tags)]
    made = [Sums.of(part, size, width) for part in (rows, known, guarded)]
    return Board(made[0], np.array(keep, dtype=np.bool_), made[1], made[2], np.zeros((0, size)))


def _tags(width: int, places: list[int]) -> Floats:
    tags = np.zeros(width)
    tags[places] = 1.0
    return tags


def path_board(paths: pd.DataFrame, order: pd.DataFrame, floor: int) -> Board:
    """Lay out the orders of the stages: the rows of `paths`, then `n` and then `events` of the rows of `order`."""
    ranks = np.array(list_ranks(len(STAGES)))
    place = {tuple(rank): i for i, rank in enumerate(ranks.tolist())}
    size, nothing = len(ranks), np.zeros(1)
    rows: list[Row] = []
    others = np.ones(size)
    for name, value in zip(paths["path"], paths["events"], strict=True):
        weights = others.copy()
        if name != OTHER_PATHS:
            weights = np.zeros(size)
            weights[place[tuple(read_path(str(name)))]] = 1.0
            others -= weights
        rows.append((weights, float(value), nothing))
    listed = [row for row, name in zip(rows, paths["path"], strict=True) if name != OTHER_PATHS]
    keep, guarded, kept_rows, kept_keep = [True] * len(rows), list(rows), [], []
    for row in order.to_dict("records"):
        of, kept = judge_ranks(ranks, str(row["earlier"]), str(row["later"]))
        n, events = float(row["n"]), float(row["events"])
        is_few = 0 < n < floor
        parts = [(of, n), (of & kept, events), (of & ~kept, n - events)]
        rows.append((of.astype(float), n, nothing))
        kept_rows.append(((of & kept).astype(float), events, nothing))
        keep.append(not is_few)
        kept_keep.append(not (is_few or 0 < n - events < floor))
        for flags, value in parts:
            weights = flags.astype(float)
            # The paths that are shown are parts of what a rule is judged in.
            left = value - sum(of_path for own, of_path, _ in listed if own @ weights)
            guarded += [(weights, value, nothing), (weights * others, left, nothing)]
    total = [(np.ones(size), float(paths["n"].iloc[0]), nothing)]
    if len(listed) == len(paths):
        total.append((others, 0.0, nothing))  # what is not listed did not occur
    made = [Sums.of(part, size, 1) for part in ([*rows, *kept_rows], total, guarded)]
    return Board(made[0], np.array([*keep, *kept_keep], dtype=np.bool_), made[1], made[2], np.zeros((0, size)))


def list_ranks(k: int) -> list[tuple[int, ...]]:
    """List all orders of up to `k` stages, those of one step alike, -1 for one that never came."""
    return [
        rank
        for rank in itertools.product(range(-1, k), repeat=k)
        if {step for step in rank if step >= 0} == set(range(max(rank) + 1))
    ]


def judge_ranks(ranks: NDArray[np.int64], earlier: str, later: str) -> tuple[Flags, Flags]:
    """Which orders a rule is judged in, and in which it is kept (`care_pathway.order_table`)."""
    had = ranks >= 0
    if earlier == WHOLE:
        latest = np.maximum.accumulate(ranks, axis=1)
        in_order: Flags = np.logical_and.reduce(~had | (ranks >= latest), axis=1)
        return had.sum(axis=1) > 1, in_order
    i, j = list(STAGES).index(earlier), list(STAGES).index(later)
    return had[:, i] & had[:, j], ranks[:, i] <= ranks[:, j]
