"""The benchmark job in DuckDB SQL.

The records are loaded into a table, then one query does the rest. Patients become integers and streams an enumeration:
wide text keys cost a tenth more. Insertion order is given up, as the performance guide advises. Other ways that were
measured (more tables, `IGNORE NULLS` windows instead of the join) were not faster.

Records equal in every field need no step of their own: the union of their modalities and the highest pain of the day
are the same with or without them. `--distinct` adds the step.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import duckdb

MODALITIES = Path(__file__).resolve().parent.parent / "src" / "outcomes" / "definitions" / "modalities.csv"

PREPARE = r"""
CREATE MACRO clean_term(t) AS lower(trim(regexp_replace(replace(t, '.', ''), '\s+', ' ', 'g')));
CREATE TYPE stream AS ENUM ('upper', 'lower', 'unspecified');
CREATE TEMP TABLE terms AS
    SELECT clean_term(term) AS term, min(bit) AS bit
    FROM (
        SELECT unnest(string_split(concat_ws('|', modality_id, synonyms), '|')) AS term,
               1::UBIGINT << (row_number() OVER () - 1)::INTEGER AS bit
        FROM read_csv('{modalities}', header = true, all_varchar = true)
    )
    GROUP BY ALL;
"""

LOAD = """
SET preserve_insertion_order = false;
CREATE TEMP TABLE records AS
    SELECT {columns}
    FROM read_csv('{export}', header = true, auto_detect = false, delim = ',', quote = '"', columns = {{
        'patient_id': 'VARCHAR', 'visit_date': 'DATE', 'clinic_id': 'VARCHAR', 'clinician_id': 'VARCHAR',
        'visit_purpose': 'VARCHAR', 'region': 'VARCHAR', 'pain_pre': 'DOUBLE', 'modalities': 'VARCHAR'}})
    WHERE pain_pre IS NULL OR pain_pre BETWEEN 0 AND 10;
CREATE TEMP TABLE patients AS SELECT DISTINCT patient_id FROM records;
"""

ALL_ROWS = "SELECT * FROM records"
DISTINCT_ROWS = "SELECT DISTINCT * FROM records"

QUERY = """
WITH cells AS (
    SELECT modalities, bit_or(bit) AS mask
    FROM (
        SELECT modalities, clean_term(unnest(string_split(modalities, ';'))) AS term
        FROM (SELECT DISTINCT modalities FROM records WHERE modalities IS NOT NULL)
    )
    JOIN terms USING (term)
    GROUP BY modalities
),
visits AS (
    SELECT patients.rowid AS patient,
           (CASE WHEN region = 'cervical' THEN 'upper'
                 WHEN region IN ('thoracic', 'lumbar', 'pelvic') THEN 'lower'
                 ELSE 'unspecified' END)::stream AS stream,
           visit_date AS day, max(pain_pre) AS pain, bit_or(mask) AS mask
    FROM ({rows}) JOIN patients USING (patient_id) LEFT JOIN cells USING (modalities)
    GROUP BY ALL
),
gaps AS (
    SELECT *, day - lag(day) OVER (PARTITION BY patient, stream ORDER BY day) AS gap
    FROM visits
),
numbered AS (
    SELECT *, count(*) FILTER (gap >= 90) OVER (PARTITION BY patient, stream ORDER BY day) AS episode
    FROM gaps
),
episodes AS (
    SELECT patient, stream, episode, min(day) AS index_day, count(*) AS n_visits,
           CASE WHEN min(day) FILTER (pain IS NOT NULL) - min(day) <= 3 THEN arg_min(pain, day) END AS baseline,
           arg_min(mask, day) FILTER (mask > 0) AS modalities_first
    FROM numbered
    GROUP BY patient, stream, episode
),
measured AS (
    SELECT patient, stream, episode, day - index_day AS since, pain * 2 <= baseline AS met,
           lag(since) OVER w AS before, lead(since) OVER w AS next_since, lead(met) OVER w AS next_met
    FROM numbered JOIN episodes USING (patient, stream, episode)
    WHERE pain IS NOT NULL AND baseline >= 3
    WINDOW w AS (PARTITION BY patient, stream, episode ORDER BY day)
),
relief AS (
    SELECT patient, stream, episode, min(since) FILTER (relieved) AS right_days,
           coalesce(arg_min(before, since) FILTER (relieved), max(since)) AS left_days
    FROM (SELECT *, {relieved} AS relieved FROM measured)
    GROUP BY patient, stream, episode
)
SELECT patient_id, stream, index_day, n_visits, baseline, modalities_first, left_days, right_days
FROM episodes
LEFT JOIN relief USING (patient, stream, episode)
JOIN patients ON episodes.patient = patients.rowid
"""

RELIEVED = {
    "any": "met",
    "confirmed": "met AND NOT coalesce(next_since - since <= 30 AND NOT next_met, false)",
}


def main() -> None:
    """Command line: ``clean_duckdb.py EXPORT OUT``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rule", choices=RELIEVED, default="confirmed")
    parser.add_argument("--distinct", action="store_true", help="drop exact duplicates as a step of its own")
    args = parser.parse_args()
    columns = "*" if args.distinct else "patient_id, visit_date, region, pain_pre, modalities"
    query = QUERY.format(rows=DISTINCT_ROWS if args.distinct else ALL_ROWS, relieved=RELIEVED[args.rule])
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {len(os.sched_getaffinity(0))}")
        connection.execute(PREPARE.format(modalities=MODALITIES))
        connection.execute(LOAD.format(export=args.export, columns=columns))
        connection.execute(f"COPY ({query}) TO '{args.out}' (FORMAT parquet)")


if __name__ == "__main__":
    main()
