"""The review of the quarters as published: small numbers, sentences, tables and pictures."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import release_fakes as fakes
from undrawn import leave_undrawn

from outcomes.release import figures, quarter_figures
from outcomes.release.disclosure import hide_around
from outcomes.release.marks import HIDDEN, write_mark
from outcomes.release.quarter_disclosure import protect_review
from outcomes.release.quarter_section import quarter_section, say_verdict
from outcomes.release.row_numbers import list_row_numbers
from outcomes.release.sentences import format_percent
from outcomes.release.tables import collect_tables

SMALL_QUARTER = fakes.QUARTERS[4]


@pytest.fixture
def review():
    return fakes.quarter_review()


@pytest.fixture
def few(review):
    """A review in which three patients stopped in one quarter."""
    table, chart = review.table.copy(), review.more["chart"].copy()
    for frame in (table, chart):
        row = (frame["indicator"] == "silent_stop") & (frame["quarter"] == SMALL_QUARTER)
        frame.loc[row, "events"] = 3
    return dataclasses.replace(review, table=table, more={**review.more, "chart": chart})


def of(table, name, quarter=SMALL_QUARTER, column="quarter"):
    row = table[(table["indicator"] == name) & (table[column] == quarter)]
    assert len(row) == 1
    return row.iloc[0]


# -- small numbers -----------------------------------------------------------------------------------------------------


def test_without_small_numbers_nothing_is_hidden(review):
    protected = protect_review(review, 5)
    for name, table in {"table": protected.table, **protected.more}.items():
        assert not (table.astype(object) == HIDDEN).any().any(), name


def test_visits_that_the_volume_hides_stand_nowhere_else_of_the_review(review):
    """Completeness is a share of the same visits: with its numbers the volume's hidden quarter stood beside it."""
    volume = review.more["volume"].copy()
    volume["visits"] = [3.0, 40.0, *[400.0] * (len(volume) - 2)]
    first, second, third = volume["quarter"][:3]
    numbers = {"n": 200, "events": 100, "estimate": 0.5}
    recording = pd.DataFrame([{"quarter": q, "clinic": c, **numbers} for q in (first, second, third) for c in "AB"])
    recording = recording.reindex(columns=list(review.more["recording"].columns))
    table = review.table.copy()
    own = table["indicator"] == "pain_recorded"
    table.loc[own, ["n", "events"]] = [400, 200]
    found = protect_review(
        dataclasses.replace(review, table=table, more={**review.more, "volume": volume, "recording": recording}), 5
    )
    is_told = {
        quarter: not isinstance(of(found.table, "pain_recorded", quarter)["n"], str)
        for quarter in found.more["volume"]["quarter"]
    }
    assert [quarter for quarter, told in is_told.items() if not told] == [first, second]
    for frame in (found.table, found.more["chart"]):
        row = of(frame, "pain_recorded", second)
        assert [row[name] for name in ("n", "events", "estimate")] == [HIDDEN] * 3
    by_clinic = found.more["recording"].set_index("quarter")["n"]
    assert all(isinstance(n, str) for n in by_clinic[second]) and by_clinic[third].tolist() == [200, 200]


def test_nothing_is_judged_by_lines_that_are_hidden(few):
    chart = few.more["chart"].copy()
    own = (chart["indicator"] == "silent_stop").to_numpy()
    chart.loc[own, ["signal", "direction", "word"]] = "shift", 1, "improvement"
    marked = dataclasses.replace(few, more={**few.more, "chart": chart})
    found = protect_review(marked, 5)
    for table in ("chart", "verdicts"):
        rows = found.more[table][found.more[table]["indicator"] == "silent_stop"]
        assert set(rows["word"]) == {""} and set(rows["signal"]) == {""}
    verdict = of(found.more["verdicts"], "silent_stop", "silent_stop", "indicator")
    assert verdict["brief"] == "cannot be judged: lines hidden" and verdict["verdict"].startswith("cannot be judged: ")
    others = found.more["verdicts"][found.more["verdicts"]["indicator"] != "silent_stop"]
    assert not others["verdict"].str.startswith("cannot").any()
    captions = [
        next(b for b in shown(one)[0].blocks if getattr(b, "id", "") == "figure-quarters").caption
        for one in (protect_review(marked, 5), protect_review(marked, 0))
    ]
    assert ["nothing is judged there" in caption for caption in captions] == [True, False]
    # Nor is a mark drawn from a table that still had its words.
    panel = panels("spc", dataclasses.replace(found, more={**found.more, "chart": _with_words(found.more["chart"])}))
    squares = [line for line in panel["Stopped, not relieved, by day 90"].lines if line.get_marker() == "s"]
    assert not squares


