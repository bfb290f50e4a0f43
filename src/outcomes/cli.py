"""The command line: `outcomes report`, `clean`, `simulate`.

Exit codes: 0 done; 1 done, rows were set aside; 2 refused, nothing written; 4 internal error.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes import __version__
from outcomes.errors import Finding, InputRefused, OutcomesError

if TYPE_CHECKING:
    from outcomes.cases import Episodes, Visits
    from outcomes.records import Records

DONE, ROWS_SET_ASIDE, REFUSED, INTERNAL = 0, 1, 2, 4
_SAMPLE = Path("data/sample")
# The names the export knows, written here because importing that room costs more than printing the help.
_TABLES = ("visits", "episodes", "relief", "quarantine", "ledger", "unknown_terms")
_FORMATS = ("both", "parquet", "csv")
_EXAMPLES = """examples:
  outcomes report                                   report on the synthetic sample of this checkout (data/sample)
  outcomes report visits.csv --mapping mapping.toml report on your own export
  outcomes report q2.csv q3.csv --quarter 2026Q3    several files, one quarter
  outcomes clean visits.csv --out cleaned/          visits, episodes, quarantine and ledger as tables
  outcomes simulate --patients 500 --seed 1 --out simulated/

exit codes: 0 done · 1 done, rows were set aside · 2 refused, nothing written · 4 internal error"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="outcomes",
        description="Clean visit records of back-spasm cases and report time to relief, return and treatment mix.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"outcomes {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_report(commands)
    _add_clean(commands)
    _add_simulate(commands)
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
    report = commands.add_parser("report", help="make the quarterly report (page, PDF, tables, notebooks, manifest)")
    report.add_argument(
        "exports", nargs="*", type=Path, metavar="EXPORT", help="CSV, XLSX or Parquet; default: data/sample"
    )
    _add_inputs(report)
    report.add_argument("--quarter", help="quarter to report on, e.g. 2026Q2; default: the newest that can be judged")
    report.add_argument("--out", type=Path, default=Path("reports"), help="folder for reports (default: reports/)")
    report.add_argument("--no-notebooks", action="store_true", help="leave out the executed notebooks (faster)")
    report.set_defaults(run=_report)


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
    from outcomes.definitions import Codebook, Protocol
    from outcomes.records import read_records

    protocol = Protocol.load(args.protocol) if args.protocol else Protocol()
    codebook = Codebook.load(args.codebook)
    tell = (lambda _: None) if args.quiet else _say
    tell(f"reading {', '.join(path.name for path in args.exports)} ...")
    records = read_records(args.exports, args.mapping)
    for note in _notes_on_reading(records):
        tell(note)
    tell(f"checking {records.n:,} records ...")
    visits = build_visits(records, protocol, codebook)
    if not visits.n:
        raise InputRefused("No record of this export is a visit that can be used.", _main_reasons(visits, most=5))
    episodes = build_episodes(visits)
    tell(f"{visits.n:,} visits in {episodes.n:,} episodes of care")
    return records, episodes


def _notes_on_reading(records: Records) -> list[str]:
    """What the reader noticed, and the columns nobody asked for, with the field a name may have meant."""
    from difflib import get_close_matches

    from outcomes.records import FIELDS

    free = [name for name in FIELDS if name not in records.fields]
    said = list(records.notes)
    for file in records.files:
        guesses = {
            header: get_close_matches(header.lower().replace(" ", "_"), free, 1) for header in file.unread_columns
        }
        listed = [f"{header} (meant as {near[0]}?)" if near else header for header, near in guesses.items()]
        if listed:
            more = f" and {len(listed) - 12} more" if len(listed) > 12 else ""
            said.append(
                f"not read from {file.name}: {', '.join(listed[:12])}{more}; [columns] in the mapping names what is"
            )
    return said


def _main_reasons(visits: Visits, most: int = 3) -> list[Finding]:
    """The rules that set most rows aside, with their remedies."""
    from collections import Counter

    codes = visits.quarantine["code"].to_pylist()
    found = []
    for code, n in sorted(Counter(codes).items(), key=lambda item: (-item[1], item[0]))[:most]:
        row = visits.quarantine.slice(codes.index(code), 1)
        first = {name: row[name][0].as_py() for name in ("column", "source_file", "rule", "remedy")}
        place = f"column '{first['column']}'" if first["column"] else first["source_file"]
        found.append(Finding(code, f"{first['rule']}: {n:,} rows.", place, first["remedy"]))
    return found


def _clean(args: argparse.Namespace) -> int:
    from outcomes.cases.export import export_cases

    episodes = _read(args)[1]  # the records are let go: writing needs the memory
    export_cases(episodes, args.out, args.tables.split(","), args.format)
    return _finish(episodes, args.out)


def _report(args: argparse.Namespace) -> int:
    if not args.exports:
        _use_sample(args)
    from outcomes.release import publish_report

    records, episodes = _read(args)
    with _progress(args.quiet) as tell:
        page = publish_report(
            records,
            episodes.visits,
            episodes,
            args.out,
            quarter=args.quarter,
            notebooks=not args.no_notebooks,
            progress=tell,
            sources={"mapping": args.mapping, "codebook": args.codebook},
        )
    _list_rows_set_aside(episodes, page)
    return _finish(episodes, page)


def _list_rows_set_aside(episodes: Episodes, page: Path) -> None:
    """Write the quarantine beside the release, never into it: it points at single records and is for its owner only."""
    from outcomes.cases.export import write_quarantine

    path = page.parent.parent / f"{page.parent.name}-rows-set-aside.csv"
    path.unlink(missing_ok=True)
    if episodes.visits.quarantine.num_rows:
        write_quarantine(episodes, path)
        _say(f"rows set aside, one by one: {path}")


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Say what is being done: on a terminal in one line with the time it takes, elsewhere a line a step."""
    if quiet or not sys.stderr.isatty():
        said = [""]

        def say_steps(step: str) -> None:
            # The cells of a notebook are one step: a log needs no line for each.
            if not quiet and (name := step.partition(":")[0]) != said[0]:
                said[0] = name
                _say(f"{name} ...")

        yield say_steps
        return
    from tqdm import tqdm

    with tqdm(bar_format="{elapsed}  {desc}", file=sys.stderr, leave=False) as line:

        def tell(step: str) -> None:
            line.set_description_str(step)

        yield tell


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
    visits = episodes.visits
    n_aside = sum(step.n_set_aside for step in visits.ledger.steps if step.unit in ("rows", "records"))
    if n_aside:
        _say(f"rows set aside: {n_aside:,} ({visits.quarantine.num_rows:,} findings), most often")
        for finding in _main_reasons(visits):
            _say(f"  {finding}")
    if visits.unknown_terms:
        _say(f"terms that are not in the codebook: {len(visits.unknown_terms):,}; their visits are kept")
    print(result)
    return ROWS_SET_ASIDE if n_aside else DONE


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
