"""Plant faults all over a room of the package, and see how many of them its quick tests notice.

  make faults-room ROOM=estimators                        40 faults, wherever in the room chance puts them
  make faults-room ROOM=public COUNT=60 SEED=2
  make faults-room ROOM=cases ARGS=--list                 what would be planted; nothing is run

The rooms, and the tests, are those of tools/coverage_gate.py; the faults are those of tools/plant_faults.py. They are
drawn from all places of the room alike, so a module gets as many as it has places. The same seed draws the same ones.

First all tests run once under coverage, to learn which of them reach which line (15 minutes; kept in build/ until a
file of src/ or tests/ changes). Then each fault runs, in a copy of the checkout, the tests that reach its statement,
the quickest files first, up to the first failure. If all pass, more follow as far as --seconds go: what a file makes
once counts for the test that asked first, so the tests of these files that reach the module at all. What is computed at
import or kept for the whole process (`@cache`) is tried by all tests that call a function of the module, then by those
of the modules that import it.

  caught        a test failed, and in a copy without the fault it passes
  time out      the tests took four times their processor seconds and 20 more
  SURVIVED      all that reach it passed
  NOT REACHED   there are none: nothing was run, and nothing was noticed
  not known     more of them reach it than fit into --seconds of processor, and those passed; left out of the score

The score is noticed / (noticed + survived + not reached), with its 95 % interval (Wilson). A survivor either changes
nothing that anybody could see, or shows which test is missing: look at each. What runs in processes of its own (the
parsers, left out by tools/coverage_gate.py too) is not planted. Ends with 0 if all was noticed, with 1 if not.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import random
import re
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import coverage_gate as gate
import plant_faults as single
import reached_lines
from plant_faults import CAUGHT, EMPTY, ENDED, SURVIVED, Fault

ROOT = Path(__file__).resolve().parent.parent
UNREACHED, UNKNOWN = "NOT REACHED", "not known"
_MEMORIES = ("cache", "lru_cache")
_HEADED = (ast.If, ast.For, ast.While, ast.With, ast.FunctionDef, ast.ClassDef)


# -- which tests are asked ---------------------------------------------------------------------------------------------


def find_statements(node: ast.AST, inside: bool = False) -> Iterator[tuple[int, int]]:
    """Return the first and last lines of what is computed whenever a function is called; of blocks, their head."""
    for child in ast.iter_child_nodes(node):
        if inside and isinstance(child, ast.stmt):
            last = child.body[0].lineno - 1 if isinstance(child, _HEADED) else (child.end_lineno or 0)
            yield child.lineno, max(child.lineno, last)
        told = " ".join(ast.unparse(one) for one in getattr(child, "decorator_list", ()))
        kept = any(re.search(rf"\b{name}\b", told) for name in _MEMORIES)
        yield from find_statements(child, (inside or isinstance(child, ast.FunctionDef)) and not kept)


class Asked:
    """Which tests are asked about a fault, from what a measuring run has seen."""

    def __init__(self, package: Path, reached: Any) -> None:
        self.package, self.reached = package, reached
        self._seen: dict[str, tuple[list[tuple[int, int]], dict[int, set[str]], set[str]]] = {}

    def see(self, module: str) -> tuple[list[tuple[int, int]], dict[int, set[str]], set[str]]:
        """Return a module's statements, the tests that reach each line, and those that call one of its functions."""
        if module not in self._seen:
            spans = list(find_statements(ast.parse((self.package / module).read_bytes())))
            lines = self.reached.by_line(module)
            calling = [lines.get(line, set()) for first, last in spans for line in range(first, last + 1)]
            self._seen[module] = spans, lines, set().union(*calling)
        return self._seen[module]

    def tests(self, module: str, line: int) -> tuple[set[str], set[str]]:
        """Return the tests that are asked about a line, and those that are asked if they all pass."""
        spans, lines, calling = self.see(module)
        around = [span for span in spans if span[0] <= line <= span[1]]
        if not around:
            return calling, set().union(*(self.see(other)[2] for other in self._importing(module))) - calling
        first, last = min(around, key=lambda span: span[1] - span[0])
        there = set().union(*(lines.get(one, set()) for one in range(first, last + 1)))
        files = {test.partition("::")[0] for test in there}
        return there, {test for test in calling if test.partition("::")[0] in files} - there

    def _importing(self, module: str) -> list[str]:
        dotted = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        room, _, name = f"outcomes.{dotted}".rpartition(".")
        asks = re.compile(
            rf"^\s*(from outcomes\.{dotted}\b|import outcomes\.{dotted}\b|from {room} import .*\b{name}\b)", re.M
        )
        files = (path for path in self.package.rglob("*.py") if asks.search(path.read_text(encoding="utf-8")))
        return [path.relative_to(self.package).as_posix() for path in files]

    def cost(self, tests: Iterable[str]) -> float:
        """Return the processor seconds of some tests, with what they share counted once."""
        named = list(tests)
        shared = {name for test in named for name in self.reached.fixtures[test]}
        return float(sum(self.reached.seconds.get(one, 0.0) for one in (*named, *shared)))

    def order(self, tests: Iterable[str], seconds: float) -> list[str]:
        """Return as many of the quickest tests as fit into some seconds, by file, the quickest file first."""
        kept: dict[str, list[str]] = {}
        left, shared = seconds, set[str]()
        for test in sorted(tests, key=lambda one: (self.cost([one]), one)):
            new = set(self.reached.fixtures[test]) - shared
            left -= sum(self.reached.seconds.get(one, 0.0) for one in (test, *new))
            if left < 0:
                break
            shared |= new
            kept.setdefault(test.partition("::")[0], []).append(test)
        return [test for file in sorted(kept, key=lambda file: (self.cost(kept[file]), file)) for test in kept[file]]