def test_the_summary_of_the_review_judges_nothing_that_its_verdicts_do_not(few):
    """It repeats the verdicts, and a release carries it: what lines say that are hidden stood there once."""
    said = dict(zip(few.more["verdicts"]["indicator"], few.more["verdicts"]["verdict"], strict=True))
    summary = {**few.summary, "verdict": said, **{f"verdict_{name}": words for name, words in said.items()}}
    full = dataclasses.replace(few, summary=summary)
    later = full.table.copy()
    later["estimate"] = later["estimate"].astype(object)
    own = (later["indicator"] == "silent_stop") & (later["quarter"] == SMALL_QUARTER)
    later.loc[own, "estimate"] = HIDDEN  # as a search of the tables together leaves it
    for found in (protect_review(full, 5), hide_around(dataclasses.replace(full, table=later))):
        verdict = of(found.more["verdicts"], "silent_stop", "silent_stop", "indicator")["verdict"]
        assert verdict.startswith("cannot be judged: ")
        assert found.summary["verdict_silent_stop"] == found.summary["verdict"]["silent_stop"] == verdict
        assert found.summary["verdict_relieved_by_28"] == said["relieved_by_28"]
        assert found.summary.keys() == summary.keys()


def _with_words(chart):
    return chart.assign(word="improvement")


def test_a_hidden_quarter_cannot_be_worked_out(few):
    found = protect_review(few, 5)
    row = of(found.table, "silent_stop")
    assert row["events"] == "<5"
    assert all(row[name] == HIDDEN for name in ("estimate", "conf_low", "effective_n", "standardised", "std_conf_low"))
    # Observed and expected agree over all quarters, and a centre is the mean of its points.
    part = found.table[found.table["indicator"] == "silent_stop"]
    assert (part.loc[part["mature"], "expected"] == HIDDEN).all()
    chart = found.more["chart"]
    lines = chart.loc[(chart["indicator"] == "silent_stop"), ["centre", "low", "high", "near_low", "near_high"]]
    assert not lines.map(lambda value: isinstance(value, float) and value == value).any().any()
    assert of(chart, "silent_stop")["estimate"] == HIDDEN
    assert "silent_stop" not in set(found.more["expected"]["indicator"])
    other = found.table[found.table["indicator"] == "relieved_by_28"]
    pd.testing.assert_frame_equal(other, few.table[few.table["indicator"] == "relieved_by_28"], check_dtype=False)


def test_what_is_hidden_later_takes_as_much_with_it(review, few):
    # As `hide_more` does, in a review that hides nothing: the events of a quarter, and the numbers of its row.
    changes = review.more["changes"].copy()
    changes.loc[changes["against"] == "quarter before", "quarter_against"] = SMALL_QUARTER
    review, few = (dataclasses.replace(one, more={**one.more, "changes": changes}) for one in (review, few))
    table = protect_review(review, 5).table
    row = ((table["indicator"] == "silent_stop") & (table["quarter"] == SMALL_QUARTER)).to_numpy()
    for name in list_row_numbers("quarter_review", "events", table.columns):
        write_mark(table, name, row & table[name].notna().to_numpy(), HIDDEN)
    late = hide_around(dataclasses.replace(review, table=table))
    first = protect_review(few, 5)
    for name in ("expected", "observed_minus_expected", "observed_to_expected", "standardised"):
        pd.testing.assert_series_equal(late.table[name] == HIDDEN, first.table[name] == HIDDEN)
    for name in ("chart", "verdicts", "changes"):
        hidden = [(one.more[name].astype(object) == HIDDEN).sum().sum() for one in (late, first)]
        assert hidden[0] == hidden[1] > 0, name
    for name in ("signal", "word", "direction"):
        assert late.more["chart"][name].tolist() == first.more["chart"][name].tolist()
    assert late.more["expected"]["indicator"].tolist() == first.more["expected"]["indicator"].tolist()
    assert late.more["chart_months"]["indicator"].tolist() == first.more["chart_months"]["indicator"].tolist()


