"""What the `estimates_*.py` share: read the columns, time one estimate, write its answer. Needs numpy only.

    estimates_TOOL.py JOB DATA ANSWER [--repeats N] [--budget SECONDS] [--way WORD]

Timed is the call from arrays in memory to the tool's own result. Not timed: starting, importing, reading, a first call
on a few rows (which pulls in what is imported late), putting the columns into the container a tool asks for, and
reading the answer off the result. Every repeat's seconds go into the answer's folder: of the wall clock as the column
`wall_seconds`, of the processor as `cpu_seconds`. On a machine that does other work too, trust the second.
"""

from __future__ import annotations

import argparse
import contextlib
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Columns = dict[str, np.ndarray]
WARM_UP_ROWS = 1_000
# The processor's clock ticks in milliseconds on some machines: quick calls are repeated until their sum is well above.
QUICK_SECONDS = 0.3
DRAWS = 500
DAYS = np.array([7.0, 14.0, 28.0, 42.0, 90.0])
# Columns that are not one number an episode.
OTHER_LENGTH = ("times_drawn", "grid", "ends")


def read_columns(folder: Path) -> Columns:
    """Read every column of a folder."""
    return {place.stem: np.fromfile(place, dtype="<f8") for place in sorted(folder.glob("*.f8"))}


def write_columns(folder: Path, columns: Mapping[str, Any]) -> None:
    """Write columns of float64, one file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in columns.items():
        np.ascontiguousarray(values, dtype="<f8").tofile(folder / f"{name}.f8")


@dataclass(frozen=True)
class Job:
    """One estimate of one tool.

    Attributes
    ----------
    fit : callable
        The timed call; what `prepare` returns goes in, the tool's own result comes out.
    answer : callable
        Takes that result and the columns, and returns what is compared.
    prepare : callable
        Turns the columns into the tool's container; not timed.
    times : int
        What the seconds are multiplied with: 500 where one draw of 500 is timed.
    """

    fit: Callable[[Any], Any]
    answer: Callable[[Any, Columns], Mapping[str, Any]]
    prepare: Callable[[Columns], Any] = dict
    times: int = 1


def design(columns: Columns) -> np.ndarray:
    """The covariates, shape (n, p)."""
    names = sorted(name for name in columns if name[0] == "x" and name[1:].isdigit())
    return np.column_stack([columns[name] for name in names])


def two_groups(columns: Columns) -> Columns:
    """Only the episodes of the first two groups."""
    keep = columns["group"] < 2
    return {name: values if name in OTHER_LENGTH else values[keep] for name, values in columns.items()}


def rows_drawn(columns: Columns) -> np.ndarray:
    """How often each episode is in the draw that all tools are compared on."""
    return columns["times_drawn"][columns["patient"].astype(int)]


class PatientDraws:
    """Draws patients with replacement: each call gives the number of times every episode is drawn."""

    def __init__(self, columns: Columns) -> None:
        self.patient = columns["patient"].astype(np.intp)
        self.patients = columns["times_drawn"].size
        self.rng = np.random.default_rng(1)

    def __call__(self) -> np.ndarray:
        drawn = np.bincount(self.rng.integers(0, self.patients, self.patients), minlength=self.patients)
        return drawn[self.patient].astype(float)


def at_steps(time: np.ndarray, values: np.ndarray, at: np.ndarray, before: float) -> np.ndarray:
    """Read a step function that is `before` until the first time and changes at each."""
    return np.concatenate([[before], values])[np.searchsorted(time, at, side="right")]


def few_rows(columns: Columns) -> Columns:
    """The first rows, to call everything once."""
    return {name: v if name in OTHER_LENGTH else v[:WARM_UP_ROWS] for name, v in columns.items()}


def clock(job: Job, columns: Columns, repeats: int, budget: float) -> tuple[Any, np.ndarray]:
    """Call the estimate up to `repeats` times or until the seconds are spent; a quick one is called more often.

    Returns the last result and the seconds, shape (2, calls): of the wall clock and of the processor.
    """
    with contextlib.suppress(Exception):
        job.fit(job.prepare(few_rows(columns)))
    ready = job.prepare(columns)
    seconds: list[tuple[float, float]] = []
    spent = cpu_spent = 0.0
    # Whoever is called once is called again until the processor's clock has ticked.
    least = QUICK_SECONDS if repeats > 1 else 0.0
    while not seconds or cpu_spent <= least or (len(seconds) < repeats and spent < budget):
        started, worked = time.perf_counter(), time.process_time()
        result = job.fit(ready)
        seconds.append((time.perf_counter() - started, time.process_time() - worked))
        spent, cpu_spent = spent + seconds[-1][0], cpu_spent + seconds[-1][1]
    return result, job.times * np.array(seconds).T


def run(jobs: Mapping[str, Job] | Callable[[str], Mapping[str, Job]]) -> None:
    """The command line of each `estimates_*.py`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job")
    parser.add_argument("data", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--budget", type=float, default=5.0)
    parser.add_argument("--way", default="")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    job = (jobs(args.way) if callable(jobs) else jobs)[args.job]
    columns = read_columns(args.data)
    result, (wall, cpu) = clock(job, columns, args.repeats, args.budget)
    write_columns(args.answer, {**job.answer(result, columns), "wall_seconds": wall, "cpu_seconds": cpu})
