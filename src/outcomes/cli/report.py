"""`outcomes report`: the quarterly report, all of it or nothing."""

from __future__ import annotations

import argparse
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes.cli.shared import add_command, add_inputs, finish, read_cases, read_date, read_folder, say
from outcomes.errors import OutcomesError
from outcomes.files.lock import only_run

if TYPE_CHECKING:
    from outcomes.cases import Episodes
    from outcomes.records import Records

_SAMPLE = Path("data/sample")
_ASIDE = "rows-set-aside.csv"
_REPORT_HELP = """what is written, all of it or nothing:
  OUT/QUARTER/index.html, report.pdf  the report, on screen and on paper
  OUT/QUARTER/tables/, figures/       its numbers and pictures; tables/checklist.csv fills STROBE, RECORD and TARGET
  OUT/QUARTER/config/, manifest.json  definitions, mapping, and the hashes that `verify` and `diff` go by
  OUT/QUARTER-rows-set-aside.csv      for you only: every row that could not be used, and why
  OUT/QUARTER-inputs.json             for you only: where the inputs lay, for `diff`

for whom:
  --audience clinic  your own staff (default); marked "internal, not for publication", cells under 5 hidden
  --audience public  everybody: a small report of its own. It counts patients, shows none of 1 to 10, rounds everything
                     to 5, and is written only when what is hidden was shown to stay hidden, also from who knows your
                     earlier public reports, drafts too. Those are kept in OUT/.release-ledger.json, for you only: never
                     delete or pass it on. No notebooks, clinics, clinicians or dates; an export with full dates needs
                     [privacy] dates_allowed = ["clinic", "public"] in its mapping. It is a draft, in
                     OUT/draft/QUARTER-public/, until a named person signs it: `outcomes sign` moves it to
                     OUT/QUARTER-public/

examples:
  outcomes report                                         the sample of this checkout
  outcomes report visits.csv --as-of 2026-06-30           as it stood then: later visits are counted and not used
  outcomes report visits.csv --no-notebooks --out quick/  quick
  outcomes report visits.csv --audience public            for everybody

An export with headers of its own needs --mapping mapping.toml with each of these.

The same files, settings and packages give the same bytes, however the rows are ordered. Today's date is never read:
the report is as of the data cut, or of --as-of.

exit codes: 0 done · 1 done, rows were set aside · 2 refused, nothing written · 3 withheld: a public report could tell
too much about few patients, nothing written · 4 internal error"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    report = add_command(
        commands, "report", "make the quarterly report (page, PDF, tables, notebooks, manifest)", _REPORT_HELP
    )
    report.add_argument(
        "exports", nargs="*", type=Path, metavar="EXPORT", help="CSV, XLSX or Parquet; default: data/sample"
    )
    add_inputs(report)
    report.add_argument("--quarter", help="quarter to report on, e.g. 2026Q2; default: the newest that can be judged")
    report.add_argument(
        "--as-of",
        type=read_date,
        metavar="DATE",
        help="use no visit after this day, e.g. 2026-06-30; default: the data cut",
    )
    report.add_argument(
        "--out", type=read_folder, default=Path("reports"), help="folder for reports (default: reports/)"
    )
    report.add_argument(
        "--audience",
        choices=("clinic", "public"),
        default="clinic",
        help="who it is for: your own staff (default), or everybody (a small page of its own)",
    )
    report.add_argument("--no-notebooks", action="store_true", help="leave out the executed notebooks (faster)")
    report.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    if not args.exports:
        _use_sample(args)
    with only_run(args.out):
        return _run_alone(args)


def _run_alone(args: argparse.Namespace) -> int:
    from outcomes.cases.as_of import describe_as_of
    from outcomes.cases.export import fill_quarantine
    from outcomes.files.beside import find_beside
    from outcomes.questions.quarters import quarter_word, read_quarter
    from outcomes.release import publish_report
    from outcomes.release.diff_inputs import INPUTS, fill_inputs
    from outcomes.release.progress import telling
    from outcomes.release.staging import MANIFEST

    if args.quarter is not None:  # refused, where it is none, before files are read for minutes
        args.quarter = quarter_word(read_quarter(args.quarter))
    records, episodes = read_cases(args, for_release=True)
    say(f"as of {describe_as_of(episodes.visits, args.as_of)}")
    if args.audience == "public":
        return _run_public(args, records, episodes)
    notes: list[str] = []  # said once the line of progress is gone
    with telling(args.quiet) as tell:
        page = publish_report(
            records,
            episodes.visits,
            episodes,
            args.out,
            quarter=args.quarter,
            notebooks=not args.no_notebooks,
            progress=tell,
            sources={"mapping": args.mapping, "codebook": args.codebook},
            as_of_asked=args.as_of.isoformat() if args.as_of else "",
            beside={_ASIDE: partial(fill_quarantine, episodes), INPUTS: partial(fill_inputs, records, args.mapping)},
            warn=notes.append,
        )
    for note in notes:
        say(note)
    if aside := find_beside(page.parent, _ASIDE, MANIFEST):
        say(f"rows set aside, one by one: {aside}")
    return finish(episodes, page, records.mapping.acknowledge)


def _run_public(args: argparse.Namespace, records: Records, episodes: Episodes) -> int:
    from outcomes.release.progress import telling
    from outcomes.release.public.publish import publish_public

    notes: list[str] = []
    with telling(args.quiet) as tell:
        page = publish_public(records, episodes, args.out, args.quarter, tell, warn=notes.append)
    for note in notes:
        say(f"warning: {note}")
    code = finish(episodes, page, records.mapping.acknowledge)
    say(f'a draft, not to be passed on before it is signed: outcomes sign {shlex.quote(str(page.parent))} --by "Name"')
    return code


def _use_sample(args: argparse.Namespace) -> None:
    if not (_SAMPLE / "visits.csv").is_file():
        raise OutcomesError(
            "No EXPORT was named and there is no data/sample here. "
            "Name your export, or run this in a checkout of the project."
        )
    args.exports = [_SAMPLE / "visits.csv"]
    args.mapping = args.mapping or _SAMPLE / "mapping.toml"
    args.protocol = args.protocol or _SAMPLE / "protocol.toml"
