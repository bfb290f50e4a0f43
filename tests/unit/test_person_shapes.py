"""Ids and names of sheets that are a person's: found by shape, shown nowhere; places and businesses are left alone."""

from __future__ import annotations

import csv
import datetime
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path

import openpyxl
import pytest

from outcomes import cli
from outcomes.errors import InputRefused
from outcomes.records import Mapping, identifier_names, read_records
from outcomes.records.columns import show_header
from outcomes.records.identifier_names import fold
from outcomes.records.identifier_places import are_places, is_town
from outcomes.records.identifiers import judge_column
from outcomes.records.person_shapes import Person, describe_people, read_as_person
from outcomes.records.plain_words import mask_person
from outcomes.release.configuration import to_toml

LISTED = """Maria Keller|Dr. Ann Smith|Dr Ann Smith|Ann Smith|Keller Maria|Keller, Maria|Dr. Keller|Maria K.|Luca Rossi
KELLER MARIA|O'Brien Sean|Dr. med. Keller|Prof. Dr. Meier|Frau Zbinden|Jean-Luc Picard|Kim Nguyen DC|Wei Zhang
Hans-Peter Müller|Peter van den Berg|Anna Street PT""".replace("\n", "|").split("|")
UNLISTED = """Okonjo Ngozi|Thorvald Bjarnason|Quillon Okonjo|M. Keller|Jan van der Berg|Pieter de Vries|Sanne Bakker
Anneliese Haverkamp|Siobhan McCarthy, PT|Ludmila Szabo|Ximena Quisling|Kwabena Abernethy|Tavish Fitzwilliam
Zephyrine Czajkowski|Oluwaseun Papadakis|Brynja Tchaikov""".replace("\n", "|").split("|")
PLACES = (
    """North Clinic|Praxis Nord|Main Street|Hill Clinic|Park Street Physio|Summit Spine|Santa Monica|San Jose
Los Angeles|Lake Charles|Santa Maria|St. Mary|Grand Rapids|Baden Baden|Baden-Baden|Fort Collins|Boulder|Aurora|C01
Clinic 2|CLINIC A|Main Campus|Westside|Lake Chiropractic|Oak Ridge|Cherry Creek|Colorado Springs|New York|Site B
Zürich Nord|Bern West|Bad Ragaz|Praxis am See|Rapperswil Jona|Cedar Rapids|Salt Lake City|St. Gallen|Back in Motion
Total Health|Den Haag|Amsterdam Zuid|Utrecht Centrum|Blue Cross|Room 2|Gym A|Sheet1|Tabelle 1|Q1 2024|Clinic North
Long Beach|Palm Springs|Las Vegas|El Paso|Baton Rouge|Des Moines|Sioux Falls|Little Rock|Virginia Beach|Jersey City
Physio Plus|Spine Works|Peak Performance|Align Chiropractic|Kansas City|Buenos Aires|Villa Park|Mill Valley
Half Moon Bay|Rue Verte|Winterthur Töss|Bern Bümpliz|Basel Gundeli|PT|DC|P-MT|north|Team Blue|Provider A|NYC East
""".strip()
    .replace("\n", "|")
    .split("|")
)


def test_people_are_found_and_places_left_alone() -> None:
    """The share that is wrong is known: some towns of two words are asked about, none is refused."""
    assert [name for name in LISTED if read_as_person(name) is not Person.SURE] == ["Anna Street PT"]
    assert [name for name in UNLISTED if read_as_person(name) is not Person.PERHAPS] == []
    read = {name: read_as_person(name) for name in PLACES}
    assert [name for name, person in read.items() if person is Person.SURE] == []
    asked = [name for name, person in read.items() if person is Person.PERHAPS]
    assert len(PLACES) == 79 and len(asked) <= 9, asked


TOWNS = """Ann Arbor|Charlotte|St. Paul|Victoria Park|Santa Maria|Albert Lea|Glenn Dale|Sharon Hill|Palo Alto|Eau Claire
Saint John West|Ann Arbor West|Ann Arbor, MI|Charlotte, NC|Charlotte NC|Victoria Park Clinic|St Paul North|Cape Coral
Prince George|Carol Stream|Des Moines|Maria Enzersdorf|Sankt Leon-Rot|Anna Paulowna|Madison|Austin Heights""".replace(
    "\n", "|"
).split("|")
MAY_BE_EITHER = ["Jean Park", "Roy Hill", "Charlotte West", "Maria Lopez Clinic", "Ann Smith Physio"]


def test_of_clinics_a_town_is_no_person_and_a_name_that_ends_like_a_place_is_asked_about() -> None:
    assert [name for name in TOWNS if read_as_person(name, is_clinic=True)] == []
    assert {read_as_person(name, is_clinic=True) for name in MAY_BE_EITHER} == {Person.PERHAPS}
    people = [name for name in LISTED if read_as_person(name, is_clinic=True) is not Person.SURE]
    assert people == ["Anna Street PT"]
    assert {read_as_person(name, is_clinic=True) for name in UNLISTED} == {Person.PERHAPS}
    # A clinician may be called so.
    assert {read_as_person(name) for name in ("Victoria Park", "Sharon Hill", *MAY_BE_EITHER)} == {Person.SURE}


