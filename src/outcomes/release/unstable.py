"""Which published estimates are unstable: from too few, or with an interval too wide to rely on.

The limits are those of the US National Center for Health Statistics (but see below) and are no settings: an estimate
is not made stable by a protocol. They are read off what is published and nothing else, so that a mark tells nothing a
reader does not see.

===========  =========================================================================================================
share        fewer than 30 behind it; or the interval is 30 points wide or more; or it is wider than 5 points and than
             1.3 times the share
difference   of two shares: fewer than 30 in an arm, or the interval is 30 points wide or more. A difference may be 0,
             so that no width is judged against it
rate         a mean number or rate: fewer than 30 behind it or fewer than 10 events, or the interval is wider than 1.6
             times the rate
===========  =========================================================================================================

Ratios (``scale`` is no difference) are judged by their numbers alone; curves end where few are watched, and days to
relief and changes of a pain score have limits a reader can judge in days and points: none of them is marked.

Sources: National Center for Health Statistics data presentation standards for proportions, Vital Health Stat 2(175),
2017, and for rates and counts, Vital Health Stat 2(200), 2023 (doi:10.15620/cdc:124368). Where this differs from them:

- A difference has no limit there; it has that of a share here. A rate needs 10 behind it there, 30 here.
- They mean the exact 95 % interval; here it is the one that is shown, of its own method and at the protocol's level.
  Wilson's is a little narrower: of 50 % it is under 30 points from 40 on, the exact one from 48 on.
- A share of 0 or 1 is left there to a statistician. Here it is judged as any other: none of fewer than 73 is unstable,
  and all of 30 is not.
- A share whose complement is unstable (96 %, 90 to 98 %) has a footnote there and no mark here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

COLUMN = "unstable"
MARK = "\u2020"
LEAST_N = 30
FOOTNOTE = f"{MARK} Unstable: from fewer than {LEAST_N}, or with an interval too wide to rely on."
LEAST_EVENTS = 10
MOST_WIDTH, SMALL_WIDTH = 0.30, 0.05
MOST_SHARE, MOST_RATE = 1.30, 1.60
"""Greatest width of an interval, in multiples of a share and of a rate."""

SHARE, DIFFERENCE, RATE = "share", "difference", "rate"
KINDS = {
    **dict.fromkeys(
        (
            *("relief", "relief_ends", "relief_if_stopped", "relief_km_at_visit", "relief_per_patient"),
            *("relief_between_clinics", "recurrence_between_clinics"),
            *("recurrence", "recurrence_per_patient", "recurrence_definitions", "recurrence_maintenance"),
            *("recurrence_composite", "return_factors", "triggers_same", "identified_muscle_classes"),
            *("modality_use", "modality_use_families", "modality_use_modalities", "modality_use_bundles"),
            *("modality_use_by_clinic", "modality_use_by_clinician", "modality_use_by_visit"),
            *("modality_use_first_treatment", "modality_use_pathway", "modality_use_stages"),
            *("modality_use_stage_order", "attendance", "attendance_by_quarter", "clinics", "clinicians"),
            *("quarter_review", "quarter_review_recording"),
        ),
        SHARE,
    ),
    **dict.fromkeys(
        (
            *("one_family", "all_families", "identified_muscle", "subgroups", "rehabilitation"),
            *("identified_muscle_misclassification", "missing_covariates", "quarter_review_changes"),
        ),
        DIFFERENCE,
    ),
    **dict.fromkeys(("recurrence_rates", "recurrence_mean_returns"), RATE),
}
"""What the estimates of a published table are; those of other tables are not judged."""
NOT_JUDGED = frozenset(
    {
        *("relief_curve", "relief_ends_curve", "recurrence_curve", "recurrence_mean_curve"),
        *("relief_times", "same_visit", "quarter_review_volume"),
    }
)
"""Published tables with intervals whose estimates are not marked (this module's docstring)."""
_OTHER_KINDS = {"mean_returns": RATE}
"""Rows of a table that hold something else, by the word in ``outcome``."""
_NUMBERS = ("n", "n_with", "n_without", "n_reference", "effective_n", "effective_with", "effective_without")


def are_unstable(kind: str, estimate: Array, low: Array, high: Array, n: Array, events: Array) -> Array:
    """Tell which estimates are unstable.

    Parameters
    ----------
    kind : {"share", "difference", "rate"}
    estimate, low, high : ndarray of shape (k,)
        Shares between 0 and 1, differences of them, or rates; NaN where nothing is shown.
    n : ndarray of shape (k,)
        Number behind each: of the smaller arm for a difference; NaN where it is not shown.
    events : ndarray of shape (k,)
        Events behind each, read for rates alone; NaN where it is not shown.

    Returns
    -------
    ndarray of bool, shape (k,)
        False where there is no estimate to judge.
    """
    # So many points are as wide as that whatever the limits they are the difference of.
    width = np.round(high - low, 9)
    wide = width >= MOST_WIDTH
    if kind == SHARE:
        wide |= (width > SMALL_WIDTH) & (width > MOST_SHARE * estimate)
    elif kind == RATE:
        wide = (width > MOST_RATE * estimate) | (events < LEAST_EVENTS)
    return np.isfinite(estimate) & (wide | (n < LEAST_N))


def mark_unstable(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return a published table with the column ``unstable``; the table itself where its estimates are not judged.

    Parameters
    ----------
    name : str
        The name it is published under.
    table : DataFrame
        Protected already; what is hidden is not judged.
    """
    if name not in KINDS or "conf_low" not in table:
        return table
    estimate, low, high = (_numbers(table, column) for column in ("estimate", "conf_low", "conf_high"))
    columns = [_numbers(table, column) for column in _NUMBERS if column in table]
    n = np.fmin.reduce([np.full(len(table), np.nan), *columns])
    events = _numbers(table, "events") if "events" in table else np.full(len(table), np.nan)
    kinds = np.full(len(table), KINDS[name], dtype=object)
    for word, kind in _OTHER_KINDS.items() if "outcome" in table else ():
        kinds[(table["outcome"] == word).to_numpy()] = kind
    found = np.zeros(len(table), dtype=bool)
    for kind in dict.fromkeys(kinds.tolist()):
        own = kinds == kind
        found[own] = are_unstable(kind, *(values[own] for values in (estimate, low, high, n, events)))
    if "scale" in table:
        is_ratio = (table["scale"] != "difference").to_numpy()
        found[is_ratio] = (np.isfinite(estimate) & (n < LEAST_N))[is_ratio]
    return table.assign(**{COLUMN: found})


def _numbers(table: pd.DataFrame, name: str) -> Array:
    import pandas as pd

    return pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=float)
