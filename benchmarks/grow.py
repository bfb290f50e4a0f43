"""Show what our time grows with: rows, or distinct patterns. Ours alone; a table and a drawing in `build/benchmarks/`.

First the rows grow and the unit stays a whole day, so that the distinct ``(left, right]`` soon stop growing. Then the
rows stay and the unit becomes finer, from a week to a quarter of an hour, so that only the patterns grow. Each step
is shown in two parts: counting the rows, which must look at every one, and the fit, which sees only patterns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from estimate_job import DAYS, DRAWS, Columns, read_columns, write_columns
from make_episodes import SIZES, make_columns
from measuring import BUILD, describe_machine, keep_report, read_load
from outcomes.errors import NotEstimable
from outcomes.estimators import bootstrap, npmle
from outcomes.estimators.curves import kaplan_meier

UNITS = {"week": 7.0, "2 days": 2.0, "day": 1.0, "6 hours": 0.25, "hour": 1 / 24, "15 minutes": 1 / 96}
MOST_FOR_DRAWS = 4_000
REPEATS = 3


@dataclass(frozen=True)
class Step:
    """One data set and what it took, in seconds of the processor; NaN where it was not done."""

    rows: int
    unit: str
    patterns: int
    kaplan_meier: float
    counting: float
    fitting: float
    drawing: float


def read_size(size: str) -> Columns:
    """The real-valued episodes of one size, made when they are not there."""
    place = BUILD / f"episodes_reals_{size}"
    if not (place / "ends.f8").is_file():
        write_columns(place, make_columns("reals", SIZES[size]))
    return read_columns(place)


def coarsen(columns: Columns, unit: float) -> Columns:
    """Move every visit to the end of its unit of time; two visits of one unit are kept apart."""
    left, right = np.ceil(columns["left"] / unit), np.ceil(columns["right"] / unit)
    right = np.maximum(right, left + 1)
    event = np.isfinite(right)
    return {
        "left": left * unit,
        "right": right * unit,
        "time": np.where(event, right, left) * unit,
        "event": event,
        "patient": columns["patient"],
    }


def clock(call: Callable[[], Any], repeats: int = REPEATS) -> tuple[Any, float]:
    """The result and the median seconds of a few calls."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        result = call()
        seconds.append(time.process_time() - started)
    return result, median(seconds)


def measure_step(columns: Columns, unit: str) -> Step:
    """Time the estimates on one data set."""
    _, curve = clock(lambda: kaplan_meier(columns["time"], columns["event"]))
    patterns, counting = clock(lambda: npmle.build_patterns(columns["left"], columns["right"]))
    fitting = drawing = np.nan
    try:
        fit, fitting = clock(lambda: npmle.fit_patterns(patterns))
        if patterns.left.size <= MOST_FOR_DRAWS:
            counts = bootstrap.draw_counts(patterns.row, columns["patient"], DRAWS, 1)
            _, drawing = clock(lambda: bootstrap.npmle_draws(patterns, fit, counts, DAYS), repeats=1)
    except NotEstimable as refusal:
        print(f"{columns['left'].size:,} rows, unit {unit}: {refusal}")
    return Step(columns["left"].size, unit, patterns.left.size, curve, counting, fitting, drawing)


def show_seconds(seconds: float) -> str:
    """Seconds with three digits, or a dash."""
    return "-" if np.isnan(seconds) else f"{seconds:.3g}"


def show_table(title: str, steps: list[Step]) -> list[str]:
    """One Markdown table."""
    lines = [
        title,
        "",
        "| rows | unit | distinct (left, right] | Kaplan-Meier, all | Turnbull, counting | its fit | 500 draws' fits |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for step in steps:
        seconds = (step.kaplan_meier, step.counting, step.fitting, step.drawing)
        cells = [f"{step.rows:,}", step.unit, f"{step.patterns:,}", *map(show_seconds, seconds)]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def draw(by_rows: list[Step], by_patterns: list[Step]) -> None:
    """Two panels on the same scales: time against rows, time against patterns."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "outcomes", "svg.fonttype": "none"}
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    panels = (
        (axes[0], by_rows, "rows", f"rows grow, unit a day\n(at most {max(s.patterns for s in by_rows):,} patterns)"),
        (axes[1], by_patterns, "patterns", f"patterns grow\n({by_patterns[0].rows:,} rows, finer and finer units)"),
    )
    for axis, steps, against, title in panels:
        for name, label, mark in (
            ("drawing", "500 draws: fits", "^"),
            ("fitting", "Turnbull: fit", "o"),
            ("counting", "Turnbull: counting the rows", "s"),
            ("kaplan_meier", "Kaplan-Meier: all", "x"),
        ):
            points = [(getattr(step, against), getattr(step, name)) for step in steps]
            axis.plot(*zip(*points, strict=True), marker=mark, label=label)
        axis.set(xscale="log", yscale="log", xlabel=f"distinct {against}" if against == "patterns" else against)
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("CPU seconds")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    figure.savefig(BUILD / "growth.svg", metadata={"Date": None})


def main() -> None:
    """Make the data, measure, print, keep and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["10k", "30k", "100k", "300k", "1m", "3m"])
    parser.add_argument("--rows", choices=SIZES, default="1m", help="rows of the second table (default: 1m)")
    args = parser.parse_args()
    load = read_load()
    by_rows = [measure_step(coarsen(read_size(size), 1.0), "day") for size in args.sizes]
    fine = read_size(args.rows)
    by_patterns = [measure_step(coarsen(fine, length), unit) for unit, length in UNITS.items()]
    lines = [
        "# Benchmark: what the time grows with",
        "",
        *describe_machine(("numpy", "scipy")),
        f"- load {load:.1f}",
        "",
    ]
    lines += show_table("The rows grow:", by_rows) + show_table("The patterns grow:", by_patterns)
    print("\n".join(lines))
    draw(by_rows, by_patterns)
    keep_report(lines, "growth.md")


if __name__ == "__main__":
    main()
