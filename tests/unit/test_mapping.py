"""The mapping file: every key read, every fault listed at once with its path."""

from __future__ import annotations

import dataclasses
import datetime
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from outcomes.errors import ConfigError
from outcomes.records import FIELDS, Mapping

EXAMPLE = Path(__file__).parents[2] / "docs" / "mapping.toml"


def faults(data: dict[str, object]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        Mapping.from_dict(data)
    return {finding.place: f"{finding.code} {finding.message} {finding.remedy}" for finding in caught.value.findings}


def test_the_documented_example_loads_and_shows_every_key() -> None:
    assert Mapping.load(EXAMPLE) == Mapping()  # as it is, it changes nothing
    text = re.sub(r'(?m)^# (\w+|"[^"]+")( +)?= ', r"\1 = ", EXAMPLE.read_text(encoding="utf-8"))
    shown = tomllib.loads(text)
    mapping = Mapping.from_dict({**shown, "columns": {}})
    assert mapping.dates.data_cut == datetime.date(2026, 9, 30)
    assert mapping.values.separators == (";", "|")
    assert set(shown["columns"]) == set(FIELDS)
    assert set(shown) == {field.name for field in dataclasses.fields(Mapping)}
    for section in ("file", "dates", "values", "pain"):
        assert set(shown[section]) == {field.name for field in dataclasses.fields(getattr(mapping, section))}


def test_defaults_need_no_file() -> None:
    mapping = Mapping()
    assert mapping == Mapping.from_dict({})
    assert (mapping.file.encoding, mapping.file.header_row, mapping.pain.scale) == ("utf-8", 1, "0-10")
    assert mapping.values.missing == ("",)


def test_all_faults_at_once_with_their_path() -> None:
    found = faults(
        {
            "colums": {},
            "pain": 3,
            "file": {"encoding": "utf-9", "delimiter": "::", "header_row": 0, "sheat": "x", "comment": 5},
            "columns": {"patient": "Case", "sex": 1, "age": "Case no", "age_band": "case NO"},
            "dates": {"order": "dym", "timezone": "Mars/Base", "data_cut": "2026-09-30", "two_digit_year_pivot": 100},
            "values": {"decimal_mark": ";", "separators": [], "true": ["J"], "false": ["j"], "missing": "NA"},
            "modality_columns": {"US": ""},
            "non_data": {"patient_id": [""]},
        }
    )
    assert set(found) == {
        "colums", "pain", "file.encoding", "file.delimiter", "file.header_row", "file.sheat", "file.comment",
        "columns.patient", "columns.sex", "columns.age_band", "dates.order", "dates.timezone", "dates.data_cut",
        "dates.two_digit_year_pivot", "values.decimal_mark", "values.separators", "values.true", "values.missing",
        "modality_columns.US", "non_data.patient_id",
    }  # fmt: skip
    assert "Did you mean 'columns'?" in found["colums"]
    assert "Did you mean 'sheet'?" in found["file.sheat"]
    assert "Did you mean 'patient_id'?" in found["columns.patient"]
    assert "columns.age" in found["columns.age_band"]


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("file", {"header_row": True}),
        ("file", {"delimiter": '"'}),
        ("file", {"encoding": "base64"}),
        ("file", {"comment": ";", "delimiter": ";"}),
        ("columns", {"patient_id": ""}),
        ("dates", {"data_cut": datetime.datetime(2026, 1, 1)}),
        ("dates", {"observed_until_day": -1}),
        ("pain", {"scale": "0-5"}),
    ],
)
def test_impossible_values(section: str, value: dict[str, object]) -> None:
    assert faults({section: value})


