"""What a page is made of: the data, and one answer or refusal for each question."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes.errors import NotEstimable
from outcomes.release import shared_answers
from outcomes.release.across_questions import protect_answers
from outcomes.release.asking import put_together
from outcomes.release.disclosure import protect_result

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases import Episodes, Visits
    from outcomes.records import Records

QUESTIONS = (
    *("relief", "relief_grid", "recurrence", "triggers", "rehabilitation", "return_factors"),
    *("modality_use", "same_visit", "one_family", "all_families", "identified_muscle", "subgroups"),
    *("clinics", "clinicians", "attendance", "quarter_review"),
    *("completeness", "missing", "missing_covariates"),
)
COMPARISONS = {
    "one_family": "each family of treatments against none of it",
    "all_families": "all families of treatments at once",
    "identified_muscle": "treating the muscle found",
    "subgroups": "families of treatments by muscle group and duration",
}
"""Questions of `compare_modalities`, and what is being done."""


@dataclass(frozen=True)
class ReportInputs:
    """The data and the answers of one report; an answer may be the refusal (`NotEstimable`) with its reason.

    Attributes
    ----------
    records : Records or None
        For the account of files; None when only cases are at hand.
    visits, episodes : Visits, Episodes
    relief, relief_grid, recurrence, triggers, rehabilitation, return_factors : result or NotEstimable
        `relief_grid` is the share relieved under every definition.
    modality_use, same_visit, quarter_review, completeness : result or NotEstimable
    clinics, clinicians, attendance, missing, missing_covariates : result or NotEstimable
    one_family, all_families, identified_muscle, subgroups : ModalityComparison or NotEstimable
    """

    visits: Visits
    episodes: Episodes
    relief: Any
    relief_grid: Any
    recurrence: Any
    triggers: Any
    rehabilitation: Any
    return_factors: Any
    modality_use: Any
    same_visit: Any
    one_family: Any
    all_families: Any
    identified_muscle: Any
    subgroups: Any
    clinics: Any
    clinicians: Any
    attendance: Any
    quarter_review: Any
    completeness: Any
    missing: Any
    missing_covariates: Any
    records: Records | None = None

    @property
    def quarter(self) -> str:
        """The chosen quarter, ``"2026Q3"``; empty without a calendar."""
        review = self.quarter_review
        return "" if isinstance(review, NotEstimable) else str(review.quarter)

    def answer(self, name: str) -> Any | None:
        """Return the result of a question, or None if it was refused."""
        result = getattr(self, name)
        return None if isinstance(result, NotEstimable) else result

    def refusal(self, name: str) -> str:
        """Return why a question was refused; empty if it was not."""
        result = getattr(self, name)
        return str(result).splitlines()[0] if isinstance(result, NotEstimable) else ""

    def protected(self) -> ReportInputs:
        """Return the same with small numbers hidden in every result; done once, before anything is shown."""
        floor = self.episodes.protocol.reporting_floor.suppress_cell_below
        return dataclasses.replace(self, **protect_answers({name: self.answer(name) for name in QUESTIONS}, floor))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the published tables by name (`release.tables.collect_tables`); of protected inputs only."""
        from outcomes.release.tables import collect_tables

        return collect_tables(self)


def share(inputs: ReportInputs, folder: Path) -> None:
    """Put the protected answers into a private folder, for the notebooks of the same run."""
    from outcomes import questions

    asked: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        "relief": (questions.estimate_relief, {}),
        "relief_grid": (questions.compare_relief_definitions, {}),
        "recurrence": (questions.estimate_recurrence, {}),
        "triggers": (questions.compare_triggers, {}),
        "rehabilitation": (questions.compare_rehabilitation, {}),
        "return_factors": (questions.compare_return_factors, {}),
        "modality_use": (questions.describe_modality_use, {}),
        "same_visit": (questions.describe_same_visit, {}),
        **{name: (questions.compare_modalities, {"question": name}) for name in COMPARISONS},
        "missing": (questions.describe_missing, {}),
        "missing_covariates": (questions.check_missing_covariates, {}),
    }
    for name, (question, options) in asked.items():
        shared_answers.keep(folder, question, inputs.episodes, getattr(inputs, name), **options)


