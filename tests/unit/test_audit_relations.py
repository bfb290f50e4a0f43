"""What tables of visits, relief, returns, use, units and quarters are to each other: one count hidden at a time.

As in `test_audit_comparisons` every number of `WORLD` is printed, and they fit each other; a case keeps the tables that
tell a count together and hides it, and the reader must find it.
"""

from __future__ import annotations

import pytest

from support.one_hidden import change, facts, lay_out, list_broken, look_at, rows

GROUP = "group horizon_days n events"
ARMS = "landmark_days exercise analysis maintenance horizon_days n events n_with n_without events_with events_without"
WORLD = {
    "run": facts(visits=300, episodes=100, inception_episodes=90, patients=80),
    "episode_ends": rows("end_reason n events", ("relieved", 100, 70), ("stopped", 100, 27), ("moved", 100, 3)),
    "visits_per_episode": rows("visits n events", ("1", 100, 50), ("2", 100, 48), ("3 or more", 100, 2)),
    # -- relief
    "relief_summary": facts(n=90, n_events=64),
    "relief": rows(GROUP, ("all", 14, 90, 20), ("all", 28, 90, 40)),
    "relief_times": rows("group n events", ("all", 90, 62)),
    "relief_ends": rows(
        "group end horizon_days n events",
        ("all", "relieved", 14, 88, 20), ("all", "relieved", 28, 88, 40), ("all", "stopped", 28, 88, 46),
    ),
    "relief_definitions": rows("rule n events", ("confirmed", 90, 40), ("once", 90, 3)),
    "relief_grid_summary": facts(day=28),
    "relief_grid": rows(
        "episode_rule is_reported n events", ("as reported", "true", 90, 40), ("gap 60", "false", 95, 41)
    ),
    # -- returns
    "recurrence_summary": facts(
        n=58, n_all=100, n_events=20, n_new_episode=17, n_pain_back=3, n_relieved=64, n_relapsed=4, n_too_young=2
    ),
    "recurrence": rows(GROUP, ("all", 182, 58, 12), ("all", 365, 58, 18), ("women", 182, 30, 5), ("women", 365, 30, 9)),
    "recurrence_composite": rows(
        "measure horizon_days n events",
        ("relieved", 28, 90, 40), ("kept", 365, 62, 58), ("not_back", 365, 58, 40), ("all", 365, 90, 30),
    ),
    "recurrence_maintenance": rows(
        "outcome part horizon_days n events",
        ("first_return", "outside", 182, 50, 3), ("first_return", "outside", 365, 50, 4),
        ("mean_returns", "outside", 365, 50, 9),
    ),
    "recurrence_definitions": rows(
        "kind n events", ("reported", 58, 18), ("event", 58, 25), ("other", 60, 19)
    ),
    "return_factors_summary": facts(day=365),
    "return_factors": rows(
        "factor level n events",
        ("sex", "f", 30, 9), ("sex", "m", 26, 8), ("sex", "unknown", 2, 1), ("age", "all", 58, 18),
    ),
    "rehabilitation_summary": facts(n_with=38, n_without=20),
    "rehabilitation": rows(
        ARMS,
        (30, "any", "landmark", "with", 365, 58, 18, 38, 20, 14, 4),
        (30, "any", "landmark", "outside", 365, 50, 4, 35, 15, 3, 1),
    ),
    # -- use of treatments
    "modality_use_summary": facts(n=120, n_episodes=90, n_paths=90),
    "modality_use": rows(
        "quarter family n events", ("Q1", "heat", 70, 60), ("Q1", "laser", 70, 13), ("Q2", "heat", 46, 46)
    ),
    "modality_use_by_clinic": rows(
        "clinic_id family n events",
        ("A", "heat", 117, 104), ("A", "laser", 117, 13), ("B", "heat", 3, 2), ("B", "laser", 3, 2),
    ),
    "modality_use_by_clinician": rows(
        "clinic_id clinician_id family n events",
        ("A", "1", "heat", 114, 103), ("A", "2", "heat", 3, 1), ("A", "1", "laser", 114, 11), ("A", "2", "laser", 3, 2),
        ("B", "1", "heat", 3, 2), ("B", "1", "laser", 3, 2),
    ),
    "modality_use_families": rows("family n events", ("heat", 120, 106), ("laser", 120, 15)),
    "modality_use_modalities": rows("family modality n events", ("heat", "pack", 120, 102), ("heat", "lamp", 120, 4)),
    "modality_use_bundles": rows("bundle n events", ("heat", 120, 105), ("heat+laser", 120, 1), ("laser", 120, 14)),
    "modality_use_first_treatment": rows("family n events", ("heat", 90, 80), ("laser", 90, 13)),
    "modality_use_pathway": rows("path n events", ("heat", 90, 87), ("laser", 90, 3)),
    "modality_use_co_use": rows(
        "family other_family n n_both n_one n_other n_neither", ("heat", "laser", 90, 4, 76, 9, 1)
    ),
    # -- units, attendance, gaps
    "clinics_summary": facts(n=90, n_events=62, n_patients=80),
    "clinics": rows("unit n events", ("A", 86, 60), ("B", 4, 2)),
    "clinicians": rows("unit clinic n events", ("1 at A", "A", 83, 57), ("2 at A", "A", 3, 3), ("1 at B", "B", 4, 2)),
    "clinics_patients": rows("band n events", ("1", 80, 77), ("2", 80, 3)),
    "attendance_summary": facts(n=90),
    "attendance": rows(
        "group visit within_days n events",
        ("all", 1, 28, 90, 50), ("all", 1, 90, 90, 54), ("all", 2, 28, 54, 2), ("all", 2, 90, 54, 3),
    ),
    "attendance_left": rows(
        "visit reason n events",
        ("1", "came", 88, 52), ("1", "relieved", 88, 33), ("1", "not_relieved", 88, 3), ("1", "unrated", 88, 2),
    ),
    "quarter_review_volume": rows("quarter episodes_started patients visits", ("2024Q1", 40, 40, 100)),
    "attendance_by_quarter": rows(
        "quarter visit within_days n events",
        ("2024Q1", 2, 28, 39, 4), ("2024Q1", 2, 90, 39, 5), ("2024Q1", 4, 28, 39, 3), ("2024Q1", 4, 90, 39, 4),
    ),
    "missing": rows(
        "fact by group n events",
        ("pain", "all", "all", 90, 12), ("pain", "clinic", "A", 87, 9), ("pain", "clinic", "B", 3, 3),
    ),
    "quarter_review": rows(
        "quarter indicator n events", ("2024Q1", "relief", 30, 20), ("2024Q1", "pain_recorded", 100, 90)
    ),
    "quarter_review_chart_months": rows(
        "month indicator n events",
        ("2024-01", "relief", 17, 12), ("2024-02", "relief", 10, 6), ("2024-03", "relief", 3, 2),
    ),
    "quarter_review_recording": rows("quarter clinic_id n events", ("2024Q1", "A", 96, 89), ("2024Q1", "B", 4, 1)),
}  # fmt: skip


