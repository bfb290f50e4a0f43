"""What can be wrong in a vocabulary table: every check returns findings with file, row and column. Stdlib only."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

from outcomes.definitions.tables import Table, id_column, split_list
from outcomes.definitions.terms import normalise_term
from outcomes.definitions.words import CODE_SPECIFICITY, DIAGNOSIS_TIERS, REGIONS, STAGES
from outcomes.errors import Finding

MAX_BITS = 63
AREAS = (*REGIONS, "back", "limb", "unspecified")
RELATIONS = ("adjacent", "umbrella", "same_region", "known_mismatch")

_WORDS = {
    ("modalities.csv", "stage"): STAGES,
    ("modalities.csv", "is_treatment"): ("0", "1"),
    ("modality_codes.csv", "specificity"): CODE_SPECIFICITY,
    ("modality_codes.csv", "timed"): ("0", "1"),
    ("modality_codes.csv", "marker"): ("", "first_exam", "maintenance"),
    ("ambiguous_terms.csv", "assumed_in"): ("", "modality", "muscle"),
    ("ambiguous_terms.csv", "only_if"): ("", "upper_case", "no_number"),
    ("muscles.csv", "is_umbrella"): ("0", "1"),
    ("muscle_group_relations.csv", "relation"): RELATIONS,
    ("icd10cm.csv", "region"): AREAS,
    ("icd10cm.csv", "tier"): DIAGNOSIS_TIERS,
    ("icd10_other.csv", "region"): AREAS,
    ("icd10_other.csv", "tier"): DIAGNOSIS_TIERS,
    ("instruments.csv", "better"): ("lower", "higher"),
}
_NUMBERS = {
    "instruments.csv": ("min", "max", "mic_abs", "mic_pct", "mdc"),
    "duration_classes.csv": ("from_day", "to_day_exclusive"),
}
_NEEDED_NUMBERS = {("instruments.csv", "min"), ("instruments.csv", "max"), ("duration_classes.csv", "from_day")}
# only these ids are known to the code; a user's table may rename their words, not the ids themselves
_FIXED_IDS = {
    "regions.csv": REGIONS,
    "sexes.csv": ("female", "male", "other"),
    "purposes.csv": ("first_exam", "treatment", "re_exam", "maintenance", "discharge", "no_show", "cancelled"),
    "onsets.csv": ("sudden", "gradual", "post_traumatic", "unknown"),
    "discharge_reasons.csv": ("resolved", "improved", "referred", "self_discharged", "other"),
    "paresthesia.csv": ("no", "yes"),
}
# visits with only these are a first examination, or no visit at all
_NEEDED_MODALITIES = ("evaluation", "no_show")
_KEYS = {
    "modality_codes.csv": ("code",),
    "ambiguous_terms.csv": ("term",),
    "icd10cm.csv": ("code",),
    "icd10_other.csv": ("code",),
    "muscle_group_relations.csv": ("group_a", "group_b"),
    "duration_classes.csv": ("scheme", "class"),
}
_ID = re.compile(r"[a-z][a-z0-9_]*")
_DECIDED = ("modalities.csv", "muscles.csv")


def find_table_faults(table: Table) -> list[Finding]:
    """Return the faults inside one table: ids, duplicates, words outside their list, numbers, too many rows."""
    faults = _find_duplicates(table)
    for (name, column), allowed in _WORDS.items():
        if name != table.name:
            continue
        for line, row in table:
            if row[column] not in allowed:
                remedy = f"Allowed: {', '.join(word or '(empty)' for word in allowed)}."
                faults.append(Finding("C206", f"has '{row[column]}'.", table.place(line, column), remedy))
    for column in _NUMBERS.get(table.name, ()):
        for line, row in table:
            if not _is_number(row[column], needed=(table.name, column) in _NEEDED_NUMBERS):
                faults.append(Finding("C206", f"has '{row[column]}'.", table.place(line, column), "Give a number."))
    if table.name in ("modalities.csv", "muscles.csv") and len(table.rows) > MAX_BITS:
        message = f"has {len(table.rows)} rows; at most {MAX_BITS} fit."
        faults.append(Finding("C205", message, table.place(table.lines[MAX_BITS], id_column(table.name)), "Join some."))
    return faults + _find_fixed_id_faults(table) + _find_duration_faults(table)


def _find_duplicates(table: Table) -> list[Finding]:
    columns = _KEYS.get(table.name) or (id_column(table.name),)
    seen: dict[tuple[str, ...], int] = {}
    faults = []
    for line, row in table:
        if columns[0].endswith("_id") and not _ID.fullmatch(row[columns[0]]):
            remedy = "Use small letters, digits and _, beginning with a letter."
            faults.append(Finding("C206", f"has '{row[columns[0]]}'.", table.place(line, columns[0]), remedy))
        key = tuple(_fold_key(table.name, row[column]) for column in columns)
        if seen.setdefault(key, line) != line:
            words = f"has '{' '.join(row[c] for c in columns)}' again; it stands in row {seen[key]}."
            faults.append(Finding("C204", words, table.place(line, columns[0]), "Keep one of the two."))
    return faults


def _fold_key(name: str, text: str) -> str:
    if name == "ambiguous_terms.csv":
        return normalise_term(text)
    return text.upper().replace(".", "").replace(" ", "") if name.startswith("icd10") else text


def _find_fixed_id_faults(table: Table) -> list[Finding]:
    fixed = _FIXED_IDS.get(table.name)
    column = id_column(table.name)
    if table.name == "modalities.csv":
        missing = [name for name in _NEEDED_MODALITIES if name not in {row[column] for row in table.rows}]
        return [
            Finding(
                "C206", f"lacks the id '{name}', which the package needs.", f"{table.name} › column {column}", "Add it."
            )
            for name in missing
        ]
    if not fixed or tuple(row[column] for row in table.rows) == fixed:
        return []
    message = f"must have the ids {', '.join(fixed)}, in this order."
    return [Finding("C206", message, f"{table.name} › column {column}", "Change words and synonyms, not the ids.")]


def _find_duration_faults(table: Table) -> list[Finding]:
    if table.name != "duration_classes.csv":
        return []
    faults, end = [], {row["scheme"]: "0" for row in table.rows}
    for line, row in table:
        if row["from_day"] != end[row["scheme"]]:
            message = f"has '{row['from_day']}'; the class must begin on day '{end[row['scheme']]}'."
            faults.append(Finding("C206", message, table.place(line, "from_day"), "Let each class follow the last."))
        end[row["scheme"]] = row["to_day_exclusive"]
    return faults


def _is_number(text: str, needed: bool) -> bool:
    if not text:
        return not needed
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def find_reference_faults(tables: dict[str, Table]) -> list[Finding]:
    """Return ids that a table names and another does not have; tables that could not be read are passed over."""
    faults: list[Finding] = []
    references = [
        ("families.csv", "modalities", "modalities.csv", "modality_id"),
        ("modality_codes.csv", "modality_id", "modalities.csv", "modality_id"),
        ("modality_codes.csv", "covers", "modalities.csv", "modality_id"),
        ("ambiguous_terms.csv", "modalities", "modalities.csv", "modality_id"),
        ("ambiguous_terms.csv", "muscles", "muscles.csv", "muscle_id"),
        ("muscle_group_relations.csv", "group_a", "muscles.csv", "group"),
        ("muscle_group_relations.csv", "group_b", "muscles.csv", "group"),
    ]
    for name, column, target, target_column in references:
        if name in tables and target in tables:
            known = {row[target_column] for row in tables[target].rows}
            faults += _find_unknown_ids(tables[name], column, known, tables[target])
    if "muscles.csv" in tables:
        faults += _find_unknown_ids(tables["muscles.csv"], "region", {*REGIONS, "limb"}, None)
    return faults


def _find_unknown_ids(table: Table, column: str, known: Collection[str], target: Table | None) -> list[Finding]:
    faults = []
    for line, row in table:
        for name in split_list(row[column]):
            if name in known:
                continue
            near = get_close_matches(name, known, n=1)
            where = f"which is not in {target.name}" if target else "which is no region"
            remedy = f"Did you mean '{near[0]}'?" if near else ""
            if table.packaged and target is not None:
                remedy = f"Keep that id in your {target.name}, or put your own {table.name} beside it."
            faults.append(Finding("C207", f"names '{name}', {where}.", table.place(line, column), remedy))
    return faults


def build_synonyms(table: Table, ambiguous: Collection[str] = ()) -> tuple[dict[str, int], list[Finding]]:
    """Return key -> row position from synonyms, ids and words of a table, and the synonyms that stand for two ids.

    Parameters
    ----------
    table : Table
        A table with an id column and a ``synonyms`` column.
    ambiguous : collection of str
        Keys that ``ambiguous_terms.csv`` decides; they are left out here.
    """
    entries: dict[str, int] = {}
    faults: list[Finding] = []
    column = id_column(table.name)
    for position, (line, row) in enumerate(table):
        for synonym in split_list(row["synonyms"]):
            key = normalise_term(synonym)
            if key and key not in ambiguous and entries.setdefault(key, position) != position:
                other = table.rows[entries[key]][column]
                message = f"has '{synonym}', which stands for '{other}' too (row {table.lines[entries[key]]})."
                remedy = "Remove one"
                remedy += ", or list it in ambiguous_terms.csv." if table.name in _DECIDED else "."
                faults.append(Finding("C204", message, table.place(line, "synonyms"), remedy))
    words = "label" if "label" in table.rows[0] else "words"
    for position, row in enumerate(table.rows):
        for text in (row[column], row[words]):
            key = normalise_term(text)
            if key not in ambiguous:
                entries.setdefault(key, position)
    return entries, faults
