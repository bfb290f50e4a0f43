"""How far does the headline move? The share relieved under every threshold, confirmation and way to cut episodes.

No definition of relief or of an episode is the right one, and the choice moves the figure more than chance does. So all
of them are computed, and shown together (a specification curve; Simonsohn, Simmons and Nelson 2020,
doi:10.1038/s41562-020-0912-z).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcomes.errors import NotEstimable
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.episode_gaps import cut_by_gaps
from outcomes.questions.relief_fit import fit_curve
from outcomes.questions.relief_rows import build_rows

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

COLUMNS = ("threshold", "confirmation", "episode_rule", "gap_days", "is_reported", "estimate", "n", "events")
RULE_OF_THRESHOLD = {"reduction": "confirmed", "pct30_and_2": "pct30_and_2", "resolved": "resolved", "zero": "zero"}
AS_REPORTED, GAP_ONLY = "as reported", "gap only"


@dataclass(frozen=True, repr=False)
class ReliefDefinitions(CaseAnswer):
    """The share relieved by the primary day under other definitions.

    Attributes
    ----------
    table : DataFrame
        ``threshold, confirmation, episode_rule, gap_days, is_reported, estimate, n, events``, one row a definition;
        `estimate` NaN where a definition leaves too few episodes or too short an observation.
    summary : dict
        ``day, reduction_pct, n_definitions, n_estimated``.
    """

    table: pd.DataFrame


def compare_relief_definitions(episodes: Episodes) -> ReliefDefinitions:
    """Estimate the share relieved by the primary day under each threshold x confirmation x way to cut episodes.

    Parameters
    ----------
    episodes : Episodes

    Returns
    -------
    ReliefDefinitions

    Raises
    ------
    NotEstimable
        No episode is eligible.
    """
    results.check_episodes(episodes)
    import pandas as pd

    from outcomes.cases.timeline import CONFIRMATIONS

    protocol = episodes.protocol
    day = protocol.horizons_days.primary
    if not episodes.columns["is_eligible"].any():
        raise NotEstimable("Definitions of relief cannot be compared: no episode is eligible.")
    rows: list[tuple[object, ...]] = []
    for words, gap, cut in _ways_to_cut(episodes):
        for threshold, rule in RULE_OF_THRESHOLD.items():
            for confirm in CONFIRMATIONS:
                found = build_rows(cut, rule, confirm=confirm)
                curve = fit_curve(words, found, protocol)[0]
                reported = (words, threshold, confirm) == (AS_REPORTED, "reduction", protocol.relief.confirm)
                share = results.read_day(curve, day)[0]
                rows.append((threshold, confirm, words, gap, reported, share, curve.n, int(curve.events[day])))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    known = table["estimate"].dropna()
    return ReliefDefinitions(
        table=table,
        summary={
            "day": day,
            "reduction_pct": protocol.relief.pct_reduction,
            "n_definitions": len(table),
            "n_estimated": len(known),
        },
        settings=results.make_settings(
            episodes, question=f"share relieved by day {day} under other definitions", estimator="as time to relief"
        ),
        ledger=episodes.ledger,
        notes=(
            "Where episodes end by a gap only, rules B and C (pain is back after relief, a new complaint) are off.",
            *(
                ("Definitions without a share leave too few episodes, or end too early.",)
                if len(known) < len(table)
                else ()
            ),
        ),
    )


def _ways_to_cut(episodes: Episodes) -> Iterator[tuple[str, int, Episodes]]:
    """The reported way to cut episodes, then gaps alone."""
    yield AS_REPORTED, episodes.protocol.episode.gap_days, episodes
    for gap, cut in cut_by_gaps(episodes):
        yield GAP_ONLY, gap, cut
