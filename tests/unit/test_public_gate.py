"""The gate report of a public release: worked by hand, and nothing in it that the published files do not tell."""

from __future__ import annotations

import json

import numpy as np
import pytest

from outcomes.release.audit import audit_releases
from outcomes.release.manifest import FORMAT
from outcomes.release.public.frames import to_frames
from outcomes.release.public.gate import COLUMNS, GATE, build_gate, read_gate
from outcomes.release.public.model import HIDDEN_CELL, RULES, Cohort, ShownCurve, ShownTable
from outcomes.release.public.publish import list_handled
from outcomes.release.tables import to_csv

PATIENTS = Cohort("patients", "patients", "d")


def table(name, rows, shown, row_totals, column_totals, total, base=5):
    columns = ("relief", "no_relief", "unknown")
    return ShownTable(name, PATIENTS, rows, columns, np.array(shown), row_totals, column_totals, base, (), total)


def texts_of(tables, curves=()):
    return {name: to_csv(frame) for name, frame in to_frames(tables, curves).items()}


STATE = table("state", ("all",), [[70, 45, 25]], (140,), (70, 45, 25), 140)
SEX = table(
    "sex", ("female", "male"), [[60, 10, HIDDEN_CELL], [0, 40, HIDDEN_CELL]], (80, 60), (70, 45, 25), 140, base=10
)
POINTS = np.array([28, 56])
CURVE = ShownCurve(
    "relief", "all", PATIENTS, POINTS, np.array([80, 40]), np.array([50, 15]),
    np.array([30, 60]), np.array([20, 50]), np.array([40, 70]), 5,
)  # fmt: skip


def gate_of(tables, curves=()):
    texts = texts_of(tables, curves)
    return build_gate(texts, list_handled(tables, curves), RULES).set_index("table")


def test_each_table_is_told_with_what_it_counts_and_how_it_was_protected():
    gate = gate_of([STATE, SEX], [CURVE])
    assert (gate["unit"] == "distinct patients").all() and (gate["audit"] == "passed").all()
    told = ["patients", "least_patients", "rounded_to", "numbers", "published", "hidden", "rounded"]
    assert gate.loc["state", told].tolist() == ["140", 25, 5, 4, 4, 0, 4]
    # Two rows of three, a total of each, and the three columns and all together: 12 numbers; a 0 is exact.
    # The least that is printed is 10, which stands for 11 patients and more.
    assert gate.loc["sex", told].tolist() == ["140", 11, 10, 12, 10, 2, 9]
    assert gate.loc["relief_curve", told].tolist() == ["140", 15, 5, 4, 4, 0, 4]
    assert gate.loc["total", told].tolist() == ["140", 11, 10, 20, 18, 2, 17]
    assert gate.loc["sex", "values_left"] == 5 and gate.loc["state", "values_left"] is None
    assert gate.loc["relief_curve", "grid_days"] == 7 and gate.loc["sex", "grid_days"] is None


def test_the_audit_counts_what_the_gate_report_counts(tmp_path):
    """A table of one row, whose totals stand once, one with a hidden total, and a curve."""
    one = table("state", ("all",), [[70, HIDDEN_CELL, 25]], (140,), (70, HIDDEN_CELL, 25), 140)
    two = table(
        "sex", ("female", "male"), [[60, HIDDEN_CELL, 25], [HIDDEN_CELL, 40, 20]], (80, HIDDEN_CELL), (70, 45, 25), 140
    )
    tables, curves = [one, two], [CURVE]
    handled = list_handled(tables, curves)
    folder = tmp_path / "2026Q2-public"
    (folder / "tables").mkdir(parents=True)
    for name, text in texts_of(tables, curves).items():
        (folder / "tables" / f"{name}.csv").write_text(text)
    manifest = {"manifest_format": FORMAT, "quarter": "2026Q2", "audience": "public", "outputs": {"a": "b"}}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"tables": handled}))
    total = gate_of(tables, curves).loc["total"]
    done = audit_releases([folder])[0]
    assert (done.n_counts, done.n_hidden) == (total["numbers"], total["hidden"]) == (20, 4)
    assert sum(how.get("hidden", 0) for how in handled.values()) == total["hidden"]


def test_days_read_from_a_curve_count_nobody_and_stand_on_the_floor():
    times = gate_of([STATE], [CURVE]).loc["relief_times"]
    assert (times["numbers"], times["least_patients"], times["rounded_to"], times["grid_days"]) == (0, 11, None, 7)


def test_what_is_hidden_of_all_is_hidden_here_too():
    hidden = table("state", ("all",), [[70, HIDDEN_CELL, HIDDEN_CELL]], (HIDDEN_CELL,), (70, -1, -1), HIDDEN_CELL)
    assert set(gate_of([hidden])["patients"]) == {"<11"}


def test_a_gate_report_is_made_again_of_the_files_with_itself_among_them():
    texts = texts_of([STATE, SEX], [CURVE])
    made = list_handled([STATE, SEX], [CURVE])
    first = to_csv(build_gate(texts, made, RULES))
    assert to_csv(build_gate(texts | {GATE: first}, made, RULES)) == first
    assert first.splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize("texts", [{"public_x": "a,b\n1,2\n"}, {"public_sex": "table,cohort\n"}])
def test_what_is_no_table_of_a_public_release_is_refused(texts):
    with pytest.raises((LookupError, ValueError)):
        build_gate(texts, {}, RULES)


def test_on_the_terminal_it_is_one_line_a_table_and_what_was_proved():
    lines = read_gate(to_csv(build_gate(texts_of([STATE, SEX]), list_handled([STATE, SEX], ()), RULES))).lines()
    assert [line.split() for line in lines[1:4]] == [
        ["sex", "140", "12", "2", "10"],
        ["state", "140", "4", "0", "5"],
        ["total", "140", "16", "2", "10"],
    ]
    assert lines[-1] == "  proof  each hidden number keeps 5 possible values or more; nothing on 1 to 10 patients"
