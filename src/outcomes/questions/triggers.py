"""E14: which triggers come back? What set off the first episode against what set off the episode of the return.

Pairs are the first return of each patient that opened a new episode, with a trigger recorded in the first days of both
(`cases.summary`: what is written down later may depend on how the episode went). Someone who lifts for a living returns
after lifting because that is what he or she does all day: so the share with the same trigger again is put beside the
share there would be if the second did not depend on the first.

What set it off is told by the patient at the visit, and who remembers one trigger tends to name it again (recall).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.estimators.proportions import wilson
from outcomes.estimators.transitions import Transitions, transitions
from outcomes.ledger import Ledger, Step
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.results import ALL, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

COLUMNS = ("trigger", "label", "return_trigger", "return_label", "n", "events", "estimate", "expected")
SAME_COLUMNS = ("trigger", "label", "n", "events", "estimate", "conf_low", "conf_high", "expected", "p_value")
OTHER, OTHER_LABEL = "other", "other triggers"
NONE_KNOWN = "none_known"
DRAWS = 10_000
_FEW_PAIRS = (
    "Triggers of few pairs stand together as 'other triggers' in the table of pairs; of these no share of the same "
    "again is given."
)
_LEDGER = ("pain back during care still going on, no new episode", "trigger not recorded at both", "none known")


@dataclass(frozen=True, repr=False)
class TriggerReturns(CaseAnswer):
    """Triggers of episodes and of the returns after them.

    Attributes
    ----------
    table : DataFrame
        ``trigger, label, return_trigger, return_label, n, events, estimate, expected``: of the `n` pairs with a first
        trigger, `events` had the second one; `expected` is their share if the second did not depend on the first.
        Triggers of few pairs are `other`.
    same : DataFrame
        ``trigger, label, n, events, estimate, conf_low, conf_high, expected, p_value``: the same trigger again, for
        all pairs (``trigger = "all"``, with the p-value) and for each first trigger.
    summary : dict
        ``n`` pairs (one a patient), ``n_same``, ``n_returns`` first returns of patients.
    """

    table: pd.DataFrame
    same: pd.DataFrame


def compare_triggers(episodes: Episodes) -> TriggerReturns:
    """Compare what set off an episode with what set off the patient's first return.

    Parameters
    ----------
    episodes : Episodes

    Raises
    ------
    NotEstimable
        The export records no triggers, the end of observation is unknown, or there are fewer pairs than the floor.
    """
    results.check_episodes(episodes)
    protocol, codebook = episodes.protocol, episodes.visits.codebook
    if "trigger" not in episodes.columns:
        raise NotEstimable("Triggers cannot be compared: this export records no 'trigger'. Map the column it is in.")
    first, second, ledger, n_returns = _find_pairs(episodes)
    least = protocol.reporting_floor.estimate_min_episodes
    if first.size < least:
        raise NotEstimable(
            f"Triggers cannot be compared: fewer than {least} patients returned with a trigger recorded both times."
        )
    names = codebook.ids("trigger")
    found = transitions(first, second, len(names), DRAWS, protocol.inference.seed, protocol.inference.level)
    labels = {name: codebook.label("trigger", name) for name in names} | {OTHER: OTHER_LABEL}
    kept = [i for i in range(len(names)) if found.counts[i].sum() >= protocol.reporting_floor.proportion_min_n]
    return TriggerReturns(
        table=_pair_table(found, names, kept, labels),
        same=_same_table(found, names, kept, labels, protocol.inference.level),
        summary={"n": int(first.size), "n_same": int(np.trace(found.counts)), "n_returns": n_returns},
        settings=results.make_settings(
            episodes,
            question="the same trigger again at the first return",
            definition="first return of each patient that opened a new episode in the same region stream, a trigger "
            f"named within {protocol.baseline.window_days} days of the first visit, both times",
            estimator=f"share with Wilson interval; p-value from {DRAWS} deals of the second triggers among the pairs",
        ),
        ledger=ledger,
        notes=(
            "What set an episode off is what the patient told; who remembers one trigger tends to name it again.",
            "Pairs in which no trigger was known at one of the two are left out.",
            *((_FEW_PAIRS,) if len(kept) < len(names) else ()),
        ),
    )


def _find_pairs(episodes: Episodes) -> tuple[IntArray, IntArray, Ledger, int]:
    """Triggers, as positions in the codebook's list, of the first episode and of the first return of each patient."""
    from outcomes.cases.returns import NEW_EPISODE, build_return_rows

    returns = build_return_rows(episodes)
    trigger = episodes.columns["trigger"].astype(np.intp)
    came = np.flatnonzero(returns.event)
    back_day = returns.landmark_day[came] + returns.stop_days[came]
    order = came[np.lexsort((returns.episode[came], back_day, returns.patient[came]))]
    first = order[np.diff(returns.patient[order], prepend=-1) != 0]
    opened = returns.reason[first] == NEW_EPISODE
    before = trigger[returns.episode[first]]
    after = np.where(opened, trigger[episodes.visits.columns["episode"][returns.return_row[first]]], -1)
    recorded = opened & (before >= 0) & (after >= 0)
    none = episodes.visits.codebook.ids("trigger").index(NONE_KNOWN)
    named = recorded & (before != none) & (after != none)
    counts = (~opened, opened & ~recorded, recorded & ~named)
    aside = {reason: int(flags.sum()) for reason, flags in zip(_LEDGER, counts, strict=True)}
    repeats = {"a later return of the patient": came.size - first.size}
    step = Step("pairs of triggers", "episodes", came.size, int(named.sum()), merged=repeats, set_aside=aside)
    not_back = {"no return seen": returns.episode.size - came.size}
    seen = Step("returned", "episodes", returns.episode.size, came.size, set_aside=not_back)
    return before[named], after[named], returns.ledger.with_step(seen, step), int(first.size)


def _pair_table(found: Transitions, names: tuple[str, ...], kept: list[int], labels: dict[str, str]) -> pd.DataFrame:
    """One row a pair of shown triggers (`COLUMNS`); those of few pairs together."""
    import pandas as pd

    shown = [*(names[i] for i in kept), OTHER]
    place = np.full(len(names), len(kept), dtype=np.intp)
    place[kept] = np.arange(len(kept))
    pooled = np.zeros((len(shown), len(shown)), dtype=np.int64)
    np.add.at(pooled, (place[:, None], place[None, :]), found.counts)
    n, share = pooled.sum(axis=1), pooled.sum(axis=0) / pooled.sum()
    rows = [
        (one, labels[one], two, labels[two], int(n[i]), int(pooled[i, j]), pooled[i, j] / n[i], float(share[j]))
        for i, one in enumerate(shown)
        for j, two in enumerate(shown)
        if n[i] and share[j]
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _same_table(
    found: Transitions, names: tuple[str, ...], kept: list[int], labels: dict[str, str], level: float
) -> pd.DataFrame:
    """The same trigger again (`SAME_COLUMNS`): all pairs, then each shown trigger."""
    import pandas as pd

    total, n_same = int(found.counts.sum()), int(np.trace(found.counts))
    interval = (found.same, found.conf_low, found.conf_high, found.expected, found.p_value)
    rows: list[tuple[object, ...]] = [(ALL, "all triggers", total, n_same, *interval)]
    for i in kept:
        n, again = int(found.counts[i].sum()), int(found.counts[i, i])
        low, high = (float(limit[0]) for limit in wilson(again, n, level))
        expected = float(found.expected_rows[i])
        rows.append((names[i], labels[names[i]], n, again, again / n, low, high, expected, float("nan")))
    return pd.DataFrame(rows, columns=list(SAME_COLUMNS))
