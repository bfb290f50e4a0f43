"""The proposed mapping as a TOML file to edit: a comment beside every line says what speaks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from outcomes.records.columns import show_header
from outcomes.records.identifiers import SOME
from outcomes.records.inspect import Inspection
from outcomes.records.inspect_head import ASK_WHAT_SHEETS_ARE
from outcomes.records.inspect_values import join_words
from outcomes.records.mapping import FIELDS, FileOptions, ValueOptions
from outcomes.records.plain_words import write_header
from outcomes.records.privacy import ID_FIELDS

_WIDTH = 44


def write_mapping(found: Inspection, folder: Path | None = None) -> str:
    """Return the text of ``mapping.toml`` for an inspected export.

    Parameters
    ----------
    found : Inspection
    folder : Path, optional
        Where it will stand; paths in it are written from there. None: where the mapping that was given stands.
    """
    parts = [
        f"# Proposed by `outcomes inspect` for {_plain(found.name)}. Check every line: a fault here goes everywhere.",
        "# The number behind a column says how well it fits the field, from 0 to 1. docs/mapping.toml has every key.",
        *_questions(found),
        "",
        *_file(found),
        "",
        *_columns(found),
        "",
        *_dates(found),
        "",
        *_values(found),
        "",
        "[pain]",
        _line(f'scale = "{found.proposal.pain.scale}"', found.evidence.get("scale", "")),
        *_modality_columns(found),
        *_non_data(found),
        *_acknowledge(found),
        *_privacy(found, found.proposal.privacy.folder if folder is None else folder),
    ]
    return "\n".join(parts) + "\n"


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def quote(text: str) -> str:
    """Return a text as a TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _code_point(c) for c in escaped) + '"'


