"""What the PDF does with what is wide: nothing may run off the sheet."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess

import pytest

from outcomes.release.model import Column, Section, TableView
from outcomes.release.render_pdf import render_pdf

MARGIN = 18 / 25.4 * 72
"""Points of white at the right of a sheet, as in the template."""


def find_past_margin(page, folder):
    """Words of the PDF that end past the margin at the right: (page, word)."""
    program = shutil.which("pdftotext")
    if not program:
        pytest.skip("pdftotext (poppler-utils) is not installed: the PDF was not read")
    path = folder / "report.pdf"
    path.write_bytes(render_pdf(page))
    placed = subprocess.run([program, "-bbox", path, "-"], capture_output=True, check=True).stdout.decode()
    out = []
    for number, sheet in enumerate(placed.split("<page ")[1:], start=1):
        width = float(re.search(r'width="([\d.]+)"', sheet)[1])
        words = re.findall(r'xMax="([\d.]+)"[^>]*>([^<]*)</word>', sheet)
        assert words
        # Tabular figures have a little air of their own at the right.
        out += [(number, word) for right, word in words if float(right) > width - MARGIN + 1]
    return out


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
