"""Boards of `guarded_sums` for comparisons of treatments: arms with their units, and classes of concordance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.release.guarded_sums import Board, Floats, Sums, is_small

if TYPE_CHECKING:
    import pandas as pd

ASIDE = ("set_aside_always", "set_aside_never", "set_aside_few")
SUMMED = ("n_known", "n_concordant", "n_discordant")
"""Sums of classes that stand in the summary."""
IN_CONCORDANT = ("exact", "group", "umbrella")
IN_DISCORDANT = ("adjacent", "same_region", "none")
PARTS_OF_OTHERS = ("known_mismatch", "clinic_example")


def size_board(
    values: Mapping[str, float], units: Floats, whole: tuple[float, float] | None = None, floor: int = 5
) -> Board:
    """Lay out the sizes of two arms.

    Counts are those of each unit and arm, and those set aside: always, never, and too few of arm and other arm.
    Published are ``n_with, n_without``, `ASIDE`, then the units row by row.

    Parameters
    ----------
    values : mapping
        Of the five first sums.
    units : ndarray, shape (u, 2)
        Episodes with and without of each unit; none where all are one.
    whole : (float, float), optional
        Both arms before anything was set aside, where a reader knows them.
    floor : int
    """
    cells = units if len(units) else np.array([[values["n_with"], values["n_without"]]])
    u, size = len(cells), 2 * len(cells) + 4
    arms = np.zeros((2, size))
    arms[0, 0 : 2 * u : 2] = arms[1, 1 : 2 * u : 2] = 1.0
    always, never, few = (np.eye(size)[2 * u + i] for i in range(3))
    few_of_others = np.eye(size)[2 * u + 3]
    tags = np.eye(u + 2)
    with_tag, without_tag = tags[u], tags[u + 1]
    names = ("n_with", "n_without", *ASIDE)
    weights = (*arms, always, never, few + few_of_others)
    looks = (with_tag, without_tag, with_tag, without_tag, with_tag + without_tag)
    rows = [(w, values[name], tag) for w, name, tag in zip(weights, names, looks, strict=True)]
    if len(units):
        # Of the units of a small arm nothing is published but that it is small.
        told = [float(not is_small(np.array([values[name]]), floor)[0]) for name in names[:2]]
        rows += [
            (told[j] * np.eye(size)[2 * i + j], told[j] * float(cells[i, j]), tags[i] + (with_tag, without_tag)[j])
            for i in range(u)
            for j in range(2)
        ]
    total = sum(values[name] for name in names)
    known = [(np.ones(size), total, np.zeros(u + 2))]
    guarded = list(rows)
    if whole is not None:
        known += [
            (arms[0] + always + few, whole[0], np.zeros(u + 2)),
            (arms[1] + never + few_of_others, whole[1], np.zeros(u + 2)),
        ]
        guarded += [
            (always + few, whole[0] - values["n_with"], with_tag),
            (never + few_of_others, whole[1] - values["n_without"], without_tag),
        ]
    return _board(rows, known, guarded, size, u + 2)


def class_board(table: pd.DataFrame, summary: Mapping[str, Any], floor: int) -> Board:
    """Lay out the classes of concordance.

    Counts are those of each class, seen relieved or not, and, outside the concordant ones, in which of
    `PARTS_OF_OTHERS`. Published are the numbers of all rows, then those relieved, then `SUMMED`.

    Parameters
    ----------
    table : DataFrame
        ``class, n, events``.
    summary : mapping
        `SUMMED`, ``n`` and ``n_events``.
    floor : int
    """
    names = [str(name) for name in table["class"]]
    classes = [name for name in names if name not in PARTS_OF_OTHERS]
    counts = [
        (name, relieved, part)
        for name in classes
        for relieved in (False, True)
        for part in range(1 if name in IN_CONCORDANT else 3)
    ]
    tags = np.eye(len(names))

    def weigh(name: str, only_relieved: bool) -> NDArray[np.float64]:
        least = {"known_mismatch": 1, "clinic_example": 2}.get(name)
        found = [
            (part >= least if least is not None else own == name) and (relieved or not only_relieved)
            for own, relieved, part in counts
        ]
        return np.array(found, dtype=float)

    n, events = table["n"].to_numpy(dtype=float), table["events"].to_numpy(dtype=float)
    rows = [(weigh(name, False), n[i], tags[i]) for i, name in enumerate(names)]
    # Of a small class nothing is published but that it is small: no sum stands for those relieved in it.
    told = ~is_small(n, floor)
    rows += [(weigh(name, True) * told[i], events[i] * told[i], tags[i]) for i, name in enumerate(names)]
    sums = {
        "n_known": (*IN_CONCORDANT, *IN_DISCORDANT),
        "n_concordant": IN_CONCORDANT,
        "n_discordant": IN_DISCORDANT,
    }
    for item in SUMMED:
        own = [i for i, name in enumerate(names) if name in sums[item]]
        weights = np.sum([rows[i][0] for i in own], axis=0)
        rows.append((weights, float(summary[item]), tags[own].sum(axis=0)))
    guarded = list(rows)
    guarded += [
        (weigh(name, False) - weigh(name, True), n[i] - events[i], tags[i]) for i, name in enumerate(names) if told[i]
    ]
    none = np.zeros(len(names))
    everything = np.ones(len(counts))
    relieved = np.array([relieved for _, relieved, _ in counts], dtype=float)
    known = [(everything, float(summary["n"]), none), (relieved, float(summary["n_events"]), none)]
    return _board(rows, known, guarded, len(counts), len(names))


def _board(
    rows: list[tuple[Floats, float, Floats]],
    known: list[tuple[Floats, float, Floats]],
    guarded: list[tuple[Floats, float, Floats]],
    n_counts: int,
    n_tags: int,
) -> Board:
    return Board(
        published=Sums.of(rows, n_counts, n_tags),
        shown=np.ones(len(rows), dtype=np.bool_),
        known=Sums.of(known, n_counts, n_tags),
        guarded=Sums.of(guarded, n_counts, n_tags),
        never_negative=np.zeros((0, n_counts)),
    )
