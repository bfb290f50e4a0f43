"""Small numbers in the review of the quarters: one rule for tables that are parts and sums of one another.

A quarter's value that is hidden (`disclosure.protect_table`) must not come back from elsewhere:

==================  ================================================================================================
table               what is hidden beside the value itself
==================  ================================================================================================
``table``           standardised value and effective number of that quarter; the expected numbers of all quarters of
                    the indicator, because observed and expected agree over all of them
``chart``           all lines of the indicator's charts: their centre is made of the values; with them every signal
``verdicts``        what the lines say: nothing is judged by lines that nobody can see; likewise in the summary
``changes``         a difference with that quarter on either side
``chart_months``    an indicator with a small month has no chart by months: months add up to quarters
``expected, cusum`` likewise
``recording``       a quarter in which any clinic is small, or the visits of clinics left out are, is hidden for all
                    clinics: they add up to the whole; so are then all differences
``volume``          patients where few of them started twice; with a quarter of few episodes others, because the
                    quarters add up to all episodes; visits hidden here are hidden in completeness too
==================  ================================================================================================
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.release.marks import HIDDEN, are_marks, mark_counts, write_mark
from outcomes.release.table_disclosure import find_cover, protect_table

if TYPE_CHECKING:
    import pandas as pd

RECORDED = "pain_recorded"
"""The indicator that counts the visits of a quarter by their own date, as the volume does."""
BESIDE = ("effective_n", "standardised", "std_conf_low", "std_conf_high")
EXPECTED = ("expected", "observed_minus_expected", "observed_to_expected")
LINES = ("centre", "low", "high", "near_low", "near_high")
DIFFERENCES = ("estimate", "conf_low", "conf_high", "detectable_up", "detectable_down")
SIGNALS: dict[str, Any] = {"signal": "", "side": 0, "direction": 0, "word": "", "signal_standardised": ""}
"""What a chart says without lines."""
UNSEEN = "its chart has no lines, for a small number could be worked out from them"
NOT_JUDGED = {"status": "hidden", "brief": "cannot be judged: lines hidden", "verdict": f"cannot be judged: {UNSEEN}"}
Hidden = frozenset[tuple[str, str]]


def protect_review(result: Any, floor: int) -> Any:
    """Return a review of the quarters with small numbers hidden (rules: this module's docstring).

    Parameters
    ----------
    result : QuarterReview
    floor : int
        Smallest count that is shown, besides 0.
    """
    more = dict(result.more)
    more["volume"] = _protect_volume(more["volume"], floor)
    unseen = frozenset(more["volume"]["quarter"][are_marks(more["volume"]["visits"])])
    table = _hide_visits(protect_table(result.table, floor), unseen)
    gone = _find_hidden(table)
    few = {name for _, name in gone} | ({RECORDED} if unseen else set())
    rows = _rows(table, gone)
    for name in BESIDE:
        write_mark(table, name, rows & table[name].notna().to_numpy(), HIDDEN)
    of_few = table["indicator"].isin(few).to_numpy()
    for name in EXPECTED:
        write_mark(table, name, of_few & table[name].notna().to_numpy(), HIDDEN)
    small = _small_months(more["chart_months"], floor) | _small_months(more["expected"], floor) | few
    for name in ("chart_months", "expected", "cusum"):
        more[name] = more[name][~more[name]["indicator"].isin(small)].reset_index(drop=True)
    more["chart"] = _drop_signals(_hide_visits(_protect_chart(more["chart"], gone, few, floor), unseen), few)
    more["verdicts"] = _drop_verdicts(more["verdicts"], few)
    more["changes"] = _protect_changes(more["changes"], gone, floor)
    more["recording"] = _protect_recording(more["recording"], result.table, floor, unseen)
    return dataclasses.replace(result, table=table, more=more, summary=restate_verdicts(result.summary, more))


def restate_verdicts(summary: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of a review with the verdicts its tables have now: it repeats them, and is published too."""
    said = dict(zip(more["verdicts"]["indicator"], more["verdicts"]["verdict"], strict=True))
    out = {name: value for name, value in summary.items() if not name.startswith("verdict")}
    kept = {f"verdict_{name}": words for name, words in said.items() if f"verdict_{name}" in summary}
    return {**out, **({"verdict": said} if "verdict" in summary else {}), **kept}


def hide_lines(review: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the tables of a protected review; of what is hidden now nothing expected, no lines, signals and months.

    Differences, the limits of the charts and the expected numbers are made of the quarters' values: with one hidden
    later than the others (`hide_more`) they would give it back.
    """
    more, gone = dict(review.more), _find_hidden(review.table)
    few = {name for _, name in gone}
    table, of_few = review.table.copy(), review.table["indicator"].isin(few).to_numpy()
    for name in EXPECTED:
        _hide(table, name, of_few)
    chart = more["chart"].copy()
    for names, rows in ((LINES, chart["indicator"].isin(few).to_numpy()), (("estimate",), _rows(chart, gone))):
        for name in names:
            _hide(chart, name, rows)
    changes = more["changes"].copy()
    sides = {"value": _rows(changes, gone), "value_against": _rows(changes, gone, "quarter_against")}
    for name, rows in sides.items():
        _hide(changes, name, rows)
    for name in DIFFERENCES:
        _hide(changes, name, sides["value"] | sides["value_against"])
    months = {
        name: more[name][~more[name]["indicator"].isin(few)].reset_index(drop=True)
        for name in ("chart_months", "expected", "cusum")
    }
    judged = {"chart": _drop_signals(chart, few), "verdicts": _drop_verdicts(more["verdicts"], few)}
    return table, {**more, **months, **judged, "changes": changes}


def _drop_signals(table: pd.DataFrame, few: set[str]) -> pd.DataFrame:
    """A chart, or verdicts, without signals of the indicators whose lines are hidden."""
    out, rows = table.copy(), table["indicator"].isin(few)
    for name, empty in SIGNALS.items():
        if name in out and rows.any():
            out.loc[rows, name] = empty
    return out


def _drop_verdicts(table: pd.DataFrame, few: set[str]) -> pd.DataFrame:
    """Verdicts in which an indicator with hidden lines is not judged; one that had no lines keeps its reason."""
    few = few & set(table.loc[table["status"].isin(("fixed", "trial")), "indicator"])
    out, rows = _drop_signals(table, few), table["indicator"].isin(few)
    for name, words in NOT_JUDGED.items():
        if rows.any():
            out.loc[rows, name] = words
    return out


def _hide(table: pd.DataFrame, name: str, rows: np.ndarray[Any, Any]) -> None:
    write_mark(table, name, rows & ~are_marks(table[name]) & table[name].notna().to_numpy(), HIDDEN)


def _find_hidden(table: pd.DataFrame) -> Hidden:
    found = table[[value == HIDDEN for value in table["estimate"]]]
    return frozenset(zip(found["quarter"], found["indicator"], strict=True))


def _rows(table: pd.DataFrame, gone: Hidden, quarter: str = "quarter") -> np.ndarray[Any, Any]:
    return np.array([pair in gone for pair in zip(table[quarter], table["indicator"], strict=True)], dtype=bool)


def _small_months(months: pd.DataFrame, floor: int) -> set[str]:
    """Indicators of which a month holds a small number, or a small number without the event."""
    counts = (months["n"], months["events"], months["n"] - months["events"])
    small = np.zeros(len(months), dtype=bool)
    for count in counts:
        small |= ((count > 0) & (count < floor)).to_numpy()
    return set(months.loc[small, "indicator"])


def _protect_chart(chart: pd.DataFrame, gone: Hidden, few: set[str], floor: int) -> pd.DataFrame:
    out = protect_table(chart, floor)
    rows, lines = _rows(out, gone), out["indicator"].isin(few).to_numpy()
    write_mark(out, "estimate", rows & out["estimate"].notna().to_numpy(), HIDDEN)
    for name in LINES:
        write_mark(out, name, lines & out[name].notna().to_numpy(), HIDDEN)
    return out


def _protect_changes(changes: pd.DataFrame, gone: Hidden, floor: int) -> pd.DataFrame:
    out = protect_table(changes, floor)
    sides = {"value": _rows(out, gone), "value_against": _rows(out, gone, "quarter_against")}
    for name, rows in sides.items():
        write_mark(out, name, rows & out[name].notna().to_numpy(), HIDDEN)
    either = sides["value"] | sides["value_against"]
    for name in DIFFERENCES:
        write_mark(out, name, either & out[name].notna().to_numpy(), HIDDEN)
    return out


def _hide_visits(table: pd.DataFrame, quarters: frozenset[str]) -> pd.DataFrame:
    """Hide completeness in quarters whose number of visits is hidden: it is a share of the same visits."""
    out = table.copy()
    rows = (out["indicator"] == RECORDED).to_numpy() & out["quarter"].isin(quarters).to_numpy()
    for name in ("n", "events", "estimate", "conf_low", "conf_high"):
        if name in out:
            _hide(out, name, rows)
    return out


def _protect_recording(
    recording: pd.DataFrame, table: pd.DataFrame, floor: int, unseen: frozenset[str]
) -> pd.DataFrame:
    whole = table[table["indicator"] == RECORDED].set_index("quarter")
    listed = recording.groupby("quarter")[["n", "events"]].sum()
    rest = (whole.loc[listed.index, ["n", "events"]] - listed).assign(quarter=listed.index)
    parts = [(frame["quarter"], frame["n"], frame["events"]) for frame in (recording, rest)]
    gone: set[str] = set(recording["quarter"]) & unseen
    for quarter, n, events in parts:
        for count in (n, events, n - events):
            gone |= set(quarter[((count > 0) & (count < floor)).to_numpy()])
    out = recording.copy()
    rows = out["quarter"].isin(gone).to_numpy()
    for name in ("n", "events"):
        mark_counts(out, name, rows, floor)
    for name in ("estimate", "conf_low", "conf_high"):
        write_mark(out, name, rows & out[name].notna().to_numpy(), HIDDEN)
    for name in ("difference", "diff_conf_low", "diff_conf_high"):
        write_mark(out, name, out[name].notna().to_numpy() & bool(gone), HIDDEN)
    return out


def _protect_volume(volume: pd.DataFrame, floor: int) -> pd.DataFrame:
    out = protect_table(volume, floor)
    twice = volume["episodes_started"] - volume["patients"]
    write_mark(out, "patients", ((twice > 0) & (twice < floor)).to_numpy(), HIDDEN)
    few = ((volume["episodes_started"] > 0) & (volume["episodes_started"] < floor)).to_numpy()
    for name in ("episodes_started", "visits"):
        small, extra = find_cover(np.nan_to_num(volume[name].to_numpy(dtype=float)).astype(int).tolist(), floor)
        hidden = np.isin(np.arange(len(volume)), [*small, *extra])
        write_mark(out, name, hidden, HIDDEN)
        if name == "episodes_started":
            few = few | hidden
    write_mark(out, "patients", few & ~are_marks(out["patients"]), HIDDEN)
    for name in ("visits_per_episode", "conf_low", "conf_high"):
        rows = few | ((volume["n"] > 0) & (volume["n"] < floor)).to_numpy()
        write_mark(out, name, rows & out[name].notna().to_numpy(), HIDDEN)
    return out
