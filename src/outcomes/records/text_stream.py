"""A text file as UTF-8 bytes, whatever it was written in."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from outcomes.records.rules import refuse

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Mark of byte order at the start of a file, and the encoding it stands for; the longer ones first."""
_UTF8_NAMES = ("utf-8", "utf-8-sig", "ascii")
_LINE_BYTES = 1 << 20


def iterate_text(path: Path, encoding: str, block_bytes: int, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield (encoding, UTF-8 bytes) block by block, without byte order marks; always at least one block.

    Parameters
    ----------
    path : Path
    encoding : str
        Used unless the file starts with a byte order mark, which goes first. UTF-8 is passed on unchecked; any other
        encoding is decoded strictly.
    block_bytes : int
    name : str
        By which the file is shown.

    Raises
    ------
    InputRefused
        Bytes that the encoding does not have; the message names the line.
    """
    with path.open("rb") as file:
        data = file.read(block_bytes)
        mark = next((mark for mark in MARKS if data.startswith(mark[0])), None)
        if mark:
            encoding = mark[1]
            while data.startswith(mark[0]):
                data = data[len(mark[0]) :]
        encoding = codecs.lookup(encoding).name
        if encoding in _UTF8_NAMES:
            # Blocks that end with a line need not be cut and joined again.
            yield "utf-8", data + file.readline(_LINE_BYTES)
            while data := file.read(block_bytes):
                yield "utf-8", data + file.readline(_LINE_BYTES)
            return
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        n_lines, is_first = 1, True
        while data or is_first:
            more = file.read(block_bytes)
            try:
                text = decoder.decode(data, final=not more)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, "replace")
                raise refuse(
                    "E111",
                    f"line {n_lines + before.count(chr(10))} cannot be decoded as {encoding}.",
                    name,
                    "Correct [file] encoding in the mapping, or save the export as UTF-8.",
                ) from error
            n_lines += text.count("\n")
            yield encoding, (text.lstrip("\ufeff") if is_first else text).encode("utf-8")
            data, is_first = more, False
