"""Use of treatments: sets of families given together, families by visit number, and which pairs occur at all."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from outcomes.questions.modality_bundles import JOIN, OTHER
from outcomes.release.drawing import draws_answer, make_axes, to_gaps, write_sentence
from outcomes.release.marks import HIDDEN
from outcomes.release.panels import cut, draw_panels, share_scale
from outcomes.release.sentences import MINUS, format_count
from outcomes.release.sentences import format_percent as percent
from outcomes.release.svg import ACCENT, INK, MUTED, RULE, SERIES, WASH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NEGATIVE = SERIES[1]
FULL_COLOUR = 0.4
"""Correlation, either sign, that is drawn in the strongest colour."""


@draws_answer
def bundles(use: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the commonest sets of families: one row a set, a dot in the column of each family, its share as a bar.

    Parameters
    ----------
    use : ModalityUse
        Reads ``bundles`` [bundle, estimate] and, for the labels, ``families`` [family, label].
    ax : Axes, optional
    narrow : bool

    Returns
    -------
    Axes
        All other sets together stand below, in words.
    """
    table = to_gaps(use.bundles, "estimate")
    named = table[table["bundle"] != OTHER] if "bundle" in table else table
    if named.empty or not named["estimate"].notna().any():
        return write_sentence(make_axes(ax), "No sets of treatments: too few treatment visits to show a share.")
    ax = make_axes(ax, (7.2, bundle_height(use, narrow)))
    sets = [str(name).split(JOIN) for name in named["bundle"]]
    labels = dict(zip(use.families["family"], use.families["label"], strict=True))
    families = [f for f in labels if any(f in names for names in sets)]
    families += [f for names in sets for f in names if f not in families]
    for y, (names, share) in enumerate(zip(sets, named["estimate"], strict=True)):
        _draw_set(ax, -float(y), [families.index(name) for name in dict.fromkeys(names)], len(families))
        _draw_share(ax, -float(y), float(share), float(named["estimate"].max()), len(families), narrow)
    size = 7.0 if narrow else 8.0
    for x, family in enumerate(families):
        words = cut(labels.get(family, family.replace("_", " ")), 26)
        ax.text(x, 0.75, words, rotation=90, va="bottom", ha="center", fontsize=size, color=INK)
    ax.text(len(families) - 0.2, 0.75, "share of treatment visits", va="bottom", fontsize=size, color=MUTED)
    _write_others(ax, table, -float(len(sets)), narrow)
    ax.set_xlim(-0.7, len(families) + (5.6 if narrow else 9.0))
    ax.set_ylim(-float(len(sets)) - 0.5, HEADING if not narrow else HEADING + 1.0)
    ax.set_axis_off()
    return ax


HEADING = 5.4
"""Room for the families' names, in rows."""


def bundle_height(use: Any, narrow: bool) -> float:
    """Height in inches that the rows need."""
    return 0.25 * (len(use.bundles) + (HEADING + 1.0 if narrow else HEADING)) + 0.1


def _draw_set(ax: Axes, y: float, places: Sequence[int], n: int) -> None:
    ax.plot(range(n), [y] * n, "o", markersize=2.6, color=RULE, zorder=1)
    ax.plot([min(places), max(places)], [y, y], color=ACCENT, linewidth=1.6, zorder=2)
    ax.plot(places, [y] * len(places), "o", markersize=6.0, color=ACCENT, zorder=3)


def _draw_share(ax: Axes, y: float, share: float, most: float, n: int, narrow: bool) -> None:
    size, left, room = (7.0, n - 0.2, 3.9) if narrow else (8.0, n - 0.2, 7.6)
    if share != share:
        ax.text(left, y, "not shown", va="center", fontsize=7.0, color=MUTED)
        return
    width = room * share / most
    ax.barh(y, width, left=left, height=0.56, color=ACCENT)
    ax.text(left + width + 0.15, y, percent(share), va="center", fontsize=size, color=INK)


def _write_others(ax: Axes, table: pd.DataFrame, y: float, narrow: bool) -> None:
    others = table[table["bundle"] == OTHER]
    if others.empty:
        return
    share = others["estimate"].iloc[0]
    words = f"All other sets together: {percent(float(share))}" if share == share else "All other sets: not shown"
    ax.text(-0.5, y, words, va="center", ha="left", fontsize=7.0 if narrow else 8.0, color=MUTED)


