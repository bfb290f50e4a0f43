"""Files and containers: entries 1 to 21."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from faults.catalogue import MERGE, QUAR, REFUSE, WARN, Fault, Input, Run, says
from faults.exports import CSV, EVERYWHERE, PARQUET, XLSX, clean_rows, conserved, told, write
from faults.workbooks import cell, clean_parts, lines_of, pack, parts, sheet


def aside_lines(code: str, *rows: int) -> Callable[[Run], None]:
    """Check that exactly these rows of the file, as an editor counts them, were set aside under this rule."""

    def check(run: Run) -> None:
        conserved(run)
        found = run.table("quarantine")
        assert [(row["code"], int(row["source_row"])) for row in found] == [(code, row) for row in rows]
        assert all(row["rule"] and row["remedy"] for row in found)

    return check


_AGAIN = "Export it again."
_SAVE_COPY = "Save a copy with values only, as .xlsx or CSV."
Make = Callable[[Path, str], Input]


def _bytes(data: bytes, name: str = "visits.csv") -> Make:
    def make(folder: Path, _: str) -> Input:
        (folder / name).write_bytes(data)
        return Input([folder / name])

    return make


def _empty(folder: Path, kind: str) -> Input:
    return _bytes(b"", f"visits.{kind}")(folder, kind)


def _header_only(folder: Path, kind: str) -> Input:
    rows = clean_rows(1)
    if kind == PARQUET:
        path = folder / "visits.parquet"
        pq.write_table(pa.table({head: pa.array([], pa.string()) for head in rows[0]}), path)
        return Input([path])
    if kind == XLSX:
        return Input([pack(folder, parts({"Data": sheet([list(rows[0])])}))])
    return _bytes((",".join(rows[0]) + "\n").encode())(folder, kind)


def _missing(folder: Path, kind: str) -> Input:
    return Input([folder / f"none.{kind}"])


def _folder(folder: Path, kind: str) -> Input:
    (folder / f"visits.{kind}").mkdir()
    return Input([folder / f"visits.{kind}"])


def _named(kind: str, ending: str) -> Make:
    def make(folder: Path, _: str) -> Input:
        path = write(folder, kind, clean_rows())
        return Input([path.rename(folder / f"visits.{ending}")])

    return make


def _cut(n_bytes: int) -> Make:
    """A file without its last bytes."""

    def make(folder: Path, kind: str) -> Input:
        path = write(folder, kind, clean_rows())
        path.write_bytes(path.read_bytes()[:-n_bytes])
        return Input([path])

    return make


def _with_line(line: str, cut_rows: int = 0) -> Make:
    """The small export, some of its last rows lost, and a line more."""

    def make(folder: Path, kind: str) -> Input:
        path = write(folder, kind, clean_rows()[: -cut_rows or None])
        path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
        return Input([path])

    return make


def _long(n_rows: int) -> Make:
    """An export of so many records."""

    def make(folder: Path, kind: str) -> Input:
        header, cells = ["patient_id", "visit_date"], ["K101", "2025-01-06"]
        path = folder / f"visits.{kind}"
        if kind == XLSX:
            # Rows that were never filled are not written, but counted: the last one tells how many there are.
            last = n_rows + 1
            return Input(
                [
                    pack(
                        folder,
                        parts({"Data": sheet([header, cells], f'<row r="{last}">{cell("K102", f"A{last}")}</row>')}),
                    )
                ]
            )
        if kind == CSV:
            path.write_text(",".join(header) + "\n" + (",".join(cells) + "\n") * n_rows, encoding="utf-8")
            return Input([path])
        column = pa.nulls(n_rows, pa.int8()).fill_null(1).cast(pa.string())
        pq.write_table(pa.table({"patient_id": column, "visit_date": column}), path)
        return Input([path])

    return make


def _parts(change: Callable[[dict[str, bytes]], Any]) -> Make:
    """The clean workbook with its parts changed."""

    def make(folder: Path, _: str) -> Input:
        content = clean_parts()
        change(content)
        return Input([pack(folder, content)])

    return make


def _part(name: str, data: bytes = b"x") -> Make:
    return _parts(lambda content: content.update({name: data}))


def _entity(part: str, text: bytes) -> Make:
    """An entity declared at the top of a part."""

    def change(content: dict[str, bytes]) -> None:
        body = content.get(part, b'<?xml version="1.0"?><properties/>')
        content[part] = body.replace(b"?>", b"?>" + text, 1) if body.startswith(b"<?xml") else text + body

    return _parts(change)


def _claims_600_mb(folder: Path, kind: str) -> Input:
    """A directory of parts that says one of them unpacks to 600 MB."""
    path = _part("xl/media/image1.png", os.urandom(20_000))(folder, kind).files[0]
    data = bytearray(path.read_bytes())
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 600_000_000)
    path.write_bytes(bytes(data))
    return Input([path])


def _far_cell(place: str, row: str = "1048576", more: str = "") -> Make:
    def make(folder: Path, _: str) -> Input:
        return Input([pack(folder, clean_parts(f'<row r="{row}"><c r={place}><v>1</v></c></row>', more))])

    return make


def _lying_dimension(folder: Path, _: str) -> Input:
    return Input([pack(folder, clean_parts(before='<dimension ref="A1:XFD1048576"/>'))])


def _many_rows_declared(folder: Path, _: str) -> Input:
    path = folder / "visits.parquet"
    schema = pa.schema([("patient_id", pa.string()), ("visit_date", pa.string())])
    batch = pa.table({name: pa.nulls(3_000_000, pa.string()) for name in schema.names})
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(17):
            writer.write_table(batch, row_group_size=3_000_000)
    return Input([path])


def _many_columns(folder: Path, _: str) -> Input:
    path = folder / "visits.parquet"
    pq.write_table(pa.table({f"c{i}": pa.array([1], pa.int8()) for i in range(5_001)}), path)
    return Input([path])


def _parquet(change: Callable[[pa.Table], pa.Table], **options: Any) -> Make:
    def make(folder: Path, _: str) -> Input:
        rows = clean_rows()
        table = pa.table({head: [row[head] for row in rows] for head in rows[0]})
        pq.write_table(change(table), folder / "visits.parquet", **options)
        return Input([folder / "visits.parquet"])

    return make


def _with_field(table: pa.Table, name: str, values: pa.Array, metadata: dict[str, str]) -> pa.Table:
    field = pa.field(name, values.type, metadata=metadata)
    at = table.schema.get_field_index(name)
    return table.append_column(field, values) if at < 0 else table.set_column(at, field, values)


def _pickled(table: pa.Table) -> pa.Table:
    values = pa.array([pickle.dumps(i) for i in range(len(table))])
    return _with_field(table, "notes", values, {"ARROW:extension:name": "arrow.py_extension_type"})


def _objects(table: pa.Table) -> pa.Table:
    columns = [{"name": "region", "field_name": "region", "pandas_type": "mixed", "numpy_type": "object"}]
    values = pa.array([pickle.dumps(i) for i in range(len(table))])
    return _with_field(table, "region", values, {}).replace_schema_metadata(
        {"pandas": json.dumps({"columns": columns})}
    )


def _extension(table: pa.Table) -> pa.Table:
    return _with_field(
        table, "region", pa.array([b"0" * 16] * len(table), pa.binary(16)), {"ARROW:extension:name": "x.y"}
    )


def _unknown_codec(folder: Path, kind: str) -> Input:
    path = _parquet(lambda table: table, compression="snappy")(folder, kind).files[0]
    data = path.read_bytes()
    # Thrift of a column chunk's meta data: field 4 (i32), the codec, 1 for snappy; 3 is LZO, which nobody has.
    size = struct.unpack("<I", data[-8:-4])[0]
    footer = data[-8 - size : -8]
    marked = footer.replace(b"\x19\x18\x0apatient_id\x15\x02", b"\x19\x18\x0apatient_id\x15\x06")
    assert marked != footer
    path.write_bytes(data[: -8 - size] + marked + data[-8:])
    return Input([path])


def _zip(members: dict[str, bytes], link: str = "") -> Make:
    def make(folder: Path, _: str) -> Input:
        path = folder / "visits.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
            if link:
                info = zipfile.ZipInfo(link)
                info.external_attr = 0o120777 << 16
                archive.writestr(info, "/etc/passwd")
        return Input([path])

    return make


def _feather(folder: Path, _: str) -> Input:
    feather.write_feather(pa.table({"patient_id": ["K1"]}), str(folder / "visits.feather"), compression="uncompressed")
    return Input([folder / "visits.feather"])


def _twice(folder: Path, kind: str) -> Input:
    path = write(folder, kind, clean_rows())
    again = folder / f"again.{kind}"
    again.write_bytes(path.read_bytes())
    return Input([path, again])


def _as_it_is(folder: Path, kind: str) -> Input:
    return Input([write(folder, kind, clean_rows())])


@contextlib.contextmanager
def _somebody_writes(same_size: bool) -> Iterator[None]:
    """Write to the file once its kind is known; with `same_size` as a program would that hides it."""
    from outcomes.records import reading

    found = reading.find_kind

    def find_and_write(path: Path, name: str) -> str:
        kind, before, data = found(path, name), path.stat(), path.read_bytes()
        path.write_bytes(data.replace(b"north", b"south", 1) if same_size else data + data[-1:])
        if same_size:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return kind

    with mock.patch.object(reading, "find_kind", find_and_write):
        yield


@contextlib.contextmanager
def _disk_fails() -> Iterator[None]:
    """Every read of the export's content ends in an error of the device."""

    class Failing(io.BufferedReader):
        def read(self, *_: Any) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        readinto = readline = read  # type: ignore[assignment]

    opened = Path.open

    def fail(path: Path, *args: Any, **options: Any) -> Any:
        if path.stem != "visits" or "w" in args[:1]:
            return opened(path, *args, **options)
        return Failing(io.FileIO(path))

    with mock.patch.object(Path, "open", fail):
        yield


