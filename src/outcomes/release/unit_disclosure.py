"""Small numbers in the comparison of units, in attendance and in what is missing: what the rows are to each other.

====================  ==============================================================================================
table                 what a reader could subtract
====================  ==============================================================================================
units                 units add up to all episodes and events; shares, reliability and limits follow from both
clinicians            those of a clinic add up to its row in the table of clinics, which has a table of its own
patients by band      the bands add up to all patients
steps                 who came for the next visit is `n` of the next row; who came soon is a part of who came
fates of a step       they add up to the episodes at the visit; those never rated are a part of one of them
by quarter            visits are nested: who came to the sixth had come to the fourth; 28 days lie within 90
missing by group      the groups of one kind add up to all episodes
====================  ==============================================================================================
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.questions.attendance import UNRATED
from outcomes.release.marks import HIDDEN, write_mark
from outcomes.release.split_counts import Flags, hide_split
from outcomes.release.table_disclosure import protect_parts, protect_scalar, protect_table
from outcomes.release.unit_counts import COUNTS, find_gone, write_counts

if TYPE_CHECKING:
    import pandas as pd

COVERED = "not shown: with it the small number of another could be worked out"
SHARES = ("estimate", "conf_low", "conf_high")
UNIT_EVENTS = (*SHARES, "observed", "difference", "z", "shrunken", "position")
UNIT_NUMBERS = (
    *("patients", "visits", "missing", "completeness", "expected", "size", "reliability"),
    *("low_95", "high_95", "low_998", "high_998", *UNIT_EVENTS),
)
AT_HIDDEN_CLINIC = "code shared by clinics, not shown"
OF_UNITS = ("n_units", "n_compared", "n_flagged", "n_contrasts", "n_moved")
"""Numbers of a summary that count no patients."""


def protect_units(result: Any, floor: int) -> Any:
    """Return a result of `compare_units` protected (rules: `unit_counts`)."""
    gone = find_gone(result.table, result.by == "clinician", floor)
    table = result.table.copy()
    write_counts(table, gone, floor)
    for names, of in ((UNIT_EVENTS, "events"), (("completeness",), "missing")):
        for name in names:
            write_mark(table, name, gone.counts[of] & table[name].notna().to_numpy(), HIDDEN)
    # Who came twice or more are the episodes less the patients.
    twice = _is_small((result.table["n"] - result.table["patients"]).to_numpy(dtype=float), floor)
    write_mark(table, "patients", twice & ~_are_marks(table["patients"]), HIDDEN)
    # That a number is none says how many episodes there are, too.
    for name in (name for name in UNIT_NUMBERS if name not in COUNTS):
        write_mark(table, name, gone.counts["n"], HIDDEN)
    write_mark(table, "clinic", gone.clinic, HIDDEN)
    table = _hide_names(hide_reasons(table), result.table["clinic"], gone.clinic)
    table = _hide_verdicts(table, gone.counts["n"])
    more = {**result.more, "patients": protect_parts(result.more["patients"], floor)}
    summary = protect_summary(recount(result.summary, table), floor)
    return dataclasses.replace(result, table=table, more=more, summary=summary)


def _hide_names(table: pd.DataFrame, clinic: pd.Series[Any], gone: Flags) -> pd.DataFrame:
    """Give clinicians whose name tells a hidden clinic (``1 at C02``) a number in its place, and put them last.

    Their codes are not told either: one that stands there twice says that two of the hidden clinics have it.
    """
    names = [str(name) for name in table["unit"]]
    told = [name.endswith(f" at {where}") for name, where in zip(names, clinic, strict=True)]
    hidden = np.flatnonzero(np.array(told, dtype=np.bool_) & gone)
    for number, row in enumerate(hidden.tolist(), start=1):
        names[row] = f"{AT_HIDDEN_CLINIC} {number}"
    out = table.assign(unit=names)
    return out.iloc[[*np.delete(np.arange(len(out)), hidden), *hidden]].reset_index(drop=True)


def hide_reasons(table: pd.DataFrame) -> pd.DataFrame:
    """Hide why a unit is not compared, and that it is, where its episodes are hidden: it says how many they are."""
    out, gone = table.copy(), table["n"].eq(HIDDEN).to_numpy()
    write_mark(out, "reason", gone, COVERED)
    return _hide_verdicts(out, gone)


def _hide_verdicts(table: pd.DataFrame, gone: Flags) -> pd.DataFrame:
    """Leave no unit compared whose episodes are hidden, nor flagged whose place in the funnel is: a flag tells it."""
    placed = table["position"].ne(HIDDEN).to_numpy(dtype=bool)
    compared, flagged = (table[name].to_numpy(dtype=bool) & ~gone for name in ("is_compared", "is_flagged"))
    return table.assign(is_compared=compared, is_flagged=flagged & placed)


def recount(summary: dict[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    """Return a summary of units with as many compared and flagged as the table says."""
    return summary | {f"n_{name}": int(table[f"is_{name}"].sum()) for name in ("compared", "flagged")}


def protect_attendance(result: Any, floor: int) -> Any:
    """Return a result of `describe_attendance` protected."""
    more = {
        **result.more,
        "left": _hide_fates(result.more["left"], floor),
        "by_quarter": _hide_nested(result.more["by_quarter"], floor),
    }
    summary = protect_summary(result.summary, floor)
    return dataclasses.replace(result, table=_hide_steps(result.table, floor), more=more, summary=summary)


def protect_missing(result: Any, floor: int) -> Any:
    """Return a result of `describe_missing` protected."""
    table = hide_split(result.table, ("fact", "by"), floor, ("estimate",))
    return dataclasses.replace(result, table=table, summary=protect_summary(result.summary, floor))


def protect_missing_covariates(result: Any, floor: int) -> Any:
    """Return a result of `check_missing_covariates` protected."""
    more = {**result.more, "facts": protect_table(result.more["facts"], floor)}
    return dataclasses.replace(result, more=more, summary=protect_summary(result.summary, floor))


def protect_summary(summary: dict[str, Any], floor: int) -> dict[str, Any]:
    """Hide small counts of episodes and patients; numbers of units are no such counts."""
    return {key: value if key in OF_UNITS else protect_scalar(key, value, floor) for key, value in summary.items()}


def _hide_fates(left: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Hide small fates; those never rated are a part of one of them, and hidden where they are nearly all of it too."""
    import pandas as pd

    raw = left.reset_index(drop=True)
    is_part = (raw["reason"] == UNRATED).to_numpy(dtype=bool)
    parts, inside = hide_split(raw[~is_part], ("visit",), floor, ("estimate",)), protect_table(raw[is_part], floor)
    whole = raw[raw["reason"] == "not_relieved"].set_index("visit")["events"]
    rest = whole.reindex(inside["visit"]).to_numpy(dtype=float) - raw.loc[is_part, "events"].to_numpy(dtype=float)
    _hide_row(inside, inside.index[_is_small(rest, floor)], ("events", "estimate"))
    parts.index = raw.index[~is_part]
    return pd.concat([parts, inside]).sort_index()