def answer(question: Callable[..., Any], episodes: Episodes, /, **options: Any) -> Any:
    """Put one question and protect its answer; the refusal (`NotEstimable`) with its reason where it has none.

    A figure draws a refusal as its sentence and `tables.part` shows it, so that a notebook goes on. In a notebook that
    a report runs, the answer of the page is taken where it is the same question (`shared_answers`).
    """
    if (known := shared_answers.recall(question, episodes, **options)) is not None:
        return known
    try:
        found = question(episodes, **options)
    except NotEstimable as refusal:
        return refusal
    return protect_result(found, episodes.protocol.reporting_floor.suppress_cell_below)


def ask(
    records: Records | None,
    visits: Visits,
    episodes: Episodes,
    quarter: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
    only: Sequence[str] = (),
    workers: int = 1,
) -> ReportInputs:
    """Put every question of the page to the data; a refusal is kept as the answer.

    Parameters
    ----------
    records, visits, episodes : Records, Visits, Episodes
    quarter : str, optional
        ``"2026Q3"``; the last complete one when not given.
    progress : callable
        Told, in a few words, what is being done.
    only : sequence of str
        Names of `QUESTIONS` to put; all when empty. The others are kept as not put.
    workers : int
        Processes to put them with (`release.asking`); no bit of an answer depends on it.
    """
    from outcomes.questions.attendance import describe_attendance
    from outcomes.questions.comparisons import compare_modalities
    from outcomes.questions.completeness import describe_completeness
    from outcomes.questions.missing import describe_missing
    from outcomes.questions.missing_covariates import check_missing_covariates
    from outcomes.questions.modality import describe_modality_use
    from outcomes.questions.quarter import review_quarter
    from outcomes.questions.recurrence import estimate_recurrence
    from outcomes.questions.rehabilitation import compare_rehabilitation
    from outcomes.questions.relief import estimate_relief
    from outcomes.questions.relief_definitions import compare_relief_definitions
    from outcomes.questions.return_factors import compare_return_factors
    from outcomes.questions.same_visit import describe_same_visit
    from outcomes.questions.triggers import compare_triggers
    from outcomes.questions.units import compare_units

    calls: dict[str, tuple[str, Callable[[], Any]]] = {
        "relief": ("time to relief", lambda: estimate_relief(episodes)),
        "relief_grid": ("definitions of relief", lambda: compare_relief_definitions(episodes)),
        "recurrence": ("return after relief", lambda: estimate_recurrence(episodes)),
        "triggers": ("triggers of returns", lambda: compare_triggers(episodes)),
        "rehabilitation": ("exercise and return", lambda: compare_rehabilitation(episodes)),
        "return_factors": ("who comes back", lambda: compare_return_factors(episodes)),
        "modality_use": ("treatment mix", lambda: describe_modality_use(episodes)),
        "same_visit": ("pain before and after a visit", lambda: describe_same_visit(episodes)),
        **{
            name: (words, partial(compare_modalities, episodes, name, progress=progress))
            for name, words in COMPARISONS.items()
        },
        "clinics": ("clinics", lambda: compare_units(episodes)),
        "clinicians": ("clinicians", lambda: compare_units(episodes, "clinician")),
        "attendance": ("attendance", lambda: describe_attendance(episodes, quarter)),
        "quarter_review": ("quarters", lambda: review_quarter(episodes, quarter)),
        "completeness": ("completeness", lambda: describe_completeness(visits)),
        "missing": ("what is missing where", lambda: describe_missing(episodes)),
        "missing_covariates": ("missing covariates, imputed", lambda: check_missing_covariates(episodes)),
    }
    wanted = {name: call for name, call in calls.items() if not only or name in only}
    answers: dict[str, Any] = dict.fromkeys(calls, NotEstimable("This question was not put in this run."))
    answers |= put_together(wanted, workers, progress)
    if quarter is not None and "quarter_review" in wanted and isinstance(answers["quarter_review"], NotEstimable):
        raise answers["quarter_review"]  # asked for by name: a page without it would not be an answer
    return ReportInputs(visits, episodes, records=records, **answers)