def _code_point(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def _line(setting: str, comment: str) -> str:
    return f"{setting:<{_WIDTH}} # {_plain(comment)}" if comment else setting


def _questions(found: Inspection) -> Iterator[str]:
    for question in found.open_questions:
        yield f"# TO DECIDE: {_plain(question)}"


def _file(found: Inspection) -> Iterator[str]:
    options, why = found.proposal.file, found.evidence
    yield "[file]"
    if found.top.kind == "csv":
        yield _line(f"encoding = {quote(options.encoding)}", why.get("encoding", ""))
        yield _line(f"delimiter = {_character(options.delimiter or ',')}", why.get("delimiter", ""))
    if found.top.kind != "parquet" and options.header_row != FileOptions().header_row:
        yield _line(f"header_row = {options.header_row}", why.get("header_row", ""))
    if options.sheet:
        told = options.sheet if isinstance(options.sheet, tuple) else (options.sheet,)
        words = ", ".join(quote(sheet) if isinstance(sheet, str) else str(sheet) for sheet in told)
        line = f"sheet = {f'[{words}]' if isinstance(options.sheet, tuple) else words}"
        is_open = any("[file] sheet:" in question for question in found.top.open_questions)
        yield _line(f"# {line}", "or another: TO DECIDE, see above") if is_open else _line(line, why.get("sheet", ""))
    if options.sheet_as:
        yield _line(f"sheet_as = {quote(options.sheet_as)}", "declared")
    elif ASK_WHAT_SHEETS_ARE in found.top.open_questions:
        yield _line('# sheet_as = "clinic_id"', "if each sheet is a clinic: TO DECIDE, see above")
    if options.comment:
        yield _line(f"comment = {quote(options.comment)}", "declared")
    if options.accept_row_limit:
        yield _line("accept_row_limit = true", "declared")
    if options.later_file_corrects is not None:
        yield _line(f"later_file_corrects = {_truth(options.later_file_corrects)}", "declared")


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _character(mark: str) -> str:
    return '"\\t"' if mark == "\t" else quote(mark)


def _columns(found: Inspection) -> Iterator[str]:
    yield "[columns]"
    scores = {match.field: match.score for match in found.matches}
    columns = found.proposal.columns
    for field in FIELDS:
        if header := columns.get(field):
            mark, words = ("# ", ": TO DECIDE, see above") if field in found.undecided else ("", "")
            yield _line(f"{mark}{field} = {quote(header)}", f"{scores.get(field, 1.0):.2f}{words}")
    for field in FIELDS:
        if columns.get(field) == "":
            yield _line(f'{field} = ""', "a column of this name is there, but its cells do not fit: not read")
    maybe = [row for row in found.others if row[2]]
    for header, letter, field, score in maybe:
        if field not in columns:
            yield _line(
                f"# {field} = {write_header(header, letter)}",
                f"{score:.2f}, column {letter}: too little; uncomment it if it is so",
            )
    rest = [f"{show_header(header)} ({letter})" for header, letter, field, _ in found.others if not field]
    if rest:
        yield f"# not read: {_plain(', '.join(rest))}"


def _dates(found: Inspection) -> Iterator[str]:
    dates, why = found.proposal.dates, found.evidence
    yield "[dates]"
    for name in ("visit_date", "onset_date"):
        if name in why:
            yield f"# {name}: {why[name]}"
    if dates.order:
        yield _line(f'order = "{dates.order}"', "")
    elif any("[dates] order" in question for question in found.open_questions):
        yield _line('# order = "dmy"', 'or "mdy"; see above')
    if dates.data_cut:
        yield _line(f"data_cut = {dates.data_cut.isoformat()}", why.get("data_cut", ""))
    else:
        yield _line(
            "# data_cut = YYYY-MM-DD",
            "the day up to which the export is complete; without it, the last days with visits",
        )
    if dates.two_digit_year_pivot is not None:
        yield _line(f"two_digit_year_pivot = {dates.two_digit_year_pivot}", why.get("two_digit_year_pivot", ""))
    elif any("[dates] two_digit_year_pivot" in question for question in found.open_questions):
        yield _line("# two_digit_year_pivot = 50", "50 is 2050 and 51 is 1951: TO DECIDE, see above")
    if dates.timezone:
        yield _line(f"timezone = {quote(dates.timezone)}", "declared")
    elif any("[dates] timezone" in question for question in found.open_questions):
        yield _line('# timezone = "Europe/Zurich"', "or the clinic's own: TO DECIDE, see above")
    if dates.observed_until_day is not None:
        yield _line(f"observed_until_day = {dates.observed_until_day}", "declared")
    if dates.month_names:
        yield _line(f"month_names = {join_words(dates.month_names)}", "declared")
    elif any("month_names" in question for question in found.open_questions):
        yield _line('# month_names = ["Jan", "Feb", ...]', "all twelve, January first, as they stand in the cells")


def _values(found: Inspection) -> Iterator[str]:
    values, default = found.proposal.values, ValueOptions()
    yield "[values]"
    yield _line(f"decimal_mark = {quote(values.decimal_mark)}", found.evidence.get("decimal_mark", ""))
    yield _line(f"separators = {join_words(values.separators)}", "between several terms in one cell")
    if values.true != default.true:
        yield _line(f"true = {join_words(values.true)}", "words of yes/no columns")
    if values.false != default.false:
        yield _line(f"false = {join_words(values.false)}", "words of yes/no columns")
    yield _line(
        f"missing = {join_words(values.missing)}",
        "stand in columns of numbers and dates; only what is listed is missing",
    )
    if values.same_day:
        yield _line(f"same_day = {quote(values.same_day)}", "declared")
    if values.similar_ids:
        yield _line(f"similar_ids = {quote(values.similar_ids)}", "declared")
    elif any("similar_ids" in question for question in found.open_questions):
        yield _line('# similar_ids = "same"', 'each group is one person, or "apart": TO DECIDE, see above')


def _modality_columns(found: Inspection) -> Iterator[str]:
    known = {column.header: column.seen for column in found.ticked if column.is_known}
    open_ones = [column for column in found.ticked if not column.is_known]
    if not (found.proposal.modality_columns or open_ones):
        return
    yield ""
    yield "[modality_columns]"
    for header, term in found.proposal.modality_columns.items():
        yield _line(f"{quote(header)} = {quote(term)}", known.get(header, "declared"))
    if open_ones:
        yield "# Yes/no columns the codebook has no word for. Where one is a treatment: any word it has for that."
    for column in open_ones:
        yield _line(f'# {write_header(column.header, column.letter)} = ""', f"column {column.letter}: {column.seen}")


def _non_data(found: Inspection) -> Iterator[str]:
    if found.proposal.non_data:
        yield ""
        yield "[non_data]"
        for name, words in found.proposal.non_data.items():
            key = name if name in FIELDS else quote(name)
            yield _line(f"{key} = {join_words(words)}", "rows that are no visits")


def _acknowledge(found: Inspection) -> Iterator[str]:
    """What somebody has accepted, as it was declared: nothing is accepted by looking."""
    said = found.proposal.acknowledge
    if not said.by:
        return
    yield ""
    yield "[acknowledge]"
    if said.rows_set_aside_percent is not None:
        yield _line(f"rows_set_aside_percent = {said.rows_set_aside_percent}", "declared")
    if said.missing_percent:
        shares = ", ".join(f"{name} = {share}" for name, share in said.missing_percent.items())
        yield _line(f"missing_percent = {{ {shares} }}", "declared")
    if said.warnings:
        yield _line(f"warnings = {join_words(said.warnings)}", "declared")
    yield f"by = {quote(said.by)}"


def _privacy(found: Inspection, folder: Path) -> Iterator[str]:
    privacy, dates = found.proposal.privacy, found.evidence.get("dates_allowed", "")
    if not (found.suspects or privacy.accept or privacy.pseudonymise or dates):
        return
    yield ""
    yield "[privacy]"
    for suspect in found.suspects:
        where = f"column {show_header(suspect.header)} ({suspect.letter})"
        some = f"{suspect.likely.n:,} of its different cells " if suspect.likely.evidence == SOME else ""
        yield f"# {where}: {some}{'look' if some else 'looks'} like {suspect.likely.kind}: {suspect.remedy}"
    if privacy.accept:
        yield f"accept = {join_words(privacy.accept)}"
    elif found.suspects:
        first = found.suspects[0]
        yield _line(f"# accept = [{write_header(first.header, first.letter)}]", "only if it is none")
    if isinstance(privacy.pseudonymise, tuple):
        yield f"pseudonymise = {join_words(privacy.pseudonymise)}"
    elif privacy.pseudonymise:
        yield "pseudonymise = true"
    elif ids := [name for name in ID_FIELDS if name in {suspect.field for suspect in found.suspects}]:
        yield _line(f"# pseudonymise = {join_words(ids)}", "replaces these ids by keyed pseudonyms; true: all ids")
    if key := privacy.key_from(folder):
        yield f"key = {quote(key)}"
    if dates:
        yield _line(f"dates_allowed = {join_words(privacy.dates_allowed)}", dates)
