"""The interval that takes clinics as drawn: against plain leaving out, and where it is not given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t as student

from courses import at, episodes_of
from outcomes.cases import build_episodes, build_return_rows, build_visits
from outcomes.estimators.npmle import cdf_at, npmle
from outcomes.questions import estimate_recurrence, estimate_relief
from outcomes.questions.relief_rows import build_rows
from outcomes.release.disclosure import protect_result
from outcomes.release.relief_views import relief_table
from outcomes.release.return_views import return_table
from outcomes.release.tables import name_tables, with_level
from outcomes.simulate import simulate
from tables import records_of


@pytest.fixture(scope="module")
def chain():
    """A simulated practice whose clinicians are taken for clinics of their own: more than ten of them."""
    cells = {head: [str(cell) for cell in column] for head, column in simulate(900, seed=4, clean=True).records.items()}
    cells["clinic_id"] = [f"{a}-{b}" for a, b in zip(cells["clinic_id"], cells["clinician_id"], strict=True)]
    return build_episodes(build_visits(records_of(cells)))


def by_hand(share, without):
    """The interval of a share on the logit scale from the shares without each clinic."""
    turned = [math.log(x / (1 - x)) for x in without]
    n, mean = len(turned), sum(turned) / len(turned)
    half = student.ppf(0.975, n - 1) * math.sqrt((n - 1) / n * sum((x - mean) ** 2 for x in turned))
    return tuple(1 / (1 + math.exp(-(math.log(share / (1 - share)) + sign * half))) for sign in (-1, 1))


def clinics_of(episodes, rows):
    return episodes.columns["clinic"][rows]


def test_relief_is_that_of_plain_leaving_out(chain):
    rows = build_rows(chain)
    clinic = clinics_of(chain, rows.episode)
    assert np.unique(clinic).size >= 10
    left = [clinic != one for one in np.unique(clinic)]
    without = [cdf_at(npmle(rows.left_days[k], rows.right_days[k]), [28.0])[0][0] for k in left]
    found = estimate_relief(chain)
    line = at(found.between_clinics, 28)
    assert line["estimate"] == at(found.table, 28)["estimate"]
    assert (line["conf_low"], line["conf_high"]) == pytest.approx(by_hand(line["estimate"], without), abs=1e-5)


def kaplan_meier(time, event, day):
    left = 1.0
    for one in sorted(set(time[event & (time <= day)].tolist())):
        left *= 1 - (event & (time == one)).sum() / (time >= one).sum()
    return 1 - left


def test_returns_are_those_of_plain_leaving_out(chain):
    rows = build_return_rows(chain)
    clinic, time, event = clinics_of(chain, rows.episode), rows.stop_days, rows.event == 1
    left = [clinic != one for one in np.unique(clinic)]
    found = estimate_recurrence(chain)
    for day in (90, 365):
        line = at(found.between_clinics, day)
        limits = by_hand(line["estimate"], [kaplan_meier(time[k], event[k], day) for k in left])
        assert (line["conf_low"], line["conf_high"]) == pytest.approx(limits, rel=1e-9)


def test_both_are_shown_beside_the_interval_by_patient(chain):
    for question, name, view in (
        (estimate_relief, "relief", relief_table),
        (estimate_recurrence, "recurrence", return_table),
    ):
        found = question(chain)
        tables = with_level(chain.protocol, name_tables(name, protect_result(found, 5)))
        shown = view(tables)
        heads = [column.heading for column in shown.columns]
        assert heads[2:4] == ["95\xa0% interval", "95\xa0% interval, by clinic"]
        assert "By clinic: clinics in place of patients" in shown.note
        assert f"{name}_between_clinics" in shown.csv.split()
        assert any(note.startswith("The interval by clinic takes the") for note in found.notes)


def many(n_clinics):
    courses = ["0:6 7:3 14:3", "0:6 7:5 14:2", "0:6 14:5"] * n_clinics
    return episodes_of(courses, extra={"clinic_id": [f"C{i // 3:02}" for i in range(3 * n_clinics)]})


@pytest.mark.parametrize(("n_clinics", "rows"), [(9, 0), (10, 5)])
def test_ten_clinics_are_needed(n_clinics, rows):
    found = estimate_relief(many(n_clinics))
    assert len(found.between_clinics) == rows
    said = [note for note in found.notes if "clinics as they are" in note]
    assert len(said) == 1
    assert (f"these {n_clinics} clinics as they are" in said[0]) == (rows == 0)


def test_one_clinic_and_none_recorded_are_not_spoken_of():
    for episodes in (many(1), episodes_of(["0:6 7:3", "0:6 14:5", "0:6 7:2"])):
        assert not any("clinics as they are" in note for note in estimate_relief(episodes).notes)


def test_groups_have_no_second_line():
    assert estimate_relief(many(10), by="clinic_id").between_clinics.empty


def test_patients_of_no_clinic_are_left_out_together():
    courses, places = ["0:6 7:3 14:3", "0:6 7:5 14:2", "0:6 14:5"] * 11, [f"C{i // 3:02}" for i in range(33)]
    named = at(estimate_relief(episodes_of(courses, extra={"clinic_id": places})).between_clinics, 14)
    blank = ["" if place == "C10" else place for place in places]
    assert at(estimate_relief(episodes_of(courses, extra={"clinic_id": blank})).between_clinics, 14).equals(named)


def test_where_nobody_was_seen_relieved_there_is_no_second_line():
    """Nothing to leave a clinic out of: the share is 0 with every clinic and without any."""
    places = [f"C{i // 3:02}" for i in range(33)]
    found = estimate_relief(episodes_of(["0:6 7:5 14:5"] * 33, extra={"clinic_id": places}))
    assert at(found.table, 14)["estimate"] == 0.0 and found.between_clinics.empty
