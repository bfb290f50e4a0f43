"""The command line: `outcomes report`, `verify`, `diff`, `lab`, `clean`, `simulate`.

Exit codes: 0 done; 1 done, rows were set aside; 2 refused, nothing written (`verify`: not as published); 4 internal
error.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes import __version__
from outcomes.errors import InputRefused, OutcomesError

if TYPE_CHECKING:
    from outcomes.cases import Episodes
    from outcomes.records import Records

DONE, ROWS_SET_ASIDE, REFUSED, INTERNAL = 0, 1, 2, 4
# The threads of a matrix product decide the order of its sums, and so its last digit: one, on every machine.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_SAMPLE = Path("data/sample")
# The names the export knows, written here because importing that room costs more than printing the help.
_TABLES = ("visits", "episodes", "relief", "quarantine", "ledger", "unknown_terms")
_FORMATS = ("both", "parquet", "csv")
_EXAMPLES = """examples:
  outcomes report                                    report on the synthetic sample of this checkout (data/sample)
  outcomes report visits.csv --mapping mapping.toml  report on your own export
  outcomes report q2.csv q3.csv --quarter 2026Q3     several files, one quarter
  outcomes verify reports/2026Q3                     is the release still what was published?
  outcomes diff old/2026Q2 reports/2026Q3            which estimates moved, and through what
  outcomes lab                                       the notebooks, in a working copy of your own
  outcomes clean visits.csv --out cleaned/           visits, episodes, quarantine and ledger as tables
  outcomes simulate --patients 500 --seed 1 --out simulated/

exit codes: 0 done · 1 done, rows were set aside · 2 refused, nothing written · 4 internal error"""
_REPORT_HELP = """what is written, all of it or nothing:
  OUT/QUARTER/index.html, report.pdf  the report, on screen and on paper
  OUT/QUARTER/tables/, figures/       its numbers and pictures; tables/checklist.csv fills STROBE, RECORD and TARGET
  OUT/QUARTER/config/, manifest.json  definitions, mapping, and the hashes that `verify` and `diff` go by
  OUT/QUARTER-rows-set-aside.csv      for you only: every row that could not be used, and why
  OUT/QUARTER-inputs.json             for you only: where the inputs lay, for `diff`

examples:
  outcomes report                                         the sample of this checkout
  outcomes report visits.csv --as-of 2026-06-30           as it stood then: later visits are counted and not used
  outcomes report visits.csv --no-notebooks --out draft/  quick

The same files, settings and packages give the same bytes, however the rows are ordered (those of one patient and day
keep their order). Today's date is never read: the report is as of the data cut, or of --as-of."""
_VERIFY_HELP = """Named is every file that was edited, is missing, is extra, or is mixed (belongs to another release of
the same folder), and a manifest that was edited or contradicts itself.

examples:
  outcomes verify reports/2026Q3          one release
  outcomes verify reports/*/              all of them

exit codes: 0 as published · 2 not as published, or no release"""
_DIFF_HELP = """Movements are split into data added, rows corrected, protocol, codebook, and code or packages, by
running again what lies between the two releases; the parts add up exactly. Inputs are found where they lay, or below
--inputs-a and --inputs-b, by their hash. What cannot be run again here is not attributed, and you are told why.

examples:
  outcomes diff reports/2026Q2 reports/2026Q3               two quarters
  outcomes diff before/2026Q3 after/2026Q3 --csv moved.csv  one quarter under two protocols, in full as CSV
  outcomes diff a/2026Q3 b/2026Q3 --inputs-a archive/       where A's export has moved
  outcomes diff a/2026Q3 b/2026Q3 --no-rerun                only what moved, in a second"""
