"""Which columns a model takes: those that the ones before do not determine, as long as there is room."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.questions.adjustment import Adjustment
from outcomes.questions.arm_balance import tabulate_balance
from outcomes.questions.covariates import Block, choose_columns


def block(name: str, *columns: np.ndarray) -> Block:
    return Block(name, name, tuple(f"{name}{i}" for i in range(len(columns))), np.column_stack(columns).astype(float))


def names(blocks: list[Block]) -> list[str]:
    return [name for one in blocks for name in one.names]


def by_rank(blocks: list[Block]) -> list[str]:
    """Columns that raise the rank of those before them and the constant."""
    kept, table = [], np.ones((blocks[0].values.shape[0], 1))
    for one in blocks:
        for name, column in zip(one.names, one.values.T, strict=True):
            wider = np.column_stack([table, column])
            if np.linalg.matrix_rank(wider) == wider.shape[1]:
                kept.append(name)
                table = wider
    return kept


@pytest.mark.parametrize("seed", range(10))
def test_dummies_that_others_determine_are_left_out(seed: int) -> None:
    generator = np.random.default_rng(seed)
    clinician = generator.integers(0, 9, 400)
    clinic, other = clinician // 3, generator.integers(0, 4, 400)
    pain = generator.integers(3, 11, 400).astype(float)
    blocks = [
        block("pain", pain, pain**2),
        block("clinician", *(clinician == i for i in range(1, 9))),
        block("clinic", *(clinic == i for i in range(1, 3))),
        block("other", *(other == i for i in range(4))),
        block("same", np.full(400, 0.1)),
        block("double", 2 * pain + other),
    ]
    taken, left = choose_columns(blocks, 100)
    assert names(taken) == by_rank(blocks)
    assert not left
    assert not {"clinic0", "clinic1", "other3", "same0"} & set(names(taken))


@pytest.mark.parametrize(("share", "is_kept"), [(1e-3, True), (1e-5, True), (1e-7, True), (1e-10, False)])
def test_near_copies_are_told_apart_to_a_hundred_millionth(share: float, is_kept: bool) -> None:
    """Products of columns lose half the digits: they cannot tell these, a projection can."""
    generator = np.random.default_rng(3)
    one, noise, third = generator.normal(size=(3, 500))
    blocks = [block("one", one), block("copy", one + share * noise), block("both", one + third), block("third", third)]
    taken, _ = choose_columns(blocks, 10)
    assert names(taken) == ["one0", *(["copy0"] if is_kept else []), "both0"]


def test_blocks_without_room_are_left_whole_and_later_ones_still_fit() -> None:
    generator = np.random.default_rng(4)
    a, b, c, d, e = generator.normal(size=(5, 100))
    blocks = [block("ab", a, b), block("cde", c, d, e), block("de", d, e), block("a", a)]
    taken, left = choose_columns(blocks, 4)
    assert names(taken) == ["ab0", "ab1", "de0", "de1"]
    assert names(left) == ["cde0", "cde1", "cde2"]
    assert choose_columns([], 4) == ([], [])


def test_balance_by_hand_and_of_columns_without_spread() -> None:
    arm = np.array([True, True, False, False])
    varies, differs, same = [1.0, 3.0, 0.0, 2.0], [1, 1, 0, 0], [5.0, 5, 5, 5]
    chosen = Adjustment((block("x", varies, differs),), (block("y", same),), 4)
    rows = tabulate_balance(chosen, arm, np.array([3.0, 1.0, 1.0, 1.0]))
    # Means 2 and 1, weighted 1.5 and 1; each arm has variance 2.
    assert rows[0][:2] == ("x0", "x")
    np.testing.assert_allclose(rows[0][2:4], [1 / np.sqrt(2), 0.5 / np.sqrt(2)])
    assert rows[1] == ("x1", "x", np.inf, np.inf, True)
    assert rows[2] == ("y0", "y", 0.0, 0.0, False)
    assert tabulate_balance(Adjustment((), (), 4), arm, np.ones(4)) == []
