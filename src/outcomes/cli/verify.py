"""`outcomes verify`: whether a release is still what was published."""

from __future__ import annotations

import argparse
from pathlib import Path

from outcomes.cli.shared import DONE, REFUSED, add_command
from outcomes.files.shown import visible

_VERIFY_HELP = """Named is every file that was edited, is missing, is extra, or is mixed (belongs to another release of
the same folder), a manifest that was edited or contradicts itself, and a signature that does not fit the manifest. A
public release nobody signed is called a draft; outside a folder `draft` it must be signed.

examples:
  outcomes verify reports/2026Q3          one release
  outcomes verify reports/*/              all of them, drafts too

exit codes: 0 as published · 2 not as published, or no release"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    verify = add_command(commands, "verify", "say whether releases are still what was published", _VERIFY_HELP)
    verify.add_argument("releases", nargs="+", type=Path, metavar="RELEASE", help="folder with a manifest.json")
    verify.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.release.signature import list_releases
    from outcomes.release.verify import verify_release

    found = [verify_release(folder) for folder in list_releases(args.releases)]
    several = len(found) > 1  # of two folders of one name only the path says which is meant
    print(visible("\n".join(one.table(str(one.folder) if several else "") for one in found)))
    return DONE if all(verification.is_whole for verification in found) else REFUSED
