"""Tables that no question makes: how episodes end, bands of visits, unknown words, the run; each at its edges."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from outcomes.definitions import Protocol
from outcomes.errors import InputRefused, NotEstimable
from outcomes.ledger import Ledger, Step
from outcomes.release import tables
from outcomes.release.marks import HIDDEN
from outcomes.release.sentences import FORMATS, MINUS, NBSP

FLOOR = 5
ENDS = (
    "silent_stop",
    "discharged",
    "open_at_data_cut",
    "stopped_unrated",
    "stopped_relieved",
    "follow_up_unknown",
    "x",
)


def ended(*reasons):
    codes = np.array([ENDS.index(one) if one else -1 for one in reasons], dtype=np.int64)
    return SimpleNamespace(labels={"end_reason": pa.array(ENDS)}, columns={"end_reason": codes})


def test_ends_are_counted_in_the_order_of_the_house_with_those_it_has_no_word_for_last():
    found = tables.count_ends(ended("silent_stop", "x", "discharged", "discharged", None))
    assert found["end_reason"].tolist() == [*(name for name in tables.END_WORDS if name in ENDS), "x"]
    kept = found[found["events"] > 0]
    assert kept[["end_reason", "events", "estimate"]].to_numpy().tolist() == [
        ["discharged", 2, 0.4], ["silent_stop", 1, 0.2], ["x", 1, 0.2],
    ]  # fmt: skip
    assert set(found["n"]) == {5} and kept["label"].tolist()[-1] == "x"
    assert tables.count_ends(ended())["estimate"].isna().all()


@pytest.mark.parametrize(
    ("reasons", "why"),
    [
        (["discharged"] * 2 + ["open_at_data_cut"] * 2, ""),
        (["discharged"] * 2 + ["open_at_data_cut"] * 3, tables.TOO_EARLY),
        (["discharged"] * 9 + ["follow_up_unknown"], tables.FOLLOW_UP_UNKNOWN),
        ([], ""),
    ],
)
def test_how_episodes_end_cannot_be_told_where_more_than_half_are_open(reasons, why):
    assert tables.say_why_no_ends(ended(*reasons)) == why


@pytest.mark.parametrize(
    ("reasons", "never"),
    [(["stopped_unrated"], True), (["stopped_unrated", "silent_stop"], False), (["discharged"], False),
     (["stopped_unrated", "stopped_relieved"], False), (["silent_stop"], False)],
)  # fmt: skip
def test_pain_of_those_who_stopped_was_never_rated(reasons, never):
    assert tables.is_pain_never_rated(ended(*reasons)) == never


def test_bands_of_visits_hold_each_number_once():
    n_visits = np.array([1, 2, 3, 4, 6, 7, 12, 13, 400])
    found = tables.count_visit_bands(SimpleNamespace(columns={"n_visits": n_visits}))
    assert found["events"].tolist() == [1, 2, 2, 2, 2] and set(found["n"]) == {9}
    assert found["estimate"].tolist() == [1 / 9, *[2 / 9] * 4]
    assert found["visits"].tolist() == ["1", "2 to 3", "4 to 6", "7 to 12", "13 and more"]
    empty = tables.count_visit_bands(SimpleNamespace(columns={"n_visits": n_visits[:0]}))
    assert all(math.isnan(share) for share in empty["estimate"])


@pytest.mark.parametrize(("n", "more"), [(30, ""), (31, " and 1 more"), (32, " and 2 more"), (0, None)])
def test_of_many_columns_that_were_not_read_thirty_are_named(n, more):
    file = SimpleNamespace(unread_columns=[" ", *(f"c{i}" for i in range(n))], place="visits.csv")
    visits = SimpleNamespace(has_calendar=False, notes=("one file: 3 rows", "a note without an end", "Ended?"))
    notes = tables.list_data_notes(SimpleNamespace(visits=visits, records=SimpleNamespace(files=[file])))
    said = [note for note in notes if note.startswith("Columns")]
    listed = ", ".join(f"c{i}" for i in range(min(n, 30)))
    assert said == ([] if more is None else [f"Columns of the export that were not read: {listed}{more} (visits.csv)."])
    assert notes[-2:] == ("A note without an end.", "Ended?")
    calendar = SimpleNamespace(has_calendar=True, notes=())
    assert len(tables.list_data_notes(SimpleNamespace(visits=calendar, records=None))) == 1


@pytest.mark.parametrize(("text", "kept"), [("a" * 60, "a" * 60), ("a" * 61, "a" * 59 + "…")])
def test_a_word_of_the_export_is_cut(text, kept):
    assert tables.cut_text(text) == kept


@pytest.mark.parametrize(
    ("note", "said"),
    [("visits.csv: 3 rows", "visits.csv: 3 rows."), ("pain_pre is empty", "pain_pre is empty."), ("a b", "A b."),
     ("region: none", "region: none."), ("done!", "Done!"), ("see a.b", "See a.b.")],
)  # fmt: skip
def test_a_note_is_a_sentence_and_names_keep_their_letters(note, said):
    assert tables._as_sentence(note) == said


def test_unknown_terms_of_few_patients_are_counted_and_not_spelt_out():
    terms = [("region", "lumbar", 9, 5), ("region", "rare", 7, 4), ("cause", "fall", 9, 6), ("region", "rarer", 2, 1),
             ("region", "x" * 200, 30, 20)]  # fmt: skip
    found = tables.list_unknown_terms(SimpleNamespace(unknown_terms=terms), FLOOR)
    assert found.to_numpy().tolist() == [
        ["cause", "fall", 1, 9],
        ["region", "lumbar", 1, 9],
        ["region", "(of <5 patients each)", 2, 9],
        ["region", "(too long for a term, or like an identifier)", 1, 30],
    ]


def test_rows_set_aside_are_counted_by_rule_most_first_with_the_remedy_of_the_reader():
    quarantine = pa.table({"code": ["E141", "E204", "E204"], "rule": ["too many cells", "pain", "pain"],
                           "remedy": ["line 3", "Mend it.", "Mend that."]})  # fmt: skip
    steps = [
        Step("read", "rows", 20, 15, set_aside={"E141": 2, "E204 pain": 1, "odd": 2}, source="a.csv"),
        Step("read", "rows", 9, 6, set_aside={"too many cells": 1, "E204": 2}, source="b.csv"),
    ]
    episodes = SimpleNamespace(visits=SimpleNamespace(quarantine=quarantine), ledger=SimpleNamespace(steps=steps))
    assert tables.count_set_aside(episodes).to_numpy().tolist() == [
        ["E141", "too many cells", tables.READING_REMEDIES["E141"], 3],
        ["E204", "pain", "Mend it.", 3],
        ["", "odd", "", 2],
    ]


@pytest.mark.parametrize(("n", "shown"), [(0, 0), (1, "<5"), (4, "<5"), (5, 5)])
def test_few_patients_and_episodes_of_a_run_are_no_numbers(n, shown):
    step = Step("read", "rows", n + 3, n, set_aside={"E204": 2}, not_data={"blank": 1}, source="a.csv › Sheet")
    ledger = Ledger().with_step(step)
    visits = SimpleNamespace(labels={"clinic": pa.array(["C1", "C2"])}, columns={"patient": np.arange(n)})
    columns = {"n_visits": np.ones(n), "is_inception": np.ones(n, dtype=bool)}
    episodes = SimpleNamespace(ledger=ledger, columns=columns, protocol=Protocol())
    run = tables._count_run(SimpleNamespace(visits=visits, episodes=episodes), FLOOR)
    said = dict(zip(run["fact"], run["value"], strict=True))
    assert [said[name] for name in ("visits", "patients", "episodes", "inception_episodes")] == [shown] * 4
    assert (said["files"], said["clinics"], said["rows_in"], said["set_aside"]) == (1, 2, n + 3, 2)
    assert said["interval_percent"] == 95
    assert tables._count_run(
        SimpleNamespace(visits=SimpleNamespace(labels={}, columns=visits.columns), episodes=episodes), FLOOR
    ).set_index("fact").loc["clinics", "value"] == 0  # fmt: skip


@pytest.mark.parametrize(("n", "is_hidden"), [(0, False), (1, True), (4, True), (5, False)])
def test_an_account_with_few_episodes_hides_all_numbers_of_people(n, is_hidden):
    ledger = Ledger().with_step(
        Step("read", "rows", 3, 3, source="a.csv"), Step("episodes", "episodes", 20 + n, 20, set_aside={"too young": n})
    )
    found = tables.list_ledger(ledger, FLOOR)
    of_people = found["unit"] == "episodes"
    assert (found.loc[of_people, "n"] == HIDDEN).all() == is_hidden
    assert 3 in found.loc[~of_people, "n"].tolist()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (float("nan"), ""), (True, "true"), (False, "false"), (3, "3"), (0.1, "0.1"), ("=1", "'=1")],
)  # fmt: skip
def test_a_cell_is_written_as_it_is_or_made_safe(value, text):
    assert tables.to_csv(pd.DataFrame({"c": pd.Series([value], dtype=object), "d": ["x"]})) == f"c,d\n{text},x\n"


def test_a_part_of_an_answer_is_a_table_and_a_part_it_has_not_is_refused():
    answer = SimpleNamespace(more={"kept": pd.DataFrame({"a": [1]})}, settings={"day": 28, "of": ("x",), "rule": "r"})
    assert tables.part(answer, "kept")["a"].tolist() == [1]
    assert tables.part(answer, "settings").to_numpy().tolist() == [["day", 28], ["rule", "r"]]
    assert tables.part(NotEstimable("Too few."), "kept").columns.tolist() == ["not estimable"]
    with pytest.raises(InputRefused, match="E660"):
        tables.part(answer, "no such")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        *(("count", 25013.0, "25,013"), ("percent", 0.605, f"61{NBSP}%"), ("percent", 0.604, f"60{NBSP}%")),
        *(("percent", 0.0, f"0{NBSP}%"), ("percent", 0.004, f"<1{NBSP}%"), ("percent", 0.005, f"1{NBSP}%")),
        *(("percent", 1e-9, f"0{NBSP}%"), ("percent", 2e-9, f"<1{NBSP}%"), ("points", 0.995, ">99")),
        *(("points", 0.9949, "99"), ("points", 1 - 2e-9, ">99"), ("points", 1 - 1e-10, "100"), ("points", 1.0, "100")),
        *(("signed", -0.045, f"{MINUS}5"), ("signed", 0.005, "+1"), ("signed", 0.0049, "0"), ("signed", -0.0049, "0")),
        *(("signed", 0.5, "+50"), ("percent", 0.5, f"50{NBSP}%"), ("percent", 1.0, f"100{NBSP}%")),
        *(("p", 0.001, "= 0.001"), ("p", 0.00099, "< 0.001"), ("plain", 99.5, "99.5")),
    ],
)
def test_a_number_is_written_as_a_reader_would_round_it(kind, value, text):
    from outcomes.release import sentences

    write = FORMATS.get(kind) or {"signed": sentences.format_signed_points, "p": sentences.format_p}[kind]
    assert write(value) == text
