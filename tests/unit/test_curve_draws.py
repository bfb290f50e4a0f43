"""Draws of Kaplan-Meier and of competing ends: each is the curve of its own rows."""

from __future__ import annotations

import numpy as np
import pytest

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.bootstrap import draw_counts
from outcomes.estimators.curve_draws import incidence_draws
from outcomes.estimators.curves import aalen_johansen, incidence_at, kaplan_meier, survival_at

DAYS = np.array([0, 3, 7, 12, 20])


def rows(n, seed, causes=2):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 25, n), rng.integers(0, causes + 1, n), rng.integers(0, n // 2, n)


def test_each_draw_is_the_curve_of_the_rows_it_drew():
    time, cause, patient = rows(120, 1)
    assert np.unique(time).tolist() == list(range(25))
    drawn = incidence_draws(time, cause, patient, DAYS, 12, 5)
    # The times are 0, 1, 2, ... without a gap, so time and cause number the table the draws count.
    counts = draw_counts(time * 3 + cause, patient, 12, 5)
    cell = np.arange(counts.shape[1])
    for weight, found in zip(counts, drawn, strict=True):
        alone = incidence_at(aalen_johansen(cell // 3, cell % 3, weights=weight, causes=2), DAYS)[0]
        np.testing.assert_allclose(found, np.where(np.isnan(alone), found, alone), atol=1e-12)


def test_one_cause_is_kaplan_meier_also_at_real_valued_times():
    time, cause, patient = rows(160, 2, causes=1)
    assert np.unique(time).tolist() == list(range(25))
    for unit in (1.0, 1 / 7):
        drawn = incidence_draws(time * unit, cause, patient, DAYS * unit, 6, 9)[:, 0]
        counts = draw_counts(time * 2 + cause, patient, 6, 9)
        cell = np.arange(counts.shape[1])
        for weight, found in zip(counts, drawn, strict=True):
            alone = survival_at(kaplan_meier(cell // 2 * unit, cell % 2, weights=weight), DAYS * unit)[0]
            np.testing.assert_allclose(found, np.where(np.isnan(alone), found, 1 - alone), atol=1e-12)


def test_blocks_rows_and_names_do_not_matter(monkeypatch):
    time, cause, patient = rows(90, 3)
    one = incidence_draws(time, cause, patient, DAYS, 20, [1, 2])
    order = np.random.default_rng(0).permutation(90)
    np.testing.assert_array_equal(
        one, incidence_draws(time[order], cause[order], 500 - patient[order], DAYS, 20, [1, 2])
    )
    monkeypatch.setattr("outcomes.estimators.curve_draws._NUMBERS_AT_ONCE", 1)
    np.testing.assert_array_equal(one, incidence_draws(time, cause, patient, DAYS, 20, [1, 2]))


def test_spread_of_the_draws_is_that_of_greenwood_when_rows_are_patients():
    time, cause, _ = rows(400, 4, causes=1)
    curve = kaplan_meier(time, cause)
    drawn = incidence_draws(time, cause, np.arange(400), [7], 2_000, 6)[:, 0, 0]
    se = curve.std_err[np.searchsorted(curve.time, 7, side="right") - 1]
    assert drawn.std() == pytest.approx(se, rel=0.06)
    # Each row twice: to draw patients keeps the spread, to draw rows would shrink it.
    twice = incidence_draws(np.tile(time, 2), np.tile(cause, 2), np.tile(np.arange(400), 2), [7], 2_000, 6)[:, 0, 0]
    apart = incidence_draws(np.tile(time, 2), np.tile(cause, 2), np.arange(800), [7], 2_000, 6)[:, 0, 0]
    assert twice.std() == pytest.approx(se, rel=0.06)
    assert apart.std() < 0.8 * se


def test_bad_input_is_refused_by_name():
    for arguments, code in (
        (([-1, 2], [1, 0], [0, 1], [3]), "E611"),
        (([1, 2], [1, 0.5], [0, 1], [3]), "E685"),
        (([1, 2], [1, 0], [0], [3]), "E603"),
        (([1, 2], [1, 0], [0, 1], [-3]), "E614"),
    ):
        with pytest.raises(InputRefused, match=code):
            incidence_draws(*arguments, draws=3, seed=1)
    with pytest.raises(NotEstimable, match="no rows"):
        incidence_draws([], [], [], [3], 3, 1)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"days": ["3"]}, "E601 days"),
        ({"days": [-1]}, "E614 days"),
        ({"time": np.array(["2020-01-01"] * 2, "datetime64[D]")}, "E617 time"),
        ({"draws": None}, "E642 draws"),
        ({"seed": -1}, "E647 seed"),
        ({"causes": "1"}, "E684 causes"),
        ({"weights": [1e17, 1]}, "E619 weights"),
        ({"days": 3, "causes": 100}, None),
    ],
)
def test_arguments_of_another_kind_are_refused_by_name(changed, refusal):
    legal = {"time": [1, 2], "cause": [1, 0], "patient": [0, 1], "days": [3], "draws": 4, "seed": 1}
    if refusal is None:
        assert incidence_draws(**legal | changed).shape == (4, 100, 1)
        return
    with pytest.raises(InputRefused, match=f"{refusal}: "):
        incidence_draws(**legal | changed)


def test_as_many_distinct_times_and_causes_as_allowed_can_be_drawn():
    time = np.arange(2_000) + 0.5
    assert incidence_draws(time, np.arange(2_000) % 101, np.arange(2_000), [3], 1, 1).shape == (1, 100, 1)
