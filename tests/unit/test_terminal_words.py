"""What the terminal says of the rows set aside and of warnings, and how wrong arguments are refused."""

from __future__ import annotations

import argparse
import re
from types import SimpleNamespace

import numpy as np
import pytest

import outcomes
from outcomes import cli
from outcomes.cases import build_episodes, build_visits
from outcomes.cases.export import _show_term
from outcomes.cases.remarks import list_main_reasons, list_unknown_terms
from outcomes.cases.rules import RULES
from outcomes.cli.set_aside import describe_set_aside
from outcomes.cli.shared import _say_warning
from outcomes.errors import ConfigError, Finding, InputRefused
from outcomes.questions.results import split_groups
from outcomes.records import Mapping, read_records
from outcomes.records import inspect_values as weigh
from outcomes.records.acknowledge import Acknowledge
from outcomes.records.counted import agreeing, counted
from outcomes.records.remarks import list_remarks
from outcomes.release import figures
from outcomes.release.tables import count_set_aside
from outcomes.simulate import write_simulation
from tables import records_of

NO_ANSWER = ("AT_RISK_CONVENTION", "is_share", "style")
"""What the figures have beside figures."""


def visits_of(pre, post, age=None):
    n = len(pre)
    cells = {
        "patient_id": [f"p{i}" for i in range(n)],
        "visit_date": [f"2026-03-{1 + i:02}" for i in range(n)],
        "pain_pre": pre,
        "pain_post": post,
        "age": age or ["40"] * n,
    }
    return build_visits(records_of(cells, Mapping()))


def test_rows_are_counted_as_in_the_ledger_and_on_the_page():
    visits = visits_of(["99", "5", "5", "5"], ["99", "99", "5", "5"], ["40", "40", "200", "40"])
    found = list_main_reasons(visits)
    assert [(f.code, f.place) for f in found] == [("E232", "columns 'pain_pre', 'pain_post'"), ("E241", "column 'age'")]
    assert "2 rows, 3 findings." in found[0].message and "1 row." in found[1].message
    lines = describe_set_aside(visits)
    assert lines[0].startswith("rows set aside: 3 (4 findings; a row counts once, under one rule), by rule")
    page = count_set_aside(build_episodes(visits)).set_index("code")["n"].to_dict()
    assert page == {"E232": 2, "E241": 1}


def test_a_second_fault_of_a_row_is_a_finding_and_no_row():
    found = list_main_reasons(visits_of(["99", "5"], ["5", "5"], ["200", "40"]))
    assert sorted(f.message.split(": ")[-1] for f in found) == [
        "1 finding, all in rows that count under another rule.",
        "1 row.",
    ]


def test_one_finding_a_row_needs_no_second_number():
    lines = describe_set_aside(visits_of(["99", "5"], ["5", "5"]))
    assert lines[0] == "rows set aside: 1, by rule, with up to 20 places of each"
    assert describe_set_aside(visits_of(["5"], ["5"])) == []


def test_words_that_name_a_column_are_said_of_its_rows_only(tmp_path):
    rows = [f"P{i},2026-03-{i:02},lifting,massage,5" for i in range(2, 22)]
    rows[3] = "P5,2026-03-05,call 303-555-0142,massage,5"
    rows[5] = "P7,2026-03-07,lifting,ask j.roe@example.org,5"
    rows[6] = "P8,2026-03-08,call 303-555-0199,massage,5"
    rows[7] = "P9,2026-03-09,lifting,massage,99"
    (tmp_path / "v.csv").write_text("\n".join(["patient_id,visit_date,trigger,modalities,pain_pre", *rows]) + "\n")
    visits = build_visits(read_records(tmp_path / "v.csv"))
    found = [(f.code, f.message.split(": ")[-1], f.remedy.split(".")[0]) for f in list_main_reasons(visits)]
    assert found[:2] == [
        ("E903", "2 rows.", 'column "trigger" (C) holds a phone number'),
        ("E903", "1 row.", 'column "modalities" (D) holds an e-mail address'),
    ]
    assert [code for code, _, _ in found] == ["E903", "E903", "E232"]
    lines = describe_set_aside(visits)
    assert lines[0].startswith("rows set aside: 4, by rule")
    said = [i for i, line in enumerate(lines) if "E903" in line]
    assert [line.split(" › ")[1] for line in lines[said[0] + 1 : said[1]]] == ["row 5", "row 8"]
    assert lines[said[1] + 1].strip() == 'v.csv › row 7 › column "modalities" (D)'


