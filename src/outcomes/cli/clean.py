"""`outcomes clean`: an export as tables of visits and episodes."""

from __future__ import annotations

import argparse
from pathlib import Path

from outcomes.cli.shared import add_command, add_inputs, finish, read_cases, say
from outcomes.errors import OutcomesError
from outcomes.files.lock import lock_name, only_run

# The names the export knows, written here because importing that room costs more than printing the help.
_TABLES = ("visits", "episodes", "relief", "quarantine", "ledger", "unknown_terms", "uniqueness")
_OF_PATIENTS = {"visits", "episodes", "relief"}
_PRIVATE = {"quarantine", "unknown_terms"}
_CLINIC, _RESEARCH = "clinic", "research"
_FORMATS = ("both", "parquet", "csv")
_HELP = """what is written, all of it or nothing: one table a file, in the folder named by --out
  visits, episodes   one row a visit, one row an episode of care
  relief             the interval (left_days, right_days] in which each episode's relief lies
  quarantine         for you only: every row that could not be used, and why
  ledger             how many rows each step used, merged and set aside
  unknown_terms      for you only: terms of the visits that are not in the codebook, and how often each occurs
  uniqueness         how many episodes no other patient has alike by age band, sex, clinic and start quarter, and with
                     each of them coarser; above 20 %, or with a group under 11 patients, the tables stay inside

for whom:
  --audience clinic    your own use (default); the tables stay inside
  --audience research  who gets them under an agreement: nothing is written where the bounds of uniqueness are crossed
                       (exit code 3; leave columns out, for example with clinic_id = "" below [columns] in the mapping),
                       or where there are full dates and [privacy] dates_allowed does not name "research"; the tables
                       that are for you only are left out. Ids, dates and ratings stand in them row by row: whoever
                       passes them on answers for it

examples:
  outcomes clean visits.csv --mapping mapping.toml --out cleaned/
  outcomes clean q1.xlsx q2.xlsx --out cleaned/ --format csv --tables visits,ledger
  outcomes clean visits.csv --mapping mapping.toml --audience research --out for-the-study/

An export with headers of its own needs --mapping mapping.toml with each of these.

exit codes: 0 done · 1 done, rows were set aside · 2 refused, nothing written · 3 withheld: tables for research would
single people out, nothing written · 4 internal error"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    clean = add_command(commands, "clean", "clean an export into visits, episodes, quarantine and ledger", _HELP)
    clean.add_argument("exports", nargs="+", type=Path, metavar="EXPORT", help="CSV, XLSX or Parquet")
    add_inputs(clean)
    clean.add_argument(
        "--out", type=Path, required=True, help="folder to write; it must not exist or be an earlier result"
    )
    clean.add_argument("--format", choices=_FORMATS, default="both", help="default: both")
    clean.add_argument("--tables", help="comma-separated; default: all that the audience may have")
    clean.add_argument(
        "--audience",
        choices=(_CLINIC, _RESEARCH),
        default=_CLINIC,
        help="who will have the tables: you (default), or who gets them under an agreement",
    )
    clean.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.cases.export import export_cases
    from outcomes.cli.uniqueness import check_uniqueness, describe_uniqueness

    tables = _check_tables(args.tables, args.audience)
    with only_run(args.out.absolute().parent, lock_name(args.out)):
        records, episodes = read_cases(args)
        if args.audience == _RESEARCH and _OF_PATIENTS & set(tables):
            check_uniqueness(episodes)
        acknowledged = records.mapping.acknowledge
        del records  # writing needs the memory
        export_cases(episodes, args.out, tables, args.format)
        for line in describe_uniqueness(episodes) if _OF_PATIENTS & set(tables) else ():
            say(line)
        return finish(episodes, args.out, acknowledged)


def _check_tables(names: str | None, audience: str) -> list[str]:
    """Refuse a table that is none, or not for this audience, before a long file is read."""
    offered = [name for name in _TABLES if audience == _CLINIC or name not in _PRIVATE]
    tables = offered if names is None else [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in tables if name not in _TABLES]
    private = [name for name in tables if name not in offered]
    if unknown or not tables:
        what = f"There is no table {', '.join(unknown)}" if unknown else "--tables names no table"
        raise OutcomesError(f"{what}; choose from {', '.join(offered)}.")
    if private:
        raise OutcomesError(f"{', '.join(private)}: for you only; for research choose from {', '.join(offered)}.")
    return tables
