"""Result in, matplotlib Axes out. Nothing is computed here: every number drawn stands in the result's table.

Each function takes the result and, optionally, Axes to draw on; without Axes it makes a figure with pyplot, which is
what a notebook wants. The page hands in Axes of its own figures. A result without a drawable number, or a refusal,
gives a sentence in place of an empty plot.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from outcomes.errors import NotEstimable
from outcomes.release.panels import cut, plain, quarter_panel, split_host
from outcomes.release.sentences import format_percent as percent
from outcomes.release.svg import ACCENT, INK, MUTED, RULE, SERIES, WASH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

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
AT_RISK_CONVENTION = "still under observation without the event just before that day"


@contextmanager
def style() -> Iterator[None]:
    """Draw with the settings all figures share."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        yield
        # In a notebook the first figure switches the backend on; that must outlast these settings.
        interactive = mpl.rcParams["interactive"]
    mpl.rcParams["interactive"] = interactive


def relief_curve(relief: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share of episodes relieved by each day, with its interval and the number observed.

    Parameters
    ----------
    relief : Relief
        Reads ``curve`` [group, day, estimate, conf_low, conf_high, at_risk] and the horizons of ``table``.
    ax : Axes, optional
    narrow : bool
        Leave room for a phone: fewer labels.

    Returns
    -------
    Axes
    """
    return _curve(relief, ax, narrow, "days since the first visit", "No relief curve: too few episodes to draw one.")


def return_curve(recurrence: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share of relieved episodes that came back to the clinic by each day after the landmark.

    Parameters and value as `relief_curve`.
    """
    return _curve(
        recurrence,
        ax,
        narrow,
        "days since the landmark, 30 days after relief",
        "No return curve: too few relieved episodes to draw one.",
    )


def modality_mix(use: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw, one small panel a treatment family, the share of treatment visits by quarter.

    Parameters
    ----------
    use : ModalityUse
        Reads ``table`` [quarter, family, label, estimate, conf_low, conf_high].
    ax : Axes, optional
        Host of the panels; they are its children.

    Returns
    -------
    Axes
        The host. All panels share one scale, so that heights can be compared between them. Without a calendar, or with
        a single quarter, bars.
    """
    if isinstance(use, NotEstimable):
        return _refused(use, ax)
    table = _numbers(use.table, "estimate", "conf_low", "conf_high")
    empty = "No treatment mix: too few treatment visits to show a share."
    with style():
        if table.empty or not table["estimate"].notna().any():
            return _sentence(_axes(ax), empty)
        if table["quarter"].nunique() == 1:
            return _bars(table.dropna(subset=["estimate"]), ax, narrow)
        panels = [(str(label), part) for label, part in table.groupby("label", sort=False)]
        top = max(0.1, float(table["conf_high"].fillna(table["estimate"]).max()) * 1.12)
        ax = _axes(ax, (7.2, 5.4))
        cells = split_host(ax, len(panels), 1 if narrow else 3)
        for cell, (label, part) in zip(cells, panels, strict=True):
            quarter_panel(cell, label, part, percent, (0.0, min(1.0, top)), 44 if narrow else 22)
    return ax


def quarter_lines(review: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw, one small panel an indicator, its course over the quarters; immature quarters are grey and empty.

    Parameters
    ----------
    review : QuarterReview
        Reads ``table`` [quarter, indicator, label, unit, estimate, conf_low, conf_high, mature].
    ax : Axes, optional
        Host of the panels; they are its children.
    """
    if isinstance(review, NotEstimable):
        return _refused(review, ax)
    table = _numbers(review.table, "estimate", "conf_low", "conf_high")
    with style():
        if table.empty or not table["estimate"].notna().any():
            return _sentence(_axes(ax), "No lines by quarter: no quarter has enough episodes.")
        panels = [(str(label), part) for label, part in table.groupby("label", sort=False)]
        ax = _axes(ax, (7.2, 3.8))
        for cell, (label, part) in zip(split_host(ax, len(panels), 1 if narrow else 3), panels, strict=True):
            values = part.loc[part["mature"].astype(bool), ["estimate", "conf_high"]]
            share = is_share(part["unit"].iloc[0])
            top = float(values.max().max()) * 1.15 if values.notna().to_numpy().any() else 0.0
            # Where all values are zero the axis must still have a length.
            limits = (0.0, min(1.0, max(top, 0.1)) if share else max(top, 1.15))
            quarter_panel(cell, label, part, percent if share else plain, limits, 44 if narrow else 22)
    return ax


def completeness(completeness: Any, ax: Axes | None = None, narrow: bool = False) -> Axes:
    """Draw the share of visits in which each field is filled, fullest first.

    Parameters
    ----------
    completeness : Completeness
        Reads ``table`` [field, label, n, recorded, estimate].
    """
    if isinstance(completeness, NotEstimable):
        return _refused(completeness, ax)
    table = _numbers(completeness.table, "estimate").dropna(subset=["estimate"])
    table = table[~table["field"].isin(completeness.summary.get("absent_fields", ()))]
    with style():
        if table.empty:
            return _sentence(_axes(ax), "No completeness: there are too few visits.")
        return _bars(table, ax, narrow)


def _bars(table: pd.DataFrame, ax: Axes | None, narrow: bool) -> Axes:
    """One bar a row, longest first, its value at the end."""
    table = table.sort_values("estimate", ascending=True, kind="stable")
    ax = _axes(ax, (7.2, 0.6 + 0.24 * len(table)))
    at = range(len(table))
    ax.barh(at, 1.0, height=0.52, color=WASH)
    ax.barh(at, table["estimate"], height=0.52, color=ACCENT)
    ax.set_yticks(list(at), [cut(label, 26 if narrow else 40) for label in table["label"]])
    for y, value in zip(at, table["estimate"], strict=True):
        ax.text(1.02, y, percent(value), va="center", ha="left", color=INK)
    ax.set_xlim(0, 1.22 if narrow else 1.09)
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xticks([])
    ax.tick_params(axis="y", labelcolor=INK)
    ax.spines["bottom"].set_visible(False)
    return ax


def is_share(unit: object) -> bool:
    """Whether an indicator's unit says that its estimate is a share 0..1."""
    return str(unit).lower() in {"share", "percent", "%", "proportion"}


def _curve(result: Any, ax: Axes | None, narrow: bool, x_label: str, empty: str) -> Axes:
    if isinstance(result, NotEstimable):
        return _refused(result, ax)
    curve = _numbers(result.curve, "estimate", "conf_low", "conf_high", "at_risk").dropna(subset=["estimate"])
    with style():
        if curve.empty:
            return _sentence(_axes(ax), empty)
        ax = _axes(ax, (7.2, 3.7))
        days = sorted({int(day) for day in result.table["horizon_days"]})
        ticks = [0, *days]
        groups = [(str(name), part) for name, part in curve.groupby("group", sort=False)]
        last = max(float(curve["day"].max()), days[-1] * 1.02)
        for i, (name, part) in enumerate(groups):
            colour, line = SERIES[i % len(SERIES)], LINE_STYLES[i % len(LINE_STYLES)]
            ax.plot(part["day"], part["estimate"], drawstyle="steps-post", color=colour, linestyle=line, linewidth=1.9)
            band = part["conf_low"], part["conf_high"]
            ax.fill_between(part["day"], *band, step="post", color=colour, alpha=0.14, lw=0)
            if len(groups) > 1:
                end = part.iloc[-1]
                ax.text(float(end["day"]) + last * 0.012, end["estimate"], cut(name, 24), color=colour, va="center")
        if len(groups) == 1:
            _mark_horizons(ax, result.table, last, narrow)
        _curve_axes(ax, ticks, last, x_label, dict(groups), narrow)
    return ax


def _mark_horizons(ax: Axes, table: pd.DataFrame, last: float, narrow: bool) -> None:
    rows = _numbers(table, "estimate", "conf_high").dropna(subset=["estimate"])
    ax.plot(rows["horizon_days"], rows["estimate"], "o", markersize=4.2, color=ACCENT)
    written = set(_spaced([int(day) for day in rows["horizon_days"]], last, narrow))
    for day, value in zip(rows["horizon_days"], rows["estimate"], strict=True):
        if int(day) in written:
            ax.annotate(
                percent(value),
                (day, value),
                xytext=(-2, 5),
                textcoords="offset points",
                ha="right",
                color=INK,
                fontweight="bold",
            )


def _curve_axes(
    ax: Axes, ticks: Sequence[int], last: float, x_label: str, parts: dict[str, pd.DataFrame], narrow: bool
) -> None:
    """Axes and, under them, one row of numbers observed a group; offsets in points, so that they suit any size."""
    from matplotlib.ticker import FuncFormatter

    highest = max(float(part[["estimate", "conf_high"]].max().max()) for part in parts.values())
    ax.set_ylim(0, next((top for top in (0.25, 0.5, 0.75) if highest < 0.9 * top), 1.0))
    ax.set_xlim(-last * 0.012, last * (1.16 if len(parts) > 1 else 1.02))
    written = _spaced(ticks, last, narrow)
    ax.set_xticks(ticks, [str(t) if t in written else "" for t in ticks])
    ax.yaxis.set_major_locator(_quarter_steps())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: percent(v)))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.set_xlabel(x_label, fontsize=7.5, loc="right", labelpad=1)
    across = ax.get_xaxis_transform()
    _below(ax, "number observed", (0, 0), ax.transAxes, -32, color=MUTED, ha="left")
    for i, (name, part) in enumerate(parts.items()):
        colour = INK if len(parts) == 1 else SERIES[i % len(SERIES)]
        for tick in written:
            _below(ax, _at_risk(part, tick), (tick, 0), across, -44 - 11 * i, color=colour, ha="center")
        if len(parts) > 1:
            _below(ax, cut(name, 16), (1, 0), ax.transAxes, -44 - 11 * i, color=colour, ha="right")


