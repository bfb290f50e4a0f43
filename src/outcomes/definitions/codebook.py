"""Terms and codes of the clinic -> canonical ids, from CSV tables that the user can replace.

All look-ups take the *distinct* raw texts of a column as a list of str and return numpy arrays of the same length; the
caller spreads them over the rows. Sets of modalities and of muscles are bit masks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from outcomes.definitions.codes import (
    CodeTerms,
    DiagnosisIndex,
    DiagnosisTerms,
    ProcedureIndex,
    build_diagnoses,
    build_procedures,
    find_diagnosis_codes,
    find_procedures,
)
from outcomes.definitions.lookups import ModalityTerms, MuscleTerms, find_modality_terms, find_muscle_terms
from outcomes.definitions.own_words import add_own_words
from outcomes.definitions.table_checks import build_synonyms, find_reference_faults, find_table_faults
from outcomes.definitions.tables import ID_TABLES, Table, id_column, read_tables, split_list
from outcomes.definitions.terms import TermIndex, join_keys, normalise_term, normalise_terms, take_side
from outcomes.errors import ConfigError, Finding

OTHER_FAMILY = "other"
UNSPECIFIED_GROUP = "unspecified"
_SIDED_KINDS = ("radiation", "region")


@dataclass(frozen=True, slots=True)
class Instrument:
    """An outcome questionnaire or rating: its range, which end is better, and its minimal important change."""

    label: str
    minimum: float
    maximum: float
    better: str
    mic_abs: float | None
    mic_pct: float | None
    mdc: float | None


@dataclass(frozen=True)
class Codebook:
    """The vocabulary of a run. Made by `Codebook.load`.

    Attributes
    ----------
    hash : str
        Twelve hex digits of the SHA-256 of all tables.
    modality_ids, muscle_ids : tuple of str
        Bit i of a mask is the i-th id; at most 63.
    families : tuple of str
        Analysis families, every treatment is in one.
    family_masks : dict of str to int
        Family -> mask of its modalities.
    treatment_mask : int
        The modalities that are treatment, not assessment or administration.
    unspecified_mask : int
        The muscle entries that name no muscle ("back").
    labels : dict of str to str
        Id -> own words; modalities, muscles and families come first where an id is used twice, see `label`.
    modality_class, modality_stage, modality_family : dict of str to str
        Modality id -> class, stage of care, family (empty when no treatment).
    muscle_group : dict of str to str
        Muscle id -> group.
    muscle_regions : dict of str to tuple of str
        Muscle id -> regions; ``limb`` for what is not of the trunk.
    group_relations : dict of (str, str) to str
        Pair of groups, both ways -> relation.
    diagnosis_kinds : tuple of str
        What `DiagnosisTerms.kind` indexes.
    instruments : dict of str to Instrument
        Instrument id -> range and minimal important change.
    """

    hash: str
    modality_ids: tuple[str, ...]
    muscle_ids: tuple[str, ...]
    families: tuple[str, ...]
    family_masks: dict[str, int]
    treatment_mask: int
    unspecified_mask: int
    labels: dict[str, str]
    modality_class: dict[str, str]
    modality_stage: dict[str, str]
    modality_family: dict[str, str]
    muscle_group: dict[str, str]
    muscle_regions: dict[str, tuple[str, ...]]
    group_relations: dict[tuple[str, str], str]
    diagnosis_kinds: tuple[str, ...]
    instruments: dict[str, Instrument]
    _durations: dict[str, tuple[tuple[str, ...], tuple[int, ...]]]
    _modality_bits: dict[str, int]
    _ids: dict[str, tuple[str, ...]]
    _words: dict[str, dict[str, str]]
    _modality_index: TermIndex
    _muscle_index: TermIndex
    _id_indexes: dict[str, TermIndex]
    _procedures: ProcedureIndex
    _diagnoses: DiagnosisIndex

    @classmethod
    def load(cls, folder: str | Path | None = None) -> Codebook:
        """Return the packaged codebook, with the tables of `folder` in place of the packaged ones of the same name.

        Raises
        ------
        ConfigError
            With every fault of every table: file, row and column.
        """
        tables, digest, faults = read_tables(Path(folder) if folder is not None else None)
        faults += add_own_words(tables)
        for table in tables.values():
            faults += find_table_faults(table)
        faults += find_reference_faults(tables)
        indexes, found = _build_indexes(tables)
        faults += found
        if faults:
            raise ConfigError("The codebook cannot be used:", faults)
        return _build_codebook(cls, tables, digest, indexes)

    def find_modalities(self, terms: Sequence[str]) -> ModalityTerms:
        """Look up written modalities; ambiguous terms have the meaning of a treatment column.

        A text unknown as a whole is split at ``, ; |`` and then at ``/ + &`` and the words *and*, *with*; a dose
        (``8 min``, ``x3``) is passed over; a CPT or HCPCS number standing in for a word is read as such.
        """
        return find_modality_terms(self._modality_index, self._procedures, terms)

    def find_muscles(self, terms: Sequence[str]) -> MuscleTerms:
        """Look up written muscles with their side, ``L``/``R``/``B`` after a colon or as words before or after."""
        return find_muscle_terms(self._muscle_index, terms)

    def find_codes(self, codes: Sequence[str]) -> CodeTerms:
        """Look up CPT and HCPCS numbers; modifiers and units (``97140-59``, ``97110 x2``) are passed over."""
        return find_procedures(self._procedures, codes)

    def find_diagnoses(self, codes: Sequence[str], core: Collection[str] | None = None) -> DiagnosisTerms:
        """Look up ICD-10 codes in any case, with or without dots, retired, cut short or with words beside them.

        Parameters
        ----------
        codes : sequence of str
            Distinct raw texts.
        core : collection of str, optional
            ``Protocol.case_definition.core_icd10cm``: these codes and no others have the tier ``core``; a code the
            tables call core is then ``broad``. None keeps the tiers of the tables.
        """
        return find_diagnosis_codes(self._diagnoses, codes, core)

    def find_ids(self, kind: str, terms: Sequence[str]) -> npt.NDArray[np.int16]:
        """Return for each text the index into ``ids(kind)``, -1 when it is unknown or empty.

        Raises
        ------
        KeyError
            When there is no such kind.
        """
        index, sided = self._id_indexes[kind], kind in _SIDED_KINDS
        found = np.full(len(terms), -1, dtype=np.int16)
        for row, key in enumerate(normalise_terms(terms)):
            value = index.get(key)
            if value is None and sided:
                value = index.get(take_side(key)[1])
            if value is not None:
                found[row] = value
        return found

    def ids(self, kind: str) -> tuple[str, ...]:
        """Return the ids of a kind: cause, trigger, radiation, region, sex, purpose, onset and so on."""
        return self._ids[kind]

    def label(self, kind: str, name: str) -> str:
        """Return the own words for an id of a kind; kinds are those of `ids` and modality, muscle, family."""
        return self._words[kind][name]

    def mask_of(self, modality: str) -> int:
        """Return the bit of a modality id.

        Raises
        ------
        KeyError
            When there is no such modality.
        """
        return self._modality_bits[modality]

    def instrument_ranges(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the least and the greatest score of each instrument, in the order of ``ids("instrument")``."""
        ranges = [(each.minimum, each.maximum) for each in self.instruments.values()]
        low, high = np.array(ranges, dtype=np.float64).T
        return low, high

    def duration_classes(self, scheme: str = "") -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Return the names of the classes of symptom duration and the day each begins with.

        Parameters
        ----------
        scheme : str
            A scheme of ``duration_classes.csv``; by default the first.
        """
        return self._durations[scheme or next(iter(self._durations))]

    def modality_names(self, mask: int) -> tuple[str, ...]:
        """Return the ids in a modality mask, in the order of the table."""
        return tuple(name for bit, name in enumerate(self.modality_ids) if int(mask) >> bit & 1)

    def muscle_names(self, mask: int) -> tuple[str, ...]:
        """Return the ids in a muscle mask, in the order of the table."""
        return tuple(name for bit, name in enumerate(self.muscle_ids) if int(mask) >> bit & 1)


def _build_indexes(tables: dict[str, Table]) -> tuple[dict[str, TermIndex], list[Finding]]:
    """Return the term index of each readable table, keyed by its file name, and the synonyms that clash."""
    indexes: dict[str, TermIndex] = {}
    faults: list[Finding] = []
    ambiguous = tables.get("ambiguous_terms.csv")
    for name, kind in (("modalities.csv", "modality"), ("muscles.csv", "muscle")):
        if name in tables:
            column = "modalities" if kind == "modality" else "muscles"
            indexes[name], found = _build_mask_index(tables[name], ambiguous, kind, column)
            faults += found
    for name in ID_TABLES.values():
        if name in tables:
            entries, found = build_synonyms(tables[name])
            indexes[name] = TermIndex(entries, join_keys(entries))
            faults += found
    return indexes, faults


def _build_mask_index(table: Table, ambiguous: Table | None, kind: str, column: str) -> tuple[TermIndex, list[Finding]]:
    rows = {normalise_term(row["term"]): row for row in ambiguous.rows} if ambiguous else {}
    positions, faults = build_synonyms(table, rows)
    bits = {row[id_column(table.name)]: 1 << position for position, row in enumerate(table.rows)}
    entries = {key: 1 << position for key, position in positions.items()}
    for key, row in rows.items():
        mask = 0
        for name in split_list(row[column]):
            mask |= bits.get(name, 0)
        if mask:
            entries[key] = mask
    joined = {key: mask for key, mask in join_keys(entries).items() if key not in rows}
    here = {key: row for key, row in rows.items() if key in entries}
    index = TermIndex(
        entries,
        joined,
        assumed=frozenset(key for key, row in here.items() if row["assumed_in"] == kind),
        upper_case=frozenset(key for key, row in here.items() if row["only_if"] == "upper_case"),
        no_number=frozenset(key for key, row in here.items() if row["only_if"] == "no_number"),
    )
    return index, faults


def _build_codebook(
    cls: type[Codebook], tables: dict[str, Table], digest: str, indexes: dict[str, TermIndex]
) -> Codebook:
    modalities, muscles = tables["modalities.csv"].rows, tables["muscles.csv"].rows
    modality_bits = {row["modality_id"]: 1 << bit for bit, row in enumerate(modalities)}
    treatment_mask = sum(modality_bits[row["modality_id"]] for row in modalities if row["is_treatment"] == "1")
    family_masks = _build_families(tables["families.csv"], modality_bits, treatment_mask)
    leaf, other = tables["icd10cm.csv"], tables["icd10_other.csv"]
    kinds = tuple(dict.fromkeys(row["kind"] for table in (leaf, other) for row in table.rows))
    words = _build_words(tables)
    specific_families = [mask for family, mask in family_masks.items() if family != OTHER_FAMILY]
    return cls(
        hash=digest,
        modality_ids=tuple(modality_bits),
        muscle_ids=tuple(row["muscle_id"] for row in muscles),
        families=tuple(family_masks),
        family_masks=family_masks,
        treatment_mask=treatment_mask,
        unspecified_mask=sum(1 << bit for bit, row in enumerate(muscles) if row["group"] == UNSPECIFIED_GROUP),
        labels={name: text for kind in reversed(words) for name, text in words[kind].items()},
        modality_class={row["modality_id"]: row["class"] for row in modalities},
        modality_stage={row["modality_id"]: row["stage"] for row in modalities},
        modality_family={
            name: next((family for family, mask in family_masks.items() if mask & bit), "")
            for name, bit in modality_bits.items()
        },
        muscle_group={row["muscle_id"]: row["group"] for row in muscles},
        muscle_regions={row["muscle_id"]: tuple(split_list(row["region"])) for row in muscles},
        group_relations=_build_relations(tables["muscle_group_relations.csv"]),
        diagnosis_kinds=kinds,
        instruments={row["instrument_id"]: _build_instrument(row) for row in tables["instruments.csv"].rows},
        _durations=_build_durations(tables["duration_classes.csv"]),
        _modality_bits=modality_bits,
        _ids={kind: tuple(row[f"{kind}_id"] for row in tables[name].rows) for kind, name in ID_TABLES.items()},
        _words=words,
        _modality_index=indexes["modalities.csv"],
        _muscle_index=indexes["muscles.csv"],
        _id_indexes={kind: indexes[name] for kind, name in ID_TABLES.items()},
        _procedures=build_procedures(tables["modality_codes.csv"], modality_bits, specific_families),
        _diagnoses=build_diagnoses(leaf, other, kinds),
    )


def _build_families(table: Table, modality_bits: dict[str, int], treatment_mask: int) -> dict[str, int]:
    masks: dict[str, int] = {}
    placed = 0
    for row in table.rows:
        mask = 0
        for name in split_list(row["modalities"]):
            mask |= modality_bits[name]
        masks[row["family_id"]] = mask & treatment_mask & ~placed
        placed |= mask
    rest = treatment_mask & ~placed
    if rest or OTHER_FAMILY in masks:
        # a treatment that no family names is in "other", so that shares add up
        masks[OTHER_FAMILY] = masks.get(OTHER_FAMILY, 0) | rest
    return masks


def _build_words(tables: dict[str, Table]) -> dict[str, dict[str, str]]:
    named = {"modality": "modalities.csv", "muscle": "muscles.csv", "family": "families.csv", **ID_TABLES}
    words: dict[str, dict[str, str]] = {}
    for kind, name in named.items():
        column = "label" if "label" in tables[name].rows[0] else "words"
        words[kind] = {row[id_column(name)]: row[column] for row in tables[name].rows}
    return words


def _build_relations(table: Table) -> dict[tuple[str, str], str]:
    relations = {}
    for row in table.rows:
        relations[row["group_a"], row["group_b"]] = relations[row["group_b"], row["group_a"]] = row["relation"]
    return relations


def _build_instrument(row: dict[str, str]) -> Instrument:
    optional = [float(row[column]) if row[column] else None for column in ("mic_abs", "mic_pct", "mdc")]
    return Instrument(row["label"], float(row["min"]), float(row["max"]), row["better"], *optional)


def _build_durations(table: Table) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    schemes: dict[str, list[dict[str, str]]] = {}
    for row in table.rows:
        schemes.setdefault(row["scheme"], []).append(row)
    return {
        scheme: (tuple(row["class"] for row in rows), tuple(int(row["from_day"]) for row in rows))
        for scheme, rows in schemes.items()
    }
