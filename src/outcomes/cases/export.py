"""Write the cleaned tables: a folder that appears whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from outcomes import arrow
from outcomes.errors import OutcomesError
from outcomes.files.beside import open_private
from outcomes.files.cells import guard_column
from outcomes.files.lock import lock_name
from outcomes.files.whole import PRIVATE, whole_folder
from outcomes.records import mask
from outcomes.records.inspect_terms import SHOWN_FROM, is_showable
from outcomes.records.odd_terms import find_form
from outcomes.records.plain_words import mask_person

if TYPE_CHECKING:
    from outcomes.cases.episodes import Episodes

TABLES = ("visits", "episodes", "relief", "quarantine", "ledger", "unknown_terms", "uniqueness")
FORMATS = ("both", "parquet", "csv")
_PRIVATE_TABLES = ("quarantine", "unknown_terms")
_MARK = "cleaned-by-outcomes"
_CODED = ("diagnoses", "procedure_codes")
_DIGIT, _CODE, _FEW_DIGITS = re.compile(r"\d"), re.compile(r"[A-Z]?\d{5}[A-Z]?"), 4
_LONG_NUMBER = re.compile(r"\d(?:[ ./-]?\d){5}")
"""Six digits, however they are grouped: no code of a treatment has as many, a number of a patient or a phone has."""


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
        For an unknown table name, a folder that holds something else, or another run that writes it (E951, E952).
    """
    unknown = [name for name in tables if name not in TABLES]
    if unknown:
        raise OutcomesError(f"There is no table {', '.join(unknown)}; choose from {', '.join(TABLES)}.")
    with whole_folder(out, _check_target, PRIVATE, lock=lock_name(out)) as staging:
        (staging / _MARK).write_text(
            "An earlier result in this folder is replaced by the next run.\n", encoding="utf-8"
        )
        for name in tables:
            _write(name, _MAKERS[name](episodes), staging, fmt)


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


def _write(name: str, table: pa.Table, folder: Path, fmt: str) -> None:
    if fmt in ("both", "parquet"):
        import pyarrow.parquet as pq

        pq.write_table(table, _new_file(name, folder / f"{name}.parquet"), compression="zstd")
    if fmt in ("both", "csv"):
        import pyarrow.csv as pcsv

        pcsv.write_csv(_plain(table), _new_file(name, folder / f"{name}.csv"))


def _new_file(name: str, path: Path) -> Path:
    """Rows set aside and words nobody knows may point at single people: only their owner reads them, from the start."""
    if name in _PRIVATE_TABLES:
        open_private(path)
    return path


def fill_quarantine(episodes: Episodes, path: Path) -> bool:
    """Fill a file with the rows set aside (a `files.beside.Writer`); False where there are none."""
    import pyarrow.csv as pcsv

    if not episodes.visits.quarantine.num_rows:
        return False
    pcsv.write_csv(_plain(_quarantine(episodes)), path)
    return True


def _plain(table: pa.Table) -> pa.Table:
    """Decode dictionaries, which the CSV writer does not take, and guard texts that a spreadsheet would run."""
    return pa.table([guard_column(column) for column in table.columns], names=table.column_names)


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
    fields = arrow.from_texts([entry[0] for entry in found])
    terms = arrow.from_texts([_show_term(field, term, patients) for field, term, _, patients in found])
    records, patients = (np.array([entry[place] for entry in found], dtype=np.int64) for place in (2, 3))
    counts = {"records": arrow.from_numpy(records), "patients": arrow.from_numpy(patients)}
    return pa.table({"field": fields, "term": terms, **counts})


def _show_term(field: str, term: str, patients: int) -> str:
    """Mask a term that may name somebody, and of few patients each word that no list knows; others are words."""
    is_rare = patients < SHOWN_FROM
    if not is_showable(term) or (is_rare and (_LONG_NUMBER.search(term) or find_form(term))):
        return mask(term)
    if is_rare and field not in _CODED and not _CODE.fullmatch(term) and len(_DIGIT.findall(term)) > _FEW_DIGITS:
        term = _DIGIT.sub("9", term)
    return mask_person(term) if is_rare else term


def _uniqueness(episodes: Episodes) -> pa.Table:
    from outcomes.cases.uniqueness import build_uniqueness_table

    return build_uniqueness_table(episodes)


_MAKERS: dict[str, Callable[[Episodes], pa.Table]] = {
    "visits": _visits,
    "episodes": _episodes,
    "relief": _relief,
    "quarantine": _quarantine,
    "ledger": _ledger,
    "unknown_terms": _unknown_terms,
    "uniqueness": _uniqueness,
}
