"""What simulated clinics would have written down if every rating were the latent pain of its day."""

from __future__ import annotations

import numpy as np

from outcomes.simulate.values import PROFILES

FIELDS = ("patient_id", "clinic_id", "visit_date", "visit_purpose", "pain_pre", "region", "discharge_reason")
START = np.datetime64("1970-01-01")


def latent_scores(simulated):
    """Latent pain of every record on its day, written to a hundredth where a score was recorded."""
    truth, row, cells = simulated.truth, simulated.episode_of_record, simulated.records
    day = (cells["visit_date"].astype("datetime64[D]") - START).astype(int) - truth["start"][row]
    exercise = truth["exercise_day"][row]
    began = np.minimum(np.where(np.isfinite(exercise), exercise, np.inf), day)
    clock = began + (day - began) * np.exp(-PROFILES["chiro"].course.shift_active)
    floor = truth["floor"][row]
    pain = truth["start_pain"][row] * (floor + (1 - floor) * np.exp(-np.maximum(clock, 0) / truth["tau"][row]))
    return [f"{value:.2f}" if text else "" for value, text in zip(pain, cells["pain_pre"], strict=True)]
