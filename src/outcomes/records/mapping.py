"""How one export is to be read: which column is which field, and how its values are written.

A mapping is a small TOML file; every key has a default, so an export with canonical headers needs none.
`docs/mapping.toml` shows each key with a comment.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from outcomes.errors import ConfigError, Finding
from outcomes.records import acknowledge, privacy
from outcomes.records.acknowledge import Acknowledge
from outcomes.records.counted import counted
from outcomes.records.mapping_rules import (
    ALL_SHEETS,
    CLINIC_ID,
    DATES,
    FILE,
    PAIN,
    VALUES,
    Rules,
    check_texts,
    nearest,
)
from outcomes.records.privacy import Privacy

FIELDS: tuple[str, ...] = (
    "patient_id",
    "visit_date",
    "visit_day",
    "clinic_id",
    "clinician_id",
    "visit_purpose",
    "pain_pre",
    "pain_post",
    "function_score",
    "function_instrument",
    "region",
    "diagnoses",
    "muscles_identified",
    "muscles_treated",
    "modalities",
    "procedure_codes",
    "cause",
    "trigger",
    "radiation",
    "paresthesia",
    "onset_date",
    "onset_days",
    "onset",
    "previous_episodes",
    "age",
    "age_band",
    "sex",
    "payer",
    "discharge_reason",
)
"""The fields of a visit record, which are also its canonical headers."""


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How the file is written: ``None`` is found from the content, or asked for."""

    encoding: str = "utf-8"
    delimiter: str | None = None
    header_row: int = 1
    sheet: str | int | tuple[str | int, ...] | None = None
    sheet_as: str | None = None
    comment: str | None = None
    accept_row_limit: bool = False
    later_file_corrects: bool | None = None

    @property
    def named_sheets(self) -> tuple[str | int, ...] | None:
        """The sheets that are named, or told by their place; None where none is, or all are read."""
        if self.sheet is None or self.sheet == ALL_SHEETS:
            return None
        return self.sheet if isinstance(self.sheet, tuple) else (self.sheet,)


@dataclass(frozen=True, slots=True)
class DateOptions:
    """How dates are written, and how far the export reaches."""

    order: str | None = None
    timezone: str | None = None
    data_cut: datetime.date | None = None
    observed_until_day: int | None = None
    two_digit_year_pivot: int | None = None
    month_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ValueOptions:
    """How cells are written. Words are compared without case and outer blanks."""

    decimal_mark: str = "."
    separators: tuple[str, ...] = (";",)
    true: tuple[str, ...] = ("true", "yes", "y", "1", "x")
    false: tuple[str, ...] = ("false", "no", "n", "0")
    missing: tuple[str, ...] = ("",)
    similar_ids: str | None = None
    same_day: str | None = None


@dataclass(frozen=True, slots=True)
class PainOptions:
    """The scale of `pain_pre` and `pain_post`."""

    scale: str = "0-10"


