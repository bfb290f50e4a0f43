"""Answers handed from a report to its notebooks: the same to the last bit, and only for the same question."""

from __future__ import annotations

import dataclasses
import json
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

import outcomes as oc
from outcomes.cases import build_episodes, build_visits, select_clinic
from outcomes.definitions import Protocol
from outcomes.errors import NotEstimable
from outcomes.release import inputs as page_inputs
from outcomes.release import shared_answers
from outcomes.release.inputs import answer
from outcomes.simulate import simulate
from tables import records_of


@pytest.fixture(scope="module")
def visits():
    cells = simulate(200, seed=5, clean=True, clinics=2).records
    written = {name: [str(cell) for cell in column] for name, column in cells.items()}
    return build_visits(records_of(written), Protocol())


@pytest.fixture(scope="module")
def episodes(visits):
    return build_episodes(visits)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(shared_answers.FOLDER, str(tmp_path))
    return tmp_path


def assert_same(one, other):
    assert type(one) is type(other)
    for item in dataclasses.fields(one):
        a, b = getattr(one, item.name), getattr(other, item.name)
        pairs = [(a[key], b[key]) for key in b] if item.name == "more" else [(a, b)]
        for x, y in pairs:
            if isinstance(y, pd.DataFrame):
                pd.testing.assert_frame_equal(x, y, check_exact=True)
            else:
                assert str(x) == str(y), item.name


def test_an_answer_comes_back_to_the_last_bit(episodes, folder):
    found = answer(oc.describe_modality_use, episodes)
    shared_answers.keep(folder, episodes, [(oc.describe_modality_use, {}, found)])
    assert_same(answer(oc.describe_modality_use, episodes), found)


def test_episodes_are_looked_at_once_and_cannot_be_changed_in_place_from_then_on(visits, folder, monkeypatch):
    looked = []
    made = shared_answers._fingerprint
    monkeypatch.setattr(shared_answers, "_fingerprint", lambda episodes: looked.append(1) or made(episodes))
    one = build_episodes(dataclasses.replace(visits, columns={k: v.copy() for k, v in visits.columns.items()}))
    for _ in range(3):
        assert shared_answers.recall(oc.describe_modality_use, one) is None
    assert len(looked) == 1
    with pytest.raises(ValueError, match="read-only"):
        one.visits.columns["pain_pre"][0] = 0
    columns = {**one.visits.columns, "pain_pre": one.visits.columns["pain_pre"] + 1}
    other = dataclasses.replace(one, visits=dataclasses.replace(one.visits, columns=columns))
    assert shared_answers._remember(other) != shared_answers._remember(one)
    assert len(looked) == 3
    # "pain_prf" stands where "pain_pre" stood among the names in their order: nothing but the name differs.
    renamed = {("pain_prf" if name == "pain_pre" else name): own for name, own in one.visits.columns.items()}
    assert [name.replace("pain_prf", "pain_pre") for name in sorted(renamed)] == sorted(one.visits.columns)
    called = dataclasses.replace(one, visits=dataclasses.replace(one.visits, columns=renamed))
    assert shared_answers._remember(called) != shared_answers._remember(one)


def test_a_question_that_was_answered_is_not_put_again(episodes, folder, monkeypatch):
    found = answer(oc.describe_modality_use, episodes)
    shared_answers.keep(folder, episodes, [(oc.describe_modality_use, {}, found)])
    monkeypatch.setattr("outcomes.release.inputs.protect_result", lambda *_: pytest.fail("it was put again"))
    answer(oc.describe_modality_use, episodes)


def test_other_options_other_episodes_and_no_folder_find_nothing(episodes, visits, folder, monkeypatch):
    found = answer(oc.compare_units, episodes, outcome="silent_stop")
    shared_answers.keep(folder, episodes, [(oc.compare_units, {"outcome": "silent_stop"}, found)])
    recall = shared_answers.recall
    assert recall(oc.compare_units, episodes, outcome="silent_stop") is not None
    assert recall(oc.compare_units, episodes, outcome="silent_stop", by="clinic") is not None  # its default
    assert recall(oc.compare_units, episodes) is None
    one = build_episodes(select_clinic(visits, visits.labels["clinic"][0].as_py()))
    assert recall(oc.compare_units, one, outcome="silent_stop") is None
    other = build_episodes(dataclasses.replace(visits, protocol=Protocol.from_mapping({"episode": {"gap_days": 60}})))
    assert recall(oc.compare_units, other, outcome="silent_stop") is None
    monkeypatch.delenv(shared_answers.FOLDER)
    assert recall(oc.compare_units, episodes, outcome="silent_stop") is None


def test_a_refusal_is_handed_on_as_one(episodes, folder):
    shared_answers.keep(folder, episodes, [(oc.compare_units, {}, NotEstimable("Too few."))])
    assert isinstance(answer(oc.compare_units, episodes), NotEstimable)


def test_every_kind_of_value_keeps_its_kind():
    table = pd.DataFrame(
        {"a": [1, 2], "b": [0.1 + 0.2, float("nan")], "c": ["<5", 7], "d": [True, False], "e": ["x", None]}
    )
    held = MappingProxyType({"t": table, "u": (1, [2.5, None]), "v": {3: "w"}, "n": np.float64(0.1), "i": float("inf")})
    back = shared_answers._whole(json.loads(json.dumps(shared_answers._plain(held))))
    pd.testing.assert_frame_equal(back["t"], table, check_exact=True)
    assert isinstance(back, MappingProxyType) and back["u"] == (1, [2.5, None]) and back["v"] == {3: "w"}
    assert back["n"] == 0.1 and back["i"] == float("inf")


def test_nothing_but_results_is_made_from_a_file():
    with pytest.raises(TypeError, match="may not hold"):
        shared_answers._whole({"kind": "object", "of": ["subprocess", "Popen"], "fields": {"args": "true"}})
    with pytest.raises(TypeError, match="cannot be handed on"):
        shared_answers._plain(object())


def test_of_the_questions_of_a_page_those_answered_already_are_not_put(monkeypatch):
    put = []

    def known(episodes):
        raise AssertionError("was answered already")

    def compared(episodes, progress):
        progress("a family")
        return "compared"

    def refused(episodes):
        raise NotEstimable("There is no quarter 2030Q1 in these records.")

    listed = {"relief": ("relief", known, {}), "one_family": ("families", compared, {}),
              "quarter_review": ("quarters", refused, {})}  # fmt: skip
    monkeypatch.setattr(page_inputs, "_list_questions", lambda quarter: listed)
    monkeypatch.setattr(shared_answers, "recall", lambda question, episodes: "kept" if question is known else None)
    found = page_inputs.ask(None, None, None, progress=put.append)
    assert (found.relief, found.one_family, found.is_protected) == ("kept", "compared", {"relief"})
    assert put == ["families", "a family", "quarters"]
    assert found.refusal("quarter_review") == "There is no quarter 2030Q1 in these records."
    assert found.refusal("clinics") == "This question was not put in this run."
    # Asked for by name, a quarter that is not there is the answer to the whole.
    with pytest.raises(NotEstimable, match="There is no quarter 2030Q1"):
        page_inputs.ask(None, None, None, "2030Q1")
