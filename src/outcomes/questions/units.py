"""E12: clinics and clinicians beside what their patients led to expect. Never an order of merit.

For each unit the outcome that was observed stands beside what a model of case mix without unit terms expects
(`units_expected`), and ``observed / expected * mean`` is its standardised share. A funnel
(`outcomes.estimators.funnel`) says how far a unit of that size may lie from the mean by chance. What is asked of a unit
before it is compared:

=================================================  =====================================================
a unit with                                        has
=================================================  =====================================================
40 % or more of its visits without a pain score    no value, and no part in the mean: not comparable
fewer than 10 episodes                             no value
fewer than 30 episodes, or reliability below 0.7   no comparison; the share drawn towards the mean
none of these                                      its standardised share
=================================================  =====================================================

From 30 episodes on a unit is "worth a look" where its standardised share lies beyond the 99.8 % limits, whatever the
reliability (`units_lines.find_judged`): limits ask whether one unit lies further out than chance puts it, reliability
how much of what is seen between units of its size is true. Of one that is not compared it is said without the share.

Units stand in the order of their pseudonyms, whatever their values. Pseudo-observations, and several episodes of one
patient, say less than independent answers of yes and no; the limits count such episodes for fewer (`design_effect`).
Episodes of which little is expected say less about a ratio to it than others do, and count for fewer too (`size`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.cases.clinicians import note_shared
from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.estimators.funnel import LEAST_UNITS, LEVELS, funnel_limits
from outcomes.estimators.reliability import WANTED
from outcomes.ledger import Ledger
from outcomes.questions import results
from outcomes.questions.answer import Answer
from outcomes.questions.covariates import tabulate_blocks
from outcomes.questions.quarters import quarter_number, quarter_word, read_quarter
from outcomes.questions.units_lines import (
    MOST_MISSING,
    NAN,
    Lines,
    Scores,
    Units,
    check_recorded,
    compute_lines,
    count_scores,
    find_judged,
    find_units,
    say_why_not,
    spread_out,
)
from outcomes.questions.units_outcomes import (
    NOT_COMPARED,
    OUTCOMES,
    SMOOTHED,
    WINDOW_DAYS,
    UnitRows,
    build_unit_rows,
    check_outcome,
)
from outcomes.questions.units_patients import tabulate_patients

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

BY = ("clinic", "clinician")
INSIDE, BEYOND_95, BEYOND_998 = "inside the limits", "beyond the 95 % limits", "beyond the 99.8 % limits"
COLUMNS = (
    *("unit", "clinic", "n", "patients", "events", "visits", "missing", "completeness"),
    *("observed", "expected", "difference", "estimate", "conf_low", "conf_high", "size"),
    *("low_95", "high_95", "low_998", "high_998", "z", "reliability", "shrunken"),
    *("position", "is_compared", "is_flagged", "reason"),
)
CURVE_COLUMNS = ("size", "low_95", "high_95", "low_998", "high_998")
_CURVE_POINTS = 120


@dataclass(frozen=True, repr=False)
class UnitComparison(Answer):
    """Clinics or clinicians beside what was expected of them.

    Attributes
    ----------
    table : DataFrame
        One row a unit, in the order of the pseudonyms: ``unit``; ``clinic``;
        ``n`` episodes, ``patients``, ``events`` (seen with the outcome), ``visits`` of these episodes and those of them
        ``missing`` a pain score, ``completeness``; ``observed`` and ``expected`` sums and their ``difference``;
        ``estimate, conf_low, conf_high`` the standardised share; ``size`` the episodes of average case mix that would
        say as much, the place on the funnel's axis; ``low_95, high_95, low_998, high_998`` the limits there, those of
        ``size / design_effect`` independent answers of yes and no; ``z``;
        ``reliability``; ``shrunken``; ``position`` (empty where there are too few episodes or scores to say),
        ``is_compared, is_flagged`` (beyond the outer limits, also if not compared) and the ``reason`` why not compared.
    by, outcome, label : str
    summary : dict
        ``n, n_patients, n_events, n_units, n_compared, n_flagged, n_without_unit, target, phi, tau2, icc,
        median_odds_ratio, needed_n, design_effect, tau2_in_limits``.
    settings : dict
    ledger : Ledger
    notes : tuple of str
    more : mapping
        ``curve``: the funnel's limits over its sizes; ``columns``: what is expected by (``block, label, n_columns,
        is_adjusted``); ``patients``: patients by points of pain observed minus expected (``band, label, n, events,
        estimate``).
    """

    table: pd.DataFrame
    by: str
    outcome: str
    label: str
    summary: dict[str, Any]
    settings: dict[str, Any]
    ledger: Ledger
    notes: tuple[str, ...]
    more: Mapping[str, pd.DataFrame]


def compare_units(
    episodes: Episodes, by: str = "clinic", outcome: str = "relieved", since: str | None = None
) -> UnitComparison:
    """Put clinics, or clinicians, beside what their case mix led to expect.

    Parameters
    ----------
    episodes : Episodes
    by : str
        ``clinic`` or ``clinician`` of the first visit; a code at two clinics is one clinician at each
        (`cases.clinicians`).
    outcome : str
        One of `units_outcomes.OUTCOMES`.
    since : str, optional
        First quarter, ``"2026Q1"``; all when not given.

    Raises
    ------
    InputRefused
        E860 no such outcome, E861 no such unit.
    NotEstimable
        The export records no such unit, or one unit has all episodes; no episode is old enough; a few episodes would
        decide what is seen; no calendar for `since`.
    """
    results.check_episodes(episodes)
    if by not in BY:
        finding = Finding("E861", "is no unit that can be compared.", "by", f"Choose: {', '.join(BY)}.")
        raise InputRefused("Units cannot be compared.", [finding])
    check_outcome(outcome)
    if since is not None:
        read_quarter(since)
    check_recorded(episodes, by)
    rows = _since(episodes, build_unit_rows(episodes, outcome), since)
    units = find_units(episodes, rows.episode, by)
    if len(units.names) < 2:
        who = f"one {by} has all of these episodes" if units.names else f"no {by} is recorded for these episodes"
        raise NotEstimable(f"{by.capitalize()}s cannot be compared: {who}, and there is nothing to compare.")
    scores = count_scores(episodes, rows.episode, units)
    comparable = np.flatnonzero(scores.share_missing < MOST_MISSING)
    lines = compute_lines(episodes, rows, units, comparable)
    table = _tabulate(episodes, rows, units, scores, lines, by)
    return UnitComparison(
        table=table,
        by=by,
        outcome=outcome,
        label=rows.label,
        summary=_summarise(rows, units, lines, table),
        settings=_settings(episodes, rows, by, since, lines),
        ledger=episodes.ledger,
        notes=_notes(episodes, units, lines, by, rows),
        more={
            "curve": _tabulate_curve(lines, episodes.protocol.reporting_floor.funnel_show_n),
            "columns": tabulate_blocks(lines.model.used, lines.model.left),
            "patients": tabulate_patients(episodes),
        },
    )


def _since(episodes: Episodes, rows: UnitRows, since: str | None) -> UnitRows:
    """Keep episodes that started in a quarter or later."""
    if since is None:
        return rows
    number = read_quarter(since)
    if not episodes.has_calendar:
        raise NotEstimable("Quarters cannot be told apart: this export has day numbers and no calendar.")
    kept = quarter_number(episodes.columns["index_day"][rows.episode]) >= number
    if not kept.any():
        raise NotEstimable(f"{NOT_COMPARED}: no episode since {quarter_word(number)} is old enough.")
    return rows.take(kept)


def _tabulate(episodes: Episodes, rows: UnitRows, units: Units, scores: Scores, lines: Lines, by: str) -> pd.DataFrame:
    """One row a unit (`COLUMNS`)."""
    import pandas as pd

    known, size = units.code >= 0, len(units.names)
    of_patient = np.unique(np.column_stack([units.code, rows.patient])[known], axis=0)[:, 0]

    reasons = say_why_not(lines, scores, episodes.protocol)
    shown, compared = lines.shown, np.array([not reason for reason in reasons])
    columns: dict[str, Any] = {
        "unit": list(units.names),
        "clinic": _find_clinics(episodes, units, by),
        "n": np.bincount(units.code[known], minlength=size),
        "patients": np.bincount(of_patient, minlength=size),
        "events": np.bincount(units.code[known & rows.event], minlength=size),
        "visits": scores.visits,
        "missing": scores.missing,
        "completeness": 1.0 - scores.share_missing,
        "observed": np.where(shown, lines.observed, NAN),
        "expected": np.where(shown, lines.expected, NAN),
        "difference": np.where(shown, lines.observed - lines.expected, NAN),
        "estimate": lines.estimate,
        "conf_low": lines.low,
        "conf_high": lines.high,
        "size": lines.size,
        **_limit_columns(lines),
        "z": lines.spread("z"),
        "reliability": lines.spread("rho"),
        "shrunken": lines.spread("shrunken"),
    }
    table = pd.DataFrame(columns)
    beyond = _find_beyond(table)
    judged = find_judged(lines, episodes.protocol)
    table["position"] = np.where(judged, np.array([INSIDE, BEYOND_95, BEYOND_998], dtype=object)[beyond], "")
    table["is_compared"] = compared
    table["is_flagged"] = judged & (beyond == 2)
    table["reason"] = reasons
    return table[list(COLUMNS)]


def _limit_columns(lines: Lines) -> dict[str, results.FloatArray]:
    """The limits at each unit's own size."""
    found, names = lines.limits, [("95", 0), ("998", 1)]
    return {
        f"{end}_{name}": spread_out(lines.shown, None if found is None else getattr(found, end)[:, j])
        for name, j in names
        for end in ("low", "high")
    }


