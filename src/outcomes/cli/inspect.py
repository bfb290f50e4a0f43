"""`outcomes inspect`: what an export is, and the mapping that would read it."""

from __future__ import annotations

import argparse
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes.cli.shared import DONE, add_command, say
from outcomes.errors import Finding, OutcomesError

if TYPE_CHECKING:
    from outcomes.definitions import Codebook
    from outcomes.records.inspect import Inspection

TO_DECIDE = 1
_WIDTH = 100
_MOST = 15
_HELP = """what is looked at: encoding, delimiter, header row, sheets hidden or not; which column is which field, with a
score from 0 to 1; the order of day and month with the rows that speak for it; decimal mark, pain scale; words that are
not in the codebook; columns and cells that may identify people. No patient's value is printed: words are shown from 5
patients on, anything like an identifier only as its shape. Nothing else is read; nothing is written but what you name.
What only counting the visits shows, such as a jump from one quarter to the next, is said by the other commands.

what to do with it: --out writes a mapping.toml with a comment beside every line. Check it, decide what is marked
TO DECIDE, and give it to the other commands with --mapping. --codebook-out writes the unknown words that may be shown
as own_words.csv: write what each means into its column "means", and give the folder with --codebook. It is refused
while that is open, and never overwritten.

examples:
  outcomes inspect visits.csv                            look only
  outcomes inspect visits.xlsx --out mapping.toml        and write the proposed mapping
  outcomes inspect q3.csv --mapping mapping.toml         does last quarter's mapping still fit?
  outcomes inspect visits.csv --codebook-out words/      and write the words that are in no table, to be explained

exit codes: 0 nothing found to decide · 1 something is left to decide · 2 refused, nothing written"""

_EXPORT = "EXPORT"
"""Stands in the next commands for a path that is not shown."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    inspect = add_command(commands, "inspect", "look at an export and propose the mapping that reads it", _HELP)
    inspect.add_argument("export", type=Path, metavar="EXPORT", help="CSV, XLSX or Parquet; of several files, one")
    inspect.add_argument("others", nargs="*", default=[], type=Path, help=argparse.SUPPRESS)
    inspect.add_argument("--mapping", type=Path, help="what is known already; it goes before what is found")
    inspect.add_argument("--codebook", type=Path, help="folder with your own vocabulary tables (CSV)")
    inspect.add_argument("--out", type=Path, help="file to write the proposed mapping to; it must not exist")
    inspect.add_argument(
        "--codebook-out",
        type=Path,
        metavar="FOLDER",
        help="folder to write the unknown words to, to be explained",
    )
    inspect.add_argument("--force", action="store_true", help="overwrite the file named by --out")
    inspect.set_defaults(run=run, refuse=inspect.error)


def run(args: argparse.Namespace) -> int:
    """Run it; return the exit code."""
    from outcomes.definitions import Codebook
    from outcomes.records import Mapping
    from outcomes.records.file_names import name_file
    from outcomes.records.inspect import inspect_export
    from outcomes.records.inspect_write import write_mapping
    from outcomes.records.reading import check_readable

    if args.others:
        args.refuse(
            "inspect looks at one file: name the newest. `outcomes report` and `outcomes clean` read all of them with "
            "the mapping it writes."
        )
    check_readable({args.export: name_file(args.export)})
    if args.out is not None:
        _check_target(args.out, args.force, args.export)
    if args.codebook_out is not None:
        _check_words(args.codebook_out)
    codebook = Codebook.load(args.codebook)
    found = inspect_export(args.export, Mapping.load(args.mapping) if args.mapping else Mapping(), codebook)
    for line in describe(found):
        print(line)
    words = _write_words(args, found, codebook) if args.codebook_out is not None else None
    if args.out is not None:
        text = write_mapping(found, args.out.parent)
        _write(args.out, text)
        say(f"the proposed mapping has {len(text.splitlines())} lines; check every one")
        print(f"\nwritten: {args.out}")
        if found.open_questions:
            print("first:   decide what is marked TO DECIDE in it")
        if stopped := _stopped_by(found):
            print(f"first:   settle {', '.join(stopped)} below [privacy]; the export is refused until then")
        folder = args.codebook or words
        export = _name_again(args.export)
        mapping = f"--mapping {shlex.quote(str(args.out))}"
        inputs = f"{export} {mapping}" + (f" --codebook {shlex.quote(str(folder))}" if folder else "")
        if words is None and any(terms.shown for terms in found.unknown):
            # What a word tells is lost where no table knows it; the report runs all the same, so nobody else says how.
            known = mapping + (f" --codebook {shlex.quote(str(args.codebook))}" if args.codebook else "")
            print(f"words:   outcomes inspect {export} {known} --codebook-out words/")
            print("         writes those the codebook does not know as a table to fill in (docs/codebook.md)")
        print(f"next:    outcomes report {inputs}")
        print(f"or:      outcomes clean {inputs} --out cleaned/ (only the cleaned tables)")
        if export == _EXPORT:
            print(f"         for {_EXPORT} write the file you named: its path holds words that may name somebody")
    return TO_DECIDE if found.open_questions else DONE


def _name_again(path: Path) -> str:
    """Return a path as a command takes it, or a word for it: what the terminal shows may be kept in a log."""
    from outcomes.records.file_names import show_path

    shown = show_path(path)
    return _EXPORT if shown is None else shlex.quote(shown)


def _check_target(out: Path, force: bool, export: Path) -> None:
    if out.exists() and out.resolve() == export.resolve():
        raise OutcomesError(
            "The mapping would replace the export.",
            [Finding("E917", "this is the export.", str(out), "Name another --out.")],
        )
    if out.is_dir():
        raise OutcomesError(
            "The mapping cannot be written.", [Finding("E917", "this is a folder.", str(out), "Name a file.")]
        )
    if out.exists() and not force:
        finding = Finding(
            "E916", "the file exists; a mapping is never overwritten.", str(out), "Name another --out, or add --force."
        )
        raise OutcomesError("The mapping cannot be written.", [finding])


def _write(out: Path, text: str) -> None:
    """Write the file whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(out)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _check_words(folder: Path) -> None:
    from outcomes.records.inspect_words import OWN_WORDS

    where, remedy = folder / OWN_WORDS, "Name another --codebook-out, or move the file away."
    if folder.is_file():
        raise OutcomesError(
            "The words cannot be written.", [Finding("E917", "this is a file.", str(folder), "Name a folder.")]
        )
    if where.exists():
        what = "the file exists, and what somebody wrote into it is never overwritten."
        raise OutcomesError("The words cannot be written.", [Finding("E916", what, str(where), remedy)])


