"""What the questions share: groups, floors, the settings every result carries, and curves read at horizons."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes import __version__
from outcomes.cases.schema import EPISODE_COLUMNS, shown_name
from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.questions.bands import BANDS, find_bands
from outcomes.records.counted import joined

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.cases.visits import Visits
    from outcomes.definitions import Protocol

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

ALL = "all"
NOT_RECORDED = "not recorded"
MAX_GROUPS = 200
ALL_BUT_DUST = 1 - 1e-9
"""From here on a share is 1: a sum of masses may miss it by a rounding."""
MOST_LOST, LEAST_AT_RISK = 0.2, 10
"""For a curve to go on where few are at risk: share of all who may have left without the event, and how few. In
simulated practices whose patients nearly all had it, and of whom few left early, intervals of days that half of the
practices or more may state held the truth in 93 to 98 of 100 (``tests/simulation/test_relief_interval_coverage.py``);
with five at risk they did not."""

GROUP_COLUMNS = (
    "region",
    "stream",
    "clinic_id",
    "clinician_id",
    "cause",
    "trigger",
    "radiation",
    "paresthesia",
    "onset",
    "chronicity",
    "muscle_group",
    "previous_episodes",
    "age",
    "sex",
    "payer",
    "index_quarter",
    "opened_by",
    "episode_number",
    "baseline_nrs",
    "modalities_first",
    "concordance",
)
"""Columns of the episode table that groups may be formed by: fixed at the start of the episode or of its treatment."""
_KNOWN_LATER = (
    "is_closed",
    "end_reason",
    "has_maintenance",
    "last_date",
    "last_day",
    "n_measured",
    "n_visits",
    "status_last",
)
GROUP_NOTE = "Descriptive: the groups differ in more than this."
NO_CALENDAR_NOTE = (
    "This export has day numbers and no calendar: episodes already under way before the data begin cannot be told "
    "apart and are counted as new ones."
)

HORIZON_COLUMNS = ("group", "horizon_days", "estimate", "conf_low", "conf_high", "n", "events")


@dataclass(frozen=True, slots=True)
class DayCurve:
    """The share with the event by each day of one group.

    Attributes
    ----------
    group : str
    n : int
        Episodes of the group.
    estimate, conf_low, conf_high : ndarray, shape (days,)
        By the end of day 0, 1, 2, ...; NaN where the group is under the floor.
    at_risk, events : ndarray, shape (days,)
        Episodes neither with the event before nor out of sight before each day; events up to and including it.
    last_day : int
        Last day on which the share may be stated; -1 for none.
    daily : mapping
        Further columns of the day-by-day table: arrays of shape (days,), or one value for all days.
    """

    group: str
    n: int
    estimate: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    last_day: int
    daily: Mapping[str, FloatArray | str] = field(default_factory=dict)


def split_groups(episodes: Episodes, rows: IntArray, by: str | None) -> Iterator[tuple[str, IntArray]]:
    """Give each group's name and its positions in `rows`, sorted by name; missing values are a group of their own.

    Numbers are cut into the bands of `bands.BANDS`, in their order.

    Parameters
    ----------
    episodes : Episodes
    rows : ndarray of int, shape (n,)
        Episodes, as row numbers of the episode table.
    by : str or None
        One of `GROUP_COLUMNS`; None for one group of all.

    Raises
    ------
    InputRefused
        No such column, one that is known only later in the episode, or one with more values than a table can show.
    NotEstimable
        A known column this export does not fill.
    """
    if by is None:
        yield ALL, np.arange(rows.size)
        return
    names, codes = _group_codes(episodes, rows, by)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    yield from zip(names, np.split(order, ends[:-1]), strict=True)


def _group_codes(episodes: Episodes, rows: IntArray, by: str) -> tuple[list[str], IntArray]:
    table = episodes.table
    _check_column(by, [name for name in GROUP_COLUMNS if name in table.columns], episodes.has_calendar)
    values = _name_clinicians(episodes, rows) if by == "clinician_id" else table[by].iloc[rows]
    if by in BANDS:
        named, band = find_bands(by, values, NOT_RECORDED)
        used = np.unique(band)
        return [named[i] for i in used], np.searchsorted(used, band)
    texts = values.astype(object).where(values.notna(), NOT_RECORDED).map(str).replace("", NOT_RECORDED)
    names, codes = np.unique(texts.to_numpy(dtype=str), return_inverse=True)
    if names.size > MAX_GROUPS:
        finding = Finding("E652", f"has {names.size} values.", by, f"Choose a column with at most {MAX_GROUPS}.")
        raise InputRefused("Groups cannot be formed.", [finding])
    return [str(name) for name in names], codes


def _name_clinicians(episodes: Episodes, rows: IntArray) -> pd.Series[Any]:
    """Return the clinician of each of the episodes `rows`; a code at two clinics is one at each."""
    import pandas as pd

    clinicians = episodes.visits.clinicians
    names = np.array([*clinicians.names, ""], dtype=object)
    return pd.Series(names[clinicians.at_episodes(episodes)[rows]], dtype=object)


def _check_column(by: str, usable: Sequence[str], has_calendar: bool) -> None:
    """Refuse a column that groups cannot be formed by, and say why; `usable` are those this export fills."""
    choice = f"Choose one of: {', '.join(usable)}."
    if not isinstance(by, str):
        raise InputRefused(
            "Groups cannot be formed.", [Finding("E656", "must be the name of one column.", "by", choice)]
        )
    if by in usable:
        return
    if by in GROUP_COLUMNS:
        raise NotEstimable(f"This export records no '{by}'; groups by it cannot be formed. Map the column it is in.")
    if by in _KNOWN_LATER:
        finding = Finding(
            "E654",
            "is known only later in the episode: groups by it would compare outcomes with themselves.",
            by,
            choice,
        )
    elif by in {shown_name(column, has_calendar) for column in EPISODE_COLUMNS}:
        finding = Finding("E655", "does not form groups that are fixed when an episode starts.", by, choice)
    else:
        near = difflib.get_close_matches(by, usable, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else choice
        place = by if by.strip() else f'by "{by}"'
        finding = Finding("E651", "is no column of the episode table.", place, hint)
    raise InputRefused("Groups cannot be formed.", [finding])


def count_days(
    time: FloatArray, event: NDArray[np.bool_], n_days: int, start: FloatArray | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count, for days 0..n_days-1, those at risk (``start < day <= time``) and the events so far (``time <= day``)."""
    day = np.minimum(np.ceil(time), n_days).astype(np.int64)
    left = np.bincount(day, minlength=n_days + 1)
    at_risk = time.size - np.concatenate([[0], np.cumsum(left)])[:n_days]
    if start is not None:
        begins = np.clip(np.floor(start) + 1, 0, n_days).astype(np.int64)
        at_risk = at_risk - (time.size - np.cumsum(np.bincount(begins, minlength=n_days + 1))[:n_days])
    events = np.cumsum(np.bincount(day[event], minlength=n_days + 1))[:n_days]
    return at_risk, events


