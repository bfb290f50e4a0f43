"""E8: episodes that began with a family of treatments against those that began without it. An adjusted association.

Who gets what is decided by clinicians, who look at the patient first: those worse off get more of some treatments, and
a clinician's habits and skill go together. So the comparison is designed as the trial one would run. Eligible are
inception episodes with enough pain to be relieved of; time zero is the first treatment visit; the arms are what was
done at it, whatever follows; nobody is left out for stopping early. The arms are made alike, by overlap weights, in
what was recorded by then, the other treatments of that visit and the clinician among it, and compared in the share
relieved by the primary day, from the interval-censored curve of each.

Groups by what was given "ever" during the episode, or by the number of sessions, are refused: both follow from how long
the patient had to come.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from outcomes.cases.clinicians import note_shared
from outcomes.cases.first_treatment import TreatmentRows, build_treatment_rows
from outcomes.errors import Finding, InputRefused
from outcomes.questions import results
from outcomes.questions.contrast_checks import (
    DRAWS_BESIDE,
    beside_line,
    count_draws,
    draw_clinics,
    find_clinics,
    first_episodes,
    note_clinics,
    pain_lines,
    without_clinic,
)
from outcomes.questions.contrast_lines import (
    DESCRIPTIVE,
    DIFFERENCE,
    MAIN,
    Contrast,
    Line,
    add_q_values,
    count_arms,
    difference_line,
    fit_contrast,
    fit_unadjusted,
    other_scales,
    tabulate_lines,
)
from outcomes.questions.modality_protocol import describe_family_trial, list_reporting_items
from outcomes.questions.modality_result import ModalityComparison, count_rows, find_signal, tabulate_contrasts
from outcomes.questions.one_thread import one_thread
from outcomes.questions.other_outcomes import CONTROL_EXPOSURE, build_rule_rows, judge_otherwise, note_controls
from outcomes.questions.results import Flags
from outcomes.questions.treatment_arms import Arms, family_arms
from outcomes.questions.unknown_treatments import read_treated

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

UNADJUSTED, WINDOW = "unadjusted", "window"
MORE_RATINGS = 1.2
"""Ratings an episode in one arm, as a multiple of the other's, from which it is said."""
_WINDOW_NOTE = (
    "Who came more often in the first days had more chances to be given each treatment, and was found relieved sooner, "
    "and so left before the clock: such differences lean against the treatments. A check of the first visit, no more."
)
CONTROL = "taping_bracing"
"""Negative control exposure: tape or a brace is not thought to change how soon pain is halved."""


