"""The review of the quarters: case mix, differences, charts, breaks, recording, verdicts, one clinic, shifted dates."""

from __future__ import annotations

import dataclasses
import re
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from courses import SMALL, dated_episodes, small
from outcomes.cases import build_episodes, build_visits
from outcomes.definitions import Protocol
from outcomes.errors import ConfigError, InputRefused, NotEstimable
from outcomes.estimators.charts import p_chart
from outcomes.estimators.cusum import risk_adjusted_cusum
from outcomes.estimators.proportions import newcombe
from outcomes.estimators.sensitivity import detectable_difference
from outcomes.questions import quarter as quarter_module
from outcomes.questions import (
    quarter_changes,
    quarter_charts,
    quarter_expected,
    quarter_verdicts,
    review_quarter,
)
from outcomes.questions.quarter_charts import Breaks
from outcomes.questions.quarter_indicators import build_indicators
from outcomes.questions.quarter_recording import Recording, _step
from outcomes.questions.quarter_values import _expectations, review_indicator
from outcomes.questions.quarter_volume import NO_VISITS_LATELY
from outcomes.questions.quarters import QUARTERS, quarter_number
from outcomes.records import Mapping, read_records
from outcomes.records.mapping import DateOptions
from outcomes.release.quarter_disclosure import protect_review
from tables import records

DAY = timedelta(1)


@pytest.fixture(scope="module")
def sample(repository):
    folder = repository / "data" / "sample"
    protocol = Protocol.load(folder / "protocol.toml")
    quick = dataclasses.replace(protocol, inference=dataclasses.replace(protocol.inference, bootstrap_draws=60))
    return build_episodes(build_visits(read_records(folder / "visits.csv", folder / "mapping.toml"), quick))


@pytest.fixture(scope="module")
def review(sample):
    return review_quarter(sample)


def written(rows, protocol=SMALL, columns=("patient_id", "visit_date", "pain_pre", "region", "clinic_id"), opened=None):
    """Episodes of rows of text, one a visit, at clinics open over all the dates."""
    dates = sorted(row[1] for row in rows)
    clinics = opened or sorted({row[4] for row in rows})
    lines = [" | ".join(columns)] + [" | ".join(row) for row in rows]
    lines += [f"open-{c} | {day} | | lumbar | {c}" for c in clinics for day in _monthly(dates[0], dates[-1])]
    return build_episodes(build_visits(records("\n".join(lines)), protocol))


def _monthly(first, last):
    day, out = date.fromisoformat(first), []
    while day < date.fromisoformat(last):
        out.append(day.isoformat())
        day += timedelta(28)
    return [*out, last]


def stays(quarter, who, n, stopped, pain="6", region="lumbar", clinic="C1"):
    """`n` episodes on working days of a quarter since 2024: `stopped` of them not relieved on day 7, the others are."""
    year, q = divmod(quarter, 4)
    first, rows = date(2024 + year, 1 + 3 * q, 2), []
    for i in range(n):
        name, start = f"{who}{quarter}-{i}", first + timedelta(i % 80)
        start += (7 - start.weekday()) * DAY if start.weekday() > 4 else timedelta(0)
        rows.append((name, start.isoformat(), pain, region, clinic))
        rows.append(
            (
                name,
                (start + 7 * DAY).isoformat(),
                pain if (i + 1) * stopped // n > i * stopped // n else "1",
                region,
                clinic,
            )
        )
    return rows


def at(table, **where):
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    assert len(table) == 1, where
    return table.iloc[0]


# -- the six indicators ------------------------------------------------------------------------------------------------


def test_there_are_six_indicators_and_no_more(review):
    assert list(dict.fromkeys(review.table["indicator"])) == [
        *("relieved_by_28", "resolved_by_42", "silent_stop", "returned_by_182"),
        *("active_before_landmark", "pain_recorded"),
    ]
    assert set(review.table["unit"]) == {"share"}


def test_without_treatments_there_is_no_exercise():
    episodes = written(stays(0, "a", 20, 5) + stays(1, "a", 20, 5) + stays(4, "b", 2, 1))
    assert "active_before_landmark" not in set(review_quarter(episodes).table["indicator"])


def test_an_immature_quarter_has_no_number_anywhere(review):
    numbers = (
        "estimate",
        "conf_low",
        "conf_high",
        "effective_n",
        "standardised",
        "expected",
        "observed_minus_expected",
    )
    immature = review.table[~review.table["mature"]]
    assert len(immature) and immature[list(numbers)].isna().all().all()
    chart = review.more["chart"]
    young = chart[~chart["mature"]]
    assert (
        len(young) and young["estimate"].isna().all() and (young["signal"] == "").all() and (young["word"] == "").all()
    )
    reviewed = at(review.more["verdicts"], indicator="returned_by_182")["quarter"]
    assert reviewed == review.summary["last_mature"]["returned_by_182"] < review.quarter


