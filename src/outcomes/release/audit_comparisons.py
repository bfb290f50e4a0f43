"""What the counts of comparisons of treatments, and of triggers, are to each other (the others: `audit_relations`)."""

from __future__ import annotations

import math

from outcomes.release.audit_book import Book, Line

QUESTIONS = ("one_family", "all_families", "identified_muscle", "subgroups")
ARMS = ("with", "without")
ASIDE = ("set_aside_always", "set_aside_never", "set_aside_few")
MAIN = ("adjusted", "joint", "level", "known_mismatch", "clinic_example")
SAME_EPISODES = ("unadjusted", "joint_shrunk", "clinics_drawn")
CONCORDANT, DISCORDANT = ("exact", "group", "umbrella"), ("adjacent", "same_region", "none")
PARTS_OF_OTHERS = ("known_mismatch", "clinic_example")


def relate_comparisons(book: Book) -> None:
    """Add everything the tables of comparisons, and of triggers, are to each other."""
    for question in QUESTIONS:
        _sizes(book, question)
        _lines(book, question)
        _units(book, question)
        _gate(book, question)
        _overlap(book, question)
    _all_families(book)
    _classes(book)
    _before_setting_aside(book)  # by the sums of classes that were named just now
    _levels(book)
    _triggers(book)


def key_of(line: Line) -> str:
    """Name a contrast, with factor and level where there are any."""
    return "/".join(line[name] for name in ("factor", "level", "contrast") if name in line)


def _row(book: Book, names: list[tuple[str, float]], low: float, high: float, why: str) -> None:
    places = [(book.at(name), weight) for name, weight in names]
    if places and all(at is not None for at, _ in places):
        book.system.add([(at, weight) for at, weight in places if at is not None], low, high, why)


def _same(book: Book, one: str, other: str, why: str) -> None:
    _row(book, [(one, 1.0), (other, -1.0)], 0.0, 0.0, why)


def _within(book: Book, part: str, whole: str, why: str) -> None:
    _row(book, [(part, 1.0), (whole, -1.0)], -math.inf, 0.0, why)


def _sizes(book: Book, question: str) -> None:
    """Both arms and those set aside are all episodes compared, of a level those of the level."""
    for number, line in enumerate(book.lines(f"{question}_diagnostics"), start=2):
        own, name = f"{question}_diagnostics/{number}", f"size/{question}/{key_of(line)}"
        for column in ("n_with", "n_without", *ASIDE):
            if (at := book.at(f"{own}/{column}")) is not None:
                book.named[f"{name}/{column}"] = at
        parts = [(f"{name}/{column}", 1.0) for column in ("n_with", "n_without", *ASIDE)]
        if question == "subgroups":
            whole = f"level size/{line['factor']}/{line['level']}"
            book.named.setdefault(whole, book.system.count(whole))
        else:
            whole = "compared/n"
        if question != "identified_muscle":
            _row(book, [*parts, (whole, -1.0)], 0.0, 0.0, "both arms and those set aside")
        _means(book, line, name)


def _means(book: Book, line: Line, name: str) -> None:
    """A mean over few is a fraction with few below."""
    for arm in ARMS:
        text, at = line.get(f"ratings_{arm}", ""), book.at(f"{name}/n_{arm}")
        if text and at is not None and _is_number(text):
            total = book.system.count(f"{name}/ratings {arm}")
            why = "a mean times its base is a whole number"
            book.system.add(((total, 1.0), (at, -float(text))), -1e-6, 1e-6, why)
            gap = line.get(f"gap_{arm}_days", "")
            if _is_number(gap):  # over those of the arm seen relieved, at least one
                days, relieved = (book.system.count(f"{name}/{what} {arm}") for what in ("days", "relieved"))
                book.system.narrow(relieved, 1.0, math.inf, "a mean has a base")
                book.system.add(((relieved, 1.0), (at, -1.0)), -math.inf, 0.0, "those relieved are a part of the arm")
                book.system.add(((days, 1.0), (relieved, -float(gap))), -1e-6, 1e-6, why)


