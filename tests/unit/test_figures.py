"""Figures: they draw what the result says, refuse in words, and give the same bytes."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import modality_fakes
import release_fakes as fakes
import use_fakes

from outcomes.errors import InputRefused, NotEstimable
from outcomes.release import (
    balance_figures,
    figures,
    quarter_figures,
    return_figures,
    section_parts,
    svg,
    trigger_figure,
)
from outcomes.release.disclosure import HIDDEN, protect_result
from outcomes.release.pathway_figure import has_orders
from outcomes.release.public import figures as public_figures
from outcomes.release.sentences import format_percent

CASES = {
    "relief_curve": fakes.relief,
    "competing_ends": fakes.relief,
    "specification_curve": fakes.relief_grid,
    "return_curve": fakes.recurrence,
    "mean_returns": fakes.recurrence,
    "gap_sensitivity": fakes.recurrence,
    "trigger_flow": fakes.triggers,
    "return_factors": fakes.return_factors,
    "rehabilitation": fakes.rehabilitation,
    "modality_mix": fakes.modality_use,
    "forest": modality_fakes.one_family,
    "love_plot": modality_fakes.one_family,
    "overlap": modality_fakes.one_family,
    "bundles": use_fakes.modality_use,
    "pathway": use_fakes.modality_use,
    "stages_by_visit": use_fakes.modality_use,
    "positivity_map": use_fakes.modality_use,
    "use_by_visit": use_fakes.modality_use,
    "quarter_lines": fakes.quarter_review,
    "spc": fakes.quarter_review,
    "observed_expected": fakes.quarter_review,
    "completeness": fakes.completeness,
}


@functools.cache
def made(make):
    """An invented result, made once: never to be changed, only taken parts of."""
    return make()


def case(name):
    return made(CASES[name])


def draw(name, result, narrow=False):
    with figures.style():
        figure = Figure(figsize=(3.7, 6.0) if narrow else (7.2, 4.0))
        ax = figure.add_axes((0.1, 0.2, 0.88, 0.75))
        returned = getattr(figures, name)(result, ax=ax, narrow=narrow)
    assert returned is ax
    return figure, ax


def texts(figure):
    return [text.get_text() for text in figure.findobj(match=lambda a: hasattr(a, "get_text")) if text.get_text()]


@pytest.mark.parametrize("name", CASES)
def test_a_figure_made_alone_gives_axes(name):
    import matplotlib.pyplot as plt

    ax = getattr(figures, name)(case(name))
    assert isinstance(ax, Axes)
    plt.close("all")


@pytest.mark.parametrize("name", CASES)
def test_nothing_to_draw_is_a_sentence(name):
    full = case(name)
    frames = {item.name: getattr(full, item.name).iloc[:0] for item in dataclasses.fields(full)
              if isinstance(getattr(full, item.name), pd.DataFrame)}  # fmt: skip
    if isinstance(full, fakes.FakeReview):
        frames["more"] = {key: table.iloc[:0] for key, table in full.more.items()}
    figure, ax = draw(name, dataclasses.replace(full, **frames))
    assert len(texts(figure)) == 1 and texts(figure)[0].startswith("No ")
    assert not ax.axison


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_is_drawn_as_its_reason(name):
    figure, _ = draw(name, NotEstimable("The export has no calendar."))
    assert texts(figure) == ["The export has no calendar."]


@functools.cache
def svg_of(name, narrow):
    return svg.to_svg(draw(name, case(name), narrow)[0], "a")


ON_THE_PAGE = {
    *("relief_curve", "competing_ends", "specification_curve", "return_curve", "mean_returns", "gap_sensitivity"),
    *("trigger_flow", "return_factors", "modality_mix", "forest", "bundles", "pathway", "positivity_map"),
    *("spc", "observed_expected", "completeness"),
}
"""What `test_page` draws twice, wide and narrow, and compares."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in ON_THE_PAGE else []) for name in CASES]
)
def test_svg_is_the_same_every_time(name):
    first = svg_of(name, False)
    assert svg.to_svg(draw(name, case(name))[0], "a") == first


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("narrow", [False, True])
def test_svg_is_well_formed_and_alone(name, narrow):
    first = svg_of(name, narrow)
    ElementTree.fromstring(first)
    assert set(re.findall(r"https?://[^\"' ]+", first)) == {"http://www.w3.org/2000/svg"}
    assert "<style" not in first and "<metadata" not in first and "<image" not in first
    ids = re.findall(r'\bid="([^"]+)"', first)
    assert len(ids) == len(set(ids)) and all(i.startswith("a-") for i in ids)
    used = set(re.findall(r'href="#([^"]+)"', first)) | set(re.findall(r"url\(#([^)]+)\)", first))
    assert used == set(ids)


@pytest.mark.parametrize("name", CASES)
def test_themed_svg_has_no_fixed_colour_and_no_typeface(name):
    text = svg.themed(svg_of(name, False))
    assert not re.findall(r"#[0-9a-f]{6}\b", text)
    assert "DejaVu" not in text and "font-family" not in text
    ElementTree.fromstring(text)


