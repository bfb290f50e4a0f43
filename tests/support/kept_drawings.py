"""What figures draw of invented answers, kept in tests/kept/drawings.txt: every mark with its place and looks.

The whole runs of `kept_runs.py` draw one answer a figure; here each is drawn from answers at the edges too (a hidden
share, one quarter, many groups), wide and for a phone. Nothing is rendered: what is described is what was asked of
matplotlib, so that neither its version nor a font moves a number.

Each line is one kind of mark of one drawing: how many, a hash of their words and looks, and two sums of their numbers.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import drawn_answers as drawn
import numpy as np
from kept_runs import KEPT, _describe_drawing
from matplotlib import pyplot
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.spines import Spine
from matplotlib.text import Annotation, Text

from outcomes.release import figures

FILE = KEPT / "drawings.txt"


def describe_all(draw: Callable[[], drawn.Drawn]) -> list[str]:
    """Return the lines of all drawings of a group: the first of a figure made alone and for a phone, others in turn."""
    lines: list[str] = []
    seen: Counter[str] = Counter()
    for name, answer, more in draw():
        for narrow in (False, True) if not seen[name] else (bool(seen[name] % 2),):
            where = {"ax": Figure(figsize=drawn.SIZES[narrow]).add_axes((0.1, 0.2, 0.88, 0.75)), "narrow": narrow}
            ax = getattr(figures, name)(answer, **(where if narrow or seen[name] else {}), **more)
            lines += describe(f"{name} {seen[name]}{' narrow' if narrow else ''}", ax.figure)
            pyplot.close(ax.figure)
        seen[name] += 1
    return lines


def describe_heights() -> list[str]:
    """Return the heights of pictures that grow with their rows."""
    return [f"{name}: {wide:.9g} {narrow:.9g}" for name, (wide, narrow) in drawn.list_heights().items()]


def describe_public() -> list[str]:
    """Return the lines of the figures of the public page."""
    return [
        line
        for narrow in (False, True)
        for number, figure in enumerate(drawn.draw_public(narrow))
        for line in describe(f"public {number}{' narrow' if narrow else ''}", figure)
    ]


GROUPS: dict[str, Callable[[], list[str]]] = {
    **{draw.__name__: partial(describe_all, draw) for draw in
       (drawn.draw_relief, drawn.draw_returns, drawn.draw_use, drawn.draw_quarters, drawn.draw_arms, drawn.draw_units)},
    "draw_public": describe_public,
    "heights": describe_heights,
}  # fmt: skip


def read_group(name: str) -> list[str]:
    """Return the lines that are kept of a group."""
    parts = FILE.read_text(encoding="utf-8").split("# ")
    return next(part.splitlines()[1:] for part in parts if part.startswith(f"{name}\n"))


def main() -> None:
    """Write anew what is kept."""
    text = "".join(f"# {name}\n" + "".join(f"{line}\n" for line in make()) for name, make in GROUPS.items())
    FILE.write_text(text, encoding="utf-8")
    sys.stdout.write("tests/kept/drawings.txt\n")


def describe(name: str, figure: Figure) -> list[str]:
    """Return a line for each kind of mark of a figure."""
    found: dict[str, list[str]] = {}
    for axes in figure.axes + [child for host in figure.axes for child in host.child_axes]:
        found.setdefault("axes", []).append(_axes(axes))
        for artist in axes.get_children():
            if artist.get_visible() and not isinstance(artist, Spine) and (told := _tell(artist)):
                found.setdefault(type(artist).__name__, []).append(told)
    return [f"{name}, {kind}: {len(told)}{_describe_drawing(' '.join(told))}" for kind, told in sorted(found.items())]


def _axes(axes: Axes) -> str:
    ticks = [[(*_numbers(axis.get_ticklocs()), *(label.get_text() for label in axis.get_ticklabels()))]
             for axis in (axes.xaxis, axes.yaxis) if axes.axison]  # fmt: skip
    sizes = [(label.get_fontsize(), label.get_color(), label.get_ha(), label.get_fontweight())
             for label in axes.get_xticklabels() + axes.get_yticklabels()] if axes.axison else []  # fmt: skip
    words = [(_text(one.label), one.labelpad) for one in (axes.xaxis, axes.yaxis)] if axes.axison else []
    room = [*axes.figure.get_size_inches(), *axes.get_xlim(), *axes.get_ylim(), *axes.get_position().bounds]
    spines = [(key, spine.get_visible(), spine.get_edgecolor()) for key, spine in axes.spines.items()]
    return _say(_numbers(room), ticks, sizes, words, spines, axes.get_axisbelow(), axes.axison)


def _tell(artist: Artist) -> str:
    looks: list[Any] = [artist.get_zorder(), artist.get_alpha(), artist.get_clip_on()]
    if isinstance(artist, Line2D):
        data = [*_numbers(artist.get_xdata()), *_numbers(artist.get_ydata())]
        names = ("color", "linewidth", "linestyle", "dash_capstyle", "solid_capstyle", "drawstyle", "marker",
                 "markersize", "markerfacecolor", "markeredgecolor", "markeredgewidth")  # fmt: skip
        dashes = [getattr(artist, "_unscaled_dash_pattern", None)]
        return _say(data, [getattr(artist, f"get_{one}")() for one in names], dashes, looks)
    if isinstance(artist, Legend):
        return _say([_text(text) for text in artist.get_texts()], artist._ncols, artist.get_frame_on(), looks)
    if isinstance(artist, Text):
        return _text(artist) if artist.get_text() or isinstance(artist, Annotation) else ""
    if isinstance(artist, Patch):
        path = artist.get_patch_transform().transform_path(artist.get_path())
        names = ("facecolor", "edgecolor", "linewidth", "linestyle", "hatch", "fill")
        return _say(_numbers(path.vertices), [getattr(artist, f"get_{one}")() for one in names], looks)
    if isinstance(artist, Collection):
        paths = [_numbers(path.vertices) for path in artist.get_paths()]
        colours = [_numbers(artist.get_facecolor()), _numbers(artist.get_edgecolor())]
        return _say(paths, colours, _numbers(artist.get_linewidths()), artist.get_linestyles(), looks)
    return ""


def _text(text: Text) -> str:
    names = ("text", "fontsize", "color", "fontweight", "ha", "va", "rotation", "zorder")
    said = [getattr(text, f"get_{one}")() for one in names]
    place = [*_numbers(text.get_position()), text._linespacing]
    if isinstance(text, Annotation):
        place += [*_numbers(text.xy), text.arrow_patch is not None]
    if (box := text.get_bbox_patch()) is not None:
        place += [*_numbers(box.get_facecolor()), box.get_boxstyle().pad]
    return _say(said, place)


def _numbers(values: Any) -> list[float]:
    return [float(value) for value in np.asarray(values, dtype=float).ravel()]


def _say(*parts: Any) -> str:
    """Write what was found with numbers to nine digits, as an element of its own."""
    text = re.sub(r"np\.float64\(([^)]*)\)", r"\1", repr(parts))
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda m: f"{float(m[0]) + 0.0:.9f}", text)


if __name__ == "__main__":
    sys.path.insert(0, str(KEPT.parent))
    main()
