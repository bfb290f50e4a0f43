"""What a comparison of treatments gives: the lines, and everything by which a reader can judge them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.estimators.sensitivity import e_value, find_detectable
from outcomes.ledger import Ledger
from outcomes.questions.answer import Answer
from outcomes.questions.arm_balance import BALANCE_COLUMNS, find_worst
from outcomes.questions.contrast_gate import GATE_COLUMNS
from outcomes.questions.contrast_lines import Contrast
from outcomes.questions.treatment_arms import Arms

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.cases.first_treatment import TreatmentRows
    from outcomes.definitions import Protocol

DIAGNOSTIC_COLUMNS = (
    "contrast",
    "label",
    "n_with",
    "n_without",
    "set_aside_always",
    "set_aside_never",
    "set_aside_few",
    "n_units",
    "n_columns",
    "effective_with",
    "effective_without",
    "largest_smd",
    "detectable_low",
    "detectable_high",
    "ratings_with",
    "ratings_without",
    "gap_with_days",
    "gap_without_days",
    "e_value",
    "e_value_limit",
    "n_draws",
    "n_failed",
    "reason",
)
OVERLAP_COLUMNS = ("contrast", "label", "arm", "from_propensity", "to_propensity", "n")
UNIT_COLUMNS = ("contrast", "label", "unit", "n_with", "n_without")
_BINS = 20
NAN = float("nan")


@dataclass(frozen=True, repr=False)
class ModalityComparison(Answer):
    """A comparison of treatments, from the first treatment visit on.

    Attributes
    ----------
    question : str
        One of `comparisons.QUESTIONS`.
    table : DataFrame
        One row a contrast and analysis (`contrast_lines.LINE_COLUMNS`), with ``q_value`` (Benjamini-Hochberg over the
        main line of each contrast); `tag` ends every row, and `reason` stands where there is no estimate.
    balance : DataFrame
        ``contrast`` and `arm_balance.BALANCE_COLUMNS`: standardised mean differences before and after weighting.
    overlap : DataFrame
        ``contrast, label, arm, from_propensity, to_propensity, n``: episodes of each arm by propensity.
    units : DataFrame
        ``contrast, label, unit, n_with, n_without``: who treated how; pseudonyms as in the export.
    gate : DataFrame
        `contrast_gate.GATE_COLUMNS`: every check of every contrast, with the numbers it was decided on.
    diagnostics : DataFrame
        `DIAGNOSTIC_COLUMNS`: effective sizes; the smallest difference, down and up, that would be told from none in
        four of five such samples, by the standard error of the estimate; ratings an episode up to the primary day, and
        days between the rating before relief and the one that shows it, of each arm (means); E-values of the estimate
        and of the limit nearest to none.
    protocol : DataFrame
        ``part, ideal, emulated``: the target trial.
    checklist : DataFrame
        ``list, item, what, where``: items of TARGET, STROBE and RECORD, and those these records cannot fill.
    more : mapping
        Further tables of one question, by name.
    summary, settings : dict
    ledger : Ledger
    notes : tuple of str
    """

    question: str
    table: pd.DataFrame
    balance: pd.DataFrame
    overlap: pd.DataFrame
    units: pd.DataFrame
    gate: pd.DataFrame
    diagnostics: pd.DataFrame
    protocol: pd.DataFrame
    checklist: pd.DataFrame
    summary: dict[str, Any]
    settings: dict[str, Any]
    ledger: Ledger
    notes: tuple[str, ...]
    more: dict[str, pd.DataFrame] = field(default_factory=dict)


def count_rows(episodes: Episodes, rows: TreatmentRows) -> dict[str, Any]:
    """What every summary begins with: episodes compared, their patients, and those relieved by the primary day."""
    return {
        "n": rows.n,
        "n_patients": int(np.unique(rows.patient).size),
        "n_events": int((rows.right_days <= episodes.protocol.horizons_days.primary).sum()),
    }


def find_signal(episodes: Episodes, table: pd.DataFrame) -> dict[str, Any]:
    """What every summary ends with: the least q-value, NaN where there is none, and whether the protocol names it."""
    least = float(table["q_value"].min())
    return {"least_q_value": least, "is_signal": least <= episodes.protocol.inference.bh_q}


def tabulate_contrasts(
    contrasts: Sequence[Contrast],
    protocol: Protocol,
    heads: Sequence[tuple[str, ...]] = (),
    head_columns: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the tables that every contrast fills: balance, overlap, units, gate, diagnostics.

    Parameters
    ----------
    contrasts : sequence of Contrast
    protocol : Protocol
    heads : sequence of tuple
        One a contrast, put before each of its rows under `head_columns`; none when not given.
    head_columns : tuple of str
    """
    import pandas as pd

    columns = {
        "balance": ("contrast", *BALANCE_COLUMNS),
        "overlap": OVERLAP_COLUMNS,
        "units": UNIT_COLUMNS,
        "gate": GATE_COLUMNS,
        "diagnostics": DIAGNOSTIC_COLUMNS,
    }
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in columns}
    for head, contrast in zip(heads or [()] * len(contrasts), contrasts, strict=True):
        for name, found in _list_rows(contrast, protocol).items():
            rows[name] += [(*head, *row) for row in found]
    return {name: pd.DataFrame(rows[name], columns=[*head_columns, *columns[name]]) for name in columns}


