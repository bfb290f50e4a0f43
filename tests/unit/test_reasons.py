"""The reason a page gives where it has no number: no score, too few, too early, one rating."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes

from outcomes.questions import quarter_verdicts
from outcomes.release import first_page
from outcomes.release.attendance_section import attendance_section
from outcomes.release.curve_axes import BAND, BOUNDS
from outcomes.release.marks import HIDDEN
from outcomes.release.model import TableView
from outcomes.release.quarter_section import quarter_section
from outcomes.release.relief_section import relief_section, say_relief
from outcomes.release.relief_views import if_stopped_table
from outcomes.release.section_parts import other_definitions
from outcomes.release.sentences import format_percent
from outcomes.release.tables import collect_tables
from outcomes.release.tiles import make_tiles
from outcomes.release.views import DASH

RESTS_ON_PAIN = [name for name in fakes.INDICATORS if name != "pain_recorded"]


pytestmark = pytest.mark.usefixtures("undrawn")


def pages(review, **others):
    found = dataclasses.replace(fakes.inputs(), quarter_review=review, **others)
    return found, collect_tables(found)


def blanked(names, quarters=fakes.QUARTERS, verdict="", brief=""):
    """The invented review without a value of some indicators in some quarters, and with a verdict that says why."""
    review = fakes.quarter_review()
    more = dict(review.more)
    for name in ("chart", "table"):
        table = review.table if name == "table" else more["chart"]
        gone = table["indicator"].isin(names) & table["quarter"].isin(quarters)
        columns = [one for one in ("estimate", "conf_low", "conf_high") if one in table]
        table = table.assign(**{one: table[one].mask(gone) for one in columns})
        more[name] = table
    said = more["verdicts"].copy()
    rows = said["indicator"].isin(names)
    if verdict:
        said.loc[rows, ["quarter", "signal", "word", "status", "brief", "verdict"]] = [
            *("", "", "", "none", ""),
            verdict,
        ]
    return dataclasses.replace(review, table=more.pop("table"), more={**more, "verdicts": said})


def label_of(name):
    table = fakes.quarter_review().table
    return str(table.loc[table["indicator"] == name, "label"].iloc[0])


# -- no score on record ------------------------------------------------------------------------------------------------


def test_without_a_score_no_part_of_the_first_screen_says_too_few_or_too_early():
    inputs, tables = pages(blanked(RESTS_ON_PAIN, verdict=quarter_verdicts.NO_PAIN))
    said = [s.text for s in first_page.summarise(inputs, tables)]
    assert said[-1] == first_page.NO_PAIN_AT_ALL and not any("too few" in text for text in said)
    assert not any("too early" in s.text for s in first_page.list_limits(inputs, tables))
    tiles = {tile.label: tile for tile in make_tiles(inputs, tables)}
    for name in RESTS_ON_PAIN:
        tile = tiles[label_of(name)]
        assert (tile.state, tile.reason) == ("absent", "No pain score before treatment is on record.")
    assert tiles[label_of("pain_recorded")].state == "shown"
    section = quarter_section(inputs, tables)
    left_out = next(block for block in section.blocks if getattr(block, "title", "") == "Indicators without a chart")
    assert left_out.sentences[0].text.startswith(
        "No quarter can be shown, for no pain score before treatment is on record: "
    )


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (
            quarter_verdicts.NO_PAIN,
            "Nothing can be called a change: no pain score before treatment is on record, and all but",
        ),
        (quarter_verdicts.TOO_FEW, "Nothing can be called a change yet: too few quarters are on record"),
        (quarter_verdicts.TOO_SMALL, "Nothing can be called a change yet: the quarters have too few episodes"),
    ],
)
def test_why_nothing_is_called_a_change(verdict, said):
    inputs, tables = pages(blanked(list(fakes.INDICATORS), verdict=verdict))
    assert first_page.summarise(inputs, tables)[0].text.startswith(said)


# -- too few, and the line of earlier quarters -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        (fakes.QUARTERS[-2:], "; the line shows earlier quarters."),
        (fakes.QUARTERS, "Too few were left to watch by then in Q2\u00a02026."),
        (fakes.QUARTERS[1:], "Too few were left to watch by then in Q2\u00a02026."),
    ],
)
def test_a_line_of_earlier_quarters_is_spoken_of_only_where_it_is_drawn(gone, said):
    tiles = make_tiles(*pages(blanked(["relieved_by_28"], gone)))
    tile = next(tile for tile in tiles if tile.label == label_of("relieved_by_28"))
    assert tile.state == "few" and tile.reason.endswith(said)
    assert bool(tile.spark) == ("line" in tile.reason)


def test_a_quarter_old_enough_but_too_small_is_not_called_one_that_can_be_judged():
    name = "returned_by_182"
    inputs, tables = pages(blanked([name], verdict=quarter_verdicts.TOO_SMALL))
    tile = next(tile for tile in make_tiles(inputs, tables) if tile.label == label_of(name))
    assert tile.state == "immature" and "can be judged" not in tile.reason and "old enough" in tile.reason
    # "Too early" stands above it: of which quarter that is said, and of which too few, stands in one sentence.
    assert tile.reason.startswith("Q2\u00a02026 is too recent; ") and "too few episodes" in tile.reason
    said = next(s.text for s in first_page.summarise(inputs, tables) if "returned within" in s.text)
    assert "(the newest old enough)" in said and "can be judged" not in said


@pytest.mark.parametrize(
    ("n", "estimate", "state", "reason", "said"),
    [
        (12, float("nan"), "few", "Fewer than 30 in Q2", "has too few for a share of its own"),
        (80, float("nan"), "few", "Too few were left to watch by then in Q2", "for too few were left"),
        (80, HIDDEN, "hidden", "Too few in Q2", "has too few for a share of its own"),
    ],
)
def test_few_episodes_few_seen_that_long_and_a_small_number_are_three_reasons(n, estimate, state, reason, said):
    review = blanked(["relieved_by_28"])
    own = review.table["indicator"] == "relieved_by_28"
    values = review.table["estimate"].astype(object).mask(own, estimate)
    review = dataclasses.replace(review, table=review.table.assign(n=n, estimate=values))
    inputs, tables = pages(review)
    tile = next(tile for tile in make_tiles(inputs, tables) if tile.label == label_of("relieved_by_28"))
    assert tile.state == state and tile.reason.startswith(reason)
    assert any("by day 28" in s.text and said in s.text for s in first_page.summarise(inputs, tables))


def test_a_table_of_steps_without_a_row_is_not_shown():
    inputs, tables = pages(fakes.quarter_review())
    ids = [block.id for block in attendance_section(inputs, tables).blocks if isinstance(block, TableView)]
    none = {**tables, "attendance": tables["attendance"].iloc[:0]}
    left = [block.id for block in attendance_section(inputs, none).blocks if isinstance(block, TableView)]
    assert "attendance" in ids and left == [one for one in ids if one != "attendance"]


@pytest.mark.parametrize(
    ("n", "estimate", "reason"),
    [
        (12, float("nan"), "had too few episodes to show"),
        (80, float("nan"), "had too few episodes left to watch by then"),
        (80, HIDDEN, "has a number too small to show"),
    ],
)
def test_a_small_number_of_a_quarter_with_many_episodes_is_not_put_down_to_few_episodes(n, estimate, reason):
    name = "returned_by_182"
    review = blanked([name])
    own = review.table["indicator"] == name
    values = review.table["estimate"].astype(object).mask(own, estimate)
    tiles = make_tiles(*pages(dataclasses.replace(review, table=review.table.assign(n=n, estimate=values))))
    tile = next(tile for tile in tiles if tile.label == label_of(name))
    assert tile.state == "immature" and f"old enough, {reason}" in tile.reason


def test_what_is_known_of_attendance_is_said_though_few_came_once_only():
    inputs, tables = pages(fakes.quarter_review())
    bands = tables["visits_per_episode"].astype({"estimate": object})
    bands.loc[bands["visits"] == "1", "estimate"] = HIDDEN
    silent = tables["episode_ends"].set_index("end_reason")["estimate"]["silent_stop"]
    lead = attendance_section(inputs, {**tables, "visits_per_episode": bands}).lead[0]
    assert lead.text.startswith(f"{format_percent(silent)} of episodes end in a silent stop: not relieved")
    assert lead.tag == "descriptive" and "single visit" not in lead.text
    ends = tables["episode_ends"].astype({"estimate": object}).assign(estimate=HIDDEN)
    lead = attendance_section(inputs, {**tables, "visits_per_episode": bands, "episode_ends": ends}).lead[0]
    assert lead.tag == "not estimable" and "too small to show" in lead.text and "episodes to be" not in lead.text


def test_episodes_of_a_single_visit_are_told_with_their_count():
    inputs, tables = pages(fakes.quarter_review())
    bands = tables["visits_per_episode"].astype({"n": object, "events": object, "estimate": object})
    bands.loc[bands["visits"] == "1", ["n", "events", "estimate"]] = [12877, 55, 55 / 12877]
    lead = attendance_section(inputs, {**tables, "visits_per_episode": bands}).lead[0]
    assert lead.text.startswith(f"55 of 12,877 episodes ({format_percent(0.004)}) are a single visit, and ")


def test_where_a_quarter_has_too_few_the_first_screen_says_the_share_over_all_quarters():
    """Of a practice of two rooms every quarter has: without it the owner's first screen holds no number."""
    inputs, tables = pages(blanked(["relieved_by_28", "returned_by_182"]))
    said = [s for s in first_page.summarise(inputs, tables) if s.text.startswith("Over all quarters, an estimated ")]
    assert len(said) == 2
    assert "episodes still relieved 30 days after relief returned within 182 days" in said[1].text
    for sentence, table, days in zip(said, ("relief", "recurrence"), (28, 182), strict=True):
        row = tables[table][tables[table]["horizon_days"] == days].iloc[0]
        assert f"{format_percent(row['estimate'])} of {row['n']:,} episodes" in sentence.text
        assert " episodes and " not in sentence.text  # the clause follows "in the quarter" where there is one
        assert "a share of its own" in sentence.text or "no share of its own" in sentence.text
        assert all(cell.table == table for name, cell in sentence.cells.items() if name != "level")
    gone = {**tables, "relief": tables["relief"].assign(estimate=float("nan"))}
    texts = [s.text for s in first_page.summarise(inputs, gone)]
    plain = [text.replace("\xa0", " ") for text in texts]
    # A sentence without a number names the indicator as its tile does, and does not spell out what it counts.
    (none,) = [text for text in plain if text.startswith(f"{label_of('relieved_by_28')}: ")]
    assert none.endswith("the second quarter of 2026 has no share of its own, for too few were left to watch by then.")


