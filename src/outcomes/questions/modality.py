"""Which treatments were given: the share of treatment visits with each family of modalities, and what goes with it.

A treatment visit is one at which at least one treatment is recorded; a visit can count in several families, so shares
do not add up to 1. Visits of one patient resemble each other: the interval is Wilson's on the effective number of
visits. Beside the shares by quarter stand those by visit number, clinic and clinician (`modality_shares`), which
families are given together (`modality_bundles`), and the order in which the clinic's stages were first recorded
(`care_pathway`). This is use, not benefit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger, Step
from outcomes.questions import care_pathway, modality_bundles, modality_shares, results
from outcomes.questions.answer import Answer
from outcomes.questions.modality_shares import TreatmentVisits

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

ESTIMATOR = "share of treatment visits, Wilson interval on the effective number of visits (patients are clusters)"


@dataclass(frozen=True, repr=False)
class ModalityUse(Answer):
    """Use of treatment families.

    Every table but `co_use` ends with ``estimate, conf_low, conf_high, n, events``: of `n`, `events` had it.

    Attributes
    ----------
    table : DataFrame
        ``quarter, family, label, ...``: `n` treatment visits of the quarter, `events` those with the family. Quarter is
        ``"all"`` where the export has no calendar.
    families, modalities : DataFrame
        ``family, label, ...`` and ``modality, label, family, stage, ...``: of all treatment visits.
    by_visit : DataFrame
        ``visit, family, label, ...``: treatment visits by their number in the episode, 1 to 7 and ``8+``, maintenance
        left out.
    by_clinic, by_clinician : DataFrame or None
        ``clinic_id, family, label, ...`` and ``clinic_id, clinician_id, family, label, ...``, named as in the export.
        None where the export has one clinic, or names no clinician.
    first_treatment : DataFrame
        ``family, label, ...``: first treatment visits of inception episodes.
    co_use : DataFrame
        ``family, label, other_family, other_label, n, n_both, n_one, n_other, n_neither, phi, n_discordant``: pairs of
        families at those visits; `n_one` with `family` only.
    bundles : DataFrame
        ``bundle, label, ...``: the commonest sets of families at a treatment visit; ``other_bundles`` for all others.
    pathway : DataFrame
        ``path, label, ...``: inception episodes by the order in which stages were first recorded.
    stages : DataFrame
        ``stage, label, visit, ...``: of `n` episodes still coming at that visit, `events` have had the stage by then.
    stage_order : DataFrame
        ``earlier, later, label, ...``: of `n` episodes with both stages, `events` did not begin with the later one;
        ``"any"`` for all stages, in episodes with at least two.
    summary : dict
        ``n`` treatment visits, ``n_patients``, ``n_visits`` all visits in episodes, ``n_not_recorded`` visits with
        nothing recorded that the codebook knows (neither a treatment nor advice, an examination and the like),
        ``n_unknown_term`` visits with a term it does not know; a visit can be in both. ``n_episodes`` inception
        episodes with a treatment, ``n_paths`` all inception episodes.
    settings : dict
    ledger : Ledger
    notes : tuple of str
    """

    table: pd.DataFrame
    families: pd.DataFrame
    modalities: pd.DataFrame
    by_visit: pd.DataFrame
    by_clinic: pd.DataFrame | None
    by_clinician: pd.DataFrame | None
    first_treatment: pd.DataFrame
    co_use: pd.DataFrame
    bundles: pd.DataFrame
    pathway: pd.DataFrame
    stages: pd.DataFrame
    stage_order: pd.DataFrame
    summary: dict[str, Any]
    settings: dict[str, Any]
    ledger: Ledger
    notes: tuple[str, ...]


def describe_modality_use(episodes: Episodes) -> ModalityUse:
    """Describe which families of treatment were given, together with which others, and in which order.

    Raises
    ------
    InputRefused
        Anything but episodes.
    NotEstimable
        The export records no modalities, or no visit of an episode has one.
    """
    results.check_episodes(episodes)
    visits, columns = episodes.visits, episodes.visits.columns
    if "modalities" not in columns:
        raise NotEstimable("Use of treatments cannot be described: this export has no treatment column. Map one.")
    masks, in_episode = columns["modalities"], columns["episode"] >= 0
    treated = in_episode & ((masks & np.uint64(visits.codebook.treatment_mask)) != 0)
    if not treated.any():
        raise NotEstimable("Use of treatments cannot be described: no visit has a treatment the codebook knows.")
    given, quarter, names, shown = find_treatment_visits(episodes)
    first = modality_bundles.find_first_visits(episodes, list(given.has), given.least, given.level)
    paths = care_pathway.find_paths(episodes)
    known = in_episode & (masks != 0)
    steps = (
        modality_bundles.first_visits_step(episodes, first),
        care_pathway.paths_step(episodes, paths),
        _step(in_episode, treated, known, given.n),
        _visit_step(episodes, given),
    )
    return ModalityUse(
        table=modality_shares.family_table(given, quarter, [(name,) for name in names], ["quarter"], shown),
        families=modality_shares.whole_table(given),
        modalities=modality_shares.modality_table(episodes, given),
        by_visit=modality_shares.visit_table(episodes, given),
        by_clinic=modality_shares.clinic_table(episodes, given),
        by_clinician=modality_shares.clinician_table(episodes, given),
        first_treatment=modality_shares.whole_table(first),
        co_use=modality_bundles.co_use_table(first),
        bundles=modality_bundles.bundle_table(given),
        pathway=care_pathway.path_table(paths, given.least, given.level),
        stages=care_pathway.stage_table(paths, given.least, given.level),
        stage_order=care_pathway.order_table(paths, given.least, given.level),
        summary={
            "n": given.n,
            "n_patients": int(given.patient.max()) + 1,
            "n_visits": int(in_episode.sum()),
            "n_not_recorded": int((in_episode & ~known).sum()),
            "n_unknown_term": int((in_episode & columns.get("modality_unknown", np.zeros(masks.size, bool))).sum()),
            "n_episodes": first.n,
            "n_paths": int(paths.rows.size),
        },
        settings=results.make_settings(
            episodes,
            question="use of treatments",
            definition=_DEFINITION,
            estimator=ESTIMATOR,
            index="day of the visit",
        ),
        ledger=episodes.ledger.with_step(*steps),
        notes=(*_notes(quarter, names, shown, episodes), *_field_notes(episodes)),
    )


_DEFINITION = "visits of episodes with at least one treatment recorded; a visit can count in several families"


def find_treatment_visits(
    episodes: Episodes,
) -> tuple[TreatmentVisits, results.IntArray, tuple[str, ...], int]:
    """Find the treatment visits that are looked at, each with its quarter.

    Visits before the first quarter with enough of them are left out: their dates may be wrong, and they are too few to
    be listed beside totals they would be part of.

    Parameters
    ----------
    episodes : Episodes
        Of an export that records treatments.

    Returns
    -------
    visits : TreatmentVisits
    quarter : ndarray of int, shape (n,)
    names : tuple of str
        The quarters.
    first : int
        The first quarter that is listed.
    """
    codebook, protocol = episodes.visits.codebook, episodes.protocol
    columns = episodes.visits.columns
    treated = (columns["episode"] >= 0) & ((columns["modalities"] & np.uint64(codebook.treatment_mask)) != 0)
    rows = np.flatnonzero(treated)
    quarter, names, first = _quarters(episodes, rows)
    rows, quarter = rows[quarter >= first], quarter[quarter >= first]
    masks = columns["modalities"][rows]
    families = [f for f in codebook.families if codebook.family_masks.get(f, 0) & codebook.treatment_mask]
    visits = TreatmentVisits(
        rows=rows,
        patient=np.unique(columns["patient"][rows], return_inverse=True)[1],
        has={f: (masks & np.uint64(codebook.family_masks[f] & codebook.treatment_mask)) != 0 for f in families},
        labels={f: codebook.labels.get(f, f) for f in families},
        least=protocol.reporting_floor.proportion_min_n,
        level=protocol.inference.level,
    )
    return visits, quarter, names, first


def _quarters(episodes: Episodes, rows: results.IntArray) -> tuple[results.IntArray, tuple[str, ...], int]:
    """Quarter of each visit, the quarters' names, and the first with enough visits to be listed."""
    from outcomes.cases.summary import quarter_codes

    if not episodes.has_calendar or not rows.size:
        return np.zeros(rows.size, dtype=np.intp), (results.ALL,), 0
    codes, names = quarter_codes(episodes.visits.columns["day"][rows])
    least = episodes.protocol.reporting_floor.proportion_min_n
    return codes.astype(np.intp), names, results.first_shown(codes, least)


