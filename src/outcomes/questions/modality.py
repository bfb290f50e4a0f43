"""Which treatments were given: the share of treatment visits with each family of modalities, by quarter of the visit.

A treatment visit is one at which at least one treatment is recorded; a visit can count in several families, so shares
do not add up to 1. Visits of one patient resemble each other: the interval is Wilson's on the effective number of
visits. This is use, not benefit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators import proportions
from outcomes.ledger import Ledger, Step
from outcomes.questions import results

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

ESTIMATOR = "share of treatment visits, Wilson interval on the effective number of visits (patients are clusters)"
COLUMNS = ("quarter", "family", "label", "estimate", "conf_low", "conf_high", "n", "events")


@dataclass(frozen=True)
class ModalityUse:
    """Use of treatment families.

    Attributes
    ----------
    table : DataFrame
        ``quarter, family, label, estimate, conf_low, conf_high, n, events``: `n` treatment visits of the quarter,
        `events` those with the family. Quarter is ``"all"`` where the export has no calendar.
    summary : dict
        ``n`` treatment visits, ``n_patients``, ``n_visits`` all visits in episodes, ``n_not_recorded`` visits with
        nothing recorded that the codebook knows (neither a treatment nor advice, an examination and the like),
        ``n_unknown_term`` visits with a term it does not know; a visit can be in both.
    settings : dict
    ledger : Ledger
    notes : tuple of str
    """

    table: pd.DataFrame
    summary: dict[str, Any]
    settings: dict[str, Any]
    ledger: Ledger
    notes: tuple[str, ...]


def describe_modality_use(episodes: Episodes) -> ModalityUse:
    """Describe which families of treatment were given.

    Raises
    ------
    NotEstimable
        The export records no modalities, or no visit of an episode has one.
    """
    visits, protocol, codebook = episodes.visits, episodes.protocol, episodes.visits.codebook
    columns = visits.columns
    if "modalities" not in columns:
        raise NotEstimable("Use of treatments cannot be described: this export has no treatment column. Map one.")
    masks = columns["modalities"]
    in_episode = columns["episode"] >= 0
    treated = in_episode & ((masks & np.uint64(codebook.treatment_mask)) != 0)
    if not treated.any():
        raise NotEstimable("Use of treatments cannot be described: no visit has a treatment the codebook knows.")
    rows = np.flatnonzero(treated)
    quarter, names = _quarters(visits.has_calendar, columns["day"][rows])
    patient = np.unique(columns["patient"][rows], return_inverse=True)[1]
    families = [f for f in codebook.families if codebook.family_masks.get(f, 0) & codebook.treatment_mask]
    has = {f: (masks[rows] & np.uint64(codebook.family_masks[f] & codebook.treatment_mask)) != 0 for f in families}
    known = in_episode & (masks != 0)
    unknown = in_episode & columns.get("modality_unknown", np.zeros(masks.size, dtype=bool))
    return ModalityUse(
        table=_table(quarter, names, patient, has, codebook.labels, protocol),
        summary={
            "n": int(rows.size),
            "n_patients": int(patient.max()) + 1,
            "n_visits": int(in_episode.sum()),
            "n_not_recorded": int((in_episode & ~known).sum()),
            "n_unknown_term": int(unknown.sum()),
        },
        settings=results.make_settings(
            episodes,
            question="use of treatments",
            definition=_DEFINITION,
            estimator=ESTIMATOR,
            index="day of the visit",
        ),
        ledger=episodes.ledger.with_step(_step(in_episode, treated, known)),
        notes=_notes(quarter, names, visits.has_calendar, protocol),
    )


_DEFINITION = "visits of episodes with at least one treatment recorded; a visit can count in several families"


def _quarters(has_calendar: bool, day: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    from outcomes.cases.summary import quarter_codes

    if not has_calendar:
        return np.zeros(day.size, dtype=np.intp), (results.ALL,)
    codes, names = quarter_codes(day)
    return codes.astype(np.intp), names


def _table(
    quarter: np.ndarray,
    names: tuple[str, ...],
    patient: np.ndarray,
    has: dict[str, np.ndarray],
    labels: Any,
    protocol: Any,
) -> pd.DataFrame:
    import pandas as pd

    # One cluster is a patient within a quarter: count its visits, and those with the family, in one pass each.
    n_patients = int(patient.max()) + 1
    key, cluster = np.unique(quarter * n_patients + patient, return_inverse=True)
    n = np.bincount(cluster)
    ends = np.searchsorted(key // n_patients, np.arange(len(names) + 1))
    rows = []
    events = {family: np.bincount(cluster, weights=flags) for family, flags in has.items()}
    first = results.first_shown(quarter, protocol.reporting_floor.proportion_min_n)
    for i, name in enumerate(names[first:], first):
        part = slice(ends[i], ends[i + 1])
        total = int(n[part].sum())
        for family in has:
            shares = (np.nan, np.nan, np.nan)
            if total >= protocol.reporting_floor.proportion_min_n:
                shares = proportions.wilson_clustered(events[family][part], n[part], protocol.inference.level)
            rows.append((name, family, labels.get(family, family), *shares, total, int(events[family][part].sum())))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _step(in_episode: np.ndarray, treated: np.ndarray, known: np.ndarray) -> Step:
    return Step(
        "treatment visits",
        "visits",
        in_episode.size,
        int(treated.sum()),
        set_aside={
            "outside every episode": int((~in_episode).sum()),
            "nothing recorded that the codebook knows": int((in_episode & ~known).sum()),
            "no treatment among what was recorded": int((known & ~treated).sum()),
        },
    )


def _notes(quarter: np.ndarray, names: tuple[str, ...], has_calendar: bool, protocol: Any) -> tuple[str, ...]:
    notes = ["How often a treatment was recorded says nothing about what it does: patients who get it differ."]
    if not has_calendar:
        notes.append("This export has day numbers and no calendar; all visits are shown together.")
    least = protocol.reporting_floor.proportion_min_n
    first = results.first_shown(quarter, least)
    if first:
        notes.append(results.early_note(least, names[first]))
    small = [name for i, name in enumerate(names[first:], first) if (quarter == i).sum() < least]
    if small:
        notes.append(f"Fewer than {least} treatment visits, no share is given: {', '.join(small)}.")
    return tuple(notes)
