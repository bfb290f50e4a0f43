"""The rows set aside as the terminal tells them: the ledger's numbers, which the page has too, rule by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcomes.cases.remarks import count_rows_aside, list_examples, list_main_reasons
from outcomes.records.counted import counted

if TYPE_CHECKING:
    from outcomes.cases import Visits

_EXAMPLES = 20
_MERGED = {
    "exact duplicate": "the same in every field as one read before, counted once",
    "same patient, stream and day": "of one patient, day and region with another, one visit with it",
}


def describe_set_aside(visits: Visits) -> list[str]:
    """Return the lines that account for the rows set aside: how many, under which rule, where the first of them stand.

    A row that breaks several rules counts once, under the first of them, as in the ledger and on the page; what else
    is wrong with it is a finding more. Empty when no row was set aside.
    """
    rules = list_main_reasons(visits)
    rows = sum(count_rows_aside(visits).values())
    if not rows:
        return []
    each = max(1, _EXAMPLES // max(1, len(rules)))
    findings = visits.quarantine.num_rows
    more = "" if findings == rows else f" ({counted(findings, 'finding')}; a row counts once, under one rule)"
    lines = [f"rows set aside: {rows:,}{more}, by rule, with up to {counted(each, 'place')} of each"]
    for rule in rules:
        lines.append(f"  {rule}")
        lines += [f"    {example}" for example in list_examples(visits, rule, each)]
    return lines


def describe_merged(visits: Visits) -> list[str]:
    """Return a line a reason for the records that are no visit of their own: how many, and of which files."""
    lines = []
    for reason, words in _MERGED.items():
        found = [(step.source, step.merged[reason]) for step in visits.ledger.steps if reason in step.merged]
        if found:
            of_files = "; ".join(f"{place}: {n:,}" for place, n in found)
            lines.append(f"{counted(sum(n for _, n in found), 'record')} {words} ({of_files})")
    return lines
