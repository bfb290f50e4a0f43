"""Every readable text in the files of a release, also where it is packed: PDF streams, PNG notes, zipped workbooks."""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

_TEXT = (".html", ".svg", ".csv", ".json", ".toml", ".txt", ".md", ".ipynb", ".css", ".js", ".xml")
_STREAM = re.compile(rb"<<(.{0,2000}?)>>\s*stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_RUN = re.compile(rb"[\x20-\x7e]{6,}")
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 64 * 1024 * 1024
_FEW = re.compile(
    r"(?<![\w.,%-])(?<!\bto )(?<!than )(?<!under )(?<!below )(?<!least )(?<!needs )(?<!need )([1-9]\d?)\s+"
    r"(?:patients?|people|persons?|episodes?)\b"
)
"""A count in a sentence; what a rule says ("1 to 10 patients", "at least 3 episodes") is none."""
_SHOWN = re.compile(
    r"/([\w.+-]+)\s+[-\d.]+\s+Tf|\(((?:[^()\\]|\\.)*)\)|<([0-9A-Fa-f\s]+)>|\b(ET\b|T\*|Td\b|TD\b)", re.DOTALL
)
"""In a page: a font is named, a string is shown, glyph codes are shown, a line ends."""
_TAG = re.compile(r"<[^>]*>")
_HIDDEN_PARTS = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL | re.IGNORECASE)


def read_texts(path: Path) -> Iterator[str]:
    """Give the texts of one file.

    Parameters
    ----------
    path : Path
        Text files are given whole; of others what is inside: streams of a PDF unpacked and its text decoded by the
        tables its fonts bring along, the notes of a picture, the members of a zip archive.

    Yields
    ------
    str
    """
    data = path.read_bytes()[:_MOST_BYTES]
    yield from _read_bytes(path.name, data)


def find_few_in_words(text: str, floor: int) -> list[str]:
    """Find in the prose of a page counts of people or episodes below the floor, as in "3 patients".

    Parameters
    ----------
    text : str
        Of a page or picture, with or without its marks.
    floor : int
        Smallest count that may be shown.
    """
    plain = html.unescape(_TAG.sub(" ", _HIDDEN_PARTS.sub(" ", text)))
    return [" ".join(found[0].split()) for found in _FEW.finditer(plain) if int(found[1]) < floor]


def _read_bytes(name: str, data: bytes) -> Iterator[str]:
    suffix = Path(name).suffix.lower()
    if suffix in _TEXT:
        text = data.decode("utf-8", errors="replace")
        yield text
        if suffix in (".html", ".svg", ".xml") and "&" in text:
            yield html.unescape(text)
        return
    if suffix == ".pdf" or data.startswith(b"%PDF"):
        yield from _read_pdf(data)
        data = _STREAM.sub(_leave_out_packed, data)
    elif zipfile.is_zipfile(io.BytesIO(data)):
        yield from _read_zip(data)
        return
    elif data.startswith(_PNG):
        yield from _read_png(data)
        data = _leave_out_pixels(data)
    yield from _read_runs(data)


def _read_runs(data: bytes) -> Iterator[str]:
    """Runs of plain letters in bytes that are no text."""
    runs = [run.decode("ascii") for run in _RUN.findall(data)]
    if runs:
        yield "\n".join(runs)


def _leave_out_packed(found: re.Match[bytes]) -> bytes:
    """A stream without what could be unpacked: packed bytes are chance, and now and then spell an address."""
    rest = _find_unpacked(found[2]) if b"FlateDecode" in found[1] else found[2]
    return b"<<%b>>\nstream\n%b\nendstream" % (found[1], rest)


def _leave_out_pixels(data: bytes) -> bytes:
    """A picture without its packed pixels, for the same reason."""
    pixels = [(start, end) for kind, start, end in _cut_png(data) if kind == b"IDAT"]
    begins, ends = [0, *(end for _, end in pixels)], [*(start for start, _ in pixels), len(data)]
    others = [data[begin:end] for begin, end in zip(begins, ends, strict=True)]
    return b"\n".join([*others, _find_unpacked(b"".join(data[start:end] for start, end in pixels))])


def _find_unpacked(packed: bytes) -> bytes:
    """What of some bytes is no whole packed stream: all of it, or what stands after its end."""
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(packed, _MOST_BYTES)
    except zlib.error:
        return packed
    return unpacker.unused_data if unpacker.eof else packed


