"""Names of files, sheets and columns: a word is shown where it is known to be ordinary, and else its shape."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from outcomes import cli
from outcomes.errors import InputRefused
from outcomes.records import Mapping, read_records
from outcomes.records.file_names import name_file, show_path
from outcomes.records.plain_words import is_plain, mask_person, show_plain
from outcomes.release.diff_inputs import find_parts, hide_parts, recall


@pytest.mark.parametrize(
    "name",
    [
        "Praxis Nord Q3",
        "visits_few_1m",
        "visits 2024-01-01_2024-12-31",
        "Export_20260101_123456",
        "Behandlungsdatum",
        "Remarques du thérapeute",
        "VisitDate",
        "Tabelle1",
        "Data (2)",
        "KGG",
        "Zürich Nord 2026Q2 v1.2",
        "1000000 rows",
        "Follow-up in 2 weeks",
        "patient_id",
        "",
    ],
)
def test_what_exports_are_called_is_shown_as_it_is(name: str) -> None:
    assert show_plain(name) == name and is_plain(name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Praxis Kvezoliq Q3", "Praxis xxxxxxxx Q3"),
        ("Zqista Vzeder", "xxxxxx xxxxxx"),
        ("zqista_vzeder", "xxxxxx_xxxxxx"),
        ("Maria Vzeder", "xxxxx xxxxxx"),
        ("Brown", "xxxxx"),  # a family before it is a colour
        ("Max Vzeder", "xxx xxxxxx"),  # ordinary by itself, and perhaps a given name beside what is not
        ("Dr Q", "xx Q"),
        ("VzederVisits", "xxxxxxVisits"),
        ("Bodenburg", "xxxxxxxxx"),  # of two everyday words, as many families are called
        ("4812377", "9999999"),
        ("case 123 4567", "case 999 9999"),
        ("Data\x07", "Data?"),
    ],
)
def test_of_any_other_word_the_shape_is_shown(name: str, shown: str) -> None:
    assert show_plain(name) == shown and not is_plain(name)


def test_what_names_a_person_for_certain_is_shown_by_its_whole_shape() -> None:
    assert mask_person("visits of +41 79 234 56 78") == "xxxxxx xx +99 99 999…"


def test_a_file_is_shown_with_its_suffix_and_the_words_that_are_ordinary(tmp_path: Path) -> None:
    assert name_file(tmp_path / "Praxis Kvezoliq Q3.csv.gz") == "Praxis xxxxxxxx Q3.csv.gz"


def test_a_path_is_shown_from_here_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "Zqista Vzeder"
    odd.mkdir()
    monkeypatch.chdir(odd)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert show_path(odd / "visits.csv") == "visits.csv"
    assert show_path(Path("visits.csv")) == "visits.csv" and show_path(Path("Vzeder.csv")) is None
    assert show_path(tmp_path / "export" / "visits.csv") == str(tmp_path / "export" / "visits.csv")
    monkeypatch.chdir(tmp_path)
    assert show_path(odd / "visits.csv") is None


def test_the_next_command_names_the_export_or_a_word_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("visits.csv", "Vzeder.csv"):
        Path(name).write_text("patient_id,visit_date\nK1,2024-02-01\nK2,2024-02-02\n", encoding="utf-8")
        cli.main(["inspect", name, "--out", "m.toml", "--force"])
        said = "".join(capsys.readouterr())
        assert f"next:    outcomes report {name if name == 'visits.csv' else 'EXPORT'} --mapping m.toml" in said
        assert ("for EXPORT write the file you named" in said) == (name == "Vzeder.csv")
        assert "Vzeder" not in said + Path("m.toml").read_text(encoding="utf-8")
    cli.main(["clean", "Vzeder missing.csv", "--out", "out"])
    assert "xxxxxx missing.csv: there is no such file." in "".join(capsys.readouterr())


def test_sheets_of_other_words_are_told_and_read_by_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Vzeder"
    for i, sheet in enumerate((book.active, book.create_sheet("Zqist Kvezo"), book.create_sheet("North"))):
        for row in (["patient_id", "visit_date"], [f"K1{i}", "2024-02-01"], ["K2", "2024-02-02"]):
            sheet.append(row)
    path = tmp_path / "book.xlsx"
    book.save(path)
    assert cli.main(["clean", str(path), "--out", str(tmp_path / "out")]) == 2
    said = "".join(capsys.readouterr())
    assert '(sheets: "no. 1", "no. 2", "North")' in said and 'sheet = [1, 2, "North"]' in said
    cli.main(["inspect", str(path), "--out", str(tmp_path / "m.toml")])
    said = "".join(capsys.readouterr()) + (tmp_path / "m.toml").read_text(encoding="utf-8")
    assert "Vzeder" not in said and "Kvezo" not in said and '"no. 2: xxxxx xxxxx"' in said
    assert Mapping.load(tmp_path / "m.toml").file.sheet == (1, 2, "North")
    records = read_records(path, Mapping.from_dict({"file": {"sheet": 2}}))
    assert records.files[0].place == 'book.xlsx › sheet "no. 2"'
    assert "K11" in records.fields["patient_id"].values.to_pylist()
    with pytest.raises(InputRefused, match=r'there is no sheet "4"; visible: "no. 1", "no. 2", "North"'):
        read_records(path, Mapping.from_dict({"file": {"sheet": 4}}))


def test_where_an_input_lay_is_kept_without_the_names_that_may_be_somebodys(tmp_path: Path) -> None:
    odd = tmp_path / "exports" / "Zqista Vzeder" / "Kvezo.csv"
    odd.parent.mkdir(parents=True)
    odd.write_text("x", encoding="utf-8")
    beside = tmp_path / "reports" / "2026Q3-inputs.json"
    kept = hide_parts(odd, beside)
    assert kept.startswith(str(tmp_path / "exports" / "sha256-")) and "vzeder" not in kept.lower() + find_parts("")
    assert find_parts(kept) == str(odd)
    odd.unlink()
    assert find_parts(kept) == str(odd.parent / Path(kept).name)
    assert hide_parts(tmp_path / "exports" / "visits.csv", beside) == str(tmp_path / "exports" / "visits.csv")


def test_a_list_of_inputs_that_is_none_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "2026Q3").mkdir()
    (tmp_path / "2026Q3-inputs.json").write_text("[]", encoding="utf-8")
    assert recall(tmp_path / "2026Q3") == {}


@pytest.mark.parametrize(
    ("word", "expected"), [("Massagevisits", True), ("Massagevzeder", False), ("visitvisitvisit", True)]
)
def test_a_word_made_of_known_ones_is_known(word: str, expected: bool) -> None:
    assert is_plain(word) is expected
