"""What each step kept, merged and set aside: rows in = rows out + merged + set aside + not data, always."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from outcomes.errors import ConservationError

KEPT, MERGED, SET_ASIDE, NOT_DATA = "kept", "merged", "set_aside", "not_data"


@dataclass(frozen=True, slots=True)
class Step:
    """One step's account of its rows, checked when it is made.

    Attributes
    ----------
    name : str
        The step, for example ``"read"`` or ``"merge patient-days"``.
    unit : str
        What is counted: ``"rows"``, ``"records"``, ``"visits"``, ``"episodes"`` or ``"patients"``.
    rows_in, kept : int
        Number before and after.
    merged, set_aside, not_data : Mapping[str, int]
        Reason -> number.
    source : str
        The file it speaks of; empty for all files together.

    Raises
    ------
    ConservationError
        When the numbers do not add up. This is not an ``assert``: it cannot be switched off.
    """

    name: str
    unit: str
    rows_in: int
    kept: int
    merged: Mapping[str, int] = field(default_factory=dict)
    set_aside: Mapping[str, int] = field(default_factory=dict)
    not_data: Mapping[str, int] = field(default_factory=dict)
    source: str = ""

    def __post_init__(self) -> None:
        for name in (MERGED, SET_ASIDE, NOT_DATA):
            counts = {reason: int(n) for reason, n in getattr(self, name).items() if n}
            object.__setattr__(self, name, MappingProxyType(counts))
        accounted = self.kept + self.n_merged + self.n_set_aside + self.n_not_data
        if accounted != self.rows_in:
            raise ConservationError(
                f"step '{self.name}' {self.source}: {self.rows_in} {self.unit} came in, {accounted} are accounted for "
                f"(kept {self.kept}, merged {self.n_merged}, set aside {self.n_set_aside}, "
                f"not data {self.n_not_data}). "
                "This is a fault of the package; please report it."
            )

    @property
    def n_merged(self) -> int:
        """Rows merged into another row."""
        return sum(self.merged.values())

    @property
    def n_set_aside(self) -> int:
        """Rows set aside with a reason."""
        return sum(self.set_aside.values())

    @property
    def n_not_data(self) -> int:
        """Rows that are not records at all: header, blank lines, totals, declared no-shows."""
        return sum(self.not_data.values())


@dataclass(frozen=True, slots=True)
class Ledger:
    """The steps in order; a new ledger is made by `with_step`."""

    steps: tuple[Step, ...] = ()

    def with_step(self, *steps: Step) -> Ledger:
        """Return a ledger with these steps added at the end."""
        return Ledger(self.steps + steps)

    def rows(self) -> list[dict[str, str | int]]:
        """Return one dict a step and reason, ready for a table: step, source, unit, outcome, reason, n."""
        out: list[dict[str, str | int]] = []
        for step in self.steps:
            head = {"step": step.name, "source": step.source, "unit": step.unit}
            out.append({**head, "outcome": "in", "reason": "", "n": step.rows_in})
            for outcome in (MERGED, SET_ASIDE, NOT_DATA):
                out += [{**head, "outcome": outcome, "reason": r, "n": n} for r, n in getattr(step, outcome).items()]
            out.append({**head, "outcome": KEPT, "reason": "", "n": step.kept})
        return out