def test_all_that_a_reader_takes_for_granted_holds():
    book = lay_out(WORLD)
    book.system.look_into([])
    assert book.system.contradictions == []
    broken, held = list_broken(book)
    assert broken == []
    assert held > 60


def add_up(table):
    return f"the rows of {table}.csv add up"


BY_CLINIC = "the groups of modality_use_by_clinic.csv add up by family"
EXACT = [
    ("episode_ends", 4, "events", (), add_up("episode_ends")),
    ("visits_per_episode", 4, "events", (), add_up("visits_per_episode")),
    ("modality_use_pathway", 3, "events", (), add_up("modality_use_pathway")),
    ("clinics_patients", 3, "events", (), add_up("clinics_patients")),
    ("return_factors", 4, "n", ("recurrence",), add_up("return_factors")),
    ("return_factors", 4, "events", ("recurrence", "return_factors_summary"), "the levels of a factor add up"),
    ("recurrence_summary", 6, "n_pain_back", (), "the two kinds of return"),
    ("recurrence_summary", 8, "n_relapsed", (), "relieved = followed + relapsed + too young"),
    ("recurrence_summary", 9, "n_too_young", (), "relieved = followed + relapsed + too young"),
    ("rehabilitation", 2, "events_without", (), "both arms"),
    ("rehabilitation", 3, "events", (), "both arms"),
    ("modality_use_by_clinic", 4, "events", ("modality_use_families",), BY_CLINIC),
    ("modality_use_by_clinic", 4, "n", ("modality_use_summary",), add_up("modality_use_by_clinic")),
    ("modality_use_by_clinician", 3, "events", ("modality_use_by_clinic",), "its clinicians"),
    ("modality_use_by_clinician", 3, "n", ("modality_use_by_clinic",), "its clinicians"),
    ("modality_use_modalities", 3, "events", ("modality_use_families",), "the modalities of a family"),
    ("modality_use_co_use", 2, "n_neither", (), "two by two"),
    ("clinics", 3, "n", ("clinics_summary",), add_up("clinics")),
    ("clinics", 3, "events", ("clinics_summary",), add_up("clinics")),
    ("clinicians", 3, "n", ("clinics",), "the clinicians of a clinic"),
    ("clinicians", 3, "events", ("clinics",), "the clinicians of a clinic"),
    ("attendance_left", 4, "events", (), "what became of those at a visit"),
    ("missing", 4, "n", (), "groups of one kind add up"),
    ("missing", 4, "events", (), "groups of one kind add up"),
    ("quarter_review_chart_months", 4, "n", ("quarter_review",), "months of a quarter add up"),
    ("quarter_review_chart_months", 4, "events", ("quarter_review",), "months of a quarter add up"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "line", "column", "others", "way"), EXACT)
