"""Sixty payloads in every field: the page gains no element, no spreadsheet runs a cell, the PDF reads no file."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import sys
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from payloads import CONTROLS, PAYLOADS, Outline

from outcomes.cases.export import _plain
from outcomes.cli import main
from outcomes.files.cells import guard
from outcomes.files.shown import visible
from outcomes.release.model import (
    Column,
    FigureView,
    Link,
    Page,
    Part,
    Section,
    Sentence,
    TableView,
    Terms,
    Text,
    Tile,
)
from outcomes.release.render_html import TEMPLATES, environment, render_html
from outcomes.release.render_pdf import render_pdf, render_png
from outcomes.release.tables import to_csv

EACH = pytest.mark.parametrize("payload", PAYLOADS, ids=[f"{i:02}" for i in range(len(PAYLOADS))])
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><path d="M0 0"/></svg>'
NAMES = {"id", "kind", "tag", "state", "csv", "href", "lang", "wide", "narrow", "spark", "template"}
"""Fields of the page that the package fills from its own lists, never from an export."""


def sentence(text):
    return Sentence(text.replace("{", "{{").replace("}", "}}"), {}, text)


def page_of(word):
    """A page with every kind of block, and `word` in every text of it."""
    told = (sentence(word),)
    table = TableView(
        "t", word, (Column(word, row_header=True), Column(word, numeric=True)), ((word, word),), word, "relief"
    )
    blocks = (
        table,
        dataclasses.replace(table, id="u", folded=True),
        FigureView("figure-f", word, word, word, SVG, SVG, "relief"),
        FigureView("figure-g", word, word, word, SVG, SVG, "relief", folded=True),
        Text(told, word),
        Text(told, word, folded=True),
        Part(word, told),
        Terms(((word, word),)),
    )
    tiles = (
        Tile(word, word, word, word, "shown", verdict=word, signal=True, spark=SVG, spark_alt=word),
        Tile(word, "", "", word, "immature", reason=word),
        Tile(word, "", "", word, "hidden", reason=word),
    )
    page = Page(
        word, word, word, (word, word), told, tiles, told, told, (Section("relief", word, told, blocks),), (word,)
    )
    rest = {
        f.name: word for f in dataclasses.fields(Page) if f.name not in NAMES and isinstance(getattr(page, f.name), str)
    }
    return dataclasses.replace(page, **rest, links=(Link(word, "report.pdf"),))


@pytest.fixture(scope="module")
def plain():
    return Outline(render_html(page_of("word")))


# -- the page ----------------------------------------------------------------------------------------------------------


@EACH
def test_the_page_gains_no_element_and_no_attribute(plain, payload):
    found = Outline(render_html(page_of(payload)))
    assert found.parts == plain.parts
    assert not found.active()


def test_a_payload_in_a_name_of_ours_would_stay_a_value_too(plain):
    for payload in PAYLOADS:
        page = page_of("word")
        odd = dataclasses.replace(page, links=(Link("word", payload),))
        assert Outline(render_html(odd)).parts == plain.parts


def test_what_is_looked_for_would_be_found():
    for payload in PAYLOADS[:3]:
        assert Outline(render_html(page_of("word")).replace("word", payload, 3)).active()


@pytest.mark.parametrize("name", ["report.html.j2", "notebook.html.j2"])
def test_the_page_says_what_it_may_load(name):
    text = (TEMPLATES / name).read_text("utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    said = {part.split()[0]: part.split()[1:] for part in policy[1].split("; ")}
    assert said == {
        "default-src": ["'none'"],
        "img-src": ["data:"],
        "style-src": ["'unsafe-inline'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert text.index("Content-Security-Policy") < text.index("<title>") < text.index("<style>")


def test_every_template_is_escaped(plain):
    assert environment().autoescape is True
    assert ("meta", ("http-equiv", "content")) in plain.parts


# -- pictures ----------------------------------------------------------------------------------------------------------


def draw(words):
    """One figure with each word as a tick, a label, a title and a legend's entry."""
    from matplotlib.figure import Figure

    from outcomes.release.drawing import style
    from outcomes.release.svg import to_svg

    with style():
        figure = Figure(figsize=(4, 6))
        axes = figure.subplots()
        axes.plot([0, 1], [0, len(words)], label=words[0])
        axes.set_yticks(range(len(words)), words)
        axes.set_title(words[0])
        axes.set_xlabel(words[-1])
        axes.text(0.5, 0.5, words[0])
        axes.legend()
        return to_svg(figure, "p")


def shapes(svg):
    return {(element.tag, name) for element in ElementTree.fromstring(svg).iter() for name in (*element.attrib, "")}


def drawable(payload):
    return visible(payload)[:80].replace("\r", " ")


@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_drawing_gains_no_element():
    benign = shapes(draw(["word", "other\nline"] * 4))
    for start in range(3):
        words = [drawable(payload) for payload in PAYLOADS[start::3]]
        svg = draw(words)
        assert shapes(svg) <= benign, words
        assert not Outline(svg).active()
        assert render_png(svg)[:4] == b"\x89PNG"


# -- spreadsheets ------------------------------------------------------------------------------------------------------

LIVE = re.compile(r"[\s\"'“”]*[=+\-@\t\r\n＝＋－＠]")


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def is_live(text):
    """Whether a spreadsheet may run the cell, by its first sign that is no blank or quote; ``'`` makes it text."""
    bare = text.lstrip(' \u00a0"“”\t\r\n')
    return bool(LIVE.match(text)) and not bare.startswith("'") and not is_number(text)


def cells_of(text):
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]


