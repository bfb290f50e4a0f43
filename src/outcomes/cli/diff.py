"""`outcomes diff`: which estimates moved between two releases, and through what."""

from __future__ import annotations

import argparse
from pathlib import Path

from outcomes.cli.shared import DONE, add_command

_DIFF_HELP = """Movements are split into data added, rows corrected, mapping, protocol, codebook, and code or
packages, by running again what lies between the two releases; the parts add up exactly. Inputs are found where they
lay, or below --inputs-a and --inputs-b, by their hash. What cannot be run again here is not attributed, and you are
told why.

examples:
  outcomes diff reports/2026Q1 reports/2026Q2               two quarters
  outcomes diff before/2026Q3 after/2026Q3 --csv moved.csv  one quarter under two protocols, in full as CSV
  outcomes diff a/2026Q3 b/2026Q3 --inputs-a archive/       where A's export has moved
  outcomes diff a/2026Q3 b/2026Q3 --no-rerun                only what moved, in a second

exit codes: 0 compared, moved or not · 2 one is no release, or not as published"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    diff = add_command(commands, "diff", "say which estimates moved between two releases, and through what", _DIFF_HELP)
    for name in ("a", "b"):
        diff.add_argument(name, type=Path, metavar=name.upper(), help="folder of a release")
    for name in ("a", "b"):
        words = f"export {name.upper()} was made from, or a folder to look for it in"
        diff.add_argument(f"--inputs-{name}", type=Path, nargs="+", default=[], metavar="PATH", help=words)
    diff.add_argument("--csv", type=Path, metavar="FILE", help="write every movement, in full")
    diff.add_argument("--all", action="store_true", help="put exercise and comparisons of treatments again (minutes)")
    diff.add_argument("--no-rerun", action="store_true", help="do not attribute: only say what moved")
    diff.add_argument("--quiet", action="store_true", help="no progress on the terminal")
    diff.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.release.diff import diff_releases
    from outcomes.release.diff_words import show_diff, write_csv
    from outcomes.release.progress import telling

    with telling(args.quiet) as tell:
        found = diff_releases(args.a, args.b, args.inputs_a, args.inputs_b, args.all, not args.no_rerun, tell)
    if args.csv:
        args.csv.write_text(write_csv(found), encoding="utf-8", newline="\n")
    print(show_diff(found))
    return DONE