@pytest.mark.parametrize(
    ("clinics", "said"),
    [
        (["Ann Arbor"], []),
        (["Victoria Park", "Santa Maria", "St. Paul", "Ann Arbor", "Glenn Dale", "Albert Lea"], []),
        (["Charlotte", "Madison", "Austin", "Jackson", "Tyler", "Eugene", "Gary"], []),
        (["Charlotte", "Jean Park"], ["E918"]),
    ],
)
def test_clinics_in_towns_called_like_people_are_read(tmp_path, clinics, said) -> None:
    records = read_records(visits(tmp_path, clinics, ["T1"]))
    assert records.n == 56 and [note.split()[0] for note in records.notes if note.startswith("E9")] == said


def test_a_column_of_places_is_none_of_names_and_one_of_people_stays_one() -> None:
    towns = ["Charlotte", "Madison", "Austin", "Jackson", "Tyler", "Victoria Park"]
    first, whole = ["Emma", "Noah", "Olivia", "Charlotte", "Maria", "James"], ["Maria Keller", "Ann Smith"]
    for header in ("Site", "Clinic name", "Standort", "Branch"):
        assert judge_column(header, towns) is None
        for people in (first, whole):
            assert judge_column(header, people).kind == "name"
    for header in ("Clinic doctor", "Practice contact", "Client", "Field 7"):
        assert judge_column(header, towns).kind == "name"


def test_a_described_column_shows_no_name() -> None:
    share, surest, words = describe_people(["Thorvald Bjarnason", "C01", "", "North Clinic"])
    assert (share, surest) == (pytest.approx(1 / 3), Person.PERHAPS) and "Thorvald" not in words
    assert describe_people(["", " "])[:2] == (0, Person.NO)