def _below(ax: Axes, text: str, at: tuple[float, float], coords: Any, points: float, **looks: Any) -> None:
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


def _spaced(days: Sequence[int], last: float, narrow: bool) -> list[int]:
    """Days that can be labelled without touching: taken from the far end, where reading starts mattering most."""
    least = last * (0.115 if narrow else 0.055)
    kept: list[int] = []
    for day in sorted(days, reverse=True):
        if not kept or (kept[-1] - day) >= least:
            kept.append(day)
    return sorted(kept)


def _quarter_steps() -> Any:
    from matplotlib.ticker import MultipleLocator

    return MultipleLocator(0.25)


def _at_risk(part: pd.DataFrame, day: int) -> str:
    """Number observed at a day: that of the first listed day from it on (the curve is a step function)."""
    later = part[part["day"] >= day]
    value = later["at_risk"].iloc[0] if len(later) else float("nan")
    return f"{int(value):,}" if value == value else "–"


def _axes(ax: Axes | None, size: tuple[float, float] = (7.2, 1.6)) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, made = plt.subplots(figsize=size, layout="constrained")
    return made


def _sentence(ax: Axes, text: str) -> Axes:
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, ha="center", va="center", color=MUTED, transform=ax.transAxes, wrap=True)
    return ax


def _refused(refusal: NotEstimable, ax: Axes | None) -> Axes:
    with style():
        return _sentence(_axes(ax), str(refusal).splitlines()[0])


def _numbers(table: pd.DataFrame | None, *columns: str) -> pd.DataFrame:
    """Return a copy in which hidden marks are gaps."""
    import pandas as pd

    if table is None:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in (*columns, "group", "day", "label", "quarter")})
    out = table.copy()
    for name in columns:
        if name in out:
            out[name] = pd.to_numeric(out[name], errors="coerce")
    return out
