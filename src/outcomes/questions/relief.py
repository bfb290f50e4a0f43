"""E1: how fast is relief? The share of episodes that reached relief by each day.

Relief shows only at a visit: it lies in ``(left, right]``, between the last rating without it and the first with it.
The main line is therefore the interval-censored curve (`outcomes.estimators.npmle`): the share that reached relief by
day t, estimated from the ratings before and after. It is read at its lower bound: mass counts on the day by which
relief must have come. Its interval comes from a bootstrap that draws patients, each with all of his or her episodes.

Beside it stand what a reader needs to judge it:

- the second line, "KM at visit", Kaplan-Meier with the event on the day of that visit, for readers who will compute it
  themselves. An episode without relief is censored on the day of its last measured visit in both, never later: days
  after it were not observed, and counting them as free of relief would halve the figure. An episode with a single
  measured visit is censored at day 0 and stays in n;
- the line per patient, each patient counting once however many episodes he or she brings;
- the share under other rules of relief, for a choice of rule moves the answer (`Relief.definitions`; the whole grid is
  `compare_relief_definitions`);
- the share had those who stopped coming fared otherwise than those still seen: from "none of them" to "all the next
  day" (`Relief.if_stopped`);
- how episodes end, relief, stop or discharge, as competing ends (`Relief.ends`; Aalen-Johansen, for one minus
  Kaplan-Meier of one end alone would overstate it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.estimators import npmle
from outcomes.estimators.interval_test import interval_logrank
from outcomes.ledger import Ledger
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.between_clinics import ESTIMATOR as BETWEEN_CLINICS
from outcomes.questions.between_clinics import clinic_notes, find_clinics, relief_between, tabulate_between
from outcomes.questions.group_tests import Tested, compare_groups
from outcomes.questions.relief_adjusted import ESTIMATOR as ADJUSTED
from outcomes.questions.relief_adjusted import tabulate_adjusted
from outcomes.questions.relief_fit import BAND_MIN_EVENTS, fit_curve, fit_group, fit_km, fit_line
from outcomes.questions.relief_notes import bounds_notes, fates_notes, gap_notes, standing_notes
from outcomes.questions.relief_rows import STOPPED, ReliefRows, build_rows
from outcomes.questions.relief_tables import ends_table, if_stopped_table, times_table
from outcomes.questions.relief_tipping import tabulate_tipping
from outcomes.questions.results import IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

ESTIMATOR = "interval-censored curve (NPMLE, lower bound), patient bootstrap interval"
DEFINITION_COLUMNS = ("rule", "definition", "estimate", "n", "events")
_TOO_FEW = "Not compared with the others, having fewer than {rows} episodes or {events} with relief recorded"
YOUNG_QUARTERS_NOTE = (
    "Episodes of the newest quarters were followed only briefly; the page calls a quarter too early until all of its "
    "episodes could have been."
)
SECOND_LINE = "KM at visit: Kaplan-Meier at the visit where relief was recorded, patient bootstrap interval"


@dataclass(frozen=True, repr=False)
class Relief(CaseAnswer):
    """Time to relief.

    Attributes
    ----------
    table : DataFrame
        ``group, horizon_days, estimate, conf_low, conf_high, n, events``: share that reached relief by each day,
        estimated from the ratings before and after; `n` episodes of the group, `events` those with relief recorded by
        that day.
    curve : DataFrame
        ``group, day, estimate, conf_low, conf_high, at_risk``, one row a day up to the day before `curve_stop`;
        `at_risk` counts episodes neither relieved before that day nor last measured before it. Also ``upper``, the
        curve's upper bound (mass counted where its interval begins); ``band_low, band_high``, the band that holds the
        whole curve at once from the day by which `relief_fit.BAND_MIN_EVENTS` were seen relieved;
        ``if_none_of_stopped, if_all_of_stopped``, as in `if_stopped`.
    times : DataFrame
        ``group, measure, after_days, estimate, conf_low, conf_high, n, events``: days by which a quarter, half and
        three quarters had relief (it came after `after_days`), and the mean days without relief up to the horizon.
    tests : DataFrame
        ``comparison, group, other, statistic, df, p_value, p_holm, n, events``: log-rank type tests for interval data
        between groups, of all together and of each pair, over the whole follow-up; no rows without groups or with
        weights. Episodes without the group recorded are no side.
    if_stopped : DataFrame
        ``group, horizon_days, ratio, estimate, conf_low, conf_high, n, events, told, stopped``: the share had those who
        stopped coming, from then on, `ratio` times the hazard of relief of those still seen; 0 none of them, 1 the main
        line, inf all on the day after their last rating. `told` episodes are old enough for a stop to be known; of
        these `stopped` did.
    tipping : DataFrame
        ``group, other, horizon_days, estimate, if_none_of_stopped, if_all_of_stopped, tipping_ratio, n, events``: the
        difference of each pair of groups, and the ratio at which it changes its sign (`relief_tipping`).
    adjusted : DataFrame
        ``group, horizon_days, unadjusted, modelled, estimate, conf_low, conf_high, time_ratio, ratio_low, ratio_high,
        reference, n, events``: the share of each group by the primary day had all come alike, and how many times as
        long relief takes as in the reference (`relief_adjusted`). No rows without groups, or with weights.
    ends, ends_curve : DataFrame
        ``group, horizon_days (day), end, estimate, conf_low, conf_high, ...``: share of the episodes old enough for a
        stop to be known that ended by each day in each of `relief_rows.ENDS`.
    km_at_visit, per_patient : DataFrame
        The second line and the line per patient, columns as `table`.
    between_clinics : DataFrame
        As `table`, with limits that take clinics as drawn (`between_clinics`). No rows where groups were asked for, or
        where there are fewer than `between_clinics.LEAST_CLINICS`.
    definitions : DataFrame
        ``rule, definition, estimate, n, events``: the share by the primary day under the main rule, ``any``,
        ``confirmed``, ``strict``, ``resolved`` and the protocol's further alternatives, without an interval; NaN past
        that rule's last day or under the floor. No rows where groups were asked for.
    summary : dict
        Of all groups together: ``n, n_patients, n_events, n_stopped, n_one_visit`` (with a single rating),
        ``median_days, median_after_day, rmst_days, last_day, resolution_median_days, resolution_over_14_share,
        relief_at_last_visit_share, certificate_gap``; NaN where not known.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    times: pd.DataFrame
    tests: pd.DataFrame
    if_stopped: pd.DataFrame
    tipping: pd.DataFrame
    adjusted: pd.DataFrame
    ends: pd.DataFrame
    ends_curve: pd.DataFrame
    km_at_visit: pd.DataFrame
    per_patient: pd.DataFrame
    between_clinics: pd.DataFrame
    definitions: pd.DataFrame


