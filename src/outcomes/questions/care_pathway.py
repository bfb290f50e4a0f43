"""Who got what in which order: the clinic's own stages, identify, relax, circulate and rehabilitate.

A stage is recorded at a visit if a modality of that stage is (column ``stage`` of the codebook); identify also if a
muscle was found in spasm, or the visit was a first examination or a re-examination by its purpose or a code. Looked at
are visits that are not maintenance of inception episodes; a visit is a day, so that what was recorded on one day is
recorded together. The path of an episode is the order in which its stages were first recorded. Four episodes, two of
which leave the clinic's order (``I`` identify, ``R`` relax, ``C`` circulate, ``E`` rehabilitation exercise):

=======  =======  =======  =======  ==================  ===========================================
episode  visit 1  visit 2  visit 3  path                order kept
=======  =======  =======  =======  ==================  ===========================================
a        I R      R C      R E      I+R > C > E         yes
b        I R C    E                 I+R+C > E           yes: what begins together is not out of order
c        E        R                 E > R               no: rehabilitation before relaxing
d        R        C I               R > I+C             no: relaxing before identifying
=======  =======  =======  =======  ==================  ===========================================

By visit 1 relaxing was recorded in 3 of 4 episodes, by visit 2 in 4 of 4; visit 3 is reached by ``a`` alone, so that
the share there is 1 of 1: who comes that often differs from who does not. A rule of the order is judged in the episodes
with both of its stages: rehabilitation not before relaxing is kept in 2 of 3 (a, b, c), the whole order in 2 of 4. An
episode with rehabilitation and no relaxing at all left out a stage; it is not out of order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.ledger import Step
from outcomes.questions.modality_shares import LAST_VISIT, SHARE_COLUMNS, count_shares, visit_numbers
from outcomes.questions.results import Flags, IntArray
from outcomes.records.counted import joined

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

STAGES = {"identify": "Identify", "relax": "Relax", "circulate": "Circulate", "rehab": "Rehab"}
PATH_COLUMNS = ("path", "label", *SHARE_COLUMNS)
STAGE_COLUMNS = ("stage", "label", "visit", *SHARE_COLUMNS)
ORDER_COLUMNS = ("earlier", "later", "label", *SHARE_COLUMNS)
PAIRS = (("identify", "relax"), ("relax", "circulate"), ("relax", "rehab"), ("circulate", "rehab"))
WHOLE = "any"
NEVER = np.iinfo(np.int64).max
MOST_PATHS = 10
OTHER, OTHER_LABEL = "other_paths", "All other orders"
NONE, NONE_LABEL = "none", "None of the four stages recorded"
STEP, JOIN = " > ", "+"


@dataclass(frozen=True)
class Paths:
    """When each episode first had each stage.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Rows of the episode table.
    patient, n_visits : ndarray of int, shape (n,)
        `n_visits` without maintenance.
    first : ndarray of int64, shape (n, stages)
        Number of the visit at which each stage was first recorded; `NEVER` for none.
    """

    rows: IntArray
    patient: IntArray
    n_visits: IntArray
    first: NDArray[np.int64]


def find_paths(episodes: Episodes) -> Paths:
    """Find, for each inception episode, the visit at which each stage was first recorded."""
    number = visit_numbers(episodes)
    rows = np.flatnonzero(episodes.columns["is_inception"])
    first = np.full((episodes.n, len(STAGES)), NEVER, dtype=np.int64)
    episode = episodes.visits.columns["episode"]
    for i, flags in enumerate(find_stages(episodes)):
        seen = np.flatnonzero(flags & (number > 0))
        # Visits stand in time order within an episode: written from the last to the first, the first one stays.
        first[episode[seen][::-1], i] = number[seen][::-1]
    patient = np.unique(episodes.columns["patient"][rows], return_inverse=True)[1]
    return Paths(rows, patient, episodes.columns["n_visits"][rows].astype(np.intp), first[rows])


def find_stages(episodes: Episodes) -> tuple[Flags, ...]:
    """Whether each stage was recorded at each visit, in the order of `STAGES`."""
    columns, codebook = episodes.visits.columns, episodes.visits.codebook
    found = []
    for stage in STAGES:
        mask = sum(codebook.mask_of(name) for name, of in codebook.modality_stage.items() if of == stage)
        found.append((columns["modalities"] & np.uint64(mask)) != 0)
    found[0] = found[0] | columns["is_first_exam"]  # there wherever treatments are
    if "purpose" in columns:
        found[0] = found[0] | (columns["purpose"] == codebook.ids("purpose").index("re_exam"))
    for side in ("left", "right"):
        muscles = columns.get(f"muscles_identified_{side}")
        if muscles is not None:
            found[0] = found[0] | (muscles != 0)
    return tuple(found)


def paths_step(episodes: Episodes, paths: Paths) -> Step:
    """Account for the episodes whose path is looked at."""
    aside = {"already under way when the data begin": episodes.n - paths.rows.size}
    return Step("care pathways", "episodes", episodes.n, int(paths.rows.size), set_aside=aside)


def path_table(paths: Paths, least: int, level: float) -> pd.DataFrame:
    """Count the commonest orders of first recording (`PATH_COLUMNS`), and all others as one row.

    An order of fewer episodes than `least` is among the others.
    """
    import pandas as pd

    n = paths.rows.size
    ranks = _rank(paths.first)
    distinct, code, size = np.unique(ranks, axis=0, return_inverse=True, return_counts=True)
    code = code.reshape(-1)
    names = [spell_path(row) for row in distinct.tolist()]
    order = sorted(range(len(names)), key=lambda i: (-int(size[i]), names[i]))
    shown = [i for i in order[:MOST_PATHS] if size[i] >= least]
    rest = order[len(shown) :]
    flags = {names[i]: code == i for i in shown}
    if rest:
        flags[OTHER] = np.isin(code, rest)
    counted = count_shares(np.zeros(n, dtype=np.intp), [0], paths.patient, flags, least, level)
    rows = [(name, label_path(name), *values) for _, name, *values in counted]
    return pd.DataFrame(rows, columns=list(PATH_COLUMNS))


def _rank(first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order of each row's visit numbers, 0 for the earliest, equal numbers alike; -1 for `NEVER`."""
    rank = np.zeros(first.shape, dtype=np.int64)
    for i in range(first.shape[1]):
        below = np.where(first < first[:, [i]], first, NEVER)
        below.sort(axis=1)
        is_step = below < NEVER
        is_step[:, 1:] &= below[:, 1:] != below[:, :-1]
        rank[:, i] = is_step.sum(axis=1)
    rank[first == NEVER] = -1
    return rank