@dataclass(frozen=True, slots=True)
class Mapping:
    """How one export is to be read.

    Attributes
    ----------
    file, dates, values, pain : FileOptions, DateOptions, ValueOptions, PainOptions
        The sections of the same names.
    columns : dict[str, str]
        Field -> header. A field that is not listed is looked for under its own name; ``""`` means: do not read it.
    modality_columns : dict[str, str]
        Header -> modality term, for exports with one yes/no column a modality.
    non_data : dict[str, tuple[str, ...]]
        Field, or header of a column that is no field -> words; a row with one of them in that column is not a visit
        (totals, cancelled appointments). ``"*"`` stands for any text.
    acknowledge : Acknowledge
        What is known and accepted before a report is published; it changes no number.
    privacy : Privacy
        Columns that are accepted though they look like identifiers, and whether ids are replaced by pseudonyms.
    """

    file: FileOptions = field(default_factory=FileOptions)
    columns: dict[str, str] = field(default_factory=dict)
    dates: DateOptions = field(default_factory=DateOptions)
    values: ValueOptions = field(default_factory=ValueOptions)
    pain: PainOptions = field(default_factory=PainOptions)
    modality_columns: dict[str, str] = field(default_factory=dict)
    non_data: dict[str, tuple[str, ...]] = field(default_factory=dict)
    acknowledge: Acknowledge = field(default_factory=Acknowledge)
    privacy: Privacy = field(default_factory=Privacy)

    @classmethod
    def load(cls, path: str | Path) -> Mapping:
        """Read a mapping from a TOML file.

        Raises
        ------
        ConfigError
            The file cannot be read, or any of its keys or values is wrong; all faults are listed at once.
        """
        path = Path(path)
        try:
            text = path.read_bytes().decode("utf-8-sig")
            data = tomllib.loads(text)
        except OSError as error:
            raise ConfigError(f"{path}: the mapping cannot be read ({error.strerror}). Check the path.") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path.name}: the mapping is not UTF-8 text. Save it as UTF-8.") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path.name}: the mapping is not valid TOML: {error}. Mend that line.") from error
        mapping = cls.from_dict(data, path.name)
        return replace(mapping, privacy=replace(mapping.privacy, folder=path.parent))

    @classmethod
    def from_dict(cls, data: dict[str, Any], name: str = "mapping") -> Mapping:
        """Build a mapping from parsed TOML, or raise `ConfigError` with every fault in it."""
        check = _Check()
        sections: dict[str, Any] = {}
        for section, value in data.items():
            if section not in _SECTIONS:
                check.unknown(section, section, _SECTIONS)
            elif not isinstance(value, dict):
                check.fault("E011", section, f"must be a section, written [{section}].")
            else:
                sections[section] = value
        mapping = cls(
            file=FileOptions(**check.options("file", sections, FILE)),
            columns=check.words("columns", sections, FIELDS),
            dates=DateOptions(**check.options("dates", sections, DATES)),
            values=ValueOptions(**check.options("values", sections, VALUES)),
            pain=PainOptions(**check.options("pain", sections, PAIN)),
            modality_columns=check.words("modality_columns", sections, None),
            non_data=check.word_lists("non_data", sections),
            acknowledge=Acknowledge(**check.options("acknowledge", sections, acknowledge.RULES)),
            privacy=Privacy(**check.options("privacy", sections, privacy.RULES)),
        )
        check.together(mapping)
        if check.findings:
            raise ConfigError(f"{name}: {counted(len(check.findings), 'fault')} in the mapping.", check.findings)
        return mapping

    @property
    def ticked(self) -> dict[str, tuple[str, str]]:
        """Key of each yes/no column -> its header and the treatment it stands for.

        The key is the treatment, and where several columns stand for one ("US left", "US right"), header and treatment.
        """
        terms = list(self.modality_columns.values())
        return {
            term if terms.count(term) == 1 else f"{term} ({header})": (header, term)
            for header, term in self.modality_columns.items()
        }

    @property
    def hash(self) -> str:
        """Twelve hex digits over every setting that decides a number; the same in every process."""
        settings = {name: values for name, values in asdict(self).items() if name != "acknowledge"}
        # Where they are not used, a mapping has the hash it had before there was such a setting.
        if self.file.sheet_as is None:
            settings["file"].pop("sheet_as")
        if self.values.same_day is None:
            settings["values"].pop("same_day")
        for name in ("folder", "dates_allowed"):
            settings["privacy"].pop(name)
        text = json.dumps(settings, sort_keys=True, ensure_ascii=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


_SECTIONS = ("file", "columns", "dates", "values", "pain", "modality_columns", "non_data", "acknowledge", "privacy")


class _Check:
    """Collects every fault of a mapping before anything is raised."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def fault(self, code: str, place: str, message: str, remedy: str = "") -> None:
        self.findings.append(Finding(code, message, place, remedy))

    def unknown(self, place: str, key: str, known: tuple[str, ...] | list[str]) -> None:
        from outcomes.records.plain_words import mask_person

        # A slip in a known key is told as it stands; anything else may be a header, or name somebody.
        near = nearest(key, known)
        shown = place if near else place.removesuffix(key) + mask_person(key)
        self.fault("E010", shown, "is not a key of the mapping.", near or f"Known: {', '.join(known)}.")

    def options(self, section: str, sections: dict[str, Any], rules: Rules) -> dict[str, Any]:
        """Return the section's good values; lists become tuples."""
        good: dict[str, Any] = {}
        for key, value in sections.get(section, {}).items():
            place = f"{section}.{key}"
            if key not in rules:
                self.unknown(place, key, list(rules))
                continue
            wrong = rules[key](value)
            if wrong:
                self.fault("E011", place, wrong)
            else:
                good[key] = tuple(value) if isinstance(value, list) else value
        return good

    def words(self, section: str, sections: dict[str, Any], keys: tuple[str, ...] | None) -> dict[str, str]:
        """Return a section of text -> text; `keys` are the allowed left sides."""
        from outcomes.records.plain_words import mask_person

        good: dict[str, str] = {}
        for key, value in sections.get(section, {}).items():
            place = f"{section}.{key}"
            if keys is not None and key not in keys:
                self.unknown(place, key, keys)
            elif not isinstance(value, str) or (keys is None and not value.strip()):
                self.fault("E011", f"{section}.{mask_person(key)}", "must be a text.")
            else:
                good[key] = value
        return good

    def word_lists(self, section: str, sections: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        """Return a section of text -> list of texts."""
        from outcomes.records.plain_words import mask_person

        good: dict[str, tuple[str, ...]] = {}
        for key, value in sections.get(section, {}).items():
            wrong = check_texts(value) or ("" if value and all(value) else "must list at least one word, none empty.")
            if wrong:
                self.fault("E011", f"{section}.{mask_person(key)}", wrong)
            else:
                good[key] = tuple(value)
        return good

    def together(self, mapping: Mapping) -> None:
        """Find settings that contradict each other."""
        from outcomes.records.plain_words import mask_person

        taken: dict[str, str] = {}
        pairs = [(f"columns.{key}", header) for key, header in mapping.columns.items() if header]
        pairs += [(f"modality_columns.{mask_person(header)}", header) for header in mapping.modality_columns]
        for place, header in pairs:
            key = header.strip().casefold()
            if key in taken:
                self.fault("E012", place, f"names the same column as {taken[key]}.", "One column can be one field.")
            taken.setdefault(key, place)
        if mapping.columns.get("patient_id") == "":
            self.fault("E012", "columns.patient_id", "cannot be left out: it is required.")
        folded = {name: {w.strip().casefold() for w in getattr(mapping.values, name)} for name in ("true", "false")}
        if folded["true"] & folded["false"]:
            both = ", ".join(map(mask_person, sorted(folded["true"] & folded["false"])))
            self.fault("E012", "values.true", f"shares words with values.false: {both}.", "Keep each word on one side.")
        if acknowledge.lacks_a_name(mapping.acknowledge):
            self.fault("E012", "acknowledge.by", "is missing.", 'Write who acknowledges it: by = "the name".')
        if mapping.file.sheet_as == CLINIC_ID and mapping.columns.get(CLINIC_ID):
            remedy = "Take out that line, or sheet_as."
            self.fault("E012", "file.sheet_as", "and columns.clinic_id both say what the clinic is.", remedy)
        if mapping.file.comment and mapping.file.comment == mapping.file.delimiter:
            self.fault("E012", "file.comment", "is the same character as file.delimiter.")
