"""Observed minus expected over time: the curve of the VLAD, and a risk-adjusted CUSUM of the newest quarters.

Two outcomes. *Silent stop* is known of every old enough episode, yes or no. *Relief by the primary day* is not: many
stop before it. Restricting to those whose status is known would keep the quick healers; so each episode adds its chance
of relief by that day given what was seen of it (`estimators.interval_status`), 0 or 1 where it is known. What is unseen
is filled in from all quarters, so hills and valleys are lower than the change they show. Expected is the mean of the
episode's stratum over all mature quarters.

Both begin with the last documented break: quarters before it are no measure of those after it.

The limits of the curve are those of a series in which nothing changed (`estimators.cumulative`): of such series one in
twenty leaves them anywhere. The curve ends at 0 by construction.

A CUSUM needs expectations from other cases. Its reference is every mature quarter before the last `WATCHED`; the
episodes of these last ones, day by day, are watched for odds of a silent stop `ODDS` times as large, or as small. Its
limits are simulated; that the reference is itself a sample is not in them: with 800 episodes watched, false alarms are
8 % where 1,000 are the reference and 15 % where 300 are, for the 5 % asked. So fewer than `REFERENCE`, or than are
watched, give no CUSUM.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from outcomes.estimators.cumulative import cumulative_difference
from outcomes.estimators.cusum import risk_adjusted_cusum
from outcomes.questions.quarter_charts import direction_word
from outcomes.questions.quarter_recording import Recording
from outcomes.questions.quarter_values import Series
from outcomes.questions.quarters import MONTHS, QUARTERS
from outcomes.questions.results import Flags, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.definitions import Protocol

COLUMNS = ("indicator", "label", "month", "n", "events", "difference", "low", "high", "beyond", "p_value")
CUSUM_COLUMNS = ("indicator", "label", "month", "n", "up", "down", "limit_up", "limit_down", "signal", "word")
WATCHED, ODDS, REFERENCE = 4, 1.5, 1000
MOST_SERIES, LEAST_SERIES, CASES_DRAWN = 9_999, 999, 60_000_000
"""Simulated series that set the limits of the CUSUM; fewer where there are many cases. Limits of 999 series, asked to
alarm in 5 % of stable series, did so in 7.5 % of those of the sample; of 9,999 the error is 0.2 points."""


def begin_at_break(series: Series, breaks: Collection[int]) -> tuple[Series, str]:
    """Return a series without the quarters before its last documented break, and what to say of it.

    What was documented to have changed would be found again otherwise, and be called good or bad: quarters before a
    break are as little a measure of those after it here as in the charts.
    """
    quarter = QUARTERS.number(series.indicator.start_day[series.pool])
    inside = [number for number in breaks if quarter.size and quarter.min() < number <= quarter.max()]
    if not inside:
        return series, ""
    kept = quarter >= max(inside)
    stratum = series.stratum[kept] if series.stratum.size else series.stratum
    words = f"Sums over the months and the CUSUM begin with the documented break of {QUARTERS.word(max(inside))}."
    return replace(series, pool=series.pool[kept], stratum=stratum), words


def sum_over_months(series: Sequence[Series], names: Sequence[str], protocol: Protocol) -> pd.DataFrame:
    """Return the VLAD of some indicators, `COLUMNS`, one row a month; none for an indicator without expectations."""
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    for one in series:
        if one.indicator.name not in names or one.indicator.outcome is None or not one.stratum.size:
            continue
        if not one.indicator.event[one.pool].any():
            continue
        month = MONTHS.number(one.indicator.start_day[one.pool])
        found = cumulative_difference(
            one.indicator.outcome(one.pool), one.stratum, month, protocol.inference.level, seed=protocol.inference.seed
        )
        head = (one.indicator.name, one.indicator.label)
        seen = [int(one.indicator.event[one.pool[month == at]].sum()) for at in found.time]
        columns = (found.n.tolist(), seen, found.difference.tolist(), found.low.tolist(), found.high.tolist())
        words = [MONTHS.word(int(at)) for at in found.time]
        rows += [(*head, *line, found.p_value) for line in zip(words, *columns, found.beyond.tolist(), strict=True)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def watch_newest(series: Series, protocol: Protocol, recording: Recording) -> tuple[pd.DataFrame, str]:
    """Return the CUSUM of a plain share, `CUSUM_COLUMNS`, one row a month watched, and why there is none.

    A month shows its largest sums, and a signal where there was one on any of its days. The word of a signal is that of
    the control charts; it is a ``change`` where recording of pain jumped in the quarters watched.
    """
    import pandas as pd

    empty = pd.DataFrame([], columns=list(CUSUM_COLUMNS))
    if not series.stratum.size:
        return empty, "A CUSUM needs expectations; there are too few episodes."
    quarter = QUARTERS.number(series.indicator.start_day[series.pool])
    mature = np.unique(quarter)
    if mature.size <= WATCHED:
        return empty, f"A CUSUM watches the last {WATCHED} mature quarters against those before; there are none before."
    watched = quarter >= mature[-WATCHED]
    least = max(REFERENCE, int(watched.sum()))
    if int((~watched).sum()) < least:
        return empty, f"A CUSUM needs {least:,} episodes before the last {WATCHED} mature quarters."
    outcome = series.indicator.event[series.pool].astype(np.float64)
    expected = _from_reference(outcome, series.stratum, ~watched)
    day = series.indicator.start_day[series.pool]
    order = np.flatnonzero(watched)[np.argsort(day[watched], kind="stable")]
    found = risk_adjusted_cusum(
        outcome[order],
        expected[order],
        odds_ratio=ODDS,
        series=count_series(order.size),
        seed=protocol.inference.seed,
        group=day[order],
    )
    days, count = np.unique(day[order], return_counts=True)
    table = pd.DataFrame(
        {
            "month": [MONTHS.word(int(at)) for at in MONTHS.number(days)],
            "n": count,
            "up": found.up,
            "down": found.down,
            "signal": found.signal.astype(np.int64),
        }
    )
    by_month = table.groupby("month", sort=False)
    shown = by_month.agg({"n": "sum", "up": "max", "down": "max", "signal": "sum"}).reset_index()
    head = {"indicator": series.indicator.name, "label": series.indicator.label}
    limits = {"limit_up": found.limit_up, "limit_down": found.limit_down}
    shown = shown.assign(**head, **limits, signal=np.sign(shown["signal"]).astype(int))
    jumped = series.indicator.is_mix and bool(recording.near(int(mature[-1]), WATCHED - 1))
    shown["word"] = [direction_word(side, jumped, series.indicator) if side else "" for side in shown["signal"]]
    return shown[list(CUSUM_COLUMNS)], ""


def count_series(n: int) -> int:
    """Series to simulate for n cases."""
    return max(LEAST_SERIES, min(MOST_SERIES, CASES_DRAWN // max(n, 1)))


def _from_reference(outcome: FloatArray, of: IntArray, reference: Flags) -> FloatArray:
    """Share of each row's stratum among the rows of the reference, drawn by one case towards the share of all of them.

    So none is 0 or 1, and a stratum without a row of the reference has the share of all.
    """
    size = np.bincount(of, weights=reference, minlength=int(of.max()) + 1)
    events = np.bincount(of, weights=reference * outcome, minlength=size.size)
    overall = (events.sum() + 0.5) / (size.sum() + 1.0)
    share: FloatArray = ((events + overall) / (size + 1.0))[of]
    return share