def test_a_few_episodes_before_the_first_whole_quarter_do_not_take_the_months_with_them():
    """Two of them are hidden, and as months add up so was every sum and every chart by months after them."""
    rows = stays(0, "mild", 120, 0, pain="2") + [row for q in range(1, 9) for row in stays(q, "w", 120, 40)]
    few = [(who, day, "6", "lumbar", "C1") for who in ("f1", "f2") for day in ("2024-03-20", "2024-03-27")]
    protocol = small(reporting_floor={"estimate_min_episodes": 30})
    found, without = (review_quarter(written(part, protocol)) for part in (rows + few, rows))
    first = at(found.table, quarter="2024Q1", indicator="silent_stop")
    assert (first["n"], first["events"]) == (2, 2)
    shown = protect_review(found, 5).more
    for name in ("expected", "chart_months"):
        months = shown[name][shown[name]["indicator"] == "silent_stop"]
        assert months["month"].iloc[0] == "2024-04" and (months["n"] >= 20).all(), name
        # The two are in no sum: else the difference to the numbers of the quarters would tell of them.
        alone = without.more[name][without.more[name]["indicator"] == "silent_stop"]
        alone = alone[alone["month"] >= "2024-04"]
        pd.testing.assert_frame_equal(months.reset_index(drop=True), alone.reset_index(drop=True))


def test_the_order_of_rows_changes_no_bit():
    rng = np.random.default_rng(6)
    rows = []
    for q in range(7):
        for k in range(6):
            where = {"region": ("lumbar", "cervical", "thoracic")[k % 3], "clinic": ("C1", "C2")[k % 2]}
            rows += stays(q, f"k{k}", 30, int(rng.integers(5, 20)), str(4 + k % 4), **where)
    rows += stays(11, "z", 2, 0)
    tables = []
    for seed in (1, 2):
        order = np.random.default_rng(seed).permutation(len(rows))
        found = review_quarter(written([rows[i] for i in order]))
        tables.append({"table": found.table, **found.more})
    assert len(tables[0]["expected"]) and len(tables[0]["cusum"]) == 0
    for name, table in tables[0].items():
        pd.testing.assert_frame_equal(table, tables[1][name], check_exact=True)


# -- case mix ----------------------------------------------------------------------------------------------------------


def test_standardised_and_expected_by_hand():
    # Mild patients (pain 4) stop in 2 of 10, severe ones (9) in 8 of 10; the second quarter has more severe ones.
    rows = (
        stays(0, "m", 40, 8, "4") + stays(0, "s", 20, 16, "9") + stays(1, "m", 20, 4, "4") + stays(1, "s", 40, 32, "9")
    )
    table = review_quarter(written([*rows, *stays(8, "z", 2, 0)])).table
    first, second = (at(table, quarter=q, indicator="silent_stop") for q in ("2024Q1", "2024Q2"))
    assert (first["events"], second["events"]) == (24, 36)
    assert first["estimate"] == pytest.approx(0.4) and second["estimate"] == pytest.approx(0.6)
    # The recorded shares part by 20 points; with the mix of both quarters they are the same.
    assert first["standardised"] == pytest.approx(second["standardised"], abs=1e-12)
    assert first["expected"] == pytest.approx(24, abs=1e-9) and second["observed_minus_expected"] == pytest.approx(
        0, abs=1e-9
    )
    assert second["observed_to_expected"] == pytest.approx(1)
    assert second["std_conf_low"] < second["standardised"] < second["std_conf_high"]


def test_standardising_moves_little_where_the_mix_is_stable(review):
    part = review.table[review.table["indicator"] == "relieved_by_28"].dropna(subset=["standardised"])
    assert (part["standardised"] - part["estimate"]).abs().max() < 0.05
    width, moved = part["conf_high"] - part["conf_low"], part["std_conf_high"] - part["std_conf_low"]
    assert (moved > 0.97 * width).all() and (moved < 1.4 * width).all()


def test_moved_limits_are_those_of_weighted_draws(sample):
    from outcomes.estimators import post_strata
    from outcomes.questions import results
    from outcomes.questions.quarter_indicators import build_indicators, mix_levels
    from outcomes.questions.quarters import QUARTERS, read_quarter
    from outcomes.questions.relief_fit import fit_line
    from outcomes.questions.relief_rows import build_rows

    relief = build_indicators(sample)[0]
    old = np.flatnonzero(relief.old_enough)
    member = QUARTERS.number(relief.start_day[old]) == read_quarter("2025Q1")
    levels = mix_levels(sample, relief.episode[old])
    weight = post_strata.post_weights(post_strata.build_strata(levels, member, 5), member)
    _, moved = relief.estimate(old[member], weight, "x")
    many = dataclasses.replace(sample.protocol.inference, bootstrap_draws=2000)
    rows = build_rows(sample).take(old[member], weight)
    line = fit_line("x", rows, dataclasses.replace(sample.protocol, inference=many))
    share, low, high = results.read_day(line, 28)
    assert moved.estimate == pytest.approx(share, abs=1e-6)
    # Kish's factor against draws of patients with their weights, so many that their own noise is small: within a fifth.
    assert moved.conf_high - moved.conf_low == pytest.approx(high - low, rel=0.2)


