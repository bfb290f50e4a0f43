"""What to look into: gaps in recording, rows set aside, unknown terms, silent stops."""

from __future__ import annotations

from outcomes.cases.rules import NO_FAULTS
from outcomes.release.discharges import NOT_RECORDED, is_discharge_recorded
from outcomes.release.inputs import ReportInputs
from outcomes.release.look_signals import say_export, say_sums, say_units_far_out
from outcomes.release.model import Scalar, Sentence
from outcomes.release.quarter_section import say_verdict
from outcomes.release.sentences import NotShowable, Tables, agree, bind, cell, literal, look_up, run_cell, say, show
from outcomes.release.tables import say_why_no_ends, to_numbers
from outcomes.release.words import lower_first

LOW_SHARE = 0.8
MANY_ROWS = 0.1
NAMES_A_SETTING = "["
"""How the remedy of a rule names a line of the mapping, such as ``[dates] order``."""
PAIN_FIELD = "pain_pre"
EVERY_VISIT = (PAIN_FIELD, "region", "diagnoses", "muscles_identified", "muscles_treated", "modalities")
"""Fields a clinic can be expected to fill at each visit; others are asked once an episode."""


def find_to_look_into(inputs: ReportInputs, tables: Tables) -> tuple[Sentence, ...]:
    """Return what deserves a look: faults of the whole export, signals, then gaps in recording."""
    out = [
        *say_export(inputs),
        *_signals(tables),
        *say_sums(tables),
        *say_units_far_out(inputs, tables),
        _thin_field(tables),
        _most_set_aside(tables),
        _most_frequent_unknown(tables),
        _silent_stops(inputs, tables),
    ]
    found = tuple(sentence for sentence in out if sentence is not None)
    if found:
        return found
    if _pain_share(tables) is None:
        return (say("Too few visits to tell whether anything stands out.", "not estimable"),)
    return (say("Nothing in this run stands out in recording, rows set aside or attendance."),)


def _signals(tables: Tables) -> list[Sentence | None]:
    """What each control chart that signals says, in full."""
    table = tables.get("quarter_review_verdicts")
    if table is None:
        return []
    return [say_verdict(tables, str(name)) for name in table.loc[table["signal"] != "", "indicator"]]


def _thin_field(tables: Tables) -> Sentence | None:
    table = tables.get("completeness")
    if table is None:
        return None
    if _pain_share(tables) == 0:
        return say(
            "No pain score was read: no visit has one before treatment, so nothing can be said about relief; check the "
            "mapping.",
            "not estimable",
        )
    share = to_numbers(table["estimate"])
    low = table[(share > 0) & (share < LOW_SHARE) & table["field"].isin(EVERY_VISIT)]
    if PAIN_FIELD in set(low["field"]):
        return bind(
            tables,
            "Over the whole export, pain before treatment is recorded at {share} of visits only. Relief and return "
            "rest on it: ask for a score at every visit.",
            {"share": cell("completeness", "estimate", "percent", field=PAIN_FIELD)},
        )
    if low.empty:
        return None
    thin = low.sort_values(["estimate", "field"]).head(3)
    names = [f"{lower_first(literal(row['label']))} {{{row['field']}}}" for row in thin.to_dict("records")]
    cells = {str(f): cell("completeness", "estimate", "percent", field=str(f)) for f in thin["field"]}
    said = f"Seldom filled in: {', '.join(names)}. What the page says about these rests on the visits that have them."
    return bind(tables, said, cells)


def _pain_share(tables: Tables) -> float | None:
    """Share of visits with a pain score before treatment; 0 where the export has none, None where it is hidden."""
    try:
        return float(look_up(tables, cell("completeness", "estimate", "percent", field=PAIN_FIELD)))
    except NotShowable:
        return None


def _most_set_aside(tables: Tables) -> Sentence | None:
    # Where nothing is wrong with a row (a later file corrects it, it is about no back) there is nothing to look into.
    table = tables["set_aside"]
    others = table[~table["code"].isin(NO_FAULTS)]
    if others.empty:
        return None
    first = others.iloc[0]
    where: dict[str, Scalar] = {"code": str(first["code"]), "rule": str(first["rule"])}
    n = cell("set_aside", "n", "count", **where)
    cells = {
        "total": run_cell("set_aside") if len(others) == len(table) else n,
        "n": n,
        "rule": cell("set_aside", "rule", "text", **where),
    }
    few = agree(tables, cells["total"], "row was", "rows were")
    # Where one rule set all of them aside there is no "most often".
    is_only = show(tables, cells["n"]) == show(tables, cells["total"])
    said = f"{{total}} {few} set aside" + (" because {rule}." if is_only else ", most often ({n}) because {rule}.")
    if not is_only and len(others) > 1 and others["n"].iloc[1] == first["n"]:
        # Of rules that set as many aside each, the first of the table is not the most frequent one.
        said = f"{{total}} {few} set aside for several reasons; “Data quality” has each of them."
        return bind(tables, f"{said} Correct them in the clinic system.", {"total": cells["total"]})
    cells = {name: where for name, where in cells.items() if name != "n" or not is_only}
    is_rare = float(first["n"]) < MANY_ROWS * float(look_up(tables, run_cell("rows_in")))
    if is_rare and NAMES_A_SETTING in str(first["remedy"]):
        # A slip here and there: to declare another scale or order, as the rule says for many, would make it worse.
        return bind(tables, f"{said} Correct it in the clinic system.", cells)
    return bind(tables, f"{said} {{remedy}}", {**cells, "remedy": cell("set_aside", "remedy", "text", **where)})


def _most_frequent_unknown(tables: Tables) -> Sentence | None:
    table = tables["unknown_terms"]
    if table.empty:
        return None
    first = table.iloc[0]
    if str(first["term"]).startswith("("):
        return None
    where: dict[str, Scalar] = {"field": str(first["field"]), "term": str(first["term"])}
    return bind(
        tables,
        "The term “{term}” occurs {n} times and is not in the vocabulary; add it there, or correct it in the "
        "clinic system.",
        {"term": cell("unknown_terms", "term", "text", **where), "n": cell("unknown_terms", "n", "count", **where)},
    )


def _silent_stops(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    if why := say_why_no_ends(inputs.episodes):
        return say(f"Attendance: {why}.", "not estimable")
    where = cell("episode_ends", "estimate", "percent", end_reason="silent_stop")
    try:
        share = float(look_up(tables, where))
    except NotShowable:
        return None
    if share < 1 - LOW_SHARE:
        return None
    unseen = "" if is_discharge_recorded(inputs.episodes) else f" {NOT_RECORDED}: the share is at most this."
    return bind(
        tables,
        "{share} of all episodes end in a silent stop. A call or a short message after a missed visit would show "
        "whether "
        f"these patients got better.{unseen}",
        {"share": where},
    )