# -- what becomes of a fault -------------------------------------------------------------------------------------------


class Chosen:
    """A plugin of pytest: runs the named tests in the given order, and writes down each before it runs.

    The last one is the one that failed, or in which the whole process died.
    """

    def __init__(self, tests: Sequence[str], told: Path) -> None:
        self.place, self.told = {test: number for number, test in enumerate(tests)}, told

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the chosen tests."""
        items[:] = sorted((i for i in items if i.nodeid in self.place), key=lambda i: self.place[i.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Write down the test that begins."""
        self.told.write_text(nodeid, encoding="utf-8")


class RoomBench(single.Bench):
    """A copy of the checkout for faults in any module, each with tests of its own."""

    def __init__(self, root: Path, folder: Path, asked: Asked) -> None:
        super().__init__(root, folder, "__init__.py", [])
        self.quiet, self.asked, self.told = self.arguments, asked, folder / "told"
        self.sound: set[str] = set()
        self.unsound: set[str] = set()

    def try_fault(self, module: str, fault: Fault, seconds: float) -> str:
        """Return what became of a fault, with so many processor seconds for its tests."""
        first, then = self.asked.tests(module, fault.line)
        if not first:
            return UNREACHED
        for tests in (first, then):
            while chosen := self.asked.order(tests - self.unsound, seconds):
                verdict = self._run(module, fault, chosen)
                failed = self.told.read_text(encoding="utf-8") if self.told.exists() else ""
                if verdict != CAUGHT or not failed or self._is_sound(module, failed, chosen):
                    break
                self.unsound.add(failed)
            if chosen and verdict not in (SURVIVED, EMPTY):
                return verdict
            if tests is first and len(chosen) < len(first - self.unsound):
                return UNKNOWN
            seconds -= self.asked.cost(chosen)
        return SURVIVED

    def _run(self, module: str, fault: Fault | None, tests: Sequence[str]) -> str:
        self.module = self.copy / "src" / "outcomes" / module
        source = self.module.read_bytes()
        self.told.unlink(missing_ok=True)
        self.arguments = [*self.quiet, *dict.fromkeys(test.partition("::")[0] for test in tests)]
        self.plugins = [Chosen(tests, self.told)]
        try:
            return self.run(fault.plant(source) if fault else source, 20 + 4 * self.asked.cost(tests))[0]
        finally:
            self.module.write_bytes(source)

    def _is_sound(self, module: str, failed: str, tests: Sequence[str]) -> bool:
        """Whether a test passes where nothing was planted, after those of its file that ran before it."""
        if failed not in self.sound:
            before = tests[: tests.index(failed) + 1]
            same = [test for test in before if test.partition("::")[0] == failed.partition("::")[0]]
            if self._run(module, None, same) == SURVIVED:
                self.sound.add(failed)
        return failed in self.sound


