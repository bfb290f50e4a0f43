"""`outcomes verify`: whether a release is still what was published."""

from __future__ import annotations

import argparse
from pathlib import Path

from outcomes.cli.shared import DONE, REFUSED, add_command
from outcomes.files.shown import visible

_VERIFY_HELP = """Named is every file that was edited, is missing, is extra, or is mixed (belongs to another release of
the same folder), a manifest that was edited or contradicts itself, and a signature that does not fit the manifest. A
public release nobody signed is called a draft; outside a folder `draft` it must be signed. Where the export or the
mapping a release was made from has changed since, it is called stale: the report is as published, the records are not.

examples:
  outcomes verify reports/2026Q2          one release
  outcomes verify reports/*/              all of them, drafts too
  outcomes verify reports/2026Q2 --again  make it again, elsewhere, and compare every byte (as long as a report takes)

exit codes: 0 as published · 2 not as published, or no release, or made again it is another"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    verify = add_command(commands, "verify", "say whether releases are still what was published", _VERIFY_HELP)
    verify.add_argument("releases", nargs="+", type=Path, metavar="RELEASE", help="folder with a manifest.json")
    verify.add_argument("--again", action="store_true", help="make each again from its inputs, and compare the bytes")
    words = "with --again: the exports, or a folder to look for them in, where they have moved"
    verify.add_argument("--inputs", type=Path, nargs="+", default=[], metavar="PATH", help=words)
    verify.add_argument("--quiet", action="store_true", help="no progress on the terminal")
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.release.again import find_stale, make_again
    from outcomes.release.progress import telling
    from outcomes.release.signature import list_releases
    from outcomes.release.verify import verify_release

    found = [verify_release(folder) for folder in list_releases(args.releases)]
    several = len(found) > 1  # of two folders of one name only the path says which is meant
    for one in found:
        print(visible(one.table(str(one.folder) if several else "")))
        for words in find_stale(one.folder, one.manifest):
            print(visible(f"  stale     {words}; `outcomes report` again shows what that changes"))
    if not all(verification.is_whole for verification in found):
        return REFUSED
    same = True
    for one in found if args.again else ():
        with telling(args.quiet) as tell:
            again = make_again(one.folder, args.inputs, tell)
        print(visible(again.table()))
        same &= not again.differing
    return DONE if same else REFUSED
