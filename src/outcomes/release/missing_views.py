"""What is missing where, and whether it matters: blocks for the section on data quality."""

from __future__ import annotations

from typing import Any

from outcomes.release import views
from outcomes.release.inputs import ReportInputs
from outcomes.release.model import Block, Part, Sentence, TableView, number_columns
from outcomes.release.section_parts import files_of, fold, list_notes, some
from outcomes.release.sentences import (
    MINUS,
    Tables,
    bind,
    cell,
    format_count,
    format_percent,
    interval_words,
    literal,
    say,
)
from outcomes.release.tables import to_numbers


def missing_blocks(inputs: ReportInputs, tables: Tables) -> tuple[Block, ...]:
    """Return the table of gaps by clinic and pain score, and the check of the covariates, each under its heading."""
    blocks: list[Block] = []
    found = inputs.answer("missing")
    if found is not None:
        blocks += [
            Part("What is missing where", some(_say_gaps(found, tables))),
            *fold((gaps_table(tables),)),
            *list_notes(found),
        ]
    checked = inputs.answer("missing_covariates")
    if checked is None and inputs.refusal("missing_covariates"):
        said = (say(inputs.refusal("missing_covariates"), "not estimable"),)
        blocks.append(Part("Does it matter how gaps are taken?", said))
    elif checked is not None:
        blocks += [Part("Does it matter how gaps are taken?", _say_moved(checked, tables)), moved_table(tables)]
        blocks += list_notes(checked)
    return tuple(blocks)


def _say_gaps(result: Any, tables: Tables) -> Sentence | None:
    """The fact that is missing most often, and how often it is where the first pain score is missing too."""
    fact = str(result.summary["most_missing"])
    table = tables["missing"]
    shares = to_numbers(table.loc[table["by"] == "all", "estimate"])
    if len(shares) and not shares.any() and shares.notna().all():
        return say("None of the facts in this export is missing in any episode.")
    label = str(table.loc[table["fact"] == fact, "label"].iloc[0])
    words = f"{literal(label)} is missing most often: in {{all}} of episodes"
    cells = {"all": cell("missing", "estimate", "percent", fact=fact, by="all")}
    more = {
        f"{name}": cell("missing", "estimate", "percent", fact=fact, by="pain_score", group=group)
        for name, group in (("scored", "recorded"), ("unscored", "not recorded"))
    }
    both = bind(
        tables,
        f"{words}, in {{scored}} of those with a first pain score and {{unscored}} of those without.",
        {**cells, **more},
    )
    return both or bind(tables, f"{words}.", cells)


def gaps_table(tables: Tables) -> TableView:
    """One row a fact: share missing in all, at each clinic, and with and without a first pain score."""
    table = tables["missing"]
    clinics = list(dict.fromkeys(table.loc[table["by"] == "clinic", "group"]))
    groups = [("all", "all", "All"), *(("clinic", name, str(name)) for name in clinics)]
    groups += [("pain_score", "recorded", "With a first score"), ("pain_score", "not recorded", "Without one")]
    place = {(row["fact"], row["by"], row["group"]): row["estimate"] for row in table.to_dict("records")}
    labels = dict(zip(table["fact"], table["label"], strict=True))
    rows = tuple(
        (str(label), *(views.shown(place.get((fact, by, group)), format_percent) for by, group, _ in groups))
        for fact, label in labels.items()
    )
    columns = number_columns("Missing", [words for _, _, words in groups])
    caption = "Share of episodes that do not record a fact"
    return TableView("missing", caption, columns, rows, csv=files_of(tables, "missing", "missing_where"))


def _say_moved(result: Any, tables: Tables) -> tuple[Sentence, ...]:
    return some(
        bind(
            tables,
            "With the gaps imputed {m} times in place of a level of their own, {moved} of {all} adjusted differences "
            "move by more than half a standard error.",
            {
                "m": cell("missing_covariates_summary", "value", "count", item="imputations"),
                "moved": cell("missing_covariates_summary", "value", "count", item="n_moved"),
                "all": cell("missing_covariates_summary", "value", "count", item="n_contrasts"),
            },
            tag="adjusted association",
        )
    )


def moved_table(tables: Tables) -> TableView:
    """One row a family: the adjusted difference with gaps as a level, imputed, and how far apart the two are."""
    name = "missing_covariates"
    interval = interval_words(tables)
    columns = number_columns("Treatments", ("Gaps as a level", interval, "Imputed", interval, "Episodes"))
    rows = tuple(
        (
            str(row["label"]),
            views.shown(row["category_estimate"], _points),
            views.shown_interval(row, _points, "", ("category_low", "category_high")),
            views.shown(row["estimate"], _points),
            views.shown_interval(row, _points, ""),
            views.shown(row["n"], format_count),
        )
        for row in tables[name].to_dict("records")
    )
    caption = "Adjusted difference in the share relieved, in points"
    note = "Adjusted association: the adjustment covers only what is recorded."
    return TableView(name, caption, columns, rows, note, f"{name} {name}_facts", folded=True)


def _points(value: float) -> str:
    text = f"{abs(100 * value):.1f}"
    return "0.0" if text == "0.0" else f"{'+' if value > 0 else MINUS}{text}"
