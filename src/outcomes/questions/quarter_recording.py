"""Where recording of pain changed: a jump in one clinic's share of visits with a score.

Relief is known from scores only. Where a clinic begins to record at visits it left blank, other patients are seen
relieved, at other days, and the indicators move although the patients do not. Such a jump is no documented break, but
it is said beside every signal near it: look at recording first.

A clinic's quarter is a *jump* where its completeness differs from that of its `BEFORE` quarters before (since an
earlier jump) by `LEAST_STEP` or more, and the interval of the difference at `LEVEL` (the hybrid of the two Wilson
intervals, patients as clusters) leaves out 0. The level is the funnel's outer one: with some ten quarters and some
clinics, chance alone reaches it in a few of a hundred reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators import post_strata
from outcomes.questions.quarter_indicators import Indicator
from outcomes.questions.quarter_values import NAN, Scope
from outcomes.questions.quarters import QUARTERS
from outcomes.questions.results import IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

BEFORE, LEAST_STEP, LEVEL = 2, 0.05, 0.998
COLUMNS = (
    *("quarter", "clinic_id", "estimate", "conf_low", "conf_high", "n", "events"),
    *("difference", "diff_conf_low", "diff_conf_high", "jumped"),
)


@dataclass(frozen=True, slots=True)
class Recording:
    """Completeness of pain scores by clinic and quarter.

    Attributes
    ----------
    rows : tuple of tuple
        `COLUMNS`, one row a mature quarter and clinic.
    jumps : tuple of (int, str)
        Quarter number and clinic of each jump, in order.
    documented : frozenset of int
        Quarters of documented breaks: limits begin anew there, so that a jump then is no reason for a signal.
    """

    rows: tuple[tuple[object, ...], ...]
    jumps: tuple[tuple[int, str], ...]
    documented: frozenset[int] = frozenset()

    def near(self, number: int, back: int) -> tuple[tuple[int, str], ...]:
        """Return the jumps from `back` quarters before a quarter to the one after it, documented ones left out."""
        undocumented = (jump for jump in self.jumps if jump[0] not in self.documented)
        return tuple(jump for jump in undocumented if number - back <= jump[0] <= number + 1)

    def table(self) -> pd.DataFrame:
        """Return the rows as a table."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=list(COLUMNS))


def find_jumps(
    episodes: Episodes, recorded: Indicator, scope: Scope, documented: frozenset[int] = frozenset()
) -> Recording:
    """Compare each clinic's completeness with its quarters before (rules: this module's docstring)."""
    names = [str(word) for word in episodes.visits.words.codes.get("clinic", ())]
    number, patient = QUARTERS.number(recorded.start_day), episodes.visits.columns["patient"]
    level = episodes.protocol.inference.level
    listed = [q for q in scope.shown if scope.is_mature(recorded, QUARTERS.end(q))]
    rows: list[tuple[object, ...]] = []
    jumps: list[tuple[int, str]] = []
    codes = [scope.clinic] if scope.clinic >= 0 else range(-1 if not names else 0, len(names))
    for code in codes:
        own, name = recorded.clinic == code, names[code] if code >= 0 else ""
        since = scope.shown.start
        for quarter in listed:
            now = np.flatnonzero(own & (number == quarter))
            if now.size < recorded.floor:
                continue
            before = np.flatnonzero(own & (number < quarter) & (number >= max(since, quarter - BEFORE)))
            step, low, high = _step(recorded, now, before, patient)
            jumped = abs(step) >= LEAST_STEP and (low > 0 or high < 0)
            share = _share(recorded, now, patient, level)
            counts = (int(now.size), int(recorded.event[now].sum()))
            found = (share.estimate, share.conf_low, share.conf_high)
            rows.append((QUARTERS.word(quarter), name, *found, *counts, step, low, high, jumped))
            if jumped:
                # What came before a jump is no measure of the quarters after it.
                since = quarter
                jumps.append((quarter, name))
    return Recording(tuple(rows), tuple(sorted(jumps)), documented)


def _share(recorded: Indicator, part: IntArray, patient: IntArray, level: float) -> post_strata.WeightedShare:
    return post_strata.weighted_wilson(recorded.event[part], np.ones(part.size), patient[part], level)


def _step(recorded: Indicator, now: IntArray, before: IntArray, patient: IntArray) -> tuple[float, float, float]:
    """Return the difference to the quarters before and its limits; NaN where these hold too few visits."""
    if before.size < recorded.floor:
        return NAN, NAN, NAN
    sides = [_share(recorded, part, patient, LEVEL) for part in (now, before)]
    if any(np.isnan(side.conf_low) for side in sides):
        return NAN, NAN, NAN
    limits = [number for side in sides for number in (side.estimate, side.conf_low, side.conf_high)]
    found = post_strata.hybrid_difference(*limits)
    return float(found[0][0]), float(found[1][0]), float(found[2][0])