def test_a_difference_with_a_hidden_side_is_hidden(few):
    changes = few.more["changes"].copy()
    row = changes["indicator"] == "silent_stop"
    changes.loc[row & (changes["against"] == "quarter before"), "quarter_against"] = SMALL_QUARTER
    found = protect_review(dataclasses.replace(few, more={**few.more, "changes": changes}), 5).more["changes"]
    hidden = found[(found["indicator"] == "silent_stop") & (found["against"] == "quarter before")]
    assert (hidden["value_against"] == HIDDEN).all() and (hidden["estimate"] == HIDDEN).all()
    assert not (hidden["value"] == HIDDEN).any()
    rest = found.drop(hidden.index)
    assert not (rest.astype(object) == HIDDEN).any().any()


def test_an_indicator_with_a_small_month_has_no_months(review):
    months = review.more["expected"].copy()
    months.loc[(months["indicator"] == "silent_stop") & (months["month"] == "2024-05"), "events"] = 2
    chart_months = pd.DataFrame([("2024-05", "relieved_by_28", 30, 28)], columns=["month", "indicator", "n", "events"])
    more = {**review.more, "expected": months, "chart_months": chart_months}
    found = protect_review(dataclasses.replace(review, more=more), 5).more
    assert found["expected"].empty and found["chart_months"].empty


def test_a_small_clinic_hides_its_quarter(review):
    row = of(review.table, "pain_recorded")
    n, events = int(row["n"]), int(row["events"])
    rows = [
        (SMALL_QUARTER, "C1", n - 20, events - 18, 0.9, 0.8, 0.95, 0.01, -0.1, 0.1, False),
        (SMALL_QUARTER, "C2", 20, 18, 0.9, 0.8, 0.95, 0.01, -0.1, 0.1, False),
        (fakes.QUARTERS[5], "C1", 500, 400, 0.8, 0.75, 0.85, 0.01, -0.1, 0.1, False),
    ]
    columns = ["quarter", "clinic_id", "n", "events", "estimate", "conf_low", "conf_high"]
    recording = pd.DataFrame(rows, columns=[*columns, "difference", "diff_conf_low", "diff_conf_high", "jumped"])
    found = protect_review(dataclasses.replace(review, more={**review.more, "recording": recording}), 5).more[
        "recording"
    ]
    small = found[found["quarter"] == SMALL_QUARTER]
    # Two of C2's visits had no score: C1 is hidden with it, for the whole is published.
    assert small["estimate"].tolist() == [HIDDEN] * 2 and small["events"].tolist() == [HIDDEN] * 2
    assert (found["difference"] == HIDDEN).all()
    assert found.loc[found["quarter"] == fakes.QUARTERS[5], "events"].tolist() == [400]


def test_patients_who_started_twice_are_not_told_by_subtraction(review):
    volume = review.more["volume"].copy()
    volume.loc[0, ["episodes_started", "patients"]] = [900.0, 898.0]
    volume.loc[1, ["episodes_started", "patients", "n"]] = [3.0, 3.0, 3]
    found = protect_review(dataclasses.replace(review, more={**review.more, "volume": volume}), 5).more["volume"]
    assert found.loc[0, "patients"] == HIDDEN and found.loc[0, "episodes_started"] == 900
    # The quarters add up to all episodes: another is hidden with the small one, and which is which is not told.
    assert (found["episodes_started"] == HIDDEN).sum() == 2
    assert found.loc[1, "episodes_started"] == HIDDEN and found.loc[1, "visits_per_episode"] == HIDDEN


