"""Ratings, numbers, codes and words: entries 81 to 94."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faults.catalogue import ASK, FIX, KEEP, MASK, QUAR, WARN, Fault, Input, Run
from faults.exports import (
    EVERYWHERE,
    Row,
    aside,
    clean_rows,
    conserved,
    of_files,
    reads,
    rewritten,
    spoilt,
    visit_of,
    write,
)

_PAIN = "pain_pre"
_COMMA = '[values]\ndecimal_mark = ","\n'
_VAS = '[pain]\nscale = "0-100"\n'
_FIELDS = "patient_id,visit_date,pain_pre,massage,heat\n"
_FLAGS = '[modality_columns]\n"massage" = "massage"\n"heat" = "heat"\n'
_YES_NO = '[values]\ntrue = ["Y", "ja", "1"]\nfalse = ["N", "nein", "0"]\n'
_ODD = ("inf", "NaN", "1e400", "9" * 400)
_ONE_NUMBER = "Record one number per field."


def _cells(column: str, *texts: str) -> dict[tuple[int, str], str]:
    """Write these texts into the column, in every fourth row."""
    return {(4 * i, column): text for i, text in enumerate(texts)}


def _rows(*texts: str) -> tuple[int, ...]:
    return tuple(4 * i for i in range(len(texts)))


def _set_aside(number: int, name: str, title: str, code: str, column: str, *texts: str, remedy: str = "") -> Fault:
    """An entry whose cells are each set aside under one rule."""
    return Fault(
        number=number,
        name=name,
        title=f"{title}: {', '.join(f'`{text[:20]}`' for text in texts)}",
        outcome=QUAR,
        codes=(code,),
        make=spoilt(_cells(column, *texts)),
        formats=EVERYWHERE,
        remedy=remedy or "Correct it in the clinic system.",
        check=aside(code, *_rows(*texts)),
    )


def _comma(row: Row, number: int) -> None:
    row[_PAIN] = f"{row[_PAIN]},5" if number % 2 else row[_PAIN]


def _hundred(where: Callable[[Row, int], bool]) -> Callable[[Row, int], None]:
    def change(row: Row, number: int) -> None:
        if where(row, number):
            row[_PAIN] = str(10 * int(row[_PAIN]) + number % 7 if number % 7 else 10 * int(row[_PAIN]))

    return change


def _tenth(where: Callable[[Row, int], bool]) -> Callable[[Row, int], None]:
    """Write ratings as parts of one, 7 as 0.7."""

    def change(row: Row, number: int) -> None:
        if where(row, number):
            for column in (_PAIN, "pain_post"):
                row[column] = f"{int(row[column]) / 10:g}"

    return change


def _old_codes(row: Row, _: int) -> None:
    row["diagnoses"] = "724.8"


def _old_patients(folder: Path, kind: str) -> Input:
    rows = clean_rows(10)
    for number, row in enumerate(rows[:6]):
        row["age"] = ("119", "117")[number // 3]
    tables = ("--format", "csv", "--tables", "visits,ledger")
    return Input([write(folder, kind, rows)], options=tables, secrets=("119", "117"))


def _masked_ages(run: Run) -> None:
    conserved(run)
    assert {visit_of(run, row)["age"] for row in (0, 1, 2, 3, 4, 5)} == {"90"}


def _flags(*words: tuple[str, str], mapping: str = _FLAGS) -> Callable[[Path, str], Input]:
    """Sixty rows with two yes/no columns, written in these words for yes and no."""

    def make(folder: Path, _: str) -> Input:
        lines = [
            f"K{101 + i},2025-{1 + i % 12:02d}-05,6,{pair[i % 2]},{pair[(i + 1) % 2]}\n"
            for i, pair in ((i, words[i % len(words)]) for i in range(60))
        ]
        path = folder / "visits.csv"
        path.write_text(_FIELDS + "".join(lines), encoding="utf-8")
        return Input([path], mapping)

    return make


def _half_massage(run: Run) -> None:
    conserved(run)
    assert [row["modalities"] for row in run.table("visits")].count("massage") == 30


def _same_pain(row: Row, _: int) -> None:
    row[_PAIN] = "5"


def _no_baseline(run: Run) -> None:
    conserved(run)
    episodes = {row["patient_id"]: row for row in run.table("episodes")}
    assert episodes["K101"]["is_eligible"] == episodes["K102"]["is_eligible"] == "false"
    assert len(run.table("visits")) == 120


def _two_quarters(**last: Callable[[int], str]) -> list[Row]:
    """Visits of three quarters, 120 a quarter; cells of the last one may be written otherwise."""
    rows = []
    for number in range(360):
        quarter, place = divmod(number, 120)
        row = {**clean_rows(1)[0], "patient_id": f"K{101 + number % 50}", "onset_date": "", "age": "", "sex": ""}
        row["visit_date"] = f"2025-{3 * quarter + 1 + place // 40:02d}-{1 + place % 28:02d}"
        row["clinic_id"] = ("north", "south")[place // 28 % 2]
        row[_PAIN] = str(4 + place % 3)
        row["pain_post"] = str(1 + place % 3)
        row["function_score"] = str(20 + place % 30)
        if quarter == 2:
            row |= {name: text(place) for name, text in last.items()}
        rows.append(row)
    return rows


def _on_five(row: Row) -> str:
    """Half of the score in the last quarter of the south, and no severe pain in any other."""
    severe = str(min(10, 2 * int(row[_PAIN]) - 3))
    is_moved = row["clinic_id"] == "south" and row["visit_date"] >= "2025-07"
    return str(int(severe) // 3) if is_moved else severe


def _same_in_the_south(place: int) -> str:
    return "5" if place // 28 % 2 else str(4 + place % 3)


_CUT = "[dates]\ndata_cut = 2025-09-30\n"


def _jump(name: str, title: str, code: str, rows: list[Row]) -> tuple[Fault, Fault]:
    """The same records cleaned, which warns, and reported on, which is refused."""
    remedy = "Check the export; if the change is real, write `warnings` and `by` below `[acknowledge]`."

    def reported(folder: Path, kind: str) -> Input:
        return Input([write(folder, kind, rows)], _CUT, command=("report",), options=("--no-notebooks", "--quiet"))

    return (
        Fault(
            number=94,
            name=name,
            title=title,
            outcome=WARN,
            codes=(code, "E293"),
            make=of_files(rows, mapping=_CUT),
            remedy=remedy,
            check=conserved,
        ),
        Fault(
            number=94,
            name=f"{name}_reported",
            title=f"{title}: a report is refused until it is acknowledged",
            outcome=ASK,
            codes=("E293", f'warnings = ["{code}"]'),
            make=reported,
            remedy=remedy,
        ),
    )


FAULTS: tuple[Fault, ...] = (
    _set_aside(81, "outside_scale", "Rating outside the declared scale", "E232", _PAIN, "42", "-3", "11"),
    Fault(
        # 6/10, 6-7 and 8->5 say what they mean, and how often they were read so is told (decided with the readers).
        number=82,
        name="readable_ratings",
        title="Ratings written `7/10`, `7-8` and `8->5`",
        outcome=FIX,
        codes=("1 rating written as n/10", "1 rating written as a-b", "1 rating written as before->after"),
        make=spoilt(_cells(_PAIN, "7/10", "7-8", "8->5")),
        formats=EVERYWHERE,
        check=reads(4, "pain_pre_nrs", "7.5"),
    ),
    _set_aside(
        82, "no_rating", "Rating that is no number", "E231", _PAIN, "~6", "<3", "severe", "VAS 7", remedy=_ONE_NUMBER
    ),
    _set_aside(
        *(82, "rating_made_a_date", "Rating that a spreadsheet turned into a date", "E235", _PAIN),
        *("3-Oct", "Oct-3", "2025-10-03", "03/10/2025"),
        remedy="Export the column as text.",
    ),
    _set_aside(83, "decimal_comma", "Decimal comma where none is declared", "E231", _PAIN, "5,5"),
    Fault(
        number=83,
        name="decimal_comma_column",
        title="A column of decimal commas where none is declared",
        outcome=ASK,
        codes=("E231", "decimal_mark"),
        make=rewritten(_comma),
        formats=EVERYWHERE,
        remedy="Declare `[values] decimal_mark`.",
    ),
    Fault(
        number=83,
        name="decimal_comma_declared",
        title="The same, declared",
        outcome=FIX,
        codes=(),
        make=rewritten(_comma, _COMMA),
        formats=EVERYWHERE,
        check=reads(1, "pain_pre_nrs", "6.5"),
    ),
    _set_aside(83, "thousands", "Thousands marks", "E251", "function_score", "1,234", "1 234", "1'234"),
    Fault(
        number=83,
        name="thousands_or_decimals",
        title="`1.234` under a declared decimal comma: thousands, or decimals?",
        outcome=QUAR,
        codes=("E253",),
        make=spoilt({(8, "function_score"): "1.234"}, _COMMA),
        formats=EVERYWHERE,
        remedy="Write it without thousands marks.",
        check=aside("E253", 8),
    ),
    _set_aside(
        84, "no_number", "Infinite, not a number, or too large", "E231", _PAIN, "inf", "NaN", "1e400", "9" * 400
    ),
    _set_aside(84, "no_score", "The same as a score", "E251", "function_score", *_ODD),
    _set_aside(84, "no_age", "The same as an age", "E241", "age", *_ODD),
    Fault(
        number=84,
        name="minus_zero",
        title="`-0`",
        outcome=FIX,
        codes=(),
        make=spoilt({(5, _PAIN): "-0", (8, "function_score"): "-0"}),
        formats=EVERYWHERE,
        check=reads(5, "pain_pre_nrs", "0"),
    ),
    Fault(
        number=85,
        name="scale_of_one_clinic",
        title="One clinic rates on 0 to 100, the others on 0 to 10",
        outcome=ASK,
        codes=("E232", "clinic south"),
        make=rewritten(_hundred(lambda row, _: row["clinic_id"] == "south")),
        formats=EVERYWHERE,
        remedy="Export the two scales apart, or bring them to one.",
    ),
    *(
        Fault(
            number=85,
            name=name,
            title=title,
            outcome=ASK,
            codes=("E234", 'scale = "0-1"', "between 0 and 1"),
            make=rewritten(_tenth(where)),
            formats=EVERYWHERE,
            remedy="Declare `[pain] scale`; where the scales are mixed, export them apart.",
        )
        for name, title, where in (
            ("parts_of_one", "Ratings on 0 to 1, not declared", lambda *_: True),
            ("parts_of_one_clinic", "One clinic rates on 0 to 1", lambda row, _: row["clinic_id"] == "south"),
        )
    ),
    Fault(
        number=85,
        name="parts_of_one_declared",
        title="The same, declared",
        outcome=FIX,
        codes=(),
        make=rewritten(_tenth(lambda *_: True), '[pain]\nscale = "0-1"\n'),
        formats=EVERYWHERE,
        check=reads(0, "pain_pre_nrs", "8"),
    ),
    Fault(
        number=85,
        name="scale_of_all",
        title="Ratings on 0 to 100, not declared",
        outcome=ASK,
        codes=("E232", 'scale = "0-100"'),
        make=rewritten(_hundred(lambda *_: True)),
        formats=EVERYWHERE,
        remedy="Declare `[pain] scale`.",
    ),
    Fault(
        number=85,
        name="scale_declared_wrongly",
        title="Ratings on 0 to 10, declared as 0 to 100",
        outcome=ASK,
        codes=("E234",),
        make=spoilt({}, _VAS),
        remedy="Take the line out of the mapping.",
    ),
    Fault(
        number=85,
        name="scales_mixed",
        title="Ratings in two heaps, 1 to 9 and from 20 on, declared as 0 to 100",
        outcome=ASK,
        codes=("E234", "two scales are mixed"),
        make=rewritten(_hundred(lambda row, _: row["patient_id"][-1] in "3456789"), _VAS),
        formats=EVERYWHERE,
        remedy="Export the two scales apart, or bring them to one.",
    ),
    _set_aside(86, "coded_missing", "Undeclared codes for a missing rating", "E232", _PAIN, "99", "999", "-9"),
    _set_aside(
        86, "missing_words", "Undeclared words for it", "E231", _PAIN, "NA", "None", "n/a", ".", "\u2014", "null"
    ),
    Fault(
        number=86,
        name="missing_declared",
        title="The same, declared",
        outcome=FIX,
        codes=(),
        make=spoilt(_cells(_PAIN, "NA", "99", "n/a"), '[values]\nmissing = ["", "NA", "99", "n/a"]\n'),
        formats=EVERYWHERE,
        check=reads(4, "pain_pre_nrs", ""),
    ),
    Fault(
        number=86,
        name="na_is_a_name",
        title="`NA` as an id stays `NA`",
        outcome=KEEP,
        codes=(),
        make=spoilt({(row, "patient_id"): "NA" for row in range(3)}),
        formats=EVERYWHERE,
        check=lambda run: _is_there(run, "NA"),
    ),
    _set_aside(87, "impossible_age", "Age that nobody has", "E241", "age", "130", "-1", "4.5"),
    Fault(
        number=87,
        name="age_zero",
        title="Age 0: an infant, or a stand-in?",
        outcome=WARN,
        codes=("E247", "age 0"),
        make=spoilt({(row, "age"): "0" for row in range(6)} | {(row, "onset_date"): "" for row in range(6)}),
        formats=EVERYWHERE,
        remedy='If 0 stands for unknown, declare it: `[values] missing = ["", "0"]`.',
        check=conserved,
    ),
    Fault(
        # A difference of two years or less is no conflict of identity (decision 9); that it comes at once is told.
        number=87,
        name="age_jumps",
        title="Age that changes by more than a year within a quarter",
        outcome=WARN,
        codes=("E247", "within a quarter"),
        make=spoilt({(5, "age"): "28"}),
        remedy="Check whether ids are shared, or ages typed by hand.",
        check=conserved,
    ),
    Fault(
        number=88,
        name="age_over_89",
        title="Exact age over 89: 90 stands for it from the first table on",
        outcome=MASK,
        codes=(),
        make=_old_patients,
        check=_masked_ages,
    ),
    Fault(
        # A word that nobody knows is no fault of the visit: it is kept, counted, and listed with its records.
        number=89,
        name="unknown_words",
        title="Unknown words for a treatment: kept, counted and listed",
        outcome=WARN,
        codes=("modalities: moon dust (6 records)", "terms that are not in the codebook: 2"),
        make=spoilt({(3 * i, "modalities"): "moon dust" for i in range(6)} | {(1, "modalities"): "Dr X"}),
        formats=EVERYWHERE,
        remedy="Add the word to the codebook.",
        check=lambda run: _rare_word_stays(run),
    ),
    Fault(
        number=89,
        name="spelling_variants",
        title="Capitals, blanks and variants of a known word",
        outcome=FIX,
        codes=(),
        make=spoilt(_cells("modalities", "MASSAGE", " Massage  Therapy ", "stm") | {(1, "sex"): "F", (2, "sex"): "f"}),
        formats=EVERYWHERE,
        check=reads(4, "modalities", "massage"),
    ),
    Fault(
        number=90,
        name="dot_lost",
        title="Diagnosis without its dot, in small letters, or with words: `M62830`, `m62.830`, `M62.830 spasm`",
        outcome=FIX,
        codes=(),
        make=spoilt(_cells("diagnoses", "M62830", "m62.830", "M62.830 spasm of back")),
        formats=EVERYWHERE,
        check=reads(0, "region", "lumbar"),
    ),
    _set_aside(90, "letter_lost", "Diagnosis without its letter, or of ICD-9", "E261", "diagnoses", "62.830", "724.8"),
    Fault(
        number=90,
        name="old_codes",
        title="A column of ICD-9 codes",
        outcome=ASK,
        codes=("E261",),
        make=rewritten(_old_codes),
        formats=EVERYWHERE,
        remedy="Map a column of ICD-10-CM codes, or none.",
    ),
    Fault(
        number=91,
        name="mixed_booleans",
        title="Yes and no in several languages, declared",
        outcome=FIX,
        codes=(),
        make=_flags(("Y", "N"), ("ja", "nein"), ("1", "0"), mapping=_FLAGS + _YES_NO),
        check=_half_massage,
    ),
    Fault(
        number=91,
        name="unknown_booleans",
        title="A yes/no column in words that are not declared",
        outcome=ASK,
        codes=("E262", "true = [...]"),
        make=_flags(("oui", "non")),
        remedy="Declare `[values] true` and `false`.",
    ),
    Fault(
        number=91,
        name="some_unknown_booleans",
        title="Some cells of a yes/no column in words that are not declared: listed",
        outcome=WARN,
        codes=("terms that are not in the codebook",),
        make=_flags(("Y", "N"), ("Y", "N"), ("oui", "non")),
        remedy="Declare `[values] true` and `false`.",
        check=lambda run: _lists(run, "modalities: massage", "oui"),
    ),
    Fault(
        number=92,
        name="constant_column",
        title="Every recorded rating is the same",
        outcome=WARN,
        codes=("E271", "stale export"),
        make=rewritten(_same_pain),
        formats=EVERYWHERE,
        remedy="Check the export of this column.",
        check=conserved,
    ),
    Fault(
        number=92,
        name="constant_at_one_clinic",
        title="Every rating of one clinic in a quarter is the same",
        outcome=WARN,
        codes=("E273", "clinic south (2025Q3)"),
        make=of_files(_two_quarters(pain_pre=_same_in_the_south), mapping=_CUT),
        remedy="Check how the score is asked for there.",
        check=conserved,
    ),
    Fault(
        number=92,
        name="missing_months",
        title="Two months in the midst of the records without a visit",
        outcome=WARN,
        codes=("E284", "2025-04 to 2025-05"),
        make=of_files([row for row in _two_quarters() if row["visit_date"][:7] not in ("2025-04", "2025-05")]),
        remedy="Check the export; if the practice was closed, nothing.",
        check=conserved,
    ),
    Fault(
        number=92,
        name="stale_file",
        title="A file that says nothing an earlier one does not say, though its bytes differ",
        outcome=WARN,
        codes=("E272", "stale export"),
        make=of_files(clean_rows(), clean_rows()[::-1]),
        formats=EVERYWHERE,
        remedy="Check that the newest export was given.",
        check=conserved,
    ),
    Fault(
        number=93,
        name="no_baseline",
        title="Follow-up without a first rating, or from no pain: kept, counted, not eligible",
        outcome=KEEP,
        codes=(),
        make=spoilt({(0, _PAIN): "", (1, _PAIN): "", (3, _PAIN): "0"}),
        formats=EVERYWHERE,
        check=_no_baseline,
    ),
    *_jump("fewer_visits", "A quarter with half the visits of the one before", "E283", _two_quarters()[:-65]),
    *_jump(
        "field_lost",
        "A field that is hardly filled any more",
        "E282",
        _two_quarters(pain_post=lambda place: "" if place % 2 else "2"),
    ),
    *_jump(
        "another_scale",
        "Ratings of a clinic on 0 to 5 from one quarter on, all of them within the declared scale",
        "E287",
        [row | {_PAIN: _on_five(row)} for row in _two_quarters()],
    ),
    *_jump(
        "median_moved",
        "Ratings whose median moved by more than three median deviations",
        "E281",
        _two_quarters(pain_pre=lambda place: str(8 + place % 3)),
    ),
)


def _is_there(run: Run, patient: str) -> None:
    conserved(run)
    assert patient in {row["patient_id"] for row in run.table("visits")}


def _rare_word_stays(run: Run) -> None:
    """The terminal shows what five patients share; the table, which stays inside, the shape of the others."""
    conserved(run)
    assert "Dr X" not in run.said
    assert {row["term"] for row in run.table("unknown_terms")} == {"moon dust", "xx X"}


def _lists(run: Run, field: str, term: str) -> None:
    conserved(run)
    assert (field, term) in {(row["field"], row["term"]) for row in run.table("unknown_terms")}