def test_limits_that_are_hidden_are_not_called_limits_to_come():
    review = blanked(list(fakes.INDICATORS), verdict=quarter_verdicts.TOO_FEW)
    verdicts = review.more["verdicts"].copy()
    for hidden in (False, True):
        if hidden:
            verdicts.loc[0, "status"] = "hidden"
        inputs, tables = pages(dataclasses.replace(review, more={**review.more, "verdicts": verdicts}))
        lead = quarter_section(inputs, tables).lead[0].text
        assert ("None of them has limits yet" in lead) is not hidden
        assert ("limits that small numbers hide" in lead) is hidden


# -- dashes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("second", "low", "noted"), [(None, None, True), (0.5, None, False), (0.5, 0.4, False)])
def test_a_definition_without_a_share_says_why_and_one_without_an_interval_does_not(second, low, noted):
    _, tables = pages(fakes.quarter_review())
    rows = [("as reported", 0.8, 0.7, 0.9, 200), ("another", second, low, low and 0.6, 200)]
    columns = ["definition", "estimate", "conf_low", "conf_high", "n"]
    found = {**tables, "relief_definitions": pd.DataFrame(rows, columns=columns)}
    (view,) = other_definitions(found, "relief_definitions", "Under other definitions", "Relieved")
    assert (view.rows[1][1] == DASH) is noted
    assert view.note == ("A dash: too few were left to watch by then." if noted else "")


