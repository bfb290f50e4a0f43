"""E13: how did the quarters go? Six indicators, fixed in advance, by the quarter in which episodes started.

By start, not by end: among episodes that ended lately the quick ones are too many, and the newest quarter would always
look best. For the same reason a quarter gets a value only once all of its episodes are old enough to tell:
**a quarter is mature for an indicator when its last day is no later than data cut - horizon - 14 days.** An immature
quarter is listed with its counts so far and no value. The data cut is the latest of the clinics' (that of the clinic,
where one is reviewed); an episode of a clinic whose data end earlier is left out where its own data cut makes it too
young. A share by a day is given only where enough episodes of the quarter were still observed then (`curve_stop`, as
for the curves). The series ends with the quarter of the data cut.

Two neighbouring quarters always differ. Whether anything is called a change is for the control charts alone; the
differences beside them say how large one is and what could have been seen.

The parts: the indicators `quarter_indicators`; their values, case mix and expected numbers `quarter_values`;
differences `quarter_changes`; charts `quarter_charts`; recording `quarter_recording`; sums over time
`quarter_expected`; what may be said `quarter_verdicts`; volume `quarter_volume`; shifted dates `quarter_dates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.cases.subset import name_clinics
from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.questions import recurrence, relief, results, return_lines
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.quarter_changes import compare_quarters
from outcomes.questions.quarter_charts import Breaks, chart_indicators, chart_months, chart_table
from outcomes.questions.quarter_dates import check_dates
from outcomes.questions.quarter_expected import begin_at_break, sum_over_months, watch_newest
from outcomes.questions.quarter_indicators import LAG_DAYS, RETURN_DAYS, Indicator, build_indicators
from outcomes.questions.quarter_recording import Recording, find_jumps
from outcomes.questions.quarter_values import Scope, Series, begin_months, review_indicator
from outcomes.questions.quarter_verdicts import LOOK_AT_RECORDING, give_verdicts
from outcomes.questions.quarter_volume import NO_VISITS_LATELY, count_volume, find_ended_clinics, find_late_clinics
from outcomes.questions.quarters import QUARTERS, quarter_end, quarter_number, quarter_word, read_quarter
from outcomes.questions.unknown_treatments import find_unknown_quarters, note_unknown
from outcomes.records.counted import joined

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

COLUMNS = (
    *("quarter", "indicator", "label", "unit", "estimate", "conf_low", "conf_high", "n", "events", "mature"),
    *("effective_n", "standardised", "std_conf_low", "std_conf_high"),
    *("expected", "observed_minus_expected", "observed_to_expected"),
)


@dataclass(frozen=True, repr=False)
class QuarterReview(CaseAnswer):
    """Indicators by quarter.

    Attributes
    ----------
    table : DataFrame
        ``quarter, indicator, label, unit, estimate, conf_low, conf_high, n, events, mature``: every quarter from the
        first visits to the data cut, every indicator; for immature quarters `n` and `events` are counts so far. Then
        ``effective_n`` (independent rows that would know as much), ``standardised, std_conf_low, std_conf_high`` (to
        the case mix of all mature quarters), ``expected, observed_minus_expected`` (in rows) and
        ``observed_to_expected``.
    quarter : str
        The quarter reviewed, ``"2026Q3"``.
    summary : dict
        ``quarter, clinic`` (``""`` for all), ``data_cut`` (ISO date), ``last_mature`` (indicator -> quarter or
        ``""``), ``verdict`` (indicator -> words), and each verdict again as ``verdict_<indicator>``.
    more : dict of DataFrame
        ``verdicts``, ``changes``, ``chart``, ``chart_months``, ``expected`` (VLAD), ``cusum``, ``recording``,
        ``breaks`` and ``volume``; their columns stand in the modules that make them.
    """

    table: pd.DataFrame
    quarter: str
    more: dict[str, pd.DataFrame]


def review_quarter(episodes: Episodes, quarter: str | None = None, clinic: str | None = None) -> QuarterReview:
    """Estimate the indicators of every quarter, chart them, and choose the quarter to review.

    Parameters
    ----------
    episodes : Episodes
    quarter : str, optional
        ``"2026Q3"``. When not given, the last quarter that is mature for relief by the primary day and in which an
        episode started.
    clinic : str, optional
        Review one clinic, by its pseudonym in the export; all clinics together when not given. An episode belongs to
        the clinic of its first visit.

    Raises
    ------
    InputRefused
        E657 no episodes object; E658 a quarter written in another way; E841 no such clinic, or an export without
        clinics.
    NotEstimable
        The export has day numbers, its dates were shifted, no quarter is mature yet, or there is no such quarter.
    """
    results.check_episodes(episodes)
    if not episodes.has_calendar:
        raise NotEstimable(
            "Quarters cannot be reviewed: this export has day numbers counted from each patient's first visit, so the "
            "calendar is unknown. Ask for an export with visit dates. Relief needs no calendar; return after relief "
            "needs observed_until_day under [dates] in the mapping."
        )
    if not episodes.n:
        raise NotEstimable("Quarters cannot be reviewed: there are no episodes. The ledger says why.")
    check_dates(episodes)
    asked = None if quarter is None else read_quarter(quarter)
    scope, notes = _find_scope(episodes, clinic)
    if asked is not None and asked not in scope.shown:
        known = ", ".join(quarter_word(number) for number in scope.shown)
        raise NotEstimable(f"There is no quarter {quarter_word(asked)} in these records. There are: {known}.")
    indicators = build_indicators(episodes)
    mature = [q for q in scope.shown if scope.is_mature(indicators[0], quarter_end(q))]
    chosen = asked if asked is not None else _choose(mature, episodes, scope)
    series = tuple(review_indicator(episodes, one, scope, QUARTERS) for one in indicators)
    return _result(episodes, series, scope, chosen, notes)


def _find_scope(episodes: Episodes, clinic: str | None) -> tuple[Scope, list[str]]:
    """Find which rows and quarters are reviewed, and what must be said of the first ones."""
    code = _find_clinic(episodes, clinic)
    columns, visits = episodes.columns, episodes.visits.columns
    own = np.ones(episodes.n, dtype=bool) if code < 0 else columns["clinic"] == code
    own_visit = np.ones(visits["day"].size, dtype=bool) if code < 0 else visits["clinic"] == code
    if not own.any():
        raise NotEstimable("Quarters of this clinic cannot be reviewed: no episode started there.")
    least = episodes.protocol.reporting_floor.proportion_min_n
    numbers = quarter_number(visits["day"][own_visit])
    earliest = int(numbers.min())
    cut = int(columns["observable_until_day"][own].max())
    shown = _quarters_to(cut, earliest + results.first_shown(numbers - earliest, least))
    notes = [results.early_note(least, quarter_word(shown[0]))] if shown[0] > earliest else []
    return Scope(code, "" if clinic is None else clinic, cut, shown), notes


def _find_clinic(episodes: Episodes, clinic: str | None) -> int:
    if clinic is None:
        return -1
    names = [str(word) for word in episodes.visits.words.codes.get("clinic", ())]
    if clinic in names and "clinic" in episodes.columns:
        return names.index(clinic)
    remedy = name_clinics(str(clinic), names) if names else ""
    what = "is no clinic of these records." if names else "is asked for, but this export records no clinics."
    raise InputRefused("The quarter cannot be reviewed.", [Finding("E841", what, f"clinic {clinic}", remedy)])


def _quarters_to(cut: int, first: int) -> range:
    shown = range(first, int(quarter_number(np.array([cut]))[0]) + 1)
    if not shown:
        raise NotEstimable(
            f"No quarter can be reviewed: the data cut ({np.datetime64(cut, 'D')}) lies before the first quarter with "
            "enough visits. Check data_cut under [dates] in the mapping."
        )
    return shown


def _choose(mature: list[int], episodes: Episodes, scope: Scope) -> int:
    """The last mature quarter in which an episode started: an empty one has nothing to review."""
    columns = episodes.columns
    own = columns["index_day"] if scope.clinic < 0 else columns["index_day"][columns["clinic"] == scope.clinic]
    started = set(quarter_number(own).tolist())
    if filled := [number for number in mature if number in started]:
        return filled[-1]
    days = episodes.protocol.horizons_days.primary + LAG_DAYS
    raise NotEstimable(
        f"No quarter can be reviewed yet: the first one in which an episode started must lie {days} days before the "
        f"data cut ({np.datetime64(scope.cut, 'D')}) with its last day."
    )


def _result(
    episodes: Episodes, series: tuple[Series, ...], scope: Scope, chosen: int, notes: list[str]
) -> QuarterReview:
    protocol, recorded = episodes.protocol, series[-1].indicator
    breaks = Breaks.of(protocol)
    recording = find_jumps(episodes, recorded, scope, frozenset(breaks.reason))
    charts = chart_indicators(series, breaks, protocol)
    verdicts = give_verdicts(charts, recording, chosen)
    monthly = [begin_months(one, scope, protocol.reporting_floor.suppress_cell_below) for one in series]
    begun = [begin_at_break(one, breaks.reason) for one, _ in monthly]
    summed = tuple(one for one, _ in begun)
    cusum, why = watch_newest(summed[_place(series, "silent_stop")], protocol, recording)
    names = (series[0].indicator.name, "silent_stop")
    said = dict(zip(verdicts["indicator"], verdicts["verdict"], strict=True))
    return QuarterReview(
        table=_table(series),
        quarter=quarter_word(chosen),
        summary={
            "quarter": quarter_word(chosen),
            "clinic": scope.name,
            "data_cut": str(np.datetime64(scope.cut, "D")),
            "last_mature": {one.indicator.name: _last_mature(one.indicator, scope) for one in series},
            "verdict": said,
            **{f"verdict_{name}": words for name, words in said.items()},
        },
        settings=_settings(episodes),
        ledger=episodes.ledger,
        notes=(
            *_standing_notes(episodes, recording, breaks, scope, why),
            *dict.fromkeys(words for one, words in begun if words and one.indicator.name in names),
            *notes,
            *_note_late_clinics(episodes, scope, breaks),
            *_note_ended_clinics(episodes, scope),
            *note_unknown([number for number in find_unknown_quarters(episodes) if number in scope.shown]),
            *_series_notes(series),
        ),
        more={
            "verdicts": verdicts,
            "changes": compare_quarters(series, chosen, protocol.inference.level),
            "chart": chart_table(charts, recording, breaks),
            "chart_months": chart_months(monthly, breaks, recording, protocol),
            "expected": sum_over_months(summed, names, protocol),
            "cusum": cusum,
            "recording": recording.table(),
            "breaks": _break_table(breaks),
            "volume": count_volume(episodes, scope),
        },
    )


def _place(series: Sequence[Series], name: str) -> int:
    return next(i for i, one in enumerate(series) if one.indicator.name == name)


def _last_mature(indicator: Indicator, scope: Scope) -> str:
    found = [number for number in scope.shown if scope.is_mature(indicator, quarter_end(number))]
    return quarter_word(found[-1]) if found else ""


def _table(series: Sequence[Series]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for one in series:
        indicator = one.indicator
        for value in one.values:
            plain, mixed = value.plain, value.standardised
            counts = (plain.estimate, plain.conf_low, plain.conf_high, value.n, value.events, value.mature)
            standard = (plain.effective_n, mixed.estimate, mixed.conf_low, mixed.conf_high)
            less = value.observed - value.expected
            ratio = value.observed / value.expected if value.expected > 0 else float("nan")
            head = (quarter_word(value.number), indicator.name, indicator.label, indicator.unit)
            rows.append((*head, *counts, *standard, value.expected, less, ratio))
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("quarter", kind="stable", ignore_index=True)


def _break_table(breaks: Breaks) -> pd.DataFrame:
    import pandas as pd

    rows = [(quarter_word(number), reason) for number, reason in breaks.reason.items()]
    return pd.DataFrame(rows, columns=["quarter", "reason"])


def _settings(episodes: Episodes) -> dict[str, Any]:
    from outcomes.cases.timeline import default_relief_rule

    protocol = episodes.protocol
    days = protocol.horizons_days
    return results.make_settings(
        episodes,
        question="quarter review",
        definition="episodes by the quarter they started in; relief: "
        f"{relief.describe_rule(default_relief_rule(protocol), protocol)}; "
        f"resolved: {relief.describe_rule('resolved', protocol)}; return: {recurrence.describe_return(protocol)}",
        index="start of the episode; pain_recorded by the day of the visit",
        maturity=f"last day of the quarter <= data cut - horizon - {LAG_DAYS} days",
        estimator=f"relieved_by_{days.primary}, resolved_by_{days.rmst}: {relief.ESTIMATOR}; "
        f"returned_by_{RETURN_DAYS}: {return_lines.ESTIMATOR}; "
        "silent_stop, active_before_landmark, pain_recorded: Wilson interval on the effective number",
        standardised="first pain x duration x region as in all mature quarters, by post-stratification; limits on the "
        "effective number (curves by Kish's factor)",
        charts=f"p-chart (shares) and XmR (curves), four NHS rules; limits on the first "
        f"{protocol.reporting_floor.spc_points} points, trial limits from "
        f"{protocol.reporting_floor.spc_trial_points}; breaks: {', '.join(protocol.spc.breaks) or 'none documented'}",
    )


def _standing_notes(episodes: Episodes, recording: Recording, breaks: Breaks, scope: Scope, no_cusum: str) -> list[str]:
    landmark = episodes.protocol.recurrence.landmark_days
    notes = ["Neighbouring quarters always differ; only a signal of the control chart is called a change."]
    changed: dict[int, list[str]] = {}
    for number, clinic in recording.jumps:
        if number not in breaks.reason:
            changed.setdefault(number, []).append(clinic)
    for number, clinics in changed.items():
        named = sorted(filter(None, clinics))
        where = f" at {joined(named)}" if named else ""
        notes.append(
            f"Recording of pain scores changed{where} in {quarter_word(number)}. Where an indicator moves about then: "
            f"{LOOK_AT_RECORDING.split('; ')[1]}. If the reason is known, write it under [spc] breaks in the protocol."
        )
    for number in (number for number in breaks.reason if number not in scope.shown):
        notes.append(
            f"The documented break {quarter_word(number)} lies outside the quarters listed and changes nothing."
        )
    notes.append(
        f"Returns count from {landmark} days after relief; a stop is one while not relieved at the last score; visits "
        "per episode leave out maintenance."
    )
    if not episodes.columns["is_inception"].all():
        notes.append(
            "Episodes of care started count those of the washout too; some of these were under way before the records "
            "begin. No indicator counts them."
        )
    return [*notes, *((no_cusum,) if no_cusum else ())]


def _note_late_clinics(episodes: Episodes, scope: Scope, breaks: Breaks) -> list[str]:
    """Say which clinics are not in the first quarters: what moves when one joins may be who is counted."""
    late = {name: number for name, number in find_late_clinics(episodes, scope).items() if number not in breaks.reason}
    if not late:
        return []
    named = ", ".join(f"{name} from {quarter_word(number)} on" for name, number in late.items())
    return [
        f"Not all clinics are in all quarters: {named} (new episodes once the washout is over). Where an indicator "
        "moves after that, the clinic may be all that changed. Review clinics one by one, or write the quarter under "
        "[spc] breaks in the protocol."
    ]


def _note_ended_clinics(episodes: Episodes, scope: Scope) -> list[str]:
    """Say which clinics are not in the last quarters: closed, merged into another, or missing from the export."""
    ended, still = find_ended_clinics(episodes, scope)
    if not still:  # all ended long before a declared data cut, which a note of the visits says
        return []
    lately, before = dict[int, list[str]](), dict[int, list[str]]()
    for name, number in ended.items():
        (lately if number + 1 >= scope.shown[-1] else before).setdefault(number, []).append(name)
    notes = []
    if sum(map(len, lately.values())) > len(still):
        notes.append(
            f"{NO_VISITS_LATELY} most clinics; the last visits are those of {joined(still)}. Are dates there wrong, or "
            "is the export of the others not whole?"
        )
    elif lately:
        missing = "Where a clinic is still at work, its newest visits are missing from the export."
        notes.append(f"{NO_VISITS_LATELY} {_by_quarter(lately)}. {missing}")
    if before:
        notes.append(f"Without visits for longer: {_by_quarter(before)}.")
    return notes


def _by_quarter(named: dict[int, list[str]]) -> str:
    return "; ".join(f"{joined(names)} after {quarter_word(number)}" for number, names in sorted(named.items()))


def _series_notes(series: Sequence[Series]) -> list[str]:
    """Notes by quarter, then by indicator; what quarters or indicators have in common is said once."""
    quarters: dict[tuple[str, str], list[int]] = {}
    for one in series:
        for number, why in one.unvalued:
            quarters.setdefault((one.indicator.label.lower(), why), []).append(number)
    without = [
        f"No value is given in {', '.join(map(quarter_word, numbers))}, with {why}: {'; '.join(labels)}."
        for (numbers, why), labels in _group((label, why, tuple(at)) for (label, why), at in quarters.items()).items()
    ]
    short = _group((one.indicator.label.lower(), "", one.left_out) for one in series if one.left_out)
    left_out = [
        f"In {', '.join(map(quarter_word, numbers))} episodes of clinics whose data end earlier are left out: "
        f"{'; '.join(labels)}."
        for (numbers, _), labels in short.items()
    ]
    return [*without, *left_out, *sorted((n for one in series for n in one.notes), key=lambda note: note.split(",")[0])]


def _group(lines: Iterable[tuple[str, str, tuple[int, ...]]]) -> dict[tuple[tuple[int, ...], str], list[str]]:
    """Return the labels that share their quarters and a reason."""
    labels: dict[tuple[tuple[int, ...], str], list[str]] = {}
    for label, why, numbers in lines:
        labels.setdefault((numbers, why), []).append(label)
    return labels
