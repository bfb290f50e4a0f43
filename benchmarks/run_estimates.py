"""Time the estimates side by side: this package and its peers, each estimate in a process of its own.

For every data set and estimate: each tool runs once, and `check_estimates.py` holds the answers against each other;
ours must be proven before anything counts. Then all run in turn, in a rotating order, as many rounds as asked. A tool
that needs more than `--once` seconds is not run again: its first run counts. One that passes the cap is not tried on
more rows. Ours stands in the list twice, so that the table shows what a difference is worth.

The peers live in an environment of their own (`make bench-estimates` makes it); R is used where it is installed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

from measuring import (
    BUILD,
    HERE,
    OURS,
    STOPPED,
    Run,
    ask_versions,
    describe_machine,
    keep_report,
    measure,
    read_load,
    rotate,
    verdict,
)

SIZES = ("10k", "100k", "1m")
KINDS = {"days": "whole days", "reals": "real-valued times"}
JOBS = {
    "km": "Kaplan-Meier with standard errors",
    "km_limits": "Kaplan-Meier with log-log limits",
    "logrank": "log-rank test, three groups",
    "logrank2": "log-rank test, two groups",
    "incidence": "cumulative incidence of two causes (Aalen-Johansen)",
    "npmle": "interval-censored curve (Turnbull)",
    "bootstrap": "500 patient draws of the interval-censored curve",
    "bootstrap_km": "500 patient draws of the Kaplan-Meier curve",
    "aft": "interval-censored Weibull regression",
    "cox": "Cox regression, 20 columns",
    "andersen_gill": "Andersen-Gill, 20 columns, errors by patient",
    "mcf": "mean cumulative function, errors by patient",
    "propensity": "propensity, overlap weights and balance, some 70 columns",
    "modality": "500 draws of one treatment against none of it, weights fitted anew in each",
}
# The rows a job is run on; episodes where it is not named.
SETS = {"cox": "first", "andersen_gill": "returns", "mcf": "returns", "propensity": "treated", "modality": "treated"}
PYTHON_PEERS = ("lifelines", "scikit-survival", "surpyval", "statsmodels", "scipy")
SHOWN_VERSIONS = (*PYTHON_PEERS, "numpy", "pandas")
# A table of 500 draws x rows is the whole data set 500 times where no pattern occurs twice: 4 GB at a million rows.
LEFT_OUT = {("reals", "1m", "bootstrap"), ("reals", "1m", "bootstrap_km")}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Tool:
    """One entry: its label, the package it needs, its script, the estimates it has, and in which way."""

    name: str
    needs: str
    script: str
    jobs: tuple[str, ...]
    way: str = ""


EXACT = ("km", "km_limits", "logrank", "logrank2", "incidence", "bootstrap_km")
COX = ("cox", "andersen_gill")
INTERVAL = ("npmle", "bootstrap", "aft")
TOOLS = (
    Tool(OURS, OURS, "estimates_outcomes.py", tuple(JOBS)),
    Tool(
        "lifelines",
        "lifelines",
        "estimates_lifelines.py",
        tuple(job for job in JOBS if job not in ("mcf", "propensity")),
    ),
    Tool("scikit-survival", "scikit-survival", "estimates_sksurv.py", (*EXACT, "cox")),
    Tool("SurPyval", "surpyval", "estimates_surpyval.py", tuple(job for job in JOBS if job != "propensity")),
    Tool("SurPyval, counted by hand", "surpyval", "estimates_surpyval.py", INTERVAL, "counted"),
    Tool("statsmodels", "statsmodels", "estimates_statsmodels.py", (*EXACT, *COX, "propensity")),
    Tool("statsmodels, counted by hand", "statsmodels", "estimates_statsmodels.py", ("bootstrap_km",), "counted"),
    Tool("scipy", "scipy", "estimates_scipy.py", ("km", "km_limits", "logrank2", "bootstrap_km")),
    Tool("R survival", "R", "estimates_r.R", tuple(JOBS)),
    Tool("R survival, counted by hand", "R", "estimates_r.R", INTERVAL, "counted"),
    Tool("outcomes, the same again", OURS, "estimates_outcomes.py", tuple(JOBS)),
)


@dataclass(frozen=True)
class Timed:
    """One process that answered: what the kernel says of it, and the seconds of one call of its estimate.

    ``seconds`` are of the wall clock, or of the processor where those were asked for.
    """

    run: Run
    seconds: float


@dataclass
class Result:
    """All counted runs of one tool for one estimate of one data set."""

    tool: Tool
    runs: list[Timed] = field(default_factory=list)
    fault: str = ""
    finding: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Median over the runs."""
        return median(timed.seconds for timed in self.runs)


