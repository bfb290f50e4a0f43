"""A comparison of treatments written down as the trial one would run, and what reporting guidelines ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcomes.questions.adjustment import LEAST_IN_ARM
from outcomes.questions.reporting_items import (
    ABSENT,
    ITEM_COLUMNS,
    NO_CALENDAR,
    PERIOD_ITEMS,
    RECORD,
    STROBE,
    TARGET,
)
from outcomes.questions.trial_table import tabulate_trial

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol


def describe_family_trial(episodes: Episodes, window_days: int = 0) -> pd.DataFrame:
    """Return the parts of the target trial, ideal and as emulated (`trial_table.TRIAL_COLUMNS`).

    Parameters
    ----------
    episodes : Episodes
    window_days : int
        Days from the first treatment within which a family counts; 0: that visit.
    """
    protocol = episodes.protocol
    day = protocol.horizons_days.primary
    end = max(day, protocol.horizons_days.rmst)  # the share is read on one, the mean days up to the other
    return tabulate_trial(
        {
            "Eligibility": (
                "Patients with a new episode of back spasm and enough pain to be relieved of, before any treatment.",
                _say_eligible(protocol, window_days),
            ),
            "Strategies": (
                "Begin treatment with the family, whatever else is done, or begin without it; then as clinician and "
                "patient see fit.",
                _say_strategies(window_days),
            ),
            "Assignment": (
                "At random; clinician and patient know which.",
                f"By whatever {_who(episodes)} and patient decided. The arms are made alike in what was recorded by "
                f"then ({_adjusted(episodes)}), as far as both arms have {LEAST_IN_ARM} episodes of each level. "
                "Assumed: nothing else decides both who gets it and who is relieved.",
            ),
            "Time zero": ("The day of assignment, before the first treatment.", _say_time_zero(window_days)),
            "Follow-up": (
                f"{end} days, with ratings on fixed days from everybody.",
                f"{end} days, to the last rating. Pain is known at visits only, and who stops coming stops being "
                "rated; assumed: when a patient is seen does not depend on the arm otherwise than through what is "
                "recorded.",
            ),
            "Outcome": (
                f"{_name_outcome(protocol)} by day {day}.",
                f"{_say_relief(protocol)} by day {day}: between the last rating above that and the first at it.",
            ),
            "Estimand": (
                f"Difference in the share relieved by day {day}, as assigned; ratio and mean days beside it.",
                "The same among patients who, going by the records, might have been in either arm (overlap "
                "population).",
            ),
            "Analysis": (
                "Of all, as randomised; assumed: who is not rated is missing alike in both arms.",
                _say_analysis(protocol),
            ),
        }
    )


def _say_eligible(protocol: Protocol, window_days: int) -> str:
    text = (
        f"Inception episodes with a treatment recorded, a rating on that day or up to {protocol.baseline.window_days} "
        f"days before it, and that rating at {protocol.baseline.eligible_min_nrs:g} or more."
    )
    if window_days:
        text += f" Still in view and not relieved {window_days} days after it."
    return text


def _say_strategies(window_days: int) -> str:
    when = f"on days 0 to {window_days} of treatment" if window_days else "at the first treatment visit"
    return f"The family recorded {when}, alone or with others, or not. What is given later does not count."


def _say_time_zero(window_days: int) -> str:
    if window_days:
        return f"{window_days} days after the first treatment: what was given by then is fully known."
    return "The first treatment visit: eligibility, arms and clock meet there, and no time is given to one arm."


def _name_outcome(protocol: Protocol) -> str:
    """The outcome of the trial one would run, in which nothing hangs on when a patient was seen."""
    percent = protocol.relief.pct_reduction
    return "Pain at half of the first rating" if percent == 50 else f"Pain at least {percent} % below the first rating"


def _say_relief(protocol: Protocol) -> str:
    confirmed = {
        "any": "",
        "if_observable": ", not contradicted at the next one,",
        "strict": ", and again at the next,",
    }
    low = f"A recorded rating at least {protocol.relief.pct_reduction} % below the first"
    return low + confirmed[protocol.relief.confirm]


def _say_analysis(protocol: Protocol) -> str:
    floor = protocol.reporting_floor
    return (
        "Overlap weights from a logistic model of who got it; the interval-censored share of each arm; interval from "
        f"{protocol.inference.bootstrap_draws} draws of patients that estimate the weights again. What was not "
        f"recorded is a level of its own. Refused below {floor.compare_min_episodes} episodes, "
        f"{floor.compare_min_events} relieved or an effective size of {floor.compare_min_effective_n} in an arm, or "
        "where the arms still differ."
    )


def _who(episodes: Episodes) -> str:
    columns = episodes.visits.columns
    return "clinician" if "clinician" in columns else "clinic"


def _adjusted(episodes: Episodes) -> str:
    """What is recorded to make arms alike in."""
    columns = episodes.visits.columns
    treating = [name for name in ("clinician", "clinic") if name in columns][:1]
    return ", ".join(("first rating", "the patient and the complaint", "the other treatments of that visit", *treating))


def list_reporting_items(episodes: Episodes) -> pd.DataFrame:
    """Return the items of TARGET, STROBE and RECORD and where each is found (`reporting_items.ITEM_COLUMNS`).

    Parameters
    ----------
    episodes : Episodes
    """
    import pandas as pd

    rows = [
        (name, item, what, _find_place(episodes, name, item, where))
        for name, items in (("TARGET", TARGET), ("STROBE", STROBE), ("RECORD", RECORD))
        for item, what, where in items
    ]
    return pd.DataFrame(rows, columns=list(ITEM_COLUMNS))


def _find_place(episodes: Episodes, name: str, item: str, where: str) -> str:
    if (name, item) in PERIOD_ITEMS and not episodes.has_calendar:
        return f"{NO_CALENDAR}; {where.split(ABSENT)[-1]}"
    return where