def test_a_finding_stands_under_the_column_of_its_own_file(tmp_path):
    (tmp_path / "a.csv").write_text("patient_id,visit_date,pain_pre\nP1,2026-03-02,99\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("patient_id,pain_pre,visit_date\nP2,99,2026-03-02\n", encoding="utf-8")
    quarantine = build_visits(read_records([tmp_path / "a.csv", tmp_path / "b.csv"])).quarantine
    assert quarantine["letter"].to_pylist() == ["C", "B"]


def test_an_acknowledged_warning_asks_for_nothing_more():
    warning = Finding("E283", "147 visits.", "quarter 2026Q1", "Check the export; acknowledge it.")
    assert "acknowledge it" in _say_warning(warning, Acknowledge())
    said = _say_warning(warning, Acknowledge(warnings=("E283",), by="R. Keller"))
    assert said == "E283 quarter 2026Q1: 147 visits. Acknowledged in the mapping."


def test_the_remedy_of_a_rating_off_the_scale_fits_either_scale():
    remedy = RULES["E232"].remedy
    assert "and the mapping does not say so yet" in remedy and remedy.endswith('declare [pain] scale = "0-100".')


def test_a_number_agrees_with_its_noun():
    assert [counted(n, "row") for n in (0, 1, 2, 1200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]


def test_terms_of_few_patients_are_said_to_be_listed_where_they_are():
    terms = [("trigger", "juggling", 2, 1), ("modalities", "moon dust", 9, 6), ("cause", "comet", 1, 1)]
    visits = SimpleNamespace(unknown_terms=terms)
    assert list_unknown_terms(visits) == [
        "modalities: moon dust (9 records)",
        "and 2 more, in unknown_terms of outcomes clean",
    ]
    visits.unknown_terms = [("cause", "comet", 7, 6), ("cause", "dust", 9, 5)]  # by records, not by patients
    assert [said.split()[1] for said in list_unknown_terms(visits)] == ["dust", "comet"]
    visits.unknown_terms = terms[::2]
    none = "none that may be shown, at 5 patients or more; unknown_terms of outcomes clean has every one"
    assert list_unknown_terms(visits) == [none]
    visits.unknown_terms = []
    assert list_unknown_terms(visits) == []


def test_running_text_and_what_is_like_an_identifier_is_counted_and_not_said():
    note, name = "told me that the back is better since the new job began, and sleeps well", "Anna Müller 079 555 12 34"
    terms = [("modalities", note, 9, 9), ("modalities", name, 8, 8), ("modalities", "moon dust", 7, 7)]
    said = list_unknown_terms(SimpleNamespace(unknown_terms=terms))
    assert said == ["modalities: moon dust (7 records)", "and 2 more, in unknown_terms of outcomes clean"]


def test_a_verb_agrees_with_its_number():
    assert [agreeing(n, "row", "has", "have") for n in (0, 1, 2)] == ["0 rows have", "1 row has", "2 rows have"]
    assert weigh.weigh_dates({"13/01/2024": 1}).words.endswith("because 1 row allows only that")
    assert weigh.weigh_dates({"2024-01-02": 1}).words == "the year comes first in 1 row"
    assert weigh.weigh_decimal_mark([{"5,5": 1}])[1] == "1 row has a decimal comma, 0 a point"
    assert weigh.weigh_pain_scale([{"7": 1}])[1].startswith("1 of 1 rating is 10 or less")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Muscles", "Muscles (meant as muscles_identified or muscles_treated?)"),
        ("Therapist", "Therapist (meant as clinician_id?)"),
        ("Sexe", "Sexe (meant as sex?)"),
        ("modalites", "modalites (meant as modalities?)"),
        ("diary", "diary"),
    ],
)
def test_a_column_nobody_asked_for_is_named_with_every_field_it_may_mean(header, said):
    """As `inspect` would read it; of two fields that begin alike neither is preferred."""
    file = SimpleNamespace(name="v.csv", place="v.csv", footer_rows=(), unread_columns=(header,))
    records = SimpleNamespace(fields={}, notes=(), files=(file,))
    assert list_remarks(records) == [f"not read from v.csv: {said}; [columns] in the mapping names what is"]


