"""What is given together: families at the first treatment visit, pair by pair, and the sets commonest at a visit.

Pairs are counted at the first treatment visit of inception episodes, where a comparison of treatments has its time
zero: families that never go apart there cannot be told apart by any method. `phi` is the correlation of two yes/no
columns, ``(both * neither - one * other) / sqrt(product of the four margins)``; `n_discordant`, the episodes with one
of the two and not the other, is what a comparison of the two lives on.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from outcomes.ledger import Step
from outcomes.questions.modality_shares import SHARE_COLUMNS, TreatmentVisits, count_shares
from outcomes.questions.results import Flags

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes

CO_USE_COLUMNS = (
    *("family", "label", "other_family", "other_label", "n"),
    *("n_both", "n_one", "n_other", "n_neither", "phi", "n_discordant"),
)
BUNDLE_COLUMNS = ("bundle", "label", *SHARE_COLUMNS)
MOST_BUNDLES = 10
MOST_FAMILIES = 10
OTHER, OTHER_LABEL = "other_bundles", "All other sets"
RARE, RARE_LABEL = "rarer_families", "Rarer families"
JOIN = "+"


def find_first_visits(episodes: Episodes, families: Sequence[str], least: int, level: float) -> TreatmentVisits:
    """Return the first treatment visits of inception episodes (`rows` are rows of the episode table)."""
    columns, codebook = episodes.columns, episodes.visits.codebook
    masks = columns["modalities_first"]
    treated = (masks & np.uint64(codebook.treatment_mask)) != 0
    rows = np.flatnonzero(columns["is_inception"] & treated)
    has = {f: (masks[rows] & np.uint64(codebook.family_masks[f] & codebook.treatment_mask)) != 0 for f in families}
    patient = np.unique(columns["patient"][rows], return_inverse=True)[1]
    labels = {f: codebook.labels.get(f, f) for f in families}
    return TreatmentVisits(rows, patient, has, labels, least, level)


def first_visits_step(episodes: Episodes, visits: TreatmentVisits) -> Step:
    """Account for the episodes whose first treatment visit is looked at."""
    began = episodes.columns["is_inception"]
    aside = {
        "already under way when the data begin": int((~began).sum()),
        "no treatment recorded": int(began.sum()) - visits.n,
    }
    return Step("first treatment visits", "episodes", episodes.n, visits.n, set_aside=aside)


def pool_rare(visits: TreatmentVisits) -> tuple[dict[str, Flags], dict[str, str]]:
    """Return families with what each visit had of them; the rarest together where they are more than `MOST_FAMILIES`.

    Ten families can be given in 1,023 sets; more could not be checked for what hidden small numbers give away.
    """
    given = {name: flags for name, flags in visits.has.items() if flags.any()}
    labels = {name: visits.labels.get(name, name) for name in given}
    if len(given) <= MOST_FAMILIES:
        return given, labels
    common = sorted(given, key=lambda name: -int(given[name].sum()))[: MOST_FAMILIES - 1]
    kept = {name: flags for name, flags in given.items() if name in common}
    kept[RARE] = np.logical_or.reduce([flags for name, flags in given.items() if name not in common])
    return kept, {**{name: labels[name] for name in kept if name != RARE}, RARE: RARE_LABEL}


def co_use_table(visits: TreatmentVisits) -> pd.DataFrame:
    """One row a pair of families that occur, each pair once (`CO_USE_COLUMNS`)."""
    import pandas as pd

    has, labels = pool_rare(visits)
    names, n = list(has), visits.n
    given = np.stack([has[name] for name in names]).astype(np.int64) if names else np.zeros((0, n), dtype=np.int64)
    both = given @ given.T
    rows = []
    for i, j in itertools.combinations(range(len(names)), 2):
        together, one, other = int(both[i, j]), int(both[i, i] - both[i, j]), int(both[j, j] - both[i, j])
        neither = n - together - one - other
        cells = (together, one, other, neither)
        rows.append((names[i], labels[names[i]], names[j], labels[names[j]], n, *cells, phi(*cells), one + other))
    return pd.DataFrame(rows, columns=list(CO_USE_COLUMNS))


def phi(both: int, one: int, other: int, neither: int) -> float:
    """Return the correlation of two yes/no columns; NaN where one of them never changes."""
    margins = (both + one) * (other + neither) * (both + other) * (one + neither)
    return (both * neither - one * other) / float(margins) ** 0.5 if margins else float("nan")


def bundle_table(visits: TreatmentVisits) -> pd.DataFrame:
    """Count the commonest sets of families at a treatment visit (`BUNDLE_COLUMNS`), and all others as one row.

    A set of fewer visits than a share is given of is among the others.
    """
    import pandas as pd

    has, labels = pool_rare(visits)
    names = list(has)
    bits = np.zeros(visits.n, dtype=np.int64)
    for i, name in enumerate(names):
        bits |= has[name].astype(np.int64) << i
    sets, code, size = np.unique(bits, return_inverse=True, return_counts=True)
    # The commonest first; among equals the one of fewer families, in the order of the codebook.
    order: list[int] = np.lexsort((sets, np.bitwise_count(sets), -size)).tolist()
    shown = [i for i in order[:MOST_BUNDLES] if size[i] >= visits.least]
    rest = order[len(shown) :]
    flags = {_join(names, int(sets[i]), JOIN): code == i for i in shown}
    if rest:
        flags[OTHER] = np.isin(code, rest)
    words = [*(_join(_shown(names, labels), int(sets[i]), " + ") for i in shown), OTHER_LABEL]
    counted = count_shares(np.zeros(visits.n, dtype=np.intp), [0], visits.patient, flags, visits.least, visits.level)
    rows = [(name, text, *values) for (_, name, *values), text in zip(counted, words, strict=False)]
    return pd.DataFrame(rows, columns=list(BUNDLE_COLUMNS))


def _shown(names: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    return [labels[name] for name in names]


def _join(words: Sequence[str], bits: int, between: str) -> str:
    return between.join(word for i, word in enumerate(words) if bits >> i & 1)
