"""Which header is a rating before the treatment, which one after it, and which one nobody can tell."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from outcomes import cli
from outcomes.definitions import Codebook
from outcomes.errors import InputRefused
from outcomes.records import Mapping, read_records
from outcomes.records.columns import show_header
from outcomes.records.inspect import inspect_export
from outcomes.records.inspect_columns import Match, ask_about_pain, match_columns, score_name

DAYS = [f"2026-03-{i:02}" for i in range(1, 29)]
RATINGS = [str(i % 9) for i in range(28)]


@pytest.fixture(scope="module")
def codebook() -> Codebook:
    return Codebook.load()


def match(codebook, *headers):
    cells = [[f"P{i}" for i in range(28)], DAYS, *([RATINGS] * len(headers))]
    found = match_columns(("Patient", "Date", *headers), cells, codebook)
    return {m.field: m for m in found if m.score >= 0.62 and m.header in headers}


PAIRS = (
    ("VAS before", "VAS after"),
    ("VAS Before", "VAS After"),
    ("Pain before", "Pain after"),
    ("NRS before", "NRS after"),
    ("Pain score before treatment", "Pain score after treatment"),
    ("VAS pre", "VAS post"),
    ("pre-VAS", "post-VAS"),
    ("PrePain", "PostPain"),
    ("prevas", "postvas"),
    ("VAS start", "VAS end"),
    ("Initial pain", "Final pain"),
    ("Initial pain score", "Final pain score"),
    ("Pain (0-10) pre", "Pain (0-10) post"),
    ("Pre-treatment VAS (0-100)", "Post-treatment VAS (0-100)"),
    ("Schmerz vor", "Schmerz nach"),
    ("Schmerz vorher", "Schmerz nachher"),
    ("NRS vor Behandlung", "NRS nach Behandlung"),
    ("VAS vor der Sitzung", "VAS nach der Sitzung"),
    ("Dolor antes", "Dolor después"),
    ("EVA avant", "EVA après"),
    ("Pain", "Pain after"),
    ("Pain level", "Pain level after"),
)


@pytest.mark.parametrize(("before", "after"), PAIRS)
@pytest.mark.parametrize("is_turned", [False, True])
def test_the_word_for_the_time_decides_in_any_order_of_columns(before, after, is_turned, codebook) -> None:
    found = match(codebook, *((after, before) if is_turned else (before, after)))
    assert {field: m.header for field, m in found.items()} == {"pain_pre": before, "pain_post": after}
    assert not any(ask_about_pain(m) for m in found.values())


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        (("Pain in", "Pain out"), ("pain_pre", "pain_post")),
        (("VAS1", "VAS2"), ("pain_pre",)),
        (("Score before", "Score after"), ("pain_pre", "pain_post")),
        (("VAS before", "NRS before"), ("pain_pre",)),
        (("Pain at worst",), ("pain_pre",)),
    ],
)
def test_what_a_header_does_not_say_is_asked(headers, asked, codebook) -> None:
    found = match(codebook, *headers)
    assert tuple(field for field, m in found.items() if ask_about_pain(m)) == asked


@pytest.mark.parametrize("header", ["VAS after", "Pain post", "NRS nach", "VAS end", "Final pain", "Score after"])
def test_after_is_never_before(header) -> None:
    assert score_name(header, "pain_pre") == 0


@pytest.mark.parametrize("header", ["VAS before", "Pain pre", "NRS vor", "VAS start", "Initial pain", "Score before"])
def test_before_is_never_after(header) -> None:
    assert score_name(header, "pain_post") == 0


@pytest.mark.parametrize("header", ["Pain before and after", "ODI before", "NDI after", "Age after"])
def test_no_rating_of_pain_at_one_time(header) -> None:
    assert score_name(header, "pain_pre") == score_name(header, "pain_post") == 0


@pytest.mark.parametrize(
    ("header", "is_so"),
    [("VAS before", False), ("Score before", False), ("Episodes before", True), ("Prior episodes (n)", True)],
)
def test_earlier_episodes_need_the_word(header, is_so) -> None:
    assert bool(score_name(header, "previous_episodes")) is is_so


def export(folder: Path, header: str) -> Path:
    path = folder / "visits.csv"
    rows = [f"P{i},{DAYS[i]},{RATINGS[i]},{RATINGS[i]},massage" for i in range(28)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_rating_in_doubt_is_left_to_decide_and_then_stands(tmp_path, codebook, capsys) -> None:
    path, out = export(tmp_path, "Patient,Date,VAS1,VAS2,Treatment"), tmp_path / "m.toml"
    assert cli.main(["inspect", str(path), "--out", str(out)]) == 1
    assert 'TO DECIDE       [columns] pain_pre: column "VAS1" (C)' in capsys.readouterr().out
    text = out.read_text(encoding="utf-8")
    assert '\n# pain_pre = "VAS1"' in text and "# TO DECIDE: [columns] pain_pre" in text
    assert "pain_pre" not in Mapping.load(out).columns
    out.write_text(text.replace('# pain_pre = "VAS1"', 'pain_pre = "VAS1"'), encoding="utf-8")
    found = inspect_export(path, Mapping.load(out), codebook)
    assert found.open_questions == () and found.proposal.columns["pain_pre"] == "VAS1"


def test_german_treatments_and_regions(codebook) -> None:
    header = ("Patient", "Datum", "Behandlung", "Region")
    cells = [["P1", "P2"], ["01.03.2026", "13.03.2026"], ["Ultraschall", "Dehnung"], ["BWS", "LWS"]]
    found = {m.field: m.header for m in match_columns(header, cells, codebook) if m.score >= 0.62}
    assert found["modalities"] == "Behandlung" and found["region"] == "Region"
    assert (codebook.find_ids("region", ["BWS", "LWS", "HWS"]) >= 0).all()


def book(path: Path, sheets: dict[str, list[list[str]]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


VISITS = [["Patient ref", "Date of visit", "VAS before"], *(["P1", day, "4"] for day in DAYS)]


def test_two_sheets_of_visits_are_proposed_together(tmp_path, capsys) -> None:
    path, out = book(tmp_path / "both.xlsx", {"2025": VISITS, "2026": VISITS}), tmp_path / "m.toml"
    assert cli.main(["inspect", str(path), "--out", str(out)]) == 1
    # Whether each sheet is a clinic cannot be seen, and is asked.
    assert "TO DECIDE       [file] sheet_as: if each sheet is a clinic" in capsys.readouterr().out
    assert tuple(Mapping.load(out).file.sheet) == ("2025", "2026") and not Mapping.load(out).file.sheet_as
    assert [file.n_rows for file in read_records(path, out).files] == [len(DAYS), len(DAYS)]
    unnamed = tmp_path / "unnamed.toml"
    unnamed.write_text(out.read_text(encoding="utf-8").replace("\nsheet = ", "\n# sheet = "), encoding="utf-8")
    with pytest.raises(InputRefused, match=r'E110.*sheet = \["2025", "2026"\]; if each is a clinic, sheet_as ='):
        read_records(path, unnamed)
    named = tmp_path / "named.toml"
    named.write_text('[file]\nsheet = "2026"\n', encoding="utf-8")
    assert cli.main(["inspect", str(path), "--mapping", str(named)]) == 0


def test_a_sheet_of_patients_is_no_rival(tmp_path, codebook) -> None:
    patients = [["Patient ref", "Age", "Sex"], ["P1", "40", "F"]]
    path = book(tmp_path / "one.xlsx", {"Visits": VISITS, "Patients": patients, "Notes": [["Exported by hand"]]})
    found = inspect_export(path, Mapping(), codebook)
    assert found.open_questions == () and found.proposal.file.sheet == "Visits"


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Pain (0-10)", "Pain (0-10)"),
        ("VAS 0 to 100", "VAS 0 to 100"),
        ("NRS (1–10) pre", "NRS (1–10) pre"),
        ("555-0-100", "999-9-999"),
        ("2026-03-01", "9999-99-99"),
    ],
)
def test_the_ends_of_a_scale_are_no_value(header, shown) -> None:
    assert show_header(header) == shown


def test_dotted_dates_are_called_dotted(codebook, tmp_path) -> None:
    path = tmp_path / "de.csv"
    path.write_text("Patient;Datum\n" + "".join(f"P{i};{i:02}.03.2026\n" for i in range(1, 29)), encoding="utf-8")
    assert "DD.MM.YYYY" in inspect_export(path, Mapping(), codebook).evidence["visit_date"]


@pytest.mark.parametrize(("by_cells", "is_asked"), [(1.0, False), (0.2, True)])
def test_a_header_that_says_it_needs_cells_that_mostly_agree(by_cells, is_asked):
    match = Match(0, "Pain before", "pain_pre", 0.7, by_name=1.0, by_cells=by_cells)
    assert bool(ask_about_pain(match)) == is_asked


@pytest.mark.parametrize(
    "header",
    [
        *("Back pain", "Neck pain", "NPRS", "EVA", "Pain at visit", "Pain today", "Rückenschmerz (0-10)"),
        *("Kreuzschmerzen", "Schmerzintensität", "Douleur", "Douleur lombaire", "Dolor de espalda", "Mal di schiena"),
        *("Dolore lombare", "Rugpijn", "Smerter", "Ryggsmärta", "Ból pleców", "Selkäkipu"),
    ],
)
def test_one_rating_alone_is_the_one_before_the_treatment_in_many_languages(header, codebook) -> None:
    assert [(field, m.header) for field, m in match(codebook, header).items()] == [("pain_pre", header)]


@pytest.mark.parametrize(("header", "is_after"), [("Pain", False), ("Pain aftr", True), ("Pain now", False)])
def test_a_mistyped_word_for_after_is_one(header, is_after, codebook) -> None:
    found = match(codebook, "Schmerz vorher", header)
    assert found["pain_pre"].header == "Schmerz vorher"
    assert ("pain_post" in found and not ask_about_pain(found["pain_post"])) is is_after


@pytest.mark.parametrize("ticks", [["0", "1"], ["yes", "no"], ["x", ""]])
def test_yes_and_no_are_no_rating(ticks, codebook) -> None:
    cells = [[f"P{i}" for i in range(28)], DAYS, ticks * 14]
    assert "pain_pre" not in {m.field for m in match_columns(("Patient", "Date", "Back pain"), cells, codebook)}
