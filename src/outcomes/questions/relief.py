"""E1: how fast is relief? The share of episodes that reached relief by each day.

Relief shows only at a visit: it lies in ``(left, right]``, between the last rating without it and the first with it.
The main line is therefore the interval-censored curve (`outcomes.estimators.npmle`): the share that reached relief by
day t, estimated from the ratings before and after. It is read at its lower bound: mass counts on the day by which
relief must have come. Its interval is the percentile interval of a bootstrap that draws patients, each with all of his
or her episodes.

The second line, "KM at visit", is Kaplan-Meier with the event on the day of that visit, for readers who will compute it
themselves. An episode without relief is censored on the day of its last measured visit in both, never later: days after
it were not observed, and counting them as free of relief would halve the figure. An episode with a single measured
visit is censored at day 0 and stays in n.

Which ratings count as relief is a choice that moves the answer, so the share under every other rule stands beside it
(`Relief.definitions`).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.estimators import bootstrap, curves, npmle
from outcomes.ledger import Ledger
from outcomes.questions import results
from outcomes.questions.results import DayCurve, FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

ESTIMATOR = "interval-censored curve (NPMLE, lower bound), patient bootstrap percentile interval"
DEFINITION_COLUMNS = ("rule", "definition", "estimate", "n", "events")
SECOND_LINE = "KM at visit: Kaplan-Meier at the visit where relief was recorded, log-log interval"


@dataclass(frozen=True)
class Relief:
    """Time to relief.

    Attributes
    ----------
    table : DataFrame
        ``group, horizon_days, estimate, conf_low, conf_high, n, events``: share that reached relief by each day,
        estimated from the ratings before and after; `n` episodes of the group, `events` those with relief recorded by
        that day.
    curve : DataFrame
        ``group, day, estimate, conf_low, conf_high, at_risk``, one row a day up to the day before `curve_stop`;
        `at_risk` counts episodes neither relieved before that day nor last measured before it.
    km_at_visit : DataFrame
        The second line, columns as `table`: relief recorded at a visit by each day.
    definitions : DataFrame
        ``rule, definition, estimate, n, events``: the share by the primary day under each rule of `RELIEF_RULES`,
        without an interval; NaN past that rule's last day or under the floor. No rows where groups were asked for.
    summary : dict
        Of all groups together: ``n, n_patients, n_events, n_one_visit`` (with a single rating), ``median_days,
        median_after_day, rmst_days, last_day, resolution_median_days, resolution_over_14_share,
        relief_at_last_visit_share``; NaN where not known.
    settings : dict
    ledger : Ledger
    notes : tuple of str
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    km_at_visit: pd.DataFrame
    definitions: pd.DataFrame
    summary: dict[str, Any]
    settings: dict[str, Any]
    ledger: Ledger
    notes: tuple[str, ...]


def estimate_relief(episodes: Episodes, by: str | None = None, rule: str | None = None) -> Relief:
    """Estimate the share of episodes that reached relief by each day.

    Parameters
    ----------
    episodes : Episodes
        As `build_episodes` returns them; inception episodes with a high enough first rating are used.
    by : str, optional
        Column of ``episodes.table`` to split by: one of `results.GROUP_COLUMNS`, fixed when an episode starts.
    rule : str, optional
        One of `outcomes.cases.timeline.RELIEF_RULES`; what the protocol's ``relief.confirm`` stands for when not given.

    Returns
    -------
    Relief

    Raises
    ------
    InputRefused
        Unknown rule or column, or a column that is known only later in an episode.
    NotEstimable
        No eligible episode, or a column this export does not have.
    """
    from outcomes.cases.timeline import RELIEF_RULES, build_relief_intervals, default_relief_rule

    rule = default_relief_rule(episodes.protocol) if rule is None else rule
    if rule not in RELIEF_RULES:
        finding = Finding("E653", "is no relief rule.", rule, f"Choose one of: {', '.join(RELIEF_RULES)}.")
        raise InputRefused("Relief cannot be estimated.", [finding])
    intervals = build_relief_intervals(episodes, rule)
    if not intervals.episode.size:
        raise NotEstimable(_nobody(intervals.ledger))
    protocol = episodes.protocol
    rows = intervals.episode.astype(np.intp)
    left, right = intervals.left_days.astype(float), intervals.right_days.astype(float)
    patient = episodes.columns["patient"][rows]
    main, second = [], []
    for group, part in results.split_groups(episodes, rows, by):
        main.append(fit_group(group, left[part], right[part], patient[part], protocol))
        second.append(km_group(group, left[part], right[part], protocol))
    horizons = protocol.horizons_days.relief
    return Relief(
        table=results.horizon_table(main, horizons),
        curve=results.curve_table(main),
        km_at_visit=results.horizon_table(second, horizons),
        definitions=_compare_rules(episodes, _compared(protocol) if by is None else ()),
        summary=_summarise(episodes, rows, left, right, patient, protocol),
        settings=results.make_settings(
            episodes,
            question="time to relief",
            rule=rule,
            definition=describe_rule(rule, protocol),
            estimator=ESTIMATOR,
            second_line=SECOND_LINE,
            bootstrap_draws=protocol.inference.bootstrap_draws,
            censoring="day of the last measured visit",
            curve_stop="first day with fewer than "
            f"{protocol.reporting_floor.curve_min_observed} episodes or {protocol.reporting_floor.curve_min_share:.0%} "
            "neither relieved nor past their last measured visit",
            by=by,
        ),
        ledger=intervals.ledger,
        notes=(
            *_standing_notes(),
            *results.context_notes(by, episodes.has_calendar),
            *results.curve_notes(main, horizons, protocol),
        ),
    )


