"""Invented answers for every figure, at the edges too: a hidden share, one quarter, many groups, names too long.

Each function gives the name of a figure, an answer, and what else the figure is told. What they draw is kept
(`kept_drawings.py`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import modality_fakes
import numpy as np
import pandas as pd
import release_fakes as fakes
import use_fakes
from matplotlib.figure import Figure

from outcomes.release import (
    balance_figures,
    factor_figure,
    modality_figures,
    pathway_figure,
    return_figures,
    use_figures,
)
from outcomes.release.marks import HIDDEN
from outcomes.release.public import figures as public

Drawn = Iterator[tuple[str, Any, dict[str, Any]]]
SIZES = ((7.2, 4.0), (3.7, 5.5))


def change(answer: Any, name: str, **columns: Any) -> Any:
    """Return an answer with other columns in one of its tables."""
    return dataclasses.replace(answer, **{name: getattr(answer, name).assign(**columns)})


def hide(answer: Any, name: str, *rows: int, columns: tuple[str, ...] = ("estimate",)) -> Any:
    """Return an answer in which cells of one of its tables are hidden."""
    table = getattr(answer, name).astype(dict.fromkeys(columns, object))
    table.loc[table.index[list(rows)], list(columns)] = HIDDEN
    return dataclasses.replace(answer, **{name: table})


def grow(answer: Any, name: str, n: int, lower: float = 0.93) -> Any:
    """Return an answer with several groups in one of its curves, each lower than the one before."""
    table = getattr(answer, name)
    numbers = [c for c in ("estimate", "conf_low", "conf_high") if c in table]
    parts = [table.assign(group=f"group {i + 1}", **{c: table[c] * lower**i for c in numbers}) for i in range(n)]
    return dataclasses.replace(answer, **{name: pd.concat(parts, ignore_index=True)})


def take(answer: Any, name: str, rows: Any) -> Any:
    """Return an answer with some rows of one of its tables."""
    return dataclasses.replace(answer, **{name: getattr(answer, name).loc[rows]})


def draw_relief() -> Drawn:
    """Curves of relief and of its ends."""
    relief, near = fakes.relief(), fakes.relief().curve["estimate"]
    alone = relief.curve.drop(columns=["upper", "band_low", "band_high", "if_none_of_stopped", "if_all_of_stopped"])
    for answer in (
        *(relief, change(relief, "curve", if_none_of_stopped=near - 0.02, if_all_of_stopped=near + 0.02)),
        *(grow(relief, "curve", 2), grow(relief, "curve", 7, 0.99), hide(relief, "curve", *range(51, 121))),
        *(change(relief, "curve", estimate=0.0), dataclasses.replace(relief, curve=alone)),
        *(change(relief, "curve", estimate=near * part, conf_high=near * part) for part in (0.25, 0.5)),
        *(hide(relief, "table", 2, columns=("estimate", "conf_high")), change(relief, "table", estimate=0.4)),
    ):
        yield "relief_curve", answer, {}
    ends = relief.ends_curve
    two = dataclasses.replace(relief, ends_curve=pd.concat([ends.assign(group=g) for g in ("upper", "lower")]))
    without = take(relief, "ends_curve", ends["end"] != "sent_on")
    flat = change(relief, "ends_curve", estimate=ends["estimate"].where(ends["end"] != "relief", 0.0))
    short = hide(relief, "ends_curve", *np.flatnonzero(ends["day"] > 90))
    for answer, more in ((relief, {}), (short, {}), (two, {}), (two, {"group": "lower"}), (without, {}), (flat, {})):
        yield "competing_ends", answer, more
    grid = fakes.relief_grid()
    order = grid.table["estimate"].argsort().to_numpy()
    for place in (0, 6, 7, 8, 35):
        first = grid.table.iloc[order[:20] if place < 20 else order]
        reported = np.arange(len(first)) == place
        yield "specification_curve", dataclasses.replace(grid, table=first.assign(is_reported=reported)), {}
    yield "specification_curve", hide(grid, "table", 3, 20), {}


def draw_returns() -> Drawn:
    """Returns, their triggers and factors, exercise."""
    found = fakes.recurrence()
    for answer in (found, grow(found, "curve", 3), hide(found, "curve", *range(200, 541))):
        yield "return_curve", answer, {}
    for answer in (found, grow(found, "mean_curve", 2), change(found, "mean_curve", estimate=0.0, conf_high=0.0)):
        yield "mean_returns", answer, {}
    yield "mean_returns", hide(found, "mean_returns", 0), {}
    for answer in (found, hide(found, "definitions", 0, columns=("estimate", "n")), hide(found, "definitions", 2, 3)):
        yield "gap_sensitivity", answer, {}
    yield "gap_sensitivity", change(found, "definitions", estimate=0.01, conf_low=0.0, conf_high=0.02), {}
    yield "gap_sensitivity", change(found, "definitions", estimate=0.97, conf_low=0.9, conf_high=1.0), {}
    exercise = fakes.rehabilitation()
    small = {"estimate": 0.01, "conf_low": -0.02, "conf_high": 0.03}
    for answer in (exercise, change(exercise, "table", n_with=np.nan, reason=""), change(exercise, "table", **small)):
        yield "rehabilitation", answer, {}
    yield "rehabilitation", change(exercise, "table", estimate=-0.04, conf_low=-0.08, conf_high=-0.005), {}
    factors = fakes.return_factors()
    few = hide(factors, "table", 1, columns=("estimate", "conf_low", "conf_high", "n"))
    gone = hide(factors, "table", 1, columns=("estimate", "conf_low", "conf_high", "n", "unadjusted"))
    full = change(factors, "table", conf_high=0.99)
    tiny = change(factors, "table", estimate=0.01, unadjusted=0.01, conf_low=0.0, conf_high=0.02)
    for answer in (factors, few, gone, full, tiny):
        yield "return_factors", answer, {}
    flow = fakes.triggers()
    for answer in (flow, hide(flow, "table", *range(3, 30, 4), columns=("events", "estimate"))):
        yield "trigger_flow", answer, {}
    lower = change(flow, "table", return_trigger=flow.table["return_trigger"].replace("running", "new"))
    yield "trigger_flow", lower, {}
    named = change(flow, "table", label="a trigger with a name that is far too long for the room it has on a page")
    yield "trigger_flow", named, {}
    one = flow.table["trigger"] == "lifting"
    yield "trigger_flow", take(flow, "table", one), {}


def draw_use() -> Drawn:
    """Use of treatments."""
    use, mix = use_fakes.modality_use(), fakes.modality_use()
    rare = {"estimate": 0.01, "conf_low": 0.0, "conf_high": 0.02}
    other = use.bundles["bundle"] == "other_bundles"
    strange = use.bundles.assign(bundle=use.bundles["bundle"].replace("active", "never_listed+active"))
    for answer in (
        *(use, hide(use, "bundles", 1, 10), take(use, "bundles", ~other), dataclasses.replace(use, bundles=strange)),
        hide(use, "bundles", *np.flatnonzero(~other)),
    ):
        yield "bundles", answer, {}
    ways = use.pathway.iloc[:3].assign(path=["identify > relax+circulate", "rehab > relax", "none"])
    for answer in (use, dataclasses.replace(use, pathway=ways), hide(use, "pathway", 1, -1)):
        yield "pathway", answer, {}
    yield "stages_by_visit", use, {}
    yield "stages_by_visit", hide(use, "stages", 0, 5, 9), {}
    pairs = use.co_use.astype({"n_both": object, "phi": object})
    for i, n, phi in ((0, "<5", HIDDEN), (1, 0, -0.31), (2, 120, 0.25), (3, 7, 0.004), (4, 9, -0.004), (5, 3, 0.9)):
        pairs.loc[i, ["n_both", "phi"]] = [n, phi]
    yield "positivity_map", dataclasses.replace(use, co_use=pairs), {}
    long = pairs.assign(label=pairs["label"] + " and what else was done on that day, in many words")
    yield "positivity_map", dataclasses.replace(use, co_use=long), {}
    first = take(use, "by_visit", use.by_visit["family"].isin(["active", "ultrasound"]))
    for answer in (first, hide(first, "by_visit", 0, 5, 6), change(first, "by_visit", **rare)):
        yield "use_by_visit", answer, {}
    yield "modality_mix", mix, {}
    two = take(mix, "table", mix.table["family"].isin(["active", "ultrasound"]))
    quarters = list(dict.fromkeys(mix.table["quarter"]))
    for n in (1, 3, 4):
        yield "modality_mix", take(two, "table", two.table["quarter"].isin(quarters[:n])), {}
    yield "modality_mix", hide(two, "table", -1, -2), {}
    yield "modality_mix", change(two, "table", **rare), {}
    full = fakes.completeness()
    yield "completeness", full, {}
    yield "completeness", dataclasses.replace(full, summary={**full.summary, "absent_fields": ["cause"]}), {}


def draw_quarters() -> Drawn:
    """Quarters, their charts, and the sums over the months."""
    review = fakes.quarter_review()
    yield "spc", review, {}
    chart, sums = review.more["chart"], review.more["expected"]
    chart = chart[chart["indicator"].isin(["silent_stop", "pain_recorded"])].reset_index(drop=True)
    limits = {"limit_up": 4.0, "limit_down": 3.0}
    months = sums[sums["indicator"] == "silent_stop"].assign(
        up=np.linspace(0, 5, 24), down=np.linspace(4, 0, 24), signal=[-1] * 3 + [0] * 18 + [1] * 3,
        word=["improvement"] * 3 + [""] * 18 + ["concern"] * 3, **limits,
    )  # fmt: skip
    words = np.resize(["improvement", "", "concern", "change"], len(chart))
    lines = dict.fromkeys(("centre", "low", "high"), HIDDEN)
    for more in (
        *({"chart": chart.assign(word=words)}, {"chart": chart.assign(word=words, **lines)}),
        {"chart": chart[chart["quarter"].isin(fakes.QUARTERS[:3])]},
        {"chart": chart.assign(estimate=chart["estimate"].where(chart["quarter"] != fakes.QUARTERS[-1]))},
        {"chart": chart.assign(mature=False)},
        {"chart": chart.assign(break_reason=np.where(chart["quarter"].isin(fakes.QUARTERS[2:4]), "moved", ""))},
        {"chart": chart.assign(estimate=chart["estimate"].where(chart["quarter"] > fakes.QUARTERS[2], HIDDEN))},
    ):
        yield "spc", dataclasses.replace(review, more={**review.more, **more}), {}
    none = {"expected": sums.iloc[:0], "cusum": months.iloc[:0]}
    for more in (
        *({"expected": sums}, {"cusum": months}, {"expected": sums.iloc[:0], "cusum": months}, none),
        {"expected": sums.assign(beyond=sums["month"] > "2025-08")},
    ):
        yield "observed_expected", dataclasses.replace(review, more={**review.more, **more}), {}
    zeros = {"estimate": 0.0, "conf_low": 0.0, "conf_high": 0.0}
    counts = {"estimate": 7.0, "conf_low": 5.0, "conf_high": 9.5, "unit": "episodes"}
    yield "quarter_lines", review, {}
    review = take(review, "table", review.table["indicator"].isin(["silent_stop", "pain_recorded"]))
    for columns in (zeros, {**zeros, "unit": "episodes"}, counts, {**counts, "estimate": 7.5}, {"mature": False}):
        yield "quarter_lines", change(review, "table", **columns), {}


def draw_arms() -> Drawn:
    """Comparisons of treatments, and of whom they compare."""
    one = modality_fakes.one_family()
    names = list(dict.fromkeys(one.table["contrast"]))
    for answer in (one, modality_fakes.all_families(), modality_fakes.subgroups(), modality_fakes.identified_muscle()):
        yield "forest", answer, {}
    for name in (names[0], names[2], "no such"):
        yield "forest", one, {"contrast": name}
    yield "forest", modality_fakes.identified_muscle(), {"contrast": "concordant"}
    yield "forest", hide(one, "table", 0, columns=("estimate", "n_with", "events_with")), {}
    yield "forest", change(one, "table", estimate=0.01, conf_low=-0.01, conf_high=0.02), {}
    yield "forest", change(one, "table", estimate=-0.04, conf_low=-0.08, conf_high=-0.005), {}
    yield "love_plot", one, {}
    yield "love_plot", one, {"contrast": names[1]}
    far = one.balance["smd_before"].where(one.balance.index != one.balance.index[0], np.inf)
    yield "love_plot", change(one, "balance", smd_before=far, is_adjusted=one.balance.index % 2 == 0), {}
    yield "overlap", one, {}
    yield "overlap", hide(one, "overlap", 2, 3, 25, columns=("n",)), {}
    yield "overlap", change(one, "overlap", n=one.overlap["n"] * 37), {}
    wide = one.overlap["to_propensity"] + 0.05 * (one.overlap.index % 3 == 0)
    yield "overlap", change(one, "overlap", to_propensity=wide), {}


def draw_units() -> Drawn:
    """Clinics and clinicians, drop-off, the course of pain, the multiverse."""
    for n in (5, 8, 16, 9, 17, 7):
        i = np.arange(n)
        table = pd.DataFrame(
            {"unit": [f"C{k:02}" for k in i], "size": 40.0 + 37 * i, "estimate": 0.5 + 0.2 * np.sin(i),
             "shrunken": 0.5 + 0.1 * np.sin(i), "position": np.where(i % 5 == 1, "beyond_95", "inside"),
             "is_compared": i % 4 != 3, "is_flagged": i % 3 == 1}
        )  # fmt: skip
        if n == 8:
            table = table.assign(unit=table["unit"] + " a name that is much too long to stand there")
            table = table.astype({"estimate": object, "shrunken": object})
            table.loc[[2, 3], ["estimate", "shrunken"]] = HIDDEN
        if n == 9:
            table = table.assign(size=100.0 + i, estimate=0.6, shrunken=0.6)
        if n == 7:
            table = table.assign(size=100.0 + 2 * i, estimate=0.56 + 0.004 * i, is_compared=True)
        size = np.linspace(20.0, 700.0, 30)
        curve = pd.DataFrame(
            {"size": size} | {f"{end}_{level}": 0.55 + sign * z / np.sqrt(4 * size)
                              for end, sign in (("low", -1), ("high", 1)) for level, z in (("95", 1.96), ("998", 3.09))}
        )  # fmt: skip
        yield "funnel", SimpleNamespace(table=table, more={"curve": curve}, summary={"target": 0.55}, settings={}), {}
    fates = pd.DataFrame(
        [(v, reason, share) for v in range(1, 7) for reason, share in
         (("came", 0.9 - 0.1 * v), ("relieved", 0.05 * v), ("not_relieved", 0.1 + 0.05 * v))],
        columns=["visit", "reason", "estimate"],
    )  # fmt: skip
    for share in (fates["estimate"], fates["estimate"].astype(object).where(~fates.index.isin([5, 9, 13]), HIDDEN)):
        yield "drop_off", SimpleNamespace(more={"left": fates.assign(estimate=share)}, settings={}), {}
    days, horizons = np.arange(0, 91), [0, 25, 30, 90]
    for n, check, lower in (
        *((1, True, 0.0), (1, False, 0.0), (2, True, 0.0), (2, False, 0.0), (3, True, 0.0), (6, False, 0.0)),
        (4, False, 3.25),
    ):
        parts = [
            pd.DataFrame({"group": f"group {i} of some", "line": line, "day": days, "conf_low": 4.0, "conf_high": 8.0,
                          "estimate": 6.0 - 0.03 * days + 0.05 * i + above - lower, "at_risk": 90 - days // 2 - i})
            for i in range(n) for line, above in (("mixed model", 0.0), ("weighted visits", 1.0)) if check or not above
        ]  # fmt: skip
        marks = pd.DataFrame({"horizon_days": horizons, "estimate": [6.0, 5.2, 5.1, 3.3]})
        curve = pd.concat(parts, ignore_index=True).astype({"at_risk": object})
        curve.loc[28, "at_risk"] = HIDDEN
        yield "pain_course", SimpleNamespace(curve=curve, table=marks, settings={}), {}
    rows = [
        (measure, f"Family {k} of many that have long names", 28, j == 3, 0.04 * (j - 5) + (0.5 if k > 1 else 0.0))
        for k, measure in enumerate(("difference", "difference", "relieved", "returned")) for j in range(8)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["measure", "label", "horizon_days", "is_reported", "estimate"])
    for part in (table, table[table["measure"] == "difference"], table[table["measure"] == "relieved"]):
        yield "multiverse", SimpleNamespace(table=part, settings={}), {}


def list_heights() -> dict[str, list[float]]:
    """Inches of pictures that grow with their rows, wide and for a phone."""
    use, found, one = use_fakes.modality_use(), fakes.recurrence(), modality_fakes.one_family()
    names = list(dict.fromkeys(one.table["contrast"]))
    made: dict[str, Callable[[bool], float]] = {
        "bundles": lambda narrow: use_figures.bundle_height(use, narrow),
        "pairs": lambda narrow: use_figures.map_height(use, narrow),
        "pathway": lambda _: pathway_figure.pathway_height(use),
        "gaps": lambda narrow: return_figures.gap_height(found.definitions, narrow),
        "exercise": lambda narrow: return_figures.comparison_height(fakes.rehabilitation().table, narrow),
        "factors": lambda narrow: factor_figure.factor_height(fakes.return_factors().table, narrow),
        "forest": lambda narrow: modality_figures.forest_height(one, narrow),
        "one contrast": lambda narrow: modality_figures.forest_height(one, narrow, names[0]),
        "levels": lambda narrow: modality_figures.forest_height(modality_fakes.subgroups(), narrow),
        "balance": lambda narrow: balance_figures.love_height(one, narrow),
        "balance of one": lambda narrow: balance_figures.love_height(one, narrow, names[1]),
        "public": lambda narrow: public.height(7, narrow),
    }
    return {name: [float(height(narrow)) for narrow in (False, True)] for name, height in made.items()}


def draw_public(narrow: bool) -> Iterator[Figure]:
    """Bars and curves of the public page."""
    bars = [
        public.Bar("Manual soft tissue work", (24.0, 28.0, 48.0), ("24 %", "28 %", "48 %", "1,875")),
        public.Bar("A name that is too long for the room that every name has", (60.0, 55.0, 1.0), ("a", "b", "c", "d")),
        public.Bar("second", (float("nan"), 28.0, 0.0), ("few", "28 %", "few", "60"), is_second=True),
    ]
    for names in (("a", "bb", "ccc"), ("share",)):
        public.draw_bars(bars, ax := Figure(figsize=SIZES[narrow]).subplots(), narrow, names)
        yield ax.figure
    days = [14, 21, 28, 35, 42, 91]
    one = pd.DataFrame({"day": days, "percent": [10, 20, 25, 40, 41, 60], "at_risk": [900, 800, 700, 500, 400, 60]})
    one = one.assign(group="all", low_percent=one["percent"] - 4, high_percent=one["percent"] + 5)
    lower = one.assign(group="a group whose name is long", percent=one["percent"] - 3)
    for curve, last in ((one, 0.0), (one, 120.0), (pd.concat([one, lower.iloc[1:5]]), 91.0)):
        public.draw_curve(curve, ax := Figure(figsize=SIZES[narrow]).subplots(), narrow, last)
        yield ax.figure
