"""The further tables of an invented review of the quarters, in the columns of the questions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from outcomes.estimators.charts import p_chart
from outcomes.questions import (
    quarter_changes,
    quarter_charts,
    quarter_expected,
    quarter_recording,
    quarter_verdicts,
    quarter_volume,
)

MONTHS = [f"{2024 + i // 12}-{i % 12 + 1:02}" for i in range(24)]
BREAK = ("2025Q3", "pain score made mandatory")


def build_more(table: pd.DataFrame, chosen: str) -> dict[str, pd.DataFrame]:
    """Return the tables beside an invented table of the quarters."""
    chart = pd.concat([_chart(part.reset_index(drop=True)) for _, part in table.groupby("indicator", sort=False)])
    return {
        "verdicts": _verdicts(table, chosen),
        "changes": _changes(table, chosen),
        "chart": chart[["quarter", *quarter_charts.COLUMNS]].reset_index(drop=True),
        "chart_months": pd.DataFrame([], columns=["month", *quarter_charts.COLUMNS]),
        "expected": _expected(),
        "cusum": pd.DataFrame([], columns=list(quarter_expected.CUSUM_COLUMNS)),
        "recording": pd.DataFrame([], columns=list(quarter_recording.COLUMNS)),
        "breaks": pd.DataFrame([BREAK], columns=["quarter", "reason"]),
        "volume": _volume(table),
    }


def _chart(part: pd.DataFrame) -> pd.DataFrame:
    n = part["n"].where(part["mature"]).astype(float)
    chart = p_chart((part["estimate"] * n).to_numpy(), n.to_numpy())
    lines = {name: getattr(chart, name) for name in ("centre", "low", "high", "near_low", "near_high")}
    words = {"signal": chart.signal, "side": chart.side, "direction": chart.direction, "status": chart.status}
    word = np.where(chart.direction > 0, "improvement", np.where(chart.direction < 0, "concern", ""))
    broken = np.where(part["quarter"] == BREAK[0], BREAK[1], "")
    return part.assign(basis="recorded", **lines, **words, word=word, recording_changed=False, break_reason=broken)


def _newest(table: pd.DataFrame, name: str, chosen: str) -> pd.Series:
    part = table[(table["indicator"] == name) & table["mature"] & (table["quarter"] <= chosen)]
    return part.sort_values("quarter").iloc[-1]


def _verdicts(table: pd.DataFrame, chosen: str) -> pd.DataFrame:
    rows = []
    for name in dict.fromkeys(table["indicator"]):
        row = _newest(table, name, chosen)
        first = not rows
        verdict = "signal: above the limits; look for a reason" if first else quarter_verdicts.INSIDE
        marks = ("outside", "improvement", "fixed", False, "outside") if first else ("", "", "fixed", False, "")
        brief = "above the limits" if first else "inside its limits"
        rows.append((name, row["label"], row["quarter"], *marks, brief, verdict))
    return pd.DataFrame(rows, columns=list(quarter_verdicts.COLUMNS))


def _changes(table: pd.DataFrame, chosen: str) -> pd.DataFrame:
    rows = []
    for name in dict.fromkeys(table["indicator"]):
        part = table[table["indicator"] == name].sort_values("quarter").reset_index(drop=True)
        now = _newest(table, name, chosen)
        for against, back in quarter_changes.AGAINST.items():
            before = part.iloc[part.index[part["quarter"] == now["quarter"]][0] - back]
            step = now["estimate"] - before["estimate"]
            for basis in quarter_changes.BASES:
                head = (name, now["label"], against, basis, now["quarter"], before["quarter"])
                values = (now["estimate"], before["estimate"], step, step - 0.07, step + 0.07)
                rows.append((*head, *values, now["n"], before["n"], 0.11, -0.11))
    return pd.DataFrame(rows, columns=list(quarter_changes.COLUMNS))


def _expected() -> pd.DataFrame:
    at = np.arange(len(MONTHS))
    reach = 40 * np.sqrt((at + 1) * (len(at) - at - 1)) / len(at)
    parts = []
    for name, label, height in (("relieved_by_28", "Relieved by day 28", 9.0), ("silent_stop", "Stopped", -30.0)):
        sums = height * np.sin(np.pi * (at + 1) / len(at))
        columns = {"n": 90, "events": 30, "difference": sums, "low": -reach, "high": reach}
        beyond = {"beyond": np.abs(sums) > reach + 1e-9, "p_value": 0.2}
        parts.append(pd.DataFrame({"indicator": name, "label": label, "month": MONTHS, **columns, **beyond}))
    return pd.concat(parts, ignore_index=True)[list(quarter_expected.COLUMNS)]


def _volume(table: pd.DataFrame) -> pd.DataFrame:
    part = table[table["indicator"] == "pain_recorded"].reset_index(drop=True)
    started = (part["n"] // 6).astype(float)
    columns = {"episodes_started": started, "patients": started - 9, "visits": part["n"].astype(float)}
    means = {"visits_per_episode": 6.3, "conf_low": 6.0, "conf_high": 6.6, "n": started.astype(int), "mature": True}
    return pd.DataFrame({"quarter": part["quarter"], **columns, **means})[list(quarter_volume.COLUMNS)]
