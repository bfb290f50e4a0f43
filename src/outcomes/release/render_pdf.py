"""The page model as a tagged A4 PDF, set by typst.

The model goes in as JSON, so that no text of an export is ever read as typst source. Only the typefaces that come with
matplotlib are used, on every machine; the system's are ignored, and no date is written: equal pages, equal bytes.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from outcomes.release.model import Page

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"


def render_pdf(page: Page) -> bytes:
    """Return the page as PDF."""
    import matplotlib as mpl
    import typst

    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return bytes(
        typst.compile(
            str(TEMPLATE),
            format="pdf",
            root=str(TEMPLATE.parent),
            font_paths=[str(fonts)],
            ignore_system_fonts=True,
            sys_inputs={"page": json.dumps(_plain(page), ensure_ascii=False)},
        )
    )


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
    return value
