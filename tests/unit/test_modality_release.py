"""What the page says of comparisons of treatments: words, tables and pictures, from invented and random results."""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import modality_fakes as fakes
import release_fakes
from undrawn import leave_undrawn

from outcomes.definitions import Protocol
from outcomes.definitions.sections import ReliefRules
from outcomes.errors import NotEstimable
from outcomes.questions.modality_protocol import describe_family_trial, list_reporting_items
from outcomes.questions.reporting_items import ABSENT
from outcomes.questions.trial_table import TRIAL_COLUMNS, TRIAL_PARTS
from outcomes.release import across_questions, figures, modality_more, modality_section
from outcomes.release.across_questions import protect_answers
from outcomes.release.inputs import COMPARISONS
from outcomes.release.inputs import QUESTIONS as ALL_QUESTIONS
from outcomes.release.marks import HIDDEN
from outcomes.release.modality_figures import list_rows
from outcomes.release.modality_views import tests_table as make_tests_table
from outcomes.release.modality_words import say_concordance, say_families, say_overview, say_refused
from outcomes.release.model import FigureView, Part, TableView, Text
from outcomes.release.tables import collect_tables, name_tables, part

PACKAGE = Path(__file__).parents[2] / "src" / "outcomes"
TAGS = fakes.TAGS
FORBIDDEN = re.compile(
    r"\b(effectiv\w*|prove[sdn]?|proof|reduc\w+|works|best|worst|superior\w*|inferior\w*|caus(es|ed|al)|improv\w+|"
    r"prevent\w*|should|recommend\w*|rank\w*|league|winn\w+|outperform\w*|top|better|worse|benefit\w*|harm\w*)\b",
    re.IGNORECASE,
)
QUESTIONS = {name: getattr(fakes, name) for name in COMPARISONS}


@pytest.fixture(autouse=True)
def _pictures_are_not_drawn(monkeypatch):
    leave_undrawn(monkeypatch)


@functools.cache
def bare():
    """The invented visits and episodes, and no question asked but those of comparisons."""
    others = [name for name in ALL_QUESTIONS if name not in COMPARISONS]
    return dataclasses.replace(release_fakes.inputs(), **dict.fromkeys(others, NotEstimable("Not asked.")))


def protect(**answers):
    """By the rules of each answer; the search over all of them has tests of its own (`test_hide_more`)."""
    found = {name: make_one() for name, make_one in QUESTIONS.items()} | answers
    asked = dataclasses.replace(bare(), **found)
    return dataclasses.replace(asked, **protect_answers({name: asked.answer(name) for name in ALL_QUESTIONS}, 5))


@functools.cache
def unchanged():
    return protect()


def make(**answers):
    """The section, and the tables it was made from."""
    inputs = protect(**answers) if answers else unchanged()
    tables = collect_tables(inputs)
    return modality_section.modality_section(inputs, tables), tables


def sentences(section):
    return [
        *section.lead,
        *(s for block in section.blocks if isinstance(block, Part | Text) for s in block.sentences),
    ]


def everything_written(section):
    out = [section.title, section.tag, *(f"{s.text} {s.tag}" for s in sentences(section))]
    for block in section.blocks:
        out.append(getattr(block, "title", ""))
        if isinstance(block, FigureView):
            out += [block.alt, block.caption]
        if isinstance(block, TableView):
            out += [block.caption, block.note, *(column.heading for column in block.columns)]
            out += [cell for row in block.rows for cell in row]
    return out


# -- what cannot be said -----------------------------------------------------------------------------------------------


REASONS = (
    "too few episodes that began with this to compare",
    "only one clinician gave it to some patients and not to others: the comparison would be of one person",
    "the arms still differ after weighting, most in: first pain rating",
)


SHAKEN_COLUMNS = (
    *("contrast", "analysis", "estimate", "conf_low", "conf_high", "p_value", "q_value", "with_value", "without_value"),
    *("reason", "tag", "n_with", "events_with"),
)


