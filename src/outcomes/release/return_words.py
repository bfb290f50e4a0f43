"""What is said about return. Every number is looked up; no sentence says why patients came back or stayed away."""

from __future__ import annotations

from typing import Any

from outcomes.records.counted import joined
from outcomes.release.model import Cell, Scalar, Sentence
from outcomes.release.section_parts import horizon_cells, say_range, some
from outcomes.release.sentences import INTERVAL, NBSP, NotShowable, Tables, bind, cell, literal, look_up, say, show
from outcomes.release.tables import to_numbers, with_level
from outcomes.release.words import lower_first

PLAIN_INTERVAL = f"({{level}}{NBSP}% interval {{low}} to {{high}})"
NO_LEVELS = ("not recorded", "other")
EXERCISE_KEYS = ("analysis", "landmark_days", "exercise", "maintenance", "horizon_days", "scale")


def say_return(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say how many returned, how far the definition moves the figure, and how many were relieved and not back."""
    day, landmark = protocol.horizons_days.primary_recurrence, protocol.recurrence.landmark_days
    tables = with_level(protocol, tables)
    lead = bind(
        tables,
        f"Of {{n}} episodes that were relieved and stayed so for {landmark} days, an estimated {{value}} had returned "
        f"within {day} days ({INTERVAL}). The others had not returned to a clinic in these records; they may have had "
        "pain or gone elsewhere.",
        horizon_cells("recurrence", day),
        f"The share that returned within {day} days cannot be shown: {_why_not(protocol, tables)}.",
    )
    together = bind(
        tables,
        f"Counted from the first visit, {{value}} of episodes with enough pain were relieved by day {{by}} and had not "
        f"returned to a clinic in these records within {day} days ({INTERVAL}); this also falls where few are "
        "relieved.",
        {
            name: cell("recurrence_composite", column, write, measure="relieved_and_not_back")
            for name, column, write in (
                ("by", "relief_by_days", "count"),
                ("value", "estimate", "percent"),
                ("low", "conf_low", "points"),
                ("high", "conf_high", "points"),
            )
        },
    )
    return (*some(lead), *some(_say_gaps(tables)), *some(together))


def _why_not(protocol: Any, tables: Tables) -> str:
    """Why there is no share by the primary day of returns, in words."""
    least = protocol.reporting_floor.estimate_min_episodes
    if _is_below(tables, "n_relieved", least):
        return f"fewer than {least} episodes were relieved"
    if _is_below(tables, "n", least):
        return f"fewer than {least} relieved episodes could be followed from the day on which the clock starts"
    return "too few episodes were observed that long"


def _is_below(tables: Tables, item: str, least: int) -> bool:
    """Whether a count is known to be below a number; one that is hidden for being small is."""
    try:
        value = str(look_up(tables, cell("recurrence_summary", "value", "text", item=item)))
    except NotShowable:
        return False
    return value.startswith("<") or (value.replace(".", "").isdecimal() and float(value) < least)


def _say_gaps(tables: Tables) -> Sentence | None:
    table = tables.get("recurrence_definitions")
    if table is None or "kind" not in table:
        return None
    gaps = sorted(table.loc[table["kind"] == "gap", "gap_days"].tolist())
    if len(gaps) < 2:
        return None
    ends: dict[str, dict[str, Scalar]] = {
        name: {"kind": "gap", "gap_days": int(gap)} for name, gap in (("short", gaps[0]), ("long", gaps[-1]))
    }
    shown = [show_or_none(tables, cell("recurrence_definitions", "estimate", "percent", **ends[key])) for key in ends]
    if len(set(shown)) < 2:
        return None  # a difference that is not seen moves nothing
    words = (
        "If only a new episode after a gap without visits were a return, it would be {short} with a gap of "
        f"{gaps[0]} days and {{long}} with one of {gaps[-1]}: the definition moves the figure this far."
    )
    return say_range(tables, "recurrence_definitions", ends, words)


def say_how_often(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say how many returns a patient has on average, and the rate."""
    tables = with_level(protocol, tables)
    table = tables.get("recurrence_mean_returns")
    if table is None:
        return ()
    numbers = to_numbers(table["estimate"])
    days = [int(day) for day, value in zip(table["horizon_days"], numbers, strict=True) if value == value]
    said: list[Sentence | None] = []
    if days:
        where = {"horizon_days": days[0]}
        cells = {
            name: cell("recurrence_mean_returns", column, write, **where)
            for name, column, write in (
                ("n", "n", "count"),
                ("value", "estimate", "mean"),
                ("low", "conf_low", "mean"),
                ("high", "conf_high", "mean"),
            )
        }
        words = (
            "Counting every return to a clinic in these records, {n} patients had {value} each on average within "
            f"{days[0]} days"
        )
        more = ""
        if len(days) > 1:
            cells["later"] = cell("recurrence_mean_returns", "estimate", "mean", horizon_days=days[-1])
            more = f", and {{later}} within {days[-1]}"
        said.append(
            bind(tables, f"{words} {PLAIN_INTERVAL}{more}.", cells)
            or bind(tables, f"{words}.", {name: cells[name] for name in ("n", "value")})
        )
    rate = {
        name: cell("recurrence_rates", column, "mean", group="all")
        for name, column in (("value", "estimate"), ("low", "conf_low"), ("high", "conf_high"))
    }
    is_told = any(sentence is not None for sentence in said)
    head = (
        "As a rate of patients who differ, it is" if is_told else "Counting every return of patients who differ, it is"
    )
    said.append(bind(tables, f"{head} {{value}} returns a patient-year {PLAIN_INTERVAL}.", rate))
    if days and (to_numbers(table["events"]) > 0).any():
        said.append(
            say("Fewer of those still at risk return later: frequent returners leave the group of first returns first.")
        )
    return tuple(sentence for sentence in said if sentence is not None)


def say_maintenance(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say how patients in maintenance care compare, without calling it an effect of that care."""
    tables = with_level(protocol, tables)
    table = tables.get("recurrence_maintenance")
    if table is None:
        return ()
    rows = table[table["outcome"] == "first_return"]
    shown = rows[to_numbers(rows["estimate"]).notna()]
    days = [day for day in rows["horizon_days"].unique() if (shown["horizon_days"] == day).sum() == 2]
    if not days:
        return ()
    day = int(days[-1])
    cells = {
        part: cell("recurrence_maintenance", "estimate", "percent", outcome="first_return", part=part, horizon_days=day)
        for part in ("outside", "inside")
    }
    words = (
        f"Within {day} days {{outside}} had returned to a clinic in these records outside maintenance care and "
        f"{{inside}} in it; those who come for maintenance are seen more often and may have had pain more often."
    )
    return some(bind(tables, words, cells))


def say_factors(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say what the adjusted shares are, and those of earlier episodes, the known predictor, where they are there."""
    if "return_factors" not in tables:
        return ()
    table, day = tables["return_factors"], protocol.horizons_days.primary_recurrence
    out: list[Sentence | None] = []
    is_level = ~table["level_label"].str.lower().isin(NO_LEVELS) & to_numbers(table["estimate"]).notna()
    levels = table[(table["factor"] == "previous_episodes") & is_level]
    if len(levels) >= 2:
        out.append(_say_earlier(tables, levels, day))
    else:
        out.append(_say_levels(tables, table[is_level], day))
    if not to_numbers(table["estimate"]).notna().any():
        out.append(say("Adjusted shares cannot be given: there are too few returns.", "not estimable"))
    out.append(
        say(
            "The groups differ in more than what is looked at here; this describes who came back, not why.",
            "descriptive",
        )
    )
    return tuple(sentence for sentence in out if sentence is not None)


def say_range_of_factor(tables: Tables, factor: str) -> Sentence | None:
    """The lowest and the highest adjusted share of one factor, for the text in place of its picture."""
    table = tables["return_factors"]
    rows = table[(table["factor"] == factor) & to_numbers(table["estimate"]).notna()]
    if rows.empty:
        return None
    label = literal(rows["factor_label"].iloc[0])
    ordered = rows.assign(number=to_numbers(rows["estimate"])).sort_values(["number", "level"])
    ends = {"low": ordered.iloc[0], "high": ordered.iloc[-1]}
    cells = {
        key: cell("return_factors", "estimate", "percent", factor=factor, level=row["level"])
        for key, row in ends.items()
    }
    if len(rows) == 1:
        return bind(tables, f"{label}: {{low}} ({literal(ends['low']['level_label'])}).", {"low": cells["low"]})
    named = {key: literal(lower_first(str(row["level_label"]))) for key, row in ends.items()}
    return bind(tables, f"{label}: from {{low}} ({named['low']}) to {{high}} ({named['high']}).", cells)


def _say_levels(tables: Tables, levels: Any, day: int) -> Sentence | None:
    """The lowest and the highest of the adjusted shares, named as what they are: the ends of many."""
    ordered = levels.assign(number=to_numbers(levels["estimate"])).sort_values(["number", "factor", "level"])
    if len(ordered) < 2:
        return None
    ends = {"low": ordered.iloc[0], "high": ordered.iloc[-1]}
    cells = {
        key: cell("return_factors", "estimate", "percent", factor=str(row["factor"]), level=row["level"])
        for key, row in ends.items()
    }
    named = {
        key: literal(f"{lower_first(str(row['factor_label']))}: {row['level_label']}") for key, row in ends.items()
    }
    words = (
        f"Over the levels looked at, the adjusted shares that had returned within {day} days lie between {{low}} "
        f"({named['low']}) and {{high}} ({named['high']}); of several levels the ends differ by chance too."
    )
    return bind(tables, words, cells, tag="adjusted association")


def _say_earlier(tables: Tables, levels: Any, day: int) -> Sentence | None:
    """Every level of earlier episodes, in its order: two of them would hide that one between is lowest."""
    cells = {
        f"level_{i}": cell("return_factors", "estimate", "percent", factor="previous_episodes", level=level)
        for i, level in enumerate(levels["level"].tolist())
    }
    labels = [literal(lower_first(str(label))) for label in levels["level_label"].tolist()]
    named = [f"{{{key}}} ({label})" for key, label in zip(cells, labels, strict=True)]
    shares = to_numbers(levels["estimate"])
    other = "; who has had pain before also knows the way" if shares.is_monotonic_increasing else ""
    words = (
        f"By earlier episodes, an adjusted {joined(named)} had returned to a clinic in these "
        f"records within {day} days{other}."
    )
    return bind(tables, words, cells, tag="adjusted association")


def say_triggers(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say how many returns were set off by the same again, against chance."""
    if "triggers_same" not in tables:
        return ()
    tables = with_level(protocol, tables)
    cells = {
        name: cell("triggers_same", column, write, trigger="all")
        for name, column, write in (
            ("n", "n", "count"),
            ("value", "estimate", "percent"),
            ("low", "conf_low", "points"),
            ("high", "conf_high", "points"),
            ("expected", "expected", "percent"),
            ("p", "p_value", "p"),
        )
    }
    words = (
        "Of {n} patients who returned with a trigger on record both times, {value} named the same again "
        f"({INTERVAL})"
    )
    chance = "; were the second independent of the first it would be {expected} (permutation p {p})"
    recall = ". Who remembers one trigger tends to name it again."
    said = bind(tables, words + chance + recall, cells)
    if said is None:
        few = "How many named the same trigger again cannot be shown: too few returned with one on record both times."
        said = bind(tables, words + recall, {name: cells[name] for name in ("n", "value", "low", "high")}, few)
    return some(said)


def say_main_trigger(tables: Tables) -> Sentence | None:
    """Say the share of the most frequent trigger whose share can be shown."""
    table = tables["triggers_same"]
    rows = table[(table["trigger"] != "all") & to_numbers(table["estimate"]).notna()]
    if rows.empty:
        return None
    first = (
        rows.assign(number=to_numbers(rows["n"])).sort_values(["number", "trigger"], ascending=[False, True]).iloc[0]
    )
    where = cell("triggers_same", "estimate", "percent", trigger=str(first["trigger"]))
    return bind(tables, f"{literal(first['label'])}: {{value}} the same again.", {"value": where})


def say_exercise(protocol: Any, tables: Tables) -> tuple[Sentence, ...]:
    """Say the main comparison with both arms and its main other explanation, or why there is none."""
    if "rehabilitation" not in tables:
        return ()
    tables = with_level(protocol, tables)
    table = tables["rehabilitation"]
    main = table[table["scale"] == "difference"].iloc[0]
    where = {key: main[key].item() if hasattr(main[key], "item") else main[key] for key in EXERCISE_KEYS}
    if main["reason"]:
        words = f"Return with and without rehabilitation exercise cannot be compared here: {main['reason']}."
        return (say(words, "not estimable"),)
    cells = {
        name: cell("rehabilitation", column, write, **where)
        for name, column, write in (
            ("with", "risk_with", "percent"),
            ("without", "risk_without", "percent"),
            ("value", "estimate", "signed"),
            ("low", "conf_low", "signed"),
            ("high", "conf_high", "signed"),
        )
    }
    said = bind(
        tables,
        f"Among relieved patients, {{with}} of those with and {{without}} of those without rehabilitation exercise "
        f"recorded before day {where['landmark_days']} after relief came back to a clinic in these records within "
        f"{where['horizon_days']} days (adjusted difference {{value}} points, {{level}}{NBSP}% interval {{low}} to "
        f"{{high}}); motivation and distance are not recorded, and who exercises here may also be seen here sooner.",
        cells,
        "Return with and without rehabilitation exercise cannot be shown: an arm is too small.",
        tag="adjusted association",
    )
    return some(said)


def show_or_none(tables: Tables, where: Cell) -> str | None:
    """A cell as it is written, or nothing where it is hidden or missing."""
    try:
        return show(tables, where)
    except NotShowable:
        return None
