"""Mean cumulative function: by hand, against R, under what must not matter, and what is refused."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.errors import InputRefused, NotEstimable
from outcomes.estimators.counts import mean_at, mean_cumulative
from outcomes.estimators.curves import kaplan_meier
from outcomes.selftest.stored import REFERENCE

STORED = json.loads((REFERENCE / "counts.json").read_text())
OLDER = json.loads((REFERENCE / "reference.json").read_text())
Z = 1.959963984540054


def load(name):
    with (REFERENCE / "data" / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        key: np.array([row[key] if key in {"treat", "treatment"} else float(row[key]) for row in rows])
        for key in rows[0]
    }


def spells(columns, rows=slice(None)):
    return tuple(columns[name][rows] for name in ("id", "start", "stop", "event"))


# -- by hand ----------------------------------------------------------------------------------------------------------

# a: watched to 6, events on 2 and 4.  b: to 4, one on 4.  c: to 5, none.       at risk on 2 and 4: three.
HAND = (list("aaabc"), [0, 2, 4, 0, 0], [2, 4, 6, 4, 5], [1, 1, 0, 1, 0])


def test_three_subjects():
    curve = mean_cumulative(*HAND)
    assert curve.time.tolist() == [2, 4]
    assert curve.at_risk.tolist() == [3, 3]
    assert curve.events.tolist() == [1, 2]
    assert curve.mean == pytest.approx([1 / 3, 1], abs=1e-15)
    # Influences on day 2: (2, -1, -1)/9; day 4 adds (1, 1, -2)/9.
    assert curve.std_err == pytest.approx(np.sqrt([6, 9 + 0 + 9]) / 9, abs=1e-15)
    assert curve.conf_low == pytest.approx(curve.mean * np.exp(-Z * curve.std_err / curve.mean), abs=1e-14)
    assert curve.conf_high == pytest.approx(curve.mean * np.exp(Z * curve.std_err / curve.mean), abs=1e-14)
    assert (curve.subjects, curve.level, curve.survival) == (3, 0.95, None)


def test_reading_before_between_and_after():
    mean, low, high, at_risk = mean_at(mean_cumulative(*HAND), [0, 1, 2, 3, 4, 5, 6, 7])
    assert mean[:7] == pytest.approx([0, 0, 1 / 3, 1 / 3, 1, 1, 1])
    assert math.isnan(mean[7])
    assert np.isnan([low[0], high[0], low[7], high[7]]).all()
    assert low[3] == low[2] > 0
    assert at_risk.tolist() == [0, 3, 3, 3, 3, 2, 1, 0]


def test_day_zero_counts_when_the_start_is_the_day_before():
    curve = mean_cumulative([1, 2], [-1, -1], [0, 4], [1, 0])
    assert (curve.time.tolist(), curve.mean.tolist()) == ([0.0], [0.5])


def test_a_gap_is_not_at_risk():
    # Subject 1 is away from 3 to 6: the event of 2 on day 5 is among one subject only, and adds no variance.
    curve = mean_cumulative([1, 1, 2, 2], [0, 6, 0, 5], [3, 9, 5, 9], [1, 0, 1, 0])
    assert curve.at_risk.tolist() == [2, 1]
    assert curve.mean.tolist() == [0.5, 1.5]
    # (1/4, -1/4) on day 3, and nothing more on day 5.
    assert curve.std_err == pytest.approx([math.sqrt(1 / 8)] * 2, abs=1e-15)


def test_several_events_at_once():
    curve = mean_cumulative([1, 2], [0, 0], [3, 5], [3, 0])
    assert curve.events.tolist() == [3]
    assert curve.mean.tolist() == [1.5]
    # (3 - 1.5)/2 and (0 - 1.5)/2
    assert curve.std_err == pytest.approx([math.sqrt(2) * 0.75], abs=1e-15)


def test_a_terminal_event_lets_the_mean_rise_by_less():
    # a: event on 2, dies on 3.  b: event on 5.  c: nothing.  S before 5 is 2/3, one event in two at risk.
    rows = (["a", "a", "b", "b", "c"], [0, 2, 0, 5, 0], [2, 3, 5, 8, 8], [1, 0, 1, 0, 0])
    curve = mean_cumulative(*rows, terminal=[0, 1, 0, 0, 0])
    assert curve.mean == pytest.approx([1 / 3, 1 / 3 + 2 / 3 / 2], abs=1e-15)
    assert curve.survival == pytest.approx([1, 2 / 3], abs=1e-15)
    # Day 2: (2, -1, -1)/9. From S: (-2, 1, 1)/9 times 1/2; from the rise on 5: 2/3 * (0, 1/4, -1/4).
    by_five = np.array([2, -1, -1]) / 9 + np.array([-2, 1, 1]) / 18 + np.array([0, 1, -1]) / 6
    assert curve.std_err == pytest.approx([math.sqrt(6) / 9, math.sqrt((by_five**2).sum())], abs=1e-15)
    assert mean_cumulative(*rows).mean[1] == pytest.approx(1 / 3 + 1 / 2)


def test_an_event_on_the_day_of_the_end_comes_first():
    curve = mean_cumulative([1, 2, 3], [0, 0, 0], [4, 4, 6], [1, 0, 1], terminal=[1, 0, 0])
    assert curve.mean == pytest.approx([1 / 3, 1 / 3 + 2 / 3], abs=1e-15)


def test_nobody_left_after_the_end():
    # All at risk end on day 4; who comes later adds nothing: the share not yet ended is 0.
    curve = mean_cumulative([1, 2, 3, 4], [0, 0, 5, 5], [4, 4, 8, 9], [1, 0, 1, 0], terminal=[1, 1, 0, 0])
    assert curve.mean == pytest.approx([0.5, 0.5], abs=1e-15)
    assert curve.std_err == pytest.approx([math.sqrt(1 / 8)] * 2, abs=1e-15)


def test_no_events_gives_an_empty_curve_and_a_mean_of_zero():
    for terminal in (None, [1, 0]):
        curve = mean_cumulative([1, 2], [0, 0], [4, 6], [0, 0], terminal=terminal)
        assert curve.time.size == curve.mean.size == curve.std_err.size == 0
        mean, low, high, at_risk = mean_at(curve, [5, 7])
        assert mean[0] == 0
        assert np.isnan([mean[1], *low, *high]).all()
        assert at_risk.tolist() == [1, 0]


def test_no_spread_no_limits():
    curve = mean_cumulative([1, 2, 3], [0, 0, 0], [4, 4, 4], [1, 1, 1])
    assert (curve.mean.tolist(), curve.std_err.tolist()) == ([1.0], [0.0])
    assert np.isnan([curve.conf_low[0], curve.conf_high[0]]).all()


# -- against R --------------------------------------------------------------------------------------------------------


def agrees(curve, answer):
    assert curve.time.tolist() == np.ravel(answer["time"]).tolist()
    np.testing.assert_allclose(curve.mean, np.ravel(answer["mean"]), rtol=0, atol=1e-10)
    np.testing.assert_allclose(curve.std_err, np.ravel(answer["std_err"]), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("data", "part"), [("cgd", "mcf"), ("cgd", "mcf_placebo"), ("bladder2", "mcf")])
def test_answers_written_out_day_by_day(data, part):
    columns, answer = load(data), OLDER[data][part]
    rows = columns["treat"] == "placebo" if part == "mcf_placebo" else slice(None)
    curve = mean_cumulative(*spells(columns, rows))
    mean, _, _, _ = mean_at(curve, answer["at"])
    np.testing.assert_allclose(mean, answer["mcf"], rtol=0, atol=1e-10)
    std_err = curve.std_err[np.searchsorted(curve.time, answer["at"], side="right") - 1]
    np.testing.assert_allclose(std_err, answer["robust_se"], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("data", "part"), [("cgd", "all"), ("cgd", "placebo"), ("bladder2", "all")])
def test_cumulative_hazard_by_subject(data, part):
    columns = load(data)
    rows = columns["treat"] == "placebo" if part == "placebo" else slice(None)
    agrees(mean_cumulative(*spells(columns, rows)), STORED[data][part])


def test_with_deaths():
    columns = load("bladder1")
    agrees(mean_cumulative(*spells(columns), terminal=columns["terminal"]), STORED["bladder1"]["all"])


def test_a_poisson_variance_would_be_too_small():
    curve = mean_cumulative(*spells(load("cgd")))
    early = curve.time <= 360
    poisson = math.sqrt((curve.events[early] / curve.at_risk[early] ** 2).sum())
    assert poisson == pytest.approx(0.1021, abs=5e-5)
    assert curve.std_err[early][-1] == pytest.approx(0.1407, abs=5e-5)


@pytest.mark.parametrize("one", STORED["random"], ids=range(len(STORED["random"])))
def test_random_sets(one):
    rows = {name: np.array(values, dtype=float) for name, values in one["rows"].items()}
    agrees(mean_cumulative(*spells(rows), rows["w"], rows["terminal"]), one["with_terminal"])
    if "mean_function" in one:
        agrees(mean_cumulative(*spells(rows), rows["w"]), one["mean_function"])


# -- what must not matter ---------------------------------------------------------------------------------------------


def same(one, other, shift=0.0):
    np.testing.assert_array_equal(one.time + shift, other.time)
    for name in ("at_risk", "events", "mean", "std_err", "conf_low", "conf_high"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-11, atol=1e-14, err_msg=name)


def as_rows(subjects):
    """Rows of drawn subjects: cut points and, for each piece, whether it was watched and how many events it had."""
    out = []
    for number, (cuts, pieces, dies) in enumerate(subjects):
        cuts = sorted(cuts)
        for begin, end, (seen, count) in zip(cuts, cuts[1:], pieces, strict=False):
            if seen and end >= 0:
                out.append([number, begin, end, count, 0])
        if dies and out and out[-1][0] == number:
            out[-1][4] = 1
    return np.array(out, dtype=float).reshape(-1, 5)


subject = st.tuples(
    st.sets(st.integers(-1, 9), min_size=2, max_size=5),
    st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=4, max_size=4),
    st.booleans(),
)
data_sets = st.lists(subject, min_size=3, max_size=8).map(as_rows).filter(lambda rows: len(set(rows[:, 0])) > 1)


def plain_mean(rows, weights, terminal):
    """Day by day, subject by subject; weights of any number type."""
    share, mean, out = 1, 0, []
    for day in sorted(set(rows[:, 2])):
        at_risk = sum(weights[int(r[0])] for r in rows if r[1] < day <= r[2])
        events = sum(weights[int(r[0])] * r[3] for r in rows if r[2] == day)
        mean = mean + share * events / at_risk
        if terminal:
            share = share * (1 - sum(weights[int(r[0])] * r[4] for r in rows if r[2] == day) / at_risk)
        if any(r[3] for r in rows if r[2] == day):
            out.append(mean)
    return out


@settings(max_examples=200, deadline=None)
@given(data_sets, st.booleans(), st.lists(st.sampled_from([0.5, 1.0, 2.5]), min_size=8, max_size=8))
def test_agrees_with_exact_derivatives(rows, terminal, weights):
    """The standard error is the root of the sum of squared ``weight * derivative``, here by complex steps."""
    curve = mean_cumulative(*rows[:, :4].T, np.array(weights)[rows[:, 0].astype(int)], rows[:, 4] if terminal else None)
    np.testing.assert_allclose(curve.mean, plain_mean(rows, weights, terminal), rtol=0, atol=1e-12)
    influences = []
    for i in sorted(set(rows[:, 0].astype(int))):
        moved = np.array(weights, dtype=complex)
        moved[i] += 1e-30j
        influences.append(weights[i] * np.imag(plain_mean(rows, moved.tolist(), terminal)) / 1e-30)
    expected = np.sqrt((np.array(influences) ** 2).sum(axis=0))
    np.testing.assert_allclose(curve.std_err, expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(data_sets, st.randoms(use_true_random=False))
def test_order_labels_splits_and_time_do_not_matter(rows, random):
    curve = mean_cumulative(*rows[:, :4].T, terminal=rows[:, 4])
    order = random.sample(range(len(rows)), len(rows))
    same(curve, mean_cumulative(*rows[order, :4].T, terminal=rows[order, 4]))
    # Later starts after midnight instead of days: half days are no whole numbers and take the other road.
    same(curve, mean_cumulative(rows[:, 0], *(rows[:, 1:3] + 0.5).T, rows[:, 3], terminal=rows[:, 4]), shift=0.5)
    names = [f"subject {9 - int(number)}" for number in rows[:, 0]]
    same(curve, mean_cumulative(names, *rows[:, 1:4].T, terminal=rows[:, 4]))
    head, tail = rows.copy(), rows.copy()
    head[:, 2] = tail[:, 1] = (rows[:, 1] + rows[:, 2]) / 2
    head[:, 3:] = 0
    # A piece that would end before day 0 cannot be given: such rows stay whole.
    whole = head[:, 2] < 0
    tail[whole] = rows[whole]
    split = np.concatenate([head[~whole], tail])
    same(curve, mean_cumulative(*split[:, :4].T, terminal=split[:, 4]))


def test_weights_are_shares():
    columns = load("cgd")
    rows = spells(columns)
    curve = mean_cumulative(*rows)
    ten = mean_cumulative(*rows, np.full(rows[0].size, 10.0))
    np.testing.assert_allclose(ten.mean, curve.mean, rtol=1e-13)
    np.testing.assert_allclose(ten.std_err, curve.std_err, rtol=1e-12)
    # All subjects twice under new names halve the variance; with half weights they do as well.
    twice = [np.concatenate([rows[0], rows[0] + 1000]), *(np.tile(column, 2) for column in rows[1:])]
    for weights in (None, np.full(twice[0].size, 0.5)):
        doubled = mean_cumulative(*twice, weights)
        np.testing.assert_allclose(doubled.mean, curve.mean, rtol=1e-13)
        np.testing.assert_allclose(doubled.std_err, curve.std_err / math.sqrt(2), rtol=1e-12)


def test_subjects_without_weight_are_absent():
    rows = spells(load("cgd"))
    out = rows[0] % 3 == 0
    same(mean_cumulative(*(column[~out] for column in rows)), mean_cumulative(*rows, np.where(out, 0.0, 1.0)))


def test_first_events_alone_are_the_hazard_summed():
    rng = np.random.default_rng(5)
    time, event = rng.integers(1, 40, 200), rng.integers(0, 2, 200)
    curve, survival = mean_cumulative(np.arange(200), np.zeros(200), time, event), kaplan_meier(time, event)
    np.testing.assert_array_equal(curve.time, survival.time)
    np.testing.assert_allclose(curve.mean, np.cumsum(survival.events / survival.at_risk), rtol=1e-13)


def test_without_deaths_the_terminal_answer_is_the_plain_one():
    rows = spells(load("bladder2"))
    same(mean_cumulative(*rows), mean_cumulative(*rows, terminal=np.zeros(rows[0].size)))


def test_an_early_row_of_few_does_not_spoil_the_rest():
    """Two cancelling influences of one subject's size, then many subjects: no digit of the rest is lost."""
    rng = np.random.default_rng(6)
    time = rng.integers(20, 60, 3000)
    late = (np.arange(3000), np.full(3000, 15), time, rng.integers(0, 2, 3000))
    alone = mean_cumulative(*late)
    # Subjects -1 and -2 alone at first, with the same events: variance 0, and a large mean.
    early = ([-1, -1, -2, -2], [0, 5, 0, 5], [5, 10, 5, 10], [7, 7, 7, 7])
    both = mean_cumulative(*(np.concatenate(pair) for pair in zip(early, late, strict=True)))
    np.testing.assert_allclose(both.mean[2:], alone.mean + 14, rtol=1e-13)
    np.testing.assert_allclose(both.std_err[2:], alone.std_err, rtol=1e-10)


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"start": [0, 5, 2]}, "E721 start"),
        ({"start": [0, 9, 0]}, "E721 start"),
        ({"start": [-9, 2, -9], "stop": [2, 5, -4]}, "E722 stop"),
        ({"start": [0, 1, 0]}, "E723 start"),
        ({"event": [1, -1, 0]}, "E724 event"),
        ({"event": [1, 0.5, 0]}, "E724 event"),
        ({"weights": [1, 2, 1]}, "E725 weights"),
        ({"weights": [1, 1, 1e-7]}, "E735 weights"),
        ({"terminal": [0, 2, 0]}, "E726 terminal"),
        ({"terminal": [1, 0, 0]}, "E727 terminal"),
        ({"start": [0, math.nan, 0]}, "E604 start"),
        ({"stop": [2, math.inf, 4]}, "E605 stop"),
        ({"event": [1, math.nan, 0]}, "E604 event"),
        ({"id": [1, math.nan, 2]}, "E604 id"),
        ({"id": ["a", None, "b"]}, "E681 id"),
        ({"id": [1, 1]}, "E603 id"),
        ({"stop": [2, 5]}, "E603 stop"),
        ({"event": ["a", "b", "c"]}, "E601 event"),
        ({"weights": [1, 1, -1]}, "E606 weights"),
        ({"level": 95}, "E607 level"),
    ],
)
def test_refuses_by_name(changed, code):
    good = {"id": [1, 1, 2], "start": [0, 2, 0], "stop": [2, 5, 4], "event": [1, 0, 0]}
    mean_cumulative(**good)
    with pytest.raises(InputRefused, match=f"{code}: "):
        mean_cumulative(**(good | changed))


def test_positions_are_those_of_the_rows_as_given():
    with pytest.raises(InputRefused, match=r"Entries at fault: 1; positions 0 \(") as caught:
        mean_cumulative([7, 8, 7], [3, 0, 0], [9, 77, 5], [0, 0, 1])
    assert "77" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (([], [], [], []), "no rows"),
        (([1, 1], [0, 2], [2, 5], [1, 0]), "one subject only"),
        (([1, 2], [0, 0], [2, 5], [1, 0], [1, 0]), "one subject only"),
        (([1, 2], [0, 0], [2, 5], [1, 0], [0, 0]), "every weight is zero"),
    ],
)
def test_says_why_there_is_no_answer(arguments, reason):
    with pytest.raises(NotEstimable, match=reason):
        mean_cumulative(*arguments)


def test_reading_refuses_what_is_no_day():
    with pytest.raises(InputRefused, match="E614 days"):
        mean_at(mean_cumulative(*HAND), -1)
