"""The estimates beside the answers R gave on public data (`reference/README.md`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from outcomes.estimators.aft import aft_interval
from outcomes.estimators.counts import mean_at, mean_cumulative
from outcomes.estimators.cox import cox
from outcomes.estimators.curves import (
    aalen_johansen,
    incidence_at,
    kaplan_meier,
    logrank,
    pseudo_observations,
    quantile,
    restricted_mean,
    survival_at,
)
from outcomes.estimators.npmle import npmle
from outcomes.estimators.rates import negative_binomial_rate
from outcomes.estimators.weighting import balance, overlap_weights
from outcomes.selftest.checks import Check, near
from outcomes.selftest.stored import read_answers, read_table


def check_curves() -> list[Check]:
    """Kaplan-Meier with limits, quartiles, restricted mean and pseudo-observations on `lung`."""
    data, answers = read_table("lung"), read_answers()["lung"]
    time, event, want = data["time"], data["event"], answers["km"]
    curve = kaplan_meier(time, event)
    share, low, high, at_risk = survival_at(curve, want["at"])
    quartiles = [quantile(curve, q)[0] for q in (0.25, 0.5, 0.75)]
    mean = restricted_mean(curve, want["rmst"]["tau"])
    weights = np.where(np.arange(1, time.size + 1) % 3 == 0, 2.5, 0.75)
    weighted = survival_at(kaplan_meier(time, event, weights), answers["km_weighted"]["at"])[0]
    pseudo = pseudo_observations(time.astype(int), event.astype(int), answers["pseudo"]["at"])
    return [
        near("Kaplan-Meier, lung: curve as in R", share, want["surv"], 1e-12),
        near("Kaplan-Meier, lung: log-log limits as in R", [low, high], [want["lower"], want["upper"]], 1e-12),
        near("Kaplan-Meier, lung: number at risk as in R", at_risk, want["n_risk"], 0.0),
        near("Kaplan-Meier, lung: quartiles as in R (days)", quartiles, want["quartiles"], 0.0),
        near("Restricted mean, lung: value as in R (days)", mean.value, want["rmst"]["value"], 1e-10),
        near("Restricted mean, lung: standard error as in R (days)", mean.std_err, want["rmst"]["se"], 1e-10),
        near("Weighted Kaplan-Meier, lung: curve as in R", weighted, answers["km_weighted"]["surv"], 1e-12),
        near("Pseudo-observations, lung: first ten as in R", pseudo[:10], answers["pseudo"]["first10"], 1e-10),
    ]


def check_tests() -> list[Check]:
    """Log-rank test of four groups, and in strata, on `veteran`."""
    data, answers = read_table("veteran"), read_answers()["veteran"]
    time, event = data["time"].astype(int), data["event"].astype(int)
    four = logrank(time, event, data["celltype"])
    strata = logrank(time, event, data["trt"].astype(int), data["celltype"])
    return [
        near("Log-rank, veteran: four groups as in R", four.statistic, answers["logrank_celltype"]["chisq"], 1e-10),
        near(
            "Log-rank, veteran: in strata as in R",
            strata.statistic,
            answers["logrank_trt_strat_celltype"]["chisq"],
            1e-10,
        ),
    ]


def check_competing_ends() -> list[Check]:
    """Aalen-Johansen with its standard error on `mgus2`."""
    data, want = read_table("mgus2"), read_answers()["mgus2"]["all"]
    fit = aalen_johansen(data["time"].astype(int), data["cause"].astype(int))
    share = incidence_at(fit, want["at"])[0]
    at = np.searchsorted(fit.time, want["at"], side="right") - 1
    return [
        near("Aalen-Johansen, mgus2: incidence as in R", share, [want["pcm"], want["death"]], 1e-12),
        near(
            "Aalen-Johansen, mgus2: standard error as in R",
            fit.std_err[:, at],
            [want["pcm_se"], want["death_se"]],
            1e-8,
        ),
    ]


def check_intervals() -> list[Check]:
    """Turnbull's curve and accelerated failure times on `cosmesis`, where relief would be seen only at visits."""
    data, answers = read_table("cosmesis"), read_answers()["cosmesis"]
    left, right = data["left"], np.where(np.isnan(data["right"]), np.inf, data["right"])
    both = data["arm"] == "radiotherapy_chemotherapy"
    found = []
    for name, rows in (("npmle_radiotherapy", ~both), ("npmle_chemotherapy", both)):
        fit, want = npmle(left[rows], right[rows]), answers[name]
        found.append(near(f"Turnbull, cosmesis: masses ({name[6:]})", fit.mass, want["mass"], 1e-6))
        found.append(near(f"Turnbull, cosmesis: log-likelihood ({name[6:]})", fit.loglik, want["loglik"], 1e-9))
        found.append(near(f"Turnbull, cosmesis: certificate of the maximum ({name[6:]})", fit.gap, 0.0, 1e-8))
    for family in ("weibull", "loglogistic"):
        fitted, want = aft_interval(both[:, None].astype(float), left, right, family), answers[f"aft_{family}"]
        found.append(near(f"Accelerated failure time, {family}: coefficients as in R", fitted.coef, want["coef"], 1e-6))
        found.append(near(f"Accelerated failure time, {family}: errors as in R", fitted.std_err, want["se"], 1e-6))
    return found


