"""Prove that every tool wrote the same episode table; exit with 1 and say what differs when one did not."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

MODALITIES = Path(__file__).resolve().parent.parent / "src" / "outcomes" / "definitions" / "modalities.csv"
STREAMS = ["upper", "lower", "unspecified"]
MISSING = -1
OUR_NAMES = {"index_date": "index_day", "baseline_nrs": "baseline"}


def read_result(path: Path, rule: str) -> dict[str, np.ndarray]:
    """Read a tool's table in one form: sorted by patient, stream and first day; -1 where a value is missing."""
    table = join_relief(path, rule) if path.is_dir() else pq.read_table(path)
    table = table.rename_columns([OUR_NAMES.get(name, name) for name in table.column_names])
    ids = pc.cast(table["patient_id"], pa.string())
    stream = pc.index_in(pc.cast(table["stream"], pa.string()), value_set=pa.array(STREAMS))
    day = pc.cast(pc.cast(table["index_day"], pa.date32()), pa.int32())
    keys = pa.table({"patient_id": ids, "stream": stream, "index_day": day})
    order = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names])
    columns = {
        "patient_id": ids,
        "stream": stream,
        "index_day": day,
        "n_visits": table["n_visits"],
        "modalities_first": to_masks(table["modalities_first"]),
        **{name: to_number(table[name]) for name in ("baseline", "left_days", "right_days")},
    }
    return {name: values.take(order).to_numpy(zero_copy_only=False) for name, values in _arrays(columns).items()}


def _arrays(columns: dict[str, pa.ChunkedArray]) -> dict[str, pa.Array]:
    return {n: v.combine_chunks() if isinstance(v, pa.ChunkedArray) else v for n, v in columns.items()}


def to_number(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Floats with -1 for missing, nan and infinity alike."""
    numbers = pc.cast(values, pa.float64())
    return pc.fill_null(pc.if_else(pc.is_finite(numbers), numbers, None), float(MISSING))


def to_masks(values: pa.ChunkedArray) -> pa.Array:
    """Sets of modalities as bit masks, whether written as masks or as words."""
    if not (pa.types.is_dictionary(values.type) or pa.types.is_string(values.type)):
        return pc.fill_null(pc.cast(values, pa.uint64()), 0).combine_chunks()
    with MODALITIES.open(encoding="utf-8", newline="") as handle:
        bit = {row["modality_id"]: 1 << place for place, row in enumerate(csv.DictReader(handle))}
    encoded = pc.dictionary_encode(pc.cast(values, pa.string())).combine_chunks()
    words = encoded.dictionary.to_pylist()
    masks = pa.array([sum(bit[word] for word in text.split(";") if word) for text in words], pa.uint64())
    return pc.fill_null(masks.take(encoded.indices), 0)


def join_relief(folder: Path, rule: str) -> pa.Table:
    """Put the bounds of one rule beside the episodes of the command's two tables."""
    episodes = pq.read_table(folder / "episodes.parquet")
    wanted = ["episode_id", "patient_id", "stream", "index_date", "n_visits", "baseline_nrs", "modalities_first"]
    if not (folder / "relief.parquet").is_file():  # the protocol's own rule stands in the episode table
        own = episodes.select([*wanted, "relief_left_days", "relief_right_days"])
        return own.rename_columns([*wanted, "left_days", "right_days"])
    relief = pq.read_table(folder / "relief.parquet")
    relief = relief.filter(pc.equal(pc.cast(relief["rule"], pa.string()), rule))
    bounds = relief.select(["episode_id", "left_days", "right_days"])
    return episodes.select(wanted).join(bounds, "episode_id")


def find_differences(first: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    """Say in which columns, in how many rows and where first two results differ."""
    if len(first["patient_id"]) != len(other["patient_id"]):
        return [f"{len(other['patient_id']):,} episodes instead of {len(first['patient_id']):,}"]
    found = []
    for name, values in first.items():
        rows = np.flatnonzero(values != other[name])
        if rows.size:
            at = rows[0]
            found.append(f"{name}: {rows.size:,} rows, first row {at}: {other[name][at]} instead of {values[at]}")
    return found


def main() -> int:
    """Command line: ``check_tables.py RULE NAME=PATH NAME=PATH ...``; the first is held against all others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rule")
    parser.add_argument("results", nargs="+", metavar="NAME=PATH")
    args = parser.parse_args()
    named = [entry.partition("=")[::2] for entry in args.results]
    first_name, first_path = named[0]
    first = read_result(Path(first_path), args.rule)
    unequal = 0
    for name, path in named[1:]:
        differences = find_differences(first, read_result(Path(path), args.rule))
        unequal += bool(differences)
        for line in differences:
            print(f"{name} differs from {first_name}: {line}", file=sys.stderr)
    if not unequal:
        n, relieved = len(first["patient_id"]), int((first["right_days"] != MISSING).sum())
        at_risk = int((first["left_days"] != MISSING).sum())
        print(f"{len(named)} tables equal: {n:,} episodes, {at_risk:,} with relief definable, {relieved:,} relieved")
    return 1 if unequal else 0


if __name__ == "__main__":
    sys.exit(main())