@draws_answer
def use_by_visit(use: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw, one small panel a family, the share of treatment visits by their number in the episode.

    Parameters
    ----------
    use : ModalityUse
        Reads ``by_visit`` [visit, family, label, estimate, conf_low, conf_high].
    ax : Axes, optional
        Host of the panels; they are its children and share one scale.
    """
    table = to_gaps(use.by_visit, "estimate", "conf_low", "conf_high")
    if table.empty or not table["estimate"].notna().any():
        return write_sentence(make_axes(ax), "No use by visit number: too few treatment visits to show a share.")
    some = table.loc[table["estimate"].notna(), "visit"]
    table = table[table["visit"].isin(list(some))].rename(columns={"visit": "quarter"})
    table["quarter"] = "visit " + table["quarter"]
    return draw_panels(ax, 5.4, table, narrow, share_scale(table))


@draws_answer
def positivity_map(use: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw which pairs of families were given at the first treatment visit, and how often.

    Each cell holds the number of visits with both (``<5``: fewer than 5) and the sign of their correlation, which the
    colour repeats; wide cells hold the correlation itself. The diagonal holds the family's own number.

    Parameters
    ----------
    use : ModalityUse
        Reads ``co_use`` [family, label, other_family, other_label, n_both, phi] and ``first_treatment`` [family,
        events].
    ax : Axes, optional
    narrow : bool
    """
    table = use.co_use
    if table.empty:
        return write_sentence(make_axes(ax), "No map of pairs: fewer than two families were given.")
    ax = make_axes(ax, (7.2, 4.6))
    labels = dict(zip(table["family"], table["label"], strict=True))
    labels |= dict(zip(table["other_family"], table["other_label"], strict=True))
    place = {str(name): i for i, name in enumerate(labels)}
    own = dict(zip(use.first_treatment["family"], use.first_treatment["events"], strict=True))
    for name, i in place.items():
        _draw_cell(ax, i, i, own.get(name, HIDDEN), float("nan"), narrow)
    for row in to_gaps(table, "phi").to_dict("records"):
        i, j = place[str(row["family"])], place[str(row["other_family"])]
        for x, y in ((i, j), (j, i)):
            _draw_cell(ax, x, y, row["n_both"], float(row["phi"]), narrow)
    _name_cells(ax, [str(label) for label in labels.values()], narrow)
    return ax


def _draw_cell(ax: Axes, x: int, y: int, n: Any, phi: float, narrow: bool) -> None:
    """One cell: its number, and the correlation as sign (or number) and colour."""
    from matplotlib.patches import Rectangle

    is_own = x == y
    strength = 0.0 if phi != phi else 0.5 * min(1.0, abs(phi) / FULL_COLOUR)
    colour = WASH if is_own else ACCENT if phi > 0 else NEGATIVE
    corner = (x - 0.5, -y - 0.5)
    ax.add_patch(Rectangle(corner, 1, 1, facecolor=colour, alpha=1.0 if is_own else strength, linewidth=0))
    ax.add_patch(Rectangle(corner, 1, 1, facecolor="none", edgecolor=RULE, linewidth=0.8))
    words = n if isinstance(n, str) else "none" if n == 0 else format_count(float(n))
    size, is_number = 7.0 if narrow else 7.6, not isinstance(n, str) and n > 0
    weight, height = "bold" if is_own and is_number else "normal", 0.0 if phi != phi else 0.17
    looks: dict[str, Any] = {"fontsize": size, "fontweight": weight, "color": INK if is_number else MUTED}
    ax.text(x, -y + height, words, ha="center", va="center", **looks)
    if phi == phi and not is_own:
        ax.text(x, -y - 0.24, _write_phi(phi, narrow), fontsize=7.0, ha="center", va="center", color=INK)


def _write_phi(phi: float, narrow: bool) -> str:
    """The sign of a correlation, and where there is room its size; 0 where it rounds to that."""
    size = f"{abs(phi):.2f}"
    sign = "" if float(size) == 0 else "+" if phi > 0 else MINUS
    return (sign or "0") if narrow else f"{sign}{size}"


def _name_cells(ax: Axes, labels: Sequence[str], narrow: bool) -> None:
    """Name rows at the left and columns on top; where there is no room by numbers, with their key below."""
    k = len(labels)
    for i, label in enumerate(labels):
        side, head = label, "\n".join(textwrap.wrap(label, 11)[:4])
        if narrow:
            side = head = str(i + 1)
            ax.text(-0.5, -k - 0.1 - KEY_LINE * i, f"{i + 1}  {label}", ha="left", va="center", fontsize=7.0, color=INK)
        row = "\n".join(textwrap.wrap(side, 24)[:3])
        ax.text(-0.6, -i, row, ha="right", va="center", fontsize=7.4, color=INK, linespacing=1.05)
        ax.text(i, 0.6, head, ha="center", va="bottom", fontsize=7.0, color=INK, linespacing=1.05)
    ax.set_xlim(-0.95 if narrow else -3.2, k - 0.45)
    ax.set_ylim(-k + 0.45 - (0.2 + KEY_LINE * k if narrow else 0.0), 1.0 if narrow else 1.2)
    ax.set_axis_off()


KEY_LINE = 0.42
"""Height of a line of the key, in cells."""


def map_height(use: Any, narrow: bool) -> float:
    """Height in inches that the cells, and on a phone the key, need."""
    k = len({*use.co_use["family"], *use.co_use["other_family"]})
    return 0.38 * (k * (1 + KEY_LINE) + 1.2) if narrow else 0.42 * k + 0.8
