"""How far the quick tests reach into each room; ends with 1 where one is reached less far than its floor.

What is measured: lines and branches, in one process, by all tests of `tests/unit` and `tests/spec`, and by those of
`tests/system` that call the readers and swap folders themselves. Tests marked slow or that open a browser do not count.
Left out is what runs where nothing is seen: compiled code, and what only processes of their own do (parsers of
workbooks and Parquet, the server of notebooks' kernels, the interpreter started anew that sets the pages on paper);
their tests are there, and planted faults reach them.
A floor is what was measured, rounded down to a tenth of a percent; raise it with the tests that reach further. Where
one is not reached, the lines and branches that no test took are listed, a file a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (
    *("estimators/npmle_start.py", "estimators/npmle_steps.py", "estimators/npmle_without.py"),
    *("release/kernel_server.py", "release/set_pages.py"),
    *("records/*_child.py", "records/child.py", "records/workbook_container.py", "records/workbook_scan.py"),
)
SYSTEM = ("test_bad_input.py", "test_crash_points.py", "test_two_runs.py")
_HELPERS = ("guarded_sums", "hide_more", "marks", "row_numbers", "split_counts", "trigger_cells")
_DISCLOSURE = ("release/*disclosure.py", *(f"release/{name}.py" for name in _HELPERS))


@dataclass(frozen=True, slots=True)
class Room:
    """Files of a room, as patterns below the package, its floors in percent, and files that are another room's."""

    files: tuple[str, ...]
    lines: float
    branches: float
    but: tuple[str, ...] = ()


ROOMS = {
    "reading": Room(("records/*", "ledger.py"), 100.0, 100.0),
    "cases": Room(("cases/*",), 100.0, 100.0),
    "estimators": Room(("estimators/*",), 100.0, 100.0),
    "questions": Room(("questions/*",), 100.0, 100.0),
    "files": Room(("files/*",), 100.0, 100.0),
    "disclosure": Room(_DISCLOSURE, 100.0, 100.0),
    "public": Room(("release/public/*",), 100.0, 100.0),
    "release": Room(("release/*",), 100.0, 100.0, but=_DISCLOSURE),
}


def count_room(room: Room, files: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Return the statements, those reached, the branches and those reached in a room.

    Parameters
    ----------
    room : Room
    files : Mapping
        Path -> what `coverage json` says of it.
    """
    found = [0, 0, 0, 0]
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
    for said in find_files(room, files).values():
        found = [n + int(said["summary"][name]) for n, name in zip(found, names, strict=True)]
    return found[0], found[1], found[2], found[3]


def find_files(room: Room, files: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was measured of the files of a room, by their path below the package."""
    inside = {Path(path).as_posix().rpartition("outcomes/")[2]: said for path, said in files.items()}
    return {
        path: said
        for path, said in inside.items()
        if is_of(path, room.files) and not is_of(path, (*LEFT_OUT, *room.but))
    }


def list_missed(room: Room, files: Mapping[str, Any]) -> list[str]:
    """Return a line for each file of a room with lines, or branches between reached lines, that no test took."""
    listed = []
    for path, said in find_files(room, files).items():
        lines = said["missing_lines"]
        branches = [pair for pair in said["missing_branches"] if not {abs(line) for line in pair} & set(lines)]
        places = [*map(str, lines), *(f"{a} -> {'end' if b < 0 else b}" for a, b in branches)]
        if places:
            listed.append(f"  {path}: {', '.join(places)}")
    return listed


def is_of(inside: str, patterns: Sequence[str]) -> bool:
    """Whether a file is of one of some patterns; `release/*` does not reach into `release/public/`."""
    return any(fnmatch(inside, pattern) and ("/public/" in pattern or "/public/" not in inside) for pattern in patterns)


def find_below(files: Mapping[str, Any], rooms: Mapping[str, Room] = ROOMS) -> tuple[list[str], list[str]]:
    """Return a line for each room, and a sentence for each floor that is not reached."""
    lines, below = [], []
    for name, room in rooms.items():
        statements, reached, branches, taken = count_room(room, files)
        if not statements:
            below.append(f"{name}: none of its files was measured")
            continue
        n_before = len(below)
        lines.append(f"{name:12} {reached:5,} of {statements:5,} lines, {taken:5,} of {branches:5,} branches")
        for what, part, whole, floor in (
            ("lines", reached, statements, room.lines),
            ("branches", taken, branches, room.branches),
        ):
            if 100 * part < floor * whole:
                below.append(f"{name}: {100 * part / whole:.2f} % of {what}, and {floor} % is the floor")
        if len(below) > n_before:
            below += list_missed(room, files)
    return lines, below


def list_tests(root: Path = ROOT) -> list[str]:
    """Return the files of tests that are run."""
    tests = root / "tests"
    files = [*(tests / "unit").glob("test_*.py"), *(tests / "spec").glob("test_*.py")]
    system = [tests / "system" / name for name in SYSTEM if (tests / "system" / name).exists()]
    return sorted(str(path.relative_to(root)) for path in [*files, *system])


def main() -> int:
    """Run the tests under `coverage`, print what was reached, and return 1 if a test failed or a floor was not."""
    with tempfile.TemporaryDirectory() as folder:
        data, report = Path(folder) / "data", Path(folder) / "report.json"
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment = os.environ | threads | {"COVERAGE_FILE": str(data)}
        coverage = [sys.executable, "-m", "coverage"]
        quick = ["-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-m", "not slow and not browser"]
        tests = subprocess.run([*coverage, "run", *quick, *list_tests()], cwd=ROOT, env=environment, check=False)
        subprocess.run([*coverage, "json", "-q", "-o", str(report)], cwd=ROOT, env=environment, check=True)
        lines, below = find_below(json.loads(report.read_text(encoding="utf-8"))["files"])
    print("\n".join([*lines, *below, *(["tests failed (above)"] if tests.returncode else [])]))
    return int(bool(below or tests.returncode))


if __name__ == "__main__":
    sys.exit(main())