def check_regression() -> list[Check]:
    """Andersen-Gill regression with entry and an error by patient, on `bladder2`."""
    answers = read_answers()
    data = read_table("bladder2")
    rows: dict[str, Any] = {"entry": data["start"], "cluster": data["id"].astype(int)}
    want = answers["bladder2"]["andersen_gill"]
    X = np.column_stack([data[term] for term in _listed(want["term"])])
    fit = cox(X, data["stop"], data["event"].astype(int), **rows)
    return [
        near("Andersen-Gill, bladder2: coefficients as in R", fit.coef, _listed(want["coef"]), 1e-8),
        near("Andersen-Gill, bladder2: errors as in R", fit.std_err, _listed(want["se"]), 1e-8),
        near("Andersen-Gill, bladder2: robust errors as in R", fit.robust_std_err, _listed(want["robust_se"]), 1e-6),
    ]


def check_returns() -> list[Check]:
    """Mean cumulative function on `cgd` and `bladder2`, negative binomial rates on `cgd`."""
    found = []
    for name in ("cgd", "bladder2"):
        data, want = read_table(name), read_answers()[name]["mcf"]
        curve = mean_cumulative(data["id"], data["start"], data["stop"], data["event"])
        at = np.searchsorted(curve.time, want["at"], side="right") - 1
        found.append(near(f"Mean returns, {name}: as in R", mean_at(curve, want["at"])[0], want["mcf"], 1e-10))
        found.append(near(f"Mean returns, {name}: robust error as in R", curve.std_err[at], want["robust_se"], 1e-10))
    data, rates = read_table("cgd"), read_answers("counts")["rates"]
    people = sorted(set(data["id"].tolist()))
    rows = [data["id"] == one for one in people]
    events = [int(data["event"][mine].sum()) for mine in rows]
    days = [float((data["stop"] - data["start"])[mine].sum()) for mine in rows]
    fit = negative_binomial_rate(events, days, [data["treat"][mine][0] for mine in rows])
    return [*found, near("Negative binomial rate, cgd: as in R", np.log(fit.rate), rates["log_rate"], 1e-9)]


def check_weights() -> list[Check]:
    """Overlap weights, balance and effective sample size on `birthwt`."""
    d, want = read_table("birthwt"), read_answers("weighting")["birthwt"]
    X = np.column_stack([d["age"], d["lwt"], d["race"] == 2, d["race"] == 3, d["ht"], d["ui"]]).astype(float)
    fit = overlap_weights(X, d["smoke"])
    both = balance(X, d["smoke"], fit.weights)
    sizes = [fit.ess_treated, fit.ess_control]
    return [
        near("Propensity, birthwt: coefficients as in R", fit.coef, want["coef"], 1e-8),
        near("Balance, birthwt: differences before as in R", both.before, want["smd_before"], 1e-10),
        near("Balance, birthwt: differences after as in R", both.after, np.zeros(6), 1e-10),
        near("Effective sample size, birthwt: as in R", sizes, [want["ess_exposed"], want["ess_unexposed"]], 1e-10),
    ]


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]
