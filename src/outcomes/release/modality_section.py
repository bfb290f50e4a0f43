"""Which treatment, how much relief: each family, all at once, the muscle found, by muscle group and duration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from outcomes.release import figures, modality_views
from outcomes.release.inputs import ReportInputs
from outcomes.release.modality_figures import MAIN_LINES, forest_height
from outcomes.release.modality_words import (
    NO_TESTS,
    any_tests,
    say_concordance,
    say_elsewhere,
    say_families,
    say_joint,
    say_overview,
    say_refused,
    say_short,
    say_subgroups,
)
from outcomes.release.model import Block, FigureView, Part, Section, Sentence, Text
from outcomes.release.section_parts import draw, join_alt, list_notes, refused
from outcomes.release.sentences import Tables, interval_words, say
from outcomes.release.tables import to_numbers

ID, TITLE = "relief-by-treatment", "Which treatment, how much relief?"
RAW_COUNTS = (
    "Counts: seen relieved, of all; who stopped coming counts as not seen relieved, so they lie below the estimated "
    "shares."
)
QUESTIONS = ("one_family", "all_families", "identified_muscle", "subgroups")


def modality_section(inputs: ReportInputs, tables: Tables) -> Section:
    """Each family of treatments against none of it, and the parts that follow; refused parts leave their reason."""
    reasons = dict.fromkeys(inputs.refusal(name) for name in QUESTIONS)
    if all(inputs.answer(name) is None for name in QUESTIONS) and len(reasons) == 1:
        return refused(ID, TITLE, next(iter(reasons)))
    protocol = inputs.episodes.protocol
    result = inputs.answer("one_family")
    lead: tuple[Sentence, ...] = (say(inputs.refusal("one_family"), "not estimable"),)
    blocks: tuple[Block, ...] = ()
    if result is not None:
        lead = (*say_overview(protocol, tables), *say_families(protocol, tables, signal_only=True))
        blocks = (*_not_compared(tables),)
        if is_any_compared(result):
            alt = join_alt(*say_short(tables), *lead)
            blocks = (*_forest(result, tables, alt), modality_views.families_table(tables), *blocks)
    blocks = (
        *blocks,
        *_part(inputs, "all_families", "All families at once", (*say_joint(protocol, tables), *_why_no_joint(tables))),
        *((modality_views.joint_table(tables),) if is_any_compared(inputs.answer("all_families")) else ()),
        *_part(inputs, "identified_muscle", "Treating the muscle found in spasm", say_concordance(protocol, tables)),
        *modality_views.classes_table(tables),
        *_part(inputs, "subgroups", "By muscle group and duration", _say_subgroups(protocol, tables)),
        *(modality_views.tests_table(tables) if any_tests(tables) else ()),
        Text(say_elsewhere(tables), "From elsewhere"),
        *_notes(inputs),
    )
    compared = any(is_any_compared(inputs.answer(name)) for name in QUESTIONS)
    return Section(ID, TITLE, lead, blocks, "adjusted association" if compared else "not estimable")


def is_any_compared(result: Any) -> bool:
    """Whether a question could compare anything, and show it."""
    return result is not None and bool(to_numbers(result.table["estimate"]).notna().any())


def _forest(result: Any, tables: Tables, alt: str) -> tuple[FigureView, ...]:
    """Those that could be compared; why the others could not stands once, below."""
    table = result.table
    main = table[table["analysis"].isin(MAIN_LINES) & (table["scale"] == "difference")]
    refused_ones = set(main.loc[main["reason"] != "", "contrast"])
    result = replace(result, table=table[~table["contrast"].isin(refused_ones)])
    heights = forest_height(result, narrow=False), forest_height(result, narrow=True)
    title = "Difference in the share relieved, with each family and without it"
    caption = (
        f"Dots: adjusted, with their {interval_words(tables)}, by patient. Rings: unadjusted. Families stand in the "
        f"order of the codebook, not of their numbers. {RAW_COUNTS} Tag: adjusted association."
    )
    return (draw("one-family", title, alt, caption, figures.forest, result, heights, "one_family"),)


def _say_subgroups(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Where no two levels can be compared the page has no table of them: the file says why of each."""
    said = say_subgroups(protocol, tables)
    is_none = [sentence.text for sentence in said] == [NO_TESTS]
    return (*said, say("Each comparison and why it was refused: tables/subgroups.csv.")) if is_none else said


def _not_compared(tables: Tables) -> tuple[Text, ...]:
    said = say_refused(tables)
    return (Text(said, "Not compared, and why"),) if said else ()


def _why_no_joint(tables: Tables) -> tuple[Sentence, ...]:
    """Why families could not be told apart in one model, where that is not said of them above already."""
    above = {sentence.text for sentence in say_refused(tables)}
    return tuple(sentence for sentence in say_refused(tables, "all_families", "joint") if sentence.text not in above)


def _part(inputs: ReportInputs, name: str, title: str, said: tuple[Sentence, ...]) -> tuple[Part, ...]:
    if inputs.answer(name) is None:
        said = (say(inputs.refusal(name), "not estimable"),)
    return (Part(title, said),)


def _notes(inputs: ReportInputs) -> tuple[Text, ...]:
    """What the questions say of their limits, each sentence once; what is said of one family stands in the files."""
    results = [result for name in QUESTIONS if (result := inputs.answer(name)) is not None]
    general = [
        replace(result, notes=tuple(note for note in result.notes if not _is_of_one(note, result)))
        for result in results
    ]
    return list_notes(*general)


def _is_of_one(note: str, result: Any) -> bool:
    return note.startswith(tuple(f"{label}: " for label in result.table["label"]))