def test_a_second_column_of_what_was_read_is_taken_for_nothing_else():
    file = SimpleNamespace(name="v.csv", place="v.csv", footer_rows=(), unread_columns=("Patient", "Pain"))
    records = SimpleNamespace(fields={"patient_id": None}, notes=(), files=(file,))
    listed = "Patient, Pain (meant as pain_pre?)"
    assert list_remarks(records) == [f"not read from v.csv: {listed}; [columns] in the mapping names what is"]


def test_footers_are_told_by_their_rows():
    file = SimpleNamespace(name="v.csv", place="v.csv", footer_rows=(9, 12), unread_columns=())
    records = SimpleNamespace(fields={}, notes=(), files=(file,))
    assert list_remarks(records) == ["v.csv: totals or footers stand in rows 9, 12."]
    file.footer_rows = (9,)
    assert list_remarks(records) == ["v.csv: totals or footers stand in row 9."]


def test_an_unknown_table_is_refused_before_anything_is_read(tmp_path, capsys):
    arguments = ["clean", str(tmp_path / "none.csv"), "--out", str(tmp_path / "out"), "--tables", "visits,foo"]
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert "no table foo" in said and "reading" not in said and "E101" not in said


def test_every_example_of_the_help_stands_there_once():
    found = [line.strip() for line in cli._EXAMPLES.splitlines() if line.strip().startswith("outcomes")]
    commands = [line.split("  ")[0] for line in found]
    assert len(commands) == len(set(commands))
    assert isinstance(cli._parser(), argparse.ArgumentParser)