def _find_beyond(table: pd.DataFrame) -> results.IntArray:
    """0 inside, 1 beyond the 95 % limits, 2 beyond those of 99.8 %; 0 where there is no share."""
    share = table["estimate"]
    outside = [((share < table[f"low_{name}"]) | (share > table[f"high_{name}"])) for name in ("95", "998")]
    return np.asarray(outside[0].to_numpy().astype(np.intp) + outside[1].to_numpy().astype(np.intp))


def _find_clinics(episodes: Episodes, units: Units, by: str) -> list[str]:
    """The clinic of each unit; empty where none is named."""
    if by == "clinic":
        return list(units.names)
    clinicians = episodes.visits.clinicians
    words = [*(str(word) for word in episodes.visits.words.codes.get("clinic", ())), ""]
    clinic_of = dict(zip(clinicians.names, clinicians.clinic.tolist(), strict=True))
    return [words[clinic_of[name]] for name in units.names]


def _tabulate_curve(lines: Lines, least: int) -> pd.DataFrame:
    """The funnel's limits from just below the least size that is shown to beyond the largest, in whole tens."""
    import pandas as pd

    if lines.limits is None:
        return pd.DataFrame([], columns=list(CURVE_COLUMNS))
    # Neither end tells the size of a unit, which may be hidden.
    ends = 0.8 * least, 10.0 * np.ceil(1.05 * lines.limits.size.max() / 10.0)
    sizes = np.geomspace(*ends, _CURVE_POINTS)
    found = funnel_limits(sizes, lines.target, tau2=lines.tau2_used, design_effect=lines.design_effect)
    columns = (sizes, found.low[:, 0], found.high[:, 0], found.low[:, 1], found.high[:, 1])
    return pd.DataFrame(dict(zip(CURVE_COLUMNS, columns, strict=True)))


