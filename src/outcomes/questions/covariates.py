"""Facts known at an episode's start, or when its clock of returns starts, as columns a model can take.

A *factor* is a fact cut into levels. Levels of few episodes are one level together, and what was not recorded is a
level of its own: an episode is never left out because a box was left empty. The commonest recorded level is what the
others are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.cases.schema import EPISODE_COLUMNS, MISSING
from outcomes.estimators.orthogonal import parts_of
from outcomes.questions.bands import BANDS, find_bands
from outcomes.questions.results import NOT_RECORDED, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

OTHER = "other"
FACTOR_LABELS = {
    "trigger": "Trigger",
    "cause": "Cause",
    "radiation": "Radiation",
    "paresthesia": "Tingling or numbness",
    "muscle_group": "Muscle group",
    "chronicity": "Duration when it began",
    "previous_episodes": "Earlier episodes",
    "baseline_nrs": "First pain rating",
    "age": "Age",
    "sex": "Sex",
    "payer": "Payer",
    "region": "Region",
    "onset": "Onset",
    "index_quarter": "Quarter",
    "clinic_id": "Clinic",
    "clinician_id": "Clinician",
}
_WITH_WORDS = ("trigger", "cause", "radiation", "region")
_SOURCES = {column.name: column.source for column in EPISODE_COLUMNS}


@dataclass(frozen=True, slots=True)
class Factor:
    """One fact about n episodes, in levels.

    Attributes
    ----------
    name, label : str
    levels : tuple of str
        Canonical ids, `OTHER` and `NOT_RECORDED` last.
    labels : tuple of str
        The levels in words.
    codes : ndarray of int, shape (n,)
        Position in `levels`.
    reference : int
        Position of the level that the others are compared with.
    """

    name: str
    label: str
    levels: tuple[str, ...]
    labels: tuple[str, ...]
    codes: IntArray
    reference: int

    def columns(self) -> NDArray[np.int8]:
        """Return one column of 0 and 1 for each level but the reference, shape (n, levels - 1)."""
        others = np.array([i for i in range(len(self.levels)) if i != self.reference])
        return (self.codes[:, None] == others[None, :]).astype(np.int8)

    def names(self) -> tuple[str, ...]:
        """Return the names of `columns`: ``cause=posture``."""
        return tuple(f"{self.name}={level}" for i, level in enumerate(self.levels) if i != self.reference)


def build_factors(episodes: Episodes, rows: IntArray, names: Sequence[str], least: int) -> tuple[Factor, ...]:
    """Return the facts that this export records and that are not the same for all.

    Parameters
    ----------
    episodes : Episodes
    rows : ndarray of int, shape (n,)
        Rows of the episode table.
    names : sequence of str
        Columns of the episode table.
    least : int
        Levels of fewer episodes are pooled.
    """
    found = (_build_factor(episodes, rows, name, least) for name in names if name in episodes.table.columns)
    return tuple(factor for factor in found if len(factor.levels) > 1)


def _build_factor(episodes: Episodes, rows: IntArray, name: str, least: int) -> Factor:
    levels, codes = _read_levels(episodes, rows, name)
    counts = np.bincount(codes, minlength=len(levels))
    missing = np.array([level == NOT_RECORDED for level in levels])
    small = (counts < least) & (counts > 0) & ~missing
    if missing.any() and 0 < counts[missing].sum() < least:
        small |= missing & (counts > 0)
    kept = [i for i in range(len(levels)) if counts[i] >= least]
    shown = [*(i for i in kept if not missing[i]), *(i for i in kept if missing[i])]
    place = np.full(len(levels), len(shown), dtype=np.intp)
    place[shown] = np.arange(len(shown))
    names = [levels[i] for i in shown]
    if small.any():
        # The pooled level stands before the one of what was not recorded.
        at = len(names) - (NOT_RECORDED in names)
        names.insert(at, OTHER)
        place = np.where(place >= at, place + 1, place)
        place[small] = at
    recorded = [i for i, level in enumerate(names) if level not in (OTHER, NOT_RECORDED)] or list(range(len(names)))
    sizes = np.bincount(place[codes], minlength=len(names))
    reference = max(recorded, key=lambda i: sizes[i]) if names else 0
    labels = tuple(_label(episodes, name, level) for level in names)
    return Factor(name, FACTOR_LABELS.get(name, name), tuple(names), labels, place[codes], reference)


def _read_levels(episodes: Episodes, rows: IntArray, name: str) -> tuple[list[str], IntArray]:
    """Return all levels of a column, the missing one last, and the level of each row."""
    column = episodes.columns[_SOURCES[name]][rows]
    if name in BANDS:
        values = episodes.table[name].to_numpy(dtype=np.float64, na_value=np.nan)[rows]
        names, band = find_bands(name, values, NOT_RECORDED)
        return list(names), band
    if name == "paresthesia":
        return ["no", "yes", NOT_RECORDED], np.where(column == MISSING, 2, column).astype(np.intp)
    if name == "clinician_id":
        # A code at another clinic may be somebody else.
        names, who = episodes.visits.clinicians.names, episodes.visits.clinicians.at_episodes(episodes)[rows]
        return [*names, NOT_RECORDED], np.where(who < 0, len(names), who)
    source = _SOURCES[name]
    words = [str(word) for word in episodes.labels.get(source, episodes.visits.words.codes.get(source, ()))]
    codes = np.where((column < 0) | (np.array([*words, ""])[column] == ""), len(words), column)
    return [*words, NOT_RECORDED], codes.astype(np.intp)


def _label(episodes: Episodes, name: str, level: str) -> str:
    if name in _WITH_WORDS and level not in (OTHER, NOT_RECORDED):
        return episodes.visits.codebook.label(name, level)
    return level.replace("_", " ")


_ROWS_AT_ONCE = 512
_SAME = 1e-8
"""A column of which the columns before it leave a smaller share of its length is determined by them."""
_CLEAR = 1e-6
"""Share of a column's square that its products with others must leave for them to be trusted alone."""
COARSE: dict[str, dict[str, str]] = {
    "radiation": {
        **dict.fromkeys(("buttock", "leg_above_knee", "arm", "trunk_band"), "near"),
        **dict.fromkeys(("leg_below_knee", "hand"), "far"),
    },
    "trigger": {
        **dict.fromkeys(("lifting", "bending_twisting", "household", "work_repetitive"), "load"),
        **dict.fromkeys(("running", "sport_other"), "impact"),
        **dict.fromkeys(("sitting", "driving", "standing", "sleeping"), "static"),
    },
}
"""Levels taken together where a model needs few columns: how far pain radiates, what kind of load set it off."""


