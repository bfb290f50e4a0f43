"""Stored answers of other programs and the public data they are about; `reference/README.md` says whose and how."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REFERENCE = Path(__file__).parent / "reference"


def read_answers(name: str = "reference") -> dict[str, Any]:
    """Return the answers stored in ``<name>.json``."""
    answers: dict[str, Any] = json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))
    return answers


def read_table(name: str) -> dict[str, NDArray[Any]]:
    """Return a public data set as columns; those of numbers only as float (an empty cell is NaN), others as text."""
    with (REFERENCE / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: _column([row[column] for row in rows]) for column in rows[0]}


def _column(cells: list[str]) -> NDArray[Any]:
    try:
        return np.array([float(cell or "nan") for cell in cells])
    except ValueError:
        return np.array(cells)
