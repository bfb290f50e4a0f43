"""Write docs/data_dictionary.md from the column contracts, so that the page cannot differ from the code."""

from __future__ import annotations

from pathlib import Path

from outcomes.cases.schema import EPISODE_COLUMNS, VISIT_COLUMNS, Column, shown_name
from outcomes.cases.uniqueness import UNIQUENESS_COLUMNS

_HEAD = """# Data dictionary

The columns of `visits` and `episodes` as `outcomes clean` writes them and as `.table` shows them, and those of
`uniqueness`, which it writes beside them. A column the export cannot fill is absent. Day columns end in `_date`, or in
`_day` where the export has day numbers instead of dates. Intervals are open on the left and closed on the right,
`(left_days, right_days]`. Made by `python tools/data_dictionary.py`.
"""

_UNIQUE = """
One row as the columns are (age bands of ten years, sex, clinic, start quarter; change: none) and one with each single
change. 90 and over is one age band. A missing value is a value of its own; several episodes of one patient make a class
no larger. `outcomes clean` says the same on the terminal.
"""


def table(title: str, columns: tuple[Column, ...]) -> str:
    """One Markdown table."""
    rows = [f"| `{shown_name(c, True)}` | {c.unit or '–'} | {c.meaning} |" for c in columns]
    return "\n".join([f"\n## {title}\n", "| column | unit | meaning |", "|---|---|---|", *rows, ""])


def page() -> str:
    """The whole page."""
    words = (
        "relief under the protocol's rule happened in `(left, right]`; right is missing where it was not seen, both "
        "where relief is not definable (only in `outcomes clean`)"
    )
    bounds = f"| `relief_left_days`, `relief_right_days` | days | {words} |\n"
    episodes = table("episodes", EPISODE_COLUMNS) + bounds
    return _HEAD + table("visits", VISIT_COLUMNS) + episodes + table("uniqueness", UNIQUENESS_COLUMNS) + _UNIQUE


if __name__ == "__main__":
    Path(__file__).parents[1].joinpath("docs", "data_dictionary.md").write_text(page(), encoding="utf-8")
