"""What the PDF does with what is wide: nothing may run off the sheet."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess

import pytest

from outcomes.release.model import Column, Page, Section, TableView, Terms
from outcomes.release.render_html import render_html
from outcomes.release.render_pdf import render_pdf
from outcomes.release.sentences import say

MARGIN = 18 / 25.4 * 72
"""Points of white at the right of a sheet, as in the template."""


def read_sheets(page, folder):
    """What stands where on each sheet of the PDF, as pdftotext puts it."""
    program = shutil.which("pdftotext")
    if not program:
        pytest.skip("pdftotext (poppler-utils) is not installed: the PDF was not read")
    path = folder / "report.pdf"
    path.write_bytes(render_pdf(page))
    placed = subprocess.run([program, "-bbox", path, "-"], capture_output=True, check=True).stdout.decode()
    return placed.split("<page ")[1:]


def find_words(page, folder):
    """Words of the PDF: (page, width of its sheet, where the word ends, word)."""
    out = []
    for number, sheet in enumerate(read_sheets(page, folder), start=1):
        width = float(re.search(r'width="([\d.]+)"', sheet)[1])
        words = re.findall(r'xMax="([\d.]+)"[^>]*>([^<]*)</word>', sheet)
        assert words
        out += [(number, width, float(right), word) for right, word in words]
    return out


def find_past_margin(page, folder):
    """Words of the PDF that end past the margin at the right; tabular figures have a little air of their own there."""
    return [(number, word) for number, width, right, word in find_words(page, folder) if right > width - MARGIN + 1]


def find_ends(page, folder):
    """Where each word of the second page ends."""
    return {word: right for number, _, right, word in find_words(page, folder) if number == 2}


def test_no_word_of_the_report_ends_past_the_margin(drawn_page, tmp_path):
    assert find_past_margin(drawn_page, tmp_path) == []


@pytest.mark.parametrize("verdict", ["None", "Inside the limits", "Beyond the 95 % limits", "Beyond the 99.8 % limits"])
def test_the_words_of_a_broad_table_stay_on_the_sheet(drawn_page, tmp_path, verdict):
    headings = ("Episodes", "Observed less expected", "Share, case mix allowed for", "95 % interval")
    headings += ("Drawn towards the mean", "Reliability", "Visits with a score")
    columns = (Column("Clinician", row_header=True), *(Column(name, numeric=True) for name in headings))
    row = ("P001", "1,271", "−141", "34 %", "27 to 42 %", "–", "0.71", "77 %", verdict)
    table = TableView("clinicians", "Clinicians", (*columns, Column("Comparison")), (row,) * 3, "", "clinicians")
    section = Section("units", "Clinics and clinicians", drawn_page.sections[0].lead, (table,))
    assert find_past_margin(dataclasses.replace(drawn_page, sections=(section,)), tmp_path) == []


def test_the_mark_of_an_unstable_number_hangs_beside_it(drawn_page, tmp_path):
    """The numbers stay in line; in the last column the mark would hang over the edge."""
    columns = (Column("First", row_header=True), *(Column(name, numeric=True) for name in ("Interval", "Rate")))
    rows = (("A", "40 to 60\u00a0%", "0.34"), ("B", "51 to 88\u00a0%\u00a0†", "0.51\u00a0†"))
    section = Section("units", "Marks", drawn_page.sections[0].lead, (TableView("marks", "Marks", columns, rows),))
    page = dataclasses.replace(drawn_page, sections=(section,))
    assert render_html(page).count('<td class="num">51 to 88\u00a0%<span class="hang">\u00a0†</span></td>') == 1
    assert render_html(page).count('<td class="num">0.51\u00a0†</td>') == 1
    ends = find_ends(page, tmp_path)
    assert ends["60"] == pytest.approx(ends["88"], abs=0.2) and ends["0.51"] < ends["0.34"] - 2
    assert find_past_margin(page, tmp_path) == []


def find_filled(page, folder):
    """How much of each sheet is filled, from the top margin down to its last word above the foot."""
    top, bottom = 18 / 25.4 * 72, (297 - 16) / 25.4 * 72
    ends = [[float(y) for y in re.findall(r'yMax="([\d.]+)"', sheet)] for sheet in read_sheets(page, folder)]
    return [(max(y for y in sheet if y < bottom) - top) / (bottom - top) for sheet in ends]


@pytest.mark.parametrize("taken", range(8))
def test_no_report_ends_with_a_sheet_that_is_nearly_empty(drawn_page, tmp_path, taken):
    """Whatever sections a practice has: spacing is chosen so that the last sheet holds more than a few lines."""
    sections = (*drawn_page.sections[:taken], *drawn_page.sections[taken + 1 :])
    filled = find_filled(dataclasses.replace(drawn_page, sections=sections), tmp_path)
    assert filled[-1] > 1 / 3
    assert len(filled) <= 12


def test_the_last_terms_lie_on_one_sheet(tmp_path):
    """However many terms stand before them, so that a sheet ends now here, now there."""
    last = tuple((f"Last {i}", f"Word{i} " * 60) for i in range(4))
    for n in range(24, 44, 3):
        terms = Terms((*((f"Term {i}", "Filler " * 30) for i in range(n)), *last))
        sections = (Section("definitions", "Definitions", (say("Words."),), (terms,)),)
        page = Page(
            "Quarter", "Clinic report", "2026Q1", ("3 clinics",), (), (), (), (), sections, ("Foot",), mark="Own"
        )
        sheets = {number for number, _, _, word in find_words(page, tmp_path) if re.match(r"Word\d", word)}
        assert len(sheets) == 1, n