# -- the section -------------------------------------------------------------------------------------------------------


def shown(review, drawn=False):
    """The section and its tables; drawing its pictures takes a second, and few tests look at them."""
    inputs = dataclasses.replace(fakes.inputs(), quarter_review=review)
    tables = collect_tables(inputs)
    with pytest.MonkeyPatch.context() as patch:
        if not drawn:
            leave_undrawn(patch)
        return quarter_section(inputs, tables), tables


def test_each_indicator_has_a_sentence_that_says_what_its_chart_says(review):
    section, tables = shown(review)
    text = next(block for block in section.blocks if block.kind == "text")
    assert len(text.sentences) == 6 and all(s.tag == "signal / no signal" for s in text.sentences)
    first = text.sentences[0].text
    assert first.startswith("Relieved by day 28: ") and first.endswith("signal: above the limits; look for a reason.")
    assert "no evidence of a change" in text.sentences[1].text
    assert say_verdict(tables, "nothing") is None


def test_a_hidden_value_leaves_a_sentence_without_it(review):
    verdict = review.more["verdicts"].set_index("indicator").loc["silent_stop"]
    table = review.table.copy()
    row = (table["indicator"] == "silent_stop") & (table["quarter"] == verdict["quarter"])
    table.loc[row, "events"] = 2
    section, _ = shown(protect_review(dataclasses.replace(review, table=table), 5))
    text = next(block for block in section.blocks if block.kind == "text")
    assert any("rests on too few to be shown" in s.text for s in text.sentences)


def test_tables_and_pictures_of_the_section(review):
    section, _ = shown(review, drawn=True)
    ids = [block.id for block in section.blocks if block.kind in ("table", "figure")]
    assert ids == [
        *("figure-quarters", "quarter_review_changes", "figure-observed-expected"),
        *("quarter_review", "quarter_review_volume"),
    ]
    figure = next(block for block in section.blocks if getattr(block, "id", "") == "figure-quarters")
    assert "A, Q3\u00a02025: pain score made mandatory." in figure.caption
    words = set(review.more["chart"]["word"])
    for mark, word in (("Square", "improvement"), ("Diamond", "concern"), ("Triangle", "change")):
        assert (f"{mark}: {word}" in figure.caption) == (word in words)  # only the marks that are there
    changes = next(block for block in section.blocks if getattr(block, "id", "") == "quarter_review_changes")
    assert len(changes.rows) == 6 and all(len(row) == len(changes.columns) for row in changes.rows)
    volume = next(block for block in section.blocks if getattr(block, "id", "") == "quarter_review_volume")
    assert volume.rows[-1][1].isdigit()


def test_without_breaks_no_letter_is_explained_and_a_cusum_alone_has_a_caption_of_its_own(review, watched):
    chart = review.more["chart"].assign(break_reason="")
    figure = figure_of(dataclasses.replace(review, more={**review.more, "chart": chart}), "figure-quarters")
    assert (
        "Dotted upright lines" not in figure.caption
        and "Dotted upright lines" in figure_of(review, "figure-quarters").caption
    )
    alone = dataclasses.replace(watched, more={**watched.more, "expected": watched.more["expected"].iloc[:0]})
    figure = figure_of(alone, "figure-observed-expected")
    assert figure.caption.startswith("CUSUM, Stopped: a signal of improvement and concern. CUSUM: the last ")
    assert "events expected" not in figure.caption


def figure_of(review, name):
    return next(block for block in shown(review)[0].blocks if getattr(block, "id", "") == name)


# -- pictures ----------------------------------------------------------------------------------------------------------