def _write_words(args: argparse.Namespace, found: Inspection, codebook: Codebook) -> Path | None:
    """Write the unknown words that may be shown; return the folder, None where there is none of them."""
    from outcomes.records.counted import agreeing, counted
    from outcomes.records.inspect_words import OWN_WORDS, list_open_words, write_own_words

    folder, words = args.codebook_out, list_open_words(found.unknown)
    n_others = sum(terms.n_others for terms in found.unknown)
    if n_others:
        say(f"{agreeing(n_others, 'unknown word', 'is', 'are')} rare or like an identifier: not written")
    if not words:
        print("\nno unknown word may be shown, so that none was written")
        return None
    text = write_own_words(words, codebook, ";" if found.top.options.delimiter == ";" else ",")
    _write(folder / OWN_WORDS, "\ufeff" + text)
    print(f"\nwritten: {folder / OWN_WORDS} ({counted(len(words), 'word')})")
    print('first:   write into its column "means" what each is, one of "choices", or delete its row')
    if args.codebook is not None:
        print(f"then:    put it into {args.codebook}, or its rows below those of the {OWN_WORDS} there")
    return folder


def describe(found: Inspection) -> list[str]:
    """Return the lines for the terminal."""
    return [
        *_describe_file(found),
        *_describe_columns(found),
        *_describe_cells(found),
        *_describe_words(found),
        *_describe_people(found),
    ]


def _title(text: str) -> list[str]:
    return ["", text.upper()]


def _row(name: str, value: str, why: str = "") -> list[str]:
    text = f"  {name:<15} {value}" + (f"   {why}" if why else "")
    return textwrap.wrap(text, _WIDTH, subsequent_indent=" " * 18, drop_whitespace=True, replace_whitespace=False) or [
        ""
    ]