def _list_rows(contrast: Contrast, protocol: Protocol) -> dict[str, list[tuple[Any, ...]]]:
    name, label = contrast.arms.name, contrast.arms.label
    return {
        "balance": [(name, *row) for row in contrast.balance],
        "overlap": _overlap_rows(contrast),
        "units": _unit_rows(contrast),
        "gate": [
            (name, label, k.check, k.with_value, k.without_value, k.needed, k.is_met, k.reason) for k in contrast.checks
        ],
        "diagnostics": [_diagnostic_row(contrast, protocol)],
    }


def _overlap_rows(contrast: Contrast) -> list[tuple[Any, ...]]:
    if contrast.found is None:
        return []
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    rows = []
    for arm, side in (("with", contrast.arms.treated), ("without", ~contrast.arms.treated)):
        counts = np.histogram(contrast.found.propensity[side], edges)[0]
        rows += [
            (contrast.arms.name, contrast.arms.label, arm, low, high, int(n))
            for low, high, n in zip(edges[:-1].tolist(), edges[1:].tolist(), counts, strict=True)
        ]
    return rows


def _unit_rows(contrast: Contrast) -> list[tuple[Any, ...]]:
    """Numbers of both arms of each unit; nothing where all are one unit."""
    names, code, arm = contrast.units.names, contrast.units.code[contrast.units.kept], contrast.arms.treated
    if not contrast.units.what:
        return []
    with_it = np.bincount(code[arm], minlength=len(names))
    without = np.bincount(code[~arm], minlength=len(names))
    return [
        (contrast.arms.name, contrast.arms.label, name, int(a), int(b))
        for name, a, b in zip(names, with_it, without, strict=True)
    ]


def _describe_looking(arms: Arms) -> tuple[float, ...]:
    """Mean ratings an episode, and mean days between the ratings around relief, of each arm."""
    rows, width = arms.rows, arms.rows.right_days - arms.rows.left_days
    sides = (arms.treated, ~arms.treated)
    ratings = [float(rows.n_ratings[side].mean()) if side.any() else NAN for side in sides]
    gaps = [float(width[side & rows.seen].mean()) if (side & rows.seen).any() else NAN for side in sides]
    return (*ratings, *gaps)


def _diagnostic_row(contrast: Contrast, protocol: Protocol) -> tuple[Any, ...]:
    arms, units, found = contrast.arms, contrast.units, contrast.found
    head = (
        arms.name,
        arms.label,
        int(arms.treated.sum()),
        int((~arms.treated).sum()),
        units.always,
        units.never,
        units.too_few,
        len(units.names),
        len(contrast.chosen.names) if contrast.chosen is not None else 0,
    )
    looked = _describe_looking(arms)
    if found is None:
        return (*head, *(NAN,) * 5, *looked, NAN, NAN, 0, 0, contrast.reason)
    shown = not contrast.reason
    # Where a share is the same in every draw, as where all of an arm are relieved, the draws know no error.
    knows = shown and bool(np.isfinite(found.std_err[0]))
    reach = float(find_detectable(found.std_err, protocol.inference.level)[0]) if knows else NAN
    evidence = (NAN, NAN)
    if shown and np.isfinite([found.ratio[0], found.ratio_low[0], found.ratio_high[0]]).all():
        strength = e_value(float(found.ratio[0]), float(found.ratio_low[0]), float(found.ratio_high[0]))
        evidence = strength.estimate, strength.limit
    return (
        *head,
        found.ess_treated,
        found.ess_control,
        find_worst(contrast.balance),
        -reach,
        reach,
        *looked,
        *evidence,
        found.draws,
        found.n_failed,
        contrast.reason,
    )
