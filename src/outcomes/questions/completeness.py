"""How complete are the records: for each field, the share of visits at which it was filled in.

Beside it, how pain is scored: at the ends of the scale a change cannot show, and where 5 stands far more often than 4
and 6 the scores are rounder than the pain, so that relief by half is met in jumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.arguments import check_visits
from outcomes.cases.schema import HUNDREDTHS
from outcomes.errors import NotEstimable
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.visits import Visits

COLUMNS = ("field", "label", "n", "recorded", "estimate")
RATING_COLUMNS = ("rating", "label", "n", "events", "estimate")
RATINGS = {
    "zero": ("0, no pain", (0,)),
    "five": ("5, the middle", (5,)),
    "beside_five": ("4 or 6, beside it", (4, 6)),
    "ten": ("10, the worst", (10,)),
}
FRACTION, FRACTION_LABEL = "fraction", "no whole number"
FIELDS = {
    "pain_pre": "Pain before treatment",
    "pain_post": "Pain after treatment",
    "function_score": "Function score",
    "region": "Region",
    "diagnoses": "Diagnosis",
    "muscles_identified": "Muscle in spasm",
    "muscles_treated": "Muscle treated",
    "modalities": "Treatment given",
    "cause": "Cause",
    "trigger": "Trigger",
    "radiation": "Radiation",
    "paresthesia": "Tingling or numbness",
    "onset_days": "Start of symptoms",
    "onset": "Kind of onset",
    "previous_episodes": "Previous episodes",
    "age": "Age",
    "sex": "Sex",
    "payer": "Payer",
    "clinic": "Clinic",
    "clinician": "Clinician",
    "purpose": "Purpose of the visit",
}
# A field whose inside columns have other names: recorded when any of them is.
_MASKS = {
    "muscles_identified": ("muscles_identified_left", "muscles_identified_right"),
    "muscles_treated": ("muscles_treated_left", "muscles_treated_right"),
    "modalities": ("modalities", "modality_unknown"),
}
_RENAMED = {"diagnoses": "diagnosis_tier"}


@dataclass(frozen=True, repr=False)
class Completeness(CaseAnswer):
    """Completeness of the visits.

    Attributes
    ----------
    table : DataFrame
        ``field, label, n, recorded, estimate``: `n` visits, `recorded` those with a value (a word the codebook does not
        know counts for treatments only; elsewhere it reads as not recorded), `estimate` the share. A field the export
        does not have has 0 recorded.
    ratings : DataFrame
        ``rating, label, n, events, estimate``: of `n` pain scores before treatment, `events` are one of `RATINGS`, or
        no whole number. No rows without scores.
    summary : dict
        ``n`` visits, ``n_patients``, ``absent_fields`` as a tuple.
    """

    table: pd.DataFrame
    ratings: pd.DataFrame


def describe_completeness(visits: Visits) -> Completeness:
    """Describe how often each field was filled in.

    Parameters
    ----------
    visits : Visits
        Those of episodes are `Episodes.visits`.

    Raises
    ------
    InputRefused
        E657 no visits: of anything else every field would be empty.
    NotEstimable
        There are no visits.
    """
    import pandas as pd

    check_visits(visits)
    if not visits.n:
        raise NotEstimable("Completeness cannot be described: no visit was kept. The ledger says why.")
    rows, absent = [], []
    for field, label in FIELDS.items():
        flags = _recorded(visits, field)
        if flags is None:
            absent.append(field)
        recorded = 0 if flags is None else int(flags.sum())
        rows.append((field, label, visits.n, recorded, recorded / visits.n))
    notes = [f"Not in this export: {', '.join(FIELDS[field].lower() for field in absent)}."] if absent else []
    return Completeness(
        table=pd.DataFrame(rows, columns=list(COLUMNS)),
        ratings=_tabulate_ratings(visits),
        summary={
            "n": visits.n,
            "n_patients": int(np.unique(visits.columns["patient"]).size),
            "absent_fields": tuple(absent),
        },
        settings=results.make_settings(
            visits, question="completeness", definition="visits with a value in the field", estimator="share of visits"
        ),
        ledger=visits.ledger,
        notes=tuple(notes),
    )


def _tabulate_ratings(visits: Visits) -> pd.DataFrame:
    """Count pain scores before treatment at the ends of the scale, at its middle and beside it (`RATING_COLUMNS`)."""
    import pandas as pd

    scores = visits.columns.get("pain_pre", np.zeros(0, dtype=np.int16))
    scores = scores[scores >= 0]
    counts = [
        (name, label, int(np.isin(scores, np.multiply(of, HUNDREDTHS)).sum())) for name, (label, of) in RATINGS.items()
    ]
    counts.append((FRACTION, FRACTION_LABEL, int((scores % HUNDREDTHS != 0).sum())))
    n = int(scores.size)
    rows = [(name, label, n, count, count / n) for name, label, count in counts if n]
    return pd.DataFrame(rows, columns=list(RATING_COLUMNS))


def _recorded(visits: Visits, field: str) -> np.ndarray | None:
    """Whether each visit has the field; None when the export does not."""
    columns = visits.columns
    if field in _MASKS:
        parts = [columns[name] != 0 for name in _MASKS[field] if name in columns]
        return np.logical_or.reduce(parts) if parts else None
    values = columns.get(_RENAMED.get(field, field))
    if values is None:
        return None
    if values.dtype.kind == "f":
        return ~np.isnan(values)
    return values >= 0
