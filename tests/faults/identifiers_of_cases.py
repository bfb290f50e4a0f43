"""Ids of patients and visits: entries 55 to 66 (65, hashes as ids, stands with the private data)."""

from __future__ import annotations

import datetime
import random
from pathlib import Path

from faults.catalogue import ASK, FIX, KEEP, MERGE, QUAR, WARN, Fault, Input, Run
from faults.exports import (
    CSV,
    EVERYWHERE,
    XLSX,
    Row,
    aside,
    clean_rows,
    conserved,
    of_files,
    spoilt,
    told,
    write,
)
from outcomes.cli import main

_SIMILAR = "Write them alike in the clinic system, or say whether such ids are one person: [values] similar_ids."


def _ids(*pairs: tuple[int, str]) -> dict[tuple[int, str], str]:
    """Write another id into all three rows of some patients."""
    return {(3 * patient + visit, "patient_id"): text for patient, text in pairs for visit in range(3)}


def _big_number(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    for i, row in enumerate(rows[:6]):
        row["patient_id"] = (2**53 + 1 if i < 3 else 2**53) if kind == XLSX else str(2**53 + (i < 3))
    return Input([write(folder, kind, rows)])


def _both_big_ids(run: Run) -> None:
    conserved(run)
    assert {str(2**53), str(2**53 + 1)} <= {row["patient_id"] for row in run.table("visits")}


def _merged(reason: str, n: int) -> object:
    def check(run: Run) -> None:
        conserved(run)
        found = [row for row in run.table("ledger") if row["reason"] == reason]
        assert sum(int(row["n"]) for row in found) == n, found
        assert len(run.table("visits")) == 120

    return check


def _changed(rows: list[Row], number: int, **cells: str) -> list[Row]:
    return [{**row, **cells} if i == number else row for i, row in enumerate(rows)]


def _first_told_later(run: Run) -> None:
    aside("E208", 60)(run)
    row = next(row for row in run.table("visits") if row["patient_id"] == "K121" and row["pain_pre_nrs"] == "3")
    assert row["n_records"] == "1"


def _quarter_files(renumbered: bool) -> list[list[Row]]:
    """Two quarters of patients who come every fortnight; in the second the ids may be others."""
    files: list[list[Row]] = []
    for quarter in range(2):
        rows = []
        for base in clean_rows(80):
            number = int(base["patient_id"][1:]) - 101
            visit = int(base["modalities"] == "heat") + 2 * int(base["modalities"] == "stretching")
            day = 1 + number % 28
            month = 3 * quarter + 1 + visit
            name = f"{'N' if renumbered and quarter else 'K'}{101 + number}"
            rows.append({**base, "patient_id": name, "visit_date": f"2025-{month:02d}-{day:02d}", "onset_date": ""})
        files.append(rows)
    return files


def _steady_practice(half_is_renumbered: bool) -> list[Row]:
    """Every second day one patient begins, and comes seven times; from July on half of them have another id."""
    rows, bases = [], clean_rows()
    for number in range(150):
        for visit in range(7):
            day = datetime.date(2025, 1, 1) + datetime.timedelta(days=2 * number + 10 * visit)
            is_new = half_is_renumbered and number % 4 < 2 and day >= datetime.date(2025, 7, 1)
            row = {"patient_id": f"{'N' if is_new else 'K'}{101 + number}", "visit_date": day.isoformat()}
            rows.append({**bases[3 * number % len(bases)], **row, "onset_date": ""})
    return rows


def _shuffled(folder: Path, kind: str) -> Input:
    rows = clean_rows()
    random.Random(7).shuffle(rows)
    return Input([write(folder, kind, rows)], options=("--format", "csv"))


def _same_as_in_order(run: Run) -> None:
    conserved(run)
    folder = run.out.parent / "in order"
    folder.mkdir()
    path = write(folder, CSV, clean_rows())
    assert main(["clean", str(path), "--out", str(folder / "out"), "--quiet", "--format", "csv"]) == 0
    for name in ("visits", "episodes", "relief", "unknown_terms", "quarantine"):
        ours, theirs = (_without_places(out / f"{name}.csv") for out in (run.out, folder / "out"))
        assert ours == theirs, name


def _without_places(path: Path) -> list[str]:
    """The lines without their last cell where that is the row of the source, which is another one by design."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.rsplit(",", 1)[0] for line in lines] if "source_row" in lines[0] else lines


FAULTS: tuple[Fault, ...] = (
    Fault(
        number=55,
        name="zeros_lost",
        title="Zeros on the left lost: `00123` and `123` are both there",
        outcome=QUAR,
        codes=("E205",),
        make=spoilt(_ids((0, "00123"), (1, "123"))),
        formats=EVERYWHERE,
        remedy="Export the id column as text, or declare `[values] similar_ids`.",
        check=aside("E205", *range(6)),
    ),
    Fault(
        number=55,
        name="zeros_lost_same_person",
        title="The same, declared to be one person",
        outcome=FIX,
        codes=(),
        make=spoilt(_ids((0, "00123"), (2, "123")), '[values]\nsimilar_ids = "same"\n'),
        remedy="",
        check=told("1 patient id was taken as another way of writing one"),
    ),
    Fault(
        number=56,
        name="scientific_id",
        title="Id in scientific notation (`1.2E+05`)",
        outcome=QUAR,
        codes=("E202",),
        make=spoilt(_ids((4, "1.2E+05"))),
        formats=EVERYWHERE,
        remedy="Export the id column as text.",
        check=aside("E202", 12, 13, 14),
    ),
    Fault(
        number=56,
        name="decimal_id",
        title="Id that a spreadsheet made a number of (`4711.0`)",
        outcome=QUAR,
        codes=("E207",),
        make=spoilt(_ids((4, "4711.0"))),
        formats=EVERYWHERE,
        remedy="Export the id column as text.",
        check=aside("E207", 12, 13, 14),
    ),
    Fault(
        number=56,
        name="long_ids_as_text",
        title="Ids of 16 digits that differ in the last, as text: read exactly",
        outcome=KEEP,
        codes=(),
        make=_big_number,
        formats=("csv", "parquet"),
        check=_both_big_ids,
    ),
    Fault(
        number=56,
        name="long_ids_as_numbers",
        title="Ids of 16 digits as numbers of a workbook, which keeps 15",
        outcome=QUAR,
        codes=("E149",),
        make=_big_number,
        formats=("xlsx",),
        remedy="Export the id column as text.",
        check=conserved,
    ),
    Fault(
        number=57,
        name="no_id",
        title="Missing patient id",
        outcome=QUAR,
        codes=("E201",),
        make=spoilt({(5, "patient_id"): "", (9, "patient_id"): "  "}),
        formats=EVERYWHERE,
        remedy="Fill it in; a visit without a patient cannot be followed.",
        check=aside("E201", 5, 9),
    ),
    Fault(
        number=57,
        name="no_id_in_words",
        title="Ids that say that there is none (`NULL`, `unknown`): one patient each, and said",
        outcome=WARN,
        codes=("E224", "[values] missing"),
        make=spoilt({(row, "patient_id"): "NULL" for row in (3, 4, 5)}),
        formats=EVERYWHERE,
        remedy="Write them into `[values] missing`: such rows are set aside (E201).",
    ),
    Fault(
        number=57,
        name="visit_numbers",
        title="Numbers of visits taken for those of patients: no patient has a second visit",
        outcome=WARN,
        codes=("E227", "number of the visit"),
        make=spoilt({(row, "patient_id"): f"V{row:03}" for row in range(120)}),
        formats=EVERYWHERE,
        remedy="Map the column that is the same at all visits of a patient; a report is refused until then or until "
        "acknowledged.",
    ),
    Fault(
        number=58,
        name="ids_by_case",
        title="Same id in capitals and small letters",
        outcome=ASK,
        codes=("E206", "similar_ids"),
        make=spoilt(_ids((2, "k101"))),
        formats=EVERYWHERE,
        remedy=_SIMILAR,
    ),
    Fault(
        number=58,
        name="ids_by_blank",
        title="Same id with and without a blank",
        outcome=ASK,
        codes=("E206", "visits.csv row 2 and visits.csv row 8"),
        make=spoilt(_ids((2, "K 101"))),
        remedy=_SIMILAR,
    ),
    Fault(
        number=58,
        name="ids_by_o_and_0",
        title="Same id with O and 0",
        outcome=ASK,
        codes=("E206",),
        make=spoilt(_ids((2, "K1O1"))),
        remedy=_SIMILAR,
    ),
    Fault(
        number=58,
        name="ids_by_cyrillic",
        title="Same id with a Cyrillic letter that looks alike",
        outcome=ASK,
        codes=("E206",),
        make=spoilt(_ids((2, "\u041a101"))),
        formats=EVERYWHERE,
        remedy=_SIMILAR,
    ),
    Fault(
        number=58,
        name="ids_declared_apart",
        title="Ids that look alike, declared to be different people",
        outcome=KEEP,
        codes=(),
        make=spoilt(_ids((2, "k101")), '[values]\nsimilar_ids = "apart"\n'),
        check=conserved,
    ),
    Fault(
        number=59,
        name="two_sexes",
        title="Same id recorded with two sexes",
        outcome=QUAR,
        codes=("E203",),
        make=spoilt({(4, "sex"): "female"}),
        formats=EVERYWHERE,
        remedy="Check whether two people share this id.",
        check=aside("E203", 3, 4, 5),
    ),
    Fault(
        number=59,
        name="two_ages",
        title="Same id recorded with ages that cannot be one person's",
        outcome=QUAR,
        codes=("E204",),
        make=spoilt({(4, "age"): "71"}),
        remedy="Check whether two people share this id.",
        check=aside("E204", 3, 4, 5),
    ),
    Fault(
        number=60,
        name="doubled_row",
        title="Exact duplicate row",
        outcome=MERGE,
        codes=(),
        make=of_files([*clean_rows(), clean_rows()[17], clean_rows()[17]]),
        formats=EVERYWHERE,
        check=_merged("exact duplicate", 2),
    ),
    Fault(
        number=61,
        name="overlap",
        title="The same visits in two files (overlap of two exports)",
        outcome=MERGE,
        codes=(),
        make=of_files(clean_rows()[:80], clean_rows()[60:]),
        formats=EVERYWHERE,
        check=_merged("exact duplicate", 20),
    ),
    Fault(
        number=62,
        name="correction",
        title="A day told differently by a later file",
        outcome=ASK,
        codes=("E208", "later_file_corrects"),
        make=of_files(clean_rows()[:80], _changed(clean_rows()[60:], 0, pain_pre="3")),
        formats=EVERYWHERE,
        remedy="Name the files oldest first and declare `[file] later_file_corrects`.",
    ),
    Fault(
        # Both versions stay findable: the earlier one with file and row in the quarantine.
        number=62,
        name="correction_declared",
        title="The same, declared that the later file counts",
        outcome=QUAR,
        codes=("E208",),
        make=of_files(
            clean_rows()[:80],
            _changed(clean_rows()[60:], 0, pain_pre="3"),
            mapping="[file]\nlater_file_corrects = true\n",
        ),
        check=_first_told_later,
    ),
    Fault(
        number=62,
        name="day_gone",
        title="A day that the newer of two exports of the same weeks no longer has",
        outcome=WARN,
        codes=("E228", "leave these weeks out"),
        make=of_files(clean_rows()[:80], [row for i, row in enumerate(clean_rows()[20:]) if i != 30]),
        formats=EVERYWHERE,
        remedy="Leave these weeks out of the older export, if the newer one is right.",
    ),
    Fault(
        number=62,
        name="older_named_last",
        title="The older of two exports named last: its words would stand in the place of newer ones",
        outcome=WARN,
        codes=("E229", "oldest first"),
        make=of_files(clean_rows()[60:], clean_rows()[:80], mapping="[file]\nlater_file_corrects = true\n"),
        formats=EVERYWHERE,
        remedy="Name the files oldest first.",
    ),
    Fault(
        number=63,
        name="near_duplicate",
        title="Two records of one patient and day with different ratings",
        outcome=QUAR,
        codes=("E223",),
        make=of_files([*clean_rows(), *({**row, "pain_pre": "9"} for row in clean_rows()[:4:3])]),
        formats=EVERYWHERE,
        remedy='Keep the right one in the clinic system; or `[values] same_day = "merge"`, where all are true.',
        check=aside("E223", 0, 3, 120, 121),
    ),
    Fault(
        number=63,
        name="same_day_set_aside",
        title="Two treatments of a day with different ratings, declared to be set aside",
        outcome=QUAR,
        codes=("E223",),
        make=of_files(
            [*clean_rows(), *({**row, "pain_pre": "9", "modalities": "ultrasound"} for row in clean_rows()[:4:3])],
            mapping='[values]\nsame_day = "set_aside"\n',
        ),
        formats=EVERYWHERE,
        remedy="Keep the right one in the clinic system.",
        check=aside("E223", 0, 3, 120, 121),
    ),
    Fault(
        # The first rating is taken, and that there were others is said.
        number=63,
        name="near_duplicate_merged",
        title="The first two, declared to be one visit",
        outcome=MERGE,
        codes=(),
        make=of_files(
            [*clean_rows(), *({**row, "pain_pre": "9"} for row in clean_rows()[:18:3])],
            mapping='[values]\nsame_day = "merge"\n',
        ),
        formats=EVERYWHERE,
        check=told("6 visits have records that state different ratings; the first was used"),
    ),
    Fault(
        number=64,
        name="renumbered",
        title="Ids numbered anew between two files: no patient is in both",
        outcome=WARN,
        codes=("E209", "nobody can be followed"),
        make=of_files(*_quarter_files(renumbered=True)),
        remedy="Export both with the ids of one numbering; a report is refused until this is acknowledged.",
        check=conserved,
    ),
    Fault(
        number=64,
        name="not_renumbered",
        title="The same two files with one numbering: nothing to say",
        outcome=KEEP,
        codes=(),
        make=of_files(*_quarter_files(renumbered=False)),
        check=lambda run: _silent(run, "E209"),
    ),
    Fault(
        number=64,
        name="renumbered_in_part",
        title="Every second id numbered anew from a day on, in one file",
        outcome=WARN,
        codes=("E274", "given other ids"),
        make=of_files(_steady_practice(half_is_renumbered=True)),
        formats=EVERYWHERE,
        remedy="Export all visits with the ids of one numbering; a report is refused until this is acknowledged.",
        check=conserved,
    ),
    Fault(
        number=64,
        name="steady_practice",
        title="The same file with one numbering: nothing to say",
        outcome=KEEP,
        codes=(),
        make=of_files(_steady_practice(half_is_renumbered=False)),
        check=lambda run: _silent(run, "E274"),
    ),
    Fault(
        number=66,
        name="shuffled",
        title="Rows in another order: the same tables",
        outcome=KEEP,
        codes=(),
        make=_shuffled,
        formats=EVERYWHERE,
        check=_same_as_in_order,
    ),
)


def _silent(run: Run, code: str) -> None:
    conserved(run)
    assert code not in run.said
