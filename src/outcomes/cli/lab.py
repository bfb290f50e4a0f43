"""`outcomes lab`: the notebooks, in a working copy."""

from __future__ import annotations

import argparse
from pathlib import Path

from outcomes.cli.shared import DONE, add_command, say

_LAB_HELP = """Run it again after an update of the package: notebooks you did not change are updated, those you changed
are left, and their new version is put beside as NAME.new.ipynb. Nothing of yours is ever overwritten.

examples:
  outcomes lab                            a working copy in ./lab
  outcomes lab ~/study --no-open          somewhere else, and without a browser: the address is printed
  outcomes lab --copy-only                only bring the copy up to date

exit codes: 0 done · 2 refused, nothing of yours was changed · with JupyterLab its own"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    lab = add_command(commands, "lab", "open JupyterLab on a working copy of the notebooks", _LAB_HELP)
    lab.add_argument("folder", nargs="?", type=Path, default=Path("lab"), metavar="DIR", help="default: ./lab")
    lab.add_argument("--no-open", action="store_true", help="do not open a browser")
    lab.add_argument("--copy-only", action="store_true", help="bring the copy up to date and start nothing")
    lab.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.release.lab import UNCHANGED, copy_notebooks, open_lab

    for copied in copy_notebooks(args.folder):
        if copied.what != UNCHANGED:
            say(f"{copied.name}: {copied.what}")
    print(args.folder)
    return DONE if args.copy_only else open_lab(args.folder, browser=not args.no_open)
