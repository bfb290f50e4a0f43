"""The reason a page gives where it has no number: no score, too few, too early, one rating."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes

from outcomes.questions import quarter_verdicts
from outcomes.release import first_page
from outcomes.release.attendance_section import attendance_section
from outcomes.release.curve_axes import BAND, BOUNDS
from outcomes.release.quarter_section import quarter_section
from outcomes.release.relief_section import relief_section
from outcomes.release.tables import collect_tables
from outcomes.release.tiles import make_tiles

RESTS_ON_PAIN = [name for name in fakes.INDICATORS if name != "pain_recorded"]


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch):
    from undrawn import leave_undrawn

    leave_undrawn(monkeypatch)


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
        assert (tile.state, tile.reason) == ("absent", "No pain score is on record.")
    assert tiles[label_of("pain_recorded")].state == "shown"
    section = quarter_section(inputs, tables)
    left_out = next(block for block in section.blocks if getattr(block, "title", "") == "Indicators without a chart")
    assert left_out.sentences[0].text.startswith("No quarter can be shown, for no pain score is on record: ")


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (quarter_verdicts.NO_PAIN, "Nothing can be called a change: no pain score is on record, and all but"),
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
        (fakes.QUARTERS, "Too few in Q2\u00a02026."),
        (fakes.QUARTERS[1:], "Too few in Q2\u00a02026."),
    ],
)
def test_a_line_of_earlier_quarters_is_spoken_of_only_where_it_is_drawn(gone, said):
    tiles = make_tiles(*pages(blanked(["relieved_by_28"], gone)))
    tile = next(tile for tile in tiles if tile.label == label_of("relieved_by_28"))
    assert tile.state == "hidden" and tile.reason.endswith(said)
    assert bool(tile.spark) == ("line" in tile.reason)


def test_a_quarter_old_enough_but_too_small_is_not_called_one_that_can_be_judged():
    name = "returned_by_182"
    inputs, tables = pages(blanked([name], verdict=quarter_verdicts.TOO_SMALL))
    tile = next(tile for tile in make_tiles(inputs, tables) if tile.label == label_of(name))
    assert tile.state == "immature" and "can be judged" not in tile.reason and "old enough" in tile.reason
    said = next(s.text for s in first_page.summarise(inputs, tables) if "returned within" in s.text)
    assert "(the newest old enough)" in said and "can be judged" not in said


@pytest.mark.parametrize(("n", "said"), [(12, "they are too few"), (80, "too few of them were seen that long")])
def test_few_episodes_and_few_seen_that_long_are_two_reasons(n, said):
    review = blanked(["relieved_by_28"])
    review = dataclasses.replace(review, table=review.table.assign(n=n))
    texts = [s.text for s in first_page.summarise(*pages(review))]
    assert any("by day 28 cannot be shown" in text and text.endswith(f"{said}.") for text in texts)


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
