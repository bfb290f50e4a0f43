"""Identifiers as they are written and headed in many countries, and columns of clean exports beside them."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import openpyxl
import pytest

from outcomes.cases import build_episodes, build_visits
from outcomes.cases.export import _show_term
from outcomes.definitions import Codebook, Protocol
from outcomes.records import Mapping, read_records
from outcomes.records import identifiers as ids
from outcomes.records.columns import show_header
from outcomes.records.identifier_checks import are_checked_numbers, is_national, leave_out_chance
from outcomes.records.identifier_kinds import NATIONAL
from outcomes.records.inspect import inspect_export
from outcomes.records.plain_words import mask_person

SOUND = [
    "31072200607",  # Poland
    "46061758030",  # Turkey
    "16107269553",  # Norway
    "17080242849",  # Greece
    "2630902448269",  # Romania
    "170101634875588",  # France, bare and in groups
    "2 42 04 58 192 836 26",
    "440106193507217313",  # China
    "51010719470317249X",
    "410810-1115580",  # Korea
    "280363-0899",  # Denmark
    "20011023-4132",  # Sweden
    "140904A760U",  # Finland
    "DNSBRT58H67F446Y",  # Italy
    "33102683W",  # Spain
    "GM 13 83 26 C",  # United Kingdom
    "995.656.245-96",  # Brazil
    "880611/4982",  # Czechia
    "70.12.15-545.74",  # Belgium
    "444-743-499 17",  # Russia
]
UNSOUND = [
    "31072200609",
    "20240301001",
    "12345678901",
    "2630902448268",
    "170101634875589",
    "440106193507217314",
    "419910-1115580",
    "999999-0899",
    "140904A760T",
    "33102683A",
    "995.656.245-97",
    "70.12.15-545.75",
    "111.111.111-11",
    "9780306406157",
]


@pytest.mark.parametrize("text", SOUND)
def test_numbers_given_to_people_are_known_by_their_check_digits(text: str) -> None:
    assert is_national(text)
    assert ids.find_whole(text).name == NATIONAL
    assert ids.find_inside(f"seen, {text}", 2024).name == NATIONAL


@pytest.mark.parametrize("text", UNSOUND)
def test_a_number_with_a_wrong_digit_is_any_number(text: str) -> None:
    assert not is_national(text)
    assert ids.find_whole(text) is None and ids.find_inside(f"seen, {text}", 2024) is None


def dutch(r: random.Random) -> str:
    while True:
        body = [r.randint(1, 9), *(r.randint(0, 9) for _ in range(7))]
        if (check := sum(d * w for d, w in zip(body, range(9, 1, -1), strict=True)) % 11) < 10:
            return "".join(map(str, [*body, check]))


def test_a_column_of_numbers_that_all_end_in_the_right_digit_is_one_of_people() -> None:
    r = random.Random(3)
    numbers = [dutch(r) for _ in range(20)]
    assert are_checked_numbers(numbers) and ids.judge_column("field7", numbers).kind == NATIONAL
    assert not are_checked_numbers(numbers[:9])  # nine may be chance
    assert not are_checked_numbers([*numbers, "12"]) and not are_checked_numbers([*numbers, "AB3456789"])
    assert ids.judge_column("field7", [str(r.randint(10**8, 10**9 - 1)) for _ in range(500)]) is None


@pytest.mark.parametrize("n", [11, 13, 15, 16])
def test_long_numbers_of_a_clean_column_are_none(n: int) -> None:
    r = random.Random(n)
    assert ids.judge_column("Ref", [str(r.randint(10 ** (n - 1), 10**n - 1)) for _ in range(2000)], 2024) is None


def test_a_few_of_many_codes_have_the_digits_of_a_person_by_chance() -> None:
    codes = [str(10**10 + i) for i in range(100)]
    found = {codes[7]: NATIONAL, "jane@example.org": "e-mail address"}
    assert leave_out_chance(found, codes) == {"jane@example.org": "e-mail address"}
    assert leave_out_chance({"31072200607": NATIONAL}, ["31072200607"]) == {"31072200607": NATIONAL}


def test_codes_of_eleven_digits_keep_their_rows(tmp_path: Path) -> None:
    r = random.Random(5)
    rows = [[f"K{i % 9}", f"2024-03-{i % 28 + 1:02}", str(r.randint(10**10, 10**11 - 1))] for i in range(600)]
    records = read_records(write(tmp_path, ["patient_id", "visit_date", "procedure_codes"], rows))
    assert "E903" not in list(records.set_aside.code)
    rows = [[*row[:2], "31072200607" if i == 5 else f"97{i % 40 + 100}"] for i, row in enumerate(rows)]
    records = read_records(write(tmp_path, ["patient_id", "visit_date", "procedure_codes"], rows))
    assert list(records.set_aside.row) == [7] and list(records.set_aside.code) == ["E903"]


def write(folder: Path, header: list[str], rows: list[list[str]]) -> Path:
    path = folder / "visits.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


HEADERS = {
    "name": (
        "Imię i nazwisko|Nazwisko|ФИО|Фамилия пациента|Ονοματεπώνυμο|اسم المريض|患者姓名|환자명|保護者氏名|Efternamn|"
        "Příjmení|ΟΝΟΜΑ|NOM DE L ASSURE|Nome do paciente|Beteg neve|İsim Soyisim",
        "Qwxé Zzyt",
    ),
    "birth date": (
        "Födelsedatum|Дата рождения|Ημερομηνία γέννησης|تاريخ الميلاد|出生日期|환자생년월일|Datum narození",
        "1956-03-04",
    ),
    "phone number": (
        "Numer telefonu|Telefoonnr|Handynr. Patient|Τηλέφωνο|رقم الهاتف|手机号|휴대폰|Номер телефона|Telemóvel",
        "13233140223",
    ),
    "fax number": ("Faks|Факс|传真|Φαξ|팩스|فاكس", "13233140223"),
    "e-mail address": ("Почта|邮箱|이메일|Ηλεκτρονικό ταχυδρομείο", "a@b.example"),
    NATIONAL: ("Fødselsnummer|身份证号|주민등록번호|СНИЛС|رقم الهوية|Henkilötunnus|NIF|Rodné číslo", "1398253315"),
    "record number": (
        "N° de dossier|病历号|차트번호|Номер карты пациента|رقم الملف|Dosya no|Journalnummer|UR number",
        "397891",
    ),
    "insurance number": ("N.º de póliza|医保卡号|Полис ОМС|건강보험증번호|Versicherungs-Nr.|Numer polisy", "993735530"),
    "account number": ("Номер счёта|Hesap no|계좌번호|口座番号|Numer konta|Sort code", "40817873"),
    "licence or certificate number": ("护照号|Паспорт|운전면허번호|Ehliyet no|رقم الجواز|Ausweisnummer", "E12576125"),
    "vehicle number or plate": ("Immatriculation|Targa|Kenteken|车牌号|차량번호|Госномер|رقم اللوحة|Plaka", "京A54845"),
    "device number": ("Seriennummer|Implantat-Nr|Numéro de série|设备序列号|Серийный номер|シリアル番号", "SN46662231"),
    "biometric record": ("Fingerabdruck|指纹|Отпечаток пальца|지문|Parmak izi|بصمة", "57f2c4087bea8ff44f40"),
    "address or small area": ("Kod pocztowy|Miasto|地址|환자주소|Адрес|Διεύθυνση|العنوان|Postort|Şehir", "Qwxé 12"),
    "photograph": ("照片|사진|Zdjęcie|صورة", "p/1.jpg"),
}


@pytest.mark.parametrize(("kind", "header"), [(kind, h) for kind, (hs, _) in HEADERS.items() for h in hs.split("|")])
def test_headers_of_identifiers_in_many_languages(kind: str, header: str) -> None:
    likely = ids.judge_column(header, [HEADERS[kind][1]] * 3, 2024)
    assert likely is not None and (likely.kind, likely.evidence) == (kind, ids.BOTH)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Mother tongue", ["de", "fr", "it"]),
        ("Town size", ["small", "medium", "large"]),
        ("Ort der Behandlung", ["Praxis", "Hausbesuch", "Heim"]),
        ("Ort der Schmerzen", ["LWS", "HWS", "BWS"]),
        ("Exercice à domicile", ["Pont", "Gainage", "Chat-vache"]),
        ("Adressé par", ["médecin traitant", "spécialiste"]),
        ("Address verified", ["true", "false"]),
        ("Initials done", ["yes", "no"]),
        ("Rue d'accès", ["oui", "non"]),
        ("Adres doğru", ["evet", "hayır"]),
        ("電話", ["はい", "いいえ"]),
        ("Раум", ["Кабинет 1", "Зал 2"]),
        ("Raum", ["Therapieplatz 3", "Kabine 2"]),
        ("Language", ["German", "French", "Italian", "English", "Turkish"]),
        ("uuid", ["dead1234-5bc6-47d8-9abc-1234567890ab", "a1b2c3d4-dea9-4999-9abc-1234567890ab"]),
        ("Load", ["3x10@22.5kg", "2 x 8 @ 20.5"]),
        ("주소증", ["요통", "경추통"]),  # the complaint, and not the address that it begins like
        ("x1", ["M. trapezius", "M. piriformis", "M. gluteus medius", "M. erector spinae", "M. iliopsoas"]),
    ],
)
def test_columns_of_clean_exports_that_were_called_identifiers(header: str, cells: list[str]) -> None:
    assert ids.judge_column(header, cells, 2024) is None


@pytest.mark.parametrize("header", ["Alter", "Wiek", "Возраст", "나이"])
def test_an_age_over_89_is_found_under_headers_of_other_languages(header: str) -> None:
    assert ids.judge_column(header, ["34", "91"]).kind == "age over 89"
    assert ids.judge_column(header, ["34", "88"]) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hllt@пример.рф", "e-mail address"),
        ("hryen @ example.com", "e-mail address"),
        ("+30 6935223547", "phone number"),
        ("03-3222-8398", "phone number"),
        ("071-162 90 82", "phone number"),
        ("5245003862814421", "account number"),
        ("3786 607001 82269", "account number"),
        ("abd3.afe4.8276", "device number"),
        ("tiktok.com/@fzruztj", "web address"),
        ("$2b$12$" + "hRtEMc0VOaCh366KgIiKF.eAajafs6r3DHUUOfdmAwCbnU8kGDaaN", "derived code"),
    ],
)
def test_ways_of_writing_that_were_missed(text: str, kind: str) -> None:
    assert ids.find_whole(text).name == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("94 Jahre alt", "age over 89"),
        ("nacido 16/01/1944", "birth date"),
        ("dossier n° 4440840", "record number"),
        ("Patient no 4352810", "record number"),
        ("Vers.-Nr. 171188107", "insurance number"),
        ("Kto. 54795771", "account number"),
        ("Ausweis-Nr. 10592869", "licence or certificate number"),
        ("Serien-Nr. 543446636", "device number"),
    ],
)
def test_labels_that_were_missed(text: str, kind: str) -> None:
    assert ids.find_inside(text, 2024).name == kind


@pytest.mark.parametrize(
    "cells",
    [
        ["Wiebke Vogelsang", "Heike Kowalke", "Jochen Lindemann", "Traudl Hinterseer", "Lothar Schwarzkopf"],
        ["Mirosław Wojciechowski", "Danuta Pawlak", "Halina Zielińska", "Zbigniew Kaczmarek", "Bożena Pawlak"],
        ["Elif Şahin", "Emre Yılmaz", "Zeynep Öztürk", "Mehmet Karaca", "Ayşe Aksoy"],
        ["Ngozi Okafor", "Kwame Mensah", "Thabo Dlamini", "Chidi Adeyemi", "Abena Boateng"],
        ["Елена Соколова", "Дмитрий Попов", "Ольга Лебедева", "Сергей Иванов", "Мария Кузнецова"],
    ],
)
def test_names_of_many_countries_are_known_without_a_header(cells: list[str]) -> None:
    assert ids.judge_column("field7", cells).kind == "name"


def test_inspect_tells_birth_dates_by_the_year_of_the_visits(tmp_path: Path) -> None:
    rows = [[f"K{i % 9}", f"2024-03-{i % 28 + 1:02}", "5", f"{1940 + i}0{i % 9 + 1}1{i % 9}"] for i in range(60)]
    path = write(tmp_path, ["patient_id", "visit_date", "pain_pre", "field7"], rows)
    found = inspect_export(path, Mapping(), Codebook.load())
    assert [(one.header, one.likely.kind) for one in found.suspects] == [("field7", "birth date")]


def test_inspect_takes_the_row_of_the_declared_headers(tmp_path: Path) -> None:
    header = ["Patientkod", "Besöksdatum", "Smärta före", "Behandling", "Kroppsdel"]
    rows = [
        [f"P{i % 7}", f"2024-02-{i % 28 + 1:02}", str(i % 10), "TENS", "Age" if i == 8 else "lumbar"] for i in range(40)
    ]
    known = Mapping.from_dict({"columns": {"patient_id": "Patientkod", "visit_date": "Besöksdatum"}})
    assert inspect_export(write(tmp_path, header, rows), known, Codebook.load()).top.options.header_row == 1


def test_inspect_reads_no_postcodes_as_procedures(tmp_path: Path) -> None:
    rows = [[f"P{i % 7}", f"2024-02-{i % 28 + 1:02}", str(10115 + i)] for i in range(40)]
    path = write(tmp_path, ["patient_id", "visit_date", "Code postal"], rows)
    found = inspect_export(path, Mapping(), Codebook.load())
    assert [one.header for one in found.suspects] == ["Code postal"] and found.suspects[0].stops


@pytest.mark.parametrize("name", ["jane.roe@example.org", "MRN 4711001", "Dr. Keller"])
def test_a_sheet_named_by_an_identifier_is_shown_by_its_number(tmp_path: Path, name: str) -> None:
    book = openpyxl.Workbook()
    book.active.title = name
    for row in (["patient_id", "visit_date"], ["P1", "2024-02-01"]):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    records = read_records(tmp_path / "book.xlsx")
    assert name not in " ".join((*records.notes, *(one.place for one in records.files)))
    assert name not in mask_person(name)


@pytest.mark.parametrize("header", ["Harper Zquist", "Dr. Zquist", "95 y/o neighbour"])
def test_a_header_that_names_a_person_is_masked(header: str) -> None:
    assert "quist" not in show_header(header) and "neigh" not in show_header(header)


@pytest.mark.parametrize(
    "header", ["Max Pain", "Visit Date", "Home Phone", "Insurance Type", "Brought on by", "Age", "Voice print"]
)
def test_headers_of_columns_are_shown(header: str) -> None:
    assert show_header(header) == header


def test_what_was_written_of_few_patients_is_no_payer(tmp_path: Path) -> None:
    """A remark on one patient in the column of payers stood in the cleaned tables and in those of the report."""
    rows = [[f"P{i}", "2024-02-01", "5", "Medicare" if i % 2 else ""] for i in range(30)]
    rows[4][3], rows[6][3], rows[6][0] = "neighbour of the mayor", "paid by a friend", "P4"
    visits = build_visits(
        read_records(write(tmp_path, ["patient_id", "visit_date", "pain_pre", "payer"], rows)), Protocol()
    )
    assert visits.labels["payer"].to_pylist() == ["Medicare", "other payers"]
    assert any("2 groups of fewer than 5 patients" in note for note in visits.notes)
    assert build_episodes(visits, Protocol()).n == 29


def test_payers_of_many_patients_stay(tmp_path: Path) -> None:
    rows = [[f"P{i}", "2024-02-01", "5", "Medicare" if i % 2 else "private"] for i in range(30)]
    visits = build_visits(
        read_records(write(tmp_path, ["patient_id", "visit_date", "pain_pre", "payer"], rows)), Protocol()
    )
    assert visits.labels["payer"].to_pylist() == ["Medicare", "private"]


@pytest.mark.parametrize("term", ["Harper Zquist", "Dr. Zquist", "jane@example.org", "x" * 61, "born 3 May 1951"])
def test_a_term_of_few_patients_that_may_name_one_is_masked(term: str) -> None:
    assert _show_term("modalities", term, 1) != term and _show_term("modalities", "zone tx", 1) == "zone tx"
