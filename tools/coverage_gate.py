"""How far the quick tests reach into four rooms; ends with 1 where one is reached less far than its floor.

What is measured: tests that import from a room, lines and branches, in one process. Children that are started and tests
marked slow or that open a browser do not count. `estimators/npmle_steps.py` is left out: compiled code is not seen.
A floor is what was measured, rounded down to a tenth of a percent; raise it with the tests that reach further.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = "estimators/npmle_steps.py"
_HELPERS = ("guarded_sums", "hide_more", "marks", "row_numbers", "split_counts", "trigger_cells")
_IMPORTS = re.compile(
    r"outcomes\.(estimators|cases|release\.public|release\.\w*disclosure)|from outcomes import .*cases|"
    r"guarded_sums|hide_more|split_counts|trigger_cells"
)


@dataclass(frozen=True, slots=True)
class Room:
    """Files of a room, as patterns below the package, and its floors in percent."""

    files: tuple[str, ...]
    lines: float
    branches: float


ROOMS = {
    "estimators": Room(("estimators/*",), 99.8, 99.5),
    "cases": Room(("cases/*",), 98.6, 94.1),
    "disclosure": Room(("release/*disclosure.py", *(f"release/{name}.py" for name in _HELPERS)), 98.5, 95.4),
    "public": Room(("release/public/*",), 98.6, 94.6),
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
    for path, said in files.items():
        inside = Path(path).as_posix().rpartition("outcomes/")[2]
        if inside != LEFT_OUT and any(_is_in(inside, pattern) for pattern in room.files):
            found = [n + int(said["summary"][name]) for n, name in zip(found, names, strict=True)]
    return found[0], found[1], found[2], found[3]


def _is_in(inside: str, pattern: str) -> bool:
    """Whether a file is of a pattern; `release/*disclosure.py` does not reach into `release/public/`."""
    return fnmatch(inside, pattern) and ("/public/" in pattern or "/public/" not in inside)


def find_below(files: Mapping[str, Any], rooms: Mapping[str, Room] = ROOMS) -> tuple[list[str], list[str]]:
    """Return a line for each room, and a sentence for each floor that is not reached."""
    lines, below = [], []
    for name, room in rooms.items():
        statements, reached, branches, taken = count_room(room, files)
        if not statements:
            below.append(f"{name}: none of its files was measured")
            continue
        lines.append(f"{name:12} {reached:5,} of {statements:5,} lines, {taken:5,} of {branches:5,} branches")
        for what, part, whole, floor in (
            ("lines", reached, statements, room.lines),
            ("branches", taken, branches, room.branches),
        ):
            if 100 * part < floor * whole:
                below.append(f"{name}: {100 * part / whole:.2f} % of {what}, and {floor} % is the floor")
    return lines, below


def list_tests() -> list[str]:
    """Return the files of tests that import from a room."""
    files = sorted([*(ROOT / "tests" / "unit").glob("test_*.py"), *(ROOT / "tests" / "spec").glob("test_*.py")])
    return [str(path.relative_to(ROOT)) for path in files if _IMPORTS.search(path.read_text(encoding="utf-8"))]


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
