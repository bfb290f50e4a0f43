"""E6 and E7: does it come back, and how often? Returns of relieved episodes to a clinic in these records.

A return is either of two things: a new episode opens with pain of at least 3 (or unrated, by rule A or C), or a later
visit of care that is still going on has a rating of at least 3 and at least 2 above the rating at relief.

The clock starts a fixed number of days after recorded relief that was not contradicted meanwhile; whoever had pain back
before is a relapse and counted apart. Follow-up ends at the clinic's data cut for everybody, because a return would
have been seen until then: censoring at the last visit would end everyone's follow-up at a return or when they felt
well. What is estimated is return to care seen in these records, not return of pain.

Beside the share that returned stand what a reader needs to judge it:

- the share under other definitions of an episode and of a return, which move it more than chance does (`definitions`);
- relieved and not back, a measure that few and easy relieved episodes cannot make look good (`composite`);
- the mean number of returns and the rate per patient-year, each patient followed through all returns (`mean_returns`,
  `rates`), for a first return says nothing of those who come again and again;
- time in maintenance care apart (`maintenance`), and each patient counting once (`per_patient`).

Fewer of those still at risk return later because frequent returners leave the group first; nothing here says that the
risk of one patient falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.errors import NotEstimable
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.between_clinics import ESTIMATOR as BETWEEN_CLINICS
from outcomes.questions.between_clinics import clinic_notes, find_clinics, return_between, tabulate_between
from outcomes.questions.group_tests import Tested, compare_groups
from outcomes.questions.relief import describe_rule
from outcomes.questions.results import IntArray
from outcomes.questions.return_composite import COLUMNS as COMPOSITE_COLUMNS
from outcomes.questions.return_composite import estimate_composite
from outcomes.questions.return_counts import (
    HORIZONS_DAYS,
    MEAN_ESTIMATOR,
    RATE_ESTIMATOR,
    Followed,
    compare_mean_returns,
    fit_mean,
    rate_table,
)
from outcomes.questions.return_definitions import COLUMNS as DEFINITION_COLUMNS
from outcomes.questions.return_definitions import ONE_STREAM_NOTE, compare_definitions
from outcomes.questions.return_lines import ESTIMATOR, AtRisk, compare_hazards, count_days, fit_line
from outcomes.questions.return_maintenance import COLUMNS as MAINTENANCE_COLUMNS
from outcomes.questions.return_maintenance import split_maintenance

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes
    from outcomes.cases.returns import ReturnRows
    from outcomes.definitions import Protocol

AFTER_CUT_NOTE = "Returns that another clinic saw after the last day of the episode's own clinic are not counted."
_TOO_FEW = "Not compared with the others, having fewer than {rows} episodes or {events} with a return"
_COUNTS = ("n_new_episode", "n_pain_back", "n_relieved", "n_relapsed", "n_too_young")


@dataclass(frozen=True, repr=False)
class Recurrence(CaseAnswer):
    """Return after relief to a clinic in these records.

    Attributes
    ----------
    table : DataFrame
        ``group, horizon_days, estimate, conf_low, conf_high, n, events``: share returned by each day after the
        landmark; `n` episodes that reached it, `events` returns seen by that day.
    curve : DataFrame
        ``group, day, estimate, conf_low, conf_high, at_risk``, one row a day up to the day before `curve_stop`.
    per_patient : DataFrame
        As `table`, each patient counting once however many episodes he or she brings.
    between_clinics : DataFrame
        As `table`, with limits that take clinics as drawn (`between_clinics`). No rows where groups were asked for, or
        where there are fewer than `between_clinics.LEAST_CLINICS`.
    tests : DataFrame
        ``comparison, group, other, statistic, df, p_value, p_holm, n, events``: do groups return alike? Of all together
        and of each pair, patients as clusters. Episodes without the group recorded are no side; no rows without groups.
    mean_returns, mean_curve : DataFrame
        As `table` and `curve`, with `estimate` the mean number of returns of a patient by each day after the first
        landmark, `n` patients, `events` returns.
    mean_tests : DataFrame
        As `tests`, of the mean number of returns.
    rates : DataFrame
        ``group, estimate, conf_low, conf_high, n, events, years, ratio, ratio_low, ratio_high, reference``: returns per
        patient-year, and their ratio to the largest group.
    composite : DataFrame
        ``measure, label, horizon_days, estimate, conf_low, conf_high, n, events``: relieved, no relapse, not back, and
        the product of the three; `events` episodes known to have come through. No rows where groups were asked for.
    maintenance : DataFrame
        ``outcome, part, label, horizon_days, estimate, conf_low, conf_high, n, events``: `first_return` and
        `mean_returns` of time outside and inside maintenance care. No rows where groups were asked for.
    definitions : DataFrame
        ``definition, kind, gap_days, estimate, conf_low, conf_high, n, events``: the share returned by the primary day
        under other definitions of an episode or a return; NaN past that definition's last day or under the floor. No
        rows where groups were asked for.
    summary : dict
        ``n`` (reached the landmark), ``n_patients, n_events``; of these events ``n_new_episode`` (a new episode
        opened) and ``n_pain_back`` (a rating at a later visit of care still going on); ``n_relieved, n_relapsed,
        n_too_young, n_all`` (eligible or not), ``n_followed`` patients and ``n_returns`` of them, ``last_day``.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    per_patient: pd.DataFrame
    between_clinics: pd.DataFrame
    tests: pd.DataFrame
    mean_returns: pd.DataFrame
    mean_curve: pd.DataFrame
    mean_tests: pd.DataFrame
    rates: pd.DataFrame
    composite: pd.DataFrame
    maintenance: pd.DataFrame
    definitions: pd.DataFrame


