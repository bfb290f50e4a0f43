"""The fits of groups laid out as tables: times, other fates of those who stopped, competing ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from outcomes.questions import results
from outcomes.questions.relief_fates import STOP_RATIOS
from outcomes.questions.relief_fit import GroupFit
from outcomes.questions.relief_rows import ENDS

if TYPE_CHECKING:
    import pandas as pd

TIME_COLUMNS = ("group", "measure", "after_days", "estimate", "conf_low", "conf_high", "n", "events")
IF_STOPPED_COLUMNS = (
    *("group", "horizon_days", "ratio", "estimate", "conf_low", "conf_high"),
    *("n", "events", "told", "stopped"),
)


def times_table(fits: Sequence[GroupFit]) -> pd.DataFrame:
    """One row a group and measure (`TIME_COLUMNS`)."""
    import pandas as pd

    rows = [
        (fit.curve.group, t.measure, t.after_days, t.by_days, t.conf_low, t.conf_high, fit.curve.n, events)
        for fit in fits
        for events in [int(fit.curve.events[-1])]
        for t in fit.times
    ]
    return pd.DataFrame(rows, columns=list(TIME_COLUMNS))


def if_stopped_table(fits: Sequence[GroupFit], horizons: Sequence[int]) -> pd.DataFrame:
    """One row a group, horizon and ratio (`IF_STOPPED_COLUMNS`); NaN past the group's last day."""
    import pandas as pd

    nothing = (float("nan"),) * 3
    rows = []
    for fit in fits:
        for day in horizons:
            for ratio, line in zip(STOP_RATIOS, fit.fates.if_stopped, strict=True):
                stated = day <= fit.curve.last_day
                values = (float(v[day]) for v in (line.share, line.conf_low, line.conf_high)) if stated else nothing
                counts = (fit.curve.n, int(fit.curve.events[day]), fit.fates.n_told, fit.fates.n_stopped)
                rows.append((fit.curve.group, day, ratio, *values, *counts))
    return pd.DataFrame(rows, columns=list(IF_STOPPED_COLUMNS))


def ends_table(fits: Sequence[GroupFit], horizons: Sequence[int]) -> pd.DataFrame:
    """One row a group, end and horizon: the columns of the main table, and ``end`` after the horizon."""
    import pandas as pd

    tables = []
    for code, end in enumerate(ENDS):
        table = results.horizon_table([fit.fates.ends[code] for fit in fits], horizons)
        table.insert(2, "end", end)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
