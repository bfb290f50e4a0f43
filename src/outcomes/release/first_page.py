"""The first screen: the quarter in five sentences, and what cannot be said; `tiles` and `look_into` have the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outcomes.questions.quarter_verdicts import NO_PAIN, TOO_FEW
from outcomes.release.discharges import NOT_RECORDED, is_discharge_recorded
from outcomes.release.indicator_words import say_indicator
from outcomes.release.inputs import QUESTIONS, ReportInputs
from outcomes.release.model import Cell, Sentence, Tag
from outcomes.release.relief_views import last_score
from outcomes.release.sentences import (
    INTERVAL,
    NotShowable,
    Tables,
    bind,
    cell,
    literal,
    look_up,
    marked,
    run_cell,
    say,
)
from outcomes.release.signal_words import (
    NO_SIGNAL,
    SIGNAL,
    is_news,
    run_of_signals,
    say_direction,
    say_earlier_signals,
    say_since,
)
from outcomes.release.tables import is_pain_never_rated, say_why_no_ends
from outcomes.release.tiles import is_never_rated, of_review
from outcomes.release.words import lower_first, quarter_words, relief_words, short_quarter

VERDICTS = "quarter_review_verdicts"
TAG: Tag = "signal / no signal"
NEVER_RATED = (
    "How many stopped coming while not relieved cannot be told: none of those who stopped has a pain score before "
    "treatment on record."
)

NO_PAIN_AT_ALL = (
    "No pain score before treatment is on record: relief, return after it, and who stopped coming without it cannot be "
    "told."
)
NO_CHANGE = "Nothing can be called a change"
CHECKS = frozenset({"missing_covariates"})
"""Checks of another question: without them an owner is told no less, and their section says why they were not made."""


def summarise(inputs: ReportInputs, tables: Tables) -> tuple[Sentence, ...]:
    """Return the plain sentences that open the page; by quarter where there is a calendar, over all data otherwise."""
    found = _quarter_sentences(inputs, tables) if inputs.quarter else _overall_sentences(inputs, tables)
    return tuple(sentence for sentence in found if sentence is not None)


def list_limits(inputs: ReportInputs, tables: Tables) -> tuple[Sentence, ...]:
    """Return what these records cannot tell, refusals and immature quarters first."""
    out: list[Sentence | None] = [_too_early(inputs, tables)]
    asked = [name for name in QUESTIONS if name not in CHECKS]
    reasons = dict.fromkeys(inputs.refusal(name) for name in asked if inputs.refusal(name))
    out += [say(reason, "not estimable") for reason in reasons]
    out += [
        _unknown_end(inputs, tables),
        say(
            "Whether pain came back: someone who did not return here may have had pain or gone elsewhere. In cohort "
            "studies about 7 in 10 have pain again within a year and 4 in 10 seek care."
        ),
        say(
            "Which treatment works better: patients who get one treatment differ from those who get another. "
            "Comparisons are adjusted for what is recorded of that, and much is not."
        ),
    ]
    return tuple(sentence for sentence in out if sentence is not None)


def say_why_not_stopped(inputs: ReportInputs) -> Sentence | None:
    """Say why it cannot be told how many stopped while not relieved; nothing where it can."""
    if why := say_why_no_ends(inputs.episodes):
        return say(f"How many stopped coming while not relieved: {why}.", "not estimable")
    return say(NEVER_RATED, "not estimable") if is_pain_never_rated(inputs.episodes) else None


def _unknown_end(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    if why := say_why_not_stopped(inputs):
        return why
    where = cell("episode_ends", "estimate", "percent", end_reason="silent_stop")
    try:
        if not look_up(tables, where):
            return None
    except NotShowable:
        return None
    return bind(
        tables,
        "What became of those who stopped coming: {share} of episodes end in a silent stop, and some of these patients "
        f"may have got better.{_say_unseen(inputs)}",
        {"share": where},
    )


def _say_unseen(inputs: ReportInputs) -> str:
    """That stops are counted too high where nobody's discharge is on record; nothing where it is."""
    if is_discharge_recorded(inputs.episodes):
        return ""
    return f" {NOT_RECORDED}: some of these may have been sent on, so the share is at most this."


