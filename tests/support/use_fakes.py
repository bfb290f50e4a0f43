"""Use of treatments in the shape the question gives it, with invented numbers whose parts add up to their totals."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import release_fakes as fakes
from made_once import made_once
from release_fakes import FAMILIES, FakeResult, wilson

from outcomes.questions import care_pathway, modality_bundles, modality_shares
from outcomes.questions.modality_shares import TreatmentVisits

LEVELS = dict(zip(FAMILIES, [0.71, 0.62, 0.18, 0.27, 0.34, 0.41, 0.09, 0.12, 0.03], strict=True))
VISIT_SHARES = [0.19, 0.16, 0.13, 0.11, 0.09, 0.07, 0.06, 0.1, 0.09]
"""Of visits 1 to 7, 8 and later, and maintenance."""


@dataclass(frozen=True)
class FakeUse(FakeResult):
    families: pd.DataFrame | None = None
    modalities: pd.DataFrame | None = None
    by_visit: pd.DataFrame | None = None
    by_clinic: pd.DataFrame | None = None
    by_clinician: pd.DataFrame | None = None
    first_treatment: pd.DataFrame | None = None
    co_use: pd.DataFrame | None = None
    bundles: pd.DataFrame | None = None
    pathway: pd.DataFrame | None = None
    stages: pd.DataFrame | None = None
    stage_order: pd.DataFrame | None = None


def add_limits(table: pd.DataFrame) -> pd.DataFrame:
    """Put the share and its limits before `n` and `events`."""
    n, events = table["n"].to_numpy(), table["events"].to_numpy()
    low, high = wilson(events, np.maximum(n, 1))
    out = table.assign(estimate=events / np.maximum(n, 1), conf_low=low, conf_high=high)
    return out[[*(c for c in table if c not in ("n", "events")), "estimate", "conf_low", "conf_high", "n", "events"]]


def split(families: pd.DataFrame, shares: list[float], rng: np.random.Generator) -> list[tuple[int, dict[str, int]]]:
    """Deal all treatment visits, and those with each family, out to groups."""
    n = rng.multinomial(int(families["n"].iloc[0]), shares)
    dealt = {
        row["family"]: rng.multivariate_hypergeometric(n, int(row["events"]), method="marginals")
        for row in families.to_dict("records")
    }
    return [(int(size), {family: int(x[i]) for family, x in dealt.items()}) for i, size in enumerate(n)]


def grouped(families, shares, names, columns, rng):
    rows = [
        (*names[i], family, FAMILIES[family], size, x)
        for i, (size, cells) in enumerate(split(families, shares, rng)[: len(names)])
        for family, x in cells.items()
    ]
    return add_limits(pd.DataFrame(rows, columns=[*columns, "family", "label", "n", "events"]))


def first_visits(n: int, rng: np.random.Generator, levels: dict[str, float] = LEVELS) -> TreatmentVisits:
    """Treatment visits with families drawn one by one; one without any gets the first."""
    given = rng.random((n, len(levels))) < list(levels.values())
    given[~given.any(axis=1), 0] = True
    has = {name: given[:, i] for i, name in enumerate(levels)}
    return TreatmentVisits(np.arange(n), np.arange(n), has, FAMILIES, 10, 0.95)


def paths(n: int, rng: np.random.Generator, late: float = 0.35) -> care_pathway.Paths:
    """Episodes whose stages begin at the first visit or some visits later, or never."""
    first = 1 + rng.geometric(0.5, (n, 4)) * (rng.random((n, 4)) < late)
    first = np.where(rng.random((n, 4)) < 0.12, care_pathway.NEVER, first)
    return care_pathway.Paths(np.arange(n), np.arange(n), 1 + rng.poisson(4, n), first)


def bundles(families: pd.DataFrame) -> pd.DataFrame:
    """The ten likeliest sets if families were given independently, and all others."""
    n, levels = int(families["n"].iloc[0]), (families["events"] / families["n"]).tolist()
    names, rows = families["family"].tolist(), []
    for given in itertools.product((False, True), repeat=len(names)):
        chance = np.prod([p if is_in else 1 - p for p, is_in in zip(levels, given, strict=True)])
        ids = [name for name, is_in in zip(names, given, strict=True) if is_in]
        if ids:
            rows.append(("+".join(ids), " + ".join(FAMILIES[i] for i in ids), n, int(0.9 * n * chance)))
    rows = sorted(rows, key=lambda row: -row[3])[:10]
    rest = (modality_bundles.OTHER, modality_bundles.OTHER_LABEL, n, n - sum(row[3] for row in rows))
    return add_limits(pd.DataFrame([*rows, rest], columns=["bundle", "label", "n", "events"]))


@made_once
def modality_use() -> FakeUse:
    rng, base = np.random.default_rng(17), fakes.modality_use()
    # The invented quarters have a number of visits for each family; here they have one.
    table = base.table.assign(n=base.table.groupby("quarter")["n"].transform("max"))
    table = add_limits(table[["quarter", "family", "label", "n", "events"]])
    sums = table.groupby("family", sort=False)[["n", "events"]].sum().reset_index()
    n = int(sums["n"].iloc[0])
    families = add_limits(sums.assign(label=sums["family"].map(FAMILIES))[["family", "label", "n", "events"]])
    clinics = [f"C0{i}" for i in (1, 2, 3)]
    first, found = first_visits(3900, rng), paths(3950, rng)
    modalities = pd.DataFrame(
        [(f, FAMILIES[f], f, "rehab" if f == "active" else "relax", n, x)
         for f, x in zip(sums["family"], sums["events"], strict=True)],
        columns=["modality", "label", "family", "stage", "n", "events"],
    )  # fmt: skip
    return FakeUse(
        table,
        summary={"n": n, "n_patients": 2800, "n_visits": n + 600},
        notes=("How often a treatment was recorded says nothing about what it does: patients who get it differ.",),
        families=families,
        modalities=add_limits(modalities),
        by_visit=grouped(families, VISIT_SHARES, [(str(i),) for i in range(1, 8)] + [("8+",)], ["visit"], rng),
        by_clinic=grouped(families, [0.4, 0.35, 0.25], [(c,) for c in clinics], ["clinic_id"], rng),
        first_treatment=modality_shares.whole_table(first),
        co_use=modality_bundles.co_use_table(first),
        bundles=bundles(families),
        pathway=care_pathway.path_table(found, 10, 0.95),
        stages=care_pathway.stage_table(found, 10, 0.95),
        stage_order=care_pathway.order_table(found, 10, 0.95),
    )


@made_once
def same_visit() -> FakeResult:
    from outcomes.questions.same_visit import ALL_LABEL, COLUMNS

    rows = [("all", ALL_LABEL, 20_000, 2_400, 1_500, 0.12, 4.1, 3.0, -1.1, -1.2, -1.0)]
    for i, (family, level) in enumerate(LEVELS.items()):
        n = round(20_000 * level)
        both = round(0.12 * n)
        rows.append(
            (family, FAMILIES[family], n, both, round(0.7 * both), both / n, 4.0 + i / 10, 3.0, -1.0, -1.2, -0.9)
        )
    summary = {"n": 20_000, "n_both": 2_400, "n_patients": 1_500}
    return FakeResult(pd.DataFrame(rows, columns=list(COLUMNS)), summary=summary)
