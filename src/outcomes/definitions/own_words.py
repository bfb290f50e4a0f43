"""A clinic's own words for what the vocabulary tables know already: one row a word, one column that says what it means.

`tables` reads ``own_words.csv`` when a folder holds it; here its rows join the tables they name. Stdlib only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

from outcomes.definitions.table_checks import build_synonyms
from outcomes.definitions.tables import ID_TABLES, OWN_WORDS, Table, id_column, split_list
from outcomes.definitions.terms import normalise_term
from outcomes.errors import Finding

_SEVERAL = {"modalities.csv": "modalities", "muscles.csv": "muscles"}
"""Tables of which one word may mean several rows, and the column of ``ambiguous_terms.csv`` that holds them."""
Meant = dict[str, dict[str, tuple[int, ...]]]
"""Table -> word -> the rows it means."""
TABLES = (*_SEVERAL, *ID_TABLES.values())
_MOST_ROWS = 12


def add_own_words(tables: dict[str, Table]) -> list[Finding]:
    """Put the rows of ``own_words.csv`` into the tables they name; the file itself goes.

    Parameters
    ----------
    tables : dict of str to Table
        File name -> table; changed in place. Tables that could not be read are absent, and words for them wait.

    Returns
    -------
    list of Finding
        What keeps a row from being used, with its row and column.
    """
    own = tables.pop(OWN_WORDS, None)
    if own is None:
        return []
    faults = list(_find_faults(own))
    meant: Meant = {}
    for line, row in own:
        table = tables.get(row["table"])
        if table is not None and table.name in TABLES and row["means"] and normalise_term(row["term"]):
            positions, found = _resolve(own, line, row, table, tables)
            faults += found
            if positions:
                meant.setdefault(table.name, {})[row["term"]] = positions
    for name, words in meant.items():
        tables[name] = _with_synonyms(tables[name], {word: at[0] for word, at in words.items() if len(at) == 1})
    several = {normalise_term(word): word for words in meant.values() for word, at in words.items() if len(at) > 1}
    _add_several(tables, several, meant)
    return faults


def _find_faults(own: Table) -> Iterator[Finding]:
    open_rows = [line for line, row in own if not row["means"]]
    if open_rows:
        listed = ", ".join(map(str, open_rows[:_MOST_ROWS])) + (", ..." if len(open_rows) > _MOST_ROWS else "")
        yield Finding(
            "C208",
            f"is empty in {len(open_rows)} of {len(own.rows)} rows ({listed}): these words have no meaning yet.",
            f"{own.name} › column means",
            "Write there what each word means, one of those in column choices; or delete the row: the word stays "
            "unknown then, and its visits are kept.",
        )
    seen: dict[tuple[str, str], int] = {}
    for line, row in own:
        if row["table"] not in TABLES:
            remedy = f"Allowed: {', '.join(TABLES)}."
            yield Finding("C206", f"has '{row['table']}'.", own.place(line, "table"), remedy)
        if not normalise_term(row["term"]) or "|" in row["term"]:
            yield Finding("C206", "must hold one word, without |.", own.place(line, "term"), "Write a row a word.")
        first = seen.setdefault((row["table"], normalise_term(row["term"])), line)
        if first != line:
            yield Finding(
                "C204", f"has a word again that stands in row {first}.", own.place(line, "term"), "Keep one of the two."
            )


def _resolve(
    own: Table, line: int, row: dict[str, str], table: Table, tables: dict[str, Table]
) -> tuple[tuple[int, ...], list[Finding]]:
    """Return which rows of the table a word means; none where it is known with that meaning, or something is wrong."""
    entries, _ = build_synonyms(table)
    words = split_list(row["means"])
    unknown = [word for word in words if normalise_term(word) not in entries]
    if unknown:
        message = f"has '{unknown[0]}', which is no word of {table.name}."
        near = get_close_matches(normalise_term(unknown[0]), entries, n=1)
        remedy = f"Did you mean '{near[0]}'?" if near else f"Write one of: {', '.join(list_choices(table))}."
        return (), [Finding("C207", message, own.place(line, "means"), remedy)]
    meant = tuple(dict.fromkeys(entries[normalise_term(word)] for word in words))
    if len(meant) > 1 and table.name not in _SEVERAL:
        return (), [Finding("C206", "names several.", own.place(line, "means"), f"One word of {table.name} is one id.")]
    key, ambiguous = normalise_term(row["term"]), tables.get("ambiguous_terms.csv")
    if table.name in _SEVERAL and ambiguous and key in {normalise_term(other["term"]) for other in ambiguous.rows}:
        remedy = f"Copy that table into your folder and change it there, or delete the row of {own.name}."
        return (), [Finding("C204", "has a word of ambiguous_terms.csv.", own.place(line, "term"), remedy)]
    if key not in entries:
        return meant, []
    if meant == (entries[key],):
        return (), []
    known = table.rows[entries[key]][id_column(table.name)]
    message = f"has a word that stands for '{known}' (row {table.lines[entries[key]]} of {table.name})."
    return (), [Finding("C204", message, own.place(line, "term"), f"Copy {table.name} and take the word out there.")]


def list_choices(table: Table) -> tuple[str, ...]:
    """Return the ids of a table: what column ``means`` may hold beside their labels and synonyms."""
    return tuple(row[id_column(table.name)] for row in table.rows)


def _with_synonyms(table: Table, words: dict[str, int]) -> Table:
    rows = [dict(row) for row in table.rows]
    for word, position in words.items():
        rows[position]["synonyms"] = "|".join(filter(None, (rows[position]["synonyms"], word)))
    return replace(table, rows=tuple(rows))


def _add_several(tables: dict[str, Table], words: dict[str, str], meant: Meant) -> None:
    """Put the words for several rows among the ambiguous terms, where one word may stand for a set.

    What stands there decides for treatments and for muscles, so that what the word is known for in the other table goes
    with it.
    """
    ambiguous = tables.get("ambiguous_terms.csv")
    if ambiguous is None:
        return
    rows = [{"term": word, "assumed_in": "", "only_if": ""} for word in words.values()]
    for name, column in _SEVERAL.items():
        known = build_synonyms(tables[name])[0] if name in tables else {}
        own = {normalise_term(word): at for word, at in meant.get(name, {}).items()}
        for key, row in zip(words, rows, strict=True):
            at = own.get(key) or ((known[key],) if key in known else ())
            row[column] = "|".join(tables[name].rows[i][id_column(name)] for i in at)
    lines = tuple(ambiguous.lines[-1] + 1 + i for i in range(len(rows)))
    tables[ambiguous.name] = replace(ambiguous, rows=(*ambiguous.rows, *rows), lines=(*ambiguous.lines, *lines))
