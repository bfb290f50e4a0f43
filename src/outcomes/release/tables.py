"""Results as published tables (CSV, full precision, machine names) and as shown tables (finished strings).

Nothing is estimated here. What is not a result already (how episodes ended, visits an episode, rows set aside) is
counted from the cases, under the same rule for small numbers.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.files.cells import guard
from outcomes.ledger import Ledger
from outcomes.questions.answer import Answer, list_parts
from outcomes.records.full_dates import WHAT_IT_IS
from outcomes.records.inspect_terms import is_showable
from outcomes.release.inputs import QUESTIONS, ReportInputs
from outcomes.release.marks import HIDDEN, small_mark
from outcomes.release.prose import Prose
from outcomes.release.table_disclosure import protect_parts
from outcomes.release.unstable import mark_unstable

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases import Episodes, Visits

END_WORDS = {
    "discharged": "Discharged",
    "referred": "Referred on",
    "stopped_relieved": "Stopped coming, relieved at the last score",
    "silent_stop": "Stopped coming, not relieved (silent stop)",
    "stopped_unrated": "Stopped coming, pain never rated",
    "new_complaint": "A new complaint opened the next episode",
    "open_at_data_cut": "Still open at the data cut",
    "follow_up_unknown": "Follow-up unknown",
}
VISIT_BANDS = ((1, 1, "1"), (2, 3, "2 to 3"), (4, 6, "4 to 6"), (7, 12, "7 to 12"), (13, 10**9, "13 and more"))
LONGEST_TERM = 60
MOST_UNREAD = 30
_FULL_DATES = (
    f"{WHAT_IT_IS}. The export has full dates of visits, which the list of 45 CFR 164.514(b)(2) names, and its mapping "
    "allows them for the clinic's own staff. No date of a patient's visit stands on this page."
)
UNDECIDED_ENDS = ("follow_up_unknown", "open_at_data_cut")
TOO_EARLY = "it is too early to tell; more than half of the episodes are still open at the data cut"
FOLLOW_UP_UNKNOWN = (
    "it cannot be told; the export has day numbers and does not say until which day patients would have been seen "
    "([dates] observed_until_day in the mapping)"
)
READING_REMEDIES = {
    "E141": "Quote cells that hold the delimiter, or mend these lines.",
    "E142": "Mend these lines; often a line end stands inside a cell without quotes.",
    "E143": "Export the file again; its end may be missing.",
    "E144": "Close the quote in these lines.",
    "E145": "Double the quotes inside a quoted cell.",
    "E146": "Export the file again as text; these lines hold control characters.",
    "E147": "Mend the formula in the workbook, or store values.",
    "E148": "Open and save the workbook once, so that values are stored.",
    "E149": "Export this column as text.",
}


def collect_tables(inputs: ReportInputs) -> dict[str, pd.DataFrame]:
    """Return every published table by its name; `inputs` must be protected already.

    Returns
    -------
    dict of str to DataFrame
        In a fixed order; the names are those of the CSV files and of `model.Cell.table`.
    """
    tables: dict[str, pd.DataFrame] = {}
    for name in QUESTIONS:
        result = inputs.answer(name)
        if result is not None:
            tables |= name_tables(name, result)
    floor = inputs.episodes.protocol.reporting_floor.suppress_cell_below
    for name, count in COUNTED.items():
        table = protect_parts(count(inputs.episodes), floor)
        is_gone = name in inputs.withheld
        tables[name] = table.assign(**dict.fromkeys(("n", "events", "estimate"), HIDDEN)) if is_gone else table
    tables["run"] = _count_run(inputs, floor)
    tables["set_aside"] = count_set_aside(inputs.episodes)
    tables["unknown_terms"] = list_unknown_terms(inputs.visits, floor)
    tables["ledger"] = list_ledger(inputs.episodes.ledger)
    return tables


def part(result: Any, name: str) -> pd.DataFrame:
    """Return a table, or the settings, of an answer as a table; of a refusal, its reason.

    Raises
    ------
    InputRefused
        E660 the answer has no part of this name.
    """
    if isinstance(result, NotEstimable):
        return _frame([(str(result).splitlines()[0],)], ["not estimable"])
    found: Any = getattr(result, "more", {}).get(name)
    if found is None:
        if not hasattr(result, name):
            raise _no_part(result, name)
        found = getattr(result, name)
    if not isinstance(found, dict):
        return found
    return _frame(
        [(key, value) for key, value in found.items() if isinstance(value, int | float | str)], [name, "value"]
    )


def _no_part(result: Any, name: str) -> InputRefused:
    parts = list_parts(result) if isinstance(result, Answer) else []
    own = [part for part in parts if part not in ("more", "notes", "ledger")]
    known = [*own, *getattr(result, "more", {})]
    finding = Finding("E660", "is no part of this answer.", str(name), f"It has: {', '.join(known)}.")
    return InputRefused("There is no such table.", [finding])


def list_notes(*results: Any) -> Prose:
    """Return what several answers say of their limits, each sentence once."""
    said = ([str(r).splitlines()[0]] if isinstance(r, NotEstimable) else r.notes for r in results)
    return Prose(*dict.fromkeys(note for notes in said for note in notes))


def name_tables(name: str, result: Any) -> dict[str, pd.DataFrame]:
    """Return the tables of a protected result by their published names (``name_curve``, ...); none of a refusal.

    Estimates from too few, or with too wide an interval, have true in the column ``unstable`` (`release.unstable`).
    """
    if isinstance(result, NotEstimable):
        return {}
    tables = {name: result.table}
    for item in dataclasses.fields(result):
        table = getattr(result, item.name)
        if item.name != "table" and hasattr(table, "columns") and len(table):
            tables[f"{name}_{item.name}"] = table
    more = getattr(result, "more", {})
    tables |= {f"{name}_{key}": table for key, table in more.items() if len(table)}
    scalars = [(key, value) for key, value in result.summary.items() if isinstance(value, int | float | str)]
    if scalars:
        tables[f"{name}_summary"] = _frame(scalars, ["item", "value"])
    return {key: mark_unstable(key, table) for key, table in tables.items()}


def list_ledger(ledger: Ledger, floor: int = 0) -> pd.DataFrame:
    """Return the account of rows as a table: step, source, unit, outcome, reason, n.

    Parameters
    ----------
    ledger : Ledger
    floor : int
        Smallest count of episodes or patients that is shown. Where one of them is smaller, all of them are hidden: each
        step takes in what the one before kept, so that the others would tell it. Rows, records and visits are counted
        in any case.
    """
    table = _frame(ledger.rows(), ["step", "source", "unit", "outcome", "reason", "n"])
    of_people = ~table["unit"].isin(["rows", "records", "visits"])
    if ((table["n"] > 0) & (table["n"] < floor) & of_people).any():
        table["n"] = table["n"].astype(object)
        table.loc[of_people, "n"] = HIDDEN
    return table


def account(ledger: Ledger) -> dict[str, int]:
    """Return the whole way from rows of the files to visits: ``rows_in, merged, set_aside, not_data, visits``.

    Only steps that count rows or records are followed; steps about visits come after.
    """
    steps = [step for step in ledger.steps if step.unit in {"rows", "records"}]
    first = steps[0].name if steps else ""
    last = steps[-1].name if steps else ""
    return {
        "rows_in": sum(step.rows_in for step in steps if step.name == first),
        "merged": sum(step.n_merged for step in steps),
        "set_aside": sum(step.n_set_aside for step in steps),
        "not_data": sum(step.n_not_data for step in steps),
        "visits": sum(step.kept for step in steps if step.name == last),
    }


def to_csv(table: pd.DataFrame) -> str:
    """Write a table as CSV text: machine names, shortest exact numbers, no live formula.

    A text cell that a spreadsheet would run (one that starts with ``= + - @``, a tab or a line end, also after blanks,
    quotes or a delimiter) gets a ``'`` before that character unless the whole cell is a number.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([guard(str(name)) for name in table.columns])
    columns = [[_plain(value) for value in table[name].tolist()] for name in table.columns]
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue()


