"""What is said below an answer about time to relief."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from outcomes.questions import results

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.definitions import Protocol
    from outcomes.questions.relief_fit import GroupFit

OPEN_SHARE = 0.05


def standing_notes() -> tuple[str, ...]:
    """Say what holds of every answer."""
    return (
        "A single rating has noise, and relief is judged by few of them: early relief is overstated, in simulated "
        "clinics by about 4 points.",
        "Relief is seen only at visits; the share by a day is estimated from the ratings before and after that day.",
        "Episodes with a single measured visit stay in n; they cannot say when relief came.",
        "Patients who stopped coming are taken to fare like those who stayed; whether they did is not recorded.",
    )


def bounds_notes(if_stopped: pd.DataFrame) -> list[str]:
    """Say what the bounds are, where there are any."""
    if not if_stopped["estimate"].notna().any():
        return []
    return [
        "The bounds count none, or all, of those who stopped as relieved: how they fared lies between. Episodes "
        "discharged or referred without relief are left as the main line has them."
    ]


def fates_notes(fits: Sequence[GroupFit], protocol: Protocol) -> list[str]:
    """Say of which groups the fates of those who stopped, and the ends, cannot be told."""
    least = protocol.reporting_floor.estimate_min_episodes
    few = [fit.curve.group for fit in fits if fit.fates.n_told < least <= fit.curve.n]
    if not few:
        return []
    who = "" if few == [results.ALL] else f" ({', '.join(few)})"
    return [
        "How episodes end, and bounds for those who stopped, are not given: fewer than "
        f"{least} episodes are old enough, or the data cut is unknown, for a stop to be known{who}."
    ]


def gap_notes(curves: Sequence[results.DayCurve], horizons: Sequence[int]) -> list[str]:
    """Say on which days the ratings leave the share open: its two bounds part by more than `OPEN_SHARE`."""
    notes = []
    for curve in curves:
        upper = curve.daily["upper"]
        days = [h for h in horizons if h <= curve.last_day and float(upper[h]) - curve.estimate[h] > OPEN_SHARE]
        if days:
            who = "By" if curve.group == results.ALL else f"Group '{curve.group}': by"
            notes.append(
                f"{who} day {', '.join(map(str, days))} the ratings leave the share open: few were rated near then. "
                "The lower of its two bounds is stated; the upper one is drawn and stands in the table of days."
            )
    return notes
