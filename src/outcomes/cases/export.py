"""Write the cleaned tables: a folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from outcomes import arrow
from outcomes.errors import OutcomesError

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

TABLES = ("visits", "episodes", "relief", "quarantine", "ledger", "unknown_terms")
FORMATS = ("both", "parquet", "csv")
_MARK = "cleaned-by-outcomes"


def export_cases(episodes: Episodes, out: Path, tables: Sequence[str] = TABLES, fmt: str = "both") -> None:
    """Write the tables of a cleaned export into a folder.

    Parameters
    ----------
    episodes : Episodes
        With the visits, quarantine and ledger they came from.
    out : Path
        Folder to make. An earlier result of this function is replaced; anything else that exists is refused.
    tables : sequence of str
        Of `TABLES`.
    fmt : str
        ``parquet``, ``csv`` or ``both``.

    Raises
    ------
    OutcomesError
        For an unknown table name, or a folder that holds something else.
    """
    unknown = [name for name in tables if name not in TABLES]
    if unknown:
        raise OutcomesError(f"There is no table {', '.join(unknown)}; choose from {', '.join(TABLES)}.")
    _check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        (staging / _MARK).write_text(
            "An earlier result in this folder is replaced by the next run.\n", encoding="utf-8"
        )
        for name in tables:
            _write(name, _MAKERS[name](episodes), staging, fmt)
        _swap(staging, out)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_target(out: Path) -> None:
    """Only an earlier result, with nothing else in it, is replaced."""
    if not out.exists():
        return
    if not (out / _MARK).is_file():
        raise OutcomesError(f"{out} exists and is not an earlier result of this command; name a new folder with --out.")
    ours = {_MARK, *(f"{table}.{ending}" for table in TABLES for ending in ("csv", "parquet"))}
    foreign = sorted(path.name for path in out.iterdir() if path.name not in ours)
    if foreign:
        raise OutcomesError(f"{out} holds files of yours ({', '.join(foreign[:5])}); move them, or name another --out.")


def _swap(staging: Path, out: Path) -> None:
    """Put the finished folder in place; an earlier one leaves only once the new one is complete."""
    if not out.exists():
        staging.rename(out)
        return
    old = staging.with_name(staging.name + "-old")
    out.rename(old)
    try:
        staging.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old)


def _write(name: str, table: pa.Table, folder: Path, fmt: str) -> None:
    if fmt in ("both", "parquet"):
        import pyarrow.parquet as pq

        path = folder / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd")
        _protect(name, path)
    if fmt in ("both", "csv"):
        import pyarrow.csv as pcsv

        path = folder / f"{name}.csv"
        pcsv.write_csv(_plain(table), path)
        _protect(name, path)


def write_quarantine(episodes: Episodes, path: Path) -> None:
    """Write the rows set aside as one CSV file that only its owner reads."""
    import pyarrow.csv as pcsv

    # Made empty with its mode first: at no moment can anybody else read it.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    pcsv.write_csv(_plain(_quarantine(episodes)), path)


def _protect(name: str, path: Path) -> None:
    """Rows set aside point at single records: only their owner reads them."""
    if name == "quarantine":
        os.chmod(path, 0o600)


def _plain(table: pa.Table) -> pa.Table:
    """Decode dictionaries: the CSV writer takes plain columns only."""
    columns = [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    return pa.table(columns, names=table.column_names)


def _visits(episodes: Episodes) -> pa.Table:
    return episodes.visits.to_arrow()


def _episodes(episodes: Episodes) -> pa.Table:
    """The episodes with the bounds of relief under the protocol's own rule; missing where relief is not definable."""
    from outcomes.cases.timeline import build_relief_intervals

    table, found = episodes.to_arrow(), build_relief_intervals(episodes)
    for name, bound in (("relief_left_days", found.left_days), ("relief_right_days", found.right_days)):
        days = np.full(episodes.n, np.inf)
        days[found.episode] = bound
        known = np.isfinite(days)
        table = table.append_column(name, arrow.from_numpy(np.where(known, days, 0).astype(np.int32), known))
    return table


def _relief(episodes: Episodes) -> pa.Table:
    from outcomes.cases.timeline import RELIEF_REASONS, RELIEF_RULES, build_relief_intervals

    blocks = []
    for rule in RELIEF_RULES:
        found = build_relief_intervals(episodes, rule)
        seen = np.isfinite(found.right_days)
        days = {
            "left_days": arrow.from_numpy(found.left_days.astype(np.int32)),
            "right_days": arrow.from_numpy(np.where(seen, found.right_days, 0).astype(np.int32), seen),
        }
        words = arrow.dictionary(np.zeros(len(seen), dtype=np.int32), [rule])
        reason = arrow.dictionary(found.reason.astype(np.int32), RELIEF_REASONS)
        blocks.append(
            pa.table({"rule": words, "episode_id": arrow.from_numpy(found.episode), **days, "reason": reason})
        )
    return pa.concat_tables(blocks).unify_dictionaries()


def _quarantine(episodes: Episodes) -> pa.Table:
    return episodes.visits.quarantine


def _ledger(episodes: Episodes) -> pa.Table:
    rows = episodes.ledger.rows()
    texts = {
        key: arrow.from_texts([str(row[key]) for row in rows])
        for key in ("step", "source", "unit", "outcome", "reason")
    }
    return pa.table({**texts, "n": arrow.from_numpy(np.array([row["n"] for row in rows], dtype=np.int64))})


def _unknown_terms(episodes: Episodes) -> pa.Table:
    found = episodes.visits.unknown_terms
    fields, terms = arrow.from_texts([entry[0] for entry in found]), arrow.from_texts([entry[1] for entry in found])
    records, patients = (np.array([entry[place] for entry in found], dtype=np.int64) for place in (2, 3))
    counts = {"records": arrow.from_numpy(records), "patients": arrow.from_numpy(patients)}
    return pa.table({"field": fields, "term": terms, **counts})


_MAKERS: dict[str, Callable[[Episodes], pa.Table]] = {
    "visits": _visits,
    "episodes": _episodes,
    "relief": _relief,
    "quarantine": _quarantine,
    "ledger": _ledger,
    "unknown_terms": _unknown_terms,
}