def test_the_curve_draws_the_numbers_of_the_result():
    result = fakes.relief()
    _, ax = draw("relief_curve", result)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), result.curve["estimate"])
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), [7, 14, 28, 42, 90])
    drawn = [line.get_ydata() for line in ax.lines]
    for name in ("band_low", "band_high", "if_none_of_stopped", "if_all_of_stopped"):
        assert any(np.array_equal(line, result.curve[name]) for line in drawn)
    at_28 = result.curve.set_index("day").loc[28]
    written = [text.get_text() for text in ax.texts]
    assert f"{int(at_28['at_risk']):,}" in written
    assert f"{100 * at_28['estimate']:.0f}\u00a0%" in written
    assert "number observed" in written


def test_competing_ends_are_stacked_and_named_with_their_last_share():
    result = fakes.relief()
    _, ax = draw("competing_ends", result)
    last = result.ends_curve.groupby("end")["estimate"].last()
    assert max(line.get_ydata()[-1] for line in ax.lines) == pytest.approx(last.sum())
    written = " ".join(text.get_text() for text in ax.texts).replace("\n", " ")
    for end, words in (("relief", "Relief recorded"), ("stopped", "Stopped without it"), ("sent_on", "Sent on")):
        assert words in written
        assert f"{100 * last[end]:.0f}\u00a0%" in written


def test_the_specification_curve_marks_the_reported_definition():
    grid = fakes.relief_grid()
    _, ax = draw("specification_curve", grid)
    shares, marks = ax.child_axes
    order = grid.table.sort_values("estimate", kind="stable").reset_index(drop=True)
    place = int(order.index[order["is_reported"]][0])
    diamonds = [line for line in (*shares.lines, *marks.lines) if line.get_marker() == "D" and len(line.get_xdata())]
    assert {int(line.get_xdata()[0]) for line in diamonds} == {place}
    assert len(diamonds) == 4
    assert any("reported: " in text.get_text() for text in shares.texts)
    # Each definition has one mark in each of the three blocks.
    assert sum(len(line.get_xdata()) for line in marks.lines if line.get_marker() == "|") == 3 * len(order)


def test_ends_of_several_groups_are_asked_for_by_name_and_many_curves_are_a_sentence():
    result = fakes.relief()
    both = pd.concat([result.ends_curve.assign(group=name) for name in ("upper", "lower")], ignore_index=True)
    grouped = dataclasses.replace(result, ends_curve=both)
    assert "name it with group" in texts(draw("competing_ends", grouped)[0])[0]
    with figures.style():
        ax = figures.competing_ends(grouped, ax=Figure().subplots(), group="lower")
    assert len(ax.lines) == 3
    many = pd.concat([result.curve.assign(group=f"g{i}") for i in range(9)], ignore_index=True)
    assert texts(draw("relief_curve", dataclasses.replace(result, curve=many))[0])[0].startswith(
        "9 groups are too many"
    )


def test_labels_that_would_overlap_move_apart_and_stay_inside():
    from outcomes.release.drawing import spread

    assert spread([0.2, 0.9], 0.1) == [0.2, 0.9]
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.5, 0.6, 0.7])
    top = spread([0.9, 0.97, 0.98], 0.1)
    assert top == sorted(top)
    assert min(np.diff(top)) >= 0.1 - 1e-12
    assert top[-1] <= 0.981
    assert spread([], 0.1) == []


def test_a_hidden_part_of_a_curve_is_not_drawn():
    result = fakes.relief()
    curve = result.curve.astype({"estimate": object})
    curve.loc[curve["day"] > 50, "estimate"] = HIDDEN
    _, ax = draw("relief_curve", dataclasses.replace(result, curve=curve))
    assert max(ax.lines[0].get_xdata()) == 50


def test_groups_differ_by_line_style_and_are_named_at_the_line():
    parts = [fakes.relief(), fakes.relief(900)]
    curve = pd.concat([part.curve.assign(group=name) for part, name in zip(parts, ("upper", "lower"), strict=True)])
    _, ax = draw("relief_curve", dataclasses.replace(parts[0], curve=curve))
    lines = [line for line in ax.lines if len(line.get_xdata()) > 20]
    assert len({line.get_linestyle() for line in lines}) == 2 and len({line.get_color() for line in lines}) == 2
    assert {"upper", "lower"} <= {text.get_text() for text in ax.texts}