def panels(name, review):
    with figures.style():
        ax = Figure(figsize=(7.2, 4.0)).add_axes((0, 0, 1, 1))
        getattr(figures, name)(review, ax=ax)
    return {panel.get_title(loc="left").replace("\n", " "): panel for panel in ax.child_axes}


def test_the_chart_draws_values_lines_breaks_and_marks_by_shape(review):
    chart = review.more["chart"].copy()
    row = (chart["indicator"] == "relieved_by_28") & chart["mature"]
    words = ["improvement", "concern", "change"]
    chart.loc[chart.index[row][:3], "word"] = words
    found = panels("spc", dataclasses.replace(review, more={**review.more, "chart": chart}))
    panel = found["Relieved by day 28"]
    marks = {line.get_marker(): len(line.get_xdata()) for line in panel.lines if line.get_linestyle() == "None"}
    assert [marks[quarter_figures.MARKS[word][0]] for word in words] == [1, 1, 1]
    assert len({marker for marker, _ in quarter_figures.MARKS.values()}) == len(words)
    values = [np.asarray(line.get_ydata(), dtype=float) for line in panel.lines if line.get_marker() == "o"]
    assert np.isnan(values[0][-1]) and np.isfinite(values[0]).sum() == 11
    assert "A" in [text.get_text() for text in panel.texts]
    dashed = [line for line in panel.lines if line.is_dashed()]
    assert len(dashed) >= 4


def test_an_immature_value_is_never_drawn(review):
    chart = review.more["chart"].copy()
    chart.loc[~chart["mature"], "estimate"] = 0.99
    found = panels("spc", dataclasses.replace(review, more={**review.more, "chart": chart}))
    for panel in found.values():
        line = next(line for line in panel.lines if line.get_marker() == "o")
        assert np.nanmax(np.asarray(line.get_ydata(), dtype=float)) < 0.99


def test_the_number_of_a_panel_is_never_one_of_an_earlier_quarter(review):
    chart = review.more["chart"].copy()
    own = (chart["indicator"] == "silent_stop") & chart["mature"]
    heads = []
    for gone in ([], chart.index[own][-1:]):
        blanked = chart.assign(estimate=chart["estimate"].mask(chart.index.isin(gone)))
        panel = panels("spc", dataclasses.replace(review, more={**review.more, "chart": blanked}))
        heads.append(panel["Stopped, not relieved, by day 90"].get_title(loc="right"))
    newest = float(chart.loc[own, "estimate"].iloc[-1])
    assert heads == [format_percent(newest), ""]


def test_the_lead_counts_the_indicators_there_are(review):
    section, _ = shown(review)
    assert "six indicators are watched" in section.lead[0].text
    kept = review.table[review.table["indicator"] != "active_before_landmark"]
    chart = review.more["chart"]
    more = {**review.more, "chart": chart[chart["indicator"] != "active_before_landmark"]}
    section, _ = shown(dataclasses.replace(review, table=kept, more=more))
    assert "five indicators are watched" in section.lead[0].text and "watches six" in section.lead[0].text


@pytest.fixture
def watched(review):
    """The review with a CUSUM that signals a fall in its second month and a rise in its third."""
    columns = {"up": [0.5, 2.0, 6.0, 1.0], "down": [1.0, 6.2, 0.0, 3.0], "signal": [0, -1, 1, 0]}
    head = {"indicator": "silent_stop", "label": "Stopped", "month": ["2024-01", "2024-02", "2024-03", "2024-04"]}
    words = ["", "improvement", "concern", ""]
    cusum = pd.DataFrame({**head, "n": 90, **columns, "limit_up": 5.0, "limit_down": 5.5, "word": words})
    return dataclasses.replace(review, more={**review.more, "cusum": cusum})