def test_a_hidden_count_is_found_by_each_sum_there_is(table, line, column, others, way):
    row = WORLD[table][line - 2]
    value = int(row["value" if table.endswith("_summary") else column])
    found = look_at({name: WORLD[name] for name in (*others, table)}, table, line, column)
    assert (found.small, found.other, found.way) == ((value,), False, way)


BACK = (("recurrence", 2, "n", 4), ("recurrence", 2, "events", 1))
REHABILITATION = [("rehabilitation", 2, name, "hidden") for name in ("n", "n_without", "events_with", "events_without")]
OUTSIDE = [("rehabilitation", 3, name, "hidden") for name in ("n_with", "events", "events_with", "events_without")]
SAME = [
    # What is printed elsewhere, so that the count is small; the cell that is hidden; what it must be.
    ([("relief", 3, "events", 3), ("relief_grid_summary", 2, "day", 28)], ("relief_grid", 2, "events"), 3),
    ([("relief", 3, "events", 3), ("relief_grid_summary", 2, "day", 28)], ("relief_definitions", 2, "events"), 3),
    ([("relief_summary", 2, "n", 4), ("relief_grid", 2, "events", 1)], ("relief_grid", 2, "n"), 4),
    ([("relief_summary", 3, "n_events", 4)], ("recurrence_summary", 7, "n_relieved"), 4),
    ([("relief_summary", 2, "n", 4), ("recurrence_composite", 2, "events", 1)], ("recurrence_composite", 2, "n"), 4),
    ([("relief_summary", 2, "n", 4), ("recurrence_composite", 5, "events", 1)], ("recurrence_composite", 5, "n"), 4),
    ([("relief", 3, "events", 3)], ("recurrence_composite", 2, "events"), 3),
    ([*BACK], ("recurrence_composite", 3, "events"), 4),
    ([("recurrence_summary", 2, "n", 3), ("recurrence_summary", 8, "n_relapsed", 1),
      ("recurrence_composite", 3, "events", 3)], ("recurrence_composite", 3, "n"), 4),
    ([*BACK, ("recurrence_composite", 4, "events", 1)], ("recurrence_composite", 4, "n"), 4),
    ([("recurrence", 3, "events", 4)], ("recurrence_definitions", 2, "events"), 4),
    ([*BACK, ("recurrence_definitions", 2, "events", 1)], ("recurrence_definitions", 2, "n"), 4),
    ([*BACK, ("recurrence_definitions", 3, "events", 1)], ("recurrence_definitions", 3, "n"), 4),
    ([*BACK, *REHABILITATION[1:], ("rehabilitation", 2, "events", 1)], ("rehabilitation", 2, "n"), 4),
    ([("recurrence", 3, "events", 4), *REHABILITATION], ("rehabilitation", 2, "events"), 4),
    ([("rehabilitation_summary", 2, "n_with", 4), *REHABILITATION], ("rehabilitation", 2, "n_with"), 4),
    ([("recurrence_maintenance", 2, "n", 4), *OUTSIDE], ("rehabilitation", 3, "n"), 4),
    ([("modality_use_first_treatment", 2, "events", 80), ("modality_use_co_use", 2, "n_neither", "hidden")],
     ("modality_use_co_use", 2, "n_both"), 4),
    ([("attendance_summary", 2, "n", 4), ("attendance", 2, "events", 1), ("attendance", 3, "events", 1)],
     ("attendance", 2, "n"), 4),
    ([("attendance", 3, "events", 4), ("attendance", 4, "events", 1), ("attendance", 5, "events", 1)],
     ("attendance", 4, "n"), 4),
    ([("attendance_summary", 2, "n", 4), ("missing", 2, "events", 1)], ("missing", 2, "n"), 4),
]  # fmt: skip


def only(changes, cell):
    """The tables that are changed and that of the cell; of each the lines that are spoken of, of a summary all."""
    lines = {one[:2] for one in (*changes, cell)}
    tables = change({table: WORLD[table] for table, _ in sorted(lines)}, *changes)
    places = {name: sorted(line for table, line in lines if table == name) for name in tables}
    kept = {
        name: [table[i - 2] for i in places[name]] if "summary" not in name else table for name, table in tables.items()
    }
    return kept, (cell[0], cell[1] if "summary" in cell[0] else places[cell[0]].index(cell[1]) + 2, cell[2])


