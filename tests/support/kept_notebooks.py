"""What each cell of a notebook shows, in lines that can be kept: words of sentences, sums of tables and of drawings.

The cells run one after the other in this process, where the measuring of coverage sees them. Notebook 05 is left out:
it asks all questions of the report, and shows what is kept of its page.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

NOTEBOOKS = ("01_data_quality", "02_time_to_relief", "03_recurrence", "04_modality_effectiveness")


Drawing, Table = Callable[[str], str], Callable[[TextIO], Iterator[str]]


def show_notebook(path: Path, given: dict[str, object], drawing: Drawing, table: Table) -> Iterator[str]:
    """Run the code cells of a notebook with these parameters, and return a line or more for what each shows.

    Parameters
    ----------
    path : Path
    given : dict of str to object
        Parameters, set below those of the notebook.
    drawing, table : callable
        What is kept of the text of a drawing, and of a table as CSV.
    """
    import matplotlib as mpl
    import nbformat
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib import pyplot as plt

    shell = InteractiveShell()
    shell.history_manager.enabled = False
    plt.close("all")  # what tests before this one left
    with mpl.rc_context(), _display_as_before():
        for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
            if cell.cell_type != "code":
                continue
            source = cell.source
            if "parameters" in cell.metadata.get("tags", ()):
                source += "".join(f"\n{name} = {value!r}" for name, value in given.items())
            with contextlib.redirect_stdout(io.StringIO()):  # the plain form of what is looked at below
                done = shell.run_cell(source)
            done.raise_error()
            for line in (*_look_at(done.result, table), *_look_at_drawings(drawing)):
                yield f"{path.stem}, cell {number}: {line}"


@contextlib.contextmanager
def _display_as_before() -> Iterator[None]:
    """Undo what notebooks set of how tables are printed: other tests run in this process."""
    import pandas as pd

    yield
    pd.reset_option("^display\\.")


def _look_at(shown: Any, describe: Table) -> Iterator[str]:
    import pandas as pd
    from matplotlib.axes import Axes

    if isinstance(shown, pd.DataFrame):
        text = shown.to_csv(index=not isinstance(shown.index, pd.RangeIndex))
        yield f"{len(shown)} rows"
        yield from describe(io.StringIO(text, newline=""))
    elif shown is not None and not isinstance(shown, Axes):
        yield from str(shown).splitlines()


def _look_at_drawings(describe: Drawing) -> Iterator[str]:
    from matplotlib import pyplot as plt

    from outcomes.release.svg import to_svg

    for number in plt.get_fignums():
        yield f"drawing: {describe(to_svg(plt.figure(number), 'kept'))}"
    plt.close("all")