def _describe_file(found: Inspection) -> list[str]:
    from outcomes.records.counted import counted

    top, why = found.top, found.evidence
    kinds = {"csv": "CSV (text)", "xlsx": "Excel workbook", "parquet": "Parquet"}
    lines = [
        f"{found.name}: {kinds[top.kind]}, {counted(len(top.header), 'column')}, {counted(found.n_rows, 'row')} read, "
        f"{found.n_set_aside:,} set aside"
    ]
    lines += _title("file")
    if top.kind == "csv":
        names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
        delimiter = top.options.delimiter or ","
        lines += _row("encoding", top.options.encoding, why.get("encoding", ""))
        lines += _row("delimiter", names.get(delimiter, delimiter), why.get("delimiter", ""))
    if top.kind != "parquet":
        lines += _row("header row", str(top.options.header_row), why.get("header_row", ""))
    for sheet in top.sheets:
        n = f", {counted(sheet.n_rows, 'row')}" if sheet.n_rows is not None else ""
        state = "hidden, never read" if sheet.is_hidden else "read" if sheet.is_read else "not read"
        lines += _row("sheet", f'"{sheet.name}"', state + n)
    for note in found.notes:
        lines += _row("note", note)
    return lines


def _describe_columns(found: Inspection) -> list[str]:
    from outcomes.records.columns import column_letter, show_header
    from outcomes.records.inspect_flags import hint_at_ticked

    lines = _title("columns")
    for match in sorted(found.matches, key=lambda match: match.position):
        # A header that is a field's name by its words holds no value, whatever digits are in it.
        header = match.header.strip() if match.by_name >= 0.8 else show_header(match.header.strip())
        where = f"{column_letter(match.position):>3}  {header[:34]:<34}"
        lines.append(
            f"  {where} -> {match.field:<20} {match.score:.2f}  "
            f"(header {match.by_name:.2f}, cells {match.by_cells:.2f})"
        )
    for column in found.ticked:
        if column.is_known:
            lines.append(f"  {column.letter:>3}  {show_header(column.header)[:34]:<34} -> a treatment, {column.seen}")
    for header, letter, field, score in found.others:
        guess = f"?  {field:<20} {score:.2f}  too little to be proposed" if field else "   not read"
        lines.append(f"  {letter:>3}  {show_header(header)[:34]:<34} {guess}")
    if hint := hint_at_ticked(found.ticked):
        lines += _row("hint", hint)
    return lines


def _describe_cells(found: Inspection) -> list[str]:
    proposal, why = found.proposal, found.evidence
    lines = _title("how cells are written")
    for name in ("visit_date", "onset_date"):
        if name in why:
            lines += _row(name, why[name])
    if proposal.dates.data_cut:
        lines += _row("complete up to", proposal.dates.data_cut.isoformat(), why.get("data_cut", ""))
    if "two_digit_year_pivot" in why:
        lines += _row(
            "short years", f"up to {proposal.dates.two_digit_year_pivot} are 20xx", why["two_digit_year_pivot"]
        )
    lines += _row("decimal mark", f'"{proposal.values.decimal_mark}"', why.get("decimal_mark", ""))
    lines += _row("pain scale", proposal.pain.scale, why.get("scale", ""))
    lines += _row("missing", ", ".join(f'"{mark}"' for mark in proposal.values.missing))
    for question in found.open_questions:
        lines += _row("TO DECIDE", question)
    return lines


def _describe_words(found: Inspection) -> list[str]:
    lines = _title("words the codebook does not know")
    for terms in found.unknown:
        shown = [f"{word} ({n:,})" for word, n in terms.shown[:_MOST]]
        more = len(terms.shown) - len(shown) + terms.n_others
        if more:
            shown.append(f"{more:,} more that are rare, long in digits, or like an identifier")
        lines += _row(terms.field, "; ".join(shown))
    return lines if found.unknown else [*lines, "  none"]


def _stopped_by(found: Inspection) -> list[str]:
    """Return the columns for which the other commands refuse the export under the mapping as it is proposed."""
    from outcomes.records.columns import normalise_header, show_header

    privacy = found.proposal.privacy
    accepted = {normalise_header(word) for word in privacy.accept}
    return [
        f'column "{show_header(one.header)}" ({one.letter})'
        for one in found.suspects
        if one.stops and normalise_header(one.header) not in accepted and one.field not in privacy.replaced
    ]


def _describe_people(found: Inspection) -> list[str]:
    from outcomes.records.columns import show_header

    lines = _title("what may identify people")
    for suspect in found.suspects:
        likely = suspect.likely
        shapes = f", shaped {' and '.join(likely.examples)}" if likely.examples else ""
        counts = f" ({likely.n:,} of {likely.n_looked_at:,} different cells{shapes})" if likely.n else ""
        lines += _row(
            f"{suspect.letter:>3}",
            f"{show_header(suspect.header)}: {likely.kind}, by {likely.evidence}{counts}: {suspect.remedy}",
        )
    if not found.suspects:
        lines.append("  nothing was found among the 18 classes looked for; that is no guarantee (docs/privacy.md)")
    return lines
