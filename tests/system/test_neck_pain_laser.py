"""The main job on real patients: a published trial as a visit export, against the counts its authors give.

The export may not be shipped with the package; the test reads it where it lies beside the checkout.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import outcomes as oc
from outcomes.cli import main
from outcomes.errors import NotEstimable

EXPORT = Path(__file__).resolve().parents[3] / "shared" / "exports" / "neck_pain_laser" / "visits.csv"
MAPPING = Path(__file__).with_name("neck_pain_laser.toml")

pytestmark = pytest.mark.skipif(not EXPORT.is_file(), reason=f"the neck-pain export is not at {EXPORT}")


@pytest.fixture(scope="module")
def visits():
    return oc.build_visits(oc.read_records(EXPORT, MAPPING))


@pytest.fixture(scope="module")
def by_patient(visits):
    """Pain at days 0, 49 and 84 and the arm, one row a patient."""
    table = visits.table
    assert not table.duplicated(["patient_id", "visit_day"]).any()
    pain = table.pivot(index="patient_id", columns="visit_day", values="pain_pre_nrs")
    laser = table.groupby("patient_id", observed=True)["modalities"].first() == "laser_light"
    return pain.assign(laser=laser)


def test_rows_patients_and_measurements(visits, by_patient):
    assert visits.n == 264
    assert len(by_patient) == 90
    assert by_patient[49].notna().sum() == 84
    assert by_patient[84].notna().sum() == 90
    assert by_patient["laser"].sum() == 45
    assert visits.quarantine.num_rows == 0


def test_mean_change_by_arm(by_patient):
    change = (by_patient[84] - by_patient[0]).groupby(by_patient["laser"]).mean()
    assert round(change[True], 2) == -2.68
    assert round(change[False], 2) == 0.25


@pytest.mark.parametrize(
    ("share", "least_baseline", "laser", "sham"),
    [(0.30, 0.0, (33, 45), (10, 45)), (0.50, 0.0, (21, 45), (4, 45)), (0.50, 3.0, (20, 41), (3, 30))],
)
def test_responders_at_day_84(by_patient, share, least_baseline, laser, sham):
    # Hundredths of a point: at least 30 % better is a comparison of integers.
    before, after = (np.rint(by_patient[day] * 100).astype(int) for day in (0, 84))
    counted = before >= least_baseline * 100
    better = after * 100 <= before * round(100 - share * 100)
    for arm, expected in ((True, laser), (False, sham)):
        of_arm = counted & (by_patient["laser"] == arm)
        assert (int((better & of_arm).sum()), int(of_arm.sum())) == expected


def test_the_word_sham_is_reported_not_dropped(visits):
    assert visits.unknown_terms == (("modalities", "sham laser", 131, 45),)


def test_everything_but_quarters_is_answered(visits):
    episodes = oc.build_episodes(visits)
    assert oc.estimate_relief(episodes).table["n"].iloc[0] > 0
    assert oc.estimate_recurrence(episodes).table["n"].iloc[0] > 0
    with pytest.raises(NotEstimable, match="calendar"):
        oc.review_quarter(episodes)


@pytest.mark.parametrize(
    "more", [["--no-notebooks"], pytest.param([], marks=pytest.mark.slow)], ids=["report", "report and notebooks"]
)
def test_the_report_is_made(tmp_path, more):
    few = tmp_path / "protocol.toml"  # whether it is made, and not what it says, is asked here
    few.write_text("[inference]\nbootstrap_draws = 20\n", encoding="utf-8")
    settings, out = ["--mapping", str(MAPPING), "--protocol", str(few)], tmp_path / "out"
    assert main(["report", str(EXPORT), *settings, "--out", str(out), "--quiet", *more]) == 0
    (page,) = out.glob("*/index.html")
    assert "calendar" in page.read_text(encoding="utf-8")