def test_immature_and_hidden_quarters_have_no_point():
    review = fakes.quarter_review()
    table = review.table.astype({"estimate": object})
    row = (table["indicator"] == "relieved_by_28") & (table["quarter"] == fakes.QUARTERS[2])
    table.loc[row, "estimate"] = HIDDEN
    table.loc[table["indicator"] == "returned_by_182", "estimate"] = 0.5  # a value where none may be shown
    _, ax = draw("quarter_lines", dataclasses.replace(review, table=table))
    panels = {panel.get_title(loc="left").replace("\n", " "): panel for panel in ax.child_axes}
    relieved = np.asarray(panels["Relieved by day 28"].lines[0].get_ydata(), dtype=float)
    assert np.isnan(relieved[2]) and np.isnan(relieved[-1]) and np.isfinite(relieved).sum() == 10
    returned = np.asarray(panels["Returned within 182 days of the landmark"].lines[0].get_ydata(), dtype=float)
    assert np.isnan(returned[-3:]).all()


def test_labels_are_never_read_as_formulas():
    use = fakes.modality_use()
    table = use.table.assign(label=use.table["label"].replace("Other", "$x^2$ <b>"))
    figure, _ = draw("modality_mix", dataclasses.replace(use, table=table))
    text = svg.to_svg(figure, "a")
    assert "$x^2$ &lt;b&gt;" in text


def test_sparkline():
    text = svg.sparkline([0.5, 0.6, None, 0.4, 0.7, None])
    ElementTree.fromstring(text)
    assert text.count("<polyline") == 2 and text.count("<circle") == 3
    assert svg.sparkline([0.5, None]) == "" and svg.sparkline([]) == ""
    assert "nan" not in svg.sparkline([0.5, 0.5, float("nan")])


@pytest.mark.filterwarnings("error")
def test_panels_of_zeros_have_an_axis_and_panels_without_values_a_sentence():
    review = fakes.quarter_review()
    table = review.table.copy()
    table.loc[table["indicator"] == "pain_recorded", ["label", "unit"]] = ["Episodes started", "episodes"]
    table.loc[table["indicator"] == "pain_recorded", ["estimate", "conf_low", "conf_high"]] = 0.0
    table.loc[table["indicator"] == "silent_stop", ["estimate", "conf_low", "conf_high"]] = 0.0
    table.loc[table["indicator"] == "relieved_by_28", ["estimate", "conf_low", "conf_high"]] = np.nan
    table.loc[table["indicator"] == "returned_by_182", ["estimate", "mature"]] = [np.nan, False]
    ax = figures.quarter_lines(dataclasses.replace(review, table=table))
    panels = {panel.get_title(loc="left").split("\n")[0]: panel for panel in ax.child_axes}
    counts, stops = panels["Episodes started"], next(p for name, p in panels.items() if name.startswith("Stopped"))
    assert counts.get_ylim() == (0.0, 1.15) and stops.get_ylim()[0] == 0.0 < stops.get_ylim()[1]
    assert all(float(tick).is_integer() for tick in counts.get_yticks())
    words = {name.split()[0]: [t.get_text() for t in panel.texts] for name, panel in panels.items()}
    assert words["Relieved"] == ["Too few to be shown."] and words["Returned"] == ["Too early to tell."]


# -- return ------------------------------------------------------------------------------------------------------------


def written(figure):
    return " ".join(text.replace("\n", " ") for text in texts(figure))


@pytest.mark.parametrize(("gone", "said"), [(False, True), (True, False)])
def test_a_panel_has_no_number_where_its_newest_quarter_is_hidden(gone, said):
    use = fakes.modality_use()
    table = use.table.astype({"estimate": object})
    family = table["family"].iloc[0]
    rows = table.index[table["family"] == family]
    if gone:
        table.loc[rows[-1], "estimate"] = HIDDEN
    _, ax = draw("modality_mix", dataclasses.replace(use, table=table))
    assert bool(ax.child_axes[0].get_title(loc="right")) == said


def test_orders_of_which_only_the_others_can_be_shown_are_no_picture():
    use = CASES["pathway"]()
    table = use.pathway.astype({"estimate": object})
    assert has_orders(table)
    table.loc[table["path"] != "other_paths", "estimate"] = HIDDEN
    assert not has_orders(table) and not has_orders(table.iloc[:0])


@pytest.mark.parametrize("n", [2, 3, 4, 12])
@pytest.mark.parametrize("name", ["modality_mix", "quarter_lines", "spc"])
def test_the_names_of_the_first_and_last_quarter_do_not_touch(name, n):
    """In a practice of two quarters the one name began where the other ended: "Q1 2026Q2 2026"."""
    result = (fakes.modality_use if name == "modality_mix" else fakes.quarter_review)()
    kept = set(list(dict.fromkeys(result.table["quarter"]))[:n])
    few = dataclasses.replace(result, table=result.table[result.table["quarter"].isin(kept)])
    if name == "spc":
        chart = result.more["chart"]
        few = dataclasses.replace(result, more={"chart": chart[chart["quarter"].isin(kept)]})
    figure, ax = draw(name, few)
    figure.draw_without_rendering()
    named = [[t for t in panel.get_xticklabels() if t.get_text()] for panel in ax.child_axes if panel.axison]
    assert named and any(len(labels) == 2 for labels in named)
    for labels in named:
        boxes = [label.get_window_extent() for label in labels]
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_a_curve_of_one_day_is_no_picture():
    relief = fakes.relief()
    curve = relief.curve.astype({"estimate": object})
    curve.loc[curve["day"] != curve["day"].max(), "estimate"] = HIDDEN
    one = dataclasses.replace(relief, curve=curve)
    assert section_parts.draw_curve({}, "x", "t", "a", figures.relief_curve, one, "relief_curve") == ()


