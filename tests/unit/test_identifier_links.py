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


ALIKE = [
    "{d}",
    "{D}{d}",
    "KG-{d}",
    "{A}{d}",
    "4{d} {A}TQ",
    "xq{d}mz{D}{d}",
    "http-{d}/{d}",
    "{w}{D}",
    "{d}{D}{d} Qvist Lane",
]
NOT_ALIKE = [
    "HMO-{s}00",
    "97{s}",
    "{w} 400",
    "{w}",
    "{D}{D}",
    "3{D}.{D}",
    "2024-01-{D}",
    "{D}:{D}",
    "L{s}/{s}",
]


def few(template: str, n: int = 8) -> tuple[list[str], list[str]]:
    """Return patients and cells of 4n visits: each patient has one value of his own."""
    r = random.Random(template)
    given = [
        template.format(
            d=r.randint(10_000, 99_999),
            D=10 + 7 * i,
            s=i,
            A=r.choice("BCDEF") + r.choice("GHJKL"),
            w="".join(r.choice("bdfgklmnrst") + r.choice("aeiou") for _ in range(2 + i % 3)),
        )
        for i in range(n)
    ]
    patients = [i % n for i in range(4 * n)]
    return [f"K{i}" for i in patients], [given[i] for i in patients]


@pytest.mark.parametrize("template", ALIKE)
def test_of_a_handful_of_patients_codes_written_alike_are_theirs(template: str) -> None:
    likely = judge_link("F12", *few(template))
    assert likely is not None and (likely.evidence, likely.n) == (ids.CELLS, 8)


@pytest.mark.parametrize("template", NOT_ALIKE)
def test_of_a_handful_of_patients_tariffs_and_measures_are_not(template: str) -> None:
    assert judge_link("F12", *few(template)) is None


def test_a_handful_is_six_patients_each_with_a_value_of_his_own() -> None:
    patients, cells = few("{d}", 6)
    assert judge_link("F12", patients, cells) is not None
    assert judge_link("F12", *few("{d}", 5)) is None
    shared = [cell if patient != "K5" else cells[0] for patient, cell in zip(patients, cells, strict=True)]
    assert judge_link("F12", patients, shared) is None  # two have the same: a plan, a tariff
    assert judge_link("F12", patients[:8], cells[:8]) is None  # two came twice


OWN = ["{d}", "{w}{D}", "{D} quai {w}", "{w}.fr/{w}", "chemin {w} {D}", "S7{d}"]


@pytest.mark.parametrize("template", OWN)
def test_of_many_patients_whatever_each_has_for_himself_is_his(template: str) -> None:
    assert judge_link("F12", *few(template, 40)) is not None


def test_names_of_families_are_people_where_lists_know_some_and_few_share_one() -> None:
    listed = ["Gruber", "Almeida", "Horvat", "Banerjee"]
    names = [f"Zq{a}{b}ist" for a in "aeiou" for b in "dgklm"]
    patients = [f"K{i % 20}" for i in range(60)]
    given = listed * 2 + names[:12]
    assert judge_link("F12", patients, [given[i % 20] for i in range(60)]).kind == "name"
    rare = [*listed[:3], *names[:13], *names[:4]]
    assert judge_link("F12", patients, [rare[i % 20] for i in range(60)]) is None  # too few are listed
    shared = (listed + names[:4]) * 3
    assert judge_link("F12", patients, [shared[i % 20] for i in range(60)]) is None  # eight of twenty


def test_a_handful_of_names_in_two_words_that_no_list_knows_are_people() -> None:
    names = ["Zqista Vzeder", "Oxmar Kzell", "Rzik Bznikova", "BRZINK Aqva", "Uqval, Rzima", "Ezdra van Qvist"]
    patients = [f"K{i % 6}" for i in range(24)]
    assert judge_link("F12", patients, [names[i % 6] for i in range(24)]).kind == "name"
    firms = [*names[:5], "Zqista Spine Center"]
    assert judge_link("F12", patients, [firms[i % 6] for i in range(24)]) is None


def test_a_blank_of_a_parquet_file_keeps_its_row(tmp_path: Path) -> None:
    patients, cells = few("{d}", 20)
    given = ["" if patient == "K3" else cell for patient, cell in zip(patients, cells, strict=True)]
    days = [f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}" for i in range(len(given))]
    table = {"patient_id": patients, "visit_date": days, "F12": [f"QX-{cell}" if cell else None for cell in given]}
    pq.write_table(pa.table(table), tmp_path / "visits.parquet")
    found = inspect_export(tmp_path / "visits.parquet", Mapping(), Codebook.load())
    assert [one.header for one in found.suspects] == ["F12"]


def test_a_number_of_each_patient_that_looks_like_a_procedure_is_told(tmp_path: Path) -> None:
    patients, cells = few("{d}", 20)
    path = tmp_path / "visits.csv"
    rows = [
        [p, f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}", c] for i, (p, c) in enumerate(zip(patients, cells, strict=True))
    ]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["patient_id", "visit_date", "F12"], *rows])
    found = inspect_export(path, Mapping(), Codebook.load())
    assert [(one.header, one.field) for one in found.suspects] == [("F12", "procedure_codes")]


def test_how_far_fingers_are_from_the_floor_is_no_print_of_them() -> None:
    assert ids.judge_column("Finger-Boden-Abstand", [str(i) for i in range(40)]) is None
    assert ids.judge_column("FBA finger-floor", ["12 cm", "4.5", "-3", "110"]) is None
    assert ids.judge_column("Fingerabdruck", ["4711", "FP-22"]).kind == "biometric record"


