"""Do groups differ? One test of all groups together, one of each pair, and Holm over the pairs.

A test says whether the curves could be the same, not why they differ: the groups differ in more than what formed them.
The questions bring the test itself; all of them take a patient's episodes together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import NotEstimable
from outcomes.questions.results import NOT_RECORDED, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.definitions import Protocol as StudyProtocol

COLUMNS = ("comparison", "group", "other", "statistic", "df", "p_value", "p_holm", "n", "events")
ALL_GROUPS, PAIR = "all groups", "pair"
MOST_GROUPS_FOR_PAIRS = 12
Split = Sequence[tuple[str, IntArray]]


class Tested(Protocol):
    """What a test returns."""

    @property
    def statistic(self) -> float:
        """Value of the statistic, chi-squared with `df` degrees of freedom if the groups are the same."""

    @property
    def df(self) -> int:
        """Degrees of freedom."""

    @property
    def p_value(self) -> float:
        """Probability of a statistic as large."""


Test = Callable[[IntArray, IntArray], Tested]


def compare_groups(
    split: Split, events: NDArray[Any], test: Test, protocol: StudyProtocol, too_few: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Test all groups together and, where they are few, each pair.

    Parameters
    ----------
    split : sequence of (name, positions)
        Those without the group recorded are no side: who is not asked is not a kind of patient.
    events : ndarray of bool or int, shape (n,)
        Events of each position.
    test : callable
        Takes positions and the group 0, 1, ... of each, and returns the test or raises `NotEstimable`.
    protocol : Protocol
        Its floor of episodes and events in each arm decides which groups are compared.
    too_few : str
        Why a group is left out, for the notes, with places for the least ``{rows}`` and ``{events}``.

    Returns
    -------
    table : DataFrame
        `COLUMNS`, one row a test; no rows where nothing can be compared.
    notes : tuple of str
        Which groups were left out, and why.
    """
    import pandas as pd

    nothing = pd.DataFrame(columns=list(COLUMNS))
    recorded = [(name, part) for name, part in split if name != NOT_RECORDED]
    unasked = ("Episodes without the group recorded are no side of a test.",) if len(recorded) < len(split) else ()
    if len(recorded) < 2:
        return nothing, unasked
    floor = protocol.reporting_floor
    large = [
        (name, part)
        for name, part in recorded
        if part.size >= floor.compare_min_episodes and events[part].sum() >= floor.compare_min_events
    ]
    notes = (*unasked, *_left_out([name for name, _ in recorded], [name for name, _ in large], protocol, too_few))
    if len(large) < 2:
        return nothing, notes
    refusals: list[str] = []
    found = [_test(ALL_GROUPS, large, events, test, refusals)]
    if 2 < len(large) <= MOST_GROUPS_FOR_PAIRS:
        found += _holm([_test(PAIR, pair, events, test, refusals) for pair in itertools.combinations(large, 2)])
    elif len(large) > MOST_GROUPS_FOR_PAIRS:
        notes = (*notes, f"Pairs are compared for at most {MOST_GROUPS_FOR_PAIRS} groups; only all together here.")
    return pd.DataFrame(found, columns=list(COLUMNS)), (*notes, *refusals)


def _test(comparison: str, groups: Split, events: NDArray[Any], test: Test, refusals: list[str]) -> tuple[object, ...]:
    """Test some groups; a test that cannot be done is NaN, and why is added to `refusals`."""
    part = np.concatenate([positions for _, positions in groups])
    code = np.repeat(np.arange(len(groups)), [positions.size for _, positions in groups])
    names = (groups[0][0], groups[1][0]) if comparison == PAIR else ("", "")
    counts = (part.size, int(events[part].sum()))
    try:
        found = test(part, code)
    except NotEstimable as refusal:
        nan = float("nan")
        refusals.append(f"{' against '.join(filter(None, names)) or 'All groups'} cannot be tested: {refusal}")
        return (comparison, *names, nan, nan, nan, nan, *counts)
    return (comparison, *names, found.statistic, found.df, found.p_value, found.p_value, *counts)


def _holm(tests: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Put the p-values adjusted for the number of pairs into their column (Holm 1979, jstor.org/stable/4615733)."""
    at, adjusted = COLUMNS.index("p_value"), COLUMNS.index("p_holm")
    raw = np.array([test[at] for test in tests], dtype=float)
    order = np.argsort(raw)[: np.count_nonzero(~np.isnan(raw))]  # NaN come last, and stay
    holm = raw.copy()
    holm[order] = np.minimum(np.maximum.accumulate(raw[order] * np.arange(order.size, 0, -1)), 1.0)
    return [(*test[:adjusted], float(p), *test[adjusted + 1 :]) for test, p in zip(tests, holm, strict=True)]


def _left_out(names: list[str], kept: list[str], protocol: StudyProtocol, too_few: str) -> tuple[str, ...]:
    floor = protocol.reporting_floor
    left = [name for name in names if name not in kept]
    if not left:
        return ()
    said = too_few.format(rows=floor.compare_min_episodes, events=floor.compare_min_events)
    return (f"{said}: {', '.join(left)}.",)
