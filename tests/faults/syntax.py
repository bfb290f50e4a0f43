"""Encoding and syntax of text files: entries 22 to 39."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faults.catalogue import ASK, FIX, QUAR, REFUSE, Fault, Input, Run, says
from faults.exports import CSV, EVERYWHERE, Row, clean_rows, conserved, told, visit_of, write
from faults.files import aside_lines

Make = Callable[[Path, str], Input]
_UTF8 = "Save the export as UTF-8."
_EXPORT = "Mend the line in the clinic system, and export again."


def text_of(rows: list[Row] | None = None, delimiter: str = ",") -> str:
    """The small clean export as plain text."""
    rows = rows or clean_rows()
    lines = [list(rows[0]), *([str(row[head]) for head in rows[0]] for row in rows)]
    return "".join(delimiter.join(line) + "\n" for line in lines)


def given(change: Callable[[str], str | bytes], mapping: str = "", secrets: tuple[str, ...] = ()) -> Make:
    """Make an entry of the clean export's text, changed."""

    def make(folder: Path, _: str) -> Input:
        text = change(text_of())
        path = folder / "visits.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return Input([path], mapping, secrets=secrets)

    return make


def line_as(row: int, change: Callable[[str], str], mapping: str = "") -> Make:
    """Make an entry with one line changed; lines count from 1, the header's."""

    def edit(text: str) -> str:
        lines = text.splitlines(keepends=True)
        lines[row - 1] = change(lines[row - 1].rstrip("\n")) + "\n"
        return "".join(lines)

    return given(edit, mapping)


def _names(encoding: str, rows: tuple[int, ...] = (5, 9), others: tuple[int, ...] = ()) -> Callable[[str], bytes]:
    """Put Muñoz into some lines in an encoding, and into others in UTF-8."""

    def change(text: str) -> bytes:
        lines = text.encode("utf-8").splitlines(keepends=True)
        for row in (*rows, *others):
            word = "Muñoz".encode(encoding if row in rows else "utf-8")
            lines[row - 1] = lines[row - 1].replace(b"lumbar", b"lumbar;" + word)
        return b"".join(lines)

    return change


def _bytes_in(row: int, data: bytes) -> Make:
    def change(text: str) -> bytes:
        lines = text.encode("utf-8").splitlines(keepends=True)
        lines[row - 1] = lines[row - 1].replace(b"odi", b"o" + data + b"di")
        return b"".join(lines)

    return given(change)


