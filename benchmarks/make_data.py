"""Write the benchmark's visit exports: clean ISO dates, canonical headers, no mapping needed.

Two exports a size hold the same visits and differ only in the modality cell:

``few``   a few hundred distinct cells of canonical ids, as a drop-down list writes them;
``many``  free text: synonyms in any order, case and spacing, about one distinct cell per four rows.

The structure follows a clinic's records: patients with several episodes in one or two regions, pain that falls
within an episode, gaps on both sides of the 90 days, several records of one day, missing pain, exact duplicates
(1 %) and pain outside 0 to 10 (0.5 %), in the order of the visit date. Same arguments, same bytes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pa_csv

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "benchmarks"
DEFINITIONS = HERE.parent / "src" / "outcomes" / "definitions"
KINDS = ("few", "many")
SIZES = {"20k": 20_000, "100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
BLOCK_ROWS = 500_000

FIRST_DAY = np.datetime64("2019-01-01")
START_DAYS = 3 * 365
LAST_DAY = 5 * 365
REGIONS = ("cervical", "thoracic", "lumbar", "pelvic")
REGION_SHARES = (0.22, 0.13, 0.55, 0.10)
PURPOSES = ("first_exam", "treatment", "re_exam")
N_CLINICS, N_CLINICIANS = 6, 24
OUT_OF_RANGE = np.array([1100, 1200, 1500, -100])
MISSING = -1
EPISODES_PER_PATIENT = 1.6
VISITS_PER_EPISODE = 4.6


@dataclass
class Skeleton:
    """Every record as integer codes, sorted by day; arrays of shape (n,)."""

    patient: np.ndarray
    day: np.ndarray
    region: np.ndarray
    pain: np.ndarray
    """Hundredths of an NRS point; -1 = not recorded (a written -1 is -100)."""
    purpose: np.ndarray
    cell_seed: np.ndarray
    """Decides the modality cell, so that an exact duplicate gets the same one."""


def draw_episodes(rng: np.random.Generator, n_patients: int) -> dict[str, np.ndarray]:
    """Episodes of all patients, one element each, patients in order."""
    n_episodes = rng.geometric(1 / EPISODES_PER_PATIENT, n_patients)
    patient = np.repeat(np.arange(n_patients), n_episodes)
    n = len(patient)
    first = np.r_[True, patient[1:] != patient[:-1]]
    region = rng.choice(4, n, p=REGION_SHARES)
    same_as_before = np.flatnonzero(~first & (rng.random(n) < 0.65))
    region[same_as_before] = region[same_as_before - 1]
    near_the_rule = rng.random(n) < 0.2
    gap = np.where(near_the_rule, rng.integers(40, 131, n), 91 + rng.exponential(160, n)).astype(np.int64)
    return {
        "patient": patient,
        "first": first,
        "region": region,
        "lead_days": np.where(first, rng.integers(0, START_DAYS, n), gap),
        "baseline": np.clip(rng.normal(6.0, 1.9, n), 1, 10),
        "tau": rng.lognormal(np.log(28), 0.9, n),
        "floor": rng.beta(1, 4, n),
        "n_visits": rng.geometric(1 / VISITS_PER_EPISODE, n),
    }


def draw_visits(rng: np.random.Generator, episodes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Visits of all episodes with their day and the pain as rated, patients in order."""
    which = np.repeat(np.arange(len(episodes["patient"])), episodes["n_visits"])
    n = len(which)
    opens = np.r_[True, which[1:] != which[:-1]]
    gap = np.clip(rng.lognormal(np.log(6), 0.6, n), 1, 200).astype(np.int64)
    step = np.where(opens, episodes["lead_days"][which], gap)
    total = np.cumsum(step)
    patient = episodes["patient"][which]
    start_of_patient = np.flatnonzero(opens & episodes["first"][which])
    before = (total - step)[start_of_patient]
    day = total - np.repeat(before, np.diff(np.r_[start_of_patient, n]))
    since = day - np.repeat(day[opens], episodes["n_visits"])
    floor = episodes["floor"][which]
    course = episodes["baseline"][which] * (floor + (1 - floor) * np.exp(-since / episodes["tau"][which]))
    rating = np.clip(np.rint(course + rng.normal(0, 1, n)), 0, 10)
    half = (rng.random(n) < 0.04) & (rating < 10)
    pain = np.rint(100 * (rating + 0.5 * half)).astype(np.int64)
    pain[rng.random(n) < np.where(opens, 0.10, 0.25)] = MISSING
    purpose = np.where(opens, 0, np.where(rng.random(n) < 0.05, 2, 1))
    return {"patient": patient, "day": day, "region": episodes["region"][which], "pain": pain, "purpose": purpose}


