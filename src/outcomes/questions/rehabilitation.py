"""E11: active exercise before the landmark, and return. An adjusted association, and every way we know to be wrong.

Patients who ever exercise had the time to begin: comparing them with those who never did makes a lower share of returns
out of nothing (`simulate.returns_after_exercise` shows it), and is not offered. Exercise is looked at up to the
landmark, where the clock of returns starts, and the arms are made alike by overlap weights in what was recorded by
relief.

Beside this main line, in one table: from ten clinics on, the interval that takes clinics as drawn; landmarks sooner and
later; supervised and home exercise apart; without patients in maintenance care; exercise as a state that begins when it
begins (Cox model in counting-process form); and the strategies "start within the grace time" and "never" from relief
on, for those who had not started by then (clone, censor, weight).

What remains: those who take up exercise differ in motivation and distance, which nobody records; and patients who
exercise here are seen here more often, so that their pain is found here sooner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from outcomes.cases.clinicians import note_shared
from outcomes.errors import NotEstimable
from outcomes.questions import results
from outcomes.questions.answer import CaseAnswer
from outcomes.questions.arm_balance import BALANCE_COLUMNS
from outcomes.questions.between_clinics import clinic_notes, find_clinics
from outcomes.questions.contrast_lines import tabulate_lines
from outcomes.questions.exercise_cohort import build_cohort_at
from outcomes.questions.exercise_lines import (
    DRAWS_BESIDE,
    FEWEST_DRAWS,
    WITH,
    Comparison,
    Line,
    compare_arms,
    head_line,
    withhold,
)
from outcomes.questions.exercise_protocol import describe_trial
from outcomes.questions.exercise_ways import as_a_state, as_strategies, draw_clinics, with_and_without
from outcomes.questions.one_thread import one_thread
from outcomes.questions.recurrence import describe_return
from outcomes.questions.unknown_treatments import is_mostly_unread

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

LANDMARKS_DAYS = (14, 30, 60)

_REFUSED = "Return with and without rehabilitation exercise cannot be compared"


@dataclass(frozen=True, repr=False)
class Rehabilitation(CaseAnswer):
    """Exercise and return.

    Attributes
    ----------
    table : DataFrame
        One row an analysis: ``analysis, label, landmark_days, exercise, maintenance, horizon_days, scale, estimate,
        conf_low, conf_high, risk_with, risk_without, n, events, n_with, n_without, events_with, events_without,
        effective_with, effective_without, reason``. `scale` says whether `estimate` is a difference of shares (with
        exercise minus without) or a ratio of hazards; `reason` why there is none. `events` are returns within the
        horizon, or seen at all for ratios. The numbers of the two arms are given at landmarks only: elsewhere "with"
        would be whoever ever began.
    balance : DataFrame
        ``column, label, smd_before, smd_after, is_adjusted``: standardised mean differences of the main line.
    protocol : DataFrame
        ``part, ideal, emulated``: the target trial.
    summary : dict
        Of the main line: ``n, n_events, n_with, n_without, largest_smd, n_columns, n_draws``.
    """

    table: pd.DataFrame
    balance: pd.DataFrame
    protocol: pd.DataFrame


@one_thread
def compare_rehabilitation(episodes: Episodes) -> Rehabilitation:
    """Compare returns after relief with and without active exercise recorded before the landmark.

    Parameters
    ----------
    episodes : Episodes

    Raises
    ------
    NotEstimable
        The export records no treatments, the end of observation is unknown, or nobody reached the landmark.
    """
    results.check_episodes(episodes)
    import pandas as pd

    from outcomes.cases.returns import build_return_rows

    if "modalities" not in episodes.visits.columns:
        raise NotEstimable(f"{_REFUSED}: this export has no treatment column. Map one.")
    if is_mostly_unread(episodes):
        raise NotEstimable(
            f"{_REFUSED}: at more than a tenth of the visits a treatment is in words the codebook does not know, and "
            "may be exercise. Say what they mean in a codebook."
        )
    protocol, returns = episodes.protocol, build_return_rows(episodes)
    if not returns.episode.size:
        raise NotEstimable(f"{_REFUSED}: no episode was still relieved when returns begin to count.")
    main, drawn = _compare_main(episodes)
    beside = [*drawn, *_other_landmarks(episodes), *_kinds(episodes), *as_a_state(episodes), *as_strategies(episodes)]
    lines = [main.line, *(withhold(line) if main.line.reason else line for line in beside)]
    return Rehabilitation(
        table=tabulate_lines(lines, [item.name for item in fields(Line)]),
        balance=pd.DataFrame(main.balance, columns=list(BALANCE_COLUMNS)),
        protocol=describe_trial(protocol),
        summary=main.summary,
        settings=results.make_settings(
            episodes,
            question="active exercise before the landmark, and return",
            definition=describe_return(protocol),
            exposure=f"active exercise recorded from the start of the episode to {protocol.recurrence.landmark_days} "
            "days after relief",
            estimand="difference in the share back, overlap population",
            estimator="overlap-weighted Kaplan-Meier; patients drawn, weights estimated again in every draw",
            adjusted_for=", ".join(main.adjusted),
            bootstrap_draws=f"{protocol.inference.bootstrap_draws} for the main line, {DRAWS_BESIDE} beside it; "
            f"with many episodes fewer, {FEWEST_DRAWS} at least",
            tag="adjusted association",
        ),
        ledger=returns.ledger,
        notes=(
            "Motivation, distance and exercise at home that nobody wrote down are not recorded; those who exercise "
            "here may also be seen here sooner when pain is back.",
            "Trials, not these records, say what exercise does: they found fewer new episodes with it.",
            *main.notes,
            *note_shared(episodes.visits),
        ),
    )


def _compare_main(episodes: Episodes) -> tuple[Comparison, list[Line]]:
    """The main line with its balance, and what it says of clinics; there is a line where they are enough."""
    landmark = episodes.protocol.recurrence.landmark_days
    cohort, head = build_cohort_at(episodes, landmark), head_line(episodes, "landmark", landmark)
    main = compare_arms(episodes, cohort, head, episodes.protocol.inference.bootstrap_draws)
    drawn = list(draw_clinics(episodes, cohort, head, main.line))
    n_clinics = 0 if main.line.reason else find_clinics(episodes, cohort.rows.episode).n_named
    has_interval = any(not line.reason for line in drawn)
    return replace(main, notes=(*main.notes, *clinic_notes(n_clinics, has_interval))), drawn


def _other_landmarks(episodes: Episodes) -> Iterator[Line]:
    """The main landmark without maintenance care, and the other landmarks with and without it."""
    main = episodes.protocol.recurrence.landmark_days
    for landmark in (main, *(day for day in LANDMARKS_DAYS if day != main)):
        for maintenance, cohort in with_and_without(build_cohort_at(episodes, landmark)):
            if (landmark, maintenance) != (main, WITH):
                head = head_line(episodes, "landmark", landmark, maintenance=maintenance)
                yield compare_arms(episodes, cohort, head).line


def _kinds(episodes: Episodes) -> Iterator[Line]:
    """Supervised and home exercise, each against none."""
    landmark = episodes.protocol.recurrence.landmark_days
    for kind in ("supervised", "home"):
        head = head_line(episodes, "landmark", landmark, kind)
        yield compare_arms(episodes, build_cohort_at(episodes, landmark, kind), head).line
