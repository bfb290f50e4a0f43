"""What the reader of a release finds to read in a file: whatever it is packed in, and no more than was written."""

from __future__ import annotations

import io
import zipfile
import zlib

import pytest

from outcomes.release.audit_text import find_few_in_words, read_texts

NOTE = "write to jo@example-clinic.com"


def zipped(**members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name.replace("__", "."), body)
    return data.getvalue()


def texts(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return list(read_texts(path))


# -- plain text and archives -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["page.html", "figure.svg", "data.xml"])
def test_marks_of_a_page_are_read_as_they_stand_and_as_they_are_shown(tmp_path, name):
    assert texts(tmp_path, name, b"5 &lt; 6") == ["5 &lt; 6", "5 < 6"]
    assert texts(tmp_path, name, b"5 of 6") == ["5 of 6"]


def test_other_text_is_read_as_it_stands_with_letters_that_are_none(tmp_path):
    assert texts(tmp_path, "rows.csv", b"a &amp; b\nM\xfcller") == ["a &amp; b\nM\N{REPLACEMENT CHARACTER}ller"]


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.zip", "without_ending"])
def test_members_of_an_archive_are_read_with_their_names_also_one_in_another(tmp_path, name):
    inner = zipped(notes__txt=NOTE)
    found = texts(tmp_path, name, zipped(xl__xml=f"<si>{NOTE}</si>", jane_roe__zip=inner))
    assert found == ["xl.xml", f"<si>{NOTE}</si>", "jane_roe.zip", "notes.txt", NOTE]


def test_of_bytes_that_are_no_text_runs_of_letters_are_read(tmp_path):
    assert texts(tmp_path, "a.bin", b"\x00\x01short\x00six666\xffseven77\x00") == ["six666\nseven77"]
    assert texts(tmp_path, "a.bin", b"\x00\x01short\x00\x02") == []


# -- pages -------------------------------------------------------------------------------------------------------------


def pdf(*parts):
    return b"%PDF-1.7\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % item for item in enumerate(parts, 1))


def stream(text, head=b""):
    return b"<<%b>>\nstream\n%b\nendstream" % (head, text)


def packed(text):
    return stream(zlib.compress(text), b"/Filter/FlateDecode")


TABLE = b"2 beginbfchar\n<0001> <0068>\n<0002> <0069>\nendbfchar"


def first_page(folder, content, *others, page=b"<</Type/Page/Contents 2 0 R/Resources 3 0 R>>"):
    return next(text for text in texts(folder, "a.pdf", pdf(page, content, *others)) if "<<" not in text)


def test_a_page_finds_its_fonts_where_it_says_that_they_are(tmp_path):
    """In an object of their own or in the page itself; a font without a table spells nothing."""
    fonts = b"<</Font<</f0 4 0 R/f1 6 0 R>>>>"
    others = (fonts, b"<</ToUnicode 5 0 R>>", packed(TABLE), b"<</Type/Font>>")
    content = b"BT /f0 9 Tf <00010002> Tj ET BT /f1 9 Tf <00010002> Tj ET"
    assert first_page(tmp_path, stream(content), *others).split() == ["hi"]
    within = b"<</Type/Page/Contents 2 0 R" + fonts[2:]
    assert first_page(tmp_path, packed(content), b"<<>>", *others[1:], page=within).split() == ["hi"]
    # The fonts it names are not there.
    assert first_page(tmp_path, stream(content)).split() == []


def test_what_a_page_spells_by_letters_is_read_with_its_signs_taken_back(tmp_path):
    content = rb"BT /f9 9 Tf (a\(b\)) Tj (c\\d) Tj T* (\101\102) Tj ET"
    assert first_page(tmp_path, stream(content)).split() == [r"a\(b\)c\\d", r"\101\102"]
    others = (
        b"<</Font<</f0 4 0 R>>>>",
        b"<</ToUnicode 5 0 R>>",
        stream(b"1 beginbfrange\n<0001> <0002> <0068>\nendbfrange"),
    )
    assert first_page(tmp_path, stream(rb"BT /f0 9 Tf (\000\001\000\002) Tj T* <0002> Tj ET"), *others).split() == [
        "hi",
        "i",
    ]


@pytest.mark.parametrize("end", ["T*", "0 -12 Td", "0 -12 TD", "ET BT"])
def test_lines_of_a_page_are_apart_so_that_a_number_is_not_made_of_two(tmp_path, end):
    """12 at the end of a line and "3 patients" on the next are not 123 patients."""
    shown = first_page(tmp_path, stream(f"BT /f9 9 Tf (of 12) Tj {end} (3 patients) Tj ET".encode()))
    assert find_few_in_words(shown, 5) == ["3 patients"]


def test_what_is_said_of_a_document_is_read_and_pictures_in_it_are_not_words(tmp_path):
    said = b"<x:xmpmeta><dc:creator>Jane Roe</dc:creator></x:xmpmeta>"
    found = texts(tmp_path, "a.pdf", pdf(packed(said), packed(b"0 0 m 5 5 l"), b"<<no stream>>"))
    assert said.decode() in found
    assert not any("0 0 m" in text for text in found)
    # Named otherwise, it is known by its first bytes.
    assert said.decode() in texts(tmp_path, "report", pdf(packed(said)))


def test_a_stream_that_says_it_is_packed_and_is_not_is_read_as_it_stands(tmp_path):
    found = texts(tmp_path, "a.pdf", pdf(stream(NOTE.encode(), b"/Filter/FlateDecode")))
    assert any(NOTE in text for text in found)


# -- pictures ----------------------------------------------------------------------------------------------------------


def png(*chunks):
    cut = [len(body).to_bytes(4, "big") + kind + body + bytes(4) for kind, body in (*chunks, (b"IEND", b""))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(cut)


def test_a_note_of_a_picture_is_read_and_a_packed_one_that_is_broken_is_none(tmp_path):
    packed_note = zlib.compress(NOTE.encode())
    found = texts(tmp_path, "a.png", png((b"tEXt", b"by\0" + NOTE.encode()), (b"zTXt", b"by\0\0" + packed_note)))
    assert sum(NOTE in text for text in found) >= 2
    broken = texts(tmp_path, "a.png", png((b"zTXt", b"by\0\0\x78\x9c\x07broken")))
    assert "" in broken and not any(NOTE in text for text in broken)
    # An unpacked note of the newer kind has nothing to unpack.
    assert texts(tmp_path, "a.png", png((b"iTXt", b"by\0\0\0\0\0Jane Roe")))[0].endswith("Jane Roe")


@pytest.mark.parametrize(("text", "few"), [("4 patients", ["4 patients"]), ("5 patients", []), ("12 patients", [])])
def test_few_is_below_the_floor(text, few):
    assert find_few_in_words(text, 5) == few