def add_same_day_records(rng: np.random.Generator, visits: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A second record of the day for 4 % of the visits, and one mostly in another region for 3 %.

    Each has a purpose of its own: records of a day that differ in nothing but the rating are set aside by this package,
    and merged by the others.
    """
    n = len(visits["day"])
    again = np.flatnonzero(rng.random(n) < 0.04)
    elsewhere = np.flatnonzero(rng.random(n) < 0.03)
    source = np.concatenate([np.arange(n), again, elsewhere])
    out = {name: values[source] for name, values in visits.items()}
    extra = slice(n, n + len(again))
    shift = 100 * rng.integers(-1, 2, len(again))
    known = out["pain"][extra] != MISSING
    shifted = np.where(known, np.clip(out["pain"][extra] + shift, 0, 1000), MISSING)
    out["pain"][extra] = np.where(rng.random(len(again)) < 0.5, MISSING, shifted)
    other = slice(n + len(again), None)
    out["region"][other] = rng.choice(4, len(elsewhere), p=REGION_SHARES)
    out["pain"][other] = 100 * rng.integers(0, 11, len(elsewhere))
    for rows, step in ((extra, 1), (other, 2)):
        out["purpose"][rows] = (out["purpose"][rows] + step) % len(PURPOSES)
    return out


def draw_skeleton(n_records: int, seed: int) -> Skeleton:
    """Draw ``n_records`` records, exact duplicates among them, in the order of the visit date."""
    rng = np.random.default_rng(seed)
    n_patients = int(n_records / (EPISODES_PER_PATIENT * VISITS_PER_EPISODE)) + 1000
    records = add_same_day_records(rng, draw_visits(rng, draw_episodes(rng, n_patients)))
    seen = np.flatnonzero(records["day"] <= LAST_DAY)
    n_duplicates = n_records // 100
    n_originals = n_records - n_duplicates
    if len(seen) < n_originals:
        raise ValueError(f"only {len(seen)} records drawn of {n_originals}; raise the number of patients")
    # Whole patients first, so that cutting at the wanted size does not thin out every course.
    seen = seen[np.argsort(records["patient"][seen], kind="stable")][:n_originals]
    records = {name: values[seen] for name, values in records.items()}
    wrong = rng.random(n_originals) < 0.005
    records["pain"][wrong] = rng.choice(OUT_OF_RANGE, wrong.sum())
    records["cell_seed"] = rng.integers(0, 2**62, n_originals)
    source = np.concatenate([np.arange(n_originals), rng.choice(n_originals, n_duplicates, replace=False)])
    arrival = rng.random(n_records)
    order = source[np.lexsort((arrival, records["day"][source]))]
    return Skeleton(**{name: values[order] for name, values in records.items()})


def read_terms() -> tuple[list[str], list[str]]:
    """Canonical ids of the treatments, and the synonyms that mean one thing in any column."""
    ambiguous = {row["term"] for row in _read_csv(DEFINITIONS / "ambiguous_terms.csv")}
    rows = [row for row in _read_csv(DEFINITIONS / "modalities.csv") if row["is_treatment"] == "1"]
    terms = {term for row in rows for term in row["synonyms"].split("|")} - ambiguous
    plain = sorted(t for t in terms if len(t) > 2 and not set(t) & set("/+&,;") and " and " not in t)
    return [row["modality_id"] for row in rows], plain


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def spell_variants(terms: list[str]) -> list[str]:
    """Each term as people type it: four cases, stray blanks, a dot."""
    cases = [t for term in terms for t in (term, term.title(), term.upper(), term.capitalize())]
    return [
        written for text in cases for written in (text, " " + text, text + " ", text.replace(" ", "  "), text + ".")
    ]


def few_cells(ids: list[str], seed: int) -> Callable[[np.ndarray], pa.Array]:
    """Cells from a pool of 240 typical bundles of canonical ids, unevenly used."""
    rng = np.random.default_rng(seed)
    bundles = {""} | {";".join(rng.permutation(ids)[: rng.integers(1, 6)]) for _ in range(239)}
    pool = pa.array(rng.permutation(np.array(sorted(bundles))))
    edges = np.cumsum(1 / np.arange(1, len(pool) + 1))
    edges = edges / edges[-1]
    return lambda cell_seed: pool.take(pa.array(np.searchsorted(edges, cell_seed / 2**62).clip(0, len(pool) - 1)))


def many_cells(terms: list[str]) -> Callable[[np.ndarray], pa.Array]:
    """Cells of one to five terms as typed; two thirds repeat one of 3,000 habits, the rest are new combinations."""
    written = pa.array(spell_variants(terms))

    def build(cell_seed: np.ndarray) -> pa.Array:
        state = cell_seed.astype(np.uint64)
        habit = state % np.uint64(3) != 0
        state = np.where(habit, (state // np.uint64(3)) % np.uint64(3000), state)
        n_terms = _mix(state, 0) % np.uint64(5)
        columns = []
        for place in range(5):
            index = (_mix(state, place + 1) % np.uint64(len(written))).astype(np.int64)
            columns.append(written.take(pa.array(index, mask=n_terms < place)))
        return pc.binary_join_element_wise(*columns, ";", null_handling="skip")

    return build


def _mix(state: np.ndarray, salt: int) -> np.ndarray:
    """Splitmix64: a hash of the seed, so that a cell depends on its own record only."""
    x = state + np.uint64((0x9E3779B97F4A7C15 * (salt + 1)) % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def patient_ids(patient: np.ndarray) -> pa.Array:
    """Eight hexadecimal digits after a ``P``: unique (an odd multiplier is a bijection), in no order."""
    number = (patient.astype(np.uint64) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    digits = (number[:, None] >> np.arange(28, -1, -4, dtype=np.uint64)) & np.uint64(15)
    text = np.empty((len(patient), 9), dtype=np.uint8)
    text[:, 0] = ord("P")
    text[:, 1:] = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)[digits]
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(9), len(patient), [None, pa.py_buffer(text)])
    return fixed.cast(pa.binary()).cast(pa.string())


def write_block(skeleton: Skeleton, rows: slice, cells: Callable[[np.ndarray], pa.Array]) -> pa.RecordBatch:
    """One block of the export as text columns under the canonical headers."""
    patient = skeleton.patient[rows]
    pain = skeleton.pain[rows]
    levels, code = np.unique(pain, return_inverse=True)
    words = pa.array(["" if level == MISSING else f"{level / 100:g}" for level in levels])
    days = pa.array((FIRST_DAY + np.arange(LAST_DAY + 1)).astype(str))
    clinic = (patient * 7919) % N_CLINICS
    clinician = (patient * 104729) % N_CLINICIANS
    return pa.record_batch(
        {
            "patient_id": patient_ids(patient),
            "visit_date": days.take(pa.array(skeleton.day[rows])),
            "clinic_id": pa.array([f"clinic-{i}" for i in range(N_CLINICS)]).take(pa.array(clinic)),
            "clinician_id": pa.array([f"c{i:02d}" for i in range(N_CLINICIANS)]).take(pa.array(clinician)),
            "visit_purpose": pa.array(PURPOSES).take(pa.array(skeleton.purpose[rows])),
            "region": pa.array(REGIONS).take(pa.array(skeleton.region[rows])),
            "pain_pre": words.take(pa.array(code)),
            "modalities": cells(skeleton.cell_seed[rows]),
        }
    )


def write_export(path: Path, skeleton: Skeleton, cells: Callable[[np.ndarray], pa.Array]) -> None:
    """Write one CSV block by block; the final name appears only when the file is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    n = len(skeleton.day)
    blocks = (write_block(skeleton, slice(at, min(at + BLOCK_ROWS, n)), cells) for at in range(0, n, BLOCK_ROWS))
    _write_csv(part, blocks)
    part.replace(path)


def _write_csv(path: Path, blocks: Iterator[pa.RecordBatch]) -> None:
    first = next(blocks)
    options = pa_csv.WriteOptions(quoting_style="none", quoting_header="none")
    with pa_csv.CSVWriter(path, first.schema, write_options=options) as writer:
        writer.write_batch(first)
        for block in blocks:
            writer.write_batch(block)


def export_path(kind: str, size: str, folder: Path = BUILD) -> Path:
    """Where the export of this kind and size lies."""
    return folder / f"visits_{kind}_{size}.csv"


def make_exports(sizes: list[str], kinds: list[str], folder: Path = BUILD, seed: int = 20260101) -> list[Path]:
    """Write what is missing; return the paths of all exports asked for."""
    ids, terms = read_terms()
    cells = {"few": few_cells(ids, seed), "many": many_cells(terms)}
    wanted = [(kind, size) for size in sizes for kind in kinds]
    for size in sizes:
        missing = [kind for kind in kinds if not export_path(kind, size, folder).exists()]
        if missing:
            skeleton = draw_skeleton(SIZES[size], seed)
            for kind in missing:
                print(f"writing {export_path(kind, size, folder).name}", file=sys.stderr)
                write_export(export_path(kind, size, folder), skeleton, cells[kind])
    return [export_path(kind, size, folder) for kind, size in wanted]


def main() -> None:
    """Command line: ``make_data.py --sizes 100k 1m``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["100k", "1m"])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--folder", type=Path, default=BUILD)
    args = parser.parse_args()
    for path in make_exports(args.sizes, args.kinds, args.folder):
        print(path)


if __name__ == "__main__":
    main()
