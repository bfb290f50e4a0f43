"""The benchmark job in pandas, with `groupby` and its built-in aggregations only, read by the pyarrow engine.

No Python function runs per group. What pandas has no aggregation for, the union of two sets, is done for the second,
third, ... record of a day at once: few days have more than one. `sort=False`, categories for the keys and one sort are
what the "Enhancing performance" and "Scaling" pages advise.

Records equal in every field need no step of their own: the union of their modalities and the highest pain of the day
are the same with or without them. `--distinct` adds the step.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

MODALITIES = Path(__file__).resolve().parent.parent / "src" / "outcomes" / "definitions" / "modalities.csv"
GAP_DAYS, BASELINE_DAYS, MIN_BASELINE, CONFIRM_DAYS = 90, 3, 3.0, 30
STREAMS = ["upper", "lower", "unspecified"]
STREAM_OF = {"cervical": 0, "thoracic": 1, "lumbar": 1, "pelvic": 1}
NEEDED = ["patient_id", "visit_date", "region", "pain_pre", "modalities"]
KEY = ["patient", "stream", "day"]


def clean_terms(terms: pd.Series) -> pd.Series:
    """Write terms as the codebook does: no dots, single blanks, lower case."""
    return terms.str.replace(".", "", regex=False).str.replace(r"\s+", " ", regex=True).str.strip().str.lower()


def read_terms() -> pd.Series:
    """Bit of the modality of every synonym, and of the id itself."""
    table = pd.read_csv(MODALITIES, usecols=["modality_id", "synonyms"])
    terms = (table["modality_id"] + "|" + table["synonyms"].fillna(table["modality_id"])).str.split("|").explode()
    bits = pd.Series([1 << place for place in table.index], dtype="int64").reindex(terms.index)
    bits.index = pd.Index(clean_terms(terms))
    return bits[~bits.index.duplicated()]


def map_cells(cells: pd.Series) -> pd.Series:
    """Bit mask of the modalities of each distinct cell, in the order given."""
    parts = cells.str.split(";").explode().rename("term").rename_axis("cell")
    bits = clean_terms(parts).map(read_terms()).dropna().astype("int64").rename("bit")
    # A sum of different bits is their union, once a bit counts once a cell.
    masks = bits.reset_index().drop_duplicates().groupby("cell", sort=False)["bit"].sum()
    return masks.reindex(range(len(cells)), fill_value=0)


def read_records(path: Path, distinct: bool) -> pd.DataFrame:
    """Records with a valid rating or none; keys as small integers, modalities as a bit mask."""
    records = pd.read_csv(
        path,
        engine="pyarrow",
        usecols=None if distinct else NEEDED,
        dtype={"patient_id": "str", "region": "str", "modalities": "str", "pain_pre": "float64"},
        parse_dates=["visit_date"],
        date_format="%Y-%m-%d",
    )
    records = records[records["pain_pre"].isna() | records["pain_pre"].between(0, 10)]
    if distinct:
        records = records.drop_duplicates()
    cell, cells = pd.factorize(records["modalities"])
    masks = map_cells(pd.Series(cells, dtype="str")).to_numpy()
    return pd.DataFrame(
        {
            "patient": records["patient_id"].astype("category"),
            "stream": records["region"].map(STREAM_OF).fillna(2).astype("int8"),
            "day": records["visit_date"],
            "pain": records["pain_pre"],
            "mask": pd.Series(masks, dtype="int64").reindex(cell, fill_value=0).to_numpy(),
        }
    )


def build_visits(records: pd.DataFrame) -> pd.DataFrame:
    """One row a patient, stream and day, sorted: highest pain of the day, union of the modalities."""
    grouped = records.groupby(KEY, sort=True, observed=True)
    visits = grouped.agg(pain=("pain", "max"), mask=("mask", "first"))
    place = grouped.cumcount()
    for number in range(1, int(place.max()) + 1):
        further = records[place == number].set_index(KEY)["mask"]
        visits.loc[further.index, "mask"] |= further
    return visits.reset_index()


def number_episodes(visits: pd.DataFrame) -> pd.DataFrame:
    """Add the number of the episode and its first day (rule A)."""
    gap = visits.groupby(["patient", "stream"], sort=False, observed=True)["day"].diff().dt.days
    visits["episode"] = (gap.isna() | (gap >= GAP_DAYS)).cumsum()
    visits["since"] = (visits["day"] - visits.groupby("episode", sort=False)["day"].transform("first")).dt.days
    return visits


def summarise(visits: pd.DataFrame) -> pd.DataFrame:
    """One row an episode: who, first day, number of visits, baseline, modalities of the first treatment."""
    visits["window_pain"] = visits["pain"].where(visits["since"] <= BASELINE_DAYS)
    # `first` skips missing values; a nullable integer keeps all 63 bits, which a float would not.
    visits["treated"] = visits["mask"].astype("Int64").mask(visits["mask"] == 0)
    return visits.groupby("episode", sort=False).agg(
        patient_id=("patient", "first"),
        stream=("stream", "first"),
        index_day=("day", "first"),
        n_visits=("day", "size"),
        baseline=("window_pain", "first"),
        modalities_first=("treated", "first"),
    )


def relief_bounds(visits: pd.DataFrame, baseline: pd.Series, rule: str) -> pd.DataFrame:
    """Bound the day of relief of each eligible episode from its measured visits, ``(left, right]``."""
    measured = visits.loc[visits["pain"].notna(), ["episode", "since", "pain"]]
    measured = measured.assign(baseline=measured["episode"].map(baseline))
    measured = measured[measured["baseline"] >= MIN_BASELINE]
    relieved = measured["pain"] * 2 <= measured["baseline"]
    if rule == "confirmed":
        followed = measured["episode"].shift(-1) == measured["episode"]
        soon = measured["since"].shift(-1) - measured["since"] <= CONFIRM_DAYS
        relieved &= ~(followed & soon & ~relieved.shift(-1, fill_value=False))
    measured["right_days"] = measured["since"].where(relieved)
    measured["left_days"] = measured["since"].shift().where(relieved)
    bounds = measured.groupby("episode", sort=False).agg(
        left_days=("left_days", "first"), right_days=("right_days", "first"), last=("since", "last")
    )
    bounds["left_days"] = bounds["left_days"].fillna(bounds["last"])
    return bounds[["left_days", "right_days"]]


def main() -> None:
    """Command line: ``clean_pandas.py EXPORT OUT``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rule", choices=["any", "confirmed"], default="confirmed")
    parser.add_argument("--distinct", action="store_true", help="drop exact duplicates as a step of its own")
    args = parser.parse_args()
    visits = number_episodes(build_visits(read_records(args.export, args.distinct)))
    episodes = summarise(visits)
    episodes = episodes.join(relief_bounds(visits, episodes["baseline"], args.rule))
    episodes["stream"] = pd.Categorical.from_codes(episodes["stream"].to_numpy(dtype=int), categories=pd.Index(STREAMS))
    episodes.to_parquet(args.out, index=False)


if __name__ == "__main__":
    main()
