"""Starting within some days or never: by hand, R's answers, plain curves, invariants, refits, refusals."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators import clone_arms, logistic
from outcomes.estimators.bootstrap import draw_counts
from outcomes.estimators.clone_arms import Subjects, arm_draws, arm_risk, never_arm, start_arm
from outcomes.estimators.clone_weights import clone_censor_weight
from outcomes.estimators.curves import kaplan_meier, survival_at
from outcomes.selftest.stored import REFERENCE

NEVER = np.inf
GRACE, HORIZON = 28, 180


def rows(n, seed):
    """Starting and the event both depend on the first column."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, n)
    X = np.column_stack([x, np.round(rng.normal(size=n), 1)])
    start = np.ceil(rng.exponential(150 * np.exp(-0.5 * x)))
    time = np.ceil(rng.exponential(200 * np.exp(-0.5 * x)))
    stop = rng.integers(100, 300, n)
    return np.minimum(time, stop), (time <= stop).astype(int), start, X, rng.integers(0, n // 2, n)


def numbers(found):
    """Every number of an answer but the curves."""
    out = []
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if dataclasses.is_dataclass(value):
            out += numbers(value)
        elif not isinstance(value, np.ndarray):
            out.append(value)
    return out


def subjects(time, event, start, X):
    return Subjects(
        np.minimum(time, HORIZON).astype(float),
        np.where(time <= HORIZON, event, 0).astype(float),
        np.where(start > time, np.inf, start).astype(float),
        np.asarray(X, dtype=float),
        np.ones(time.size),
    )


# -- by hand ----------------------------------------------------------------------------------------------------------


def by_hand(times=40):
    """Nine subjects, grace 2, horizon 10; all who start do so on day 2.

    The first has the event on day 1. Of four others with x = 0 one starts, and has the event on day 5; of four with
    x = 1 three start, and the one who does not has the event on day 7.
    """
    x = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1.0])
    start = np.array([NEVER, 2, NEVER, NEVER, NEVER, 2, 2, 2, NEVER])
    time = np.array([1, 5, 10, 10, 10, 10, 10, 10, 7])
    event = np.array([1, 1, 0, 0, 0, 0, 0, 0, 1])
    return [np.tile(column, times) for column in (time, event, start)], np.tile(x, times)[:, None]


def test_nine_subjects_by_hand():
    columns, X = by_hand()
    found = clone_censor_weight(*columns, X, 2, 10, draws=2, interval=2)
    # Start: on day 1 one of nine. After grace the starter with x = 0 stands for 4, the three with x = 1 for 4 together.
    assert found.start.time.tolist() == [1, 5]
    assert found.start.survival == pytest.approx([8 / 9, 8 / 9 * (1 - 4 / 8)], abs=1e-13)
    assert found.start.largest_weight == pytest.approx(4, abs=1e-12)
    # Never: of five with x = 0 one departs in the first interval, of four with x = 1 three do; weights 5/4 and 4.
    assert found.never.time.tolist() == [1, 7]
    assert found.never.survival == pytest.approx([8 / 9, 8 / 9 * (1 - 4 / (3 * 5 / 4 + 4))], abs=1e-13)
    assert found.difference == pytest.approx(found.start.risk - found.never.risk, abs=1e-15)
    # 9 * 40 clones in each arm.
    start, never = found.start, found.never
    assert (start.n_departed, start.n_events, start.n_end) == (160, 80, 120)
    assert (never.n_departed, never.n_events, never.n_end) == (160, 80, 120)
    assert found.n == 360


def test_on_one_day_the_event_comes_first_and_an_event_in_grace_counts_in_both_arms():
    # Starts on day 3 and has the event on day 3; another has it on day 3 without starting.
    columns = [np.tile(column, 30) for column in ([3, 3, 9, 9], [1, 1, 0, 0], [3, NEVER, 2, NEVER])]
    found = clone_censor_weight(*columns, np.empty((120, 0)), 4, 9, draws=2)
    assert (found.start.n_events, found.never.n_events) == (60, 60)
    assert found.start.survival == pytest.approx([0.5])
    # In the other arm the third had departed on day 2.
    assert found.never.survival == pytest.approx([1 / 3])


