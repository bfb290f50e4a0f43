"""The benchmark job with this package: read, build visits, build episodes, bound relief, write.

`--phases` prints the seconds of each phase as JSON instead of nothing, the imports among them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from outcomes.cases import Episodes
    from outcomes.cases.timeline import ReliefIntervals

PROTOCOL = Path(__file__).resolve().parent / "protocol.toml"
# What every tool writes.
COLUMNS = ["patient_id", "stream", "index_date", "n_visits", "baseline_nrs", "modalities_first"]


class Clock:
    """Seconds spent per phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Book the time since the last call to a phase."""
        now = time.perf_counter()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._last
        self._last = now

    def around(self, function: Callable[..., Any], before: str, during: str) -> Callable[..., Any]:
        """Wrap a function so that the time until its call and the time in it are booked apart."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            self.lap(before)
            result = function(*args, **kwargs)
            self.lap(during)
            return result

        return timed


def add_bounds(episodes: Episodes, relief: ReliefIntervals) -> pa.Table:
    """Put the relief bounds beside the episodes; both are missing where relief is not definable."""
    import numpy as np

    from outcomes import arrow

    table = episodes.to_arrow().select(COLUMNS)
    for name, days in (("left_days", relief.left_days), ("right_days", relief.right_days)):
        column = np.full(episodes.n, np.inf)
        column[relief.episode] = days
        known = np.isfinite(column)
        table = table.append_column(name, arrow.from_numpy(np.where(known, column, 0).astype(np.int32), known))
    return table


def clean(export: Path, out: Path, rule: str, clock: Clock) -> None:
    """Run the job, booking each phase."""
    import pyarrow.parquet as pq

    import outcomes.cases.visits as visits_module
    from outcomes.cases import build_episodes, build_relief_intervals, build_visits
    from outcomes.definitions import Protocol
    from outcomes.records import read_records

    protocol = Protocol.load(PROTOCOL)
    clock.lap("import")
    records = read_records(export)
    clock.lap("read")
    # Where `build_visits` looks it up; nobody imports it from there.
    names = vars(visits_module)
    names["type_records"] = clock.around(names["type_records"], "definitions", "parse and validate")
    visits = build_visits(records, protocol)
    del records
    clock.lap("sort and merge")
    episodes = build_episodes(visits)
    clock.lap("episodes")
    relief = build_relief_intervals(episodes, rule)
    clock.lap("relief bounds")
    pq.write_table(add_bounds(episodes, relief), out, compression="zstd")
    clock.lap("show and write")


def main() -> None:
    """Command line: ``clean_outcomes.py EXPORT OUT``."""
    started = time.clock_gettime(time.CLOCK_BOOTTIME)
    clock = Clock()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rule", choices=["any", "confirmed"], default="confirmed")
    parser.add_argument("--phases", action="store_true", help="print the seconds of each phase")
    args = parser.parse_args()
    clean(args.export, args.out, args.rule, clock)
    if args.phases:
        print(json.dumps({"start the interpreter": started - _process_start(), **clock.seconds}))


def _process_start() -> float:
    """Seconds after boot at which this process began (Linux), as `CLOCK_BOOTTIME` counts them."""
    import os

    fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
