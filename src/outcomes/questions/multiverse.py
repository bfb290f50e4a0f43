"""The definition multiverse: every choice of relief, return and episode at once, and what is left of the comparisons.

No definition is the right one. So the headline figures, and the adjusted difference of each family of treatments, are
estimated under every combination of them (multiverse analysis: Steegen et al. 2016, Perspectives on Psychological
Science 11:702-712; specification curve: Simonsohn, Simmons and Nelson 2020, doi:10.1038/s41562-020-0912-z):

=============  =====================================================================================================
relief rule    as reported; 30 % below the first rating; a second rating must confirm
landmark       as reported; 14 and 60 days after relief (returns only)
episodes       as reported; ended by a gap of 60, or of 180 days, and nothing else
comparison     each family of treatments or bundle of them, all in one model (`joint_families`)
=============  =====================================================================================================

For the families it is also asked how far their order and their signs hold (Kendall's tau with the reported
definitions). This is not a league table: rows keep the codebook's order, and no family is put before another. What may
be compared, and what stands as one bundle, is decided once, under the reported definitions; the same model, columns
chosen anew, is then fitted under the others. A family for which a definition leaves too few has its reason there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.cases.arguments import check_list, check_whole, refused
from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.multiverse_families import FamilyLine, decide_families, fit_families
from outcomes.questions.multiverse_tables import (
    COLUMNS,
    RELIEF,
    RETURN,
    Specification,
    tabulate_agreement,
    tabulate_stability,
)
from outcomes.questions.one_thread import one_thread
from outcomes.questions.relief_fit import fit_curve
from outcomes.questions.relief_rows import build_rows
from outcomes.questions.return_lines import AtRisk, fit_line

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

RELIEF_RULES = ((30, "if_observable"), (50, "strict"))
LANDMARKS_DAYS = (14, 60)
GAPS_DAYS = (60, 180)
_DAYS = "whole numbers of days"
_PAIRS = 'pairs of percent and confirmation, for example (30, "any")'
QUARTER_REVIEW_DAYS = 182
Progress = Callable[[str], None]


@dataclass(frozen=True, repr=False)
class Multiverse(CaseAnswer):
    """Estimates under every combination of definitions.

    Attributes
    ----------
    table : DataFrame
        One row a specification and estimate: ``relief_rule, landmark_days, episode_rule, gap_days, is_reported,
        measure, contrast, label, horizon_days, estimate, conf_low, conf_high, n, events, reason``. `measure` is
        ``relieved`` (share by the primary day), ``returned`` (share by 182 days and by the primary day of returns) or
        ``difference`` (adjusted, with a family less without it). `landmark_days` is empty where no landmark plays a
        part; shares relieved have no interval here.
    summary : dict
        ``n_specifications, n_estimates, n_estimated, n_contrasts, day``, and, where families could be compared,
        ``least_tau``.
    more : dict of DataFrame
        ``stability``: one row a way to define relief and episodes: ``relief_rule, episode_rule, gap_days, is_reported,
        n_contrasts, tau, sign_agreement``. ``agreement``: one row a family: ``contrast, label, reported,
        n_specifications, n_estimated, sign_agreement, lowest, highest, n_above_zero, n_below_zero`` (intervals that lie
        on one side of zero).
    """

    table: pd.DataFrame
    more: dict[str, pd.DataFrame] = field(default_factory=dict)


@one_thread
def explore_definitions(
    episodes: Episodes,
    relief_rules: Sequence[tuple[int, str]] = RELIEF_RULES,
    landmarks_days: Sequence[int] = LANDMARKS_DAYS,
    gaps_days: Sequence[int] = GAPS_DAYS,
    families: bool = True,
    progress: Progress = lambda _: None,
) -> Multiverse:
    """Estimate relief, return and the difference of each family under every combination of definitions.

    Parameters
    ----------
    episodes : Episodes
        As reported; their protocol is one of the combinations.
    relief_rules : sequence of (int, str)
        Percent below the first rating and confirmation (`protocol.relief`), beside those reported.
    landmarks_days : sequence of int
        Days from relief to the landmark of returns, beside those reported.
    gaps_days : sequence of int
        Gaps that end an episode by themselves, beside the reported way to cut.
    families : bool
        Whether families of treatments are compared too; that takes most of the time.
    progress : callable
        Told, in a few words, what is being done.

    Returns
    -------
    Multiverse

    Raises
    ------
    ConfigError
        A relief rule, landmark or gap that no protocol may have.
    InputRefused
        E657 no episodes; E659 what is no list of whole numbers, or of pairs of one and a word; E889 a gap that is not
        longer than the window of the first rating.
    NotEstimable
        No episode is eligible.
    """
    results.check_episodes(episodes)
    rules = _check_rules(relief_rules)
    waits, gaps = _check_days("landmarks_days", landmarks_days, 0), _check_days("gaps_days", gaps_days, 1)
    results.check_progress(progress)
    import pandas as pd

    if not episodes.columns["is_eligible"].any():
        raise NotEstimable("Definitions cannot be compared: no episode is eligible for relief.")
    notes: list[str] = []
    model = decide_families(episodes, notes) if families else None
    rows: list[tuple[object, ...]] = []
    for spec, protocol in _list_ways(episodes.protocol, rules, gaps):
        progress(f"{spec.relief_rule}, {spec.episode_rule} {spec.gap_days} days")
        cut = _cut(episodes, protocol)
        rows.append(_row(spec, RELIEF, _relief(cut)))
        for wait in dict.fromkeys([episodes.protocol.recurrence.landmark_days, *waits]):
            reported = spec.is_reported and wait == episodes.protocol.recurrence.landmark_days
            at = replace(spec, landmark_days=wait, is_reported=reported)
            rows += [_row(at, RETURN, found) for found in _returns(cut, wait, notes)]
        if model is not None:
            rows += [_family_row(spec, cut, line) for line in fit_families(cut, model, spec.is_reported)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return _make_result(episodes, table, tuple(dict.fromkeys(notes)))


def _check_rules(given: Any) -> list[tuple[int, str]]:
    """Return the relief rules, or refuse what are no pairs of a whole percentage and a word (E659)."""
    name, rules = "relief_rules", []
    for i, rule in enumerate(check_list(name, given, _PAIRS)):
        if isinstance(rule, str) or not isinstance(rule, Sequence) or len(rule) != 2 or not isinstance(rule[1], str):
            raise refused(name, f"must be a list of {_PAIRS}.")
        rules.append((check_whole(f"{name}[{i}][0]", rule[0], 1), rule[1]))
    return rules


def _check_days(name: str, given: Any, least: int) -> list[int]:
    return [check_whole(f"{name}[{i}]", day, least) for i, day in enumerate(check_list(name, given, _DAYS))]


def _list_ways(
    reported: Protocol, relief_rules: Sequence[tuple[int, str]], gaps_days: Sequence[int]
) -> Iterator[tuple[Specification, Protocol]]:
    """Every way to define relief and to cut episodes, the reported one first."""
    own = (reported.relief.pct_reduction, reported.relief.confirm)
    rules = list(dict.fromkeys([own, *relief_rules]))
    for gap in (None, *dict.fromkeys(gaps_days)):
        episode = reported.episode
        if gap is not None:
            _check_gap(gap, reported)
            episode = replace(episode, gap_days=gap, relief_rule=False, new_onset_rule=False)
        for rule in rules:
            relief = replace(reported.relief, pct_reduction=rule[0], confirm=rule[1])
            is_reported = gap is None and rule == own
            way = "as reported" if gap is None else "gap only"
            spec = Specification(f"pct{rule[0]}_{rule[1]}", np.nan, way, episode.gap_days, is_reported)
            yield spec, replace(reported, relief=relief, episode=episode)


def _check_gap(gap: int, protocol: Protocol) -> None:
    window = protocol.baseline.window_days
    if gap <= window:
        what = f"is not longer than the {window} days in which the first rating counts."
        finding = Finding("E889", what, f"gaps_days: {gap}", "Choose a longer gap.")
        raise InputRefused("Definitions cannot be compared.", [finding])


def _cut(episodes: Episodes, protocol: Protocol) -> Episodes:
    from outcomes.cases.episodes import build_episodes

    return episodes if protocol == episodes.protocol else build_episodes(episodes.visits, protocol)


Found = tuple[int, float, float, float, int, int]
"""Horizon, estimate, limits, rows and events."""


def _relief(episodes: Episodes) -> Found:
    day, confirm = episodes.protocol.horizons_days.primary, episodes.protocol.relief.confirm
    curve = fit_curve("multiverse", build_rows(episodes, "confirmed", confirm=confirm), episodes.protocol)[0]
    share = results.read_day(curve, day)[0]
    return day, share, np.nan, np.nan, curve.n, int(curve.events[day])


def _returns(episodes: Episodes, wait: int, notes: list[str]) -> Iterator[Found]:
    from outcomes.cases.returns import build_return_rows

    try:
        curve = fit_line("multiverse", AtRisk.of(build_return_rows(episodes, landmark_days=wait)), episodes.protocol)
    except NotEstimable as refusal:
        notes.append(f"Returns: {results.say_refusal(refusal)}.")
        return
    for day in dict.fromkeys([QUARTER_REVIEW_DAYS, episodes.protocol.horizons_days.primary_recurrence]):
        yield day, *results.read_day(curve, day), curve.n, int(curve.events[day])


def _row(spec: Specification, measure: str, found: Found) -> tuple[object, ...]:
    reason = "too few episodes, or followed too short" if np.isnan(found[1]) else ""
    label = "relieved by the day" if measure == RELIEF else "returned within the days"
    return (*spec.values(), measure, "", label, *found, reason)


def _family_row(spec: Specification, episodes: Episodes, line: FamilyLine) -> tuple[object, ...]:
    day = episodes.protocol.horizons_days.primary
    numbers = (line.estimate, line.conf_low, line.conf_high, line.n, line.events)
    return (*spec.values(), "difference", line.contrast, line.label, day, *numbers, line.reason)


def _make_result(episodes: Episodes, table: pd.DataFrame, notes: tuple[str, ...]) -> Multiverse:
    stability, agreement = tabulate_stability(table), tabulate_agreement(table)
    ways = ["relief_rule", "landmark_days", "episode_rule", "gap_days"]
    others = stability.loc[~stability["is_reported"], "tau"].dropna()
    summary = {
        "n_specifications": int(table[table["measure"] == RETURN][ways].drop_duplicates().shape[0])
        or int(table[ways].drop_duplicates().shape[0]),
        "n_estimates": len(table),
        "n_estimated": int(table["estimate"].notna().sum()),
        "n_contrasts": len(agreement),
        "day": episodes.protocol.horizons_days.primary,
        **({"least_tau": float(others.min())} if len(others) else {}),
    }
    settings = results.make_settings(
        episodes,
        question="relief, return and differences of families under other definitions",
        estimator="as time to relief, as return, and the joint model of all families",
        stability="Kendall's tau-b with the reported definitions, and the share of equal signs",
        tag="adjusted association",
    )
    said = (
        "Where episodes end by a gap only, rules B and C (pain is back after relief, a new complaint) are off.",
        "Patients who get a treatment differ from those who do not; the adjustment covers only what is recorded.",
        "The lines stand in the order of the codebook. That an order holds under other definitions does not make it "
        "right: all of them share the same records, and the same that is not in them.",
    )
    more = {name: made for name, made in (("stability", stability), ("agreement", agreement)) if len(made)}
    return Multiverse(summary, settings, episodes.ledger, (*said, *notes), table, more)