_LAB_HELP = """Run it again after an update of the package: notebooks you did not change are updated, those you changed
are left, and their new version is put beside as NAME.new.ipynb. Nothing of yours is ever overwritten.

examples:
  outcomes lab                            a working copy in ./lab
  outcomes lab ~/study --no-open          somewhere else, and without a browser: the address is printed
  outcomes lab --copy-only                only bring the copy up to date"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="outcomes",
        description="Clean visit records of back-spasm cases and report time to relief, return and treatment mix.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"outcomes {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_add_report, _add_verify, _add_diff, _add_lab, _add_clean, _add_simulate):
        add(commands)
    return parser


def _add_inputs(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--mapping", type=Path, help="which column is which, date order, scales (TOML); see docs/mapping.toml"
    )
    command.add_argument(
        "--protocol", type=Path, help="definitions other than the defaults (TOML); see docs/protocol.toml"
    )
    command.add_argument("--codebook", type=Path, help="folder with your own vocabulary tables (CSV)")
    command.add_argument("--quiet", action="store_true", help="no progress on the terminal")


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    report = _add_command(
        commands, "report", "make the quarterly report (page, PDF, tables, notebooks, manifest)", _REPORT_HELP
    )
    report.add_argument(
        "exports", nargs="*", type=Path, metavar="EXPORT", help="CSV, XLSX or Parquet; default: data/sample"
    )
    _add_inputs(report)
    report.add_argument("--quarter", help="quarter to report on, e.g. 2026Q2; default: the newest that can be judged")
    report.add_argument(
        "--as-of",
        type=_date,
        metavar="DATE",
        help="use no visit after this day, e.g. 2026-06-30; default: the data cut",
    )
    report.add_argument("--out", type=Path, default=Path("reports"), help="folder for reports (default: reports/)")
    report.add_argument("--no-notebooks", action="store_true", help="leave out the executed notebooks (faster)")
    report.set_defaults(run=_report)


def _add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, words: str, more: str
) -> argparse.ArgumentParser:
    raw, sentence = argparse.RawDescriptionHelpFormatter, f"{words[0].upper()}{words[1:]}."
    return commands.add_parser(name, help=words, description=sentence, epilog=more, formatter_class=raw)


def _add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verify = _add_command(commands, "verify", "say whether releases are still what was published", _VERIFY_HELP)
    verify.add_argument("releases", nargs="+", type=Path, metavar="RELEASE", help="folder with a manifest.json")
    verify.set_defaults(run=_verify)


def _add_diff(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    diff = _add_command(
        commands, "diff", "say which estimates moved between two releases, and through what", _DIFF_HELP
    )
    for name in ("a", "b"):
        diff.add_argument(name, type=Path, metavar=name.upper(), help="folder of a release")
    for name in ("a", "b"):
        words = f"export {name.upper()} was made from, or a folder to look for it in"
        diff.add_argument(f"--inputs-{name}", type=Path, nargs="+", default=[], metavar="PATH", help=words)
    diff.add_argument("--csv", type=Path, metavar="FILE", help="write every movement, in full")
    diff.add_argument("--all", action="store_true", help="put exercise and comparisons of treatments again (minutes)")
    diff.add_argument("--no-rerun", action="store_true", help="do not attribute: only say what moved")
    diff.add_argument("--quiet", action="store_true", help="no progress on the terminal")
    diff.set_defaults(run=_diff)


def _add_lab(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    lab = _add_command(commands, "lab", "open JupyterLab on a working copy of the notebooks", _LAB_HELP)
    lab.add_argument("folder", nargs="?", type=Path, default=Path("lab"), metavar="DIR", help="default: ./lab")
    lab.add_argument("--no-open", action="store_true", help="do not open a browser")
    lab.add_argument("--copy-only", action="store_true", help="bring the copy up to date and start nothing")
    lab.set_defaults(run=_lab)


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a date as 2026-06-30") from None


def _add_clean(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    clean = commands.add_parser("clean", help="clean an export into visits, episodes, quarantine and ledger")
    clean.add_argument("exports", nargs="+", type=Path, metavar="EXPORT", help="CSV, XLSX or Parquet")
    _add_inputs(clean)
    clean.add_argument(
        "--out", type=Path, required=True, help="folder to write; it must not exist or be an earlier result"
    )
    clean.add_argument("--format", choices=_FORMATS, default="both", help="default: both")
    clean.add_argument("--tables", default=",".join(_TABLES), help="comma-separated; default: %(default)s")
    clean.set_defaults(run=_clean)


def _add_simulate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    simulate = commands.add_parser("simulate", help="write synthetic records whose truth is known")
    simulate.add_argument("--patients", type=_at_least_one, required=True, help="number of patients")
    simulate.add_argument("--seed", type=int, required=True, help="same seed, same bytes")
    simulate.add_argument("--profile", choices=("chiro", "physio"), default="chiro")
    simulate.add_argument("--clean", action="store_true", help="canonical headers and no dirt")
    simulate.add_argument("--out", type=Path, required=True, help="folder to write")
    simulate.set_defaults(run=_simulate)


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a whole number from 1 on")
    return number


# -- commands ------------------------------------------------------------------------------------------------------


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _read(args: argparse.Namespace) -> tuple[Records, Episodes]:
    """Read, clean and group: what `report` and `clean` share."""
    from outcomes.cases import build_episodes, build_visits
    from outcomes.cases.as_of import cut_visits
    from outcomes.cases.remarks import list_main_reasons
    from outcomes.definitions import Codebook, Protocol
    from outcomes.records import read_records
    from outcomes.records.remarks import list_remarks

    protocol = Protocol.load(args.protocol) if args.protocol else Protocol()
    codebook = Codebook.load(args.codebook)
    tell = (lambda _: None) if args.quiet else _say
    tell(f"reading {', '.join(path.name for path in args.exports)} ...")
    records = read_records(args.exports, args.mapping)
    for note in list_remarks(records):
        tell(note)
    tell(f"checking {records.n:,} records ...")
    visits = build_visits(records, protocol, codebook)
    if not visits.n:
        raise InputRefused("No record of this export is a visit that can be used.", list_main_reasons(visits, most=5))
    if as_of := getattr(args, "as_of", None):
        visits = cut_visits(visits, as_of)
    episodes = build_episodes(visits)
    tell(f"{visits.n:,} visits in {episodes.n:,} episodes of care")
    return records, episodes


def _clean(args: argparse.Namespace) -> int:
    from outcomes.cases.export import export_cases

    episodes = _read(args)[1]  # the records are let go: writing needs the memory
    export_cases(episodes, args.out, args.tables.split(","), args.format)
    return _finish(episodes, args.out)


def _report(args: argparse.Namespace) -> int:
    if not args.exports:
        _use_sample(args)
    from outcomes.cases.as_of import describe_as_of
    from outcomes.cases.remarks import write_rows_set_aside
    from outcomes.release import publish_report
    from outcomes.release.diff_inputs import remember_inputs
    from outcomes.release.progress import telling

    records, episodes = _read(args)
    _say(f"as of {describe_as_of(episodes.visits, args.as_of)}")
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
        )
    remember_inputs(records, args.mapping, page.parent)
    if aside := write_rows_set_aside(episodes, page.parent):
        _say(f"rows set aside, one by one: {aside}")
    return _finish(episodes, page)


def _use_sample(args: argparse.Namespace) -> None:
    if not (_SAMPLE / "visits.csv").is_file():
        raise OutcomesError(
            "No EXPORT was named and there is no data/sample here. "
            "Name your export, or run this in a checkout of the project."
        )
    args.exports = [_SAMPLE / "visits.csv"]
    args.mapping = args.mapping or _SAMPLE / "mapping.toml"
    args.protocol = args.protocol or _SAMPLE / "protocol.toml"


def _finish(episodes: Episodes, result: Path) -> int:
    """Account for the rows, name what to open, and turn 'rows were set aside' into the exit code."""
    from outcomes.cases.remarks import list_main_reasons

    visits = episodes.visits
    n_aside = sum(step.n_set_aside for step in visits.ledger.steps if step.unit in ("rows", "records"))
    if n_aside:
        _say(f"rows set aside: {n_aside:,} ({visits.quarantine.num_rows:,} findings), most often")
        for finding in list_main_reasons(visits):
            _say(f"  {finding}")
    if visits.unknown_terms:
        _say(f"terms that are not in the codebook: {len(visits.unknown_terms):,}; their visits are kept")
    print(result)
    return ROWS_SET_ASIDE if n_aside else DONE


def _verify(args: argparse.Namespace) -> int:
    from outcomes.release.verify import verify_release

    found = [verify_release(folder) for folder in args.releases]
    print("\n".join(verification.table() for verification in found))
    return DONE if all(verification.is_whole for verification in found) else REFUSED


def _diff(args: argparse.Namespace) -> int:
    from outcomes.release.diff import diff_releases
    from outcomes.release.diff_words import show_diff, write_csv
    from outcomes.release.progress import telling

    with telling(args.quiet) as tell:
        found = diff_releases(args.a, args.b, args.inputs_a, args.inputs_b, args.all, not args.no_rerun, tell)
    if args.csv:
        args.csv.write_text(write_csv(found), encoding="utf-8", newline="\n")
    print(show_diff(found))
    return DONE


def _lab(args: argparse.Namespace) -> int:
    from outcomes.release.lab import UNCHANGED, copy_notebooks, open_lab

    for copied in copy_notebooks(args.folder):
        if copied.what != UNCHANGED:
            _say(f"{copied.name}: {copied.what}")
    print(args.folder)
    return DONE if args.copy_only else open_lab(args.folder, browser=not args.no_open)


def _simulate(args: argparse.Namespace) -> int:
    from outcomes.simulate import write_simulation

    if args.out.exists() and not (
        args.out.is_dir() and ((args.out / "truth.json").is_file() or not any(args.out.iterdir()))
    ):
        raise OutcomesError(f"{args.out} exists and is not an earlier simulation; name a new folder with --out.")
    from tqdm import tqdm

    with tqdm(total=args.patients, unit=" patients", file=sys.stderr, leave=False, disable=None) as bar:

        def tell(done: int, _: int) -> None:
            bar.update(done - bar.n)

        write_simulation(
            args.out,
            patients=args.patients,
            seed=args.seed,
            profile=args.profile,
            clean=args.clean,
            progress=tell,
        )
    print(args.out)
    return DONE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process when not given.

    Returns
    -------
    int
        The exit code (this module's docstring).
    """
    args = _parser().parse_args(argv)
    if "numpy" not in sys.modules:  # later it would have no effect here
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        return int(args.run(args))
    except OutcomesError as refusal:
        _say(f"refused: {refusal}")
        return REFUSED
    except KeyboardInterrupt:
        _say("stopped; nothing was written")
        return REFUSED
    except OSError as fault:
        reason = os.strerror(fault.errno) if fault.errno else type(fault).__name__
        where = f" ({fault.filename})" if fault.filename else ""
        _say(f"refused by the system: {reason}{where}; earlier results are untouched. Make room or give access.")
        return REFUSED
    except Exception as fault:  # noqa: BLE001
        # The text of an unforeseen error may hold a patient's value: only its kind and place are told.
        kind = type(fault).__name__
        _say(f"internal error: {kind} at {_place(fault)}; earlier results are untouched. Please report it.")
        return INTERNAL


def _place(fault: BaseException) -> str:
    """Innermost line of the package that the error passed through."""
    home = str(Path(__file__).parent) + os.sep
    ours = [frame for frame in traceback.extract_tb(fault.__traceback__) if frame.filename.startswith(home)]
    return f"{ours[-1].filename.removeprefix(home)}, line {ours[-1].lineno}"


if __name__ == "__main__":
    sys.exit(main())
