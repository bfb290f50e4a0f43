"""The catalogue of bad inputs: every entry, in every format it names, through the command a user runs."""

from __future__ import annotations

import importlib
import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from faults.catalogue import EXIT_CODES, Fault, check_fault, run_fault
from outcomes.cli.shared import REFUSED

HERE = Path(__file__).resolve().parents[1] / "faults"


def load_chapters() -> dict[str, tuple[Fault, ...]]:
    """Chapter -> its entries: every module beside the catalogue that lists some."""
    modules = {path.stem: importlib.import_module(f"faults.{path.stem}") for path in sorted(HERE.glob("*.py"))}
    return {name: module.FAULTS for name, module in modules.items() if hasattr(module, "FAULTS")}


LAST_OF_FILES, FIRST_OF_CELLS, LAST_OF_CELLS = 54, 55, 94
CHAPTERS = load_chapters()
CASES = [
    pytest.param(
        fault,
        kind,
        id=f"{fault.number:03d}-{fault.name}-{kind}",
        # What stands in a cell is judged after reading: one format in the normal run, the others in the slow one.
        marks=[pytest.mark.slow]
        if FIRST_OF_CELLS <= fault.number <= LAST_OF_CELLS and kind != fault.formats[0]
        else [],
    )
    for faults in CHAPTERS.values()
    for fault in faults
    for kind in fault.formats
]


@pytest.mark.parametrize(("fault", "kind"), CASES)
def test_entry(fault: Fault, kind: str, tmp_path: Path) -> None:
    given, run = run_fault(fault, kind, tmp_path)
    check_fault(fault, given, run)
    if run.exit_code == REFUSED and fault.number <= LAST_OF_FILES:
        assert any(path.name in run.said for path in given.files), f"no file was named:\n{run.said}"


def test_every_entry_is_there_once() -> None:
    faults = [fault for chapter in CHAPTERS.values() for fault in chapter]
    twice = [name for name, n in Counter((fault.number, fault.name) for fault in faults).items() if n > 1]
    assert not twice
    assert all(fault.outcome in EXIT_CODES and fault.formats and fault.title for fault in faults)
    missing = set(range(1, 111)) - {fault.number for fault in faults}
    assert not missing, f"entries without a fixture: {sorted(missing)}"


def test_the_page_is_as_the_tool_writes_it(repository: Path) -> None:
    spec = importlib.util.spec_from_file_location("bad_input_page", repository / "tools" / "bad_input_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (repository / "docs" / "bad_input.md").read_text(encoding="utf-8") == module.page()
