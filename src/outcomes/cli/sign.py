"""`outcomes sign`: a named person lets a public release go."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from outcomes.cli.shared import DONE, add_command, read_date
from outcomes.files.shown import visible

_SIGN_HELP = """A public report is written as a draft, OUT/draft/QUARTER-public/. Read its page, and
tables/public_gate.csv: what each table counts, how much of it is hidden and rounded, what was proved. Who signs answers
for passing it on. Before that the draft is looked at once more, and anything found keeps it where it is:

  every file      is it what was written (`outcomes verify`)?
  every number    can a hidden one be worked out (`outcomes audit`), together with the public releases in OUT?
  the gate report does it say what the tables say, under the rules of this version?
  the ledger      OUT/.release-ledger.json knows this draft

Then it stands in OUT/QUARTER-public/, whole or not at all, in place of an older one, with signature.json: the name, the
day if you give one, and the hash of the manifest. The name stands nowhere else. It is a name and no secret key.

examples:
  outcomes sign reports/draft/2026Q2-public --by "Jane Roe"
  outcomes sign reports/draft/2026Q2-public --by "Jane Roe, head of the practice" --on 2026-11-26

exit codes: 0 signed · 2 no draft, no name, or its place is not free · 3 something found, not signed"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    sign = add_command(commands, "sign", "check the draft of a public release, sign it and let it go", _SIGN_HELP)
    sign.add_argument("draft", type=Path, metavar="DRAFT", help="folder OUT/draft/QUARTER-public")
    sign.add_argument("--by", required=True, metavar="NAME", help="the person who answers for it")
    sign.add_argument("--on", type=read_date, metavar="DATE", help="the day, e.g. 2026-06-30; no clock is read")
    sign.add_argument("--quiet", action="store_true", help="no progress on the terminal")
    sign.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.release.progress import telling
    from outcomes.release.public.sign import sign_draft

    with telling(args.quiet) as tell:
        signed = sign_draft(args.draft, args.by, args.on.isoformat() if args.on else "", tell)
    print(visible(signed.table()))
    print(visible(str(signed.page if args.draft.is_absolute() else os.path.relpath(signed.page))))
    return DONE