def test_a_flat_curve_has_its_number_once_and_names_of_ends_do_not_touch():
    relief = fakes.relief()
    none = {"estimate": 0.0, "conf_low": 0.0, "conf_high": 0.0}
    flat = dataclasses.replace(relief, table=relief.table.assign(**none), curve=relief.curve.assign(**none))
    _, ax = draw("relief_curve", flat)
    assert [text.get_text() for text in ax.texts].count(format_percent(0.0)) == 1
    caption = section_parts.draw_curve({}, "x", "t", "a", figures.relief_curve, flat, "relief_curve")[0].caption
    assert "Tinted" not in caption
    ends = relief.ends_curve.copy()
    ends.loc[ends["end"] == "relief", "estimate"] = 0.0
    figure, ax = draw("competing_ends", dataclasses.replace(relief, ends_curve=ends))
    boxes = [box for text, box in drawn_texts(figure) if "\n" in text and "%" in text]
    assert len(boxes) == 4 and min(box.y0 for box in boxes) > ax.get_window_extent().y0
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("shares", [(0.94, 0.05, 0.0), (0.99, 0.01, 0.0), (0.6, 0.3, 0.1), (0.02, 0.9, 0.01)])
def test_names_of_ends_stay_clear_of_the_day_they_are_of(shares, narrow):
    relief = fakes.relief()
    ends = relief.ends_curve.copy()
    for end, share in zip(("relief", "stopped", "sent_on"), shares, strict=True):
        ends.loc[ends["end"] == end, "estimate"] = share
    figure, _ = draw("competing_ends", dataclasses.replace(relief, ends_curve=ends), narrow)
    boxes = [box for text, box in drawn_texts(figure) if text.startswith("By day") or ("\n" in text and "%" in text)]
    assert len(boxes) == 5
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_where_the_first_days_of_a_curve_are_hidden_those_observed_on_them_are_not_others():
    relief = fakes.relief()
    curve = relief.curve.astype({"estimate": object})
    curve.loc[curve["day"] < 14, "estimate"] = HIDDEN
    observed = curve.set_index("day")["at_risk"]
    assert len({observed[0], observed[7], observed[14]}) == 3
    _, ax = draw("relief_curve", dataclasses.replace(relief, curve=curve))
    below = {text.get_text() for text in ax.texts if text.get_position()[0] in (0, 7)}
    assert {f"{int(observed[0]):,}", f"{int(observed[7]):,}"} <= below


def test_a_public_bar_has_all_its_shares_on_a_phone_too():
    bar = public_figures.Bar("Manual soft tissue work", (24.0, 28.0, 48.0), ("24 %", "28 %", "48 %", "1,875"))
    for narrow in (False, True):
        figure = Figure(figsize=(3.7, 2.0))
        public_figures.draw_bars([bar], figure.subplots(), narrow, ("a", "b", "c"))
        assert {*bar.right, bar.label} <= set(texts(figure))


def test_letters_on_paper_are_seven_points_at_least_and_a_cut_axis_is_said():
    drawn = section_parts.draw("x", "t", "a", "Dots.", figures.spc, fakes.quarter_review(), (3.8, 6.0), "", True)
    sizes = [float(size) for size in re.findall(r"font[^;\"]*?([\d.]+)px", drawn.wide)]
    assert sizes and min(sizes) * 155 / 182.9 >= 7.0
    assert drawn.caption == f"Dots. {section_parts.CUT_AXIS[True]}"


def drawn_texts(figure):
    """Boxes of the texts in sight, as they are drawn."""
    from matplotlib.text import Text

    figure.draw_without_rendering()
    shown = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    return [(text.get_text(), text.get_window_extent()) for text in shown]


@pytest.mark.parametrize(
    "name",
    [
        *("mean_returns", "gap_sensitivity", "trigger_flow", "return_factors", "rehabilitation"),
        *("bundles", "pathway", "stages_by_visit", "positivity_map", "love_plot", "overlap"),
    ],
)
@pytest.mark.parametrize("narrow", [False, True])
def test_no_label_lies_on_another(name, narrow):
    with figures.style():
        figure = Figure(figsize=(3.7, 5.5) if narrow else (7.2, 4.0), layout="constrained")
        getattr(figures, name)(case(name), ax=figure.subplots(), narrow=narrow)
        boxes = drawn_texts(figure)
    overlaps = [
        (a, b)
        for i, (a, box) in enumerate(boxes)
        for b, other in boxes[i + 1 :]
        if box.x0 < other.x1 - 1 and other.x0 < box.x1 - 1 and box.y0 < other.y1 - 1 and other.y0 < box.y1 - 1
    ]
    assert not overlaps


