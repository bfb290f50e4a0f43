"""E10: does the first treatment reach the muscle found in spasm? Concordant against discordant episodes, adjusted.

Nothing published says what treating another muscle than the one found does; it is a claim of clinics that treat so.
So the comparison is that of one family of treatments (`modality_families`): the same eligible episodes, the first
treatment visit as time zero, the arms formed at it, overlap weights, the share relieved by the primary day from the
interval-censored curve of each arm. What is added:

- the arms are made alike in the group of the muscle found, too: some groups are relieved sooner than others;
- and in how many muscles were found and how many treated: the more there are, the likelier one of them is the same, and
  the number itself may bear on relief. Numbers that one arm hardly has are set aside, and a line of episodes with one
  of each stands beside;
- the main line compares within clinicians. Who writes muscles down with care may also treat with care, and a line
  between clinicians would take one for the other. A line without the clinician stands beside it;
- what was written vaguely, or not at all, is described and in neither arm (`concordance_classes`);
- examiners agree only moderately on the muscle, so that both arms hold episodes of the other: what the difference
  between the true arms would be is shown under assumed shares of errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outcomes.cases.clinicians import note_shared
from outcomes.cases.first_treatment import TreatmentRows
from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger, Step
from outcomes.questions import results
from outcomes.questions.adjustment import LEAST_IN_ARM
from outcomes.questions.arm_balance import tabulate_balance
from outcomes.questions.concordance_classes import (
    CLASS_LABELS,
    DEFAULT,
    EXAMPLE,
    LENIENT,
    MISMATCH,
    SINGLE,
    STRICT,
    Classes,
    compared_rows,
    concordant_arms,
    mismatch_arms,
    read_classes,
    single_arms,
)
from outcomes.questions.concordance_protocol import describe_concordance_trial
from outcomes.questions.concordance_tables import (
    tabulate_changed,
    tabulate_classes,
    tabulate_misclassification,
    tabulate_recording,
)
from outcomes.questions.contrast_checks import (
    beside_line,
    count_draws,
    draw_clinics,
    find_clinics,
    first_episodes,
    note_clinics,
    pain_lines,
    without_clinic,
)
from outcomes.questions.contrast_gate import check_after
from outcomes.questions.contrast_lines import (
    MAIN,
    Contrast,
    Line,
    add_q_values,
    count_arms,
    first_reason,
    fit_contrast,
    fit_relief,
    name_columns,
    tabulate_lines,
)
from outcomes.questions.modality_families import compare_arms, count_workers, head_line
from outcomes.questions.modality_protocol import list_reporting_items
from outcomes.questions.modality_result import ModalityComparison, count_rows, find_signal, tabulate_contrasts
from outcomes.questions.other_outcomes import build_rule_rows, judge_otherwise, note_controls
from outcomes.questions.results import IntArray
from outcomes.questions.treatment_arms import Arms, choose_columns_of
from outcomes.questions.unknown_treatments import read_treated

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

WITHOUT_CLINICIAN = "without_clinician"
AGREEMENT = (
    "Examiners agree only moderately on such findings, so both groups contain errors. Kappa: trigger points, pooled, "
    "0.45 (95 % interval 0.36 to 0.54; Rathbone et al. 2017, doi:10.1097/AJP.0000000000000459); trigger points of the "
    "lower back, 0.29 to 0.38 (Nice et al. 1992, doi:10.1016/0003-9993(92)90258-X); taut bands, \u22120.02 to 0.22 "
    "(Hsieh et al. 2000, doi:10.1016/S0003-9993(00)90068-6)."
)


def compare_concordance(
    episodes: Episodes, beside: bool = True, progress: Callable[[str], None] = lambda _: None
) -> ModalityComparison:
    """Compare episodes whose first treatment met the muscle found in spasm with those whose first treatment did not.

    Parameters
    ----------
    episodes : Episodes
    beside : bool
        Whether to add the lines by which a reader judges the main one.
    progress : callable
        Told, in a few words, what is being done.

    Returns
    -------
    ModalityComparison
        With the question ``identified_muscle``. In every row `with` is the arm that met the muscle found. Contrast
        ``concordant`` has the main line (``adjusted``) and those beside it; ``known_mismatch`` and ``clinic_example``
        hold the same arm against a part of the other. `more` holds ``classes``, ``misclassification``, ``recording``
        and ``changed`` (`concordance_tables`).

    Raises
    ------
    NotEstimable
        The export records no treatments, no muscles found or no muscles treated; no episode is eligible, or none has
        both muscles by name. A comparison that cannot carry weight is no error: its row says why.
    """
    results.check_episodes(episodes)
    rows = read_treated(episodes)
    classes = read_classes(episodes, rows)
    progress("the muscle found against another muscle")
    arms = concordant_arms(rows, classes)
    contrast, lines = compare_arms(episodes, arms)
    contrasts = [_add_aside(contrast, int(classes.known.sum()) - arms.rows.n)]
    if beside:
        lines += _beside(episodes, rows, classes, contrast, lines[0], compared_rows(rows, arms), progress)
        for name in (MISMATCH, EXAMPLE):
            progress(f"the muscle found against {name.replace('_', ' ')}")
            arms = mismatch_arms(rows, classes, name)
            other, line = _fit_line(episodes, arms, name, "adjusted, as the main line")
            aside = int(((classes.level >= DEFAULT) | classes.find(name)).sum()) - arms.rows.n
            contrasts, lines = [*contrasts, _add_aside(other, aside)], [*lines, line]
    return _make_result(episodes, rows, classes, contrasts, lines)


def _add_aside(contrast: Contrast, n: int) -> Contrast:
    """Count those set aside for their number of muscles with those of whom a unit has too few."""
    return replace(contrast, units=replace(contrast.units, too_few=contrast.units.too_few + n))


def _fit_line(episodes: Episodes, arms: Arms, analysis: str, words: str) -> tuple[Contrast, Line]:
    """A comparison of its own with the draws of a line beside the main one.

    Refused, its row has the numbers of all episodes of both arms, also those a clinician's habits set aside.
    """
    head = replace(head_line(episodes, arms), analysis=analysis, analysis_label=words)
    found = fit_contrast(episodes, arms, head.horizon_days, count_draws(episodes), count_workers())
    if found.shown is not None:
        return found, beside_line(count_arms(head, found.arms), found.shown)
    line = count_arms(head, arms)
    few = 0 < min(line.n_with, line.n_without) < episodes.protocol.reporting_floor.compare_min_episodes
    scarce = arms.with_words if line.n_with < line.n_without else arms.without_words
    return found, line.refuse(f"too few episodes {scarce} to compare" if few else found.reason)


def _beside(
    episodes: Episodes,
    rows: TreatmentRows,
    classes: Classes,
    contrast: Contrast,
    main: Line,
    compared: IntArray,
    progress: Callable[[str], None],
) -> Iterator[Line]:
    """The lines beside the main one: other cuts of the classes first, which need not be refused where it is."""
    for analysis, arms, words in (
        (
            "strict",
            concordant_arms(rows, classes, STRICT),
            "strict: the same muscle on the same side alone is concordant",
        ),
        ("lenient", concordant_arms(rows, classes, LENIENT), "lenient: a neighbouring group is concordant too"),
        (SINGLE, single_arms(rows, classes), "one muscle found and one treated: no number of them plays a part"),
    ):
        progress(f"the muscle found, {analysis}")
        yield _fit_line(episodes, arms, analysis, words)[1]
    if contrast.shown is None:
        return
    head = count_arms(head_line(episodes, contrast.arms), contrast.arms)
    if len(contrast.units.names) > 1:
        yield _without_clinician(episodes, contrast, head)
    progress("the muscle found, other definitions and checks")
    yield from pain_lines(episodes, contrast, head)
    rules = {rule: other.take(compared) for rule, other in build_rule_rows(episodes).items()}
    yield from judge_otherwise(episodes, contrast, head, rules, count_workers())
    yield first_episodes(episodes, contrast, head, count_workers())
    with ThreadPoolExecutor(count_workers()) as pool:
        clinics = find_clinics(episodes, contrast)
        without = list(pool.map(lambda code: without_clinic(episodes, contrast, head, code), clinics))
    yield from (*without, *draw_clinics(episodes, contrast, main, without))


def _without_clinician(episodes: Episodes, contrast: Contrast, head: Line) -> Line:
    """The same episodes and columns but for who treated."""
    words = "not within clinicians: who treated is left out of the adjustment"
    line = replace(head, analysis=WITHOUT_CLINICIAN, analysis_label=words)
    arms = contrast.arms
    chosen = choose_columns_of(episodes, arms, contrast.units.forget())
    try:
        found = fit_relief(episodes, arms, chosen, head.horizon_days, count_draws(episodes), count_workers())
    except NotEstimable as refusal:
        return line.refuse(name_columns(results.say_refusal(refusal), chosen))
    balance = tabulate_balance(chosen, arms.treated, found.weights)
    effective = found.ess_treated, found.ess_control
    reason = first_reason(check_after(arms, found.propensity, effective, balance, episodes))
    return line.refuse(reason) if reason else beside_line(line, found)


def _make_result(
    episodes: Episodes, rows: TreatmentRows, classes: Classes, contrasts: list[Contrast], lines: list[Line]
) -> ModalityComparison:
    table = add_q_values(tabulate_lines(lines), MAIN)
    return ModalityComparison(
        question="identified_muscle",
        table=table,
        **tabulate_contrasts(contrasts, episodes.protocol),
        protocol=describe_concordance_trial(episodes),
        checklist=list_reporting_items(episodes),
        summary=_summarise(episodes, rows, classes, contrasts, table),
        settings=_settings(episodes),
        ledger=_account(rows, classes, concordant_arms(rows, classes).rows.n),
        notes=_notes(episodes, rows, contrasts[0], lines),
        more={
            "classes": tabulate_classes(episodes, rows, classes),
            "misclassification": tabulate_misclassification(contrasts[0]),
            "recording": tabulate_recording(episodes, rows, classes),
            "changed": tabulate_changed(episodes, rows),
        },
    )


def _account(rows: TreatmentRows, classes: Classes, n: int) -> Ledger:
    counts = classes.count()
    known = counts["n_known"]
    aside = {CLASS_LABELS[name]: counts[f"n_{name}"] for name in ("unknown", "unspecific")}
    ledger = rows.ledger.with_step(
        Step("muscle found and muscle treated by name", "episodes", rows.n, known, set_aside=aside)
    )
    rare = {"a number of muscles found or treated that one arm hardly has": known - n}
    return ledger.with_step(Step("as many muscles in both arms", "episodes", known, n, set_aside=rare))


def _summarise(
    episodes: Episodes, rows: TreatmentRows, classes: Classes, contrasts: list[Contrast], table: pd.DataFrame
) -> dict[str, Any]:
    return {
        **count_rows(episodes, rows),
        "n_contrasts": len(contrasts),
        "n_shown": sum(contrast.shown is not None for contrast in contrasts),
        **classes.count(),
        "is_shown": contrasts[0].shown is not None,
        **find_signal(episodes, table),
    }


def _settings(episodes: Episodes) -> dict[str, Any]:
    protocol = episodes.protocol
    who = "clinicians" if "clinician" in episodes.visits.columns else "clinics"
    return results.make_settings(
        episodes,
        question="treating the muscle found in spasm against treating another",
        definition=f"relief by day {protocol.horizons_days.primary} from the first treatment",
        exposure="muscles treated at the first treatment visit against those found at the first visit of the episode; "
        "concordant: the same muscle and side, its group, or a collective name and its part",
        adjusted="for how many muscles were found and how many treated (1, 2, 3 or more; numbers with fewer than "
        f"{LEAST_IN_ARM} episodes of an arm are set aside), the group of the muscle found, and what families of "
        "treatments are adjusted for",
        primary=f"within {who}: who treated is among the columns, and those who always, or never, treat so are set "
        "aside",
        estimand="difference in the share relieved, overlap population",
        estimator="overlap-weighted interval-censored curve of each arm; patients drawn, weights estimated again in "
        "every draw",
        bootstrap_draws=f"{protocol.inference.bootstrap_draws} for the main line, {count_draws(episodes)} beside it, "
        "none for the estimate without a clinic",
        multiplicity=f"one comparison, fixed beforehand: the q-value of its {MAIN} line is its p-value; no line beside "
        "it is a test",
        tag="adjusted association",
    )


def _notes(episodes: Episodes, rows: TreatmentRows, contrast: Contrast, lines: list[Line]) -> tuple[str, ...]:
    return (
        "Visits at which another muscle was treated differ from the others in more than this; the adjustment covers "
        "only what is recorded.",
        "Nothing published says what treating another muscle than the one found does: there is no figure to hold this "
        "one against.",
        "One pair of a muscle found and a muscle treated is enough for an episode to count as treated there, so that "
        "with more muscles it is likelier. The arms are therefore made alike in both numbers (1, 2, 3 or more); those "
        "with a number that one arm hardly has are set aside, nobody being there to compare them with. Where one "
        "muscle was found and one treated, a line of its own says what is seen.",
        AGREEMENT,
        "With such errors a true difference shows smaller than it is, and no difference here says little. The table "
        "'misclassification' shows what the recorded difference would stand for if so much of either arm, as "
        "weighted, were in the right one; assumed: both arms are right equally often, errors do not depend on who is "
        "relieved, and those in the wrong arm are otherwise like those in the right one. Nobody has measured it here.",
        "Where the muscle found or treated is written vaguely or not at all, the episode is in neither arm: it is "
        "never called discordant.",
        "Which of the treatments of a visit went to which muscle is not recorded.",
        "Muscles found at a later visit answer to how the patient is doing and form no arms; the table 'changed' says "
        "how often they were others than at first.",
        *note_clinics(episodes, rows, [contrast], lines),
        *(contrast.notes if contrast.shown is not None else ()),
        *note_controls(lines),
        *note_shared(episodes.visits),
        *results.context_notes(None, episodes.has_calendar),
    )