def test_the_cusum_stands_beside_the_sums_with_its_limits_and_signal(watched):
    panel = panels("observed_expected", watched)["CUSUM: Stopped"]
    drawn = [np.asarray(line.get_ydata(), dtype=float).tolist() for line in panel.lines]
    months = sorted(set(watched.more["cusum"]["month"]) | set(watched.more["expected"]["month"]))
    second, third = (months.index(month) for month in ("2024-02", "2024-03"))
    for wanted in ([0.5, 2.0, 6.0, 1.0], [-1.0, -6.2, 0.0, -3.0], [5.0] * 4, [-5.5] * 4):
        assert wanted in drawn
    # A rise of silent stops is a concern and a fall an improvement: another mark, not the same one.
    for word, at in (("concern", [[third, 6.0]]), ("improvement", [[second, -6.2]])):
        marked = [line for line in panel.lines if line.get_marker() == quarter_figures.MARKS[word][0]]
        assert [line.get_xydata().tolist() for line in marked] == [at]
    low, high = panel.get_ylim()
    assert low < -6.2 and high > 6.0
    assert [tick.get_text() for tick in panel.get_yticklabels()] == ["fall", "0", "rise"]


def test_the_cusum_alone_is_drawn_too(watched):
    alone = {**watched.more, "expected": watched.more["expected"].iloc[:0]}
    assert list(panels("observed_expected", dataclasses.replace(watched, more=alone))) == ["CUSUM: Stopped"]


def test_sums_and_cusum_have_one_axis_of_time_and_rings_are_named_where_they_are(watched):
    limits = {label: ax.get_xlim() for label, ax in panels("observed_expected", watched).items()}
    assert len(limits) > 1 and len(set(limits.values())) == 1
    rings = []
    for beyond in (False, True):
        more = {**watched.more, "expected": watched.more["expected"].assign(beyond=beyond)}
        figure = next(
            b
            for b in shown(dataclasses.replace(watched, more=more))[0].blocks
            if getattr(b, "id", "") == "figure-observed-expected"
        )
        rings.append("Rings: outside." in figure.caption)
    assert rings == [False, True]


def test_sums_inside_their_limits_lie_folded_and_those_that_signal_do_not(watched):
    cusum = watched.more["cusum"].assign(word="")
    for beyond, is_folded in ((False, True), (True, False)):
        more = {**watched.more, "cusum": cusum, "expected": watched.more["expected"].assign(beyond=beyond)}
        blocks = shown(dataclasses.replace(watched, more=more))[0].blocks
        figure = next(b for b in blocks if getattr(b, "id", "") == "figure-observed-expected")
        assert figure.folded == is_folded
    assert not next(b for b in shown(watched)[0].blocks if getattr(b, "id", "") == "figure-observed-expected").folded


def test_words_of_the_sums_say_what_the_cusum_said(watched):
    figure = next(b for b in shown(watched)[0].blocks if getattr(b, "id", "") == "figure-observed-expected")
    assert "CUSUM, Stopped: a signal of improvement and concern." in str(figure.alt)
    assert "1.5 times" in str(figure.caption) and "Square: improvement. Diamond: concern." in str(figure.caption)


def test_sums_outside_their_limits_have_a_mark(review):
    sums = review.more["expected"].copy()
    sums.loc[[3, 4], "beyond"] = True
    found = panels("observed_expected", dataclasses.replace(review, more={**review.more, "expected": sums}))
    marked = [line for line in found["Relieved by day 28"].lines if line.get_marker() == quarter_figures.OUTSIDE]
    assert len(marked) == 1 and list(marked[0].get_xdata()) == [3, 4]


def test_a_panel_without_a_value_says_whether_it_is_too_early_or_too_few(review):
    chart = review.more["chart"].copy()
    for name, mature in (("relieved_by_28", True), ("returned_by_182", False)):
        own = chart["indicator"] == name
        chart.loc[own, ["estimate", "mature"]] = [np.nan, mature]
    found = panels("spc", dataclasses.replace(review, more={**review.more, "chart": chart}))
    said = {name.split()[0]: [text.get_text() for text in panel.texts] for name, panel in found.items()}
    assert said["Relieved"] == ["Too few to be shown."] and said["Returned"] == ["Too early to tell."]
    assert not next(panel for name, panel in found.items() if name.startswith("Relieved")).axison
