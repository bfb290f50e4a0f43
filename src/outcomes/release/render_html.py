"""The page model as one HTML file: no script, nothing loaded from anywhere, every text escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes.release.model import Page
from outcomes.release.sentences import keep_together
from outcomes.release.svg import themed

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def render_html(page: Page) -> str:
    """Return the page as HTML.

    Notes
    -----
    Two things reach the page unescaped, both made by this package and not by an export: the style sheet, and the SVG
    of figures, whose texts matplotlib has escaped already.
    """
    from markupsafe import Markup

    css = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))  # noqa: S704
    return environment().get_template("report.html.j2").render(page=page, css=css)


def name_part(name: str, first: str) -> str:
    """What a further file behind a figure or table is called on the page: without the words the first begins with."""
    words, others = name.split("_"), first.split("_")
    while len(words) > 1 and others and words[0] == others[0]:
        words, others = words[1:], others[1:]
    return " ".join(words)


@cache
def environment() -> Environment:
    """Return the templates' environment: everything is escaped, an unknown name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["unbroken"] = keep_together
    environment.filters["part_of"] = name_part
    environment.filters["themed"] = lambda svg: Markup(themed(svg))  # noqa: S704
    return environment
