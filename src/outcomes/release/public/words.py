"""Words of a public page: rows and columns of its tables, and the sentences that are the same on every page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcomes.questions.quarter_indicators import LAG_DAYS, RETURN_DAYS
from outcomes.release.public.counts import EVERYBODY, FAMILY
from outcomes.release.public.rounding import round_counts
from outcomes.release.sentences import NBSP
from outcomes.release.words import glossary, relief_words, short_quarter

if TYPE_CHECKING:
    from outcomes.definitions import Codebook, Protocol

_QUARTER = re.compile(r"\b\d{4}Q[1-4]\b")
KEPT_TERMS = (
    "Episode of care",
    "Maintenance visits",
    "Episodes counted from their start",
    "First pain score",
    "Relief",
)
"""Entries of the glossary that a reader of a public page needs."""


@dataclass(frozen=True, slots=True)
class Words:
    """How the tables of a run are spoken of.

    Attributes
    ----------
    day, window : int
        The primary day, and the days after relief within which pain that is back counts.
    states, after : mapping of str to str
        Columns of the tables of all patients, and of the table after relief.
    facts : mapping of str to str
        Tables to what they split the patients by.
    families : mapping of str to str
        Tables of treatments to the treatment.
    relief : str
        What counts as relief, after "a pain score".
    level : str
        Of every interval, with its percent sign.
    """

    day: int
    window: int
    states: Mapping[str, str]
    after: Mapping[str, str]
    facts: Mapping[str, str]
    families: Mapping[str, str]
    relief: str
    level: str

    @classmethod
    def of(cls, protocol: Protocol, codebook: Codebook) -> Words:
        """Take days and labels from the definitions of the run."""
        day = protocol.horizons_days.primary
        window = protocol.recurrence.landmark_days + RETURN_DAYS
        return cls(
            day=day,
            window=window,
            level=_level(protocol),
            states={
                "relief": f"relief by day {day}",
                "no_relief": "rated later, no relief by then",
                "unknown": "not rated again: unknown",
            },
            after={
                "back": f"pain back within {window} days",
                "not_back": "followed as long, not back",
                "too_early": "not followed so long",
            },
            facts={
                "start_quarter": "By the quarter in which care began",
                "region": "By region",
                "duration": "By how long it had lasted before the first visit",
                "radiation": "By where the pain goes",
                "sex": "By sex",
                "age": "By age in years",
            },
            families={f"{FAMILY}{family}": codebook.label("family", family) for family in codebook.families},
            relief=relief_words(protocol),
        )


def row_words(row: str) -> str:
    """Return a row as a reader would say it; quarters also where several are put together."""
    spoken = "All patients" if row == EVERYBODY else row
    return _QUARTER.sub(lambda found: short_quarter(found[0]), spoken)


def list_terms(protocol: Protocol, words: Words) -> tuple[tuple[str, str], ...]:
    """Return the definitions of the page, term and words."""
    kept = [(term, said) for term, said in glossary(protocol) if term in KEPT_TERMS]
    back = protocol.recurrence
    return (
        (
            "Patients",
            "Each distinct patient once, with the first episode on record whose relief can be told and which was "
            f"observed for at least {words.day + LAG_DAYS} days.",
        ),
        *kept,
        (
            "Not rated again",
            f"No relief is on record by day {words.day}, and no pain score on that day or later. Some of these "
            "patients may have got better.",
        ),
        (
            "Pain back",
            f"A score above relief within {back.landmark_days} days of it, or a return to a clinic of these records "
            f"with pain of {back.min_nrs:g} or more of 10 within {RETURN_DAYS} days after that: {words.window} days in "
            "all.",
        ),
        ("Interval", f"{_level(protocol)} confidence interval, at each day by itself; patients are drawn anew."),
    )


def list_limits(words: Words) -> tuple[str, ...]:
    """Return what these records cannot tell, whatever they hold."""
    return (
        f"What became of patients who were not rated again by day {words.day}: some of them may have got better.",
        "Whether pain came back to someone who did not return here: he or she may have had pain, or gone elsewhere.",
        "Which treatment works better: patients who get one treatment differ from those who get another, and nothing "
        "here is adjusted for that.",
        "How one clinic or clinician compares with another: nothing is published by clinic or clinician.",
    )


def list_readings(words: Words, k: int, base: str) -> tuple[str, ...]:
    """Return how the numbers of the page are to be read."""
    return (
        f"Every number counts patients, not visits, and is rounded to the nearest {base}; percentages are computed "
        "from the rounded numbers, so parts need not add up.",
        _say_least(k, base),
        f"<{k} stands for 1 to {k - 1} patients, and for a number that would give such a one away.",
        f"Relief is a recorded pain score {words.relief}. It shows only at visits.",
        "These are records of routine care, described as they are; no patient was assigned a treatment.",
    )


def _say_least(k: int, base: str) -> str:
    """Say what the least number printed stands for: it can be less than the least that is shown."""
    said: list[str] = []
    for step in map(int, base.split(" or ")):
        least = int(round_counts(k, step))
        most = least + step - 1 - step // 2
        behind = f"{k} or {most}" if most == k + 1 else f"{k} to {most}"
        said.append(f"{least} stands for {behind} patients" if not said else f"{behind} where all is rounded to {step}")
    return f"{', or for '.join(said)}, because numbers are rounded only after it was decided that they may be shown."


def list_rules(k: int, base: str, least_values: int) -> tuple[str, ...]:
    """Return how small numbers were handled, in plain words."""
    return (
        f"Whether a number may be shown is decided on the true number: 0, or {k} patients and more. Only then is it "
        f"rounded to the nearest {base}, totals too.",
        "Classes of few patients that stand in an order are put together with a neighbour; what is still too small is "
        "hidden, and further numbers where it could be worked out from them.",
        "A program that knows only what is published, on this page and on earlier ones, was set to work out what is "
        f"hidden: at least {least_values} values remain possible for each such number. Otherwise nothing is published.",
        f"A number that differs by 1 to {k - 1} patients from an earlier page is not restated: the earlier one stands, "
        f"or none. So a number may be {k - 1} patients from the true one beside its rounding, and the numbers of a row "
        "need not add up to its total.",
        f"A point of a curve is shown every 7 days at most, where {k} or more new patients had relief since the point "
        f"before and {k} or more are still observed; between points the line is straight and means nothing by itself.",
        "No smallest or largest value, no date finer than a month, and no single patient's course is shown.",
    )


def _level(protocol: Any) -> str:
    return f"{100 * protocol.inference.level:g}{NBSP}%"
