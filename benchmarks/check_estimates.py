"""Hold the answers of all tools to one job against ours; prints one line of JSON, name to finding.

    check_estimates.py JOB DATA NAME=ANSWER NAME=ANSWER ...        ours first

For each tool: `off`, the largest difference from our answer; `part`, where; `equal`, whether it is within the tolerance
of that part; and for the interval-censored curve `gap`, the certificate computed here from its curve alone, and
`deficit`, how much log-likelihood it lacks to the best of all. Ours counts as proven when at least one other tool gives
the same within the tolerances; for the interval-censored curve when its certificate is below 1e-8 and nobody has a
higher likelihood.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from estimate_job import Columns, read_columns

# Largest absolute difference; statistics and a regression's errors are compared relatively, coefficients in standard
# errors. Peers that take a step of Newton less differ by some hundred-thousandths of an error.
TOLERANCES = {
    "survival": 1e-10,
    "low": 1e-10,
    "high": 1e-10,
    "statistic": 1e-10,
    "incidence": 1e-10,
    "std_err": 1e-8,
    "cdf": 1e-5,
    "drawn_curve": 1e-5,
    "coef": 1e-3,
    "robust_std_err": 1e-4,
    "mean": 1e-10,
    "propensity": 1e-8,
    "smd_before": 1e-10,
    "smd_after": 1e-10,
    "drawn_share": 1e-5,
}
RELATIVE = ("statistic", "robust_std_err")
COX = ("cox", "andersen_gill")
CERTIFICATE = 1e-8
# The sum of a million logarithms is known to this share.
ROUNDING = 1e-12


def find_difference(job: str, ours: Columns, theirs: Columns) -> dict[str, Any]:
    """The part of the answer that is furthest from ours, measured in its tolerance."""
    worst: dict[str, Any] = {"off": 0.0, "part": "", "equal": True}
    furthest = -1.0
    for part, values in theirs.items():
        kind = part.rstrip("_12")
        if kind not in TOLERANCES or part not in ours or (job == "aft" and kind == "std_err"):
            continue
        relative = kind in RELATIVE or (job in COX and kind == "std_err")
        unit = np.abs(ours[part]) if relative else ours.get("std_err", 1.0) if kind == "coef" else 1.0
        both = np.isfinite(values) & np.isfinite(ours[part])
        off = float(np.max(np.abs(values - ours[part]) / unit, where=both, initial=0.0))
        # Limits may be missing; a regression's error may not.
        off = np.inf if job in COX and not both.all() else off
        tolerance = TOLERANCES["robust_std_err" if relative and kind == "std_err" else kind]
        if off / tolerance > furthest:
            furthest = off / tolerance
            worst = {"off": off, "part": part, "equal": off <= tolerance}
    return worst


class Intervals:
    """The distinct ``(left, right]`` of the data with their counts, to judge any curve by."""

    def __init__(self, data: Columns) -> None:
        self.ends = data["ends"]
        low = np.searchsorted(self.ends, data["left"])
        high = np.where(np.isfinite(data["right"]), np.searchsorted(self.ends, data["right"]), self.ends.size)
        key, count = np.unique(low * (self.ends.size + 1) + high, return_counts=True)
        self.low, self.high, self.count = key // (self.ends.size + 1), key % (self.ends.size + 1), count

    def judge(self, cdf: np.ndarray) -> tuple[float, float]:
        """Log-likelihood of a curve given at the ends, and the largest gradient over n, minus 1.

        A mass at end j lies in every interval with ``low < j <= high``; the place after the last end is "later".
        """
        share = np.append(cdf, 1.0)
        probability = share[self.high] - share[self.low]
        if probability.min() <= 0:
            return -np.inf, np.inf
        change = np.zeros(self.ends.size + 2)
        np.add.at(change, self.low + 1, self.count / probability)
        np.add.at(change, self.high + 1, -self.count / probability)
        gradient = np.cumsum(change)[1:-1]
        return float(self.count @ np.log(probability)), float(gradient.max() / self.count.sum() - 1)


def judge_curves(data: Columns, answers: dict[str, Columns], found: dict[str, dict[str, Any]]) -> None:
    """Add likelihood deficit and certificate to each interval-censored curve."""
    intervals = Intervals(data)
    judged = {name: intervals.judge(answer["cdf"]) for name, answer in answers.items()}
    best = max(loglik for loglik, _ in judged.values())
    for name, (loglik, gap) in judged.items():
        found[name] |= {"deficit": best - loglik, "gap": gap, "rounding": ROUNDING * abs(best)}


def is_proven(job: str, ours: dict[str, Any], others: list[dict[str, Any]]) -> bool:
    """Whether our answer may be timed."""
    if job == "npmle":
        return bool(ours["gap"] < CERTIFICATE and ours["deficit"] <= ours["rounding"])
    return not others or any(other["equal"] for other in others)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job")
    parser.add_argument("data", type=Path)
    parser.add_argument("answers", nargs="+", metavar="NAME=ANSWER")
    args = parser.parse_args()
    answers = {name: read_columns(Path(place)) for name, place in (entry.split("=", 1) for entry in args.answers)}
    names = list(answers)
    found = {name: find_difference(args.job, answers[names[0]], answers[name]) for name in names}
    if args.job == "npmle":
        judge_curves(read_columns(args.data), answers, found)
    proven = is_proven(args.job, found[names[0]], [found[name] for name in names[1:]])
    print(json.dumps({"proven": proven, "tools": found}))


if __name__ == "__main__":
    main()
