"""The question of the identified muscle written down as the trial one would run (see `trial_table`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcomes.questions.adjustment import LEAST_IN_ARM
from outcomes.questions.modality_protocol import describe_family_trial
from outcomes.questions.trial_table import tabulate_trial

if TYPE_CHECKING:
    import pandas as pd

    from outcomes.cases.episodes import Episodes


def describe_concordance_trial(episodes: Episodes) -> pd.DataFrame:
    """Return the parts of the target trial, ideal and as emulated (`trial_table.TRIAL_COLUMNS`).

    What is not said here is as for one family of treatments.

    Parameters
    ----------
    episodes : Episodes
    """
    family = describe_family_trial(episodes)
    said = {part: (ideal, emulated) for part, ideal, emulated in family.itertuples(index=False)}
    ideal, emulated = said["Eligibility"]
    said["Eligibility"] = (
        f"{ideal.rstrip('.')}, and a muscle found in spasm by an examination that others would repeat alike.",
        f"{emulated} Of these, episodes with muscles recorded as found in spasm at their first visit and as treated at "
        "the first treatment visit, both by name. Where either is missing or vague, the episode is described and in "
        f"neither arm. Numbers of muscles found, or treated, with fewer than {LEAST_IN_ARM} episodes of an arm are set "
        "aside.",
    )
    said["Strategies"] = (
        "Begin by treating the muscle found in spasm, or begin by treating another muscle with the same treatments, "
        "as many muscles in either; then as clinician and patient see fit.",
        "Treated at the first treatment visit: the same muscle on the same side, its group, or a collective name "
        "that one is part of; or a neighbouring muscle, another of the region, or one elsewhere. Why another muscle "
        "was treated is not recorded, and nothing published says what treating another muscle does.",
    )
    said["Assignment"] = (
        "At random within each clinician.",
        f"By whatever {_who(episodes)} and patient decided. The arms are made alike in how many muscles were found and "
        "how many treated (the more there are, the likelier one of them is the same), the group of the muscle found, "
        "the first rating, the patient and the complaint, the treatments of that visit, and who treated: habits of "
        "recording and of treating go together, so that patients of the same hands are compared. Assumed: nothing "
        "else decides both what is treated and who is relieved, and who is relieved does not decide what is recorded.",
    )
    return tabulate_trial(said)


def _who(episodes: Episodes) -> str:
    return "clinician" if "clinician" in episodes.visits.columns else "clinic"
