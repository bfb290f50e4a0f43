"""What every figure is drawn with: its style, axes, sentences in place of empty plots, labels below an axis."""

from __future__ import annotations

import functools
import inspect
import itertools
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec

from outcomes.errors import Finding, InputRefused, NotEstimable
from outcomes.release.svg import INK, MUTED, RULE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

P = ParamSpec("P")

_SEE_HELP = "Its help says which answer it takes."
LINE_STYLES = ("-", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (6, 1.6, 1.4, 1.6)), (0, (3, 1.2)), "-", (0, (5, 1.6)))
STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "lines.solid_capstyle": "round",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw with the settings all figures share."""
    import matplotlib as mpl

    # The page says it in a sentence (`lacks_shapes`), and this would print a sign of a clinic's name.
    warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        yield
        # In a notebook the first figure switches the backend on; that must outlast these settings.
        interactive = mpl.rcParams["interactive"]
    mpl.rcParams["interactive"] = interactive


def lacks_shapes(texts: Iterable[str]) -> bool:
    """Whether the font of the figures lacks a sign of some texts, which it draws as a box."""
    signs = set("".join(texts))
    if "".join(signs).isascii():
        return False
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont(STYLE["font.family"][0])).get_charmap()
    return any(ord(sign) not in known for sign in signs)


def draws_answer(draw: Callable[P, Axes]) -> Callable[P, Axes]:
    """Draw an answer in the style of all figures: the reason of a refusal; E657 for what is no answer to a question."""
    takes = inspect.signature(draw)
    name = next(iter(takes.parameters))

    @functools.wraps(draw)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Axes:
        given = args[0] if args else kwargs.get(name)
        if isinstance(given, NotEstimable):
            return draw_refusal(given, takes.bind(*args, **kwargs).arguments.get("ax"))
        if not hasattr(given, "settings"):
            what = f"is {type(given).__name__}, not the answer to a question."
            remedy = "Pass what a question returns: relief_curve takes what outcomes.estimate_relief(episodes) returns."
            raise InputRefused(f"{draw.__name__} cannot draw this.", [Finding("E657", what, name, remedy)])
        try:
            with style():
                return draw(*args, **kwargs)
        except (AttributeError, KeyError) as error:
            # What the answer lacks is a refusal only where the figure was not made for its kind; else it is a fault.
            is_its_kind = re.search(rf"\b{type(given).__name__}\b", draw.__doc__ or "")
            if is_its_kind or getattr(error, "obj", given) is not given:
                raise
            said = getattr(given, "settings", {}).get("question", type(given).__name__)
            finding = Finding("E657", f"answers '{said}', which has not what {draw.__name__} draws.", name, _SEE_HELP)
            raise InputRefused(f"{draw.__name__} cannot draw this.", [finding]) from error

    return checked


def make_axes(ax: Axes | None, size: tuple[float, float] = (7.2, 1.6)) -> Axes:
    """Return the Axes given, or those of a new figure of that size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    from outcomes.release.quick_figure import QuickFigure

    _, made = plt.subplots(figsize=size, layout="constrained", FigureClass=QuickFigure)
    return made


def write_sentence(ax: Axes, text: str) -> Axes:
    """Say, in place of an empty plot, why there is none."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, ha="center", va="center", color=MUTED, transform=ax.transAxes, wrap=True)
    return ax


def draw_refusal(refusal: NotEstimable, ax: Axes | None) -> Axes:
    """Show the reason of a refusal."""
    with style():
        return write_sentence(make_axes(ax), str(refusal).splitlines()[0])


def to_gaps(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return a copy in which hidden marks are gaps."""
    import pandas as pd

    out = table.copy()
    for name in columns:
        if name in out:
            out[name] = pd.to_numeric(out[name], errors="coerce")
    return out


def write_below(ax: Axes, text: str, at: tuple[float, float], coords: Any, points: float, **looks: Any) -> None:
    """Write a text a number of points below (negative) a place of the axes."""
    ax.annotate(
        text,
        at,
        xycoords=coords,
        xytext=(0, points),
        textcoords="offset points",
        va="top",
        fontsize=7.5,
        annotation_clip=False,
        **looks,
    )


def space_out(days: Sequence[int], last: float, narrow: bool) -> list[int]:
    """Days that can be labelled without touching: taken from the far end, where reading starts mattering most."""
    least = last * (0.115 if narrow else 0.055)
    kept: list[int] = []
    for day in sorted(days, reverse=True):
        if not kept or (kept[-1] - day) >= least:
            kept.append(day)
    return sorted(kept)


def spread(heights: Sequence[float], least: float) -> list[float]:
    """Move heights apart until neighbours are `least` away from each other; their order stays."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    moved = [float(h) for h in heights]
    for lower, upper in itertools.pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + least)
    excess = max(0.0, moved[order[-1]] - max(1.0 - least / 2, float(heights[order[-1]]))) if order else 0.0
    for upper, lower in itertools.pairwise(order[::-1]):
        moved[upper] -= excess
        excess = max(0.0, moved[lower] + least - moved[upper])
    if order:
        moved[order[0]] -= excess
    return moved


def quarter_steps() -> Any:
    """Ticks at every quarter of the axis of a share."""
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(0.25)