def test_expected_numbers_add_up_to_those_observed(review):
    for name, part in review.table.dropna(subset=["expected"]).groupby("indicator"):
        rest, total = part["observed_minus_expected"].sum(), part["expected"].sum()
        # A curve of all is not quite the mean of the curves of its parts.
        assert rest == pytest.approx(0, abs=1e-6 if name in ("silent_stop", "active_before_landmark") else 0.06 * total)
    assert (
        review.table.loc[review.table["indicator"] == "pain_recorded", ["standardised", "expected"]].isna().all().all()
    )


# -- differences -------------------------------------------------------------------------------------------------------


def test_a_difference_is_newcombes_and_knows_what_could_be_seen():
    rows = stays(0, "a", 60, 20) + stays(1, "a", 50, 30) + stays(5, "a", 40, 10) + stays(10, "z", 2, 0)
    found = review_quarter(written(rows)).more["changes"]
    assert tuple(found.columns) == quarter_changes.COLUMNS
    row = at(found, indicator="silent_stop", against="same quarter last year", basis="recorded")
    assert (row["quarter"], row["quarter_against"], row["n"], row["n_reference"]) == ("2025Q2", "2024Q2", 40, 50)
    assert row["estimate"] == pytest.approx(10 / 40 - 30 / 50)
    # Effective numbers are one less than the patients: the variance has the divisor n - 1.
    _, low, high = newcombe(10 / 40 * 39, 39, 30 / 50 * 49, 49)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((low[0], high[0]), abs=1e-12)
    step = detectable_difference(39, 49, 0.6)
    assert (row["detectable_up"], row["detectable_down"]) == pytest.approx((step.up, step.down))
    before = at(found, indicator="silent_stop", against="quarter before", basis="recorded")
    assert before["quarter_against"] == "2025Q1" and np.isnan(before["estimate"]) and before["n_reference"] == 0


def test_355_a_quarter_show_ten_points():
    step = detectable_difference(355, 355, 0.6)
    assert step.up == pytest.approx(0.1, abs=5e-4)
    assert detectable_difference(151, 151, 0.6).up == pytest.approx(0.15, abs=1.5e-3)
    assert detectable_difference(1470, 1470, 0.6).up == pytest.approx(0.05, abs=2e-4)


# -- charts, breaks ----------------------------------------------------------------------------------------------------


