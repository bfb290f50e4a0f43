"""`outcomes selftest`: the statistical and row-conservation proofs, repeated where the package is used."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes.cli.shared import DONE, REFUSED, add_command, say

if TYPE_CHECKING:
    from outcomes.selftest.chapters import Chapter
    from outcomes.selftest.checks import Check

# The chapters' names, written here because importing that room costs more than printing the help.
_CHAPTERS = ("hand", "r", "coverage", "rows", "release")
_HELP = """chapters:
  hand      cases worked on paper, and what must not matter (order of rows, doubled rows)
  r         answers of R 4 on public data that come with the package, to the promised digits
  coverage  how often 95 % intervals hold the truth of made-up patients
  rows      every line of a made-up, dirty export is used, merged, set aside or no record
  release   a small release is made in a temporary folder, verified, spoilt, and attacked

Nothing is read but what comes with the package, nothing is written but FILE, nothing is asked of the network. All of it
takes one to five minutes. A longer list of promises with the test of each: docs/validation.md.

examples:
  outcomes selftest                    all chapters
  outcomes selftest --only r rows      two of them
  outcomes selftest --csv proofs.csv   each promise with what was measured, for the files of the practice

exit codes: 0 every promise held · 2 one did not"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    selftest = add_command(commands, "selftest", "repeat the proofs of the package on this machine", _HELP)
    selftest.add_argument("--only", nargs="+", choices=_CHAPTERS, default=[], metavar="CHAPTER", help="default: all")
    selftest.add_argument("--csv", type=Path, metavar="FILE", help="write each promise and what was measured")
    selftest.add_argument("--quiet", action="store_true", help="only what did not hold, and the last line")
    selftest.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.selftest.chapters import run_chapters

    found: list[tuple[Chapter, list[Check]]] = []
    for chapter, checks in run_chapters(
        args.only, (lambda _: None) if args.quiet else lambda words: say(f"{words} ...")
    ):
        found.append((chapter, checks))
        for check in checks:
            if not (args.quiet and check.held):
                print(f"{'held  ' if check.held else 'FAILED'}  {check.promise}: {check.measured} ({check.bound})")
    if args.csv:
        _write_csv(args.csv, found)
    held = [check.held for _, checks in found for check in checks]
    print(f"{sum(held)} of {len(held)} promises held")
    return DONE if held and all(held) else REFUSED


def _write_csv(path: Path, found: list[tuple[Chapter, list[Check]]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("chapter", "promise", "measured", "bound", "held"))
        for chapter, checks in found:
            writer.writerows(
                (chapter.name, check.promise, check.measured, check.bound, "yes" if check.held else "no")
                for check in checks
            )
