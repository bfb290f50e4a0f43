"""The tool that plants faults in a whole room: which tests it asks, what each verdict rests on, and the score."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
tool = importlib.import_module("plant_in_room")

PART = '''"""A module."""
from functools import cache

LEAST = 5

def is_few(n, least=LEAST):
    return n < LEAST

def add(n):
    return n + 1

@cache
def keep():
    return 3

def never():
    return 7
'''
TESTS = '''"""Tests of it."""
import pytest
from outcomes.cases.part import LEAST, add, is_few, keep

@pytest.fixture(scope="module")
def made():
    return add(1)

def test_first(made):
    pass

def test_second(made):
    assert made == 2

def test_few():
    assert [is_few(n) for n in (0, 1, 6)] == [True, True, False]
    assert keep() < 9

def test_kept():
    assert (add(0) > 0, keep()) == (True, 3)

def test_constant():
    assert is_few(LEAST - 1) and LEAST == 5
'''


def test_a_statement_is_known_by_its_lines_and_a_block_by_its_head():
    spans = set(tool.find_statements(ast.parse(PART)))
    assert spans == {(7, 7), (10, 10), (17, 17)}  # not (14, 14), which is kept
    split = "def f(a):\n    x = [\n        a,\n    ]\n    try:\n        x()\n    finally:\n        a()\n"
    assert set(tool.find_statements(ast.parse(split))) == {(2, 4), (5, 8), (6, 6), (8, 8)}


class Measured:
    """What a measuring run might have seen."""

    def __init__(self, lines):
        self.fixtures = {"a::1": ["f"], "a::2": ["f"], "b::1": []}
        self.seconds = {"a::1": 1.0, "a::2": 1.5, "b::1": 4.0, "f": 2.0}
        self.by_line = lambda module: lines if module == "cases/part.py" else {}


@pytest.fixture
def asked(checkout):
    lines = {4: {"a::2"}, 7: {"a::1", "b::1"}, 10: {"a::2"}, 14: {"a::1"}}
    return tool.Asked(checkout / "src" / "outcomes", Measured(lines))


def test_who_is_asked_about_a_line(asked):
    assert asked.tests("cases/part.py", 7) == ({"a::1", "b::1"}, {"a::2"})
    assert asked.tests("cases/part.py", 10) == ({"a::2"}, {"a::1"})  # of its file; b is another
    assert asked.tests("cases/part.py", 17) == (set(), set())
    for shared in (4, 6, 14):  # a constant, a default value, what is kept for the whole process
        assert asked.tests("cases/part.py", shared)[0] == {"a::1", "a::2", "b::1"}


def test_a_constant_is_asked_about_where_it_is_imported(asked):
    other = asked.package / "cases" / "other.py"
    other.write_text("from outcomes.cases.part import LEAST\n\n\ndef is_less(n: int) -> bool:\n    return n < LEAST\n")
    asked.reached.by_line = lambda module: {5: {"b::1"}} if module == "cases/other.py" else {10: {"a::2"}}
    assert asked.tests("cases/part.py", 4) == ({"a::2"}, {"b::1"})


def test_the_quickest_come_first_and_a_shared_fixture_costs_once(asked):
    assert asked.cost(["a::1", "a::2"]) == 4.5
    assert asked.order(["b::1", "a::2", "a::1"], 8.5) == ["b::1", "a::1", "a::2"]  # by file: 4 and 4.5 seconds
    assert asked.order(["b::1", "a::2", "a::1"], 8.4) == ["a::1", "a::2"]
    assert asked.order(["b::1", "a::2", "a::1"], 4.0) == ["a::1"]


def test_the_score_counts_what_is_not_reached_and_leaves_out_what_is_not_known():
    words = tool.sum_up(["caught"] * 17 + ["time out", "SURVIVED", "NOT REACHED", "not known"])
    share, _, counts = words.partition("; ")
    assert share == "18 of 20 noticed: 90 % (95 % interval 70 to 97 %)"  # Wilson
    assert counts == "1 by taking too long, 1 survived, 1 not reached; 1 not known"
    assert tool.sum_up(["not known"]).startswith("0 of 0 noticed;")


@pytest.fixture
def checkout(tmp_path):
    """A checkout of a room with one module, and a file of tests."""
    root = tmp_path / "checkout"
    (root / "src" / "outcomes" / "cases").mkdir(parents=True)
    (root / "tests" / "unit").mkdir(parents=True)
    settings = "[tool.pytest.ini_options]\npythonpath = ['src']\nmarkers = ['slow', 'browser']\n"
    (root / "pyproject.toml").write_text(settings)
    (root / "src" / "outcomes" / "__init__.py").touch()
    (root / "src" / "outcomes" / "cases" / "__init__.py").touch()
    (root / "src" / "outcomes" / "cases" / "part.py").write_text(PART)
    (root / "tests" / "unit" / "test_part.py").write_text(TESTS)
    return root


def plant(checkout, *more):
    """Run the tool on another checkout; return what it said, the verdict of each fault, and what it ended with."""
    code = "import sys, plant_in_room as tool; from pathlib import Path; tool.single.WARM = ('pytest', 'hypothesis')"
    code += "; sys.exit(tool.main(sys.argv[2:], Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(checkout), "cases", "--count", "99", *more]
    places = {"PYTHONPATH": str(ROOT / "tools"), "TMPDIR": str(checkout.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | places, check=False)
    told = done.stdout.splitlines()
    verdicts = (line.split("cases/part.py ") for line in told if "->" in line)
    return told, {fault: verdict.strip() for verdict, fault in verdicts}, done.returncode


def test_a_room_is_measured_once_and_every_fault_gets_its_verdict(checkout):
    part = checkout / "src" / "outcomes" / "cases" / "part.py"
    told, verdicts, code = plant(checkout)
    assert verdicts == {
        "line 4: 5  ->  6": "caught",
        "line 7: n < LEAST  ->  ((n) <= (LEAST))": "SURVIVED",
        "line 7: n < LEAST  ->  ((n) >= (LEAST))": "caught",
        "line 10: n + 1  ->  (n - 1)": "caught",
        "line 10: 1  ->  2": "caught",  # the fixture is made for the first test, and the second notices
        "line 14: 3  ->  4": "caught",  # kept by the first test that asks, and another notices
        "line 17: 7  ->  8": "NOT REACHED",
    }
    assert told[-1].startswith("5 of 7 noticed: 71 %") and code == 1
    assert part.read_text() == PART
    stamp = (checkout / "build" / "reached" / "tests.json").stat().st_mtime_ns
    assert plant(checkout, "--count", "1")[2] in (0, 1)
    assert (checkout / "build" / "reached" / "tests.json").stat().st_mtime_ns == stamp
    part.write_text(PART.replace("5", "6"))
    assert plant(checkout, "--count", "1")[2] in (0, 1)
    assert (checkout / "build" / "reached" / "tests.json").stat().st_mtime_ns != stamp


@pytest.mark.parametrize("ends", ["assert FIRST.pop()", "FIRST or os._exit(3)"])
def test_a_test_that_fails_without_the_fault_notices_nothing(checkout, ends):
    (checkout / "src" / "outcomes" / "cases" / "part.py").write_text("def add(n):\n    return n + 1\n")
    tests = "import os\nfrom outcomes.cases.part import add\nFIRST = []\n\ndef test_before():\n    FIRST.append(1)\n\n"
    tests += f"def test_after():\n    {ends}\n    assert add(0) == 1\n"
    (checkout / "tests" / "unit" / "test_part.py").write_text(tests)
    told, verdicts, _ = plant(checkout)
    assert set(verdicts.values()) == {"SURVIVED"} and len(verdicts) == 2
    assert told[-1].startswith("0 of 2 noticed")


def test_who_only_asks_what_would_be_planted_runs_nothing(checkout):
    told, _, code = plant(checkout, "--list")
    assert code == 0 and len(told) == 7 and all(line.startswith("cases/part.py line ") for line in told)
    assert not (checkout / "build").exists()