def _summarise(rows: UnitRows, units: Units, lines: Lines, table: pd.DataFrame) -> dict[str, Any]:
    spread, dispersion = lines.reliability, lines.dispersion
    return {
        "n": int((units.code >= 0).sum()),
        "n_patients": int(np.unique(rows.patient[units.code >= 0]).size),
        "n_events": int(rows.event[units.code >= 0].sum()),
        "n_units": len(units.names),
        "n_compared": int(table["is_compared"].sum()),
        "n_flagged": int(table["is_flagged"].sum()),
        "n_without_unit": int((units.code < 0).sum()),
        "target": lines.target,
        "phi": dispersion.phi if dispersion is not None else NAN,
        "tau2_in_limits": lines.tau2_used,
        "tau2": spread.tau2 if spread is not None else NAN,
        "icc": spread.icc if spread is not None else NAN,
        "median_odds_ratio": spread.median_odds_ratio if spread is not None else NAN,
        "needed_n": spread.needed_n if spread is not None else NAN,
        "design_effect": lines.design_effect,
    }


def _settings(episodes: Episodes, rows: UnitRows, by: str, since: str | None, lines: Lines) -> dict[str, Any]:
    floor = episodes.protocol.reporting_floor
    return results.make_settings(
        episodes,
        question=f"{by}s beside what was expected",
        definition=f"share of episodes {rows.label}, by the {by} of the first visit",
        estimator="observed / expected * mean; " + _say_values(rows),
        expected=f"{lines.model.model} model of the case mix without terms for the {by}",
        interval="Wilson on the size, episodes counted for fewer by the design effect; patients taken together",
        limits="exact binomial of size / design_effect episodes, interpolated, 95 % and 99.8 %; widened by an additive "
        "variance between units "
        f"(10 % winsorised) from {LEAST_UNITS} units on",
        levels=", ".join(f"{level:g}" for level in LEVELS),
        reliability="moments; beta-binomial shrinkage",
        gate=f"at least {floor.funnel_flag_n} episodes, reliability {WANTED:g}, and fewer than {MOST_MISSING:.0%} of "
        f"visits without a pain score; shown from {floor.funnel_show_n} episodes, and said to lie beyond the limits "
        f"from {floor.funnel_flag_n} episodes on whatever the reliability",
        by=by,
        outcome=rows.outcome,
        since=since or "",
        tag="descriptive",
    )


