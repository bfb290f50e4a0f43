"""What a workbook's container says before anything is parsed: bombs, code, entities, and what else it carries."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator

MAX_UNPACKED = 500_000_000
MAX_RATIO = 100
MAX_PARTS = 2_000
_SMALL_PART = 100_000
_CHUNK = 1 << 20
_REFUSED_PARTS = (
    ("vbaproject.bin", "macros"),
    ("macrosheets/", "macros"),
    ("dialogsheets/", "macros"),
    ("externallinks/", "links to other workbooks"),
    ("embeddings/", "embedded objects"),
    ("activex/", "ActiveX controls"),
    ("connections.xml", "data connections"),
)
_NOTED_PARTS = (("comments", "comments"), ("media/", "pictures"), ("customxml/", "data of other programs"))
_ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ROW_START = re.compile(rb"<(?:\w+:)?row[\s>]")


class Refused(Exception):
    """A workbook that is not read: code, message, remedy."""


def check_container(archive: zipfile.ZipFile) -> None:
    """Refuse bombs, workbooks that carry code, and archives that are no workbook, from the list of parts alone."""
    parts = archive.infolist()
    names = [part.filename for part in parts]
    if "xl/workbook.xml" not in names:
        _refuse_other_archive(names)
    if len(parts) > MAX_PARTS:
        raise Refused("E108", f"the workbook has more than {MAX_PARTS:,} parts.", "Export the table as CSV.")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_UNPACKED:
        raise Refused("E108", f"the workbook unpacks to {unpacked / 1e6:,.0f} MB.", "Export the table as CSV.")
    for part in parts:
        if part.file_size > _SMALL_PART and part.file_size > MAX_RATIO * max(part.compress_size, 1):
            raise Refused(
                "E108",
                "a part of the workbook is packed more than 100 to 1, as in a zip bomb.",
                "Export the table as CSV.",
            )
        if part.flag_bits & 1:
            raise Refused("E104", "the archive has a password.", "Save an unprotected copy.")
    lowered = [name.lower() for name in names]
    if len(set(lowered)) < len(lowered):
        raise Refused("E105", "the workbook has two parts of one name.", "Save it again from a spreadsheet.")
    if carried := _find_parts(lowered, _REFUSED_PARTS):
        raise Refused(
            "E109", f"the workbook carries {', '.join(carried)}.", "Save a copy with values only as .xlsx or CSV."
        )


def _refuse_other_archive(names: list[str]) -> None:
    if "xl/workbook.bin" in names:
        raise Refused("E104", "this is a binary workbook (.xlsb).", "Save it as .xlsx or CSV.")
    if any(name.startswith(("word/", "ppt/")) or name in ("mimetype", "Index/Document.iwa") for name in names):
        raise Refused("E104", "this is an office document that is no Excel workbook.", "Save it as .xlsx or CSV.")
    raise Refused("E104", "this is a zip archive, not an Excel workbook.", "Unpack it and give the files in it.")


def _find_parts(lowered: list[str], wanted: tuple[tuple[str, str], ...]) -> list[str]:
    return sorted({what for name in lowered for part, what in wanted if part in name})


def list_carried(archive: zipfile.ZipFile) -> list[str]:
    """Return what else the workbook carries that is neither read nor copied: comments, pictures, an author's name."""
    carried = _find_parts([name.lower() for name in archive.namelist()], _NOTED_PARTS)
    try:
        core = archive.read("docProps/core.xml")
    except KeyError:
        return carried
    author = re.search(rb"<(?:dc:)?creator>([^<]+)</", core)
    looks_like_a_name = author is not None and len(author.group(1).split()) > 1
    return [*carried, "what looks like its author's name"] if looks_like_a_name else carried


def check_entities(archive: zipfile.ZipFile) -> dict[str, int]:
    """Refuse XML entities in any part, whatever it is for.

    Returns
    -------
    dict of str to int
        Part -> rows of a sheet in it.
    """
    rows = {}
    for name in archive.namelist():
        n = 0
        for chunk in _xml_chunks(archive, name):
            if _ENTITY.search(chunk):
                raise Refused("E109", "the workbook declares XML entities.", "Save it again from a spreadsheet.")
            n += len(_ROW_START.findall(chunk))
        rows[name] = n
    return rows


def _xml_chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield a part in pieces that overlap by a few bytes; nothing when it is no XML."""
    with archive.open(name) as stream:
        chunk = stream.read(_CHUNK)
        start = chunk[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
        if chunk.startswith((b"\xff\xfe", b"\xfe\xff")) or start[:4].count(0):
            if b"<" in chunk[:8]:
                raise Refused("E104", "the workbook is not written in UTF-8.", "Save it again from a spreadsheet.")
            return
        if not start.startswith(b"<") and not name.lower().endswith((".xml", ".rels", ".vml")):
            return
        while chunk:
            yield chunk
            following = stream.read(_CHUNK)
            chunk = chunk[-10:] + following if following else b""
