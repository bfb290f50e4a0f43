"""Which columns a model takes: those that the ones before do not determine, as long as there is room."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.estimators import orthogonal
from outcomes.estimators.weighting import compare_means
from outcomes.questions import covariates
from outcomes.questions.adjustment import Adjustment
from outcomes.questions.arm_balance import note_balance, tabulate_balance
from outcomes.questions.covariates import NOT_RECORDED, OTHER, Block, Factor, choose_columns, coarsen, stack_blocks


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


def test_tables_of_many_parts_are_judged_as_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 64 rows, the last of them short; in some of them nobody of an arm."""
    generator = np.random.default_rng(5)
    arm, weights = np.arange(450) < 200, generator.uniform(size=450)
    used = block("used", generator.normal(size=450) + 1e8, generator.normal(size=450) + arm, arm)
    chosen = Adjustment((used,), (block("left", generator.integers(0, 2, 450)), block("same", np.ones(450))), 450)
    blocks = [*chosen.used, *chosen.left, block("copy", used.values[:, 0] + used.values[:, 1])]
    monkeypatch.setattr(orthogonal, "_DESIGN_AT_ONCE", 1)
    monkeypatch.setattr(covariates, "_ROWS_AT_ONCE", 64)
    np.testing.assert_array_equal(chosen.table, used.values)
    assert names(choose_columns(blocks, 10)[0]) == ["used0", "used1", "used2", "left0"]
    rows = tabulate_balance(chosen, arm, weights)
    table = stack_blocks([*chosen.used, *chosen.left], 450)
    whole = compare_means(table, arm.astype(float), weights)
    assert [row[2:4] for row in rows] == list(zip(whole.before.tolist(), whole.after.tolist(), strict=True))
    assert [row[0] for row in rows] == ["used0", "used1", "used2", "left0", "same0"]
    assert [row[2:] for row in rows[2::2]] == [(np.inf, np.inf, True), (0.0, 0.0, False)]
    for row, column in zip((rows[0], rows[1], rows[3]), (*used.values.T[:2], chosen.left[0].values[:, 0]), strict=True):
        spread = np.sqrt((column[arm].var(ddof=1) + column[~arm].var(ddof=1)) / 2)
        means = [np.average(column[side] - column[0], weights=weights[side]) for side in (arm, ~arm)]
        assert row[2] == pytest.approx(
            (column[arm] - column[0]).mean() / spread - (column[~arm] - column[0]).mean() / spread
        )
        assert row[3] == pytest.approx((means[0] - means[1]) / spread, rel=1e-9)


def test_quarters_are_taken_together_as_years():
    quarters = ("2023Q4", "2024Q1", "2024Q2", OTHER, NOT_RECORDED)
    found = coarsen(Factor("index_quarter", "Quarter", quarters, quarters, np.array([4, 0, 1, 2, 3]), 0))
    assert found.levels == ("2023", "2024", OTHER, NOT_RECORDED)
    assert (found.codes.tolist(), found.reference) == ([3, 0, 1, 1, 2], 1)


def test_what_still_differs_after_weighting_is_named_once():
    nothing = Adjustment((), (), 4)
    rows = [("age", "Age", 0.4, -0.1), ("age", "Age", 0.2, 0.3), ("sex", "Sex", 0.5, 0.09)]
    [note] = note_balance(nothing, rows)
    assert note.endswith("0.1 or more in: age.")
    assert note_balance(nothing, rows[2:]) == ()