def visits(folder: Path, clinics: list[str], clinicians: list[str]) -> Path:
    rows = [
        f"P{i % 9},2026-01-{1 + i % 28:02},{clinics[i % len(clinics)]},{clinicians[i % len(clinicians)]}"
        for i in range(56)
    ]
    path = folder / "visits.csv"
    path.write_text("\n".join(["patient_id,visit_date,clinic_id,clinician_id", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("clinics", "clinicians", "column"),
    [
        (["North", "Maria Keller"], ["T1"], "clinic_id"),
        (["Dr. Zbinden"], ["T1"], "clinic_id"),
        (["North"], ["Thorvald Bjarnason", "Brynja Tchaikov"], "clinician_id"),
        (["North"], ["Quillon Okonjo"], "clinician_id"),
    ],
)
def test_names_as_ids_are_refused_with_what_to_write(tmp_path, clinics, clinicians, column) -> None:
    path = visits(tmp_path, clinics, clinicians)
    with pytest.raises(InputRefused) as caught:
        read_records(path)
    assert [finding.code for finding in caught.value.findings] == ["E902"]
    said = str(caught.value)
    assert f'column "{column}"' in said and f'accept = ["{column}"]' in said and "pseudonymise" in said
    assert not any(word in said for name in clinics + clinicians for word in name.split() if len(word) > 5)
    assert read_records(path, Mapping.from_dict({"privacy": {"accept": [column]}})).n == 56


def test_clinics_that_may_be_people_are_read_and_asked_about(tmp_path) -> None:
    records = read_records(visits(tmp_path, ["North", "Okonjo Ngozi"], ["T1"]))
    assert records.n == 56
    (note,) = [note for note in records.notes if note.startswith("E918")]
    assert 'column "clinic_id" (C): 1 of 2 different cells' in note and "xxxxxx xxxxx" in note and "Okonjo" not in note
    assert not any(n.startswith("E9") for n in read_records(visits(tmp_path, PLACES[:20], ["PT", "Team Blue"])).notes)


def book(folder: Path, *sheets: str) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for k, name in enumerate(sheets):
        sheet = made.create_sheet(name)
        sheet.append(["patient_id", "visit_date", "pain_pre"])
        for i in range(1, 20):
            sheet.append([f"P{k}{i % 5}", datetime.date(2026, 1, i), i % 9])
    made.save(folder / "book.xlsx")
    return folder / "book.xlsx"


@pytest.mark.parametrize(
    ("sheets", "mapping", "code"),
    [
        (("North", "Maria Keller"), '[file]\nsheet = "*"\nsheet_as = "clinic_id"\n', 2),
        (("North", "Maria Keller"), '[file]\nsheet = "*"\n', 0),
        (("North", "Maria Keller"), '[file]\nsheet = ["Maria Keller", "North"]\n', 0),
        (("North", "Maria Keller"), "", 2),
        (("Maria Keller",), "", 0),
    ],
)
def test_a_sheet_named_after_a_person_is_shown_by_its_place(tmp_path, capsys, sheets, mapping, code) -> None:
    path, out = book(tmp_path, *sheets), tmp_path / "out"
    (tmp_path / "m.toml").write_text(mapping, encoding="utf-8")
    arguments = [str(path), "--mapping", str(tmp_path / "m.toml"), "--out", str(out), "--format", "csv"]
    assert cli.main(["clean", *arguments]) == code
    assert cli.main(["inspect", str(path)]) in (0, 1)
    said = "".join(capsys.readouterr())
    written = b"".join(file.read_bytes() for file in out.rglob("*") if file.is_file())
    place = f'"no. {len(sheets)}"'
    assert place in said and "Keller" not in said and b"Keller" not in written
    assert (code == 2) == (not written)
    if code == 0:
        assert "E918 book.xlsx › sheet " + place in said
        assert cli.main(["inspect", str(path), "--out", str(tmp_path / "n.toml")]) in (0, 1)  # it has to name the sheet
        assert Mapping.load(tmp_path / "n.toml").file.sheet in (None, 1, ("North", 2))


def test_a_release_does_not_name_such_a_sheet() -> None:
    for sheet in ("Maria Keller", ("North", "Maria Keller")):
        text, withheld = to_toml(
            Mapping.from_dict({"file": {"sheet": list(sheet) if isinstance(sheet, tuple) else sheet}})
        )
        assert withheld == ("file.sheet",) and "Keller" not in text and "file" not in tomllib.loads(text)
    assert to_toml(Mapping.from_dict({"file": {"sheet": ["North", "South"]}}))[1] == ()


@pytest.mark.parametrize(("name", "head"), [("identifier_places.csv", "word"), ("identifier_towns.csv", "town")])
def test_every_place_is_listed_once(name, head) -> None:
    from importlib import resources

    lines = resources.files("outcomes.records").joinpath(name).read_text(encoding="utf-8").splitlines()
    assert lines[0] == head and not [line for line, n in Counter(lines).items() if n > 1]
    assert all(line == " ".join(map(fold, line.split())) for line in lines)


def test_a_header_with_a_given_name_of_the_longer_list_is_shown_by_its_shape() -> None:
    assert show_header("Walburga Qvistova") == "xxxxxxxx xxxxxxxx" and show_header("Qvistova, Walburga") != "Qvistova"
    assert mask_person("Walburga Qvistova") == "xxxxxxxx xxxxxxxx"
    for header in ("Upper Trapezius", "Max Pain", "Grade Alt", "Pain before"):
        assert show_header(header) == header


def test_a_line_above_the_headers_is_shown_by_its_shape(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text(
        "Report for Zqista Vzeder\n\npatient_id,visit_date\nK1,2024-02-01\nK2,2024-02-02\n"
    )
    with pytest.raises(InputRefused) as caught:
        read_records(tmp_path / "visits.csv")
    assert "Vzeder" not in str(caught.value) and "header_row = 3" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Charlotte", True),
        ("Ann Arbor", True),
        ("St. Augustin", True),
        ("Sankt Augustin", True),
        ("Charlotte, NC", True),
        ("Charlotte NC USA", True),
        ("Charlotte nc", False),
        ("Charlotte NCXX", False),
        ("Charlotte North", True),
        ("Charlotte West", False),  # a family name behind one word
        ("Ann Arbor West", True),
        ("Ann Arbor Weber", False),
        ("North Charlotte", False),
        ("", False),
    ],
)
def test_a_town_may_be_followed_by_its_part_or_state(text: str, is_one: bool) -> None:
    assert is_town(text) is is_one


@pytest.mark.parametrize(
    ("cells", "are_some"),
    [
        (["Charlotte", *"abcd"], False),  # one in five may be chance
        (["Charlotte", *"abc"], True),
        (["John Smith Clinic", *"abc"], True),
        (["John West", *"abc"], False),  # a family name too
        ([], False),
    ],
)
def test_a_column_of_places_has_some_beyond_doubt(cells: list[str], are_some: bool) -> None:
    assert are_places(cells) is are_some


@pytest.mark.parametrize("file", ["identifier_names.csv", "identifier_more_names.csv"])
def test_lists_of_names_are_read_in_blocks_and_nothing_is_lost(file):
    with resources.files("outcomes.records").joinpath(file).open(encoding="utf-8", newline="") as lines:
        rows = [(row["name"], row["use"]) for row in csv.DictReader(lines)]
    assert rows == sorted(rows, key=lambda row: row[::-1]) and len(set(rows)) == len(rows)
    given, family = identifier_names._read(file)
    assert given == {name for name, use in rows if use != "family"}
    assert family == {name for name, use in rows if use != "given"}