@EACH
def test_no_cell_of_a_published_table_is_run(payload):
    for word in (payload, " " + payload, '"' + payload, "'" + payload if payload[0] != "'" else payload):
        text = to_csv(pd.DataFrame({payload: [word, "a"], "n": [-1.5, 2.0]}))
        assert not [cell for cell in cells_of(text) if is_live(cell)]
    assert "-1.5" in cells_of(text)


def test_no_cell_of_a_cleaned_table_is_run(tmp_path):
    import pyarrow.csv as pcsv

    words = [*PAYLOADS, *(" " + payload for payload in PAYLOADS), "-5", "1e3", "", "plain"]
    columns = [
        pa.array(words),
        pa.array(words).dictionary_encode(),
        pa.array(words, pa.large_string()),
        pa.array(range(len(words))),
    ]
    pcsv.write_csv(_plain(pa.table(columns, names=["a", "b", "c", "d"])), tmp_path / "a.csv")
    found = cells_of((tmp_path / "a.csv").read_text("utf-8"))
    assert not [cell for cell in found if is_live(cell)]
    assert found.count("-5") == 3 and found.count("plain") == 3
    safe = _plain(pa.table({"a": pa.array([None, "=1", "x"])}))
    assert safe["a"].to_pylist() == [None, "'=1", "x"]
    assert _plain(pa.table({"a": pa.chunked_array([], pa.string())})).num_rows == 0


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1", "'=1"),
        ("-5", "-5"),
        ("+5.5e3", "+5.5e3"),
        ("-", "'-"),
        (" =1", " '=1"),
        ("a=1", "a=1"),
        ("1_0", "1_0"),
        ("-1_0", "'-1_0"),
        ("a;=1", "a;'=1"),
        ("＝1", "'＝1"),
        ("", ""),
        ("'=1", "''=1"),
    ],
)
def test_the_guard(text, safe):
    assert guard(text) == safe


# -- paper -------------------------------------------------------------------------------------------------------------


def inflate(pdf):
    """All bytes of a PDF, its streams unpacked."""
    found = [pdf]
    for start in re.finditer(rb"stream\r?\n", pdf):
        try:
            found.append(zlib.decompressobj().decompress(pdf[start.end() :]))
        except zlib.error:
            continue
    return b"\n".join(found)


@pytest.mark.parametrize("part", range(3))
def test_the_pdf_runs_nothing_and_reads_no_file(part):
    page = page_of(" · ".join(visible(payload)[:200] for payload in PAYLOADS[part::3]))
    content = inflate(render_pdf(page))
    secret = Path("/etc/passwd").read_bytes().splitlines()[0] if Path("/etc/passwd").exists() else b"root:x:0"
    assert secret not in content
    for key in (b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/Filespec", b"/SubmitForm", b"/RichMedia"):
        assert not re.search(re.escape(key) + rb"\b", content), key
    assert not re.search(rb"/URI\s*\((?!http://www.w3.org)", content)


def test_controls_do_not_stop_the_pdf():
    assert render_pdf(page_of("\x1b[2J \u202e x"))[:4] == b"%PDF"


def test_typst_could_not_read_beyond_its_own_folder(tmp_path):
    import typst

    (tmp_path / "in").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "in" / "a.typ").write_text('#read("../secret.txt")')
    with pytest.raises(RuntimeError):
        typst.compile(str(tmp_path / "in" / "a.typ"), root=str(tmp_path / "in"))


# -- notebooks ---------------------------------------------------------------------------------------------------------


def test_a_notebooks_outputs_run_nothing():
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    from outcomes.release.notebooks import to_html

    cells = []
    for i, payload in enumerate(payload[:300] for payload in PAYLOADS):
        kinds = ("text/html", "image/svg+xml", "text/markdown")
        others = ("text/latex", "text/plain", "application/javascript", "image/png")
        outputs = [new_output("display_data", {kind: payload}) for kind in (*kinds, others[i % 4])]
        if i % 2:
            outputs.append(new_output("stream", text=payload))
        else:
            outputs.append(new_output("error", ename=payload, evalue=payload, traceback=[payload]))
        cells += [new_markdown_cell(payload), new_code_cell(payload, outputs=outputs)]
    found = Outline(to_html(new_notebook(cells=cells), "<b>x</b>", failure=PAYLOADS[0], values={"data": PAYLOADS[6]}))
    assert not found.active()
    known = Outline(to_html(new_notebook(cells=[]), "x"))
    assert [part for part in found.parts if part[0] in ("meta", "style", "title")] == [
        part for part in known.parts if part[0] in ("meta", "style", "title")
    ]


# -- the terminal ------------------------------------------------------------------------------------------------------


@EACH
def test_a_text_shown_on_the_terminal_is_not_obeyed(payload):
    assert not CONTROLS.search(visible(payload))


def test_what_has_no_controls_is_shown_as_it_is():
    assert visible("Größe › „x“ – 5 %\n\tend") == "Größe › „x“ – 5 %\n\tend"


def test_a_command_says_no_control_of_a_file(tmp_path, capsys):
    """Headers and the file's name reach messages."""
    odd = [payload[:60].replace("/", "_") for payload in PAYLOADS]
    path = tmp_path / ("x\x1b[31m\u202ecsv" + ".csv")
    header = ",".join('"' + name.replace('"', '""') + f' {i}"' for i, name in enumerate(odd) if "\r" not in name)
    path.write_text("patient_id,visit_date,pain_pre," + header + "\np1,2025-01-01,6\n", encoding="utf-8", newline="")
    main(["clean", str(path), "--out", str(tmp_path / "out")])
    said = "".join(capsys.readouterr())
    assert said and not CONTROLS.search(said)