class Runner:
    """Knows the interpreters and the limits, and runs one tool once."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self.args, self.folder = args, folder

    def command(self, tool: Tool, job: str, data: Path, answer: Path, repeats: int) -> list[str]:
        """Command line of one process."""
        program = sys.executable if tool.needs == OURS else self.args.peers
        start = ["Rscript", "--vanilla"] if tool.needs == "R" else [program]
        limits = ["--repeats", str(repeats), "--budget", str(self.args.budget)]
        way = ["--way", tool.way] if tool.way else []
        return [*start, str(HERE / tool.script), job, str(data), str(answer), *limits, *way]

    def run(self, tool: Tool, job: str, data: Path, repeats: int) -> tuple[Timed | None, str, Path]:
        """Run one process; what was measured, or why there is nothing, and where the answer lies."""
        answer = self.folder / f"{data.name}-{job}-{TOOLS.index(tool)}"
        shutil.rmtree(answer, ignore_errors=True)
        command, by_cpu = self.command(tool, job, data, answer, repeats), self.args.clock == "cpu"
        run = measure(command, self.args.cap, settings=ONE_THREAD, cap_cpu=by_cpu)
        if run.fault:
            stopped = run.fault.startswith(STOPPED)
            return None, f"over {self.args.cap:g} s" if stopped else run.fault.replace("|", "/")[:120], answer
        return Timed(run, read_seconds(answer, self.args.clock)), "", answer


def read_seconds(answer: Path, which: str) -> float:
    """Seconds of one call: the least of the wall clock's, the mean of the processor's, whose clock ticks coarsely.

    Whatever else the machine does only ever adds to a call.
    """
    values = array("d")
    values.frombytes((answer / f"{which}_seconds.f8").read_bytes())
    return min(values) if which == "wall" else fmean(values)


def compare(runner: Runner, results: Sequence[Result], job: str, data: Path) -> None:
    """Run every tool once and hold the answers against ours; stop when ours is not proven."""
    answers = []
    for result in results:
        if result.fault:
            continue
        repeats = 1 if runner.args.rounds else runner.args.repeats
        timed, result.fault, answer = runner.run(result.tool, job, data, repeats)
        if timed is not None:
            result.runs.append(timed)
            answers.append((result, answer))
    if not answers or answers[0][0].tool.needs != OURS:
        return
    named = [f"{result.tool.name}={answer}" for result, answer in answers]
    check = [sys.executable, str(HERE / "check_estimates.py"), job, str(data), *named]
    judged = subprocess.run(check, capture_output=True, text=True, check=False)
    if judged.returncode:
        sys.exit(f"The answers to {job} on {data.name} could not be compared.\n{judged.stderr}")
    verdicts = json.loads(judged.stdout)
    for result, _ in answers:
        result.finding = verdicts["tools"][result.tool.name]
    if not verdicts["proven"]:
        sys.exit(f"Our answer to {job} on {data.name} is not proven, so nothing is timed.\n{judged.stdout}")
    for _, answer in answers:
        shutil.rmtree(answer)


def time_rounds(runner: Runner, results: Sequence[Result], job: str, data: Path) -> None:
    """Run all tools in turn; the first, uncounted run of the quick ones is forgotten."""
    quick = [result for result in results if not result.fault and result.runs[0].run.cpu <= runner.args.once]
    for result in quick if runner.args.rounds else []:
        result.runs.clear()
    for number in range(runner.args.rounds):
        for result in rotate(quick, number):
            timed, fault, _ = runner.run(result.tool, job, data, runner.args.repeats)
            result.fault = result.fault or fault
            if timed is not None:
                result.runs.append(timed)


def find_ratio(ours: Result, result: Result) -> float:
    """Median of our seconds over theirs within rounds; over medians where one of them ran only once."""
    if len(ours.runs) == len(result.runs):
        return median(mine.seconds / theirs.seconds for mine, theirs in zip(ours.runs, result.runs, strict=True))
    return ours.seconds / result.seconds


def show_seconds(seconds: float) -> str:
    """Three digits, in the unit that fits."""
    if seconds < 0.0995:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 999.5 else f"{seconds:,.0f} s"


def show_finding(finding: dict[str, Any]) -> str:
    """Whether the answer is ours, and how far it is where it is not."""
    if not finding:
        return "not compared"
    certificate = f"; gap {finding['gap']:.0e}, log-likelihood {-finding['deficit']:.1e}" if "gap" in finding else ""
    if finding["off"] == math.inf:
        return f"**off**: {finding['part']} is not a number"
    off = f"{finding['off']:.0e}" + (" s.e." if finding["part"] == "coef" else "")
    if finding["equal"]:
        return ("equal" if not finding["off"] else f"equal within {off}") + certificate
    return f"**off** in {finding['part']} by {off}{certificate}"


def table_row(result: Result, ours: Result) -> str:
    """One line of the Markdown table."""
    if result.fault:
        return f"| {result.tool.name} | {result.fault} | | | | | | |"
    each = [timed.seconds for timed in result.runs]
    cells = [
        result.tool.name + (" (once)" if len(each) < len(ours.runs) else ""),
        show_seconds(result.seconds),
        f"{show_seconds(min(each))} to {show_seconds(max(each))}" if len(each) > 1 else "",
        f"{median(timed.run.wall for timed in result.runs):.2f}",
        f"{median(timed.run.peak_mb for timed in result.runs):.0f}",
    ]
    if result is ours or ours.fault:
        certificate = f"gap {ours.finding['gap']:.0e}" if "gap" in ours.finding and result is ours else ""
        return "| " + " | ".join([*cells, certificate, "1" if result is ours else "", ""]) + " |"
    ratio = find_ratio(ours, result)
    return "| " + " | ".join([*cells, show_finding(result.finding), f"{ratio:.2g}", verdict(ratio)]) + " |"


def show_results(results: Sequence[Result]) -> list[str]:
    """The Markdown table of one estimate of one data set."""
    head = "| tool | estimate | min to max | process s | peak MB | answer, beside ours | outcomes / tool | reading |"
    return [head, "|---|---:|---:|---:|---:|---|---:|---|", *(table_row(result, results[0]) for result in results)]


def show_summary(kept: dict[tuple[str, str, str], list[Result]], args: argparse.Namespace) -> list[str]:
    """For each estimate and data set the fastest peer with our answer, and how many times our seconds it takes."""
    lines = [
        "Ours; the fastest peer with an equal answer, its seconds over ours; in brackets the fastest with another.",
        "",
        f"| estimate | times | {' | '.join(args.sizes)} |",
        "|---|---|" + "---|" * len(args.sizes),
    ]
    for job in args.jobs:
        for kind in args.kinds:
            cells = [summary_cell(kept.get((kind, size, job), [])) for size in args.sizes]
            lines.append(f"| {JOBS[job]} | {KINDS[kind]} | {' | '.join(cells)} |")
    return lines


def summary_cell(results: Sequence[Result]) -> str:
    """One cell of the summary."""
    if not results:
        return "not run"
    ours = results[0]
    if ours.fault:
        return ours.fault
    peers = [result for result in results if result.tool.needs != OURS and not result.fault]
    words = [show_seconds(ours.seconds)]
    for equal in (True, False):
        there = [result for result in peers if bool(result.finding.get("equal")) is equal]
        if there:
            best = min(there, key=lambda result: result.seconds)
            times = 1 / find_ratio(ours, best)
            text = f"{best.tool.name} {times:.2g}x" if times < 99.5 else f"{best.tool.name} {times:,.0f}x"
            words.append(text if equal else f"({text})")
    return "; ".join(words if len(words) > 1 else [*words, "no peer within the cap"])


def find_missing(args: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    """The versions of the peers that are there, and the names of those that are not."""
    versions = ask_versions(args.peers, SHOWN_VERSIONS)
    if shutil.which("Rscript"):
        ask = 'cat(as.character(getRversion()), as.character(packageVersion("survival")))'
        told = subprocess.run(["Rscript", "--vanilla", "-e", ask], capture_output=True, text=True, check=False)
        if not told.returncode:
            versions["R"] = told.stdout.replace(" ", ", survival ")
    return versions, [name for name in (*PYTHON_PEERS, "R") if name not in versions]


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=".venv-peers/bin/python", help="the interpreter that has the peers")
    parser.add_argument("--sizes", nargs="+", choices=("1k", *SIZES), default=list(SIZES), help="default: all but 1k")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="default: both")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS), help="default: all")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds (default: 3); 0: the first run counts")
    parser.add_argument("--repeats", type=int, default=7, help="calls of the estimate in a process (default: 7)")
    parser.add_argument("--budget", type=float, default=2, help="seconds of these calls in a process (default: 2)")
    parser.add_argument(
        "--once", type=float, default=15, help="CPU seconds after which one run is enough (default: 15)"
    )
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="seconds compared; cpu where other programs run too"
    )
    parser.add_argument("--cap", type=float, default=120, help="seconds a process may take (default: 120)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only the peers whose name has one of these words")
    parser.add_argument("--growth", action="store_true", help="afterwards run grow.py, which draws time against size")
    args = parser.parse_args()
    if args.rounds < 0 or args.repeats < 1:
        parser.error("--repeats must be at least 1, and --rounds not negative")
    return args


def choose_tools(args: argparse.Namespace, missing: Sequence[str], job: str) -> list[Tool]:
    """Every entry that has this estimate, is wanted and is installed; ours always."""
    words = [word.lower() for word in args.only or [""]]
    able = [tool for tool in TOOLS if job in tool.jobs and tool.needs not in missing]
    return [tool for tool in able if tool.needs == OURS or any(word in tool.name.lower() for word in words)]


def find_set(job: str) -> str:
    """The name of the rows a job is run on."""
    return SETS.get(job, "episodes")


def run_size(
    runner: Runner, data: Path, kept: dict[tuple[str, str, str], list[Result]], too_slow: set[tuple[str, str, Tool]]
) -> list[str]:
    """All estimates of one data set, as Markdown."""
    name, kind, size = data.name.split("_")
    rows = name if name == "episodes" else "rows"
    report: list[str] = []
    for job in runner.args.jobs:
        if (kind, size, job) in LEFT_OUT or find_set(job) != name:
            continue
        results = [Result(tool) for tool in choose_tools(runner.args, runner.args.missing, job)]
        for result in results:
            if (kind, job, result.tool) in too_slow:
                result.fault = f"not tried, over {runner.args.cap:g} s with fewer rows"
        compare(runner, results, job, data)
        time_rounds(runner, results, job, data)
        too_slow |= {(kind, job, result.tool) for result in results if result.fault.startswith("over ")}
        kept[kind, size, job] = results
        section = [f"### {JOBS[job]}, {size} {rows}, {KINDS[kind]}", "", *show_results(results), ""]
        print("\n".join(section), flush=True)
        report += section
    return report


def main() -> None:
    """Make the episodes, run everything, print and keep the report."""
    args = parse_arguments()
    versions, args.missing = find_missing(args)
    BUILD.mkdir(parents=True, exist_ok=True)
    wanted = ["--sets", *sorted({find_set(job) for job in args.jobs}), "--sizes", *args.sizes, "--kinds", *args.kinds]
    make = [sys.executable, str(HERE / "make_episodes.py"), *wanted]
    made = subprocess.run(make, stdout=subprocess.PIPE, text=True, check=True).stdout
    report = ["# Benchmark: the estimates", "", *describe_machine(("numpy", "scipy"))]
    report.append("- peers: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    load = read_load()
    report.append(
        f"- {args.rounds} rounds of {args.repeats} calls (at most {args.budget:g} s of them), cap {args.cap:g} s; "
        f"one thread; {args.clock} seconds; load before the first round {load:.1f}"
    )
    report += [f"- **not installed, left out: {', '.join(args.missing)}**"] if args.missing else []
    kept: dict[tuple[str, str, str], list[Result]] = {}
    too_slow: set[tuple[str, str, Tool]] = set()
    tables: list[str] = []
    with tempfile.TemporaryDirectory(dir=BUILD) as place:
        for line in made.splitlines():
            tables += run_size(Runner(args, Path(place)), Path(line), kept, too_slow)
    report.append(f"- load after the last round {os.getloadavg()[0]:.1f}")
    summary = show_summary(kept, args)
    print("\n".join(summary))
    keep_report([*report, "", *summary, "", *tables], "estimates.md")
    if args.growth:
        subprocess.run([sys.executable, str(HERE / "grow.py")], check=True)


if __name__ == "__main__":
    main()