def _long_cell(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    if kind == XLSX:
        lines = lines_of(rows)
        lines[3][lines[0].index("modalities")] = "".join(map(str, range(300_000)))
        return Input([pack(folder, parts({"Data": sheet(lines)}))])
    rows[2]["modalities"] = "heat " * 300_000
    return Input([write(folder, kind, rows)])


def _one_line(folder: Path, _: str) -> Input:
    path = write(folder, CSV, clean_rows())
    with path.open("ab") as stream:
        for _ in range(30):
            stream.write(b"x" * 1_000_000)
    return Input([path])


_DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]>'
_EXTERNAL = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
_DDE = '<row r="9000"><c r="A9000" t="str"><f>cmd|\'/c calc\'!A1</f><v>1</v></c></row>'
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
_ODS = {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}
_CSV = b"patient_id,visit_date\nK1,2025-01-06\n"

FAULTS: tuple[Fault, ...] = (
    Fault(1, "empty", "A file of 0 bytes", REFUSE, ("E103",), _empty, EVERYWHERE, _AGAIN),
    Fault(2, "header-only", "A header line and no rows", REFUSE, ("E113",), _header_only, EVERYWHERE, _AGAIN),
    Fault(3, "missing", "A file that is not there", REFUSE, ("E101",), _missing, EVERYWHERE, "Check the path."),
    Fault(3, "folder", "A folder instead of a file", REFUSE, ("E102",), _folder, EVERYWHERE, "Name the files in it."),
    Fault(
        4,
        "workbook-named-csv",
        "An Excel workbook named .csv",
        REFUSE,
        ("E116",),
        _named(XLSX, "csv"),
        (XLSX,),
        "Rename it.",
        says("an Excel workbook"),
    ),
    Fault(
        4,
        "parquet-named-csv",
        "A Parquet file named .csv",
        REFUSE,
        ("E116",),
        _named(PARQUET, "csv"),
        (PARQUET,),
        "Rename it.",
        says("a Parquet file"),
    ),
    Fault(
        4,
        "text-named-xlsx",
        "A CSV file named .xlsx",
        REFUSE,
        ("E116",),
        _named(CSV, "xlsx"),
        (CSV,),
        "Rename it.",
        says("a text table"),
    ),
    Fault(
        4,
        "text-named-zip",
        "A CSV file named .zip",
        REFUSE,
        ("E116",),
        _named(CSV, "zip"),
        (CSV,),
        "Rename it.",
        says("a text table"),
    ),
    Fault(
        4,
        "html-named-xls",
        "An HTML table named .xls",
        REFUSE,
        ("E104",),
        _bytes(b"<html><table><tr><td>1</td></tr></table></html>", "visits.xls"),
        (CSV,),
        "Open it in a spreadsheet and save it as .xlsx or CSV.",
        says("an HTML page"),
    ),
    Fault(
        5,
        "cut-in-a-row",
        "A file cut off in the middle of a row",
        QUAR,
        ("E143",),
        _cut(30),
        (CSV,),
        _AGAIN,
        aside_lines("E143", 121),
    ),
    Fault(
        5,
        "cut-in-the-last-cell",
        "A last line without its end",
        WARN,
        (),
        _cut(1),
        (CSV,),
        _AGAIN,
        says("the last line (row 121) has no line end"),
    ),
    Fault(
        5,
        "fewer-rows-than-stated",
        "A last line that states more rows than there are",
        REFUSE,
        ("E117",),
        _with_line("Records: 120\n", cut_rows=4),
        (CSV,),
        _AGAIN,
        says("states 120 rows, but 116 stand"),
    ),
    Fault(
        5,
        "another-total",
        "A last line with a total that is not the number of rows, nor says that it is",
        WARN,
        (),
        _with_line("Total: 120\n", cut_rows=4),
        (CSV,),
        _AGAIN,
        says("states a total of 120, but 116 rows stand in the file"),
    ),
    Fault(
        6,
        "cut-container",
        "A workbook or Parquet file that is cut off",
        REFUSE,
        ("E105",),
        _cut(40),
        (XLSX, PARQUET),
        "Download or export it again.",
    ),
    Fault(
        7,
        "row-limit",
        "65,536 rows, the header among them",
        REFUSE,
        ("E107",),
        _long(65_535),
        EVERYWHERE,
        "Export as CSV; or, if nothing is missing, [file] accept_row_limit = true.",
    ),
    Fault(
        7,
        "row-limit-of-records",
        "65,536 rows and a header",
        REFUSE,
        ("E107",),
        _long(65_536),
        (CSV, PARQUET),
        "As above.",
    ),
    Fault(
        7,
        "one-below-the-limit",
        "65,535 rows, the header among them",
        REFUSE,
        ("E107",),
        _long(65_534),
        (CSV, PARQUET),
        "As above.",
    ),
    Fault(7, "row-limit-of-xlsx", "1,048,576 rows", REFUSE, ("E107",), _long(1_048_576), (PARQUET,), "As above."),
    Fault(
        8,
        "packed-1000-to-1",
        "A workbook with a part packed more than 100 to 1",
        REFUSE,
        ("E108",),
        _part("xl/media/a.bin", bytes(5_000_000)),
        (XLSX,),
        "Export the table as CSV.",
    ),
    Fault(
        8,
        "unpacks-to-600-mb",
        "A workbook that unpacks to more than 500 MB",
        REFUSE,
        ("E108",),
        _claims_600_mb,
        (XLSX,),
        "Export the table as CSV.",
    ),
    Fault(
        8,
        "many-parts",
        "A workbook of more than 2,000 parts",
        REFUSE,
        ("E108",),
        _parts(lambda content: content.update({f"xl/{i}.xml": b"" for i in range(2_001)})),
        (XLSX,),
        "Export the table as CSV.",
    ),
    Fault(
        9,
        "far-cell",
        "A 5 kB workbook with one cell in the far corner: 550 GB",
        REFUSE,
        ("E108",),
        _far_cell('"XFD1048576"'),
        (XLSX,),
        "Delete the far cells, or export as CSV.",
    ),
    Fault(
        9,
        "far-cell-in-disguise",
        "The same, written so that a first look does not see it",
        REFUSE,
        ("E108",),
        _far_cell('\n"XFD1048576"'),
        (XLSX,),
        "Delete the far cells, or export as CSV.",
    ),
    Fault(
        9,
        "far-row",
        "A sheet of few rows with one cell a million rows below",
        REFUSE,
        ("E108",),
        _far_cell('"A1048576"'),
        (XLSX,),
        "Delete the far cells, or export as CSV.",
    ),
    Fault(
        9,
        "beyond-the-last-column",
        "A cell beyond the last column there is",
        REFUSE,
        ("E108",),
        _far_cell('"AAAA130"', "130"),
        (XLSX,),
        "Delete the far cells, or export as CSV.",
    ),
    Fault(
        9,
        "lying-dimension",
        "A sheet that says it reaches the far corner, and does not",
        "KEEP",
        (),
        _lying_dimension,
        (XLSX,),
        "Nothing.",
    ),
    *(
        Fault(
            10,
            f"entity-in-{name}",
            f"XML entities in {name} of a workbook",
            REFUSE,
            ("E109",),
            _entity(part, text),
            (XLSX,),
            "Save it again from a spreadsheet.",
        )
        for name, part, text in (
            ("the-sheet", "xl/worksheets/sheet1.xml", _DOCTYPE),
            ("the-book", "xl/workbook.xml", _DOCTYPE),
            ("shared-strings", "xl/sharedStrings.xml", _DOCTYPE),
            ("styles", "xl/styles.xml", _EXTERNAL),
            ("properties", "docProps/app.xml", _EXTERNAL),
            ("relations", "_rels/.rels", _DOCTYPE),
        )
    ),
    Fault(
        11,
        "many-rows-declared",
        "A Parquet footer that declares more rows than can be true",
        REFUSE,
        ("E108",),
        _many_rows_declared,
        (PARQUET,),
        "Split it by year or clinic.",
        says("51,000,000 rows"),
    ),
    Fault(
        11,
        "many-columns-declared",
        "A Parquet footer that declares thousands of columns",
        REFUSE,
        ("E108",),
        _many_columns,
        (PARQUET,),
        "Leave out what is not needed.",
    ),
    Fault(
        12,
        "pickled-column",
        "A Parquet column of pickled objects, read or not",
        REFUSE,
        ("E128",),
        _parquet(_pickled),
        (PARQUET,),
        "Write it as text, or leave it out.",
        says('column "notes"'),
    ),
    Fault(
        12,
        "object-column",
        "A Parquet column of mixed Python objects",
        REFUSE,
        ("E128",),
        _parquet(_objects),
        (PARQUET,),
        "Write it as text, or leave it out.",
        says('column "region" (H)'),
    ),
    Fault(
        12,
        "extension-type",
        "A Parquet column of an extension type",
        REFUSE,
        ("E125",),
        _parquet(_extension),
        (PARQUET,),
        "Write it as text, number or date.",
        says('column "region" (H)'),
    ),
    Fault(
        12,
        "unknown-codec",
        "A Parquet column packed in an unknown way",
        REFUSE,
        ("E105",),
        _unknown_codec,
        (PARQUET,),
        "Write it with snappy or zstd.",
        says('column "patient_id" (A)'),
    ),
    Fault(
        12,
        "encrypted-parquet",
        "An encrypted Parquet file",
        REFUSE,
        ("E104",),
        _bytes(b"PARE" + bytes(100) + b"PARE", "visits.parquet"),
        (PARQUET,),
        "Write it without encryption.",
    ),
    Fault(13, "macros", "A workbook with macros", REFUSE, ("E109",), _part("xl/vbaProject.bin"), (XLSX,), _SAVE_COPY),
    Fault(
        13,
        "old-macros",
        "A workbook with a macro sheet",
        REFUSE,
        ("E109",),
        _part("xl/macrosheets/sheet1.xml"),
        (XLSX,),
        _SAVE_COPY,
    ),
    Fault(
        13,
        "external-links",
        "A workbook linked to others",
        REFUSE,
        ("E109",),
        _part("xl/externalLinks/externalLink1.xml"),
        (XLSX,),
        _SAVE_COPY,
    ),
    Fault(
        13,
        "embedded-objects",
        "A workbook with embedded objects",
        REFUSE,
        ("E109",),
        _part("xl/embeddings/oleObject1.bin"),
        (XLSX,),
        _SAVE_COPY,
    ),
    Fault(
        13,
        "dde",
        "A formula that starts a program (DDE)",
        REFUSE,
        ("E109",),
        lambda folder, _: Input([pack(folder, clean_parts(_DDE))]),
        (XLSX,),
        _SAVE_COPY,
    ),
    Fault(
        14,
        "password",
        "A workbook with a password",
        REFUSE,
        ("E104",),
        _bytes(_OLE, "visits.xlsx"),
        (XLSX,),
        "Save an unprotected copy.",
    ),
    *(
        Fault(15, f"{name}-file", f"A {name} file", REFUSE, ("E104",), make, (CSV,), "Export the table as CSV.")
        for name, make in (
            ("pickle", _bytes(pickle.dumps({"patient_id": ["K1"]}), "visits.csv")),
            ("old-pickle", _bytes(pickle.dumps({"patient_id": ["K1"]}, protocol=0), "visits.csv")),
            ("joblib", _bytes(b"x\x9c" + bytes(20), "visits.joblib")),
            ("named-pickle", _bytes(_CSV, "visits.pkl")),
            ("NumPy", _bytes(b"\x93NUMPY\x01\x00" + bytes(20), "visits.npy")),
            ("RDS", _bytes(b"\x1f\x8b\x08" + bytes(20), "visits.rds")),
            ("Feather", _feather),
            ("HDF5", _bytes(b"\x89HDF\r\n\x1a\n" + bytes(20), "visits.h5")),
        )
    ),
    *(
        Fault(
            16,
            f"{name}-file",
            f"A file of {title}",
            REFUSE,
            ("E104",),
            make,
            (CSV,),
            "Save it as .xlsx or CSV.",
            says("Supported are" if name in ("xls", "sav") else "Save it as"),
        )
        for name, title, make in (
            ("xls", "an old Excel (.xls)", _bytes(_OLE, "visits.xls")),
            ("ods", "LibreOffice (.ods)", _zip(_ODS)),
            ("numbers", "Apple Numbers", _zip({"Index/Document.iwa": b"x"})),
            ("sav", "SPSS (.sav)", _bytes(b"$FL2@(#) SPSS DATA FILE", "visits.sav")),
        )
    ),
    Fault(
        17,
        "zip-of-csv",
        "A zip archive of CSV files",
        REFUSE,
        ("E104",),
        _zip({"q1.csv": _CSV, "q2.csv": _CSV}),
        (CSV,),
        "Unpack it and give the files in it.",
    ),
    Fault(
        17,
        "zip-with-path",
        "A zip archive whose names lead out of the folder",
        REFUSE,
        ("E104",),
        _zip({"../../visits.csv": _CSV}),
        (CSV,),
        "Unpack it with care, and give the files in it.",
    ),
    Fault(
        17,
        "zip-with-link",
        "A zip archive with a symbolic link",
        REFUSE,
        ("E104",),
        _zip({"q1.csv": _CSV}, "q2.csv"),
        (CSV,),
        "Unpack it with care, and give the files in it.",
    ),
    Fault(
        18,
        "file-twice",
        "The same file twice, under two names",
        MERGE,
        (),
        _twice,
        EVERYWHERE,
        "Nothing.",
        told("holds the same bytes as"),
    ),
    Fault(
        19,
        "file-grows",
        "A file that is written to while it is read",
        REFUSE,
        ("E106",),
        _as_it_is,
        (CSV,),
        "Wait for the export to end; run again.",
        within=lambda: _somebody_writes(same_size=False),
    ),
    Fault(
        19,
        "file-changes-inside",
        "A file changed while it is read, its size and time as before",
        REFUSE,
        ("E106",),
        _as_it_is,
        (CSV,),
        "Wait for the export to end; run again.",
        within=lambda: _somebody_writes(same_size=True),
    ),
    Fault(
        20,
        "long-cell",
        "A cell of 1.5 MB",
        REFUSE,
        ("E114",),
        _long_cell,
        EVERYWHERE,
        "Check whether this is one table.",
    ),
    Fault(
        20,
        "long-line",
        "A line of 30 MB",
        REFUSE,
        ("E114",),
        _one_line,
        (CSV,),
        "Check whether this is one table.",
        says("line 122"),
    ),
    Fault(
        21,
        "read-error",
        "A disk or network drive that fails while reading",
        REFUSE,
        ("E101",),
        _as_it_is,
        (CSV,),
        "Copy the file to a local disk.",
        says("Input/output error"),
        within=_disk_fails,
    ),
)
