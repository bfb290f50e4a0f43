"""What tables of comparisons and of triggers are to each other: a clinic made up by hand, one count hidden at a time.

Every number of `WORLD` is printed, and they fit each other. A case keeps the tables that tell a count together and
hides it; the reader must find it, by the way that is named. Each sum, equality and bound it knows has a case.
"""

from __future__ import annotations

import pytest

from support.one_hidden import change, facts, lay_out, list_broken, look_at, rows

LINES = "contrast analysis analysis_label scale horizon_days n_with n_without events_with events_without"
SIZES = "contrast n_with n_without set_aside_always set_aside_never set_aside_few"
WORLD = {
    "one_family_summary": facts(n=113, n_events=50),
    "one_family": rows(
        LINES,
        ("heat", "adjusted", "", "difference", 28, 40, 60, 4, 28),
        ("heat", "adjusted", "", "ratio", 28, 40, 60, 4, 28),
        ("heat", "unadjusted", "", "difference", 28, 40, 60, 4, 28),
        # Two that set aside others: they share a label, and no count.
        ("heat", "trimmed", "Trimmed", "difference", 28, 38, 55, 3, 27),
        ("heat", "trimmed", "Trimmed", "ratio", 28, 37, 54, 3, 26),
        # On a later day the same episodes, and more of them relieved.
        ("heat", "unadjusted", "", "difference", 90, 40, 60, 6, 40),
    ),
    "one_family_diagnostics": rows(SIZES, ("heat", 40, 60, 4, 9, 0)),
    "one_family_units": rows(
        "contrast unit n_with n_without", ("heat", "A", 30, 40), ("heat", "B", 7, 16), ("heat", "C", 3, 4)
    ),
    "one_family_gate": rows(
        "contrast check with_value without_value",
        ("heat", "episodes", 40, 60), ("heat", "events", 4, 28), ("heat", "support", 37, 55),
    ),
    "one_family_overlap": rows(
        "contrast arm bin n", ("heat", "with", "low", 3), ("heat", "with", "high", 37),
        ("heat", "without", "low", 56), ("heat", "without", "high", 4),
    ),
    "all_families_summary": facts(n=113, n_events=50),
    "all_families": rows(
        LINES,
        ("heat", "joint", "", "difference", 28, 44, 69, 20, 30),
        ("massage", "joint", "", "difference", 28, 110, 3, 48, 2),
    ),
    "all_families_pairs": rows(
        "family_a family_b n_both n_a_only n_b_only n_neither", ("heat", "massage", 42, 2, 68, 1)
    ),
    "all_families_gate": rows("contrast check with_value without_value", ("massage", "events", 47, 1)),
    "identified_muscle_summary": facts(
        n=113, n_events=50, n_known=73, n_concordant=40, n_discordant=33, n_unknown=30, n_unspecific=10
    ),
    "identified_muscle_classes": rows(
        "class n events",
        ("exact", 20, 10), ("group", 15, 7), ("umbrella", 5, 3), ("adjacent", 18, 8), ("same_region", 12, 6),
        ("none", 3, 2), ("unknown", 30, 11), ("unspecific", 10, 3), ("known_mismatch", 3, 2), ("clinic_example", 2, 1),
    ),
    "identified_muscle_diagnostics": rows(SIZES, ("concordant", 36, 31, 3, 2, 1)),
    "subgroups_summary": facts(n=113, n_events=50),
    "subgroups_diagnostics": rows(
        f"factor level {SIZES}",
        ("age", "young", "heat", 10, 20, 1, 1, 1), ("age", "young", "massage", 12, 16, 1, 1, 3),
        ("age", "old", "heat", 30, 40, 4, 5, 1),
    ),
    "triggers_summary": facts(n=50, n_same=35),
    "triggers": rows(
        "trigger return_trigger n events expected",
        ("lifting", "lifting", 23, 20, 0.64), ("lifting", "sitting", 23, 3, 0.36),
        ("sitting", "lifting", 27, 12, 0.64), ("sitting", "sitting", 27, 15, 0.36),
    ),
    "triggers_same": rows(
        "trigger n events expected", ("lifting", 23, 20, 0.64), ("sitting", 27, 15, 0.36), ("all", 50, 35, 0.5)
    ),
}  # fmt: skip


