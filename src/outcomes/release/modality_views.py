"""The tables of comparisons of treatments as they are shown: every line ends with its tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcomes.release.modality_words import list_main_rows
from outcomes.release.model import Column, TableView, number_columns
from outcomes.release.sentences import (
    Tables,
    format_count,
    format_p,
    format_percent,
    format_signed_points,
    interval_words,
)
from outcomes.release.tables import to_numbers
from outcomes.release.views import DASH, sentence_case, shown, shown_interval

if TYPE_CHECKING:
    import pandas as pd

NOT_ESTIMABLE = "not estimable"
FAMILIES_NOTE = (
    "In the order of the codebook. With, without: share relieved, the groups made alike in what is recorded. "
    "Differences in points. q: false discovery rate over the families."
)
JOINT_NOTE = (
    "In the order of the codebook. Each family with the others as they are. Shrunk: drawn towards no difference by as "
    "much as the spread of all differences says, because the largest of several is large by luck in part."
)
CLASSES_NOTE = "As they are, unadjusted; the last rows are parts of those before. Tag: descriptive."
TESTS_NOTE = "q: false discovery rate over all these tests."


def families_table(tables: Tables) -> TableView:
    """Each family against none of it: both arms, the difference before and after adjustment, and its tag."""
    table = tables["one_family"]
    crude = {row["contrast"]: row["estimate"] for row in list_main_rows(table, "unadjusted")}
    rows = tuple(
        (
            str(row["label"]),
            shown(row["with_value"], format_percent),
            shown(row["without_value"], format_percent),
            shown(crude.get(row["contrast"]), format_signed_points),
            *_difference(row),
            shown(row["q_value"], _write_bare),
            _arms(row),
            # Why stands once, below the table.
            NOT_ESTIMABLE if row["reason"] else str(row["tag"]),
        )
        for row in list_main_rows(table, "adjusted")
    )
    heads = ("With", "Without", "Unadjusted", "Adjusted", interval_words(tables), "q", "Episodes, with / without")
    columns = _columns("Family", heads)
    caption = "Relieved with each family of treatments and without it"
    return TableView("one_family", caption, columns, rows, FAMILIES_NOTE, _csv(tables, "one_family"), folded=True)


def joint_table(tables: Tables) -> TableView:
    """All families in one model, shrunk beside."""
    table = tables["all_families"]
    shrunk = {row["contrast"]: row for row in list_main_rows(table, "joint_shrunk")}
    rows = []
    for row in list_main_rows(table, "joint"):
        other = shrunk.get(row["contrast"])
        beside = DASH if other is None else _difference(other)[0]
        rows.append(
            (
                *(str(row["label"]), *_difference(row), beside, shown(row["q_value"], _write_bare), _arms(row)),
                NOT_ESTIMABLE if row["reason"] else str(row["tag"]),
            )
        )
    level = interval_words(tables)
    columns = _columns("Family", ("Together", level, "Shrunk", "q", "Episodes, with / without"))
    caption = "All families in one model: difference in points that goes with each"
    return TableView(
        "all_families", caption, columns, tuple(rows), JOINT_NOTE, _csv(tables, "all_families"), folded=True
    )


def classes_table(tables: Tables) -> tuple[TableView, ...]:
    """How the first treatment stood to the muscle found, and the share relieved of each."""
    table = tables.get("identified_muscle_classes")
    if table is None:
        return ()
    rows = tuple(
        (
            sentence_case(str(row["label"])),
            shown(row["n"], format_count),
            shown(row["events"], format_count),
            shown(row["estimate"], format_percent),
            shown_interval(row),
        )
        for row in table.to_dict("records")
    )
    heads = ("Episodes", "Seen relieved", "Relieved, estimated", interval_words(tables))
    columns = number_columns("First treatment reached", heads)
    caption = "The muscle treated first, and the muscle found in spasm"
    return (
        TableView(
            "identified_muscle", caption, columns, rows, CLASSES_NOTE, _csv(tables, "identified_muscle"), folded=True
        ),
    )


def tests_table(tables: Tables) -> tuple[TableView, ...]:
    """Whether differences differ between levels: one row a test that could be made."""
    table = tables.get("subgroups")
    if table is None:
        return ()
    tests = table[table["analysis"] == "interaction"]
    made = tests[to_numbers(tests["p_value"]).notna()]
    few = f"{NOT_ESTIMABLE} (fewer than two levels can be compared)"
    rows: tuple[tuple[str, ...], ...] = (("All families", "0", DASH, DASH, few),) if made.empty else ()
    rows += tuple(
        (
            str(row["label"]),
            format_count(_count_levels(table, row)),
            shown(row["p_value"], _write_bare),
            shown(row["q_value"], _write_bare),
            str(row["tag"]),
        )
        for row in made.to_dict("records")
    )
    rest = len(tests) - len(made)
    note = TESTS_NOTE + (f" Fewer than two levels could be compared in {rest} more." if rest and len(made) else "")
    columns = _columns("Family and factor", ("Levels compared", "p", "q"))
    caption = "Does the difference of a family differ between levels?"
    return (TableView("subgroups", caption, columns, rows, note, _csv(tables, "subgroups"), folded=True),)


def _count_levels(table: pd.DataFrame, row: dict[Any, Any]) -> int:
    own = (table["contrast"] == row["contrast"]) & (table["factor"] == row["factor"]) & (table["analysis"] == "level")
    return int(to_numbers(table.loc[own, "estimate"]).notna().sum())


def _difference(row: dict[Any, Any]) -> tuple[str, str]:
    value = shown(row["estimate"], format_signed_points)
    return value, shown_interval(row, format_signed_points, "")


def _arms(row: dict[Any, Any]) -> str:
    return " / ".join(shown(row[f"n_{arm}"], format_count) for arm in ("with", "without"))


def _write_bare(value: float) -> str:
    """A p- or q-value under its heading, where "=" would say nothing."""
    return format_p(value).removeprefix("= ")


def _columns(first: str, heads: tuple[str, ...]) -> tuple[Column, ...]:
    return (*number_columns(first, heads), Column("What it is"))


def _csv(tables: Tables, name: str) -> str:
    """The files of one comparison, by blanks."""
    return " ".join(file for file in tables if file == name or file.startswith(f"{name}_"))
