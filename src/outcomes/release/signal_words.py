"""Words for what a control chart signals: since when, for better or worse, whether it is new, and why some is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from outcomes.questions.quarter_verdicts import RECORDED
from outcomes.release.sentences import NotShowable, Tables, cell, format_signed_points, look_up
from outcomes.release.words import lower_first, quarter_words

if TYPE_CHECKING:
    import pandas as pd

CHART, VERDICTS, CHANGES = "quarter_review_chart", "quarter_review_verdicts", "quarter_review_changes"
SIGNAL, NO_SIGNAL = "signal", "no signal"
"""What stands in place of the tag "signal / no signal" where it is known which of the two it is."""
LEAST = {"two_of_three": 2, "shift": 7, "trend": 7}
"""Marked quarters in a row after which a rule has signalled; one beyond the limits signals at once."""
WORDS = {"improvement": "for the better", "concern": "for the worse", "change": "neither for better nor for worse"}
MOVED = "not called better or worse, since recording changed too"
OF_RECORDING = "it is about recording, not about patients"
ONE_AGAINST_ONE = " That is one quarter against one other and is not called a change: the charts decide, and "
NONE, NO_LIMITS = "its chart gives no signal.", "its chart has no limits yet."


def run_of_signals(tables: Tables, row: Mapping[Any, Any]) -> pd.DataFrame | None:
    """The quarters up to that of a verdict that signal without a break in its direction; None where it does not."""
    chart = tables[CHART]
    own = (
        (chart["indicator"] == row["indicator"]) & (chart["basis"] == "recorded") & (chart["quarter"] <= row["quarter"])
    )
    part = chart[own].sort_values("quarter")
    if part.empty or not part["signal"].iloc[-1]:
        return None
    same = (part["signal"] != "") & (part["direction"] == part["direction"].iloc[-1])
    return part[same[::-1].cumprod()[::-1].astype(bool)]


def say_since(tables: Tables, row: Mapping[Any, Any]) -> str:
    """Say since when an indicator signals, where that is an earlier quarter than the one judged."""
    run = run_of_signals(tables, row)
    return "" if run is None or len(run) < 2 else f", signalling since the {quarter_words(str(run['quarter'].iloc[0]))}"


def say_direction(row: Mapping[Any, Any]) -> str:
    """Say whether a signal is for the better or the worse or neither, and that it is about recording where it is."""
    said = MOVED if bool(row["recording_changed"]) else WORDS.get(row["word"], "")
    return "; ".join(filter(None, (said, OF_RECORDING if row["indicator"] == RECORDED else "")))


def is_news(tables: Tables, row: Mapping[Any, Any]) -> bool:
    """Whether the quarter judged is the first in which its chart signals so: the one before it had no signal yet."""
    run = run_of_signals(tables, row)
    if run is None:
        return True
    before = run["signal"].tolist()[:-1]
    return not ("outside" in before or any(len(before) >= LEAST.get(signal, 1) for signal in before))


def say_earlier_signals(tables: Tables, judged: pd.DataFrame) -> str:
    """Say which charts mark a quarter before the one judged, and the last such quarter; nothing where none does.

    The picture shows those marks: that nothing changes in the newest quarter must not read as said of all of them.
    """
    chart = tables[CHART]
    named = []
    for row in judged.to_dict("records"):
        own = (chart["indicator"] == row["indicator"]) & (chart["basis"] == "recorded") & (chart["signal"] != "")
        early = chart.loc[own & (chart["quarter"] < row["quarter"]), "quarter"]
        if not early.empty:
            named.append(f"{lower_first(str(row['label']))}, last in the {quarter_words(str(early.max()))}")
    return f" Earlier quarters signalled: {'; '.join(named)}." if named else ""


def say_why_no_change(tables: Tables, name: str) -> str:
    """Say why a difference whose interval leaves out 0 is not called a change; nothing where it is, or holds 0."""
    where = {"indicator": name, "against": "quarter before", "basis": "recorded"}
    try:
        ends = [
            format_signed_points(float(look_up(tables, cell(CHANGES, column, "signed", **where))))[0]
            for column in ("conf_low", "conf_high")
        ]
        signal, status = (
            str(look_up(tables, cell(VERDICTS, column, "text", indicator=name))) for column in ("signal", "status")
        )
    except NotShowable:
        return ""
    if signal or ends[0] != ends[1] or ends[0] == "0":
        return ""
    return ONE_AGAINST_ONE + (NO_LIMITS if status == "none" else NONE)
