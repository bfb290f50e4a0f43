"""The parts figures are made of: where names stand, which days are written, small lines, axes that are cut."""

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
from matplotlib.ticker import FuncFormatter

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes

from outcomes.release import section_parts, svg
from outcomes.release.course_figure import _spread as pile_up
from outcomes.release.drawing import lacks_shapes, space_out, spread
from outcomes.release.figures import is_share
from outcomes.release.label_places import SPOTS, Box, place_labels
from outcomes.release.marks import HIDDEN
from outcomes.release.model import Column, TableView
from outcomes.release.panels import cut, plain
from outcomes.release.return_figures import INTERVAL, gap_sensitivity
from outcomes.release.section_parts import enlarge_type, has_cut_axis, is_blank
from outcomes.release.views import DASH

# -- names beside points -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        *(((9, 15, 2, 8), True), ((10, 15, 2, 8), False), ((-5, 0, 2, 8), False), ((-5, 1, 2, 8), True)),
        *(((2, 8, 9, 15), True), ((2, 8, 10, 15), False), ((2, 8, -5, 0), False), ((2, 8, -5, 1), True)),
        ((20, 30, 20, 30), False),
    ],
)
def test_boxes_that_only_touch_do_not_overlap(other, meets):
    box = Box(0, 10, 0, 10)
    assert box.meets(Box(*other)) == Box(*other).meets(box) == meets


NOTHING = np.array([0.0, 500.0]), np.array([-99.0, -99.0])


def place(points, texts, lines=(), width=500.0, bare=()):
    return place_labels(np.array(points, dtype=float), texts, lines, width, bare)


@pytest.mark.parametrize(
    ("points", "texts", "more", "spot"),
    [
        ([(100, 100)], ["abc"], {}, (6.0, 5.0, "left")),
        ([(100, 100)], ["abc"], {"lines": [NOTHING]}, (6.0, 5.0, "left")),
        # Three letters are 12.9 wide: at 482 they would leave the chart by 0.9, at 481 they end inside.
        ([(481, 100)], ["abc"], {}, (6.0, 5.0, "left")),
        ([(482, 100)], ["abc"], {}, (-6.0, 5.0, "right")),
        ([(6, 100)], ["abc"], {}, (6.0, 5.0, "left")),
        ([(19.4, 100)], ["abc"], {"width": 30.0}, (-6.0, 5.0, "right")),  # it begins half a point inside
        ([(18.8, 100)], ["abc"], {"width": 30.0}, (0.0, 10.0, "center")),
        # A line above the point, from 1 to 9 above it: below there is room.
        ([(100, 100)], ["abc"], {"lines": [(np.array([0.0, 500.0]), np.array([105.0, 105.0]))]}, (6.0, -5.0, "left")),
        ([(100, 100)], ["abc"], {"lines": [(np.array([0.0, 500.0]), np.array([109.3, 109.3]))]}, (6.0, 5.0, "left")),
        # Another mark at its right.
        ([(100, 100)], ["abc"], {"bare": [(110, 105)]}, (-6.0, 5.0, "right")),
        ([(100, 100)], ["abc"], {"bare": [(110, 113)]}, (6.0, 5.0, "left")),
    ],
)
def test_a_name_stands_at_the_first_place_that_touches_least(points, texts, more, spot):
    [found] = place(points, texts, **more)
    assert found == spot and found in SPOTS


def test_a_name_keeps_clear_of_the_marks_and_names_of_others():
    first, second = place([(100, 100), (106, 100)], ["abc", "abc"])
    assert first == (-6.0, 5.0, "right") and second == (6.0, 5.0, "left")
    # The second of two names on one mark goes elsewhere.
    first, second = place([(100, 100), (100, 100)], ["abc", "abc"], bare=[])
    assert first != second


# -- days and heights --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "narrow", "kept"),
    [
        ([0, 7, 14, 28, 100], False, [0, 7, 14, 28, 100]),
        ([0, 5, 10, 100], False, [0, 10, 100]),
        ([94, 100], False, [94, 100]),
        ([95, 100], False, [100]),
        ([89, 100], True, [100]),
        ([88, 100], True, [88, 100]),
        ([100, 0], False, [0, 100]),
        ([], False, []),
    ],
)
def test_days_that_would_touch_are_left_out_from_the_far_end(days, narrow, kept):
    assert space_out(days, 100.0, narrow) == kept


@pytest.mark.parametrize(
    ("heights", "moved"),
    [
        ([0.2, 0.9], [0.2, 0.9]),
        ([0.9, 0.2], [0.9, 0.2]),
        ([0.5, 0.55], [0.5, 0.6]),
        ([0.94, 0.95], [0.85, 0.95]),
        ([0.95, 0.99], [0.89, 0.99]),
        ([0.1, 0.98, 0.98], [0.1, 0.88, 0.98]),
        ([0.8, 0.9, 0.9, 0.9], [0.65, 0.75, 0.85, 0.95]),
        ([0.3], [0.3]),
        ([], []),
    ],
)
def test_names_are_moved_apart_upwards_and_back_from_the_top(heights, moved):
    assert spread(heights, 0.1) == pytest.approx(moved)


