"""Every threshold, gap, horizon and floor of the package, in one file a clinic can read and change.

The defaults are the recommended definitions; the reason and the published source of each stand in its comment, which
is also the comment in ``docs/protocol.toml``. A result is only comparable with another made under the same `hash`.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from outcomes.definitions.sections import (
    BaselineRules,
    CaseDefinition,
    ChartRules,
    DropoutRules,
    EpisodeRules,
    ExposureRules,
    Horizons,
    InferenceRules,
    MissingRules,
    RecurrenceRules,
    ReliefRules,
    ReportingFloor,
    ResolutionRules,
)
from outcomes.definitions.settings import (
    find_section_faults,
    find_value_faults,
    render_section,
    to_plain,
    to_value,
    unknown_key,
)
from outcomes.definitions.words import REGIONS
from outcomes.errors import ConfigError, Finding


@dataclass(frozen=True)
class Protocol:
    """All definitions of a run; ``Protocol()`` has the defaults.

    Raises
    ------
    ConfigError
        On construction and on loading, with every fault and its dotted path.
    """

    case_definition: CaseDefinition = field(default_factory=CaseDefinition)
    episode: EpisodeRules = field(default_factory=EpisodeRules)
    baseline: BaselineRules = field(default_factory=BaselineRules)
    relief: ReliefRules = field(default_factory=ReliefRules)
    resolution: ResolutionRules = field(default_factory=ResolutionRules)
    horizons_days: Horizons = field(default_factory=Horizons)
    recurrence: RecurrenceRules = field(default_factory=RecurrenceRules)
    dropout: DropoutRules = field(default_factory=DropoutRules)
    exposure: ExposureRules = field(default_factory=ExposureRules)
    missing: MissingRules = field(default_factory=MissingRules)
    inference: InferenceRules = field(default_factory=InferenceRules)
    reporting_floor: ReportingFloor = field(default_factory=ReportingFloor)
    spc: ChartRules = field(default_factory=ChartRules)

    def __post_init__(self) -> None:
        faults = [
            Finding("C103", "is not a section of the protocol.", name, f"Give it a {section_type.__name__}.")
            for name, section_type in _SECTIONS.items()
            if not isinstance(getattr(self, name), section_type)
        ]
        if faults:
            raise ConfigError("The protocol cannot be used:", faults)
        faults = [f for name in _SECTIONS for f in find_section_faults(getattr(self, name), name)]
        faults += _find_contradictions(self, {_path(fault) for fault in faults})
        if faults:
            raise ConfigError("The protocol cannot be used:", faults)

    @classmethod
    def load(cls, path: str | Path) -> Protocol:
        """Return the protocol of a TOML file; what the file leaves out has its default.

        Raises
        ------
        ConfigError
            When the file cannot be read, or with every unknown key, wrong type and impossible value of it.
        """
        return cls.from_mapping(_read_toml(Path(path)), f"The protocol {Path(path).name} cannot be used:")

    @classmethod
    def from_mapping(cls, values: Mapping[str, object], message: str = "The protocol cannot be used:") -> Protocol:
        """Return the protocol of nested plain values, as TOML gives them; raises as `load` does."""
        sections: dict[str, object] = {}
        faults: list[Finding] = []
        for key, value in values.items():
            if key not in _SECTIONS:
                faults.append(unknown_key(key, "", _SECTIONS, _PATHS))
            elif not isinstance(value, Mapping):
                faults.append(
                    Finding("C103", "is a single value; a table is needed.", key, f"Write [{key}] above its keys.")
                )
            else:
                sections[key], found = _read_section(key, value)
                faults += found
        # a faulty value stands at its default here, so that the rest can be checked against it
        draft = object.__new__(cls)
        for name, section_type in _SECTIONS.items():
            object.__setattr__(draft, name, sections.get(name, section_type()))
        faults += _find_contradictions(draft, {_path(fault) for fault in faults})
        if faults:
            raise ConfigError(message, faults)
        return cls(**sections)  # type: ignore[arg-type]

    def to_plain(self) -> dict[str, dict[str, object]]:
        """Return all settings as nested plain values, ready for JSON."""
        return {name: to_plain(getattr(self, name)) for name in _SECTIONS}

    @property
    def hash(self) -> str:
        """Twelve hex digits of the SHA-256 of the settings as canonical JSON; the same in every process."""
        text = json.dumps(self.to_plain(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to_toml(self) -> str:
        """Return the settings as a TOML file with a comment for each value; `load` reads it back."""
        lines = [
            "# Protocol of outcomes: every definition, with its meaning and value.",
            "# A key left out has its default. [missing] and inference.cluster_report say what is done everywhere:",
            "# they are checked and hashed, and change no number.",
        ]
        for name in _SECTIONS:
            lines += ["", "", *render_section(name, getattr(self, name))]
        return "\n".join(lines) + "\n"


_SECTIONS: dict[str, type] = {item.name: item.default_factory for item in fields(Protocol)}  # type: ignore[misc]
_PATHS = {item.name: f"{name}.{item.name}" for name, section in _SECTIONS.items() for item in fields(section)}


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        finding = Finding("C101", f"cannot be read: {error.strerror}.", path.name, "Check the path.")
    except UnicodeDecodeError:
        finding = Finding("C101", "is not UTF-8 text.", path.name, "Save it as UTF-8.")
    except tomllib.TOMLDecodeError as error:
        finding = Finding("C101", f"is not TOML: {error}.", path.name, "Correct that line.")
    raise ConfigError(f"The protocol {path.name} cannot be used:", [finding])


def _read_section(name: str, values: Mapping[str, object]) -> tuple[object, list[Finding]]:
    section_type = _SECTIONS[name]
    known = {item.name: item for item in fields(section_type)}
    faults: list[Finding] = []
    good: dict[str, object] = {}
    for key, raw in values.items():
        if key not in known:
            faults.append(unknown_key(key, name, known, _PATHS))
            continue
        kind = str(known[key].type)
        value = to_value(kind, raw)
        found = find_value_faults(kind, known[key].metadata["rule"], value, name, key)
        faults += found
        if not found:
            good[key] = value
    return section_type(**good), faults


def _path(fault: Finding) -> str:
    return fault.place.split("[")[0]


def _find_contradictions(protocol: Protocol, faulty: set[str]) -> list[Finding]:
    """Return where two settings cannot both hold; pairs with a value that is faulty already are left alone."""
    return [
        Finding("C105", f"{words} {other}.", path, "Change one of the two.")
        for path, other, holds, words in _contradictions(protocol)
        if path not in faulty and other not in faulty and not holds()
    ] + _find_region_faults(protocol.case_definition, faulty)


def _contradictions(p: Protocol) -> list[tuple[str, str, Callable[[], bool], str]]:
    episode, days, floor = p.episode, p.horizons_days, p.reporting_floor
    window = p.baseline.window_days
    one_of, not_above, below = "must be one of", "must not be above", "must be below"
    return [
        ("horizons_days.primary", "horizons_days.relief", lambda: days.primary in days.relief, one_of),
        (
            "horizons_days.primary_recurrence",
            "horizons_days.recurrence",
            lambda: days.primary_recurrence in days.recurrence,
            one_of,
        ),
        (
            "episode.relief_gap_days",
            "episode.gap_days",
            lambda: not episode.relief_rule or episode.relief_gap_days <= episode.gap_days,
            not_above,
        ),
        (
            "episode.new_onset_marker_min_gap_days",
            "episode.gap_days",
            lambda: not episode.new_onset_rule or episode.new_onset_marker_min_gap_days <= episode.gap_days,
            not_above,
        ),
        # A baseline rated after the next episode may have opened would be that episode's.
        ("baseline.window_days", "episode.gap_days", lambda: window < episode.gap_days, below),
        (
            "baseline.window_days",
            "episode.relief_gap_days",
            lambda: not episode.relief_rule or window < episode.relief_gap_days,
            below,
        ),
        (
            "baseline.window_days",
            "episode.new_onset_marker_min_gap_days",
            lambda: not episode.new_onset_rule or window < episode.new_onset_marker_min_gap_days,
            below,
        ),
        (
            "resolution.max_nrs",
            "baseline.eligible_min_nrs",
            lambda: p.resolution.max_nrs < p.baseline.eligible_min_nrs,
            below,
        ),
        (
            "reporting_floor.spc_trial_points",
            "reporting_floor.spc_points",
            lambda: floor.spc_trial_points <= floor.spc_points,
            not_above,
        ),
        (
            "reporting_floor.funnel_show_n",
            "reporting_floor.funnel_flag_n",
            lambda: floor.funnel_show_n <= floor.funnel_flag_n,
            not_above,
        ),
    ]


def _find_region_faults(case: CaseDefinition, faulty: set[str]) -> list[Finding]:
    upper, lower = "case_definition.upper_regions", "case_definition.lower_regions"
    if upper in faulty or lower in faulty:
        return []
    found = []
    for region in REGIONS:
        streams = (region in case.upper_regions) + (region in case.lower_regions)
        if streams != 1:
            words = "in both streams" if streams else "in no stream"
            remedy = f"Name it in either {upper} or {lower}."
            found.append(Finding("C105", f"leaves region '{region}' {words}.", lower, remedy))
    return found
