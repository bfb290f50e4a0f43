"""The checkout itself: locks, notebooks, version, and the targets and links its pages name."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import outcomes

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")
# An environment of its own, because its packages refuse the pandas the others hold.
PEERS_LOCK = "requirements-peers.lock"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").rglob("*.md")])
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(name: str) -> dict[str, list[str]]:
    """Requirement line -> its hashes; every line of the lock must be one of the three kinds known here."""
    pinned: dict[str, list[str]] = {}
    requirement = ""
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        text = line.strip().removesuffix("\\").strip()
        if text.startswith("--hash="):
            pinned[requirement].append(text.removeprefix("--hash="))
        elif text and not text.startswith("#"):
            assert re.match(r"^[A-Za-z0-9._-]+==[^\s;]+( ; .+)?$", text), f"{name}: not a pinned package: {text}"
            requirement = text
            pinned[requirement] = []
    return pinned


def versions(lock: dict[str, list[str]]) -> set[str]:
    return {line.split(" ; ")[0] for line in lock}


def names(lock: dict[str, list[str]]) -> set[str]:
    return {canonical(line.split("==")[0]) for line in lock}


def group(name: str) -> Iterator[str]:
    for entry in PYPROJECT["dependency-groups"][name]:
        if isinstance(entry, dict):
            yield from group(entry["include-group"])
        else:
            yield entry


def code_cells(notebook: Path) -> list[dict[str, object]]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("name", [*LOCKS, PEERS_LOCK])
def test_the_same_numbers_are_computed_by_every_python(name: str) -> None:
    """Another NumPy draws other patients, so that intervals would depend on the version of Python."""
    for package in ("numpy", "scipy", "pandas", "statsmodels"):
        lines = [Requirement(line) for line in read_lock(name) if canonical(line.split("==")[0]) == package]
        for python in ("3.11", "3.12", "3.13"):
            here = {"python_version": python, "python_full_version": f"{python}.0"}
            taken = {str(line.specifier) for line in lines if line.marker is None or line.marker.evaluate(here)}
            assert taken == {str(lines[0].specifier)}, (package, python)


@pytest.mark.parametrize("name", [*LOCKS, PEERS_LOCK])
def test_every_locked_package_has_a_hash(name: str) -> None:
    lock = read_lock(name)
    assert len(lock) > 40
    unhashed = [line for line, found in lock.items() if not found]
    assert unhashed == []
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for found in lock.values() for value in found)


@pytest.mark.parametrize("name", [*LOCKS, PEERS_LOCK])
def test_no_lock_names_an_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)\b", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "groups"),
    [("requirements.lock", ["build"]), ("requirements-dev.lock", ["dev"]), ("requirements-bench.lock", ["bench"])],
)
def test_each_lock_holds_what_the_project_asks_for(name: str, groups: list[str]) -> None:
    asked = [*PYPROJECT["project"]["dependencies"], *(entry for one in groups for entry in group(one))]
    wanted = {canonical(re.match(r"[A-Za-z0-9._-]+", line)[0]) for line in asked}  # type: ignore[index]
    assert wanted - names(read_lock(name)) == set()


@pytest.mark.parametrize("name", LOCKS[1:])
def test_tests_and_benchmarks_run_on_what_users_run_on(name: str) -> None:
    assert versions(read_lock("requirements.lock")) - versions(read_lock(name)) == set()


def test_peers_are_locked_and_compute_with_what_users_compute_with() -> None:
    peers, users = read_lock(PEERS_LOCK), read_lock("requirements.lock")
    wanted = {canonical(re.match(r"[A-Za-z0-9._-]+", line)[0]) for line in group("peers")}  # type: ignore[index]
    assert wanted - names(peers) == set()
    shared = {line for line in users if line.startswith(("numpy==", "scipy==", "statsmodels=="))}
    assert len(shared) >= 3
    assert shared - set(peers) == set()


def test_one_version() -> None:
    assert PYPROJECT["project"]["version"] == outcomes.__version__
    assert f"## {outcomes.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_notebooks_are_found() -> None:
    assert NOTEBOOKS, "no notebook in notebooks/: every check below would pass without having looked"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_is_committed_without_results(notebook: Path) -> None:
    for number, cell in enumerate(code_cells(notebook), start=1):
        assert cell["outputs"] == [], f"code cell {number} holds results"
        assert cell["execution_count"] is None, f"code cell {number} holds a count"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_defines_nothing(notebook: Path) -> None:
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for number, cell in enumerate(code_cells(notebook), start=1):
        tree = ast.parse("".join(cell["source"]))  # type: ignore[arg-type]
        found = [type(node).__name__ for node in ast.walk(tree) if isinstance(node, defined)]
        assert found == [], f"code cell {number}: what it defines belongs in the package"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_name_only_targets_that_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL))
    assert set(re.findall(r"\bmake ([a-z-]+)", code)) - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    inside = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_every_result_of_a_question_has_its_help_under_a_public_name():
    for name in outcomes.questions.__all__:
        found = getattr(outcomes.questions, name)
        if isinstance(found, type):
            assert getattr(outcomes, name) is found and name in outcomes.__all__ and "Attributes" in found.__doc__


def test_no_lock_takes_what_was_uploaded_within_a_week(tmp_path):
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "lock.sh", tmp_path / "tools")
    uv = tmp_path / "build" / "lock" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    # It notes how it was called, and writes the lock it was asked for.
    uv.write_text(
        '#!/bin/sh\nprintf "%s|" "$@" >>asked.txt; echo >>asked.txt\n'
        'while [ "$1" != --output-file ]; do shift; done\nprintf "numpy==1 \\\\\\nscipy==1\\nstatsmodels==1\\n" >"$2"\n'
    )
    uv.chmod(0o755)
    subprocess.run(["sh", "tools/lock.sh", "--upgrade"], cwd=tmp_path, check=True, capture_output=True)
    asked = (tmp_path / "asked.txt").read_text().splitlines()
    assert len(asked) == len([*LOCKS, PEERS_LOCK])
    assert all("|--exclude-newer|7 days|" in line and "|--upgrade|" in line for line in asked)