def _quarter_sentences(inputs: ReportInputs, tables: Tables) -> list[Sentence | None]:
    """What changed, then relief, return, those who stopped, and what all of it rests on."""
    days = inputs.episodes.protocol.horizons_days
    landmark = inputs.episodes.protocol.recurrence.landmark_days
    if _is_never_rated(tables):
        return [_changed(inputs, tables), say(NO_PAIN_AT_ALL, "not estimable")]
    return [
        _changed(inputs, tables),
        say_indicator(
            inputs,
            tables,
            f"relieved_by_{days.primary}",
            "whose first pain score leaves room for relief",
            f"had a pain score {relief_words(inputs.episodes.protocol)} by day {days.primary}",
            over_all=_horizon("relief", days.primary),
        ),
        say_indicator(
            inputs,
            tables,
            "returned_by_182",
            f"and still relieved {landmark} days after relief",
            "returned within 182 days from then",
            over_all=_horizon("recurrence", 182),
        ),
        _stopped(inputs, tables),
        _pain_recorded(inputs, tables),
    ]


def _changed(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    """What the control charts call a change: the opening sentence of the page."""
    table = tables[VERDICTS]
    judged = table[table["status"].isin(("fixed", "trial"))]
    unseen = [lower_first(str(label)) for label in table.loc[table["status"] == "hidden", "label"]]
    if judged.empty:
        return say(f"{NO_CHANGE}{_why_no_limits(tables)}.", "not estimable")
    signals = judged[judged["signal"] != ""]
    if signals.empty:
        when = quarter_words(inputs.quarter)
        early = say_earlier_signals(tables, judged)
        # An indicator that takes months to judge has its newest value in an earlier quarter: "in" would claim too much.
        is_now = bool((judged["quarter"] == inputs.quarter).all())
        at = f"in the {when}" if is_now else "in the newest quarter it can judge"
        calm = f"No control chart signals a change {at if early else f'up to the {when}'}"
        if len(judged) == len(table):
            return marked(say(f"{calm}: each indicator lies inside its limits.{early}", TAG), NO_SIGNAL)
        labels = [lower_first(str(label)) for label in judged["label"]]
        others = "indicators cannot be judged." if unseen else "indicators have no limits yet."
        calm += f" by what can be judged ({'; '.join(labels)}); the other {others}{early}"
        return marked(say(calm, TAG), NO_SIGNAL)
    rows = signals.to_dict("records")
    if len(rows) == 1:
        said = f"One indicator signals a change: {_name_signal(tables, rows[0], inputs.quarter)}."
        cells = {str(rows[0]["indicator"]): cell(VERDICTS, "brief", "text", indicator=str(rows[0]["indicator"]))}
    else:
        said = f"These indicators signal a change: {'; '.join(_name_shortly(tables, row) for row in rows)}."
        cells = {}
    if not any(is_news(tables, row) for row in rows):
        said += f" The newest quarter judged adds nothing new to {'it' if len(rows) == 1 else 'them'}."
    return marked(bind(tables, said, cells, tag=TAG), SIGNAL)


def _is_never_rated(tables: Tables) -> bool:
    return any(is_never_rated(tables, str(name)) for name in tables[VERDICTS]["indicator"])


def _why_no_limits(tables: Tables) -> str:
    """Why no indicator has limits: no scores, too few quarters, or quarters that are too small."""
    if _is_never_rated(tables):
        return f": {NO_PAIN}, and all but the recording of scores rests on one"
    if (tables[VERDICTS]["status"] == "hidden").any():
        return ": where charts have limits, small numbers hide them"
    is_short = (tables[VERDICTS]["verdict"] == TOO_FEW).any()
    few = "too few quarters are on record" if is_short else "the quarters have too few episodes"
    return f" yet: {few} to know how far they differ by chance"


def _name_signal(tables: Tables, row: Mapping[Any, Any], quarter: str) -> str:
    """An indicator, where its brief verdict goes, since when, and whether for better; its quarter if an earlier one."""
    when = "" if row["quarter"] == quarter else f" in the {quarter_words(str(row['quarter']))}"
    how = say_direction(row)
    since = say_since(tables, row)
    return f"{lower_first(literal(row['label']))}{when}, {{{row['indicator']}}}{since}{f' ({how})' if how else ''}"


def _name_shortly(tables: Tables, row: Mapping[Any, Any]) -> str:
    """One of several indicators: its first quarter that signals, and whether for better; how stands below."""
    run = run_of_signals(tables, row)
    first = str(row["quarter"] if run is None else run["quarter"].iloc[0])
    when = f"{'in' if first == row['quarter'] else 'since'} {short_quarter(first)}"
    how = say_direction(row)
    return f"{lower_first(literal(row['label']))}, {when}{f' ({how})' if how else ''}"


def _stopped(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    if why := say_why_not_stopped(inputs):
        return why
    days = max(inputs.episodes.protocol.horizons_days.relief)
    or_sent_on = (
        "" if is_discharge_recorded(inputs.episodes) else ", or were sent on, which this export does not record"
    )
    return say_indicator(
        inputs,
        tables,
        "silent_stop",
        "whose first pain score leaves room for relief",
        f"stopped coming within {days} days while not relieved at {last_score(tables)}{or_sent_on}",
        "",
    )


def _pain_recorded(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    visits = f"the visits of the {quarter_words(inputs.quarter)}"
    return _say_pain(tables, visits, of_review("pain_recorded", inputs.quarter, "estimate", "percent"))


def _say_pain(tables: Tables, visits: str, share: Cell) -> Sentence | None:
    """How often pain was scored, on which the rest of the page rests; what follows where it never was."""
    try:
        if not look_up(tables, share):
            return say(NO_PAIN_AT_ALL, "not estimable")
    except NotShowable:
        return None
    words = f"A pain score before treatment was recorded at {{share}} of {visits}; every statement about relief rests"
    return bind(tables, f"{words} on these.", {"share": share})


def _overall_sentences(inputs: ReportInputs, tables: Tables) -> list[Sentence | None]:
    days = inputs.episodes.protocol.horizons_days
    last = days.recurrence[min(1, len(days.recurrence) - 1)]
    return [
        bind(
            tables,
            "The records hold {episodes} episodes of care of {patients} patients.",
            {"episodes": run_cell("episodes"), "patients": run_cell("patients")},
            "The records hold too few episodes or patients to give their number.",
        ),
        bind(
            tables,
            f"By day {days.primary}, an estimated {{value}} of {{n}} episodes had a pain score "
            f"{relief_words(inputs.episodes.protocol)} ({INTERVAL}).",
            _horizon("relief", days.primary),
        ),
        bind(
            tables,
            f"Of {{n}} relieved episodes, an estimated {{value}} had returned within {last} days ({INTERVAL}).",
            _horizon("recurrence", last),
        ),
        say_why_not_stopped(inputs)
        or bind(
            tables,
            f"{{share}} of episodes stopped while not relieved at {last_score(tables)}, without a discharge and "
            f"without a visit for {inputs.episodes.protocol.dropout.no_visit_days} days.{_say_unseen(inputs)}",
            {"share": cell("episode_ends", "estimate", "percent", end_reason="silent_stop")},
        ),
        _say_pain(tables, "visits", cell("completeness", "estimate", "percent", field="pain_pre")),
    ]


def _too_early(inputs: ReportInputs, tables: Tables) -> Sentence | None:
    if not inputs.quarter:
        return None
    table = tables["quarter_review"]
    now = table[(table["quarter"] == inputs.quarter) & ~table["mature"].astype(bool)]
    if now.empty:
        return None
    waits = [not is_never_rated(tables, str(name)) for name in now["indicator"]]
    labels = [lower_first(str(label)) for label in now.loc[waits, "label"]]
    if not labels:
        return None
    return say(
        f"For episodes of the {quarter_words(inputs.quarter)} it is too early to tell: {'; '.join(labels)}."
        + ("" if _is_nobody_relieved(tables) else " So far the quarter would hold mostly those who healed fast."),
        "not estimable",
    )


def _is_nobody_relieved(tables: Tables) -> bool:
    """Whether relief is on record for no episode at all, however long it was followed."""
    return "relief" in tables and not tables["relief"].empty and bool((tables["relief"]["events"] == 0).all())


def _horizon(name: str, days: int) -> dict[str, Cell]:
    columns = {
        "value": ("estimate", "percent"),
        "n": ("n", "count"),
        "low": ("conf_low", "points"),
        "high": ("conf_high", "points"),
    }
    return {key: cell(name, column, write, horizon_days=days) for key, (column, write) in columns.items()}