def test_a_plan_is_running_text_only_where_nothing_follows_it() -> None:
    assert ids.is_free_text("Treatment plan") and ids.is_free_text("Plan") and ids.is_free_text("Notes for staff")
    assert not ids.is_free_text("Health plan beneficiary") and not ids.is_free_text("plan_code")


@pytest.mark.parametrize("header", ["col7", "place"])
def test_streets_of_a_handful_are_theirs_however_they_are_written(header: str) -> None:
    streets = [
        "Calle Mayor 14",
        "Via dei Fiori 3b",
        "Am Alten Tor 112",
        "7 Maple Grove",
        "22a Long Hill Rise",
        "Rua Nova 5",
    ]
    patients = [f"K{i % 6}" for i in range(12)]
    cells = [streets[i % 6] for i in range(12)]
    assert stand_for_patients(header, patients, cells) == streets
    # A handful whose streets are shared, or of whom one stands under two, tells nothing of anybody.
    assert not stand_for_patients(header, patients, [streets[i % 3] for i in range(12)])
    assert not stand_for_patients(header, patients, [streets[i % 5] for i in range(12)])


SERIAL = [f"PO-4471{i:03}" for i in range(20)]  # too alike for a handful
SPREAD = [str(10_000 + 7_717 * i) for i in range(10)]
EIGHT = [str(31_415_926 + 7_171_717 * i) for i in range(7)]
LISTED = ["Gruber", "Almeida", "Horvat", "Banerjee"]
UNLISTED = [f"Zq{a}{b}ist" for a in "aeiou" for b in "dgklm"]


@pytest.mark.parametrize(
    ("header", "cells", "n_again", "stands"),
    [
        ("F12", SERIAL[:15], 5, True),
        ("F12", SERIAL[:15], 4, False),
        ("F12", SERIAL[:14], 14, False),
        ("Ref no", SERIAL[:4], 3, True),
        ("Ref no", SERIAL[:4], 2, False),
        ("Ref no", SERIAL[:3], 3, False),
        ("F12", SPREAD[:6], 3, True),
        ("F12", SPREAD[:6], 2, False),
        ("F12", SPREAD[:5], 5, False),
        ("F12", SERIAL[:19] + SERIAL[:1], 20, True),  # 19 of 20 are different
        ("F12", SERIAL[:18] + SERIAL[:2], 20, False),
        ("F12", LISTED + UNLISTED[:8] + LISTED[:1] * 8, 20, True),  # 12 of 20
        ("F12", LISTED + UNLISTED[:7] + LISTED[:1] * 9, 20, False),
        ("F12", LISTED + UNLISTED[:4] + LISTED[:1] * 2, 10, True),  # 8 of 10
        ("F12", LISTED + UNLISTED[:3] + LISTED[:1] * 3, 10, False),
        ("F12", LISTED[:3] + UNLISTED[:7], 10, True),  # lists know 3 of 10
        ("F12", LISTED[:2] + UNLISTED[:8], 10, False),
        ("F12", [f"XQ{i}{4 * i % 10}{7 * i % 10}{9 * i % 10}{i % 2}70707" for i in range(8)], 8, True),
        ("F12", [f"XQ{i}{4 * i % 10}{7 * i % 10}{9 * i % 10}70707" for i in range(8)], 8, False),  # 4 places differ
        ("F12", [*EIGHT, "20120101", "20120208", "20120315"], 10, True),  # 3 of 10 may be days
        ("F12", [*EIGHT[1:], "20120101", "20120208", "20120315", "20120422"], 10, False),
        ("F12", [*SPREAD[:9], "12 345 678"], 10, True),  # 9 of 10 are alike
        ("F12", [*SPREAD[:8], "12 345 678", "QX-1"], 10, False),
        ("F12", [f"q{'x' * i}/{i}" for i in range(5, 13)], 8, True),  # of different lengths
        ("F12", [*(f"q{'x' * i}/{i}" for i in range(5, 14)), "12/345/6"], 10, True),
        ("F12", [*(f"q{'x' * i}/{i}" for i in range(5, 13)), "12/345/6", "12/345/78"], 10, False),
        ("F12", ["qx1/22", "1/qx22", "q1x/22", "qx/1/22", "11/22/q", "q1/x1/2"], 6, False),
        ("F12", [*SERIAL[:18], "low", "high"], 20, True),  # 18 of 20 are codes
        ("F12", [*SERIAL[:17], "low", "mid", "high"], 20, False),
        ("F12", [f"{'q' * 57}'{i:02}wxyz" for i in range(20)], 20, True),  # 64 letters
        ("F12", [f"{'q' * 57}'{i:02}wxyzq" for i in range(20)], 20, False),
        ("F12", [f"Q{'q' * 62}{sign}" for sign in "abcdefghijklmnop"], 16, True),
        ("F12", [f"Q{'q' * 63}{sign}" for sign in "abcdefghijklmnop"], 16, False),
    ],
)
def test_limits_of_what_stands_for_patients(header: str, cells: list[str], n_again: int, stands: bool) -> None:
    patients = [f"K{i}" for i in range(len(cells))]
    found = stand_for_patients(header, patients + patients[:n_again], cells + cells[:n_again])
    assert found == (list(dict.fromkeys(cells)) if stands else [])


def test_rows_without_a_patient_or_a_cell_say_nothing() -> None:
    patients, cells = few("{d}", 20)
    blank = [cell if i % 4 else " " for i, cell in enumerate(cells)]
    assert stand_for_patients("F12", [*patients, *[" "] * 9], [*blank, *cells[:9]]) == [
        c for c in dict.fromkeys(blank) if c != " "
    ]
