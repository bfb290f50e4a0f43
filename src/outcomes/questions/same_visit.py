"""Pain before and after treatment on the same day, where both were rated: described, never compared.

The rating after treatment is a variable of its own. Put into one series with the ratings before treatment it would make
about a point of relief on the day itself out of nothing, so that relief in this package never uses it. What the two
ratings of a day differ by holds the wish to please whoever asks, the rest on the couch and the noise of a rating; and
patient and clinician choose at which visits the second rating is written down. So families stand beside each other
without a comparison, adjusted or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.cases.schema import HUNDREDTHS
from outcomes.errors import NotEstimable
from outcomes.estimators.means import clustered_mean
from outcomes.ledger import Step
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.modality import find_treatment_visits
from outcomes.questions.results import ALL, Flags, FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.questions.modality_shares import TreatmentVisits

COLUMNS = (
    *("family", "label", "n", "events", "patients", "share"),
    *("before", "after", "estimate", "conf_low", "conf_high"),
)
ALL_LABEL = "All treatment visits"
ESTIMATOR = "mean change with Student's t interval on patients (visits of a patient are a cluster)"
NOTES = (
    "Patients and clinicians choose when the second rating of the day is written down; the other visits may differ.",
    "A rating soon after treatment says nothing about relief days later; relief in this report never uses it.",
    "Families are not compared, adjusted or not: a visit counts in every family given at it, and patients differ.",
)


@dataclass(frozen=True, repr=False)
class SameVisit(CaseAnswer):
    """Pain before and after treatment on the same day.

    Attributes
    ----------
    table : DataFrame
        ``family, label, n, events, patients, share, before, after, estimate, conf_low, conf_high``: of `n` treatment
        visits, `events` (`share`) of `patients` have both ratings; their means `before` and `after` treatment, and the
        mean change `estimate` (after less before: negative is less pain), in points 0-10. Family ``"all"`` first; no
        means where fewer visits than the floor have both.
    summary : dict
        ``n`` treatment visits, ``n_both`` with both ratings, ``n_patients`` of these.
    """

    table: pd.DataFrame


def describe_same_visit(episodes: Episodes) -> SameVisit:
    """Describe pain before and after treatment at visits with both ratings, for all and for each family.

    Raises
    ------
    InputRefused
        Anything but episodes.
    NotEstimable
        The export records no treatments, no rating after treatment or none before, or fewer visits than the floor have
        both.
    """
    results.check_episodes(episodes)
    columns, protocol = episodes.visits.columns, episodes.protocol
    for name, words in (
        ("modalities", "treatments"),
        ("pain_pre", "pain before treatment"),
        ("pain_post", "pain after treatment"),
    ):
        if name not in columns:
            raise NotEstimable(f"Pain before and after a visit cannot be described: this export records no {words}.")
    visits = find_treatment_visits(episodes)[0]
    before, after = (columns[name][visits.rows] / HUNDREDTHS for name in ("pain_pre", "pain_post"))
    both = (columns["pain_pre"][visits.rows] >= 0) & (columns["pain_post"][visits.rows] >= 0)
    least = protocol.reporting_floor.estimate_min_episodes
    if both.sum() < least:
        raise NotEstimable(
            f"Pain before and after a visit cannot be described: fewer than {least} treatment visits have both ratings."
        )
    return SameVisit(
        table=_table(visits, both, before, after, least),
        summary={
            "n": visits.n,
            "n_both": int(both.sum()),
            "n_patients": int(np.unique(visits.patient[both]).size),
        },
        settings=results.make_settings(
            episodes,
            question="pain before and after treatment on the same day",
            definition="treatment visits of episodes with a rating before and one after treatment on that day",
            estimator=ESTIMATOR,
            tag="descriptive",
        ),
        ledger=episodes.ledger.with_step(_step(episodes, visits)),
        notes=NOTES,
    )


def _table(visits: TreatmentVisits, both: Flags, before: FloatArray, after: FloatArray, least: int) -> pd.DataFrame:
    import pandas as pd

    groups = {ALL: np.ones(visits.n, dtype=np.bool_), **visits.has}
    rows = []
    for name, given in groups.items():
        rated = given & both
        n, events = int(given.sum()), int(rated.sum())
        share = events / n if n else np.nan
        means = (np.nan,) * 5
        if events >= least:
            change = clustered_mean((after - before)[rated], visits.patient[rated], visits.level)
            means = (float(before[rated].mean()), float(after[rated].mean()), *change)
        label = ALL_LABEL if name == ALL else visits.labels[name]
        rows.append((name, label, n, events, int(np.unique(visits.patient[rated]).size), share, *means))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _step(episodes: Episodes, visits: TreatmentVisits) -> Step:
    columns = episodes.visits.columns
    pre, post = (columns[name][visits.rows] >= 0 for name in ("pain_pre", "pain_post"))
    in_episode = int((columns["episode"] >= 0).sum())
    return Step(
        "visits rated before and after treatment",
        "visits",
        episodes.visits.n,
        int((pre & post).sum()),
        set_aside={
            "outside every episode": episodes.visits.n - in_episode,
            "no treatment recorded, or dated before the first quarter with enough visits": in_episode - visits.n,
            "no rating before treatment": int((~pre).sum()),
            "no rating after treatment": int((pre & ~post).sum()),
        },
    )