def estimate_relief(
    episodes: Episodes, by: str | None = None, weights: ArrayLike | None = None, rule: str | None = None
) -> Relief:
    """Estimate the share of episodes that reached relief by each day.

    Parameters
    ----------
    episodes : Episodes
        As `build_episodes` returns them; inception episodes with a high enough first rating are used.
    by : str, optional
        Column of ``episodes.table`` to split by: one of `results.GROUP_COLUMNS`, fixed when an episode starts.
    weights : array_like, shape (episodes.n,), optional
        One weight an episode of the table, 0 or more, fractions allowed. The intervals take them as given; counts
        (``n, events, at_risk``) stay numbers of episodes. Tests between groups are not given then.
    rule : str, optional
        ``any``, ``confirmed``, ``strict``, ``resolved``, ``pct30_and_2`` or ``zero``; what the protocol's
        ``relief.confirm`` stands for when not given (``any``, ``if_observable`` = ``confirmed``, ``strict``).

    Returns
    -------
    Relief

    Raises
    ------
    InputRefused
        Unknown rule or column, a column that is known only later in an episode, or weights that are none.
    NotEstimable
        No eligible episode, or a column this export does not have.
    """
    results.check_episodes(episodes)
    from outcomes.cases.timeline import default_relief_rule

    rule = default_relief_rule(episodes.protocol) if rule is None else rule
    _check_rule(rule)
    protocol = episodes.protocol
    rows = build_rows(episodes, rule, weights)
    if not rows.episode.size:
        raise NotEstimable(_nobody(rows.ledger, protocol.reporting_floor.suppress_cell_below))
    split = list(results.split_groups(episodes, rows.episode, by))
    used = [(name, rows.take(part)) for name, part in split]
    fits = [fit_group(name, part, protocol) for name, part in used]
    horizons = protocol.horizons_days.relief

    def test(part: IntArray, group: IntArray) -> Tested:
        return interval_logrank(rows.left_days[part], rows.right_days[part], group, cluster=rows.patient[part])

    # The test knows no weights.
    tested = split if weights is None else []
    tests, test_notes = compare_groups(tested, rows.seen, test, protocol, _TOO_FEW)
    curves, if_stopped = [fit.curve for fit in fits], if_stopped_table(fits, horizons)
    alike = split if by is not None and weights is None else []
    adjusted, adjusted_notes = tabulate_adjusted(episodes, rows, alike, fits if alike else [], by or "")
    second, spread_notes = _compare_clinics(episodes, curves[0], used[0][1]) if by is None else (None, ())
    return Relief(
        table=results.horizon_table(curves, horizons),
        curve=results.curve_table(curves),
        times=times_table(fits),
        tests=tests,
        if_stopped=if_stopped,
        tipping=tabulate_tipping(fits if by else (), protocol),
        adjusted=adjusted,
        ends=ends_table(fits, horizons),
        ends_curve=results.curve_table([end for fit in fits for end in fit.fates.ends]),
        km_at_visit=results.horizon_table([fit_km(name, part, protocol) for name, part in used], horizons),
        per_patient=results.horizon_table([_fit_per_patient(name, part, protocol) for name, part in used], horizons),
        between_clinics=tabulate_between(second, horizons),
        definitions=_compare_rules(episodes, _compared(rule, protocol) if by is None else (), weights),
        summary=_summarise(episodes, rows.take(np.arange(rows.episode.size)), protocol),
        settings=_describe(episodes, rule, by, weights is not None),
        ledger=rows.ledger,
        notes=(
            *standing_notes(),
            *spread_notes,
            *bounds_notes(if_stopped),
            *results.context_notes(by, episodes.has_calendar),
            *((YOUNG_QUARTERS_NOTE,) if by == "index_quarter" else ()),
            *(("Other rules of relief are compared without groups only.",) if by else ()),
            *test_notes,
            *adjusted_notes,
            *fates_notes(fits, protocol),
            *gap_notes(curves, horizons),
            *(("Tests between groups are not given for weighted episodes.",) if by and weights is not None else ()),
            *results.curve_notes(curves, horizons, protocol),
        ),
    )


