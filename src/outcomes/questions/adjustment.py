"""Which facts two arms are made alike in: as many as the smaller arm can carry, the most important first.

Facts there is no room for, or whose levels one of the arms hardly has, are not adjusted for; they are kept, so that
balance is judged in them too, and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.questions.covariates import (
    OTHER,
    Block,
    Factor,
    build_factors,
    choose_columns,
    coarsen,
    pool_rare,
    stack_blocks,
)
from outcomes.questions.results import Flags, FloatArray, IntArray

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

ROWS_PER_COLUMN = 5
"""Rows of the smaller arm for each column of the model of who is in which arm."""
LEAST_IN_ARM = 15
"""Rows of each arm that a level, or a flag, must have: with fewer, some draws of patients have none of them."""

JUDGED_SHARE = 0.1
"""Share of an arm in levels that could not be adjusted for, from which their balance is judged."""

Blocks = tuple[list[Block], list[Block]]
"""Blocks that both arms have enough of, and blocks they have not."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The columns the arms are made alike in, and the facts there was no room for.

    Attributes
    ----------
    used, left : tuple of Block
        Those left are judged for balance all the same: there was no room, or an arm hardly has their levels.
    n : int
        Rows.
    """

    used: tuple[Block, ...]
    left: tuple[Block, ...]
    n: int

    @property
    def table(self) -> FloatArray:
        """The columns, shape (n, p), put together when they are asked for: of a large chain they fill 100 MB."""
        return stack_blocks(self.used, self.n)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the table."""
        return tuple(name for block in self.used for name in block.names)


def choose_adjustment(blocks: Sequence[Block], rare: Sequence[Block], arm: Flags) -> Adjustment:
    """Choose the columns.

    Parameters
    ----------
    blocks : sequence of Block
        The most important first.
    rare : sequence of Block
        Facts an arm hardly has.
    arm : ndarray of bool, shape (n,)
    """
    smaller = int(min(arm.sum(), (~arm).sum()))
    used, left = choose_columns(blocks, smaller // ROWS_PER_COLUMN)
    return Adjustment(tuple(used), (*left, *rare), arm.size)


def build_factor_blocks(episodes: Episodes, episode: IntArray, arm: Flags, names: Sequence[str]) -> Blocks:
    """Facts about episodes, their levels pooled until both arms have enough of each."""
    return pool_factors([coarsen(factor) for factor in build_factors(episodes, episode, names, 1)], arm)


def pool_factors(factors: Sequence[Factor], arm: Flags) -> Blocks:
    """Pool the levels of each factor until both arms have enough of each.

    Levels that an arm hardly has and that even together are too few join the commonest. Where a tenth of an arm is
    in them, that is judged for balance, as one flag, with the facts an arm hardly has; a smaller share moves no
    difference far, and by chance is often uneven. Factors with one level play no part.
    """
    blocks: list[Block] = []
    rare: list[Block] = []
    for factor in factors:
        if np.count_nonzero(np.bincount(factor.codes)) < 2:
            continue
        pooled = pool_rare(factor, arm, LEAST_IN_ARM)
        if pooled is None:
            rare.append(Block.of(factor))
            continue
        blocks.append(Block.of(pooled))
        joined = _find_joined(factor, pooled)
        if max(joined[side].mean() for side in (arm, ~arm)) >= JUDGED_SHARE:
            rare.append(make_flag(f"{factor.name}=rare", factor.label, joined))
    return blocks, rare


def _find_joined(factor: Factor, pooled: Factor) -> Flags:
    """Return the rows whose level is now called by another's name, unless that is `OTHER`."""
    number = {level: i for i, level in enumerate((OTHER, *factor.levels))}
    before, after = (np.array([number[level] for level in f.levels])[f.codes] for f in (factor, pooled))
    joined: Flags = (before != after) & (after != number[OTHER])
    return joined


def build_family_blocks(episodes: Episodes, given: np.ndarray, arm: Flags, leave_out: Sequence[str]) -> Blocks:
    """What else was done, by families of treatment; those that nobody, or everybody, had are in neither list.

    Parameters
    ----------
    given : ndarray of uint64, shape (n,)
        What was done, as bit masks of modalities.
    leave_out : sequence of str
        Families the arms are formed by.
    """
    codebook = episodes.visits.codebook
    masks = {f: codebook.family_masks[f] for f in codebook.families if f not in leave_out}
    blocks = [make_flag(f, codebook.label("family", f), (given & np.uint64(mask)) != 0) for f, mask in masks.items()]
    return sort_flags(blocks, arm)


def sort_flags(blocks: Sequence[Block], arm: Flags) -> Blocks:
    """Sort flags by whether both arms have enough of yes and no."""
    found = [(block, _in_both(block.values[:, 0] > 0, arm)) for block in blocks if np.ptp(block.values) > 0]
    return [block for block, enough in found if enough], [block for block, enough in found if not enough]


def _in_both(flag: Flags, arm: Flags) -> bool:
    """Whether enough of both arms have it and have it not: otherwise it tells who is in which."""
    return min(int((state & side).sum()) for state in (flag, ~flag) for side in (arm, ~arm)) >= LEAST_IN_ARM


def make_flag(name: str, label: str, flags: Flags) -> Block:
    """One column of 0 and 1."""
    return Block(name, label, (name,), flags.astype(np.uint8)[:, None])


def make_numbers(name: str, label: str, **columns: FloatArray) -> Block:
    """Columns of numbers that belong together."""
    return Block(name, label, tuple(columns), np.column_stack(list(columns.values())).astype(np.float64))
