"""Small numbers across questions: what one answer hides another must not print.

==========================  ========================================================================================
a count in one answer       the same count in another
==========================  ========================================================================================
arms of one family          in the model of all families, before anybody was set aside (`modality_disclosure`)
all relieved                all seen relieved, in the question on relief
who came for a visit        the base of the stages at that visit
episodes of a quarter       the base of attendance, and of what is missing, in that quarter
==========================  ========================================================================================
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.release.asking import put_together
from outcomes.release.disclosure import mask_notes, protect_result
from outcomes.release.marks import HIDDEN, are_marks, write_mark
from outcomes.release.modality_disclosure import protect_comparison

if TYPE_CHECKING:
    import pandas as pd

LIMITS = ("estimate", "conf_low", "conf_high")


def protect_answers(
    answers: Mapping[str, Any], floor: int, workers: int = 1, done: Collection[str] = ()
) -> dict[str, Any]:
    """Return the answers of one report, each protected, and what one hides hidden in the others.

    Parameters
    ----------
    answers : mapping of str to result or None
        By the name of the question; None where it was refused.
    floor : int
        Smallest count that is shown, besides 0.
    workers : int
        Processes, one answer at a time (`release.asking`); what is hidden does not depend on it.
    done : collection of str
        Answers that are protected already, by an earlier call of this.
    """
    given = {name: result for name, result in answers.items() if result is not None}
    own: dict[str, Callable[[], Any]] = {
        name: partial(protect_result, result, floor) for name, result in given.items() if name not in done
    }
    if "one_family" in own:
        own["one_family"] = partial(protect_comparison, answers["one_family"], floor, answers.get("all_families"))
    out = given | put_together({name: ("small numbers", protect) for name, protect in own.items()}, workers)
    _hide_all_relieved(out)
    _hide_stages(out)
    _hide_quarters(out)
    return {name: mask_notes(result, floor) for name, result in out.items()}


def _hide_all_relieved(out: dict[str, Any]) -> None:
    relief, recurrence = out.get("relief"), out.get("recurrence")
    if relief is not None and recurrence is not None and recurrence.summary.get("n_relieved") == HIDDEN:
        out["relief"] = dataclasses.replace(relief, summary={**relief.summary, "n_events": HIDDEN})


def _hide_stages(out: dict[str, Any]) -> None:
    """Hide the stages at a visit where attendance hides how many came for it."""
    attendance, use = out.get("attendance"), out.get("modality_use")
    if attendance is None or use is None:
        return
    steps = attendance.table
    hidden = steps.loc[(steps["group"] == "all") & _are_hidden(steps["n"]), "visit"]
    use_stages = use.stages.copy()
    rows = use_stages["visit"].isin(set(hidden)).to_numpy()
    for name in ("n", "events", *LIMITS):
        write_mark(use_stages, name, rows & ~are_marks(use_stages[name]) & use_stages[name].notna().to_numpy(), HIDDEN)
    out["modality_use"] = dataclasses.replace(use, stages=use_stages)


def _hide_quarters(out: dict[str, Any]) -> None:
    """Hide how many episodes began in a quarter wherever one table hides it."""
    review, attendance, missing = (out.get(name) for name in ("quarter_review", "attendance", "missing"))
    if review is None:
        return
    volume = review.more["volume"]
    hidden = set(volume.loc[are_marks(volume["episodes_started"]), "quarter"])
    if missing is not None:
        by_quarter = (missing.table["by"] == "quarter").to_numpy()
        hidden |= set(missing.table.loc[by_quarter & are_marks(missing.table["n"]), "group"])
        table = _hide_rows(missing.table, by_quarter & missing.table["group"].isin(hidden).to_numpy())
        out["missing"] = dataclasses.replace(missing, table=table)
    if attendance is not None:
        table = attendance.more["by_quarter"]
        table = _hide_rows(table, table["quarter"].isin(hidden).to_numpy())
        out["attendance"] = dataclasses.replace(attendance, more={**attendance.more, "by_quarter": table})
    volume = volume.copy()
    rows = volume["quarter"].isin(hidden).to_numpy()
    for name in ("episodes_started", "patients", "n"):
        write_mark(volume, name, rows & ~are_marks(volume[name]), HIDDEN)
    out["quarter_review"] = dataclasses.replace(review, more={**review.more, "volume": volume})


def _hide_rows(table: pd.DataFrame, rows: np.ndarray[Any, Any]) -> pd.DataFrame:
    """Hide the base of rows, and with it what their share would give: the base again."""
    out = table.copy()
    write_mark(out, "n", rows & ~are_marks(out["n"]), HIDDEN)
    for name in LIMITS:
        if name in out:
            write_mark(out, name, rows & ~are_marks(out[name]) & out[name].notna().to_numpy(), HIDDEN)
    return out


def _are_hidden(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    return np.array([value == HIDDEN for value in column.tolist()], dtype=bool)