def list_faults(package: Path, room: gate.Room) -> list[tuple[str, Fault]]:
    """Return all faults that can be planted in a room, with their modules."""
    files = sorted(path.relative_to(package).as_posix() for path in package.rglob("*.py"))
    return [
        (file, fault)
        for file in files
        if gate.is_of(file, room.files) and not gate.is_of(file, (*gate.LEFT_OUT, *room.but))
        for fault in single.find_faults((package / file).read_bytes())
    ]


def sum_up(verdicts: Sequence[str]) -> str:
    """Return the score in words."""
    noticed = verdicts.count(CAUGHT) + verdicts.count(ENDED)
    known = len(verdicts) - verdicts.count(UNKNOWN)
    text = f"{noticed} of {known} noticed"
    if known:
        share, z2 = noticed / known, 1.959964**2
        half = (z2 * (share * (1 - share) / known + z2 / known**2 / 4)) ** 0.5
        low, high = ((share + z2 / known / 2 + side * half) / (1 + z2 / known) for side in (-1, 1))
        text += f": {100 * share:.0f} % (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    counts = [
        f"{verdicts.count(one)} {words}" for one, words in ((ENDED, "by taking too long"), (SURVIVED, "survived"))
    ]
    return f"{text}; {', '.join(counts)}, {verdicts.count(UNREACHED)} not reached; {verdicts.count(UNKNOWN)} not known"


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Plant faults as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("room", choices=gate.ROOMS)
    parser.add_argument("--count", type=int, default=40, help="how many are planted (40)")
    parser.add_argument("--seed", type=int, default=1, help="which are drawn (1)")
    parser.add_argument("--seconds", type=float, default=150.0, help="most processor seconds of tests a fault (150)")
    parser.add_argument("--list", action="store_true", help="say what would be planted, and run nothing")
    given = parser.parse_args(arguments)
    package, folder = root / "src" / "outcomes", root / "build" / "reached"
    faults = list_faults(package, gate.ROOMS[given.room])
    drawn = random.Random(given.seed).sample(faults, min(given.count, len(faults)))  # noqa: S311 - no secret
    if given.list:
        print("\n".join(f"{module} {fault}" for module, fault in sorted(drawn, key=lambda one: (one[0], one[1].start))))
        return 0
    print(f"{len(drawn)} of {len(faults)} faults that can be planted in {given.room}, seed {given.seed}", flush=True)
    asked = Asked(package, reached_lines.look_up(root, gate.list_tests(root), folder))
    for name in single.WARM:
        importlib.import_module(name)
    for number in single.STOPS:
        signal.signal(number, single.leave)
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        bench = RoomBench(root, Path(place).resolve(), asked)
        try:
            for module, fault in drawn:
                verdicts.append(bench.try_fault(module, fault, given.seconds))
                print(f"{verdicts[-1]:12} {module} {fault}", flush=True)
        finally:
            bench.stop()
    print(sum_up(verdicts))
    return int(SURVIVED in verdicts or UNREACHED in verdicts)


if __name__ == "__main__":
    sys.exit(main())
