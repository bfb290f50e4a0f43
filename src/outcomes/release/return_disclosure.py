"""Small numbers in the tables about return whose rows are parts of one another (the rule itself: `disclosure`).

=====================  =============================================================================================
table                  what else is hidden where a row is
=====================  =============================================================================================
rates                  person-years are not a count of people and stay; ratios to a hidden reference go
composite              the product, or a factor where only the product is hidden: three of the four give the last
maintenance            the other part (outside or inside): the whole stands in another table
levels of a factor     further levels, by the rule of `disclosure.protect_parts`, for patients, returns and the others
two arms               the other arm, the risks of both, and the balance of what distinguishes them; the counts of a
                       row that leaves out a few of the patients, or returns, of an earlier row
balance                of facts an arm hardly has, and of habits, a full difference tells counts: two decimals are given
=====================  =============================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.questions.habits import HABIT
from outcomes.release.marks import HIDDEN, are_marks, level_marks, read_numbers, small_mark, write_mark
from outcomes.release.table_disclosure import find_cover

if TYPE_CHECKING:
    import pandas as pd

Flags = NDArray[np.bool_]
RATIOS = ("ratio", "ratio_low", "ratio_high")
LIMITS = ("estimate", "conf_low", "conf_high")
OF_LEVELS = (*LIMITS, "unadjusted", "hazard_ratio", "ratio_low", "ratio_high")
OF_ARMS = (*LIMITS, "risk_with", "risk_without", "effective_with", "effective_without")
PRODUCT = "relieved_and_not_back"
BALANCE = ("smd_before", "smd_after")


def hide_ratios(out: pd.DataFrame) -> pd.DataFrame:
    """Hide the ratio of each hidden rate, and all ratios to a hidden reference."""
    hidden = _is_hidden(out)
    reference = out["reference"].to_numpy(dtype=bool)
    lost = np.full(len(out), True) if (hidden & reference).any() else hidden
    for name in RATIOS:
        write_mark(out, name, lost & out[name].notna().to_numpy(), HIDDEN)
    return out


def hide_product(out: pd.DataFrame) -> pd.DataFrame:
    """Hide what would give a hidden factor, or a hidden product, away."""
    hidden = _is_hidden(out)
    product = (out["measure"] == PRODUCT).to_numpy()
    if not hidden.any():
        return out
    more = product.copy()
    if not (hidden & ~product).any():
        more |= (out["measure"] == "not_back").to_numpy()
    # Those kept are all whose return is looked at, a number of its own: beside them their base would give the relapses.
    kept = (out["measure"] == "kept").to_numpy() & are_marks(out["events"])
    write_mark(out, "n", kept & ~are_marks(out["n"]), HIDDEN)
    for name in LIMITS:
        write_mark(out, name, more & out[name].notna().to_numpy(), HIDDEN)
    write_mark(out, "events", more & ~are_marks(out["events"]), HIDDEN)
    return out


def hide_partners(out: pd.DataFrame) -> pd.DataFrame:
    """Hide both parts, outside and inside maintenance care, where one of them is hidden."""
    hidden, keys = _is_hidden(out), list(zip(out["outcome"], out["horizon_days"], strict=True))
    lost = {key for key, is_hidden in zip(keys, hidden, strict=True) if is_hidden}
    both = np.array([key in lost for key in keys], bool)
    for name in LIMITS:
        write_mark(out, name, both & out[name].notna().to_numpy(), HIDDEN)
    write_mark(out, "events", both & ~are_marks(out["events"]), HIDDEN)
    small = {outcome for outcome, is_mark in zip(out["outcome"], are_marks(out["n"]), strict=True) if is_mark}
    write_mark(out, "n", out["outcome"].isin(small).to_numpy() & ~are_marks(out["n"]), HIDDEN)
    return out


def protect_levels(table: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Protect adjusted shares by level: the levels of one factor split its patients, and their returns, into parts."""
    out = table.copy()
    n, events = table["n"].to_numpy(dtype=np.int64), table["events"].to_numpy(dtype=np.int64)
    for _, rows in table.reset_index(drop=True).groupby("factor", sort=False).groups.items():
        at = np.asarray(rows, dtype=np.intp)
        lost_n = at[_cover(n[at], floor)]
        lost = np.union1d(np.union1d(at[_cover(events[at], floor)], at[_cover(n[at] - events[at], floor)]), lost_n)
        for name in OF_LEVELS:
            write_mark(out, name, _at(out, lost) & out[name].notna().to_numpy(), HIDDEN)
        for name, counts, which in (("events", events, lost), ("n", n, lost_n)):
            small = _at(out, which) & (counts > 0) & (counts < floor)
            write_mark(out, name, _at(out, which) & ~small, HIDDEN)
            write_mark(out, name, small, small_mark(floor))
            if which.size > 1:
                # They add up: with one mark for all, 0 and what is not small cover what is.
                cover = at if not ((counts[which] == 0) | (counts[which] >= floor)).any() else which
                write_mark(out, name, _at(out, cover), HIDDEN)
                if cover is at:
                    for limit in OF_LEVELS:
                        write_mark(out, limit, _at(out, at) & out[limit].notna().to_numpy(), HIDDEN)
    return out


