"""Imports point one way, and a module fits in the head; test_no_code_from_text.py looks at what is called."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "outcomes"
MODULES = sorted(PACKAGE.rglob("*.py"))

BASE = {"errors", "ledger", "arrow", "files"}
# room -> the rooms it may import. A new room is added here, with its reason in docs/decisions/.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "ledger": {"errors"},
    "arrow": {"errors"},
    "files": {"errors", "arrow"},
    "definitions": BASE,
    "records": BASE | {"definitions"},
    "cases": BASE | {"definitions", "records"},
    "estimators": {"errors"},
    "questions": BASE | {"definitions", "records", "cases", "estimators", "simulate"},
    "release": BASE | {"definitions", "records", "cases", "questions"},
    "simulate": BASE | {"definitions", "cases"},
    "selftest": BASE | {"definitions", "records", "cases", "estimators", "release", "simulate"},
    "cli": BASE | {"definitions", "records", "cases", "questions", "release", "simulate", "selftest"},
    # The package's front door and its `python -m` door name what others made.
    "__init__": BASE | {"definitions", "records", "cases", "estimators", "questions", "release"},
    "__main__": {"cli"},
}
# Of these rooms only one module may be seen from there.
NARROW = {
    ("simulate", "cases"): "outcomes.cases.schema",
    ("questions", "simulate"): "outcomes.simulate.returns_after_exercise",
}

MAX_LINES = 400


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_names(module: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name of ours that a module imports, at any depth of its code, as a full dotted name."""
    package = ("outcomes", *module.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name.split(".")[0] == "outcomes")
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            if source.split(".")[0] == "outcomes":
                yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)


def find_wrong_arrows(module: Path, source: str) -> list[str]:
    room, wrong = room_of(module), []
    if room not in ALLOWED:
        return [f"{module.name}: the room '{room}' has no line in ALLOWED"]
    for line, name in imported_names(module, ast.parse(source)):
        parts = name.split(".")
        target = parts[1] if len(parts) > 1 else "__init__"
        if target == "__version__" or target == room:
            continue
        narrow = NARROW.get((room, target))
        if target not in ALLOWED[room] or (narrow and not f"{name}.".startswith(f"{narrow}.")):
            wrong.append(f"{module.relative_to(PACKAGE)}:{line} imports {name}: '{room}' may not see it")
    return wrong


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 5


# All modules in one test, which names each that is at fault: a test for each takes longer to be told than to be run.
def test_arrows_point_one_way() -> None:
    assert [fault for module in MODULES for fault in find_wrong_arrows(module, module.read_text("utf-8"))] == []


def test_a_module_fits_in_the_head() -> None:
    lines = {str(module.relative_to(PACKAGE)): len(module.read_text("utf-8").splitlines()) for module in MODULES}
    too_long = {name: n for name, n in lines.items() if n > MAX_LINES}
    assert not too_long, f"split by what they are about: {too_long}"


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("cases/visits.py", "from outcomes.questions import relief"),
        ("cases/visits.py", "from ..release.page import build"),
        ("errors.py", "import outcomes.ledger"),
        ("estimators/npmle.py", "from outcomes import cases"),
        ("release/page.py", "def f():\n    from outcomes.estimators import curves"),
        ("simulate/course.py", "from outcomes.cases.visits import build_visits"),
        ("definitions/protocol.py", "import outcomes"),
    ],
)
def test_an_arrow_that_runs_back_is_found(room: str, line: str) -> None:
    assert find_wrong_arrows(PACKAGE / room, line)


def test_the_command_line_starts_without_the_heavy_packages() -> None:
    heavy = {"pandas", "scipy", "statsmodels", "matplotlib", "jupyterlab", "nbclient", "typst"}
    program = "import sys, outcomes.cli; print(' '.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert heavy.isdisjoint(done.stdout.split())


def test_an_export_is_cleaned_without_the_heavy_packages(tmp_path: Path) -> None:
    """pandas takes longer to import than 100,000 records take to clean; `pyarrow` imports it for a plain array."""
    program = (
        "import sys; from outcomes import cli\n"
        "sample = ['data/sample/visits.csv', '--mapping', 'data/sample/mapping.toml']\n"
        f"assert cli.main(['clean', *sample, '--out', {str(tmp_path / 'out')!r}]) == 1\n"
        "print('loaded', *{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60, cwd=PACKAGE.parents[1]
    )
    loaded = done.stdout.splitlines()[-1].split()
    assert loaded[0] == "loaded" and "pyarrow" in loaded
    assert {"pandas", "scipy", "statsmodels", "matplotlib"}.isdisjoint(loaded)