def estimate_recurrence(episodes: Episodes, by: str | None = None) -> Recurrence:
    """Estimate how many relieved episodes returned to a clinic in these records, and how often patients did.

    Parameters
    ----------
    episodes : Episodes
    by : str, optional
        Column of ``episodes.table`` to split by: one of `results.GROUP_COLUMNS`, fixed when an episode starts.

    Returns
    -------
    Recurrence

    Raises
    ------
    InputRefused
        Unknown column, or one that is known only later in an episode.
    NotEstimable
        No episode reached the landmark, the end of observation is unknown, or a column this export does not have.
    """
    results.check_episodes(episodes)
    from outcomes.cases.return_history import build_return_history
    from outcomes.cases.returns import build_return_rows

    returns, protocol = build_return_rows(episodes), episodes.protocol
    rows = AtRisk.of(returns)
    if not rows.episode.size:
        raise NotEstimable(_nobody(protocol))
    split = list(results.split_groups(episodes, rows.episode, by))
    fitted = [fit_line(group, rows.take(part), protocol) for group, part in split]
    patients = [fit_line(group, rows.take(part).per_patient(), protocol) for group, part in split]

    def test(part: IntArray, group: IntArray) -> Tested:
        return compare_hazards(rows, part, group)

    tests, test_notes = compare_groups(split, rows.event, test, protocol, _TOO_FEW)
    history = build_return_history(episodes)
    followed, count = Followed.of(history), history.n_returns
    histories = list(results.split_groups(episodes, history.episode.astype(np.intp), by))
    means = [fit_mean(group, followed.of_patients(part), protocol) for group, part in histories]
    mean_tests, mean_notes = compare_mean_returns(histories, followed, count, protocol)
    rates, rate_notes = rate_table(histories, count, history.observed_days, protocol)
    horizons = protocol.horizons_days.recurrence
    clinics = find_clinics(episodes, rows.episode)
    second = return_between(fitted[0], rows, clinics, protocol) if by is None else None
    return Recurrence(
        table=results.horizon_table(fitted, horizons),
        curve=results.curve_table(fitted),
        per_patient=results.horizon_table(patients, horizons),
        between_clinics=tabulate_between(second, horizons),
        tests=tests,
        mean_returns=results.horizon_table(means, HORIZONS_DAYS, is_share=False),
        mean_curve=results.curve_table(means),
        mean_tests=mean_tests,
        rates=rates,
        composite=_unless_split(by, COMPOSITE_COLUMNS, lambda: estimate_composite(episodes, returns)),
        maintenance=_unless_split(by, MAINTENANCE_COLUMNS, lambda: split_maintenance(episodes, returns, history)),
        definitions=_unless_split(by, DEFINITION_COLUMNS, lambda: compare_definitions(episodes, returns)),
        summary=_summarise(episodes, returns, rows)
        | {"n_followed": int(history.episode.size), "n_returns": int(count.sum())},
        settings=_describe(episodes, by),
        ledger=returns.ledger,
        notes=(
            *_standing_notes(protocol),
            *_kind_notes(returns, protocol),
            *(clinic_notes(clinics.n_named, second is not None) if by is None else ()),
            *((AFTER_CUT_NOTE,) if returns.n_after_cut else ()),
            *(() if by is not None or protocol.episode.one_stream else (ONE_STREAM_NOTE,)),
            *results.context_notes(by, episodes.has_calendar),
            *dict.fromkeys((*test_notes, *mean_notes, *rate_notes)),
            *results.curve_notes(fitted, horizons, protocol),
        ),
    )


