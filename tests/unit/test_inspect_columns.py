"""How likely a column is a field, by its header and by its cells: the numbers, and where the answer turns."""

from __future__ import annotations

import pytest

from outcomes.definitions import Codebook
from outcomes.records import Mapping, inspect_columns, inspect_people
from outcomes.records.inspect_columns import (
    _MOST_CELLS,
    _TESTS,
    SURE,
    Match,
    _distinct,
    _score_cells,
    _score_ids,
    ask_about_column,
    ask_about_pain,
    find_misfits,
    match_columns,
    score_name,
)
from outcomes.records.inspect_head import Top

IDS = [f"Q{i % 30:03d}x" for i in range(200)]


@pytest.fixture(scope="module")
def codebook() -> Codebook:
    return Codebook.load()


@pytest.mark.parametrize(
    ("header", "field", "score"),
    [
        ("Patient", "patient_id", 1.0),
        ("patient number of the clinic", "patient_id", 0.55 + 0.4 * 14 / 28),
        ("chart", "patient_id", 1.0),
        ("chart notes", "patient_id", 0.0),  # "chart" is a name as it stands, not a part of one
        ("pt notes", "patient_id", 0.0),
        ("visit date x", "visit_date", 0.55 + 0.4 * 10 / 12),
        ("visitdate", "visit_date", 0.95 * 18 / 19 - 0.05),
        ("vas befor", "pain_pre", 0.95 * 18 / 19 - 0.05),
        ("ODI before", "pain_pre", 0.0),
        ("vas after", "pain_pre", 0.0),
        ("pain after", "pain_post", 1.0),
        ("pain after", "pain_pre", 0.0),
        ("previous visits", "previous_episodes", 0.0),
        ("previous episode", "previous_episodes", 0.95 * 32 / 33 - 0.05),
        ("sex of patient", "sex", 0.55 + 0.4 * 3 / 14),
        ("sexx", "sex", 0.0),  # so short a name is not compared letter by letter
        ("clinics", "clinic_id", 0.95 * 12 / 13 - 0.05),
        ("zzz", "age", 0.0),
        ("region of pain", "region", 0.55 + 0.4 * 6 / 14),
    ],
)
def test_a_header_is_a_name_has_it_or_is_spelt_like_it(header: str, field: str, score: float) -> None:
    assert score_name(header, field) == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize(
    ("field", "yes", "no"),
    [
        (
            "visit_date",
            ("2024-01-02", "13/01/2024", "45293", "40000", "49999.5", "3 wrz 2026", "3. sep 1999"),
            ("soon", "50000", "3 wrz 2126"),
        ),
        ("onset_date", ("2024-01-02", "3 wrz 2026"), ("45293", "soon")),
        ("visit_day", ("0", "7", "40000", "7.0"), ("40001", "7.5", "-1", "x")),
        ("onset_days", ("0", "40000"), ("40001", "2 weeks")),
        (
            "pain_pre",
            ("7", "5,5", "7/10", "70/100", "80%", "70 mm", "7->3", "-1", "7 → 3"),
            ("1000", "7/1", "severe", "7 of 10"),
        ),
        ("pain_post", ("7", "7.25"), ("7 pt",)),
        ("function_score", ("7", "42.5", "12345,125"), ("123456", "1.2345", "-4")),
        ("previous_episodes", ("0", "12", "999"), ("1000", "two")),
        ("age", ("0", "45", "120"), ("121", "45-50")),
        ("age_band", ("18-40", "60+", "< 18", "41 to 50", "≥65"), ("45", "1860+")),
        ("diagnoses", ("M54.5", "m545; M54.16", "A01", "S39.012A"), ("54.5", "U07.1", "M54.5 strain")),
        ("procedure_codes", ("97110", "97140-59 x2", "G0283, 97012"), ("9711", "97110 exercise")),
        ("payer", ("Medicare part B", "self pay", "WC"), ("Aetna", "selfie")),
    ],
)
def test_what_the_cells_of_a_field_look_like(field: str, yes: tuple[str, ...], no: tuple[str, ...]) -> None:
    assert [cell for cell in yes if not _TESTS[field](cell)] == []
    assert [cell for cell in no if _TESTS[field](cell)] == []


@pytest.mark.parametrize(
    ("field", "cells", "score"),
    [
        ("region", ["lumbar; cervical"], 1.0),
        ("region", ["lumbar", "attic"], 0.5),
        ("region", [";"], 0.0),
        ("region", [], 0.0),
        ("muscles_identified", ["piriformis;multifidus", "attic"], 2 / 3),
        ("modalities", ["heat|attic", "massage, attic"], 0.5),
        ("visit_purpose", ["initial evaluation", "attic"], 0.5),
        ("age", ["40", "x", "y", "121"], 0.25),
    ],
)
def test_the_share_of_the_different_cells_that_fit(field: str, cells: list[str], score: float, codebook: Codebook):
    assert _score_cells(field, cells, cells, codebook) == pytest.approx(score)