def _read_zip(data: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            yield member.filename
            with archive.open(member) as stream:
                yield from _read_bytes(member.filename, stream.read(_MOST_BYTES))


def _read_png(data: bytes) -> Iterator[str]:
    """The notes of a picture: chunks tEXt, zTXt and iTXt."""
    for kind, start, end in _cut_png(data):
        body = data[start:end]
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            yield body.decode("latin-1")
            packed = body.find(b"\x78")
            if kind != b"tEXt" and packed >= 0:
                yield _inflate(body[packed:]).decode("utf-8", errors="replace")


def _cut_png(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each chunk of a picture, and where its body begins and ends."""
    at = len(_PNG)
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        yield kind, at + 8, at + 8 + size
        at += 12 + size


def _read_pdf(data: bytes) -> Iterator[str]:
    """Text of the pages, in words, then what else stands in the streams."""
    objects = {int(number): at for number, at in _number_objects(data)}
    fonts_of: dict[int, dict[str, dict[str, str]]] = {}
    for number in objects:
        page = _object(data, objects[number])
        shown, resources = (
            re.search(rb"/Contents\s+(\d+)\s+0\s+R", page),
            re.search(rb"/Resources\s+(\d+)\s+0\s+R", page),
        )
        if shown:
            holder = _object(data, objects.get(int(resources[1]), -1)) if resources else page
            fonts_of[int(shown[1])] = _find_fonts(data, objects, holder)
    for number, at in objects.items():
        found = _STREAM.search(_object(data, at))
        if found is None:
            continue
        stream = _inflate(found[2]) if b"FlateDecode" in found[1] else found[2]
        if b" Tf" in stream:
            yield _spell(stream.decode("latin-1"), fonts_of.get(number, {}))
        elif b"<x:xmpmeta" in stream:
            yield stream.decode("utf-8", errors="replace")


def _find_fonts(data: bytes, objects: dict[int, int], holder: bytes) -> dict[str, dict[str, str]]:
    """Name of each font of a page and the letters of its glyph codes."""
    fonts: dict[str, dict[str, str]] = {}
    for block in re.findall(rb"/Font\s*<<(.*?)>>", holder, re.DOTALL):
        for name, number in re.findall(rb"/([\w.+-]+)\s+(\d+)\s+0\s+R", block):
            font = _object(data, objects.get(int(number), -1))
            table = re.search(rb"/ToUnicode\s+(\d+)\s+0\s+R", font)
            found = _STREAM.search(_object(data, objects.get(int(table[1]), -1))) if table else None
            if found:
                stream = _inflate(found[2]) if b"FlateDecode" in found[1] else found[2]
                fonts[name.decode("latin-1")] = _read_letters(stream.decode("latin-1"))
    return fonts


def _number_objects(data: bytes) -> Iterator[tuple[bytes, int]]:
    for found in re.finditer(rb"(?:^|[\r\n])(\d+) 0 obj\b", data):
        yield found[1], found.start()


def _object(data: bytes, at: int) -> bytes:
    return b"" if at < 0 else data[at : data.find(b"endobj", at) + 6]


def _inflate(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MOST_BYTES)
    except zlib.error:
        return b""


def _read_letters(table: str) -> dict[str, str]:
    """Codes of glyphs and the letters they stand for, of one font's table."""
    found: dict[str, str] = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, letter in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            found[code.lower()] = _letter(letter)
    for block in re.findall(r"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for low, high, letter in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            for i in range(min(int(high, 16) - int(low, 16) + 1, 65536)):
                code = f"{int(low, 16) + i:0{len(low)}x}"
                found[code] = _letter(f"{int(letter, 16) + i:0{len(letter)}x}")
    return found


def _letter(code: str) -> str:
    return bytes.fromhex(code if len(code) % 2 == 0 else "0" + code).decode("utf-16-be", errors="replace")


def _spell(content: str, fonts: dict[str, dict[str, str]]) -> str:
    """The text a page shows: strings in round brackets as they stand, glyph codes by the font last named."""
    out: list[str] = []
    letters: dict[str, str] = {}
    for font, plain, codes, end in _SHOWN.findall(content):
        if font:
            letters = fonts.get(font, {})
        elif end:
            out.append(" ")
        elif codes:
            digits = re.sub(r"\s", "", codes).lower()
            out.append("".join(letters.get(digits[i : i + 4], "") for i in range(0, len(digits), 4)))
        else:
            raw = re.sub(rb"\\(\d{3}|.)", _unescape, plain.encode("latin-1"), flags=re.DOTALL).hex()
            spelt = "".join(letters.get(raw[i : i + 4], "") for i in range(0, len(raw), 4))
            out.append(spelt or plain)
    return "".join(out)


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if code.isdigit():
        return bytes([int(code, 8) & 255])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}.get(code, code)
