"""What to look into: an export whose numbers mean little, sums that leave their limits, units far out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from outcomes.cases.visits import RECORDS_END
from outcomes.questions.quarter_volume import NO_VISITS_LATELY
from outcomes.questions.unknown_treatments import UNKNOWN_TREATMENTS
from outcomes.release.inputs import ReportInputs
from outcomes.release.model import Cell, Scalar, Sentence
from outcomes.release.sentences import NBSP, Tables, bind, cell, literal, marked, say
from outcomes.release.signal_words import SIGNAL
from outcomes.release.unit_section import KINDS
from outcomes.release.views import sentence_case

SUMS, CUSUM = "quarter_review_expected", "quarter_review_cusum"
MOST_UNITS = 4
PAIN = "pain_pre"
MEANINGLESS = {
    "E209": "Patients were given other ids between two files: nobody can be followed from one to the other, and "
    "returns are missed. Export both with the ids of one numbering.",
    "E220": "The dates of a file end four years early, as if counted from another first day: what follows from them "
    "is wrong. Export dates as text.",
    "E227": "No patient has a second visit: if the numbers of visits were taken for those of patients, nobody was "
    "followed, and no outcome means anything. Map the column that is the same at all visits of a patient.",
    "E271": "All recorded scores of pain before treatment are the same: a default, or a stale export? Until that is "
    "checked, nothing that is said of relief, return or stops says how patients fared.",
    "E272": "Every record of a file stands in a file before it: a stale export? Check that the newest one was given.",
}
"""Warnings under which the numbers of outcomes mean little, and what an owner is told of each."""
SOMEWHERE = {
    "E273": "Until that is checked, what is said of relief there does not say how patients fared.",
    "E274": "Until all visits are exported with the ids of one numbering, returns across it are missed, and who went "
    "on under another id looks as if he had stopped.",
    "E285": "Until they are written in one order, some visits stand on a wrong day.",
    "E286": "Until the file is given as the clinic system wrote it, many visits stand on a wrong day.",
    "E287": "If it is another scale, pain did not change there as its scores say, nor did what is made of them.",
    "E284": "Nobody could be seen in them: those who came before look as if they had stopped, and returns are missed.",
}
"""Warnings about some clinics or months, which they name, and what follows for the numbers there."""


UNREAD = {
    "visit_purpose": "The purpose of the visit is in words the codebook does not know at more than a tenth of the "
    "visits. No-shows and cancellations among them are counted as visits, and maintenance as care: say what the words "
    "mean in a codebook.",
    "region": "The region is in words the codebook does not know at more than a tenth of the visits. Complaints of "
    "neck and back are taken for one there: say what the words mean in a codebook.",
}
"""Fields that decide which visits count and to which episode, and what follows where their words are unknown."""
_MOST_UNKNOWN = 0.1


def say_export(inputs: ReportInputs) -> list[Sentence | None]:
    """Say what of the export makes outcomes meaningless, or follow-up shorter than it was declared."""
    warnings = getattr(inputs.visits, "warnings", ())
    codes = dict.fromkeys(one.code for one in warnings if one.code != "E271" or PAIN in one.message)
    found: list[Sentence | None] = [say(MEANINGLESS[code], "not estimable") for code in codes if code in MEANINGLESS]
    named = [(sentence_case(one.message), SOMEWHERE[one.code]) for one in warnings if one.code in SOMEWHERE]
    found += [say(f"{words} {so}", "not estimable") for words, so in named]
    found += _say_unread(inputs)
    review = inputs.answer("quarter_review")
    notes = getattr(review, "notes", ())
    found += [say(note, "not estimable") for note in notes if note.startswith(UNKNOWN_TREATMENTS)]
    found += [say(note) for note in notes if note.startswith(NO_VISITS_LATELY)]
    ends = [note for note in inputs.visits.notes if note.startswith(RECORDS_END)]
    return found + [say(f"{sentence_case(note)}. Check that the export is whole.") for note in ends]


def _say_unread(inputs: ReportInputs) -> list[Sentence | None]:
    found: Counter[str] = Counter()
    for field, _, n_records, _ in getattr(inputs.visits, "unknown_terms", ()):
        found[field] += n_records if field in UNREAD else 0
    most = _MOST_UNKNOWN * int(inputs.visits.columns["n_records"].sum()) if any(found.values()) else 0
    return [say(words, "not estimable") for field, words in UNREAD.items() if found[field] > most]


def say_sums(tables: Tables) -> list[Sentence | None]:
    """Say which sums of observed less expected leave their limits: a slow change that no single quarter shows."""
    found: list[Sentence | None] = []
    if SUMS in tables:
        for label, part in tables[SUMS].groupby("label", sort=False):
            if part["beyond"].astype(bool).any():
                words = (
                    f"{literal(label)}: what was observed less what was expected, summed over the months, leaves the "
                    f"limits within which {{level}}{NBSP}% of series without a change stay. Look for what changed "
                    "where the line turns, recording first."
                )
                found.append(marked(bind(tables, words, {}, tag="signal / no signal"), SIGNAL))
    if CUSUM in tables:
        for label, part in tables[CUSUM].groupby("label", sort=False):
            if words := " and ".join(dict.fromkeys(filter(None, part["word"]))):
                said = f"{label}: the CUSUM of the newest quarters signals {words}."
                found.append(marked(say(said, "signal / no signal"), SIGNAL))
    return found


def say_units_far_out(inputs: ReportInputs, tables: Tables) -> list[Sentence | None]:
    """Name clinics and clinicians beyond the outer limits, compared ones with their share; the section has all."""
    found: list[Sentence | None] = []
    for name, unit in KINDS.items():
        result = inputs.answer(name)
        if result is None or name not in tables:
            continue
        rows = tables[name].to_dict("records")
        flagged = [row for row in rows if row["is_flagged"] is True or row["is_flagged"] == 1]
        if not flagged:
            continue
        cells, named = _name_far_out(name, flagged[:MOST_UNITS])
        more = " and others" if len(flagged) > MOST_UNITS else ""
        kind = unit if len(flagged) == 1 else f"{unit}s"
        share = literal(result.label)
        words = (
            f"Beyond the 99.8{NBSP}% limits of chance by the share of episodes {share}, case mix allowed for: {kind} "
            f"{named}{more}. Worth a look, recording first."
        )
        found.append(marked(bind(tables, words, cells, tag="signal / no signal"), SIGNAL))
    return found


def _name_far_out(name: str, rows: list[dict[Any, Any]]) -> tuple[dict[str, Cell], str]:
    """Name units in a template, each with its share where it is compared, and the cells the template names."""
    cells: dict[str, Cell] = {}
    said = []
    for i, row in enumerate(rows):
        where: dict[str, Scalar] = {"unit": str(row["unit"])}
        share = "(share not compared)"
        if row["is_compared"]:
            share, cells[f"unit_{i}"] = f"{{unit_{i}}}", cell(name, "estimate", "percent", **where)
        said.append(f"{literal(row['unit'])} {share}")
    return cells, ", ".join(said)
