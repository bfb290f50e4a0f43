"""A clinic's own words: what `inspect --codebook-out` writes, what is refused while open, what works once filled."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from outcomes import cli
from outcomes.cases import build_visits
from outcomes.definitions import Codebook, Protocol
from outcomes.errors import ConfigError
from outcomes.records import Mapping, read_records
from outcomes.records.inspect_terms import UnknownTerms
from outcomes.records.inspect_words import list_open_words, write_own_words

HEADER = "Patient;Datum;Behandlung;Region;Ursache;Verspannte Muskeln;Schmerz vorher"
MEANS = {
    "Dehnübungen": "stretching",
    "Wärmepackung": "heat_therapy",
    "Wickel": "Heat therapy|massage",
    "Steissbein": "pelvic",
    "Bildschirmarbeit": "posture",
    "Haltung": "posture",
    "Rückenstrecker": "erector spinae",
}


def export(folder: Path) -> Path:
    """Forty visits of ten patients, in the words of a German practice; two words are rare or like a name."""
    given = ["Dehnübungen", "Wärmepackung 8 min, Massage", "Wärmepackung 12 min", "Wickel"]
    muscles = ["Rückenstrecker", "QL:L"]
    rows = [
        f"P{i % 10};{1 + i % 28:02}.{1 + i // 28:02}.2026;{given[i % 4]};Steissbein;Bildschirmarbeit;"
        f"{muscles[i % 2]};{i % 9},5"
        for i in range(40)
    ]
    rows += [f"P1;{d:02}.03.2026;Okonjo;LWS;Haltung;QL:L;3,5" for d in range(1, 9)]
    rows += [f"P{d};{d:02}.04.2026;Anna Müller;LWS;Haltung;QL:L;3,5" for d in range(1, 10)]
    path = folder / "besuche.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def fill(path: Path, means: dict[str, str]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=";")
        writer.writeheader()
        writer.writerows({**row, "means": means.get(row["term"], "")} for row in rows)


def test_a_german_export_runs_once_one_column_is_filled(tmp_path, capsys) -> None:
    path, mapping, words = export(tmp_path), tmp_path / "m.toml", tmp_path / "words"
    assert cli.main(["inspect", str(path), "--out", str(mapping), "--codebook-out", str(words)]) in (0, 1)
    said = capsys.readouterr()
    own = words / "own_words.csv"
    text = own.read_text(encoding="utf-8-sig")
    listed = [line.split(";")[1] for line in text.splitlines()[1:]]
    assert sorted(listed) == sorted({word.lower() if word == "Wärmepackung" else word for word in MEANS})
    assert "Okonjo" not in text + said.out + said.err and "Müller" not in text + said.out + said.err
    assert f"--codebook {words}" in said.out and "2 unknown words are rare or like an identifier" in said.err

    clean = ["clean", str(path), "--mapping", str(mapping), "--codebook", str(words), "--quiet"]
    assert cli.main([*clean, "--out", str(tmp_path / "o")]) == 2
    said = capsys.readouterr()
    assert f"C208 own_words.csv › column means: is empty in {len(MEANS)} of {len(MEANS)} rows (2, 3" in said.err
    assert not (tmp_path / "o").exists()

    assert cli.main(["inspect", str(path), "--codebook-out", str(words), "--force"]) == 2
    assert "E916" in capsys.readouterr().err and own.read_text(encoding="utf-8-sig") == text

    fill(own, MEANS | {"wärmepackung": MEANS["Wärmepackung"]})
    assert cli.main([*clean, "--out", str(tmp_path / "o")]) in (0, 1)
    book = Codebook.load(words)
    visits = build_visits(read_records(path, Mapping.load(mapping)), Protocol(), book)
    assert {term[1] for term in visits.unknown_terms} <= {"Okonjo", "Anna Müller"}
    given = [set(book.modality_names(mask)) for mask in visits.columns["modalities"]]
    assert sum(names == {"heat_therapy", "massage"} for names in given) == 20  # packs with massage, and wraps
    assert sum(names == {"stretching"} for names in given) == 10
    assert book.hash != Codebook.load().hash


def own_words(folder: Path, *rows: str, header: str = "table,term,means") -> Path:
    (folder / "own_words.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [
        ("causes.csv,Haltung,", "C208", "column means"),
        ("causes.csv,Haltung,postur", "C207", "row 2 › column means"),
        ("causes.csv,Haltung,posture|trauma", "C206", "row 2 › column means"),
        ("causes,Haltung,posture", "C206", "row 2 › column table"),
        ("families.csv,Haltung,ultrasound", "C206", "row 2 › column table"),
        ("causes.csv,  ,posture", "C206", "row 2 › column term"),
        ("causes.csv,a|b,posture", "C206", "row 2 › column term"),
        ("causes.csv,Desk posture,trauma", "C204", "row 2 › column term"),
        ("modalities.csv,HP,massage", "C204", "row 2 › column term"),
        ("causes.csv,Haltung,posture\ncauses.csv,haltung.,posture", "C204", "row 3 › column term"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(tmp_path, row, code, says) -> None:
    with pytest.raises(ConfigError) as raised:
        Codebook.load(own_words(tmp_path, row))
    assert [(f.code, f.place) for f in raised.value.findings] == [(code, f"own_words.csv › {says}")]
    assert all(finding.remedy for finding in raised.value.findings)


def test_a_word_may_be_known_already_and_may_mean_several_things(tmp_path) -> None:
    rows = (
        "causes.csv,Desk posture,posture",
        "modalities.csv,Wickel,heat|massage",
        "muscles.csv,Wickel,upper trapezius|levator scapulae",
        "instruments.csv,Fragebogen,odi",
    )
    book = Codebook.load(own_words(tmp_path, *rows))
    assert book.modality_names(book.find_modalities(["Wickel"]).masks[0]) == ("massage", "heat_therapy")
    assert len(book.muscle_names(book.find_muscles(["Wickel:L"]).left[0])) == 2
    assert book.ids("instrument")[book.find_ids("instrument", ["fragebogen"])[0]] == "odi"
    assert book.find_ids("cause", ["Desk posture"])[0] == Codebook.load().find_ids("cause", ["Desk posture"])[0]


def test_a_word_for_muscles_alone_leaves_a_treatment_of_that_name(tmp_path) -> None:
    """A word for several muscles stands among the ambiguous terms, which decide for treatments too."""
    book = Codebook.load(own_words(tmp_path, "muscles.csv,massage,upper trapezius|levator scapulae"))
    assert book.modality_names(book.find_modalities(["massage"]).masks[0]) == ("massage",)
    assert len(book.muscle_names(book.find_muscles(["massage"]).left[0])) == 2
    alike = Codebook.load(own_words(tmp_path, "muscles.csv,massage,upper trapezius"))
    assert alike.modality_names(alike.find_modalities(["massage"]).masks[0]) == ("massage",)


def test_nothing_is_written_where_every_word_is_known(tmp_path, capsys) -> None:
    path = tmp_path / "v.csv"
    rows = "".join(f"P{i},2026-01-{i:02},massage\n" for i in range(1, 9))
    path.write_text(f"patient_id,visit_date,modalities\n{rows}")
    assert cli.main(["inspect", str(path), "--codebook-out", str(tmp_path / "words")]) == 0
    assert "no unknown word" in capsys.readouterr().out and not (tmp_path / "words").exists()
    (tmp_path / "f").write_text("x")
    assert cli.main(["inspect", str(path), "--codebook-out", str(tmp_path / "f")]) == 2


def test_inspect_names_the_command_that_explains_unknown_words_unless_it_was_given(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    path, mapping, words = export(tmp_path), tmp_path / "m.toml", tmp_path / "words"
    assert cli.main(["inspect", str(path), "--out", str(mapping)]) in (0, 1)
    said = capsys.readouterr().out
    command = f"outcomes inspect {path.name} --mapping {mapping} --codebook-out words/"
    assert f"words:   {command}" in said and said.index(command) < said.index("next:")

    assert cli.main(["inspect", str(path), "--out", str(mapping), "--force", "--codebook-out", str(words)]) in (0, 1)
    assert "words:   " not in capsys.readouterr().out
    fill(words / "own_words.csv", MEANS | {"wärmepackung": MEANS["Wärmepackung"]})
    known = ["inspect", str(path), "--out", str(mapping), "--force", "--codebook", str(words)]
    assert cli.main(known) in (0, 1)
    assert "words:   " not in capsys.readouterr().out


def unknown(field: str, *words: str) -> UnknownTerms:
    return UnknownTerms(field, tuple((word, 9) for word in words), 0, 0)


@pytest.mark.parametrize(
    ("field", "words", "listed"),
    [
        # what is read by itself is left out: the dose of a treatment, the side of a muscle, a region and a radiation
        (
            "modalities",
            ["Zzz-Therapie 15 min", "Qqq left"],
            [("modalities.csv", "zzz therapie"), ("modalities.csv", "Qqq left")],
        ),
        ("muscles_identified", ["left Zzzus", "Qqqus 8"], [("muscles.csv", "zzzus"), ("muscles.csv", "Qqqus 8")]),
        ("muscles_treated", ["Zzzus"], [("muscles.csv", "Zzzus")]),
        ("region", ["right zzz"], [("regions.csv", "zzz")]),
        ("radiation", ["zzz left"], [("radiation.csv", "zzz")]),
        ("cause", ["left Zzz 15 min"], [("causes.csv", "left Zzz 15 min")]),
        ("visit_purpose", ["Zzz"], [("purposes.csv", "Zzz")]),
        ("function_instrument", ["Zzz"], [("instruments.csv", "Zzz")]),
        # codes say more than a word, a dose alone says nothing, and a bar parts the words a word means
        ("procedure_codes", ["97999"], []),
        ("diagnoses", ["Z99.9"], []),
        ("modalities", ["15 min", "zzz|qqq"], []),
        # each once, as it stands first
        ("trigger", ["Zzz", "zzz ", "Qqq"], [("triggers.csv", "Zzz"), ("triggers.csv", "Qqq")]),
    ],
)
def test_the_words_that_are_left_to_explain_and_their_table(field: str, words: list[str], listed) -> None:
    assert list_open_words([unknown(field, *words)]) == listed


def test_a_word_of_two_fields_with_one_table_is_asked_for_once() -> None:
    fields = [
        unknown("muscles_treated", "Zzzus"),
        unknown("muscles_identified", "zzzus", "Qqqus"),
        unknown("cause", "Zzzus"),
    ]
    assert list_open_words(fields) == [("muscles.csv", "Zzzus"), ("muscles.csv", "Qqqus"), ("causes.csv", "Zzzus")]


def test_beside_each_word_stand_the_ids_of_its_own_table() -> None:
    tables = {
        "modalities.csv": "massage",
        "muscles.csv": "piriformis",
        "regions.csv": "lumbar",
        "instruments.csv": "odi",
    }
    text = write_own_words([(table, "=zzz") for table in tables], Codebook.load(), ";")
    assert text.startswith("table;term;means;choices\nmodalities.csv;'=zzz;;stretching | massage | ")
    choices = {row["table"]: row["choices"].split(" | ") for row in csv.DictReader(text.splitlines(), delimiter=";")}
    for table, own in tables.items():
        assert [other for other in choices if own in choices[other]] == [table]
    assert write_own_words([], Codebook.load()) == "table,term,means,choices\n"