def protect_arms(table: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Protect a comparison of two arms: a small arm, its small number of returns, or of those who did not return."""
    out = table.copy()
    counts = {name: read_numbers(table[name]) for name in ("n_with", "n_without", "events_with", "events_without")}
    small = {name: (values > 0) & (values < floor) for name, values in counts.items()}
    rest = [counts[f"n_{arm}"] - counts[f"events_{arm}"] for arm in ("with", "without")]
    lost_n = small["n_with"] | small["n_without"]
    lost = lost_n | small["events_with"] | small["events_without"]
    all_rest = read_numbers(table["n"]) - read_numbers(table["events"])
    for left in (*rest, all_rest):
        lost = lost | ((left > 0) & (left < floor))
    for name in OF_ARMS:
        write_mark(out, name, lost & out[name].notna().to_numpy(), HIDDEN)
    for name, values in counts.items():
        where = lost_n if name.startswith("n_") else lost
        write_mark(out, name, where & ~small[name] & np.isfinite(values), HIDDEN)
        write_mark(out, name, small[name], small_mark(floor))
    for name in ("n", "events"):
        values = read_numbers(table[name])
        write_mark(out, name, (values > 0) & (values < floor), small_mark(floor))
    write_mark(out, "events", (all_rest > 0) & (all_rest < floor) & ~are_marks(out["events"]), HIDDEN)
    near = _find_near(table, floor)
    for name in (*counts, "n", "events"):
        write_mark(out, name, near & ~are_marks(out[name]), HIDDEN)
    # Both arms add up to the row: which of them is small is not told.
    level_marks(out, tuple(counts))
    return out


def _find_near(table: pd.DataFrame, floor: int) -> Flags:
    """Rows whose counts are those of an earlier row less, or more, a few: same landmark, and one restriction more."""
    names = ["n_with", "n_without", "events_with", "events_without"]
    counts = table[names].to_numpy(dtype=float)
    groups = table[["analysis", "landmark_days"]].astype(str).agg(" ".join, axis=1).to_numpy()
    nested = np.zeros((len(table), len(table)), bool)
    for name in ("exercise", "maintenance"):
        values = table[name].astype(str).to_numpy()
        nested |= values[:, None] == values[None, :]
    apart = np.abs(counts[:, None, :] - counts[None, :, :])
    near = ((apart > 0) & (apart < floor)).any(axis=2) & (groups[:, None] == groups[None, :]) & nested
    return np.tril(near, -1).any(axis=1)


def hide_balance(balance: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Hide how far the arms differ where the main comparison (the first row) is hidden, and digits that tell counts."""
    out = balance.copy()
    telling = ~out["is_adjusted"].to_numpy(dtype=bool) | (out["column"] == HABIT).to_numpy(dtype=bool)
    for name in BALANCE:
        out[name] = np.where(telling, np.round(out[name].to_numpy(dtype=np.float64), 2), out[name])
    if len(table) and isinstance(table["estimate"].tolist()[0], str):
        for name in BALANCE:
            write_mark(out, name, out[name].notna().to_numpy(), HIDDEN)
    return out


def hide_arms(summary: dict[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    """Hide the sizes of both arms in a summary where the main comparison (the first row) hides one."""
    arms = [name for name in ("n_with", "n_without") if name in summary]
    if not len(table) or not any(isinstance(table[name].tolist()[0], str) for name in arms):
        return summary
    return summary | {name: table[name].tolist()[0] for name in arms}


def _cover(parts: NDArray[np.int64], floor: int) -> NDArray[np.intp]:
    """The small parts of a total and the smallest others that must be hidden with them."""
    small, extra = find_cover(parts.tolist(), floor)
    return np.array(sorted(small + extra), dtype=np.intp)


def _at(out: pd.DataFrame, rows: NDArray[np.intp]) -> Flags:
    mask = np.zeros(len(out), bool)
    mask[rows] = True
    return mask


def _is_hidden(out: pd.DataFrame) -> Flags:
    return are_marks(out["n"]) | are_marks(out["events"]) | are_marks(out["estimate"])
