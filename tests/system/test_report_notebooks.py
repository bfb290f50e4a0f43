"""`outcomes report` tells on the terminal what became of its notebooks, `--quiet` or not."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from outcomes.cli import main
from outcomes.release import publish


@pytest.fixture
def export(tmp_path):
    rows = [f"P{i:02},2026-0{1 + i % 6}-{day:02},{pain}" for i in range(40) for day, pain in ((3, 7), (12, 5), (24, 2))]
    path = tmp_path / "visits.csv"
    path.write_text("\n".join(["patient_id,visit_date,pain_pre", *rows]) + "\n")
    return path


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    """What is asked of forty patients is answered sooner than other processes are started for it."""
    monkeypatch.setattr(publish, "WORKERS", 1)


def test_a_notebook_that_fails_is_named_with_cell_and_line(export, tmp_path, monkeypatch, capsys):
    broken = tmp_path / "07_broken.ipynb"
    parameters = new_code_cell("data = 'a.csv'  # type: str|list", metadata={"tags": ["parameters"]})
    cells = [parameters, new_code_cell("x = 1\nraise ValueError('patient 4711')")]
    nbformat.write(new_notebook(cells=cells), broken)
    monkeypatch.setattr(publish, "find_notebooks", lambda: [broken])
    assert main(["report", str(export), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    said = capsys.readouterr()
    # The third cell: the values of the run stand in one of their own after the parameters.
    assert "Notebook did not finish: 07_broken.ipynb, cell 3, line 2: ValueError" in said.err
    assert "4711" not in said.err and said.out.endswith("index.html\n")


def test_why_no_notebook_was_run_is_said(export, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out"), "--quiet"]
    assert main(["report", str(export), "--as-of", "2026-06-20", *out]) == 0
    assert "Notebooks were not run: they read the whole export" in capsys.readouterr().err
