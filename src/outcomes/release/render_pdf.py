"""The page model as a tagged A4 PDF, set by typst.

The model goes in as JSON, so that no text of an export is ever read as typst source. The typeface is the Inter in
``fonts/``, and matplotlib's own for letters it lacks; the system's are ignored, and no date is written: equal pages,
equal bytes on every machine.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from outcomes.errors import Finding, OutcomesError
from outcomes.release.model import Page
from outcomes.release.sentences import keep_together

HERE = Path(__file__).parent
TEMPLATE = HERE / "templates" / "report.typ"
PICTURE = HERE / "templates" / "picture.typ"


def render_pdf(page: Page) -> bytes:
    """Return the page as PDF.

    Raises
    ------
    OutcomesError
        E955 the process that sets it ended without a document, as when memory runs out.
    """
    settings = {
        "template": str(TEMPLATE),
        "format": "pdf",
        "pdf_standards": "ua-1",
        "root": str(TEMPLATE.parent),
        "font_paths": font_folders(),
        "ignore_system_fonts": True,
        "sys_inputs": {"page": json.dumps(_plain(page), ensure_ascii=False).replace("'DejaVu Sans'", "Inter")},
        "packages": _find_packages(),
    }
    command = [sys.executable, "-I", str(HERE / "set_pages.py")]
    done = subprocess.run(command, input=json.dumps(settings).encode(), capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise _unset(done)
    return done.stdout


def _find_packages() -> str:
    """Return the folder typst is installed in, which an interpreter that is started anew may not look into."""
    found = find_spec("typst")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'typst'", name="typst")
    return str(Path(found.origin).parents[1])


def _unset(done: subprocess.CompletedProcess[bytes]) -> OutcomesError:
    """Say how the process ended: the kind of an error, and not its words, which may quote the page."""
    if done.returncode < 0:
        how = f"signal {signal.Signals(-done.returncode).name}"
        remedy = "Most often memory ran out: close other programs and run the report again."
    else:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        how = f"exit code {done.returncode}, {said[-1].split(':')[0] if said else 'without a word'}"
        remedy = "Please tell the makers of this package: the page cannot be set as it is."
    finding = Finding("E955", f"ended without a document ({how}).", "the process that sets the pages on paper", remedy)
    return OutcomesError("The report could not be set on paper, and so there is no report.", [finding])


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
