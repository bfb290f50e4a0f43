"""Pages without pictures: drawing one takes seconds, and most tests read its words."""

from __future__ import annotations

import importlib
import sys

from outcomes.release import publish, section_parts
from outcomes.release.model import FigureView


def blank(id, title, alt, caption, *_, csv="", **__):
    """What `section_parts.draw` gives, with an empty picture."""
    return FigureView(f"figure-{id}", title, alt, caption, "<svg/>", "<svg/>", csv)


def leave_undrawn(monkeypatch):
    """Put empty pictures into every section; a section that comes to draw later is found by itself.

    What is left of a release is made in this process: to start others for it takes longer.
    """
    monkeypatch.setattr(publish, "WORKERS", 1)
    importlib.import_module("outcomes.release.sections")  # loads every section, so that each is found below
    draw = section_parts.draw
    for name, module in list(sys.modules.items()):
        if name.startswith("outcomes.release.") and getattr(module, "draw", None) is draw:
            monkeypatch.setattr(module, "draw", blank)
