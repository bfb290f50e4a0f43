"""What a file is, by its first bytes and its name: CSV, XLSX and Parquet are read, the rest is refused by name."""

from __future__ import annotations

import re
from pathlib import Path

from outcomes.records.rules import refuse

_SUPPORTED = "Supported are CSV (text), Excel workbooks (.xlsx) and Parquet."
_AS_CSV = "Export the table as CSV."
_UNPACK = "Unpack it first, and give the table in it."
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook (.xls) or a workbook with a password",
        "Save an unprotected copy as .xlsx or CSV.",
    ),
    (b"PARE", "an encrypted Parquet file", "Write it again without encryption."),
    (b"\x93NUMPY", "a NumPy array", _AS_CSV),
    (b"ARROW1", "a Feather or Arrow file", "Write it as Parquet or CSV."),
    (b"FEA1", "a Feather file", "Write it as Parquet or CSV."),
    (b"\x89HDF", "an HDF5 file", _AS_CSV),
    (b"RDX2\n", "an R data file", _AS_CSV),
    (b"RDX3\n", "an R data file", _AS_CSV),
    (b"X\n\x00\x00", "an R data file", _AS_CSV),
    (b"\x1f\x8b", "a gzip archive (or an R data file)", _UNPACK),
    (b"BZh", "a bzip2 archive (or an R data file)", _UNPACK),
    (b"\xfd7zXZ", "an xz archive (or an R data file)", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"x\x9c", "zlib data (a joblib file, perhaps)", _AS_CSV),
    (b"$FL", "an SPSS file", _AS_CSV),
    (bytes(12) + b"\xc2\xea\x81\x60", "a SAS data set", _AS_CSV),
    (b"HEADER RECORD*******LIB", "a SAS transport file", _AS_CSV),
    (b"SQLite format 3", "a SQLite database", _AS_CSV),
    (b"\x00\x01\x00\x00Standard ", "an Access database", _AS_CSV),
    (b"%PDF", "a PDF", _AS_CSV),
    (b"{\\rtf", "an RTF document", _AS_CSV),
    (b"<stata_dta>", "a Stata file", _AS_CSV),
    (b"\x89PNG", "a picture", _AS_CSV),
    (b"\xff\xd8\xff", "a picture", _AS_CSV),
    (b"GIF8", "a picture", _AS_CSV),
    (b"\x7fELF", "a program", _AS_CSV),
    (b"MZ\x90\x00", "a program", _AS_CSV),
)
_REFUSED_NAMES = {
    "pkl pickle joblib dill": "a Python pickle, which can run code when it is opened",
    "npy npz": "a NumPy array",
    "rds rda rdata": "an R data file",
    "feather arrow": "a Feather or Arrow file",
    "h5 hdf5 hdf": "an HDF5 file",
    "sav zsav por": "an SPSS file",
    "dta": "a Stata file",
    "sas7bdat xpt": "a SAS data set",
    "ods numbers": "a spreadsheet of another kind",
    "mdb accdb db sqlite": "a database",
}
_KIND_OF_NAME = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), "csv"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb"), "xlsx"),
    **dict.fromkeys((".parquet", ".pq", ".parq"), "parquet"),
    **dict.fromkeys((".zip", ".gz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".tgz", ".zst"), "an archive"),
    **dict.fromkeys((".json", ".xml", ".html", ".htm", ".pdf", ".doc", ".docx", ".rtf"), "a document"),
}
_WORDS = {"csv": "a text table (CSV)", "xlsx": "an Excel workbook (.xlsx)", "parquet": "a Parquet file"}
_PICKLE = re.compile(
    rb"\x80[\x02-\x05]|\(?c(?:posix|os|nt|builtins|__builtin__|copy_reg|subprocess)\n|\(dp\d+\n|\(lp\d+\n"
)
_XML_STARTS = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<head", b"<body")


def find_kind(path: Path, name: str = "") -> str:
    """Return ``"csv"``, ``"xlsx"`` or ``"parquet"`` by content; the name must not say something else.

    Messages show the file by `name`, or by its own.

    Raises
    ------
    InputRefused
        The file is something else, or its name ends like that of another kind; the message says what it is.
    """
    with path.open("rb") as file:
        top = file.read(4096)
    what = _find_other(top) or _find_other_name(path)
    if what:
        raise refuse("E104", f"this is {what[0]}. {_SUPPORTED}", name or path.name, what[1])
    kind = "csv"
    if top.startswith(b"PAR1"):
        kind = "parquet"
    elif top.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        kind = "xlsx"
    named = _KIND_OF_NAME.get(path.suffix.lower(), kind)
    if named != kind and not (kind == "xlsx" and not _is_workbook(path)):
        ending = {"csv": ".csv", "xlsx": ".xlsx", "parquet": ".parquet"}[kind]
        raise refuse(
            "E116",
            f"the name ends in {path.suffix}, but this is {_WORDS[kind]}.",
            name or path.name,
            f"Check that it is the file you mean, and rename it to end in {ending}.",
        )
    return kind


def _is_workbook(path: Path) -> bool:
    """Whether a zip archive calls itself a workbook; what it is otherwise, the workbook's reader says."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return False


def _find_other(top: bytes) -> tuple[str, str] | None:
    """Return what a file that is not read is, by its first bytes, and the remedy."""
    for mark, name, remedy in _SIGNATURES:
        if top.startswith(mark):
            return name, remedy
    text = top.decode("utf-16", "ignore").encode() if top.startswith((b"\xff\xfe", b"\xfe\xff")) else top
    start = text.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_XML_STARTS):
        kind = "an XML file" if start.startswith(b"<?xml") and b"<html" not in start else "an HTML page"
        return f"{kind}, whatever its name says", "Open it in a spreadsheet and save it as .xlsx or CSV."
    if _PICKLE.match(top):
        return "a Python pickle, which can run code when it is opened", _AS_CSV
    if start.startswith((b"{", b"[")):
        return "JSON", _AS_CSV
    if top[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    return None


def _find_other_name(path: Path) -> tuple[str, str] | None:
    """Return what a file is that must not be opened by its name alone."""
    ending = path.suffix.lower().lstrip(".")
    for endings, name in _REFUSED_NAMES.items():
        if ending in endings.split():
            return f"{name}, by its name", _AS_CSV
    return None