def test_the_mean_number_of_returns_is_drawn_with_its_interval_and_those_observed():
    result = fakes.recurrence()
    figure, ax = draw("mean_returns", result)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), result.mean_curve["estimate"])
    at_365 = result.mean_returns.set_index("horizon_days").loc[365, "estimate"]
    assert f"{at_365:.2f}" in texts(figure) and "number observed" in texts(figure)
    assert ax.get_ylim()[1] > result.mean_curve["conf_high"].max()
    both = pd.concat([result.mean_curve.assign(group=name) for name in ("lifting", "sitting")], ignore_index=True)
    figure, ax = draw("mean_returns", dataclasses.replace(result, mean_curve=both))
    lines = [line for line in ax.lines if len(line.get_xdata()) > 20]
    assert len({line.get_linestyle() for line in lines}) == 2 and {"lifting", "sitting"} <= set(texts(figure))


@pytest.mark.parametrize("name", ["return_curve", "mean_returns"])
def test_the_landmark_below_a_curve_of_returns_is_that_of_the_protocol(name):
    result = fakes.recurrence()
    other = dataclasses.replace(result, settings={**result.settings, "landmark_days": 21})
    figure, _ = draw(name, other)
    said = " ".join(texts(figure))
    assert "21 days after relief" in said and "30 days after relief" not in said


def test_definitions_are_joined_by_gap_and_the_reported_one_is_marked():
    result = fakes.recurrence()
    figure, ax = draw("gap_sensitivity", result)
    table = result.definitions
    gaps = table[table["kind"] == "gap"].sort_values("gap_days")["estimate"]
    assert any(np.array_equal(line.get_xdata(), gaps) for line in ax.lines)
    (diamond,) = [line for line in ax.lines if line.get_marker() == "D"]
    assert diamond.get_xdata()[0] == table.loc[table["kind"] == "reported", "estimate"].item()
    assert f"{table['n'].iloc[-1]:,}" in texts(figure)
    hidden = table.astype({"estimate": object})
    hidden.loc[hidden["gap_days"] == 30, ["estimate"]] = HIDDEN
    figure, ax = draw("gap_sensitivity", dataclasses.replace(result, definitions=hidden))
    assert "cannot be stated" in written(figure)
    assert any(np.array_equal(line.get_xdata(), gaps.iloc[1:]) for line in ax.lines)


def test_ribbons_are_as_wide_as_their_number_and_the_same_again_is_hatched():
    result = protect_result(fakes.triggers(), 5)
    figure, ax = draw("trigger_flow", result)
    shown = result.table[[not isinstance(v, str) and v > 0 for v in result.table["events"]]]
    ribbons = [p for p in ax.patches if type(p).__name__ == "PathPatch"]
    hatched = [p for p in ribbons if p.get_hatch()]
    again = shown[(shown["trigger"] == shown["return_trigger"]) & (shown["trigger"] != "other")]
    assert len(ribbons) - len(hatched) == len(shown) and len(hatched) == len(again) > 0
    width = {id(p): p.get_path().vertices[0, 1] - p.get_path().vertices[7, 1] for p in hatched}
    drawn = sorted(width.values())
    np.testing.assert_allclose(
        np.array(drawn) / drawn[0], np.sort(again["events"].astype(float)) / again["events"].min()
    )
    for share in again["estimate"]:
        assert f"{np.floor(100 * share + 0.5):.0f}\u00a0%" in texts(figure)


def test_fewer_than_three_ribbons_of_named_triggers_are_no_picture():
    result = fakes.triggers()
    table = result.table.astype({"events": object, "estimate": object})
    named = table.index[(table["trigger"] != "other") & (table["events"] > 0)]
    for kept, is_drawn in ((3, True), (2, False)):
        few = table.copy()
        few.loc[named[kept:], ["events", "estimate"]] = HIDDEN
        figure, ax = draw("trigger_flow", dataclasses.replace(result, table=few))
        assert bool(ax.patches) == is_drawn == trigger_figure.has_ribbons(few)
        assert is_drawn or texts(figure) == [trigger_figure.NO_RIBBONS]


def test_a_hidden_ribbon_is_not_drawn_nor_its_place_at_the_right():
    full, found = fakes.triggers(), protect_result(fakes.triggers(), 5)
    hidden = found.table[[isinstance(v, str) for v in found.table["events"]]]
    assert len(hidden) > 5
    _, ax = draw("trigger_flow", found)
    bars = [p for p in ax.patches if type(p).__name__ == "Rectangle" and p.get_width() < 0.03]
    right = sorted(p.get_height() for p in bars if p.get_x() == 1.0)
    shown = found.table[[not isinstance(v, str) for v in found.table["events"]]]
    arrivals = shown.groupby("return_trigger")["events"].sum().astype(float)
    arrivals = np.sort(arrivals[arrivals > 0])
    np.testing.assert_allclose(np.array(right) / right[0], arrivals / arrivals[0])
    everything = np.sort(full.table.groupby("return_trigger")["events"].sum())
    assert len(everything) != len(arrivals) or not np.allclose(everything / everything[0], arrivals / arrivals[0])


