"""E5: response by a fixed day. The share whose pain was at least 30 % and 2 points below the first rating at day 28.

The outcome is the rating nearest day 28 from day 21 to day 42. Many episodes have none, because people who feel better,
and people who do not, stop coming. Four rows therefore stand together, and the completeness beside them:

- *completers*: the share among those rated in the window; who they are is not chance;
- *weighted*: the same, each counting the inverse of his or her chance of being rated, from the first rating, the last
  before the window and its day, symptom duration and clinic;
- *all missing responded* and *none of the missing responded*: what the records alone leave possible.

Episodes whose window was not over at the clinic's data cut are set aside, not counted as missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.proportions import wilson_clustered
from outcomes.estimators.weighted_share import WeightedShare, weighted_share
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.response_lines import WINDOW_DAYS, Outcomes, build_outcomes, model_columns

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

COMPLETERS, WEIGHTED = "completers", "weighted"
BOUND_ALL, BOUND_NONE = "all missing responded", "none of the missing responded"
LINES = (COMPLETERS, WEIGHTED, BOUND_NONE, BOUND_ALL)
RESPONSE_COLUMNS = (
    "group",
    "line",
    "estimate",
    "conf_low",
    "conf_high",
    "n",
    "events",
    "measured",
    "missing",
    "completeness",
)


@dataclass(frozen=True, repr=False)
class Response(CaseAnswer):
    """Response at day 28.

    Attributes
    ----------
    table : DataFrame
        ``group, line, estimate, conf_low, conf_high, n, events, measured, missing, completeness``: one row for each of
        `LINES`. `n` is what the share is of (completers: those rated in the window; otherwise all), `events` the
        responders among those rated, `measured` and `missing` the episodes with and without a rating in the window,
        `completeness` the share with one.
    summary : dict
        Of all groups together: ``n, n_patients, n_measured, n_events, n_too_young, median_day`` (of the
        ratings used); of a single group also ``effective_n`` and ``largest_weight``.
    """

    table: pd.DataFrame


def estimate_response(episodes: Episodes, by: str | None = None) -> Response:
    """Estimate the share that responded by the primary day: at least 30 % and 2 points below the first rating.

    Parameters
    ----------
    episodes : Episodes
        As `build_episodes` returns them; inception episodes with a high enough first rating are used.
    by : str, optional
        Column of ``episodes.table`` to split by: one of `results.GROUP_COLUMNS`, fixed when an episode starts.

    Returns
    -------
    Response

    Raises
    ------
    InputRefused
        Unknown column, or one that is known only later in an episode.
    NotEstimable
        No eligible episode is old enough, the primary day lies outside the window, or a column this export does not
        have.
    """
    results.check_episodes(episodes)
    import pandas as pd

    from outcomes.cases.pain_course import build_pain_course

    protocol = episodes.protocol
    day = protocol.horizons_days.primary
    if not WINDOW_DAYS[0] <= day <= WINDOW_DAYS[1]:
        raise NotEstimable(
            f"Response is read from day {WINDOW_DAYS[0]} to {WINDOW_DAYS[1]}; horizons_days.primary of the protocol "
            f"is {day}."
        )
    outcomes = build_outcomes(episodes, build_pain_course(episodes), day)
    if not outcomes.episode.size:
        raise NotEstimable(
            f"Response cannot be estimated: no eligible episode reached day {WINDOW_DAYS[1]} before the data cut. "
            "Needed are a pain score before treatment in the first days, and episodes that began after the washout."
        )
    rows, notes, weighted = [], [], None
    for group, part in results.split_groups(episodes, outcomes.episode, by):
        found, said, weighted = _group_rows(group, part, outcomes, protocol)
        rows += found
        notes += said
    return Response(
        table=pd.DataFrame(rows, columns=list(RESPONSE_COLUMNS)),
        summary=_summarise(outcomes, weighted if by is None else None),
        settings=results.make_settings(
            episodes,
            question=f"response at day {day}",
            definition="pain at least 30 % and 2 points below the first rating, at the rating nearest "
            f"day {day} from day {WINDOW_DAYS[0]} to {WINDOW_DAYS[1]}, the earlier of two as near",
            estimator="share among those rated in the window, Wilson interval by patient; weighted by the inverse "
            "chance of being rated, linearised interval by patient on the logit scale",
            weights="logistic: first rating, last rating before the window and its day, symptom duration, clinic",
            by=by,
        ),
        ledger=outcomes.ledger,
        notes=(
            *_standing_notes(day),
            *results.context_notes(by, episodes.has_calendar),
            *_end_notes(episodes),
            *notes,
        ),
    )


def _group_rows(
    group: str, part: results.IntArray, outcomes: Outcomes, protocol: Protocol
) -> tuple[list[tuple[object, ...]], list[str], WeightedShare | None]:
    """Four rows of one group, what to say of it, and the weighted share with its weights."""
    measured, responded = outcomes.measured[part], outcomes.responded[part]
    n, seen, events = part.size, int(measured.sum()), int(responded.sum())
    patient, level = outcomes.patient[part], protocol.inference.level
    who = "" if group == results.ALL else f"Group '{group}': "
    values = dict.fromkeys(LINES, (float("nan"),) * 3)
    notes, weighted = [], None
    if n < protocol.reporting_floor.estimate_min_episodes:
        notes.append(
            f"{who}fewer than {protocol.reporting_floor.estimate_min_episodes} episodes; no estimate is given."
        )
    else:
        values[BOUND_ALL] = _share(responded | ~measured, np.ones(n, dtype=np.bool_), patient, level)
        values[BOUND_NONE] = _share(responded, np.ones(n, dtype=np.bool_), patient, level)
        if seen < protocol.reporting_floor.proportion_min_n:
            notes.append(
                f"{who}fewer than {protocol.reporting_floor.proportion_min_n} episodes were rated in the window; only "
                "the bounds are given."
            )
        else:
            values[COMPLETERS] = _share(responded, measured, patient, level)
            if seen == n:
                values[WEIGHTED] = values[COMPLETERS]  # a weight of 1 each: nobody stands for anybody else
                said = ["every episode was rated in the window: weighted and bounds are the share of all."]
            else:
                values[WEIGHTED], weighted, said = _weighted(part, outcomes, protocol)
            notes += [f"{who}{note}" for note in said]
    completeness = seen / n if n else float("nan")
    rows: list[tuple[object, ...]] = [
        (group, line, *values[line], seen if line == COMPLETERS else n, events, seen, n - seen, completeness)
        for line in LINES
    ]
    return rows, [note[0].upper() + note[1:] for note in notes], weighted


def _share(
    has: NDArray[np.bool_], counted: NDArray[np.bool_], patient: results.IntArray, level: float
) -> tuple[float, float, float]:
    place = np.unique(patient, return_inverse=True)[1]
    return wilson_clustered(np.bincount(place, weights=has & counted), np.bincount(place, weights=counted), level)


def _weighted(
    part: results.IntArray, outcomes: Outcomes, protocol: Protocol
) -> tuple[tuple[float, float, float], WeightedShare | None, list[str]]:
    nothing = (float("nan"),) * 3
    try:
        found = weighted_share(
            outcomes.responded[part],
            outcomes.measured[part],
            model_columns(outcomes, part),
            outcomes.patient[part],
            protocol.inference.level,
        )
    except NotEstimable as refusal:
        text = str(refusal)
        return nothing, None, [f"no weighted share is given: {text[0].lower()}{text[1:]}"]
    least = protocol.reporting_floor.compare_min_effective_n
    if found.effective_n < least:
        said = f"no weighted share is given: its weights leave an effective number of episodes below {least}."
        return nothing, found, [said]
    return (found.estimate, found.conf_low, found.conf_high), found, []


def _standing_notes(day: int) -> tuple[str, ...]:
    return (
        f"Shares speak of pain as rated near day {day} by those who came; whether those who did not come had responded "
        "is not recorded, and the two bounds show how much that leaves open.",
        "A part of what is seen as response is chance: patients are included when their pain is high, and ratings that "
        "are high come down by themselves.",
        "The weighted share is right only if, among episodes alike in what the weights know, coming in the window had "
        "nothing to do with pain.",
    )


def _end_notes(episodes: Episodes) -> tuple[str, ...]:
    from outcomes.cases.schema import MISSING

    if (episodes.columns["observable_until_day"] != MISSING).all():
        return ()
    return (
        "The day up to which every patient would have been seen is not known: episodes that began just before the end "
        "of the data count as not rated in the window.",
    )


def _summarise(outcomes: Outcomes, weighted: WeightedShare | None) -> dict[str, Any]:
    n, measured = outcomes.episode.size, outcomes.measured
    return {
        "n": int(n),
        "n_patients": int(np.unique(outcomes.patient).size),
        "n_measured": int(measured.sum()),
        "n_events": int(outcomes.responded.sum()),
        "n_too_young": outcomes.ledger.steps[-1].n_set_aside,
        "median_day": float(np.median(outcomes.day[measured])) if measured.any() else float("nan"),
        "effective_n": weighted.effective_n if weighted is not None else float("nan"),
        "largest_weight": weighted.largest_weight if weighted is not None else float("nan"),
    }