def test_a_start_after_the_end_of_observation_was_never_seen():
    time, event, start, X, _ = rows(200, 1)
    unseen = np.where(start > time, np.inf, start)
    assert (start > time).any()
    one = clone_censor_weight(time, event, start, X, GRACE, HORIZON, draws=5)
    assert numbers(one) == numbers(clone_censor_weight(time, event, unseen, X, GRACE, HORIZON, draws=5))


# -- plain curves -----------------------------------------------------------------------------------------------------


def test_without_columns_each_arm_is_the_plain_curve_of_its_clones():
    time, event, start, _, _ = rows(400, 2)
    found = clone_censor_weight(time, event, start, np.empty((400, 0)), GRACE, HORIZON, draws=2)
    leaves = start < time
    never = kaplan_meier(np.where(leaves, start, time), np.where(leaves, 0, event))
    assert found.never.risk == pytest.approx(1 - survival_at(never, HORIZON)[0][0], abs=1e-12)
    late = (time > GRACE) & (start > GRACE)
    first = kaplan_meier(np.where(late, GRACE, time), np.where(late, 0, event))
    assert found.start.largest_weight > 1
    # Weight 1 up to grace, one and the same after it.
    assert found.start.risk == pytest.approx(1 - survival_at(first, HORIZON)[0][0], abs=1e-12)


def test_an_arm_nobody_departs_from_is_the_plain_curve_of_all():
    time, event, _, X, _ = rows(300, 3)
    plain = 1 - survival_at(kaplan_meier(time, event), HORIZON)[0][0]
    first_day = subjects(time + 1, event, np.ones(300), X)
    one = arm_risk(start_arm(first_day, GRACE, HORIZON), 1.0)
    assert one.risk == pytest.approx(1 - survival_at(kaplan_meier(time + 1, event), HORIZON)[0][0], abs=1e-13)
    nobody = arm_risk(never_arm(subjects(time, event, np.full(300, np.inf), X), HORIZON, 7.0), 1.0)
    assert nobody.risk == pytest.approx(plain, abs=1e-13)
    assert (one.largest, nobody.largest) == (1.0, 1.0)


# -- R ----------------------------------------------------------------------------------------------------------------


def test_person_weeks_as_in_r():
    answers = json.loads((REFERENCE / "weighting.json").read_text(encoding="utf-8"))["clones"]
    d = np.genfromtxt(REFERENCE / "data" / "clones.csv", delimiter=",", names=True)
    start = np.where(np.isnan(d["start"]), np.inf, d["start"])
    X = np.column_stack([d["x"], d["z"]])
    found = clone_censor_weight(d["time"], d["event"], start, X, answers["grace"], answers["horizon"], draws=2)
    for arm, name in ((found.start, "start"), (found.never, "never")):
        assert arm.risk == pytest.approx(answers[name]["risk"], abs=1e-12)
        assert arm.largest_weight == pytest.approx(answers[name]["largest"], abs=1e-10)
    rows_ = Subjects(
        np.minimum(d["time"], answers["horizon"]),
        np.where(d["time"] <= answers["horizon"], d["event"], 0),
        start,
        X,
        np.ones(d.size),
    )
    arm = never_arm(rows_, answers["horizon"], 7.0)
    # R counts weeks from 1; a week is passed when the next one has begun.
    ends = [int(np.flatnonzero(band == band.max())[0]) for band in arm.passed]
    assert ends == answers["never"]["band_ends"]
    fit = arm_risk(arm, 1.0).fit.model
    assert fit is not None
    np.testing.assert_allclose(fit.coef, answers["never"]["coef"], atol=1e-10)
    # R's first model is of departing from `start`.
    fit = arm_risk(start_arm(rows_, answers["grace"], answers["horizon"]), 1.0).fit.model
    assert fit is not None
    np.testing.assert_allclose(fit.coef, answers["start"]["coef"], atol=1e-10)


# -- invariants -------------------------------------------------------------------------------------------------------


def test_row_order_and_names_of_patients_change_nothing():
    time, event, start, X, patient = rows(300, 4)
    one = clone_censor_weight(time, event, start, X, GRACE, HORIZON, cluster=patient, draws=20, seed=[3, 4])
    order = np.random.default_rng(5).permutation(300)
    other = clone_censor_weight(
        *(c[order] for c in (time, event, start, X)),
        GRACE,
        HORIZON,
        cluster=700 - patient[order],
        draws=20,
        seed=[3, 4],
    )
    assert numbers(other) == pytest.approx(numbers(one), rel=1e-11)