def fit_group(group: str, left: FloatArray, right: FloatArray, patient: IntArray, protocol: Protocol) -> DayCurve:
    """Fit the main line to one group's intervals; NaN when the group is under the floor.

    Parameters
    ----------
    group : str
        Its name, which also seeds its draws: a group's interval does not depend on which other groups there are.
    left, right : ndarray, shape (n,)
        Days, ``(left, right]``.
    patient : ndarray of int, shape (n,)
    protocol : Protocol
    """
    curve, patterns, fit = _fit_curve(group, left, right, protocol)
    if patterns is None or fit is None:
        return curve
    seed = [protocol.inference.seed, zlib.crc32(group.encode())]
    counts = bootstrap.draw_counts(patterns.row, patient, protocol.inference.bootstrap_draws, seed)
    drawn = bootstrap.npmle_draws(patterns, fit, counts, np.arange(curve.estimate.size))
    low, high = bootstrap.percentile_limits(drawn, protocol.inference.level)
    return replace(curve, conf_low=low, conf_high=high)


def _fit_curve(
    group: str, left: FloatArray, right: FloatArray, protocol: Protocol
) -> tuple[DayCurve, npmle.Patterns | None, npmle.Npmle | None]:
    """Fit the main line without its interval; nothing to draw from where the floor or the data forbid one."""
    n_days = _n_days(protocol)
    at_risk, events = results.count_days(np.where(np.isinf(right), left, right), np.isfinite(right), n_days)
    blank = np.full(n_days, np.nan)
    if left.size < protocol.reporting_floor.estimate_min_episodes:
        return DayCurve(group, left.size, blank, blank, blank, at_risk, events, -1), None, None
    stop = results.find_last_day(at_risk, left.size, protocol)
    if not np.isfinite(right).any():
        return DayCurve(group, left.size, np.zeros(n_days), blank, blank, at_risk, events, stop), None, None
    patterns = npmle.build_patterns(left, right)
    fit = npmle.fit_patterns(patterns)
    share = npmle.cdf_at(fit, np.arange(n_days))[0]
    return DayCurve(group, left.size, share, blank, blank, at_risk, events, stop), patterns, fit


def _compared(protocol: Protocol) -> tuple[str, ...]:
    """The main relief rule and the protocol's alternatives, each once."""
    from outcomes.cases.timeline import default_relief_rule

    return tuple(dict.fromkeys([default_relief_rule(protocol), *protocol.relief.alternatives]))


def _compare_rules(episodes: Episodes, rules: Sequence[str]) -> pd.DataFrame:
    """The share by the primary day under each rule, without an interval."""
    import pandas as pd

    from outcomes.cases.timeline import build_relief_intervals

    protocol, rows = episodes.protocol, []
    day = protocol.horizons_days.primary
    for rule in rules:
        intervals = build_relief_intervals(episodes, rule)
        curve = _fit_curve(rule, intervals.left_days.astype(float), intervals.right_days.astype(float), protocol)[0]
        share, words = results.read_day(curve, day)[0], describe_rule(rule, protocol)
        rows.append((rule, words, share, curve.n, int(curve.events[day])))
    return pd.DataFrame(rows, columns=list(DEFINITION_COLUMNS))


