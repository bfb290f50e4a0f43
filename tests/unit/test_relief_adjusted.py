"""Groups by the primary day as if they had come alike: by the regression's own formula, planted, and where refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from contrasts import write_episodes
from outcomes.definitions import Protocol
from outcomes.errors import NotEstimable
from outcomes.estimators.aft import aft_interval
from outcomes.questions import estimate_relief, relief_adjusted
from outcomes.questions.covariates import Block
from outcomes.questions.relief_adjusted import COLUMNS, CORE, FAMILIES, LARGEST_MISFIT, _Model, tabulate_adjusted
from outcomes.questions.relief_fates import Fates
from outcomes.questions.relief_fit import GroupFit
from outcomes.questions.relief_rows import ReliefRows, build_rows
from outcomes.questions.results import DayCurve, split_groups

DAY = 28
DRAWS = {"inference": {"bootstrap_draws": 5}}
FLOOR = {"compare_min_episodes": 40, "compare_min_events": 10, "suppress_cell_below": 5}


@pytest.fixture(scope="module")
def episodes():
    return write_episodes(Protocol.from_mapping(DRAWS), 1200)


def cdf(fit, columns):
    """Share by day 28 of each row, by the formula of the log-logistic distribution."""
    return 1 / (1 + np.exp(-(np.log(DAY) - fit.coef[0] - columns @ fit.coef[1:]) / np.exp(fit.log_scale)))


def test_the_table_is_what_the_regression_gives_by_its_formula(episodes):
    """Sexes adjusted for the first rating alone, put together here from the table of episodes."""
    protocol = dataclasses.replace(episodes.protocol)
    rows = build_rows(episodes, "confirmed", None)
    split = list(split_groups(episodes, rows.episode, "sex"))
    found = estimate_relief(episodes, by="sex").adjusted.set_index("group")
    two = [part for name, part in split if name in ("female", "male")]
    place = np.concatenate(two)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relief_adjusted, "CORE", ("baseline_nrs",))
        alone, _ = tabulate_adjusted(episodes, rows, split, fits_of(episodes, split, rows), "sex")
    first = episodes.table["baseline_nrs"].to_numpy(dtype=float)[rows.episode[place]]
    reference = int(np.argmax([part.size for part in two]))
    is_other = np.repeat([reference != 0, reference != 1], [part.size for part in two]).astype(float)
    bands = np.column_stack([first < 5, (first >= 5) & (first < 7), first >= 7]).astype(float)
    bands = np.delete(bands, np.argmax(bands.sum(axis=0)), axis=1)
    X = np.column_stack([is_other, bands])
    fit = aft_interval(X, rows.left_days[place], rows.right_days[place], "loglogistic", cluster=rows.patient[place])
    for code, name in enumerate(("female", "male")):
        line = alone.set_index("group").loc[name]
        given = np.column_stack([np.full(place.size, float(code != reference)), bands])
        assert line["estimate"] == pytest.approx(cdf(fit, given).mean(), abs=1e-10)
        own = is_other == (code != reference)
        assert line["modelled"] == pytest.approx(cdf(fit, X[own]).mean(), abs=1e-10)
        assert line["conf_low"] < line["estimate"] < line["conf_high"]
        assert line["reference"] == (code == reference) and line["n"] == two[code].size
        ratio = np.nan if code == reference else np.exp(fit.coef[1])
        assert line["time_ratio"] == pytest.approx(ratio, abs=1e-10, nan_ok=True)
        # More facts move the share a little, and not what the records alone say.
        assert found.loc[name, "unadjusted"] == line["unadjusted"]
        assert abs(found.loc[name, "estimate"] - line["estimate"]) < 0.05
    assert protocol.horizons_days.primary == DAY


def fits_of(episodes, split, rows):
    from outcomes.questions.relief_fit import fit_group

    return [fit_group(name, rows.take(part), episodes.protocol) for name, part in split]


def test_groups_as_large_as_a_comparison_needs_are_told_and_what_they_are_adjusted_for(episodes):
    found = estimate_relief(episodes, by="previous_episodes")
    assert found.adjusted.columns.tolist() == list(COLUMNS)
    assert "not recorded" not in set(found.adjusted["group"]) and len(found.adjusted) > 1
    curve = found.table[found.table["horizon_days"] == DAY].set_index("group")
    for line in found.adjusted.to_dict("records"):
        assert line["unadjusted"] == curve.loc[line["group"], "estimate"]
        assert (line["n"], line["events"]) == tuple(curve.loc[line["group"], ["n", "events"]])
    assert found.adjusted["reference"].sum() == 1
    said = [note for note in found.notes if "groups are adjusted for" in note]
    assert len(said) == 1 and "first pain rating" in said[0] and "earlier episodes" not in said[0]


def test_no_order_of_the_rows_changes_anything(episodes):
    rows = build_rows(episodes, "confirmed", None)
    split = list(split_groups(episodes, rows.episode, "sex"))
    fits = fits_of(episodes, split, rows)
    one, _ = tabulate_adjusted(episodes, rows, split, fits, "sex")
    rng = np.random.default_rng(3)
    shuffled = [(name, rng.permutation(part)) for name, part in split]
    other, _ = tabulate_adjusted(episodes, rows, shuffled[::-1], fits[::-1], "sex")
    numbers = list(COLUMNS[1:10])
    wanted = one.set_index("group")[numbers].sort_index().to_numpy(dtype=float)
    assert other.set_index("group")[numbers].sort_index().to_numpy(dtype=float) == pytest.approx(
        wanted, abs=1e-8, nan_ok=True
    )


def rows_of(left, right, patient):
    n = left.size
    zeros = np.zeros(n, dtype=np.intp)
    return ReliefRows(np.arange(n), patient, left, right, np.ones(n), zeros, zeros, zeros, None)


def test_groups_that_differ_in_who_they_are_alone_are_alike_once_adjusted(monkeypatch):
    """Planted: the severe are relieved later and are 80 % of one group and 20 % of the other; groups change nothing."""
    rng = np.random.default_rng(7)
    n = 20_000
    group = np.repeat([0, 1], n // 2)
    severe = rng.random(n) < np.where(group == 1, 0.8, 0.2)
    time = np.exp(2.8 + 1.2 * severe + 0.6 * rng.logistic(size=n))
    right = np.ceil(time / 7) * 7
    rows = rows_of(right - 7, np.where(right > 90, np.inf, right), np.arange(n))
    rows = dataclasses.replace(rows, left_days=np.minimum(rows.left_days, 84.0))
    block = Block("baseline_nrs", "", ("severe",), severe[:, None].astype(np.uint8))
    monkeypatch.setattr(relief_adjusted, "build_factors", lambda *given: (block,))
    monkeypatch.setattr(relief_adjusted.Block, "of", classmethod(lambda cls, factor: factor))
    here = type("Episodes", (), {"protocol": Protocol()})
    model = _Model.fit(here, rows, group, "sex", Protocol())
    crude = [np.mean(time[group == code] <= DAY) for code in (0, 1)]
    assert crude[0] - crude[1] > 0.2
    adjusted = [cdf(model.result, model.set_to(code)).mean() for code in (0, 1)]
    share = severe.mean()
    truth = sum(p / (1 + np.exp(-(np.log(DAY) - 2.8 - 1.2 * s) / 0.6)) for s, p in ((0, 1 - share), (1, share)))
    assert adjusted == pytest.approx([truth, truth], abs=0.015)
    assert model.others in ([0], [1]) and model.core[0].name == "baseline_nrs"


def group_fit(name, n=50, events=20, last_day=60, share=0.4, low=0.3, high=0.5):
    length = 61
    levels = (np.full(length, value) for value in (share, low, high))
    curve = DayCurve(name, n, *levels, np.full(length, n), np.full(length, events), last_day, {})
    return GroupFit(curve, (), Fates((), (), n, 0, np.zeros(length), 10.0))


@pytest.mark.parametrize(
    ("change", "is_compared"),
    [
        ({}, True),
        ({"n": 39}, False),
        ({"n": 40}, True),
        ({"events": 9}, False),
        ({"events": 10}, True),
        ({"events": 46}, False),
        ({"events": 45}, True),
        ({"events": 50}, True),
        ({"last_day": 27}, False),
        ({"last_day": 28}, True),
        ({"name": "not recorded"}, False),
    ],
)
def test_which_groups_are_compared(change, is_compared):
    protocol = Protocol.from_mapping({"reporting_floor": FLOOR})
    assert relief_adjusted._is_compared(group_fit(**{"name": "a", **change}), protocol) is is_compared


@pytest.mark.parametrize(
    ("modelled", "is_said"), [(0.4, False), (0.51, True), (0.29, True), (0.46, False), (0.5, False)]
)
def test_a_regression_far_from_a_curve_and_outside_its_interval_is_told(modelled, is_said):
    import pandas as pd

    table = pd.DataFrame({"group": ["a", "b"], "unadjusted": [0.4, 0.4], "modelled": [0.4, modelled]})
    said = relief_adjusted._say_misfit(table, [group_fit("a"), group_fit("b")], DAY)
    assert bool(said) is is_said
    assert not said or ("'b'" in said[0] and "'a'" not in said[0] and LARGEST_MISFIT == 0.05)


def test_where_it_is_compared_elsewhere_or_cannot_be_fitted_there_are_no_rows(episodes, monkeypatch):
    for by in ("clinic_id", "index_quarter"):
        assert estimate_relief(episodes, by=by).adjusted.empty
    assert estimate_relief(episodes).adjusted.empty
    assert estimate_relief(episodes, by="sex", weights=np.ones(episodes.n)).adjusted.empty
    tried = []

    def refuse(*given, **more):
        tried.append(given[3])
        raise NotEstimable("It did not converge.")

    monkeypatch.setattr(relief_adjusted, "aft_interval", refuse)
    found = estimate_relief(episodes, by="sex")
    assert found.adjusted.empty and tried == list(FAMILIES)
    assert "Adjusted shares are not given: it did not converge." in found.notes


def test_where_the_first_regression_does_not_converge_the_second_is_taken(episodes, monkeypatch):
    def fit(*given, **more):
        if given[3] == FAMILIES[0]:
            raise NotEstimable("It did not converge.")
        return aft_interval(*given, **more)

    monkeypatch.setattr(relief_adjusted, "aft_interval", fit)
    found = estimate_relief(episodes, by="sex")
    assert len(found.adjusted) == 2
    assert any("(weibull, as the main one does not exist)" in note for note in found.notes)


def test_with_few_relieved_there_is_room_for_few_facts(episodes, monkeypatch):
    rows = build_rows(episodes, "confirmed", None)
    group = (np.arange(rows.episode.size) % 2).astype(np.intp)
    for room, core in ((1, 0), (3, 1)):
        monkeypatch.setattr(relief_adjusted, "EVENTS_PER_COLUMN", int(rows.seen.sum()) // room)
        model = _Model.fit(episodes, rows, group, "sex", episodes.protocol)
        assert [block.name for block in model.core] == list(CORE[:core])
        assert ("nothing more is recorded" in model.say()) is (core == 0)
    monkeypatch.setattr(relief_adjusted, "EVENTS_PER_COLUMN", int(rows.seen.sum()) + 1)
    with pytest.raises(NotEstimable, match="relieved episodes for each group"):
        _Model.fit(episodes, rows, group, "sex", episodes.protocol)
