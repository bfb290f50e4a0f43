"""A number behind a label, a code, a plate, or a name known in part, in one cell of a column of words."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pytest

from outcomes import arrow
from outcomes.cases.export import _show_term
from outcomes.records import read_records
from outcomes.records.identifier_kinds import BIRTH, CODE
from outcomes.records.identifiers import find_inside
from outcomes.records.labelled import is_day, read_labelled
from outcomes.records.odd_terms import find_form, find_odd_terms, is_user, keep_few, names_person_in_part

WORDS = ["posture", "trauma", "overuse", "stress"]


def rows_away(folder: Path, cells: list[str], field: str = "cause", n: int = 100) -> list[int]:
    """Put some cells on top of a column of words, and return the place of those whose row is set aside."""
    texts = cells + [WORDS[i % 4] for i in range(n - len(cells))]
    lines = [f'K{i // 4:03},2024-02-{i % 28 + 1:02},"{text}"' for i, text in enumerate(texts)]
    path = folder / "v.csv"
    path.write_text("\n".join([f"patient_id,visit_date,{field}", *lines]) + "\n", encoding="utf-8")
    aside = read_records(path).set_aside
    assert set(aside.code) <= {"E903"} and not any(text in str(aside) for text in cells)
    return [row - 2 for row in aside.row.tolist()]


@pytest.mark.parametrize(
    "text",
    [
        "Krankenblatt 40718",
        "póliza 6620417",
        "n° adhérent 50318826",
        "Faks 31 44 05 72",
        "member no. XK20914",
        "pump no 604418",
        "RG 31.207.118-4",
        "group 77012 ID 8104457",
        "login: qvist_w",
        "user thorne82",
        "walburga.thorne",
        "PQ604418",
        "6044187",
        "BV62 KRT",
        "QX-4C1F90D763A1B2E4",
        "3f2a9c11-7d60-4e2b-9a55-0c81d2f4b6e7",
        "szül. 1951. 03. 14.",
        "Hämeenkatu 27",
        "418 Juniper Loop",
        "41 77 20 93",
        "walburga at qvist dot net",
        "insta: @qvist_44",
        "qvist-thorne.info",
        "Qvistova, Walburga",
        "pt Walburga Qvistova",
        "Fru Qvistova",
        "client: Zqist Vzeder",
        "W. Thomas",
        "XXX-XX-4407",
        "pas nr. 604418077",
        "login: wqvist",
        "walburga_q44",
        "Tartu mnt 46-27",
        "Av. Juárez 897",
        "Ringstigen 72",
        "portal.qvist.dk/pt/604418",
        "BIO36A5AC0999D82D132B83",
        "51793dda-9bfa-7589",
        "765 XMC",
        "VX-684GX",
        "K1A 0B1",
        "boul. Qvist 514",
        "ticket #6044187",
        "twitter: walburga_q",
        "qvist.github.io",
        "gait hash 5d0dc25a4da1",
        "QVIS-THOR-0049",
        "181 227 505",
        "December 27, 1987",
        "27. Dec. 1987",
        "Qvistova/Walburga",
    ],
)
@pytest.mark.parametrize("field", ["cause", "modalities", "diagnoses"])
def test_a_single_identifier_among_words_sets_its_row_aside(tmp_path: Path, field: str, text: str) -> None:
    assert rows_away(tmp_path, [text], field) == [0]


def test_what_a_visit_record_says_stays(tmp_path: Path) -> None:
    said = "CPT 97110|97140-59|TARMED 7301|SNOMED 279039007|IFC 4000|TENS 100 Hz|US 100 KHZ|Laser 904 nm|L4 5|C5 6TH"
    days = "MVA 03/12/2024|Unfall 120324|Knie OP 12.03.2019|TEP 03/2019|since 2019/2020|fusion 2018|120324|MRI 2022-11"
    done = "walked 12000|12 000 Schritte|reps 12-10-10|Step ups 20 15 12 10|lifting 20 kg box|badge 4471|max10|Level 3"
    named = "Logan Basic|Arnold Chiari|Tai Chi|Neck, Back|Heat, Ice|pt Home Exercise|Sr Lift"
    other = "Psoas, Left|M. Thomas|B. Zqist|97140-59-GP|Neck/Back|100 120 140|Dec 27, 2021"
    for texts in (said, days, done, named, other):
        assert rows_away(tmp_path, texts.split("|")) == []


def test_of_numbers_behind_one_word_that_names_nothing_few_are_slips_and_many_a_terminology(tmp_path: Path) -> None:
    assert rows_away(tmp_path, [f"Quandel {417_701 + i}" for i in range(3)], n=400) == [0, 1, 2]
    assert rows_away(tmp_path, [f"Quandel {417_701 + i}" for i in range(4)], n=400) == []
    assert rows_away(tmp_path, [f"file no {417_701 + i}" for i in range(4)], n=400) == [0, 1, 2, 3]
    assert rows_away(tmp_path, [f"PQ{417_701 + i}" for i in range(4)], n=400) == []


def test_what_stands_in_many_rows_is_a_word_of_the_practice(tmp_path: Path) -> None:
    assert rows_away(tmp_path, ["Quandel 417701"] * 20, n=400) == list(range(20))
    assert rows_away(tmp_path, ["Quandel 417701"] * 21, n=420) == []
    odd = [f"Quandel{chr(97 + i)} 417701" for i in range(21)]
    assert rows_away(tmp_path, odd[:20], n=400) == list(range(20))
    assert rows_away(tmp_path, odd, n=400) == []  # more than one row in twenty


def test_of_a_cell_with_several_terms_each_is_looked_at(tmp_path: Path) -> None:
    assert rows_away(tmp_path, ["heat;HC 604418;ice", "heat;ice"], "modalities") == [0]


def test_only_columns_of_words_are_looked_at_and_no_term_twice() -> None:
    terms = pa.array(["HC 604418", "heat"])
    assert find_odd_terms("procedure_codes", terms, ()) == find_odd_terms("cause", terms, ["HC 604418"]) == {}
    assert find_odd_terms("cause", terms, ()) == {"HC 604418": ("code of one person", "hc")}


def test_of_thousands_of_different_numbers_none_is_looked_at() -> None:
    many = pa.array([f"Quandel no {604_418 + 2 * i}" for i in range(2_001)])
    assert find_odd_terms("cause", many, ()) == {} and len(find_odd_terms("cause", many[1:], ())) > 1_900


def test_few_are_kept_by_their_rows() -> None:
    found = {"a": ("name", "a"), "b": ("name", "b")}
    assert keep_few(found, {"a": 1, "b": 21}, 1_000) == {"a": "name"}
    assert keep_few(found, {"a": 1, "b": 21}, 4_200) == {"a": "name", "b": "name"}
    assert keep_few(found, {"a": 2, "b": 2}, 10) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("MRN: 20.71.44", ("record number", "")),
        ("born 4/7/1951", ("birth date", "")),
        ("born 04-07-51", ("birth date", "")),
        ("chart 4/7/1951", None),
        ("journal no 04-07-51", ("record number", "")),
        ("HC 604400", None),  # round
        ("no. 604400", ("code of one person", "no")),
        ("Quandel 60441", None),  # too short where no word says that it is a number
        ("Quandel no 60441", ("code of one person", "quandel no")),
        ("Quandel 604 418 077", ("code of one person", "quandel")),
        ("Quandel 604418 twice", None),
        ("L4 604418", None),
        ("604418", None),
        (": 604418", None),
        ("file 2019/2020", None),
        ("", None),
        ("policy 60441", ("insurance number", "")),
        ("policy 6044", None),
        ("account no 60441", ("account number", "")),
        ("account no 6044", None),
        ("licence 60441", ("licence or certificate number", "")),
        ("licence 6044", None),
        ("device id 60441", ("device number", "")),
        ("device id 6044", None),
        ("phone 6044180", ("phone number", "")),
        ("phone 604 418", None),
        ("fax 604 418 0", ("fax number", "")),
        ("fax 604 418", None),
        ("ssn 6044", ("social security number", "")),
        ("ssn AB604", None),
        ("MRN 7711", ("record number", "")),
        ("MRN AB771", None),
        ("plate AB604", ("vehicle number or plate", "")),
        ("plate AB60", None),
        ("fingerprint 6044", ("biometric record", "")),
        ("fingerprint AB604", None),
        ("employee id 6044", ("code of one person", "")),
        ("personal 40718", ("code of one person", "")),
        ("personal 4071", None),
        ("city 604418", ("code of one person", "city")),  # no number says which town it is
        ("Quandel no 60 44 18", None),
        ("Quandel 60.44.18", None),
        ("Quandel 6044-18", ("code of one person", "quandel")),
        ("alpha beta gamma 604418", ("code of one person", "beta gamma")),
        ("office a phone no 6044180", ("phone number", "")),
        ("office phone no 6044180", ("code of one person", "phone no")),  # of a desk, by its third word
        ("a " * 10 + "MRN 7711341", ("record number", "")),
        ("a " * 11 + "MRN 7711341", None),  # the number is the thirteenth word
        (f"{'MRN 7711341':100}", ("record number", "")),
        (f"{'MRN 7711341':101}", None),
    ],
)
def test_a_label_says_what_a_number_is(text: str, found: tuple[str, str] | None) -> None:
    assert read_labelled(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "01.01.01",
        "12.03.24",
        "2024-03-12",
        "20240312",
        "20240331",
        "12032024",
        "120324",
        "240312",
        "032412",
        "12.13.24",
        "31.12.31",
    ],
)
def test_a_day_is_written_with_marks_or_in_six_digits_of_these_years(text: str) -> None:
    assert is_day(text)


@pytest.mark.parametrize("text", ["32.12.32", "120394", "451224", "13.13.24", "604418", "20243213", "12.03", ""])
def test_other_numbers_are_no_days(text: str) -> None:
    assert not is_day(text)


@pytest.mark.parametrize(
    ("text", "is_weak"),
    [
        ("PQ604418", True),
        ("QX-4C1F90D763A1B2E4", True),
        ("QVIS-THOR-0049", True),
        ("181 227 505", True),
        ("deadbeef-abcd-4abc-8abc-abcdefabcd12", False),
        ("BV62 KRT", True),
        ("K1A 0B1", True),
        ("Hämeenkatu 27", False),
        ("41 77 20 93", False),
        ("walburga at qvist dot net", False),
        ("@qvist_44", False),
        (f"{'q' * 93}katu 27", False),
    ],
)
def test_an_id_may_be_written_in_a_weak_form_and_in_no_other(text: str, is_weak: bool) -> None:
    form = find_form(text)
    assert form is not None and form.is_weak == is_weak
    assert find_form(f"{'q' * 94}katu 27") is None  # too long to be looked at


def test_the_name_of_a_user_has_a_listed_part_and_no_word_of_a_visit() -> None:
    assert is_user("walburga.thorne") and is_user("walburga82")
    assert not any(map(is_user, ("zqist.vzeder", "upper.trap", "neck.walburga", "max10")))


def test_a_name_says_that_it_is_one() -> None:
    for text in (
        "Qvistova, Walburga",
        "Patient: Walburga Q. Qvistova",
        "Mevr. Qvistova",
        "WALBURGA, QVISTOVA",
        "B. Thomas",
        "Walburga, Zqist Vzeder",
        "Zqista, Vzeder Walburga",
    ):
        assert names_person_in_part(text)
    for text in (
        "Walburga Qvistova",
        "Zqista, Vzeder",
        "Neck, Walburga",
        "Walburga, J.",
        "Sra Lumbar",
        "pt Walburga",
        "Zqista, Walburga Vzeder",
    ):
        assert not names_person_in_part(text)


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        ("Zqist Vzeder", "xxxxx xxxxxx"),
        ("J. Zqist", "J. xxxxx"),
        ("Zqist Massage", "xxxxx Massage"),
        ("zqist vzeder", "xxxxx xxxxxx"),
        ("Zqist", "xxxxx"),
        ("ultrasoud", "ultrasoud"),  # a slip in a word of the tables,
        ("Dr X", "xx X"),
        ("laser 904 nm", "laser 904 nm"),
        ("laser 40000 Hz", "laser 99999 Hz"),
        ("PC 330 HR", "xx 999 xx"),  # a plate
    ],
)
def test_of_an_unknown_term_of_few_patients_only_words_of_lists_are_shown(term: str, shown: str) -> None:
    assert _show_term("modalities", term, 4) == shown and _show_term("modalities", term, 5) == term
    assert _show_term("diagnoses", "M54.50", 1) == "M54.50"


@pytest.mark.parametrize(
    "part", ["1", "a1", "A1-", "a ", "1 ", "ab.", "Ab, ", "no 1", "@a", "AB12 ", "1111 ", "a-1 a", "\u00e9"]
)
def test_no_text_takes_long(part: str) -> None:
    start = time.thread_time()
    for n in (20, 50, 97, 100, 100_000):
        text = (part * n)[: n - 1] + "!"
        read_labelled(text), find_form(text), names_person_in_part(text), is_user(text), is_day(text)
    assert time.thread_time() - start < 0.5


def test_other_fields_keep_their_numbers(tmp_path: Path) -> None:
    lines = [f"K{i // 4:03},2024-02-{i % 28 + 1:02},{99_201 + i}" for i in range(40)]
    (tmp_path / "v.csv").write_text("\n".join(["patient_id,visit_date,procedure_codes", *lines, ""]), encoding="utf-8")
    assert read_records(tmp_path / "v.csv").n == 40


@pytest.mark.parametrize(
    ("term", "kind"),
    [
        ("7431 Kvezo Ter", "address or small area"),
        ("54 bis impasse du Zqist", "address or small area"),
        ("Zqister Str. 74/10", "address or small area"),
        ("Kfz ZQ AB 309", "vehicle number or plate"),
        ("PO 2384N", "vehicle number or plate"),
        ("6611644G", CODE),
        ("QV7f04urglIifjuk", CODE),
        ("zqist.kvezo (a) hotmail.fr", "e-mail address"),
        ("fb.com/zqist.kvezo.37", "web address"),
        ("Fax: 041 / 94739", "fax number"),
        ("skype walburga.zqist", CODE),
        ("walburga.z", CODE),
    ],
)
def test_more_ways_in_which_something_of_a_person_is_written(term: str, kind: str) -> None:
    found = find_odd_terms("modalities", arrow.from_texts([term]), set())
    assert [one for one, _ in found.values()] == [kind]


@pytest.mark.parametrize(
    "term",
    [
        "Squats 780 1054",
        "Massage 20324",
        "5000 Steps Walk",
        "10 min walk",
        "neck upper.trap",
        "TheraBand",
        "Ter 12",
        "bis 3",
    ],
)
def test_what_only_looks_so_is_none(term: str) -> None:
    assert find_odd_terms("modalities", arrow.from_texts([term]), set()) == {}


def test_a_birthday_is_told_by_its_month_in_other_languages() -> None:
    for text in ("geb. 26. Dezember 1938", "née 4 août 1951", "nato il 3 luglio 1960"):
        found = find_inside(text)
        assert found is not None and found.name == BIRTH
    assert find_inside("selfie 5176.heif") is not None


def test_five_ids_made_by_a_machine_are_no_terminology(tmp_path: Path) -> None:
    cells = [f"3f2a9c1{i}-7d60-4e2b-9a55-0c81d2f4b6e{i}" for i in range(5)]
    assert rows_away(tmp_path, cells) == [0, 1, 2, 3, 4]
