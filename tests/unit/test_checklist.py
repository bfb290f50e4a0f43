"""The reporting checklist of a release: every pointer leads somewhere, and what is open says so."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import release_fakes as fakes

from outcomes.errors import NotEstimable
from outcomes.questions.reporting_items import ABSENT, RECORD, STROBE, TARGET
from outcomes.release import publish
from outcomes.release.checklist import ANSWERED, IN_PART, OPEN, Contents, count_items, fill_checklist
from outcomes.release.inputs import QUESTIONS, ReportInputs
from outcomes.release.publish import publish_answers

EPISODES = SimpleNamespace(has_calendar=True, protocol=SimpleNamespace(horizons_days=SimpleNamespace(primary=28)))
RELIEF = pd.DataFrame({"group": ["all"], "horizon_days": [28], "estimate": [0.5], "events": [20]})


@pytest.fixture(scope="module")
def release(tmp_path_factory, drawn_page, hidden_fakes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "build_page", lambda *_, **__: drawn_page)
        patch.setattr(publish, "render_pdf", lambda page: b"%PDF")
        patch.setattr(publish, "render_png", lambda svg: b"PNG")
        return publish_answers(hidden_fakes, tmp_path_factory.mktemp("out"), notebooks=False).parent


def read(folder):
    with (folder / "tables" / "checklist.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def follow(folder, pointer):
    """Whether a pointer leads somewhere: a file, a place of the page, or a cell; read from the release alone."""
    path, _, inside = pointer.partition("#")
    if not (folder / path).is_file():
        return False
    if not inside:
        return True
    if path.endswith(".html"):
        return f'id="{inside}"' in (folder / path).read_text("utf-8")
    row, _, column = inside.rpartition("/")
    table = pd.read_csv(folder / path, dtype=str)
    wanted = [table[key] == value for key, value in (part.split("=") for part in row.split("&"))]
    return column in table and bool(pd.concat(wanted, axis=1).all(axis=1).any())


def test_every_item_of_the_three_lists_is_there_once(release):
    rows = read(release)
    expected = [
        (name, item)
        for name, items in (("TARGET", TARGET), ("STROBE", STROBE), ("RECORD", RECORD))
        for item, *_ in items
    ]
    assert [(row["list"], row["item"]) for row in rows] == expected


def test_every_pointer_leads_somewhere_in_the_release(release):
    pointers = {pointer for row in read(release) for pointer in row["where"].split(" ; ") if pointer}
    assert len(pointers) > 15
    assert any("#horizon_days=28/" in pointer for pointer in pointers) and "index.html#relief" in " ".join(pointers)
    assert [pointer for pointer in sorted(pointers) if not follow(release, pointer)] == []


def test_a_pointer_that_leads_nowhere_is_found(release):
    for pointer in ("tables/none.csv", "index.html#nowhere", "tables/relief.csv#horizon_days=29/estimate"):
        assert not follow(release, pointer)


def test_what_is_open_says_what_to_add_and_what_is_answered_says_where(release):
    for row in read(release):
        assert (row["status"] == OPEN) == (row["where"] == "")
        assert (row["status"] == ANSWERED) == (row["lacking"] == "")
    found = {(row["list"], row["item"]): row for row in read(release)}
    for item in (("TARGET", "17"), ("TARGET", "21"), ("STROBE", "22"), ("RECORD", "12.3")):
        assert found[item]["status"] == OPEN and found[item]["lacking"]
    assert found["RECORD", "13.1"]["status"] == ANSWERED and "tables/ledger.csv" in found["RECORD", "13.1"]["where"]
    assert found["TARGET", "5"]["status"] == IN_PART and found["TARGET", "5"]["lacking"] == "purpose and places"
    assert ABSENT not in str(found)


def test_the_manifest_links_and_counts_it(release):
    manifest = json.loads((release / "manifest.json").read_text("utf-8"))
    counts = manifest["checklist"]
    assert counts["file"] in manifest["outputs"]
    rows = read(release)
    assert counts["answered"] + counts["in_part"] + counts["not_answered"] == len(rows)
    assert counts["answered"] == sum(row["status"] == ANSWERED for row in rows) > 20
    assert 'href="tables/checklist.csv"' in (release / "index.html").read_text("utf-8")


def test_a_refused_comparison_answers_no_item_and_gives_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "render_pdf", lambda page: b"%PDF")
    refused = {name: NotEstimable(f"No {name}: nothing is recorded.") for name in QUESTIONS}
    page = publish_answers(
        ReportInputs(fakes.visits(), fakes.episodes(), **refused, records=fakes.records()), tmp_path, False
    )
    found = {(row["list"], row["item"]): row for row in read(page.parent)}
    main = found["TARGET", "12"]
    assert main["status"] == OPEN and main["lacking"] == "No one_family: nothing is recorded."
    assert [p for row in found.values() for p in row["where"].split(" ; ") if p and not follow(page.parent, p)] == []
    assert sum(row["status"] == ANSWERED for row in found.values()) < 20


def test_places_are_read_from_words_by_hand():
    """With nothing but a ledger and a table of relief in the release."""
    contents = Contents({"tables/ledger.csv", "tables/relief.csv"}, (), {"relief": RELIEF})
    found = fill_checklist(EPISODES, contents, ["no treatments are recorded"]).set_index(["list", "item"])
    assert found.loc[("RECORD", "12.2"), ["status", "where"]].tolist() == [ANSWERED, "tables/ledger.csv"]
    assert found.loc[("STROBE", "15"), "where"] == "tables/relief.csv#horizon_days=28/events"
    assert found.loc[("STROBE", "15"), "lacking"] == "no treatments are recorded"
    assert found.loc[("TARGET", "13"), "status"] == OPEN
    assert count_items(found.reset_index())["file"] == "tables/checklist.csv"


def test_a_ledger_that_ends_with_visits_answers_who_was_eligible_in_part():
    """The washout, a missing first rating and too little pain leave episodes out, and its last step comes before."""
    empty = Contents({"tables/ledger.csv", "tables/set_aside.csv"}, (), {"set_aside": pd.DataFrame({"code": []})})
    found = fill_checklist(EPISODES, empty).set_index(["list", "item"])
    for item in (("TARGET", "7a"), ("TARGET", "8"), ("STROBE", "13")):
        assert found.loc[item, "status"] == IN_PART and "washout" in found.loc[item, "lacking"], item
        assert found.loc[item, "where"] == "tables/ledger.csv"


def test_a_title_that_names_no_design_answers_in_part():
    """A page is called "Clinic report" and its quarter; that it is a cohort of records stands in neither."""
    found = fill_checklist(EPISODES, Contents({"config/protocol.toml"}, ("main",), {})).set_index(["list", "item"])
    assert found.loc[("STROBE", "1"), "status"] == IN_PART
    assert found.loc[("STROBE", "1"), "lacking"] == "name the design in the title"


def test_without_a_calendar_the_period_is_open():
    without = SimpleNamespace(has_calendar=False, protocol=EPISODES.protocol)
    found = fill_checklist(without, Contents({"tables/ledger.csv"}, (), {})).set_index(["list", "item"])
    assert "no calendar" in found.loc[("RECORD", "1.2"), "lacking"]


def test_a_cell_of_a_table_that_nobody_counted_is_no_place():
    pointer = "tables/relief.csv#horizon_days=28/events"
    files = {"tables/relief.csv"}
    assert Contents(files, (), {"relief": RELIEF}).has(pointer)
    assert not Contents(files, (), {}).has(pointer)
    assert not Contents(files, (), {"relief": RELIEF.drop(columns="events")}).has(pointer)


def test_a_table_of_refusals_answers_no_item():
    """Of no family an estimate: neither the outcome in each arm nor an interval stands there."""
    nothing = pd.DataFrame({"contrast": ["thermal"], "estimate": [float("nan")], "reason": ["too few"]})
    files = {"tables/one_family.csv", "tables/all_families.csv", "config/protocol.toml"}
    tables = {"one_family": nothing, "all_families": nothing.assign(estimate=0.02)}
    found = fill_checklist(EPISODES, Contents(files, (), tables)).set_index(["list", "item"])
    assert found.loc[("TARGET", "13"), ["status", "where"]].tolist() == [ANSWERED, "tables/all_families.csv"]
    tables["all_families"] = nothing.assign(estimate="hidden")
    found = fill_checklist(EPISODES, Contents(files, (), tables), ["no exercise"]).set_index(["list", "item"])
    for item in (("TARGET", "12"), ("TARGET", "13"), ("STROBE", "17")):
        assert found.loc[item, "status"] == OPEN
        assert found.loc[item, "lacking"] == "no comparison could be estimated: its table says why"
    assert found.loc[("TARGET", "7h"), "status"] == IN_PART
    assert found.loc[("TARGET", "1c"), "status"] == IN_PART  # settings are there, what was found is not


@pytest.mark.parametrize(("reach", "status"), [([float("nan"), 0.1], ANSWERED), ([float("nan")] * 2, IN_PART)])
def test_how_the_size_came_about_needs_a_smallest_difference(reach, status):
    files = {"tables/one_family.csv", "tables/one_family_diagnostics.csv"}
    main = pd.DataFrame({"contrast": ["thermal"], "estimate": [float("nan")]})
    sizes = pd.DataFrame({"contrast": ["thermal", "exercise"], "detectable_high": reach, "n_with": [4, 40]})
    contents = Contents(files, (), {"one_family": main, "one_family_diagnostics": sizes})
    found = fill_checklist(EPISODES, contents).set_index(["list", "item"]).loc[("STROBE", "10")]
    assert found[["status", "where"]].tolist() == [status, "tables/one_family_diagnostics.csv"]
    assert found["lacking"] == ("" if status == ANSWERED else "no comparison could be estimated: its table says why")


def test_a_hidden_or_empty_cell_is_no_place():
    for cell in ("hidden", "", float("nan"), None):
        relief = RELIEF.assign(events=pd.Series([cell], dtype=object))
        assert not Contents({"tables/relief.csv"}, (), {"relief": relief}).has(
            "tables/relief.csv#horizon_days=28/events"
        )


def test_the_lists_of_codes_are_named_by_a_hash_only():
    contents = Contents({"manifest.json", "config/protocol.toml", "config/mapping.toml"}, (), {})
    found = fill_checklist(EPISODES, contents).set_index(["list", "item"])
    for item in (("RECORD", "6.1"), ("RECORD", "7.1")):
        assert found.loc[item, "status"] == IN_PART and "named by its hash" in found.loc[item, "lacking"]
