"""The tool that plants faults: which it finds, that the checkout stays as it is, and what its verdicts rest on."""

from __future__ import annotations

import ast
import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
tool = importlib.import_module("plant_faults")

MODULE = '''"""Text of 7 words."""
from __future__ import annotations

LEAST: int = 5


def is_few(n: int, least: int = LEAST) -> bool:
    """Whether 1 <= n < 5."""
    if not n:
        return False
    if n < 0:
        raise ValueError(f"{n + 1} is below {0}")
    return 0 < n < least
'''
TESTS = """
from outcomes.part import is_few

def test_few():
    assert [is_few(n) for n in (0, 1, 4)] == [False, True, True]
"""


def test_each_kind_of_fault_is_found_and_texts_types_and_messages_are_left_alone():
    found = {(fault.line, fault.new) for fault in tool.find_faults(MODULE.encode())}
    assert found == {
        (4, "6"),
        (9, "(n)"),
        *((10, new) for new in ("return True", "True")),
        *((11, new) for new in ("((n) <= (0))", "((n) >= (0))", "1")),
        (12, "pass"),
        *((13, new) for new in ("return True", "return False", "1")),
        *((13, f"((0) {one} (n) {other} (least))") for one, other in (("<=", "<"), (">=", "<"), ("<", "<="))),
        (13, "((0) < (n) >= (least))"),
    }


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("a + b", "(a - b)"),
        ("a + f'{b}'", None),
        ("a or b", "(a and b)"),
        ("~a", "(a)"),
        ("f(x for x in y if x)", "(not (x))"),
        ("zip(a, b, strict=True)", "pass"),
        ("a[0] = b", "pass"),
    ],
)
def test_a_fault_reads_as_what_it_was_and_what_it_is(text, new):
    assert new in ({fault.new for fault in tool.find_faults(text.encode())} or {None})


def test_every_fault_of_the_package_is_a_module_still_and_another_one():
    source = (ROOT / "src" / "outcomes" / "release" / "table_disclosure.py").read_bytes()
    faults = tool.find_faults(source)
    assert len(faults) > 50
    for fault in faults[::4]:
        assert ast.dump(ast.parse(fault.plant(source))) != ast.dump(ast.parse(source))


def test_the_same_seed_chooses_the_same_faults_and_lines_narrow_them():
    faults = tool.find_faults(MODULE.encode())
    assert tool.choose(faults, 5, 1, "") == tool.choose(faults, 5, 1, "") != tool.choose(faults, 5, 2, "")
    assert {fault.line for fault in tool.choose(faults, 99, 1, "9-11")} == {9, 10, 11}
    assert {fault.line for fault in tool.choose(faults, 99, 1, "4")} == {4}


@pytest.fixture
def checkout(tmp_path):
    """A checkout of one module and one test."""
    root = tmp_path / "checkout"
    (root / "src" / "outcomes").mkdir(parents=True)
    settings = "[tool.pytest.ini_options]\npythonpath = ['src']\nmarkers = ['slow', 'browser']\n"
    (root / "pyproject.toml").write_text(settings)
    (root / "src" / "outcomes" / "__init__.py").touch()
    (root / "src" / "outcomes" / "part.py").write_text(MODULE)
    (root / "test_part.py").write_text(TESTS)
    return root


def start(checkout, *more):
    """Start the tool on another checkout."""
    code = "import sys, plant_faults as tool; from pathlib import Path; tool.WARM = ('pytest', 'hypothesis')"
    code += "; sys.exit(tool.main(sys.argv[2:], Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(checkout), "part.py", "test_part.py", *more]
    places = {"PYTHONPATH": str(ROOT / "tools"), "TMPDIR": str(checkout.parent)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | places)


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_fault_that_no_test_asks_about_survives_and_the_checkout_stays_as_it_is(checkout):
    before = files(checkout.parent)
    run = start(checkout, "--lines", "11", "--count", "99")
    told = run.communicate()[0].splitlines()
    assert told[1:] == [
        "SURVIVED  line 11: n < 0  ->  ((n) <= (0))",  # what is 0 has returned by then
        "caught    line 11: n < 0  ->  ((n) >= (0))",
        "SURVIVED  line 11: 0  ->  1",
        "1 of 3 noticed (0 by taking too long)",
    ]
    assert run.returncode == 1
    assert files(checkout.parent) == before


def test_where_the_tests_fail_as_they_are_nothing_is_claimed(checkout):
    (checkout / "test_part.py").write_text(TESTS + "    assert not is_few(4)\n")
    run = start(checkout)
    assert "nothing was planted" in run.communicate()[0]
    assert run.returncode == 2


def test_a_test_may_send_itself_a_stop_by_hand(checkout):
    stop = "\n    import os, signal, pytest\n    with pytest.raises(KeyboardInterrupt):\n"
    stop += "        os.kill(os.getpid(), signal.SIGINT)\n"
    (checkout / "test_part.py").write_text(TESTS + stop)
    run = start(checkout, "--lines", "11", "--count", "99")
    assert run.communicate()[0].splitlines()[-1] == "1 of 3 noticed (0 by taking too long)"


def test_who_stops_it_finds_no_copy_and_no_process_left(checkout):
    said = checkout / "running"
    say = f"open({str(said)!r}, 'w').write(str(os.getpid()))"
    (checkout / "test_part.py").write_text(f"import os, time\n{say}\ntime.sleep(600)\n")
    run = start(checkout)
    while not said.exists() or not said.read_text():
        assert run.poll() is None
        time.sleep(0.02)
    run.terminate()
    while run.poll() is None:
        run.terminate()  # as one who is in a hurry
        time.sleep(0.02)
    assert run.wait() == 128 + signal.SIGTERM
    assert [path.name for path in checkout.parent.iterdir()] == ["checkout"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(said.read_text()), 0)
