"""Units, attendance and gaps on the page: small numbers, sentences, tables and pictures."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger
from outcomes.questions.attendance import LEFT_COLUMNS, QUARTER_COLUMNS, Attendance, describe_attendance
from outcomes.questions.missing import describe_missing
from outcomes.questions.missing_covariates import check_missing_covariates
from outcomes.questions.units import BEYOND_95, BEYOND_998, INSIDE, compare_units
from outcomes.questions.units_lines import NOTHING_BESIDE
from outcomes.release.attendance_section import attendance_section
from outcomes.release.disclosure import hide_around
from outcomes.release.marks import HIDDEN
from outcomes.release.missing_views import missing_blocks
from outcomes.release.model import FigureView
from outcomes.release.sentences import NBSP, format_percent, show
from outcomes.release.split_counts import hide_split
from outcomes.release.svg import to_svg
from outcomes.release.table_disclosure import protect_parts
from outcomes.release.tables import count_ends, count_visit_bands, name_tables, with_level
from outcomes.release.unit_disclosure import (
    COVERED,
    protect_attendance,
    protect_missing,
    protect_missing_covariates,
    protect_units,
)
from outcomes.release.unit_figures import drop_off, funnel, place_units
from outcomes.release.unit_section import _blocks, _draw, _list_reasons, _patients, say_units, unit_section, units_table
from outcomes.release.views import DASH
from outcomes.simulate import simulate
from support.small_practices import make_practice
from tables import records_of

BANNED = ("worse", "worst", "best", " rank ", "underperform", "effective", "reduces", "proves", "league")


@pytest.fixture(scope="module")
def episodes():
    cells = simulate(1500, seed=11, clean=True, clinics=3).records
    written = {name: [str(cell) for cell in column] for name, column in cells.items()}
    return build_episodes(build_visits(records_of(written), Protocol()))


@pytest.fixture(scope="module")
def answers(episodes):
    return {
        "clinics": protect_units(compare_units(episodes), 5),
        "clinicians": protect_units(compare_units(episodes, "clinician"), 5),
        "attendance": protect_attendance(describe_attendance(episodes), 5),
        "missing": protect_missing(describe_missing(episodes), 5),
        "missing_covariates": protect_missing_covariates(check_missing_covariates(episodes, 3), 5),
    }


@pytest.fixture(scope="module")
def tables(episodes, answers):
    found = {name: table for key, result in answers.items() for name, table in name_tables(key, result).items()}
    return with_level(episodes.protocol, found) | {
        "episode_ends": protect_parts(count_ends(episodes), 5),
        "visits_per_episode": protect_parts(count_visit_bands(episodes), 5),
    }


def inputs(episodes, answers, refusals=()):
    said = {name: f"{name} was refused." for name in refusals}
    return SimpleNamespace(
        answer=lambda name: None if name in said else answers.get(name),
        refusal=lambda name: said.get(name, ""),
        episodes=episodes,
        quarter="2026Q2",
    )


# -- small numbers ----------------------------------------------------------------------------------------------------


def possible(parts, shown, total, floor):
    """All hidden parts that fit what a reader sees: a mark for small ones, another for the others."""
    hidden = [i for i, value in enumerate(shown) if isinstance(value, str)]
    rest = total - sum(value for value in shown if not isinstance(value, str))
    ranges = [range(1, floor) if shown[i] != HIDDEN else (0, *range(floor, total + 1)) for i in hidden]
    return hidden, [combination for combination in itertools.product(*ranges) if sum(combination) == rest]


@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), min_size=2, max_size=4))
def test_hidden_counts_of_a_split_cannot_be_worked_out(rows):
    table = pd.DataFrame({"n": [a + b for a, b in rows], "events": [a for a, _ in rows], "estimate": 0.5})
    out = hide_split(table, (), 5, ("estimate",))
    for name in ("n", "events"):
        shown, total = out[name].tolist(), int(table[name].sum())
        hidden, fits = possible(table[name].tolist(), shown, total, 5)
        for place, i in enumerate(hidden):
            if 0 < table[name].iloc[i] < 5 and len([j for j in range(len(table)) if table[name].iloc[j] >= 5]):
                assert len({combination[place] for combination in fits}) >= 2
    shown = [not isinstance(value, str) for value in out["events"]]
    for is_shown, (yes, no) in zip(shown, rows, strict=True):
        assert not is_shown or (not 0 < yes < 5 and not 0 < no < 5)
    assert [not isinstance(value, str) for value in out["estimate"]] == shown


def compare_table(counts):
    rows = [{"n": n, "events": events, "estimate": events / n, "observed": float(events)} for n, events in counts]
    return pd.DataFrame(rows)


def test_a_small_rest_hides_the_share_and_one_more():
    out = hide_split(compare_table([(120, 40), (60, 57), (80, 30)]), (), 5, ("estimate", "observed"))
    # 3 of 60 without: hidden, and the smallest other rest (80 less 30) with it.
    assert out["events"].tolist() == [40, HIDDEN, HIDDEN]
    assert out["estimate"].tolist()[0] == pytest.approx(1 / 3)
    assert out["observed"].tolist()[1:] == [HIDDEN, HIDDEN]
    assert out["n"].tolist() == [120, 60, 80]


def funnel_table(n):
    """Units of which the last is beyond the 95 % limits and the first is not compared."""
    rows = [
        {"unit": f"P{i:03d}", "size": 100.0 + 5 * i, "estimate": 0.5 + 0.002 * i, "shrunken": 0.45, "position": INSIDE,
         "is_compared": i > 0, "is_flagged": False}
        for i in range(n)
    ]  # fmt: skip
    rows[-1] |= {"position": BEYOND_95, "estimate": 0.7}
    size = np.linspace(50.0, 100.0 + 6 * n, 40)
    curve = pd.DataFrame({"size": size, "low_95": 0.4, "high_95": 0.6, "low_998": 0.3, "high_998": 0.8})
    return SimpleNamespace(table=pd.DataFrame(rows), more={"curve": curve}, summary={"target": 0.5}, settings={})


@pytest.mark.parametrize(("n", "narrow"), [(6, False), (60, False), (60, True)])
def test_a_unit_beyond_the_limits_has_its_name_and_one_not_compared_its_place_towards_the_mean(n, narrow):
    ax = Figure(figsize=(3.7, 3.0)).subplots()
    funnel(funnel_table(n), ax=ax, narrow=narrow)
    named = {text.get_text() for text in ax.texts}
    assert f"P{n - 1:03d}" in named and (("P001" in named) == (n == 6))
    hollow = next(line for line in ax.lines if line.get_markerfacecolor() == "none" and line.get_marker() == "o")
    assert hollow.get_xydata().tolist() == [[100.0, 0.45]]


def test_among_many_one_not_compared_is_named_where_it_is_worth_a_look_and_not_for_a_share_that_is_not_drawn():
    found = funnel_table(60)
    found.table.loc[[0, 5], ["position", "is_compared"]] = [BEYOND_95, False]
    found.table.loc[9, ["position", "is_compared", "is_flagged"]] = [BEYOND_998, False, True]
    ax = Figure(figsize=(3.7, 3.0)).subplots()
    funnel(found, ax=ax)
    assert {text.get_text() for text in ax.texts} & set(found.table["unit"]) == {"P009", "P059"}


def test_what_is_not_drawn_of_the_drop_off_has_no_name_and_a_share_stands_on_its_bar():
    left = pd.DataFrame(
        [(1, "came", 0.72, 30), (1, "relieved", HIDDEN, 30), (1, "not_relieved", HIDDEN, 30)],
        columns=["visit", "reason", "estimate", "n"],
    )
    ax = Figure().subplots()
    drop_off(SimpleNamespace(more={"left": left}, settings={}), ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["came again"]
    assert [round(text.get_position()[1], 3) for text in ax.texts] == [0.735]
    # Halves are rounded up as everywhere on the page, on a phone too, where the sign has no room.
    for narrow, said in ((False, f"13{NBSP}%"), (True, "13")):
        ax = Figure().subplots()
        few = left.assign(estimate=left["estimate"].mask(left["reason"] == "came", 0.125))
        drop_off(SimpleNamespace(more={"left": few}, settings={}), ax=ax, narrow=narrow)
        assert [text.get_text() for text in ax.texts] == [said]


def test_units_that_are_small_give_nothing_away(episodes):
    result = compare_units(episodes)
    n = result.table["n"].to_numpy().copy()
    n[0] = 3
    out = protect_units(
        replace(result, table=result.table.assign(n=n, events=np.minimum(result.table["events"], n))), 5
    )
    row = out.table.iloc[0]
    assert row["n"] == "<5"
    for name in ("estimate", "observed", "size", "low_95", "reliability", "shrunken", "visits", "completeness"):
        assert row[name] == HIDDEN
    assert (out.table["n"] == HIDDEN).sum() == 1
    # Numbers of units are no numbers of patients.
    assert out.summary["n_units"] == 3


def test_a_unit_whose_size_is_hidden_afterwards_does_not_say_that_it_is_compared(episodes):
    result = protect_units(compare_units(episodes), 5)
    table = result.table.assign(n=result.table["n"].astype(object), is_compared=True)
    table.loc[0, "n"] = HIDDEN
    found = hide_around(replace(result, table=table)).table
    assert found["is_compared"].tolist() == [False, *[True] * (len(table) - 1)]
    assert found["reason"][0] == COVERED


def test_steps_hide_what_the_next_row_would_tell():
    columns = ["group", "visit", "within_days", "estimate", "conf_low", "conf_high", "n", "events", "told", "reach"]
    rows = [
        ("all", 1, 30, 0.9, 0.8, 0.95, 100, 90, 100, np.nan),
        ("all", 1, 89, 0.97, 0.9, 0.99, 100, 97, 100, 0.97),
        ("all", 2, 30, 0.5, 0.4, 0.6, 97, 50, 90, np.nan),
        ("all", 2, 89, 0.53, 0.4, 0.6, 97, 52, 80, 0.51),
    ]
    found = replace(make_attendance(), table=pd.DataFrame(rows, columns=columns))
    out = protect_attendance(found, 5).table
    # 3 of 100 did not come again: the count is hidden, and so is the number at the second visit.
    assert out["events"].tolist()[1] == HIDDEN
    assert out["n"].tolist()[2:] == [HIDDEN, HIDDEN]
    assert out["reach"].tolist()[3] == HIDDEN
    # Two came between days 30 and 89: at the second visit the count within 30 days is hidden too, and with it
    # the share, although not all were watched that long.
    assert out["events"].tolist()[2] == HIDDEN
    assert out.loc[2, ["estimate", "conf_low", "conf_high"]].tolist() == [HIDDEN] * 3


@pytest.mark.parametrize(("patients", "seed"), [(100, 1), (130, 2), (200, 3)])
def test_no_hidden_number_of_a_step_comes_back_from_its_share(patients, seed):
    raw = describe_attendance(make_practice(patients, seed))
    out = protect_attendance(raw, 5).table
    hidden = np.array([isinstance(value, str) for value in out["events"]])
    assert hidden.any()
    shown = [value for value in out.loc[hidden, "estimate"] if not isinstance(value, str)]
    assert np.isnan(np.array(shown, dtype=float)).all()
    # Had the share been left: it gives the count back wherever nobody is censored within so many days.
    share, n = (raw.table.loc[hidden, name].to_numpy(dtype=float) for name in ("estimate", "n"))
    told = ~np.isnan(share)
    assert (np.round(share * n)[told] == raw.table.loc[hidden, "events"].to_numpy(dtype=float)[told]).any()


def make_attendance():
    """Few left, and few came late."""
    left = pd.DataFrame(
        [
            (1, "came", "", 100, 90, 0.9),
            (1, "relieved", "", 100, 3, 0.03),
            (1, "not_relieved", "", 100, 7, 0.07),
            (1, "unrated", "", 100, 5, 0.05),
        ],
        columns=list(LEFT_COLUMNS),
    )
    quarters = pd.DataFrame(
        [
            ("2026Q1", 2, 28, 0.5, 0.4, 0.6, 60, 30.0, True),
            ("2026Q1", 4, 28, 0.2, 0.1, 0.3, 60, 12.0, True),
            ("2026Q1", 2, 90, 0.53, 0.4, 0.6, 60, 32.0, True),
            ("2026Q1", 4, 90, 0.4, 0.3, 0.5, 60, 24.0, True),
        ],
        columns=list(QUARTER_COLUMNS),
    )
    blank = pd.DataFrame([], columns=["group", "visit", "within_days", "n", "events", "told", "reach"])
    return Attendance({"n": 100, "n_open": 3}, {}, Ledger(()), (), blank, {"left": left, "by_quarter": quarters})


def test_fates_and_nested_quarters():
    out = protect_attendance(make_attendance(), 5)
    left = out.more["left"].set_index("reason")["events"]
    assert left["relieved"] == "<5"
    assert left["not_relieved"] == HIDDEN
    # 5 of the 7 not relieved were never rated: the other 2 are few.
    assert left["unrated"] == HIDDEN
    quarters = out.more["by_quarter"].set_index(["visit", "within_days"])["events"]
    # 32 came to a second visit within 90 days, 30 of them within 28: the smaller of the two is hidden.
    assert quarters[2, 28] == HIDDEN
    assert quarters[2, 90] == 32
    assert out.summary == {"n": 100, "n_open": "<5"}


# -- the sections -----------------------------------------------------------------------------------------------------


def every_sentence(section_or_blocks):
    blocks = getattr(section_or_blocks, "blocks", section_or_blocks)
    said = list(getattr(section_or_blocks, "lead", ()))
    for block in blocks:
        said += list(getattr(block, "sentences", ()))
    return said


def test_a_quarter_of_few_episodes_says_why_its_attendance_is_a_dash(episodes, answers, tables):
    def note_of(found):
        blocks = attendance_section(inputs(episodes, answers), found).blocks
        return next(block.note for block in blocks if getattr(block, "id", "") == "attendance_by_quarter")

    quarters = tables["attendance_by_quarter"]
    shared = quarters.assign(estimate=0.5)
    few = shared.assign(estimate=shared["estimate"].mask(shared["quarter"] == "2026Q1"))
    assert "2026Q1" in set(quarters["quarter"])
    assert note_of({**tables, "attendance_by_quarter": shared}) == ""
    said = "A dash: too few episodes began in that quarter for a share."
    assert note_of({**tables, "attendance_by_quarter": few}) == said


def test_sentences_are_bound_and_worded_as_the_house_words_them(episodes, answers, tables):
    page = inputs(episodes, answers)
    parts = (unit_section(page, tables), attendance_section(page, tables), missing_blocks(page, tables))
    for part in parts:
        sentences = every_sentence(part)
        assert sentences
        for sentence in sentences:
            filled = {name: show(tables, cell) for name, cell in sentence.cells.items()}
            assert sentence.template.format(**filled) == sentence.text
            assert not any(word in f" {sentence.text.lower()} " for word in BANNED)
            assert "nan" not in sentence.text.lower().split()


def test_units_stand_by_code_and_show_one_share_each(episodes, answers, tables):
    section = unit_section(inputs(episodes, answers), tables)
    shown = {block.id: block for block in section.blocks if block.kind == "table"}
    for name in ("clinics", "clinicians"):
        codes = [row[0] for row in shown[name].rows]
        assert codes == sorted(codes)
        for row in shown[name].rows:
            assert "–" in (row[3], row[5])
        assert not any("rank" in column.heading.lower() for column in shown[name].columns)
        assert shown[name].note.endswith("Visits with a score: one of pain, before treatment.")
    assert sum(block.kind == "figure" for block in section.blocks) == 2


def test_steps_from_visit_to_visit_are_one_row_a_visit(episodes, answers, tables):
    shown = attendance_section(inputs(episodes, answers), tables).blocks
    view = next(block for block in shown if getattr(block, "id", "") == "attendance")
    frame = tables["attendance"].set_index(["visit", "within_days"])
    soon, longest = sorted(set(tables["attendance"]["within_days"]))
    heads = [column.heading for column in view.columns]
    assert heads[:3] == ["Visit", f"Came again within {soon} days", f"Came again within {longest} days"]
    assert [row[0] for row in view.rows] == [str(visit) for visit in sorted({visit for visit, _ in frame.index})]
    for row in view.rows:
        for days, text in ((soon, row[1]), (longest, row[2])):
            share = frame.loc[(int(row[0]), days), "estimate"]
            assert text == (DASH if share != share else share if isinstance(share, str) else format_percent(share))
        n = frame.loc[(int(row[0]), longest), "n"]
        assert row[-1] == (n if isinstance(n, str) else f"{n:,.0f}")
    assert f"within {longest} days, the last before a gap" in view.note


@pytest.mark.parametrize(
    ("n", "n_refused", "said"),
    [
        (30, 30, "All 30 clinics: too few."),
        (30, 29, "Clinics C00, C01, C02, C03, C04, C05 and 23 more: too few."),
        (3, 3, "Clinics C00, C01, C02: too few."),
        (3, 1, "Clinic C00: too few."),
    ],
)
def test_units_refused_for_one_reason_are_named_and_all_of_many_by_their_number(n, n_refused, said):
    table = pd.DataFrame(
        {"unit": [f"C{i:02}" for i in range(n)], "reason": ["too few"] * n_refused + [""] * (n - n_refused)}
    )
    (text,) = _list_reasons(table, "clinic")
    assert [sentence.text for sentence in text.sentences] == [said]


def test_refusals_say_why(episodes, answers, tables):
    page = inputs(episodes, answers, ("clinics", "clinicians"))
    assert unit_section(page, tables).lead[0].text == "clinics was refused."
    half = unit_section(inputs(episodes, answers, ("clinicians",)), tables)
    assert any("clinicians was refused." in sentence.text for sentence in every_sentence(half))
    section = attendance_section(inputs(episodes, answers, ("attendance",)), tables)
    assert any("attendance was refused." in sentence.text for sentence in section.lead)
    blocks = missing_blocks(inputs(episodes, answers, ("missing_covariates",)), tables)
    assert any("missing_covariates was refused." in sentence.text for sentence in every_sentence(blocks))


def said_of(result, name="clinics"):
    summary = pd.DataFrame(list(result.summary.items()), columns=["item", "value"])
    sentences = say_units(name, "clinic", result, {f"{name}_summary": summary, name: result.table})
    return " ".join(sentence.text for sentence in sentences)


@pytest.mark.parametrize(
    ("icc", "needed", "wanted"),
    [
        (float("nan"), float("nan"), "Too few episodes to tell how far clinics differ."),
        (0.0, float("inf"), "do not show that clinics differ beyond chance; they cannot show that they do not."),
        (0.0001, 23000.0, "a comparison takes more than 1,000 episodes of each."),
        (0.05, 44.3, "a comparison takes about 44 episodes of each."),
    ],
)
def test_what_the_records_cannot_tell_is_said(answers, icc, needed, wanted):
    result = answers["clinics"]
    said = said_of(replace(result, summary={**result.summary, "icc": icc, "needed_n": needed}))
    assert wanted in said
    assert "no more than chance" not in said


def far_out(result, *rows, **changes):
    """The same result, with these rows beyond the outer limits and not compared."""
    table = result.table.assign(is_compared=False, is_flagged=False, position=INSIDE, reason="reliability below 0.7")
    for row in rows:
        table.loc[row, "position"], table.loc[row, "is_flagged"] = BEYOND_998, True
    return replace(result, table=table.assign(**changes))


def test_what_lies_beyond_the_limits_is_said_without_its_share_where_that_is_withheld(answers, tables):
    result = far_out(answers["clinics"], 1, z=[0.4, -6.9, 3.9])
    code, share = result.table["unit"][1], format_percent(float(result.table["estimate"][1]))
    said = said_of(result)
    wanted = (
        f"Clinic {code} lies below the 99.8{NBSP}% limits of chance, although its share is not compared: worth a look, "
        "its recording first."
    )
    assert wanted in said and share not in said
    assert f"lies above the 99.8{NBSP}% limits" in said_of(far_out(answers["clinics"], 2, z=[0.4, -6.9, 3.9]))
    found = {**tables, "clinics": result.table}
    row = units_table("clinics", "clinic", found).rows[1]
    assert row[2:5] == (DASH, DASH, DASH) and row[-1] == "Worth a look"
    assert [row[-1] for row in units_table("clinics", "clinic", found).rows].count("None") == 2
    # Picture and table are there to be seen, not folded, where one of them is worth a look.
    for one, is_folded in ((result, False), (far_out(answers["clinics"]), True)):
        picture = _blocks("clinics", "clinic", one, found)[0]
        assert isinstance(picture, FigureView) and picture.folded is is_folded
    assert "Hollow diamonds: worth a look, not compared." in _draw("clinics", "clinic", result, found).caption


def test_a_compared_unit_beyond_the_limits_has_its_share_its_difference_and_a_diamond(answers, tables):
    result = answers["clinics"]
    table = result.table.assign(is_compared=True, is_flagged=False, position=INSIDE, reason="")
    table["difference"], table["estimate"] = [-12.6, 0.3, 1234.4], [0.4, 0.5, 0.7]
    table.loc[0, ["position", "is_flagged"]] = [BEYOND_998, True]
    table["position"] = table["position"].astype(object).where(table.index != 2, HIDDEN)
    out = replace(result, table=table, summary={**result.summary, "target": 0.52})
    code = table["unit"][0]
    assert (
        f"Clinic {code} lies beyond the 99.8{NBSP}% limits of chance (40{NBSP}% after allowing for case mix, against "
        f"52{NBSP}% over all): worth a look, its recording first."
    ) in said_of(out)
    rows = units_table("clinics", "clinic", {**tables, "clinics": table}).rows
    assert [row[2] for row in rows] == ["\u221213", "0", "+1,234"]
    assert [row[3] for row in rows] == [f"40{NBSP}%", f"50{NBSP}%", f"70{NBSP}%"]
    assert [row[-1] for row in rows] == ["Worth a look", INSIDE[0].upper() + INSIDE[1:], HIDDEN]
    caption = _draw("clinics", "clinic", out, tables).caption
    assert "Filled dots: compared. Diamonds: worth a look." in caption and "Hollow" not in caption


def test_without_patients_by_points_of_pain_there_is_no_table_of_them(tables):
    assert [view.id for view in _patients(tables, 28)] == ["clinics_patients"]
    assert _patients({name: table for name, table in tables.items() if "patients" not in name}, 28) == ()


def test_that_no_unit_lies_beyond_the_limits_is_said_of_all_that_can_be_judged_and_of_no_hidden_one(answers):
    calm = f"No clinic with enough episodes and pain scores lies beyond the 99.8{NBSP}% limits of chance."
    none_out = far_out(answers["clinics"])
    assert calm in said_of(none_out)
    assert calm not in said_of(far_out(answers["clinics"], 1))
    assert calm not in said_of(far_out(answers["clinics"], position=""))
    assert calm not in said_of(far_out(answers["clinics"], position=[HIDDEN, INSIDE, INSIDE]))


def test_a_hidden_place_in_the_funnel_is_not_told_by_a_flag(episodes):
    raw = compare_units(episodes)
    n = raw.table["n"].to_numpy()
    table = raw.table.assign(events=[2, *raw.table["events"][1:]], position=BEYOND_998, is_flagged=True)
    out = protect_units(replace(raw, table=table), 5).table
    assert n[0] > 30 and out["position"][0] == HIDDEN
    assert out["is_flagged"].tolist() == [place != HIDDEN for place in out["position"]]


def test_a_flagged_unit_that_is_not_compared_stands_hollow_at_the_share_drawn_towards_the_mean():
    found = funnel_table(6)
    found.table.loc[0, ["position", "is_flagged"]] = [BEYOND_998, True]
    ax = Figure(figsize=(3.7, 3.0)).subplots()
    funnel(found, ax=ax)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "none" and len(line.get_xydata())]
    assert [(line.get_marker(), line.get_xydata().tolist()) for line in hollow] == [("D", [[100.0, 0.45]])]


def test_one_unit_alone_is_nothing_to_compare(answers):
    result = answers["clinics"]
    table = result.table.assign(reason=[NOTHING_BESIDE, "not comparable: x", "not comparable: x"])
    assert "There is nothing to compare: only one clinic" in said_of(replace(result, table=table))


# -- pictures ---------------------------------------------------------------------------------------------------------


def draw(plot, result, narrow=False):
    figure = Figure(figsize=(3.7 if narrow else 7.2, 3), layout="constrained")
    ax = figure.subplots()
    plot(result, ax=ax, narrow=narrow)
    return figure, ax


@pytest.mark.parametrize("narrow", [False, True])
def test_pictures_are_the_same_each_time_and_light(answers, narrow):
    for plot, name in ((funnel, "clinics"), (funnel, "clinicians"), (drop_off, "attendance")):
        one, two = (to_svg(draw(plot, answers[name], narrow)[0], "x") for _ in range(2))
        assert one == two
        assert len(one) < 40_000


def test_the_place_across_is_the_number_of_episodes(answers):
    result = answers["clinics"]
    _, ax = draw(funnel, result)
    drawn = sorted((x, y) for line in ax.lines if line.get_linestyle() == "None" for x, y in line.get_xydata())
    table = place_units(result.table)
    wanted = sorted(zip(table["size"].astype(float), table["share"].astype(float), strict=True))
    assert np.array(drawn) == pytest.approx(np.array(wanted))
    hollow = [line for line in ax.lines if line.get_linestyle() == "None" and line.get_markerfacecolor() == "none"]
    assert sum(len(line.get_xydata()) for line in hollow) == (~table["is_compared"]).sum()


def test_a_refusal_and_empty_tables_are_sentences(answers):
    for plot in (funnel, drop_off):
        _, ax = draw(plot, NotEstimable("There is no such thing."))
        assert ax.texts[0].get_text() == "There is no such thing."
    nothing = replace(answers["clinics"], table=answers["clinics"].table.assign(estimate=np.nan, shrunken=np.nan))
    assert "No funnel" in draw(funnel, nothing)[1].texts[0].get_text()
    left = answers["attendance"].more["left"].iloc[:0]
    empty = replace(answers["attendance"], more={**answers["attendance"].more, "left": left})
    assert "No drop-off" in draw(drop_off, empty)[1].texts[0].get_text()