def coarsen(factor: Factor) -> Factor:
    """Take levels together as `COARSE` says, and quarters as years; other factors stay as they are."""
    groups = COARSE.get(factor.name, {})
    if factor.name == "index_quarter":
        groups = {level: level[:4] for level in factor.levels if level not in (OTHER, NOT_RECORDED)}
    named = [groups.get(level, level) for level in factor.levels]
    levels = sorted(set(named), key=lambda level: (level in (OTHER, NOT_RECORDED), level == NOT_RECORDED, level))
    codes = np.array([levels.index(name) for name in named], dtype=np.intp)[factor.codes]
    sizes = np.bincount(codes, minlength=len(levels))
    recorded = [i for i, level in enumerate(levels) if level not in (OTHER, NOT_RECORDED)] or [0]
    reference = max(recorded, key=lambda i: sizes[i])
    labels = tuple(level.replace("_", " ") for level in levels)
    return Factor(factor.name, factor.label, tuple(levels), labels, codes, reference)


@dataclass(frozen=True, slots=True)
class Block:
    """Columns that belong together: the levels of one factor, or a number and its square.

    Attributes
    ----------
    name, label : str
    names : tuple of str
        Of the columns.
    values : ndarray, shape (n, columns)
        Flags are bytes: several comparisons of a large chain are kept at once.
    """

    name: str
    label: str
    names: tuple[str, ...]
    values: NDArray[Any]

    @classmethod
    def of(cls, factor: Factor) -> Block:
        """Take the levels of a factor."""
        return cls(factor.name, factor.label, factor.names(), factor.columns().astype(np.uint8))


