"""The exercise question written down as the trial one would run, and what these records can stand in for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcomes.questions.trial_table import tabulate_trial

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.definitions import Protocol


def describe_trial(protocol: Protocol) -> pd.DataFrame:
    """Return the parts of the target trial, ideal and as emulated (`trial_table.TRIAL_COLUMNS`)."""
    landmark, day = protocol.recurrence.landmark_days, protocol.horizons_days.primary_recurrence
    least = protocol.reporting_floor.compare_min_episodes
    return tabulate_trial(
        {
            "Eligibility": (
                "Patients relieved of an episode of back spasm and free of relapse.",
                "Relieved inception episodes whose relief was not contradicted within "
                f"{landmark} days and that were still within the records then.",
            ),
            "Strategies": (
                "A supervised exercise programme after relief, or none.",
                f"Any active exercise recorded from the start of the episode and before day {landmark} after relief, "
                "or none; begun on that day it counts as none, for a return can be seen on it already. "
                "Exercise at home that nobody wrote down counts as none.",
            ),
            "Assignment": (
                "At random.",
                "By whatever clinic and patient decided; the arms are made alike in what was recorded by relief "
                "(overlap weights).",
            ),
            "Time zero": (
                "The day of assignment.",
                f"The landmark, {landmark} days after relief: exercise is fully known then, and nobody is counted as "
                "exercising because he or she stayed long enough to begin.",
            ),
            "Follow-up": (
                "A year of regular contact with everybody.",
                f"{day} days, to a return or the clinic's data cut. Only a return to these clinics is seen.",
            ),
            "Outcome": (
                "Pain again, wherever treated.",
                "A new episode in the same region stream, or pain back in care.",
            ),
            "Estimand": (
                f"Difference in the share back within {day} days, as assigned.",
                "The same among patients who, going by the records, might have been in either arm (overlap "
                "population).",
            ),
            "Analysis": (
                "As randomised.",
                "Weighted Kaplan-Meier; interval from draws of patients that estimate the weights again. Refused below "
                f"{least} episodes, {protocol.reporting_floor.compare_min_events} returns or an effective size of "
                f"{protocol.reporting_floor.compare_min_effective_n} in an arm.",
            ),
        }
    )