@pytest.mark.parametrize(
    ("field", "names", "cells", "score"),
    [
        ("patient_id", [f"n{i}" for i in range(50)], 5000, 0.5),
        ("patient_id", [f"n{i}" for i in range(51)], 5000, 1.0),
        ("clinic_id", ["a;b", *"cdefghijk"], 200, 1.0),  # one list in ten may be a slip
        ("clinic_id", ["a;b", *"cdefghij"], 200, 0.0),
        ("clinic_id", ["2024-01-02", "b"], 200, 0.0),
        ("clinician_id", [f"n{i}" for i in range(400)], 2000, 1.0),
        ("clinician_id", [f"n{i}" for i in range(401)], 2000, 0.2),
        ("clinician_id", [f"n{i}" for i in range(20)], 40, 1.0),
        ("clinician_id", [f"n{i}" for i in range(21)], 40, 0.2),
    ],
)
def test_ids_are_few_or_many_and_no_lists_and_no_dates(field: str, names: list[str], cells: int, score: float) -> None:
    assert _score_ids(field, names, (names * cells)[:cells]) == score


def test_only_the_first_twenty_ids_are_looked_at_for_dates() -> None:
    names = [f"n{i}" for i in range(19)]
    assert _score_ids("patient_id", [*names, "2024-01-02"], names) == 0.0
    assert _score_ids("patient_id", [*names, "n19", "2024-01-02"], names) == 1.0


def test_blank_cells_are_no_ids() -> None:
    assert _score_ids("clinic_id", ["a", "b", "c"], ["a", "b", "c", " ", "", ""]) == 0.2
    assert _score_ids("clinic_id", ["a", "b"], ["a", "b", "", ""]) == 1.0


def test_different_cells_are_taken_in_order_and_so_many_of_them() -> None:
    assert _distinct(["b ", "", " ", "a", "b", "ａ"]) == ["b", "a"]
    many = [f"n{i}" for i in range(_MOST_CELLS + 1)]
    assert _distinct(many) == many[:-1]


@pytest.mark.parametrize(
    ("header", "cells", "found"),
    [
        # 0.6 of the words of the header, 0.4 of the cells
        ("visit date x", ["2024-01-02"], ("visit_date", round(0.6 * (0.55 + 0.4 * 10 / 12) + 0.4, 2), 0.88, 1.0)),
        ("code", ["M54.5", "M54.2"], ("diagnoses", round(0.6 * 0.6375 + 0.4, 2), 0.64, 1.0)),
        ("code", ["M54.5", "hello"], ("diagnoses", round(0.6 * 0.6375 + 0.2, 2), 0.64, 0.5)),
        ("Alter (Jahre)", ["40"], ("age", round(0.6 * (0.55 + 0.4 * 5 / 11) + 0.4, 2), 0.73, 1.0)),
        # a header alone counts three quarters
        ("sex", ["", ""], ("sex", 0.75, 1.0, 0.0)),
        ("region of pain", [""], ("region", round(0.75 * (0.55 + 0.4 * 6 / 14), 2), 0.72, 0.0)),
        # unknown words say nothing against a header that is the field's, letter by letter
        ("region", ["attic", "cellar"], ("region", 0.62, 1.0, 0.0)),
        ("region", ["lumbar", "attic"], ("region", 0.8, 1.0, 0.5)),
        # cells alone: diagnoses and procedures only
        ("onsets", ["97110", "97112"], ("procedure_codes", 0.65, 0.0, 1.0)),
        ("zzzz", [*["97110", "97112", "97140", "97012"], "hello"], ("procedure_codes", 0.52, 0.0, 0.8)),
        ("zzzz", [*["97110", "97112", "97140"], "hello"], None),
        ("zzzz", ["40", "50"], None),
        # fields whose cells must look like it
        ("age", ["40", "x", "y"], ("age", 0.73, 1.0, 0.33)),
        ("age", ["40", "x", "y", "z"], None),
        ("age", ["130"], None),
        # yes and no
        ("clinic", ["yes", "no"], None),
        ("clinics", ["x", ""], ("clinic_id", round(0.6 * (0.95 * 12 / 13 - 0.05) + 0.4, 2), 0.83, 1.0)),
        ("massage", ["x", ""], None),
        ("numbness", ["x", ""], ("paresthesia", 0.62, 1.0, 0.0)),
        ("clinic of visit", ["x", ""], None),
        ("numbness in legs", ["yes", "no"], ("paresthesia", round(0.6 * 0.75 + 0.4, 2), 0.75, 1.0)),
        # numbers fit many fields: below a header that is spelt a little alike they are asked about, not taken
        ("aging", ["40", "41"], None),
        ("age zz zzzzzzzzzzzzzzz", ["40"], ("age", 0.61, 0.6, 1.0)),
        ("birth date", ["2024-01-02"], None),
        ("date", ["2024-01-02"], ("visit_date", 1.0, 1.0, 1.0)),
    ],
)
def test_what_a_column_is_taken_for(
    header: str, cells: list[str], found: tuple[str, float, float, float] | None, codebook: Codebook
) -> None:
    matches = match_columns([header], [cells], codebook)
    assert [(m.field, m.score, m.by_name, m.by_cells) for m in matches] == ([found] if found else [])
    assert all((m.position, m.header, m.rivals, m.is_declared) == (0, header, (), False) for m in matches)