def _control_in_cell(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    rows[3]["modalities"] = "heat\x0bmassage" if kind == "parquet" else "heat_x000B_massage"
    return Input([write(folder, kind, rows)])


def all_read(*words: str, n: int = 120) -> Callable[[Run], None]:
    """Check that every record was read, and that these words were said."""

    def check(run: Run) -> None:
        told(*words)(run)
        assert sum(int(row["n_records"]) for row in run.table("visits")) == n, run.said

    return check


def not_data(reason: str, n: int) -> Callable[[Run], None]:
    """Check that so many rows were counted as no data for a reason, and all records read."""

    def check(run: Run) -> None:
        all_read()(run)
        found = [int(row["n"]) for row in run.table("ledger") if row["reason"] == reason]
        assert found == [n], run.table("ledger")

    return check


def _first_header_is_clean(run: Run) -> None:
    all_read()(run)
    assert "\ufeff" not in run.said and visit_of(run, 0)["patient_id"] == "K101"


def _with_break(folder: Path, _: str) -> Input:
    rows = clean_rows()
    rows[4]["modalities"], rows[10]["pain_pre"] = '"heat;\nmassage"', "42"
    path = folder / "visits.csv"
    path.write_text(text_of(rows), encoding="utf-8")
    return Input([path])


def _fold(column: str, text: str) -> Make:
    def make(folder: Path, kind: str) -> Input:
        rows = clean_rows()
        rows[0][column] = text
        return Input([write(folder, kind, rows)])

    return make


def _fold_header(folder: Path, kind: str) -> Input:
    rows = [
        {("\u200bpain\u00a0pre" if key == "pain_post" else key): cell for key, cell in row.items()}
        for row in clean_rows()
    ]
    return Input([write(folder, kind, rows)], '[columns]\npain_post = "pain pre"\n')


def _two_ids(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    rows[1]["patient_id"] = "K\u00ad101"
    return Input([write(folder, kind, rows)])


def _reads(column: str, value: str) -> Callable[[Run], None]:
    def check(run: Run) -> None:
        all_read("were written plainly in")(run)
        assert visit_of(run, 0)[column] == value, visit_of(run, 0)

    return check


def _reordered(text: str) -> str:
    header = text.splitlines()[0].split(",")
    return text + ",".join(reversed(header)) + "\n" + text.splitlines()[1] + "\n"


_HEADER = text_of().splitlines()[0]
_TOTALS = "Total,,,612,,,,,,,,,\nEnd of report\n\nPrinted on 2025-12-31 by reception\n"

FAULTS: tuple[Fault, ...] = (
    Fault(
        22,
        "byte-order-mark",
        "A byte order mark before the first header",
        FIX,
        (),
        given(lambda t: "\ufeff" + t),
        (CSV,),
        "Nothing.",
        _first_header_is_clean,
    ),
    Fault(
        22,
        "two-marks",
        "Two byte order marks",
        FIX,
        (),
        given(lambda t: "\ufeff\ufeff" + t),
        (CSV,),
        "Nothing.",
        _first_header_is_clean,
    ),
    Fault(
        22,
        "mark-inside",
        "Two exports put together, the second with mark and header",
        FIX,
        (),
        given(lambda t: t + "\ufeff" + _HEADER + "\n"),
        (CSV,),
        "Nothing.",
        not_data("repeated header", 1),
    ),
    Fault(
        23,
        "utf-16",
        "UTF-16 with its mark",
        FIX,
        (),
        given(lambda t: t.encode("utf-16")),
        (CSV,),
        "Nothing.",
        all_read(),
    ),
    Fault(
        23,
        "utf-16-big-endian",
        "UTF-16, big-endian, with its mark",
        FIX,
        (),
        given(lambda t: b"\xfe\xff" + t.encode("utf-16-be")),
        (CSV,),
        "Nothing.",
        all_read(),
    ),
    Fault(
        23,
        "utf-16-without-mark",
        "UTF-16 without a mark",
        ASK,
        ("E111",),
        given(lambda t: t.encode("utf-16-le")),
        (CSV,),
        '[file] encoding = "utf-16-le"',
        says('encoding = "utf-16-le"'),
    ),
    Fault(
        23,
        "utf-16-be-without-mark",
        "UTF-16, big-endian, without a mark",
        ASK,
        ("E111",),
        given(lambda t: t.encode("utf-16-be")),
        (CSV,),
        '[file] encoding = "utf-16-be"',
        says('encoding = "utf-16-be"'),
    ),
    Fault(
        24,
        "windows-text",
        "Windows text (CP1252)",
        ASK,
        ("E111",),
        given(_names("cp1252"), secrets=("Muñoz",)),
        (CSV,),
        '[file] encoding = "cp1252"',
        says('encoding = "cp1252"', "line 5 ", "line 9 ", "ñ"),
    ),
    Fault(
        24,
        "mac-text",
        "Mac text",
        ASK,
        ("E111",),
        given(_names("mac_roman")),
        (CSV,),
        '[file] encoding = "mac_roman"',
        says('encoding = "mac_roman"'),
    ),
    Fault(
        24,
        "dos-text",
        "DOS text (CP850)",
        ASK,
        ("E111",),
        given(_names("cp850")),
        (CSV,),
        '[file] encoding = "cp850"',
        says('encoding = "cp850"'),
    ),
    Fault(
        24,
        "windows-text-declared",
        "Windows text, declared",
        FIX,
        (),
        given(_names("cp1252"), '[file]\nencoding = "cp1252"\n'),
        (CSV,),
        "Nothing.",
        all_read(),
    ),
    Fault(
        25,
        "two-encodings",
        "UTF-8 and Windows text in one file",
        QUAR,
        ("E150",),
        given(_names("cp1252", (9,), (5, 7))),
        (CSV,),
        _UTF8,
        aside_lines("E150", 9),
    ),
    Fault(
        26,
        "null-byte",
        "A NUL byte in a cell",
        QUAR,
        ("E146",),
        _bytes_in(4, b"\0"),
        (CSV,),
        _EXPORT,
        aside_lines("E146", 4),
    ),
    Fault(
        26,
        "control-z",
        "An end-of-file mark of DOS as the last line",
        QUAR,
        ("E146",),
        given(lambda t: t + "\x1a"),
        (CSV,),
        _EXPORT,
        aside_lines("E146", 122),
    ),
    Fault(
        26,
        "escape",
        "A control character for terminals",
        QUAR,
        ("E146",),
        _bytes_in(4, b"\x1b[31m"),
        (CSV,),
        _EXPORT,
        aside_lines("E146", 4),
    ),
    Fault(
        26,
        "control-beyond-ascii",
        "A control character beyond ASCII",
        QUAR,
        ("E146",),
        _bytes_in(4, b"\xc2\x85"),
        (CSV,),
        _EXPORT,
        aside_lines("E146", 4),
    ),
    Fault(
        26,
        "control-in-cell",
        "A control character in a cell",
        QUAR,
        ("E146",),
        _control_in_cell,
        ("xlsx", "parquet"),
        _EXPORT,
        conserved,
    ),
    Fault(
        27,
        "quote-never-closed",
        "A quote that is opened and never closed",
        QUAR,
        ("E144",),
        line_as(6, lambda t: t.replace("lumbar", '"lumbar')),
        (CSV,),
        _EXPORT,
        aside_lines("E144", 6),
    ),
    Fault(
        27,
        "quote-swallows-rows",
        "A stray quote that a later one closes",
        QUAR,
        ("E144", "E145"),
        given(lambda t: t.replace("K102,", '"K102,', 1).replace("K103,", 'K103",', 1)),
        (CSV,),
        _EXPORT,
        conserved,
    ),
    Fault(
        28,
        "line-break-in-cell",
        "A line break inside a quoted cell: row numbers stay those of the file",
        QUAR,
        ("E2",),
        _with_break,
        (CSV,),
        "Nothing about the line break.",
        lambda run: _row_is(run, 13),
    ),
    Fault(
        29,
        "too-many-fields",
        "A row with a field too many",
        QUAR,
        ("E141",),
        line_as(8, lambda t: t + ",9"),
        (CSV,),
        _EXPORT,
        aside_lines("E141", 8),
    ),
    Fault(
        29,
        "trailing-delimiter",
        "A delimiter at the end of every row",
        REFUSE,
        ("E115",),
        given(lambda t: t.replace("\n", ",\n").replace(",\n", "\n", 1)),
        (CSV,),
        "Export with the same columns in all lines.",
        says("not one of its 120 rows"),
    ),
    Fault(
        30,
        "too-few-fields",
        "A row with a field too few",
        QUAR,
        ("E142",),
        line_as(8, lambda t: t.rpartition(",")[0]),
        (CSV,),
        _EXPORT,
        aside_lines("E142", 8),
    ),
    Fault(
        31,
        "separator-line",
        "A first line that names the delimiter",
        FIX,
        (),
        given(lambda t: "sep=;\n" + t.replace(",", ";")),
        (CSV,),
        "Nothing.",
        not_data("separator line", 1),
    ),
    Fault(
        31,
        "tabs",
        "Tabs in a file named .csv",
        FIX,
        (),
        given(lambda t: t.replace(",", "\t")),
        (CSV,),
        "Nothing.",
        all_read(),
    ),
    Fault(
        31,
        "one-row-by-semicolons",
        "One row split by another delimiter",
        QUAR,
        ("E142",),
        line_as(8, lambda t: t.replace(",", ";")),
        (CSV,),
        _EXPORT,
        aside_lines("E142", 8),
    ),
    Fault(
        31,
        "header-by-other-delimiter",
        "A header split by commas and rows by semicolons",
        REFUSE,
        ("E115",),
        given(lambda t: t.split("\n", 1)[0] + "\n" + t.split("\n", 1)[1].replace(",", ";")),
        (CSV,),
        "Export again with one delimiter.",
        says("as it has split by semicolon"),
    ),
    Fault(
        32,
        "carriage-returns",
        "Line ends of an old Mac",
        FIX,
        (),
        given(lambda t: t.replace("\n", "\r")),
        (CSV,),
        "Nothing.",
        all_read(),
    ),
    Fault(
        32,
        "mixed-line-ends",
        "Line ends of two kinds",
        FIX,
        (),
        given(lambda t: t.replace("\n", "\r\n", 40)),
        (CSV,),
        "Nothing.",
        all_read(),
    ),
    Fault(
        33,
        "blank-lines",
        "Blank lines and lines of commas",
        FIX,
        (),
        given(lambda t: t.replace("\n", "\n\n", 2) + ",,,,,,,,,,,,\n,,,\n"),
        (CSV,),
        "Nothing.",
        not_data("blank line", 4),
    ),
    Fault(
        34,
        "lines-above-the-header",
        "Lines above the header",
        ASK,
        ("E121",),
        given(lambda t: "Clinic export\nprinted 2025-12-31\n\n" + t),
        (CSV,),
        "[file] header_row = 4",
        says("header_row = 4"),
    ),
    Fault(
        35,
        "header-again",
        "The header again in the middle",
        FIX,
        (),
        given(lambda t: t + t.split("\n")[0] + "\n"),
        (CSV,),
        "Nothing.",
        not_data("repeated header", 1),
    ),
    Fault(
        35,
        "header-again-in-other-order",
        "Another header in the middle",
        REFUSE,
        ("E124",),
        given(_reordered),
        (CSV,),
        "Split the file there and give both files.",
        says("row 122"),
    ),
    Fault(
        36,
        "totals-and-footers",
        "Totals, 'End of report', a signature at the end",
        FIX,
        (),
        given(lambda t: t + _TOTALS),
        (CSV,),
        "Nothing.",
        not_data("totals and footers", 3),
    ),
    Fault(
        36,
        "totals-in-table",
        "A row of totals",
        FIX,
        (),
        lambda folder, kind: _total(folder, kind),
        EVERYWHERE,
        "Nothing.",
        not_data("totals and footers", 1),
    ),
    Fault(
        37,
        "comment-lines-declared",
        "Comment lines, declared",
        FIX,
        (),
        given(lambda t: "# made by X\n" + t + "# end\n", '[file]\ncomment = "#"\n'),
        (CSV,),
        "Nothing.",
        not_data("comment", 2),
    ),
    Fault(
        37,
        "comment-lines",
        "Comment lines, not declared",
        QUAR,
        ("E142",),
        given(lambda t: t + "# handwritten remark\n"),
        (CSV,),
        '[file] comment = "#"',
        aside_lines("E142", 122),
    ),
    Fault(
        38,
        "invisible-in-header",
        "Invisible characters in a header",
        FIX,
        (),
        _fold_header,
        EVERYWHERE,
        "Nothing.",
        all_read("in the header of column E were left out"),
    ),
    Fault(
        38,
        "invisible-in-code",
        "Invisible characters in a code",
        FIX,
        (),
        _fold("region", "lum\u00adbar\u200b\u00a0"),
        EVERYWHERE,
        "Nothing.",
        _reads("region", "lumbar"),
    ),
    Fault(
        38,
        "right-to-left-mark",
        "A mark that turns the direction of writing",
        FIX,
        (),
        _fold("function_instrument", "\u202eodi\u202c"),
        EVERYWHERE,
        "Nothing.",
        _reads("function_instrument", "odi"),
    ),
    Fault(
        38,
        "guarded-text",
        'A text guarded against spreadsheets (`="odi"`)',
        FIX,
        (),
        _fold("function_instrument", '="odi"'),
        ("csv", "parquet"),
        "Nothing.",
        _reads("function_instrument", "odi"),
    ),
    Fault(
        38,
        "ids-equal-when-folded",
        "Two ids that differ in an invisible character only",
        ASK,
        ("E118",),
        _two_ids,
        EVERYWHERE,
        '[values] similar_ids = "same"',
        says("similar_ids"),
    ),
    Fault(
        39,
        "full-width-digit",
        "A full-width digit",
        FIX,
        (),
        _fold("pain_pre", "\uff18"),
        EVERYWHERE,
        "Nothing.",
        _reads("pain_pre_nrs", "8"),
    ),
    Fault(
        39,
        "arabic-digits",
        "Digits of another script",
        FIX,
        (),
        _fold("age", "\u0662\u0665"),
        EVERYWHERE,
        "Nothing.",
        _reads("age", "25"),
    ),
    Fault(
        39,
        "superscript",
        "A small digit that is a footnote, not a number",
        QUAR,
        ("E2",),
        _fold("pain_pre", "7\u00b2"),
        EVERYWHERE,
        "Correct the cell.",
        conserved,
    ),
)


def _row_is(run: Run, row: int) -> None:
    conserved(run)
    assert [int(found["source_row"]) for found in run.table("quarantine")] == [row]


def _total(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    total = dict.fromkeys(rows[0], "") | {"patient_id": "Grand total", "pain_pre": "612"}
    return Input([write(folder, kind, [*rows, total])])
