"""The muscle group of a set of muscles found in spasm: one group, or ``several_groups``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from outcomes.definitions.codebook import UNSPECIFIED_GROUP, Codebook

SEVERAL_GROUPS = "several_groups"
MISSING = -1


def list_muscle_groups(codebook: Codebook) -> tuple[str, ...]:
    """Return what `compute_muscle_group` indexes: the vocabulary's groups in its order, then ``several_groups``."""
    return (*dict.fromkeys(codebook.muscle_group[name] for name in codebook.muscle_ids), SEVERAL_GROUPS)


def compute_muscle_group(
    codebook: Codebook, left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int8]:
    """Return the group of each set of muscles, whatever their side.

    An entry that names no muscle ("back") decides only where nothing else stands beside it.

    Parameters
    ----------
    codebook : Codebook
    left, right : uint64 array (n,)
        Bit i is ``codebook.muscle_ids[i]``.

    Returns
    -------
    int8 array (n,)
        Index into `list_muscle_groups`; -1 for an empty set.
    """
    words = list_muscle_groups(codebook)
    found, n_groups = np.full(len(left), MISSING, dtype=np.int8), np.zeros(len(left), dtype=np.int8)
    muscles = left | right
    for code, group in enumerate(words[:-1]):
        bits = sum(1 << bit for bit, name in enumerate(codebook.muscle_ids) if codebook.muscle_group[name] == group)
        hit = (muscles & np.uint64(bits)) != 0
        if group == UNSPECIFIED_GROUP:
            found[hit & (found == MISSING)] = code
            continue
        found[hit], n_groups[hit] = code, n_groups[hit] + 1
    found[n_groups > 1] = len(words) - 1
    return found
