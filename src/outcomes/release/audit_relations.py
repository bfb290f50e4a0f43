"""What the published counts are to each other: sums, parts and chains that a reader of the tables knows.

Each function adds its rows to the system of a `Book`; a table that is not there adds nothing. Sums that hold for all
records but a few (visits without a date stand in no quarter) are given as "no more than".
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

from outcomes.release.audit_book import Book, Line
from outcomes.release.audit_comparisons import relate_comparisons

ALL = "all"


def relate(book: Book) -> None:
    """Add everything the tables are to each other."""
    for say in (_splits, _relief, _returns, _use, _units, _attendance, _missing, _quarters, relate_comparisons):
        say(book)


def _sum(book: Book, parts: Iterable[str], whole: str, why: str, least: bool = False) -> None:
    """Parts that are published add up to a whole (with `least`: to no more than it)."""
    places, top = [book.at(name) for name in dict.fromkeys(parts)], book.at(whole)
    if top is not None and places and all(at is not None for at in places):
        book.system.add_sum([at for at in places if at is not None], top, why, least)


def _cover(book: Book, parts: Iterable[str], whole: str, why: str) -> None:
    """Parts that may overlap are together at least their whole; where one of them is no count, nothing is known."""
    places, top = [book.at(name) for name in dict.fromkeys(parts)], book.at(whole)
    if top is not None and all(at is not None for at in places):
        book.system.add([*((at, 1.0) for at in places if at is not None), (top, -1.0)], 0.0, math.inf, why)


def _within(book: Book, part: str, whole: str, why: str) -> None:
    low, high = book.at(part), book.at(whole)
    if low is not None and high is not None and low != high:
        book.system.add(((low, 1.0), (high, -1.0)), -math.inf, 0.0, why)


def _same(book: Book, one: str, other: str, why: str) -> None:
    low, high = book.at(one), book.at(other)
    if low is not None and high is not None and low != high:
        book.system.add(((low, 1.0), (high, -1.0)), 0.0, 0.0, why)


def _groups(book: Book, table: str, keys: tuple[str, ...]) -> dict[tuple[str, ...], list[Line]]:
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in book.lines(table):
        found.setdefault(tuple(line[key] for key in keys), []).append(line)
    return found


def _splits(book: Book) -> None:
    """Tables whose rows split one total."""
    wanted: tuple[tuple[str, str, str], ...] = (
        ("episode_ends", "ends/{end_reason}", "episodes"),
        ("visits_per_episode", "visits/{visits}", "episodes"),
        ("modality_use_bundles", "bundle/{bundle}", "use/n"),
        ("modality_use_pathway", "path/{path}", "inception"),
        ("clinics_patients", "band/{band}", "unit patients"),
        ("modality_use_by_clinic", "visits in/{clinic_id}", "use/n"),
        ("return_factors", "level/{factor}/{level}/n", "back/n/all"),
        ("identified_muscle_recording", "recording/{unit}/n", "compared/n"),
        ("identified_muscle_recording", "recording/{unit}/known", "recording/known"),
    )
    for table, part, whole in wanted:
        keys = ("factor",) if table == "return_factors" else ()
        for lines in _groups(book, table, keys).values():
            _sum(book, (part.format_map(line) for line in lines), whole, f"the rows of {table}.csv add up")
    day = next((line["value"] for line in book.lines("return_factors_summary") if line["item"] == "day"), "")
    for lines in _groups(book, "return_factors", ("factor",)).values():
        parts = ("level/{factor}/{level}/events".format_map(line) for line in lines)
        _sum(book, parts, f"back/by {day}/all", "the levels of a factor add up")
    for table in ("modality_use", "modality_use_by_visit"):
        name = "visits of/{quarter}" if table == "modality_use" else "visit number/{visit}"
        parts = (name.format_map(line) for line in book.lines(table))
        _sum(book, parts, "use/n", f"the groups of {table}.csv are parts of all treatment visits", least=True)


def _chain(book: Book, name: str, days: Iterable[str], last: str, why: str) -> None:
    """Who has the event by a day has it by each later one."""
    steps = [name.format(day) for day in sorted(set(days), key=float)]
    for one, other in pairwise([*steps, last]):
        _within(book, one, other, why)


def _relief(book: Book) -> None:
    for (group,), lines in _groups(book, "relief", ("group",)).items():
        _chain(book, "relief/by {}/" + group, (line["horizon_days"] for line in lines), f"relief/times/{group}",
               "relief by a day, and by a later one")  # fmt: skip
    for (group, end), lines in _groups(book, "relief_ends", ("group", "end")).items():
        name = f"relief end/{end}/{{}}/{group}"
        _chain(book, name, (line["horizon_days"] for line in lines), f"relief/told/{group}", "ends by a day, later")
    for (group, day), lines in _groups(book, "relief_ends", ("group", "horizon_days")).items():
        parts = (f"relief end/{line['end']}/{day}/{group}" for line in lines)
        _sum(book, parts, f"relief/told/{group}", "ends of one kind or another", least=True)
    day = next((line["value"] for line in book.lines("relief_grid_summary") if line["item"] == "day"), "")
    _same(book, "relief rule/confirmed", f"relief/by {day}/all", "the definition as reported")
    for line_number, line in enumerate(book.lines("relief_grid"), start=2):
        if line["episode_rule"] == "as reported":
            _same(book, f"relief_grid/{line_number}/n", "relief/n/all", "the same episodes")
        if line["is_reported"] == "true":
            _same(book, f"relief_grid/{line_number}/events", f"relief/by {day}/all", "the definition as reported")
    _within(book, "relief/times/all", "relief/ever", "relief by the last day")
    for part in ("relief/told/all", "relief/ever"):
        _within(book, part, "relief/n/all", "a part of the episodes")


def _returns(book: Book) -> None:
    for (group,), lines in _groups(book, "recurrence", ("group",)).items():
        last = "back/ever" if group == ALL else f"back/n/{group}"
        name = "back/by {}/" + group
        _chain(book, name, (line["horizon_days"] for line in lines), last, "return by a day, and by a later one")
    for (outcome, part), lines in _groups(book, "recurrence_maintenance", ("outcome", "part")).items():
        if outcome == "first_return":
            name = f"maintenance/{outcome}/{part}/by {{}}"
            _chain(book, name, (line["horizon_days"] for line in lines), f"maintenance/{outcome}/{part}/n", "later")
    of = "recurrence_summary"
    _sum(book, (f"{of}/n_new_episode", f"{of}/n_pain_back"), "back/ever", "the two kinds of return")
    parts = ("back/n/all", f"{of}/n_relapsed", f"{of}/n_too_young")
    _sum(book, parts, f"{of}/n_relieved", "relieved = followed + relapsed + too young")
    _same(book, f"{of}/n_relieved", "relief/ever", "all seen relieved")
    _composite(book)
    _arms(book)


def _composite(book: Book) -> None:
    for number, line in enumerate(book.lines("recurrence_composite"), start=2):
        own, day = f"recurrence_composite/{number}", line["horizon_days"]
        if line["measure"] == "relieved":
            _same(book, f"{own}/n", "relief/n/all", "the same episodes")
            _same(book, f"{own}/events", f"relief/by {day}/all", "relieved by the day")
        elif line["measure"] == "kept":
            _same(book, f"{own}/events", "back/n/all", "those followed after relief")
            book_sum = ("back/n/all", "recurrence_summary/n_relapsed")
            _sum(book, book_sum, f"{own}/n", "followed + relapsed")
        elif line["measure"] == "not_back":
            _same(book, f"{own}/n", "back/n/all", "those followed after relief")
        else:
            _same(book, f"{own}/n", "relief/n/all", "the same episodes")


def _arms(book: Book) -> None:
    """Both arms of a comparison of exercise add up to the row."""
    for number, line in enumerate(book.lines("rehabilitation"), start=2):
        own = f"rehabilitation/{number}"
        for name in ("n", "events"):
            _sum(book, (f"{own}/{name}_with", f"{own}/{name}_without"), f"{own}/{name}", "both arms")
        if line["landmark_days"] == "30" and line["exercise"] == "any" and line["analysis"].startswith("landmark"):
            with_care = line["maintenance"] == "with"
            _same(book, f"{own}/n", "back/n/all" if with_care else "maintenance/first_return/outside/n", "the same")
            if with_care:
                _same(book, f"{own}/events", f"back/by {line['horizon_days']}/all", "the same returns")
                for arm in ("with", "without"):
                    _same(book, f"{own}/n_{arm}", f"rehabilitation_summary/n_{arm}", "the main comparison")
    for number, line in enumerate(book.lines("recurrence_definitions"), start=2):
        own = f"recurrence_definitions/{number}"
        if line["kind"] == "reported":
            _same(book, f"{own}/events", "back/by 365/all", "as reported")
        if line["kind"] in ("reported", "event"):
            _same(book, f"{own}/n", "back/n/all", "the same patients")


def _use(book: Book) -> None:
    tables: tuple[tuple[str, str, str], ...] = (
        ("modality_use", "use/{quarter}/{family}", "visits of/{quarter}"),
        ("modality_use_by_visit", "use at/{visit}/{family}", "visit number/{visit}"),
        ("modality_use_by_clinic", "use in/{clinic_id}/{family}", "visits in/{clinic_id}"),
        ("modality_use_by_clinician", "use with/{clinic_id}/{clinician_id}/{family}",
         "visits with/{clinic_id}/{clinician_id}"),
        ("modality_use_families", "use/family/{family}", "use/n"),
        ("modality_use_first_treatment", "first/{family}", "first/n"),
    )  # fmt: skip
    for table, cell, size in tables:
        by_size: dict[str, list[str]] = {}
        by_family: dict[str, list[str]] = {}
        for line in book.lines(table):
            by_size.setdefault(size.format_map(line), []).append(cell.format_map(line))
            by_family.setdefault(line["family"], []).append(cell.format_map(line))
        for name, parts in by_size.items():
            _cover(book, parts, name, "a visit has at least one family")
        if table not in ("modality_use_families", "modality_use_first_treatment"):
            least = table in ("modality_use", "modality_use_by_visit")
            for family, parts in by_family.items():
                _sum(book, parts, f"use/family/{family}", f"the groups of {table}.csv add up by family", least)
    _clinicians_of_clinics(book)
    for family, lines in (
        (key[0], lines) for key, lines in _groups(book, "modality_use_modalities", ("family",)).items()
    ):
        own, whole = [f"use/modality/{line['modality']}" for line in lines], f"use/family/{family}"
        for name in own:
            _within(book, name, whole, "a modality is a part of its family")
        _cover(book, own, whole, "the modalities of a family")
    _pairs(book)
    _bundles(book)


def _clinicians_of_clinics(book: Book) -> None:
    for (clinic, family), lines in _groups(book, "modality_use_by_clinician", ("clinic_id", "family")).items():
        people = [line["clinician_id"] for line in lines]
        _sum(
            book, (f"use with/{clinic}/{who}/{family}" for who in people), f"use in/{clinic}/{family}", "its clinicians"
        )
        _sum(book, (f"visits with/{clinic}/{who}" for who in people), f"visits in/{clinic}", "its clinicians")


def _pairs(book: Book) -> None:
    for line in book.lines("modality_use_co_use"):
        own, one, other = (line[name] for name in ("family", "family", "other_family"))
        pair = f"pair/{one}/{other}"
        _sum(book, (f"{pair}/both", f"{pair}/one"), f"first/{own}", "a row of two by two")
        _sum(book, (f"{pair}/both", f"{pair}/other"), f"first/{other}", "a row of two by two")
        _sum(book, (f"{pair}/{name}" for name in ("both", "one", "other", "neither")), "first/n", "two by two")
    for line in book.lines("all_families_pairs"):
        pair = f"family pair/{line['family_a']}/{line['family_b']}"
        _sum(book, (f"{pair}/{name}" for name in ("both", "a_only", "b_only", "neither")), "compared/n", "two by two")


def _bundles(book: Book) -> None:
    """A family's total is no less than the named bundles with it."""
    by_family: dict[str, list[str]] = {}
    for line in book.lines("modality_use_bundles"):
        for family in line["bundle"].split("+"):
            by_family.setdefault(family, []).append(f"bundle/{line['bundle']}")
    for family, parts in by_family.items():
        _sum(book, parts, f"use/family/{family}", "bundles with a family are among its visits", least=True)