def stop_series(shares, n=60, protocol=SMALL, **more):
    rows = [row for q, share in enumerate(shares) for row in stays(q, "a", n, round(share * n), **more)]
    # A few late visits set the data cut; a handful in thousands would be taken for slips of the date.
    return written([*rows, *stays(len(shares) + 3, "z", max(2, n // 30), 0, **more)], protocol)


def test_the_chart_is_a_p_chart_of_the_counts_and_calls_a_signal_by_name():
    shares = [0.3, 0.35, 0.3, 0.25, 0.3, 0.35, 0.3, 0.25, 0.3, 0.35, 0.3, 0.25, 0.6]
    found = review_quarter(stop_series(shares), "2027Q1")
    chart = found.more["chart"]
    part = chart[(chart["indicator"] == "silent_stop") & (chart["basis"] == "recorded")].set_index("quarter")
    plain = p_chart([round(60 * share) for share in shares], [60] * 13)
    assert part["centre"].iloc[:13].to_numpy() == pytest.approx(plain.centre, abs=1e-12)
    assert part["high"].iloc[:13].to_numpy() == pytest.approx(plain.high, abs=1e-12)
    last = part.loc["2027Q1"]
    assert (last["signal"], last["status"], last["word"]) == ("outside", "fixed", "concern")
    verdict = found.summary["verdict"]["silent_stop"]
    assert verdict.startswith("signal: above the limits; ") and verdict.endswith("look for a reason")
    assert found.summary["verdict_silent_stop"] == verdict


def test_fewer_points_have_trial_limits_or_none():
    six = review_quarter(stop_series([0.3, 0.35, 0.3, 0.25, 0.3, 0.35]))
    assert six.summary["verdict"]["silent_stop"] == f"{quarter_verdicts.INSIDE} (trial limits)"
    three = review_quarter(stop_series([0.3, 0.35, 0.3]))
    assert three.summary["verdict"]["silent_stop"] == quarter_verdicts.TOO_FEW


def test_without_a_score_the_verdict_says_so_and_not_that_there_are_too_few():
    unrated = [(who, day, "", *rest) for q in range(6) for who, day, _, *rest in stays(q, "a", 60, 18)]
    said = review_quarter(written(unrated)).summary["verdict"]
    rest = {name: words for name, words in said.items() if name != "pain_recorded"}
    assert set(rest.values()) == {quarter_verdicts.NO_PAIN} and said["pain_recorded"] != quarter_verdicts.NO_PAIN
    assert quarter_verdicts.NO_PAIN not in review_quarter(stop_series([0.3] * 6)).summary["verdict"].values()


def test_only_a_documented_break_begins_new_limits():
    shares = [0.2] * 5 + [0.6] * 5
    shares = [share + 0.05 * (i % 2) for i, share in enumerate(shares)]
    plain = review_quarter(stop_series(shares))
    assert "signal" in plain.summary["verdict"]["silent_stop"]
    broken = small(spc={"breaks": ["2025Q2: another desk asks why patients stop", "2031Q1: not yet"]})
    found = review_quarter(stop_series(shares, protocol=broken))
    chart = found.more["chart"]
    part = chart[(chart["indicator"] == "silent_stop") & (chart["basis"] == "recorded")].set_index("quarter")
    assert part.loc["2025Q1", "centre"] < 0.3 < 0.55 < part.loc["2025Q2", "centre"]
    assert part.loc["2025Q2", "break_reason"] == "another desk asks why patients stop"
    assert found.summary["verdict"]["silent_stop"].startswith(quarter_verdicts.INSIDE)
    assert found.more["breaks"]["quarter"].tolist() == ["2025Q2", "2031Q1"]
    assert any("2031Q1 lies outside" in note for note in found.notes)


def test_a_clinic_that_joins_later_is_named_beside_what_it_moves():
    """From the 13th quarter on half of the patients are of a clinic where twice as many stop; neither changed."""
    rows = [row for q in range(16) for row in stays(q, "a", 60, 18)]
    rows += [row for q in range(12, 16) for row in stays(q, "b", 60, 36, clinic="C2")]
    said = "Not all clinics are in all quarters: C2 from 2027Q1 on"
    floor = {"proportion_min_n": 10}
    plain = small(reporting_floor=floor)
    joined = review_quarter(written(rows, plain))
    assert joined.summary["verdict"]["silent_stop"].startswith("signal: above the limits")
    assert sum(note.startswith(said) for note in joined.notes) == 1
    documented = small(reporting_floor=floor, spc={"breaks": ["2027Q1: C2 opened"]})
    both = [row for q in range(4) for clinic in ("C1", "C2") for row in stays(q, clinic, 60, 18, clinic=clinic)]
    for without in (
        review_quarter(written(rows, documented)),
        review_quarter(written(rows, plain), clinic="C2"),
        review_quarter(written(both, plain)),
    ):
        assert not any("Not all clinics" in note for note in without.notes)


@pytest.mark.parametrize("text", ["2025Q5: x", "spring: x", "2025Q3", "2025Q3: ", "2025-Q3: x"])
def test_a_break_needs_a_quarter_and_a_reason(text):
    with pytest.raises(ConfigError, match=r"spc\.breaks\[0\].*a quarter, a colon and the reason"):
        small(spc={"breaks": [text]})


def test_breaks_of_one_quarter_are_one_break():
    found = Breaks.of(small(spc={"breaks": ["2025Q4: b", "2025Q2: a", "2025Q4: c"]}))
    assert list(found.reason.values()) == ["a", "b; c"]
    first = next(iter(found.reason))
    assert found.positions(range(first - 1, first + 8)) == [1, 3] and found.positions(range(first, first + 2)) == []
    assert found.positions(range(first - 1, first + 8), 3) == [3, 9]


def test_protocol_settings_of_charts(tmp_path):
    assert Protocol().spc.breaks == () and Protocol().hash != small(spc={"breaks": ["2025Q4: b"]}).hash
    path = tmp_path / "p.toml"
    changed = Protocol.from_mapping({"spc": {"breaks": ["2025Q4: new form"], "check_weekdays": False}})
    path.write_text(changed.to_toml(), "utf-8")
    assert Protocol.load(path) == changed
    with pytest.raises(ConfigError, match="C102"):
        Protocol.from_mapping({"spc": {"break": []}})


def test_limits_of_shares_from_moving_ranges_lie_where_shares_can():
    chart = quarter_charts.xmr_chart([0.98, 0.6, 0.99, 0.7, 0.97, 0.02])
    assert chart.high[0] > 1 and chart.low[0] < 0
    shown = dict(zip(quarter_charts.LINES, quarter_charts._lines(chart, 0), strict=False))
    assert (shown["low"], shown["high"]) == (0.0, 1.0) and shown["centre"] == chart.centre[0]
    assert quarter_charts._lines(chart, 0)[len(quarter_charts.LINES)] == chart.signal[0]


def test_a_quarter_before_those_with_values_is_not_said_to_stand_for_all_of_them():
    rows = [row for q, n in enumerate([4, 60, 60, 60]) for row in stays(q, "a", n, n // 3)]
    episodes = written(
        [*rows, *stays(7, "z", 2, 0)], small(reporting_floor={"proportion_min_n": 6, "estimate_min_episodes": 30})
    )
    found = review_quarter(episodes)
    assert found.table.query("indicator == 'silent_stop' and estimate == estimate")["quarter"].size == 3
    first = found.table["quarter"].min()
    said = review_quarter(episodes, first).summary["verdict"]["silent_stop"]
    assert said == f"no quarter up to {first} has enough episodes to be judged"


def test_months_are_charted_where_volume_allows(review):
    months = review.more["chart_months"]
    assert {"silent_stop", "pain_recorded"} <= set(months["indicator"])
    stops = months[months["indicator"] == "silent_stop"]
    quarter = at(review.table, indicator="silent_stop", quarter="2025Q1")
    own = stops[stops["month"].isin(["2025-01", "2025-02", "2025-03"])]
    assert (own["n"].sum(), own["events"].sum()) == (quarter["n"], quarter["events"])
    assert (stops["status"] == "fixed").all()
    few = review_quarter(stop_series([0.3] * 6, n=20)).more["chart_months"]
    assert "silent_stop" not in set(few["indicator"])


def test_months_in_which_too_few_are_still_seen_by_the_day_make_no_chart(sample, review):
    # At C02 most months have 30 episodes and more, but hardly one has 20 of them still coming on day 28.
    own = review_quarter(sample, clinic="C02").more["chart_months"]
    for months in (own, review.more["chart_months"]):
        begun = months[months.groupby("indicator")["n"].cumsum() > 0]
        filled = begun.groupby("indicator")["estimate"].agg(lambda shares: shares.notna().mean())
        assert len(filled) and (filled >= quarter_charts.MONTHS_FILLED).all()
    assert "relieved_by_28" not in set(own["indicator"])
    assert "relieved_by_28" in set(review.more["chart_months"]["indicator"])


def _ended(quarters, ends, cut=None):
    """Six quarters of C1; C2 and C3 have visits up to the quarters named in `ends`, counted from 2024."""
    rows = [row for q in range(quarters) for row in stays(q, "a", 40, 12)]
    for clinic, last in ends.items():
        rows += [row for q in range(last + 1) for row in stays(q, clinic, 40, 12, clinic=clinic)]
    lines = ["patient_id | visit_date | pain_pre | region | clinic_id"] + [" | ".join(row) for row in rows]
    ended = date(2024 + quarters // 4, 3 * (quarters % 4) + 1, 1) - DAY
    lines += [f"open-C1 | {day} | | lumbar | C1" for day in _monthly("2024-01-02", ended.isoformat())]
    declared = Mapping(dates=DateOptions(data_cut=cut)) if cut else Mapping()
    return review_quarter(build_episodes(build_visits(records("\n".join(lines), declared), SMALL))).notes


def test_a_clinic_without_visits_lately_is_named_once_and_so_are_those_that_ended_long_ago():
    notes = _ended(8, {"C2": 6, "C3": 3})
    (lately,) = (note for note in notes if note.startswith(NO_VISITS_LATELY))
    assert "C2 after 2025Q3." in lately and "C3" not in lately and "missing from the export" in lately
    assert "Without visits for longer: C3 after 2024Q4." in notes
    left_out = [note for note in notes if "data end earlier" in note]
    assert left_out and len({note.partition(" episodes of clinics ")[0] for note in left_out}) == len(left_out)
    # A quarter before a colon is one of the protocol to the page, and is left as it is written there.
    assert not any(re.search(r"\dQ\d:", note) for note in left_out)
    assert not any("Without visits" in note for note in _ended(8, {"C2": 7}))
    assert not any("Without visits" in note for note in _ended(8, {"C2": 7}, date(2026, 3, 31)))
    (most,) = (note for note in _ended(8, {"C2": 6, "C3": 6}) if note.startswith("Without visits"))
    assert most.startswith(f"{NO_VISITS_LATELY} most clinics; the last visits are those of C1. Are dates")


# -- recording ---------------------------------------------------------------------------------------------------------


def test_a_step_in_recording_has_limits_around_it_and_none_after_too_few_visits():
    event, patient = np.repeat([True, False, True, False], [8, 2, 5, 15]), np.arange(30)
    recorded, now, before = SimpleNamespace(event=event, floor=20), np.arange(10), np.arange(10, 30)
    step, low, high = _step(recorded, now, before, patient)
    assert step == pytest.approx(0.8 - 0.25) and low < step < high
    recorded.floor = 10
    assert _step(recorded, before, now, patient) == pytest.approx((-step, -high, -low))
    assert np.isnan(_step(recorded, before, now[1:], patient)).all()


def test_the_planted_change_of_recording_is_found_once_and_at_its_clinic(review):
    jumps = review.more["recording"].query("jumped")
    assert jumps[["quarter", "clinic_id"]].to_numpy().tolist() == [["2025Q3", "C03"]]
    assert any("Recording of pain scores changed at C03 in 2025Q3" in note for note in review.notes)
    assert review.summary["verdict"]["pain_recorded"].startswith("signal: above the limits")
    assert "C03 2025Q3" in review.summary["verdict"]["pain_recorded"]


def test_clinics_whose_recording_changed_in_one_quarter_share_a_sentence(sample):
    number = quarter_number(np.array(["2025-01-01"], dtype="datetime64[D]"))[0]
    found = Recording((), tuple((int(number), clinic) for clinic in ("C01", "C02", "C03")))
    notes = quarter_module._standing_notes(sample, found, Breaks({}), None, "")
    (said,) = (note for note in notes if "Recording of pain" in note)
    assert said.startswith("Recording of pain scores changed at C01, C02 and C03 in 2025Q1. Where")


def test_a_signal_beside_a_change_of_recording_is_no_improvement(review):
    number = 4 * 55 + 2
    chart = _fake_chart("outside", 1, number)
    quiet, loud = Recording((), ()), Recording((), ((number, "C03"),))
    assert (
        quarter_charts.signal_word(chart, number, bool(quarter_charts.changed_recording(chart, number, quiet)))
        == "improvement"
    )
    changed = quarter_charts.changed_recording(chart, number, loud)
    assert changed == ((number, "C03"),) and quarter_charts.signal_word(chart, number, True) == "change"
    verdict = quarter_verdicts.give_verdicts([chart], loud, number)["verdict"].iloc[0]
    assert verdict.startswith(
        "signal: above the limits; recording changed at the same time; look at recording first (C03 "
    )
    # Documented, it begins new limits and explains no later signal; a year away it is not near.
    assert not quarter_charts.changed_recording(chart, number, Recording((), loud.jumps, frozenset([number])))
    old = Recording((), ((number - 4, "C03"),))
    assert not quarter_charts.changed_recording(chart, number, old)
    run = _fake_chart("shift", 1, number)
    assert quarter_charts.changed_recording(run, number, Recording((), ((number - 6, "C03"),)))
    # Limits that rest on the quarters before the jump compare both sides of it, however long ago.
    early = _fake_chart("outside", 1, number, limits_from=2)
    assert quarter_charts.changed_recording(early, number, old) == ((number - 4, "C03"),)
    last = early.limits_until(number)
    assert not quarter_charts.changed_recording(early, number, Recording((), ((last, "C03"),)))
    assert quarter_charts.changed_recording(early, number, Recording((), ((last + 1, "C03"),)))
    verdict = quarter_verdicts.give_verdicts([early], old, number)["verdict"].iloc[0]
    assert "recording changed since the limits were set; look at recording first (C03 " in verdict


def _fake_chart(signal, direction, number, limits_from=8):
    from types import SimpleNamespace as Ns

    from outcomes.questions.quarter_indicators import UP, Value
    from outcomes.questions.quarter_values import PeriodValue

    indicator = Ns(name="relieved_by_28", label="Relieved", good=UP, is_mix=True)
    values = tuple(PeriodValue(number - 7 + i, True, 100, 50, Value(0.7, 0.6, 0.8, 90.0)) for i in range(8))
    segment = Ns(first=0, last=7, limits_from=limits_from, reason="")
    marks = {"signal": [""] * 7 + [signal], "direction": [0] * 7 + [direction], "status": ["fixed"] * 8}
    lines = Ns(**marks, value=np.full(8, 0.7), segments=(segment,))
    return quarter_charts.Charted(Ns(indicator=indicator, values=values), "recorded", lines)


@pytest.mark.parametrize(
    "words", [*quarter_verdicts._SIGNALS.values(), quarter_verdicts.INSIDE, quarter_verdicts.LOOK_AT_RECORDING]
)
def test_wording_claims_no_effect(words):
    banned = ("effective", "reduc", "prove", "worse", "better", "significant", "underperform", "best")
    assert not any(word in words for word in banned)


# -- one clinic, shifted dates -----------------------------------------------------------------------------------------


def test_one_clinic_is_reviewed_by_itself(sample, review):
    parts = [review_quarter(sample, "2025Q1", clinic=name) for name in ("C01", "C02", "C03")]
    found = parts[1]
    assert found.summary["clinic"] == "C02" and review.summary["clinic"] == ""
    for name in ("silent_stop", "pain_recorded"):
        whole = at(review.table, indicator=name, quarter="2025Q1")
        own = [at(part.table, indicator=name, quarter="2025Q1") for part in parts]
        assert sum(row["n"] for row in own) == whole["n"] and sum(row["events"] for row in own) == whole["events"]
    assert set(found.more["recording"]["clinic_id"]) == {"C02"}


def test_no_such_clinic(sample):
    with pytest.raises(InputRefused, match=r"E841.*Did you mean 'C02'"):
        review_quarter(sample, clinic="c02")
    without = dated_episodes([("a", "2025-01-05", "6"), ("a", "2025-01-12", "2"), ("z", "2026-01-01", "6")])
    with pytest.raises(InputRefused, match="E841"):
        review_quarter(without, clinic="C1")
    with pytest.raises(InputRefused, match="E657"):
        review_quarter("episodes")


def shifted(rng, patients, days, by_patient):
    """Weekly visits on working days; `by_patient` days of shift are drawn patient by patient."""
    rows = []
    for i in range(patients):
        monday = date(2024, 1, 1) + timedelta(7 * int(rng.integers(0, 60)))
        start = monday + timedelta(int(rng.integers(0, days))) + timedelta(int(rng.integers(0, by_patient)))
        rows += [(f"p{i}", (start + timedelta(7 * k)).isoformat(), str(6 - 2 * k)) for k in range(3)]
    return rows


def test_dates_shifted_patient_by_patient_are_refused():
    rng = np.random.default_rng(3)
    true = dated_episodes(shifted(rng, 400, 5, 1), end="2026-01-01")
    assert review_quarter(true).quarter
    moved = dated_episodes(shifted(rng, 400, 5, 365), end="2026-06-01")
    with pytest.raises(NotEstimable, match="weekends as often as on other days"):
        review_quarter(moved)
    trusted = small(spc={"check_weekdays": False})
    assert review_quarter(dated_episodes(shifted(rng, 400, 5, 365), trusted, end="2026-06-01")).quarter
    # A practice open on Saturdays is no reason, and some tens of patients cannot tell.
    assert review_quarter(dated_episodes(shifted(rng, 400, 6, 1), end="2026-01-01")).quarter
    assert review_quarter(dated_episodes(shifted(rng, 60, 5, 365), end="2026-06-01")).quarter


# -- observed minus expected -------------------------------------------------------------------------------------------


def test_sums_over_months_end_at_zero_and_stay_inside(review):
    sums = review.more["expected"]
    assert set(sums["indicator"]) == {"relieved_by_28", "silent_stop"}
    for _, part in sums.groupby("indicator"):
        assert part["difference"].iloc[-1] == pytest.approx(0, abs=1e-6)
        assert part["month"].is_monotonic_increasing and (part["low"] <= 0).all() and (part["high"] >= 0).all()
    assert not sums["beyond"].any()


def test_a_step_of_silent_stops_is_seen_by_the_sums_and_the_cusum():
    shares = [0.3] * 8 + [0.55] * 4
    found = review_quarter(stop_series(shares, 220))
    sums = found.more["expected"].query("indicator == 'silent_stop'")
    assert sums["beyond"].any() and sums["difference"].min() < -20
    cusum = found.more["cusum"]
    assert (cusum["signal"] == 1).any() and not (cusum["signal"] == -1).any()
    assert set(cusum.loc[cusum["signal"] == 1, "word"]) == {"concern"} and set(cusum["word"]) <= {"", "concern"}
    better = review_quarter(stop_series([0.6] * 8 + [0.35] * 4, 220)).more["cusum"]
    assert set(better.loc[better["signal"] != 0, "word"]) == {"improvement"}
    assert set(cusum["month"]) <= {f"2026-{m:02}" for m in range(1, 13)}
    calm = review_quarter(stop_series([0.3] * 12, 220)).more
    assert not calm["cusum"]["signal"].any() and not calm["expected"]["beyond"].any()


def test_sums_and_cusum_begin_anew_at_a_documented_break():
    """What is documented to have changed is not found once more, and called a concern."""
    shares, word = [0.3] * 8 + [0.55] * 4, "the documented break of 2026Q1"
    found = review_quarter(stop_series(shares, 220, small(spc={"breaks": ["2026Q1: pain made mandatory"]})))
    sums = found.more["expected"].query("indicator == 'silent_stop'")
    assert set(sums["month"]) == {f"2026-{m:02}" for m in range(1, 13)} and not sums["beyond"].any()
    assert sums["difference"].iloc[-1] == pytest.approx(0, abs=1e-6)
    assert found.more["cusum"].empty
    assert any("watches the last 4 mature quarters" in note for note in found.notes)
    assert sum(word in note for note in found.notes) == 1
    # A break before the quarters watched leaves those after it as their measure; one of the first quarter, all.
    early = small(spc={"breaks": ["2024Q2: another form"]})
    later = review_quarter(stop_series(shares, 220, early))
    assert (later.more["cusum"]["signal"] == 1).any() and later.more["expected"]["month"].min() == "2024-04"
    first = review_quarter(stop_series(shares, 220, small(spc={"breaks": ["2024Q1: the first", "2027Q4: to come"]})))
    assert first.more["expected"]["month"].min() == "2024-01" and not any(" begin with the" in n for n in first.notes)


def test_the_cusum_of_the_sample_alarms_as_often_as_it_asks_for(sample, monkeypatch):
    seen = []

    def watch(outcome, expected, **settings):
        seen.append((expected, settings["group"], risk_adjusted_cusum(outcome, expected, **settings)))
        return seen[-1][2]

    monkeypatch.setattr(quarter_expected, "risk_adjusted_cusum", watch)
    review_quarter(sample)
    (expected, day, found), rng = seen[0], np.random.default_rng(77)
    ends = np.flatnonzero(np.append(np.diff(day) > 0, True))
    events = np.cumsum(rng.random((3000, expected.size)) < expected, axis=1)[:, ends]
    alarmed = np.zeros(3000, dtype=bool)
    for ratio, limit in ((quarter_expected.ODDS, found.limit_up), (1 / quarter_expected.ODDS, found.limit_down)):
        total = np.log(ratio) * events - np.cumsum(np.log1p((ratio - 1) * expected))[ends]
        lowest = np.minimum(np.minimum.accumulate(total, axis=1), 0)
        alarmed |= (total - lowest).max(axis=1) > limit
    # Three errors of 3,000 fresh series and of the 9,999 that set the limits: 1.4 points.
    assert abs(alarmed.mean() - 0.05) < 0.014


def test_few_cases_have_more_simulated_series_than_many():
    found = [quarter_expected.count_series(n) for n in (1, 1_000, 6_000, 24_000, 10**6)]
    assert found == [9_999, 9_999, 9_999, 2_500, 999]


def test_a_short_reference_gives_no_cusum_and_says_so():
    found = review_quarter(stop_series([0.3] * 6))
    assert found.more["cusum"].empty
    assert any("A CUSUM needs 1,000 episodes" in note for note in found.notes)


def with_treatments(word):
    """Two quarters of relieved patients, all in exercise from the first day on, which `word` names."""
    rows = []
    for quarter, first in enumerate(("2024-04-01", "2024-07-01")):
        for i in range(30):
            day = date.fromisoformat(first) + i * DAY
            for after, pain in ((0, "8"), (7, "2"), (14, "1")):
                rows.append(
                    [f"P{quarter}-{i}", (day + after * DAY).isoformat(), pain, "lumbar", "C1", word(quarter, i)]
                )
    rows.sort(key=lambda row: (row[0], row[1]))
    columns = ("patient_id", "visit_date", "pain_pre", "region", "clinic_id", "modalities")
    lines = [" | ".join(columns)] + [" | ".join(row) for row in rows]
    lines += [f"open | {day} | | lumbar | C1 | massage" for day in _monthly("2024-01-02", "2025-06-02")]
    return build_episodes(build_visits(records("\n".join(lines)), SMALL))


@pytest.mark.parametrize(
    ("n_unknown", "counted", "noted"), [(0, 30, ""), (3, 30, ""), (4, 0, "2024Q3"), (30, 0, "2024Q3")]
)
def test_exercise_is_not_counted_where_treatments_are_in_unknown_words(n_unknown, counted, noted):
    episodes = with_treatments(lambda quarter, i: "Turnen" if quarter and i < n_unknown else "exercise")
    found = review_quarter(episodes)
    rows = found.table[found.table["indicator"] == "active_before_landmark"].set_index("quarter")
    assert rows.loc["2024Q2", ["n", "events"]].tolist() == [30, 30]
    assert rows.loc["2024Q3", "n"] == counted and (not counted or rows.loc["2024Q3", "events"] == 30 - n_unknown)
    said = [note for note in found.notes if note.startswith("Treatments are in words the codebook does not know")]
    assert len(said) == bool(noted) and all(f"began in {noted}. Active" in note for note in said)


def test_exercise_is_no_indicator_where_no_word_for_a_treatment_is_known():
    found = review_quarter(with_treatments(lambda quarter, i: "Turnen"))
    assert "active_before_landmark" not in set(found.table["indicator"])
    assert any("began in 2024Q2 to 2024Q3. Active" in note for note in found.notes)


def test_a_clinic_at_which_no_episode_started_has_no_quarter():
    """Five whose care began at C1 were seen at C2 once."""
    seen = [(f"a0-{i}", "2024-01-16", "5", "lumbar", "C2") for i in range(5)]
    rows = [*stays(0, "a", 60, 18), *stays(1, "a", 60, 18), *seen]
    with pytest.raises(NotEstimable, match="no episode started there"):
        review_quarter(written(sorted(rows, key=lambda row: row[1]), opened=("C1",)), clinic="C2")


def test_a_jump_of_recording_at_a_documented_break_needs_no_reason():
    number, episodes = 4 * 55, written(stays(0, "a", 6, 2))
    recording = Recording((), ((number, "C1"), (number + 1, "")))
    scope = SimpleNamespace(code=-1, shown=range(number - 3, number + 2))

    def notes(breaks):
        return quarter_module._standing_notes(episodes, recording, Breaks(breaks), scope, "no cusum")

    said = [note for note in notes({}) if note.startswith("Recording of pain scores changed")]
    assert [note.split(". ")[0][32:] for note in said] == [" at C1 in 2025Q1", " in 2025Q2"]
    documented = [note for note in notes({number: "new form"}) if note.startswith("Recording of pain scores changed")]
    assert documented == said[1:]


def test_without_a_value_in_any_quarter_there_is_no_chart():
    chart = quarter_charts.Charted(_fake_chart("", 0, 4 * 55).series, "recorded", None)
    assert (chart.status(4 * 55), chart.reason(4 * 55)) == ("none", "no quarter has a value")
    assert (chart.limits_until(4 * 55), chart.signal(4 * 55)) == (4 * 55, ("", 0))


def test_where_a_stratum_ends_before_the_day_no_number_is_expected(sample):
    indicator = build_indicators(sample)[0]
    short = dataclasses.replace(indicator, mean=lambda rows: float("nan"))
    pool = np.arange(200)
    stratum, expected, notes = _expectations(short, pool, [np.zeros(200, dtype=np.intp)])
    assert (stratum.size, expected.size) == (0, 0)
    words = "no number can be expected: the curve of some patients ends before that day."
    assert notes == [f"{indicator.label}: {words}"]
    stratum, expected, notes = _expectations(indicator, pool, [np.zeros(200, dtype=np.intp)])
    assert notes == [] and expected.tolist() == [indicator.mean(pool)] * 200


def test_episodes_of_a_clinic_whose_data_end_earlier_are_left_out_and_said(sample):
    """In a quarter that is mature by the last cut, those whose own clinic's data end before their day are no rows."""
    indicator, scope = build_indicators(sample)[0], quarter_module._find_scope(sample, None)[0]
    plain = review_indicator(sample, indicator, scope, QUARTERS)
    number = next(value.number for value in plain.values if value.n > 100)
    of_quarter = np.flatnonzero(QUARTERS.number(indicator.start_day) == number)
    age = indicator.age_days.copy()
    age[of_quarter[:3]] = 0
    found = review_indicator(sample, dataclasses.replace(indicator, age_days=age), scope, QUARTERS)
    assert plain.at(number).n - found.at(number).n == 3
    assert found.left_out == (number,) and plain.left_out == ()