def km_group(group: str, left: FloatArray, right: FloatArray, protocol: Protocol) -> DayCurve:
    """Kaplan-Meier at the visit where relief was recorded, censored at the last measured visit."""
    n_days = _n_days(protocol)
    time, event = np.where(np.isinf(right), left, right), np.isfinite(right)
    at_risk, events = results.count_days(time, event, n_days)
    if left.size < protocol.reporting_floor.estimate_min_episodes:
        blank = np.full(n_days, np.nan)
        return DayCurve(group, left.size, blank, blank, blank, at_risk, events, -1)
    curve = curves.kaplan_meier(time, event, level=protocol.inference.level)
    survival, low, high, _ = curves.survival_at(curve, np.arange(n_days))
    stop = results.find_last_day(at_risk, left.size, protocol)
    return DayCurve(group, left.size, 1.0 - survival, 1.0 - high, 1.0 - low, at_risk, events, stop)


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


def _n_days(protocol: Protocol) -> int:
    horizons = protocol.horizons_days
    return max(*horizons.relief, horizons.primary, horizons.rmst) + 1


def _nobody(ledger: Ledger) -> str:
    step = ledger.steps[-1]
    said = "; ".join(f"{reason}: {count}" for reason, count in step.set_aside.items())
    return (
        f"Time to relief cannot be estimated: none of {step.rows_in} episodes is eligible"
        f"{f' ({said})' if said else ''}. "
        "Needed are a pain score before treatment in the first days, and episodes that began after the washout."
    )


def _standing_notes() -> tuple[str, ...]:
    return (
        "A single rating has noise, and relief is judged by few of them: early relief is overstated by some points.",
        "Relief is seen only at visits; the share by a day is estimated from the ratings before and after that day.",
        "Episodes with a single measured visit stay in n; they cannot say when relief came.",
        "Patients who stopped coming are taken to fare like those who stayed; whether they did is not recorded.",
    )


def _summarise(
    episodes: Episodes, rows: IntArray, left: FloatArray, right: FloatArray, patient: IntArray, protocol: Protocol
) -> dict[str, Any]:
    seen = np.isfinite(right)
    width = (right - left)[seen]
    at_risk, _ = results.count_days(np.where(seen, right, left), seen, _n_days(protocol))
    last_day = results.find_last_day(at_risk, left.size, protocol)
    last_visit = episodes.columns["last_day"][rows] - episodes.columns["index_day"][rows]
    known = seen.any()
    enough = known and left.size >= protocol.reporting_floor.estimate_min_episodes
    return {
        "n": int(left.size),
        "n_patients": int(np.unique(patient).size),
        "n_events": int(seen.sum()),
        "n_one_visit": int((episodes.columns["n_measured"][rows] == 1).sum()),
        **(_middle(left, right, last_day, protocol) if enough else dict.fromkeys(_MIDDLE, float("nan"))),
        "last_day": last_day,
        "resolution_median_days": float(np.median(width)) if known else float("nan"),
        "resolution_over_14_share": float((width > 14).mean()) if known else float("nan"),
        "relief_at_last_visit_share": float((last_visit[seen] <= right[seen]).mean()) if known else float("nan"),
    }


_MIDDLE = ("median_days", "median_after_day", "rmst_days", "certificate_gap")


def _middle(left: FloatArray, right: FloatArray, last_day: int, protocol: Protocol) -> dict[str, float]:
    """Median and restricted mean of all episodes together, NaN beyond the last day that may be stated."""
    fit = npmle.npmle(left, right)
    after, by = npmle.quantile(fit, 0.5)
    horizon = protocol.horizons_days.rmst
    without = 1.0 - npmle.cdf_at(fit, np.arange(horizon))[0]
    stated = by <= last_day
    return {
        "median_days": by if stated else float("nan"),
        "median_after_day": after if stated else float("nan"),
        "rmst_days": float(without.sum()) if horizon <= last_day + 1 else float("nan"),
        "certificate_gap": fit.gap,
    }
