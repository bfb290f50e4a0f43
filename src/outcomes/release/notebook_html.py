"""A notebook after its run as a page of its own: outputs sanitised, no script, nothing loaded."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes.release.configuration import CODEBOOK, MAPPING, PROTOCOL
from outcomes.release.notebook_format import no_address_parsers

if TYPE_CHECKING:
    from nbformat import NotebookNode

PARAMETERS = "parameters"
"""Tag of the cell that says what may be set, with the defaults."""
INJECTED = "injected-parameters"
"""Tag of the cell with the values of a run; it holds paths."""

IN_RELEASE = {"mapping": MAPPING, "protocol": PROTOCOL, "codebook": CODEBOOK}
"""Settings the release holds a copy of: under that name it is made again, whatever the file was called before."""

_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
_TAGS = (
    *("h1", "h2", "h3", "h4", "p", "br", "hr", "div", "span", "pre", "code", "blockquote", "ul", "ol", "li", "em"),
    *("strong", "small", "a", "sup", "sub", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("dl", "dt", "dd"),
)
_ATTRIBUTES = {"*": ["class", "id"], "a": ["href"], "th": ["scope", "colspan", "rowspan"], "td": ["colspan", "rowspan"]}


def to_html(notebook: NotebookNode, name: str, failure: str = "", values: Mapping[str, Any] | None = None) -> str:
    """Show a notebook without its injected cell (it holds paths): outputs sanitised, no script, nothing loaded.

    The values of the run stand above the first cell; defaults they took the place of are not shown beside them. It says
    for whom it is, as the page of the release does: a file is passed on by itself.
    """
    with no_address_parsers():
        import nbformat
        from nbconvert import HTMLExporter
    from markupsafe import Markup
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from traitlets.config import Config

    from outcomes.release.manifest import INTERNAL
    from outcomes.release.render_html import TEMPLATES, environment

    shown = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]
    shown.cells = _without_settings(shown.cells, values or {})
    _name_pictures(shown.cells)
    for output in (output for cell in shown.cells for output in cell.get("outputs", ())):
        if "text/html" in output.get("data", {}):  # the sanitiser keeps the text of a style sheet as words
            output["data"]["text/html"] = _STYLE.sub("", output["data"]["text/html"])
    allowed = Config({"SanitizeHTML": {"tags": list(_TAGS), "attributes": _ATTRIBUTES, "strip": True}})
    exporter = HTMLExporter(config=allowed, template_name="basic", sanitize_html=True, embed_images=False)
    # nbconvert's own filter escapes headings and table heads.
    exporter.register_filter("clean_html", _clean)
    body, _ = exporter.from_notebook_node(shown)
    css = (TEMPLATES / "notebook.css").read_text(encoding="utf-8") + HtmlFormatter().get_style_defs(".highlight")
    settings = {key: _public(key, value) for key, value in (values or {}).items()}
    # What is wider than a phone can be scrolled by keyboard; the corner of a table heads nothing.
    for kind in ("output_html", "output_png"):
        body = body.replace(f'class="{kind}', f'tabindex="0" class="{kind}')
    body = body.replace("<th></th>", "<td></td>")
    safe = {"css": Markup(css), "body": Markup(body)}  # noqa: S704 - ours, and sanitised by nbconvert
    page = environment().get_template("notebook.html.j2")
    title = read_title(notebook, name)
    return page.render(title=title, mark=INTERNAL, failure=failure, settings=settings, **safe)


def _without_settings(cells: list[NotebookNode], values: Mapping[str, Any]) -> list[NotebookNode]:
    """Leave out the injected cell and, of the defaults, those that it took the place of."""
    kept = []
    for cell in cells:
        tags = cell.metadata.get("tags", ())
        if PARAMETERS in tags:
            cell.source = _without(cell.source, values)
        if INJECTED not in tags and (PARAMETERS not in tags or cell.source):
            kept.append(cell)
    return kept


def _name_pictures(cells: list[NotebookNode]) -> None:
    """Give each picture a text in its place: the heading it stands under and the line that drew it."""
    heading = ""
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = ([line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")] or [heading])[
                -1
            ]
        elif any("image/png" in output.get("data", {}) for output in cell.get("outputs", ())):
            drawn = cell.source.strip().splitlines()[-1].rstrip(";")
            cell.metadata["alt"] = f"{heading}: picture drawn by {drawn}".removeprefix(": ")


def _without(source: str, names: Iterable[str]) -> str:
    """Return the lines of plain assignments that set none of the names."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id in names for target in targets):
            lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return "\n".join(line for line in lines if line)


def _clean(html: object) -> str:
    from bleach.sanitizer import Cleaner

    from outcomes.release.word_columns import WordColumns

    text = html.decode() if isinstance(html, bytes) else str(html)
    cleaner = Cleaner(tags=_TAGS, attributes=_ATTRIBUTES, protocols={"https"}, strip=True, filters=[WordColumns])
    return str(cleaner.clean(text))


def _public(key: str, value: Any) -> str:
    """A parameter as shown: of a setting the place of its copy in the release, of another path only its last part."""
    if value is not None and key in IN_RELEASE:
        return IN_RELEASE[key]
    if isinstance(value, list | tuple):
        return ", ".join(_public(key, item) for item in value)
    return Path(value).name if isinstance(value, str) and os.sep in value else str(value)


def read_title(notebook: NotebookNode, name: str) -> str:
    """The first heading of a notebook, or its name."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return str(cell.source.splitlines()[0][2:].strip())
    return name