def _compare_clinics(
    episodes: Episodes, curve: results.DayCurve, rows: ReliefRows
) -> tuple[results.DayCurve | None, tuple[str, ...]]:
    """The curve with limits that take clinics as drawn, and what intervals say of clinics."""
    clinics = find_clinics(episodes, rows.episode)
    second = relief_between(curve, rows, clinics, episodes.protocol)
    return second, clinic_notes(clinics.n_named, second is not None)


def _check_rule(rule: str) -> None:
    from outcomes.cases.timeline import RELIEF_RULES

    if rule not in RELIEF_RULES:
        finding = Finding("E653", "is no relief rule.", rule, f"Choose one of: {', '.join(RELIEF_RULES)}.")
        raise InputRefused("Relief cannot be estimated.", [finding])


def _fit_per_patient(group: str, rows: ReliefRows, protocol: Protocol) -> results.DayCurve:
    """The curve in which each patient counts once: an episode weighs one over the patient's number of them."""
    _, who, n_episodes = np.unique(rows.patient, return_inverse=True, return_counts=True)
    everyone = np.arange(rows.patient.size)
    return fit_line(group, rows.take(everyone, rows.weight / n_episodes[who]), protocol)


def _compared(rule: str, protocol: Protocol) -> tuple[str, ...]:
    """The main rule, the three ways of confirming, resolved, and the protocol's further alternatives, each once."""
    return tuple(dict.fromkeys([rule, "any", "confirmed", "strict", "resolved", *protocol.relief.alternatives]))


def _compare_rules(episodes: Episodes, rules: Sequence[str], weights: ArrayLike | None) -> pd.DataFrame:
    """The share by the primary day under each rule, without an interval."""
    import pandas as pd

    protocol, found = episodes.protocol, []
    day = protocol.horizons_days.primary
    for rule in rules:
        rows = build_rows(episodes, rule, weights)
        curve = fit_curve(rule, rows.take(np.arange(rows.episode.size)), protocol)[0]
        share, words = results.read_day(curve, day)[0], describe_rule(rule, protocol)
        found.append((rule, words, share, curve.n, int(curve.events[day])))
    return pd.DataFrame(found, columns=list(DEFINITION_COLUMNS))


