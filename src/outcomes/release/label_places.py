"""Where the names of points stand in a chart: clear of its lines, of other points and of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SPOTS = (
    *((6.0, 5.0, "left"), (-6.0, 5.0, "right"), (6.0, -5.0, "left"), (-6.0, -5.0, "right")),
    *((6.0, 0.0, "left"), (-6.0, 0.0, "right"), (0.0, 10.0, "center"), (0.0, -10.0, "center")),
    *((8.0, 11.0, "left"), (-8.0, 11.0, "right"), (8.0, -11.0, "left"), (-8.0, -11.0, "right")),
    *((10.0, 22.0, "left"), (-10.0, 22.0, "right"), (10.0, -22.0, "left"), (-10.0, -22.0, "right")),
    *((24.0, 12.0, "left"), (-24.0, 12.0, "right"), (24.0, -12.0, "left"), (-24.0, -12.0, "right")),
)
"""Places beside a point in typographic points, best first: right, up, and how the text is aligned."""
LETTER, HALF_LINE, RADIUS = 4.3, 4.2, 3.6
"""Width of a letter, half the height of a line of 7 points, and how far a mark reaches from its middle."""
STEPS = 7


@dataclass(frozen=True, slots=True)
class Box:
    """The rectangle of a text, in typographic points from the lower left corner of the chart."""

    left: float
    right: float
    bottom: float
    top: float

    def meets(self, other: Box) -> bool:
        """Whether two rectangles overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top


def place_labels(
    points: Floats,
    texts: Sequence[str],
    lines: Sequence[tuple[Floats, Floats]],
    width: float,
    bare: Sequence[Sequence[float]] = (),
) -> list[tuple[float, float, str]]:
    """Choose a place for the name of each point.

    Parameters
    ----------
    points : array, shape (n, 2)
        Middles of the marks, in typographic points.
    texts : sequence of str
        Their names.
    lines : sequence of (x, y)
        Lines that no name may stand on; `x` ascends.
    width : float
        Of the chart; a name may not leave it.
    bare : sequence of (x, y)
        Middles of further marks, which have no name.

    Returns
    -------
    list of (right, up, alignment)
        One of `SPOTS` for each: the first that touches least. Names are placed in the order given.
    """
    marks, further = (
        [Box(x - RADIUS, x + RADIUS, y - RADIUS, y + RADIUS) for x, y in places] for places in (points.tolist(), bare)
    )
    placed: list[Box] = []
    chosen = []
    for i, text in enumerate(texts):
        boxes = [_box(points[i], spot, text) for spot in SPOTS]
        others = [mark for j, mark in enumerate(marks) if j != i] + further + placed
        costs = [_cost(box, others, lines, width) for box in boxes]
        best = costs.index(min(costs))
        placed.append(boxes[best])
        chosen.append(SPOTS[best])
    return chosen


def _box(point: Floats, spot: tuple[float, float, str], text: str) -> Box:
    right, up, align = spot
    size = LETTER * len(text)
    left = float(point[0]) + right - {"left": 0.0, "center": size / 2, "right": size}[align]
    middle = float(point[1]) + up
    return Box(left, left + size, middle - HALF_LINE, middle + HALF_LINE)


def _cost(box: Box, others: Sequence[Box], lines: Sequence[tuple[Floats, Floats]], width: float) -> int:
    """How much a place touches: lines count 2, marks and names 3, to leave the chart 4."""
    across = np.linspace(box.left, box.right, STEPS)
    crossed = 0
    for x, y in lines:
        height = np.interp(across, x, y)
        crossed += bool(((height > box.bottom) & (height < box.top)).any())
    touched = sum(box.meets(other) for other in others)
    return 2 * crossed + 3 * touched + 4 * (box.left < 0 or box.right > width)
