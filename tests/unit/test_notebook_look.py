"""What a reader of a notebook's page sees: words to the left and wrapped, sentences as paragraphs."""

import base64
import re

import nbformat
import pandas as pd
import pytest

from outcomes.release import Prose
from outcomes.release.model import Sentence
from outcomes.release.notebook_html import _clean, to_html

TABLE = pd.DataFrame(
    {
        "definition": ["pain at least 50 % below the first", "hidden"],
        "n": ["<5", "12"],
        "estimate": [0.25, float("nan")],
        "events": ["hidden", "too early"],
        "limit": [float("inf"), True],
    }
)


def read_columns(html):
    """The class of each head, and of the cells of each row, by place."""
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    return [re.findall(r"<t[hd]( class=\"words\")?>", row) for row in rows]


def test_only_columns_that_hold_words_are_marked():
    for row in read_columns(_clean(TABLE.to_html())):
        assert [bool(cell) for cell in row] == [False, True, False, False, False, False]


@pytest.mark.parametrize("spanning", [True, False])
def test_columns_are_told_apart_behind_heads_of_rows_that_span_several(spanning):
    many = TABLE.assign(unit=["C01", "C01"], item=["a first", "a second"]).set_index(["unit", "item"])
    rows = read_columns(_clean(many.to_html(sparsify=spanning)))
    assert len(rows) == 4
    for row in rows:
        assert [bool(cell) for cell in row[-5:]] == [True, False, False, False, False]
        assert not any(row[:-5])


def test_a_second_table_starts_anew():
    html = _clean(TABLE.to_html() + "<p>between</p>" + TABLE[["n", "estimate"]].to_html())
    assert html.count('"words"') == 3 and "<p>between</p>" in html
    assert 'class="words"' not in html.split("between")[1]


def test_cells_cannot_bring_tags_or_handlers_along():
    html = _clean('<table><tr><td onclick="x()">a<script>b()</script> word</td></tr></table>')
    assert "<script" not in html and "onclick" not in html and '<td class="words">' in html


def test_prose_is_printed_by_the_line_and_shown_by_the_paragraph():
    said = Prose(Sentence("{n} came", {}, "12 came", "descriptive"), "A < B, as noted.")
    assert str(said) == repr(said) == "12 came\nA < B, as noted."
    assert said._repr_html_() == '<p>12 came <small class="mark">descriptive</small></p><p>A &lt; B, as noted.</p>'
    assert _clean(said._repr_html_()) == said._repr_html_()


def test_the_mark_of_a_sentence_goes_before_its_tag():
    said = Prose(Sentence("x", {}, "x", "descriptive", "no signal"))
    assert ">no signal</small>" in said._repr_html_() and "descriptive" not in said._repr_html_()


def test_no_sentence_is_no_answer_to_the_heading_above_it():
    assert str(Prose()) == "Nothing to say here." and Prose()._repr_html_() == "<p>Nothing to say here.</p>"


def test_a_picture_has_a_text_in_its_place_and_is_scrolled_by_keyboard():
    pixel = base64.b64encode(b"\x89PNG").decode()
    drawn = nbformat.v4.new_output("display_data", {"image/png": pixel, "text/plain": "<Figure>"})
    cells = [
        nbformat.v4.new_markdown_cell("# Relief\n\n## How far?\n\nWords."),
        nbformat.v4.new_code_cell('groups = ask()\noc.figures.curve(groups, by="sex");', outputs=[drawn]),
        nbformat.v4.new_code_cell("1 + 1"),
    ]
    html = to_html(nbformat.v4.new_notebook(cells=cells), "02")
    (picture,) = re.findall("<img[^>]*>", html)
    assert re.search("alt='(.*?)'", picture)[1] == 'How far?: picture drawn by oc.figures.curve(groups, by="sex")'
    assert html.count('tabindex="0" class="output_png') == 1


def test_settings_stand_under_their_place_in_the_release_whatever_their_files_were_called():
    """`verify --again` reads the copies in `config`: under the names of the files no page would be the same bytes."""
    cells = nbformat.v4.new_notebook(cells=[])
    given = {"data": "/a/visits.csv", "mapping": "/a/own.toml", "codebook": "/a/words", "protocol": "/b/p.toml"}
    copies = {"data": "/c/visits.csv", "mapping": "/r/config/mapping.toml", "codebook": "/r/config/codebook"}
    page = to_html(cells, "02", values=given)
    assert page == to_html(cells, "02", values=copies | {"protocol": "/d/protocol.toml"})
    assert "data: visits.csv · mapping: config/mapping.toml · codebook: config/codebook" in page
    assert "mapping: None" in to_html(cells, "02", values={"mapping": None})
