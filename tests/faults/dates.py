"""Dates and times: entries 67 to 80."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path

from faults.catalogue import ASK, FIX, KEEP, QUAR, WARN, Fault, Input, Run
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
    visits_of,
    write,
)

_DAY, _ONSET = "visit_date", "onset_date"
_MONTHS = ("Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")
_MONTH_NAMES = f"[dates]\nmonth_names = {list(_MONTHS)}\ntwo_digit_year_pivot = 50\n".replace("'", '"')
_CHICAGO = '[dates]\ntimezone = "America/Chicago"\n'
_EPOCH_1900, _EPOCH_1904 = datetime.date(1899, 12, 30), datetime.date(1904, 1, 1)


def _date(row: Row, column: str = _DAY) -> datetime.date:
    return datetime.date.fromisoformat(row[column])


def _written(style: str) -> Callable[[Row, int], None]:
    """Write all dates of a row in another style."""

    def change(row: Row, _: int) -> None:
        row[_DAY], row[_ONSET] = _date(row).strftime(style), _date(row, _ONSET).strftime(style)

    return change


def _early_days_only(row: Row, number: int) -> None:
    """Days from 1 to 12 only: every date reads both ways."""
    day = datetime.date(2025, 1 + number % 12, 1 + number % 12)
    row[_DAY], row[_ONSET] = day.replace(day=1 + number // 12 % 12).strftime("%d/%m/%Y"), ""


def _both_orders(row: Row, number: int) -> None:
    style = "%m/%d/%Y" if number == 3 else "%d/%m/%Y"
    row[_DAY] = ("01/13/2025" if number == 3 else _date(row).strftime(style)) if number else "13/01/2025"
    row[_ONSET] = ""


def _one_source_in_another_order() -> list[Row]:
    rows = clean_rows(60)
    for number, row in enumerate(rows):
        row[_DAY] = _date(row).strftime("%m/%d/%Y" if number >= 135 else "%d/%m/%Y")
        row[_ONSET] = ""
    return rows


def _turned_by_a_spreadsheet() -> list[Row]:
    """As after opening 03/04/2025 where the month comes first: what is a date there is turned, the rest stays text."""
    rows = clean_rows(60)
    for row in rows:
        day = _date(row)
        row[_DAY] = day.replace(month=day.day, day=day.month).isoformat() if day.day <= 12 else f"{day:%d/%m/%Y}"
        row[_ONSET] = ""
    return rows


def _serial(epoch: datetime.date, as_text: bool = True) -> Callable[[Row, int], None]:
    def change(row: Row, _: int) -> None:
        for column in (_DAY, _ONSET):
            number = (_date(row, column) - epoch).days
            row[column] = str(number) if as_text else number

    return change


def _mixed_types(row: Row, number: int) -> None:
    """In a workbook: a date, a serial number, and two texts, as four rows of one column."""
    day, row[_ONSET] = _date(row), ""
    if number % 4 == 0:
        row[_DAY] = datetime.datetime.combine(day, datetime.time())
    elif number % 4 == 1:
        row[_DAY] = (day - _EPOCH_1900).days


def _mac_workbook(folder: Path, _: str) -> Input:
    import openpyxl
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    rows = clean_rows()
    book.active.append(list(rows[0]))
    for row in rows:
        row[_DAY], row[_ONSET] = (datetime.datetime.combine(_date(row, c), datetime.time()) for c in (_DAY, _ONSET))
        book.active.append(list(row.values()))
    path = folder / "visits.xlsx"
    book.save(path)
    return Input([path])


def _early_by_1462(row: Row, _: int) -> None:
    for column in (_DAY, _ONSET):
        row[column] = (_date(row, column) - datetime.timedelta(days=1462)).isoformat()


def _one_quarter() -> list[Row]:
    rows = clean_rows()
    for number, row in enumerate(rows):
        row[_DAY] = f"2025-{4 + number % 3:02d}-{1 + number // 3 % 28:02d}"
        row[_ONSET] = ""
    rows[7][_DAY], rows[50][_DAY] = "2025-03-30", "2025-03-31"
    return rows


def _timed(texts: dict[int, str]) -> Callable[[Row, int], None]:
    def change(row: Row, number: int) -> None:
        row[_DAY], row[_ONSET] = texts.get(number, f"{row[_DAY]}T10:00:00-06:00"), ""

    return change


def _midnights(mapping: str) -> Callable[[Path, str], Input]:
    """Both date columns as midnight of UTC."""

    def change(row: Row, _: int) -> None:
        row[_DAY], row[_ONSET] = f"{row[_DAY]}T00:00:00Z", f"{row[_ONSET]}T00:00:00Z"

    return rewritten(change, mapping)


def _all_days(run: Run) -> None:
    """Every visit has the day of the clean export."""
    conserved(run)
    wanted = [row[_DAY] for row in clean_rows()]
    assert [visit["visit_date"] for visit in visits_of(run, range(len(wanted)))] == wanted


def _sent_to_quarantine(code: str, texts: tuple[str, ...]) -> Fault:
    """An entry for dates that do not exist or stand for 'unknown'; none of them may pass as a date."""
    number, title = (72, "Impossible date") if code == "E213" else (73, "Stand-in for an unknown date")
    cells = {(4 * i, _DAY): text for i, text in enumerate(texts)}
    return Fault(
        number=number,
        name=f"{title.split()[0].lower()}_dates",
        title=f"{title}: {', '.join(f'`{text}`' for text in texts)}",
        outcome=QUAR,
        codes=(code,),
        make=spoilt(cells),
        formats=EVERYWHERE,
        remedy="Correct it in the clinic system, or leave the visit out.",
        check=aside(code, *(row for row, _ in cells)),
    )


_FOR_RESEARCH = ("clean", "--audience", "research")
_NOBODY = "[privacy]\ndates_allowed = []\n"


def dated(mapping: str, *command: str) -> Callable[[Path, str], Input]:
    """Make an entry of the clean export for a command with its options; rows of 60 patients."""

    def make(folder: Path, kind: str) -> Input:
        return Input(
            [write(folder, kind, clean_rows(60))], mapping, command=command[:1], options=(*command[1:], "--quiet")
        )

    return make


def _day_numbers(folder: Path, kind: str) -> Input:
    keep = ("patient_id", "pain_pre", "sex")
    rows = [{**{name: row[name] for name in keep}, "visit_day": str(i % 3 * 9)} for i, row in enumerate(clean_rows())]
    return Input([write(folder, kind, rows)], _NOBODY, command=("clean",), options=("--audience", "research"))


def _both_columns(run: Run) -> None:
    assert 'column "visit_date" (B) and column "onset_date" (K): full dates' in run.said, run.said


def _public_page(run: Run) -> None:
    draft = next(run.out.glob("draft/*-public"))
    assert "Not Safe Harbor: date elements present." in (draft / "index.html").read_text(encoding="utf-8")
    manifest = json.loads((draft / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["dates"] == {"full_dates": True, "dates_allowed": ["public"]}


def _no_dates(run: Run) -> None:
    assert "Safe Harbor" not in run.said and "E969" not in run.said
    assert not any((run.out / f"{name}.csv").exists() for name in ("quarantine", "unknown_terms"))
    assert (run.out / "visits.csv").is_file()


FAULTS: tuple[Fault, ...] = (
    Fault(
        number=67,
        name="ambiguous_column",
        title="Every date of the column reads as day/month and as month/day",
        outcome=ASK,
        codes=("E210", 'order = "dmy"'),
        make=rewritten(_early_days_only),
        formats=EVERYWHERE,
        remedy="Declare `[dates] order`.",
    ),
    Fault(
        number=67,
        name="order_from_evidence",
        title="One date that allows a single order decides, and is named as the reason",
        outcome=FIX,
        codes=("different dates allow only that",),
        make=rewritten(_written("%d/%m/%Y")),
        formats=EVERYWHERE,
        check=_all_days,
    ),
    Fault(
        number=68,
        name="mixed_orders",
        title="Dates that allow only day/month beside dates that allow only month/day",
        outcome=ASK,
        codes=("E210", "only month/day"),
        make=rewritten(_both_orders),
        formats=EVERYWHERE,
        remedy="Declare `[dates] order`; the dates that contradict it are then set aside.",
    ),
    Fault(
        number=68,
        name="mixed_orders_declared",
        title="The same with a declared order: the contradicting rows",
        outcome=QUAR,
        codes=("E213",),
        make=rewritten(_both_orders, '[dates]\norder = "dmy"\n'),
        formats=EVERYWHERE,
        remedy="Correct it in the clinic system.",
        check=aside("E213", 3),
    ),
    Fault(
        number=68,
        name="one_source_in_another_order",
        title="A quarter of the rows in the other order than the declared one: those up to the 12th are misread",
        outcome=WARN,
        codes=("E285", "are dates as month/day"),
        make=of_files(_one_source_in_another_order(), mapping='[dates]\norder = "dmy"\n'),
        formats=EVERYWHERE,
        remedy="Export all dates in one order; a report is refused until then, or until it is acknowledged.",
        check=conserved,
    ),
    Fault(
        number=68,
        name="turned_by_a_spreadsheet",
        title="Days up to the 12th turned by a spreadsheet that took the month for the day, later ones left as text",
        outcome=WARN,
        codes=("E286", "took the month for the day"),
        make=of_files(_turned_by_a_spreadsheet(), mapping='[dates]\norder = "dmy"\n'),
        formats=EVERYWHERE,
        remedy="Give the file as the clinic system wrote it; a report is refused until then or until acknowledged.",
        check=conserved,
    ),
    Fault(
        number=69,
        name="serial_number",
        title="Serial number of a spreadsheet among dates (`45672`)",
        outcome=QUAR,
        codes=("E219",),
        make=spoilt({(8, _DAY): "45672"}),
        formats=EVERYWHERE,
        remedy="Export dates as text, or declare `[dates] order`.",
        check=aside("E219", 8),
    ),
    Fault(
        number=69,
        name="serial_column",
        title="A column of serial numbers, not declared",
        outcome=ASK,
        codes=("E219", 'order = "excel"'),
        make=rewritten(_serial(_EPOCH_1900)),
        formats=EVERYWHERE,
        remedy='Declare `[dates] order = "excel"`.',
    ),
    Fault(
        number=69,
        name="serial_declared",
        title="A column of serial numbers, declared",
        outcome=FIX,
        codes=("order declared in the mapping",),
        make=rewritten(_serial(_EPOCH_1900), '[dates]\norder = "excel"\n'),
        formats=EVERYWHERE,
        check=_all_days,
    ),
    Fault(
        number=69,
        name="four_types",
        title="Dates, serial numbers and texts in one column of a workbook",
        outcome=FIX,
        codes=(),
        make=rewritten(_mixed_types, '[dates]\norder = "excel"\n'),
        formats=("xlsx",),
        check=_all_days,
    ),
    Fault(
        number=70,
        name="workbook_of_1904",
        title="Workbook that counts from 1904: its own flag is honoured",
        outcome=KEEP,
        codes=(),
        make=_mac_workbook,
        formats=("xlsx",),
        check=_all_days,
    ),
    Fault(
        number=70,
        name="serial_of_1904",
        title="Serial numbers that count from 1904, declared",
        outcome=FIX,
        codes=(),
        make=rewritten(_serial(_EPOCH_1904), '[dates]\norder = "excel-1904"\n'),
        formats=EVERYWHERE,
        check=_all_days,
    ),
    Fault(
        number=70,
        name="days_early",
        title="Dates that end 1,462 days before the declared data cut",
        outcome=WARN,
        codes=("E220", "1904"),
        make=rewritten(_early_by_1462, "[dates]\ndata_cut = 2025-10-31\n"),
        formats=EVERYWHERE,
        remedy="Export dates as text, or declare how they count.",
        check=conserved,
    ),
    Fault(
        number=71,
        name="short_years",
        title="Years of two digits throughout",
        outcome=ASK,
        codes=("E216", "two_digit_year_pivot"),
        make=rewritten(_written("%d/%m/%y")),
        formats=EVERYWHERE,
        remedy="Export four digits, or declare `[dates] two_digit_year_pivot`.",
    ),
    Fault(
        number=71,
        name="short_years_declared",
        title="Years of two digits with a declared pivot",
        outcome=FIX,
        codes=(),
        make=rewritten(_written("%d/%m/%y"), "[dates]\ntwo_digit_year_pivot = 50\n"),
        check=_all_days,
    ),
    _sent_to_quarantine("E213", ("2024-02-30", "0000-00-00", "1900-01-00", "2025-13-01", "2025-06-31")),
    _sent_to_quarantine("E214", ("1900-01-01", "9999-12-31", "1970-01-01", "1899-12-30", "2999-12-31")),
    Fault(
        number=72,
        name="other_century",
        title="Date in a year no visit can lie in: `0025-03-01`, `2205-03-01`, `1925-03-01`",
        outcome=QUAR,
        codes=("E218",),
        make=spoilt({(0, _DAY): "0025-03-01", (4, _DAY): "2205-03-01", (8, _DAY): "1925-03-01"}),
        formats=EVERYWHERE,
        remedy="Correct it in the clinic system.",
        check=aside("E218", 0, 4, 8),
    ),
    Fault(
        number=73,
        name="declared_stand_in",
        title="Stand-in that is declared to mean missing",
        outcome=QUAR,
        codes=("E211",),
        make=spoilt({(0, _DAY): "2000-01-01"}, '[values]\nmissing = ["", "2000-01-01"]\n'),
        remedy="Fill in the date; a visit without a day cannot be followed.",
        check=aside("E211", 0),
    ),
    Fault(
        number=74,
        name="future",
        title="Visit after the data cut",
        outcome=QUAR,
        codes=("E215",),
        make=spoilt({(10, _DAY): "2026-02-01"}, "[dates]\ndata_cut = 2025-12-31\n"),
        formats=EVERYWHERE,
        remedy="Correct it, or move `[dates] data_cut`.",
        check=aside("E215", 10),
    ),
    Fault(
        number=75,
        name="onset_after_visit",
        title="Symptoms begin after the visit",
        outcome=QUAR,
        codes=("E245",),
        make=spoilt({(6, _ONSET): "2025-12-24"}),
        formats=EVERYWHERE,
        remedy="Correct one of the two dates.",
        check=aside("E245", 6),
    ),
    Fault(
        number=75,
        name="onset_before_birth",
        title="Symptoms begin before birth, by the age beside them",
        outcome=QUAR,
        codes=("E246",),
        make=spoilt({(6, _ONSET): "1985-12-24"}),
        formats=EVERYWHERE,
        remedy="Correct the onset or the age.",
        check=aside("E246", 6),
    ),
    Fault(
        number=76,
        name="late_arriving",
        title="Visits of another quarter in the file of one quarter",
        outcome=WARN,
        codes=("E222", "each counts by its own date"),
        make=of_files(_one_quarter()),
        formats=EVERYWHERE,
        remedy="Nothing if they arrived late; else correct the dates.",
        check=conserved,
    ),
    Fault(
        number=77,
        name="zone_not_declared",
        title="Times with a zone, and none declared for the clinic",
        outcome=ASK,
        codes=("E217", "timezone"),
        make=rewritten(_timed({})),
        formats=EVERYWHERE,
        remedy="Declare `[dates] timezone`.",
    ),
    Fault(
        # 04:30 UTC on 1 April is 23:30 on 31 March in Chicago: another quarter.
        number=77,
        name="zone_declared",
        title="Mixed offsets and UTC around midnight, with a declared zone: the clinic's own calendar day",
        outcome=FIX,
        codes=(),
        make=rewritten(_timed({34: "2025-04-01T04:30:00Z", 37: "2025-04-02 09:30:00+09:00"}), _CHICAGO),
        formats=EVERYWHERE,
        check=lambda run: _two_days(run),
    ),
    Fault(
        # 00:00 UTC is the evening before in Chicago.
        number=77,
        name="days_as_utc_midnights",
        title="Days written as midnight of UTC, every one: the day that is written, with or without a declared zone",
        outcome=FIX,
        codes=("every time is 00:00 at one offset (Z): read as days, not as instants",),
        make=_midnights(_CHICAGO),
        formats=EVERYWHERE,
        check=_all_days,
    ),
    Fault(
        number=77,
        name="days_as_utc_midnights_no_zone",
        title="The same, and no zone declared",
        outcome=FIX,
        codes=("every time is 00:00 at one offset (Z): read as days, not as instants",),
        make=_midnights(""),
        formats=EVERYWHERE,
        check=_all_days,
    ),
    Fault(
        number=78,
        name="midnight",
        title="00:00 beside the date, as exports write an unknown time: no time, and said",
        outcome=FIX,
        codes=("the time 00:00 of 2 records counts as no time recorded",),
        make=rewritten(_timed({4: "2025-03-09 00:00", 7: "2025-11-02 00:00:00"}), _CHICAGO),
        formats=EVERYWHERE,
        check=reads(4, "visit_date", "2025-03-09"),
    ),
    Fault(
        number=78,
        name="clock_change",
        title="Hour that the clock shows twice, or never: the date is kept, the hour not",
        outcome=FIX,
        codes=("2 times fall where the clock changes",),
        make=rewritten(_timed({4: "2025-03-09 02:30", 7: "2025-11-02 01:30"}), _CHICAGO),
        formats=EVERYWHERE,
        check=reads(4, "visit_date", "2025-03-09"),
    ),
    Fault(
        number=79,
        name="month_name",
        title="Name of a month (`12-Mar-25`), no language declared",
        outcome=QUAR,
        codes=("E212",),
        make=spoilt({(6, _DAY): "12-Mar-25"}),
        formats=EVERYWHERE,
        remedy="Declare `[dates] month_names`.",
        check=aside("E212", 6),
    ),
    Fault(
        number=79,
        name="month_names_declared",
        title="Names of months in another language, declared",
        outcome=FIX,
        codes=(),
        make=rewritten(lambda row, number: _name_months(row, number), _MONTH_NAMES),
        formats=EVERYWHERE,
        check=_all_days,
    ),
    Fault(
        # Days between visits are what is measured, so full dates are read; what that makes of the tables is said.
        number=80,
        name="full_dates",
        title="Full calendar dates, for the clinic's own use: read, and said to be no Safe Harbor data",
        outcome=KEEP,
        codes=("Not Safe Harbor: date elements present", "45 CFR 164.514"),
        make=spoilt({}),
        formats=EVERYWHERE,
        check=conserved,
    ),
    *(
        Fault(
            number=80,
            name=f"full_dates_{name}",
            title=f"Full calendar dates {title}",
            outcome=ASK,
            codes=("E969", "dates_allowed"),
            make=dated(mapping, *command),
            formats=EVERYWHERE,
            remedy=f"Write `[privacy] dates_allowed = {line}`, or export day numbers.",
            check=_both_columns,
        )
        for name, title, mapping, line, command in (
            ("public", "in a public report", "", '["clinic", "public"]', ("report", "--audience", "public")),
            ("research", "in tables that leave the house", "", '["clinic", "research"]', _FOR_RESEARCH),
            ("nobody", "where the mapping allows them for nobody: report", _NOBODY, '["clinic"]', ("report",)),
            ("nobody_tables", "where the mapping allows them for nobody: tables", _NOBODY, '["clinic"]', ("clean",)),
        )
    ),
    Fault(
        number=80,
        name="full_dates_allowed",
        title="Full calendar dates that the mapping allows for a public report: the page says what they are",
        outcome=KEEP,
        codes=(),
        make=dated('[privacy]\ndates_allowed = ["public"]\n', "report", "--audience", "public"),
        check=_public_page,
    ),
    Fault(
        number=80,
        name="day_numbers",
        title="Day numbers instead of dates: no line is asked for, nothing is said",
        outcome=KEEP,
        codes=(),
        make=_day_numbers,
        formats=EVERYWHERE,
        check=_no_dates,
    ),
)


def _two_days(run: Run) -> None:
    conserved(run)
    assert visit_of(run, 34)["visit_date"] == "2025-03-31"
    assert visit_of(run, 37)["visit_date"] == "2025-04-01"


def _name_months(row: Row, number: int) -> None:
    for column in (_DAY, _ONSET):
        day = _date(row, column)
        name = _MONTHS[day.month - 1]
        row[column] = (f"{day.day}-{name}-{day:%y}", f"{day.day}. {name} {day.year}", f"{name} {day.day}, {day.year}")[
            number % 3
        ]