@pytest.mark.parametrize(("changes", "cell", "value"), SAME)
def test_one_count_in_two_tables_is_one_count(changes, cell, value):
    tables, cell = only(changes, cell)
    found = look_at(tables, *cell)
    assert (found.small, found.other) == ((value,), False)
    if len(tables) > 1:
        alone = look_at({cell[0]: tables[cell[0]]}, *cell)
        assert alone.other or alone.small != (value,)


FEW = (1, 2, 3)
BOUNDS = [
    # What is printed beside it; the cell that is hidden; the small numbers that are left of it.
    ([("relief", 3, "events", 3)], ("relief", 2, "events"), FEW),
    ([("relief", 3, "events", 0), ("relief_times", 2, "events", 3)], ("relief", 3, "events"), FEW),
    ([("relief_ends", 3, "events", 3)], ("relief_ends", 2, "events"), FEW),
    ([("relief_ends", 3, "n", 43), ("relief_ends", 4, "n", 43)], ("relief_ends", 4, "events"), FEW),
    ([("relief_summary", 3, "n_events", 3)], ("relief_times", 2, "events"), FEW),
    ([("relief_summary", 2, "n", 3)], ("relief_summary", 3, "n_events"), FEW),
    ([("relief_summary", 2, "n", 3), ("relief_ends", 2, "events", 2)], ("relief_ends", 2, "n"), (2, 3)),
    ([("recurrence_summary", 4, "n_events", 3)], ("recurrence", 3, "events"), FEW),
    ([("recurrence_maintenance", 3, "events", 3)], ("recurrence_maintenance", 2, "events"), FEW),
    ([("modality_use", 2, "events", 60), ("modality_use", 4, "events", 3), ("modality_use_families", 2, "events", 63),
      ("modality_use", 4, "n", 3)], ("modality_use", 4, "events"), (3,)),
    ([("modality_use", 2, "n", 117), ("modality_use", 4, "events", 1), ("modality_use_summary", 2, "n", 120)],
     ("modality_use", 4, "n"), (1,)),
    ([("modality_use_first_treatment", 2, "events", 87)], ("modality_use_first_treatment", 3, "events"), (3, 4)),
    ([("modality_use_families", 2, "events", 3)], ("modality_use_modalities", 2, "events"), (3,)),
    ([("modality_use_families", 2, "events", 3), ("modality_use_modalities", 3, "events", 1)],
     ("modality_use_modalities", 2, "events"), (2, 3)),
    ([("modality_use_families", 3, "events", 17), ("modality_use_bundles", 2, "events", "hidden"),
      ("modality_use_bundles", 4, "events", 14)],
     ("modality_use_bundles", 3, "events"), FEW),
    ([("attendance", 3, "events", 3)], ("attendance", 2, "events"), FEW),
    ([("attendance_left", 4, "events", 3)], ("attendance_left", 5, "events"), FEW),
    ([("attendance", 3, "n", 3), ("attendance", 3, "events", 1), ("attendance_left", 4, "events", "hidden")],
     ("attendance_left", 4, "n"), FEW),
    ([("attendance", 3, "events", 3), ("attendance_left", 2, "n", "hidden")], ("attendance_left", 2, "events"), FEW),
    ([("quarter_review_volume", 2, "episodes_started", 3), ("attendance_by_quarter", 2, "events", 1)],
     ("attendance_by_quarter", 2, "n"), FEW),
    ([("attendance_by_quarter", 5, "events", 3)], ("attendance_by_quarter", 4, "events"), FEW),
    ([("attendance_by_quarter", 2, "events", 3)], ("attendance_by_quarter", 4, "events"), FEW),
    ([("quarter_review", 3, "n", 99), ("quarter_review_recording", 2, "n", 96),
      ("quarter_review_recording", 3, "events", 1)], ("quarter_review_recording", 3, "n"), FEW),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "cell", "small"), BOUNDS)
def test_a_part_is_no_more_than_its_whole(changes, cell, small):
    tables, cell = only(changes, cell)
    assert look_at(tables, *cell).small == small


@pytest.mark.parametrize(
    ("table", "line", "column"),
    [
        ("modality_use", 3, "events"),
        ("modality_use", 2, "n"),
        ("modality_use_modalities", 3, "events"),
        ("attendance", 2, "n"),
        ("attendance", 3, "events"),
    ],
)
def test_a_blank_cell_is_no_count_and_nothing_is_taken_for_granted_of_it(table, line, column):
    """The families of a quarter are at least its visits: those that are left of them need not be."""
    book = lay_out(change(WORLD, (table, line, column, "")))
    book.system.look_into([])
    assert book.system.contradictions == []
    broken, held = list_broken(book)
    assert broken == [] and held > 60


def test_modalities_without_their_families_bound_nothing():
    book = lay_out({"modality_use_modalities": WORLD["modality_use_modalities"]})
    assert not [row for row in book.system.rows if "modalit" in row.why]