def _units(book: Book) -> None:
    for table, name in (("clinics", "clinic"), ("clinicians", "clinician")):
        for of, whole in (("n", "units/n"), ("events", "units/events")):
            parts = (f"{name}/{line['unit']}/{of}" for line in book.lines(table))
            _sum(book, parts, whole, f"the rows of {table}.csv add up")
    by_clinic = {key[0]: lines for key, lines in _groups(book, "clinicians", ("clinic",)).items()}
    for clinic, lines in by_clinic.items():
        for of in ("n", "events", "visits", "missing"):
            whole = f"clinic/{clinic}/{of}"
            _sum(book, (f"clinician/{line['unit']}/{of}" for line in lines), whole, "the clinicians of a clinic")


def _attendance(book: Book) -> None:
    longest: dict[str, float] = {}
    for line in book.lines("attendance"):
        longest[line["group"]] = max(longest.get(line["group"], 0), float(line["within_days"]))
    soon: list[tuple[str, str]] = []
    for number, line in enumerate(book.lines("attendance"), start=2):
        own, group, visit = f"attendance/{number}", line["group"], int(line["visit"])
        _name(book, f"{own}/n", f"came to/{visit}/{group}")
        if float(line["within_days"]) == longest[group]:
            _name(book, f"{own}/events", f"came to/{visit + 1}/{group}")
        else:
            soon.append((f"{own}/events", f"came to/{visit + 1}/{group}"))
    for few, all_who_came in soon:  # a shorter time stands above the longest, which names those who came
        _within(book, few, all_who_came, "who came soon came")
    _same(book, "came to/1/all", "inception", "all came once")
    for (at,), lines in _groups(book, "attendance_left", ("visit",)).items():
        parts = [f"left/{at}/{line['reason']}" for line in lines if line["reason"] != "unrated"]
        _sum(book, parts, f"left/{at}/n", "what became of those at a visit")
        _within(book, f"left/{at}/unrated", f"left/{at}/not_relieved", "never rated")
        _within(book, f"left/{at}/n", f"came to/{at}/all", "watched long enough")
        _within(book, f"left/{at}/came", f"came to/{int(at) + 1}/all", "watched long enough")
    _quarters_reached(book)


