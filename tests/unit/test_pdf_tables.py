"""Tables on paper: whatever the codes of a practice look like, no cell lies on another and none leaves the sheet."""

import re
import shutil
import subprocess

import pytest

from outcomes.release.model import Column, Page, Section, TableView
from outcomes.release.render_pdf import render_pdf
from outcomes.release.sentences import say

HEADS = (
    Column("Clinic", row_header=True),
    Column("Episodes", numeric=True),
    Column("Observed less expected", numeric=True),
    Column("Share, case mix allowed for", numeric=True),
    Column("95\u00a0% interval", numeric=True),
    Column("Drawn towards the mean", numeric=True),
    Column("Reliability", numeric=True),
    Column("Visits with a score", numeric=True),
    Column("Comparison"),
)
LEFT, RIGHT = 51.0, 544.3
"""The margins of 18 mm, in points."""


def set_table(code, folder, verdict="Beyond the 95\u00a0% limits"):
    """Boxes of the words on paper: (left, top, right, bottom, word)."""
    program = shutil.which("pdftotext")
    if not program:
        pytest.skip("pdftotext (poppler-utils) is not installed: the PDF was not read")
    rows = tuple(
        (code, str(105 + i), "+29", "79\u00a0%", "70 to 85\u00a0%", "–", "0.75", "96\u00a0%", verdict) for i in range(3)
    )
    table = TableView("clinics", "Clinics, in the order of their codes", HEADS, rows)
    section = Section("units", "Clinics and clinicians", (say("Three clinics."),), (table,))
    page = Page("First quarter", "Clinic report", "2026Q1", ("3 clinics",), (), (), (), (), (section,), ("Footer",))
    path = folder / "table.pdf"
    path.write_bytes(render_pdf(page))
    words = subprocess.run([program, "-bbox", path, "-"], capture_output=True, check=True).stdout.decode()
    pattern = r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>'
    return [(*map(float, found[:4]), found[4]) for found in re.findall(pattern, words)]


def lie_on_each_other(one, other):
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across > 0.5 and down > 3


CODES = ["C01", "3YWCK6MH6ONRCU2U", "W" * 16, "M" * 24, "W" * 60, "Lakeside Rehabilitation Centre of the North"]


@pytest.mark.parametrize("verdict", ["Beyond the 95\u00a0% limits", "None", "–"])
@pytest.mark.parametrize("code", CODES)
def test_no_cell_of_a_wide_table_lies_on_another_or_leaves_the_sheet(code, verdict, tmp_path):
    words = set_table(code, tmp_path, verdict)
    assert [(a[4], b[4]) for i, a in enumerate(words) for b in words[i + 1 :] if lie_on_each_other(a, b)] == []
    assert [word for left, _, right, _, word in words if left < LEFT - 0.5 or right > RIGHT + 0.5] == []
    assert {"105", "106", "107"} <= {word for *_, word in words}  # a count is no end of a code


@pytest.mark.parametrize("code", ["C01", "3YWCK6MH6ONRCU2U"])
def test_a_code_and_a_verdict_stay_on_one_line(code, tmp_path):
    words = set_table(code, tmp_path)
    tops = {round(word[1]) for word in words if word[4] in (code, "Beyond", "limits", "105", "106", "107")}
    assert len(tops) == 3
    assert sum(word[4] == code for word in words) == 3