def find_last_day(
    at_risk: NDArray[np.int64],
    n: int,
    protocol: Protocol,
    events: NDArray[np.int64] | None = None,
    share: FloatArray | None = None,
) -> int:
    """Last day before `curve_stop`, the first day with too few still at risk; -1 when that is day 0.

    Few are left at risk also where nearly all have had the event, and there the share is known best. So a curve of an
    event that most have is not stopped, `events` given, while no more than `MOST_LOST` of all have left without it and
    `LEAST_AT_RISK` are left, or none left at all. One that stands at 1 on its last day, its `share` given, is not
    stopped either: that it stands there on every later day follows from it.
    """
    floor = protocol.reporting_floor
    stop = at_risk < max(float(floor.curve_min_observed), floor.curve_min_share * n)
    if events is not None:
        # Who has the event on a day is at risk on it.
        lost = n - at_risk - np.concatenate([[0], events[:-1]])
        stop &= (lost > MOST_LOST * n) | ((lost > 0) & (at_risk < LEAST_AT_RISK))
    short = np.flatnonzero(stop)
    last = int(short[0]) - 1 if short.size else at_risk.size - 1
    return at_risk.size - 1 if last >= 0 and share is not None and share[last] >= ALL_BUT_DUST else last


def is_curve_stated(time: FloatArray, event: Flags, day: int, protocol: Protocol) -> bool:
    """Whether the share of some episodes with an event by a day may be stated: what compares parts of them asks first.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Day on which the event was seen, or up to which it was looked for.
    event : ndarray of bool, shape (n,)
    day : int
    protocol : Protocol
    """
    at_risk, events = count_days(time, event, day + 1)
    return find_last_day(at_risk, time.size, protocol, events) >= day


def read_day(curve: DayCurve, day: int, is_share: bool = True) -> tuple[float, float, float]:
    """Share (or mean) and limits on one day; NaN past the last day, no limits where nothing or all has happened."""
    nothing = float("nan")
    if day > curve.last_day:
        return nothing, nothing, nothing
    share = float(curve.estimate[day])
    if curve.events[day] == 0 or (is_share and share >= ALL_BUT_DUST):
        return share, nothing, nothing
    return share, float(curve.conf_low[day]), float(curve.conf_high[day])


def horizon_table(curves: Sequence[DayCurve], horizons: Sequence[int], is_share: bool = True) -> pd.DataFrame:
    """One row a group and horizon (`HORIZON_COLUMNS`); NaN past the last day, no limits where nothing happened yet."""
    import pandas as pd

    rows = []
    for curve in curves:
        for horizon in horizons:
            rows.append(
                (curve.group, horizon, *read_day(curve, horizon, is_share), curve.n, int(curve.events[horizon]))
            )
    return pd.DataFrame(rows, columns=list(HORIZON_COLUMNS))