def shake(result, seed, refused):
    """The same tables with random numbers, a share of the contrasts refused, and counts of every size."""
    rng = np.random.default_rng(seed)
    # In lists, and put back at once: to set single cells of a table takes longer than all that is asked of it.
    cells = {name: result.table[name].to_list() for name in SHAKEN_COLUMNS}

    def put(row, names, values):
        for name, value in zip(names, values, strict=True):
            cells[name][row] = value

    contrasts = np.array(cells["contrast"])
    for contrast in dict.fromkeys(cells["contrast"]):
        own = np.flatnonzero(contrasts == contrast)
        out = rng.random() < refused
        for i in own:
            if out or rng.random() < 0.1:
                put(i, ("estimate", "conf_low", "conf_high", "p_value", "q_value", "with_value"), [np.nan] * 6)
                put(i, ("reason", "tag"), (str(rng.choice(REASONS)), TAGS[3]))
                continue
            if cells["analysis"][i] != "interaction":
                value = float(rng.uniform(-0.5, 0.5))
                put(i, ("estimate", "conf_low", "conf_high"), (value, value - 0.1, value + 0.1))
            put(i, ("p_value", "q_value"), rng.random(2) ** 3)
            put(i, ("with_value", "without_value"), rng.random(2))
        if rng.random() < 0.2:
            few = int(rng.integers(0, 9))
            for name, n in (("n_with", few), ("events_with", min(few, 3))):
                for i in own[pd.notna(result.table[name].to_numpy())[own]]:
                    cells[name][i] = n
    table = result.table.copy()
    for name, found in cells.items():
        table[name] = pd.Series(found, index=table.index, dtype=table[name].dtype)
    least = table["q_value"].min()
    summary = result.summary | {"least_q_value": float(least), "is_signal": bool(least <= 0.1)}
    return dataclasses.replace(result, table=table, summary=summary)


def check_words(seed, refused):
    section, _ = make(**{name: shake(make_one(), seed + i, refused) for i, (name, make_one) in
                         enumerate(QUESTIONS.items())})  # fmt: skip
    for text in everything_written(section):
        assert not FORBIDDEN.search(text), text
    assert {s.tag for s in sentences(section)} <= set(TAGS)
    for block in section.blocks:
        if isinstance(block, TableView) and block.id != "identified_muscle":
            assert all(row[-1].split(" (")[0] in TAGS for row in block.rows)
        if isinstance(block, TableView) and block.id == "identified_muscle":
            assert block.note.endswith("Tag: descriptive.")
        if isinstance(block, FigureView):
            assert block.caption.endswith("Tag: adjusted association.")


SHAKEN = given(seed=st.integers(0, 10**6), refused=st.sampled_from([0.0, 0.3, 1.0]))
QUICK = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@settings(max_examples=3, **QUICK)
@SHAKEN
def test_no_forbidden_phrase_can_be_written_and_every_line_ends_with_a_tag(seed, refused):
    check_words(seed, refused)


@pytest.mark.slow
@settings(max_examples=60, **QUICK)
@SHAKEN
def test_no_forbidden_phrase_can_be_written_many_times(seed, refused):
    check_words(seed, refused)


@pytest.mark.parametrize("name", ["one_family", "all_families", "identified_muscle", "subgroups"])
@pytest.mark.parametrize("seed", [1, 2])
def test_no_forbidden_phrase_is_drawn(name, seed):
    result = shake(QUESTIONS[name](), seed, 0.4)
    for contrast in (None, result.table["contrast"].iloc[0]):
        for row in list_rows(result, contrast):
            assert not FORBIDDEN.search(f"{row.label} {row.words} {row.right}")