@pytest.mark.parametrize(
    ("values", "bottom", "placed"),
    [
        ([3.0, 8.0], 0.0, [3.0, 8.0]),
        ([3.0, 3.0], 0.0, [2.5, 3.5]),
        ([3.0, 3.0, 3.0], 0.0, [2.0, 3.0, 4.0]),
        ([0.2, 0.2], 0.5, [0.5, 1.5]),  # the lowest is pushed up to the bottom, and no further down
        ([0.6, 0.6], 0.5, [0.5, 1.5]),
        ([], 0.5, []),
    ],
)
def test_names_of_groups_are_a_pile_about_their_lines(values, bottom, placed):
    assert pile_up(values, 1.0, bottom) == pytest.approx(placed)


@pytest.mark.parametrize(
    ("value", "text"), [(19.94, "19.9"), (20.4, "20"), (3.0, "3"), (3.25, "3.2"), (1234.0, "1,234"), (20.0, "20")]
)
def test_a_plain_number_has_a_decimal_below_twenty(value, text):
    assert plain(value) == text


def test_a_label_is_cut_at_its_limit():
    assert (cut("abcd", 4), cut("abcde", 4), cut(12345, 3)) == ("abcd", "abc…", "12…")
    assert [is_share(unit) for unit in ("share", "Percent", "%", "proportion", "episodes", None)] == [True] * 4 + [
        False
    ] * 2
    assert [lacks_shapes([text]) for text in ("abc", "é", "\u4e2d", "a\u4e2d")] == [False, False, True, True]


# -- small lines and text of pictures ----------------------------------------------------------------------------------


def test_a_small_line_runs_from_its_lowest_to_its_highest_value():
    found = svg.sparkline([0.2, 0.6, 0.4, None], 100.0, 34.0)
    assert 'points="5,28 35,6 65,17"' in found
    assert '<circle cx="65" cy="17" r="3.2"' in found and '<circle cx="95" cy="28" r="2.2" fill="none"' in found
    assert found.count("<circle") == 2 and 'viewBox="0 0 100 34"' in found
    flat = svg.sparkline([0.5, 0.5], 100.0, 34.0)
    assert 'points="5,28 95,28"' in flat and '<circle cx="95" cy="28" r="3.2"' in flat
    parts = svg.sparkline([0.2, None, 0.4, 0.2, float("inf"), 0.2], 110.0, 34.0)
    assert parts.count("<polyline") == 1 and 'points="45,6 65,28"' in parts and parts.count('r="2.2"') == 2
    assert svg.sparkline([0.5, None, None]) == ""


@pytest.mark.parametrize(
    ("given", "short"),
    [
        ('<g><g id="a"><path/></g></g>', '<g id="a"><path/></g>'),
        ('<g/><g id="a"/><path/>', "<path/>"),
        ("<g ><g><path/></g></g>", "<path/>"),
        ('<g clip-path="x"><g></g></g>', '<g clip-path="x"></g>'),
    ],
)
def test_groups_without_a_purpose_are_dropped_with_their_ends(given, short):
    assert svg._without_bare_groups(given) == short


def test_numbers_of_a_drawing_are_short():
    assert [svg._short(value) for value in (1.0, 1.25, 1.256, -0.001, 100.0)] == ["1", "1.25", "1.26", "0", "100"]
    assert svg._tight("M 10.04 3.06 \nL 7.95 4.0 z") == "M10 3.1L8 4z"
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0.123456, 0.5], [0.2, 0.3])
    text = svg.to_svg(figure, "p")
    assert not [n for n in text.split('"') if n.replace(".", "").isdigit() and len(n.partition(".")[2]) > 2]
    assert 'id="p-' in text and "<metadata" not in text and "\n\n" not in text


# -- axes and tables of sections ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "is_percent", "is_cut"),
    [((0.0, 1.0), True, False), ((0.2, 1.0), True, True), ((-0.2, 1.0), True, False), ((0.2, 1.0), False, False),
     ((1.0, 0.2), True, False)],
)  # fmt: skip
@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("is_set_in", [True, False])
def test_an_axis_of_shares_that_does_not_start_at_0_is_cut(limits, is_percent, is_cut, axis, is_set_in):
    figure = Figure()
    ax = figure.subplots()
    ax = ax.inset_axes((0.1, 0.1, 0.5, 0.5)) if is_set_in else ax
    getattr(ax, f"set_{axis}lim")(*limits)
    if is_percent:
        getattr(ax, f"{axis}axis").set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    assert has_cut_axis(figure) == is_cut
    ax.set_axis_off()
    assert not has_cut_axis(figure)