def test_all_that_a_reader_takes_for_granted_holds():
    book = lay_out(WORLD)
    book.system.look_into([])
    assert book.system.contradictions == []
    broken, held = list_broken(book)
    assert broken == []
    assert held > 40


ONE, ALL, MUSCLE = "one_family", "all_families", "identified_muscle"
ELSEWHERE = "the arm in another question, less those set aside"
CASES = [
    ((f"{ONE}_summary", f"{ONE}_diagnostics"), 2, "set_aside_always", 4, "both arms and those set aside"),
    ((ONE,), 2, "events_with", 4, "the same episodes in two lines"),
    ((ONE,), 3, "events_with", 4, "the same episodes in two lines"),
    ((f"{ONE}_diagnostics", f"{ONE}_units"), 4, "n_with", 3, "units add up to their arm"),
    ((f"{ONE}_diagnostics", f"{ONE}_units"), 4, "n_without", 4, "units add up to their arm"),
    ((ONE, f"{ONE}_gate"), 3, "with_value", 4, "the check and the line"),
    ((f"{ONE}_diagnostics", f"{ONE}_overlap"), 2, "n", 3, "bins add up to their arm"),
    ((f"{ONE}_diagnostics", f"{ONE}_overlap"), 5, "n", 4, "bins add up to their arm"),
    ((f"{ALL}_summary", ALL), 3, "n_without", 3, "with and without are all"),
    ((f"{ALL}_summary", ALL), 3, "events_without", 2, "with and without are all"),
    ((ALL, f"{ALL}_pairs"), 2, "n_a_only", 2, "pairs and families"),
    ((f"{ALL}_summary", f"{ALL}_pairs"), 2, "n_neither", 1, "two by two"),
    ((ALL, f"{ONE}_diagnostics"), 2, "set_aside_always", 4, ELSEWHERE),
    ((f"{MUSCLE}_summary", f"{MUSCLE}_diagnostics"), 2, "set_aside_always", 3, ELSEWHERE),
    ((f"{MUSCLE}_summary", f"{MUSCLE}_diagnostics"), 2, "set_aside_never", 2, ELSEWHERE),
    ((f"{MUSCLE}_summary", f"{MUSCLE}_classes"), 7, "n", 3, "classes of one kind"),
    ((f"{ONE}_summary", f"{MUSCLE}_classes"), 7, "n", 3, "the classes add up"),
    ((f"{ONE}_summary", f"{MUSCLE}_classes"), 7, "events", 2, "the classes add up"),
    (("subgroups_diagnostics",), 3, "set_aside_few", 3, "both arms and those set aside"),
    (("triggers",), 3, "events", 3, "a row of the table of triggers"),
]  # fmt: skip


@pytest.mark.parametrize(("tables", "line", "column", "value", "way"), CASES)
def test_a_hidden_count_is_found_by_each_way_there_is(tables, line, column, value, way):
    assert WORLD[tables[-1]][line - 2][column] == str(value)
    found = look_at({name: WORLD[name] for name in tables}, tables[-1], line, column)
    assert (found.small, found.other, found.way) == ((value,), False, way)
    # Without the table that tells it the reader knows no more than the mark does.
    if len(tables) == 2:
        alone = look_at({tables[-1]: WORLD[tables[-1]]}, tables[-1], line, column)
        assert alone.other or len(alone.small) > 1


def with_line(table, line, **changed):
    """A table with one line of it changed."""
    return [row | changed if i == line - 2 else row for i, row in enumerate(WORLD[table])]


