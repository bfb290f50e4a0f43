"""Visit records with a known truth: the sample, the tests' material, and a way to try the tool without patients.

`simulate` draws patients, latent pain courses, visits and returns by the numbers of `values`,
writes them down as a clinic would (with `clean=True` as it should), and keeps the truth apart. All numbers are plants
to test against, none is a finding. Same arguments, same bytes.

The truth also holds what the records cannot show: when latent pain had halved, the muscle truly in spasm, when the
patient comes back and when pain came back elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from outcomes.errors import OutcomesError
from outcomes.files.lock import lock_name
from outcomes.files.whole import PUBLIC, whole_folder
from outcomes.simulate.cells import write_cells
from outcomes.simulate.coded import join
from outcomes.simulate.dirt import Sheet, spoil
from outcomes.simulate.export import footer_lines, format_lines, header_line
from outcomes.simulate.history import run_history
from outcomes.simulate.mapping_file import clean_mapping_toml, mapping_toml
from outcomes.simulate.recording import record
from outcomes.simulate.truth import TRUTH_COLUMNS, describe_plants, format_truth, tell_truth
from outcomes.simulate.values import PROFILES, without_noise
from outcomes.simulate.words import HEADERS
from outcomes.simulate.world import Array, Table, World, draw_world

__all__ = ["DATA_CUT", "Simulated", "simulate", "write_export", "write_simulation"]

DATA_CUT = date(2026, 9, 30)
FILES = ("visits.csv", "truth.csv", "truth.json", "mapping.toml")
_BLOCK = 50_000
_ID_PRIME, _ID_STEP = 9_999_991, 7_654_321


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of some patients, their truth, and the episode (position in `truth`) of each row."""

    sheet: Sheet
    truth: Table
    episode: Array


@dataclass(frozen=True, slots=True)
class Simulated:
    """An export and its truth.

    Attributes
    ----------
    header : tuple of str
        Headers of the export, in file order.
    blocks : tuple of Block
        The rows, a block of patients after another.
    planted : dict
        What was planted, as in ``truth.json``.
    clean : bool
        Whether the export has canonical headers and words, ISO dates and no dirt.
    """

    header: tuple[str, ...]
    blocks: tuple[Block, ...]
    planted: dict[str, Any]
    clean: bool

    @property
    def n_records(self) -> int:
        """Number of rows written, doubled and broken ones included, stray lines not."""
        return sum(len(block.sheet) for block in self.blocks)

    @property
    def records(self) -> dict[str, Array]:
        """Header to the text of its cells, shape (n_records,), before any line is broken."""
        columns = [block.sheet.columns for block in self.blocks]
        return {head: join([c[name] for c in columns]).cells() for head, name in zip(self.header, HEADERS, strict=True)}

    @property
    def truth(self) -> Table:
        """Truth of the episodes with a row in the export: name to array; words as positions in `values`' lists."""
        return {name: np.concatenate([b.truth[name] for b in self.blocks]) for name in self.blocks[0].truth}

    @property
    def episode_of_record(self) -> Array:
        """Position in `truth` of each row's episode, shape (n_records,)."""
        starts = np.cumsum([0, *(len(block.truth["start"]) for block in self.blocks)])
        return np.concatenate([b.episode + start for b, start in zip(self.blocks, starts[:-1], strict=True)])

    @property
    def dirt(self) -> dict[str, int]:
        """How often each kind of dirt was applied."""
        kinds = {kind for block in self.blocks for kind in block.sheet.counts}
        return {kind: sum(block.sheet.counts.get(kind, 0) for block in self.blocks) for kind in sorted(kinds)}


def simulate(
    n_patients: int,
    seed: int,
    profile: str = "chiro",
    clinics: int | None = None,
    quarters: int = 16,
    clean: bool = False,
    data_cut: date = DATA_CUT,
    noise: bool = True,
) -> Simulated:
    """Draw an export and its truth.

    Parameters
    ----------
    n_patients : int
        Patients drawn; a few come only before the first day of the export and leave no row.
    seed : int
        Seed of the one random tree; a clean and a dirty export of one seed tell of the same visits.
    profile : {"chiro", "physio"}
        The kind of practice.
    clinics : int, optional
        Number of clinics; the profile's own number (6 or 8) unless given.
    quarters : int
        Calendar quarters up to the data cut.
    clean : bool
        Canonical headers and words, ISO dates, no dirt.
    data_cut : date
        Last day of the export, the last day of a quarter.
    noise : bool
        Whether a rating has an error; without it, ratings are latent pain rounded to whole points.

    Returns
    -------
    Simulated

    Raises
    ------
    ValueError
        For an unknown profile, a number below one or a seed below zero.
    """
    world, blocks = _blocks(n_patients, seed, profile, clinics, quarters, clean, data_cut, noise)
    return Simulated(_header(clean), tuple(blocks), describe_plants(world), clean)


def write_export(simulated: Simulated, out_dir: str | Path) -> tuple[Path, ...]:
    """Write ``visits.csv``, ``truth.csv``, ``truth.json`` and ``mapping.toml``; returns their paths."""
    return _write(Path(out_dir), simulated.blocks, simulated.planted, simulated.clean)