# -- what stands beside a curve ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [BOUNDS, BAND, (*BOUNDS, *BAND), ()])
def test_a_caption_names_what_is_drawn_beside_the_curve(hidden):
    found = fakes.relief()
    curve = found.curve.assign(**dict.fromkeys(hidden, float("nan")))
    found = dataclasses.replace(fakes.inputs(), relief=dataclasses.replace(found, curve=curve))
    section = relief_section(found, collect_tables(found))
    caption = next(block.caption for block in section.blocks if getattr(block, "id", "") == "figure-relief")
    assert ("Grey: from none to all" in caption) == (BOUNDS[0] not in hidden)
    assert ("Dotted: band" in caption) == (BAND[0] not in hidden)
    assert caption.startswith("Tinted: ") and "Number observed: " in caption


# -- one score an episode ----------------------------------------------------------------------------------------------


def scored_once(n_once):
    relief = fakes.relief()
    return pages(fakes.quarter_review(), relief=dataclasses.replace(relief, summary={"n": 100, "n_one_visit": n_once}))


@pytest.mark.parametrize("n_once", [50, 51, 100])
def test_the_last_score_is_called_the_only_one_where_most_have_one(n_once):
    inputs, tables = scored_once(n_once)
    said = [s for s in first_page.summarise(inputs, tables) if "the last score" in s.text]
    said += [s for s in first_page._overall_sentences(inputs, tables) if s and "the last score" in s.text]
    said += [s for s in attendance_section(inputs, tables).lead if "the last score" in s.text]
    assert len(said) == 3
    for sentence in said:
        assert ("the last score, which for most episodes is their only one" in sentence.text) == (n_once > 50)


