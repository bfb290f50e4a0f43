"""Figures as SVG text: the same bytes every time, safe to put several into one page, readable in light and dark.

Matplotlib draws with the fixed colours of `PALETTE`. In the PDF they stay as they are; in the page each becomes a CSS
variable, so that one drawing serves a light and a dark screen and black ink on paper.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1c2227"
MUTED = "#5b656f"
RULE = "#dde2e7"
WASH = "#f1f3f5"
ACCENT = "#0067a3"
SERIES = (ACCENT, "#d55e00", "#009e73", "#b0568c", "#e69f00", "#56b4e9", INK)
"""Okabe–Ito hues; the blue and the purple a shade darker, for contrast on white."""

PALETTE: dict[str, str] = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    WASH: "var(--wash)",
    ACCENT: "var(--accent)",
    **{colour: f"var(--s{i + 2})" for i, colour in enumerate(SERIES[1:-1])},
}

_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ID = re.compile(r'\bid="([^"]+)"')
_HREF = re.compile(r'xlink:href="#([^"]+)"')
_URL = re.compile(r"url\(#([^)]+)\)")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_STYLE = re.compile(r"\s*<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
_DECIMAL = re.compile(r"-?\d+\.\d+")
_PATH = re.compile(r'(?<= d=")[^"]+')
_LOOKS = re.compile(r'(?<= style=")[^"]+')
_GROUP = re.compile(r"<g\b[^>]*>|</g>")
_FONT = re.compile(r"font-family:\s*[^;\"]+;?|(?<=px )'[^\";]+(?=[;\"])")


def to_svg(figure: Figure, prefix: str) -> str:
    """Return a figure as one ``<svg>`` element with fixed colours.

    Parameters
    ----------
    figure : Figure
    prefix : str
        Put before every id, so that several drawings can stand in one page.

    Returns
    -------
    str
        No prologue, no metadata, no date, no group without a purpose; lines to a tenth of a point, other numbers to a
        hundredth: equal input, equal bytes.
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": prefix, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = _PROLOGUE.sub("", _NOT_XML.sub("\ufffd", buffer.getvalue()), count=1)
    text = _COMMENT.sub("", _METADATA.sub("", _STYLE.sub("", text)))
    text = text.replace("<svg ", '<svg stroke-linejoin="round" ', 1)
    text = text.replace('xmlns:xlink="http://www.w3.org/1999/xlink" ', "")
    used = set(_HREF.findall(text)) | set(_URL.findall(text))
    text = _ID.sub(lambda m: f'id="{prefix}-{m[1]}"' if m[1] in used else "", text)
    text = _HREF.sub(rf'href="#{prefix}-\1"', text)
    text = _URL.sub(rf"url(#{prefix}-\1)", text)
    text = _NUMBER.sub(lambda m: _short(float(m[0])), text)
    text = _PATH.sub(lambda m: _tight(m[0]), _without_bare_groups(text))
    text = _LOOKS.sub(lambda m: m[0].replace(": ", ":").replace("; ", ";"), text)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _tight(path: str) -> str:
    """Path data in one line: the coordinates are most of what a drawing weighs."""
    path = _DECIMAL.sub(lambda m: _short(float(m[0]), 1), path)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(path.split()))


def _without_bare_groups(text: str) -> str:
    """Drop ``<g>`` without attributes and its end; matplotlib nests several around every line."""
    kept: list[bool] = []

    def keep(found: re.Match[str]) -> str:
        if found[0] == "</g>":
            return found[0] if kept.pop() else ""
        if found[0].endswith("/>"):
            return ""
        kept.append(found[0].strip("<g >") != "")
        return found[0] if kept[-1] else ""

    return _GROUP.sub(keep, text)


def themed(svg: str) -> str:
    """Return the SVG with colours as CSS variables and the page's own typeface."""
    for colour, variable in PALETTE.items():
        svg = svg.replace(colour, variable)
    svg = _FONT.sub("", svg)
    return re.sub(r"<svg\b", '<svg aria-hidden="true" focusable="false"', svg, count=1)


def sparkline(values: Sequence[float | None], width: float = 132.0, height: float = 34.0) -> str:
    """Return a small line of the last quarters.

    Parameters
    ----------
    values : sequence of float or None
        Oldest first; None is a quarter without a value (immature or hidden): a hollow grey dot on the base line.

    Returns
    -------
    str
        SVG with fixed colours; empty when fewer than two quarters have a value.
    """
    known = [v for v in values if v is not None and math.isfinite(v)]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    step = (width - 10) / (len(values) - 1)
    x = [5 + i * step for i in range(len(values))]
    y = [None if v is None or not math.isfinite(v) else height - 6 - (height - 12) * (v - low) / span for v in values]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_short(width)} {_short(height)}" '
        f'width="{_short(width)}" height="{_short(height)}">'
    ]
    for run in _runs(x, y):
        points = " ".join(f"{_short(px)},{_short(py)}" for px, py in run)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{ACCENT}" stroke-width="1.6" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )
    last = max(i for i, py in enumerate(y) if py is not None)
    for i, py in enumerate(y):
        if py is None:
            parts.append(
                f'<circle cx="{_short(x[i])}" cy="{_short(height - 6)}" r="2.2" fill="none" stroke="{MUTED}" '
                'stroke-width="1"/>'
            )
        elif i == last:
            parts.append(f'<circle cx="{_short(x[i])}" cy="{_short(py)}" r="3.2" fill="{ACCENT}"/>')
    return "".join([*parts, "</svg>"])


def _runs(x: Sequence[float], y: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for px, py in zip(x, y, strict=True):
        if py is None:
            runs.append([])
        else:
            runs[-1].append((px, py))
    return [run for run in runs if len(run) > 1]


def _short(value: float, digits: int = 2) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