def test_refused_comparisons_stand_in_words_and_ratios_too():
    result = fakes.rehabilitation()
    figure, ax = draw("rehabilitation", result)
    said = written(figure)
    assert "fewer than 10 returns with exercise" in said and "0.93 (0.71 to 1.22)" in said and "\u22125" in said
    marks = [line for line in ax.lines if line.get_marker() in ("o", "D")]
    assert len(marks) == result.table.loc[result.table["scale"] == "difference", "estimate"].notna().sum()
    refused = result.table.assign(estimate=np.nan, conf_low=np.nan, conf_high=np.nan, reason="too few")
    figure, _ = draw("rehabilitation", dataclasses.replace(result, table=refused))
    assert texts(figure)[0].startswith("No comparison of exercise")


def test_levels_have_a_dot_for_the_adjusted_share_and_a_ring_for_the_observed():
    result = fakes.return_factors()
    figure, ax = draw("return_factors", result)
    dots = [
        line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o" and line.get_markerfacecolor() != "none"
    ]
    rings = [line.get_xdata()[0] for line in ax.lines if line.get_markerfacecolor() == "none"]
    np.testing.assert_allclose(dots, result.table["estimate"])
    np.testing.assert_allclose(rings, result.table["unadjusted"])
    assert "Earlier episodes" in texts(figure) and "None (reference)" in texts(figure)


# -- use of treatments -------------------------------------------------------------------------------------------------


def test_sets_of_families_have_a_dot_for_each_family_and_a_bar_as_long_as_their_share():
    use = use_fakes.modality_use()
    figure, ax = draw("bundles", use)
    named = use.bundles[use.bundles["bundle"] != "other_bundles"]
    bars = [p.get_width() for p in ax.patches]
    np.testing.assert_allclose(np.array(bars) / bars[0], named["estimate"] / named["estimate"].max())
    dots = [len(line.get_xdata()) for line in ax.lines if (line.get_marker(), line.get_markersize()) == ("o", 6.0)]
    assert dots == [len(name.split("+")) for name in named["bundle"]]
    assert "All other sets together" in written(figure)


def test_a_hidden_set_and_a_hidden_order_have_no_bar():
    use = use_fakes.modality_use()
    for name, frame in (("bundles", use.bundles), ("pathway", use.pathway)):
        hidden = frame.astype({"estimate": object})
        hidden.loc[1, "estimate"] = HIDDEN
        figure, ax = draw(name, dataclasses.replace(use, **{name: hidden}))
        assert "not shown" in texts(figure) and len(ax.patches) == len(frame) - 2


def test_a_stage_out_of_order_has_another_shape_and_its_step_is_written():
    use = use_fakes.modality_use()
    paths = use.pathway.iloc[:2].assign(path=["identify > relax+circulate", "rehab > relax"])
    _, ax = draw("pathway", dataclasses.replace(use, pathway=paths))
    large = [line for line in ax.lines if line.get_markersize() == 11.0]
    assert [line.get_marker() for line in large] == ["o", "o", "o", "o", "s"]
    assert [text.get_text() for text in ax.texts if text.get_text().isdigit()] == ["1", "2", "2", "2", "1"]


def test_the_map_of_pairs_is_symmetric_and_writes_sign_and_small_numbers():
    use = use_fakes.modality_use()
    table = use.co_use.astype({"n_both": object, "phi": object})
    table.loc[0, ["n_both", "phi"]] = ["<5", HIDDEN]
    table.loc[1, ["n_both", "phi"]] = [0, -0.31]
    table.loc[2, ["n_both", "phi"]] = [120, 0.25]
    figure, _ = draw("positivity_map", dataclasses.replace(use, co_use=table))
    assert texts(figure).count("<5") == 2 and texts(figure).count("none") == 2
    assert texts(figure).count("\u22120.31") == 2 and texts(figure).count("+0.25") == 2
    own = use.first_treatment["events"]
    assert all(f"{n:,}" in texts(figure) for n in own)
    narrow = texts(draw("positivity_map", dataclasses.replace(use, co_use=table), narrow=True)[0])
    assert "1  Manual soft-tissue work" in narrow and "\u2212" in narrow


def test_visits_are_numbered_in_the_panels():
    _, ax = draw("use_by_visit", use_fakes.modality_use())
    assert len(ax.child_axes) == 9
    assert [t.get_text() for t in ax.child_axes[0].get_xticklabels()] == ["visit 1", "visit 8+"]


