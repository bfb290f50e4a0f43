"""Make the episodes the estimates are timed on, with a fixed seed: folders of columns in `build/benchmarks/`.

The rows of returns and of treated arms, which have other columns, are drawn by `make_returns.py` and `make_treated.py`;
this writes them too. Treated arms come from a simulated clinic, in whole days and up to 100 k rows.

Relief times are exponential with a mean that depends on the covariates, seen only at visits a few days apart; 40 %
leave without having been seen relieved. A quarter of those leave for another end (referral).

``days``    whole days: at a million episodes some thousand distinct ``(left, right]``, and covariates of few values;
``reals``   the same with visits and relief at any moment and one covariate that is never twice the same: hardly a
            pattern occurs twice.

A column is a file of little-endian float64 without a header, so that R and numpy read the same bytes.

=================  ==============  ================================================================================
column             length          what
=================  ==============  ================================================================================
left, right        episodes        relief in ``(left, right]``, ``inf`` if never seen
time, event        episodes        visit at which relief was seen (1), or the last one (0)
cause              episodes        1 relief, 2 referral, 0 neither
group              episodes        0, 1 or 2
x1 ... xp          episodes        covariates: two group dummies, baseline pain, chronic; `reals` has one more
patient            episodes        0 ... patients - 1
times_drawn        patients        how often each patient is in the bootstrap draw that all tools are compared on
grid               at most 200     times at which curves are compared
ends               distinct        every finite ``left`` and ``right``
=================  ==============  ================================================================================
"""

from __future__ import annotations

import argparse

import numpy as np

from estimate_job import Columns, write_columns
from make_returns import make_first, make_returns
from make_treated import make_treated
from measuring import BUILD

SIZES = {
    "1k": 1_000,
    "10k": 10_000,
    "30k": 30_000,
    "100k": 100_000,
    "300k": 300_000,
    "1m": 1_000_000,
    "3m": 3_000_000,
}
KINDS = ("days", "reals")
EPISODES_PER_PATIENT = 1.6
MEAN_DAYS = 14.0
LEAVES_AFTER_A_VISIT = 0.17
LONGEST_GAP = 30
SEED = 20_260


def draw_covariates(rng: np.random.Generator, n: int, kind: str) -> Columns:
    """Group, baseline pain, chronic or not; with real-valued times also a score of many values."""
    group = rng.integers(0, 3, n)
    columns = {
        "group": group,
        "x1": group == 1,
        "x2": group == 2,
        "x3": np.clip(np.rint(rng.normal(6, 1.9, n)), 3, 10) - 6,
        "x4": rng.random(n) < 0.3,
    }
    return columns | ({"x5": rng.normal(0, 1, n)} if kind == "reals" else {})


def draw_relief(rng: np.random.Generator, columns: Columns) -> np.ndarray:
    """Days to relief, longer with worse pain and when chronic."""
    shift = 0.15 * columns["x1"] - 0.1 * columns["x2"] + 0.05 * columns["x3"] + 0.4 * columns["x4"]
    shift = shift + 0.1 * columns.get("x5", 0)
    return MEAN_DAYS * np.exp(shift) * rng.exponential(1, shift.size)


def watch(rng: np.random.Generator, relief: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """See every episode at visits until relief or until the patient stays away: ``(left, right]``."""
    left, right = np.zeros(relief.size), np.full(relief.size, np.inf)
    watched = np.arange(relief.size)
    while watched.size:
        if kind == "days":
            gap = np.minimum(rng.geometric(0.3, watched.size), LONGEST_GAP).astype(float)
        else:
            gap = np.minimum(rng.exponential(3.3, watched.size) + 0.01, LONGEST_GAP)
        today = left[watched] + gap
        seen = relief[watched] <= today
        right[watched[seen]] = today[seen]
        left[watched[~seen]] = today[~seen]
        watched = watched[~seen & (rng.random(watched.size) >= LEAVES_AFTER_A_VISIT)]
    return left, right


def make_columns(kind: str, n: int) -> Columns:
    """All columns of one data set."""
    rng = np.random.default_rng([SEED, KINDS.index(kind), n])
    columns = draw_covariates(rng, n, kind)
    left, right = watch(rng, draw_relief(rng, columns), kind)
    event = np.isfinite(right)
    time = np.where(event, right, left)
    cause = np.where(event, 1, np.where(rng.random(n) < 0.25, 2, 0))
    patients = max(1, round(n / EPISODES_PER_PATIENT))
    drawn = np.bincount(rng.integers(0, patients, patients), minlength=patients)
    seen = np.unique(time)
    grid = np.unique(seen[np.linspace(0, seen.size - 1, 200).astype(int)])
    ends = np.unique(np.concatenate([left, right[event]]))
    return columns | {
        "left": left,
        "right": right,
        "time": time,
        "event": event,
        "cause": cause,
        "patient": rng.integers(0, patients, n),
        "times_drawn": drawn,
        "ends": ends,
        "grid": grid,
    }


SETS = {"episodes": make_columns, "first": make_first, "returns": make_returns, "treated": make_treated}
LARGEST_CLINIC = 100_000


def main() -> None:
    """Write what is asked for, unless it is there, and print the folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--sizes", nargs="+", choices=SIZES, required=True)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    args = parser.parse_args()
    for name in args.sets:
        for kind in args.kinds:
            for size in args.sizes:
                if name == "treated" and (kind != "days" or SIZES[size] > LARGEST_CLINIC):
                    continue
                place = BUILD / f"{name}_{kind}_{size}"
                # The column that is written last.
                if not (place / "grid.f8").is_file():
                    write_columns(place, SETS[name](kind, SIZES[size]))
                print(place)


if __name__ == "__main__":
    main()