def _say_values(rows: UnitRows) -> str:
    if rows.is_yes_no:
        return "the outcome as seen"
    if rows.outcome not in SMOOTHED:
        return "pseudo-observations of the outcome"
    first, last = rows.day - min(WINDOW_DAYS, rows.day), rows.day + min(WINDOW_DAYS, rows.day)
    return (
        f"mean of the pseudo-observations of days {first} to {last}, moved so that all together have the curve's share "
        f"on day {rows.day}"
    )


def _notes(episodes: Episodes, units: Units, lines: Lines, by: str, rows: UnitRows) -> tuple[str, ...]:
    left = dict.fromkeys(block.label.lower() for block in lines.model.left)
    few = len(units.names) < LEAST_UNITS
    return (
        "What lies beyond the limits is worth a look, and its recording comes first: patients differ in more than case "
        "mix covers, and what is written down differs too.",
        "Episodes count for the clinic and clinician of their first visit. A patient's episodes are taken together "
        "within each of them; that some patients went to several is not allowed for.",
        *(
            (
                f"With so few {by}s the spread between them is hardly known, the limits are not widened for it, and "
                "each is a good part of the mean it is held to: the limits err on the wide side.",
            )
            if few
            else ()
        ),
        *(note_shared(episodes.visits) if by == "clinician" else ()),
        *((f"Episodes without a recorded {by} belong to none.",) if (units.code < 0).any() else ()),
        *((f"Not in what is expected, too few events: {', '.join(left)}.",) if left else ()),
        *(
            ()
            if rows.is_yes_no
            else ("Observed numbers are sums of pseudo-observations: whole counts of relief or return are never seen.",)
        ),
        *(
            (
                "The mean is that of the episodes compared, which all began long enough before the data end: it may "
                "differ by a point or so from the share among all episodes.",
            )
            if rows.outcome in SMOOTHED
            else ()
        ),
        *results.context_notes(None, episodes.has_calendar),
    )


__all__ = ["OUTCOMES", "UnitComparison", "compare_units"]