def test_small_letters_are_enlarged_and_large_ones_stay():
    figure = Figure()
    ax = figure.subplots()
    small, large = ax.text(0, 0, "a", fontsize=7.0), ax.text(0, 0, "b", fontsize=12.0)
    ax.tick_params(axis="x", labelsize=7)
    ax.tick_params(axis="y", labelsize=9)
    enlarge_type(figure, 8.3)
    assert (small.get_fontsize(), large.get_fontsize()) == (8.3, 12.0)
    assert {label.get_fontsize() for label in ax.get_xticklabels()} == {8.3}
    assert {label.get_fontsize() for label in ax.get_yticklabels()} == {9.0}


@pytest.mark.parametrize(
    ("cells", "blank"),
    [
        *((("", DASH), True), ((DASH, "<5"), True), (("<5 / <5", DASH), True), (("12 / <5", DASH), False)),
        *((("not estimable: few", "too early"), True), (("0", DASH), False), ((DASH, "61 %"), False)),
    ],
)
def test_a_table_of_marks_alone_is_blank(cells, blank):
    columns = (Column("Group", row_header=True), Column("a"), Column("b"))
    view = TableView("t", "T", columns, (("all", *cells),), csv="t")
    assert is_blank(view) == blank
    assert not is_blank(TableView("t", "T", columns, (), csv="t"))


@pytest.mark.parametrize(
    ("estimates", "is_drawn"), [([0.0, 0.2, 0.3], True), ([0.1, 0.2, None], False), ([0.1, 0.2, 0.2], True)]
)
def test_a_curve_needs_two_days_after_the_first(estimates, is_drawn, monkeypatch):
    curve = pd.DataFrame(
        {"day": [0, 1, 2], "estimate": pd.Series(estimates, dtype=object), "conf_high": 0.4, "conf_low": 0.4}
    )
    monkeypatch.setattr(section_parts, "draw", lambda *given, **_: given)
    tables = {"run": pd.DataFrame({"fact": ["interval_percent"], "value": [95.0]})}
    found = section_parts.draw_curve(tables, "x", "t", "a", None, SimpleNamespace(curve=curve), "c", "More. ")
    assert len(found) == is_drawn
    if is_drawn:
        assert found[0][3].startswith("More. Number observed: ")
        wide = SimpleNamespace(curve=curve.assign(conf_low=[0.4, 0.3, 0.4]))
        assert section_parts.draw_curve(tables, "x", "t", "a", None, wide, "c")[0][3].startswith("Tinted: ")


@pytest.mark.parametrize(
    ("values", "lines", "rings", "dot"),
    [
        ([], None, None, None),
        ([1.0, None], None, None, None),  # one value is no course
        ([float("nan"), 1.0], None, None, None),
        ([1.0, 2.0], ["5,28 127,6"], [], ("127", "6")),
        ([2.0, 1.0], ["5,6 127,28"], [], ("127", "28")),
        ([2.0, 2.0], ["5,28 127,28"], [], ("127", "28")),
        ([1.0, None, 3.0], [], ["66"], ("127", "6")),
        ([1.0, 2.0, 3.0, None], ["5,28 45.67,17 86.33,6"], ["127"], ("86.33", "6")),
        ([1.0, 2.0, float("inf"), 2.0, 1.0], ["5,28 35.5,6", "96.5,6 127,28"], ["66"], ("127", "28")),
    ],
)
def test_a_small_course_has_a_line_where_values_follow_each_other_and_a_ring_where_none_is(values, lines, rings, dot):
    drawn = svg.sparkline(values)
    if lines is None:
        assert drawn == ""
        return
    assert re.findall(r'points="([^"]*)"', drawn) == lines
    assert re.findall(r'<circle cx="([^"]*)" cy="28" r="2.2" fill="none"', drawn) == rings
    assert re.findall(r'<circle cx="([^"]*)" cy="([^"]*)" r="3.2"', drawn) == [dot]


@pytest.mark.parametrize(("hidden", "days"), [([], 4), ([90], 3), ([30, 60, 180], 1), ([30, 60, 90, 180], 0)])
def test_the_line_through_definitions_by_days_without_a_visit_goes_through_those_that_are_shown(hidden, days):
    """Where none of them is, those by other definitions still stand."""
    recurrence = fakes.recurrence()
    table = recurrence.definitions.copy()
    gone = (table["kind"] == "gap") & table["gap_days"].isin(hidden)
    table[list(INTERVAL)] = table[list(INTERVAL)].astype(object).mask(gone, HIDDEN)
    ax = gap_sensitivity(dataclasses.replace(recurrence, definitions=table))
    ways = [line for line in ax.lines if line.get_zorder() == 1.5 and line.get_linewidth() == 1.1]
    assert [len(line.get_xdata()) for line in ways] == ([days] if days else [])
