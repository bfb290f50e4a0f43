"""Definitions and dates in words an owner reads: every phrase takes its numbers from the protocol of the run."""

from __future__ import annotations

import datetime as dt
from typing import Any

from outcomes.records.counted import joined
from outcomes.release import unstable
from outcomes.release.sentences import NBSP

ORDINALS = ("first", "second", "third", "fourth")
MONTHS = ("January to March", "April to June", "July to September", "October to December")
_MONTH = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_CONFIRM = {
    "any": "The first such score counts.",
    "if_observable": "The next score within {days} days must not contradict it; without a further score it counts.",
    "strict": "A second score within {days} days must confirm it.",
}


def quarter_words(quarter: str) -> str:
    """``"2026Q3"`` as "third quarter of 2026"."""
    year, _, number = quarter.partition("Q")
    return f"{ORDINALS[int(number) - 1]} quarter of{NBSP}{year}" if number.isdigit() else quarter


def quarter_months(quarter: str) -> str:
    """``"2026Q3"`` as "July to September 2026"."""
    year, _, number = quarter.partition("Q")
    return f"{MONTHS[int(number) - 1]}{NBSP}{year}" if number.isdigit() else quarter


def short_quarter(quarter: str) -> str:
    """``"2026Q3"`` as "Q3 2026"."""
    year, _, number = quarter.partition("Q")
    return f"Q{number}{NBSP}{year}" if number else quarter


def date_words(date: dt.date) -> str:
    """A date as "30 September 2026", the same in every locale."""
    return f"{date.day}{NBSP}{_MONTH[date.month - 1]}{NBSP}{date.year}"


def day_to_date(day: int) -> dt.date:
    """Days since 1970-01-01 as a date."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(day))


def lower_first(text: str) -> str:
    """A text to go on inside a sentence."""
    return text[:1].lower() + text[1:]


def relief_words(protocol: Any) -> str:
    """What counts as relief, to follow "a recorded pain score"."""
    percent = protocol.relief.pct_reduction
    return "at or below half of the first one" if percent == 50 else f"at least {percent}{NBSP}% below the first one"


def glossary(protocol: Any) -> tuple[tuple[str, str], ...]:
    """Return the definitions of the run, term and words."""
    episode, baseline, relief = protocol.episode, protocol.baseline, protocol.relief
    days, back = protocol.horizons_days, protocol.recurrence
    rules = [f"{episode.gap_days} days or more without a visit"]
    if episode.relief_rule:
        rules.append(
            f"{episode.relief_gap_days} days or more when pain was relieved and is back (score "
            f"{episode.return_min_nrs:g} or "
            f"more, and {episode.return_min_rise_nrs:g} points above the last one)"
        )
    if episode.new_onset_rule:
        rules.append(
            f"{episode.new_onset_marker_min_gap_days} days or more with a new onset date or a first examination"
        )
    return (
        ("Visit", "All records of one patient on one day in one region stream, as one row."),
        (
            "Region streams",
            "One stream for all regions."
            if episode.one_stream
            else f"Upper: {_list(protocol.case_definition.upper_regions)}. Lower: "
            f"{_list(protocol.case_definition.lower_regions)}. Episodes in the two streams run side by side.",
        ),
        ("Episode of care", f"Visits of one patient in one stream. A new one starts after {_or(rules)}."),
        (
            "Maintenance visits",
            "They count as observations but never start or prolong an episode."
            + (
                f" A visit with pain of {episode.maintenance_max_nrs:g} or less, {episode.maintenance_min_gap_days} "
                "days or "
                "more from its neighbours (a last visit has one only) and without a new onset is taken as one."
                if episode.maintenance_heuristic
                else ""
            ),
        ),
        (
            "Episodes counted from their start",
            f"Those that begin {episode.washout_days} days or more after the clinic's first record; earlier ones "
            "may have "
            "been under way before the data begin.",
        ),
        (
            "First pain score",
            f"The first score before treatment within {baseline.window_days} days of the first visit. Relief is "
            "counted for "
            f"episodes in which it is {baseline.eligible_min_nrs:g} or more of 10.",
        ),
        (
            "Relief",
            f"A recorded pain score {relief_words(protocol)}. "
            + _CONFIRM[relief.confirm].format(days=relief.confirm_within_days)
            + f" Read at days {_list(days.relief)}.",
        ),
        (
            "Return",
            f"The clock starts {back.landmark_days} days after relief that was not contradicted before. A return is "
            "a new "
            f"episode in the same stream with a score of {back.min_nrs:g} or more (or no score), or a later score of "
            f"{back.min_nrs:g} or more that is at least {back.min_rise_nrs:g} points above "
            f"relief, at a clinic in these records. Read at days {_list(days.recurrence)}.",
        ),
        (
            "Silent stop",
            f"Not relieved at the last score, no discharge or referral recorded, and {protocol.dropout.no_visit_days} "
            "observable days without a visit of any kind.",
        ),
        (
            "Interval",
            f"{100 * protocol.inference.level:g}{NBSP}% confidence interval, at each point by itself.",
        ),
        (
            "Mark after a sentence",
            "Descriptive: counted or estimated as recorded; so is a sentence without a mark. Adjusted association: "
            "groups compared, made alike in what is recorded, which shows no effect. Signal, no signal: what a chart "
            "or test says. Not estimable: these records cannot tell, with the reason.",
        ),
        (
            "Small numbers",
            f"Counts of 1 to {protocol.reporting_floor.suppress_cell_below - 1} appear as "
            f"<{protocol.reporting_floor.suppress_cell_below} and what is computed from them as hidden. Curves and "
            "rates "
            f"need {protocol.reporting_floor.estimate_min_episodes} episodes. Rows set aside, unknown terms and steps "
            "of reading are counted in full: they are rows of a file and say nothing of how a patient fared.",
        ),
        (
            f"Unstable ({unstable.MARK})",
            f"From fewer than {unstable.LEAST_N}, or with an interval of {100 * unstable.MOST_WIDTH:g} points or "
            f"more, or of more than {100 * unstable.SMALL_WIDTH:g} points and {unstable.MOST_SHARE:g} times the share; "
            f"of rates, from fewer than {unstable.LEAST_EVENTS} events or with one wider than {unstable.MOST_RATE:g} "
            "times the rate. Such a number may be mostly chance. The limits of shares and rates are those of the "
            "national health statistics of the United States; that of differences, and the "
            f"{unstable.LEAST_N} for rates, are ours.",
        ),
        (
            "Too early",
            "A quarter is judged only when all of its episodes have been observable for as long as the indicator "
            "needs; "
            "otherwise it would hold only those who healed fast.",
        ),
    )


def _list(items: Any) -> str:
    return joined([str(item) for item in items])


def _or(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{'; '.join(items[:-1])}; or {items[-1]}"
