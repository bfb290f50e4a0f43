"""Who comes back? The share back within a year by what was known when the episode began.

Each fact is looked at on its own terms and then adjusted for a fixed core: age, sex, first rating, duration and earlier
episodes. The adjusted share is what a Cox model with the core and this one fact gives if all episodes had that level
and kept their own core (g-computation); shares come first, ratios of hazards beside them. Facts are not adjusted for
each other: most of them are told by the patient in one breath, and a model with all of them would have more columns
than a small clinic has returns for.

A fact of the patient is not something a clinic did: this describes who returns, not why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outcomes.errors import NotEstimable
from outcomes.estimators.cox import Cox, cox, proportional_hazards_test, standardised_risk
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.covariates import FACTOR_LABELS, Factor, build_factors
from outcomes.questions.one_thread import one_thread
from outcomes.questions.recurrence import describe_return
from outcomes.questions.return_lines import AtRisk, fit_line

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.definitions import Protocol

FACTORS = ("previous_episodes", "trigger", "cause", "radiation", "muscle_group", "chronicity", "region")
CORE = ("age", "sex", "baseline_nrs", "chronicity", "previous_episodes")
EVENTS_PER_COLUMN = 10
COLUMNS = (
    *("factor", "factor_label", "level", "level_label", "n", "events", "unadjusted"),
    *("estimate", "conf_low", "conf_high", "hazard_ratio", "ratio_low", "ratio_high", "reference"),
)
PROPORTIONAL_COLUMNS = ("factor", "factor_label", "statistic", "df", "p_value")
ESTIMATOR = "Cox regression, patients as clusters, averaged over all episodes (g-computation, delta-method interval)"


@dataclass(frozen=True, repr=False)
class ReturnFactors(CaseAnswer):
    """Return by what was known at the start.

    Attributes
    ----------
    table : DataFrame
        ``factor, factor_label, level, level_label, n, events, unadjusted, estimate, conf_low, conf_high, hazard_ratio,
        ratio_low, ratio_high, reference``: share back by the primary day, unadjusted (Kaplan-Meier) and adjusted; NaN
        where the level or the model is under the floor. `events` are returns by that day.
    proportional : DataFrame
        ``factor, factor_label, statistic, df, p_value``: the test of proportional hazards for the fact's columns.
    summary : dict
        ``n, n_events, day``.
    """

    table: pd.DataFrame
    proportional: pd.DataFrame


@one_thread
def compare_return_factors(episodes: Episodes) -> ReturnFactors:
    """Compare the share back within the primary horizon between levels of what was known at the start.

    Parameters
    ----------
    episodes : Episodes

    Raises
    ------
    NotEstimable
        Too few episodes or returns, the end of observation is unknown, or none of the facts is recorded.
    """
    results.check_episodes(episodes)
    import pandas as pd

    from outcomes.cases.returns import build_return_rows

    protocol, returns = episodes.protocol, build_return_rows(episodes)
    rows, floor = AtRisk.of(returns), protocol.reporting_floor
    if rows.episode.size < floor.estimate_min_episodes or rows.event.sum() < floor.compare_min_events:
        raise NotEstimable(
            f"Returns cannot be compared by what was known at the start: fewer than {floor.estimate_min_episodes} "
            f"relieved episodes or {floor.compare_min_events} returns."
        )
    factors = build_factors(episodes, rows.episode, FACTORS, floor.compare_min_episodes)
    if not factors:
        named = ", ".join(FACTOR_LABELS[name].lower() for name in FACTORS[:-1])
        raise NotEstimable(
            f"Returns cannot be compared by what was known at the start: of {named} and "
            f"{FACTOR_LABELS[FACTORS[-1]].lower()} none is recorded with two levels of enough episodes."
        )
    core = build_factors(episodes, rows.episode, CORE, floor.compare_min_episodes)
    lines: list[tuple[object, ...]] = []
    tests: list[tuple[object, ...]] = []
    refused: list[str] = []
    for factor in factors:
        adjusted = _adjust(factor, [other for other in core if other.name != factor.name], rows, protocol)
        if isinstance(adjusted, NotEstimable):
            refused.append(f"{factor.label}: no adjusted share: {adjusted}")
        else:
            tests.append((factor.name, factor.label, *adjusted.proportional))
        lines += _lines(factor, rows, None if isinstance(adjusted, NotEstimable) else adjusted, protocol)
    day = protocol.horizons_days.primary_recurrence
    return ReturnFactors(
        table=pd.DataFrame(lines, columns=list(COLUMNS)),
        proportional=pd.DataFrame(tests, columns=list(PROPORTIONAL_COLUMNS)),
        summary={"n": int(rows.episode.size), "n_events": int(rows.event.sum()), "day": day},
        settings=results.make_settings(
            episodes,
            question=f"share back within {day} days by what was known at the start",
            definition=describe_return(protocol),
            estimator=ESTIMATOR,
            adjusted_for=", ".join(other.name for other in core),
        ),
        ledger=returns.ledger,
        notes=(
            results.GROUP_NOTE,
            f"Adjusted for {', '.join(other.label.lower() for other in core)}, one fact at a time.",
            f"Levels of fewer than {floor.compare_min_episodes} episodes are shown together as 'other'.",
            *refused,
        ),
    )


@dataclass(frozen=True, slots=True)
class _Adjusted:
    """Of each level: share with limits and ratio of hazards with limits; and the test of proportional hazards."""

    shares: NDArray[np.float64]
    ratios: NDArray[np.float64]
    proportional: tuple[float, int, float]


def _adjust(factor: Factor, core: Sequence[Factor], rows: AtRisk, protocol: Protocol) -> _Adjusted | NotEstimable:
    """Fit the core and one fact; the refusal where there are too few returns or the model does not exist."""
    own, rest = factor.columns(), [other.columns() for other in core]
    design = np.column_stack([own, *rest])
    if rows.event.sum() < EVENTS_PER_COLUMN * design.shape[1]:
        return NotEstimable(f"fewer than {EVENTS_PER_COLUMN} returns for each of {design.shape[1]} columns.")
    try:
        level = protocol.inference.level
        fit = cox(design, rows.stop_days, rows.event, entry=rows.start_days, cluster=rows.patient, level=level)
        return _read(factor, fit, design, protocol)
    except NotEstimable as refusal:
        return refusal


def _read(factor: Factor, fit: Cox, design: NDArray[np.int8], protocol: Protocol) -> _Adjusted:
    day, k = protocol.horizons_days.primary_recurrence, len(factor.levels)
    others = [i for i in range(k) if i != factor.reference]
    shares, ratios = np.full((k, 3), np.nan), np.full((k, 3), np.nan)
    for i in range(k):
        changed = design.copy()
        changed[:, : k - 1] = [j == i for j in others]
        risk = standardised_risk(fit, changed, day)
        shares[i] = risk.risk[0], risk.conf_low[0], risk.conf_high[0]
    ratios[others] = np.exp(np.column_stack([fit.coef, fit.conf_low, fit.conf_high])[: k - 1])
    return _Adjusted(shares, ratios, _test_proportional(fit, k - 1))


def _test_proportional(fit: Cox, columns: int) -> tuple[float, int, float]:
    """The test for the fact's own columns together, which stand first."""
    found = proportional_hazards_test(fit, terms=[range(columns)])
    return float(found.statistic[0]), columns, float(found.p_value[0])


def _lines(factor: Factor, rows: AtRisk, adjusted: _Adjusted | None, protocol: Protocol) -> list[tuple[object, ...]]:
    day, out = protocol.horizons_days.primary_recurrence, []
    for i, (level, label) in enumerate(zip(factor.levels, factor.labels, strict=True)):
        part = rows.take(factor.codes == i)
        curve = fit_line(level, part, protocol)
        share, n, events = results.read_day(curve, day)[0], curve.n, int(curve.events[day])
        told = adjusted is not None and not np.isnan(share)
        values = (*adjusted.shares[i], *adjusted.ratios[i]) if told and adjusted is not None else (np.nan,) * 6
        head = (factor.name, factor.label, level, label, n, events, share)
        out.append((*head, *map(float, values), i == factor.reference))
    return out