def describe_rule(rule: str, protocol: Protocol) -> str:
    """Say a relief rule in words."""
    share, days = protocol.relief.pct_reduction, protocol.relief.confirm_within_days
    fallen = f"pain at least {share} % below the first rating"
    unopposed = "; the next rating within {} days, if there is one, does not contradict"
    words = {
        "any": f"{fallen}, at any visit",
        "confirmed": fallen + unopposed.format(days),
        "strict": f"{fallen}, and again at the next rating within {days} days",
        "resolved": f"pain {protocol.resolution.max_nrs:g} or less of 10"
        + unopposed.format(protocol.resolution.confirm_within_days),
        "pct30_and_2": "pain at least 30 % and 2 points below the first rating" + unopposed.format(days),
        "zero": "pain 0 of 10" + unopposed.format(days),
    }
    return words.get(rule, rule)


def _describe(episodes: Episodes, rule: str, by: str | None, weighted: bool) -> dict[str, Any]:
    protocol = episodes.protocol
    floor = protocol.reporting_floor
    return results.make_settings(
        episodes,
        question="time to relief",
        rule=rule,
        definition=describe_rule(rule, protocol),
        estimator=ESTIMATOR,
        second_line=SECOND_LINE,
        between_clinics=BETWEEN_CLINICS,
        band=f"sup-t band of the same draws, from the day by which {BAND_MIN_EVENTS} were seen relieved",
        test="interval-censored log-rank, scores of the pooled curve, variance by patient; Holm over pairs",
        adjusted=ADJUSTED,
        ends="Aalen-Johansen among episodes old enough for a stop to be known, patient bootstrap interval",
        if_stopped="hazard of relief after a silent stop as a multiple of that of patients still seen",
        bootstrap_draws=protocol.inference.bootstrap_draws,
        censoring="day of the last measured visit",
        curve_stop=f"first day with fewer than {floor.curve_min_observed} episodes or {floor.curve_min_share:.0%} "
        f"neither relieved nor past their last measured visit, and more than {results.MOST_LOST:.0%} lost unrelieved",
        by=by,
        weighted=weighted,
    )


def _nobody(ledger: Ledger, floor: int) -> str:
    step = ledger.steps[-1]
    # Counts that add up: with one of them small none is told, for the others would give it.
    is_told = not any(0 < count < floor for count in (step.rows_in, *step.set_aside.values()))
    said = "; ".join(f"{reason}: {count:,}" if is_told else reason for reason, count in step.set_aside.items() if count)
    return (
        f"Time to relief cannot be estimated: none of {results.say_episodes(step.rows_in, floor)} is eligible"
        f"{f' ({said})' if said else ''}. "
        "Needed are a pain score before treatment in the first days, and episodes that began after the washout."
    )


def _summarise(episodes: Episodes, rows: ReliefRows, protocol: Protocol) -> dict[str, Any]:
    seen, left, right = rows.seen, rows.left_days, rows.right_days
    width = (right - left)[seen]
    curve, _, fit = fit_curve(results.ALL, rows, protocol)
    last_visit = (episodes.columns["last_day"] - episodes.columns["index_day"])[rows.episode]
    known = seen.any()
    return {
        "n": int(left.size),
        "n_patients": int(np.unique(rows.patient).size),
        "n_events": int(seen.sum()),
        "n_stopped": int((rows.end == STOPPED).sum()),
        "n_one_visit": int((episodes.columns["n_measured"][rows.episode] == 1).sum()),
        **(dict.fromkeys(_MIDDLE, float("nan")) if fit is None else _middle(fit, curve, protocol)),
        "last_day": curve.last_day,
        "resolution_median_days": float(np.median(width)) if known else float("nan"),
        "resolution_over_14_share": float((width > 14).mean()) if known else float("nan"),
        "relief_at_last_visit_share": float((last_visit[seen] <= right[seen]).mean()) if known else float("nan"),
    }


_MIDDLE = ("median_days", "median_after_day", "rmst_days", "certificate_gap")


def _middle(fit: npmle.Npmle, curve: results.DayCurve, protocol: Protocol) -> dict[str, float]:
    """Median and restricted mean of all episodes together, NaN beyond the last day that may be stated."""
    after, by = npmle.quantile(fit, 0.5)
    horizon = protocol.horizons_days.rmst
    without = 1.0 - curve.estimate[:horizon]
    stated = by <= curve.last_day
    return {
        "median_days": by if stated else float("nan"),
        "median_after_day": after if stated else float("nan"),
        "rmst_days": float(without.sum()) if horizon <= curve.last_day + 1 else float("nan"),
        "certificate_gap": fit.gap,
    }