@dataclass(frozen=True, slots=True)
class Stack:
    """The columns of blocks of `n` rows beside each other: as a table, of which rows are put together when asked for.

    Attributes
    ----------
    blocks : tuple of Block
    n : int
    """

    blocks: tuple[Block, ...]
    n: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.n, sum(block.values.shape[1] for block in self.blocks)

    def __getitem__(self, rows: slice) -> NDArray[np.float64]:
        """Some of the rows, shape (rows, columns)."""
        if not self.blocks:
            return np.empty((len(range(*rows.indices(self.n))), 0))
        return np.concatenate([block.values[rows] for block in self.blocks], axis=1, dtype=np.float64)


def stack_blocks(blocks: Sequence[Block], n: int) -> NDArray[np.float64]:
    """Return the columns of blocks of `n` rows beside each other, shape (n, columns)."""
    stack = Stack(tuple(blocks), n)
    table = np.empty(stack.shape)
    # Some rows at a time: those of the table then stay in the cache until all their columns are there.
    for begin in range(0, n, _ROWS_AT_ONCE):
        rows = slice(begin, begin + _ROWS_AT_ONCE)
        table[rows] = stack[rows]
    return table


def pool_rare(factor: Factor, arm: NDArray[np.bool_], least: int) -> Factor | None:
    """Pool the levels that one of the arms hardly has: in them next to nobody can be compared. None for one level.

    Parameters
    ----------
    factor : Factor
    arm : ndarray of bool, shape (n,)
    least : int
        Rows of each arm that a level must have; what is pooled and still has fewer joins the commonest level.
    """
    k = len(factor.levels)
    sizes = np.bincount(factor.codes, minlength=k)
    rarer = np.minimum(np.bincount(factor.codes, weights=arm, minlength=k), sizes)
    rarer = np.minimum(rarer, sizes - np.bincount(factor.codes, weights=arm, minlength=k))
    kept = [i for i in range(k) if rarer[i] >= least and factor.levels[i] != OTHER]
    rest = ~np.isin(factor.codes, kept)
    if not kept:
        return None
    place = np.full(k, len(kept), dtype=np.intp)
    place[kept] = np.arange(len(kept))
    codes, levels = place[factor.codes], [factor.levels[i] for i in kept]
    labels = [factor.labels[i] for i in kept]
    commonest = int(np.argmax(sizes[kept]))
    if min(int(arm[rest].sum()), int((~arm[rest]).sum())) >= least:
        levels, labels = [*levels, OTHER], [*labels, OTHER]
    else:
        codes = np.where(rest, commonest, codes)
    return (
        Factor(factor.name, factor.label, tuple(levels), tuple(labels), codes, commonest) if len(levels) > 1 else None
    )


def choose_columns(blocks: Sequence[Block], most: int) -> tuple[list[Block], list[Block]]:
    """Take whole blocks in their order of importance while there is room, and leave out columns that others determine.

    Parameters
    ----------
    blocks : sequence of Block
        The most important first.
    most : int
        Columns there is room for.

    Returns
    -------
    taken, left : list of Block
        Columns that do not vary, or that those before them determine, are in neither.
    """
    taken: list[Block] = []
    left: list[Block] = []
    if not blocks:
        return taken, left
    span = _Span(stack_blocks(blocks, blocks[0].values.shape[0]))
    first = 0
    for block in blocks:
        width, size = block.values.shape[1], len(span.kept)
        added = [j for j in range(first, first + width) if span.add(j)]
        first += width
        if not added:
            continue
        inside = [j - first + width for j in added]
        own = Block(block.name, block.label, tuple(block.names[j] for j in inside), block.values[:, inside])
        if len(span.kept) > most:
            span.keep(size)
            left.append(own)
        else:
            taken.append(own)
    return taken, left