def _quarters_reached(book: Book) -> None:
    """Who came to the sixth visit had come to the fourth, and who did within 28 days did within 90."""
    for number, line in enumerate(book.lines("attendance_by_quarter"), start=2):
        _within(book, f"attendance_by_quarter/{number}/n", f"started/{line['quarter']}", "episodes of a quarter")
    for (quarter,), lines in _groups(book, "attendance_by_quarter", ("quarter",)).items():
        places = [(int(line["visit"]), int(line["within_days"])) for line in lines]
        name = f"quarter reach/{quarter}/{{}}/{{}}"
        for visit, days in places:
            for other, longer in places:
                if (visit, days) != (other, longer) and visit >= other and days <= longer:
                    _within(book, name.format(visit, days), name.format(other, longer), "visits and days are nested")


def _name(book: Book, own: str, shared: str) -> None:
    """Give a count of a row the name it has elsewhere."""
    at = book.at(own)
    if at is None:
        return
    if shared not in book.named:
        book.named[shared] = at
    _same(book, own, shared, "the same visits in two tables")


def _missing(book: Book) -> None:
    for (fact, by), lines in _groups(book, "missing", ("fact", "by")).items():
        if by == ALL:
            _same(book, "missing n/all/all", "inception", "all episodes")
            continue
        _sum(
            book,
            (f"missing n/{by}/{line['group']}" for line in lines),
            "missing n/all/all",
            "groups of one kind add up",
        )
        parts = (f"missing/{fact}/{by}/{line['group']}" for line in lines)
        _sum(book, parts, f"missing/{fact}/all/all", "groups of one kind add up")
        if by == "quarter":
            for line in lines:
                _within(book, f"missing n/quarter/{line['group']}", f"started/{line['group']}", "episodes of a quarter")


def _quarters(book: Book) -> None:
    for quarter in dict.fromkeys(line["quarter"] for line in book.lines("quarter_review")):
        first = 3 * (int(quarter[-1]) - 1) + 1
        months = [f"{quarter[:4]}-{month:02}" for month in range(first, first + 3)]
        for line in book.lines("quarter_review"):
            if line["quarter"] != quarter:
                continue
            for name in ("n", "events"):
                parts = (f"months/{month}/{line['indicator']}/{name}" for month in months)
                _sum(book, parts, f"review/{quarter}/{line['indicator']}/{name}", "months of a quarter add up")
    for (quarter,), lines in _groups(book, "quarter_review_recording", ("quarter",)).items():
        for name in ("n", "events"):
            parts = (f"record/{quarter}/{line['clinic_id']}/{name}" for line in lines)
            _sum(book, parts, f"review/{quarter}/pain_recorded/{name}", "clinics of a quarter", least=True)
