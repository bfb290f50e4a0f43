"""Time one job side by side: this package, Polars, DuckDB and pandas, each as a whole process.

For every export: each tool runs once, uncounted, and the tables must be equal; then all run in turn, in a rotating
order, as many rounds as asked. Ours stands in the list twice, so that the table shows what a difference is worth.
The medians, the ratios within rounds and the phases of our run go to the terminal and to `build/benchmarks/`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from measuring import (
    BUILD,
    HERE,
    OURS,
    Run,
    describe_machine,
    is_there,
    keep_report,
    measure,
    read_load,
    rotate,
    verdict,
)

SIZES = ("20k", "100k", "1m", "10m")
KINDS = {"few": "few distinct modality cells", "many": "free-text modality cells"}
PACKAGES = ("numpy", "pyarrow", "polars", "duckdb", "pandas")
ROWS_SET_ASIDE = 1


@dataclass(frozen=True)
class Tool:
    """One entry of the comparison: its label, the package it needs and its command line."""

    name: str
    needs: str
    command: Callable[[Path, Path, argparse.Namespace], list[str]]
    good_exits: tuple[int, ...] = (0,)


def script(file: str, *options: str, peer: bool = True) -> Callable[[Path, Path, argparse.Namespace], list[str]]:
    """Command line of one of the scripts beside this one."""

    def command(export: Path, out: Path, args: argparse.Namespace) -> list[str]:
        extra = ["--distinct"] if peer and not args.fold_duplicates else []
        return [sys.executable, str(HERE / file), str(export), str(out), *options, "--rule", args.rule, *extra]

    return command


def our_command(export: Path, out: Path, args: argparse.Namespace) -> list[str]:
    """The command a user types; it writes every column of the episodes with the bounds of the protocol's rule."""
    wanted = "episodes" if args.rule == "confirmed" else "episodes,relief"
    tables = ["--tables", wanted, "--format", "parquet"]
    options = ["--protocol", str(HERE / "protocol.toml"), "--quiet"]
    return [sys.executable, "-m", "outcomes", "clean", str(export), "--out", str(out), *tables, *options]


TOOLS = (
    Tool(OURS, "outcomes", script("clean_outcomes.py", peer=False)),
    Tool("Polars, lazy, streaming engine", "polars", script("clean_polars.py", "--way", "streaming")),
    Tool("Polars, lazy, in-memory engine", "polars", script("clean_polars.py", "--way", "memory")),
    Tool("Polars, tuned (categories, packed key)", "polars", script("clean_polars.py", "--way", "tuned")),
    Tool("DuckDB SQL", "duckdb", script("clean_duckdb.py")),
    Tool("pandas groupby", "pandas", script("clean_pandas.py")),
    Tool("`outcomes clean`, every column", "outcomes", our_command, good_exits=(0, ROWS_SET_ASIDE)),
    Tool("outcomes, the same again", "outcomes", script("clean_outcomes.py", peer=False)),
)


@dataclass
class Result:
    """All counted runs of one tool on one export."""

    tool: Tool
    runs: list[Run] = field(default_factory=list)
    fault: str = ""


def run_tool(tool: Tool, export: Path, folder: Path, args: argparse.Namespace) -> tuple[Run, Path]:
    """Run one tool into a fresh place."""
    out = folder / f"{TOOLS.index(tool)}.result"
    shutil.rmtree(out, ignore_errors=True)
    out.unlink(missing_ok=True)
    return measure(tool.command(export, out, args), args.cap, tool.good_exits), out


def prove_equal(results: list[Result], export: Path, folder: Path, args: argparse.Namespace) -> str:
    """Run every tool once and compare the tables; stop the benchmark when one differs."""
    made = []
    for result in results:
        run, out = run_tool(result.tool, export, folder, args)
        result.fault = run.fault
        if not run.fault:
            made.append(f"{result.tool.name}={out}")
    if results[0].fault:
        sys.exit(f"{results[0].tool.name} on {export.name}: {results[0].fault}")
    check = [sys.executable, str(HERE / "check_tables.py"), args.rule, *made]
    answer = subprocess.run(check, capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"The tables of {export.name} are not equal, so nothing is timed.\n{answer.stderr}")
    return answer.stdout.strip()


def time_rounds(results: list[Result], export: Path, folder: Path, args: argparse.Namespace) -> None:
    """Run all tools in turn; each round starts one place further, so that none always follows the same one."""
    running = [result for result in results if not result.fault]
    for number in range(args.rounds):
        for result in rotate(running, number):
            if not result.fault:
                run, _ = run_tool(result.tool, export, folder, args)
                result.fault = run.fault
                result.runs.append(run)
        print(f"{export.name}: round {number + 1} of {args.rounds}", file=sys.stderr)


