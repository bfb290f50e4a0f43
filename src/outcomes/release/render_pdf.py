"""The page model as a tagged A4 PDF, set by typst.

The model goes in as JSON, so that no text of an export is ever read as typst source. The typeface is the Inter in
``fonts/``, and matplotlib's own for letters it lacks; the system's are ignored, and no date is written: equal pages,
equal bytes on every machine.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from outcomes.release.model import Page
from outcomes.release.sentences import keep_together

HERE = Path(__file__).parent
TEMPLATE = HERE / "templates" / "report.typ"
PICTURE = HERE / "templates" / "picture.typ"


def render_pdf(page: Page) -> bytes:
    """Return the page as PDF."""
    import typst

    return bytes(
        typst.compile(
            str(TEMPLATE),
            format="pdf",
            pdf_standards="ua-1",
            root=str(TEMPLATE.parent),
            font_paths=font_folders(),
            ignore_system_fonts=True,
            sys_inputs={"page": json.dumps(_plain(page), ensure_ascii=False).replace("'DejaVu Sans'", "Inter")},
        )
    )


def render_png(svg: str) -> bytes:
    """Return a drawing as PNG on white, 150 dots an inch, in the typeface of the PDF."""
    import typst

    return bytes(
        typst.compile(
            str(PICTURE),
            format="png",
            ppi=150.0,
            font_paths=font_folders(),
            ignore_system_fonts=True,
            sys_inputs={"svg": svg.replace("'DejaVu Sans'", "Inter")},
        )
    )


def font_folders() -> list[str]:
    """Return where the typefaces lie."""
    import matplotlib as mpl

    return [str(HERE / "fonts"), str(Path(mpl.get_data_path()) / "fonts" / "ttf")]


def _plain(value: Any) -> Any:
    """Turn the model into what JSON holds; the cells of sentences and the phone drawings stay out."""
    if dataclasses.is_dataclass(value):
        return {
            item.name: _plain(getattr(value, item.name))
            for item in dataclasses.fields(value)
            if item.name not in {"cells", "narrow", "links"}
        }
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return keep_together(value) if isinstance(value, str) else value
