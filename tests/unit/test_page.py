"""The page model and its two renderings, from invented results."""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes
from undrawn import leave_undrawn

from outcomes.errors import NotEstimable
from outcomes.ledger import Ledger, Step
from outcomes.release import svg, treatment_section
from outcomes.release.disclosure import HIDDEN, protect_result
from outcomes.release.first_page import summarise
from outcomes.release.inputs import QUESTIONS, ReportInputs
from outcomes.release.model import FigureView, Part, TableView, Text
from outcomes.release.page import build_page
from outcomes.release.render_html import render_html
from outcomes.release.render_pdf import TEMPLATE, render_pdf
from outcomes.release.return_section import return_section
from outcomes.release.sentences import FORMATS, INTERVAL, bind, cell, format_percent, format_points, keep_together, say
from outcomes.release.table_disclosure import protect_parts, protect_table
from outcomes.release.tables import (
    account,
    collect_tables,
    count_ends,
    count_visit_bands,
    guard,
    list_unknown_terms,
    say_why_no_ends,
    to_csv,
)
from outcomes.release.trigger_figure import NO_RIBBONS
from outcomes.release.unstable import COLUMN, KINDS, NOT_JUDGED
from outcomes.release.views import shown_interval, unknown_table
from outcomes.release.words import quarter_words

SVG_NAMESPACE = "http://www.w3.org/2000/svg"


@pytest.fixture
def drawn():
    """Asked for by a test that looks at the pictures of a page it builds itself."""


@pytest.fixture(autouse=True)
def _pictures_are_not_drawn_again(request, monkeypatch):
    """A page takes seconds to draw: tests that build one to read its words get empty pictures."""
    if "drawn" in request.fixturenames:
        return

    leave_undrawn(monkeypatch)


@pytest.fixture(scope="module")
def tables():
    return collect_tables(whole())


@functools.cache
def invented():
    """The invented results: never to be changed, only taken parts of."""
    return fakes.inputs()


@functools.cache
def whole():
    """The invented results with small numbers hidden: never to be changed, only taken parts of."""
    return invented().protected()


def with_others(**others):
    """The invented results with some of them, or the visits or episodes, others: only those are protected anew."""
    hidden = {name: protect_result(found, 5) for name, found in others.items()
              if name in QUESTIONS and not isinstance(found, NotEstimable)}  # fmt: skip
    return dataclasses.replace(whole(), **others | hidden)


def page_with(**others):
    found = with_others(**others)
    return build_page(found, collect_tables(found))


@pytest.fixture(scope="module")
def page(drawn_page):
    return drawn_page


@pytest.fixture(scope="module")
def html(page):
    return render_html(page)


