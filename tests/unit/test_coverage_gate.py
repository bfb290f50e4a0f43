"""The gate on how far tests reach: it counts each room by itself, and says which floor was not reached."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
gate = importlib.import_module("coverage_gate")


def measured(statements, reached, branches=10, taken=10, missing=(), untaken=()):
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
    summary = dict(zip(names, (statements, reached, branches, taken), strict=True))
    return {"summary": summary, "missing_lines": list(missing), "missing_branches": list(untaken)}


FILES = {
    "src/outcomes/estimators/cox/fit.py": measured(100, 90),
    "src/outcomes/estimators/npmle_steps.py": measured(900, 0),
    "src/outcomes/release/use_disclosure.py": measured(40, 40),
    "src/outcomes/release/public/attack.py": measured(60, 60, 20, 11),
    "src/outcomes/release/public/disclosure.py": measured(7, 7, 0, 0),
    "src/outcomes/release/verify.py": measured(30, 29),
    "src/outcomes/release/kernel_server.py": measured(70, 0),
    "src/outcomes/records/csv.py": measured(50, 50),
    "src/outcomes/records/workbook_child.py": measured(80, 9),
}


def rooms(**floors):
    return {name: gate.Room(gate.ROOMS[name].files, *of) for name, of in floors.items()}


def test_what_a_floor_asks_is_enough_and_a_tenth_more_is_not():
    lines, below = gate.find_below(FILES, rooms(estimators=(90.0, 100.0), public=(100.0, 55.0)))
    assert below == [] and len(lines) == 2
    below = gate.find_below(FILES, rooms(estimators=(90.1, 100.0), public=(100.0, 55.1)))[1]
    assert [line.split(",")[0] for line in below if "floor" in line] == [
        "estimators: 90.00 % of lines",
        "public: 55.00 % of branches",
    ]


def test_where_a_floor_is_not_reached_what_no_test_took_is_named():
    files = {
        "src/outcomes/cases/lag.py": measured(30, 28, 8, 6, missing=[12, 13], untaken=[[11, 12], [20, -18], [20, 22]]),
        "src/outcomes/cases/gap.py": measured(30, 30),
    }
    below = gate.find_below(files, rooms(cases=(100.0, 50.0)))[1]
    assert below == [
        "cases: 96.67 % of lines, and 100.0 % is the floor",
        "  cases/lag.py: 12, 13, 20 -> end, 20 -> 22",
    ]
    assert gate.find_below(files, rooms(cases=(90.0, 50.0)))[1] == []


def test_a_room_none_of_whose_files_was_measured_does_not_pass():
    assert gate.find_below(FILES, rooms(cases=(0.0, 0.0)))[1] == ["cases: none of its files was measured"]


def test_each_file_is_counted_in_one_room_and_what_is_not_seen_in_none():
    counts = {name: gate.count_room(room, FILES)[0] for name, room in gate.ROOMS.items()}
    assert {name: n for name, n in counts.items() if n} == {
        "reading": 50, "estimators": 100, "disclosure": 40, "public": 67, "release": 30,
    }  # fmt: skip


def test_every_floor_asks_for_something_and_no_file_that_is_left_out_is_gone():
    assert all(90 < room.branches <= room.lines <= 100 or room.lines == 100 for room in gate.ROOMS.values())
    package = ROOT / "src" / "outcomes"
    assert all(list(package.glob(pattern)) for pattern in gate.LEFT_OUT)


def test_the_tests_of_every_room_are_run():
    found = gate.list_tests()
    assert {"tests/unit/test_cox.py", "tests/spec/test_episodes.py", "tests/system/test_two_runs.py"} <= set(found)
    assert "tests/system/test_payloads.py" not in found
    assert all((ROOT / name).is_file() for name in found)