@pytest.mark.parametrize("size", [1, 999, 1 << 24])
def test_blocks_change_nothing_that_matters(monkeypatch, size):
    """Draws beside a draw change its way to the answer, which leaves 1e-7 of a log-odds."""
    time, event, start, X, patient = rows(200, 6)
    one = clone_censor_weight(time, event, start, X, GRACE, HORIZON, cluster=patient, draws=40)
    monkeypatch.setattr(logistic, "_NUMBERS_AT_ONCE", size)
    other = clone_censor_weight(time, event, start, X, GRACE, HORIZON, cluster=patient, draws=40)
    assert numbers(other) == pytest.approx(numbers(one), rel=1e-6)


def test_rows_written_twice_for_their_patient_change_no_risk():
    time, event, start, X, patient = rows(200, 7)
    one = clone_censor_weight(time, event, start, X, GRACE, HORIZON, cluster=patient, draws=20)
    columns = [np.repeat(column, 2, axis=0) for column in (time, event, start, X)]
    twice = clone_censor_weight(*columns, GRACE, HORIZON, cluster=np.repeat(patient, 2), draws=20)
    assert twice.n == 400
    assert twice.start.risk == pytest.approx(one.start.risk, abs=1e-12)
    # Enough departures for all bands either way.
    assert (twice.never.risk, twice.difference_low) == pytest.approx((one.never.risk, one.difference_low), abs=1e-11)


def test_units_of_time_and_columns_change_nothing():
    time, event, start, X, _ = rows(300, 8)
    one = clone_censor_weight(time, event, start, X, GRACE, HORIZON, draws=5)
    other = clone_censor_weight(
        time / 7, event, start / 7, X * [3, 0.01] + [5, 40], GRACE / 7, HORIZON / 7, draws=5, interval=1
    )
    for arm in ("start", "never"):
        assert getattr(other, arm).risk == pytest.approx(getattr(one, arm).risk, abs=1e-10)
        assert getattr(other, arm).conf_low == pytest.approx(getattr(one, arm).conf_low, abs=1e-10)


# -- draws and cuts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut_quantile", [1.0, 0.9])
def test_each_draw_is_a_full_refit_of_the_subjects_it_drew(cut_quantile):
    time, event, start, X, patient = rows(200, 9)
    everyone = subjects(time, event, start, X)
    counts = draw_counts(np.arange(200), patient, 15, 2)
    for arm in (start_arm(everyone, GRACE, HORIZON), never_arm(everyone, HORIZON, 7.0)):
        found = arm_risk(arm, cut_quantile)
        risk, reached = arm_draws(arm, found.fit, counts, found.cut)
        assert reached.all()
        assert np.ptp(risk) > 0.01
        for one, count in zip(risk, counts, strict=True):
            # A fit from nothing of the rows of the draw alone; cut where the full data's weights are.
            kept = np.flatnonzero(count[arm.order])
            own = count[arm.order][kept].astype(float)
            of = np.isin(arm.row_of, kept)
            alone = dataclasses.replace(
                arm,
                **{name: getattr(arm, name)[kept] for name in ("exit", "event", "departed", "slot", "columns")},
                count=own,
                order=np.arange(kept.size),
                row_of=np.searchsorted(kept, arm.row_of[of]),
                **{name: getattr(arm, name)[of] for name in ("band_of", "yes", "trials")},
            )
            if cut_quantile == 1.0:
                assert arm_risk(alone, 1.0).risk == pytest.approx(one, abs=1e-6)
            else:
                fit = arm_risk(alone, 1.0).fit
                again, _ = arm_draws(alone, fit, own[None].astype(int), found.cut)
                assert again[0] == pytest.approx(one, abs=1e-6)


