"""The parts of the page after the first screen; each degrades to the sentence that says why it is empty."""

from __future__ import annotations

from functools import partial

from outcomes.release import figures, views
from outcomes.release.asking import put_together
from outcomes.release.attendance_section import attendance_section
from outcomes.release.drawing import lacks_shapes
from outcomes.release.inputs import ReportInputs
from outcomes.release.missing_views import missing_blocks
from outcomes.release.modality_section import modality_section
from outcomes.release.model import Block, Section, Sentence, Terms, Text
from outcomes.release.quarter_section import quarter_section
from outcomes.release.relief_section import relief_section
from outcomes.release.return_section import return_section
from outcomes.release.section_parts import OPEN_NOTES, draw, drop_blank, explain_marks, files_of, fold, join_alt, some
from outcomes.release.sentences import Tables, agree, bind, cell, literal, run_cell, say
from outcomes.release.tables import list_data_notes, to_numbers
from outcomes.release.treatment_section import treatment_section
from outcomes.release.unit_section import KINDS, unit_section
from outcomes.release.words import glossary

ALL_TERMS = 25
NO_SHAPES = (
    "The fonts of the paper report and of the pictures lack signs of some codes of clinics or clinicians, which stand "
    "there as boxes; this page on a screen has them. Pseudonyms ([privacy] pseudonymise = true) have none."
)
SCORES = "completeness_ratings"
NO_VISITS = {
    "header": "header lines",
    "above the header": "lines above the header",
    "separator line": "a separator line",
    "blank line": "blank lines",
    "comment": "comments",
    "totals and footers": "totals and footers",
    "no_show": "no-shows",
    "cancelled": "cancelled appointments",
}
"""What the ledger calls a row that is no visit, and what it is called here."""


def make_sections(inputs: ReportInputs, tables: Tables, workers: int = 1) -> tuple[Section, ...]:
    """Return the sections in reading order; most of the time goes into their drawings."""
    makers = (
        *(quarter_section, relief_section, return_section, treatment_section, modality_section),
        *(unit_section, attendance_section, _quality, _definitions),
    )
    calls = {make.__name__: ("drawings", partial(make, inputs, tables)) for make in makers}
    return tuple(explain_marks(drop_blank(section)) for section in put_together(calls, workers).values())


def _quality(inputs: ReportInputs, tables: Tables) -> Section:
    facts = ("rows_in", "visits", "merged", "set_aside", "not_data")
    run = {name: run_cell(name) for name in facts}
    was = {name: agree(tables, where, "was", "were") for name, where in run.items()}
    lead = [
        bind(
            tables,
            f"{{rows_in}} {agree(tables, run['rows_in'], 'row', 'rows')} came in: {{visits}} became "
            f"{agree(tables, run['visits'], 'a visit', 'visits')}, {{merged}} {was['merged']} merged into another row "
            f"of the same day, {{set_aside}} {was['set_aside']} set aside, and {{not_data}} "
            f"{agree(tables, run['not_data'], 'is no visit', 'are no visits')}{_name_no_visits(inputs)}. The numbers "
            "add up.",
            run,
            "The visits are too few to give their number; every row is accounted for.",
        )
    ]
    lead += some(_say_scores(tables))
    blocks: list[Block] = list(fold((views.ledger_table(inputs.episodes.ledger),)))
    result = inputs.answer("completeness")
    if result is None:
        lead.append(say(inputs.refusal("completeness"), "not estimable"))
    else:
        n_fields = len(result.table) - len(result.summary.get("absent_fields", ()))
        blocks[:0] = [
            draw(
                "completeness",
                "Share of visits in which each field is filled",
                _completeness_alt(tables),
                "Only fields the export has; fields it lacks switch off the questions that need them. What is asked "
                "once an episode (cause, trigger, onset, earlier episodes) stands at few of its visits; the share of "
                "episodes without it is given below.",
                figures.completeness,
                result,
                (0.4 + 0.19 * n_fields, 0.4 + 0.25 * n_fields),
                files_of(tables, "completeness", SCORES),
            )
        ]
    blocks += missing_blocks(inputs, tables)
    named = [str(code) for name in KINDS if name in tables for code in tables[name]["unit"]]
    if notes := (*list_data_notes(inputs), *((NO_SHAPES,) if lacks_shapes(named) else ())):
        blocks.append(Text(tuple(say(note) for note in notes), "What else to know of the export", opens=OPEN_NOTES))
    if len(tables["unknown_terms"]):
        blocks.append(views.unknown_table(tables["unknown_terms"].head(ALL_TERMS)))
    if len(tables["set_aside"]):
        blocks.append(views.set_aside_table(tables["set_aside"]))
    return Section("quality", "Data quality", tuple(s for s in lead if s is not None), tuple(blocks), "descriptive")


def _say_scores(tables: Tables) -> Sentence | None:
    """Say how pain is scored: at the ends of the scale, and in round numbers; nothing where a part is hidden."""
    if SCORES not in tables:
        return None
    shares = {
        rating: cell(SCORES, "estimate", "percent", rating=rating) for rating in tables[SCORES]["rating"].tolist()
    }
    return bind(
        tables,
        "Of {n} pain scores before treatment {zero} are 0 and {ten} are 10, the ends of the scale; {five} are 5 and "
        "{beside_five} are 4 or 6 (chosen freely, 5 would be about half as frequent as both together); {fraction} are "
        "no whole number.",
        shares | {"n": cell(SCORES, "n", "count", rating="zero")},
    )


def _name_no_visits(inputs: ReportInputs) -> str:
    """Name what the rows that are no visits were, in brackets: a header line counts, and nobody looks for it."""
    steps = [step for step in inputs.episodes.ledger.steps if step.unit in ("rows", "records")]
    reasons = {reason for step in steps for reason in step.not_data}
    named = [words for reason, words in NO_VISITS.items() if reason in reasons]
    if named[:1] == [NO_VISITS["header"]] and sum(step.not_data.get("header", 0) for step in steps) == 1:
        named[0] = "the header line"
    named += sorted(reason.replace("_", " ") for reason in reasons if reason not in NO_VISITS)
    return f" ({', '.join(named)})" if named else ""


def _definitions(inputs: ReportInputs, tables: Tables) -> Section:
    lead = say("What the words on this page mean in this run. Other definitions give other numbers.")
    return Section("definitions", "Definitions", (lead,), (Terms(glossary(inputs.episodes.protocol)),), "descriptive")


def _completeness_alt(tables: Tables) -> str:
    table = tables["completeness"]
    # Fields the export lacks are not in the picture.
    table = table[to_numbers(table["estimate"]) > 0].sort_values(["estimate", "field"])
    ends = [table.iloc[0], table.iloc[-1]] if len(table) > 1 else [table.iloc[0]] if len(table) else []
    parts = [
        bind(
            tables,
            f"{literal(row['label'])}: {{value}}.",
            {"value": cell("completeness", "estimate", "percent", field=str(row["field"]))},
        )
        for row in ends
    ]
    return "Least and most often filled. " + join_alt(*parts)
