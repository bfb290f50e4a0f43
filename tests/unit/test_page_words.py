"""What the page says where there is little or nothing to say: no score, one row, no value, too many notes."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import modality_fakes
import release_fakes as fakes

from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger, Step
from outcomes.release import first_page
from outcomes.release import quarter_section as quarter_section_module
from outcomes.release import words as words_module
from outcomes.release.attendance_section import _draw as _draw_attendance
from outcomes.release.attendance_section import attendance_section
from outcomes.release.drawing import style
from outcomes.release.indicator_words import say_indicator
from outcomes.release.label_places import SPOTS, place_labels
from outcomes.release.look_into import find_to_look_into
from outcomes.release.marks import HIDDEN
from outcomes.release.missing_views import _say_gaps, missing_blocks
from outcomes.release.modality_section import is_any_compared, modality_section
from outcomes.release.model import Column, FigureView, Page, Section, Sentence, TableView, Text
from outcomes.release.page import _facts
from outcomes.release.quarter_section import quarter_section
from outcomes.release.render_html import name_part, render_html
from outcomes.release.return_words import say_factors
from outcomes.release.section_parts import drop_blank, has_cut_axis, is_blank, list_notes
from outcomes.release.sections import _quality
from outcomes.release.sentences import NBSP, agree, cell, format_percent, format_text, keep_together, say
from outcomes.release.svg import to_svg
from outcomes.release.tables import collect_tables, is_pain_never_rated, list_data_notes, list_ledger
from outcomes.release.tiles import make_tiles
from outcomes.release.treatment_section import _say_mix
from outcomes.release.use_views import say_order
from outcomes.release.views import DASH

pytestmark = pytest.mark.usefixtures("undrawn")


def pages(**changes):
    found = dataclasses.replace(fakes.inputs(), **changes)
    return found, collect_tables(found)


def ended(*reasons):
    """Episodes that ended so, one after the other."""
    episodes = fakes.episodes()
    labels = (*fakes.END_REASONS, "stopped_unrated")
    episodes.labels = {**episodes.labels, "end_reason": labels}
    codes = np.array([labels.index(reason) for reason in reasons], np.int8)
    episodes.columns["end_reason"] = np.resize(codes, episodes.n)
    return episodes


@pytest.mark.parametrize(
    ("reasons", "never"),
    [
        (("stopped_unrated",), True),
        (("stopped_unrated", "open_at_data_cut", "discharged"), True),
        (("stopped_unrated", "silent_stop"), False),
        (("stopped_unrated", "stopped_relieved"), False),
        (("discharged",), False),
    ],
)
def test_nobody_stopped_unrelieved_is_not_said_of_who_was_never_rated(reasons, never):
    inputs, tables = pages(episodes=ended(*reasons))
    assert is_pain_never_rated(inputs.episodes) == never
    overall = [s for s in first_page._overall_sentences(inputs, tables) if s is not None]
    said = [s for s in overall if "stopped" in s.text]
    assert [s.tag for s in said] == (["not estimable"] if never else ["descriptive"])
    assert any("cannot be told" in s.text for s in first_page.list_limits(inputs, tables)) == never
    attendance = attendance_section(inputs, tables)
    assert ("pain score before treatment on record" in attendance.lead[0].text) == never
    if never:
        assert not any(isinstance(block, FigureView) for block in attendance.blocks)


def test_no_score_at_all_is_said_in_words():
    found = fakes.completeness()
    table = found.table.copy()
    table.loc[table["field"] == "pain_pre", ["recorded", "estimate"]] = (0, 0.0)
    _, tables = pages(completeness=dataclasses.replace(found, table=table))
    where = cell("completeness", "estimate", "percent", field="pain_pre")
    said = first_page._say_pain(tables, "visits", where)
    assert said.text == first_page.NO_PAIN_AT_ALL and said.tag == "not estimable"


def factors(*shares):
    labels = ("0", "1-2", "3 or more")
    rows = {
        "factor": "previous_episodes",
        "level": labels,
        "level_label": labels,
        "estimate": [share / 100 for share in shares],
    }
    return {"return_factors": pd.DataFrame(rows)}


@pytest.mark.parametrize(("shares", "explained"), [((26, 19, 33), False), ((19, 26, 33), True), ((33, 26, 19), False)])
def test_every_level_of_earlier_episodes_is_named(shares, explained):
    said = say_factors(fakes.protocol(), factors(*shares))[0].text
    assert all(
        f"{share}{NBSP}% ({label})" in said for share, label in zip(shares, ("0", "1-2", "3 or more"), strict=True)
    )
    assert ("also knows the way" in said) == explained


@pytest.mark.parametrize(
    ("before", "head"),
    [
        (0, "24,118 visits, 3,600 episodes"),
        (1, "24,117 visits in 3,600 episodes, and 1 maintenance visit before a first one"),
        (150, "23,968 visits in 3,600 episodes, and 150 maintenance visits before a first one"),
    ],
)
def test_visits_of_no_episode_are_counted_by_themselves(before, head):
    episodes = fakes.episodes()
    reason = {"maintenance visit before a first episode": before}
    step = Step("episodes", "visits", 24_118, 24_118 - before, not_data=reason)
    episodes.ledger = episodes.ledger.with_step(step)
    inputs, tables = pages(episodes=episodes)
    n = f"{len(episodes.columns['n_visits']):,}"
    assert head.replace("3,600", n) in _facts(inputs, tables)[-1]


@pytest.mark.parametrize(
    ("not_data", "said"),
    [
        ({"header": 1}, "1 is no visit (the header line)."),
        ({"header": 1, "blank line": 3}, "4 are no visits (the header line, blank lines)."),
        ({"header": 2}, "2 are no visits (header lines)."),
        ({}, "0 are no visits."),
    ],
)
def test_what_is_no_visit_is_named(not_data, said):
    episodes = fakes.episodes()
    n = 8 + sum(not_data.values())
    episodes.ledger = Ledger((Step("read", "rows", n, 8, not_data=not_data, source="eight.csv"),))
    inputs, tables = pages(episodes=episodes)
    assert said in _quality(inputs, tables).lead[0].text


def test_one_row_is_no_rows_and_all_of_one_rule_is_no_most_often():
    episodes = fakes.episodes()
    episodes.ledger = Ledger((Step("validate", "records", 100, 99, set_aside={"E232": 1}),))
    said = " ".join(s.text for s in find_to_look_into(*pages(episodes=episodes)))
    assert "1 row was set aside because pain is outside the declared scale." in said and "most often" not in said


def test_agree_goes_by_what_is_shown():
    tables = {"run": pd.DataFrame({"fact": ["one", "many", "few"], "value": [1, 2, "<5"]})}
    words = [
        agree(tables, cell("run", "value", "count", fact=f), "row", "rows") for f in ("one", "many", "few", "none")
    ]
    assert words == ["row", "rows", "rows", "rows"]


@pytest.mark.parametrize(("n", "n_open", "line"), [(12, 2, "10 more of these"), (4, 2, "2 more of these"), (3, 3, "")])
def test_notes_past_the_first_lie_folded_and_none_is_lost(n, n_open, line, drawn_page):
    result = SimpleNamespace(notes=tuple(f"Note {i}." for i in range(n)))
    (notes,) = list_notes(result, result)
    assert [s.text for s in notes.sentences] == list(result.notes) and not notes.folded
    section = dataclasses.replace(drawn_page.sections[0], blocks=(notes,))
    html = render_html(dataclasses.replace(drawn_page, sections=(section,)))
    shown = html.split('<div class="notes">', 1)[1].split("</div>", 1)[0]
    opened, *lying = re.split('<details class="rest">', shown)
    assert opened.count("<li>") == n_open and shown.count("<li>") == n
    assert ([re.search("<summary>(.*?)</summary>", part)[1] for part in lying] or [""]) == [line]
    assert list_notes(SimpleNamespace(notes=())) == ()


@pytest.mark.parametrize(("n", "n_folded"), [(1, 0), (2, 2), (9, 9)])
def test_refused_questions_lie_folded_where_they_are_more_than_what_every_reader_must_know(n, n_folded, drawn_page):
    known = [say("Too early.", "not estimable"), say("Whether pain came back."), say("Which treatment works better.")]
    refused = [say(f"Question {i} is refused.", "not estimable") for i in range(n)]
    section = dataclasses.replace(drawn_page.sections[0], lead=tuple(refused), blocks=())
    page = dataclasses.replace(drawn_page, cannot_say=(known[0], *refused, *known[1:]), sections=(section,))
    assert page.refused() == tuple(refused)[:n_folded]
    listed = render_html(page).split('id="cannot"', 1)[1].split("</section>", 1)[0]
    first, *rest = listed.split("<details", 1)
    assert all(sentence.text in first for sentence in known)
    assert sum(f"{sentence.text}" in "".join(rest) for sentence in refused) == n_folded
    assert listed.count("<li>") == n + 3
    assert dataclasses.replace(page, sections=()).refused() == ()  # what is said nowhere else stands open


def test_only_the_last_of_descriptive_sentences_is_marked_and_every_other_kind_each_time(drawn_page):
    said = (say("One."), say("Two."), say("Three.", "not estimable"), say("Four.", "not estimable"), say("Five."))
    section = dataclasses.replace(drawn_page.sections[0], lead=said, blocks=())
    html = render_html(dataclasses.replace(drawn_page, sections=(section,), look_into=said, cannot_say=said))
    marks = [re.search('"mark">(.*?)<', text) for text in re.findall('<p class="lead">(.*?)</p>', html)]
    assert [mark and mark[1] for mark in marks] == [
        *(None, "descriptive", "not estimable", "not estimable", "descriptive")
    ]
    # In a list each stands for itself: what is descriptive goes without saying, and the definitions say so.
    points = html.split('id="look"', 1)[1].split("</section>", 1)[0]
    assert points.count("<li>") == 5 and re.findall('"mark">(.*?)<', points) == ["not estimable"] * 2


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("47 to 62 %", "47 to 62 %"),
        ("(−1 to +21)", "(−1 to +21)"),
        ("day 25 to 30", "day 25 to 30"),
        ("Q2 2026 to Q3 2026, up to 5", "Q2 2026 to Q3 2026, up to 5"),
    ],
)
def test_the_ends_of_an_interval_stay_on_one_line(text, kept):
    assert keep_together(text) == kept


def view(*rows, heads=("Episodes", "Share")):
    columns = (Column("End", row_header=True), *(Column(head, numeric=True) for head in heads))
    return TableView("ends", "How episodes ended", columns, rows, csv="episode_ends")


@pytest.mark.parametrize(
    ("row", "blank"),
    [
        (("29", DASH), True),
        (("<5", "hidden"), True),
        (("29", "too early"), True),
        (("29", "not estimable (too few)"), True),
        (("29", "<5 / hidden"), True),
        (("29", "0"), False),
        (("29", f"3{NBSP}%"), False),
    ],
)
def test_a_table_without_a_value_is_one_sentence(row, blank):
    table = view(("Discharged", *row))
    assert is_blank(table) == blank
    section = drop_blank(Section("x", "X", (), (table,)))
    left = [block for block in section.blocks if isinstance(block, Text)]
    assert bool(left) == blank
    if blank:
        assert (
            section.blocks == tuple(left)
            and "how episodes ended (tables/episode_ends.csv)" in left[0].sentences[0].text
        )


def test_a_table_without_rows_is_left_alone():
    assert not is_blank(view())


def without(result, keep):
    """The comparison with a number only for the contrasts in `keep`, and a reason for the others."""
    table = result.table.copy()
    gone = ~table["contrast"].isin(keep)
    table.loc[gone, ["estimate", "conf_low", "conf_high", "q_value"]] = np.nan
    table.loc[gone, "reason"] = "an arm is too small"
    summary = {**result.summary, "n_shown": len(keep), "least_q_value": np.nan}
    return dataclasses.replace(result, table=table, summary=summary)


def test_nothing_compared_has_no_picture_no_table_and_no_association():
    none = without(modality_fakes.one_family(), ())
    assert not is_any_compared(none) and not is_any_compared(None)
    inputs, tables = pages(one_family=none, all_families=none, identified_muscle=none, subgroups=none)
    section = modality_section(inputs, {**tables, "one_family": none.table})
    ids = {getattr(block, "id", "") for block in section.blocks}
    assert section.tag == "not estimable" and "figure-one-family" not in ids and "one_family" not in ids
    assert not any(s.tag == "adjusted association" for s in section.lead)


def test_indicators_without_a_quarter_have_no_empty_panel():
    review = fakes.quarter_review()
    chart = review.more["chart"]
    label = chart["label"].iloc[0]
    more = {**review.more, "chart": chart.assign(estimate=chart["estimate"].mask(chart["label"] == label))}
    section = quarter_section(*pages(quarter_review=dataclasses.replace(review, more=more)))
    said = [b for b in section.blocks if isinstance(b, Text) and b.title == "Indicators without a chart"]
    assert len(said) == 1 and f"{label[:1].lower()}{label[1:]}" in said[0].sentences[0].text


def test_no_fact_is_missing_most_often_where_none_is_missing():
    table = pd.DataFrame({"fact": ["a"], "label": ["A"], "by": ["all"], "group": ["all"], "estimate": [0.0]})
    said = _say_gaps(SimpleNamespace(summary={"most_missing": "a"}), {"missing": table})
    assert said.text == "None of the facts in this export is missing in any episode."


def test_percent_is_spelt_in_one_way():
    assert say("fewer than 10% or 20 %, -63%").text == f"fewer than 10{NBSP}% or 20 %, -63{NBSP}%"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("it jumped (C03 2024Q3): look", f"it jumped (C03 Q3{NBSP}2024): look"),
        ("no share is given: 2025Q3, 2026Q1.", f"no share is given: Q3{NBSP}2025, Q1{NBSP}2026."),
        ("visits_2025Q3.csv and 2025Q3.xlsx", "visits_2025Q3.csv and 2025Q3.xlsx"),
        ('breaks = ["2025Q3: new form"], --quarter 2025Q3', 'breaks = ["2025Q3: new form"], --quarter 2025Q3'),
    ],
)
def test_a_quarter_in_prose_is_spelt_in_one_way(given, said):
    assert say(given).text == said and format_text(given) == said


def mixed(*hidden):
    """The lead on the mix of treatments, with the shares of these families hidden in the newest quarter."""
    inputs = fakes.inputs()
    table = inputs.modality_use.table.copy()
    table["estimate"] = table["estimate"].astype(object)
    newest = table["quarter"] == max(table["quarter"])
    others = table["family"] != hidden[-1] if "all but" in hidden else table["family"].isin(hidden)
    table.loc[newest & others, "estimate"] = "hidden"
    return _say_mix(table, {"modality_use": table}, max(table["quarter"])).text


def test_hidden_families_may_be_the_ones_seen_most_often():
    assert "the families seen most often were" in mixed()
    one = mixed("thermal")
    assert "of the families whose share can be shown, those seen most often were" in one
    alone = mixed("all but", "education")
    assert "the only family whose share can be shown was" in alone and "most often were" not in alone
    for said in (one, alone):
        assert "Others cannot be shown, and may have been seen more often." in said


def test_a_file_or_column_keeps_its_letters():
    visits = fakes.visits()
    visits.notes = (
        "visits.csv: totals or footers",
        "visit_date: read day first",
        "pain: read as 0 to 10",
        "clinics stopped",
    )
    inputs = dataclasses.replace(fakes.inputs(), visits=visits)
    assert list_data_notes(inputs)[-4:] == (
        "visits.csv: totals or footers.",
        "visit_date: read day first.",
        "pain: read as 0 to 10.",
        "Clinics stopped.",
    )


@pytest.mark.parametrize(("codes", "said"), [(["C01", "Şişli", "Київ"], 0), (["C01", "本院"], 1)])
def test_signs_that_the_fonts_of_the_paper_report_lack_are_told(codes, said):
    page_inputs, tables = pages()
    section = _quality(page_inputs, {**tables, "clinics": pd.DataFrame({"unit": codes})})
    texts = [one.text for block in section.blocks if isinstance(block, Text) for one in block.sentences]
    assert sum("which stand there as boxes" in text for text in texts) == said
    assert not any("本" in text for text in texts)


def test_a_sign_without_a_shape_is_drawn_without_a_warning_that_names_it(recwarn):
    with style():
        figure = Figure()
        figure.text(0.5, 0.5, "本院")
        assert "本院" in to_svg(figure, "a")
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_an_account_of_episodes_with_a_small_count_shows_none_of_them():
    rows = Step("read", "rows", 100, 97, set_aside={"two heads": 3})
    people = Step("relieved", "episodes", 90, 40, set_aside={"not seen relieved": 50})
    few = Step("return at risk", "episodes", 40, 36, set_aside={"pain back before the landmark": 4})
    shown = list_ledger(Ledger((rows, people, few)), 5)
    assert shown["n"].tolist() == [100, 3, 97] + [HIDDEN] * 6
    assert list_ledger(Ledger((rows, people, few)), 4)["n"].tolist()[3:] == [90, 50, 40, 40, 4, 36]
    assert list_ledger(Ledger((rows, people)), 5)["n"].tolist() == [100, 3, 97, 90, 50, 40]


def test_the_page_says_of_full_dates_what_they_are():
    inputs = fakes.inputs()
    assert inputs.visits.has_calendar
    said = [note for note in list_data_notes(inputs) if "Not Safe Harbor: date elements present." in note]
    assert len(said) == 1
    without = fakes.visits()
    without.has_calendar = False
    assert not any("Safe Harbor" in note for note in list_data_notes(dataclasses.replace(inputs, visits=without)))


def test_further_files_are_named_without_the_first():
    assert name_part("quarter_review_chart_months", "quarter_review") == "chart months"
    assert name_part("relief_km_at_visit", "relief") == "km at visit"
    assert name_part("quarter_review_cusum", "quarter_review_expected") == "cusum"
    assert name_part("clinics", "clinics") == "clinics"


def test_names_of_points_stand_on_no_line_and_not_on_each_other():
    x = np.array([0.0, 300.0])
    lines = [(x, np.array([100.0, 100.0])), (x, np.array([140.0, 130.0]))]
    points = np.array([[80.0, 96.0], [84.0, 104.0], [290.0, 128.0]])
    spots = place_labels(points, ["P001", "P002", "P003"], lines, 300.0)
    assert set(spots) <= set(SPOTS) and len(spots) == 3
    for (px, py), (right, up, align) in zip(points, spots, strict=True):
        left = px + right - {"left": 0, "center": 9, "right": 18}[align]
        for across in (left, left + 17):
            for line in lines:
                assert abs(np.interp(across, *line) - (py + up)) >= 4.0
    assert spots[2][2] == "right"  # it would leave the chart


@pytest.mark.parametrize(
    ("path", "label", "said"),
    [
        ("relax", "Relax", "is relax and nothing else: 47"),
        ("relax+rehab", "Relax and rehab", "is relax and rehab, all on one day: 47"),
        ("relax > rehab", "Relax, then rehab", "is relax, then rehab: 47"),
        ("none", "None of the four stages recorded", "is none of the four: 47"),
    ],
)
def test_an_order_of_one_stage_is_named_as_one(path, label, said):
    orders = pd.DataFrame({"path": [path], "label": [label], "estimate": [0.47], "n": [641], "events": [301]})
    assert said in say_order({"modality_use_pathway": orders})[0].text


# -- what a page says where there is nothing, or one thing, to say -----------------------------------------------------


def test_nothing_that_stands_out_is_said_and_too_few_visits_are_no_nothing():
    full = fakes.completeness()
    table = full.table.assign(estimate=0.95, recorded=round(0.95 * 24_118))
    quiet = {
        "completeness": dataclasses.replace(full, table=table),
        "quarter_review": NotEstimable("No calendar."),
        "clinics": NotEstimable("One clinic."),
        "clinicians": NotEstimable("No clinicians."),
        "episodes": ended("discharged", "stopped_relieved"),
    }
    inputs, tables = pages(**quiet)
    inputs.visits.notes = ()
    nothing = {**tables, "set_aside": tables["set_aside"].iloc[:0], "unknown_terms": tables["unknown_terms"].iloc[:0]}
    (said,) = find_to_look_into(inputs, nothing)
    assert said.text == "Nothing in this run stands out in recording, rows set aside or attendance."
    hidden = {**nothing, "completeness": table.astype({"estimate": object}).assign(estimate=HIDDEN)}
    (said,) = find_to_look_into(inputs, hidden)
    assert said.text == "Too few visits to tell whether anything stands out." and said.tag == "not estimable"


def test_a_rare_term_that_is_not_spelt_out_is_none_to_correct():
    inputs, tables = pages()
    assert any("The term “theragun”" in s.text for s in find_to_look_into(inputs, tables))
    rare = pd.DataFrame([("cause", "(of <5 patients each)", 3, 8)], columns=["field", "term", "terms", "n"])
    assert not any("The term" in s.text for s in find_to_look_into(inputs, {**tables, "unknown_terms": rare}))


def test_silent_stops_that_are_few_are_nothing_to_look_into():
    inputs, tables = pages()
    ends = tables["episode_ends"]
    said = []
    for share in (0.2, 0.19):
        few = ends.assign(estimate=ends["estimate"].mask(ends["end_reason"] == "silent_stop", share))
        said.append([s.text for s in find_to_look_into(inputs, {**tables, "episode_ends": few}) if "silent" in s.text])
    assert len(said[0]) == 1 and said[0][0].startswith(f"20{NBSP}% of all episodes end") and said[1] == []


def test_hidden_volume_leaves_the_first_facts_without_it():
    inputs, tables = pages()
    assert any("episodes of care started" in fact for fact in _facts(inputs, tables))
    volume = tables["quarter_review_volume"].astype({"episodes_started": object}).assign(episodes_started=HIDDEN)
    assert not any("started" in fact for fact in _facts(inputs, {**tables, "quarter_review_volume": volume}))


def test_a_quarter_in_which_nothing_is_too_early_is_not_called_so():
    review = fakes.quarter_review()
    inputs, tables = pages()
    assert any("it is too early to tell" in s.text for s in first_page.list_limits(inputs, tables))
    old = {**tables, "quarter_review": review.table.assign(mature=True)}
    assert not any("too early" in s.text for s in first_page.list_limits(inputs, old))


def test_signals_that_are_no_news_are_said_to_be_none():
    inputs, tables = pages()
    verdicts = tables["quarter_review_verdicts"]
    name, quarter = verdicts.loc[verdicts["signal"] != "", ["indicator", "quarter"]].iloc[0]
    chart = tables["quarter_review_chart"].copy()
    for n_before, ends in ((0, False), (2, True)):
        quarters = sorted(q for q in set(chart["quarter"]) if q <= quarter)[-1 - n_before :]
        run = (chart["indicator"] == name) & chart["quarter"].isin(quarters)
        told = chart.assign(signal=np.where(run, "outside", ""), direction=np.where(run, 1, 0))
        said = first_page.summarise(inputs, {**tables, "quarter_review_chart": told})[0].text
        assert said.endswith(" The newest quarter judged adds nothing new to it.") == ends


def test_limits_that_small_numbers_hide_are_the_reason_where_nothing_can_be_judged():
    inputs, tables = pages()
    verdicts = tables["quarter_review_verdicts"].assign(signal="", status="hidden")
    said = first_page.summarise(inputs, {**tables, "quarter_review_verdicts": verdicts})[0]
    assert said.text == "Nothing can be called a change: where charts have limits, small numbers hide them."


def test_an_indicator_no_quarter_of_which_is_old_enough_has_no_sentence_and_no_number_on_its_tile():
    review = fakes.quarter_review()
    early = review.table["indicator"] == "returned_by_182"
    table = review.table.assign(mature=review.table["mature"] & ~early)
    inputs, tables = pages(quarter_review=dataclasses.replace(review, table=table))
    tile = next(tile for tile in make_tiles(inputs, tables) if tile.label.startswith("Returned"))
    assert (tile.state, tile.value, tile.reason) == ("immature", "", "No quarter can be judged yet.")
    of, did = "episodes still relieved", "returned"
    assert say_indicator(inputs, tables, "returned_by_182", of, did) is None
    assert say_indicator(*pages(), "returned_by_182", of, did) is not None


def test_a_tile_whose_interval_is_hidden_has_its_value_alone_and_one_with_a_hidden_number_none():
    inputs, tables = pages()
    table = tables["quarter_review"].astype(dict.fromkeys(("estimate", "conf_low", "conf_high", "n"), object))
    row = (table["indicator"] == "relieved_by_28") & (table["quarter"] == inputs.quarter)
    share = format_percent(float(table.loc[row, "estimate"].iloc[0]))
    bare = table.copy()
    bare.loc[row, ["conf_low", "conf_high"]] = HIDDEN
    tile = make_tiles(inputs, {**tables, "quarter_review": bare})[0]
    assert (tile.value, tile.interval, tile.basis, list(tile.cells)) == (share, "", "", ["value"])
    bare.loc[row, ["estimate", "n"]] = HIDDEN
    tile = make_tiles(inputs, {**tables, "quarter_review": bare})[0]
    assert (tile.state, tile.value) == ("hidden", "") and tile.reason.startswith(f"Too few in Q2{NBSP}2026")


def test_what_is_missing_matters_only_where_that_was_asked():
    inputs, tables = pages()
    asked = [block.title for block in missing_blocks(inputs, tables) if hasattr(block, "title")]
    silent = SimpleNamespace(answer=lambda name: None, refusal=lambda name: "")
    assert "Does it matter how gaps are taken?" in asked and missing_blocks(silent, tables) == ()


def test_a_picture_of_attendance_needs_a_share_that_came_again():
    inputs, tables = pages()
    attendance = inputs.attendance
    assert _draw_attendance(attendance, tables)[0].id == "figure-drop-off"
    left = attendance.more["left"]
    hidden = left.assign(estimate=left["estimate"].where(left["reason"] != "came"))
    none = dataclasses.replace(attendance, more={**attendance.more, "left": hidden})
    assert _draw_attendance(none, tables) == ()


def test_an_indicator_stays_in_its_table_where_any_quarter_has_a_value(monkeypatch):
    rows = (("a", "5", "too early"), ("b", "too early", "5"), ("c", "", HIDDEN))
    plain = TableView("id", "caption", (Column("Indicator"), Column("2024Q1"), Column("2024Q2")), rows)
    monkeypatch.setattr(quarter_section_module.views, "pivot_table", lambda *_: plain)
    tables = {quarter_section_module.NAME: pd.DataFrame({"quarter": ["2024Q1", "2024Q2"]})}
    [found] = quarter_section_module._indicator_table(tables)
    assert [row[0] for row in found.rows] == ["a", "b"]


@pytest.mark.parametrize(("n", "n_below", "n_found"), [(5, 2, 2), (5, 1, 0), (4, 2, 0), (6, 6, 6)])
def test_what_stands_in_a_section_is_folded_away_from_a_long_list_only(n, n_below, n_found):
    cannot = [Sentence(f"No {i}.", {}, f"No {i}.", tag="not estimable") for i in range(n)]
    section = SimpleNamespace(sentences=lambda: cannot[:n_below])
    page = SimpleNamespace(sections=(section,), cannot_say=cannot)
    assert len(Page.refused(page)) == n_found


def test_alternatives_are_joined_by_or_and_one_stands_alone():
    assert [words_module._or(items) for items in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a; or b", "a; b; or c"]


@pytest.mark.parametrize(("low", "unit", "is_cut"), [(0, "%", False), (20, "%", True), (20, "", False)])
def test_an_axis_of_shares_that_does_not_start_at_0_is_cut(low, unit, is_cut):
    figure = Figure()
    ax = figure.subplots()
    ax.set_ylim(low, 60)
    ax.set_xlim(0, 1)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0f}{unit}")
    assert has_cut_axis(figure) == is_cut
