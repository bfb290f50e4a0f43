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
from outcomes.release.disclosure import mask_notes, protect_result
from outcomes.release.marks import mask_few

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
    is_protected : frozenset of str
        Questions whose answer came with small numbers hidden already (`shared_answers`).
    withheld : frozenset of str
        Tables counted from the cases in which every number is hidden (`hide_more`).
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
    is_protected: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()

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

    def protected(self, workers: int = 1) -> ReportInputs:
        """Return the same with small numbers hidden in every result; done once, before anything is shown.

        First by the rules of each table, then what a reader of all of them would still work out (`hide_more`).
        """
        from outcomes.release.hide_more import hide_what_is_told

        floor = self.episodes.protocol.reporting_floor.suppress_cell_below
        answers = {name: self.answer(name) for name in QUESTIONS}
        refused = {name: _mask(getattr(self, name), floor) for name, found in answers.items() if found is None}
        shown = protect_answers(answers, floor, workers, self.is_protected)
        return hide_what_is_told(dataclasses.replace(self, **(shown | refused)))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the published tables by name (`release.tables.collect_tables`); of protected inputs only."""
        from outcomes.release.tables import collect_tables

        return collect_tables(self)


def share(inputs: ReportInputs, folder: Path) -> None:
    """Put the protected answers into a private folder, for the notebooks of the same run."""
    answers = {
        name: (question, options, getattr(inputs, name))
        for name, (_, question, options) in _list_questions(inputs.quarter or None).items()
        # Attendance on the page sets no quarter beside all episodes; completeness is of visits, and soon told.
        if name not in ("attendance", "completeness")
    }
    shared_answers.keep(folder, inputs.episodes, answers.values())


def answer(question: Callable[..., Any], episodes: Episodes, /, **options: Any) -> Any:
    """Put one question and protect its answer; the refusal (`NotEstimable`) with its reason where it has none.

    A figure draws a refusal as its sentence and `tables.part` shows it, so that a notebook goes on. In a notebook that
    a report runs, the answer of the page is taken where it is the same question (`shared_answers`).
    """
    if (known := shared_answers.recall(question, episodes, **options)) is not None:
        return known
    floor = episodes.protocol.reporting_floor.suppress_cell_below
    try:
        found = question(episodes, **options)
    except NotEstimable as refusal:
        return _mask(refusal, floor)
    return mask_notes(protect_result(found, floor), floor)


def _mask(refusal: NotEstimable, floor: int) -> NotEstimable:
    """Return a refusal whose sentence tells no small count of people."""
    said = str(refusal)
    masked = mask_few(said, floor)
    return refusal if masked == said else NotEstimable(masked)


def ask(
    records: Records | None,
    visits: Visits,
    episodes: Episodes,
    quarter: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
    only: Sequence[str] = (),
    workers: int = 1,
    meanwhile: Callable[[], None] = lambda: None,
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
    meanwhile : callable
        What this process does while others have the questions.
    """
    listed = {name: item for name, item in _list_questions(quarter).items() if not only or name in only}
    known = {
        name: found
        for name, (_, question, options) in listed.items()
        # Protecting one comparison needs another as it was answered.
        if name not in (*COMPARISONS, "completeness")
        and (found := shared_answers.recall(question, episodes, **options)) is not None
    }
    wanted: dict[str, tuple[str, Callable[[], Any]]] = {}
    for name, (words, question, options) in listed.items():
        if name in COMPARISONS:
            options = {**options, "progress": progress}
        of = visits if name == "completeness" else episodes
        if name not in known:
            wanted[name] = (words, partial(question, of, **options))
    answers: dict[str, Any] = dict.fromkeys(QUESTIONS, NotEstimable("This question was not put in this run."))
    answers |= known | put_together(wanted, workers, progress, meanwhile)
    if quarter is not None and "quarter_review" in listed and isinstance(answers["quarter_review"], NotEstimable):
        raise answers["quarter_review"]  # asked for by name: a page without it would not be an answer
    return ReportInputs(visits, episodes, records=records, is_protected=frozenset(known), **answers)


def _list_questions(quarter: str | None) -> dict[str, tuple[str, Callable[..., Any], dict[str, Any]]]:
    """The questions of the page in their order: what is being done, the question, its options."""
    from outcomes import questions as of

    return {
        "relief": ("time to relief", of.estimate_relief, {}),
        "relief_grid": ("definitions of relief", of.compare_relief_definitions, {}),
        "recurrence": ("return after relief", of.estimate_recurrence, {}),
        "triggers": ("triggers of returns", of.compare_triggers, {}),
        "rehabilitation": ("exercise and return", of.compare_rehabilitation, {}),
        "return_factors": ("who comes back", of.compare_return_factors, {}),
        "modality_use": ("treatment mix", of.describe_modality_use, {}),
        "same_visit": ("pain before and after a visit", of.describe_same_visit, {}),
        **{name: (words, of.compare_modalities, {"question": name}) for name, words in COMPARISONS.items()},
        "clinics": ("clinics", of.compare_units, {}),
        "clinicians": ("clinicians", of.compare_units, {"by": "clinician"}),
        "attendance": ("attendance", of.describe_attendance, {"quarter": quarter}),
        "quarter_review": ("quarters", of.review_quarter, {"quarter": quarter}),
        "completeness": ("completeness", of.describe_completeness, {}),
        "missing": ("what is missing where", of.describe_missing, {}),
        "missing_covariates": ("missing covariates, imputed", of.check_missing_covariates, {}),
    }