def _step(in_episode: np.ndarray, treated: np.ndarray, known: np.ndarray, n: int) -> Step:
    return Step(
        "treatment visits",
        "visits",
        in_episode.size,
        n,
        set_aside={
            "outside every episode": int((~in_episode).sum()),
            "nothing recorded that the codebook knows": int((in_episode & ~known).sum()),
            "no treatment among what was recorded": int((known & ~treated).sum()),
            "dated before the first quarter with enough visits": int(treated.sum()) - n,
        },
    )


def _visit_step(episodes: Episodes, given: TreatmentVisits) -> Step:
    n_care = int((modality_shares.visit_numbers(episodes)[given.rows] > 0).sum())
    aside = {"maintenance visit": given.n - n_care}
    return Step("treatment visits by number", "visits", given.n, n_care, set_aside=aside)


def _notes(quarter: results.IntArray, names: tuple[str, ...], first: int, episodes: Episodes) -> tuple[str, ...]:
    notes = ["How often a treatment was recorded says nothing about what it does: patients who get it differ."]
    if not episodes.has_calendar:
        notes.append("This export has day numbers and no calendar; all visits are shown together.")
    least = episodes.protocol.reporting_floor.proportion_min_n
    if first:
        notes.append(results.early_note(least, names[first]))
    small = [name for i, name in enumerate(names[first:], first) if (quarter == i).sum() < least]
    if small:
        notes.append(f"Fewer than {least} treatment visits, no share is given: {', '.join(small)}.")
    return tuple(notes)


def _field_notes(episodes: Episodes) -> tuple[str, ...]:
    """Say what cannot be told apart because the export lacks a column, and what the path does not show."""
    columns = episodes.visits.columns
    notes = ["Shares by visit number and by stage are of those who came that often; who stops early is not in them."]
    if "muscles_identified_left" not in columns:
        notes.append("This export records no muscles found in spasm: only an examination counts as identifying.")
    if "clinician" not in columns:
        notes.append("This export names no clinicians: use is not shown by clinician.")
    if "clinic" not in columns:
        notes.append("This export names no clinics: use is not shown by clinic.")
    return tuple(notes)
