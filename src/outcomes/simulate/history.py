"""Patients' whole histories: episode after episode until nobody returns before the data cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from outcomes.simulate.cases import draw_patients, draw_returns, first_treated_group, next_episodes, open_episodes
from outcomes.simulate.visits import last_offsets, run_care, run_maintenance, to_working_days
from outcomes.simulate.world import Table, World


@dataclass(frozen=True, slots=True)
class History:
    """One block of patients: who they are, their episodes (one entry each) and visits (one entry a scheduled visit)."""

    patients: Table
    episodes: Table
    visits: Table


def run_history(rng: np.random.Generator, world: World, n_patients: int) -> History:
    """Draw patients, run their episodes in rounds, and keep the visits inside the window of the export."""
    patients = draw_patients(rng, world, n_patients)
    all_eps: list[Table] = []
    all_rows: list[Table] = []
    who, prior, base = np.arange(n_patients), None, 0
    while who.size:
        eps = open_episodes(rng, world, patients, who, prior)
        rows = _run_round(rng, world, patients, eps)
        rows["episode"] = rows["episode"] + base
        base += len(who)
        all_eps.append(eps)
        all_rows.append(rows)
        returning = np.flatnonzero(eps["return_day"] <= world.cut_day)
        who, prior = eps["patient"][returning], next_episodes(eps, returning)
    episodes = {name: np.concatenate([eps[name] for eps in all_eps]) for name in all_eps[0]}
    visits = {name: np.concatenate([rows[name] for rows in all_rows]) for name in all_rows[0]}
    return History(patients, episodes, _inside_window(world, episodes, visits))


def _run_round(rng: np.random.Generator, world: World, patients: Table, eps: Table) -> Table:
    care = run_care(rng, world, eps)
    eps["last_offset"] = last_offsets(care, len(eps["patient"]))
    relieved = eps["last_better"] | (eps["half_day"] <= eps["last_offset"])
    eps["maintained"] = patients["plans_maintenance"][eps["patient"]] & relieved
    eps |= draw_returns(rng, world, eps)
    eps["concordant_true"] = first_treated_group(eps) == eps["true_group"]
    eps["concordant_identified"] = first_treated_group(eps) == eps["identified_group"]
    upkeep = run_maintenance(rng, world, eps)
    return {name: np.concatenate([care[name], upkeep[name]]) for name in care}


def _inside_window(world: World, episodes: Table, visits: Table) -> Table:
    day = to_working_days(episodes["start"][visits["episode"]] + visits["offset"])
    kept = np.flatnonzero((day >= world.first_day) & (day <= world.cut_day))
    # A missed appointment that ends up on or after the next episode's first day was never made.
    missed = visits["visit"][kept] + (visits["kind"][kept] <= 1) == 0
    kept = kept[~(missed & (day[kept] >= episodes["return_day"][visits["episode"][kept]]))]
    order = kept[np.lexsort((visits["episode"][kept], day[kept], episodes["clinic"][visits["episode"][kept]]))]
    return {name: values[order] for name, values in visits.items()} | {"day": day[order]}