def test_each_field_and_each_column_is_taken_once_the_better_first(codebook: Codebook) -> None:
    header = ["visit date x", "visit date", "date of visit", "patient"]
    cells = [["2024-01-02"], ["2024-01-02"], ["2024-01-02"], IDS]
    found = {m.field: m.position for m in match_columns(header, cells, codebook)}
    assert found["visit_date"] == 1 and found["patient_id"] == 3
    assert len(set(found.values())) == len(found)


def test_a_word_for_word_header_is_no_other_field_by_its_letters(codebook: Codebook) -> None:
    """Ursache is the cause; its letters make it no other field where the cause is another column already."""
    cells = [["posture"], ["posture"]]
    found = match_columns(["cause", "Ursache"], cells, codebook)
    assert [(m.field, m.position) for m in found] == [("cause", 0)]


def test_other_ratings_that_fit_as_well_are_rivals(codebook: Codebook) -> None:
    header = ["Pain", "NRS", "VAS", "pain after"]
    found = {m.field: m for m in match_columns(header, [["7"]] * 4, codebook)}
    assert found["pain_pre"].position == 0 and found["pain_pre"].rivals == ("NRS", "VAS")
    assert found["pain_post"].position == 3 and found["pain_post"].rivals == ()
    assert ask_about_pain(found["pain_pre"]) == (
        'column "Pain" (A) may be pain before the treatment, and so may "NRS", "VAS": choose one, '
        "then uncomment pain_pre in the mapping"
    )
    assert ask_about_pain(found["pain_post"]) == ""


def test_nothing_is_asked_about_the_thousands_of_columns_beside_a_cell_in_the_last_one(codebook, monkeypatch) -> None:
    """To hold each against every field took twenty seconds."""
    asked = []
    score = inspect_columns.score_name
    monkeypatch.setattr(inspect_columns, "score_name", lambda name, field: asked.append(name) or score(name, field))
    header, cells = ["Patient", "", " ", ""], [["P1"], [], ["", " "], ["x"]]
    assert [m.field for m in match_columns(header, cells, codebook)] == ["patient_id"]
    assert set(asked) == {"Patient", ""}  # the last one has no header, and a cell
    looked_at = []
    judge = inspect_people.judge_unasked
    monkeypatch.setattr(
        inspect_people, "judge_unasked", lambda name, *more: looked_at.append(name) or judge(name, *more)
    )
    top = Top("csv", Mapping().file, {}, tuple(header), tuple(cells))
    assert inspect_people.judge_unread(top, [], 2025) == []
    assert looked_at == ["Patient", ""]


def test_a_rating_that_fits_less_well_by_more_than_a_twentieth_is_no_rival(codebook: Codebook) -> None:
    """The second column has a cell in ten that is none, one in eight and two in ten: 0.04, 0.05 and 0.08 less."""
    for n_odd, n_cells, rivals in ((1, 10, ("NRS",)), (1, 8, ("NRS",)), (2, 10, ())):
        odd = [*"0123456789"[n_odd:n_cells], *["severe", "mild"][:n_odd]]
        found = {m.field: m for m in match_columns(["VAS", "NRS"], [list("0123456789"), odd], codebook)}
        assert found["pain_pre"].header == "VAS" and found["pain_pre"].rivals == rivals


@pytest.mark.parametrize(
    ("match", "asked"),
    [
        (Match(1, "zz", "procedure_codes", 0.65, 0.0, 1.0), True),
        (Match(1, "zz", "procedure_codes", 0.62, 0.0, 1.0), True),
        (Match(1, "zz", "procedure_codes", 0.61, 0.0, 1.0), False),  # not proposed
        (Match(1, "code", "procedure_codes", 0.65, 0.58, 1.0), False),  # its header says it
        (Match(1, "zz", "procedure_codes", 0.65, 0.0, 1.0, is_declared=True), False),
    ],
)
def test_what_fits_by_its_cells_alone_is_asked_about(match: Match, asked: bool) -> None:
    said = ask_about_column(match)
    assert said.startswith('column "zz" (B) looks like procedure_codes by its cells alone') is asked
    assert bool(said) is asked


