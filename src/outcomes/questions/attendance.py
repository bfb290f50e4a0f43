"""Drop-off: of those who came for a visit, how many came for the next, and how those who did not had fared.

The records end while patients are still coming. What is asked of each visit is whether another came within so many
days (30, and the longest that still belongs to the episode); episodes not watched that long are censored
(`attendance_steps` says why nothing simpler will do). That is right at the first visit. At a later one those who come
quickly arrive sooner, are watched longer from it, and come quickly again: among episodes all of which are young, as
those of the newest quarter, the quick count for too many. In made-up patients, half of them quick, all watched for 30
to 120 days, 88 of 100 came again within 30 days of the fifth visit by that estimate and 83 in truth; watched for 90
to 180 days, 84. So from the second visit on a quarter has a value only if it ended so many days before the data cut;
of all episodes of three years together the error is half a point at most. Quarters are compared only where all of
their episodes were watched for the same number of days from the first visit; a younger quarter has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.cases.ending import NEVER_MEASURED, RELIEVED, RESOLVED
from outcomes.cases.schema import END_REASONS, MISSING
from outcomes.errors import NotEstimable
from outcomes.estimators.proportions import wilson_clustered
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.attendance_steps import NAN, Steps, StepShare, build_steps, estimate_step, horizon_days
from outcomes.questions.quarters import quarter_end, quarter_number, quarter_word, read_quarter

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

SOON_DAYS = 30
MOST_VISITS = 12
QUARTER_VISITS = (2, 4, 6)
TABLE_COLUMNS = (
    *("group", "visit", "within_days", "estimate", "conf_low", "conf_high", "n", "events", "told", "reach"),
)
LEFT_COLUMNS = ("visit", "reason", "label", "n", "events", "estimate")
QUARTER_COLUMNS = (*("quarter", "visit", "within_days", "estimate", "conf_low", "conf_high", "n", "events", "mature"),)
LEFT = {
    "came": "came for another visit",
    "relieved": "did not; relieved at the last score",
    "not_relieved": "did not; not relieved at the last score, or not known",
}
"""What becomes of an episode at a visit; the three add up."""
UNRATED, UNRATED_LABEL = "unrated", "of those not relieved or not known: pain never rated"


@dataclass(frozen=True, repr=False)
class Attendance(CaseAnswer):
    """Drop-off by visit number.

    Attributes
    ----------
    table : DataFrame
        ``group, visit, within_days, estimate, conf_low, conf_high, n, events, told, reach``: of `n` episodes at visit
        number `visit`, the share that came for the next within so many days (`events` on record, `told` watched that
        long); `reach` is the share of all episodes that come to the next visit, the product of the steps of the longer
        number of days, NaN for the shorter. `group` is ``all`` or a quarter.
    summary : dict
        ``n, n_patients, n_open`` (may still come), ``within_days, soon_days, n_steps``.
    more : mapping
        ``left``: ``visit, reason, label, n, events, estimate``: what became of the `n` episodes at a visit that were
        watched long enough to tell, in three parts, and of the third those never rated; ``by_quarter``: ``quarter,
        visit, within_days, estimate, conf_low, conf_high, n, events, mature``: share of the episodes of a starting
        quarter that came to a visit within so many days of the first; no value where not all were watched that long.
    """

    table: pd.DataFrame
    more: Mapping[str, pd.DataFrame]


def describe_attendance(episodes: Episodes, quarter: str | None = None) -> Attendance:
    """Describe drop-off by visit number.

    Parameters
    ----------
    episodes : Episodes
        Inception episodes are used: of the others the first visits may lie before the records.
    quarter : str, optional
        A starting quarter, ``"2026Q3"``, to stand beside all episodes.

    Raises
    ------
    NotEstimable
        No inception episode; a quarter without a calendar, or in which no episode started; day numbers without a
        declared end of observation: those who came are then known, and of nobody that he or she did not.
    """
    results.check_episodes(episodes)
    import pandas as pd

    if episodes.n and (episodes.columns["observable_until_day"] == MISSING).any():
        raise NotEstimable(
            "Attendance needs the day up to which every patient would have been seen. This export has day numbers and "
            "no calendar; declare [dates] observed_until_day in the mapping if that day is known."
        )
    steps = build_steps(episodes)
    if not steps.episode.size:
        raise NotEstimable("Attendance cannot be described: no episode began after the washout. The ledger says why.")
    rows, young = _tabulate_steps(results.ALL, steps, None, episodes), False
    if quarter is not None:
        group, of = _of_quarter(episodes, quarter)
        young = _is_young(episodes, quarter)
        rows += _tabulate_steps(group, steps, of, episodes, young)
    left, by_quarter = _tabulate_left(steps, episodes), _tabulate_quarters(steps, episodes)
    return Attendance(
        table=pd.DataFrame(rows, columns=list(TABLE_COLUMNS)),
        summary=_summarise(steps, episodes),
        settings=results.make_settings(
            episodes,
            question="drop-off by visit number",
            definition="visits that are not maintenance, of inception episodes",
            estimator=f"Kaplan-Meier of the days to the next visit, read at {SOON_DAYS} and {horizon_days(episodes)} "
            "days, log-log interval, patients as clusters; reach: product of the steps",
            maturity="quarters: all episodes watched for the same days from the first visit",
            tag="descriptive",
        ),
        ledger=episodes.ledger,
        notes=(*_notes(episodes, by_quarter), *([_say_young(group, episodes)] if young else [])),
        more={"left": left, "by_quarter": by_quarter},
    )


def _of_quarter(episodes: Episodes, quarter: str) -> tuple[str, results.Flags]:
    number = read_quarter(quarter)
    if not episodes.has_calendar:
        raise NotEstimable("Quarters cannot be told apart: this export has day numbers and no calendar.")
    of = quarter_number(episodes.columns["index_day"]) == number
    if of.any() and not (of & episodes.columns["is_inception"]).any():
        raise NotEstimable(
            f"Of the episodes that started in {quarter_word(number)} none began after the washout, so that their first "
            "visits may lie before the records. Choose a later quarter."
        )
    if not of.any():
        raise NotEstimable(f"No episode started in {quarter_word(number)}. Choose another quarter.")
    return quarter_word(number), np.asarray(of, dtype=np.bool_)


def _is_young(episodes: Episodes, quarter: str) -> bool:
    """Whether a quarter ended too shortly before the data cut for steps after the first visit."""
    cut = int(episodes.columns["observable_until_day"].max())
    return quarter_end(read_quarter(quarter)) > cut - horizon_days(episodes) - 1


def _say_young(group: str, episodes: Episodes) -> str:
    return (
        f"{group} ended fewer than {horizon_days(episodes) + 1} days before the data cut: from the second visit on it "
        "has no shares. Those who come quickly are watched longer from a visit, so that too many would seem to come "
        "again."
    )


def _tabulate_steps(
    group: str, steps: Steps, of: results.Flags | None, episodes: Episodes, young: bool = False
) -> list[tuple[object, ...]]:
    """Rows of one group, visit by visit, for as long as there are enough episodes; `young` ones as the module says."""
    protocol, longest = episodes.protocol, horizon_days(episodes)
    floor, reach = protocol.reporting_floor, 1.0
    rows: list[tuple[object, ...]] = []
    days = sorted({min(SOON_DAYS, longest), longest})
    for visit in range(1, MOST_VISITS):
        own = steps.at(visit, of)
        if own.episode.size < floor.estimate_min_episodes:
            break
        found = {day: _step(own, day, protocol) for day in days}
        if young and visit > 1:
            found = {day: replace(share, estimate=NAN, low=NAN, high=NAN) for day, share in found.items()}
        reach *= found[longest].estimate
        for day, share in found.items():
            values = (share.estimate, share.low, share.high, share.n, share.events, share.told)
            rows.append((group, visit, day, *values, reach if day == longest else NAN))
    return rows


def _step(own: Steps, day: int, protocol: Protocol) -> StepShare:
    floor = protocol.reporting_floor
    return estimate_step(own, day, protocol.inference.level, floor.estimate_min_episodes, floor.curve_min_observed)


def _tabulate_left(steps: Steps, episodes: Episodes) -> pd.DataFrame:
    """What became of the episodes at each visit that were watched long enough to tell."""
    import pandas as pd

    protocol, rows = episodes.protocol, []
    enough = max(horizon_days(episodes) + 1, protocol.dropout.no_visit_days, protocol.episode.close_after_days)
    fate = _find_fates(steps, episodes)
    unrated = ~steps.came & (episodes.columns["status_last"][steps.episode] == NEVER_MEASURED)
    for visit in range(1, MOST_VISITS):
        of = (steps.visit == visit) & (steps.watched_days >= enough)
        n = int(of.sum())
        if n < protocol.reporting_floor.estimate_min_episodes:
            break
        counts = [*np.bincount(fate[of], minlength=len(LEFT)).tolist(), int((unrated & of).sum())]
        names = (*LEFT.items(), (UNRATED, UNRATED_LABEL))
        rows += [(visit, *item, n, count, count / n) for item, count in zip(names, counts, strict=True)]
    return pd.DataFrame(rows, columns=list(LEFT_COLUMNS))


def _find_fates(steps: Steps, episodes: Episodes) -> results.IntArray:
    """Position in `LEFT` of what became of each visit."""
    status = episodes.columns["status_last"][steps.episode]
    reason = episodes.columns["end_reason"][steps.episode]
    names = list(LEFT)
    relieved = np.isin(status, (RELIEVED, RESOLVED)) & (reason != END_REASONS.index("new_complaint"))
    fate = np.where(relieved, names.index("relieved"), names.index("not_relieved"))
    return np.asarray(np.where(steps.came, names.index("came"), fate), dtype=np.intp)


def _tabulate_quarters(steps: Steps, episodes: Episodes) -> pd.DataFrame:
    """Share that came to some visits within so many days of the first, by starting quarter; empty without calendar."""
    import pandas as pd

    blank = pd.DataFrame([], columns=list(QUARTER_COLUMNS))
    columns, days = episodes.columns, episodes.protocol.horizons_days
    until = columns["observable_until_day"]
    inception = np.flatnonzero(columns["is_inception"])
    if not episodes.has_calendar or (until[inception] == MISSING).all():
        return blank
    start = columns["index_day"][inception].astype(np.int64)
    number, age = quarter_number(start), until[inception] - start
    least = episodes.protocol.reporting_floor.proportion_min_n
    first = int(number.min()) + results.first_shown(number - int(number.min()), least)
    cut, rows = int(until.max()), []
    for quarter in range(first, int(quarter_number(np.array([cut]))[0]) + 1):
        for within in sorted({days.primary, max(days.relief)}):
            mature = quarter_end(quarter) <= cut - within
            of = inception[(number == quarter) & ((age >= within) | (not mature))]
            rows += [_quarter_row(steps, episodes, of, quarter, visit, within, mature) for visit in QUARTER_VISITS]
    return pd.DataFrame(rows, columns=list(QUARTER_COLUMNS))


def _quarter_row(
    steps: Steps, episodes: Episodes, of: results.IntArray, quarter: int, visit: int, within: int, mature: bool
) -> tuple[object, ...]:
    head = (quarter_word(quarter), visit, within)
    if not mature or of.size < episodes.protocol.reporting_floor.estimate_min_episodes:
        return (*head, NAN, NAN, NAN, int(of.size), NAN, mature)
    reached = np.zeros(episodes.n, dtype=np.bool_)
    reached[steps.episode[(steps.visit == visit) & (steps.day <= within)]] = True
    event = reached[of]
    who = np.unique(episodes.columns["patient"][of], return_inverse=True)[1]
    values = wilson_clustered(np.bincount(who, weights=event), np.bincount(who), episodes.protocol.inference.level)
    return (*head, *values, int(of.size), float(event.sum()), mature)


def _summarise(steps: Steps, episodes: Episodes) -> dict[str, Any]:
    longest = horizon_days(episodes)
    open_still = ~steps.came & (steps.watched_days < longest)
    return {
        "n": int((steps.visit == 1).sum()),
        "n_patients": int(np.unique(steps.patient).size),
        "n_open": int(open_still.sum()),
        "within_days": longest,
        "soon_days": min(SOON_DAYS, longest),
    }


def _notes(episodes: Episodes, by_quarter: pd.DataFrame) -> tuple[str, ...]:
    return (
        "Not to come again is no failure: many stop because they are better, and who got better elsewhere is not "
        "recorded.",
        "Episodes that may still have another visit count for as long as they were watched; a quarter is given a value "
        "only when all of its episodes were watched for the same days.",
        *(
            ("Visits count up to the day before the gap that opens a new episode.",)
            if len(by_quarter)
            else ("By quarter nothing can be told: the calendar, or the end of the data, is not known.",)
        ),
        _note_further(episodes.protocol),
        *results.context_notes(None, episodes.has_calendar),
    )


def _note_further(protocol: Protocol) -> str:
    """Say which visits are no further ones, though the patient came: who counts them by hand finds more."""
    rule = protocol.episode
    said = "A visit that opens a new episode is no further visit of the one before, nor is one of maintenance"
    if not rule.maintenance_heuristic:
        return f"{said}."
    return (
        f"{said}, recorded or taken as such: pain of {rule.maintenance_max_nrs:g} or less, "
        f"{rule.maintenance_min_gap_days} days or more from its neighbours (a last visit has one only), no new onset."
    )