def test_unreadable_files(tmp_path: Path) -> None:
    broken = tmp_path / "mapping.toml"
    broken.write_text("[file\n")
    with pytest.raises(ConfigError, match=r"mapping\.toml.*line 1"):
        Mapping.load(broken)
    broken.write_bytes(b"# \xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        Mapping.load(broken)
    with pytest.raises(ConfigError, match=r"none\.toml"):
        Mapping.load(tmp_path / "none.toml")


def test_the_hash_changes_with_every_setting_and_with_nothing_else() -> None:
    data = {"columns": {"patient_id": "Case", "sex": "Sex"}, "file": {"delimiter": ";"}}
    other = {"file": {"delimiter": ";"}, "columns": {"sex": "Sex", "patient_id": "Case"}}
    assert Mapping.from_dict(data).hash == Mapping.from_dict(other).hash
    assert (
        len({Mapping().hash, Mapping.from_dict(data).hash, Mapping.from_dict({"pain": {"scale": "0-100"}}).hash}) == 3
    )
    code = "from outcomes.records import Mapping; print(Mapping().hash)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == Mapping().hash


def test_the_fields_are_those_of_the_contract() -> None:
    assert len(set(FIELDS)) == len(FIELDS) == 29


TWELVE = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


@pytest.mark.parametrize(
    ("section", "key", "good", "bad"),
    [
        ("file", "encoding", ["utf-8", "cp1252"], ["utf-9", "base64", "", "utf-8\0", 8]),
        ("file", "delimiter", [";", "\t", " ", "~"], ['"', "\n", "\r", "\0", "a", "7", "§", "", ";;", 5, None]),
        ("file", "comment", ["#"], ["##", "", "x"]),
        ("file", "header_row", [1, 2], [0, -1, True, 1.0, "1"]),
        ("file", "sheet", ["North", "*", ["North"], ["North", "South"], 1, [3], ["North", 3]],
         ["", [], [""], [0], ["North", ""], ["North", 0], ["North", "North"], [2, 2], 0, True, 2.0]),
        ("file", "accept_row_limit", [True, False], [1, 0, "true"]),
        ("dates", "order", ["iso", "excel-1904"], ["", "dm", 3, ["iso"]]),
        ("dates", "timezone", ["UTC", "Europe/Zurich"], ["", "Mars/Base", "/etc", "../x", 3, ["UTC"]]),
        ("dates", "data_cut", [datetime.date(2026, 9, 30)], [datetime.datetime(2026, 9, 30), "2026-09-30", 5]),
        ("dates", "observed_until_day", [0, 1, 100_000], [-1, 100_001, True, 1.0, "5"]),
        ("dates", "two_digit_year_pivot", [0, 1, 98, 99], [-1, 100, False, 9.0, "5"]),
        ("dates", "month_names", [TWELVE, [f"{word}." for word in TWELVE]],
         [TWELVE[:11], [*TWELVE, "xyz"], [*TWELVE[:11], "jan"], [*TWELVE[:11], " JAN."], [*TWELVE[:11], "m12"],
          [*TWELVE[:11], ""], [*TWELVE[:11], 12], "jan"]),
        ("values", "separators", [[";"], [";", "\n"], ["|"]], [[], ";", ["ab"], [";", "x"], ["\r"], [";", 3]]),
        ("values", "missing", [[], [""], ["NA", "-"]], ["NA", [3], ["NA", None]]),
    ],
)  # fmt: skip
def test_what_a_setting_may_be(section: str, key: str, good: list[object], bad: list[object]) -> None:
    for value in good:
        Mapping.from_dict({section: {key: value}})
    for value in bad:
        assert list(faults({section: {key: value}})) == [f"{section}.{key}"], value


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("rows_set_aside_percent", [0, 0.0, 5.5, 100], [-0.1, 100.1, True, "5", float("inf"), float("nan")]),
        ("missing_percent", [{}, {"visit_date": 0}, {"visit_date": 100}], [{"age": 5}, {"visit_date": 101}, 5]),
        ("warnings", [[], ["E117"]], ["E117", [117], ["warning"]]),
    ],
)
def test_what_may_be_acknowledged(key: str, good: list[object], bad: list[object]) -> None:
    for value in good:
        Mapping.from_dict({"acknowledge": {key: value, "by": "desk"}})
    for value in bad:
        assert list(faults({"acknowledge": {key: value, "by": "desk"}})) == [f"acknowledge.{key}"], value


@pytest.mark.parametrize(
    ("by", "is_name"), [("desk", True), ("n" * 80, True), ("n" * 81, False), (" ", False), ("a\nb", False), (5, False)]
)
def test_who_acknowledges_is_named_in_eighty_characters(by: object, is_name: bool) -> None:
    data = {"acknowledge": {"warnings": ["E117"], "by": by}}
    if is_name:
        assert Mapping.from_dict(data).acknowledge.by == by
    else:
        assert list(faults(data)) == ["acknowledge.by"]


AS_CLINIC = {"sheet": "*", "sheet_as": "clinic_id"}


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        ({"columns": {"region": "A", "cause": " a "}}, "columns.cause", "names the same column as columns.region."),
        (
            {"columns": {"region": "Ice"}, "modality_columns": {"ICE": "cold"}},
            "modality_columns.ICE",
            "names the same column as columns.region.",
        ),
        ({"columns": {"patient_id": ""}}, "columns.patient_id", "cannot be left out: it is required."),
        (
            {"values": {"true": ["ja", "Ok"], "false": ["OK ", "nein"]}},
            "values.true",
            "shares words with values.false: ok.",
        ),
        ({"file": AS_CLINIC, "columns": {"clinic_id": "Site"}}, "file.sheet_as", "both say what the clinic is."),
        ({"file": {"comment": ";", "delimiter": ";"}}, "file.comment", "is the same character as file.delimiter."),
        # beside each, what does not contradict itself
        ({"columns": {"region": "A", "cause": "a b", "trigger": ""}, "modality_columns": {"c": "cold"}}, None, ""),
        ({"columns": {"region": "", "cause": ""}}, None, ""),  # two that are not read are no column
        ({"values": {"true": ["ja"], "false": ["nein"]}}, None, ""),
        ({"file": AS_CLINIC, "columns": {"clinic_id": ""}}, None, ""),
        ({"columns": {"clinic_id": "Site"}}, None, ""),
        ({"file": {"comment": "#", "delimiter": ";"}}, None, ""),
        ({"file": {"delimiter": ";"}}, None, ""),
    ],
)
def test_settings_that_contradict_each_other(data: dict[str, object], place: str | None, words: str) -> None:
    if place is None:
        assert isinstance(Mapping.from_dict(data), Mapping)
        return
    found = faults(data)
    assert list(found) == [place] and found[place].startswith("E012 ") and words in found[place]


def test_each_column_of_yes_and_no_has_a_key_of_its_own() -> None:
    columns = {"US left": "ultrasound", "US right": "ultrasound", "Ice": "cold"}
    assert Mapping.from_dict({"modality_columns": columns}).ticked == {
        "ultrasound (US left)": ("US left", "ultrasound"),
        "ultrasound (US right)": ("US right", "ultrasound"),
        "cold": ("Ice", "cold"),
    }


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"dates": {"Maria Keller": 3}}, "dates.xxxxx xxxxxx"),
        ({"Maria Keller": {"order": "dmy"}}, "xxxxx xxxxxx"),
        ({"privacy": {"call 555-0142": True}}, "privacy.xxxx 999-9999"),
        ({"dates": {"Order Of": 3}}, "dates.Order Of"),
    ],
)
def test_a_misspelt_key_that_names_a_person_is_shown_by_its_shape(data: dict[str, object], shown: str) -> None:
    with pytest.raises(ConfigError) as fault:
        Mapping.from_dict(data)
    assert f"E010 {shown}: is not a key of the mapping." in str(fault.value) and "Keller" not in str(fault.value)
