"""What each step kept, merged and set aside: rows in = rows out + merged + set aside + not data, always."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
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


_READ, _CLEANED = "rows", ("records", "visits")


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


def check_unbroken(ledger: Ledger, n: int, what: str) -> None:
    """Hold the steps against each other and against the table they led to: what one step kept, the next one took in.

    A step is checked when it is made; between two steps, and between the last one and the rows that are really there,
    rows could still go or come.

    Parameters
    ----------
    ledger : Ledger
        Its steps in records and visits; those of one name (one a file) count together. The account of reading is
        `check_reading`'s: `outcomes diff` also cleans mixtures of two exports, which nobody read.
    n : int
        Rows of the table after the last of them.
    what : str
        What the table holds, for the message.

    Raises
    ------
    ConservationError
        This is not an ``assert``: it cannot be switched off.
    """
    stages: list[list[Step]] = []
    for step in ledger.steps:
        if step.unit not in _CLEANED:
            continue
        if stages and stages[-1][0].name == step.name:
            stages[-1].append(step)
        else:
            stages.append([step])
    for before, after in pairwise(stages):
        kept, taken = sum(step.kept for step in before), sum(step.rows_in for step in after)
        check_sum(taken, kept, f"'{after[0].name}' after '{before[0].name}'")
    if stages:
        check_sum(n, sum(step.kept for step in stages[-1]), what)


def check_reading(ledger: Ledger, n: int) -> None:
    """Hold the account of reading against the records that came of it; raises `ConservationError`."""
    check_sum(n, sum(step.kept for step in ledger.steps if step.unit == _READ), "records read")


def check_sum(found: int, expected: int, what: str) -> None:
    """Raise `ConservationError` when a step lost or invented rows."""
    if found != expected:
        raise ConservationError(
            f"{what}: {expected} rows were kept before, {found} are there. "
            "This is a fault of the package; please report it."
        )
