"""Headers in whatever form they come, and columns that only their patients give away."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from outcomes.definitions import Codebook
from outcomes.records import Mapping, read_records
from outcomes.records import identifiers as ids
from outcomes.records.identifier_checks import is_national
from outcomes.records.identifier_links import judge_link, stand_for_patients
from outcomes.records.identifier_words import read_words
from outcomes.records.inspect import inspect_export

FORMS = {
    "Policy #": " policy no ",
    "policyNumber": " policy no ",
    "N° d'adhérent": " no adherent ",
    "Número de la Apólice": " no apolice ",
    "Krankenaktennr.": " krankenakten + ",
    "N.º de fax": " no fax ",
    "D.O.B.": " dob ",
    "phone2": " phone 2 ",
    "A/C": " ac ",
    "MRNCode": " mrn code ",
}
HEADERS = {
    "PATFNAME": "name",
    "ptDob": "birth date",
    "Sterbedatum": "birth date",
    "Date de décès": "birth date",
    "Addr1": "address or small area",
    "phone2": "phone number",
    "Debitorennummer": "account number",
    "Zulassungsnummer": "licence or certificate number",
    "N° d'adhérent": "insurance number",
    "Kaart-/polisnr.": "insurance number",
    "Car reg": "vehicle number or plate",
    "Telaio": "vehicle number or plate",
    "Appareil n°": "device number",
    "Huella": "biometric record",
    "Ritratto": "photograph",
    "Personalnummer": "code of one person",
    "Badge #": "code of one person",
}
CODES = ["PO-4471{i:03}", "B-GB 3{i:03}", "7{i:03}DMM", "44{i:03}-118", "x{i:03}qzw3k", "900{i:03}12"]
NO_CODES = ["{i}.25", "M54.{i}", "2024-01-{j:02}", "{i} kg", "97{i:03}", "1{i:02}/80", "{i:04}.50", "5-0-{j}"]


@pytest.mark.parametrize(("header", "words"), FORMS.items())
def test_a_header_has_one_form(header: str, words: str) -> None:
    assert read_words(header) == words


@pytest.mark.parametrize(("header", "kind"), HEADERS.items())
def test_headers_that_name_an_identifier_in_any_form(header: str, kind: str) -> None:
    assert ids.find_header_kinds(header)[0][0].name == kind


@pytest.mark.parametrize(
    "header",
    ["No show", "Mobilität", "Bildgebung", "Polizeieinsatz", "plan no", "Versichertenart", "No. of sessions", "Fall"],
)
def test_headers_that_only_begin_like_one(header: str) -> None:
    assert ids.judge_column(header, ["low", "high", "n/a"]) is None


def visits(n: int, seed: int = 2) -> list[str]:
    """Return the patient of each visit: n patients with three visits each, by day and not by patient."""
    patients = [f"K{i:03}" for i in range(n)] * 3
    random.Random(seed).shuffle(patients)
    return patients


def own(template: str, patients: list[str]) -> list[str]:
    return [template.format(i=int(p[1:]), j=int(p[1:]) % 28 + 1) for p in patients]


@pytest.mark.parametrize("template", CODES)
def test_a_code_that_each_patient_has_for_himself_is_one_of_a_person(template: str) -> None:
    patients = visits(40)
    likely = judge_link("F12", patients, own(template, patients))
    assert likely is not None and (likely.kind, likely.evidence, likely.n) == ("code of one person", ids.CELLS, 40)


@pytest.mark.parametrize("template", NO_CODES)
def test_what_is_no_code_is_none(template: str) -> None:
    patients = visits(40)
    assert judge_link("F12", patients, own(template, patients)) is None


def test_names_that_no_list_knows_are_people_where_each_patient_has_one() -> None:
    patients = visits(30)
    cells = [
        f"Zq{'aeiou'[int(p[1:]) % 5]}{'bdfgk'[int(p[1:]) // 5 % 5]}{'lmnrs'[int(p[1:]) // 25]}ist" for p in patients
    ]
    likely = judge_link("F12", patients, cells)
    assert likely is not None and likely.kind == "name"


def test_a_number_of_the_visit_a_tariff_and_a_handful_of_patients_are_none() -> None:
    patients = visits(40)
    assert not stand_for_patients("visit_id", patients, [f"48{i:05}" for i in range(120)])  # another at each visit
    assert not stand_for_patients("F12", patients, [f"TB-RED-{100 + int(p[1:]) % 20}" for p in patients])  # shared
    few = visits(14)
    assert not stand_for_patients("F12", few, own(CODES[0], few))
    assert stand_for_patients("Ref no", few[:20], own(CODES[0], few[:20]))  # the header says that it is a number
    once = visits(40)[:40]
    assert not stand_for_patients("F12", [f"K{i:03}" for i in range(40)], own(CODES[0], once))  # nobody came twice


def table() -> tuple[list[str], list[list[str]]]:
    patients = visits(40)
    days = [f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(120)]
    cells = own("PO-4471{i:03}", patients)
    return ["patient_id", "visit_date", "F12"], [list(row) for row in zip(patients, days, cells, strict=True)]


def write(folder: Path, form: str) -> Path:
    header, rows = table()
    path = folder / f"visits.{form}"
    if form == "csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([header, *rows])
    elif form == "xlsx":
        book = openpyxl.Workbook()
        for row in (header, *rows):
            book.active.append(row)
        book.save(path)
    else:
        pq.write_table(pa.table(dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))), path)
    return path


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_such_a_column_is_named_whatever_the_format(tmp_path: Path, form: str) -> None:
    path = write(tmp_path, form)
    notes = [note for note in read_records(path).notes if note.startswith("E904")]
    assert len(notes) == 1 and '"F12" (C): looks like a code of one person by its cells' in notes[0]
    found = inspect_export(path, Mapping(), Codebook.load())
    assert [(one.header, one.likely.kind, one.stops) for one in found.suspects] == [
        ("F12", "code of one person", False)
    ]


@pytest.mark.parametrize("header", ["Zip Code", "Postcode", "postal_code"])
def test_inspect_proposes_no_field_for_a_postcode(tmp_path: Path, header: str) -> None:
    path = tmp_path / "visits.csv"
    zips = ["05301", "86001", "53081", "42001", "97701", "52001"]
    rows = [[f"P{i % 7}", f"2024-02-{i % 28 + 1:02}", zips[i % 6]] for i in range(40)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["patient_id", "visit_date", header], *rows])
    assert [one.header for one in inspect_export(path, Mapping(), Codebook.load()).suspects] == [header]


def test_versions_are_no_internet_addresses() -> None:
    assert ids.judge_column("form", ["1.0", "2.0.1", "10.4.1.2"]) is None
    assert ids.judge_column("form", ["10.4.1.2", "10.4.1.3"]).kind == "internet address"


def test_initials_before_names_are_people_and_before_muscles_are_not() -> None:
    people = ["D. Zpruit", "L. Qzabo", "A. Vzeder", "M. Kxell", "R. Ozmand", "T. Bznik"]
    assert ids.judge_column("F12", people).kind == "name"
    assert (
        ids.judge_column("F12", ["M. Trapezius", "M. Piriformis", "M. Psoas", "N. Ischiadicus", "N. Ulnaris"]) is None
    )


def test_birth_dates_with_two_digits_of_the_year() -> None:
    born = [f"{i % 28 + 1:02}.{i % 12 + 1:02}.{40 + 3 * i % 60:02}" for i in range(12)]
    assert ids.judge_column("F12", born, 2024).kind == "birth date"
    assert ids.judge_column("F12", [f"{i % 28 + 1:02}.{i % 12 + 1:02}.{23 + i % 2}" for i in range(12)], 2024) is None
    moves = [f"{i % 9}-0-{40 + 5 * i}" for i in range(12)]  # how far a joint moves
    assert ids.judge_column("ROM flexion", moves, 2024) is None


def test_people_below_the_word_for_somebody() -> None:
    people = ["Zqista Vzeder", "Oxmar Kzell", "Rzik Bznikova"]
    assert ids.judge_column("Signed by", people).kind == "name"
    assert ids.judge_column("Referrer type", people) is None


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("jane (at) example (dot) org", "e-mail address"),
        ("00496990009000", "phone number"),
        ("***-**-8468", "social security number"),
        ("42.27592, 7.69934", "address or small area"),
        ("VID_20242255.mp4", "photograph"),
    ],
)
def test_more_ways_to_write_one(cell: str, kind: str) -> None:
    assert ids.find_whole(cell).name == kind


def test_a_swiss_number_without_points_is_known_by_its_check_digit() -> None:
    assert is_national("7569217076985") and not is_national("7569217076986") and not is_national("9780306406157")


def test_a_label_and_its_number_may_stand_apart() -> None:
    assert ids.find_inside("Pat. Nr. 70468").name == "record number"