class Outline(HTMLParser):
    """Tags with attributes, in order."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def named(self, *names):
        return [(tag, attrs) for tag, attrs in self.tags if tag in names]


# -- sentences ---------------------------------------------------------------------------------------------------------


def read_cell(files, where):
    """Look a cell up in the published CSV text, with nothing of the package but the format."""
    rows = [row for row in csv.DictReader(io.StringIO(files[where.table])) if
            all(row[column] == str(value) for column, value in where.where)]  # fmt: skip
    assert len(rows) == 1, where
    text = rows[0][where.column]
    return FORMATS[where.show](text if where.show == "text" else float(text))


def test_every_sentence_can_be_made_again_from_the_published_csv_files(page, tables):
    files = {name: to_csv(table) for name, table in tables.items()}
    n_numbers = 0
    for sentence in page.sentences():
        shown = {name: read_cell(files, where) for name, where in sentence.cells.items()}
        assert sentence.template.format(**shown) == sentence.text
        n_numbers += len(shown)
    for tile in page.tiles:
        for where in tile.cells.values():
            written = f"{tile.value} {tile.interval} {tile.basis} {tile.reason}"
            assert read_cell(files, where) in written
            n_numbers += 1
    assert n_numbers > 40


def test_a_changed_cell_changes_the_sentence(tables):
    changed = dict(tables)
    volume = tables["quarter_review_volume"].copy()
    volume.loc[volume["quarter"] == fakes.CHOSEN, "episodes_started"] = 4_321.0
    changed["quarter_review_volume"] = volume
    verdicts = tables["quarter_review_verdicts"].copy()
    verdicts.loc[verdicts["indicator"] == "relieved_by_28", "brief"] = "7 quarters rising in a row"
    changed["quarter_review_verdicts"] = verdicts
    protected = whole()
    page = build_page(protected, changed)
    assert any(fact.startswith("4,321 episodes of care started") for fact in page.facts)
    said = page.summary[0]
    assert said.text.startswith("One indicator signals a change: relieved by day 28, 7 quarters rising in a row")
    assert said.text.endswith("(for the better).") and (said.tag, said.mark) == ("signal / no signal", "signal")
    both = verdicts.assign(signal=["shift"] * 2 + [""] * (len(verdicts) - 2), status="fixed")
    said = summarise(protected, {**changed, "quarter_review_verdicts": both})[0].text
    # Of several each in few words: what the charts say in full stands under "What to look into".
    newest = verdicts["quarter"].iloc[1]
    assert said == (
        f"These indicators signal a change: relieved by day 28, in Q{newest[-1]}\u00a0{newest[:4]} (for the better); "
        f"resolved by day 42, in Q{newest[-1]}\u00a0{newest[:4]}."
    )
    long = tables["quarter_review_chart"].copy()
    own = (long["indicator"] == "resolved_by_42") & (long["basis"] == "recorded") & (long["quarter"] <= newest)
    since = sorted(long.loc[own, "quarter"])[-2]
    long.loc[own & (long["quarter"] >= since), ["signal", "direction"]] = ["outside", 1]
    said = summarise(protected, {**changed, "quarter_review_verdicts": both, "quarter_review_chart": long})[0].text
    assert f"; resolved by day 42, since Q{since[-1]}\u00a0{since[:4]}." in said
    late = verdicts.assign(quarter="2025Q4")
    said = summarise(protected, {**changed, "quarter_review_verdicts": late})[0].text
    assert "relieved by day 28 in the fourth quarter of\u00a02025, 7 quarters" in said
    some = verdicts.assign(signal="", status=["fixed"] + ["none"] * (len(verdicts) - 1))
    said = summarise(protected, {**changed, "quarter_review_verdicts": some})[0].text
    assert "by what can be judged (relieved by day 28)" in said and "each lies inside" not in said
    calm = verdicts.assign(signal="")
    said = summarise(protected, {**changed, "quarter_review_verdicts": calm})[0]
    assert "No control chart signals a change" in said.text and said.tag == "signal / no signal"
    assert said.mark == "no signal" and ">no signal</span>" in render_html(
        build_page(protected, {**changed, "quarter_review_verdicts": calm})
    )
    chart = tables["quarter_review_chart"].copy()
    own = (chart["indicator"] == "relieved_by_28") & (chart["basis"] == "recorded")
    first = chart.loc[own, "quarter"].min()
    chart["signal"] = ""
    chart.loc[own & (chart["quarter"] == first), "signal"] = "outside"
    past = {**changed, "quarter_review_verdicts": calm, "quarter_review_chart": chart}
    said = summarise(protected, past)[0].text
    assert "up to" not in said and "in the newest quarter it can judge: each" in said
    now = calm.assign(quarter=verdicts["quarter"].max())
    said_now = summarise(protected, {**past, "quarter_review_verdicts": now})[0].text
    assert f"a change in the {quarter_words(verdicts['quarter'].max())}: each" in said_now
    assert said.endswith(f"Earlier quarters signalled: relieved by day 28, last in the {quarter_words(first)}.")
    none = {**past, "quarter_review_chart": chart.assign(signal="")}
    assert "Earlier" not in summarise(protected, none)[0].text
    early = verdicts.assign(signal="", status="none")
    said = summarise(protected, {**changed, "quarter_review_verdicts": early})[0]
    assert said.text.startswith("Nothing can be called a change yet") and said.tag == "not estimable"


def test_no_number_of_a_result_is_typed_into_a_summary_sentence(page):
    protocol = fakes.protocol()
    allowed = {"95", "28", "182", str(max(protocol.horizons_days.relief)), str(protocol.recurrence.landmark_days)}
    years = {quarter[:4] for quarter in fakes.QUARTERS}
    for sentence in page.summary:
        typed = set(re.findall(r"\d+", sentence.template))
        assert typed <= allowed | years, sentence.template


def test_a_hidden_or_missing_cell_gives_the_other_sentence():
    table = {"t": pd.DataFrame({"k": ["a", "b"], "estimate": [HIDDEN, np.nan]})}
    for key in "ab":
        cells = {"x": cell("t", "estimate", "percent", k=key)}
        assert bind(table, "It is {x}.", cells) is None
        assert bind(table, "It is {x}.", cells, "Too few.").text == "Too few."


def test_percent_rounds_half_up():
    assert [format_percent(v) for v in (0.125, 0.135, 0.0, 1.0)] == ["13\u00a0%", "14\u00a0%", "0\u00a0%", "100\u00a0%"]


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0"), (1e-17, "0"), (1e-6, "<1"), (0.0049, "<1"), (0.005, "1"), (0.0149, "1")]
)
def test_a_share_that_is_not_zero_is_never_written_as_zero(share, words):
    assert format_points(share) == words
    assert format_percent(share) == f"{words}\u00a0%"
    row = {"conf_low": share, "conf_high": 0.02}
    assert shown_interval(row) == f"{words} to 2\u00a0%"
    assert keep_together(f"0 to {words} %") == f"0\u00a0to\u00a0{words}\u00a0%"


# -- what the page says ------------------------------------------------------------------------------------------------


def test_first_screen_has_about_five_sentences_and_a_tile_for_each_indicator(page):
    assert 4 <= len(page.summary) <= 6
    assert len(page.tiles) == len(fakes.INDICATORS)
    assert page.look_into and page.cannot_say
    assert page.summary[-1].text.startswith("A pain score before treatment was recorded at ")
    assert "30\u00a0September\u00a02026" in " ".join(page.facts)


@pytest.mark.parametrize(
    ("n_look", "n_cannot", "is_uneven"), [(4, 4, False), (4, 8, False), (4, 9, True), (9, 4, True)]
)
def test_a_list_much_longer_than_the_one_beside_it_has_the_whole_width(page, n_look, n_cannot, is_uneven):
    """Beside a list of three the other column was empty for most of a screen."""
    listed = {"look_into": (say("A."),) * n_look, "cannot_say": (say("B."),) * n_cannot}
    found = re.findall('<div class="(pair[^"]*)">', render_html(dataclasses.replace(page, **listed)))
    assert found == ["pair uneven" if is_uneven else "pair"]


def test_a_sentence_of_an_indicator_says_that_its_episodes_began_in_the_quarter(page):
    """ "Still relieved 30 days after relief in the quarter" read as if the relief were of that quarter."""
    said = [sentence.text for sentence in page.summary if sentence.text.startswith("Of ")]
    assert len(said) == 3 and all(re.match(r"Of [\d,]+ episodes begun in the ", text) for text in said)
    assert any(re.search(r" and still relieved \d+ days after relief, ", text) for text in said)


def test_an_immature_indicator_has_no_value(page):
    early = [tile for tile in page.tiles if tile.state == "immature"]
    assert {tile.label for tile in early} >= {"Returned within 182 days of the landmark"}
    assert all(not tile.value and not tile.interval and tile.reason for tile in early)
    review = next(b for s in page.sections for b in s.blocks if isinstance(b, TableView) and b.id == "quarter_review")
    newest = [row[-1] for row in review.rows if row[0].startswith("Returned")]
    assert newest == ["too early"]


def test_every_sentence_has_one_of_the_fixed_tags(page):
    tags = {"descriptive", "adjusted association", "signal / no signal", "not estimable"}
    assert {sentence.tag for sentence in page.sentences()} <= tags
    assert {section.tag for section in page.sections} <= tags


@pytest.mark.parametrize("name", ["relief", "recurrence", "modality_use", "quarter_review", "completeness"])
def test_a_refused_question_leaves_its_reason(name):
    page = page_with(**{name: NotEstimable(f"No {name} in these records.")})
    section_texts = [s.text for section in page.sections for s in section.lead]
    assert f"No {name} in these records." in section_texts
    assert f"No {name} in these records." in [s.text for s in page.cannot_say]
    assert render_html(page)


def test_a_check_that_was_not_made_is_said_in_its_section_and_not_among_what_cannot_be_said():
    reason = "There is nothing to impute in these records."
    page = page_with(missing_covariates=NotEstimable(reason))
    quality = next(section for section in page.sections if section.id == "quality")
    assert reason in render_html(page) and reason in str(quality)
    assert reason not in [s.text for s in page.cannot_say]


def test_everything_refused_and_no_calendar_still_gives_a_page():
    reasons = {name: NotEstimable("Nothing to count.") for name in QUESTIONS}
    bare = ReportInputs(fakes.visits(False), fakes.episodes(False), **reasons)
    page = build_page(bare)
    assert page.title == "All visits on record" and not page.tiles
    assert "<h1>All visits on record</h1>" in render_html(page)
    assert render_pdf(page).startswith(b"%PDF")


def test_the_account_of_rows_adds_up():
    whole = account(fakes.episodes().ledger)
    assert whole["rows_in"] == 25_020
    assert whole["rows_in"] == whole["visits"] + whole["merged"] + whole["set_aside"] + whole["not_data"]


def tagged(sentences, tag="not estimable"):
    return " ".join(sentence.text for sentence in sentences if sentence.tag == tag)


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        ([2, 4, 4], "too early to tell; more than half of the episodes are still open"),
        # Of those whose follow-up is known a later episode is on record: they are no sample of the others.
        ([2, 2, 2, 2, 5], "cannot be told; the export has day numbers and does not say until which day"),
    ],
)
def test_how_episodes_end_is_not_said_while_most_are_open_or_their_follow_up_is_unknown(ends, why):
    episodes = fakes.episodes()
    codes = np.resize(np.array(ends, np.int8), episodes.n)
    episodes.columns["end_reason"] = codes
    page = page_with(episodes=episodes)
    for part in (page.summary, page.look_into, page.cannot_say):
        assert why in tagged(part)
    attendance = next(s for s in page.sections if s.id == "attendance")
    assert why in attendance.lead[0].text
    assert not any("silent stop" in s.text for s in page.look_into)


def test_an_episode_is_enough_and_none_is_no_division_by_zero():
    episodes = fakes.episodes()
    episodes.columns = {name: values[:0] for name, values in episodes.columns.items()}
    assert count_ends(episodes)["estimate"].isna().all() and count_visit_bands(episodes)["estimate"].isna().all()
    assert not say_why_no_ends(episodes)


@pytest.mark.parametrize(("share", "said"), [(0.0, "No pain score was read"), (0.4, "40\u00a0% of visits only")])
def test_missing_pain_scores_are_what_to_look_into(share, said):
    found = fakes.completeness()
    table = found.table.copy()
    table.loc[table["field"] == "pain_pre", ["recorded", "estimate"]] = (int(share * 24_118), share)
    page = page_with(completeness=dataclasses.replace(found, table=table))
    text = " ".join(s.text for s in page.look_into)
    assert said in text and "Nothing in this run" not in text


def test_how_pain_is_scored_is_said_unless_a_part_of_it_is_hidden(page):
    def say(page):
        quality = next(section for section in page.sections if section.id == "quality")
        return [s.text for s in quality.lead if "pain scores before treatment" in s.text]

    (said,) = say(page)
    assert said.startswith(
        "Of 20,741 pain scores before treatment 6\u00a0% are 0 and 1\u00a0% are 10, the ends of the scale; "
    )
    assert "20\u00a0% are 5 and 25\u00a0% are 4 or 6" in said and "2\u00a0% are no whole number" in said
    found = fakes.completeness()
    few = found.ratings.assign(events=[3, 4, 5, 2, 4], n=18)
    assert not say(page_with(completeness=dataclasses.replace(found, ratings=few)))


def test_the_remedy_of_a_rule_is_given_only_where_it_concerns_many_rows(page):
    said = next(s.text for s in page.look_into if "rows were set aside" in s.text)
    assert said.endswith("because pain is outside the declared scale. Correct it in the clinic system.")
    episodes = fakes.episodes()
    episodes.ledger = Ledger((Step("validate", "records", 100, 80, set_aside={"E232": 20}),))
    page = page_with(episodes=episodes)
    assert any('[pain] scale = "0-100" in the mapping.' in s.text for s in page.look_into)


def test_small_numbers_of_the_run_are_marks():
    episodes = fakes.episodes()
    episodes.columns = {name: values[:3] for name, values in episodes.columns.items()}
    visits = fakes.visits()
    visits.columns = {"day": visits.columns["day"], "patient": np.array([0, 1])}
    small = with_others(episodes=episodes, visits=visits)
    tables = collect_tables(small)
    run = tables["run"].set_index("fact")["value"]
    assert run["episodes"] == run["patients"] == run["inception_episodes"] == "<5" and run["visits"] == 24_118
    assert build_page(small, tables).facts[-1] == "3 clinics, 24,118 visits, <5 episodes, <5 patients"


def test_what_was_not_read_stands_in_the_data_quality_section():
    visits = fakes.visits()
    visits.notes = ("clinics that stopped recording: 1; their follow-up ends there",)
    page = page_with(visits=visits)
    quality = next(s for s in page.sections if s.id == "quality")
    texts = [block for block in quality.blocks if isinstance(block, Text)]
    words = [s.text for block in texts if block.title == "What else to know of the export" for s in block.sentences]
    assert words[1:] == [
        "Columns of the export that were not read: notes (visits.csv).",
        "Clinics that stopped recording: 1; their follow-up ends there.",
    ]


@pytest.mark.parametrize("name", ["relief", "return"])
def test_what_others_found_stands_apart_with_its_source_and_is_no_finding(page, name):
    section = next(section for section in page.sections if section.id == name)
    block = next(block for block in section.blocks if isinstance(block, Text) and block.title == "From elsewhere")
    (said,) = block.sentences
    assert said.text.startswith("Elsewhere, ") and said.text.endswith("beside these records and is no finding of them.")
    assert said.text.count("doi:10.") == 2 and not said.cells
    lead = " ".join(sentence.text for sentence in section.lead)
    assert "doi:" not in lead, "no published figure among the results"


# -- return ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def returns(page):
    return next(section for section in page.sections if section.id == "return")


def make_returns(**others):
    found = with_others(**others)
    return return_section(found, collect_tables(found))


def said_in(section):
    parts = [block for block in section.blocks if isinstance(block, Part)]
    return [sentence for part in parts for sentence in part.sentences]


def test_the_definitions_stand_right_beside_the_share_that_returned(returns):
    assert returns.lead[0].text.startswith("Of 1,640 episodes that were relieved")
    assert "with a gap of 30 days and" in returns.lead[1].text and "one of 180" in returns.lead[1].text
    assert returns.blocks[0].id == "figure-return-definitions"
    assert any(isinstance(b, TableView) and b.id == "recurrence_definitions" for b in returns.blocks)


def test_returns_are_told_in_words_that_claim_no_effect(page, html):
    words = " ".join(
        [*(s.text for s in page.sentences()), *re.findall(r"<figcaption>[^<]*|<p class=.note.>[^<]*", html)]
    )
    for claim in (r"risk falls", r"reduc", r"prevent", r"effective\b", r"each return raises", r"works better\b(?!:)"):
        assert not re.search(claim, words, re.IGNORECASE), claim
    assert "frequent returners leave" in words


def test_exercise_is_told_with_both_arms_its_interval_and_the_other_explanation(returns):
    part = next(b for b in returns.blocks if isinstance(b, Part) and "exercise" in b.title)
    (said,) = part.sentences
    assert "21\u00a0% of those with and 28\u00a0% of those without" in said.text
    assert "\u22125 points, 95\u00a0% interval \u221211 to +1" in said.text
    assert said.tag == "adjusted association" and said.text.count(".") == 1
    assert "motivation and distance are not recorded" in said.text


def test_a_refused_comparison_of_exercise_gives_its_reason():
    found = fakes.rehabilitation()
    table = found.table.copy()
    table.loc[0, ["estimate", "reason"]] = [np.nan, "an arm has fewer than 30 episodes"]
    section = make_returns(rehabilitation=dataclasses.replace(found, table=table))
    said = next(s for s in said_in(section) if "cannot be compared here" in s.text)
    assert said.text.endswith("an arm has fewer than 30 episodes.") and said.tag == "not estimable"


@pytest.mark.parametrize("name", ["triggers", "rehabilitation", "return_factors"])
def test_a_refused_part_of_return_leaves_its_reason_and_the_rest(name):
    section = make_returns(**{name: NotEstimable(f"No {name} in these records.")})
    assert sum(isinstance(block, Part) for block in section.blocks) == 4
    assert [s.text for s in said_in(section) if s.tag == "not estimable"] == [f"No {name} in these records."]


def test_triggers_without_the_share_by_chance_are_told_without_it():
    pairs = fakes.PAIRS.copy()
    pairs[:, 4] = [0, 0, 0, 0, 2, 1]  # a rare trigger of returns hides what chance alone would give
    section = make_returns(triggers=fakes.triggers(pairs))
    said = next(s.text for s in said_in(section) if "named the same again" in s.text)
    assert "independent of the first" not in said and "interval" in said


def test_a_picture_of_one_ribbon_is_a_sentence():
    pairs = np.zeros_like(fakes.PAIRS)
    pairs[0, 0] = pairs[-1, -1] = 60
    section = make_returns(triggers=fakes.triggers(pairs))
    assert not any(isinstance(b, FigureView) and b.id == "figure-triggers" for b in section.blocks)
    assert NO_RIBBONS in [s.text for s in said_in(section)]
    assert NO_RIBBONS not in [s.text for s in said_in(make_returns())]


def test_definitions_that_agree_are_not_said_to_move_the_figure():
    found = fakes.recurrence()
    section = make_returns(recurrence=dataclasses.replace(found, definitions=found.definitions.assign(estimate=0.26)))
    assert not any("moves the figure" in s.text for s in section.lead)


def test_hidden_cells_of_triggers_are_hidden_everywhere(tables, html):
    hidden = [row for row in tables["triggers"].to_dict("records") if isinstance(row["events"], str)]
    assert hidden and all(row["estimate"] == HIDDEN for row in hidden)
    shown = {row["trigger"] for row in tables["triggers_same"].to_dict("records") if not isinstance(row["events"], str)}
    assert shown.isdisjoint(row["trigger"] for row in hidden if row["trigger"] == row["return_trigger"])
    lines = to_csv(tables["triggers"]).splitlines()
    assert sum(",hidden,hidden," in line for line in lines) == len(hidden)


# -- use of treatments -------------------------------------------------------------------------------------------------


def make_treatments(**others):
    found = with_others(**others)
    return treatment_section.treatment_section(found, collect_tables(found))


def test_the_treatment_mix_has_its_pictures_in_order_and_shows_the_first_two(page):
    section = next(section for section in page.sections if section.id == "treatments")
    pictures = [(b.id, not b.folded) for b in section.blocks if isinstance(b, FigureView)]
    assert pictures == [
        ("figure-treatments", True), ("figure-pathway", True), ("figure-bundles", False), ("figure-pairs", False),
    ]  # fmt: skip
    said = " ".join(s.text for s in said_in(section))
    assert "The commonest set is" in said and "The commonest order of first recording is" in said
    assert "says nothing about relief days later" in said


@pytest.mark.parametrize(("n_unread", "is_said"), [(100, False), (101, True), (1000, True)])
def test_treatments_in_unknown_words_are_counted_beside_the_shares_they_make_small(n_unread, is_said):
    use = invented().modality_use
    summary = {**use.summary, "n_visits": 1000, "n_unknown_term": n_unread}
    lead = make_treatments(modality_use=dataclasses.replace(use, summary=summary)).lead
    words = f"At {n_unread:,} of 1,000 visits a treatment is in words that no table of the codebook has"
    assert [s.text.startswith(words) for s in lead] == ([False, True] if is_said else [False])


def test_a_visit_never_rated_twice_leaves_its_reason_and_the_rest():
    section = make_treatments(same_visit=NotEstimable("No second rating."))
    assert [s.text for s in said_in(section) if s.tag == "not estimable"] == ["No second rating."]
    assert any(isinstance(b, FigureView) and b.id == "figure-pathway" for b in section.blocks)


def test_sets_and_orders_that_cannot_be_shown_are_said_so():
    use = invented().modality_use
    empty = {name: getattr(use, name).iloc[:0] for name in ("bundles", "pathway", "co_use")}
    section = make_treatments(modality_use=dataclasses.replace(use, **empty))
    assert sum(s.tag == "not estimable" for s in said_in(section)) == 2
    assert [b.id for b in section.blocks if isinstance(b, FigureView)] == ["figure-treatments"]


# -- small numbers -----------------------------------------------------------------------------------------------------


def test_small_counts_boundary():
    counts = [0, 1, 4, 5, 96, 99, 100]
    table = pd.DataFrame({"n": [100] * 7, "events": counts, "estimate": np.array(counts) / 100, "conf_low": 0.1})
    out = protect_table(table, 5)
    assert out["events"].tolist() == [0, "<5", "<5", 5, HIDDEN, HIDDEN, 100]
    assert out["estimate"].tolist() == [0.0, HIDDEN, HIDDEN, 0.05, HIDDEN, HIDDEN, 1.0]
    assert out["n"].tolist() == [100] * 7
    small = protect_table(pd.DataFrame({"n": [3, 4, 5], "events": [0, 3, 5], "estimate": [0.0, 0.75, 1.0]}), 5)
    assert small["n"].tolist() == ["<5", "<5", 5]
    assert small["events"].tolist() == ["<5", "<5", 5]
    assert small["estimate"].tolist() == [HIDDEN, HIDDEN, 1.0]


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        ([50, 30, 20], [50, 30, 20]),
        ([80, 17, 3], [80, HIDDEN, "<5"]),  # 3 would be 100 - 80 - 17
        ([92, 5, 2, 1], [HIDDEN, HIDDEN, "<5", "<5"]),  # three hidden parts that make 8 would be 5, 2 and 1
        ([90, 6, 4, 0], [90, HIDDEN, "<5", 0]),
        ([93, 4, 3], [HIDDEN, "<5", "<5"]),
        ([96, 4], [HIDDEN, "<5"]),
    ],
)
def test_a_hidden_part_cannot_be_worked_out_from_the_rest(events, shown):
    table = pd.DataFrame({"n": 100, "events": events, "estimate": np.array(events) / 100})
    out = protect_parts(table, 5)
    assert out["events"].tolist() == shown
    assert [isinstance(v, str) for v in out["estimate"]] == [isinstance(v, str) for v in shown]


def test_protection_keeps_missing_values_missing_and_the_input_unchanged():
    table = pd.DataFrame({"n": [3.0, np.nan], "estimate": [np.nan, 0.5]})
    before = table.copy()
    out = protect_table(table, 5)
    assert out["n"].tolist()[0] == "<5" and np.isnan(out["estimate"].iloc[0])
    pd.testing.assert_frame_equal(table, before)


def test_a_small_result_is_hidden_on_the_page_and_in_the_csv():
    result = fakes.relief(n=7)
    result = dataclasses.replace(result, summary={"n": 3, "n_events": 2, "median_days": 4.0})
    protected = protect_result(result, 5)
    assert protected.summary["n"] == "<5" and protected.summary["n_events"] == "<5"
    small = with_others(relief=result, relief_grid=fakes.relief_grid(7))
    tables = collect_tables(small)
    hidden = tables["relief"].set_index("horizon_days").loc[28]
    assert hidden["events"] in ("<5", HIDDEN) and hidden["estimate"] == HIDDEN
    page = build_page(small, tables)
    relief = next(s for s in page.sections if s.id == "relief")
    assert "too few" in relief.lead[0].text
    assert not [block for block in relief.blocks if isinstance(block, FigureView) and "by day 28" in block.alt]


def test_a_curve_is_hidden_where_its_table_is():
    full = fakes.relief()
    table = full.table.copy()
    table.loc[table["horizon_days"] == 28, "events"] = 3
    out = protect_result(dataclasses.replace(full, table=table), 5)
    hidden = out.curve.loc[out.curve["estimate"].map(lambda v: v == HIDDEN), "day"]
    assert hidden.tolist() == list(range(15, 42))
    assert (out.curve.loc[out.curve["day"].isin(hidden), "conf_low"] == HIDDEN).all()


def test_a_value_without_limits_is_said_without_them():
    table = {"t": pd.DataFrame({"k": ["a"], "estimate": [0.0], "low": [np.nan], "high": [np.nan]})}
    cells = {name: cell("t", column, "percent", k="a") for name, column in
             (("value", "estimate"), ("low", "low"), ("high", "high"))}  # fmt: skip
    assert bind(table, f"It was {{value}} ({INTERVAL}).", cells).text == "It was 0\u00a0%."


def test_braces_in_a_label_are_only_text():
    use = invented().modality_use
    label = use.table["label"].replace("Manual soft-tissue work", "{0.__class__} {x}")
    page = page_with(modality_use=dataclasses.replace(use, table=use.table.assign(label=label)))
    assert any("{0.__class__} {x}" in sentence.text for sentence in page.sentences())


def test_rare_terms_are_counted_and_not_spelt_out(html, tables):
    assert "Mrs Example" not in html and "Mrs Example" not in to_csv(tables["unknown_terms"])
    assert "theragun" in html


def test_what_is_no_term_is_counted_and_not_spelt_out():
    note = "told me that the back is better since the new job began, and sleeps well"
    terms = (("cause", note, 12, 9), ("cause", "Anna Müller", 9, 7), ("cause", "gartening", 8, 6))
    table = list_unknown_terms(SimpleNamespace(unknown_terms=terms), 5)
    unsaid = "(too long for a term, or like an identifier)"
    assert table.to_numpy().tolist() == [["cause", "gartening", 1, 8], ["cause", unsaid, 2, 21]]
    assert [row[0] for row in unknown_table(table).rows] == ["gartening", f"2 terms {unsaid}"]


# -- HTML --------------------------------------------------------------------------------------------------------------


def test_no_script_and_nothing_from_outside(html):
    outline = Outline(html)
    assert not outline.named("script", "link", "iframe", "object", "embed", "img", "form", "base")
    assert set(re.findall(r"https?://[^\s\"'<)]+", html)) <= {SVG_NAMESPACE}
    assert "@import" not in html and not re.search(r"url\((?!#)", html)
    policy = next(a["content"] for _, a in outline.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'") and "script" not in policy
    assert not [a for _, attrs in outline.tags for a in attrs if a.startswith("on")]
    assert len(html.encode()) < 1_500_000


def test_structure_for_screen_readers(html):
    outline = Outline(html)
    levels = [int(tag[1]) for tag, _ in outline.named("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(attrs.get("scope") in ("col", "row") for _, attrs in outline.named("th"))
    assert len(outline.named("caption")) == len(outline.named("table"))
    assert all(len(attrs["aria-label"]) > 20 for _, attrs in outline.tags if attrs.get("role") == "img")
    assert all(attrs.get("aria-hidden") == "true" for _, attrs in outline.named("svg"))
    skip = next(attrs for tag, attrs in outline.tags if tag == "a")
    assert skip["href"] == "#main" and any(attrs.get("id") == "main" for _, attrs in outline.tags)
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    here = {attrs["href"][1:] for _, attrs in outline.tags if attrs.get("href", "").startswith("#")}
    assert here <= set(ids)


def test_text_of_an_export_is_never_markup(html):
    bad = '<img src=x onerror="alert(1)">'
    visits = fakes.visits()
    visits.unknown_terms = (("modalities", bad, 9, 7), ("cause", "{{7*7}}{% raw %}", 8, 6))
    text = render_html(page_with(visits=visits))
    assert bad not in text and "&lt;img src=x" in text
    assert [t for t, _ in Outline(text).tags].count("img") == 0
    assert "{{7*7}}" in text


@pytest.mark.slow  # a page is drawn twice: of a small practice the quick `test_identical_bytes` asks the same
def test_html_and_pdf_have_the_same_bytes_every_time(drawn, page, html, tables):
    # `page` was made from invented results of its own, and they were protected by themselves.
    again = build_page(whole(), tables)
    assert again == page
    assert render_html(again) == html
    assert render_pdf(again) == render_pdf(page)


def test_pdf_is_tagged_and_carries_no_date(page):
    document = render_pdf(page)
    assert document.startswith(b"%PDF-1.7")
    assert b"/MarkInfo" in document and b"/StructTreeRoot" in document
    assert b"/CreationDate" not in document and b"/JavaScript" not in document
    assert b"/URI" not in document


def read_pdf(page, folder):
    """The text of each page of the PDF."""
    program = shutil.which("pdftotext")
    if not program:
        pytest.skip("pdftotext (poppler-utils) is not installed: the PDF was not read")
    path = folder / "report.pdf"
    path.write_bytes(render_pdf(page))
    return subprocess.run([program, path, "-"], capture_output=True, check=True).stdout.decode().split("\f")[:-1]


@pytest.mark.parametrize("n", [0, 20])
def test_the_first_page_of_the_pdf_holds_the_first_screen_and_nothing_else(page, tmp_path, n):
    refused = tuple(say(f"Question {i} cannot be answered: these records are too few for it.", "not estimable")
                    for i in range(n))  # fmt: skip
    found = read_pdf(dataclasses.replace(page, cannot_say=(*page.cannot_say, *refused)), tmp_path)
    first, second = (" ".join(text.split()) for text in found[:2])
    section = page.sections[0].title
    assert section not in first and section in second[:300]
    for sentence in page.cannot_say:  # what every reader must know stays
        assert " ".join(sentence.text.split())[:60] in first or n
    assert ("they stand in their sections" in first) == bool(n)
    assert not n or ("Question 0 cannot" in first and "Question 19 cannot" not in first)


def test_no_page_of_the_pdf_but_the_last_is_half_empty_and_no_share_breaks_from_its_sign(page, tmp_path):
    found = read_pdf(page, tmp_path)
    assert not re.search(r"\d\s*\n\s*%", "\n".join(found))
    for text in found[1:-1]:
        assert len(text.split()) > 60 or "Share" in text


def test_a_long_report_is_set_closer_and_a_short_one_as_it_was(page, tmp_path, monkeypatch):
    def count(of, most):
        template = TEMPLATE.read_text(encoding="utf-8")
        # How full the last sheet is has a test of its own (test_page_on_paper.py).
        for name, asked, given in (("most-pages", 12, most), ("least-last", 0.35, 0)):
            assert template.count(f"#let {name} = {asked}\n") == 1
            template = template.replace(f"#let {name} = {asked}\n", f"#let {name} = {given}\n")
        (tmp_path / "report.typ").write_text(template, encoding="utf-8")
        monkeypatch.setattr("outcomes.release.render_pdf.TEMPLATE", tmp_path / "report.typ")
        return len(read_pdf(of, tmp_path))

    # Of a section with much text: where figures decide what goes on a sheet, less space between lines saves none.
    (section,) = (section for section in page.sections if section.id == "treatments")
    long = dataclasses.replace(page, sections=(section,) * 24)
    assert 12 < count(long, 12) == count(long, 1) < count(long, 1000) - 1
    assert count(page, 12) == count(page, 1000) <= 12


def test_both_schemes_know_every_colour_of_the_figures():
    css = (Path(svg.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    light, dark = css.split("@media screen and (prefers-color-scheme: dark)", 1)
    for variable in set(svg.PALETTE.values()):
        name = variable.removeprefix("var(").removesuffix(")")
        assert f"{name}:" in light and f"{name}:" in dark


# -- CSV ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", " =1", '"=1', "＝1", "a;=1", "a, @b"]
)
def test_a_spreadsheet_finds_no_formula(text):
    assert "'" in guard(text)


@pytest.mark.parametrize("text", ["-5", "+3.5", "1e-3", "word", "a-b", "2026-09-30", "5 = five"])
def test_numbers_and_words_are_left_alone(text):
    assert guard(text) == text


def test_csv_keeps_full_precision():
    table = pd.DataFrame({"estimate": [0.1 + 0.2, np.nan], "n": [3, 4], "mature": [True, False], "label": ["=x", "y"]})
    assert to_csv(table).splitlines() == ["estimate,n,mature,label", "0.30000000000000004,3,true,'=x", ",4,false,y"]


def test_the_level_of_the_protocol_stands_in_every_interval():
    episodes = fakes.episodes()
    episodes.protocol.inference.level = 0.8
    page = page_with(episodes=episodes)
    said = " ".join(str(sentence) for sentence in page.sentences())
    headings = {c.heading for s in page.sections for b in s.blocks if isinstance(b, TableView) for c in b.columns}
    captions = " ".join(b.caption for s in page.sections for b in s.blocks if isinstance(b, FigureView))
    assert "80\u00a0% interval" in said and "80\u00a0% interval" in headings and "80\u00a0% interval" in captions
    assert "95" + "\u00a0% interval" not in said + " ".join(headings) + captions


def test_what_a_picture_says_as_well_lies_folded_and_how_definitions_move_a_share_does_not(page, html):
    blocks = [b for section in page.sections for b in section.blocks if isinstance(b, TableView | FigureView)]
    folded = [block.id for block in blocks if block.folded]
    assert {"recurrence_mean_returns", "relief_ends"} <= set(folded)
    assert not {"figure-return-definitions", "relief_definitions"} & set(folded)
    lying = "".join(re.findall(r'<details class="more">(.*?)</details>', html, re.DOTALL))
    assert len(re.findall(r'class="(?:figure|table)[ "]', lying)) == len(folded)
    assert all(f't-{name}"' in lying or f'id="{name}"' in lying for name in folded)
    assert html.count('<details class="more"') == sum(
        is_folded for section in page.sections for is_folded, _ in section.runs()
    )


def test_every_published_table_with_intervals_is_judged_or_left_out_by_name(tables):
    with_limits = {name for name, table in tables.items() if {"estimate", "conf_low"} <= set(table.columns)}
    assert with_limits - set(KINDS) - NOT_JUDGED == set()
    assert {name for name, table in tables.items() if COLUMN in table} == with_limits & set(KINDS)