ANSWERED = sorted(name for name, draw in vars(figures).items() if hasattr(draw, "__wrapped__") and name != "style")


@pytest.mark.parametrize("name", ANSWERED)
def test_the_answer_to_another_question_is_refused(name):
    """A figure that finds nothing of its own in an answer says so, and not which column it looked for first."""
    other = dataclasses.make_dataclass("Stranger", ["table", "settings"])(
        pd.DataFrame({"shoe": [43]}), {"question": "size of shoes"}
    )
    with pytest.raises(InputRefused, match=r"E657 .*: answers 'size of shoes'|E657 figure: answers"):
        getattr(figures, name)(other)


def test_a_fault_of_a_figure_is_no_refusal_of_its_own_answer():
    answer = type("ModalityComparison", (), {})()
    answer.settings, answer.table = {"question": "comparison of treatments"}, pd.DataFrame({"shoe": [43]})
    with pytest.raises(KeyError):
        figures.forest(answer)


# -- rare states -------------------------------------------------------------------------------------------------------


def test_bounds_that_keep_to_the_curve_are_drawn_without_their_words():
    result = fakes.relief()
    near = result.curve.assign(
        if_none_of_stopped=result.curve["estimate"] - 0.02, if_all_of_stopped=result.curve["estimate"] + 0.02
    )
    for curve, said in ((result.curve, True), (near, False)):
        figure, ax = draw("relief_curve", dataclasses.replace(result, curve=curve))
        assert ("if all who stopped were relieved" in written(figure)) == said
        assert any(np.array_equal(line.get_ydata(), curve["if_all_of_stopped"]) for line in ax.lines)


def test_mean_returns_of_many_groups_are_a_sentence():
    result = fakes.recurrence()
    many = pd.concat([result.mean_curve.assign(group=f"g{i}") for i in range(8)], ignore_index=True)
    figure, ax = draw("mean_returns", dataclasses.replace(result, mean_curve=many))
    assert texts(figure) == ["8 groups are too many for one picture; see the table."] and not ax.lines


def test_definitions_without_the_reported_share_have_no_main_line_and_one_gap_is_joined_to_nothing():
    result = fakes.recurrence()
    table = result.definitions.astype({"estimate": object})
    table.loc[(table["kind"] == "reported") | ((table["kind"] == "gap") & (table["gap_days"] > 30)), "estimate"] = (
        HIDDEN
    )
    figure, ax = draw("gap_sensitivity", dataclasses.replace(result, definitions=table))
    assert written(figure).count("cannot be stated: too few") == 4
    assert not [line for line in ax.lines if line.get_marker() == "D" or line.get_linestyle() == ":"]
    # An interval has a line of its own; none joins two definitions.
    assert all(len(set(line.get_ydata())) == 1 for line in ax.lines)


def test_comparisons_without_ratios_have_no_heading_of_them_and_a_refused_ratio_its_reason():
    result = fakes.rehabilitation()
    is_ratio = result.table["scale"] == "hazard_ratio"
    assert "As hazard ratios" in written(draw("rehabilitation", result)[0])
    figure, _ = draw("rehabilitation", dataclasses.replace(result, table=result.table[~is_ratio]))
    assert "As hazard ratios" not in written(figure)
    refused = result.table.copy()
    refused.loc[is_ratio, ["estimate", "reason"]] = [np.nan, "no return after exercise"]
    figure, _ = draw("rehabilitation", dataclasses.replace(result, table=refused))
    assert "no return after exercise" in written(figure) and "0.93" not in written(figure)


def test_an_order_of_nothing_says_so_and_has_no_step():
    use = use_fakes.modality_use()
    paths = use.pathway.iloc[:2].assign(path=["none", "relax"])
    figure, ax = draw("pathway", dataclasses.replace(use, pathway=paths))
    assert texts(figure).count("none recorded") == 1
    assert [text.get_text() for text in ax.texts if text.get_text().isdigit()] == ["1"]
    # Without a row of them, nothing is said of all others together.
    assert not any(text.startswith("All other") for text in texts(figure))


def test_sets_without_a_row_of_others_say_nothing_of_them():
    use = use_fakes.modality_use()
    named = use.bundles[use.bundles["bundle"] != "other_bundles"]
    said = [texts(draw("bundles", dataclasses.replace(use, bundles=part))[0]) for part in (use.bundles, named)]
    assert [any(text.startswith("All other sets") for text in one) for one in said] == [True, False]


