"""The front door of all comparisons of treatments: which question, formed by which exposure.

What a patient got "ever" during an episode, or how often, is known only at its end: who takes longer to be relieved has
more time to be given anything. Such groups compare outcomes with themselves, and are refused for outcomes in time
(immortal time; Suissa 2008, doi:10.1093/aje/kwm324).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING

from outcomes.cases.first_treatment import keep_known_facts
from outcomes.errors import Finding, InputRefused
from outcomes.questions.concordant_treatment import compare_concordance
from outcomes.questions.joint_families import compare_jointly
from outcomes.questions.modality_families import compare_families
from outcomes.questions.modality_result import ModalityComparison
from outcomes.questions.modality_subgroups import compare_subgroups
from outcomes.questions.one_thread import one_thread
from outcomes.questions.results import check_episodes, check_progress

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

QUESTIONS = {
    "one_family": "each family of treatments against none of it",
    "all_families": "all families at once",
    "identified_muscle": "treating the muscle found in spasm",
    "subgroups": "each family by muscle group and duration",
}
_DESCRIBED = {"use": "describe_modality_use", "same_visit": "describe_same_visit"}
FIRST_VISIT, FIRST_DAYS = "first_treatment_visit", "days_0_7"
EXPOSURES = (FIRST_VISIT, FIRST_DAYS)
_REFUSED = {
    "ever": "is known only when the episode is over: whoever takes longer to be relieved has more time to be given it.",
    "sessions": "is decided by how the patient is doing: those slow to recover come more often, so that more sessions "
    "go with later relief whatever they do.",
}
_SAME = {
    "ever_during_episode": "ever",
    "any_time": "ever",
    "number_of_sessions": "sessions",
    "n_sessions": "sessions",
    "dose": "sessions",
    "n_visits": "sessions",
}


@one_thread
def compare_modalities(
    episodes: Episodes,
    question: str = "one_family",
    exposure: str = FIRST_VISIT,
    progress: Callable[[str], None] = lambda _: None,
    beside: bool = True,
) -> ModalityComparison:
    """Compare treatments in the share of episodes relieved by the primary day.

    Parameters
    ----------
    episodes : Episodes
        As `build_episodes` returns them, of an export that records treatments.
    question : str
        One of `QUESTIONS`: ``one_family`` each family against none of it, ``all_families`` all at once in one model,
        ``identified_muscle`` whether the muscle found in spasm was treated, ``subgroups`` each family within muscle
        groups and classes of duration.
    exposure : str
        Where arms are formed: ``first_treatment_visit``, or, for ``one_family``, ``days_0_7``: what was given on the
        first days of treatment, the clock starting at their end.
    progress : callable
        Told, in a few words, what is being done.
    beside : bool
        For ``one_family``: whether to add the lines by which a reader judges each contrast (other definitions of
        relief, pain itself, controls, the first episodes, a clinic left out at a time). The contrasts themselves,
        unadjusted and on other scales, take a third to a half of the time, and their numbers do not depend on it. A
        result to be shown has them.

    Returns
    -------
    ModalityComparison
        Every contrast in its own rows, in the order of the codebook; those that cannot carry weight without a number
        and with the reason.

    Raises
    ------
    InputRefused
        E801 an exposure that is known only later (``ever``, ``sessions``), or none of these; E802 no such question;
        E804 lines left out of a question that has none of its own.
    NotEstimable
        The export lacks what the question needs.
    """
    question = _read_question(question)
    check_episodes(episodes)
    check_progress(progress)
    window = _read_exposure(exposure, question, episodes)
    if not beside and question != "one_family":
        said = f"is offered for the question 'one_family', not for '{question}'."
        finding = Finding("E804", said, "beside=False", "Leave it out, or ask 'one_family'.")
        raise InputRefused("Treatments cannot be compared.", [finding])
    episodes = keep_known_facts(episodes)
    if question == "one_family":
        return compare_families(episodes, window, beside=beside, progress=progress)
    others: dict[str, Callable[..., ModalityComparison]] = {
        "all_families": compare_jointly,
        "identified_muscle": compare_concordance,
        "subgroups": compare_subgroups,
    }
    return others[question](episodes, progress=progress)


def _read_question(question: str) -> str:
    if question in QUESTIONS:
        return question
    if question in _DESCRIBED:
        hint = f"It is described, not compared: use {_DESCRIBED[question]}(episodes)."
        raise InputRefused("Treatments cannot be compared.", [Finding("E802", "is no comparison.", question, hint)])
    near = difflib.get_close_matches(str(question), QUESTIONS, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else f"Choose one of: {', '.join(QUESTIONS)}."
    raise InputRefused("Treatments cannot be compared.", [Finding("E802", "is no question.", str(question), hint)])


def _read_exposure(exposure: str, question: str, episodes: Episodes) -> int:
    """Days within which treatments count."""
    word = _SAME.get(str(exposure), str(exposure))
    remedy = f"Use '{FIRST_VISIT}', or '{FIRST_DAYS}' as a sensitivity analysis."
    if word in _REFUSED:
        finding = Finding("E801", f"cannot form arms for an outcome in time: it {_REFUSED[word]}", word, remedy)
        raise InputRefused("Treatments cannot be compared so.", [finding])
    if word not in EXPOSURES:
        raise InputRefused("Treatments cannot be compared.", [Finding("E801", "is no exposure.", word, remedy)])
    if word == FIRST_VISIT:
        return 0
    if question != "one_family":
        finding = Finding("E801", f"is offered for the question 'one_family', not for '{question}'.", word, remedy)
        raise InputRefused("Treatments cannot be compared.", [finding])
    return episodes.protocol.exposure.sensitivity_window_days