def test_cutting_weights_is_reported():
    time, event, start, X, _ = rows(400, 10)
    whole = clone_censor_weight(time, event, start, X, GRACE, HORIZON, draws=5)
    cut = clone_censor_weight(time, event, start, X, GRACE, HORIZON, draws=5, cut_quantile=0.9)
    assert whole.never.share_cut == 0.0
    assert 0.05 < cut.never.share_cut <= 0.1
    assert cut.never.largest_weight == whole.never.largest_weight
    assert cut.never.risk != whole.never.risk
    # All at risk in `start` have weight 1 up to grace, and so at most a few weights are cut.
    assert cut.start.share_cut <= 0.1


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_refusals_by_name():
    time, event, start, X, patient = rows(100, 11)
    with pytest.raises(InputRefused, match=r"E747 start: .*positions 0 \(counted from 0\)"):
        clone_censor_weight(time, event, np.where(np.arange(100) == 0, 0, start), X, GRACE, HORIZON, draws=2)
    for name, settings in (("grace", (0, 9)), ("horizon", (5, np.inf)), ("grace", (9, 9)), ("horizon", (5, "x"))):
        with pytest.raises(InputRefused, match=f"E748 {name}:"):
            clone_censor_weight(time, event, start, X, *settings, draws=2)
    with pytest.raises(InputRefused, match="E748 interval:"):
        clone_censor_weight(time, event, start, X, GRACE, HORIZON, draws=2, interval=0)
    with pytest.raises(InputRefused, match="E749"):
        clone_censor_weight(time, event, start, X, GRACE, HORIZON, draws=2, cut_quantile=0.3)
    with pytest.raises(InputRefused, match="E746"):
        clone_censor_weight(time, event, start, X, GRACE, HORIZON, draws=1)
    with pytest.raises(InputRefused, match="E604 start:"):
        clone_censor_weight(time, event, start * np.nan, X, GRACE, HORIZON, draws=2)
    with pytest.raises(InputRefused, match="E603 start:"):
        clone_censor_weight(time, event, start[1:], X, GRACE, HORIZON, draws=2)
    with pytest.raises(InputRefused, match=r"E741 X\[:, 1\]"):
        clone_censor_weight(time, event, start, X * [1, 0], GRACE, HORIZON, draws=2)
    same = np.where(X[:, 0] > 0, 0.1 + 0.2, 0.3)
    with pytest.raises(InputRefused, match=r"E741 X\[:, 2\]: has one value only, to 12 digits"):
        clone_censor_weight(time, event, start, np.column_stack([X, same]), GRACE, HORIZON, draws=2)
    with pytest.raises(InputRefused, match=r"E742 X\[:, 2\]"):
        clone_censor_weight(time, event, start, np.column_stack([X, X.sum(axis=1)]), GRACE, HORIZON, draws=2)
    with pytest.raises(InputRefused, match="E603 cluster:"):
        clone_censor_weight(time, event, start, X, GRACE, HORIZON, cluster=patient[1:], draws=2)
    with pytest.raises(NotEstimable, match="no rows"):
        clone_censor_weight([], [], [], np.empty((0, 1)), GRACE, HORIZON, draws=2)


def test_a_model_of_departing_that_did_not_converge_has_no_weights(monkeypatch):
    time, event, start, X, _ = rows(100, 11)
    monkeypatch.setattr(clone_arms, "fit_logistic", lambda *_: SimpleNamespace(status="stuck"))
    with pytest.raises(NotEstimable, match="the model of departing did not converge"):
        clone_censor_weight(time, event, start, X, GRACE, HORIZON, draws=2)


def test_arms_that_empty_are_refused_in_words():
    time, event, start, X, _ = rows(200, 12)
    with pytest.raises(NotEstimable, match="nobody who started in time"):
        clone_censor_weight(time, event, np.full(200, np.inf), X, GRACE, HORIZON, draws=2)
    with pytest.raises(NotEstimable, match="'never' is not estimable"):
        clone_censor_weight(time + 1, event, np.ones(200), X, GRACE, HORIZON, draws=2)
    with pytest.raises(NotEstimable, match="nobody who keeps to it is watched to the end"):
        clone_censor_weight(time, event, start, X, GRACE, 1_000, draws=2)
    mark = (start <= GRACE) & (time > GRACE) & (np.arange(200) % 2 == 0)
    with pytest.raises(NotEstimable, match="'start' is not estimable: some were certain"):
        clone_censor_weight(time, event, start, np.column_stack([X, mark]), GRACE, HORIZON, draws=2)
