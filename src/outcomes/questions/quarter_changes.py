"""How far the quarter reviewed is from the one before, and from the same quarter of last year; and what could be seen.

The interval of a difference joins the two sides' own limits (Zou and Donner 2008): with Wilson's limits it is
Newcombe's interval, here on effective numbers, and with those of a curve it is as good as these. A patient with an
episode in both quarters is counted on both sides as if two; that makes the interval a little too wide.

Beside each difference stands the smallest one that sides of these (effective) sizes show with 80 % power: a difference
below it may well be missed. None of this calls anything a change; the charts do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators.post_strata import hybrid_difference
from outcomes.estimators.sensitivity import detectable_difference
from outcomes.questions.quarter_indicators import Value
from outcomes.questions.quarter_values import NAN, PeriodValue, Series
from outcomes.questions.quarters import quarter_word

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("indicator", "label", "against", "basis", "quarter", "quarter_against", "value", "value_against"),
    *("estimate", "conf_low", "conf_high", "n", "n_reference", "detectable_up", "detectable_down"),
)
AGAINST = {"quarter before": 1, "same quarter last year": 4}
BASES = ("recorded", "standardised")
POWER = 0.8


def compare_quarters(series: Sequence[Series], chosen: int, level: float) -> pd.DataFrame:
    """Compare each indicator's newest mature quarter, up to the one chosen, with two earlier ones.

    Parameters
    ----------
    series : sequence of Series
    chosen : int
        Number of the quarter reviewed.
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row an indicator, earlier quarter and basis. `estimate` is the quarter less the earlier one.
        Without a value on either side the row has none.
    """
    import pandas as pd

    rows = []
    for one in series:
        now = newest_up_to(one, chosen)
        bases = BASES if one.indicator.is_mix else BASES[:1]
        for against, back in AGAINST.items():
            for basis in bases:
                before = None if now is None else one.at(now.number - back)
                rows.append((one.indicator.name, one.indicator.label, against, basis, *_row(now, before, basis, level)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def newest_up_to(series: Series, chosen: int) -> PeriodValue | None:
    """Return the newest quarter with a value up to the one chosen; None if there is none."""
    known = [value for value in series.values if value.plain.known and value.number <= chosen]
    return known[-1] if known else None


def _row(now: PeriodValue | None, before: PeriodValue | None, basis: str, level: float) -> tuple[object, ...]:
    names = tuple("" if value is None else quarter_word(value.number) for value in (now, before))
    sides = [Value() if value is None else _basis(value, basis) for value in (now, before)]
    counts = tuple(0 if value is None or not value.plain.known else value.n for value in (now, before))
    shares = tuple(side.estimate for side in sides)
    return (*names, *shares, *_difference(sides[0], sides[1]), *counts, *_detectable(sides[0], sides[1], level))


def _basis(value: PeriodValue, basis: str) -> Value:
    return value.plain if basis == BASES[0] else value.standardised


def _difference(now: Value, before: Value) -> tuple[float, float, float]:
    if not (now.known and before.known):
        return NAN, NAN, NAN
    limits = [number for side in (now, before) for number in (side.estimate, side.conf_low, side.conf_high)]
    if np.isnan(limits).any():
        return now.estimate - before.estimate, NAN, NAN
    found = hybrid_difference(*limits)
    return float(found[0][0]), float(found[1][0]), float(found[2][0])


def _detectable(now: Value, before: Value, level: float) -> tuple[float, float]:
    """Return the smallest steps up and down from the earlier share that would be shown; NaN past 0 or 1."""
    if not (now.known and before.known) or np.isnan([now.effective_n, before.effective_n]).any():
        return NAN, NAN
    found = detectable_difference(now.effective_n, before.effective_n, before.estimate, POWER, level)
    return found.up, found.down