@one_thread
def compare_families(
    episodes: Episodes,
    window_days: int = 0,
    families: Sequence[str] | None = None,
    beside: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> ModalityComparison:
    """Compare episodes that began with each family of treatments with those that began without it.

    Parameters
    ----------
    episodes : Episodes
    window_days : int
        Days from the first treatment within which a family counts, the clock starting at their end; 0: that visit.
    families : sequence of str, optional
        Of the codebook; all when not given.
    beside : bool
        Whether to add the lines by which a reader judges the main one; without them it takes a third to a half of the
        time.
    progress : callable
        Told, in a few words, what is being done.

    Raises
    ------
    InputRefused
        E803 no such family.
    NotEstimable
        The export records no treatments or many in unknown words, or no episode is eligible.
    """
    results.check_episodes(episodes)
    rows = read_treated(episodes, window_days)
    wanted = _choose_families(episodes, families)
    rules = build_rule_rows(episodes) if beside and not window_days else {}
    shifted = None
    if beside and not window_days:
        shifted = build_treatment_rows(episodes, window_days=episodes.protocol.exposure.sensitivity_window_days)
    with_control = beside and not window_days and families is None and CONTROL in episodes.visits.codebook.modality_ids
    compared = [family_arms(episodes, rows, family) for family in wanted]
    contrasts: list[Contrast] = []
    found: list[tuple[list[Line], list[Future[list[Line]]]]] = []
    # Families side by side keep the processors busier than the draws of one: much of a comparison is no draw. Where
    # only one is left its draws have all processors, and what is put in the queue meanwhile has them next.
    with ThreadPoolExecutor(count_workers()) as pool:
        running = [pool.submit(compare_arms, episodes, arms, count_workers()) for arms in compared]
        control = pool.submit(_control_exposure, episodes, rows) if with_control else None
        for arms, run in zip(compared, running, strict=True):
            progress(f"episodes with and without {arms.label.lower()}")
            contrast, main = run.result()
            contrasts.append(contrast)
            checks = _list_checks(episodes, contrast, main[0], rules, shifted) if beside and contrast.shown else ()
            found.append((main, [pool.submit(check) for check in checks]))
        lines = []
        for contrast, (main, checking) in zip(contrasts, found, strict=True):
            progress(f"checks beside {contrast.arms.label.lower()}")
            others = [line for check in checking for line in check.result()]
            lines += [*main, *others, *draw_clinics(episodes, contrast, main[0], others)]
        lines += control.result() if control is not None else []
    return _make_result(episodes, rows, contrasts, lines)


def _choose_families(episodes: Episodes, families: Sequence[str] | None) -> list[str]:
    known = episodes.visits.codebook.families
    for family in families or ():
        if family not in known:
            finding = Finding("E803", "is no family of treatments.", str(family), f"Choose from: {', '.join(known)}.")
            raise InputRefused("Treatments cannot be compared.", [finding])
    return [family for family in known if families is None or family in families]


def count_workers() -> int:
    """Threads for the draws; no number depends on it."""
    return max(1, min(4, os.cpu_count() or 1))


def head_line(episodes: Episodes, arms: Arms) -> Line:
    """The head of the main row of a contrast."""
    words = "adjusted: overlap weights, share relieved by the day"
    return Line(arms.name, arms.label, MAIN, words, DIFFERENCE, episodes.protocol.horizons_days.primary)


def compare_arms(episodes: Episodes, arms: Arms, workers: int | None = None) -> tuple[Contrast, list[Line]]:
    """The main rows of a contrast, and the same episodes unadjusted beside it; or why there are none.

    Parameters
    ----------
    episodes : Episodes
    arms : Arms
    workers : int, optional
        Threads; `count_workers` when not given.
    """
    workers = workers or count_workers()
    head, draws = head_line(episodes, arms), episodes.protocol.inference.bootstrap_draws
    contrast = fit_contrast(episodes, arms, head.horizon_days, draws, workers)
    head = count_arms(head, contrast.arms)
    found = contrast.shown
    if found is None:
        return contrast, [head.refuse(contrast.reason)]
    plain = fit_unadjusted(episodes, contrast.arms, head.horizon_days, min(DRAWS_BESIDE, draws), workers)
    beside = replace(head, analysis=UNADJUSTED, analysis_label="unadjusted: the same episodes", tag=DESCRIPTIVE)
    return contrast, [difference_line(head, found), beside_line(beside, plain), *other_scales(head, found)]


def _list_checks(
    episodes: Episodes, contrast: Contrast, main: Line, rules: dict[str, TreatmentRows], shifted: TreatmentRows | None
) -> Iterator[Callable[[], list[Line]]]:
    """Everything by which a reader judges the main line, each to be called by itself."""
    arms = contrast.arms
    head = replace(head_line(episodes, arms), n_with=main.n_with, n_without=main.n_without)
    yield partial(pain_lines, episodes, contrast, head)
    yield partial(judge_otherwise, episodes, contrast, head, rules)
    if shifted is not None:
        yield partial(_alone, _window_line, episodes, shifted, arms, head)
    yield partial(_alone, first_episodes, episodes, contrast, head)
    for code in find_clinics(episodes, contrast):
        yield partial(_alone, without_clinic, episodes, contrast, head, code)


def _alone(make: Callable[..., Line], *args: Any) -> list[Line]:
    return [make(*args)]


def _window_line(episodes: Episodes, shifted: TreatmentRows, arms: Arms, head: Line) -> Line:
    """What was given in the first days, with the clock at their end."""
    days = shifted.window_days
    draws = count_draws(episodes)
    found = fit_contrast(episodes, family_arms(episodes, shifted, arms.name), head.horizon_days, draws)
    words = f"given on days 0 to {days}, the clock starting on day {days}, those at risk then"
    line = count_arms(replace(head, analysis=WINDOW, analysis_label=words), found.arms)
    return beside_line(line, found.shown) if found.shown else line.refuse(found.reason)


def _control_exposure(episodes: Episodes, rows: TreatmentRows) -> list[Line]:
    """Negative control: a treatment that should make no difference to relief."""
    codebook = episodes.visits.codebook
    label = codebook.label("modality", CONTROL)
    given = (rows.given & np.uint64(codebook.mask_of(CONTROL))) != 0
    words = label[0].lower() + label[1:]
    family = codebook.modality_family[CONTROL]
    arms = Arms(CONTROL, label, rows, given, (family,), (), f"that began with {words}", f"that began without {words}")
    head = head_line(episodes, arms)
    found = fit_contrast(episodes, arms, head.horizon_days, count_draws(episodes), count_workers())
    said = "control: a treatment of which no difference is expected"
    line = count_arms(replace(head, analysis=CONTROL_EXPOSURE, analysis_label=said), found.arms)
    return [beside_line(line, found.shown) if found.shown else line.refuse(found.reason)]


def _make_result(
    episodes: Episodes, rows: TreatmentRows, contrasts: list[Contrast], lines: list[Line]
) -> ModalityComparison:
    protocol = episodes.protocol
    table = add_q_values(tabulate_lines(lines), "" if rows.window_days else MAIN)
    return ModalityComparison(
        question="one_family",
        table=table,
        **tabulate_contrasts(contrasts, protocol),
        protocol=describe_family_trial(episodes, rows.window_days),
        checklist=list_reporting_items(episodes),
        summary=_summarise(episodes, rows, contrasts, table),
        settings=_settings(episodes, rows),
        ledger=rows.ledger,
        notes=(
            *_notes(episodes, rows, contrasts),
            *note_clinics(episodes, rows, contrasts, lines),
            *note_controls(lines),
        ),
    )


def _summarise(
    episodes: Episodes, rows: TreatmentRows, contrasts: list[Contrast], table: pd.DataFrame
) -> dict[str, Any]:
    unknown = episodes.visits.columns.get("modality_unknown", np.zeros(episodes.visits.n, dtype=np.bool_))
    return {
        **count_rows(episodes, rows),
        "n_contrasts": len(contrasts),
        "n_shown": sum(contrast.shown is not None for contrast in contrasts),
        "n_unknown_term": int(unknown[rows.row].sum()),
        **find_signal(episodes, table),
    }


def _settings(episodes: Episodes, rows: TreatmentRows) -> dict[str, Any]:
    protocol = episodes.protocol
    exposure = "families of treatments given at the first treatment visit"
    if rows.window_days:
        exposure = f"families given on days 0 to {rows.window_days} of treatment, the clock starting then"
    return results.make_settings(
        episodes,
        question="one family of treatments against none of it",
        definition=f"relief by day {protocol.horizons_days.primary} from the first treatment",
        exposure=exposure,
        estimand="difference in the share relieved, overlap population",
        estimator="overlap-weighted interval-censored curve of each arm; patients drawn, weights estimated again in "
        "every draw",
        bootstrap_draws=f"{protocol.inference.bootstrap_draws} for main lines, {DRAWS_BESIDE} beside them, "
        "none for the estimate without a clinic",
        multiplicity=f"Benjamini-Hochberg over all families, refused ones too, q = {protocol.inference.bh_q:g}",
        tag="adjusted association",
    )


def _note_looking(shown: list[Contrast]) -> tuple[str, ...]:
    """Name the contrasts in which one arm was rated clearly more often: relief is found when somebody looks."""
    uneven = []
    for contrast in shown:
        ratings = [float(contrast.arms.rows.n_ratings[side].mean()) for side in _sides(contrast)]
        if max(ratings) > MORE_RATINGS * min(ratings):
            uneven.append(contrast.arms.label.lower())
    if not uneven:
        return ()
    return (
        "One arm was rated clearly more often than the other, and relief is found when somebody looks, by chance too: "
        f"{', '.join(uneven)}.",
    )


def _sides(contrast: Contrast) -> tuple[Flags, Flags]:
    return contrast.arms.treated, ~contrast.arms.treated


def _notes(episodes: Episodes, rows: TreatmentRows, contrasts: list[Contrast]) -> tuple[str, ...]:
    shown = [contrast for contrast in contrasts if contrast.shown is not None]
    aside = [c for c in shown if c.units.always + c.units.never]
    return (
        "Patients who get a treatment differ from those who do not; the adjustment covers only what is recorded.",
        "A treatment given at the first visit says nothing about one given later, or about how it was done.",
        *(
            (
                "Episodes of clinicians who always, or never, give a treatment say nothing about it and are set aside: "
                f"{', '.join(c.arms.label.lower() for c in aside)}.",
            )
            if aside
            else ()
        ),
        *((_WINDOW_NOTE,) if rows.window_days else ()),
        *_note_looking(shown),
        *(f"{c.arms.label}: {note[0].lower()}{note[1:]}" for c in shown for note in c.notes),
        *note_shared(episodes.visits),
        *results.context_notes(None, episodes.has_calendar),
    )