def spell_path(rank: Sequence[int]) -> str:
    """Write an order: stages of one step joined by ``+``, steps by `` > ``.

    Examples
    --------
    >>> spell_path([0, 0, 1, -1])
    'identify+relax > circulate'
    """
    names = list(STAGES)
    steps = [JOIN.join(name for name, r in zip(names, rank, strict=True) if r == step) for step in range(max(rank) + 1)]
    return STEP.join(steps) or NONE


def read_path(path: str) -> list[int]:
    """Read the step of each stage, 0, 1, ..., and -1 for never, from what `spell_path` wrote."""
    steps = [] if path == NONE else [step.split(JOIN) for step in path.split(STEP)]
    return [next((i for i, step in enumerate(steps) if stage in step), -1) for stage in STAGES]


def label_path(path: str) -> str:
    """Say an order in words: ``Identify and relax, then circulate``."""
    if path in (NONE, OTHER):
        return NONE_LABEL if path == NONE else OTHER_LABEL
    said = ", then ".join(joined([STAGES[name].lower() for name in step.split(JOIN)]) for step in path.split(STEP))
    return said[:1].upper() + said[1:]


def stage_table(paths: Paths, least: int, level: float) -> pd.DataFrame:
    """Share of the episodes still coming at each visit that have had each stage by then (`STAGE_COLUMNS`).

    It ends before the first visit to which fewer than `least` episodes came.
    """
    import pandas as pd

    rows = []
    for visit in range(1, LAST_VISIT + 1):
        here = paths.n_visits >= visit
        if here.sum() < max(least, 1):
            break
        flags = {stage: paths.first[here, i] <= visit for i, stage in enumerate(STAGES)}
        one = np.zeros(int(here.sum()), dtype=np.intp)
        counted = count_shares(one, [0], paths.patient[here], flags, least, level)
        rows += [(stage, STAGES[stage], visit, *values) for _, stage, *values in counted]
    return pd.DataFrame(rows, columns=list(STAGE_COLUMNS))


def order_table(paths: Paths, least: int, level: float) -> pd.DataFrame:
    """Share of episodes in which the clinic's own order was kept (`ORDER_COLUMNS`), pair by pair and as a whole."""
    import pandas as pd

    place = {stage: i for i, stage in enumerate(STAGES)}
    had = paths.first < NEVER
    rows = []
    for earlier, later in PAIRS:
        i, j = place[earlier], place[later]
        label = f"{STAGES[later]} not before {STAGES[earlier].lower()}"
        kept = paths.first[:, i] <= paths.first[:, j]
        rows.append((earlier, later, label, *_share(paths, had[:, i] & had[:, j], kept, least, level)))
    known = np.where(had, paths.first, 0)
    # In the clinic's order, no stage begins before the latest of the stages that should come first.
    latest = np.maximum.accumulate(known, axis=1)
    in_order: Flags = np.logical_and.reduce(~had | (paths.first >= latest), axis=1)
    whole = _share(paths, had.sum(axis=1) > 1, in_order, least, level)
    rows.append((WHOLE, WHOLE, "No stage before one that should come first", *whole))
    return pd.DataFrame(rows, columns=list(ORDER_COLUMNS))


def _share(paths: Paths, of: Flags, kept: Flags, least: int, level: float) -> tuple[float, float, float, int, int]:
    one = np.zeros(int(of.sum()), dtype=np.intp)
    ((_, _, *values),) = count_shares(one, [0], paths.patient[of], {"kept": kept[of]}, least, level)
    estimate, low, high, n, events = values
    return float(estimate), float(low), float(high), int(n), int(events)
