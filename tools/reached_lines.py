"""Which quick tests reach which line of the package: measured once under coverage, kept in build/ until a file changes.

What a fixture of more than one test does (scope "module", "session") counts for all tests that use the fixture, whoever
came first. Processes of their own (parsers, workers) are not seen.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

QUICK = ("-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-m", "not slow and not browser")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Watcher:
    """A plugin of pytest: tells coverage which test is running, and keeps what each took and which fixtures it used.

    Seconds are of the processor, its children's with them; those of a shared fixture are its own.
    """

    def __init__(self, coverage: Any) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}
        self.fixtures: dict[str, list[str]] = {}
        self.failed: set[str] = set()
        self.shared = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Give what happens from here on to this test."""
        definitions = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009 - what pytest itself goes by
        used = [definitions[name][-1] for name in getattr(item, "fixturenames", ()) if definitions.get(name)]
        self.fixtures[item.nodeid] = [_name(one) for one in used if one.scope != "function"]
        self.coverage.switch_context(item.nodeid)
        start, shared = _used(), self.shared
        try:
            return (yield)
        finally:
            self.coverage.switch_context("")
            self.seconds[item.nodeid] = max(0.0, _used() - start - (self.shared - shared))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Iterator[Any]:
        """Give what a shared fixture does to the fixture."""
        if fixturedef.scope == "function":
            return (yield)
        asking = getattr(request, "_pyfuncitem").nodeid  # noqa: B009 - `node` is the file, for a fixture of a file
        if _name(fixturedef) not in self.fixtures[asking]:  # asked for in the middle of a test
            self.fixtures[asking].append(_name(fixturedef))
        self.coverage.switch_context(_name(fixturedef))
        start = _used()
        try:
            return (yield)
        finally:
            self.coverage.switch_context(asking)
            self.seconds[_name(fixturedef)] = _used() - start
            self.shared += _used() - start

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note which test failed: it can tell nothing."""
        if report.failed:
            self.failed.add(report.nodeid)


def _used() -> float:
    return sum(os.times()[:4])


def _name(fixture: pytest.FixtureDef[Any]) -> str:
    return f"fixture {fixture.argname} of {fixture.baseid}"


def take_digest(root: Path) -> str:
    """Return what changes with every file of the package and of the tests."""
    found = hashlib.sha256()
    for path in sorted([*(root / "src").rglob("*"), *(root / "tests").rglob("*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


class Reached:
    """Which tests reach a line, and how long they take."""

    def __init__(self, folder: Path) -> None:
        said = json.loads((folder / "tests.json").read_text(encoding="utf-8"))
        self.digest: str = said["digest"]
        self.fixtures: dict[str, list[str]] = said["fixtures"]
        self.seconds: dict[str, float] = said["seconds"]
        self._users: dict[str, list[str]] = {}
        for test, fixtures in self.fixtures.items():
            for name in fixtures:
                self._users.setdefault(name, []).append(test)
        self._data = importlib.import_module("coverage").CoverageData(str(folder / "lines"))
        self._data.read()
        self._files = {Path(path).as_posix().rpartition("outcomes/")[2]: path for path in self._data.measured_files()}

    def by_line(self, module: str) -> dict[int, set[str]]:
        """Return line -> tests that reach it, of a module as it is called below the package."""
        contexts = self._data.contexts_by_lineno(self._files[module]) if module in self._files else {}
        return {
            line: {test for one in names for test in self._users.get(one, [one] if one in self.fixtures else [])}
            for line, names in contexts.items()
        }


def measure(root: Path, folder: Path, tests: Sequence[str]) -> int:
    """Run the tests in this process, keep in a folder what they reach, and return what pytest ended with."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tests.json", "lines"):
        (folder / name).unlink(missing_ok=True)
    digest = take_digest(root)
    coverage = importlib.import_module("coverage").Coverage(
        str(folder / "lines"), branch=False, config_file=False, source=[str(root / "src" / "outcomes")]
    )
    watcher = Watcher(coverage)
    coverage.start()
    code = int(pytest.main([*QUICK, "--rootdir", str(root), *tests], plugins=[watcher]))
    coverage.stop()
    coverage.save()
    passed = {test: used for test, used in watcher.fixtures.items() if test not in watcher.failed}
    said = {"digest": digest, "seconds": watcher.seconds, "fixtures": passed}
    if code in (0, 1):  # a test that failed can tell nothing, the others can
        (folder / "tests.json").write_text(json.dumps(said), encoding="utf-8")
    return code


def look_up(root: Path, tests: Sequence[str], folder: Path) -> Reached:
    """Return what was measured of a checkout as it is, or measure it now, in a process of its own."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    said = folder / "tests.json"
    if not said.is_file() or Reached(folder).digest != take_digest(root):
        done = subprocess.run([sys.executable, __file__, str(root), str(folder), *tests], cwd=root, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"the tests did not run ({done.returncode}), and nothing is known of what they reach")
    return Reached(folder)


if __name__ == "__main__":
    sys.exit(measure(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
