"""The mapping that belongs to an export: which column is what, and how this clinic system writes."""

from __future__ import annotations

from datetime import date

from outcomes.simulate.words import HEADERS, MISSING_MARKS

_PRIVACY = """[privacy]
dates_allowed = ["clinic", "research", "public"] # nobody is behind these dates
"""


def clean_mapping_toml(data_cut: date) -> str:
    """Text of ``mapping.toml`` for a clean export cut at `data_cut`."""
    return f"""# visits.csv has the headers, words and dates that are read without a mapping. The export is synthetic.

[dates]
data_cut = {data_cut.isoformat()}

{_PRIVACY}"""


def mapping_toml(data_cut: date) -> str:
    """Text of ``mapping.toml`` for a dirty export cut at `data_cut`."""
    columns = "\n".join(f'{field} = "{header}"' for field, header in HEADERS.items())
    marks = ", ".join(f'"{mark}"' for mark in ("", *MISSING_MARKS))
    return f"""# How the columns of visits.csv are to be read. The export is synthetic.

[file]
encoding = "utf-8"
delimiter = ","

[columns]
{columns}

[dates]
order = "dmy"
data_cut = {data_cut.isoformat()}
two_digit_year_pivot = 50

[values]
decimal_mark = "."
separators = [";"]
true = ["Y", "yes"]
false = ["N", "no"]
missing = [{marks}]

[pain]
scale = "0-10"

[non_data]
patient_id = ["Total"]

{_PRIVACY}"""