def _unless_split(by: str | None, columns: tuple[str, ...], make: Any) -> pd.DataFrame:
    """Make a table of all episodes together, or an empty one where groups were asked for."""
    import pandas as pd

    return make() if by is None else pd.DataFrame(columns=list(columns))


def _summarise(episodes: Episodes, returns: ReturnRows, rows: AtRisk) -> dict[str, Any]:
    protocol = episodes.protocol
    at_risk, _ = results.count_days(rows.stop_days, rows.event, count_days(protocol))
    return {
        "n": int(rows.episode.size),
        "n_patients": int(np.unique(rows.patient).size),
        "n_events": int(rows.event.sum()),
        **{name: int(getattr(returns, name)) for name in _COUNTS},
        "n_all": episodes.n,
        "last_day": results.find_last_day(at_risk, rows.episode.size, protocol),
    }


def _describe(episodes: Episodes, by: str | None) -> dict[str, Any]:
    from outcomes.cases.timeline import default_relief_rule

    protocol = episodes.protocol
    return results.make_settings(
        episodes,
        question="return after relief to a clinic in these records",
        definition=describe_return(protocol),
        relief=describe_rule(default_relief_rule(protocol), protocol),
        time_zero=f"{protocol.recurrence.landmark_days} days after relief that was not contradicted meanwhile",
        landmark_days=protocol.recurrence.landmark_days,
        estimator=ESTIMATOR,
        between_clinics=BETWEEN_CLINICS,
        mean_returns=MEAN_ESTIMATOR,
        rates=RATE_ESTIMATOR,
        composite=f"product of the three shares, interval from {protocol.inference.bootstrap_draws} draws of patients",
        test="Wald's test of hazards, and a test of mean functions, both with robust variance by patient; Holm over "
        "pairs",
        censoring="the clinic's data cut",
        prevalent="not in the share of first returns; in returns per patient from the end of the washout on",
        bootstrap_draws=protocol.inference.bootstrap_draws,
        by=by,
    )


def describe_return(protocol: Protocol) -> str:
    """Say in words what counts as a return."""
    rule = protocol.recurrence
    return (
        "at a clinic in these records and in the same region stream, a new episode opens with pain of at least "
        f"{rule.min_nrs:g} (or unrated, by rule A or C), or a later rating of at least {rule.min_nrs:g} and at least "
        f"{rule.min_rise_nrs:g} above the rating at relief"
    )


def _nobody(protocol: Protocol) -> str:
    return (
        "Return after relief cannot be estimated: no episode was relieved, free of relapse and still observable "
        f"{protocol.recurrence.landmark_days} days later."
    )


def _standing_notes(protocol: Protocol) -> tuple[str, ...]:
    return (
        "This is return to a clinic in these records. Those who did not return may have had pain or gone elsewhere (in "
        "cohort studies about 7 in 10 have pain again within a year and 4 in 10 seek care).",
        "A single rating has noise, and a return may follow a relief that one low rating made: returns are overstated, "
        "in simulated clinics by 2 to 6 points within 182 days.",
        "Only relieved episodes are counted: few and easy relieved episodes make a low figure.",
        f"The first possible return is the landmark day itself, {protocol.recurrence.landmark_days} days after relief.",
        "Fewer of those still at risk return later: frequent returners leave the group first.",
        "Returns per patient count days in care too; patients already in care when the records begin enter once the "
        "washout is over.",
    )


def _kind_notes(returns: ReturnRows, protocol: Protocol) -> tuple[str, ...]:
    """Say how many returns were no new episode; without the number where it, or what is left, is small."""
    back, opened = returns.n_pain_back, returns.n_new_episode
    what = "pain back at a later visit of care still going on, not a new episode"
    if not back + opened:
        return ()
    if not back:
        return ("Every return opened a new episode.",)
    if not opened:
        return (f"Every return was {what}.",)
    if min(back, opened) < protocol.reporting_floor.suppress_cell_below:
        return (f"{'Some' if back < opened else 'Most'} of the returns were {what}.",)
    return (f"{back} of {back + opened} returns were {what}.",)
