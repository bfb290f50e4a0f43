"""What the commands share: exit codes, words on the terminal, reading an export, the last account of its rows."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes.errors import Finding, InputRefused
from outcomes.files.shown import visible

if TYPE_CHECKING:
    from outcomes.cases import Episodes
    from outcomes.records import Records
    from outcomes.records.acknowledge import Acknowledge

DONE, ROWS_SET_ASIDE, REFUSED, WITHHELD, INTERNAL = 0, 1, 2, 3, 4
READER_LEFT = 141  # 128 + SIGPIPE
TELL_READER_LEFT = (
    f"{READER_LEFT}: who read the words on the terminal left early (| head), or they could not be written; files stand"
)
_HAS_CODE = re.compile(r"E\d{3} ")
_NAMED = "the tables hold full dates of visits, which the list of 45 CFR 164.514(b)(2) names"


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, words: str, more: str = ""
) -> argparse.ArgumentParser:
    """Add a command with the sentence that says what it does and, below its options, what a newcomer needs.

    Every command prints, so that each has the exit code of a reader that left behind its own.
    """
    raw, sentence = argparse.RawDescriptionHelpFormatter, f"{words[0].upper()}{words[1:]}."
    below = f"{more}\n{TELL_READER_LEFT}".lstrip()
    return commands.add_parser(name, help=words, description=sentence, epilog=below, formatter_class=raw)


def add_inputs(command: argparse.ArgumentParser) -> None:
    """Add the options of a command that reads an export."""
    command.add_argument(
        "--mapping", type=Path, help="which column is which, date order, scales (TOML); see docs/mapping.toml"
    )
    command.add_argument(
        "--protocol", type=Path, help="definitions other than the defaults (TOML); see docs/protocol.toml"
    )
    command.add_argument("--codebook", type=Path, help="folder with your own vocabulary tables (CSV)")
    command.add_argument("--quiet", action="store_true", help="no progress on the terminal; warnings stay")


def read_date(text: str) -> datetime.date:
    """Return the day an option names (a `type` of `argparse`)."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it like 2026-06-30") from None


def read_folder(text: str) -> Path:
    """Return the folder an option names; an empty name is the folder one stands in, which nobody means by it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty; name a folder, or . for this one")
    return Path(text)


def say(text: str) -> None:
    """Tell the user, beside the result on the standard output."""
    print(visible(text), file=sys.stderr)


def read_cases(args: argparse.Namespace, for_release: bool = False) -> tuple[Records, Episodes]:
    """Read, clean and group: what `report` and `clean` share.

    Whether anything may be published from these records (`cases.acceptance`) is decided here `for_release`, before
    the long work; otherwise it is only said, but for dates that are not allowed for who is to see the tables.
    """
    from outcomes.cases import build_episodes, build_visits
    from outcomes.cases.acceptance import check_acceptance, list_objections
    from outcomes.cases.as_of import cut_visits
    from outcomes.cases.remarks import list_main_reasons
    from outcomes.cli.set_aside import describe_merged
    from outcomes.definitions import Codebook, Protocol
    from outcomes.files.temporary import remove_left_folders
    from outcomes.records import Mapping, read_records
    from outcomes.records.counted import counted
    from outcomes.records.file_names import name_files
    from outcomes.records.full_dates import WHAT_IT_IS, find_forbidden_dates
    from outcomes.records.pseudonyms import check_key_place
    from outcomes.records.remarks import list_remarks

    remove_left_folders()
    protocol = Protocol.load(args.protocol) if args.protocol else Protocol()
    codebook = Codebook.load(args.codebook)
    tell = (lambda _: None) if args.quiet else say
    tell(f"reading {', '.join(name_files(args.exports))} ...")
    mapping = Mapping.load(args.mapping) if args.mapping else Mapping()
    check_key_place(mapping, getattr(args, "out", None))
    records = read_records(args.exports, mapping)
    if not for_release and (forbidden := find_forbidden_dates(records, args.audience)):
        raise InputRefused("The tables would hold full dates.", forbidden)  # a report says all its objections in one go
    for note in list_remarks(records):
        # What has a code asks for something to be done; that is no progress.
        (say if _HAS_CODE.match(note) else tell)(note)
    tell(f"checking {counted(records.n, 'record')} ...")
    visits = build_visits(records, protocol, codebook)
    for note in visits.notes[len(records.notes) : len(visits.notes) - len(visits.warnings)]:
        tell(note)
    for line in describe_merged(visits):
        tell(line)
    if not visits.n:
        raise InputRefused("No record of this export is a visit that can be used.", list_main_reasons(visits, most=5))
    if as_of := getattr(args, "as_of", None):
        visits = cut_visits(visits, as_of)  # before it is judged: what is not used need not be acknowledged
    if for_release:
        check_acceptance(records, visits, args.audience)
    else:
        if visits.has_calendar:
            tell(f"{WHAT_IT_IS}: {_NAMED}")
        for objection in list_objections(records, visits):
            say(f"a report from these records would be refused: {objection}")
    episodes = build_episodes(visits)
    n_before = visits.n - int(episodes.sizes.sum())
    more = f", and {counted(n_before, 'maintenance visit')} before a first one" if n_before else ""
    tell(f"{counted(visits.n - n_before, 'visit')} in {counted(episodes.n, 'episode')} of care{more}")
    return records, episodes


def finish(episodes: Episodes, result: Path, acknowledged: Acknowledge) -> int:
    """Account for the rows, name what to open, and turn 'rows were set aside' into the exit code."""
    from outcomes.cases.remarks import list_unknown_terms
    from outcomes.cli.set_aside import describe_set_aside

    visits = episodes.visits
    for warning in visits.warnings:
        say(f"warning: {_say_warning(warning, acknowledged)}")
    aside = describe_set_aside(visits)
    for line in aside:
        say(line)
    if visits.unknown_terms:
        say(f"terms that are not in the codebook: {len(visits.unknown_terms):,}; their visits are kept")
        for line in list_unknown_terms(visits):
            say(f"  {line}")
    print(visible(str(result)))
    return ROWS_SET_ASIDE if aside else DONE


def _say_warning(warning: Finding, acknowledged: Acknowledge) -> str:
    """Write a warning with what to do; where the mapping acknowledges it, nothing is left to do."""
    if warning.code not in acknowledged.warnings:
        return str(warning)
    return f"{dataclasses.replace(warning, remedy='')} Acknowledged in the mapping."
