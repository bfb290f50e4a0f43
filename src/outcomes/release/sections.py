"""The parts of the page after the first screen; each degrades to the sentence that says why it is empty."""

from __future__ import annotations

from outcomes.release import figures, views
from outcomes.release.first_page import UNDECIDED, latest_mature
from outcomes.release.inputs import ReportInputs
from outcomes.release.modality_section import modality_section
from outcomes.release.model import Block, Section, Sentence, Terms, Text
from outcomes.release.relief_section import relief_section
from outcomes.release.return_section import return_section
from outcomes.release.section_parts import draw, join_alt, list_notes, refused, some
from outcomes.release.sentences import Tables, bind, cell, interval_words, literal, say
from outcomes.release.tables import is_too_early_to_end, list_data_notes, to_numbers
from outcomes.release.treatment_section import TABLE_QUARTERS, treatment_section
from outcomes.release.words import glossary

ALL_TERMS = 25


def make_sections(inputs: ReportInputs, tables: Tables) -> tuple[Section, ...]:
    """Return the sections in reading order."""
    makers = (
        *(_quarters, relief_section, return_section, treatment_section, modality_section),
        *(_attendance, _quality, _definitions),
    )
    return tuple(make(inputs, tables) for make in makers)


def _quarters(inputs: ReportInputs, tables: Tables) -> Section:
    review = inputs.answer("quarter_review")
    if review is None:
        return refused("quarters", "Quarter by quarter", inputs.refusal("quarter_review"))
    table = tables["quarter_review"]
    n_panels = table["indicator"].nunique()
    lead = say(
        "Episodes are counted in the quarter in which they start. Grey quarters are too young to be judged. "
        "Neighbouring "
        "quarters always differ a little; whether a difference is more than chance is not decided here."
    )
    alt = join_alt(
        bind(
            tables,
            "Episodes of care started: {n} in " + inputs.quarter + ".",
            {"n": cell("quarter_review", "estimate", "count", indicator="episodes_started", quarter=inputs.quarter)},
        ),
        *(_alt_indicator(tables, name, inputs.quarter) for name in dict.fromkeys(table["indicator"])),
    )
    figure = draw(
        "quarters",
        "Each indicator over the quarters",
        alt,
        f"Line and dots: value of each quarter. Upright lines: {interval_words(tables)}. Grey: too early to tell. "
        "The number is that of the large dot, the newest quarter that can be judged.",
        figures.quarter_lines,
        review,
        (1.7 * -(-n_panels // 3), 1.05 * n_panels),
        "quarter_review",
        panels=True,
    )
    quarters = sorted(set(table["quarter"]))[-TABLE_QUARTERS:]
    shown = views.pivot_table(
        table,
        "quarter_review",
        "Indicators by starting quarter",
        "label",
        quarters,
        lambda row, value: views.write_indicator(row["unit"], value),
    )
    return Section("quarters", "Quarter by quarter", (lead,), (figure, shown, *list_notes(review)), "descriptive")


def _attendance(inputs: ReportInputs, tables: Tables) -> Section:
    if is_too_early_to_end(inputs.episodes):
        lead: Sentence | None = say(f"How episodes end: {UNDECIDED}.", "not estimable")
    else:
        lead = bind(
            tables,
            "{once} of episodes are a single visit, and {silent} end in a silent stop: not relieved at the last score, "
            "not discharged, not seen again. Whether these patients got better is not known.",
            {
                "once": cell("visits_per_episode", "estimate", "percent", visits="1"),
                "silent": cell("episode_ends", "estimate", "percent", end_reason="silent_stop"),
            },
            "Attendance rests on too few episodes to be described in a sentence.",
        )
    bands = views.counts_table(
        tables["visits_per_episode"],
        "visits_per_episode",
        "Visits in an episode, maintenance left out",
        "visits",
        "Visits",
        "Episodes",
    )
    ends = views.counts_table(tables["episode_ends"], "episode_ends", "How episodes ended", "label", "End", "Episodes")
    return Section("attendance", "Attendance", some(lead), (bands, ends), "descriptive")


def _quality(inputs: ReportInputs, tables: Tables) -> Section:
    facts = ("rows_in", "visits", "merged", "set_aside", "not_data")
    run = {name: cell("run", "value", "count", fact=name) for name in facts}
    lead = [
        bind(
            tables,
            "{rows_in} rows came in: {visits} became visits, {merged} were merged into another row of the same day, "
            "{set_aside} were set aside, and {not_data} are not visits (blank lines, no-shows, totals). The "
            "numbers add up.",
            run,
            "The visits are too few to give their number; every row is accounted for.",
        )
    ]
    blocks: list[Block] = [views.ledger_table(inputs.episodes.ledger)]
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
                "Only fields the export has; fields it lacks switch off the questions that need them.",
                figures.completeness,
                result,
                (0.4 + 0.19 * n_fields, 0.4 + 0.25 * n_fields),
                "completeness",
            )
        ]
    if notes := list_data_notes(inputs):
        blocks.append(Text(tuple(say(note) for note in notes), "What else to know of the export"))
    if len(tables["unknown_terms"]):
        blocks.append(views.unknown_table(tables["unknown_terms"].head(ALL_TERMS)))
    if len(tables["set_aside"]):
        blocks.append(views.set_aside_table(tables["set_aside"]))
    return Section("quality", "Data quality", tuple(s for s in lead if s is not None), tuple(blocks), "descriptive")


def _definitions(inputs: ReportInputs, tables: Tables) -> Section:
    lead = say("What the words on this page mean in this run. Other definitions give other numbers.")
    return Section("definitions", "Definitions", (lead,), (Terms(glossary(inputs.episodes.protocol)),), "descriptive")


def _alt_indicator(tables: Tables, name: str, quarter: str) -> Sentence | None:
    table = tables["quarter_review"]
    last = latest_mature(table, name, quarter)
    row = table[(table["indicator"] == name) & (table["quarter"] == last)]
    if row.empty or not figures.is_share(row["unit"].iloc[0]):
        return None
    label = literal(row["label"].iloc[0])
    where = cell("quarter_review", "estimate", "percent", indicator=name, quarter=last)
    return bind(tables, f"{label}: {{value}} in {last}.", {"value": where})


def _completeness_alt(tables: Tables) -> str:
    table = tables["completeness"]
    table = table[to_numbers(table["estimate"]).notna()].sort_values(["estimate", "field"])
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
