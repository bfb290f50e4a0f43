"""From paths to records: which reader, which files twice, and what cannot be read at all.

The content of a file decides, not its name. What is not CSV, XLSX or Parquet is refused by name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from outcomes.errors import Finding, InputRefused
from outcomes.records.assemble import combine_parts, tidy_part
from outcomes.records.mapping import Mapping
from outcomes.records.model import Part, Records
from outcomes.records.rules import refuse

_SUPPORTED = "Supported are CSV (text), Excel workbooks (.xlsx) and Parquet."
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook (.xls) or a workbook with a password",
        "Save an unprotected copy as .xlsx or CSV.",
    ),
    (b"PARE", "an encrypted Parquet file", "Write it again without encryption."),
    (b"\x93NUMPY", "a NumPy array", "Export the table as CSV."),
    (b"ARROW1", "a Feather or Arrow file", "Write it as Parquet or CSV."),
    (b"FEA1", "a Feather file", "Write it as Parquet or CSV."),
    (b"\x89HDF", "an HDF5 file", "Export the table as CSV."),
    (b"\x1f\x8b", "a gzip archive (or an R data file)", "Unpack it first, or export the table as CSV."),
    (b"BZh", "a bzip2 archive (or an R data file)", "Unpack it first, or export the table as CSV."),
    (b"\xfd7zXZ", "an xz archive (or an R data file)", "Unpack it first, or export the table as CSV."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it first."),
    (b"Rar!", "a RAR archive", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "Unpack it first."),
    (b"$FL", "an SPSS file", "Export the table as CSV."),
    (b"SQLite format 3", "a SQLite database", "Export the table as CSV."),
    (b"%PDF", "a PDF", "Export the table as CSV."),
    (b"{\\rtf", "an RTF document", "Export the table as CSV."),
    (b"<stata_dta>", "a Stata file", "Export the table as CSV."),
)


def read_records(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    mapping: Mapping | str | os.PathLike[str] | None = None,
) -> Records:
    """Read one or more visit exports, every cell as text.

    Parameters
    ----------
    paths : path or sequence of paths
        CSV, XLSX or Parquet; the content decides. Files are put under each other in the order given; a file given
        twice (the same bytes) is read once and a note says so.
    mapping : Mapping, path of a mapping.toml, or None
        How the export is written; None for canonical headers.

    Returns
    -------
    Records

    Raises
    ------
    ConfigError
        The mapping cannot be used.
    InputRefused
        A file cannot be read without guessing; the message names file, place and remedy.
    """
    chosen = mapping if isinstance(mapping, Mapping) else Mapping() if mapping is None else Mapping.load(Path(mapping))
    listed = [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]
    if not listed:
        raise refuse("E101", "no file was given.", "", "Name at least one export.")
    _check_readable(listed)
    files, notes = _drop_repeats(listed)
    parts = [_read_part(path, chosen) for path in files]
    with_rows = [part for part in parts if len(part.rows)]
    if not with_rows:
        raise InputRefused("There is no record to read.", [_no_rows(part) for part in parts])
    notes += [str(_no_rows(part)) for part in parts if not len(part.rows)]
    records = combine_parts(parts, chosen, notes)
    # What the parser freed stays with Arrow's allocator, a third of the memory at this point, unless it is asked for.
    pa.default_memory_pool().release_unused()
    return records


def hash_file(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_kind(path: Path) -> str:
    """Return ``"csv"``, ``"xlsx"`` or ``"parquet"`` by content.

    Raises
    ------
    InputRefused
        The file is something else; the message says what.
    """
    with path.open("rb") as file:
        top = file.read(4096)
    if top.startswith(b"PAR1"):
        return "parquet"
    if top.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "xlsx"
    what = next(((name, remedy) for mark, name, remedy in _SIGNATURES if top.startswith(mark)), None)
    start = top.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if what is None and start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<head", b"<body")):
        kind = "an XML file" if start.startswith(b"<?xml") and b"<html" not in start else "an HTML page"
        what = (f"{kind}, whatever its name says", "Open it in a spreadsheet and save it as .xlsx or CSV.")
    if what is None and top[:1] == b"\x80" and top[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        what = ("a Python pickle, which can run code when it is opened", "Export the table as CSV.")
    if what is None and start.startswith((b"{", b"[")):
        what = ("JSON", "Export the table as CSV.")
    if what:
        raise refuse("E104", f"this is {what[0]}. {_SUPPORTED}", path.name, what[1])
    return "csv"


def _check_readable(paths: Sequence[Path]) -> None:
    """Refuse what is not there, is a folder, cannot be opened or is empty; all of them at once."""
    findings = []
    for path in paths:
        try:
            if path.is_dir():
                findings.append(Finding("E102", "this is a folder.", str(path), "Name the files in it."))
            elif not path.exists():
                findings.append(Finding("E101", "there is no such file.", str(path), "Check the path."))
            elif not path.is_file():
                findings.append(Finding("E101", "this is not a plain file.", str(path), "Save it to disk first."))
            elif path.stat().st_size == 0:
                findings.append(Finding("E103", "the file is empty (0 bytes).", path.name, "Export it again."))
            else:
                path.open("rb").close()
        except OSError as error:
            findings.append(Finding("E101", f"{error.strerror}.", str(path), "Check the file and its permissions."))
    if findings:
        raise InputRefused("The input cannot be read.", findings)


def _drop_repeats(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Leave out files whose bytes came before; a hash is only taken where two sizes agree."""
    kept: list[Path] = []
    notes: list[str] = []
    hashes: dict[Path, str] = {}
    for path in paths:
        rivals = [other for other in kept if other.stat().st_size == path.stat().st_size]
        for file in (path, *rivals) if rivals else ():
            hashes[file] = hashes.get(file) or hash_file(file)
        same = next((other for other in rivals if hashes[other] == hashes[path]), None)
        if same is None:
            kept.append(path)
        else:
            notes.append(f"{path.name} holds the same bytes as {same.name} and was read once.")
    return kept, notes


def _read_part(path: Path, mapping: Mapping) -> Part:
    """Read one file and take out what is no record."""
    try:
        before = path.stat()
        kind = find_kind(path)
        if kind == "csv":
            from outcomes.records.csv import read_csv

            part = read_csv(path, mapping)
        elif kind == "xlsx":
            from outcomes.records.workbook import read_workbook

            part = read_workbook(path, mapping)
        else:
            from outcomes.records.parquet import read_parquet

            part = read_parquet(path, mapping)
        after = path.stat()
    except OSError as error:
        reason = error.strerror or "read error"
        raise refuse("E101", f"reading failed: {reason}.", path.name, "Copy it to a local disk.") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise refuse("E106", "the file changed while it was read.", path.name, "Wait for the export to end; run again.")
    tidy_part(part, mapping)
    return part


def _no_rows(part: Part) -> Finding:
    return Finding("E113", "the file has a header line but no rows.", part.file.name, "Export it again with its rows.")
