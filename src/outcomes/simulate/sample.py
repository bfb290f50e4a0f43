"""Make ``data/sample/``: ``python -m outcomes.simulate.sample --out data/sample``.

Three clinics, twelve quarters, one seed: the export every example and the demonstration report are made of. A test
makes it anew and compares bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from outcomes.simulate import Simulated, simulate, write_export

SAMPLE_PATIENTS, SAMPLE_SEED, SAMPLE_CLINICS, SAMPLE_QUARTERS = 3410, 20260930, 3, 12
SAMPLE_FILES = ("README.md", "mapping.toml", "protocol.toml", "truth.csv", "truth.json", "visits.csv")

_PROTOCOL = """\
# Settings for the sample. Whatever is not named here keeps its default.

[episode]
gap_days = 90        # days without a visit after which a visit opens a new episode
washout_days = 90    # episodes that start this soon after a clinic's first day may have begun before it

[relief]
pct_reduction = 50   # relief: at most this many percent below the first rating
"""

_README = """\
# Sample export: synthetic, no real person

`visits.csv` looks like the visit export of a chain of three chiropractic clinics, 1 October 2023 to 30 September
2026 ({records} rows). **Every patient in it is invented.** It was drawn by a random generator; ids and dates belong
to nobody. Made by

    python -m outcomes.simulate.sample --out data/sample

which gives the same bytes every time (seed {seed}, {patients} patients; a test compares them). Do not mend the files
by hand.

| file | what it is |
|---|---|
| `visits.csv` | the export, as a clinic system writes it: own headers, day/month/year, several habits of spelling |
| `mapping.toml` | which column is which |
| `protocol.toml` | settings; all others keep their default |
| `truth.csv` | what the generator knows: one row an episode ({episodes}), of which the records show only a part |
| `truth.json` | the planted effects with their values, and what each column of `truth.csv` means |

## What is planted

- Clinic {shift_clinic}, from {shift_from}: recovery is faster, worth about {points:g} points more relief by day 28.
  A real change.
- Clinic {mandatory_clinic}, from {mandatory_from}: the pain field became mandatory and is filled almost always. Not a
  change in patients.
- The last quarter is immature: its episodes have not been watched long enough.
- Treating the muscle group truly in spasm first shortens the course (log tau {concordant}); ultrasound and electrical
  stimulation do nothing, but go to patients in more pain. Active exercise before the landmark lowers the hazard of
  return (x {active}); it is given once pain is low, so "ever had exercise" misleads.
- Patients stop coming when better, and ratings carry an error of about one point.

None of these numbers is a finding about treatment.

## What is wrong with it, on purpose

| fault | rows or lines |
|---|---|
{dirt}
| totals and "Printed" lines at the end | 2 |

Missed and cancelled appointments are rows too; a purpose may name several things at once.
"""

_DIRT_WORDS = {
    "duplicate_rows": "rows doubled",
    "re_exported": "rows of a block exported twice, under its own header",
    "split_visits": "second records of the same day without a rating",
    "shared_ids": "patients who share the id of a patient of another clinic",
    "swapped_dates": "day and month swapped",
    "short_years": "years of two digits",
    "after_cut": "dates after the data cut",
    "pain_out_of_range": "pain 11, 15 or -1",
    "pain_vas": "pain on a 0-100 scale",
    "pain_fraction": 'pain as "6/10"',
    "pain_range": 'pain as "6-7"',
    "pain_arrow": 'pain as "8->5"',
    "pain_word": 'pain as "n/a", "-", "not asked"',
    "retired_code": "retired code M54.5",
    "both_stimulation_codes": "97014 and G0283 on one visit",
    "modalities_unknown": "treatments nobody knows",
    "modalities_spoilt": "treatment cells with odd blanks, quotes or separators",
    "muscles_identified_spoilt": "cells of muscles found, likewise",
    "muscles_treated_spoilt": "cells of muscles treated, likewise",
    "ragged_rows": "rows with a cell too many or three too few",
    "nul_rows": "rows with a NUL byte",
    "open_quotes": "rows with a quote that never closes",
    "blank_lines": "blank lines",
    "headers_again": "headers repeated further down",
}


def write_sample(out: str | Path) -> tuple[Path, ...]:
    """Write the sample folder; returns its files in alphabetical order."""
    folder = Path(out)
    simulated = simulate(SAMPLE_PATIENTS, SAMPLE_SEED, "chiro", clinics=SAMPLE_CLINICS, quarters=SAMPLE_QUARTERS)
    write_export(simulated, folder)
    for name, text in (("protocol.toml", _PROTOCOL), ("README.md", _readme(simulated))):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return tuple(folder / name for name in SAMPLE_FILES)


def _readme(simulated: Simulated) -> str:
    planted, dirt = simulated.planted, simulated.dirt
    return _README.format(
        records=simulated.n_records,
        seed=SAMPLE_SEED,
        patients=SAMPLE_PATIENTS,
        episodes=len(simulated.truth["start"]),
        shift_clinic=planted["shift"]["clinic_id"],
        shift_from=planted["shift"]["from"],
        points=planted["shift"]["relief_by_28_days_points"],
        mandatory_clinic=planted["pain_made_mandatory"]["clinic_id"],
        mandatory_from=planted["pain_made_mandatory"]["from"],
        concordant=planted["log_tau"]["concordant_first_treatment"],
        active=planted["hazard_of_return"]["active"],
        dirt="\n".join(f"| {words} | {dirt[name]} |" for name, words in _DIRT_WORDS.items()),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a command; prints the files it wrote."""
    parser = argparse.ArgumentParser(
        prog="python -m outcomes.simulate.sample", description="Write the synthetic sample."
    )
    parser.add_argument("--out", default="data/sample", help="folder to write to (default: data/sample)")
    for path in write_sample(parser.parse_args(arguments).out):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