@pytest.mark.parametrize(
    ("match", "asked"),
    [
        (Match(0, "pain now", "pain_pre", 0.9, 0.85, 1.0), False),
        (Match(0, "pain now", "pain_pre", 0.89, 0.85, 1.0), True),
        (Match(0, "pain now", "pain_pre", 0.62, 0.85, 1.0), True),
        (Match(0, "pain now", "pain_pre", 0.61, 0.85, 1.0), False),
        (Match(0, "pain", "pain_pre", 0.8, 1.0, 0.5), False),
        (Match(0, "pain", "pain_pre", 0.79, 1.0, 0.49), True),
        (Match(0, "score before", "pain_pre", 0.95, 0.95, 1.0), True),  # of what?
        (Match(0, "pain now", "pain_pre", 0.7, 0.85, 1.0, is_declared=True), False),
        (Match(0, "age", "age", 0.7, 0.85, 1.0), False),
    ],
)
def test_a_rating_is_asked_about_where_header_or_cells_leave_a_doubt(match: Match, asked: bool) -> None:
    assert bool(ask_about_pain(match)) is asked
    if asked:
        assert ask_about_pain(match) == (
            f'column "{match.header}" (A) may be pain before the treatment ({match.score:.2f}): look, then uncomment '
            "pain_pre in the mapping"
        )


def test_a_doubt_of_a_rating_is_a_doubt_of_its_column() -> None:
    match = Match(0, "pain now", "pain_pre", 0.7, 0.85, 1.0)
    assert ask_about_column(match) == ask_about_pain(match) != ""


def test_columns_called_like_a_field_whose_cells_are_none_are_told_with_a_shape(codebook: Codebook) -> None:
    header = ["patient_id", "visit_date", "age", "diagnosis"]
    cells = [IDS, ["soon"], ["old", "young"], ["strain"]]
    matches = match_columns(header, cells, codebook)
    found = find_misfits(header, cells, matches, ())
    assert [(m.field, m.letter) for m in found] == [("visit_date", "B"), ("age", "C"), ("diagnoses", "D")]
    assert [m.words.partition(" is called ")[2].partition(" this tool")[0] for m in found] == [
        "visit_date, but its cells are no dates",
        "age, but its cells are no numbers",
        "diagnoses, but its cells are no codes",
    ]
    assert not any(cell in m.words for m in found for cell in ("soon", "old", "young", "strain"))
    assert [m.field for m in find_misfits(header, cells, matches, ("age",))] == ["visit_date", "diagnoses"]


def test_a_column_that_is_no_sure_match_may_still_be_a_misfit() -> None:
    cells = [["soon", "2024-01-02"]]
    for score, told in ((0.62, []), (0.61, ["visit_date"])):
        match = Match(0, "visit date", "visit_date", score, 1.0, 0.5)
        assert [m.field for m in find_misfits(["visit date"], cells, [match], ())] == told


def test_a_spanish_export_is_read_by_its_own_words(codebook: Codebook) -> None:
    """The kind of appointment was named as the patient, for "Expediente" was no known word."""
    columns = {
        "Clase de cita": (["Primera", "Revisión"], "visit_purpose"),
        "Fecha de cita": (["02/03/2025", "15/03/2025"], "visit_date"),
        "Expediente": (["P001", "P002", "P001"], "patient_id"),
        "EVA inicio": (["7", "5"], "pain_pre"),
        "EVA fin": (["4", "3"], "pain_post"),
        "Técnicas aplicadas": (["masaje", "ultrasonido"], "modalities"),
        "Notas": (["mejor", "igual"], None),
    }
    matches = match_columns(list(columns), [cells for cells, _ in columns.values()], codebook)
    taken = {m.header: m.field for m in matches if m.score >= SURE}
    assert taken == {header: field for header, (_, field) in columns.items() if field}


@pytest.mark.parametrize(
    ("header", "cells", "field", "is_one"),
    [
        (
            "Zip Code",
            [f"{n}" for n in range(12_345, 12_400)],
            "procedure_codes",
            False,
        ),  # what the header says of people
        ("Proc", [f"{n}" for n in range(97_000, 97_055)], "procedure_codes", True),
        ("NRS post", [str(n % 10) for n in range(50)], "pain_post", True),  # word for word a rating, "post" or not
    ],
)
def test_a_header_that_says_something_of_people_is_a_field_word_for_word_only(codebook, header, cells, field, is_one):
    assert (field in [m.field for m in match_columns([header], [cells], codebook)]) == is_one
