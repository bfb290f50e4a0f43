"""What is missing where: of each fact, the share of episodes that do not record it, by clinic, quarter and pain score.

A fact is that of the episode, read at its first visits (`cases.summary`). Where gaps differ between clinics or quarters
they tell of forms and habits; where they go with a missing first pain score, of the same visits being written down in
less detail: what then is known of these episodes is little altogether, and relief cannot be judged of them at all.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import MISSING
from outcomes.errors import NotEstimable
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.covariates import build_factors
from outcomes.questions.results import NOT_RECORDED, Flags, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

FACTS = {
    "baseline_nrs": "First pain score",
    "region": "Region",
    "chronicity": "Duration when it began",
    "previous_episodes": "Earlier episodes",
    "cause": "Cause",
    "trigger": "Trigger",
    "radiation": "Radiation",
    "paresthesia": "Tingling or numbness",
    "onset": "Kind of onset",
    "muscle_group": "Muscle in spasm",
    "age": "Age",
    "sex": "Sex",
    "payer": "Payer",
}
AT_VISITS = {
    "muscle treated": ("muscles_treated_left", "muscles_treated_right"),
    "discharge reason": ("discharge_reason",),
}
"""What is recorded at visits and is no fact of the start, named where the export has no column of it."""
COLUMNS = ("fact", "label", "by", "group", "n", "events", "estimate")
WHERE_COLUMNS = ("fact", "label", "clinic", "quarter", "band")
SCORED = ("recorded", "not recorded")
BANDS = ((0.0, "under 10 %"), (0.10, "10 to under 25 %"), (0.25, "25 to under 40 %"), (0.40, "40 % and more"))
"""Least share missing of each band, and its name."""
TOO_FEW = "too few"


@dataclass(frozen=True, repr=False)
class Missing(CaseAnswer):
    """What is missing where.

    Attributes
    ----------
    table : DataFrame
        ``fact, label, by, group, n, events, estimate``: `events` of the `n` episodes of a group do not record the fact.
        `by` is ``all``, ``clinic``, ``quarter`` (of the start) or ``pain_score`` (whether there is a first pain score);
        the groups of one `by` add up to all episodes.
    summary : dict
        ``n, n_patients, n_complete`` (every fact recorded), ``most_missing`` (fact).
    more : mapping
        ``where``: ``fact, label, clinic, quarter, band``: the share missing of each clinic and quarter, in bands and
        without counts, which two margins would give away.
    """

    table: pd.DataFrame
    more: Mapping[str, pd.DataFrame]


def describe_missing(episodes: Episodes) -> Missing:
    """Describe what is missing where, of inception episodes.

    Raises
    ------
    NotEstimable
        No inception episode.
    """
    results.check_episodes(episodes)
    import pandas as pd

    rows = np.flatnonzero(episodes.columns["is_inception"]).astype(np.intp)
    if not rows.size:
        raise NotEstimable("Missing facts cannot be described: no episode began after the washout.")
    gaps = find_gaps(episodes, rows)
    groups = _find_groups(episodes, rows)
    lines = [line for fact in gaps for by, split in groups.items() for line in _count(fact, by, split, gaps[fact])]
    table = pd.DataFrame(lines, columns=list(COLUMNS))
    # The first pain score by whether there is one says nothing.
    table = table[~((table["fact"] == "baseline_nrs") & (table["by"] == "pain_score"))].reset_index(drop=True)
    everything = table[table["by"] == results.ALL]
    complete = ~np.any(list(gaps.values()), axis=0)
    return Missing(
        table=table,
        summary={
            "n": int(rows.size),
            "n_patients": int(np.unique(episodes.columns["patient"][rows]).size),
            "n_complete": int(complete.sum()),
            "most_missing": str(everything["fact"].iloc[int(everything["estimate"].to_numpy().argmax())]),
        },
        settings=results.make_settings(
            episodes,
            question="what is missing where",
            definition="facts of inception episodes that their first visits do not record",
            estimator="share of episodes",
            tag="descriptive",
        ),
        ledger=episodes.ledger,
        notes=_notes(episodes),
        more={"where": _tabulate_where(episodes, gaps, groups)},
    )


def find_gaps(episodes: Episodes, rows: IntArray) -> dict[str, Flags]:
    """Return for each fact that the export has whether each of the episodes `rows` (n,) does not record it."""
    gaps: dict[str, Flags] = {}
    for name in FACTS:
        if name == "baseline_nrs":
            gaps[name] = np.asarray(episodes.columns["baseline"][rows] == MISSING, dtype=np.bool_)
        elif name in episodes.table.columns:
            found = build_factors(episodes, rows, (name,), 0)
            levels = found[0].levels if found else (NOT_RECORDED,)
            codes = found[0].codes if found else np.zeros(rows.size, dtype=np.intp)
            place = levels.index(NOT_RECORDED) if NOT_RECORDED in levels else -1
            gaps[name] = codes == place
    return gaps


def _find_groups(episodes: Episodes, rows: IntArray) -> dict[str, list[tuple[str, IntArray]]]:
    """Ways to split the episodes, each into groups by name."""
    scored = episodes.columns["baseline"][rows] != MISSING
    groups = {results.ALL: [(results.ALL, np.arange(rows.size))]}
    for by, column in (("clinic", "clinic_id"), ("quarter", "index_quarter")):
        if column in episodes.table.columns:
            groups[by] = list(results.split_groups(episodes, rows, column))
    parts = zip(SCORED, (np.flatnonzero(scored), np.flatnonzero(~scored)), strict=True)
    groups["pain_score"] = [(name, part.astype(np.intp)) for name, part in parts if part.size]
    return groups


def _count(fact: str, by: str, split: list[tuple[str, IntArray]], gap: Flags) -> list[tuple[object, ...]]:
    head = (fact, FACTS[fact], by)
    return [
        (*head, name, int(part.size), int(gap[part].sum()), float(gap[part].mean()))
        for name, part in split
        if part.size
    ]


def _tabulate_where(
    episodes: Episodes, gaps: dict[str, Flags], groups: dict[str, list[tuple[str, IntArray]]]
) -> pd.DataFrame:
    """Shares missing of each clinic and quarter in bands; empty without a calendar or clinics."""
    import pandas as pd

    if not {"clinic", "quarter"} <= set(groups):
        return pd.DataFrame([], columns=list(WHERE_COLUMNS))
    least = episodes.protocol.reporting_floor.estimate_min_episodes
    names = list(itertools.product((name for name, _ in groups["clinic"]), (name for name, _ in groups["quarter"])))
    cell = _code(groups["clinic"]) * len(groups["quarter"]) + _code(groups["quarter"])
    n = np.bincount(cell, minlength=len(names))
    lines = []
    for fact, gap in gaps.items():
        missing = np.bincount(cell[gap], minlength=len(names))
        bands = [_find_band(int(m), int(of), least) for m, of in zip(missing, n, strict=True)]
        lines += [(fact, FACTS[fact], *name, band) for name, band in zip(names, bands, strict=True)]
    return pd.DataFrame(lines, columns=list(WHERE_COLUMNS))


def _code(split: list[tuple[str, IntArray]]) -> IntArray:
    """Place in `split` of each episode."""
    code = np.zeros(sum(part.size for _, part in split), dtype=np.intp)
    for i, (_, part) in enumerate(split):
        code[part] = i
    return code


def _find_band(missing: int, n: int, least: int) -> str:
    """The band of a share missing; of too few episodes none is given."""
    if n < least:
        return TOO_FEW
    # Counted in whole episodes a share of 10 % is exactly 10 %.
    return [name for edge, name in BANDS if missing >= edge * n - 1e-9][-1]


def _notes(episodes: Episodes) -> tuple[str, ...]:
    absent = [label.lower() for name, label in FACTS.items() if name not in episodes.table.columns]
    absent += [label for label, names in AT_VISITS.items() if not any(n in episodes.visits.columns for n in names)]
    return (
        "Not recorded is counted; that it was asked and there was nothing to say cannot be told from it.",
        *((f"Not in this export: {', '.join(absent)}.",) if absent else ()),
        *results.context_notes(None, episodes.has_calendar),
    )