def _plain(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return guard(str(value))


def by_quarter(table: pd.DataFrame | None) -> pd.DataFrame:
    """Lay a quarter review out with one row a quarter and one column an indicator; an empty table for a refusal."""
    if table is None:
        return _frame([], ["quarter"])
    shown = table["estimate"].astype(object).where(table["mature"].astype(bool), "too early")
    wide = table.assign(estimate=shown).pivot(index="quarter", columns="indicator", values="estimate")
    return wide[list(dict.fromkeys(table["indicator"]))]


def by_trigger(triggers: Any) -> pd.DataFrame:
    """Lay trigger pairs out: one row a first trigger, one column a trigger of the return; the reason of a refusal."""
    if isinstance(triggers, NotEstimable):
        return part(triggers, "table")
    wide = triggers.table.pivot(index="label", columns="return_label", values="events")
    order = [label for label in dict.fromkeys(triggers.table["label"]) if label in wide.columns]
    return wide.loc[list(dict.fromkeys(triggers.table["label"])), [*order, *(c for c in wide if c not in order)]]


def count_ends(episodes: Episodes) -> pd.DataFrame:
    """Count how episodes ended: end_reason, label, n (all), events (with this end), estimate (share)."""
    import numpy as np

    words: Sequence[str] = [str(word) for word in episodes.labels["end_reason"]]
    codes = episodes.columns["end_reason"]
    counts = dict(zip(words, np.bincount(codes[codes >= 0], minlength=len(words)).tolist(), strict=False))
    total = len(codes)
    order = [name for name in END_WORDS if name in counts] + [name for name in counts if name not in END_WORDS]
    rows = [
        (name, END_WORDS.get(name, name), total, counts[name], counts[name] / total if total else math.nan)
        for name in order
    ]
    return _frame(rows, ["end_reason", "label", "n", "events", "estimate"])


def say_why_no_ends(episodes: Episodes) -> str:
    """Return, as the end of a sentence, why it cannot be told how episodes end; empty where it can."""
    import numpy as np

    words, codes = list(map(str, episodes.labels["end_reason"])), episodes.columns["end_reason"]
    unknown, still_open = (np.count_nonzero(codes == words.index(word)) for word in UNDECIDED_ENDS)
    # Of the others a later episode is on record: those who came again, and are no sample of all.
    if unknown:
        return FOLLOW_UP_UNKNOWN
    return TOO_EARLY if 2 * still_open > len(codes) else ""


def is_pain_never_rated(episodes: Episodes) -> bool:
    """Whether patients stopped coming and none of them was ever rated: who stopped unrelieved was never recorded."""
    ends = count_ends(episodes)
    counts = dict(zip(ends["end_reason"], ends["events"], strict=True))
    rated = counts.get("stopped_relieved", 0) + counts.get("silent_stop", 0)
    return counts.get("stopped_unrated", 0) > 0 and rated == 0


def list_data_notes(inputs: ReportInputs) -> tuple[str, ...]:
    """Return what a reader of the numbers should know of the export: dates, columns not read, notes of cleaning."""
    notes = [_FULL_DATES] if inputs.visits.has_calendar else []
    for file in inputs.records.files if inputs.records is not None else ():
        if unread := [cut_text(name) for name in file.unread_columns if name.strip()]:
            more = f" and {len(unread) - MOST_UNREAD} more" if len(unread) > MOST_UNREAD else ""
            listed = ", ".join(unread[:MOST_UNREAD])
            notes.append(f"Columns of the export that were not read: {listed}{more} ({file.place}).")
    return (*notes, *(_as_sentence(note) for note in inputs.visits.notes))


def cut_text(text: str) -> str:
    """Return a word of the export short enough for a sentence."""
    return text if len(text) <= LONGEST_TERM else text[: LONGEST_TERM - 1] + "…"


def with_level(protocol: Any, tables: Mapping[str, pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
    """Return the tables with the level of the run; a notebook has the tables of one question."""
    if "run" in tables:
        return tables
    return {**tables, "run": _frame([("interval_percent", interval_percent(protocol))], ["fact", "value"])}


def to_numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of a protected table as numbers; what is hidden is a gap."""
    import pandas as pd

    return pd.to_numeric(column, errors="coerce")


def _as_sentence(note: str) -> str:
    """A note as a sentence; a file or column it begins with keeps the letters it has."""
    first = note.split(" ", 1)[0]
    is_name = first.endswith(":") or "_" in first or "." in first
    return (note if is_name else note[:1].upper() + note[1:]) + ("" if note.endswith((".", "!", "?")) else ".")


def count_visit_bands(episodes: Episodes) -> pd.DataFrame:
    """Count episodes by number of visits, maintenance left out: visits, n (all), events (in the band), estimate."""
    n_visits = episodes.columns["n_visits"]
    total = len(n_visits)
    rows = []
    for low, high, label in VISIT_BANDS:
        n = int(((n_visits >= low) & (n_visits <= high)).sum())
        rows.append((label, total, n, n / total if total else math.nan))
    return _frame(rows, ["visits", "n", "events", "estimate"])


def count_set_aside(episodes: Episodes) -> pd.DataFrame:
    """Count rows set aside by rule, most first: code, rule, remedy, n.

    The numbers are the ledger's, which counts each row once; the words are the quarantine's, which lists each fault.
    """
    quarantine = episodes.visits.quarantine
    known: dict[str, tuple[str, str, str]] = {}
    if quarantine.num_rows:
        firsts = quarantine.select(["code", "rule", "remedy"]).to_pandas().astype(str).drop_duplicates(["code", "rule"])
        for code, rule, remedy in firsts.itertuples(index=False):
            # What the reader adds to a row is a detail of that row, not a remedy.
            entry = (code, rule, READING_REMEDIES.get(code, remedy))
            for key in (code, rule, f"{code} {rule}"):
                known.setdefault(key, entry)
    counts: dict[tuple[str, str, str], int] = {}
    for step in episodes.ledger.steps:
        for reason, n in step.set_aside.items():
            key = known.get(reason, ("", reason, ""))
            counts[key] = counts.get(key, 0) + n
    rows = [(*key, n) for key, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return _frame(rows, ["code", "rule", "remedy", "n"])


def list_unknown_terms(visits: Visits, floor: int) -> pd.DataFrame:
    """List the terms the vocabulary does not know: field, term, terms (how many), n (times), most first.

    Terms of less than `floor` patients, and those too long for a term or like an identifier, are counted in one row a
    field and not spelt out: they may be notes.
    """
    terms = sorted(visits.unknown_terms, key=lambda row: (-row[2], row[0], row[1]))
    rows: list[tuple[str, str, int, int]] = []
    unsaid: dict[tuple[str, str], list[int]] = {}
    for name, term, n, patients in terms:
        if patients < floor:
            unsaid.setdefault((name, f"(of {small_mark(floor)} patients each)"), []).append(n)
        elif not is_showable(term):
            unsaid.setdefault((name, "(too long for a term, or like an identifier)"), []).append(n)
        else:
            rows.append((name, term, 1, n))
    rows += [(*key, len(ns), sum(ns)) for key, ns in sorted(unsaid.items())]
    return _frame(rows, ["field", "term", "terms", "n"])


def interval_percent(protocol: Any) -> float:
    """The confidence level in percent, without the rounding of a product."""
    return round(100 * protocol.inference.level, 9)


def _count_run(inputs: ReportInputs, floor: int) -> pd.DataFrame:
    """The run in numbers; those that count visits, episodes or patients are small marks below the floor."""
    visits, episodes = inputs.visits, inputs.episodes
    whole = account(episodes.ledger)
    clinics = visits.labels.get("clinic")
    facts = {
        "files": len({step.source.split(" › ")[0] for step in episodes.ledger.steps if step.source}),
        **whole,
        "clinics": 0 if clinics is None else len(clinics),
        "patients": len(set(visits.columns["patient"].tolist())),
        "episodes": len(episodes.columns["n_visits"]),
        "inception_episodes": int(episodes.columns["is_inception"].sum()),
    }
    shown: dict[str, int | float | str] = {**facts, "interval_percent": interval_percent(episodes.protocol)}
    for name in ("visits", "patients", "episodes", "inception_episodes"):
        if 0 < facts[name] < floor:
            shown[name] = small_mark(floor)
    return _frame(list(shown.items()), ["fact", "value"])


def _frame(rows: Sequence[Any], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    if rows and isinstance(rows[0], Mapping):
        return pd.DataFrame([[row[name] for name in columns] for row in rows], columns=columns)
    return pd.DataFrame(list(rows), columns=columns)


COUNTED = {"episode_ends": count_ends, "visits_per_episode": count_visit_bands}
"""Tables that are no answer: by name, what counts them."""