def curve_table(curves: Sequence[DayCurve]) -> pd.DataFrame:
    """One row a group and day up to its last day (`CURVE_COLUMNS`, `daily`); groups under the floor have none."""
    import pandas as pd

    frames = []
    for curve in curves:
        shown = slice(0, curve.last_day + 1)
        frames.append(
            pd.DataFrame(
                {
                    "group": curve.group,
                    "day": np.arange(curve.last_day + 1),
                    "estimate": curve.estimate[shown],
                    "conf_low": curve.conf_low[shown],
                    "conf_high": curve.conf_high[shown],
                    "at_risk": curve.at_risk[shown],
                    **{k: v if isinstance(v, str) else v[shown] for k, v in curve.daily.items()},
                }
            )
        )
    shown_frames = [frame for frame in frames if len(frame)]
    return pd.concat(shown_frames, ignore_index=True) if shown_frames else frames[0]


def say_days(days: Sequence[str]) -> str:
    """Write days as ``day 90`` or ``days 42 and 90``."""
    return f"{'day' if len(days) == 1 else 'days'} {joined(days)}"


def curve_notes(curves: Sequence[DayCurve], horizons: Sequence[int], protocol: Protocol) -> list[str]:
    """Say, group by group, what could not be stated and why; without counts, which the release protects."""
    floor = protocol.reporting_floor
    notes = []
    for curve in curves:
        who = "" if curve.group == ALL else f"Group '{curve.group}': "
        if curve.n < floor.estimate_min_episodes:
            notes.append(f"{who}fewer than {floor.estimate_min_episodes} episodes; no estimate is given.")
            continue
        beyond = [str(h) for h in horizons if h > curve.last_day]
        if beyond:
            notes.append(
                f"{who}no share is stated for {say_days(beyond)}: after day {curve.last_day} fewer than "
                f"{floor.curve_min_observed} episodes or {floor.curve_min_share:.0%} are still observed."
            )
        stated = [h for h in horizons if h <= curve.last_day]
        if stated and curve.events[stated[-1]] == 0:
            notes.append(f"{who}nothing had happened by any of the days asked for; such a 0 has no interval.")
        elif any(curve.events[h] == 0 for h in stated):
            notes.append(f"{who}nothing had happened by the first of the days asked for; such a 0 has no interval.")
        full = [h for h in horizons if h <= curve.last_day and curve.estimate[h] >= ALL_BUT_DUST]
        if full:
            notes.append(f"{who}the curve reaches 1 by day {full[0]}; such a 1 has no interval.")
    return [note[0].upper() + note[1:] for note in notes]


def context_notes(by: str | None, has_calendar: bool) -> tuple[str, ...]:
    """Return what a reader must know about groups, and about an export without a calendar."""
    return (*((GROUP_NOTE,) if by is not None else ()), *(() if has_calendar else (NO_CALENDAR_NOTE,)))


def check_episodes(episodes: Any) -> None:
    """Refuse anything but the episodes that `build_episodes` returns."""
    if not (hasattr(episodes, "columns") and hasattr(episodes, "course") and hasattr(episodes, "protocol")):
        what = f"is {type(episodes).__name__}; the question is put to episodes."
        remedy = "Pass what outcomes.build_episodes(visits) returns."
        raise InputRefused("The question cannot be answered.", [Finding("E657", what, "episodes", remedy)])


def check_progress(progress: Any) -> None:
    """Refuse what cannot be told how far a question is (E657)."""
    if not callable(progress):
        what = f"is {type(progress).__name__}, not a function."
        finding = Finding("E657", what, "progress", "Pass a function that takes one text, for example print.")
        raise InputRefused("The question cannot be answered.", [finding])


def say_refusal(refusal: NotEstimable) -> str:
    """The first line of a refusal, to stand in a table."""
    return str(refusal).splitlines()[0].rstrip(".")


def say_episodes(n: int, floor: int) -> str:
    """Write a number of episodes for a sentence that is published: small ones are not told."""
    return f"fewer than {floor} episodes" if 0 < n < floor else f"{n:,} episodes"


def first_shown(codes: NDArray[Any], least: int) -> int:
    """First quarter (a code 0..) with `least` visits: misdated visits must not open a series of empty quarters."""
    enough = np.flatnonzero(np.bincount(codes) >= least)
    return int(enough[0]) if enough.size else int(codes.min())


def early_note(least: int, word: str) -> str:
    """Say that the series begins at `word` because earlier quarters hold next to nothing."""
    return f"Quarters before {word} hold fewer than {least} visits each and are not listed; dates there may be wrong."


def make_settings(source: Episodes | Visits, **said: Any) -> dict[str, Any]:
    """Return the definition and the marks that let a number be made again."""
    protocol = source.protocol
    codebook = source.visits.codebook if hasattr(source, "visits") else source.codebook
    return {
        **said,
        "level": protocol.inference.level,
        "seed": protocol.inference.seed,
        "protocol_hash": protocol.hash,
        "codebook_hash": codebook.hash,
        "version": __version__,
    }
