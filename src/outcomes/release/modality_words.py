"""What is said of comparisons of treatments. Every number is looked up; each sentence holds its other explanation.

No sentence says which treatment to choose, sorts treatments by their numbers, or says that one brought relief about.
"""

from __future__ import annotations

from typing import Any

from outcomes.records.counted import joined
from outcomes.release.model import Cell, Scalar, Sentence, Tag
from outcomes.release.return_words import show_or_none
from outcomes.release.section_parts import some
from outcomes.release.sentences import NBSP, Tables, bind, cell, literal, marked, say
from outcomes.release.tables import with_level
from outcomes.release.words import lower_first

ADJUSTED: Tag = "adjusted association"
SIGNAL: Tag = "signal / no signal"
NOT_ESTIMABLE: Tag = "not estimable"
DIFFERENCE = f"adjusted difference {{value}} points, {{level}}{NBSP}% interval {{low}} to {{high}}"
BY_INDICATION = "patients who get it differ from those who do not, and the adjustment covers only what is recorded"
BY_EXAMINERS = (
    "examiners agree only moderately on such findings, so both groups contain errors, and nothing published says what "
    "treating another muscle does"
)
CONCORDANT, EXAMPLE = "concordant", "clinic_example"
OF_THE_ARMS = "of_the_arms"
NO_TESTS = (
    "Whether the difference of a family differs between muscle groups or between durations cannot be told: of no "
    "family can two levels be compared."
)
RIGHT_ENDS = {"low_right": 0.7, "high_right": 0.9}
ELSEWHERE = (
    "Elsewhere, in the arms of many trials and in cohorts of low back pain, pain took much the same course whatever "
    "the treatment (Artus et al. 2014, doi:10.1186/1471-2474-15-68); that stands beside these records and is no "
    "finding of them."
)
ELSEWHERE_EXERCISE = (
    "Of exercise, trials asked whether pain comes back, not whether it is relieved, and counted fewer new episodes "
    "with it (Steffens et al. 2016, doi:10.1001/jamainternmed.2015.7431); that too is no finding of these records."
)


def say_families(protocol: Any, tables: Tables, signal_only: bool = False) -> tuple[Sentence, ...]:
    """Say of each family that could be compared what both arms had, in the codebook's order.

    Parameters
    ----------
    signal_only : bool
        Only of those whose difference is a signal.
    """
    table = tables.get("one_family")
    if table is None:
        return ()
    tables = with_level(protocol, tables)
    said = []
    for row in list_main_rows(table, "adjusted"):
        if signal_only and not _is_signal(row["q_value"], protocol):
            continue
        if not row["reason"]:
            said.append(_say_family(tables, row))
    return tuple(sentence for sentence in said if sentence is not None)


def _say_family(tables: Tables, row: dict[Any, Any]) -> Sentence | None:
    label = literal(lower_first(str(row["label"])))
    words = (
        f"{{with}} of episodes that began with {label} and {{without}} of those that began without it were relieved by "
        f"day {row['horizon_days']}, the groups made alike in what is recorded ({DIFFERENCE}; unadjusted {{crude}}); "
        f"{BY_INDICATION}."
    )
    few = f"The comparison of {label} cannot be shown: an arm, or those relieved in it, or not, are too few."
    cells = _arm_cells("one_family", str(row["contrast"]), "adjusted")
    return bind(tables, words, cells, few, ADJUSTED)


def say_short(tables: Tables) -> tuple[Sentence, ...]:
    """The differences alone, for a text in place of the picture."""
    said = []
    for row in list_main_rows(tables["one_family"], "adjusted"):
        cells = _arm_cells("one_family", str(row["contrast"]), "adjusted")
        words = f"{literal(row['label'])}: adjusted difference {{value}} points, {{low}} to {{high}}."
        said.append(bind(tables, words, {name: cells[name] for name in ("value", "low", "high")}, tag=ADJUSTED))
    return tuple(sentence for sentence in said if sentence is not None)