def _hide_steps(table: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Hide steps with few who came, or did not, and the row that would tell how many they were."""
    raw = table.reset_index(drop=True)
    out = protect_table(raw, floor)
    early = _is_small((raw["n"] - raw["told"]).to_numpy(dtype=float), floor)
    write_mark(out, "told", early & ~_are_marks(out["told"]), HIDDEN)
    for _, rows in raw.groupby("group", sort=False):
        for (visit, within), i in zip(rows[["visit", "within_days"]].itertuples(index=False), rows.index, strict=True):
            after = rows.index[rows["visit"] == visit + 1]
            late = rows.index[(rows["visit"] == visit) & (rows["within_days"] > within)]
            if isinstance(out["events"].iloc[i], str) and not len(late):
                _hide_row(out, after, ("n", "events", "told", "reach", *SHARES))
                _hide_row(out, rows.index[rows.index == i], ("reach",))
            for j in late:
                if _is_small(np.array([raw["events"].iloc[j] - raw["events"].iloc[i]]), floor)[0]:
                    # The share times n is the count, or close to it: few are censored within so few days.
                    _hide_row(out, rows.index[rows.index == i], ("events", *SHARES))
    return hide_products(out)


def hide_products(table: pd.DataFrame) -> pd.DataFrame:
    """Hide the share of all who came so far, a product of steps, from the first step on that is hidden."""
    out = table.reset_index(drop=True)
    for _, rows in out.groupby("group", sort=False):
        gone = False
        for i in rows.index[rows["reach"].notna()]:
            gone |= out["reach"].iloc[i] == HIDDEN or out["estimate"].iloc[i] == HIDDEN
            if gone:
                _hide_row(out, rows.index[rows.index == i], ("reach",))
    return out


def _hide_nested(table: pd.DataFrame, floor: int) -> pd.DataFrame:
    """Hide shares of a quarter that differ from the next one out by a few episodes."""
    raw = table.reset_index(drop=True)
    out = protect_table(raw, floor)
    for outer, inner in (("within_days", "visit"), ("visit", "within_days")):
        # Going to later visits, and to fewer days, the counts fall.
        ordered = raw.sort_values(["quarter", outer, inner], ascending=[True, True, inner == "visit"], kind="stable")
        for _, rows in ordered.groupby(["quarter", outer], sort=False):
            fall = -np.diff(rows["events"].to_numpy(dtype=float), prepend=np.nan)
            _hide_row(out, rows.index[_is_small(fall, floor)], ("events", *SHARES))
    return out


def _hide_row(table: pd.DataFrame, rows: Any, names: tuple[str, ...]) -> None:
    mask = table.index.isin(rows)
    for name in names:
        write_mark(table, name, mask & table[name].notna().to_numpy() & ~_are_marks(table[name]), HIDDEN)


def _are_marks(column: pd.Series[Any]) -> Flags:
    return np.array([isinstance(value, str) for value in column], dtype=np.bool_)


def _is_small(counts: np.ndarray[Any, np.dtype[np.float64]], floor: int) -> Flags:
    return np.asarray((counts > 0) & (counts < floor), dtype=np.bool_)
