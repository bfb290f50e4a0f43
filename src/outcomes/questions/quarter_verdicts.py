"""What may be said of the quarter reviewed, in the words of the page: the charts decide, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from outcomes.questions.quarter_changes import BASES, newest_up_to
from outcomes.questions.quarter_charts import REACH, STATUS_WORDS, Charted, changed_recording, signal_word
from outcomes.questions.quarter_recording import Recording
from outcomes.questions.quarters import quarter_word

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("indicator", "label", "quarter", "signal", "word", "status", "recording_changed", "signal_standardised"),
    *("brief", "verdict"),
)
INSIDE = "inside the limits: no evidence of a change"
TOO_FEW = "too few quarters for limits"
NO_VALUE, TOO_SMALL = "no quarter can be judged yet", "no quarter has enough episodes to be judged"
NO_PAIN = "no pain score before treatment is on record"
"""Of all indicators but the recording of scores: waiting for more episodes would not help."""
RECORDED = "pain_recorded"
LOOK_AT_RECORDING = "recording changed at the same time; look at recording first"
SINCE = "recording changed since the limits were set; look at recording first"
_SIGNALS = {
    ("outside", 1): "above the limits",
    ("outside", -1): "below the limits",
    ("trend", 1): "7 quarters rising in a row",
    ("trend", -1): "7 quarters falling in a row",
    ("two_of_three", 1): "2 of 3 quarters close to the upper limit",
    ("two_of_three", -1): "2 of 3 quarters close to the lower limit",
    ("shift", 1): "7 quarters in a row above the mean",
    ("shift", -1): "7 quarters in a row below the mean",
}


def give_verdicts(charts: Sequence[Charted], recording: Recording, chosen: int) -> pd.DataFrame:
    """Say, of each indicator's newest quarter with a value up to the one chosen, what its chart says.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row an indicator. `verdict` is ``signal: ...``, `INSIDE`, `TOO_FEW`, `TOO_SMALL` (where later
        quarters have a value: that none up to the one chosen has enough episodes), `NO_VALUE` or `NO_PAIN`, with
        ``(trial limits)`` where fewer points than the protocol's fix the limits; `brief` is its first words: which
        rule signals, or where the point lies.
    """
    import pandas as pd

    rows = []
    why = NO_PAIN if _is_never_rated(charts) else ""
    for chart in charts:
        if chart.basis != BASES[0]:
            continue
        other = next((c for c in charts if c.series is chart.series and c.basis != BASES[0]), None)
        rows.append(
            (chart.series.indicator.name, chart.series.indicator.label, *_verdict(chart, other, recording, chosen, why))
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _is_never_rated(charts: Sequence[Charted]) -> bool:
    """Whether no visit of the export has a pain score, on which every indicator but one rests."""
    recorded = next((chart.series.indicator for chart in charts if chart.series.indicator.name == RECORDED), None)
    return recorded is not None and not recorded.event.any()


def _verdict(chart: Charted, other: Charted | None, recording: Recording, chosen: int, why: str) -> tuple[object, ...]:
    value = newest_up_to(chart.series, chosen)
    if value is None and why and chart.series.indicator.name != RECORDED:
        return "", "", "", "none", False, "", "", why
    if value is None:
        mature = any(one.mature and one.number <= chosen for one in chart.series.values)
        words = TOO_SMALL if mature else NO_VALUE
        if mature and any(one.plain.known for one in chart.series.values):  # a later quarter has a value
            words = f"no quarter up to {quarter_word(chosen)} has enough episodes to be judged"
        return "", "", "", "none", False, "", "", words
    number = value.number
    signal, direction = chart.signal(number)
    status, changed = chart.status(number), changed_recording(chart, number, recording)
    adjusted = "" if other is None else other.signal(number)[0]
    head = (quarter_word(number), signal, signal_word(chart, number, bool(changed)), status, bool(changed), adjusted)
    trial = f" ({STATUS_WORDS['trial']})" if status == "trial" else ""
    if status == "none":
        reason = chart.reason(number)
        return (*head, "no limits", TOO_FEW if "limits need" in reason else f"no limits: {reason.rstrip('.')}")
    if not signal:
        return (*head, "inside its trial limits" if trial else "inside its limits", INSIDE + trial)
    brief = say_signal(signal, direction)
    words = f"signal: {brief}{trial}"
    if changed:
        near = recording.near(number, REACH[signal])
        return (*head, brief, f"{words}; {LOOK_AT_RECORDING if near else SINCE}{_where(changed)}")
    if not chart.series.indicator.is_mix and (jumps := recording.near(number, REACH["shift"])):
        return (*head, brief, f"{words}; it jumped{_where(jumps)}: look for the reason there")
    if other is not None:
        words += "; the same kind of chart with case mix evened out " + ("agrees" if adjusted else "shows none")
    return (*head, brief, f"{words}; look for a reason")


def say_signal(signal: str, direction: int) -> str:
    """Return a rule of the chart in words."""
    return _SIGNALS.get((signal, direction), signal.replace("_", " "))


def _where(jumps: tuple[tuple[int, str], ...]) -> str:
    named = ", ".join(" ".join(filter(None, (clinic, quarter_word(number)))) for number, clinic in jumps)
    return f" ({named})"
