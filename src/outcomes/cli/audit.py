"""`outcomes audit`: what a reader could work out of finished releases."""

from __future__ import annotations

import argparse
from pathlib import Path

from outcomes.cli.shared import DONE, WITHHELD, add_command, say

_AUDIT_HELP = """Plays a reader who has the files of a release, knows all rules and wants to know about few patients:

  hidden counts   every table is one system of sums; is a count that is hidden ("<5", "hidden") still one of several?
  printed counts  does a count of few patients stand in a table, a sentence or a picture as a number?
  identifiers     e-mail addresses, phone and record numbers in any byte (PDF and pictures unpacked)

Nothing is changed and nothing leaves this machine. Public releases named together are attacked together: the earlier
ones first show what the later ones add, and the draft of a quarter after what is published of it. Not tried: curves
worked back into single events, and what a reader knows from elsewhere. No finding is no promise.

what to do about a finding: do not pass the release on, and make it again with this version; if it is found again, ask
for it to be mended and name file, line and column (no finding holds a patient's value).

examples:
  outcomes audit reports/2026Q2                                 one release
  outcomes audit reports/*/ --csv found.csv                     all of them, each finding in a table
  outcomes audit reports/2026Q1-public reports/2026Q2-public    a public release and the one before it

exit codes: 0 nothing found · 3 something found · 2 no release, or its tables cannot be read"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    audit = add_command(commands, "audit", "say what a reader could work out of finished releases", _AUDIT_HELP)
    audit.add_argument("releases", nargs="+", type=Path, metavar="DIR", help="folder with a manifest.json")
    audit.add_argument("--csv", type=Path, metavar="FILE", help="write every finding to this file, one line each")
    audit.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.release.audit import audit_releases, write_csv
    from outcomes.release.signature import list_releases

    audits = audit_releases(list_releases(args.releases))
    print("\n\n".join(audit.table() for audit in audits))
    if args.csv:
        write_csv(audits, args.csv)
        say(f"findings, one by one: {args.csv}")
    return WITHHELD if any(audit.found for audit in audits) else DONE