class _Span:
    """The space of some columns of a table and the constant: which further columns are not in it.

    Judged by the products of all columns, in parts of the table that stay in the cache. Where these leave it open (half
    the digits are lost in them), the column itself is projected.
    """

    def __init__(self, table: NDArray[np.float64]) -> None:
        self.table = table
        self.middle = table.mean(axis=0) if table.size else np.zeros(table.shape[1])
        squares, self.gram = np.zeros(table.shape[1]), np.zeros((table.shape[1], table.shape[1]))
        for part in parts_of(*table.shape):
            squares += np.einsum("ij,ij->j", table[part], table[part])
            centred = table[part] - self.middle
            self.gram += centred.T @ centred
        self.whole = np.sqrt(squares)
        self.length = np.sqrt(np.diagonal(self.gram))
        # What rounding leaves of a column that does not vary is no length.
        self.length[self.length <= _SAME * self.whole] = 0.0
        self.kept: list[int] = []
        self.triangle = np.zeros((0, 0))
        self.is_thin: list[bool] = []
        self.all_clear = self._are_all_clear()

    def keep(self, size: int) -> None:
        """Forget all but the first columns kept."""
        del self.kept[size:], self.is_thin[size:]
        self.triangle = self.triangle[:size, :size]

    def _are_all_clear(self) -> bool:
        """Whether no column is anywhere near what all others before it determine: then none has to be looked at."""
        if not self.length.all():
            return False
        scale = self.length[:, None] * self.length
        try:
            triangle = np.linalg.cholesky(self.gram / scale)
        except np.linalg.LinAlgError:
            return False
        return bool((np.diagonal(triangle) ** 2 > _CLEAR).all())

    def add(self, j: int) -> bool:
        """Keep a column unless those kept determine it; returns whether it is kept."""
        from scipy.linalg import solve_triangular

        if self.all_clear:
            self.kept.append(j)
            return True
        if self.length[j] == 0:
            return False
        size, scale = len(self.kept), self.length[self.kept] * self.length[j]
        line = np.zeros(0)
        if size:
            line = solve_triangular(self.triangle, self.gram[self.kept, j] / scale, lower=True)
        rest = 1.0 - float(line @ line)
        is_thin = not rest > _CLEAR or any(self.is_thin)
        if is_thin:
            norm = self._project(j)
            if norm <= _SAME * self.whole[j]:
                return False
            rest = (norm / self.length[j]) ** 2
        larger = np.zeros((size + 1, size + 1))
        larger[:size, :size] = self.triangle
        larger[size, :size], larger[size, size] = line, np.sqrt(rest)
        self.triangle = larger
        self.kept.append(j)
        self.is_thin.append(is_thin)
        return True

    def _project(self, j: int) -> float:
        """Length of what the columns kept leave of a column."""
        rest = self.table[:, j] - self.middle[j]
        others = self.table[:, self.kept] - self.middle[self.kept]
        basis = np.linalg.qr(others / self.length[self.kept])[0]
        # Twice, for rounding left over by the first projection.
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        return float(np.linalg.norm(rest))


def tabulate_blocks(used: Sequence[Block], left: Sequence[Block]) -> pd.DataFrame:
    """What a model is adjusted for, and what there was no room for: ``block, label, n_columns, is_adjusted``."""
    import pandas as pd

    rows = [(b.name, b.label, len(b.names), flag) for blocks, flag in ((used, True), (left, False)) for b in blocks]
    return pd.DataFrame(rows, columns=["block", "label", "n_columns", "is_adjusted"])
