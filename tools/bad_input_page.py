"""Write docs/bad_input.md from the catalogue of bad inputs: `python tools/bad_input_page.py`."""

from __future__ import annotations

import importlib
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_FAULTS = ROOT / "tests" / "faults"
_OUTCOMES = {
    "REFUSE": "nothing is written; exit code 2",
    "ASK": "nothing is written until one line in the mapping decides; exit code 2",
    "WITHHOLD": "nothing is written, for it would tell too much about few patients; exit code 3",
    "QUAR": "the row is set aside and listed in `quarantine.csv`; exit code 1",
    "MERGE": "kept once, and said",
    "FIX": "read as it was meant, without loss, and said",
    "MASK": "made coarser before anything else",
    "WARN": "read, and said",
    "KEEP": "read as it is",
}
_HEAD = """# Bad input: what happens, and what to do

Every line below is a file that `tests/system/test_bad_input.py` makes and gives to the command, in each format named,
on every run of the tests. Codes never change their meaning. A message names the file, the sheet, the row as the editor
or Excel counts it, the column with its letter, the rule and the remedy; it never shows a patient's value, only its
shape (letters as x, digits as 9). All faults of a file are found in one pass; the terminal says how many rows went
under which rule, and `quarantine.csv` lists every one. Made by `python tools/bad_input_page.py`.

Whatever is read is counted: lines of the file = header + blank + not data + records + set aside + merged, for each
file. An unequal sum ends the run.

"""
_READERS = """
## How a file is opened

The first bytes decide what a file is, and its name must not say otherwise. Nothing is unpacked to disk, no macro, link
or formula is followed, and a pickle is never opened.

- **Excel (.xlsx)** is parsed in a child process: 2 GiB of memory, 2 minutes of the processor, 3 by the clock. Before it
  is parsed: 500 MB unpacked, 100 to 1, 2,000 parts and 20 million cells at most, no entities in any part.
- **Parquet** is parsed in a child process with the same limits. By its footer alone: 50 million rows, 5,000 columns and
  500 million cells read at most, no objects of a program in any column.
- **CSV** is parsed in the process, 4 MB at a time, 1 MB a line at most: nothing in a text file is packed or nested, so
  it cannot ask for more memory than it is long.

A child that dies, whatever of, is a refusal in words (E108). On Linux it is forked from the running process, which
costs no more than reading there; elsewhere, or where several threads run, it is a new interpreter (half a second).
"""


def load_chapters() -> list[tuple[str, tuple[Any, ...]]]:
    """Return the title and the entries of every chapter, in the order of the catalogue."""
    sys.path.insert(0, str(ROOT / "tests"))
    chapters = []
    for path in sorted(_FAULTS.glob("*.py")):
        module = importlib.import_module(f"faults.{path.stem}")
        if hasattr(module, "FAULTS"):
            title = (module.__doc__ or path.stem).split(":")[0].split(", entries")[0].strip()
            chapters.append((title, tuple(module.FAULTS)))
    return sorted(chapters, key=lambda chapter: min(fault.number for fault in chapter[1]))


def page() -> str:
    """The whole page."""
    chapters = load_chapters()
    faults = [fault for _, entries in chapters for fault in entries]
    used = Counter(fault.outcome for fault in faults)
    words = "\n".join(f"| {name} | {_OUTCOMES[name]} | {used[name]} |" for name in _OUTCOMES if used[name])
    text = _HEAD + "| outcome | what it means | entries |\n|---|---|---:|\n" + words + "\n" + _READERS
    for title, entries in chapters:
        rows = [
            f"| {fault.number} | {_cell(fault.title)} | {', '.join(fault.formats)} | {fault.outcome} | "
            f"{', '.join(code for code in fault.codes if len(code) > _PREFIX)} | {_cell(fault.remedy)} |"
            for fault in sorted(entries, key=lambda fault: fault.number)
        ]
        head = "| | what is wrong | formats | outcome | code | what to do |\n|---:|---|---|---|---|---|\n"
        text += f"\n## {title}\n\n{head}" + "\n".join(rows) + "\n"
    return text


_PREFIX = len("E2")


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


if __name__ == "__main__":
    (ROOT / "docs" / "bad_input.md").write_text(page(), encoding="utf-8")
