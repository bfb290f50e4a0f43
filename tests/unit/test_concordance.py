"""Treated against identified muscles: the worked table of the docstring, and what must not change the answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.definitions import CONCORDANCE_LEVELS, Codebook, compute_concordance
from outcomes.definitions import concordance as module
from outcomes.definitions.concordance import UMBRELLA, Concordance

CODEBOOK = Codebook.load()
N = len(CODEBOOK.muscle_ids)


def worked_rows() -> list[tuple[str, str, str, bool]]:
    """Read the worked table of the module's docstring, so that the page and the code cannot part."""
    lines = (module.__doc__ or "").split("Worked table", 1)[1].splitlines()
    rulers = [number for number, line in enumerate(lines) if line.startswith("====")]
    starts = [
        i for i, mark in enumerate(lines[rulers[0]]) if mark == "=" and (i == 0 or lines[rulers[0]][i - 1] == " ")
    ]
    rows = []
    for line in lines[rulers[1] + 1 : rulers[2]]:
        cells = [line[a:b].strip().replace("(empty)", "") for a, b in zip(starts, [*starts[1:], None], strict=True)]
        rows.append((cells[0], cells[1], cells[2], cells[3] == "yes"))
    return rows


def sides(cell: str) -> tuple[np.uint64, np.uint64]:
    found = CODEBOOK.find_muscles(cell.split(";"))
    assert found.known.all(), cell
    return np.bitwise_or.reduce(found.left), np.bitwise_or.reduce(found.right)


def compute(rows: list[tuple[str, str]]) -> Concordance:
    masks = [(*sides(identified), *sides(treated)) for identified, treated in rows]
    return compute_concordance(CODEBOOK, *np.array(masks, dtype=np.uint64).reshape(-1, 4).T)


@pytest.mark.parametrize(("identified", "treated", "level", "mismatch"), worked_rows())
def test_worked_table(identified: str, treated: str, level: str, mismatch: bool) -> None:
    found = compute([(identified, treated)])
    assert CONCORDANCE_LEVELS[found.level[0]] == level
    assert found.known_mismatch_only[0] == mismatch


def test_the_worked_table_reaches_every_level() -> None:
    assert {level for _, _, level, _ in worked_rows()} == set(CONCORDANCE_LEVELS)


def test_no_visits() -> None:
    assert compute([]).level.shape == (0,)


muscle_sets = st.lists(st.integers(0, N - 1), max_size=3).map(lambda bits: sum(1 << bit for bit in set(bits)))


@settings(max_examples=60)
@given(st.lists(st.tuples(*[muscle_sets] * 4), min_size=1, max_size=10))
def test_sides_and_roles_can_be_swapped(rows: list[tuple[int, int, int, int]]) -> None:
    i_left, i_right, t_left, t_right = np.array(rows, dtype=np.uint64).T
    found = compute_concordance(CODEBOOK, i_left, i_right, t_left, t_right)
    mirrored = compute_concordance(CODEBOOK, i_right, i_left, t_right, t_left)
    swapped = compute_concordance(CODEBOOK, t_left, t_right, i_left, i_right)
    assert found.level.tolist() == mirrored.level.tolist() == swapped.level.tolist()
    assert found.known_mismatch_only.tolist() == mirrored.known_mismatch_only.tolist()
    assert not (found.known_mismatch_only & (found.level >= UMBRELLA)).any()
    assert ((found.level == 0) == (((i_left | i_right) == 0) | ((t_left | t_right) == 0))).all()


@settings(max_examples=60)
@given(st.lists(st.tuples(*[muscle_sets] * 4), min_size=1, max_size=10))
def test_a_missing_side_never_lowers_the_level(rows: list[tuple[int, int, int, int]]) -> None:
    i_left, i_right, t_left, t_right = np.array(rows, dtype=np.uint64).T
    found = compute_concordance(CODEBOOK, i_left, i_right, t_left, t_right)
    both = compute_concordance(CODEBOOK, i_left | i_right, i_left | i_right, t_left, t_right)
    assert (both.level >= found.level).all()