def test_inspect_says_what_comes_next(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path, out = tmp_path / "v.csv", tmp_path / "m.toml"
    path.write_text("patient_id,visit_date\nP1,2026-03-02\n", encoding="utf-8")
    assert cli.main(["inspect", str(path), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"outcomes report {path.name} --mapping {out}" in said and "1 row read" in said


def test_a_clean_simulation_has_a_mapping_that_reads_it(tmp_path):
    write_simulation(tmp_path / "sim", 20, 1, clean=True)
    records = read_records(tmp_path / "sim" / "visits.csv", tmp_path / "sim" / "mapping.toml")
    assert records.n and records.mapping.dates.data_cut.isoformat() == "2026-09-30"


def test_a_mapping_that_is_not_there_is_named_with_its_folder(tmp_path):
    with pytest.raises(ConfigError, match=r"no/such/mapping\.toml"):
        Mapping.load("no/such/mapping.toml")


@pytest.fixture(scope="module")
def visits():
    return visits_of(["5"] * 3, ["4"] * 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda v: outcomes.build_visits("visits.csv"), "is str, not records"),
        (lambda v: outcomes.build_visits(v), "is Visits, not records"),
        (lambda v: outcomes.build_episodes(None), "is NoneType, not visits"),
        (lambda v: outcomes.build_episodes(records_of({"patient_id": ["a"], "visit_date": ["2026-01-05"]})), "Records"),
        (lambda v: outcomes.select_clinic(build_episodes(v), "C02"), "is Episodes, not visits"),
        (lambda v: outcomes.read_records(None), "is NoneType, not a path"),
        (lambda v: outcomes.read_records([None]), "holds NoneType"),
        (lambda v: outcomes.read_records("v.csv", mapping={"columns": {}}), r"is dict.*from_dict"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(call, words, visits):
    with pytest.raises(InputRefused, match=f"E657.*{words}"):
        call(visits)


def test_a_quarter_that_is_a_number_is_refused_in_words():
    from outcomes.questions.quarters import read_quarter

    for given in (2026, "2031Q7", ""):
        with pytest.raises(InputRefused, match=rf"E658 quarter: '{given}' is no quarter\. Write it like 2026Q3"):
            read_quarter(given)


@pytest.mark.parametrize("written", ["2026Q1", "2026-q1", " 2026 Q1", "Q1 2026", "q1-2026", "Q12026"])
def test_a_quarter_is_read_as_people_and_pages_write_it(written):
    from outcomes.questions.quarters import quarter_word, read_quarter

    assert quarter_word(read_quarter(written)) == "2026Q1"


def test_a_quarter_that_is_none_is_refused_before_files_are_read(tmp_path, capsys):
    command = ["report", str(tmp_path / "none.csv"), "--quarter", "spring", "--out", str(tmp_path / "out")]
    assert cli.main(command) == 2
    said = capsys.readouterr().err
    assert "E658 quarter: 'spring' is no quarter" in said and "none.csv" not in said


def test_a_clinic_that_is_no_text_is_refused_by_name():
    seen = build_visits(records_of({"patient_id": ["a"], "visit_date": ["2026-01-05"], "clinic_id": ["C01"]}))
    for given, kind in ((3, "int"), (None, "NoneType"), (["C01"], "list")):
        words = rf"E657 clinic {re.escape(str(given))}: is {kind}, not the name of a clinic\. There are: C01"
        with pytest.raises(InputRefused, match=words):
            outcomes.select_clinic(seen, given)


def test_groups_by_a_column_without_a_name_are_refused_with_the_argument(visits):
    with pytest.raises(InputRefused, match=r'E651 by "": is no column of the episode table\. Choose one of'):
        list(split_groups(build_episodes(visits), np.arange(1), ""))


@pytest.mark.parametrize("name", [name for name in figures.__all__ if name not in NO_ANSWER])
def test_a_figure_refuses_what_is_no_answer(name, visits):
    for given, kind in ((build_episodes(visits), "Episodes"), (visits.table, "DataFrame"), (None, "NoneType")):
        with pytest.raises(InputRefused, match=rf"{name} cannot draw this[\s\S]*E657 \w+: is {kind}, not the answer"):
            getattr(figures, name)(given)


def test_a_figure_refuses_the_answer_to_another_question():
    returns = SimpleNamespace(settings={"question": "return after relief to a clinic in these records"})
    relief = SimpleNamespace(settings={"question": "time to relief"})
    with pytest.raises(InputRefused, match=r"E657.*estimate_relief"):
        figures.relief_curve(returns)
    with pytest.raises(InputRefused, match=r"E657.*estimate_recurrence"):
        figures.return_curve(relief)


@pytest.mark.parametrize("command", ["clean", "report", "inspect"])
def test_an_unforeseen_error_names_its_place_and_the_files_and_no_value(tmp_path, capsys, monkeypatch, command):
    files = [tmp_path / "q1.csv", tmp_path / "q2.csv"][: 1 if command == "inspect" else 2]
    for i, path in enumerate(files):
        path.write_text(f"patient_id,visit_date\na,2026-03-0{1 + i}\n")
    earlier = tmp_path / "out" / "kept.txt"
    earlier.parent.mkdir()
    earlier.write_text("earlier")

    def fail(*_, **__):
        raise KeyError("Jane Quagmire")

    monkeypatch.setattr(
        "outcomes.records.inspect.read_top" if command == "inspect" else "outcomes.cases.build_visits", fail
    )
    assert cli.main([command, *map(str, files), "--out", str(earlier.parent / "new")]) == 4
    said = capsys.readouterr().err
    names = ", ".join(path.name for path in files)
    assert "internal error: KeyError at " in said and f", working on {names};" in said
    assert "Quagmire" not in said and str(tmp_path) not in said and "Traceback" not in said
    assert [path.name for path in earlier.parent.iterdir()] == ["kept.txt"]


def test_quiet_leaves_out_progress_and_no_warning(tmp_path, capsys):
    """A column of e-mail addresses, ids that are hashes and a file without rows ask for something to be done."""
    rows = [f"{i:032x},2026-03-{1 + i:02},p{i}@mail.example.org\n" for i in range(20)]
    (tmp_path / "a.csv").write_text("patient_id,visit_date,misc\n" + "".join(rows))
    (tmp_path / "b.csv").write_text("patient_id,visit_date,misc\n")
    command = ["clean", *(str(tmp_path / name) for name in ("a.csv", "b.csv")), "--out", str(tmp_path / "out")]
    assert cli.main([*command, "--quiet"]) == 0
    said = capsys.readouterr().err
    assert all(code in said for code in ("E904", "E905", "E113"))
    assert not any(words in said for words in ("reading ", "checking ", "read as year", "not read from"))
    assert cli.main(command) == 0
    said = capsys.readouterr().err
    assert all(words in said for words in ("E904", "reading ", "checking ", "not read from"))


def test_a_rare_unknown_term_with_a_long_number_stands_as_its_shape():
    """Also in the file for the owner alone: a number of six digits is a patient's or a phone's, no treatment's."""
    numbers = ("01715559988", "4711-0815", "Fall 88 77 12 34", "ref 44 555/01")
    for term in numbers:
        assert not set("12345678") & set(_show_term("modalities", term, 4)), term
        assert _show_term("modalities", term, 5) == term
    for term in ("97140", "laser 2000 Hz", "8 x 30 sec", "M54.5", "2-4 min"):
        assert _show_term("modalities", term, 1) == term
