"""What the package imports is declared, or comes with what is declared; and what is declared stays few."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from outcomes.release.manifest import DEPENDENCIES

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MOST = 15
WITH = {
    "bleach": "nbconvert",
    "ipykernel": "jupyterlab",
    "jupyter-client": "nbclient",
    "markupsafe": "jinja2",
    "nbformat": "nbconvert",
    "pygments": "nbconvert",
    "traitlets": "nbconvert",
}
"""Imported to work with what a declared package hands out, and required by it: it is there in the version that fits."""
STARTED = {"jupyterlab"}
"""Not imported, but started as programs of their own."""


def canonical(requirement: str) -> str:
    """The name of a requirement, or of an import, as package indexes compare it; a line that is none raises."""
    return canonicalize_name(Requirement(requirement).name)


DECLARED = {canonical(line) for line in PYPROJECT["project"]["dependencies"]}


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level packages that a module imports when it runs, wherever in it that happens."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from imported(ast.Module(node.orelse, []))
        else:
            yield from imported(node)


def of_others() -> set[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "src").rglob("*.py"))
    found = {name for tree in trees for name in imported(tree)}
    return {canonical(name) for name in found - sys.stdlib_module_names - {"outcomes"}}


def test_imports_are_found_wherever_they_stand() -> None:
    text = (
        "import a.b, c as d\nfrom e.f import g\nfrom . import h\nif TYPE_CHECKING:\n    import i\nelse:\n    import j\n"
    )
    text += "def f():\n    with x:\n        from k import l\nif x:\n    import m\n"
    assert list(imported(ast.parse(text))) == ["a", "c", "e", "j", "k", "m"]


def test_every_package_that_is_imported_is_declared_or_comes_with_one() -> None:
    found = of_others()
    assert found - DECLARED == set(WITH)
    assert DECLARED - found == STARTED


@pytest.mark.parametrize("name", WITH)
def test_what_is_not_declared_is_required_by_what_is(name: str) -> None:
    required = requires(WITH[name]) or []
    assert WITH[name] in DECLARED
    assert name in {canonical(line) for line in required if "extra ==" not in line}


def test_direct_dependencies_are_few_and_the_manifest_names_their_versions() -> None:
    assert len(DECLARED) <= MOST
    assert {canonical(name) for name in DEPENDENCIES} == DECLARED