@pytest.mark.parametrize(("name", "what"), [("love_plot", "balance of arms"), ("overlap", "overlap of arms")])
def test_arms_of_levels_and_of_a_refused_contrast_are_no_picture(name, what):
    figure, _ = draw(name, modality_fakes.subgroups())
    assert texts(figure) == [f"No picture of {what}: each level has its own; see the table."]
    one = modality_fakes.one_family()
    main = one.table[(one.table["analysis"] == "adjusted") & (one.table["scale"] == "difference")]
    refused = main.loc[main["reason"] != "", "contrast"].iloc[0]
    fitted = main.loc[main["reason"] == "", "contrast"].iloc[0]
    # The number of episodes for one more relieved has no bound: no reason why the arms cannot be shown.
    assert "no bound" in " ".join(one.table.loc[one.table["contrast"] == fitted, "reason"])
    gone = {part: getattr(one, part)[getattr(one, part)["contrast"] == "x"] for part in ("balance", "overlap")}
    said = {}
    for contrast in (refused, fitted):
        with figures.style():
            ax = getattr(figures, name)(dataclasses.replace(one, **gone), contrast=contrast, ax=Figure().subplots())
        said[contrast] = [text.get_text() for text in ax.texts]
    assert said[refused] == [f"No {what}: {main.set_index('contrast').loc[refused, 'reason']}."]
    assert said[fitted] == [f"No {what}: nothing was fitted that can be shown."]


def test_a_hidden_bin_is_an_empty_dashed_one_and_the_arm_has_no_number():
    one = modality_fakes.one_family()
    table = one.overlap.astype({"n": object})
    first = table["contrast"].iloc[0]
    hidden = table.index[(table["contrast"] == first) & (table["arm"] == "with") & table["n"].isin([2, 3])]
    table.loc[hidden, "n"] = HIDDEN
    figure, ax = draw("overlap", dataclasses.replace(one, overlap=table))
    dashed = [patch for patch in ax.patches if patch.get_linestyle() == "--"]
    assert [round(patch.get_x(), 2) for patch in dashed] == [round(table.loc[i, "from_propensity"], 2) for i in hidden]
    assert not any(patch.get_fill() for patch in dashed) and {patch.get_height() for patch in dashed} == {0.12}
    assert "with it" in texts(figure) and any(text.startswith("without it: ") for text in texts(figure))


def test_a_single_quarter_of_treatments_is_bars_longest_first():
    use = fakes.modality_use()
    table = use.table[use.table["quarter"] == use.table["quarter"].iloc[0]]
    _, ax = draw("modality_mix", dataclasses.replace(use, table=table))
    bars = [patch.get_width() for patch in ax.patches][len(table) :]
    np.testing.assert_allclose(bars, sorted(table["estimate"]))
    longest = table.sort_values("estimate")["label"].iloc[-1]
    assert ax.get_yticklabels()[-1].get_text() == longest and not ax.child_axes


@pytest.mark.parametrize("name", ["spc", "quarter_lines"])
def test_a_review_of_one_quarter_names_it_once(name):
    review = fakes.quarter_review()
    first = fakes.QUARTERS[0]
    chart = review.more["chart"]
    more = {**review.more, "chart": chart[chart["quarter"] == first]}
    one = dataclasses.replace(review, table=review.table[review.table["quarter"] == first], more=more)
    _, ax = draw(name, one)
    for panel in ax.child_axes:
        assert [label.get_text() for label in panel.get_xticklabels()] == ["Q4\u00a02023"]


@pytest.mark.parametrize(
    ("estimates", "ends"),
    [([0.5, 0.9], (0.452, 0.948)), ([0.9, 0.98], (0.86, 1.0)), ([0.9, 1.0], (0.86, 1.02)), ([0.02, 0.1], (0.0, 0.14))],
)
def test_the_axis_of_a_share_keeps_to_shares_and_leaves_room_for_a_dot_at_1(estimates, ends):
    part = pd.DataFrame(dict.fromkeys(("estimate", *quarter_figures.LINES), estimates))
    ax = Figure().subplots()
    quarter_figures._share_axes(ax, ["Q1", "Q2"], part)
    assert ax.get_ylim() == pytest.approx(ends)


def test_a_line_of_exercise_names_both_arms_at_a_landmark_and_all_elsewhere():
    row = {"n_with": 1242, "n_without": float("nan"), "n": 1276}
    assert return_figures._arms(row | {"analysis": "landmark"}) == "1,242 / few"
    assert return_figures._arms(row | {"analysis": "state"}) == "1,276"


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0.7, {}),  # less than one episode in the highest bin: no round number is on this scale
        (1, {1: "1"}),
        (1.9, {1 / 1.9: "1"}),
        (4, {0.5: "2"}),
        (9, {5 / 9: "5"}),
        (10, {1: "10"}),
        (70, {5 / 7: "50"}),
        (4e6, {0.5: "2,000,000"}),
    ],
)
def test_the_scale_of_an_arm_has_a_tick_at_the_highest_round_number(highest, ticks):
    bins = pd.DataFrame({"n": [highest / 2, highest], "from_propensity": [0.0, 0.05], "to_propensity": [0.05, 0.1]})
    for sign in (1.0, -1.0):
        found = balance_figures._draw_bins(Figure().subplots(), bins, sign, {"color": "black", "hatch": None})
        assert list(found) == pytest.approx([sign * place for place in ticks])
        assert list(found.values()) == list(ticks.values())
