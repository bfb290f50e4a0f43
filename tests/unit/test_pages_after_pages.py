"""A PDF is set whatever this process did before: threads that typst has started are missing in a forked copy."""

from __future__ import annotations

import sys

import pytest

from outcomes.errors import OutcomesError
from outcomes.release import asking, render_pdf
from outcomes.release.model import Page, Section, Text
from outcomes.release.sentences import say

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="5"/></svg>'


@pytest.fixture
def page():
    told = (say("Three of five."),)
    section = Section("relief", "Relief", told, (Text(told, "More"),))
    return Page("A report", "outcomes", "2026Q1", ("5 episodes",), told, (), told, told, (section,), ("Made here.",))


def start_threads_of_typst():
    import typst

    typst.compile(b"#set document(title: [a])\nOne #pagebreak() two", format="pdf")


def test_two_reports_of_one_process_are_both_set(page, monkeypatch):
    monkeypatch.setenv(asking.LIMIT, "0.5")  # without an answer it would be an hour
    first = render_pdf.render_pdf(page)
    start_threads_of_typst()  # as a program may that sets something of its own
    calls = {
        "report.pdf": ("pages on paper", lambda: render_pdf.render_pdf(page)),
        "a": ("pictures", lambda: render_pdf.render_png(SVG)),
        "b": ("pictures", lambda: render_pdf.render_png(SVG)),
    }
    made = asking.put_together(calls, workers=2)
    assert made["report.pdf"] == first
    assert made["a"] == made["b"] == render_pdf.render_png(SVG)


def test_a_process_that_is_killed_is_told(page, tmp_path, monkeypatch):
    (tmp_path / "set_pages.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(render_pdf, "HERE", tmp_path)
    monkeypatch.setattr(render_pdf, "font_folders", list)
    with pytest.raises(OutcomesError, match=r"E955 .*pages on paper.*signal SIGKILL.*memory"):
        render_pdf.render_pdf(page)


def test_a_page_that_cannot_be_set_is_told_without_its_words(page, tmp_path, monkeypatch):
    (tmp_path / "report.typ").write_text('#panic("SECRET " + sys.inputs.page)')
    monkeypatch.setattr(render_pdf, "TEMPLATE", tmp_path / "report.typ")
    with pytest.raises(OutcomesError, match=r"E955 .*exit code 1, typst\.TypstError\)") as told:
        render_pdf.render_pdf(page)
    assert "SECRET" not in str(told.value)
    assert "A report" not in str(told.value)


def test_typst_that_is_not_there_is_named(page, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    monkeypatch.setattr(render_pdf, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="typst"):
        render_pdf.render_pdf(page)