def say_overview(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say how many families could be compared and whether the differences together are a signal."""
    table = tables.get("one_family")
    if table is None:
        return ()
    day = protocol.horizons_days.primary
    numbers = {
        name: cell("one_family_summary", "value", "count", item=item)
        for name, item in (("n", "n"), ("shown", "n_shown"), ("all", "n_contrasts"))
    }
    lead = bind(
        tables,
        "Each family of treatments given at the first treatment visit is compared with none of it, in the share of "
        f"episodes relieved by day {day}: {{shown}} of {{all}} families could be compared in {{n}} new episodes "
        f"that were treated and rated before; {BY_INDICATION.replace('it differ', 'a treatment differ')}.",
        numbers,
        "Families of treatments are compared in too few episodes to give their number.",
        _tag_of(tables, numbers["shown"]),
    )
    return (*some(lead), *say_signal(protocol, tables, "one_family", "families"))


def _tag_of(tables: Tables, shown: Cell) -> Tag:
    """An association where there is one; a sentence that nothing could be compared is none."""
    return NOT_ESTIMABLE if show_or_none(tables, shown) == "0" else ADJUSTED


def say_signal(protocol: Any, tables: Tables, name: str, what: str) -> tuple[Sentence, ...]:
    """Say whether the differences of a question, taken together, pass the limit, and what passing it is worth.

    Where nothing differs, the limit on q is the largest share of such tables that pass it by chance.
    """
    where = cell(f"{name}_summary", "value", "p", item="least_q_value")
    if show_or_none(tables, where) is None:
        return (
            say(f"Whether the {what} differ by more than chance cannot be told: none can be compared.", NOT_ESTIMABLE),
        )
    least, most = _number(tables, where), protocol.inference.bh_q
    if least <= most:
        words = (
            f"Worth a look, not a finding: of the {what} together, at least one difference passes the limit (least q "
            f"{{q}}, limit {most:g}). Where none differs, chance alone brings one past it in up to "
            f"{100 * most:g} of 100 such tables. Look for another reason before the treatment, and whether later "
            "quarters show it again."
        )
    else:
        words = (
            f"No signal: of the {what} together, no difference is more than chance would make of so many (least q "
            f"{{q}}, limit {most:g}). That does not show that there is none, and of so many intervals some leave out 0 "
            "by chance."
        )
    mark = "signal" if least <= most else "no signal"
    return some(marked(bind(tables, words, {"q": where}, tag=SIGNAL), mark))


def say_refused(tables: Tables, name: str = "one_family", analysis: str = "adjusted") -> tuple[Sentence, ...]:
    """Say of each comparison that is not shown why, each reason once; in the order of the table."""
    table = tables.get(name)
    if table is None:
        return ()
    main = list_main_rows(table, analysis)
    reasons: dict[str, list[str]] = {}
    for row in main:
        if row["reason"]:
            reasons.setdefault(str(row["reason"]), []).append(str(row["label"]))
    if len(reasons) == 1 and len(main) == len(next(iter(reasons.values()))) > 1:
        return (say(f"None of them: {NOT_ESTIMABLE} ({next(iter(reasons))}).", NOT_ESTIMABLE),)
    return tuple(
        say(f"{_list(labels)}: {NOT_ESTIMABLE} ({reason}).", NOT_ESTIMABLE) for reason, labels in reasons.items()
    )


def say_joint(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say what all families in one model give."""
    if "all_families" not in tables:
        return ()
    numbers = {
        name: cell("all_families_summary", "value", "count", item=item)
        for name, item in (("n", "n"), ("shown", "n_shown"), ("all", "n_contrasts"))
    }
    lead = bind(
        tables,
        "Patients get several treatments at a visit: in one model of all families, {shown} of {all} families, or "
        "bundles seldom recorded apart, could be told from the others in {n} new episodes that were treated and rated "
        "before; patients who get a treatment differ in more than this model knows.",
        numbers,
        "The model of all families rests on too few episodes to give their number.",
        _tag_of(tables, numbers["shown"]),
    )
    return (*some(lead), *say_signal(protocol, tables, "all_families", "families in one model"))


def say_concordance(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say what treating the muscle found goes with, how errors bear on it, and the clinic's own example."""
    table = tables.get("identified_muscle")
    if table is None:
        return ()
    tables = with_level(protocol, tables)
    main = next((row for row in list_main_rows(table, "adjusted") if row["contrast"] == CONCORDANT), None)
    said: list[Sentence | None] = [_say_classes(tables)]
    if main is not None and main["reason"]:
        words = f"Treating the muscle found and treating another cannot be compared here: {main['reason']}."
        said.append(say(words, NOT_ESTIMABLE))
    elif main is not None:
        said += [_say_concordant(tables, main), _say_errors(tables)]
    said.append(_say_example(tables, protocol.horizons_days.primary))
    return tuple(sentence for sentence in said if sentence is not None)


def _say_classes(tables: Tables) -> Sentence | None:
    names = ("concordant", "discordant", "unspecific", "unknown")
    return bind(
        tables,
        "At the first treatment visit {concordant} episodes had the muscle found in spasm treated and {discordant} "
        "another one; {unspecific} were written too vaguely to tell and {unknown} not at all, and these are in neither "
        "group.",
        {name: cell("identified_muscle_summary", "value", "count", item=f"n_{name}") for name in names},
        "How many episodes had the muscle found in spasm treated cannot be shown: one of the groups is too small.",
    )


def _say_concordant(tables: Tables, row: dict[Any, Any]) -> Sentence | None:
    within = "compared within those who treated and " if "identified_muscle_units" in tables else ""
    words = (
        "{with} of episodes whose first treatment reached the muscle found and {without} of those in which it reached "
        f"another were relieved by day {row['horizon_days']}, {within}made alike in what is recorded "
        f"({DIFFERENCE}; unadjusted {{crude}}); {BY_EXAMINERS}."
    )
    few = "The comparison of treating the muscle found with treating another cannot be shown: a group is too small."
    return bind(tables, words, _arm_cells("identified_muscle", CONCORDANT, "adjusted"), few, ADJUSTED)


def _say_errors(tables: Tables) -> Sentence | None:
    """The band of differences between the true groups, under assumed shares of errors."""
    cells: dict[str, Cell] = {}
    for key, right in RIGHT_ENDS.items():
        where: dict[str, Scalar] = {"reading": OF_THE_ARMS, "right": right}
        cells[key] = cell("identified_muscle_misclassification", "right", "percent", **where)
        for name in ("estimate", "conf_low", "conf_high"):
            cells[f"{key}_{name}"] = cell("identified_muscle_misclassification", name, "signed", **where)
    return bind(
        tables,
        "If {low_right} of each group were in the right one, the difference between the true groups would be "
        "{low_right_estimate} points ({low_right_conf_low} to {low_right_conf_high}), and with {high_right} right "
        "{high_right_estimate} ({high_right_conf_low} to {high_right_conf_high}), provided that errors do not depend "
        "on who is relieved.",
        cells,
        tag=ADJUSTED,
    )


def _say_example(tables: Tables, day: int) -> Sentence | None:
    """The clinic's own example: compared where that carries, and counted otherwise."""
    table = tables["identified_muscle"]
    rows = table[(table["contrast"] == EXAMPLE) & (table["scale"] == "difference")].to_dict("records")
    example = "hamstrings treated, stretching among the treatments, while the erectors were in spasm"
    if rows and not rows[0]["reason"]:
        return bind(
            tables,
            f"The clinic's own example, {example}: {{without}} were relieved by day {day}, and {{with}} of those with "
            f"the muscle found treated ({DIFFERENCE}); which treatment went to which muscle is not recorded.",
            {k: v for k, v in _arm_cells("identified_muscle", EXAMPLE, EXAMPLE).items() if k != "crude"},
            f"The clinic's own example, {example}, cannot be shown: too few episodes.",
            ADJUSTED,
        )
    reason = f"; not compared: {literal(rows[0]['reason'])}" if rows else ""
    return bind(
        tables,
        f"The clinic's own example, {example}: {{n}} episodes, {{events}} of them seen relieved by day {day}{reason}.",
        {name: cell("identified_muscle_classes", name, "count", **{"class": EXAMPLE}) for name in ("n", "events")},
        f"The clinic's own example, {example}, is too rare to be shown.",
    )


def any_tests(tables: Tables) -> bool:
    """Whether any difference could be compared between levels."""
    return show_or_none(tables, cell("subgroups_summary", "value", "count", item="n_tests")) != "0"


def say_subgroups(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say whether any difference differs between muscle groups or durations."""
    if "subgroups" not in tables:
        return ()
    if not any_tests(tables):
        return (say(NO_TESTS, NOT_ESTIMABLE),)
    lead = bind(
        tables,
        "By muscle group and by duration, both fixed before the data were seen: does the difference of a family differ "
        "between levels (tests made: {tests})?",
        {"tests": cell("subgroups_summary", "value", "count", item="n_tests")},
    )
    return (*some(lead), *say_signal(protocol, tables, "subgroups", "tests of levels"))


def say_elsewhere(tables: Tables) -> tuple[Sentence, ...]:
    """What is known from elsewhere, beside the result and never as its finding."""
    table = tables.get("one_family")
    has_exercise = table is not None and "active" in set(table["contrast"])
    return (say(ELSEWHERE), *((say(ELSEWHERE_EXERCISE),) if has_exercise else ()))


def list_main_rows(table: Any, analysis: str) -> list[dict[Any, Any]]:
    """The row of each contrast that is read, in the order of the table."""
    main = (table["analysis"] == analysis) & (table["scale"] == "difference")
    return list(table[main].to_dict("records"))


def _arm_cells(name: str, contrast: str, analysis: str) -> dict[str, Cell]:
    """Both arms, the difference with its limits, and the unadjusted one."""
    where = {"contrast": contrast, "analysis": analysis, "scale": "difference"}
    crude = {**where, "analysis": "unadjusted"}
    return {
        "with": cell(name, "with_value", "percent", **where),
        "without": cell(name, "without_value", "percent", **where),
        "value": cell(name, "estimate", "signed", **where),
        "low": cell(name, "conf_low", "signed", **where),
        "high": cell(name, "conf_high", "signed", **where),
        "crude": cell(name, "estimate", "signed", **crude),
    }


def _is_signal(q: Any, protocol: Any) -> bool:
    return not isinstance(q, str) and q == q and float(q) <= float(protocol.inference.bh_q)


def _number(tables: Tables, where: Cell) -> float:
    from outcomes.release.sentences import look_up

    return float(look_up(tables, where))


def _list(labels: list[str]) -> str:
    return joined([labels[0], *(lower_first(label) for label in labels[1:])])