def write_simulation(
    out: str | Path,
    patients: int,
    seed: int,
    profile: str = "chiro",
    clean: bool = False,
    progress: Callable[[int, int], None] | None = None,
    clinics: int | None = None,
    quarters: int = 16,
) -> tuple[Path, ...]:
    """Draw and write block by block, so that memory does not grow with the number of patients.

    The files are those of `write_export` for the same arguments, byte for byte. The folder appears whole, in place of
    an earlier simulation that holds nothing else. `progress` is called with the number of patients written and their
    total.

    Raises
    ------
    OutcomesError
        `out` holds something else, or another run writes it (E951, E952).
    """
    world, blocks = _blocks(patients, seed, profile, clinics, quarters, clean, DATA_CUT)

    def reported() -> Iterator[Block]:
        edges = _block_edges(patients)
        for done, block in zip(edges[1:], blocks, strict=True):
            yield block
            if progress is not None:
                progress(done, patients)

    folder = Path(out)
    with whole_folder(folder, _check_target, PUBLIC, lock=lock_name(folder)) as staging:
        written = _write(staging, reported(), describe_plants(world), clean)
    return tuple(folder / path.name for path in written)


def _check_target(out: Path) -> None:
    """Only an earlier simulation, with nothing else in it, is replaced."""
    if not out.exists():
        return
    names = {path.name for path in out.iterdir()} if out.is_dir() and not out.is_symlink() else {""}
    if names and "truth.json" not in names:
        raise OutcomesError(f"{out} exists and is not an earlier simulation; name a new folder with --out.")
    if foreign := sorted(names - set(FILES)):
        raise OutcomesError(f"{out} holds files of yours ({', '.join(foreign[:5])}); move them, or name another --out.")


def _header(clean: bool) -> tuple[str, ...]:
    return tuple(HEADERS) if clean else tuple(HEADERS.values())


def _blocks(
    n_patients: int,
    seed: int,
    profile: str,
    clinics: int | None,
    quarters: int,
    clean: bool,
    data_cut: date,
    noise: bool = True,
) -> tuple[World, Iterator[Block]]:
    if profile not in PROFILES:
        raise ValueError(f"profile is {profile!r}; there are {', '.join(PROFILES)}")
    values = PROFILES[profile] if noise else without_noise(PROFILES[profile])
    clinics = values.clinics if clinics is None else clinics
    if min(n_patients, clinics, quarters) < 1:
        raise ValueError("patients, clinics and quarters must be at least 1")
    if seed < 0:
        raise ValueError("seed must be 0 or more")
    edges = _block_edges(n_patients)
    root, *seeds = np.random.SeedSequence(seed).spawn(len(edges))
    world = draw_world(_generator(root), values, clinics, quarters, data_cut)
    return world, (_draw_block(world, s, edges[i], edges[i + 1], clean) for i, s in enumerate(seeds))


def _block_edges(n_patients: int) -> list[int]:
    # Even blocks: a last block of a few patients could not carry its share of dirt.
    n_blocks = -(-n_patients // _BLOCK)
    return [n_patients * i // n_blocks for i in range(n_blocks + 1)]


def _generator(seed: np.random.SeedSequence) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _draw_block(world: World, seed: np.random.SeedSequence, first: int, last: int, clean: bool) -> Block:
    for_history, for_records, for_dirt = seed.spawn(3)
    history = run_history(_generator(for_history), world, last - first)
    written = record(_generator(for_records), world, history)
    persons = np.arange(first, last, dtype=np.int64)
    ids = [f"{number:07d}" for number in (1 + (persons + 1) * _ID_STEP % _ID_PRIME).tolist()]
    columns = write_cells(world, written, ids, clean)
    sheet = Sheet(columns, np.arange(len(written["day"])), {}, (), {})
    if not clean:
        sheet = spoil(_generator(for_dirt), world, sheet)
    exported = np.array(sheet.columns["patient_id"].values[: last - first], dtype=object)
    truth, position = tell_truth(world, history, exported, first)
    return Block(sheet, truth, position[history.visits["episode"][sheet.visit]])


def _write(out: Path, blocks: Iterable[Block], planted: dict[str, Any], clean: bool) -> tuple[Path, ...]:
    out.mkdir(parents=True, exist_ok=True)
    header, n = _header(clean), 0
    visits, truth, about, mapping = (out / name for name in FILES)
    with _open(visits) as records, _open(truth) as truths:
        records.write(header_line(header))
        truths.write(header_line(tuple(TRUTH_COLUMNS)))
        for block in blocks:
            records.writelines(format_lines(block.sheet, header))
            truths.writelines(format_truth(block.truth))
            n += len(block.sheet)
        if not clean:
            records.write(footer_lines(header, n, planted["data_cut"]))
    with _open(about) as file:
        file.write(json.dumps(planted, indent=2, sort_keys=True) + "\n")
    with _open(mapping) as file:
        file.write((clean_mapping_toml if clean else mapping_toml)(date.fromisoformat(planted["data_cut"])))
    return visits, truth, about, mapping


def _open(path: Path) -> TextIO:
    # Explicit newline and encoding: the same bytes on every system.
    return path.open("w", encoding="utf-8", newline="\n")