@pytest.mark.parametrize(
    ("tables", "cell", "small"),
    [
        # Of an arm with few those in common support are a part, of the events those in the check.
        ({ONE: with_line(ONE, 2, events_with="2")[:1], f"{ONE}_gate": with_line(f"{ONE}_gate", 4, with_value="3")[2:]},
         (ONE, 2, "n_with"), (3, 4)),
        ({ALL: WORLD[ALL], "all_families_gate": with_line("all_families_gate", 2, without_value="2")},
         (ALL, 3, "events_without"), (2, 3)),
        # The arms of a comparison stand in its lines and in its diagnostics; the model of all families has more.
        ({f"{ONE}_diagnostics": with_line(f"{ONE}_diagnostics", 2, n_with="3"),
          ONE: with_line(ONE, 2, events_with="1")[:1]}, (ONE, 2, "n_with"), (3,)),
        ({f"{ALL}_diagnostics": with_line(f"{ONE}_diagnostics", 2, n_with="2", set_aside_always="hidden"),
          ALL: with_line(ALL, 2, events_with="1")[:1]}, (ALL, 2, "n_with"), (2, 3, 4)),
        ({f"{MUSCLE}_diagnostics": with_line(f"{ONE}_diagnostics", 2, n_with="3", contrast="clinic_example"),
          MUSCLE: with_line(ONE, 2, events_with="1", contrast="clinic_example")[:1]},
         (MUSCLE, 2, "n_with"), (1, 2, 3, 4)),
        # The levels of a factor are all episodes at most: 33 of 113 are left beside the old.
        ({"subgroups_summary": WORLD["subgroups_summary"],
          "subgroups_diagnostics": [WORLD["subgroups_diagnostics"][i] for i in (0, 2)]},
         ("subgroups_diagnostics", 2, "set_aside_few"), (1,)),
        # The clinic's own example is one of the mismatches.
        ({"identified_muscle_classes": WORLD["identified_muscle_classes"]},
         ("identified_muscle_classes", 11, "n"), (1, 2, 3)),
    ],
)  # fmt: skip
def test_a_part_bounds_what_it_is_a_part_of(tables, cell, small):
    assert look_at(tables, *cell).small == small


@pytest.mark.parametrize(
    ("gap", "small"),
    # A mean of 2 1/3 days is one over three, or six: those relieved are a part of the arm.
    [(repr(7 / 3), (3, 4)), ("2.5", (2, 3, 4)), ("", (1, 2, 3, 4))],
)
def test_a_mean_of_days_is_over_some_who_were_relieved(gap, small):
    line = with_line("one_family_diagnostics", 2, ratings_with="2.0", gap_with_days=gap)
    assert look_at({"one_family_diagnostics": line}, "one_family_diagnostics", 2, "n_with").small == small


def test_what_chance_would_give_is_the_share_of_a_column():
    tables = {"triggers_summary": WORLD["triggers_summary"]}
    tables["triggers"] = [row | {"n": "hidden"} for row in WORLD["triggers"]]
    tables["triggers"][0]["events"] = "hidden"
    # Of 50 pairs .36 were set off by sitting the second time: 18, and 15 of them stand below.
    assert look_at(tables, "triggers", 3, "events").small == (3,)
    unsaid = [row | {"expected": "hidden"} for row in tables["triggers"]]
    assert look_at(tables | {"triggers": unsaid}, "triggers", 3, "events").other


def test_the_diagonal_stands_in_two_tables_and_the_triggers_add_up():
    counts = rows(
        "trigger return_trigger n events expected",
        *(("a", "a", 3, 2, ""), ("a", "b", 3, 1, ""), ("b", "a", 40, 20, ""), ("b", "b", 40, 20, "")),
    )
    same = rows("trigger n events expected", ("a", "hidden", 2, ""), ("all", 43, 22, ""))
    mark = [row | {"events": "hidden"} if i == 1 else row for i, row in enumerate(counts)]
    assert look_at({"triggers": mark, "triggers_same": same}, "triggers", 2, "events").small == (2,)
    total = [row | {"n": "hidden", "events": "hidden"} if row["trigger"] == "a" else row for row in counts]
    found = look_at({"triggers_summary": facts(n=43), "triggers": total}, "triggers", 2, "n")
    assert (found.small, found.way) == ((3,), "the triggers add up")


def test_sizes_of_a_comparison_that_was_not_fitted_are_blank_and_bound_nothing():
    line = WORLD["one_family_diagnostics"][0]
    blank = [("one_family_diagnostics", 2, name, "") for name in line if name.startswith(("n_", "set_aside"))]
    book = lay_out(change(WORLD, *blank))
    book.system.look_into([])
    broken, held = list_broken(book)
    assert book.system.contradictions == broken == [] and held > 0
    assert f"size/one_family/{line['contrast']}/n_with" not in book.named