def _lines(book: Book, question: str) -> None:
    for number, line in enumerate(book.lines(question), start=2):
        own, key = f"{question}/{number}", key_of(line)
        is_main = line["analysis"] in MAIN and line["scale"] == "difference"
        for column in ("n_with", "n_without", "events_with", "events_without"):
            if (at := book.at(f"{own}/{column}")) is None:
                continue
            if is_main:
                book.named[f"main/{question}/{key}/{column}"] = at
            # The ratio, the days and the unadjusted line count the same episodes.
            day = line["horizon_days"] if column.startswith("events") else ""
            label = "" if line["analysis"] in (*MAIN, *SAME_EPISODES) else line["analysis_label"]
            shared = f"lines/{question}/{key}/{label}/{day}/{column}"
            first = book.named.setdefault(shared, at)
            if first != at and label == "":
                book.system.add(((first, 1.0), (at, -1.0)), 0.0, 0.0, "the same episodes in two lines")
        if question != "all_families" and is_main and line["contrast"] not in PARTS_OF_OTHERS:
            for arm in ARMS:
                _same(book, f"{own}/n_{arm}", f"size/{question}/{key}/n_{arm}", "the arms of lines and diagnostics")


def _units(book: Book, question: str) -> None:
    by_key: dict[str, list[int]] = {}
    for number, line in enumerate(book.lines(f"{question}_units"), start=2):
        by_key.setdefault(key_of(line), []).append(number)
    if question == "all_families":
        return
    for key, numbers in by_key.items():
        for arm in ARMS:
            parts = [(f"{question}_units/{number}/n_{arm}", 1.0) for number in numbers]
            _row(book, [*parts, (f"size/{question}/{key}/n_{arm}", -1.0)], 0.0, 0.0, "units add up to their arm")


def _gate(book: Book, question: str) -> None:
    for number, line in enumerate(book.lines(f"{question}_gate"), start=2):
        key = key_of(line)
        for arm in ARMS:
            own = f"{question}_gate/{number}/{arm}_value"
            if line["check"] == "episodes":
                _same(book, own, f"size/{question}/{key}/n_{arm}", "the check and the diagnostics")
            elif line["check"] == "events" and (question == "all_families" or line["contrast"] in PARTS_OF_OTHERS):
                _within(book, own, f"main/{question}/{key}/events_{arm}", "those in the check are a part")
            elif line["check"] == "events":
                _same(book, own, f"main/{question}/{key}/events_{arm}", "the check and the line")
            elif line["check"] == "support":
                _within(book, own, f"main/{question}/{key}/n_{arm}", "in common support is a part of the arm")


def _overlap(book: Book, question: str) -> None:
    by_arm: dict[tuple[str, str], list[int]] = {}
    for number, line in enumerate(book.lines(f"{question}_overlap"), start=2):
        by_arm.setdefault((key_of(line), line["arm"]), []).append(number)
    for (key, arm), numbers in by_arm.items():
        parts = [(f"{question}_overlap/{number}/n", 1.0) for number in numbers]
        _row(book, [*parts, (f"size/{question}/{key}/n_{arm}", -1.0)], 0.0, 0.0, "bins add up to their arm")


def _all_families(book: Book) -> None:
    """Each family splits all episodes compared, and all seen relieved."""
    for line in book.lines("all_families"):
        main = f"main/all_families/{line['contrast']}"
        if line["analysis"] == "joint":
            for of, whole in (("n", "compared/n"), ("events", "compared/events")):
                parts = [(f"{main}/{of}_with", 1.0), (f"{main}/{of}_without", 1.0)]
                _row(book, [*parts, (whole, -1.0)], 0.0, 0.0, "with and without are all")
    for line in book.lines("all_families_pairs"):
        pair = f"family pair/{line['family_a']}/{line['family_b']}"
        for family, only in (("family_a", "a_only"), ("family_b", "b_only")):
            parts = [(f"{pair}/both", 1.0), (f"{pair}/{only}", 1.0)]
            _row(book, [*parts, (f"main/all_families/{line[family]}/n_with", -1.0)], 0.0, 0.0, "pairs and families")