def strings_of(path):
    """Every text of a module that is not a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    plain = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs | plain:
            yield node.lineno, node.value


ASKED = (
    *("contrast_*", "modality_families", "modality_result", "modality_subgroups", "modality_protocol", "joint_*"),
    *("concordan*", "treating_units", "treatment_arms", "arm_balance", "reporting_items", "compare_modalities"),
)
WRITTEN = ("modality_words", "modality_views", "modality_section", "modality_figures", "balance_figures")
MODULES = [
    *(path for pattern in ASKED for path in sorted((PACKAGE / "questions").glob(f"{pattern}.py"))),
    *(PACKAGE / "release" / f"{name}.py" for name in WRITTEN),
]
ALLOWED = re.compile(
    r"effective_(with|without)|effective siz|compare_min_effective|the question, as a causal one|^top$"
)


def test_the_modules_are_there():
    assert len(MODULES) > 15


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_text_of_the_comparisons_holds_a_forbidden_phrase(path):
    """Reasons, notes and protocols too: whatever a result can hand to a page."""
    found = [(line, text) for line, text in strings_of(path) if FORBIDDEN.search(text) and not ALLOWED.search(text)]
    assert not found


def test_the_test_can_fail():
    for text in ("X is the best treatment", "massage works", "it reduces pain", "the most effective modality"):
        assert FORBIDDEN.search(text)
    assert not FORBIDDEN.search("Manual soft-tissue work, shoulder")


# -- what is said ------------------------------------------------------------------------------------------------------


def test_a_family_is_told_with_both_groups_both_differences_and_the_other_explanation_in_one_sentence():
    tables = name_tables("one_family", fakes.one_family())
    said = say_families(release_fakes.protocol(), tables)
    assert len(said) == 5
    text = said[0].text
    assert "61\u00a0%" in text and "57\u00a0%" in text and "+4 points, 95\u00a0% interval \u22122 to +10" in text
    assert "unadjusted +2" in text and "differ from those who do not" in text and "only what is recorded" in text
    assert text.count(". ") == 0 and said[0].tag == TAGS[1]


def test_families_keep_the_order_of_the_table_whatever_their_numbers():
    result = fakes.one_family()
    table = result.table.copy()
    main = (table["analysis"] == "adjusted") & (table["scale"] == "difference")
    labels = [row.label for row in list_rows(result)]
    for seed in range(3):
        shaken = np.random.default_rng(seed).permutation(table.loc[main, "estimate"].to_numpy())
        other = table.copy()
        other.loc[main, "estimate"] = shaken
        assert [row.label for row in list_rows(dataclasses.replace(result, table=other))] == labels
    assert labels == list(release_fakes.FAMILIES.values())


def test_only_a_signal_is_told_on_the_page_and_all_in_the_notebook():
    result = fakes.one_family()
    table = result.table.copy()
    own = (table["contrast"] == "active") & table["q_value"].notna()
    table.loc[own, "q_value"] = 0.04
    signal = dataclasses.replace(result, table=table, summary=result.summary | {"least_q_value": 0.04})
    section, _ = make(one_family=signal)
    text = " ".join(s.text for s in section.lead)
    assert "Worth a look, not a finding: of the families" in text and "= 0.040" in text
    assert "began with active exercise" in text
    assert "began with heat and cold" not in text
    plain, _ = make()
    assert "No signal: of the families" in " ".join(s.text for s in plain.lead)


def test_refused_families_leave_their_sentence_and_all_refused_alike_leave_one():
    tables = name_tables("one_family", fakes.one_family())
    said = [s.text for s in say_refused(tables)]
    few = "too few episodes that began with therapeutic ultrasound to compare"
    assert said[0] == f"Therapeutic ultrasound: not estimable ({few})."
    assert len(said) == 4 and {s.tag for s in say_refused(tables)} == {TAGS[3]}
    result = fakes.one_family()
    main = result.table["analysis"] == "adjusted"
    alike = result.table[main & (result.table["scale"] == "difference")].assign(reason="the arms are too unlike")
    only = say_refused({"one_family": alike})
    assert [s.text for s in only] == ["None of them: not estimable (the arms are too unlike)."]


def test_the_muscle_found_is_told_with_counts_errors_and_the_example():
    tables = name_tables("identified_muscle", fakes.identified_muscle())
    said = " ".join(s.text for s in say_concordance(release_fakes.protocol(), tables))
    assert "598 episodes had the muscle found in spasm treated and 455 another one" in said
    assert "88 were written too vaguely to tell and 350 not at all" in said
    assert "Examiners" in said or "examiners agree only moderately" in said
    assert "If 70\u00a0% of each group" in said and "with 90\u00a0% right" in said
    assert "24 episodes, 11 of them seen relieved by day 28; not compared" in said
    result = fakes.identified_muscle()
    table = result.table.copy()
    table.loc[table["contrast"] == "concordant", ["estimate", "reason", "tag"]] = [np.nan, REASONS[0], TAGS[3]]
    tables = name_tables("identified_muscle", dataclasses.replace(result, table=table))
    refused = say_concordance(release_fakes.protocol(), tables)
    assert any(s.tag == TAGS[3] and REASONS[0] in s.text for s in refused)
    assert "If 70" not in " ".join(s.text for s in refused)


def test_the_clinics_own_example_is_told_with_both_groups_where_it_can_be_compared():
    result = fakes.identified_muscle()
    own = (result.table["contrast"] == "clinic_example") & (result.table["scale"] == "difference")
    table = result.table.copy()
    table.loc[own, ["reason", "estimate", "conf_low", "conf_high", "with_value", "without_value"]] = [
        *("", 0.09, 0.02, 0.16, 0.61, 0.52),
    ]
    table.loc[own, "n_without"] = 61  # from 24 it would be called unstable
    tables = name_tables("identified_muscle", dataclasses.replace(result, table=table))
    said = say_concordance(release_fakes.protocol(), tables)[-1]
    assert said.text == (
        "The clinic's own example, hamstrings treated, stretching among the treatments, while the erectors were in "
        "spasm: 52\u00a0% were relieved by day 28, and 61\u00a0% of those with the muscle found treated (adjusted "
        "difference +9 points, 95\u00a0% interval +2 to +16); which treatment went to which muscle is not recorded."
    )
    assert said.tag == "adjusted association"


@pytest.mark.parametrize("say_it", [say_families, say_overview])
def test_a_notebook_of_a_refused_comparison_has_nothing_to_say(say_it):
    assert say_it(release_fakes.protocol(), {}) == ()


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_a_refused_question_leaves_its_reason_and_the_rest(name):
    section, _ = make(**{name: NotEstimable(f"No {name} in these records.")})
    assert [s.text for s in sentences(section) if s.text == f"No {name} in these records."]
    assert sum(isinstance(block, Part) for block in section.blocks) == 3


def test_all_refused_for_one_reason_is_one_sentence():
    reason = "Treatments cannot be compared: this export has no treatment column. Map one."
    section, _ = make(**dict.fromkeys(QUESTIONS, NotEstimable(reason)))
    assert [s.text for s in section.lead] == [reason] and not section.blocks and section.tag == TAGS[3]


def test_guideline_context_stands_apart_and_is_no_finding():
    section, _ = make()
    block = next(block for block in section.blocks if isinstance(block, Text) and block.title == "From elsewhere")
    assert all("no finding of" in s.text for s in block.sentences) and len(block.sentences) == 2
    without = fakes.one_family()
    table = without.table[without.table["contrast"] != "active"]
    section, _ = make(one_family=dataclasses.replace(without, table=table))
    block = next(block for block in section.blocks if isinstance(block, Text) and block.title == "From elsewhere")
    assert len(block.sentences) == 1


def test_every_table_of_a_comparison_is_published_and_named_on_the_page():
    section, tables = make()
    beside = ("balance", "overlap", "units", "gate", "diagnostics", "protocol", "checklist", "summary")
    assert {f"one_family_{name}" for name in beside} <= set(tables)
    more = {"identified_muscle_classes", "identified_muscle_misclassification", "all_families_pairs"}
    assert more <= set(tables)
    named = {name for block in section.blocks for name in getattr(block, "csv", "").split()}
    wanted = {name for name in tables if name.startswith(tuple(QUESTIONS))}
    assert wanted == named
    assert len(part(fakes.identified_muscle(), "classes")) == len(fakes.CLASSES)


def test_levels_that_cannot_be_tested_leave_one_line_and_their_files():
    result = fakes.subgroups()
    table = result.table.copy()
    table.loc[table["analysis"] == "interaction", ["p_value", "q_value"]] = np.nan
    section, tables = make(subgroups=dataclasses.replace(result, table=table))
    view = next(block for block in section.blocks if isinstance(block, TableView) and block.id == "subgroups")
    assert [row[-1] for row in view.rows] == ["not estimable (fewer than two levels can be compared)"]
    assert {name for name in tables if name.startswith("subgroups")} == set(view.csv.split())


def test_overview_says_how_many_could_be_compared():
    tables = name_tables("one_family", fakes.one_family())
    first = say_overview(release_fakes.protocol(), tables)[0].text
    assert "5 of 9 families could be compared in 1,552 new episodes" in first


# -- the trial and the items of a report -------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [0, 7])
def test_the_trial_has_every_part_and_takes_its_numbers_from_the_protocol(window):
    episodes = release_fakes.episodes()
    episodes.protocol = Protocol()
    found = describe_family_trial(episodes, window)
    assert list(found.columns) == list(TRIAL_COLUMNS) and found["part"].tolist() == list(TRIAL_PARTS)
    said = found.set_index("part")["emulated"]
    assert "by day 28" in said["Outcome"] and "not contradicted at the next" in said["Outcome"]
    assert "Assumed: nothing else decides both" in said["Assignment"]
    assert ("days 0 to 7" in said["Strategies"]) == (window == 7) == ("7 days after" in said["Time zero"])
    episodes.protocol = dataclasses.replace(Protocol(), relief=ReliefRules(confirm="strict", pct_reduction=40))
    outcome = describe_family_trial(episodes).set_index("part").loc["Outcome"]
    assert "at least 40 % below the first, and again at the next," in outcome["emulated"]
    assert outcome["ideal"] == "Pain at least 40 % below the first rating by day 28."


@pytest.mark.parametrize(("primary", "end"), [(28, 42), (60, 60)])
def test_follow_up_of_the_trial_lasts_to_the_day_of_its_outcome(primary, end):
    episodes = release_fakes.episodes()
    days = {"relief": [14, 28, 60], "primary": primary}
    episodes.protocol = Protocol.from_mapping({"horizons_days": days})
    said = describe_family_trial(episodes).set_index("part").loc["Follow-up"]
    assert said["ideal"].startswith(f"{end} days") and said["emulated"].startswith(f"{end} days, to the last rating")


def test_reporting_items_are_those_of_the_lists_once_each_and_say_what_is_not_in_the_records():
    found = list_reporting_items(release_fakes.episodes())
    assert not found.duplicated(["list", "item"]).any()
    numbers = {name: {re.match(r"\d+", item)[0] for item in part["item"]} for name, part in found.groupby("list")}
    assert numbers["TARGET"] == {str(i) for i in range(1, 22)} and numbers["STROBE"] == {str(i) for i in range(1, 23)}
    record = ["1.1", "1.2", "1.3", "6.1", "6.2", "6.3", "7.1", "12.1", "12.2", "12.3", "13.1", "19.1", "22.1"]
    assert found.loc[found["list"] == "RECORD", "item"].tolist() == record
    missing = found[found["where"].str.startswith(ABSENT)].set_index(["list", "item"])["where"]
    for item in (("TARGET", "17"), ("TARGET", "20"), ("STROBE", "22"), ("RECORD", "6.2"), ("RECORD", "12.3")):
        assert len(missing[item]) > len(ABSENT)
    assert "ledger" in found.set_index(["list", "item"]).loc[("RECORD", "13.1"), "where"]


def test_without_a_calendar_the_period_is_not_in_the_records():
    found = list_reporting_items(release_fakes.episodes(False)).set_index(["list", "item"])["where"]
    assert "no calendar" in found["RECORD", "1.2"] and "the region" in found["RECORD", "1.2"]
    assert "no calendar" not in list_reporting_items(release_fakes.episodes()).to_string()


# -- pictures ----------------------------------------------------------------------------------------------------------


def draw(plot, result, narrow=False, **options):
    with figures.style():
        figure = Figure(figsize=(3.7, 7.0) if narrow else (7.2, 5.0), layout="constrained")
        ax = plot(result, ax=figure.subplots(), narrow=narrow, **options)
    return figure, ax


def written(figure):
    found = figure.findobj(match=lambda a: hasattr(a, "get_text"))
    return " ".join(text.get_text().replace("\n", " ") for text in found)


def test_the_forest_draws_each_difference_its_interval_and_the_unadjusted_ring():
    result = fakes.one_family()
    figure, ax = draw(figures.forest, result)
    table = result.table[result.table["scale"] == "difference"]
    main = table[table["analysis"] == "adjusted"]["estimate"].dropna()
    crude = table[table["analysis"] == "unadjusted"]["estimate"]
    rings = [line.get_xdata()[0] for line in ax.lines if line.get_markerfacecolor() == "none"]
    dots = [
        line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o" and line.get_markerfacecolor() != "none"
    ]
    np.testing.assert_allclose(dots, main)
    np.testing.assert_allclose(rings, crude)
    said = written(figure)
    assert "too few episodes that began with needling to compare" in said
    assert "366 of 600 / 513 of 900" in said and "without it" in said and "with it" in said


def test_the_forest_of_one_family_has_every_line_and_an_unknown_one_says_which_there_are():
    result = fakes.one_family()
    figure, ax = draw(figures.forest, result, contrast="thermal")
    own = result.table[result.table["contrast"] == "thermal"]
    assert sum(line.get_marker() == "D" for line in ax.lines) == 1
    said = written(figure)
    for label in own.loc[own["scale"] == "difference", "analysis_label"]:
        assert label[1:20] in said
    assert "Ratio of the shares relieved" in said and "1.07 (1.01 to 1.13)" in said and "has no bound" in said
    figure, _ = draw(figures.forest, result, contrast="massage")
    assert written(figure).strip().startswith("No comparison 'massage'. Choose one of: manual_soft_tissue")


def test_the_forest_of_levels_has_the_test_under_its_levels():
    figure, _ = draw(figures.forest, fakes.subgroups(), contrast="joint_techniques")
    said = written(figure)
    assert "Erector spinae" in said and "Do the levels differ?" in said and "q 0.80" in said


def test_balance_is_drawn_without_sign_and_what_is_not_adjusted_for_is_another_mark():
    result = fakes.one_family()
    figure, ax = draw(figures.love_plot, result, contrast="joint_techniques")
    own = result.balance[result.balance["contrast"] == "joint_techniques"]
    rings = [line.get_xdata()[0] for line in ax.lines if line.get_markerfacecolor() == "none"]
    np.testing.assert_allclose(rings, own["smd_before"].abs())
    assert sum(line.get_marker() == "x" for line in ax.lines) == (~own["is_adjusted"]).sum() == 1
    assert "Payer (not adjusted for)" in written(figure) and "noted" in written(figure)
    figure, _ = draw(figures.love_plot, result, contrast="nothing")
    assert written(figure).strip().startswith("No balance of arms")


def test_overlap_is_mirrored_its_areas_are_episodes_and_hidden_bins_are_not_drawn():
    result = fakes.one_family()
    _, ax = draw(figures.overlap, result, contrast="thermal")
    bars = [p for p in ax.patches if p.get_linestyle() != "--" and p.get_height()]
    for arm, sign in (("with", 1), ("without", -1)):
        own = result.overlap[(result.overlap["contrast"] == "thermal") & (result.overlap["arm"] == arm)]
        own = own[own["n"] > 0]
        heights = np.array([sign * p.get_height() for p in bars if np.sign(p.get_height()) == sign])
        np.testing.assert_allclose(heights, own["n"] / own["n"].max())  # all bins of one width
    assert {bool(p.get_hatch()) for p in bars} == {True, False}
    hidden = result.overlap.astype({"n": object}).assign(n="hidden")
    figure, _ = draw(figures.overlap, dataclasses.replace(result, overlap=hidden))
    assert written(figure).strip().startswith("No overlap of arms")


def overlaps(figure):
    from matplotlib.text import Text as Words

    figure.draw_without_rendering()
    shown = [t for t in figure.findobj(Words) if t.get_text().strip() and t.get_visible()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in shown]
    return [
        (a, b)
        for i, (a, box) in enumerate(boxes)
        for b, other in boxes[i + 1 :]
        if box.x0 < other.x1 - 1 and other.x0 < box.x1 - 1 and box.y0 < other.y1 - 1 and other.y0 < box.y1 - 1
    ]


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", list(QUESTIONS))
def test_no_label_of_a_forest_lies_on_another(name, narrow):
    from outcomes.release.modality_figures import forest_height

    result = QUESTIONS[name]()
    for contrast in (None, result.table["contrast"].iloc[0]):
        with figures.style():
            size = (3.7 if narrow else 7.2, forest_height(result, narrow, contrast))
            figure = Figure(figsize=size, layout="constrained")
            figures.forest(result, ax=figure.subplots(), narrow=narrow, contrast=contrast)
            assert not overlaps(figure)


def test_frames_of_a_result_are_not_changed_by_what_is_drawn_or_said():
    result = fakes.one_family()
    before = result.table.copy()
    draw(figures.forest, result)
    say_families(release_fakes.protocol(), name_tables("one_family", result))
    pd.testing.assert_frame_equal(result.table, before)


def test_in_a_column_of_p_values_only_less_than_has_a_sign():
    result = fakes.subgroups()
    tests = result.table["analysis"] == "interaction"
    for p, said in ((0.671, "0.671"), (0.0004, "< 0.001")):
        table = result.table.assign(p_value=result.table["p_value"].mask(tests, p))
        view = make_tests_table({"subgroups": table})[0]
        column = [one.heading for one in view.columns].index("p")
        assert {row[column] for row in view.rows} == {said}


def test_a_small_number_of_a_comparison_is_a_mark_in_its_summary():
    result = SimpleNamespace(summary={"n": 3, "n_events": 0, "n_patients": 40, "day": 3}, more={})
    assert modality_more.protect_summary(result, 5) == {"n": "<5", "n_events": 0, "n_patients": 40, "day": 3}


def test_all_relieved_are_hidden_in_one_answer_where_the_other_hides_them():
    """Those seen relieved are the relieved of the question on returns: the one number stands in two tables."""
    for n_relieved, shown in ((HIDDEN, HIDDEN), (64, 64)):
        relief = dataclasses.replace(release_fakes.relief(), summary={"n": 90, "n_events": 64})
        recurrence = dataclasses.replace(release_fakes.recurrence(), summary={"n_relieved": n_relieved})
        out = {"relief": relief, "recurrence": recurrence}
        across_questions._hide_all_relieved(out)
        assert out["relief"].summary == {"n": 90, "n_events": shown}