@pytest.mark.parametrize(
    ("n", "n_once", "why"),
    [
        (29, 0, "fewer than 30 episodes have a first score that leaves room for relief"),
        (30, 16, "most episodes have a single score, which says nothing of when relief came"),
        (30, 15, "too few episodes without relief were still seen by then"),
        ("<5", 0, "too few episodes have a first score that leaves room for relief"),
    ],
)
def test_why_the_share_relieved_cannot_be_shown(n, n_once, why):
    relief = fakes.relief()
    table = relief.table.assign(estimate=float("nan"))
    relief = dataclasses.replace(relief, table=table, summary={"n": n, "n_one_visit": n_once})
    inputs, tables = pages(fakes.quarter_review(), relief=relief)
    first = say_relief(inputs.episodes.protocol, tables)[0]
    assert first.text == f"The share relieved by day 28 cannot be shown: {why}." and first.tag == "not estimable"


def test_no_share_is_given_of_relief_that_no_second_score_could_confirm():
    """Where pain is rated at first and last visits only, "0 % when a second score must confirm" is no finding."""
    inputs, tables = pages(fakes.quarter_review())
    rules = pd.DataFrame({"rule": ["any", "strict"], "estimate": [0.6, 0.1], "n": 90, "events": [40, 7]})
    none = "no episode has a second score that"
    cases = (7, 0.1, "when a second score must confirm relief and"), (0, 0.0, none), (0, float("nan"), none)
    for events, share, said in cases:
        rules.loc[rules["rule"] == "strict", ["estimate", "events"]] = [share, events]
        (text,) = [
            one.text
            for one in say_relief(inputs.episodes.protocol, {**tables, "relief_definitions": rules})
            if one.text.startswith("By day 28 it is ")
        ]
        assert said in text and ("second score must confirm" in text) == (events > 0)


def test_fates_without_a_share_are_no_table():
    _, tables = pages(fakes.quarter_review())
    assert len(if_stopped_table(tables)) == 1
    table = tables["relief_if_stopped"].assign(estimate=float("nan"))
    assert if_stopped_table({**tables, "relief_if_stopped": table}) == ()