def _before_setting_aside(book: Book) -> None:
    """Who has a family in the model of all is in its own comparison, or was set aside there."""
    for question in ("one_family", "all_families", "identified_muscle"):
        for line in book.lines(f"{question}_diagnostics"):
            contrast = line["contrast"]
            own = f"size/{question}/{contrast}"
            wholes = [f"main/all_families/{contrast}/n_{arm}" for arm in ARMS]
            if question == "identified_muscle":
                if contrast != "concordant":
                    continue
                wholes = ["class sum/n_concordant", "class sum/n_discordant"]
            few = [f"{own}/few {arm}" for arm in ARMS]
            for name in few:
                book.named.setdefault(name, book.system.count(name))
            _row(book, [(few[0], 1.0), (few[1], 1.0), (f"{own}/set_aside_few", -1.0)], 0.0, 0.0, "few, of both arms")
            for arm, whole, aside, left in zip(ARMS, wholes, ("always", "never"), few, strict=True):
                parts = [(f"{own}/n_{arm}", 1.0), (f"{own}/set_aside_{aside}", 1.0), (left, 1.0), (whole, -1.0)]
                _row(book, parts, 0.0, 0.0, "the arm in another question, less those set aside")


def _classes(book: Book) -> None:
    names = [line["class"] for line in book.lines("identified_muscle_classes")]
    whole = [name for name in names if name not in PARTS_OF_OTHERS]
    for item in ("n_known", "n_concordant", "n_discordant"):
        if (at := book.at(f"identified_muscle_summary/{item}")) is not None:
            book.named[f"class sum/{item}"] = at
    sums = {"n_concordant": CONCORDANT, "n_discordant": DISCORDANT, "n_known": (*CONCORDANT, *DISCORDANT)}
    for item, parts in sums.items():
        own = [(f"class/{name}/n", 1.0) for name in parts if name in names]
        _row(book, [*own, (f"class sum/{item}", -1.0)], 0.0, 0.0, "classes of one kind")
    for of, top in (("n", "compared/n"), ("events", "compared/events")):
        own = [(f"class/{name}/{of}", 1.0) for name in whole]
        _row(book, [*own, (top, -1.0)], 0.0, 0.0, "the classes add up")
        _within(book, f"class/clinic_example/{of}", f"class/known_mismatch/{of}", "a part of the mismatches")


def _levels(book: Book) -> None:
    """The levels of a factor are parts of all episodes compared; so are their arms of those of the family."""
    by_factor: dict[str, list[str]] = {}
    for line in book.lines("subgroups_diagnostics"):
        by_factor.setdefault(line["factor"], []).append(f"level size/{line['factor']}/{line['level']}")
    for levels in by_factor.values():
        row = [(name, 1.0) for name in dict.fromkeys(levels)]
        _row(book, [*row, ("compared/n", -1.0)], -math.inf, 0.0, "levels are parts of all compared")


def _triggers(book: Book) -> None:
    rows: dict[str, list[str]] = {}
    for line in book.lines("triggers"):
        rows.setdefault(line["trigger"], []).append(f"trigger/{line['trigger']}/{line['return_trigger']}")
    for trigger, cells in rows.items():
        names = [(name, 1.0) for name in cells]
        _row(book, [*names, (f"trigger/{trigger}/n", -1.0)], 0.0, 0.0, "a row of the table of triggers")
    wholes = [(f"trigger/{trigger}/n", 1.0) for trigger in rows]
    _row(book, [*wholes, ("trigger/all/n", -1.0)], 0.0, 0.0, "the triggers add up")
    for line in book.lines("triggers_same"):
        if line["trigger"] != "all":
            _same(
                book, f"same trigger/{line['trigger']}", f"trigger/{line['trigger']}/{line['trigger']}", "the diagonal"
            )
    # What chance alone would give is the share of a column.
    columns: dict[str, list[str]] = {}
    expected: dict[str, str] = {}
    for line in book.lines("triggers"):
        columns.setdefault(line["return_trigger"], []).append(f"trigger/{line['trigger']}/{line['return_trigger']}")
        expected[line["return_trigger"]] = line["expected"]
    for name, cells in columns.items():
        if _is_number(expected[name]):
            row = [(cell, 1.0) for cell in cells]
            _row(book, [*row, ("trigger/all/n", -float(expected[name]))], -1e-6, 1e-6, "the share of a column")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