def table_row(result: Result, ours: Result, full_memory: float) -> str:
    """One line of the Markdown table."""
    if result.fault:
        return f"| {result.tool.name} | {result.fault} | | | | | |"
    wall, cpu = [run.wall for run in result.runs], median(run.cpu for run in result.runs)
    peak = median(run.peak_mb for run in result.runs)
    cells = [result.tool.name, f"{median(wall):.2f}", f"{min(wall):.2f}-{max(wall):.2f}", f"{cpu:.2f}", f"{peak:.0f}"]
    if result is ours:
        return "| " + " | ".join([*cells, "1", ""]) + " |"
    ratio = median(mine.wall / run.wall for mine, run in zip(ours.runs, result.runs, strict=True))
    memory = f"memory {full_memory / peak:.2f}"
    return "| " + " | ".join([*cells, f"{ratio:.2f}", f"{verdict(ratio)}; {memory}"]) + " |"


def show_results(results: list[Result]) -> list[str]:
    """Write the Markdown table of one export."""
    ours = results[0]
    peak = median(run.peak_mb for run in ours.runs)
    head = "| tool | wall s | min-max | CPU s | peak MB | wall, outcomes / tool | reading |"
    return [head, "|---|---:|---:|---:|---:|---:|---|", *(table_row(result, ours, peak) for result in results)]


def show_phases(exports: list[Path], args: argparse.Namespace, folder: Path) -> list[str]:
    """Say where our time goes: the median of three runs for each export, in seconds and in percent."""
    columns = [median_phases(export, args, folder) for export in exports]
    names = [f"{export.stem.removeprefix('visits_').replace('_', ' ')}" for export in exports]
    lines = [f"| phase | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
    for phase in columns[0]:
        cells = [f"{column[phase]:.2f} s, {100 * column[phase] / sum(column.values()):.0f} %" for column in columns]
        lines.append(f"| {phase} | {' | '.join(cells)} |")
    return lines


def median_phases(export: Path, args: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Median seconds of each phase over three runs."""
    command = [*TOOLS[0].command(export, folder / "phases.parquet", args), "--phases"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "src")}
    runs = [
        json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout) for _ in range(3)
    ]
    return {phase: median(run[phase] for run in runs) for phase in runs[0]}


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["100k", "1m"], help="default: 100k 1m")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="default: both")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default: 5)")
    parser.add_argument("--rule", choices=["any", "confirmed"], default="confirmed", help="relief rule")
    parser.add_argument("--cap", type=float, default=300, help="seconds a process may take (default: 300)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="only the peers whose name has one of these words")
    parser.add_argument(
        "--fold-duplicates", action="store_true", help="peers may skip the de-duplication and read five columns only"
    )
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    return args


def choose_tools(args: argparse.Namespace) -> list[Tool]:
    """Every entry that is wanted and installed; ours always."""
    words = [word.lower() for word in args.only or [""]]
    wanted = [tool for tool in TOOLS if tool.needs == OURS or any(word in tool.name.lower() for word in words)]
    return [tool for tool in wanted if is_there(tool.needs)]


def main() -> None:
    """Make the exports, run everything, print and keep the report."""
    args = parse_arguments()
    BUILD.mkdir(parents=True, exist_ok=True)
    make = [sys.executable, str(HERE / "make_data.py"), "--sizes", *args.sizes, "--kinds", *args.kinds]
    made = subprocess.run(make, stdout=subprocess.PIPE, text=True, check=True).stdout
    exports = [Path(line) for line in made.splitlines()]
    tools = choose_tools(args)
    report = ["# Benchmark: export to episode table, whole processes", "", *describe_machine(PACKAGES)]
    load = read_load()
    report.append(f"- {args.rounds} rounds; relief rule '{args.rule}'; load before the first round {load:.1f}")
    missing = sorted({tool.needs for tool in TOOLS if not is_there(tool.needs)})
    report += [f"- **not installed, left out: {', '.join(missing)}**"] if missing else []
    with tempfile.TemporaryDirectory(dir=BUILD) as place:
        folder = Path(place)
        for export in exports:
            results = [Result(tool) for tool in tools]
            equal = prove_equal(results, export, folder, args)
            time_rounds(results, export, folder, args)
            if results[0].fault:
                sys.exit(f"{results[0].tool.name} on {export.name}: {results[0].fault}")
            _, kind, size = export.stem.split("_")
            title = f"## {size} records, {KINDS[kind]} ({export.stat().st_size / 1e6:.0f} MB)"
            section = [title, "", f"{equal}.", "", *show_results(results)]
            print("\n".join(section), "\n", flush=True)
            report += ["", *section]
        phases = ["## Where our time goes", "", *show_phases(exports, args, folder)]
    print("\n".join(phases))
    report += ["", *phases, ""]
    keep_report(report, "results.md")


if __name__ == "__main__":
    main()
