"""The tables of the definition multiverse, and how far orders and signs hold across it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.rank_agreement import agree_in_rank

if TYPE_CHECKING:
    import pandas as pd

SPECIFICATION = ("relief_rule", "landmark_days", "episode_rule", "gap_days", "is_reported")
COLUMNS = (
    *SPECIFICATION,
    *("measure", "contrast", "label", "horizon_days", "estimate", "conf_low", "conf_high", "n", "events", "reason"),
)
RELIEF, RETURN, DIFFERENCE = "relieved", "returned", "difference"
WAY = ("relief_rule", "episode_rule", "gap_days")
STABILITY_COLUMNS = (*WAY, "is_reported", "n_contrasts", "tau", "sign_agreement")
AGREEMENT_COLUMNS = (
    *("contrast", "label", "reported", "n_specifications", "n_estimated", "sign_agreement"),
    *("lowest", "highest", "n_above_zero", "n_below_zero"),
)


@dataclass(frozen=True, slots=True)
class Specification:
    """One combination of definitions; `landmark_days` is NaN where no landmark plays a part."""

    relief_rule: str
    landmark_days: float
    episode_rule: str
    gap_days: int
    is_reported: bool

    def values(self) -> tuple[Any, ...]:
        """Return the cells of a row, in the order of `SPECIFICATION`."""
        return astuple(self)


def tabulate_stability(table: pd.DataFrame) -> pd.DataFrame:
    """Return, for every way to define relief and episodes, how its differences agree with the reported ones.

    Parameters
    ----------
    table : DataFrame
        `COLUMNS`.
    """
    import pandas as pd

    lines = table[table["measure"] == DIFFERENCE]
    reported = lines[lines["is_reported"]].set_index("contrast")["estimate"]
    return pd.DataFrame(list(_compare_ways(lines, reported)), columns=list(STABILITY_COLUMNS))


def _compare_ways(lines: pd.DataFrame, reported: pd.Series[Any]) -> Iterator[tuple[Any, ...]]:
    for way, part in lines.groupby(list(WAY), sort=False):
        own = part.set_index("contrast")["estimate"].reindex(reported.index)
        is_reported = bool(part["is_reported"].iloc[0])
        try:
            found = agree_in_rank(reported.to_numpy(dtype=float), own.to_numpy(dtype=float))
        except NotEstimable:
            yield *way, is_reported, int((own.notna() & reported.notna()).sum()), np.nan, np.nan
        else:
            yield *way, is_reported, found.n, found.tau, found.sign_share


def tabulate_agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Return, family by family in the codebook's order, in how many specifications its sign is the reported one.

    Parameters
    ----------
    table : DataFrame
        `COLUMNS`.
    """
    import pandas as pd

    rows = []
    for (contrast, label), part in table[table["measure"] == DIFFERENCE].groupby(["contrast", "label"], sort=False):
        reported = float(part.loc[part["is_reported"], "estimate"].iloc[0])
        others = part[~part["is_reported"]]
        known = others["estimate"].dropna().to_numpy(dtype=float)
        equal = np.sign(known) * np.sign(reported) > 0
        share = float(equal.mean()) if known.size and not np.isnan(reported) else np.nan
        every = part["estimate"].dropna()
        ends = (float(every.min()), float(every.max())) if len(every) else (np.nan, np.nan)
        beyond = int((part["conf_low"] > 0).sum()), int((part["conf_high"] < 0).sum())
        rows.append((contrast, label, reported, len(part), len(every), share, *ends, *beyond))
    return pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))
