"""A figure that is drawn once where matplotlib draws twice; imported only to draw, for it loads matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

if TYPE_CHECKING:
    from matplotlib.backend_bases import RendererBase


class QuickFigure(Figure):
    """A figure whose first, unseen drawing makes the layout and nothing else.

    Before it saves a figure with constrained layout, matplotlib draws all of it unseen, so that the places of the axes
    are known, and then once more with the layout switched off. The places do not need the drawing.
    """

    def draw(self, renderer: RendererBase) -> None:
        """Make the layout, or where that is done (or there is none to make), draw."""
        engine = self.get_layout_engine()
        if self.axes and isinstance(engine, ConstrainedLayoutEngine):
            engine.execute(self)
        else:
            super().draw(renderer)


def look_around() -> None:
    """Let matplotlib look for IPython now, which it does once for each kind of canvas.

    Notebooks load IPython in threads beside the drawings, and one that is half loaded has no version to be asked for.
    """
    for canvas in (FigureCanvasBase, FigureCanvasSVG):
        canvas(Figure())
